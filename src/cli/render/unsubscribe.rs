//! URLs of List-Unsubscribe (RFC 2369, RFC 8058), out of patterns with merge fields.

use std::borrow::Cow;

use openclick::{Delivery, Rewriter, Template};
use url::Url;

use super::super::exit::Failure;
use super::super::setting as s;
use super::super::settings::Settings;

/// A pattern such as `https://news.example.com/u?m={{email}}`.
pub(super) struct Unsubscribe {
    /// A document with the pattern as a link: the library writes values into it as they must stand in a URL.
    template: Template,
    pub(super) is_https: bool,
}

/// Around the pattern in the document.
const FRAME: [&str; 2] = ["<a href=\"", "\">"];

/// The longest URL, in bytes: it stands in one line of the header.
const LONGEST: usize = 900;

impl Unsubscribe {
    /// Those that the settings name.
    pub(super) fn all(settings: &Settings, rewriter: &Rewriter) -> Result<Vec<Unsubscribe>, Failure> {
        let patterns = settings.list(&s::LIST_UNSUBSCRIBE).unwrap_or_default();
        let read = |pattern: &String| {
            Unsubscribe::new(pattern, rewriter).map_err(|why| settings.refuse(&s::LIST_UNSUBSCRIBE, why))
        };
        patterns.iter().map(read).collect()
    }

    fn new(pattern: &str, rewriter: &Rewriter) -> Result<Unsubscribe, String> {
        let scheme = pattern.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
        if !matches!(scheme.as_str(), "https" | "http" | "mailto") {
            return Err(format!(
                "expected an https URL such as https://news.example.com/u?m={{{{email}}}}, found `{pattern}`"
            ));
        }
        let escaped = pattern.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let template = rewriter
            .compile_html(format!("{}{escaped}{}", FRAME[0], FRAME[1]))
            .map_err(|error| error.to_string())?;
        if let Some(tag) = template.other_tags().first() {
            return Err(format!("a merge tag that is no field, at character {}", tag.start - FRAME[0].len()));
        }
        Ok(Unsubscribe { template, is_https: scheme == "https" })
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, bool)> {
        self.template.fields()
    }

    /// The URL of one recipient.
    pub(super) fn url(&self, delivery: &Delivery) -> Result<String, String> {
        let wrong = || "the URL of List-Unsubscribe cannot be made of its values".to_owned();
        let html = self.template.substitute(delivery).map_err(|error| error.to_string())?;
        let html = String::from_utf8(html).map_err(|_| wrong())?;
        let inside =
            html.strip_prefix(FRAME[0]).and_then(|rest| rest.strip_suffix(FRAME[1])).ok_or_else(wrong)?;
        let url: Cow<'_, str> = htmlize::unescape_attribute(inside);
        let is_safe = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"'));
        if !is_safe || url.len() > LONGEST || Url::parse(&url).is_err() {
            return Err(wrong());
        }
        Ok(url.into_owned())
    }
}
