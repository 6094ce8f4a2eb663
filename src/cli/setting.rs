//! Every setting, once: its flag, its variable and its key in the configuration file have one name, one shape and one
//! meaning.

use std::fmt;
use std::path::PathBuf;

use super::time;

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// In kebab-case: `--name`, `OPENCLICK_NAME`, `name = …`.
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// What stands for the value in the help.
    pub(super) value: &'static str,
    /// The heading in the help.
    pub(super) group: &'static str,
    pub(super) help: &'static str,
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    /// A file; in the configuration relative to it.
    Path,
    Switch,
    Count,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Several, with commas between or repeated; if words are given, of these.
    Words(&'static [&'static str]),
    /// Several, repeated; in a variable one a line.
    Texts,
    /// A day; kept in days since 1970.
    Day,
    /// A moment; kept in seconds since 1970.
    Time,
}

/// What a setting was set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Path(PathBuf),
    Switch(bool),
    Count(u64),
    List(Vec<String>),
}

const IO: &str = "Input and output";
const KEYS: &str = "Tracking domain and keys";
const MAIL: &str = "This mail";
const WHAT: &str = "What is tracked";
const LINKS: &str = "Which links";
const URLS: &str = "Tracking URLs";
const LINT: &str = "Findings";

/// The table: a constant for each setting, and all of them.
macro_rules! settings {
    ($($constant:ident = $name:literal, $shape:expr, $value:literal, $group:expr, $help:expr;)*) => {
        $(pub(super) static $constant: Setting =
            Setting { name: $name, shape: $shape, value: $value, group: $group, help: $help };)*
        /// Every setting, in the order of the help.
        pub(super) static ALL: &[&Setting] = &[$(&$constant),*];
    };
}

