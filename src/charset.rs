//! Which charset a raw HTML document has, and whether its markup can be scanned as bytes.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252, X_USER_DEFINED};

use crate::html::tag::{Attributes, TagState, end_of_tag, is_space};

/// How many bytes of a document are looked at for `<meta charset>`.
/// <https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding>
pub(crate) const PRESCAN: usize = 1024;

/// What attribute values are decoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// An encoding whose markup is ASCII.
    Known(&'static Encoding),
    /// A label that nobody knows: an ASCII superset for all we know, so only ASCII values are read.
    Unknown,
    /// Markup cannot be found byte by byte (UTF-16, ISO-2022-JP, UTF-7, `replacement`).
    Unscannable(&'static str),
}

impl Charset {
    pub(crate) fn of_label(label: &str) -> Charset {
        let label = label.trim();
        if ["utf-7", "unicode-1-1-utf-7", "csunicode11utf7"].iter().any(|l| label.eq_ignore_ascii_case(l)) {
            return Charset::Unscannable("UTF-7");
        }
        match Encoding::for_label(label.as_bytes()) {
            None => not_ascii(label).map_or(Charset::Unknown, Charset::Unscannable),
            Some(encoding) if encoding == REPLACEMENT || !encoding.is_ascii_compatible() => {
                Charset::Unscannable(encoding.name())
            }
            Some(encoding) => Charset::Known(encoding),
        }
    }

    /// The text of these bytes; none if the charset cannot decode them.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Charset::Known(encoding) if encoding == UTF_8 => {
                std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
            }
            _ if bytes.is_ascii() => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Charset::Known(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
            Charset::Unknown | Charset::Unscannable(_) => None,
        }
    }

    /// A text in this charset; none if it lacks a character of it.
    pub(crate) fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        if text.is_ascii() {
            return Some(Cow::Borrowed(text.as_bytes()));
        }
        let Charset::Known(encoding) = self else { return None };
        let (bytes, _, has_unmappable) = encoding.encode(text);
        // Some encoders unify: Shift_JIS writes the yen sign as a backslash.
        (!has_unmappable && self.decode(&bytes).as_deref() == Some(text)).then_some(bytes)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Charset::Known(encoding) => encoding.name(),
            Charset::Unknown => "unknown",
            Charset::Unscannable(name) => name,
        }
    }
}

/// Charsets that no browser knows, but whose names are known not to be supersets of ASCII
/// (<https://www.iana.org/assignments/character-sets>): what was put into them would be garbage, or make garbage of the rest.
fn not_ascii(label: &str) -> Option<&'static str> {
    let name: String =
        label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let name = name.strip_prefix("cs").unwrap_or(&name);
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    match () {
        () if starts(&["utf32", "ucs4", "iso10646ucs4", "u32"]) => Some("UTF-32"),
        () if starts(&["utf16", "ucs2", "iso10646", "u16", "unicode"]) => Some("UTF-16 by another name"),
        () if starts(&["scsu", "bocu"]) => Some("SCSU"),
        () if starts(&["ebcdic"]) => Some("EBCDIC"),
        () => {
            let page = ["ibm", "cp"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
            let page: u16 = page.get(..page.len().min(4))?.parse().ok()?;
            let is_ebcdic = matches!(
                page,
                37 | 256 | 273..=275 | 277 | 278 | 280 | 281 | 284 | 285 | 290 | 297
            ) || matches!(
                page,
                420 | 423 | 424 | 500 | 833 | 836..=838 | 870 | 871 | 875 | 880 | 905 | 918
            ) || matches!(page, 924 | 930 | 933 | 935 | 937 | 939 | 1025..=1027 | 1047 | 1112 | 1122 | 1123 | 1140..=1149);
            is_ebcdic.then_some("EBCDIC")
        }
    }
}

/// Whether [`sniff`] says the same however a document that begins with `start` goes on.
pub(crate) fn enough_to_sniff(start: &[u8], option: Option<Charset>) -> bool {
    // A byte order mark has at most three bytes.
    start.len() >= PRESCAN || start.len() >= 3 && (option.is_some() || Encoding::for_bom(start).is_some())
}

/// The charset of a document that begins with `start` (at least [`PRESCAN`] bytes, or all of it), and
/// the length of its byte order mark.
///
/// The caller's option wins, then a byte order mark, then `<meta charset>`, else UTF-8.
pub(crate) fn sniff(start: &[u8], option: Option<Charset>) -> (Charset, usize) {
    let mark = Encoding::for_bom(start);
    let length = mark.map_or(0, |(_, length)| length);
    if let Some(option) = option {
        let skip =
            if option == Charset::Known(UTF_8) || mark.is_some_and(|(e, _)| e == UTF_8) { length } else { 0 };
        return (option, skip);
    }
    if let Some((encoding, length)) = mark {
        return (Charset::of_label(encoding.name()), length);
    }
    (prescan(&start[..start.len().min(PRESCAN)]).unwrap_or(Charset::Known(UTF_8)), 0)
}

