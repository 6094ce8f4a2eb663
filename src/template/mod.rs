//! One document for many recipients: read once, rendered at little more than the cost of its tokens.

mod compile;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::charset::Charset;
use crate::error::{Error, ErrorKind, Result};
use crate::html::attribute;
use crate::options::{Consent, Delivery};
use crate::report::{MOST_TEXT, Report, Verdict};
use crate::rewriter::{Rewriter, Rewritten, Shared, check};
use crate::token::{CodedText, EventKind, Own, Prepared, TokenFields};

/// An HTML document read once, to be rendered for each recipient. Made by [`Rewriter::compile_html`]; a clone shares
/// everything.
///
/// A render gives byte for byte what [`Rewriter::rewrite_html`] gives for the same delivery. A caller's
/// [`LinkPolicy`](crate::LinkPolicy) is asked when the template is made ready, not for each recipient.
///
/// ```
/// use openclick::{Delivery, KeyRing, Options};
///
/// let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
/// let html = br#"<body><a href="https://shop.example/">Shop</a></body>"#;
/// let template = rewriter.compile_html(html);
/// let mut mail = Vec::new();
/// for recipient in ["ann@example.org", "bob@example.org"] {
///     let delivery = Delivery::new("m1").recipient(recipient);
///     mail.clear();
///     template.render_to(&delivery, &mut mail)?;
///     assert_eq!(mail, rewriter.rewrite_html(html, &delivery)?.bytes);
/// }
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Clone)]
pub struct Template(Arc<Inner>);

struct Inner {
    rewriter: Rewriter,
    html: Vec<u8>,
    /// For each consent, made when it is first wanted; none where a document must be rewritten as it stands.
    compiled: [OnceLock<Option<Compiled>>; 4],
}

/// A document for one consent.
struct Compiled {
    pieces: Vec<Piece>,
    /// Pixels' markup around their URLs.
    literals: Vec<u8>,
    slots: Vec<Slot>,
    charset: Charset,
    /// The URLs need no escaping in any attribute.
    is_plain: bool,
    /// How long an output may be, in bytes, if the URLs are as long as those of most mails.
    usual_length: usize,
    /// Of a delivery that does not matter; none where not all of it was kept.
    report: Option<Report>,
    /// Links that are left may be left for another reason where a delivery names their URL.
    left: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Of the document.
    Source(Range<usize>),
    /// Of the literals.
    Literal(Range<usize>),
    /// A URL.
    Slot(usize),
}

/// A place for a URL.
struct Slot {
    kind: EventKind,
    /// None for a pixel.
    link: Option<SlotLink>,
    quote: Option<u8>,
}

struct SlotLink {
    index: u32,
    name: Option<String>,
    target: String,
    sublink: Option<String>,
    coded_name: Option<CodedText>,
    coded_target: CodedText,
    /// The value in the document.
    range: Range<usize>,
}

