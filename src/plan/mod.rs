//! The plan: every site with its verdict, and the edits that follow.
//!
//! Sites come in document order and are decided in that order, so that caps and the caller's own rule
//! see links as a reader does. What cannot be decided yet (a link whose text must be seen first, the
//! top pixel before what follows it is known) holds the output back at its place.

mod links;
mod parts;
mod text;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use crate::charset::Charset;
use crate::dialect::{Dialect, Directives, find_msys, removal};
use crate::edit::{Edit, Edits};
use crate::error::Result;
use crate::html::{self, LinkEnd, Sites, Source, Tag, attribute};
use crate::options::{Consent, Delivery};
use crate::pixel;
use crate::report::{
    Change, Collector, LinkPlace, LinkReport, NoPlace, PixelPlace, PixelReport, Reason, RemovedAttribute,
    Report, Status,
};
use crate::rewriter::Shared;
use crate::token::{EventKind, LinkTexts, Memo, Prepared};

use self::links::{Pending, TEXT_WINDOW};
pub(crate) use self::parts::PartPlan;

/// The decisions on one document for one delivery.
pub(crate) struct Planner {
    shared: Arc<Shared>,
    delivery: Delivery,
    charset: Charset,
    /// The part of a message that is read.
    part: Option<u32>,
    /// Pixels go into this part.
    has_pixels: bool,
    markup: parts::Markup,
    before: parts::Before,
    /// In a message, the tags in which edits were made.
    tags: Vec<Range<usize>>,
    /// In a message, where the values of tracked links begin.
    values: Vec<usize>,
    /// In a message, the pixels of the parts before.
    pixels: Vec<PixelReport>,
    clicks: bool,
    /// The pixels' markup; none if switched off.
    top_pixel: Option<std::result::Result<Vec<u8>, NoPlace>>,
    bottom_pixel: Option<std::result::Result<Vec<u8>, NoPlace>>,
    /// Own tokens are opened, to find a document that was rewritten before.
    detect: bool,
    already: bool,
    own_bottom: bool,
    pub(crate) edits: Edits,
    edited: bool,
    links: VecDeque<Pending>,
    /// How many of them still wait for text.
    open_links: usize,
    next_index: u32,
    tracked: u64,
    pending_top: Option<(usize, bool)>,
    top_report: Option<PixelReport>,
    bottom_report: Option<PixelReport>,
    /// No tracking attribute stands before this offset but where tags were already seen.
    candidate: usize,
    collector: Collector,
    /// Links that the callback hears of at the end, once it is known that the document was not rewritten
    /// before.
    unheard: Vec<LinkReport>,
    scratch: Vec<u8>,
    /// Room for the text of the next link.
    spare: Vec<u8>,
    memo: Box<Memo>,
    /// What all sealed URLs of the delivery share; none in the other formats.
    prepared: Option<Prepared>,
    /// URLs need no escaping in any attribute value.
    urls_are_plain: bool,
    /// What a template is made of.
    record: Option<Record>,
}

