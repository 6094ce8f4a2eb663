//! Making a document ready: its plan for one consent, with places instead of URLs and values.

use std::ops::Range;
use std::sync::Arc;

use crate::charset::Charset;
use crate::dialect::Dialect;
use crate::edit::Edit;
use crate::html::{MOST_TOKEN, PREHEADER_LIMIT, Scan, Source};
use crate::merge::Kind;
use crate::options::{Consent, Delivery, VisibleUrl};
use crate::plan::{PixelMarkup, Planner, Record, RecordedLink};
use crate::report::{Reason, Report};
use crate::rewriter::Shared;
use crate::token::{CodedText, EventKind};

use super::document::Document;

/// What a URL takes in most mails, in bytes.
const USUAL_URL: usize = 200;

/// What a value takes in most mails, in bytes.
const USUAL_VALUE: usize = 32;

/// A document for one consent.
pub(super) struct Compiled {
    pub(super) pieces: Vec<Piece>,
    /// Pixels' markup around their URLs.
    pub(super) literals: Vec<u8>,
    pub(super) slots: Vec<Slot>,
    /// The URLs need no escaping in any attribute.
    pub(super) is_plain: bool,
    /// How long an output may be, in bytes, if the URLs are as long as those of most mails.
    pub(super) usual_length: usize,
    /// Links that are left may be left for another reason where a delivery names their URL.
    left: Vec<String>,
    /// For each field, whether it matters that its value is no white space.
    pub(super) counts: Vec<bool>,
    /// From the body's start to where it is known where the top pixel goes.
    pub(super) zone: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Of the document.
    Source(Range<usize>),
    /// Of the literals.
    Literal(Range<usize>),
    /// What differs from recipient to recipient.
    Slot(usize),
}

pub(super) enum Slot {
    Url(UrlSlot),
    Link(DynamicLink),
    /// The value of the field with this index.
    Field(usize),
}

/// A place for a URL.
pub(super) struct UrlSlot {
    pub(super) kind: EventKind,
    /// None for a pixel.
    pub(super) link: Option<SlotLink>,
    pub(super) quote: Option<u8>,
}

pub(super) struct SlotLink {
    pub(super) index: u32,
    pub(super) name: Option<String>,
    pub(super) target: String,
    pub(super) sublink: Option<String>,
    pub(super) coded_name: Option<CodedText>,
    pub(super) coded_target: CodedText,
    /// The value in the document.
    pub(super) range: Range<usize>,
}

/// A link with fields in its destination.
pub(super) struct DynamicLink {
    pub(super) kind: EventKind,
    pub(super) index: u32,
    pub(super) name: Option<String>,
    pub(super) sublink: Option<String>,
    pub(super) quote: Option<u8>,
    /// The value in the document.
    pub(super) range: Range<usize>,
}

impl Slot {
    pub(super) fn kind(&self) -> Option<EventKind> {
        match self {
            Slot::Url(slot) => Some(slot.kind),
            Slot::Link(link) => Some(link.kind),
            Slot::Field(_) => None,
        }
    }

    pub(super) fn link_index(&self) -> Option<u32> {
        match self {
            Slot::Url(slot) => slot.link.as_ref().map(|link| link.index),
            Slot::Link(link) => Some(link.index),
            Slot::Field(_) => None,
        }
    }
}

impl UrlSlot {
    pub(super) fn of(link: RecordedLink) -> UrlSlot {
        UrlSlot {
            kind: link.kind,
            quote: link.quote,
            link: Some(SlotLink {
                index: link.index,
                coded_name: link.name.as_deref().map(CodedText::name),
                coded_target: CodedText::target(&link.target),
                name: link.name,
                target: link.target,
                sublink: link.sublink,
                range: link.range,
            }),
        }
    }
}

/// What an edit puts in, around the URL if it is a pixel.
pub(super) fn literal_slots(
    replacement: Vec<u8>,
    pixels: &[PixelMarkup],
) -> (Vec<u8>, Option<UrlSlot>, Vec<u8>) {
    match pixels.iter().find(|pixel| pixel.whole == replacement) {
        Some(PixelMarkup { kind, around: [before, after], .. }) => {
            let slot = UrlSlot { kind: *kind, link: None, quote: Some(b'"') };
            (before.as_bytes().to_vec(), Some(slot), after.as_bytes().to_vec())
        }
        None => (replacement, None, Vec::new()),
    }
}

/// The plan; none where a document must be rewritten as it stands: own URLs in it are compared with those of each delivery, and
/// there are values that would change how it is read.
pub(super) fn compile(document: &Document, consent: Consent) -> Option<Compiled> {
    let Planned { shared, edits, pixels, record, report } = plan(document, consent)?;
    let zone = record.body.map_or(0..0, |body| body..record.decided.max(body));
    let counts = match document.fields.is_empty() {
        true => Vec::new(),
        false => counts(document, &shared, &record, &zone)?,
    };
    let mut compiled = Compiled {
        pieces: Vec::new(),
        literals: Vec::new(),
        slots: Vec::new(),
        is_plain: shared.urls.domain().is_plain(),
        usual_length: document.html.len() + edits.len() * USUAL_URL + document.fields.len() * USUAL_VALUE,
        left: report
            .links
            .iter()
            .filter(|link| !link.is_tracked())
            .filter_map(|link| link.target.clone())
            .collect(),
        counts,
        zone,
    };
    compiled.fill(document, edits, record.links, &pixels)?;
    compiled.pieces.shrink_to_fit();
    compiled.slots.shrink_to_fit();
    Some(compiled)
}

