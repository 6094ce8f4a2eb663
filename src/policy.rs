//! Which destinations are tracked: what a URL says of itself, and what the caller adds.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr3};
use url::Url;

use crate::report::{LinkPlace, Reason};
use crate::token::after_scheme;

/// A link that everything else would track, for the caller's own rule.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Link<'a> {
    /// Counts from 0 over all links in document order, tracked or left.
    pub index: u32,
    /// The destination, decoded as a browser would.
    pub target: &'a str,
    /// The destination's host in lower case, international names in Punycode.
    pub host: &'a str,
    /// `data-msys-linkname`, if the author gave one.
    pub name: Option<&'a str>,
    /// Where it stands.
    pub place: LinkPlace,
}

/// What a [`LinkPolicy`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Track it.
    Wrap,
    /// Leave it; the report says [`Reason::Policy`].
    Leave,
}

/// The caller's own rule for links; any `Fn(&Link) -> Decision` is one.
///
/// It is asked in document order of links that nothing else leaves but their length, and can only leave
/// more of them. In memory it is asked before it is known whether the document was rewritten already and
/// comes back as it was ([`Status::AlreadyRewritten`](crate::Status::AlreadyRewritten)).
///
/// ```
/// use openclick::{Decision, Delivery, KeyRing, Link, Options, Reason};
///
/// let rewriter = Options::new("https://t.example.com", KeyRing::generate())?
///     .link_policy(|link: &Link<'_>| match link.host.ends_with(".gov") {
///         true => Decision::Leave,
///         false => Decision::Wrap,
///     })
///     .build()?;
/// let html = br#"<a href="https://www.irs.gov/">tax</a>"#;
/// let report = rewriter.rewrite_html(html, &Delivery::new("m1"))?.report;
/// assert_eq!(report.links[0].reason(), Some(Reason::Policy));
/// # Ok::<(), openclick::Error>(())
/// ```
pub trait LinkPolicy: Send + Sync {
    /// Decides on one link.
    fn decide(&self, link: &Link<'_>) -> Decision;
}

impl<F: Fn(&Link<'_>) -> Decision + Send + Sync> LinkPolicy for F {
    fn decide(&self, link: &Link<'_>) -> Decision {
        self(link)
    }
}

/// Judges a destination by itself; the host if it can be tracked.
pub(crate) fn judge(target: &str) -> Result<Cow<'_, str>, Reason> {
    // Nearly all links: nothing but a plain host and plain characters.
    let is_plain = is_plain(target.as_bytes());
    if is_plain
        && let Some((_, rest)) = after_scheme(target)
        && let Some(host) = plain_host(rest)
    {
        return Ok(host);
    }
    if target.is_empty() {
        return Err(Reason::Empty);
    }
    if !is_plain && has_merge_tag(target) {
        return Err(Reason::MergeTag);
    }
    if target.starts_with('#') {
        return Err(Reason::Fragment);
    }
    let Some(scheme) = scheme(target) else { return Err(Reason::Relative) };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Reason::Scheme);
    }
    // Browsers repair `https:host` and `https:///host`; filters and other clients do not.
    let rest = target[scheme.len() + 1..].strip_prefix("//").ok_or(Reason::Unparsable)?;
    if rest.starts_with(['/', '\\']) || !is_plain && target.contains(char::is_control) {
        return Err(Reason::Unparsable);
    }
    if let Some(host) = plain_host(rest) {
        return Ok(host);
    }
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#'));
    let authority = &rest[..end.unwrap_or(rest.len())];
    let url = Url::parse(target).map_err(|_| Reason::Unparsable)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Reason::Unparsable)?;
    if authority.contains('@') {
        return Err(Reason::Userinfo);
    }
    Ok(Cow::Owned(host.to_owned()))
}

