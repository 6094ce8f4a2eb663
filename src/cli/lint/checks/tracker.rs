//! Others' tracking URLs and filters' wrappers, by their hosts and paths.

use url::Url;

use super::super::super::trackers;

/// A host, exact or with its subdomains where it begins with a dot; what the path begins with; whose it is.
struct Known(&'static str, &'static str, &'static str);

/// Services that look at links for their recipients.
const WRAPPERS: &[Known] = &[
    Known(".safelinks.protection.outlook.com", "/", "Outlook Safe Links"),
    Known("urldefense.proofpoint.com", "/", "Proofpoint"),
    Known("urldefense.com", "/v3/", "Proofpoint"),
    Known("linkprotect.cudasvc.com", "/", "Barracuda"),
    Known(".mimecast.com", "/s/", "Mimecast"),
    Known(".mimecastprotect.com", "/s/", "Mimecast"),
    Known("secure-web.cisco.com", "/", "Cisco"),
    Known("clicktime.symantec.com", "/", "Symantec"),
    Known("url.avanan.click", "/", "Avanan"),
    Known("url.emailprotection.link", "/", "Hornetsecurity"),
    Known("www.google.com", "/url?", "Google's redirect"),
];

/// Whose a link is, as the end of a sentence.
pub(super) fn link(url: &Url) -> Option<String> {
    if let Some(name) = trackers::link(url) {
        return Some(format!("a tracking URL of {name}"));
    }
    wrapper(url).map(|name| match name.strip_prefix("Google's ") {
        Some(_) => format!("{name}, which leads elsewhere"),
        None => format!("wrapped by a filter, {name}"),
    })
}

fn wrapper(url: &Url) -> Option<&'static str> {
    let host = url.host_str()?;
    let path = &url[url::Position::BeforePath..];
    let known = WRAPPERS.iter().find(|known| trackers::is_host(host, known.0) && path.starts_with(known.1));
    known.map(|known| known.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_and_their_like() {
        for (text, name) in [
            ("https://u1.ct.sendgrid.net/ls/click?upn=x", "a tracking URL of SendGrid"),
            ("https://links.shop.example/ls/click?upn=u001.x", "a tracking URL of SendGrid"),
            ("https://go.shop.example/f/a/abc~~/AAQ~/RgR", "a tracking URL of SparkPost"),
            (
                "https://eur01.safelinks.protection.outlook.com/?url=x",
                "wrapped by a filter, Outlook Safe Links",
            ),
            ("https://www.google.com/url?q=https://a.example/", "Google's redirect, which leads elsewhere"),
        ] {
            assert_eq!(link(&Url::parse(text).unwrap()).as_deref(), Some(name), "{text}");
        }
        for text in [
            "https://shop.example/ls/click",
            "https://shop.example/f/a/b",
            "https://notsafelinks.protection.outlook.com.example/",
            "https://www.google.com/search?q=x",
            "https://urldefense.com/about",
        ] {
            assert_eq!(link(&Url::parse(text).unwrap()), None, "{text}");
        }
    }
}
