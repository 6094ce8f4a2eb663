//! The plan: every site with its verdict, and the edits that follow.
//!
//! Sites come in document order and are decided in that order, so that caps and the caller's own rule
//! see links as a reader does. What cannot be decided yet (a link whose text must be seen first, the
//! top pixel before what follows it is known) holds the output back at its place.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use crate::charset::Charset;
use crate::dialect::{Dialect, Directives, find_msys, removal};
use crate::edit::{Edit, Edits};
use crate::error::Result;
use crate::html::tag::Attribute;
use crate::html::{self, LinkEnd, Sites, Source, Tag, Target, attribute};
use crate::options::{Consent, Delivery, VisibleUrl};
use crate::pixel;
use crate::policy::{Decision, Link, is_visible_url, judge};
use crate::report::{
    Change, Collector, LinkPlace, LinkReport, NoPlace, PixelPlace, PixelReport, Reason, RemovedAttribute,
    Report, Status, Verdict,
};
use crate::rewriter::Shared;
use crate::token::{EventKind, Memo, TokenFields};

/// How far after a link's tag its shown text is looked at.
const TEXT_WINDOW: usize = 2048;

/// How much of the shown text a report keeps.
const TEXT_REPORTED: usize = 200;

/// Links whose text is still open at one time; nested further, the outermost are closed.
const MOST_OPEN_LINKS: usize = 8;

/// A link between its tag and the end of its text.
struct Pending {
    report: LinkReport,
    quote: Option<u8>,
    tag: Range<usize>,
    ends: LinkEnd,
    text: Vec<u8>,
    text_done: bool,
    /// Its end tag did not come within the window.
    overrun: bool,
    /// Why it is left, as far as its destination tells.
    judged: std::result::Result<(), Reason>,
    kind: EventKind,
    sublink: Option<String>,
    decided: bool,
}

