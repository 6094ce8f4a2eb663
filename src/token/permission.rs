//! Reading and writing files that hold secrets.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

/// More than 32 keys and a page of comments.
const MAX_FILE: u64 = 64 * 1024;

fn io(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("key file {}: cannot {what}: {error}", path.display())).because(error)
}

/// Reads a key file, refusing one that is open to others where `strict`.
pub(crate) fn read(path: &Path, strict: bool) -> Result<Zeroizing<String>> {
    read_open(&File::open(path).map_err(|error| io("open it", path, error))?, path, strict)
}

fn read_open(mut file: &File, path: &Path, strict: bool) -> Result<Zeroizing<String>> {
    if strict {
        // On the open file: what is checked is what is read.
        check(file, path)?;
    }
    let mut text = Zeroizing::new(String::new());
    // Reading grows no buffer, which would leave copies of the keys behind.
    text.reserve_exact(MAX_FILE as usize + 1);
    (&mut file).take(MAX_FILE + 1).read_to_string(&mut text).map_err(|error| io("read it", path, error))?;
    if text.len() as u64 > MAX_FILE {
        return Err(Error::new(
            ErrorKind::Key,
            format!("key file {}: it has more than {MAX_FILE} bytes", path.display()),
        ));
    }
    Ok(text)
}

/// A key file that nobody else edits until this goes.
pub(crate) struct Locked<'a> {
    file: File,
    path: &'a Path,
}

impl<'a> Locked<'a> {
    /// Waits until nobody else edits the file.
    ///
    /// The file itself is locked, and no lock file is left to wonder about. But an edit puts another file in its place:
    /// whoever waited has then locked what no longer has the name, and must begin again.
    pub(crate) fn new(path: &'a Path) -> Result<Locked<'a>> {
        loop {
            let file = open_to_lock(path).map_err(|error| io("open it", path, error))?;
            if !file.metadata().map_err(|error| io("look at it", path, error))?.is_file() {
                return Err(Error::new(
                    ErrorKind::Key,
                    format!("key file {}: it is no regular file, which could be replaced", path.display()),
                ));
            }
            file.lock().map_err(|error| io("lock it", path, error))?;
            if has_name(&file, path).map_err(|error| io("find it", path, error))? {
                return Ok(Locked { file, path });
            }
        }
    }

    pub(crate) fn read(&self, strict: bool) -> Result<Zeroizing<String>> {
        read_open(&self.file, self.path, strict)
    }

    pub(crate) fn replace(self, text: &str) -> Result<()> {
        replace(self.path, text)
    }
}

/// NFS locks only what is open for writing; a file of mode 0400 can be edited all the same.
fn open_to_lock(path: &Path) -> std::io::Result<File> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => File::open(path),
        opened => opened,
    }
}

#[cfg(unix)]
fn has_name(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let (ours, named) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((ours.dev(), ours.ino()) == (named.dev(), named.ino()))
}

/// Elsewhere an open file cannot lose its name to another.
#[cfg(not(unix))]
fn has_name(_: &File, _: &Path) -> std::io::Result<bool> {
    Ok(true)
}

#[cfg(unix)]
fn check(file: &File, path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    const OTHERS: u32 = 0o007;
    const GROUP_WRITE: u32 = 0o020;

    let mode = file.metadata().map_err(|error| io("look at its permissions", path, error))?.mode() & 0o7777;
    let who = match (mode & OTHERS, mode & GROUP_WRITE) {
        (0, 0) => return Ok(()),
        (0, _) => "its group can write it",
        (others, 0) if others & 0o002 == 0 => "others can read it",
        _ => "others than its owner can write it",
    };
    Err(Error::new(
        ErrorKind::Key,
        format!(
            "key file {path} has mode {mode:04o}: {who}, and whoever has a key can forge and read tracking links; \
             run `chmod {mended:04o} {path}`",
            path = path.display(),
            mended = mode & 0o777 & !OTHERS & !GROUP_WRITE & !0o110,
        ),
    ))
}

