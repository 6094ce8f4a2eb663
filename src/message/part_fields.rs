//! The merge fields of one part, and filling them in its encoded body.

use std::ops::Range;

use super::part::{self, around};
use crate::charset::Charset;
use crate::edit::Edit;
use crate::error::{Error, ErrorKind, Result};
use crate::merge::{self, Field, Reading, Sample};
use crate::mime::charset::Text;
use crate::mime::transfer::{self, Changed, Decoded, Kept, Transfer};
use crate::mime::{Encoding, Part, Structure};
use crate::options::{Delivery, Settings};

/// A text with merge fields.
pub(crate) struct PartFields {
    pub(crate) part: usize,
    pub(crate) text: PartText,
    /// A text is 7bit without an encoding, unless it holds other bytes already.
    is_ascii: bool,
    /// What spares decoding the part each time; none where what is read is not what stands there (UTF-16, and texts with hidden
    /// characters).
    ready: Option<Ready>,
}

pub(crate) enum PartText {
    Html(Sample),
    /// Plain text, and what values are written in.
    Plain(Vec<Field>, Charset),
}

struct Ready {
    decoded: Kept,
    /// Of each field, as [`Decoded::keep`] made it.
    ranges: Vec<Range<usize>>,
}

impl PartFields {
    /// The fields were found in `text`, which `body` says.
    pub(super) fn new(
        settings: &Settings,
        (index, part): (usize, &Part),
        body: &[u8],
        decoded: &Decoded<'_>,
        text: Text<'_>,
        fields: Vec<Field>,
    ) -> PartFields {
        let is_ascii = part.encoding == Encoding::SevenBit && body.is_ascii();
        let written = if is_ascii { Charset::Unknown } else { text.charset };
        let ready = text.is_same().then(|| {
            let mut ranges: Vec<_> = fields.iter().map(|field| field.range.clone()).collect();
            Ready { decoded: decoded.keep(body, ranges.iter_mut()), ranges }
        });
        let label = part::label(part);
        let text = match part::is_text(part) {
            true => PartText::Plain(fields, written),
            false => {
                let same = Reading {
                    charset: text.charset,
                    mark: text.mark,
                    given: label.map(Charset::of_label).or((!text.is_same()).then_some(text.charset)),
                };
                // A field in front of it may have moved a `<meta charset>`.
                let read = |html: &[u8]| match Text::of(html, label).filter(|_| ready.is_some()) {
                    Some(Text { charset, mark, .. }) => Reading { charset, mark, ..same },
                    None => same,
                };
                let placeholder = settings.placeholder.as_str().into();
                PartText::Html(Sample::new(text.bytes.into_owned(), fields, placeholder, Some(written), read))
            }
        };
        PartFields { part: index, text, is_ascii, ready }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        match &self.text {
            PartText::Html(sample) => &sample.fields,
            PartText::Plain(fields, _) => fields,
        }
    }

    /// The HTML, if it can be made ready for all deliveries.
    pub(crate) fn sample(&self) -> Option<&Sample> {
        match &self.text {
            PartText::Html(sample) if self.ready.is_some() => Some(sample),
            PartText::Html(_) | PartText::Plain(..) => None,
        }
    }

    /// None where the part must be decoded each time.
    pub(crate) fn transfer(&self) -> Option<Transfer> {
        self.ready.as_ref().map(|ready| ready.decoded.transfer())
    }

    /// Makes a list of what goes in the place of each field.
    ///
    /// # Errors
    /// If a value is missing, or is not ASCII in a text that is.
    pub(crate) fn values(
        &self,
        structure: &Structure,
        delivery: &Delivery,
        edits: &mut Vec<Edit>,
    ) -> Result<()> {
        edits.resize_with(self.fields().len(), || Edit { range: 0..0, replacement: Vec::new() });
        for (index, (field, edit)) in self.fields().iter().zip(edits).enumerate() {
            let value = field.value(delivery)?;
            edit.range = self.range(index);
            edit.replacement.clear();
            match &self.text {
                PartText::Html(sample) => sample.write_field(index, value, &mut edit.replacement),
                // Elsewhere a character that is lacking becomes `?`; here it could be there.
                PartText::Plain(..) if self.is_ascii && !value.is_ascii() => {
                    return Err(self.refused(
                        structure,
                        "it is 7bit, and they are not ASCII; quoted-printable and 8bit have room",
                    ));
                }
                PartText::Plain(_, charset) => merge::write_plain(value, *charset, &mut edit.replacement),
            }
        }
        Ok(())
    }

    /// A letter for each field.
    pub(crate) fn letters(&self) -> Vec<Edit> {
        let letter = |index| Edit { range: self.range(index), replacement: b"x".to_vec() };
        (0..self.fields().len()).map(letter).collect()
    }

    /// Where a field stands in the body; where the part must be decoded each time, in the decoded one.
    pub(crate) fn range(&self, index: usize) -> Range<usize> {
        match &self.ready {
            Some(ready) => ready.ranges[index].clone(),
            None => self.fields()[index].range.clone(),
        }
    }

    /// Appends the part's body with [values](Self::values) in the place of its fields. `changed`: of quoted-printable, the lines
    /// that are others now.
    ///
    /// # Errors
    /// If the encoding or the charset has no place for them.
    pub(crate) fn fill(
        &self,
        message: &[u8],
        structure: &Structure,
        edits: &[Edit],
        changed: &mut Vec<Changed>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let part = &structure.parts[self.part];
        let body = &message[part.body.clone()];
        let is_delimiter = |line: &[u8]| structure.is_delimiter(self.part, line);
        let around = around(message, part, &is_delimiter);
        let unreadable = || self.refused(structure, "it cannot be read");
        let transfer = part::encoding(part.encoding).ok_or_else(unreadable)?;
        let filled = match &self.ready {
            Some(ready) => {
                transfer::apply_telling(body, &ready.decoded.decoded(), edits, &around, changed, out)
            }
            None => {
                let decoded = transfer::decode(body, transfer).map_err(|_| unreadable())?;
                let text = Text::of(&decoded.bytes, part::label(part)).ok_or_else(unreadable)?;
                let edits = text
                    .back(edits.to_vec())
                    .ok_or_else(|| self.refused(structure, "its charset has no place for them"))?;
                transfer::apply(body, &decoded, &edits, &around, out)
            }
        };
        filled.map_err(|_| {
            self.refused(structure, match transfer {
                Transfer::Identity => "a line would have more than 998 octets, begin with `From ` or be a delimiter; quoted-printable has room",
                _ => "a line would be a delimiter",
            })
        })
    }

    fn refused(&self, structure: &Structure, why: &str) -> Error {
        let path = structure.path(self.part);
        Error::new(ErrorKind::Delivery, format!("the values cannot go into part {path}: {why}"))
    }
}
