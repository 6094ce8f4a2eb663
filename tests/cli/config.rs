//! Flags, variables and the file: one name each, and that order.

use super::{HTML, Sandbox, run};

/// The campaign of the first link, and who set it.
fn campaign(sandbox: &Sandbox, flags: &str, variables: &[(&str, &str)]) -> Option<String> {
    let line = format!("rewrite --format html --message-id m {flags} --report r.json");
    let mut command = sandbox.command(line.split_whitespace());
    command.envs(variables.iter().copied());
    run(command, HTML).ok();
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("r.json")).unwrap();
    let url = report["links"][0]["url"].as_str()?;
    let line = format!("decode --key-file KEYS --tracking-domain t.example.com {url}");
    let token: serde_json::Value = serde_json::from_str(&sandbox.run(&line, "").ok()).unwrap();
    token["campaign"].as_str().map(str::to_owned)
}

#[test]
fn a_flag_stands_above_a_variable_and_a_variable_above_the_file() {
    let sandbox = Sandbox::new();
    let base = "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\n";
    sandbox.write("o.toml", format!("{base}campaign = \"file\"\n"));
    let of = |flags: &str, variables: &[(&str, &str)]| campaign(&sandbox, flags, variables);
    let variable = ("OPENCLICK_CAMPAIGN", "variable");
    assert_eq!(of("--config o.toml", &[]).as_deref(), Some("file"));
    assert_eq!(of("--config o.toml", &[variable]).as_deref(), Some("variable"));
    assert_eq!(of("--config o.toml --campaign flag", &[variable]).as_deref(), Some("flag"));
    // The file by its variable; an empty variable is none.
    let config = ("OPENCLICK_CONFIG", "o.toml");
    assert_eq!(of("", &[config]).as_deref(), Some("file"));
    assert_eq!(of("", &[config, ("OPENCLICK_CAMPAIGN", "")]).as_deref(), Some("file"));
    sandbox.write("other.toml", base);
    assert_eq!(of("--config other.toml", &[config]), None);
    // Switches and lists too.
    sandbox.write("o.toml", format!("{base}click-tracking = false\nskip-host = [\"shop.example\"]\n"));
    assert_eq!(of("--config o.toml --campaign c", &[]), None);
    let on = ("OPENCLICK_CLICK_TRACKING", "true");
    assert_eq!(of("--config o.toml --campaign c", &[on]), None);
    let hosts = ("OPENCLICK_SKIP_HOST", "a.example,b.example");
    assert_eq!(of("--config o.toml --campaign c", &[on, hosts]).as_deref(), Some("c"));
    assert_eq!(of("--config o.toml --campaign c --click-tracking=false", &[on, hosts]), None);
}

#[test]
fn the_working_folder_is_not_searched() {
    let sandbox = Sandbox::new();
    sandbox.write("openclick.toml", "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\n");
    assert_eq!(sandbox.run("rewrite --format html", HTML).code, Some(78));
}

#[test]
fn consent_is_only_ever_taken_away() {
    let sandbox = Sandbox::new();
    let base = "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\n";
    sandbox.write("o.toml", format!("{base}no-consent = [\"clicks\"]\n"));
    sandbox.write("on.toml", format!("{base}no-consent = []\nopen-tracking = true\n"));
    let html = |line: &str, variable: &str| {
        let line = format!("rewrite --format html --message-id m {line}");
        let mut command = sandbox.command(line.split_whitespace());
        command.env("OPENCLICK_NO_CONSENT", variable);
        run(command, HTML).ok()
    };
    let off = "--open-tracking=false --initial-open=false";
    assert_eq!(html(&format!("--config o.toml --click-tracking {off}"), ""), HTML);
    assert_eq!(html("--config o.toml --click-tracking --no-consent opens", ""), HTML);
    assert_eq!(html("--config o.toml --open-tracking --initial-open", "opens"), HTML);
    assert_eq!(html("--config on.toml --no-consent clicks,opens", ""), HTML);
}

#[test]
fn a_key_file_is_found_beside_its_configuration() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("etc")).unwrap();
    std::fs::rename(sandbox.path("KEYS"), sandbox.path("etc/KEYS")).unwrap();
    sandbox.write(
        "etc/o.toml",
        "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\nmessage-id = \"m\"\n",
    );
    sandbox.run("rewrite --format html --config etc/o.toml", HTML).ok();
    sandbox.run("key list --config etc/o.toml", "").ok();
    // But one of a flag is found from where the command runs.
    sandbox.run("rewrite --format html --config etc/o.toml --key-file KEYS", HTML).fails(
        78,
        "openclick: rewrite: key file KEYS: no such file or directory (`openclick key new > KEYS` makes it)",
    );
}

