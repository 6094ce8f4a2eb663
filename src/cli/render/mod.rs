//! `openclick render`: a template and a list of recipients, a mail for each, to files, an mbox, a program or a server.
//!
//! The list is read in one thread, rendered and handed out in all of them, and told of in its order. What is under way is bounded,
//! so memory does not grow with the list; a journal holds what is out, so that a run that was stopped goes on.

mod address;
mod args;
mod desk;
mod journal;
mod letter;
mod list;
mod recipient;
mod sink;
mod unsubscribe;
mod work;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use clap::ArgMatches;

#[cfg(test)]
pub(super) use self::args::SETTINGS;
pub(super) use self::args::command;
use self::args::path_of;
use self::desk::{Counts, Desk, Report, table};
use self::journal::{Identity, Journal, ListIdentity, Opened, Rows, digest};
use self::letter::Letter;
use self::list::List;
use self::recipient::Recipients;
use self::sink::lmtp::{Lmtp, Place};
use self::sink::mbox::{Mbox, Style};
use self::sink::{Folder, Sink};
use self::work::Shop;
use super::exec::Program;
use super::exit::{Cause, Exit, Failure, say};
use super::input::is_stdin;
use super::job;
use super::output::{clear, is_same, is_stdout, sync_folder};
use super::progress::Progress;
use super::setting as s;
use super::settings::Settings;
use super::stop::Stop;
use super::summary::counted;

/// Renders a list.
pub(super) fn run(matches: &ArgMatches, program: Option<&Program>) -> Result<(), Failure> {
    let (template, recipients) = paths(matches)?;
    let target = Target::of(matches, program)?;
    let settings = Settings::gather(matches)?;
    recipient::check(&settings, &job::rewriter(&settings)?)?;
    check_outputs(matches, template, recipients, &target)?;
    let list = List::open(recipients, delimiter(matches)?)?;
    let letter = Letter::read(template, matches, &settings)?;
    if !letter.is_message && !matches!(target, Target::Nowhere | Target::Folder(_)) {
        return Err(Failure::new(
            Exit::Data,
            format!(
                "{}: it is HTML, and {} takes messages: put a header in front of it (From, Subject, Content-Type: text/html), or \
                 take --out-dir",
                template.display(),
                target.flag()
            ),
        ));
    }
    let sender = sender(matches, &letter, &target)?;
    let quiet = settings.switch(&s::QUIET).unwrap_or(false);
    let resume = matches.get_flag("resume");
    let mut sink = target.sink(program, letter.is_message, sender, matches)?;
    if let Target::Folder(folder) = &target {
        make_folder(folder, resume)?;
    }
    let given = recipient::job_name(matches)?;
    let place = target.journal(path_of(matches, "journal"), recipients, resume)?;
    let opened =
        place.as_ref().map(|place| open_journal(place, &letter, recipients, &sink, given.as_ref(), resume));
    let opened = opened.transpose()?;
    let job = match (&opened, given) {
        (Some(opened), _) => opened.identity.job.clone(),
        (None, Some(given)) => given,
        (None, None) => job::random_id()?,
    };
    let ready = Recipients::new(&list, &letter, matches, &settings, job).and_then(|recipients| {
        let (mbox, report) = make_outputs(&target, &mut sink, opened.as_ref(), path_of(matches, "report"))?;
        Ok((recipients, mbox, report))
    });
    let (recipients_of, mbox, report) = ready.inspect_err(|_| {
        // Nothing was done: the run that is put right is not to find a journal in its way.
        if let Some(opened) = opened.as_ref().filter(|opened| !opened.is_old) {
            let _ = opened.journal.remove();
        }
    })?;
    let (journal, done) =
        opened.map_or((None, Rows::default()), |opened| (Some(opened.journal), opened.done));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let shop = Shop {
        letter,
        recipients: recipients_of,
        sink,
        journal,
        done,
        stop: Stop::default(),
        threads: matches.get_one::<u16>("jobs").map_or(cores, |jobs| usize::from(*jobs)),
        limit: matches.get_one::<u64>("limit").copied(),
        broken: Mutex::new(None),
    };
    shop.stop.listen();
    let length = fs::metadata(recipients).map_or(0, |metadata| metadata.len());
    let mut desk = Desk {
        shop: &shop,
        progress: Progress::new(length, quiet),
        report,
        mbox,
        written: Vec::new(),
        counts: Counts::default(),
        quiet,
        synced: Instant::now(),
    };
    if let Some(note) = shop.letter.note {
        desk.note(&format!("{}: {note}", template.display()));
    }
    if shop.done.count() > 0 {
        desk.note(&format!("goes on: {} done already", counted(shop.done.count(), "row")));
    }
    let ran = shop.run(list, |event| desk.hear(event));
    desk.end();
    let counts = desk.counts;
    close(&shop, &target, &counts, ran, quiet, place.as_ref())
}

