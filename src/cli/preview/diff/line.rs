//! One line of a diff.

use std::io::{self, Write};
use std::ops::Range;

use super::super::super::sanitize::Printable;
use super::super::super::summary::grouped;
use super::super::super::terminal::{Screen, Tone};
use super::Difference;

/// Lines of more characters than this are shown in windows.
pub(super) const LONG: usize = 300;
/// What is shown of the same text beside a change, in characters.
const BESIDE: usize = 48;
/// Changed text of more characters than this is shortened in the middle.
const LONG_CHANGE: usize = 400;

/// How a line is shown.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) screen: Screen,
    pub(super) tone: Tone,
    /// For what changed in it.
    pub(super) mark: Tone,
    /// However long it is.
    pub(super) is_whole: bool,
    /// It, or a line that it is to be compared with, is long.
    pub(super) is_long: bool,
}

/// A line and what changed in it.
pub(super) struct Line<'a> {
    pub(super) sign: char,
    /// The text that it is a line of.
    pub(super) bytes: &'a [u8],
    /// Its line end included.
    pub(super) range: Range<usize>,
    /// In order; they may reach beyond the line.
    pub(super) marks: &'a [Range<usize>],
}

impl Line<'_> {
    /// Writes the line.
    pub(super) fn write(
        &self,
        out: &mut impl Write,
        difference: &Difference<'_>,
        style: Style,
    ) -> io::Result<()> {
        let line = &self.bytes[self.range.clone()];
        let has_end = line.ends_with(b"\n");
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        // That of CRLF. Every other one is shown.
        let text = if has_end { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        let range = self.range.start..self.range.start + text.len();
        let is_windowed = !style.is_whole && style.is_long;
        let paint = |tone, text: &str| style.screen.paint(tone, text.to_owned());
        write!(out, "{}", paint(style.tone, &self.sign.to_string()))?;
        let mut done = range.start;
        let same = |out: &mut _, from: usize, to: usize, is_last: bool| {
            let text = difference.decode(self.bytes, from..to);
            let (head, tail) = match (from == range.start, is_last) {
                (true, true) => (LONG, 0),
                (true, false) => (0, BESIDE),
                (false, true) => (BESIDE, 0),
                (false, false) => (BESIDE, BESIDE),
            };
            write_text(out, style, style.tone, &text, is_windowed.then_some((head, tail)))
        };
        for mark in self.marks {
            let (start, end) = (mark.start.clamp(done, range.end), mark.end.clamp(done, range.end));
            if start > done {
                same(out, done, start, false)?;
            }
            let text = difference.decode(self.bytes, start..end);
            let limit = (!style.is_whole).then_some((LONG_CHANGE * 2 / 3, LONG_CHANGE / 3));
            write_text(out, style, style.mark, &text, limit)?;
            done = end;
        }
        if done < range.end {
            same(out, done, range.end, true)?;
        }
        writeln!(out)?;
        if !has_end {
            writeln!(out, "{}", style.screen.paint(Tone::Dim, "\\ No newline at end of file"))?;
        }
        Ok(())
    }
}

/// Writes text, of which so many characters at both ends are shown, if it has many more.
fn write_text(
    out: &mut impl Write,
    style: Style,
    tone: Tone,
    text: &str,
    limit: Option<(usize, usize)>,
) -> io::Result<()> {
    /// What says that something is left out is not longer than this.
    const NOTE: usize = 24;

    if text.is_empty() {
        return Ok(());
    }
    let screen = style.screen;
    // Bytes first: a character has at least one.
    if let Some((head, tail)) = limit.filter(|(head, tail)| text.len() > head + tail + NOTE) {
        let head_end = text.char_indices().nth(head).map_or(text.len(), |(at, _)| at);
        let tail_start = match tail {
            0 => text.len(),
            _ => text.char_indices().rev().nth(tail - 1).map_or(0, |(at, _)| at),
        };
        if head_end < tail_start {
            let left_out = text[head_end..tail_start].chars().count();
            if left_out > NOTE {
                let note = format!("[…{} more…]", grouped(left_out as u64));
                write!(out, "{}", screen.paint(tone, Shown(&text[..head_end])))?;
                write!(out, "{}", screen.paint(Tone::Dim, note))?;
                return write!(out, "{}", screen.paint(tone, Shown(&text[tail_start..])));
            }
        }
    }
    write!(out, "{}", screen.paint(tone, Shown(text)))
}

/// Text with tabs as they are, which harm nothing, and all else made safe.
struct Shown<'a>(&'a str);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, piece) in self.0.split('\t').enumerate() {
            if index > 0 {
                f.write_str("\t")?;
            }
            write!(f, "{}", Printable(piece))?;
        }
        Ok(())
    }
}
