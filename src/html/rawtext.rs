//! Where raw text ends: the elements whose inside is no markup.
//! <https://html.spec.whatwg.org/multipage/parsing.html#rcdata-less-than-sign-state> and the
//! script data states below it.

use memchr::memchr;

use super::tag::is_space;

/// The script data states that matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Script {
    Plain,
    /// After `<!--`; the number of dashes just read, at most 2.
    Escaped(u8),
    /// After `<!--` and `<script`.
    DoubleEscaped(u8),
}

/// Reads raw text until the end tag that closes it.
#[derive(Debug)]
pub(crate) struct RawText {
    /// The element's name in lower case; empty for `plaintext`, which nothing ends.
    name: Vec<u8>,
    script: Option<Script>,
}

/// What [`RawText::find_end`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The end tag begins here.
    End(usize),
    /// None up to here; what follows must be read with more input.
    More(usize),
}

impl RawText {
    pub(crate) fn new(name: &[u8]) -> RawText {
        let name = name.to_ascii_lowercase();
        let script = (name == b"script").then_some(Script::Plain);
        RawText { name: if name == b"plaintext" { Vec::new() } else { name }, script }
    }

    /// Whether `rest`, which begins with `<`, is the end tag; none if more input must tell.
    fn is_end(&self, rest: &[u8]) -> Option<bool> {
        word_after(rest, b"</", &self.name)
    }

    /// Reads on from `at`.
    pub(crate) fn find_end(&mut self, bytes: &[u8], mut at: usize) -> Found {
        if self.name.is_empty() {
            return Found::More(bytes.len());
        }
        if let Some(state) = self.script {
            return self.find_script_end(bytes, at, state);
        }
        while let Some(length) = bytes.get(at..).and_then(|rest| memchr(b'<', rest)) {
            at += length;
            match self.is_end(&bytes[at..]) {
                Some(true) => return Found::End(at),
                Some(false) => at += 1,
                None => return Found::More(at),
            }
        }
        Found::More(bytes.len())
    }

    fn find_script_end(&mut self, bytes: &[u8], mut at: usize, mut state: Script) -> Found {
        let found = loop {
            let rest = &bytes[at.min(bytes.len())..];
            let Some(&byte) = rest.first() else { break Found::More(at) };
            state = match (state, byte) {
                (Script::Plain, b'<') => {
                    match (self.is_end(rest), prefix(rest, b"<!--")) {
                        (Some(true), _) => break Found::End(at),
                        (None, _) | (_, None) => break Found::More(at),
                        (_, Some(true)) => {
                            at += 4;
                            state = Script::Escaped(2);
                            continue;
                        }
                        _ => {}
                    }
                    Script::Plain
                }
                (Script::Plain, _) => {
                    at += memchr(b'<', rest).unwrap_or(rest.len());
                    continue;
                }
                (Script::Escaped(dashes), b'-') => Script::Escaped((dashes + 1).min(2)),
                (Script::DoubleEscaped(dashes), b'-') => Script::DoubleEscaped((dashes + 1).min(2)),
                (Script::Escaped(2) | Script::DoubleEscaped(2), b'>') => Script::Plain,
                (Script::Escaped(_), b'<') => match (self.is_end(rest), word_after(rest, b"<", b"script")) {
                    (Some(true), _) => break Found::End(at),
                    (None, _) | (_, None) => break Found::More(at),
                    (_, Some(true)) => {
                        at += 8;
                        state = Script::DoubleEscaped(0);
                        continue;
                    }
                    _ => Script::Escaped(0),
                },
                (Script::DoubleEscaped(_), b'<') => match self.is_end(rest) {
                    Some(true) => {
                        at += 9;
                        state = Script::Escaped(0);
                        continue;
                    }
                    None => break Found::More(at),
                    Some(false) => Script::DoubleEscaped(0),
                },
                (Script::Escaped(_), _) => Script::Escaped(0),
                (Script::DoubleEscaped(_), _) => Script::DoubleEscaped(0),
            };
            at += 1;
        };
        self.script = Some(state);
        found
    }
}

/// Whether `rest` begins with `start`; none if it is too short to tell.
fn prefix(rest: &[u8], start: &[u8]) -> Option<bool> {
    let shared = rest.len().min(start.len());
    if rest[..shared] != start[..shared] {
        return Some(false);
    }
    (shared == start.len()).then_some(true)
}

/// Whether `rest` is `start`, then `word` in any case, then something that ends a tag name.
fn word_after(rest: &[u8], start: &[u8], word: &[u8]) -> Option<bool> {
    if !prefix(rest, start)? {
        return Some(false);
    }
    let rest = &rest[start.len()..];
    let shared = rest.len().min(word.len());
    if !rest[..shared].eq_ignore_ascii_case(&word[..shared]) {
        return Some(false);
    }
    rest.get(word.len()).map(|&byte| is_space(byte) || matches!(byte, b'/' | b'>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(name: &str, text: &str) -> Option<usize> {
        let whole = match RawText::new(name.as_bytes()).find_end(text.as_bytes(), 0) {
            Found::End(at) => Some(at),
            Found::More(_) => None,
        };
        for split in 0..text.len() {
            let mut raw = RawText::new(name.as_bytes());
            let found = match raw.find_end(&text.as_bytes()[..split], 0) {
                Found::More(at) => raw.find_end(text.as_bytes(), at),
                found => found,
            };
            let found = if let Found::End(at) = found { Some(at) } else { None };
            assert_eq!(found, whole, "{text} at {split}");
        }
        whole
    }

    #[test]
    fn ends_of_raw_text() {
        assert_eq!(end("style", "a</style>"), Some(1));
        assert_eq!(end("style", "a</STYLE x>"), Some(1));
        assert_eq!(end("style", "a</styles></style/"), Some(10));
        assert_eq!(end("title", "<b></titl></title "), Some(10));
        assert_eq!(end("plaintext", "</plaintext>"), None);
    }

    #[test]
    fn scripts_that_write_scripts() {
        assert_eq!(end("script", "x</script>"), Some(1));
        assert_eq!(end("script", "<!--<script></script>--></script>"), Some(24));
        assert_eq!(end("script", "<!--<script></script></script>"), Some(21));
        assert_eq!(end("script", "<!--</script>"), Some(4));
        assert_eq!(end("script", "<!--><script></script>"), Some(13));
        assert_eq!(end("script", "<!--<script>--></script>"), Some(15));
        assert_eq!(end("script", "<!--<scripts></script>"), Some(13));
        assert_eq!(end("script", "<!--<script ></script >--><script>"), None);
    }
}
