//! One part: what its header block says of it, and whether it may be touched.

use std::ops::Range;

use super::boundary::MAX_BOUNDARY;
use super::content_type::{ContentType, Disposition, Encoding};
use super::header::{Line, Lines};

/// A longer header block is not read.
pub(crate) const MAX_HEADER: usize = 256 * 1024;

/// One part. Ranges are indices into the message.
#[derive(Debug)]
pub(crate) struct Part {
    /// The index of the multipart that it stands in.
    pub(crate) parent: Option<usize>,
    /// Its place among its siblings, from 1.
    pub(crate) number: usize,
    /// How many parts stand directly in it.
    pub(crate) children: usize,
    /// The header block, without the blank line.
    pub(crate) header: Range<usize>,
    /// Without the line break that belongs to the delimiter line that follows.
    pub(crate) body: Range<usize>,
    pub(crate) kind: Kind,
    /// `type/subtype` in lower case.
    pub(crate) media_type: String,
    /// The label as it was written.
    pub(crate) charset: Option<String>,
    pub(crate) boundary: Option<Vec<u8>>,
    /// multipart/related: the Content-ID of its root.
    pub(crate) start: Option<Vec<u8>>,
    /// RFC 3676: `format=flowed` and `delsp=yes`.
    pub(crate) flowed: bool,
    pub(crate) delsp: bool,
    pub(crate) encoding: Encoding,
    /// Meant to be saved, not to be shown.
    pub(crate) attachment: bool,
    /// Whether the part and all that stands in it may be touched.
    pub(crate) verdict: Result<(), Untouched>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its children follow.
    Multipart,
    Leaf,
    /// A multipart or a message that was not looked into.
    Opaque,
}

/// Why a part may not be touched. Where several hold, the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untouched {
    /// There are more than 100,000 parts.
    Parts,
    /// The header block has more than 256 KiB.
    HeaderTooLong,
    /// No blank line ends the header block.
    NoBody,
    /// Readers may disagree about what it is.
    Ambiguous,
    /// multipart/signed
    Signed,
    /// multipart/encrypted
    Encrypted,
    /// multipart/report
    Report,
    /// message/*
    Message,
    /// The boundary is missing, empty or over 256 bytes.
    Boundary,
    /// It stands in 32 multiparts.
    Depth,
    /// application/pkcs7-mime
    Pkcs7,
    /// Its Content-Transfer-Encoding is unknown.
    Encoding,
    Attachment,
    /// text/x-amp-html
    Amp,
    /// Not the root of the multipart/related that it stands in.
    RelatedNonRoot,
    NotHtml,
}

impl Part {
    pub(super) fn new(parent: Option<usize>, number: usize, header: Range<usize>, body: usize) -> Part {
        Part {
            parent,
            number,
            children: 0,
            header,
            body: body..body,
            kind: Kind::Leaf,
            media_type: "text/plain".to_owned(),
            charset: None,
            boundary: None,
            start: None,
            flowed: false,
            delsp: false,
            encoding: Encoding::SevenBit,
            attachment: false,
            verdict: Ok(()),
        }
    }

    /// Takes what the header block says of the part.
    pub(super) fn read(&mut self, message: &[u8], digest: bool) -> Result<(), Untouched> {
        // RFC 2046 section 5.1.5.
        if digest {
            self.media_type = "message/rfc822".to_owned();
        }
        if self.header.len() > MAX_HEADER {
            return Err(Untouched::HeaderTooLong);
        }
        let mut content_type: Option<ContentType> = None;
        let mut encoding = None;
        let mut disposition = Disposition::default();
        let mut result = Ok(());
        for line in Lines::new(message, self.header.clone()) {
            let field = match line {
                Line::Field(field) => field,
                Line::Mbox => continue,
                Line::Junk => {
                    result = Err(Untouched::Ambiguous);
                    continue;
                }
            };
            if !message[field.name.clone()]
                .get(..8)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"content-"))
            {
                continue;
            }
            let value = &message[field.value.clone()];
            if field.is(message, "content-type") {
                let read = ContentType::parse(value);
                match &mut content_type {
                    Some(first) => first.merge(read),
                    None => content_type = Some(read),
                }
            } else if field.is(message, "content-transfer-encoding") {
                let read = Encoding::parse(value);
                if encoding.is_some_and(|first| first != read) {
                    result = Err(Untouched::Ambiguous);
                }
                encoding = encoding.or(Some(read));
            } else if field.is(message, "content-disposition") {
                let read = Disposition::parse(value);
                disposition.inline |= read.inline;
                disposition.attachment |= read.attachment;
                disposition.named |= read.named;
            } else if field.is(message, "content-md5") {
                // RFC 1864: a checksum of the body.
                result = Err(Untouched::Ambiguous);
            }
        }
        self.encoding = encoding.unwrap_or(Encoding::SevenBit);
        let mut named = disposition.named;
        if let Some(read) = content_type {
            if read.contradicts {
                result = Err(Untouched::Ambiguous);
            }
            // RFC 2045 section 5.2: what cannot be read is text/plain.
            self.media_type = read.media_type.unwrap_or_else(|| "text/plain".to_owned());
            self.charset = read.charset;
            self.boundary = read.boundary;
            self.start = read.start;
            self.flowed = read.flowed;
            self.delsp = read.delsp;
            named |= read.named;
        }
        // Where nothing says `inline`, a file name says attachment. `name` is what it was before RFC 2183.
        let leaf = !self.is_multipart();
        self.attachment = disposition.attachment || leaf && named && !disposition.inline;
        result
    }

    /// The boundary of a multipart, if lines can be compared with it.
    pub(super) fn usable_boundary(&self) -> Option<&[u8]> {
        let boundary = self.boundary.as_deref().filter(|_| self.is_multipart())?;
        let line_break = boundary.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        (!boundary.is_empty() && boundary.len() <= MAX_BOUNDARY && !line_break).then_some(boundary)
    }

    pub(super) fn judge(&self, full: bool) -> Result<(), Untouched> {
        match self.media_type.as_str() {
            "multipart/signed" => return Err(Untouched::Signed),
            "multipart/encrypted" => return Err(Untouched::Encrypted),
            "multipart/report" => return Err(Untouched::Report),
            media_type if media_type.starts_with("message/") => return Err(Untouched::Message),
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => return Err(Untouched::Pkcs7),
            _ => {}
        }
        if self.is_multipart() {
            // RFC 2045 section 6.4 forbids any other.
            if !self.encoding.is_identity() {
                return Err(Untouched::Ambiguous);
            }
            if self.usable_boundary().is_none() {
                return Err(Untouched::Boundary);
            }
            if full {
                return Err(Untouched::Depth);
            }
        }
        if self.encoding == Encoding::Unknown {
            return Err(Untouched::Encoding);
        }
        if self.attachment {
            return Err(Untouched::Attachment);
        }
        match self.media_type.as_str() {
            "text/html" => Ok(()),
            "text/x-amp-html" => Err(Untouched::Amp),
            _ if self.is_multipart() => Ok(()),
            _ => Err(Untouched::NotHtml),
        }
    }

    /// A reason of its own stays, but that some text is not HTML is none once text may be touched.
    pub(super) fn close(&mut self, reason: Untouched) {
        let own = match self.verdict {
            Ok(()) => false,
            Err(Untouched::NotHtml) => !self.media_type.starts_with("text/"),
            Err(_) => true,
        };
        if !own {
            self.verdict = Err(reason);
        }
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }
}