/// Whether a destination is ASCII without control characters and without any that a merge tag begins with.
fn is_plain(bytes: &[u8]) -> bool {
    const STEP: usize = 16;

    let is_odd = |byte: u8| {
        let begins_tag = (byte == b'{') | (byte == b'*') | (byte == b'[') | (byte == b'<') | (byte == b'%');
        begins_tag | !(b' '..0x7f).contains(&byte)
    };
    // Without a way out in between, the compiler takes a step at once.
    let in_step = |step: &[u8; STEP]| step.iter().fold(false, |found, &byte| found | is_odd(byte));
    match bytes.last_chunk::<STEP>() {
        // The last step may have bytes of the one before.
        Some(last) => !bytes.as_chunks::<STEP>().0.iter().any(in_step) && !in_step(last),
        None => !bytes.iter().any(|&byte| is_odd(byte)),
    }
}

/// The scheme of an absolute URL. <https://url.spec.whatwg.org/#scheme-start-state>
fn scheme(target: &str) -> Option<&str> {
    let colon = target
        .bytes()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))?;
    if target.as_bytes()[colon] != b':' {
        return None;
    }
    let scheme = &target[..colon];
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(scheme)
}

/// The host where an authority begins that is so plain that the URL parser (0.3 µs) need not be asked: ASCII
/// labels that are neither numbers nor Punycode, and at most a port of four digits.
fn plain_host(rest: &str) -> Option<Cow<'_, str>> {
    let bytes = rest.as_bytes();
    let (mut label, mut has_capitals) = (0, false);
    let mut end = 0;
    // `label` is where a label begins: hyphens at its third and fourth place make it Punycode, or worse.
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => {}
            b'A'..=b'Z' => has_capitals = true,
            b'-' if end == label || end == label + 3 && bytes[end - 1] == b'-' => return None,
            b'-' => {}
            b'.' if !is_label(&bytes[label..end]) => return None,
            b'.' => label = end + 1,
            _ => break,
        }
        end += 1;
    }
    let last = &bytes[label..end];
    if end > 253 || !is_label(last) || !last[0].is_ascii_alphabetic() {
        return None;
    }
    let is_end = |byte: Option<&u8>| matches!(byte, None | Some(b'/' | b'\\' | b'?' | b'#'));
    if !is_end(bytes.get(end)) {
        let port = bytes[end..].strip_prefix(b":")?;
        let digits = port.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=4).contains(&digits) || !is_end(port.get(digits)) {
            return None;
        }
    }
    let host = &rest[..end];
    Some(if has_capitals { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) })
}

/// Whether letters, digits and hyphens of which the first is no hyphen are a label.
fn is_label(label: &[u8]) -> bool {
    label.len() <= 63 && label.last().is_some_and(|&byte| byte != b'-')
}

/// Whether an unresolved merge tag stands in the text.
fn has_merge_tag(text: &str) -> bool {
    const PAIRS: [(&str, &str); 5] = [("{{", "}}"), ("{%", "%}"), ("*|", "|*"), ("[[", "]]"), ("<%", "%>")];
    // Most that comes here has nothing of it but a character in percent-encoding.
    let may_be_pair = memchr3(b'{', b'[', b'<', text.as_bytes()).is_some() || text.contains("*|");
    may_be_pair
        && PAIRS
            .iter()
            .any(|(open, close)| text.find(open).is_some_and(|at| text[at + open.len()..].contains(close)))
        || has_percent_tag(text)
}

/// `%%name%%` (Salesforce, Dotdigital), `%recipient.name%` and Mailgun's fixed variables.
fn has_percent_tag(text: &str) -> bool {
    const MAILGUN: [&str; 4] = [
        "%unsubscribe_url%",
        "%unsubscribe_email%",
        "%mailing_list_unsubscribe_url%",
        "%tag_unsubscribe_url%",
    ];
    // No digit of percent-encoding begins one.
    let may_begin = |at: usize| matches!(text.as_bytes().get(at + 1), Some(b'%' | b'r' | b'u' | b'm' | b't'));
    if !memchr_iter(b'%', text.as_bytes()).any(may_begin) {
        return false;
    }
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | ':' | '='))
    };
    let double = text.match_indices("%%").any(|(at, _)| {
        let rest = &text[at + 2..];
        rest.find("%%").is_some_and(|end| is_name(&rest[..end]))
    });
    let recipient = text.match_indices("%recipient").any(|(at, open)| {
        let rest = &text[at + open.len()..];
        rest.starts_with(['.', '_']) && rest.find('%').is_some_and(|end| is_name(&rest[..end]))
    });
    double || recipient || MAILGUN.iter().any(|variable| text.contains(variable))
}

