//! What copying a source out of a mail program does to it, undone.

use std::borrow::Cow;

use memchr::memchr;

use super::super::input::is_message;

/// A source as it was before it was copied, as far as that can be told.
pub(super) struct Paste<'a> {
    /// The message or document.
    pub(super) bytes: Cow<'a, [u8]>,
    /// What was undone, each in a few words.
    pub(super) undone: Vec<String>,
    /// How many lines were taken off its start.
    pub(super) lines: usize,
    /// How many characters were taken off the start of each line.
    pub(super) indent: usize,
}

/// Fields that come first in a source; a page that shows one has a summary above it.
const FIRST_FIELDS: [&str; 8] = [
    "delivered-to",
    "return-path",
    "received",
    "x-received",
    "arc-seal",
    "dkim-signature",
    "authentication-results",
    "x-apparently-to",
];

/// A summary is shorter than this, in lines.
const SUMMARY: usize = 60;

impl<'a> Paste<'a> {
    /// Undoes a byte order mark, blank lines, a summary and `From ` lines in front, and an indent of all lines. `is_html`: it
    /// is no message, and stays as it is.
    pub(super) fn of(source: &'a [u8], is_html: bool) -> Paste<'a> {
        let mut paste = Paste { bytes: Cow::Borrowed(source), undone: Vec::new(), lines: 0, indent: 0 };
        if is_html {
            return paste;
        }
        let mut rest = source;
        if let Some(after) = rest.strip_prefix(b"\xef\xbb\xbf") {
            paste.undone.push("a byte order mark".to_owned());
            rest = after;
        }
        let blank = blank_lines(rest);
        if blank.1 > 0 && looks_like_message(&rest[blank.0..]) {
            paste.undone.push(counted(blank.1, "blank line"));
            paste.lines += blank.1;
            rest = &rest[blank.0..];
        }
        if let Some((length, lines)) = summary(rest) {
            paste.undone.push(format!("a summary of {} above the source", counted(lines, "line")));
            paste.lines += lines;
            rest = &rest[length..];
        }
        let indent = indent(rest);
        if let Some((after, lines)) = from_line(&rest[indent..]) {
            paste.undone.push("a `From ` line".to_owned());
            paste.lines += lines;
            rest = &rest[indent + after..];
        }
        paste.indent = indent;
        paste.bytes = match indent {
            0 => Cow::Borrowed(rest),
            _ => {
                paste.undone.push(format!("an indent of {}", counted(indent, "character")));
                Cow::Owned(without_indent(rest, indent))
            }
        };
        paste
    }
}

fn counted(count: usize, what: &str) -> String {
    super::super::summary::counted(count as u64, what)
}

/// Lines of white space alone at the start: their length and number.
fn blank_lines(source: &[u8]) -> (usize, usize) {
    let mut at = 0;
    let mut lines = 0;
    while let Some(end) = memchr(b'\n', &source[at..])
        && source[at..at + end].trim_ascii().is_empty()
    {
        at += end + 1;
        lines += 1;
    }
    (at, lines)
}

fn looks_like_message(source: &[u8]) -> bool {
    let start = source.trim_ascii_start();
    is_message(start, true) == Some(true) || from_line(start).is_some() || summary(start).is_some()
}

/// What a page such as Gmail's "Original message" shows above the source: its length and lines.
fn summary(source: &[u8]) -> Option<(usize, usize)> {
    let first = source.split(|byte| *byte == b'\n').next()?.trim_ascii().to_ascii_lowercase();
    // Only pages whose heading says so: a header may begin with any field.
    if !matches!(
        first.as_slice(),
        b"original message" | b"message source" | b"view message source" | b"message raw source"
    ) {
        return None;
    }
    let mut at = 0;
    for lines in 0..SUMMARY {
        let line = &source[at..];
        let is_first = FIRST_FIELDS.iter().any(|name| {
            line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
                && line.get(name.len()) == Some(&b':')
        });
        if is_first {
            return Some((at, lines));
        }
        at += memchr(b'\n', line)? + 1;
    }
    None
}

/// A line that mbox files and pipes put in front: its length and lines.
fn from_line(source: &[u8]) -> Option<(usize, usize)> {
    let is_from = source.starts_with(b"From ") || source.starts_with(b">From ");
    is_from.then(|| memchr(b'\n', source).map(|end| (end + 1, 1)))?
}

/// How far every line of the header is indented, and every line that follows, if they all are.
fn indent(source: &[u8]) -> usize {
    let indent = source.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let is_kept = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.trim_ascii().is_empty() || line.get(..indent) == source.get(..indent)
    };
    let all = indent > 0
        && is_message(&source[indent..], true) == Some(true)
        && source.split(|byte| *byte == b'\n').all(is_kept);
    if all { indent } else { 0 }
}

fn without_indent(source: &[u8], indent: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    for line in source.split_inclusive(|byte| *byte == b'\n') {
        let blank = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        out.extend_from_slice(&line[blank.min(indent)..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_undone() {
        let mail = "Received: x\nSubject: y\n z\n\nHi\n  there\n";
        for (source, undone, lines, indent) in [
            (mail.to_owned(), "", 0, 0),
            (format!("\u{feff}{mail}"), "a byte order mark", 0, 0),
            (format!("\n \r\n{mail}"), "2 blank lines", 2, 0),
            (format!("From a@b.example Mon Jan  1\n{mail}"), "a `From ` line", 1, 0),
            (format!("\n>From a@b\n{mail}"), "1 blank line, a `From ` line", 2, 0),
            (
                format!(
                    "\u{feff}\nOriginal Message\nMessage ID\t<x@y>\nSPF:\tPASS\n\nCopy to clipboard\n{mail}"
                ),
                "a byte order mark, 1 blank line, a summary of 5 lines above the source",
                6,
                0,
            ),
            (
                mail.lines()
                    .map(|line| if line.is_empty() { "\n".into() } else { format!("\t {line}\n") })
                    .collect(),
                "an indent of 2 characters",
                0,
                2,
            ),
        ] {
            let paste = Paste::of(source.as_bytes(), false);
            assert_eq!(paste.undone.join(", "), undone);
            assert_eq!((paste.lines, paste.indent), (lines, indent), "{undone}");
            assert_eq!(String::from_utf8_lossy(&paste.bytes), mail, "{undone}");
        }
    }

    #[test]
    fn what_is_no_damage_stays() {
        for source in [
            "",
            "\n\n",
            "\n<html>",
            " Subject: x\nTo: y\n\nz",
            "Original message\nwithout a source\n",
            "Original Message: x\nReceived: y\n\nz",
            "<p>Hi",
        ] {
            let paste = Paste::of(source.as_bytes(), false);
            assert_eq!((&*paste.bytes, paste.undone.len()), (source.as_bytes(), 0), "{source}");
        }
        assert_eq!(Paste::of("\u{feff}<p>".as_bytes(), true).undone.len(), 0);
    }
}
