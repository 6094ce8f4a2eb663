//! Mails that somebody on the way took links out of, made links dead in, put a banner on, or quoted another mail in.

use super::*;

/// The status of a check.
fn status(result: &Value, name: &str) -> String {
    let mut checks = result["checks"].as_array().unwrap().iter();
    checks.find(|check| check["name"] == name).unwrap()["status"].as_str().unwrap().to_owned()
}

fn strict() -> String {
    format!("{SETTINGS} --expect-all-tracked")
}

#[test]
fn a_link_that_was_cut_out_leaves_a_gap() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let urls = urls(&mail);
    // The tag, the attribute, and a link put in.
    let tag = |url: &str| format!("<a href=\"{url}\">");
    for (changed, said) in [
        (mail.replace(&tag(urls[2]), ""), "1 link is missing that the numbers of others count"),
        (mail.replace(&tag(urls[1]), "").replace(&tag(urls[2]), "<a>"), "2 links are missing that"),
        (
            mail.replace("<p>Hello", "<p><a href=\"https://shop.example/new\">new</a>"),
            "1 link is there that no number counts: put in on the way",
        ),
    ] {
        let result = inspect(&sandbox, changed, SETTINGS);
        assert_eq!(status(&result, "link-order"), "warning", "{said}");
        assert!(messages(&result)["link-order"].starts_with(said), "{}", messages(&result)["link-order"]);
        assert_eq!(of_status(&result, "fail"), [""; 0]);
    }
}

/// Links of conditional comments and of plain text are numbered or not as the mail was sent.
#[test]
fn numbers_follow_the_switches_of_the_sender() {
    let sandbox = Sandbox::new();
    let body = BODY.replace(
        "<p>Hello",
        "<!--[if mso]><a href=\"https://shop.example/mso\">x</a><![endif]--><a href=\"tel:1\">call</a><p>Hello",
    );
    let text = "\r\nSee https://shop.example/text and https://shop.example/more.\r\n";
    let mail = mail("8bit", &body).replace("\r\nHello\r\n", text);
    for more in ["", "--text-links", "--outlook=false", "--text-links --outlook=false"] {
        let tracked = tracked(&sandbox, &mail, more);
        let result = inspect(&sandbox, &tracked, SETTINGS);
        assert_eq!(messages(&result)["link-order"], "the links are numbered in order", "{more}");
        let last = urls(&tracked).into_iter().rev().nth(2).unwrap().to_owned();
        let cut = tracked.replace(&format!("<a href=\"{last}\">"), "");
        assert_eq!(status(&inspect(&sandbox, cut, SETTINGS), "link-order"), "warning", "{more}");
    }
}

#[test]
fn dead_links_are_counted_where_all_were_to_be_tracked() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let url = urls(&mail)[2];
    for (dead, allowed) in [
        ("hxxps://shop.example/b", Some("shop.example")),
        ("hXXp://shop[.]example/b", None),
        ("//shop.example/b", Some("*.example")),
        ("#", Some("#")),
        ("about:blank", Some("about:blank")),
        ("https:///shop.example/b", None),
        ("javascript:void(0)", None),
        ("", Some("\"\"")),
    ] {
        let changed = mail.replacen(url, dead, 1);
        let result = inspect(&sandbox, &changed, SETTINGS);
        assert_eq!(
            (of_status(&result, "fail").len(), status(&result, "links-wrapped").as_str()),
            (0, "warning"),
            "{dead}"
        );
        let said = &messages(&result)["links-wrapped"];
        assert_eq!(
            said,
            "both links are wrapped; one link leads nowhere: made dead on the way, or by its author"
        );
        assert_eq!(of_status(&inspect(&sandbox, &changed, &strict()), "fail"), ["links-wrapped"], "{dead}");
        if let Some(allowed) = allowed {
            sandbox.write("in.eml", &changed);
            let line = strict();
            let flags = line.split_whitespace().chain(["--allow", allowed, "in.eml"]);
            let run = super::super::run(sandbox.command(["inspect"].into_iter().chain(flags)), "");
            assert_eq!(run.code, Some(0), "{dead}: {}", run.out);
        }
    }
    for alive in ["mailto:shop@example.com", "tel:+1", "#top", "shop:open"] {
        let result = inspect(&sandbox, mail.replacen(url, alive, 1), &strict());
        assert_eq!(
            (of_status(&result, "fail").len(), status(&result, "links-wrapped").as_str()),
            (0, "pass"),
            "{alive}"
        );
    }
}

