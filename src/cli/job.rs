//! From settings to the library's options: what a `rewrite` is to do.

use std::error::Error as _;
use std::io;

use openclick::{
    Consent, Delivery, Dialect, KeyRing, Options, Rewriter, TrackingDomain, UrlFormat, VisibleUrl,
};

use super::exit::{Cause, Exit, Failure};
use super::setting::{self as s, Setting};
use super::settings::{Settings, missing};
use super::time;

/// The keys that the settings name.
pub(super) fn key_ring(settings: &Settings) -> Result<KeyRing, Failure> {
    let path = settings.path(&s::KEY_FILE).ok_or_else(|| missing(&s::KEY_FILE, "no key file"))?;
    let read = match settings.switch(&s::ALLOW_OPEN_KEY_FILE) {
        Some(true) => KeyRing::from_open_file(path),
        _ => KeyRing::from_file(path),
    };
    read.map_err(|error| match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(cause) => {
            let hint = match cause.kind() {
                io::ErrorKind::NotFound => format!(" (`openclick key new > {}` makes it)", path.display()),
                _ => String::new(),
            };
            Failure::configuration(format!("key file {}: {}{hint}", path.display(), Cause(cause)))
        }
        None => Failure::configuration(error.to_string()),
    })
}

/// The tracking domain that the settings name, as it was written.
pub(super) fn tracking_domain(settings: &Settings) -> Result<&str, Failure> {
    let domain = settings
        .text(&s::TRACKING_DOMAIN)
        .ok_or_else(|| missing(&s::TRACKING_DOMAIN, "no tracking domain"))?;
    match TrackingDomain::parse(domain) {
        Ok(_) => Ok(domain),
        Err(error) => Err(settings.refuse(&s::TRACKING_DOMAIN, error)),
    }
}

/// The rewriter that the settings ask for.
pub(super) fn rewriter(settings: &Settings) -> Result<Rewriter, Failure> {
    let domain = tracking_domain(settings)?;
    let keys = key_ring(settings)?;
    keys.check_sealing(time::now())?;
    let mut options = Options::new(domain, keys)?.url_format(url_format(settings)?);
    type Switch = fn(Options, bool) -> Options;
    let switches: [(&Setting, Switch); 4] = [
        (&s::CLICK_TRACKING, Options::click_tracking),
        (&s::OPEN_TRACKING, Options::open_tracking),
        (&s::INITIAL_OPEN, Options::initial_open),
        (&s::OUTLOOK, Options::outlook),
    ];
    for (setting, set) in switches {
        if let Some(on) = settings.switch(setting) {
            options = set(options, on);
        }
    }
    type Count = fn(Options, u64) -> Options;
    let size = |count| usize::try_from(count).unwrap_or(usize::MAX);
    let counts: [(&Setting, Count); 3] = [
        (&s::CUSTOMER_ID, Options::customer_id),
        (&s::MAX_LINKS, Options::max_links),
        (&s::REPORT_LINKS, Options::report_links),
    ];
    for (setting, set) in counts {
        if let Some(count) = settings.count(setting) {
            options = set(options, count);
        }
    }
    if let Some(bytes) = settings.count(&s::MAX_TARGET_LENGTH) {
        options = options.max_target_length(size(bytes));
    }
    if let Some(characters) = settings.count(&s::MAX_URL_LENGTH) {
        options = options.max_url_length(size(characters));
    }
    if let Some(text) = settings.text(&s::PIXEL_PLACEHOLDER) {
        options = options.pixel_placeholder(text);
    }
    if let Some(label) = settings.text(&s::CHARSET) {
        options = options.charset(label);
    }
    if let Some(names) = settings.list(&s::DIALECTS) {
        let dialects = names.iter().map(|name| name.parse()).collect::<Result<Vec<Dialect>, _>>()?;
        options = options.dialects(dialects);
    }
    for host in settings.list(&s::SKIP_HOST).into_iter().flatten() {
        options = options.skip_host(host);
    }
    if let Some("leave") = settings.text(&s::VISIBLE_URL) {
        options = options.visible_url(VisibleUrl::Leave);
    }
    Ok(options.build()?)
}

fn url_format(settings: &Settings) -> Result<UrlFormat, Failure> {
    let template = settings.text(&s::URL_TEMPLATE);
    let format = match (settings.text(&s::URL_FORMAT), template) {
        (Some("sparky-pmta"), _) => UrlFormat::sparky_pmta(),
        (Some("template") | None, Some(template)) => {
            UrlFormat::template(template).map_err(|error| settings.refuse(&s::URL_TEMPLATE, error))?
        }
        (Some("template"), None) => return Err(missing(&s::URL_TEMPLATE, "no URL template")),
        _ => UrlFormat::sealed(),
    };
    Ok(match settings.switch(&s::UNSIGNED) {
        Some(true) => format.unsigned(),
        _ => format,
    })
}

/// The delivery that the settings describe, for this message.
pub(super) fn delivery(settings: &Settings, message_id: &str) -> Result<Delivery, Failure> {
    let mut delivery = Delivery::new(message_id);
    type Text = fn(Delivery, String) -> Delivery;
    let texts: [(&Setting, Text); 4] = [
        (&s::RECIPIENT, Delivery::recipient),
        (&s::CAMPAIGN, Delivery::campaign),
        (&s::POOL, Delivery::pool),
        (&s::SUBACCOUNT, Delivery::subaccount),
    ];
    for (setting, set) in texts {
        if let Some(text) = settings.text(setting) {
            delivery = set(delivery, text.to_owned());
        }
    }
    for url in settings.list(&s::LIST_UNSUBSCRIBE).into_iter().flatten() {
        delivery = delivery.list_unsubscribe(url);
    }
    if let Some(seconds) = settings.count(&s::SEALED_AT) {
        delivery = delivery.sealed_at(seconds);
    }
    if let Some(day) = settings.count(&s::EXPIRES).and_then(|day| u32::try_from(day).ok()) {
        delivery = delivery.expires(day);
    }
    for extension in settings.list(&s::EXTENSION).into_iter().flatten() {
        let field = extension.split_once('=').and_then(|(id, text)| Some((id.parse().ok()?, text)));
        let (id, text) = field.ok_or_else(|| {
            settings.refuse(&s::EXTENSION, format!("expected a number, = and a text, found `{extension}`"))
        })?;
        delivery = delivery.extension(id, text);
    }
    Ok(delivery.tracking(consent(settings)))
}

/// What the recipient agreed to: whatever any source takes away is gone.
fn consent(settings: &Settings) -> Consent {
    let refused = |what| settings.all_lists(&s::NO_CONSENT).any(|word| word == what);
    let clicks = if refused("clicks") { Consent::NONE } else { Consent::CLICKS };
    let opens = if refused("opens") { Consent::NONE } else { Consent::OPENS };
    clicks | opens
}

/// A new message id: 16 random bytes in hexadecimal.
pub(super) fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Exit::Internal, format!("the system has no random bytes: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
