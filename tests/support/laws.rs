//! The contract's §1, for any bytes.

use openclick::{Change, Consent, Reason, Report, Rewriter, Status};

use super::{MESSAGE, delivery, options, other_engine, rewriter, show, stream};

/// All laws, with the default options, and splits of a few sizes.
pub(crate) fn check(html: &[u8]) {
    let delivery = delivery();
    let rewritten = rewriter().rewrite_html(html, &delivery).expect("a delivery");
    let (output, report) = (&rewritten.bytes, &rewritten.report);
    assert_eq!(report.bytes_in, html.len() as u64);
    assert_eq!(report.bytes_out, output.len() as u64);
    assert_eq!(&rewriter().plan_html(html, &delivery).expect("a delivery"), report, "the plan differs");
    assert!(output == html || report.status == Status::Rewritten, "changed, but not said so: {}", show(html));

    only_allowed_bytes(html, output, report);
    nothing_without_tracking(html);

    let other = other_engine().rewrite_html(html, &delivery).expect("a delivery");
    assert!(other.bytes == *output, "engines differ\n{}\n{}", show(&other.bytes), show(output));
    assert_eq!(&other.report, report, "engines' reports differ: {}", show(html));
    if report.status != Status::AlreadyRewritten {
        for size in [1, 2, 7, 61, 1000, 16_384, usize::MAX] {
            if html.len() / size.max(1) < 3000 {
                split(html, size, output, report);
            }
        }
    }
    let left = |reason| report.links_left.contains_key(&reason);
    // In memory a rewritten document comes back as it is, if it holds a token; if nothing could be put
    // into it, an opt-out that was honoured leaves no trace there either.
    let token = report.links_tracked > 0 || report.pixels.iter().any(|pixel| pixel.place.is_some());
    if token || !left(Reason::OptOut) {
        let again = rewriter().rewrite_html(output, &delivery).expect("a delivery");
        assert!(again.bytes == *output, "not idempotent\n{}\n{}", show(output), show(&again.bytes));
    }
    if !left(Reason::OptOut) && report.limit.is_none() {
        let (again, _) = stream(rewriter(), &delivery, output.chunks(1000));
        assert!(again == *output, "the stream is not idempotent\n{}\n{}", show(output), show(&again));
    }
    restored(html, output, report);
}

/// The output is the same for this split.
pub(crate) fn split(html: &[u8], size: usize, output: &[u8], report: &Report) {
    for rewriter in [rewriter(), other_engine()] {
        let (streamed, stream_report) = stream(rewriter, &delivery(), html.chunks(size));
        assert!(
            streamed == output,
            "pieces of {size}:\n{}\nwhole:\n{}\ninput:\n{}",
            show(&streamed),
            show(output),
            show(html)
        );
        assert_eq!(&stream_report, report, "reports, pieces of {size}: {}", show(html));
    }
}

/// Every split into two pieces.
pub(crate) fn every_split(rewriter: &Rewriter, html: &[u8], output: &[u8], report: &Report) {
    for at in 0..=html.len() {
        let (streamed, stream_report) = stream(rewriter, &delivery(), [&html[..at], &html[at..]].into_iter());
        assert!(streamed == output, "split at {at}:\n{}\n{}", show(&streamed), show(output));
        assert_eq!(&stream_report, report, "split at {at}: {}", show(html));
    }
}

/// With everything off, only tracking attributes and placeholders go.
fn nothing_without_tracking(html: &[u8]) {
    let rewritten = rewriter().rewrite_html(html, &delivery().tracking(Consent::NONE)).expect("a delivery");
    let report = &rewritten.report;
    assert_eq!(report.links_tracked, 0);
    assert!(report.pixels.iter().all(|pixel| pixel.place.is_none()));
    if report.removed_total == 0 && report.changes.is_empty() {
        assert!(rewritten.bytes == html, "changed with all tracking off: {}", show(html));
        assert_ne!(report.status, Status::Rewritten);
    }
}

/// A site of the report: the bytes of the input that may change, and into what.
enum Site<'a> {
    Replace(&'a str),
    Remove,
    Pixel,
}

