//! Which URLs are tracking URLs of ours, what they carry, and what happened to those that carry nothing.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclick::{
    DecodeError, DecodeErrorKind, Decoder, KeyRing, Token, TrackingDomain, UrlFormat, UrlWriter,
};

use super::mail::Mail;
use super::urls::{Carrier, Url};
use super::wrapper::{percent_decoded, unwrap_unknown};

/// Shorter tokens carry nothing: first byte, tag and the least that fields take, in characters.
const SHORTEST: usize = 28;
/// What is left of a token that was cut is known as one while it is no shorter.
const SHORTEST_CUT: usize = 16;

/// Opens tracking URLs.
pub(super) struct Opener {
    /// By the order of preference; at least one.
    writers: Vec<UrlWriter>,
    decoder: Decoder,
    /// Without keys authentic tokens cannot be told from others.
    pub(super) has_keys: bool,
    /// URLs of another format cannot be opened by anybody here.
    pub(super) is_sealed: bool,
}

/// What a URL turned out to be.
pub(super) enum Found {
    /// Not of the tracking domain.
    Other,
    /// Of the tracking domain, and yet no tracking URL.
    Plain,
    /// A tracking URL of a format that cannot be opened.
    Closed,
    /// A token that opens.
    Open(Box<Token>),
    /// A token whose seal cannot be checked for want of keys; the slot of its key.
    Sealed(u8),
    /// A token that does not open.
    Damaged(DecodeError),
}

impl Opener {
    /// For these domains. Without keys it knows tokens by their look.
    pub(super) fn new(
        domains: &[TrackingDomain],
        format: UrlFormat,
        is_sealed: bool,
        keys: Option<KeyRing>,
    ) -> openclick::Result<Opener> {
        let has_keys = keys.is_some();
        let keys = keys.unwrap_or_else(KeyRing::generate);
        let writer = |domain: &TrackingDomain| UrlWriter::new(domain.clone(), format.clone(), keys.clone());
        let writers = domains.iter().map(writer).collect::<openclick::Result<Vec<_>>>()?;
        let decoder =
            domains.iter().fold(Decoder::new(keys), |decoder, domain| decoder.also_accept(domain.clone()));
        Ok(Opener { writers, decoder, has_keys, is_sealed })
    }

    /// Reads a URL.
    pub(super) fn open(&self, url: &str) -> Found {
        if !self.is_own(url) {
            return self.misplaced(url);
        }
        if !self.is_sealed {
            return Found::Closed;
        }
        match self.decoder.decode(url) {
            Ok(token) => Found::Open(Box::new(token)),
            Err(error) if !self.has_keys && is_whole(error.kind()) => Found::Sealed(slot(url)),
            Err(_) if !segments(url).any(was_token) => Found::Plain,
            Err(error) => Found::Damaged(error),
        }
    }

    fn is_own(&self, url: &str) -> bool {
        self.writers.iter().any(|writer| writer.is_own(url))
    }

    /// What a URL is that does not point at the tracking domain: a token of ours may stand in it all the same, behind a host
    /// or a scheme that was damaged.
    fn misplaced(&self, url: &str) -> Found {
        let Some(token) = segments(url).find(|segment| is_token(segment)).filter(|_| self.is_sealed) else {
            return Found::Other;
        };
        let is_http = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        let is_near = |writer: &UrlWriter| {
            let own = writer.domain().host();
            // Behind the right host another prefix may be another tracking domain.
            is_nearly(host(url), own) && !(is_http && host(url).eq_ignore_ascii_case(own))
        };
        // A mail may quote another sender's that has tokens too: without keys the host must be nearly ours.
        let is_ours = match self.has_keys {
            true => self.decoder.decode(token).is_ok(),
            false => self.writers.iter().any(is_near),
        };
        if is_ours { Found::Damaged(DecodeErrorKind::NotOurHost.into()) } else { Found::Other }
    }

    /// Finds the links of which so little is left that it takes the other tokens of the mail to know them.
    pub(super) fn settle(&self, urls: &[Url], found: &mut [Found]) {
        let both = || urls.iter().zip(found.iter());
        // Version and key slot and four random bits are in the first two characters.
        let starts: BTreeSet<String> = both()
            .filter(|(_, found)| matches!(found, Found::Open(_) | Found::Sealed(_) | Found::Damaged(_)))
            .filter_map(|(url, _)| segments(&url.inside.url).find(|segment| is_token(segment)))
            .filter_map(slot_of)
            .collect();
        let is_left = |url: &Url| {
            let last = last_segment(&url.inside.url);
            slot_of(last).is_some_and(|slot| starts.contains(&slot)) && is_piece(last)
        };
        let pieces: Vec<bool> =
            both().map(|(url, found)| matches!(found, Found::Plain) && is_left(url)).collect();
        for (found, _) in found.iter_mut().zip(pieces).filter(|(_, is_piece)| *is_piece) {
            *found = Found::Damaged(DecodeErrorKind::Truncated.into());
        }
    }

