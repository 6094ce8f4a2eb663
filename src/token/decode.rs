//! Reading tracking URLs: verify first, parse after.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use memchr::{memchr, memchr_iter, memchr2};

use super::domain::TrackingDomain;
use super::fields;
use super::key::{KeyRing, NoKey, SLOTS, VERSION};
use super::siv::{Siv, TAG_BYTES};
use super::value::Token;
use super::writer::BASE64_URL;
use crate::{Error, ErrorKind};

/// No token is longer, whatever it carries; longer ones are not even looked at.
const MAX_TOKEN: usize = 128 * 1024;
/// First byte, tag, and the least that fields take.
const MIN_TOKEN: usize = 1 + TAG_BYTES + 4;

/// Reads tracking URLs of the sealed format. ([`UrlFormat::template`](crate::UrlFormat::template) is for an endpoint that
/// a site has already, and [`UrlFormat::sparky_pmta`](crate::UrlFormat::sparky_pmta) for that project's tools: neither is
/// read here.)
///
/// Nothing is parsed before it is authentic, nothing panics, and what is allocated is bounded by the token's length
/// and 8 KB for each text. Cheap to clone and to share between threads.
///
/// ```
/// use openclick::{DecodeErrorKind, Decoder, KeyRing, TrackingDomain};
///
/// let decoder = Decoder::new(KeyRing::generate())
///     .tracking_domain(TrackingDomain::parse("track.example.com")?)
///     .also_accept(TrackingDomain::parse("old.example.com/t")?);
/// let error = decoder.decode("https://track.example.com/IAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::NotAuthentic);
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Clone)]
pub struct Decoder {
    keys: KeyRing,
    domains: Vec<Arc<Bound>>,
    deny: Option<Arc<Predicate>>,
}

type Predicate = dyn Fn(&Token) -> bool + Send + Sync;

/// A domain with what opens its tokens, for every slot that has a key.
struct Bound {
    domain: TrackingDomain,
    slots: [Option<Box<Siv>>; SLOTS],
}

impl Decoder {
    /// A decoder that knows no domain yet, and so refuses everything.
    #[must_use]
    pub fn new(keys: KeyRing) -> Decoder {
        Decoder { keys, domains: Vec::new(), deny: None }
    }

    /// Accepts the tokens of a domain.
    #[must_use]
    pub fn tracking_domain(mut self, domain: TrackingDomain) -> Decoder {
        let slots = std::array::from_fn(|slot| self.keys.bound(slot as u8, &domain).map(Box::new));
        self.domains.push(Arc::new(Bound { domain, slots }));
        self
    }

    /// Accepts the tokens of a further domain, such as the one before a move.
    #[must_use]
    pub fn also_accept(self, domain: TrackingDomain) -> Decoder {
        self.tracking_domain(domain)
    }

    /// Refuses authentic tokens for which the predicate is true, so that an abused customer, message or destination
    /// ([`Token::target_host`]) can be shut off at once.
    ///
    /// ```
    /// # use openclick::{Decoder, KeyRing};
    /// let decoder = Decoder::new(KeyRing::generate())
    ///     .deny(|token| token.customer_id() == 13 || token.target_host().as_deref() == Some("phishing.example"));
    /// ```
    #[must_use]
    pub fn deny(mut self, predicate: impl Fn(&Token) -> bool + Send + Sync + 'static) -> Decoder {
        self.deny = Some(Arc::new(predicate));
        self
    }

    /// Reads a tracking URL, or a bare token, which is tried under every domain. A query or fragment behind the token
    /// is kept as [`Token::appended`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`], by [`DecodeErrorKind`]. It converts to [`Error`].
    ///
    /// ```
    /// use openclick::{Decoder, DecodeErrorKind, KeyRing, TrackingDomain};
    ///
    /// let decoder = Decoder::new(KeyRing::generate()).tracking_domain(TrackingDomain::parse("track.example.com")?);
    /// let error = decoder.decode("https://elsewhere.example/IAAA").unwrap_err();
    /// assert_eq!(error.kind(), DecodeErrorKind::NotOurHost);
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn decode(&self, url_or_token: &str) -> Result<Token, DecodeError> {
        let input = url_or_token.trim_matches(|c: char| c.is_ascii_whitespace());
        let (head, appended) = input.split_at(memchr2(b'?', b'#', input.as_bytes()).unwrap_or(input.len()));
        if !memchr_iter(b':', head.as_bytes()).any(|at| head[at..].starts_with("://")) {
            return self.open(head, appended, |_, _| true);
        }
        let mut path = None;
        // The first domain that covers it, and the last.
        let mut covering = (usize::MAX, 0);
        for (index, bound) in self.domains.iter().enumerate() {
            if let Some(below) = bound.domain.under(head) {
                covering = (covering.0.min(index), index);
                // The longest prefix leaves the shortest path.
                path = Some(
                    path.map_or(below, |other: &str| if below.len() < other.len() { below } else { other }),
                );
            }
        }
        let Some(path) = path else { return Err(DecodeErrorKind::NotOurHost.into()) };
        let token = match memchr(b'/', path.as_bytes()) {
            None => path,
            Some(at) if is_sublink(&path[..at]) => &path[at + 1..],
            Some(_) => return Err(DecodeErrorKind::BadCharacters.into()),
        };
        let (first, last) = covering;
        self.open(token, appended, |index, domain| {
            index == first || (first..=last).contains(&index) && domain.covers(head)
        })
    }