/// Between the reported sites every byte is the input's.
fn only_allowed_bytes(html: &[u8], output: &[u8], report: &Report) {
    if report.links_total > report.links.len() as u64 || report.removed_total > report.removed.len() as u64 {
        return;
    }
    let mut sites: Vec<(usize, usize, Site<'_>)> = Vec::new();
    for link in &report.links {
        if let openclick::Verdict::Tracked { url, .. } = &link.verdict {
            sites.push((link.range.start as usize, link.range.end as usize, Site::Replace(url)));
        }
    }
    for removed in &report.removed {
        sites.push((removed.range.start as usize, removed.range.end as usize, Site::Remove));
    }
    for pixel in &report.pixels {
        if let (Some(place), Some(at)) = (pixel.place, pixel.offset) {
            let length = if place == openclick::PixelPlace::Placeholder { 19 } else { 0 };
            sites.push((at as usize, at as usize + length, Site::Pixel));
        }
    }
    for change in &report.changes {
        match change {
            Change::PlaceholderRemoved { range, .. } => {
                let (start, end) = (range.start as usize, range.end as usize);
                sites.push((start, end, Site::Replace(super::in_place_of_placeholder(html, start))));
            }
            Change::SchemeRestored { range, .. } => {
                sites.push((range.start as usize, range.end as usize, Site::Replace("")));
            }
            _ => {}
        }
    }
    sites.sort_by_key(|site| (site.0, site.1));
    let (mut input, mut out) = (0, 0);
    for (start, end, site) in sites {
        // White space before a removed attribute may go with it.
        let mut same = 0;
        while input + same < start && output.get(out + same) == Some(&html[input + same]) {
            same += 1;
        }
        let rest = &html[input + same..start];
        let blank = matches!(site, Site::Remove) && rest.iter().all(u8::is_ascii_whitespace);
        // The same white space may stand behind the attribute, so that it seems to be kept.
        assert!(rest.is_empty() || blank, "bytes before {start} differ: {}\n{}", show(html), show(output));
        (input, out) = (end, out + same);
        match site {
            Site::Replace(text) => {
                assert!(output[out..].starts_with(text.as_bytes()), "at {start}: {}", show(html));
                out += text.len();
            }
            Site::Pixel => {
                let tail = &output[out..];
                let close = tail.windows(1).position(|byte| byte == b">").expect("a pixel");
                let mut length = close + 1;
                if tail.starts_with(b"<div ") {
                    length = tail.windows(6).position(|window| window == b"</div>").expect("a pixel") + 6;
                }
                out += length;
            }
            Site::Remove => {
                // What was kept too long is given back: compare from the longest white space on.
                let kept = output[..out].iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
                let here = (0..=kept)
                    .rev()
                    .flat_map(|back| [&b""[..], b" ", b"/"].into_iter().map(move |put| (back, put)));
                let next = &html[end..html.len().min(end + 12)];
                let fits = |(back, put): &(usize, &[u8])| {
                    let tail = &output[out - back..];
                    tail.starts_with(put) && {
                        let tail = &tail[put.len()..];
                        let shared = next.iter().zip(tail).take_while(|(a, b)| a == b).count();
                        shared == next.len() || shared > 0
                    }
                };
                if let Some((back, put)) =
                    here.into_iter().filter(fits).min_by_key(|(back, put)| (put.len(), *back))
                {
                    out = out - back + put.len();
                }
            }
        }
    }
    assert!(html[input..] == output[out..], "bytes at the end differ\n{}\n{}", show(html), show(output));
}

/// `restore(rewrite(x))` is x less its removed attributes, where the author spelled canonically.
fn restored(html: &[u8], output: &[u8], report: &Report) {
    if report.status != Status::Rewritten || report.removed_total > 0 || !report.changes.is_empty() {
        return;
    }
    let taken = report.pixels.iter().any(|pixel| pixel.place == Some(openclick::PixelPlace::Placeholder));
    let own = report.pixels.iter().any(|pixel| pixel.reason == Some(openclick::NoPlace::Present));
    if taken || own || report.limit.is_some() || report.links_left.contains_key(&Reason::AlreadyTracked) {
        return;
    }
    let restored = rewriter().restore_html(output).expect("sealed");
    assert_eq!(restored.links, report.links_tracked, "links restored: {}", show(html));
    assert!(restored.unopened.is_empty());
    let canonical = report.links.iter().filter(|link| link.is_tracked()).all(|link| {
        // Canonical: the value is what would be written for the destination.
        let target = link.target.as_deref().unwrap_or_default();
        let at = link.range.start as usize;
        let quoted = at > 0 && matches!(html[at - 1], b'"' | b'\'');
        let plain = target.bytes().all(|b| b.is_ascii() && !b" \t\n\x0c\r\"'`=<>&".contains(&b));
        let simple = target.bytes().all(|b| b.is_ascii() && !b"\"'&".contains(&b));
        let spelled = target.replace('&', "&amp;");
        link.raw == target && (plain || quoted && simple)
            || quoted && link.raw == spelled && !target.contains(['"', '\'']) && target.is_ascii()
    });
    if canonical && report.links_total == report.links.len() as u64 {
        assert!(restored.bytes == html, "not restored\n{}\n{}", show(html), show(&restored.bytes));
    }
    // What comes out once restored is stable.
    let again = rewriter().restore_html(&restored.bytes).expect("sealed");
    assert!(again.bytes == restored.bytes && again.pixels == 0);
    assert!(!show(&restored.bytes).contains(MESSAGE));
}

/// The laws with everything that options can switch; for fuzzing.
pub(crate) fn check_with_options(html: &[u8], bits: u8) {
    let mut made = options()
        .click_tracking(bits & 1 == 0)
        .open_tracking(bits & 2 == 0)
        .initial_open(bits & 4 == 0)
        .outlook(bits & 8 == 0);
    if bits & 16 != 0 {
        made = made.dialects(openclick::Dialect::ALL);
    }
    if bits & 32 != 0 {
        made = made.visible_url(openclick::VisibleUrl::Leave);
    }
    if bits & 64 != 0 {
        made = made.max_links(2);
    }
    let made = made.build().expect("options");
    let delivery = delivery();
    let whole = made.rewrite_html(html, &delivery).expect("a delivery");
    only_allowed_bytes(html, &whole.bytes, &whole.report);
    if whole.report.status == Status::AlreadyRewritten {
        return;
    }
    for size in [1, 13, 4096] {
        if html.len() / size < 3000 {
            let (streamed, report) = stream(&made, &delivery, html.chunks(size));
            assert!(streamed == whole.bytes, "pieces of {size}: {}\n{}", show(&streamed), show(&whole.bytes));
            assert_eq!(report, whole.report, "pieces of {size}: {}", show(html));
        }
    }
}
