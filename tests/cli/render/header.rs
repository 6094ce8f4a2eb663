//! The header of each recipient's message.

use super::*;

fn render(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let line = format!("render {SETTINGS} --template news.eml --recipients list.csv --mbox --quiet");
    let mut all: Vec<&str> = line.split(' ').collect();
    all.extend(arguments);
    super::super::run(sandbox.command(&all), "")
}

#[test]
fn unsubscribing_is_in_the_header_and_never_tracked() {
    let sandbox = Sandbox::news();
    sandbox.write(
        "news.eml",
        NEWS.replace(
            "</body>",
            "<a href=\"https://news.example.com/u?m={{email}}&amp;o={{order}}\">no more</a></body>",
        ),
    );
    sandbox.write("list.csv", LIST.replace("ann@", "ann+a&b@"));
    let url = "https://news.example.com/u?m={{email}}&o={{order}}";
    let run = render(
        &sandbox,
        &["--list-unsubscribe", url, "--list-unsubscribe", "mailto:stop@example.com?subject={{order}}"],
    );
    let mails = messages(&run.ok());
    let url = "https://news.example.com/u?m=ann%2Ba%26b%40example.org&o=1";
    assert_eq!(
        header(&mails[0], "List-Unsubscribe"),
        [format!("<{url}>, <mailto:stop@example.com?subject=1>")]
    );
    assert_eq!(header(&mails[0], "List-Unsubscribe-Post"), ["List-Unsubscribe=One-Click"]);
    let body = mailparse::parse_mail(mails[0].as_bytes()).unwrap().get_body().unwrap();
    assert!(body.contains(&format!("href=\"{}\"", url.replace('&', "&amp;"))), "{body}");
    assert!(body.contains("href=\"https://t.example.com/"), "{body}");
    // RFC 8058 speaks of https alone.
    let run = render(&sandbox, &["--list-unsubscribe", "mailto:stop@example.com"]);
    assert!(header(&messages(&run.ok())[0], "List-Unsubscribe-Post").is_empty());
    let run = render(&sandbox, &["--list-unsubscribe", "ftp://example.com/"]);
    assert_eq!(run.code, Some(64));
    assert!(run.err.contains("expected an https URL"), "{}", run.err);
    let run = render(&sandbox, &["--list-unsubscribe", "https://example.com/{{token}}"]);
    assert_eq!(run.code, Some(65));
    assert!(run.err.contains("no column for the merge field `token`"), "{}", run.err);
}

/// In HTML without a header too.
#[test]
fn unsubscribing_in_html() {
    let sandbox = Sandbox::news();
    sandbox.write(
        "news.html",
        "<a href=\"https://n.example/u/{{email}}\">no more</a><a href=\"https://shop.example/\">x</a>",
    );
    let line = format!(
        "render {SETTINGS} --template news.html --recipients list.csv --out-dir out --quiet --list-unsubscribe https://n.example/u/{{{{email}}}}"
    );
    sandbox.run(&line, "").ok();
    let html = sandbox.read("out/00000001.html");
    assert!(html.contains("href=\"https://n.example/u/ann%40example.org\""), "{html}");
    assert!(html.contains("<a href=\"https://t.example.com/"), "{html}");
}

