//! What `rewrite` does, and how it says what it cannot do.

use super::{HTML, SETTINGS, Sandbox, first_url};

#[test]
fn stdin_to_stdout() {
    let sandbox = Sandbox::new();
    let html = sandbox.html("--recipient r@example.org", HTML).ok();
    assert!(html.starts_with("<body><div style=\"display:none;"));
    assert!(
        html.contains(r#"<a href="tel:+1">Call</a><img src="https://t.example.com/"#)
            && html.ends_with("</body>")
    );
    let token = sandbox
        .run(&format!("decode --key-file KEYS --tracking-domain t.example.com {}", first_url(&html)), "");
    assert_eq!(
        token.ok(),
        "{\"kind\":\"click\",\"target\":\"https://shop.example/?a=1&b=2\",\"message_id\":\"m1\",\
         \"recipient\":\"r@example.org\",\"link_index\":0,\"customer_id\":0,\"slot\":0}\n"
    );
}

#[test]
fn a_file_and_stdin_give_the_same() {
    let sandbox = Sandbox::new();
    sandbox.write("in.html", HTML);
    let from_stdin = sandbox.html("", HTML).ok();
    assert_eq!(sandbox.html("in.html", "").ok(), from_stdin);
    assert_eq!(sandbox.html("-", HTML).ok(), from_stdin);
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS} in.html"), "").ok(), from_stdin);
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS}"), HTML).ok(), from_stdin);
    assert_eq!(sandbox.html("--on-error pass", HTML).ok(), from_stdin);
}

