//! Content-Transfer-Encoding (RFC 2045, section 6): bodies decoded for reading, edits made in the encoded bytes.
//!
//! Edits are found in the decoded body; [`apply`] makes them in the encoded one and leaves every line that no
//! edit touches as it is.

mod base64;
mod identity;
#[cfg(test)]
mod naive;
mod quoted_printable;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use crate::edit::Edit;

#[cfg(test)]
use self::identity::too_long;
pub(crate) use self::identity::{Breaks, attribute_breaks};
pub(crate) use self::quoted_printable::{Changed, Moved, Side};

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// `7bit` and `8bit`: lines of at most 998 octets, as they are.
    Identity,
    /// `binary`: octets without lines.
    Binary,
    QuotedPrintable,
    Base64,
}

/// Why a body passes through as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// base64: the byte at this offset of the body is neither of the alphabet nor white space around a line, or it is
    /// padding that more stands behind.
    NotBase64 { offset: usize },
    /// base64: the characters do not make whole octets, or there is too much or too little padding.
    Length,
    /// Lines would pass 998 octets and cannot be broken. Without these edits (indices, ascending) none does.
    LineTooLong(Vec<usize>),
    /// With this edit a line of the body would be a delimiter of the message.
    Delimiter { edit: usize },
    /// With this edit a line would begin with `From `, which mbox files and some hops change.
    FromLine { edit: usize },
}

/// A body decoded for reading, and the way back from decoded offsets to encoded ones.
#[derive(Debug)]
pub(crate) struct Decoded<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    transfer: Transfer,
    checkpoints: Cow<'a, [quoted_printable::Checkpoint]>,
    /// The edits that are made in it have ranges of the encoded body, see [`Decoded::keep`].
    are_located: bool,
}

/// What [`apply`] needs of a decoded body, without the body.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Of base64 alone.
    bytes: Vec<u8>,
    transfer: Transfer,
}

/// A line end of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    Lf,
    CrLf,
}

impl LineEnd {
    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
        }
    }

    /// The style of the line end that closes with the `\n` at `newline`.
    fn at(body: &[u8], newline: usize) -> LineEnd {
        if newline > 0 && body[newline - 1] == b'\r' { LineEnd::CrLf } else { LineEnd::Lf }
    }

    /// The style of the line that `body[at]` is in: its own end, else that of the line before it.
    /// `line_end`: the index behind its `\n`, or the body's length.
    fn near(body: &[u8], line_start: usize, line_end: usize) -> Option<LineEnd> {
        let newline = match line_end.checked_sub(1) {
            Some(last) if body[last] == b'\n' => last,
            _ => line_start.checked_sub(1)?,
        };
        Some(LineEnd::at(body, newline))
    }
}

/// What [`apply`] must know beyond the body.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// For line breaks in a body that has none.
    pub(crate) line_end: LineEnd,
    /// 7bit and 8bit only.
    pub(crate) breaks: Breaks<'a>,
    /// Whether this line, without its end, is a delimiter of an enclosing multipart.
    pub(crate) is_delimiter: &'a dyn Fn(&[u8]) -> bool,
    /// The author's own text is put back: lines may be as long as they were, and begin with `From `.
    pub(crate) restoring: bool,
}

/// Decodes a body. quoted-printable always decodes; base64 that is not wholly base64 is refused.
pub(crate) fn decode(body: &[u8], transfer: Transfer) -> Result<Decoded<'_>, Refused> {
    let mut checkpoints = Vec::new();
    let bytes = match transfer {
        Transfer::Identity | Transfer::Binary => Cow::Borrowed(body),
        Transfer::QuotedPrintable => quoted_printable::decode(body, &mut checkpoints),
        Transfer::Base64 => Cow::Owned(base64::decode(body)?),
    };
    Ok(Decoded { bytes, transfer, checkpoints: checkpoints.into(), are_located: false })
}

