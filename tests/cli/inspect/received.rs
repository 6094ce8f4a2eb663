//! Mails as they are received: copied out of mail programs, wrapped on the way, signed, passed on.

use super::*;

fn encoded(url: &str) -> String {
    url.replace('%', "%25").replace(':', "%3A").replace('/', "%2F").replace('?', "%3F")
}

/// What a filter makes of a link.
type Wrap = fn(&str) -> String;

const WRAPPERS: &[(&str, Wrap)] = &[
    ("Outlook Safe Links", |url| {
        format!(
            "https://nam02.safelinks.protection.outlook.com/?url={}&amp;data=05%7C02&amp;reserved=0",
            encoded(url)
        )
    }),
    ("Proofpoint URL Defense v2", |url| {
        let url = url.replace('-', "-2D").replace('_', "-5F").replace(':', "-3A").replace('/', "_");
        format!("https://urldefense.proofpoint.com/v2/url?u={url}&amp;d=DwMFaQ&amp;c=x&amp;e=")
    }),
    ("Proofpoint URL Defense v3", |url| format!("https://urldefense.com/v3/__{url}__;!!AbC!xyz$")),
    ("Barracuda Link Protection", |url| {
        format!("https://linkprotect.cudasvc.com/url?a={}&amp;c=E,1&amp;typo=1", encoded(url))
    }),
    ("Google", |url| format!("https://www.google.com/url?q={}&amp;source=gmail&amp;usg=A", encoded(url))),
    ("Cisco Secure Email", |url| format!("https://secure-web.cisco.com/1aB-c/{}", encoded(url))),
];

fn with_links(mail: &str, wrap: Wrap) -> String {
    let urls: Vec<_> = urls(mail)[1..4].to_vec();
    urls.iter().fold(mail.to_owned(), |mail, url| mail.replace(*url, &wrap(url)))
}

#[test]
fn wrapped_links_are_unwrapped_and_named() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    for (name, wrap) in WRAPPERS {
        for flags in [&format!("{SETTINGS} --expect-all-tracked"), ""] {
            let result = inspect(&sandbox, with_links(&mail, *wrap), flags);
            assert_eq!(of_status(&result, "fail"), [""; 0], "{name}");
            let said = &messages(&result);
            assert_eq!(
                said["wrappers"],
                format!("wrapped on the way by {name} (3): taken off, 3 tracking URLs of ours inside")
            );
            assert_eq!(said["links-wrapped"], "all 3 links are wrapped");
            let wrapped =
                result["urls"].as_array().unwrap().iter().filter(|url| url["wrapped_by"][0] == *name);
            assert_eq!(wrapped.count(), 3);
        }
    }
    // Two around each other.
    let twice = with_links(&with_links(&mail, |url| url.to_owned()), |url| {
        format!(
            "https://linkprotect.cudasvc.com/url?a={}",
            encoded(&format!("https://urldefense.com/v3/__{url}__;!!AbC!xyz$"))
        )
    });
    let result = inspect(&sandbox, twice, SETTINGS);
    assert!(result["passed"].as_bool().unwrap());
    assert!(
        messages(&result)["wrappers"]
            .starts_with("wrapped on the way by Barracuda Link Protection (3), Proofpoint")
    );
}

#[test]
fn mimecast_is_named_with_the_domain_that_it_shows() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let wrapped =
        with_links(&mail, |_| "https://protect-eu.mimecast.com/s/AbCdE?domain=t.example.com".to_owned());
    let result = inspect(&sandbox, wrapped, SETTINGS);
    assert!(result["passed"].as_bool().unwrap());
    let said = messages(&result);
    assert!(said["wrappers"].ends_with("; 3 cannot be opened by anybody else"), "{}", said["wrappers"]);
    assert_eq!(said["links-wrapped"], "no link can be seen, 3 cannot be looked into");
    let check =
        result["checks"].as_array().unwrap().iter().find(|check| check["name"] == "wrappers").unwrap();
    assert_eq!(check["places"][0]["what"], "cannot be opened, shows t.example.com");
}

#[test]
fn pixels_behind_an_image_proxy_are_found() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let urls = urls(&mail);
    let proxied = |url: &str| format!("https://ci3.googleusercontent.com/meips/AB-x=s0-d-e1-ft#{url}");
    let proxied = mail.replace(urls[0], &proxied(urls[0])).replace(urls[4], &proxied(urls[4]));
    assert!(inspect(&sandbox, proxied, SETTINGS)["passed"].as_bool().unwrap());
}

