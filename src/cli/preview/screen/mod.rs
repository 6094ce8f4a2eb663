//! What a person sees: the whole plan on a screen.

mod columns;
mod links;
mod notes;
mod parts;
mod places;
mod words;

use std::io::{self, Write};

use openclick::source::Message;
use openclick::{EventKind, PartReport, PixelReport, Report, Status};

use self::places::Places;
use super::super::lint::Finding;
use super::super::summary::{counted, grouped};
use super::super::terminal::{Screen, Tone, cut, safe, shorten};
use super::json::CLIP;
use super::look::{Document, Look, Looker};
use super::subject::Subject;

pub(super) use self::words::status;

/// Rows of a table, unless all are asked for.
const MOST_ROWS: usize = 50;

/// HTML documents whose size is told.
const MOST_SIZES: usize = 5;

/// The rows that are shown, and how many are not.
fn limited<T>(rows: &[T], all: bool) -> (&[T], usize) {
    let count = if all { rows.len() } else { rows.len().min(MOST_ROWS) };
    (&rows[..count], rows.len() - count)
}

/// Writes the plan. `unsigned`: of a signed mail that would pass as it is, what would become of it without its signature.
#[allow(clippy::too_many_arguments, reason = "all that is known of a mail")]
pub(super) fn write(
    out: &mut impl Write,
    screen: Screen,
    looker: &Looker,
    look: &Look,
    unsigned: Option<&Look>,
    subject: &Subject,
    findings: &[Finding],
    all: bool,
) -> io::Result<()> {
    head(out, screen, looker, look, subject)?;
    let message = look.is_message.then(|| Message::parse(&look.before));
    if let Some(message) = message.as_ref().filter(|_| look.report.parts.len() > 1) {
        parts::write(out, screen, look, message, all)?;
    }
    let planned = unsigned.unwrap_or(look);
    let places = Places::of(planned, message.as_ref());
    let condition = if unsigned.is_some() { ", if it were not signed (--on-signed rewrite)" } else { "" };
    links::write(out, screen, planned, &places, condition, all)?;
    notes::pixels(out, screen, planned, &places, condition, all)?;
    notes::changes(out, screen, look, all)?;
    notes::findings(out, screen, findings, all)
}

fn head(
    out: &mut impl Write,
    screen: Screen,
    looker: &Looker,
    look: &Look,
    subject: &Subject,
) -> io::Result<()> {
    let report = &look.report;
    let name = safe(subject.file.as_deref().unwrap_or("standard input"));
    writeln!(out, "{}", screen.paint(Tone::Heading, shorten(&name, screen.width)))?;
    let mut entry = |label: &str, tone, text: &str| columns::entry(out, screen, label, tone, text);
    let what = match (look.is_message, &*look.documents) {
        (true, _) => match &*report.parts {
            [part] => of_part(part),
            parts => format!("message of {} parts", grouped(parts.len() as u64)),
        },
        (false, _) => format!("HTML, {}", report.charset),
    };
    entry("Mail", Tone::Plain, &what)?;
    for (label, text) in [("Subject", &subject.subject), ("From", &subject.from), ("To", &subject.to)] {
        if let Some(text) = text {
            entry(label, Tone::Plain, &bounded(text))?;
        }
    }
    let tone = match report.status {
        Status::Rewritten => Tone::Good,
        _ => Tone::Notice,
    };
    let done = match report.status {
        Status::Rewritten => format!(": {}", done(report)),
        _ => String::new(),
    };
    entry("Status", tone, &format!("{}{done}", status(look)))?;
    if let Some(limit) = report.limit {
        let text = format!(
            "nothing is changed from byte {} on: a tag, a comment or the nesting is too large",
            grouped(limit)
        );
        entry("", Tone::Notice, &text)?;
    }
    if let Some(why) = report.recipient_unknown.filter(|_| report.status == Status::Rewritten) {
        entry("Recipient", Tone::Notice, &format!("unknown ({why}): tokens name none"))?;
    }
    if let Some(stream) = report.settings.as_ref().and_then(|settings| settings.stream.as_ref()) {
        let name = stream.name.as_deref().map_or_else(|| format!("number {}", stream.number), safe);
        let conditions = match &*stream.conditions {
            [] => "every message".to_owned(),
            conditions => safe(&conditions.join("; ")),
        };
        entry("Stream", Tone::Plain, &format!("{name} ({conditions})"))?;
    }
    let html: Vec<_> = look.documents.iter().filter(|document| document.is_html).collect();
    for (index, document) in html.iter().take(MOST_SIZES).enumerate() {
        let (tone, text) = size(document, html.len() > 1, has_pixel(document, report));
        entry(if index == 0 { "Size" } else { "" }, tone, &text)?;
    }
    if look.is_message {
        let text = format!("whole message {}", change(look.before.len(), look.after.len()));
        entry(
            if look.documents.iter().any(|document| document.is_html) { "" } else { "Size" },
            Tone::Plain,
            &text,
        )?;
    }
    if looker.is_trial {
        let text =
            format!("no key file: a key that is thrown away, links to {}", safe(&looker.tracking_domain));
        entry("Trial", Tone::Dim, &text)?;
    }
    Ok(())
}