    fn open(
        &self,
        token: &str,
        appended: &str,
        is_candidate: impl Fn(usize, &TrackingDomain) -> bool,
    ) -> Result<Token, DecodeError> {
        if token.len() > MAX_TOKEN {
            return Err(DecodeErrorKind::Malformed.into());
        }
        let mut sealed = BASE64_URL.decode(token).map_err(|error| match error {
            base64::DecodeError::InvalidByte(..) | base64::DecodeError::InvalidPadding => {
                DecodeErrorKind::BadCharacters
            }
            // Bits that no encoder leaves at the end: something has been cut, or changed there.
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidLastSymbol { .. } => {
                DecodeErrorKind::Truncated
            }
        })?;
        let Some(&first) = sealed.first() else { return Err(DecodeErrorKind::Truncated.into()) };
        let (version, slot) = (first >> 5, first & 31);
        if version != VERSION {
            return Err(DecodeErrorKind::UnknownVersion(version).into());
        }
        if sealed.len() < MIN_TOKEN {
            return Err(DecodeErrorKind::Truncated.into());
        }
        let tag = std::array::from_fn(|i| sealed[1 + i]);
        let message = &mut sealed[1 + TAG_BYTES..];
        let domains = self.domains.iter().enumerate();
        let candidates = domains.filter(|(index, bound)| is_candidate(*index, &bound.domain));
        let mut keys = candidates.filter_map(|(_, bound)| bound.slots[slot as usize].as_ref()).peekable();
        let has_key = keys.peek().is_some();
        while let Some(siv) = keys.next() {
            // A wrong key leaves nothing of the message for the next.
            let mut kept = keys.peek().map(|_| message.to_vec());
            let message = kept.as_deref_mut().unwrap_or(message);
            if siv.open(message, &tag) {
                let mut token = fields::read(message, slot).ok_or(DecodeErrorKind::Malformed)?;
                if self.deny.as_ref().is_some_and(|deny| deny(&token)) {
                    return Err(DecodeErrorKind::Denied.into());
                }
                token.appended = appended.to_owned();
                return Ok(token);
            }
        }
        Err(if has_key || self.domains.is_empty() {
            DecodeErrorKind::NotAuthentic.into()
        } else {
            match self.keys.why_not(slot) {
                NoKey::Retired => DecodeErrorKind::RetiredKey(slot).into(),
                NoKey::Unknown => DecodeErrorKind::UnknownKey(slot).into(),
            }
        })
    }
}

/// Whether a path segment may stand before the token.
pub(super) fn is_sublink(segment: &str) -> bool {
    (1..=64).contains(&segment.len())
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("keys", &self.keys)
            .field("domains", &self.domains.iter().map(|bound| &bound.domain).collect::<Vec<_>>())
            .field("deny", &self.deny.is_some())
            .finish()
    }
}

/// Why a tracking URL was refused.
///
/// ```
/// use openclick::{Decoder, ErrorKind, KeyRing};
///
/// let error = Decoder::new(KeyRing::generate()).decode("not a token").unwrap_err();
/// assert_eq!(error.to_string(), "the token has characters that are not base64url");
/// assert_eq!(openclick::Error::from(error).kind(), ErrorKind::Token);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    kind: DecodeErrorKind,
}

/// What was wrong with a tracking URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The URL is of no domain that the decoder knows.
    NotOurHost,
    /// The token, or what stands before it, has characters that cannot be there.
    BadCharacters,
    /// Something is missing at the end of the token.
    Truncated,
    /// The token is of a version (0 to 7) that this program does not know.
    UnknownVersion(u8),
    /// The key file has no key in this slot (0 to 31).
    UnknownKey(u8),
    /// The key of this slot (0 to 31) is retired.
    RetiredKey(u8),
    /// No key and domain of ours made this token: it was changed, cut, or forged, or is of another domain.
    NotAuthentic,
    /// The token is authentic, and yet its fields mean nothing; or it is longer than any token.
    Malformed,
    /// The predicate of [`Decoder::deny`] refused it.
    Denied,
}

impl DecodeError {
    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }
}

impl From<DecodeErrorKind> for DecodeError {
    fn from(kind: DecodeErrorKind) -> DecodeError {
        DecodeError { kind }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DecodeErrorKind::NotOurHost => f.write_str("the URL is not of a tracking domain of ours"),
            DecodeErrorKind::BadCharacters => f.write_str("the token has characters that are not base64url"),
            DecodeErrorKind::Truncated => f.write_str("the token is cut short"),
            DecodeErrorKind::UnknownVersion(version) => {
                write!(f, "the token has the unknown version {version}")
            }
            DecodeErrorKind::UnknownKey(slot) => {
                write!(f, "the token is sealed with slot {slot}, which has no key here")
            }
            DecodeErrorKind::RetiredKey(slot) => {
                write!(f, "the token is sealed with slot {slot}, whose key is retired")
            }
            DecodeErrorKind::NotAuthentic => f.write_str(
                "the token is not authentic: changed, cut, or not made with these keys for this domain",
            ),
            DecodeErrorKind::Malformed => f.write_str("the token is malformed"),
            DecodeErrorKind::Denied => f.write_str("the token is denied by a rule"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Error {
        Error::new(ErrorKind::Token, error.to_string()).because(error)
    }
}
