//! The command line of `render`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

use super::super::args::{config, flag, of_mail, path};
use super::super::setting::{self as s, Setting};

/// What is wanted of templates.
pub(in super::super) const SETTINGS: &[&Setting] = &[&s::QUIET, &s::MERGE_SYNTAX];

const LIST: &str = "The list";
const OUTPUT: &str = "Where the mail goes";
const HEADER: &str = "The header of a message";

const COLUMNS: &str = "\
The list has one recipient a row: CSV (UTF-8, with a line of names first), or JSON Lines (one object a line; {\"order\":{\"id\":7}} \
is `order.id`). Every column is a merge field of its name. Some mean more: `email` (must be there), `message_id`, \
`open_tracking`, `click_tracking` (true, false, 1, 0, yes, no, or empty; they only ever switch off), `unsubscribe` (true: no mail), \
`campaign`, `subaccount`, `pool`.";

const EXITS: &str = "\
Exit codes: 0 every row is done, 1 a row failed or was not reached, 64 usage, 65 template and list do not fit each other, \
66 a file cannot be opened, 73 cannot create an output, 74 input or output failed, 78 configuration.";

const EXAMPLES: &str = "\
Examples:
  openclick render --config openclick.toml --template news.eml --recipients list.csv --dry-run --report failed.jsonl
  openclick render --config openclick.toml --template news.html --recipients list.csv --out-dir out
  openclick render --config openclick.toml --template news.eml --recipients list.csv --mbox news.mbox
  openclick render --config openclick.toml --template news.eml --recipients list.jsonl --lmtp 127.0.0.1:24 \\
      --list-unsubscribe 'https://news.example.com/u?m={{email}}' --to-name name
  openclick render --config openclick.toml --template news.eml --recipients list.csv --exec sendmail -i -- {}";

/// The command.
pub(in super::super) fn command() -> Command {
    let settings = SETTINGS.iter().copied().chain(of_mail());
    // Every row has its own.
    let of_one = [s::MESSAGE_ID.name, s::RECIPIENT.name];
    Command::new("render")
        .about("Renders a template for every recipient of a list: files, an mbox, a program, LMTP")
        .long_about(
            "Reads a template once, HTML or a message with merge fields, and renders it, trackable, for every recipient of a \
             list. The list is streamed: it may be of any length. A row that fails is told and left out, and the others go on.",
        )
        .arg(path("template", "FILE").required(true).help("HTML or a message, with merge fields: {{name}}, {{name or 'friend'}}"))
        .arg(path("recipients", "FILE").required(true).help("The list: .csv, or .jsonl").help_heading(LIST))
        .arg(
            Arg::new("recipient-column")
                .long("recipient-column")
                .value_name("COLUMN")
                .help("Holds the addresses [default: email]")
                .help_heading(LIST),
        )
        .arg(
            Arg::new("delimiter")
                .long("delimiter")
                .value_name("CHAR")
                .help("Stands between the columns of a CSV; `tab` for a tab [default: ,]")
                .help_heading(LIST),
        )
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("ROWS")
                .value_parser(value_parser!(u64))
                .help("Do so many rows and end")
                .help_heading(LIST),
        )
        .arg(
            Arg::new("allow-other-tags")
                .long("allow-other-tags")
                .action(ArgAction::SetTrue)
                .help("Let merge tags that are no fields stay as they are: {{#if paid}}"),
        )
        .arg(
            path("out-dir", "DIR")
                .value_hint(ValueHint::DirPath)
                .help("A file for each row into this folder, named by the row's number")
                .help_heading(OUTPUT),
        )
        .arg(
            path("mbox", "FILE")
                .num_args(0..=1)
                .default_missing_value("-")
                .help("One mbox (mboxrd), in the order of the list; stdout without a name")
                .help_heading(OUTPUT),
        )
        .arg(
            Arg::new("lmtp")
                .long("lmtp")
                .value_name("ADDR")
                .help("To an LMTP server of this machine: 127.0.0.1:24, [::1]:24, or the path of a socket")
                .help_heading(OUTPUT),
        )
        .arg(
            Arg::new("exec")
                .long("exec")
                .num_args(1..)
                .value_names(["CMD", "ARG"])
                .allow_hyphen_values(true)
                .help("To this program's stdin, once for each row; {} is the recipient. All that follows is its own")
                .help_heading(OUTPUT),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Render everything, tell what fails, and let nothing out")
                .help_heading(OUTPUT),
        )
        .arg(
            Arg::new("jobs")
                .long("jobs")
                .value_name("N")
                .value_parser(value_parser!(u16).range(1..=1024))
                .help("So many at once [default: one for each core]")
                .help_heading(OUTPUT),
        )
        .arg(
            Arg::new("retries")
                .long("retries")
                .value_name("N")
                .value_parser(value_parser!(u8).range(0..=20))
                .help("With --lmtp: try again so often what is refused for now (4xx) [default: 3]")
                .help_heading(OUTPUT),
        )
        .arg(
            path("report", "FILE")
                .help("Write the rows that failed here, as lines of JSON; - for stdout")
                .help_heading(OUTPUT),
        )
        .arg(
            path("journal", "FILE")
                .help("Holds which rows are done [default: in DIR, or beside the mbox or the list]")
                .help_heading(OUTPUT),
        )
        .arg(
            Arg::new("resume")
                .long("resume")
                .action(ArgAction::SetTrue)
                .help("Go on where a run stopped: rows that its journal has are done, those that failed are tried again")
                .help_heading(OUTPUT),
        )
        .arg(
            Arg::new("job")
                .long("job")
                .value_name("NAME")
                .help("Message ids that are made come from this name and the row's number [default: random]")
                .help_heading(s::CAMPAIGN.group),
        )
        .arg(
            Arg::new("header")
                .long("header")
                .value_name("FIELD")
                .action(ArgAction::Append)
                .help("A field, with merge fields: 'X-Order: {{order}}'; in place of the template's; may be repeated")
                .help_heading(HEADER),
        )
        .arg(
            Arg::new("to-name")
                .long("to-name")
                .value_name("COLUMN")
                .help("The name that stands beside the address in To")
                .help_heading(HEADER),
        )
        .arg(
            Arg::new("sender")
                .long("sender")
                .value_name("ADDRESS")
                .help("The envelope's sender, of --lmtp and --mbox; <> for none [default: the address in From]")
                .help_heading(HEADER),
        )
        .arg(config())
        .args(settings.filter(|setting| !of_one.contains(&setting.name)).map(|setting| match setting.name {
            "list-unsubscribe" => flag(setting)
                .help(
                    "A URL with merge fields, which fills List-Unsubscribe and, if it is https, List-Unsubscribe-Post; \
                     it is never tracked; may be repeated",
                )
                .help_heading(HEADER),
            _ => flag(setting),
        }))
        .after_help(format!("{COLUMNS}\n\n{EXAMPLES}"))
        .after_long_help(format!("{COLUMNS}\n\n{EXITS}\n\n{EXAMPLES}"))
}

/// The path that a flag names.
pub(super) fn path_of<'m>(matches: &'m clap::ArgMatches, name: &str) -> Option<&'m PathBuf> {
    matches.get_one(name)
}
