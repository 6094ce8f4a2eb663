//! Whether a file has changed.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that is looked at again and again. By its name: editors put another file in its place.
pub(super) struct Watch {
    path: PathBuf,
    /// As it was told of, and as it was found the last time.
    told: Stamp,
    found: Stamp,
}

/// What changes with a file; none where there is no file.
type Stamp = Option<(Option<SystemTime>, u64, u64)>;

impl Watch {
    /// Watches a file from now on.
    pub(super) fn new(path: &Path) -> Watch {
        let stamp = stamp(path);
        Watch { path: path.to_owned(), told: stamp, found: stamp }
    }

    /// Whether it has changed since this was asked, and has come to rest: it is not told of while somebody writes it.
    pub(super) fn has_changed(&mut self) -> bool {
        let now = stamp(&self.path);
        let rests = now == self.found;
        self.found = now;
        let has_changed = rests && now != self.told;
        if has_changed {
            self.told = now;
        }
        has_changed
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok(), metadata.len(), number(&metadata)))
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn changes_are_told_once_and_at_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "1").unwrap();
        let mut watch = Watch::new(&path);
        assert!(!watch.has_changed());
        fs::write(&path, "22").unwrap();
        assert_eq!([watch.has_changed(), watch.has_changed(), watch.has_changed()], [false, true, false]);
        fs::write(folder.path().join("b"), "22").unwrap();
        fs::rename(folder.path().join("b"), &path).unwrap();
        assert_eq!([watch.has_changed(), watch.has_changed(), watch.has_changed()], [false, true, false]);
        fs::remove_file(&path).unwrap();
        assert_eq!([watch.has_changed(), watch.has_changed(), watch.has_changed()], [false, true, false]);
    }
}
