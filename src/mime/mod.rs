//! The structure of a message: which bytes are whose header, whose body, and which parts may be touched.
//!
//! One pass over the message finds spans; nothing is copied, decoded or refused. Whatever two readers might
//! understand differently is left closed: it passes through, with a reason.

mod boundary;
mod content_type;
mod header;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use self::boundary::{Boundaries, MAX_BOUNDARY, end_before};
use self::content_type::{ContentType, Disposition};
use self::header::{End, Line, Lines};

pub(crate) use self::content_type::Encoding;
pub(crate) use self::header::{Field, fields, unfold};

/// A longer header block is not read.
const MAX_HEADER: usize = 256 * 1024;

/// What follows that many parts is one last, closed part: memory stays bounded, whatever comes.
const MAX_PARTS: usize = 100_000;

/// The parts of a message, in document order: a multipart stands before its children. There is always one.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) parts: Vec<Part>,
}

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

impl Structure {
    /// The part's number as IMAP counts (RFC 3501 section 6.4.5): `1.2` is the second part of the first part of
    /// the message. The multipart that is the whole message has none.
    pub(crate) fn path(&self, part: usize) -> String {
        let mut numbers = Vec::new();
        let mut part = &self.parts[part];
        while let Some(parent) = part.parent {
            numbers.push(part.number.to_string());
            part = &self.parts[parent];
        }
        if numbers.is_empty() && !part.is_multipart() {
            numbers.push("1".to_owned());
        }
        numbers.reverse();
        numbers.join(".")
    }
}

impl Part {
    fn is_multipart(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }
}

/// Finds the parts of a message.
pub(crate) fn scan(message: &[u8]) -> Structure {
    let mut scan = Scan { message, boundaries: Boundaries::new(), parts: Vec::new() };
    scan.run();
    let mut parts = scan.parts;
    close_related(message, &mut parts);
    inherit(&mut parts);
    Structure { parts }
}

struct Scan<'a> {
    message: &'a [u8],
    boundaries: Boundaries,
    parts: Vec<Part>,
}

impl Scan<'_> {
    fn run(&mut self) {
        let mut parent = None;
        let mut start = 0;
        loop {
            let mut delimiter = self.part(parent, start);
            // The innermost part whose end is not found yet.
            let mut last = self.parts.len() - 1;
            loop {
                let Some(found) = delimiter else {
                    self.end(Some(last), None, self.message.len());
                    return;
                };
                let multipart = self.boundaries.part(found);
                self.boundaries.leave(found);
                self.end(Some(last), Some(multipart), end_before(self.message, found.at));
                if !found.close && self.parts[multipart].kind == Kind::Multipart {
                    (parent, start) = (Some(multipart), found.next);
                    break;
                }
                last = multipart;
                delimiter = self.boundaries.find(self.message, found.next);
            }
        }
    }

    /// Reads a part's header block, and says where the first delimiter line behind it is.
    fn part(&mut self, parent: Option<usize>, start: usize) -> Option<boundary::Delimiter> {
        let number = match parent {
            Some(parent) => {
                let children = &mut self.parts[parent].children;
                *children += 1;
                *children
            }
            None => 1,
        };
        if self.parts.len() == MAX_PARTS - 1 {
            let mut part = Part::new(parent, number, start..start, start);
            (part.kind, part.verdict) = (Kind::Opaque, Err(Untouched::Parts));
            self.parts.push(part);
            return None;
        }
        let (header, body, found) = match header::end(self.message, start, &self.boundaries) {
            End::Blank { header, body } => (header, Some(body), None),
            End::Delimiter(delimiter) => (delimiter.at, None, Some(delimiter)),
            End::Message => (self.message.len(), None, None),
        };
        let mut part = Part::new(parent, number, start..header, body.unwrap_or(header));
        let digest = parent.is_some_and(|parent| self.parts[parent].media_type == "multipart/digest");
        let readable = part.read(self.message, digest);
        part.verdict = match body {
            _ if part.header.len() > MAX_HEADER => Err(Untouched::HeaderTooLong),
            None => Err(Untouched::NoBody),
            Some(_) => readable.and_then(|()| part.judge(self.boundaries.is_full())),
        };
        if part.is_multipart() {
            part.kind = match part.verdict {
                Ok(()) | Err(Untouched::Attachment) => Kind::Multipart,
                Err(_) => Kind::Opaque,
            };
        } else if part.media_type.starts_with("message/") {
            part.kind = Kind::Opaque;
        }
        // The delimiters of a multipart that is not looked into are its own too, so that none of its children is
        // taken for a part of an outer multipart that has the same boundary.
        if let Some(boundary) = part.usable_boundary().filter(|_| body.is_some()) {
            self.boundaries.push(self.parts.len(), boundary);
        }
        self.parts.push(part);
        match body {
            Some(body) => self.boundaries.find(self.message, body),
            None => found,
        }
    }

    /// Ends the parts from `last` outwards up to the multipart that goes on. The line break before a delimiter line
    /// belongs to it, unless it is already what ends a header block or another delimiter line.
    fn end(&mut self, last: Option<usize>, until: Option<usize>, at: usize) {
        let mut at = at;
        let mut next = last;
        while let Some(index) = next.filter(|_| next != until) {
            let part = &mut self.parts[index];
            at = at.max(part.body.start);
            part.body.end = at;
            next = part.parent;
        }
    }
}

