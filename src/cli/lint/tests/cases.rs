//! The documents.

/// A whole document with a preheader and a way to leave, so that nothing is found but what is put into it.
pub(super) fn page(inside: &str) -> String {
    format!(
        "<!doctype html><html><head><meta charset=utf-8><title>x</title></head><body><div style=\"display:none\">News</div>\n\
         {inside}\n<a href=\"https://shop.example/unsubscribe?u=1\" data-msys-unsubscribe=\"1\">Unsubscribe</a></body></html>"
    )
}

/// A message with a header that has everything.
pub(super) fn message(header: &str, encoding: &str, body: &str) -> String {
    format!(
        "From: News <news@shop.example>\r\nSubject: News\r\nList-Unsubscribe: <https://shop.example/unsubscribe?u=1>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n{header}MIME-Version: 1.0\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n"
    )
}

/// A message whose only part is HTML, but that it is not read by.
fn parts(content_type: &str, body: &str) -> String {
    let part = format!("--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{body}\r\n--b--");
    message("", "7bit", &part)
        .replace("text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit", content_type)
}

/// The same with another charset in its `<meta>`, and its bytes as they are.
fn latin(page: &str) -> String {
    page.replace("<meta charset=utf-8>", "<meta charset=iso-8859-1>")
}

/// Made by openclick with one key, but for the last, which is of another slot.
const TOKENS: [&str; 3] = [
    "IFAZM25B22oeykmdE7Ti7-44X57aRrr7acuB487cQS2JUU0ojQ",
    "ICd30chnu5qQf9n2mw695FzrsIKPaa96HqIYF9A",
    "IRj7fhB35mQvsOy2Jevt1frJfXil_eXsPWtz_Vu_DsO6CG0s3Q",
];

fn pixel(host: &str, path: &str) -> String {
    format!(
        "<img src=\"https://{host}/{path}\" alt=\"\" width=\"1\" height=\"1\" border=\"0\" style=\"display:block;width:1px;height:1px;border:0\">"
    )
}

