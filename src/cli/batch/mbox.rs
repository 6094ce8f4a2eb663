//! mbox files (RFC 4155 and what there was before it), message by message: all bytes come out, in their order.

#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom};

use memchr::memchr;

use super::super::input::{CHUNK, is_header};

/// Begins the line in front of each message.
const FROM: &[u8] = b"From ";

/// How far a look at a `From ` line and the one behind it goes, in bytes. It is fixed, so that what is found does not depend on
/// how the file is read.
const LOOK: usize = 2048;

/// A longer header block is not searched for a Content-Length, in bytes.
const MOST_HEADER: usize = 256 * 1024;

/// Reads an mbox. It holds one message and a piece of the next.
pub(super) struct Mbox<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where `buffer` begins in the file.
    base: u64,
    /// Where the message begins in `buffer`.
    start: usize,
    /// Where the next line begins.
    at: usize,
    /// No line ends between `at` and here.
    seen: usize,
    is_end: bool,
    /// What is read at once, in bytes.
    piece: u64,
}

impl<R: Read + Seek> Mbox<R> {
    /// Reads from the source's beginning.
    pub(super) fn new(source: R) -> Mbox<R> {
        Mbox {
            source,
            buffer: Vec::new(),
            base: 0,
            start: 0,
            at: 0,
            seen: 0,
            is_end: false,
            piece: CHUNK as u64,
        }
    }

    /// The next message, from its `From ` line up to that of the next. What stands before the first such line comes out as
    /// a message too.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut is_header = true;
        while let Some(end) = self.line()? {
            let line = &self.buffer[self.at..end];
            let (length, is_blank) = (line.len(), matches!(line, b"\n" | b"\r\n"));
            if self.at > self.start && line.starts_with(FROM) && self.is_separator()? {
                break;
            }
            // Not `end`: the look ahead may have moved everything.
            self.at += length;
            self.seen = self.at;
            if is_header && is_blank {
                is_header = false;
                if let Some(length) = self.measured()? {
                    self.fill_to(self.at + length)?;
                    // The file may have been cut off in the meantime.
                    self.at = (self.at + length).min(self.buffer.len());
                    self.seen = self.at;
                    break;
                }
            }
        }
        if self.at == self.start {
            return Ok(None);
        }
        let message = self.buffer[self.start..self.at].to_vec();
        self.start = self.at;
        Ok(Some(message))
    }

    /// Where the line at `at` ends, its line end included; none at the end of the file.
    fn line(&mut self) -> io::Result<Option<usize>> {
        loop {
            if let Some(length) = memchr(b'\n', &self.buffer[self.seen..]) {
                return Ok(Some(self.seen + length + 1));
            }
            // Else a long line would be searched again with each piece.
            self.seen = self.buffer.len();
            if self.is_end {
                return Ok((self.at < self.buffer.len()).then_some(self.buffer.len()));
            }
            self.fill()?;
        }
    }

    /// Whether the `From ` line at `at` begins a message.
    fn is_separator(&mut self) -> io::Result<bool> {
        let wanted = self.at - self.start + LOOK;
        // Reading on moves what is there.
        self.fill_to(self.start + wanted)?;
        let rest = &self.buffer[self.at..];
        let is_after_blank = ends_in_blank_line(&self.buffer[self.start..self.at]);
        Ok(is_separator(is_after_blank, &rest[..rest.len().min(LOOK)]))
    }

    /// The length of the body at `at` up to the next message, if a Content-Length tells it and is right: it leads to a
    /// separator or the end of the file, at most two line ends away. Many are stale, since they were not changed with the body.
    fn measured(&mut self) -> io::Result<Option<usize>> {
        let header = &self.buffer[self.start..self.at];
        if header.len() > MOST_HEADER {
            return Ok(None);
        }
        let Some(length) = content_length(header) else { return Ok(None) };
        let body = self.base + self.at as u64;
        let Some(end) = body.checked_add(length) else { return Ok(None) };
        // Three bytes before the end tell whether a blank line stands there.
        const BEFORE: u64 = 3;
        let first = end.saturating_sub(BEFORE);
        let window = self.peek(first, BEFORE + 4 + LOOK as u64)?;
        let mut at = (end - first) as usize;
        if at > window.len() {
            return Ok(None);
        }
        for _ in 0..=2 {
            let (before, rest) = window.split_at(at);
            let rest = &rest[..rest.len().min(LOOK)];
            let is_found = rest.is_empty()
                || before.ends_with(b"\n")
                    && rest.starts_with(FROM)
                    && is_separator(ends_in_blank_line(before), rest);
            if is_found {
                return Ok(usize::try_from(first + at as u64 - body).ok());
            }
            at += match rest {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => return Ok(None),
            };
        }
        Ok(None)
    }

    /// Bytes from elsewhere in the file, fewer at its end.
    fn peek(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        self.source.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        self.source.by_ref().take(length).read_to_end(&mut bytes)?;
        self.source.seek(SeekFrom::Start(self.base + self.buffer.len() as u64))?;
        Ok(bytes)
    }

    /// Reads until the message's buffer reaches to `end`, or the file ends. Messages before it are dropped first, which moves
    /// it.
    fn fill_to(&mut self, end: usize) -> io::Result<()> {
        let length = end - self.start;
        while self.buffer.len() - self.start < length && !self.is_end {
            self.fill()?;
        }
        Ok(())
    }

    /// Reads one piece.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.base += self.start as u64;
        self.at -= self.start;
        self.seen -= self.start;
        self.start = 0;
        let read = self.source.by_ref().take(self.piece).read_to_end(&mut self.buffer)?;
        self.is_end = read == 0;
        Ok(())
    }
}

