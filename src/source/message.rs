//! A message: its header fields and its parts.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::{Encoding, ISO_2022_JP};

use super::Markup;
use crate::charset::Charset;
use crate::encoded_word;
use crate::message::part;
use crate::message::{name, reason};
use crate::mime::{self, Kind, MAX_HEADER, Structure, transfer};
use crate::report::PartReason;

/// An RFC 5322 message that is read, not changed. See the [module](crate::source).
#[derive(Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    structure: Structure,
}

/// A header field.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    /// Its name as it is spelled.
    pub name: &'a [u8],
    /// Its value, unfolded (RFC 5322 §2.2.3: the line ends before white space taken out, the white space kept), without
    /// white space at both ends.
    pub value: Cow<'a, [u8]>,
    /// Where it stands in the message: from its name to the end of its last line, the line end included.
    pub range: Range<usize>,
}

/// A part of a message.
#[derive(Debug, Clone, Copy)]
pub struct Part<'m> {
    message: &'m Message<'m>,
    index: usize,
}

/// A part's body, decoded, as the rewriter reads it: offsets in a [`Report`](crate::Report) are offsets in its bytes.
///
/// UTF-16 is read as UTF-8. In ISO-2022-JP the bytes that stand for no ASCII are hidden, each as 0x80.
#[derive(Debug)]
pub struct Text<'m> {
    bytes: Cow<'m, [u8]>,
    charset: Charset,
    name: &'static str,
    mark: usize,
    /// The body before its transfer encoding, and where it begins in the message.
    body: &'m [u8],
    start: usize,
    transfer: transfer::Places,
    characters: mime::charset::Places,
    /// ISO-2022-JP: as it is shown.
    shown: Option<String>,
}

impl<'a> Message<'a> {
    /// Finds the parts of a message. Nothing is copied or decoded.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Message<'a> {
        Message { bytes, structure: mime::scan(bytes) }
    }

    /// The message's bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The fields of its header, in order; none if the header is over 256 KiB, which is not read.
    #[must_use]
    pub fn fields(&self) -> Vec<Field<'a>> {
        fields(self.bytes, self.structure.parts[0].header.clone())
    }

    /// The first header field of this name, in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Field<'a>> {
        self.fields().into_iter().find(|field| field.is(name))
    }

    /// Its parts as a [`Report`](crate::Report) counts them: a multipart before what it holds. There is at least one.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = Part<'_>> {
        (0..self.structure.parts.len()).map(|index| Part { message: self, index })
    }

    /// The part of this index.
    ///
    /// # Panics
    /// Where there are no so many parts.
    #[must_use]
    pub fn part(&self, index: usize) -> Part<'_> {
        assert!(index < self.structure.parts.len(), "part {index} of {}", self.structure.parts.len());
        Part { message: self, index }
    }
}

fn fields(message: &[u8], header: Range<usize>) -> Vec<Field<'_>> {
    if header.len() > MAX_HEADER {
        return Vec::new();
    }
    let fields = mime::fields(message, header).map(|field| Field {
        name: &message[field.name],
        value: mime::unfold(&message[field.value]),
        range: field.whole,
    });
    fields.collect()
}

impl Field<'_> {
    /// Whether this is its name, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Its value as it is shown: encoded words (RFC 2047) decoded; bytes that are not UTF-8 are replaced by U+FFFD.
    ///
    /// ```
    /// let message = openclick::source::Message::parse(b"Subject: =?utf-8?q?Caf=C3=A9?= at ten\r\n\r\n");
    /// assert_eq!(message.field("subject").unwrap().text(), "Caf\u{e9} at ten");
    /// ```
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&encoded_word::decode(&self.value)).into_owned()
    }
}

