//! Writes the quoted-printable lines that an edit touches.

use memchr::memchr;

use super::super::LineEnd;
use super::decode::{Token, is_padding, token};

/// RFC 2045, 6.7(5): no line is longer, the `=` of a soft break included.
const WIDTH: usize = 76;

/// Where the line that is being written begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Where the author's line does.
    Author,
    /// By our doing: we broke the line, or changed its start.
    Ours,
}

/// How the author's line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// With a line end of the text, or with the body.
    Hard,
    Soft,
}

/// The line being written. It grows to the right; soft breaks are put in when a token does not fit any more.
pub(super) struct Line<'o> {
    out: &'o mut Vec<u8>,
    column: usize,
    start: Start,
    line_end: LineEnd,
}

impl<'o> Line<'o> {
    /// A line at whose start `out` ends. `changed`: an edit begins there.
    pub(super) fn begin(out: &'o mut Vec<u8>, changed: bool, line_end: LineEnd) -> Line<'o> {
        let start = if changed { Start::Ours } else { Start::Author };
        Line { out, column: 0, start, line_end }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.column == 0
    }

    /// Encoded text of the author's, whole tokens without line ends. An `=` that is none becomes `=3D`:
    /// what follows it may change, and must not make an escape or a soft break of it.
    pub(super) fn author(&mut self, text: &[u8]) {
        self.encoded(text, WIDTH - 1);
    }

    /// Text to be encoded. (1): anything may be escaped, `=` must be; (2): 33 to 60 and 62 to 126 need not.
    pub(super) fn text(&mut self, text: &[u8]) {
        // A URL is: to be told at once is a third of the instructions of looking at each line of it.
        let is_all_literal = text.iter().fold(true, |all, byte| all & is_literal(*byte));
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            if !is_literal(byte) {
                self.escape(byte, WIDTH - 1);
                at += 1;
                continue;
            }
            self.reserve(1, WIDTH - 1);
            if self.column == 0 && self.is_unsafe_start(&text[at..]) {
                self.escape(byte, WIDTH - 1);
                at += 1;
                continue;
            }
            let room = &text[at..text.len().min(at + WIDTH - 1 - self.column)];
            let run = match is_all_literal {
                true => room.len(),
                false => room.iter().position(|byte| !is_literal(*byte)).unwrap_or(room.len()),
            };
            self.literal(&room[..run]);
            at += run;
        }
    }

    /// The rest of the author's line with its end, which closes this line.
    pub(super) fn end(mut self, rest: &[u8]) {
        let body = rest.strip_suffix(b"\n").unwrap_or(rest);
        let text = trim_padding(body);
        // Only a soft break's `=` can stand there: in front of padding or the line end no other is left.
        if let Some(text) = text.strip_suffix(b"=") {
            self.encoded(text, WIDTH - 1);
            self.close(&rest[text.len()..], Ending::Soft);
            return;
        }
        let text = body.strip_suffix(b"\r").filter(|_| body.len() < rest.len()).unwrap_or(body);
        // (3): blanks at the end of a line are padding, so what an edit leaves at the end is escaped. Padding
        // that stood behind it stays padding.
        if text.iter().all(|byte| is_padding(*byte))
            && self.column > 0
            && self.out.last().is_some_and(|byte| is_padding(*byte))
        {
            let blank = self.out.pop().unwrap_or_default();
            self.column -= 1;
            self.escape(blank, if text.is_empty() { WIDTH } else { WIDTH - 1 });
        }
        self.encoded(text, WIDTH);
        self.close(&rest[text.len()..], Ending::Hard);
    }

    fn close(&mut self, ending: &[u8], kind: Ending) {
        let line_end = match ending {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        let (padded, line_end) = ending.split_at(ending.len() - line_end);
        match kind {
            Ending::Hard => {}
            // The soft break of a line of which nothing is left goes with it.
            Ending::Soft if self.column == 0 => return,
            Ending::Soft if self.column + padded.len() <= WIDTH => self.out.extend_from_slice(padded),
            Ending::Soft => self.out.push(b'='),
        }
        self.out.extend_from_slice(line_end);
    }

    /// `last`: how far the last token may reach; those before it leave room for a `=`.
    fn encoded(&mut self, text: &[u8], last: usize) {
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if rest[0] == b'=' {
                let limit = |length| if rest.len() == length { last } else { WIDTH - 1 };
                match token(rest) {
                    Token::Escape(_) => {
                        self.reserve(3, limit(3));
                        self.literal(&rest[..3]);
                        at += 3;
                    }
                    Token::Bare | Token::SoftBreak(_) => {
                        self.escape(b'=', limit(1));
                        at += 1;
                    }
                }
                continue;
            }
            let limit = if rest.len() == 1 { last } else { WIDTH - 1 };
            self.reserve(1, limit);
            if self.column == 0 && self.is_unsafe_start(rest) {
                self.escape(rest[0], limit);
                at += 1;
                continue;
            }
            let room = if self.column + rest.len() <= last { rest.len() } else { limit - self.column };
            let room = &rest[..room];
            let run = memchr(b'=', room).unwrap_or(room.len());
            self.literal(&room[..run]);
            at += run;
        }
    }

    /// A line of ours must not begin like a boundary, SMTP's dot or mbox's `From `. Where more bytes are to come
    /// that may complete one of these, `rest` is not all of the line. An author's line that an edit touches must not
    /// become one of these either, but keeps the start that it has.
    fn is_unsafe_start(&self, rest: &[u8]) -> bool {
        let known = rest.len().min(5);
        match (self.start, rest[0]) {
            (Start::Ours, b'-' | b'.') => true,
            (Start::Ours, _) => rest[..known] == b"From "[..known],
            // Any delimiter begins so; whether this one is the author's or was made by an edit is all the same.
            (Start::Author, b'-') => matches!(rest, [_] | [_, b'-', ..]),
            (Start::Author, b'.') => rest.len() == 1,
            (Start::Author, _) => known < 5 && rest[..known] == b"From "[..known],
        }
    }

    fn escape(&mut self, byte: u8, limit: usize) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        self.reserve(3, limit);
        self.literal(&[b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }

    fn reserve(&mut self, width: usize, limit: usize) {
        if self.column + width > limit {
            self.out.push(b'=');
            self.out.extend_from_slice(self.line_end.bytes());
            self.column = 0;
            self.start = Start::Ours;
        }
    }

    fn literal(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.column += bytes.len();
    }
}

fn is_literal(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'='
}

fn trim_padding(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !is_padding(*byte)).map_or(0, |last| last + 1);
    &line[..end]
}