/// What would be done, counted.
fn done(report: &Report) -> String {
    let pixels = report.pixels.iter().filter(|pixel| pixel.place.is_some()).count() as u64;
    let mut done = vec![counted(report.links_tracked, "tracked link"), counted(pixels, "pixel")];
    if report.removed_total > 0 {
        done.push(format!("{} removed", counted(report.removed_total, "attribute")));
    }
    if report.changes_total > 0 {
        done.push(counted(report.changes_total, "further change"));
    }
    done.join(", ")
}

fn of_part(part: &PartReport) -> String {
    let charset =
        part.charset.as_deref().map_or_else(String::new, |charset| format!(", {}", bounded(charset)));
    let reason = part.reason.map_or_else(String::new, |reason| format!(" ({})", words::of_part(reason)));
    format!("message, {}{charset}, {}{reason}", bounded(&part.media_type), bounded(&part.encoding))
}

/// A text that others wrote and may have made as long as a mail, safe to show, and no longer than anybody reads.
fn bounded(text: &str) -> String {
    /// In columns.
    const MOST: usize = 240;

    cut(&safe(text), MOST)
}

/// A document's size against what Gmail shows of one.
fn size(document: &Document, has_path: bool, has_pixel: bool) -> (Tone, String) {
    let (before, after) = (document.before.len(), document.after.len());
    let part = if has_path { format!(" {}", document.path) } else { String::new() };
    let sizes = format!("HTML{part} {}", change(before, after));
    let clip = usize::try_from(CLIP).unwrap_or(usize::MAX);
    if after <= clip {
        // Rounded up: 100 % are not passed yet.
        return (Tone::Plain, format!("{sizes}: {} % of what Gmail shows", (after * 100).div_ceil(clip)));
    }
    let pixel = if has_pixel { ", the bottom pixel with it" } else { "" };
    let already = if before > clip { "" } else { "; before it was not" };
    let limit = grouped(CLIP);
    (
        Tone::Bad,
        format!("{sizes}: clipped by Gmail, which shows {limit} bytes and hides the rest{pixel}{already}"),
    )
}

/// Whether a pixel goes to the end of a document.
fn has_pixel(document: &Document, report: &Report) -> bool {
    let is_there = |pixel: &PixelReport| pixel.kind == EventKind::Open && pixel.place.is_some();
    report.pixels.iter().any(|pixel| pixel.part == document.part && is_there(pixel))
}

fn change(before: usize, after: usize) -> String {
    let (old, new) = (grouped(before as u64), grouped(after as u64));
    match after.cmp(&before) {
        std::cmp::Ordering::Equal => format!("{old} bytes"),
        std::cmp::Ordering::Greater => format!("{old} → {new} bytes (+{})", grouped((after - before) as u64)),
        std::cmp::Ordering::Less => format!("{old} → {new} bytes (-{})", grouped((before - after) as u64)),
    }
}
