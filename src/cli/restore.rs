//! `openclick restore`: the mail before it was made trackable.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};
use openclick::source::Message;
use openclick::{KeyRing, Options, Restored, Rewriter, TrackingDomain};
use serde::Serialize;

use super::args;
use super::exit::{Exit, Failure, say};
use super::guarded;
use super::input::{Format, Input, named};
use super::job;
use super::output::{Output, is_same, is_stdout};
use super::paste::Paste;
use super::places::Lines;
use super::sanitize::write_json;
use super::setting::{self as s, Setting};
use super::settings::Settings;
use super::summary::{counted, grouped};

const SETTINGS: &[&Setting] = &[
    &s::FORMAT,
    &s::QUIET,
    &s::TRACKING_DOMAIN,
    &s::ALSO_ACCEPT,
    &s::KEY_FILE,
    &s::ALLOW_OPEN_KEY_FILE,
    &s::CHARSET,
];

/// A byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Of more places the rest is counted.
const PLACES_SHOWN: usize = 10;

const HELP: &str = "\
Every tracking link gets its destination back, and the open pixels go. Where the author wrote destinations as HTML wants \
them (& as &amp;), the result is their mail byte for byte, but for what a rewrite took out (tracking attributes, placeholders, API \
headers), an X-Sp-Message-Id that it put in (its sender may have done so too: nothing tells the two apart), and line breaks that it \
had to make; else it is the same to a browser. Of a source that was copied out of a mail program what copying did is undone as \
`openclick inspect` does, and said on stderr. \
A link or pixel that cannot be opened stays as it is: its token is damaged, or sealed with a key that the key file does not have, or \
somebody wrote the pixel anew. Nothing is looked at in signed parts and in forwarded messages.

Exit codes: 0 all restored, 1 some links or pixels could not be opened (the rest is restored and written), 64 usage, 65 an mbox of several, 66 no input, \
73 cannot create, 74 input or output failed, 78 configuration.

Examples:
  openclick restore --config openclick.toml received.eml > original.eml
  openclick restore --tracking-domain t.example.com --key-file KEYS -o before.html after.html";

/// The command.
pub(super) fn command() -> Command {
    Command::new("restore")
        .about("Undoes a rewrite: the mail before it was made trackable, stdin or a file to stdout or a file")
        .arg(args::file("The HTML or message; stdin without one, or for -"))
        .arg(
            args::path("output", "OUT")
                .short('o')
                .help("Write here instead of stdout; the file appears under its name once it is whole")
                .help_heading(s::FORMAT.group),
        )
        .arg(
            args::path("report", "FILE")
                .help("Write what was restored, and what was not, here, as JSON; - for stdout, with -o")
                .help_heading(s::FORMAT.group),
        )
        .arg(args::config())
        .args(SETTINGS.iter().map(|setting| args::flag(setting)))
        .after_help(HELP)
}

/// The JSON report.
#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    links: u64,
    pixels: u64,
    unopened: &'a [Place],
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// What copying did to the source, which the output does not have.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    undone: &'a [String],
    bytes_in: usize,
    bytes_out: usize,
}

/// Where a link stands that stayed.
#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
}

