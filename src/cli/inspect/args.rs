//! The command line of `openclick inspect`.

use clap::{Arg, ArgAction, Command};

use super::super::setting::{self as s, Setting};
use super::super::{args, terminal};

const SETTINGS: &[&Setting] = &[
    &s::FORMAT,
    &s::TRACKING_DOMAIN,
    &s::ALSO_ACCEPT,
    &s::KEY_FILE,
    &s::ALLOW_OPEN_KEY_FILE,
    &s::CHARSET,
    &s::PIXEL_PLACEHOLDER,
    &s::DIALECTS,
    &s::SKIP_HOST,
    &s::URL_FORMAT,
    &s::URL_TEMPLATE,
    &s::UNSIGNED,
];

const EXPECTED: &str = "How the mail was sent";

const ABOUT: &str = "\
Reads a mail as it was received and tells whether it was tracked, and properly: a list of checks, each with pass, FAIL, warn or \
a dash for what could not be checked, and where in the source it looked. The source may be copied out of a mail program \
(\"Show original\", \"View source\"): blank lines, a `From ` line, a byte order mark, an indent or quotation marks in front do no \
harm, nor do UTF-16 and Apple Mail's .emlx. Links that Outlook Safe Links, Proofpoint, Barracuda, Google and others wrapped on \
the way are unwrapped, and so are wrappers that nobody knows, where a parameter of theirs is a tracking URL. Tracked mails that \
this one quotes are told from its own tracking.";

const HELP: &str = "\
Without a key file tokens are judged by their look alone; without a tracking domain the one in the mail is taken.

Checks:
  source                 what copying did to the source, undone
  pixel-start, -end      an open pixel stands at the start and the end of the body
  links-wrapped          every link is tracked; one that is not warns, since an opt-out leaves no
                         trace, and so does a dead one (hxxps:, //, #)
  attributes             no tracking attribute is left
  urls-whole             no tracking URL was broken by lines, encodings or escapes
  tokens                 every token is authentic, with the right host in front and nothing behind
  one-message            every token names the same message and recipient
  link-order             the links are numbered in order; one missing in between, or put in, warns
  wrappers               who wrapped links on the way
  other-tracking         who else tracks this mail
  list-unsubscribe       List-Unsubscribe and List-Unsubscribe-Post are there (RFC 8058)
  unsubscribe-untracked  the URL of List-Unsubscribe is not tracked
  dkim, arc              what the signatures cover; whether they are good is not verified here
  encoding               the transfer encoding of the HTML is sound, and every multipart ends

Exit codes: 0 no check failed, 1 a check failed, 64 usage, 65 an mbox of several, 66 no input, 74 input or output failed, 78 configuration.

Examples:
  openclick inspect received.eml
  openclick inspect --config openclick.toml --expect-all-tracked --allow '*.example.org' received.eml
  pbpaste | openclick inspect --key-file KEYS --tracking-domain t.example.com --json";

/// The command.
pub(in super::super) fn command() -> Command {
    let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("inspect")
        .about("Checks a received mail: was it tracked, and properly?")
        .long_about(ABOUT)
        .arg(args::file("The message or HTML as received; stdin without one, or for -"))
        .arg(switch("json").help("The whole result as JSON").help_heading(s::FORMAT.group))
        .arg(terminal::color().help_heading(s::FORMAT.group))
        .arg(args::config())
        .arg(switch("no-open").help("Sent without the pixel at the end").help_heading(EXPECTED))
        .arg(switch("no-initial-open").help("Sent without the pixel at the start").help_heading(EXPECTED))
        .arg(
            switch("expect-all-tracked")
                .help("Sent with every link tracked: one that is not wrapped, or was made dead, fails")
                .help_heading(EXPECTED),
        )
        .arg(
            Arg::new("allow")
                .long("allow")
                .value_name("HOST")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .help("A host whose links may be left, or *.suffix, or the value of a dead link (#); may be repeated")
                .help_heading(EXPECTED),
        )
        .args(SETTINGS.iter().map(|setting| args::flag(setting)))
        .after_help(HELP)
}
