//! The bytes of a list: line ends alike, without byte order mark, and never more for one row than a row may have.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// The longest row, in bytes. A quote that is never closed would make one row of the whole rest.
pub(super) const LONGEST: usize = 1 << 20;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Reads a list with `\n` at the end of every line, also of the last one.
pub(super) struct Source<R> {
    inner: R,
    buffer: Vec<u8>,
    at: usize,
    /// The byte before was a `\r`: a `\n` that follows belongs to it.
    after_return: bool,
    /// The byte before was a line end.
    at_line: bool,
    is_start: bool,
    is_end: bool,
    meter: Meter,
}

/// What a source shares with who reads rows from it.
#[derive(Clone, Default)]
pub(super) struct Meter {
    /// Bytes of the file so far.
    read: Rc<Cell<u64>>,
    /// Bytes that may still be handed out for this row.
    left: Rc<Cell<usize>>,
}

impl Meter {
    pub(super) fn read(&self) -> u64 {
        self.read.get()
    }

    /// Another row begins.
    pub(super) fn begin_row(&self) {
        // What was handed out and not used is not known here.
        self.left.set(LONGEST + 2 * CHUNK);
    }

    /// Whether the row was too long.
    pub(super) fn is_empty(&self) -> bool {
        self.left.get() == 0
    }
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> (Source<R>, Meter) {
        let meter = Meter::default();
        meter.begin_row();
        let source = Source {
            inner,
            buffer: Vec::new(),
            at: 0,
            after_return: false,
            at_line: true,
            is_start: true,
            is_end: false,
            meter: meter.clone(),
        };
        (source, meter)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(CHUNK, 0);
        let mut length = 0;
        // At the start enough for a byte order mark.
        while length < if self.is_start { 3 } else { 1 } {
            match self.inner.read(&mut self.buffer[length..]) {
                Ok(0) => {
                    self.is_end = true;
                    break;
                }
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.meter.read.set(self.meter.read.get() + length as u64);
        self.buffer.truncate(length);
        self.at = 0;
        if std::mem::take(&mut self.is_start) {
            match self.buffer.as_slice() {
                [0xef, 0xbb, 0xbf, ..] => self.at = 3,
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "expected UTF-8, found UTF-16"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.left.get();
        if left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the row is too long"));
        }
        let most = out.len().min(left);
        let mut length = 0;
        while length < most {
            if self.at == self.buffer.len() {
                if length > 0 {
                    break;
                }
                if self.is_end {
                    if !std::mem::replace(&mut self.at_line, true) {
                        out[0] = b'\n';
                        length = 1;
                    }
                    break;
                }
                self.fill()?;
                continue;
            }
            let rest = &self.buffer[self.at..];
            if std::mem::take(&mut self.after_return) && rest[0] == b'\n' {
                self.at += 1;
                continue;
            }
            let stretch = memchr::memchr(b'\r', rest).unwrap_or(rest.len()).min(most - length);
            if stretch > 0 {
                out[length..length + stretch].copy_from_slice(&rest[..stretch]);
                length += stretch;
                self.at += stretch;
                self.at_line = out[length - 1] == b'\n';
            } else {
                out[length] = b'\n';
                length += 1;
                self.at += 1;
                (self.after_return, self.at_line) = (true, true);
            }
        }
        self.meter.left.set(left - length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out few bytes at once.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(out.len());
            out[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn line_ends_are_alike_at_every_split() {
        for (text, expected) in [
            ("", ""),
            ("a", "a\n"),
            ("a\r\nb\rc\nd", "a\nb\nc\nd\n"),
            ("\u{feff}a\r\n\r\n\r\rb\n", "a\n\n\n\nb\n"),
            ("a\r", "a\n"),
        ] {
            for piece in 1..8 {
                for room in 1..8 {
                    let (mut source, meter) = Source::new(Dribble(text.as_bytes(), piece));
                    let (mut all, mut buffer) = (Vec::new(), vec![0; room]);
                    loop {
                        match source.read(&mut buffer).unwrap() {
                            0 => break,
                            length => all.extend_from_slice(&buffer[..length]),
                        }
                    }
                    assert_eq!(String::from_utf8(all).unwrap(), expected, "{text:?} {piece} {room}");
                    assert_eq!(meter.read(), text.len() as u64);
                }
            }
        }
    }

    #[test]
    fn a_row_has_an_end() {
        let (mut source, meter) = Source::new(io::repeat(b'x'));
        let mut all = Vec::new();
        assert!(source.read_to_end(&mut all).is_err());
        assert!(meter.is_empty() && all.len() >= LONGEST && all.len() < 2 * LONGEST);
        meter.begin_row();
        assert!(source.read(&mut [0; 8]).is_ok_and(|length| length == 8));
    }
}
