//! What the page is made of: the text of each document once, what a rewrite changes in it, and how it is shown, as edits.

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use openclick::source::Message;
use openclick::{Change, LinkPlace, LinkReport, PartReport, PixelReport, Reason, Report, Status, Verdict};
use serde::Serialize;
use serde::{Serializer, ser::SerializeTuple};
use sha2::{Digest, Sha256};

use super::super::super::lint::Finding;
use super::super::json::CLIP;
use super::super::look::{Document, Look};
use super::inline::Inline;
use super::remote::{self, Edit};
use super::splice::{Places, Splice, Tagged, splices};
use super::utf16::Utf16;

/// Documents of one mail that are shown.
const MOST_DOCUMENTS: usize = 50;

/// What the page says of the mail beside what stands in it.
pub(super) struct About<'a> {
    /// Its file, if it has one.
    pub(super) file: Option<&'a str>,
    pub(super) tracking_domain: &'a str,
    pub(super) is_trial: bool,
    pub(super) load_remote: bool,
    /// A server gives it: the version of the data.
    pub(super) version: Option<u64>,
    /// Why the mail is not the file as it is now.
    pub(super) trouble: Option<&'a str>,
    /// There is no mail yet.
    pub(super) is_empty: bool,
}

/// The page's data. Offsets are in UTF-16, as scripts count.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    file: Option<&'a str>,
    pub(super) subject: Option<String>,
    domain: &'a str,
    trial: bool,
    live: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'a str>,
    empty: bool,
    status: Status,
    limit: Option<u64>,
    bytes: [u64; 2],
    clip: u64,
    charset: &'a str,
    /// The name of the attribute that marks links in the frames. No mail can hold it: it is made of the mail's hash.
    mark: String,
    counts: Counts<'a>,
    removed: u64,
    changes: Vec<String>,
    pixels: &'a [PixelReport],
    parts: &'a [PartReport],
    findings: &'a [Finding],
    unshown: usize,
    documents: Vec<Shown<'a>>,
    links: Vec<Row<'a>>,
    pictures: Vec<String>,
}

#[derive(Serialize)]
struct Counts<'a> {
    total: u64,
    tracked: u64,
    left: &'a BTreeMap<Reason, u64>,
}

#[derive(Serialize)]
struct Shown<'a> {
    path: &'a str,
    html: bool,
    charset: &'a str,
    /// Bytes before and after.
    before: usize,
    after: usize,
    text: &'a str,
    /// What a rewrite changes.
    edits: Vec<Changed>,
    /// What is shown instead.
    shown: Vec<Instead>,
}

struct Changed {
    at: usize,
    length: usize,
    splice: Splice,
}

struct Instead {
    at: usize,
    length: usize,
    edit: Edit,
}

/// A link. What stands in the documents, destination and tracking URL, is not told a second time.
struct Row<'a> {
    link: &'a LinkReport,
    document: Option<usize>,
    at: Option<(usize, usize)>,
    target: Option<&'a str>,
    url: Option<&'a str>,
}

impl Serialize for Changed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(if self.splice.has_pixel { 4 } else { 3 })?;
        tuple.serialize_element(&self.at)?;
        tuple.serialize_element(&self.length)?;
        tuple.serialize_element(&self.splice.text)?;
        if self.splice.has_pixel {
            tuple.serialize_element(&1)?;
        }
        tuple.end()
    }
}

