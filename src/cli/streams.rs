//! Traffic streams: `[[stream]]` in the configuration file, and what flags and variables say beside it.

use std::borrow::Cow;
use std::ops::Range;

use openclick::stream::{Condition, Layer, Setting as Name, Stream, Streams};
use openclick::{Dialect, TrackingDomain};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::config::{convert, described};
use super::exit::Failure;
use super::setting::{self as s, Setting, Shape, Value, did_you_mean};
use super::settings::{Origin, Settings};

/// All that decides on the settings of a message beside the options.
#[derive(Debug)]
pub(super) struct StreamsConfig {
    pub(super) streams: Streams,
    /// What flags and variables say, which stands above a message's header.
    pub(super) caller: Layer,
    /// What the file says, which stands below it.
    pub(super) global: Layer,
    /// Whose API headers are taken out.
    pub(super) strip: Vec<Dialect>,
}

impl StreamsConfig {
    pub(super) fn of(settings: &Settings) -> Result<StreamsConfig, Failure> {
        Ok(StreamsConfig {
            streams: settings.streams().clone(),
            caller: layer(settings, |origin| !matches!(origin, Origin::File(_)))?,
            global: layer(settings, |origin| matches!(origin, Origin::File(_)))?,
            strip: dialects(settings, &s::STRIP_API_HEADERS)?.unwrap_or_default(),
        })
    }
}

fn dialects(settings: &Settings, setting: &Setting) -> Result<Option<Vec<Dialect>>, Failure> {
    let Some(names) = settings.list(setting) else { return Ok(None) };
    let dialects: Result<_, _> = names.iter().map(|name| name.parse()).collect();
    dialects.map(Some).map_err(|error| settings.refuse(setting, error))
}

/// The settings that a stream may set too, as far as they come from these origins.
fn layer(settings: &Settings, is_asked: fn(&Origin) -> bool) -> Result<Layer, Failure> {
    let mut layer = Layer::new();
    for name in Name::ALL {
        if let Some((setting, value, origin)) = settings.find_from(name.as_str(), is_asked) {
            layer = set(layer, name, value.clone())
                .map_err(|why| super::settings::refuse(setting, origin, why))?;
        }
    }
    Ok(layer)
}

/// What is written wrong, and where.
type Mistake = (Range<usize>, String);

/// The streams of a file.
pub(super) fn parse(value: &Spanned<DeValue<'_>>) -> Result<Streams, Mistake> {
    const EXPECTED: &str = "stream: expected tables, each under [[stream]]";
    let entries: &DeArray<'_> = match value.get_ref() {
        DeValue::Array(entries) => entries,
        DeValue::Table(_) => {
            return Err((value.span(), format!("{EXPECTED}, found one table: double the brackets")));
        }
        other => return Err((value.span(), format!("{EXPECTED}, found {}", described(other)))),
    };
    let mut streams = Streams::new();
    for entry in entries {
        let DeValue::Table(table) = entry.get_ref() else {
            return Err((entry.span(), format!("{EXPECTED}, found {}", described(entry.get_ref()))));
        };
        streams.push(stream(table)?).map_err(|error| (entry.span(), format!("stream: {error}")))?;
    }
    Ok(streams)
}

const NAME: &str = "name";
const MATCH: &str = "match";
const LOCK: &str = "lock";
const HONOUR: &str = "honour-subaccount-header";