/// A pixel's markup, whole, and what stands around its URL.
pub(crate) struct PixelMarkup {
    pub(crate) kind: EventKind,
    pub(crate) whole: Vec<u8>,
    pub(crate) around: [&'static str; 2],
}

/// What a template is made of, beside the edits.
#[derive(Default)]
pub(crate) struct Record {
    /// In the order of their places.
    pub(crate) links: Vec<RecordedLink>,
    /// The texts of which it matters whether they are white space, in order.
    pub(crate) texts: Vec<Range<usize>>,
    /// Where the body begins.
    pub(crate) body: Option<usize>,
    /// The top pixel's place, or the end of the last tag by which it was decided.
    pub(crate) decided: usize,
    top_was_told: bool,
    top_is_known: bool,
}

/// A link, tracked or left.
pub(crate) struct RecordedLink {
    pub(crate) part: Option<u32>,
    /// The value in the document.
    pub(crate) range: Range<usize>,
    pub(crate) kind: EventKind,
    pub(crate) index: u32,
    pub(crate) name: Option<String>,
    pub(crate) target: String,
    pub(crate) sublink: Option<String>,
    pub(crate) quote: Option<u8>,
    /// Why it is left.
    pub(crate) left: Option<Reason>,
}

impl Planner {
    /// `detect`: the document is in memory, so that one that was rewritten before can come back
    /// whole.
    pub(crate) fn new(
        shared: Arc<Shared>,
        delivery: Delivery,
        charset: Charset,
        detect: bool,
    ) -> Result<Planner> {
        let settings = &shared.settings;
        let consent = delivery.consent;
        let collector = Collector::new(settings.report_links);
        let mut planner = Planner {
            clicks: settings.click_tracking && consent.contains(Consent::CLICKS),
            delivery,
            charset,
            part: None,
            has_pixels: false,
            markup: parts::Markup::default(),
            before: parts::Before::default(),
            tags: Vec::new(),
            values: Vec::new(),
            pixels: Vec::new(),
            top_pixel: None,
            bottom_pixel: None,
            detect,
            already: false,
            own_bottom: false,
            edits: Edits::default(),
            edited: false,
            links: VecDeque::new(),
            open_links: 0,
            next_index: 0,
            tracked: 0,
            pending_top: None,
            top_report: None,
            bottom_report: None,
            candidate: 0,
            collector,
            unheard: Vec::new(),
            scratch: Vec::new(),
            spare: Vec::new(),
            memo: Memo::kept(),
            prepared: None,
            urls_are_plain: shared.urls.is_sealed() && shared.urls.domain().is_plain(),
            record: None,
            shared: shared.clone(),
        };
        if shared.urls.is_sealed() && (planner.clicks || consent.contains(Consent::OPENS)) {
            let extensions = planner.delivery.token_extensions();
            let fields = planner.delivery.token_fields(settings.customer_id, &extensions);
            let mut prepared = Prepared::default();
            // What cannot be prepared is refused for each URL.
            let is_set = prepared.set(&fields).is_ok();
            planner.prepared = is_set.then_some(prepared);
        }
        if consent.contains(Consent::OPENS) {
            if settings.initial_open {
                planner.top_pixel = Some(planner.pixel(EventKind::InitialOpen, pixel::top)?);
            }
            if settings.open_tracking {
                planner.bottom_pixel = Some(planner.pixel(EventKind::Open, pixel::bottom)?);
            }
        }
        Ok(planner)
    }

    pub(crate) fn walk_settings(&self) -> html::Settings {
        html::Settings {
            outlook: self.shared.settings.outlook,
            placeholder: self.shared.settings.placeholder.as_bytes().into(),
            charset: self.charset,
            max_token: html::MOST_TOKEN,
        }
    }

    /// Makes an event's URL. An error is one of the delivery's fields.
    fn url(&mut self, kind: EventKind, link: Option<&Pending>) -> Result<String> {
        let mut texts = LinkTexts { kind, index: None, name: None, target: None };
        let mut sublink = None;
        if let Some(link) = link {
            texts.index = Some(link.report.index);
            texts.name = link.report.name.as_deref();
            texts.target = link.report.target.as_deref();
            sublink = link.sublink.as_deref();
        }
        self.scratch.clear();
        let urls = &self.shared.urls;
        match &self.prepared {
            Some(prepared) => {
                urls.write_texts(prepared, &texts, sublink, &mut self.memo, &mut self.scratch)?;
            }
            None => {
                let extensions = self.delivery.token_extensions();
                let mut fields = self.delivery.token_fields(self.shared.settings.customer_id, &extensions);
                fields.kind = kind;
                fields.link_index = texts.index;
                fields.link_name = texts.name;
                fields.target = texts.target;
                urls.write_url(&fields, sublink, &mut self.scratch)?;
            }
        }
        Ok(lossy(&self.scratch)) // it is ASCII
    }

    fn pixel(
        &mut self,
        kind: EventKind,
        markup: fn(&str) -> Vec<u8>,
    ) -> Result<std::result::Result<Vec<u8>, NoPlace>> {
        let url = self.url(kind, None)?;
        let fits = url.len() <= self.shared.settings.max_url_length;
        Ok(if fits { Ok(markup(&url)) } else { Err(NoPlace::TooLong) })
    }

