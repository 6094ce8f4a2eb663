//! The attributes by which authors steer tracking, and what their values mean.

use std::ops::Range;

use openclick::Dialect;
use openclick::source::Attribute;

use super::super::setting::did_you_mean;
use super::merge_tag;

/// An attribute that some sender's tracking understands.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) range: Range<usize>,
    pub(super) name: String,
    pub(super) value: String,
    pub(super) dialect: Dialect,
    meaning: Meaning,
}

#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// This value turns tracking off, and these others are known to leave it on.
    OptOutIf(&'static str, &'static [&'static str]),
    /// It turns tracking off, whatever its value.
    OptOut,
    /// `1` marks the link.
    Unsubscribe,
    Sublink,
    LinkName,
    Other,
}

/// The longest link name in a token, in bytes.
const LINK_NAME: usize = 63;

/// openclick's own attributes.
const OWN: [&str; 4] =
    ["data-msys-clicktrack", "data-msys-linkname", "data-msys-unsubscribe", "data-msys-sublink"];

/// An attempt at one of our own attributes that is none of them: its name, and what it is likely to mean, as the end of a
/// sentence.
pub(super) fn misspelt(attribute: &Attribute<'_>) -> Option<(String, String)> {
    /// Edits by which another beginning is still an attempt.
    const NEAR: usize = 2;
    const LONGEST: usize = 40;
    let name = attribute.name();
    if name.len() > LONGEST || !starts_with(&name, "data") && !starts_with(&name, "msys") {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let begins = ["data-msys", "data_msys", "datamsys", "msys-"].iter().any(|start| name.starts_with(start));
    let is_near = || {
        name.starts_with("data-m") && OWN.iter().any(|own| strsim::damerau_levenshtein(&name, own) <= NEAR)
    };
    (!OWN.contains(&&*name) && (begins || is_near())).then(|| {
        let whole = if name.starts_with("msys-") { format!("data-{name}") } else { name.clone() };
        let meant = did_you_mean(&whole, OWN.into_iter());
        (name, meant)
    })
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// What an attribute means, if it is one of these.
pub(super) fn mark(attribute: &Attribute<'_>, value: Range<usize>) -> Option<Mark> {
    use Dialect as D;
    use Meaning::{LinkName, OptOut, OptOutIf, Other, Sublink, Unsubscribe};
    const KNOWN: [(&str, Dialect, Meaning); 14] = [
        ("data-msys-clicktrack", D::SparkPost, OptOutIf("0", &["1", "true", "on", "yes"])),
        ("data-msys-linkname", D::SparkPost, LinkName),
        ("data-msys-unsubscribe", D::SparkPost, Unsubscribe),
        ("data-msys-sublink", D::SparkPost, Sublink),
        ("clicktracking", D::SendGrid, OptOutIf("off", &["on"])),
        ("ses:no-track", D::Ses, OptOut),
        ("ses:tags", D::Ses, Other),
        ("disable-tracking", D::Mailgun, OptOutIf("true", &["false"])),
        ("data-pm-no-track", D::Postmark, OptOut),
        ("mc:disable-tracking", D::Mandrill, OptOut),
        ("data-skip-click", D::Ahoy, OptOut),
        ("data-no-track", D::Kannon, OptOut),
        ("mautic:disable-tracking", D::Mautic, OptOut),
        ("data-mg-notrack", D::Mailglass, OptOut),
    ];
    let known =
        KNOWN.iter().find(|(name, ..)| attribute.is(name)).map(|(_, dialect, meaning)| (*dialect, *meaning));
    let ends = || attribute.name().to_ascii_lowercase().ends_with("_dontconvertlink");
    let (dialect, meaning) = match known {
        Some(known) => known,
        None if attribute.is("class") => {
            let value = attribute.value()?;
            value
                .split_ascii_whitespace()
                .any(|class| class == "untracked")
                .then_some((D::CustomerIo, Other))?
        }
        None if !value.is_empty() || attribute.name().contains('_') => {
            ends().then_some((D::CampaignMonitor, OptOut))?
        }
        None => return None,
    };
    Some(Mark {
        range: attribute.range(),
        name: attribute.name().into_owned(),
        value: attribute.value().unwrap_or_default().into_owned(),
        dialect,
        meaning,
    })
}

impl Mark {
    /// What is odd about its value, as the end of a sentence that begins with the attribute.
    pub(super) fn oddity(&self) -> Option<String> {
        let value = self.value.trim();
        if merge_tag::has(value) {
            return None;
        }
        let says_no = ["false", "0", "off", "no"].iter().any(|no| value.eq_ignore_ascii_case(no));
        match self.meaning {
            Meaning::OptOutIf(word, others) => {
                let is_known = [word].iter().chain(others).any(|known| value.eq_ignore_ascii_case(known));
                (!is_known).then(|| format!("does not turn tracking off: only \"{word}\" does"))
            }
            Meaning::OptOut => {
                says_no.then(|| "turns tracking off all the same: its value counts for nothing".to_owned())
            }
            Meaning::Unsubscribe => (value != "1" && !says_no)
                .then(|| "does not mark the unsubscribe link: only \"1\" does".to_owned()),
            Meaning::Sublink => {
                let is_valid = (1..=64).contains(&self.value.len())
                    && self
                        .value
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                (!is_valid).then(|| "is ignored: expected 1 to 64 of A-Z a-z 0-9 _ -".to_owned())
            }
            Meaning::LinkName => {
                (self.value.len() > LINK_NAME).then(|| format!("is cut to {LINK_NAME} bytes in reports"))
            }
            Meaning::Other => None,
        }
    }
}