/// Tells the result.
fn close(
    shop: &Shop,
    target: &Target,
    counts: &Counts,
    ran: Result<(), Failure>,
    quiet: bool,
    place: Option<&JournalPlace>,
) -> Result<(), Failure> {
    if let Target::Folder(folder) = target
        && let Err(error) = sync_folder(folder)
    {
        shop.end_all(Failure::writing(folder.display(), &error));
    }
    if !quiet {
        let _ = write!(io::stderr(), "{}", table(counts, target.done()));
    }
    let goes_on = if place.is_some() { "; --resume goes on from here" } else { "" };
    if let Some(signal) = shop.stop.signal() {
        say(Some("render"), &format!("stopped by a signal{goes_on}"));
        Stop::end(signal);
        return Err(Failure::by_signal(signal));
    }
    if let Some(broken) = shop.broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(broken);
    }
    ran?;
    if counts.failed > 0 {
        return Err(Failure::quiet(Exit::Check));
    }
    // Nothing is left to go on with, and the list is free for the next template.
    match (place, &shop.journal) {
        (Some(place), Some(journal)) if place.is_beside_list && shop.limit.is_none() => journal.remove(),
        _ => Ok(()),
    }
}

/// Where the mail is to go.
enum Target {
    Nowhere,
    Folder(PathBuf),
    /// None for stdout.
    Mbox(Option<PathBuf>),
    Program,
    Lmtp(Place),
}

/// Where the journal is.
struct JournalPlace {
    path: PathBuf,
    /// Nobody named it, and it stands beside the list for want of an output to stand beside.
    is_beside_list: bool,
}

impl Target {
    fn of(matches: &ArgMatches, program: Option<&Program>) -> Result<Target, Failure> {
        let (folder, mbox) = (path_of(matches, "out-dir"), path_of(matches, "mbox"));
        let lmtp = matches.get_one::<String>("lmtp");
        let named = [folder.is_some(), mbox.is_some(), lmtp.is_some(), program.is_some()];
        match named.iter().filter(|is_named| **is_named).count() {
            0 if matches.get_flag("dry-run") => return Ok(Target::Nowhere),
            0 => {
                return Err(Failure::usage(
                    "expected one of --out-dir, --mbox, --exec, --lmtp and --dry-run",
                ));
            }
            1 => {}
            _ => {
                return Err(Failure::usage(
                    "--out-dir, --mbox, --exec, --lmtp: the mail goes to one of them",
                ));
            }
        }
        if let Some(program) = program {
            program.check()?;
        }
        let lmtp = lmtp.map(|text| Place::parse(text)).transpose()?;
        Ok(match (folder, mbox, lmtp) {
            _ if matches.get_flag("dry-run") => Target::Nowhere,
            (Some(folder), ..) => Target::Folder(folder.clone()),
            (_, Some(mbox), _) => Target::Mbox((!is_stdout(mbox)).then(|| mbox.clone())),
            (_, _, Some(place)) => Target::Lmtp(place),
            _ => Target::Program,
        })
    }

