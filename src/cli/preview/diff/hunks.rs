//! Hunks: lines that differ, with three lines around them.

use std::io::{self, Write};
use std::ops::Range;

use memchr::memchr_iter;

use super::super::super::terminal::{Screen, Tone};
use super::Difference;
use super::line::{LONG, Line, Style};

/// Lines of context, as `diff -u` has.
const CONTEXT: usize = 3;

/// Lines that differ: counted from 0, on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    before: Range<usize>,
    after: Range<usize>,
    /// Its edits.
    edits: Range<usize>,
}

/// Where the lines of a text are.
struct Lines<'a> {
    bytes: &'a [u8],
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(bytes: &'a [u8]) -> Lines<'a> {
        let mut starts = vec![0];
        starts.extend(memchr_iter(b'\n', bytes).map(|at| at + 1));
        // What ends with a line end has no line behind it.
        if starts.last() == Some(&bytes.len()) {
            starts.pop();
        }
        Lines { bytes, starts }
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    /// The line that an offset stands in; one more than there are, at the end of a text that ends with a line end.
    fn at(&self, offset: usize) -> usize {
        if offset >= self.bytes.len() && self.bytes.last().is_none_or(|byte| *byte == b'\n') {
            return self.len();
        }
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// Where a line stands, its line end included.
    fn range(&self, line: usize) -> Range<usize> {
        let end = |line: usize| self.starts.get(line).copied().unwrap_or(self.bytes.len());
        end(line)..end(line + 1)
    }

    fn text(&self, line: usize) -> &'a [u8] {
        &self.bytes[self.range(line)]
    }
}

/// Writes all hunks of a difference.
pub(super) fn write(
    out: &mut impl Write,
    screen: Screen,
    difference: &Difference<'_>,
    is_whole: bool,
) -> io::Result<()> {
    let (before, after) = (Lines::of(&difference.before), Lines::of(&difference.after));
    let blocks = blocks(&before, &after, difference);
    let mut rest = &blocks[..];
    while !rest.is_empty() {
        let near = |pair: &[Block]| pair[1].before.start - pair[0].before.end <= 2 * CONTEXT;
        let count = 1 + rest.windows(2).take_while(|pair| near(pair)).count();
        let (hunk, more) = rest.split_at(count);
        write_hunk(out, screen, difference, (&before, &after), hunk, is_whole)?;
        rest = more;
    }
    Ok(())
}

/// The blocks of lines that the edits touch. Edits that share a line are in one block.
fn blocks(before: &Lines<'_>, after: &Lines<'_>, difference: &Difference<'_>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (index, edit) in difference.edits.iter().enumerate() {
        let lines = |lines: &Lines<'_>, range: &Range<usize>| {
            lines.at(range.start)..(lines.at(range.end) + 1).min(lines.len()).max(lines.at(range.start))
        };
        let (old, new) = (lines(before, &edit.before), lines(after, &edit.after));
        match blocks.last_mut() {
            Some(last) if old.start < last.before.end || new.start < last.after.end => {
                last.before.end = last.before.end.max(old.end);
                last.after.end = last.after.end.max(new.end);
                last.edits.end = index + 1;
            }
            _ => blocks.push(Block { before: old, after: new, edits: index..index + 1 }),
        }
    }
    for block in &mut blocks {
        trim(block, before, after);
    }
    blocks
}

/// Takes whole lines that are the same out of a block's ends.
fn trim(block: &mut Block, before: &Lines<'_>, after: &Lines<'_>) {
    let is_rest = |block: &Block| !block.before.is_empty() && !block.after.is_empty();
    while is_rest(block) && before.text(block.before.end - 1) == after.text(block.after.end - 1) {
        block.before.end -= 1;
        block.after.end -= 1;
    }
    while is_rest(block) && before.text(block.before.start) == after.text(block.after.start) {
        block.before.start += 1;
        block.after.start += 1;
    }
}

fn write_hunk(
    out: &mut impl Write,
    screen: Screen,
    difference: &Difference<'_>,
    (before, after): (&Lines<'_>, &Lines<'_>),
    hunk: &[Block],
    is_whole: bool,
) -> io::Result<()> {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return Ok(()) };
    let lead = first.before.start.min(CONTEXT);
    let tail = (before.len() - last.before.end).min(CONTEXT);
    let old = first.before.start - lead..last.before.end + tail;
    let new = first.after.start - lead..last.after.end + tail;
    let head = format!("@@ -{} +{} @@", place(&old), place(&new));
    writeln!(out, "{}", screen.paint(Tone::Accent, head))?;
    let style = |tone, mark, is_long| Style { screen, tone, mark, is_whole, is_long };
    let same = |out: &mut _, lines: Range<usize>| {
        lines.into_iter().try_for_each(|line| {
            let line = Line { sign: ' ', bytes: &difference.before, range: before.range(line), marks: &[] };
            let is_long = line.range.len() > LONG;
            line.write(out, difference, style(Tone::Plain, Tone::Plain, is_long))
        })
    };
    let mut done = old.start;
    for block in hunk {
        same(out, done..block.before.start)?;
        let edits = &difference.edits[block.edits.clone()];
        let is_long = block.before.clone().any(|line| before.range(line).len() > LONG)
            || block.after.clone().any(|line| after.range(line).len() > LONG);
        let marks: Vec<_> = edits.iter().map(|edit| edit.before.clone()).collect();
        for line in block.before.clone() {
            let range = before.range(line);
            let line = Line { sign: '-', bytes: &difference.before, marks: within(&marks, &range), range };
            line.write(out, difference, style(Tone::Bad, Tone::Removed, is_long))?;
        }
        let marks: Vec<_> = edits.iter().map(|edit| edit.after.clone()).collect();
        for line in block.after.clone() {
            let range = after.range(line);
            let line = Line { sign: '+', bytes: &difference.after, marks: within(&marks, &range), range };
            line.write(out, difference, style(Tone::Good, Tone::Added, is_long))?;
        }
        done = block.before.end;
    }
    same(out, done..old.end)
}

/// Those of the sorted ranges that reach into this one.
fn within<'a>(ranges: &'a [Range<usize>], line: &Range<usize>) -> &'a [Range<usize>] {
    let first = ranges.partition_point(|range| range.end <= line.start);
    let count = ranges[first..].partition_point(|range| range.start < line.end);
    &ranges[first..first + count]
}

/// A range of lines as `diff -u` writes it: from 1, the count left out where it is 1, the line before where it is 0.
fn place(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}
