//! The key file as text: what `openclick key` edits.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::key::SLOTS;
use super::permission::{self, Locked};
use super::time;
use crate::{Error, ErrorKind, Result};

/// What the key of a slot is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum KeyState {
    /// It seals, and opens. Exactly one key is active.
    Active,
    /// It opens only: not yet promoted, or replaced.
    Accept,
    /// Its tokens are refused.
    Retired,
}

impl KeyState {
    /// The word in the key file.
    ///
    /// ```
    /// assert_eq!(openclick::KeyState::Accept.as_str(), "accept");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            KeyState::Active => "active",
            KeyState::Accept => "accept",
            KeyState::Retired => "retired",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A line of a key file without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KeyEntry {
    /// The slot, 0 to 31.
    pub slot: u8,
    /// What the key is used for.
    pub state: KeyState,
    /// The last second, since 1970-01-01T00:00Z, at which the key may seal.
    pub not_after: Option<u64>,
}

/// A key file that can be edited. Comments and empty lines stay where they are.
///
/// Each line holds `slot state key [not-after]`: a number from 0 to 31; `active`, `accept` or `retired`; 32 bytes in
/// base64url without padding; a date, `2027-01-31` (its end, UTC) or `2027-01-31T12:00:00Z`, after which the key does not
/// seal. What follows `#` is a comment.
///
/// A new key comes into use in two steps, because every endpoint must know it before the first link is sealed with it:
/// [`add`](KeyFile::add) it, deploy the file everywhere, [`promote`](KeyFile::promote) it and deploy again; once no mail
/// of the old key matters, [`retire`](KeyFile::retire) that one.
///
/// ```
/// use openclick::{KeyFile, KeyRing, KeyState};
///
/// let mut file = KeyFile::new();
/// let slot = file.add(None)?;
/// file.promote(slot)?;
/// file.retire(0)?;
/// assert_eq!(file.list()[0].state, KeyState::Retired);
/// assert_eq!(KeyRing::parse(&file.text())?.active_slot(), 1);
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Clone)]
pub struct KeyFile {
    lines: Vec<Line>,
}

#[derive(Clone)]
enum Line {
    /// A comment or an empty line.
    Other(String),
    Key {
        entry: KeyEntry,
        key: Zeroizing<[u8; 32]>,
        /// As it was written.
        not_after: Option<String>,
        comment: Option<String>,
    },
}

impl KeyFile {
    /// A file with one new active key, in slot 0, from the system's random source.
    ///
    /// # Panics
    ///
    /// If the system has no random source.
    ///
    /// ```
    /// assert_eq!(openclick::KeyFile::new().list().len(), 1);
    /// ```
    #[allow(clippy::new_without_default)] // Every call makes another secret; that is no default.
    #[must_use]
    pub fn new() -> KeyFile {
        let comment = "# Keys of openclick: slot state key [not-after]. Whoever has them can forge and read tracking links.";
        KeyFile { lines: vec![Line::Other(comment.to_owned()), Line::new_key(0, KeyState::Active)] }
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Key`], with the line's number in the message and the offset of its first byte, if a line cannot be
    /// read, a slot or a key stands twice, or not exactly one key is active. The message never shows a key.
    ///
    /// ```
    /// let error = openclick::KeyFile::parse("# none\n").map(drop).unwrap_err();
    /// assert_eq!(error.to_string(), "expected one active key, found none");
    /// ```
    pub fn parse(text: &str) -> Result<KeyFile> {
        let mut file = KeyFile { lines: Vec::new() };
        let mut offset = 0;
        for (number, whole) in text.split_inclusive('\n').enumerate() {
            let line = Line::parse(whole.trim_end_matches(['\n', '\r']))
                .and_then(|line| file.check_against(&line).map(|()| line))
                .map_err(|why| {
                    Error::new(ErrorKind::Key, format!("line {}: {why}", number + 1)).at(offset)
                })?;
            file.lines.push(line);
            offset += whole.len() as u64;
        }
        if file.active().is_none() {
            return Err(Error::new(ErrorKind::Key, "expected one active key, found none"));
        }
        Ok(file)
    }

    /// Reads a key file; see [`KeyRing::from_file`](crate::KeyRing::from_file).
    ///
    /// # Errors
    ///
    /// As [`KeyRing::from_file`](crate::KeyRing::from_file).
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("KEYS");
    /// openclick::KeyFile::new().write(&path)?;
    /// let file = openclick::KeyFile::read(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<KeyFile> {
        let path = path.as_ref();
        KeyFile::parse_named(&permission::read(path, true)?, path)
    }

