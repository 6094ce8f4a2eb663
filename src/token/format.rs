//! Which shape tracking URLs have.

use super::template::Template;
use crate::{Error, ErrorKind, Result};

/// The shape of tracking URLs: sealed tokens, unless a site has a tracking endpoint already.
///
/// ```
/// use openclick::UrlFormat;
///
/// let sealed = UrlFormat::default();
/// let own = UrlFormat::template("https://t.example.com/r?u={target}&m={message_id}&k={kind}&s={hmac}")?;
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct UrlFormat {
    pub(super) shape: Shape,
    unsigned: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) enum Shape {
    #[default]
    Sealed,
    Template(Template),
    SparkyPmta,
}

impl UrlFormat {
    /// Encrypted and authenticated tokens of this crate, read with a [`Decoder`](crate::Decoder). The default.
    ///
    /// ```
    /// assert!(format!("{:?}", openclick::UrlFormat::sealed()).contains("Sealed"));
    /// ```
    #[must_use]
    pub fn sealed() -> UrlFormat {
        UrlFormat::default()
    }

    /// URLs for a tracking endpoint that exists already. Each `{field}` is replaced by its value, percent-encoded (only
    /// letters, digits, `-`, `.`, `_` and `~` stay), and empty where it is absent:
    ///
    /// `target`, `message_id`, `kind` (`click`, `link_unsubscribe`, `open`, `initial_open`), `recipient`, `campaign`,
    /// `pool`, `subaccount`, `link_name`, `link_index`, `customer_id`, `part`, `sealed_at` (minutes since 1970),
    /// `expires` (days since 1970), `sublink`, `slot` (of the key), and `hmac`.
    ///
    /// `{hmac}` authenticates everything before it and so must be the last field: HMAC-SHA256 of the URL up to it, cut to
    /// 16 bytes, in base64url without padding (22 characters). Its key is HKDF-SHA256 of the active slot's master key,
    /// without salt, with the info `openclick v1 template`. An endpoint that follows a URL whose `{hmac}` it has not
    /// checked is an open redirector.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if a field is unknown, what is around the fields is no http or https URL, a field
    /// stands in the host, or a field follows `{hmac}`. A template without `{hmac}` is an error where it is put to use,
    /// unless [`unsigned`](UrlFormat::unsigned) is called.
    ///
    /// ```
    /// use openclick::UrlFormat;
    ///
    /// let error = UrlFormat::template("https://t.example.com/?u={url}").unwrap_err();
    /// assert!(error.to_string().contains("{url}"));
    /// ```
    pub fn template(template: &str) -> Result<UrlFormat> {
        Ok(UrlFormat { shape: Shape::Template(Template::parse(template)?), unsigned: false })
    }

    /// The URLs of SparkPost's `sparkyPMTATracking`: base64url of zlib of JSON with `act` (`c`, `o`, `i`), `t_url`,
    /// `msg_id` and `rcpt`, readable by its `tracker` and `linktool`. Other fields, and sublinks, are not carried; its
    /// tracker wants a tracking domain without prefix. They are not signed, so that
    /// [`unsigned`](UrlFormat::unsigned) must be called.
    ///
    /// ```
    /// let format = openclick::UrlFormat::sparky_pmta().unsigned();
    /// ```
    #[must_use]
    pub fn sparky_pmta() -> UrlFormat {
        UrlFormat { shape: Shape::SparkyPmta, unsigned: false }
    }

    /// Accepts a format that nothing authenticates. Whoever sees one such URL can make others: the endpoint is an **open
    /// redirector**, which phishers use to borrow its name, and its events can be forged.
    ///
    /// ```
    /// let format = openclick::UrlFormat::template("https://t.example.com/r?u={target}")?.unsigned();
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn unsigned(mut self) -> UrlFormat {
        self.unsigned = true;
        self
    }

    /// Refuses a format without authentication that was not explicitly accepted.
    pub(crate) fn check(&self) -> Result<()> {
        let (what, mend) = match &self.shape {
            Shape::Sealed => return Ok(()),
            Shape::Template(template) if template.is_signed() => return Ok(()),
            _ if self.unsigned => return Ok(()),
            Shape::Template(_) => ("this URL template has no {hmac}", "add {hmac} as the last field"),
            Shape::SparkyPmta => ("the format sparky_pmta is not signed", "use the sealed format"),
        };
        Err(Error::new(
            ErrorKind::Configuration,
            format!(
                "{what}, which makes its endpoint an open redirector: {mend}, or accept it with `unsigned`"
            ),
        ))
    }
}
