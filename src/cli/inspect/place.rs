//! Where something stands in a file: line and column.

use std::cell::Cell;

use memchr::memchr_iter;

/// The lines of a file.
pub(in super::super) struct Lines {
    /// Where each begins.
    starts: Vec<usize>,
    /// The last place that was asked for and its column: a file may be one line, and places are asked for in order.
    last: Cell<(usize, usize)>,
}

impl Lines {
    /// Finds the lines of a file. They end with LF, or CRLF.
    pub(in super::super) fn of(bytes: &[u8]) -> Lines {
        let starts = std::iter::once(0).chain(memchr_iter(b'\n', bytes).map(|at| at + 1)).collect();
        Lines { starts, last: Cell::new((0, 1)) }
    }

    /// Line and column of an offset, both from 1; the column counts characters of UTF-8.
    pub(in super::super) fn place(&self, bytes: &[u8], at: usize) -> (usize, usize) {
        let at = at.min(bytes.len());
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts[line - 1];
        let (known, column) = match self.last.get() {
            (known, column) if (start..=at).contains(&known) => (known, column),
            _ => (start, 1),
        };
        let characters = bytes[known..at].iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.last.set((at, column + characters));
        (line, column + characters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns() {
        let text = "a\r\n\nfür x\n".as_bytes();
        let places = [
            (0, (1, 1)),
            (2, (1, 3)),
            (3, (2, 1)),
            (4, (3, 1)),
            (8, (3, 4)),
            (9, (3, 5)),
            (11, (4, 1)),
            (99, (4, 1)),
        ];
        let lines = Lines::of(text);
        for (at, place) in places {
            assert_eq!(lines.place(text, at), place, "{at}");
            assert_eq!(Lines::of(text).place(text, at), place, "{at}");
        }
        assert_eq!(lines.place(text, 4), (3, 1), "backwards");
        assert_eq!(Lines::of(b"").place(b"", 0), (1, 1));
    }
}
