//! Links: from their tag to their verdict, in document order.

use std::borrow::Cow;
use std::ops::Range;

use super::{Planner, RecordedLink, lossy};
use crate::dialect::{Dialect, Directives};
use crate::html::{LinkEnd, Tag, Target, attribute};
use crate::options::VisibleUrl;
use crate::policy::{Decision, Link, is_visible_url, judge};
use crate::report::{Change, LinkReport, Reason, Verdict};
use crate::token::EventKind;

/// How far after a link's tag its shown text is looked at.
pub(super) const TEXT_WINDOW: usize = 2048;

/// How much of the shown text a report keeps.
const TEXT_REPORTED: usize = 200;

/// Links whose text is still open at one time; nested further, the outermost are closed.
const MOST_OPEN_LINKS: usize = 8;

/// A link between its tag and the end of its text.
pub(super) struct Pending {
    pub(super) report: LinkReport,
    pub(super) quote: Option<u8>,
    pub(super) tag: Range<usize>,
    pub(super) ends: LinkEnd,
    pub(super) text: Vec<u8>,
    pub(super) text_done: bool,
    /// Its end tag did not come within the window.
    pub(super) overrun: bool,
    /// Why it is left, as far as its destination tells.
    pub(super) judged: std::result::Result<(), Reason>,
    pub(super) kind: EventKind,
    pub(super) sublink: Option<String>,
    pub(super) decided: bool,
}

impl Planner {
    /// `name` and `sublink` are those of the directives.
    pub(super) fn link(
        &mut self,
        tag: &Tag<'_>,
        target: &Target,
        directives: &Directives,
        name: Option<String>,
        sublink: Option<String>,
    ) {
        let index = self.next_index;
        self.next_index = self.next_index.saturating_add(1);
        let value = target.attribute.value.clone();
        let range = tag.at + value.start..tag.at + value.end;
        let raw = &tag.source[value];
        let opt_out = self.restore_scheme(raw, &range) || directives.opt_out;
        let text = self.charset.decode(raw);
        let raw = match &text {
            Some(Cow::Borrowed(same)) => (*same).to_owned(),
            _ => lossy(raw),
        };
        let destination = text.map(attribute::destination);
        if let Some(destination) = destination.as_deref() {
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
            part: self.part,
            place: target.place,
            name,
            text: String::new(),
            raw,
            target: destination.map(Cow::into_owned),
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
            text: std::mem::take(&mut self.spare),
            text_done: tag.ends == LinkEnd::Void,
            overrun: false,
            judged,
            kind: if directives.unsubscribe { EventKind::LinkUnsubscribe } else { EventKind::Click },
            sublink,
            decided: false,
        });
    }

    /// What a destination says of itself and the settings say of it.
    pub(super) fn judge(&self, destination: &str) -> std::result::Result<(), Reason> {
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
        if !self.shared.settings.dialects.has(Dialect::Postal) {
            return false;
        }
        let start = raw.iter().take_while(|&&byte| byte <= b' ').count();
        let mark = |scheme| {
            let from = end_of_word(raw, start, scheme)?;
            let to = end_of_word(raw, from, b"+notrack")?;
            end_of_word(raw, to, b":").map(|_| range.start + from..range.start + to)
        };
        let Some(mark) = mark(b"https").or_else(|| mark(b"http")) else { return false };
        self.edit(mark.clone(), Vec::new());
        self.collector
            .change(Change::SchemeRestored { part: self.part, range: mark.start as u64..mark.end as u64 });
        true
    }

    /// Decides the links that can be, in order, and reports those whose text is complete.
    pub(super) fn decide(&mut self) {
        let wait_for_text = self.shared.settings.visible_url == VisibleUrl::Leave;
        let mut links = std::mem::take(&mut self.links);
        for link in links.iter_mut().filter(|link| !link.decided) {
            if wait_for_text && !link.text_done && link.judged.is_ok() {
                break;
            }
            link.report.verdict = match self.verdict(link) {
                Ok(url) => {
                    let mut value = Vec::with_capacity(url.len());
                    match self.urls_are_plain {
                        true => value.extend_from_slice(url.as_bytes()),
                        false => attribute::encode(&url, link.quote, self.charset, &mut value),
                    }
                    let range = link.report.range.start as usize..link.report.range.end as usize;
                    if self.part.is_some() {
                        self.values.push(range.start);
                    }
                    self.edit(range, value);
                    self.tracked += 1;
                    Verdict::Tracked { kind: link.kind, url }
                }
                Err(reason) => Verdict::Left { reason },
            };
            link.decided = true;
            if let Some(record) = &mut self.record {
                record.links.push(RecordedLink {
                    part: self.part,
                    range: link.report.range.start as usize..link.report.range.end as usize,
                    kind: link.kind,
                    index: link.report.index,
                    name: link.report.name.clone(),
                    target: link.report.target.clone().unwrap_or_default(),
                    sublink: link.sublink.clone(),
                    quote: link.quote,
                    left: link.report.reason(),
                });
            }
        }
        while links.front().is_some_and(|link| link.decided && link.text_done) {
            let Some(mut link) = links.pop_front() else { break };
            link.report.text = attribute::shown_text(&link.text, self.charset, TEXT_REPORTED);
            self.spare = link.text;
            self.spare.clear();
            self.report_link(link.report);
        }
        self.links = links;
    }

    /// The tracking URL of a link, or why it is left.
    pub(super) fn verdict(&mut self, link: &Pending) -> std::result::Result<String, Reason> {
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

    /// Ends the text of links whose window is passed. Called for each site too: one link whose text stays
    /// open keeps all later ones waiting, and whoever looks through them would take quadratic time.
    pub(super) fn close_passed(&mut self, at: usize, last: bool) {
        let passed = |link: &Pending| at > link.tag.end + TEXT_WINDOW;
        // The first one is always open: `decide` takes out what is closed before it.
        if !last && !self.links.front().is_some_and(passed) {
            return;
        }
        for link in self.links.iter_mut().filter(|link| !link.text_done) {
            if !last && !passed(link) {
                break;
            }
            link.text_done = true;
            link.overrun = passed(link);
            self.open_links -= 1;
        }
    }
}

/// Where `word` ends that stands in an attribute value at `at`, in any case, its characters plain or as
/// references.
fn end_of_word(raw: &[u8], mut at: usize, word: &[u8]) -> Option<usize> {
    for &wanted in word {
        let rest = raw.get(at..)?;
        let length = match rest.first()? {
            b'&' => rest.iter().take(16).position(|&byte| byte == b';')? + 1,
            _ => 1,
        };
        let read = htmlize::unescape_bytes_in(&rest[..length], htmlize::Context::Attribute);
        if !read.eq_ignore_ascii_case(&[wanted]) {
            return None;
        }
        at += length;
    }
    Some(at)
}
