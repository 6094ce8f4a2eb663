//! Others' tracking URLs and filters' wrappers, by their hosts and paths.

use url::Url;

/// A host, exact or with its subdomains where it begins with a dot; what the path begins with; whose it is.
struct Known(&'static str, &'static str, &'static str);

/// Services that track clicks.
const TRACKERS: &[Known] = &[
    Known(".sendgrid.net", "/ls/click", "SendGrid"),
    Known("", "/ls/click?upn=", "SendGrid"),
    Known(".list-manage.com", "/track/click", "Mailchimp"),
    Known("mandrillapp.com", "/track/click", "Mandrill"),
    Known("click.pstmrk.it", "/", "Postmark"),
    Known(".awstrack.me", "/L", "Amazon SES"),
    Known("", "/f/a/", "SparkPost"),
    Known(".hubspotlinks.com", "/", "HubSpot"),
    Known(".hubspotlinksfree.com", "/", "HubSpot"),
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
    Known(".exct.net", "/", "Salesforce Marketing Cloud"),
    Known(".rs6.net", "/tn.jsp", "Constant Contact"),
    Known(".mjt.lu", "/lnk/", "Mailjet"),
    Known(".customeriomail.com", "/e/c/", "Customer.io"),
    Known(".convertkit-mail.com", "/", "Kit"),
    Known(".convertkit-mail2.com", "/", "Kit"),
    Known("link.mail.beehiiv.com", "/", "beehiiv"),
    Known("substack.com", "/redirect/", "Substack"),
    Known("links.iterable.com", "/", "Iterable"),
];

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

/// Services whose images count opens.
const PIXELS: &[Known] = &[
    Known("", "/wf/open?upn=", "SendGrid"),
    Known(".list-manage.com", "/track/open.php", "Mailchimp"),
    Known("mandrillapp.com", "/track/open.php", "Mandrill"),
    Known("pixel.pstmrk.it", "/", "Postmark"),
    Known(".awstrack.me", "/I0/", "Amazon SES"),
    Known("", "/q/", "SparkPost"),
    Known(".hubspotlinks.com", "/", "HubSpot"),
    Known(".mjt.lu", "/oo/", "Mailjet"),
    Known(".rs6.net", "/on.jsp", "Constant Contact"),
    Known(".customeriomail.com", "/e/o/", "Customer.io"),
    Known("www.google-analytics.com", "/collect", "Google Analytics"),
];

/// Whose a link is, as the end of a sentence.
pub(super) fn link(url: &Url) -> Option<String> {
    if let Some(name) = find(TRACKERS, url) {
        return Some(format!("a tracking URL of {name}"));
    }
    find(WRAPPERS, url).map(|name| match name.strip_prefix("Google's ") {
        Some(_) => format!("{name}, which leads elsewhere"),
        None => format!("wrapped by a filter, {name}"),
    })
}

/// Whose a pixel is.
pub(super) fn pixel(url: &Url) -> Option<&'static str> {
    find(PIXELS, url)
}

fn find(known: &[Known], url: &Url) -> Option<&'static str> {
    let host = url.host_str()?;
    let path = &url[url::Position::BeforePath..];
    let is_host = |known: &str| match known.strip_prefix('.') {
        Some(domain) => host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        // SparkPost's paths stand on its customers' hosts; their tokens end in two tildes.
        None => known.is_empty() || host == known,
    };
    let is_path =
        |known: &Known| path.starts_with(known.1) && (known.2 != "SparkPost" || path.contains("~~/"));
    known.iter().find(|known| is_host(known.0) && is_path(known)).map(|known| known.2)
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
        assert_eq!(
            pixel(&Url::parse("https://mandrillapp.com/track/open.php?u=1").unwrap()),
            Some("Mandrill")
        );
        assert_eq!(pixel(&Url::parse("https://shop.example/q/a.png").unwrap()), None);
    }
}
