//! Finding merge tags.

use std::ops::Range;

use encoding_rs::{BIG5, Encoding, GB18030, GBK, SHIFT_JIS};
use memchr::{memchr3, memmem};

use super::{Field, Fields, MergeSyntax};
use crate::charset::Charset;

/// The longest tag, in bytes: what ends further on belongs to no tag.
const MOST_TAG: usize = 512;

/// The longest name.
const MOST_NAME: usize = 64;

/// All merge tags of these syntaxes. The caller's own placeholder for the pixel is none.
pub(crate) fn find(bytes: &[u8], syntaxes: &[MergeSyntax], placeholder: &[u8]) -> Fields {
    let mut found = Fields::default();
    let mut at = 0;
    while let Some(next) = memchr3(b'{', b'*', b'%', &bytes[at..]) {
        at += next;
        let rest = &bytes[at..];
        if !placeholder.is_empty() && rest.starts_with(placeholder) {
            at += placeholder.len();
            continue;
        }
        at += match syntaxes.iter().find_map(|&syntax| tag(rest, syntax)) {
            None => 1,
            Some(Tag { length, what: None }) => {
                found.others.push(at..at + length);
                length
            }
            Some(Tag { length, what: Some(What { name, raw, default }) }) => {
                let range: Range<usize> = at..at + length;
                let default = default.map(Into::into);
                found.fields.push(Field { range, name: name.into(), raw, default });
                length
            }
        };
    }
    found
}

/// The same in a text of this charset: in some, the second byte of a character may look like a brace.
pub(crate) fn find_in(
    bytes: &[u8],
    charset: Charset,
    syntaxes: &[MergeSyntax],
    placeholder: &[u8],
) -> Fields {
    match charset {
        Charset::Known(encoding) if [SHIFT_JIS, GBK, GB18030, BIG5].contains(&encoding) => {
            find(&masked(bytes, encoding), syntaxes, placeholder)
        }
        _ => find(bytes, syntaxes, placeholder),
    }
}

/// The bytes with the second byte of each character hidden. <https://encoding.spec.whatwg.org/#shift_jis-decoder>; in the
/// other charsets every byte beyond ASCII but 0x80 and 0xFF begins a character.
fn masked(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
    let is_lead = |byte| match byte {
        0xa0..=0xdf => encoding != SHIFT_JIS, // half-width katakana
        byte => matches!(byte, 0x81..=0xfe),
    };
    let mut masked = bytes.to_vec();
    let mut at = 0;
    while at + 1 < masked.len() {
        if is_lead(masked[at]) {
            at += 1;
            masked[at] = 0xff;
        }
        at += 1;
    }
    masked
}

/// A merge tag at the beginning of the bytes.
struct Tag<'a> {
    length: usize,
    /// None if it is no field.
    what: Option<What<'a>>,
}

struct What<'a> {
    name: &'a str,
    raw: bool,
    default: Option<&'a str>,
}

fn tag(bytes: &[u8], syntax: MergeSyntax) -> Option<Tag<'_>> {
    match syntax {
        MergeSyntax::Mustache => match enclosed(bytes, b"{{{", b"}}}") {
            Some((inside, length)) => Some(Tag { length, what: mustache(inside, true) }),
            None => {
                let (inside, length) =
                    enclosed(bytes, b"{{", b"}}").or_else(|| enclosed(bytes, b"{%", b"%}"))?;
                let what = bytes.starts_with(b"{{").then(|| mustache(inside, false)).flatten();
                Some(Tag { length, what })
            }
        },
        MergeSyntax::Mailchimp => {
            let (inside, length) = enclosed(bytes, b"*|", b"|*")?;
            let what = is_name(inside, false).then_some(What { name: inside, raw: false, default: None });
            Some(Tag { length, what })
        }
        MergeSyntax::Salesforce => {
            let (inside, length) = enclosed(bytes, b"%%", b"%%")?;
            // `100%%` and `%%20` are no tags of anybody's.
            let field = is_name(inside, true);
            let is_script = inside.starts_with('=') && inside.ends_with('=') || inside.starts_with('[');
            (field || is_script).then(|| Tag {
                length,
                what: field.then_some(What { name: inside, raw: false, default: None }),
            })
        }
        MergeSyntax::Mailgun => {
            let (inside, length) = enclosed(bytes, b"%recipient.", b"%")?;
            let what = What { name: inside, raw: false, default: None };
            is_name(inside, false).then_some(Tag { length, what: Some(what) })
        }
    }
}

/// What stands between two delimiters, on at most [`MOST_TAG`] bytes, and the length of the whole.
fn enclosed<'a>(bytes: &'a [u8], open: &[u8], close: &[u8]) -> Option<(&'a str, usize)> {
    let rest = bytes.strip_prefix(open)?;
    let end = memmem::find(&rest[..rest.len().min(MOST_TAG)], close)?;
    let inside = std::str::from_utf8(&rest[..end]).ok()?;
    Some((inside, open.len() + end + close.len()))
}

/// The inside of `{{…}}`: a name, perhaps with a default.
fn mustache(inside: &str, raw: bool) -> Option<What<'_>> {
    let inside = inside.trim_ascii();
    let end = inside.bytes().position(|byte| !is_name_byte(byte)).unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    if !is_name(name, false) {
        return None;
    }
    let after_name = rest.trim_ascii_start();
    if after_name.is_empty() {
        return Some(What { name, raw, default: None });
    }
    let quoted = match after_name.strip_prefix("or") {
        Some(quoted) if rest.starts_with(|c: char| c.is_ascii_whitespace()) => quoted,
        _ => {
            let filter =
                after_name.strip_prefix('|')?.trim_ascii_start().strip_prefix("default")?.trim_ascii();
            match filter.strip_prefix(':') {
                Some(quoted) => quoted,
                None => filter.strip_prefix('(')?.strip_suffix(')')?, // Jinja, Twig
            }
        }
    };
    let default = unquoted(quoted.trim_ascii())?;
    Some(What { name, raw, default: Some(default) })
}

/// What stands in quotes; none if anything else stands there.
fn unquoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inside.contains(quote)).then_some(inside)
}

fn is_name(name: &str, spaces: bool) -> bool {
    name.len() <= MOST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| is_name_byte(byte) || spaces && byte == b' ')
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}
