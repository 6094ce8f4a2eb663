//! What stands between start tags: text, end tags, comments, and the rest of the `<!` family.
//! <https://html.spec.whatwg.org/multipage/parsing.html#data-state>

use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem};

use super::tag::{TagState, end_of_tag};

/// One lexeme of the data state. Ranges are indices into the scanned bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lexeme {
    Text(Range<usize>),
    StartTag(usize),
    EndTag(Range<usize>),
    /// `<!-- … -->`; `data` is what stands between.
    Comment {
        whole: Range<usize>,
        data: Range<usize>,
    },
    /// `<!x>`, `<?x>`, `</ x>`: comments, to the first `>`.
    BogusComment(Range<usize>),
    Doctype(Range<usize>),
    Cdata(Range<usize>),
    /// `</>`, which makes no token.
    Nothing(Range<usize>),
    /// The lexeme that begins here is not complete.
    Incomplete(usize),
}

/// What was learnt of an incomplete lexeme, so that no byte is looked at twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partial {
    pub(crate) tag: TagState,
    /// See [`end_of_tag`].
    pub(crate) unmarked: bool,
    /// How many bytes of the lexeme were scanned.
    pub(crate) scanned: usize,
}

impl Partial {
    pub(crate) const NEW: Partial = Partial { tag: TagState::Name, unmarked: false, scanned: 0 };
}

