//! The links that others put around links on their way: unwrapped and named.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::Url;

/// Whoever wrapped a link may wrap what another wrapped; nobody does it more often.
const MOST_LAYERS: usize = 5;

/// Base64 in either alphabet's spelling, with or without padding.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// A link without what was put around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unwrapped {
    /// Who wrapped it, from the outside in.
    pub(super) by: Vec<Cow<'static, str>>,
    /// What was inside; of a wrapper that cannot be opened, itself.
    pub(super) url: String,
    /// It cannot be opened: the domain that it shows.
    pub(super) opaque: Option<String>,
}

/// What one wrapper holds.
enum Inside {
    Link(String),
    /// The domain that it shows, if it shows one.
    Opaque(Option<String>),
}

/// Takes wrappers off a link.
pub(super) fn unwrap(url: &str) -> Unwrapped {
    let mut unwrapped = Unwrapped { by: Vec::new(), url: url.to_owned(), opaque: None };
    while unwrapped.by.len() < MOST_LAYERS {
        let Some((by, inside)) = layer(&unwrapped.url) else { break };
        unwrapped.by.push(by.into());
        match inside {
            Inside::Link(url) => unwrapped.url = url,
            Inside::Opaque(domain) => {
                unwrapped.opaque = Some(domain.unwrap_or_else(|| "an unknown domain".to_owned()));
                break;
            }
        }
    }
    unwrapped
}

/// Takes off wrappers that nobody here knows: URLs that carry one of ours as a whole parameter of their query. None where no such
/// URL is inside.
pub(super) fn unwrap_unknown(outer: &Unwrapped, is_ours: &dyn Fn(&str) -> bool) -> Option<Unwrapped> {
    if outer.by.len() >= MOST_LAYERS || outer.opaque.is_some() {
        return None;
    }
    let url = Url::parse(&outer.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let by = format!("unknown wrapper at {}", url.host_str()?);
    for pair in url.query()?.split('&') {
        let value = pair.split_once('=').and_then(|(_, value)| percent_decoded(value));
        let Some(inner) = value.filter(|value| is_link(value)) else { continue };
        let mut inner = unwrap(&inner);
        inner.by.splice(0..0, outer.by.iter().cloned().chain([by.clone().into()]));
        if is_ours(&inner.url) {
            return Some(inner);
        }
        if let Some(found) = unwrap_unknown(&inner, is_ours) {
            return Some(found);
        }
    }
    None
}

fn layer(text: &str) -> Option<(&'static str, Inside)> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    let is = |name: &str| host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    let link = |by, link: Option<String>| Some((by, Inside::Link(link.filter(|link| is_link(link))?)));
    let query = url.query().unwrap_or_default();
    if is("safelinks.protection.outlook.com") || is("safelinks.protection.office365.us") {
        return link("Outlook Safe Links", parameter(query, "url"));
    }
    if is("urldefense.proofpoint.com") || is("urldefense.com") || is("urldefense.us") {
        let path = url.path();
        if path.starts_with("/v1/") {
            return link("Proofpoint URL Defense v1", parameter(query, "u"));
        }
        if path.starts_with("/v2/") {
            return link("Proofpoint URL Defense v2", raw_parameter(query, "u").and_then(proofpoint_v2));
        }
        // The parser above may have changed the path: what is inside is taken from the text.
        return link("Proofpoint URL Defense v3", proofpoint_v3(text));
    }
    if is("linkprotect.cudasvc.com") {
        return link("Barracuda Link Protection", parameter(query, "a"));
    }
    if is_google(host) && url.path() == "/url" {
        return link("Google", parameter(query, "q").or_else(|| parameter(query, "url")));
    }
    if is("googleusercontent.com") {
        return link("Google's image proxy", url.fragment().map(str::to_owned));
    }
    if is("secure-web.cisco.com") {
        let inside = url.path().rsplit('/').next().and_then(percent_decoded);
        return link("Cisco Secure Email", inside);
    }
    if is("clicktime.symantec.com") {
        return link("Symantec Click-time Protection", parameter(query, "u"));
    }
    if is("protection.sophos.com") {
        let inside = parameter(query, "u").and_then(|text| STANDARD.decode(text).ok());
        return link("Sophos", inside.and_then(|bytes| String::from_utf8(bytes).ok()));
    }
    let is_mimecast = (is("mimecast.com") || is("mimecastprotect.com")) && url.path().starts_with("/s/");
    is_mimecast.then(|| ("Mimecast", Inside::Opaque(parameter(query, "domain"))))
}

fn is_link(text: &str) -> bool {
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("http://") || begins("https://")
}

/// `google.com`, `www.google.co.uk` and the like.
fn is_google(host: &str) -> bool {
    let name = host.strip_prefix("www.").unwrap_or(host);
    name.strip_prefix("google.")
        .is_some_and(|rest| rest.len() <= 6 && rest.split('.').all(|label| label.len() <= 3))
}

/// A parameter as it is spelled. Where the ampersands were escaped twice, `amp;` stands before its name.
fn raw_parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("amp;").unwrap_or(pair).strip_prefix(name)?.strip_prefix('='))
}

fn parameter(query: &str, name: &str) -> Option<String> {
    percent_decoded(raw_parameter(query, name)?)
}

/// The text with its percent-encoding undone; none if that is not UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// Percent-encoded, then `%` as `-` and `/` as `_`.
fn proofpoint_v2(text: &str) -> Option<String> {
    percent_decoded(&text.replace('-', "%").replace('_', "/"))
}

