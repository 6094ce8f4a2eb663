//! Parts of a message: their edits for one delivery, made in the encoded text.

use std::cell::RefCell;
use std::ops::Range;

use super::compile::{Slot, UrlSlot, literal_slots};
use super::slot::{NotThisWay, UrlTexts, Written, write_link, write_url};
use crate::charset::Charset;
use crate::edit::Edit;
use crate::merge::Sample;
use crate::message::{PlannedPart, around};
use crate::mime::Structure;
use crate::mime::transfer::{self, Breaks, Decoded, Kept, attribute_breaks};
use crate::plan::PixelMarkup;

/// A part without fields.
pub(super) struct ReadPart {
    pub(super) part: usize,
    charset: Charset,
    decoded: Kept,
    /// As [`Decoded::keep`](transfer::Decoded::keep) made them.
    edits: Vec<(Range<usize>, Markup)>,
    breaks: Vec<usize>,
}

/// What an edit puts in: a URL, or markup that may have one in it.
pub(super) struct Markup {
    before: Vec<u8>,
    slot: Option<Slot>,
    after: Vec<u8>,
}

thread_local! {
    static EDITS: RefCell<Vec<Edit>> = const { RefCell::new(Vec::new()) };
}

/// A part in its message.
pub(super) struct PartPlace<'m> {
    pub(super) message: &'m [u8],
    pub(super) structure: &'m Structure,
    pub(super) part: usize,
}

impl<'m> PartPlace<'m> {
    pub(super) fn body(&self) -> &'m [u8] {
        &self.message[self.structure.parts[self.part].body.clone()]
    }

    /// Whether the message goes on with a line end.
    pub(super) fn is_before_newline(&self) -> bool {
        self.message[self.structure.parts[self.part].body.end..].starts_with(b"\n")
    }

    /// Appends `body`, which stands in the part's place, with these edits.
    pub(super) fn apply(
        &self,
        body: &[u8],
        decoded: &Decoded<'_>,
        edits: &[Edit],
        breaks: &[usize],
        out: &mut Vec<u8>,
    ) -> Written {
        if edits.is_empty() {
            out.extend_from_slice(body);
            return Ok(());
        }
        let places: Vec<Vec<usize>> = match breaks.is_empty() {
            true => Vec::new(),
            false => edits.iter().map(own_breaks).collect(),
        };
        let places: Vec<&[usize]> = places.iter().map(Vec::as_slice).collect();
        let is_delimiter = |line: &[u8]| self.structure.is_delimiter(self.part, line);
        let mut around = around(self.message, &self.structure.parts[self.part], &is_delimiter);
        around.breaks = Breaks { body: breaks, replacements: &places };
        transfer::apply(body, decoded, edits, &around, out).map_err(|_| NotThisWay)
    }
}

/// The places where our own markup may be broken.
fn own_breaks(edit: &Edit) -> Vec<usize> {
    if edit.range.is_empty() { attribute_breaks(&edit.replacement) } else { Vec::new() }
}

impl ReadPart {
    pub(super) fn of(body: &[u8], planned: PlannedPart<'_>, pixels: &[PixelMarkup]) -> Option<ReadPart> {
        let mut tracked = planned.record.links.into_iter().filter(|link| link.left.is_none()).peekable();
        let markup = |edit: Edit| {
            let markup = match tracked.next_if(|link| link.range == edit.range) {
                Some(link) => Markup::link(Slot::Url(UrlSlot::of(link))),
                None => Markup::of(edit.replacement, pixels),
            };
            (edit.range, markup)
        };
        let mut edits: Vec<_> = planned.edits.into_iter().map(markup).collect();
        tracked.next().is_none().then(|| ReadPart {
            part: planned.part,
            charset: planned.charset,
            decoded: planned.decoded.keep(body, edits.iter_mut().map(|(range, _)| range)),
            edits,
            breaks: planned.breaks,
        })
    }

    pub(super) fn write(
        &self,
        place: &PartPlace<'_>,
        texts: &mut UrlTexts<'_>,
        out: &mut Vec<u8>,
    ) -> Written {
        EDITS.with_borrow_mut(|edits| {
            let mut list = EditList::new(edits);
            for (range, markup) in &self.edits {
                let written = |out: &mut Vec<u8>| markup.write(texts, None, self.charset, out);
                list.add(range.clone(), written)?;
            }
            place.apply(place.body(), &self.decoded.decoded(), list.edits(), &self.breaks, out)
        })
    }
}

/// Makes edits in a list that is kept, so that nothing is allocated.
pub(super) struct EditList<'e> {
    edits: &'e mut Vec<Edit>,
    count: usize,
}

impl<'e> EditList<'e> {
    pub(super) fn new(edits: &'e mut Vec<Edit>) -> EditList<'e> {
        EditList { edits, count: 0 }
    }

    /// `write` tells whether there is an edit.
    pub(super) fn add(
        &mut self,
        range: Range<usize>,
        write: impl FnOnce(&mut Vec<u8>) -> std::result::Result<bool, NotThisWay>,
    ) -> Written {
        if self.edits.len() == self.count {
            self.edits.push(Edit { range: 0..0, replacement: Vec::new() });
        }
        let edit = &mut self.edits[self.count];
        edit.range = range;
        edit.replacement.clear();
        self.count += usize::from(write(&mut edit.replacement)?);
        Ok(())
    }

    pub(super) fn edits(&self) -> &[Edit] {
        &self.edits[..self.count]
    }
}

impl Markup {
    pub(super) fn of(replacement: Vec<u8>, pixels: &[PixelMarkup]) -> Markup {
        let (before, slot, after) = literal_slots(replacement, pixels);
        Markup { before, slot: slot.map(Slot::Url), after }
    }

    pub(super) fn link(slot: Slot) -> Markup {
        Markup { before: Vec::new(), slot: Some(slot), after: Vec::new() }
    }

    /// Writes it for one delivery; false if the link's value stays as it is. `sample` is that of a part with fields.
    pub(super) fn write(
        &self,
        texts: &mut UrlTexts<'_>,
        sample: Option<&Sample>,
        charset: Charset,
        out: &mut Vec<u8>,
    ) -> std::result::Result<bool, NotThisWay> {
        out.extend_from_slice(&self.before);
        let is_made = match (&self.slot, sample) {
            (Some(Slot::Url(slot)), _) => write_url(texts, slot, charset, out, |_| {})?,
            (Some(Slot::Link(link)), Some(sample)) => write_link(texts, sample, link, out)?,
            (Some(Slot::Link(_) | Slot::Field(_)), _) => return Err(NotThisWay),
            (None, _) => true,
        };
        out.extend_from_slice(&self.after);
        Ok(is_made)
    }
}
