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

/// What stands around a pixel's `img` tag and its URL, for taking pixels out again: the length of the
/// markup before the tag that belongs to the pixel, and after it.
pub(crate) fn around(before: &[u8], tag: &[u8], after: &[u8]) -> Option<(usize, usize)> {
    let (top_before, top_after) = (TOP.0.as_bytes(), TOP.1.as_bytes());
    let open = top_before.len() - b"<img src=\"".len();
    let close = b"</div>";
    if before.ends_with(&top_before[..open])
        && tag.ends_with(&top_after[..top_after.len() - close.len()])
        && after.starts_with(close)
    {
        return Some((open, close.len()));
    }
    (tag.starts_with(BOTTOM.0.as_bytes()) && tag.ends_with(BOTTOM.1.as_bytes())).then_some((0, 0))
}