#[test]
fn what_copying_did_is_undone() {
    let sandbox = Sandbox::new();
    for body in
        [mail("8bit", BODY), mail("quoted-printable", &quoted_printable(BODY)), mail("base64", &base64(BODY))]
    {
        let mail = tracked(&sandbox, &body, "");
        let lf = mail.replace("\r\n", "\n");
        let indented: String = lf
            .lines()
            .map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") })
            .collect();
        let page = "Original Message\nMessage ID\t<m1@example.com>\nFrom:\tshop@example.com\nSPF:\tPASS\n\nDownload Original\n";
        for (copied, undone) in [
            (lf.clone(), "read as it is"),
            (format!("\n\n{lf}"), "what copying did is undone: 2 blank lines"),
            (
                format!("From shop@example.com Mon Mar  2 09:00:00 2026\n{lf}"),
                "what copying did is undone: a `From ` line",
            ),
            (format!("\u{feff}{mail}"), "what copying did is undone: a byte order mark"),
            (indented, "what copying did is undone: an indent of 2 characters"),
            (
                format!("{page}Delivered-To: reader@example.org\n{lf}"),
                "what copying did is undone: a summary of 6 lines above the source",
            ),
        ] {
            let result = inspect(&sandbox, &copied, &format!("{SETTINGS} --expect-all-tracked"));
            assert_eq!(of_status(&result, "fail"), [""; 0], "{undone}: {:#?}", messages(&result));
            assert_eq!(messages(&result)["source"], undone);
            // Places are those of the file as it was given.
            let url = &result["urls"][0];
            let line = usize::try_from(url["line"].as_u64().unwrap()).unwrap();
            let column = usize::try_from(url["column"].as_u64().unwrap()).unwrap();
            let line = copied.split('\n').nth(line - 1).unwrap();
            let rest: String = line.chars().skip(column - 1).collect();
            if !body.contains("base64") {
                assert!(rest.starts_with("https://t.exa"), "{undone}: {rest}");
            }
        }
    }
}

#[test]
fn the_tracking_domain_is_found_in_the_mail() {
    let sandbox = Sandbox::new();
    for domain in ["https://t.example.com", "https://t.example.com/a/b", "http://t.example.com:8080"] {
        let rewrite = format!("rewrite --tracking-domain {domain} --key-file KEYS");
        let body = BODY.replace(
            "<a href=\"https://shop.example/b",
            "<a data-msys-sublink=app href=\"https://shop.example/b",
        );
        let mail = sandbox.run(&rewrite, mail("8bit", &body)).ok();
        let result = inspect(&sandbox, mail, "--key-file KEYS --expect-all-tracked");
        assert_eq!(result["tracking_domain"], serde_json::json!({"url": domain, "origin": "found"}));
        assert_eq!(of_status(&result, "fail"), [""; 0], "{domain}");
        assert_eq!(messages(&result)["tokens"], "all 5 tracking URLs are authentic");
    }
    let result = inspect(&sandbox, mail("8bit", BODY), "");
    assert_eq!(result["tracking_domain"], serde_json::json!({"origin": "none"}));
    assert_eq!(of_status(&result, "fail"), ["pixel-start", "pixel-end"]);
}

#[test]
fn tokens_say_what_they_carry() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "--campaign spring --customer-id 7");
    let result = inspect(&sandbox, mail, SETTINGS);
    let carried = serde_json::json!({
        "message_id": "m1@example.com", "recipient": "reader@example.org", "campaign": "spring", "customer_id": 7, "slot": 0,
        "clicks": 3, "pixels": 2,
    });
    assert_eq!(result["carried"], carried);
    let targets: Vec<_> =
        result["urls"].as_array().unwrap().iter().filter_map(|url| url["token"]["target"].as_str()).collect();
    assert_eq!(
        targets,
        ["https://shop.example/a?x=1&y=2", "https://shop.example/b", "https://shop.example/c"]
    );
    assert_eq!(result["schema"], 1);
    let mail = tracked(&sandbox, &super::mail("8bit", BODY), "--expires 2001-09-09");
    let result = inspect(&sandbox, mail, SETTINGS);
    assert_eq!(
        messages(&result)["tokens"],
        "all 5 tracking URLs are authentic; expired on 2001-09-09: events no longer count"
    );
    assert!(result["passed"].as_bool().unwrap());
}

