//! The open pixels, byte for byte as the contract spells them.

use crate::charset::Charset;
use crate::html::attribute;

const TOP: (&str, &str) = (
    "<div style=\"display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:0;line-height:0\"><img src=\"",
    "\" alt=\"\" width=\"1\" height=\"1\" border=\"0\"></div>",
);

const BOTTOM: (&str, &str) = (
    "<img src=\"",
    "\" alt=\"\" width=\"1\" height=\"1\" border=\"0\" style=\"display:block;width:1px;height:1px;border:0\">",
);

/// The top pixel. It is hidden with its box, since it stands where the inbox preview is taken from.
pub(crate) fn top(url: &str) -> Vec<u8> {
    markup(TOP, url)
}

/// The bottom pixel.
pub(crate) fn bottom(url: &str) -> Vec<u8> {
    markup(BOTTOM, url)
}

fn markup((before, after): (&str, &str), url: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(before.len() + url.len() + after.len());
    out.extend_from_slice(before.as_bytes());
    attribute::encode(url, Some(b'"'), Charset::Unknown, &mut out); // URLs are ASCII
    out.extend_from_slice(after.as_bytes());
    out
}

/// What stands around a pixel's URL.
pub(crate) fn around_url(is_top: bool) -> [&'static str; 2] {
    let (before, after) = if is_top { TOP } else { BOTTOM };
    [before, after]
}

/// What stands around a pixel's `img` tag and its URL, for taking pixels out again: the length of the
/// markup before the tag that belongs to the pixel, and after it. In a message whose lines would be too long they are
/// broken in front of attributes.
pub(crate) fn around(before: &[u8], tag: &[u8], after: &[u8]) -> Option<(usize, usize)> {
    let (top_before, top_after) = (TOP.0.as_bytes(), TOP.1.as_bytes());
    let open = top_before.len() - BOTTOM.0.len();
    let close = b"</div>";
    if let Some(open) = at_end(before, &top_before[..open])
        && at_end(tag, &top_after[..top_after.len() - close.len()]).is_some()
        && after.starts_with(close)
    {
        return Some((open, close.len()));
    }
    let start = memchr::memchr(b'"', tag).map_or(0, |quote| quote + 1);
    let is_bottom = at_end(&tag[..start], BOTTOM.0.as_bytes()) == Some(start);
    (is_bottom && at_end(tag, BOTTOM.1.as_bytes()).is_some()).then_some((0, 0))
}

/// How many bytes of the end are this markup, with line ends in front of its blanks or without.
fn at_end(bytes: &[u8], markup: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    for byte in markup.iter().rev() {
        rest = rest.strip_suffix(&[*byte])?;
        if *byte == b' ' {
            rest = rest.strip_suffix(b"\r\n").or(rest.strip_suffix(b"\n")).unwrap_or(rest);
        }
    }
    Some(bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lines_are_still_a_pixel() {
        for line_end in ["", "\n", "\r\n"] {
            let broken =
                |markup: Vec<u8>| String::from_utf8(markup).unwrap().replace(' ', &format!("{line_end} "));
            let top = broken(top("https://t.example.com/x"));
            let (open, tag) = top.split_at(top.find("<img").unwrap());
            let (tag, close) = tag.split_at(tag.find("</div>").unwrap());
            let around_top = around(format!("<b> {open}").as_bytes(), tag.as_bytes(), close.as_bytes());
            assert_eq!(around_top, Some((open.len(), close.len())));
            let bottom = broken(bottom("https://t.example.com/x"));
            assert_eq!(around(b"", bottom.as_bytes(), b""), Some((0, 0)));
            assert_eq!(around(b"", bottom.replace("alt", "alt=x alt").as_bytes(), b""), None);
        }
    }
}
