//! `openclick inspect`: pass on what we made, fail on what was damaged since, with the right check named.

mod altered;
mod damaged;
mod outputs;
mod received;
mod shown;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Sandbox, mode};

const SETTINGS: &str = "--tracking-domain t.example.com --key-file KEYS";

const HEADER: &str = "From: shop@example.com\r\nTo: reader@example.org\r\nSubject: Sale\r\n\
    Message-ID: <m1@example.com>\r\nList-Unsubscribe: <https://shop.example/leave?u=7>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n";

const BODY: &str = "<!DOCTYPE html>\r\n<html><head><title>Sale</title></head>\r\n<body>\r\n\
    <div style=\"display:none\">Half the price</div>\r\n\
    <p>Hello <a href=\"https://shop.example/a?x=1&amp;y=2\">one</a></p>\r\n\
    <p><a href=\"https://shop.example/b\">two</a></p>\r\n\
    <p><a href=\"https://shop.example/c\">three</a></p>\r\n\
    </body></html>\r\n";

/// A mail whose HTML has this encoding and body.
fn mail(encoding: &str, body: &str) -> String {
    format!(
        "{HEADER}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n--b--\r\n"
    )
}

/// The body in quoted-printable.
fn quoted_printable(body: &str) -> String {
    body.replace('=', "=3D")
}

fn base64(body: &str) -> String {
    use ::base64::Engine;
    let text = ::base64::engine::general_purpose::STANDARD.encode(body);
    let lines: Vec<_> = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\r\n")
}

/// A mail, made trackable.
fn tracked(sandbox: &Sandbox, mail: &str, more: &str) -> String {
    sandbox.run(&format!("rewrite {SETTINGS} {more}"), mail).ok()
}

/// The tracking URLs, in order.
fn urls(mail: &str) -> Vec<&str> {
    let starts = mail.match_indices("https://t.example.com/").map(|(at, _)| at);
    starts.map(|at| mail[at..].split(['"', '>', ' ', '\r']).next().unwrap()).collect()
}

/// The result as JSON.
#[track_caller]
fn inspect(sandbox: &Sandbox, mail: impl AsRef<[u8]>, flags: &str) -> Value {
    let run = sandbox.run(&format!("inspect --json {flags}"), mail);
    let result: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let passed = result["passed"].as_bool().unwrap();
    assert_eq!((run.code, run.err.as_str()), (Some(i32::from(!passed)), ""));
    assert_eq!(passed, of_status(&result, "fail").is_empty());
    result
}

/// The names of the checks that ended so.
fn of_status(result: &Value, status: &str) -> Vec<String> {
    let checks = result["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["status"] == status)
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

/// What each check says.
fn messages(result: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    result["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| (text(&check["name"]), text(&check["message"])))
        .collect()
}

fn other_keys(sandbox: &Sandbox) {
    sandbox.write("OTHER", "0 active ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA\n");
    mode(&sandbox.path("OTHER"), 0o600);
}
