//! Hosts that are not what they seem, or that nobody else can reach.

use std::net::{Ipv4Addr, Ipv6Addr};

use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::MixedScript;
use url::{Host, Url};

/// Why a host can only be reached from the sender's network, as the end of a sentence.
pub(super) fn local(url: &Url) -> Option<String> {
    /// RFC 6761, RFC 6762, RFC 8375, and what ICANN keeps for private use.
    const NAMES: [&str; 8] =
        ["localhost", "local", "internal", "test", "invalid", "home.arpa", "localdomain", "lan"];
    let reason = match url.host()? {
        Host::Domain(host) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            let is_name = |name: &&&str| {
                host == **name || host.strip_suffix(**name).is_some_and(|rest| rest.ends_with('.'))
            };
            match NAMES.iter().find(is_name) {
                Some(name) if host == *name => "is known to the sender's machine alone".to_owned(),
                Some(name) => format!("ends in .{name}, which is no public domain"),
                None if !host.contains('.') => "has no domain".to_owned(),
                None => return None,
            }
        }
        Host::Ipv4(address) => private_v4(address).then(|| "is a private address".to_owned())?,
        Host::Ipv6(address) => private_v6(address).then(|| "is a private address".to_owned())?,
    };
    Some(reason)
}

fn private_v4(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified()
}

fn private_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    address.is_loopback()
        || address.is_unspecified()
        || first & 0xfe00 == 0xfc00 // RFC 4193
        || first & 0xffc0 == 0xfe80 // RFC 4291 §2.5.6
        || address.to_ipv4_mapped().is_some_and(private_v4)
}

/// What is odd about the letters of a host, as a sentence. <https://www.unicode.org/reports/tr39/#Confusable_Detection>
pub(super) fn lookalike(url: &Url) -> Option<String> {
    let host = url.domain().filter(|host| host.contains("xn--"))?;
    let unicode = url::quirks::domain_to_unicode(host);
    if unicode.is_empty() {
        return Some(format!("the host {host} is no valid international name"));
    }
    let top = unicode.rsplit('.').next().unwrap_or_default();
    unicode.split('.').filter(|label| !label.is_ascii()).find_map(|label| {
        if !label.is_single_script() && !is_east_asian(label) {
            return Some(format!("the host {unicode} ({host}) mixes scripts in one name"));
        }
        // A name in a script of its own under a domain of that script imitates nobody; nor does Latin with accents.
        let is_latin = label.chars().any(|c| c.is_ascii_alphabetic());
        let looks: String = skeleton(label).collect();
        (top.is_ascii() && !is_latin && looks.is_ascii() && looks.contains(|c: char| c.is_ascii_alphabetic()))
            .then(|| format!("the host {unicode} ({host}) looks like {looks}, but has no Latin letters"))
    })
}

/// Chinese, Japanese and Korean names have Latin letters among their own (UTS #39 §5.2, highly restrictive).
fn is_east_asian(label: &str) -> bool {
    let rest: String = label.chars().filter(|c| !c.is_ascii()).collect();
    let scripts = rest.as_str().resolve_script_set();
    scripts.hanb || scripts.jpan || scripts.kore
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn hosts_that_imitate_others() {
        for host in ["pаypal.com", "xn--pypal-4ve.com", "аррӏе.com", "gοοgle.example", "xn--80ak6aa92e.com"]
        {
            assert!(lookalike(&url(&format!("https://{host}/"))).is_some(), "{host}");
        }
        for host in [
            "paypal.com",
            "bücher.example",
            "müller.de",
            "日本語.jp",
            "ひらがなカタカナ漢字.jp",
            "пример.com",
            "почта.рф",
            "한국어.kr",
            "xn--bcher-kva.example",
            "ελλάδα.gr",
            "tıp.com",
            "site日本.jp",
        ] {
            let found = lookalike(&url(&format!("https://{host}/")));
            assert_eq!(found, None, "{host}");
        }
    }

    #[test]
    fn hosts_that_nobody_reaches() {
        for host in [
            "localhost:3000",
            "app.localhost",
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "[::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "shop.test",
            "nas",
            "mail.internal",
        ] {
            assert!(local(&url(&format!("http://{host}/"))).is_some(), "{host}");
        }
        for host in
            ["shop.example", "localhost.example.com", "192.0.2.1", "[2001:db8::1]", "latest.com", "11.0.0.1"]
        {
            assert_eq!(local(&url(&format!("http://{host}/"))), None, "{host}");
        }
    }
}