#[test]
fn every_flag_is_understood() {
    let sandbox = Sandbox::new();
    let html = sandbox.html(
        "--recipient r --campaign c --customer-id 7 --pool p --subaccount s --list-unsubscribe https://u.example/ \
         --sealed-at 2026-09-21T14:13:20Z --expires 2027-01-31 --extension 9=nine --extension 10= --open-tracking \
         --initial-open=false --click-tracking=true --outlook=false --pixel-placeholder [pixel] --charset utf-8 \
         --report-links 5 --dialects sendgrid,sparkpost --dialects ses --skip-host a.example,*.b.example \
         --skip-host c.example --visible-url leave --max-links 3 --max-target-length 100 --max-url-length 500 \
         --url-format sealed --quiet",
        HTML,
    );
    let html = html.ok();
    assert!(html.starts_with("<body><a href=\"https://t.example.com/"));
    let line = format!("decode --key-file KEYS --tracking-domain t.example.com {}", first_url(&html));
    insta::assert_snapshot!(sandbox.run(&line, "").ok(), @r#"{"kind":"click","target":"https://shop.example/?a=1&b=2","message_id":"m1","recipient":"r","link_index":0,"customer_id":7,"campaign":"c","pool":"p","subaccount":"s","slot":0,"sealed_at":"2026-09-21T14:13:00Z","expires":"2027-01-31","extensions":[[9,[110,105,110,101]],[10,[]]]}"#);
}

#[test]
fn switches_and_link_rules_work() {
    let sandbox = Sandbox::new();
    let off = "--open-tracking=false --initial-open=false";
    assert_eq!(sandbox.html(&format!("{off} --click-tracking=false"), HTML).ok(), HTML);
    assert_eq!(
        sandbox.html(&format!("{off} --skip-host *.example --skip-host shop.example"), HTML).ok(),
        HTML
    );
    assert_eq!(sandbox.html(&format!("{off} --max-links 0"), HTML).ok(), HTML);
    assert_eq!(sandbox.html(&format!("{off} --max-target-length 10"), HTML).ok(), HTML);
    assert_eq!(
        sandbox.html(&format!("{off} --list-unsubscribe https://shop.example/?a=1&b=2"), HTML).ok(),
        HTML
    );
    assert_eq!(sandbox.html("--no-consent clicks,opens", HTML).ok(), HTML);
    assert_eq!(sandbox.html("--engine lol_html", HTML).ok(), sandbox.html("--engine scan", HTML).ok());
    let shown = r#"<a href="https://x.example/">https://x.example/</a>"#;
    assert_eq!(sandbox.html(&format!("{off} --visible-url leave"), shown).ok(), shown);
    let opted_out = r#"<a clicktracking=off href="https://x.example/">x</a>"#;
    assert_eq!(
        sandbox.html(&format!("{off} --dialects sendgrid"), opted_out).ok(),
        r#"<a href="https://x.example/">x</a>"#
    );
}

#[test]
fn other_url_formats() {
    let sandbox = Sandbox::new();
    let off = "--open-tracking=false --initial-open=false";
    let template = "--url-template https://t.example.com/r?u={target}&s={hmac}";
    let html = sandbox.html(&format!("{off} {template}"), HTML).ok();
    assert!(
        html.contains(
            "href=\"https://t.example.com/r?u=https%3A%2F%2Fshop.example%2F%3Fa%3D1%26b%3D2&amp;s="
        )
    );
    let html = sandbox.html(&format!("{off} --url-format sparky-pmta --unsigned"), HTML).ok();
    assert!(html.contains("href=\"https://t.example.com/eJ"));
    sandbox.html("--url-format sparky-pmta", HTML).fails(
        64,
        "openclick: rewrite: --url-format: the format sparky-pmta is not signed, which makes its endpoint an open \
         redirector: use the sealed format, or accept it with `unsigned`",
    );
    sandbox.html("--url-template https://t.example.com/r?u={target}", HTML).fails(
        64,
        "openclick: rewrite: --url-template: this URL template has no {hmac}, which makes its endpoint an open \
         redirector: add {hmac} as the last field, or accept it with `unsigned`",
    );
    sandbox.html("--url-format template", HTML).fails(
        78,
        "openclick: rewrite: no URL template: give --url-template, OPENCLICK_URL_TEMPLATE, or url-template in the file \
         that --config names",
    );
    let run = sandbox.html("--url-template https://t.example.com/{nonsense}", HTML);
    assert_eq!(run.code, Some(64));
    assert!(
        run.err.starts_with("openclick: rewrite: --url-template: ") && run.err.contains("{nonsense}"),
        "{}",
        run.err
    );
}

#[test]
fn a_template_that_would_be_ignored_is_refused() {
    let sandbox = Sandbox::new();
    let base = "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\nmessage-id = \"m1\"\n";
    let template = "https://t.example.com/r?u={target}&s={hmac}";
    let run = |flags: &str, variables: &[(&str, &str)], file: &str| {
        sandbox.write("o.toml", format!("{base}{file}"));
        let line = format!("rewrite --format html --config o.toml {flags}");
        let mut command = sandbox.command(line.split_whitespace());
        command.envs(variables.iter().copied());
        super::run(command, HTML)
    };
    let takes_none = "takes no template: choose `template`, or leave this out";
    for (flags, variables, file, code, message) in [
        (
            &*format!("--url-template {template} --url-format sealed"),
            &[][..],
            "",
            64,
            "--url-template: the format `sealed`, chosen by --url-format, ",
        ),
        (
            &format!("--url-template {template} --unsigned"),
            &[("OPENCLICK_URL_FORMAT", "sparky-pmta")],
            "",
            64,
            "--url-template: the format `sparky-pmta`, chosen by OPENCLICK_URL_FORMAT, ",
        ),
        (
            &format!("--url-template {template}"),
            &[],
            "url-format = \"sealed\"\n",
            64,
            "--url-template: the format `sealed`, chosen by o.toml:4:14: url-format, ",
        ),
        (
            "",
            &[("OPENCLICK_URL_TEMPLATE", template)],
            "url-format = \"sealed\"\n",
            78,
            "OPENCLICK_URL_TEMPLATE: the format `sealed`, chosen by o.toml:4:14: url-format, ",
        ),
        (
            "",
            &[],
            &format!("url-template = \"{template}\"\nurl-format = \"sealed\"\n"),
            78,
            "o.toml:4:16: url-template: the format `sealed`, chosen by o.toml:5:14: url-format, ",
        ),
    ] {
        run(flags, variables, file).fails(code, &format!("openclick: rewrite: {message}{takes_none}"));
    }
    // What stands above chooses another format than what stands below has a template for: no contradiction.
    let sealed = sandbox.html("", HTML).ok();
    let file = format!("url-template = \"{template}\"\n");
    assert_ne!(run("", &[], &file).ok(), sealed);
    assert_eq!(run("--url-format sealed", &[], &file).ok(), sealed);
    assert_eq!(run("", &[("OPENCLICK_URL_FORMAT", "sealed")], &file).ok(), sealed);
    assert_eq!(run("--url-format sealed", &[("OPENCLICK_URL_TEMPLATE", template)], "").ok(), sealed);
}

#[test]
fn a_missing_message_id_is_made_and_told() {
    let sandbox = Sandbox::new();
    let line = "rewrite --format html --tracking-domain t.example.com --key-file KEYS --report r.json";
    let run = sandbox.run(line, HTML);
    assert_eq!(run.code, Some(0));
    let id = run.err.strip_prefix("openclick: rewrite: no message id was given: made ").unwrap().trim_end();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("r.json")).unwrap();
    assert_eq!(report["message_id"], id);
    let decoded =
        sandbox.run("decode --key-file KEYS --tracking-domain t.example.com", first_url(&run.out)).ok();
    assert!(decoded.contains(id));
    let again = sandbox.run(line, HTML);
    assert_ne!(again.err, run.err);
    assert_eq!(sandbox.run(&format!("{line} --quiet"), HTML).err, "");
}

