//! The journal of a run: which rows are done, so that a run that was stopped goes on and nobody gets a mail twice.
//!
//! Its first line is JSON and says what was rendered for whom; each further line names rows: `17`, `3-9,11`, for an mbox
//! with its length after them: `3-9,11 @4096`. The line `made` says that the output is this run's: before it, what is there is
//! somebody else's. A line is written once its rows are out. A last line that is torn does not count.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::exit::{Cause, Exit, Failure};
use super::super::output::{folder, sync_folder};

/// The longest line that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// How far a row may be beyond the others: a run has not more under way.
const FARTHEST: u64 = 10_000_000;

/// What a run is about: another one must not go on with its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) openclick_render: u32,
    /// Where the mail goes: `out-dir`, `mbox`, `exec`, `lmtp`.
    pub(super) output: String,
    pub(super) job: String,
    /// SHA-256, in hexadecimal.
    pub(super) template: String,
    pub(super) recipients: ListIdentity,
}

/// What tells a list from others, without reading all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListIdentity {
    pub(super) bytes: u64,
    /// In nanoseconds since 1970.
    pub(super) modified: u64,
    /// SHA-256 of the first megabyte.
    pub(super) start: String,
}

impl ListIdentity {
    pub(super) fn of(path: &Path) -> io::Result<ListIdentity> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let mut start = Vec::new();
        file.take(1 << 20).read_to_end(&mut start)?;
        Ok(ListIdentity {
            bytes: metadata.len(),
            modified: modified.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
            start: digest(&start),
        })
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A set of rows: a bit for each, 1.25 MB for ten million.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bits: Vec<u64>,
    count: u64,
}

impl Rows {
    pub(super) fn has(&self, row: u64) -> bool {
        usize::try_from(row / 64)
            .ok()
            .and_then(|at| self.bits.get(at))
            .is_some_and(|bits| bits & (1 << (row % 64)) != 0)
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    fn add(&mut self, row: u64) {
        let at = (row / 64) as usize; // checked against `FARTHEST`
        if at >= self.bits.len() {
            self.bits.resize(at + 1, 0);
        }
        self.count += u64::from(!self.has(row));
        self.bits[at] |= 1 << (row % 64);
    }

    /// Adds `3-9,11`; `false` if that is not what it is.
    fn add_all(&mut self, text: &str) -> bool {
        let last = (self.bits.len() as u64 * 64).saturating_add(FARTHEST);
        text.split(',').all(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let (Ok(from), Ok(to)) = (from.parse::<u64>(), to.parse::<u64>()) else { return false };
            if from == 0 || from > to || to > last {
                return false;
            }
            (from..=to).for_each(|row| self.add(row));
            true
        })
    }
}

/// A journal that is being written.
pub(super) struct Journal {
    file: Mutex<File>,
    path: PathBuf,
}

/// What a journal said when it was opened.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) identity: Identity,
    pub(super) done: Rows,
    /// How long the mbox was with all these rows, in bytes.
    pub(super) length: u64,
    /// The output that is there was made by this run or the one it goes on with.
    pub(super) is_made: bool,
    /// An earlier run wrote it.
    pub(super) is_old: bool,
}

