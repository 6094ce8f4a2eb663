//! What was set, by flags, variables and the configuration file. A flag stands above a variable, a variable above the file.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use openclick::stream::Streams;

use super::config;
use super::exit::{Exit, Failure};
use super::setting::{ALL, Setting, Shape, Value};

/// Where a value came from; what stands above comes first.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Flag,
    Variable,
    /// `file:line:column`
    File(String),
}

impl Origin {
    /// The setting as it is spelled there.
    fn spell(&self, setting: &Setting) -> String {
        match self {
            Origin::Flag => format!("--{}", setting.name),
            Origin::Variable => setting.variable(),
            Origin::File(place) => format!("{place}: {}", setting.name),
        }
    }

    fn stands_above(&self, other: &Origin) -> bool {
        match (self, other) {
            (Origin::Flag, Origin::Variable | Origin::File(_)) | (Origin::Variable, Origin::File(_)) => true,
            (Origin::Flag | Origin::Variable | Origin::File(_), _) => false,
        }
    }
}

/// A setting, its value, and where that came from.
pub(super) type Entry = (&'static Setting, Value, Origin);

/// What was set: a list of values, those that count first in front.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    set: Vec<Entry>,
    streams: Streams,
}

impl Settings {
    /// Gathers flags, variables and the file that `--config` or `OPENCLICK_CONFIG` names.
    pub(super) fn gather(matches: &ArgMatches) -> Result<Settings, Failure> {
        let mut settings = Settings { set: flags(matches, ALL)?, streams: Streams::new() };
        settings.set.extend(variables(ALL)?);
        let path = matches.get_one::<PathBuf>("config").cloned();
        let path = path.or_else(|| variable("OPENCLICK_CONFIG").map(PathBuf::from));
        if let Some(path) = path {
            let file = config::read(&path)?;
            settings.set.extend(file.set);
            settings.streams = file.streams;
        }
        Ok(settings)
    }

