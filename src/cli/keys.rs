//! `openclick key`: making and rotating keys.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use openclick::{ErrorKind, KeyEntry, KeyFile, KeyState};
use serde::Serialize;

use super::exit::{Cause, Exit, Failure};
use super::output::Output;
use super::sanitize::write_json_line;
use super::setting as s;
use super::settings::{Settings, missing};
use super::time;

/// Runs `new`, `add`, `promote`, `retire`, `rotate` or `list`.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Failure::usage("expected new, add, promote, retire, rotate or list"));
    };
    if name == "new" {
        // The configuration is not asked: it names the file in use, which this must not touch.
        return new(matches.get_one::<PathBuf>("key-file").map(PathBuf::as_path));
    }
    let settings = Settings::gather(matches)?;
    let path = settings.path(&s::KEY_FILE).ok_or_else(|| missing(&s::KEY_FILE, "no key file"))?;
    let allow_open = settings.switch(&s::ALLOW_OPEN_KEY_FILE).unwrap_or(false);
    let slot = matches.try_get_one::<u8>("slot").ok().flatten().copied().unwrap_or_default();
    let said = match name {
        "add" => {
            let reuse = matches.get_one::<u8>("reuse-slot").copied();
            let slot = edit(path, allow_open, |file| file.add(reuse))?;
            format!(
                "slot {slot} has a new key, accepted but not used yet\n\
                 deploy {} to every machine that makes or reads tracking links, then: openclick key promote {slot}\n",
                path.display()
            )
        }
        "promote" => {
            let before = edit(path, allow_open, |file| {
                let before = file.list().into_iter().find(|entry| entry.state == KeyState::Active);
                file.promote(slot)?;
                Ok(before.map_or(0, |entry| entry.slot))
            })?;
            format!(
                "slot {slot} is active; slot {before} is accepted\n\
                 deploy {} again; once no mail of slot {before} matters: openclick key retire {before}\n",
                path.display()
            )
        }
        "retire" => {
            edit(path, allow_open, |file| file.retire(slot))?;
            format!("slot {slot} is retired: its links are refused wherever {} is deployed\n", path.display())
        }
        "rotate" => read(path, allow_open)?.rotation_steps(),
        _ if matches.get_flag("json") => return list_json(&read(path, allow_open)?.list()),
        _ => table(&read(path, allow_open)?.list()),
    };
    print(&said)
}

fn new(path: Option<&Path>) -> Result<(), Failure> {
    let file = KeyFile::new();
    let Some(path) = path else {
        return file.write_stdout().map_err(|error| match cause(&error) {
            Some(cause) => Failure::writing("standard output", cause),
            None => error.into(),
        });
    };
    file.create(path).map_err(|error| {
        let why = match cause(&error).map(io::Error::kind) {
            Some(io::ErrorKind::AlreadyExists) => {
                format!("{} is there already; `openclick key add` adds a key to it", path.display())
            }
            _ => words(path, &error),
        };
        Failure::new(Exit::CannotCreate, why)
    })
}

/// Reads a key file to be listed.
fn read(path: &Path, allow_open: bool) -> Result<KeyFile, Failure> {
    let refuse = |why: String| Failure::configuration(why);
    if !allow_open {
        return KeyFile::read(path).map_err(|error| refuse(words(path, &error)));
    }
    // Whoever allows others to read it says that it is no secret.
    let text = std::fs::read_to_string(path)
        .map_err(|error| refuse(format!("key file {}: {}", path.display(), Cause(&error))))?;
    KeyFile::parse(&text).map_err(|error| refuse(format!("key file {}: {error}", path.display())))
}

fn edit<T>(
    path: &Path,
    allow_open: bool,
    change: impl FnOnce(&mut KeyFile) -> openclick::Result<T>,
) -> Result<T, Failure> {
    let mut is_read = false;
    let change = |file: &mut KeyFile| {
        is_read = true;
        change(file)
    };
    let edited = match allow_open {
        true => KeyFile::edit_open(path, change),
        false => KeyFile::edit(path, change),
    };
    edited.map_err(|error| match error.kind() {
        // A file that cannot be read is a setting that cannot be used.
        ErrorKind::Io if is_read => Failure::new(Exit::Io, words(path, &error)),
        _ => Failure::configuration(words(path, &error)),
    })
}

/// An error about a file, in the system's words where it is the system's.
fn words(path: &Path, error: &openclick::Error) -> String {
    match cause(error) {
        Some(cause) => format!("key file {}: {}", path.display(), Cause(cause)),
        None => error.to_string(),
    }
}

fn cause(error: &openclick::Error) -> Option<&io::Error> {
    error.source().and_then(|source| source.downcast_ref())
}

/// A key in `list --json`.
#[derive(Serialize)]
struct Listed {
    slot: u8,
    state: KeyState,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
}

fn list_json(entries: &[KeyEntry]) -> Result<(), Failure> {
    let mut output = Output::stdout();
    for entry in entries {
        let KeyEntry { slot, state, not_after, .. } = *entry;
        let listed = Listed { slot, state, not_after: not_after.map(time::timestamp) };
        write_json_line(&mut output, &listed).map_err(|error| Failure::writing(output.name(), &error))?;
    }
    output.commit()
}

fn table(entries: &[KeyEntry]) -> String {
    let mut table = String::from("SLOT  STATE    NOT AFTER\n");
    for entry in entries {
        let not_after = entry.not_after.map_or_else(|| "-".to_owned(), time::timestamp);
        let _ = writeln!(table, "{:>4}  {:<7}  {not_after}", entry.slot, entry.state);
    }
    table
}

fn print(text: &str) -> Result<(), Failure> {
    let mut output = Output::stdout();
    output.write_all(text.as_bytes()).map_err(|error| Failure::writing(output.name(), &error))?;
    output.commit()
}
