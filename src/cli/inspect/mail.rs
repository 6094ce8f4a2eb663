//! A mail as it was received: its documents, and every URL in them that tracking could be about.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use openclick::source::{Field, Markup, Message, Part, Text};
use openclick::{
    Delivery, Dialect, HeaderFields, KeyRing, LinkPlace, LinkReport, OnSigned, Options, PartReason,
    PixelReport, Report, Rewriter, addressee,
};

use super::super::exit::Failure;
use super::super::places::Lines;
use super::urls::{Carrier, Position, Url, of_document};
use super::wrapper::unwrap;

/// What a rewrite would do is asked under a name that no mail has.
const NO_DOMAIN: &str = "https://inspect.invalid";

/// How a mail is read.
pub(super) struct Reading<'a> {
    /// Whose attributes must not be left.
    pub(super) dialects: &'a [Dialect],
    pub(super) placeholder: Option<&'a str>,
    /// Of a document that is no message.
    pub(super) charset: Option<&'a str>,
    /// How many lines and characters stood in front of the mail.
    pub(super) lines: usize,
    pub(super) indent: usize,
}

/// A mail, read.
pub(super) struct Mail<'m> {
    bytes: &'m [u8],
    lines: Lines<'m>,
    skipped: (usize, usize),
    pub(super) message: Option<&'m Message<'m>>,
    pub(super) fields: Vec<Field<'m>>,
    /// The URLs of List-Unsubscribe.
    pub(super) unsubscribe: Vec<String>,
    /// The HTML that readers show, in order.
    pub(super) documents: Vec<Document<'m>>,
    /// HTML parts that no rewrite reads, and why.
    pub(super) unread: Vec<(Part<'m>, PartReason)>,
    /// Every link and image, in order.
    pub(super) urls: Vec<Url>,
    /// What the message's own header and the streams switch off.
    pub(super) off: Off,
    /// Links beyond those that are kept.
    pub(super) links_uncounted: u64,
}

/// What was switched off for this message.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Off {
    pub(super) start: bool,
    pub(super) end: bool,
}

/// An HTML document or part.
pub(super) struct Document<'m> {
    pub(super) part: Option<Part<'m>>,
    /// Such as `1.2`; empty where there is but one.
    pub(super) path: String,
    text: Option<Text<'m>>,
    html: &'m [u8],
    /// What a rewrite with the dialects in use would do now.
    pub(super) report: Report,
    /// The same with all dialects.
    pub(super) report_all: Report,
    /// Whether the open pixels belong into it.
    pub(super) has_pixels: bool,
    /// Which of the mail's URLs are its own.
    pub(super) urls: Range<usize>,
}

impl<'m> Document<'m> {
    /// The bytes that offsets are offsets in.
    pub(super) fn bytes(&self) -> &[u8] {
        self.text.as_ref().map_or(self.html, Text::bytes)
    }

    /// Its markup.
    pub(super) fn markup(&self) -> Markup<'_> {
        match &self.text {
            Some(text) => text.markup(),
            None => Markup::new(self.html, Some(&self.report.charset)),
        }
    }

    /// The offset in the mail of what stands at this offset of the document.
    pub(super) fn offset(&self, at: usize) -> usize {
        self.text.as_ref().map_or(at, |text| text.offset_in_message(at))
    }

    /// Where a rewrite would put a pixel now, or why nowhere.
    pub(super) fn pixel(&self, kind: openclick::EventKind) -> Option<&PixelReport> {
        self.report_all.pixels.iter().find(|pixel| pixel.kind == kind)
    }
}

