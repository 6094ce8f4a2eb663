//! Several parts: which get pixels, how links are counted, and what changes in the header.

use openclick::addressee::RecipientUnknown;
use openclick::{Change, Delivery, Options, PartReason, Status};

use super::laws::delivery;
use crate::support::{MESSAGE, decoder, options, rewriter};

fn html(name: &str) -> String {
    format!("Content-Type: text/html\r\n\r\n<p><a href=\"http://x.example/{name}\">{name}</a></p>\r\n")
}

fn multipart(kind: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}")).collect();
    format!("Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
}

/// Of alternatives each gets the pixels, since only one is shown; of parts that follow each other the first.
#[test]
fn pixels_go_where_they_are_seen_once() {
    let related = multipart("related", "r", &[&html("two"), "Content-Type: image/png\r\n\r\npng\r\n"]);
    let mixed = multipart("mixed", "n", &[&html("three"), &html("four")]);
    let alternative = multipart("alternative", "a", &[&html("one"), &related, &mixed]);
    let message = format!("To: a@b.example\r\n{}", multipart("mixed", "m", &[&alternative, &html("five")]));
    let rewritten = rewriter().rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    let report = &rewritten.report;
    let with_pixels: Vec<&str> = report
        .parts
        .iter()
        .enumerate()
        .filter(|(index, _)| report.pixels.iter().any(|pixel| pixel.part == Some(*index as u32)))
        .map(|(_, part)| part.path.as_str())
        .collect();
    assert_eq!(with_pixels, ["1.1", "1.2.1", "1.3.1"]);
    assert_eq!(report.pixels.len(), 6);
    // Links are counted through the whole message, and their tokens say so.
    let indices: Vec<u32> = report.links.iter().map(|link| link.index).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4]);
    let text = String::from_utf8(rewritten.bytes).expect("UTF-8");
    for (index, name) in ["one", "two", "three", "four", "five"].into_iter().enumerate() {
        let (before, _) = text.split_once(&format!("\">{name}</a>")).expect("the link");
        let url = &before[before.rfind("https://").expect("a URL")..];
        let token = decoder().decode(url).expect("a token");
        assert_eq!(
            (token.link_index(), token.target()),
            (Some(index as u32), Some(&*format!("http://x.example/{name}")))
        );
    }
    let image = report.parts.iter().find(|part| part.media_type == "image/png").expect("the image");
    assert_eq!((image.path.as_str(), image.reason), ("1.2.2", Some(PartReason::NotHtml)));
}

#[test]
fn lengths_in_the_header_are_brought_up_to_date() {
    let body = "<p><a href=\"http://x.example/\">x</a></p>\r\n";
    let message = format!(
        "From a@b.example Mon\r\nTo: a@b.example\r\nContent-Length: {}\r\nLines:  1\r\nContent-Type: text/html\r\n\r\n{body}",
        body.len()
    );
    let made = options().open_tracking(false).build().expect("options");
    let rewritten = made.rewrite_message(message.as_bytes(), &Delivery::of_message()).expect("a delivery");
    let text = String::from_utf8(rewritten.bytes).expect("UTF-8");
    let (header, after) = text.split_once("\r\n\r\n").expect("a blank line");
    // The id that was made stands in front, behind mbox's own line.
    let id =
        header.strip_prefix("From a@b.example Mon\r\nX-Sp-Message-Id: ").expect("an id").split("\r\n").next();
    assert_eq!(rewritten.report.message_id.as_deref(), id);
    assert!(header.contains(&format!("\r\nContent-Length: {}\r\nLines:  1\r\n", after.len())), "{header}");
    let names: Vec<&str> = rewritten
        .report
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::FieldInserted { name, .. } | Change::FieldUpdated { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["X-Sp-Message-Id", "Content-Length"]);
}

#[test]
fn a_wrong_name_is_worse_than_no_name() {
    let message = format!("To: a@b.example, c@d.example\r\nMessage-ID: <{MESSAGE}>\r\n{}", html("x"));
    let report = rewriter().plan_message(message.as_bytes(), &Delivery::of_message()).expect("a delivery");
    assert_eq!(report.recipient_unknown, Some(RecipientUnknown::Several));
    assert_eq!((report.status, report.message_id.as_deref()), (Status::Rewritten, Some(MESSAGE)));
}

/// UTF-16 comes back in code units, and what stands in Japanese between escapes is no markup.
#[test]
fn charsets_that_are_no_bytes() {
    let units = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let plain = "\u{feff}<p>日本<a href=\"http://x.example/é\">x</a></p>";
    let encode = |bytes: &[u8]| {
        use std::fmt::Write;
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "={byte:02X}");
            text
        })
    };
    let message = format!(
        "To: a@b.example\r\nContent-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}",
        encode(&units(plain))
    );
    let rewritten = rewriter().rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    assert_eq!(rewritten.report.links[0].target.as_deref(), Some("http://x.example/é"));
    let restored = rewriter().restore_message(&rewritten.bytes).expect("sealed");
    assert_eq!((restored.links, restored.pixels), (1, 2));
    let (_, body) = message.split_once("\r\n\r\n").expect("a body");
    let decode =
        |text: &str| quoted_printable::decode(text, quoted_printable::ParseMode::Robust).expect("QP");
    let restored = String::from_utf8(restored.bytes).expect("ASCII");
    assert_eq!(decode(restored.split_once("\r\n\r\n").expect("a body").1), decode(body));

    let japanese = b"To: a@b.example\r\nContent-Type: text/html; charset=iso-2022-jp\r\n\r\n\
        <p>\x1b$B<a href=\"http\x1b(B<a href=\"http://x.example/\">x</a><a href=\"http://y.example/\x1b$B$\"\x1b(B\">y</a>\r\n";
    let report = rewriter().plan_message(japanese, &delivery()).expect("a delivery");
    let said: Vec<_> = report.links.iter().map(|link| link.reason().map(|reason| reason.as_str())).collect();
    assert_eq!(said, [None, Some("bad-charset")]);
}

/// A link whose tracking URL no line holds is left, and the rest is done.
#[test]
fn a_line_that_would_be_too_long() {
    let made: Options = options().max_url_length(2000);
    let made = made.build().expect("options");
    let long = format!("http://x.example/{}", "0a1b2c3d4e5f".repeat(90));
    let message = format!(
        "To: a@b.example\r\nContent-Type: text/html\r\n\r\n<p><a href=\"{long}\">x</a>\r\n<a href=\"http://y.example/\">y</a></p>\r\n"
    );
    let rewritten = made.rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    let said: Vec<_> =
        rewritten.report.links.iter().map(|link| link.reason().map(|reason| reason.as_str())).collect();
    assert_eq!(said, [Some("line-too-long"), None]);
    let text = String::from_utf8(rewritten.bytes).expect("UTF-8");
    assert!(text.contains(&format!("href=\"{long}\"")));
    assert_eq!((rewritten.report.links_tracked, rewritten.report.links_left.len()), (1, 1));
}
