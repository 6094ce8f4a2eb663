//! The one error type. Errors are for callers' mistakes and I/O; oddities of a mail are data in the
//! [`Report`](crate::Report).

use std::fmt;

/// What kind of thing went wrong; the command maps each to an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option or a setting of the caller cannot be used.
    Configuration,
    /// A field of a [`Delivery`](crate::Delivery) cannot be used, such as an empty message id.
    Delivery,
    /// A key or a key file cannot be used.
    Key,
    /// A tracking URL or token was refused; see [`DecodeError`](crate::DecodeError).
    Token,
    /// Reading or writing failed.
    Io,
}

/// An error with its kind, a message for people and, where there is one, a byte offset.
///
/// Messages are lower case and without a full stop, so that they can be joined to others.
///
/// ```
/// use openclick::{ErrorKind, KeyRing, Options};
///
/// let error = Options::new("ftp://t.example.com", KeyRing::generate()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Configuration);
/// assert!(error.to_string().contains("https"));
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    offset: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), offset: None, source: None }
    }

    pub(crate) fn at(mut self, offset: u64) -> Error {
        self.offset = Some(offset);
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.source = Some(source.into());
        self
    }

    /// The kind, for callers that branch on it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The byte offset (from 0) in the text that the error is about, where it has one.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
