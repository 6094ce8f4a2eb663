//! `openclick rewrite --out-dir`: many files, mboxes, Maildirs and folders into one folder, on all cores.
//!
//! Threads rewrite whole files; one more takes mboxes apart and puts them together again; the first one counts and talks. An
//! output gets its name once it is whole and on the disk, and its lines of the report are: so `--resume` knows what is done.

mod mbox;
mod plan;
mod report;
mod tally;
mod work;

use std::cell::Cell;
use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use clap::ArgMatches;
use serde::Serialize;

use self::plan::{Folder, Item, Kind, Plan};

use self::report::Report;
use self::tally::{Files, Tally};
use self::work::{Event, Shop, Task};
use super::exec::Program;
use super::exit::{Cause, Exit, Failure, say};
use super::filter::Circumstance;
use super::input::{Format, is_stdin};
use super::job;
use super::output::{clear, is_stdout, sync_folder};
use super::progress::Progress;
use super::setting as s;
use super::settings::Settings;
use super::stop::Stop;
use super::summary::counted;

/// Whether this is an mbox of more than one message.
pub(super) fn is_mbox_of_many(bytes: &[u8]) -> bool {
    let mut mbox = mbox::Mbox::new(io::Cursor::new(bytes));
    let mut is_there = || mbox.next().is_ok_and(|message| message.is_some());
    is_there() && is_there()
}

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
    let mut plan = plan::make(inputs, target, format, resume)?;
    let report = matches.get_one::<PathBuf>("report");
    if let Some(report) = report {
        check_report(report, inputs, &plan)?;
    }
    make_folders(target, &plan.folders)?;
    if resume {
        plan.folders.iter().map(|folder| folder.path.as_path()).chain([target]).for_each(clear);
    }
    let stop = Stop::default();
    let report = report.map(|path| Report::open(path, stop.clone())).transpose()?;
    if let Some(report) = &report {
        // Until it was opened another run may have written it, and what it tells of.
        plan.look_again(resume)?;
        report.begin(&plan, resume)?;
    }
    // A named pipe may have waited until now for who reads it.
    stop.listen();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let shop = Shop {
        rewriter,
        delivery,
        format,
        pass: settings.text(&s::ON_ERROR) == Some("pass"),
        report,
        stop,
        threads,
        settings: &settings,
    };
    let quiet = settings.switch(&s::QUIET).unwrap_or(false);
    let length = plan.items.iter().map(|item| item.length).sum();
    let desk = Desk {
        progress: Progress::new(length, quiet),
        report: shop.report.as_ref(),
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
struct Desk<'r> {
    progress: Progress,
    report: Option<&'r Report>,
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

impl Desk<'_> {
    /// Tells what the plan knows, starts the work in a thread of its own, and hears it to its end.
    fn open<'a>(mut self, plan: &'a Plan, work: impl FnOnce(SyncSender<Event<'a>>) + Send) -> Self {
        for path in &plan.skipped {
            self.files.skipped += 1;
            self.line(|| report::line(path, None, Skipped { skipped: true }));
        }
        for (path, why) in &plan.left_out {
            self.files.left_out += 1;
            self.note(&format!("{}: left out: {why}", path.display()));
            self.line(|| report::line(path, None, LeftOut { left_out: why }));
        }
        for (path, why) in &plan.failed {
            self.files.failed += 1;
            self.say(&format!("{}: {why}", path.display()));
            self.line(|| report::failed_line(path, None, why));
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
            Event::Mail { item, number, bytes, failure } => {
                self.progress.advance(bytes);
                self.progress.message(failure.is_some());
                if let Some(failure) = &failure {
                    let of =
                        if item.kind == Kind::Mbox { format!(" message {number}:") } else { String::new() };
                    self.say(&format!("{}:{of} {}", item.input.display(), failure.text()));
                }
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
                        if failure.exit == Exit::Io {
                            // A full disk fails every file: enough is known.
                            self.stop.set();
                        }
                    }
                }
                if let Some(note) = note.filter(|note| *note != tally::EMPTY) {
                    let path = item.input.display();
                    self.note(&format!("{path}: {note}, copied as it is (--format says what it is)"));
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
        if let Some(failure) = self.report.and_then(Report::end) {
            self.broken.get_or_insert(failure);
        }
        if self.mail.made_ids > 0 && self.report.is_none() {
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

    fn line(&self, line: impl FnOnce() -> Vec<u8>) {
        if let Some(report) = self.report {
            report.write(&line());
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
