//! A message's own header: what it says of the delivery, and what changes in it.

use std::sync::Arc;

use super::Replaced;
use crate::addressee::{self, RecipientUnknown};
use crate::api_header;
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Result};
use crate::fields::{self, HeaderFields};
use crate::mime::{self, Part};
use crate::options::Delivery;
use crate::report::Change;
use crate::rewriter::Shared;
use crate::stream::{Given, Layer, Resolved, Source};

/// What the header said, for the report.
pub(crate) struct Said {
    pub(crate) settings: Box<Resolved>,
    /// The message id, where the caller gave none.
    pub(crate) message_id: Option<String>,
    /// The message id that was made.
    pub(crate) made_id: Option<String>,
    pub(crate) recipient_unknown: Option<RecipientUnknown>,
}

/// Whether a rewrite would break a signature of the message.
pub(crate) fn is_signed(fields: &HeaderFields<'_>) -> bool {
    ["DKIM-Signature", "ARC-Seal"].iter().any(|name| fields.first(name).is_some())
}

/// The settings and the delivery of this message: what the caller did not say, its header says.
pub(crate) fn settle(
    shared: &Arc<Shared>,
    fields: &HeaderFields<'_>,
    delivery: &Delivery,
) -> Result<(Arc<Shared>, Delivery, Said)> {
    let mut delivery = delivery.clone();
    let mut overrides = shared.traffic.overrides.clone();
    if let Some(campaign) = &delivery.campaign {
        overrides = overrides.campaign(campaign);
    }
    if let Some(pool) = &delivery.pool {
        overrides = overrides.pool(pool);
    }
    if let Some(subaccount) = &delivery.subaccount {
        overrides = overrides.subaccount(subaccount);
    }
    let settings = &shared.settings;
    let mut global = shared.traffic.defaults.clone();
    // What is as it is without a word is the default, not somebody's setting.
    type Switch = fn(Layer, bool) -> Layer;
    let switches: [(Switch, bool, bool); 4] = [
        (Layer::click_tracking, settings.click_tracking, true),
        (Layer::open_tracking, settings.open_tracking, true),
        (Layer::initial_open, settings.initial_open, true),
        (Layer::text_links, settings.text_links, false),
    ];
    for (set, value, default) in switches {
        if value != default {
            global = set(global, value);
        }
    }
    if settings.customer_id != 0 {
        global = global.customer_id(settings.customer_id);
    }
    let given = Given::new()
        .caller(overrides)
        .global(global)
        .dialect_set(settings.dialects)
        .consent(delivery.consent);
    let resolved = shared.traffic.streams.resolve(fields, &given);
    delivery.campaign = resolved.campaign.value.clone();
    delivery.pool = resolved.pool.value.clone();
    delivery.subaccount = resolved.subaccount.value.clone();

    let mut said =
        Said { settings: Box::new(resolved), message_id: None, made_id: None, recipient_unknown: None };
    if delivery.message_id.is_empty() {
        let (id, is_made) = match addressee::message_id(fields) {
            Some(found) => (found.id, false),
            None => (random_id()?, true),
        };
        said.message_id = Some(id.clone());
        said.made_id = is_made.then(|| id.clone());
        delivery.message_id = id;
    }
    if delivery.recipient.is_none() {
        match addressee::recipient(fields) {
            // What no delivery takes must not keep the mail from going.
            Ok(recipient) if fields::text(recipient.as_bytes()).is_ok() => {
                delivery.recipient = Some(recipient);
            }
            Ok(_) => said.recipient_unknown = Some(RecipientUnknown::Malformed),
            Err(why) => said.recipient_unknown = Some(why),
        }
    }
    delivery.unsubscribe.extend(addressee::list_unsubscribe(fields));
    Ok((shared_for(shared, &said.settings), delivery, said))
}

/// What the rewriter shares, with the settings of one message.
fn shared_for(shared: &Arc<Shared>, resolved: &Resolved) -> Arc<Shared> {
    let mut settings = shared.settings.clone();
    settings.click_tracking = resolved.click_tracking.value;
    settings.open_tracking = resolved.open_tracking.value;
    settings.initial_open = resolved.initial_open.value;
    // Without consent no link is tracked, but what authors wrote behind their links is still no reader's business.
    let text_links = &resolved.text_links;
    settings.text_links = text_links.value || text_links.source == Source::Consent;
    settings.customer_id = resolved.customer_id.value;
    let domain = resolved.tracking_domain.value.as_ref();
    let other = domain.and_then(|domain| shared.traffic.domains.iter().find(|(other, ..)| other == domain));
    let (urls, hosts) = match other {
        Some((_, urls, hosts)) => (urls.clone(), hosts.clone()),
        None => (shared.urls.clone(), shared.hosts.clone()),
    };
    Arc::new(Shared { urls, hosts, settings, traffic: shared.traffic.clone() })
}

/// A new message id: 16 random bytes in hexadecimal.
fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::Io, "the system has no random bytes").because(error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The changes in the header of a message whose body changed.
pub(super) struct HeaderWork<'a> {
    pub(super) message: &'a [u8],
    pub(super) root: &'a Part,
    /// By how many bytes and lines the body grew.
    pub(super) grown: isize,
    pub(super) more_lines: isize,
    /// The message id that was made, and went into tokens.
    pub(super) made: Option<&'a str>,
    /// Signatures go.
    pub(super) strip: bool,
    /// Whose API headers go.
    pub(super) api: &'a [Dialect],
}

impl HeaderWork<'_> {
    pub(super) fn edit(&self, replaced: &mut Vec<Replaced>, changes: &mut Vec<Change>) {
        let message = self.message;
        if let Some(id) = self.made {
            // Behind mbox's `From ` line, with all lines that continue it.
            let mut fields = mime::fields(message, self.root.header.clone());
            let at = fields.next().map_or(self.root.header.end, |field| field.whole.start);
            let line_end = if message[..self.root.body.start].ends_with(b"\r\n") { "\r\n" } else { "\n" };
            let bytes = format!("{ID}: {id}{line_end}").into_bytes();
            replaced.push(Replaced { range: at..at, bytes });
            changes.push(Change::FieldInserted { name: ID.to_owned(), value: id.to_owned() });
        }
        for field in mime::fields(message, self.root.header.clone()) {
            let name = &message[field.name.clone()];
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            let text = || String::from_utf8_lossy(name).into_owned();
            let is_seal = is("DKIM-Signature")
                || name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"ARC-"));
            if self.strip && is_seal || api_header::is_stripped(name, self.api) {
                replaced.push(Replaced { range: field.whole.clone(), bytes: Vec::new() });
                changes.push(Change::FieldRemoved { name: text() });
            }
            let more = match () {
                () if is("Content-Length") => self.grown,
                () if is("Lines") => self.more_lines,
                () => continue,
            };
            // What counted otherwise before (other line ends, a blank line more) goes on doing so.
            let value = message[field.value.clone()].trim_ascii();
            let Some(from) =
                std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
            else {
                continue;
            };
            let Some(to) = from.parse::<usize>().ok().and_then(|count| count.checked_add_signed(more)) else {
                continue;
            };
            if more != 0 {
                let start = field.value.start + message[field.value.clone()].len()
                    - message[field.value.clone()].trim_ascii_start().len();
                let range = start..start + value.len();
                replaced.push(Replaced { range, bytes: to.to_string().into_bytes() });
                changes.push(Change::FieldUpdated {
                    name: text(),
                    from: from.to_owned(),
                    to: to.to_string(),
                });
            }
        }
    }
}

const ID: &str = "X-Sp-Message-Id";
