//! Edits made in the encoded text.
//!
//! An insertion goes right behind the byte before it, on that byte's line; a replacement begins with the first byte
//! that it replaces and ends with the last one. So a soft break in front of either and one behind it stay, one
//! within a replaced range goes, and one behind a line of which nothing is left goes too.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::super::{LineEnd, growth};
use super::decode::{Checkpoint, Locator};
use super::line::Line;
use crate::edit::Edit;

/// How edits find their places, and how lines that are broken end.
pub(in super::super) struct Ways<'a> {
    pub(in super::super) checkpoints: &'a [Checkpoint],
    /// The edits' ranges are those of the encoded body.
    pub(in super::super) are_located: bool,
    /// The line end of soft breaks in a body that has no line end.
    pub(in super::super) fallback: LineEnd,
}

/// Lines that edits changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Where they stood in the body.
    pub(crate) before: Range<usize>,
    /// Where what became of them stands, counted from where the new body begins.
    pub(crate) after: Range<usize>,
    /// The index of the first of the edits.
    pub(crate) first: usize,
}

pub(in super::super) fn apply(
    body: &[u8],
    ways: &Ways<'_>,
    edits: &[Edit],
    changed: &mut Vec<Changed>,
    out: &mut Vec<u8>,
) {
    let growth = growth(edits);
    out.reserve(body.len() + growth + growth / 8);
    let begin = out.len();
    let mut locator = Locator::new(body, ways.checkpoints);
    let mut edits = edits
        .iter()
        .enumerate()
        .filter(|(_, edit)| !edit.range.is_empty() || !edit.replacement.is_empty())
        .map(|(index, edit)| {
            let range = match ways.are_located {
                true => edit.range.clone(),
                false => locator.range(&edit.range),
            };
            (index, range, &edit.replacement[..])
        })
        .peekable();
    // All before `at` is written or gone.
    let mut at = 0;
    while let Some((first, range, replacement)) = edits.next() {
        let line_start = memrchr(b'\n', &body[at..range.start]).map_or(at, |newline| at + newline + 1);
        let mut line_end = end_of_line(body, range.start);
        out.extend_from_slice(&body[at..line_start]);
        let written = out.len() - begin;
        let style = LineEnd::near(body, line_start, line_end).unwrap_or(ways.fallback);
        let mut line = Line::begin(out, range.start == line_start, style);
        line.author(&body[line_start..range.start]);
        line.text(replacement);
        at = range.end;
        loop {
            // An edit that reaches over the line's end joins it with the line where the edit ends.
            if at >= line_end && at > 0 {
                line_end = if body[at - 1] == b'\n' && line.is_empty() { at } else { end_of_line(body, at) };
            }
            // At the end of the body an insertion is on the last line, unless that one ends.
            let open = line_end == body.len() && !body.ends_with(b"\n");
            let within = |place: usize| place < line_end || place == at || open;
            match edits.next_if(|(_, range, _)| within(range.start)) {
                Some((_, range, replacement)) => {
                    line.author(&body[at..range.start]);
                    line.text(replacement);
                    at = range.end;
                }
                None => break,
            }
        }
        line.end(&body[at..line_end]);
        at = line_end;
        changed.push(Changed { before: line_start..line_end, after: written..out.len() - begin, first });
    }
    out.extend_from_slice(&body[at..]);
}

/// The offset behind the `\n` of the line that `body[at]` is in.
fn end_of_line(body: &[u8], at: usize) -> usize {
    memchr(b'\n', &body[at..]).map_or(body.len(), |newline| at + newline + 1)
}
