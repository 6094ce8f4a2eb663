//! base64 (RFC 2045, section 6.8), decoded strictly and encoded anew from the first touched line on.
//!
//! RFC 2045 lets a reader skip all bytes outside the alphabet, and readers differ in what they make of them and of
//! padding in the middle. A body with either is refused: nobody can say what its recipient sees.

use std::sync::LazyLock;

use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::engine::{DecodePaddingMode, Engine as _};
use memchr::memchr;

use super::{LineEnd, Refused, growth};
use crate::base64_engine::{self, Engine};
use crate::edit::Edit;

/// RFC 2045, 6.8: no line is longer.
const WIDTH: usize = 76;
/// RFC 5322, 2.1.1.
const LONGEST: usize = 998;

/// The padding is looked at before; what the last character says beyond the last octet is nobody's business.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    base64_engine::standard(
        GeneralPurposeConfig::new()
            .with_encode_padding(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireNone)
            .with_decode_allow_trailing_bits(true),
    )
});

/// White space is allowed around the lines and as lines, not within them: there it is a footer's, whose words
/// are of the alphabet. Padding is as it must be, or missing as a whole.
pub(super) fn decode(body: &[u8]) -> Result<Vec<u8>, Refused> {
    // Characters wait here until many can be decoded at once.
    let mut waiting = Vec::with_capacity(CHUNK);
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 3);
    for line in Lines::new(body) {
        let mut characters = &body[line.characters];
        while !characters.is_empty() {
            if waiting.len() == CHUNK {
                ENGINE.decode_vec(&waiting, &mut bytes).map_err(|_| reason(body))?;
                waiting.clear();
            }
            let (taken, rest) = characters.split_at(characters.len().min(CHUNK - waiting.len()));
            waiting.extend_from_slice(taken);
            characters = rest;
        }
    }
    // Padding fills the last group, which a chunk does not cut.
    let length = waiting.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let padding = waiting.len() - length;
    if padding > 0 && (padding > 2 || !waiting.len().is_multiple_of(4)) {
        return Err(reason(body));
    }
    ENGINE.decode_vec(&waiting[..length], &mut bytes).map_err(|_| reason(body))?;
    Ok(bytes)
}

/// A multiple of four.
const CHUNK: usize = 4096;

/// Why a body is no base64.
#[cold]
fn reason(body: &[u8]) -> Refused {
    let mut padding = None;
    for line in Lines::new(body) {
        for offset in line.characters {
            match body[offset] {
                b'=' => padding = padding.or(Some(offset)),
                byte if !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/') => {
                    return Refused::NotBase64 { offset: padding.unwrap_or(offset) };
                }
                _ => {
                    if let Some(offset) = padding {
                        return Refused::NotBase64 { offset };
                    }
                }
            }
        }
    }
    Refused::Length
}

pub(super) fn apply(body: &[u8], decoded: &[u8], edits: &[Edit], fallback: LineEnd, out: &mut Vec<u8>) {
    let changes = |edit: &&Edit| !edit.range.is_empty() || !edit.replacement.is_empty();
    let Some(first) = edits.iter().find(changes) else {
        out.extend_from_slice(body);
        return;
    };
    let end = characters_end(body);
    let layout = Layout::of(&body[..end], first.range.start / 3 * 4);
    let from = layout.characters / 4 * 3;
    let length =
        edits.iter().fold(decoded.len(), |sum, edit| sum + edit.replacement.len() - edit.range.len());
    let width = match layout.width {
        Some(width) if width <= LONGEST => width,
        None if length.div_ceil(3) * 4 <= LONGEST => LONGEST,
        _ => WIDTH,
    };
    let line_end = layout.line_end.or(LineEnd::near(body, end, body.len())).unwrap_or(fallback);

    out.reserve(body.len() + growth(edits) / 2 * 3 + 8);
    out.extend_from_slice(&body[..layout.start]);
    let mut lines = Wrapped { out, pending: Vec::with_capacity(CHUNK), width, column: 0, line_end };
    let mut at = from;
    for edit in edits.iter().filter(changes) {
        lines.write(&decoded[at..edit.range.start]);
        lines.write(&edit.replacement);
        at = edit.range.end;
    }
    lines.write(&decoded[at..]);
    lines.encode();
    out.extend_from_slice(&body[end..]);
}

/// From where to encode anew, and how.
struct Layout {
    /// The offset of the line, and how many characters stand before it: a multiple of four.
    start: usize,
    characters: usize,
    /// None where all characters are on one line.
    width: Option<usize>,
    line_end: Option<LineEnd>,
}

