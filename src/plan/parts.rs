//! One plan for all parts of a message: links are counted through them, and a part's edits are taken out
//! when it was read.

use std::ops::Range;

use super::Planner;
use crate::charset::Charset;
use crate::edit::Edit;
use crate::html::tag::Attributes;
use crate::report::{Change, LinkReport, NoPlace, PixelReport, Reason, Verdict};
use crate::token::EventKind;

/// The pixels' markup, kept for parts to come; none if switched off.
#[derive(Clone, Default)]
pub(super) struct Markup {
    top: Option<Result<Vec<u8>, NoPlace>>,
    bottom: Option<Result<Vec<u8>, NoPlace>>,
}

/// What was planned for one part.
pub(crate) struct PartPlan {
    /// In order; ranges in the part as it was read.
    pub(crate) edits: Vec<Edit>,
    /// The tags in which edits are made, in order.
    pub(crate) tags: Vec<Range<usize>>,
    /// Where the values of tracked links begin, in order.
    values: Vec<usize>,
}

impl PartPlan {
    /// Where lines may be broken in these tags: the offsets of the white space in front of their attributes.
    /// `bytes` is the part.
    pub(crate) fn breaks(&self, bytes: &[u8]) -> Vec<usize> {
        let of_tag = |tag: &Range<usize>| {
            let source = &bytes[tag.clone()];
            let at = tag.start;
            Attributes::of(source).filter_map(move |attribute| {
                let before = source[..attribute.whole.start].iter().rev();
                let blanks = before.take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                (blanks > 0).then(|| at + attribute.whole.start - blanks)
            })
        };
        self.tags.iter().flat_map(of_tag).collect()
    }
}

impl Planner {
    /// Begins to read a part. `pixels`: the open pixels go into it.
    pub(crate) fn begin_part(&mut self, part: u32, charset: Charset, pixels: bool) {
        if self.part.is_none() {
            self.markup = Markup { top: self.top_pixel.take(), bottom: self.bottom_pixel.take() };
        }
        let markup = if pixels { self.markup.clone() } else { Markup::default() };
        self.top_pixel = markup.top;
        self.bottom_pixel = markup.bottom;
        self.part = Some(part);
        self.has_pixels = pixels;
        self.charset = charset;
        self.candidate = 0;
        let report = &self.collector.report;
        self.before = Before {
            links_tracked: report.links_tracked,
            capped: self.tracked,
            removed: report.removed_total,
            changes: report.changes_total,
        };
        self.own_bottom = false;
        self.top_report = None;
        self.bottom_report = None;
    }

    /// Ends the part that was begun, once it was read to its end.
    pub(crate) fn end_part(&mut self) -> PartPlan {
        if self.has_pixels {
            let part = self.part;
            self.pixels.extend(self.pixel_reports().map(|pixel| PixelReport { part, ..pixel }));
        }
        let edits = std::mem::take(&mut self.edits).into_waiting();
        PartPlan { edits, tags: std::mem::take(&mut self.tags), values: std::mem::take(&mut self.values) }
    }

    /// The part just read passes through after all: nothing in it is tracked.
    pub(crate) fn forget_part(&mut self, reason: Reason) {
        let part = self.part;
        let report = &mut self.collector.report;
        // A report keeps some links and counts all.
        let forgotten = report.links_tracked - self.before.links_tracked;
        if forgotten > 0 {
            report.links_tracked -= forgotten;
            *report.links_left.entry(reason).or_default() += forgotten;
        }
        self.tracked = self.before.capped;
        for link in of_part(&mut report.links, part).chain(of_part(&mut self.unheard, part)) {
            if link.is_tracked() {
                link.verdict = Verdict::Left { reason };
            }
        }
        report.removed_total = self.before.removed;
        while report.removed.last().is_some_and(|removed| removed.part == part) {
            report.removed.pop();
        }
        report.changes_total = self.before.changes;
        report.changes.truncate(usize::try_from(self.before.changes).unwrap_or(usize::MAX));
        let here = self.pixels.iter_mut().rev().take_while(|pixel| pixel.part == part);
        for pixel in here.filter(|pixel| pixel.place.is_some()) {
            *pixel = PixelReport { part, ..PixelReport::absent(pixel.kind, NoPlace::PassedThrough) };
        }
    }

    /// Each placeholder of the part just read left a comment.
    pub(crate) fn left_comments(&mut self) {
        // A report keeps the first of them.
        let before = usize::try_from(self.before.changes).unwrap_or(usize::MAX);
        for change in self.collector.report.changes.iter_mut().skip(before) {
            if let Change::PlaceholderRemoved { comment, .. } = change {
                *comment = true;
            }
        }
    }

    /// Leaves edits of the part just read: no line holds them. Whether that was possible: links and pixels can be
    /// left, what is taken out cannot.
    pub(crate) fn leave(&mut self, plan: &PartPlan, edits: &[Edit]) -> bool {
        const REASON: Reason = Reason::LineTooLong;

        let part = self.part;
        let mut left = Vec::new();
        for edit in edits {
            let at = edit.range.start as u64;
            if !edit.range.is_empty() && plan.values.binary_search(&edit.range.start).is_ok() {
                left.push(at);
                continue;
            }
            let is_own = |markup: &Option<Result<Vec<u8>, NoPlace>>| matches!(markup, Some(Ok(markup)) if *markup == edit.replacement);
            let kind = match () {
                () if is_own(&self.top_pixel) => EventKind::InitialOpen,
                () if is_own(&self.bottom_pixel) => EventKind::Open,
                () => return false,
            };
            let mut here = self.pixels.iter_mut().rev().take_while(|pixel| pixel.part == part);
            if let Some(pixel) = here.find(|pixel| pixel.kind == kind && pixel.place.is_some()) {
                *pixel = PixelReport { part, ..PixelReport::absent(kind, NoPlace::LineTooLong) };
            }
        }
        let is_left = |link: &&mut LinkReport| left.binary_search(&link.range.start).is_ok();
        // Those that nobody has heard of are counted when they are reported.
        let mut counted = left.len() as u64;
        for link in of_part(&mut self.unheard, part).filter(is_left) {
            link.verdict = Verdict::Left { reason: REASON };
            counted -= 1;
        }
        let report = &mut self.collector.report;
        if counted > 0 {
            report.links_tracked -= counted;
            *report.links_left.entry(REASON).or_default() += counted;
        }
        for link in of_part(&mut report.links, part).filter(is_left) {
            link.verdict = Verdict::Left { reason: REASON };
        }
        true
    }

    /// Whether any token went into what was planned.
    pub(crate) fn made_tokens(&self) -> bool {
        self.collector.report.links_tracked > 0
            || self.unheard.iter().any(LinkReport::is_tracked)
            || self.pixels.iter().any(|pixel| pixel.place.is_some())
    }
}

/// The links of the part that was read last.
fn of_part(links: &mut [LinkReport], part: Option<u32>) -> impl Iterator<Item = &mut LinkReport> {
    links.iter_mut().rev().take_while(move |link| link.part == part)
}

/// What was counted before a part.
#[derive(Clone, Copy, Default)]
pub(super) struct Before {
    links_tracked: u64,
    /// Links tracked, for the cap.
    capped: u64,
    removed: u64,
    changes: u64,
}
