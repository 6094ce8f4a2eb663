//! 7bit, 8bit and binary (RFC 2045, sections 2.7 to 2.9): the body as it is.
//!
//! A line that the edits would make longer than 998 octets (RFC 5322, section 2.1.1) is broken in front of white
//! space that stands in front of an attribute: to HTML a line end there is white space like the other. A hop that
//! folds such a line later would do it in the middle of a URL, and break a signature.

use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;

use memchr::{memchr, memchr_iter, memrchr};

use super::{Around, LineEnd, Refused, growth};
use crate::edit::Edit;

const LONGEST: usize = 998;

/// Where lines may be broken: offsets of white space in front of attributes. The white space stays and begins the
/// new line. Offsets at other bytes are ignored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Breaks<'a> {
    /// Offsets in the body, ascending, of the tags that are edited; those within a replaced range are ignored.
    pub(crate) body: &'a [usize],
    /// For each edit, offsets in its replacement, ascending. Missing ones at the end are empty.
    pub(crate) replacements: &'a [&'a [usize]],
}

/// The places in front of attributes in markup of our own: well-formed tags, values in double quotes.
pub(crate) fn attribute_breaks(markup: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let (mut tag, mut quoted) = (false, false);
    for (at, byte) in markup.iter().enumerate() {
        match byte {
            b'"' if tag => quoted = !quoted,
            b'<' | b'>' if !quoted => tag = *byte == b'<',
            b' ' if tag && !quoted => places.push(at),
            _ => {}
        }
    }
    places
}

/// The edits, as indices, whose replacements make a line longer than 998 octets that cannot be broken. Only the
/// lengths of the replacements (and line ends in them) count. Without these edits [`super::apply`] finds none.
///
/// In a line of the author's that was too long before, only a replacement that reaches beyond the 998th octet
/// counts: what stands in front of it a later hop does not cut.
#[cfg(test)]
pub(crate) fn too_long(body: &[u8], edits: &[Edit], breaks: Breaks<'_>) -> Vec<usize> {
    Layout::of(body, edits, breaks, LineEnd::Lf).too_long
}

/// `lines`: the encoding has lines, as 7bit and 8bit have. On an error a part was appended to `out`.
pub(super) fn apply(
    body: &[u8],
    edits: &[Edit],
    around: &Around<'_>,
    lines: bool,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let mut layout = Layout::default();
    if lines {
        layout = Layout::of(body, edits, around.breaks, around.line_end);
        if !layout.too_long.is_empty() {
            return Err(Refused::LineTooLong(layout.too_long));
        }
    }
    out.reserve(body.len() + growth(edits) + 2 * layout.breaks.len());
    let mut breaks = layout.breaks.iter().peekable();
    let mut at = 0;
    let all: Vec<usize> = (0..edits.len()).collect();
    for group in groups(body, edits, &all) {
        out.extend_from_slice(&body[at..group.start]);
        at = group.start;
        let written = out.len();
        for (index, edit) in edits.iter().enumerate().take(group.edits.end).skip(group.edits.start) {
            let until = |place: &Break| place.edit.is_none() && place.offset < edit.range.start;
            at = write(body, at, edit.range.start, &mut breaks, until, out);
            let until = |place: &Break| place.edit == Some(index);
            write(&edit.replacement, 0, edit.replacement.len(), &mut breaks, until, out);
            at = edit.range.end.max(at);
        }
        let until = |place: &Break| place.edit.is_none() && place.offset < group.end;
        at = write(body, at, group.end, &mut breaks, until, out);
        let author = &body[group.start..group.end];
        check(&out[written..], author, around, group.edits.start)?;
    }
    out.extend_from_slice(&body[at..]);
    Ok(())
}

/// Writes `text[at..end]` with the breaks that are in it, and returns `end`.
fn write(
    text: &[u8],
    mut at: usize,
    end: usize,
    breaks: &mut Peekable<Iter<'_, Break>>,
    within: impl Fn(&Break) -> bool,
    out: &mut Vec<u8>,
) -> usize {
    while let Some(place) = breaks.next_if(|place| within(place)) {
        out.extend_from_slice(&text[at..place.offset]);
        out.extend_from_slice(place.line_end.bytes());
        at = place.offset;
    }
    out.extend_from_slice(&text[at..end]);
    end
}