    /// Edits a key file in place: reads it, lets `change` change it, and writes it as [`write`](KeyFile::write) does. From
    /// the first to the last no other `edit` of the file begins, in whatever process, so that no change is lost (on
    /// systems other than Unix as far as they keep an open file from being replaced). Gives what `change` gives.
    ///
    /// # Errors
    ///
    /// As [`KeyRing::from_file`](crate::KeyRing::from_file), then what `change` fails with, then as
    /// [`write`](KeyFile::write). The file is as it was then. Also [`ErrorKind::Io`] where the file system has no locks.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("KEYS");
    /// # openclick::KeyFile::new().write(&path)?;
    /// let slot = openclick::KeyFile::edit(&path, |file| file.add(None))?;
    /// assert_eq!(slot, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn edit<T>(path: impl AsRef<Path>, change: impl FnOnce(&mut KeyFile) -> Result<T>) -> Result<T> {
        edit(path.as_ref(), true, change)
    }

    /// [`edit`](KeyFile::edit), whoever else can read or write the file; see
    /// [`KeyRing::from_open_file`](crate::KeyRing::from_open_file).
    ///
    /// # Errors
    ///
    /// As [`edit`](KeyFile::edit), except for the file's mode.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("KEYS");
    /// # openclick::KeyFile::new().write(&path)?;
    /// openclick::KeyFile::edit_open(&path, |file| file.add(None))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn edit_open<T>(path: impl AsRef<Path>, change: impl FnOnce(&mut KeyFile) -> Result<T>) -> Result<T> {
        edit(path.as_ref(), false, change)
    }

    fn parse_named(text: &str, path: &Path) -> Result<KeyFile> {
        KeyFile::parse(text).map_err(|error| {
            let named = Error::new(error.kind(), format!("key file {}: {error}", path.display()));
            error.offset().into_iter().fold(named, Error::at)
        })
    }

    fn check_against(&self, new: &Line) -> std::result::Result<(), String> {
        let Line::Key { entry: new, key: new_key, .. } = new else { return Ok(()) };
        for (entry, key) in self.keys() {
            if entry.slot == new.slot {
                return Err(format!("slot {} stands twice", new.slot));
            }
            // The one would stay in use when the other is retired.
            if bool::from(key.ct_eq(&**new_key)) {
                return Err(format!("slots {} and {} have the same key", entry.slot, new.slot));
            }
            if entry.state == KeyState::Active && new.state == KeyState::Active {
                return Err(format!("slots {} and {} are both active; expected one", entry.slot, new.slot));
            }
        }
        Ok(())
    }

    /// The file's text, with its secrets; it is wiped from memory when it goes.
    ///
    /// ```
    /// let text = openclick::KeyFile::new().text();
    /// assert!(openclick::KeyFile::parse(&text).is_ok());
    /// ```
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        // Room for everything at once: a growing string leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(self.lines.iter().map(Line::capacity).sum()));
        for line in &self.lines {
            match line {
                Line::Other(other) => text.push_str(other),
                Line::Key { entry, key, not_after, comment } => {
                    text.push_str(&format!("{} {} ", entry.slot, entry.state));
                    URL_SAFE_NO_PAD.encode_string(key.as_slice(), &mut text);
                    for more in [not_after, comment].into_iter().flatten() {
                        text.push(' ');
                        text.push_str(more);
                    }
                }
            }
            text.push('\n');
        }
        text
    }

    /// The keys without their secrets, in the order of the file.
    ///
    /// ```
    /// let list = openclick::KeyFile::new().list();
    /// assert_eq!((list[0].slot, list[0].state), (0, openclick::KeyState::Active));
    /// ```
    #[must_use]
    pub fn list(&self) -> Vec<KeyEntry> {
        self.keys().map(|(entry, _)| *entry).collect()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (&KeyEntry, &[u8; 32])> {
        self.lines.iter().filter_map(|line| match line {
            Line::Key { entry, key, .. } => Some((entry, &**key)),
            Line::Other(_) => None,
        })
    }

    fn active(&self) -> Option<u8> {
        self.keys().find(|(entry, _)| entry.state == KeyState::Active).map(|(entry, _)| entry.slot)
    }

    /// Adds a new key that is accepted, not yet active, in the lowest slot that was never used; or, where `reuse_slot`
    /// says so, in place of a retired key. Returns the slot. A token of the retired key would then meet the wrong one,
    /// and be called not authentic.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Key`] if every slot is used, or the slot to be used again is not retired.
    ///
    /// # Panics
    ///
    /// If the system has no random source.
    ///
    /// ```
    /// let mut file = openclick::KeyFile::new();
    /// assert_eq!(file.add(None)?, 1);
    /// assert!(file.add(Some(1)).is_err());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn add(&mut self, reuse_slot: Option<u8>) -> Result<u8> {
        if let Some(slot) = reuse_slot {
            let state = self.entry(slot)?.state;
            if state != KeyState::Retired {
                return Err(Error::new(
                    ErrorKind::Key,
                    format!("slot {slot} is {state}: only a retired key's slot can be used again"),
                ));
            }
            for line in &mut self.lines {
                if matches!(line, Line::Key { entry, .. } if entry.slot == slot) {
                    *line = Line::new_key(slot, KeyState::Accept);
                }
            }
            return Ok(slot);
        }
        let slot = (0..SLOTS as u8).find(|slot| self.keys().all(|(entry, _)| entry.slot != *slot)).ok_or_else(|| {
            Error::new(
                ErrorKind::Key,
                "all 32 slots are used: retire a key whose mails are old, and add with `--reuse-slot` and its number",
            )
        })?;
        self.lines.push(Line::new_key(slot, KeyState::Accept));
        Ok(slot)
    }

    /// Makes an accepted key the active one; the active one is then accepted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Key`] if the slot is empty, active already or retired.
    ///
    /// ```
    /// let mut file = openclick::KeyFile::new();
    /// let slot = file.add(None)?;
    /// file.promote(slot)?;
    /// assert!(file.promote(slot).is_err());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn promote(&mut self, slot: u8) -> Result<()> {
        match self.entry(slot)?.state {
            KeyState::Accept => {}
            KeyState::Active => {
                return Err(Error::new(ErrorKind::Key, format!("slot {slot} is active already")));
            }
            KeyState::Retired => {
                return Err(Error::new(
                    ErrorKind::Key,
                    format!("slot {slot} is retired: add a new key instead"),
                ));
            }
        }
        for line in &mut self.lines {
            if let Line::Key { entry, .. } = line {
                if entry.slot == slot {
                    entry.state = KeyState::Active;
                } else if entry.state == KeyState::Active {
                    entry.state = KeyState::Accept;
                }
            }
        }
        Ok(())
    }

    /// Retires an accepted key: its tokens are refused from then on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Key`] if the slot is empty, active or retired already.
    ///
    /// ```
    /// let mut file = openclick::KeyFile::new();
    /// assert!(file.retire(0).unwrap_err().to_string().contains("promote"));
    /// ```
    pub fn retire(&mut self, slot: u8) -> Result<()> {
        match self.entry(slot)?.state {
            KeyState::Accept => {}
            KeyState::Active => {
                return Err(Error::new(
                    ErrorKind::Key,
                    format!("slot {slot} is active: promote another key first"),
                ));
            }
            KeyState::Retired => {
                return Err(Error::new(ErrorKind::Key, format!("slot {slot} is retired already")));
            }
        }
        for line in &mut self.lines {
            if let Line::Key { entry, .. } = line
                && entry.slot == slot
            {
                entry.state = KeyState::Retired;
            }
        }
        Ok(())
    }

    /// The steps of the next rotation as text for people, with the slots of this file.
    ///
    /// ```
    /// let steps = openclick::KeyFile::new().rotation_steps();
    /// assert!(steps.contains("openclick key promote 1"));
    /// ```
    #[must_use]
    pub fn rotation_steps(&self) -> String {
        let active = self.active().unwrap_or_default();
        // The newest accepted key that waits behind the active one, else the slot that `add` would take.
        let waiting = self
            .list()
            .into_iter()
            .skip_while(|entry| entry.state != KeyState::Active)
            .filter(|entry| entry.state == KeyState::Accept)
            .map(|entry| entry.slot)
            .last();
        let free = (0..SLOTS as u8).find(|slot| self.keys().all(|(entry, _)| entry.slot != *slot));
        let retired = self.list().into_iter().find(|entry| entry.state == KeyState::Retired);
        let (first, slot) = match (waiting, free, retired) {
            (Some(slot), ..) => (format!("(the key of slot {slot} is there already)"), slot),
            (None, Some(slot), _) => ("openclick key add".to_owned(), slot),
            (None, None, Some(KeyEntry { slot, .. })) => {
                (format!("openclick key add --reuse-slot {slot}"), slot)
            }
            (None, None, None) => {
                return "all 32 slots are used: retire a key whose mails are old first\n".to_owned();
            }
        };
        format!(
            "1. {first}\n\
             2. deploy the key file to every machine that makes or reads tracking links\n\
             3. openclick key promote {slot}\n\
             4. deploy the key file again; new links are sealed with slot {slot}\n\
             5. once no mail of slot {active} matters any more: openclick key retire {active}, and deploy\n"
        )
    }

    /// Writes the file: a temporary file beside it, synchronised and renamed, so that a reader sees the old or the new
    /// one. A file that is there keeps its owner, group and mode (but not access control lists and other extended
    /// attributes), a new one has 0600. Whatever changed in the file since it was read is lost: to change a file that
    /// others may change too, [`edit`](KeyFile::edit) it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if it cannot be written, or this process may not give a file to the old one's owner and group;
    /// the old file is as it was then.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("KEYS");
    /// openclick::KeyFile::new().write(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        permission::replace(path.as_ref(), &self.text())
    }

    /// Writes a file of mode 0600 that must not be there yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if something has the name already, or the file cannot be made.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("KEYS");
    /// openclick::KeyFile::new().create(&path)?;
    /// assert!(openclick::KeyFile::new().create(&path).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(&self, path: impl AsRef<Path>) -> Result<()> {
        permission::create(path.as_ref(), &self.text())
    }

    /// Writes the text to standard output. Where that is a regular file, as in `openclick key new > KEYS`, it first gets
    /// mode 0600: with the usual umask the file would be refused otherwise.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if standard output cannot be written.
    ///
    /// ```no_run
    /// openclick::KeyFile::new().write_stdout()?;
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn write_stdout(&self) -> Result<()> {
        permission::write_stdout(&self.text()).map_err(|error| {
            Error::new(ErrorKind::Io, format!("cannot write the key to standard output: {error}"))
                .because(error)
        })
    }

    fn entry(&self, slot: u8) -> Result<KeyEntry> {
        self.keys()
            .find(|(entry, _)| entry.slot == slot)
            .map(|(entry, _)| *entry)
            .ok_or_else(|| Error::new(ErrorKind::Key, format!("slot {slot} has no key")))
    }
}

