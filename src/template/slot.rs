//! Writing what differs from recipient to recipient: URLs, and the values of merge fields.

use std::cell::RefCell;

use super::compile::{Compiled, DynamicLink, Slot, UrlSlot};
use super::document::Document;
use crate::charset::Charset;
use crate::html::attribute;
use crate::merge::Sample;
use crate::options::Delivery;
use crate::policy;
use crate::rewriter::Shared;
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

pub(super) type Written = Result<(), NotThisWay>;

/// The URLs of one delivery.
pub(super) struct UrlTexts<'a> {
    shared: &'a Shared,
    delivery: &'a Delivery,
    fields: TokenFields<'a>,
    /// They need no escaping in any attribute.
    is_plain: bool,
    scratch: &'a mut Scratch,
}

impl<'a> UrlTexts<'a> {
    pub(super) fn shared(&self) -> &'a Shared {
        self.shared
    }

    pub(super) fn delivery(&self) -> &'a Delivery {
        self.delivery
    }
}

impl UrlTexts<'_> {
    pub(super) fn with(
        shared: &Shared,
        delivery: &Delivery,
        fields: TokenFields<'_>,
        is_plain: bool,
        work: impl FnOnce(&mut UrlTexts<'_>) -> Written,
    ) -> Written {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.prepared.set(&fields).map_err(|_| NotThisWay)?;
            work(&mut UrlTexts { shared, fields, delivery, is_plain, scratch })
        })
    }
}

/// Writes the URL of a slot as it stands in the document. Whether it does: a link that the delivery names stays as it is.
/// `told` hears of the URL.
pub(super) fn write_url(
    texts: &mut UrlTexts<'_>,
    slot: &UrlSlot,
    charset: Charset,
    out: &mut Vec<u8>,
    told: impl FnOnce(&[u8]),
) -> Result<bool, NotThisWay> {
    let shared = texts.shared;
    let link = slot.link.as_ref();
    if let Some(link) = link
        && texts.delivery.unsubscribe.contains(&link.target)
    {
        // Under a cap another link is tracked in its place.
        return if shared.settings.max_links.is_some() { Err(NotThisWay) } else { Ok(false) };
    }
    let sublink = link.and_then(|link| link.sublink.as_deref());
    let start = out.len();
    let most = shared.settings.max_url_length;
    if shared.urls.is_sealed() && texts.is_plain {
        let own = Own {
            kind: slot.kind,
            link_index: link.map(|link| link.index),
            link_name: link.and_then(|link| link.coded_name.as_ref()),
            target: link.map(|link| &link.coded_target),
        };
        shared.urls.write_prepared(&texts.scratch.prepared, &own, sublink, out).map_err(|_| NotThisWay)?;
        told(&out[start..]);
        return if out.len() - start <= most { Ok(true) } else { Err(NotThisWay) };
    }
    let fields = TokenFields {
        kind: slot.kind,
        link_index: link.map(|link| link.index),
        link_name: link.and_then(|link| link.name.as_deref()),
        target: link.map(|link| link.target.as_str()),
        ..texts.fields
    };
    let url = &mut texts.scratch.url;
    url.clear();
    shared.urls.write_url(&fields, sublink, url).map_err(|_| NotThisWay)?;
    if url.len() > most {
        return Err(NotThisWay);
    }
    told(url);
    let text = std::str::from_utf8(url).map_err(|_| NotThisWay)?;
    let charset = if link.is_some() { charset } else { Charset::Unknown };
    attribute::encode(text, slot.quote, charset, out);
    Ok(true)
}

/// Writes a link whose destination has fields, as it stands in the document; it is judged here. Whether it is tracked: else its
/// value stays.
pub(super) fn write_link(
    texts: &mut UrlTexts<'_>,
    sample: &Sample,
    link: &DynamicLink,
    out: &mut Vec<u8>,
) -> Result<bool, NotThisWay> {
    let UrlTexts { shared, delivery, fields, scratch, .. } = texts;
    let Scratch { url, value, .. } = &mut **scratch;
    value.clear();
    sample.write_filled(link.range.clone(), delivery, value).map_err(|_| NotThisWay)?;
    let charset = sample.reading.charset;
    let decoded = attribute::decode(value, charset);
    let target = decoded.as_deref().map(attribute::trim);
    // A document that holds an own link may be one that was rewritten before.
    if shared.has_own_host(value)
        || target
            .as_deref()
            .is_some_and(|target| shared.has_own_host(target.as_bytes()) || shared.urls.is_own(target))
    {
        return Err(NotThisWay);
    }
    let settings = &shared.settings;
    let tracked = target.as_deref().filter(|target| {
        policy::judge(target).is_ok_and(|host| {
            !delivery.unsubscribe.iter().any(|url| url == target) && !settings.skip_hosts.matches(&host)
        }) && target.len() <= settings.max_target_length
    });
    let Some(target) = tracked else { return Ok(false) };
    let fields = TokenFields {
        kind: link.kind,
        link_index: Some(link.index),
        link_name: link.name.as_deref(),
        target: Some(target),
        ..*fields
    };
    url.clear();
    let is_made = shared.urls.write_url(&fields, link.sublink.as_deref(), url).is_ok();
    if !is_made || url.len() > settings.max_url_length {
        return Ok(false);
    }
    let text = std::str::from_utf8(url).map_err(|_| NotThisWay)?;
    attribute::encode(text, link.quote, charset, out);
    Ok(true)
}

/// Writes the slots of a document for one delivery.
pub(super) struct SlotWriter<'d, 't, 's> {
    sample: &'d Sample,
    texts: &'t mut UrlTexts<'s>,
}

pub(super) fn with_writer(
    document: &Document,
    compiled: &Compiled,
    delivery: &Delivery,
    work: impl FnOnce(&mut SlotWriter<'_, '_, '_>) -> Written,
) -> Written {
    let extensions = delivery.token_extensions();
    let shared = document.shared();
    let fields = delivery.token_fields(shared.settings.customer_id, &extensions);
    UrlTexts::with(shared, delivery, fields, compiled.is_plain, |texts| {
        work(&mut SlotWriter { sample: &document.sample, texts })
    })
}

impl SlotWriter<'_, '_, '_> {
    /// `told` hears of a URL.
    pub(super) fn write(&mut self, slot: &Slot, out: &mut Vec<u8>, told: impl FnOnce(&[u8])) -> Written {
        let sample = self.sample;
        match slot {
            Slot::Url(slot) => {
                if !write_url(self.texts, slot, sample.reading.charset, out, told)?
                    && let Some(link) = &slot.link
                {
                    out.extend_from_slice(&sample.html[link.range.clone()]);
                }
            }
            Slot::Link(link) => {
                if !write_link(self.texts, sample, link, out)? {
                    out.extend_from_slice(&self.texts.scratch.value);
                }
            }
            Slot::Field(index) => {
                let value = sample.fields[*index].value(self.texts.delivery).map_err(|_| NotThisWay)?;
                sample.write_field(*index, value, out);
            }
        }
        Ok(())
    }
}
