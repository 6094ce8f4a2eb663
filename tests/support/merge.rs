//! Merge fields: a template renders what a rewrite of the filled document gives, for any document and any values.

use openclick::{Consent, Delivery, MergeSyntax, Options, Rewriter};

use super::{options, show};

pub(crate) const VALUES: &[&str] = &[
    "x",
    "",
    " ",
    "Ann & Bob",
    " a",
    "<b>",
    "<a href=http://x.example/>",
    "\"",
    "' y='",
    "-->",
    "--",
    "-",
    ">",
    "é\u{1f600}",
    "https://shop.example/?a=1&b=2",
    "https://track.example.com/I1234567890",
    "//Track.example.com/",
    "https://track.exam",
    "ple.com/x",
    "{{openclick:pixel}}",
    "{{openclick:",
    "pixel}}",
    "\0",
    "\n",
    "a\r",
    "&",
    "amp;",
    "#32;",
    "32;",
    "https://user@x.example/",
    "mailto:a@b.example",
    "javascript:alert(1)",
    "http://",
    "display:none",
    "0",
    "hidden",
    "/script>",
    "{{other}}",
    "[if mso]>",
    "\u{feff}",
];

const TAGS: &[&str] = &[
    "{{a}}",
    "{{b}}",
    "{{{c}}}",
    "{{ d or 'd' }}",
    "{{missing or \"\"}}",
    "<a href=\"{{a}}\">",
    "<a href='https://x.example/?q={{b}}&amp;r={{a}}'>",
    "<a title=\"{{b}}\" href=\"https://{{a}}/\">",
    "<img src=\"{{a}}\">",
    "<img src=\"https://{{b}}.example/i.png\">",
    "<p style=\"color:{{a}}\">",
    "<font color=\"{{a}}\">",
    "<!--[if mso]><v:rect href=\"{{a}}\">{{b}}</v:rect><![endif]-->",
    "<title>{{a}}</title>",
    "<style>{{{c}}}</style>",
    "<body>{{a}}",
    "<div style=\"display:none\">{{a}}</div>",
    "{{#if a}}",
    "{{a}}{{openclick:pixel}}",
    "<table>{{a}}<tr>",
    "<b><p>{{a}}",
    "<meta charset=\"{{a}}\">",
    "<a data-msys-clicktrack=\"{{a}}\" href=https://x.example/>",
    "<input type=\"{{a}}\">",
];

/// Puts fields into a document where the choices say.
pub(crate) fn template(html: &[u8], choices: &[u8]) -> Vec<u8> {
    let mut template = html.to_vec();
    for choice in choices.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([choice[0], choice[1]]));
        let at = if template.is_empty() { 0 } else { at * 7 % (template.len() + 1) };
        let tag = TAGS[usize::from(choice[2]) % TAGS.len()];
        template.splice(at..at, tag.bytes());
    }
    template
}

/// What a delivery says of the fields, by choices.
pub(crate) fn filled(delivery: Delivery, choices: &[u8]) -> Delivery {
    let mut delivery = delivery;
    for (name, choice) in ["a", "b", "c", "d"].iter().zip(choices.iter().chain([0, 13, 0, 0].iter())) {
        let value = VALUES[usize::from(*choice) % VALUES.len()];
        // Some are long: what is looked at has limits.
        let value = match choice / 64 {
            3 if value.len() == 1 => value.repeat(6000),
            _ => value.to_owned(),
        };
        delivery = delivery.field(*name, value);
    }
    delivery
}

pub(crate) fn merging(options: Options) -> Rewriter {
    options.merge_fields([MergeSyntax::Mustache]).build().expect("options")
}

/// The law, in each of a template's ways, for one delivery after the other.
pub(crate) fn check(rewriter: &Rewriter, template: &[u8], deliveries: &[Delivery]) {
    let compiled = rewriter.compile_html(template).expect("a template");
    for delivery in deliveries {
        // A document of any bytes may have fields of its own.
        let names = compiled.fields().filter(|(name, _)| !["a", "b", "c", "d", "missing"].contains(name));
        let delivery = names.fold(delivery.clone(), |delivery, (name, _)| delivery.field(name, "x.example"));
        for consent in [Consent::ALL, Consent::CLICKS, Consent::NONE] {
            let delivery = delivery.clone().tracking(consent);
            let filled = compiled.substitute(&delivery).expect("all values");
            let expected = rewriter.rewrite_html(&filled, &delivery).expect("a delivery");
            let mut out = b"before".to_vec();
            compiled.render_to(&delivery, &mut out).expect("a delivery");
            let same = |bytes: &[u8], way: &str| {
                assert!(
                    bytes == expected.bytes,
                    "{way}: {}\nexpected: {}\nfilled: {}\ntemplate: {}",
                    show(bytes),
                    show(&expected.bytes),
                    show(&filled),
                    show(template)
                );
            };
            same(&out[b"before".len()..], "render_to");
            if consent == Consent::ALL {
                let rendered = compiled.render(&delivery).expect("a delivery");
                same(&rendered.bytes, "render");
                assert_eq!(rendered.report, expected.report, "{}", show(template));
                same(&compiled.pieces(&delivery).expect("a delivery").collect::<Vec<_>>().concat(), "pieces");
            }
        }
    }
}

/// The body of the fuzz target: the first bytes choose, the rest is the document or chooses it.
pub(crate) fn any(bits: u8, choices: &[u8], html: &[u8]) {
    let mut made = options();
    if bits & 1 != 0 {
        made = made.open_tracking(false).initial_open(false);
    }
    if bits & 2 != 0 {
        made = made.dialects(openclick::Dialect::ALL);
    }
    if bits & 4 != 0 {
        made = made.visible_url(openclick::VisibleUrl::Leave);
    }
    if bits & 8 != 0 {
        made = made.max_links(2);
    }
    if bits & 16 != 0 {
        made = made.pixel_placeholder("Ann");
    }
    let (values, places) = choices.split_at(choices.len().min(8));
    let template = template(html, places);
    let deliveries = [
        filled(super::delivery(), values.get(..4).unwrap_or_default()),
        filled(super::delivery(), values.get(4..).unwrap_or_default()),
    ];
    check(&merging(made), &template, &deliveries);
}

/// Puts fields where authors put them: in text, at the end of links, in other attributes.
pub(crate) fn sprinkled(html: &[u8]) -> Vec<u8> {
    let mut template = Vec::with_capacity(html.len() * 2);
    let (mut tags, mut links) = (0, 0);
    let mut done = 0;
    while let Some(at) = html[done..].iter().position(|byte| matches!(byte, b'>' | b'=')).map(|at| done + at)
    {
        template.extend_from_slice(&html[done..=at]);
        done = at + 1;
        let is_href = html[..at].len() >= 4 && html[at - 4..at].eq_ignore_ascii_case(b"href");
        if html[at] == b'>' {
            tags += 1;
            if tags % 9 == 0 {
                template.extend_from_slice([&b"{{a}}"[..], b" {{ d or 'you' }}", b"{{{c}}}"][tags / 9 % 3]);
            }
        } else if is_href && matches!(html.get(done), Some(b'"' | b'\'')) {
            let quote = html[done];
            let end = html[done + 1..]
                .iter()
                .position(|&byte| byte == quote)
                .map_or(html.len(), |length| done + 1 + length);
            template.extend_from_slice(&html[done..end]);
            links += 1;
            if links % 2 == 0 {
                template.extend_from_slice(b"&u={{b}}");
            }
            done = end;
        }
    }
    template.extend_from_slice(&html[done..]);
    template
}