    /// From now on keeps what a template is made of.
    pub(crate) fn record(&mut self) {
        self.record = Some(Record::default());
    }

    pub(crate) fn take_record(&mut self) -> Record {
        let mut record = self.record.take().unwrap_or_default();
        record.links.sort_by_key(|link| (link.part, link.range.start));
        record
    }

    fn top_told(&mut self, at: usize) {
        if let Some(record) = &mut self.record {
            record.top_was_told = true;
            record.decided = record.decided.max(at);
        }
    }

    /// The pixels that may be put in.
    pub(crate) fn pixels_markup(&self) -> Vec<PixelMarkup> {
        let pixels = [
            (EventKind::InitialOpen, &self.top_pixel, pixel::around_url(true)),
            (EventKind::Open, &self.bottom_pixel, pixel::around_url(false)),
        ];
        let made = pixels.into_iter().filter_map(|(kind, markup, around)| match markup {
            Some(Ok(markup)) => Some(PixelMarkup { kind, whole: markup.clone(), around }),
            Some(Err(_)) | None => None,
        });
        made.collect()
    }

    /// Whether one of our own tokens with this message id was found.
    pub(crate) fn already_rewritten(&self) -> bool {
        self.already
    }

    /// No edit will be made before this offset any more.
    pub(crate) fn settled(&self) -> usize {
        let link = self.links.iter().find(|link| !link.decided).map_or(usize::MAX, |link| link.tag.start);
        self.pending_top.map_or(usize::MAX, |(at, _)| at).min(link)
    }

    /// Decides what can be decided now that the walk stands at `at`; `last` if nothing follows.
    pub(crate) fn advance(&mut self, source: Source<'_>, at: usize, last: bool) {
        self.resolve_top(source, last);
        self.close_passed(at, last);
        self.decide();
    }

    fn report_link(&mut self, link: LinkReport) {
        match &self.shared.settings.on_link {
            Some(_) if self.detect => return self.unheard.push(link),
            Some(on_link) => on_link(&link),
            None => {}
        }
        self.collector.link(link);
    }

    /// The report, once everything was read.
    pub(crate) fn finish(mut self, bytes_in: u64, bytes_out: u64) -> Report {
        self.detect = false;
        for link in std::mem::take(&mut self.unheard) {
            self.report_link(link);
        }
        let mut report = std::mem::take(&mut self.collector.report);
        report.charset = self.charset.name().to_owned();
        report.bytes_in = bytes_in;
        report.bytes_out = bytes_out;
        report.status = if self.edited { Status::Rewritten } else { Status::Unchanged };
        report.pixels = match self.part {
            Some(_) => std::mem::take(&mut self.pixels),
            None => self.pixel_reports().into(),
        };
        self.memo.keep();
        report
    }

    fn pixel_reports(&self) -> [PixelReport; 2] {
        [
            self.top_report.unwrap_or(PixelReport::absent(EventKind::InitialOpen, NoPlace::Off)),
            self.bottom_report.unwrap_or(PixelReport::absent(EventKind::Open, NoPlace::Off)),
        ]
    }

    fn edit(&mut self, range: Range<usize>, replacement: Vec<u8>) {
        self.edited = true;
        self.edits.push(Edit { range, replacement });
    }

    /// The top pixel stands already where it would be put; its bytes are looked at once they are here.
    fn resolve_top(&mut self, source: Source<'_>, last: bool) {
        let Some((at, after_preheader)) = self.pending_top else { return };
        let Some(Ok(markup)) = &self.top_pixel else { return };
        let here = source.at(at..source.end());
        let shared = here.len().min(markup.len());
        let same = here[..shared] == markup[..shared];
        if same && shared < markup.len() && !last {
            return;
        }
        let present = same && shared == markup.len();
        self.pending_top = None;
        let place = if after_preheader { PixelPlace::AfterPreheader } else { PixelPlace::BodyStart };
        if present {
            self.top_report = Some(PixelReport::present(EventKind::InitialOpen, at));
        } else {
            let markup = markup.clone();
            self.top_report = Some(PixelReport::placed(EventKind::InitialOpen, place, at));
            self.edited = true;
            self.edits.push_first(Edit { range: at..at, replacement: markup });
        }
    }