/// A message, and the line ends behind it that belong to the mbox: the one that ends the last line, and that of the empty line.
/// What is put at the end of a message goes before both, or no empty line would stand before the next message.
pub(super) fn split_tail(message: &[u8]) -> (&[u8], &[u8]) {
    let mut end = message.len();
    for _ in 0..2 {
        end -= match &message[..end] {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
    }
    message.split_at(end)
}

/// Whether a piece of an mbox is a message, and not what stands before the first.
pub(super) fn is_mail(piece: &[u8]) -> bool {
    is_header(piece) == Some(true)
}

fn ends_in_blank_line(before: &[u8]) -> bool {
    matches!(before, b"\n" | b"\r\n") || before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n")
}

/// Whether a `From ` line begins a message. Writers forget to quote it in bodies (`>From `), others forget the empty line
/// before it, so that none of the signs is enough: two of three must be there, the empty line, a date that ends it, and a
/// header field behind it. To miss one would put a message into another's body, and its links under the other's
/// recipient.
fn is_separator(is_after_blank: bool, rest: &[u8]) -> bool {
    let (line, next) = match memchr(b'\n', rest) {
        Some(end) => rest.split_at(end + 1),
        None => (rest, &[][..]),
    };
    let is_before_field = next.starts_with(b">From ") || !next.starts_with(FROM) && is_mail(next);
    [is_after_blank, has_date(line), is_before_field].iter().filter(|sign| **sign).count() >= 2
}

/// Whether words of a line are a weekday, a month, a time and a year, as in `Thu Jan  1 00:00:00 1970` and all its
/// variants.
fn has_date(line: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let words = line.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
    let all_digits = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let is_time = |word: &[u8]| {
        let parts = word.split(|byte| *byte == b':');
        parts.clone().all(|part| part.len() <= 2 && all_digits(part)) && matches!(parts.count(), 2 | 3)
    };
    let is_year = |word: &[u8]| word.len() == 4 && all_digits(word) && matches!(word[0], b'1' | b'2');
    let has = |is: &dyn Fn(&[u8]) -> bool| words.clone().any(is);
    has(&|word| DAYS.contains(&word)) && has(&|word| MONTHS.contains(&word)) && has(&is_time) && has(&is_year)
}

/// The Content-Length of a header block, if it has exactly one that is a number.
fn content_length(header: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"content-length";
    let mut values = header.split(|byte| *byte == b'\n').filter_map(|line| {
        let (name, value) = line.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then(|| value.trim_ascii_start().strip_prefix(b":"))?
    });
    let value = values.next()?.trim_ascii();
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    if !is_number || values.next().is_some() {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}
