//! `openclick completions` and `openclick man`: what packagers install beside the program.

use std::io::Write;

use clap::{ArgMatches, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::command;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Prints the completions of a shell.
pub(super) fn completions(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(shell) = matches.get_one::<Shell>("shell") else {
        return Err(Failure::usage("expected a shell"));
    };
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut command(), "openclick", &mut script);
    print(&script)
}

/// Prints one manual page, or all of them one after another.
pub(super) fn man(matches: &ArgMatches) -> Result<(), Failure> {
    let mut root = command();
    root.build();
    let mut pages = Vec::new();
    collect(&root, "openclick", &mut pages);
    let asked = matches.get_one::<String>("page");
    let mut roff = Vec::new();
    for (name, command) in &pages {
        if asked.is_none_or(|asked| asked == name) {
            render(name, command, &mut roff).map_err(|error| {
                Failure::new(Exit::Internal, format!("cannot make the page {name}: {error}"))
            })?;
        }
    }
    if roff.is_empty() {
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Failure::usage(format!("expected one of the pages {}", names.join(", "))));
    }
    print(&roff)
}

fn collect<'a>(command: &'a Command, name: &str, pages: &mut Vec<(String, &'a Command)>) {
    pages.push((name.to_owned(), command));
    // `help` is no command to read about.
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        collect(sub, &format!("{name}-{}", sub.get_name()), pages);
    }
}

fn render(name: &str, command: &Command, roff: &mut Vec<u8>) -> std::io::Result<()> {
    let version = concat!("openclick ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).title(name).source(version).manual("openclick").render(roff)
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut output = Output::stdout();
    output.write_all(bytes).map_err(|error| Failure::writing(output.name(), &error))?;
    output.commit()
}