#[test]
fn an_unwrapped_link_warns_and_fails_only_if_told_so() {
    let sandbox = Sandbox::new();
    let body = BODY.replace(
        "<a href=\"https://shop.example/b",
        "<a data-msys-clicktrack=0 href=\"https://shop.example/b",
    );
    let mail = tracked(&sandbox, &mail("8bit", &body), "");
    let result = inspect(&sandbox, &mail, SETTINGS);
    assert_eq!(
        (of_status(&result, "fail").len(), of_status(&result, "warning")),
        (0, vec!["links-wrapped".into(), "dkim".into()])
    );
    let said = &messages(&result)["links-wrapped"];
    assert!(
        said.starts_with("1 of 3 links is not wrapped: opted out by the author (which leaves no trace)"),
        "{said}"
    );
    for (flags, failed) in [
        ("--expect-all-tracked", true),
        ("--expect-all-tracked --allow other.example", true),
        ("--expect-all-tracked --allow *.shop.example", true),
        ("--expect-all-tracked --allow other.example,SHOP.example", false),
        ("--expect-all-tracked --allow *.example", false),
        ("--expect-all-tracked --skip-host shop.example", false),
    ] {
        let result = inspect(&sandbox, &mail, &format!("{SETTINGS} {flags}"));
        assert_eq!(!result["passed"].as_bool().unwrap(), failed, "{flags}");
    }
    // The link of List-Unsubscribe is never tracked.
    let body = BODY.replace("https://shop.example/b", "https://shop.example/leave?u=7");
    let mail = tracked(&sandbox, &super::mail("8bit", &body), "");
    assert!(
        inspect(&sandbox, mail, &format!("{SETTINGS} --expect-all-tracked"))["passed"].as_bool().unwrap()
    );
}

#[test]
fn mail_sent_without_pixels() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "--open-tracking=false --initial-open=false");
    assert_eq!(of_status(&inspect(&sandbox, &mail, SETTINGS), "fail"), ["pixel-start", "pixel-end"]);
    assert!(
        inspect(&sandbox, &mail, &format!("{SETTINGS} --no-open --no-initial-open"))["passed"]
            .as_bool()
            .unwrap()
    );
    // The message's own header says so.
    let told = mail.replacen(
        "Subject",
        "X-MSYS-API: {\"options\":{\"open_tracking\":false,\"initial_open\":false}}\r\nSubject",
        1,
    );
    let result = inspect(&sandbox, told, SETTINGS);
    assert!(result["passed"].as_bool().unwrap(), "{:#?}", messages(&result));
    assert_eq!(messages(&result)["pixel-start"], "the message's own header or stream switches it off");
}

#[test]
fn a_placeholder_may_have_put_the_pixel_elsewhere() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", &BODY.replace("Hello ", "{{openclick:pixel}}")), "");
    let result = inspect(&sandbox, mail, SETTINGS);
    assert_eq!(of_status(&result, "warning"), ["pixel-end", "dkim"]);
    assert!(result["passed"].as_bool().unwrap());
}

#[test]
fn links_in_plain_text_are_read_too() {
    let sandbox = Sandbox::new();
    let mail = mail("8bit", BODY).replace("\r\nHello\r\n", "\r\nSee https://shop.example/text for more.\r\n");
    let tracked = tracked(&sandbox, &mail, "--text-links");
    let result = inspect(&sandbox, &tracked, SETTINGS);
    assert_eq!(messages(&result)["tokens"], "all 6 tracking URLs are authentic");
    assert_eq!(result["urls"][0]["carrier"], "text");
    let url = urls(&tracked)[0];
    let cut = tracked.replacen(url, &url[..url.len() - 3], 1);
    assert_eq!(of_status(&inspect(&sandbox, cut, SETTINGS), "fail"), ["tokens"]);
}

