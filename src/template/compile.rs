//! Making a document ready: its plan for one consent, with places instead of URLs.

use std::sync::Arc;

use memchr::memmem;

use super::{Compiled, Piece, Slot, SlotLink};
use crate::charset::{Charset, sniff};
use crate::edit::Edit;
use crate::html::{Scan, Source};
use crate::options::{Consent, Delivery};
use crate::plan::{PixelMarkup, Planner, TrackedLink};
use crate::rewriter::Shared;
use crate::token::CodedText;

/// What a URL takes in most mails, in bytes.
const USUAL_URL: usize = 200;

/// The plan; none where a document must be rewritten as it stands: own URLs in it are compared with those of each delivery.
pub(super) fn compile(shared: &Shared, html: &[u8], consent: Consent) -> Option<Compiled> {
    let (charset, mark) = sniff(html, shared.settings.charset);
    let own_host = |host: &String| memmem::find(html, host.as_bytes()).is_some();
    if matches!(charset, Charset::Unscannable(_)) || shared.hosts.iter().any(own_host) {
        return None;
    }
    // How long URLs are is known once they are made, and all links are wanted.
    let mut settings = shared.settings.clone();
    settings.max_url_length = usize::MAX;
    settings.report_links = u64::MAX;
    settings.on_link = None;
    let kept = shared.settings.report_links;
    let shared = Arc::new(Shared { settings, ..shared.clone() });
    let delivery = Delivery::new("template").tracking(consent);
    let mut planner = Planner::new(shared.clone(), delivery, charset, false).ok()?;
    planner.record();
    let mut scan = Scan::new(mark, planner.walk_settings(), shared.settings.reader());
    let source = Source { bytes: html, base: 0 };
    scan.advance(source, true, &mut planner);
    planner.advance(source, html.len(), true);

    let pixels = planner.pixels_markup();
    let recorded = planner.take_recorded();
    let edits = std::mem::take(&mut planner.edits).into_waiting();
    let report = planner.finish(html.len() as u64, 0);
    let is_own = |target: &str| shared.urls.is_own(target);
    if report.links.iter().filter_map(|link| link.target.as_deref()).any(is_own) {
        return None;
    }
    let base = shared.urls.domain().base();
    let mut compiled = Compiled {
        pieces: Vec::new(),
        literals: Vec::new(),
        slots: Vec::new(),
        charset,
        is_plain: !base.contains(['&', '"', '\'', '<', '>', '`', '=']) && !base.contains(char::is_whitespace),
        usual_length: html.len() + edits.len() * USUAL_URL,
        left: report
            .links
            .iter()
            .filter(|link| !link.is_tracked())
            .filter_map(|link| link.target.clone())
            .collect(),
        report: (report.links_total <= kept
            && report.removed_total <= kept
            && report.changes_total <= kept
            && report.links.len() as u64 == report.links_total
            && report.removed.len() as u64 == report.removed_total)
            .then_some(report),
    };
    let mut recorded = recorded.into_iter().peekable();
    let mut done = 0;
    for edit in edits {
        compiled.source(done..edit.range.start);
        done = edit.range.end;
        match recorded.next_if(|link| link.range == edit.range) {
            Some(link) => compiled.link(link),
            None => compiled.markup(&edit, &pixels),
        }
    }
    compiled.source(done..html.len());
    // Links come in the order of their places, as edits do.
    recorded.next().is_none().then_some(compiled)
}

impl Compiled {
    fn source(&mut self, range: std::ops::Range<usize>) {
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

    fn link(&mut self, link: TrackedLink) {
        let coded_name = link.name.as_deref().map(CodedText::name);
        let coded_target = CodedText::target(&link.target);
        self.slot(Slot {
            kind: link.kind,
            quote: link.quote,
            link: Some(SlotLink {
                index: link.index,
                name: link.name,
                target: link.target,
                sublink: link.sublink,
                coded_name,
                coded_target,
                range: link.range,
            }),
        });
    }

    /// What was taken out, or a pixel, whose URL is a place.
    fn markup(&mut self, edit: &Edit, pixels: &[PixelMarkup]) {
        let pixel = pixels.iter().find(|pixel| pixel.whole == edit.replacement);
        match pixel {
            Some(PixelMarkup { kind, around: [before, after], .. }) => {
                self.literal(before.as_bytes());
                self.slot(Slot { kind: *kind, link: None, quote: Some(b'"') });
                self.literal(after.as_bytes());
            }
            None => self.literal(&edit.replacement),
        }
    }
}
