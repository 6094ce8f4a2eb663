//! Tracking URLs: what they carry, the keys that seal them, and reading them again.
//!
//! A sealed URL carries all that a tracking endpoint needs, so that any number of machines make and read links without
//! sharing anything but a key file:
//!
//! ```text
//! https://<tracking host>[/<prefix>][/<sublink>]/<token>
//! token = base64url, without padding, of:
//!   byte 0        version (3 bits, 1) and key slot (5 bits)
//!   bytes 1..17   AES-256-GCM-SIV tag (RFC 8452)
//!   bytes 17..    ciphertext of the fields
//! key   = HKDF-SHA256(master key of the slot, info "openclick v1 seal")
//! nonce = 12 zero bytes
//! AAD   = "openclick/v1", 0x00, byte 0, tracking domain (`host[:port][/prefix]`, host in lower case)
//! ```
//!
//! GCM-SIV needs no fresh nonce: the same fields give the same URL, and an observer learns no more than that two URLs
//! are equal. Its bound is on blocks under one key: 10¹³ tokens of 16 blocks leave a forger an advantage of about
//! 2⁻³⁴. Rotate keys once a year (see [`KeyFile`]) and it never matters.

mod codec;
mod context;
mod decode;
mod domain;
mod fields;
mod format;
mod key;
mod key_file;
mod location;
mod matcher;
mod memo;
mod parse;
mod permission;
mod prepared;
mod resume;
mod siv;
mod sparky;
mod symbols;
mod table;
mod template;
mod time;
mod value;
mod writer;

use std::fmt;

pub(crate) use codec::MAX_TEXT;
pub use decode::{DecodeError, DecodeErrorKind, Decoder};
pub use domain::TrackingDomain;
pub(crate) use domain::after_scheme;
pub use fields::TokenFields;
pub use format::UrlFormat;
pub use key::KeyRing;
pub use key_file::{KeyEntry, KeyFile, KeyState};
pub(crate) use memo::Memo;
pub(crate) use prepared::{CodedText, LinkTexts, Own, Prepared};
pub use value::Token;
pub use writer::UrlWriter;

/// What a request for a tracking URL means. It is inside the seal: a click's URL never counts as an open.
///
/// ```
/// use openclick::EventKind;
///
/// assert_eq!(EventKind::LinkUnsubscribe.to_string(), "link_unsubscribe");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EventKind {
    /// A link was followed.
    #[default]
    Click,
    /// A link marked as an unsubscription was followed.
    LinkUnsubscribe,
    /// The pixel at the end of the mail was loaded.
    Open,
    /// The pixel at the start of the mail was loaded.
    InitialOpen,
}

impl EventKind {
    /// The name in events and reports: `click`, `link_unsubscribe`, `open` or `initial_open`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Click => "click",
            EventKind::LinkUnsubscribe => "link_unsubscribe",
            EventKind::Open => "open",
            EventKind::InitialOpen => "initial_open",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
