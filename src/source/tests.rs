//! Reading mail without changing it.

use std::fmt::Write;

use super::*;

fn told(html: &str) -> String {
    let mut told = String::new();
    let markup = Markup::new(html.as_bytes(), None);
    markup.events(|event| {
        let mark = |outlook: bool| if outlook { "*" } else { "" };
        match event {
            Event::StartTag(tag) => {
                let dropped = if tag.namespace().is_none() { "!" } else { "" };
                let template = if tag.is_in_template() { "~" } else { "" };
                write!(told, "<{}{dropped}{template}{}", tag.name(), mark(tag.is_outlook())).unwrap();
                for attribute in tag.attributes() {
                    write!(told, " {}={}", attribute.name(), attribute.value().unwrap_or_default()).unwrap();
                    assert_eq!(
                        &html[attribute.value_range()],
                        html[attribute.range()]
                            .split_once('=')
                            .map_or("", |(_, value)| value.trim_matches('"'))
                    );
                }
                told.push('>');
            }
            Event::EndTag(tag) => write!(told, "</{}{}>", tag.name(), mark(tag.is_outlook())).unwrap(),
            Event::Text { range, outlook } => {
                write!(told, "[{}{}]", &html[range], mark(outlook)).unwrap();
            }
            Event::Comment { range } => write!(told, "({})", &html[range]).unwrap(),
        }
    });
    told
}

#[test]
fn everything_is_told_in_order() {
    for (html, expected) in [
        ("<P class=\"a&amp;b\" x>Hi<br></p>", "<p class=a&b x=>[Hi]<br></p>"),
        ("<style>a{}<p></style><!-- c -->x", "<style></style>(<!-- c -->)[x]"),
        (
            "<!--[if mso]><v:rect href=u>t</v:rect><![endif]-->",
            "(<!--[if mso]><v:rect href=u>t</v:rect><![endif]-->)<v:rect* href=u>[t*]</v:rect*>",
        ),
        ("<template><a href=x>y</a></template>", "<template><a~ href=x>[y]</a></template>"),
        ("<p><tr><td>x", "<p><tr!><td!>[x]"),
        ("<svg><title>a<b></title></svg>", "<svg><title>[a]<b></title></svg>"),
    ] {
        assert_eq!(told(html), expected, "{html}");
    }
}

#[test]
fn offsets_in_a_message_are_where_the_encoding_begins() {
    let html = "<p>=E4 \u{e9}<a href=x>";
    let utf16: Vec<u8> = html.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let base64 = |bytes: &[u8], width: usize| -> String {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        text.as_bytes()
            .chunks(width)
            .map(|line| format!(" {}\r\n", std::str::from_utf8(line).unwrap()))
            .collect()
    };
    for (charset, encoding, body) in [
        ("utf-8", "8bit", html.to_owned()),
        ("utf-8", "quoted-printable", "<p>=\r\n=3DE4 =C3=\r\n=A9=\r\n<a href=3Dx>\r\n".to_owned()),
        ("utf-8", "base64", base64(html.as_bytes(), 1)),
        ("utf-8", "base64", base64(html.as_bytes(), 7)),
        ("utf-16be", "base64", base64(&utf16, 5)),
    ] {
        let header = format!(
            "Subject: x\r\nContent-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        let source = format!("{header}{body}");
        let message = Message::parse(source.as_bytes());
        let text = message.part(0).text().expect("a text");
        assert!(text.shown().starts_with(html), "{encoding}");
        let at = text.bytes().windows(2).position(|two| two == b"<a").expect("a link");
        let found = &source[text.offset_in_message(at)..];
        // What stands there, decoded by itself, begins with the link: the naive judge tries every offset behind.
        match encoding {
            "base64" => {
                let before: String =
                    source[header.len()..source.len() - found.len()].split_whitespace().collect();
                let unit = if charset == "utf-16be" { 2 } else { 1 };
                let octets = html
                    .split("<a")
                    .next()
                    .unwrap()
                    .chars()
                    .map(|c| if unit == 2 { 2 } else { c.len_utf8() });
                let octets: usize = octets.sum();
                assert_eq!(before.len(), octets / 3 * 4 + octets % 3, "{charset}");
                assert!(!found.starts_with([' ', '\r']), "{found:?}");
            }
            _ => assert!(found.starts_with("<a href="), "{encoding}: {found:?}"),
        }
    }
}

#[test]
fn many_lines_have_their_checkpoints() {
    let html = "<p>x</p>".repeat(500);
    for (encoding, body) in [
        ("quoted-printable", html.replace('<', "=3C").replace("x", "x=\n")),
        ("base64", {
            use base64::Engine;
            let text = base64::engine::general_purpose::STANDARD.encode(&html);
            text.as_bytes().chunks(10).flat_map(|line| [line, b"\n"].concat()).map(char::from).collect()
        }),
    ] {
        let source = format!("Content-Type: text/html\nContent-Transfer-Encoding: {encoding}\n\n{body}");
        let message = Message::parse(source.as_bytes());
        let text = message.part(0).text().unwrap();
        assert!(text.bytes().starts_with(html.as_bytes()));
        let mut last = 0;
        for at in 0..html.len() {
            let offset = text.offset_in_message(at);
            let start = source.len() - body.len();
            let expected = match encoding {
                "base64" => at / 3 * 4 + at % 3 + (at / 3 * 4 + at % 3) / 10,
                _ => {
                    let (whole, within) = (at / 8, at % 8);
                    whole * 14 + [0, 3, 4, 5, 8, 11, 12, 13][within]
                }
            };
            assert_eq!(offset - start, expected, "{encoding} {at}");
            assert!(offset > last);
            last = offset;
        }
    }
}

#[test]
fn parts_and_fields() {
    let source = b"Subject: a\r\n b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=ISO-2022-JP\r\n\r\n\
        \x1b$B$\"\x1b(B<b>\r\n--x\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\ny\r\n--x--\r\n";
    let message = Message::parse(source);
    let parts: Vec<_> = message
        .parts()
        .map(|part| (part.path(), part.media_type(), part.reason(), part.is_attachment()))
        .collect();
    use crate::PartReason;
    assert_eq!(
        parts,
        [
            (String::new(), "multipart/mixed", Some(PartReason::Multipart), false),
            ("1".to_owned(), "text/html", None, false),
            ("2".to_owned(), "text/plain", Some(PartReason::Attachment), true)
        ]
    );
    let subject = message.field("SUBJECT").expect("a subject");
    assert_eq!((&*subject.value, &source[subject.range]), (&b"a b"[..], &b"Subject: a\r\n b\r\n"[..]));
    let text = message.part(1).text().expect("a text");
    assert_eq!((text.charset(), &*text.shown()), ("ISO-2022-JP", "\u{3042}<b>"));
    assert!(text.bytes().ends_with(b"\x80<b>"));
    assert!(message.part(0).text().is_none());
    assert_eq!(message.part(2).decoded().as_deref(), Some(&b"y"[..]));
    assert_eq!(message.part(1).fields().len(), 1);
}

#[test]
fn tags_that_hide_themselves() {
    let mut hidden = Vec::new();
    Markup::new(
        b"<div hidden><p style='color:red;max-height:0'><b style=display:block><i class=hidden>",
        None,
    )
    .events(|event| {
        if let Event::StartTag(tag) = event {
            hidden.push(tag.is_hidden());
        }
    });
    assert_eq!(hidden, [true, true, false, false]);
}
