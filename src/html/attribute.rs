//! Attribute values: from the source to what a browser makes of them, and back.

use std::borrow::Cow;

use encoding_rs::UTF_8;
use memchr::{memchr, memchr2, memchr3};

use super::tag::is_space;
use crate::charset::Charset;

/// The value's text as a browser has it in the DOM: charset decoded, NUL replaced, character
/// references resolved in attribute mode. None if the charset cannot decode it.
///
/// <https://html.spec.whatwg.org/multipage/parsing.html#named-character-reference-state>: in an
/// attribute `&copy=1` stays, since `;` is missing and `=` follows.
pub(crate) fn decode(raw: &[u8], charset: Charset) -> Option<Cow<'_, str>> {
    charset.decode(raw).map(resolve)
}

/// A value whose charset is decoded, as [`decode`] has it.
fn resolve(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some(first) = memchr2(0, b'&', text.as_bytes()) else { return text };
    let text = match memchr(0, &text.as_bytes()[first..]) {
        Some(_) => Cow::Owned(text.replace('\0', "\u{fffd}")),
        None => text,
    };
    only_ampersands(&text, first).map_or_else(|| htmlize::unescape_attribute(text), Cow::Owned)
}

/// The destination that a value means whose charset is decoded: [`decode`] and [`trim`] in one. Most hold nothing
/// that is trimmed, and no reference but `&amp;`, which makes nothing of that kind.
pub(crate) fn destination(text: Cow<'_, str>) -> Cow<'_, str> {
    if !has_blanks(text.as_bytes()) {
        let Some(first) = memchr(b'&', text.as_bytes()) else { return text };
        if let Some(resolved) = only_ampersands(&text, first) {
            return Cow::Owned(resolved);
        }
    }
    let resolved = resolve(text);
    let trimmed = match trim(&resolved) {
        Cow::Borrowed(same) if same.len() == resolved.len() => None,
        trimmed => Some(trimmed.into_owned()),
    };
    trimmed.map_or(resolved, Cow::Owned)
}

/// Whether a byte stands among these that [`trim`] may take out, or a NUL.
fn has_blanks(bytes: &[u8]) -> bool {
    const STEP: usize = 16;

    // Without a way out in between, the compiler takes a step at once.
    let in_step = |step: &[u8; STEP]| step.iter().fold(false, |found, &byte| found | (byte <= b' '));
    match bytes.last_chunk::<STEP>() {
        // The last step may have bytes of the one before.
        Some(last) => bytes.as_chunks::<STEP>().0.iter().any(in_step) || in_step(last),
        None => bytes.iter().any(|&byte| byte <= b' '),
    }
}

/// The text with `&amp;` resolved, if it holds no other reference: most URLs that hold any. `first` is where the first
/// `&` stands, or before it.
fn only_ampersands(text: &str, first: usize) -> Option<String> {
    let mut resolved = String::with_capacity(text.len());
    let (mut from, mut at) = (0, first);
    while let Some(length) = memchr(b'&', &text.as_bytes()[at..]) {
        at += length + 1;
        text[at..].starts_with("amp;").then_some(())?;
        resolved.push_str(&text[from..at]);
        at += "amp;".len();
        from = at;
    }
    resolved.push_str(&text[from..]);
    Some(resolved)
}

/// What the URL parser takes of a value: C0 controls and space trimmed at both ends, tab, CR and LF
/// removed. <https://url.spec.whatwg.org/#url-parsing>
pub(crate) fn trim(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(|c: char| c <= ' ');
    if memchr3(b'\t', b'\r', b'\n', text.as_bytes()).is_some() {
        Cow::Owned(text.replace(['\t', '\r', '\n'], ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Writes a text as an attribute value for the quote in use (none: unquoted): `&` as `&amp;`, the
/// quote as a reference, and where there is no quote, white space and ``"'`=<>`` as references.
/// Characters that the charset lacks become numeric references.
pub(crate) fn encode(text: &str, quote: Option<u8>, charset: Charset, out: &mut Vec<u8>) {
    // Sealed URLs need no escaping at all.
    if text.bytes().all(|byte| PLAIN[usize::from(byte)]) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut buffer = [0; 4];
    for c in text.chars() {
        match (c, quote) {
            ('&', _) => out.extend_from_slice(b"&amp;"),
            ('"', Some(b'"') | None) => out.extend_from_slice(b"&quot;"),
            ('\'', Some(b'\'') | None) => out.extend_from_slice(b"&#39;"),
            ('<', None) => out.extend_from_slice(b"&lt;"),
            ('>', None) => out.extend_from_slice(b"&gt;"),
            ('`' | '=', None) => numeric(c, out),
            (c, None) if c.is_ascii() && is_space(c as u8) => numeric(c, out),
            (c, _) if c.is_ascii() => out.push(c as u8),
            (c, _) => {
                let utf8 = c.encode_utf8(&mut buffer);
                match charset {
                    Charset::Known(encoding) if encoding == UTF_8 => out.extend_from_slice(utf8.as_bytes()),
                    // Some encoders unify: Shift_JIS writes the yen sign as a backslash.
                    Charset::Known(encoding) => match encoding.encode(utf8) {
                        (bytes, _, false) if encoding.decode_without_bom_handling(&bytes).0 == *utf8 => {
                            out.extend_from_slice(&bytes);
                        }
                        _ => numeric(c, out),
                    },
                    _ => numeric(c, out),
                }
            }
        }
    }
}

/// Bytes of a URL that mean nothing in any attribute value.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] =
            matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/' | b':' | b'.');
        byte += 1;
    }
    plain
};

fn numeric(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("&#{};", c as u32).as_bytes());
}

/// Text as it is shown: decoded, references resolved, white space folded, at most `most` bytes.
pub(crate) fn shown_text(raw: &[u8], charset: Charset, most: usize) -> String {
    // White space, folded below, may hide the text behind it, but not without end.
    let raw = &raw[..raw.len().min(most * 8)];
    let text = charset.decode(raw).unwrap_or_else(|| match charset {
        Charset::Known(encoding) => encoding.decode_without_bom_handling(raw).0,
        _ => String::from_utf8_lossy(raw),
    });
    let text = if memchr(b'&', text.as_bytes()).is_some() { htmlize::unescape(text) } else { text };
    let mut shown = String::with_capacity(text.len().min(most));
    for word in text.split_ascii_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
        if shown.len() > most {
            break;
        }
    }
    shown.truncate(shown.floor_char_boundary(most));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTF8: Charset = Charset::Known(UTF_8);

    fn decoded(raw: &str) -> String {
        decode(raw.as_bytes(), UTF8).map(|text| trim(&text).into_owned()).unwrap()
    }

    #[test]
    fn values_as_a_browser_reads_them() {
        assert_eq!(decoded("http://x/?a=1&copy=2"), "http://x/?a=1&copy=2");
        assert_eq!(decoded("http://x/?a=1&copy;2"), "http://x/?a=1©2");
        assert_eq!(decoded("http://x/?a=1&amp;b&#38;c&#x26;d"), "http://x/?a=1&b&c&d");
        assert_eq!(decoded("http://é/?a&amp;amp;b&amp;&amp;é"), "http://é/?a&amp;b&&é");
        assert_eq!(decoded("http://x/?a&amp;b&amp"), "http://x/?a&b&");
        assert_eq!(decoded("http://x/?a&amp;b&amp=1&c"), "http://x/?a&b&amp=1&c");
        assert_eq!(decoded("http://x/?q=&eacute;&notit;"), "http://x/?q=é&notit;");
        assert_eq!(decoded(" \t http://x/\n?a \0"), "http://x/?a \u{fffd}");
        assert_eq!(decoded("&#10;http://x/"), "http://x/");
        assert_eq!(decode(b"http://x/\xe9", UTF8), None);
        assert_eq!(decode(b"http://x/\xe9", Charset::of_label("latin1")).as_deref(), Some("http://x/é"));
        assert_eq!(decode(b"http://x/\xe9", Charset::Unknown), None);
    }

    #[test]
    fn written_values_are_read_back() {
        for charset in ["utf-8", "latin1", "shift_jis", "gb18030", "koi8-r", "unknown"] {
            let charset = Charset::of_label(charset);
            for quote in [None, Some(b'"'), Some(b'\'')] {
                for text in
                    ["http://x/?a=1&amp;b=\"'`<>é日\u{1f600}", "http://x/&copy=1&#38;", "http://x/a b\tc"]
                {
                    let mut out = Vec::new();
                    encode(text, quote, charset, &mut out);
                    assert_eq!(decode(&out, charset).unwrap(), text);
                }
            }
        }
    }

    /// Every character, in every charset that has more than one byte a character or encodes to unify.
    #[test]
    fn every_character_is_read_back() {
        for label in ["shift_jis", "euc-jp", "euc-kr", "gbk", "gb18030", "big5", "windows-1252", "koi8-u"] {
            let charset = Charset::of_label(label);
            let mut out = Vec::new();
            for c in ('\u{80}'..=char::MAX).filter(|c| (*c as u32) < 0x1_0000) {
                out.clear();
                let text = c.to_string();
                encode(&text, Some(b'"'), charset, &mut out);
                // A numeric reference cannot name a C1 control: browsers read it as windows-1252.
                if !c.is_control() {
                    assert_eq!(decode(&out, charset).as_deref(), Some(text.as_str()), "{label} {c:?}");
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn destinations_are_values_decoded_and_trimmed(raw in "[ \t\n\0]{0,2}(https://x/|&amp;|&#10;|&copy;?|&|=|[a-zé]{0,20}|[\0\r ]){0,9}[ \t]?") {
            let slow = decode(raw.as_bytes(), UTF8).map(|text| trim(&text).into_owned());
            let quick = UTF8.decode(raw.as_bytes()).map(|text| destination(text).into_owned());
            proptest::prop_assert_eq!(quick, slow);
        }

        /// As it was first written.
        #[test]
        fn ampersands_are_resolved_as_all_references_are(text in "(&amp;|&amp|&|a|é|=|&lt;){0,12}") {
            let all = htmlize::unescape_attribute(text.as_str());
            proptest::prop_assert_eq!(resolve(Cow::Borrowed(&text)), all);
        }
    }

    #[test]
    fn shown_text_is_folded_and_cut() {
        assert_eq!(shown_text(b"  a\n&amp;\tb ", UTF8, 200), "a & b");
        assert_eq!(shown_text("ééé".as_bytes(), UTF8, 3), "é");
    }
}
