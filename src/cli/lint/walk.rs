//! Which files are looked at.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::super::exit::Cause;
use super::super::input::{is_message, looks_like_html};

/// Files, and what is none of them.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// In the order of the command line and of names.
    pub(super) found: Vec<PathBuf>,
    /// What was left out of a folder, and why.
    pub(super) left_out: Vec<(PathBuf, &'static str)>,
    /// What cannot be read, and why.
    pub(super) failed: Vec<(PathBuf, String)>,
}

/// Why a file is left out.
pub(super) const NO_MAIL: &str = "neither HTML nor a message";

/// Names of HTML and messages.
const MAIL: [&str; 4] = ["html", "htm", "xhtml", "eml"];

/// Names of templates, which are looked at if they begin as HTML does.
const TEMPLATES: [&str; 14] = [
    "hbs",
    "handlebars",
    "mustache",
    "liquid",
    "j2",
    "jinja",
    "jinja2",
    "njk",
    "twig",
    "ejs",
    "erb",
    "tmpl",
    "tpl",
    "ftl",
];

/// What is looked at of a file whose name says nothing.
const START: u64 = 1024;

impl Files {
    /// Files as they are named, and what is in folders.
    pub(super) fn of<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Files {
        let mut files = Files::default();
        for path in paths {
            match fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => files.walk(path),
                // What is named is meant, whatever it looks like; what cannot be read is told when its turn comes.
                _ => files.found.push(path.clone()),
            }
        }
        files
    }

    fn walk(&mut self, folder: &Path) {
        let mut open = vec![folder.to_owned()];
        while let Some(path) = open.pop() {
            let entries = fs::read_dir(&path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
            let mut entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.failed.push((path, Cause(&error).to_string()));
                    continue;
                }
            };
            entries.sort_by_key(fs::DirEntry::file_name);
            let mut below = Vec::new();
            for entry in entries {
                let path = entry.path();
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                match entry.file_type() {
                    Ok(_) if is_hidden => self.left_out.push((path, "hidden")),
                    Ok(kind) if kind.is_dir() && entry.file_name() == "node_modules" => {
                        self.left_out.push((path, "a folder of packages"));
                    }
                    Ok(kind) if kind.is_dir() => below.push(path),
                    Ok(kind) if kind.is_file() => self.file(path),
                    Ok(_) => self.left_out.push((path, "a symbolic link, or no file")),
                    Err(error) => self.failed.push((path, Cause(&error).to_string())),
                }
            }
            open.extend(below.into_iter().rev());
        }
    }

    fn file(&mut self, path: PathBuf) {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let looks = |is_it: fn(&[u8]) -> bool| {
            let mut start = Vec::new();
            let read = File::open(&path).and_then(|file| file.take(START).read_to_end(&mut start));
            read.map(|_| is_it(&start)).map_err(|error| Cause(&error).to_string())
        };
        let is_mail = match extension.as_str() {
            name if MAIL.contains(&name) => Ok(true),
            name if TEMPLATES.contains(&name) => looks(looks_like_html),
            // As in a Maildir.
            "" => looks(|start| looks_like_html(start) || is_message(start, false) == Some(true)),
            _ => Ok(false),
        };
        match is_mail {
            Ok(true) => self.found.push(path),
            Ok(false) => self.left_out.push((path, NO_MAIL)),
            Err(why) => self.failed.push((path, why)),
        }
    }
}
