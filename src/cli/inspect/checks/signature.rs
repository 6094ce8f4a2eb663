//! Signatures in the header: what they cover. Whether they are good is not verified: that takes the signer's key, which
//! stands in the DNS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclick::source::Field;
use sha2::{Digest, Sha256};

use super::super::mail::Mail;
use super::super::verdict::{Check, Status};
use super::{Case, NO_HEADER, counted};

/// More signatures than any mail has; each has the body hashed.
const MOST_SIGNATURES: usize = 10;

/// `dkim`: a DKIM-Signature is there, covers the whole body and the unsubscribe header, and the body is as it was signed.
pub(in super::super) fn dkim(case: &Case<'_>) -> Check {
    const NAME: &str = "dkim";
    if case.mail.message.is_none() {
        return Check::new(NAME, Status::NotChecked, NO_HEADER);
    }
    let mail = case.mail;
    let signatures: Vec<_> = mail.all("DKIM-Signature").take(MOST_SIGNATURES).collect();
    if signatures.is_empty() {
        let why = "there is no DKIM-Signature: it was not signed, or the signature was taken out";
        return Check::new(NAME, Status::Warning, why);
    }
    let has_unsubscribe = mail.all("List-Unsubscribe").next().is_some();
    let has_post = mail.all("List-Unsubscribe-Post").next().is_some();
    let mut check = Check::new(NAME, Status::Pass, "");
    let (mut limited, mut kept, mut changed, mut unsigned) = (0, 0, 0, 0);
    let mut signers = Vec::new();
    for field in &signatures {
        let tags = Tags::of(field);
        let signer = tags.get("d").unwrap_or_else(|| "nobody".to_owned());
        let mut told = vec![format!("by {signer}")];
        if tags
            .get("l")
            .is_some_and(|length| length.parse::<usize>().is_ok_and(|length| length < body(mail).len()))
        {
            limited += 1;
            told.push("only the start of the body is signed (l=)".to_owned());
        }
        match tags.body_matches(mail) {
            Some(true) => {
                kept += 1;
                told.push("the body is as it was signed".to_owned());
            }
            Some(false) => {
                changed += 1;
                told.push("the body is not as it was signed".to_owned());
            }
            None => told.push("its body hash cannot be compared here".to_owned()),
        }
        let signs = |name: &str| {
            tags.get("h")
                .is_some_and(|names| names.split(':').any(|other| other.trim().eq_ignore_ascii_case(name)))
        };
        if has_unsubscribe && !signs("List-Unsubscribe") || has_post && !signs("List-Unsubscribe-Post") {
            unsigned += 1;
            told.push("the List-Unsubscribe headers are not signed".to_owned());
        }
        if !signers.contains(&signer) {
            signers.push(signer);
        }
        check = check.at(mail, field.range.start, None, told.join(", "));
    }
    let all = signatures.len();
    let mut message = format!("signed by {}", signers.join(" and "));
    if changed == all {
        check.status = Status::Warning;
        message += "; the body is not as it was signed: it was rewritten or added to after signing, or changed when this source was copied";
    } else if limited == all {
        check.status = Status::Warning;
        message += "; only the start of the body is signed (l=): whatever was added behind it passes";
    } else {
        message += if kept > 0 { ", the whole body, which is as it was signed" } else { ", the whole body" };
    }
    if unsigned == all {
        check.status = Status::Warning;
        message +=
            "; the List-Unsubscribe headers are not signed, so that one-click is not offered (RFC 8058 §4)";
    }
    message += "; the signature is not verified here";
    if let Some(said) = said_of_dkim(mail) {
        message += &format!(" ({said})");
    }
    check.message = message;
    check
}

/// `arc`: seals of those who passed the mail on.
pub(in super::super) fn arc(case: &Case<'_>) -> Check {
    const NAME: &str = "arc";
    if case.mail.message.is_none() {
        return Check::new(NAME, Status::NotChecked, NO_HEADER);
    }
    let seals: Vec<_> = case.mail.all("ARC-Seal").collect();
    let Some(last) = seals.first() else {
        return Check::new(
            NAME,
            Status::NotChecked,
            "there is no ARC-Seal: nobody who passed it on sealed it",
        );
    };
    let signer = Tags::of(last).get("d").unwrap_or_else(|| "nobody".to_owned());
    let message =
        format!("{} in the chain, the last by {signer}; not verified here", counted(seals.len(), "ARC seal"));
    Check::new(NAME, Status::Pass, message).at(case.mail, last.range.start, None, format!("by {signer}"))
}

