//! From a row to a delivery: which columns mean more than a merge field, and what the settings say beside them.

use std::sync::{Mutex, PoisonError};

use clap::ArgMatches;
use openclick::{Consent, Delivery, Rewriter};
use sha2::{Digest, Sha256};

use super::super::exit::{Exit, Failure};
use super::super::setting as s;
use super::super::settings::Settings;
use super::super::{job, time};
use super::address;
use super::letter::{ID, Letter};
use super::list::{List, Reading, Row, Values};

/// The columns that mean more, in the order in which their values are read. The recipient's column stands in front, and
/// the one with the name behind.
const SPECIAL: [&str; 7] =
    ["message_id", "open_tracking", "click_tracking", "unsubscribe", "campaign", "subaccount", "pool"];

/// What becomes of one row.
pub(super) enum Wanted {
    Mail(Box<Mail>),
    /// The row says that no mail is wanted.
    Unsubscribed,
}

/// One mail to be.
pub(super) struct Mail {
    pub(super) address: String,
    pub(super) delivery: Delivery,
}

/// Makes deliveries of rows.
pub(super) struct Recipients {
    reading: Reading,
    /// Where the merge fields begin among the values, their names, and whether an empty value counts as none.
    fields: Vec<(String, bool)>,
    base: Base,
    job: String,
    /// A column has the names of recipients.
    has_names: bool,
    date: Date,
}

/// What the settings say of every delivery.
struct Base {
    campaign: Option<String>,
    pool: Option<String>,
    subaccount: Option<String>,
    sealed_at: Option<u64>,
    expires: Option<u32>,
    extensions: Vec<(u64, String)>,
    consent: Consent,
}

impl Recipients {
    pub(super) fn new(
        list: &List,
        letter: &Letter,
        matches: &ArgMatches,
        settings: &Settings,
        job: String,
    ) -> Result<Recipients, Failure> {
        let column = matches.get_one::<String>("recipient-column").map_or("email", String::as_str);
        let to_name =
            matches.get_one::<String>("to-name").map(String::as_str).filter(|name| !name.is_empty());
        let mut names = vec![column.to_owned()];
        names.extend(SPECIAL.map(str::to_owned));
        names.push(to_name.unwrap_or_default().to_owned());
        let special = names.len();
        let fields: Vec<(String, bool)> =
            letter.fields.iter().map(|(name, has_default)| (name.clone(), *has_default)).collect();
        names.extend(fields.iter().map(|(name, _)| name.clone()));
        debug_assert_eq!(special, FIELDS);
        let reading = list.reading(names, |name| match () {
            () if name == column => Some("recipients:"),
            () if Some(name) == to_name => Some("--to-name"),
            // One is made.
            () if name == "message_id" => None,
            () => {
                letter.fields.get(name).is_some_and(|has_default| !has_default).then_some("the merge field")
            }
        })?;
        let base = Base::of(settings, letter.is_message);
        Ok(Recipients { reading, fields, base, job, has_names: to_name.is_some(), date: Date::default() })
    }