impl Journal {
    /// Opens the journal of this run. Where a run goes on, `identity` gets the job of the one before, if it names none.
    pub(super) fn open(
        path: &Path,
        mut identity: Identity,
        is_job_given: bool,
        resume: bool,
    ) -> Result<Opened, Failure> {
        let refuse = |exit, why: String| Failure::new(exit, format!("journal {}: {why}", path.display()));
        let refuse_io = |error: io::Error| refuse(Exit::CannotCreate, Cause(&error).to_string());
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(refuse_io)?;
        // Where the file system knows no locks there is none.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(refuse(Exit::CannotCreate, "another run writes it".to_owned()));
        }
        let is_old = file.metadata().map_err(refuse_io)?.len() > 0;
        if is_old && !resume {
            let why = "it is that of an earlier run: --resume goes on, --journal names another".to_owned();
            return Err(refuse(Exit::CannotCreate, why));
        }
        let mut told = Told::default();
        if is_old {
            told = read(&mut file).map_err(|why| refuse(Exit::Data, why))?;
            if let Some(earlier) = told.identity.take() {
                if !is_job_given {
                    identity.job.clone_from(&earlier.job);
                }
                if let Some(what) = difference(&earlier, &identity) {
                    return Err(refuse(
                        Exit::Data,
                        format!("it is of another {what}: it cannot go on with this one"),
                    ));
                }
            } else {
                // Killed before its first line was whole: nothing was done.
                write_first(&mut file, &identity).map_err(refuse_io)?;
            }
        } else {
            write_first(&mut file, &identity).map_err(refuse_io)?;
            sync_folder(folder(path)).map_err(refuse_io)?;
        }
        let journal = Journal { file: Mutex::new(file), path: path.to_owned() };
        let Told { done, length, is_made, .. } = told;
        let is_made = is_made || done.count() > 0;
        Ok(Opened { journal, identity, done, length, is_made, is_old })
    }

    /// The output is there, and ours.
    pub(super) fn made(&self) -> Result<(), Failure> {
        self.write(&format!("{MADE}\n"))?;
        self.sync()
    }

    /// This row is out.
    pub(super) fn done(&self, row: u64) -> Result<(), Failure> {
        self.write(&format!("{row}\n"))
    }

    /// These rows, in order, are out.
    pub(super) fn done_all(&self, rows: &[u64]) -> Result<(), Failure> {
        self.write(&format!("{}\n", ranges(rows)))
    }

    /// These rows, in order, are out, and the mbox with them is so long.
    pub(super) fn done_to(&self, rows: &[u64], length: u64) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        self.write(&format!("{} @{length}\n", ranges(rows)))
    }

    fn write(&self, line: &str) -> Result<(), Failure> {
        // One call: a kill leaves a whole line, or none.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|error| self.failed(&error))
    }

    /// Brings it to the disk.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.sync_data().map_err(|error| self.failed(&error))
    }

    /// Removes it: there is nothing to go on with.
    pub(super) fn remove(&self) -> Result<(), Failure> {
        std::fs::remove_file(&self.path).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::writing(self.path.display(), error)
    }
}

/// `3-9,11`
fn ranges(rows: &[u64]) -> String {
    let mut text = String::new();
    let mut rest = rows;
    while let [first, ..] = *rest {
        let length = rest.iter().zip(first..).take_while(|(row, expected)| **row == *expected).count();
        let comma = if text.is_empty() { "" } else { "," };
        text += &match length {
            1 => format!("{comma}{first}"),
            _ => format!("{comma}{first}-{}", first + length as u64 - 1),
        };
        rest = &rest[length..];
    }
    text
}

fn write_first(file: &mut File, identity: &Identity) -> io::Result<()> {
    let mut line = serde_json::to_vec(identity)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}

/// What an earlier run said.
#[derive(Default)]
struct Told {
    /// None if not even the first line is whole.
    identity: Option<Identity>,
    done: Rows,
    length: u64,
    is_made: bool,
}

/// The line that says whose the output is.
const MADE: &str = "made";

/// How a journal begins.
const BEGINNING: &[u8] = b"{\"openclick_render\":";

