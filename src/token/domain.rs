//! The tracking domain: where tracking URLs point, and what their tokens are bound to.

use std::fmt;

use url::{Host, Url};

use crate::{Error, ErrorKind, Result};

/// Where tracking URLs point: a host, perhaps with a port and a path prefix.
///
/// Written as `track.example.com`, `track.example.com:8443/t` or with a scheme, `https://track.example.com`; without
/// one it is https. Tokens are bound to it: a URL made for one domain is refused on another.
///
/// ```
/// use openclick::TrackingDomain;
///
/// let domain = TrackingDomain::parse("Track.Example.com/t/")?;
/// assert_eq!(domain.as_str(), "track.example.com/t");
/// assert_eq!(domain.base(), "https://track.example.com/t/");
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TrackingDomain {
    /// `https://host[:port]/[prefix/]`
    base: String,
    /// Where the host begins in `base`.
    host_start: usize,
    /// Where the host ends, before a port.
    host_end: usize,
    /// Where the authority ends, before the path.
    authority_end: usize,
}

impl TrackingDomain {
    /// Reads a tracking domain.
    ///
    /// The host is lower-cased and, where it is not ASCII, written in punycode; a slash at the end and the scheme's own
    /// port go. The prefix is kept as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the scheme is neither http nor https, the host is missing or cannot be one, or
    /// there is a user name, a query or a fragment; a prefix has segments of letters, digits, `.`, `_`, `~` and `-`
    /// only.
    ///
    /// ```
    /// use openclick::TrackingDomain;
    ///
    /// let error = TrackingDomain::parse("https://track.example.com/?id=1").unwrap_err();
    /// assert!(error.to_string().contains("query"));
    /// ```
    pub fn parse(text: &str) -> Result<TrackingDomain> {
        let wrong = |why: &str| {
            Error::new(
                ErrorKind::Configuration,
                format!(
                    "tracking domain {text:?}: {why}; expected a form such as https://track.example.com/prefix"
                ),
            )
        };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        // The parser below drops tabs and line ends, and takes `\` for `/`.
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(wrong("it has white space, a control character or a backslash"));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), text),
        };
        if scheme != "https" && scheme != "http" {
            return Err(wrong("the scheme is not https or http"));
        }
        if rest.contains('?') {
            return Err(wrong("it has a query"));
        }
        if rest.contains('#') {
            return Err(wrong("it has a fragment"));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(wrong("it has a user name"));
        }
        if authority.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let url = Url::parse(&format!("{scheme}://{authority}/"))
            .map_err(|error| wrong(&format!("the host cannot be used ({error})")).because(error))?;
        let host = url.host().ok_or_else(|| wrong("the host is missing"))?;
        if let Host::Domain(name) = &host {
            let good = |label: &str| {
                (1..=63).contains(&label.len())
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            };
            if name.len() > 253 || !name.split('.').all(good) {
                return Err(wrong("the host is not a name of labels with letters, digits and hyphens"));
            }
        }
        let prefix = path.trim_matches('/');
        if prefix.split('/').any(|segment| {
            !prefix.is_empty()
                && (matches!(segment, "" | "." | "..")
                    || !segment
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~')))
        }) {
            return Err(wrong(
                "the prefix has other than letters, digits, '.', '_', '~', '-' and single slashes",
            ));
        }
        let host = host.to_string();
        let host_start = scheme.len() + 3;
        let host_end = host_start + host.len();
        let mut base = format!("{scheme}://{host}");
        if let Some(port) = url.port() {
            base += &format!(":{port}");
        }
        let authority_end = base.len();
        base.push('/');
        if !prefix.is_empty() {
            base += prefix;
            base.push('/');
        }
        Ok(TrackingDomain { base, host_start, host_end, authority_end })
    }

    /// `host[:port][/prefix]`, without scheme and without a slash at the end: what tokens are bound to.
    ///
    /// ```
    /// let domain = openclick::TrackingDomain::parse("http://localhost:8080/")?;
    /// assert_eq!(domain.as_str(), "localhost:8080");
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base[self.host_start..self.base.len() - 1]
    }

    /// The host without its port, in lower case.
    ///
    /// ```
    /// let domain = openclick::TrackingDomain::parse("http://localhost:8080/t")?;
    /// assert_eq!(domain.host(), "localhost");
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn host(&self) -> &str {
        &self.base[self.host_start..self.host_end]
    }

    /// What every tracking URL begins with, a slash at its end.
    ///
    /// ```
    /// let domain = openclick::TrackingDomain::parse("track.example.com/t")?;
    /// assert_eq!(domain.base(), "https://track.example.com/t/");
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether its URLs need no escaping in any attribute value.
    pub(crate) fn is_plain(&self) -> bool {
        !self.base().contains(['&', '"', '\'', '<', '>', '`', '='])
            && !self.base().contains(char::is_whitespace)
    }

    /// Whether a URL, http or https, points at this domain and under its prefix.
    pub(crate) fn covers(&self, url: &str) -> bool {
        self.under(url).is_some()
    }

    /// What of a URL's path, query and fragment follows the prefix and its slash.
    pub(crate) fn under<'u>(&self, url: &'u str) -> Option<&'u str> {
        let (scheme, rest) = after_scheme(url)?;
        let port = if scheme == "https" { ":443" } else { ":80" };
        // Nearly every URL is of another host. One in ASCII begins as the own one does, or is another.
        let first = |host: &str| host.as_bytes().first().map(u8::to_ascii_lowercase);
        if first(rest) != first(&self.base[self.host_start..]) && rest.is_ascii() {
            return None;
        }
        let is_end = |byte| matches!(byte, b'/' | b'?' | b'#' | b'\\');
        let (authority, path) = rest.split_at(rest.bytes().position(is_end).unwrap_or(rest.len()));
        let own = &self.base[self.host_start..self.authority_end];
        if authority != own && !authority.eq_ignore_ascii_case(own) {
            let bare = authority.strip_suffix(port).unwrap_or(authority);
            let bare = bare.strip_suffix('.').unwrap_or(bare);
            // A host may be written in Unicode; comparing the names in punycode costs an allocation, so it comes last.
            if !bare.eq_ignore_ascii_case(own)
                && (bare.is_ascii() || !self.is_unicode_form(scheme, authority))
            {
                return None;
            }
        }
        let prefix = &self.base[self.authority_end..self.base.len() - 1];
        let below = path.strip_prefix(prefix)?;
        match below.as_bytes().first() {
            None => Some(below),
            Some(b'/') => Some(&below[1..]),
            Some(b'?' | b'#') => Some(below),
            Some(_) => None,
        }
    }

    fn is_unicode_form(&self, scheme: &str, authority: &str) -> bool {
        Url::parse(&format!("{scheme}://{authority}/")).is_ok_and(|url| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            url.host_str()
                .is_some_and(|host| format!("{host}{port}") == self.base[self.host_start..self.authority_end])
        })
    }
}

