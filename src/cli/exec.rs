//! `--exec CMD ARG…`: the finished mail goes to another program, such as `sendmail`, and its exit code comes back.

use std::ffi::{OsStr, OsString};
use std::fs::{File, FileTimes};
use std::io::{self, Seek, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::SystemTime;

use super::exit::{Cause, Exit, Failure};

/// The program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
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

    /// Starts the program with the mail as its stdin, and waits for its end.
    pub(super) fn run(&self, mail: &[u8]) -> Result<(), Failure> {
        self.run_words(&self.words, mail, false)
    }

    /// The same for one recipient of many, whose address takes the place of `{}` and `${recipient}` in the arguments.
    pub(super) fn run_for(&self, recipient: &str, mail: &[u8]) -> Result<(), Failure> {
        let is_plain = recipient.chars().all(|c| c.is_ascii_alphanumeric() || "@._+=-".contains(c));
        let is_inside = |word: &OsString| {
            let word = word.to_string_lossy();
            ["{}", "${recipient}"].iter().any(|place| word.contains(place) && word != *place)
        };
        // In `sh -c 'mail {}'` an address could be a command.
        if !is_plain && self.words.iter().skip(1).any(is_inside) {
            let why =
                "an address with such characters must be an argument of its own: sh -c '… \"$1\"' -- {}";
            return Err(Failure::of_program(Exit::Data as u8, format!("--exec: {why}")));
        }
        let fill = |(at, word): (usize, &OsString)| match word.to_str().filter(|_| at > 0) {
            // An address may itself hold `{}`.
            Some(text) => {
                let pieces: Vec<_> =
                    text.split("${recipient}").map(|piece| piece.replace("{}", recipient)).collect();
                pieces.join(recipient).into()
            }
            None => word.clone(),
        };
        let words: Vec<OsString> = self.words.iter().enumerate().map(fill).collect();
        self.run_words(&words, mail, true)
    }

    #[cfg_attr(not(unix), allow(unused_variables))]
    fn run_words(&self, words: &[OsString], mail: &[u8], is_one_of_many: bool) -> Result<(), Failure> {
        self.check()?;
        let name = Path::new(&words[0]).display();
        let failed =
            |error: io::Error| Failure::new(Exit::TryAgain, format!("--exec: {name}: {}", Cause(&error)));
        let mut draft = Draft::of(mail).map_err(|error| {
            Failure::new(Exit::TryAgain, format!("--exec: cannot hold the mail: {}", Cause(&error)))
        })?;
        let stdin = draft.file.try_clone().map_err(failed)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(stdin);
        #[cfg(unix)]
        if is_one_of_many {
            use std::os::unix::process::CommandExt;
            // Ctrl-C ends the run in order: what is under way ends by itself.
            command.process_group(0);
        }
        let mut child = command.spawn().map_err(|error| match is_one_of_many {
            // Nor will it start for any other.
            true => Failure::new(Exit::CannotCreate, format!("--exec: {name}: {}", Cause(&error))),
            false => failed(error),
        })?;
        let status = child.wait().map_err(failed)?;
        match verdict(status) {
            // It cannot have delivered what it did not read.
            Verdict::Done if !draft.was_read().map_err(failed)? => {
                Err(Failure::new(Exit::TryAgain, format!("--exec: {name} ended before it had read the mail")))
            }
            Verdict::Done => Ok(()),
            Verdict::Said(code) => {
                Err(Failure::of_program(code, format!("--exec: {name} exited with {code}")))
            }
            Verdict::Odd => {
                Err(Failure::of_program(Exit::TryAgain as u8, format!("--exec: {name}: {status}")))
            }
        }
    }
}

/// The whole mail as a file without a name, which the program has as its stdin. Through a pipe, a SIGKILL of this process
/// would look to the program like the end of the mail: it would deliver the half that it got.
struct Draft {
    file: File,
    length: u64,
}

impl Draft {
    fn of(mail: &[u8]) -> io::Result<Draft> {
        let mut file = nameless()?;
        file.write_all(mail)?;
        file.rewind()?;
        // Where a program opens its `/dev/stdin` anew, as Linux lets it, the position here does not move: the time of the
        // last reading, old enough to be set by any, tells.
        file.set_times(FileTimes::new().set_accessed(SystemTime::UNIX_EPOCH))?;
        Ok(Draft { file, length: mail.len() as u64 })
    }

    /// Whether the mail was read to its end, or by another way than from the open file.
    fn was_read(&mut self) -> io::Result<bool> {
        match self.file.stream_position()? {
            0 if self.length > 0 => Ok(self.file.metadata()?.accessed()? != SystemTime::UNIX_EPOCH),
            position => Ok(position >= self.length),
        }
    }
}

/// In memory where the system has such files: mail need not touch a disk, and no disk is full or mounted `noatime`.
fn nameless() -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{MemfdFlags, memfd_create};
        if let Ok(file) = memfd_create("mail", MemfdFlags::CLOEXEC) {
            return Ok(file.into());
        }
    }
    tempfile::tempfile()
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

    #[cfg(unix)]
    #[test]
    fn an_address_is_no_command() {
        let program = |words: &[&str]| Program { words: words.iter().map(Into::into).collect() };
        for word in ["cat; : {}", "cat; : ${recipient}"] {
            let inside = program(&["sh", "-c", word]);
            assert!(inside.run_for("a+b.c@x-y.example", b"mail").is_ok());
            for address in ["`touch${IFS}x`@a.example", "a;b@a.example", "a'b@a.example"] {
                assert!(inside.run_for(address, b"mail").unwrap_err().text().contains("argument of its own"));
            }
        }
        let alone = program(&["sh", "-c", "cat; test \"$1\" = '`a`@a.example'", "--", "{}"]);
        assert!(alone.run_for("`a`@a.example", b"mail").is_ok());
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
