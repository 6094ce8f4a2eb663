//! Lists of recipients: CSV and JSON Lines, a row at a time.
//!
//! A row is cut out in order; its values are read by whoever renders it, on any core.

mod csv;
mod jsonl;
mod quotes;
mod source;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use self::csv::CsvList;
use self::jsonl::JsonLines;
use self::source::{Meter, Source};
use super::super::exit::{Cause, Exit, Failure};
use super::super::setting::did_you_mean;

/// A row as it stands in the list.
pub(super) struct Row {
    /// From 1.
    pub(super) number: u64,
    /// The line of the file on which it begins, from 1.
    pub(super) line: u64,
    raw: Raw,
}

enum Raw {
    Csv(::csv::ByteRecord),
    Json(Vec<u8>),
    /// It could not even be cut out.
    Bad(&'static str),
}

/// The values of a row, in the order of the names that were asked for. None where the row says nothing.
pub(super) type Values<'r> = Vec<Option<Cow<'r, str>>>;

/// A list as it is read.
pub(super) struct List {
    rows: Rows,
    meter: Meter,
    number: u64,
    shown: String,
}

enum Rows {
    Csv(Box<CsvList<Source<File>>>),
    Json(JsonLines<Source<File>>),
}

/// How the values of rows are read. Shared by all threads.
pub(super) struct Reading {
    names: Vec<String>,
    /// Of a CSV: where each name stands, and how many columns there are.
    columns: Option<(Vec<Option<usize>>, usize)>,
}

/// What the list is, by its name.
fn is_json(path: &Path) -> Result<bool, Failure> {
    match path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).as_deref() {
        Some("csv" | "tsv" | "txt") => Ok(false),
        Some("jsonl" | "ndjson" | "json") => Ok(true),
        _ => Err(Failure::usage(format!(
            "--recipients {}: expected a name that ends in .csv or .jsonl",
            path.display()
        ))),
    }
}

