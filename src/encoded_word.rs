//! Encoded words, `=?charset?q?…?=` (RFC 2047): text beyond ASCII in a header.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, UTF_8};
use memchr::memmem;

/// A text with its encoded words decoded to UTF-8; borrowed where there are none.
///
/// What is not quite one stays as it stands. Where RFC 2047 §5 asks for white space around a word this does not: JSON in
/// headers has them inside its strings. White space between two words goes (§6.2); the bytes of neighbours in one charset
/// are joined before they are decoded, since encoders split characters between words (against §5, and often).
pub(crate) fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    let mut decoded = Vec::new();
    // What was decoded of the words that stand next to each other.
    let mut pending: Option<(&'static Encoding, Vec<u8>)> = None;
    let (mut done, mut from) = (0, 0);
    let mut found = false;
    while let Some(at) = memmem::find(&text[from..], b"=?").map(|at| from + at) {
        let Some((length, charset, bytes)) = word(&text[at..]) else {
            from = at + 2;
            continue;
        };
        let between = &text[done..at];
        match &mut pending {
            Some((before, joined)) if between.iter().all(u8::is_ascii_whitespace) && *before == charset => {
                joined.extend_from_slice(&bytes);
            }
            Some(_) => {
                flush(pending.take(), &mut decoded);
                if !between.iter().all(u8::is_ascii_whitespace) {
                    decoded.extend_from_slice(between);
                }
                pending = Some((charset, bytes));
            }
            None => {
                decoded.extend_from_slice(between);
                pending = Some((charset, bytes));
            }
        }
        found = true;
        done = at + length;
        from = done;
    }
    if !found {
        return Cow::Borrowed(text);
    }
    flush(pending, &mut decoded);
    decoded.extend_from_slice(&text[done..]);
    Cow::Owned(decoded)
}

fn flush(pending: Option<(&'static Encoding, Vec<u8>)>, decoded: &mut Vec<u8>) {
    if let Some((charset, bytes)) = pending {
        let (text, _) = charset.decode_without_bom_handling(&bytes);
        decoded.extend_from_slice(text.as_bytes());
    }
}

/// The encoded word at the start: its length, its charset, its bytes.
fn word(text: &[u8]) -> Option<(usize, &'static Encoding, Vec<u8>)> {
    /// RFC 2047 §2 has 75 in all; encoders write longer ones. A bound keeps the search for an end linear.
    const LONGEST: usize = 2048;

    let text = &text[..text.len().min(LONGEST)];
    let label_end = 2 + text.get(2..)?.iter().position(|byte| *byte == b'?')?;
    let label = &text[2..label_end];
    // RFC 2231 §5: a language may follow the charset.
    let label = label.split(|byte| *byte == b'*').next()?;
    if label.len() > 40 || text.get(label_end + 2) != Some(&b'?') {
        return None;
    }
    let charset = match label {
        _ if label.eq_ignore_ascii_case(b"us-ascii") => UTF_8,
        _ => Encoding::for_label_no_replacement(label)?,
    };
    let start = label_end + 3;
    let end = start + memmem::find(&text[start..], b"?=")?;
    let payload = &text[start..end];
    if payload.contains(&b'?') || payload.iter().any(|byte| !(b' '..=b'~').contains(byte)) {
        return None;
    }
    let bytes = match text[label_end + 1] {
        b'q' | b'Q' => quoted(payload)?,
        b'b' | b'B' => BASE64.decode(payload).ok()?,
        _ => return None,
    };
    Some((end + 2, charset, bytes))
}

/// Padding is left out, or written in the middle of a text that was cut into words.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// RFC 2047 §4.2.
fn quoted(payload: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: Option<&u8>| (*byte? as char).to_digit(16).map(|digit| digit as u8);
    let mut bytes = Vec::with_capacity(payload.len());
    let mut at = 0;
    while let Some(byte) = payload.get(at) {
        at += 1;
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => {
                at += 2;
                digit(payload.get(at - 2))? << 4 | digit(payload.get(at - 1))?
            }
            byte => *byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(encoded: &str) -> String {
        String::from_utf8_lossy(&decode(encoded.as_bytes())).into_owned()
    }

    #[test]
    fn words_of_every_kind() {
        for (encoded, decoded) in [
            ("plain =? text", "plain =? text"),
            ("=?utf-8?Q?Fr=C3=BChling_1?=", "Frühling 1"),
            ("=?ISO-8859-1?q?Fr=fchling?= x", "Frühling x"),
            ("a =?UTF-8?B?w7w=?= b", "a ü b"),
            ("=?UTF-8?B?w7w?=", "ü"),
            ("=?utf-8*de?q?=C3=BC?=", "ü"),
            ("=?us-ascii?q?a=20b?=", "a b"),
            // A character that was cut in two, and white space between words.
            ("=?utf-8?q?=C3?=\r\n =?utf-8?q?=BC?=", "ü"),
            ("=?utf-8?q?a?= =?iso-8859-1?q?b?= c", "ab c"),
            // What is not quite a word.
            ("=?nonsense?q?a?=", "=?nonsense?q?a?="),
            ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
            ("=?utf-8?q?a=?=", "=?utf-8?q?a=?="),
            ("=?utf-8?q?a", "=?utf-8?q?a"),
            ("=?utf-8?b?a?b?=", "=?utf-8?b?a?b?="),
            ("=?=?utf-8?q?a?=", "=?a"),
        ] {
            assert_eq!(text(encoded), decoded, "{encoded}");
        }
    }

    #[test]
    fn many_beginnings_take_no_time() {
        let start = std::time::Instant::now();
        assert_eq!(decode(&b"=?utf-8?q?".repeat(6_500)).len(), 65_000);
        assert!(start.elapsed().as_secs() < 5);
    }

    proptest::proptest! {
        #[test]
        fn never_a_panic(text in "(=\\?|utf-8|\\?[qb]\\?|[a=_ ]|=C3|\\?=){0,20}") {
            let _ = decode(text.as_bytes());
        }
    }
}
