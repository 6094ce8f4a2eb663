//! Tokens of other formats with the same fields, on the sample that the project measures its lengths on.
//!
//! Each URL is `https://t.example.com/` and the token. JSON has one-letter names, as short as anyone would make them.

#[path = "../../../tests/token/sample.rs"]
#[allow(dead_code)]
mod sample;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fernet::Fernet;
use flate2::{Compress, Compression, FlushCompress};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openclick::{EventKind, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
use sample::{Link, Shape};
use serde::Serialize;

use crate::jobs;

pub(crate) const SCHEMES: &[&str] = &["openclick", "zlib+JSON (Rust)", "JWT HS256 (Rust)", "Fernet (Rust)"];

pub(crate) struct Tokens {
    links: Vec<Link>,
    writer: UrlWriter,
    fernet: Fernet,
    key: EncodingKey,
}

#[derive(Serialize)]
struct Claims<'a> {
    k: &'static str,
    c: u32,
    m: &'a str,
    i: u32,
    r: &'a str,
    n: Option<&'a str>,
    u: &'a str,
}

fn claims(link: &Link) -> Claims<'_> {
    Claims {
        k: "c",
        c: 42,
        m: &link.message_id,
        i: link.index,
        r: &link.recipient,
        n: link.link_name.as_deref(),
        u: &link.target,
    }
}

fn json(link: &Link) -> Vec<u8> {
    serde_json::to_vec(&claims(link)).expect("JSON")
}

impl Tokens {
    pub(crate) fn new() -> Tokens {
        let domain = TrackingDomain::parse("t.example.com").expect("a domain");
        Tokens {
            links: [Shape::Plain, Shape::Campaign, Shape::Shop].into_iter().flat_map(sample::links).collect(),
            writer: UrlWriter::new(domain, UrlFormat::sealed(), jobs::keys()).expect("a format"),
            fernet: Fernet::new(&Fernet::generate_key()).expect("a key"),
            key: EncodingKey::from_secret(&[7; 32]),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn sample(&self) -> String {
        self.links.iter().map(|link| String::from_utf8(json(link)).expect("JSON") + "\n").collect()
    }

    /// The URL of every link; their length together.
    pub(crate) fn make_all(&self, scheme: &str) -> usize {
        let header = Header::new(Algorithm::HS256);
        let base = "https://t.example.com/".len();
        let mut url = Vec::with_capacity(1024);
        let mut packed = Vec::with_capacity(8192);
        let mut compress = Compress::new(Compression::default(), true);
        let one = |link: &Link| match scheme {
            "openclick" => {
                let mut fields = TokenFields::new(EventKind::Click, &link.message_id);
                fields.customer_id = 42;
                fields.link_index = Some(link.index);
                fields.recipient = Some(&link.recipient);
                fields.link_name = link.link_name.as_deref();
                fields.target = Some(&link.target);
                url.clear();
                self.writer.write_url(&fields, None, &mut url).expect("a good link");
                url.len()
            }
            "zlib+JSON (Rust)" => {
                // Kept, since a new one costs many times what a short text does.
                compress.reset();
                packed.clear();
                compress.compress_vec(&json(link), &mut packed, FlushCompress::Finish).expect("memory");
                base + URL_SAFE_NO_PAD.encode(&packed).len()
            }
            "JWT HS256 (Rust)" => {
                base + jsonwebtoken::encode(&header, &claims(link), &self.key).expect("a token").len()
            }
            "Fernet (Rust)" => base + self.fernet.encrypt(&json(link)).len(),
            other => panic!("no scheme {other:?}"),
        };
        self.links.iter().map(one).sum()
    }
}
