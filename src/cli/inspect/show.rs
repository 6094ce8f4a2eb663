//! The result of an inspection, for people.

use std::io::{self, Write};

use super::super::summary::{counted, grouped};
use super::super::terminal::{Screen, Tone, pad, safe, shorten, width};
use super::report::Report;
use super::verdict::{Check, Status};

/// Of more places the rest is counted.
const PLACES: usize = 5;
/// The columns of the status, and of the names of checks.
const STATUS: usize = 6;
const NAME: usize = 23;

/// Writes it as a list.
pub(super) fn write(out: &mut impl Write, screen: Screen, report: &Report) -> io::Result<()> {
    let kind = if report.kind == "html" { "HTML" } else { "message" };
    let size = format!("{kind}, {}", counted(report.bytes as u64, "byte"));
    let room = screen.width.saturating_sub(width(&size) + 2);
    let file = shorten(&safe(&report.file), room);
    writeln!(out, "{}  {}", screen.paint(Tone::Heading, file), screen.paint(Tone::Dim, size))?;
    let domain = &report.tracking_domain;
    let told = match (&domain.url, domain.origin) {
        (Some(url), "given") => format!("{url} (given)"),
        (Some(url), _) => format!("{url} (found in the mail)"),
        (None, _) => "none: give --tracking-domain; nothing in the mail looks like one".to_owned(),
    };
    paragraph(out, screen.width, "tracking domain  ", &safe(&told))?;
    if let Some(other) = &domain.in_mail {
        paragraph(
            out,
            screen.width,
            "                 ",
            &safe(&format!("the mail shows another: {other}")),
        )?;
    }
    writeln!(out)?;
    // What was not checked for one reason is told at once.
    let is_same = |one: &Check, other: &Check| {
        one.status == Status::NotChecked && other.status == Status::NotChecked && one.message == other.message
    };
    for checks in report.checks.chunk_by(is_same) {
        write_check(out, screen, checks)?;
    }
    carried(out, screen, report)?;
    writeln!(out)?;
    let counts = &report.counts;
    let (tone, word) = if report.passed { (Tone::Good, "passed: ") } else { (Tone::Bad, "FAILED: ") };
    let told = format!(
        "{} passed, {} failed, {}, {} not checked",
        counted(counts.pass as u64, "check"),
        counts.fail,
        counted(counts.warning as u64, "warning"),
        counts.not_checked
    );
    for (at, line) in wrapped(&told, screen.width - word.len()).iter().enumerate() {
        let start = if at == 0 { word } else { "        " };
        writeln!(out, "{}{line}", screen.paint(tone, start))?;
    }
    Ok(())
}

