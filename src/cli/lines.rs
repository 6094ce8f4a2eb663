//! Lines of stdin, of bounded length.

use std::io::{self, BufRead};

/// The longest line that is read, in bytes; no tracking URL and no name comes near.
pub(super) const LONGEST_LINE: usize = 256 * 1024;

/// What was read.
pub(super) enum Line {
    /// A line, without its end.
    Whole,
    /// A line over [`LONGEST_LINE`].
    TooLong,
    /// There are no more.
    End,
}

/// Reads a line without its end. Of one that is too long the rest is skipped, and only its beginning kept.
pub(super) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let mut length = 0;
    loop {
        let bytes = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        line.extend_from_slice(&part[..part.len().min(LONGEST_LINE - line.len())]);
        length += part.len();
        let (is_empty, consumed) = (bytes.is_empty(), part.len() + usize::from(end.is_some()));
        reader.consume(consumed);
        if end.is_some() || is_empty {
            return Ok(match length {
                0 if is_empty => Line::End,
                0..=LONGEST_LINE => Line::Whole,
                _ => Line::TooLong,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &[u8], capacity: usize) -> Vec<Result<Vec<u8>, usize>> {
        let mut reader = BufReader::with_capacity(capacity, text);
        let (mut line, mut lines) = (Vec::new(), Vec::new());
        loop {
            match read_line(&mut reader, &mut line).unwrap() {
                Line::End => return lines,
                Line::Whole => lines.push(Ok(line.clone())),
                Line::TooLong => lines.push(Err(line.len())),
            }
        }
    }

    #[test]
    fn lines_are_bounded() {
        let long = vec![b'x'; LONGEST_LINE + 1];
        let text = [b"a\n\nb\r\n".as_slice(), &long, b"\n", &long[1..], b"\nlast"].concat();
        for capacity in [1, 7, 4096, 1 << 20] {
            let lines = lines(&text, capacity);
            assert_eq!(lines[..3], [Ok(b"a".to_vec()), Ok(vec![]), Ok(b"b\r".to_vec())]);
            assert_eq!(lines[3], Err(LONGEST_LINE));
            assert_eq!(lines[4].as_ref().map(Vec::len), Ok(LONGEST_LINE));
            assert_eq!(lines[5..], [Ok(b"last".to_vec())]);
        }
    }
}
