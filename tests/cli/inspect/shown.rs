//! What a person sees.

use std::io::Read;
use std::process::Stdio;

use super::super::run;
use super::*;

/// What is shown in so many columns.
fn shown(sandbox: &Sandbox, columns: usize, line: &str, mail: &str) -> String {
    let mut command = sandbox.command(line.split_whitespace());
    command.env("COLUMNS", columns.to_string());
    run(command, mail).out
}

fn damaged(sandbox: &Sandbox) -> String {
    let body = BODY
        .replace(
            "<a href=\"https://shop.example/b",
            "<a data-msys-clicktrack=0 href=\"https://shop.example/b",
        )
        .replace(">three", " data-msys-linkname=\"\u{65e5}\u{672c}\">three");
    let mail = tracked(sandbox, &mail("8bit", &body), "");
    let url = urls(&mail)[2].to_owned();
    mail.replacen(&url, &url[..url.len() - 9], 1)
        .replace(">two", " clicktracking=off>two")
        .replace(">one", " data-msys-x data-msys-linkname=\"\u{1b}[31m\u{202e}\u{65e5}\">one")
}

#[test]
fn a_list_that_fits() {
    let sandbox = Sandbox::new();
    let mail = damaged(&sandbox);
    let line = format!("inspect {SETTINGS}");
    for columns in [40, 60, 72, 80, 120, 200] {
        let text = shown(&sandbox, columns, &line, &mail);
        for line in text.lines() {
            assert!(unicode_width(line) <= columns, "{columns}: {line}");
            assert_eq!(line, line.trim_end());
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    insta::assert_snapshot!(shown(&sandbox, 60, &line, &mail));
    insta::assert_snapshot!(shown(&sandbox, 80, &line, &mail));
    insta::assert_snapshot!(shown(&sandbox, 120, &line, &mail));
}

/// Wide characters take two columns.
fn unicode_width(line: &str) -> usize {
    line.chars().map(|c| if ('\u{2e80}'..='\u{ffef}').contains(&c) { 2 } else { 1 }).sum()
}

#[test]
fn colours_where_they_are_asked_for() {
    let sandbox = Sandbox::new();
    let mail = damaged(&sandbox);
    let plain = shown(&sandbox, 80, &format!("inspect {SETTINGS}"), &mail);
    let coloured = shown(&sandbox, 80, &format!("inspect --color always {SETTINGS}"), &mail);
    assert!(
        coloured.contains("\u{1b}[31mFAIL\u{1b}[0m") && coloured.contains("\u{1b}[32mpass\u{1b}[0m"),
        "{coloured}"
    );
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped += before;
        rest = after.split_once('m').unwrap().1;
    }
    assert_eq!(stripped + rest, plain);
    let json = sandbox.run(&format!("inspect --json {SETTINGS}"), &mail).out;
    assert!(!json.contains(['\u{1b}', '\u{202e}']), "{json}");
}

#[test]
fn a_reader_that_goes_away_is_no_news() {
    let sandbox = Sandbox::new();
    let mail = tracked(
        &sandbox,
        &mail("8bit", &BODY.replace("</body>", &"<a href=https://x.example/>x</a>".repeat(3000))),
        "",
    );
    sandbox.write("in", mail);
    let line = format!("inspect --json {SETTINGS} in");
    let mut child = sandbox.command(line.split_whitespace()).stdin(Stdio::null()).spawn().unwrap();
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(74), 0));
}

/// Nothing that a mail holds makes it fail otherwise than by a check, or wait.
#[test]
fn hostile_mail_gets_a_report() {
    let sandbox = Sandbox::new();
    let deep = "<div>".repeat(30_000);
    let images = "<img src=https://t.example.com/IAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>".repeat(20_000);
    let links = "<a href=https://t.example.com/IAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>".repeat(20_000);
    for mail in [
        String::new(),
        "\n\n\n".to_owned(),
        "\u{feff}".to_owned(),
        "From ".to_owned(),
        "Content-Type: text/html\r\n".to_owned(),
        "Content-Type: text/html\r\n\r\n".to_owned(),
        "Content-Type: text/html; charset=utf-7\r\n\r\n<a href=https://t.example.com/I>".to_owned(),
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".to_owned(),
        format!("Content-Type: text/html\r\n\r\n{deep}"),
        format!("Content-Type: text/html\r\n\r\n{images}"),
        format!("<!doctype html>{links}"),
        format!("DKIM-Signature: {}\r\nContent-Type: text/html\r\n\r\n", ";=".repeat(9999)),
        "<a href=\"https://urldefense.com/v3/__**__;__;!!\"><a href=\"https://t.example.com/\u{0}\u{202e}I\">".to_owned(),
    ] {
        let result = inspect(&sandbox, &mail, SETTINGS);
        assert_eq!(result["checks"].as_array().unwrap().len(), 16);
        inspect(&sandbox, &mail, "");
    }
}

#[test]
fn files_and_mistakes() {
    let sandbox = Sandbox::new();
    sandbox.write("in.eml", tracked(&sandbox, &mail("8bit", BODY), ""));
    assert!(sandbox.run(&format!("inspect {SETTINGS} in.eml"), "").ok().starts_with("in.eml  message, "));
    sandbox.run("inspect nope", "").fails(66, "openclick: inspect: nope: no such file or directory");
    sandbox.run("inspect --tracking-domain ftp://x in.eml", "").fails(
        64,
        "openclick: inspect: --tracking-domain: tracking domain \"ftp://x\": the scheme is not https or http; expected a form such as \
         https://track.example.com/prefix",
    );
    assert_eq!(sandbox.run("inspect --key-file nope in.eml", "").code, Some(78));
}
