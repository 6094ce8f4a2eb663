//! Linux's files without a name, open(2) `O_TMPFILE`.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

/// `None` where the file system has no such files (or nothing can be made in the folder, which the next attempt will
/// tell), or `/proc`, by which they get a name, is not there.
pub(super) fn create(folder: &Path, mode: u32) -> Option<File> {
    if !Path::new("/proc/self/fd").exists() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    open(folder, flags, Mode::from_raw_mode(mode)).ok().map(File::from)
}

/// Gives the file a name that nothing has.
pub(super) fn name(file: &File, target: &Path) -> io::Result<()> {
    let here = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, here.as_str(), CWD, target, AtFlags::SYMLINK_FOLLOW)?)
}

/// Gives the file a name, in place of what has it.
pub(super) fn replace(file: &File, target: &Path) -> io::Result<()> {
    match name(file, target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => return result,
    }
    // Else `clear` might take it in that moment.
    super::lock(file);
    // A link cannot replace, a rename can: the file is whole by now, whatever it is called for a moment.
    let hidden = super::hidden_names().make_in(super::folder(target), |hidden| name(file, hidden))?;
    hidden.into_temp_path().persist(target).map_err(|error| error.error)
}
