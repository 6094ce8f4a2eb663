//! Links in plain text: each is decided at once, since no text is waited for.

use super::links::Pending;
use super::{Planner, lossy};
use crate::dialect::Directives;
use crate::html::LinkEnd;
use crate::policy::judge;
use crate::report::{Change, LinkPlace, LinkReport, Reason, RemovedAttribute, Verdict};
use crate::text_link::{Found, Layout, Links};
use crate::token::EventKind;

impl Planner {
    /// Plans the links of a part that is plain text.
    pub(crate) fn text(&mut self, bytes: &[u8], layout: Layout) {
        let mut links = Links::of(bytes, self.charset, layout, self.shared.settings.dialects);
        while let Some(found) = links.next() {
            self.text_link(bytes, &links, found);
        }
    }

    fn text_link(&mut self, bytes: &[u8], links: &Links<'_>, found: Found) {
        let index = self.next_index;
        self.next_index = self.next_index.saturating_add(1);
        let range = found.range;
        let url = links.unfolded(range.clone());
        let destination = self.charset.decode(&url).map(|url| match &found.mark {
            Some(mark) => {
                let (before, behind) = (mark.start - range.start, mark.end - range.start);
                format!("{}{}", &url[..before], &url[behind..])
            }
            None => url.into_owned(),
        });
        if let Some(destination) = &destination {
            self.notice_own(destination);
        }
        let values = found.attributes.iter().map(|attribute| links.unfolded(attribute.value.clone()));
        let values: Vec<_> = values.collect();
        let pairs = found.attributes.iter().zip(&values).map(|(attribute, value)| {
            (&bytes[attribute.name.clone()], self.charset.decode(value).unwrap_or_default())
        });
        let directives = Directives::of_pairs(pairs, self.shared.settings.dialects);
        let judged = match destination.as_deref() {
            _ if !self.clicks => Err(Reason::Off),
            _ if directives.opt_out || found.mark.is_some() => Err(Reason::OptOut),
            None => Err(Reason::BadCharset),
            Some(destination) if !found.is_sure => Err(match judge(destination) {
                Err(Reason::MergeTag) => Reason::MergeTag,
                _ => Reason::Unparsable,
            }),
            Some(destination) => self.judge(destination),
        };
        let mut link = Pending {
            report: LinkReport {
                index,
                part: self.part,
                place: LinkPlace::Text,
                name: directives.link_name,
                // A link that shows its own URL goes on doing so: `visible_url` has nothing to say.
                text: String::new(),
                raw: lossy(&bytes[range.clone()]),
                target: destination,
                range: range.start as u64..range.end as u64,
                verdict: Verdict::Left { reason: Reason::Off },
            },
            quote: None,
            tag: range.clone(),
            ends: LinkEnd::Void,
            text: Vec::new(),
            text_done: true,
            overrun: false,
            judged,
            kind: if directives.unsubscribe { EventKind::LinkUnsubscribe } else { EventKind::Click },
            sublink: directives.sublink,
            decided: true,
        };
        link.report.verdict = match self.verdict(&link) {
            Ok(url) => {
                self.values.push(range.start);
                self.edit(range, url.clone().into_bytes());
                self.tracked += 1;
                Verdict::Tracked { kind: link.kind, url }
            }
            Err(reason) => {
                if let Some(mark) = found.mark {
                    let range = mark.start as u64..mark.end as u64;
                    self.edit(mark, Vec::new());
                    self.collector.change(Change::SchemeRestored { part: self.part, range });
                }
                Verdict::Left { reason }
            }
        };
        self.report_link(link.report);
        if !found.suffix.is_empty() {
            for attribute in &found.attributes {
                let part = self.part;
                self.collector.removed(|| RemovedAttribute {
                    part,
                    name: lossy(&bytes[attribute.name.clone()]),
                    value: lossy(&bytes[attribute.value.clone()]),
                    range: attribute.whole.start as u64..attribute.whole.end as u64,
                });
            }
            self.edit(found.suffix, Vec::new());
        }
    }
}
