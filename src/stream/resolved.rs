//! The settings that a message has in the end, and where each came from.

use std::fmt;

use super::Stream;
use super::layer::{Layer, Setting};
use crate::api_header::{self, HeaderNote, HeaderSettings};
use crate::dialect::{Dialect, Dialects};
use crate::fields::HeaderFields;
use crate::options::Consent;
use crate::token::TrackingDomain;

/// What is known beside the message and the streams.
#[derive(Debug, Clone)]
pub struct Given {
    caller: Layer,
    global: Layer,
    dialects: Dialects,
    consent: Consent,
}

impl Given {
    /// Nothing from the caller, no global settings, SparkPost's headers, full consent.
    #[must_use]
    pub fn new() -> Given {
        Given {
            caller: Layer::new(),
            global: Layer::new(),
            dialects: Dialects::NONE.with(Dialect::SparkPost),
            consent: Consent::ALL,
        }
    }

    /// What the caller asks for with this message: the command's flags and variables. Default nothing.
    #[must_use]
    pub fn caller(mut self, layer: Layer) -> Given {
        self.caller = layer;
        self
    }

    /// The settings of all mail: the configuration file outside of its streams. Default nothing.
    #[must_use]
    pub fn global(mut self, layer: Layer) -> Given {
        self.global = layer;
        self
    }

    /// Whose API headers are read, exactly these. Default SparkPost's.
    #[must_use]
    pub fn dialects(mut self, dialects: impl IntoIterator<Item = Dialect>) -> Given {
        self.dialects = dialects.into_iter().fold(Dialects::NONE, Dialects::with);
        self
    }

    pub(crate) fn dialect_set(mut self, dialects: Dialects) -> Given {
        self.dialects = dialects;
        self
    }

    /// What the recipient agreed to; above everything else, it only switches off. Default [`Consent::ALL`].
    #[must_use]
    pub fn consent(mut self, consent: Consent) -> Given {
        self.consent = consent;
        self
    }
}

impl Default for Given {
    fn default() -> Given {
        Given::new()
    }
}

/// Where a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The settings of all mail.
    Global,
    /// The stream.
    Stream,
    /// This header of the message.
    Header(&'static str),
    /// The caller's flag or variable.
    Caller,
    /// The stream, which locks it.
    Lock,
    /// The recipient did not agree.
    Consent,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Default => "default",
            Source::Global => "global",
            Source::Stream => "stream",
            Source::Header(name) => return write!(f, "header {name}"),
            Source::Caller => "flag or variable",
            Source::Lock => "stream, locked",
            Source::Consent => "no consent",
        })
    }
}

/// A value, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

/// The stream that a message belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Matched {
    /// Its place among the streams, from 1.
    pub number: usize,
    /// Its name, if it has one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub name: Option<String>,
    /// Its conditions, for people.
    pub conditions: Vec<String>,
}

/// The settings of one message.
///
/// It displays as a table, one setting a line, for people. Names and campaigns come out of the message: what is to be shown
/// on a terminal must be made safe for one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Resolved {
    /// The stream, if one's conditions hold.
    pub stream: Option<Matched>,
    /// Links.
    pub click_tracking: Sourced<bool>,
    /// The pixel at the end.
    pub open_tracking: Sourced<bool>,
    /// The pixel at the start.
    pub initial_open: Sourced<bool>,
    /// Links in plain text; without meaning where links are not tracked.
    pub text_links: Sourced<bool>,
    /// Where tracking links point, where a source says it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize_domain"))]
    pub tracking_domain: Sourced<Option<TrackingDomain>>,
    /// The customer.
    pub customer_id: Sourced<u64>,
    /// The customer's own customer.
    pub subaccount: Sourced<Option<String>>,
    /// The campaign.
    pub campaign: Sourced<Option<String>>,
    /// The pool.
    pub pool: Sourced<Option<String>>,
    /// What the message's headers asked for, whether it had its way or not, and what of them was ignored. At most 100.
    pub notes: Vec<HeaderNote>,
}