#[test]
fn signatures_are_told_and_not_verified() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let body = mail.split_once("\r\n\r\n").unwrap().1;
    let hash = {
        use ::base64::Engine;
        use sha2::Digest;
        ::base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(body.as_bytes()))
    };
    let signed = |hash: &str, more: &str| {
        format!(
            "Authentication-Results: mx.example.org;\r\n dkim=pass header.d=example.com; spf=pass\r\nARC-Seal: i=1; d=relay.example; b=x\r\n\
             DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=k;\r\n h=from:list-unsubscribe : List-Unsubscribe-Post;{more}\r\n \
             bh={hash}; b=x\r\n{mail}"
        )
    };
    let said = |mail: String| {
        let result = inspect(&sandbox, mail, SETTINGS);
        assert!(result["passed"].as_bool().unwrap());
        let warned = of_status(&result, "warning") == ["dkim"];
        (warned, messages(&result)["dkim"].clone(), messages(&result)["arc"].clone())
    };
    let (warned, dkim, arc) = said(signed(&hash, ""));
    assert_eq!(
        (warned, dkim.as_str()),
        (
            false,
            "signed by example.com, the whole body, which is as it was signed; the signature is not verified here (mx.example.org says dkim=pass)"
        )
    );
    assert_eq!(arc, "1 ARC seal in the chain, the last by relay.example; not verified here");
    // Exchange Online does not name itself.
    let nameless = signed(&hash, "").replace(
        "mx.example.org;\r\n dkim=pass header.d=example.com; spf=pass",
        "spf=pass (sender IP is 192.0.2.4)\r\n smtp.mailfrom=example.com; dkim=pass header.d=example.com",
    );
    let (_, dkim, _) = said(nameless);
    assert!(dkim.ends_with("(Authentication-Results says dkim=pass)"), "{dkim}");
    // As a mail program saves it.
    assert!(!said(signed(&hash, "").replace("\r\n", "\n")).0);
    let (warned, dkim, _) = said(signed("AAAA", ""));
    assert!(
        warned
            && dkim.starts_with(
                "signed by example.com; the body is not as it was signed: it was rewritten or added to"
            ),
        "{dkim}"
    );
    let start = {
        use ::base64::Engine;
        use sha2::Digest;
        ::base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&body.as_bytes()[..10]))
    };
    let (warned, dkim, _) = said(signed(&start, " l=10;"));
    assert!(warned && dkim.contains("only the start of the body is signed (l=)"), "{dkim}");
    let (warned, dkim, _) = said(signed(&hash, "").replace(" : List-Unsubscribe-Post", ""));
    assert!(warned && dkim.contains("the List-Unsubscribe headers are not signed"), "{dkim}");
}

#[test]
fn unsubscribe_headers() {
    let sandbox = Sandbox::new();
    let mail = tracked(&sandbox, &mail("8bit", BODY), "");
    let post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
    let header = "List-Unsubscribe: <https://shop.example/leave?u=7>\r\n";
    for (mail, said) in [
        (mail.replace(post, ""), "List-Unsubscribe-Post is not: no one-click"),
        (mail.replace("One-Click", "Two-Clicks"), "does not say List-Unsubscribe=One-Click"),
        (mail.replace("https://shop.example/leave?u=7", "mailto:leave@shop.example"), "has no https URL"),
        (
            mail.replace("https://shop.example/leave?u=7", "http://shop.example/"),
            "neither an https nor a mailto URL",
        ),
        (mail.replace(header, ""), "there is no List-Unsubscribe header"),
    ] {
        let result = inspect(&sandbox, mail, SETTINGS);
        assert_eq!(of_status(&result, "warning"), ["list-unsubscribe", "dkim"]);
        assert!(messages(&result)["list-unsubscribe"].contains(said), "{said}");
    }
}

#[test]
fn who_else_tracks_it() {
    let sandbox = Sandbox::new();
    let body = BODY.replace("https://shop.example/b", "https://u1.ct.sendgrid.net/ls/click?upn=abc");
    let mail = mail("8bit", &body);
    // Tracked by us around them, and not by us at all.
    for mail in [tracked(&sandbox, &mail, ""), mail] {
        let result = inspect(&sandbox, mail, SETTINGS);
        assert_eq!(messages(&result)["other-tracking"], "tracked by someone else too: SendGrid (1 URL)");
        assert!(of_status(&result, "warning").contains(&"other-tracking".to_owned()));
    }
}

#[test]
fn another_format_is_recognised_and_not_opened() {
    let sandbox = Sandbox::new();
    let template = "https://t.example.com/r?u={target}&m={message_id}&k={kind}&s={hmac}";
    let flags = format!("{SETTINGS} --url-template {template}");
    let mail = sandbox.run(&format!("rewrite {flags}"), mail("8bit", BODY)).ok();
    let result = inspect(&sandbox, mail, &format!("{flags} --expect-all-tracked"));
    assert_eq!(of_status(&result, "fail"), [""; 0], "{:#?}", messages(&result));
    assert_eq!(messages(&result)["tokens"], "5 URLs of a format that carries no sealed token");
}