#[test]
fn fields_of_ones_own() {
    let sandbox = Sandbox::news();
    let arguments = [
        "--header",
        "X-Order: {{order}}",
        "--header",
        "subject: {{name or 'you'}}!",
        "--header",
        "X-Lang: f\u{fc}r",
    ];
    let mails = messages(&render(&sandbox, &arguments).ok());
    assert_eq!(header(&mails[2], "X-Order"), ["3"]);
    assert_eq!(header(&mails[1], "Subject"), ["you!"]);
    assert_eq!(header(&mails[0], "X-Lang"), ["f\u{fc}r"]);
    assert!(mails[0].contains("=?utf-8?B?"), "{}", mails[0]);
    // The template's own words with fields stay, and so does what is given.
    sandbox.write("news.eml", NEWS.replace("To: old@example.com", "To: \"{{name or 'You'}}\" <{{email}}>"));
    let mails = messages(
        &render(
            &sandbox,
            &[
                "--header",
                "Message-ID: <{{order}}@x.example>",
                "--header",
                "Date: Thu, 01 Jan 2026 00:00:00 +0000",
            ],
        )
        .ok(),
    );
    assert_eq!(header(&mails[1], "To"), ["\"You\" <bob@example.org>"]);
    assert_eq!(header(&mails[1], "Message-ID"), ["<2@x.example>"]);
    assert_eq!(header(&mails[1], "Date"), ["Thu, 01 Jan 2026 00:00:00 +0000"]);
}

/// Whatever stands in a list: each message has the fields that it should have, and goes to nobody else.
#[test]
fn no_value_makes_a_field() {
    let sandbox = Sandbox::news();
    sandbox.write(
        "news.eml",
        NEWS.replace("To: old@example.com", "To: old@example.com\nReply-To: {{name}} <r@example.com>"),
    );
    let bad = [
        "\r\nBcc: evil@example.net",
        "\nBcc: evil@example.net\n\n<p>",
        "\rBcc: evil@example.net",
        "\u{85}Bcc: evil@example.net",
        "\u{2028}Bcc: x",
        ">, <evil@example.net",
        "\", evil@example.net, \"",
        "evil@example.net, ",
        "(",
        "\\",
        "\0Bcc: x",
    ];
    let mut list = "email,name,order,message_id,campaign\n".to_owned();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for value in bad {
        let all = format!("x{value}");
        list += &format!("a@example.org,{},1,,\n", quoted(&all));
        list += &format!("a@example.org,,{},,\n", quoted(&all));
        list += &format!("{},,1,,\n", quoted(&format!("a@example.org{value}")));
        list += &format!("a@example.org,,1,{},\n", quoted(&all));
        list += &format!("a@example.org,,1,,{}\n", quoted(&all));
    }
    sandbox.write("list.csv", &list);
    let arguments = [
        "--header",
        "X-O: {{order}}",
        "--list-unsubscribe",
        "https://n.example/{{order}}",
        "--to-name",
        "name",
    ];
    let run = render(&sandbox, &arguments);
    assert_eq!(run.code, Some(1));
    let mails = messages(&run.out);
    assert!(mails.len() > 2 * bad.len(), "{}", mails.len());
    for mail in &mails {
        let parsed = mailparse::parse_mail(mail.as_bytes()).unwrap();
        let mut names: Vec<_> =
            parsed.headers.iter().map(|field| field.get_key().to_ascii_lowercase()).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "content-type",
                "date",
                "from",
                "list-unsubscribe",
                "list-unsubscribe-post",
                "message-id",
                "reply-to",
                "subject",
                "to",
                "x-o"
            ],
            "{mail}"
        );
        let to = {
            use mailparse::MailHeaderMap;
            // Decoded it would be another text: what is encoded means nothing in an address.
            mailparse::addrparse_header(parsed.headers.get_first_header("To").unwrap()).unwrap()
        };
        assert_eq!(to.count_addrs(), 1, "{mail}");
        assert_eq!(to.extract_single_info().unwrap().addr, "a@example.org");
    }
    assert!(!run.err.contains("evil"), "{}", run.err);
}

#[test]
fn other_tags_of_a_header() {
    let sandbox = Sandbox::news();
    for template in [NEWS, "From: a@example.com\nContent-Type: text/html\n\n<p>Hi</p>\n"] {
        sandbox.write("news.eml", template);
        let run = render(&sandbox, &["--header", "X-Y: {{name | upper}}"]);
        assert_eq!(run.code, Some(65), "{}", run.err);
        assert!(run.err.contains("--header X-Y: `{{name | upper}}`"), "{}", run.err);
    }
}
