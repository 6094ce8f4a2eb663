//! Lines and columns of offsets in a file.

use encoding_rs::Encoding;
use memchr::memchr_iter;

/// An index over a file: each place is found in logarithmic time and a step of bounded length, however long a line is.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    characters: Characters,
    /// Where each line starts.
    starts: Vec<usize>,
    /// Where counting can begin, and how many characters stand before it; in order.
    checkpoints: Vec<(usize, usize)>,
}

/// How bytes are counted as characters.
enum Characters {
    /// Every byte but the continuation bytes of UTF-8.
    Utf8,
    /// Every byte.
    Single,
    /// As this charset with several bytes for a character says.
    Legacy(&'static Encoding),
}

/// Between two checkpoints, in bytes.
const STEP: usize = 1024;

impl<'a> Lines<'a> {
    /// Reads the file once. What is not UTF-8 is counted by the charset, if that is known.
    pub(super) fn new(bytes: &'a [u8], charset: Option<&str>) -> Lines<'a> {
        let encoding = charset.and_then(|charset| Encoding::for_label(charset.as_bytes()));
        let characters = match encoding {
            _ if std::str::from_utf8(bytes).is_ok() => Characters::Utf8,
            Some(encoding) if encoding == encoding_rs::UTF_8 => Characters::Utf8,
            // UTF-16 has no place that is found in it.
            Some(encoding) if !encoding.is_single_byte() && encoding.is_ascii_compatible() => {
                Characters::Legacy(encoding)
            }
            _ => Characters::Single,
        };
        let starts = std::iter::once(0).chain(memchr_iter(b'\n', bytes).map(|at| at + 1)).collect();
        let mut lines = Lines { bytes, characters, starts, checkpoints: vec![(0, 0)] };
        lines.checkpoints = lines.count();
        lines
    }

    /// Line and column, from 1.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.bytes.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        (line, self.before(offset) - self.before(start) + 1)
    }

    /// The bytes of the line of this offset, without its end, at most some around the offset.
    pub(super) fn around(&self, offset: usize) -> &'a [u8] {
        const MOST: usize = 256;
        let offset = offset.min(self.bytes.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let end = self.starts.get(line).map_or(self.bytes.len(), |next| next - 1);
        let start = self.starts[line - 1].max(offset.saturating_sub(MOST));
        &self.bytes[start..end.clamp(offset, offset.saturating_add(MOST))]
    }

    /// How many characters stand before an offset.
    fn before(&self, offset: usize) -> usize {
        let (at, count) = self.checkpoints[self.checkpoints.partition_point(|(at, _)| *at <= offset) - 1];
        count + self.characters.count(&self.bytes[at..offset])
    }

    fn count(&self) -> Vec<(usize, usize)> {
        let mut checkpoints = vec![(0, 0)];
        let (mut at, mut count) = (0, 0);
        match self.characters {
            Characters::Single => {}
            Characters::Utf8 => {
                for piece in self.bytes.chunks(STEP) {
                    (at, count) = (at + piece.len(), count + self.characters.count(piece));
                    checkpoints.push((at, count));
                }
            }
            Characters::Legacy(encoding) => {
                let mut decoder = encoding.new_decoder_without_bom_handling();
                let mut text = String::with_capacity(4 * STEP);
                while at < self.bytes.len() {
                    let end = self.bytes.len().min(at + STEP);
                    let mut next = end;
                    text.clear();
                    let _ = decoder.decode_to_string(&self.bytes[at..end], &mut text, false);
                    // A checkpoint stands between characters.
                    while next < self.bytes.len() && decoder.latin1_byte_compatible_up_to(b"").is_none() {
                        let _ = decoder.decode_to_string(&self.bytes[next..next + 1], &mut text, false);
                        next += 1;
                    }
                    (at, count) = (next, count + text.chars().count());
                    checkpoints.push((at, count));
                }
            }
        }
        checkpoints
    }
}

impl Characters {
    fn count(&self, bytes: &[u8]) -> usize {
        match self {
            Characters::Utf8 => bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count(),
            Characters::Single => bytes.len(),
            Characters::Legacy(encoding) => encoding.decode_without_bom_handling(bytes).0.chars().count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(text: &str, at: usize) -> (usize, usize) {
        let before = &text[..at];
        let column = before.rsplit('\n').next().unwrap().chars().count();
        (before.matches('\n').count() + 1, column + 1)
    }

    #[test]
    fn places_are_those_of_a_naive_count() {
        let short = "\u{feff}ab\nä日\u{1f469}x\r\n\n  é<a>";
        let long = format!("x\n{}\n{}<b>", "日本語 ascii ".repeat(400), "ä".repeat(3000));
        for text in [short, &long] {
            for charset in ["utf-8", "shift_jis", "gb18030", "big5", "euc-jp"] {
                let encoding = Encoding::for_label(charset.as_bytes()).unwrap();
                // Characters of their own width, to know where each begins.
                let text: String = match charset {
                    "utf-8" => text.to_owned(),
                    _ => text
                        .chars()
                        .map(|c| if c == 'ä' || c == 'é' { '日' } else { c })
                        .filter(|c| !"\u{feff}\u{1f469}".contains(*c))
                        .collect(),
                };
                let text = text.replace('語', "本"); // Big5 has it too
                let bytes = encoding.encode(&text).0.into_owned();
                let lines = Lines::new(&bytes, Some(charset));
                let mut offset = 0;
                for (at, c) in text.char_indices() {
                    assert_eq!(lines.place(offset), naive(&text, at), "{charset} {at}");
                    offset += encoding.encode(c.encode_utf8(&mut [0; 4])).0.len();
                }
                assert_eq!(offset, bytes.len());
                assert_eq!(lines.place(usize::MAX), naive(&text, text.len()));
            }
        }
    }

    #[test]
    fn single_bytes_and_garbage() {
        let lines = Lines::new(b"\xe4\xf6\n\xfc<", Some("iso-8859-1"));
        assert_eq!((lines.place(1), lines.place(4)), ((1, 2), (2, 2)));
        let lines = Lines::new(b"\xff\xfe<\0", Some("UTF-16LE"));
        assert_eq!(lines.place(0), (1, 1));
        assert_eq!(Lines::new(b"", None).place(7), (1, 1));
        assert_eq!(Lines::new(b"ab\ncdef\ngh", None).around(5), b"cdef");
    }
}
