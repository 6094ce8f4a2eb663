//! Decoding, and the way back from decoded offsets to encoded ones.
//!
//! Every byte is either an escape `=XX` (hex digits of either case), a part of a soft break, or itself. A soft
//! break is `=`, blanks and CRs, and the `\n` that ends the line; at the end of the body it needs no `\n`. Any other
//! `=` is itself, as in Python, Mozilla and Dovecot, so nothing is ever lost. NULs, bytes over 126 and bare CRs are
//! themselves.
//!
//! Blanks in front of a hard line end are kept. RFC 2045, 6.7(3) calls them padding of the transport, and
//! Dovecot deletes them; Mozilla and Python show them. Since the edited body holds them as well, each reader still
//! sees in it what it saw before.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

/// A place that both sides know: no byte on the left of it decodes together with one on the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(super) encoded: usize,
    pub(super) decoded: usize,
}

/// A checkpoint for so many encoded bytes or more: 6 % of the body at most, and little to walk to any offset.
/// Between the `=` decoded and encoded offsets go in step, so only they are counted.
const STRIDE: usize = 256;

pub(in super::super) fn decode<'a>(body: &'a [u8], checkpoints: &mut Vec<Checkpoint>) -> Cow<'a, [u8]> {
    let mut equals = memchr_iter(b'=', body);
    let Some(mut next) = equals.next() else {
        return Cow::Borrowed(body);
    };
    let mut bytes = Vec::with_capacity(body.len());
    let mut at = 0;
    let mut due = STRIDE;
    loop {
        // No token holds a second `=`, so `next` is never within the one before.
        bytes.extend_from_slice(&body[at..next]);
        at = next
            + match token(&body[next..]) {
                Token::Escape(byte) => {
                    bytes.push(byte);
                    3
                }
                Token::SoftBreak(length) => length,
                Token::Bare => {
                    bytes.push(b'=');
                    1
                }
            };
        if at >= due {
            checkpoints.push(Checkpoint { encoded: at, decoded: bytes.len() });
            due = at + STRIDE;
        }
        match equals.next() {
            Some(found) => next = found,
            None => break,
        }
    }
    bytes.extend_from_slice(&body[at..]);
    Cow::Owned(bytes)
}

/// What a `=` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Three bytes that stand for this one.
    Escape(u8),
    /// So many bytes that stand for none.
    SoftBreak(usize),
    /// One byte that stands for itself.
    Bare,
}

/// `rest` begins with `=`.
#[inline]
pub(super) fn token(rest: &[u8]) -> Token {
    if let [_, high, low, ..] = rest {
        let (high, low) = (HEX[usize::from(*high)], HEX[usize::from(*low)]);
        if high | low < 16 {
            return Token::Escape(high << 4 | low);
        }
    }
    soft_break(rest).map_or(Token::Bare, Token::SoftBreak)
}

#[inline]
fn soft_break(rest: &[u8]) -> Option<usize> {
    let blanks = rest[1..].iter().position(|byte| !is_padding(*byte));
    match blanks {
        Some(blanks) if rest[1 + blanks] == b'\n' => Some(blanks + 2),
        Some(_) => None,
        None => Some(rest.len()),
    }
}

/// What may stand between a soft break's `=` or a hard line's text and the `\n`.
pub(super) fn is_padding(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

const HEX: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// The encoded offset of the byte `decoded`.
pub(in super::super) fn offset(body: &[u8], checkpoints: &[Checkpoint], decoded: usize) -> usize {
    Locator::new(body, checkpoints).before(decoded)
}

/// Goes forward through an encoded body to decoded offsets.
pub(super) struct Locator<'a> {
    body: &'a [u8],
    checkpoints: &'a [Checkpoint],
    here: Checkpoint,
}

impl<'a> Locator<'a> {
    pub(super) fn new(body: &'a [u8], checkpoints: &'a [Checkpoint]) -> Locator<'a> {
        Locator { body, checkpoints, here: Checkpoint::default() }
    }

    /// The encoded range of what an edit replaces; each range begins at or behind the end of the one before.
    pub(super) fn range(&mut self, decoded: &Range<usize>) -> Range<usize> {
        if decoded.is_empty() {
            let place = self.behind(decoded.start);
            return place..place;
        }
        let start = self.before(decoded.start);
        start..self.behind(decoded.end)
    }

    /// The encoded offset right behind the byte before `decoded`: in front of soft breaks that stand there, so
    /// that what is inserted goes on the line before and the line after stays as it is.
    pub(super) fn behind(&mut self, decoded: usize) -> usize {
        let skipped = self.checkpoints.partition_point(|checkpoint| checkpoint.decoded < decoded);
        if let Some(last) = skipped.checked_sub(1).map(|index| self.checkpoints[index]) {
            if last.encoded > self.here.encoded {
                self.here = last;
            }
            self.checkpoints = &self.checkpoints[skipped..];
        }
        while self.here.decoded < decoded {
            let rest = &self.body[self.here.encoded..];
            let wanted = (decoded - self.here.decoded).min(rest.len());
            let run = memchr(b'=', &rest[..wanted]).unwrap_or(wanted);
            self.here.encoded += run;
            self.here.decoded += run;
            if run == wanted {
                break;
            }
            let (encoded, decoded) = match token(&rest[run..]) {
                Token::Escape(_) => (3, 1),
                Token::SoftBreak(length) => (length, 0),
                Token::Bare => (1, 1),
            };
            self.here.encoded += encoded;
            self.here.decoded += decoded;
        }
        self.here.encoded
    }

    /// The encoded offset of the byte `decoded`: behind soft breaks in front of it, so that what replaces it
    /// stands on its line.
    pub(super) fn before(&mut self, decoded: usize) -> usize {
        self.behind(decoded);
        while let Some(b'=') = self.body.get(self.here.encoded)
            && let Token::SoftBreak(length) = token(&self.body[self.here.encoded..])
        {
            self.here.encoded += length;
        }
        self.here.encoded
    }
}