fn stream(table: &DeTable<'_>) -> Result<Stream, Mistake> {
    let mut layer = Layer::new();
    let mut stream_name = None;
    let (mut conditions, mut locks, mut honours) = (Vec::new(), Vec::new(), false);
    for (key, value) in in_order(table) {
        let read = |shape| {
            convert(shape, value.get_ref()).map_err(|why| (value.span(), format!("{}: {why}", key.get_ref())))
        };
        match &**key.get_ref() {
            NAME => {
                if let Value::Text(text) = read(Shape::Text)? {
                    stream_name = Some(text);
                }
            }
            MATCH => conditions = matching(value)?,
            LOCK => locks = locking(value)?,
            HONOUR => honours = read(Shape::Switch)? == Value::Switch(true),
            name => {
                let Some(setting) = Name::ALL.into_iter().find(|setting| setting.as_str() == name) else {
                    let keys = Name::ALL.iter().map(|setting| setting.as_str());
                    let meant = match CONDITIONS.iter().any(|(condition, _)| *condition == name) {
                        true => format!("; as a condition it is `match.{name}`"),
                        false => did_you_mean(name, keys.chain([NAME, MATCH, LOCK, HONOUR])),
                    };
                    return Err((key.span(), format!("stream: unknown key `{name}`{meant}")));
                };
                let given = read(shape(setting))?;
                let refuse = |why| (value.span(), format!("{name}: {why}"));
                layer = set(layer, setting, given.clone()).map_err(refuse)?;
                // The library refuses a stream as a whole: each value is tried by itself, to be named with its place.
                let alone = set(Layer::new(), setting, given).map(Stream::new).map_err(refuse)?;
                Streams::new().push(alone).map_err(|error| (value.span(), error.to_string()))?;
            }
        }
    }
    for (lock, span) in &locks {
        if !layer.sets(*lock) {
            return Err((span.clone(), format!("lock: `{lock}` has no value in this stream")));
        }
    }
    let mut stream = Stream::new(layer).honour_subaccount_header(honours);
    if let Some(name) = stream_name {
        stream = stream.name(name);
    }
    stream = conditions.into_iter().fold(stream, Stream::when);
    Ok(locks.into_iter().fold(stream, |stream, (lock, _)| stream.lock(lock)))
}

fn shape(setting: Name) -> Shape {
    match setting {
        Name::CustomerId => Shape::Count,
        Name::TrackingDomain | Name::Subaccount | Name::Campaign | Name::Pool => Shape::Text,
        _ => Shape::Switch,
    }
}

fn set(layer: Layer, setting: Name, value: Value) -> Result<Layer, String> {
    Ok(match (setting, value) {
        (Name::Tracking, Value::Switch(on)) => layer.tracking(on),
        (Name::ClickTracking, Value::Switch(on)) => layer.click_tracking(on),
        (Name::OpenTracking, Value::Switch(on)) => layer.open_tracking(on),
        (Name::InitialOpen, Value::Switch(on)) => layer.initial_open(on),
        (Name::TextLinks, Value::Switch(on)) => layer.text_links(on),
        (Name::TrackingDomain, Value::Text(text)) => {
            layer.tracking_domain(TrackingDomain::parse(&text).map_err(|error| error.to_string())?)
        }
        (Name::CustomerId, Value::Count(id)) => layer.customer_id(id),
        (Name::Subaccount, Value::Text(text)) => layer.subaccount(text),
        (Name::Campaign, Value::Text(text)) => layer.campaign(text),
        (Name::Pool, Value::Text(text)) => layer.pool(text),
        // `shape` has seen to it.
        (_, value) => return Err(format!("cannot be {value:?}")),
    })
}

type Make = fn(Vec<&str>) -> openclick::Result<Condition>;

/// The conditions that have a name of their own.
const CONDITIONS: [(&str, Make); 4] = [
    ("virtual-mta", |globs| Condition::virtual_mta(globs)),
    ("pool", |globs| Condition::pool(globs)),
    ("from-domain", |globs| Condition::from_domain(globs)),
    ("job", |globs| Condition::job(globs)),
];