    /// Takes off what nobody here knows, where a tracking URL of ours is inside.
    pub(super) fn unwrap_unknown(&self, url: &mut Url) {
        let is_ours =
            |inside: &str| self.is_own(inside) && (!self.is_sealed || segments(inside).any(was_token));
        if !is_ours(&url.inside.url)
            && let Some(unwrapped) = unwrap_unknown(&url.inside, &is_ours)
        {
            url.inside = unwrapped;
        }
    }
}

/// Version and key slot of a token, as a text to compare.
fn slot_of(token: &str) -> Option<String> {
    let start = match token.len() {
        0 => return None,
        1 => format!("{token}A"),
        _ => token.get(..2)?.to_owned(),
    };
    let first = URL_SAFE_NO_PAD.decode(start + "AA").ok()?[0];
    Some(first.to_string())
}

/// Whether this is what a token begins with, and no word.
fn is_piece(segment: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_mixed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    segment.len() < SHORTEST_CUT
        && segment.bytes().all(is_token)
        && (segment.len() <= 3 || segment.bytes().skip(1).any(is_mixed))
}

/// The host of a URL, whatever its scheme is or has become.
fn host(url: &str) -> &str {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest);
    let rest = rest.trim_start_matches(['/', '\\']);
    &rest[..rest.find(['/', '\\', ':', '?', '#']).unwrap_or(rest.len())]
}

/// Whether no more than two characters of a name were changed, lost or put in.
fn is_nearly(one: &str, other: &str) -> bool {
    const MOST: usize = 2;
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len().abs_diff(other.len()) > MOST || one.len() > 255 {
        return false;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.iter().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (column, own) in other.iter().enumerate() {
            let here = (corner + usize::from(byte != own)).min(row[column] + 1).min(row[column + 1] + 1);
            corner = std::mem::replace(&mut row[column + 1], here);
        }
    }
    row[other.len()] <= MOST
}

/// Whether nothing but the seal is amiss.
fn is_whole(kind: DecodeErrorKind) -> bool {
    matches!(
        kind,
        DecodeErrorKind::NotAuthentic | DecodeErrorKind::UnknownKey(_) | DecodeErrorKind::RetiredKey(_)
    )
}

fn slot(url: &str) -> u8 {
    let bytes = URL_SAFE_NO_PAD.decode(last_segment(url)).unwrap_or_default();
    bytes.first().map_or(0, |first| first & 31)
}

/// The segments of the path, and the host.
fn segments(url: &str) -> impl Iterator<Item = &str> {
    let path = &url[..url.find(['?', '#']).unwrap_or(url.len())];
    path.split(['/', '\\'])
}

/// What stands behind the last slash of the path.
fn last_segment(url: &str) -> &str {
    let path = &url[..url.find(['?', '#']).unwrap_or(url.len())];
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether this was a token once, percent-encoded or not.
fn was_token(segment: &str) -> bool {
    looks_like_token(segment) || percent_decoded(segment).is_some_and(|segment| looks_like_token(&segment))
}

/// Whether this looks like a token: as long as one, or long enough for a piece of one.
fn looks_like_token(segment: &str) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let length = segment.find(|c| !is_token(c)).unwrap_or(segment.len());
    let start = &segment[..length];
    // Of a token two characters in five are capitals; of the words of a path few are, and few are digits.
    let capitals = start.bytes().filter(u8::is_ascii_uppercase).count();
    let digits = start.bytes().filter(u8::is_ascii_digit).count();
    length >= SHORTEST_CUT
        && match start.as_bytes()[0] {
            b'I'..=b'P' => capitals * 6 >= length,
            b'i'..=b'p' => capitals == 0 && digits >= 3,
            _ => false,
        }
}

/// Whether this is a whole token by its look: version 1, and bits that an encoder leaves.
fn is_token(segment: &str) -> bool {
    segment.len() >= SHORTEST
        && matches!(segment.as_bytes()[0], b'I'..=b'P')
        && URL_SAFE_NO_PAD.decode(segment).is_ok()
        && looks_like_token(segment)
}

/// The tracking domain that most URLs of a mail show that look like ours: pixels first, which have no sublink in front of
/// their token.
pub(super) fn domain_in(mail: &Mail<'_>) -> Option<TrackingDomain> {
    let mut bases: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let has_token = |url: &str| is_token(last_segment(url));
    for url in &mail.urls {
        let unwrapped = match has_token(&url.inside.url) {
            true => None,
            false => match unwrap_unknown(&url.inside, &has_token) {
                None => continue,
                inside => inside,
            },
        };
        let text = unwrapped.as_ref().map_or(&url.inside.url, |inside| &inside.url).as_str();
        let segment = last_segment(text);
        let end = text.find(['?', '#']).unwrap_or(text.len()) - segment.len();
        let counts = bases.entry(text[..end].to_owned()).or_default();
        match url.carrier {
            Carrier::Image => counts.0 += 1,
            Carrier::Link | Carrier::Text => counts.1 += 1,
        }
    }
    let mut bases: Vec<_> = bases.into_iter().collect();
    // Of several the shortest, which the others may be under.
    bases.sort_by_key(|(base, counts)| (std::cmp::Reverse(*counts), base.len()));
    bases.into_iter().find_map(|(base, _)| TrackingDomain::parse(&base).ok())
}

