//! For people: a line for each finding, as compilers have it, so that editors can jump there.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::PathBuf;

use super::super::super::summary::{counted, grouped};
use super::super::super::terminal::{Screen, Tone, safe, width};
use super::super::finding::Severity;
use super::super::rule;
use super::super::run::Outcome;
use super::super::walk::NO_MAIL;
use super::wrapped;

/// Before lines that belong to the one above.
const INDENT: &str = "    ";

/// The colour of a severity.
fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Notice,
        Severity::Note => Tone::Dim,
    }
}

pub(in super::super) fn write(
    outcome: &Outcome,
    screen: Screen,
    is_terminal: bool,
    is_quiet: bool,
    output: &mut impl Write,
) -> io::Result<()> {
    // Programs want a finding on one line.
    let fitted = |text: &str, used: usize| match is_terminal {
        true => wrapped(text, screen.width, used, INDENT),
        false => text.to_owned(),
    };
    let mut told = HashSet::new();
    for file in &outcome.files {
        let path = safe(&file.path.display().to_string());
        for finding in &file.findings {
            let place = format!("{path}:{}:{}:", finding.line, finding.column);
            let severity = finding.severity.as_str();
            let used = width(&place) + severity.len() + finding.code.len() + 3;
            let message = fitted(&safe(&finding.message), used);
            let severity = screen.paint(tone(finding.severity), severity);
            let (place, code) =
                (screen.paint(Tone::Accent, place), screen.paint(Tone::Heading, finding.code));
            writeln!(output, "{place} {severity} {code} {message}")?;
            // Once is enough.
            if told.insert(finding.code) {
                let name = rule::find(finding.code).map_or("", |rule| rule.name);
                let help = fitted(&format!("help: {} [{name}]", finding.help), INDENT.len());
                writeln!(output, "{INDENT}{}", screen.paint(Tone::Dim, help))?;
            }
        }
    }
    if is_quiet {
        return Ok(());
    }
    if !told.is_empty() {
        writeln!(output)?;
    }
    let counts: Vec<_> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|severity| {
            let count = outcome.count(severity);
            (count > 0).then(|| screen.paint(tone(severity), counted(count, severity.as_str())).to_string())
        })
        .collect();
    let found = match counts.is_empty() {
        true => screen.paint(Tone::Good, "nothing found").to_string(),
        false => counts.join(", "),
    };
    write!(output, "{found} in {}", counted(outcome.files.len() as u64, "file"))?;
    if !outcome.failed.is_empty() {
        let failed = format!("{} not checked", grouped(outcome.failed.len() as u64));
        write!(output, ", {}", screen.paint(Tone::Bad, failed))?;
    }
    if !outcome.left_out.is_empty() {
        write!(
            output,
            ", {} left out ({})",
            grouped(outcome.left_out.len() as u64),
            kinds(&outcome.left_out)
        )?;
    }
    writeln!(output)?;
    let findings = || outcome.files.iter().flat_map(|file| &file.findings);
    let worst = findings().map(|finding| finding.severity).max();
    if let Some(finding) = findings().find(|finding| Some(finding.severity) == worst) {
        let hint = format!("`openclick lint --explain {}` tells why that matters", finding.code);
        writeln!(output, "{}", screen.paint(Tone::Dim, hint))?;
    }
    Ok(())
}

/// What was left out, by the ends of names, most first.
fn kinds(left_out: &[(PathBuf, &'static str)]) -> String {
    const MOST: usize = 6;
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for (path, why) in left_out {
        let kind = match path.extension() {
            Some(extension) if *why == NO_MAIL => {
                format!(".{}", safe(&extension.to_string_lossy()))
            }
            None if *why == NO_MAIL => "without extension".to_owned(),
            _ => (*why).to_owned(),
        };
        *kinds.entry(kind).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), kind.clone()));
    let more = kinds.len().saturating_sub(MOST);
    let mut words: Vec<_> =
        kinds.iter().take(MOST).map(|(kind, count)| format!("{} {kind}", grouped(*count))).collect();
    if more > 0 {
        words.push(format!("{} of other kinds", grouped(kinds[MOST..].iter().map(|(_, count)| count).sum())));
    }
    words.join(", ")
}
