//! Traffic streams: which settings a message gets by what its headers say of it, and where each setting came from.
//!
//! PowerMTA tracks by VirtualMTA and pool, and so does this. A [`Stream`] has conditions, which must all hold, and settings.
//! Of several the first whose conditions hold counts. For each setting by itself, the first of these that has a value
//! decides:
//!
//! 1. the stream, where it **locks** the setting;
//! 2. the caller: a flag or a variable of the command;
//! 3. the message's own headers ([`api_header`](crate::api_header));
//! 4. the stream;
//! 5. the global settings, then the default.
//!
//! What the recipient did not agree to ([`Consent`](crate::Consent)) is off above all of them.
//!
//! ```
//! use openclick::HeaderFields;
//! use openclick::stream::{Condition, Given, Layer, Setting, Source, Stream, Streams};
//!
//! let mut streams = Streams::new();
//! streams.push(
//!     Stream::new(Layer::new().tracking(false))
//!         .name("receipts")
//!         .when(Condition::virtual_mta(["receipts-*"])?)
//!         .lock(Setting::Tracking),
//! )?;
//!
//! let fields = HeaderFields::from_text([
//!     ("X-Virtual-MTA", "receipts-eu"),
//!     ("X-Job", "autumn"),
//!     ("X-MSYS-API", r#"{"options": {"click_tracking": true}}"#),
//! ]);
//! let resolved = streams.resolve(&fields, &Given::new().caller(Layer::new().open_tracking(true)));
//! assert_eq!(resolved.stream.unwrap().name.as_deref(), Some("receipts"));
//! assert_eq!((resolved.click_tracking.value, resolved.click_tracking.source), (false, Source::Lock));
//! assert_eq!(resolved.campaign.value.as_deref(), Some("autumn"));
//! assert_eq!(resolved.campaign.source, Source::Header("X-Job"));
//! # Ok::<(), openclick::Error>(())
//! ```

mod condition;
mod glob;
mod layer;
mod resolved;

pub use self::condition::Condition;
pub use self::glob::Glob;
pub use self::layer::{Layer, Setting};
pub use self::resolved::{Given, Matched, Resolved, Source, Sourced};

use self::condition::Message;
use crate::error::{Error, ErrorKind, Result};
use crate::fields::{self, HeaderFields};

/// A traffic stream: conditions, and the settings of the mail for which they hold.
#[derive(Debug, Clone)]
pub struct Stream {
    name: Option<String>,
    conditions: Vec<Condition>,
    settings: Layer,
    locks: Vec<Setting>,
    honours_subaccount: bool,
}

impl Stream {
    /// A stream with these settings, without conditions: every message belongs to it.
    #[must_use]
    pub fn new(settings: Layer) -> Stream {
        Stream { name: None, conditions: Vec::new(), settings, locks: Vec::new(), honours_subaccount: false }
    }

    /// Its name, for people. Default none.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Stream {
        self.name = Some(name.into());
        self
    }

    /// Adds a condition; all must hold.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Stream {
        self.conditions.push(condition);
        self
    }

    /// Locks a setting: neither the caller nor a header changes what this stream sets.
    #[must_use]
    pub fn lock(mut self, setting: Setting) -> Stream {
        self.locks.push(setting);
        self
    }

    /// Whether the message's `X-Sp-Subaccount-Id` names the subaccount. Default off: a stranger must not report into
    /// another's account.
    #[must_use]
    pub fn honour_subaccount_header(mut self, on: bool) -> Stream {
        self.honours_subaccount = on;
        self
    }

    fn matches(&self, message: &Message<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(message))
    }

    fn locks(&self, setting: Setting) -> bool {
        self.locks.iter().any(|lock| {
            *lock == setting
                || *lock == Setting::Tracking
                    && matches!(
                        setting,
                        Setting::ClickTracking | Setting::OpenTracking | Setting::InitialOpen
                    )
        })
    }
}

/// The streams of a configuration, in order.
#[derive(Debug, Clone, Default)]
pub struct Streams(Vec<Stream>);

impl Streams {
    /// No streams: every message has the global settings.
    #[must_use]
    pub fn new() -> Streams {
        Streams::default()
    }

    /// Adds a stream, asked after those before it.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if it locks what it does not set, a text cannot go into a token (it is empty, has more
    /// than 998 bytes or control characters), another has its name, or one before it has no
    /// conditions, so that it would never be reached.
    pub fn push(&mut self, stream: Stream) -> Result<()> {
        let refuse = |why: String| Err(Error::new(ErrorKind::Configuration, why));
        if let Some(lock) = stream.locks.iter().find(|lock| !stream.settings.sets(**lock)) {
            return refuse(format!("lock: `{lock}` has no value in this stream"));
        }
        let texts = [
            (Setting::Subaccount, &stream.settings.subaccount),
            (Setting::Campaign, &stream.settings.campaign),
            (Setting::Pool, &stream.settings.pool),
        ];
        for (setting, text) in texts {
            if let Some(Err(why)) = text.as_deref().map(|text| fields::text(text.as_bytes())) {
                return refuse(format!("{setting}: the text {why}"));
            }
        }
        if let Some(at) = self.0.iter().position(|other| other.conditions.is_empty()) {
            return refuse(format!("it is never reached: stream {} before it takes every message", at + 1));
        }
        if let Some(name) = stream.name.as_deref()
            && let Some(at) = self.0.iter().position(|other| other.name.as_deref() == Some(name))
        {
            return refuse(format!("stream {} is named `{name}` already", at + 1));
        }
        self.0.push(stream);
        Ok(())
    }

    /// How many streams there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every tracking domain that a stream sets, for whoever must be ready for each.
    pub fn tracking_domains(&self) -> impl Iterator<Item = &crate::TrackingDomain> {
        self.0.iter().filter_map(|stream| stream.settings.tracking_domain.as_ref())
    }

    /// The settings of the message with these header fields.
    #[must_use]
    pub fn resolve(&self, fields: &HeaderFields<'_>, given: &Given) -> Resolved {
        let message = Message::new(fields);
        let at = self.0.iter().position(|stream| stream.matches(&message));
        resolved::resolve(at.map(|at| (at, &self.0[at])), fields, given)
    }
}

#[cfg(test)]
mod tests;
