//! Job names that PowerMTA takes in `X-Job`.
//!
//! A job id holds no white space and only some of ASCII; what an author calls a campaign may hold anything. The campaign
//! in a token stays as it was given, and the header is never changed: whoever writes the header makes the id here first.
//!
//! ```
//! use openclick::job_id;
//!
//! assert_eq!(job_id::sanitize("Sale \"now\""), "Sale__now_");
//! assert_eq!(job_id::sanitize("Frühling"), "Fr_hling");
//! assert!(job_id::check("Sale__now_").is_none());
//! ```

use std::borrow::Cow;
use std::fmt;

/// Whether a job id may hold this character: `A-Za-z0-9!#$%&'()*+,-./:;<=>?@[\]^_{|}~`. Of visible ASCII these are all but
/// `"` and the backtick *(SparkPost, "Deploying Signals for On-Premises: PowerMTA Integration", whose sanitising code this
/// equals)*.
fn is_valid(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '`')
}

/// Makes a job id of a name: each character that a job id cannot hold becomes one `_`.
///
/// A name that is one already comes back borrowed.
///
/// ```
/// use std::borrow::Cow;
/// use openclick::job_id;
///
/// assert!(matches!(job_id::sanitize("spring-2027"), Cow::Borrowed("spring-2027")));
/// assert_eq!(job_id::sanitize("a\tb `c` 😀"), "a_b__c___");
/// ```
#[must_use]
pub fn sanitize(name: &str) -> Cow<'_, str> {
    match name.chars().all(is_valid) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(name.chars().map(|c| if is_valid(c) { c } else { '_' }).collect()),
    }
}

/// The first character of a name that a job id cannot hold; `None` if it is one.
///
/// ```
/// use openclick::job_id;
///
/// let bad = job_id::check("spring sale").unwrap();
/// assert_eq!((bad.position(), bad.character()), (6, ' '));
/// assert_eq!(bad.to_string(), "character 7 is U+0020");
/// ```
#[must_use]
pub fn check(name: &str) -> Option<BadCharacter> {
    // Before it stands ASCII alone, so that bytes, characters and columns are the same.
    name.char_indices()
        .find(|(_, c)| !is_valid(*c))
        .map(|(position, character)| BadCharacter { position, character })
}

/// A character that a job id cannot hold, and where it stands. It displays as its place, counted from 1, and its number,
/// never as itself: it may steer a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCharacter {
    position: usize,
    character: char,
}

impl BadCharacter {
    /// Where it stands, from 0: in bytes and in characters, since only ASCII stands before it.
    #[must_use]
    pub fn position(self) -> usize {
        self.position
    }

    /// The character.
    #[must_use]
    pub fn character(self) -> char {
        self.character
    }
}

impl fmt::Display for BadCharacter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "character {} is U+{:04X}", self.position + 1, u32::from(self.character))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The set as the contract spells it.
    const VALID: &str =
        r"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'()*+,-./:;<=>?@[\]^_{|}~";

    #[test]
    fn every_character_up_to_u_3000() {
        for c in '\0'..'\u{3000}' {
            assert_eq!(is_valid(c), VALID.contains(c), "{c:?}");
        }
        assert_eq!(sanitize(VALID), VALID);
        assert_eq!(sanitize(""), "");
    }

    proptest::proptest! {
        #[test]
        fn what_is_sanitised_is_a_job_id_of_the_same_length(name: String) {
            let id = sanitize(&name);
            assert_eq!(check(&id), None);
            assert_eq!(id.chars().count(), name.chars().count());
            assert_eq!(check(&name).is_none(), id == name);
            let kept = id.chars().zip(name.chars()).all(|(new, old)| new == old || new == '_' && !VALID.contains(old));
            assert!(kept);
        }
    }
}