settings! {
    FORMAT = "format", Shape::Choice(&["auto", "html", "message"]), "FORMAT", IO,
        "What the input is; auto: a message if it begins with a header block, else HTML [default: auto]";
    ON_ERROR = "on-error", Shape::Choice(&["tempfail", "pass"]), "WHAT", IO,
        "If it fails. tempfail: a mail filter exits with 75, so that the MTA tries again. pass: the unchanged input and 0; \
         the document is then held in memory [default: tempfail]";
    QUIET = "quiet", Shape::Switch, "BOOL", IO,
        "No summary and no notes on stderr, only errors";

    TRACKING_DOMAIN = "tracking-domain", Shape::Text, "URL", KEYS,
        "Where tracking links point: [https://]host[:port][/prefix]";
    ALSO_ACCEPT = "also-accept", Shape::Words(&[]), "URL", KEYS,
        "A further tracking domain to read, such as the one before a move; may be repeated";
    KEY_FILE = "key-file", Shape::Path, "FILE", KEYS,
        "The keys that seal and open tracking links; `openclick key new > FILE` makes it";
    ALLOW_OPEN_KEY_FILE = "allow-open-key-file", Shape::Switch, "BOOL", KEYS,
        "Accept a key file that others can read; for public demonstration keys only";

    MESSAGE_ID = "message-id", Shape::Text, "ID", MAIL,
        "The message, in every token; without one, a random id is made and named";
    RECIPIENT = "recipient", Shape::Text, "ADDRESS", MAIL,
        "The recipient's address, sealed in every token";
    CAMPAIGN = "campaign", Shape::Text, "NAME", MAIL,
        "The campaign";
    POOL = "pool", Shape::Text, "NAME", MAIL,
        "The pool of sending addresses";
    SUBACCOUNT = "subaccount", Shape::Text, "ID", MAIL,
        "The customer's own customer";
    CUSTOMER_ID = "customer-id", Shape::Count, "N", MAIL,
        "The customer whose mail this is [default: 0]";
    LIST_UNSUBSCRIBE = "list-unsubscribe", Shape::Texts, "URL", MAIL,
        "A URL of the List-Unsubscribe header: links to it are left; may be repeated";
    NO_CONSENT = "no-consent", Shape::Words(&["clicks", "opens"]), "WHAT", MAIL,
        "What the recipient did not agree to. Flag, variable and file add up, and nothing switches it on again";
    SEALED_AT = "sealed-at", Shape::Time, "TIME", MAIL,
        "When the links were sealed: now, 2027-01-31T12:00:00Z, or seconds since 1970 [default: not said]";
    EXPIRES = "expires", Shape::Day, "DATE", MAIL,
        "The last day (UTC) on which events count; the links work after it too [default: never]";
    EXTENSION = "extension", Shape::Texts, "ID=TEXT", MAIL,
        "A field of your own in every token, by number; may be repeated";

    MERGE_SYNTAX = "merge-syntax", Shape::Words(&["mustache", "mailchimp", "salesforce", "mailgun"]), "NAME", MAIL,
        "How `render` finds merge fields: {{name}}, *|NAME|*, %%name%%, %recipient.name% [default: mustache]";

    CLICK_TRACKING = "click-tracking", Shape::Switch, "BOOL", WHAT,
        "Links [default: true]";
    OPEN_TRACKING = "open-tracking", Shape::Switch, "BOOL", WHAT,
        "The pixel at the end of the mail [default: true]";
    INITIAL_OPEN = "initial-open", Shape::Switch, "BOOL", WHAT,
        "The pixel at its start [default: true]";
    TEXT_LINKS = "text-links", Shape::Switch, "BOOL", WHAT,
        "Links in the plain text of messages [default: false]";
    OUTLOOK = "outlook", Shape::Switch, "BOOL", WHAT,
        "Links in Outlook's conditional comments [default: true]";
    PIXEL_PLACEHOLDER = "pixel-placeholder", Shape::Text, "TEXT", WHAT,
        "The text whose place the pixel at the end takes; empty for none [default: {{openclick:pixel}}]";
    CHARSET = "charset", Shape::Text, "LABEL", WHAT,
        "The charset of the HTML [default: byte order mark, else <meta charset>, else utf-8]";
    REPORT_LINKS = "report-links", Shape::Count, "N", WHAT,
        "How many links the report lists; all are counted [default: 10000]";
    ENGINE = "engine", Shape::Choice(&["scan", "lol_html"]), "NAME", WHAT,
        "Who finds the links; both give the same output, and lol_html is there to check the other against [default: scan]";

    DIALECTS = "dialects", Shape::Words(DIALECT_NAMES), "NAME", LINKS,
        "Whose opt-out attributes are honoured and removed, and whose headers switch tracking; exactly these \
         [default: sparkpost]";
    SKIP_HOST = "skip-host", Shape::Words(&[]), "HOST", LINKS,
        "A host whose links are left, or *.suffix; may be repeated";
    VISIBLE_URL = "visible-url", Shape::Choice(&["track", "leave"]), "WHAT", LINKS,
        "Links whose shown text is itself a URL: track or leave them [default: track]";
    MAX_LINKS = "max-links", Shape::Count, "N", LINKS,
        "Track at most so many links [default: no cap]";
    MAX_TARGET_LENGTH = "max-target-length", Shape::Count, "BYTES", LINKS,
        "Leave longer destinations [default: 4096]";
    MAX_URL_LENGTH = "max-url-length", Shape::Count, "CHARS", LINKS,
        "Leave links whose tracking URL would be longer [default: 2000]";

    ON_SIGNED = "on-signed", Shape::Choice(&["refuse", "rewrite", "strip"]), "WHAT", MAIL,
        "A message with a DKIM-Signature or ARC-Seal, which a rewrite breaks: let it pass as it is, rewrite it, or \
         rewrite it and take its signatures out [default: refuse]";
    STRIP_API_HEADERS = "strip-api-headers", Shape::Words(API_HEADER_NAMES), "NAME", MAIL,
        "Whose API headers, such as X-MSYS-API, are taken out of the message; never X-Job, X-Virtual-MTA and X-Sp-* \
         [default: none]";

    URL_FORMAT = "url-format", Shape::Choice(&["sealed", "template", "sparky-pmta"]), "FORMAT", URLS,
        "sealed: tokens that `openclick decode` reads. template: --url-template. sparky-pmta: as sparkyPMTATracking does \
         [default: sealed; template if one is given]";
    URL_TEMPLATE = "url-template", Shape::Text, "URL", URLS,
        "URLs of a tracking endpoint that is there already: https://t.example/r?u={target}&m={message_id}&s={hmac}";
    UNSIGNED = "unsigned", Shape::Switch, "BOOL", URLS,
        "Accept a format that nothing authenticates: its endpoint is an open redirector";

    LINT_ALLOW = "lint-allow", Shape::Words(&[]), "CODE", LINT,
        "Findings of `lint` that are not told, by code or name; also notes, warnings; may be repeated";
    LINT_DENY = "lint-deny", Shape::Words(&[]), "CODE", LINT,
        "Findings of `lint` that count as errors, by code or name; also notes, warnings; may be repeated";
}

/// As the library names them; a test holds the two together.
const DIALECT_NAMES: &[&str] = &[
    "sparkpost",
    "sendgrid",
    "ses",
    "mailgun",
    "postmark",
    "mandrill",
    "ahoy",
    "kannon",
    "mautic",
    "mailglass",
    "campaignmonitor",
    "customerio",
    "postal",
];

/// Those of them that have API headers; the test holds these too.
const API_HEADER_NAMES: &[&str] = &["sparkpost", "sendgrid", "ses", "mailgun", "postmark", "mandrill"];

