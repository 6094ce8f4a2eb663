//! The tracking URLs: whole, authentic, of one message, in order.

use std::collections::{BTreeMap, BTreeSet};

use openclick::{EventKind, Token};

use super::super::super::time;
use super::super::token::{Found, damage, reason};
use super::super::urls::{Carrier, Url};
use super::super::verdict::{Check, Status, worse};
use super::{Case, all_are, are, counted};

const NONE: &str = "there is no tracking URL";
const NO_KEYS: &str = "needs the keys: give --key-file";

impl Case<'_> {
    fn tracking(&self) -> impl Iterator<Item = (&Url, &Found)> {
        self.mail.urls.iter().zip(&self.found).filter(|(_, found)| found.is_tracking())
    }

    /// The tokens that open, in order.
    pub(in super::super) fn tokens(&self) -> impl Iterator<Item = (&Url, &Token)> {
        self.mail.urls.iter().zip(&self.found).filter_map(|(url, found)| match found {
            Found::Open(token) => Some((url, &**token)),
            _ => None,
        })
    }
}

/// `urls-whole`: no tracking URL was broken by lines, encodings or escapes.
pub(in super::super) fn whole(case: &Case<'_>) -> Check {
    const NAME: &str = "urls-whole";
    let total = case.tracking().count();
    if total == 0 {
        return Check::new(NAME, Status::NotChecked, NONE);
    }
    let mut check =
        Check::new(NAME, Status::Pass, "no tracking URL was broken by line wraps, encodings or escapes");
    for (url, _) in case.tracking() {
        if let Some(why) = damage(url) {
            check = check.at(case.mail, url.at, Some(&url.path), why);
        }
    }
    if check.places_total > 0 {
        check.status = Status::Fail;
        check.message = format!(
            "{} of {} {} broken: {}",
            check.places_total,
            counted(total, "tracking URL"),
            are(check.places_total),
            check.places[0].what
        );
    }
    check
}

/// `tokens`: every token is one of ours, and of the right kind.
pub(in super::super) fn valid(case: &Case<'_>) -> Check {
    const NAME: &str = "tokens";
    let total = case.tracking().count();
    let mut check = Check::new(NAME, Status::Pass, format!("{} authentic", all_are(total, "tracking URL")));
    let (mut bad, mut plain, mut misused, mut closed, mut sealed) = (0, 0, 0, 0, BTreeMap::new());
    for (url, found) in case.mail.urls.iter().zip(&case.found) {
        let what = match found {
            Found::Damaged(error) => {
                bad += 1;
                reason(url, *error)
            }
            Found::Plain if url.carrier != Carrier::Image => {
                plain += 1;
                "points at the tracking domain, and is no tracking URL".to_owned()
            }
            // A plain text made of a quoted mail may show its pixels.
            Found::Open(token) if !fits(url, token) && !case.messages.is_other(token) => {
                misused += 1;
                format!(
                    "{} that counts as {}",
                    if url.carrier == Carrier::Image { "an image" } else { "a link" },
                    token.kind()
                )
            }
            Found::Closed => {
                closed += 1;
                continue;
            }
            Found::Sealed(slot) => {
                *sealed.entry(*slot).or_insert(0) += 1;
                continue;
            }
            _ => continue,
        };
        check = check.at(case.mail, url.at, Some(&url.path), what);
    }
    if total == 0 && plain == 0 {
        return Check::new(NAME, Status::NotChecked, NONE);
    }
    if closed > 0 {
        check.status = Status::NotChecked;
        check.message = format!("{} of a format that carries no sealed token", counted(closed, "URL"));
    } else if !sealed.is_empty() {
        let slots: Vec<_> = sealed.keys().map(u8::to_string).collect();
        check.status = Status::NotChecked;
        check.message = format!(
            "{} of our format (version 1, key slot {}): {NO_KEYS}",
            counted(sealed.values().sum(), "token"),
            slots.join(", ")
        );
    }
    if bad > 0 {
        check.status = Status::Fail;
        check.message = format!("{bad} of {} cannot be opened", counted(total, "tracking URL"));
        if bad == total && case.has_keys {
            check.message += ": are these the keys and the tracking domain that it was sent with?";
        }
    } else if misused > 0 {
        check.status = Status::Fail;
        check.message = format!(
            "{misused} of {} {} used for another purpose",
            counted(total, "tracking URL"),
            are(misused)
        );
    }
    if plain > 0 {
        check.status = worse(check.status, Status::Warning);
        check.message += &format!("; {} at the tracking domain without a token", counted(plain, "link"));
    }
    if let Some(day) = expired(case) {
        check.status = worse(check.status, Status::Warning);
        check.message += &format!("; expired on {day}: events no longer count");
    }
    check
}

/// Whether a token is of a kind that its URL's place is for.
fn fits(url: &Url, token: &Token) -> bool {
    let is_pixel = matches!(token.kind(), EventKind::Open | EventKind::InitialOpen);
    is_pixel == (url.carrier == Carrier::Image)
}

