//! Which bytes of a document were changed.
//!
//! A general diff does not know that a link's value was replaced as a whole, takes `https://` for common ground, and is slow
//! on a newsletter of one line. The report says where something was done: what stands between two such places is compared
//! byte for byte, and at each place what is new is read as the contract spells it. Where that does not fit (a report holds
//! only so many links), the next common ground is searched: whatever the report says, the edits turn before into after.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;
use openclick::{Change, EventKind, Report, Verdict};

use super::look::Document;

/// Bytes of `before` that were replaced by bytes of `after`. Outside of all edits both are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) before: Range<usize>,
    pub(super) after: Range<usize>,
    pub(super) cause: Cause,
}

/// What an edit was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Link,
    Pixel,
    /// A tracking attribute, a placeholder or a piece of a scheme, taken out.
    Removal,
    /// A line broken inside a tag, since it would have been too long.
    LineBreak,
    /// The report does not list it.
    Unlisted,
}

/// The edits of a document's text, in order. None if the texts differ outside of them: an edit stands where its charset has half a
/// character, or keeps a state.
pub(super) fn of_text(document: &Document, report: &Report) -> Option<Vec<Edit>> {
    let (before, after) = (document.before_text(), document.after_text());
    let (mut old, mut new) = (Side::of(document, false), Side::of(document, true));
    let mut edits = Vec::new();
    for mut edit in self::edits(&document.before, &document.after, report, document.part) {
        if let (true, true) = (old.is_same, new.is_same) {
            // Outside of edits both sides have the same bytes, also those of half a character.
            let back = (0..4).find(|back| {
                edit.before.start < *back || before.is_char_boundary(edit.before.start - back)
            })?;
            let on = (0..4).find(|on| before.is_char_boundary(edit.before.end + on))?;
            edit.before = edit.before.start.checked_sub(back)?..edit.before.end + on;
            edit.after = edit.after.start.checked_sub(back)?..edit.after.end + on;
        }
        let start = (old.to(edit.before.start), new.to(edit.after.start));
        let end = (old.to(edit.before.end), new.to(edit.after.end));
        edits.push(Edit { before: start.0..end.0, after: start.1..end.1, cause: edit.cause });
    }
    let mut done = (0, 0);
    let ends =
        Edit { before: before.len()..before.len(), after: after.len()..after.len(), cause: Cause::Unlisted };
    for edit in edits.iter().chain([&ends]) {
        if before.get(done.0..edit.before.start)? != after.get(done.1..edit.after.start)? {
            return None;
        }
        // Edits may overlap where they were widened.
        before.get(edit.before.clone())?;
        after.get(edit.after.clone())?;
        done = (edit.before.end, edit.after.end);
    }
    Some(edits)
}

/// The bytes of one side, and how far they were decoded.
struct Side<'a> {
    document: &'a Document,
    bytes: &'a [u8],
    /// The bytes are the text.
    is_same: bool,
    at: usize,
    text: usize,
}

impl<'a> Side<'a> {
    fn of(document: &'a Document, is_after: bool) -> Side<'a> {
        let (bytes, text) = match is_after {
            false => (document.before_bytes(), document.before_text()),
            true => (document.after_bytes(), document.after_text()),
        };
        Side { document, bytes, is_same: bytes == text.as_bytes(), at: 0, text: 0 }
    }

    /// The offset in the text of an offset in the bytes that is not in front of the last one.
    fn to(&mut self, at: usize) -> usize {
        let from = self.at;
        self.at = at.max(from);
        self.text += match self.is_same {
            true => self.at - from,
            false => self.document.decode(self.bytes, from..self.at).len(),
        };
        self.text
    }
}

/// A place where the report says that something was done.
struct Site<'a> {
    range: Range<usize>,
    what: What<'a>,
}

