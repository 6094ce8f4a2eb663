//! One part: what it must become, by the HTML rewriter.

use std::cell::RefCell;
use std::collections::HashMap;

use openclick::{
    Change, Consent, Decision, Delivery, EventKind, Link, NoPlace, Reason, Report, Rewriter, Verdict,
};

use crate::support::{MESSAGE, options, show, symbolic};

/// A part's decoded bytes as the HTML rewriter reads them, and the way back.
pub(crate) struct View {
    pub(crate) html: Vec<u8>,
    pub(crate) label: &'static str,
    hidden: Vec<u8>,
    utf16: Option<fn(u16) -> [u8; 2]>,
}

impl View {
    /// Whether offsets in what is read are none in the part.
    pub(crate) fn is_other(charset: Option<&str>) -> bool {
        matches!(charset, Some("UTF-16LE" | "UTF-16BE"))
    }

    /// `charset`: as the report calls it.
    pub(crate) fn of(bytes: &[u8], charset: &str) -> View {
        let mut view = View { html: bytes.to_vec(), label: "utf-8", hidden: Vec::new(), utf16: None };
        let units = |join: fn([u8; 2]) -> u16| -> Vec<u16> {
            bytes.chunks_exact(2).map(|pair| join([pair[0], pair[1]])).collect()
        };
        match charset {
            "UTF-16LE" | "UTF-16BE" => {
                let is_little = charset == "UTF-16LE";
                let units = units(if is_little { u16::from_le_bytes } else { u16::from_be_bytes });
                view.html = String::from_utf16(&units).expect("what was read").into_bytes();
                view.utf16 = Some(if is_little { u16::to_le_bytes } else { u16::to_be_bytes });
            }
            "ISO-2022-JP" => {
                let mut is_ascii = true;
                for at in 0..bytes.len() {
                    is_ascii &= bytes[at] != 0x1b || bytes[at..].starts_with(b"\x1b(B");
                    // The escape sequence back is hidden with what it ends.
                    view.hide(at, !is_ascii);
                    is_ascii |= at >= 2 && bytes[at - 2..].starts_with(b"\x1b(B");
                }
            }
            "unknown" => {
                let mark = if bytes.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
                (mark..bytes.len()).for_each(|at| view.hide(at, false));
            }
            _ => {
                view.label =
                    encoding_rs::Encoding::for_label(charset.as_bytes()).expect("its own name").name();
            }
        }
        view
    }

    /// No charset knows what is not ASCII: as in UTF-8 a byte that nothing begins with.
    fn hide(&mut self, at: usize, always: bool) {
        if always || self.html[at] >= 0x80 {
            self.hidden.push(self.html[at]);
            self.html[at] = 0x80;
        }
    }

    /// Bytes of the part, from what the rewriter made; none where hidden bytes went.
    pub(crate) fn back(&self, html: &[u8]) -> Option<Vec<u8>> {
        if let Some(bytes) = self.utf16 {
            return Some(std::str::from_utf8(html).ok()?.encode_utf16().flat_map(bytes).collect());
        }
        if self.hidden.is_empty() {
            return Some(html.to_vec());
        }
        let mut hidden = self.hidden.iter();
        let out: Option<Vec<u8>> =
            html.iter().map(|&byte| if byte == 0x80 { hidden.next().copied() } else { Some(byte) }).collect();
        out.filter(|_| hidden.next().is_none())
    }
}

/// What the rewriter of one part is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Settings {
    label: &'static str,
    /// Clicks, top pixel, bottom pixel.
    switches: [bool; 3],
    left: Vec<u32>,
}

fn rewriter(settings: Settings) -> Rewriter {
    thread_local! {
        static KNOWN: RefCell<HashMap<Settings, Rewriter>> = RefCell::default();
    }
    let make = || {
        let [clicks, top, bottom] = settings.switches;
        let left = settings.left.clone();
        let made = options().charset(settings.label).click_tracking(clicks);
        let made = made.initial_open(top).open_tracking(bottom);
        let made = match left.is_empty() {
            true => made,
            false => made.link_policy(move |link: &Link<'_>| match left.contains(&link.index) {
                true => Decision::Leave,
                false => Decision::Wrap,
            }),
        };
        made.build().expect("options")
    };
    if !settings.left.is_empty() {
        return make();
    }
    KNOWN.with_borrow_mut(|known| known.entry(settings.clone()).or_insert_with(make).clone())
}

