//! Making tracking URLs.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::NO_PAD;

use super::decode::{Decoder, is_sublink};
use super::domain::TrackingDomain;
use super::fields::TokenFields;
use super::format::{Shape, UrlFormat};
use super::key::{KeyRing, first_byte};
use super::memo::Memo;
use super::prepared::{LinkTexts, Own, Prepared};
use super::siv::{Siv, TAG_BYTES};
use super::sparky;
use super::template::{Template, TemplateKey};
use super::value::Token;
use crate::base64_engine::{self, Engine};
use crate::{Error, ErrorKind, Result};

/// Makes tracking URLs one by one, for instance for the plain text of a mail; rewriting HTML needs no look at it.
///
/// It is made once for a domain, a format and keys, and shared between threads.
///
/// ```
/// use openclick::{EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
///
/// let domain = TrackingDomain::parse("track.example.com")?;
/// let writer = UrlWriter::new(domain, UrlFormat::sealed(), KeyRing::generate())?;
/// let mut fields = TokenFields::new(EventKind::Click, "0000e4a8b462f1c3d9a7");
/// fields.target = Some("https://example.org/");
/// assert!(writer.url(&fields, Some("app"))?.starts_with("https://track.example.com/app/"));
/// # Ok::<(), openclick::Error>(())
/// ```
pub struct UrlWriter {
    domain: TrackingDomain,
    scheme: Scheme,
}

enum Scheme {
    Sealed { siv: Box<Siv>, first: u8, decoder: Decoder },
    Template { template: Template, key: TemplateKey },
    SparkyPmta,
}

impl UrlWriter {
    /// Seals with the active key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the format has no authentication and [`UrlFormat::unsigned`] was not called.
    ///
    /// ```
    /// use openclick::{KeyRing, TrackingDomain, UrlFormat, UrlWriter};
    ///
    /// let domain = TrackingDomain::parse("track.example.com")?;
    /// assert!(UrlWriter::new(domain, UrlFormat::sparky_pmta(), KeyRing::generate()).is_err());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn new(domain: TrackingDomain, format: UrlFormat, keys: KeyRing) -> Result<UrlWriter> {
        format.check()?;
        let slot = keys.active_slot();
        let scheme = match format.shape {
            Shape::Sealed => Scheme::Sealed {
                siv: Box::new(keys.bound(slot, &domain).expect("the active slot has a key")),
                first: first_byte(slot),
                decoder: Decoder::new(keys).tracking_domain(domain.clone()),
            },
            Shape::Template(template) => {
                Scheme::Template { template, key: TemplateKey::new(slot, keys.template_key()) }
            }
            Shape::SparkyPmta => Scheme::SparkyPmta,
        };
        Ok(UrlWriter { domain, scheme })
    }

    /// The tracking domain.
    #[must_use]
    pub fn domain(&self) -> &TrackingDomain {
        &self.domain
    }

    /// Appends a tracking URL: ASCII, not escaped for HTML. Nothing is allocated but what `out` grows by (in the sealed
    /// format). On an error `out` is as before.
    ///
    /// The sublink is a path segment before the token, 1 to 64 of `A-Z a-z 0-9 _ -`, by which phones tell links that
    /// an app opens; a template has it only as its field `{sublink}`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Delivery`] if a text has more than 8,192 bytes, or the sublink other characters.
    ///
    /// ```
    /// # use openclick::{EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
    /// # let domain = TrackingDomain::parse("track.example.com")?;
    /// # let writer = UrlWriter::new(domain, UrlFormat::sealed(), KeyRing::generate())?;
    /// let mut html = b"<a href=\"".to_vec();
    /// writer.write_url(&TokenFields::new(EventKind::Open, "m-1"), None, &mut html)?;
    /// assert!(html.starts_with(b"<a href=\"https://track.example.com/"));
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn write_url(
        &self,
        fields: &TokenFields<'_>,
        sublink: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if let Some(sublink) = sublink.filter(|sublink| !is_sublink(sublink)) {
            return Err(Error::new(
                ErrorKind::Delivery,
                format!("sublink {sublink:?}: expected 1 to 64 of A-Z, a-z, 0-9, _ and -"),
            ));
        }
        match &self.scheme {
            Scheme::Sealed { siv, first, .. } => {
                let start = out.len();
                self.before_token(sublink, out);
                seal(siv, *first, |out| fields.write(out), out).inspect_err(|_| out.truncate(start))
            }
            Scheme::Template { template, key } => {
                template.write(fields, sublink, key, out);
                Ok(())
            }
            Scheme::SparkyPmta => {
                out.extend_from_slice(self.domain.base().as_bytes());
                sparky::write(fields, out);
                Ok(())
            }
        }
    }

    /// Whether [`UrlWriter::write_prepared`] makes the URLs of this format.
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self.scheme, Scheme::Sealed { .. })
    }

    /// Appends a sealed URL of prepared texts, the same as of these texts as fields. Nothing in the other formats.
    ///
    /// `sublink` must be one.
    pub(crate) fn write_prepared(
        &self,
        prepared: &Prepared,
        own: &Own<'_>,
        sublink: Option<&str>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Scheme::Sealed { siv, first, .. } = &self.scheme else { return Ok(()) };
        self.before_token(sublink, out);
        let write = |out: &mut Vec<u8>| {
            prepared.write(own, out);
            Ok(())
        };
        seal(siv, *first, write, out)
    }

    /// The same, of texts that were not coded yet, or whose bits the memo keeps.
    pub(crate) fn write_texts(
        &self,
        prepared: &Prepared,
        link: &LinkTexts<'_>,
        sublink: Option<&str>,
        memo: &mut Memo,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Scheme::Sealed { siv, first, .. } = &self.scheme else { return Ok(()) };
        let start = out.len();
        self.before_token(sublink, out);
        seal(siv, *first, |out| prepared.write_texts(link, memo, out), out)
            .inspect_err(|_| out.truncate(start))
    }

    /// What stands before the token of a sealed URL.
    fn before_token(&self, sublink: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.domain.base().as_bytes());
        if let Some(sublink) = sublink {
            out.extend_from_slice(sublink.as_bytes());
            out.push(b'/');
        }
    }

    /// A tracking URL as a string; see [`write_url`](UrlWriter::write_url).
    ///
    /// # Errors
    ///
    /// As [`write_url`](UrlWriter::write_url).
    ///
    /// ```
    /// # use openclick::{EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
    /// # let domain = TrackingDomain::parse("track.example.com")?;
    /// let format = UrlFormat::template("https://t.example.com/o?m={message_id}&s={hmac}")?;
    /// let writer = UrlWriter::new(domain, format, KeyRing::from_bytes([1; 32]))?;
    /// let url = writer.url(&TokenFields::new(EventKind::Open, "m-1"), None)?;
    /// assert!(url.starts_with("https://t.example.com/o?m=m-1&s="));
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn url(&self, fields: &TokenFields<'_>, sublink: Option<&str>) -> Result<String> {
        let mut url = Vec::with_capacity(256);
        self.write_url(fields, sublink, &mut url)?;
        Ok(url.into_iter().map(char::from).collect())
    }

    /// Whether a URL points at the tracking endpoint, whatever it carries.
    #[must_use]
    pub fn is_own(&self, url: &str) -> bool {
        self.domain.covers(url)
            || matches!(&self.scheme, Scheme::Template { template, .. } if template.origin().covers(url))
    }

    /// The hosts that own URLs can have, for a first look before [`UrlWriter::is_own`].
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut hosts = vec![self.domain.host().to_owned()];
        if let Scheme::Template { template, .. } = &self.scheme {
            hosts.push(template.origin().host().to_owned());
        }
        hosts
    }

    /// Whether the URLs of this format can be opened again.
    pub(crate) fn can_open(&self) -> bool {
        matches!(self.scheme, Scheme::Sealed { .. })
    }

    /// What one of our own sealed URLs carries: sealed for this domain with a key of this ring. `None` for all others,
    /// and for the other formats.
    #[must_use]
    pub fn open(&self, url: &str) -> Option<Token> {
        match &self.scheme {
            Scheme::Sealed { decoder, .. } if self.domain.covers(url) => decoder.decode(url).ok(),
            _ => None,
        }
    }
}