    fn flag(&self) -> &'static str {
        match self {
            Target::Nowhere => "--dry-run",
            Target::Folder(_) => "--out-dir",
            Target::Mbox(_) => "--mbox",
            Target::Program => "--exec",
            Target::Lmtp(_) => "--lmtp",
        }
    }

    /// The word for what is done.
    fn done(&self) -> &'static str {
        match self {
            Target::Nowhere => "rendered",
            Target::Folder(_) | Target::Mbox(_) => "written",
            Target::Program | Target::Lmtp(_) => "delivered",
        }
    }

    fn sink(
        &self,
        program: Option<&Program>,
        is_message: bool,
        sender: String,
        matches: &ArgMatches,
    ) -> Result<Sink, Failure> {
        Ok(match (self, program) {
            (Target::Nowhere, _) => Sink::Nowhere,
            (Target::Folder(path), _) => Sink::Folder(Folder::new(path, is_message)),
            (Target::Mbox(_), _) => Sink::Mbox(Style { sender }),
            (Target::Lmtp(place), _) => {
                let retries = matches.get_one::<u8>("retries").copied().unwrap_or(3);
                Sink::Lmtp(Lmtp::new(place.clone(), sender, retries))
            }
            (Target::Program, Some(program)) => Sink::Program(program.clone()),
            (Target::Program, None) => return Err(Failure::usage("--exec: expected a program")),
        })
    }

    /// Where the journal is, if there is one.
    fn journal(
        &self,
        given: Option<&PathBuf>,
        list: &Path,
        resume: bool,
    ) -> Result<Option<JournalPlace>, Failure> {
        let beside = |path: &Path, end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let (path, is_beside_list) = match (self, given) {
            (Target::Nowhere, _) if resume => {
                return Err(Failure::usage("--dry-run --resume: nothing is done in a dry run"));
            }
            (Target::Mbox(None), _) if resume => {
                return Err(Failure::usage(
                    "--resume: what went to stdout cannot be gone on with: --mbox FILE",
                ));
            }
            (Target::Nowhere | Target::Mbox(None), _) => return Ok(None),
            (_, Some(given)) => (given.clone(), false),
            (Target::Folder(folder), None) => (folder.join(".openclick-journal"), false),
            (Target::Mbox(Some(mbox)), None) => (beside(mbox, ".journal"), false),
            (Target::Program | Target::Lmtp(_), None) => (beside(list, ".journal"), true),
        };
        if is_beside_list && resume && !path.exists() {
            return Err(Failure::new(
                Exit::NoInput,
                format!(
                    "--resume: there is no {}: the run before came to its end, or never began",
                    path.display()
                ),
            ));
        }
        Ok(Some(JournalPlace { path, is_beside_list }))
    }
}

fn paths(matches: &ArgMatches) -> Result<(&Path, &Path), Failure> {
    let path = |name: &'static str| match path_of(matches, name) {
        Some(path) if is_stdin(path) => Err(Failure::usage(format!(
            "--{name} {}: expected a file, which a run can begin again with",
            path.display()
        ))),
        Some(path) => Ok(path.as_path()),
        None => Err(Failure::usage(format!("expected --{name} FILE"))),
    };
    Ok((path("template")?, path("recipients")?))
}

/// No output may take the place of what is read, or of another output.
fn check_outputs(matches: &ArgMatches, template: &Path, list: &Path, target: &Target) -> Result<(), Failure> {
    let report = path_of(matches, "report").map(|path| ("--report", path.as_path()));
    let journal = path_of(matches, "journal").map(|path| ("--journal", path.as_path()));
    let mbox = match target {
        Target::Mbox(Some(path)) => Some(("--mbox", path.as_path())),
        _ => None,
    };
    let mut taken = vec![("--template", template), ("--recipients", list)];
    for (name, path) in [report, journal, mbox].into_iter().flatten() {
        if let Some((other, _)) = taken.iter().find(|(_, other)| is_same(path, other)) {
            return Err(Failure::usage(format!("{other} and {name} name the same file")));
        }
        taken.push((name, path));
    }
    if matches!(target, Target::Mbox(None)) && report.is_some_and(|(_, path)| is_stdout(path)) {
        return Err(Failure::usage("--report -: stdout takes the mbox"));
    }
    Ok(())
}

