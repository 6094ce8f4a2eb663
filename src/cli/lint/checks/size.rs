//! How long the HTML is as it goes out, and what of.

use openclick::Verdict;

use super::super::collector::Collector;
use super::super::finding::Severity;
use super::super::rule;
use super::{Page, unsubscribe};
use crate::cli::summary::grouped;

/// Gmail clips what is longer, in bytes.
pub(in super::super) const CLIP: usize = 102_400;

/// From here on, in percent of it, one should know what the bytes are.
const NEAR: usize = 80;

pub(super) fn check(page: &Page<'_>, findings: &mut Collector<'_>) {
    let after = page.document.after.len();
    if after > CLIP {
        let at = clipped_at(page);
        let link = page.facts.links.iter().find(|link| unsubscribe::is_one(page, link));
        let more = match link {
            Some(link) if link.tag.start >= at => ", and the link to unsubscribe is behind it",
            _ => "",
        };
        let before = page.document.before.len();
        let message = format!(
            "Gmail clips this HTML here: {} bytes with tracking ({} without), {} are shown{more}",
            grouped(after as u64),
            grouped(before as u64),
            grouped(CLIP as u64),
        );
        findings.add(&rule::CLIPPED, page.place(&(at..at)), message);
    }
    if after * 100 > CLIP * NEAR {
        let shares: Vec<_> = shares(page)
            .into_iter()
            .filter(|(_, bytes)| *bytes * 100 >= after)
            .map(|(what, bytes)| format!("{what} {} ({} %)", grouped(bytes as u64), bytes * 100 / after))
            .collect();
        let message = format!(
            "{} bytes with tracking, of {}: {}",
            grouped(after as u64),
            grouped(CLIP as u64),
            shares.join(", ")
        );
        findings.find(&rule::NEAR_CLIP, Severity::Note, page.place(&(0..0)), None, message);
    }
    for image in page.facts.images.iter().filter(|image| starts_with(&image.source, "data:")) {
        let message = format!("an image of {} bytes is inlined as a data: URL", grouped(image.length as u64));
        findings.add(&rule::DATA_IMAGE, page.place(&image.range), message);
    }
}

/// What the bytes of the output are, largest first.
fn shares(page: &Page<'_>) -> Vec<(&'static str, usize)> {
    let facts = &page.facts;
    let tracking = page.facts.links.iter().filter_map(|link| match &page.report(link)?.verdict {
        Verdict::Tracked { url, .. } => Some(url.len()),
        _ => None,
    });
    let images = facts.images.iter().filter(|image| starts_with(&image.source, "data:"));
    let mut shares = vec![
        ("CSS", facts.css),
        ("tracking URLs", tracking.sum()),
        ("comments", facts.comments),
        ("Outlook comments", facts.outlook),
        ("inlined images", images.map(|image| image.length).sum()),
        ("text", facts.text),
        ("indentation and line ends", blank(&page.document.before)),
    ];
    let known: usize = shares.iter().map(|(_, bytes)| bytes).sum();
    shares.push(("other markup", page.document.after.len().saturating_sub(known)));
    shares.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    shares
}

/// White space at the beginning of lines, and line ends.
fn blank(bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| {
            let indentation = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            indentation
                + line[indentation..].iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
        })
        .sum()
}

/// The offset in the source of what is the last to be shown. Pixels are counted as equally long.
fn clipped_at(page: &Page<'_>) -> usize {
    let mut edits: Vec<(usize, usize, usize)> = page
        .facts
        .links
        .iter()
        .filter_map(|link| match &page.report(link)?.verdict {
            Verdict::Tracked { url, .. } => Some((link.value.start, link.value.len(), url.len())),
            _ => None,
        })
        .collect();
    let report = &page.look.report;
    let removed = report.removed.iter().filter(|removed| removed.part == page.document.part);
    edits
        .extend(removed.map(|removed| {
            (offset(removed.range.start), offset(removed.range.end - removed.range.start), 0)
        }));
    let (out, new) = edits.iter().fold((0, 0), |(out, new), edit| (out + edit.1, new + edit.2));
    let pixels: Vec<_> = report
        .pixels
        .iter()
        .filter(|pixel| pixel.part == page.document.part && pixel.place.is_some())
        .filter_map(|pixel| pixel.offset)
        .collect();
    let longer = (page.document.after.len() + out).saturating_sub(page.document.before.len() + new);
    edits.extend(pixels.iter().map(|at| (offset(*at), 0, longer / pixels.len())));
    edits.sort_unstable();
    let (mut before, mut after) = (0, 0);
    for (at, out, new) in edits {
        let plain = at.saturating_sub(before);
        if after + plain + new > CLIP {
            break;
        }
        (before, after) = (at + out, after + plain + new);
    }
    (before + CLIP.saturating_sub(after)).min(page.document.before.len())
}

fn offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}
