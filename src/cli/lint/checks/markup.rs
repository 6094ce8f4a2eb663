//! The frame of the document: where its body begins and ends, and what stands there.

use openclick::{EventKind, NoPlace, PixelPlace};

use super::super::collector::Collector;
use super::super::facts::Preheader;
use super::super::finding::Severity;
use super::super::{merge_tag, rule};
use super::Page;

pub(super) fn check(page: &Page<'_>, is_first: bool, findings: &mut Collector<'_>) {
    let facts = &page.facts;
    if let Some(range) = &facts.second_body {
        // One of two that a condition chooses.
        let severity = if page.is_template { Severity::Note } else { Severity::Warning };
        findings.find(&rule::TWO_BODIES, severity, page.place(range), None, "a second <body> begins here");
    }
    if let Some(range) = &facts.behind_body {
        findings.add(&rule::BEHIND_BODY, page.place(range), "the first content behind the end of the body");
    }
    if let Some(range) = &facts.frameset {
        findings.add(
            &rule::FRAMESET,
            page.place(range),
            "the document is a frameset, which no mail client shows",
        );
    }
    if let Some((range, what)) = &facts.unfinished {
        let message = match *what {
            // They show what is in them as it is written.
            "textarea" | "xmp" => {
                format!("<{what}> is never closed: everything behind it is shown as source")
            }
            "plaintext" => "<plaintext> cannot be closed: everything behind it is shown as source".to_owned(),
            "a quote in a tag" => {
                "a quote in this tag is never closed: nothing behind it is shown".to_owned()
            }
            _ if what.starts_with("a ") => format!("{what} is never closed: nothing behind it is shown"),
            element => format!("<{element}> is never closed: nothing behind it is shown"),
        };
        findings.find(&rule::UNFINISHED, page.unless_template(), page.place(range), None, message);
    }
    for range in &facts.open_quotes {
        findings.add(
            &rule::OPEN_QUOTE,
            page.place(range),
            "this value runs over a tag: a quote is not closed before it",
        );
    }
    pixels(page, findings);
    if is_first {
        preheader(page, findings);
        merge_tags(page, findings);
    }
}

fn pixels(page: &Page<'_>, findings: &mut Collector<'_>) {
    for pixel in page.look.report.pixels.iter().filter(|pixel| pixel.part == page.document.part) {
        let facts = &page.facts;
        let why = match pixel.reason {
            // Told already.
            Some(NoPlace::Unfinished) if facts.unfinished.is_none() => {
                "the file ends inside a comment, raw text or a tag"
            }
            Some(NoPlace::Frameset) if facts.frameset.is_none() => "the document is a frameset",
            Some(NoPlace::Template) => "the file ends inside a template, which is never shown",
            Some(NoPlace::Limit) => "a limit was passed before its place",
            Some(NoPlace::TooLong) => "its URL would be longer than max-url-length",
            Some(NoPlace::LineTooLong) => "no line of this part's encoding holds it",
            _ => continue,
        };
        let end = page.document.before.len();
        let at = if pixel.kind == EventKind::InitialOpen { 0 } else { end };
        let which = if pixel.kind == EventKind::InitialOpen { "at the start" } else { "at the end" };
        findings.add(
            &rule::NO_PIXEL_PLACE,
            page.place(&(at..at)),
            format!("there is no pixel {which}: {why}"),
        );
    }
}

fn preheader(page: &Page<'_>, findings: &mut Collector<'_>) {
    let report = &page.look.report;
    let top = report
        .pixels
        .iter()
        .find(|pixel| pixel.kind == EventKind::InitialOpen && pixel.part == page.document.part);
    let is_in_front = top.is_some_and(|pixel| pixel.place == Some(PixelPlace::BodyStart));
    match &page.facts.preheader {
        Preheader::Hidden(range, 0) if is_in_front => {
            let message = "this hidden preheader does not end within 16 KB: the pixel stands before it";
            findings.add(&rule::LATE_PREHEADER, page.place(range), message);
        }
        Preheader::Hidden(range, _) if is_in_front => {
            let message =
                "this hidden preheader is not the first element of the body: the pixel stands before it";
            findings.add(&rule::LATE_PREHEADER, page.place(range), message);
        }
        Preheader::Named(range) if is_in_front => {
            let message = "this element is called a preheader and has no style attribute that hides it: if a style sheet \
                           does, the pixel stands before it";
            findings.add(&rule::LATE_PREHEADER, page.place(range), message);
        }
        Preheader::None if !page.facts.texts.is_empty() => {
            let mut range = page.facts.texts[0].clone();
            let text = &page.markup.bytes()[range.clone()];
            range.start += text.len() - text.trim_ascii_start().len();
            range.end = range.start + text.trim_ascii().len();
            let message = "no hidden preheader stands before this text: inboxes show it, or an image's text before it, as preview";
            findings.find(&rule::NO_PREHEADER, Severity::Note, page.place(&range), None, message);
        }
        _ => {}
    }
}

/// What a template engine should have filled in, in the text of a message. Of a template nothing else is expected.
fn merge_tags(page: &Page<'_>, findings: &mut Collector<'_>) {
    if !page.look.is_message {
        return;
    }
    let bytes = page.markup.bytes();
    for text in &page.facts.texts {
        for tag in merge_tag::tags(&bytes[text.clone()]) {
            let range = text.start + tag.start..text.start + tag.end;
            if merge_tag::is_certain(&bytes[range.clone()]) {
                let tag = page.markup.shown(range.clone(), 60);
                findings.add(
                    &rule::MERGE_LEFT,
                    page.place(&range),
                    format!("the merge tag {tag} is not filled in"),
                );
            }
        }
    }
}
