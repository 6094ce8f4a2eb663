//! The report of a run: lines of JSON, which grow with it.
//!
//! What was made for a message, its id above all, stands nowhere else. So a line is on the disk before the file that it tells of
//! has its name: whatever ends the run, no output is without its lines. The other way round a line may tell of what was not
//! written. A line with `error` and without `number` follows where that is known, at the latest when a run goes on.

mod earlier;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::super::exit::{Cause, Exit, Failure};
use super::super::output::{folder, is_descriptor, is_stdout, sync_folder};
use super::super::sanitize::write_json_line;
use super::super::stop::Stop;
use super::plan::Plan;

/// What is written at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// Where all threads write their lines.
pub(super) struct Report {
    lines: Mutex<Lines>,
    /// The file and how much of it is on the disk; nothing where the report goes elsewhere.
    disk: Option<(File, Mutex<u64>)>,
    stop: Stop,
}

struct Lines {
    sink: BufWriter<Box<dyn Write + Send>>,
    name: String,
    /// In bytes, of this run.
    written: u64,
    /// Why there can be no more.
    broken: Option<Failure>,
}

/// A line.
#[derive(Serialize)]
struct Line<'a, T> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'a str,
}

/// A line about a file, or about one of its messages.
pub(super) fn line(file: &Path, number: Option<u64>, what: impl Serialize) -> Vec<u8> {
    let mut line = Vec::new();
    let file = &file.display().to_string();
    // Memory takes everything.
    let _ = write_json_line(&mut line, &Line { file, number, what });
    line
}

/// A line about a message that failed; without a number about a file: nothing that lines tell of it is in an output.
pub(super) fn failed_line(file: &Path, number: Option<u64>, error: &str) -> Vec<u8> {
    line(file, number, Failed { error })
}

impl Report {
    /// Opens the report, and keeps other runs from it; if it cannot be written later, the run is to stop.
    pub(super) fn open(path: &Path, stop: Stop) -> Result<Report, Failure> {
        let refuse = |why: String| {
            Failure::new(Exit::CannotCreate, format!("cannot create {}: {why}", path.display()))
        };
        let refuse_io = |error: io::Error| refuse(Cause(&error).to_string());
        if is_stdout(path) {
            return Ok(Report::new(Box::new(io::stdout()), "standard output".to_owned(), None, stop));
        }
        let name = path.display().to_string();
        if is_descriptor(path) || path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            // A named pipe must not be opened for reading: it would be its own reader.
            let file = OpenOptions::new().append(true).open(path).map_err(refuse_io)?;
            return Ok(Report::new(Box::new(file), name, None, stop));
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(refuse_io)?;
        // Where the file system knows no locks there is none.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(refuse("another run writes it".to_owned()));
        }
        sync_folder(folder(path)).map_err(refuse_io)?;
        let disk = Some((file.try_clone().map_err(refuse_io)?, Mutex::new(0)));
        Ok(Report::new(Box::new(file), name, disk, stop))
    }

    /// Begins a new report of what is planned; a run that goes on keeps the lines of those before.
    pub(super) fn begin(&self, plan: &Plan, resume: bool) -> Result<(), Failure> {
        let Some((file, _)) = &self.disk else { return Ok(()) };
        let taken_back = match resume {
            true => earlier::mend(file, plan),
            false => file.set_len(0).map(|()| Vec::new()),
        };
        for file in taken_back.map_err(|error| Failure::writing(&self.lines().name, &error))? {
            self.write(&failed_line(Path::new(&file), None, earlier::NOT_THERE));
        }
        Ok(())
    }

    fn new(
        sink: Box<dyn Write + Send>,
        name: String,
        disk: Option<(File, Mutex<u64>)>,
        stop: Stop,
    ) -> Report {
        let lines = Lines { sink: BufWriter::with_capacity(BUFFER, sink), name, written: 0, broken: None };
        Report { lines: Mutex::new(lines), disk, stop }
    }

    /// Writes a line; `false` if the report is broken: then nothing that it tells of may be written.
    pub(super) fn write(&self, line: &[u8]) -> bool {
        let lines = &mut *self.lines();
        let result = match lines.broken {
            None => lines.sink.write_all(line),
            Some(_) => return false,
        };
        lines.written += line.len() as u64;
        self.judge(lines, result)
    }

    /// All lines so far are on the disk after this, or wherever they go; `false` if the report is broken.
    pub(super) fn keep(&self) -> bool {
        let Some((file, kept)) = &self.disk else { return self.flush().is_some() };
        let wanted = self.lines().written;
        // While one synchronises the others wait here, and then find that theirs are there too.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept >= wanted {
            return true;
        }
        let Some(written) = self.flush() else { return false };
        let result = file.sync_data();
        if result.is_ok() {
            *kept = written;
        }
        self.judge(&mut self.lines(), result)
    }

    /// Keeps what is told, and says why it could not tell all.
    pub(super) fn end(&self) -> Option<Failure> {
        self.keep();
        self.lines().broken.take()
    }

    /// Hands on what is held, and says how much was told until now.
    pub(super) fn flush(&self) -> Option<u64> {
        let lines = &mut *self.lines();
        let result = match lines.broken {
            None => lines.sink.flush(),
            Some(_) => return None,
        };
        self.judge(lines, result).then_some(lines.written)
    }

    fn judge(&self, lines: &mut Lines, result: io::Result<()>) -> bool {
        if let Err(error) = &result {
            lines.broken.get_or_insert_with(|| Failure::writing(&lines.name, error));
            self.stop.set();
        }
        result.is_ok()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Nothing panics that leaves half a line.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
