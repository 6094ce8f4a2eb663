//! Globs over header values: `*` and `?`.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A pattern for the whole of a text: `*` stands for any characters or none, `?` for exactly one, everything else for
/// itself, ASCII letters in either case.
///
/// It is anchored at both ends: `news` matches `news` alone, `*news*` what contains it. There is no escape: a `*` or `?` of the
/// text is matched by `?`.
///
/// ```
/// use openclick::stream::Glob;
///
/// let glob = Glob::new("news-?*")?;
/// assert!(glob.matches(b"News-eu"));
/// assert!(!glob.matches(b"news-"));
/// assert!(!glob.matches(b"old news-eu"));
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

/// The longest pattern, in bytes: a match takes at most this times the text's length.
const LONGEST: usize = 256;

impl Glob {
    /// A pattern of 1 to 256 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if it is empty, longer, or has control characters, which no header's value has.
    pub fn new(pattern: &str) -> Result<Glob> {
        let why = match pattern {
            "" => "it is empty (`*` matches everything)",
            _ if pattern.len() > LONGEST => "it has more than 256 bytes",
            _ if pattern.contains(char::is_control) => "it has control characters",
            _ if pattern.trim() != pattern => "it has white space around it, which no value keeps",
            // Several in a row are one.
            _ => return Ok(Glob(collapse(pattern))),
        };
        Err(Error::new(ErrorKind::Configuration, format!("the pattern `{pattern}`: {why}")))
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches the whole text. A character is one of UTF-8, or a byte where the text is none.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let pattern = self.0.as_bytes();
        let (mut at, mut of) = (0, 0);
        // Where the last `*` stands, and how much of the text it has taken. An earlier one need never take more: what a later one
        // can reach from there, it can reach by itself. So there is no recursion, and no more than pattern times text.
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match pattern.get(of) {
                Some(b'*') => {
                    star = Some((of + 1, at));
                    of += 1;
                }
                Some(b'?') => {
                    at += character(&text[at..]);
                    of += 1;
                }
                Some(byte) if byte.eq_ignore_ascii_case(&text[at]) => {
                    at += 1;
                    of += 1;
                }
                _ => {
                    let Some((after, taken)) = star else { return false };
                    let taken = taken + character(&text[taken..]);
                    star = Some((after, taken));
                    (of, at) = (after, taken);
                }
            }
        }
        pattern[of..].iter().all(|byte| *byte == b'*')
    }
}

/// It is shown as it was written.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn collapse(pattern: &str) -> String {
    let mut result = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if c != '*' || !result.ends_with('*') {
            result.push(c);
        }
    }
    result
}

/// The length of the first character in bytes; 1 where it is not UTF-8.
fn character(text: &[u8]) -> usize {
    let length = match text[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    match text.get(..length) {
        Some(first) if std::str::from_utf8(first).is_ok() => length,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule as it is told, without any care for time.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((c, rest)) => {
                text.first().is_some_and(|other| c.eq_ignore_ascii_case(other)) && naive(rest, &text[1..])
            }
        }
    }

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).unwrap().matches(text.as_bytes())
    }

    #[test]
    fn what_matches() {
        for (pattern, yes, no) in [
            ("news", &["news", "NEWS"][..], &["", "newsx", "xnews", "new"][..]),
            ("*", &["", "x", "ü"], &[]),
            ("?", &["x", "ü", "😀", "*"], &["", "xx"]),
            ("a*b", &["ab", "aXb", "abab"], &["a", "b", "abX"]),
            ("*.example.com", &["a.example.com", ".example.com"], &["example.com", "aexample.com"]),
            ("?*", &["a", "ab"], &[""]),
            ("*a?c*", &["abc", "xxaücyy"], &["ac"]),
            ("a[b]\\", &["a[b]\\"], &["ab"]),
        ] {
            for text in yes {
                assert!(matches(pattern, text), "{pattern} {text}");
            }
            for text in no {
                assert!(!matches(pattern, text), "{pattern} {text}");
            }
        }
        assert!(Glob::new("a?b").unwrap().matches(b"a\xffb"));
        assert!(!Glob::new("a?b").unwrap().matches(b"a\xe2\x82b"));
        assert_eq!(Glob::new("a***b*").unwrap().as_str(), "a*b*");
    }

    #[test]
    fn what_is_no_pattern() {
        let error = |pattern: &str| Glob::new(pattern).unwrap_err().to_string();
        assert_eq!(error(""), "the pattern ``: it is empty (`*` matches everything)");
        assert!(error(&"a".repeat(257)).ends_with("it has more than 256 bytes"));
        assert!(error("a\nb").ends_with("it has control characters"));
        assert!(error(" a").ends_with("it has white space around it, which no value keeps"));
    }

    #[test]
    fn the_worst_pattern_takes_no_time() {
        let glob = Glob::new(&format!("{}b", "*a?".repeat(85))).unwrap();
        let start = std::time::Instant::now();
        assert!(!glob.matches(&b"a".repeat(64 * 1024)));
        assert!(start.elapsed().as_secs() < 5);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        #[test]
        fn as_the_naive_matcher(pattern in "[abü*?]{1,8}", text in "[abAü*]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(matches(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn bytes_never_panic(pattern in "[abü*?]{1,8}", text: Vec<u8>) {
            let _ = Glob::new(&pattern).unwrap().matches(&text);
        }
    }
}
