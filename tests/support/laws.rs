//! The contract's §1, for any bytes.

use std::ops::Range;

use openclick::{
    Change, Consent, Delivery, EventKind, NoPlace, PixelPlace, PixelReport, Reason, Report, Rewriter, Status,
    Verdict,
};

use super::{MESSAGE, decoder, delivery, options, other_engine, rewriter, show, stream};

const PLACEHOLDER: &[u8] = b"{{openclick:pixel}}";

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
    rendered(rewriter(), html, &[delivery.clone(), output_of(report)]);

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

/// A delivery that names one of the links for unsubscribing.
fn output_of(report: &Report) -> Delivery {
    let target = report.links.iter().rev().find_map(|link| link.target.clone()).unwrap_or_default();
    Delivery::new("another message").campaign("autumn").list_unsubscribe(target)
}

/// A template gives what a rewrite gives, in each of its ways, for one delivery after the other.
pub(crate) fn rendered(rewriter: &Rewriter, html: &[u8], deliveries: &[Delivery]) {
    let template = rewriter.compile_html(html).expect("a template");
    for delivery in deliveries {
        for consent in [Consent::ALL, Consent::CLICKS, Consent::OPENS, Consent::NONE] {
            let delivery = delivery.clone().tracking(consent);
            let expected = rewriter.rewrite_html(html, &delivery).expect("a delivery");
            let rendered = template.render(&delivery).expect("a delivery");
            assert!(rendered.bytes == expected.bytes, "{}\n{}", show(&rendered.bytes), show(&expected.bytes));
            assert_eq!(rendered.report, expected.report, "{}", show(html));
            if consent != Consent::ALL {
                continue;
            }
            let mut out = b"before".to_vec();
            template.render_to(&delivery, &mut out).expect("a delivery");
            assert!(out.strip_prefix(b"before") == Some(&expected.bytes), "{}", show(&out));
            let pieces: Vec<_> = template.pieces(&delivery).expect("a delivery").collect();
            assert!(pieces.concat() == expected.bytes, "{}", show(html));
            let mut written = Vec::new();
            template.render_into(&delivery, &mut written).expect("a delivery");
            assert!(written == expected.bytes, "{}", show(html));
        }
    }
}

