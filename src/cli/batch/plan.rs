//! What is to be done, known before anything is written: which file becomes which.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::super::exit::{Cause, Exit, Failure};
use super::super::input::Format;
use super::super::output::is_unfinished;

/// The work, in the order of the command line and of names.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    /// The folders to make, a folder before what it holds.
    pub(super) folders: Vec<Folder>,
    /// What is done already.
    pub(super) skipped: Vec<PathBuf>,
    /// What is no mail, and why.
    pub(super) left_out: Vec<(PathBuf, &'static str)>,
    /// What cannot be read, and why.
    pub(super) failed: Vec<(PathBuf, String)>,
}

/// One file.
pub(super) struct Item {
    pub(super) input: PathBuf,
    pub(super) output: PathBuf,
    /// In bytes, as it was when the plan was made.
    pub(super) length: u64,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mbox,
    /// A message of a Maildir.
    Maildir,
    /// HTML, or a message.
    Single,
}

/// A folder to make like another.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) like: Metadata,
}

/// What a folder is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    /// Holds `cur`, `new` and `tmp`.
    Maildir,
    /// `cur` or `new` of a Maildir.
    Messages,
    /// `tmp` of a Maildir: what is being delivered.
    Deliveries,
}

const MAILDIR: [&str; 3] = ["cur", "new", "tmp"];

struct Planner {
    plan: Plan,
    format: Format,
    resume: bool,
}

/// Plans; refuses what would write one file over another.
pub(super) fn make(
    inputs: &[&PathBuf],
    target: &Path,
    format: Format,
    resume: bool,
) -> Result<Plan, Failure> {
    if target.exists() && !target.is_dir() {
        return Err(Failure::new(
            Exit::CannotCreate,
            format!("--out-dir {}: it is no folder", target.display()),
        ));
    }
    let real_target = real(target)
        .map_err(|error| Failure::usage(format!("--out-dir {}: {}", target.display(), Cause(&error))))?;
    let mut tops: HashMap<OsString, &Path> = HashMap::new();
    let mut planner = Planner { plan: Plan::default(), format, resume };
    let mut folders = Vec::new();
    for input in inputs {
        let shown = input.display();
        let refuse = |why: String| Failure::new(Exit::NoInput, format!("{shown}: {why}"));
        let seen = |error: io::Error| refuse(Cause(&error).to_string());
        let metadata = fs::metadata(input).map_err(seen)?;
        if !metadata.is_file() && !metadata.is_dir() {
            return Err(refuse("expected a file or a folder".to_owned()));
        }
        let real_input = input.canonicalize().map_err(seen)?;
        if real_input.starts_with(&real_target) {
            return Err(Failure::usage(format!("{shown} is inside --out-dir {}", target.display())));
        }
        if metadata.is_dir() && real_target.starts_with(&real_input) {
            return Err(Failure::usage(format!("--out-dir {} is inside {shown}", target.display())));
        }
        let name = input.file_name().or_else(|| real_input.file_name()).unwrap_or_default().to_owned();
        let output = target.join(&name);
        if let Some(other) = tops.insert(name, input) {
            return Err(Failure::usage(format!(
                "{} and {shown} would both become {}",
                other.display(),
                output.display()
            )));
        }
        folders.push((input.to_path_buf(), output, metadata));
    }
    for (input, output, metadata) in folders {
        match metadata.is_dir() {
            true => planner.walk(input, output),
            false => {
                let kind = planner.kind(&input, Place::Plain);
                planner.file(input, output, metadata.len(), kind);
            }
        }
    }
    let mut plan = planner.plan;
    plan.look_again(resume)?;
    Ok(plan)
}

impl Plan {
    /// Whose output is there is done, where the run goes on; else it is in the way. Another run may have made it since.
    pub(super) fn look_again(&mut self, resume: bool) -> Result<(), Failure> {
        let is_done = |item: &Item| resume && item.output.is_file();
        self.skipped.extend(self.items.extract_if(.., |item| is_done(item)).map(|item| item.input));
        // An output that another run makes while this looks is not in the way: its own will be refused its name.
        let is_in_the_way = |item: &&Item| item.output.symlink_metadata().is_ok() && !is_done(item);
        let Some(item) = self.items.iter().find(is_in_the_way) else { return Ok(()) };
        let what = if resume { "and no file" } else { "already; --resume skips what is done" };
        Err(Failure::new(Exit::CannotCreate, format!("{} is there {what}", item.output.display())))
    }
}

