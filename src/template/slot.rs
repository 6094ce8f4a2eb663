//! Writing what differs from recipient to recipient: URLs, and the values of merge fields.

use std::cell::RefCell;

use super::compile::{Compiled, DynamicLink, Slot, UrlSlot};
use super::document::Document;
use crate::charset::Charset;
use crate::html::attribute;
use crate::options::Delivery;
use crate::policy;
use crate::token::{Own, Prepared, TokenFields};

/// What a render needs room for, kept by each thread.
#[derive(Default)]
struct Scratch {
    prepared: Prepared,
    url: Vec<u8>,
    value: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// This delivery needs a rewrite of its own.
pub(super) struct NotThisWay;

type Written = Result<(), NotThisWay>;

pub(super) fn with_writer(
    document: &Document,
    delivery: &Delivery,
    work: impl FnOnce(&mut SlotWriter<'_>) -> Written,
) -> Written {
    let extensions = delivery.token_extensions();
    let fields = delivery.token_fields(document.shared().settings.customer_id, &extensions);
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.prepared.set(&fields).map_err(|_| NotThisWay)?;
        work(&mut SlotWriter { document, fields, delivery, scratch })
    })
}

/// Writes the slots for one delivery.
pub(super) struct SlotWriter<'a> {
    document: &'a Document,
    fields: TokenFields<'a>,
    delivery: &'a Delivery,
    scratch: &'a mut Scratch,
}

impl SlotWriter<'_> {
    /// `told` hears of a URL.
    pub(super) fn write(
        &mut self,
        compiled: &Compiled,
        slot: &Slot,
        out: &mut Vec<u8>,
        told: impl FnOnce(&[u8]),
    ) -> Written {
        match slot {
            Slot::Url(slot) => self.url(compiled, slot, out, told),
            Slot::Link(link) => self.link(link, out),
            Slot::Field(index) => {
                let value = self.document.fields[*index].value(self.delivery).map_err(|_| NotThisWay)?;
                self.document.write_field(*index, value, out);
                Ok(())
            }
        }
    }

    fn url(
        &mut self,
        compiled: &Compiled,
        slot: &UrlSlot,
        out: &mut Vec<u8>,
        told: impl FnOnce(&[u8]),
    ) -> Written {
        let shared = self.document.shared();
        let link = slot.link.as_ref();
        if let Some(link) = link
            && self.delivery.unsubscribe.contains(&link.target)
        {
            if shared.settings.max_links.is_some() {
                return Err(NotThisWay); // another link is tracked in its place
            }
            out.extend_from_slice(&self.document.html[link.range.clone()]);
            return Ok(());
        }
        let sublink = link.and_then(|link| link.sublink.as_deref());
        let start = out.len();
        let most = shared.settings.max_url_length;
        if shared.urls.is_sealed() && compiled.is_plain {
            let own = Own {
                kind: slot.kind,
                link_index: link.map(|link| link.index),
                link_name: link.and_then(|link| link.coded_name.as_ref()),
                target: link.map(|link| &link.coded_target),
            };
            shared.urls.write_prepared(&self.scratch.prepared, &own, sublink, out).map_err(|_| NotThisWay)?;
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
        shared.urls.write_url(&fields, sublink, url).map_err(|_| NotThisWay)?;
        if url.len() > most {
            return Err(NotThisWay);
        }
        told(url);
        let text = std::str::from_utf8(url).map_err(|_| NotThisWay)?;
        let charset = if link.is_some() { self.document.charset } else { Charset::Unknown };
        attribute::encode(text, slot.quote, charset, out);
        Ok(())
    }

    /// A link whose destination has fields: it is judged here.
    fn link(&mut self, link: &DynamicLink, out: &mut Vec<u8>) -> Written {
        let document = self.document;
        let shared = document.shared();
        let Scratch { url, value, .. } = &mut *self.scratch;
        value.clear();
        document.write_filled(link.range.clone(), self.delivery, value).map_err(|_| NotThisWay)?;
        let decoded = attribute::decode(value, document.charset);
        let target = decoded.as_deref().map(attribute::trim);
        // A document that holds an own link may be one that was rewritten before.
        if document.has_own_host(value)
            || target.as_deref().is_some_and(|target| document.has_own_host(target.as_bytes()))
        {
            return Err(NotThisWay);
        }
        let settings = &shared.settings;
        let tracked = target.as_deref().filter(|target| {
            policy::judge(target).is_ok_and(|host| {
                !shared.hosts.iter().any(|own| *own == *host)
                    && !self.delivery.unsubscribe.iter().any(|url| url == target)
                    && !settings.skip_hosts.matches(&host)
            }) && target.len() <= settings.max_target_length
        });
        if let Some(target) = tracked {
            let fields = TokenFields {
                kind: link.kind,
                link_index: Some(link.index),
                link_name: link.name.as_deref(),
                target: Some(target),
                ..self.fields
            };
            url.clear();
            let is_made = shared.urls.write_url(&fields, link.sublink.as_deref(), url).is_ok();
            if is_made && url.len() <= settings.max_url_length {
                let text = std::str::from_utf8(url).map_err(|_| NotThisWay)?;
                attribute::encode(text, link.quote, document.charset, out);
                return Ok(());
            }
        }
        out.extend_from_slice(value);
        Ok(())
    }
}