fn prescan(bytes: &[u8]) -> Option<Charset> {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        if byte != b'<' {
            at += 1;
        } else if rest.starts_with(b"<!--") {
            // `<!-->` ends at once: its dashes serve both ends.
            at += 4 + memchr::memmem::find(&rest[2..], b"-->")?.saturating_sub(1);
        } else if rest.len() > 5
            && rest[..5].eq_ignore_ascii_case(b"<meta")
            && (is_space(rest[5]) || rest[5] == b'/')
        {
            let end = end_of_tag(rest, &mut TagState::Name, &mut false)?;
            if let Some(charset) = of_meta(&rest[..end]) {
                return Some(charset);
            }
            at += end;
        } else if rest.get(1).is_some_and(u8::is_ascii_alphabetic)
            || rest.get(1) == Some(&b'/') && rest.get(2).is_some_and(u8::is_ascii_alphabetic)
        {
            at += end_of_tag(rest, &mut TagState::Name, &mut false)?;
        } else if matches!(rest.get(1), Some(b'!' | b'/' | b'?')) {
            at += memchr::memchr(b'>', rest)? + 1;
        } else {
            at += 1;
        }
    }
    None
}

/// The charsets that a document's `<meta>` tags name, wherever they stand; at most a few.
pub(crate) fn named(html: &[u8]) -> Vec<Charset> {
    const MOST: usize = 8;

    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'<', html) {
        let rest = &html[at..];
        let is_meta = rest.len() > 5 && rest[..5].eq_ignore_ascii_case(b"<meta");
        // No tag that matters is longer than what is looked at.
        let rest = &rest[..rest.len().min(PRESCAN)];
        if is_meta
            && let Some(end) = end_of_tag(rest, &mut TagState::Name, &mut false)
            && let Some(charset) = of_meta(&rest[..end])
            && !found.contains(&charset)
        {
            found.push(charset);
            if found.len() == MOST {
                break;
            }
        }
    }
    found
}

fn of_meta(tag: &[u8]) -> Option<Charset> {
    let mut pragma = false;
    let mut needs_pragma = None;
    let mut charset = None;
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for attribute in Attributes::of(tag) {
        let name = tag[attribute.name].to_ascii_lowercase();
        if seen.contains(&name) {
            continue;
        }
        let value = &tag[attribute.value];
        match name.as_slice() {
            b"http-equiv" => pragma |= value.eq_ignore_ascii_case(b"content-type"),
            b"content" if charset.is_none() => {
                if let Some(label) = of_content(value) {
                    charset = Some(label);
                    needs_pragma = Some(true);
                }
            }
            b"charset" => {
                charset = Some(value);
                needs_pragma = Some(false);
            }
            _ => continue,
        }
        seen.push(name);
    }
    if needs_pragma? && !pragma {
        return None;
    }
    match Charset::of_label(&String::from_utf8_lossy(charset?)) {
        // Whoever could read the tag as ASCII does not have UTF-16 before him.
        Charset::Unscannable("UTF-16LE" | "UTF-16BE") => Some(Charset::Known(UTF_8)),
        Charset::Known(encoding) if encoding == X_USER_DEFINED => Some(Charset::Known(WINDOWS_1252)),
        Charset::Unknown => None,
        charset => Some(charset),
    }
}

/// <https://html.spec.whatwg.org/multipage/urls-and-fetching.html#algorithm-for-extracting-a-character-encoding-from-a-meta-element>
fn of_content(content: &[u8]) -> Option<&[u8]> {
    let mut rest = content;
    loop {
        let at = rest.windows(7).position(|window| window.eq_ignore_ascii_case(b"charset"))?;
        rest = rest[at + 7..].trim_ascii_start();
        if let Some(value) = rest.strip_prefix(b"=") {
            rest = value.trim_ascii_start();
            break;
        }
    }
    let end = match rest.first()? {
        &quote @ (b'"' | b'\'') => {
            let inside = &rest[1..];
            return inside.iter().position(|&byte| byte == quote).map(|end| &inside[..end]);
        }
        _ => rest.iter().position(|&byte| is_space(byte) || byte == b';'),
    };
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(html: &str) -> &'static str {
        sniff(html.as_bytes(), None).0.name()
    }

    #[test]
    fn what_a_document_says_of_itself() {
        assert_eq!(name(""), "UTF-8");
        assert_eq!(name("\u{feff}<meta charset=latin1>"), "UTF-8");
        assert_eq!(name("<html><META CharSet='ISO-8859-2'>"), "ISO-8859-2");
        assert_eq!(name("<meta http-equiv=Content-Type content=\"text/html; charset=gb2312\">"), "GBK");
        assert_eq!(name("<meta content=\"text/html; charset=gb2312\">"), "UTF-8");
        assert_eq!(name("<!-- <meta charset=latin1> --><meta charset=big5>"), "Big5");
        assert_eq!(name("<!--><meta charset=big5>"), "Big5");
        assert_eq!(name("<a title='<meta charset=big5>'>"), "UTF-8");
        assert_eq!(name("<meta charset=utf-16>"), "UTF-8");
        assert_eq!(name("<meta charset=iso-2022-jp>"), "ISO-2022-JP");
        assert_eq!(name("<meta charset=nonsense><meta charset=koi8-r>"), "KOI8-R");
        assert_eq!(sniff(b"\xff\xfe<\0", None), (Charset::Unscannable("UTF-16LE"), 2));
        assert_eq!(sniff(b"x", Some(Charset::of_label("utf-7"))).0, Charset::Unscannable("UTF-7"));
        assert_eq!(Charset::of_label("hz-gb-2312"), Charset::Unscannable("replacement"));
        assert_eq!(Charset::of_label("x-mine"), Charset::Unknown);
    }
}
