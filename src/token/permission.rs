//! Reading and writing files that hold secrets.

use std::fs::{File, OpenOptions};
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
    let mut file = File::open(path).map_err(|error| io("open it", path, error))?;
    if strict {
        // On the open file: what is checked is what is read.
        check(&file, path)?;
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

/// Replaces a file at once: a temporary file beside it, synchronised, renamed. A file that is there keeps its mode (and
/// a symbolic link its place), a new one gets 0600.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let resolved = match std::fs::canonicalize(path) {
        Ok(resolved) => resolved,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(io("find it", path, error)),
    };
    let temporary = temporary_beside(&resolved, path)?;
    let written =
        write_new(&temporary, &resolved, text).and_then(|()| std::fs::rename(&temporary, &resolved));
    if let Err(error) = written {
        // The first failure is what the caller is told of.
        let _ = std::fs::remove_file(&temporary);
        return Err(io("write it", path, error));
    }
    sync_folder(&resolved).map_err(|error| io("synchronise its folder", path, error))
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

fn write_new(temporary: &Path, resolved: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(temporary)?;
    file.write_all(text.as_bytes())?;
    match std::fs::metadata(resolved) {
        Ok(metadata) => file.set_permissions(metadata.permissions())?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.sync_all()
}

/// The rename itself must survive a power cut.
fn sync_folder(resolved: &Path) -> std::io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = match resolved.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
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