/// `/v3/__URL__;BYTES!…`: every `*` in the URL stands for the next character of BYTES (base64), `**` and a letter for as many as
/// the letter's place among `A-Z a-z 0-9 - _`, counted from 2. One slash of `://` may be lost.
fn proofpoint_v3(text: &str) -> Option<String> {
    const COUNTS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    let inside = text.split_once("/v3/__")?.1;
    let (url, rest) = inside.split_once("__;")?;
    let replaced = URL_SAFE.decode(rest.split_once('!')?.0).ok()?;
    let replaced = String::from_utf8(replaced).ok()?;
    let mut replaced = replaced.chars();
    let url = percent_decoded(url)?;
    let url = match url.split_once(":/") {
        Some((scheme, rest)) if !rest.starts_with('/') => format!("{scheme}://{rest}"),
        _ => url,
    };
    let mut out = String::new();
    let mut characters = url.chars().peekable();
    while let Some(c) = characters.next() {
        if c != '*' {
            out.push(c);
        } else if characters.next_if_eq(&'*').is_some() {
            let count = COUNTS.find(characters.next()?)? + 2;
            for _ in 0..count {
                out.push(replaced.next()?);
            }
        } else {
            out.push(replaced.next()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_named_and_opened() {
        let inner = "https://t.example.com/IH2_a-b/x?y=1&z=%20";
        let encoded = "https%3A%2F%2Ft.example.com%2FIH2_a-b%2Fx%3Fy%3D1%26z%3D%2520";
        let v2 = "https-3A__t.example.com_IH2-5Fa-2Db_x-3Fy-3D1-26z-3D-2520";
        for (url, by) in [
            (
                format!(
                    "https://nam02.safelinks.protection.outlook.com/?url={encoded}&data=05%7C02&reserved=0"
                ),
                "Outlook Safe Links",
            ),
            (
                format!("https://eur01.safelinks.protection.outlook.com/ap/x-1/?url={encoded}&amp;data=05"),
                "Outlook Safe Links",
            ),
            (
                format!("https://urldefense.proofpoint.com/v2/url?u={v2}&d=DwMFaQ&c=x&r=y&m=z&s=w&e="),
                "Proofpoint URL Defense v2",
            ),
            (
                "https://urldefense.com/v3/__https:/t.example.com/IH2_a-b/x*y=1*z=*20__;PyYl!!AbC!xyz$"
                    .to_owned(),
                "Proofpoint URL Defense v3",
            ),
            (
                "https://urldefense.com/v3/__https://t.example.com/IH2_a-b/x**A=1&z=*20__;P3kl!!AbC!xyz$"
                    .to_owned(),
                "Proofpoint URL Defense v3",
            ),
            (
                format!("https://linkprotect.cudasvc.com/url?a={encoded}&c=E,1,abc&typo=1"),
                "Barracuda Link Protection",
            ),
            (format!("https://www.google.com/url?q={encoded}&source=gmail&ust=1&usg=A"), "Google"),
            (format!("https://www.google.co.uk/url?sa=E&url={encoded}"), "Google"),
            (
                format!("https://ci3.googleusercontent.com/meips/AB=s0-d-e1-ft#{inner}"),
                "Google's image proxy",
            ),
            (format!("https://secure-web.cisco.com/1abc/{encoded}"), "Cisco Secure Email"),
            (format!("https://clicktime.symantec.com/3abc?u={encoded}"), "Symantec Click-time Protection"),
            (
                format!(
                    "https://eu-west-1.protection.sophos.com?d=example.com&u={}&i=x",
                    STANDARD.encode(inner)
                ),
                "Sophos",
            ),
        ] {
            let unwrapped = unwrap(&url);
            assert_eq!((unwrapped.url.as_str(), unwrapped.by), (inner, vec![by.into()]), "{url}");
        }
    }

    #[test]
    fn mimecast_is_opaque() {
        let url = "https://protect-eu.mimecast.com/s/AbCdE?domain=t.example.com";
        let unwrapped = unwrap(url);
        assert_eq!((unwrapped.url.as_str(), unwrapped.opaque.as_deref()), (url, Some("t.example.com")));
    }

    #[test]
    fn layers_come_off_one_by_one() {
        let once = "https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Ft.example.com%2FIH2";
        let mut twice = String::from("https://linkprotect.cudasvc.com/url?a=");
        twice.extend(once.bytes().map(|byte| format!("%{byte:02x}")));
        let unwrapped = unwrap(&twice);
        assert_eq!(unwrapped.url, "https://t.example.com/IH2");
        assert_eq!(unwrapped.by, ["Barracuda Link Protection", "Outlook Safe Links"]);
    }

    #[test]
    fn what_is_no_wrapper_stays() {
        for url in [
            "https://t.example.com/?url=https%3A%2F%2Fx.example",
            "https://evilsafelinks.protection.outlook.com.example/?url=https%3A%2F%2Fx.example",
            "https://nam02.safelinks.protection.outlook.com/?url=javascript%3Aalert",
            "https://nam02.safelinks.protection.outlook.com/",
            "https://urldefense.com/v3/__https://x.example/*__;!!a$",
            "https://urldefense.com/v3/__https://x.example/**",
            "https://urldefense.com/v3/",
            "https://www.google.com/search?q=https%3A%2F%2Fx.example",
            "https://google.evil-example.com/url?q=https%3A%2F%2Fx.example",
            "mailto:a@b.example",
            "%",
            "",
        ] {
            assert_eq!(unwrap(url), Unwrapped { by: vec![], url: url.to_owned(), opaque: None }, "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_asked(text in "https://(urldefense.com/v3/__https?:/[*a-zA\u{e9}%/]{0,20}__;[a-zA-Z0-9=_-]{0,9}!|secure-web.cisco.com/|www.google.com/url\\?q=)\\PC{0,40}") {
            unwrap(&text);
        }
    }
}
