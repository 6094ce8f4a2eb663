//! Whether a run is a mail filter's, which must be known before the command line is understood: an MTA bounces the mail
//! on any exit code but 75 (measured with Postfix's pipe: 1, 64 to 70, 73, 74, 78, 101 and 127 bounce).

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::Path;

use clap::Command;

use super::exit::Exit;
use super::input::is_stdin;
use super::setting::{self, Setting};

/// What a failure means to whoever started the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Circumstance {
    /// Every failure exits with 75.
    pub(super) filter: bool,
    /// The unchanged input goes out instead, and 0.
    pub(super) pass: bool,
}

impl Circumstance {
    /// The exit code of a failure.
    pub(super) fn exit(self, exit: Exit) -> Exit {
        if self.filter { Exit::TryAgain } else { exit }
    }

    /// Judges a command line that may be beyond understanding. In doubt it is a filter's: to try again loses nothing.
    pub(super) fn guess(command: &Command, arguments: &[OsString], has_program: bool) -> Circumstance {
        let (format, on_error) = (&setting::FORMAT, &setting::ON_ERROR);
        let variable = |setting: &Setting| std::env::var(setting.variable()).ok();
        let seen = Seen::of(command, arguments);
        let is_html = seen.format.or_else(|| variable(format)).as_deref() == Some("html");
        let on_error = match seen.asked {
            // A variable is there for every command: it must not make a mistyped `decode` succeed.
            Asked::Unknown => seen.on_error,
            Asked::Rewrite | Asked::Other => seen.on_error.or_else(|| variable(on_error)),
        };
        let from_stdin = seen.asked != Asked::Other && !seen.has_file;
        let filter =
            has_program && seen.asked != Asked::Other || from_stdin && !is_html && !io::stdin().is_terminal();
        let passes = on_error.as_deref() == Some("pass");
        Circumstance { filter, pass: from_stdin && passes && !seen.has_output }
    }
}

/// What a glance at a command line shows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    asked: Asked,
    has_file: bool,
    has_output: bool,
    format: Option<String>,
    on_error: Option<String>,
}

/// Which command is asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Rewrite,
    /// Another command, which reads no mail; help, or the version.
    Other,
    /// None, or one that there is not: perhaps a misspelt `rewrite`.
    #[default]
    Unknown,
}

impl Asked {
    fn of(command: &Command, arguments: &[OsString]) -> Asked {
        let is_other = |word: &OsString| {
            let word = word.to_str().unwrap_or_default();
            matches!(word, "help" | "-h" | "--help" | "-V" | "--version")
                || command.find_subcommand(word).is_some_and(|found| found.get_name() != REWRITE)
        };
        // Flags may stand in front of the command, though they must not.
        if arguments.first().is_some_and(is_other) {
            Asked::Other
        } else if arguments.iter().any(|word| word == REWRITE) {
            Asked::Rewrite
        } else if arguments.iter().find(|word| !is_flag(word)).is_some_and(is_other) {
            Asked::Other
        } else {
            Asked::Unknown
        }
    }
}

const REWRITE: &str = "rewrite";

fn is_flag(word: &OsString) -> bool {
    word.as_encoded_bytes().starts_with(b"-") && word != "-"
}

