//! The engines against each other: whatever the options, both must make the same edits and say the same, in memory, as a
//! stream and through a template; and html5ever judges what they say.

use openclick::{Consent, Dialect, Engine, Options, Rewriter, Status, VisibleUrl};

use super::{delivery, dom, options, show, stream};

/// The bits choose the options; what [`super::laws::check`] covers are those of 0.
fn chosen(bits: u8) -> Options {
    let mut made = options()
        .initial_open(bits & 1 == 0)
        .outlook(bits & 2 == 0)
        .visible_url(if bits & 4 == 0 { VisibleUrl::Track } else { VisibleUrl::Leave })
        .pixel_placeholder(if bits & 8 == 0 { "{{openclick:pixel}}" } else { "" });
    if bits & 16 != 0 {
        made = made.dialects(Dialect::ALL);
    }
    if bits & 32 != 0 {
        made = made.charset("shift_jis");
    }
    made
}

/// All agree on these bytes.
pub(crate) fn agree(html: &[u8], bits: u8) {
    let made = |engine| chosen(bits).engine(engine).build().expect("options");
    let (scan, lol_html) = (made(Engine::Scan), made(Engine::LolHtml));
    for consent in [Consent::ALL, Consent::CLICKS, Consent::OPENS, Consent::NONE] {
        same(&scan, &lol_html, html, consent);
    }
    // The judge has default options; they agree, so it judges both.
    if bits & 63 == 0 {
        dom::check(html);
    }
}

fn same(scan: &Rewriter, lol_html: &Rewriter, html: &[u8], consent: Consent) {
    let delivery = delivery().tracking(consent);
    let one = scan.rewrite_html(html, &delivery).expect("a delivery");
    let other = lol_html.rewrite_html(html, &delivery).expect("a delivery");
    let told = |way: &str| format!("{way}, {consent:?}: {}", show(html));
    assert!(one.bytes == other.bytes, "{}\n{}\n{}", told("edits"), show(&one.bytes), show(&other.bytes));
    assert_eq!(one.report, other.report, "{}", told("reports"));
    let plans = [scan, lol_html].map(|engine| engine.plan_html(html, &delivery).expect("a delivery"));
    assert_eq!(plans[0], plans[1], "{}", told("plans"));

    let templates = [scan, lol_html].map(|engine| engine.compile_html(html).expect("a template"));
    let rendered = templates.map(|template| template.render(&delivery).expect("a delivery"));
    assert!(rendered[0].bytes == rendered[1].bytes, "{}", told("templates"));
    assert_eq!(rendered[0].report, rendered[1].report, "{}", told("templates' reports"));

    if one.report.status != Status::AlreadyRewritten {
        // Slices of odd sizes, so that tags are cut elsewhere each time.
        for size in [3, 29, 509] {
            if html.len() / size < 3000 {
                let pieces = |engine| stream(engine, &delivery, html.chunks(size));
                let ((bytes, report), (others, others_report)) = (pieces(scan), pieces(lol_html));
                assert!(bytes == others, "{}\n{}\n{}", told("streams"), show(&bytes), show(&others));
                assert_eq!(report, others_report, "{}", told("streams' reports"));
            }
        }
    }
}
