//! Damaged mails: each fails, by the right checks and no others.

use super::*;

/// A damaged mail: its name, how it is made, flags beside the usual ones, and the checks that fail.
type Damage = (&'static str, fn(&Bench) -> String, &'static str, &'static [&'static str]);

/// What damaged mails are made of.
struct Bench {
    /// In 8bit.
    plain: String,
    quoted: String,
    based: String,
    /// The same mail with another message id, and for another recipient.
    other: String,
    stranger: String,
}

impl Bench {
    fn new(sandbox: &Sandbox) -> Bench {
        let plain = mail("8bit", BODY);
        Bench {
            quoted: tracked(sandbox, &mail("quoted-printable", &quoted_printable(BODY)), ""),
            based: tracked(sandbox, &mail("base64", &base64(BODY)), ""),
            other: tracked(sandbox, &plain, "--message-id other"),
            stranger: tracked(sandbox, &plain, "--recipient stranger@example.org"),
            plain: tracked(sandbox, &plain, ""),
        }
    }

    /// The plain one with its nth tracking URL (0 and 4 are the pixels) made another.
    fn with_url(&self, index: usize, change: impl Fn(&str) -> String) -> String {
        let url = urls(&self.plain)[index];
        self.plain.replacen(url, &change(url), 1)
    }
}

/// The markup of the pixel at the start.
fn top(mail: &str) -> &str {
    let start = mail.find("<div style=\"display:none;max-height:0").unwrap();
    let end = start + mail[start..].find("</div>").unwrap() + 6;
    &mail[start..end]
}

/// The markup of the pixel at the end.
fn bottom(mail: &str) -> &str {
    let end = mail.find("</body>").unwrap();
    &mail[mail[..end].rfind("<img ").unwrap()..end]
}

fn safe_link(url: &str) -> String {
    let encoded = url.replace(':', "%3A").replace('/', "%2F");
    format!("https://nam02.safelinks.protection.outlook.com/?url={encoded}&amp;data=05%7C02&amp;reserved=0")
}