impl Seen {
    fn of(command: &Command, arguments: &[OsString]) -> Seen {
        let arguments = arguments.get(1..).unwrap_or_default();
        let mut seen = Seen { asked: Asked::of(command, arguments), ..Seen::default() };
        let Some(rewrite) = command.find_subcommand(REWRITE) else { return seen };
        let mut arguments = arguments.iter();
        let mut is_before_command = true;
        let mut after_unknown = false;
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy();
            if text == "--" {
                // What follows is a file, whatever it looks like.
                seen.has_file |= arguments.next().is_some_and(|file| !is_stdin(Path::new(file)));
                return seen;
            }
            if !is_flag(argument) {
                if is_before_command {
                    // The command, or what stands wrongly before it.
                    is_before_command = seen.asked == Asked::Rewrite && text != REWRITE;
                } else {
                    // Perhaps the value of a flag that is not known.
                    seen.has_file |= !is_stdin(Path::new(argument)) && !after_unknown;
                }
                after_unknown = false;
                continue;
            }
            let (name, mut value) = match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (text.into_owned(), None),
            };
            let known = rewrite.get_arguments().find(|arg| {
                arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
                    || (name == "-o" && arg.get_short() == Some('o'))
            });
            after_unknown = known.is_none() && value.is_none();
            if let Some(known) = known
                && value.is_none()
                && known.get_action().takes_values()
                && !known.is_require_equals_set()
            {
                value = arguments.next().map(OsString::as_os_str).map(OsStr::to_string_lossy).map(Into::into);
            }
            match name.as_str() {
                "--format" => seen.format = value,
                "--on-error" => seen.on_error = value,
                "--output" | "--out-dir" => seen.has_output = true,
                _ if name.starts_with("-o") => (seen.has_output, after_unknown) = (true, false),
                _ => {}
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str) -> Seen {
        let arguments: Vec<OsString> = line.split(' ').map(Into::into).collect();
        Seen::of(&super::super::args::command(), &arguments)
    }

    #[test]
    fn a_glance_at_the_command_line() {
        let rewrites = || Seen { asked: Asked::Rewrite, ..Seen::default() };
        assert_eq!(seen("openclick rewrite --nonsense"), rewrites());
        assert_eq!(seen("openclick rewrite --nonsense value"), rewrites());
        assert_eq!(seen("openclick rewrite /dev/stdin"), rewrites());
        assert_eq!(seen("openclick rewrite rewrite"), Seen { has_file: true, ..rewrites() });
        assert_eq!(seen("openclick rewrite --message-id m -"), rewrites());
        assert_eq!(seen("openclick rewrite --outlook f"), Seen { has_file: true, ..rewrites() });
        assert_eq!(seen("openclick rewrite --nonsense=v f"), Seen { has_file: true, ..rewrites() });
        assert_eq!(seen("openclick rewrite -- --format"), Seen { has_file: true, ..rewrites() });
        assert_eq!(
            seen("openclick rewrite -oout f"),
            Seen { has_output: true, has_file: true, ..rewrites() }
        );
        assert_eq!(seen("openclick rewrite -o f"), Seen { has_output: true, ..rewrites() });
        let html = Seen { format: Some("html".into()), on_error: Some("pass".into()), ..rewrites() };
        assert_eq!(seen("openclick rewrite --format html --on-error=pass"), html);
    }

    #[test]
    fn which_command_is_asked_for() {
        for (line, asked) in [
            ("openclick", Asked::Unknown),
            ("openclick rewrit", Asked::Unknown),
            ("openclick --quiet", Asked::Unknown),
            ("openclick --format auto", Asked::Unknown),
            ("openclick --quiet rewrite", Asked::Rewrite),
            ("openclick --config f --nonsense x rewrite", Asked::Rewrite),
            ("openclick --config decode rewrite", Asked::Rewrite),
            ("openclick decode rewrite", Asked::Other),
            ("openclick key nonsense", Asked::Other),
            ("openclick --quiet decode", Asked::Other),
            ("openclick help rewrite", Asked::Other),
            ("openclick --version", Asked::Other),
        ] {
            let seen = seen(line);
            assert_eq!(seen.asked, asked, "{line}");
            assert!(!seen.has_file || asked == Asked::Other, "{line}");
        }
        let file = seen("openclick --quiet rewrit in.html");
        assert_eq!(file, Seen { has_file: true, ..Seen::default() });
        let file = seen("openclick --on-error pass --quiet rewrite in.html");
        assert_eq!(
            (file.asked, file.has_file, file.on_error.as_deref()),
            (Asked::Rewrite, true, Some("pass"))
        );
    }

    #[test]
    fn a_filter_tries_again_whatever_happens() {
        let filter = Circumstance { filter: true, pass: false };
        for exit in [Exit::Usage, Exit::Data, Exit::Internal, Exit::Io, Exit::Configuration] {
            assert_eq!(filter.exit(exit), Exit::TryAgain);
            assert_eq!(Circumstance::default().exit(exit), exit);
        }
    }
}