/// base64url without padding.
pub(super) static BASE64_URL: LazyLock<Engine> = LazyLock::new(|| base64_engine::url_safe(NO_PAD));

/// Appends a token. The bytes are sealed where they are written, and their characters take their place.
fn seal(
    siv: &Siv,
    first: u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    out.push(first);
    out.extend_from_slice(&[0; TAG_BYTES]);
    write(out)?;
    let (head, message) = out[start..].split_at_mut(1 + TAG_BYTES);
    head[1..].copy_from_slice(&siv.seal(message));
    encode(start, out);
    Ok(())
}

/// Puts characters in the place of the bytes from `start` on.
///
/// The vector instructions are taken from 128 bytes on, 24 at a time while 8 more follow, and tokens are about that
/// long: with zeros behind them all of their bytes go that way, and what comes of the zeros is dropped. Padding bits are
/// zeros too, so the characters are the same.
fn encode(start: usize, out: &mut Vec<u8>) {
    const LEAST: usize = 128;
    const STEP: usize = 24;
    const BEHIND: usize = 8;
    const ROOM: usize = 16 * STEP + BEHIND;

    let length = out.len() - start;
    let characters = (length * 4).div_ceil(3);
    let padded = (length.next_multiple_of(STEP) + BEHIND).max(LEAST);
    let mut short = [0; ROOM];
    let long;
    let bytes = if padded <= ROOM {
        short[..length].copy_from_slice(&out[start..]);
        &short[..padded]
    } else {
        long = out[start..].to_vec();
        &long
    };
    out.resize(start + (bytes.len() * 4).div_ceil(3), 0);
    BASE64_URL.encode_slice(bytes, &mut out[start..]).expect("the room is what it takes");
    out.truncate(start + characters);
}

impl fmt::Debug for UrlWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match &self.scheme {
            Scheme::Sealed { .. } => "sealed",
            Scheme::Template { .. } => "template",
            Scheme::SparkyPmta => "sparky_pmta",
        };
        f.debug_struct("UrlWriter").field("domain", &self.domain).field("format", &format).finish()
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn characters_of_every_length_are_those_of_base64url() {
        for length in 0..700 {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 151 + length) as u8).collect();
            let mut out = [b"https://t.example.com/", &bytes[..]].concat();
            encode(22, &mut out);
            assert_eq!(&out[..22], b"https://t.example.com/");
            assert_eq!(out[22..], *URL_SAFE_NO_PAD.encode(&bytes).as_bytes(), "{length}");
        }
    }
}
