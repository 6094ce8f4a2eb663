//! The command: flags, variables and the file become settings, settings become work, work ends in an exit code.
//!
//! It uses the library as anybody else does, through its public items.

mod args;
mod batch;
mod config;
mod decode;
mod exec;
mod exit;
mod filter;
mod input;
mod inspect;
mod job;
mod job_id;
mod keys;
mod lines;
mod lint;
mod output;
mod pages;
mod paste;
mod places;
mod preview;
mod progress;
mod render;
mod restore;
mod rewrite;
mod sanitize;
mod setting;
mod settings;
mod stop;
mod streams;
mod summary;
mod terminal;
mod time;
mod trackers;

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::error::ErrorKind;

use self::exec::Program;
use self::exit::{Exit, Failure};
use self::filter::Circumstance;

/// Runs the command line of the process.
pub(crate) fn main() -> ExitCode {
    let (arguments, program) = exec::split(std::env::args_os().collect());
    let command = args::command();
    let circumstance = Cell::new(Circumstance::guess(&command, &arguments, program.is_some()));
    quiet_panics();
    outlive_file_size_limit();
    match guarded(|| run(command, &arguments, program.as_ref(), &circumstance)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let failure = if circumstance.get().filter { for_log(failure) } else { failure };
            failure.report(name(&arguments));
            ExitCode::from(failure.code.unwrap_or(circumstance.get().exit(failure.exit) as u8))
        }
    }
}

/// What a mail filter says goes into a log, which must tell the mail and no address.
fn for_log(failure: Failure) -> Failure {
    let failure = failure.without_addresses();
    // A command line that was not understood never came to reading the mail.
    let is_early = matches!(failure.exit, Exit::Usage | Exit::NoInput);
    if failure.has_mail() || !is_early || io::stdin().is_terminal() {
        return failure;
    }
    match input::Input::open(None).and_then(|mut input| input.read_whole()) {
        Ok(mail) => rewrite::named(failure, &mail),
        Err(_) => failure,
    }
}

/// Works; a panic is a failure like any other, told in one line with the mail's name.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let outer = GUARDED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.unwrap_or_else(|_| Err(Failure::new(Exit::Internal, internal_error(PANICKED.take()))))
}

thread_local! {
    /// A failure will tell of a panic in this thread.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// The place of the last panic.
    static PANICKED: Cell<Option<String>> = const { Cell::new(None) };
}

fn internal_error(place: Option<String>) -> String {
    format!(
        "internal error{}: this is a bug (RUST_BACKTRACE=1 shows more, which may quote the input)",
        place.map(|place| format!(" at {place}")).unwrap_or_default()
    )
}

fn run(
    command: clap::Command,
    arguments: &[OsString],
    program: Option<&Program>,
    circumstance: &Cell<Circumstance>,
) -> Result<(), Failure> {
    let matches = match command.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return explain(&error, name(arguments), program, circumstance.get()),
    };
    match matches.subcommand() {
        Some(("rewrite", matches)) => rewrite::run(matches, program, circumstance),
        Some(("render", matches)) => render::run(matches, program),
        Some((name, _)) if program.is_some() => {
            Err(Failure::usage(format!("--exec: {name} starts no program")))
        }
        Some(("preview", matches)) => preview::run(matches),
        Some(("lint", matches)) => lint::run(matches),
        Some(("decode", matches)) => decode::run(matches),
        Some(("inspect", matches)) => inspect::run(matches),
        Some(("restore", matches)) => restore::run(matches),
        Some(("key", matches)) => keys::run(matches),
        Some(("job-id", matches)) => job_id::run(matches),
        Some(("completions", matches)) => pages::completions(matches),
        Some(("man", matches)) => pages::man(matches),
        _ => Err(Failure::usage("expected a command; try `openclick --help`")),
    }
}

/// Help and version go to stdout; a command line beyond understanding is a failure, unless the mail is to pass.
fn explain(
    error: &clap::Error,
    name: Option<&str>,
    program: Option<&Program>,
    circumstance: Circumstance,
) -> Result<(), Failure> {
    // With a program there is a mail, which an answer and a 0 would lose.
    if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind()
        && program.is_some()
    {
        let failure = Failure::usage("help and version take no --exec: no mail was delivered");
        return match circumstance.pass {
            true => rewrite::pass_stdin(failure, name, program),
            false => Err(failure),
        };
    }
    if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind() {
        return error.print().map_err(|error| Failure::writing("standard output", &error));
    }
    if let ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand = error.kind() {
        // Nothing was asked: the answer is the help, and that nothing was done.
        let _ = error.print();
        return Err(Failure::quiet(Exit::Usage));
    }
    let failure = Failure::misunderstood(error, circumstance.filter);
    match circumstance.pass {
        true => rewrite::pass_stdin(failure, name, program),
        false => Err(failure),
    }
}

/// The command's name for messages, if it is one.
fn name(arguments: &[OsString]) -> Option<&str> {
    let name = arguments.get(1)?.to_str()?;
    args::command().find_subcommand(name).and(Some(name))
}

/// Where a file may not grow any more (`ulimit -f`), the write is to fail, as on a full disk: the signal would end the
/// process in the middle, which some MTAs take for a bounce.
fn outlive_file_size_limit() {
    #[cfg(unix)]
    {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        // POSIX: raised with `write`'s EFBIG. A handler that does nothing leaves that.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    }
}

/// A panic's own words may quote the mail: only its place is told, unless a developer asks for more.
fn quiet_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        return;
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        match GUARDED.get() {
            true => PANICKED.set(place),
            false => drop(writeln!(io::stderr(), "openclick: {}", internal_error(place))),
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        let failure = guarded::<()>(|| panic!("on purpose")).unwrap_err();
        assert_eq!(failure.exit, Exit::Internal);
        assert!(format!("{failure:?}").contains("internal error"), "{failure:?}");
        assert!(!GUARDED.get());
        assert_eq!(Circumstance { filter: true, pass: false }.exit(failure.exit), Exit::TryAgain);
        assert!(guarded(|| Ok(())).is_ok());
    }
}
