//! The transfer encoding of the HTML: whether every reader sees the same.

use openclick::PartReason;
use openclick::source::Message;

use super::super::mail::Document;
use super::super::verdict::{Check, Status, worse};
use super::{Case, NO_HEADER, counted};

/// RFC 2045 §6.7, without the line end.
const LONGEST_ENCODED: usize = 76;
/// RFC 5322 §2.1.1, without the line end.
const LONGEST: usize = 998;

/// `encoding`: the HTML can be read, and its encoding is as it should be.
pub(in super::super) fn check(case: &Case<'_>) -> Check {
    const NAME: &str = "encoding";
    let mail = case.mail;
    if mail.message.is_none() {
        return Check::new(NAME, Status::NotChecked, NO_HEADER);
    }
    let mut check = Check::new(NAME, Status::Pass, "");
    let mut said: Vec<String> = Vec::new();
    for (part, why) in &mail.unread {
        check.status = Status::Fail;
        let why = unreadable(*why, part.encoding());
        said.push(format!("part {}: {why}", part.path()));
        check = check.at(mail, part.body_range().start, Some(&part.path()), why);
    }
    for (at, path, what) in case.mail.message.map(broken_multiparts).unwrap_or_default() {
        check.status = Status::Fail;
        check = check.at(mail, at, Some(&path), what.clone());
        said.push(what);
    }
    for document in &mail.documents {
        for oddity in oddities(case, document) {
            check.status = worse(check.status, oddity.status);
            check = check.at(mail, oddity.at, Some(&document.path), oddity.what.clone());
            said.push(oddity.what);
        }
    }
    if mail.documents.is_empty() && said.is_empty() {
        return Check::new(NAME, Status::NotChecked, "the mail has no HTML part");
    }
    check.message = match said.first() {
        Some(first) => match said.len() - 1 {
            0 => first.clone(),
            more => format!("{first}; and {more} more"),
        },
        None => {
            let mut names: Vec<_> = mail
                .documents
                .iter()
                .filter_map(|document| Some(document.part.as_ref()?.encoding()))
                .collect();
            names.dedup();
            format!("the HTML is in {}, and sound", names.join(" and "))
        }
    };
    check
}

/// The multiparts whose parts cannot be told from one another, or whose end is missing: where they begin, their numbers, and what
/// is wrong.
fn broken_multiparts(message: &Message<'_>) -> Vec<(usize, String, String)> {
    // Where the last part of each ends, which for a whole one is in front of the delimiter that closes it.
    let mut ends: Vec<Option<usize>> = vec![None; message.parts().len()];
    for part in message.parts() {
        if let Some(end) = part.parent().and_then(|parent| ends.get_mut(parent)) {
            *end = Some(part.body_range().end);
        }
    }
    let broken = message.parts().zip(ends).filter_map(|(part, end)| {
        if !part.media_type().starts_with("multipart/") {
            return None;
        }
        let name = match part.path().as_str() {
            "" => "the multipart".to_owned(),
            path => format!("the multipart {path}"),
        };
        let what = match (part.reason(), end) {
            (Some(PartReason::Boundary), _) => format!("{name} names no boundary that can be one"),
            (Some(PartReason::Multipart), None) => {
                format!("{name} has no parts: its boundary stands nowhere in it")
            }
            (Some(PartReason::Multipart), Some(end)) if end >= part.body_range().end => {
                format!("{name} does not end: its last boundary is missing, as if the mail were cut")
            }
            _ => return None,
        };
        Some((part.body_range().start, part.path(), what))
    });
    broken.collect()
}

fn unreadable(why: PartReason, encoding: &str) -> String {
    match why {
        PartReason::Encoding => "a transfer encoding that nobody knows".to_owned(),
        PartReason::Charset => "a charset that cannot be read".to_owned(),
        PartReason::Ambiguous if encoding == "base64" => {
            "the base64 is damaged, or the header contradicts itself: readers may show something else"
                .to_owned()
        }
        PartReason::Ambiguous => "the header contradicts itself: readers may show something else".to_owned(),
        PartReason::Boundary => "the boundary is missing or cannot be one".to_owned(),
        PartReason::NoBody => "it has no body".to_owned(),
        _ => "it cannot be read".to_owned(),
    }
}