    /// Some settings by flag or variable, for what must be known even where others are wrong.
    pub(super) fn early(matches: &ArgMatches, which: &[&'static Setting]) -> Settings {
        let mut set = flags(matches, which).unwrap_or_default();
        set.extend(which.iter().flat_map(|setting| variables(&[setting]).unwrap_or_default()));
        Settings { set, streams: Streams::new() }
    }

    /// The same with a setting as a flag would set it.
    pub(super) fn with(&self, setting: &'static Setting, value: Value) -> Settings {
        let mut settings = self.clone();
        settings.set.insert(0, (setting, value, Origin::Flag));
        settings
    }

    /// The streams of the file.
    pub(super) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// The value of a setting that counts among those of some origins.
    pub(super) fn find_from(&self, name: &str, is_asked: fn(&Origin) -> bool) -> Option<&Entry> {
        self.set.iter().find(|(setting, _, origin)| setting.name == name && is_asked(origin))
    }

    fn find(&self, setting: &Setting) -> Option<&Entry> {
        self.set.iter().find(|(other, ..)| other.name == setting.name)
    }

    pub(super) fn text(&self, setting: &Setting) -> Option<&str> {
        self.find(setting).and_then(|(_, value, _)| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn path(&self, setting: &Setting) -> Option<&Path> {
        self.find(setting).and_then(|(_, value, _)| match value {
            Value::Path(path) => Some(path.as_path()),
            _ => None,
        })
    }

    pub(super) fn switch(&self, setting: &Setting) -> Option<bool> {
        self.find(setting).and_then(|(_, value, _)| match value {
            Value::Switch(on) => Some(*on),
            _ => None,
        })
    }

    pub(super) fn count(&self, setting: &Setting) -> Option<u64> {
        self.find(setting).and_then(|(_, value, _)| match value {
            Value::Count(count) => Some(*count),
            _ => None,
        })
    }

    /// The list that counts; it takes the place of the lists below.
    pub(super) fn list(&self, setting: &Setting) -> Option<&[String]> {
        self.find(setting).and_then(|(_, value, _)| match value {
            Value::List(list) => Some(list.as_slice()),
            _ => None,
        })
    }

    /// Every entry of every list, from wherever it came.
    pub(super) fn all_lists(&self, setting: &Setting) -> impl Iterator<Item = &str> {
        let lists = self.set.iter().filter(|(other, ..)| other.name == setting.name);
        lists
            .filter_map(|(_, value, _)| if let Value::List(list) = value { Some(list) } else { None })
            .flatten()
            .map(String::as_str)
    }

    /// A setting as it is spelled where it was set.
    pub(super) fn spell(&self, setting: &Setting) -> String {
        self.find(setting).map_or_else(|| setting.name.to_owned(), |(_, _, origin)| origin.spell(setting))
    }

    /// Whether both are set, and the first by what stands above the other's source.
    pub(super) fn stands_above(&self, one: &Setting, other: &Setting) -> bool {
        match (self.find(one), self.find(other)) {
            (Some((_, _, one)), Some((_, _, other))) => one.stands_above(other),
            _ => false,
        }
    }

    /// A failure about a setting: names where it was set.
    pub(super) fn refuse(&self, setting: &Setting, why: impl fmt::Display) -> Failure {
        match self.find(setting) {
            Some((_, _, origin)) => refuse(setting, origin, why),
            None => Failure::configuration(format!("{}: {why}", setting.name)),
        }
    }
}

/// A bad flag is bad usage; a bad variable or file is bad configuration.
pub(super) fn refuse(setting: &Setting, origin: &Origin, why: impl fmt::Display) -> Failure {
    let message = format!("{}: {why}", origin.spell(setting));
    match origin {
        Origin::Flag => Failure::usage(message),
        Origin::Variable | Origin::File(_) => Failure::configuration(message),
    }
}

fn flags(matches: &ArgMatches, settings: &[&'static Setting]) -> Result<Vec<Entry>, Failure> {
    let mut set = Vec::new();
    for setting in settings {
        // A command has only the flags that mean something to it.
        if !matches!(matches.try_get_raw(setting.name), Ok(Some(_)))
            || matches.value_source(setting.name) != Some(ValueSource::CommandLine)
        {
            continue;
        }
        let value = if let Shape::Path = setting.shape {
            matches.get_one::<PathBuf>(setting.name).cloned().map(Value::Path)
        } else {
            let mut texts = matches.get_many::<String>(setting.name).into_iter().flatten();
            match setting.shape {
                Shape::Words(_) | Shape::Texts => Some(Value::List(texts.cloned().collect())),
                _ => {
                    let text = texts.next_back().map_or("", String::as_str);
                    Some(setting.read(text).map_err(|why| refuse(setting, &Origin::Flag, why))?)
                }
            }
        };
        set.extend(value.map(|value| (*setting, value, Origin::Flag)));
    }
    Ok(set)
}

fn variables(settings: &[&'static Setting]) -> Result<Vec<Entry>, Failure> {
    let mut set = Vec::new();
    for setting in settings {
        let Some(value) = variable(&setting.variable()) else { continue };
        let value = match (setting.shape, value.into_string()) {
            (Shape::Path, Ok(path)) => Ok(Value::Path(path.into())),
            (Shape::Path, Err(path)) => Ok(Value::Path(path.into())),
            (_, Ok(text)) => setting.read(&text),
            (_, Err(_)) => Err("expected UTF-8".to_owned()),
        };
        let value = value.map_err(|why| refuse(setting, &Origin::Variable, why))?;
        set.push((*setting, value, Origin::Variable));
    }
    Ok(set)
}

/// A variable; an empty one counts as not set, since scripts cannot easily do without.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The failure of a run that has no value for a setting.
pub(super) fn missing(setting: &Setting, what: &str) -> Failure {
    Failure::new(
        Exit::Configuration,
        format!(
            "{what}: give --{name}, {variable}, or {name} in the file that --config names",
            name = setting.name,
            variable = setting.variable()
        ),
    )
}
