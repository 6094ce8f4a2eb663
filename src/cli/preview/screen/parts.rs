//! The tree of a message's parts.

use std::io::{self, Write};

use openclick::source::Message;
use openclick::{PartReason, PartReport};

use super::super::super::summary::grouped;
use super::super::super::terminal::{Screen, Tone, cut, safe, shorten};
use super::super::look::Look;
use super::columns::{self, Cell, Fit};
use super::{limited, words};

/// Writes the tree.
pub(super) fn write(
    out: &mut impl Write,
    screen: Screen,
    look: &Look,
    message: &Message<'_>,
    all: bool,
) -> io::Result<()> {
    let parents: Vec<_> = message.parts().take(look.report.parts.len()).map(|part| part.parent()).collect();
    let branches = branches(&parents);
    let (shown, rest) = limited(&look.report.parts, all);
    let rows: Vec<_> = shown
        .iter()
        .zip(message.parts())
        .zip(&branches)
        .map(|((report, part), branch)| row(report, part.body_range().len(), branch))
        .collect();
    columns::heading(out, screen, "Parts", "")?;
    let table = [
        ("part", Fit::End(20)),
        ("charset", Fit::Optional),
        ("encoding", Fit::Optional),
        ("bytes", Fit::Number),
        ("", Fit::End(8)),
    ];
    columns::write(out, screen, &table, &rows)?;
    if rest > 0 {
        let more = format!("… {} more: --all shows them", grouped(rest as u64));
        columns::paragraph(out, screen, Tone::Dim, &more)?;
    }
    // The report holds a thousand.
    let unlisted = message.parts().len().saturating_sub(look.report.parts.len());
    if unlisted > 0 {
        let more = format!("… {} more are not listed", grouped(unlisted as u64));
        columns::paragraph(out, screen, Tone::Dim, &more)?;
    }
    Ok(())
}

/// Parts that are deeper are drawn as deep as this, with `…` in front.
const DEEPEST: usize = 4;
/// The columns of a number such as `1.2.1`; a longer one loses its middle.
const PATH: usize = 11;

/// Charsets and encodings have no longer names; an attacker's have.
const LABEL: usize = 16;

fn row(report: &PartReport, size: usize, branch: &str) -> Vec<Cell> {
    let path =
        if report.path.is_empty() { String::new() } else { format!("{} ", shorten(&report.path, PATH)) };
    let verdict = match report.reason {
        _ if report.rewritten => Cell::new(Tone::Good, "rewritten"),
        None => Cell::plain("nothing to change"),
        Some(reason) => Cell::new(Tone::Notice, words::of_part(reason)),
    };
    let is_multipart = report.reason == Some(PartReason::Multipart);
    let of_leaf = |text: String| if is_multipart { String::new() } else { text };
    vec![
        Cell::plain(format!("{branch}{path}{}", safe(&report.media_type))),
        Cell::new(Tone::Dim, cut(&safe(report.charset.as_deref().unwrap_or_default()), LABEL)),
        Cell::new(Tone::Dim, of_leaf(cut(&safe(&report.encoding), LABEL))),
        Cell::plain(of_leaf(grouped(size as u64))),
        verdict,
    ]
}

/// What is drawn in front of each part, of those that hold them and come before them.
fn branches(parents: &[Option<usize>]) -> Vec<String> {
    // Whether another part of the same holder follows.
    let mut has_more = vec![false; parents.len()];
    let mut last: Vec<Option<usize>> = vec![None; parents.len()];
    for (index, parent) in parents.iter().enumerate() {
        let Some(parent) = parent.filter(|parent| *parent < index) else { continue };
        if let Some(sibling) = last[parent].replace(index) {
            has_more[sibling] = true;
        }
    }
    let mut stems: Vec<(String, usize)> = Vec::with_capacity(parents.len());
    let mut branches = Vec::with_capacity(parents.len());
    for (index, parent) in parents.iter().enumerate() {
        let Some(parent) = parent.filter(|parent| *parent < index) else {
            stems.push((String::new(), 0));
            branches.push(String::new());
            continue;
        };
        let (branch, stem) = if has_more[index] { ("├─ ", "│  ") } else { ("└─ ", "   ") };
        let (above, depth) = &stems[parent];
        let depth = depth + 1;
        if depth > DEEPEST {
            branches.push(format!("{above}… {branch}"));
            stems.push((above.clone(), depth));
            continue;
        }
        branches.push(format!("{above}{branch}"));
        stems.push((format!("{above}{stem}"), depth));
    }
    branches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees() {
        let parents = [None, Some(0), Some(1), Some(1), Some(0), Some(4)];
        assert_eq!(branches(&parents), ["", "├─ ", "│  ├─ ", "│  └─ ", "└─ ", "   └─ "]);
        assert_eq!(branches(&[None]), [""]);
        let deep: Vec<_> = (0..40_usize).map(|index| index.checked_sub(1)).collect();
        let branches = branches(&deep);
        assert_eq!((branches[4].as_str(), branches[5].as_str()), ("         └─ ", "            … └─ "));
        assert_eq!(branches[39], branches[5]);
    }
}