impl Layout {
    /// `text` ends behind its last character.
    fn of(text: &[u8], touched: usize) -> Layout {
        let mut layout = Layout { start: 0, characters: 0, width: None, line_end: None };
        let mut count = 0;
        let mut before = None;
        for line in Lines::new(text) {
            if line.characters.is_empty() {
                continue;
            }
            if count > touched && layout.width.is_some() {
                break;
            }
            if count <= touched && count % 4 == 0 {
                layout.start = line.characters.start;
                layout.characters = count;
                // The last line is often shorter than the others; the one before it tells the width.
                let line_end = text[..line.end].ends_with(b"\n").then(|| LineEnd::at(text, line.end - 1));
                layout.width = if line_end.is_some() { Some(line.characters.len()) } else { before };
                layout.line_end = line_end.or(layout.line_end);
            }
            before = Some(line.characters.len());
            count += line.characters.len();
        }
        layout
    }
}

/// Encodes and breaks lines.
struct Wrapped<'o> {
    out: &'o mut Vec<u8>,
    /// Octets to be encoded.
    pending: Vec<u8>,
    width: usize,
    column: usize,
    line_end: LineEnd,
}

impl Wrapped<'_> {
    fn write(&mut self, mut bytes: &[u8]) {
        const WHOLE: usize = CHUNK / 3 * 3;
        while self.pending.len() + bytes.len() >= WHOLE {
            let (taken, rest) = bytes.split_at(WHOLE - self.pending.len());
            self.pending.extend_from_slice(taken);
            bytes = rest;
            self.encode();
        }
        self.pending.extend_from_slice(bytes);
    }

    fn encode(&mut self) {
        let mut buffer = [0; CHUNK / 3 * 4];
        let length = ENGINE.encode_slice(&self.pending, &mut buffer).unwrap_or(0);
        self.pending.clear();
        let mut characters = &buffer[..length];
        while !characters.is_empty() {
            if self.column == self.width {
                self.out.extend_from_slice(self.line_end.bytes());
                self.column = 0;
            }
            let (line, rest) = characters.split_at(characters.len().min(self.width - self.column));
            self.out.extend_from_slice(line);
            self.column += line.len();
            characters = rest;
        }
    }
}

/// The start of a line, and how many characters stand before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checkpoint {
    start: usize,
    characters: usize,
}

/// One for so many characters or more.
const STRIDE: usize = 256;

pub(super) fn checkpoints(body: &[u8]) -> Vec<Checkpoint> {
    let (mut start, mut characters, mut due) = (0, 0, STRIDE);
    let mut checkpoints = Vec::new();
    for line in Lines::new(body) {
        if characters >= due {
            checkpoints.push(Checkpoint { start, characters });
            due = characters + STRIDE;
        }
        characters += line.characters.len();
        start = line.end;
    }
    checkpoints
}

/// The offset of the character that the octet `decoded` begins in; behind the last character for one past the end.
pub(super) fn offset(body: &[u8], checkpoints: &[Checkpoint], decoded: usize) -> usize {
    let wanted = decoded / 3 * 4 + decoded % 3;
    let before = checkpoints.partition_point(|checkpoint| checkpoint.characters <= wanted);
    let last = before.checked_sub(1).map(|last| checkpoints[last]);
    let mut count = last.map_or(0, |last| last.characters);
    for line in (Lines { text: body, at: last.map_or(0, |last| last.start) }) {
        if wanted < count + line.characters.len() {
            return line.characters.start + wanted - count;
        }
        count += line.characters.len();
    }
    characters_end(body)
}

struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

struct EncodedLine {
    /// What is left without white space at both ends.
    characters: std::ops::Range<usize>,
    /// The offset behind the `\n`, or that of the end.
    end: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Lines<'a> {
        Lines { text, at: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = EncodedLine;

    fn next(&mut self) -> Option<EncodedLine> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (line, end) = match memchr(b'\n', rest) {
            Some(newline) => (&rest[..newline], self.at + newline + 1),
            None => (rest, self.text.len()),
        };
        let first = line.iter().position(|byte| !is_white(*byte)).unwrap_or(line.len());
        let last = line.iter().rposition(|byte| !is_white(*byte)).map_or(first, |last| last + 1);
        let characters = self.at + first..self.at + last;
        self.at = end;
        Some(EncodedLine { characters, end })
    }
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Behind the last character, padding included.
fn characters_end(body: &[u8]) -> usize {
    body.iter().rposition(|byte| !is_white(*byte)).map_or(0, |last| last + 1)
}
