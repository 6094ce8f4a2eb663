//! Every link and image of a document, with what others put around it.

use std::ops::Range;

use openclick::Reason;
use openclick::source::Event;

use super::mail::Document;
use super::wrapper::{Unwrapped, unwrap};

/// What a URL belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Link,
    /// A URL in plain text.
    Text,
    Image,
}

/// A link or an image.
#[derive(Debug, Clone)]
pub(super) struct Url {
    pub(super) carrier: Carrier,
    /// The number of the part.
    pub(super) path: String,
    /// Where its value begins in the mail.
    pub(super) at: usize,
    /// As it stands in the source.
    pub(super) raw: String,
    /// The value, decoded.
    pub(super) seen: String,
    /// The same without what others put around it.
    pub(super) inside: Unwrapped,
    /// Quoted-printable stands in the value: it was encoded twice, or its label is gone.
    pub(super) is_encoded: bool,
    /// What a rewrite would say of a link that is left.
    pub(super) reason: Option<Reason>,
    /// An image: from the start of its tag, or of the hidden box around it, to the end, in the document.
    pub(super) extent: Range<usize>,
    /// An image: it stands in a hidden box of its own, as the pixel at the start does.
    pub(super) is_boxed: bool,
}

/// The links and images of a document, in order.
pub(super) fn of_document(document: &Document<'_>) -> Vec<Url> {
    let mut found: Vec<(usize, Url)> = Vec::new();
    let new = |carrier, raw: String, seen: &str| {
        let (seen, is_encoded) = without_leftover(seen.trim_matches(|c: char| c <= ' '));
        Url {
            carrier,
            path: document.path.clone(),
            at: 0,
            raw,
            inside: unwrap(seen),
            seen: seen.to_owned(),
            is_encoded,
            reason: None,
            extent: 0..0,
            is_boxed: false,
        }
    };
    for link in &document.report_all.links {
        let start = usize::try_from(link.range.start).unwrap_or_default();
        let seen = link.target.as_deref().unwrap_or(&link.raw);
        found.push((start, Url { reason: link.reason(), ..new(Carrier::Link, link.raw.clone(), seen) }));
    }
    // A hidden box directly in front of the tag that comes, and the image whose box may end now.
    let mut box_start: Option<usize> = None;
    let mut in_box: Option<(usize, usize)> = None;
    let bytes = document.bytes();
    document.markup().events(|event| match event {
        Event::StartTag(tag) if tag.is("div") && !tag.is_outlook() => {
            box_start = Some(tag.range().start);
            in_box = None;
        }
        Event::StartTag(tag) if tag.is("img") && !tag.is_outlook() && !tag.is_in_template() => {
            in_box = None;
            let source = tag.attributes().find(|attribute| attribute.is("src"));
            if let Some(source) = source {
                let raw = String::from_utf8_lossy(&bytes[source.value_range()]).into_owned();
                let value = source.value().map(|value| value.replace(['\t', '\r', '\n'], ""));
                let mut url = new(Carrier::Image, raw.clone(), value.as_deref().unwrap_or(&raw));
                url.extent = tag.range();
                in_box = box_start.map(|start| (found.len(), start));
                found.push((source.value_range().start, url));
            }
            box_start = None;
        }
        Event::EndTag(tag) if tag.is("div") => {
            if let Some((image, start)) = in_box.take() {
                found[image].1.extent = start..tag.range().end;
                found[image].1.is_boxed = true;
            }
            box_start = None;
        }
        Event::Text { range, .. } if bytes[range.clone()].iter().all(u8::is_ascii_whitespace) => {}
        _ => {
            box_start = None;
            in_box = None;
        }
    });
    found.sort_by_key(|(at, _)| *at);
    let placed = found.into_iter().map(|(at, url)| Url { at: document.offset(at), ..url });
    placed.collect()
}

/// A value without what quoted-printable left in it: `3D"…"` of `href=3D"…"`.
fn without_leftover(value: &str) -> (&str, bool) {
    match value.strip_prefix("3D").filter(|rest| rest.starts_with(['"', '\'', 'h'])) {
        Some(rest) => (rest.trim_matches(['"', '\'']), true),
        None => (value, false),
    }
}
