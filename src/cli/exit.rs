//! How a run ends: the exit codes, and what is said on stderr.

use std::fmt;
use std::io::{self, Write};

use openclick::{Error, ErrorKind};

use super::sanitize::Printable;

/// The exit codes: 1, else those of BSD's `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// A check failed: what was looked at is not as it should be.
    Check = 1,
    /// The command line cannot be understood.
    Usage = 64,
    /// The input is not what it should be.
    Data = 65,
    /// The input cannot be opened.
    NoInput = 66,
    /// A bug.
    Internal = 70,
    /// An output file cannot be created.
    CannotCreate = 73,
    /// Reading or writing failed on the way.
    Io = 74,
    /// As a mail filter: the mail is to be tried again.
    TryAgain = 75,
    /// A setting, from wherever it came, or a key file cannot be used.
    Configuration = 78,
}

/// Why a run failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The code, where the run is no mail filter's.
    pub(super) exit: Exit,
    /// The exit code of a program that `--exec` started, which comes back as it is.
    pub(super) code: Option<u8>,
    /// What is said, safe to show; nothing where the reader of a pipe went away, which it knows itself.
    message: Option<String>,
    /// The Message-ID of the mail that it is about, safe to show.
    mail: Option<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl AsRef<str>) -> Failure {
        Failure { exit, code: None, message: Some(Printable(message.as_ref()).to_string()), mail: None }
    }

    /// A command line that clap does not understand, in clap's words, which take several lines; for a log, the first.
    pub(super) fn misunderstood(error: &clap::Error, for_log: bool) -> Failure {
        let text = error.render().to_string();
        let most = if for_log { 1 } else { usize::MAX };
        let lines = text.trim_end().lines().take(most);
        let lines: Vec<_> = lines.map(|line| Printable(line).to_string()).collect();
        let message = lines.join("\n").trim_start_matches("error: ").to_owned();
        Failure { exit: Exit::Usage, code: None, message: Some(message), mail: None }
    }

    /// A failure without a word.
    pub(super) fn quiet(exit: Exit) -> Failure {
        Failure { exit, code: None, message: None, mail: None }
    }

    /// A program that took the mail ended with this code.
    pub(super) fn of_program(code: u8, message: impl AsRef<str>) -> Failure {
        Failure { code: Some(code), ..Failure::new(Exit::TryAgain, message) }
    }

    /// A signal ended the run: the code that a shell has for it.
    pub(super) fn by_signal(signal: u8) -> Failure {
        Failure { code: Some(128 | signal), ..Failure::quiet(Exit::Check) }
    }

    /// Puts the mail's name in front of what is said, so that a log tells which one it was.
    pub(super) fn of_mail(mut self, id: &str) -> Failure {
        self.mail = Some(Printable(id).to_string());
        self
    }

    /// Whether it is known which mail it is about.
    pub(super) fn has_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Takes words with an `@` out of what is said. A mistake in an MTA's configuration may put the recipient among the
    /// arguments, and a log is no place for addresses.
    pub(super) fn without_addresses(mut self) -> Failure {
        self.message = self.message.map(|message| {
            let is_end = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '=' | ',' | '<' | '>');
            let words = message.split_inclusive(is_end).map(|word| match word.find('@') {
                Some(_) => format!("<address>{}", word.rfind(is_end).map_or("", |at| &word[at..])),
                None => word.to_owned(),
            });
            words.collect()
        });
        self
    }

    pub(super) fn usage(message: impl AsRef<str>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    pub(super) fn configuration(message: impl AsRef<str>) -> Failure {
        Failure::new(Exit::Configuration, message)
    }

    /// Writing to `what` failed. A closed pipe is no news to who closed it.
    pub(super) fn writing(what: impl fmt::Display, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::quiet(Exit::Io),
            _ => Failure::new(Exit::Io, format!("cannot write {what}: {}", Cause(error))),
        }
    }

    /// What is said where one mail of many failed. Of a panic the hook has said the rest.
    pub(super) fn text(&self) -> &str {
        self.message.as_deref().unwrap_or("internal error")
    }

    /// Says what went wrong, as `openclick: rewrite: …`. A stderr that is closed is no further failure.
    pub(super) fn report(&self, command: Option<&str>) {
        match (&self.mail, &self.message) {
            (_, None) => {}
            (None, Some(message)) => write_line(command, message),
            (Some(mail), Some(message)) => write_line(command, &format!("{mail}: {message}")),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let exit = match error.kind() {
            ErrorKind::Token => Exit::Data,
            ErrorKind::Io => Exit::Io,
            // A delivery's fields are settings like any other here. Kinds to come are the caller's mistakes too.
            _ => Exit::Configuration,
        };
        Failure::new(exit, error.to_string())
    }
}

/// Tells something on stderr that is no failure.
pub(super) fn say(command: Option<&str>, message: &str) {
    write_line(command, &Printable(message).to_string());
}

fn write_line(command: Option<&str>, message: &str) {
    // There is nowhere left to complain.
    let _ = match command {
        Some(command) => writeln!(io::stderr(), "openclick: {command}: {message}"),
        None => writeln!(io::stderr(), "openclick: {message}"),
    };
}

/// An I/O error in the words of the system, without Rust's `(os error 2)`, in lower case like all messages.
pub(super) struct Cause<'a>(pub(super) &'a io::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        let mut letters = text.chars();
        if let Some(first) = letters.next() {
            write!(f, "{}{}", first.to_lowercase(), letters.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_in_a_log() {
        let failure =
            Failure::usage("unexpected argument 'bob@example.org': --recipient=al@b.example, \"x@y\" found")
                .without_addresses()
                .of_mail("id@example.com");
        assert_eq!(
            failure.text(),
            "unexpected argument '<address>': --recipient=<address>, \"<address>\" found"
        );
        assert!(failure.has_mail());
    }

    #[test]
    fn causes_are_lower_case_and_short() {
        let error = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(Cause(&error).to_string(), "no such file or directory");
    }
}
