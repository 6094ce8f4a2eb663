//! What a check found.

use serde::Serialize;

use super::mail::Mail;

/// At most so many places are kept for one check; all are counted.
const MOST_PLACES: usize = 100;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    /// As it should be.
    Pass,
    /// To be looked at.
    Warning,
    /// Not as it should be.
    Fail,
    /// It could not be judged, or did not apply.
    NotChecked,
}

/// One check and its result.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Check {
    /// Stable, such as `pixel-start`.
    pub(super) name: &'static str,
    pub(super) status: Status,
    /// One sentence.
    pub(super) message: String,
    /// The first places that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) places: Vec<Place>,
    /// How many there are in all.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) places_total: usize,
}

/// A place in the source.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Place {
    /// From 1, in the file as it was given.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    /// The number of the part, such as `1.2`; none in an HTML document and in the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<String>,
    /// What stands there, or what is wrong with it.
    pub(super) what: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this way")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Check {
    /// A check without places.
    pub(super) fn new(name: &'static str, status: Status, message: impl Into<String>) -> Check {
        Check { name, status, message: message.into(), places: Vec::new(), places_total: 0 }
    }

    /// Adds a place, by its offset in the mail.
    pub(super) fn at(
        mut self,
        mail: &Mail<'_>,
        offset: usize,
        part: Option<&str>,
        what: impl Into<String>,
    ) -> Check {
        self.places_total += 1;
        if self.places.len() < MOST_PLACES {
            let (line, column) = mail.place(offset);
            let part = part.filter(|part| !part.is_empty()).map(str::to_owned);
            self.places.push(Place { line, column, part, what: what.into() });
        }
        self
    }
}

/// The worse of two.
pub(super) fn worse(one: Status, other: Status) -> Status {
    let rank = |status| match status {
        Status::NotChecked => 0,
        Status::Pass => 1,
        Status::Warning => 2,
        Status::Fail => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}
