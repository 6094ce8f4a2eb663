//! Where the input comes from, and what it looks like.

use std::fs::File;
use std::io::{self, Read, StdinLock};
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::exit::{Cause, Exit, Failure};
use super::setting as s;
use super::settings::Settings;

/// What is read at once, in bytes: as much as a Linux pipe holds.
pub(super) const CHUNK: usize = 64 * 1024;

/// What the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Auto,
    Html,
    Message,
}

impl Format {
    pub(super) fn of(settings: &Settings) -> Format {
        match settings.text(&s::FORMAT) {
            Some("html") => Format::Html,
            Some("message") => Format::Message,
            _ => Format::Auto,
        }
    }

    /// Whether a whole input is a message.
    pub(super) fn is_message(self, input: &[u8]) -> bool {
        match self {
            // Of nothing no document is made.
            Format::Auto => input.is_empty() || is_message(input, true) == Some(true),
            Format::Html => false,
            Format::Message => true,
        }
    }
}

/// The file that a command line names; none for stdin.
pub(super) fn named(matches: &ArgMatches) -> Option<&Path> {
    matches.get_one::<PathBuf>("file").map(PathBuf::as_path).filter(|file| !is_stdin(file))
}

/// A file, or stdin.
pub(super) struct Input {
    source: Source,
    name: String,
}

enum Source {
    Stdin(StdinLock<'static>),
    File(File),
}

impl Input {
    /// Opens a file; stdin for none and for `-`.
    pub(super) fn open(path: Option<&Path>) -> Result<Input, Failure> {
        let Some(path) = path.filter(|path| !is_stdin(path)) else {
            return Ok(Input {
                source: Source::Stdin(io::stdin().lock()),
                name: "standard input".to_owned(),
            });
        };
        let refuse = |why: String| Failure::new(Exit::NoInput, format!("{}: {why}", path.display()));
        let file = File::open(path).map_err(|error| {
            let hint = match path.to_str() {
                Some("true" | "false") => " (a flag takes its value with an equals sign: --outlook=false)",
                _ => "",
            };
            refuse(format!("{}{hint}", Cause(&error)))
        })?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(refuse("expected a file, found a folder".to_owned()));
        }
        Ok(Input { source: Source::File(file), name: path.display().to_string() })
    }

    /// Reads what is there, at most `buffer`; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            let result = match &mut self.source {
                Source::Stdin(stdin) => stdin.read(buffer),
                Source::File(file) => file.read(buffer),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    return result.map_err(|error| {
                        Failure::new(Exit::Io, format!("cannot read {}: {}", self.name, Cause(&error)))
                    });
                }
            }
        }
    }

    /// Reads everything.
    pub(super) fn read_whole(&mut self) -> Result<Vec<u8>, Failure> {
        let mut whole = Vec::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(whole),
                length => {
                    // Else a mail too big for this machine would end the process by a signal, which some MTAs take for a bounce.
                    whole.try_reserve(length).map_err(|_| {
                        Failure::new(Exit::TryAgain, format!("{}: no memory for all of it", self.name))
                    })?;
                    whole.extend_from_slice(&buffer[..length]);
                }
            }
        }
    }
}

/// Whether a path stands for stdin: by the system's names for it, a mail filter is one too.
pub(super) fn is_stdin(path: &Path) -> bool {
    ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| path == Path::new(name))
}

/// Whether the input begins with a header block, as a mail message does: a `Name:`, or mbox's `From ` line. `None` while
/// more must be seen.
///
/// A byte order mark or blank lines in front of it, which a careless program put there, do not make a document of a
/// message: read as a message it passes through unharmed, read as HTML it would get a pixel before its header.
pub(super) fn is_message(start: &[u8], is_whole: bool) -> Option<bool> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if !is_whole && start.len() < MARK.len() && MARK.starts_with(start) {
        return None;
    }
    let length = start.len();
    let start = start.strip_prefix(MARK).unwrap_or(start).trim_ascii_start();
    match is_header(start.strip_prefix(b">").filter(|rest| rest.starts_with(b"From ")).unwrap_or(start)) {
        None if is_whole || length > CHUNK => Some(false),
        known => known,
    }
}

