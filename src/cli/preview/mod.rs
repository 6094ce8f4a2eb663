//! `openclick preview`: what a rewrite would do to a mail.

mod args;
mod diff;
mod edits;
mod json;
pub(super) mod look;
mod page;
mod screen;
mod serve;
mod subject;

use std::io::{self, Write};
use std::path::Path;

use clap::ArgMatches;

use self::look::Looker;
use self::subject::Subject;
use super::exit::{Failure, say};
use super::input::named;
use super::lint;
use super::output::Output;
use super::settings::Settings;
use super::terminal::Screen;

pub(super) use self::args::command;

/// Looks at a mail and shows what would be done to it.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    if matches.get_flag("json-schema") {
        return print(|output| output.write_all(json::SCHEMA.as_bytes()));
    }
    let looker = Looker::new(Settings::gather(matches)?)?;
    if page::is_asked(matches) {
        return page::run(matches, looker);
    }
    let file = named(matches);
    let look = looker.look_at(file)?;
    let name = file.map(|path| path.display().to_string());
    let subject = Subject::of(&look, name.as_deref());
    let (screen, all) = (Screen::stdout(matches), matches.get_flag("all"));
    if matches.get_flag("diff") {
        let differences = diff::differences(&look);
        if differences.is_empty() {
            say(Some("preview"), &format!("nothing would change: {}", screen::status(&look)));
        }
        return print(|output| diff::write(output, screen, &differences, &base_name(file), all));
    }
    let findings = lint::check(&look);
    if matches.get_flag("json") {
        return print(|output| json::write(output, &looker, &look, &subject, &findings));
    }
    let unsigned = looker.if_unsigned(&look)?;
    print(|output| screen::write(output, screen, &looker, &look, unsigned.as_ref(), &subject, &findings, all))
}

/// The name that a diff has for the mail.
fn base_name(file: Option<&Path>) -> String {
    let name = file.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "stdin".to_owned())
}

fn print(write: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Failure> {
    let mut output = Output::stdout();
    write(&mut output).map_err(|error| Failure::writing(output.name(), &error))?;
    output.commit()
}
