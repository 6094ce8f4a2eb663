//! `openclick rewrite --out-dir`: many files, mboxes, Maildirs and folders into one folder, on all cores.
//!
//! Threads rewrite whole files; one more takes mboxes apart and puts them together again; the first one counts, writes the
//! report and talks. An output gets its name once it is whole and on the disk, which is how `--resume` knows what is done.

mod mbox;
mod plan;
mod progress;
mod tally;
mod work;

use std::cell::Cell;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use clap::ArgMatches;
use serde::Serialize;

use self::plan::{Folder, Item, Kind, Plan};
use self::progress::Progress;
use self::tally::{Files, Tally};
use self::work::{Event, Line, Shop, Task};
use super::exec::Program;
use super::exit::{Cause, Exit, Failure, say};
use super::filter::Circumstance;
use super::input::{Format, is_stdin};
use super::job;
use super::output::{Output, is_stdout, sync_folder};
use super::sanitize::write_json_line;
use super::setting as s;
use super::settings::Settings;
use super::stop::Stop;
use super::summary::counted;

/// Rewrites all that is named into a folder.
pub(super) fn run(
    matches: &ArgMatches,
    inputs: &[&PathBuf],
    target: &Path,
    program: Option<&Program>,
    circumstance: &Cell<Circumstance>,
) -> Result<(), Failure> {
    let from_stdin = inputs.is_empty() || inputs.iter().any(|input| is_stdin(input));
    if !from_stdin {
        circumstance.set(Circumstance { filter: program.is_some(), pass: false });
    }
    let refusals = [
        (program.is_some(), "--exec and --out-dir: the mail goes to one of them"),
        (matches.contains_id("output"), "-o and --out-dir: the mail goes to one of them"),
        (from_stdin, "--out-dir: expected files or folders; what comes from stdin has no name there"),
        (
            matches.get_flag("explain"),
            "--explain is for one message; with --out-dir, --report tells it of all",
        ),
    ];
    if let Some((_, why)) = refusals.iter().find(|(is_wrong, _)| *is_wrong) {
        return Err(Failure::usage(why));
    }
    let settings = Settings::gather(matches)?;
    if settings.text(&s::MESSAGE_ID).is_some() {
        let why = "many mails cannot have one id; each has its own, or gets one";
        return Err(settings.refuse(&s::MESSAGE_ID, why));
    }
    let (format, resume) = (Format::of(&settings), matches.get_flag("resume"));
    let rewriter = job::rewriter(&settings)?;
    let delivery = job::message_delivery(&settings, None, &rewriter)?;
    let plan = plan::make(inputs, target, format, resume)?;
    let report = matches.get_one::<PathBuf>("report");
    if let Some(report) = report {
        check_report(report, inputs, &plan)?;
    }
    make_folders(target, &plan.folders)?;
    let report = report.map(|path| open_report(path, resume)).transpose()?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let shop = Shop {
        rewriter,
        delivery,
        format,
        pass: settings.text(&s::ON_ERROR) == Some("pass"),
        reports: report.is_some(),
        stop: Stop::on_signals(),
        threads,
        settings: &settings,
    };
    let quiet = settings.switch(&s::QUIET).unwrap_or(false);
    let length = plan.items.iter().map(|item| item.length).sum();
    let desk = Desk {
        progress: Progress::new(length, quiet),
        report,
        files: Files::default(),
        mail: Tally::default(),
        broken: None,
        quiet,
        stop: shop.stop.clone(),
    };
    let desk = desk.open(&plan, |events| spread(&shop, &plan, events));
    desk.close(&plan, target, shop.pass)
}

/// The report must not take the place of what is read or written.
fn check_report(report: &Path, inputs: &[&PathBuf], plan: &Plan) -> Result<(), Failure> {
    if is_stdout(report) {
        return Ok(());
    }
    let real = |path: &Path| plan::real(path).ok();
    let Some(whole) = real(report) else { return Ok(()) };
    let is_input = |input: &&&PathBuf| input.canonicalize().is_ok_and(|input| whole.starts_with(input));
    if let Some(input) = inputs.iter().find(is_input) {
        return Err(Failure::usage(format!(
            "--report {} is in the input, {}",
            report.display(),
            input.display()
        )));
    }
    // All outputs have the file name of their input: few need a closer look.
    let is_output = |item: &&Item| {
        item.output.file_name() == whole.file_name()
            && real(&item.output).is_some_and(|output| output == whole)
    };
    if let Some(item) = plan.items.iter().find(is_output) {
        let (report, input) = (report.display(), item.input.display());
        return Err(Failure::usage(format!("--report {report} is where {input} goes")));
    }
    Ok(())
}

