//! Tracking URLs for an endpoint that a site has already.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;

use super::domain::TrackingDomain;
use super::fields::TokenFields;
use crate::{Error, ErrorKind, Result};

const HMAC_BYTES: usize = 16;

/// A URL with fields, ready to be filled in.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    origin: TrackingDomain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Field(Field),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Target,
    MessageId,
    Kind,
    Recipient,
    Campaign,
    Pool,
    Subaccount,
    LinkName,
    LinkIndex,
    CustomerId,
    Part,
    SealedAt,
    Expires,
    Sublink,
    Slot,
    Hmac,
}

const FIELDS: [(&str, Field); 16] = [
    ("target", Field::Target),
    ("message_id", Field::MessageId),
    ("kind", Field::Kind),
    ("recipient", Field::Recipient),
    ("campaign", Field::Campaign),
    ("pool", Field::Pool),
    ("subaccount", Field::Subaccount),
    ("link_name", Field::LinkName),
    ("link_index", Field::LinkIndex),
    ("customer_id", Field::CustomerId),
    ("part", Field::Part),
    ("sealed_at", Field::SealedAt),
    ("expires", Field::Expires),
    ("sublink", Field::Sublink),
    ("slot", Field::Slot),
    ("hmac", Field::Hmac),
];

impl Template {
    pub(super) fn parse(text: &str) -> Result<Template> {
        let wrong =
            |why: String| Error::new(ErrorKind::Configuration, format!("URL template {text:?}: {why}"));
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('{') {
                let (name, after) =
                    after.split_once('}').ok_or_else(|| wrong("a { is not closed".to_owned()))?;
                let field = FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
                let field = field.ok_or_else(|| {
                    let known: Vec<_> = FIELDS.iter().map(|(name, _)| *name).collect();
                    wrong(format!("{{{name}}} is no field; the fields are {}", known.join(", ")))
                })?;
                if pieces.contains(&Piece::Field(Field::Hmac)) {
                    return Err(wrong(format!("{{{name}}} follows {{hmac}}, which would not cover it")));
                }
                pieces.push(Piece::Field(field));
                rest = after;
            } else {
                let (literal, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
                if let Some(bad) = literal.chars().find(|c| {
                    !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '|' | '}')
                }) {
                    return Err(wrong(format!("{bad:?} cannot stand in a URL; write it percent-encoded")));
                }
                pieces.push(Piece::Literal(literal.to_owned()));
                rest = after;
            }
        }
        let origin = origin(&pieces).map_err(wrong)?;
        // With values in place it must be a URL as a whole.
        let filled: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(literal) => literal,
                Piece::Field(_) => "x",
            })
            .collect();
        Url::parse(&filled).map_err(|error| wrong(format!("it is no URL ({error})")))?;
        Ok(Template { pieces, origin })
    }

    pub(super) fn is_signed(&self) -> bool {
        self.pieces.contains(&Piece::Field(Field::Hmac))
    }

    /// The host that the URLs point to.
    pub(super) fn origin(&self) -> &TrackingDomain {
        &self.origin
    }

    pub(super) fn write(
        &self,
        fields: &TokenFields<'_>,
        sublink: Option<&str>,
        key: &TemplateKey,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        for piece in &self.pieces {
            let field = match piece {
                Piece::Literal(literal) => {
                    out.extend_from_slice(literal.as_bytes());
                    continue;
                }
                Piece::Field(field) => *field,
            };
            let text = match field {
                Field::Target => fields.target,
                Field::MessageId => Some(fields.message_id),
                Field::Kind => Some(fields.kind.as_str()),
                Field::Recipient => fields.recipient,
                Field::Campaign => fields.campaign,
                Field::Pool => fields.pool,
                Field::Subaccount => fields.subaccount,
                Field::LinkName => fields.link_name,
                Field::Sublink => sublink,
                Field::LinkIndex => number(out, fields.link_index.map(u64::from)),
                Field::CustomerId => number(out, Some(fields.customer_id)),
                Field::Part => number(out, fields.part.map(u64::from)),
                Field::SealedAt => number(out, fields.sealed_at),
                Field::Expires => number(out, fields.expires.map(u64::from)),
                Field::Slot => number(out, Some(u64::from(key.slot))),
                Field::Hmac => {
                    let mut mac = key.mac.clone();
                    mac.update(&out[start..]);
                    let code = mac.finalize().into_bytes();
                    let mut encoded = [0; HMAC_BYTES * 4 / 3 + 4];
                    let length = URL_SAFE_NO_PAD
                        .encode_slice(&code[..HMAC_BYTES], &mut encoded)
                        .expect("22 characters fit");
                    out.extend_from_slice(&encoded[..length]);
                    None
                }
            };
            percent_encode(text.unwrap_or_default(), out);
        }
    }
}

/// The key of `{hmac}`, and the slot that it is of.
pub(super) struct TemplateKey {
    slot: u8,
    mac: Hmac<Sha256>,
}

impl TemplateKey {
    pub(super) fn new(slot: u8, key: &[u8; 32]) -> TemplateKey {
        TemplateKey { slot, mac: Hmac::new_from_slice(key).expect("HMAC takes keys of any length") }
    }
}

/// Scheme and host, which stand before any field.
fn origin(pieces: &[Piece]) -> std::result::Result<TrackingDomain, String> {
    let Some(Piece::Literal(first)) = pieces.first() else {
        return Err("it does not begin with https:// and a host".to_owned());
    };
    let Some((scheme, rest)) = first.split_once("://") else {
        return Err("it does not begin with https:// and a host".to_owned());
    };
    let Some(end) = rest.find(['/', '?', '#']) else {
        return Err("a field cannot stand in the host, and a path follows it".to_owned());
    };
    TrackingDomain::parse(&first[..scheme.len() + 3 + end]).map_err(|error| error.to_string())
}

fn number(out: &mut Vec<u8>, number: Option<u64>) -> Option<&'static str> {
    if let Some(number) = number {
        out.extend_from_slice(number.to_string().as_bytes());
    }
    None
}

fn percent_encode(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
        }
    }
}
