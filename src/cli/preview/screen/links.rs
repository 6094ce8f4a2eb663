//! The table of links.

use std::collections::HashMap;
use std::io::{self, Write};

use openclick::source::{Event, Markup, Message, StartTag};
use openclick::{EventKind, LinkReport, Status, Verdict};

use super::super::super::summary::{counted, grouped};
use super::super::super::terminal::{Screen, Tone, safe};
use super::super::look::{Document, Look};
use super::columns::{self, Cell, Fit};
use super::places::Places;
use super::{bounded, limited, words};

/// From so many columns on there is room for the line that a link stands in.
const WIDE: usize = 100;

/// Writes the table, and why links are left.
pub(super) fn write(
    out: &mut impl Write,
    screen: Screen,
    look: &Look,
    places: &Places<'_>,
    condition: &str,
    all: bool,
) -> io::Result<()> {
    let report = &look.report;
    let left = report.links_total - report.links_tracked;
    let counts = match report.links_total {
        0 if !was_read(look) => "not looked at".to_owned(),
        0 => "none".to_owned(),
        total => format!("{} of {} tracked{condition}", grouped(report.links_tracked), grouped(total)),
    };
    columns::heading(out, screen, "Links", &counts)?;
    let sources = Sources::of(look);
    let (shown, rest) = limited(&report.links, all);
    let has_lines = screen.width >= WIDE && memchr::memchr(b'\n', &look.before).is_some();
    let line = |link: &LinkReport| places.line(link.part, link.range.start).filter(|_| has_lines);
    let rows: Vec<_> = shown.iter().map(|link| row(link, &sources, line(link))).collect();
    let table = [
        ("#", Fit::Number),
        ("line", Fit::Number),
        ("verdict", Fit::Whole),
        ("name", Fit::End(6)),
        ("destination (https:// not shown)", Fit::Middle(12)),
        ("text", Fit::End(6)),
    ];
    columns::write(out, screen, &table, &rows)?;
    if rest > 0 {
        let tracked = report.links[shown.len()..].iter().filter(|link| link.is_tracked()).count();
        let more = format!(
            "… {} more, {} of them tracked: --all shows them",
            grouped(rest as u64),
            grouped(tracked as u64)
        );
        columns::paragraph(out, screen, Tone::Dim, &more)?;
    }
    let unlisted = report.links_total - report.links.len() as u64;
    if unlisted > 0 {
        let more = format!(
            "… {} more are not listed: the report holds {} (--report-links, and 8 MB of text)",
            grouped(unlisted),
            grouped(report.links.len() as u64)
        );
        columns::paragraph(out, screen, Tone::Dim, &more)?;
    }
    if shown.iter().any(is_unsubscribe) {
        columns::paragraph(out, screen, Tone::Dim, "Unsub: the click counts as an unsubscription")?;
    }
    if left > 0 {
        let reasons: Vec<_> = report
            .links_left
            .iter()
            .map(|(reason, count)| format!("{} {reason} ({})", grouped(*count), words::of_reason(*reason)))
            .collect();
        columns::paragraph(out, screen, Tone::Dim, &format!("Left: {}", reasons.join("; ")))?;
    }
    Ok(())
}

fn is_unsubscribe(link: &LinkReport) -> bool {
    matches!(link.verdict, Verdict::Tracked { kind: EventKind::LinkUnsubscribe, .. })
}

fn row(link: &LinkReport, sources: &Sources, line: Option<usize>) -> Vec<Cell> {
    let verdict = match &link.verdict {
        _ if is_unsubscribe(link) => Cell::new(Tone::Good, "tracked: unsub"),
        Verdict::Tracked { .. } => Cell::new(Tone::Good, "tracked"),
        Verdict::Left { reason } => Cell::new(Tone::Notice, format!("left: {reason}")),
        _ => Cell::plain(""),
    };
    let source = sources.of_link(link);
    let shown = source.and_then(|source| source.texts.get(&link.range.start)).unwrap_or(&link.text);
    let text = match (safe(shown), source.and_then(|source| source.images.get(&link.range.start))) {
        (text, _) if !text.is_empty() => Cell::plain(text),
        (_, Some(alt)) if alt.is_empty() => Cell::new(Tone::Dim, "[image]"),
        (_, Some(alt)) => Cell::new(Tone::Dim, format!("[image] {}", safe(alt))),
        _ => Cell::plain(""),
    };
    let text = match (words::of_place(link.place), text) {
        ("", text) => text,
        (place, Cell { text, .. }) if text.is_empty() => Cell::new(Tone::Dim, format!("[{place}]")),
        (place, Cell { text, tone }) => Cell { text: format!("{text} [{place}]"), tone },
    };
    let destination = link.target.as_deref().unwrap_or(&link.raw);
    vec![
        Cell::new(Tone::Dim, grouped(link.index.into())),
        Cell::new(Tone::Dim, line.map_or_else(String::new, |line| line.to_string())),
        verdict,
        Cell::new(Tone::Accent, safe(link.name.as_deref().unwrap_or_default())),
        // `https://http://a.example/` leads to the host `http`: shown without its scheme it would look like another.
        Cell::plain(safe(
            destination.strip_prefix("https://").filter(|rest| !rest.contains("://")).unwrap_or(destination),
        )),
        text,
    ]
}