    fn place_bottom(&mut self, range: Range<usize>, place: PixelPlace) {
        let report = match &self.bottom_pixel {
            None => return,
            Some(Err(reason)) => PixelReport::absent(EventKind::Open, *reason),
            Some(Ok(_)) if self.own_bottom => PixelReport::present(EventKind::Open, range.start),
            Some(Ok(markup)) => {
                let markup = markup.clone();
                let report = PixelReport::placed(EventKind::Open, place, range.start);
                self.edit(range, markup);
                report
            }
        };
        self.bottom_report = Some(report);
    }

    /// Whether a URL holds one of our tokens with this message id.
    fn notice_own(&mut self, url: &str) {
        if self.detect
            && !self.already
            && self.shared.urls.open(url).is_some_and(|token| token.message_id() == self.delivery.message_id)
        {
            self.already = true;
        }
    }

    fn remove(&mut self, tag: &Tag<'_>, directives: &Directives) {
        let attributes = &directives.remove;
        let edits = removal(tag.source, directives);
        #[cfg(debug_assertions)]
        assert!(crate::dialect::removal_is_clean(tag.source, attributes, &edits));
        for edit in edits {
            self.edit(tag.at + edit.range.start..tag.at + edit.range.end, edit.replacement);
        }
        for attribute in attributes {
            let part = self.part;
            self.collector.removed(|| RemovedAttribute {
                part,
                name: lossy(&tag.source[attribute.name.clone()]),
                value: lossy(&tag.source[attribute.value.clone()]),
                range: (tag.at + attribute.whole.start) as u64..(tag.at + attribute.whole.end) as u64,
            });
        }
    }
}

impl Sites for Planner {
    fn body(&mut self, at: usize) {
        if let Some(record) = &mut self.record {
            record.body = Some(at);
        }
    }

    fn text_counts(&mut self, range: Range<usize>) {
        if let Some(record) = &mut self.record {
            record.texts.push(range);
        }
    }

    /// Every name of SparkPost's attributes holds `msys`: where the reading of the tag did not see all names, a
    /// vectorised search spares the attributes of nearly every tag. The other dialects share no such word.
    #[inline]
    fn may_hold_attributes(&mut self, source: Source<'_>, range: Range<usize>, unmarked: bool) -> bool {
        if let Some(record) = &mut self.record
            && !record.top_is_known
        {
            record.decided = range.end;
            record.top_is_known = record.top_was_told;
        }
        let dialects = self.shared.settings.dialects;
        if dialects.beyond_sparkpost() {
            return true;
        }
        if unmarked || !dialects.has(Dialect::SparkPost) {
            return false;
        }
        if self.candidate < range.start {
            let bytes = &source.bytes[range.start - source.base..];
            self.candidate = range.start + find_msys(bytes);
        }
        self.candidate < range.end
    }

    fn tag(&mut self, tag: Tag<'_>) {
        self.close_passed(tag.at, false);
        let dialects = self.shared.settings.dialects;
        let mut directives = match tag.marked {
            true => Directives::of(tag.source, dialects, self.charset),
            false => Directives::default(),
        };
        // A tag that only holds the word somewhere is none that is edited.
        if self.part.is_some() && (tag.targets[0].is_some() || !directives.remove.is_empty()) {
            self.tags.push(tag.at..tag.at + tag.source.len());
        }
        let mut targets = tag.targets.iter().flatten().peekable();
        while let Some(target) = targets.next() {
            let (name, sublink) = (directives.link_name.take(), directives.sublink.take());
            if targets.peek().is_some() {
                (directives.link_name, directives.sublink) = (name.clone(), sublink.clone());
            }
            self.link(&tag, target, &directives, name, sublink);
        }
        self.decide();
        if !directives.remove.is_empty() {
            self.remove(&tag, &directives);
        }
    }