/// Whether one of the lines became what it must not be.
fn check(lines: &[u8], author: &[u8], around: &Around<'_>, edit: usize) -> Result<(), Refused> {
    let was_from = lines_of(author).any(|line| line.starts_with(b"From "));
    for line in lines_of(lines) {
        if line.starts_with(b"--") && (around.is_delimiter)(line) {
            return Err(Refused::Delimiter { edit });
        }
        if line.starts_with(b"From ") && !was_from && !around.restoring {
            return Err(Refused::FromLine { edit });
        }
    }
    Ok(())
}

/// Lines of the author's that edits touch, several where an edit takes a line end away.
struct Group {
    /// From the first line's start to behind the last line's end.
    start: usize,
    end: usize,
    /// Of the list of edits.
    edits: Range<usize>,
}

/// `edits`: indices of those that are made.
fn groups<'a>(body: &'a [u8], all: &'a [Edit], edits: &'a [usize]) -> impl Iterator<Item = Group> + 'a {
    let mut next = 0;
    let mut done = 0;
    std::iter::from_fn(move || {
        let first = next;
        let edit = &all[*edits.get(first)?];
        let start = memrchr(b'\n', &body[done..edit.range.start]);
        let start = start.map_or(done, |newline| done + newline + 1);
        let mut end = end_of_line(body, edit.range.end);
        next += 1;
        while let Some(edit) = edits.get(next).map(|index| &all[*index]) {
            // At the end of the body an insertion is on the last line, unless that one ends.
            let open = start == end || end == body.len() && !body.ends_with(b"\n");
            if edit.range.start >= end && !open {
                break;
            }
            if edit.range.end >= end {
                end = end_of_line(body, edit.range.end);
            }
            next += 1;
        }
        done = end;
        Some(Group { start, end, edits: first..next })
    })
}

fn end_of_line(body: &[u8], at: usize) -> usize {
    memchr(b'\n', &body[at..]).map_or(body.len(), |newline| at + newline + 1)
}

/// The lines without their ends.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr_iter(b'\n', text).chain([text.len()]);
    ends.scan(0, |start, end| Some(without_cr(&text[std::mem::replace(start, end + 1)..end])))
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line end to be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Break {
    /// Where: in this edit's replacement, or in the body.
    edit: Option<usize>,
    offset: usize,
    line_end: LineEnd,
}

#[derive(Debug, Default)]
struct Layout {
    breaks: Vec<Break>,
    too_long: Vec<usize>,
}

impl Layout {
    fn of(body: &[u8], edits: &[Edit], breaks: Breaks<'_>, fallback: LineEnd) -> Layout {
        let mut layout = Layout::default();
        let mut kept: Vec<usize> = (0..edits.len()).collect();
        loop {
            let known = layout.too_long.len();
            layout.breaks.clear();
            layout.pass(body, edits, &kept, breaks, fallback);
            layout.too_long.sort_unstable();
            layout.too_long.dedup();
            if layout.too_long.len() == known {
                return layout;
            }
            // To leave an edit brings back what it replaced, a line end maybe: all is looked at again.
            kept.retain(|index| layout.too_long.binary_search(index).is_err());
        }
    }

    fn pass(&mut self, body: &[u8], edits: &[Edit], kept: &[usize], breaks: Breaks<'_>, fallback: LineEnd) {
        let mut places = breaks.body;
        for group in groups(body, edits, kept) {
            let text = &body[group.start..group.end];
            let overlong = lines_of(text).any(|line| line.len() > LONGEST);
            let line_end = LineEnd::near(body, group.start, group.end).unwrap_or(fallback);
            let mut line =
                Line { layout: self, line_end, overlong, column: 0, place: None, gap: 0, pieces: vec![] };
            let mut at = group.start;
            for &index in &kept[group.edits] {
                let edit = &edits[index];
                line.author(body, at..edit.range.start, &mut places);
                line.replacement(
                    index,
                    edit,
                    body,
                    breaks.replacements.get(index).copied().unwrap_or_default(),
                );
                at = edit.range.end;
            }
            let rest = &body[at..group.end];
            let rest = rest.strip_suffix(b"\n").map_or(rest, without_cr);
            line.author(body, at..at + rest.len(), &mut places);
            line.end();
        }
    }
}