/// The decisions on one document for one delivery.
pub(crate) struct Planner {
    shared: Arc<Shared>,
    delivery: Delivery,
    charset: Charset,
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
    scratch: Vec<u8>,
    memo: Memo,
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
            scratch: Vec::new(),
            memo: Memo::default(),
            shared: shared.clone(),
        };
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
        }
    }

    /// Makes an event's URL. An error is one of the delivery's fields.
    fn url(&mut self, kind: EventKind, link: Option<&Pending>) -> Result<String> {
        let delivery = &self.delivery;
        let extensions: Vec<(u64, &[u8])> =
            delivery.extensions.iter().map(|(id, bytes)| (*id, bytes.as_slice())).collect();
        let mut fields = TokenFields::new(kind, &delivery.message_id);
        fields.customer_id = self.shared.settings.customer_id;
        fields.campaign = delivery.campaign.as_deref();
        fields.pool = delivery.pool.as_deref();
        fields.subaccount = delivery.subaccount.as_deref();
        fields.recipient = delivery.recipient.as_deref();
        fields.sealed_at = delivery.sealed_at;
        fields.expires = delivery.expires;
        fields.extensions = &extensions;
        let mut sublink = None;
        if let Some(link) = link {
            fields.link_index = Some(link.report.index);
            fields.link_name = link.report.name.as_deref();
            fields.target = link.report.target.as_deref();
            sublink = link.sublink.as_deref();
        }
        self.scratch.clear();
        self.shared.urls.write_url_with(&fields, sublink, Some(&mut self.memo), &mut self.scratch)?;
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
        for link in &mut self.links {
            if !link.text_done && (last || at > link.tag.end + TEXT_WINDOW) {
                link.text_done = true;
                self.open_links -= 1;
                link.overrun = at > link.tag.end + TEXT_WINDOW;
            }
        }
        self.decide();
    }

    /// The report, once everything was read.
    pub(crate) fn finish(mut self, bytes_in: u64, bytes_out: u64) -> Report {
        let mut report = std::mem::take(&mut self.collector.report);
        report.charset = self.charset.name().to_owned();
        report.bytes_in = bytes_in;
        report.bytes_out = bytes_out;
        report.status = if self.edited { Status::Rewritten } else { Status::Unchanged };
        report.pixels = vec![
            self.top_report.unwrap_or(PixelReport::absent(EventKind::InitialOpen, NoPlace::Off)),
            self.bottom_report.unwrap_or(PixelReport::absent(EventKind::Open, NoPlace::Off)),
        ];
        report
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

    fn link(&mut self, tag: &Tag<'_>, target: &Target, directives: &Directives) {
        let index = self.next_index;
        self.next_index = self.next_index.saturating_add(1);
        let value = target.attribute.value.clone();
        let range = tag.at + value.start..tag.at + value.end;
        let raw = &tag.source[value];
        let opt_out = self.restore_scheme(raw, &range) || directives.opt_out;
        let decoded = attribute::decode(raw, self.charset);
        let destination = decoded.as_deref().map(attribute::trim);
        if self.detect
            && let Some(destination) = destination.as_deref()
            && memmem::find(destination.as_bytes(), b"//").is_some()
        {
            self.notice_own(destination);
        }
        let judged = match destination.as_deref() {
            _ if !self.clicks => Err(Reason::Off),
            _ if opt_out => Err(Reason::OptOut),
            None => Err(Reason::BadCharset),
            Some(destination) => self.judge(destination),
        };
        let report = LinkReport {
            index,
            place: target.place,
            name: directives.link_name.clone(),
            text: String::new(),
            raw: lossy(raw),
            target: destination.map(|destination| destination.into_owned()),
            range: range.start as u64..range.end as u64,
            verdict: Verdict::Left { reason: Reason::Off },
        };
        if self.open_links >= MOST_OPEN_LINKS
            && let Some(outermost) = self.links.iter_mut().find(|link| !link.text_done)
        {
            outermost.text_done = true;
            outermost.overrun = true;
            self.open_links -= 1;
        }
        self.open_links += usize::from(tag.ends != LinkEnd::Void);
        self.links.push_back(Pending {
            report,
            quote: target.attribute.quote,
            tag: tag.at..tag.at + tag.source.len(),
            ends: tag.ends,
            text: Vec::with_capacity(64),
            text_done: tag.ends == LinkEnd::Void,
            overrun: false,
            judged,
            kind: if directives.unsubscribe { EventKind::LinkUnsubscribe } else { EventKind::Click },
            sublink: directives.sublink.clone(),
            decided: false,
        });
    }

    /// What a destination says of itself and the settings say of it.
    fn judge(&self, destination: &str) -> std::result::Result<(), Reason> {
        let host = judge(destination)?;
        let may_be_own = self.shared.hosts.iter().any(|own| *own == *host);
        if may_be_own && self.shared.urls.is_own(destination) {
            Err(Reason::AlreadyTracked)
        } else if self.delivery.unsubscribe.iter().any(|url| url == destination) {
            Err(Reason::Unsubscribe)
        } else if self.shared.settings.skip_hosts.matches(&host) {
            Err(Reason::SkipHost)
        } else {
            Ok(())
        }
    }

    /// Postal's `https+notrack:`: an opt-out, restored to `https:`.
    fn restore_scheme(&mut self, raw: &[u8], range: &Range<usize>) -> bool {
        const MARK: &[u8] = b"+notrack";
        if !self.shared.settings.dialects.has(Dialect::Postal) {
            return false;
        }
        let start = raw.iter().take_while(|&&byte| byte <= b' ').count();
        let has = |scheme: &[u8]| {
            let rest = &raw[start..];
            let word = [scheme, MARK, b":"].concat();
            rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(&word)
        };
        let Some(scheme) = [&b"https"[..], b"http"].into_iter().find(|scheme| has(scheme)) else {
            return false;
        };
        let at = range.start + start + scheme.len();
        self.edit(at..at + MARK.len(), Vec::new());
        self.collector.change(Change::SchemeRestored { range: at as u64..(at + MARK.len()) as u64 });
        true
    }

    /// Decides the links that can be, in order, and reports those whose text is complete.
    fn decide(&mut self) {
        let wait_for_text = self.shared.settings.visible_url == VisibleUrl::Leave;
        let mut links = std::mem::take(&mut self.links);
        for link in links.iter_mut().filter(|link| !link.decided) {
            if wait_for_text && !link.text_done && link.judged.is_ok() {
                break;
            }
            link.report.verdict = match self.verdict(link) {
                Ok(url) => {
                    let mut value = Vec::with_capacity(url.len());
                    attribute::encode(&url, link.quote, self.charset, &mut value);
                    let range = link.report.range.start as usize..link.report.range.end as usize;
                    self.edit(range, value);
                    self.tracked += 1;
                    Verdict::Tracked { kind: link.kind, url }
                }
                Err(reason) => Verdict::Left { reason },
            };
            link.decided = true;
        }
        while links.front().is_some_and(|link| link.decided && link.text_done) {
            let Some(mut link) = links.pop_front() else { break };
            link.report.text = attribute::shown_text(&link.text, self.charset, TEXT_REPORTED);
            if let Some(on_link) = &self.shared.settings.on_link {
                on_link(&link.report);
            }
            self.collector.link(link.report);
        }
        self.links = links;
    }

    /// The tracking URL of a link, or why it is left.
    fn verdict(&mut self, link: &Pending) -> std::result::Result<String, Reason> {
        link.judged?;
        let settings = &self.shared.settings;
        if settings.visible_url == VisibleUrl::Leave
            && !link.overrun
            && is_visible_url(&attribute::shown_text(&link.text, self.charset, TEXT_WINDOW))
        {
            return Err(Reason::VisibleUrl);
        }
        if settings.max_links.is_some_and(|most| self.tracked >= most) {
            return Err(Reason::MaxLinks);
        }
        let target = link.report.target.as_deref().unwrap_or_default();
        if let Some(policy) = &settings.policy {
            let host = judge(target)?;
            let link = Link {
                index: link.report.index,
                target,
                host: &host,
                name: link.report.name.as_deref(),
                place: link.report.place,
            };
            if policy.decide(&link) == Decision::Leave {
                return Err(Reason::Policy);
            }
        }
        if target.len() > settings.max_target_length {
            return Err(Reason::TooLong);
        }
        let most = settings.max_url_length;
        match self.url(link.kind, Some(link)) {
            Ok(url) if url.len() <= most => Ok(url),
            _ => Err(Reason::TooLong),
        }
    }

    fn remove(&mut self, tag: &Tag<'_>, attributes: &[Attribute]) {
        let edits = removal(tag.source, attributes);
        #[cfg(debug_assertions)]
        assert!(crate::dialect::removal_is_clean(tag.source, attributes, &edits));
        for edit in edits {
            self.edit(tag.at + edit.range.start..tag.at + edit.range.end, edit.replacement);
        }
        for attribute in attributes {
            self.collector.removed(|| RemovedAttribute {
                name: lossy(&tag.source[attribute.name.clone()]),
                value: lossy(&tag.source[attribute.value.clone()]),
                range: (tag.at + attribute.whole.start) as u64..(tag.at + attribute.whole.end) as u64,
            });
        }
    }
}