impl Planner {
    /// Goes through a folder and all below it, in the order of names.
    fn walk(&mut self, input: PathBuf, output: PathBuf) {
        let mut open = vec![(input, output, Place::Plain)];
        while let Some((input, output, place)) = open.pop() {
            let read = fs::metadata(&input).and_then(|like| Ok((like, entries(&input)?)));
            let (like, entries) = match read {
                Ok(read) => read,
                Err(error) => {
                    self.plan.failed.push((input, Cause(&error).to_string()));
                    continue;
                }
            };
            self.plan.folders.push(Folder { path: output.clone(), like });
            let is_maildir = MAILDIR.iter().all(|name| {
                entries
                    .iter()
                    .any(|entry| entry.file_name() == **name && entry.file_type().is_ok_and(|is| is.is_dir()))
            });
            let place = if place == Place::Plain && is_maildir { Place::Maildir } else { place };
            let done = match self.resume && place == Place::Messages {
                true => delivered(&input, &output),
                false => HashSet::new(),
            };
            let mut below = Vec::new();
            for entry in entries {
                let (from, to) = (entry.path(), output.join(entry.file_name()));
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => below.push((from, to, within(place, &entry.file_name()))),
                    Ok(kind) if kind.is_file() => match place {
                        Place::Maildir => {
                            self.plan.left_out.push((from, "the Maildir's own file, no mail"));
                        }
                        Place::Deliveries => {
                            self.plan.left_out.push((from, "not delivered to the Maildir yet"));
                        }
                        _ if is_unfinished(&entry.file_name()) => {
                            self.plan.left_out.push((from, "an output of openclick that was not finished"));
                        }
                        Place::Messages if done.contains(unique(&entry.file_name())) => {
                            self.plan.skipped.push(from);
                        }
                        Place::Plain | Place::Messages => {
                            let kind = self.kind(&from, place);
                            self.file(from, to, entry.metadata().map_or(0, |metadata| metadata.len()), kind);
                        }
                    },
                    Ok(kind) if kind.is_symlink() => self.plan.failed.push((
                        from,
                        "a symbolic link inside a folder is not followed; name it on the command line"
                            .to_owned(),
                    )),
                    Ok(_) => self.plan.failed.push((from, "neither a file nor a folder".to_owned())),
                    Err(error) => self.plan.failed.push((from, Cause(&error).to_string())),
                }
            }
            open.extend(below.into_iter().rev());
        }
    }

    fn file(&mut self, input: PathBuf, output: PathBuf, length: u64, kind: Kind) {
        self.plan.items.push(Item { input, output, length, kind });
    }

    fn kind(&self, input: &Path, place: Place) -> Kind {
        let extension = extension(input);
        let starts_with_from = || {
            let mut start = [0; 5];
            // What cannot be read is told when its turn comes.
            File::open(input).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"From "
        };
        match place {
            Place::Messages => Kind::Maildir,
            _ if self.format != Format::Auto => Kind::Single,
            _ => match extension.as_str() {
                "mbox" | "mbx" => Kind::Mbox,
                "eml" | "html" | "htm" | "xhtml" => Kind::Single,
                _ if starts_with_from() => Kind::Mbox,
                _ => Kind::Single,
            },
        }
    }
}

/// The extension of a name in lower case, or nothing.
pub(super) fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

fn within(place: Place, name: &OsStr) -> Place {
    match place {
        Place::Maildir if name == "tmp" => Place::Deliveries,
        Place::Maildir if MAILDIR.iter().any(|known| name == *known) => Place::Messages,
        // The folders of Maildir++ stand beside `cur`.
        _ => Place::Plain,
    }
}

fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// The messages of a Maildir that its copy has, whatever their flags: a message moves and is flagged while others read it. Two
/// that share the part of the name that stays are not told apart by it, and so not among these: only the whole name counts.
fn delivered(messages: &Path, copies: &Path) -> HashSet<OsString> {
    let mut seen = HashSet::new();
    let shared: HashSet<OsString> = names(messages).filter(|name| !seen.insert(name.clone())).collect();
    names(copies).filter(|name| !shared.contains(name)).collect()
}

/// What stays of the names in the `cur` and `new` to which a folder belongs.
fn names(messages: &Path) -> impl Iterator<Item = OsString> {
    let maildir = messages.parent().unwrap_or(messages).to_owned();
    let folders = MAILDIR[..2].iter().filter_map(move |name| fs::read_dir(maildir.join(name)).ok());
    folders.flatten().flatten().map(|entry| unique(&entry.file_name()).to_owned())
}

/// The part of a Maildir's file name that stays.
fn unique(name: &OsStr) -> &OsStr {
    // An OsStr can only be cut where it is text; Maildir names are.
    name.to_str().and_then(|name| name.split(':').next()).map_or(name, OsStr::new)
}

/// The real path of what may not be there yet.
pub(super) fn real(path: &Path) -> io::Result<PathBuf> {
    let mut missing = Vec::new();
    let mut there = std::path::absolute(path)?;
    loop {
        match there.canonicalize() {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |path, name| path.join(name))),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(error) => match (there.file_name().map(OsStr::to_owned), there.parent()) {
                // `..` behind what is not there leads nowhere.
                (Some(name), Some(parent)) => {
                    missing.push(name);
                    there = parent.to_owned();
                }
                _ => return Err(error),
            },
        }
    }
}
