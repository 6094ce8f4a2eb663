//! Links in plain text, in whole messages.

use mailparse::ParsedMail;
use openclick::stream::{Condition, Layer, Stream, Streams};
use openclick::{
    Change, Consent, Dialect, LinkPlace, LinkReport, NoPlace, OnSigned, Options, PartReason, Reason, Report,
    Rewritten, Status, VisibleUrl,
};

use super::corpora::corpus;
use super::laws::delivery;
use crate::support::{MESSAGE, options, show, symbolic};

fn text_options() -> Options {
    options().text_links(true)
}

fn rewritten(options: Options, message: &[u8]) -> Rewritten {
    options.build().expect("options").rewrite_message(message, &delivery()).expect("a delivery")
}

/// A message of one text part.
fn message(header: &str, body: &str) -> Vec<u8> {
    format!("Subject: s\r\n{header}\r\n{}", body.replace('\n', "\r\n")).into_bytes()
}

/// The laws of a message with text links. Returns the body, decoded and with its tracking URLs as symbols, and the report.
fn check(options: Options, message: &[u8]) -> (String, Report) {
    let rewriter = options.build().expect("options");
    let Rewritten { bytes: output, report, .. } =
        rewriter.rewrite_message(message, &delivery()).expect("a delivery");
    assert_eq!(report.bytes_out, output.len() as u64);
    if report.links_tracked > 0 {
        let again = rewriter.rewrite_message(&output, &delivery()).expect("a delivery");
        assert_eq!(again.report.status, Status::AlreadyRewritten);
        assert!(again.bytes == output);
    }
    let restored = rewriter.restore_message(&output).expect("a sealed format");
    assert_eq!(restored.links, report.links_tracked);
    // What was taken out is gone, and lines of an encoding may be broken elsewhere.
    if report.removed_total == 0 {
        assert_eq!(decoded(&restored.bytes), decoded(message));
    }
    for line in output.split(|&byte| byte == b'\n') {
        assert!(line.len() <= 999, "{}", show(line));
    }
    (String::from_utf8_lossy(&symbolic(&decoded(&output), 0)).into_owned(), report)
}

/// The leaves' bodies, a line feed between two.
fn decoded(message: &[u8]) -> Vec<u8> {
    fn leaves(mail: &ParsedMail<'_>, out: &mut Vec<Vec<u8>>) {
        if mail.subparts.is_empty() {
            out.push(mail.get_body_raw().expect("a body"));
        }
        mail.subparts.iter().for_each(|part| leaves(part, out));
    }
    let mut out = Vec::new();
    leaves(&mailparse::parse_mail(message).expect("a message"), &mut out);
    out.join(&b'\n')
}

fn reasons(report: &Report) -> Vec<Option<Reason>> {
    report.links.iter().map(|link| link.reason()).collect()
}

const TEXT: &str = "Our shop (https://shop.example/?a=1&b=(2)) opens.\n\
    <https://shop.example/legal>[[x]]\n\
    https://shop.example/no[[data-msys-clicktrack=\"0\"]]\n\
    https://shop.example/bye[[data-msys-unsubscribe=\"1\" data-msys-linkname=\"Bye = bye\"]], or http://a@b.example/\n";

const TRACKED: &str = "Our shop (⟦click 0 https://shop.example/?a=1&b=(2)⟧) opens.\r\n\
    <⟦click 1 https://shop.example/legal⟧>[[x]]\r\n\
    https://shop.example/no\r\n\
    ⟦link_unsubscribe 3 https://shop.example/bye⟧, or http://a@b.example/\r\n";

fn quoted_printable(text: &str) -> String {
    text.replace('=', "=3D").replace("opens.", "o=\npens.").replace("/legal", "/le=\ngal")
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (index, chunk) in bytes.chunks(3).enumerate() {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        let digit = |at: usize| char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]);
        out.extend((0..4).map(|at| if at <= chunk.len() { digit(at) } else { '=' }));
        if index % 19 == 18 {
            out.push('\n');
        }
    }
    out + "\n"
}

