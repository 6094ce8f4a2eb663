//! openclick's own tracking URLs, of whatever domain, known by their shape.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclick::source::Markup;
use url::Url;

use super::super::facts::{Facts, Image};

/// The shortest token in characters: a byte of version and slot, the tag of 16, and the fields of a short message id.
const SHORTEST: usize = 28;

/// What stands around the URL of a pixel.
const BEFORE: &[u8] = b"<img src=\"";
const AFTER: [&[u8]; 2] = [
    b"\" alt=\"\" width=\"1\" height=\"1\" border=\"0\"></div>",
    b"\" alt=\"\" width=\"1\" height=\"1\" border=\"0\" style=\"display:block;width:1px;height:1px;border:0\">",
];

/// The hosts of a document that are tracking domains of openclick.
///
/// Nobody can be sure of a token without its key, and one random text of eight begins as a token does. So a pixel must vouch
/// for the host by its markup, or two links must begin with the same byte, as all tokens of one key do, and no other there
/// with another one.
pub(super) struct Hosts(HashSet<String>);

/// What was seen on a host.
#[derive(Default)]
struct Seen<'u> {
    tokens: HashSet<&'u str>,
    has_pixel: bool,
}

impl Hosts {
    pub(super) fn of(facts: &Facts, markup: &Markup<'_>) -> Hosts {
        let parsed = |text: &str| Url::parse(text).ok().filter(|url| token(url).is_some());
        let links: Vec<Url> = facts.links.iter().filter_map(|link| parsed(link.target.as_deref()?)).collect();
        let pixels = facts.images.iter().filter(|image| is_pixel(image, markup.bytes()));
        let pixels: Vec<Url> = pixels.filter_map(|image| parsed(&image.source)).collect();
        let mut hosts: HashMap<&str, Seen<'_>> = HashMap::new();
        for (url, is_pixel) in
            links.iter().map(|url| (url, false)).chain(pixels.iter().map(|url| (url, true)))
        {
            let seen = hosts.entry(url.authority()).or_default();
            seen.tokens.extend(token(url).filter(|token| is_random(token)));
            seen.has_pixel |= is_pixel;
        }
        let is_ours = |seen: &Seen<'_>| seen.has_pixel || agree(&seen.tokens);
        let ours = hosts.iter().filter(|(_, seen)| is_ours(seen)).map(|(host, _)| (*host).to_owned());
        Hosts(ours.collect())
    }

    /// Whether a link is one of them.
    pub(super) fn has(&self, url: &Url) -> bool {
        !self.0.is_empty() && self.0.contains(url.authority()) && token(url).is_some()
    }
}

/// Whether tokens are of one key and have nothing else in common: what follows the first byte is a tag of random bytes.
fn agree(tokens: &HashSet<&str>) -> bool {
    let differs = |by: fn(&str) -> &str| {
        let mut starts = tokens.iter().map(|token| by(token));
        starts.next().is_some_and(|first| starts.any(|start| start != first))
    };
    let first_byte = |token: &&str| URL_SAFE_NO_PAD.decode(&token[..4]).map_or(0, |bytes| bytes[0]);
    let mut bytes = tokens.iter().map(first_byte);
    let first = bytes.next();
    tokens.len() > 1 && bytes.all(|byte| Some(byte) == first) && differs(|token| &token[..4])
}

/// The last segment of a web address, if it is base64url of version 1, spelled as we spell it.
fn token(url: &Url) -> Option<&str> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let token = url.path().rsplit('/').next().filter(|token| token.len() >= SHORTEST)?;
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    (bytes[0] >> 5 == 1).then_some(token)
}

/// Whether its characters are mixed as random ones are. The names of pages have words in them.
fn is_random(token: &str) -> bool {
    let count = |is_it: fn(&u8) -> bool| token.bytes().filter(is_it).count();
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let digits = count(u8::is_ascii_digit);
    upper * 5 >= token.len() && lower * 5 >= token.len() && digits * 25 >= token.len()
}

/// Whether an image is marked up as our pixels are, to the byte.
pub(super) fn is_pixel(image: &Image, bytes: &[u8]) -> bool {
    let range = &image.range;
    let rest = &bytes[range.end..];
    // Where a line of mail would be too long, it is broken in front of an attribute.
    let is_after = |after: &&[u8]| {
        let shown = rest.iter().take(2 * after.len()).filter(|byte| !matches!(byte, b'\r' | b'\n'));
        shown.take(after.len()).eq(after.iter())
    };
    bytes[..range.start].ends_with(BEFORE) && AFTER.iter().any(is_after)
}