impl Serialize for Instead {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.at, self.length, &self.edit.shown).serialize(serializer)
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let link = self.link;
        let mut tuple = serializer.serialize_tuple(11)?;
        match &link.verdict {
            Verdict::Tracked { kind, .. } => {
                tuple.serialize_element(&1)?;
                tuple.serialize_element(&link.index)?;
                tuple.serialize_element(&self.document)?;
                tuple.serialize_element(kind)?;
            }
            Verdict::Left { reason } => {
                tuple.serialize_element(&0)?;
                tuple.serialize_element(&link.index)?;
                tuple.serialize_element(&self.document)?;
                tuple.serialize_element(reason)?;
            }
            _ => {
                tuple.serialize_element(&0)?;
                tuple.serialize_element(&link.index)?;
                tuple.serialize_element(&self.document)?;
                tuple.serialize_element("")?;
            }
        }
        tuple.serialize_element(&link.place)?;
        let (at, length) = self.at.map_or((-1, 0), |(at, length)| (at as i64, length));
        tuple.serialize_element(&at)?;
        tuple.serialize_element(&length)?;
        tuple.serialize_element(&link.text)?;
        tuple.serialize_element(&link.name)?;
        tuple.serialize_element(&self.target)?;
        tuple.serialize_element(&self.url)?;
        tuple.end()
    }
}

/// Gathers the data of a mail.
pub(super) fn data<'a>(look: &'a Look, findings: &'a [Finding], about: &About<'a>) -> Data<'a> {
    let report = &look.report;
    let message = look.is_message.then(|| Message::parse(&look.before));
    let mut inline = message.as_ref().map_or_else(Inline::none, Inline::of);
    let mut rows = Vec::with_capacity(report.links.len());
    let mut documents = Vec::new();
    let mut links = report.links.iter().peekable();
    for document in look.documents.iter().take(MOST_DOCUMENTS) {
        // Links of parts that are not shown come between.
        while let Some(link) = links.next_if(|link| link.part < document.part) {
            rows.push(Row::unplaced(link));
        }
        let mut own = Vec::new();
        while let Some(link) = links.next_if(|link| link.part == document.part) {
            own.push(link);
        }
        documents.push(shown(
            report,
            document,
            documents.len(),
            &own,
            &mut rows,
            about.load_remote.then_some(about.tracking_domain),
            &mut inline,
        ));
    }
    rows.extend(links.map(Row::unplaced));
    Data {
        file: about.file,
        subject: message.as_ref().and_then(|message| subject(message, look)),
        domain: about.tracking_domain,
        trial: about.is_trial,
        live: about.version,
        trouble: about.trouble,
        empty: about.is_empty,
        status: report.status,
        limit: report.limit,
        bytes: [report.bytes_in, report.bytes_out],
        clip: CLIP,
        charset: &report.charset,
        mark: mark(&look.before),
        counts: Counts { total: report.links_total, tracked: report.links_tracked, left: &report.links_left },
        removed: report.removed_total,
        changes: changes(report),
        pixels: &report.pixels,
        parts: &report.parts,
        findings,
        unshown: look.documents.len().saturating_sub(MOST_DOCUMENTS),
        documents,
        links: rows,
        pictures: inline.pictures,
    }
}

/// The subject as people read it. Bytes that are neither ASCII nor UTF-8 are against the rules, and mostly in the charset of the
/// body.
fn subject(message: &Message<'_>, look: &Look) -> Option<String> {
    let field = message.field("subject")?;
    let charset =
        look.documents.first().and_then(|document| Encoding::for_label(document.charset.as_bytes()));
    match charset.filter(|_| std::str::from_utf8(&field.value).is_err()) {
        Some(charset) => Some(charset.decode_without_bom_handling(&field.value).0.into_owned()),
        None => Some(field.text()),
    }
}

fn mark(mail: &[u8]) -> String {
    let hash = Sha256::digest(mail);
    let hash: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("data-oc-{hash}")
}

fn changes(report: &Report) -> Vec<String> {
    let mut placeholders = 0;
    let mut texts = Vec::new();
    for change in &report.changes {
        match change {
            Change::PlaceholderRemoved { .. } => placeholders += 1,
            Change::FieldInserted { name, value } => texts.push(format!("{name}: {value} is put in")),
            Change::FieldUpdated { name, from, to } => texts.push(format!("{name}: {from} becomes {to}")),
            Change::FieldRemoved { name } => texts.push(format!("{name} is taken out")),
            Change::SchemeRestored { .. } => texts.push("https+notrack: becomes https:".to_owned()),
            _ => {}
        }
    }
    if placeholders > 0 {
        texts.push(format!("pixel placeholders are taken out: {placeholders}"));
    }
    let more = texts.len().saturating_sub(20);
    texts.truncate(20);
    if more > 0 {
        texts.push(format!("and {more} more changes of these kinds"));
    }
    texts
}