impl Setting {
    /// The setting's variable, such as `OPENCLICK_TRACKING_DOMAIN`.
    pub(super) fn variable(&self) -> String {
        format!("OPENCLICK_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// Reads the value that a flag, a variable or a string in the file has.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        self.shape.read(text)
    }
}

impl Shape {
    /// Reads a value of this shape.
    pub(super) fn read(self, text: &str) -> Result<Value, String> {
        let value = match self {
            Shape::Text => Some(Value::Text(text.to_owned())),
            Shape::Path => Some(Value::Path(text.into())),
            Shape::Switch => text.parse().ok().map(Value::Switch),
            Shape::Count => text.parse().ok().map(Value::Count),
            Shape::Choice(words) => {
                check_word(text, words)?;
                Some(Value::Text(text.to_owned()))
            }
            Shape::Words(words) => {
                let list: Vec<_> = text
                    .split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
                    .collect();
                list.iter().try_for_each(|word| check_word(word, words))?;
                Some(Value::List(list))
            }
            Shape::Texts => {
                Some(Value::List(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()))
            }
            Shape::Day => time::day(text).map(|day| Value::Count(day.into())),
            Shape::Time => time::seconds(text).map(Value::Count),
        };
        value.ok_or_else(|| format!("expected {self}, found `{text}`"))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Text => "a string",
            Shape::Path => "a path in quotes",
            Shape::Switch => "true or false",
            Shape::Count => "a whole number from 0",
            Shape::Choice(_) => "a word in quotes",
            Shape::Words(_) | Shape::Texts => "a list of strings",
            Shape::Day => "a date such as 2027-01-31",
            Shape::Time => "now, a time such as 2027-01-31T12:00:00Z, or seconds since 1970",
        })
    }
}

fn check_word(word: &str, words: &[&str]) -> Result<(), String> {
    if words.is_empty() || words.contains(&word) {
        return Ok(());
    }
    let meant = did_you_mean(word, words.iter().copied());
    Err(format!("expected one of {}, found `{word}`{meant}", words.join(", ")))
}

/// `; did you mean …?` where one of the words is near.
pub(super) fn did_you_mean<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> String {
    let word = word.to_ascii_lowercase().replace('_', "-");
    let near = words
        .map(|other| (strsim::damerau_levenshtein(&word, other), other))
        .filter(|(distance, other)| *distance <= (other.len() / 3).max(1))
        .min();
    near.map_or_else(String::new, |(_, other)| format!("; did you mean `{other}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_kebab_case() {
        for (at, setting) in ALL.iter().enumerate() {
            assert!(setting.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(ALL[..at].iter().all(|other| other.name != setting.name), "{}", setting.name);
        }
        assert_eq!(TRACKING_DOMAIN.variable(), "OPENCLICK_TRACKING_DOMAIN");
    }

    #[test]
    fn dialects_are_those_of_the_library() {
        let names: Vec<_> = openclick::Dialect::ALL.iter().map(|dialect| dialect.as_str()).collect();
        assert_eq!(names, DIALECT_NAMES);
        let names = openclick::api_header::DIALECTS.map(|dialect| dialect.as_str());
        assert_eq!(names, API_HEADER_NAMES);
    }

    #[test]
    fn values_of_every_shape() {
        assert_eq!(OUTLOOK.read("false"), Ok(Value::Switch(false)));
        assert_eq!(OUTLOOK.read("no"), Err("expected true or false, found `no`".to_owned()));
        assert_eq!(MAX_LINKS.read("7"), Ok(Value::Count(7)));
        assert_eq!(MAX_LINKS.read("-7"), Err("expected a whole number from 0, found `-7`".to_owned()));
        assert_eq!(
            SKIP_HOST.read("a.example, b.example,"),
            Ok(Value::List(vec!["a.example".into(), "b.example".into()]))
        );
        assert_eq!(
            LIST_UNSUBSCRIBE.read("https://a/?x,y\nhttps://b/"),
            Ok(Value::List(vec!["https://a/?x,y".into(), "https://b/".into()]))
        );
        assert_eq!(EXPIRES.read("1970-01-02"), Ok(Value::Count(1)));
        assert_eq!(SEALED_AT.read("60"), Ok(Value::Count(60)));
        let error = NO_CONSENT.read("clicks,open").unwrap_err();
        assert_eq!(error, "expected one of clicks, opens, found `open`; did you mean `opens`?");
        assert!(FORMAT.read("mbox").is_err());
    }

    #[test]
    fn suggestions() {
        let names = || ALL.iter().map(|setting| setting.name);
        assert_eq!(did_you_mean("tracking_domain", names()), "; did you mean `tracking-domain`?");
        assert_eq!(did_you_mean("skip-hosts", names()), "; did you mean `skip-host`?");
        assert_eq!(did_you_mean("dialect", names()), "; did you mean `dialects`?");
        assert_eq!(did_you_mean("stream", names()), "");
    }
}