/// One check, or several that were not checked for one reason.
fn write_check(out: &mut impl Write, screen: Screen, checks: &[Check]) -> io::Result<()> {
    let check = &checks[0];
    let (tone, word) = match check.status {
        Status::Pass => (Tone::Good, "pass"),
        Status::Fail => (Tone::Bad, "FAIL"),
        Status::Warning => (Tone::Notice, "warn"),
        Status::NotChecked => (Tone::Dim, "-"),
    };
    let message_tone = if check.status == Status::NotChecked { Tone::Dim } else { Tone::Plain };
    // On a narrow screen the sentence has lines of its own.
    let is_narrow = screen.width < 72;
    let indent = if is_narrow { STATUS } else { STATUS + NAME };
    write!(out, "{}{}", screen.paint(tone, word), " ".repeat(STATUS - word.len()))?;
    let names: Vec<_> = checks.iter().map(|check| check.name).collect();
    let names = names.join(", ");
    match is_narrow || checks.len() > 1 {
        true => {
            for (at, line) in wrapped(&names, screen.width - STATUS).iter().enumerate() {
                let start = if at == 0 { 0 } else { STATUS };
                writeln!(out, "{}{}", " ".repeat(start), screen.paint(message_tone, line))?;
            }
            write!(out, "{}", " ".repeat(indent))?;
        }
        false => write!(out, "{}", pad(&names, NAME))?,
    }
    // A place that the sentence says all of needs no line of its own.
    let is_said = matches!(check.places.as_slice(), [only] if only.what == check.message);
    let message = match check.places.first().filter(|_| is_said) {
        Some(place) => format!("{} ({}:{})", check.message, place.line, place.column),
        None => check.message.clone(),
    };
    for (at, line) in wrapped(&safe(&message), screen.width - indent).iter().enumerate() {
        if at > 0 {
            write!(out, "{}", " ".repeat(indent))?;
        }
        writeln!(out, "{}", screen.paint(message_tone, line))?;
    }
    // What passes needs no more than its sentence.
    let shown = match (check.status, check.name) {
        _ if is_said => 0,
        (Status::Pass | Status::NotChecked, "wrappers") => 2,
        (Status::Pass, "dkim") if check.places.len() > 1 => PLACES,
        (Status::Pass | Status::NotChecked, _) => 0,
        _ => PLACES,
    };
    let places = &check.places[..shown.min(check.places.len())];
    let name = |place: &super::verdict::Place| format!("{}:{}", place.line, place.column);
    let column = places.iter().map(|place| name(place).len()).max().unwrap_or(0);
    for place in places {
        let what = safe(&place.what);
        let room = screen.width.saturating_sub(indent + column + 2).max(10);
        writeln!(
            out,
            "{}{}  {}",
            " ".repeat(indent),
            screen.paint(Tone::Accent, pad(&name(place), column)),
            screen.paint(Tone::Dim, shorten(&what, room))
        )?;
    }
    if shown > 0 && check.places_total > places.len() && check.status != Status::Pass {
        let more = format!("and {} more", grouped((check.places_total - places.len()) as u64));
        writeln!(out, "{}{}", " ".repeat(indent), screen.paint(Tone::Dim, more))?;
    }
    Ok(())
}

/// What the tokens say.
fn carried(out: &mut impl Write, screen: Screen, report: &Report) -> io::Result<()> {
    let Some(carried) = &report.carried else { return Ok(()) };
    writeln!(out, "\n{}", screen.paint(Tone::Heading, "The tokens carry"))?;
    let links =
        format!("{}, {}", counted(carried.clicks as u64, "click"), counted(carried.pixels as u64, "pixel"));
    let slot = format!("slot {}", carried.slot);
    let customer = (carried.customer_id != 0).then(|| carried.customer_id.to_string());
    let rows = [
        ("message", Some(carried.message_id.as_str())),
        ("recipient", carried.recipient.as_deref().or(Some("none"))),
        ("campaign", carried.campaign.as_deref()),
        ("customer", customer.as_deref()),
        ("subaccount", carried.subaccount.as_deref()),
        ("pool", carried.pool.as_deref()),
        ("URLs", Some(&*links)),
        ("key", Some(&*slot)),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            let name = screen.paint(Tone::Dim, pad(name, 12));
            writeln!(out, "  {name}{}", shorten(&safe(value), screen.width.saturating_sub(14)))?;
        }
    }
    Ok(())
}

/// A text behind a heading, its further lines under its first.
fn paragraph(out: &mut impl Write, columns: usize, heading: &str, text: &str) -> io::Result<()> {
    let indent = width(heading);
    for (at, line) in wrapped(text, columns.saturating_sub(indent)).iter().enumerate() {
        let start = if at == 0 { heading.to_owned() } else { " ".repeat(indent) };
        writeln!(out, "{start}{line}")?;
    }
    Ok(())
}

/// A text in lines of at most so many columns, broken at blanks, a word that is longer in its middle.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(10);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word = shorten(word, columns);
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(&word);
        } else if width(line) + 1 + width(&word) <= columns {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_fit() {
        assert_eq!(wrapped("one two three four", 10), ["one two", "three four"]);
        assert_eq!(wrapped("", 10), [""]);
        for columns in 10..60 {
            let text = "a sentence with https://a-very-long.example/word/in/it and \u{65e5}\u{672c}\u{8a9e}";
            assert!(wrapped(text, columns).iter().all(|line| width(line) <= columns), "{columns}");
        }
    }
}
