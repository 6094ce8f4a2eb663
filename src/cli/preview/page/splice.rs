//! What a rewrite changed in a document, as edits of its text: nothing else differs between before and after.

use std::ops::Range;

use openclick::source::{Attribute, Event, Markup, StartTag};
use openclick::{PixelPlace, Report};

use super::super::look::Document;

/// A change: the text at `range` of the text before becomes `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
    /// It puts in an open pixel.
    pub(super) has_pixel: bool,
}

/// The text of a document with its start tags.
pub(super) struct Tagged<'a> {
    pub(super) text: &'a str,
    pub(super) tags: Vec<StartTag<'a>>,
}

/// Where the report's offsets lie among the start tags of a document: the text that is shown may be of another encoding than
/// the bytes that the offsets are of, but it has the same tags.
pub(super) struct Places {
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl<'a> Tagged<'a> {
    /// Reads a text.
    pub(super) fn read(text: &'a str, is_html: bool) -> Tagged<'a> {
        let mut tags = Vec::new();
        if is_html {
            Markup::new(text.as_bytes(), Some("utf-8")).events(|event| {
                if let Event::StartTag(tag) = event {
                    tags.push(tag);
                }
            });
        }
        Tagged { text, tags }
    }
}

impl Places {
    /// Of the document before, if its tags are those of the text.
    pub(super) fn of(document: &Document, text: &Tagged<'_>) -> Option<Places> {
        let mut places = Places { starts: Vec::new(), ends: Vec::new() };
        let mut add = |range: Range<usize>| {
            places.starts.push(range.start);
            places.ends.push(range.end);
        };
        if document.before == document.before_text().as_bytes() {
            text.tags.iter().for_each(|tag| add(tag.range()));
            return Some(places);
        }
        Markup::new(&document.before, Some(document.label())).events(|event| {
            if let Event::StartTag(tag) = event {
                add(tag.range());
            }
        });
        (places.starts.len() == text.tags.len()).then_some(places)
    }

    /// The tag that this offset stands in.
    pub(super) fn tag_at(&self, offset: usize) -> Option<usize> {
        let tag = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        (offset < self.ends[tag]).then_some(tag)
    }

    /// How many tags stand before this offset.
    fn tags_before(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start < offset)
    }
}

/// All that was changed, in order.
pub(super) fn splices(
    report: &Report,
    document: &Document,
    before: &Tagged<'_>,
    places: Option<&Places>,
) -> Vec<Splice> {
    if document.before_text() == document.after_text() {
        return Vec::new();
    }
    let after = Tagged::read(document.after_text(), document.is_html);
    let found = match document.is_html {
        true => places.and_then(|places| of_html(report, document, before, &after, places)),
        false => Some(of_lines(before.text, after.text)),
    };
    found.filter(|splices| apply(before.text, splices) == after.text).unwrap_or_else(|| {
        let mut splices = Vec::new();
        push_trimmed(&mut splices, before.text, 0..before.text.len(), after.text, true);
        splices
    })
}

/// A text with changes made in it.
pub(super) fn apply(text: &str, splices: &[Splice]) -> String {
    let mut changed = String::with_capacity(text.len() + text.len() / 4);
    let mut done = 0;
    for splice in splices {
        changed.push_str(&text[done..splice.range.start]);
        changed.push_str(&splice.text);
        done = splice.range.end;
    }
    changed.push_str(&text[done..]);
    changed
}

/// Tag by tag: those of the pixels are new, each of the others has its counterpart.
fn of_html(
    report: &Report,
    document: &Document,
    before: &Tagged<'_>,
    after: &Tagged<'_>,
    places: &Places,
) -> Option<Vec<Splice>> {
    let mut new = Vec::new();
    for pixel in report.pixels.iter().filter(|pixel| pixel.part == document.part) {
        if let (Some(place), Some(offset)) = (pixel.place, pixel.offset) {
            let is_top = matches!(place, PixelPlace::BodyStart | PixelPlace::AfterPreheader);
            new.push((places.tags_before(usize::try_from(offset).ok()?), is_top));
        }
    }
    new.sort_by_key(|(tag, _)| *tag);
    let mut new = new.into_iter().peekable();
    let mut splices = Vec::new();
    let (mut done_before, mut done_after, mut next) = (0, 0, 0);
    for index in 0..=before.tags.len() {
        let mut pixels = Vec::new();
        while let Some((_, is_top)) = new.next_if(|(tag, _)| *tag == index) {
            // The one at the top has a box around it.
            let first = after.tags.get(next)?.range().start;
            let image = after.tags.get(if is_top { next + 1 } else { next })?.range().end;
            pixels.push(first..if is_top { image + "</div>".len() } else { image });
            next += if is_top { 2 } else { 1 };
        }
        let counterpart = before.tags.get(index).zip(after.tags.get(next));
        let (end_before, end_after) = match counterpart {
            Some((old, new)) => (old.range().start, new.range().start),
            None if index == before.tags.len() && next == after.tags.len() => {
                (before.text.len(), after.text.len())
            }
            None => return None,
        };
        between(
            &mut splices,
            before.text,
            done_before..end_before,
            after.text,
            done_after..end_after,
            &pixels,
        )?;
        if let Some((old, new)) = counterpart {
            within(&mut splices, before.text, old, after.text, new)?;
            (done_before, done_after) = (old.range().end, new.range().end);
            next += 1;
        }
    }
    Some(splices)
}

/// What stands between two tags: pixels come in, placeholders go.
fn between(
    splices: &mut Vec<Splice>,
    before: &str,
    old: Range<usize>,
    after: &str,
    new: Range<usize>,
    pixels: &[Range<usize>],
) -> Option<()> {
    let (mut done_old, mut done_new) = (old.start, new.start);
    for pixel in pixels {
        let kept = after.get(done_new..pixel.start)?;
        if !before.get(done_old..old.end)?.starts_with(kept) {
            // A placeholder went in front of it.
            push_trimmed(splices, before, done_old..old.end, after.get(done_new..new.end)?, true);
            return Some(());
        }
        done_old += kept.len();
        splices.push(Splice {
            range: done_old..done_old,
            text: after.get(pixel.clone())?.to_owned(),
            has_pixel: true,
        });
        done_new = pixel.end;
    }
    push_trimmed(splices, before, done_old..old.end, after.get(done_new..new.end)?, false);
    Some(())
}

/// A tag: values of attributes change, other attributes go.
fn within(
    splices: &mut Vec<Splice>,
    before: &str,
    old: &StartTag<'_>,
    after: &str,
    new: &StartTag<'_>,
) -> Option<()> {
    let (old_range, new_range) = (old.range(), new.range());
    if before.get(old_range.clone())? == after.get(new_range.clone())? {
        return Some(());
    }
    let mut attributes = old.attributes();
    let (mut done_old, mut done_new) = (old_range.start, new_range.start);
    for kept in new.attributes() {
        let is_same = |attribute: &Attribute<'_>| attribute.name() == kept.name();
        let Some(attribute) = attributes.find(is_same) else { break };
        let (value_old, value_new) = (attribute.value_range(), kept.value_range());
        let gap = after.get(done_new..value_new.start)?;
        push_trimmed(splices, before, done_old..value_old.start, gap, false);
        let text = after.get(value_new.clone())?;
        if before.get(value_old.clone())? != text {
            splices.push(Splice { range: value_old.clone(), text: text.to_owned(), has_pixel: false });
        }
        (done_old, done_new) = (value_old.end, value_new.end);
    }
    push_trimmed(splices, before, done_old..old_range.end, after.get(done_new..new_range.end)?, false);
    Some(())
}

/// Line by line, where both have as many.
fn of_lines(before: &str, after: &str) -> Vec<Splice> {
    let (old, new): (Vec<_>, Vec<_>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let mut splices = Vec::new();
    if old.len() != new.len() {
        push_trimmed(&mut splices, before, 0..before.len(), after, false);
        return splices;
    }
    let mut at = 0;
    for (old, new) in old.into_iter().zip(new) {
        push_trimmed(&mut splices, before, at..at + old.len(), new, false);
        at += old.len();
    }
    splices
}

/// A change without what both texts begin and end with.
fn push_trimmed(splices: &mut Vec<Splice>, before: &str, range: Range<usize>, new: &str, has_pixel: bool) {
    let old = &before[range.clone()];
    if old == new {
        return;
    }
    let mut start = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    while !old.is_char_boundary(start) || !new.is_char_boundary(start) {
        start -= 1;
    }
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let mut end =
        old_rest.bytes().rev().zip(new_rest.bytes().rev()).take_while(|(old, new)| old == new).count();
    while !old_rest.is_char_boundary(old_rest.len() - end) || !new_rest.is_char_boundary(new_rest.len() - end)
    {
        end -= 1;
    }
    splices.push(Splice {
        range: range.start + start..range.end - end,
        text: new_rest[..new_rest.len() - end].to_owned(),
        has_pixel,
    });
}
