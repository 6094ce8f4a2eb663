//! What of a part's charset matters to reading it as HTML: what can be scanned as bytes, what must be
//! looked at another way, and how edits come back from there.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

use crate::charset::{Charset, sniff};
use crate::edit::Edit;

/// A decoded part as the walk reads it.
pub(crate) struct Text<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) charset: Charset,
    /// The length of its byte order mark.
    pub(crate) mark: usize,
    /// What the report calls it.
    pub(crate) name: &'static str,
    back: Back,
}

/// The way back from what was read to the part's bytes.
enum Back {
    Same,
    /// Read as UTF-8; written in code units, least significant byte first or last.
    Utf16 {
        is_big_endian: bool,
    },
    /// The same bytes, but for these spans, which are not in the ASCII state; whether the last one ends.
    Masked {
        spans: Vec<Range<usize>>,
        is_open: bool,
    },
}

impl<'a> Text<'a> {
    /// Reads a part with this charset label; none if it cannot be read: UTF-7, `replacement`, and UTF-16 that
    /// would not come back as it was.
    pub(crate) fn of(bytes: &'a [u8], label: Option<&str>) -> Option<Text<'a>> {
        Text::read(Cow::Borrowed(bytes), label)
    }

    /// The same, of bytes that it may keep.
    pub(crate) fn read(bytes: Cow<'a, [u8]>, label: Option<&str>) -> Option<Text<'a>> {
        let Some(label) = label else {
            // As raw HTML: a mail client shows a part without a label as its document says.
            let (charset, mark) = sniff(&bytes, None);
            return match charset {
                Charset::Unscannable(name) => Text::other(&bytes, Encoding::for_label(name.as_bytes())?),
                charset => Some(Text::same(bytes, charset, mark)),
            };
        };
        match Charset::of_label(label) {
            Charset::Unscannable("UTF-7") => None,
            Charset::Unscannable(name) => Text::other(&bytes, Encoding::for_label(name.as_bytes())?),
            charset => {
                // A label that another byte order mark belies: whatever is put there as ASCII would be none.
                if [&b"\xff\xfe"[..], b"\xfe\xff", b"\0\0\xfe\xff"].iter().any(|mark| bytes.starts_with(mark))
                {
                    return None;
                }
                let (charset, mark) = sniff(&bytes, Some(charset));
                Some(Text::same(bytes, charset, mark))
            }
        }
    }

    fn same(bytes: Cow<'a, [u8]>, charset: Charset, mark: usize) -> Text<'a> {
        Text { bytes, charset, mark, name: charset.name(), back: Back::Same }
    }

    fn other(bytes: &[u8], encoding: &'static Encoding) -> Option<Text<'a>> {
        match encoding {
            encoding if encoding == UTF_16LE || encoding == UTF_16BE => Text::utf16(bytes, encoding),
            encoding if encoding == ISO_2022_JP => Some(Text::iso_2022_jp(bytes)),
            _ => None,
        }
    }

    fn utf16(bytes: &[u8], encoding: &'static Encoding) -> Option<Text<'a>> {
        let encoding = match Encoding::for_bom(bytes) {
            Some((encoding, _)) if encoding == UTF_8 => return None, // it says one thing and is another
            Some((encoding, _)) => encoding,
            None => encoding,
        };
        let is_big_endian = encoding == UTF_16BE;
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        let units: Vec<u16> = pairs.iter().map(|&pair| unit(pair, is_big_endian)).collect();
        // Strict: every code unit is one that UTF-8 can bring back.
        let text = String::from_utf16(&units).ok()?;
        let charset = Charset::Known(UTF_8);
        let (_, mark) = sniff(text.as_bytes(), Some(charset));
        let bytes = Cow::Owned(text.into_bytes());
        Some(Text { bytes, charset, mark, name: encoding.name(), back: Back::Utf16 { is_big_endian } })
    }

    /// Bytes beyond the ASCII state are no markup: they are hidden from the walk.
    /// <https://encoding.spec.whatwg.org/#iso-2022-jp-decoder>; RFC 1468.
    fn iso_2022_jp(bytes: &[u8]) -> Text<'a> {
        let mut masked = bytes.to_vec();
        let mut spans = Vec::new();
        let mut begun = None;
        for at in memchr::memchr_iter(0x1b, bytes) {
            let is_ascii = bytes[at + 1..].starts_with(b"(B");
            match begun {
                None if !is_ascii => begun = Some(at),
                Some(start) if is_ascii => {
                    spans.push(start..at + 3);
                    begun = None;
                }
                _ => {}
            }
        }
        let is_open = begun.is_some();
        spans.extend(begun.map(|start| start..bytes.len()));
        for span in &spans {
            masked[span.clone()].fill(0x80);
        }
        Text {
            bytes: Cow::Owned(masked),
            // Values that hold hidden bytes are not decoded.
            charset: Charset::Unknown,
            mark: 0,
            name: ISO_2022_JP.name(),
            back: Back::Masked { spans, is_open },
        }
    }

    /// The edits as edits of the part's own bytes; none if one stands where it cannot be written.
    pub(crate) fn back(&self, edits: Vec<Edit>) -> Option<Vec<Edit>> {
        match &self.back {
            Back::Same => Some(edits),
            Back::Masked { spans, is_open } => {
                let is_hidden = |edit: &Edit| {
                    let before =
                        spans.partition_point(|span| span.start < edit.range.end.max(edit.range.start + 1));
                    before.checked_sub(1).is_some_and(|last| {
                        let span = &spans[last];
                        edit.range.start < span.end && edit.range.end > span.start
                            || *is_open && last + 1 == spans.len() && edit.range.end >= span.end
                    })
                };
                (!edits.iter().any(is_hidden)).then_some(edits)
            }
            Back::Utf16 { is_big_endian } => {
                let text = std::str::from_utf8(&self.bytes).ok()?;
                let (mut at, mut units) = (0, 0);
                let mut unit_offset = |offset: usize| {
                    units += text[at..offset].chars().map(char::len_utf16).sum::<usize>();
                    at = offset;
                    units * 2
                };
                let edits = edits.into_iter().map(|edit| {
                    let range = unit_offset(edit.range.start)..unit_offset(edit.range.end);
                    let replacement = std::str::from_utf8(&edit.replacement).unwrap_or_default();
                    let bytes =
                        |unit: u16| if *is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
                    Edit { range, replacement: replacement.encode_utf16().flat_map(bytes).collect() }
                });
                Some(edits.collect())
            }
        }
    }

    /// The way back from offsets in what was read to those in the part.
    pub(crate) fn places(&self) -> Places {
        match self.back {
            Back::Same | Back::Masked { .. } => Places { utf16: None },
            Back::Utf16 { .. } => {
                let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
                let (mut units, mut due) = (0, STRIDE);
                let mut checkpoints = vec![(0, 0)];
                for (at, c) in text.char_indices() {
                    if at >= due {
                        checkpoints.push((at, units * 2));
                        due = at + STRIDE;
                    }
                    units += c.len_utf16();
                }
                Places { utf16: Some(checkpoints) }
            }
        }
    }

    /// Whether offsets in what was read are offsets in the part.
    pub(crate) fn is_same(&self) -> bool {
        !matches!(self.back, Back::Utf16 { .. })
    }
}

/// Finds the offset in a part of a byte of what was read.
#[derive(Debug)]
pub(crate) struct Places {
    /// UTF-16: offsets in what was read and in the part.
    utf16: Option<Vec<(usize, usize)>>,
}

/// One checkpoint for so many bytes.
const STRIDE: usize = 256;

impl Places {
    /// `text` is what was read, `at` between two of its characters or the character's own.
    pub(crate) fn offset(&self, text: &[u8], at: usize) -> usize {
        let Some(checkpoints) = &self.utf16 else { return at };
        let at = at.min(text.len());
        let last = checkpoints.partition_point(|(text, _)| *text <= at) - 1;
        let (from, offset) = checkpoints[last];
        // Within a character: where it begins.
        let at =
            (from..=at).rev().find(|at| text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80)).unwrap_or(from);
        let between = std::str::from_utf8(&text[from..at]).unwrap_or_default();
        offset + between.chars().map(char::len_utf16).sum::<usize>() * 2
    }
}

fn unit(pair: [u8; 2], is_big_endian: bool) -> u16 {
    if is_big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        Edit { range, replacement: text.into() }
    }

    #[test]
    fn utf16_comes_back_in_code_units() {
        for is_big_endian in [false, true] {
            let bytes = |text: &str| -> Vec<u8> {
                let swap = |unit: u16| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
                text.encode_utf16().flat_map(swap).collect()
            };
            let source = bytes("\u{feff}é😀<p>");
            let text = Text::of(&source, Some("utf-16")).unwrap();
            assert_eq!((text.mark, &*text.bytes), (3, "\u{feff}é😀<p>".as_bytes()));
            let edits = text.back(vec![edit(5..9, "x"), edit(12..12, "é")]).unwrap();
            assert_eq!(edits[0], Edit { range: 4..8, replacement: bytes("x") });
            assert_eq!(edits[1], Edit { range: 14..14, replacement: bytes("é") });
        }
        assert!(Text::of(b"\0<\xd8\0", Some("utf-16be")).is_none(), "half a surrogate pair");
        assert!(Text::of(b"\0<\0", Some("utf-16be")).is_none(), "half a unit");
        assert_eq!(&*Text::of(b"\0<", Some("utf-16be")).unwrap().bytes, b"<");
    }

    #[test]
    fn hidden_bytes_of_iso_2022_jp() {
        let source = b"a\x1b$B$\"<a\x1b(Bb\x1b(J<\\";
        let text = Text::of(source, Some("ISO-2022-JP")).unwrap();
        assert_eq!(&*text.bytes, b"a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80b\x80\x80\x80\x80\x80");
        for (range, fits) in
            [(0..1, true), (1..1, true), (5..5, false), (0..2, false), (11..11, true), (12..12, true)]
        {
            assert_eq!(text.back(vec![edit(range.clone(), "x")]).is_some(), fits, "{range:?}");
        }
        assert!(text.back(vec![edit(17..17, "x")]).is_none(), "the end is not in the ASCII state");
    }

    #[test]
    fn labels() {
        assert_eq!(Text::of(b"<p>", Some("latin1")).unwrap().name, "windows-1252");
        assert_eq!(Text::of(b"<p>", Some("x-mine")).unwrap().name, "unknown");
        assert_eq!(Text::of(b"<meta charset=koi8-r>", None).unwrap().name, "KOI8-R");
        for label in [
            "utf-32",
            "UTF_32LE",
            "csUTF16",
            "utf16le",
            "cp037",
            "IBM-1047",
            "ebcdic-us",
            "iso-10646-unicode-latin1",
        ] {
            assert!(Text::of(b"<p>", Some(label)).is_none(), "{label}");
        }
        for label in ["cp850", "ibm437", "x-unicorn", "cp1252"] {
            assert!(Text::of(b"<p>", Some(label)).is_some(), "{label}");
        }
        assert!(Text::of(b"\xff\xfe<\0", Some("utf-8")).is_none(), "the mark of UTF-16");
        assert!(Text::of(b"", Some("utf-7")).is_none() && Text::of(b"", Some("hz-gb-2312")).is_none());
    }
}
