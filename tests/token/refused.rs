//! What is not exactly what was sealed is refused, and the error says why.

use openclick::{DecodeErrorKind, Decoder, ErrorKind, EventKind, KeyRing, TokenFields};

use super::bodies::sealed_by_hand;
use super::{domain, sample, writer};

fn two_hundred_urls(keys: &KeyRing) -> Vec<String> {
    let writer = writer("t.example.com", keys);
    let shapes = [sample::Shape::Plain, sample::Shape::Campaign, sample::Shape::Shop].map(sample::links);
    (0..200)
        .map(|number| {
            let link = &shapes[number % 3][number];
            let mut fields = TokenFields::new(EventKind::Click, &link.message_id);
            fields.recipient = Some(&link.recipient);
            fields.link_name = link.link_name.as_deref();
            fields.target = Some(&link.target[..link.target.len() - number % 16]);
            writer.url(&fields, None).unwrap()
        })
        .collect()
}

#[test]
fn every_edit_of_one_character_and_every_cut() {
    let keys = KeyRing::from_bytes([7; 32]);
    let decoder = Decoder::new(keys.clone()).tracking_domain(domain("t.example.com"));
    let base = "https://t.example.com/";
    let mut tried = 0u32;
    for (number, url) in two_hundred_urls(&keys).iter().enumerate() {
        assert!(decoder.decode(url).is_ok());
        for at in base.len()..url.len() {
            assert!(decoder.decode(&url[..at]).is_err(), "cut at {at}: {url}");
            // Every character of the alphabet at some places of each token, and at the last place of all.
            let step = if at + 1 == url.len() { 1 } else { 31 };
            for edit in (32..127).skip(if step == 1 { 0 } else { (number + at) % 31 }).step_by(step) {
                let edit = char::from(edit as u8);
                if edit == url[at..].chars().next().unwrap() || matches!(edit, '?' | '#') {
                    // A token cut by `?` is a truncation.
                    continue;
                }
                let edited = format!("{}{edit}{}", &url[..at], &url[at + 1..]);
                if edited.trim() == url.trim() {
                    continue;
                }
                assert!(decoder.decode(&edited).is_err(), "{edited}");
                tried += 1;
            }
        }
    }
    println!("{tried} edits");
    assert!(tried > 80_000);
}

/// The whole alphabet at every place, for one token of each length modulo 3.
#[test]
fn every_character_at_every_place() {
    let keys = KeyRing::from_bytes([7; 32]);
    let decoder = Decoder::new(keys.clone()).tracking_domain(domain("t.example.com"));
    for url in &two_hundred_urls(&keys)[..6] {
        let token = url.rsplit('/').next().unwrap();
        for at in 0..token.len() {
            for edit in (0u8..128).filter(|edit| *edit != token.as_bytes()[at]).map(char::from) {
                let edited = format!("{}{edit}{}", &token[..at], &token[at + 1..]);
                assert!(decoder.decode(&edited).is_err(), "{edited:?}");
            }
        }
    }
}

#[test]
fn a_token_of_one_domain_under_another() {
    let keys = KeyRing::from_bytes([7; 32]);
    let url = writer("a.example.com", &keys).url(&TokenFields::new(EventKind::Open, "m"), None).unwrap();
    let token = url.strip_prefix("https://a.example.com/").unwrap();
    let decoder = |text: &str| Decoder::new(keys.clone()).tracking_domain(domain(text));
    let kind = |decoder: &Decoder, url: &str| decoder.decode(url).unwrap_err().kind();
    for other in ["b.example.com", "a.example.com/p", "a.example.com:8443"] {
        assert_eq!(kind(&decoder(other), &url), DecodeErrorKind::NotOurHost, "{other}");
        assert_eq!(kind(&decoder(other), token), DecodeErrorKind::NotAuthentic);
        let moved = format!("{}{token}", domain(other).base());
        assert_eq!(kind(&decoder(other), &moved), DecodeErrorKind::NotAuthentic);
        // Even where both are accepted, a token stays under its own.
        let both = decoder(other).also_accept(domain("a.example.com"));
        assert_eq!(kind(&both, &format!("{}{token}", domain("b.example.com").base())).to_owned(), {
            if other == "b.example.com" { DecodeErrorKind::NotAuthentic } else { DecodeErrorKind::NotOurHost }
        });
        assert!(both.decode(&url).is_ok() && both.decode(token).is_ok());
    }
    assert_eq!(kind(&Decoder::new(keys.clone()), token), DecodeErrorKind::NotAuthentic);
}

