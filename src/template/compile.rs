//! Making a document ready: its plan for one consent, with places instead of URLs and values.

use std::ops::Range;
use std::sync::Arc;

use crate::charset::Charset;
use crate::edit::Edit;
use crate::html::{Scan, Source};
use crate::merge::Sample;
use crate::options::{Consent, Delivery};
use crate::plan::{PixelMarkup, Planner, Record, RecordedLink};
use crate::report::{Reason, Report};
use crate::rewriter::Shared;
use crate::token::{CodedText, EventKind};

use super::document::Document;
use super::fit::Fit;

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
    pub(super) fit: Fit,
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
    let sample = &document.sample;
    let fit = Fit::of(sample, &shared, &record)?;
    let mut compiled = Compiled {
        pieces: Vec::new(),
        literals: Vec::new(),
        slots: Vec::new(),
        is_plain: shared.urls.domain().is_plain(),
        usual_length: sample.html.len() + edits.len() * USUAL_URL + sample.fields.len() * USUAL_VALUE,
        left: report
            .links
            .iter()
            .filter(|link| !link.is_tracked())
            .filter_map(|link| link.target.clone())
            .collect(),
        fit,
    };
    compiled.fill(sample.html.len(), changes(sample, edits, record.links)?, &pixels);
    compiled.pieces.shrink_to_fit();
    compiled.slots.shrink_to_fit();
    Some(compiled)
}

/// The report of a delivery that does not matter; none where not all of it is kept, or values stand in it.
pub(super) fn report(document: &Document, consent: Consent) -> Option<Report> {
    let kept = document.shared().settings.report_links;
    let report = plan(document, consent)?.report;
    (document.sample.fields.is_empty()
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
    let (shared, html, charset) =
        (document.shared(), &document.sample.html[..], document.sample.reading.charset);
    if matches!(charset, Charset::Unscannable(_)) || shared.has_own_host(html) {
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
    let mut scan = Scan::new(document.sample.reading.mark, planner.walk_settings(), shared.settings.reader());
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

/// What stands in the output in place of something in the document.
pub(super) enum Change {
    /// A link that is tracked whatever the values are.
    Tracked(RecordedLink),
    /// What else is put in or taken out.
    Markup(Edit),
    /// A link with fields in its destination.
    Dynamic(RecordedLink),
    /// The field with this index, beside those of dynamic links.
    Field(usize),
}

/// All changes in the order of their places; none if they do not fit each other.
pub(super) fn changes(
    sample: &Sample,
    mut edits: Vec<Edit>,
    links: Vec<RecordedLink>,
) -> Option<Vec<(Range<usize>, Change)>> {
    let letters = &sample.letters[..];
    // Links with fields are judged for each delivery, whatever became of the letters in their places.
    let (dynamic, links): (Vec<_>, Vec<_>) =
        links.into_iter().partition(|link| !sample.within(&link.range).is_empty());
    let mut tracked = links.into_iter().filter(|link| link.left.is_none()).peekable();
    edits.retain(|edit| {
        dynamic.binary_search_by_key(&edit.range.start, |link| link.range.start).is_err()
            || edit.range.is_empty()
    });
    if edits.iter().any(|edit| !sample.within(&edit.range).is_empty()) {
        return None; // what is taken out has a value in it
    }
    let mut is_taken = vec![false; letters.len()];
    let mut changes = Vec::with_capacity(edits.len() + letters.len());
    for link in dynamic {
        if !matches!(link.left, Some(Reason::Off | Reason::OptOut)) {
            is_taken[sample.within(&link.range)].fill(true);
            changes.push((link.range.clone(), Change::Dynamic(link)));
        }
    }
    changes.extend(edits.into_iter().map(|edit| match tracked.next_if(|link| link.range == edit.range) {
        Some(link) => (edit.range, Change::Tracked(link)),
        None => (edit.range.clone(), Change::Markup(edit)),
    }));
    let free = letters.iter().enumerate().filter(|(index, _)| !is_taken[*index]);
    changes.extend(free.map(|(index, &letter)| (letter..letter + 1, Change::Field(index))));
    changes.sort_by_key(|(range, change)| (range.start, matches!(change, Change::Field(_))));
    // Links come in the order of their places, as edits do.
    tracked.next().is_none().then_some(changes)
}

impl DynamicLink {
    pub(super) fn of(link: RecordedLink) -> DynamicLink {
        DynamicLink {
            kind: link.kind,
            index: link.index,
            name: link.name,
            sublink: link.sublink,
            quote: link.quote,
            range: link.range,
        }
    }
}

impl Compiled {
    /// Makes pieces of a document of this length.
    fn fill(&mut self, length: usize, changes: Vec<(Range<usize>, Change)>, pixels: &[PixelMarkup]) {
        let mut done = 0;
        for (range, change) in changes {
            self.source(done..range.start);
            done = range.end;
            match change {
                Change::Tracked(link) => self.slot(Slot::Url(UrlSlot::of(link))),
                Change::Markup(edit) => self.markup(edit, pixels),
                Change::Dynamic(link) => self.slot(Slot::Link(DynamicLink::of(link))),
                Change::Field(index) => self.slot(Slot::Field(index)),
            }
        }
        self.source(done..length);
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