/// Opens the report. A run that goes on keeps what the run before wrote.
fn open_report(path: &Path, resume: bool) -> Result<Output, Failure> {
    if is_stdout(path) {
        return Ok(Output::stdout());
    }
    let mut output = Output::file(path)?;
    if resume && path.is_file() {
        let copied = File::open(path).and_then(|mut old| io::copy(&mut old, &mut output));
        copied.map_err(|error| Failure::writing(path.display(), &error))?;
    }
    Ok(output)
}

/// The folders, with the modes of those that they are like: who may not read a Maildir may not read its copy.
fn make_folders(target: &Path, folders: &[Folder]) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| {
        Failure::new(Exit::CannotCreate, format!("cannot create {}: {}", path.display(), Cause(&error)))
    };
    fs::create_dir_all(target).map_err(|error| failed(target, error))?;
    for folder in folders {
        match make_folder(&folder.path, &folder.like) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.path.is_dir() => {}
            result => result.map_err(|error| failed(&folder.path, error))?,
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_folder(path: &Path, like: &Metadata) -> io::Result<()> {
    use std::fs::{DirBuilder, Permissions};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};

    DirBuilder::new().mode(0o700).create(path)?;
    let (uid, gid) = (like.uid(), like.gid());
    let keeps_group = chown(path, Some(uid), Some(gid)).or_else(|_| chown(path, None, Some(gid))).is_ok();
    // This process must be able to write into it.
    let mut mode = like.mode() & 0o777 | 0o700;
    if !keeps_group {
        // What the mode gave to one group is not for another.
        mode &= 0o707 | (mode & 0o007) << 3;
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn make_folder(path: &Path, _: &Metadata) -> io::Result<()> {
    fs::create_dir(path)
}

/// Does the work: events come from here until all is done.
fn spread<'a>(shop: &Shop<'a>, plan: &'a Plan, events: SyncSender<Event<'a>>) {
    // Few wait: what waits is in memory.
    let (tasks, taken) = sync_channel::<Task<'a>>(shop.threads);
    let taken = Mutex::new(taken);
    let is_mbox = |item: &&Item| item.kind == Kind::Mbox;
    thread::scope(|scope| {
        for _ in 0..shop.threads {
            let events = events.clone();
            scope.spawn(|| {
                let events = events;
                shop.work(&taken, &events);
            });
        }
        let (mboxes, messages) = (plan.items.iter().filter(is_mbox), tasks.clone());
        let told = events.clone();
        scope.spawn(move || shop.mboxes(mboxes, &messages, &told));
        for item in plan.items.iter().filter(|item| !is_mbox(item)) {
            if shop.stop.is_set() || tasks.send(Task::File(item)).is_err() {
                break;
            }
        }
        drop(tasks);
    });
}

/// Where everything that happens is counted and told.
struct Desk {
    progress: Progress,
    report: Option<Output>,
    files: Files,
    mail: Tally,
    /// Why the run had to be stopped.
    broken: Option<Failure>,
    quiet: bool,
    stop: Stop,
}

#[derive(Serialize)]
struct Skipped {
    skipped: bool,
}

#[derive(Serialize)]
struct LeftOut {
    left_out: &'static str,
}

#[derive(Serialize)]
struct Copied {
    copied: &'static str,
}

#[derive(Serialize)]
struct Unreadable<'a> {
    error: &'a str,
}

