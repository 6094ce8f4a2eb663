//! One mbox, in the order of the list: mboxrd, whose quoting can be taken back.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::super::super::exit::{Cause, Exit, Failure};
use super::super::super::output::{folder, sync_folder};
use super::super::super::time;
use super::super::journal::Journal;

/// How much is held before it is written, in bytes.
const HELD: usize = 1 << 20;

/// How messages stand in it.
pub(in super::super) struct Style {
    /// The envelope's sender.
    pub(in super::super) sender: String,
}

impl Style {
    /// A message with its `From ` line, quoted, and an empty line behind it.
    pub(super) fn piece(&self, mail: &[u8]) -> Vec<u8> {
        let line_end = match memchr::memchr(b'\n', mail) {
            Some(end) if end > 0 && mail[end - 1] == b'\r' => "\r\n",
            _ => "\n",
        };
        let first = format!("From {} {}{line_end}", self.sender, time::mbox_date(time::now()));
        let mut piece = Vec::with_capacity(first.len() + mail.len() + 64);
        piece.extend_from_slice(first.as_bytes());
        let mut start = 0;
        for at in memchr::memmem::find_iter(mail, b"From ") {
            let line = memchr::memrchr(b'\n', &mail[start..at]).map_or(start, |end| start + end + 1);
            let is_line_start = line == 0 || mail[line - 1] == b'\n';
            if is_line_start && mail[line..at].iter().all(|byte| *byte == b'>') {
                piece.extend_from_slice(&mail[start..line]);
                piece.push(b'>');
                start = line;
            }
            piece.extend_from_slice(&mail[start..at]);
            start = at;
        }
        piece.extend_from_slice(&mail[start..]);
        if !mail.ends_with(b"\n") {
            piece.extend_from_slice(line_end.as_bytes());
        }
        piece.extend_from_slice(line_end.as_bytes());
        piece
    }
}

/// The mbox as it grows.
pub(in super::super) struct Mbox {
    sink: Box<dyn Write>,
    /// None for stdout.
    file: Option<File>,
    name: String,
    held: Vec<u8>,
    /// The rows in `held`.
    rows: Vec<u64>,
    /// Of what is written, in bytes.
    length: u64,
}

impl Mbox {
    pub(in super::super) fn stdout() -> Mbox {
        let (sink, name) = (Box::new(io::stdout().lock()), "standard output".to_owned());
        Mbox { sink, file: None, name, held: Vec::new(), rows: Vec::new(), length: 0 }
    }

    /// Whether a run that did not make this file may take it.
    ///
    /// # Errors
    /// It holds something already.
    pub(in super::super) fn check_free(path: &Path, is_resumed: bool) -> Result<(), Failure> {
        match path.symlink_metadata() {
            // A run that was killed as it made its mbox left none, or an empty one.
            Ok(metadata) if is_resumed && metadata.is_file() && metadata.len() == 0 => Ok(()),
            Ok(_) => {
                let why = "it is there already";
                Err(Failure::new(Exit::CannotCreate, format!("mbox {}: {why}", path.display())))
            }
            Err(_) => Ok(()),
        }
    }

    /// A new file; where a run goes on, the file of that run as long as its journal knows it.
    pub(in super::super) fn file(path: &Path, known: Option<u64>) -> Result<Mbox, Failure> {
        let refuse =
            |why: String| Failure::new(Exit::CannotCreate, format!("mbox {}: {why}", path.display()));
        let refuse_io = |error: io::Error| refuse(Cause(&error).to_string());
        let mut options = OpenOptions::new();
        options.write(true);
        let opened = match known {
            Some(0) => options.create(true).truncate(false).open(path),
            Some(_) => options.open(path),
            None => options.create_new(true).open(path),
        };
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => refuse("it is there already".to_owned()),
            _ => refuse_io(error),
        })?;
        let length = known.unwrap_or(0);
        if file.metadata().map_err(refuse_io)?.len() < length {
            return Err(refuse("it is shorter than its journal says".to_owned()));
        }
        if known.is_some() {
            // What stands behind was not told of: it is made again.
            file.set_len(length).map_err(refuse_io)?;
            file.seek(SeekFrom::Start(length)).map_err(refuse_io)?;
        }
        sync_folder(folder(path)).map_err(refuse_io)?;
        let sink = Box::new(file.try_clone().map_err(refuse_io)?);
        let name = path.display().to_string();
        Ok(Mbox { sink, file: Some(file), name, held: Vec::new(), rows: Vec::new(), length })
    }

    /// Appends the piece of a row.
    pub(in super::super) fn add(
        &mut self,
        row: u64,
        piece: &[u8],
        journal: Option<&Journal>,
    ) -> Result<(), Failure> {
        self.held.extend_from_slice(piece);
        self.rows.push(row);
        if self.held.len() >= HELD || self.rows.len() >= 4096 { self.write(journal) } else { Ok(()) }
    }

    /// Writes what is held, and tells the journal.
    fn write(&mut self, journal: Option<&Journal>) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::writing(&self.name, &error);
        self.sink.write_all(&self.held).and_then(|()| self.sink.flush()).map_err(failed)?;
        self.length += self.held.len() as u64;
        self.held.clear();
        let told = journal.map_or(Ok(()), |journal| journal.done_to(&self.rows, self.length));
        self.rows.clear();
        told
    }

    /// Writes what is still held, as far as the disk.
    pub(in super::super) fn end(&mut self, journal: Option<&Journal>) -> Result<(), Failure> {
        self.write(journal)?;
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_all().map_err(|error| Failure::writing(&self.name, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(mail: &str) -> String {
        let piece = Style { sender: "a@b".to_owned() }.piece(mail.as_bytes());
        let text = String::from_utf8(piece).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(first.starts_with("From a@b "));
        rest.to_owned()
    }

    #[test]
    fn lines_that_look_like_a_beginning_are_quoted() {
        for (mail, expected) in [
            ("A: 1\n\nFrom x\n", "A: 1\n\n>From x\n\n"),
            ("From x\n>From y\n >From z\n>>From From w", ">From x\n>>From y\n >From z\n>>>From From w\n\n"),
            ("x From y\nFromm\n", "x From y\nFromm\n\n"),
            ("a\r\nFrom b\r\n", "a\r\n>From b\r\n\r\n"),
            ("", "\n\n"),
        ] {
            assert_eq!(quoted(mail), expected);
        }
    }

    /// Each `From ` looks back to its line's beginning: on one long line that must not be quadratic.
    #[test]
    fn a_long_line() {
        let mail = "From ".repeat(400_000);
        assert_eq!(quoted(&mail).len(), mail.len() + 3);
    }
}
