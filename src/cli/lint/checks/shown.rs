//! Links whose text is an address itself: where it leads must be what it shows.

use openclick::Verdict;
use url::Url;

use super::super::{merge_tag, rule};
use super::links::Check;

/// Endings of hosts that are written without `www.`, beside those of countries. Without a list, every `Node.js` and
/// `notes.txt` would be a host.
const ENDINGS: [&str; 52] = [
    "com",
    "net",
    "org",
    "edu",
    "gov",
    "mil",
    "int",
    "info",
    "biz",
    "pro",
    "mobi",
    "app",
    "dev",
    "shop",
    "store",
    "online",
    "site",
    "xyz",
    "club",
    "blog",
    "cloud",
    "tech",
    "news",
    "live",
    "media",
    "agency",
    "digital",
    "world",
    "today",
    "life",
    "art",
    "design",
    "studio",
    "travel",
    "jobs",
    "museum",
    "coop",
    "eco",
    "bank",
    "berlin",
    "hamburg",
    "koeln",
    "bayern",
    "wien",
    "swiss",
    "london",
    "paris",
    "nyc",
    "tokyo",
    "amsterdam",
    "global",
    "example",
];

/// Two letters that end the names of files more often than those of hosts.
const FILES: [&str; 7] = ["js", "ts", "md", "py", "sh", "ps", "gz"];

/// Products that look like hosts.
const PRODUCTS: [&str; 4] = ["asp.net", "vb.net", "ado.net", "ml.net"];

impl Check<'_, '_, '_, '_> {
    pub(super) fn shown(&mut self, url: &Url) {
        let (Some(shown), Some(host)) = (shown_host(&self.link.text), url.host_str()) else { return };
        if plain(host) != plain(&shown) {
            return self.add(&rule::SHOWN_URL, format!("the link shows {shown} and leads to {host}"));
        }
        let tracked = match self.page.report(self.link).map(|report| &report.verdict) {
            Some(Verdict::Tracked { url, .. }) => Url::parse(url).ok(),
            _ => None,
        };
        let tracked = tracked.as_ref().and_then(Url::host_str);
        if let Some(tracked) = tracked.filter(|tracked| plain(tracked) != plain(&shown)) {
            let message =
                format!("the link shows {shown}, where it leads, but goes by {tracked} once it is tracked");
            self.add(&rule::SHOWN_URL_TRACKED, message);
        }
    }
}

/// Hosts with and without `www.` are the same to whoever reads them.
fn plain(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_prefix("www.").unwrap_or(host)
}

/// The host of a text that is an address: a URL, or a host alone, with a path or without.
fn shown_host(text: &str) -> Option<String> {
    // Some put these in so that no client makes a link of the text.
    let is_hidden = |c: &char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
    let text: String = text.trim().chars().filter(|c| !is_hidden(c)).collect();
    let text = text.trim_matches(|c: char| "()<>\"'.,;:!?\u{ab}\u{bb}\u{203a}\u{2192}".contains(c));
    if text.contains(char::is_whitespace) || !text.contains('.') || merge_tag::has(text) {
        return None;
    }
    let begins = |start: &str| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    let has_scheme = begins("http://") || begins("https://");
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    if !has_scheme && (authority.contains('@') || !(begins("www.") || is_host(authority, authority != text)))
    {
        return None;
    }
    let whole = if has_scheme { text.to_owned() } else { format!("http://{text}") };
    Url::parse(&whole).ok()?.host_str().map(str::to_owned)
}

/// Whether a text is a host that has neither scheme nor `www.`.
fn is_host(text: &str, has_path: bool) -> bool {
    let text = text.to_lowercase();
    let host = match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => &text,
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let Some((name, ending)) = host.rsplit_once('.') else { return false };
    let is_country = ending.len() == 2 && ending.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_ending = is_country && (has_path || !FILES.contains(&ending))
        || ENDINGS.contains(&ending)
        || ending.starts_with("xn--");
    is_ending && name.split('.').all(is_label) && !PRODUCTS.contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_addresses() {
        for (text, host) in [
            ("https://Shop.example/a?b", "shop.example"),
            ("HTTP://shop.example:8080", "shop.example"),
            ("www.bank.example", "www.bank.example"),
            (" bank.example/login ", "bank.example"),
            ("Bank.Example", "bank.example"),
            ("a.bank.example:8443/x", "a.bank.example"),
            ("bank\u{200b}.\u{ad}example.", "bank.example"),
            ("(bank.co.uk)", "bank.co.uk"),
            ("b\u{fc}cher.de", "xn--bcher-kva.de"),
            ("docs.rs/x.md", "docs.rs"),
        ] {
            assert_eq!(shown_host(text).as_deref(), Some(host), "{text}");
        }
        for text in [
            "Node.js",
            "README.md",
            "notes.txt",
            "report.pdf",
            "ASP.NET",
            "v2.0",
            "3.50",
            "e.g.",
            "z.B.",
            "St.Gallen",
            "leave@bank.example",
            "bank",
            "...",
            "see bank.example",
            "{{host}}.example",
            "a..de",
            "-",
            "https://",
            "",
            "1.000,50",
            "12.30h",
            "index.html",
        ] {
            assert_eq!(shown_host(text), None, "{text}");
        }
    }
}
