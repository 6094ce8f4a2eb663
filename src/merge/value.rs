//! Writing a value into a document.

use encoding_rs::UTF_8;

use super::Context;
use crate::charset::Charset;
use crate::html::attribute;

/// Writes a value where it stands: escaped as HTML, in a URL percent-encoded (RFC 3986, section 2.1: all but unreserved
/// characters), a whole URL as an attribute value. Characters that the charset lacks become numeric references.
///
/// A value never makes a tag, a reference, or the caller's placeholder for the pixel.
pub(crate) fn write_value(
    value: &str,
    raw: bool,
    context: Context,
    charset: Charset,
    placeholder: &str,
    out: &mut Vec<u8>,
) {
    match context {
        _ if raw => write_raw(value, charset, out),
        // Else the next attribute would become its value.
        Context::Unquoted { is_whole: true } if value.is_empty() => out.extend_from_slice(b"\"\""),
        Context::Unquoted { .. } => attribute::encode(value, None, charset, out),
        Context::UrlStart { quote } => attribute::encode(value, quote, charset, out),
        Context::Url { is_address } => percent_encode(value, is_address, out),
        Context::Attribute => escape(value, charset, "", out),
        Context::Text => escape(value, charset, placeholder, out),
    }
}

/// Writes a value into text that is no markup; a character that the charset lacks becomes `?`.
pub(crate) fn write_plain(value: &str, charset: Charset, out: &mut Vec<u8>) {
    write_by(value, charset, out, |_, out| out.push(b'?'));
}

fn write_raw(value: &str, charset: Charset, out: &mut Vec<u8>) {
    write_by(value, charset, out, numeric);
}

/// Writes a text in a charset. `lacking` writes the characters that it lacks.
fn write_by(value: &str, charset: Charset, out: &mut Vec<u8>, lacking: impl Fn(char, &mut Vec<u8>)) {
    if value.is_ascii() || charset == Charset::Known(UTF_8) {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    let mut buffer = [0; 4];
    for c in value.chars() {
        match charset.encode(c.encode_utf8(&mut buffer)) {
            Some(bytes) => out.extend_from_slice(&bytes),
            None => lacking(c, out),
        }
    }
}

fn escape(value: &str, charset: Charset, placeholder: &str, out: &mut Vec<u8>) {
    let mut from = 0;
    for (at, c) in value.char_indices() {
        let reference: &[u8] = match c {
            '&' => b"&amp;",
            '<' => b"&lt;",
            '>' => b"&gt;",
            '"' => b"&quot;",
            '\'' => b"&#39;",
            // One that the value begins could be ended by what follows.
            _ if begins(&value[at..], placeholder) => {
                write_raw(&value[from..at], charset, out);
                numeric(c, out);
                from = at + c.len_utf8();
                continue;
            }
            _ => continue,
        };
        write_raw(&value[from..at], charset, out);
        out.extend_from_slice(reference);
        from = at + 1;
    }
    write_raw(&value[from..], charset, out);
}

/// Whether the text begins with a word, or is all of its beginning.
fn begins(text: &str, word: &str) -> bool {
    !word.is_empty() && (text.starts_with(word) || word.starts_with(text))
}

fn percent_encode(value: &str, is_address: bool, out: &mut Vec<u8>) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            // RFC 6068, section 2: it stands between the parts of an address.
            b'@' if is_address => out.push(byte),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                out.extend_from_slice(&[
                    b'%',
                    DIGITS[usize::from(byte >> 4)],
                    DIGITS[usize::from(byte & 15)],
                ]);
            }
        }
    }
}

fn numeric(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("&#{};", c as u32).as_bytes());
}
