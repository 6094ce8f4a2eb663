//! The fields of a message's header block, for everything that reads them: streams, API headers, addresses.

use std::borrow::Cow;

/// The header fields of a message, in order, duplicates included.
///
/// Collected from pairs of name and value. Values are unfolded (RFC 5322 §2.2.3: the line ends before white space taken out, the
/// white space kept); line ends that were left in count as white space. Both are bytes, since mail holds anything.
///
/// ```
/// use openclick::HeaderFields;
///
/// let fields = HeaderFields::from_text([("X-Job", " spring "), ("x-job", "autumn")]);
/// assert_eq!(fields.first("x-JOB"), Some(b"spring".as_slice()));
/// assert_eq!(fields.all("X-Job").count(), 2);
/// ```
#[derive(Debug, Clone, Default)]
pub struct HeaderFields<'a>(Vec<Field<'a>>);

/// Name and value.
type Field<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

impl<'a> HeaderFields<'a> {
    /// Fields whose names and values are text.
    pub fn from_text(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderFields<'a> {
        fields.into_iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
    }

    /// The values of every field of this name, in any case, without white space around them.
    pub fn all<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s [u8]> {
        self.iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// Names and values, both without white space around them (RFC 5322 §4.5: it may stand before the colon).
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.trim_ascii(), value.trim_ascii()))
    }
}

impl<'a, N: Into<Cow<'a, [u8]>>, V: Into<Cow<'a, [u8]>>> FromIterator<(N, V)> for HeaderFields<'a> {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> HeaderFields<'a> {
        HeaderFields(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// A text of a header as a [`Delivery`](crate::Delivery) takes it: UTF-8, not empty, at most 998 bytes, no controls. Else
/// why not.
pub(crate) fn text(value: &[u8]) -> Result<&str, &'static str> {
    /// RFC 5322 §2.1.1, and what a delivery takes.
    const LONGEST: usize = 998;

    let text = std::str::from_utf8(value).map_err(|_| "is not UTF-8")?;
    match text {
        "" => Err("is empty"),
        _ if text.len() > LONGEST => Err("has more than 998 bytes"),
        _ if text.contains(char::is_control) => Err("has control characters"),
        _ => Ok(text),
    }
}
