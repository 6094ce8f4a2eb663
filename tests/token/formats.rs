//! Templates and sparkyPMTATracking's URLs.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use openclick::{ErrorKind, EventKind, KeyRing, TokenFields, UrlFormat, UrlWriter};

use super::domain;

fn fields() -> TokenFields<'static> {
    let mut fields = TokenFields::new(EventKind::Click, "m 1");
    fields.target = Some("https://example.org/ü?a=b&c");
    fields.recipient = Some("a+b@example.org");
    fields.link_index = Some(7);
    fields
}

fn template(text: &str) -> UrlWriter {
    UrlWriter::new(domain("t.example.com"), UrlFormat::template(text).unwrap(), KeyRing::from_bytes([7; 32]))
        .unwrap()
}

#[test]
fn a_template_is_filled_in_and_signed() {
    let url = template("https://R.example.com/r?u={target}&m={message_id}&k={kind}&i={link_index}&c={campaign}&l={sublink}&t={slot}&s={hmac}#x")
        .url(&fields(), Some("app"))
        .unwrap();
    let signed = "https://R.example.com/r?u=https%3A%2F%2Fexample.org%2F%C3%BC%3Fa%3Db%26c&m=m%201&k=click&i=7&c=&l=app&t=0&s=";
    let code = url.strip_prefix(signed).unwrap().strip_suffix("#x").unwrap();

    // What an endpoint does to check it, with another implementation.
    let salt = aws_lc_rs::hkdf::Salt::new(aws_lc_rs::hkdf::HKDF_SHA256, &[]);
    let mut key = [0; 32];
    salt.extract(&[7; 32])
        .expand(&[b"openclick v1 template"], aws_lc_rs::hkdf::HKDF_SHA256)
        .unwrap()
        .fill(&mut key)
        .unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let expected = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    assert_eq!(code, URL_SAFE_NO_PAD.encode(&expected.as_ref()[..16]));
}

#[test]
fn every_field_of_a_template() {
    let mut fields = fields();
    fields.customer_id = 42;
    fields.campaign = Some("c");
    fields.pool = Some("p");
    fields.subaccount = Some("s");
    fields.link_name = Some("n");
    fields.part = Some(2);
    fields.sealed_at = Some(3);
    fields.expires = Some(4);
    let text = "https://r.example/{customer_id}/{campaign}/{pool}/{subaccount}/{link_name}/{part}/{sealed_at}/{expires}/{recipient}/{hmac}";
    let url = template(text).url(&fields, None).unwrap();
    assert!(url.starts_with("https://r.example/42/c/p/s/n/2/3/4/a%2Bb%40example.org/"), "{url}");
}

#[test]
fn a_template_is_checked_when_it_is_made() {
    for (text, why) in [
        ("https://r.example/{url}", "{url} is no field; the fields are target, message_id"),
        ("https://r.example/{target", "not closed"),
        ("https://r.example/target}", "'}' cannot stand"),
        ("https://{target}/", "cannot stand in the host"),
        ("https://r.example{target}", "cannot stand in the host"),
        ("{target}", "does not begin with https://"),
        ("r.example/{target}", "does not begin with https://"),
        ("", "does not begin with https://"),
        ("ftp://r.example/{target}", "scheme"),
        ("https://u:p@r.example/{target}", "user name"),
        ("https://r.example/ {target}", "' ' cannot stand"),
        ("https://r.example/\"{target}", "'\"' cannot stand"),
        ("https://r.example/ü{target}", "'ü' cannot stand"),
        ("https://r.example/{hmac}{target}", "{target} follows {hmac}"),
        ("https://r.example/{hmac}/{hmac}", "{hmac} follows {hmac}"),
    ] {
        let error = UrlFormat::template(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(why), "{text}: {error}");
    }
}

#[test]
fn what_is_unsigned_must_be_said() {
    let unsigned = UrlFormat::template("https://r.example/?u={target}").unwrap();
    for format in [unsigned, UrlFormat::sparky_pmta()] {
        let make = |format| UrlWriter::new(domain("t.example.com"), format, KeyRing::from_bytes([7; 32]));
        let error = make(format.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("open redirector"), "{error}");
        assert!(make(format.unsigned()).is_ok());
    }
}

#[test]
fn a_template_knows_its_own_host() {
    let writer = template("https://r.example/x?u={target}&s={hmac}");
    assert!(writer.is_own("https://R.example/other") && writer.is_own("https://t.example.com/"));
    assert!(!writer.is_own("https://example.org/"));
    assert!(writer.open(&writer.url(&fields(), None).unwrap()).is_none());
}

#[test]
fn sparky_urls_are_what_its_decoder_reads() {
    let format = UrlFormat::sparky_pmta().unsigned();
    let writer = UrlWriter::new(domain("t.example.com"), format, KeyRing::from_bytes([7; 32])).unwrap();
    for (kind, act) in [
        (EventKind::Click, "c"),
        (EventKind::LinkUnsubscribe, "c"),
        (EventKind::Open, "o"),
        (EventKind::InitialOpen, "i"),
    ] {
        let mut fields = fields();
        fields.kind = kind;
        fields.recipient = Some("\"a\\b\"\u{1}@example.org");
        let url = writer.url(&fields, Some("ignored")).unwrap();
        let segment = url.strip_prefix("https://t.example.com/").unwrap();
        assert_eq!(segment.len() % 4, 0, "with padding, as Go's URLEncoding wants it");
        let compressed = URL_SAFE.decode(segment).unwrap();
        let mut json = String::new();
        flate2::read::ZlibDecoder::new(&compressed[..]).read_to_string(&mut json).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let expected = serde_json::json!({
            "act": act, "t_url": "https://example.org/ü?a=b&c", "msg_id": "m 1", "rcpt": "\"a\\b\"\u{1}@example.org",
        });
        assert_eq!(json, expected);
    }
}
