//! The checks. Each looks at one side of a mail and adds its findings.

mod charset;
mod host;
mod links;
mod markup;
mod message;
mod sealed;
mod shown;
mod size;
mod tracker;
mod twins;
mod unsubscribe;

use std::collections::HashMap;
use std::ops::Range;

use openclick::source::{Markup, Message, Text};
use openclick::{LinkReport, Status};

use super::super::preview::look::{Document, Look};
use super::collector::Collector;
use super::facts::{Facts, Link};
use super::finding::Severity;
use super::{merge_tag, rule};

/// A document under check.
struct Page<'a> {
    look: &'a Look,
    document: &'a Document,
    markup: Markup<'a>,
    facts: Facts,
    /// Of a part of a message.
    text: Option<&'a Text<'a>>,
    /// The report's links by where their values begin.
    reports: &'a HashMap<(Option<u32>, u64), &'a LinkReport>,
    /// It holds merge tags: what it says may be said conditionally, or be completed by other files.
    is_template: bool,
}

impl Page<'_> {
    /// A range of the document as a range of the file.
    fn place(&self, range: &Range<usize>) -> Range<usize> {
        match self.text {
            None => range.clone(),
            Some(text) => {
                let (start, end) = (text.offset_in_message(range.start), text.offset_in_message(range.end));
                start..end.max(start)
            }
        }
    }

    fn report(&self, link: &Link) -> Option<&LinkReport> {
        self.reports.get(&(self.document.part, link.value.start as u64)).copied()
    }

    /// An error, unless the file is a template, where the rest may stand elsewhere.
    fn unless_template(&self) -> Severity {
        if self.is_template { Severity::Warning } else { Severity::Error }
    }
}

/// What the documents say together.
#[derive(Default)]
struct Summary {
    /// There is a link to unsubscribe by.
    can_unsubscribe: bool,
    /// HTML that was read.
    documents: usize,
}

/// Checks a mail.
pub(super) fn all(look: &Look, findings: &mut Collector<'_>) {
    let message = look.is_message.then(|| Message::parse(&look.before));
    let reports = look.report.links.iter().map(|link| ((link.part, link.range.start), link)).collect();
    let mut summary = Summary::default();
    for document in look.documents.iter().filter(|document| document.is_html) {
        let text = match (&message, document.part) {
            (Some(message), Some(part)) => message.part(part as usize).text(),
            _ => None,
        };
        let markup = match &text {
            Some(text) => text.markup(),
            None => Markup::new(&document.before, Some(&document.charset)),
        };
        let page = Page {
            look,
            document,
            facts: Facts::of(&markup),
            markup,
            text: text.as_ref(),
            reports: &reports,
            is_template: !merge_tag::tags(&document.before).is_empty(),
        };
        size::check(&page, findings);
        links::check(&page, findings);
        summary.can_unsubscribe |= unsubscribe::check(&page, findings);
        markup::check(&page, summary.documents == 0, findings);
        charset::check(&page, message.as_ref(), findings);
        summary.documents += 1;
    }
    left(look, message.as_ref(), findings);
    match &message {
        Some(message) => message::check(look, message, &summary, findings),
        None => unsubscribe::of_html(look, &summary, findings),
    }
}

/// What goes out as it came.
fn left(look: &Look, message: Option<&Message<'_>>, findings: &mut Collector<'_>) {
    let report = &look.report;
    match report.status {
        Status::AlreadyRewritten => findings.add(
            &rule::OWN_TOKEN,
            0..0,
            "the mail was tracked before, for this message id: it stays as it is",
        ),
        Status::Signed => {
            let field = message.and_then(|message| {
                let fields = message.fields().into_iter();
                fields.into_iter().find(|field| field.is("dkim-signature") || field.is("arc-seal"))
            });
            let range = field.map_or(0..0, |field| field.range);
            findings.add(&rule::SIGNED, range, "the message is signed already and passes through untracked");
        }
        Status::Charset => findings.add(
            &rule::PART_LEFT,
            0..0,
            format!(
                "{} is not read here: the document stays as it is, and nothing in it is checked",
                report.charset
            ),
        ),
        _ => {}
    }
    if let Some(limit) = report.limit {
        let at = usize::try_from(limit).unwrap_or(usize::MAX).min(look.before.len());
        findings.add(&rule::LIMIT, at..at, "a limit was passed: nothing is tracked from here on");
    }
}
