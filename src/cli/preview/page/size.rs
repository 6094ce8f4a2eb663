//! How large pictures are, by their tags, and which are pixels.

use std::collections::HashSet;

use openclick::source::{Event, Markup, StartTag};

/// Where the `source` tags of pictures begin whose `img` is a pixel: a browser shows one of them in its place, with its size.
pub(super) fn pixel_sources(text: &str) -> HashSet<usize> {
    let mut found = HashSet::new();
    // The sources of the picture that is open, and whether it has a pixel. One without an end goes on to the next.
    let (mut sources, mut has_pixel) = (Vec::new(), false);
    Markup::new(text.as_bytes(), Some("utf-8")).events(|event| match event {
        Event::StartTag(tag) if tag.is_outlook() => {}
        Event::StartTag(tag) if tag.is("source") => sources.push(tag.range().start),
        Event::StartTag(tag) if tag.is("img") => has_pixel |= is_pixel(&tag),
        Event::StartTag(tag) if tag.is("picture") => close(&mut found, &mut sources, &mut has_pixel),
        Event::EndTag(tag) if tag.is("picture") => close(&mut found, &mut sources, &mut has_pixel),
        _ => {}
    });
    close(&mut found, &mut sources, &mut has_pixel);
    found
}

fn close(found: &mut HashSet<usize>, sources: &mut Vec<usize>, has_pixel: &mut bool) {
    let sources = sources.drain(..);
    if std::mem::take(has_pixel) {
        found.extend(sources);
    }
}

/// Whether a picture is too small to be seen. One that is hidden is loaded all the same: of no size, it is a pixel too; with
/// one, it is shown on phones.
pub(super) fn is_pixel(tag: &StartTag<'_>) -> bool {
    let (width, height) = size(tag);
    width <= 2 && height <= 2 || tag.is("img") && tag.is_hidden() && stated(tag) == (None, None)
}

/// The size of a picture in CSS pixels; what its tag does not tell is guessed.
pub(super) fn size(tag: &StartTag<'_>) -> (u32, u32) {
    match stated(tag) {
        (Some(width), Some(height)) => (width, height),
        (Some(width), None) if width <= 64 => (width, width),
        (Some(width), None) => (width, (width / 2).clamp(32, 300)),
        (None, Some(height)) if height <= 64 => (height, height),
        (None, Some(height)) => (height.saturating_mul(2).min(600), height),
        (None, None) => (160, 80),
    }
}

/// The size in CSS pixels as far as a tag tells it.
fn stated(tag: &StartTag<'_>) -> (Option<u32>, Option<u32>) {
    let style = tag.attribute("style").flatten().unwrap_or_default();
    let of = |name: &str| {
        let mut declared = style.split(';').filter_map(|declaration| declaration.split_once(':')).filter_map(
            |(property, value)| {
                let value = value.split('!').next().unwrap_or_default().trim();
                let is_length = value.ends_with("px") || value == "0";
                (is_length && property.trim().eq_ignore_ascii_case(name)).then_some(value)
            },
        );
        // Of several the last counts.
        let declared = declared.next_back().and_then(pixels);
        declared.or_else(|| tag.attribute(name).flatten().and_then(|value| pixels(&value)))
    };
    (of("width"), of("height"))
}

/// A length as an attribute or a declaration has it; none for percentages.
fn pixels(value: &str) -> Option<u32> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number = value[..digits].parse().ok()?;
    (!value[digits..].contains('%') && number <= 10_000).then_some(number)
}
