//! Where rendered mail goes. Any thread hands mail in; what must be in order is put together by who counts.

pub(super) mod lmtp;
pub(super) mod mbox;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use self::lmtp::{Lmtp, Session};
use super::super::exec::Program;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::super::stop::Stop;

/// Where it goes.
pub(super) enum Sink {
    /// Nowhere: a dry run.
    Nowhere,
    Folder(Folder),
    Mbox(mbox::Style),
    Program(Program),
    Lmtp(Lmtp),
}

/// What a thread keeps from one mail to the next.
#[derive(Default)]
pub(super) struct Bench {
    session: Option<Session>,
}

/// Why a mail did not go out.
#[derive(Debug)]
pub(super) struct Undelivered {
    pub(super) why: String,
    /// Later it may.
    pub(super) is_temporary: bool,
    /// Nor will any other: the run is to stop.
    pub(super) ends_all: bool,
}

impl Undelivered {
    pub(super) fn now(why: impl Into<String>) -> Undelivered {
        Undelivered { why: why.into(), is_temporary: true, ends_all: false }
    }

    pub(super) fn ever(why: impl Into<String>) -> Undelivered {
        Undelivered { why: why.into(), is_temporary: false, ends_all: false }
    }
}

/// What became of a mail that went out.
pub(super) enum Out {
    /// It is where it should be.
    Delivered,
    /// It is written, and counts once [`Folder::sync`] has brought it to the disk.
    Written,
    /// It is to be written in its order.
    Piece(Vec<u8>),
}

impl Sink {
    /// The word of a journal.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Sink::Nowhere => "dry-run",
            Sink::Folder(_) => "out-dir",
            Sink::Mbox(_) => "mbox",
            Sink::Program(_) => "exec",
            Sink::Lmtp(_) => "lmtp",
        }
    }

    /// How many rows a thread takes at once: few where each takes long.
    pub(super) fn batch(&self) -> usize {
        match self {
            Sink::Nowhere => 32,
            Sink::Folder(_) | Sink::Mbox(_) => 8,
            Sink::Program(_) | Sink::Lmtp(_) => 1,
        }
    }

    pub(super) fn deliver(
        &self,
        bench: &mut Bench,
        row: u64,
        address: &str,
        mail: &[u8],
        stop: &Stop,
    ) -> Result<Out, Undelivered> {
        match self {
            Sink::Nowhere => Ok(Out::Delivered),
            Sink::Folder(folder) => folder.write(row, mail),
            Sink::Mbox(style) => Ok(Out::Piece(style.piece(mail))),
            Sink::Program(program) => {
                program.run_for(address, mail).map(|()| Out::Delivered).map_err(|failure| {
                    let is_temporary = failure.code.is_none_or(|code| code == Exit::TryAgain as u8);
                    Undelivered {
                        why: failure.text().to_owned(),
                        is_temporary,
                        ends_all: failure.exit == Exit::CannotCreate,
                    }
                })
            }
            Sink::Lmtp(lmtp) => {
                lmtp.deliver(&mut bench.session, address, mail, stop).map(|()| Out::Delivered)
            }
        }
    }
}

/// Whether the system brings all files to the disk by one call.
const SYNCS_ALL: bool = cfg!(target_os = "linux");

/// A folder with a file for each row.
pub(super) struct Folder {
    path: PathBuf,
    extension: &'static str,
    /// An earlier run of the same job may have written a file and died before it said so.
    goes_on: bool,
}

impl Folder {
    pub(super) fn new(path: &Path, is_message: bool) -> Folder {
        Folder { path: path.to_owned(), extension: if is_message { "eml" } else { "html" }, goes_on: false }
    }

    pub(super) fn goes_on(&mut self) {
        self.goes_on = true;
    }

    /// The file of a row: its number alone, so that nothing in a list can name a file.
    fn file(&self, row: u64) -> PathBuf {
        self.path.join(format!("{row:08}.{}", self.extension))
    }

    /// A file of a row that is there already.
    pub(super) fn first_output(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let is_output = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == self.extension)
                && path
                    .file_stem()
                    .and_then(|stem| stem.to_str())
                    .is_some_and(|stem| stem.len() >= 8 && stem.bytes().all(|byte| byte.is_ascii_digit()))
        };
        entries.map(|entry| entry.path()).find(is_output)
    }

    /// Brings all that is written to the disk.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        #[cfg(target_os = "linux")]
        {
            let synced = std::fs::File::open(&self.path).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
            synced.map_err(|error| Failure::writing(self.path.display(), &error))?;
        }
        Ok(())
    }

    fn write(&self, row: u64, mail: &[u8]) -> Result<Out, Undelivered> {
        let path = self.file(row);
        let opened = match self.goes_on {
            // That run may have ended before it was on the disk.
            true => Output::file(&path),
            false => Output::fresh(path),
        };
        let written = opened.and_then(|mut output| {
            output.write_all(mail).map_err(|error| Failure::writing(output.name(), &error))?;
            // Files of 115 KB on a disk: 440 a second with a call for each, 1,400 with one for all.
            if SYNCS_ALL { output.commit_unsettled() } else { output.commit_one_of_many() }
        });
        written.map(|()| Out::Written).map_err(|failure| Undelivered {
            why: failure.text().to_owned(),
            is_temporary: failure.exit == Exit::Io,
            // A full disk fails every file.
            ends_all: failure.exit == Exit::Io,
        })
    }
}
