//! The command line of `lint`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint, value_parser};

use super::super::args::{config, flag, of_mail, path};
use super::super::setting::{self as s, Setting};
use super::super::terminal::color;

/// What is wanted of findings.
pub(in super::super) const SETTINGS: &[&Setting] = &[&s::LINT_ALLOW, &s::LINT_DENY, &s::QUIET];

const EXITS: &str = "\
Exit codes: 0 nothing denied, 1 an error or something denied was found, 64 usage, 66 a file cannot be read, 74 the output \
cannot be written, 78 configuration.";

const EXAMPLES: &str = "\
Examples:
  openclick lint newsletter.html
  openclick lint templates/ --deny warnings --allow OC202
  openclick lint --explain OC106
  openclick lint --output-format sarif -o lint.sarif templates/    for code scanning
  make-mail | openclick lint --config openclick.toml -";

/// The command.
pub(in super::super) fn command() -> Command {
    Command::new("lint")
        .about("Warns of what harms a mailing: files, folders or stdin")
        .long_about(
            "Reads HTML and mail messages as `rewrite` would track them, and tells what harms a mailing: what Gmail clips, \
             links that mislead or lead nowhere, copies that differ, markup that moves the pixels, missing headers, charsets \
             that contradict each other. Without a key file a key is made and thrown away, and without a tracking domain either an example stands in.",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .num_args(0..)
                .help("HTML, messages, or folders of them; stdin without one, or for -")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::AnyPath),
        )
        .arg(
            Arg::new("explain")
                .long("explain")
                .value_name("CODE")
                .conflicts_with("file")
                .help("Tell what a code means, why it matters and what to do; `all` for all of them"),
        )
        .arg(
            Arg::new("output-format")
                .long("output-format")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new(["text", "json", "sarif"]))
                .help("How findings are printed; sarif: SARIF 2.1.0 for code scanning [default: text]"),
        )
        .arg(path("output", "OUT").short('o').help("Write here instead of stdout; the file appears once it is whole"))
        .arg(color())
        .arg(config())
        .args(SETTINGS.iter().copied().chain(of_mail()).map(|setting| match setting.name {
            // Within this command the short words are clear; those of variables and the file do as well.
            "lint-allow" => flag(setting).long("allow").alias(setting.name),
            "lint-deny" => flag(setting).long("deny").alias(setting.name),
            _ => flag(setting),
        }))
        .after_help(EXAMPLES)
        .after_long_help(format!("{EXITS}\n\n{EXAMPLES}"))
}