fn delimiter(matches: &ArgMatches) -> Result<Option<u8>, Failure> {
    match matches.get_one::<String>("delimiter").map(String::as_str) {
        None => Ok(None),
        Some("tab" | "\\t" | "\t") => Ok(Some(b'\t')),
        Some(text) => match text.as_bytes() {
            [byte] if byte.is_ascii_graphic() && *byte != b'"' => Ok(Some(*byte)),
            _ => Err(Failure::usage("--delimiter: expected one character such as ; or the word tab")),
        },
    }
}

/// The sender of envelopes; empty for none.
fn sender(matches: &ArgMatches, letter: &Letter, target: &Target) -> Result<String, Failure> {
    match matches.get_one::<String>("sender").map(|text| text.trim()) {
        Some("" | "<>") => Ok(String::new()),
        Some(text) => address::address(text).map_err(|why| Failure::usage(format!("--sender: {why}"))),
        None => match (&letter.from, target) {
            (Some(from), _) => Ok(from.clone()),
            (None, Target::Lmtp(_)) => Err(Failure::new(
                Exit::Data,
                "the From of the template is not the same for all: --sender says whom mail comes from",
            )),
            (None, _) => Ok("MAILER-DAEMON".to_owned()),
        },
    }
}

fn make_folder(folder: &Path, resume: bool) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::new(Exit::CannotCreate, format!("cannot create {}: {}", folder.display(), Cause(&error)))
    })?;
    if resume {
        clear(folder);
    }
    Ok(())
}

/// Makes the outputs, and tells the journal that they are ours. What a user has of their own is left as it is.
fn make_outputs(
    target: &Target,
    sink: &mut Sink,
    opened: Option<&Opened>,
    report: Option<&PathBuf>,
) -> Result<(Option<Mbox>, Option<Report>), Failure> {
    let is_made = opened.is_some_and(|opened| opened.is_made);
    let is_old = opened.is_some_and(|opened| opened.is_old);
    if let Sink::Folder(folder) = sink {
        match folder.first_output() {
            _ if is_made => folder.goes_on(),
            Some(output) => {
                let why = "is there already, and no journal that goes on with it";
                return Err(Failure::new(Exit::CannotCreate, format!("{} {why}", output.display())));
            }
            None => {}
        }
    }
    if let (Target::Mbox(Some(path)), false) = (target, is_made) {
        Mbox::check_free(path, is_old)?;
    }
    // Behind what may refuse: it empties the report of an earlier run.
    let report = report.map(|path| Report::open(path)).transpose()?;
    let mbox = match target {
        Target::Mbox(Some(path)) => {
            Some(Mbox::file(path, opened.filter(|_| is_old).map(|opened| opened.length))?)
        }
        Target::Mbox(None) => Some(Mbox::stdout()),
        _ => None,
    };
    if let Some(opened) = opened.filter(|opened| !opened.is_made) {
        opened.journal.made()?;
    }
    Ok((mbox, report))
}

fn open_journal(
    place: &JournalPlace,
    letter: &Letter,
    list: &Path,
    sink: &Sink,
    job: Option<&String>,
    resume: bool,
) -> Result<Opened, Failure> {
    let recipients = ListIdentity::of(list)
        .map_err(|error| Failure::new(Exit::NoInput, format!("{}: {}", list.display(), Cause(&error))))?;
    let identity = Identity {
        openclick_render: 1,
        output: sink.name().to_owned(),
        job: job.map_or_else(job::random_id, |job| Ok(job.clone()))?,
        template: digest(&letter.source),
        recipients,
    };
    Journal::open(&place.path, identity, job.is_some(), resume)
}
