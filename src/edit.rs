//! Edits, the one currency: what replaces which bytes.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::ops::Range;

/// Replaces the bytes at `range` of the input; an empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) replacement: Vec<u8>,
}

/// Edits waiting for their bytes, in document order.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    waiting: VecDeque<Edit>,
    /// The offset up to which the output was made.
    done: usize,
}

impl Edits {
    /// Adds an edit behind all that begin before it or where it does. Edits come nearly sorted.
    pub(crate) fn push(&mut self, edit: Edit) {
        self.insert(edit, |waiting, edit| waiting.range.start > edit.range.start);
    }

    /// Adds an edit that was decided late in front of all that begin where it does.
    pub(crate) fn push_first(&mut self, edit: Edit) {
        self.insert(edit, |waiting, edit| waiting.range.start >= edit.range.start);
    }

    fn insert(&mut self, edit: Edit, after: fn(&Edit, &Edit) -> bool) {
        debug_assert!(edit.range.start >= self.done);
        let mut index = self.waiting.len();
        while index > 0 && after(&self.waiting[index - 1], &edit) {
            index -= 1;
        }
        self.waiting.insert(index, edit);
    }

    /// Writes the output for the input from where the last call ended up to `end`, which must not
    /// cut an edit. `bytes` begins at offset `base`. On an error an unknown part was written.
    pub(crate) fn write(
        &mut self,
        bytes: &[u8],
        base: usize,
        end: usize,
        out: &mut impl Write,
    ) -> io::Result<()> {
        while let Some(edit) = self.waiting.front() {
            if edit.range.start > end || edit.range.end > end {
                break;
            }
            // An insertion at the very end may still get company that belongs before it.
            if edit.range.start == end && edit.range.is_empty() && end < base + bytes.len() {
                break;
            }
            out.write_all(&bytes[self.done - base..edit.range.start - base])?;
            out.write_all(&edit.replacement)?;
            self.done = edit.range.end;
            self.waiting.pop_front();
        }
        let end = self.waiting.front().map_or(end, |edit| edit.range.start.min(end));
        out.write_all(&bytes[self.done - base..end - base])?;
        self.done = end;
        Ok(())
    }

    /// How many bytes the output is longer than the input, for the edits that wait.
    pub(crate) fn growth(&self) -> isize {
        self.waiting.iter().map(|edit| edit.replacement.len() as isize - edit.range.len() as isize).sum()
    }

    /// The edits that wait, in order.
    pub(crate) fn into_waiting(self) -> Vec<Edit> {
        self.waiting.into()
    }

    /// The offset up to which the output was made.
    pub(crate) fn done(&self) -> usize {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        Edit { range, replacement: text.into() }
    }

    #[test]
    fn applies_edits_at_every_split() {
        let input = b"0123456789";
        for split in 0..=10 {
            let mut edits = Edits::default();
            edits.push(edit(2..4, "b"));
            edits.push(edit(7..7, "d"));
            edits.push(edit(1..1, "a"));
            edits.push(edit(7..8, "e"));
            edits.push(edit(10..10, "f"));
            assert_eq!(edits.growth(), 2);
            let mut out = Vec::new();
            if split != 3 {
                edits.write(input, 0, split, &mut out).unwrap();
            }
            edits.write(input, 0, 10, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), "0a1b456de89f", "{split}");
        }
    }
}
