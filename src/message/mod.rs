//! Whole messages: which parts are rewritten, what the header says of the delivery, and the output put
//! together.

mod fill;
mod header;
pub(crate) mod part;
mod part_fields;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::api_header;
use crate::charset::Charset;
use crate::edit::Edit;
use crate::error::Result;
use crate::fields::HeaderFields;
use crate::mime::charset::Text;
use crate::mime::transfer::{self, Around, Transfer};
use crate::mime::{self, Encoding, Kind, Structure, Untouched};
use crate::options::{Consent, Delivery, OnSigned};
use crate::plan::{Planner, Record};
use crate::report::{NoPlace, PartReason, PartReport, PixelReport, Report, Status};
use crate::restore;
use crate::rewriter::{Restored, Rewritten, Shared, Unopened, check};
use crate::token::EventKind;

pub(crate) use self::fill::MessageFields;
pub(crate) use self::header::{is_signed, settle};
use self::part::PartWork;
pub(crate) use self::part::{PGP_ARMOUR, around, has_pgp_armour};
pub(crate) use self::part_fields::PartFields;

/// How many parts a report keeps.
const MOST_PARTS: usize = 1000;

/// A stretch of the message, and what stands there in the output.
struct Replaced {
    range: Range<usize>,
    bytes: Vec<u8>,
}

/// See [`Rewriter::rewrite_message`](crate::Rewriter::rewrite_message).
pub(crate) fn rewrite(shared: &Arc<Shared>, message: &[u8], delivery: &Delivery) -> Result<Rewritten> {
    let structure = mime::scan(message);
    let mut parts = part_reports(&structure, None);
    let root = &structure.parts[0];
    if let Err(Untouched::HeaderTooLong) = root.verdict {
        return Ok(unchanged(message, Status::Unchanged, parts));
    }
    let fields = header_fields(message, root.header.clone());
    let on_signed = shared.settings.on_signed;
    if on_signed == OnSigned::Refuse && is_signed(&fields) {
        return Ok(unchanged(message, Status::Signed, part_reports(&structure, Some(PartReason::Signed))));
    }
    let (shared, delivery, said) = settle(shared, &fields, delivery)?;
    check(&delivery)?;

    let mut planner = Planner::new(shared.clone(), delivery.clone(), Charset::Unknown, true)?;
    let mut replaced = Vec::new();
    let mut shown = Shown::new(&structure);
    let mut has_place = false;
    for (index, part) in structure.parts.iter().enumerate() {
        let is_text = shared.settings.text_links && part::is_text(part);
        if part.kind != Kind::Leaf || part.verdict.is_err() && !is_text {
            continue;
        }
        let pixels = !is_text && shown.is_first(index);
        let work = PartWork { message, structure: &structure, part: index, pixels, is_text, shared: &shared };
        let report = parts.get_mut(index);
        match work.rewrite(&mut planner) {
            Ok((body, charset)) => {
                if pixels {
                    has_place = true;
                    shown.add(index);
                }
                if let Some(report) = report {
                    report.reason = None;
                    report.charset = Some(charset.to_owned());
                    report.rewritten = body.is_some();
                }
                replaced.extend(body.map(|bytes| Replaced { range: part.body.clone(), bytes }));
            }
            Err(reason) => {
                if let Some(report) = report {
                    report.reason = Some(reason);
                }
            }
        }
        if planner.already_rewritten() {
            return Ok(unchanged(message, Status::AlreadyRewritten, part_reports(&structure, None)));
        }
    }

    let mut changes = Vec::new();
    let (grown, more_lines) = growth(message, &replaced);
    let made = said.made_id.as_deref().filter(|_| planner.made_tokens());
    let api = &shared.traffic.strip_api_headers;
    // A signature may cover an API header as well as the body.
    let is_broken =
        || !replaced.is_empty() || fields.iter().any(|(name, _)| api_header::is_stripped(name, api));
    let strip = on_signed == OnSigned::Strip && is_broken();
    let work = header::HeaderWork { message, root, grown, more_lines, made, strip, api };
    work.edit(&mut replaced, &mut changes);
    replaced.sort_by_key(|stretch| stretch.range.start);
    let bytes = put_together(message, &replaced);
    let mut report = planner.finish(message.len() as u64, bytes.len() as u64);
    if !has_place {
        // No part that was read takes pixels.
        let on = |on: bool, kind| {
            let is_on = on && delivery.consent.contains(Consent::OPENS);
            PixelReport::absent(kind, if is_on { NoPlace::PassedThrough } else { NoPlace::Off })
        };
        let settings = &shared.settings;
        report.pixels = vec![
            on(settings.initial_open, EventKind::InitialOpen),
            on(settings.open_tracking, EventKind::Open),
        ];
    }
    report.status = if replaced.is_empty() { Status::Unchanged } else { Status::Rewritten };
    report.charset = String::new();
    report.changes_total += changes.len() as u64;
    report.changes.extend(changes);
    report.message_id = said.message_id;
    report.recipient_unknown = said.recipient_unknown;
    report.settings = Some(said.settings);
    report.parts = parts;
    Ok(Rewritten { bytes, report })
}