const DAMAGES: &[Damage] = &[
    ("the pixel at the start is gone", |b| b.plain.replace(top(&b.plain), ""), "", &["pixel-start"]),
    ("the pixel at the end is gone", |b| b.plain.replace(bottom(&b.plain), ""), "", &["pixel-end"]),
    (
        "both are gone",
        |b| b.plain.replace(top(&b.plain), "").replace(bottom(&b.plain), ""),
        "",
        &["pixel-start", "pixel-end"],
    ),
    (
        "the pixel at the start was moved",
        |b| {
            b.plain
                .replace(top(&b.plain), "")
                .replace("<p><a ", &format!("<p>{}<a ", top(&b.plain)))
                .replacen(top(&b.plain), "", 1)
        },
        "",
        &["pixel-start"],
    ),
    (
        "the pixel at the start is doubled",
        |b| b.plain.replace(top(&b.plain), &top(&b.plain).repeat(2)),
        "",
        &["pixel-start"],
    ),
    (
        "the pixel at the end is doubled",
        |b| b.plain.replace(bottom(&b.plain), &bottom(&b.plain).repeat(2)),
        "",
        &["pixel-end"],
    ),
    (
        "the pixels were exchanged",
        |b| {
            let urls = urls(&b.plain);
            let (start, end) = (urls[0], urls[4]);
            b.plain.replace(start, "START").replace(end, start).replace("START", end)
        },
        "",
        &["pixel-start", "pixel-end"],
    ),
    ("a filter emptied the pixel", |b| b.with_url(0, |_| String::new()), "", &["pixel-start"]),
    ("a filter blocked the pixel", |b| b.with_url(4, |_| "cid:blocked".to_owned()), "", &["pixel-end"]),
    (
        "the pixel was commented out",
        |b| b.plain.replace(top(&b.plain), &format!("<!-- {} -->", top(&b.plain))),
        "",
        &["pixel-start"],
    ),
    (
        "the end was cut off",
        |b| b.plain.split(bottom(&b.plain)).next().unwrap().to_owned(),
        "",
        &["pixel-end", "encoding"],
    ),
    (
        "a tag was cut",
        |b| b.plain.split("\">three").next().unwrap().to_owned(),
        "",
        &["pixel-end", "encoding"],
    ),
    ("a pixel where none was to be", |b| b.plain.clone(), "--no-open", &["pixel-end"]),
    ("another where none was to be", |b| b.plain.clone(), "--no-initial-open", &["pixel-start"]),
    (
        "an ampersand was escaped twice",
        |b| b.with_url(1, |url| format!("{url}?utm_source=a&amp;amp;utm_medium=b")),
        "",
        &["urls-whole"],
    ),
    (
        "a parameter was added without a question mark",
        |b| b.with_url(1, |url| format!("{url}&amp;utm_source=a")),
        "",
        &["urls-whole", "tokens"],
    ),
    ("a token was cut", |b| b.with_url(2, |url| url[..url.len() - 9].to_owned()), "", &["tokens"]),
    (
        "little is left of a token",
        |b| b.with_url(2, |url| url[..url.len().min(44)].to_owned()),
        "",
        &["tokens"],
    ),
    (
        "a token was changed",
        |b| {
            b.with_url(3, |url| {
                url.chars()
                    .rev()
                    .enumerate()
                    .map(|(at, c)| if at == 20 { if c == 'A' { 'B' } else { 'A' } } else { c })
                    .collect::<String>()
                    .chars()
                    .rev()
                    .collect()
            })
        },
        "",
        &["tokens"],
    ),
    ("the pixel's token was cut", |b| b.with_url(4, |url| url[..url.len() - 5].to_owned()), "", &["tokens"]),
    ("other keys", |b| b.plain.clone(), "--key-file OTHER", &["tokens"]),
    (
        "another tracking domain",
        |b| b.plain.clone(),
        "--tracking-domain other.example.com",
        &["pixel-start", "pixel-end"],
    ),
    (
        "the domain's prefix is missing",
        |b| b.plain.clone(),
        "--tracking-domain t.example.com/x",
        &["pixel-start", "pixel-end"],
    ),
    (
        "a tracking attribute is left",
        |b| b.plain.replace(">two", " data-msys-clicktrack=\"1\">two"),
        "",
        &["attributes"],
    ),
    (
        "another sender's attribute is left",
        |b| b.plain.replace(">two", " clicktracking=on>two"),
        "--dialects sparkpost,sendgrid",
        &["attributes"],
    ),
    (
        "the placeholder is left",
        |b| b.plain.replace("Hello <a", "{{openclick:pixel}} <a"),
        "",
        &["attributes"],
    ),
    (
        "quoted-printable lost its label",
        |b| b.quoted.replace("Encoding: quoted-printable", "Encoding: 8bit"),
        "",
        &["pixel-start", "pixel-end", "urls-whole", "tokens", "encoding"],
    ),
    (
        "quoted-printable was encoded twice",
        |b| b.quoted.replace("href=3D\"", "href=3D3D\""),
        "",
        &["urls-whole", "encoding"],
    ),
    ("a relay lost soft line breaks", |b| b.quoted.replace("=\r\n", "\r\n"), "", &["urls-whole"]),
    (
        "a relay broke an escape",
        |b| {
            let start = b.quoted.find("<p>Hello").unwrap();
            let at = start + b.quoted[start..].find("=\r\n").unwrap();
            format!("{}=ZZ=\r\n{}", &b.quoted[..at], &b.quoted[at + 3..])
        },
        "",
        &["urls-whole", "tokens"],
    ),
    (
        "a line was wrapped",
        |b| b.with_url(2, |url| format!("{}\r\n    {}", &url[..50], &url[50..])),
        "",
        &["urls-whole", "tokens"],
    ),
    (
        "a line was broken",
        |b| b.with_url(0, |url| format!("{}\r\n{}", &url[..50], &url[50..])),
        "",
        &["urls-whole"],
    ),
    ("a URL was written in lower case", |b| b.with_url(1, str::to_lowercase), "", &["urls-whole", "tokens"]),
    (
        "a token was percent-encoded",
        |b| b.with_url(1, |url| url.replacen("com/I", "com/%49", 1)),
        "",
        &["urls-whole", "tokens"],
    ),
    (
        "base64 was damaged",
        |b| b.based.replacen("PGh0", "PGh0*", 1).replacen("aHRt", "aHRt!", 1),
        "",
        &["pixel-start", "pixel-end", "encoding"],
    ),
    (
        "an encoding that nobody knows",
        |b| b.based.replace("Encoding: base64", "Encoding: x-zip"),
        "",
        &["pixel-start", "pixel-end", "encoding"],
    ),
    (
        "the boundary was lost",
        |b| b.plain.replace("boundary=b", "boundary=c"),
        "",
        &["pixel-start", "pixel-end", "encoding"],
    ),
    (
        "the HTML was relabelled",
        |b| b.plain.replace("Type: text/html", "Type: application/octet-stream"),
        "",
        &["pixel-start", "pixel-end"],
    ),
    (
        "the HTML was made an attachment",
        |b| b.plain.replace("Type: text/html", "Disposition: attachment\r\nContent-Type: text/html"),
        "",
        &["pixel-start", "pixel-end"],
    ),
    ("a link of another message", |b| b.with_url(2, |_| urls(&b.other)[2].to_owned()), "", &["one-message"]),
    (
        "two messages in one",
        |b| {
            let half = |mail: &str| mail.find("<p><a ").unwrap();
            format!("{}{}", &b.plain[..half(&b.plain)], &b.other[half(&b.other)..])
        },
        "",
        &["one-message"],
    ),
    (
        "a link of another recipient",
        |b| b.with_url(3, |_| urls(&b.stranger)[3].to_owned()),
        "",
        &["one-message"],
    ),
    (
        "links were exchanged",
        |b| {
            let urls = urls(&b.plain);
            b.plain.replace(urls[1], "FIRST").replace(urls[3], urls[1]).replace("FIRST", urls[3])
        },
        "",
        &["link-order"],
    ),
    ("a link was doubled", |b| b.with_url(3, |_| urls(&b.plain)[2].to_owned()), "", &["link-order"]),
    (
        "a link was replaced",
        |b| b.with_url(2, |_| "https://elsewhere.example/".to_owned()),
        "--expect-all-tracked --allow shop.example",
        &["links-wrapped"],
    ),
    (
        "the unsubscribe header is tracked",
        |b| b.plain.replacen("https://shop.example/leave?u=7", urls(&b.plain)[1], 1),
        "",
        &["unsubscribe-untracked"],
    ),
    ("a link that counts as an open", |b| b.with_url(2, |_| urls(&b.plain)[4].to_owned()), "", &["tokens"]),
    (
        "a pixel that counts as a click",
        |b| b.with_url(4, |_| urls(&b.plain)[3].to_owned()),
        "",
        &["pixel-end", "tokens", "link-order"],
    ),
    (
        "a cut token inside a Safe Link",
        |b| b.with_url(2, |url| safe_link(&url[..url.len() - 9])),
        "",
        &["tokens"],
    ),
];

