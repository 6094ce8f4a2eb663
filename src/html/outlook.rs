//! Outlook's conditional comments: `<!--[if mso]> … <![endif]-->`.
//!
//! To a browser they are comments; Outlook for Windows reads what they hold, buttons drawn in VML
//! above all. The downlevel-revealed forms (`<!--[if !mso]><!-->`, `<![if …]>`) hold nothing
//! themselves: what stands between them is ordinary content.

use std::ops::Range;

use memchr::{memchr, memrchr};

/// The range of the markup inside the data of a comment, if it is a conditional one.
pub(crate) fn inside(data: &[u8]) -> Option<Range<usize>> {
    if !data.get(..3)?.eq_ignore_ascii_case(b"[if") || data.get(3)?.is_ascii_alphanumeric() {
        return None;
    }
    let condition = memchr(b']', data)?;
    let start = condition + 2;
    if data.get(condition + 1) != Some(&b'>') {
        return None;
    }
    let end = start + last_endif(&data[start..])?;
    Some(start..end)
}

/// Where the last `<![endif]` begins, which must be the comment's end but for white space.
fn last_endif(data: &[u8]) -> Option<usize> {
    let at = memrchr(b'<', data)?;
    let tail = data[at..].trim_ascii_end();
    let tail = tail.strip_prefix(b"<![")?.strip_suffix(b"]")?;
    tail.trim_ascii().eq_ignore_ascii_case(b"endif").then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data: &str) -> Option<&str> {
        inside(data.as_bytes()).map(|range| &data[range])
    }

    #[test]
    fn what_is_conditional() {
        assert_eq!(text("[if mso]><a><![endif]"), Some("<a>"));
        assert_eq!(text("[IF (gte mso 9)|(IE)]>x<![EndIf]"), Some("x"));
        assert_eq!(text("[if mso]>x<![endif] "), Some("x"));
        assert_eq!(text("[if mso]><![endif]"), Some(""));
        assert_eq!(text("[if !mso]><!"), None);
        assert_eq!(text("<![endif]"), None);
        assert_eq!(text("[if mso]>x"), None);
        assert_eq!(text("[if mso] >x<![endif]"), None);
        assert_eq!(text(" [if mso]>x<![endif]"), None);
        assert_eq!(text("[iff mso]>x<![endif]"), None);
        assert_eq!(text(" comment [if mso]>x<![endif]"), None);
    }
}
