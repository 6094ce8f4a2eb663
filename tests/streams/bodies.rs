//! What holds of any streams and headers. Property tests and the fuzz target `streams` share it.

use std::sync::LazyLock;

use openclick::stream::{Condition, Given, Layer, Setting, Source, Stream, Streams};
use openclick::{
    Consent, Delivery, Dialect, HeaderFields, KeyRing, Options, Rewriter, addressee, api_header, job_id,
};

static REWRITER: LazyLock<Rewriter> =
    LazyLock::new(|| Options::new("t.example", KeyRing::generate()).unwrap().build().unwrap());

/// The first line is a pattern, each further one a header field; without a colon it is one more word of the field before,
/// as in a folded value.
pub(crate) fn streams(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let pattern = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for line in lines {
        match (line.iter().position(|byte| *byte == b':'), pairs.last_mut()) {
            (Some(colon), _) => pairs.push((line[..colon].to_vec(), line[colon + 1..].to_vec())),
            (None, Some((_, value))) => {
                value.push(b' ');
                value.extend_from_slice(line);
            }
            (None, None) => {}
        }
    }
    let fields: HeaderFields<'_> =
        pairs.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
    let streams = with_pattern(&pattern);
    let given = Given::new().dialects(Dialect::ALL).global(Layer::new().text_links(true));
    let resolved = streams.resolve(&fields, &given);
    assert!(resolved.stream.is_some(), "the last stream takes every message");
    assert!(resolved.notes.len() <= 100);
    assert!(resolved.to_string().lines().count() >= 10);

    // No header changes what the stream locks, and none switches on what the recipient did not agree to.
    if resolved.stream.as_ref().is_some_and(|stream| stream.conditions.is_empty()) {
        assert_eq!((resolved.customer_id.value, resolved.customer_id.source), (7, Source::Lock));
        assert!(!resolved.initial_open.value && resolved.initial_open.source == Source::Lock);
    }
    let none = streams.resolve(&fields, &given.clone().consent(Consent::NONE));
    let switches = [none.click_tracking, none.open_tracking, none.initial_open, none.text_links];
    assert!(switches.iter().all(|switch| !switch.value));
    // Nor does one that switches off speak louder for standing elsewhere.
    let reversed: HeaderFields<'_> =
        pairs.iter().rev().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
    if let (Some(one), other) = (resolved.stream.as_ref(), streams.resolve(&reversed, &given))
        && other.stream.as_ref() == Some(one)
    {
        assert_eq!(resolved.click_tracking.value, other.click_tracking.value);
        assert_eq!(resolved.open_tracking.value, other.open_tracking.value);
    }

    // What the headers say can go into tokens: no mail is lost for it.
    let id = addressee::message_id(&fields).map_or_else(|| "m".to_owned(), |id| id.id);
    let mut delivery = Delivery::new(id);
    if let Ok(recipient) = addressee::recipient(&fields) {
        let again = HeaderFields::from_text([("To", recipient.as_str())]);
        assert_eq!(addressee::recipient(&again).as_deref(), Ok(recipient.as_str()));
        delivery = delivery.recipient(recipient);
    }
    if let Some(campaign) = resolved.campaign.value {
        assert!(job_id::check(&job_id::sanitize(&campaign)).is_none());
        delivery = delivery.campaign(campaign);
    }
    if let Some(subaccount) = resolved.subaccount.value {
        delivery = delivery.subaccount(subaccount);
    }
    for url in addressee::list_unsubscribe(&fields) {
        delivery = delivery.list_unsubscribe(url);
    }
    let html = b"<body><a href=\"https://a.example/\">a</a>";
    assert!(REWRITER.rewrite_html(html, &delivery).is_ok(), "{delivery:?}");

    for (name, _) in &pairs {
        let own = ["x-job", "x-virtual-mta", "x-virtual-mta-pool"];
        let lower = name.trim_ascii().to_ascii_lowercase();
        if lower.starts_with(b"x-sp-") || own.iter().any(|own| own.as_bytes() == lower) {
            assert!(!api_header::is_stripped(name, &api_header::DIALECTS));
        }
    }
}

/// A stream for each condition, and one for the rest.
fn with_pattern(pattern: &str) -> Streams {
    let conditions = [
        Condition::virtual_mta([pattern]),
        Condition::pool([pattern]),
        Condition::job([pattern]),
        Condition::from_domain([pattern]),
        Condition::header("X-Tier", [pattern, "*gold*"]),
    ];
    let mut streams = Streams::new();
    for condition in conditions.into_iter().flatten() {
        let stream = Stream::new(Layer::new().tracking(true)).when(condition).honour_subaccount_header(true);
        streams.push(stream).unwrap();
    }
    let rest = Stream::new(Layer::new().customer_id(7).initial_open(false));
    streams.push(rest.lock(Setting::CustomerId).lock(Setting::InitialOpen)).unwrap();
    streams
}
