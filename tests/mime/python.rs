//! The second oracle: Python's email package reads input and output.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use openclick::{Consent, PartReport, Reason, Report, Status};

use super::corpora::{corpus, nasty};
use super::fixtures;
use super::laws::delivery;
use crate::support::{options, rewriter, show, symbolic};

/// Where Python reads otherwise than mail clients do, and why.
const READS_OTHERWISE: [(&str, &str); 6] = [
    ("boundary_unterminated_quote.eml", "a quote that never closes: no boundary"),
    ("qp_soft_ws.eml", "a soft break with blanks before the line end is none"),
    ("hdr_space_colon.eml", "a blank before the colon ends the header"),
    ("resources_eml_malformed_019.eml", "a blank before the colon ends the header"),
    ("cte_comment.eml", "a comment beside the encoding hides it"),
    ("cte_semicolon.eml", "a semicolon behind the encoding hides it"),
];

/// A part as Python sees it.
#[derive(serde::Deserialize)]
struct Part {
    #[serde(rename = "type")]
    media_type: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

/// Reads files with Python; none if it is not there.
fn read(files: &[PathBuf]) -> Option<Vec<Vec<Part>>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mime/oracle.py");
    let child = Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("Python is not there, skipped");
        return None;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let names: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let writer = std::thread::spawn(move || stdin.write_all(names.as_bytes()));
    let output = child.wait_with_output().expect("an end");
    writer.join().expect("no panic").expect("a reader");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    Some(lines.lines().map(|line| serde_json::from_str(line).expect("parts")).collect())
}

#[test]
fn python_reads_the_same_but_for_what_is_tracked() {
    let mut messages: Vec<(String, Vec<u8>)> = nasty().unwrap_or_default();
    for name in ["spamassassin", "mail-parser"] {
        for entry in corpus(name).into_iter().flat_map(|folder| fs::read_dir(folder).expect("a folder")) {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                messages.push((path.display().to_string(), fs::read(&path).expect("a message")));
            }
        }
    }
    let others = messages.len();
    for path in fixtures::files() {
        messages.push((path.display().to_string(), fs::read(&path).expect("a message")));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    let mut reports = Vec::new();
    for (index, (_, message)) in messages.iter().enumerate() {
        let rewritten = rewriter().rewrite_message(message, &delivery()).expect("a delivery");
        for (name, bytes) in [("before", message), ("after", &rewritten.bytes)] {
            let file = folder.path().join(format!("{index}.{name}"));
            fs::write(&file, bytes).expect("a file");
            files.push(file);
        }
        reports.push(rewritten.report);
    }
    let Some(read) = read(&files) else { return };
    assert_eq!(read.len(), files.len());
    let (mut compared, mut wrong) = (0, Vec::new());
    for ((pair, report), (name, _)) in read.chunks(2).zip(&reports).zip(&messages) {
        let [before, after] = pair else { unreachable!() };
        if READS_OTHERWISE.iter().any(|(otherwise, _)| name.ends_with(otherwise)) {
            continue;
        }
        match compare(before, after, report) {
            Ok(parts) => compared += parts,
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    println!("{} messages, {compared} rewritten parts compared", messages.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > if others == 0 { 10 } else { 70 });
}

/// Compares the two readings. Returns how many rewritten parts were compared.
fn compare(before: &[Part], after: &[Part], report: &Report) -> Result<usize, String> {
    if before.len() != after.len() {
        return Err(format!("{} parts became {}", before.len(), after.len()));
    }
    let mut compared = 0;
    let mut rewritten: Vec<(u32, &PartReport)> =
        (0u32..).zip(&report.parts).filter(|(_, part)| part.rewritten).collect();
    rewritten.reverse();
    for (number, (before, after)) in before.iter().zip(after).enumerate() {
        let kept = |part: &Part| -> Vec<(String, String)> {
            let own = |name: &str| name.eq_ignore_ascii_case("x-sp-message-id");
            part.headers.iter().filter(|(name, _)| !own(name)).cloned().collect()
        };
        if before.media_type != after.media_type || kept(before) != kept(after) {
            return Err(format!("the header of part {number} differs"));
        }
        if before.body == after.body {
            continue;
        }
        let (Some(old), Some(new)) = (&before.body, &after.body) else {
            return Err(format!("part {number} is another"));
        };
        let Some((index, part)) = rewritten.pop() else {
            return Err(format!("part {number} differs, but is not said to"));
        };
        as_html(&bytes(old), &bytes(new), index, part, report)
            .map_err(|why| format!("part {number}: {why}"))?;
        compared += 1;
    }
    match report.status {
        Status::Rewritten if !rewritten.is_empty() => {
            Err(format!("{} parts did not differ", rewritten.len()))
        }
        _ => Ok(compared),
    }
}

/// The part decodes to what the HTML rewriter gives for the decoded input.
fn as_html(old: &[u8], new: &[u8], index: u32, part: &PartReport, report: &Report) -> Result<(), String> {
    let charset = part.charset.as_deref().unwrap_or_default();
    if matches!(charset, "UTF-16LE" | "UTF-16BE" | "ISO-2022-JP" | "unknown") {
        return Ok(()); // looked at in tests of their own
    }
    let html = options().charset(charset).build().map_err(|error| error.to_string())?;
    let has_pixels = report.pixels.iter().any(|pixel| pixel.part == Some(index));
    let consent = if has_pixels { Consent::ALL } else { Consent::CLICKS };
    let mut delivery = delivery().tracking(consent);
    for link in report.links.iter().filter(|link| link.reason() == Some(Reason::Unsubscribe)) {
        delivery = delivery.list_unsubscribe(link.target.clone().unwrap_or_default());
    }
    let expected = html.rewrite_html(old, &delivery).map_err(|error| error.to_string())?;
    let first = report.links.iter().find(|link| link.part == Some(index)).map_or(0, |link| link.index);
    // A line that would be too long is broken between attributes.
    let flat = |bytes: Vec<u8>| -> Vec<u8> {
        bytes.into_iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
    };
    let (expected, found) = (flat(symbolic(&expected.bytes, 0)), flat(symbolic(new, first)));
    match expected == found {
        true => Ok(()),
        false => Err(format!("as HTML:\n{}\nas a part:\n{}", show(&expected), show(&found))),
    }
}
