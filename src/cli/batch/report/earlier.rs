//! What the runs before told.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{self, Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::plan::Plan;

/// Why lines of a run before tell of what is not there.
pub(super) const NOT_THERE: &str = "its output is not there: a run was stopped before, or it was taken away";

/// As much of a line as must be known.
#[derive(Deserialize)]
struct Told {
    file: String,
    number: Option<IgnoredAny>,
    copied: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// Cuts off a last line that is torn, and finds the files that are to be written though lines tell of their messages and no
/// line takes that back, by their names in the report.
pub(super) fn mend(mut report: &File, plan: &Plan) -> io::Result<Vec<String>> {
    // The order is that of the plan. Names that are no Unicode are not in the report as they are, and two of them may look like
    // one: to take back what holds is worse than to leave what does not.
    let names = plan.items.iter().map(|item| item.input.to_str().and_then(|name| whole(Path::new(name))));
    let places: HashMap<PathBuf, usize> =
        names.enumerate().filter_map(|(place, name)| Some((name?, place))).collect();
    let mut told = vec![None; plan.items.len()];
    let (mut lines, mut line, mut length) = (BufReader::new(report), Vec::new(), 0);
    while lines.read_until(b'\n', &mut line)? > 0 {
        let parsed = serde_json::from_slice::<Told>(&line);
        if !line.ends_with(b"\n") {
            match parsed {
                Ok(_) => (&mut report).write_all(b"\n")?,
                Err(_) => report.set_len(length)?,
            }
        }
        length += line.len() as u64;
        line.clear();
        let Ok(parsed) = parsed else { continue };
        let Some(place) = whole(Path::new(&parsed.file)).and_then(|name| places.get(&name)) else { continue };
        if parsed.number.is_some() || parsed.copied.is_some() {
            told[*place] = Some(parsed.file);
        } else if parsed.error.is_some() {
            told[*place] = None;
        }
    }
    Ok(told.into_iter().flatten().collect())
}

/// Absolute, so that a file is the same however it is named from here.
fn whole(name: &Path) -> Option<PathBuf> {
    path::absolute(name).ok()
}
