//! Where the output goes. A file appears under its name only once it is whole.

#[cfg(target_os = "linux")]
mod nameless;

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::NamedTempFile;

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

/// A file to be.
struct Draft {
    file: Unfinished,
    target: PathBuf,
    /// What it will have, where it replaces a file.
    permissions: Option<Permissions>,
    /// What it cannot have of the file that it replaces, in words.
    lost: Option<String>,
    /// The time that it will have, where that is not now.
    modified: Option<SystemTime>,
}

enum Unfinished {
    /// A file without a name: whatever kills this process, nothing is left of it.
    #[cfg(target_os = "linux")]
    Nameless(File),
    /// A hidden file beside the target, removed when it is dropped.
    Hidden(NamedTempFile),
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
        let file = Unfinished::beside(&target, metadata.as_ref()).map_err(|error| {
            match path.is_symlink() && error.kind() == io::ErrorKind::NotFound {
                // Its own folder is there; the one that is not is nowhere to be seen.
                true => refuse(format!("it is a symbolic link to {}: {}", target.display(), Cause(&error))),
                false => refuse_io(error),
            }
        })?;
        let mut draft = Draft { file, target, permissions: None, lost: None, modified: None };
        if let Some(old) = &metadata {
            draft.take_over(old).map_err(refuse_io)?;
        }
        Ok(Output::new(Sink::Draft(draft), name))
    }

    /// A new file with the owner, group, mode and, if asked, the time of another, as far as this process may.
    pub(super) fn like(path: &Path, old: &Metadata, keep_time: bool) -> Result<Output, Failure> {
        let make = || {
            let file = Unfinished::beside(path, Some(old))?;
            let mut draft =
                Draft { file, target: path.to_owned(), permissions: None, lost: None, modified: None };
            draft.take_over(old)?;
            draft.modified = old.modified().ok().filter(|_| keep_time);
            Ok(draft)
        };
        match make() {
            Ok(draft) => Ok(Output::new(Sink::Draft(draft), path.display().to_string())),
            Err(error) => Err(Failure::new(
                Exit::CannotCreate,
                format!("cannot create {}: {}", path.display(), Cause(&error)),
            )),
        }
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

    fn give_name(mut self, lasts: bool) -> Result<(), Failure> {
        self.settle()?;
        let named = match self.sink.into_parts().0 {
            Sink::Stdout(_) | Sink::Special(_) => Ok(()),
            Sink::Draft(draft) => {
                let folder = folder(&draft.target).to_owned();
                draft.name().and_then(|()| if lasts { sync_folder(&folder) } else { Ok(()) })
            }
        };
        named.map_err(|error| Failure::writing(&self.name, &error))
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
            Sink::Draft(draft) => draft.file.as_file().write(bytes),
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
fn is_descriptor(path: &Path) -> bool {
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

impl Draft {
    /// Takes over the owner, group and mode of the file that will be replaced, as far as this process may.
    #[cfg(unix)]
    fn take_over(&mut self, old: &Metadata) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

        let file = self.file.as_file();
        let new = file.metadata()?;
        let (uid, gid) = (old.uid(), old.gid());
        let keeps_both = (new.uid(), new.gid()) == (uid, gid) || fchown(file, Some(uid), Some(gid)).is_ok();
        // The owner of a file may give it to a group of his own, and to nobody else.
        let keeps_group = keeps_both || new.gid() == gid || fchown(file, None, Some(gid)).is_ok();
        let mut mode = old.mode() & 0o7777;
        if !keeps_both {
            let lost = match (new.uid() == uid, keeps_group) {
                (false, true) => format!("its owner, user {uid}"),
                (true, _) => format!("its group, {gid}"),
                (false, false) => format!("its owner, user {uid}, and its group, {gid}"),
            };
            self.lost = Some(format!("{lost}, could not be kept"));
            // What runs with the rights of its owner must not run with those of another.
            mode &= 0o777;
        }
        if !keeps_group {
            // What the mode gave to one group is not for another: it has no more than everybody has.
            mode &= 0o707 | (mode & 0o007) << 3;
        }
        self.permissions = Some(Permissions::from_mode(mode));
        Ok(())
    }

    #[cfg(not(unix))]
    fn take_over(&mut self, old: &Metadata) -> io::Result<()> {
        self.permissions = Some(old.permissions());
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        let file = self.file.as_file();
        if let Some(permissions) = &self.permissions {
            file.set_permissions(permissions.clone())?;
        }
        if let Some(modified) = self.modified {
            file.set_modified(modified)?;
        }
        file.sync_all()
    }

    fn name(self) -> io::Result<()> {
        match self.file {
            #[cfg(target_os = "linux")]
            Unfinished::Nameless(file) => nameless::name(&file, &self.target)?,
            Unfinished::Hidden(file) => drop(file.persist(&self.target).map_err(|error| error.error)?),
        }
        Ok(())
    }
}

impl Unfinished {
    fn beside(target: &Path, old: Option<&Metadata>) -> io::Result<Unfinished> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless::create(folder(target), first_mode(old)) {
            return Ok(Unfinished::Nameless(file));
        }
        Unfinished::hidden(target, old)
    }

    #[cfg_attr(not(unix), allow(unused_variables))]
    fn hidden(target: &Path, old: Option<&Metadata>) -> io::Result<Unfinished> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".openclick-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(Permissions::from_mode(first_mode(old)));
        }
        builder.tempfile_in(folder(target)).map(Unfinished::Hidden)
    }

    fn as_file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Unfinished::Nameless(file) => file,
            Unfinished::Hidden(file) => file.as_file(),
        }
    }
}

/// A new file has what the umask leaves. One that replaces another is its maker's alone until it has the right group and
/// is whole: permissions are never wider than they will be.
#[cfg(unix)]
fn first_mode(old: Option<&Metadata>) -> u32 {
    if old.is_some() { 0o600 } else { 0o666 }
}

/// New names in a folder survive a power cut after this. A folder that cannot be read cannot be synchronised.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}

fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways to make a file, whether or not one is there.
    #[test]
    fn drafts_get_their_name_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        type Make = fn(&Path, Option<&Metadata>) -> io::Result<Unfinished>;
        let make: [Make; 2] = [Unfinished::beside, Unfinished::hidden];
        for (make, is_there) in [(make[0], false), (make[0], true), (make[1], true), (make[1], false)] {
            match is_there {
                true => std::fs::write(&target, "old").unwrap(),
                false => drop(std::fs::remove_file(&target)),
            }
            let metadata = target.metadata().ok();
            let draft = || {
                let file = make(&target, metadata.as_ref()).unwrap();
                let permissions = metadata.as_ref().map(Metadata::permissions);
                Draft { file, target: target.clone(), permissions, lost: None, modified: None }
            };
            let old = std::fs::read(&target).ok();
            let mut dropped = draft();
            dropped.file.as_file().write_all(b"half").unwrap();
            dropped.settle().unwrap();
            drop(dropped);
            assert_eq!(std::fs::read(&target).ok(), old);
            let mut whole = draft();
            whole.file.as_file().write_all(b"whole").unwrap();
            whole.settle().unwrap();
            assert_eq!(std::fs::read(&target).ok(), old);
            whole.name().unwrap();
            assert_eq!(std::fs::read(&target).unwrap(), b"whole");
            assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        }
    }
}
