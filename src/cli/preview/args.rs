//! The command line of `openclick preview`.

use std::path::PathBuf;

use clap::{Arg, Command, ValueHint, value_parser};

use super::super::args::{REWRITE, config, flag};
use super::page;

/// The command.
pub(in super::super) fn command() -> Command {
    Command::new("preview")
        .about("Shows what a rewrite would do to a mail")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .help("The HTML or message; stdin without one, or for -")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath),
        )
        .args(page::args())
        .arg(config())
        .args(
            REWRITE
                .iter()
                .filter(|setting| !matches!(setting.name, "on-error" | "quiet"))
                .map(|setting| flag(setting)),
        )
}
