//! `openclick rewrite`: HTML in, trackable HTML out.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use openclick::{Delivery, Report, Rewriter};

use super::exit::{Exit, Failure, say};
use super::filter::Circumstance;
use super::guarded;
use super::input::{CHUNK, Input, is_message, is_stdin};
use super::job;
use super::output::{Output, is_same, is_stdout};
use super::sanitize::write_json;
use super::setting as s;
use super::settings::Settings;
use super::summary::{FileReport, summary};

/// Output is pushed on once this much came in: the library gathers smaller writes, and would read one long tag again for
/// each.
const PUSH: usize = 4 * 1024;

/// All that is known before the input is read.
struct Job {
    rewriter: Rewriter,
    delivery: Delivery,
    message_id: String,
    /// The message id was not given.
    is_made: bool,
    report: Option<Output>,
    detect: bool,
    pass: bool,
    quiet: bool,
}

/// Rewrites.
pub(super) fn run(matches: &ArgMatches, circumstance: &Cell<Circumstance>) -> Result<(), Failure> {
    let file = matches.get_one::<PathBuf>("file").map(PathBuf::as_path).filter(|file| !is_stdin(file));
    let output = matches.get_one::<PathBuf>("output").map(PathBuf::as_path).filter(|path| !is_stdout(path));
    // Until the configuration is read, flags and variables decide.
    judge(&Settings::early(matches, &[&s::FORMAT, &s::ON_ERROR]), file, circumstance);
    let job = Job::prepare(matches, file, output, circumstance);
    let pass = job.as_ref().map_or(circumstance.get().pass, |job| job.pass);
    if pass {
        hold(job, &mut Input::open(file)?, output)
    } else {
        stream(job?, &mut Input::open(file)?, output)
    }
}

fn judge(settings: &Settings, file: Option<&Path>, circumstance: &Cell<Circumstance>) {
    let is_html = settings.text(&s::FORMAT) == Some("html");
    circumstance.set(Circumstance {
        filter: file.is_none() && !is_html && !io::stdin().is_terminal(),
        pass: settings.text(&s::ON_ERROR) == Some("pass"),
    });
}

impl Job {
    fn prepare(
        matches: &ArgMatches,
        file: Option<&Path>,
        output: Option<&Path>,
        circumstance: &Cell<Circumstance>,
    ) -> Result<Job, Failure> {
        let settings = Settings::gather(matches)?;
        judge(&settings, file, circumstance);
        let report = match matches.get_one::<PathBuf>("report") {
            Some(path) if is_stdout(path) && output.is_some() => Some(Output::stdout()),
            Some(path) if is_stdout(path) => {
                return Err(Failure::usage("--report -: stdout takes the mail: name a file, or give -o OUT"));
            }
            Some(path) if output.is_some_and(|output| is_same(output, path)) => {
                return Err(Failure::usage("-o and --report name the same file"));
            }
            Some(path) if file.is_some_and(|file| is_same(file, path)) => {
                return Err(Failure::usage(
                    "FILE and --report name the same file: the report would destroy it",
                ));
            }
            Some(path) => Some(Output::file(path)?),
            None => None,
        };
        let rewriter = job::rewriter(&settings)?;
        let given = settings.text(&s::MESSAGE_ID).map(str::to_owned);
        let is_made = given.is_none();
        let message_id = given.map_or_else(job::random_id, Ok)?;
        let delivery = job::delivery(&settings, &message_id, &rewriter)?;
        Ok(Job {
            rewriter,
            delivery,
            message_id,
            is_made,
            report,
            detect: settings.text(&s::FORMAT) != Some("html"),
            pass: circumstance.get().pass,
            quiet: settings.switch(&s::QUIET).unwrap_or(false),
        })
    }

    /// Refuses a message, which HTML rules would damage.
    fn check_format(&self, start: &[u8], is_whole: bool) -> Result<Option<()>, Failure> {
        match is_message(start, is_whole) {
            _ if !self.detect => Ok(Some(())),
            Some(true) => Err(Failure::new(
                Exit::Data,
                "the input begins with a header block, and mail messages are not supported yet; if it is HTML all the \
                 same, give --format html",
            )),
            Some(false) => Ok(Some(())),
            None => Ok(None),
        }
    }

