//! `openclick preview --html`: one page that shows a mail before and after, needs nothing else and loads nothing.
//!
//! The mail is hostile. It is data to the page, and reaches frames that run no script, under a policy that allows no request.

mod css;
mod data;
mod inline;
mod remote;
mod size;
mod splice;
mod utf16;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgAction, ArgMatches};
use sha2::{Digest, Sha256};

use super::super::args::path;
use super::super::exit::{Cause, Exit, Failure, say};
use super::super::lint;
use super::super::output::{Output, is_same, is_stdout};
use super::super::sanitize::Printable;
use super::look::{Look, Looker};
use super::serve;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The heading of these flags in the help.
const HEADING: &str = "Page";

/// The flags of the page.
pub(in super::super) fn args() -> Vec<Arg> {
    vec![
        path("html", "OUT")
            .help("Write one page that shows the mail before and after, with its links; - for stdout")
            .help_heading(HEADING),
        Arg::new("open")
            .long("open")
            .action(ArgAction::SetTrue)
            .help("Show the page in the browser; without --html and --serve from a temporary file")
            .help_heading(HEADING),
        Arg::new("load-remote")
            .long("load-remote")
            .action(ArgAction::SetTrue)
            .help("Let the page load the mail's pictures; without it nothing is loaded. Neither what is on the tracking domain nor a picture whose tag makes it 2x2 pixels or less ever is, with all sources of its picture element")
            .help_heading(HEADING),
        Arg::new("serve")
            .long("serve")
            .value_name("PORT")
            .num_args(0..=1)
            .default_missing_value("")
            .conflicts_with("html")
            .help(
                "Serve the page on this machine alone, show every change of FILE at once, and take mails that are pasted \
                 into the page",
            )
            .help_heading(HEADING),
    ]
}

/// Whether a page is asked for.
pub(in super::super) fn is_asked(matches: &ArgMatches) -> bool {
    matches.contains_id("html") || matches.contains_id("serve") || matches.get_flag("open")
}

/// Makes the page, or serves it.
pub(in super::super) fn run(matches: &ArgMatches, looker: Looker) -> Result<(), Failure> {
    let file = matches.get_one::<PathBuf>("file").map(PathBuf::as_path);
    if matches.contains_id("serve") {
        return serve::run(matches, looker, file);
    }
    let output = matches.get_one::<PathBuf>("html").map(PathBuf::as_path);
    if let (Some(file), Some(output)) = (file, output)
        && is_same(file, output)
    {
        return Err(Failure::usage("FILE and --html name the same file: the page would destroy it"));
    }
    let is_opened = matches.get_flag("open");
    if is_opened && output.is_some_and(is_stdout) {
        return Err(Failure::usage("--open and --html -: a browser opens files"));
    }
    let look = looker.look_at(file)?;
    let page =
        Page { looker: &looker, load_remote: matches.get_flag("load-remote"), version: None, trouble: None };
    let document = page.document(Some(&look), file.map(name).as_deref())?;
    let written = match output {
        Some(path) => write(&document, path)?,
        None => write_temporary(&document)?,
    };
    let Some(written) = written else { return Ok(()) };
    if io::stderr().is_terminal() || output.is_none() {
        say(
            None,
            &format!(
                "{}: {} bytes",
                written.display(),
                super::super::summary::grouped(document.len() as u64)
            ),
        );
    }
    if is_opened { open(&written) } else { Ok(()) }
}

/// Shows a file or a URL in the browser.
pub(super) fn open(what: &Path) -> Result<(), Failure> {
    open::that_detached(what).map_err(|error| {
        Failure::new(
            Exit::Io,
            format!("cannot open a browser: {}: open {} yourself", Cause(&error), what.display()),
        )
    })
}

fn write(document: &[u8], path: &Path) -> Result<Option<PathBuf>, Failure> {
    let is_stdout = is_stdout(path);
    let mut output = if is_stdout { Output::stdout() } else { Output::file(path)? };
    output.write_all(document).map_err(|error| Failure::writing(output.name(), &error))?;
    output.commit()?;
    Ok((!is_stdout).then(|| path.to_owned()))
}

