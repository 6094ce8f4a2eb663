//! The structure of a message: which bytes are whose header, whose body, and which parts may be touched.
//!
//! One pass over the message finds spans; nothing is copied, decoded or refused. Whatever two readers might
//! understand differently is left closed: it passes through, with a reason.

mod boundary;
pub(crate) mod charset;
mod content_type;
mod header;
mod parameter;
mod part;
#[cfg(test)]
mod tests;
pub(crate) mod transfer;

use std::collections::HashMap;

use self::boundary::{Boundaries, Delimiter, end_before};
use self::header::End;

pub(crate) use self::content_type::Encoding;
pub(crate) use self::header::{fields, unfold};
pub(crate) use self::part::{Kind, MAX_HEADER, Part, Untouched};

/// What follows that many parts is one last, closed part: memory stays bounded, whatever comes.
const MAX_PARTS: usize = 100_000;

/// The parts of a message, in document order: a multipart stands before its children. There is always one.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) parts: Vec<Part>,
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

impl Structure {
    /// Whether the same parts are read in the same way, of whatever length they are.
    pub(crate) fn is_like(&self, other: &Structure) -> bool {
        let is_like = |(one, other): (&Part, &Part)| {
            (one.parent, one.header.len(), one.kind, &one.media_type, one.encoding, one.verdict)
                == (
                    other.parent,
                    other.header.len(),
                    other.kind,
                    &other.media_type,
                    other.encoding,
                    other.verdict,
                )
        };
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(is_like)
    }

    /// Whether this line, without its end, is a delimiter of a multipart that holds the part.
    pub(crate) fn is_delimiter(&self, part: usize, line: &[u8]) -> bool {
        let Some(line) = line.strip_prefix(b"--") else { return false };
        std::iter::successors(self.parts[part].parent, |&parent| self.parts[parent].parent).any(|parent| {
            let boundary = self.parts[parent].boundary.as_deref();
            boundary.and_then(|boundary| line.strip_prefix(boundary)).is_some_and(|rest| {
                let rest = rest.strip_prefix(b"--").unwrap_or(rest);
                rest.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
            })
        })
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
                    self.end(last, None, self.message.len());
                    return;
                };
                let multipart = self.boundaries.part(found);
                self.boundaries.leave(found);
                self.end(last, Some(multipart), end_before(self.message, found.at));
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
    fn part(&mut self, parent: Option<usize>, start: usize) -> Option<Delimiter> {
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

    /// Ends the parts from `last` outwards up to the multipart that goes on, none before what it holds. The line break
    /// before a delimiter line belongs to it, unless it is already what ends a header block or a delimiter line.
    fn end(&mut self, last: usize, until: Option<usize>, mut at: usize) {
        let mut next = Some(last);
        while let Some(index) = next.filter(|_| next != until) {
            let part = &mut self.parts[index];
            at = at.max(part.body.start);
            part.body.end = at;
            next = part.parent;
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