/// Reads what is done, and cuts a torn last line off.
fn read(file: &mut File) -> Result<Told, String> {
    let io = |error: io::Error| Cause(&error).to_string();
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut reader = BufReader::new(&*file);
    let (mut told, mut whole, mut number) = (Told::default(), 0, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = (&mut reader).take(LONGEST).read_until(b'\n', &mut line).map_err(io)? as u64;
        number += 1;
        if !line.ends_with(b"\n") {
            if count == LONGEST {
                return Err(format!("line {number}: longer than lines of a journal are"));
            }
            // A file of somebody's own is not cut off.
            let is_torn = line.starts_with(BEGINNING) || BEGINNING.starts_with(&line);
            if told.identity.is_none() && !is_torn {
                return Err("it is no journal".to_owned());
            }
            break;
        }
        let bad = || format!("line {number}: it is no line of a journal");
        let text = std::str::from_utf8(&line[..line.len() - 1]).map_err(|_| bad())?;
        if told.identity.is_none() {
            told.identity = Some(serde_json::from_str(text).map_err(|_| bad())?);
        } else if text == MADE {
            told.is_made = true;
        } else {
            let (rows, end) = text.split_once(" @").map_or((text, None), |(rows, end)| (rows, Some(end)));
            let end = end.map(|end| end.parse::<u64>().map_err(|_| bad())).transpose()?;
            if !told.done.add_all(rows) {
                return Err(bad());
            }
            told.length = end.unwrap_or(told.length);
        }
        whole += count;
    }
    if file.metadata().map_err(io)?.len() > whole {
        file.set_len(whole).map_err(io)?;
    }
    Ok(told)
}

/// In what two runs differ.
fn difference(one: &Identity, other: &Identity) -> Option<&'static str> {
    match () {
        () if one.openclick_render != other.openclick_render => Some("version of openclick"),
        () if one.template != other.template => Some("template"),
        () if one.recipients != other.recipients => Some("list (its size, time or beginning)"),
        () if one.output != other.output => Some("kind of output"),
        () if one.job != other.job => Some("job"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let recipients = ListIdentity { bytes: 1, modified: 2, start: "s".to_owned() };
        Identity {
            openclick_render: 1,
            output: "exec".into(),
            job: "j".into(),
            template: "t".into(),
            recipients,
        }
    }

    #[test]
    fn what_is_done_is_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let open = |resume| Journal::open(&path, identity(), false, resume);
        let opened = open(true).unwrap();
        assert!(!opened.is_old && opened.done.count() == 0);
        opened.journal.done(3).unwrap();
        assert!(open(true).err().unwrap().text().ends_with("another run writes it"));
        opened.journal.done_to(&[1, 5, 6, 7, 100_000], 4096).unwrap();
        drop(opened);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("\n3\n1,5-7,100000 @4096\n"), "{text}");
        assert!(open(false).err().unwrap().text().contains("--resume goes on"));
        // Torn at every byte of its last line.
        for cut in 0..=19 {
            std::fs::write(&path, &text[..text.len() - cut]).unwrap();
            let opened = open(true).unwrap();
            let expected: &[u64] = if cut == 0 { &[1, 3, 5, 6, 7, 100_000] } else { &[3] };
            let found: Vec<u64> = (0..200_000).filter(|row| opened.done.has(*row)).collect();
            assert_eq!(
                (found.as_slice(), opened.length),
                (expected, if cut == 0 { 4096 } else { 0 }),
                "{cut}"
            );
            opened.journal.done(2).unwrap();
            drop(opened);
            assert!(open(true).unwrap().done.has(2));
        }
    }

    #[test]
    fn another_run_does_not_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        drop(Journal::open(&path, identity(), false, false).unwrap());
        let failed = |identity, given| match Journal::open(&path, identity, given, true) {
            Ok(opened) => opened.identity.job,
            Err(failure) => failure.text().to_owned(),
        };
        assert!(failed(Identity { template: "u".into(), ..identity() }, false).contains("another template"));
        assert!(
            failed(Identity { output: "mbox".into(), ..identity() }, false)
                .contains("another kind of output")
        );
        assert!(failed(Identity { job: "k".into(), ..identity() }, true).contains("another job"));
        assert_eq!(failed(Identity { job: "k".into(), ..identity() }, false), "j");
        for line in ["x", "0", "9-3", "99999999999999", "1 @x", "\u{0}"] {
            let first = serde_json::to_string(&identity()).unwrap();
            std::fs::write(&path, format!("{first}\n{line}\n")).unwrap();
            assert!(failed(identity(), false).contains("line 2: it is no line of a journal"), "{line}");
        }
    }
}