#[test]
fn each_kind_of_error() {
    let keys = KeyRing::from_bytes([7; 32]);
    let decoder = Decoder::new(keys).tracking_domain(domain("t.example.com/p"));
    let long = "A".repeat(200_000);
    for (url, kind) in [
        ("https://elsewhere.example/p/IAAA", DecodeErrorKind::NotOurHost),
        ("https://t.example.com/IAAA", DecodeErrorKind::NotOurHost),
        ("mailto://t.example.com/p/IAAA", DecodeErrorKind::NotOurHost),
        ("https://t.example.com/p/a/b/IAAA", DecodeErrorKind::BadCharacters),
        ("https://t.example.com/p/a!/IAAA", DecodeErrorKind::BadCharacters),
        ("https://t.example.com/p/IAAAAAAA=", DecodeErrorKind::BadCharacters),
        ("IAA+", DecodeErrorKind::BadCharacters),
        ("", DecodeErrorKind::Truncated),
        ("https://t.example.com/p/", DecodeErrorKind::Truncated),
        ("https://t.example.com/p", DecodeErrorKind::Truncated),
        ("I", DecodeErrorKind::Truncated),
        ("IAAA", DecodeErrorKind::Truncated),
        ("IAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", DecodeErrorKind::Truncated),
        ("AAAA", DecodeErrorKind::UnknownVersion(0)),
        ("____", DecodeErrorKind::UnknownVersion(7)),
        ("IQAAAAAAAAAAAAAAAAAAAAAAAAAA", DecodeErrorKind::UnknownKey(1)),
        ("IAAAAAAAAAAAAAAAAAAAAAAAAAAA", DecodeErrorKind::NotAuthentic),
        (&long, DecodeErrorKind::Malformed),
    ] {
        let error = decoder.decode(url).unwrap_err();
        assert_eq!(error.kind(), kind, "{:.60}", url);
        let error = openclick::Error::from(error);
        assert_eq!(error.kind(), ErrorKind::Token);
        assert!(!error.to_string().is_empty() && std::error::Error::source(&error).is_some());
    }
}

#[test]
fn authentic_and_yet_malformed() {
    let decoder = Decoder::new(KeyRing::from_bytes([7; 32])).tracking_domain(domain("t.example.com/p"));
    assert!(decoder.decode(&sealed_by_hand(&[0x80, 0, 0, 0])).is_ok(), "an open with an empty message id");
    for fields in [&[0x81, 1, 0, 0, 0, 0][..], &[0x80, 0, 0, 0, 0], &[0x80, 0, 0, 1], &[0x90, 0, 0, 1, 2, 3]]
    {
        assert_eq!(decoder.decode(&sealed_by_hand(fields)).unwrap_err().kind(), DecodeErrorKind::Malformed);
    }
}

#[test]
fn extensions_that_a_reader_does_not_know_are_skipped() {
    let keys = KeyRing::from_bytes([7; 32]);
    let mut fields = TokenFields::new(EventKind::Click, "m");
    fields.target = Some("https://example.com/");
    fields.extensions = &[(1, b"one"), (u64::MAX, b""), (1, b"again")];
    let url = writer("t.example.com", &keys).url(&fields, None).unwrap();
    let token = Decoder::new(keys).tracking_domain(domain("t.example.com")).decode(&url).unwrap();
    assert_eq!(token.target(), Some("https://example.com/"));
    assert!(token.extensions().eq([(1, &b"one"[..]), (u64::MAX, b""), (1, b"again")]));
}

#[test]
fn denied_by_a_rule() {
    let keys = KeyRing::from_bytes([7; 32]);
    let decoder = Decoder::new(keys.clone()).tracking_domain(domain("t.example.com")).deny(|token| {
        token.customer_id() == 13 || token.target_host().as_deref() == Some("phishing.example")
    });
    let decode = |customer_id: u64, target: &str| {
        let mut fields = TokenFields::new(EventKind::Click, "m");
        fields.customer_id = customer_id;
        fields.target = Some(target);
        decoder.decode(&writer("t.example.com", &keys).url(&fields, None).unwrap())
    };
    assert!(decode(12, "https://example.com/").is_ok());
    assert_eq!(decode(13, "https://example.com/").unwrap_err().kind(), DecodeErrorKind::Denied);
    assert_eq!(decode(12, "https://PHISHING.example:444/a").unwrap_err().kind(), DecodeErrorKind::Denied);
}