fn shown<'a>(
    report: &'a Report,
    document: &'a Document,
    index: usize,
    links: &[&'a LinkReport],
    rows: &mut Vec<Row<'a>>,
    remote: Option<&str>,
    inline: &mut Inline<'_>,
) -> Shown<'a> {
    let text = Tagged::read(document.before_text(), document.is_html);
    let places = Places::of(document, &text);
    let changed = splices(report, document);
    let units = Utf16::of(text.text);
    let is_same = document.before == document.before_text().as_bytes();
    let mut marks = Vec::new();
    for link in links {
        let start = usize::try_from(link.range.start).unwrap_or(usize::MAX);
        let tag = places.as_ref().and_then(|places| places.tag_at(start)).filter(|_| document.is_html);
        if let Some(tag) = tag.filter(|_| link.place != LinkPlace::Outlook) {
            marks.push((tag, rows.len()));
        }
        let range = match tag {
            _ if is_same => {
                let end = usize::try_from(link.range.end).unwrap_or(usize::MAX);
                text.text.get(start..end).is_some().then_some(start..end)
            }
            Some(tag) => {
                let is_link =
                    |name: &str| name.eq_ignore_ascii_case("href") || name.eq_ignore_ascii_case("xlink:href");
                let mut attributes = text.tags[tag].attributes();
                attributes
                    .find(|attribute| is_link(&attribute.name()))
                    .map(|attribute| attribute.value_range())
            }
            None => None,
        };
        let target = link
            .target
            .as_deref()
            .filter(|target| range.clone().is_none_or(|range| plain(&text.text[range]) != *target));
        let url = match &link.verdict {
            Verdict::Tracked { url, .. } => Some(url.as_str()),
            _ => None,
        };
        let url = url.filter(|url| {
            let splice = range.clone().and_then(|range| {
                let at = changed.binary_search_by_key(&range.start, |splice| splice.range.start).ok()?;
                Some(&changed[at])
            });
            !splice.is_some_and(|splice| Some(&splice.range) == range.as_ref() && plain(&splice.text) == *url)
        });
        let at = range.map(|range| (units.at(range.start), units.at(range.end) - units.at(range.start)));
        rows.push(Row { link, document: Some(index), at, target, url });
    }
    let shown = match document.is_html {
        true => remote::edits(text.text, &text.tags, &marks, remote, inline),
        false => Vec::new(),
    };
    let place = |range: &std::ops::Range<usize>| {
        let at = units.at(range.start);
        (at, units.at(range.end) - at)
    };
    Shown {
        path: &document.path,
        html: document.is_html,
        charset: &document.charset,
        before: document.before.len(),
        after: document.after.len(),
        text: text.text,
        edits: changed
            .into_iter()
            .map(|splice| {
                let (at, length) = place(&splice.range);
                Changed { at, length, splice }
            })
            .collect(),
        shown: shown
            .into_iter()
            .map(|edit| {
                let (at, length) = place(&edit.range);
                Instead { at, length, edit }
            })
            .collect(),
    }
}

/// A value as the page's script reads it.
fn plain(value: &str) -> String {
    value.replace("&amp;", "&").trim().to_owned()
}

impl<'a> Row<'a> {
    fn unplaced(link: &'a LinkReport) -> Row<'a> {
        let url = match &link.verdict {
            Verdict::Tracked { url, .. } => Some(url.as_str()),
            _ => None,
        };
        Row { link, document: None, at: None, target: link.target.as_deref().or(Some(&link.raw)), url }
    }
}