/// What stands behind or in front of a token, and what little is left of it, makes the link dead.
#[test]
fn a_link_to_nowhere_fails() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let url = urls(&mail)[2].to_owned();
    let token = url.rsplit('/').next().unwrap();
    let cut = |length: usize| format!("https://t.example.com/{}", &token[..length]);
    let mut changes: Vec<String> = (1..16).map(cut).collect();
    changes.extend(["/", "/x", "/index.html", ".", "%22", "&quot;", ")"].map(|junk| format!("{url}{junk}")));
    changes.extend(
        ["t.exampl.com", "t.example.co", "tt.example.com", "t.examp1e.com"]
            .map(|host| url.replace("t.example.com", host)),
    );
    changes.extend(["hxxps:", "", "https:/", "x-https:"].map(|scheme| url.replacen("https:", scheme, 1)));
    changes.push(format!("https://elsewhere.example/{token}"));
    for change in changes {
        let changed = mail.replacen(&url, &change, 1);
        let result = inspect(&sandbox, &changed, SETTINGS);
        let failed = of_status(&result, "fail");
        assert!(failed.contains(&"tokens".to_owned()), "{change}: {failed:?} {:#?}", messages(&result));
        assert!(failed.iter().all(|name| name == "tokens" || name == "urls-whole"), "{change}: {failed:?}");
    }
    // A page at the tracking domain is nothing of ours.
    for page in ["", "imprint", "Impressum", "legal/notice", "Jobs", "logo.png"] {
        let page = format!("https://t.example.com/{page}");
        let result = inspect(&sandbox, mail.replacen(&url, &page, 1), SETTINGS);
        assert_eq!(
            (of_status(&result, "fail").len(), status(&result, "tokens").as_str()),
            (0, "warning"),
            "{page}"
        );
    }
    // Nor is another sender's token.
    other_keys(&sandbox);
    let line = "rewrite --tracking-domain clicks.other.example --key-file OTHER";
    let other = sandbox.run(line, super::mail("8bit", BODY)).ok();
    let link = other.split("<a href=\"").nth(2).unwrap().split('"').next().unwrap();
    for flags in [SETTINGS, ""] {
        let result = inspect(&sandbox, mail.replacen(&url, link, 1), flags);
        assert_eq!(
            (of_status(&result, "fail").len(), status(&result, "links-wrapped").as_str()),
            (0, "warning")
        );
    }
}

#[test]
fn a_mail_that_quotes_a_tracked_one_passes() {
    let sandbox = Sandbox::new();
    let old = tracked(&sandbox, &mail("8bit", BODY), "");
    let old = &old[old.find("<body>").unwrap() + 6..old.find("</body>").unwrap()];
    let header = HEADER.replace("<m1@example.com>", "<m2@example.com>").replace("Subject: ", "Subject: Re: ");
    let parts = |header: &str, html: &str| {
        format!(
            "{header}Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{html}\r\n"
        )
    };
    let link = "<p>See <a href=\"https://shop.example/new\">this</a></p>";
    let quote = format!("<blockquote type=\"cite\">{old}</blockquote>");
    let bodies = [
        format!("<body><p>Thanks!</p>{quote}</body>"),
        format!("<body>{link}{quote}</body>"),
        format!("<body>{link}{quote}{link}</body>"),
        format!("<body>{quote}{link}</body>"),
        format!("<body>{link}<div class=\"gmail_quote\">{old}</div></body>"),
        format!("<body>{link}<hr><p>From: shop</p>{old}</body>"),
        format!("<body>{old}{link}</body>"),
        format!("<body>{quote}{quote}</body>"),
        format!("<body>{old}</body>"),
    ];
    for body in &bodies {
        let answer = tracked(&sandbox, &parts(&header, body), "");
        for flags in [SETTINGS, ""] {
            let result = inspect(&sandbox, &answer, flags);
            assert_eq!(of_status(&result, "fail"), [""; 0], "{body} {flags}: {:#?}", messages(&result));
        }
        let result = inspect(&sandbox, &answer, SETTINGS);
        let said = &messages(&result)["one-message"];
        assert!(said.ends_with(" of 1 older mail that it quotes"), "{said}");
        let carried = &result["carried"];
        let own = body.matches("example/new").count();
        assert_eq!(
            (&carried["message_id"], &carried["clicks"], &carried["pixels"]),
            (&"m2@example.com".into(), &own.into(), &2.into())
        );
        // The pixels that are its own are still asked for.
        let own = urls(&answer)[0].to_owned();
        let result = inspect(&sandbox, answer.replacen(&own, "", 1), SETTINGS);
        assert!(of_status(&result, "fail").contains(&"pixel-start".to_owned()), "{body}");
    }
    // Its plain text quotes the old URLs too.
    let text: String = urls(old).iter().map(|url| format!("> {url}\r\n")).collect();
    let both = header.replace("Re: ", "")
        + "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
        + &text
        + &parts("--b\r\n", &bodies[1])
        + "--b--\r\n";
    let answer = tracked(&sandbox, &both, "");
    let result = inspect(&sandbox, &answer, SETTINGS);
    assert_eq!(of_status(&result, "fail"), [""; 0], "{:#?}", messages(&result));
    // Without a word of an answer in it, and an HTML document that has no header.
    let header = header.replace("Re: ", "");
    let answer = tracked(&sandbox, &parts(&header, &bodies[5]), "");
    assert_eq!(of_status(&inspect(&sandbox, &answer, SETTINGS), "fail"), [""; 0]);
    let document = sandbox.run(&format!("rewrite {SETTINGS} --message-id m2"), &bodies[1]).ok();
    for flags in [SETTINGS, ""] {
        assert_eq!(of_status(&inspect(&sandbox, &document, flags), "fail"), [""; 0]);
    }
}

