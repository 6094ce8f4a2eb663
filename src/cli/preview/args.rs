//! The command line of `preview`.

use clap::{Arg, ArgAction, ArgGroup, Command};

use super::super::args::{config, file, flag, of_mail};
use super::super::terminal;
use super::page;

const OUTPUT: &str = "What is shown";

const EXAMPLES: &str = "\
Without any configuration a key is made and thrown away, and links lead to https://track.example.com. With --config, \
variables or flags it shows what `openclick rewrite` would do with them. Nothing is sent or changed.

Examples:
  openclick preview newsletter.html
  openclick preview --config openclick.toml mail.eml
  openclick preview --diff newsletter.html | less -R
  openclick preview --diff --all newsletter.html > tracking.patch
  openclick preview newsletter.html --html page.html --open
  openclick preview --serve 8025 newsletter.html
  openclick preview --json mail.eml | jq -r '.report.links[] | select(.verdict == \"left\") | .reason'";

const EXITS: &str = "\
Exit codes: 0 done, whatever the mail is like, 64 usage, 66 no input, 70 internal, 74 input or output failed (also a closed \
pipe), 78 configuration.";

/// The command.
pub(in super::super) fn command() -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help).help_heading(OUTPUT)
    };
    Command::new("preview")
        .about("Shows what a rewrite would do to HTML or a mail message")
        .long_about(
            "Shows what a rewrite would do to HTML or a mail message: each link with the verdict and its reason, the \
             pixels, what is taken out, the parts, the size against Gmail's limit, and warnings. Lines are those of the \
             file as it is. Of a signed mail, which would pass as it is, it shows what would be tracked if it were not \
             signed. It needs no configuration and changes nothing.",
        )
        .arg(file("The HTML or message; stdin without one, or for -"))
        .arg(
            switch("diff", "Show the decoded source before and after, as `diff -u` does; of long lines what changes")
                .conflicts_with("json"),
        )
        .arg(switch("json", "Show everything as JSON, for programs"))
        .arg(
            switch("json-schema", "Print the JSON Schema of --json, and do nothing else")
                .conflicts_with_all(["diff", "json", "file"]),
        )
        .arg(switch("all", "Show every row, and with --diff whole lines: a patch for UTF-8 with LF line ends"))
        .arg(terminal::color().help_heading(OUTPUT))
        .args(page::args())
        .group(ArgGroup::new("page").args(["html", "open", "serve"]).multiple(true).conflicts_with_all(["diff", "json", "json-schema"]))
        .arg(config())
        .args(of_mail().map(flag))
        .after_help(EXAMPLES)
        .after_long_help(format!("{EXITS}\n\n{EXAMPLES}"))
}
