//! Where the output goes. A file appears under its name only once it is whole.

mod draft;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::{Path, PathBuf};

use self::draft::Draft;
pub(super) use self::draft::{clear, is_unfinished};
use super::exit::{Cause, Exit, Failure};

/// What is written at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// Stdout, a file that is replaced, or something that is no file, such as `/dev/null` or a named pipe.
pub(super) struct Output {
    sink: BufWriter<Sink>,
    name: String,
}

enum Sink {
    Stdout(StdoutLock<'static>),
    Special(File),
    Draft(Draft),
}

impl Output {
    /// Stdout.
    pub(super) fn stdout() -> Output {
        Output::new(Sink::Stdout(io::stdout().lock()), "standard output".to_owned())
    }

    /// A file, which is made or replaced by [`Output::commit`].
    pub(super) fn file(path: &Path) -> Result<Output, Failure> {
        let refuse = |why: String| {
            Failure::new(Exit::CannotCreate, format!("cannot create {}: {why}", path.display()))
        };
        let refuse_io = |error: io::Error| refuse(Cause(&error).to_string());
        let name = path.display().to_string();
        if is_descriptor(path) {
            // What is open there is written behind what it holds, as `>>` may have asked for.
            let file = OpenOptions::new().append(true).open(path).map_err(refuse_io)?;
            return Ok(Output::new(Sink::Special(file), name));
        }
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(refuse("it is the name of a folder".to_owned()));
        }
        let target = resolve(path).map_err(refuse_io)?;
        let metadata = match target.metadata() {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(refuse_io(error)),
        };
        if metadata.as_ref().is_some_and(|metadata| metadata.is_dir()) {
            return Err(refuse("it is a folder".to_owned()));
        }
        if metadata.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            let file = OpenOptions::new().write(true).open(&target).map_err(refuse_io)?;
            return Ok(Output::new(Sink::Special(file), name));
        }
        let shown = target.display().to_string();
        let mut draft = Draft::replacing(target, metadata.as_ref()).map_err(|error| {
            match path.is_symlink() && error.kind() == io::ErrorKind::NotFound {
                // Its own folder is there; the one that is not is nowhere to be seen.
                true => refuse(format!("it is a symbolic link to {shown}: {}", Cause(&error))),
                false => refuse_io(error),
            }
        })?;
        if let Some(old) = &metadata {
            draft.take_over(old).map_err(refuse_io)?;
        }
        Ok(Output::new(Sink::Draft(draft), name))
    }

    /// A new file with the owner, group, mode and, if asked, the time of another, as far as this process may. It never
    /// takes the place of a file that is there when it is committed: another run may have made that in the meantime.
    pub(super) fn like(path: &Path, old: &Metadata, keep_time: bool) -> Result<Output, Failure> {
        let time = old.modified().ok().filter(|_| keep_time);
        let draft = Draft::new_like(path.to_owned(), old).map_err(|error| creating(path, &error))?;
        Ok(Output::new(Sink::Draft(draft.dated(time)), path.display().to_string()))
    }

    /// A new file, which never takes the place of one that is there when it is committed.
    pub(super) fn fresh(path: PathBuf) -> Result<Output, Failure> {
        let name = path.display().to_string();
        let draft = Draft::fresh(path.clone()).map_err(|error| creating(&path, &error))?;
        Ok(Output::new(Sink::Draft(draft), name))
    }

    fn new(sink: Sink, name: String) -> Output {
        Output { sink: BufWriter::with_capacity(BUFFER, sink), name }
    }

    /// The output in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the file cannot have of the one that it replaces, in words.
    pub(super) fn lost(&self) -> Option<String> {
        match self.sink.get_ref() {
            Sink::Draft(draft) => draft.lost.as_ref().map(|lost| format!("{}: {lost}", self.name)),
            Sink::Stdout(_) | Sink::Special(_) => None,
        }
    }

    /// Whether somebody sees the output on a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self.sink.get_ref(), Sink::Stdout(stdout) if stdout.is_terminal())
    }

    /// Writes what is still held, as far as the disk: what can fail has failed after this.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        let settled = self.sink.flush().and_then(|()| match self.sink.get_mut() {
            Sink::Stdout(_) | Sink::Special(_) => Ok(()),
            Sink::Draft(draft) => draft.settle(),
        });
        settled.map_err(|error| Failure::writing(&self.name, &error))
    }

    /// Settles, and gives a file its name, which survives a power cut.
    pub(super) fn commit(self) -> Result<(), Failure> {
        self.give_name(true)
    }

    /// Settles, and gives a file its name. Where many come into one folder, the caller synchronises it once.
    pub(super) fn commit_one_of_many(self) -> Result<(), Failure> {
        self.give_name(false)
    }

    /// Gives a file its name, and leaves it to the caller to bring it to the disk: with many others at once.
    pub(super) fn commit_unsettled(mut self) -> Result<(), Failure> {
        let flushed = self.sink.flush();
        flushed.map_err(|error| Failure::writing(&self.name, &error))?;
        self.name_it(false)
    }

    fn give_name(mut self, lasts: bool) -> Result<(), Failure> {
        self.settle()?;
        self.name_it(lasts)
    }

    fn name_it(self, lasts: bool) -> Result<(), Failure> {
        let named = match self.sink.into_parts().0 {
            Sink::Stdout(_) | Sink::Special(_) => Ok(()),
            Sink::Draft(draft) => {
                let folder = folder(&draft.target).to_owned();
                draft.name().and_then(|()| if lasts { sync_folder(&folder) } else { Ok(()) })
            }
        };
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::new(Exit::CannotCreate, format!("cannot create {}: it is there already", self.name))
            }
            _ => Failure::writing(&self.name, &error),
        })
    }
}