/// Appends to `out` the body with the edits made: sorted, apart from each other, their ranges in decoded offsets;
/// insertions at one place keep their order. Decoding what is appended gives the decoded body with the edits made.
///
/// # Errors
///
/// Only for 7bit, 8bit and binary. `out` is then as it was.
pub(crate) fn apply(
    body: &[u8],
    decoded: &Decoded<'_>,
    edits: &[Edit],
    around: &Around<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    apply_telling(body, decoded, edits, around, &mut Vec::new(), out)
}

/// The same; of quoted-printable the lines that are others now are appended to `changed`.
pub(crate) fn apply_telling(
    body: &[u8],
    decoded: &Decoded<'_>,
    edits: &[Edit],
    around: &Around<'_>,
    changed: &mut Vec<Changed>,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    debug_assert!(edits.is_sorted_by(|a, b| a.range.end <= b.range.start));
    match decoded.transfer {
        Transfer::Identity | Transfer::Binary => {
            let before = out.len();
            let has_lines = decoded.transfer == Transfer::Identity && !around.restoring;
            let result = identity::apply(body, edits, around, has_lines, out);
            if result.is_err() {
                out.truncate(before);
            }
            return result;
        }
        Transfer::QuotedPrintable => {
            let ways = quoted_printable::Ways {
                checkpoints: &decoded.checkpoints,
                are_located: decoded.are_located,
                fallback: around.line_end,
            };
            quoted_printable::apply(body, &ways, edits, changed, out);
        }
        Transfer::Base64 => base64::apply(body, &decoded.bytes, edits, around.line_end, out),
    }
    Ok(())
}

/// Finds the offset in an encoded body of a byte of the decoded one.
#[derive(Debug)]
pub(crate) enum Places {
    Same,
    QuotedPrintable(Vec<quoted_printable::Checkpoint>),
    Base64(Vec<base64::Checkpoint>),
}

impl Kept {
    pub(crate) fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// For [`apply`]: the bytes are not those of the decoded body but for base64, where they are needed.
    pub(crate) fn decoded(&self) -> Decoded<'_> {
        located(&self.bytes, self.transfer)
    }
}

/// For [`apply`] with edits whose ranges are those of the encoded body where it is quoted-printable. `bytes` is the decoded body,
/// if it is base64.
pub(crate) fn located(bytes: &[u8], transfer: Transfer) -> Decoded<'_> {
    Decoded {
        bytes: Cow::Borrowed(bytes),
        transfer,
        checkpoints: Cow::Borrowed(&[]),
        are_located: transfer == Transfer::QuotedPrintable,
    }
}

impl Decoded<'_> {
    pub(crate) fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// What is needed for making edits at these ranges many times. In quoted-printable they become ranges of `body`, so that
    /// they need not be looked for each time.
    pub(crate) fn keep<'r>(&self, body: &[u8], ranges: impl Iterator<Item = &'r mut Range<usize>>) -> Kept {
        if self.transfer == Transfer::QuotedPrintable {
            quoted_printable::locate(body, &self.checkpoints, ranges);
        }
        let bytes = if self.transfer == Transfer::Base64 { self.bytes.to_vec() } else { Vec::new() };
        Kept { bytes, transfer: self.transfer }
    }

    /// The way back to `body`, which was decoded.
    pub(crate) fn places(&self, body: &[u8]) -> Places {
        match self.transfer {
            Transfer::Identity | Transfer::Binary => Places::Same,
            Transfer::QuotedPrintable => Places::QuotedPrintable(self.checkpoints.clone().into_owned()),
            Transfer::Base64 => Places::Base64(base64::checkpoints(body)),
        }
    }
}

impl Places {
    pub(crate) fn offset(&self, body: &[u8], decoded: usize) -> usize {
        match self {
            Places::Same => decoded,
            Places::QuotedPrintable(checkpoints) => quoted_printable::offset(body, checkpoints, decoded),
            Places::Base64(checkpoints) => base64::offset(body, checkpoints, decoded),
        }
    }
}

/// How many bytes the edits add, at least zero: for reservations.
fn growth(edits: &[Edit]) -> usize {
    edits.iter().fold(0, |sum, edit| sum + edit.replacement.len().saturating_sub(edit.range.len()))
}
