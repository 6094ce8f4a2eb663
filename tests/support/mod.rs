//! Bodies that the tests and the fuzz targets share.
#![allow(dead_code, reason = "each fuzz target uses some of it")]

pub(crate) mod dom;
pub(crate) mod engines;
pub(crate) mod generator;
pub(crate) mod judge;
pub(crate) mod laws;
pub(crate) mod mail;
pub(crate) mod merge;
pub(crate) mod places;

use std::io::Write;
use std::sync::LazyLock;

use openclick::{Decoder, Delivery, Engine, KeyRing, Options, Report, Rewriter, TrackingDomain};

pub(crate) const MESSAGE: &str = "0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21";
pub(crate) const DOMAIN: &str = "https://track.example.com";

pub(crate) fn keys() -> KeyRing {
    KeyRing::from_bytes([7; 32])
}

pub(crate) fn options() -> Options {
    Options::new(DOMAIN, keys()).expect("a domain")
}

pub(crate) fn delivery() -> Delivery {
    Delivery::new(MESSAGE).recipient("reader@example.org")
}

/// The default rewriter.
pub(crate) fn rewriter() -> &'static Rewriter {
    static REWRITER: LazyLock<Rewriter> = LazyLock::new(|| options().build().expect("options"));
    &REWRITER
}

/// The same with the engine that is not the default.
pub(crate) fn other_engine() -> &'static Rewriter {
    static REWRITER: LazyLock<Rewriter> =
        LazyLock::new(|| options().engine(Engine::LolHtml).build().expect("options"));
    &REWRITER
}

pub(crate) fn decoder() -> &'static Decoder {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
        Decoder::new(keys()).tracking_domain(TrackingDomain::parse(DOMAIN).expect("a domain"))
    });
    &DECODER
}

/// Streams a document in pieces; after each the writer is flushed, so that it must look at it.
pub(crate) fn stream<'a>(
    rewriter: &Rewriter,
    delivery: &Delivery,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<u8>, Report) {
    let mut writer = rewriter.html_writer(delivery, Vec::new()).expect("a delivery");
    for piece in pieces {
        writer.write_all(piece).expect("memory");
        writer.flush().expect("memory");
    }
    writer.finish().expect("memory")
}

/// Writes every tracking URL as `⟦KIND INDEX TARGET⟧`, the index counted from `first`.
pub(crate) fn symbolic(html: &[u8], first: u32) -> Vec<u8> {
    let base = b"https://track.example.com/";
    let mut out = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.windows(base.len()).position(|window| window == base) {
        let length = rest[at + base.len()..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/'))
            .count();
        let end = at + base.len() + length;
        out.extend_from_slice(&rest[..at]);
        match decoder().decode(std::str::from_utf8(&rest[at..end]).expect("ASCII")) {
            Ok(token) => match (token.target(), token.link_index()) {
                (Some(target), Some(index)) => {
                    let index = index.wrapping_sub(first);
                    out.extend_from_slice(format!("⟦{} {index} {target}⟧", token.kind()).as_bytes());
                }
                _ => out.extend_from_slice(format!("⟦{}⟧", token.kind()).as_bytes()),
            },
            Err(_) => out.extend_from_slice(&rest[at..end]),
        }
        rest = &rest[end..];
    }
    out.extend_from_slice(rest);
    out
}

/// Text for messages: short, and readable where it can be.
pub(crate) fn show(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4000)]).into_owned();
    if bytes.len() > 4000 { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}
