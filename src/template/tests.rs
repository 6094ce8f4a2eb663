//! Templates where they cannot go the fast way, and what they keep. The laws compare every way with a rewrite.

use std::io::{self, IoSlice, Write};
use std::sync::Mutex;

use super::*;
use crate::options::Options;
use crate::policy::{Decision, Link};
use crate::report::{Reason, Report};
use crate::token::{KeyRing, UrlFormat};

const HTML: &str = "<body><a href=\"https://shop.example/?a=1&amp;b=2\">Shop</a> <a href='https://shop.example/u'>u</a></body>";

fn options() -> Options {
    Options::new("https://t.example.com", KeyRing::from_bytes([7; 32])).expect("a domain")
}

fn same(options: Options, html: &str, delivery: &Delivery) -> Report {
    let rewriter = options.build().expect("options");
    let expected = rewriter.rewrite_html(html.as_bytes(), delivery).expect("a delivery");
    let template = rewriter.compile_html(html).expect("a template");
    for _ in 0..2 {
        let rendered = template.render(delivery).expect("a delivery");
        assert_eq!(String::from_utf8_lossy(&rendered.bytes), String::from_utf8_lossy(&expected.bytes));
        assert_eq!(rendered.report, expected.report);
        let mut out = Vec::new();
        template.render_to(delivery, &mut out).expect("a delivery");
        assert!(out == expected.bytes);
        let pieces: Vec<_> = template.pieces(delivery).expect("a delivery").collect();
        assert!(pieces.concat() == expected.bytes);
    }
    expected.report
}

fn delivery() -> Delivery {
    Delivery::new("m1")
        .recipient("ann@example.org")
        .campaign("autumn")
        .sealed_at(1_800_000_000)
        .extension(3, "x")
}

#[test]
fn what_a_delivery_decides() {
    // A URL that is too long for one recipient only.
    let long = delivery().campaign("c".repeat(600)).recipient("r".repeat(600));
    let report = same(options().max_url_length(400), HTML, &long);
    assert_eq!((report.links_tracked, report.links_left[&Reason::TooLong]), (0, 2));
    assert_eq!(same(options().max_url_length(400), HTML, &delivery()).links_tracked, 2);
    // Of two links the cap leaves the second, unless the first is for unsubscribing.
    let unsubscribe = delivery().list_unsubscribe("https://shop.example/?a=1&b=2");
    assert_eq!(same(options().max_links(1), HTML, &unsubscribe).links[1].reason(), None);
    assert_eq!(same(options(), HTML, &unsubscribe).links[0].reason(), Some(Reason::Unsubscribe));
    // The reason changes where the bytes do not.
    let skipped = options().skip_host("shop.example");
    assert_eq!(same(skipped.clone(), HTML, &unsubscribe).links[0].reason(), Some(Reason::Unsubscribe));
    assert_eq!(same(skipped, HTML, &delivery()).links[0].reason(), Some(Reason::SkipHost));
}

#[test]
fn other_formats_and_escapes() {
    let template = "https://t.example.com/r?u={target}&m={message_id}&s={hmac}";
    let format = UrlFormat::template(template).expect("a template");
    same(options().url_format(format), HTML, &delivery());
    same(options().url_format(UrlFormat::sparky_pmta().unsigned()), HTML, &delivery());
    let html = HTML
        .replace("<a ", "<a data-msys-sublink=app data-msys-linkname=\"n&amp;m\" data-msys-unsubscribe=1 ");
    same(options(), &html, &delivery());
    same(options(), &html.replace('"', ""), &delivery());
}

#[test]
fn documents_that_hold_own_urls() {
    let rewriter = options().build().expect("options");
    let once = rewriter.rewrite_html(HTML.as_bytes(), &delivery()).expect("a delivery").bytes;
    let once = String::from_utf8(once).expect("ASCII");
    let is_ready = |html: &str| {
        let document = Document::new(rewriter.clone(), html.as_bytes().to_vec());
        document.compiled(&delivery()).expect("no fields").is_some()
    };
    assert!(is_ready(HTML) && !is_ready(&once));
    same(options(), &once, &delivery());
    same(options(), &once, &Delivery::new("m2"));
    // By another spelling of the host.
    let spelled = "<a href=https://T.EXAMPLE&#46;COM/x>y</a>";
    assert!(!is_ready(spelled));
    same(options(), spelled, &delivery());
    same(options(), "\u{feff}<p>x", &delivery());
    let utf16 = rewriter.compile_html(b"\xff\xfe<\0p\0".as_slice()).expect("a template");
    assert_eq!(utf16.render(&delivery()).expect("a delivery").bytes, b"\xff\xfe<\0p\0");
}

#[test]
fn errors_leave_what_was_there() {
    let template = options().build().expect("options").compile_html(HTML).expect("a template");
    let mut out = b"x".to_vec();
    assert!(template.render_to(&Delivery::new(""), &mut out).is_err() && out == b"x");
    assert!(template.render(&Delivery::new("a\nb")).is_err() && template.pieces(&Delivery::new("")).is_err());
}

/// A report keeps 8 MB of texts, which long recipients reach with few links.
#[test]
fn reports_that_are_full() {
    let html = "<a href=https://shop.example/>x</a>".repeat(9000);
    let long = delivery().campaign("\u{1f600}".repeat(200)).recipient("\u{1f601}".repeat(200));
    let report = same(options().max_url_length(8000), &html, &long);
    assert!(report.links_total > report.links.len() as u64, "{}", report.links.len());
}

#[test]
fn callbacks() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = heard.clone();
    let told = options().on_link(move |link: &crate::LinkReport| hears.lock().expect("it").push(link.index));
    let template = told.build().expect("options").compile_html(HTML).expect("a template");
    template.render_to(&delivery(), &mut Vec::new()).expect("a delivery");
    template.render(&delivery()).expect("a delivery");
    assert_eq!(*heard.lock().expect("it"), [0, 1, 0, 1]);

    let policy = options().link_policy(|link: &Link<'_>| match link.index {
        0 => Decision::Leave,
        _ => Decision::Wrap,
    });
    assert_eq!(same(policy, HTML, &delivery()).links_left[&Reason::Policy], 1);
}

/// Takes a few bytes at a time, is interrupted, and counts.
#[derive(Default)]
struct Slow {
    taken: Vec<u8>,
    calls: usize,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = bytes.len().min(7);
        self.taken.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(50).collect();
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.taken.extend_from_slice(&all);
        Ok(all.len())
    }
}

#[test]
fn writers_that_take_little() {
    let html = HTML.repeat(300);
    let rewriter = options().build().expect("options");
    let template = rewriter.compile_html(html.as_str()).expect("a template");
    let mut slow = Slow::default();
    template.render_into(&delivery(), &mut slow).expect("a delivery");
    assert!(slow.taken == rewriter.rewrite_html(html.as_bytes(), &delivery()).expect("a delivery").bytes);
    let mut room = [0; 10];
    let error = template.render_into(&delivery(), room.as_mut_slice()).expect_err("no room");
    assert_eq!(error.kind(), ErrorKind::Io);
}
