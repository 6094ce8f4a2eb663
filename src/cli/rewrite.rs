//! `openclick rewrite`: HTML or a message in, the same out, trackable.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use openclick::{Delivery, Report, Rewriter, Rewritten};

use super::batch;
use super::exec::Program;
use super::exit::{Exit, Failure, say};
use super::filter::Circumstance;
use super::guarded;
use super::input::{CHUNK, Format, Input, is_message, is_stdin, looks_like_html};
use super::job;
use super::output::{Output, check_streams, is_same, is_stdout};
use super::sanitize::{Printable, write_json};
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
    /// The delivery of a message, which says itself what the settings do not.
    message_delivery: Delivery,
    message_id: String,
    /// The message id was not given.
    is_made: bool,
    report: Option<Output>,
    format: Format,
    pass: bool,
    quiet: bool,
    explain: bool,
    /// The output goes to a program, which takes mail.
    has_program: bool,
}

/// Where the output goes.
enum Target<'a> {
    Output(Option<&'a Path>),
    Program(&'a Program),
}

/// Rewrites.
pub(super) fn run(
    matches: &ArgMatches,
    program: Option<&Program>,
    circumstance: &Cell<Circumstance>,
) -> Result<(), Failure> {
    let files: Vec<&PathBuf> = matches.get_many("file").into_iter().flatten().collect();
    if let Some(folder) = matches.get_one::<PathBuf>("out-dir") {
        return batch::run(matches, &files, folder, program, circumstance);
    }
    let file = files.first().map(|file| file.as_path()).filter(|file| !is_stdin(file));
    let output = matches.get_one::<PathBuf>("output").map(PathBuf::as_path).filter(|path| !is_stdout(path));
    // Until the configuration is read, flags and variables decide.
    judge(&Settings::early(matches, &[&s::FORMAT, &s::ON_ERROR]), file, program, circumstance);
    if let Some(further) = files.get(1) {
        return Err(Failure::usage(format!(
            "one file at a time, found also {}: --out-dir DIR takes many",
            further.display()
        )));
    }
    check_streams(file.is_none(), program.is_none() && output.is_none())?;
    if program.is_some()
        && let Some(file) = file.filter(|file| is_address(file))
    {
        return Err(Failure::usage(format!(
            "found {} in place of a file: is a flag that takes one value followed by several recipients?",
            file.display()
        )));
    }
    let target = match program {
        Some(program) => {
            program.check()?;
            if matches.contains_id("output") && matches.get_one::<PathBuf>("output").is_some() {
                return Err(Failure::usage("--exec and -o: the mail goes to one of them"));
            }
            Target::Program(program)
        }
        None => Target::Output(output),
    };
    let job = Job::prepare(matches, file, output, program, circumstance);
    let pass = job.as_ref().map_or(circumstance.get().pass, |job| job.pass);
    if pass {
        return hold(job, &Input::open(file)?.read_whole()?, target);
    }
    let job = job.map_err(|failure| {
        // A log must tell which mail it was. Somebody at a terminal is told at once.
        let is_mail = circumstance.get().filter && (file.is_some() || !io::stdin().is_terminal());
        match is_mail.then(|| Input::open(file).and_then(|mut input| input.read_whole())) {
            Some(Ok(mail)) => named(failure, &mail),
            _ => failure,
        }
    })?;
    let mut input = Input::open(file)?;
    match target {
        Target::Output(_) => stream(job, &mut input, target),
        Target::Program(_) => hold(Ok(job), &input.read_whole()?, target),
    }
}

fn judge(
    settings: &Settings,
    file: Option<&Path>,
    program: Option<&Program>,
    circumstance: &Cell<Circumstance>,
) {
    let is_html = settings.text(&s::FORMAT) == Some("html");
    // An MTA that gives one recipient too many makes a file of it: its mail still stands before the door.
    let is_filter = file.is_none() && !is_html || file.is_some_and(is_address);
    circumstance.set(Circumstance {
        filter: program.is_some() || is_filter && !io::stdin().is_terminal(),
        pass: settings.text(&s::ON_ERROR) == Some("pass"),
    });
}

/// Whether a path is an address rather than the name of a file that there is.
fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains('@') && !text.contains('/')) && !path.exists()
}

