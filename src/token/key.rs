//! The keys in use: up to 32 slots, one of which seals.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::domain::TrackingDomain;
use super::key_file::{KeyFile, KeyState};
use super::siv::Siv;
use super::{permission, time};
use crate::{Error, ErrorKind, Result};

pub(crate) const SLOTS: usize = 32;
/// The version in the high bits of a token's first byte.
pub(crate) const VERSION: u8 = 1;

const SEAL_INFO: &[u8] = b"openclick v1 seal";
const TEMPLATE_INFO: &[u8] = b"openclick v1 template";

/// The keys of a key file, made ready: cheap to clone, to be shared between threads.
///
/// One key is *active* and seals; others are *accepted* or *retired*, see [`KeyFile`]. `Debug` shows slots and states
/// only; secrets are wiped from memory when the last clone goes.
///
/// ```
/// use openclick::KeyRing;
///
/// let keys = KeyRing::parse("3 active MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n")?;
/// assert_eq!(keys.active_slot(), 3);
/// assert_eq!(format!("{keys:?}"), "KeyRing { 3: active }");
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Shared>,
}

struct Shared {
    active: u8,
    not_after: Option<u64>,
    slots: [Slot; SLOTS],
}

enum Slot {
    Empty,
    Retired,
    Open(Box<Keys>),
}

/// What is derived of a slot's master key.
struct Keys {
    seal: Siv,
    template: Zeroizing<[u8; 32]>,
}

/// Why a slot does not open tokens.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    Unknown,
    Retired,
}

impl KeyRing {
    /// A throw-away key from the system's random source, for previews and tests: links sealed with it cannot be read
    /// once it is gone.
    ///
    /// # Panics
    ///
    /// If the system has no random source.
    ///
    /// ```
    /// assert_eq!(openclick::KeyRing::generate().active_slot(), 0);
    /// ```
    #[must_use]
    pub fn generate() -> KeyRing {
        KeyRing::from_file_entries(&KeyFile::new())
    }

    /// One active key, in slot 0, from 32 secret random bytes that are kept somewhere else.
    ///
    /// ```
    /// use openclick::KeyRing;
    ///
    /// let secret_store = [7; 32];
    /// assert_eq!(KeyRing::from_bytes(secret_store).active_slot(), 0);
    /// ```
    #[must_use]
    pub fn from_bytes(mut key: [u8; 32]) -> KeyRing {
        let mut slots = [const { Slot::Empty }; SLOTS];
        slots[0] = Slot::Open(Box::new(Keys::derive(&key)));
        key.zeroize();
        KeyRing { shared: Arc::new(Shared { active: 0, not_after: None, slots }) }
    }

    /// Reads the text of a key file; [`KeyFile`] describes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Key`], with the line's number in the message and its offset, if a line cannot be read, a slot or a
    /// key stands twice, or not exactly one key is active.
    ///
    /// ```
    /// let error = openclick::KeyRing::parse("1 accept too-short\n").unwrap_err();
    /// assert!(error.to_string().starts_with("line 1: "));
    /// ```
    pub fn parse(text: &str) -> Result<KeyRing> {
        Ok(KeyRing::from_file_entries(&KeyFile::parse(text)?))
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if it cannot be read; [`ErrorKind::Key`] as [`KeyRing::parse`], and if others can read it or
    /// group or others can write it (Unix): the message names its mode and the `chmod` that mends it. A group may
    /// read it, since MTA and endpoint are often two users.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("KEYS");
    /// openclick::KeyFile::new().write(&path)?;
    /// let keys = openclick::KeyRing::from_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<KeyRing> {
        let path = path.as_ref();
        KeyRing::parse(&permission::read(path, true)?).map_err(|error| in_file(error, path))
    }

