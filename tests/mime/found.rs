//! What the laws found once, each by name.

use openclick::{Change, Consent, Dialect, NoPlace, OnSigned, Options, PartReason, Reason, Report, Status};

use super::laws::delivery;
use crate::support::mail::laws;
use crate::support::{options, rewriter, show};

fn report(message: &str) -> Report {
    laws::check(message.as_bytes(), 0);
    rewriter().plan_message(message.as_bytes(), &delivery()).expect("a delivery")
}

fn output(message: &str) -> String {
    laws::check(message.as_bytes(), 0);
    let rewritten = rewriter().rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    String::from_utf8(rewritten.bytes).expect("UTF-8")
}

/// The header's blank line is all that stands between it and the delimiter.
#[test]
fn an_empty_part_keeps_its_delimiter() {
    let html = "--b\nContent-Type: text/html\n\n";
    let message = format!("Content-Type: multipart/mixed; boundary=b\n\n{html}{html}<p>x</p>\n--b--\n");
    let report = report(&message);
    assert_eq!(report.parts[1].reason, Some(PartReason::NoBody));
    assert!(report.parts[2].rewritten, "the pixels go into the next part");
    // With a line of its own there is room.
    let message = message.replacen("\n\n--b\n", "\n\n\n--b\n", 1);
    let message = message.replacen("html\n\n--b", "html\n\n\n--b", 1);
    assert!(output(&message).contains("></div><img"), "{message}");
}

/// What was taken out of a line that is too long is no link to be left.
#[test]
fn attributes_in_a_long_line() {
    let message = format!("Content-Type: text/html\n\n{}<path/data-msys-linkname>\n", "x".repeat(1100));
    let report = report(&message);
    assert_eq!((report.status, report.removed_total), (Status::Rewritten, 1));
    // Lines that a removal would join and make too long: the part passes through.
    let long = "x".repeat(900);
    let joined = format!("Content-Type: text/html\n\n{long}<a\ndata-msys-clicktrack=1>{long}\n");
    let report = self::report(&joined);
    assert_eq!(report.parts[0].reason, Some(PartReason::LineTooLong), "{report:?}");
    assert_eq!((report.links_tracked, report.removed_total), (0, 0));
}

/// A pixel that takes a placeholder and does not fit is a pixel, no link.
#[test]
fn a_placeholder_in_a_long_line() {
    let made = options().max_url_length(4000).build().expect("options");
    let delivery =
        delivery().campaign("c".repeat(900)).pool("p#q".repeat(300)).subaccount("sub?".repeat(200));
    let message = "Content-Type: text/html\n\n<body>x{{openclick:pixel}}</body>\n";
    let report = made.plan_message(message.as_bytes(), &delivery).expect("a delivery");
    assert!(report.pixels.iter().all(|pixel| pixel.reason == Some(NoPlace::LineTooLong)), "{report:?}");
    assert_eq!((report.links_total, report.links_tracked), (0, 0));
}

/// Links are left one by one, also where the report does not keep them.
#[test]
fn links_that_no_line_holds() {
    let link = "<a/href=http://x.example/>";
    let message = format!("Content-Type: text/html\n\n{}\n", link.repeat(200));
    let few = |options: Options| options.report_links(3).build().expect("options");
    let report = few(options()).plan_message(message.as_bytes(), &delivery()).expect("a delivery");
    assert_eq!((report.links_total, report.links.len()), (200, 3));
    assert!(report.links_left[&Reason::LineTooLong] > 150, "{report:?}");
    assert_eq!(report.links_tracked + report.links_left[&Reason::LineTooLong], 200);
    self::report(&message);
}

/// A field is not put between a line and what continues it.
#[test]
fn a_folded_from_line() {
    let message = "From reader Sat\n Nov\nContent-Type: text/html\n\n<p>x</p>\n";
    let delivery = openclick::Delivery::of_message();
    let rewritten = rewriter().rewrite_message(message.as_bytes(), &delivery).expect("a delivery");
    assert!(
        rewritten.bytes.starts_with(b"From reader Sat\n Nov\nX-Sp-Message-Id: "),
        "{}",
        show(&rewritten.bytes)
    );
    laws::check(message.as_bytes(), 4);
}

