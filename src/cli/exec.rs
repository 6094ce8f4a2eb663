//! `--exec CMD ARG…`: the finished mail goes to another program, such as `sendmail`, and its exit code comes back.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use super::exit::{Cause, Exit, Failure};

/// The program to start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    words: Vec<OsString>,
}

const FLAG: &str = "--exec";

/// Takes the program off the end of a command line: everything behind `--exec` is the program's own, `--` too, which
/// `sendmail -- RECIPIENT` needs and clap would take for itself.
pub(super) fn split(mut arguments: Vec<OsString>) -> (Vec<OsString>, Option<Program>) {
    let is_flag = |word: &OsString| word == FLAG || value(word).is_some();
    let Some(at) = arguments.iter().position(is_flag) else { return (arguments, None) };
    let mut words = arguments.split_off(at);
    match value(&words[0]).map(OsStr::to_owned) {
        Some(value) => words[0] = value,
        None => drop(words.remove(0)),
    }
    (arguments, Some(Program { words }))
}

/// The program's name in `--exec=CMD`.
fn value(word: &OsStr) -> Option<&OsStr> {
    let text = word.to_str()?;
    text.strip_prefix(FLAG)?.strip_prefix('=').map(OsStr::new)
}

impl Program {
    /// Whether there is anything to start; told before any input is read.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.words.first() {
            Some(name) if !name.is_empty() => Ok(()),
            _ => Err(Failure::usage("--exec: expected a program and its arguments")),
        }
    }

    /// Starts the program, writes the mail to its stdin, and waits for its end.
    pub(super) fn run(&self, mail: &[u8]) -> Result<(), Failure> {
        self.check()?;
        let name = Path::new(&self.words[0]).display();
        let mut child =
            Command::new(&self.words[0]).args(&self.words[1..]).stdin(Stdio::piped()).spawn().map_err(
                |error| Failure::new(Exit::TryAgain, format!("--exec: {name}: {}", Cause(&error))),
            )?;
        let written = child.stdin.take().map_or(Ok(()), |mut stdin| write(&mut stdin, mail));
        let status = child
            .wait()
            .map_err(|error| Failure::new(Exit::TryAgain, format!("--exec: {name}: {}", Cause(&error))))?;
        match (verdict(status), written) {
            (Verdict::Done, Ok(())) => Ok(()),
            // It cannot have delivered what it did not read.
            (Verdict::Done, Err(error)) => Err(Failure::new(
                Exit::TryAgain,
                format!("--exec: {name} ended before it had read the mail: {}", Cause(&error)),
            )),
            (Verdict::Said(code), _) => {
                Err(Failure::of_program(code, format!("--exec: {name} exited with {code}")))
            }
            (Verdict::Odd, _) => {
                Err(Failure::of_program(Exit::TryAgain as u8, format!("--exec: {name}: {status}")))
            }
        }
    }
}

fn write(stdin: &mut impl Write, mail: &[u8]) -> io::Result<()> {
    stdin.write_all(mail)?;
    stdin.flush()
}

/// What an exit status means to an MTA.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    /// One of `sysexits.h`, which comes back as it is.
    Said(u8),
    /// Anything else, a signal too: try again.
    Odd,
}

fn verdict(status: ExitStatus) -> Verdict {
    match status.code() {
        Some(0) => Verdict::Done,
        Some(code @ 64..=78) => Verdict::Said(code as u8),
        _ => Verdict::Odd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn everything_behind_exec_is_the_programs() {
        let (ours, program) =
            split(words("openclick rewrite --config f --exec sendmail -i -f a -- b --exec"));
        assert_eq!(ours, words("openclick rewrite --config f"));
        assert_eq!(program, Some(Program { words: words("sendmail -i -f a -- b --exec") }));
        let (ours, program) = split(words("openclick rewrite --exec=cat -n"));
        assert_eq!((ours, program), (words("openclick rewrite"), Some(Program { words: words("cat -n") })));
        let (ours, program) = split(words("openclick rewrite in.eml"));
        assert_eq!((ours, program), (words("openclick rewrite in.eml"), None));
        let (_, program) = split(words("openclick rewrite --exec"));
        assert!(program.unwrap().check().is_err());
    }
}
