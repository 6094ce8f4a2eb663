//! Placeholders that are taken out of the text: nothing else changes, in any charset.

use encoding_rs::Encoding;
use openclick::{Options, Rewriter};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{DOMAIN, delivery, dom, keys, show, stream};

const PLACEHOLDER: &str = "{{openclick:pixel}}";

const PIECES: &[&[u8]] = &[
    b"{{openclick:pixel}}",
    b"{{openclick:pixel}}",
    b"{{openclick:",
    b"pixel}}",
    b"{",
    b"}",
    b"\r",
    b"\n",
    b"<pre>",
    b"<listing>",
    b"</p>",
    b"<",
    b"p>",
    b"/b>",
    b"!--",
    b"&",
    b"amp;",
    b"&no",
    b"tin",
    b"x",
    b"0",
    b"\xc3",
    b"\xa9",
    b"\xe3\x81",
    b"\x82",
    b"\x81",
    b"\xf0\x9f",
    b"\x8f",
    b"\xa1\xa2",
    b"\x88\x66",
];

const CHARSETS: &[&str] =
    &["utf-8", "shift_jis", "gb18030", "gbk", "big5", "euc-jp", "euc-kr", "windows-1252", "koi8-r"];

/// No pixel goes in, so that every placeholder goes out.
fn opens_off(charset: &str) -> Rewriter {
    Options::new(DOMAIN, keys())
        .and_then(|options| options.open_tracking(false).initial_open(false).charset(charset).build())
        .expect("options")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_else_changes(pieces in vec(select(PIECES), 1..9), charset in select(CHARSETS), cut in 0..80usize) {
        let html = [b"<p>", pieces.concat().as_slice()].concat();
        let encoding = Encoding::for_label(charset.as_bytes()).expect("a label");
        let rewriter = opens_off(charset);
        let rewritten = rewriter.rewrite_html(&html, &delivery()).expect("a delivery");
        let before = dom::texts_of(&html, encoding);
        let expected: Vec<String> = before.iter().map(|text| text.replace(PLACEHOLDER, "")).collect();
        let found = dom::texts_of(&rewritten.bytes, encoding);
        prop_assert_eq!(expected.concat(), found.concat(), "{} {} became {}", charset, show(&html), show(&rewritten.bytes));

        let again = rewriter.rewrite_html(&rewritten.bytes, &delivery()).expect("a delivery");
        prop_assert_eq!(show(&again.bytes), show(&rewritten.bytes), "not idempotent: {}", show(&html));

        let cut = cut.min(html.len());
        let (bytes, report) = stream(&rewriter, &delivery(), [&html[..cut], &html[cut..]].into_iter());
        prop_assert_eq!(show(&bytes), show(&rewritten.bytes), "split at {}: {}", cut, show(&html));
        prop_assert_eq!(report, rewritten.report);
    }
}
