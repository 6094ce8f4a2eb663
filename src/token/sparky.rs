//! The URLs of SparkPost's open-source `sparkyPMTATracking`, byte for byte what its `DecodePath` reads:
//! `base64.URLEncoding` (with padding) of zlib of a JSON object.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::EventKind;
use super::fields::TokenFields;

/// Appends the path segment.
pub(super) fn write(fields: &TokenFields<'_>, out: &mut Vec<u8>) {
    let act = match fields.kind {
        EventKind::Click | EventKind::LinkUnsubscribe => "c",
        EventKind::Open => "o",
        EventKind::InitialOpen => "i",
    };
    let mut json = String::with_capacity(256);
    for (opening, value) in [
        ("{\"act\":\"", act),
        ("\",\"t_url\":\"", fields.target.unwrap_or_default()),
        ("\",\"msg_id\":\"", fields.message_id),
        ("\",\"rcpt\":\"", fields.recipient.unwrap_or_default()),
    ] {
        json.push_str(opening);
        escape(value, &mut json);
    }
    json.push_str("\"}");
    let mut zlib = ZlibEncoder::new(Vec::with_capacity(256), Compression::default());
    // Writing to a vector cannot fail.
    zlib.write_all(json.as_bytes()).expect("a vector takes all");
    let compressed = zlib.finish().expect("a vector takes all");
    out.extend_from_slice(URL_SAFE.encode(compressed).as_bytes());
}

/// RFC 8259 section 7.
fn escape(text: &str, json: &mut String) {
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\0'..='\x1f' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => json.push(c),
        }
    }
}
