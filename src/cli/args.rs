//! The command line as clap sees it. Settings become flags here from their one table; what they mean is decided in
//! `settings`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use super::setting::{self as s, Setting, Shape};
use super::{lint, preview, render};

/// The settings of `rewrite`, in the order of its help.
const REWRITE: &[&Setting] = &[
    &s::FORMAT,
    &s::ON_ERROR,
    &s::QUIET,
    &s::TRACKING_DOMAIN,
    &s::KEY_FILE,
    &s::ALLOW_OPEN_KEY_FILE,
    &s::MESSAGE_ID,
    &s::RECIPIENT,
    &s::CAMPAIGN,
    &s::CUSTOMER_ID,
    &s::POOL,
    &s::SUBACCOUNT,
    &s::LIST_UNSUBSCRIBE,
    &s::NO_CONSENT,
    &s::ON_SIGNED,
    &s::STRIP_API_HEADERS,
    &s::SEALED_AT,
    &s::EXPIRES,
    &s::EXTENSION,
    &s::CLICK_TRACKING,
    &s::OPEN_TRACKING,
    &s::INITIAL_OPEN,
    &s::TEXT_LINKS,
    &s::OUTLOOK,
    &s::PIXEL_PLACEHOLDER,
    &s::CHARSET,
    &s::REPORT_LINKS,
    &s::ENGINE,
    &s::DIALECTS,
    &s::SKIP_HOST,
    &s::VISIBLE_URL,
    &s::MAX_LINKS,
    &s::MAX_TARGET_LENGTH,
    &s::MAX_URL_LENGTH,
    &s::URL_FORMAT,
    &s::URL_TEMPLATE,
    &s::UNSIGNED,
];

const DECODE: &[&Setting] = &[&s::TRACKING_DOMAIN, &s::ALSO_ACCEPT, &s::KEY_FILE, &s::ALLOW_OPEN_KEY_FILE];

const KEY: &[&Setting] = &[&s::KEY_FILE, &s::ALLOW_OPEN_KEY_FILE];

const SETTINGS_HELP: &str = "\
Settings: every flag but -o, --out-dir, --resume, --report, --exec, --explain and --config is also a variable (OPENCLICK_TRACKING_DOMAIN) and a key of the file \
that --config or OPENCLICK_CONFIG names (tracking-domain = \"t.example.com\"). A flag stands above a variable, a variable \
above the file. A BOOL alone means true; --outlook=false needs the equals sign.";

const REWRITE_EXAMPLES: &str = "\
Examples:
  openclick rewrite --config openclick.toml --message-id M --recipient R news.html > out.html
  openclick rewrite --config openclick.toml -o out.html --report report.json news.html
  openclick rewrite --config openclick.toml in.eml > out.eml
  openclick rewrite --config openclick.toml --out-dir out Maildir outbox.mbox newsletters/ a.eml
  make-html | openclick rewrite --format html --tracking-domain t.example.com --key-file KEYS
  openclick rewrite --config /etc/openclick.toml --exec sendmail -G -i -f SENDER -- RECIPIENT < in.eml";

const REWRITE_EXITS: &str = "\
Exit codes: 0 done, 1 with --out-dir: a mail failed, 64 usage, 65 bad data, 66 no input, 70 internal, 73 cannot create, \
74 input or output failed (also a closed pipe), 78 configuration. As a mail filter (with --exec, or input from stdin that \
is no terminal, and not --format html) every failure exits with 75: an MTA bounces the mail on the other codes, and tries \
again on 75.";

const DECODE_EXAMPLES: &str = "\
Prints one line of JSON for each URL, in order. A URL that is not valid gives {\"error\":{\"kind\":…,\"message\":…},\
\"input\":…}, and 65 as exit code at the end.

Examples:
  openclick decode --key-file KEYS --tracking-domain t.example.com https://t.example.com/IGVN…
  grep -o 'https://t[.]example[.]com/[^ ]*' access.log | openclick decode --config openclick.toml";

const KEY_EXAMPLES: &str = "\
A new key comes into use in two steps, because every machine that reads links must know it before \
the first is made:

  openclick key new > KEYS                 the first key, in a file of mode 0600
  openclick key add --key-file KEYS        a further key, accepted: deploy the file
  openclick key promote 1 --key-file KEYS  now it makes the links: deploy again
  openclick key retire 0 --key-file KEYS   once no mail of the old key matters
  openclick key rotate --key-file KEYS     shows these steps with the right slots";

