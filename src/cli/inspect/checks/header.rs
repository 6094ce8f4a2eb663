//! What the header says of unsubscribing (RFC 2369, RFC 8058).

use super::super::token::{Found, Opener};
use super::super::verdict::{Check, Status};
use super::super::wrapper::unwrap;
use super::{Case, NO_HEADER};

/// `list-unsubscribe`: the mail can be unsubscribed from by its header, in one click.
pub(in super::super) fn list_unsubscribe(case: &Case<'_>) -> Check {
    const NAME: &str = "list-unsubscribe";
    if case.mail.message.is_none() {
        return Check::new(NAME, Status::NotChecked, NO_HEADER);
    }
    let mail = case.mail;
    let Some(field) = mail.all("List-Unsubscribe").next() else {
        let why =
            "there is no List-Unsubscribe header, which Gmail, Yahoo and others ask of bulk mail (RFC 8058)";
        return Check::new(NAME, Status::Warning, why);
    };
    let begins =
        |url: &str, with: &str| url.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    let has = |scheme| mail.unsubscribe.iter().any(|url| begins(url, scheme));
    let post = mail.all("List-Unsubscribe-Post").next();
    let is_one_click = post.is_some_and(|field| {
        let value: Vec<u8> = field.value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        value.eq_ignore_ascii_case(b"List-Unsubscribe=One-Click")
    });
    let (status, message) = match (has("https://"), post) {
        (true, Some(_)) if is_one_click => {
            (Status::Pass, "List-Unsubscribe and List-Unsubscribe-Post are there (one click)")
        }
        (true, Some(_)) => {
            (Status::Warning, "List-Unsubscribe-Post does not say List-Unsubscribe=One-Click (RFC 8058)")
        }
        (true, None) => (
            Status::Warning,
            "List-Unsubscribe is there, List-Unsubscribe-Post is not: no one-click (RFC 8058)",
        ),
        (false, _) if has("mailto:") => {
            (Status::Warning, "List-Unsubscribe has no https URL: no one-click (RFC 8058)")
        }
        (false, _) => (Status::Warning, "List-Unsubscribe has neither an https nor a mailto URL"),
    };
    let check = Check::new(NAME, status, message);
    match status {
        Status::Pass => check,
        _ => check.at(mail, field.range.start, None, String::from_utf8_lossy(&field.value)),
    }
}

/// `unsubscribe-untracked`: the header's URL leads straight to the sender: a scanner or a mail program that asks it must not
/// count as a click, and RFC 8058 wants no redirect.
pub(in super::super) fn untracked(case: &Case<'_>, opener: Option<&Opener>) -> Check {
    const NAME: &str = "unsubscribe-untracked";
    let Some(field) = case.mail.all("List-Unsubscribe").next() else {
        let why = if case.mail.message.is_some() { "there is no List-Unsubscribe header" } else { NO_HEADER };
        return Check::new(NAME, Status::NotChecked, why);
    };
    let mut check = Check::new(NAME, Status::Pass, "the unsubscribe URL of the header is not tracked");
    for url in &case.mail.unsubscribe {
        let inside = unwrap(url).url;
        let found = opener.map_or(Found::Other, |opener| opener.open(&inside));
        if found.is_tracking() {
            check.status = Status::Fail;
            check.message = "the unsubscribe URL of the header is a tracking URL: one-click POSTs do not follow it (RFC 8058)".to_owned();
            check = check.at(case.mail, field.range.start, None, url.clone());
        } else if super::super::super::trackers::tracker(&inside).is_some() {
            check.status = super::super::verdict::worse(check.status, Status::Warning);
            check.message = "the unsubscribe URL of the header looks tracked by someone else".to_owned();
            check = check.at(case.mail, field.range.start, None, url.clone());
        }
    }
    check
}
