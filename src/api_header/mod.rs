//! Headers by which a message switches its own tracking, in the words of the sender that it was written for.
//!
//! They are read and, unless [`is_stripped`] says otherwise, left in place. Those of a dialect are read only where that dialect is
//! chosen; `X-Job` always.
//!
//! | header | dialect | what it switches |
//! |---|---|---|
//! | `X-Job` | | the campaign, as it stands |
//! | `X-Sp-Subaccount-Id` | | the subaccount, where the stream says so |
//! | `X-MSYS-API` | `sparkpost` | `options.click_tracking`, `open_tracking`, `initial_open`; `campaign_id`, above `X-Job` |
//! | `X-SMTPAPI` | `sendgrid` | `filters.clicktrack` and `opentrack`, `settings.enable` and `enable_text` |
//! | `X-MC-Track` | `mandrill` | exactly what it lists: `opens`, `clicks`, `clicks_all`, `clicks_htmlonly`, `clicks_textonly` |
//! | `X-Mailgun-Track`, `-Clicks`, `-Opens` | `mailgun` | all, links, pixels: `yes`, `no`, `true`, `false`, `htmlonly` |
//! | `X-PM-TrackOpens`, `X-PM-TrackLinks` | `postmark` | pixels: `true`, `false`; links: `None`, `HtmlAndText`, `HtmlOnly`, `TextOnly` |
//! | `X-SES-…` | `ses` | nothing; it can only be stripped |
//!
//! Three rules hold for all of them:
//!
//! - **Where headers contradict each other, off wins**, whatever their order: a mail that is not tracked can be sent again.
//!   Of a name that stands twice in one JSON object the last counts, as JSON readers have it.
//! - *Opens off* is both pixels off; *opens on* is the bottom pixel on, and the top one stays as it was: only SparkPost has
//!   a word for it (`initial_open`).
//! - Links in plain text are tracked only where a setting asks for them. A header can keep links to the HTML
//!   (`htmlonly`); one that wants plain text alone (`textonly`) leaves no links tracked.
//!
//! What cannot be understood is ignored, and noted: a mail is never lost for its headers.

mod json;
mod words;

use std::fmt;

use crate::dialect::{Dialect, Dialects};
use crate::fields::{self, HeaderFields};
use crate::stream::Setting;

/// The dialects that have API headers.
pub const DIALECTS: [Dialect; 6] = [
    Dialect::SparkPost,
    Dialect::SendGrid,
    Dialect::Ses,
    Dialect::Mailgun,
    Dialect::Postmark,
    Dialect::Mandrill,
];

/// Whose API header this is, by its name in any case.
///
/// ```
/// use openclick::{Dialect, api_header};
///
/// assert_eq!(api_header::dialect(b"x-msys-api"), Some(Dialect::SparkPost));
/// assert_eq!(api_header::dialect(b"X-Mailgun-Track-Pixel-Location-Top"), Some(Dialect::Mailgun));
/// assert_eq!(api_header::dialect(b"X-Job"), None); // the MTA's own
/// ```
#[must_use]
pub fn dialect(name: &[u8]) -> Option<Dialect> {
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    let begins =
        |with: &str| name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    match () {
        () if is("X-MSYS-API") => Some(Dialect::SparkPost),
        () if is("X-SMTPAPI") => Some(Dialect::SendGrid),
        () if is("X-MC-Track") => Some(Dialect::Mandrill),
        () if is("X-Mailgun-Track") || begins("X-Mailgun-Track-") => Some(Dialect::Mailgun),
        () if begins("X-PM-Track") => Some(Dialect::Postmark),
        () if begins("X-SES-") => Some(Dialect::Ses),
        () => None,
    }
}

/// Whether a header goes where the API headers of these dialects are stripped. `X-Job`, `X-Virtual-MTA` and `X-Sp-…` are the
/// MTA's own and never go.
///
/// ```
/// use openclick::{Dialect, api_header};
///
/// assert!(api_header::is_stripped(b"X-SES-MESSAGE-TAGS", &[Dialect::Ses]));
/// assert!(!api_header::is_stripped(b"X-MSYS-API", &[Dialect::Ses]));
/// assert!(!api_header::is_stripped(b"X-Sp-Message-Id", &api_header::DIALECTS));
/// ```
#[must_use]
pub fn is_stripped(name: &[u8], dialects: &[Dialect]) -> bool {
    dialect(name).is_some_and(|dialect| dialects.contains(&dialect))
}