impl<'m> Mail<'m> {
    /// Reads a mail. `message`: it is one.
    pub(super) fn read(
        bytes: &'m [u8],
        message: Option<&'m Message<'m>>,
        options: impl Fn(KeyRing, &str) -> Result<Options, Failure>,
        reading: &Reading<'_>,
    ) -> Result<Mail<'m>, Failure> {
        let mut mail = Mail {
            bytes,
            lines: Lines::new(bytes, reading.charset),
            skipped: (reading.lines, reading.indent),
            message,
            fields: message.map(Message::fields).unwrap_or_default(),
            unsubscribe: Vec::new(),
            documents: Vec::new(),
            unread: Vec::new(),
            urls: Vec::new(),
            off: Off::default(),
            links_uncounted: 0,
        };
        let fields: HeaderFields<'_> =
            mail.fields.iter().map(|field| (field.name, field.value.as_ref())).collect();
        let unsubscribe = addressee::list_unsubscribe(&fields);
        drop(fields);
        let keys = KeyRing::generate();
        let base = options(keys, NO_DOMAIN)?
            .on_signed(OnSigned::Rewrite)
            .text_links(true)
            .report_links(u64::MAX)
            .max_target_length(MOST_TARGET)
            .max_url_length(usize::MAX)
            .pixel_placeholder(reading.placeholder.unwrap_or(DEFAULT_PLACEHOLDER));
        let delivery =
            unsubscribe.iter().fold(Delivery::new("inspect"), |delivery, url| delivery.list_unsubscribe(url));
        mail.unsubscribe = unsubscribe;
        let look = Look { options: base, delivery, dialects: reading.dialects, known: RefCell::default() };
        match message {
            None => {
                mail.add_document(None, None, bytes, reading.charset, Some(Position::default()), &look)?;
            }
            Some(message) => mail.read_parts(message, &look)?,
        }
        Ok(mail)
    }

    fn read_parts(&mut self, message: &'m Message<'m>, look: &Look<'_>) -> Result<(), Failure> {
        // What the header switches off, and the links in plain text, which are no document's.
        let plan = look.options.clone().build()?.plan_message(message.bytes(), &look.delivery)?;
        let is_off = |kind| {
            plan.pixels
                .iter()
                .any(|pixel| pixel.kind == kind && pixel.reason == Some(openclick::NoPlace::Off))
        };
        self.off =
            Off { start: is_off(openclick::EventKind::InitialOpen), end: is_off(openclick::EventKind::Open) };
        // A rewrite tells of pixels in each part that they belong into, wanted or not.
        let with_pixels: HashSet<_> = plan.pixels.iter().filter_map(|pixel| pixel.part).collect();
        let mut numbers = Numbers { links: &plan.links, position: Position::default() };
        for part in message.parts() {
            let numbers = numbers.of(part.index());
            match (part.media_type(), part.reason()) {
                ("text/html", None) => {}
                ("text/html", Some(why)) if is_shown_unread(why) => {
                    self.unread.push((part, why));
                    continue;
                }
                ("text/plain", _) => {
                    self.add_text(part, numbers);
                    continue;
                }
                _ => continue,
            }
            let Some(text) = part.text() else {
                let why = if part.decoded().is_none() { PartReason::Ambiguous } else { PartReason::Charset };
                self.unread.push((part, why));
                continue;
            };
            if memchr::memmem::find(text.bytes(), b"-----BEGIN PGP ").is_some() {
                continue;
            }
            let has_pixels = u32::try_from(part.index()).is_ok_and(|index| with_pixels.contains(&index));
            let position = numbers.1.first().map(|_| numbers.0);
            self.add_document(Some(part), Some(text), message.bytes(), None, position, look)?;
            if let Some(document) = self.documents.last_mut() {
                document.has_pixels = has_pixels;
            }
        }
        Ok(())
    }

    fn add_text(&mut self, part: Part<'m>, (mut position, links): (Position, &[LinkReport])) {
        if links.is_empty() {
            return;
        }
        let Some(text) = part.text() else { return };
        for link in links.iter().filter(|link| link.place == LinkPlace::Text) {
            let start = usize::try_from(link.range.start).unwrap_or_default();
            let seen = link.target.clone().unwrap_or_else(|| link.raw.clone());
            self.urls.push(Url {
                carrier: Carrier::Text,
                path: part.path(),
                at: text.offset_in_message(start),
                raw: link.raw.clone(),
                inside: unwrap(&seen),
                seen,
                is_encoded: false,
                reason: link.reason(),
                extent: start..start,
                is_boxed: false,
                is_quoted: false,
                position: Some(position),
            });
            position.pass(link.place);
        }
    }

    fn add_document(
        &mut self,
        part: Option<Part<'m>>,
        text: Option<Text<'m>>,
        html: &'m [u8],
        charset: Option<&str>,
        position: Option<Position>,
        look: &Look<'_>,
    ) -> Result<(), Failure> {
        let bytes = text.as_ref().map_or(html, Text::bytes);
        // ISO-2022-JP is read with its Japanese hidden, UTF-16 as UTF-8, and what nobody knows as ASCII.
        let label = match text.as_ref().map(Text::charset) {
            Some("ISO-2022-JP") => Some("windows-1252"),
            Some(name) if name.starts_with("UTF-16") => Some("utf-8"),
            Some("unknown") => None,
            Some(name) => Some(name),
            None => charset,
        };
        let [with_own, with_all] = match look.rewriters(label) {
            // A label that no option takes is no reason to say nothing of a mail.
            Err(_) if text.is_some() => look.rewriters(None)?,
            made => made?,
        };
        let report = with_own.plan_html(bytes, &look.delivery)?;
        let report_all = with_all.plan_html(bytes, &look.delivery)?;
        self.links_uncounted += report_all.links_total - report_all.links.len() as u64;
        let path = part.as_ref().map(|part| part.path()).unwrap_or_default();
        let start = self.urls.len();
        let mut document =
            Document { part, path, text, html, report, report_all, has_pixels: true, urls: start..start };
        self.urls.append(&mut of_document(&document, position));
        document.urls.end = self.urls.len();
        self.documents.push(document);
        Ok(())
    }

    /// Line and column of an offset, in the file as it was given.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let (line, column) = self.lines.place(offset);
        (line + self.skipped.0, column + self.skipped.1)
    }

    /// The mail's bytes.
    pub(super) fn bytes(&self) -> &'m [u8] {
        self.bytes
    }

    /// The header fields of a name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Field<'m>> {
        self.fields.iter().filter(move |field| field.is(name))
    }
}

