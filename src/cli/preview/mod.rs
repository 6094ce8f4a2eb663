//! `openclick preview`: what a rewrite would do to a mail.

mod args;
pub(super) mod look;
mod page;
mod serve;

pub(super) use self::args::command;

use clap::ArgMatches;

use self::look::Looker;
use super::exit::Failure;

/// Shows what a rewrite would do.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let looker = Looker::new(matches)?;
    match page::is_asked(matches) {
        true => page::run(matches, looker),
        false => Err(Failure::usage("expected --html OUT, --open or --serve")),
    }
}
