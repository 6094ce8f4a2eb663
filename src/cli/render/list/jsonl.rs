//! JSON Lines: an object a line.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::source::{LONGEST, Meter};
use super::{Raw, Values};

/// A list in JSON Lines.
pub(super) struct JsonLines<R> {
    reader: BufReader<R>,
    meter: Meter,
    line: u64,
}

impl<R: Read> JsonLines<R> {
    pub(super) fn new(source: R, meter: Meter) -> JsonLines<R> {
        JsonLines { reader: BufReader::with_capacity(64 * 1024, source), meter, line: 0 }
    }

    /// The next row, and its line. Blank lines are none.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Raw)>, String> {
        loop {
            let mut line = Vec::new();
            let failed = |error: std::io::Error| super::Cause(&error).to_string();
            let length =
                (&mut self.reader).take(LONGEST as u64).read_until(b'\n', &mut line).map_err(failed)?;
            if length == 0 {
                return Ok(None);
            }
            self.line += 1;
            if !line.ends_with(b"\n") {
                return Ok(Some((self.line, self.skip()?)));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some((self.line, Raw::Json(line))));
            }
        }
    }

    /// Reads a line that is too long to its end.
    fn skip(&mut self) -> Result<Raw, String> {
        const WHY: &str = "a row of more than 1 MiB";
        loop {
            // Nothing of it is kept.
            self.meter.begin_row();
            let buffer = self.reader.fill_buf().map_err(|error| super::Cause(&error).to_string())?;
            let end = memchr::memchr(b'\n', buffer);
            let length = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(length);
            if end.is_some() || length == 0 {
                return Ok(Raw::Bad(WHY));
            }
        }
    }
}

/// The values of a row by these names.
pub(super) fn values(line: &[u8], names: &[String]) -> Result<Values<'static>, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let value: Value = serde_json::from_str(text.trim_end()).map_err(|error| {
        let (column, text) = (error.column(), error.to_string());
        // The line that it counts is always the first.
        format!("no JSON: {} at column {column}", text.split(" at line ").next().unwrap_or_default())
    })?;
    let Value::Object(object) = value else { return Err("expected a JSON object".to_owned()) };
    names.iter().map(|name| text_of(find(&object, name), name)).collect()
}

/// The value of a name: a key, or keys one inside the other with dots between.
fn find<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    if let Some(value) = object.get(name) {
        return Some(value);
    }
    // A key may itself have dots.
    name.match_indices('.').find_map(|(dot, _)| match object.get(&name[..dot]) {
        Some(Value::Object(inner)) => find(inner, &name[dot + 1..]),
        _ => None,
    })
}

fn text_of(value: Option<&Value>, name: &str) -> Result<Option<Cow<'static, str>>, String> {
    let expected =
        |found: &str| Err(format!("`{name}`: expected a string, number or true or false, found {found}"));
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Cow::Owned(text.clone()))),
        Some(Value::Bool(on)) => Ok(Some(Cow::Borrowed(if *on { "true" } else { "false" }))),
        // It has lost digits by now.
        Some(Value::Number(number))
            if number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= 1.8e19) =>
        {
            Err(format!("`{name}`: a number beyond 64 bits: put it in quotes"))
        }
        Some(Value::Number(number)) => Ok(Some(Cow::Owned(number.to_string()))),
        Some(Value::Array(_)) => expected("a list"),
        Some(Value::Object(_)) => expected("an object"),
    }
}
