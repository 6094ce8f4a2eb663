//! Merge fields in the parts of a message.

use proptest::prelude::*;

use crate::support::mail::merge;
use crate::support::{generator, options};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_render_is_a_rewrite_of_the_filled_message(
        bits: u8,
        values: [u8; 9],
        fields in prop::collection::vec(any::<[u8; 3]>(), 1..5),
        html in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        merge::any(bits, &[&values[..], &fields.concat()].concat(), &generator::document(&html));
    }

    #[test]
    fn in_any_bytes(bits: u8, values: [u8; 9], fields: [u8; 6], html: Vec<u8>) {
        merge::any(bits, &[&values[..], &fields].concat(), &html);
    }
}

/// Lines that hold fields, links and what quoted-printable allows between them, with every value.
#[test]
fn lines_with_fields_and_links() {
    let link = "<a href=3D\"https://shop.example/\">x</a>";
    let pieces = [
        "{{a}}",
        link,
        "<a href=3D\"https://shop.example/?q=3D{{b}}\">{{a}}</a>",
        "<a href=3D\"=\r\n{{a}}\">",
        "=\r\n",
        "\r\n",
        " \r\n",
        "=",
        "{{=\r\na}}",
        "{{a or '=\r\n'}}",
        "</body>",
        "data-msys-clicktrack=3D\"0\"",
        "<a data-msys-clicktrack=3D0 href=3Dhttps://shop.example/ >",
        "text that is long enough for a line of its own, and so on and so forth, ",
    ];
    let mut ran = 0;
    for first in pieces {
        for second in pieces {
            for third in &pieces[..7] {
                let body = format!("<p>{first}{second}{third}{link}\r\n");
                let message = format!(
                    "Message-ID: <m1@example.com>\r\nContent-Type: text/html; charset=utf-8\r\n\
                     Content-Transfer-Encoding: quoted-printable\r\n\r\n{body}"
                );
                merge::check(message.as_bytes(), options(), &[ran, ran / 7, 0, 0, 1, 2]);
                ran = ran.wrapping_add(1);
            }
        }
    }
}

/// Ends of parts: what stands in front of them may be gone, or become a part of the line end behind.
#[test]
fn ends_of_parts() {
    let head = "Message-ID: <m1@example.com>\nContent-Type: ";
    let quoted = "text/html\nContent-Transfer-Encoding: quoted-printable\n\n";
    let mixed = "multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n";
    for body in ["<p>x=\n{{a}}", "<html><body>x=\n{{a}}=\n{{a}}", "<p>x{{a}}=\n", "{{a}}", "<p>{{a}}=\n=\n"] {
        for value in 0..24 {
            merge::check(format!("{head}{quoted}{body}").as_bytes(), options(), &[value, 0, 0, 0, value]);
        }
    }
    for body in ["<p>{{a}}\n--b--\n", "<p>x\r{{a}}\n--b--\n", "{{a}} hello\n--b--\n"] {
        for value in 0..64 {
            merge::check(format!("{head}{mixed}{body}").as_bytes(), options(), &[value, 0, 0, 0, 1]);
        }
    }
}

/// A missing value is told before what else is wrong.
#[test]
fn errors_in_one_order() {
    use openclick::MergeSyntax;

    let rewriter = options().merge_fields([MergeSyntax::Mustache]).build().expect("options");
    let message = b"Message-ID: <m1@example.com>\nContent-Type: text/html\n\n<p>{{a}}\n";
    let template = rewriter.compile_message(message.as_slice()).expect("a template");
    let delivery = crate::support::delivery().campaign("x".repeat(9000));
    let mut out = Vec::new();
    let error = template.render_to(&delivery, &mut out).expect_err("no value");
    assert_eq!(error.to_string(), template.substitute(&delivery).expect_err("no value").to_string());
    // Own links in another spelling.
    let message = b"Message-ID: <m1@example.com>\nContent-Type: text/html\n\n<p><a href='{{a}}'>x</a><a href='https://y.example/'>y</a>\n";
    let template = rewriter.compile_message(message.as_slice()).expect("a template");
    for value in ["https://TRACK.example.com/", "https://Track.Example.com/x", "https://y.example/"] {
        let delivery = crate::support::delivery().field("a", value);
        let filled = template.substitute(&delivery).expect("a value");
        out.clear();
        template.render_to(&delivery, &mut out).expect("a value");
        assert!(out == rewriter.rewrite_message(&filled, &delivery).expect("a delivery").bytes, "{value}");
    }
}
