//! The open pixels: each at its place, and once.

use openclick::{EventKind, NoPlace};

use super::super::mail::Document;
use super::super::token::Found;
use super::super::urls::{Carrier, Url};
use super::super::verdict::{Check, Status};
use super::{Case, counted};

/// A pixel and what its URL turned out to be.
type Pixel<'a> = (&'a Url, &'a Found);

/// Checks the pixel at the start, and the one at the end.
pub(in super::super) fn check(case: &Case<'_>) -> [Check; 2] {
    [EventKind::InitialOpen, EventKind::Open].map(|kind| pixel(case, kind))
}

fn is_start(kind: EventKind) -> bool {
    kind == EventKind::InitialOpen
}

fn pixel(case: &Case<'_>, kind: EventKind) -> Check {
    let (name, place, is_off, is_expected) = match is_start(kind) {
        true => ("pixel-start", "the start", case.mail.off.start, case.expected.initial_open),
        false => ("pixel-end", "the end", case.mail.off.end, case.expected.open),
    };
    let documents: Vec<_> = case.mail.documents.iter().filter(|document| document.has_pixels).collect();
    if documents.is_empty() {
        let why = match case.mail.unread.is_empty() {
            true => "the mail has no HTML part",
            false => "the HTML part cannot be read",
        };
        // A mail whose HTML is lost on the way reports no opens either: that must not pass.
        return match is_expected && !is_off {
            true => Check::new(name, Status::Fail, format!("no pixel can be seen: {why}")),
            false => Check::new(name, Status::NotChecked, why),
        };
    }
    let mut check = Check::new(name, Status::Pass, format!("a pixel stands at {place} of the body"));
    if documents.len() > 1 {
        check.message += ", in each alternative";
    }
    let (mut said, mut said_pass) = (false, false);
    for document in documents {
        let result = judge(case, document, kind);
        let (status, message, urls) = match result {
            Ok(pixel) if is_expected => {
                if check.status == Status::Pass {
                    let (line, column) = case.mail.place(pixel.0.at);
                    check.message += &format!("{} ({line}:{column})", if said_pass { " and" } else { "" });
                    said_pass = true;
                }
                (Status::Pass, String::new(), vec![pixel])
            }
            Ok(pixel) => (
                Status::Fail,
                format!("a pixel stands at {place}, and the mail was sent without"),
                vec![pixel],
            ),
            Err((_, urls)) if !is_expected && urls.is_empty() => {
                (Status::Pass, format!("no pixel stands at {place}, as expected"), vec![])
            }
            Err(_) if is_off => {
                (Status::NotChecked, "the message's own header or stream switches it off".to_owned(), vec![])
            }
            Err((why, urls)) => match document.pixel(kind).and_then(|pixel| pixel.reason) {
                Some(NoPlace::Frameset) => {
                    (Status::NotChecked, "a frameset has no place for a pixel".to_owned(), vec![])
                }
                _ => (why.0, why.1, urls),
            },
        };
        if !message.is_empty() && !said {
            said = true;
            (check.status, check.message) = (status, message);
        }
        for (url, _) in urls {
            check = check.at(case.mail, url.at, Some(&url.path), url.seen.clone());
        }
    }
    check
}

