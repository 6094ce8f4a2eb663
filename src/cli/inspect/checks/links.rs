//! The links: wrapped, and what stands around or beside our wrapping.

use std::collections::{BTreeMap, HashSet};

use openclick::{Change, Reason};
use url::Url as Parsed;

use super::super::super::trackers::tracker;
use super::super::token::Found;
use super::super::urls::{Carrier, Url};
use super::super::verdict::{Check, Status, worse};
use super::{Case, all_are, are, counted};

/// `links-wrapped`: every link that could be tracked is.
pub(in super::super) fn wrapped(case: &Case<'_>) -> Check {
    const NAME: &str = "links-wrapped";
    if case.mail.documents.is_empty() {
        return Check::new(NAME, Status::NotChecked, "the mail has no HTML part that can be read");
    }
    let links = case.mail.urls.iter().zip(&case.found).filter(|(url, _)| url.carrier == Carrier::Link);
    let (tracked, others): (Vec<_>, Vec<_>) = links.partition(|(_, found)| found.is_tracking());
    let (mut unwrapped, mut dead) = (Vec::new(), Vec::new());
    let mut opaque = 0;
    for (url, found) in others {
        if matches!(found, Found::Plain) {
            continue; // a link to the tracking domain itself is never wrapped
        }
        if url.inside.opaque.is_some() {
            opaque += 1;
        } else if is_trackable(url) && !is_allowed(case, &url.inside.url) {
            unwrapped.push(url);
        } else if is_dead(url) && !is_allowed_dead(case, url) {
            dead.push(url);
        }
    }
    let total = tracked.len() + unwrapped.len();
    let closed = match opaque {
        0 => String::new(),
        more => format!(", {more} cannot be looked into"),
    };
    let mut check = match (unwrapped.len(), tracked.len()) {
        (0, 0) if opaque == 0 => Check::new(NAME, Status::Pass, "there is no http or https link to wrap"),
        (0, 0) => Check::new(NAME, Status::NotChecked, format!("no link can be seen{closed}")),
        (0, count) => Check::new(NAME, Status::Pass, format!("{} wrapped{closed}", all_are(count, "link"))),
        (count, 0) => Check::new(
            NAME,
            Status::Warning,
            format!(
                "{} not wrapped{closed}: click tracking was off, or each was opted out or added later",
                all_are(count, "link")
            ),
        ),
        (count, _) => Check::new(
            NAME,
            Status::Warning,
            format!(
                "{count} of {} {} not wrapped{closed}: opted out by the author (which leaves no trace), left by a skipped host, \
                 a length or a cap, or added later",
                counted(total, "link"),
                are(count)
            ),
        ),
    };
    if case.expected.all_tracked && !(unwrapped.is_empty() && dead.is_empty()) {
        let count = unwrapped.len() + dead.len();
        check.status = Status::Fail;
        check.message = format!(
            "{count} of {} {} not wrapped{closed}, and all were expected to be but to hosts that --allow names",
            counted(total + dead.len(), "link"),
            are(count)
        );
    }
    if !dead.is_empty() {
        check.status = worse(check.status, Status::Warning);
        check.message += &match (dead.len(), check.status) {
            (1, _) => "; one link leads nowhere: made dead on the way, or by its author".to_owned(),
            (count, _) => format!("; {count} links lead nowhere: made dead on the way, or by their author"),
        };
    }
    if case.mail.links_uncounted > 0 {
        check.message += &format!("; {} more were not looked at", case.mail.links_uncounted);
    }
    let mut left = unwrapped;
    left.append(&mut dead);
    left.sort_by_key(|url| url.at);
    for url in left {
        let what = match tracker(&url.inside.url) {
            Some(name) => format!("{} (tracked by {name})", url.inside.url),
            None if url.seen.is_empty() => "an empty href".to_owned(),
            None => url.inside.url.clone(),
        };
        check = check.at(case.mail, url.at, Some(&url.path), what);
    }
    check
}

/// Whether a link is what filters make of those that nobody shall follow: another scheme (`hxxps:`), none, or nothing at all. A
/// link that was never to be tracked (`mailto:`, `tel:`, an anchor of the page) is not dead.
fn is_dead(url: &Url) -> bool {
    const SCHEMES: [&str; 5] = ["about", "javascript", "blocked", "unsafe", "null"];
    if !url.inside.by.is_empty() {
        return false;
    }
    match url.reason {
        Some(Reason::Empty | Reason::Unparsable) => true,
        Some(Reason::Fragment) => url.seen == "#",
        Some(Reason::Relative) => url.seen.starts_with("//") || url.seen.starts_with("\\\\"),
        Some(Reason::Scheme) => {
            let scheme = url.seen.split(':').next().unwrap_or_default().to_ascii_lowercase();
            // hxxp, hxtps, httpx, http-blocked …
            scheme.starts_with("hx") || scheme.starts_with("http") || SCHEMES.contains(&scheme.as_str())
        }
        _ => false,
    }
}

/// A dead link may be left by its value, or by the host that it still shows.
fn is_allowed_dead(case: &Case<'_>, url: &Url) -> bool {
    let value = if url.seen.is_empty() { "\"\"" } else { &url.seen };
    case.expected.allowed.contains(&value)
        || value.split_once("//").is_some_and(|(_, rest)| is_allowed(case, &format!("https://{rest}")))
}

