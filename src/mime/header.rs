//! Header blocks: where they end, their fields, unfolding. RFC 5322 section 2.2.

use std::borrow::Cow;
use std::ops::Range;

use super::boundary::{Boundaries, Delimiter, next_line};

/// One header field. Ranges are indices into the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Without the blanks that old mail has before the colon (RFC 5322 section 4.5.3).
    pub(crate) name: Range<usize>,
    /// All that stands after the colon, with the folding, without the last line end.
    pub(crate) value: Range<usize>,
    /// From the name to the end of the last line, its line end included.
    pub(crate) whole: Range<usize>,
}

impl Field {
    pub(crate) fn is(&self, message: &[u8], name: &str) -> bool {
        message[self.name.clone()].eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header block in their order. An mbox file's `From ` line in front of a message and
/// `>From ` lines are no fields, and neither is a line that has no name and colon.
pub(crate) fn fields(message: &[u8], header: Range<usize>) -> impl Iterator<Item = Field> {
    Lines { message, at: header.start, end: header.end }.filter_map(|line| match line {
        Line::Field(field) => Some(field),
        Line::Mbox | Line::Junk => None,
    })
}

/// The value as it was before folding: line breaks out, blanks at both ends out.
/// RFC 5322 section 2.2.3.
pub(crate) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = trim(value);
    if memchr::memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut unfolded = Vec::with_capacity(value.len());
    for line in value.split_inclusive(|&byte| byte == b'\n') {
        unfolded.extend_from_slice(without_line_end(line));
    }
    Cow::Owned(unfolded)
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = value {
        value = rest;
    }
    value
}

fn without_line_end(line: &[u8]) -> &[u8] {
    match line {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        line => line,
    }
}

/// A logical line of a header block: with the lines that continue it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Field(Field),
    /// `From ` in front of a message, `>From ` (what becomes of it where a message is put into an mbox twice).
    Mbox,
    Junk,
}

pub(super) struct Lines<'a> {
    message: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(message: &'a [u8], header: Range<usize>) -> Lines<'a> {
        Lines { message, at: header.start, end: header.end }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let start = self.at;
        let block = &self.message[..self.end];
        if start >= block.len() {
            return None;
        }
        let mut end = next_line(block, start);
        while matches!(block.get(end), Some(b' ' | b'\t')) {
            end = next_line(block, end);
        }
        self.at = end;
        let line = without_line_end(&block[start..end]);
        if start == 0 && line.starts_with(b"From ") || line.starts_with(b">From ") {
            return Some(Line::Mbox);
        }
        let Some(colon) = line.iter().position(|byte| !is_name(*byte)) else {
            return Some(Line::Junk);
        };
        let blanks = line[colon..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if colon == 0 || line.get(colon + blanks) != Some(&b':') {
            return Some(Line::Junk);
        }
        Some(Line::Field(Field {
            name: start..start + colon,
            value: start + colon + blanks + 1..start + line.len(),
            whole: start..end,
        }))
    }
}

/// RFC 5322 section 3.6.8: `ftext`, printable ASCII but for the colon.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b':'
}

/// What ends a header block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The body begins after the blank line.
    Blank { header: usize, body: usize },
    /// A delimiter line of a multipart that the part stands in: there is no body.
    Delimiter(Delimiter),
    /// The message ends: there is no body.
    Message,
}

/// The end of the header block that begins at `start`.
pub(super) fn end(message: &[u8], start: usize, boundaries: &Boundaries) -> End {
    let mut at = start;
    loop {
        match &message[at..] {
            [] => return End::Message,
            [b'\n', ..] => return End::Blank { header: at, body: at + 1 },
            [b'\r', b'\n', ..] => return End::Blank { header: at, body: at + 2 },
            [b'-', ..] => {
                if let Some(delimiter) = boundaries.delimiter(message, at) {
                    return End::Delimiter(delimiter);
                }
            }
            _ => {}
        }
        at = next_line(message, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Vec<(&str, &str)> {
        fields(header.as_bytes(), 0..header.len())
            .map(|field| (&header[field.name], &header[field.value]))
            .collect()
    }

    fn junk(header: &str) -> usize {
        Lines::new(header.as_bytes(), 0..header.len()).filter(|line| *line == Line::Junk).count()
    }

    #[test]
    fn fields_of_a_block() {
        let header = "From a@b Sat\r\nA: 1\r\nB : 2\n\t3\r\n \r\n>From x\nC:\nD:4 \r5\r\nX-Y\t:\rz\n--: 5\nE: at the end";
        let expected =
            [("A", " 1"), ("B", " 2\n\t3\r\n "), ("C", ""), ("D", "4 \r5"), ("X-Y", "\rz"), ("--", " 5")];
        assert_eq!(read(header)[..6], expected);
        assert_eq!(read(header)[6], ("E", " at the end"));
        assert_eq!(junk(header), 0);
        let whole: Vec<_> = fields(header.as_bytes(), 0..header.len()).map(|f| &header[f.whole]).collect();
        assert_eq!(whole[..2], ["A: 1\r\n", "B : 2\n\t3\r\n \r\n"]);
        assert_eq!(whole[6], "E: at the end");
    }

    #[test]
    fn lines_that_are_no_fields() {
        for header in
            ["no colon", ": no name", "two words: x", "caf\u{e9}: x", " first line folded", "a\rb: c"]
        {
            assert_eq!(junk(header), 1, "{header:?}");
            assert!(read(header).is_empty(), "{header:?}");
        }
        // A `From ` line stands in front of a message and nowhere else.
        assert_eq!(junk("A: 1\nFrom x\nB: 2"), 1);
        assert_eq!(read("A: 1\nFrom x\nB: 2").len(), 2);
        // What continues junk is junk with it.
        assert_eq!(read("junk\n A: 1\nB: 2"), [("B", " 2")]);
    }

    #[test]
    fn unfolding() {
        assert_eq!(unfold(b" a\r\n b\n\tc \r\n "), &b"a b\tc"[..]);
        assert_eq!(unfold(b" a\rb "), &b"a\rb"[..]);
        assert!(matches!(unfold(b" a b\r\n"), Cow::Borrowed(b"a b")));
        assert_eq!(unfold(b" \r\n "), &b""[..]);
    }

    #[test]
    fn where_a_block_ends() {
        let mut boundaries = Boundaries::new();
        boundaries.push(0, b"b");
        let end = |text: &str| super::end(text.as_bytes(), 0, &boundaries);
        assert_eq!(end("A: 1\r\n\r\nx"), End::Blank { header: 6, body: 8 });
        assert_eq!(end("A: 1\n\nx"), End::Blank { header: 5, body: 6 });
        assert_eq!(end("\nx"), End::Blank { header: 0, body: 1 });
        assert_eq!(end("A: 1\n \r\n\r\r\n\n"), End::Blank { header: 11, body: 12 });
        assert_eq!(end("A: 1"), End::Message);
        assert_eq!(end(""), End::Message);
        let delimiter = Delimiter { at: 5, next: 9, level: 0, close: false };
        assert_eq!(end("A: 1\n--b\n\n"), End::Delimiter(delimiter));
    }
}
