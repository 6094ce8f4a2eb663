//! `lint` from its command line to its exit code.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::super::exit::{Exit, Failure, say};
use super::super::input::is_stdin;
use super::super::output::{Output, is_stdout};
use super::super::preview::look::Looker;
use super::super::setting as s;
use super::super::settings::Settings;
use super::super::terminal::Screen;
use super::check;
use super::finding::{Finding, Severity};
use super::levels::Levels;
use super::output::{self, explain};
use super::walk::Files;

/// What became of the files.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) files: Vec<Checked>,
    pub(super) left_out: Vec<(PathBuf, &'static str)>,
    /// What could not be checked, and why.
    pub(super) failed: Vec<(PathBuf, String)>,
}

/// A file and its findings.
pub(super) struct Checked {
    /// As it was named; `-` for stdin.
    pub(super) path: PathBuf,
    pub(super) is_message: bool,
    pub(super) bytes: usize,
    pub(super) findings: Vec<Finding>,
}

impl Outcome {
    /// How many findings there are of a severity.
    pub(super) fn count(&self, severity: Severity) -> u64 {
        let findings = self.files.iter().flat_map(|file| &file.findings);
        findings.filter(|finding| finding.severity == severity).count() as u64
    }
}

/// Checks what the command line names.
pub(in super::super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let screen = Screen::stdout(matches);
    if let Some(word) = matches.get_one::<String>("explain") {
        return print(matches, |output| explain::write(word, screen, output))?.map_err(Failure::usage);
    }
    let settings = Settings::gather(matches)?;
    let levels = Levels::of(&settings)?;
    let is_quiet = settings.switch(&s::QUIET) == Some(true);
    let looker = Looker::new(settings)?;
    let stdin = PathBuf::from("-");
    let named: Vec<_> = matches.get_many::<PathBuf>("file").into_iter().flatten().collect();
    let named = if named.is_empty() { vec![&stdin] } else { named };
    let files = Files::of(named.into_iter());
    let mut outcome = Outcome { left_out: files.left_out, failed: files.failed, ..Outcome::default() };
    let mut exit = None;
    for path in files.found {
        match checked(&looker, &levels, &path) {
            Ok(checked) => outcome.files.push(checked),
            Err(failure) => {
                exit.get_or_insert(failure.exit);
                outcome.failed.push((path, failure.text().to_owned()));
            }
        }
    }
    for (path, why) in &outcome.failed {
        let path = path.display().to_string();
        let is_named = why.starts_with(&path) || why.contains(&format!(" {path}:"));
        say(Some("lint"), &if is_named { why.clone() } else { format!("{path}: {why}") });
    }
    if looker.is_trial && !is_quiet && !outcome.files.is_empty() {
        let message = format!(
            "no key file: tracked for trial with {} and a key that is thrown away",
            looker.tracking_domain
        );
        say(Some("lint"), &message);
    }
    print(matches, |output| match matches.get_one::<String>("output-format").map(String::as_str) {
        Some("json") => output::json::write(&outcome, &looker.tracking_domain, looker.is_trial, output),
        Some("sarif") => output::sarif::write(&outcome, output),
        _ => {
            let is_terminal = output.is_terminal();
            output::text::write(&outcome, screen, is_terminal, is_quiet, output)
        }
    })?;
    if !outcome.failed.is_empty() {
        return Err(Failure::quiet(exit.unwrap_or(Exit::NoInput)));
    }
    match outcome.count(Severity::Error) {
        0 => Ok(()),
        _ => Err(Failure::quiet(Exit::Check)),
    }
}

fn checked(looker: &Looker, levels: &Levels, path: &Path) -> Result<Checked, Failure> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    if extension == "mbox" || extension == "mbx" {
        let why = format!(
            "{}: expected one mail, found an mbox; write its messages to files first",
            path.display()
        );
        return Err(Failure::new(Exit::Data, why));
    }
    let look = looker.look_at(Some(path).filter(|path| !is_stdin(path)))?;
    let findings = super::super::guarded(|| Ok(check(&look)))?;
    Ok(Checked {
        path: path.to_owned(),
        is_message: look.is_message,
        bytes: look.before.len(),
        findings: levels.apply(findings),
    })
}

/// Writes to stdout or the file of `-o`.
fn print<T>(
    matches: &ArgMatches,
    write: impl FnOnce(&mut Output) -> std::io::Result<T>,
) -> Result<T, Failure> {
    let mut output = match matches.get_one::<PathBuf>("output").filter(|path| !is_stdout(path)) {
        Some(path) => Output::file(path)?,
        None => Output::stdout(),
    };
    let written = write(&mut output).and_then(|done| output.flush().map(|()| done));
    let done = written.map_err(|error| Failure::writing(output.name(), &error))?;
    output.commit()?;
    Ok(done)
}
