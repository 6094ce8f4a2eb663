//! From settings to the library's options: what a `rewrite` is to do.

use std::error::Error as _;
use std::io;
use std::path::Path;

use openclick::{
    Consent, Delivery, Dialect, Engine, KeyRing, MergeSyntax, OnSigned, Options, Rewriter, TrackingDomain,
    UrlFormat, VisibleUrl,
};

use super::exit::{Cause, Exit, Failure};
use super::setting::{self as s, Setting};
use super::settings::{Settings, missing};
use super::streams::StreamsConfig;
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
    Ok(options(settings)?.build()?)
}

/// The same, for templates with merge fields.
pub(super) fn template_rewriter(
    settings: &Settings,
    syntaxes: impl IntoIterator<Item = MergeSyntax>,
) -> Result<Rewriter, Failure> {
    Ok(options(settings)?.merge_fields(syntaxes).build()?)
}

fn options(settings: &Settings) -> Result<Options, Failure> {
    let domain = tracking_domain(settings)?;
    let keys = key_ring(settings)?;
    keys.check_sealing(time::now()).map_err(|error| {
        let path = settings.path(&s::KEY_FILE).unwrap_or(Path::new(""));
        Failure::configuration(format!("key file {}: {error}", path.display()))
    })?;
    options_of(settings, domain, keys)
}

/// The rewriter that the settings ask for, with this domain and these keys.
pub(super) fn rewriter_of(settings: &Settings, domain: &str, keys: KeyRing) -> Result<Rewriter, Failure> {
    Ok(options_of(settings, domain, keys)?.build()?)
}

fn options_of(settings: &Settings, domain: &str, keys: KeyRing) -> Result<Options, Failure> {
    let (format, chosen_by) = url_format(settings)?;
    let mut options = Options::new(domain, keys)?.url_format(format);
    // The library does not know where a value came from: each that it may refuse is tried by itself.
    let check = |options: &Options, setting| match options.clone().build() {
        Ok(_) => Ok(()),
        // By the name that the format has here.
        Err(error) => Err(settings.refuse(setting, error.to_string().replace("sparky_pmta", "sparky-pmta"))),
    };
    check(&options, chosen_by)?;
    type Switch = fn(Options, bool) -> Options;
    let switches: [(&Setting, Switch); 5] = [
        (&s::CLICK_TRACKING, Options::click_tracking),
        (&s::OPEN_TRACKING, Options::open_tracking),
        (&s::INITIAL_OPEN, Options::initial_open),
        (&s::TEXT_LINKS, Options::text_links),
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
        check(&options, &s::MAX_TARGET_LENGTH)?;
    }
    if let Some(characters) = settings.count(&s::MAX_URL_LENGTH) {
        options = options.max_url_length(size(characters));
    }
    if let Some(text) = settings.text(&s::PIXEL_PLACEHOLDER) {
        options = options.pixel_placeholder(text);
        check(&options, &s::PIXEL_PLACEHOLDER)?;
    }
    if let Some(label) = settings.text(&s::CHARSET) {
        options = options.charset(label);
        check(&options, &s::CHARSET)?;
    }
    if let Some("lol_html") = settings.text(&s::ENGINE) {
        options = options.engine(Engine::LolHtml);
    }
    options = options.dialects(dialects(settings)?);
    if let Some(hosts) = settings.list(&s::SKIP_HOST) {
        options = hosts.iter().fold(options, |options, host| options.skip_host(host));
        check(&options, &s::SKIP_HOST)?;
    }
    if let Some("leave") = settings.text(&s::VISIBLE_URL) {
        options = options.visible_url(VisibleUrl::Leave);
    }
    if let Some(what) = settings.text(&s::ON_SIGNED) {
        options = options.on_signed(match what {
            "rewrite" => OnSigned::Rewrite,
            "strip" => OnSigned::Strip,
            _ => OnSigned::Refuse,
        });
    }
    let traffic = StreamsConfig::of(settings)?;
    options = options
        .streams(traffic.streams)
        .overrides(traffic.caller)
        .defaults(traffic.global)
        .strip_api_headers(traffic.strip);
    Ok(options)
}

/// Whose opt-out attributes are understood.
pub(super) fn dialects(settings: &Settings) -> Result<Vec<Dialect>, Failure> {
    let Some(names) = settings.list(&s::DIALECTS) else { return Ok(vec![Dialect::SparkPost]) };
    let dialects: Result<Vec<Dialect>, _> = names.iter().map(|name| name.parse()).collect();
    dialects.map_err(|error| settings.refuse(&s::DIALECTS, error))
}

