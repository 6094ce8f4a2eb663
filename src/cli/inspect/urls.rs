//! Every link and image of a document, with what others put around it.

use std::ops::Range;

use openclick::source::{EndTag, Event, StartTag};
use openclick::{LinkPlace, Reason};

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
    /// It stands in what a mail program marks as a quotation.
    pub(super) is_quoted: bool,
    /// A link: what stands in front of it; none where that was not counted.
    pub(super) position: Option<Position>,
}

/// How many links stand in front of something in the whole message. Which of them a rewrite numbers depends on how the mail was
/// sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// In HTML, those of Outlook's conditional comments too.
    pub(super) html: u32,
    /// Of these those in conditional comments.
    pub(super) outlook: u32,
    /// In plain text.
    pub(super) text: u32,
}

impl Position {
    /// Behind one more link.
    pub(super) fn pass(&mut self, place: LinkPlace) {
        match place {
            LinkPlace::Text => self.text += 1,
            LinkPlace::Outlook => {
                self.html += 1;
                self.outlook += 1;
            }
            _ => self.html += 1,
        }
    }
}

/// The links and images of a document, in order. `position`: of its first link.
pub(super) fn of_document(document: &Document<'_>, mut position: Option<Position>) -> Vec<Url> {
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
            is_quoted: false,
            position: None,
        }
    };
    for link in &document.report_all.links {
        let start = usize::try_from(link.range.start).unwrap_or_default();
        let seen = link.target.as_deref().unwrap_or(&link.raw);
        let url = new(Carrier::Link, link.raw.clone(), seen);
        found.push((start, Url { reason: link.reason(), position, ..url }));
        if let Some(position) = &mut position {
            position.pass(link.place);
        }
    }
    // A hidden box directly in front of the tag that comes, and the image whose box may end now.
    let mut box_start: Option<usize> = None;
    let mut in_box: Option<(usize, usize)> = None;
    let bytes = document.bytes();
    let mut quotations = Quotations::default();
    document.markup().events(|event| {
        quotations.see(&event);
        match event {
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
        }
    });
    found.sort_by_key(|(at, _)| *at);
    let quoted = quotations.finish();
    let placed = found.into_iter().map(|(at, url)| {
        let before = quoted.partition_point(|range| range.start <= at);
        let is_quoted = before > 0 && at < quoted[before - 1].end;
        Url { at: document.offset(at), is_quoted, ..url }
    });
    placed.collect()
}

/// What mail programs mark as a quotation: a `blockquote`, or all behind an element that introduces one.
#[derive(Default)]
struct Quotations {
    found: Vec<Range<usize>>,
    /// How many are open, and where the outermost began.
    depth: usize,
    start: usize,
    is_endless: bool,
}

/// The names of classes and ids that introduce a quotation: Gmail's, Outlook's, Yahoo's, Thunderbird's, Proton's, GMX's.
const INTRODUCTIONS: [&str; 9] = [
    "gmail_quote",
    "gmail_attr",
    "divrplyfwdmsg",
    "appendonsend",
    "yahoo_quoted",
    "moz-cite-prefix",
    "moz-forward-container",
    "protonmail_quote",
    "olk_src_body_section",
];

impl Quotations {
    fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::StartTag(tag) if !self.is_endless => self.start_tag(tag),
            Event::EndTag(tag) => self.end_tag(tag),
            _ => {}
        }
    }

    fn start_tag(&mut self, tag: &StartTag<'_>) {
        let is_blockquote = tag.is("blockquote");
        self.is_endless = !is_blockquote && (tag.is("div") || tag.is("table")) && introduces(tag);
        if is_blockquote || self.is_endless {
            if self.depth == 0 {
                self.start = tag.range().start;
            }
            self.depth += 1;
        }
    }

    fn end_tag(&mut self, tag: &EndTag<'_>) {
        if self.depth > 0 && !self.is_endless && tag.is("blockquote") {
            self.depth -= 1;
            if self.depth == 0 {
                self.found.push(self.start..tag.range().end);
            }
        }
    }

    fn finish(mut self) -> Vec<Range<usize>> {
        if self.depth > 0 {
            self.found.push(self.start..usize::MAX);
        }
        self.found
    }
}

fn introduces(tag: &StartTag<'_>) -> bool {
    let named = tag.attributes().filter(|attribute| attribute.is("class") || attribute.is("id"));
    named.filter_map(|attribute| attribute.value()).any(|value| {
        value.split_ascii_whitespace().any(|name| {
            // Outlook on the web puts `x_` in front of names that it takes over.
            let name = name.to_ascii_lowercase();
            INTRODUCTIONS.contains(&name.strip_prefix("x_").unwrap_or(&name))
        })
    })
}

/// A value without what quoted-printable left in it: `3D"…"` of `href=3D"…"`.
fn without_leftover(value: &str) -> (&str, bool) {
    match value.strip_prefix("3D").filter(|rest| rest.starts_with(['"', '\'', 'h'])) {
        Some(rest) => (rest.trim_matches(['"', '\'']), true),
        None => (value, false),
    }
}