enum What<'a> {
    /// The value is this URL now, escaped or not.
    Url(&'a str),
    Pixel(EventKind),
    Attribute,
    /// This stands in its place.
    Put(&'static str),
}

/// The edits of a document, in order: of the part of this index, or of an HTML document that is no message.
pub(super) fn edits(before: &[u8], after: &[u8], report: &Report, part: Option<u32>) -> Vec<Edit> {
    let sites = sites(report, part, before.len());
    let mut walk = Walk { before, after, old: 0, new: 0, edits: Vec::new() };
    for (index, site) in sites.iter().enumerate() {
        let next = sites.get(index + 1).map_or(before.len(), |next| next.range.start);
        walk.site(site, next);
    }
    walk.copy(before.len());
    if walk.old < before.len() || walk.new < after.len() {
        walk.replace(before.len(), after.len(), Cause::Unlisted);
    }
    walk.edits
}

/// The same where nothing is known of the edits.
pub(super) fn unlisted(before: &[u8], after: &[u8]) -> Vec<Edit> {
    edits(before, after, &Report::default(), None)
}

fn sites(report: &Report, part: Option<u32>, length: usize) -> Vec<Site<'_>> {
    let mut sites = Vec::new();
    let mut add = |of: Option<u32>, range: Range<u64>, what| {
        let offset = |at: u64| usize::try_from(at).ok().filter(|at| *at <= length);
        if let (true, Some(start), Some(end)) = (of == part, offset(range.start), offset(range.end)) {
            sites.push(Site { range: start..end, what });
        }
    };
    for link in &report.links {
        if let Verdict::Tracked { url, .. } = &link.verdict {
            add(link.part, link.range.clone(), What::Url(url));
        }
    }
    for removed in &report.removed {
        add(removed.part, removed.range.clone(), What::Attribute);
    }
    for pixel in &report.pixels {
        if let (Some(_), Some(at)) = (pixel.place, pixel.offset) {
            add(pixel.part, at..at, What::Pixel(pixel.kind));
        }
    }
    for change in &report.changes {
        match change {
            Change::PlaceholderRemoved { part, range, comment } => {
                add(*part, range.clone(), What::Put(if *comment { "<!---->" } else { "" }));
            }
            Change::SchemeRestored { part, range } => add(*part, range.clone(), What::Put("")),
            _ => {}
        }
    }
    // The top pixel comes before the bottom one where both stand at one place, as they do here.
    sites.sort_by_key(|site| (site.range.start, site.range.end));
    sites
}

struct Walk<'a> {
    before: &'a [u8],
    after: &'a [u8],
    /// Up to where both were compared.
    old: usize,
    new: usize,
    edits: Vec<Edit>,
}

impl Walk<'_> {
    /// Goes over the bytes up to a site, and over what was done there.
    fn site(&mut self, site: &Site<'_>, next: usize) {
        let Range { start, end } = site.range.clone();
        if start < self.old {
            return; // it lies in what was replaced already
        }
        if let What::Attribute = site.what {
            return self.attribute(start, end, next);
        }
        self.copy(start);
        if self.old != start {
            return;
        }
        let rest = &self.after[self.new..];
        let (length, cause) = match site.what {
            What::Url(url) => (url_length(rest, url), Cause::Link),
            What::Pixel(kind) => (pixel_length(rest, kind), Cause::Pixel),
            What::Put(text) => (rest.starts_with(text.as_bytes()).then_some(text.len()), Cause::Removal),
            What::Attribute => (None, Cause::Removal),
        };
        // What does not fit is found when the bytes behind it are compared.
        if let Some(length) = length {
            self.replace(end, self.new + length, cause);
        }
    }

    /// A removed attribute goes with the white space before it, or without, and sometimes a byte takes its place: what
    /// follows tells.
    fn attribute(&mut self, start: usize, end: usize, next: usize) {
        /// So many bytes are enough to tell.
        const FOLLOWING: usize = 64;

        let mut blank = start;
        while blank > self.old && self.before[blank - 1].is_ascii_whitespace() {
            blank -= 1;
        }
        self.copy(blank);
        if self.old != blank {
            return;
        }
        let follows = end..next.clamp(end, self.before.len()).min(end + FOLLOWING);
        // White space in front of the next removed attribute goes with that.
        let follows = self.before[follows].trim_ascii_end();
        for (kept, put) in [(blank, ""), (start, ""), (blank, " "), (blank, "/"), (start, "/"), (start, " ")]
        {
            let kept = &self.before[blank..kept];
            let there = self.after[self.new..].strip_prefix(kept);
            let Some(there) = there.and_then(|rest| rest.strip_prefix(put.as_bytes())) else { continue };
            if there.starts_with(follows) {
                self.copy(blank + kept.len());
                self.replace(end, self.new + put.len(), Cause::Removal);
                return;
            }
        }
    }

    fn replace(&mut self, old: usize, new: usize, cause: Cause) {
        let (before, after) = (self.old..old, self.new..new);
        (self.old, self.new) = (old, new);
        if before.is_empty() && after.is_empty() {
            return;
        }
        match self.edits.last_mut() {
            Some(last) if last.before.end == before.start && last.after.end == after.start => {
                (last.before.end, last.after.end) = (old, new);
            }
            _ => self.edits.push(Edit { before, after, cause }),
        }
    }

    /// Goes over bytes that should be the same, up to an offset of `before`; past it, if they are not.
    fn copy(&mut self, until: usize) {
        while self.old < until {
            let same = common(&self.before[self.old..until], &self.after[self.new..]);
            (self.old, self.new) = (self.old + same, self.new + same);
            if self.old == until {
                return;
            }
            let (old, new) = (&self.before[self.old..], &self.after[self.new..]);
            let line_end = if new.starts_with(b"\r\n") { 2 } else { 1 };
            if matches!(old[0], b' ' | b'\t')
                && matches!(new, [b'\n' | b'\r', ..])
                && new.get(line_end) == old.first()
            {
                self.replace(self.old, self.new + line_end, Cause::LineBreak);
                continue;
            }
            let (skipped, put) = meeting(old, new);
            self.replace(self.old + skipped, self.new + put, Cause::Unlisted);
        }
    }
}

