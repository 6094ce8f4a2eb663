//! Tracking URLs: what they carry comes back, what was touched is refused, and other implementations agree.

pub(crate) mod bodies;
mod formats;
mod frozen;
mod keys;
mod refused;
mod rotation;
pub(crate) mod sample;

use openclick::{Decoder, EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
use proptest::prelude::*;

pub(crate) fn domain(text: &str) -> TrackingDomain {
    TrackingDomain::parse(text).unwrap()
}

pub(crate) fn writer(text: &str, keys: &KeyRing) -> UrlWriter {
    UrlWriter::new(domain(text), UrlFormat::sealed(), keys.clone()).unwrap()
}

#[test]
fn what_a_url_looks_like() {
    let keys = KeyRing::from_bytes([7; 32]);
    let fields = TokenFields::new(EventKind::Open, "0000e4a8b462f1c3d9a7");
    let url = writer("http://T.example.com:8080/a/b/", &keys).url(&fields, Some("App_1-x")).unwrap();
    let token = url.strip_prefix("http://t.example.com:8080/a/b/App_1-x/").unwrap();
    // Version, slot, tag, flags, customer, index, ten bytes of id.
    assert_eq!(token.len(), (1 + 16 + 3 + 10) * 4 / 3);
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
}

#[test]
fn the_same_fields_give_the_same_url_and_others_another() {
    let keys = KeyRing::from_bytes([7; 32]);
    let writer = writer("t.example.com", &keys);
    let open = writer.url(&TokenFields::new(EventKind::Open, "m"), None).unwrap();
    assert_eq!(open, writer.url(&TokenFields::new(EventKind::Open, "m"), None).unwrap());
    assert_ne!(open, writer.url(&TokenFields::new(EventKind::InitialOpen, "m"), None).unwrap());
    assert_ne!(open, writer.url(&TokenFields::new(EventKind::Open, "n"), None).unwrap());
}

#[test]
fn what_was_appended_is_kept_and_does_not_matter() {
    let keys = KeyRing::from_bytes([7; 32]);
    let url =
        writer("t.example.com/p", &keys).url(&TokenFields::new(EventKind::Open, "m"), Some("s")).unwrap();
    let decoder = Decoder::new(keys).tracking_domain(domain("t.example.com/p"));
    let bare = url.rsplit('/').next().unwrap();
    for appended in ["", "?utm_source=x&fbclid=y", "#a", "?a=b#c?d", "?x=https://evil.example/", "?ü"] {
        for url in [&*url, bare, &*url.replace("https://t.example", "HTTP://T.EXAMPLE")] {
            assert_eq!(decoder.decode(&format!(" {url}{appended}\n")).unwrap().appended(), appended);
        }
    }
}

#[test]
fn a_writer_knows_its_own_urls() {
    let keys = KeyRing::from_bytes([7; 32]);
    let ours = writer("t.example.com", &keys);
    let url = ours.url(&TokenFields::new(EventKind::Open, "m"), None).unwrap();
    assert!(ours.is_own(&url) && ours.open(&url).is_some());
    assert!(ours.is_own("http://T.EXAMPLE.com/x") && ours.open("http://T.EXAMPLE.com/x").is_none());
    assert!(!ours.is_own("https://example.com/") && ours.open(url.rsplit('/').next().unwrap()).is_none());
    assert!(writer("t.example.com", &KeyRing::from_bytes([8; 32])).open(&url).is_none());
}

#[test]
fn an_error_leaves_the_output_as_it_was() {
    let writer = writer("t.example.com", &KeyRing::from_bytes([7; 32]));
    let long = "x".repeat(8193);
    let mut out = b"before".to_vec();
    let mut fields = TokenFields::new(EventKind::Click, "m");
    fields.target = Some(&long);
    assert!(writer.write_url(&fields, None, &mut out).is_err());
    fields.target = Some(&long[..8192]);
    for sublink in ["", "a/b", "ä", &long[..65]] {
        let error = writer.write_url(&fields, Some(sublink), &mut out).unwrap_err();
        assert!(error.to_string().contains("sublink"), "{error}");
    }
    assert_eq!(out, b"before");
    assert!(writer.write_url(&fields, Some(&long[..64]), &mut out).is_ok());
}

#[test]
fn expiry_stops_counting_at_the_end_of_its_day() {
    let keys = KeyRing::from_bytes([7; 32]);
    let mut fields = TokenFields::new(EventKind::Click, "m");
    fields.expires = Some(20_000);
    fields.sealed_at = Some(28_000_001);
    let url = writer("t.example.com", &keys).url(&fields, None).unwrap();
    let token = Decoder::new(keys).tracking_domain(domain("t.example.com")).decode(&url).unwrap();
    assert!(!token.is_expired(20_001 * 86_400 - 1));
    assert!(token.is_expired(20_001 * 86_400));
    assert_eq!(token.sealed_at(), Some(28_000_001 * 60));
    assert_eq!((token.target(), token.location(), token.target_host()), (None, None, None));
}

#[cfg(feature = "serde")]
#[test]
fn tokens_as_json() {
    let keys = KeyRing::from_bytes([7; 32]);
    let mut fields = TokenFields::new(EventKind::LinkUnsubscribe, "m");
    let decoder = Decoder::new(keys.clone()).tracking_domain(domain("t.example.com"));
    let json = |fields: &TokenFields<'_>, appended: &str| {
        let url = writer("t.example.com", &keys).url(fields, None).unwrap() + appended;
        serde_json::to_string(&decoder.decode(&url).unwrap()).unwrap()
    };
    assert_eq!(json(&fields, ""), r#"{"kind":"link_unsubscribe","message_id":"m","customer_id":0,"slot":0}"#);
    fields.customer_id = 42;
    fields.link_index = Some(3);
    fields.campaign = Some("c");
    fields.pool = Some("p");
    fields.subaccount = Some("s");
    fields.link_name = Some("n");
    fields.recipient = Some("a@b.example");
    fields.part = Some(2);
    fields.sealed_at = Some(29_833_333);
    fields.expires = Some(20_816);
    fields.target = Some("https://example.com/");
    assert_eq!(
        json(&fields, "?x"),
        r#"{"kind":"link_unsubscribe","target":"https://example.com/","message_id":"m","recipient":"a@b.example","link_name":"n","link_index":3,"customer_id":42,"campaign":"c","pool":"p","subaccount":"s","part":2,"slot":0,"sealed_at":"2026-09-21T14:13:00Z","expires":"2026-12-29","appended":"?x"}"#
    );
}

/// The targets of the format's description, on the sample that it describes.
#[test]
fn urls_are_short() {
    let writer = writer("t.example.com", &KeyRing::from_bytes([7; 32]));
    for (shape, bytes, most) in [
        (sample::Shape::Plain, 72.0, 145.0),
        (sample::Shape::Campaign, 163.0, 178.0),
        (sample::Shape::Shop, 237.0, 238.0),
    ] {
        let links = sample::links(shape);
        let mean = |sum: usize| sum as f64 / links.len() as f64;
        let targets = mean(links.iter().map(|link| link.target.len()).sum());
        assert!((targets - bytes).abs() <= 3.0, "{shape:?}: {targets}");
        // A Message-ID of 40 characters costs no more than 10 characters over 16 bytes.
        for (is_text, most) in [(false, most), (true, most + 10.0)] {
            let urls = links.iter().map(|link| {
                let id = if is_text { &link.text_message_id } else { &link.message_id };
                let mut fields = TokenFields::new(EventKind::Click, id);
                fields.customer_id = 42;
                fields.link_index = Some(link.index);
                fields.recipient = Some(&link.recipient);
                fields.link_name = link.link_name.as_deref();
                fields.target = Some(&link.target);
                writer.url(&fields, None).unwrap().len()
            });
            let urls = mean(urls.sum());
            assert!(urls <= most, "{shape:?}: {urls}");
        }
    }
}

/// The sample stands for mail that the code table has not seen.
#[test]
fn the_sample_has_no_words_of_the_training_mix() {
    let mix = include_str!("../../src/token/table/words.rs");
    for word in sample::words() {
        assert!(!mix.contains(&format!("\"{word}\"")), "{word}");
    }
}

proptest! {
    #[test]
    fn everything_comes_back(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        bodies::token_roundtrip(&data);
    }

    #[test]
    fn anything_is_decoded_or_refused(data in proptest::collection::vec(any::<u8>(), 0..400)) {
        bodies::token_decode(&data);
    }
}
