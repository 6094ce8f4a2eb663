//! Messages that are templates: the merge fields of their header and their texts, and filling them.

use std::borrow::Cow;
use std::ops::Range;

use super::part;
use super::part_fields::PartFields;
use super::{Replaced, put_together};
use crate::encoded_word;
use crate::error::Result;
use crate::merge::{self, Field, Fields, MergeSyntax};
use crate::mime::charset::Text;
use crate::mime::transfer;
use crate::mime::{self, Kind, Structure};
use crate::options::{Delivery, Settings};

/// The merge fields of a message.
pub(crate) struct MessageFields {
    header: Vec<HeaderField>,
    /// In the order of the parts.
    pub(crate) parts: Vec<PartFields>,
    /// Merge tags that are no fields, in the message.
    pub(crate) others: Vec<Range<usize>>,
}

/// A field of the header with merge fields.
struct HeaderField {
    name: String,
    /// With the blanks around it, without the last line end.
    value: Range<usize>,
    /// The value on one line.
    text: String,
    fields: Vec<Field>,
}

impl MessageFields {
    /// Finds them; of parts that pass through the rewriter none.
    pub(crate) fn find(settings: &Settings, message: &[u8], structure: &Structure) -> MessageFields {
        let syntaxes = &settings.merge;
        let mut found = MessageFields { header: Vec::new(), parts: Vec::new(), others: Vec::new() };
        let root = &structure.parts[0];
        if syntaxes.is_empty() || root.header.len() > mime::MAX_HEADER {
            return found;
        }
        for field in mime::fields(message, root.header.clone()) {
            let name = String::from_utf8_lossy(&message[field.name.clone()]).into_owned();
            let text = header_text(&name, &message[field.value.clone()]);
            let Fields { fields, others } = merge::find(text.as_bytes(), syntaxes, b"");
            found.others.extend(others.iter().map(|_| field.value.clone()));
            if !fields.is_empty() {
                found.header.push(HeaderField { name, value: field.value, text, fields });
            }
        }
        for (index, part) in structure.parts.iter().enumerate() {
            let is_text = part::is_text(part);
            if part.kind != Kind::Leaf {
                continue;
            }
            let body = &message[part.body.clone()];
            let decoded = part::encoding(part.encoding).and_then(|name| transfer::decode(body, name).ok());
            let text = decoded.as_ref().and_then(|decoded| Text::of(&decoded.bytes, part::label(part)));
            let (Some(decoded), Some(text)) = (&decoded, text) else {
                found.unread(syntaxes, part, body);
                continue;
            };
            if part.verdict.is_err() && !is_text {
                found.unread(syntaxes, part, &decoded.bytes);
                continue;
            }
            let placeholder = if is_text { &b""[..] } else { settings.placeholder.as_bytes() };
            let Fields { fields, others } = merge::find_in(&text.bytes, text.charset, syntaxes, placeholder);
            if !others.is_empty() {
                let places = decoded.places(body);
                let at = |offset| part.body.start + places.offset(body, offset);
                found.others.extend(others.iter().map(|tag| at(tag.start)..at(tag.end)));
            }
            if !fields.is_empty() {
                found.parts.push(PartFields::new(settings, (index, part), body, decoded, text, fields));
            }
        }
        found
    }

    /// A text that is not read: what looks like a field there stays.
    fn unread(&mut self, syntaxes: &[MergeSyntax], part: &mime::Part, bytes: &[u8]) {
        let is_text = part.media_type.starts_with("text/") && !is_attachment(part);
        let Fields { fields, others } = merge::find(bytes, syntaxes, b"");
        if is_text && fields.len() + others.len() > 0 {
            self.others.push(part.body.clone());
        }
    }