impl List {
    /// Opens a list; of a CSV the names of its columns are read.
    pub(super) fn open(path: &Path, delimiter: Option<u8>) -> Result<List, Failure> {
        let is_json = is_json(path)?;
        let shown = path.display().to_string();
        // What is no file gives its rows once, and it is opened twice; a pipe would wait for a writer.
        if let Ok(metadata) = std::fs::metadata(path)
            && !metadata.is_file()
            && !metadata.is_dir()
        {
            let why = "expected a file, which a run can begin again with, found a pipe or a device";
            return Err(Failure::new(Exit::NoInput, format!("{shown}: {why}")));
        }
        let file = File::open(path)
            .map_err(|error| Failure::new(Exit::NoInput, format!("{shown}: {}", Cause(&error))))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Failure::new(Exit::NoInput, format!("{shown}: expected a file, found a folder")));
        }
        let (source, meter) = Source::new(file);
        let rows = match is_json {
            true => Rows::Json(JsonLines::new(source, meter.clone())),
            false => {
                let is_tabs = path.extension().is_some_and(|name| name.eq_ignore_ascii_case("tsv"));
                let delimiter = delimiter.unwrap_or(if is_tabs { b'\t' } else { b',' });
                let list = CsvList::open(source, meter.clone(), delimiter);
                Rows::Csv(Box::new(list.map_err(|why| data(&shown, &why))?))
            }
        };
        Ok(List { rows, meter, number: 0, shown })
    }

    /// How these names are read from its rows. Those that `must` be there are looked for in the header of a CSV.
    pub(super) fn reading(
        &self,
        names: Vec<String>,
        must: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<Reading, Failure> {
        let Rows::Csv(list) = &self.rows else { return Ok(Reading { names, columns: None }) };
        let columns = list.columns();
        let mut places = Vec::with_capacity(names.len());
        for name in &names {
            let place = columns.iter().position(|column| column == name);
            if let (None, Some(what)) = (place, must(name)) {
                let near = did_you_mean(name, columns.iter().map(String::as_str));
                let hint = match columns {
                    [only] if only.contains([';', '\t']) => "; is it --delimiter that is missing?".to_owned(),
                    _ => near,
                };
                return Err(data(&self.shown, &format!("line 1: no column for {what} `{name}`{hint}")));
            }
            places.push(place);
        }
        Ok(Reading { names, columns: Some((places, columns.len())) })
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Failure> {
        self.meter.begin_row();
        let cut = match &mut self.rows {
            Rows::Csv(list) => list.next().map(|row| {
                row.map(|(line, record)| (line, record.map_or(Raw::Bad(csv::MISPLACED), Raw::Csv)))
            }),
            Rows::Json(list) => list.next(),
        };
        let cut = cut.map_err(|why| data(&self.shown, &why))?;
        Ok(cut.map(|(line, raw)| {
            self.number += 1;
            Row { number: self.number, line, raw }
        }))
    }

    /// Bytes of the file that were read.
    pub(super) fn position(&self) -> u64 {
        self.meter.read()
    }
}

fn data(shown: &str, why: &str) -> Failure {
    Failure::new(Exit::Data, format!("{shown}: {why}"))
}

impl Reading {
    /// The values of a row.
    ///
    /// # Errors
    /// What is wrong with it, without its values.
    pub(super) fn values<'r>(&self, row: &'r Row) -> Result<Values<'r>, String> {
        match (&row.raw, &self.columns) {
            (Raw::Bad(why), _) => Err((*why).to_owned()),
            (Raw::Csv(record), Some((places, count))) => csv::values(record, places, *count),
            (Raw::Json(line), _) => jsonl::values(line, &self.names),
            (Raw::Csv(_), None) => Err("it is no row of this list".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &[u8]) -> (List, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (List::open(&path, None).unwrap(), folder)
    }

    fn lines(name: &str, text: &str) -> Vec<(u64, String)> {
        let (mut list, _folder) = read(name, text.as_bytes());
        let reading = list.reading(vec!["a".to_owned(), "b.c".to_owned()], |_| None).unwrap();
        let mut all = Vec::new();
        while let Some(row) = list.next().unwrap() {
            let shown = match reading.values(&row) {
                Ok(values) => {
                    values.iter().map(|value| value.as_deref().unwrap_or("-")).collect::<Vec<_>>().join("|")
                }
                Err(why) => why,
            };
            assert_eq!(row.number, all.len() as u64 + 1);
            all.push((row.line, shown));
        }
        all
    }

    /// A quote left open swallows rows up to the next quoted value: that row fails, and says so.
    #[test]
    fn quotes_left_open() {
        let text = "email,name\na@e.org,A\nb@e.org,\"B\nc@e.org,C\nd@e.org,\"D\"\ne@e.org,\"E \"\"x\"\"\"\nf@e.org,5\" F\n";
        let (mut list, _folder) = read("l.csv", text.as_bytes());
        let mut rows = Vec::new();
        while let Some(row) = list.next().unwrap() {
            rows.push((row.line, matches!(row.raw, Raw::Bad(_))));
        }
        assert_eq!(rows, [(2, false), (3, true), (6, false), (7, false)]);
    }

    #[test]
    fn rows_of_a_csv_and_their_lines() {
        let text = "\u{feff}a,b.c\n1,2\n\n\n3,\"4\n5\"\n6\n\"7\"\"\",8\n9,10,11";
        let expected = [
            (2, "1|2".to_owned()),
            (5, "3|4\n5".to_owned()),
            (7, "expected 2 columns, found 1".to_owned()),
            (8, "7\"|8".to_owned()),
            (9, "expected 2 columns, found 3".to_owned()),
        ];
        assert_eq!(lines("l.csv", text), expected);
        assert_eq!(lines("l.csv", &text.replace('\n', "\r\n")), expected);
    }

    #[test]
    fn rows_of_json_lines() {
        let text = "{\"a\":1.5,\"b\":{\"c\":true}}\r\n\n{\"a\":null,\"b.c\":\"x\"}\n[]\n{\n{\"a\":[1]}\n{\"a\":1e30}";
        let expected = [
            (1, "1.5|true"),
            (3, "-|x"),
            (4, "expected a JSON object"),
            (5, "no JSON: EOF while parsing an object at column 1"),
            (6, "`a`: expected a string, number or true or false, found a list"),
            (7, "`a`: a number beyond 64 bits: put it in quotes"),
        ];
        assert_eq!(lines("l.jsonl", text), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn a_header_that_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.csv");
        for (text, why) in [
            (&b""[..], "no line of column names"),
            (b"a,a\n", "line 1: two columns `a`"),
            (b"a,\xff\n", "line 1: the name of column 2 is not UTF-8"),
            (b"\xff\xfea\0", "expected UTF-8, found UTF-16"),
        ] {
            std::fs::write(&path, text).unwrap();
            let failure = List::open(&path, None).err().unwrap();
            assert!(failure.text().ends_with(why), "{}", failure.text());
            assert_eq!(failure.exit, Exit::Data);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_list() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.csv");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let failure = List::open(&path, None).err().unwrap();
        assert!(failure.text().contains("found a pipe"), "{}", failure.text());
        assert_eq!(failure.exit, Exit::NoInput);
    }

    #[test]
    fn a_quote_that_is_never_closed() {
        let mut text = b"a,b\n1,2\n3,\"".to_vec();
        text.resize(3 << 20, b'x');
        let (mut list, _folder) = read("l.csv", &text);
        assert!(list.next().unwrap().is_some());
        let failure = list.next().err().unwrap();
        assert!(failure.text().contains("line 3: a row of more than 1 MiB"), "{}", failure.text());
        let (mut list, _folder) = read("l.jsonl", &[&text[..], b"\n{}\n"].concat());
        let lines: Vec<_> = std::iter::from_fn(|| list.next().unwrap()).map(|row| row.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
    }
}