impl<'m> Part<'m> {
    fn part(&self) -> &'m mime::Part {
        &self.message.structure.parts[self.index]
    }

    /// Its place in [`Message::parts`].
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its number, such as `1.2`, as IMAP counts (RFC 3501 §6.4.5); empty for the message's own multipart.
    #[must_use]
    pub fn path(&self) -> String {
        self.message.structure.path(self.index)
    }

    /// The index of the multipart that it stands in.
    #[must_use]
    pub fn parent(&self) -> Option<usize> {
        self.part().parent
    }

    /// Its media type in lower case, such as `text/html`.
    #[must_use]
    pub fn media_type(&self) -> &'m str {
        &self.part().media_type
    }

    /// The charset label of its Content-Type, as it is spelled.
    #[must_use]
    pub fn charset(&self) -> Option<&'m str> {
        self.part().charset.as_deref()
    }

    /// Its transfer encoding in lower case; `7bit` if it names none, `unknown` if it names one that nobody knows.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        name(self.part().encoding)
    }

    /// Whether it is meant to be saved, not to be shown.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.part().attachment
    }

    /// Whether it holds parts, which follow it.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.part().kind == Kind::Multipart
    }

    /// Why a rewriter passes over it, whatever its options; none for HTML that it reads.
    #[must_use]
    pub fn reason(&self) -> Option<PartReason> {
        match self.part().verdict {
            Err(why) => Some(reason(why)),
            Ok(()) => self.is_multipart().then_some(PartReason::Multipart),
        }
    }

    /// Its header fields, in order; none if its header is over 256 KiB.
    #[must_use]
    pub fn fields(&self) -> Vec<Field<'m>> {
        fields(self.message.bytes, self.part().header.clone())
    }

    /// Where its header block stands in the message, without the blank line.
    #[must_use]
    pub fn header_range(&self) -> Range<usize> {
        self.part().header.clone()
    }

    /// Where its body stands in the message, without the line break that belongs to the delimiter line behind it.
    #[must_use]
    pub fn body_range(&self) -> Range<usize> {
        self.part().body.clone()
    }

    /// Its body, its transfer encoding undone. None for a multipart, an unknown encoding and damaged base64.
    #[must_use]
    pub fn decoded(&self) -> Option<Cow<'m, [u8]>> {
        Some(self.transfer_decoded()?.bytes)
    }

    fn transfer_decoded(&self) -> Option<transfer::Decoded<'m>> {
        let part = self.part();
        if part.kind == Kind::Multipart {
            return None;
        }
        let body = &self.message.bytes[part.body.clone()];
        transfer::decode(body, part::encoding(part.encoding)?).ok()
    }

    /// Its body as a rewriter reads it. None where [`Part::decoded`] is none, and for charsets that cannot be read: UTF-7,
    /// `replacement`, broken UTF-16.
    #[must_use]
    pub fn text(&self) -> Option<Text<'m>> {
        let part = self.part();
        let body = &self.message.bytes[part.body.clone()];
        let decoded = self.transfer_decoded()?;
        let places = decoded.places(body);
        // ISO-2022-JP keeps a state: a text from the middle could not be decoded by itself.
        let is_masked =
            part::label(part).is_some_and(|label| Encoding::for_label(label.as_bytes()) == Some(ISO_2022_JP));
        let shown = is_masked.then(|| ISO_2022_JP.decode_without_bom_handling(&decoded.bytes).0.into_owned());
        let text = mime::charset::Text::read(decoded.bytes, part::label(part))?;
        Some(Text {
            characters: text.places(),
            charset: text.charset,
            name: text.name,
            mark: text.mark,
            bytes: text.bytes,
            body,
            start: part.body.start,
            transfer: places,
            shown,
        })
    }
}

impl Text<'_> {
    /// The bytes that offsets in a [`Report`](crate::Report) are offsets in.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The charset of the part, by its WHATWG name; `unknown` for a label that nobody knows.
    #[must_use]
    pub fn charset(&self) -> &'static str {
        self.name
    }

    /// The text as it is shown; what the charset cannot decode is replaced by U+FFFD.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        match &self.shown {
            Some(shown) => Cow::Borrowed(shown),
            None => self.markup().decode(0..self.bytes.len()),
        }
    }

    /// The markup of an HTML part. In plain text there is none, but it would find some.
    #[must_use]
    pub fn markup(&self) -> Markup<'_> {
        Markup::read_as(&self.bytes, self.charset, self.mark)
    }

    /// The offset in the message of what stands at this offset of [`Text::bytes`]: where its encoding begins.
    #[must_use]
    pub fn offset_in_message(&self, at: usize) -> usize {
        let decoded = self.characters.offset(&self.bytes, at);
        self.start + self.transfer.offset(self.body, decoded)
    }
}
