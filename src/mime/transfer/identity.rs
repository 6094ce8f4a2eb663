//! 7bit, 8bit and binary (RFC 2045, sections 2.7 to 2.9): the body as it is.
//!
//! A line that the edits would make longer than 998 octets (RFC 5322, section 2.1.1) is broken in front of white
//! space that stands in front of an attribute: to HTML a line end there is white space like the other. A hop that
//! folds such a line later would do it in the middle of a URL, and break a signature.

use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;

use memchr::{memchr, memrchr};

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
    for group in Groups::new(body, edits) {
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
    let was_from = author.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"From "));
    for line in lines.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"--") && (around.is_delimiter)(line) {
            return Err(Refused::Delimiter { edit });
        }
        if line.starts_with(b"From ") && !was_from {
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
    edits: Range<usize>,
}

struct Groups<'a> {
    body: &'a [u8],
    edits: &'a [Edit],
    next: usize,
    done: usize,
}

impl<'a> Groups<'a> {
    fn new(body: &'a [u8], edits: &'a [Edit]) -> Groups<'a> {
        Groups { body, edits, next: 0, done: 0 }
    }
}

impl Iterator for Groups<'_> {
    type Item = Group;

    fn next(&mut self) -> Option<Group> {
        let first = self.next;
        let edit = self.edits.get(first)?;
        let start = memrchr(b'\n', &self.body[self.done..edit.range.start]);
        let start = start.map_or(self.done, |newline| self.done + newline + 1);
        let mut end = end_of_line(self.body, edit.range.end);
        self.next += 1;
        while let Some(edit) = self.edits.get(self.next)
            && (edit.range.start < end || edit.range.start == end && self.is_open(start, end))
        {
            if edit.range.end >= end {
                end = end_of_line(self.body, edit.range.end);
            }
            self.next += 1;
        }
        self.done = end;
        Some(Group { start, end, edits: first..self.next })
    }
}

impl Groups<'_> {
    /// The last line, without a line end.
    fn is_open(&self, start: usize, end: usize) -> bool {
        start == end || end == self.body.len() && self.body[end - 1] != b'\n'
    }
}

fn end_of_line(body: &[u8], at: usize) -> usize {
    memchr(b'\n', &body[at..]).map_or(body.len(), |newline| at + newline + 1)
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
        let mut places = breaks.body;
        for group in Groups::new(body, edits) {
            let line_end = LineEnd::near(body, group.start, group.end).unwrap_or(fallback);
            let author = &body[group.start..group.end];
            let overlong = author
                .split(|byte| *byte == b'\n')
                .any(|line| line.len() > LONGEST && line.strip_suffix(b"\r").unwrap_or(line).len() > LONGEST);
            let mut line =
                Line { layout: &mut layout, line_end, overlong, column: 0, place: None, pieces: vec![] };
            let mut at = group.start;
            for index in group.edits {
                let edit = &edits[index];
                line.author(body, at..edit.range.start, &mut places);
                line.replacement(
                    index,
                    edit,
                    body,
                    breaks.replacements.get(index).copied().unwrap_or_default(),
                );
                places = &places[places.partition_point(|place| *place < edit.range.end)..];
                at = edit.range.end;
            }
            let rest = &body[at..group.end];
            let rest = rest.strip_suffix(b"\n").map_or(rest, |rest| rest.strip_suffix(b"\r").unwrap_or(rest));
            line.author(body, at..at + rest.len(), &mut places);
        }
        layout.too_long.sort_unstable();
        layout
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
    pieces: Vec<Piece>,
}

/// The replacement of an edit, or what of it is in the line.
struct Piece {
    edit: usize,
    columns: Range<usize>,
    replaced: usize,
    /// A line end was replaced.
    joins: bool,
}

impl Piece {
    fn growth(&self) -> usize {
        self.columns.len().saturating_sub(self.replaced)
    }
}

