//! Whether the values of one delivery leave a document read as it was when it was made ready.

use std::cell::RefCell;
use std::ops::Range;

use super::compile::Compiled;
use super::document::Document;
use crate::charset::{PRESCAN, sniff};
use crate::error::Result;
use crate::html::tag::is_space;
use crate::html::{MOST_TOKEN, PREHEADER_LIMIT};
use crate::merge::Kind;
use crate::options::Delivery;

/// A value takes at most this many times its bytes: `"` becomes `&quot;`.
const MOST_GROWTH: usize = 6;

thread_local! {
    /// The beginning of a document, kept so that nothing is allocated.
    static START: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Document {
    /// Whether the document need not be read anew for this delivery.
    ///
    /// # Errors
    /// If the value of a field is missing.
    pub(super) fn fits(&self, compiled: &Compiled, delivery: &Delivery) -> Result<bool> {
        let (mut growth, mut growth_in_zone) = (0, 0);
        let mut fits = true;
        for (index, field) in self.fields.iter().enumerate() {
            let value = field.value(delivery)?; // each is asked for, so that what is missing is told always
            growth += value.len() * MOST_GROWTH;
            if compiled.zone.contains(&self.letters[index]) {
                growth_in_zone += value.len() * MOST_GROWTH;
            }
            fits = fits && self.value_fits(index, compiled.counts[index], value.as_bytes());
        }
        Ok(fits
            && self.html.len() + growth <= MOST_TOKEN
            && (growth_in_zone == 0 || compiled.zone.len() + growth_in_zone <= PREHEADER_LIMIT)
            && self.has_same_charset(delivery)?)
    }

    fn value_fits(&self, index: usize, counts: bool, value: &[u8]) -> bool {
        let (field, place) = (&self.fields[index], &self.places[index]);
        let holds = |byte| memchr::memchr(byte, value).is_some();
        if holds(0) {
            return false;
        }
        if place.outlook && (field.raw || holds(b'-') && could_end_comment(value)) {
            return false;
        }
        let is_text = |&byte: &u8| !(is_space(byte) || field.raw && byte == b'&');
        if counts && !value.first().is_some_and(is_text) {
            return false;
        }
        match &place.kind {
            Kind::Other => false,
            Kind::Text | Kind::RawText if field.raw => {
                let placeholder = self.shared().settings.placeholder.as_bytes();
                !holds(b'<') && !placeholder.first().is_some_and(|&byte| holds(byte))
            }
            Kind::Text | Kind::RawText => true,
            Kind::Attribute { value: range, quote, is_image, .. } => {
                !(field.raw && (holds(*quote) || holds(b'<')))
                    && (!is_image || self.is_of_others(range, self.letters[index], value))
            }
        }
    }

    /// Whether the source of an image, an attribute value at `range`, is not an own pixel's with `value` in place of `letter`.
    fn is_of_others(&self, range: &Range<usize>, letter: usize, value: &[u8]) -> bool {
        let is_whole = |text: &[u8]| {
            let authority = memchr::memmem::find(text, b"://").map(|at| &text[at + 3..]);
            authority.is_some_and(|rest| memchr::memchr3(b'/', b'?', b'#', rest).is_some())
        };
        // The host stands in front of the field, or is in the value; what could be its half is read anew.
        is_whole(&self.html[range.start..letter])
            || !self.has_own_host(value) && (is_whole(value) || letter + 1 == range.end)
    }

    /// Whether the charset is found as before: with values in it the beginning holds other things.
    fn has_same_charset(&self, delivery: &Delivery) -> Result<bool> {
        let is_given = self.shared().settings.charset.is_some() || self.mark > 0;
        if is_given || self.letters.first().is_none_or(|&letter| letter >= PRESCAN) {
            return Ok(true);
        }
        START.with_borrow_mut(|start| {
            start.clear();
            self.write_filled(0..self.html.len().min(PRESCAN + self.letters.len()), delivery, start)?;
            Ok(sniff(start, None) == (self.charset, self.mark))
        })
    }
}

/// Whether a value in a comment could end it together with what stands around.
fn could_end_comment(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"--").is_some() || value.starts_with(b"-") || value.ends_with(b"-")
}
