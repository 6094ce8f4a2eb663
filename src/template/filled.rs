//! Parts of a message with merge fields, filled and tracked without being read anew.
//!
//! What a render must give is the part with its values, and in that one the URLs. Both are edits of the encoded text, and where
//! a line holds both, the second sees how the first broke it. So they are made one after the other; what is spared is decoding,
//! reading the HTML and planning.

use std::cell::RefCell;
use std::ops::Range;

use memchr::memrchr;

use super::compile::{Change, DynamicLink, Slot, UrlSlot, changes};
use super::fit::Fit;
use super::part::{EditList, Markup, PartPlace};
use super::slot::{NotThisWay, UrlTexts, Written};
use crate::edit::Edit;
use crate::merge::Sample;
use crate::message::{PGP_ARMOUR, PartFields, PlannedPart, has_pgp_armour};
use crate::mime::transfer::{self, Changed, Decoded, Moved, Side, Transfer};
use crate::options::Delivery;
use crate::plan::PixelMarkup;
use crate::rewriter::Shared;

/// An HTML part with fields for one way of tracking it.
pub(super) struct FilledPart {
    fit: Fit,
    edits: Vec<PlacedMarkup>,
    /// Where lines may be broken.
    breaks: Vec<Spot>,
    /// For each field, the decoded offset of the first byte of its line. Of quoted-printable alone.
    lines: Vec<usize>,
    /// Stretches of the sample in which values could make the beginning of signed or encrypted text.
    armour: Vec<Range<usize>>,
}

struct PlacedMarkup {
    start: Spot,
    end: Spot,
    markup: Markup,
}

/// A place in the part as it stands in the template, with fields.
#[derive(Debug, Clone, Copy)]
struct Spot {
    encoded: usize,
    decoded: usize,
    /// How many fields stand before it.
    fields: usize,
}

/// What a render needs room for, kept by each thread.
#[derive(Default)]
struct Scratch {
    values: Vec<Edit>,
    edits: Vec<Edit>,
    changed: Vec<Changed>,
    /// By how much the decoded part grew in front of each field, and at its end.
    growth: Vec<isize>,
    /// The part with its values, and the same decoded.
    body: Vec<u8>,
    decoded: Vec<u8>,
    breaks: Vec<usize>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Appends a part with its values, and with its URLs if it is tracked.
pub(super) fn write(
    fields: &PartFields,
    filled: Option<&FilledPart>,
    place: &PartPlace<'_>,
    texts: &mut UrlTexts<'_>,
    out: &mut Vec<u8>,
) -> Written {
    SCRATCH.with_borrow_mut(|scratch| {
        let Scratch { values, changed, body, .. } = scratch;
        let PartPlace { message, structure, .. } = *place;
        // Errors are told the slow way.
        fields.values(structure, texts.delivery(), values).map_err(|_| NotThisWay)?;
        changed.clear();
        let Some(filled) = filled else {
            return fields.fill(message, structure, values, changed, out).map_err(|_| NotThisWay);
        };
        body.clear();
        fields.fill(message, structure, values, changed, body).map_err(|_| NotThisWay)?;
        filled.write(fields, place, texts, scratch, out)
    })
}

impl FilledPart {
    /// The part was planned with a letter in the place of each field; `body` has the fields.
    pub(super) fn of(
        fields: &PartFields,
        shared: &Shared,
        body: &[u8],
        planned: PlannedPart<'_>,
        pixels: &[PixelMarkup],
    ) -> Option<FilledPart> {
        let sample = fields.sample()?;
        // Marks of UTF-16 and UTF-32 begin with a byte beyond ASCII or a NUL: a value may make one that belies the charset.
        let may_be_marked =
            sample.letters.first() == Some(&0) || !matches!(sample.html.first(), Some(1..=0x7f));
        if planned.decoded.bytes != sample.html || may_be_marked && sample.reading.given.is_some() {
            return None;
        }
        let fit = Fit::of(sample, shared, &planned.record)?;
        let places = Places::new(fields, sample, body)?;
        let mut edits = Vec::with_capacity(planned.edits.len());
        for (range, change) in changes(sample, planned.edits, planned.record.links)? {
            let markup = match change {
                Change::Tracked(link) => Markup::link(Slot::Url(UrlSlot::of(link))),
                Change::Dynamic(link) => Markup::link(Slot::Link(DynamicLink::of(link))),
                Change::Markup(edit) => Markup::of(edit.replacement, pixels),
                Change::Field(_) => continue,
            };
            edits.push((range, markup));
        }
        let ranges = places.ranges(edits.iter().map(|(range, _)| range.clone()));
        let placed = |((_, markup), (start, end))| PlacedMarkup { start, end, markup };
        Some(FilledPart {
            fit,
            edits: edits.into_iter().zip(ranges).map(placed).collect(),
            breaks: planned.breaks.iter().map(|&at| places.spot(at)).collect(),
            lines: places.lines(fields),
            armour: armour(sample),
        })
    }

