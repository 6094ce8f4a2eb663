//! Tokens of version 1 as they were when it was frozen, and the format spelt out with another implementation.

use aws_lc_rs::{aead, hkdf};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclick::{Decoder, EventKind, KeyRing, TokenFields};

use super::{domain, writer};

fn frozen() -> Vec<(TokenFields<'static>, Option<&'static str>, &'static str)> {
    let open = TokenFields::new(EventKind::Open, "0000e4a8b462f1c3d9a7");
    let mut click = TokenFields::new(EventKind::Click, "01234567-89ab-cdef-0123-456789abcdef");
    click.customer_id = 42;
    click.link_index = Some(3);
    click.recipient = Some("jane.doe@example.org");
    click.link_name = Some("hero-button");
    click.target =
        Some("https://www.example.org/sale?utm_source=newsletter&utm_medium=email&utm_campaign=spring-2026");
    let mut all = click;
    all.kind = EventKind::LinkUnsubscribe;
    all.message_id = "<20261224.1@mail.example.org>";
    all.campaign = Some("Frühling 2026");
    all.pool = Some("pool-1");
    all.subaccount = Some("17");
    all.part = Some(1);
    all.sealed_at = Some(29_833_333);
    all.expires = Some(20_816);
    all.extensions = &[(9, b"nine")];
    vec![
        (open, None, "https://t.example.com/INVf2lvK9BJMax2EtC_dBGHBbdPZGT3nx34VGkm1"),
        (
            click,
            None,
            "https://t.example.com/IGCxp4XoSedFAFF8s5xocf5x0PDKb-fJA-eakS3CCSfQ-H2KyyiPdSNUnMPbVbfQzfO3i-ZSts5ovNkRRuY8dDgr0oovsQ",
        ),
        (
            all,
            Some("app"),
            "https://t.example.com/app/IDU5VU_XAGYpydeG-eOp99xmFvT69HrsB8HbsDzYVuCrb-JM_4_4ps9y9wlBQo9farF5RtZWgj5We348VMYv4-s0VLfiTI0tQ_eH-l-3JdrCzq4EP9P_uRAfZsBPvOlxbZxRNmQUKY8M7g",
        ),
    ]
}

/// A mail lives for years: a change here is a new version of the token.
#[test]
fn tokens_of_version_1() {
    let keys = KeyRing::from_bytes([7; 32]);
    let decoder = Decoder::new(keys.clone()).tracking_domain(domain("t.example.com"));
    for (fields, sublink, url) in frozen() {
        assert_eq!(writer("t.example.com", &keys).url(&fields, sublink).unwrap(), url);
        let token = decoder.decode(url).unwrap();
        assert_eq!(
            (token.kind(), token.message_id(), token.target(), token.campaign(), token.recipient()),
            (fields.kind, fields.message_id, fields.target, fields.campaign, fields.recipient)
        );
        assert!(token.extensions().eq(fields.extensions.iter().copied()));
    }
}

fn aws_key(master: &[u8], info: &'static [u8]) -> aead::LessSafeKey {
    let mut key = [0; 32];
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]);
    salt.extract(master).expand(&[info], hkdf::HKDF_SHA256).unwrap().fill(&mut key).unwrap();
    aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM_SIV, &key).unwrap())
}

/// Seals with ours and opens with aws-lc, then seals with aws-lc under another slot's key and opens with ours.
#[test]
fn aws_lc_opens_ours_and_we_open_its() {
    let text = |slot: u8, byte: u8| format!("{slot} active {}\n", URL_SAFE_NO_PAD.encode([byte; 32]));
    let ours = KeyRing::parse(&text(5, 7)).unwrap();
    let theirs =
        Decoder::new(KeyRing::parse(&text(6, 8)).unwrap()).tracking_domain(domain("b.example.com/p"));
    let nonce = || aead::Nonce::assume_unique_for_key([0; 12]);
    for (fields, ..) in frozen() {
        let url = writer("t.example.com:8443", &ours).url(&fields, None).unwrap();
        let token = URL_SAFE_NO_PAD.decode(url.rsplit('/').next().unwrap()).unwrap();
        assert_eq!(token[0], 1 << 5 | 5);
        // aws-lc wants the tag at the end.
        let mut sealed = [&token[17..], &token[1..17]].concat();
        let associated = aead::Aad::from(b"openclick/v1\x00\x25t.example.com:8443");
        let plain =
            aws_key(&[7; 32], b"openclick v1 seal").open_in_place(nonce(), associated, &mut sealed).unwrap();

        let mut again = plain.to_vec();
        let associated = aead::Aad::from(b"openclick/v1\x00\x26b.example.com/p");
        aws_key(&[8; 32], b"openclick v1 seal")
            .seal_in_place_append_tag(nonce(), associated, &mut again)
            .unwrap();
        let (message, tag) = again.split_at(again.len() - 16);
        let token = URL_SAFE_NO_PAD.encode([&[1 << 5 | 6], tag, message].concat());
        let token = theirs.decode(&format!("https://b.example.com/p/{token}")).unwrap();
        assert_eq!((token.slot(), token.target()), (6, fields.target));
    }
}