#[test]
fn every_encoding_gives_the_same_text() {
    for (header, body) in [
        ("", TEXT.to_owned()),
        (
            "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 8bit\r\n",
            TEXT.to_owned(),
        ),
        ("Content-Transfer-Encoding: quoted-printable\r\n", quoted_printable(TEXT)),
        ("Content-Transfer-Encoding: BASE64\r\n", base64(TEXT.replace('\n', "\r\n").as_bytes())),
    ] {
        let (text, report) = check(text_options(), &message(header, &body));
        assert_eq!(text, TRACKED, "{header}");
        let expected = [None, None, Some(Reason::OptOut), None, Some(Reason::Userinfo)];
        assert_eq!(reasons(&report), expected);
        assert_eq!((report.links_total, report.links_tracked, report.removed_total), (5, 3, 3));
        for link in &report.links {
            assert_eq!((link.part, link.place, link.text.as_str()), (Some(0), LinkPlace::Text, ""));
        }
        assert_eq!(report.links[3].name.as_deref(), Some("Bye = bye"));
        let removed: Vec<_> =
            report.removed.iter().map(|removed| (&*removed.name, &*removed.value)).collect();
        assert_eq!(
            removed,
            [
                ("data-msys-clicktrack", "0"),
                ("data-msys-unsubscribe", "1"),
                ("data-msys-linkname", "Bye = bye")
            ]
        );
        let part = &report.parts[0];
        assert!(part.rewritten && part.reason.is_none() && part.charset.is_some());
        assert!(report.pixels.iter().all(|pixel| pixel.reason == Some(NoPlace::PassedThrough)));
    }
}

#[test]
fn off_means_untouched() {
    let text = message("X-Mailgun-Track-Clicks: htmlonly\r\n", TEXT);
    let off = |options: Options| {
        let rewritten = rewritten(options, &text);
        assert!(rewritten.bytes == text);
        assert_eq!(rewritten.report.links_total, 0);
        assert_eq!(rewritten.report.parts[0].reason, Some(PartReason::NotHtml));
    };
    off(options());
    off(text_options().text_links(false));
    off(text_options().dialect(Dialect::Mailgun));
    let stream = Stream::new(Layer::new().text_links(false))
        .when(Condition::header("Subject", ["s"]).expect("a header"));
    let mut streams = Streams::new();
    streams.push(stream).expect("a stream");
    off(text_options().streams(streams));
    // A stream also switches on; a header never does.
    let mut streams = Streams::new();
    streams.push(Stream::new(Layer::new().text_links(true))).expect("a stream");
    assert_eq!(rewritten(options().streams(streams), &text).report.links_tracked, 3);
    let asks = message("X-PM-TrackLinks: HtmlAndText\r\n", TEXT);
    assert!(rewritten(options().dialect(Dialect::Postmark), &asks).bytes == asks);
}

#[test]
fn without_consent_suffixes_go_and_links_stay() {
    let text = message("", TEXT);
    let no = delivery().tracking(Consent::OPENS);
    let rewriter = text_options().build().expect("options");
    for rewritten in [
        rewriter.rewrite_message(&text, &no).expect("a delivery"),
        rewritten(text_options().click_tracking(false), &text),
    ] {
        let body = String::from_utf8(rewritten.bytes).expect("UTF-8");
        assert!(!body.contains("msys") && body.contains("https://shop.example/bye, or"));
        assert_eq!(rewritten.report.links_left[&Reason::Off], 5);
    }
    assert!(
        options().build().expect("options").rewrite_message(&text, &no).expect("a delivery").bytes == text
    );
}

#[test]
fn flowed_text() {
    let flowed = "Content-Type: text/plain; format=flowed\r\n";
    let body = "See the shop at https://shop.example/a \n-and https://shop.example/b \n\n> https://shop.example/c \n> d\n\
        \x20From https://shop.example/d\n-- \nhttps://shop.example/e[[data-msys-linkname=\"one \ntwo\"]] \nend\n";
    let (text, report) = check(text_options(), &message(flowed, body));
    let expected = "See the shop at ⟦click 0 https://shop.example/a⟧ \n-and ⟦click 1 https://shop.example/b⟧ \n\n\
        > ⟦click 2 https://shop.example/c⟧ \n> d\n From ⟦click 3 https://shop.example/d⟧\n-- \n\
        ⟦click 4 https://shop.example/e⟧ \nend\n";
    assert_eq!(text, expected.replace('\n', "\r\n"));
    assert_eq!(report.links[4].name.as_deref(), Some("one two"));

    let delsp = "Content-Type: text/plain; format=flowed; delsp=yes\r\n";
    let body =
        "https://shop.example/a \nb \n c  \nd https://shop.example/e \n\n> https://shop.example/f \n>> g\n";
    let message = message(delsp, body);
    let Rewritten { bytes, report, .. } = rewritten(text_options(), &message);
    let expected = "⟦click 0 https://shop.example/abc⟧  \nd ⟦click 1 https://shop.example/e⟧ \n\n\
        > ⟦click 2 https://shop.example/f⟧ \n>> g\n";
    assert_eq!(symbolic(&decoded(&bytes), 0), expected.replace('\n', "\r\n").into_bytes());
    assert_eq!(report.links[0].raw, "https://shop.example/a \r\nb \r\n c");
    assert_eq!(report.links[0].target.as_deref(), Some("https://shop.example/abc"));
    // The way back does not break it again.
    let restored = text_options().build().expect("options").restore_message(&bytes).expect("sealed");
    assert_eq!(
        restored.bytes,
        String::from_utf8_lossy(&message).replace("a \r\nb \r\n c", "abc").into_bytes()
    );
}

