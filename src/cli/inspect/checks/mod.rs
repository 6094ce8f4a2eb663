//! The checks, each a function of what was read.

pub(super) mod encoding;
pub(super) mod header;
pub(super) mod links;
pub(super) mod messages;
pub(super) mod pixels;
pub(super) mod signature;
pub(super) mod tokens;

use self::messages::Messages;
use super::mail::{Document, Mail};
use super::token::Found;
use super::urls::Url;

/// What every check looks at.
pub(super) struct Case<'a> {
    pub(super) mail: &'a Mail<'a>,
    /// What each URL of the mail turned out to be.
    pub(super) found: Vec<Found>,
    /// Which messages the tokens name.
    pub(super) messages: Messages,
    pub(super) expected: Expected<'a>,
    /// There are keys to open tokens with.
    pub(super) has_keys: bool,
    /// A tracking domain is known, given or found.
    pub(super) has_domain: bool,
}

impl Case<'_> {
    /// The URLs of a document, in order, and what each turned out to be.
    fn of_document(&self, document: &Document<'_>) -> impl Iterator<Item = (&Url, &Found)> {
        let range = document.urls.clone();
        self.mail.urls[range.clone()].iter().zip(&self.found[range])
    }
}

/// How the mail was sent.
#[derive(Clone)]
pub(super) struct Expected<'a> {
    /// With a pixel at the end.
    pub(super) open: bool,
    /// With a pixel at the start.
    pub(super) initial_open: bool,
    /// With every link tracked, but to hosts that may be left.
    pub(super) all_tracked: bool,
    /// Hosts that may be left, exact or `*.suffix`.
    pub(super) allowed: Vec<&'a str>,
}

/// Why what the header says is not checked.
const NO_HEADER: &str = "an HTML document has no header";

/// A count with its noun.
pub(super) fn counted(count: usize, what: &str) -> String {
    super::super::summary::counted(count as u64, what)
}

/// All of them, with their verb: `the one link is`, `both links are`, `all 3 links are`.
pub(super) fn all_are(count: usize, what: &str) -> String {
    match count {
        1 => format!("the one {what} is"),
        2 => format!("both {what}s are"),
        count => format!("all {} are", counted(count, what)),
    }
}

/// `is` or `are`.
pub(super) fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

impl Found {
    /// Whether it is a tracking URL, whole or damaged.
    pub(super) fn is_tracking(&self) -> bool {
        matches!(self, Found::Closed | Found::Open(_) | Found::Sealed(_) | Found::Damaged(_))
    }
}
