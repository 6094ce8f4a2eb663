//! Text as tree construction sees it: white space, or not.

use memchr::memmem;

use super::tag::is_space;
use super::tree::Tree;

/// Tells the tree of a run of text. Returns the index of the first byte that is not white space.
///
/// Where the difference decides the document's shape (before the body, in tables), character
/// references are looked into: `&#32;` is white space too.
pub(crate) fn classify(bytes: &[u8], tree: &mut Tree) -> Option<usize> {
    let mut at = leading_spaces(bytes);
    let mut spaces = at > 0;
    let mut first = None;
    while let Some(&byte) = bytes.get(at) {
        let length = match byte {
            byte if is_space(byte) => Some(1),
            b'&' if tree.space_matters() => space_reference(&bytes[at..]),
            _ => None,
        };
        match length {
            Some(length) => {
                at += length;
                spaces = true;
            }
            None if byte == 0 && tree.body_started() => at += 1, // dropped there
            None => {
                if std::mem::take(&mut spaces) {
                    tree.space();
                }
                if byte == 0 {
                    tree.null();
                    first = first.or(Some(at));
                    at += 1;
                    continue;
                }
                tree.text();
                return first.or(Some(at));
            }
        }
    }
    if spaces {
        tree.space();
    }
    first
}

/// How many bytes at the start are white space. Most of it is a newline and what indents the next line.
pub(crate) fn leading_spaces(bytes: &[u8]) -> usize {
    let mut at = usize::from(bytes.first() == Some(&b'\n'));
    while bytes[at..].first_chunk() == Some(b"        ") {
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|&byte| !is_space(byte)).unwrap_or(rest.len())
}

/// The length of a character reference to white space.
fn space_reference(bytes: &[u8]) -> Option<usize> {
    for name in [&b"&Tab;"[..], b"&NewLine;"] {
        if bytes.starts_with(name) {
            return Some(name.len());
        }
    }
    let digits = bytes.strip_prefix(b"&#")?;
    let (digits, radix) = match digits.first()? {
        b'x' | b'X' => (&digits[1..], 16),
        _ => (digits, 10),
    };
    let count = digits.iter().take_while(|byte| (**byte as char).is_digit(radix)).count();
    let text = std::str::from_utf8(&digits[..count]).ok()?;
    let value = u32::from_str_radix(text.trim_start_matches('0'), radix).ok()?;
    if !matches!(value, 0x09 | 0x0a | 0x0c | 0x0d | 0x20) {
        return None;
    }
    let end = bytes.len() - digits.len() + count;
    Some(end + usize::from(bytes.get(end) == Some(&b';')))
}

/// The longest numeric character reference that is read, in bytes. It may have any number of zeros in front,
/// and a stream must hold it back; no person writes so many.
pub(crate) const MOST_REFERENCE: usize = 4096;

/// How many bytes at the end may be a character reference that is not complete.
pub(crate) fn partial_reference(bytes: &[u8]) -> usize {
    /// `&CounterClockwiseContourIntegral` has 32 bytes before its semicolon.
    const LONGEST_NAME: usize = 31;

    let word =
        bytes.iter().rev().take(MOST_REFERENCE + 2).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (before, word) = bytes.split_at(bytes.len() - word);
    match before {
        [.., b'&'] if word.len() <= LONGEST_NAME => word.len() + 1,
        [.., b'&', b'#'] if is_number(word) => word.len() + 2,
        _ => 0,
    }
}

/// Whether the word behind `&#` is digits, or `x` and hexadecimal digits; perhaps none yet.
fn is_number(word: &[u8]) -> bool {
    match word {
        [b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// Where a numeric character reference begins that is longer than [`MOST_REFERENCE`].
pub(crate) fn long_reference(bytes: &[u8]) -> Option<usize> {
    if bytes.len() <= MOST_REFERENCE {
        return None;
    }
    memmem::find_iter(bytes, b"&#").find(|at| {
        let digits = &bytes[at + 2..];
        let digits = digits.strip_prefix(b"x").or(digits.strip_prefix(b"X")).unwrap_or(digits);
        digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() > MOST_REFERENCE
    })
}

/// Whether a doctype asks for quirks mode, where a table does not close a paragraph.
/// <https://html.spec.whatwg.org/multipage/parsing.html#the-initial-insertion-mode>
pub(crate) fn is_quirky_doctype(doctype: &[u8]) -> bool {
    let text = String::from_utf8_lossy(doctype).to_ascii_lowercase();
    let inside = text.trim_start_matches("<!doctype").trim_end_matches('>').trim();
    let mut words = inside.splitn(2, |c: char| c.is_ascii_whitespace());
    if words.next() != Some("html") {
        return true;
    }
    let identifiers = words.next().unwrap_or_default().trim();
    if identifiers.is_empty() {
        return false;
    }
    let mut quoted = identifiers.split(['"', '\'']).skip(1).step_by(2);
    let (public, system) = match identifiers.get(..6) {
        Some("public") => (quoted.next(), quoted.next()),
        Some("system") => (None, quoted.next()),
        _ => return true,
    };
    if system == Some("http://www.ibm.com/data/dtd/v11/ibmxhtml1-transitional.dtd") {
        return true;
    }
    let Some(public) = public else { return system.is_none() };
    let html4 = ["-//w3c//dtd html 4.01 frameset//", "-//w3c//dtd html 4.01 transitional//"];
    if html4.iter().any(|prefix| public.starts_with(prefix)) {
        return system.is_none();
    }
    let known = ["-//w3c//dtd xhtml", "-//w3c//dtd html 4.01//", "-//w3c//dtd html 4.0//", "iso/iec"];
    !known.iter().any(|prefix| public.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_white_space() {
        assert_eq!(space_reference(b"&#32;x"), Some(5));
        assert_eq!(space_reference(b"&#x000020x"), Some(9));
        assert_eq!(space_reference(b"&Tab;"), Some(5));
        assert_eq!(space_reference(b"&nbsp;"), None);
        assert_eq!(space_reference(b"&#65;"), None);
        assert_eq!(partial_reference(b"a &#3"), 3);
        assert_eq!(partial_reference(b"a &#32; "), 0);
        assert_eq!(partial_reference(b"&"), 1);
        assert_eq!(partial_reference(b"&#"), 2);
        assert_eq!(partial_reference(b"&#x"), 3);
        assert_eq!(partial_reference(b"&#12a"), 0);
        assert_eq!(partial_reference(b"&#"), 2);
        assert_eq!(partial_reference(b"x&CounterClockwiseContourIntegral"), 32);
        assert_eq!(partial_reference(b"x&CounterClockwiseContourIntegralx"), 0);
        let long = |zeros: usize| [b"a &#".as_slice(), &vec![b'0'; zeros]].concat();
        assert_eq!(partial_reference(&long(3000)), 3002);
        assert_eq!((long_reference(&long(4096)), long_reference(&long(4097))), (None, Some(2)));
    }

    #[test]
    fn doctypes() {
        assert!(!is_quirky_doctype(b"<!DOCTYPE html>"));
        assert!(!is_quirky_doctype(
            b"<!doctype HTML PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"x\">"
        ));
        assert!(is_quirky_doctype(b"<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">"));
        assert!(!is_quirky_doctype(
            b"<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \"http://x\">"
        ));
        assert!(is_quirky_doctype(b"<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 3.2//EN\">"));
        assert!(is_quirky_doctype(b"<!DOCTYPE>"));
    }
}