/// The report of a delivery that does not matter; none where not all of it is kept, or values stand in it.
pub(super) fn report(document: &Document, consent: Consent) -> Option<Report> {
    let kept = document.shared().settings.report_links;
    let report = plan(document, consent)?.report;
    (document.fields.is_empty()
        && report.links_total <= kept
        && report.removed_total <= kept
        && report.changes_total <= kept
        && report.links.len() as u64 == report.links_total
        && report.removed.len() as u64 == report.removed_total)
        .then_some(report)
}

/// A document planned for a delivery that does not matter.
struct Planned {
    shared: Arc<Shared>,
    edits: Vec<Edit>,
    pixels: Vec<PixelMarkup>,
    record: Record,
    report: Report,
}

fn plan(document: &Document, consent: Consent) -> Option<Planned> {
    let (shared, html, charset) = (document.shared(), &document.html[..], document.charset);
    if matches!(charset, Charset::Unscannable(_)) || document.has_own_host(html) {
        return None;
    }
    // How long URLs are is known once they are made, and all links are wanted.
    let mut settings = shared.settings.clone();
    settings.max_url_length = usize::MAX;
    settings.report_links = u64::MAX;
    settings.on_link = None;
    let shared = Arc::new(Shared { settings, ..shared.clone() });
    let delivery = Delivery::new("template").tracking(consent);
    let mut planner = Planner::new(shared.clone(), delivery, charset, false).ok()?;
    planner.record();
    let mut scan = Scan::new(document.mark, planner.walk_settings(), shared.settings.reader());
    let source = Source { bytes: html, base: 0 };
    scan.advance(source, true, &mut planner);
    planner.advance(source, html.len(), true);

    let pixels = planner.pixels_markup();
    let record = planner.take_record();
    let edits = std::mem::take(&mut planner.edits).into_waiting();
    let report = planner.finish(html.len() as u64, 0);
    let is_own = |target: &str| shared.urls.is_own(target);
    if report.links.iter().filter_map(|link| link.target.as_deref()).any(is_own) {
        return None;
    }
    Some(Planned { shared, edits, pixels, record, report })
}

/// For each field, whether it matters that its value is no white space; none if some value could change more than that.
fn counts(document: &Document, shared: &Shared, record: &Record, zone: &Range<usize>) -> Option<Vec<bool>> {
    let settings = &shared.settings;
    let (html, letters) = (&document.html[..], &document.letters[..]);
    let is_single_byte = |encoding: &'static encoding_rs::Encoding| {
        encoding == encoding_rs::UTF_8 || encoding.is_single_byte()
    };
    let is_dynamic = |link: &RecordedLink| {
        let first = letters.partition_point(|&letter| letter < link.range.start);
        letters.get(first).is_some_and(|letter| link.range.contains(letter))
    };
    let in_zone = |letter: &usize| zone.contains(letter);
    if !matches!(document.charset, Charset::Known(encoding) if is_single_byte(encoding))
        || html.len() > MOST_TOKEN
        // What a link shows decides on it, and what another one has.
        || settings.visible_url == VisibleUrl::Leave
        || (settings.max_links.is_some() || settings.policy.is_some() || settings.dialects.has(Dialect::Postal))
            && record.links.iter().any(is_dynamic)
        || zone.len() > PREHEADER_LIMIT && letters.iter().any(in_zone)
        || has_placeholder_beside(html, letters, settings.placeholder.as_bytes())
    {
        return None;
    }
    let place_counts = |(letter, place): (&usize, &crate::merge::Place)| match place.kind {
        Kind::Other => None,
        // It may hide a preheader.
        Kind::Attribute { is_style: true, .. } if in_zone(letter) => None,
        Kind::Text => {
            let at = record.texts.partition_point(|text| text.end <= *letter);
            Some(record.texts.get(at).is_some_and(|text| text.contains(letter)))
        }
        Kind::RawText | Kind::Attribute { .. } => Some(false),
    };
    letters.iter().zip(&document.places).map(place_counts).collect()
}

/// Whether a placeholder for the pixel stands in one text with a field (what stands in front of it decides what it leaves), or a
/// value could end one that begins in front of it.
fn has_placeholder_beside(html: &[u8], letters: &[usize], placeholder: &[u8]) -> bool {
    let begins = |&letter: &usize| {
        (1..placeholder.len()).any(|length| html[..letter].ends_with(&placeholder[..length]))
    };
    if placeholder.is_empty() {
        return false;
    }
    // A text is looked at once, however many placeholders it holds.
    let mut done = 0;
    letters.iter().any(begins)
        || memchr::memmem::find_iter(html, placeholder).any(|at| {
            if at < done {
                return false;
            }
            let start = memchr::memrchr(b'>', &html[..at]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'<', &html[at..]).map_or(html.len(), |length| at + length);
            done = end;
            let first = letters.partition_point(|&letter| letter < start);
            letters.get(first).is_some_and(|&letter| letter < end)
        })
}

