//! Messages as templates: what stands in their header and their texts, as another parser reads it.

use mailparse::MailHeaderMap;
use openclick::{Consent, Delivery, ErrorKind, MergeSyntax, Rewriter};

use crate::support::options;

fn rewriter() -> Rewriter {
    options().text_links(true).merge_fields([MergeSyntax::Mustache]).build().expect("options")
}

fn delivery() -> Delivery {
    Delivery::new("m1").field("name", "Jos\u{e9} <b> & \u{65e5}").field("q", "a b&c").tracking(Consent::NONE)
}

/// A message of plain text and HTML in this encoding.
fn message(charset: &str, encoding: &str, encode: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let part = |kind: &str, text: &str| {
        let header = format!(
            "--=b\r\nContent-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        [header.as_bytes(), &encode(text), b"\r\n"].concat()
    };
    let header = "From: shop@example.com\r\nSubject: {{name}}, your \u{201c}order\u{201d}\r\nTo: \"{{name}}\" <{{to}}>\r\n\
        Message-ID: <m1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=b\"\r\n\r\n";
    let html = "<p title=\"{{name}}\">Hi {{name}},<a href=\"https://shop.example/?q={{q}}\">shop</a> {{{name}}} {{x or 'y'}}</p>";
    [header.as_bytes(), &part("plain", "Hi {{name}}, {{x or 'y'}}"), &part("html", html), b"--=b--\r\n"]
        .concat()
}

fn check(message: &[u8], text: &str, html: &str) {
    let template = rewriter().compile_message(message).expect("a template");
    let delivery = delivery().field("to", "jose@example.org");
    let filled = template.substitute(&delivery).expect("all values");
    let parsed = mailparse::parse_mail(&filled).expect("a message");
    let value = |name: &str| parsed.headers.get_first_value(name).expect(name);
    assert_eq!(value("Subject"), "Jos\u{e9} <b> & \u{65e5}, your \u{201c}order\u{201d}");
    let to =
        mailparse::addrparse_header(parsed.headers.get_first_header("To").expect("To")).expect("addresses");
    let single = to.extract_single_info().expect("one address");
    assert_eq!(
        (single.addr.as_str(), single.display_name.as_deref()),
        ("jose@example.org", Some("Jos\u{e9} <b> & \u{65e5}"))
    );
    assert!(filled[..300].is_ascii());
    assert_eq!(parsed.subparts[0].get_body().expect("text").trim_end(), text);
    assert_eq!(parsed.subparts[1].get_body().expect("html").trim_end(), html);
    // Rendering is the rewriting of it.
    for consent in [Consent::ALL, Consent::NONE] {
        let delivery = delivery.clone().tracking(consent);
        let rendered = template.render(&delivery).expect("all values");
        assert_eq!(rendered, rewriter().rewrite_message(&filled, &delivery).expect("a delivery"));
        let mut out = Vec::new();
        template.render_to(&delivery, &mut out).expect("all values");
        assert!(out == rendered.bytes);
        assert_eq!(rendered.report.links_tracked, u64::from(consent == Consent::ALL));
    }
}

#[test]
fn fields_in_each_encoding() {
    let plain = "Hi Jos\u{e9} <b> & \u{65e5}, y";
    let html = |letters: [&str; 2]| {
        let [e, sun] = letters;
        format!(
            "<p title=\"Jos{e} &lt;b&gt; &amp; {sun}\">Hi Jos{e} &lt;b&gt; &amp; {sun},\
             <a href=\"https://shop.example/?q=a%20b%26c\">shop</a> Jos{e} <b> & {sun} y</p>"
        )
    };
    let utf8 = html(["\u{e9}", "\u{65e5}"]);
    check(&message("utf-8", "8bit", |text| text.as_bytes().to_vec()), plain, &utf8);
    check(&message("utf-8", "quoted-printable", |text| text.replace('=', "=3D").into_bytes()), plain, &utf8);
    check(
        &message("utf-8", "base64", |text| {
            crate::support::mail::codec::to_base64(text.as_bytes(), 76, "\r\n")
        }),
        plain,
        &utf8,
    );
    // What a charset lacks becomes a reference; in plain text there is none.
    let latin = message("iso-8859-1", "quoted-printable", |text| text.replace('=', "=3D").into_bytes());
    check(&latin, "Hi Jos\u{e9} <b> & ?, y", &html(["\u{e9}", "&#26085;"]));
    // HTML has references for what 7bit lacks.
    let seven = message("us-ascii", "7bit", |text| text.replace("Hi {{name}}, {{x", "Hi {{x").into_bytes());
    check(&seven, "Hi y", &html(["&#233;", "&#26085;"]));
}

#[test]
fn what_cannot_be_filled() {
    let template = rewriter()
        .compile_message(b"To: <{{to}}>\nSubject: {{s}}\nContent-Type: text/plain\n\n{{name}}\n".as_slice())
        .expect("a template");
    let names: Vec<_> = template.fields().collect();
    assert_eq!(names, [("to", false), ("s", false), ("name", false)]);
    let base = Delivery::new("m1").field("s", "x");
    for (delivery, expected) in [
        (base.clone().field("name", "x"), "expected a value for the merge field `to`, found none"),
        (
            base.clone().field("to", "a@b.example>, <c@d.example").field("name", "x"),
            "expected a value of `to` that can stand in `<…>` in `To`",
        ),
        (
            base.clone().field("to", "a@b.example").field("name", "x".repeat(999)),
            "the values cannot go into part 1: a line would have more than 998 octets, begin with `From ` or be a delimiter; \
             quoted-printable has room",
        ),
        (
            base.clone().field("to", "a@b.example").field("name", "Jos\u{e9}"),
            "the values cannot go into part 1: it is 7bit, and they are not ASCII; quoted-printable and 8bit have room",
        ),
        (base.clone().header("a b", "x"), "expected the name of a header field, found `a b`"),
        (
            base.clone().header("To", "x\r\nBcc: y@example.org"),
            "expected a value of the header field `To` without control characters",
        ),
    ] {
        let mut out = b"x".to_vec();
        let error = template.render_to(&delivery, &mut out).expect_err(expected);
        assert_eq!(
            (error.kind(), error.to_string().as_str(), out.as_slice()),
            (ErrorKind::Delivery, expected, &b"x"[..])
        );
    }
}

/// The header of each recipient is that of the delivery.
#[test]
fn headers_of_deliveries() {
    let message = b"Received: x\r\nTo: old@example.org\r\nX-A: 1\r\nX-B: 2\r\nto: older@example.org\r\n\
        Content-Type: text/html\r\n\r\n<a href=https://shop.example/>x</a>\r\n";
    let template =
        options().build().expect("options").compile_message(message.as_slice()).expect("a template");
    let delivery =
        Delivery::new("m1").header("X-New", "1").header("TO", "new@example.org").header("x-b", "3");
    let filled = template.substitute(&delivery).expect("no fields");
    assert!(filled.starts_with(
        b"X-New: 1\r\nReceived: x\r\nTo: new@example.org\r\nX-A: 1\r\nX-B: 3\r\nContent-Type: text/html\r\n\r\n"
    ));
    // The recipient is that of the new header.
    let report = template.render(&delivery).expect("no fields").report;
    assert_eq!((report.recipient_unknown, report.links_tracked), (None, 1));
}

/// Subjects as mail programs write them, and texts that are not read.
#[test]
fn encoded_subjects_and_unread_parts() {
    let message = b"Message-ID: <m1@x.example>\nSubject: =?UTF-8?B?R3LDvMOfZSB7e25hbWV9fQ==?=\nX-A: Gr\xfc\xdfe {{name}}\n\
        MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
        --b\nContent-Type: text/x-amp-html\n\n<p>{{name}}\n\
        --b\nContent-Type: text/html; charset=utf-7\n\n<p>{{name}}\n\
        --b\nContent-Type: text/plain\nContent-Disposition: attachment\n\n{{name}}\n--b--\n";
    let template = rewriter().compile_message(message.as_slice()).expect("a template");
    assert_eq!(template.other_tags().len(), 2);
    let filled =
        template.substitute(&Delivery::new("m1").field("name", "Jos\u{e9} =?x?=")).expect("all values");
    let parsed = mailparse::parse_mail(&filled).expect("a message");
    for (name, expected) in
        [("Subject", "Gr\u{fc}\u{df}e Jos\u{e9} =?x?="), ("X-A", "Gr\u{fc}\u{df}e Jos\u{e9} =?x?=")]
    {
        assert_eq!(parsed.headers.get_first_value(name).as_deref(), Some(expected));
    }
    let error = rewriter().compile_html(b"\xff\xfe<\0".as_slice()).expect_err("UTF-16");
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

/// A comma in an encoded name parts no addresses.
#[test]
fn encoded_names_stay() {
    let message = b"To: =?utf-8?Q?Doe=2C_John?= <{{to}}>\nContent-Type: text/plain\n\nx\n";
    let template = rewriter().compile_message(message.as_slice()).expect("a template");
    let delivery =
        Delivery::new("m1").field("to", "j@e.org").header("Cc", "=?utf-8?Q?Roe=2C_Ann?= <a@e.org>");
    let filled = template.substitute(&delivery).expect("all values");
    assert!(
        filled.starts_with(b"Cc: =?utf-8?Q?Roe=2C_Ann?= <a@e.org>\nTo: =?utf-8?Q?Doe=2C_John?= <j@e.org>\n")
    );
}