/// Restores.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let file = named(matches);
    let output = matches.get_one::<PathBuf>("output").map(PathBuf::as_path).filter(|path| !is_stdout(path));
    let report = matches.get_one::<PathBuf>("report").map(PathBuf::as_path);
    check_paths(file, output, report)?;
    let settings = Settings::gather(matches)?;
    let rewriters = rewriters(&settings)?;
    let source = Input::open(file)?.read_whole()?;
    let format = Format::of(&settings);
    let is_message = format.is_message(&source) || format == Format::Auto && !Paste::is_html(&source);
    let paste = Paste::of(&source, !is_message);
    if paste.holds_several {
        return Err(Failure::new(
            Exit::Data,
            "expected one message, found an mbox of several: restore them one by one",
        ));
    }
    let Done { restored, unopened, is_undone } = match paste.is_copied {
        true => of_copy(&rewriters, &source, &paste)?,
        false => of_source(&rewriters, &source, is_message, settings.text(&s::CHARSET))?,
    };

    let mut output = output.map_or_else(|| Ok(Output::stdout()), Output::file)?;
    output.write_all(&restored.bytes).map_err(|error| Failure::writing(output.name(), &error))?;
    let is_shown = output.is_terminal();
    let mut report = match report {
        Some(path) if is_stdout(path) => Some(Output::stdout()),
        Some(path) => Some(Output::file(path)?),
        None => None,
    };
    if let Some(file) = &mut report {
        let report = Report {
            schema: 1,
            links: restored.links,
            pixels: restored.pixels,
            unopened: &unopened,
            limit: restored.limit,
            undone: if is_undone { &paste.undone } else { &[] },
            bytes_in: source.len(),
            bytes_out: restored.bytes.len(),
        };
        write_json(file, &report).map_err(|error| Failure::writing(file.name(), &error))?;
        file.settle()?;
    }
    output.commit()?;
    report.map_or(Ok(()), Output::commit)?;

    if is_shown && io::stderr().is_terminal() {
        // The document may end in the middle of a line.
        let _ = writeln!(io::stderr());
    }
    let quiet = settings.switch(&s::QUIET).unwrap_or(false);
    if !quiet && is_undone {
        say(
            Some("restore"),
            &format!("what copying did to the source is undone: {}", paste.undone.join(", ")),
        );
    }
    if !quiet && io::stderr().is_terminal() {
        say(
            None,
            &format!(
                "{} restored, {} taken out, {} bytes in, {} out",
                counted(restored.links, "link"),
                counted(restored.pixels, "pixel"),
                grouped(source.len() as u64),
                grouped(restored.bytes.len() as u64)
            ),
        );
    }
    match unopened.as_slice() {
        [] => match restored.limit {
            None => Ok(()),
            Some(at) => Err(Failure::new(
                Exit::Check,
                format!("more than 20,000 open elements: nothing was looked at from byte {at} on"),
            )),
        },
        places => Err(Failure::new(Exit::Check, told(places))),
    }
}

/// What was restored.
struct Done {
    restored: Restored,
    unopened: Vec<Place>,
    /// From the source without what copying did to it.
    is_undone: bool,
}

/// A mail or document as it is.
fn of_source(
    rewriters: &[Rewriter],
    source: &[u8],
    is_message: bool,
    charset: Option<&str>,
) -> Result<Done, Failure> {
    // Behind a byte order mark the first field of a header has no name that anybody knows.
    let mark: &[u8] = if is_message && source.starts_with(MARK) { MARK } else { b"" };
    let mail = &source[mark.len()..];
    let mut restored = guarded(|| restore(rewriters, mail, is_message))?;
    let unopened = places(mail, &restored, is_message, charset);
    restored.bytes.splice(0..0, mark.iter().copied());
    Ok(Done { restored, unopened, is_undone: false })
}

/// A message that was copied out of a mail program. If nothing of ours is in it, it stays as it is: it may have been no copy.
fn of_copy(rewriters: &[Rewriter], source: &[u8], paste: &Paste<'_>) -> Result<Done, Failure> {
    let mut restored = guarded(|| restore(rewriters, &paste.bytes, true))?;
    if restored.links + restored.pixels == 0 && restored.unopened.is_empty() {
        restored.bytes = source.to_vec();
        return Ok(Done { restored, unopened: Vec::new(), is_undone: false });
    }
    let mut unopened = places(&paste.bytes, &restored, true, None);
    for place in &mut unopened {
        place.line += paste.lines;
        place.column += paste.indent;
    }
    Ok(Done { restored, unopened, is_undone: true })
}

/// Before anything is read: what would destroy it.
fn check_paths(file: Option<&Path>, output: Option<&Path>, report: Option<&Path>) -> Result<(), Failure> {
    match report {
        Some(path) if is_stdout(path) && output.is_none() => {
            Err(Failure::usage("--report -: stdout takes the mail: name a file, or give -o OUT"))
        }
        Some(path) if output.is_some_and(|output| is_same(output, path)) => {
            Err(Failure::usage("-o and --report name the same file"))
        }
        Some(path) if file.is_some_and(|file| is_same(file, path)) => {
            Err(Failure::usage("FILE and --report name the same file: the report would destroy it"))
        }
        _ => Ok(()),
    }
}