/// The lexeme at `bytes[at..]`, which is not empty. `cdata`: CDATA sections are allowed here.
pub(crate) fn next(bytes: &[u8], at: usize, cdata: bool, last: bool, partial: &mut Partial) -> Lexeme {
    if bytes[at] != b'<' {
        let end = memchr(b'<', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        return Lexeme::Text(at..end);
    }
    let rest = &bytes[at..];
    let incomplete = Lexeme::Incomplete(at);
    match rest.get(1) {
        None => incomplete,
        Some(byte) if byte.is_ascii_alphabetic() => Lexeme::StartTag(at),
        Some(b'/') => match rest.get(2) {
            None => incomplete,
            Some(b'>') => Lexeme::Nothing(at..at + 3),
            Some(byte) if byte.is_ascii_alphabetic() => match tag_end(rest, partial) {
                Some(end) => Lexeme::EndTag(at..at + end),
                None => incomplete,
            },
            Some(_) => bogus(rest, at, partial),
        },
        Some(b'!') => markup_declaration(rest, at, cdata, last, partial),
        Some(b'?') => bogus(rest, at, partial),
        Some(_) => Lexeme::Text(at..at + 1),
    }
}

/// The end of the tag that starts at `rest[0]`, or none and `partial` told how far it was read.
pub(crate) fn tag_end(rest: &[u8], partial: &mut Partial) -> Option<usize> {
    // Behind `<` or `</` alone nothing was learnt yet.
    let end = if partial.scanned <= 2 {
        end_of_tag(rest, &mut partial.tag, &mut partial.unmarked)
    } else {
        partial.tag.find_end(rest, partial.scanned)
    };
    partial.scanned = rest.len();
    end
}

fn find(rest: &[u8], needle: &[u8], from: usize, partial: &mut Partial) -> Option<usize> {
    let from = from.max(partial.scanned.saturating_sub(needle.len()));
    let found = memmem::find(rest.get(from..)?, needle).map(|index| from + index);
    partial.scanned = rest.len();
    found
}

fn bogus(rest: &[u8], at: usize, partial: &mut Partial) -> Lexeme {
    match find(rest, b">", 2, partial) {
        Some(end) => Lexeme::BogusComment(at..at + end + 1),
        None => Lexeme::Incomplete(at),
    }
}

fn markup_declaration(rest: &[u8], at: usize, cdata: bool, last: bool, partial: &mut Partial) -> Lexeme {
    if rest.starts_with(b"<!--") {
        return comment(rest, at, partial);
    }
    // Which of the three it is must be known before it is read: `<!-` can still become a comment.
    let begins = |word: &[u8]| {
        let have = &rest[2..];
        let shared = have.len().min(word.len());
        have[..shared].eq_ignore_ascii_case(&word[..shared]).then_some(shared == word.len())
    };
    match (begins(b"--"), begins(b"doctype"), begins(b"[CDATA[").filter(|_| cdata)) {
        (Some(false), ..) | (_, Some(false), _) | (.., Some(false)) if !last => Lexeme::Incomplete(at),
        (_, Some(true), _) => match find(rest, b">", 9, partial) {
            Some(end) => Lexeme::Doctype(at..at + end + 1),
            None => Lexeme::Incomplete(at),
        },
        (.., Some(true)) if rest[2..].starts_with(b"[CDATA[") => match find(rest, b"]]>", 9, partial) {
            Some(end) => Lexeme::Cdata(at..at + end + 3),
            None => Lexeme::Incomplete(at),
        },
        _ => bogus(rest, at, partial),
    }
}

/// Ends at `-->`, `--!>`, or at once after `<!-->` and `<!--->`.
fn comment(rest: &[u8], at: usize, partial: &mut Partial) -> Lexeme {
    for short in [&b"<!-->"[..], b"<!--->"] {
        if rest.starts_with(short) {
            return Lexeme::Comment { whole: at..at + short.len(), data: at + 4..at + 4 };
        }
    }
    let from = partial.scanned.saturating_sub(3).max(4);
    for end in memchr_iter(b'>', rest.get(from..).unwrap_or_default()) {
        let before = &rest[4..from + end];
        let data = match before {
            [.., b'-', b'-'] => before.len() - 2,
            [.., b'-', b'-', b'!'] => before.len() - 3,
            _ => continue,
        };
        return Lexeme::Comment { whole: at..at + from + end + 1, data: at + 4..at + 4 + data };
    }
    partial.scanned = rest.len();
    Lexeme::Incomplete(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexeme(text: &str, cdata: bool) -> Lexeme {
        next(text.as_bytes(), 0, cdata, true, &mut { Partial::NEW })
    }

    #[test]
    fn the_markup_declarations() {
        let comment = |whole, data| Lexeme::Comment { whole: 0..whole, data };
        assert_eq!(lexeme("<!-->a", false), comment(5, 4..4));
        assert_eq!(lexeme("<!--->a", false), comment(6, 4..4));
        assert_eq!(lexeme("<!--a--!>b", false), comment(9, 4..5));
        assert_eq!(lexeme("<!--a->b-->c", false), comment(11, 4..8));
        assert_eq!(lexeme("<!--a--b>-->", false), comment(12, 4..9));
        assert_eq!(lexeme("<!----->", false), comment(8, 4..5));
        assert_eq!(lexeme("<!DocType x>", false), Lexeme::Doctype(0..12));
        assert_eq!(lexeme("<![CDATA[>]]>", true), Lexeme::Cdata(0..13));
        assert_eq!(lexeme("<![CDATA[>]]>", false), Lexeme::BogusComment(0..10));
        assert_eq!(lexeme("<![cdata[>]]>", true), Lexeme::BogusComment(0..10));
        assert_eq!(lexeme("<![if !mso]>", false), Lexeme::BogusComment(0..12));
        assert_eq!(lexeme("</ a>", false), Lexeme::BogusComment(0..5));
        assert_eq!(lexeme("</>", false), Lexeme::Nothing(0..3));
        assert_eq!(lexeme("<!", false), Lexeme::Incomplete(0));
        assert_eq!(lexeme("< a", false), Lexeme::Text(0..1));
    }

    #[test]
    fn every_split_finds_the_same_end() {
        for text in [
            "<!--a--!>b",
            "<!--a-b-->",
            "<!DOCTYPE x>",
            "<![CDATA[a]]>]>",
            "</a b='>'>",
            "</a='>'>",
            "<?x?>",
            "<!-x>",
        ] {
            let whole = lexeme(text, true);
            for split in 1..text.len() {
                let mut partial = Partial::NEW;
                let first = next(&text.as_bytes()[..split], 0, true, false, &mut partial);
                partial.scanned = partial.scanned.max(1); // as the engine does
                let found = match first {
                    Lexeme::Incomplete(0) => next(text.as_bytes(), 0, true, true, &mut partial),
                    other => other,
                };
                assert_eq!(found, whole, "{text} at {split}");
            }
        }
    }
}
