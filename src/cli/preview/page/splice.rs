//! What a rewrite changed in a document, as edits of its text: nothing else differs between before and after. And the tags of a
//! text, by which the report's offsets are found in it.

use std::ops::Range;

use openclick::Report;
use openclick::source::{Event, Markup, StartTag};

use super::super::edits::{self, Cause, Edit};
use super::super::look::Document;

/// A change: the text at `range` of the text before becomes `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
    /// It puts in an open pixel.
    pub(super) has_pixel: bool,
}

/// The text of a document with its start tags.
pub(super) struct Tagged<'a> {
    pub(super) text: &'a str,
    pub(super) tags: Vec<StartTag<'a>>,
}

/// Where the report's offsets lie among the start tags of a document: the text that is shown may be of another encoding than
/// the bytes that the offsets are of, but it has the same tags.
pub(super) struct Places {
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl<'a> Tagged<'a> {
    /// Reads a text.
    pub(super) fn read(text: &'a str, is_html: bool) -> Tagged<'a> {
        let mut tags = Vec::new();
        if is_html {
            Markup::new(text.as_bytes(), Some("utf-8")).events(|event| {
                if let Event::StartTag(tag) = event {
                    tags.push(tag);
                }
            });
        }
        Tagged { text, tags }
    }
}

impl Places {
    /// Of the document before, if its tags are those of the text.
    pub(super) fn of(document: &Document, text: &Tagged<'_>) -> Option<Places> {
        let mut places = Places { starts: Vec::new(), ends: Vec::new() };
        let mut add = |range: Range<usize>| {
            places.starts.push(range.start);
            places.ends.push(range.end);
        };
        if document.before == document.before_text().as_bytes() {
            text.tags.iter().for_each(|tag| add(tag.range()));
            return Some(places);
        }
        Markup::new(&document.before, Some(document.label())).events(|event| {
            if let Event::StartTag(tag) = event {
                add(tag.range());
            }
        });
        (places.starts.len() == text.tags.len()).then_some(places)
    }

    /// The tag that this offset stands in.
    pub(super) fn tag_at(&self, offset: usize) -> Option<usize> {
        let tag = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        (offset < self.ends[tag]).then_some(tag)
    }
}

/// What an open pixel ends with, as the contract spells it.
const PIXEL: &str = " alt=\"\" width=\"1\" height=\"1\" border=\"0\"";

/// All that was changed, in order.
pub(super) fn splices(report: &Report, document: &Document) -> Vec<Splice> {
    let (before, after) = (document.before_text(), document.after_text());
    if before == after {
        return Vec::new();
    }
    let whole = || vec![Edit { before: 0..before.len(), after: 0..after.len(), cause: Cause::Unlisted }];
    let edits = edits::of_text(document, report).unwrap_or_else(whole);
    let splice = |edit: Edit| {
        let text = &after[edit.after];
        Splice { range: edit.before, text: text.to_owned(), has_pixel: text.contains(PIXEL) }
    };
    edits.into_iter().map(splice).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use openclick::{Delivery, KeyRing, Options};

    use super::super::super::look::Look;
    use super::*;

    /// A page shows each change by itself, in every charset: none of them takes the whole document.
    #[test]
    fn changes_are_told_one_by_one() {
        let options = Options::new("https://track.example.com", KeyRing::from_bytes([7; 32])).unwrap();
        let rewriter = options.build().unwrap();
        let mut documents = 0;
        for folder in ["fixtures/mail", "fixtures/html"] {
            for entry in fs::read_dir(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
                let path = entry.unwrap().path();
                let is_message = match path.extension().and_then(|extension| extension.to_str()) {
                    Some("eml") => true,
                    Some("html") => false,
                    _ => continue,
                };
                let before = fs::read(&path).unwrap();
                let rewritten = match is_message {
                    true => rewriter.rewrite_message(&before, &Delivery::of_message()).unwrap(),
                    false => rewriter.rewrite_html(&before, &Delivery::new("m1")).unwrap(),
                };
                let look = Look::of(is_message, before, rewritten);
                for document in look.documents.iter().filter(|document| document.before != document.after) {
                    let splices = splices(&look.report, document);
                    let (text, mut done, mut changed) = (document.before_text(), 0, String::new());
                    for splice in &splices {
                        changed += &text[done..splice.range.start];
                        changed += &splice.text;
                        done = splice.range.end;
                        assert!(splice.range.len() < 2_000, "{}: {splice:?}", path.display());
                    }
                    changed += &text[done..];
                    assert!(changed == document.after_text(), "{}", path.display());
                    let placed = look
                        .report
                        .pixels
                        .iter()
                        .filter(|pixel| pixel.part == document.part && pixel.place.is_some());
                    let pixels = splices.iter().filter(|splice| splice.has_pixel).count();
                    assert_eq!(pixels, placed.count(), "{}", path.display());
                    documents += 1;
                }
            }
        }
        assert!(documents >= 16, "{documents}");
    }
}
