//! Reads a message line by line, as RFC 2046 says and no cleverer: the oracle of the structure.
//!
//! Header fields are read in their plain spelling only. Where the report names other parts, the header was
//! a riddle, and what needs the parts is not judged.

use std::ops::Range;

use openclick::Report;

/// A part; ranges are indices into the message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) path: String,
    pub(crate) media_type: String,
    pub(crate) header: Range<usize>,
    pub(crate) body: Range<usize>,
    children: usize,
    parent: Option<usize>,
    /// What is in it is not looked at.
    is_closed: bool,
}

/// A multipart whose delimiter lines count.
struct Open {
    part: usize,
    boundary: Vec<u8>,
}

/// The parts in document order, a multipart before what it holds.
pub(crate) fn parts(message: &[u8]) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    let mut open: Vec<Open> = Vec::new();
    let mut header_from = Some(0);
    let mut current = 0;
    let mut at = 0;
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        let start = at;
        at += line.len();
        if let Some((level, is_last)) = delimiter(line, &open) {
            // A header block without a blank line ends here.
            if header_from.take().is_some() {
                parts[current].header.end = start;
                parts[current].body = start..start;
            }
            let multipart = open[level].part;
            let before = &message[..start];
            let end = before.strip_suffix(b"\r\n").or(before.strip_suffix(b"\n")).unwrap_or(before).len();
            close(&mut parts, current, Some(multipart), end);
            open.truncate(level + usize::from(!is_last));
            current = multipart;
            if !is_last && !parts[multipart].is_closed {
                parts[multipart].children += 1;
                let number = parts[multipart].children;
                let path = match parts[multipart].path.as_str() {
                    "" => number.to_string(),
                    path => format!("{path}.{number}"),
                };
                current = parts.len();
                parts.push(Part { path, parent: Some(multipart), header: at..at, ..Part::default() });
                header_from = Some(at);
            }
        } else if let Some(from) = header_from
            && matches!(line, b"\n" | b"\r\n")
        {
            header_from = None;
            parts[current].header.end = start;
            parts[current].body = at..at;
            let parent = parts[current].parent.map(|parent| parts[parent].media_type.clone());
            let boundary = read(&message[from..start], &mut parts[current], parent.as_deref());
            parts[current].is_closed |= open.len() >= 32;
            open.extend(boundary.map(|boundary| Open { part: current, boundary }));
        }
    }
    if header_from.is_some() {
        parts[current].header.end = message.len();
        parts[current].body = message.len()..message.len();
    }
    close(&mut parts, current, None, message.len());
    if !parts[0].media_type.starts_with("multipart/") {
        parts[0].path = "1".to_owned();
    }
    parts
}

/// Ends a part and those that hold it, up to the one that goes on.
fn close(parts: &mut [Part], from: usize, until: Option<usize>, end: usize) {
    let mut next = Some(from);
    let mut end = end;
    while let Some(index) = next.filter(|_| next != until) {
        end = end.max(parts[index].body.start);
        parts[index].body.end = end;
        next = parts[index].parent;
    }
}

/// Which of the open multiparts the line delimits, and whether it closes it.
fn delimiter(line: &[u8], open: &[Open]) -> Option<(usize, bool)> {
    let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let end = line.iter().rposition(|byte| !b" \t".contains(byte)).map_or(0, |last| last + 1);
    let line = &line[..end];
    open.iter().enumerate().rev().find_map(|(level, multipart)| {
        let rest = line.strip_prefix(b"--")?.strip_prefix(&multipart.boundary[..])?;
        match rest {
            b"" => Some((level, false)),
            b"--" => Some((level, true)),
            _ => None,
        }
    })
}

/// Takes the media type from a header block. Returns the boundary of a multipart.
fn read(header: &[u8], part: &mut Part, parent: Option<&str>) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(header);
    let unfolded = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", "\t");
    let value = unfolded.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim_end().eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
    });
    let default = if parent == Some("multipart/digest") { "message/rfc822" } else { "text/plain" };
    let value = value.unwrap_or(default.to_owned());
    part.media_type = value.split(';').next().unwrap_or_default().trim().to_lowercase();
    if !part.media_type.starts_with("multipart/") {
        return None;
    }
    let open = ["multipart/mixed", "multipart/alternative", "multipart/related", "multipart/digest"];
    part.is_closed = !open.contains(&&*part.media_type);
    let boundary = value.split(';').find_map(|word| word.trim().strip_prefix("boundary="))?;
    // RFC 2046 section 5.1.1: it does not end with white space.
    let boundary = boundary.trim().trim_matches('"').trim_end().as_bytes().to_vec();
    (!boundary.is_empty()).then_some(boundary)
}

/// The parts, if the report has the same ones.
pub(crate) fn agreed(message: &[u8], report: &Report) -> Option<Vec<Part>> {
    let parts = parts(message);
    let same = parts.len() == report.parts.len()
        && parts
            .iter()
            .zip(&report.parts)
            .all(|(one, other)| one.path == other.path && one.media_type == other.media_type);
    same.then_some(parts)
}