/// One thing that a header asked for, or why it was not heard.
///
/// It displays as one line. What comes out of the message must be made safe before a terminal shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HeaderNote {
    /// The header's name, as the message spells it.
    pub header: String,
    /// What it asked for.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub effect: HeaderEffect,
}

/// What a header asked for. Whether it had its way is the settings' to say: a lock or a flag stands above it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", tag = "effect"))]
#[non_exhaustive]
pub enum HeaderEffect {
    /// It switches something on or off.
    Switch {
        /// What it switches.
        setting: Setting,
        /// On or off.
        on: bool,
    },
    /// It names the campaign or the subaccount.
    Name {
        /// What it names.
        setting: Setting,
        /// The name.
        value: String,
    },
    /// It, or a part of it, was not heard.
    Ignored {
        /// Why, for programs.
        reason: HeaderIgnored,
        /// Why, for people.
        detail: String,
    },
}

/// Why a header was not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum HeaderIgnored {
    /// Its dialect is not chosen.
    DialectOff,
    /// It has more than 64 KiB.
    TooLong,
    /// It should be JSON and is not.
    BadJson,
    /// A value in it is none that it may have.
    BadValue,
    /// A name in it cannot go into a token.
    BadText,
    /// No stream of this message honours it.
    NotHonoured,
    /// Another header, or one before it, names the same.
    Superseded,
    /// There is nothing here that it could switch.
    NoMeaning,
}

impl HeaderIgnored {
    /// The word of the JSON report, such as `bad-json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            HeaderIgnored::DialectOff => "dialect-off",
            HeaderIgnored::TooLong => "too-long",
            HeaderIgnored::BadJson => "bad-json",
            HeaderIgnored::BadValue => "bad-value",
            HeaderIgnored::BadText => "bad-text",
            HeaderIgnored::NotHonoured => "not-honoured",
            HeaderIgnored::Superseded => "superseded",
            HeaderIgnored::NoMeaning => "no-meaning",
        }
    }
}

impl fmt::Display for HeaderNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.header)?;
        match &self.effect {
            HeaderEffect::Switch { setting, on } => write!(f, "{setting} = {on}"),
            HeaderEffect::Name { setting, value } => write!(f, "{setting} = {value}"),
            HeaderEffect::Ignored { reason, detail } => write!(f, "ignored ({}): {detail}", reason.as_str()),
        }
    }
}

/// A value and the header that it came from.
type FromHeader<T> = Option<(T, &'static str)>;

/// What the headers of a message set.
#[derive(Debug, Default)]
pub(crate) struct HeaderSettings {
    pub(crate) switches: Switches,
    pub(crate) campaign: FromHeader<String>,
    pub(crate) subaccount: FromHeader<String>,
    pub(crate) notes: Vec<HeaderNote>,
}

/// The switches that headers set.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    links: FromHeader<bool>,
    bottom_pixel: FromHeader<bool>,
    top_pixel: FromHeader<bool>,
    text_links: FromHeader<bool>,
}

impl Switches {
    pub(crate) fn get(&self, setting: Setting) -> FromHeader<bool> {
        match setting {
            Setting::ClickTracking => self.links,
            Setting::OpenTracking => self.bottom_pixel,
            Setting::InitialOpen => self.top_pixel,
            Setting::TextLinks => self.text_links,
            _ => None,
        }
    }

    /// Off wins, whatever comes first.
    fn set(&mut self, setting: Setting, on: bool, header: &'static str) {
        let slot = match setting {
            Setting::ClickTracking => &mut self.links,
            Setting::OpenTracking => &mut self.bottom_pixel,
            Setting::InitialOpen => &mut self.top_pixel,
            _ => &mut self.text_links,
        };
        if slot.is_none_or(|(before, _)| before && !on) {
            *slot = Some((on, header));
        }
    }
}