impl Job {
    fn prepare(
        matches: &ArgMatches,
        file: Option<&Path>,
        output: Option<&Path>,
        program: Option<&Program>,
        circumstance: &Cell<Circumstance>,
    ) -> Result<Job, Failure> {
        let settings = Settings::gather(matches)?;
        judge(&settings, file, program, circumstance);
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
        let message_delivery =
            job::message_delivery(&settings, (!is_made).then_some(&*message_id), &rewriter)?;
        Ok(Job {
            rewriter,
            delivery,
            message_delivery,
            message_id,
            is_made,
            report,
            format: Format::of(&settings),
            pass: circumstance.get().pass,
            quiet: settings.switch(&s::QUIET).unwrap_or(false),
            explain: matches.get_flag("explain"),
            has_program: program.is_some(),
        })
    }

    /// Whether the input is a message; none while more must be seen.
    fn is_message(&self, start: &[u8], is_whole: bool) -> Option<bool> {
        match self.format {
            // Of nothing no document is made.
            Format::Auto if start.is_empty() && is_whole => Some(true),
            // Whatever does not begin as a document does is a message, perhaps a damaged one: for a program that delivers
            // mail nothing else can be.
            Format::Auto if self.has_program && is_whole => {
                Some(is_message(start, true) == Some(true) || !looks_like_html(start))
            }
            Format::Auto => is_message(start, is_whole),
            Format::Html => Some(false),
            Format::Message => Some(true),
        }
    }

    /// Rewrites what is in memory as a whole.
    fn rewrite(&self, mail: &[u8]) -> Result<Rewritten, Failure> {
        if self.is_message(mail, true) != Some(true) {
            return guarded(|| Ok(self.rewriter.rewrite_html(mail, &self.delivery)?));
        }
        if mail.starts_with(b"From ") && batch::is_mbox_of_many(mail) {
            return Err(Failure::new(
                Exit::Data,
                "expected one message, found an mbox of several, whose links would all name the first one's recipient: \
                 --out-dir DIR takes mboxes",
            ));
        }
        guarded(|| Ok(self.rewriter.rewrite_message(mail, &self.message_delivery)?))
    }

    /// Writes the report, as far as the disk.
    fn tell(&mut self, report: &Report) -> Result<(), Failure> {
        let Some(file) = &mut self.report else { return Ok(()) };
        let message_id = report.message_id.is_none().then_some(self.message_id.as_str());
        let document = FileReport { message_id, report };
        write_json(file, &document).map_err(|error| Failure::writing(file.name(), &error))?;
        file.settle()
    }

    /// Ends the output, once the report is written. Nothing gets its name before everything is on the disk.
    fn finish(self, output: Option<Output>, report: &Report) -> Result<(), Failure> {
        let file = self.report;
        let is_shown = output.as_ref().is_some_and(Output::is_terminal);
        let is_delivered = output.is_none();
        let lost = [output.as_ref().and_then(Output::lost), file.as_ref().and_then(Output::lost)];
        if let Some(output) = output {
            output.commit()?;
        }
        match file.map_or(Ok(()), Output::commit) {
            // The program has the mail: a failure would make the MTA deliver it again, and again.
            Err(failure) if is_delivered => failure.report(Some("rewrite")),
            done => done?,
        }
        for lost in lost.iter().flatten().filter(|_| !self.quiet) {
            say(Some("rewrite"), lost);
        }
        if self.explain {
            explain(report);
        }
        // A message has an id of its own; one that was made for it is in it.
        let is_made = self.is_made && report.parts.is_empty() && report.message_id.is_none();
        if !self.quiet && io::stderr().is_terminal() {
            let id = if is_made { format!(", message id {} (made)", self.message_id) } else { String::new() };
            if is_shown {
                // The document may end in the middle of a line.
                let _ = writeln!(io::stderr());
            }
            say(None, &format!("{}{id}", summary(report)));
        } else if !self.quiet && is_made {
            say(Some("rewrite"), &format!("no message id was given: made {}", self.message_id));
        }
        Ok(())
    }
}

