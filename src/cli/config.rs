//! The configuration file, `openclick.toml`: the settings by their names, and nothing else. It is read only where it is
//! named, never found in the working folder: a mail filter must not do otherwise for where it was started.

use std::ops::Range;
use std::path::Path;

use openclick::stream::Streams;
use toml::de::{DeTable, DeValue};

use super::exit::{Cause, Failure};
use super::setting::{ALL, Shape, Value, did_you_mean};
use super::settings::{Entry, Origin};
use super::streams;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) set: Vec<Entry>,
    pub(super) streams: Streams,
}

/// Reads the settings of a file, and its streams.
pub(super) fn read(path: &Path) -> Result<File, Failure> {
    let text = std::fs::read(path).map_err(|error| {
        Failure::configuration(format!("configuration {}: {}", path.display(), Cause(&error)))
    })?;
    let text = match std::str::from_utf8(&text) {
        Ok(text) => text,
        Err(error) => {
            let valid = String::from_utf8_lossy(&text[..error.valid_up_to()]);
            let place = place(path, &valid, valid.len());
            return Err(Failure::configuration(format!("{place}: expected UTF-8")));
        }
    };
    parse(path, text)
}

fn parse(path: &Path, text: &str) -> Result<File, Failure> {
    let refuse = |span: Range<usize>, why: String| {
        Failure::configuration(format!("{}: {why}", place(path, text, span.start)))
    };
    let table = DeTable::parse(text)
        .map_err(|error| refuse(error.span().unwrap_or(0..0), error.message().replace('\n', ", ")))?;
    // In the order of the file: of several mistakes the first is named.
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut file = File::default();
    for (key, value) in entries {
        let name: &str = key.get_ref();
        if name == STREAM {
            file.streams = streams::parse(value).map_err(|(span, why)| refuse(span, why))?;
            continue;
        }
        let Some(setting) = ALL.iter().find(|setting| setting.name == name) else {
            let meant = did_you_mean(name, ALL.iter().map(|setting| setting.name).chain([STREAM]));
            return Err(refuse(key.span(), format!("unknown key `{name}`{meant}")));
        };
        let origin = Origin::File(place(path, text, value.span().start));
        let mut value = convert(setting.shape, value.get_ref())
            .map_err(|why| refuse(value.span(), format!("{}: {why}", setting.name)))?;
        if let Value::Path(relative) = &mut value {
            *relative = path.parent().unwrap_or(Path::new("")).join(&*relative);
        }
        file.set.push((*setting, value, origin));
    }
    Ok(file)
}

/// The key that is no setting.
const STREAM: &str = "stream";

/// `file:line:column`, both counted from 1, columns in characters.
fn place(path: &Path, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{}:{line}:{column}", path.display())
}

/// A value of the file in this shape.
pub(super) fn convert(shape: Shape, value: &DeValue<'_>) -> Result<Value, String> {
    let expected = || format!("expected {shape}, found {}", described(value));
    match (shape, value) {
        (Shape::Switch, DeValue::Boolean(on)) => Ok(Value::Switch(*on)),
        (Shape::Count | Shape::Time, DeValue::Integer(number)) => {
            u64::from_str_radix(number.as_str(), number.radix()).map(Value::Count).map_err(|_| expected())
        }
        (Shape::Day | Shape::Time, DeValue::Datetime(moment)) => shape.read(&moment.to_string()),
        (Shape::Text | Shape::Path | Shape::Choice(_) | Shape::Day | Shape::Time, DeValue::String(text)) => {
            shape.read(text)
        }
        (Shape::Words(_) | Shape::Texts, DeValue::Array(array)) => {
            let mut list = Vec::new();
            for entry in array {
                let DeValue::String(text) = entry.get_ref() else {
                    let found = described(entry.get_ref());
                    return Err(format!("expected {shape}, found {found} in it"));
                };
                match shape {
                    Shape::Words(_) => match shape.read(text)? {
                        Value::List(words) => list.extend(words),
                        _ => return Err(expected()),
                    },
                    _ => list.push(text.to_string()),
                }
            }
            Ok(Value::List(list))
        }
        (Shape::Words(_) | Shape::Texts, DeValue::String(_)) => {
            Err(format!("expected {shape}, found a string: put it in [ ]"))
        }
        _ => Err(expected()),
    }
}

/// What a value is, in a message.
pub(super) fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(number) if number.as_str().starts_with('-') => "a negative number",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::super::setting::{self, Setting};
    use super::*;

    fn error(text: &str) -> String {
        match parse(Path::new("o.toml"), text) {
            Ok(set) => format!("accepted: {set:?}"),
            Err(failure) => format!("{failure:?}"),
        }
    }

    #[test]
    fn every_shape_is_read() {
        let text = "tracking-domain = 't.example'\nkey-file = \"keys/a\"\noutlook = false\nmax-links = 1_000\n\
                    skip-host = [\"a.example\", 'b.example']\nexpires = 1970-01-03\nsealed-at = 1970-01-01T00:01:00Z\n\
                    list-unsubscribe = [\"https://u/?a,b\"]\ndialects = []\n";
        let set = parse(Path::new("etc/o.toml"), text).unwrap().set;
        let of =
            |setting: &Setting| set.iter().find(|(other, ..)| other.name == setting.name).unwrap().1.clone();
        assert_eq!(of(&setting::TRACKING_DOMAIN), Value::Text("t.example".into()));
        assert_eq!(of(&setting::KEY_FILE), Value::Path("etc/keys/a".into()));
        assert_eq!(of(&setting::OUTLOOK), Value::Switch(false));
        assert_eq!(of(&setting::MAX_LINKS), Value::Count(1000));
        assert_eq!(of(&setting::SKIP_HOST), Value::List(vec!["a.example".into(), "b.example".into()]));
        assert_eq!(of(&setting::EXPIRES), Value::Count(2));
        assert_eq!(of(&setting::SEALED_AT), Value::Count(60));
        assert_eq!(of(&setting::LIST_UNSUBSCRIBE), Value::List(vec!["https://u/?a,b".into()]));
        assert_eq!(of(&setting::DIALECTS), Value::List(vec![]));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, message) in [
            ("a = 1\n", "o.toml:1:1: unknown key `a`\""),
            (
                "\n tracking_domain = 't'\n",
                "o.toml:2:2: unknown key `tracking_domain`; did you mean `tracking-domain`?",
            ),
            ("[streams]\n", "o.toml:1:2: unknown key `streams`; did you mean `stream`?"),
            ("max-links = 'x'\n", "o.toml:1:13: max-links: expected a whole number from 0, found a string"),
            (
                "max-links = -1\n",
                "o.toml:1:13: max-links: expected a whole number from 0, found a negative number",
            ),
            ("recipient = 7\n", "o.toml:1:13: recipient: expected a string, found a number"),
            ("outlook = 'yes'\n", "o.toml:1:11: outlook: expected true or false, found a string"),
            (
                "skip-host = 'a'\n",
                "o.toml:1:13: skip-host: expected a list of strings, found a string: put it in [ ]",
            ),
            ("skip-host = [1]\n", "o.toml:1:13: skip-host: expected a list of strings, found a number in it"),
            ("dialects = ['sendgird']\n", "found `sendgird`; did you mean `sendgrid`?"),
            ("expires = 'soon'\n", "o.toml:1:11: expires: expected a date such as 2027-01-31, found `soon`"),
            ("pool = 'a'\npool = 'b'\n", "o.toml:2:1: "),
            ("pool = \n", "o.toml:1:"),
        ] {
            assert!(error(text).contains(message), "{text:?}: {}", error(text));
        }
    }
}
