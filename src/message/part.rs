//! One part, HTML or plain text: decoded, planned, and its edits made in the encoded bytes.

use std::sync::Arc;

use memchr::memmem;

use crate::charset::Charset;
use crate::edit::Edit;
use crate::html::{Scan, Source};
use crate::mime::charset::Text;
use crate::mime::transfer::{self, Around, Breaks, Decoded, LineEnd, Refused, Transfer, attribute_breaks};
use crate::mime::{Encoding, Part, Structure, Untouched};
use crate::plan::{EMPTY_COMMENT, PartPlan, Planner};
use crate::report::{PartReason, Reason};
use crate::rewriter::Shared;
use crate::text_link::Layout;

/// The part that is to be rewritten.
pub(super) struct PartWork<'a> {
    pub(super) message: &'a [u8],
    pub(super) structure: &'a Structure,
    pub(super) part: usize,
    /// The open pixels go into it.
    pub(super) pixels: bool,
    /// It is plain text, whose URLs are its links.
    pub(super) is_text: bool,
    pub(super) shared: &'a Arc<Shared>,
}

impl<'a> PartWork<'a> {
    /// The part's new body, if it changed, and the charset that it was read with; else why it passes through.
    pub(super) fn rewrite(
        &self,
        planner: &mut Planner,
    ) -> Result<(Option<Vec<u8>>, &'static str), PartReason> {
        let part = &self.structure.parts[self.part];
        let body = &self.message[part.body.clone()];
        let Planned { decoded, transfer, mut edits, plan, name, .. } = self.plan(planner)?;

        let breaks = if transfer == Transfer::Identity { plan.breaks(body) } else { Vec::new() };
        let is_delimiter = |line: &[u8]| self.structure.is_delimiter(self.part, line);
        loop {
            if edits.is_empty() {
                return Ok((None, name));
            }
            // Links hold no places for a break; the pixels' tags do.
            let places: Vec<Vec<usize>> = edits
                .iter()
                .map(
                    |edit| {
                        if edit.range.is_empty() { attribute_breaks(&edit.replacement) } else { Vec::new() }
                    },
                )
                .collect();
            let places: Vec<&[usize]> = places.iter().map(Vec::as_slice).collect();
            let mut around = around(self.message, part, &is_delimiter);
            around.breaks = Breaks { body: &breaks, replacements: &places };
            let mut out = Vec::new();
            match transfer::apply(body, &decoded, &edits, &around, &mut out) {
                Ok(()) => return Ok((Some(out), name)),
                Err(Refused::LineTooLong(indices)) if !indices.is_empty() => {
                    let (left, kept) = split(edits, &indices);
                    if !planner.leave(&plan, &left) {
                        planner.forget_part(Reason::LineTooLong);
                        return Err(PartReason::LineTooLong);
                    }
                    edits = kept;
                }
                // Without its placeholder a line would begin with `From ` or be a delimiter: all of them leave a comment, at
                // once, since a body may have many.
                Err(Refused::FromLine { .. } | Refused::Delimiter { .. })
                    if self.leave_comments(body, &mut edits) =>
                {
                    planner.left_comments();
                }
                Err(_) => {
                    planner.forget_part(Reason::LineTooLong);
                    return Err(PartReason::LineTooLong);
                }
            }
        }
    }

