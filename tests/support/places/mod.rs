//! The second oracle: places. html5ever's own tokens and stack say where the body begins, which start
//! tag made which element and which end tag ends the body; the report must say the same, to the byte.
//!
//! html5ever tells no offsets, so it is fed a little at a time and watched. It reads the bytes as
//! Latin-1: markup is ASCII in every charset that is scanned, and a character is then a byte.

mod sink;
mod watch;

use std::rc::Rc;

use markup5ever_rcdom::Node;
use openclick::{EventKind, NoPlace, PixelPlace, Report, Status};

use self::watch::read;
use super::{dom, judge, show};

/// Behaviour §5: the stream looks so far for the end of a preheader.
const PREHEADER: usize = 16 * 1024;

const PLACEHOLDER: &[u8] = b"{{openclick:pixel}}";

type Handle = Rc<Node>;

/// What html5ever's reading of a document tells.
#[derive(Default)]
struct Places {
    /// Where the body begins.
    body: Option<usize>,
    top: Option<(usize, PixelPlace)>,
    /// Where the first real end tag of `body` or `html` begins.
    end: Option<usize>,
    links: Vec<Link>,
    /// Start tags with a tracking attribute.
    marked: Vec<(usize, usize)>,
    /// Bytes of ordinary text where an `img` may stand, by their place before or behind the body's end.
    text: Vec<(usize, usize)>,
    /// It begins only because the file ends.
    body_late: bool,
    /// The document ends inside a tag, a comment or raw text.
    unfinished: bool,
    last_tag: Option<(usize, usize)>,
    in_template: bool,
    frameset: bool,
}

struct Link {
    tag: (usize, usize),
    target: String,
    opted_out: bool,
}

/// Compares a report of the default options with html5ever's places.
pub(crate) fn check(html: &[u8], report: &Report) {
    if matches!(report.status, Status::Charset | Status::AlreadyRewritten) || report.limit.is_some() {
        return;
    }
    if html.len() > 600_000 {
        return; // the DOM oracle judges it; a letter at a time is slow
    }
    let start = if html.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut places = read(html, start, false);
    // Is a tag behind the last byte a tag?
    let probe = [html, b"<x-probe>"].concat();
    places.unfinished = read(&probe, start, false).last_tag != Some((html.len(), probe.len()));
    let fail = |why: String| -> ! { panic!("{why}\ninput: {}", show(html)) };

    let no_pixels = report.pixels.iter().all(|pixel| pixel.reason == Some(NoPlace::Off));
    if no_pixels && html.windows(PLACEHOLDER.len()).any(|window| window == PLACEHOLDER) {
        return; // it is taken out, and the document read as if it had never been there
    }
    // Every link, in order, and what it is worth.
    if places.frameset && places.body.is_some() && !no_pixels {
        return; // the body had begun by itself; the pixel that stands in it keeps the frameset away
    }
    let kept = places.links.len().min(10_000);
    if report.links_total != places.links.len() as u64 {
        let found: Vec<_> = report.links.iter().map(|link| &link.target).collect();
        let expected: Vec<_> = places.links.iter().map(|link| &link.target).collect();
        fail(format!("links: {expected:?}, reported {found:?}"));
    }
    for (link, expected) in report.links.iter().zip(&places.links[..kept]) {
        let (start, end) = expected.tag;
        if !(start..end).contains(&(link.range.start as usize)) {
            fail(format!("link {} at {:?} is in the tag {start}..{end}", link.index, link.range));
        }
        // Latin-1 is good for structure alone.
        if let Some(target) = link.target.as_deref().filter(|_| html[start..end].is_ascii()) {
            if target != expected.target {
                fail(format!("link {}: {target:?}, expected {:?}", link.index, expected.target));
            }
            let tracked = !expected.opted_out && judge::is_tracked(target, "track.example.com");
            if link.is_tracked() != tracked && !judge::may_be_too_long(target) {
                fail(format!("link {} to {target:?}: expected tracked={tracked}", link.index));
            }
        }
    }
    for &(start, end) in &places.marked {
        if report.removed_total == report.removed.len() as u64
            && !report.removed.iter().any(|removed| (start..end).contains(&(removed.range.start as usize)))
        {
            fail(format!("no tracking attribute was removed from the tag {start}..{end}"));
        }
    }
    for removed in &report.removed {
        let at = removed.range.start as usize;
        if !places.marked.iter().any(|&(start, end)| (start..end).contains(&at)) {
            fail(format!("an attribute at {at} was removed, which is no start tag's"));
        }
    }

    if no_pixels {
        return;
    }
    let [top, bottom] = report.pixels.as_slice() else { fail("two pixels are reported".to_owned()) };
    assert_eq!((top.kind, bottom.kind), (EventKind::InitialOpen, EventKind::Open));
    if places.frameset {
        // Where the body had begun by itself, the pixel that stands in it keeps the frameset away.
        if places.body.is_none()
            && (top.reason, bottom.reason) != (Some(NoPlace::Frameset), Some(NoPlace::Frameset))
        {
            fail(format!("a frameset document: {top:?} {bottom:?}"));
        }
        return;
    }
    // A body that begins only where the file ends has no place in which a pixel could stand.
    let late = places.body_late;
    let (expected, why) = match places.top {
        Some(_) if late && places.unfinished => (None, NoPlace::Unfinished),
        Some(_) if late && places.in_template => (None, NoPlace::Template),
        top => (top, NoPlace::Off),
    };
    let found = top.offset.map(|at| at as usize).zip(top.place);
    match (found, expected) {
        (None, _) if top.reason == Some(NoPlace::Present) => {}
        (None, None) if top.reason == Some(why) => {}
        (Some(found), Some(expected)) if found == expected => {}
        _ => fail(format!("top pixel: {top:?}, expected at {expected:?}")),
    }
    let before_end = places.end.unwrap_or(html.len());
    let taken = placeholders(html, &places).into_iter().find(|&at| at < before_end);
    let expected = match (taken, places.end) {
        (Some(at), _) => Ok((at, PixelPlace::Placeholder)),
        (None, Some(at)) => Ok((at, PixelPlace::BodyEnd)),
        (None, None) if places.unfinished => Err(NoPlace::Unfinished),
        (None, None) if places.in_template => Err(NoPlace::Template),
        (None, None) => Ok((html.len(), PixelPlace::EndOfFile)),
    };
    let found = match (bottom.offset, bottom.place, bottom.reason) {
        (Some(at), Some(place), None) => Ok((at as usize, place)),
        (_, None, Some(NoPlace::Present)) => return,
        (_, _, Some(reason)) => Err(reason),
        _ => fail(format!("neither place nor reason: {bottom:?}")),
    };
    if found != expected {
        fail(format!("bottom pixel: {found:?}, expected {expected:?}"));
    }
}

/// Where placeholders stand in ordinary text, whole.
fn placeholders(html: &[u8], places: &Places) -> Vec<usize> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &(start, end) in &places.text {
        match runs.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => runs.push((start, end)),
        }
    }
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = html[from..].windows(PLACEHOLDER.len()).position(|window| window == PLACEHOLDER) {
        let at = from + at;
        let end = at + PLACEHOLDER.len();
        // A placeholder that begins the body is text of it from its second letter on.
        if runs.iter().any(|&(start, stop)| start <= at && end <= stop) {
            found.push(at);
        }
        from = end;
    }
    found
}
