//! One thing that is to be said of a mail.

use std::ops::Range;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Severity {
    /// Worth knowing.
    Note,
    /// Likely to harm.
    Warning,
    /// Broken for recipients.
    Error,
}

impl Severity {
    /// The word of the output.
    pub(in super::super) fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(in super::super) struct Finding {
    /// Stable, such as `OC001`.
    pub(in super::super) code: &'static str,
    pub(in super::super) severity: Severity,
    /// One sentence with the facts of this place, safe to show once unsafe characters are escaped.
    pub(in super::super) message: String,
    /// What to do, in one line.
    pub(in super::super) help: &'static str,
    /// Where it stands in the file: bytes of the whole message or document.
    pub(in super::super) range: Range<usize>,
    /// Line and column in the file, from 1; the column counts characters.
    pub(in super::super) line: usize,
    pub(in super::super) column: usize,
    /// Where the range ends, counted in the same way.
    pub(in super::super) end_line: usize,
    pub(in super::super) end_column: usize,
    /// The report's link that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) link: Option<u32>,
    /// The source around it without white space that may change: what a fingerprint is made of.
    #[serde(skip)]
    pub(in super::super) context: String,
}
