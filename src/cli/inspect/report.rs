//! The result of an inspection, as it is shown and as JSON.

use std::borrow::Cow;

use openclick::{Token, TrackingDomain};
use serde::Serialize;

use super::checks::Case;
use super::token::{Found as Opened, damage, reason};
use super::urls::Carrier;
use super::verdict::{Check, Status};

/// At most so many tracking URLs are listed; all are counted.
const MOST_URLS: usize = 10_000;

/// All that is told of a mail.
#[derive(Serialize)]
pub(super) struct Report {
    /// Grows with every change that a reader could trip over.
    schema: u32,
    pub(super) file: String,
    pub(super) kind: &'static str,
    pub(super) bytes: usize,
    /// No check failed.
    pub(super) passed: bool,
    pub(super) counts: Counts,
    pub(super) tracking_domain: Found,
    pub(super) checks: Vec<Check>,
    /// What most tokens carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) carried: Option<Carried>,
    pub(super) urls_total: usize,
    pub(super) urls: Vec<TrackingUrl>,
}

/// How many checks ended in which way.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Counts {
    pub(super) pass: usize,
    pub(super) fail: usize,
    pub(super) warning: usize,
    pub(super) not_checked: usize,
}

/// The tracking domain, and where it came from.
#[derive(Serialize)]
pub(super) struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// `given`, `found` in the mail, or `none`.
    pub(super) origin: &'static str,
    /// Another one that the mail shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_mail: Option<String>,
}

impl Found {
    pub(super) fn of(given: &[TrackingDomain], in_mail: Option<&TrackingDomain>) -> Found {
        match (given.first(), in_mail) {
            (Some(domain), found) => Found {
                url: Some(domain.to_string()),
                origin: "given",
                in_mail: found
                    .filter(|found| given.iter().all(|domain| domain.host() != found.host()))
                    .map(TrackingDomain::to_string),
            },
            (None, Some(found)) => Found { url: Some(found.to_string()), origin: "found", in_mail: None },
            (None, None) => Found { url: None, origin: "none", in_mail: None },
        }
    }
}

/// What the tokens of a mail have in common, by the first one that opens. Those of a mail that is quoted are not counted.
#[derive(Serialize)]
pub(super) struct Carried {
    pub(super) message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recipient: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) campaign: Option<String>,
    pub(super) customer_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subaccount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pool: Option<String>,
    pub(super) slot: u8,
    pub(super) clicks: usize,
    pub(super) pixels: usize,
}

/// A tracking URL.
#[derive(Serialize)]
pub(super) struct TrackingUrl {
    pub(super) line: usize,
    pub(super) column: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    part: String,
    carrier: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wrapped_by: Vec<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Token>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
}

impl Report {
    pub(super) fn new(
        file: String,
        case: &Case<'_>,
        tracking_domain: Found,
        checks: Vec<Check>,
        is_html: bool,
    ) -> Report {
        let mut counts = Counts::default();
        for check in &checks {
            *match check.status {
                Status::Pass => &mut counts.pass,
                Status::Fail => &mut counts.fail,
                Status::Warning => &mut counts.warning,
                Status::NotChecked => &mut counts.not_checked,
            } += 1;
        }
        let tracking = case.mail.urls.iter().zip(&case.found).filter(|(_, found)| found.is_tracking());
        let urls = tracking.clone().take(MOST_URLS).map(|(url, found)| {
            let (line, column) = case.mail.place(url.at);
            TrackingUrl {
                line,
                column,
                part: url.path.clone(),
                carrier: match url.carrier {
                    Carrier::Link => "link",
                    Carrier::Text => "text",
                    Carrier::Image => "image",
                },
                url: url.inside.url.clone(),
                wrapped_by: url.inside.by.clone(),
                token: match found {
                    Opened::Open(token) => Some((**token).clone()),
                    _ => None,
                },
                damage: match found {
                    Opened::Damaged(error) => {
                        Some(damage(url).map_or_else(|| reason(url, *error), str::to_owned))
                    }
                    _ => None,
                },
            }
        });
        Report {
            schema: 1,
            file,
            kind: if is_html { "html" } else { "message" },
            bytes: case.mail.bytes().len(),
            passed: counts.fail == 0,
            counts,
            tracking_domain,
            carried: carried(case),
            urls_total: tracking.clone().count(),
            urls: urls.collect(),
            checks,
        }
    }
}

fn carried(case: &Case<'_>) -> Option<Carried> {
    let own = || case.tokens().filter(|(_, token)| token.message_id() == case.messages.own);
    let first = own().next()?.1;
    let text = |text: Option<&str>| text.map(str::to_owned);
    let pixels = own().filter(|(_, token)| token.target().is_none()).count();
    Some(Carried {
        message_id: first.message_id().to_owned(),
        recipient: text(first.recipient()),
        campaign: text(first.campaign()),
        customer_id: first.customer_id(),
        subaccount: text(first.subaccount()),
        pool: text(first.pool()),
        slot: first.slot(),
        clicks: own().count() - pixels,
        pixels,
    })
}