impl Resolved {
    /// Every setting with its value as text (empty where there is none) and its source, in the order of
    /// [`Setting::ALL`].
    #[must_use]
    pub fn entries(&self) -> [(Setting, String, Source); 9] {
        let switch = |setting, entry: &Sourced<bool>| (setting, entry.value.to_string(), entry.source);
        let text = |setting, entry: &Sourced<Option<String>>| {
            (setting, entry.value.clone().unwrap_or_default(), entry.source)
        };
        let domain = self.tracking_domain.value.as_ref();
        [
            switch(Setting::ClickTracking, &self.click_tracking),
            switch(Setting::OpenTracking, &self.open_tracking),
            switch(Setting::InitialOpen, &self.initial_open),
            switch(Setting::TextLinks, &self.text_links),
            (
                Setting::TrackingDomain,
                domain.map(ToString::to_string).unwrap_or_default(),
                self.tracking_domain.source,
            ),
            (Setting::CustomerId, self.customer_id.value.to_string(), self.customer_id.source),
            text(Setting::Subaccount, &self.subaccount),
            text(Setting::Campaign, &self.campaign),
            text(Setting::Pool, &self.pool),
        ]
    }
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stream {
            None => writeln!(f, "stream: none matches")?,
            Some(stream) => {
                write!(f, "stream: {}", stream.number)?;
                if let Some(name) = &stream.name {
                    write!(f, " `{name}`")?;
                }
                match stream.conditions.is_empty() {
                    true => writeln!(f, " (every message)")?,
                    false => writeln!(f, " ({})", stream.conditions.join("; "))?,
                }
            }
        }
        let entries = self.entries();
        let width = entries.iter().map(|(_, value, _)| value.chars().count().max(1)).max().unwrap_or(1);
        for (setting, value, source) in entries {
            let value = if value.is_empty() { "-" } else { &value };
            writeln!(f, "{:<15}  {value:<width$}  {source}", setting.as_str())?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

#[cfg(feature = "serde")]
fn serialize_domain<S: serde::Serializer>(
    domain: &Sourced<Option<TrackingDomain>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::Serialize;
    let value = domain.value.as_ref().map(ToString::to_string);
    Sourced { value, source: domain.source }.serialize(serializer)
}

/// The settings under a stream, if one was found.
pub(super) fn resolve(
    stream: Option<(usize, &Stream)>,
    fields: &HeaderFields<'_>,
    given: &Given,
) -> Resolved {
    let honours = stream.is_some_and(|(_, stream)| stream.honours_subaccount);
    let HeaderSettings { switches, campaign, subaccount, notes } =
        api_header::read(fields, given.dialects, honours);
    let sources = Sources { stream: stream.map(|(_, stream)| stream), given };
    let switch = |setting, of: fn(&Layer) -> Option<bool>, default| {
        let entry = sources.pick(setting, of, switches.get(setting), default);
        let needed = if let Setting::ClickTracking | Setting::TextLinks = setting {
            Consent::CLICKS
        } else {
            Consent::OPENS
        };
        match entry.value && !given.consent.contains(needed) {
            true => Sourced { value: false, source: Source::Consent },
            false => entry,
        }
    };
    let text = |setting, of: fn(&Layer) -> Option<String>, header: Option<(String, &'static str)>| {
        let header = header.map(|(text, name)| (Some(text), name));
        sources.pick(setting, |layer| of(layer).map(Some), header, None)
    };
    Resolved {
        stream: stream.map(|(at, stream)| Matched {
            number: at + 1,
            name: stream.name.clone(),
            conditions: stream.conditions.iter().map(ToString::to_string).collect(),
        }),
        click_tracking: switch(Setting::ClickTracking, Layer::links, true),
        open_tracking: switch(Setting::OpenTracking, Layer::bottom_pixel, true),
        initial_open: switch(Setting::InitialOpen, Layer::top_pixel, true),
        text_links: switch(Setting::TextLinks, |layer| layer.text_links, false),
        tracking_domain: sources.pick(
            Setting::TrackingDomain,
            |layer| layer.tracking_domain.clone().map(Some),
            None,
            None,
        ),
        customer_id: sources.pick(Setting::CustomerId, |layer| layer.customer_id, None, 0),
        subaccount: text(Setting::Subaccount, |layer| layer.subaccount.clone(), subaccount),
        campaign: text(Setting::Campaign, |layer| layer.campaign.clone(), campaign),
        pool: text(Setting::Pool, |layer| layer.pool.clone(), None),
        notes,
    }
}

struct Sources<'a> {
    stream: Option<&'a Stream>,
    given: &'a Given,
}

impl Sources<'_> {
    /// The first source that has a value.
    fn pick<T>(
        &self,
        setting: Setting,
        of: impl Fn(&Layer) -> Option<T>,
        header: Option<(T, &'static str)>,
        default: T,
    ) -> Sourced<T> {
        let stream = || self.stream.and_then(|stream| of(&stream.settings));
        let locked =
            self.stream.filter(|stream| stream.locks(setting)).and_then(|stream| of(&stream.settings));
        let (value, source) = locked
            .map(|value| (value, Source::Lock))
            .or_else(|| of(&self.given.caller).map(|value| (value, Source::Caller)))
            .or_else(|| header.map(|(value, name)| (value, Source::Header(name))))
            .or_else(|| stream().map(|value| (value, Source::Stream)))
            .or_else(|| of(&self.given.global).map(|value| (value, Source::Global)))
            .unwrap_or((default, Source::Default));
        Sourced { value, source }
    }
}