    /// Writes the report, as far as the disk.
    fn tell(&mut self, report: &Report) -> Result<(), Failure> {
        let Some(file) = &mut self.report else { return Ok(()) };
        let document = FileReport { message_id: &self.message_id, report };
        write_json(file, &document).map_err(|error| Failure::writing(file.name(), &error))?;
        file.settle()
    }

    /// Ends the output, once the report is written. Nothing gets its name before everything is on the disk.
    fn finish(self, output: Output, report: &Report) -> Result<(), Failure> {
        let file = self.report;
        let is_shown = output.is_terminal();
        let lost = [output.lost(), file.as_ref().and_then(Output::lost)];
        output.commit()?;
        if let Some(file) = file {
            file.commit()?;
        }
        for lost in lost.iter().flatten().filter(|_| !self.quiet) {
            say(Some("rewrite"), lost);
        }
        if !self.quiet && io::stderr().is_terminal() {
            let id =
                if self.is_made { format!(", message id {} (made)", self.message_id) } else { String::new() };
            if is_shown {
                // The document may end in the middle of a line.
                let _ = writeln!(io::stderr());
            }
            say(None, &format!("{}{id}", summary(report)));
        } else if !self.quiet && self.is_made {
            say(Some("rewrite"), &format!("no message id was given: made {}", self.message_id));
        }
        Ok(())
    }
}

/// Input to output, in constant memory.
fn stream(mut job: Job, input: &mut Input, output: Option<&Path>) -> Result<(), Failure> {
    let mut buffer = vec![0; CHUNK];
    let mut start = Vec::new();
    let output = open(output)?;
    let name = output.name().to_owned();
    let failed = |error: io::Error| Failure::writing(&name, &error);
    let mut writer = job.rewriter.html_writer(&job.delivery, output)?;
    let mut pending = 0;
    let mut known = false;
    loop {
        let length = input.read(&mut buffer)?;
        let mut bytes = &buffer[..length];
        if !known {
            start.extend_from_slice(bytes);
            known = job.check_format(&start, length == 0)?.is_some();
            if !known {
                continue;
            }
            bytes = &start;
        }
        writer.write_all(bytes).map_err(failed)?;
        pending += bytes.len();
        start.clear();
        if length == 0 {
            break;
        }
        if pending >= PUSH {
            writer.flush().map_err(failed)?;
            pending = 0;
        }
    }
    let (output, report) = writer.finish().map_err(failed)?;
    job.tell(&report)?;
    job.finish(output, &report)
}

/// Holds the whole document, so that it can go out as it came in whatever happens.
fn hold(job: Result<Job, Failure>, input: &mut Input, output: Option<&Path>) -> Result<(), Failure> {
    let document = input.read_whole()?;
    let rewritten = job.and_then(|mut job| {
        job.check_format(&document, true)?;
        let rewritten = guarded(|| Ok(job.rewriter.rewrite_html(&document, &job.delivery)?))?;
        // Before the first byte goes out: what goes wrong after it could only be told by delivering twice.
        job.tell(&rewritten.report)?;
        Ok((rewritten, job))
    });
    let mut output = open(output)?;
    let bytes = rewritten.as_ref().map_or(&document, |(rewritten, _)| &rewritten.bytes);
    output.write_all(bytes).map_err(|error| Failure::writing(output.name(), &error))?;
    match rewritten {
        Ok((rewritten, job)) => job.finish(output, &rewritten.report),
        Err(failure) => {
            failure.report(Some("rewrite"));
            output.commit()
        }
    }
}

fn open(output: Option<&Path>) -> Result<Output, Failure> {
    output.map_or_else(|| Ok(Output::stdout()), Output::file)
}

/// The input as it is, where not even the command line was understood.
pub(super) fn pass_stdin(failure: Failure, command: Option<&str>) -> Result<(), Failure> {
    let document = Input::open(None)?.read_whole()?;
    failure.report(command);
    let mut output = Output::stdout();
    output.write_all(&document).map_err(|error| Failure::writing(output.name(), &error))?;
    output.commit()
}