/// How many bytes at the start are the same.
fn common(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 256;

    let most = one.len().min(other.len());
    let mut at = 0;
    while at + BLOCK <= most && one[at..at + BLOCK] == other[at..at + BLOCK] {
        at += BLOCK;
    }
    at + one[at..most].iter().zip(&other[at..most]).take_while(|(one, other)| one == other).count()
}

/// The length of a value that says this URL, with or without character references for what means something in HTML.
fn url_length(text: &[u8], url: &str) -> Option<usize> {
    let mut rest = text;
    for byte in url.bytes() {
        rest = match rest.split_first() {
            Some((b'&', more)) => {
                let (reference, length) = reference(more);
                match reference {
                    Some(meant) if meant == byte => &more[length..],
                    _ if byte == b'&' => more,
                    _ => return None,
                }
            }
            Some((first, more)) if *first == byte => more,
            _ => return None,
        };
    }
    Some(text.len() - rest.len())
}

/// The ASCII character of a reference as the rewriter writes it, and the length behind `&`.
fn reference(text: &[u8]) -> (Option<u8>, usize) {
    for (name, byte) in [("amp;", b'&'), ("quot;", b'"'), ("lt;", b'<'), ("gt;", b'>')] {
        if text.starts_with(name.as_bytes()) {
            return (Some(byte), name.len());
        }
    }
    let Some(digits) = text.strip_prefix(b"#") else { return (None, 0) };
    let count = digits.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let number = str::from_utf8(&digits[..count]).ok().and_then(|digits| digits.parse().ok());
    (number.filter(|_| digits.get(count) == Some(&b';')), count + 2)
}

/// The length of the pixel at the start. Its lines may have been broken.
fn pixel_length(text: &[u8], kind: EventKind) -> Option<usize> {
    /// No tracking URL is so long that a pixel would be longer.
    const LONGEST: usize = 1 << 20;

    let (start, end) = match kind {
        EventKind::InitialOpen => ("<div", "</div>"),
        _ => ("<img", "border:0\">"),
    };
    let text = &text[..text.len().min(LONGEST)];
    let end_at = text.starts_with(start.as_bytes()).then(|| memmem::find(text, end.as_bytes()))??;
    Some(end_at + end.len())
}

/// Where two texts that begin differently become the same again: how many bytes of each come before.
fn meeting(old: &[u8], new: &[u8]) -> (usize, usize) {
    /// So many bytes in common are no chance.
    const SAME: usize = 24;
    const FIRST_WINDOW: usize = 256;
    /// Longer replacements than this are not told apart from each other.
    const LAST_WINDOW: usize = 1 << 18;

    let mut window = FIRST_WINDOW;
    while window <= LAST_WINDOW {
        let part = |text: &[u8]| text.len().min(window + SAME - 1);
        let mut first = HashMap::with_capacity(window);
        for (at, piece) in old[..part(old)].windows(SAME).enumerate() {
            first.entry(piece).or_insert(at);
        }
        let mut nearest: Option<(usize, usize)> = None;
        for (at, piece) in new[..part(new)].windows(SAME).enumerate() {
            if nearest.is_some_and(|(old, new)| at >= old + new) {
                break;
            }
            if let Some(found) =
                first.get(piece).filter(|found| nearest.is_none_or(|(old, new)| *found + at < old + new))
            {
                nearest = Some((*found, at));
            }
        }
        if let Some(nearest) = nearest {
            return nearest;
        }
        if window >= old.len() && window >= new.len() {
            break;
        }
        window *= 4;
    }
    let ends = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    (old.len() - ends, new.len() - ends)
}
