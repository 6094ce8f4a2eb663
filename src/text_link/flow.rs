//! `format=flowed` (RFC 3676): which line ends are soft, and what the text is without them.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memrchr};

use super::Layout;

pub(super) struct Flow<'a> {
    pub(super) bytes: &'a [u8],
    layout: Layout,
}

impl<'a> Flow<'a> {
    pub(super) fn of(bytes: &'a [u8], layout: Layout) -> Flow<'a> {
        Flow { bytes, layout }
    }

    /// Where the text goes on at `at` to a reader who deletes the space of a soft break (`delsp=yes`, section 4.1); for
    /// all others at `at` itself. Then the space stays, and no word reaches over it.
    pub(super) fn skip(&self, mut at: usize) -> usize {
        while self.layout.delsp
            && let Some(next) = self.soft_break(at)
        {
            at = next;
        }
        at
    }

    /// Behind white space; a soft break is some, where its space stays.
    pub(super) fn skip_blanks(&self, mut at: usize) -> usize {
        loop {
            at = self.skip(at);
            at = match self.bytes.get(at) {
                Some(b' ' | b'\t') => self.soft_break(at).unwrap_or(at + 1),
                _ => return at,
            };
        }
    }

    /// If the space at `at` ends a line that flows on: where the next line's text begins.
    pub(super) fn soft_break(&self, at: usize) -> Option<usize> {
        let rest = self.bytes.get(at..).filter(|_| self.layout.flowed)?;
        let next = match rest {
            [b' ', b'\n', ..] => at + 2,
            [b' ', b'\r', b'\n', ..] => at + 3,
            _ => return None,
        };
        let start = memrchr(b'\n', &self.bytes[..at]).map_or(0, |newline| newline + 1);
        let depth = self.depth(start);
        // Section 4.5: lines of another quote depth are another paragraph's.
        if self.depth(next) != depth {
            return None;
        }
        // Section 4.4: a space that stuffing put there.
        let text = next + depth + usize::from(self.bytes.get(next + depth) == Some(&b' '));
        let rest = self.bytes.get(text..).filter(|_| next < self.bytes.len())?;
        // Section 4.3: a signature's separator is no flowed line and joins none.
        let is_separator = |rest: &[u8]| rest.starts_with(b"-- \n") || rest.starts_with(b"-- \r\n");
        (!is_separator(rest) && !is_separator(&self.bytes[next + depth..])).then_some(text)
    }

    fn depth(&self, line: usize) -> usize {
        self.bytes[line..].iter().take_while(|&&byte| byte == b'>').count()
    }

    pub(super) fn unfolded(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        let bytes = &self.bytes[range.clone()];
        if memchr(b'\n', bytes).is_none() {
            return Cow::Borrowed(bytes);
        }
        let mut text = Vec::with_capacity(bytes.len());
        let mut at = self.skip(range.start);
        while at < range.end {
            match self.soft_break(at) {
                // Not skipped: its space stays.
                Some(next) => {
                    text.push(b' ');
                    at = next;
                }
                None => {
                    text.push(self.bytes[at]);
                    at += 1;
                }
            }
            at = self.skip(at);
        }
        Cow::Owned(text)
    }
}