/// A code with documents that have it, as `codes` shows it, and documents that have nothing at all; `ARGUMENTS|` may stand in
/// front.
pub(super) struct Case(pub(super) &'static str, pub(super) Vec<String>, pub(super) Vec<String>);

fn case(code: &'static str, bad: &[&str], good: &[&str]) -> Case {
    let wrap = |inside: &&str| match inside.split_once('|') {
        Some((arguments, inside)) if arguments.starts_with("--") => format!("{arguments}|{}", page(inside)),
        _ => format!("|{}", page(inside)),
    };
    Case(code, bad.iter().map(wrap).collect(), good.iter().map(wrap).collect())
}

/// The same with whole mails.
fn whole(code: &'static str, bad: Vec<String>, good: Vec<String>) -> Case {
    let plain = |mails: Vec<String>| mails.into_iter().map(|mail| format!("|{mail}")).collect();
    Case(code, plain(bad), plain(good))
}

pub(super) fn cases() -> Vec<Case> {
    let text = |length: usize| "Words and words, all of them worth reading.<br>\n".repeat(length / 48);
    let long = format!("https://shop.example/?q={}", "0123456789abcdef".repeat(110));
    let pixel_only = "<img src=\"https://shop.example/a.png\" alt=\"A\">";
    let ok = page("<p>Hello</p>");
    let leaving = |text: &str| {
        let untracked = ok.replace("data-msys-unsubscribe=\"1\"", "data-msys-clicktrack=0");
        untracked.replace("/unsubscribe?", "/x?").replace("Unsubscribe", text)
    };
    vec![
        whole("OC001", vec![page(&text(102_400))], vec![]),
        whole("OC002?", vec![page(&text(90_000))], vec![page(&text(75_000))]),
        case(
            "OC003",
            &[
                "<img src=\"data:image/png;base64,AAAA\" alt=x>",
                "<img src=' DATA:image/gif;base64,AAAA' alt=x>",
            ],
            &["<img src=cid:logo alt=x>", pixel_only],
        ),
        case(
            "OC101",
            &[
                "<a href=https://evil.example/>https://shop.example/</a>",
                "<a href=https://evil.example/>bank.example/login</a>",
                "<a href=https://evil.example/>Bank.example</a>",
                "<a href=https://evil.example/>www.bank.example.</a>",
                "--click-tracking=false|<a href=https://evil.example/>www.shop.example</a>",
                "--visible-url=leave|<a href=https://evil.example/><b>https://</b>shop.example</a>",
            ],
            &[
                "<a href=https://shop.example/>See https://shop.example/</a>",
                "<a href=https://shop.example/>shop</a>",
                "<a href=https://evil.example/>Node.js</a>",
                "<a href=https://evil.example/>leave@bank.example</a>",
                "--click-tracking=false|<a href=https://www.shop.example/x>Shop.Example</a>",
                "--visible-url=leave|<a href=https://www.shop.example/x>https://shop.example</a>",
                "<a href=mailto:a@shop.example>https://shop.example</a>",
            ],
        ),
        case(
            "OC102",
            &["<a href=http://shop.example/>x</a>", "<a href='HTTP://shop.example/'>x</a>"],
            &["<a href=https://shop.example/>x</a>", "<a href=ftp://shop.example/>x</a>"],
        ),
        case(
            "OC103",
            &[
                &format!("--url-format=sealed|<a href=\"{long}\">x</a>"),
                "--max-target-length=20|<a href=https://shop.example/way/to/it>x</a>",
            ],
            &[&format!("--click-tracking=false|<a href=\"{long}\">x</a>")],
        ),
        case(
            "OC104",
            &[
                "<a href=\"https://{{host}}/a\">x</a>",
                "<a href=\"https://x.{{host}}\">x</a>",
                "<a href='https://*|HOST|*?a'>x</a>",
            ],
            &[],
        ),
        whole(
            "OC105",
            vec![
                message("", "7bit", &page("Dear *|FNAME|*,")),
                message("", "7bit", &page("Dear {{ first_name }},")),
                message("", "7bit", &page("<a href=\"https://shop.example/?u=%recipient.email%\">x</a>")),
                message("", "7bit", &page("<a href=\"[%unsub%]\">x</a>")),
                message("", "7bit", &page("<p>x")).replace("Subject: News", "Subject: News for %%name%%"),
            ],
            vec![
                message("", "7bit", &page("50 % of { a: [[1, 2]] }")),
                message("", "7bit", &page("{{openclick:pixel}}")),
                message("", "7bit", &page("<!-- {{ note }} -->")),
            ],
        ),
        case(
            "OC105?",
            &[
                "<a href=\"{{ url }}\">x</a>",
                "<a href=\"[%unsub%]\">x</a>",
                "<a href=\"@{url}\">x</a>",
                "<a href=\"{url}\">x</a>",
                "<a href=\"##url##\">x</a>",
                "<a href=\"%base%/page\">x</a>",
                "<a href=\"$url\">x</a>",
                "<a href=\"https://a.example/{{x}}\">x</a><a href=\"{{ y }}\">y</a>",
            ],
            &["<p>{{ name }}</p>", "<p>[%unsub%] {url}</p>", "<a href=\"#a[%x%]\">x</a>"],
        ),
        case(
            "OC106",
            &[
                "<!--[if mso]><v:roundrect href=\"https://shop.example/old\"><center>Buy</center></v:roundrect><![endif]-->\
                 <![if !mso]><a href=\"https://shop.example/new\"> buy </a><![endif]>",
                "<!--[if mso]><v:rect href=\"https://shop.example/old\"><![endif]--><a href=\"https://shop.example/new\">Buy</a>",
                "<a href=\"https://shop.example/new\">Buy</a><!--[if mso]><v:rect href=\"https://shop.example/old\">Buy</v:rect><![endif]-->",
            ],
            &[
                "<!--[if mso]><v:roundrect href=\"https://shop.example/a\">Buy</v:roundrect><![endif]--><a href=\"https://shop.example/a\">Buy</a>",
                "<!--[if mso]><v:roundrect href=\"HTTPS://Shop.example?a=1&b=%c3\">Buy</v:roundrect><![endif]--><a href=\"https://shop.example/?a=1&amp;b=%C3\">Buy</a>",
                "<!--[if mso]><v:roundrect href=\"https://shop.example/b\">Buy</v:roundrect><![endif]--><a href=\"https://shop.example/a\">Terms</a>",
                "<!--[if mso]><v:rect href=\"https://shop.example/b\"><![endif]--><p>Text</p><a href=\"https://shop.example/a\">Terms</a>",
            ],
        ),
        case(
            "OC107",
            &[
                "<a data-msys-linkname=hero href=https://shop.example/a>a</a><a data-msys-linkname=hero href=https://shop.example/b>b</a>",
            ],
            &[
                "<a data-msys-linkname=hero href=https://shop.example/a>a</a><a data-msys-linkname=hero href=https://shop.example/a>b</a>",
                "<a data-msys-linkname=a href=https://shop.example/a>a</a><a data-msys-linkname=b href=https://shop.example/b>b</a>",
                "<a data-msys-linkname=a href=https://shop.example>a</a><a data-msys-linkname=a href=HTTPS://Shop.example/>b</a>",
            ],
        ),
        case(
            "OC108",
            &[
                "<a data-msys-clicktrack=\"false\" href=https://shop.example/a>a</a>",
                "<a data-msys-clicktrack href=https://shop.example/a>a</a>",
                "<a data-msys-unsubscribe=true href=https://shop.example/a>a</a>",
                "<a data-msys-sublink=\"a b\" href=https://shop.example/a>a</a>",
                "--dialects=postmark,sparkpost|<a data-pm-no-track=\"false\" href=https://shop.example/a>a</a>",
                "--dialects=sendgrid,sparkpost|<a clicktracking=no href=https://shop.example/a>a</a>",
            ],
            &[
                "<a data-msys-clicktrack=\"0\" href=https://shop.example/a>a</a>",
                "<a data-msys-clicktrack=\"1\" href=https://shop.example/a>a</a>",
                "<a data-msys-clicktrack=\"{{ track }}\" href=https://shop.example/a>a</a>",
                "<a data-msys-sublink=a-b href=https://shop.example/a>a</a>",
                "--dialects=postmark,sparkpost|<a data-pm-no-track href=https://shop.example/a>a</a>",
                "--dialects=sendgrid,sparkpost|<a clicktracking=OFF href=https://shop.example/a>a</a>",
            ],
        ),
        case(
            "OC109",
            &[
                "<a clicktracking=off href=https://shop.example/a>a</a>",
                "<a mb_dontconvertlink href=https://shop.example/a>a</a>",
                "<a class=\"b untracked\" href=https://shop.example/a>a</a>",
                "<a href=https+notrack://shop.example/a>a</a>",
            ],
            &[
                "--dialects=sparkpost,sendgrid|<a clicktracking=off href=https://shop.example/a>a</a>",
                "--dialects=sparkpost,postal|<a href=https+notrack://shop.example/a>a</a>",
                "<a class=\"untracked-link\" data-tracking=off href=https://shop.example/a>a</a>",
            ],
        ),
        case(
            "OC110!",
            &[
                "<a href=\"page.html\">x</a>",
                "<a href=\"/page\">x</a>",
                "<a href=\"www.shop.example\">x</a>",
                "<a href=\"?a=b:c\">x</a>",
            ],
            &["<a href=\"#page\">x</a>", "<a href=\"shop-app:page\">x</a>"],
        ),
        case(
            "OC110",
            &["<a href=\"//shop.example/\">x</a>", "<base href=https://shop.example/><a href=\"page\">x</a>"],
            &[],
        ),
        case(
            "OC111",
            &["<a href=\"\">x</a>", "<a href>x</a>", "<a href=' '>x</a>", "<a href=#>x</a>"],
            &["<a name=x>x</a>", "<a href=#x>x</a>"],
        ),
        case(
            "OC112!",
            &[
                "<a href=\"javascript:alert(1)\">x</a>",
                "<a href=\" Java\nScript:x\">x</a>",
                "<a href=\"data:text/html,x\">x</a>",
            ],
            &["<a href=\"https://javascript.example/\">x</a>", "<a href=\"tel:1\">x</a>"],
        ),
        case(
            "OC113",
            &[
                "<a href=\"https://bank.example@shop.example/\">x</a>",
                "<a href=\"https://u:p@shop.example/\">x</a>",
            ],
            &[
                "<a href=\"https://shop.example/@name\">x</a>",
                "<a href=\"https://shop.example/?a=b@c.example\">x</a>",
            ],
        ),
        case(
            "OC114",
            &[
                "<a href=https://shop.example/><img src=https://shop.example/a.png></a>",
                "<a href=https://shop.example/><img src=https://shop.example/a.png alt=\"\"> &nbsp;</a>",
                "<a href=https://shop.example/></a>",
                "<map name=m><area href=https://shop.example/></map>",
            ],
            &[
                "<a href=https://shop.example/><img src=https://shop.example/a.png alt=Shop></a>",
                "<a href=https://shop.example/ aria-label=Shop></a>",
                "<a href=https://shop.example/><span><b>x</b></span></a>",
                "<map name=m><area href=https://shop.example/ alt=x></map>",
            ],
        ),
        case(
            "OC115!",
            &[
                "<a href=\"https:///shop.example/\">x</a>",
                "<a href=\"https:shop.example\">x</a>",
                "<a href=\"https://shop .example/\">x</a>",
                "<a href=\"https://shop.example:99999/\">x</a>",
            ],
            &["<a href=\"https://shop.example:8443/a b\">x</a>"],
        ),
        case(
            "OC116",
            &[
                "<a href=\"https://p\u{430}ypal.example/\">x</a>",
                "<a href=\"https://xn--80ak6aa92e.com/\">x</a>",
            ],
            &["<a href=\"https://b\u{fc}cher.example/\">x</a>", "<a href=\"https://日本語.jp/\">x</a>"],
        ),
        case(
            "OC117!",
            &[
                "<a href=\"https://localhost:3000/\">x</a>",
                "<a href=\"https://192.168.0.7/\">x</a>",
                "<img src=https://dev.test/a.png alt=x>",
            ],
            &["<a href=\"https://localhost.example/\">x</a>", "<a href=\"https://192.0.2.7/\">x</a>"],
        ),
        case(
            "OC118",
            &[
                "<a href=\"https://u1.ct.sendgrid.net/ls/click?upn=a\">x</a>",
                "<a href=\"https://eu.safelinks.protection.outlook.com/?url=a\">x</a>",
                "<img src=\"https://mandrillapp.com/track/open.php?u=1\" alt=x>",
                &format!(
                    "<a href=\"https://t.bank.example/{}\">x</a><a href=\"https://t.bank.example/x/{}?utm_source=a\">y</a>",
                    TOKENS[0], TOKENS[1]
                ),
                &format!(
                    "<a href=\"https://t.bank.example/{}\">x</a>{}",
                    TOKENS[0],
                    pixel("t.bank.example", TOKENS[1])
                ),
                &pixel("t.bank.example", TOKENS[1]),
            ],
            &[
                &format!("<a href=\"https://t.bank.example/{}\">x</a>", TOKENS[0]),
                &format!(
                    "<a href=\"https://t.bank.example/{0}\">x</a><a href=\"https://t.bank.example/{0}\">y</a>",
                    TOKENS[0]
                ),
                &format!(
                    "<a href=\"https://t.bank.example/{}\">x</a><a href=\"https://t.bank.example/{}\">y</a>",
                    TOKENS[0], TOKENS[2]
                ),
                &format!(
                    "<a href=\"https://a.bank.example/{}\">x</a><a href=\"https://b.bank.example/{}\">y</a>",
                    TOKENS[0], TOKENS[1]
                ),
                &format!(
                    "<a href=\"https://t.bank.example/?a={}\">x</a><a href=\"https://t.bank.example/?a={}\">y</a>",
                    TOKENS[0], TOKENS[1]
                ),
                "<a href=\"https://shop.example/Laufschuhe-Herren-2024-Modell-Nike-Air-Max-270\">x</a>\
                 <a href=\"https://shop.example/Jeans-Damen-2024-Modell-Levis-501-Blau-Groesse-3\">y</a>",
                &pixel("shop.example", "images/Logo-of-the-shop-in-2024.gif"),
                "<a href=\"https://shop.example/track/click\">x</a>",
                "<a href=\"https://sendgrid.net/\">x</a>",
            ],
        ),
        case(
            "OC119",
            &["<a href=\"https://track.example.com/AAAA\">x</a>"],
            &["<a href=\"https://track.example/AAAA\">x</a>"],
        ),
        case(
            "OC120?",
            &[
                "<a href=https://shop.example/>https://shop.example/</a>",
                "<a href=https://shop.example/>shop.example</a>",
            ],
            &[
                "--click-tracking=false|<a href=https://shop.example/>https://shop.example/</a>",
                "--tracking-domain=https://www.shop.example/t|<a href=https://shop.example/>shop.example</a>",
            ],
        ),
        case(
            "OC121",
            &[
                "<a data-msys-clicktracking=0 href=https://shop.example/a>a</a>",
                "<a data-msys-click-track=0 href=https://shop.example/a>a</a>",
                "<a DATA-MSYS-LINK-NAME=x href=https://shop.example/a>a</a>",
                "<a data-mysys-clicktrack=0 href=https://shop.example/a>a</a>",
                "<td msys-unsubscribe=1>a</td>",
            ],
            &[
                "<a data-track=0 data-mce-href=x data-ms-link=y data-linkname=z href=https://shop.example/a>a</a>",
            ],
        ),
        whole(
            "OC201",
            vec![
                ok.replace("<body>", "<body><table><tr><td>").replace("<p>", "</table><p>"),
                ok.replace("<div style=\"display:none\">", "<div class=preheader>"),
                ok.replace("<body>", "<body><style>a{}</style>"),
                ok.replace("News</div>", &format!("{}</div>", "News ".repeat(4_000))),
            ],
            vec![ok.replace("style=\"display:none\"", "hidden")],
        ),
        whole("OC202?", vec![ok.replace(" style=\"display:none\"", "")], vec![ok.clone()]),
        whole(
            "OC203",
            vec![format!("{ok}<p>Footer</p>"), ok.replace("</html>", "Footer</html>")],
            vec![format!("{ok}\n<!-- end -->\n")],
        ),
        case("OC204", &["<body class=x><p>x</p>"], &["<!-- <body> --><p>&lt;body></p>"]),
        whole(
            "OC205!",
            vec![
                format!("{ok}<!-- open"),
                format!("{}<style>a{{}}", ok.replace("</body></html>", "")),
                format!("{ok}<a href=\"https://"),
                format!("{ok}<a href=https://"),
                format!("{ok}<textarea>x"),
                format!("{ok}<svg><![CDATA[x"),
                format!("{ok}<!x"),
            ],
            vec![format!("{ok}<!-- closed -->")],
        ),
        whole("OC205", vec![format!("{}<!-- open", page("<p>{{ name }}</p>"))], vec![]),
        case(
            "OC206",
            &["<a href=\"https://shop.example/>x</a> <b class=\"y\">z</b>"],
            &["<a href=\"https://shop.example/\" title=\"a > b\">x</a>", "<p data-x=\"<b>x</b>\">z</p>"],
        ),
        whole(
            "OC207!",
            vec![
                "<html><frameset cols=\"*\"><frame src=\"https://shop.example/\"></frameset></html>"
                    .to_owned(),
            ],
            vec![page("<p><frameset></p>")],
        ),
        case("OC208", &["--max-url-length=20|<p>x</p>"], &["--max-url-length=400|<p>x</p>"]),
        whole(
            "OC301",
            vec![message("", "7bit", &ok).replace("List-Unsubscribe", "X-Other")],
            vec![message("", "7bit", &ok)],
        ),
        whole(
            "OC302",
            vec![
                message("", "7bit", &ok).replace("List-Unsubscribe-Post", "X-Other"),
                message("", "7bit", &ok).replace("=One-Click", "=oneclick"),
                message("", "7bit", &ok)
                    .replace("<https://shop.example/unsubscribe?u=1>", "<mailto:leave@shop.example>"),
            ],
            vec![message("", "7bit", &ok).replace("<https:", "<mailto:a@shop.example>,\r\n <https:")],
        ),
        whole(
            "OC303",
            vec![message("", "7bit", &leaving("More"))],
            vec![
                message("", "7bit", &leaving("Hier abmelden")),
                message("", "7bit", &leaving("Manage preferences")),
            ],
        ),
        whole(
            "OC303?",
            vec![leaving("More")],
            vec![
                leaving("退订"),
                ok.replace("/unsubscribe?", "/x?").replace("Unsubscribe", "More"),
                leaving("More</a><unsubscribe>x</unsubscribe>"),
            ],
        ),
        whole(
            "OC304",
            vec![ok.replace(" data-msys-unsubscribe=\"1\"", "")],
            vec![
                ok.replace("data-msys-unsubscribe=\"1\"", "data-msys-clicktrack=\"0\""),
                message("", "7bit", &ok.replace(" data-msys-unsubscribe=\"1\"", "")),
            ],
        ),
        whole(
            "OC401",
            vec![message("", "7bit", &page(&"word ".repeat(200)))],
            vec![message("", "7bit", &page(&"word ".repeat(199)))],
        ),
        whole(
            "OC402",
            vec![
                ok.replace("<meta charset=utf-8>", "").replace("Hello", "Grüße"),
                message("", "8bit", &ok.replace("<meta charset=utf-8>", "").replace("Hello", "Grüße"))
                    .replace("; charset=utf-8", ""),
            ],
            vec![
                ok.replace("<meta charset=utf-8>", ""),
                ok.replace("Hello", "Grüße"),
                format!("\u{feff}{}", ok.replace("<meta charset=utf-8>", "").replace("Hello", "Grüße")),
            ],
        ),
        whole(
            "OC403",
            vec![
                format!("\u{feff}{}", ok.replace("=utf-8", "=iso-8859-1")),
                message(
                    "",
                    "8bit",
                    &ok.replace("Hello", "Grüße").replace(
                        "<meta charset=utf-8>",
                        "<meta http-equiv=Content-Type content='text/html; charset=windows-1252'>",
                    ),
                ),
            ],
            vec![message(
                "",
                "8bit",
                &ok.replace("Hello", "Grüße").replace("charset=utf-8>", "charset=UTF8>"),
            )],
        ),
        whole(
            "OC403?",
            vec![message("", "7bit", &ok.replace("charset=utf-8>", "charset=iso-8859-1>"))],
            vec![],
        ),
        whole(
            "OC405",
            vec![
                message("", "7bit", &ok.replace("Hello", "Grüße")),
                message("", "7bit", &ok.replace("Hello", "Grüße"))
                    .replace("Content-Transfer-Encoding: 7bit\r\n", ""),
            ],
            vec![message("", "8bit", &ok.replace("Hello", "Grüße"))],
        ),
        whole(
            "OC406",
            vec![
                latin(&ok.replace("Hello", "Grüße")),
                latin(&ok.replace("Hello", "日本")),
                message("", "8bit", &latin(&ok.replace("Hello", "Grüße")))
                    .replace("charset=utf-8\r", "charset=windows-1252\r"),
            ],
            vec![latin(&ok), ok.replace("Hello", "Grüße")],
        ),
        whole(
            "OC501",
            vec![
                message("", "x-unknown", &ok),
                message("Content-Transfer-Encoding: base64\r\n", "7bit", &ok),
                parts("multipart/signed; protocol=\"application/pgp-signature\"; boundary=b", &ok),
                parts("multipart/encrypted; boundary=b", &ok),
                parts("multipart/alternative; boundary=other", &ok),
                parts("multipart/alternative", &ok),
                message(
                    "",
                    "7bit",
                    &format!(
                        "-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n{ok}\r\n-----BEGIN PGP SIGNATURE-----\r\nx\r\n-----END PGP SIGNATURE-----"
                    ),
                ),
                message("Content-Type: text/plain\r\n", "7bit", &ok),
                message("", "base64", "AAAA\r\n").replace(
                    "text/html; charset=utf-8",
                    "application/pkcs7-mime\r\nContent-Disposition: attachment",
                ),
            ],
            vec![message("", "8bit", &ok), parts("multipart/mixed; boundary=b", &ok)],
        ),
        whole(
            "OC502",
            vec![message("DKIM-Signature: v=1; a=rsa-sha256; b=x\r\n", "7bit", &ok)],
            vec![message("X-DKIM-Signature: v=1\r\n", "7bit", &ok)],
        ),
        whole(
            "OC503",
            vec![page(&format!("<p>{}</p>", "<b>".repeat(20_010)))],
            vec![page(&"<b>x</b>\n".repeat(50))],
        ),
    ]
}
