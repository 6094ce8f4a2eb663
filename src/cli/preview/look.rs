//! A mail looked at: as it came, as it would go out, and what changes in between.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use openclick::source::{Markup, Message};
use openclick::{Dialect, KeyRing, PartReason, Report, Rewriter, Rewritten, Status};

use super::super::exit::Failure;
use super::super::guarded;
use super::super::input::{Format, Input};
use super::super::job;
use super::super::setting::{self as s, Value};
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
    /// Of ISO-2022-JP `before` and `after` have the ASCII alone: here is all of both, at the same offsets.
    hidden: Option<[Vec<u8>; 2]>,
    before_text: Shown,
    after_text: Shown,
}

impl Looker {
    /// As `rewrite` would with these flags; without any configuration as a trial.
    pub(in super::super) fn new(settings: Settings) -> Result<Looker, Failure> {
        // The keys lie where mail is sent: whoever looks at a mail elsewhere needs none.
        let is_trial = settings.path(&s::KEY_FILE).is_none();
        let (rewriter, tracking_domain) = rewriter(&settings, is_trial)?;
        let (format, dialects) = (Format::of(&settings), job::dialects(&settings)?);
        Ok(Looker { rewriter, settings, format, dialects, is_trial, tracking_domain })
    }

    /// Reads a file, or stdin, and looks at it.
    pub(in super::super) fn look_at(&self, path: Option<&Path>) -> Result<Look, Failure> {
        self.look(Input::open(path)?.read_whole()?)
    }

    /// Looks at a mail.
    pub(in super::super) fn look(&self, before: Vec<u8>) -> Result<Look, Failure> {
        self.look_with(&self.rewriter, before)
    }

    /// Of a mail that passes as it is since it is signed: what would become of it if it were not.
    pub(in super::super) fn if_unsigned(&self, look: &Look) -> Result<Option<Look>, Failure> {
        if look.report.status != Status::Signed {
            return Ok(None);
        }
        let settings = self.settings.with(&s::ON_SIGNED, Value::Text("rewrite".to_owned()));
        let (rewriter, _) = rewriter(&settings, self.is_trial)?;
        self.look_with(&rewriter, look.before.clone()).map(Some)
    }

    fn look_with(&self, rewriter: &Rewriter, before: Vec<u8>) -> Result<Look, Failure> {
        let is_message = self.format.is_message(&before);
        let given = self.settings.text(&s::MESSAGE_ID);
        let id = given.map_or_else(job::random_id, |id| Ok(id.to_owned()))?;
        let rewritten = guarded(|| match is_message {
            true => {
                let delivery =
                    job::message_delivery(&self.settings, given.is_some().then_some(&*id), rewriter)?;
                Ok(rewriter.rewrite_message(&before, &delivery)?)
            }
            false => {
                let delivery = job::delivery(&self.settings, &id, rewriter)?;
                Ok(rewriter.rewrite_html(&before, &delivery)?)
            }
        })?;
        Ok(Look { dialects: self.dialects.clone(), ..Look::of(is_message, before, rewritten) })
    }
}

/// What a rewrite is made with, and for which tracking domain.
fn rewriter(settings: &Settings, is_trial: bool) -> Result<(Rewriter, String), Failure> {
    if !is_trial {
        return Ok((job::rewriter(settings)?, job::tracking_domain(settings)?.to_owned()));
    }
    let domain = match settings.text(&s::TRACKING_DOMAIN) {
        Some(_) => job::tracking_domain(settings)?,
        None => EXAMPLE_DOMAIN,
    };
    Ok((job::rewriter_of(settings, domain, KeyRing::generate())?, domain.to_owned()))
}

impl Document {
    /// The label to read `before` and `after` by. In a message UTF-16 is read as UTF-8, and of ISO-2022-JP the ASCII alone.
    pub(in super::super) fn label(&self) -> &str {
        match (self.part, self.charset.as_str()) {
            (Some(_), "UTF-16LE" | "UTF-16BE" | "ISO-2022-JP") => "UTF-8",
            (_, charset) => charset,
        }
    }