/// The scheme of an `http` or `https` URL in any case, and what follows its `://`; none of a URL so short that no host
/// could follow. One comparison: every link is asked.
pub(crate) fn after_scheme(url: &str) -> Option<(&'static str, &str)> {
    // In letters alone this bit means lower case, so that of the other bytes none is touched.
    const LETTERS: u64 = u64::from_le_bytes(*b"     \0\0\0");
    const HTTPS: u64 = u64::from_le_bytes(*b"https://");
    const HTTP: u64 = u64::from_le_bytes(*b"http://\0");

    let eight = u64::from_le_bytes(*url.as_bytes().first_chunk()?);
    if eight | LETTERS == HTTPS {
        return Some(("https", &url[8..]));
    }
    let seven = eight << 8 >> 8;
    (seven | LETTERS >> 8 == HTTP).then(|| ("http", &url[7..]))
}

/// The URL, without a slash at its end.
impl fmt::Display for TrackingDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base[..self.base.len() - 1])
    }
}

impl fmt::Debug for TrackingDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrackingDomain({self})")
    }
}

impl std::str::FromStr for TrackingDomain {
    type Err = Error;

    fn from_str(text: &str) -> Result<TrackingDomain> {
        TrackingDomain::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn schemes_in_any_case(url in "[hH]?[tT]{1,2}[pP\u{10}0][sS]?[:\u{1a}][/\u{f}]{1,3}é?[a-z]{0,9}") {
            let expected = url.split_once("://").filter(|_| url.len() >= 8).and_then(|(scheme, rest)| {
                let known = ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
                Some((known, rest))
            });
            proptest::prop_assert_eq!(after_scheme(&url), expected);
        }
    }

