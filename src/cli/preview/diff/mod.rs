//! The source before and after, as `diff -u` shows it.

mod hunks;
mod line;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use openclick::source::{Markup, Message};

use super::super::terminal::{Screen, Tone, safe};
use super::edits::{self, Edit};
use super::look::{Document, Look};

/// What differs in a document, or in a message's header.
pub(super) struct Difference<'a> {
    /// Where in the mail, such as `1.2` or `header`; empty for an HTML document.
    place: String,
    charset: Option<String>,
    before: Cow<'a, [u8]>,
    after: Cow<'a, [u8]>,
    /// At least one.
    edits: Vec<Edit>,
}

/// All differences of a mail, in its order.
pub(super) fn differences(look: &Look) -> Vec<Difference<'_>> {
    let header = look.is_message.then(|| header(look));
    let documents = look.documents.iter().map(|document| of_document(look, document));
    header.into_iter().chain(documents).filter(|difference| !difference.edits.is_empty()).collect()
}

/// A field that was put in, brought up to date or taken out.
fn header(look: &Look) -> Difference<'_> {
    let (before, after) = (block(&look.before), block(&look.after));
    Difference {
        place: "header".to_owned(),
        charset: None,
        edits: edits::unlisted(before, after),
        before: Cow::Borrowed(before),
        after: Cow::Borrowed(after),
    }
}

fn block(message: &[u8]) -> &[u8] {
    &message[..Message::parse(message).part(0).header_range().end]
}

fn of_document<'a>(look: &Look, document: &'a Document) -> Difference<'a> {
    let place = document.path.clone();
    // Its bytes hide what is no ASCII, and a line of them may begin in any state.
    if document.charset == "ISO-2022-JP" {
        let (before, after) = (document.before_text().as_bytes(), document.after_text().as_bytes());
        let edits = edits::of_text(document, &look.report).unwrap_or_else(|| edits::unlisted(before, after));
        return Difference { place, charset: None, before: before.into(), after: after.into(), edits };
    }
    let edits = edits::edits(&document.before, &document.after, &look.report, document.part);
    let charset = Some(document.label().to_owned());
    Difference { place, charset, before: (&document.before).into(), after: (&document.after).into(), edits }
}

impl Difference<'_> {
    /// Bytes of one side as they are shown.
    fn decode<'b>(&self, bytes: &'b [u8], range: Range<usize>) -> Cow<'b, str> {
        match &self.charset {
            Some(charset) => Markup::new(bytes, Some(charset)).decode(range),
            None => String::from_utf8_lossy(&bytes[range]),
        }
    }
}

/// Writes differences; of long lines what changes and what stands beside it, unless whole lines are asked for.
pub(super) fn write(
    out: &mut impl Write,
    screen: Screen,
    differences: &[Difference<'_>],
    name: &str,
    is_whole: bool,
) -> io::Result<()> {
    for difference in differences {
        let place =
            if difference.place.is_empty() { String::new() } else { format!("#{}", difference.place) };
        let name = safe(&format!("{name}{place}"));
        writeln!(out, "{}", screen.paint(Tone::Heading, format_args!("--- before/{name}")))?;
        writeln!(out, "{}", screen.paint(Tone::Heading, format_args!("+++ after/{name}")))?;
        hunks::write(out, screen, difference, is_whole)?;
    }
    Ok(())
}