#[test]
fn mistakes_in_the_file_are_named_with_their_place() {
    let sandbox = Sandbox::new();
    let error = |text: &str| {
        sandbox.write("o.toml", text);
        let run = sandbox.run("rewrite --format html --config o.toml", HTML);
        assert_eq!((run.code, run.out.as_str()), (Some(78), ""));
        run.err
    };
    insta::assert_snapshot!(
        error("# mine\ntracking_domain = \"t.example.com\"\n"),
        @"openclick: rewrite: o.toml:2:1: unknown key `tracking_domain`; did you mean `tracking-domain`?"
    );
    insta::assert_snapshot!(
        error("campaign = \"c\"\nnonsense = 1\n"),
        @"openclick: rewrite: o.toml:2:1: unknown key `nonsense`"
    );
    insta::assert_snapshot!(
        error("customer-id = \"seven\"\n"),
        @"openclick: rewrite: o.toml:1:15: customer-id: expected a whole number from 0, found a string"
    );
    insta::assert_snapshot!(
        error("open-tracking = \"yes\"\n"),
        @"openclick: rewrite: o.toml:1:17: open-tracking: expected true or false, found a string"
    );
    insta::assert_snapshot!(
        error("skip-host = \"a.example\"\n"),
        @"openclick: rewrite: o.toml:1:13: skip-host: expected a list of strings, found a string: put it in [ ]"
    );
    insta::assert_snapshot!(
        error("dialects = [\"sendgird\"]\n"),
        @"openclick: rewrite: o.toml:1:12: dialects: expected one of sparkpost, sendgrid, ses, mailgun, postmark, mandrill, ahoy, kannon, mautic, mailglass, campaignmonitor, customerio, postal, found `sendgird`; did you mean `sendgrid`?"
    );
    insta::assert_snapshot!(
        error("format = \"html\"\n[tracking]\ndomain = \"t.example.com\"\n"),
        @"openclick: rewrite: o.toml:2:2: unknown key `tracking`"
    );
    insta::assert_snapshot!(
        error("campaign = spring\n"),
        @"openclick: rewrite: o.toml:1:12: string values must be quoted, expected literal string"
    );
    insta::assert_snapshot!(
        error("campaign = \"a\"\ncampaign = \"b\"\n"),
        @"openclick: rewrite: o.toml:2:1: duplicate key"
    );
    let domain = error("tracking-domain = \"t.example.com/?a=1\"\n");
    assert!(domain.starts_with("openclick: rewrite: o.toml:1:19: tracking-domain: "), "{domain}");
    assert!(domain.contains("it has a query"), "{domain}");
    sandbox.write("latin1.toml", b"campaign = \"\xe4\"\n");
    sandbox
        .run("rewrite --format html --config latin1.toml", HTML)
        .fails(78, "openclick: rewrite: latin1.toml:1:13: expected UTF-8");
    sandbox
        .run("rewrite --format html --config nope.toml", HTML)
        .fails(78, "openclick: rewrite: configuration nope.toml: no such file or directory");
    sandbox
        .run("rewrite --format html --config .", HTML)
        .fails(78, "openclick: rewrite: configuration .: is a directory");
}

#[test]
fn mistakes_in_variables_are_named() {
    let sandbox = Sandbox::new();
    let error = |name: &str, value: &str| {
        let mut command = sandbox.command("rewrite --format html".split(' '));
        command.env(name, value);
        let run = run(command, HTML);
        assert_eq!((run.code, run.out.as_str()), (Some(78), ""));
        run.err
    };
    insta::assert_snapshot!(
        error("OPENCLICK_CUSTOMER_ID", "seven"),
        @"openclick: rewrite: OPENCLICK_CUSTOMER_ID: expected a whole number from 0, found `seven`"
    );
    insta::assert_snapshot!(
        error("OPENCLICK_OUTLOOK", "on"),
        @"openclick: rewrite: OPENCLICK_OUTLOOK: expected true or false, found `on`"
    );
    insta::assert_snapshot!(
        error("OPENCLICK_NO_CONSENT", "click"),
        @"openclick: rewrite: OPENCLICK_NO_CONSENT: expected one of clicks, opens, found `click`; did you mean `clicks`?"
    );
    insta::assert_snapshot!(
        error("OPENCLICK_SEALED_AT", "2026-09-21"),
        @"openclick: rewrite: OPENCLICK_SEALED_AT: expected now, a time such as 2027-01-31T12:00:00Z, or seconds since 1970, found `2026-09-21`"
    );
}

#[test]
fn what_is_shown_cannot_steer_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("o.toml", "\"\\u001b[31m\\nred\\u202e\" = 1\n");
    sandbox
        .run("rewrite --format html --config o.toml", HTML)
        .fails(78, "openclick: rewrite: o.toml:1:1: unknown key `\\u{1b}[31m\\u{a}red\\u{202e}`");
    sandbox.run("rewrite --format html \u{1b}[31m", HTML).fails(
        78,
        "openclick: rewrite: no tracking domain: give --tracking-domain, OPENCLICK_TRACKING_DOMAIN, or tracking-domain \
         in the file that --config names",
    );
    sandbox
        .html("\u{1b}[31m\u{202e}", HTML)
        .fails(66, "openclick: rewrite: \\u{1b}[31m\\u{202e}: no such file or directory");
}
