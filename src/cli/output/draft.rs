//! A file to be, which gets its name once it is whole.

#[cfg(target_os = "linux")]
mod nameless;

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use super::folder;

/// Begins the name of a hidden file.
const PREFIX: &str = ".openclick-";

/// How many letters and digits stand behind it.
const RANDOM: usize = 6;

/// A file to be.
pub(super) struct Draft {
    file: Unfinished,
    pub(super) target: PathBuf,
    /// It takes the name from a file that has it.
    replaces: bool,
    /// What it will have, where it is like another.
    permissions: Option<Permissions>,
    /// What it cannot have of the other, in words.
    pub(super) lost: Option<String>,
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

impl Draft {
    /// Takes the place of what has the name.
    pub(super) fn replacing(target: PathBuf, old: Option<&Metadata>) -> io::Result<Draft> {
        Ok(Draft::new(Unfinished::beside(&target, old)?, target, true))
    }

    /// Never takes the place of another file.
    pub(super) fn new_like(target: PathBuf, other: &Metadata) -> io::Result<Draft> {
        let mut draft = Draft::new(Unfinished::beside(&target, Some(other))?, target, false);
        draft.take_over(other)?;
        Ok(draft)
    }

    /// Never takes the place of another file, and has what the umask leaves.
    pub(super) fn fresh(target: PathBuf) -> io::Result<Draft> {
        Ok(Draft::new(Unfinished::beside(&target, None)?, target, false))
    }

    fn new(file: Unfinished, target: PathBuf, replaces: bool) -> Draft {
        Draft { file, target, replaces, permissions: None, lost: None, modified: None }
    }

    /// The time that it will have.
    pub(super) fn dated(self, modified: Option<SystemTime>) -> Draft {
        Draft { modified, ..self }
    }

    /// What it holds so far.
    pub(super) fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// Takes over the owner, group and mode of another file, as far as this process may.
    #[cfg(unix)]
    pub(super) fn take_over(&mut self, old: &Metadata) -> io::Result<()> {
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
    pub(super) fn take_over(&mut self, old: &Metadata) -> io::Result<()> {
        self.permissions = Some(old.permissions());
        Ok(())
    }

    /// Brings all of it to the disk.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        let file = self.file.as_file();
        if let Some(permissions) = &self.permissions {
            file.set_permissions(permissions.clone())?;
        }
        if let Some(modified) = self.modified {
            file.set_modified(modified)?;
        }
        file.sync_all()
    }

    /// Gives it its name.
    pub(super) fn name(self) -> io::Result<()> {
        match (self.file, self.replaces) {
            #[cfg(target_os = "linux")]
            (Unfinished::Nameless(file), true) => nameless::replace(&file, &self.target)?,
            #[cfg(target_os = "linux")]
            (Unfinished::Nameless(file), false) => nameless::name(&file, &self.target)?,
            (Unfinished::Hidden(file), true) => drop(file.persist(&self.target)?),
            (Unfinished::Hidden(file), false) => drop(file.persist_noclobber(&self.target)?),
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
        let mut builder = hidden_names();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(Permissions::from_mode(first_mode(old)));
        }
        loop {
            let file = builder.tempfile_in(folder(target))?;
            // Between its making and its lock, `clear` may take it for one that was left.
            if lock(file.as_file()) && file.path().exists() {
                return Ok(Unfinished::Hidden(file));
            }
        }
    }

    fn as_file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Unfinished::Nameless(file) => file,
            Unfinished::Hidden(file) => file.as_file(),
        }
    }
}

/// Tells `clear` that somebody writes the file; `false` if that has the file already. Where a file system knows no locks it
/// removes nothing.
fn lock(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether a file has the name of one that is not finished.
pub(in super::super) fn is_unfinished(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    random.is_some_and(|name| name.len() == RANDOM && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Removes the unfinished files of a folder that nobody writes any more: what killed their process left them. One that cannot
/// be removed stays.
pub(in super::super) fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !is_unfinished(&entry.file_name()) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // Locks over a network want a file that is open for writing, which its mode may forbid.
        let opened = OpenOptions::new().write(true).open(&path).or_else(|_| File::open(&path));
        let Ok(file) = opened else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Makes the names of hidden files.
fn hidden_names() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM);
    builder
}

/// A new file has what the umask leaves. One that is like another is its maker's alone until it has the right group and
/// is whole: permissions are never wider than they will be.
#[cfg(unix)]
fn first_mode(old: Option<&Metadata>) -> u32 {
    if old.is_some() { 0o600 } else { 0o666 }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    type Make = fn(&Path, Option<&Metadata>) -> io::Result<Unfinished>;

    /// Both ways to make a file, whether or not one is there.
    #[test]
    fn drafts_get_their_name_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let make: [Make; 2] = [Unfinished::beside, Unfinished::hidden];
        for (make, is_there) in [(make[0], false), (make[0], true), (make[1], true), (make[1], false)] {
            match is_there {
                true => fs::write(&target, "old").unwrap(),
                false => drop(fs::remove_file(&target)),
            }
            let metadata = target.metadata().ok();
            let draft = || {
                let mut draft = Draft::new(make(&target, metadata.as_ref()).unwrap(), target.clone(), true);
                draft.permissions = metadata.as_ref().map(Metadata::permissions);
                draft
            };
            let old = fs::read(&target).ok();
            let mut dropped = draft();
            dropped.as_file().write_all(b"half").unwrap();
            dropped.settle().unwrap();
            drop(dropped);
            assert_eq!(fs::read(&target).ok(), old);
            let mut whole = draft();
            whole.as_file().write_all(b"whole").unwrap();
            whole.settle().unwrap();
            assert_eq!(fs::read(&target).ok(), old);
            whole.name().unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"whole");
            assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        }
    }

    /// What came while it was being written stays.
    #[test]
    fn a_new_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        for make in [Unfinished::beside as Make, Unfinished::hidden] {
            let draft = || Draft::new(make(&target, None).unwrap(), target.clone(), false);
            let late = draft();
            fs::write(&target, "other").unwrap();
            assert_eq!(late.name().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&target).unwrap(), b"other");
            assert_eq!(folder.path().read_dir().unwrap().count(), 1);
            fs::remove_file(&target).unwrap();
            draft().name().unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"");
            fs::remove_file(&target).unwrap();
        }
    }

    /// Also that of a run that still goes on: its lock tells.
    #[test]
    #[cfg(unix)]
    fn what_was_left_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let there = ["mail", ".openclick-", ".openclick-note", ".openclick-a.b.cd", ".openclick-abcdefg"];
        for name in there.iter().chain(&[".openclick-Ab3xYz"]) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join(".openclick-folder")).unwrap();
        let target = folder.path().join("out");
        let draft = Draft::new(Unfinished::hidden(&target, None).unwrap(), target.clone(), false);
        clear(folder.path());
        assert_eq!(folder.path().read_dir().unwrap().count(), there.len() + 2);
        draft.name().unwrap();
        assert!(target.exists() && !folder.path().join(".openclick-Ab3xYz").exists());
    }
}
