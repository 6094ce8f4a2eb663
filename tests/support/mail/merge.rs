//! Merge fields in the parts of a message: a template renders what a rewrite of the filled message gives.

use openclick::{Consent, Delivery, MergeSyntax};

use super::codec::{to_base64, to_quoted_printable};
use crate::support::{delivery, merge, options, show};

/// What could end a part, a line or its encoding.
const VALUES: &[&str] = &[
    "Ann",
    "",
    "a value that is long enough for a line of its own, so that two soft breaks are needed at least where it stands",
    "-----BEGIN PGP MESSAGE",
    "BEGIN",
    "GIN PGP ",
    "-",
    "--=b",
    "\n--=b\n",
    "\r\n.\r\n",
    "From ",
    "m ",
    ".",
    "=",
    "=41",
    "=\n",
    "0A",
    " ",
    "a ",
    "\t",
    "https://shop.example/?a=1&b=2",
    "\u{e9}\u{1f600}",
    "\u{feff}",
    "\u{fe}",
];

/// The fields `a` to `d` of a delivery.
fn values(choices: &[u8]) -> Delivery {
    let names = ["a", "b", "c", "d"];
    names.iter().zip(choices.iter().chain(&[0; 4])).fold(delivery(), |delivery, (name, choice)| {
        let choice = usize::from(*choice);
        let all = VALUES.iter().chain(merge::VALUES);
        delivery.field(*name, *all.cycle().nth(choice).expect("many"))
    })
}

/// The body of the fuzz target: the first bytes choose, the rest is the HTML or chooses it.
pub(crate) fn any(bits: u8, choices: &[u8], html: &[u8]) {
    let (chosen, places) = choices.split_at(choices.len().min(9));
    let html = merge::template(html, places);
    let line_end = if bits & 8 == 0 { "\r\n" } else { "\n" };
    let width = 60 + usize::from(chosen.get(8).copied().unwrap_or(16) % 40);
    let (encoding, html) = match bits & 7 {
        0 | 1 => ("quoted-printable", to_quoted_printable(&html, width, line_end)),
        // What authors and filters make of it.
        2 => ("quoted-printable", html),
        3 => ("base64", to_base64(&html, width, line_end)),
        4 => ("base64", to_base64(&html, 10_000, line_end)),
        5 => ("8bit", html),
        6 => ("7bit", html),
        _ => ("binary", html),
    };
    let charset = ["; charset=utf-8", "", "; charset=iso-8859-1", "; charset=x-unknown"];
    let charset = charset[usize::from(bits >> 4 & 3)];
    let part = |kind: &str, body: &[u8]| {
        let header = format!(
            "Content-Type: text/{kind}{charset}{line_end}Content-Transfer-Encoding: {encoding}{line_end}{line_end}"
        );
        [header.as_bytes(), body].concat()
    };
    let start = format!(
        "Message-ID: <m1@example.com>{line_end}Subject: {{{{a}}}} x{line_end}MIME-Version: 1.0{line_end}"
    );
    let message = if bits & 64 == 0 {
        [start.as_bytes(), &part("html", &html)].concat()
    } else {
        let delimiter = format!("{line_end}--=b{line_end}");
        let start =
            format!("{start}Content-Type: multipart/alternative; boundary=\"=b\"{line_end}{delimiter}");
        let second = part("html", b"<p>{{b}}<a href=3D'https://shop.example/{{a}}'>x</a>");
        let parts = [&part("plain", b"Hi {{a}},\n{{ d or 'you' }}")[..], &part("html", &html), &second];
        [
            start.as_bytes(),
            &parts.join(delimiter.as_bytes()),
            format!("{line_end}--=b--{line_end}").as_bytes(),
        ]
        .concat()
    };
    let options = match bits & 128 {
        0 => options(),
        _ => options().max_links(2).open_tracking(false),
    };
    check(&message, options, &chosen[..chosen.len().min(8)]);
}

/// The law for one message and the values of two deliveries.
pub(crate) fn check(message: &[u8], options: openclick::Options, chosen: &[u8]) {
    let rewriter = options.merge_fields([MergeSyntax::Mustache]).build().expect("options");
    let template = rewriter.compile_message(message).expect("a template");
    let (one, other) = chosen.split_at(chosen.len().min(4));
    for delivery in [values(one), values(other)] {
        let names = template.fields().filter(|(name, _)| !["a", "b", "c", "d", "missing"].contains(name));
        let delivery = names.fold(delivery, |delivery, (name, _)| delivery.field(name, "x.example"));
        for consent in [Consent::ALL, Consent::NONE] {
            let delivery = delivery.clone().tracking(consent);
            let mut out = b"before".to_vec();
            let rendered = template.render_to(&delivery, &mut out);
            let filled = match template.substitute(&delivery) {
                Ok(filled) => filled,
                Err(error) => {
                    assert_eq!(rendered.expect_err("no place for a value").to_string(), error.to_string());
                    assert_eq!(out, b"before");
                    continue;
                }
            };
            rendered.expect("a place for all values");
            let expected = rewriter.rewrite_message(&filled, &delivery).expect("a delivery").bytes;
            assert!(
                out[b"before".len()..] == expected,
                "{}\nexpected: {}\nfilled: {}\ntemplate: {}",
                show(&out),
                show(&expected),
                show(&filled),
                show(message)
            );
        }
    }
}