impl Sites for Planner {
    /// Every name of SparkPost's attributes holds `msys`: a vectorised search spares the attributes of
    /// nearly every tag. The other dialects share no such word.
    fn may_hold_attributes(&mut self, source: Source<'_>, range: Range<usize>) -> bool {
        let dialects = self.shared.settings.dialects;
        if dialects.beyond_sparkpost() {
            return true;
        }
        if !dialects.has(Dialect::SparkPost) {
            return false;
        }
        if self.candidate < range.start {
            let bytes = &source.bytes[range.start - source.base..];
            self.candidate = range.start + find_msys(bytes);
        }
        self.candidate < range.end
    }

    fn tag(&mut self, tag: Tag<'_>) {
        let dialects = self.shared.settings.dialects;
        let directives = match tag.marked {
            true => Directives::of(tag.source, dialects, self.charset),
            false => Directives::default(),
        };
        for target in tag.targets.iter().flatten() {
            self.link(&tag, target, &directives);
        }
        self.decide();
        if !directives.remove.is_empty() {
            self.remove(&tag, &directives.remove);
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

    fn top(&mut self, at: usize, present: bool, after_preheader: bool) {
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
        if may_take && !self.own_bottom && matches!(self.bottom_pixel, Some(Ok(_))) {
            self.place_bottom(range, PixelPlace::Placeholder);
            return true;
        }
        let between: &[u8] = if joins { b"<!---->" } else { b"" };
        self.edit(range.clone(), between.to_vec());
        self.collector.change(Change::PlaceholderRemoved { range: range.start as u64..range.end as u64 });
        false
    }

    fn limit(&mut self, at: usize) {
        self.collector.report.limit = Some(at as u64);
    }
}

/// As text for the report; most of it is ASCII.
fn lossy(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