    /// The bytes of `before` without anything hidden.
    pub(in super::super) fn before_bytes(&self) -> &[u8] {
        self.hidden.as_ref().map_or(&self.before, |[before, _]| before)
    }

    /// The bytes of `after` without anything hidden.
    pub(in super::super) fn after_bytes(&self) -> &[u8] {
        self.hidden.as_ref().map_or(&self.after, |[_, after]| after)
    }

    /// `before` as it is shown.
    pub(in super::super) fn before_text(&self) -> &str {
        let bytes = self.before_bytes();
        self.before_text.get_or_init(|| self.decode(bytes, 0..bytes.len()).into_owned())
    }

    /// `after` as it is shown.
    pub(in super::super) fn after_text(&self) -> &str {
        let bytes = self.after_bytes();
        self.after_text.get_or_init(|| self.decode(bytes, 0..bytes.len()).into_owned())
    }

    /// A piece of such bytes as it is shown.
    pub(super) fn decode<'b>(&self, bytes: &'b [u8], range: Range<usize>) -> Cow<'b, str> {
        let label = if self.hidden.is_some() { &self.charset } else { self.label() };
        Markup::new(bytes, Some(label)).decode(range)
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

/// Bytes as they are shown, decoded once somebody asks: a list of links and warnings needs no more than the bytes.
type Shown = OnceLock<String>;

fn of_html(before: &[u8], after: &[u8], report: &Report) -> Document {
    Document {
        part: None,
        path: String::new(),
        is_html: true,
        charset: report.charset.clone(),
        before: before.to_vec(),
        after: after.to_vec(),
        hidden: None,
        before_text: Shown::new(),
        after_text: Shown::new(),
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
        let bytes = |message: &Message<'_>| message.part(index).decoded().map(Cow::into_owned);
        let raw = || Some([bytes(&old)?, bytes(&new)?]);
        let (Some(old), Some(new)) = (old.part(index).text(), new.part(index).text()) else { continue };
        let hidden = if old.charset() == "ISO-2022-JP" { raw() } else { None };
        documents.push(Document {
            part: u32::try_from(index).ok(),
            path: part.path.clone(),
            is_html,
            charset: old.charset().to_owned(),
            hidden,
            before_text: Shown::new(),
            after_text: Shown::new(),
            before: old.bytes().to_vec(),
            after: new.bytes().to_vec(),
        });
    }
    documents
}

#[cfg(test)]
mod tests {
    use std::fs;

    use openclick::{Delivery, Options};

    use super::super::super::lint;
    use super::*;

    /// `lint` looks at whole folders: what only a diff or a page shows is not made for it, and is the same once it is asked for.
    #[test]
    fn texts_are_decoded_once_they_are_asked_for() {
        let rewriter = Options::new(EXAMPLE_DOMAIN, KeyRing::generate()).unwrap().build().unwrap();
        let mut documents = 0;
        for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/mail")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "eml") {
                continue;
            }
            let before = fs::read(&path).unwrap();
            let rewritten = rewriter.rewrite_message(&before, &Delivery::of_message()).unwrap();
            let look = Look::of(true, before, rewritten);
            lint::check(&look);
            for document in &look.documents {
                assert!(document.before_text.get().is_none(), "{}", path.display());
                assert!(document.after_text.get().is_none(), "{}", path.display());
                for (mail, text) in
                    [(&look.before, document.before_text()), (&look.after, document.after_text())]
                {
                    let message = Message::parse(mail);
                    let part = message.part(document.part.unwrap() as usize);
                    assert_eq!(text, part.text().unwrap().shown(), "{}", path.display());
                }
                documents += 1;
            }
        }
        assert!(documents >= 12, "{documents}");
    }
}