/// What a render needs room for, kept by each thread.
#[derive(Default)]
struct Scratch {
    prepared: Prepared,
    url: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// This delivery needs a rewrite of its own.
struct NotThisWay;

impl Rewriter {
    /// Reads a document that is rendered for many recipients.
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let template = rewriter.compile_html(b"<a href=https://shop.example/>Shop</a>".as_slice());
    /// assert_eq!(template.render(&Delivery::new("m1"))?.report.links_tracked, 1);
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn compile_html(&self, html: impl Into<Vec<u8>>) -> Template {
        Template(Arc::new(Inner { rewriter: self.clone(), html: html.into(), compiled: Default::default() }))
    }
}

impl Template {
    /// The document for one recipient, with a report.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`].
    pub fn render(&self, delivery: &Delivery) -> Result<Rewritten> {
        check(delivery)?;
        let fast = self.compiled(delivery).and_then(|compiled| {
            // The callback hears of links as a rewrite tells them.
            if self.shared().settings.on_link.is_some() || compiled.names_left(delivery) {
                return None;
            }
            let mut report = compiled.report.clone()?;
            let mut bytes = Vec::with_capacity(compiled.usual_length);
            let told = |slot: &Slot, url: &[u8]| {
                let link = slot.link.as_ref().and_then(|link| report.links.get_mut(link.index as usize));
                if let Some(link) = link {
                    let url = url.iter().copied().map(char::from).collect(); // it is ASCII
                    link.verdict = Verdict::Tracked { kind: slot.kind, url };
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
        fast.map_or_else(|| self.0.rewriter.rewrite_html(&self.0.html, delivery), Ok)
    }

    /// Appends the document for one recipient. Once `out` has room, nothing is allocated.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`]; `out` is then as it was.
    pub fn render_to(&self, delivery: &Delivery, out: &mut Vec<u8>) -> Result<()> {
        check(delivery)?;
        if let Some(compiled) = self.compiled(delivery)
            && self.shared().settings.on_link.is_none()
        {
            let start = out.len();
            out.reserve(compiled.usual_length);
            match self.write(compiled, delivery, out, |_, _| {}) {
                Ok(()) => return Ok(()),
                Err(NotThisWay) => out.truncate(start),
            }
        }
        out.extend_from_slice(&self.0.rewriter.rewrite_html(&self.0.html, delivery)?.bytes);
        Ok(())
    }

    /// Writes the document for one recipient, in as few calls of the writer as it takes, without copying what does not
    /// change.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`], before anything was written; [`ErrorKind::Io`] if the writer fails.
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let template = rewriter.compile_html(b"<p>Hi</p>".as_slice());
    /// template.render_into(&Delivery::new("m1"), &mut std::io::sink())?;
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn render_into(&self, delivery: &Delivery, mut sink: impl Write) -> Result<()> {
        let pieces: Vec<Cow<'_, [u8]>> = self.pieces(delivery)?.collect();
        write_all(&pieces, &mut sink)
            .map_err(|error| Error::new(ErrorKind::Io, "writing a document failed").because(error))
    }

    /// The document for one recipient, piece by piece: what does not change is borrowed from the template.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`].
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let template = rewriter.compile_html(b"<p>Hi</p>".as_slice());
    /// let delivery = Delivery::new("m1");
    /// let length: usize = template.pieces(&delivery)?.map(|piece| piece.len()).sum();
    /// assert_eq!(length, template.render(&delivery)?.bytes.len());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn pieces<'t>(&'t self, delivery: &Delivery) -> Result<impl Iterator<Item = Cow<'t, [u8]>>> {
        check(delivery)?;
        let compiled = self.compiled(delivery).filter(|_| self.shared().settings.on_link.is_none());
        // A URL that is too long shows only when it is made, and would change pieces before it.
        let urls = compiled.and_then(|compiled| Some((compiled, self.urls(compiled, delivery)?)));
        let whole = match urls {
            Some(_) => None,
            None => Some(self.0.rewriter.rewrite_html(&self.0.html, delivery)?.bytes),
        };
        let pieces = urls.into_iter().flat_map(move |(compiled, (text, ends))| {
            compiled.pieces.iter().map(move |piece| match piece {
                Piece::Source(range) => Cow::Borrowed(&self.0.html[range.clone()]),
                Piece::Literal(range) => Cow::Borrowed(&compiled.literals[range.clone()]),
                Piece::Slot(slot) => {
                    let start = slot.checked_sub(1).map_or(0, |before| ends[before]);
                    Cow::Owned(text[start..ends[*slot]].to_vec())
                }
            })
        });
        Ok(pieces.chain(whole.map(Cow::Owned)))
    }

    fn shared(&self) -> &Shared {
        self.0.rewriter.shared()
    }

    fn compiled(&self, delivery: &Delivery) -> Option<&Compiled> {
        let clicks = delivery.consent.contains(Consent::CLICKS);
        let opens = delivery.consent.contains(Consent::OPENS);
        let variant = &self.0.compiled[usize::from(clicks) * 2 + usize::from(opens)];
        variant.get_or_init(|| compile::compile(self.shared(), &self.0.html, delivery.consent)).as_ref()
    }

    /// All URLs in their order, as they stand in the document, and where each ends.
    fn urls(&self, compiled: &Compiled, delivery: &Delivery) -> Option<(Vec<u8>, Vec<usize>)> {
        let mut text = Vec::with_capacity(compiled.slots.len() * 160);
        let mut ends = Vec::with_capacity(compiled.slots.len());
        self.with_writer(delivery, |writer| {
            compiled.slots.iter().try_for_each(|slot| {
                writer.write(compiled, slot, &self.0.html, &mut text, |_| {})?;
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
        let html = &self.0.html;
        self.with_writer(delivery, |writer| {
            for piece in &compiled.pieces {
                match piece {
                    Piece::Source(range) => out.extend_from_slice(&html[range.clone()]),
                    Piece::Literal(range) => out.extend_from_slice(&compiled.literals[range.clone()]),
                    Piece::Slot(slot) => {
                        let slot = &compiled.slots[*slot];
                        writer.write(compiled, slot, html, out, |url| told(slot, url))?;
                    }
                }
            }
            Ok(())
        })
    }

    fn with_writer(
        &self,
        delivery: &Delivery,
        work: impl FnOnce(&mut SlotWriter<'_>) -> std::result::Result<(), NotThisWay>,
    ) -> std::result::Result<(), NotThisWay> {
        let extensions = delivery.token_extensions();
        let shared = self.shared();
        let fields = delivery.token_fields(shared.settings.customer_id, &extensions);
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.prepared.set(&fields).map_err(|_| NotThisWay)?;
            work(&mut SlotWriter { shared, fields, delivery, scratch })
        })
    }
}

impl Compiled {
    /// Whether the delivery names a link that is left for another reason.
    fn names_left(&self, delivery: &Delivery) -> bool {
        delivery.unsubscribe.iter().any(|url| {
            self.left.contains(url)
                || self.slots.iter().any(|slot| slot.link.as_ref().is_some_and(|link| link.target == *url))
        })
    }
}

/// Writes the URLs of one delivery.
struct SlotWriter<'a> {
    shared: &'a Shared,
    fields: TokenFields<'a>,
    delivery: &'a Delivery,
    scratch: &'a mut Scratch,
}

impl SlotWriter<'_> {
    fn write(
        &mut self,
        compiled: &Compiled,
        slot: &Slot,
        html: &[u8],
        out: &mut Vec<u8>,
        told: impl FnOnce(&[u8]),
    ) -> std::result::Result<(), NotThisWay> {
        let link = slot.link.as_ref();
        if let Some(link) = link
            && self.delivery.unsubscribe.contains(&link.target)
        {
            if self.shared.settings.max_links.is_some() {
                return Err(NotThisWay); // another link is tracked in its place
            }
            out.extend_from_slice(&html[link.range.clone()]);
            return Ok(());
        }
        let sublink = link.and_then(|link| link.sublink.as_deref());
        let start = out.len();
        let most = self.shared.settings.max_url_length;
        if self.shared.urls.is_sealed() && compiled.is_plain {
            let own = Own {
                kind: slot.kind,
                link_index: link.map(|link| link.index),
                link_name: link.and_then(|link| link.coded_name.as_ref()),
                target: link.map(|link| &link.coded_target),
            };
            self.shared
                .urls
                .write_prepared(&self.scratch.prepared, &own, sublink, out)
                .map_err(|_| NotThisWay)?;
            told(&out[start..]);
            return if out.len() - start <= most { Ok(()) } else { Err(NotThisWay) };
        }
        let fields = TokenFields {
            kind: slot.kind,
            link_index: link.map(|link| link.index),
            link_name: link.and_then(|link| link.name.as_deref()),
            target: link.map(|link| link.target.as_str()),
            ..self.fields
        };
        let url = &mut self.scratch.url;
        url.clear();
        self.shared.urls.write_url(&fields, sublink, url).map_err(|_| NotThisWay)?;
        if url.len() > most {
            return Err(NotThisWay);
        }
        told(url);
        let text = std::str::from_utf8(url).map_err(|_| NotThisWay)?;
        let charset = if link.is_some() { compiled.charset } else { Charset::Unknown };
        attribute::encode(text, slot.quote, charset, out);
        Ok(())
    }
}

/// All pieces, with vectored writes.
fn write_all(pieces: &[Cow<'_, [u8]>], sink: &mut impl Write) -> io::Result<()> {
    /// As many as Linux takes at once.
    const MOST: usize = 1024;

    for pieces in pieces.chunks(MOST) {
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut rest = &mut slices[..];
        // Empty ones would look like a writer that takes nothing.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match sink.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut rest, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("bytes", &self.0.html.len()).finish_non_exhaustive()
    }
}