/// Makes ranges of the encoded body of those of the decoded one, which are in order.
pub(in super::super) fn locate<'r>(
    body: &[u8],
    checkpoints: &[Checkpoint],
    ranges: impl Iterator<Item = &'r mut Range<usize>>,
) {
    let mut locator = Locator::new(body, checkpoints);
    for range in ranges {
        *range = locator.range(range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &[u8]) -> Vec<u8> {
        decode(body, &mut Vec::new()).into_owned()
    }

    /// What Python's `quopri` and `binascii.a2b_qp` give, and ours where it differs, with the reason.
    #[test]
    fn as_python_decodes_but_for_listed_cases() {
        type Case = (&'static [u8], &'static [u8], Option<&'static [u8]>);
        let table: [Case; 24] = [
            (b"a=3Db=e9=E9=C3=a9", b"a=b\xe9\xe9\xc3\xa9", None),
            (b"a=\r\nb=\nc", b"abc", None),
            (b"a=zz=", b"a=zz", None),
            (b"a=4", b"a=4", None),
            (b"a=4\r\nb", b"a=4\r\nb", None),
            (b"a=3", b"a=3", None),
            (b"=4=31", b"=41", None),
            (b"= x", b"= x", None),
            (b"=\n=\nb", b"b", None),
            (b"a=", b"a", None),
            (b"a=\r", b"a", None),
            (b"a=\r\r\nb", b"ab", None),
            (b"a\x00\xe9b\x7f", b"a\x00\xe9b\x7f", None),
            (b"a \r\nb\t\nc ", b"a \r\nb\t\nc ", None),
            (b"a\rb\r", b"a\rb\r", None),
            (b"a_b", b"a_b", None),
            (b"", b"", None),
            // RFC 2045, 6.7(3): padding of the transport behind a soft break is deleted; Dovecot and clients do.
            (b"a= \r\nb", b"a= \r\nb", Some(b"ab")),
            (b"a=\t \nb", b"a=\t \nb", Some(b"ab")),
            (b"a= ", b"a= ", Some(b"a")),
            // Python loses all up to the next line end.
            (b"a=\rbc\nd", b"ad", Some(b"a=\rbc\nd")),
            // Python repairs what an old version of its own encoder wrote.
            (b"a==41", b"a=41", Some(b"a=A")),
            (b"a==\r\nb", b"a=\r\nb", Some(b"a=b")),
            (b"a==3D=3D", b"a=3D=", Some(b"a===")),
        ];
        for (body, python, ours) in table {
            assert_ne!(ours, Some(python));
            assert_eq!(decoded(body), ours.unwrap_or(python), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn every_offset_is_found() {
        let body = b"=\r\nab=\r\n=\r\n=3D= \nc=zz\r\n=C3=A9=".repeat(40);
        let mut checkpoints = Vec::new();
        let bytes = decode(&body, &mut checkpoints);
        assert!(checkpoints.len() > 3);
        let end = Locator::new(&body, &checkpoints).behind(bytes.len());
        assert_eq!(end, body.len() - 1);
        for offset in 0..bytes.len() {
            let behind = Locator::new(&body, &checkpoints).behind(offset);
            let before = Locator::new(&body, &checkpoints).before(offset);
            // A `=` that is itself would be a soft break at the end.
            assert_eq!(decoded(&[&body[..behind], b"|"].concat()), [&bytes[..offset], b"|"].concat());
            assert_eq!(decoded(&body[before..]), bytes[offset..]);
            assert_eq!(decoded(&body[behind..before]), b"");
            assert!(offset == 0 || behind <= before && !body[..behind].ends_with(b"=\r\n"));
            let mut same = Locator::new(&body, &checkpoints);
            same.behind(offset / 2);
            assert_eq!((same.behind(offset), same.before(offset)), (behind, before));
        }
    }
}
