//! A document with merge fields as it is read: with a letter in the place of each.

use std::ops::Range;
use std::sync::Arc;

use super::{Context, Field, Place, contexts, write_value};
use crate::charset::Charset;
use crate::error::Result;
use crate::options::Delivery;

/// A document that is read once and filled for each delivery.
pub(crate) struct Sample {
    /// With a letter in the place of each field.
    pub(crate) html: Vec<u8>,
    /// Their ranges are those of the tags in the template.
    pub(crate) fields: Vec<Field>,
    /// Where the letters stand, and what is known of these places.
    pub(crate) letters: Vec<usize>,
    pub(crate) places: Vec<Place>,
    pub(crate) reading: Reading,
    /// What values are written in.
    pub(crate) written: Charset,
    placeholder: Arc<str>,
}

/// How a document's bytes are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) charset: Charset,
    /// The length of its byte order mark.
    pub(crate) mark: usize,
    /// The charset, if it is not found in the document.
    pub(crate) given: Option<Charset>,
}

impl Sample {
    /// `read` tells how the document is read that has letters.
    pub(crate) fn new(
        template: Vec<u8>,
        fields: Vec<Field>,
        placeholder: Arc<str>,
        written: Option<Charset>,
        read: impl FnOnce(&[u8]) -> Reading,
    ) -> Sample {
        let (html, letters) = match fields.is_empty() {
            true => (template, Vec::new()),
            false => with_letters(&template, &fields),
        };
        let reading = read(&html);
        let places = match letters.is_empty() {
            true => Vec::new(),
            false => contexts(&html, reading.mark, &letters),
        };
        let written = written.unwrap_or(reading.charset);
        Sample { html, fields, letters, places, reading, written, placeholder }
    }

    /// The indices of the fields whose letters stand in a range.
    pub(crate) fn within(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.letters.partition_point(|&letter| letter < range.start);
        first..self.letters.partition_point(|&letter| letter < range.end)
    }

    /// Appends a stretch of the document with its fields filled.
    ///
    /// # Errors
    /// If the value of a field is missing.
    pub(crate) fn write_filled(
        &self,
        range: Range<usize>,
        delivery: &Delivery,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut done = range.start;
        for index in self.within(&range) {
            let letter = self.letters[index];
            out.extend_from_slice(&self.html[done..letter]);
            self.write_field(index, self.fields[index].value(delivery)?, out);
            done = letter + 1;
        }
        out.extend_from_slice(&self.html[done..range.end]);
        Ok(())
    }

    /// Appends a value as it stands in the place of the field with this index.
    pub(crate) fn write_field(&self, index: usize, value: &str, out: &mut Vec<u8>) {
        let context: Context = self.places[index].context;
        write_value(value, self.fields[index].raw, context, self.written, &self.placeholder, out);
    }
}

/// A template with a letter in the place of each field, and the places of these letters.
pub(super) fn with_letters(template: &[u8], fields: &[Field]) -> (Vec<u8>, Vec<usize>) {
    let mut html = Vec::with_capacity(template.len());
    let mut letters = Vec::with_capacity(fields.len());
    let mut done = 0;
    for field in fields {
        html.extend_from_slice(&template[done..field.range.start]);
        letters.push(html.len());
        html.push(b'x');
        done = field.range.end;
    }
    html.extend_from_slice(&template[done..]);
    (html, letters)
}
