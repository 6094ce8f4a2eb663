//! Header fields with values in them: nothing that a value holds can end the field, add an address, or leave ASCII.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Context, Field, write_value};
use crate::charset::Charset;
use crate::error::{Error, ErrorKind, Result};
use crate::options::Delivery;

/// Fields that hold addresses (RFC 5322, sections 3.6.2, 3.6.3 and 3.6.6; RFC 8098; and what others write).
const ADDRESSES: [&str; 19] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Return-Path",
    "Delivered-To",
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "Errors-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
    "Apparently-To",
];

/// How long a line of a field should be (RFC 5322, section 2.1.1).
const LINE: usize = 78;

/// The octets in one encoded word in Base64: the word has at most 75 characters (RFC 2047, section 2).
const WORD: usize = 45;

/// Whether a field holds addresses.
pub(crate) fn has_addresses(name: &str) -> bool {
    ADDRESSES.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// The longest word that stands as it is: with its name a line has at most 998 octets.
const MOST_WORD: usize = 900;

/// What stands around a place in a field's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    Quotes,
    /// `<…>`
    Angle,
    /// `(…)` of an address field, so deep.
    Comment(u32),
}

/// The text of a field's value with its fields filled. `value` is unfolded; ranges are those in it.
///
/// # Errors
/// If a value is missing, or one in `<…>` could not be part of an address.
pub(crate) fn fill(name: &str, value: &str, fields: &[Field], delivery: &Delivery) -> Result<String> {
    let mut text = String::with_capacity(value.len() + 64);
    let mut around = Around::Nothing;
    let mut done = 0;
    // Where the `<` before opened.
    let mut angle = 0;
    let mut escaped = false;
    for field in fields {
        let before = &value[done..field.range.start];
        for (at, c) in before.char_indices() {
            around = match (around, c) {
                _ if std::mem::take(&mut escaped) => around,
                (Around::Quotes | Around::Comment(_), '\\') => {
                    escaped = true;
                    around
                }
                (Around::Nothing, '"') => Around::Quotes,
                (Around::Quotes, '"') | (Around::Angle, '>') => Around::Nothing,
                (Around::Nothing, '(') if has_addresses(name) => Around::Comment(1),
                (Around::Comment(depth), '(') => Around::Comment(depth + 1),
                (Around::Comment(1), ')') => Around::Nothing,
                (Around::Comment(depth), ')') => Around::Comment(depth - 1),
                (Around::Nothing, '<') => {
                    angle = text.len() + at + 1;
                    Around::Angle
                }
                _ => around,
            };
        }
        text.push_str(before);
        done = field.range.end;
        if std::mem::take(&mut escaped) {
            text.push('\\'); // the author's own, which would make the value's first character another
        }
        let is_name = value[done..].split(',').next().is_some_and(|rest| rest.contains('<'));
        let filled = one_line(field.value(delivery)?);
        match around {
            Around::Angle if text[angle..].contains(':') => {
                let mut url = Vec::new();
                let is_address = text[angle..].get(..7).is_some_and(|s| s.eq_ignore_ascii_case("mailto:"));
                let utf8 = Charset::Known(encoding_rs::UTF_8);
                write_value(&filled, false, Context::Url { is_address }, utf8, "", &mut url);
                text.push_str(&String::from_utf8_lossy(&url)); // it is ASCII
            }
            Around::Angle
                if has_addresses(name) && !is_of_address(&filled)
                    || filled.contains(['<', '>', ' ', '"']) =>
            {
                return Err(Error::new(
                    ErrorKind::Delivery,
                    format!("expected a value of `{}` that can stand in `<…>` in `{name}`", field.name),
                ));
            }
            Around::Quotes => text.extend(filled.chars().flat_map(|c| {
                let escape = matches!(c, '"' | '\\').then_some('\\');
                escape.into_iter().chain([c])
            })),
            Around::Comment(_) => text.push_str(&filled.replace(['(', ')', '\\'], " ")),
            Around::Nothing if has_addresses(name) && !is_phrase(&filled, is_name) => {
                text.push('"');
                text.push_str(&filled.replace('\\', "\\\\").replace('"', "\\\""));
                text.push('"');
            }
            Around::Nothing | Around::Angle => text.push_str(&filled),
        }
    }
    text.push_str(&value[done..]);
    Ok(text)
}