/// `match`: headers, and what their values must be.
fn matching(value: &Spanned<DeValue<'_>>) -> Result<Vec<Condition>, Mistake> {
    const HEADER: &str = "header";
    let expected = |what: &str, value: &Spanned<DeValue<'_>>| {
        let found = described(value.get_ref());
        (value.span(), format!("{what}, found {found}"))
    };
    let DeValue::Table(table) = value.get_ref() else {
        return Err(expected("match: expected a table such as { virtual-mta = \"news-*\" }", value));
    };
    let mut conditions = Vec::new();
    for (key, value) in in_order(table) {
        let name: &str = key.get_ref();
        if name == HEADER {
            let DeValue::Table(headers) = value.get_ref() else {
                return Err(expected("match.header: expected a table such as { X-Tier = \"gold\" }", value));
            };
            for (header, value) in in_order(headers) {
                let header: &str = header.get_ref();
                let path = format!("match.header.{header}");
                let condition = Condition::header(header, globs(&path, value)?);
                conditions.push(condition.map_err(|error| (value.span(), format!("{path}: {error}")))?);
            }
        } else if let Some((_, make)) = CONDITIONS.iter().find(|(other, _)| *other == name) {
            let path = format!("match.{name}");
            let condition = make(globs(&path, value)?);
            conditions.push(condition.map_err(|error| (value.span(), format!("{path}: {error}")))?);
        } else {
            let meant = did_you_mean(name, CONDITIONS.iter().map(|(name, _)| *name).chain([HEADER]));
            let hint = if meant.is_empty() { " (other headers stand under match.header)" } else { "" };
            return Err((key.span(), format!("match: unknown key `{name}`{meant}{hint}")));
        }
    }
    Ok(conditions)
}

/// A pattern or a list of them.
fn globs<'t>(path: &str, value: &'t Spanned<DeValue<'_>>) -> Result<Vec<&'t str>, Mistake> {
    let wrong = |span, found: &DeValue<'_>, inside| {
        (span, format!("{path}: expected a string or a list of strings, found {}{inside}", described(found)))
    };
    match value.get_ref() {
        DeValue::String(text) => Ok(vec![text]),
        DeValue::Array(list) => {
            let texts = list.iter().map(|entry| match entry.get_ref() {
                DeValue::String(text) => Ok(&**text),
                other => Err(wrong(entry.span(), other, " in it")),
            });
            texts.collect()
        }
        other => Err(wrong(value.span(), other, "")),
    }
}

/// `lock`: names of settings, each with its place.
fn locking(value: &Spanned<DeValue<'_>>) -> Result<Vec<(Name, Range<usize>)>, Mistake> {
    const WORDS: [&str; 10] = {
        let mut words = [""; 10];
        let mut at = 0;
        while at < words.len() {
            words[at] = Name::ALL[at].as_str();
            at += 1;
        }
        words
    };
    let DeValue::Array(list) = value.get_ref() else {
        let hint = if let DeValue::String(_) = value.get_ref() { ": put it in [ ]" } else { "" };
        let found = described(value.get_ref());
        return Err((value.span(), format!("lock: expected a list of strings, found {found}{hint}")));
    };
    let mut locks = Vec::new();
    for entry in list {
        let text: Cow<'_, str> = match entry.get_ref() {
            DeValue::String(text) => text.clone(),
            other => {
                let why = format!("lock: expected a list of strings, found {} in it", described(other));
                return Err((entry.span(), why));
            }
        };
        let Some(setting) = Name::ALL.into_iter().find(|setting| setting.as_str() == text) else {
            let meant = did_you_mean(&text, WORDS.into_iter());
            let why = format!("lock: expected one of {}, found `{text}`{meant}", WORDS.join(", "));
            return Err((entry.span(), why));
        };
        locks.push((setting, entry.span()));
    }
    Ok(locks)
}