    /// What a row wants.
    ///
    /// # Errors
    /// What is wrong with it, without its values.
    pub(super) fn read(&self, row: &Row, letter: &Letter) -> Result<Wanted, String> {
        let values = self.reading.values(row)?;
        let special =
            |index: usize| values[index].as_deref().map(str::trim).filter(|value| !value.is_empty());
        let switch = |index: usize| match special(index + 1) {
            None => Ok(None),
            Some(text) => truth(text).map(Some).ok_or_else(|| {
                format!("`{}`: expected true, false, 1, 0, yes, no or nothing", SPECIAL[index])
            }),
        };
        if switch(3)? == Some(true) {
            return Ok(Wanted::Unsubscribed);
        }
        let address =
            address::address(special(0).unwrap_or_default()).map_err(|why| format!("the address: {why}"))?;
        let id = match special(1) {
            Some(id) => id.to_owned(),
            None => made_id(&self.job, row.number),
        };
        let agreed = |index: usize, what: Consent| -> Result<Consent, String> {
            let is_on = switch(index)?.unwrap_or(true) && self.base.consent.contains(what);
            Ok(if is_on { what } else { Consent::NONE })
        };
        let consent = agreed(1, Consent::OPENS)? | agreed(2, Consent::CLICKS)?;
        let mut delivery = self.base.delivery(&id).recipient(&address).tracking(consent);
        type Set = fn(Delivery, String) -> Delivery;
        let overrides: [(usize, Set); 3] =
            [(5, Delivery::campaign), (6, Delivery::subaccount), (7, Delivery::pool)];
        for (index, set) in overrides {
            if let Some(text) = special(index) {
                delivery = set(delivery, text.to_owned());
            }
        }
        delivery = self.fill(delivery, &values, &id);
        let delivery = self.head(delivery, &values, &address, &id, letter)?;
        Ok(Wanted::Mail(Box::new(Mail { address, delivery })))
    }

    /// The values of the merge fields.
    fn fill(&self, mut delivery: Delivery, values: &Values<'_>, id: &str) -> Delivery {
        for ((name, has_default), value) in self.fields.iter().zip(&values[FIELDS..]) {
            let value = match value.as_deref() {
                // `Hi ,` is what a default is there against.
                Some("") if *has_default => None,
                None | Some("") if name == "message_id" => Some(id),
                value => value,
            };
            if let Some(value) = value {
                delivery = delivery.field(name, value);
            }
        }
        delivery
    }

    /// The header of the message, and what is never tracked.
    fn head(
        &self,
        mut delivery: Delivery,
        values: &Values<'_>,
        address: &str,
        id: &str,
        letter: &Letter,
    ) -> Result<Delivery, String> {
        let mut urls = Vec::with_capacity(letter.unsubscribe.len());
        for pattern in &letter.unsubscribe {
            urls.push(pattern.url(&delivery)?);
        }
        for url in &urls {
            delivery = delivery.list_unsubscribe(url);
        }
        if !letter.is_message {
            return Ok(delivery);
        }
        for (name, value) in &letter.headers {
            delivery = delivery.header(name, value);
        }
        if letter.sets_to {
            let name = values[FIELDS - 1].as_deref().filter(|_| self.has_names);
            delivery = delivery.header("To", address::mailbox(name, address));
        }
        if letter.sets_id {
            delivery = delivery.header("Message-ID", message_id(id, &letter.domain)?);
        }
        if letter.says_id {
            delivery = delivery.header(ID, id);
        }
        if letter.sets_date {
            delivery = delivery.header("Date", self.date.now());
        }
        if !urls.is_empty() {
            let list: Vec<_> = urls.iter().map(|url| format!("<{url}>")).collect();
            delivery = delivery.header("List-Unsubscribe", list.join(", "));
            if letter.unsubscribe.iter().any(|pattern| pattern.is_https) {
                delivery = delivery.header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
            }
        }
        Ok(delivery)
    }
}

/// How many values stand in front of those of merge fields.
const FIELDS: usize = SPECIAL.len() + 2;

impl Base {
    fn of(settings: &Settings, is_message: bool) -> Base {
        // A message's header and its stream stand between a flag and the file: the rewriter has what they say.
        let text = |setting| (!is_message).then(|| settings.text(setting).map(str::to_owned)).flatten();
        let mut extensions = Vec::new();
        for extension in settings.list(&s::EXTENSION).into_iter().flatten() {
            let field =
                extension.split_once('=').and_then(|(id, text)| Some((id.parse().ok()?, text.to_owned())));
            extensions.extend(field);
        }
        Base {
            campaign: text(&s::CAMPAIGN),
            pool: text(&s::POOL),
            subaccount: text(&s::SUBACCOUNT),
            sealed_at: settings.count(&s::SEALED_AT),
            expires: settings.count(&s::EXPIRES).map(|day| u32::try_from(day).unwrap_or(u32::MAX)),
            extensions,
            consent: job::consent(settings),
        }
    }