    /// Reads a key file whatever its permissions are. For keys that are no secret, such as a demonstration's.
    ///
    /// # Errors
    ///
    /// As [`KeyRing::from_file`], but for the permissions.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("KEYS");
    /// std::fs::write(&path, "0 active MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n")?;
    /// let keys = openclick::KeyRing::from_open_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_open_file(path: impl AsRef<Path>) -> Result<KeyRing> {
        let path = path.as_ref();
        KeyRing::parse(&permission::read(path, false)?).map_err(|error| in_file(error, path))
    }

    fn from_file_entries(file: &KeyFile) -> KeyRing {
        let mut shared = Shared { active: 0, not_after: None, slots: [const { Slot::Empty }; SLOTS] };
        for (entry, key) in file.keys() {
            shared.slots[entry.slot as usize] = match entry.state {
                KeyState::Retired => Slot::Retired,
                KeyState::Active | KeyState::Accept => Slot::Open(Box::new(Keys::derive(key))),
            };
            if entry.state == KeyState::Active {
                shared.active = entry.slot;
                shared.not_after = entry.not_after;
            }
        }
        KeyRing { shared: Arc::new(shared) }
    }

    /// The slot whose key seals, 0 to 31.
    ///
    /// ```
    /// assert_eq!(openclick::KeyRing::from_bytes([1; 32]).active_slot(), 0);
    /// ```
    #[must_use]
    pub fn active_slot(&self) -> u8 {
        self.shared.active
    }

    /// Whether the active key may still seal at a time, in seconds since 1970-01-01T00:00Z. The library reads no clock:
    /// whoever starts a mailing asks once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Key`] if the key's `not-after` has passed. Such a key opens tokens as before.
    ///
    /// ```
    /// let text = "0 active MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY 2027-01-31\n";
    /// let keys = openclick::KeyRing::parse(text)?;
    /// assert!(keys.check_sealing(1_800_000_000).is_ok());
    /// assert!(keys.check_sealing(1_900_000_000).is_err());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn check_sealing(&self, now: u64) -> Result<()> {
        match self.shared.not_after {
            Some(not_after) if now > not_after => Err(Error::new(
                ErrorKind::Key,
                format!(
                    "the active key, slot {}, is not to seal after {}: add a key, deploy the file and promote it \
                     (`openclick key rotate` shows the steps)",
                    self.shared.active,
                    time::timestamp(not_after)
                ),
            )),
            _ => Ok(()),
        }
    }

    /// What seals and opens the tokens of a slot for a domain.
    pub(crate) fn bound(&self, slot: u8, domain: &TrackingDomain) -> Option<Siv> {
        let Slot::Open(keys) = self.shared.slots.get(slot as usize)? else { return None };
        let mut associated = b"openclick/v1\0".to_vec();
        associated.push(first_byte(slot));
        associated.extend_from_slice(domain.as_str().as_bytes());
        Some(keys.seal.bind(&associated))
    }

    /// Why a slot has nothing to open with.
    pub(crate) fn why_not(&self, slot: u8) -> NoKey {
        match self.shared.slots.get(slot as usize) {
            Some(Slot::Retired) => NoKey::Retired,
            _ => NoKey::Unknown,
        }
    }

    /// The active slot's key for the codes in templates.
    pub(crate) fn template_key(&self) -> &[u8; 32] {
        match &self.shared.slots[self.shared.active as usize] {
            Slot::Open(keys) => &keys.template,
            Slot::Empty | Slot::Retired => unreachable!("a key ring has an active key"),
        }
    }
}

/// A token's first byte: version and slot.
pub(crate) fn first_byte(slot: u8) -> u8 {
    VERSION << 5 | slot
}

impl Keys {
    fn derive(master: &[u8; 32]) -> Keys {
        let derivation = Hkdf::<Sha256>::new(None, master);
        let expand = |info| {
            let mut key = Zeroizing::new([0; 32]);
            derivation.expand(info, &mut *key).expect("32 bytes are a valid length");
            key
        };
        Keys { seal: Siv::new(&expand(SEAL_INFO), [0; 12]), template: expand(TEMPLATE_INFO) }
    }
}

fn in_file(error: Error, path: &Path) -> Error {
    let named = Error::new(error.kind(), format!("key file {}: {error}", path.display()));
    match error.offset() {
        Some(offset) => named.at(offset),
        None => named,
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct State(&'static str);
        impl fmt::Debug for State {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        let mut ring = f.debug_struct("KeyRing");
        for (number, slot) in self.shared.slots.iter().enumerate() {
            let state = match slot {
                Slot::Empty => continue,
                Slot::Retired => KeyState::Retired,
                Slot::Open(_) if number == self.shared.active as usize => KeyState::Active,
                Slot::Open(_) => KeyState::Accept,
            };
            ring.field(&number.to_string(), &State(state.as_str()));
        }
        ring.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The derivation of the format's description, spelt out a second time with aws-lc.
    #[test]
    fn the_key_is_hkdf_sha256_of_the_master_key() {
        use aws_lc_rs::{aead, hkdf};
        let master = [9u8; 32];
        let derived = |info: &'static [u8]| {
            let mut key = [0u8; 32];
            hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
                .extract(&master)
                .expand(&[info], &aead::AES_256_GCM)
                .map(drop)
                .unwrap();
            hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
                .extract(&master)
                .expand(&[info], hkdf::HKDF_SHA256)
                .unwrap()
                .fill(&mut key)
                .unwrap();
            key
        };
        let ring = KeyRing::from_bytes(master);
        assert_eq!(ring.template_key(), &derived(b"openclick v1 template"));
        let domain = TrackingDomain::parse("T.example.com:8080/p").unwrap();
        let mut ours = b"some fields".to_vec();
        let tag = ring.bound(0, &domain).unwrap().seal(&mut ours);
        let mut theirs = b"some fields".to_vec();
        let tag2 = Siv::new(&derived(b"openclick v1 seal"), [0; 12])
            .bind(b"openclick/v1\x00\x20t.example.com:8080/p")
            .seal(&mut theirs);
        assert_eq!((ours, tag), (theirs, tag2));
    }
}