/// One for each tracking domain that the settings name.
fn rewriters(settings: &Settings) -> Result<Vec<Rewriter>, Failure> {
    let domain = job::tracking_domain(settings)?;
    let keys = job::key_ring(settings)?;
    // Other formats carry the destination for their own endpoint, or not at all.
    for setting in [&s::URL_TEMPLATE, &s::URL_FORMAT] {
        if settings.text(setting).is_some_and(|format| format != "sealed") {
            return Err(settings.refuse(setting, "only sealed tracking URLs can be restored"));
        }
    }
    let mut rewriters = vec![rewriter(settings, domain, &keys)?];
    for domain in settings.list(&s::ALSO_ACCEPT).into_iter().flatten() {
        TrackingDomain::parse(domain).map_err(|error| settings.refuse(&s::ALSO_ACCEPT, error))?;
        rewriters.push(rewriter(settings, domain, &keys)?);
    }
    for domain in settings.streams().tracking_domains() {
        rewriters.push(rewriter(settings, &domain.to_string(), &keys)?);
    }
    Ok(rewriters)
}

fn rewriter(settings: &Settings, domain: &str, keys: &KeyRing) -> Result<Rewriter, Failure> {
    let options = Options::new(domain, keys.clone())?;
    let Some(label) = settings.text(&s::CHARSET) else { return Ok(options.build()?) };
    options.charset(label).build().map_err(|error| settings.refuse(&s::CHARSET, error))
}

/// Undoes what was done under each tracking domain, one after the other.
fn restore(rewriters: &[Rewriter], mail: &[u8], is_message: bool) -> Result<Restored, Failure> {
    let undo = |rewriter: &Rewriter, mail: &[u8]| match is_message {
        true => rewriter.restore_message(mail),
        false => rewriter.restore_html(mail),
    };
    let mut whole = undo(&rewriters[0], mail)?;
    for rewriter in &rewriters[1..] {
        // Where something stayed is told by its place in what came in.
        let places = undo(rewriter, mail)?.unopened;
        let further = undo(rewriter, &whole.bytes)?;
        whole.bytes = further.bytes;
        whole.links += further.links;
        whole.pixels += further.pixels;
        whole.limit = whole.limit.or(further.limit);
        whole.unopened.extend(places);
    }
    whole.unopened.sort_by_key(|link| (link.part, link.offset));
    whole.unopened.dedup();
    Ok(whole)
}

/// Where the links stand that stayed.
fn places(mail: &[u8], restored: &Restored, is_message: bool, charset: Option<&str>) -> Vec<Place> {
    if restored.unopened.is_empty() {
        return Vec::new();
    }
    let lines = Lines::new(mail, charset);
    let message = is_message.then(|| Message::parse(mail));
    let mut places = Vec::new();
    for links in restored.unopened.chunk_by(|one, other| one.part == other.part) {
        let index = links[0].part.and_then(|part| usize::try_from(part).ok());
        let part = message.as_ref().zip(index).map(|(message, index)| message.part(index));
        let text = part.as_ref().and_then(|part| part.text());
        for link in links {
            let offset = usize::try_from(link.offset).unwrap_or(usize::MAX);
            let at = text.as_ref().map_or(offset, |text| text.offset_in_message(offset));
            let (line, column) = lines.place(at);
            places.push(Place { line, column, part: part.map(|part| part.path()) });
        }
    }
    places
}

fn told(places: &[Place]) -> String {
    let count = places.len();
    let shown: Vec<_> =
        places.iter().take(PLACES_SHOWN).map(|place| format!("{}:{}", place.line, place.column)).collect();
    let more = match count - shown.len() {
        0 => String::new(),
        more => format!(" and {} more", grouped(more as u64)),
    };
    format!(
        "{} could not be opened and stayed: the token is damaged, of another key, or not where a rewrite puts it (line:column \
         {}{more})",
        counted(count as u64, "link or pixel").replace("link or pixels", "links or pixels"),
        shown.join(", ")
    )
}