#[test]
fn lines_that_would_be_too_long_keep_their_links() {
    let long = "x".repeat(900);
    let body = format!("{long} https://shop.example/a https://shop.example/b\nhttps://shop.example/c\n");
    let (text, report) = check(text_options(), &message("", &body));
    assert_eq!(reasons(&report)[1..], [Some(Reason::LineTooLong), None]);
    assert!(text.contains("https://shop.example/b\r\n⟦click 2"));
    let header = "Content-Transfer-Encoding: quoted-printable\r\n";
    let (text, report) = check(text_options(), &message(header, &body));
    assert_eq!(report.links_tracked, 3);
    assert!(text.starts_with(&format!("{long} ⟦click 0 https://shop.example/a⟧ ⟦click 1")));
}

#[test]
fn charsets() {
    for (label, url, target) in [
        ("utf-8", "https://käse.example/ü".as_bytes(), Some("https://käse.example/ü")),
        ("iso-8859-1", b"https://k\xe4se.example/\xfc", Some("https://käse.example/ü")),
        ("shift_jis", b"https://e.example/a\x81\x42", Some("https://e.example/a")),
        ("iso-2022-jp", b"\x1b$B$\"\x1b(Bhttps://e.example/a \x1b$B$\"\x1b(B", Some("https://e.example/a")),
        ("iso-2022-jp", b"https://e.example/\x1b$B$\"\x1b(B", None),
        ("x-mine", b"\xe4https://e.example/a \xe4", Some("https://e.example/a")),
        ("x-mine", b"https://e.example/\xe4", None),
        ("utf-8", b"https://e.example/\xe4", None),
        ("utf-7", b"https://e.example/a", None),
    ] {
        let header =
            format!("Content-Type: text/plain; charset={label}\r\nContent-Transfer-Encoding: 8bit\r\n");
        let mut message = message(&header, "a ");
        message.extend_from_slice(url);
        message.extend_from_slice(b"\r\n");
        let (_, report) = check(text_options(), &message);
        assert_eq!(report.links_tracked, u64::from(target.is_some()), "{label} {}", show(url));
        if let Some(link) = report.links.first() {
            let expected = if target.is_some() { None } else { Some(Reason::BadCharset) };
            assert_eq!((link.reason(), link.target.as_deref()), (expected, target), "{label}");
        }
    }
    // UTF-16 stands in base64.
    let units = "Käse: https://e.example/ä[[data-msys-linkname=\"日本\"]].".encode_utf16();
    let bytes: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
    let header = "Content-Type: text/plain; charset=utf-16be\r\nContent-Transfer-Encoding: base64\r\n";
    let Rewritten { bytes, report, .. } = rewritten(text_options(), &message(header, &base64(&bytes)));
    assert_eq!(report.links[0].name.as_deref(), Some("日本"));
    let units: Vec<u16> =
        decoded(&bytes).chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).expect("UTF-16");
    assert_eq!(symbolic(text.as_bytes(), 0), "Käse: ⟦click 0 https://e.example/ä⟧.".as_bytes());
}

#[test]
fn links_are_counted_through_all_parts() {
    let body = "--b\nContent-Type: text/plain\n\nhttps://e.example/a\n--b\nContent-Type: text/html\n\n\
        <a href=\"https://e.example/b\">https://e.example/b</a>\n--b\nContent-Type: text/plain\n\
        Content-Disposition: attachment\n\nhttps://e.example/c\n--b\nContent-Type: text/plain\n\n\
        https://e.example/d\n--b\nContent-Type: text/csv\n\nhttps://e.example/e\n--b--\n";
    let header = "Content-Type: multipart/alternative; boundary=b\r\n";
    let (text, report) = check(text_options(), &message(header, body));
    let links: Vec<_> = report.links.iter().map(|link| (link.index, link.part, link.place)).collect();
    let expected =
        [(0, Some(1), LinkPlace::Text), (1, Some(2), LinkPlace::Html), (2, Some(4), LinkPlace::Text)];
    assert_eq!(links, expected);
    assert!(text.contains("⟦click 2 https://e.example/d⟧") && text.contains("https://e.example/c"));
    assert_eq!(report.pixels.len(), 2);
    assert!(report.pixels.iter().all(|pixel| pixel.part == Some(2) && pixel.place.is_some()));
    // The cap and the caller's rule count them together, and a link that shows its own URL stays one.
    let capped = rewritten(text_options().max_links(1), &message(header, body)).report;
    assert_eq!(reasons(&capped), [None, Some(Reason::MaxLinks), Some(Reason::MaxLinks)]);
    let visible = rewritten(text_options().visible_url(VisibleUrl::Leave), &message(header, body)).report;
    assert_eq!(reasons(&visible), [None, Some(Reason::VisibleUrl), None]);
}