    fn delivery(&self, id: &str) -> Delivery {
        let mut delivery = Delivery::new(id);
        type Set = fn(Delivery, String) -> Delivery;
        let texts: [(&Option<String>, Set); 3] = [
            (&self.campaign, Delivery::campaign),
            (&self.pool, Delivery::pool),
            (&self.subaccount, Delivery::subaccount),
        ];
        for (text, set) in texts {
            if let Some(text) = text {
                delivery = set(delivery, text.clone());
            }
        }
        if let Some(seconds) = self.sealed_at {
            delivery = delivery.sealed_at(seconds);
        }
        if let Some(day) = self.expires {
            delivery = delivery.expires(day);
        }
        for (id, text) in &self.extensions {
            delivery = delivery.extension(*id, text.as_bytes());
        }
        delivery
    }
}

/// Whether the settings of every delivery are good, told before the first.
pub(super) fn check(settings: &Settings, rewriter: &Rewriter) -> Result<(), Failure> {
    for setting in [&s::MESSAGE_ID, &s::RECIPIENT] {
        if settings.text(setting).is_some() {
            return Err(settings.refuse(setting, "each row has its own"));
        }
    }
    // Both refuse what they do not understand, each by its setting's name.
    job::delivery(settings, "m1", rewriter).map(drop)
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// The id of a row that has none: 32 hexadecimal digits, which tokens pack.
fn made_id(job: &str, row: u64) -> String {
    let mut hash = Sha256::new();
    hash.update(b"openclick render 1\0");
    hash.update(row.to_be_bytes());
    hash.update(job.as_bytes());
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of Message-ID.
fn message_id(id: &str, domain: &str) -> Result<String, String> {
    // RFC 5322, section 3.6.4.
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let (left, right) = id.rsplit_once('@').unwrap_or((id, domain));
    let is_dots = |text: &str| text.starts_with('.') || text.ends_with('.') || text.contains("..");
    for part in [left, right] {
        if part.is_empty() || !part.chars().all(is_atom) || is_dots(part) {
            return Err("`message_id`: it cannot stand in a Message-ID".to_owned());
        }
    }
    if left.len() + right.len() > 200 {
        return Err("`message_id`: longer than 200 characters".to_owned());
    }
    Ok(format!("<{left}@{right}>"))
}

/// The time of day in the words of a mail's header.
#[derive(Default)]
struct Date {
    /// Dates are asked for far more often than seconds pass.
    last: Mutex<(u64, String)>,
}

impl Date {
    fn now(&self) -> String {
        let now = time::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != now {
            *last = (now, time::mail_date(now));
        }
        last.1.clone()
    }
}

/// The job's name, or one that is made.
pub(super) fn job_name(matches: &ArgMatches) -> Result<Option<String>, Failure> {
    let Some(name) = matches.get_one::<String>("job") else { return Ok(None) };
    match name.is_empty() || name.len() > 200 || name.contains(char::is_control) {
        true => Err(Failure::new(
            Exit::Usage,
            "--job: expected a name of 1 to 200 bytes without control characters",
        )),
        false => Ok(Some(name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_job_and_row() {
        assert_eq!(made_id("a", 1), made_id("a", 1));
        assert_ne!(made_id("a", 1), made_id("a", 2));
        assert_ne!(made_id("a", 1), made_id("b", 1));
        assert_eq!(made_id("a", 1).len(), 32);
    }

    #[test]
    fn ids_of_the_header() {
        assert_eq!(message_id("m1", "example.com").as_deref(), Ok("<m1@example.com>"));
        assert_eq!(message_id("m1@other.example", "example.com").as_deref(), Ok("<m1@other.example>"));
        for bad in ["", "a b", "a>", "a\r\nBcc: x", "\u{f6}", "@a", "a@", ".a", "a..b"] {
            assert!(message_id(bad, "example.com").is_err(), "{bad}");
        }
    }
}
