//! Where the bytes of a body stand once edits were made in it, without reading it anew.

use super::decode::Locator;
use super::edit::Changed;

/// Which encoded offset stands for a decoded one, where a soft break is between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// In front of the break: where something is put in, or a replaced range ends.
    Behind,
    /// Behind it: where a replaced range begins.
    Before,
}

/// Goes forward through a body that edits changed.
pub(crate) struct Moved<'a> {
    body: &'a [u8],
    /// How long the body was.
    length: usize,
    changed: &'a [Changed],
    /// How much further on what follows the lines that were passed stands now.
    shift: isize,
    /// In the first of `changed`.
    locator: Option<Locator<'a>>,
}

impl<'a> Moved<'a> {
    /// `body` is the new one; the old one was `length` bytes long.
    pub(crate) fn new(body: &'a [u8], length: usize, changed: &'a [Changed]) -> Moved<'a> {
        Moved { body, length, changed, shift: 0, locator: None }
    }

    /// Whether a line may end in a soft break.
    fn ends_in_break(&self, line: &[u8]) -> bool {
        line.trim_ascii_end().ends_with(b"=")
    }

    /// Where a byte stands that stood at `encoded`; offsets ascend from call to call. `decoded` tells how many decoded bytes now
    /// stand between the start of the changed lines whose first edit has this index and it.
    ///
    /// None in the rare places where this depends on lines around.
    pub(crate) fn offset(
        &mut self,
        encoded: usize,
        side: Side,
        decoded: impl FnOnce(usize) -> Option<usize>,
    ) -> Option<usize> {
        while let Some((lines, rest)) = self.changed.split_first()
            && lines.before.end <= encoded
        {
            // At the end of a body that ends no line: what stood there may be gone, or a soft break ends it.
            let after = self.body.get(lines.after.clone())?;
            let is_open = encoded == self.length && rest.is_empty() && lines.before.end == self.length;
            if is_open && (after.is_empty() || self.ends_in_break(after)) {
                return None;
            }
            self.shift = lines.after.end.cast_signed() - lines.before.end.cast_signed();
            self.changed = rest;
            self.locator = None;
        }
        let is_within = |lines: &&Changed| match side {
            Side::Behind => lines.before.start < encoded,
            Side::Before => lines.before.start <= encoded,
        };
        let Some(lines) = self.changed.first().filter(is_within) else {
            return encoded.checked_add_signed(self.shift);
        };
        let after = self.body.get(lines.after.clone())?;
        let decoded = decoded(lines.first)?;
        let locator = self.locator.get_or_insert_with(|| Locator::new(after, &[]));
        let offset = match side {
            // What stood in front is gone: the byte before is on another line.
            Side::Behind if decoded == 0 => return None,
            Side::Behind => locator.behind(decoded),
            Side::Before => locator.before(decoded),
        };
        // A soft break that ends the lines may have others behind it.
        if offset == after.len() && lines.before.end < self.length {
            return None;
        }
        Some(lines.after.start + offset)
    }
}
