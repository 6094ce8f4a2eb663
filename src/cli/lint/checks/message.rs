//! What only messages have: a header, parts, lines.

use std::ops::Range;

use memchr::memchr_iter;
use openclick::source::{Field, Message, Part};
use openclick::{PartReason, Status};

use super::super::super::preview::look::Look;
use super::super::collector::Collector;
use super::super::finding::Severity;
use super::super::{merge_tag, rule};
use super::Summary;
use super::charset::{self, Mislabelled};
use crate::cli::summary::grouped;

/// RFC 5322 §2.1.1, without the line end.
const LONGEST_LINE: usize = 998;

/// Fields that personal mail does not have.
const BULK: [&str; 12] = [
    "list-id",
    "list-unsubscribe",
    "feedback-id",
    "x-msys-api",
    "x-smtpapi",
    "x-mc-user",
    "x-campaign",
    "x-campaignid",
    "x-campaign-id",
    "x-mailgun-tag",
    "x-csa-complaints",
    "x-sg-eid",
];

pub(super) fn check(look: &Look, message: &Message<'_>, summary: &Summary, findings: &mut Collector<'_>) {
    let fields = message.fields();
    unsubscribe(look, &fields, summary, findings);
    if let Some(subject) = fields.iter().find(|field| field.is("subject")) {
        let tags = merge_tag::tags(&subject.value);
        if let Some(tag) = tags.into_iter().find(|tag| merge_tag::is_certain(&subject.value[tag.clone()])) {
            let tag = String::from_utf8_lossy(&subject.value[tag]).into_owned();
            findings.add(
                &rule::MERGE_LEFT,
                subject.range.clone(),
                format!("the merge tag {tag} in the subject is not filled in"),
            );
        }
    }
    lines(look, findings);
    parts(look, message, findings);
    plain_text(message, findings);
}

fn unsubscribe(look: &Look, fields: &[Field<'_>], summary: &Summary, findings: &mut Collector<'_>) {
    let find = |name| fields.iter().find(|field| field.is(name));
    let is_bulk_word = |field: &Field<'_>| {
        ["bulk", "list"].iter().any(|word| field.value.eq_ignore_ascii_case(word.as_bytes()))
    };
    // Discussion lists have other ways, and the rules of mailbox providers do not mean them.
    let is_discussion = find("list-post").is_some();
    let is_bulk = !is_discussion
        && (BULK.iter().any(|name| find(name).is_some())
            || find("precedence").is_some_and(is_bulk_word)
            || summary.can_unsubscribe);
    let severity = if is_bulk { Severity::Warning } else { Severity::Note };
    let add = |findings: &mut Collector<'_>, rule, range: Range<usize>, message: &str| {
        findings.find(rule, severity, range, None, message);
    };
    match (find("list-unsubscribe"), find("list-unsubscribe-post")) {
        (None, Some(post)) => add(
            findings,
            &rule::NO_LIST_UNSUBSCRIBE,
            post.range.clone(),
            "List-Unsubscribe-Post stands without List-Unsubscribe",
        ),
        (None, None) if is_bulk || summary.documents > 0 => {
            let message = "there is no List-Unsubscribe header, which bulk mail must have";
            add(findings, &rule::NO_LIST_UNSUBSCRIBE, 0..0, message);
        }
        // Plain text of persons.
        (None, None) => {}
        (Some(list), post) => {
            let has_https = uris(&list.value)
                .any(|uri| uri.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"https://")));
            let is_post = |post: &&Field<'_>| {
                post.value.trim_ascii().eq_ignore_ascii_case(b"List-Unsubscribe=One-Click")
            };
            match post {
                _ if !has_https => add(
                    findings,
                    &rule::NO_ONE_CLICK,
                    list.range.clone(),
                    "List-Unsubscribe has no https URL, which unsubscription by one click needs",
                ),
                None => add(
                    findings,
                    &rule::NO_ONE_CLICK,
                    list.range.clone(),
                    "there is no List-Unsubscribe-Post header",
                ),
                Some(post) if !is_post(&post) => {
                    let message = "expected List-Unsubscribe-Post: List-Unsubscribe=One-Click";
                    add(findings, &rule::NO_ONE_CLICK, post.range.clone(), message);
                }
                Some(_) => {}
            }
        }
    }
    if summary.documents > 0 && !summary.can_unsubscribe && is_bulk {
        let message = "there is no link to unsubscribe, which bulk mail must have";
        let at = look.documents.iter().find(|document| document.is_html).and_then(|document| document.part);
        let range = at.map_or(0..0, |part| {
            let message = Message::parse(&look.before);
            let start = message.part(part as usize).body_range().start;
            start..start
        });
        add(findings, &rule::NO_UNSUBSCRIBE_LINK, range, message);
    }
}

/// The URIs of the field: each in angle brackets (RFC 2369 §2).
fn uris(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b'<').skip(1).filter_map(|rest| {
        let end = rest.iter().position(|byte| *byte == b'>')?;
        Some(rest[..end].trim_ascii())
    })
}