/// The line that is being laid out, or what of it stands behind its last break.
struct Line<'l> {
    layout: &'l mut Layout,
    line_end: LineEnd,
    /// The author's line was too long.
    overlong: bool,
    column: usize,
    /// The last place for a break, and its column.
    place: Option<(Break, usize)>,
    /// How many bytes stand behind the last place, and what of replacements is among them. Where this is too much,
    /// no break helps.
    gap: usize,
    pieces: Vec<Piece>,
}

struct Piece {
    edit: usize,
    /// Where in the gap it begins, and how many bytes of the replacement stand there.
    start: usize,
    length: usize,
    replaced: usize,
    /// A line end was replaced.
    joins: bool,
}

impl Line<'_> {
    fn author(&mut self, body: &[u8], mut range: Range<usize>, places: &mut &[usize]) {
        // Those in front of the range are replaced.
        *places = &places[places.partition_point(|place| *place < range.start)..];
        while let [place, rest @ ..] = *places
            && *place < range.end
        {
            *places = rest;
            self.grow(*place - range.start);
            range.start = *place;
            self.place(None, body, *place);
        }
        self.grow(range.len());
    }

    fn replacement(&mut self, index: usize, edit: &Edit, body: &[u8], places: &[usize]) {
        let before = (self.column, self.place);
        let replaced = edit.range.len();
        let joins = memchr(b'\n', &body[edit.range.clone()]).is_some();
        let piece = |start, length| Piece { edit: index, start, length, replaced, joins };
        let text = &edit.replacement[..];
        let mut at = 0;
        for place in places.iter().copied().filter(|place| *place < text.len()).chain([text.len()]) {
            for (number, text) in text[at..place].split(|byte| *byte == b'\n').enumerate() {
                if number > 0 {
                    self.end();
                }
                self.pieces.push(piece(self.gap, text.len()));
                self.grow(text.len());
                // `<img` and the like in front of the first place may stand where a hop could cut.
                let opens = at == 0 && place < edit.replacement.len();
                // Nobody cuts a single byte, which is what may take a removed attribute's place.
                let may_be_cut = text.len() > 1;
                if self.overlong && self.column > LONGEST && may_be_cut && !self.break_line() && !opens {
                    self.layout.too_long.push(index);
                    (self.column, self.place) = before;
                    self.column += replaced;
                    return;
                }
            }
            at = place;
            if at < text.len() {
                self.place(Some(index), text, at);
            }
        }
    }

    fn grow(&mut self, length: usize) {
        self.column += length;
        self.gap += length;
        if !self.overlong {
            self.break_line();
        }
    }

    /// Breaks the line if it is too long. Whether it is short enough then.
    fn break_line(&mut self) -> bool {
        if self.column > LONGEST
            && let Some((place, column)) = self.place.take()
        {
            self.layout.breaks.push(place);
            self.column -= column;
        }
        self.column <= LONGEST
    }

    fn place(&mut self, edit: Option<usize>, text: &[u8], offset: usize) {
        if self.column > 0 && matches!(text[offset], b' ' | b'\t') {
            self.place = Some((Break { edit, offset, line_end: self.line_end }, self.column));
            self.end_gap();
        }
    }

    fn end(&mut self) {
        self.end_gap();
        self.column = 0;
        self.place = None;
    }

    /// Leaves edits until what stands between two places is short enough: those that add most, and of such the
    /// last ones; then some of those that join lines.
    fn end_gap(&mut self) {
        let mut excess = self.gap.saturating_sub(LONGEST);
        if excess > 0 && !self.overlong {
            let growth = |piece: &Piece| piece.length.saturating_sub(piece.replaced);
            self.pieces.sort_by_key(|piece| (growth(piece), piece.edit));
            while excess > 0
                && let Some(piece) = self.pieces.pop_if(|piece| growth(piece) > 0)
            {
                self.layout.too_long.push(piece.edit);
                excess = excess.saturating_sub(growth(&piece));
            }
            if excess > 0 {
                self.leave_joins();
            }
        }
        self.gap = 0;
        self.pieces.clear();
    }

    fn leave_joins(&mut self) {
        self.pieces.retain(|piece| piece.joins);
        self.pieces.sort_by_key(|piece| piece.edit);
        let mut start = 0;
        for (index, piece) in self.pieces.iter().enumerate() {
            let end = self.pieces.get(index + 1).map_or(self.gap, |next| next.start);
            if end - start > LONGEST {
                self.layout.too_long.push(piece.edit);
                start = piece.start;
            }
        }
    }
}
