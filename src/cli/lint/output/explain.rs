//! `--explain`: what a code means.

use std::io::{self, Write};

use super::super::super::terminal::{Screen, Tone};
use super::super::rule::{self, Rule};
use super::wrapped;

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
    writeln!(output, "{}", wrapped(&format!("{}.", rule.summary), width, 0, ""))?;
    writeln!(output, "\n{}", wrapped(rule.why, width, 0, ""))?;
    writeln!(
        output,
        "\n{}",
        screen.paint(Tone::Good, wrapped(&format!("What to do: {}.", lower(rule.help)), width, 0, "  "))
    )
}

/// The first letter is small behind a colon, unless it begins an abbreviation.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}