#[test]
fn what_is_closed_stays_closed() {
    let armour = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhttps://e.example/a\n";
    let signed = "--b\nContent-Type: text/plain\n\nhttps://e.example/a\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n";
    for (header, body, reason) in [
        ("", armour, PartReason::Pgp),
        ("Content-Type: multipart/signed; boundary=b\r\n", signed, PartReason::Signed),
        ("Content-Disposition: attachment\r\n", "https://e.example/a\n", PartReason::Attachment),
        ("Content-Transfer-Encoding: x-mine\r\n", "https://e.example/a\n", PartReason::Encoding),
        ("Content-Transfer-Encoding: base64\r\n", "https://e.example/a\n", PartReason::Ambiguous),
    ] {
        let message = message(header, body);
        let rewritten = rewritten(text_options(), &message);
        assert!(rewritten.bytes == message);
        assert_eq!(rewritten.report.parts.last().and_then(|part| part.reason), Some(reason));
    }
    let sealed = message("DKIM-Signature: v=1\r\n", "https://e.example/a\n");
    assert!(rewritten(text_options(), &sealed).bytes == sealed);
}

#[test]
fn unsubscribe_own_links_and_dialects() {
    let body = "https://e.example/bye https://track.example.com/x https+notrack://e.example/a {{url}} \
        https://e.example/{{id}} https://e.example/をご https://skip.example/ https://e.example/[[data-msys-sublink=\"app\"]]\n";
    let header = "List-Unsubscribe: <https://e.example/bye>\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: 8bit\r\n";
    let options = || text_options().dialect(Dialect::Postal).skip_host("skip.example");
    let Rewritten { bytes, report, .. } = rewritten(options(), &message(header, body));
    let expected = [
        Some(Reason::Unsubscribe),
        Some(Reason::AlreadyTracked),
        Some(Reason::OptOut),
        Some(Reason::MergeTag),
        Some(Reason::Unparsable),
        Some(Reason::SkipHost),
        None,
    ];
    assert_eq!(reasons(&report), expected);
    assert_eq!(report.links[2].target.as_deref(), Some("https://e.example/a"));
    assert!(matches!(report.changes[..], [Change::SchemeRestored { part: Some(0), .. }]));
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(
        text.contains(" https://e.example/a {{url}} ") && text.contains(" https://track.example.com/app/I")
    );
    // Tokens of another message are links like others; that of this one ends the rewrite.
    let other = options().build().expect("options");
    let first = other.rewrite_message(&message(header, body), &delivery()).expect("a delivery").bytes;
    let again = other.rewrite_message(&first, &openclick::Delivery::new("other")).expect("a delivery").report;
    // The opt-out left no trace: its link is tracked now.
    assert_eq!((again.links_tracked, again.links_left[&Reason::AlreadyTracked]), (1, 2));
    assert_eq!(
        other.rewrite_message(&first, &openclick::Delivery::new(MESSAGE)).expect("a delivery").bytes,
        first
    );
}

/// Real mail, with and without its line ends: every text part is the author's but for URLs and suffixes.
#[test]
fn real_mail_keeps_its_text() {
    let rewriter = text_options().on_signed(OnSigned::Rewrite).build().expect("options");
    let (mut links, mut tracked) = (0, 0);
    for name in ["spamassassin", "mail-parser"] {
        let Some(folder) = corpus(name) else { continue };
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if !path.is_file() {
                continue;
            }
            let message = std::fs::read(&path).expect("a message");
            let Rewritten { bytes, report, .. } =
                rewriter.rewrite_message(&message, &delivery()).expect("a delivery");
            let restored = rewriter.restore_message(&bytes).expect("sealed");
            let is_text = |link: &&LinkReport| link.place == LinkPlace::Text;
            links += report.links.iter().filter(is_text).count();
            tracked += report.links.iter().filter(is_text).filter(|link| link.is_tracked()).count();
            if report.links.iter().all(|link| is_text(&link)) && report.pixels.is_empty() {
                // Broken mail may have parts that mailparse cannot decode.
                let before = mailparse::parse_mail(&message).and_then(|mail| mail.get_body_raw());
                let after = mailparse::parse_mail(&restored.bytes).and_then(|mail| mail.get_body_raw());
                if let (Ok(before), Ok(after)) = (before, after) {
                    assert!(before == after, "{}", path.display());
                }
            }
            assert!(restored.unopened.is_empty(), "{}", path.display());
        }
    }
    println!("{tracked} of {links} links in text tracked");
}