/// Where a pixel makes armour begin a line, the message must be known for rewritten all the same.
#[test]
fn armour_behind_a_blank() {
    let report = report("Content-Type: text/html\n\n\t-----BEGIN PGP SIGNED MESSAGE-----\n");
    assert_eq!(report.parts[0].reason, Some(PartReason::Pgp));
}

/// Tracking URLs push a `<meta charset>` out of what is looked at.
#[test]
fn a_late_charset_is_restored() {
    let links = "<a href=\"https://x.example/\">".repeat(8);
    let html = format!("{links}<p>{}</p><meta charset=iso-8859-1>\n", "x".repeat(500));
    let message =
        [b"Content-Type: text/html\n\n<a href=\"https://x.example/\xe9\">", html.as_bytes()].concat();
    let rewritten = rewriter().rewrite_message(&message, &delivery()).expect("a delivery");
    assert_eq!(rewritten.report.parts[0].charset.as_deref(), Some("windows-1252"));
    let restored = rewriter().restore_message(&rewritten.bytes).expect("sealed");
    assert_eq!(restored.links, 9);
    let body = restored.bytes.split(|&byte| byte == b'\n').nth(2).expect("a body").to_vec();
    assert!(body.starts_with(b"<a href=\"https://x.example/\xe9\">"), "{}", show(&body));
}

/// All of many alternatives get the pixels; of what is shown one after the other only the first.
#[test]
fn pixels_of_alternatives() {
    let html = "Content-Type: text/html\n\n<p>x</p>\n";
    let alternative = |boundary: &str| {
        format!(
            "Content-Type: multipart/alternative; boundary={boundary}\n\n--{boundary}\n{html}--{boundary}\n{html}--{boundary}--\n"
        )
    };
    let mixed = format!(
        "Content-Type: multipart/mixed; boundary=m\n\n--m\n{}--m\n{}--m\n{html}--m--\n",
        alternative("a"),
        alternative("b")
    );
    let report = report(&mixed);
    let rewritten: Vec<_> =
        report.parts.iter().filter(|part| part.rewritten).map(|part| &*part.path).collect();
    assert_eq!(rewritten, ["1.1", "1.2"]);
}

/// A pixel whose tag had to be broken is taken out again.
#[test]
fn a_broken_pixel_is_restored() {
    let long = "x".repeat(850);
    let message = format!("Content-Type: text/html\n\n{long}<p>\n");
    let rewritten = rewriter().rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    assert!(rewritten.bytes.split(|&byte| byte == b'\n').count() > 4, "{}", show(&rewritten.bytes));
    let restored = rewriter().restore_message(&rewritten.bytes).expect("sealed");
    assert_eq!(restored.pixels, 2);
    assert!(restored.bytes == message.as_bytes(), "{}", show(&restored.bytes));
}

/// A line that would begin with `From `, or be a delimiter, without its placeholder keeps a comment in its place.
#[test]
fn a_placeholder_in_front_of_what_no_line_may_be() {
    let quiet = options().open_tracking(false).initial_open(false).build().expect("options");
    for line in ["From our shop ", "--b\n"] {
        let html = format!("<p>Hi</p>\n{{{{openclick:pixel}}}}{line}<a href=\"https://x.example/\">x</a>\n");
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n{html}--b--\n"
        );
        laws::check(message.as_bytes(), 0);
        let rewritten = quiet.rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
        let text = String::from_utf8(rewritten.bytes).expect("UTF-8");
        assert!(text.contains(&format!("\n<!---->{line}")), "{text}");
        assert_eq!(rewritten.report.links_tracked, 1);
        let removed = |change: &Change| matches!(change, Change::PlaceholderRemoved { comment: true, .. });
        assert!(rewritten.report.changes.iter().any(removed), "{:?}", rewritten.report);
        // Also where a pixel has taken the first one.
        let second = message.replace("<p>Hi</p>", "{{openclick:pixel}}");
        assert_eq!(report(&second).links_tracked, 1);
    }
}