    /// The edits of the part; else why it passes through.
    pub(super) fn plan(&self, planner: &mut Planner) -> Result<Planned<'a>, PartReason> {
        let part = &self.structure.parts[self.part];
        let body = &self.message[part.body.clone()];
        // The line break in front of a delimiter line that follows at once is the header's: whatever is put there
        // would stand on the delimiter's line.
        if body.is_empty() && !matches!(self.message[part.body.end..], [] | [b'\n' | b'\r', ..]) {
            return Err(PartReason::NoBody);
        }
        let transfer = encoding(part.encoding).ok_or(PartReason::Encoding)?;
        let decoded = transfer::decode(body, transfer).map_err(|_| PartReason::Ambiguous)?;
        if has_pgp_armour(&decoded.bytes) {
            return Err(PartReason::Pgp);
        }
        let text = Text::of(&decoded.bytes, label(part)).ok_or(PartReason::Charset)?;
        if transfer == Transfer::Identity && !text.is_same() {
            return Err(PartReason::Charset); // lines of 16-bit units are none that SMTP knows
        }
        let number = u32::try_from(self.part).unwrap_or(u32::MAX);
        planner.begin_part(number, text.charset, self.pixels);
        if self.is_text {
            planner.text(&text.bytes, layout(part));
        } else {
            let source = Source { bytes: &text.bytes, base: 0 };
            let mut scan = Scan::new(text.mark, planner.walk_settings(), self.shared.settings.reader());
            scan.advance(source, true, planner);
            planner.advance(source, text.bytes.len(), true);
        }
        let mut plan = planner.end_part();
        let Some(edits) = text.back(std::mem::take(&mut plan.edits)) else {
            planner.forget_part(Reason::BadCharset);
            return Err(PartReason::Charset);
        };
        let (charset, is_same, name) = (text.charset, text.is_same(), text.name);
        drop(text);
        Ok(Planned { decoded, transfer, edits, plan, charset, is_same, name })
    }

    /// Puts an empty comment in the place of every placeholder that is taken out. Whether there was any. Offsets are those of
    /// the body.
    fn leave_comments(&self, body: &[u8], edits: &mut [Edit]) -> bool {
        let placeholder = self.shared.settings.placeholder.as_bytes();
        let mut any = false;
        for edit in edits.iter_mut().filter(|edit| edit.replacement.is_empty() && !edit.range.is_empty()) {
            if body[edit.range.clone()] == *placeholder {
                edit.replacement = EMPTY_COMMENT.to_vec();
                any = true;
            }
        }
        any
    }
}

/// A part that was read.
pub(super) struct Planned<'a> {
    pub(super) decoded: Decoded<'a>,
    pub(super) transfer: Transfer,
    /// In the decoded part.
    pub(super) edits: Vec<Edit>,
    pub(super) plan: PartPlan,
    pub(super) charset: Charset,
    /// It was read as it stands, without transcoding.
    pub(super) is_same: bool,
    /// What the report calls its charset.
    name: &'static str,
}

/// The edits with these indices, which ascend, and the others.
fn split(edits: Vec<Edit>, indices: &[usize]) -> (Vec<Edit>, Vec<Edit>) {
    let mut indices = indices.iter().copied().peekable();
    let mut next = 0;
    edits.into_iter().partition(|_| {
        next += 1;
        indices.next_if_eq(&(next - 1)).is_some()
    })
}

/// Whether a part is plain text that may be touched: what only its type keeps from being rewritten.
pub(super) fn is_text(part: &Part) -> bool {
    part.media_type == "text/plain" && part.verdict == Err(Untouched::NotHtml)
}

/// The charset that a part names. Plain text without one is read as UTF-8, which US-ASCII (RFC 2046, section 4.1.2) is
/// a part of; HTML may say it in its markup.
pub(crate) fn label(part: &Part) -> Option<&str> {
    part.charset.as_deref().or_else(|| is_text(part).then_some("utf-8"))
}

pub(super) fn layout(part: &Part) -> Layout {
    Layout { flowed: part.flowed, delsp: part.flowed && part.delsp }
}

pub(crate) fn encoding(encoding: Encoding) -> Option<Transfer> {
    match encoding {
        Encoding::SevenBit | Encoding::EightBit => Some(Transfer::Identity),
        Encoding::Binary => Some(Transfer::Binary),
        Encoding::QuotedPrintable => Some(Transfer::QuotedPrintable),
        Encoding::Base64 => Some(Transfer::Base64),
        Encoding::Unknown => None,
    }
}

/// What the transfer encodings must know beside a part's body.
pub(crate) fn around<'a>(message: &[u8], part: &Part, is_delimiter: &'a dyn Fn(&[u8]) -> bool) -> Around<'a> {
    Around { line_end: line_end(message, part), breaks: Breaks::default(), is_delimiter, restoring: false }
}

/// The line end of the blank line in front of the body.
fn line_end(message: &[u8], part: &Part) -> LineEnd {
    match message[..part.body.start].ends_with(b"\r\n") {
        true => LineEnd::CrLf,
        false => LineEnd::Lf,
    }
}

/// How a text begins that is signed or encrypted in itself.
pub(crate) const PGP_ARMOUR: &[u8] = b"-----BEGIN PGP ";

/// Inline PGP (RFC 4880, section 6.2): whoever verifies it takes the text as it stands. What stands before it on
/// its line is not asked: a pixel that we put there must not make armour of what was none before.
pub(crate) fn has_pgp_armour(bytes: &[u8]) -> bool {
    memmem::find(bytes, PGP_ARMOUR).is_some()
}