/// Whether a rewrite looked for links: not in what it passed through as a whole.
pub(super) fn was_read(look: &Look) -> bool {
    let passed = matches!(look.report.status, Status::Signed | Status::AlreadyRewritten | Status::Charset);
    !passed && (!look.is_message || look.report.parts.iter().any(|part| part.reason.is_none()))
}

/// What the report does not say of links: images, and texts in ISO-2022-JP.
struct Sources {
    documents: HashMap<Option<u32>, Source>,
}

struct Source {
    /// The alternative texts of the images in links without text, by where the link's value begins.
    images: HashMap<u64, String>,
    /// Of ISO-2022-JP, which the report's texts do not show.
    texts: HashMap<u64, String>,
}

impl Sources {
    fn of(look: &Look) -> Sources {
        let message = look.is_message.then(|| Message::parse(&look.before));
        let documents = look.documents.iter().map(|document| {
            let part = document.part.filter(|_| document.charset == "ISO-2022-JP");
            let hidden =
                message.as_ref().zip(part).and_then(|(message, part)| message.part(part as usize).decoded());
            (document.part, Source::of(document, hidden.as_deref()))
        });
        Sources { documents: documents.collect() }
    }

    fn of_link(&self, link: &LinkReport) -> Option<&Source> {
        self.documents.get(&link.part)
    }
}

impl Source {
    /// Reads a document. `hidden` has its bytes as they are, where it hides those that are no ASCII.
    fn of(document: &Document, hidden: Option<&[u8]>) -> Source {
        let mut source = Source { images: HashMap::new(), texts: HashMap::new() };
        if !document.is_html {
            return source;
        }
        let hidden = hidden.map(|bytes| Markup::new(bytes, Some(&document.charset)));
        let mut link: Option<usize> = None;
        Markup::new(&document.before, Some(document.label())).events(|event| match event {
            Event::StartTag(tag) if tag.is("a") || tag.is("area") => {
                let value = tag.attributes().find(|attribute| attribute.is("href"));
                link = value.map(|value| value.value_range().start);
                // An area is itself what is shown.
                if let Some(at) = link.take_if(|_| tag.is("area")) {
                    source.images.insert(at as u64, alternative(&tag, hidden));
                }
            }
            Event::EndTag(tag) if tag.is("a") => link = None,
            Event::StartTag(tag) if tag.is("img") => {
                if let Some(at) = link {
                    source.images.entry(at as u64).or_insert_with(|| alternative(&tag, hidden));
                }
            }
            Event::Text { range, .. } => {
                if let (Some(at), Some(hidden)) = (link, hidden) {
                    // Markup stands in ASCII, so each text begins and ends there.
                    let text = hidden.decode(range);
                    source.texts.entry(at as u64).or_default().push_str(&text);
                }
            }
            _ => {}
        });
        source.texts.values_mut().for_each(|text| *text = folded(text));
        source
    }
}

fn alternative(tag: &StartTag<'_>, hidden: Option<Markup<'_>>) -> String {
    let alt = tag.attributes().find(|attribute| attribute.is("alt"));
    let text = match hidden {
        Some(hidden) => alt.map(|alt| hidden.decode(alt.value_range())),
        None => alt.and_then(|alt| alt.value()),
    };
    folded(&text.unwrap_or_default())
}

/// White space folded, and no more than the report keeps of a text.
fn folded(text: &str) -> String {
    /// In characters.
    const MOST: usize = 200;

    let words: Vec<_> = text.split_whitespace().take(MOST).collect();
    words.join(" ").chars().take(MOST).collect()
}

/// The attributes that are taken out, by name.
pub(super) fn removed(look: &Look) -> String {
    let mut names: Vec<(String, u64)> = Vec::new();
    for removed in &look.report.removed {
        match names.iter().position(|(known, _)| known.eq_ignore_ascii_case(&removed.name)) {
            Some(known) => names[known].1 += 1,
            // Few names are tracking attributes, but a dialect's may begin as it likes.
            None if names.len() < 20 => names.push((removed.name.to_ascii_lowercase(), 1)),
            None => {}
        }
    }
    let names: Vec<_> = names
        .iter()
        .map(|(name, count)| match count {
            1 => bounded(name),
            _ => format!("{} × {}", grouped(*count), bounded(name)),
        })
        .collect();
    format!("{} removed: {}", counted(look.report.removed_total, "attribute"), names.join(", "))
}
