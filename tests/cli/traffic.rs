//! `[[stream]]` in the configuration file: what is wrong with it is named with its place.

use super::{HTML, Sandbox};

fn error(stream: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("o.toml", format!("key-file = \"KEYS\"\n{stream}"));
    let run = sandbox.run("rewrite --format html --config o.toml --tracking-domain t.example.com", HTML);
    assert_eq!((run.code, run.out.as_str()), (Some(78), ""));
    run.err.strip_prefix("openclick: rewrite: ").unwrap().to_owned()
}

#[test]
fn streams_are_read_by_every_command() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "o.toml",
        "key-file = \"KEYS\"\ntracking-domain = \"t.example.com\"\n[[stream]]\nmatch.virtual-mta = \"a\"\ntracking = false\n",
    );
    let run = sandbox.run("rewrite --format html --message-id m --config o.toml", HTML);
    assert!(run.ok().contains("https://t.example.com/"));
    sandbox.run("key list --config o.toml", "").ok();
    sandbox.run("decode --config o.toml", "").ok();
}

#[test]
fn mistakes_in_the_table() {
    insta::assert_snapshot!(error("[stream]\ntracking = false\n"), @"o.toml:2:1: stream: expected tables, each under [[stream]], found one table: double the brackets");
    insta::assert_snapshot!(error("stream = \"news\"\n"), @"o.toml:2:10: stream: expected tables, each under [[stream]], found a string");
    insta::assert_snapshot!(error("stream = [1]\n"), @"o.toml:2:11: stream: expected tables, each under [[stream]], found a number");
    insta::assert_snapshot!(error("[[stream]]\ntrackin = false\n"), @"o.toml:3:1: stream: unknown key `trackin`; did you mean `tracking`?");
    insta::assert_snapshot!(error("[[stream]]\nhonor-subaccount-header = true\n"), @"o.toml:3:1: stream: unknown key `honor-subaccount-header`; did you mean `honour-subaccount-header`?");
    insta::assert_snapshot!(error("[[stream]]\nvirtual-mta = \"a\"\n"), @"o.toml:3:1: stream: unknown key `virtual-mta`; as a condition it is `match.virtual-mta`");
    insta::assert_snapshot!(error("[[stream]]\nname = 7\n"), @"o.toml:3:8: name: expected a string, found a number");
    insta::assert_snapshot!(error("[[streams]]\n"), @"o.toml:2:3: unknown key `streams`; did you mean `stream`?");
}

#[test]
fn mistakes_in_settings() {
    insta::assert_snapshot!(error("[[stream]]\ntracking = \"off\"\n"), @"o.toml:3:12: tracking: expected true or false, found a string");
    insta::assert_snapshot!(error("[[stream]]\ncustomer-id = -1\n"), @"o.toml:3:15: customer-id: expected a whole number from 0, found a negative number");
    insta::assert_snapshot!(error("[[stream]]\ntracking-domain = \"ftp://t.example.com\"\n"), @r#"o.toml:3:19: tracking-domain: tracking domain "ftp://t.example.com": the scheme is not https or http; expected a form such as https://track.example.com/prefix"#);
    insta::assert_snapshot!(error("[[stream]]\ncampaign = \"\"\n"), @"o.toml:3:12: campaign: the text is empty");
    insta::assert_snapshot!(error("[[stream]]\nlock = \"tracking\"\n"), @"o.toml:3:8: lock: expected a list of strings, found a string: put it in [ ]");
    insta::assert_snapshot!(error("[[stream]]\ntracking = false\nlock = [\"tracking\",\n  \"campagin\"]\n"), @"o.toml:5:3: lock: expected one of tracking, click-tracking, open-tracking, initial-open, text-links, tracking-domain, customer-id, subaccount, campaign, pool, found `campagin`; did you mean `campaign`?");
    insta::assert_snapshot!(error("[[stream]]\ntracking = false\nlock = [\"tracking\",\n  \"campaign\"]\n"), @"o.toml:5:3: lock: `campaign` has no value in this stream");
    insta::assert_snapshot!(error("[[stream]]\nlock = [7]\n"), @"o.toml:3:9: lock: expected a list of strings, found a number in it");
}

#[test]
fn mistakes_in_conditions() {
    insta::assert_snapshot!(error("[[stream]]\nmatch = \"news-*\"\n"), @r#"o.toml:3:9: match: expected a table such as { virtual-mta = "news-*" }, found a string"#);
    insta::assert_snapshot!(error("[[stream]]\nmatch.virtual_mta = \"a\"\n"), @"o.toml:3:7: match: unknown key `virtual_mta`; did you mean `virtual-mta`?");
    insta::assert_snapshot!(error("[[stream]]\nmatch.X-Tier = \"gold\"\n"), @"o.toml:3:7: match: unknown key `X-Tier` (other headers stand under match.header)");
    insta::assert_snapshot!(error("[[stream]]\nmatch.header = \"X-Tier\"\n"), @r#"o.toml:3:16: match.header: expected a table such as { X-Tier = "gold" }, found a string"#);
    insta::assert_snapshot!(error("[[stream]]\nmatch.header.\"X Tier\" = \"gold\"\n"), @"o.toml:3:25: match.header.X Tier: expected the name of a header, found `X Tier`");
    insta::assert_snapshot!(error("[[stream]]\nmatch.job = [\"a\", 1]\n"), @"o.toml:3:19: match.job: expected a string or a list of strings, found a number in it");
    insta::assert_snapshot!(error("[[stream]]\nmatch.job = 1\n"), @"o.toml:3:13: match.job: expected a string or a list of strings, found a number");
    insta::assert_snapshot!(error("[[stream]]\nmatch.job = \"\"\n"), @"o.toml:3:13: match.job: the pattern ``: it is empty (`*` matches everything)");
    insta::assert_snapshot!(error("[[stream]]\nmatch.job = []\n"), @"o.toml:3:13: match.job: expected a pattern, found an empty list");
    insta::assert_snapshot!(error("[[stream]]\nmatch.from-domain = \"*ü.example\"\n"), @"o.toml:3:21: match.from-domain: the pattern `*ü.example`: a label with a wildcard must be ASCII; write it in Punycode (`xn--…`)");
}

#[test]
fn streams_that_hide_each_other() {
    insta::assert_snapshot!(error("[[stream]]\ntracking = false\n\n[[stream]]\nmatch.job = \"a\"\n"), @"o.toml:5:1: stream: it is never reached: stream 1 before it takes every message");
    insta::assert_snapshot!(
        error("[[stream]]\nname = \"a\"\nmatch.job = \"a\"\n[[stream]]\nname = \"a\"\nmatch.job = \"b\"\n"),
        @"o.toml:5:1: stream: stream 1 is named `a` already"
    );
}
