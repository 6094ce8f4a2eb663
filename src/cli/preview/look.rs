//! A mail looked at: as it came, as it would go out, and what changes in between.

use std::path::Path;

use openclick::source::{Markup, Message};
use openclick::{Dialect, KeyRing, PartReason, Report, Rewriter, Rewritten};

use super::super::exit::Failure;
use super::super::guarded;
use super::super::input::{Format, Input};
use super::super::job;
use super::super::setting as s;
use super::super::settings::Settings;

/// The tracking domain where none is configured: RFC 2606 keeps it free.
const EXAMPLE_DOMAIN: &str = "https://track.example.com";

/// How mails are looked at.
pub(in super::super) struct Looker {
    rewriter: Rewriter,
    settings: Settings,
    format: Format,
    dialects: Vec<Dialect>,
    /// No keys are configured: one that is thrown away, and where there is no domain either, an example.
    pub(in super::super) is_trial: bool,
    /// As it was written.
    pub(in super::super) tracking_domain: String,
}

/// A mail, before and after.
pub(in super::super) struct Look {
    pub(in super::super) is_message: bool,
    pub(in super::super) before: Vec<u8>,
    pub(in super::super) after: Vec<u8>,
    pub(in super::super) report: Report,
    /// The documents that a reader shows and a rewrite reads, in order.
    pub(in super::super) documents: Vec<Document>,
    /// Whose opt-out attributes are understood.
    pub(in super::super) dialects: Vec<Dialect>,
}

/// An HTML document or a part of a message, decoded: ranges of the report are ranges in `before`.
pub(in super::super) struct Document {
    /// An index into the report's parts; none for an HTML document that is no message.
    pub(in super::super) part: Option<u32>,
    /// Such as `1.2`; empty for an HTML document that is no message.
    pub(in super::super) path: String,
    pub(in super::super) is_html: bool,
    /// By its WHATWG name.
    pub(in super::super) charset: String,
    pub(in super::super) before: Vec<u8>,
    pub(in super::super) after: Vec<u8>,
    /// The same as they are shown: decoded to text.
    pub(in super::super) before_text: String,
    pub(in super::super) after_text: String,
}

impl Looker {
    /// As `rewrite` would with these flags; without any configuration as a trial.
    pub(in super::super) fn new(settings: Settings) -> Result<Looker, Failure> {
        // The keys lie where mail is sent: whoever looks at a mail elsewhere needs none.
        let is_trial = settings.path(&s::KEY_FILE).is_none();
        let domain = settings.text(&s::TRACKING_DOMAIN);
        let (rewriter, tracking_domain) = match is_trial {
            true => {
                let domain = if domain.is_some() { job::tracking_domain(&settings)? } else { EXAMPLE_DOMAIN };
                (job::rewriter_of(&settings, domain, KeyRing::generate())?, domain.to_owned())
            }
            false => (job::rewriter(&settings)?, job::tracking_domain(&settings)?.to_owned()),
        };
        let (format, dialects) = (Format::of(&settings), job::dialects(&settings)?);
        Ok(Looker { rewriter, settings, format, dialects, is_trial, tracking_domain })
    }

    /// Reads a file, or stdin, and looks at it.
    pub(in super::super) fn look_at(&self, path: Option<&Path>) -> Result<Look, Failure> {
        self.look(Input::open(path)?.read_whole()?)
    }

    /// Looks at a mail.
    pub(in super::super) fn look(&self, before: Vec<u8>) -> Result<Look, Failure> {
        let is_message = self.format.is_message(&before);
        let given = self.settings.text(&s::MESSAGE_ID);
        let id = given.map_or_else(job::random_id, |id| Ok(id.to_owned()))?;
        let rewritten = guarded(|| match is_message {
            true => {
                let delivery =
                    job::message_delivery(&self.settings, given.is_some().then_some(&*id), &self.rewriter)?;
                Ok(self.rewriter.rewrite_message(&before, &delivery)?)
            }
            false => {
                let delivery = job::delivery(&self.settings, &id, &self.rewriter)?;
                Ok(self.rewriter.rewrite_html(&before, &delivery)?)
            }
        })?;
        Ok(Look { dialects: self.dialects.clone(), ..Look::of(is_message, before, rewritten) })
    }
}

impl Document {
    /// The label to read `before` and `after` by. In a message UTF-16 is read as UTF-8, and of ISO-2022-JP the ASCII alone.
    pub(in super::super) fn label(&self) -> &str {
        match (self.part, self.charset.as_str()) {
            (Some(_), "UTF-16LE" | "UTF-16BE" | "ISO-2022-JP") => "UTF-8",
            (_, charset) => charset,
        }
    }
}

impl Look {
    /// A mail, and what a rewrite made of it.
    pub(in super::super) fn of(is_message: bool, before: Vec<u8>, rewritten: Rewritten) -> Look {
        let (after, report) = (rewritten.bytes, rewritten.report);
        let documents = match is_message {
            true => of_message(&before, &after, &report),
            false => vec![of_html(&before, &after, &report)],
        };
        Look { is_message, before, after, report, documents, dialects: vec![Dialect::SparkPost] }
    }
}

fn of_html(before: &[u8], after: &[u8], report: &Report) -> Document {
    let text = |bytes: &[u8]| Markup::new(bytes, Some(&report.charset)).decode(0..bytes.len()).into_owned();
    Document {
        part: None,
        path: String::new(),
        is_html: true,
        charset: report.charset.clone(),
        before: before.to_vec(),
        after: after.to_vec(),
        before_text: text(before),
        after_text: text(after),
    }
}

fn of_message(before: &[u8], after: &[u8], report: &Report) -> Vec<Document> {
    // A rewrite makes and removes no part, so both are counted in the same way.
    let (old, new) = (Message::parse(before), Message::parse(after));
    let mut documents = Vec::new();
    for (index, part) in report.parts.iter().enumerate() {
        let is_html = part.media_type == "text/html";
        let is_read = matches!(part.reason, None | Some(PartReason::Signed | PartReason::LineTooLong));
        if index >= new.parts().len() || !(is_html && is_read || part.rewritten) {
            continue;
        }
        let (Some(old), Some(new)) = (old.part(index).text(), new.part(index).text()) else { continue };
        documents.push(Document {
            part: u32::try_from(index).ok(),
            path: part.path.clone(),
            is_html,
            charset: old.charset().to_owned(),
            before_text: old.shown().into_owned(),
            after_text: new.shown().into_owned(),
            before: old.bytes().to_vec(),
            after: new.bytes().to_vec(),
        });
    }
    documents
}