/// In the order of the file: of several mistakes the first is named.
fn in_order<'t, 'f>(table: &'t DeTable<'f>) -> Vec<(&'t Spanned<Cow<'f, str>>, &'t Spanned<DeValue<'f>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

#[cfg(test)]
mod tests {
    use openclick::stream::{Given, Source};
    use openclick::{Consent, HeaderFields};

    use super::super::args;
    use super::*;

    /// Command line and file as the process would read them; variables are tested with processes.
    fn config(flags: &str, text: &str) -> StreamsConfig {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.toml");
        std::fs::write(&path, text).unwrap();
        let words =
            ["openclick", "rewrite", "--config"].map(Into::into).into_iter().chain([path.into_os_string()]);
        let words = words.chain(flags.split_whitespace().map(Into::into));
        let matches = args::command().try_get_matches_from(words).unwrap();
        let settings = Settings::gather(matches.subcommand_matches("rewrite").unwrap()).unwrap();
        StreamsConfig::of(&settings).unwrap()
    }

    fn given(config: &StreamsConfig) -> Given {
        Given::new()
            .caller(config.caller.clone())
            .global(config.global.clone())
            .dialects([Dialect::SparkPost, Dialect::Postmark])
            .consent(Consent::CLICKS)
    }

    const FILE: &str = r#"
        tracking-domain = "t.example.com"
        campaign = "all"
        dialects = ["sparkpost", "postmark"]
        strip-api-headers = ["postmark"]
        no-consent = ["opens"]

        [[stream]]
        name = "receipts"
        match.virtual-mta = "receipts-*"
        match.header.X-Tier = ["gold", "silver"]
        tracking = false
        click-tracking = true
        tracking-domain = "http://r.example.com"
        customer-id = 7
        honour-subaccount-header = true
        lock = ["customer-id", "click-tracking"]

        [[stream]]
        match = { from-domain = "*.example.com", job = ["spring*", "autumn"], pool = "?" }
        campaign = "seasons"
        "#;

    #[test]
    fn every_key_of_a_stream() {
        let config = config("--customer-id 1", FILE);
        assert_eq!((config.streams.len(), &*config.strip), (2, [Dialect::Postmark].as_slice()));
        let fields = [
            ("X-Virtual-MTA", "receipts-1"),
            ("X-Tier", "silver"),
            ("X-PM-TrackLinks", "None"),
            ("X-Sp-Subaccount-Id", "5"),
        ];
        let resolved = config.streams.resolve(&HeaderFields::from_text(fields), &given(&config));
        assert_eq!(resolved.stream.as_ref().unwrap().name.as_deref(), Some("receipts"));
        let entries: Vec<_> =
            resolved.entries().into_iter().map(|(_, value, source)| (value, source)).collect();
        let expected = [
            ("true", Source::Lock),
            ("false", Source::Stream),
            ("false", Source::Stream),
            ("false", Source::Default),
            ("http://r.example.com", Source::Stream),
            ("7", Source::Lock),
            ("5", Source::Header("X-Sp-Subaccount-Id")),
            ("all", Source::Global),
            ("", Source::Default),
        ];
        assert_eq!(entries.len(), expected.len());
        for ((value, source), expected) in entries.iter().zip(expected) {
            assert_eq!((value.as_str(), *source), expected);
        }
    }

    #[test]
    fn flags_and_the_file_stand_on_either_side_of_the_stream() {
        let fields = || {
            HeaderFields::from_text([
                ("From", "a@b.example.com"),
                ("X-Job", "autumn"),
                ("X-Virtual-MTA-Pool", "p"),
            ])
        };
        let campaign = |flags: &str| {
            let config = config(flags, FILE);
            let resolved = config.streams.resolve(&fields(), &given(&config));
            (resolved.campaign.value.unwrap_or_default(), resolved.campaign.source, resolved.open_tracking)
        };
        let (name, source, opens) = campaign("");
        assert_eq!((name.as_str(), source), ("autumn", Source::Header("X-Job")));
        assert_eq!((opens.value, opens.source), (false, Source::Consent));
        let (name, source, _) = campaign("--campaign flag");
        assert_eq!((name.as_str(), source), ("flag", Source::Caller));
    }
}