fn lines(look: &Look, findings: &mut Collector<'_>) {
    let bytes = &look.before;
    let mut start = 0;
    for end in memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let line = bytes[start..end].strip_suffix(b"\r").unwrap_or(&bytes[start..end]);
        if line.len() > LONGEST_LINE {
            let message =
                format!("a line of {} octets; {LONGEST_LINE} are allowed", grouped(line.len() as u64));
            findings.add(&rule::LONG_LINE, start..start + line.len(), message);
        }
        start = end + 1;
    }
}

/// Parts that a reader would see, but that are passed over.
fn parts(look: &Look, message: &Message<'_>, findings: &mut Collector<'_>) {
    let mut parts = message.parts().zip(&look.report.parts).peekable();
    while let Some((part, report)) = parts.next() {
        let Some(reason) = report.reason else { continue };
        let is_multipart = report.media_type.starts_with("multipart/");
        // The parts of a multipart follow it.
        let is_empty = parts.peek().is_none_or(|(next, _)| next.parent() != Some(part.index()));
        let why = match reason {
            PartReason::Ambiguous if part.reason().is_some() => contradiction(&part),
            PartReason::Ambiguous => "its body is not what its Content-Transfer-Encoding says",
            PartReason::Encoding => "nobody knows its transfer encoding",
            PartReason::Charset => "its charset cannot be read",
            PartReason::Boundary => "its boundary is missing, empty or too long",
            PartReason::Depth => "it is more than 32 parts deep",
            PartReason::HeaderTooLong => "its header is over 256 KiB",
            PartReason::NoBody => "no blank line ends its header",
            PartReason::Parts => "it stands behind 100,000 others",
            PartReason::LineTooLong => "no line of its encoding holds what would be put in",
            PartReason::Pgp => "it is signed or encrypted in itself (PGP)",
            PartReason::Encrypted => {
                "it is encrypted, or signed as a whole, and nothing in it can be read here"
            }
            // Of a message that is signed as a whole this is told once.
            PartReason::Signed if look.report.status != Status::Signed => {
                "it is signed, and a change would break the signature"
            }
            PartReason::Multipart if is_empty => {
                "its boundary stands nowhere in its body, so that nobody sees a part"
            }
            _ => continue,
        };
        let is_container = is_multipart || reason == PartReason::Encrypted;
        let is_html = report.media_type == "text/html" || calls_itself_html(&part);
        // A sealed envelope is an attachment by its header.
        if is_container || is_html && !part.is_attachment() {
            let path = &report.path;
            let which =
                if path.is_empty() { "the message's body".to_owned() } else { format!("part {path}") };
            let found = format!("{which} ({}) is passed over: {why}", report.media_type);
            findings.add(&rule::PART_LEFT, place(&part), found);
        }
    }
}

/// What a header says that cannot be, or could not be after a change.
fn contradiction(part: &Part<'_>) -> &'static str {
    let fields = part.fields();
    let count = |name| fields.iter().filter(|field| field.is(name)).count();
    match () {
        () if count("content-type") > 1 => "it has two Content-Types",
        () if count("content-transfer-encoding") > 1 => "it has two Content-Transfer-Encodings",
        () if count("content-md5") > 0 => "its Content-MD5 would be wrong after a change",
        () if count("content-transfer-encoding") > 0 && part.media_type().starts_with("multipart/") => {
            "no multipart can have the Content-Transfer-Encoding that its header names"
        }
        () => "its header says two things",
    }
}

/// Where a part says what it is, else its header.
fn place(part: &Part<'_>) -> Range<usize> {
    let field = part.fields().into_iter().find(|field| field.is("content-type"));
    field.map_or_else(|| part.header_range(), |field| field.range)
}

/// Of two types the second may be HTML.
fn calls_itself_html(part: &Part<'_>) -> bool {
    part.reason() == Some(PartReason::Ambiguous)
        && part.fields().iter().any(|field| {
            let value = field.value.trim_ascii();
            field.is("content-type")
                && value.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"text/html"))
        })
}

/// The charset of the plain text beside the HTML, whose own is checked with its markup.
fn plain_text(message: &Message<'_>, findings: &mut Collector<'_>) {
    for part in message.parts().filter(|part| part.media_type() == "text/plain" && !part.is_attachment()) {
        let Some(text) = part.text() else { continue };
        let Some(at) = text.bytes().iter().position(|byte| !byte.is_ascii()) else { continue };
        let at = text.offset_in_message(at);
        if part.charset().is_none() {
            findings.add(
                &rule::NO_CHARSET,
                at..at + 1,
                "the plain text has 8-bit characters and no charset: clients guess",
            );
        }
        if let Some(label) = part.charset()
            && let Some(wrong) = Mislabelled::find(text.charset(), text.bytes())
        {
            let at = text.offset_in_message(wrong.at);
            findings.add(&rule::MISLABELLED, at..at + 1, wrong.message(label));
        }
        charset::eight_bit(&part, message.bytes(), findings);
    }
}
