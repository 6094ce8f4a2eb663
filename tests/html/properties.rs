//! Properties over generated documents. The fuzz targets share the bodies.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{delivery, dom, engines, generator, laws, merge, rewriter};

fn choices(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold(choices in choices(24)) {
        laws::check(&generator::document(&choices));
    }

    #[test]
    fn laws_hold_with_options(choices in choices(24), bits in any::<u8>()) {
        laws::check_with_options(&generator::document(&choices), bits);
    }

    #[test]
    fn laws_hold_with_fields(document in choices(16), fields in choices(20), bits in any::<u8>()) {
        merge::any(bits, &fields, &generator::document(&document));
    }

    #[test]
    fn engines_agree(choices in choices(24), bits in any::<u8>()) {
        engines::agree(&generator::document(&choices), bits);
    }

    #[test]
    fn the_oracle_agrees(choices in choices(16)) {
        dom::check(&generator::document(&choices));
    }

    #[test]
    fn values_are_read_as_html5ever_reads_them(value in "[ -~\u{a0}-\u{ff}&;#=x0-9a-z]{0,40}") {
        dom::value_is_read(&value);
    }
}

#[test]
fn every_choice_alone_and_in_pairs() {
    let most = generator::choices() as u8;
    for first in 0..most {
        dom::check(&generator::document(&[first]));
        laws::check(&generator::document(&[first]));
        for second in 0..most {
            dom::check(&generator::document(&[first, second, 1, 19]));
        }
    }
}

/// Tracking URLs push a `<meta charset>` out of the 1,024 bytes in which it is looked for; the author's
/// document is read with it all the same.
#[test]
fn restoring_knows_the_charset_of_the_author() {
    let links = "<a href=http://x.example/>x</a>".repeat(12);
    let html = [links.as_bytes(), b"<a href='http://x.example/\xe9'>y</a><meta charset=latin1>"].concat();
    let rewritten = rewriter().rewrite_html(&html, &delivery()).expect("a delivery");
    assert!(rewritten.bytes.len() > 1500 && rewritten.report.charset == "windows-1252");
    assert_eq!(rewriter().restore_html(&rewritten.bytes).expect("sealed").bytes, html);

    // Read as UTF-8 the destinations would be longer, and the meta tag still too far down.
    for (label, letter) in
        [("windows-1252", b"\xe9".as_slice()), ("shift_jis", b"\x93\xfa"), ("gbk", b"\xc8\xd5")]
    {
        let link = [b"<a href=\"http://x.example/".as_slice(), &letter.repeat(150), b"\">a</a>"].concat();
        let html = [&link, &link, format!("<meta charset={label}>").as_bytes()].concat();
        let rewritten = rewriter().rewrite_html(&html, &delivery()).expect("a delivery");
        assert_eq!(rewritten.report.links_tracked, 2, "{label}");
        assert!(rewriter().restore_html(&rewritten.bytes).expect("sealed").bytes == html, "{label}");
    }
}

/// A link's shown text ends at its end tag, or where the next link closes it.
#[test]
fn texts_of_links_end_with_them() {
    let html = b"<a href=http://x.example/1>one<a href=http://x.example/2>t<b>w</b>o</a>three\
        <a href=http://x.example/4><a name=y>four</a><area href=http://x.example/5>five";
    let report = rewriter().plan_html(html, &delivery()).expect("a delivery");
    let texts: Vec<&str> = report.links.iter().map(|link| link.text.as_str()).collect();
    assert_eq!(texts, ["one", "two", "", ""]);
}