#[test]
fn a_banner_in_front_warns() {
    let sandbox = Sandbox::new();
    let banner = "<table><tr><td><b>CAUTION</b>: external sender. <a href=\"https://it.example/report\">Report</a></td></tr></table>";
    for body in [BODY.to_owned(), BODY.replace("<div style=\"display:none\">Half the price</div>\r\n", "")] {
        let mail = tracked(&sandbox, &mail("8bit", &body), "");
        for changed in [
            mail.replace("<body>", &format!("<body>{banner}")),
            mail.replace("<!DOCTYPE", &format!("{banner}<!DOCTYPE")),
        ] {
            for flags in [SETTINGS, ""] {
                let result = inspect(&sandbox, &changed, flags);
                assert_eq!(of_status(&result, "fail"), [""; 0], "{:#?}", messages(&result));
                assert_eq!(status(&result, "pixel-start"), "warning");
                assert!(
                    messages(&result)["pixel-start"].starts_with("something stands in front of the pixel")
                );
            }
        }
    }
}

#[test]
fn wrappers_that_nobody_knows_are_taken_off() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let encoded =
        |url: &str| url.replace('%', "%25").replace(':', "%3A").replace('/', "%2F").replace('?', "%3F");
    let wrap = |mail: &str, wrap: &dyn Fn(&str) -> String| {
        urls(mail)[1..4].iter().fold(mail.to_owned(), |mail, url| mail.replace(*url, &wrap(url)))
    };
    let around =
        |url: &str| format!("https://gate.filter.example/check?k=1&amp;q={}&amp;sig=x", encoded(url));
    for changed in [wrap(&mail, &around), wrap(&mail, &|url| format!("https://gate.filter.example/?u={url}"))]
    {
        for flags in [strict(), "--expect-all-tracked".to_owned()] {
            let result = inspect(&sandbox, &changed, &flags);
            assert_eq!(of_status(&result, "fail"), [""; 0], "{:#?}", messages(&result));
            let said = &messages(&result)["wrappers"];
            assert_eq!(
                said,
                "wrapped on the way by unknown wrapper at gate.filter.example (3): taken off, 3 tracking URLs of ours inside"
            );
            assert_eq!(result["urls"][1]["wrapped_by"][0], "unknown wrapper at gate.filter.example");
        }
    }
    // The pixels too, so that nothing in the mail shows the domain by itself.
    let all = urls(&mail).into_iter().fold(mail.clone(), |mail, url| mail.replace(url, &around(url)));
    assert!(inspect(&sandbox, all, "--key-file KEYS --expect-all-tracked")["passed"].as_bool().unwrap());
    // Around and inside of one that is known.
    let safe = |url: &str| {
        format!("https://nam02.safelinks.protection.outlook.com/?url={}&amp;data=05", encoded(url))
    };
    let plain = |url: &str| format!("https://gate.filter.example/?u={}", encoded(url));
    for wrapped in [
        wrap(&mail, &|url| plain(&safe(url).replace("&amp;", "&")).replace('&', "%26")),
        wrap(&mail, &|url| safe(&plain(url))),
        wrap(&mail, &|url| plain(&plain(url))),
    ] {
        assert_eq!(of_status(&inspect(&sandbox, wrapped, &strict()), "fail"), [""; 0]);
    }
    // Damage inside of it is still seen, and what others wrapped of others' is not ours.
    let cut = wrap(&mail, &|url| around(&url[..url.len() - 5]));
    assert_eq!(of_status(&inspect(&sandbox, cut, SETTINGS), "fail"), ["tokens"]);
    let foreign = mail.replace(urls(&mail)[2], &plain("https://shop.example/b"));
    assert_eq!(
        messages(&inspect(&sandbox, foreign, SETTINGS))["wrappers"],
        "nobody wrapped links on the way"
    );
}

