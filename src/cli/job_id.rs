//! `openclick job-id`: names in, job ids out; or whether they are job ids already.

use std::io::{self, BufReader, IsTerminal, Write};

use clap::ArgMatches;
use openclick::job_id::{self, BadCharacter};

use super::exit::{Cause, Exit, Failure};
use super::lines::{LONGEST_LINE, Line, read_line};
use super::output::Output;
use super::sanitize::Printable;

/// How much of a name is shown before and behind the character that is wrong.
const AROUND: usize = 50;

/// Takes the names of the command line or, where there are none, the lines of stdin.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let mut names = Names { check: matches.get_flag("check"), output: Output::stdout(), total: 0, bad: 0 };
    match matches.get_many::<String>("name") {
        Some(given) => given.into_iter().try_for_each(|name| names.take(name))?,
        None => from_stdin(&mut names)?,
    }
    let Names { output, total, bad, .. } = names;
    output.commit()?;
    match bad {
        0 => Ok(()),
        _ => Err(Failure::new(Exit::Check, format!("{bad} of {total} not a job id"))),
    }
}

struct Names {
    check: bool,
    output: Output,
    total: u64,
    bad: u64,
}

impl Names {
    fn take(&mut self, name: &str) -> Result<(), Failure> {
        self.total += 1;
        let text = match job_id::check(name) {
            _ if !self.check => format!("{}\n", job_id::sanitize(name)),
            None => return Ok(()),
            Some(bad) => {
                self.bad += 1;
                format!("{}: {bad}\n{}", self.total, marked(name, bad))
            }
        };
        let output = &mut self.output;
        output.write_all(text.as_bytes()).map_err(|error| Failure::writing(output.name(), &error))
    }
}

/// The name around the character, and a caret under it. Before it stands visible ASCII alone, one column each.
fn marked(name: &str, bad: BadCharacter) -> String {
    let from = bad.position().saturating_sub(AROUND);
    let before = &name[from..bad.position()];
    let after = &name[bad.position()..];
    let to = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    let (left, right) = (if from > 0 { "…" } else { "" }, if to < after.len() { "…" } else { "" });
    let column = left.chars().count() + before.len();
    format!("  {left}{before}{}{right}\n  {:column$}^\n", Printable(&after[..to]), "")
}

fn from_stdin(names: &mut Names) -> Result<(), Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        super::exit::say(Some("job-id"), "reading names, one a line, from the terminal");
    }
    let mut stdin = BufReader::with_capacity(64 * 1024, stdin.lock());
    let mut line = Vec::new();
    loop {
        if stdin.buffer().is_empty() {
            // The next read may wait: whoever writes the names one by one gets the ids one by one.
            names.output.flush().map_err(|error| Failure::writing(names.output.name(), &error))?;
        }
        match read_line(&mut stdin, &mut line) {
            Err(error) => {
                return Err(Failure::new(Exit::Io, format!("cannot read standard input: {}", Cause(&error))));
            }
            Ok(Line::End) => return Ok(()),
            Ok(Line::TooLong) => {
                let why = format!("line {} has more than {LONGEST_LINE} bytes", names.total + 1);
                return Err(Failure::new(Exit::Data, why));
            }
            Ok(Line::Whole) => {
                // Of a line that Windows wrote, the end is two characters.
                let name = line.strip_suffix(b"\r").unwrap_or(&line);
                names.take(&String::from_utf8_lossy(name))?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> String {
        marked(name, job_id::check(name).unwrap())
    }

    #[test]
    fn the_caret_stands_under_the_character() {
        assert_eq!(shown("spring sale"), "  spring sale\n        ^\n");
        assert_eq!(shown(" a"), "   a\n  ^\n");
        assert_eq!(shown("a\u{1b}[2Jb"), "  a\\u{1b}[2Jb\n   ^\n");
        let long = format!("{} {}", "a".repeat(100), "ü".repeat(100));
        assert_eq!(
            shown(&long),
            format!("  …{} {}…\n  {}^\n", "a".repeat(50), "ü".repeat(49), " ".repeat(51))
        );
    }
}
