//! Links and pixels of other senders' tracking, known by their hosts and paths.

use url::Url;

/// A host, exact or with its subdomains where it begins with a dot, empty for senders whose customers use hosts of their own;
/// what the path begins with; whose it is.
struct Known(&'static str, &'static str, &'static str);

const LINKS: &[Known] = &[
    Known(".sendgrid.net", "/ls/click", "SendGrid"),
    Known("", "/ls/click?upn=", "SendGrid"),
    Known("", "/wf/click?upn=", "SendGrid"),
    Known("", "/c/eJ", "Mailgun"),
    Known(".list-manage.com", "/track/", "Mailchimp"),
    Known(".mandrillapp.com", "/track/", "Mandrill"),
    Known(".pstmrk.it", "/", "Postmark"),
    Known(".awstrack.me", "/", "Amazon SES"),
    Known("", "/f/", SPARKPOST),
    Known(".hubspotlinks.com", "/", "HubSpot"),
    Known(".hubspotlinksfree.com", "/", "HubSpot"),
    Known("", "/e3t/", "HubSpot"),
    Known(".klclick.com", "/", "Klaviyo"),
    Known(".klclick1.com", "/", "Klaviyo"),
    Known(".klclick2.com", "/", "Klaviyo"),
    Known(".klclick3.com", "/", "Klaviyo"),
    Known(".cmail19.com", "/t/", "Campaign Monitor"),
    Known(".cmail20.com", "/t/", "Campaign Monitor"),
    Known(".createsend1.com", "/t/", "Campaign Monitor"),
    Known(".sendibt2.com", "/", "Brevo"),
    Known(".sendibt3.com", "/", "Brevo"),
    Known(".sendibm1.com", "/", "Brevo"),
    Known(".acemlna.com", "/", "ActiveCampaign"),
    Known("", "/lt.php?", "ActiveCampaign"),
    Known(".exct.net", "/", "Salesforce Marketing Cloud"),
    Known(".rs6.net", "/tn.jsp", "Constant Contact"),
    Known(".mjt.lu", "/lnk/", "Mailjet"),
    Known(".customeriomail.com", "/e/c/", "Customer.io"),
    Known("", "/e/c/eyJ", "Customer.io"),
    Known(".convertkit-mail.com", "/", "Kit"),
    Known(".convertkit-mail2.com", "/", "Kit"),
    Known("link.mail.beehiiv.com", "/", "beehiiv"),
    Known("substack.com", "/redirect/", "Substack"),
    Known("links.iterable.com", "/", "Iterable"),
];

const PIXELS: &[Known] = &[
    Known("", "/wf/open?upn=", "SendGrid"),
    Known("", "/o/eJ", "Mailgun"),
    Known(".list-manage.com", "/track/open.php", "Mailchimp"),
    Known(".mandrillapp.com", "/track/open.php", "Mandrill"),
    Known("pixel.pstmrk.it", "/", "Postmark"),
    Known(".awstrack.me", "/I0/", "Amazon SES"),
    Known("", "/q/", SPARKPOST),
    Known(".hubspotlinks.com", "/", "HubSpot"),
    Known(".mjt.lu", "/oo/", "Mailjet"),
    Known(".rs6.net", "/on.jsp", "Constant Contact"),
    Known(".customeriomail.com", "/e/o/", "Customer.io"),
    Known("", "/e/o/eyJ", "Customer.io"),
    Known("www.google-analytics.com", "/collect", "Google Analytics"),
];

/// Its paths stand on its customers' hosts, and what it encodes ends in two tildes.
const SPARKPOST: &str = "SparkPost";

/// Whose a link is.
pub(super) fn link(url: &Url) -> Option<&'static str> {
    find(LINKS, url).or_else(|| {
        // Base64 of zlib, which begins with 78 9C.
        let path = &url[url::Position::BeforePath..];
        (is_web(url) && path.len() > 60 && path.starts_with("/eJ")).then_some("sparkyPMTATracking")
    })
}

/// Whose a pixel is.
pub(super) fn pixel(url: &Url) -> Option<&'static str> {
    find(PIXELS, url)
}

/// Who tracks with a URL, whether it is a link or a pixel.
pub(super) fn tracker(text: &str) -> Option<&'static str> {
    let url = Url::parse(text).ok()?;
    link(&url).or_else(|| pixel(&url))
}

/// Whether a host is this one, or, where that begins with a dot, is it or below it.
pub(super) fn is_host(host: &str, known: &str) -> bool {
    match known.strip_prefix('.') {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
        None => host == known,
    }
}

fn find(known: &[Known], url: &Url) -> Option<&'static str> {
    let host = url.host_str().filter(|_| is_web(url))?;
    let path = &url[url::Position::BeforePath..];
    let is_it = |known: &&Known| {
        (known.0.is_empty() || is_host(host, known.0))
            && path.starts_with(known.1)
            && (known.2 != SPARKPOST || path.contains("~~"))
    };
    known.iter().find(is_it).map(|known| known.2)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trackers_are_known_by_their_urls() {
        for (url, name) in [
            ("https://u123.ct.sendgrid.net/ls/click?upn=abc", Some("SendGrid")),
            ("https://links.shop.example/ls/click?upn=u001.abc", Some("SendGrid")),
            ("http://email.mg.shop.example/c/eJwVjk", Some("Mailgun")),
            ("https://shop.us1.list-manage.com/track/click?u=1&id=2", Some("Mailchimp")),
            ("https://mandrillapp.com/track/open.php?u=1", Some("Mandrill")),
            ("https://click.pstmrk.it/3s/shop.example/x", Some("Postmark")),
            ("https://x.r.us-east-1.awstrack.me/L0/https:%2F%2Fshop.example/1/x", Some("Amazon SES")),
            ("https://go.shop.example/f/a/AbC~~/AAAA~/x", Some("SparkPost")),
            ("https://shop.example/list-manage.com/track/", None),
            ("https://shop.example/f/a/x", None),
            ("https://notpstmrk.it/", None),
            ("mailto:a@b.example", None),
        ] {
            assert_eq!(tracker(url), name, "{url}");
        }
        let is_pixel = |url| pixel(&Url::parse(url).unwrap());
        assert_eq!(is_pixel("https://mandrillapp.com/track/open.php?u=1"), Some("Mandrill"));
        assert_eq!(is_pixel("https://shop.example/q/a.png"), None);
    }
}