/// Which stream a message belongs to, and where each of its settings came from.
fn explain(report: &Report) {
    let text = match &report.settings {
        Some(settings) => settings.to_string(),
        None => "no stream: it is not a message, or passed through as it was".to_owned(),
    };
    for line in text.lines() {
        let _ = writeln!(io::stderr(), "{}", Printable(line));
    }
}

/// Input to output: HTML in constant memory, a message once it is whole.
fn stream(mut job: Job, input: &mut Input, target: Target<'_>) -> Result<(), Failure> {
    let mut buffer = vec![0; CHUNK];
    let mut start = Vec::new();
    let known = loop {
        let length = input.read(&mut buffer)?;
        start.extend_from_slice(&buffer[..length]);
        if let Some(known) = job.is_message(&start, length == 0) {
            break known;
        }
    };
    if known {
        start.extend_from_slice(&input.read_whole()?);
        return hold(Ok(job), &start, target);
    }
    let Target::Output(path) = target else { return hold(Ok(job), &start, target) };
    let output = open(path)?;
    let name = output.name().to_owned();
    let failed = |error: io::Error| Failure::writing(&name, &error);
    let mut writer = job.rewriter.html_writer(&job.delivery, output)?;
    let mut pending = 0;
    let mut length = start.len();
    while length > 0 {
        let bytes = if start.is_empty() { &buffer[..length] } else { &start[..] };
        writer.write_all(bytes).map_err(failed)?;
        pending += bytes.len();
        start.clear();
        if pending >= PUSH {
            writer.flush().map_err(failed)?;
            pending = 0;
        }
        length = input.read(&mut buffer)?;
    }
    let (output, report) = writer.finish().map_err(failed)?;
    job.tell(&report)?;
    job.finish(Some(output), &report)
}

/// Rewrites what is in memory as a whole, so that it can go out as it came in whatever happens.
fn hold(job: Result<Job, Failure>, mail: &[u8], target: Target<'_>) -> Result<(), Failure> {
    let pass = job.as_ref().map_or(true, |job| job.pass);
    let rewritten = job.and_then(|mut job| {
        if mail.is_empty() && matches!(target, Target::Program(_)) {
            return Err(Failure::new(Exit::Data, "expected a mail, found nothing"));
        }
        let rewritten = job.rewrite(mail)?;
        // Before the first byte goes out: what goes wrong after it could only be told by delivering twice.
        job.tell(&rewritten.report)?;
        Ok((rewritten, job))
    });
    let done = match rewritten {
        Ok((rewritten, job)) => {
            deliver(&rewritten.bytes, target).and_then(|output| job.finish(output, &rewritten.report))
        }
        Err(failure) if pass => {
            named(failure, mail).report(Some("rewrite"));
            deliver(mail, target).and_then(|output| output.map_or(Ok(()), Output::commit))
        }
        Err(failure) => Err(failure),
    };
    done.map_err(|failure| named(failure, mail))
}

/// A failure with the message's id in front, if it has one.
pub(super) fn named(failure: Failure, mail: &[u8]) -> Failure {
    let is_message = is_message(mail, true) == Some(true);
    match is_message.then(|| openclick::addressee::of_message(mail)).flatten() {
        Some(id) => failure.of_mail(&id),
        None => failure,
    }
}

/// Writes the mail to where it goes; an output is still to be committed.
fn deliver(mail: &[u8], target: Target<'_>) -> Result<Option<Output>, Failure> {
    match target {
        Target::Program(program) => program.run(mail).map(|()| None),
        Target::Output(path) => {
            let mut output = open(path)?;
            output.write_all(mail).map_err(|error| Failure::writing(output.name(), &error))?;
            Ok(Some(output))
        }
    }
}

fn open(output: Option<&Path>) -> Result<Output, Failure> {
    output.map_or_else(|| Ok(Output::stdout()), Output::file)
}

/// The input as it is, where not even the command line was understood.
pub(super) fn pass_stdin(
    failure: Failure,
    command: Option<&str>,
    program: Option<&Program>,
) -> Result<(), Failure> {
    let mail = Input::open(None)?.read_whole()?;
    named(failure, &mail).report(command);
    let target = program.map_or(Target::Output(None), Target::Program);
    let done = deliver(&mail, target).and_then(|output| output.map_or(Ok(()), Output::commit));
    done.map_err(|failure| named(failure, &mail))
}
