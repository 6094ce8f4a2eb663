//! `https://example.com[[data-msys-clicktrack="0"]]`: how SparkPost's authors give a link in plain text its attributes.
//!
//! SparkPost documents `data-msys-clicktrack`, `data-msys-unsubscribe` and `data-msys-sublink` in this form
//! (<https://developers.sparkpost.com/api/template-language/#header-custom-link-attributes>, and its article on deep
//! links); `data-msys-linkname` goes with them here. Several in one pair of brackets, or several pairs, are read too.

use std::ops::Range;

use super::flow::Flow;
use crate::charset::Charset;

/// One attribute of a suffix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SuffixAttribute {
    pub(crate) name: Range<usize>,
    /// Without quotes.
    pub(crate) value: Range<usize>,
    /// Name, value and quotes.
    pub(crate) whole: Range<usize>,
}

/// One suffix or several, one directly behind the other.
pub(super) struct Suffix {
    pub(super) range: Range<usize>,
    pub(super) attributes: Vec<SuffixAttribute>,
    /// It can be taken out: in a charset that is not understood, bytes beyond ASCII cannot be touched.
    pub(super) can_go: bool,
}

const NAMES: [&[u8]; 4] =
    [b"data-msys-clicktrack", b"data-msys-linkname", b"data-msys-unsubscribe", b"data-msys-sublink"];

/// No value is longer, nor are there more attributes: a link's name has at most 63 bytes.
const LONGEST_VALUE: usize = 512;
const MOST: usize = 16;

impl Suffix {
    pub(super) fn read(flow: &Flow<'_>, charset: Charset, start: usize) -> Option<Suffix> {
        let mut attributes = Vec::new();
        let mut end = start;
        while let Some(next) = one(flow, end, &mut attributes) {
            end = next;
        }
        if end == start {
            return None;
        }
        let can_go = matches!(charset, Charset::Known(_)) || flow.bytes[start..end].is_ascii();
        Some(Suffix { range: start..end, attributes, can_go })
    }
}

/// Reads one pair of brackets. Returns where it ends.
fn one(flow: &Flow<'_>, start: usize, attributes: &mut Vec<SuffixAttribute>) -> Option<usize> {
    let bytes = flow.bytes;
    if !bytes[start..].starts_with(b"[[") {
        return None;
    }
    let before = attributes.len();
    let mut at = flow.skip_blanks(start + 2);
    while !bytes.get(at..)?.starts_with(b"]]") {
        let attribute = attribute(flow, at).filter(|_| attributes.len() < MOST);
        let Some(attribute) = attribute else {
            attributes.truncate(before);
            return None;
        };
        at = flow.skip_blanks(attribute.whole.end);
        attributes.push(attribute);
    }
    (attributes.len() > before).then_some(at + 2)
}

fn attribute(flow: &Flow<'_>, start: usize) -> Option<SuffixAttribute> {
    let bytes = flow.bytes;
    let length = |name: &[u8]| {
        let is = bytes.get(start..start + name.len())?.eq_ignore_ascii_case(name);
        is.then_some(name.len())
    };
    let name = start..start + NAMES.into_iter().find_map(length)?;
    let equals = flow.skip_blanks(name.end);
    if bytes.get(equals) != Some(&b'=') {
        let (value, whole) = (name.end..name.end, name.clone());
        return matches!(bytes.get(name.end)?, b' ' | b'\t' | b']').then_some(SuffixAttribute {
            name,
            value,
            whole,
        });
    }
    let at = flow.skip_blanks(equals + 1);
    let quote = bytes.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let value_start = at + usize::from(quote.is_some());
    let mut end = value_start;
    loop {
        if end > value_start + LONGEST_VALUE {
            return None;
        }
        match *bytes.get(end)? {
            byte if Some(byte) == quote => break,
            b' ' | b'\t' | b']' if quote.is_none() => break,
            // A line end is none of its characters, unless the line flows on.
            b' ' => end = flow.skip(flow.soft_break(end).unwrap_or(end + 1)),
            0..b' ' | 0x7f if quote.is_some() => return None,
            b'"' | b'\'' | b'<' | b'>' | 0..b' ' | 0x7f if quote.is_none() => return None,
            _ => end = flow.skip(end + 1),
        }
    }
    Some(SuffixAttribute { name, value: value_start..end, whole: start..end + usize::from(quote.is_some()) })
}