#[cfg(not(unix))]
fn check(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

/// Makes a file of mode 0600, which must not be there yet.
pub(crate) fn create(path: &Path, text: &str) -> Result<()> {
    let mut file = create_new(path).map_err(|error| io("create it", path, error))?;
    if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()) {
        // The first failure is what the caller is told of.
        let _ = std::fs::remove_file(path);
        return Err(io("write it", path, error));
    }
    sync_folder(path).map_err(|error| io("synchronise its folder", path, error))
}

/// Replaces a file at once: a temporary file beside it, synchronised, renamed. A file that is there keeps its owner,
/// group and mode (and a symbolic link its place), a new one gets 0600.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let resolved = resolve(path).map_err(|error| io("find it", path, error))?;
    let temporary = temporary_beside(&resolved, path)?;
    let written = write_new(&temporary, &resolved, text, path)
        .and_then(|()| std::fs::rename(&temporary, &resolved).map_err(|error| io("write it", path, error)));
    if let Err(error) = written {
        // The first failure is what the caller is told of.
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    sync_folder(&resolved).map_err(|error| io("synchronise its folder", path, error))
}

/// Where a path leads through symbolic links, the last of which may point to a file that is still to be made.
fn resolve(path: &Path) -> std::io::Result<PathBuf> {
    match std::fs::canonicalize(path) {
        // Links in a circle are another error.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut target = path.to_owned();
            while let Ok(next) = target.read_link() {
                target = folder(&target).join(next);
            }
            Ok(target)
        }
        resolved => resolved,
    }
}

fn temporary_beside(resolved: &Path, path: &Path) -> Result<PathBuf> {
    let name = resolved.file_name().ok_or_else(|| {
        Error::new(ErrorKind::Key, format!("key file {}: it has no file name", path.display()))
    })?;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| {
        Error::new(ErrorKind::Io, "the system has no random bytes").because(error.to_string())
    })?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{:016x}", u64::from_ne_bytes(random)));
    Ok(resolved.with_file_name(hidden))
}

fn create_new(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_new(temporary: &Path, resolved: &Path, text: &str, path: &Path) -> Result<()> {
    let failed = |error| io("write it", path, error);
    let mut file = create_new(temporary).map_err(failed)?;
    let old = match std::fs::metadata(resolved) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if let Some(old) = &old {
        keep_owner(&file, old, path)?;
    }
    file.write_all(text.as_bytes()).map_err(failed)?;
    if let Some(old) = old {
        // Not before the group is the right one: the mode may let it read.
        file.set_permissions(old.permissions()).map_err(failed)?;
    }
    file.sync_all().map_err(failed)
}

/// Gives the new file the owner and group of the old one. The keys must stay readable to whom they were readable, the
/// endpoint perhaps, and to nobody else: where that cannot be, nothing is replaced.
#[cfg(unix)]
fn keep_owner(new: &File, old: &Metadata, path: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let metadata = new.metadata().map_err(|error| io("write it", path, error))?;
    let (uid, gid) = (old.uid(), old.gid());
    if (metadata.uid(), metadata.gid()) == (uid, gid) {
        return Ok(());
    }
    fchown(new, Some(uid), Some(gid)).map_err(|_| {
        let (owner, it, who) = match metadata.uid() == uid {
            true => (format!("group {gid}"), "it", "a member of that group"),
            false => (format!("user {uid} and group {gid}"), "them", "that user"),
        };
        Error::new(
            ErrorKind::Io,
            format!(
                "key file {}: it belongs to {owner}, and a new file cannot be given to {it}: run this as {who} or as root; \
                 nothing was changed",
                path.display()
            ),
        )
    })
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata, _: &Path) -> Result<()> {
    Ok(())
}

/// The rename itself must survive a power cut.
fn sync_folder(resolved: &Path) -> std::io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    File::open(folder(resolved))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes to standard output; a regular file there (`openclick key new > KEYS`) first gets mode 0600, since with
/// the usual umask of 022 the key file would be refused at once.
pub(crate) fn write_stdout(text: &str) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::PermissionsExt;

        let file = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
        if file.metadata()?.is_file() {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
