//! `--explain`: what a code means.

use std::io::{self, Write};

use super::super::super::terminal::{Screen, Tone};
use super::super::rule::{self, Rule};

/// Lines are at most so long, however wide the screen is: longer ones are hard to read.
const WIDEST: usize = 92;

/// Explains a rule, or all of them. An unknown word is the inner error.
pub(in super::super) fn write(
    word: &str,
    screen: Screen,
    output: &mut impl Write,
) -> io::Result<Result<(), String>> {
    if word.eq_ignore_ascii_case("all") {
        for (at, rule) in rule::ALL.iter().enumerate() {
            if at > 0 {
                writeln!(output)?;
            }
            explain(rule, screen, output)?;
        }
        return Ok(Ok(()));
    }
    match rule::find(word) {
        Ok(rule) => explain(rule, screen, output).map(Ok),
        Err(why) => Ok(Err(format!("--explain: {why}"))),
    }
}

fn explain(rule: &Rule, screen: Screen, output: &mut impl Write) -> io::Result<()> {
    let title = format!("{} {}", rule.code, rule.name);
    let severity = screen.paint(Tone::Dim, format!("({})", rule.severity.as_str()));
    writeln!(output, "{} {severity}", screen.paint(Tone::Heading, title))?;
    let width = screen.width.min(WIDEST);
    writeln!(output, "{}", wrapped(&format!("{}.", rule.summary), width, ""))?;
    writeln!(output, "\n{}", wrapped(rule.why, width, ""))?;
    writeln!(
        output,
        "\n{}",
        screen.paint(Tone::Good, wrapped(&format!("What to do: {}.", lower(rule.help)), width, "  "))
    )
}

/// The first letter is small behind a colon, unless it begins an abbreviation.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

/// A text in lines of at most so many columns; the texts here are ASCII but for a few letters.
fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push('\n');
            lines.push_str(indent);
            used = indent.len();
        } else if used > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
    }
    lines
}