/// What stands in the output in place of something in the document.
enum Change {
    Edit(Edit),
    Link(RecordedLink),
    /// The field with this index.
    Field(usize),
}

impl Compiled {
    /// Makes pieces of the document, its edits, its links and its fields; none if they do not fit each other.
    fn fill(
        &mut self,
        document: &Document,
        mut edits: Vec<Edit>,
        links: Vec<RecordedLink>,
        pixels: &[PixelMarkup],
    ) -> Option<()> {
        let letters = &document.letters[..];
        let within = |range: &Range<usize>| {
            let first = letters.partition_point(|&letter| letter < range.start);
            first..letters.partition_point(|&letter| letter < range.end)
        };
        // Links with fields are judged for each delivery, whatever became of the letters in their places.
        let (dynamic, links): (Vec<_>, Vec<_>) =
            links.into_iter().partition(|link| !within(&link.range).is_empty());
        let mut tracked = links.into_iter().filter(|link| link.left.is_none()).peekable();
        edits.retain(|edit| {
            dynamic.binary_search_by_key(&edit.range.start, |link| link.range.start).is_err()
                || edit.range.is_empty()
        });
        let mut is_taken = vec![false; letters.len()];
        let mut changes: Vec<(usize, Change)> = Vec::new();
        for link in dynamic {
            if !matches!(link.left, Some(Reason::Off | Reason::OptOut)) {
                is_taken[within(&link.range)].fill(true);
                changes.push((link.range.start, Change::Link(link)));
            }
        }
        if edits.iter().any(|edit| !within(&edit.range).is_empty()) {
            return None; // what is taken out has a value in it
        }
        changes.extend(edits.into_iter().map(|edit| (edit.range.start, Change::Edit(edit))));
        let free = letters.iter().enumerate().filter(|(index, _)| !is_taken[*index]);
        changes.extend(free.map(|(index, &letter)| (letter, Change::Field(index))));
        changes.sort_by_key(|(at, change)| (*at, matches!(change, Change::Field(_))));
        let mut done = 0;
        for (at, change) in changes {
            self.source(done..at);
            done = match change {
                Change::Edit(edit) => {
                    let end = edit.range.end;
                    match tracked.next_if(|link| link.range == edit.range) {
                        Some(link) => self.slot(Slot::Url(UrlSlot::of(link))),
                        None => self.markup(edit, pixels),
                    }
                    end
                }
                Change::Link(link) => {
                    let end = link.range.end;
                    self.slot(Slot::Link(DynamicLink {
                        kind: link.kind,
                        index: link.index,
                        name: link.name,
                        sublink: link.sublink,
                        quote: link.quote,
                        range: link.range,
                    }));
                    end
                }
                Change::Field(index) => {
                    self.slot(Slot::Field(index));
                    at + 1
                }
            };
        }
        self.source(done..document.html.len());
        // Links come in the order of their places, as edits do.
        tracked.next().is_none().then_some(())
    }

    fn source(&mut self, range: Range<usize>) {
        match self.pieces.last_mut() {
            _ if range.is_empty() => {}
            Some(Piece::Source(last)) if last.end == range.start => last.end = range.end,
            _ => self.pieces.push(Piece::Source(range)),
        }
    }

    fn literal(&mut self, bytes: &[u8]) {
        let start = self.literals.len();
        self.literals.extend_from_slice(bytes);
        match self.pieces.last_mut() {
            _ if bytes.is_empty() => {}
            Some(Piece::Literal(last)) => last.end = self.literals.len(),
            _ => self.pieces.push(Piece::Literal(start..self.literals.len())),
        }
    }

    fn slot(&mut self, slot: Slot) {
        self.pieces.push(Piece::Slot(self.slots.len()));
        self.slots.push(slot);
    }

    /// What was taken out, or a pixel, whose URL is a place.
    fn markup(&mut self, edit: Edit, pixels: &[PixelMarkup]) {
        let (before, slot, after) = literal_slots(edit.replacement, pixels);
        self.literal(&before);
        if let Some(slot) = slot {
            self.slot(Slot::Url(slot));
            self.literal(&after);
        }
    }

    /// Whether the delivery names a link that is left for another reason.
    pub(super) fn names_left(&self, delivery: &Delivery) -> bool {
        delivery.unsubscribe.iter().any(|url| {
            let is_named = |slot: &Slot| match slot {
                Slot::Url(slot) => slot.link.as_ref().is_some_and(|link| link.target == *url),
                Slot::Link(_) | Slot::Field(_) => false,
            };
            self.left.contains(url) || self.slots.iter().any(is_named)
        })
    }
}
