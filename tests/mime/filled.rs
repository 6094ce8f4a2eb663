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
