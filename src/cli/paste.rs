//! What copying a source out of a mail program does to it, undone.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use memchr::{memchr, memmem};

use super::batch::is_mbox_of_many;
use super::input::{is_message, looks_like_html};

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
    /// It is an mbox of more than one message, of which the first begins here.
    pub(super) holds_several: bool,
    /// Something was undone that no mail begins with by itself: more than a byte order mark or a `From ` line.
    pub(super) is_copied: bool,
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

/// So many times at most a source was quoted, in another or as UTF-16.
const DEEPEST: usize = 4;

impl<'a> Paste<'a> {
    /// Undoes a byte order mark, blank lines, a summary and `From ` lines in front, an indent or quotation marks in front of all
    /// lines, UTF-16, and what Apple Mail puts around a message (`.emlx`). `is_html`: it is no message, and stays as it is.
    pub(super) fn of(source: &'a [u8], is_html: bool) -> Paste<'a> {
        match is_html {
            true => Paste::unchanged(source),
            false => Paste::of_message(source, 0),
        }
    }

    /// Whether the source is HTML by itself: not even what copying may have put in front hides a header.
    pub(super) fn is_html(source: &[u8]) -> bool {
        if is_message(source, true) == Some(true) {
            return false;
        }
        let paste = Paste::of(source, false);
        is_message(&paste.bytes, true) != Some(true) || looks_like_html(&paste.bytes)
    }

    fn unchanged(source: &'a [u8]) -> Paste<'a> {
        Paste {
            bytes: Cow::Borrowed(source),
            undone: Vec::new(),
            lines: 0,
            indent: 0,
            holds_several: false,
            is_copied: false,
        }
    }

    fn of_message(source: &'a [u8], depth: usize) -> Paste<'a> {
        if let Some(text) = utf_16(source).filter(|_| depth < DEEPEST) {
            let within = Paste::of_message(text.as_bytes(), depth + 1).into_owned();
            return match is_message(&within.bytes, true) {
                Some(true) => Paste::unchanged(source).around(within, "UTF-16".to_owned(), 0),
                _ => Paste::unchanged(source),
            };
        }
        let mut paste = Paste::unchanged(source);
        let mut rest = source;
        if let Some(after) = rest.strip_prefix(b"\xef\xbb\xbf") {
            paste.undone.push("a byte order mark".to_owned());
            rest = after;
        }
        let blank = blank_lines(rest);
        if blank.1 > 0 && looks_like_message(&rest[blank.0..]) {
            paste.copied(counted(blank.1, "blank line"));
            paste.lines += blank.1;
            rest = &rest[blank.0..];
        }
        if let Some((length, lines)) = summary(rest) {
            paste.copied(format!("a summary of {} above the source", counted(lines, "line")));
            paste.lines += lines;
            rest = &rest[length..];
        }
        if let Some(mail) = apple_mail(rest) {
            paste.copied("Apple Mail's length and property list".to_owned());
            paste.lines += 1;
            rest = mail;
        }
        if let Some(marks) = quotation(rest).filter(|_| depth < DEEPEST) {
            let within = Paste::of_message(&without_marks(rest, marks), depth + 1).into_owned();
            return paste.around(within, "quotation marks in front of each line".to_owned(), marks);
        }
        let indent = indent(rest);
        if let Some((after, lines)) = from_line(&rest[indent..]) {
            paste.undone.push("a `From ` line".to_owned());
            paste.holds_several = rest.starts_with(b"From ") && is_mbox_of_many(rest);
            paste.lines += lines;
            rest = &rest[indent + after..];
        }
        paste.indent = indent;
        paste.bytes = match indent {
            0 => Cow::Borrowed(rest),
            _ => {
                paste.copied(format!("an indent of {}", counted(indent, "character")));
                Cow::Owned(without_indent(rest, indent))
            }
        };
        paste
    }

    fn copied(&mut self, what: String) {
        self.undone.push(what);
        self.is_copied = true;
    }

    /// What was undone within, after this was undone.
    fn around<'b>(mut self, within: Paste<'b>, what: String, indent: usize) -> Paste<'b> {
        self.undone.push(what);
        self.undone.extend(within.undone);
        Paste {
            undone: self.undone,
            lines: self.lines + within.lines,
            indent: indent + within.indent,
            is_copied: true,
            ..within
        }
    }

    fn into_owned(self) -> Paste<'static> {
        Paste { bytes: Cow::Owned(self.bytes.into_owned()), ..self }
    }
}

fn counted(count: usize, what: &str) -> String {
    super::summary::counted(count as u64, what)
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
    is_message(start, true) == Some(true)
        || from_line(start).is_some()
        || summary(start).is_some()
        || apple_mail(start).is_some()
        || quotation(start).is_some()
}

/// The text of a file in UTF-16 with a byte order mark.
fn utf_16(source: &[u8]) -> Option<String> {
    let (encoding, mark) = Encoding::for_bom(source).filter(|(encoding, _)| *encoding != UTF_8)?;
    let text = encoding.decode_without_bom_handling_and_without_replacement(&source[mark..])?;
    Some(text.into_owned())
}

/// The message of an `.emlx`: its length stands in a line in front, a property list behind. The length is not trusted: a copy may
/// have other line ends.
fn apple_mail(source: &[u8]) -> Option<&[u8]> {
    const LIST: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

    let end = memchr(b'\n', source.get(..source.len().min(32))?)?;
    let length = source[..end].trim_ascii();
    if length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let rest = &source[end + 1..];
    if is_message(rest, true) != Some(true) {
        return None;
    }
    let list = memmem::rfind(rest, LIST).filter(|at| memmem::find(&rest[*at..], b"<plist ").is_some());
    Some(&rest[..list.unwrap_or(rest.len())])
}

/// With how many characters every line of a quoted message begins: `>` and mostly a blank.
fn quotation(source: &[u8]) -> Option<usize> {
    let lines = || source.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut first = source.strip_prefix(b">")?;
    // A quotation may stand in another.
    for _ in 1..DEEPEST {
        first = first.strip_prefix(b" ").unwrap_or(first).strip_prefix(b">").unwrap_or(first);
    }
    if is_message(first, true) != Some(true) || !lines().all(|line| line.is_empty() || line[0] == b'>') {
        return None;
    }
    // A mail program that takes blanks off the ends of lines leaves a bare mark of an empty one.
    Some(if lines().all(|line| line.len() < 2 || line[1] == b' ') { 2 } else { 1 })
}

fn without_marks(source: &[u8], marks: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    for line in source.split_inclusive(|byte| *byte == b'\n') {
        let length = line.iter().take(marks).take_while(|byte| matches!(byte, b'>' | b' ')).count();
        out.extend_from_slice(&line[length..]);
    }
    out
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
