//! Addresses: what of RFC 5321 goes safely into an envelope, a header and a command line.

use url::Host;

/// The address of an envelope, its domain in ASCII.
///
/// # Errors
/// What is wrong, without the address: it may come into a log.
pub(super) fn address(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err(if text.is_empty() { "it is empty" } else { "it has no at sign" });
    };
    if local.starts_with('-') {
        return Err("it begins with `-`, which programs take for an option");
    }
    // RFC 5321, section 4.1.2. Quoted local parts are left out: nobody has one, and many programs misread them.
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if !local.is_ascii() {
        return Err("its local part is not ASCII");
    }
    if local.is_empty() || !local.chars().all(is_atom) {
        return Err("its local part has characters that addresses have not");
    }
    let host = match Host::parse(domain) {
        Ok(Host::Domain(host)) if is_host(&host) => host,
        _ => return Err("its domain is none"),
    };
    let address = format!("{local}@{host}");
    // Section 4.5.3.1.
    if local.len() > 64 || address.len() > 254 {
        return Err("it is too long");
    }
    Ok(address)
}

/// The domain of an address in a From field.
pub(super) fn domain_of(field: &str) -> Option<String> {
    let address = in_angles(field);
    let (_, domain) = address.rsplit_once('@')?;
    match Host::parse(domain.trim()) {
        Ok(Host::Domain(host)) if is_host(&host) => Some(host),
        _ => None,
    }
}

/// The address in `Name <address>`.
pub(super) fn in_angles(field: &str) -> &str {
    let inside = field.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(field, |(inside, _)| inside).trim()
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with('.')
        && !host.contains("..")
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// A mailbox as it stands in a header: with a name, if there is one.
pub(super) fn mailbox(name: Option<&str>, address: &str) -> String {
    match name.map(str::trim).filter(|name| !name.is_empty()) {
        None => address.to_owned(),
        Some(name) => {
            // A line break in a value would be refused, and with it the mail.
            let name = name.replace(char::is_control, " ").replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{name}\" <{address}>")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            (" ann+x@Example.ORG ", Ok("ann+x@example.org")),
            ("o'hara@b\u{fc}cher.example", Ok("o'hara@xn--bcher-kva.example")),
            ("", Err("it is empty")),
            ("ann", Err("it has no at sign")),
            ("@example.org", Err("its local part has characters that addresses have not")),
            ("a b@example.org", Err("its local part has characters that addresses have not")),
            ("a\r\nBcc: x@example.org", Err("its local part has characters that addresses have not")),
            ("a@b@example.org", Err("its local part has characters that addresses have not")),
            ("\"a\"@example.org", Err("its local part has characters that addresses have not")),
            ("a>,b<@example.org", Err("its local part has characters that addresses have not")),
            ("j\u{f6}@example.org", Err("its local part is not ASCII")),
            ("-oQ/tmp@example.org", Err("it begins with `-`, which programs take for an option")),
            ("a@exa mple.org", Err("its domain is none")),
            ("a@example.org> SIZE=1", Err("its domain is none")),
            ("a@", Err("its domain is none")),
            ("a@[1.2.3.4]", Err("its domain is none")),
            ("a@1.2.3.4", Err("its domain is none")),
        ] {
            assert_eq!(address(text).as_deref(), expected.as_ref().map(|text| *text), "{text}");
        }
        assert_eq!(address(&format!("{}@example.org", "a".repeat(65))), Err("it is too long"));
    }

    #[test]
    fn the_domain_of_a_sender() {
        assert_eq!(domain_of("News <news@Example.com>").as_deref(), Some("example.com"));
        assert_eq!(domain_of("news@example.com").as_deref(), Some("example.com"));
        assert_eq!(domain_of("\"x@y\" <{{a}}@example.com>").as_deref(), Some("example.com"));
        assert_eq!(domain_of("news@{{domain}}"), None);
        assert_eq!(domain_of("News"), None);
    }

    #[test]
    fn mailboxes() {
        assert_eq!(mailbox(None, "a@b"), "a@b");
        assert_eq!(mailbox(Some(" "), "a@b"), "a@b");
        assert_eq!(mailbox(Some("A\r\nBcc: c@d"), "a@b"), "\"A  Bcc: c@d\" <a@b>");
        assert_eq!(mailbox(Some("A \"B\" \\"), "a@b"), "\"A \\\"B\\\" \\\\\" <a@b>");
    }
}