/// Whether stdin can be read and stdout be written, where they are wanted. Rust takes the error of a descriptor that is open
/// the other way (`1<file`) for the end of the input, or for a success: the mail would be lost with a 0.
pub(super) fn check_streams(input: bool, output: bool) -> Result<(), Failure> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{OFlags, fcntl_getfl};
        let is_open = |flags: rustix::io::Result<OFlags>, wrong| {
            flags.is_ok_and(|flags| (flags & OFlags::RWMODE) != wrong)
        };
        if input && !is_open(fcntl_getfl(io::stdin()), OFlags::WRONLY) {
            return Err(Failure::new(Exit::NoInput, "standard input is not open for reading"));
        }
        if output && !is_open(fcntl_getfl(io::stdout()), OFlags::RDONLY) {
            return Err(Failure::new(Exit::Io, "standard output is not open for writing"));
        }
    }
    Ok(())
}

/// A file could not be made. A full disk is said to be one, whatever it has too little of: no other file can be made either.
fn creating(path: &Path, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Exit::Io,
        _ => Exit::CannotCreate,
    };
    Failure::new(exit, format!("cannot create {}: {}", path.display(), Cause(error)))
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Stdout(stdout) => stdout.write(bytes),
            Sink::Special(file) => file.write(bytes),
            Sink::Draft(draft) => draft.as_file().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Stdout(stdout) => stdout.flush(),
            // Files have no buffer of their own.
            Sink::Special(_) | Sink::Draft(_) => Ok(()),
        }
    }
}

/// Whether a path stands for stdout. Where that is a file, as in `-o /dev/stdout >> FILE`, it must not be replaced by
/// another.
pub(super) fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Whether two paths name one file, which may be still to be made.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| {
        let target = resolve(path).ok()?;
        Some((folder(&target).canonicalize().ok()?, target.file_name()?.to_owned()))
    };
    one == other || whole(one).is_some_and(|one| whole(other) == Some(one))
}

/// Whether a path leads to an open file by the system's name for it, such as `/dev/stderr` or `/dev/fd/3`.
pub(super) fn is_descriptor(path: &Path) -> bool {
    /// The system follows no more links.
    const MOST_LINKS: usize = 40;

    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        if folder(&target).canonicalize().is_ok_and(|at| at.starts_with("/proc") && at.ends_with("fd")) {
            return true;
        }
        let Ok(next) = target.read_link() else { return false };
        target = folder(&target).join(next);
    }
    false
}

/// Where a path leads through symbolic links: they stay, and what they point to is made or replaced.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // Links in a circle among the errors.
        known => return known,
    }
    let mut target = path.to_owned();
    while let Ok(next) = target.read_link() {
        target = folder(&target).join(next);
    }
    Ok(target)
}

/// New names in a folder survive a power cut after this. A folder that cannot be read cannot be synchronised.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}

/// The folder of a file, however short its name is.
pub(super) fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where no file can be made for want of room, a run over many must end, as it does where one cannot be written.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_without_room_for_names_is_full() {
        let exit = |number| creating(Path::new("x"), &io::Error::from_raw_os_error(number)).exit;
        // ENOSPC, EDQUOT, EACCES.
        assert_eq!([28, 122, 13].map(exit), [Exit::Io, Exit::Io, Exit::CannotCreate]);
        let failure = creating(Path::new("out/x"), &io::Error::from_raw_os_error(28));
        assert_eq!(failure.text(), "cannot create out/x: no space left on device");
    }
}
