//! Whether the values of one delivery leave a document read as it was when it was made ready.

use std::cell::RefCell;
use std::ops::Range;

use crate::charset::{Charset, PRESCAN, sniff};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::html::tag::is_space;
use crate::html::{MOST_TOKEN, PREHEADER_LIMIT};
use crate::merge::{Kind, Place, Reading, Sample};
use crate::options::{Delivery, VisibleUrl};
use crate::plan::{Record, RecordedLink};
use crate::rewriter::Shared;

/// A value takes at most this many times its bytes: `"` becomes `&quot;`.
const MOST_GROWTH: usize = 6;

/// The longest byte order mark, in bytes.
const LONGEST_MARK: usize = 4;

thread_local! {
    /// The beginning of a document, kept so that nothing is allocated.
    static START: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What the values of a delivery must be for the document to be read as it was.
pub(super) struct Fit {
    /// For each field, whether it matters that its value is no white space.
    counts: Vec<bool>,
    /// From the body's start to where it is known where the top pixel goes.
    zone: Range<usize>,
}

impl Fit {
    /// None if some value could change more than is asked of each delivery.
    pub(super) fn of(sample: &Sample, shared: &Shared, record: &Record) -> Option<Fit> {
        let zone = record.body.map_or(0..0, |body| body..record.decided.max(body));
        if sample.fields.is_empty() {
            return Some(Fit { counts: Vec::new(), zone });
        }
        let settings = &shared.settings;
        let (html, letters) = (&sample.html[..], &sample.letters[..]);
        let is_single_byte = |encoding: &'static encoding_rs::Encoding| {
            encoding == encoding_rs::UTF_8 || encoding.is_single_byte()
        };
        let is_dynamic = |link: &RecordedLink| !sample.within(&link.range).is_empty();
        let in_zone = |letter: &usize| zone.contains(letter);
        if !matches!(sample.reading.charset, Charset::Known(encoding) if is_single_byte(encoding))
            || html.len() > MOST_TOKEN
            // What a link shows decides on it, and what another one has.
            || settings.visible_url == VisibleUrl::Leave
            || (settings.max_links.is_some() || settings.policy.is_some() || settings.dialects.has(Dialect::Postal))
                && record.links.iter().any(is_dynamic)
            || zone.len() > PREHEADER_LIMIT && letters.iter().any(in_zone)
            || has_placeholder_beside(html, letters, settings.placeholder.as_bytes())
        {
            return None;
        }
        let place_counts = |(letter, place): (&usize, &Place)| match place.kind {
            Kind::Other => None,
            // It may hide a preheader.
            Kind::Attribute { is_style: true, .. } if in_zone(letter) => None,
            Kind::Text => {
                let at = record.texts.partition_point(|text| text.end <= *letter);
                Some(record.texts.get(at).is_some_and(|text| text.contains(letter)))
            }
            Kind::RawText | Kind::Attribute { .. } => Some(false),
        };
        let counts = letters.iter().zip(&sample.places).map(place_counts).collect::<Option<_>>()?;
        Some(Fit { counts, zone })
    }

    /// Whether the document need not be read anew for this delivery.
    ///
    /// # Errors
    /// If the value of a field is missing.
    pub(super) fn admits(&self, sample: &Sample, shared: &Shared, delivery: &Delivery) -> Result<bool> {
        let (mut growth, mut growth_in_zone) = (0, 0);
        let mut fits = true;
        for (index, field) in sample.fields.iter().enumerate() {
            let value = field.value(delivery)?; // each is asked for, so that what is missing is told always
            growth += value.len() * MOST_GROWTH;
            if self.zone.contains(&sample.letters[index]) {
                growth_in_zone += value.len() * MOST_GROWTH;
            }
            fits = fits && value_fits(sample, shared, index, self.counts[index], value.as_bytes());
        }
        Ok(fits
            && sample.html.len() + growth <= MOST_TOKEN
            && (growth_in_zone == 0 || self.zone.len() + growth_in_zone <= PREHEADER_LIMIT)
            && has_same_charset(sample, delivery)?)
    }
}

fn value_fits(sample: &Sample, shared: &Shared, index: usize, counts: bool, value: &[u8]) -> bool {
    let (field, place) = (&sample.fields[index], &sample.places[index]);
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
            let placeholder = shared.settings.placeholder.as_bytes();
            !holds(b'<') && !placeholder.first().is_some_and(|&byte| holds(byte))
        }
        Kind::Text | Kind::RawText => true,
        Kind::Attribute { value: range, quote, is_image, .. } => {
            !(field.raw && (holds(*quote) || holds(b'<')))
                && (!is_image || is_of_others(sample, shared, range, sample.letters[index], value))
        }
    }
}

/// Whether the source of an image, an attribute value at `range`, is not an own pixel's with `value` in place of `letter`.
fn is_of_others(sample: &Sample, shared: &Shared, range: &Range<usize>, letter: usize, value: &[u8]) -> bool {
    let is_whole = |text: &[u8]| {
        let authority = memchr::memmem::find(text, b"://").map(|at| &text[at + 3..]);
        authority.is_some_and(|rest| memchr::memchr3(b'/', b'?', b'#', rest).is_some())
    };
    // The host stands in front of the field, or is in the value; what could be its half is read anew.
    is_whole(&sample.html[range.start..letter])
        || !shared.has_own_host(value) && (is_whole(value) || letter + 1 == range.end)
}

/// Whether the charset is found as before: with values in it the beginning holds other things.
fn has_same_charset(sample: &Sample, delivery: &Delivery) -> Result<bool> {
    let Reading { charset, mark, given } = sample.reading;
    // Of a document whose charset is given only a byte order mark is asked.
    let asked = if given.is_some() { LONGEST_MARK } else { PRESCAN };
    if mark > 0 || sample.letters.first().is_none_or(|&letter| letter >= asked) {
        return Ok(true);
    }
    START.with_borrow_mut(|start| {
        start.clear();
        sample.write_filled(0..sample.html.len().min(PRESCAN + sample.letters.len()), delivery, start)?;
        Ok(sniff(start, given) == (charset, mark))
    })
}

/// Whether a placeholder for the pixel stands in one text with a field (what stands in front of it decides what it leaves), or a
/// value could end one that begins in front of it.
fn has_placeholder_beside(html: &[u8], letters: &[usize], placeholder: &[u8]) -> bool {
    let begins = |&letter: &usize| {
        (1..placeholder.len()).any(|length| html[..letter].ends_with(&placeholder[..length]))
    };
    if placeholder.is_empty() {
        return false;
    }
    // A text is looked at once, however many placeholders it holds.
    let mut done = 0;
    letters.iter().any(begins)
        || memchr::memmem::find_iter(html, placeholder).any(|at| {
            if at < done {
                return false;
            }
            let start = memchr::memrchr(b'>', &html[..at]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'<', &html[at..]).map_or(html.len(), |length| at + length);
            done = end;
            let first = letters.partition_point(|&letter| letter < start);
            letters.get(first).is_some_and(|&letter| letter < end)
        })
}

/// Whether a value in a comment could end it together with what stands around.
fn could_end_comment(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"--").is_some() || value.starts_with(b"-") || value.ends_with(b"-")
}