const JOB_ID_EXAMPLES: &str = "\
Each character but A-Z a-z 0-9 and !#$%&'()*+,-./:;<=>?@[\\]^_{|}~ becomes one _. The header X-Job itself is never changed.

Examples:
  openclick job-id 'Spring sale'           prints Spring_sale
  openclick job-id --check < campaigns.txt";

/// The whole command.
pub(super) fn command() -> Command {
    Command::new("openclick")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Makes HTML mail trackable without harming it")
        .long_about(
            "Makes HTML mail trackable without harming it: sealed click links, open pixels, and every other byte as it \
             was.",
        )
        .after_help("Try `openclick rewrite --help`.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(rewrite())
        .subcommand(render::command())
        .subcommand(preview::command())
        .subcommand(super::inspect::command())
        .subcommand(super::restore::command())
        .subcommand(lint::command())
        .subcommand(decode())
        .subcommand(key())
        .subcommand(job_id())
        .subcommand(completions())
        .subcommand(man())
}

fn rewrite() -> Command {
    Command::new("rewrite")
        .about("Rewrites HTML or a mail message: stdin or a file to stdout, a file or a program")
        .long_about(
            "Rewrites HTML or a mail message: links become tracking links, open pixels are put in, tracking attributes \
             come out, and every other byte stays. HTML streams: a document of any size takes little memory, and output \
             begins before the input ends. A message is written once its whole output is known.",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .num_args(0..)
                .help("The HTML or message; stdin without one, or for -. With --out-dir: files, mboxes, Maildirs, folders")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::AnyPath),
        )
        .arg(
            path("output", "OUT")
                .short('o')
                .help("Write here instead of stdout; the file appears under its name once it is whole")
                .help_heading(s::FORMAT.group),
        )
        .arg(
            path("out-dir", "DIR")
                .value_hint(ValueHint::DirPath)
                .help("Rewrite many files into this folder, under their own names, on all cores")
                .help_heading(s::FORMAT.group),
        )
        .arg(
            Arg::new("resume")
                .long("resume")
                .action(ArgAction::SetTrue)
                .requires("out-dir")
                .help("Go on where a run with --out-dir stopped: what is there already is whole, and skipped")
                .help_heading(s::FORMAT.group),
        )
        .arg(
            path("report", "FILE")
                .help(
                    "Write what was done to each link and pixel here, as JSON, with --out-dir one line for each \
                     message; - for stdout, with -o or --out-dir",
                )
                .help_heading(s::FORMAT.group),
        )
        .arg(
            Arg::new("exec")
                .long("exec")
                .num_args(1..)
                .value_names(["CMD", "ARG"])
                .allow_hyphen_values(true)
                .help("Give the finished mail to this program's stdin; its exit code comes back. All that follows is its own")
                .help_heading(s::FORMAT.group),
        )
        .arg(
            Arg::new("explain")
                .long("explain")
                .action(ArgAction::SetTrue)
                .help("Tell on stderr which stream a message belongs to, and where each setting came from")
                .help_heading(s::FORMAT.group),
        )
        .arg(config())
        .args(REWRITE.iter().map(|setting| flag(setting)))
        .after_help(format!("{SETTINGS_HELP}\n\n{REWRITE_EXAMPLES}"))
        .after_long_help(format!("{SETTINGS_HELP}\n\n{REWRITE_EXITS}\n\n{REWRITE_EXAMPLES}"))
}

fn decode() -> Command {
    Command::new("decode")
        .about("Reads tracking URLs: arguments, or lines of stdin, to lines of JSON")
        .arg(
            Arg::new("url")
                .value_name("URL")
                .num_args(0..)
                .help("Tracking URLs or bare tokens; without any, lines of stdin"),
        )
        .arg(config())
        .args(DECODE.iter().map(|setting| flag(setting)))
        .after_help(DECODE_EXAMPLES)
}