/// What happened to a tracking URL on its way, if it can be seen.
pub(super) fn damage(url: &Url) -> Option<&'static str> {
    let text = url.inside.url.as_str();
    let is_html = url.carrier != Carrier::Text;
    if url.is_encoded {
        return Some(
            "quoted-printable is left in it: it was encoded twice, or Content-Transfer-Encoding is lost",
        );
    }
    if is_html && url.inside.by.is_empty() && url.raw.trim_ascii().contains(['\r', '\n', '\t']) {
        return Some("a line break stands in it");
    }
    if text.contains(char::is_whitespace) {
        return Some("white space stands in it: its line was wrapped");
    }
    if text.contains("&amp;") || text.contains("&#") {
        return Some("an ampersand was escaped twice");
    }
    let segment = last_segment(text);
    if segment.contains('=') {
        return Some("an equals sign stands in its token: quoted-printable was damaged");
    }
    if segment.contains('%') {
        return Some("its token was percent-encoded");
    }
    if segment.contains('&') {
        return Some("a parameter was added without a question mark");
    }
    if !segment.is_ascii() {
        return Some("its token holds characters beyond ASCII");
    }
    let is_lower = segment.len() >= SHORTEST_CUT && !segment.bytes().any(|byte| byte.is_ascii_uppercase());
    is_lower.then_some("it is in lower case throughout")
}

/// What is wrong with a token, in words for somebody who asks why.
pub(super) fn reason(url: &Url, error: DecodeError) -> String {
    match error.kind() {
        DecodeErrorKind::NotOurHost => {
            "a whole token of ours, and what stands in front of it is not our tracking domain".to_owned()
        }
        DecodeErrorKind::BadCharacters if !was_token(last_segment(&url.inside.url)) => {
            "something stands behind its token".to_owned()
        }
        DecodeErrorKind::Truncated => "it is cut short".to_owned(),
        DecodeErrorKind::NotAuthentic => {
            "it was changed or cut, or made with other keys or for another tracking domain".to_owned()
        }
        _ => error.to_string().replace("the token ", "it "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_by_their_look() {
        let token = "IFQU_5c5dLjk6O78ga5FL7GXTFmlUSS4V1jV9pLSCxpDyO7iQv5v8jc-EFFvxddc";
        assert!(is_token(token) && looks_like_token(token));
        for (text, whole, once) in [
            (&token[..40], true, true),
            (&token[..41], false, true),
            (&token[..20], false, true),
            (&token[..12], false, false),
            (&format!("{token}&x=1"), false, true),
            (&token.to_lowercase(), false, true),
            ("Impressum", false, false),
            ("information-on-deliveries-and-returns", false, false),
            ("Information-On-Deliveries", false, false),
            ("a3f9c2d1e0b84756a3f9c2d1e0b84756", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_token(text), looks_like_token(text)), (whole, once), "{text}");
        }
    }

    #[test]
    fn hosts_that_were_damaged() {
        for (url, expected) in [
            ("https://t.example.com/I", "t.example.com"),
            ("hxxps://t.example.com:8080?x", "t.example.com"),
            ("//t.example.com", "t.example.com"),
            ("https:\\\\t.example.com\\I", "t.example.com"),
            ("", ""),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
        for (one, near) in [
            ("t.example.com", true),
            ("T.exampl.com", true),
            ("t.examplee.co", true),
            ("t.eaxmple.com", true),
            ("t.example.org", false),
            ("t.exa.com", false),
            ("", false),
        ] {
            assert_eq!(is_nearly(one, "t.example.com"), near, "{one}");
            assert_eq!(is_nearly("t.example.com", one), near, "{one}");
        }
        assert!(!is_nearly(&"a".repeat(100_000), &"a".repeat(100_000)));
    }

    #[test]
    fn what_is_left_of_a_token() {
        let slot = slot_of("IFQU");
        for (piece, is_left) in [
            ("I", true),
            ("IF", true),
            ("IFQU_5c5dL", true),
            ("IAbcdefghijklmn", true),
            ("IAbcdefg3ijklmn", true),
            ("Impressum", false),
            ("imprint", false),
            ("IF.png", false),
            ("Jobs", false),
        ] {
            assert_eq!(slot_of(piece) == slot && is_piece(piece), is_left, "{piece}");
        }
        assert_eq!((slot_of(""), slot_of("\u{e9}t\u{e9}"), slot_of("%%")), (None, None, None));
    }
}