/// The format, and the setting that chose it.
pub(super) fn url_format(settings: &Settings) -> Result<(UrlFormat, &'static Setting), Failure> {
    let template = settings.text(&s::URL_TEMPLATE);
    let word = settings.text(&s::URL_FORMAT);
    if let Some(word @ ("sealed" | "sparky-pmta")) = word
        && template.is_some()
        // A flag that chooses another format than the file does is no contradiction.
        && !settings.stands_above(&s::URL_FORMAT, &s::URL_TEMPLATE)
    {
        return Err(settings.refuse(
            &s::URL_TEMPLATE,
            format!(
                "the format `{word}`, chosen by {}, takes no template: choose `template`, or leave this out",
                settings.spell(&s::URL_FORMAT)
            ),
        ));
    }
    let (format, chosen_by) = match (word, template) {
        (Some("sparky-pmta"), _) => (UrlFormat::sparky_pmta(), &s::URL_FORMAT),
        (Some("template") | None, Some(template)) => {
            let format = UrlFormat::template(template);
            (format.map_err(|error| settings.refuse(&s::URL_TEMPLATE, error))?, &s::URL_TEMPLATE)
        }
        (Some("template"), None) => return Err(missing(&s::URL_TEMPLATE, "no URL template")),
        _ => (UrlFormat::sealed(), &s::URL_FORMAT),
    };
    Ok(match settings.switch(&s::UNSIGNED) {
        Some(true) => (format.unsigned(), chosen_by),
        _ => (format, chosen_by),
    })
}

/// The delivery that the settings describe, for this HTML document.
pub(super) fn delivery(
    settings: &Settings,
    message_id: &str,
    rewriter: &Rewriter,
) -> Result<Delivery, Failure> {
    described(settings, message_id, rewriter, true)
}

/// The delivery that the settings describe, for a message that says itself what they do not.
pub(super) fn message_delivery(
    settings: &Settings,
    message_id: Option<&str>,
    rewriter: &Rewriter,
) -> Result<Delivery, Failure> {
    let delivery = described(settings, message_id.unwrap_or("none"), rewriter, false)?;
    Ok(if message_id.is_some() { delivery } else { delivery.id_of_message() })
}

fn described(
    settings: &Settings,
    message_id: &str,
    rewriter: &Rewriter,
    is_html: bool,
) -> Result<Delivery, Failure> {
    // As with the options: what is wrong is named by its setting, and before anything is read.
    let check = |delivery: &Delivery, setting| match rewriter.html_writer(delivery, io::sink()) {
        Ok(_) => Ok(()),
        Err(error) => Err(settings.refuse(setting, error)),
    };
    let mut delivery = Delivery::new(message_id);
    check(&delivery, &s::MESSAGE_ID)?;
    type Text = fn(Delivery, String) -> Delivery;
    let texts: [(&Setting, Text); 4] = [
        (&s::RECIPIENT, Delivery::recipient),
        (&s::CAMPAIGN, Delivery::campaign),
        (&s::POOL, Delivery::pool),
        (&s::SUBACCOUNT, Delivery::subaccount),
    ];
    for (setting, set) in texts {
        if let Some(text) = settings.text(setting) {
            let named = set(delivery.clone(), text.to_owned());
            check(&named, setting)?;
            // A message's header and stream stand between a flag and the file.
            if is_html || setting.name == s::RECIPIENT.name {
                delivery = named;
            }
        }
    }
    for url in settings.list(&s::LIST_UNSUBSCRIBE).into_iter().flatten() {
        delivery = delivery.list_unsubscribe(url);
    }
    if let Some(seconds) = settings.count(&s::SEALED_AT) {
        delivery = delivery.sealed_at(seconds);
    }
    if let Some(day) = settings.count(&s::EXPIRES) {
        delivery = delivery.expires(u32::try_from(day).unwrap_or(u32::MAX)); // four digits of a year fit
    }
    for extension in settings.list(&s::EXTENSION).into_iter().flatten() {
        let field = extension.split_once('=').and_then(|(id, text)| Some((id.parse().ok()?, text)));
        let (id, text) = field.ok_or_else(|| {
            settings.refuse(&s::EXTENSION, format!("expected a number, = and a text, found `{extension}`"))
        })?;
        delivery = delivery.extension(id, text);
        check(&delivery, &s::EXTENSION)?;
    }
    Ok(delivery.tracking(consent(settings)))
}

/// What the recipient agreed to: whatever any source takes away is gone.
pub(super) fn consent(settings: &Settings) -> Consent {
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