    #[test]
    fn what_is_accepted() {
        for (text, base, bound) in [
            ("t.example.com", "https://t.example.com/", "t.example.com"),
            ("https://T.Example.COM", "https://t.example.com/", "t.example.com"),
            ("HTTP://t.example.com/", "http://t.example.com/", "t.example.com"),
            ("https://t.example.com:443/", "https://t.example.com/", "t.example.com"),
            ("t.example.com:8443", "https://t.example.com:8443/", "t.example.com:8443"),
            ("http://t.example.com:80/a", "http://t.example.com/a/", "t.example.com/a"),
            ("t.example.com/A/b_~-.c/", "https://t.example.com/A/b_~-.c/", "t.example.com/A/b_~-.c"),
            ("bücher.example/x", "https://xn--bcher-kva.example/x/", "xn--bcher-kva.example/x"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("http://[::1]:8080/t", "http://[::1]:8080/t/", "[::1]:8080/t"),
            ("localhost", "https://localhost/", "localhost"),
        ] {
            let domain = TrackingDomain::parse(text).unwrap();
            assert_eq!((domain.base(), domain.as_str()), (base, bound), "{text}");
            assert_eq!(TrackingDomain::parse(&domain.to_string()).unwrap(), domain);
            assert!(domain.covers(&format!("{base}token")));
        }
        assert_eq!(TrackingDomain::parse("http://[::1]:8080/t").unwrap().host(), "[::1]");
    }

    #[test]
    fn what_is_refused_says_why() {
        for (text, why) in [
            ("", "empty"),
            ("https://", "host is missing"),
            ("https:///x", "host is missing"),
            ("ftp://t.example.com", "scheme"),
            ("javascript://t.example.com", "scheme"),
            ("t.example.com?x", "query"),
            ("https://t.example.com/a?x=1", "query"),
            ("https://t.example.com/#a", "fragment"),
            ("https://user:pw@t.example.com", "user name"),
            ("t example.com", "white space"),
            ("t.example.com\\x", "backslash"),
            ("t.example.com\n", "white space"),
            ("https://t..example.com", "label"),
            ("https://t.example.com.", "label"),
            ("https://t.exa'mple.com", "label"),
            ("https://{{host}}/", "host"),
            ("https://t.example.com:99999", "host"),
            ("t.example.com/a b", "white space"),
            ("t.example.com/a//b", "prefix"),
            ("t.example.com/../b", "prefix"),
            ("t.example.com/a%20b", "prefix"),
            ("t.example.com/a&b", "prefix"),
        ] {
            let error = TrackingDomain::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains(why), "{text}: {error}");
            assert!(error.to_string().contains("expected a form such as"), "{error}");
        }
    }

    #[test]
    fn which_urls_it_covers() {
        let domain = TrackingDomain::parse("https://bücher.example/t").unwrap();
        for (url, under) in [
            ("https://xn--bcher-kva.example/t/abc?x", "abc?x"),
            ("HTTP://XN--BCHER-KVA.EXAMPLE/t/abc", "abc"),
            ("https://bücher.example/t/abc", "abc"),
            ("https://BÜCHER.example:443/t/abc", "abc"),
            ("https://xn--bcher-kva.example:443/t/abc", "abc"),
            ("https://xn--bcher-kva.example./t/abc", "abc"),
            ("http://xn--bcher-kva.example:80/t/abc", "abc"),
            ("https://xn--bcher-kva.example/t", ""),
            ("https://xn--bcher-kva.example/t#a", "#a"),
        ] {
            assert_eq!(domain.under(url), Some(under), "{url}");
        }
        for url in [
            "https://xn--bcher-kva.example/",
            "https://xn--bcher-kva.example/tt/abc",
            "https://xn--bcher-kva.example:80/t/abc",
            "https://xn--bcher-kva.example.evil.example/t/abc",
            "https://evil.example/xn--bcher-kva.example/t/abc",
            "https://user@xn--bcher-kva.example/t/abc",
            "ftp://xn--bcher-kva.example/t/abc",
            "xn--bcher-kva.example/t/abc",
            "https:",
            "",
        ] {
            assert_eq!(domain.under(url), None, "{url}");
        }
    }
}
