//! For programs: one JSON object, versioned.

use std::io::{self, Write};

use serde::Serialize;

use super::super::super::sanitize::write_json;
use super::super::finding::{Finding, Severity};
use super::super::rule;
use super::super::run::Outcome;

/// Grows when a field changes its meaning or goes; new fields may come without.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    openclick: &'static str,
    tracking_domain: &'a str,
    /// No configuration: an example domain stood in.
    trial: bool,
    files: Vec<File<'a>>,
    failed: Vec<Other<'a>>,
    left_out: Vec<Other<'a>>,
    errors: u64,
    warnings: u64,
    notes: u64,
}

#[derive(Serialize)]
struct File<'a> {
    path: String,
    format: &'static str,
    bytes: usize,
    findings: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    name: &'static str,
}

#[derive(Serialize)]
struct Other<'a> {
    path: String,
    reason: &'a str,
}

pub(in super::super) fn write(
    outcome: &Outcome,
    tracking_domain: &str,
    trial: bool,
    output: &mut impl Write,
) -> io::Result<()> {
    let files = outcome.files.iter().map(|file| File {
        path: file.path.to_string_lossy().into_owned(),
        format: if file.is_message { "message" } else { "html" },
        bytes: file.bytes,
        findings: file
            .findings
            .iter()
            .map(|finding| Named { finding, name: rule::find(finding.code).map_or("", |rule| rule.name) })
            .collect(),
    });
    let failed = outcome
        .failed
        .iter()
        .map(|(path, why)| Other { path: path.to_string_lossy().into_owned(), reason: why });
    let left_out = outcome
        .left_out
        .iter()
        .map(|(path, why)| Other { path: path.to_string_lossy().into_owned(), reason: why });
    let document = Document {
        schema: SCHEMA,
        openclick: env!("CARGO_PKG_VERSION"),
        tracking_domain,
        trial,
        files: files.collect(),
        failed: failed.collect(),
        left_out: left_out.collect(),
        errors: outcome.count(Severity::Error),
        warnings: outcome.count(Severity::Warning),
        notes: outcome.count(Severity::Note),
    };
    write_json(output, &document)
}