fn without(bytes: &[u8], gone: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut kept = Vec::new();
    while let Some(at) = rest.windows(gone.len()).position(|window| window == gone) {
        kept.extend_from_slice(&rest[..at]);
        rest = &rest[at + gone.len()..];
    }
    kept.extend_from_slice(rest);
    kept
}

/// The rewriter that restores as a message's part is restored.
pub(crate) fn restorer(label: &'static str) -> Rewriter {
    rewriter(Settings { label, switches: [true; 3], left: Vec::new() })
}

/// The part decodes to what the HTML rewriter gives for what it was: same switches, same charset, links counted
/// from where they are in the message. Whether it was compared.
pub(crate) fn as_html(old: &[u8], new: &[u8], index: u32, report: &Report, consent: Consent) -> bool {
    let part = &report.parts[index as usize];
    let here: Vec<_> = report.links.iter().filter(|link| link.part == Some(index)).collect();
    let first = here.first().map_or(0, |link| link.index);
    let settings = report.settings.as_ref().expect("a message's");
    let pixels: Vec<_> = report.pixels.iter().filter(|pixel| pixel.part == Some(index)).collect();
    let has = |kind, switch: bool| {
        let placed = |reason| reason != Some(NoPlace::LineTooLong);
        let on = pixels.iter().any(|pixel| pixel.kind == kind && placed(pixel.reason));
        on && switch && consent.contains(Consent::OPENS)
    };
    let unheard = report.links_total > report.links.len() as u64;
    let lost = pixels.iter().any(|pixel| pixel.reason == Some(NoPlace::LineTooLong));
    let placeholder = b"{{openclick:pixel}}";
    let has_placeholder = old.windows(placeholder.len()).any(|window| window == placeholder);
    if unheard
        || lost && has_placeholder
        || here.iter().any(|link| link.reason() == Some(Reason::AlreadyTracked))
    {
        return false;
    }
    let left = here.iter().filter(|link| link.reason() == Some(Reason::LineTooLong));
    let left: Vec<u32> = left.map(|link| link.index - first).collect();
    let view = View::of(old, part.charset.as_deref().unwrap_or_default());
    let switches = [
        settings.click_tracking.value && consent.contains(Consent::CLICKS),
        has(EventKind::InitialOpen, settings.initial_open.value),
        has(EventKind::Open, settings.open_tracking.value),
    ];
    let mut delivery = Delivery::new(MESSAGE).recipient("reader@example.org");
    for link in here.iter().filter(|link| link.reason() == Some(Reason::Unsubscribe)) {
        delivery = delivery.list_unsubscribe(link.target.clone().unwrap_or_default());
    }
    let html = rewriter(Settings { label: view.label, switches, left });
    let expected = html.rewrite_html(&view.html, &delivery).expect("a delivery").bytes;
    let seen = View::of(new, part.charset.as_deref().unwrap_or_default());
    let is_identity = matches!(&*part.encoding, "7bit" | "8bit");
    // A line that would be too long is broken between attributes. A header's campaign and recipient make the
    // message's tokens longer than these.
    let has_long_urls = here.iter().any(|link| match &link.verdict {
        Verdict::Tracked { url, .. } => url.len() > 200,
        _ => false,
    });
    let is_broken =
        is_identity && (has_long_urls || expected.split(|&byte| byte == b'\n').any(|line| line.len() > 600));
    let (expected, found) = (symbolic(&expected, 0), symbolic(&seen.html, first));
    if expected == found {
        // Hidden bytes are the author's; some may go with a tracking attribute, none is new or moves.
        let has_removed = report.removed_total > 0;
        let mut old_bytes = view.hidden.iter();
        let in_order = seen.hidden.iter().all(|byte| old_bytes.any(|old| old == byte));
        assert!(in_order && (has_removed || view.hidden == seen.hidden), "{}", show(old));
        return true;
    }
    // Where a line would begin with `From ` or be a delimiter, placeholders leave a comment.
    let has_comments = (is_identity || part.encoding == "binary")
        && report.changes.iter().any(|change| {
            matches!(change, Change::PlaceholderRemoved { part, comment: true, .. } if *part == Some(index))
        });
    let flat = |bytes: &[u8]| -> Vec<u8> {
        let text = bytes.to_vec();
        let text = if has_comments { without(&text, b"<!---->") } else { text };
        text.iter().copied().filter(|byte| !is_broken || !b"\r\n".contains(byte)).collect()
    };
    assert!(
        flat(&expected) == flat(&found),
        "part {} ({}, {})\nas HTML:\n{}\nas a part:\n{}\nwas:\n{}",
        part.path,
        part.encoding,
        view.label,
        show(&expected),
        show(&found),
        show(old)
    );
    true
}
