//! The API headers that hold words: Mandrill's, Mailgun's and Postmark's.

use super::{HeaderIgnored, Links, Reader};

impl Reader {
    /// Mandrill: "Comma-separated list of strings, maximum of two strings (one for opens, one for clicks)"
    /// *(Mailchimp Transactional, "How to Use SMTP Headers to Customize Your Messages")*. It stands above the account's settings,
    /// so what it does not list is off; `none`, which senders write, lists nothing.
    pub(super) fn mandrill(&mut self, value: &[u8]) {
        const HEADER: &str = "X-MC-Track";
        let text = String::from_utf8_lossy(value).to_ascii_lowercase();
        let words = || text.split(',').map(str::trim).filter(|word| !word.is_empty());
        if words().next().is_none() {
            return self.ignore(HeaderIgnored::BadValue, "it lists nothing (`none` switches off)".to_owned());
        }
        let (mut opens, mut links) = (false, Links::Off);
        for word in words() {
            match word {
                "opens" => opens = true,
                "clicks" | "clicks_all" => links = Links::On,
                "clicks_htmlonly" => links = Links::HtmlOnly,
                "clicks_textonly" => links = Links::TextOnly,
                "none" => {}
                _ => {
                    let expected =
                        "expected opens, clicks, clicks_all, clicks_htmlonly, clicks_textonly or none";
                    self.ignore(HeaderIgnored::BadValue, expected.to_owned());
                }
            }
        }
        self.opens(HEADER, opens);
        self.links(HEADER, links);
    }

    /// Mailgun: "Pass yes, no, or htmlonly" for clicks, "yes or no" for opens and for tracking as a whole *(Mailgun, "Pass
    /// sending options")*; its API takes `true`, `false` and `htmlonly` for all but opens.
    pub(super) fn mailgun(&mut self, value: &[u8]) {
        let (header, is_all) = match self.name.to_ascii_lowercase().as_str() {
            "x-mailgun-track" => ("X-Mailgun-Track", true),
            "x-mailgun-track-clicks" => ("X-Mailgun-Track-Clicks", false),
            "x-mailgun-track-opens" => {
                return match switch(value) {
                    Some(on) => self.opens("X-Mailgun-Track-Opens", on),
                    None => {
                        self.ignore(HeaderIgnored::BadValue, "expected yes, no, true or false".to_owned())
                    }
                };
            }
            _ => return self.ignore(HeaderIgnored::NoMeaning, "it switches nothing here".to_owned()),
        };
        let links = match switch(value) {
            Some(true) => Links::On,
            Some(false) => Links::Off,
            None if value.eq_ignore_ascii_case(b"htmlonly") => Links::HtmlOnly,
            None => {
                let expected = "expected yes, no, true, false or htmlonly";
                return self.ignore(HeaderIgnored::BadValue, expected.to_owned());
            }
        };
        if is_all {
            self.opens(header, links != Links::Off);
        }
        self.links(header, links);
    }

    /// Postmark: `X-PM-TrackOpens: true`; `X-PM-TrackLinks` with the values of the API's `TrackLinks` *(Postmark,
    /// "Tracking opens per email", "Tracking links")*. There `false` leaves an enabled server tracking; here it is taken at its
    /// word.
    pub(super) fn postmark(&mut self, value: &[u8]) {
        const OPENS: &str = "X-PM-TrackOpens";
        const LINKS: &str = "X-PM-TrackLinks";
        let is = |word: &str| value.eq_ignore_ascii_case(word.as_bytes());
        if self.name.eq_ignore_ascii_case(OPENS) {
            match () {
                () if is("true") => self.opens(OPENS, true),
                () if is("false") => self.opens(OPENS, false),
                () => self.ignore(HeaderIgnored::BadValue, "expected true or false".to_owned()),
            }
        } else if self.name.eq_ignore_ascii_case(LINKS) {
            match () {
                () if is("None") => self.links(LINKS, Links::Off),
                () if is("HtmlAndText") => self.links(LINKS, Links::On),
                () if is("HtmlOnly") => self.links(LINKS, Links::HtmlOnly),
                () if is("TextOnly") => self.links(LINKS, Links::TextOnly),
                () => {
                    let expected = "expected None, HtmlAndText, HtmlOnly or TextOnly";
                    self.ignore(HeaderIgnored::BadValue, expected.to_owned());
                }
            }
        } else {
            self.ignore(HeaderIgnored::NoMeaning, "it switches nothing here".to_owned());
        }
    }
}

fn switch(value: &[u8]) -> Option<bool> {
    let is = |word: &str| value.eq_ignore_ascii_case(word.as_bytes());
    match () {
        () if is("yes") || is("true") => Some(true),
        () if is("no") || is("false") => Some(false),
        () => None,
    }
}