/// A part of a message that is a template: its edits, not yet made.
pub(crate) struct PlannedPart<'m> {
    pub(crate) part: usize,
    pub(crate) charset: Charset,
    pub(crate) decoded: transfer::Decoded<'m>,
    /// In the decoded part.
    pub(crate) edits: Vec<Edit>,
    /// Where lines may be broken.
    pub(crate) breaks: Vec<usize>,
    pub(crate) record: Record,
}

/// Plans all parts as [`rewrite`] does; none if a part cannot be planned for every delivery: what is transcoded, and own URLs,
/// which are compared with those of each.
pub(crate) fn plan<'m>(
    shared: &'m Arc<Shared>,
    message: &'m [u8],
    structure: &'m Structure,
    planner: &mut Planner,
) -> Option<Vec<PlannedPart<'m>>> {
    let mut shown = Shown::new(structure);
    let mut planned = Vec::new();
    for (index, part) in structure.parts.iter().enumerate() {
        if part.kind != Kind::Leaf || part.verdict.is_err() {
            continue;
        }
        let pixels = shown.is_first(index);
        let work = PartWork { message, structure, part: index, pixels, is_text: false, shared };
        planner.record();
        let Ok(found) = work.plan(planner) else { continue };
        let record = planner.take_record();
        // Own URLs, or such in another spelling.
        if !found.is_same
            || shared.has_own_host(&found.decoded.bytes)
            || record.links.iter().any(|link| shared.urls.is_own(&link.target))
        {
            return None;
        }
        if pixels {
            shown.add(index);
        }
        let breaks = match found.transfer {
            Transfer::Identity => found.plan.breaks(&message[part.body.clone()]),
            _ => Vec::new(),
        };
        planned.push(PlannedPart {
            part: index,
            charset: found.charset,
            decoded: found.decoded,
            edits: found.edits,
            breaks,
            record,
        });
    }
    Some(planned)
}

/// See [`Rewriter::restore_message`](crate::Rewriter::restore_message).
pub(crate) fn restore(shared: &Shared, message: &[u8]) -> Result<Restored> {
    restore::can_restore(shared)?;
    let structure = mime::scan(message);
    let mut replaced = Vec::new();
    let mut restored = Restored::default();
    for (index, part) in structure.parts.iter().enumerate() {
        let number = u32::try_from(index).ok();
        let is_text = part::is_text(part);
        if part.kind != Kind::Leaf || part.verdict.is_err() && !is_text {
            continue;
        }
        let body = &message[part.body.clone()];
        let Some(decoded) = part::encoding(part.encoding).and_then(|name| transfer::decode(body, name).ok())
        else {
            continue;
        };
        let Some(text) = Text::of(&decoded.bytes, part::label(part)) else { continue };
        let mut own = match &text.bytes {
            text_bytes if is_text => {
                restore::find_in_text(shared, text_bytes, text.charset, part::layout(part))
            }
            Cow::Borrowed(html) if part.charset.is_none() => restore::find_sniffed(shared, html, None),
            html => restore::find(shared, html, text.charset, text.mark),
        };
        // Also of a part that stays as it is.
        restored.unopened.extend(own.unopened_in(number));
        restored.limit = restored.limit.or(own.limit);
        own.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        // Where each link and pixel stands in the decoded part.
        let places: Vec<u64> = own.edits.iter().map(|edit| edit.range.start as u64).collect();
        let edits = text.back(std::mem::take(&mut own.edits));
        let is_delimiter = |line: &[u8]| structure.is_delimiter(index, line);
        let around = Around { restoring: true, ..around(message, part, &is_delimiter) };
        let mut bytes = Vec::new();
        let is_made = edits.as_ref().is_some_and(|edits| {
            !edits.is_empty() && transfer::apply(body, &decoded, edits, &around, &mut bytes).is_ok()
        });
        if is_made {
            restored.links += own.links;
            restored.pixels += own.pixels;
            replaced.push(Replaced { range: part.body.clone(), bytes });
        } else {
            // A line would be a delimiter. Which edit makes it so is not told: none of the part is made.
            restored.unopened.extend(places.into_iter().map(|offset| Unopened { part: number, offset }));
        }
    }
    let (grown, more_lines) = growth(message, &replaced);
    let root = &structure.parts[0];
    if root.header.len() <= mime::MAX_HEADER {
        let work =
            header::HeaderWork { message, root, grown, more_lines, made: None, strip: false, api: &[] };
        work.edit(&mut replaced, &mut Vec::new());
        replaced.sort_by_key(|stretch| stretch.range.start);
    }
    restored.unopened.sort_by_key(|link| (link.part, link.offset));
    restored.bytes = put_together(message, &replaced);
    Ok(restored)
}