/// Reads the headers of a message.
pub(crate) fn read(
    fields: &HeaderFields<'_>,
    dialects: Dialects,
    honours_subaccount: bool,
) -> HeaderSettings {
    let mut reader = Reader { settings: HeaderSettings::default(), name: String::new() };
    for (name, value) in fields.iter() {
        let Some(dialect) = dialect(name) else { continue };
        reader.name = String::from_utf8_lossy(name).into_owned();
        if dialects.has(dialect) {
            reader.api(dialect, value);
        } else {
            reader.ignore(
                HeaderIgnored::DialectOff,
                format!("the dialect `{}` is not chosen", dialect.as_str()),
            );
        }
    }
    reader.own(fields, "X-Job", Setting::Campaign, true);
    reader.own(fields, "X-Sp-Subaccount-Id", Setting::Subaccount, honours_subaccount);
    reader.settings
}

/// The longest header that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// No more notes are kept: a message may have any number of headers.
const MOST_NOTES: usize = 100;

struct Reader {
    settings: HeaderSettings,
    /// The name of the field that is read, as the message spells it.
    name: String,
}

impl Reader {
    fn api(&mut self, dialect: Dialect, value: &[u8]) {
        if value.len() > LONGEST {
            let detail = format!("it has {} bytes, more than {LONGEST}", value.len());
            return self.ignore(HeaderIgnored::TooLong, detail);
        }
        match dialect {
            Dialect::SparkPost => self.sparkpost(value),
            Dialect::SendGrid => self.sendgrid(value),
            Dialect::Mandrill => self.mandrill(value),
            Dialect::Mailgun => self.mailgun(value),
            Dialect::Postmark => self.postmark(value),
            // Configuration sets and message tags are looked up in an account of Amazon's.
            _ => self.ignore(HeaderIgnored::NoMeaning, "it switches nothing here".to_owned()),
        }
    }

    /// The first field of a header of the MTA's own that names something.
    fn own(&mut self, fields: &HeaderFields<'_>, header: &'static str, setting: Setting, is_honoured: bool) {
        let Some(value) = fields.first(header) else { return };
        self.name = header.to_owned();
        if is_honoured {
            self.named(header, setting, value);
        } else {
            let detail = "no stream of this message has honour-subaccount-header = true";
            self.ignore(HeaderIgnored::NotHonoured, detail.to_owned());
        }
    }

    fn named(&mut self, header: &'static str, setting: Setting, value: &[u8]) {
        let text = match fields::text(value) {
            Ok(text) => text.to_owned(),
            Err(why) => return self.ignore(HeaderIgnored::BadText, format!("{setting}: the text {why}")),
        };
        let slot = match setting {
            Setting::Campaign => &mut self.settings.campaign,
            _ => &mut self.settings.subaccount,
        };
        match slot {
            Some((_, by)) => {
                let detail = format!("{by} names the {setting}");
                self.ignore(HeaderIgnored::Superseded, detail);
            }
            None => {
                *slot = Some((text.clone(), header));
                self.note(HeaderEffect::Name { setting, value: text });
            }
        }
    }

    fn links(&mut self, header: &'static str, links: Links) {
        self.switch(header, Setting::ClickTracking, matches!(links, Links::On | Links::HtmlOnly));
        if links == Links::HtmlOnly {
            self.switch(header, Setting::TextLinks, false);
        }
        if links == Links::TextOnly {
            let detail = "links in plain text are not tracked without those in HTML";
            self.ignore(HeaderIgnored::NoMeaning, detail.to_owned());
        }
    }

    fn opens(&mut self, header: &'static str, on: bool) {
        self.switch(header, Setting::OpenTracking, on);
        if !on {
            self.switch(header, Setting::InitialOpen, false);
        }
    }

    fn switch(&mut self, header: &'static str, setting: Setting, on: bool) {
        self.settings.switches.set(setting, on, header);
        self.note(HeaderEffect::Switch { setting, on });
    }

    fn ignore(&mut self, reason: HeaderIgnored, detail: String) {
        self.note(HeaderEffect::Ignored { reason, detail });
    }

    fn note(&mut self, effect: HeaderEffect) {
        if self.settings.notes.len() < MOST_NOTES {
            self.settings.notes.push(HeaderNote { header: self.name.clone(), effect });
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    On,
    Off,
    HtmlOnly,
    TextOnly,
}

#[cfg(test)]
mod tests;