/// The links of a message, part by part, as a rewrite numbers them.
struct Numbers<'a> {
    /// Those of the parts that come.
    links: &'a [LinkReport],
    position: Position,
}

impl<'a> Numbers<'a> {
    /// The links of a part that comes behind the one asked for before, and where the first of them stands.
    fn of(&mut self, part: usize) -> (Position, &'a [LinkReport]) {
        let part = u32::try_from(part).ok();
        let from = self.links.iter().take_while(|link| link.part < part).count();
        let own = self.links[from..].iter().take_while(|link| link.part == part).count();
        let (before, rest) = self.links.split_at(from);
        let (links, rest) = rest.split_at(own);
        before.iter().for_each(|link| self.position.pass(link.place));
        let position = self.position;
        links.iter().for_each(|link| self.position.pass(link.place));
        self.links = rest;
        (position, links)
    }
}

/// What every document is looked at with.
struct Look<'a> {
    options: Options,
    delivery: Delivery,
    dialects: &'a [Dialect],
    /// By the label of the charset.
    known: RefCell<HashMap<Option<String>, [Rewriter; 2]>>,
}

impl Look<'_> {
    /// Rewriters for a charset: with the dialects in use, and with all. Mails may have very many parts.
    fn rewriters(&self, label: Option<&str>) -> Result<[Rewriter; 2], Failure> {
        if let Some(known) = self.known.borrow().get(&label.map(str::to_owned)) {
            return Ok(known.clone());
        }
        let make = |dialects: &[Dialect]| {
            let options = self.options.clone().dialects(dialects.iter().copied());
            label.map_or(options.clone(), |label| options.charset(label)).build()
        };
        let made = [make(self.dialects)?, make(&Dialect::ALL)?];
        self.known.borrow_mut().insert(label.map(str::to_owned), made.clone());
        Ok(made)
    }
}

/// The longest destination that an option allows.
const MOST_TARGET: usize = 8192;
const DEFAULT_PLACEHOLDER: &str = "{{openclick:pixel}}";

/// Whether readers show a part that no rewrite reads.
fn is_shown_unread(why: PartReason) -> bool {
    matches!(
        why,
        PartReason::Ambiguous
            | PartReason::Encoding
            | PartReason::Charset
            | PartReason::NoBody
            | PartReason::Boundary
            | PartReason::HeaderTooLong
    )
}