/// Whether a rewrite would have wrapped it: http or https, and no reason to leave it but its length.
fn is_trackable(url: &Url) -> bool {
    if !url.inside.by.is_empty() {
        // What a rewrite says is about the wrapper.
        return Parsed::parse(&url.inside.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    }
    matches!(url.reason, None | Some(Reason::TooLong | Reason::LineTooLong))
}

fn is_allowed(case: &Case<'_>, url: &str) -> bool {
    if case.mail.unsubscribe.iter().any(|other| other == url) {
        return true;
    }
    let Some(host) = Parsed::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)) else {
        return false;
    };
    case.expected.allowed.iter().any(|pattern| match pattern.strip_prefix('*') {
        Some(suffix) => suffix.starts_with('.') && host.ends_with(&suffix.to_ascii_lowercase()),
        None => host.eq_ignore_ascii_case(pattern),
    })
}

/// `attributes`: no tracking attribute and no pixel placeholder is left.
pub(in super::super) fn attributes(case: &Case<'_>) -> Check {
    const NAME: &str = "attributes";
    if case.mail.documents.is_empty() {
        return Check::new(NAME, Status::NotChecked, "the mail has no HTML part that can be read");
    }
    let mut check = Check::new(NAME, Status::Pass, "no tracking attribute is left");
    let (mut left, mut foreign, mut placeholders) = (0, 0, 0);
    for document in &case.mail.documents {
        let at = |check: Check, offset: u64, what: String| {
            let offset = document.offset(usize::try_from(offset).unwrap_or_default());
            check.at(case.mail, offset, Some(&document.path), what)
        };
        let own: HashSet<u64> =
            document.report.removed.iter().map(|attribute| attribute.range.start).collect();
        for attribute in &document.report_all.removed {
            let is_own = own.contains(&attribute.range.start);
            (left, foreign) = (left + usize::from(is_own), foreign + usize::from(!is_own));
            check = at(check, attribute.range.start, format!("{}=\"{}\"", attribute.name, attribute.value));
        }
        for change in &document.report_all.changes {
            match change {
                Change::PlaceholderRemoved { range, .. } => {
                    placeholders += 1;
                    check = at(check, range.start, "a pixel placeholder".to_owned());
                }
                Change::SchemeRestored { range, .. } => {
                    foreign += 1;
                    check = at(check, range.start, "+notrack".to_owned());
                }
                _ => {}
            }
        }
        let end = document.pixel(openclick::EventKind::Open);
        if let Some(end) = end.filter(|pixel| pixel.place == Some(openclick::PixelPlace::Placeholder)) {
            placeholders += 1;
            check = at(check, end.offset.unwrap_or_default(), "a pixel placeholder".to_owned());
        }
    }
    let mut said = Vec::new();
    if left > 0 {
        said.push(format!(
            "{} {} left: the mail was not rewritten, or changed since",
            counted(left, "tracking attribute"),
            are(left)
        ));
    }
    if placeholders > 0 {
        said.push(format!(
            "{} {} left in the text",
            counted(placeholders, "pixel placeholder"),
            are(placeholders)
        ));
    }
    if left + placeholders > 0 {
        check.status = Status::Fail;
    } else if foreign > 0 {
        check.status = Status::Warning;
    }
    if foreign > 0 {
        said.push(format!(
            "{} of other senders {} left, whose dialects are not in use",
            counted(foreign, "attribute"),
            are(foreign)
        ));
    }
    if !said.is_empty() {
        check.message = said.join("; ");
    }
    check
}

/// `wrappers`: what others put around links on the way.
pub(in super::super) fn wrappers(case: &Case<'_>) -> Check {
    const NAME: &str = "wrappers";
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut around = 0;
    let mut check = Check::new(NAME, Status::Pass, "nobody wrapped links on the way");
    for (url, found) in case.mail.urls.iter().zip(&case.found) {
        for by in &url.inside.by {
            *counts.entry(by).or_default() += 1;
        }
        if let Some(domain) = &url.inside.opaque {
            check = check.at(case.mail, url.at, Some(&url.path), format!("cannot be opened, shows {domain}"));
        } else if !url.inside.by.is_empty() {
            around += usize::from(found.is_tracking());
        }
    }
    if counts.is_empty() {
        return check;
    }
    let names: Vec<_> = counts.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    check.message = format!(
        "wrapped on the way by {}: taken off, {} inside",
        names.join(", "),
        match around {
            0 => "no tracking URL of ours".to_owned(),
            count => format!("{} of ours", counted(count, "tracking URL")),
        }
    );
    if check.places_total > 0 {
        check.message += &format!("; {} cannot be opened by anybody else", check.places_total);
    }
    check
}

/// `other-tracking`: who else tracks this mail.
pub(in super::super) fn other_tracking(case: &Case<'_>) -> Check {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut check = Check::new("other-tracking", Status::Pass, "nobody else's tracking is known in it");
    for (url, found) in case.mail.urls.iter().zip(&case.found) {
        let target = match found {
            Found::Open(token) => token.target(),
            Found::Other => Some(url.inside.url.as_str()),
            _ => None,
        };
        if let Some(name) = target.and_then(tracker) {
            *counts.entry(name).or_default() += 1;
            check = check.at(case.mail, url.at, Some(&url.path), name);
        }
    }
    if !counts.is_empty() {
        let names: Vec<_> =
            counts.iter().map(|(name, count)| format!("{name} ({})", counted(*count, "URL"))).collect();
        check.status = Status::Warning;
        check.message = format!("tracked by someone else too: {}", names.join(", "));
    }
    check
}