/// The author's own line comes back, whatever was put in front of it.
#[test]
fn a_line_that_began_with_from_is_restored() {
    let message = "Content-Length: 53\nLines: 1\nContent-Type: text/html\n\nFrom our shop: <a href=\"https://e.example/\">x</a>\n";
    let rewritten = rewriter().rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    assert_ne!(rewritten.report.changes_total, 0, "the length");
    let restored = rewriter().restore_message(&rewritten.bytes).expect("sealed");
    assert_eq!((restored.links, restored.pixels, restored.unopened.len()), (1, 2, 0));
    assert!(restored.bytes == message.as_bytes(), "{}", show(&restored.bytes));
}

/// ASCII in them would be garbage, and make garbage of what follows.
#[test]
fn charsets_that_are_no_supersets_of_ascii() {
    for label in ["utf-32", "utf16", "csUTF16", "cp037"] {
        let message = format!("Content-Type: text/html; charset={label}\n\n<a href=http://x.example/>\n");
        let report = report(&message);
        assert_eq!(
            (report.status, report.parts[0].reason),
            (Status::Unchanged, Some(PartReason::Charset)),
            "{label}"
        );
    }
    let report =
        report("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n//48AHAAPgA=\n");
    assert_eq!(report.parts[0].reason, Some(PartReason::Charset), "UTF-16 by its mark");
}

/// That nothing could take pixels is not that somebody did not want them.
#[test]
fn pixels_of_messages_without_html() {
    for message in ["Content-Type: text/plain\n\nhello\n", "Content-Type: text/html; charset=utf-7\n\n<p>\n"]
    {
        let report = report(message);
        let reasons: Vec<_> = report.pixels.iter().map(|pixel| pixel.reason).collect();
        assert_eq!(reasons, [Some(NoPlace::PassedThrough); 2], "{message}");
        let without = delivery().tracking(Consent::CLICKS);
        let report = rewriter().plan_message(message.as_bytes(), &without).expect("a delivery");
        assert!(report.pixels.iter().all(|pixel| pixel.reason == Some(NoPlace::Off)), "{message}");
    }
}

/// A signature that covers a header which goes is broken by that alone.
#[test]
fn a_signature_over_an_api_header() {
    let made = options()
        .on_signed(OnSigned::Strip)
        .strip_api_headers([Dialect::SparkPost])
        .build()
        .expect("options");
    let api = "X-MSYS-API: {\"options\":{\"click_tracking\":false,\"open_tracking\":false}}\n";
    let body = "Content-Type: text/html\n\n<p><a href=https://x.example/>x</a>\n";
    let message = format!("DKIM-Signature: v=1; h=X-MSYS-API\n{api}{body}");
    let rewritten = made.rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    assert_eq!(String::from_utf8(rewritten.bytes).expect("UTF-8"), body);
    // Where nothing changes, the signature holds.
    let plain = message.replace(api, "").replace("text/html", "text/plain");
    let rewritten = made.rewrite_message(plain.as_bytes(), &delivery()).expect("a delivery");
    assert!(rewritten.bytes == plain.as_bytes());
}

/// A message without any field has an mbox's `From ` line in front nevertheless.
#[test]
fn an_id_behind_a_from_line_alone() {
    let made = options().text_links(true).build().expect("options");
    let message = "From a@b.example Mon\n\nSee https://x.example/ there\n";
    let rewritten =
        made.rewrite_message(message.as_bytes(), &openclick::Delivery::of_message()).expect("a delivery");
    let text = String::from_utf8(rewritten.bytes).expect("UTF-8");
    assert!(text.starts_with("From a@b.example Mon\nX-Sp-Message-Id: "), "{text}");
    let again =
        made.rewrite_message(text.as_bytes(), &openclick::Delivery::of_message()).expect("a delivery");
    assert_eq!(again.report.status, Status::AlreadyRewritten);
}
