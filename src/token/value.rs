//! What a tracking URL turned out to carry.

use super::{EventKind, location, time};

/// The contents of an authentic tracking URL.
///
/// With the feature `serde` it serialises to the fields' names; what is absent is left out, times are RFC 3339 in UTC.
///
/// ```
/// use openclick::{Decoder, EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
///
/// let keys = KeyRing::generate();
/// let domain = TrackingDomain::parse("track.example.com")?;
/// let writer = UrlWriter::new(domain.clone(), UrlFormat::sealed(), keys.clone())?;
/// let mut fields = TokenFields::new(EventKind::Click, "m-1");
/// fields.target = Some("https://example.org/für alle");
/// fields.expires = Some(20_000);
/// let url = writer.url(&fields, None)? + "?fbclid=1";
///
/// let token = Decoder::new(keys).tracking_domain(domain).decode(&url)?;
/// assert_eq!((token.kind(), token.message_id()), (EventKind::Click, "m-1"));
/// assert_eq!(token.location().as_deref(), Some("https://example.org/f%C3%BCr%20alle"));
/// assert_eq!(token.appended(), "?fbclid=1");
/// assert!(token.is_expired(1_800_000_000));
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub(super) kind: EventKind,
    pub(super) slot: u8,
    pub(super) customer_id: u64,
    pub(super) link_index: Option<u32>,
    pub(super) message_id: String,
    pub(super) campaign: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) subaccount: Option<String>,
    pub(super) link_name: Option<String>,
    pub(super) recipient: Option<String>,
    pub(super) part: Option<u32>,
    pub(super) sealed_at: Option<u64>,
    pub(super) expires: Option<u32>,
    pub(super) target: Option<String>,
    pub(super) extensions: Vec<(u64, Vec<u8>)>,
    pub(super) appended: String,
}

impl Token {
    /// What the request means.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// The slot of the key that sealed it, 0 to 31.
    #[must_use]
    pub fn slot(&self) -> u8 {
        self.slot
    }

    /// The sender's customer; 0 where none was given.
    #[must_use]
    pub fn customer_id(&self) -> u64 {
        self.customer_id
    }

    /// The link's place among the links of the mail, from 0; none for pixels.
    #[must_use]
    pub fn link_index(&self) -> Option<u32> {
        self.link_index
    }

    /// The message.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// The campaign.
    #[must_use]
    pub fn campaign(&self) -> Option<&str> {
        self.campaign.as_deref()
    }

    /// The pool of sending addresses.
    #[must_use]
    pub fn pool(&self) -> Option<&str> {
        self.pool.as_deref()
    }

    /// The customer's own customer.
    #[must_use]
    pub fn subaccount(&self) -> Option<&str> {
        self.subaccount.as_deref()
    }

    /// The link's name.
    #[must_use]
    pub fn link_name(&self) -> Option<&str> {
        self.link_name.as_deref()
    }

    /// The recipient's address.
    #[must_use]
    pub fn recipient(&self) -> Option<&str> {
        self.recipient.as_deref()
    }

    /// The number of the part, where a message went out in several.
    #[must_use]
    pub fn part(&self) -> Option<u32> {
        self.part
    }

    /// When it was sealed, in seconds since 1970-01-01T00:00Z, to the minute; none where the sender gave no time.
    #[must_use]
    pub fn sealed_at(&self) -> Option<u64> {
        self.sealed_at.map(|minutes| minutes.saturating_mul(60))
    }

    /// The last day, since 1970-01-01, UTC, on which an event counts.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.expires
    }

    /// Whether an event at a time (in seconds since 1970-01-01T00:00Z) no longer counts. The destination works all the
    /// same: a reader who finds an old mail gets where they want.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|day| now >= (u64::from(day) + 1) * time::DAY)
    }

    /// The destination, exactly as the author wrote it; none for pixels. For a redirect use
    /// [`location`](Token::location).
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The destination for a `Location` header: only for http and https, a host beyond ASCII in punycode, and every
    /// other byte outside 0x21–0x7E percent-encoded. `None` where there is no such destination.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        location::location(self.target.as_deref()?)
    }

    /// The destination's host in lower case, as [`location`](Token::location) has it; none where that is none.
    #[must_use]
    pub fn target_host(&self) -> Option<String> {
        location::host(self.target.as_deref()?)
    }

    /// Further data: number and bytes. Numbers that a reader does not know are to be skipped.
    pub fn extensions(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.extensions.iter().map(|(id, bytes)| (*id, bytes.as_slice()))
    }

    /// The query and fragment that something on the way appended to the tracking URL (`?fbclid=…`), with their `?` or
    /// `#`; empty where nothing was. It is not authentic.
    #[must_use]
    pub fn appended(&self) -> &str {
        &self.appended
    }

    /// The fields again; extensions cannot be borrowed in that shape, so that the caller brings them.
    #[cfg(test)]
    pub(super) fn fields_with<'a>(&'a self, extensions: &'a [(u64, &'a [u8])]) -> super::TokenFields<'a> {
        assert!(self.extensions().eq(extensions.iter().copied()));
        super::TokenFields {
            kind: self.kind,
            customer_id: self.customer_id,
            link_index: self.link_index,
            message_id: &self.message_id,
            campaign: self.campaign(),
            pool: self.pool(),
            subaccount: self.subaccount(),
            link_name: self.link_name(),
            recipient: self.recipient(),
            part: self.part,
            sealed_at: self.sealed_at,
            expires: self.expires,
            target: self.target(),
            extensions,
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        fn optional<M: SerializeMap, V: serde::Serialize>(
            map: &mut M,
            name: &'static str,
            value: Option<V>,
        ) -> Result<(), M::Error> {
            value.map_or(Ok(()), |value| map.serialize_entry(name, &value))
        }

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", &self.kind)?;
        optional(&mut map, "target", self.target())?;
        map.serialize_entry("message_id", &self.message_id)?;
        optional(&mut map, "recipient", self.recipient())?;
        optional(&mut map, "link_name", self.link_name())?;
        optional(&mut map, "link_index", self.link_index)?;
        map.serialize_entry("customer_id", &self.customer_id)?;
        optional(&mut map, "campaign", self.campaign())?;
        optional(&mut map, "pool", self.pool())?;
        optional(&mut map, "subaccount", self.subaccount())?;
        optional(&mut map, "part", self.part)?;
        map.serialize_entry("slot", &self.slot)?;
        optional(&mut map, "sealed_at", self.sealed_at().map(time::timestamp))?;
        optional(&mut map, "expires", self.expires.map(|day| time::date(u64::from(day))))?;
        if !self.extensions.is_empty() {
            map.serialize_entry("extensions", &self.extensions)?;
        }
        optional(&mut map, "appended", Some(self.appended()).filter(|appended| !appended.is_empty()))?;
        map.end()
    }
}
