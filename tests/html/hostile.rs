//! Big hostile documents: limits are reported, and nothing is lost.

use openclick::{NoPlace, PixelPlace, Status};

use crate::support::{delivery, dom, laws, rewriter};

const LINK: &str = "<a href=http://x.example/>x</a>";

fn report(html: &str) -> openclick::Report {
    laws::check(html.as_bytes());
    rewriter().plan_html(html.as_bytes(), &delivery()).expect("a delivery")
}

#[test]
fn ten_thousand_attributes() {
    let attributes: String = (0..10_000).map(|n| format!(" a{n}=\"{n}\"")).collect();
    let html = format!("<body><p{attributes}><a{attributes} href=http://x.example/ {attributes}>x</a>");
    let report = report(&html);
    assert_eq!((report.links_tracked, report.limit), (1, None));
}

#[test]
fn a_hundred_thousand_open_elements() {
    let html = format!("<body>{LINK}{}{LINK}</body>", "<div>".repeat(100_000));
    let report = report(&html);
    assert_eq!((report.links_tracked, report.links_total), (1, 1));
    // html and body are open too: the 19,999th div is one too many.
    let at = 6 + LINK.len() + 5 * 19_998;
    assert_eq!(report.limit, Some(at as u64));
    assert_eq!(report.pixels[0].place, Some(PixelPlace::BodyStart));
    assert_eq!(report.pixels[1].reason, Some(NoPlace::Limit));
}

#[test]
fn many_elements_that_close_each_other() {
    let html = format!("<body>{}{LINK}</body>", "<p>".repeat(100_000));
    let report = report(&html);
    assert_eq!((report.links_tracked, report.limit), (1, None));
    assert_eq!(report.pixels[1].place, Some(PixelPlace::BodyEnd));
}

#[test]
fn a_two_megabyte_attribute() {
    let before = format!("<body>{LINK}");
    let html = format!("{before}<p title=\"{}\">{LINK}</body>", "x".repeat(2 << 20));
    let report = report(&html);
    assert_eq!(report.links_tracked, 1);
    assert_eq!(report.limit, Some(before.len() as u64));
    // Just below the limit of 1 MiB it is read.
    let html = format!("<body><p title=\"{}\">{LINK}</body>", "x".repeat((1 << 20) - 12));
    assert_eq!(self::report(&html).limit, None);
    let html = format!("<body><p title=\"{}\">{LINK}</body>", "x".repeat((1 << 20) - 11));
    assert_eq!(self::report(&html).limit, Some(6));
}

#[test]
fn a_two_megabyte_comment() {
    for comment in [format!("<!--{}-->", "x".repeat(2 << 20)), format!("<!--{}", "-".repeat(2 << 20))] {
        let html = format!("<body>{LINK}{comment}{LINK}</body>");
        let report = report(&html);
        assert_eq!(report.links_tracked, 1);
        assert_eq!(report.limit, Some((6 + LINK.len()) as u64));
    }
}

#[test]
fn a_preheader_around_the_limit() {
    // The element's end may lie 16 KiB after the body's start, not a byte further.
    for (length, place) in [(16_384, PixelPlace::AfterPreheader), (16_385, PixelPlace::BodyStart)] {
        let tags = "<div hidden></div>".len();
        let html = format!("<body><div hidden>{}</div>{LINK}</body>", "x".repeat(length - tags));
        let report = report(&html);
        assert_eq!(report.pixels[0].place, Some(place), "{length}");
        let offset = if place == PixelPlace::BodyStart { 6 } else { 6 + length };
        assert_eq!(report.pixels[0].offset, Some(offset as u64));
        dom::check(html.as_bytes());
    }
}

#[test]
fn a_megabyte_of_less_than_signs() {
    let html = format!("<body>{}{LINK}", "<".repeat(1 << 20));
    assert_eq!(report(&html).links_tracked, 1);
}

#[test]
fn many_links_are_counted_and_some_kept() {
    let html = format!("<body>{}", LINK.repeat(20_000));
    let report = rewriter().plan_html(html.as_bytes(), &delivery()).expect("a delivery");
    assert_eq!((report.links_tracked, report.links.len()), (20_000, 10_000));
    assert_eq!(report.status, Status::Rewritten);
}

#[test]
fn long_texts_of_links_are_bounded() {
    let html =
        format!("<body>{}", "<a href='http://x.example/".to_owned() + &"y".repeat(500_000) + "'>x</a>");
    let html = html.repeat(40);
    let report = rewriter().plan_html(html.as_bytes(), &delivery()).expect("a delivery");
    assert_eq!(report.links_total, 40);
    let kept: usize = report.links.iter().map(|link| link.raw.len()).sum();
    assert!(kept <= 8 << 20);
}

#[test]
fn deep_formatting() {
    let html = format!("<body>{}<p>{}</p>{LINK}", "<b><i>".repeat(300), "</b></i>".repeat(200));
    assert_eq!(report(&html).links_tracked, 1);
    dom::check(html.as_bytes());
}