/// The output is the same for this split.
pub(crate) fn split(html: &[u8], size: usize, output: &[u8], report: &Report) {
    // A stream that must find out the charset holds the first 1,024 bytes back: small documents would not
    // be split at all.
    let knowing = options().charset(&report.charset).build();
    for rewriter in [Ok(rewriter().clone()), Ok(other_engine().clone()), knowing].into_iter().flatten() {
        let rewriter = &rewriter;
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
pub(crate) fn every_split(
    rewriter: &Rewriter,
    delivery: &Delivery,
    html: &[u8],
    output: &[u8],
    report: &Report,
) {
    for at in 0..=html.len() {
        let (streamed, stream_report) = stream(rewriter, delivery, [&html[..at], &html[at..]].into_iter());
        assert!(streamed == output, "split at {at}:\n{}\n{}", show(&streamed), show(output));
        assert_eq!(&stream_report, report, "split at {at}: {}", show(html));
    }
}

/// With everything off, only tracking attributes and placeholders go: where there are none, nothing.
fn nothing_without_tracking(html: &[u8]) {
    let rewritten = rewriter().rewrite_html(html, &delivery().tracking(Consent::NONE)).expect("a delivery");
    let report = &rewritten.report;
    assert_eq!(report.links_tracked, 0);
    assert!(report.pixels.iter().all(|pixel| pixel.place.is_none()));
    only_allowed_bytes(html, &rewritten.bytes, report);
    let lower = html.to_ascii_lowercase();
    let holds = |word: &[u8]| lower.windows(word.len()).any(|window| window == word);
    if !holds(b"data-msys-") && !holds(PLACEHOLDER) {
        assert!(rewritten.bytes == html, "changed with all tracking off: {}", show(html));
    }
}

/// What may happen at a site of the report.
enum Site<'a> {
    Replace(&'a str),
    Remove,
    Pixel(&'a PixelReport),
}

/// The output is the input with exactly what the report says, to the byte.
pub(crate) fn only_allowed_bytes(html: &[u8], output: &[u8], report: &Report) {
    let placed = report.pixels.iter().any(|pixel| pixel.place.is_some());
    if report.links_tracked + report.removed_total == 0 && !placed && report.changes.is_empty() {
        assert!(output == html, "changed for no reason: {}", show(html));
        assert_ne!(report.status, Status::Rewritten);
    } else {
        assert_eq!(report.status, Status::Rewritten);
    }
    if report.links_total > report.links.len() as u64 || report.removed_total > report.removed.len() as u64 {
        return;
    }
    let offsets = |range: &Range<u64>| (range.start as usize, range.end as usize);
    let mut sites: Vec<((usize, usize), Site<'_>)> = Vec::new();
    for link in &report.links {
        if let Verdict::Tracked { url, .. } = &link.verdict {
            sites.push((offsets(&link.range), Site::Replace(url)));
        }
    }
    for removed in &report.removed {
        sites.push((offsets(&removed.range), Site::Remove));
    }
    for pixel in &report.pixels {
        if let (Some(place), Some(at)) = (pixel.place, pixel.offset) {
            let length = if place == PixelPlace::Placeholder { PLACEHOLDER.len() as u64 } else { 0 };
            sites.push((offsets(&(at..at + length)), Site::Pixel(pixel)));
        }
    }
    for change in &report.changes {
        match change {
            Change::PlaceholderRemoved { range, comment, .. } => {
                let put = if *comment { "<!---->" } else { "" };
                sites.push((offsets(range), Site::Replace(put)));
            }
            Change::SchemeRestored { range, .. } => sites.push((offsets(range), Site::Replace(""))),
            other => panic!("a change that HTML does not know: {other:?}"),
        }
    }
    sites.sort_by_key(|site| site.0);
    let differs = |at: usize| -> ! {
        panic!("bytes around {at} differ\ninput:  {}\noutput: {}", show(html), show(output))
    };
    let (mut input, mut out) = (0, output);
    let copy = |out: &mut &[u8], range: Range<usize>| match out.strip_prefix(&html[range.clone()]) {
        Some(rest) => *out = rest,
        None => differs(range.start),
    };
    for (index, &((start, end), ref site)) in sites.iter().enumerate() {
        match site {
            Site::Replace(text) => {
                copy(&mut out, input..start);
                out = out.strip_prefix(text.as_bytes()).unwrap_or_else(|| differs(start));
            }
            Site::Pixel(pixel) => {
                copy(&mut out, input..start);
                out = after_pixel(out, pixel).unwrap_or_else(|| differs(start));
            }
            Site::Remove => {
                let blank = |byte: u8| byte.is_ascii_whitespace();
                let next = html[end];
                let mut from = start;
                while (blank(next) || next == b'>') && from > input && blank(html[from - 1]) {
                    from -= 1;
                }
                copy(&mut out, input..from);
                // What follows, other removed attributes aside.
                let mut follows = end;
                for &((start, end), ref site) in &sites[index + 1..] {
                    let between = html[follows..start].iter().all(|&byte| blank(byte) || byte == b'/');
                    if !matches!(site, Site::Remove) || !between {
                        break;
                    }
                    follows = end;
                }
                follows += html[follows..].iter().take_while(|&&byte| blank(byte) || byte == b'/').count();
                let kept = output[..output.len() - out.len()].last();
                if next == b'>' && kept == Some(&b'/') {
                    out = out.strip_prefix(b" ").unwrap_or_else(|| differs(end));
                } else if html[follows] == b'=' && next != b'/' {
                    // Needed only where the attribute before has no value, which the DOM oracle sees.
                    out = out.strip_prefix(b"/").unwrap_or(out);
                }
            }
        }
        input = end;
    }
    if out != &html[input..] {
        differs(input);
    }
}

/// What follows the pixel at the start of `out`, which must be spelled as the contract does.
fn after_pixel<'a>(out: &'a [u8], pixel: &PixelReport) -> Option<&'a [u8]> {
    let (before, after) = match pixel.kind {
        EventKind::InitialOpen => (
            "<div style=\"display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:0;line-height:0\"><img src=\"",
            "\" alt=\"\" width=\"1\" height=\"1\" border=\"0\"></div>",
        ),
        _ => (
            "<img src=\"",
            "\" alt=\"\" width=\"1\" height=\"1\" border=\"0\" style=\"display:block;width:1px;height:1px;border:0\">",
        ),
    };
    let out = out.strip_prefix(before.as_bytes())?;
    let (url, out) = out.split_at(out.iter().position(|&byte| byte == b'"')?);
    let token = decoder().decode(std::str::from_utf8(url).ok()?).ok()?;
    assert_eq!((token.kind(), token.message_id()), (pixel.kind, MESSAGE));
    out.strip_prefix(after.as_bytes())
}

/// `restore(rewrite(x))`: the same DOM as x less its removed attributes, and the same bytes where the author
/// spelled canonically.
fn restored(html: &[u8], output: &[u8], report: &Report) {
    let own = report.pixels.iter().any(|pixel| pixel.reason == Some(NoPlace::Present));
    let taken = report.pixels.iter().any(|pixel| pixel.place == Some(PixelPlace::Placeholder));
    if report.status != Status::Rewritten || taken || own || !report.changes.is_empty() {
        return;
    }
    if report.limit.is_some() || report.links_left.contains_key(&Reason::AlreadyTracked) {
        return;
    }
    let less = rewriter().rewrite_html(html, &delivery().tracking(Consent::NONE)).expect("a delivery");
    if less.report.removed_total != report.removed_total || !less.report.changes.is_empty() {
        return; // no pixel keeps a frameset from replacing the body: another document is read
    }
    let less = less.bytes;
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
        assert!(restored.bytes == less, "not restored\n{}\n{}", show(html), show(&restored.bytes));
    } else {
        super::dom::same_but_trimmed(&less, &restored.bytes, &report.charset);
    }
    // What comes out once restored is stable.
    let again = rewriter().restore_html(&restored.bytes).expect("sealed");
    assert!(again.bytes == restored.bytes && again.pixels == 0);
    let placed = report.pixels.iter().filter(|pixel| pixel.place.is_some()).count() as u64;
    assert_eq!(restored.pixels, placed, "pixels taken out: {}", show(html));
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
    rendered(&made, html, &[delivery.clone(), output_of(&whole.report)]);
    for size in [1, 13, 4096] {
        if html.len() / size < 3000 {
            let (streamed, report) = stream(&made, &delivery, html.chunks(size));
            assert!(streamed == whole.bytes, "pieces of {size}: {}\n{}", show(&streamed), show(&whole.bytes));
            assert_eq!(report, whole.report, "pieces of {size}: {}", show(html));
        }
    }
}
