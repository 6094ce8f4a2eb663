//! The plan as JSON, for programs. `schema.json` says what stands in it; a test holds the two together.

use std::io::{self, Write};

use openclick::Report;
use serde::Serialize;

use super::super::lint::Finding;
use super::super::sanitize::write_json;
use super::look::{Look, Looker};
use super::subject::Subject;

/// The JSON Schema of what [`write`] writes.
pub(super) const SCHEMA: &str = include_str!("schema.json");

/// A further version may take fields away or give them another meaning; a new field alone is none.
const VERSION: u32 = 1;

/// Gmail shows so many bytes of a mail's HTML, and a link to the rest.
pub(super) const CLIP: u64 = 102_400;

#[derive(Serialize)]
struct Plan<'a> {
    schema: u32,
    kind: &'static str,
    trial: bool,
    tracking_domain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    sizes: Sizes<'a>,
    report: &'a Report,
    findings: &'a [Finding],
}

#[derive(Serialize)]
struct Sizes<'a> {
    before: u64,
    after: u64,
    clip: u64,
    documents: Vec<DocumentSizes<'a>>,
}

#[derive(Serialize)]
struct DocumentSizes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u32>,
    html: bool,
    charset: &'a str,
    before: u64,
    after: u64,
    clipped: bool,
}

/// Writes all that is known of a mail.
pub(super) fn write(
    out: &mut impl Write,
    looker: &Looker,
    look: &Look,
    subject: &Subject,
    findings: &[Finding],
) -> io::Result<()> {
    let documents = look.documents.iter().map(|document| DocumentSizes {
        part: document.part,
        html: document.is_html,
        charset: &document.charset,
        before: document.before.len() as u64,
        after: document.after.len() as u64,
        clipped: document.is_html && document.after.len() as u64 > CLIP,
    });
    let plan = Plan {
        schema: VERSION,
        kind: if look.is_message { "message" } else { "html" },
        trial: looker.is_trial,
        tracking_domain: &looker.tracking_domain,
        file: subject.file.as_deref(),
        subject: subject.subject.as_deref(),
        from: subject.from.as_deref(),
        to: subject.to.as_deref(),
        sizes: Sizes {
            before: look.before.len() as u64,
            after: look.after.len() as u64,
            clip: CLIP,
            documents: documents.collect(),
        },
        report: &look.report,
        findings,
    };
    write_json(out, &plan)
}