impl Desk {
    /// Tells what the plan knows, starts the work in a thread of its own, and hears it to its end.
    fn open<'a>(mut self, plan: &'a Plan, work: impl FnOnce(SyncSender<Event<'a>>) + Send) -> Desk {
        for path in &plan.skipped {
            self.files.skipped += 1;
            self.line(path, Skipped { skipped: true });
        }
        for (path, why) in &plan.left_out {
            self.files.left_out += 1;
            self.note(&format!("{}: left out: {why}", path.display()));
            self.line(path, LeftOut { left_out: why });
        }
        for (path, why) in &plan.failed {
            self.files.failed += 1;
            self.say(&format!("{}: {why}", path.display()));
            self.line(path, Unreadable { error: why });
        }
        let (sender, events): (_, Receiver<Event<'a>>) = sync_channel(16);
        thread::scope(|scope| {
            scope.spawn(move || work(sender));
            for event in events {
                self.hear(event);
            }
        });
        self
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Mail { item, number, bytes, failure, line } => {
                self.progress.advance(bytes);
                self.progress.message(failure.is_some());
                if let Some(failure) = &failure {
                    let of =
                        if item.kind == Kind::Mbox { format!(" message {number}:") } else { String::new() };
                    self.say(&format!("{}:{of} {}", item.input.display(), failure.text()));
                }
                self.write(line.unwrap_or_default());
            }
            Event::File { item, bytes, failure, tally, note } => {
                self.progress.advance(bytes);
                self.mail.add(tally);
                match failure {
                    None => self.files.done += 1,
                    Some(failure) => {
                        self.files.failed += 1;
                        // The one message of a file that is no mbox has said it.
                        if failure.exit != Exit::Check || item.kind == Kind::Mbox {
                            self.say(&format!("{}: {}", item.input.display(), failure.text()));
                        }
                        if self.report.is_some() {
                            self.write(work::failed_line(item, &failure));
                        }
                        if failure.exit == Exit::Io {
                            // A full disk fails every file: enough is known.
                            self.stop.set();
                        }
                    }
                }
                if let Some(note) = note {
                    if note != tally::EMPTY {
                        let path = item.input.display();
                        self.note(&format!("{path}: {note}, copied as it is (--format says what it is)"));
                    }
                    self.line(&item.input, Copied { copied: note });
                }
            }
        }
    }

    /// Ends the report, and tells the result.
    fn close(mut self, plan: &Plan, target: &Path, passes: bool) -> Result<(), Failure> {
        self.progress.end();
        let told = self.files.done + self.files.failed - plan.failed.len() as u64;
        self.files.not_reached = plan.items.len() as u64 - told;
        for folder in plan.folders.iter().map(|folder| folder.path.as_path()).chain([target]) {
            if let Err(error) = sync_folder(folder) {
                self.broken.get_or_insert(Failure::writing(folder.display(), &error));
            }
        }
        let is_reported = self.report.is_some();
        if let Some(report) = self.report.take()
            && let Err(failure) = report.commit()
        {
            self.broken.get_or_insert(failure);
        }
        if self.mail.made_ids > 0 && !is_reported {
            let made = counted(self.mail.made_ids, "message id");
            self.note(&format!("{made} made for HTML; --report tells which"));
        }
        if !self.quiet {
            let _ = write!(io::stderr(), "{}", tally::table(&self.files, &self.mail, passes));
        }
        if let Some(signal) = self.stop.signal() {
            say(Some("rewrite"), "stopped by a signal; --resume goes on from here");
            Stop::end(signal);
            return Err(Failure::by_signal(signal));
        }
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let failed = self.files.failed > 0 || self.files.not_reached > 0 || self.mail.failed > 0 && !passes;
        if failed { Err(Failure::quiet(Exit::Check)) } else { Ok(()) }
    }

    /// Something about a file, for the report.
    fn line(&mut self, path: &Path, what: impl Serialize) {
        if self.report.is_some() {
            let mut line = Vec::new();
            let file = &path.display().to_string();
            // Memory takes everything.
            let _ = write_json_line(&mut line, &Line { file, number: None, what });
            self.write(line);
        }
    }

    fn write(&mut self, line: Vec<u8>) {
        if let Some(report) = &mut self.report
            && let Err(error) = report.write_all(&line)
        {
            self.broken.get_or_insert(Failure::writing(report.name(), &error));
            self.report = None;
            self.stop.set();
        }
    }

    fn note(&self, message: &str) {
        if !self.quiet {
            self.say(message);
        }
    }

    fn say(&self, message: &str) {
        self.progress.aside(|| say(Some("rewrite"), message));
    }
}
