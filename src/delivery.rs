//! What is of each recipient: the message, whom it goes to, and what they agreed to.

use std::collections::BTreeMap;
use std::ops::BitOr;

use crate::token::{EventKind, TokenFields};

/// What a recipient agreed to. It can only switch tracking off, never on.
///
/// ```
/// use openclick::{Consent, Delivery};
///
/// let delivery = Delivery::new("m1").tracking(Consent::CLICKS);          // no open pixels
/// let delivery = Delivery::new("m2").tracking(Consent::NONE);            // nothing
/// let delivery = Delivery::new("m3").tracking(Consent::CLICKS | Consent::OPENS);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent(u8);

impl Consent {
    /// Nothing may be tracked.
    pub const NONE: Consent = Consent(0);
    /// Clicks may be tracked.
    pub const CLICKS: Consent = Consent(1);
    /// Opens may be tracked, by both pixels.
    pub const OPENS: Consent = Consent(2);
    /// Everything that the options switch on (default).
    pub const ALL: Consent = Consent(3);

    /// Whether all of `other` is agreed to.
    #[must_use]
    pub fn contains(self, other: Consent) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Consent {
    type Output = Consent;

    fn bitor(self, other: Consent) -> Consent {
        Consent(self.0 | other.0)
    }
}

/// One delivery: the message, and whom it goes to.
///
/// All of it goes into every token. A text has at most 998 bytes and no control characters, extensions have
/// at most 8,192 bytes together; beyond that the rewriter refuses the delivery. Long before, tracking URLs
/// pass [`Options::max_url_length`](crate::Options::max_url_length), and links and pixels are left with a reason.
///
/// ```
/// use openclick::Delivery;
///
/// let delivery = Delivery::new("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21")
///     .recipient("reader@example.org")
///     .campaign("autumn-sale")
///     .list_unsubscribe("https://news.example.com/unsubscribe?u=7");
/// ```
#[derive(Debug, Clone)]
pub struct Delivery {
    pub(crate) message_id: String,
    pub(crate) recipient: Option<String>,
    pub(crate) campaign: Option<String>,
    pub(crate) pool: Option<String>,
    pub(crate) subaccount: Option<String>,
    pub(crate) unsubscribe: Vec<String>,
    pub(crate) consent: Consent,
    pub(crate) sealed_at: Option<u64>,
    pub(crate) expires: Option<u32>,
    pub(crate) extensions: Vec<(u64, Vec<u8>)>,
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Delivery {
    /// A delivery of the message with this id, which every token carries. A UUID, 32 or 20 hex digits
    /// are packed; any other text works.
    #[must_use]
    pub fn new(message_id: impl Into<String>) -> Delivery {
        Delivery {
            message_id: message_id.into(),
            recipient: None,
            campaign: None,
            pool: None,
            subaccount: None,
            unsubscribe: Vec::new(),
            consent: Consent::ALL,
            sealed_at: None,
            expires: None,
            extensions: Vec::new(),
            values: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// A delivery whose message says what it is: the id is that of its `X-Sp-Message-Id` field, else of its
    /// `Message-ID`, else a random one is made. For [`Rewriter::rewrite_message`](crate::Rewriter::rewrite_message) alone.
    #[must_use]
    pub fn of_message() -> Delivery {
        Delivery::new("")
    }

    /// The same delivery, of a message that says its id itself, see [`Delivery::of_message`].
    #[must_use]
    pub fn id_of_message(mut self) -> Delivery {
        self.message_id.clear();
        self
    }

    /// The recipient's address, sealed in every token. A message has the one of its To, Cc and Bcc fields,
    /// if they hold exactly one.
    #[must_use]
    pub fn recipient(mut self, address: impl Into<String>) -> Delivery {
        self.recipient = Some(address.into());
        self
    }

    /// The campaign's name.
    #[must_use]
    pub fn campaign(mut self, name: impl Into<String>) -> Delivery {
        self.campaign = Some(name.into());
        self
    }

    /// The IP pool's name.
    #[must_use]
    pub fn pool(mut self, name: impl Into<String>) -> Delivery {
        self.pool = Some(name.into());
        self
    }

    /// The subaccount's id.
    #[must_use]
    pub fn subaccount(mut self, id: impl Into<String>) -> Delivery {
        self.subaccount = Some(id.into());
        self
    }

    /// A URL of the message's List-Unsubscribe header: links to it are left. May be repeated.
    #[must_use]
    pub fn list_unsubscribe(mut self, url: impl Into<String>) -> Delivery {
        self.unsubscribe.push(url.into());
        self
    }

    /// What this recipient agreed to. Default [`Consent::ALL`]. It says what is added: a document that was
    /// rewritten before comes back as it is ([`Rewriter::restore_html`](crate::Rewriter::restore_html) takes its tracking out).
    #[must_use]
    pub fn tracking(mut self, consent: Consent) -> Delivery {
        self.consent = consent;
        self
    }

    /// When the links were sealed, in seconds since 1970; the token keeps minutes. The library never
    /// reads a clock, so that the same input always gives the same output.
    #[must_use]
    pub fn sealed_at(mut self, unix_seconds: u64) -> Delivery {
        self.sealed_at = Some(unix_seconds / 60);
        self
    }

    /// The day after which events no longer count, in days since 1970. The redirect still works.
    #[must_use]
    pub fn expires(mut self, unix_day: u32) -> Delivery {
        self.expires = Some(unix_day);
        self
    }

    /// A field of the caller's own in every token: a number and bytes. Decoders that do not know it
    /// hand it on.
    #[must_use]
    pub fn extension(mut self, id: u64, bytes: impl Into<Vec<u8>>) -> Delivery {
        self.extensions.push((id, bytes.into()));
        self
    }

    /// The value of a merge field, see [`Options::merge_fields`](crate::Options::merge_fields). Of one that is given twice the last counts.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Delivery {
        self.values.insert(name.into(), value.into());
        self
    }

    /// A header field of this recipient's message, for [`Rewriter::compile_message`](crate::Rewriter::compile_message): it takes the place of the fields of that
    /// name, or stands in front of the others where there are none. What is beyond ASCII is encoded (RFC 2047), long lines are
    /// folded. A value has no line ends.
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let message = b"Subject: Hi\nContent-Type: text/html\n\n<p>Hi</p>\n";
    /// let template = rewriter.compile_message(message.as_slice())?;
    /// let delivery = Delivery::new("m1").header("To", "\"Jos\u{e9}\" <jose@example.org>");
    /// let message = template.render(&delivery)?.bytes;
    /// assert!(message.starts_with(b"To: =?utf-8?B?Sm9zw6k=?= <jose@example.org>\nSubject: Hi\n"));
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Delivery {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The value of a merge field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// What its tokens carry, but for the link: a click without destination.
    pub(crate) fn token_fields<'a>(
        &'a self,
        customer_id: u64,
        extensions: &'a [(u64, &'a [u8])],
    ) -> TokenFields<'a> {
        let mut fields = TokenFields::new(EventKind::Click, &self.message_id);
        fields.customer_id = customer_id;
        fields.campaign = self.campaign.as_deref();
        fields.pool = self.pool.as_deref();
        fields.subaccount = self.subaccount.as_deref();
        fields.recipient = self.recipient.as_deref();
        fields.sealed_at = self.sealed_at;
        fields.expires = self.expires;
        fields.extensions = extensions;
        fields
    }

    /// Its extensions as tokens take them.
    pub(crate) fn token_extensions(&self) -> Vec<(u64, &[u8])> {
        self.extensions.iter().map(|(id, bytes)| (*id, bytes.as_slice())).collect()
    }
}