    fn image(&mut self, source: Source<'_>, range: Range<usize>) {
        let tag = source.at(range);
        self.own_bottom |= self.is_bottom_pixel(tag);
        if !self.detect || self.already {
            return;
        }
        let host = self.shared.urls.domain().as_str();
        if memmem::find(tag, host.as_bytes()).is_some()
            && let Some(url) = html::tag::first_value(tag, b"src")
            && let Some(url) = attribute::decode(url, self.charset)
        {
            self.notice_own(&attribute::trim(&url));
        }
    }

    fn wants_text(&self) -> bool {
        self.open_links > 0
    }

    fn text(&mut self, source: Source<'_>, range: Range<usize>, outlook: bool) {
        for link in &mut self.links {
            if link.text_done || (link.report.place == LinkPlace::Outlook) != outlook {
                continue;
            }
            let end = link.tag.end + TEXT_WINDOW;
            if range.start < end {
                link.text.extend_from_slice(source.at(range.start..range.end.min(end)));
            }
        }
    }

    fn link_end(&mut self, end: LinkEnd, at: usize, outlook: bool) {
        if self.open_links == 0 {
            return;
        }
        let mut any = false;
        for link in &mut self.links {
            let here = (link.report.place == LinkPlace::Outlook) == outlook;
            if !link.text_done && here && (link.ends == end || end == LinkEnd::Void) {
                link.text_done = true;
                link.overrun = at > link.tag.end + TEXT_WINDOW;
                self.open_links -= 1;
                any = true;
            }
        }
        if any {
            self.decide();
        }
    }

    fn is_bottom_pixel(&self, tag: &[u8]) -> bool {
        matches!(&self.bottom_pixel, Some(Ok(markup)) if tag == markup.as_slice())
    }

    fn is_top_pixel(&mut self, bytes: &[u8]) -> bool {
        matches!(&self.top_pixel, Some(Ok(markup)) if bytes == markup.as_slice())
    }

    fn wants_top(&self) -> bool {
        matches!(self.top_pixel, Some(Ok(_)))
    }

    fn wants_bottom(&self) -> bool {
        !self.own_bottom && matches!(self.bottom_pixel, Some(Ok(_)))
    }

    fn top(&mut self, at: usize, present: bool, after_preheader: bool) {
        self.top_told(at);
        match &self.top_pixel {
            None => {}
            Some(Err(reason)) => self.top_report = Some(PixelReport::absent(EventKind::InitialOpen, *reason)),
            Some(Ok(_)) if present => {
                self.top_report = Some(PixelReport::present(EventKind::InitialOpen, at))
            }
            Some(Ok(_)) => self.pending_top = Some((at, after_preheader)),
        }
    }

    fn bottom(&mut self, at: usize, end_of_file: bool) -> bool {
        let place = if end_of_file { PixelPlace::EndOfFile } else { PixelPlace::BodyEnd };
        self.place_bottom(at..at, place);
        matches!(self.bottom_pixel, Some(Ok(_)))
    }

    fn no_top(&mut self, why: NoPlace) {
        self.top_told(0);
        if self.top_pixel.is_some() {
            self.top_report = Some(PixelReport::absent(EventKind::InitialOpen, why));
        }
    }

    fn no_bottom(&mut self, why: NoPlace) {
        if self.bottom_pixel.is_some() {
            self.bottom_report = Some(PixelReport::absent(EventKind::Open, why));
        }
    }

    fn placeholder(&mut self, range: Range<usize>, may_take: bool, joins: bool) -> bool {
        if may_take && self.wants_bottom() {
            self.place_bottom(range, PixelPlace::Placeholder);
            return true;
        }
        let between = if joins { EMPTY_COMMENT } else { b"" };
        self.edit(range.clone(), between.to_vec());
        let range = range.start as u64..range.end as u64;
        self.collector.change(Change::PlaceholderRemoved { part: self.part, range, comment: joins });
        false
    }

    fn limit(&mut self, at: usize) {
        self.collector.report.limit = Some(at as u64);
    }
}

/// What a placeholder leaves where its surroundings would become something else without anything between.
pub(crate) const EMPTY_COMMENT: &[u8] = b"<!---->";

/// As text for the report; most of it is ASCII.
fn lossy(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