/// What the first receiver that looked says of DKIM, in its own words.
fn said_of_dkim(mail: &Mail<'_>) -> Option<String> {
    mail.all("Authentication-Results").find_map(|field| {
        let value = String::from_utf8_lossy(&field.value).into_owned();
        let result = value.split(';').map(str::trim).find(|result| result.starts_with("dkim="))?;
        let word = result.split_whitespace().next()?;
        // Exchange Online leaves its own name out: what stands first is a result already.
        let by = value.split(';').next()?.split_whitespace().next()?;
        Some(format!("{} says {word}", if by.contains('=') { "Authentication-Results" } else { by }))
    })
}

/// The tags of a signature (RFC 6376 §3.2).
struct Tags(Vec<(String, String)>);

impl Tags {
    fn of(field: &Field<'_>) -> Tags {
        let value = String::from_utf8_lossy(&field.value);
        let tags = value.split(';').filter_map(|tag| tag.split_once('='));
        Tags(tags.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    /// Whether the body has the hash of the signature (RFC 6376 §3.7); none for algorithms that are not known.
    fn body_matches(&self, mail: &Mail<'_>) -> Option<bool> {
        let algorithm = self.get("a")?;
        if !algorithm.to_ascii_lowercase().ends_with("-sha256") {
            return None;
        }
        let said: String = self.get("bh")?.split_whitespace().collect();
        let said = STANDARD.decode(said).ok()?;
        let way = self.get("c").unwrap_or_default();
        let is_relaxed = way.split_once('/').is_some_and(|(_, body)| body.eq_ignore_ascii_case("relaxed"));
        let canonical = canonical(body(mail), is_relaxed);
        let length = match self.get("l") {
            Some(length) => length.parse::<usize>().ok()?.min(canonical.len()),
            None => canonical.len(),
        };
        Some(Sha256::digest(&canonical[..length]).as_slice() == said.as_slice())
    }
}

/// The body of the message, as it stands.
fn body<'m>(mail: &Mail<'m>) -> &'m [u8] {
    let start = mail.message.map_or(0, |message| message.part(0).body_range().start);
    &mail.bytes()[start..]
}

/// The body as a signer hashes it (RFC 6376 §3.4). Bare line feeds count as line ends: that is how a source is saved.
fn canonical(body: &[u8], is_relaxed: bool) -> Vec<u8> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut out = Vec::with_capacity(body.len() + 2);
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if is_relaxed {
            let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(0, |at| at + 1);
            for (at, byte) in line[..end].iter().enumerate() {
                match is_blank(byte) {
                    true if at > 0 && is_blank(&line[at - 1]) => {}
                    true => out.push(b' '),
                    false => out.push(*byte),
                }
            }
        } else {
            out.extend_from_slice(line);
        }
        out.extend_from_slice(b"\r\n");
    }
    while out.ends_with(b"\r\n\r\n") {
        out.truncate(out.len() - 2);
    }
    if out == b"\r\n" && is_relaxed {
        out.clear();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6376 §3.4.3 to §3.4.5.
    #[test]
    fn bodies_as_signers_hash_them() {
        for (body, simple, relaxed) in [
            (" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"),
            (" C \nD \t E\n\n\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"),
            ("a", "a\r\n", "a\r\n"),
            ("", "\r\n", ""),
            ("\r\n\r\n", "\r\n", ""),
            ("a\r\n \r\n", "a\r\n \r\n", "a\r\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&canonical(body.as_bytes(), false)), simple, "{body:?}");
            assert_eq!(String::from_utf8_lossy(&canonical(body.as_bytes(), true)), relaxed, "{body:?}");
        }
        // RFC 6376 §3.4.3 and §3.4.4: the hashes of an empty body.
        let hash = |bytes: &[u8]| STANDARD.encode(Sha256::digest(bytes));
        assert_eq!(hash(&canonical(b"", false)), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
        assert_eq!(hash(&canonical(b"", true)), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