fn edit<T>(path: &Path, strict: bool, change: impl FnOnce(&mut KeyFile) -> Result<T>) -> Result<T> {
    let locked = Locked::new(path)?;
    let mut file = KeyFile::parse_named(&locked.read(strict)?, path)?;
    let done = change(&mut file)?;
    locked.replace(&file.text())?;
    Ok(done)
}

impl Line {
    fn new_key(slot: u8, state: KeyState) -> Line {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).expect("the system has a random source");
        Line::Key { entry: KeyEntry { slot, state, not_after: None }, key, not_after: None, comment: None }
    }

    fn parse(line: &str) -> std::result::Result<Line, String> {
        let (fields, comment) = match line.find('#') {
            Some(at) => (&line[..at], Some(line[at..].to_owned())),
            None => (line, None),
        };
        let mut fields = fields.split_ascii_whitespace();
        let Some(slot) = fields.next() else { return Ok(Line::Other(line.to_owned())) };
        let slot = match slot.parse::<u8>() {
            Ok(number) if usize::from(number) < SLOTS && slot.bytes().all(|byte| byte.is_ascii_digit()) => {
                number
            }
            _ => return Err(format!("expected a slot from 0 to {}, found {slot:.40?}", SLOTS - 1)),
        };
        let state = match fields.next() {
            Some("active") => KeyState::Active,
            Some("accept") => KeyState::Accept,
            Some("retired") => KeyState::Retired,
            Some(other) if other.len() <= 10 => {
                return Err(format!("expected active, accept or retired, found {other:?}"));
            }
            // Perhaps the key itself, at the wrong place.
            _ => return Err("expected active, accept or retired after the slot".to_owned()),
        };
        let Some(encoded) = fields.next() else { return Err("the key is missing".to_owned()) };
        let mut key = Zeroizing::new([0; 32]);
        let mut decoded = Zeroizing::new([0; 48]);
        match URL_SAFE_NO_PAD.decode_slice(encoded, &mut *decoded) {
            Ok(32) => key.copy_from_slice(&decoded[..32]),
            _ => {
                return Err(
                    "expected a key of 32 bytes: 43 characters of base64url without padding".to_owned()
                );
            }
        }
        let not_after = fields.next();
        let seconds = match not_after {
            Some(date) => Some(time::parse(date).ok_or_else(|| {
                format!("expected a date such as 2027-01-31 or 2027-01-31T12:00:00Z, found {date:.40?}")
            })?),
            None => None,
        };
        if fields.next().is_some() {
            return Err("expected four fields at most".to_owned());
        }
        let entry = KeyEntry { slot, state, not_after: seconds };
        Ok(Line::Key { entry, key, not_after: not_after.map(str::to_owned), comment })
    }

    fn capacity(&self) -> usize {
        match self {
            Line::Other(other) => other.len() + 1,
            Line::Key { not_after, comment, .. } => {
                64 + [not_after, comment].into_iter().flatten().map(|text| text.len() + 1).sum::<usize>()
            }
        }
    }
}

/// A comment may hold what once was a key.
impl Drop for Line {
    fn drop(&mut self) {
        if let Line::Other(text) = self {
            text.zeroize();
        }
    }
}

/// Slots and states only.
impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyFile").field(&self.list()).finish()
    }
}