impl Part {
    fn new(parent: Option<usize>, number: usize, header: Range<usize>, body: usize) -> Part {
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
    fn read(&mut self, message: &[u8], digest: bool) -> Result<(), Untouched> {
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
        let leaf = !self.is_multipart();
        self.attachment = disposition.attachment || leaf && named && !disposition.inline;
        result
    }

    /// The boundary of a multipart, if lines can be compared with it.
    fn usable_boundary(&self) -> Option<&[u8]> {
        let boundary = self.boundary.as_deref().filter(|_| self.is_multipart())?;
        let line_break = boundary.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        (!boundary.is_empty() && boundary.len() <= MAX_BOUNDARY && !line_break).then_some(boundary)
    }

    fn judge(&self, full: bool) -> Result<(), Untouched> {
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
}

/// RFC 2387: the other parts of a multipart/related are what the root refers to.
fn close_related(message: &[u8], parts: &mut [Part]) {
    // The first child, and the one that `start` names.
    let mut roots: HashMap<usize, (usize, Option<usize>)> = HashMap::new();
    for (index, part) in parts.iter().enumerate() {
        let Some(parent) = part.parent.filter(|&parent| parts[parent].media_type == "multipart/related")
        else {
            continue;
        };
        let root = roots.entry(parent).or_insert((index, None));
        if let (Some(start), None) = (&parts[parent].start, root.1)
            && content_id(message, part).is_some_and(|id| id == without_brackets(start))
        {
            root.1 = Some(index);
        }
    }
    if roots.is_empty() {
        return;
    }
    for (index, part) in parts.iter_mut().enumerate() {
        if let Some(&(first, named)) = part.parent.and_then(|parent| roots.get(&parent))
            && index != named.unwrap_or(first)
        {
            part.close(Untouched::RelatedNonRoot);
        }
    }
}

fn content_id(message: &[u8], part: &Part) -> Option<Vec<u8>> {
    if part.header.len() > MAX_HEADER {
        return None;
    }
    let field = fields(message, part.header.clone()).find(|field| field.is(message, "content-id"))?;
    Some(without_brackets(&unfold(&message[field.value])).to_vec())
}

fn without_brackets(id: &[u8]) -> &[u8] {
    let id = id.trim_ascii();
    id.strip_prefix(b"<").and_then(|id| id.strip_suffix(b">")).unwrap_or(id)
}

/// What stands in a multipart that may not be touched may not be touched either.
fn inherit(parts: &mut [Part]) {
    for index in 0..parts.len() {
        if let Some(Err(reason)) = parts[index].parent.map(|parent| parts[parent].verdict) {
            parts[index].close(reason);
        }
    }
}

impl Part {
    /// A reason of its own stays, but that some text is not HTML is none once text may be touched.
    fn close(&mut self, reason: Untouched) {
        let own = match self.verdict {
            Ok(()) => false,
            Err(Untouched::NotHtml) => !self.media_type.starts_with("text/"),
            Err(_) => true,
        };
        if !own {
            self.verdict = Err(reason);
        }
    }
}