fn key() -> Command {
    let with_file = |command: Command| command.arg(config()).args(KEY.iter().map(|setting| flag(setting)));
    let slot = |help: &'static str| {
        Arg::new("slot")
            .value_name("SLOT")
            .required(true)
            .value_parser(value_parser!(u8).range(0..32))
            .help(help)
    };
    Command::new("key")
        .about("Makes and rotates the keys that seal tracking links")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(Command::new("new").about("Prints a key file with one new key, for `> KEYS`").arg(
            path("key-file", "FILE").help("Make this file instead of printing; it must not be there yet"),
        ))
        .subcommand(with_file(
            Command::new("add").about("Adds a new key, accepted but not used yet").arg(
                Arg::new("reuse-slot")
                    .long("reuse-slot")
                    .value_name("SLOT")
                    .value_parser(value_parser!(u8).range(0..32))
                    .help("Take the place of a retired key; links of that key are then called forged"),
            ),
        ))
        .subcommand(with_file(
            Command::new("promote")
                .about("Makes an accepted key the one that seals")
                .arg(slot("The slot of the accepted key")),
        ))
        .subcommand(with_file(
            Command::new("retire")
                .about("Refuses the links of an accepted key from now on")
                .arg(slot("The slot of the key")),
        ))
        .subcommand(with_file(
            Command::new("rotate").about("Shows the steps of a rotation, and does nothing"),
        ))
        .subcommand(with_file(
            Command::new("list")
                .about("Lists slots and states, never a secret")
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Lines of JSON")),
        ))
        .after_help(KEY_EXAMPLES)
}

fn job_id() -> Command {
    Command::new("job-id")
        .about("Makes names into job ids for PowerMTA's X-Job: arguments, or lines of stdin")
        .arg(Arg::new("name").value_name("NAME").num_args(0..).help("Names; without any, lines of stdin"))
        .arg(Arg::new("check").long("check").action(ArgAction::SetTrue).help(
            "Change nothing: show the first wrong character of each name that is no job id, and exit with 1",
        ))
        .after_help(JOB_ID_EXAMPLES)
}

fn completions() -> Command {
    Command::new("completions")
        .about("Prints the completions of a shell")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(clap_complete::Shell))
                .help("The shell"),
        )
        .after_help(
            "Example:\n  openclick completions bash > ~/.local/share/bash-completion/completions/openclick",
        )
}

fn man() -> Command {
    Command::new("man")
        .about("Prints the manual pages, as roff")
        .arg(Arg::new("page").value_name("PAGE").help(
            "One page, such as openclick, openclick-rewrite or openclick-key-add; without it all of them",
        ))
        .after_help("Example:\n  openclick man openclick-rewrite | man -l -")
}

/// The settings of `rewrite` that decide what becomes of a mail, for commands that look at one.
pub(super) fn of_mail() -> impl Iterator<Item = &'static Setting> {
    let is_of_output = |setting: &Setting| [s::ON_ERROR.name, s::QUIET.name].contains(&setting.name);
    REWRITE.iter().copied().filter(move |setting| !is_of_output(setting))
}

/// The one file of a command.
pub(super) fn file(help: &'static str) -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .help(help)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
}

pub(super) fn config() -> Arg {
    path("config", "FILE")
        .help("Settings in TOML [also: OPENCLICK_CONFIG]")
        .help_heading(s::TRACKING_DOMAIN.group)
}

pub(super) fn path(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
}

pub(super) fn flag(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .value_name(setting.value)
        .help(setting.help)
        .help_heading(setting.group)
        // The help names the words itself, with what they mean.
        .hide_possible_values(!matches!(setting.shape, Shape::Words(_)));
    match setting.shape {
        Shape::Text | Shape::Count | Shape::Day | Shape::Time => arg,
        Shape::Path => arg.value_parser(value_parser!(PathBuf)).value_hint(ValueHint::FilePath),
        Shape::Switch => arg
            .num_args(0..=1)
            // Else `--outlook FILE` would take the file for the value.
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(PossibleValuesParser::new(["true", "false"])),
        Shape::Choice(words) => arg.value_parser(PossibleValuesParser::new(words)),
        Shape::Words([]) => arg.action(ArgAction::Append).value_delimiter(','),
        Shape::Words(words) => {
            arg.action(ArgAction::Append).value_delimiter(',').value_parser(PossibleValuesParser::new(words))
        }
        Shape::Texts => arg.action(ArgAction::Append),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_setting_is_a_flag_somewhere() {
        for setting in s::ALL {
            let listed = [REWRITE, DECODE, KEY, lint::SETTINGS, render::SETTINGS]
                .concat()
                .iter()
                .any(|other| other.name == setting.name);
            assert!(listed, "{}", setting.name);
        }
    }
}
