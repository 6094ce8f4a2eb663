//! CSV (RFC 4180): a line of names, then rows; quoted values may hold line breaks.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::Values;
use super::quotes::{Misplaced, Watched};
use super::source::Meter;

/// Why a row is none.
pub(super) const MISPLACED: &str =
    "text behind a closing quote: was a quote left open, here or in a line that this row swallowed?";

/// A list in CSV.
pub(super) struct CsvList<R> {
    reader: Reader<Watched<R>>,
    misplaced: Misplaced,
    meter: Meter,
    columns: Vec<String>,
}

impl<R: Read> CsvList<R> {
    /// Reads the names of the columns.
    pub(super) fn open(source: R, meter: Meter, delimiter: u8) -> Result<CsvList<R>, String> {
        let (source, misplaced) = Watched::new(source, delimiter);
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(source);
        let mut list = CsvList { reader, misplaced, meter, columns: Vec::new() };
        let Some((line, header)) = list.next()? else { return Err("no line of column names".to_owned()) };
        let Some(header) = header else { return Err(format!("line {line}: {MISPLACED}")) };
        let mut seen = HashSet::new();
        for (index, name) in header.iter().enumerate() {
            let Ok(name) = std::str::from_utf8(name) else {
                return Err(format!("line {line}: the name of column {} is not UTF-8", index + 1));
            };
            let name = name.trim();
            // Spreadsheets leave columns without a name behind.
            if !name.is_empty() && !seen.insert(name) {
                return Err(format!("line {line}: two columns `{name}`"));
            }
            list.columns.push(name.to_owned());
        }
        Ok(list)
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next row, and the line on which it begins. None for one with text behind a closing quote.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Option<ByteRecord>)>, String> {
        let mut record = ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(_) if self.meter.is_empty() => {
                let line = record.position().map_or(1, |position| position.line());
                return Err(format!("line {line}: a row of more than 1 MiB: is a quote not closed?"));
            }
            Err(error) => return Err(cause(error)),
        }
        // The reader counts where it stood, which is in front of blank lines.
        let inside = memchr::memchr_iter(b'\n', record.as_slice()).count() as u64;
        let line = (self.reader.position().line() - 1).saturating_sub(inside);
        let end = self.reader.position().byte();
        let mut misplaced = self.misplaced.borrow_mut();
        let mut is_bad = false;
        while misplaced.front().is_some_and(|&offset| offset < end) {
            misplaced.pop_front();
            is_bad = true;
        }
        Ok(Some((line, (!is_bad).then_some(record))))
    }
}

fn cause(error: csv::Error) -> String {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => super::Cause(&error).to_string(),
        _ => "it cannot be read".to_owned(),
    }
}

/// The values of a row at these places.
pub(super) fn values<'r>(
    record: &'r ByteRecord,
    places: &[Option<usize>],
    count: usize,
) -> Result<Values<'r>, String> {
    if record.len() != count {
        let columns = if count == 1 { "column" } else { "columns" };
        return Err(format!("expected {count} {columns}, found {}", record.len()));
    }
    let value = |place: &Option<usize>| {
        let Some(index) = *place else { return Ok(None) };
        match std::str::from_utf8(&record[index]) {
            Ok(text) => Ok(Some(Cow::Borrowed(text))),
            Err(_) => Err(format!("column {} is not UTF-8", index + 1)),
        }
    };
    places.iter().map(value).collect()
}