#[test]
fn the_report_is_json() {
    let sandbox = Sandbox::new();
    sandbox.html("--report r.json --recipient secret@example.org", HTML).ok();
    let text = sandbox.read("r.json");
    assert!(!text.contains("secret@"));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["message_id"], "m1");
    assert_eq!(report["links_tracked"], 1);
    assert_eq!(report["links_left"]["scheme"], 1);
    assert_eq!(report["links"][0]["verdict"], "tracked");
    assert_eq!(report["pixels"][1]["place"], "body-end");
    assert_eq!(report["bytes_in"], HTML.len());

    let to_stdout = sandbox.html("-o out.html --recipient secret@example.org --report -", HTML).ok();
    assert_eq!(to_stdout, text);
    sandbox
        .html("--report -", HTML)
        .fails(64, "openclick: rewrite: --report -: stdout takes the mail: name a file, or give -o OUT");
}

#[test]
fn a_report_shows_no_control_of_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox
        .html("--report r.json", "<a href=\"https://x.example/\u{202e}\u{9b}\">\u{1b}[31m\u{202e}</a>")
        .ok();
    let text = sandbox.read("r.json");
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text}");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["links"][0]["raw"], "https://x.example/\u{202e}\u{9b}");
}

#[test]
fn inputs_that_cannot_be_opened() {
    let sandbox = Sandbox::new();
    sandbox.html("nope.html", "").fails(66, "openclick: rewrite: nope.html: no such file or directory");
    sandbox.html(".", "").fails(66, "openclick: rewrite: .: expected a file, found a folder");
    sandbox.html("KEYS/x", "").fails(66, "openclick: rewrite: KEYS/x: not a directory");
    sandbox.html("--outlook false", "").fails(
        66,
        "openclick: rewrite: false: no such file or directory (a flag takes its value with an equals sign: \
         --outlook=false)",
    );
}

#[test]
fn a_message_is_not_taken_for_html() {
    let sandbox = Sandbox::new();
    for message in ["Subject: x\r\n\r\n<p>", "From a@b.example Mon\nSubject: x\n\n", "X-Long-Name :x\n\n"] {
        sandbox.write("mail.eml", message);
        // No part of it is HTML.
        assert_eq!(sandbox.run(&format!("rewrite {SETTINGS} mail.eml"), "").ok(), message);
        let html = sandbox.html("--open-tracking=false --initial-open=false mail.eml", "").ok();
        assert_eq!(html, message);
    }
    assert_eq!(sandbox.names(), ["KEYS", "mail.eml"]);
}

#[test]
fn settings_that_cannot_be_used() {
    let sandbox = Sandbox::new();
    let fails = |line: &str, code, message| {
        sandbox.run(&format!("rewrite --format html {line}"), HTML).fails(code, message)
    };
    fails(
        "--key-file KEYS",
        78,
        "openclick: rewrite: no tracking domain: give --tracking-domain, OPENCLICK_TRACKING_DOMAIN, or tracking-domain \
         in the file that --config names",
    );
    fails(
        "--tracking-domain t.example.com",
        78,
        "openclick: rewrite: no key file: give --key-file, OPENCLICK_KEY_FILE, or key-file in the file that --config \
         names",
    );
    fails(
        "--tracking-domain t.example.com --key-file nope",
        78,
        "openclick: rewrite: key file nope: no such file or directory (`openclick key new > nope` makes it)",
    );
    fails(
        "--max-links many",
        64,
        "openclick: rewrite: --max-links: expected a whole number from 0, found `many`",
    );
    fails(
        "--expires soon",
        64,
        "openclick: rewrite: --expires: expected a date such as 2027-01-31, found `soon`",
    );
    fails(
        &format!("{SETTINGS} --extension nine=9"),
        64,
        "openclick: rewrite: --extension: expected a number, = and a text, found `nine=9`",
    );
    let run = sandbox.run("rewrite --format html --tracking-domain ftp://t.example --key-file KEYS", HTML);
    assert_eq!(run.code, Some(64));
    assert!(run.err.starts_with("openclick: rewrite: --tracking-domain: "), "{}", run.err);
}