/// The day after which events do not count, if it is past.
fn expired(case: &Case<'_>) -> Option<String> {
    let now = time::now();
    let token = case.tokens().map(|(_, token)| token).find(|token| token.is_expired(now))?;
    let timestamp = time::timestamp(u64::from(token.expires()?) * 86_400);
    timestamp.split('T').next().map(str::to_owned)
}

/// `one-message`: every token names the same message and the same recipient.
pub(in super::super) fn one_message(case: &Case<'_>) -> Check {
    const NAME: &str = "one-message";
    if let Some(check) = without_tokens(case, NAME) {
        return check;
    }
    let messages = &case.messages;
    let mut recipients: BTreeMap<&str, usize> = BTreeMap::new();
    let own = |token: &Token| token.message_id() == messages.own;
    for (_, token) in case.tokens().filter(|(_, token)| own(token)) {
        *recipients.entry(token.recipient().unwrap_or_default()).or_default() += 1;
    }
    let most = recipients.iter().max_by_key(|(_, count)| **count);
    let recipient = most.map(|(name, _)| (*name).to_owned()).unwrap_or_default();
    let mut check = Check::new(NAME, Status::Pass, "every token names the same message and recipient");
    let (mut others, mut quoted) = (BTreeSet::new(), 0);
    for (url, token) in case.tokens() {
        if !own(token) {
            if messages.quoted.contains(token.message_id()) {
                quoted += 1;
                continue;
            }
            others.insert(token.message_id());
            check = check.at(case.mail, url.at, Some(&url.path), format!("message {}", token.message_id()));
        } else if token.recipient().unwrap_or_default() != recipient {
            let other = token.recipient().unwrap_or("none");
            check = check.at(case.mail, url.at, Some(&url.path), format!("recipient {other}"));
        }
    }
    if check.places_total > 0 {
        check.status = Status::Fail;
        check.message = match others.len() {
            0 => format!("the tokens name {}", counted(recipients.len(), "recipient")),
            count => format!("the tokens are of {}", counted(count + 1, "message")),
        };
        if recipients.len() < 2 && others.iter().all(|id| messages.maybe_quoted.contains(*id)) {
            check.status = Status::Warning;
            check.message += ": another tracked mail is quoted in this one, or its links were mixed in";
        }
    }
    if quoted > 0 {
        let mails = counted(messages.quoted.len(), "older mail");
        check.message += &format!("; {} {} of {mails} that it quotes", counted(quoted, "other"), are(quoted));
    }
    check
}

/// `link-order`: the links' indexes ascend.
pub(in super::super) fn order(case: &Case<'_>) -> Check {
    const NAME: &str = "link-order";
    if let Some(check) = without_tokens(case, NAME) {
        return check;
    }
    let links: Vec<_> = case
        .tokens()
        .filter(|(_, token)| !case.messages.is_other(token))
        .filter_map(|(url, token)| Some((url, token, token.link_index()?)))
        .collect();
    if links.is_empty() {
        return Check::new(NAME, Status::NotChecked, "there is no wrapped link");
    }
    let mut check = Check::new(NAME, Status::Pass, "the links are numbered in order");
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for (url, token, index) in &links {
        if let Some(before) = last.insert(token.message_id(), *index).filter(|before| before >= index) {
            check = check.at(
                case.mail,
                url.at,
                Some(&url.path),
                format!("link {index} stands behind link {before}"),
            );
        }
    }
    if check.places_total > 0 {
        check.status = Status::Fail;
        check.message =
            "links were moved, doubled, or taken from elsewhere: their numbers are out of order".to_owned();
        return check;
    }
    // Where the numbers are in order, a link that is nearer to the start than its number says misses some in front of it.
    let own = links.iter().filter(|(_, token, _)| token.message_id() == case.messages.own);
    let (mut shift, mut gone, mut added) = (0, 0, 0);
    for (url, token, index) in own {
        let Some(now) = case.messages.numbering.shift(url, token) else { continue };
        let (count, what) = match now - shift {
            0 => continue,
            less @ ..0 => {
                gone += less.unsigned_abs();
                (less.unsigned_abs(), "missing in front of")
            }
            more => {
                added += more.unsigned_abs();
                (more.unsigned_abs(), "added in front of")
            }
        };
        shift = now;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let what = format!("{} {} {what} link {index}", counted(count, "link"), are(count));
        check = check.at(case.mail, url.at, Some(&url.path), what);
    }
    let told = |count: u64, what: &str| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        (count > 0).then(|| format!("{} {} {what}", counted(count, "link"), are(count)))
    };
    let said = [
        told(
            gone,
            "missing that the numbers of others count: cut out on the way, or left out with a comment",
        ),
        told(added, "there that no number counts: put in on the way"),
    ];
    let said: Vec<_> = said.into_iter().flatten().collect();
    if !said.is_empty() {
        check.status = Status::Warning;
        check.message = said.join("; ");
    }
    check
}

fn without_tokens(case: &Case<'_>, name: &'static str) -> Option<Check> {
    if case.tokens().next().is_some() {
        return None;
    }
    let why = match case.tracking().next() {
        None => NONE,
        Some(_) if !case.has_keys => NO_KEYS,
        Some(_) => "no token opens",
    };
    Some(Check::new(name, Status::NotChecked, why))
}