/// Writes a file that stays, since the browser reads it later, and that nobody else may read.
fn write_temporary(document: &[u8]) -> Result<Option<PathBuf>, Failure> {
    let failed = |error: &io::Error| {
        Failure::new(Exit::CannotCreate, format!("cannot create a temporary file: {}", Cause(error)))
    };
    let mut file = tempfile::Builder::new()
        .prefix("openclick-preview-")
        .suffix(".html")
        .tempfile()
        .map_err(|error| failed(&error))?;
    file.write_all(document).map_err(|error| failed(&error))?;
    let (_, path) = file.keep().map_err(|error| failed(&error.error))?;
    Ok(Some(path))
}

/// The name of a file as it is shown.
pub(super) fn name(path: &Path) -> String {
    match path.file_name() {
        Some(name) => Printable(&name.to_string_lossy()).to_string(),
        None => Printable(&path.to_string_lossy()).to_string(),
    }
}

/// How pages are made.
pub(super) struct Page<'a> {
    pub(super) looker: &'a Looker,
    pub(super) load_remote: bool,
    /// A server gives it, and more data later; this is the version of the data.
    pub(super) version: Option<u64>,
    /// Why the mail is not the file as it is now.
    pub(super) trouble: Option<&'a str>,
}

impl Page<'_> {
    /// The page of a mail, or one that waits for a mail to be pasted.
    pub(super) fn document(&self, look: Option<&Look>, file: Option<&str>) -> Result<Vec<u8>, Failure> {
        let data = self.data(look, file)?;
        let title = Html(file.unwrap_or("a mail")).to_string() + " - openclick preview";
        let policy = self.policy();
        Ok(fill(&[
            ("policy", &policy),
            ("title", &title),
            ("style", STYLE),
            ("data", &data),
            ("script", SCRIPT),
        ]))
    }

    /// The data alone, as JSON that may stand in a page.
    pub(super) fn data(&self, look: Option<&Look>, file: Option<&str>) -> Result<String, Failure> {
        let empty;
        let look = match look {
            Some(look) => look,
            None => {
                empty = self.looker.look(Vec::new())?;
                &empty
            }
        };
        let findings = lint::check(look);
        let about = data::About {
            file,
            tracking_domain: &self.looker.tracking_domain,
            is_trial: self.looker.is_trial,
            load_remote: self.load_remote,
            version: self.version,
            trouble: self.trouble,
            is_empty: look.before.is_empty(),
        };
        let json = serde_json::to_string(&data::data(look, &findings, &about))
            .map_err(|error| Failure::new(Exit::Internal, format!("cannot make the page: {error}")))?;
        Ok(in_script(&json))
    }

    /// What the page may load: nothing. The frames inherit it, so that their inline styles must be allowed here.
    pub(super) fn policy(&self) -> String {
        let hash = STANDARD.encode(Sha256::digest(SCRIPT));
        let remote = if self.load_remote { " https: http:" } else { "" };
        let connect = if self.version.is_some() { "'self'" } else { "'none'" };
        format!(
            "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; img-src data:{remote}; \
             connect-src {connect}; base-uri 'none'; form-action 'none'"
        )
    }
}

/// JSON as it may stand in a `script` element: no end tag, no comment and no `<script` can begin in it, which the HTML Standard
/// reads in there (§ 4.12.1.3). `<` stands in strings alone.
fn in_script(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + json.len() / 64);
    let mut done = 0;
    for at in memchr::memchr_iter(b'<', json.as_bytes()) {
        if let Some([b'!' | b's' | b'S', _] | [b'/', b's' | b'S']) = json.as_bytes().get(at + 1..at + 3) {
            safe.push_str(&json[done..at]);
            safe.push_str("\\u003c");
            done = at + 1;
        }
    }
    safe.push_str(&json[done..]);
    safe
}

/// The template with values in it.
fn fill(values: &[(&str, &str)]) -> Vec<u8> {
    let mut page =
        Vec::with_capacity(TEMPLATE.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut rest = TEMPLATE;
    while let Some((before, behind)) = rest.split_once("{{") {
        page.extend_from_slice(before.as_bytes());
        let (name, behind) = behind.split_once("}}").unwrap_or((behind, ""));
        if let Some((_, value)) = values.iter().find(|(other, _)| *other == name) {
            page.extend_from_slice(value.as_bytes());
        }
        rest = behind;
    }
    page.extend_from_slice(rest.as_bytes());
    page
}

/// Text in HTML.
struct Html<'a>(&'a str);

impl std::fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '&' => f.write_str("&amp;"),
            '"' => f.write_str("&quot;"),
            c => std::fmt::Write::write_char(f, c),
        })
    }
}