    /// All of them, in the order of header and parts.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Field> {
        let header = self.header.iter().flat_map(|field| &field.fields);
        header.chain(self.parts.iter().flat_map(PartFields::fields))
    }

    /// Whether a field stands in a part of the header that says how the message is read.
    pub(crate) fn change_structure(&self) -> bool {
        let says_how = |name: &str| name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"));
        self.header.iter().any(|field| says_how(&field.name))
    }

    /// The header of one recipient's message, from its first byte to the body. Borrowed if it does not change.
    pub(crate) fn header<'m>(
        &self,
        message: &'m [u8],
        structure: &Structure,
        delivery: &Delivery,
    ) -> Result<Cow<'m, [u8]>> {
        let root = &structure.parts[0];
        let end = root.body.start;
        if self.header.is_empty() && delivery.headers.is_empty() {
            return Ok(Cow::Borrowed(&message[..end]));
        }
        let line_end = if message[..end].ends_with(b"\r\n") { "\r\n" } else { "\n" };
        let fold = line_end;
        let given = |name: &[u8]| {
            delivery.headers.iter().rposition(|(other, _)| other.as_bytes().eq_ignore_ascii_case(name))
        };
        let mut replaced = Vec::new();
        let mut written = vec![false; delivery.headers.len()];
        let mut at = None;
        for field in mime::fields(message, root.header.clone()) {
            at.get_or_insert(field.whole.start);
            if let Some(index) = given(&message[field.name.clone()]) {
                let mut bytes = Vec::new();
                if !std::mem::replace(&mut written[index], true) {
                    let (name, value) = &delivery.headers[index];
                    bytes.extend_from_slice(&message[field.name.clone()]);
                    bytes.push(b':');
                    merge::write_header_value(name, &header_text(name, value.as_bytes()), fold, &mut bytes);
                    bytes.extend_from_slice(line_end.as_bytes());
                }
                replaced.push(Replaced { range: field.whole, bytes });
            } else if let Some(filled) = self.header.iter().find(|filled| filled.value == field.value) {
                let text = merge::fill_header(&filled.name, &filled.text, &filled.fields, delivery)?;
                let mut bytes = Vec::new();
                merge::write_header_value(&filled.name, &text, fold, &mut bytes);
                replaced.push(Replaced { range: field.value, bytes });
            }
        }
        let at = at.unwrap_or(root.header.end);
        let mut front = Vec::new();
        for (index, (name, value)) in delivery.headers.iter().enumerate() {
            if given(name.as_bytes()) == Some(index) && !written[index] {
                front.extend_from_slice(name.as_bytes());
                front.push(b':');
                merge::write_header_value(name, &header_text(name, value.as_bytes()), fold, &mut front);
                front.extend_from_slice(line_end.as_bytes());
            }
        }
        replaced.insert(0, Replaced { range: at..at, bytes: front });
        Ok(Cow::Owned(put_together(&message[..end], &replaced)))
    }

    /// The message with a letter in the place of each field of its HTML; none if one cannot stand there.
    pub(crate) fn with_letters<'m>(&self, message: &'m [u8], structure: &Structure) -> Option<Cow<'m, [u8]>> {
        let mut replaced = Vec::new();
        for fields in self.parts.iter().filter(|fields| fields.sample().is_some()) {
            let mut bytes = Vec::new();
            fields.fill(message, structure, &fields.letters(), &mut Vec::new(), &mut bytes).ok()?;
            replaced.push(Replaced { range: structure.parts[fields.part].body.clone(), bytes });
        }
        Some(match replaced.is_empty() {
            true => Cow::Borrowed(message),
            false => Cow::Owned(put_together(message, &replaced)),
        })
    }

    /// The message of one recipient, untracked.
    pub(crate) fn fill<'m>(
        &self,
        message: &'m [u8],
        structure: &Structure,
        delivery: &Delivery,
    ) -> Result<Cow<'m, [u8]>> {
        let header = self.header(message, structure, delivery)?;
        if matches!(header, Cow::Borrowed(_)) && self.parts.is_empty() {
            return Ok(Cow::Borrowed(message));
        }
        let end = structure.parts[0].body.start;
        let mut replaced = vec![Replaced { range: 0..end, bytes: header.into_owned() }];
        for fields in &self.parts {
            let (mut edits, mut bytes) = (Vec::new(), Vec::new());
            fields.values(structure, delivery, &mut edits)?;
            fields.fill(message, structure, &edits, &mut Vec::new(), &mut bytes)?;
            replaced.push(Replaced { range: structure.parts[fields.part].body.clone(), bytes });
        }
        Ok(Cow::Owned(put_together(message, &replaced)))
    }
}

/// The value of a header field as people read it. Encoded words in address fields stay, since what they hold would be read as
/// addresses.
fn header_text(name: &str, value: &[u8]) -> String {
    let unfolded = mime::unfold(value);
    let text =
        if merge::has_addresses(name) { Cow::Borrowed(&*unfolded) } else { encoded_word::decode(&unfolded) };
    match std::str::from_utf8(&text) {
        Ok(text) => text.to_owned(),
        // What is no UTF-8 is most often this.
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(&text).0.into_owned(),
    }
}

/// Files that are attached are nobody's template.
fn is_attachment(part: &mime::Part) -> bool {
    part.verdict == Err(mime::Untouched::Attachment)
}