/// Hosts that are never tracked.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostPatterns {
    exact: Vec<String>,
    suffixes: Vec<String>,
}

impl HostPatterns {
    /// Adds `host` or `*.suffix`; false if it is neither.
    #[must_use]
    pub(crate) fn add(&mut self, pattern: &str) -> bool {
        let (list, name) = match pattern.strip_prefix("*.") {
            Some(suffix) => (&mut self.suffixes, suffix),
            None => (&mut self.exact, pattern),
        };
        let Ok(url) = Url::parse(&format!("https://{name}/")) else { return false };
        let plain =
            url.username().is_empty() && url.port().is_none() && url.path() == "/" && url.query().is_none();
        let Some(host) = url.host_str().filter(|_| plain && !name.contains(['*', '/', '@', ':', '?', '#']))
        else {
            return false;
        };
        list.push(if list_is_suffix(pattern) { format!(".{host}") } else { host.to_owned() });
        true
    }

    pub(crate) fn matches(&self, host: &str) -> bool {
        self.exact.iter().any(|name| name == host)
            || self.suffixes.iter().any(|suffix| host.ends_with(suffix.as_str()))
    }
}

fn list_is_suffix(pattern: &str) -> bool {
    pattern.starts_with("*.")
}

/// Whether the text that a link shows is itself a URL.
pub(crate) fn is_visible_url(text: &str) -> bool {
    let text = text.trim();
    let begins = |start: &str| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    (begins("http://") || begins("https://") || begins("www."))
        && !text.contains(char::is_whitespace)
        && text.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_in_their_order() {
        for (target, reason) in [
            ("", Reason::Empty),
            ("#top", Reason::Fragment),
            ("#{{x}}", Reason::MergeTag),
            ("{{ url }}", Reason::MergeTag),
            ("https://x.example/?e=*|EMAIL|*", Reason::MergeTag),
            ("https://x.example/%%name%%", Reason::MergeTag),
            ("https://x.example/?e=%recipient.email%", Reason::MergeTag),
            ("%unsubscribe_url%", Reason::MergeTag),
            ("https://x.example/[[x]]", Reason::MergeTag),
            ("<%= url %>", Reason::MergeTag),
            ("{% url %}", Reason::MergeTag),
            ("mailto:a@b.example", Reason::Scheme),
            ("JavaScript:x", Reason::Scheme),
            ("//x.example/", Reason::Relative),
            ("page.html", Reason::Relative),
            ("?a=b:c", Reason::Relative),
            ("https:x.example", Reason::Unparsable),
            ("https:\\\\x.example", Reason::Unparsable),
            ("https:///x.example", Reason::Unparsable),
            ("https://", Reason::Unparsable),
            ("https://?x", Reason::Unparsable),
            ("https://x.example/\u{1}", Reason::Unparsable),
            ("https://x y.example/", Reason::Unparsable),
            ("https://x.example:99999/", Reason::Unparsable),
            ("https://u:p@x.example/", Reason::Userinfo),
            ("https://@x.example/", Reason::Userinfo),
        ] {
            assert_eq!(judge(target), Err(reason), "{target}");
        }
    }

    #[test]
    fn hosts_of_what_is_tracked() {
        for (target, host) in [
            ("https://X.Example/", "x.example"),
            ("HTTP://x.example", "x.example"),
            ("https://x.example:8443?y@z", "x.example"),
            ("https://bücher.example/", "xn--bcher-kva.example"),
            ("https://192.0.2.1/", "192.0.2.1"),
            ("https://0x7f.1/", "127.0.0.1"),
            ("https://[2001:db8::1]/", "[2001:db8::1]"),
            ("https://localhost/", "localhost"),
            ("https://a_b.example/100%", "a_b.example"),
            ("https://x.example/a b|c{d}e;%%20", "x.example"),
        ] {
            assert_eq!(judge(target).as_deref(), Ok(host), "{target}");
        }
    }

    #[test]
    fn skipped_hosts() {
        let mut hosts = HostPatterns::default();
        assert!(hosts.add("Example.org") && hosts.add("*.bücher.example"));
        assert!(!hosts.add("https://x") && !hosts.add("*") && !hosts.add("a.*.b") && !hosts.add(""));
        assert!(hosts.matches("example.org") && !hosts.matches("a.example.org"));
        assert!(hosts.matches("a.xn--bcher-kva.example") && !hosts.matches("xn--bcher-kva.example"));
    }

    #[test]
    fn shown_urls() {
        assert!(is_visible_url(" https://a.example/x ") && is_visible_url("WWW.a.example"));
        assert!(
            !is_visible_url("see https://a.example/")
                && !is_visible_url("a.example")
                && !is_visible_url("www")
        );
    }

    /// [`judge`] without its quick ways.
    fn judge_slowly(target: &str) -> Result<String, Reason> {
        let is_control = |byte: u8| byte < b' ' || byte == 0x7f;
        if target.is_empty() {
            return Err(Reason::Empty);
        }
        if has_merge_tag(target) {
            return Err(Reason::MergeTag);
        }
        if target.starts_with('#') {
            return Err(Reason::Fragment);
        }
        let Some(scheme) = scheme(target) else { return Err(Reason::Relative) };
        if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(Reason::Scheme);
        }
        let rest = target[scheme.len() + 1..].strip_prefix("//").ok_or(Reason::Unparsable)?;
        if rest.starts_with(['/', '\\'])
            || target.bytes().any(is_control)
            || target.contains(char::is_control)
        {
            return Err(Reason::Unparsable);
        }
        let url = Url::parse(target).map_err(|_| Reason::Unparsable)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Reason::Unparsable)?;
        match rest.split(['/', '\\', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
            true => Err(Reason::Userinfo),
            false => Ok(host.to_owned()),
        }
    }

    proptest::proptest! {
        #[test]
        fn the_quick_way_agrees_with_the_url_parser(
            host in "[a-zA-Z0-9.-]{1,20}|([a-z0-9]{1,4}[.-]){0,4}([a-zA-Z0-9]{1,4}|xn--[a-z]{1,3}|[a-z]-?-?[a-z])",
            rest in "(:[0-9]{0,6})?([/?#\\\\][a-zé%@ -]{0,20})?",
        ) {
            let target = format!("https://{host}{rest}");
            let judged = judge(&target).map(Cow::into_owned);
            proptest::prop_assert_eq!(judged, judge_slowly(&target), "{}", target);
        }

        #[test]
        fn the_quick_way_judges_as_the_slow_one(
            target in "(https?|HTTPS?|ftp)?:?/{0,3}(u@)?[a-zA-Z0-9.-]{0,20}(\\PC|[%*\\[{<|a-z]{1,3}|recipient|\u{1}|\u{7f}|\u{85}|[/?:@#]){0,9}",
        ) {
            let judged = judge(&target).map(Cow::into_owned);
            proptest::prop_assert_eq!(judged, judge_slowly(&target), "{}", target);
        }
    }

    #[test]
    fn long_hosts() {
        for length in [62, 63, 64, 65] {
            let target = format!("https://{}.example/", "a".repeat(length));
            assert_eq!(judge(&target).map(Cow::into_owned), judge_slowly(&target), "{length}");
        }
        for labels in 120..130 {
            let target = format!("https://{}example/x", "a.".repeat(labels));
            assert_eq!(judge(&target).map(Cow::into_owned), judge_slowly(&target), "{labels}");
        }
    }
}