/// The pixel that stands at its place; else why there is none, and pixels that stand elsewhere.
type Judged<'a> = Result<Pixel<'a>, ((Status, String), Vec<Pixel<'a>>)>;

fn judge<'a>(case: &'a Case<'_>, document: &Document<'_>, kind: EventKind) -> Judged<'a> {
    let all: Vec<Pixel<'_>> = case
        .of_document(document)
        .filter(|(url, found)| url.carrier == Carrier::Image && !url.is_encoded && found.is_tracking())
        .collect();
    let is_quoted = |pixel: &Pixel<'_>| match pixel.1 {
        Found::Open(token) => case.messages.is_other(token),
        _ => false,
    };
    let own: Vec<Pixel<'_>> =
        all.iter().copied().filter(|pixel| kind_of(pixel) == kind && !is_quoted(pixel)).collect();
    let offset =
        document.pixel(kind).and_then(|pixel| pixel.offset).and_then(|offset| usize::try_from(offset).ok());
    let at_place =
        |pixel: &Pixel<'_>| offset.is_some_and(|offset| touches(document.bytes(), pixel.0, offset, kind));
    let placed = own.iter().copied().find(at_place);
    let wrong = |status, why: String, pixels| Err(((status, why), pixels));
    let name = if is_start(kind) { "initial_open" } else { "open" };
    if placed.is_none()
        && let Some(other) = all.into_iter().find(at_place)
    {
        let why = format!("the pixel there counts as {}, not as {name}", kind_of(&other));
        return wrong(Status::Fail, why, vec![other]);
    }
    match (placed, own.as_slice()) {
        (Some(pixel), [_]) => Ok(pixel),
        (Some(pixel), several) if several.iter().all(|other| is_same_or_unlike(&pixel, other)) => wrong(
            Status::Warning,
            format!(
                "{} of this kind stand in the mail: perhaps it quotes a tracked one (--key-file would tell)",
                counted(several.len(), "pixel")
            ),
            own,
        ),
        (Some(_), several) => wrong(
            Status::Fail,
            format!("{} of this kind: the mail counts more than one {name} at once", counted(several.len(), "pixel")),
            own,
        ),
        (None, []) => wrong(Status::Fail, missing(case, document, kind), vec![]),
        (None, [last]) if !is_start(kind) && offset == Some(document.bytes().len()) && is_last(case, document, last.0) => {
            wrong(
                Status::Warning,
                "text was added behind the pixel at the end, by a list or a relay".to_owned(),
                own,
            )
        }
        (None, [first]) if is_start(kind) && first.0.is_boxed && is_first(case, document, first.0) => wrong(
            Status::Warning,
            "something stands in front of the pixel at the start: a banner of a mail gateway, or the pixel was moved".to_owned(),
            own,
        ),
        (None, [_]) if !is_start(kind) => wrong(
            Status::Warning,
            "the pixel stands elsewhere, not at the end of the body: the author's placeholder put it there, or it was moved"
                .to_owned(),
            own,
        ),
        (None, _) => {
            let place = if is_start(kind) { "the start" } else { "the end" };
            wrong(Status::Fail, format!("the pixel stands elsewhere, not at {place} of the body"), own)
        }
    }
}

/// What the pixel counts as: what its token says; without keys what its markup is like.
fn kind_of(pixel: &Pixel<'_>) -> EventKind {
    match pixel {
        (_, Found::Open(token)) => token.kind(),
        (url, _) if url.is_boxed => EventKind::InitialOpen,
        _ => EventKind::Open,
    }
}

/// Whether the pixel stands where a rewrite would put it now: nothing but white space is in between. The box of a pixel at the
/// start may be taken for a hidden preheader, so that the place is behind it.
fn touches(bytes: &[u8], url: &Url, offset: usize, kind: EventKind) -> bool {
    let is_blank = |from: usize, to: usize| {
        bytes.get(from..to).is_some_and(|between| between.iter().all(u8::is_ascii_whitespace))
    };
    is_blank(url.extent.end, offset) || is_start(kind) && is_blank(offset, url.extent.start)
}

/// Whether no tracking URL follows in the document.
fn is_last(case: &Case<'_>, document: &Document<'_>, pixel: &Url) -> bool {
    let mut later = case.of_document(document);
    !later.any(|(url, found)| url.at > pixel.at && found.is_tracking())
}

/// Whether no tracking URL stands in front in the document.
fn is_first(case: &Case<'_>, document: &Document<'_>, pixel: &Url) -> bool {
    let mut earlier = case.of_document(document).take_while(|(url, _)| url.at < pixel.at);
    !earlier.any(|(_, found)| found.is_tracking())
}

/// Whether two pixels are the same one, or not to be told apart for want of keys, and of different tokens. One pixel twice is a
/// doubled pixel whatever it carries.
fn is_same_or_unlike(one: &Pixel<'_>, other: &Pixel<'_>) -> bool {
    std::ptr::eq(one.0, other.0)
        || matches!(other.1, Found::Sealed(_)) && one.0.inside.url != other.0.inside.url
}

fn missing(case: &Case<'_>, document: &Document<'_>, kind: EventKind) -> String {
    let place = if is_start(kind) { "the start" } else { "the end" };
    if !case.has_domain {
        return format!(
            "no pixel stands at {place}: nothing in the mail looks like a tracking URL of openclick"
        );
    }
    match document.pixel(kind).and_then(|pixel| pixel.reason) {
        Some(NoPlace::Unfinished) => {
            format!(
                "no pixel stands at {place}: the document ends inside a tag, a comment or raw text, as if cut"
            )
        }
        Some(NoPlace::Template) => format!("no pixel stands at {place}: the document ends inside a template"),
        _ => format!("no pixel stands at {place} of the body"),
    }
}