/// What the library refuses is named by flag, variable and place in the file all the same.
#[test]
fn what_the_library_refuses_is_named_by_its_source() {
    let sandbox = Sandbox::new();
    let long = "i".repeat(999);
    let huge = format!("7={}", "e".repeat(9000));
    for (name, value, message) in [
        ("charset", "nonsense", "expected a charset label such as `utf-8`, found `nonsense`"),
        ("message-id", &long, "expected a message id of at most 998 bytes, found 999"),
        ("recipient", &long, "expected a recipient of at most 998 bytes, found 999"),
        ("campaign", "a\u{7}", "expected a campaign without control characters"),
        ("pool", "a\u{7}", "expected a pool without control characters"),
        ("subaccount", "a\u{7}", "expected a subaccount without control characters"),
        (
            "skip-host",
            "https://x",
            "expected a host to skip such as `example.org` or `*.example.org`, found `https://x`",
        ),
        (
            "pixel-placeholder",
            "<x>",
            "expected a pixel placeholder of visible ASCII characters without `<`, `>` and `&`, at most 100, found `<x>`",
        ),
        ("extension", &huge, "token extensions of 9004 bytes: a tracking URL carries at most 8192"),
        (
            "max-target-length",
            "8193",
            "expected a longest target of at most 8192 bytes, which is what a token can hold, found 8193",
        ),
        (
            "url-format",
            "sparky-pmta",
            "the format sparky-pmta is not signed, which makes its endpoint an open redirector: use the sealed format, or \
             accept it with `unsigned`",
        ),
    ] {
        let base = "rewrite --format html --tracking-domain t.example.com --key-file KEYS";
        let variable = format!("OPENCLICK_{}", name.to_uppercase().replace('-', "_"));
        let mut command = sandbox.command(base.split(' '));
        command.arg(format!("--{name}={value}"));
        super::run(command, HTML).fails(64, &format!("openclick: rewrite: --{name}: {message}"));
        let mut command = sandbox.command(base.split(' '));
        command.env(&variable, value);
        super::run(command, HTML).fails(78, &format!("openclick: rewrite: {variable}: {message}"));
        let quoted = format!("{value:?}").replace("\\u{7}", "\\u0007");
        let list = matches!(name, "skip-host" | "extension");
        let quoted = match name {
            _ if list => format!("[{quoted}]"),
            "max-target-length" => value.to_owned(),
            _ => quoted,
        };
        sandbox.write("o.toml", format!("# mine\n{name} = {quoted}\n"));
        sandbox
            .run(&format!("{base} --config o.toml"), HTML)
            .fails(78, &format!("openclick: rewrite: o.toml:2:{}: {name}: {message}", name.len() + 4));
    }
    sandbox
        .run("rewrite --format html --tracking-domain t.example.com --key-file KEYS --message-id=", HTML)
        .fails(64, "openclick: rewrite: --message-id: expected a message id, found an empty one");
}

#[test]
fn a_bad_recipient_is_not_repeated() {
    let sandbox = Sandbox::new();
    let mut command =
        sandbox.command(["rewrite", "--format", "html", "--recipient", "secret@example.org\u{7}"]);
    command.args(SETTINGS.split_whitespace());
    super::run(command, HTML)
        .fails(64, "openclick: rewrite: --recipient: expected a recipient without control characters");
}

#[test]
fn a_key_past_its_date_does_not_seal() {
    let sandbox = Sandbox::new();
    sandbox.write("KEYS", super::KEYS.trim_end().to_owned() + " 2020-01-31\n");
    let run = sandbox.html("", HTML);
    assert_eq!((run.code, run.out.as_str()), (Some(78), ""));
    let why = "key file KEYS: the active key, slot 0, is not to seal after 2020-01-31T23:59:59Z: ";
    assert!(run.err.starts_with(&format!("openclick: rewrite: {why}")), "{}", run.err);
}

#[test]
#[cfg(unix)]
fn an_open_key_file_is_refused() {
    let sandbox = Sandbox::new();
    super::mode(&sandbox.path("KEYS"), 0o644);
    sandbox.html("", HTML).fails(
        78,
        "openclick: rewrite: key file KEYS has mode 0644: others can read it, and whoever has a key can forge and read \
         tracking links; run `chmod 0640 KEYS`",
    );
    sandbox.html("--allow-open-key-file", HTML).ok();
    super::mode(&sandbox.path("KEYS"), 0o640);
    sandbox.html("", HTML).ok();
}

#[test]
fn the_demonstration_of_the_readme() {
    let root = env!("CARGO_MANIFEST_DIR");
    let sandbox = Sandbox::new();
    let newsletter = format!("{root}/fixtures/html/newsletter-100k.html");
    let config = format!("{root}/fixtures/demo/openclick.toml");
    let html = sandbox.run(&format!("rewrite --config {config} {newsletter}"), "").ok();
    assert!(html.matches("https://track.example.com/").count() > 50);
}
