//! Whether a run is a mail filter's, which must be known before the command line is understood: an MTA bounces the mail
//! on any exit code but 75 (measured with Postfix's pipe: 1, 64 to 70, 73, 74, 78, 101 and 127 bounce).

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};

use clap::Command;

use super::exit::Exit;
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
    pub(super) fn guess(command: &Command, arguments: &[OsString]) -> Circumstance {
        let (format, on_error) = (&setting::FORMAT, &setting::ON_ERROR);
        let variable = |setting: &Setting| std::env::var(setting.variable()).ok();
        let seen = Seen::of(command, arguments);
        let is_html = seen.format.or_else(|| variable(format)).as_deref() == Some("html");
        let passes = seen.on_error.or_else(|| variable(on_error)).as_deref() == Some("pass");
        let from_stdin = seen.rewrites && !seen.has_file;
        let filter = from_stdin && !is_html && !io::stdin().is_terminal();
        Circumstance { filter, pass: from_stdin && passes && !seen.has_output }
    }
}

/// What a glance at a command line shows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    rewrites: bool,
    has_file: bool,
    has_output: bool,
    format: Option<String>,
    on_error: Option<String>,
}

impl Seen {
    fn of(command: &Command, arguments: &[OsString]) -> Seen {
        let mut seen = Seen::default();
        let mut arguments = arguments.iter().skip(1);
        let Some(rewrite) = command.find_subcommand("rewrite") else { return seen };
        if arguments.next().is_none_or(|first| first != "rewrite") {
            return seen;
        }
        seen.rewrites = true;
        let mut after_unknown = false;
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy();
            if text == "--" {
                // What follows is a file, whatever it looks like.
                seen.has_file |= arguments.next().is_some_and(|file| file != "-");
                return seen;
            }
            if text == "-" || !text.starts_with('-') {
                // Perhaps the value of a flag that is not known.
                seen.has_file |= text != "-" && !after_unknown;
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
                "--output" => seen.has_output = true,
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
        let rewrites = || Seen { rewrites: true, ..Seen::default() };
        assert_eq!(seen("openclick"), Seen::default());
        assert_eq!(seen("openclick decode x"), Seen::default());
        assert_eq!(seen("openclick rewrite --nonsense"), rewrites());
        assert_eq!(seen("openclick rewrite --nonsense value"), rewrites());
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
    fn a_filter_tries_again_whatever_happens() {
        let filter = Circumstance { filter: true, pass: false };
        for exit in [Exit::Usage, Exit::Data, Exit::Internal, Exit::Io, Exit::Configuration] {
            assert_eq!(filter.exit(exit), Exit::TryAgain);
            assert_eq!(Circumstance::default().exit(exit), exit);
        }
    }
}