impl Line<'_> {
    fn author(&mut self, body: &[u8], mut range: Range<usize>, places: &mut &[usize]) {
        *places = &places[places.partition_point(|place| *place < range.start)..];
        while let [place, rest @ ..] = *places
            && *place < range.end
        {
            *places = rest;
            self.author_text(*place - range.start);
            range.start = *place;
            self.place(None, body, *place);
        }
        self.author_text(range.len());
    }

    fn author_text(&mut self, length: usize) {
        self.column += length;
        if !self.overlong {
            self.settle(Line::leave_largest);
        }
    }

    fn replacement(&mut self, index: usize, edit: &Edit, body: &[u8], places: &[usize]) {
        self.pieces.push(Piece {
            edit: index,
            columns: self.column..self.column,
            replaced: edit.range.len(),
            joins: memchr(b'\n', &body[edit.range.clone()]).is_some(),
        });
        let text = &edit.replacement[..];
        let places = places.iter().copied().filter(|place| *place < text.len());
        let mut at = 0;
        for place in places.chain([text.len()]) {
            // `<img` and the like in front of the first place need not be within the 998 of an overlong line.
            let opens = at == 0 && place < text.len();
            if !self.chunk(index, &text[at..place], opens) {
                return;
            }
            at = place;
            if at < text.len() {
                self.place(Some(index), text, at);
            }
        }
    }

    /// Adds a part of the replacement. False where the edit is left after all.
    fn chunk(&mut self, index: usize, text: &[u8], opens: bool) -> bool {
        for (number, text) in text.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                self.column = 0;
                self.place = None;
                self.pieces.drain(..self.pieces.len() - 1);
                self.pieces[0].columns = 0..0;
            }
            self.column += text.len();
            if let Some(piece) = self.pieces.last_mut() {
                piece.columns.end = self.column;
            }
            match self.overlong {
                _ if text.is_empty() => {}
                false => self.settle(Line::leave_largest),
                true if opens => self.settle(|_| false),
                true => self.settle(Line::leave_last),
            }
            if self.pieces.last().is_none_or(|piece| piece.edit != index) {
                return false;
            }
        }
        true
    }

    fn place(&mut self, edit: Option<usize>, text: &[u8], offset: usize) {
        if self.column > 0 && matches!(text[offset], b' ' | b'\t') {
            self.place = Some((Break { edit, offset, line_end: self.line_end }, self.column));
        }
    }

    /// Breaks the line while it is too long; where it cannot be broken, `leave` leaves an edit, or none.
    fn settle(&mut self, leave: fn(&mut Self) -> bool) {
        while self.column > LONGEST && (self.break_line() || leave(self)) {}
    }

    fn break_line(&mut self) -> bool {
        let Some((place, column)) = self.place.take() else {
            return false;
        };
        self.layout.breaks.push(place);
        self.column -= column;
        self.pieces.retain_mut(|piece| {
            let stays = piece.columns.end > column || piece.columns.start >= column;
            let moved = |place: usize| place.saturating_sub(column);
            piece.columns = moved(piece.columns.start)..moved(piece.columns.end);
            stays || place.edit == Some(piece.edit)
        });
        true
    }

    /// Leaves the edit that adds most, the last of such; else the last one that joins lines.
    fn leave_largest(&mut self) -> bool {
        let largest = (0..self.pieces.len()).max_by_key(|index| self.pieces[*index].growth());
        match largest {
            Some(index) if self.pieces[index].growth() > 0 => {
                self.leave(index);
                true
            }
            _ => match self.pieces.iter().rposition(|piece| piece.joins) {
                Some(index) => {
                    let start = self.pieces[index].columns.start;
                    self.leave(index);
                    self.pieces.drain(..index);
                    self.column = self.column.saturating_sub(start);
                    true
                }
                None => false,
            },
        }
    }

    fn leave_last(&mut self) -> bool {
        let last = self.pieces.len().checked_sub(1);
        last.inspect(|last| self.leave(*last)).is_some()
    }

    /// Takes the edit back: what it replaced stands there again.
    fn leave(&mut self, index: usize) {
        let piece = self.pieces.remove(index);
        let back = |column: usize| (column + piece.replaced).saturating_sub(piece.columns.len());
        self.layout.too_long.push(piece.edit);
        self.column = back(self.column);
        for later in &mut self.pieces[index..] {
            later.columns = back(later.columns.start)..back(later.columns.end);
        }
    }
}