/// Something about an encoding, and where it first stands.
struct Oddity {
    status: Status,
    at: usize,
    what: String,
}

fn oddities(case: &Case<'_>, document: &Document<'_>) -> Vec<Oddity> {
    let Some(part) = &document.part else { return Vec::new() };
    let range = part.body_range();
    let body = &case.mail.bytes()[range.clone()];
    let mut oddities = Vec::new();
    let mut add = |status, places: &[usize], one: &str, several: &str| {
        if let [first, more @ ..] = places {
            let what = match more.len() {
                0 => one.to_owned(),
                _ => several.replace("{}", &counted(places.len(), "").replace(" s", "")),
            };
            oddities.push(Oddity { status, at: range.start + first, what });
        }
    };
    let is_encoded = matches!(part.encoding(), "quoted-printable" | "base64");
    if part.encoding() == "quoted-printable" {
        let broken = broken_escapes(body);
        add(
            Status::Warning,
            &broken,
            "an equals sign that begins nothing stands in the quoted-printable",
            "{} equals signs that begin nothing stand in the quoted-printable",
        );
        let long = lines_over(body, LONGEST_ENCODED);
        add(
            Status::Warning,
            &long,
            "a line of the quoted-printable has more than 76 characters",
            "{} lines of the quoted-printable have more than 76 characters",
        );
    } else {
        let long = lines_over(body, LONGEST);
        add(
            Status::Warning,
            &long,
            "a line has more than 998 octets: relays break it where they like",
            "{} lines have more than 998 octets: relays break them where they like",
        );
    }
    if is_encoded || part.encoding() == "7bit" {
        let high: Vec<usize> = body.iter().position(|byte| *byte >= 0x80).into_iter().collect();
        let what = format!("8-bit characters stand in {}", part.encoding());
        add(Status::Warning, &high, &what, &what);
    }
    let mut encoded = case.of_document(document).filter(|(url, _)| url.is_encoded);
    if let Some((url, _)) = encoded.find(|(_, found)| found.is_tracking()) {
        oddities.push(Oddity {
            status: Status::Fail,
            at: url.at,
            what: "quoted-printable stands in the markup (=3D): encoded twice, or Content-Transfer-Encoding is lost"
                .to_owned(),
        });
    }
    oddities
}

/// Every `=` of quoted-printable behind which neither two hexadecimal digits nor a line end stands.
fn broken_escapes(body: &[u8]) -> Vec<usize> {
    let is_broken = |at: &usize| {
        let rest = &body[at + 1..];
        let is_byte = rest.len() >= 2 && rest[0].is_ascii_hexdigit() && rest[1].is_ascii_hexdigit();
        // White space that a relay added behind a soft break is no harm.
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        !is_byte && !matches!(rest[blank..], [] | [b'\n', ..] | [b'\r', b'\n', ..])
    };
    memchr::memchr_iter(b'=', body).filter(is_broken).collect()
}

fn lines_over(body: &[u8], most: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in body.split(|byte| *byte == b'\n') {
        if line.strip_suffix(b"\r").unwrap_or(line).len() > most {
            starts.push(at);
        }
        at += line.len() + 1;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_that_begin_nothing() {
        assert_eq!(broken_escapes(b"a=3D=\r\n=\n= \t\r\n=3d="), Vec::<usize>::new());
        assert_eq!(broken_escapes(b"=3=G0=\r=x y="), [0, 2, 5, 7]);
        assert_eq!(broken_escapes(b"= x="), [0]);
    }

    #[test]
    fn long_lines() {
        assert_eq!(lines_over(b"ab\r\nabc\nabcd", 2), [4, 8]);
        assert_eq!(lines_over(b"", 0), Vec::<usize>::new());
    }
}
