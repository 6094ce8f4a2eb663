//! Pixels, what else is changed, and warnings.

use std::io::{self, Write};

use openclick::{Change, EventKind, NoPlace, PixelReport};

use super::super::super::lint::{Finding, Severity};
use super::super::super::summary::{counted, grouped};
use super::super::super::terminal::{Screen, Tone};
use super::super::look::Look;
use super::columns::{self, Cell, Fit};
use super::places::Places;
use super::{bounded, limited, links, words};

/// Writes where the pixels go, or why not.
pub(super) fn pixels(
    out: &mut impl Write,
    screen: Screen,
    look: &Look,
    places: &Places<'_>,
    condition: &str,
    all: bool,
) -> io::Result<()> {
    let pixels = &look.report.pixels;
    let placed = pixels.iter().filter(|pixel| pixel.place.is_some()).count() as u64;
    let counts = match placed {
        0 if !links::was_read(look) => "not looked for".to_owned(),
        0 => "none".to_owned(),
        placed => format!("{}{condition}", grouped(placed)),
    };
    columns::heading(out, screen, "Pixels", &counts)?;
    let (shown, rest) = limited(pixels, all);
    let rows: Vec<_> = shown.iter().map(|pixel| pixel_row(pixel, look, places)).collect();
    columns::write(out, screen, &[("", Fit::Whole), ("", Fit::Middle(7)), ("", Fit::End(20))], &rows)?;
    more(out, screen, rest)
}

fn pixel_row(pixel: &PixelReport, look: &Look, places: &Places<'_>) -> Vec<Cell> {
    let (mark, text) = match (pixel.place, pixel.reason) {
        (Some(place), _) => (Cell::new(Tone::Good, pixel.kind.as_str()), words::of_pixel_place(place)),
        (None, Some(NoPlace::Off)) if is_wanted(pixel, look) => {
            (Cell::new(Tone::Notice, pixel.kind.as_str()), "no HTML to put it into")
        }
        (None, Some(why)) => (Cell::new(Tone::Notice, pixel.kind.as_str()), words::of_no_place(why)),
        (None, None) => (Cell::new(Tone::Notice, pixel.kind.as_str()), "no place"),
    };
    let part = pixel.part.and_then(|part| look.report.parts.get(part as usize));
    let part = part.map_or_else(String::new, |part| part.path.clone());
    let offset = pixel.offset.filter(|_| pixel.place.is_some());
    let line = offset.and_then(|offset| places.line(pixel.part, offset));
    let line = line.map_or_else(String::new, |line| format!(", line {}", grouped(line as u64)));
    let not = if pixel.place.is_some() { "" } else { "not put in: " };
    vec![mark, Cell::new(Tone::Dim, part), Cell::plain(format!("{not}{text}{line}"))]
}

/// Whether a message's settings ask for a pixel.
fn is_wanted(pixel: &PixelReport, look: &Look) -> bool {
    let settings = look.report.settings.as_deref();
    settings.is_some_and(|settings| match pixel.kind {
        EventKind::InitialOpen => settings.initial_open.value,
        _ => settings.open_tracking.value,
    })
}

/// Writes what is taken out and what else is changed; nothing where that is nothing.
pub(super) fn changes(out: &mut impl Write, screen: Screen, look: &Look, all: bool) -> io::Result<()> {
    let report = &look.report;
    if report.removed_total + report.changes_total == 0 {
        return Ok(());
    }
    columns::heading(out, screen, "Further changes", "")?;
    if report.removed_total > 0 {
        columns::paragraph(out, screen, Tone::Plain, &links::removed(look))?;
    }
    let (shown, rest) = limited(&report.changes, all);
    for change in shown {
        columns::paragraph(out, screen, Tone::Plain, &of_change(change))?;
    }
    more(out, screen, rest)
}

fn of_change(change: &Change) -> String {
    match change {
        Change::PlaceholderRemoved { comment: false, .. } => "a pixel placeholder taken out".to_owned(),
        Change::PlaceholderRemoved { .. } => "a pixel placeholder replaced by an empty comment".to_owned(),
        Change::FieldInserted { name, value } => {
            format!("header field put in: {}: {}", bounded(name), bounded(value))
        }
        Change::FieldUpdated { name, from, to } => {
            format!("header field brought up to date: {}: {} → {}", bounded(name), bounded(from), bounded(to))
        }
        Change::FieldRemoved { name } => format!("header field taken out: {}", bounded(name)),
        Change::SchemeRestored { .. } => "https+notrack: restored to https:".to_owned(),
        other => bounded(&format!("{other:?}")),
    }
}

fn more(out: &mut impl Write, screen: Screen, rest: usize) -> io::Result<()> {
    match rest {
        0 => Ok(()),
        rest => {
            let more = format!("… {} more: --all shows them", grouped(rest as u64));
            columns::paragraph(out, screen, Tone::Dim, &more)
        }
    }
}

/// Writes warnings: each code once, the graver first, with its first places.
pub(super) fn findings(
    out: &mut impl Write,
    screen: Screen,
    findings: &[Finding],
    all: bool,
) -> io::Result<()> {
    /// Of one code.
    const MOST: usize = 3;

    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts: Vec<_> = kinds
        .map(|(severity, name)| (count(severity), name))
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| counted(count, name))
        .collect();
    if counts.is_empty() {
        return Ok(());
    }
    columns::heading(out, screen, "Warnings", &counts.join(", "))?;
    let mut codes: Vec<(Severity, &str)> = Vec::new();
    for finding in findings {
        if !codes.iter().any(|(_, code)| *code == finding.code) {
            codes.push((finding.severity, finding.code));
        }
    }
    codes.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    for (severity, code) in codes {
        let of_code: Vec<_> = findings.iter().filter(|finding| finding.code == code).collect();
        let tone = match severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Notice,
            Severity::Note => Tone::Dim,
        };
        let shown = if all { of_code.len() } else { of_code.len().min(MOST) };
        for (index, finding) in of_code[..shown].iter().enumerate() {
            let code = if index == 0 { code } else { "" };
            let place = format!("{}:{}", finding.line, finding.column);
            let text = format!("{place}  {}", bounded(&finding.message));
            columns::entry(out, screen, code, tone, &text)?;
        }
        if shown < of_code.len() {
            let text = format!("… {} more: --all shows them", grouped((of_code.len() - shown) as u64));
            columns::entry(out, screen, "", Tone::Dim, &text)?;
        }
        columns::entry(out, screen, "", Tone::Dim, of_code[0].help)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &'static str, severity: Severity, line: usize) -> Finding {
        let message =
            format!("line {line} says \u{1b}[31m something that is too long for one line of a narrow screen");
        Finding {
            code,
            severity,
            message,
            help: "do otherwise",
            range: 0..1,
            line,
            column: 7,
            end_line: line,
            end_column: 8,
            context: String::new(),
            link: None,
        }
    }

    #[test]
    fn warnings_are_grouped_and_limited() {
        let mut all: Vec<_> = (1..=5).map(|line| finding("OC002", Severity::Warning, line)).collect();
        all.push(finding("OC001", Severity::Note, 9));
        all.push(finding("OC003", Severity::Error, 10));
        let mut out = Vec::new();
        findings(&mut out, Screen::plain(60), &all, false).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
        let mut out = Vec::new();
        findings(&mut out, Screen::plain(60), &all, true).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("more"));
        let mut out = Vec::new();
        findings(&mut out, Screen::plain(60), &[], false).unwrap();
        assert!(out.is_empty());
    }
}
