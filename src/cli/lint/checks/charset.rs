//! What the document says of its charset, and whether its bytes agree.

use std::ops::Range;

use encoding_rs::{DecoderResult, Encoding, UTF_8};
use openclick::source::{Message, Part};

use super::super::collector::Collector;
use super::super::finding::Severity;
use super::super::rule;
use super::Page;

pub(super) fn check(page: &Page<'_>, message: Option<&Message<'_>>, findings: &mut Collector<'_>) {
    // As it stands in the file: the text of UTF-16 and ISO-2022-JP is read as something else.
    let part = message.zip(page.document.part).map(|(message, part)| message.part(part as usize));
    let decoded = part.as_ref().and_then(|part| part.decoded());
    let bytes = decoded.as_deref().unwrap_or(&page.document.before);
    let has_8bit = !bytes.is_ascii();
    let header = part.as_ref().and_then(|part| part.charset());
    let mark = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let is_declared = header.is_some() || mark.is_some() || page.facts.meta.is_some();
    if has_8bit && !is_declared {
        let at = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
        let place = place(page, bytes, at);
        let what = if part.is_some() {
            "the part has 8-bit characters and"
        } else {
            "the document has 8-bit characters and"
        };
        findings.add(&rule::NO_CHARSET, place, format!("{what} no charset: clients guess"));
    }
    conflict(page, header, mark, has_8bit, findings);
    // Where none is declared, no byte is wrong.
    if is_declared
        && let Some(at) = Encoding::for_label(page.document.charset.as_bytes())
            .and_then(|encoding| undecodable(encoding, bytes))
    {
        let name = &page.document.charset;
        findings.add(
            &rule::UNDECODABLE,
            place(page, bytes, at),
            format!("the first bytes that are no {name}"),
        );
    }
    if let Some(wrong) = Mislabelled::find(&page.document.charset, bytes) {
        let meta = page.facts.meta.as_ref().map(|(_, label)| label.as_str());
        let label = header.or(meta).unwrap_or(&page.document.charset);
        findings.add(&rule::MISLABELLED, place(page, bytes, wrong.at), wrong.message(label));
    }
    if let Some(part) = part {
        eight_bit(&part, message.map_or(bytes, Message::bytes), findings);
    }
}

/// A text that is UTF-8, whose charset is another one.
pub(super) struct Mislabelled {
    /// The first character that is no ASCII.
    pub(super) at: usize,
    is: char,
    /// What readers see of it.
    shown: String,
}

impl Mislabelled {
    /// Looks for one in a charset of single bytes. By chance a letter over 127 is followed by one that continues it in UTF-8
    /// hardly ever, and all of them never.
    pub(super) fn find(charset: &str, bytes: &[u8]) -> Option<Mislabelled> {
        /// Of a mixture so many of the characters over 127 must be UTF-8, and no fewer.
        const MOST_OTHERS: usize = 10; // percent
        const FEWEST: usize = 10;
        let encoding =
            Encoding::for_label(charset.as_bytes()).filter(|encoding| encoding.is_single_byte())?;
        let (mut first, mut utf8, mut others, mut at) = (None, 0, 0, 0);
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if !c.is_ascii() {
                    first.get_or_insert((at, c));
                    utf8 += 1;
                }
                at += c.len_utf8();
            }
            others += chunk.invalid().len();
            at += chunk.invalid().len();
        }
        let (at, is) = first?;
        let is_utf8 = others == 0 || utf8 >= FEWEST && others * 100 <= utf8 * MOST_OTHERS;
        let shown = encoding.decode_without_bom_handling(&bytes[at..at + is.len_utf8()]).0.into_owned();
        is_utf8.then_some(Mislabelled { at, is, shown })
    }

    /// What to say of it; the charset by its label.
    pub(super) fn message(&self, label: &str) -> String {
        let Mislabelled { is, shown, .. } = self;
        format!("the text is UTF-8, but its charset is {label}: readers see {shown} for {is}")
    }
}

/// A byte over 127 in a part that is 7bit.
pub(super) fn eight_bit(part: &Part<'_>, message: &[u8], findings: &mut Collector<'_>) {
    let body = part.body_range();
    let Some(at) = message[body.clone()].iter().position(|byte| !byte.is_ascii()) else { return };
    if part.encoding() != "7bit" {
        return;
    }
    let is_declared = part.fields().iter().any(|field| field.is("content-transfer-encoding"));
    let says = match is_declared {
        true => "the part is declared as 7bit",
        false => "the part names no Content-Transfer-Encoding and so is 7bit",
    };
    let at = body.start + at;
    findings.add(&rule::EIGHT_BIT_IN_7BIT, at..at + 1, format!("{says}, but here is an 8-bit byte"));
}

/// A place in the bytes as they were before they were made ready to be read.
fn place(page: &Page<'_>, bytes: &[u8], at: usize) -> Range<usize> {
    let is_same = page.markup.bytes().len() == bytes.len();
    let at = if is_same { at } else { 0 };
    page.place(&(at..(at + 1).min(page.markup.bytes().len())))
}

fn conflict(
    page: &Page<'_>,
    header: Option<&str>,
    mark: Option<&'static Encoding>,
    has_8bit: bool,
    findings: &mut Collector<'_>,
) {
    let known = |label: &str| Encoding::for_label(label.as_bytes());
    let meta = page.facts.meta.as_ref();
    let said = [
        mark.map(|encoding| ("the byte order mark says", encoding.name(), Some(encoding))),
        header.map(|label| ("the header says", label, known(label))),
        meta.map(|(_, label)| ("<meta> says", label.as_str(), known(label))),
    ];
    let said: Vec<_> = said.into_iter().flatten().collect();
    let range = meta.map_or(0..0, |(range, _)| range.clone());
    let Some((first, others)) = said.split_first() else { return };
    // A label that nobody knows says nothing that could be compared, but is a mistake.
    let conflicts = |encoding: Option<&'static Encoding>| match (encoding, first.2) {
        (Some(one), Some(other)) => one != other && !(is_utf16(one) && is_utf16(other)),
        _ => false,
    };
    if let Some(other) = others.iter().find(|other| conflicts(other.2)) {
        let message = format!("{} {}, {} {}", first.0, first.1, other.0, other.1);
        // Of ASCII alone all of them make the same.
        let severity = if has_8bit { Severity::Warning } else { Severity::Note };
        findings.find(&rule::CHARSET_CONFLICT, severity, page.place(&range), None, message);
    } else if let Some((says, label, _)) = said.iter().find(|(_, _, encoding)| encoding.is_none())
        && has_8bit
    {
        findings.add(
            &rule::CHARSET_CONFLICT,
            page.place(&range),
            format!("{says} {label}, a charset that nobody knows"),
        );
    }
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE
}

/// The offset of the first bytes that the charset does not have.
fn undecodable(encoding: &'static Encoding, bytes: &[u8]) -> Option<usize> {
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).err().map(|error| error.valid_up_to());
    }
    if encoding.is_single_byte()
        && encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some()
    {
        return None;
    }
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut text = [0u8; 4096];
    let mut at = 0;
    loop {
        let (result, read, _) = decoder.decode_to_utf8_without_replacement(&bytes[at..], &mut text, true);
        at += read;
        match result {
            DecoderResult::Malformed(length, further) => {
                return Some(at.saturating_sub(usize::from(length) + usize::from(further)));
            }
            DecoderResult::InputEmpty => return None,
            DecoderResult::OutputFull => {}
        }
    }
}