/// Whether a header block, or an mbox's `From ` line, begins here. `None` while more must be seen.
pub(super) fn is_header(start: &[u8]) -> Option<bool> {
    /// RFC 5322 §2.1.1: no line is longer.
    const LONGEST_NAME: usize = 998;

    if start.starts_with(b"From ") {
        return Some(true);
    }
    // RFC 5322 §3.6.8 allows any visible character but the colon. Those of markup, quotations and merge tags are left out:
    // `<a:b>` must not look like a name.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./+#$&!~^=@'".contains(byte);
    let name = start.iter().take_while(|byte| is_name(byte)).count();
    // RFC 5322 §4.5.8: white space may stand before the colon.
    let rest = start[name..].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    match rest {
        _ if name > LONGEST_NAME => Some(false),
        Some(b':') => Some(name > 0),
        Some(_) => Some(false),
        None => None,
    }
}

/// Whether the input begins as HTML does: by the tags that the MIME Sniffing Standard §7.1 knows a document by. For files that
/// nobody named one by one: a picture among them must not get a pixel.
pub(super) fn looks_like_html(start: &[u8]) -> bool {
    const TAGS: [&str; 17] = [
        "!doctype html",
        "html",
        "head",
        "script",
        "iframe",
        "h1",
        "div",
        "font",
        "table",
        "a",
        "style",
        "title",
        "b",
        "body",
        "br",
        "p",
        "!--",
    ];
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let Some(rest) = start.strip_prefix(b"<") else { return false };
    TAGS.iter().any(|tag| {
        let Some((name, rest)) = rest.split_at_checked(tag.len()) else { return false };
        let ends = rest.first().is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
        name.eq_ignore_ascii_case(tag.as_bytes()) && (ends || *tag == "!--")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_html() {
        for (start, expected) in [
            ("Subject: x\r\n", Some(true)),
            ("Received :from\n", Some(true)),
            ("X-Sp_Message.Id:", Some(true)),
            ("From a@b.example Mon", Some(true)),
            ("<!DOCTYPE html>", Some(false)),
            ("<v:rect>", Some(false)),
            ("\n<html xmlns:v=x>", Some(false)),
            ("\u{feff}Subject: x", Some(true)),
            ("\u{feff}<p>", Some(false)),
            ("\r\n\r\nSubject: x", Some(true)),
            (" folded: x", Some(true)),
            (">From a@b.example Mon", Some(true)),
            (">Fro", Some(false)),
            ("X-A/B: c", Some(true)),
            ("{{name}}: x", Some(false)),
            ("*|MC:SUBJECT|*", Some(false)),
            ("Fro", None),
            ("\n", None),
            ("Hello world: x", Some(false)),
            (": x", Some(false)),
            ("Subj", None),
            ("Subject ", None),
            ("", None),
        ] {
            assert_eq!(is_message(start.as_bytes(), false), expected, "{start}");
        }
        assert_eq!(is_message(b"", true), Some(false));
        assert_eq!(is_message(b"Hello", true), Some(false));
        assert_eq!(is_message(b"\xef\xbb", false), None);
        assert_eq!(is_message(&[b'a'; 200], false), None);
        assert_eq!(is_message(&[b'a'; 1000], false), Some(false));
    }

    #[test]
    fn html_by_its_look() {
        for (start, expected) in [
            ("<!DOCTYPE html>", true),
            ("\u{feff}\r\n <HTML lang=en>", true),
            ("<!--x-->", true),
            ("<p>x", true),
            ("<pre>x", false),
            ("<?xml version=1?>", false),
            ("<svg>", false),
            ("\u{89}PNG", false),
            ("Hello <b>", false),
            ("<p", false),
            ("", false),
        ] {
            assert_eq!(looks_like_html(start.as_bytes()), expected, "{start}");
        }
    }
}