    fn write(
        &self,
        fields: &PartFields,
        place: &PartPlace<'_>,
        texts: &mut UrlTexts<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Written {
        let Scratch { values, edits, changed, growth, body, decoded, breaks } = scratch;
        let (Some(sample), Some(transfer)) = (fields.sample(), fields.transfer()) else {
            return Err(NotThisWay);
        };
        let (shared, delivery) = (texts.shared(), texts.delivery());
        let fits = self.fit.admits(sample, shared, delivery).is_ok_and(|fits| fits);
        // A CR in front of the line end of a delimiter would be a part of it.
        let ends_in_cr = body.ends_with(b"\r") && place.is_before_newline();
        if !fits || body.is_empty() || ends_in_cr || self.may_hold_armour(sample, delivery, decoded) {
            return Err(NotThisWay);
        }
        growth.clear();
        growth.push(0);
        let mut sum = 0;
        for (value, field) in values.iter().zip(&sample.fields) {
            sum += value.replacement.len().cast_signed() - field.range.len().cast_signed();
            growth.push(sum);
        }
        let now = |spot: &Spot| spot.decoded.checked_add_signed(growth[spot.fields]);
        let mut moved = Moved::new(body, place.body().len(), changed);
        let mut offset = |spot: &Spot, side| match transfer {
            Transfer::QuotedPrintable => moved.offset(spot.encoded, side, |first| {
                let start = self.lines.get(first)?.checked_add_signed(growth[first])?;
                now(spot)?.checked_sub(start)
            }),
            _ => now(spot),
        };
        let mut list = EditList::new(edits);
        for PlacedMarkup { start, end, markup } in &self.edits {
            let is_empty = start.decoded == end.decoded;
            let start =
                offset(start, if is_empty { Side::Behind } else { Side::Before }).ok_or(NotThisWay)?;
            let end = if is_empty { start } else { offset(end, Side::Behind).ok_or(NotThisWay)? };
            list.add(start..end, |out| markup.write(texts, Some(sample), sample.reading.charset, out))?;
        }
        decoded.clear();
        if transfer == Transfer::Base64 {
            sample.write_filled(0..sample.html.len(), delivery, decoded).map_err(|_| NotThisWay)?;
        }
        breaks.clear();
        for spot in &self.breaks {
            breaks.push(now(spot).ok_or(NotThisWay)?);
        }
        let decoded = transfer::located(decoded, transfer);
        place.apply(body, &decoded, list.edits(), breaks, out)
    }

    /// Whether the part is not to be touched with these values.
    fn may_hold_armour(&self, sample: &Sample, delivery: &Delivery, text: &mut Vec<u8>) -> bool {
        self.armour.iter().any(|range| {
            text.clear();
            sample.write_filled(range.clone(), delivery, text).is_err() || has_pgp_armour(text)
        })
    }
}

/// The stretches of the sample that reach as far from a field as the beginning of armour is long.
fn armour(sample: &Sample) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for &letter in &sample.letters {
        let start = letter.saturating_sub(PGP_ARMOUR.len());
        let end = (letter + 1 + PGP_ARMOUR.len()).min(sample.html.len());
        match stretches.last_mut() {
            Some(last) if last.end >= start => last.end = end,
            _ => stretches.push(start..end),
        }
    }
    stretches
}

/// Finds places of the sample in the part as it stands in the template.
struct Places<'a> {
    sample: &'a Sample,
    body: &'a [u8],
    decoded: Decoded<'a>,
}

impl<'a> Places<'a> {
    fn new(fields: &PartFields, sample: &'a Sample, body: &'a [u8]) -> Option<Places<'a>> {
        Some(Places { sample, body, decoded: transfer::decode(body, fields.transfer()?).ok()? })
    }

    /// Not yet with its encoded offset.
    fn spot(&self, at: usize) -> Spot {
        let fields = self.sample.within(&(0..at)).end;
        let decoded = match fields.checked_sub(1) {
            Some(last) => at - (self.sample.letters[last] + 1) + self.sample.fields[last].range.end,
            None => at,
        };
        Spot { encoded: decoded, decoded, fields }
    }

    fn ranges(&self, ranges: impl Iterator<Item = Range<usize>>) -> Vec<(Spot, Spot)> {
        let mut spots: Vec<_> = ranges.map(|range| (self.spot(range.start), self.spot(range.end))).collect();
        let mut encoded: Vec<_> = spots.iter().map(|(start, end)| start.decoded..end.decoded).collect();
        self.decoded.keep(self.body, encoded.iter_mut());
        for ((start, end), encoded) in spots.iter_mut().zip(encoded) {
            (start.encoded, end.encoded) = (encoded.start, encoded.end);
        }
        spots
    }

    /// For each field, the decoded offset of the first byte of its line.
    fn lines(&self, fields: &PartFields) -> Vec<usize> {
        let mut lines = Vec::with_capacity(self.sample.fields.len());
        let (mut line, mut start_of_line, mut done) = (0, 0, 0);
        for index in 0..self.sample.fields.len() {
            let start = fields.range(index).start;
            if let Some(newline) = memrchr(b'\n', &self.body[done..start]) {
                // Whole lines: within one, a `=` at the end would be a soft break.
                let lines = &self.body[start_of_line..=done + newline];
                line += transfer::decode(lines, self.decoded.transfer()).map_or(0, |lines| lines.bytes.len());
                start_of_line = done + newline + 1;
            }
            done = start;
            lines.push(line);
        }
        lines
    }
}
