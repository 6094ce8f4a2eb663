//! Messages that are templates: the merge fields of their header and their texts, and filling them.

use std::borrow::Cow;
use std::ops::Range;

use super::part::{self, around};
use super::{Replaced, put_together};
use crate::charset::Charset;
use crate::edit::Edit;
use crate::encoded_word;
use crate::error::{Error, ErrorKind, Result};
use crate::merge::{self, Context, Field, Fields, MergeSyntax};
use crate::mime::charset::Text;
use crate::mime::transfer::{self, Transfer};
use crate::mime::{self, Encoding, Kind, Structure};
use crate::options::{Delivery, Settings};

/// The merge fields of a message.
pub(crate) struct MessageFields {
    header: Vec<HeaderField>,
    parts: Vec<PartFields>,
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

/// A text with merge fields.
struct PartFields {
    part: usize,
    fields: Vec<Field>,
    /// None in plain text.
    contexts: Option<Vec<Context>>,
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
                let contexts = (!is_text).then(|| {
                    let (sample, places) = merge::sample(&text.bytes, &fields);
                    merge::contexts(&sample, text.mark, &places).iter().map(|place| place.context).collect()
                });
                found.parts.push(PartFields { part: index, fields, contexts });
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
        header.chain(self.parts.iter().flat_map(|part| &part.fields))
    }

    /// Whether the message is read as before whatever the values: none stands in a part, or in a field that says how parts
    /// are read.
    pub(crate) fn may_be_fast(&self) -> bool {
        let says_how = |name: &str| name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"));
        self.parts.is_empty() && !self.header.iter().any(|field| says_how(&field.name))
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

    /// The message of one recipient, untracked.
    pub(crate) fn fill<'m>(
        &self,
        message: &'m [u8],
        structure: &Structure,
        placeholder: &str,
        delivery: &Delivery,
    ) -> Result<Cow<'m, [u8]>> {
        let header = self.header(message, structure, delivery)?;
        if matches!(header, Cow::Borrowed(_)) && self.parts.is_empty() {
            return Ok(Cow::Borrowed(message));
        }
        let end = structure.parts[0].body.start;
        let mut replaced = vec![Replaced { range: 0..end, bytes: header.into_owned() }];
        for fields in &self.parts {
            let bytes = fields.fill(message, structure, placeholder, delivery)?;
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

impl PartFields {
    fn fill(
        &self,
        message: &[u8],
        structure: &Structure,
        placeholder: &str,
        delivery: &Delivery,
    ) -> Result<Vec<u8>> {
        let refused = |why: &str| {
            Error::new(
                ErrorKind::Delivery,
                format!("the values cannot go into part {}: {why}", structure.path(self.part)),
            )
        };
        let part = &structure.parts[self.part];
        let body = &message[part.body.clone()];
        let unreadable = || refused("it cannot be read");
        let transfer = part::encoding(part.encoding).ok_or_else(unreadable)?;
        let decoded = transfer::decode(body, transfer).map_err(|_| unreadable())?;
        let text = Text::of(&decoded.bytes, part::label(part)).ok_or_else(unreadable)?;
        // Without an encoding a text is 7bit, unless it holds other bytes already.
        let is_ascii = part.encoding == Encoding::SevenBit && body.is_ascii();
        let charset = if is_ascii { Charset::Unknown } else { text.charset };
        let mut edits = Vec::with_capacity(self.fields.len());
        for (index, field) in self.fields.iter().enumerate() {
            let value = field.value(delivery)?;
            let mut replacement = Vec::with_capacity(value.len());
            match &self.contexts {
                Some(contexts) => {
                    merge::write_value(
                        value,
                        field.raw,
                        contexts[index],
                        charset,
                        placeholder,
                        &mut replacement,
                    );
                }
                // Elsewhere a character that is lacking becomes `?`; here it could be there.
                None if is_ascii && !value.is_ascii() => {
                    return Err(refused(
                        "it is 7bit, and they are not ASCII; quoted-printable and 8bit have room",
                    ));
                }
                None => merge::write_plain(value, charset, &mut replacement),
            }
            edits.push(Edit { range: field.range.clone(), replacement });
        }
        let edits = text.back(edits).ok_or_else(|| refused("its charset has no place for them"))?;
        let is_delimiter = |line: &[u8]| structure.is_delimiter(self.part, line);
        let mut out = Vec::new();
        transfer::apply(body, &decoded, &edits, &around(message, part, &is_delimiter), &mut out).map_err(|_| {
            refused(match transfer {
                Transfer::Identity => "a line would have more than 998 octets, begin with `From ` or be a delimiter; quoted-printable has room",
                _ => "a line would be a delimiter",
            })
        })?;
        Ok(out)
    }
}
