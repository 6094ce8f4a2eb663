//! `decode`: what tracking URLs carry, one line of JSON each.

use std::io::{BufRead, BufReader, Write};

use super::{HTML, Sandbox, first_url, run};

const DECODE: &str = "decode --key-file KEYS --tracking-domain t.example.com";

fn url(sandbox: &Sandbox) -> String {
    first_url(&sandbox.html("", HTML).ok()).to_owned()
}

const GOOD: &str = "{\"kind\":\"click\",\"target\":\"https://shop.example/?a=1&b=2\",\"message_id\":\"m1\",\
                    \"link_index\":0,\"customer_id\":0,\"slot\":0}";

#[test]
fn arguments_and_lines() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    let token = url.rsplit('/').next().unwrap();
    assert_eq!(sandbox.run(&format!("{DECODE} {url} {token}"), "").ok(), format!("{GOOD}\n{GOOD}\n"));
    let lines = format!("{url}\n\n  {token}\r\n{url}");
    assert_eq!(sandbox.run(DECODE, lines).ok(), format!("{GOOD}\n{GOOD}\n{GOOD}\n"));
    assert_eq!(sandbox.run(DECODE, "").ok(), "");
}

#[test]
fn what_was_appended_is_kept() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    let line = sandbox.run(&format!("{DECODE} {url}?utm_source=x&fbclid=\u{202e}#y"), "").ok();
    assert!(line.ends_with(",\"appended\":\"?utm_source=x&fbclid=\\u202e#y\"}\n"), "{line}");
}

#[test]
fn bad_ones_are_named_and_the_others_printed() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    let other = if url.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{other}{}", &url[..40], &url[41..]);
    let version = "https://t.example.com/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let slot = "https://t.example.com/IQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let input = format!(
        "nonsense!\n{url}\nhttps://elsewhere.example/x\n{changed}\n{version}\n{slot}\nIA\n\u{1b}[31m\n{url}\n"
    );
    let run = sandbox.run(DECODE, input);
    assert_eq!((run.code, run.err.as_str()), (Some(65), "openclick: decode: 7 of 9 not valid\n"));
    let lines: Vec<_> = run.out.lines().collect();
    assert_eq!((lines[1], lines[8]), (GOOD, GOOD));
    let shown = [0, 2, 3, 4, 5, 6, 7].map(|at| lines[at].replace(&changed, "CHANGED")).join("\n");
    insta::assert_snapshot!(shown, @r#"
    {"error":{"kind":"bad-characters","message":"the token has characters that are not base64url"},"input":"nonsense!"}
    {"error":{"kind":"not-our-host","message":"the URL is not of a tracking domain of ours"},"input":"https://elsewhere.example/x"}
    {"error":{"kind":"not-authentic","message":"the token is not authentic: changed, cut, or not made with these keys for this domain"},"input":"CHANGED"}
    {"error":{"kind":"unknown-version","message":"the token has the unknown version 0"},"input":"https://t.example.com/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    {"error":{"kind":"unknown-key","message":"the token is sealed with slot 1, which has no key here"},"input":"https://t.example.com/IQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    {"error":{"kind":"truncated","message":"the token is cut short"},"input":"IA"}
    {"error":{"kind":"bad-characters","message":"the token has characters that are not base64url"},"input":"\u001b[31m"}
    "#);
    for line in lines {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn lines_that_are_too_long_or_no_text() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    let mut input = vec![b'A'; 10 << 20];
    input.extend_from_slice(format!("\n{url}\n").as_bytes());
    input.extend_from_slice(b"\xff\xfe\0\n");
    let run = sandbox.run(DECODE, input);
    assert_eq!(run.code, Some(65));
    let lines: Vec<_> = run.out.lines().collect();
    assert!(
        lines[0].starts_with("{\"error\":{\"kind\":\"too-long\",") && lines[0].len() < 400,
        "{}",
        lines[0]
    );
    assert_eq!(lines[1], GOOD);
    assert!(lines[2].contains("\"bad-characters\"") && lines[2].contains("\\u0000"), "{}", lines[2]);
}

#[test]
fn a_domain_before_a_move() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    let moved = "decode --key-file KEYS --tracking-domain new.example.com";
    assert_eq!(sandbox.run(&format!("{moved} {url}"), "").code, Some(65));
    sandbox.run(&format!("{moved} --also-accept x.example --also-accept t.example.com {url}"), "").ok();
    sandbox.run(&format!("{moved} --also-accept=x.example,t.example.com {url}"), "").ok();
    sandbox.write(
        "o.toml",
        "tracking-domain = \"new.example.com\"\nkey-file = \"KEYS\"\nalso-accept = [\"t.example.com\"]\n\
         campaign = \"not asked here\"\n",
    );
    sandbox.run(&format!("decode --config o.toml {url}"), "").ok();
    let run = sandbox.run(&format!("{moved} --also-accept=ftp://x {url}"), "");
    assert_eq!(run.code, Some(64));
    assert!(run.err.starts_with("openclick: decode: --also-accept: "), "{}", run.err);
}

#[test]
fn answers_come_line_by_line() {
    let sandbox = Sandbox::new();
    let url = url(&sandbox);
    let mut child = sandbox.command(DECODE.split(' ')).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        writeln!(stdin, "{url}").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), GOOD);
    }
    drop(stdin);
    assert!(answers.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_exit_codes_are_its_own_whatever_stdin_is() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run("decode --nonsense", "").code, Some(64));
    assert_eq!(sandbox.run("decode", "").code, Some(78));
    assert_eq!(sandbox.run("decode --config nope", "").code, Some(78));
    let mut command = sandbox.command(["decode", "x"]);
    command.env("OPENCLICK_TRACKING_DOMAIN", "t.example.com").env("OPENCLICK_KEY_FILE", "KEYS");
    assert_eq!(run(command, "").code, Some(65));
}
