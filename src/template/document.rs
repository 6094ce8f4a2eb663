//! HTML documents as templates: the ways to render one.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use super::compile::{self, Compiled, Piece, Slot};
use super::slot::{NotThisWay, with_writer};
use crate::charset::{Charset, sniff};
use crate::error::Result;
use crate::merge::{self, Field, Fields, Reading, Sample};
use crate::options::{Consent, Delivery};
use crate::report::{MOST_TEXT, Report, Verdict};
use crate::rewriter::{Rewriter, Rewritten, Shared, check};

pub(super) struct Document {
    pub(super) rewriter: Rewriter,
    pub(super) sample: Sample,
    others: Vec<Range<usize>>,
    /// For each consent, made when it is first wanted; none where a document must be rewritten as it stands.
    compiled: [OnceLock<Option<Compiled>>; 4],
    /// For each consent, made when it is first wanted: it takes as much memory as the document.
    reports: [OnceLock<Option<Report>>; 4],
}

impl Document {
    pub(super) fn new(rewriter: Rewriter, html: Vec<u8>) -> Document {
        let settings = &rewriter.shared().settings;
        let (charset, _) = sniff(&html, settings.charset);
        let Fields { fields, others } = match settings.merge.as_slice() {
            _ if matches!(charset, Charset::Unscannable(_)) => Fields::default(),
            [] => Fields::default(),
            syntaxes => merge::find_in(&html, charset, syntaxes, settings.placeholder.as_bytes()),
        };
        // A field in front of it may have moved a `<meta charset>`.
        let sample = Sample::new(html, fields, settings.placeholder.as_str().into(), None, |html| {
            let (charset, mark) = sniff(html, settings.charset);
            Reading { charset, mark, given: settings.charset }
        });
        Document { rewriter, sample, others, compiled: Default::default(), reports: Default::default() }
    }