#[test]
fn each_fails_by_the_right_checks() {
    let sandbox = Sandbox::new();
    other_keys(&sandbox);
    let bench = Bench::new(&sandbox);
    for whole in [&bench.plain, &bench.quoted, &bench.based, &bench.other, &bench.stranger] {
        let result = inspect(&sandbox, whole, &format!("{SETTINGS} --expect-all-tracked"));
        assert_eq!(of_status(&result, "fail"), [""; 0]);
        assert_eq!(of_status(&result, "warning"), ["dkim"]);
    }
    assert!(DAMAGES.len() >= 25);
    let mut wrong = Vec::new();
    for (name, damage, flags, expected) in DAMAGES {
        let damaged = damage(&bench);
        // A later flag of one name stands above an earlier one.
        let mut settings = SETTINGS.to_owned();
        for flag in flags.split_whitespace().filter(|flag| SETTINGS.contains(*flag)) {
            settings = settings
                .split("--")
                .filter(|set| !set.starts_with(&flag[2..]))
                .collect::<Vec<_>>()
                .join("--");
        }
        let result = inspect(&sandbox, &damaged, &format!("{settings} {flags}"));
        let found = of_status(&result, "fail");
        if found != *expected {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}\n{:#?}", messages(&result)));
        }
        // Without keys what can be seen is still seen, and nothing else fails.
        let result = inspect(&sandbox, &damaged, &flags.replace("--key-file OTHER", ""));
        let keyless = of_status(&result, "fail");
        if !keyless.iter().all(|check| expected.contains(&check.as_str())) {
            wrong.push(format!("{name}, without keys: expected only of {expected:?}, found {keyless:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
