//! A destination as a `Location` header has it.

use std::fmt::Write as _;

use url::Url;

/// Splits an http or https URL into scheme with its slashes, authority, and the rest.
fn split(target: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    // As browsers do it: a backslash ends the authority too.
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    (!authority.is_empty()).then(|| (&target[..scheme.len() + 3], authority, rest))
}

pub(super) fn location(target: &str) -> Option<String> {
    let (scheme, authority, rest) = split(target)?;
    // The URL standard has the last word on whether there is a host at all.
    let url = Url::parse(target).ok()?;
    let mut location = String::with_capacity(target.len() + 16);
    location.push_str(scheme);
    if authority.bytes().all(|byte| byte.is_ascii_graphic()) {
        location.push_str(authority);
    } else {
        location.push_str(url.host_str()?);
        if let Some(port) = url.port() {
            write!(location, ":{port}").ok()?;
        }
    }
    for byte in rest.bytes() {
        if byte.is_ascii_graphic() {
            location.push(char::from(byte));
        } else {
            write!(location, "%{byte:02X}").ok()?;
        }
    }
    Some(location)
}

pub(super) fn host(target: &str) -> Option<String> {
    split(target)?;
    Url::parse(target).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_as_headers() {
        for (target, expected) in [
            ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
            ("HTTPS://Example.org:443/%7Ea;b|c{d}", "HTTPS://Example.org:443/%7Ea;b|c{d}"),
            (
                "https://bücher.example:8443/ä b?c=é#ü",
                "https://xn--bcher-kva.example:8443/%C3%A4%20b?c=%C3%A9#%C3%BC",
            ),
            ("http://example.org/\r\nSet-Cookie: a=b", "http://example.org/%0D%0ASet-Cookie:%20a=b"),
            ("http://example.org/\u{7f}\u{0}", "http://example.org/%7F%00"),
            ("http://example.org", "http://example.org"),
        ] {
            assert_eq!(location(target).as_deref(), Some(expected), "{target}");
        }
        for target in [
            "",
            "javascript:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "//example.org",
            "https://",
            "data:,",
            "https:///a",
            "http://exa mple.org/",
        ] {
            assert_eq!(location(target), None, "{target}");
            assert_eq!(host(target), None, "{target}");
        }
        assert_eq!(host("https://user@BÜCHER.example:1/"), Some("xn--bcher-kva.example".to_owned()));
        assert_eq!(host("https://evil.example\\@good.example/"), Some("evil.example".to_owned()));
    }
}