/// By how many bytes and lines the message grows.
fn growth(message: &[u8], replaced: &[Replaced]) -> (isize, isize) {
    let lines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count() as isize;
    let grown = |part: &Replaced| part.bytes.len() as isize - part.range.len() as isize;
    let more = |part: &Replaced| lines(&part.bytes) - lines(&message[part.range.clone()]);
    (replaced.iter().map(grown).sum(), replaced.iter().map(more).sum())
}

/// The message with its stretches replaced, which are in order.
fn put_together(message: &[u8], replaced: &[Replaced]) -> Vec<u8> {
    let more: usize = replaced.iter().map(|part| part.bytes.len()).sum();
    let less: usize = replaced.iter().map(|part| part.range.len()).sum();
    let mut out = Vec::with_capacity(message.len() + more - less);
    let mut at = 0;
    for stretch in replaced {
        out.extend_from_slice(&message[at..stretch.range.start]);
        out.extend_from_slice(&stretch.bytes);
        at = stretch.range.end;
    }
    out.extend_from_slice(&message[at..]);
    out
}

fn unchanged(message: &[u8], status: Status, parts: Vec<PartReport>) -> Rewritten {
    let length = message.len() as u64;
    let report = Report { status, bytes_in: length, bytes_out: length, parts, ..Report::default() };
    Rewritten { bytes: message.to_vec(), report }
}

pub(crate) fn header_fields(message: &[u8], header: Range<usize>) -> HeaderFields<'_> {
    mime::fields(message, header)
        .map(|field| (&message[field.name], mime::unfold(&message[field.value])))
        .collect()
}

/// The parts as they pass through. `unread`: why those that could be read are not.
fn part_reports(structure: &Structure, unread: Option<PartReason>) -> Vec<PartReport> {
    let parts = structure.parts.iter().enumerate().take(MOST_PARTS);
    let report = |(index, part): (usize, &mime::Part)| PartReport {
        path: structure.path(index),
        media_type: part.media_type.clone(),
        charset: None,
        encoding: name(part.encoding).to_owned(),
        rewritten: false,
        reason: match part.verdict {
            Err(why) => Some(reason(why)),
            Ok(()) if part.kind == Kind::Multipart => Some(PartReason::Multipart),
            Ok(()) => unread,
        },
    };
    parts.map(report).collect()
}

pub(crate) fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::SevenBit => "7bit",
        Encoding::EightBit => "8bit",
        Encoding::Binary => "binary",
        Encoding::QuotedPrintable => "quoted-printable",
        Encoding::Base64 => "base64",
        Encoding::Unknown => "unknown",
    }
}

pub(crate) fn reason(why: Untouched) -> PartReason {
    match why {
        Untouched::Parts => PartReason::Parts,
        Untouched::HeaderTooLong => PartReason::HeaderTooLong,
        Untouched::NoBody => PartReason::NoBody,
        Untouched::Ambiguous => PartReason::Ambiguous,
        Untouched::Signed => PartReason::Signed,
        Untouched::Encrypted | Untouched::Pkcs7 => PartReason::Encrypted,
        Untouched::Report => PartReason::Report,
        Untouched::Message => PartReason::Message,
        Untouched::Boundary => PartReason::Boundary,
        Untouched::Depth => PartReason::Depth,
        Untouched::Encoding => PartReason::Encoding,
        Untouched::Attachment => PartReason::Attachment,
        Untouched::RelatedNonRoot => PartReason::RelatedNonRoot,
        Untouched::Amp => PartReason::Amp,
        Untouched::NotHtml => PartReason::NotHtml,
    }
}

/// Which parts have the pixels. Several leaves are shown one after the other, alternatives one instead of the other.
struct Shown<'a> {
    structure: &'a Structure,
    /// For each part, how many with pixels it holds or is.
    pixels: Vec<u32>,
}

impl Shown<'_> {
    fn new(structure: &Structure) -> Shown<'_> {
        Shown { structure, pixels: vec![0; structure.parts.len()] }
    }

    /// Whether no part that has pixels is shown beside this one: the innermost multipart that holds both is a
    /// multipart/alternative.
    fn is_first(&self, part: usize) -> bool {
        with_parents(self.structure, part).all(|at| {
            let Some(parent) = self.structure.parts[at].parent else { return true };
            let others = self.pixels[parent] - self.pixels[at];
            others == 0 || self.structure.parts[parent].media_type == "multipart/alternative"
        })
    }

    fn add(&mut self, part: usize) {
        for at in with_parents(self.structure, part) {
            self.pixels[at] += 1;
        }
    }
}

/// A part and those that hold it, the outermost last.
fn with_parents(structure: &Structure, part: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(part), |&at| structure.parts[at].parent)
}