#[test]
fn sources_in_other_wrappings() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("quoted-printable", &quoted_printable(BODY)), "");
    let lf = mail.replace("\r\n", "\n");
    let list = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"\">\n\
                <plist version=\"1.0\">\n<dict>\n<key>flags</key>\n<integer>1</integer>\n</dict>\n</plist>\n";
    let quoted: String = lf.lines().map(|line| format!("> {line}").trim_end().to_owned() + "\n").collect();
    let tight: String = lf.lines().map(|line| format!(">{line}\n")).collect();
    let utf_16 = |text: &str, little: bool| -> Vec<u8> {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let lead = "what copying did is undone: ";
    let apple = "Apple Mail's length and property list";
    let marks = "quotation marks in front of each line";
    for (source, undone) in [
        (format!("{}      \n{lf}{list}", lf.len()).into_bytes(), apple.to_owned()),
        (format!("{}\r\n{mail}{list}", 7).into_bytes(), apple.to_owned()),
        (utf_16(&lf, true), "UTF-16".to_owned()),
        (utf_16(&format!("\n{mail}"), false), "UTF-16, 1 blank line".to_owned()),
        (quoted.clone().into_bytes(), marks.to_owned()),
        (tight.into_bytes(), marks.to_owned()),
        (utf_16(&format!("\n{quoted}"), true), format!("UTF-16, 1 blank line, {marks}")),
        (
            quoted.lines().map(|line| format!("> {line}\n")).collect::<String>().into_bytes(),
            format!("{marks}, {marks}"),
        ),
    ] {
        let result = inspect(&sandbox, &source, &strict());
        assert_eq!(of_status(&result, "fail"), [""; 0], "{undone}: {:#?}", messages(&result));
        assert_eq!(result["kind"], "message");
        assert_eq!(messages(&result)["source"], format!("{lead}{undone}"));
    }
    // Lines and columns are those of the file.
    let result = inspect(&sandbox, &quoted, SETTINGS);
    let place = &result["urls"][1];
    let line = quoted.lines().nth(usize::try_from(place["line"].as_u64().unwrap()).unwrap() - 1).unwrap();
    assert!(
        line[usize::try_from(place["column"].as_u64().unwrap()).unwrap() - 1..].starts_with("https://t."),
        "{line}"
    );
    // A document in UTF-16 is one, and so is a text that begins with a number.
    for document in [utf_16("<html><body>x</body></html>", true), b"12\n<p>x".to_vec(), b"> <p>x".to_vec()] {
        assert_eq!(inspect(&sandbox, document, SETTINGS)["kind"], "html");
    }
}

#[test]
fn a_broken_multipart_fails_by_its_encoding() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    for (changed, said) in [
        (mail.replace("\r\n--b--\r\n", "\r\n"), "the multipart does not end: its last boundary is missing"),
        (mail.replace("; boundary=b", ""), "the multipart names no boundary that can be one"),
        (mail.replace("boundary=b", "boundary=c"), "the multipart has no parts: its boundary stands nowhere"),
    ] {
        let result = inspect(&sandbox, changed, SETTINGS);
        assert!(of_status(&result, "fail").contains(&"encoding".to_owned()), "{said}");
        let found = &messages(&result)["encoding"];
        assert!(found.starts_with(said), "{found}");
    }
}

#[test]
fn an_mbox_of_several_is_refused() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "").replace("\r\n", "\n");
    let one = format!("From shop@example.com Mon Mar  2 09:00:00 2026\n{mail}\n");
    assert_eq!(of_status(&inspect(&sandbox, &one, SETTINGS), "fail"), [""; 0]);
    sandbox.run(&format!("inspect {SETTINGS}"), format!("{one}{one}")).fails(
        65,
        "openclick: inspect: expected one message, found an mbox of several: inspect them one by one",
    );
}