/// A value on one line: what would end it becomes a space, with the blanks around it.
fn one_line(value: &str) -> Cow<'_, str> {
    if !value.contains(char::is_control) {
        return Cow::Borrowed(value);
    }
    let lines = value.split(char::is_control).map(str::trim).filter(|line| !line.is_empty());
    Cow::Owned(lines.collect::<Vec<_>>().join(" "))
}

/// Whether nothing in it means anything in an address.
fn is_of_address(value: &str) -> bool {
    value.is_ascii()
        && !value.is_empty()
        && !value.contains([' ', '<', '>', '(', ')', ',', ';', ':', '"', '\\', '[', ']'])
}

/// Whether it means in an address field what it says: words or, where no address follows them, an address.
fn is_phrase(value: &str, is_name: bool) -> bool {
    !value.contains(['<', '>', '(', ')', ',', ';', ':', '"', '\\', '[', ']'])
        && !value.contains("=?") // it would be read as an encoded word
        && (!value.contains('@') || !value.contains(' ') && !is_name)
        // A dot in words must be quoted (RFC 5322, section 3.4).
        && (!value.contains('.') || value.contains('@') || !value.contains(' '))
}

/// Writes the value of a header field, ASCII and folded: what is beyond ASCII in encoded words (RFC 2047). `name` and `: `
/// stand before it, and no line end follows.
pub(crate) fn write_value_of(name: &str, text: &str, line_end: &str, out: &mut Vec<u8>) {
    let is_kept = if has_addresses(name) { is_short } else { is_plain };
    let words = match () {
        // As it stands, with all its blanks.
        () if text.split(' ').all(is_kept) => text.trim().split(' ').map(str::to_owned).collect(),
        () if has_addresses(name) => address_words(text),
        () => text_words(text),
    };
    let mut column = name.len() + 1;
    for (index, word) in words.iter().enumerate() {
        if index > 0 && !word.is_empty() && column + 1 + word.len() > LINE {
            out.extend_from_slice(line_end.as_bytes());
            column = 0;
        }
        out.push(b' ');
        out.extend_from_slice(word.as_bytes());
        column += 1 + word.len();
    }
}

/// The words between spaces; neighbours beyond ASCII are encoded together, with what stands between them.
fn text_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut beyond = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if is_plain(word) {
            encoded_words(&std::mem::take(&mut beyond), &mut words);
            words.push(word.to_owned());
        } else {
            if !beyond.is_empty() {
                beyond.push(' ');
            }
            beyond.push_str(word);
        }
    }
    encoded_words(&beyond, &mut words);
    words
}

/// Whether a word is written as it is: it is ASCII, looks like no encoded word, and is no longer than a line may be.
fn is_plain(word: &str) -> bool {
    is_short(word) && !word.contains("=?")
}

/// In address fields the author's encoded words stay: decoded, a comma in one would part addresses.
fn is_short(word: &str) -> bool {
    word.is_ascii() && word.len() <= MOST_WORD
}

/// The words of a list of addresses. Quoted strings beyond ASCII are encoded without their quotes; what stands in `<…>`
/// stays.
fn address_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = match rest.as_bytes()[0] {
            b'"' => end_of_quotes(rest),
            b'<' => rest.find('>').map_or(rest.len(), |end| end + 1),
            _ => rest.find([' ', '"', '<', ',']).unwrap_or(rest.len()).max(1),
        };
        // A comma belongs to the word before it.
        let commas = rest[end..].bytes().take_while(|byte| *byte == b',').count();
        let (word, after) = rest.split_at(end);
        let (commas, after) = after.split_at(commas);
        rest = after.trim_start();
        if is_short(word) || word.starts_with('<') {
            words.push(format!("{word}{commas}"));
            continue;
        }
        match word.strip_prefix('"') {
            Some(inside) => encoded_words(&unescaped(inside.strip_suffix('"').unwrap_or(inside)), &mut words),
            None => encoded_words(word, &mut words),
        }
        words.extend((!commas.is_empty()).then(|| commas.to_owned()));
    }
    words
}

/// Where a quoted string ends.
fn end_of_quotes(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        out.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    out
}

/// A text as encoded words, each of whole characters.
fn encoded_words(text: &str, words: &mut Vec<String>) {
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, after) = rest.split_at(end);
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
    }
}