    /// Whether markup can be found in it.
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self.sample.reading.charset, Charset::Unscannable(_))
    }

    pub(super) fn len(&self) -> usize {
        self.sample.html.len()
    }

    pub(super) fn fields(&self) -> &[Field] {
        &self.sample.fields
    }

    pub(super) fn others(&self) -> &[Range<usize>] {
        &self.others
    }

    pub(super) fn shared(&self) -> &Shared {
        self.rewriter.shared()
    }

    /// See [`Template::render`](super::Template::render).
    pub(super) fn render(&self, delivery: &Delivery) -> Result<Rewritten> {
        check(delivery)?;
        let fast = self.compiled(delivery)?.and_then(|compiled| {
            // The callback hears of links as a rewrite tells them.
            if self.shared().settings.on_link.is_some() || compiled.names_left(delivery) {
                return None;
            }
            let mut report = self.report(delivery)?;
            let mut bytes = Vec::with_capacity(compiled.usual_length);
            let told = |slot: &Slot, url: &[u8]| {
                let link = slot.link_index().and_then(|index| report.links.get_mut(index as usize));
                if let Some(link) = link
                    && let Some(kind) = slot.kind()
                {
                    let url = url.iter().copied().map(char::from).collect(); // it is ASCII
                    link.verdict = Verdict::Tracked { kind, url };
                }
            };
            self.write(compiled, delivery, &mut bytes, told).ok()?;
            report.bytes_out = bytes.len() as u64;
            // A report keeps texts up to a limit: values and destinations are as long as the document, URLs as the output.
            let most_text = 3 * report.bytes_in + report.bytes_out;
            if most_text > MOST_TEXT {
                return None;
            }
            Some(Rewritten { bytes, report })
        });
        fast.map_or_else(|| self.rewrite(delivery), Ok)
    }

    /// See [`Template::render_to`](super::Template::render_to).
    pub(super) fn render_to(&self, delivery: &Delivery, out: &mut Vec<u8>) -> Result<()> {
        check(delivery)?;
        if let Some(compiled) = self.compiled(delivery)?
            && self.shared().settings.on_link.is_none()
        {
            let start = out.len();
            out.reserve(compiled.usual_length);
            match self.write(compiled, delivery, out, |_, _| {}) {
                Ok(()) => return Ok(()),
                Err(NotThisWay) => out.truncate(start),
            }
        }
        out.extend_from_slice(&self.rewrite(delivery)?.bytes);
        Ok(())
    }

    /// See [`Template::pieces`](super::Template::pieces).
    pub(super) fn pieces<'t>(&'t self, delivery: &Delivery) -> Result<impl Iterator<Item = Cow<'t, [u8]>>> {
        check(delivery)?;
        let compiled = self.compiled(delivery)?.filter(|_| self.shared().settings.on_link.is_none());
        // A URL that is too long shows only when it is made, and would change pieces before it.
        let texts = compiled.and_then(|compiled| Some((compiled, self.texts(compiled, delivery)?)));
        let whole = match texts {
            Some(_) => None,
            None => Some(self.rewrite(delivery)?.bytes),
        };
        let pieces = texts.into_iter().flat_map(move |(compiled, (text, ends))| {
            compiled.pieces.iter().map(move |piece| match piece {
                Piece::Source(range) => Cow::Borrowed(&self.sample.html[range.clone()]),
                Piece::Literal(range) => Cow::Borrowed(&compiled.literals[range.clone()]),
                Piece::Slot(slot) => {
                    let start = slot.checked_sub(1).map_or(0, |before| ends[before]);
                    Cow::Owned(text[start..ends[*slot]].to_vec())
                }
            })
        });
        Ok(pieces.chain(whole.map(Cow::Owned)))
    }

    /// See [`Template::substitute`](super::Template::substitute).
    pub(super) fn substitute(&self, delivery: &Delivery) -> Result<Cow<'_, [u8]>> {
        if self.sample.fields.is_empty() {
            return Ok(Cow::Borrowed(&self.sample.html));
        }
        let mut out = Vec::with_capacity(self.sample.html.len() + 32 * self.sample.fields.len());
        self.sample.write_filled(0..self.sample.html.len(), delivery, &mut out)?;
        Ok(Cow::Owned(out))
    }

    /// The slow way, which is right for every document.
    fn rewrite(&self, delivery: &Delivery) -> Result<Rewritten> {
        self.rewriter.rewrite_html(&self.substitute(delivery)?, delivery)
    }

    /// The document made ready for this delivery; none where it must be rewritten as it stands.
    pub(super) fn compiled(&self, delivery: &Delivery) -> Result<Option<&Compiled>> {
        let variant = &self.compiled[variant(delivery)];
        let compiled = variant.get_or_init(|| compile::compile(self, delivery.consent)).as_ref();
        match compiled {
            Some(compiled) if !self.sample.fields.is_empty() => {
                Ok(compiled.fit.admits(&self.sample, self.shared(), delivery)?.then_some(compiled))
            }
            _ => Ok(compiled),
        }
    }

    /// A report of the document; none where each delivery needs one of its own.
    fn report(&self, delivery: &Delivery) -> Option<Report> {
        let report = &self.reports[variant(delivery)];
        report.get_or_init(|| compile::report(self, delivery.consent)).clone()
    }

    /// The texts of all slots in their order, as they stand in the document, and where each ends.
    fn texts(&self, compiled: &Compiled, delivery: &Delivery) -> Option<(Vec<u8>, Vec<usize>)> {
        let mut text = Vec::with_capacity(compiled.slots.len() * 160);
        let mut ends = Vec::with_capacity(compiled.slots.len());
        with_writer(self, compiled, delivery, |writer| {
            compiled.slots.iter().try_for_each(|slot| {
                writer.write(slot, &mut text, |_| {})?;
                ends.push(text.len());
                Ok(())
            })
        })
        .ok()?;
        Some((text, ends))
    }

    /// Appends the document. `told` hears of each URL.
    fn write(
        &self,
        compiled: &Compiled,
        delivery: &Delivery,
        out: &mut Vec<u8>,
        mut told: impl FnMut(&Slot, &[u8]),
    ) -> std::result::Result<(), NotThisWay> {
        with_writer(self, compiled, delivery, |writer| {
            for piece in &compiled.pieces {
                match piece {
                    Piece::Source(range) => out.extend_from_slice(&self.sample.html[range.clone()]),
                    Piece::Literal(range) => out.extend_from_slice(&compiled.literals[range.clone()]),
                    Piece::Slot(slot) => {
                        let slot = &compiled.slots[*slot];
                        writer.write(slot, out, |url| told(slot, url))?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// Which of the four consents a delivery has.
fn variant(delivery: &Delivery) -> usize {
    let agrees = |to| usize::from(delivery.consent.contains(to));
    agrees(Consent::CLICKS) * 2 + agrees(Consent::OPENS)
}
