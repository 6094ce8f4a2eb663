//! Bodies that property tests and fuzz targets share.

use std::sync::OnceLock;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use openclick::{Decoder, EventKind, KeyRing, Token, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
use sha2::Sha256;

const MASTER: [u8; 32] = [7; 32];
const DOMAIN: &str = "t.example.com/p";

struct Setup {
    writer: UrlWriter,
    decoder: Decoder,
    cipher: Aes256GcmSiv,
}

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        let keys = KeyRing::from_bytes(MASTER);
        let domain = TrackingDomain::parse(DOMAIN).unwrap();
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, &MASTER).expand(b"openclick v1 seal", &mut key).unwrap();
        Setup {
            writer: UrlWriter::new(domain.clone(), UrlFormat::sealed(), keys.clone()).unwrap(),
            decoder: Decoder::new(keys).tracking_domain(domain),
            cipher: <Aes256GcmSiv as KeyInit>::new((&key).into()),
        }
    })
}

/// A token with any bytes as its fields, made without this crate.
pub(crate) fn sealed_by_hand(fields: &[u8]) -> String {
    let associated = [b"openclick/v1\0\x20", DOMAIN.as_bytes()].concat();
    let payload = Payload { msg: fields, aad: &associated };
    let sealed = setup().cipher.encrypt(&[0; 12].into(), payload).unwrap();
    let (message, tag) = sealed.split_at(sealed.len() - 16);
    URL_SAFE_NO_PAD.encode([&[0x20], tag, message].concat())
}

/// Arbitrary bytes: as a URL, as a token, as a token's bytes, and as the fields of an authentic token.
pub(crate) fn token_decode(data: &[u8]) {
    let Setup { decoder, writer, .. } = setup();
    let text = String::from_utf8_lossy(data);
    for url in [text.clone().into_owned(), format!("https://t.example.com/p/{text}")] {
        // Nobody but the key's owner makes an authentic token.
        assert!(decoder.decode(&url).is_err());
        assert!(writer.open(&url).is_none());
        let _ = writer.is_own(&url);
    }
    assert!(decoder.decode(&URL_SAFE_NO_PAD.encode([&[0x20], data].concat())).is_err());
    if let Ok(token) = decoder.decode(&sealed_by_hand(data)) {
        look_at(&token);
        // What can be read can be written, and read again.
        let extensions: Vec<_> = token.extensions().collect();
        if let Ok(url) = writer.url(&fields_of(&token, &extensions), None) {
            assert_eq!(decoder.decode(&url).unwrap(), token);
        }
    }
}

/// Fields made of arbitrary bytes come back from the URL.
pub(crate) fn token_roundtrip(data: &[u8]) {
    let Setup { decoder, writer, .. } = setup();
    let mut bytes = Bytes(data);
    let flags = bytes.number();
    let texts: Vec<String> = (0..7).map(|_| bytes.text()).collect();
    let extension = bytes.text();
    let extensions = [(bytes.number(), extension.as_bytes()), (flags, &[][..])];
    let text = |bit: u32, at: usize| (flags >> bit & 1 == 1).then_some(texts[at].as_str());
    let kinds = [EventKind::Click, EventKind::LinkUnsubscribe, EventKind::Open, EventKind::InitialOpen];

    let mut fields = TokenFields::new(kinds[(flags & 3) as usize], &texts[0]);
    fields.customer_id = bytes.number();
    fields.link_index = (flags >> 2 & 1 == 1).then_some(bytes.number() as u32);
    fields.campaign = text(3, 1);
    fields.pool = text(4, 2);
    fields.subaccount = text(5, 3);
    fields.link_name = text(6, 4);
    fields.recipient = text(7, 5);
    fields.target = text(8, 6);
    fields.part = (flags >> 9 & 1 == 1).then_some(bytes.number() as u32);
    fields.sealed_at = (flags >> 10 & 1 == 1).then_some(bytes.number() >> 6);
    fields.expires = (flags >> 11 & 1 == 1).then_some(bytes.number() as u32);
    fields.extensions = &extensions[..(flags >> 12) as usize % 3];
    let sublink = (flags >> 14 & 1 == 1).then_some("sub");

    let url = writer.url(&fields, sublink).unwrap();
    assert!(url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:/.".contains(&byte)));
    assert!(writer.is_own(&url));
    let token = decoder.decode(&url).unwrap();
    look_at(&token);
    assert_eq!(writer.open(&url).as_ref(), Some(&token));
    let extensions: Vec<_> = token.extensions().collect();
    assert_eq!(fields_of(&token, &extensions), fields);
}

fn fields_of<'a>(token: &'a Token, extensions: &'a [(u64, &'a [u8])]) -> TokenFields<'a> {
    let mut fields = TokenFields::new(token.kind(), token.message_id());
    fields.customer_id = token.customer_id();
    fields.link_index = token.link_index();
    fields.campaign = token.campaign();
    fields.pool = token.pool();
    fields.subaccount = token.subaccount();
    fields.link_name = token.link_name();
    fields.recipient = token.recipient();
    fields.target = token.target();
    fields.part = token.part();
    fields.sealed_at = token.sealed_at().map(|seconds| seconds / 60);
    fields.expires = token.expires();
    fields.extensions = extensions;
    fields
}

/// What an endpoint does with a token.
fn look_at(token: &Token) {
    let _ = (token.is_expired(u64::MAX), token.sealed_at(), token.target_host());
    if let Some(location) = token.location() {
        assert!(location.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        let scheme = location.split("://").next().unwrap();
        assert!(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, length: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        let length = self.take(1).first().map_or(0, |byte| usize::from(byte % 9));
        self.take(length).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn text(&mut self) -> String {
        let shape = self.take(1).first().copied().unwrap_or(0);
        let text = String::from_utf8_lossy(self.take(usize::from(shape >> 2))).into_owned();
        match shape & 3 {
            0 => format!("https://www.example.com/{text}?utm_source=newsletter"),
            1 => text.bytes().map(|byte| char::from(b"0123456789abcdef"[usize::from(byte & 15)])).collect(),
            _ => text,
        }
    }
}
