//! Messages that are made to hurt come out whole. What they cost is measured by the bench `bombs`.

use openclick::{PartReason, Report, Status};

use super::laws::delivery;
use crate::support::{rewriter, symbolic};

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n";
const HTML: &str = "Content-Type: text/html\n";
const LINK: &str = "<a href=http://x.example/>";

fn rewritten(message: &str) -> (Vec<u8>, Report) {
    let rewritten = rewriter().rewrite_message(message.as_bytes(), &delivery()).expect("a delivery");
    assert_eq!(rewritten.report.bytes_out, rewritten.bytes.len() as u64);
    (rewritten.bytes, rewritten.report)
}

#[track_caller]
fn passes_through(message: &str, reason: PartReason) {
    let (bytes, report) = rewritten(message);
    assert!(bytes == message.as_bytes() && report.status == Status::Unchanged);
    assert_eq!(report.parts.last().expect("a part").reason, Some(reason));
}

#[test]
fn ten_thousand_parts() {
    let part = format!("--b\n{HTML}\n{LINK}\n");
    let message = format!("{MIXED}{}--b--\n", part.repeat(10_000));
    let (bytes, report) = rewritten(&message);
    assert_eq!((report.links_tracked, report.parts.len()), (10_000, 1000));
    assert_eq!(report.pixels.len(), 2);
    let part = String::from_utf8(symbolic(&bytes[bytes.len() - 200..], 9_999)).expect("UTF-8");
    assert!(part.ends_with(&format!("--b\n{HTML}\n<a href=⟦click 0 http://x.example/⟧>\n--b--\n")), "{part}");
}

#[test]
fn many_alternatives() {
    let part = format!("--b\n{HTML}\n{LINK}\n");
    let message = format!("{}{}--b--\n", MIXED.replace("mixed", "alternative"), part.repeat(3000));
    let (_, report) = rewritten(&message);
    assert_eq!((report.links_tracked, report.pixels.len()), (3000, 6000));
}

#[test]
fn ten_thousand_in_each_other() {
    let levels: String = (0..10_000)
        .map(|level| format!("Content-Type: multipart/mixed; boundary=n{level}\n\n--n{level}\n"))
        .collect();
    passes_through(&format!("{levels}{HTML}\n{LINK}\n"), PartReason::Depth);
}

#[test]
fn long_headers_and_boundaries() {
    let long = "x".repeat(20 << 20);
    passes_through(&format!("Subject: {long}\n{HTML}\n{LINK}"), PartReason::HeaderTooLong);
    let boundary = &long[..1 << 20];
    let message =
        format!("Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n{HTML}\n{LINK}");
    passes_through(&message, PartReason::HeaderTooLong);
}

#[test]
fn a_million_soft_breaks() {
    let breaks = "=\n".repeat(1_000_000);
    let header = format!("{HTML}Content-Transfer-Encoding: quoted-printable\n\n");
    let (bytes, report) = rewritten(&format!("{header}{LINK}{breaks}</a>\n"));
    assert_eq!(report.links_tracked, 1);
    let text = String::from_utf8(bytes).expect("ASCII");
    assert!(text.contains(&format!("\n{}", &breaks[2..])), "they stay");
}

#[test]
fn base64_of_single_characters() {
    let header = format!("{HTML}Content-Transfer-Encoding: base64\n\n");
    let (bytes, report) = rewritten(&format!("{header}{}", "P\nG\nI\n+\n".repeat(100_000)));
    assert_eq!((report.status, report.pixels.len()), (Status::Rewritten, 2));
    let body = &bytes[header.len()..];
    assert!(body.split(|&byte| byte == b'\n').all(|line| line.len() <= 1), "in the part's own line width");
}

#[test]
fn boundaries_that_begin_with_each_other() {
    let levels: String = (1..=31)
        .map(|level| "-".repeat(level * 8))
        .map(|boundary| format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\n--{boundary}\n"))
        .collect();
    let lines = format!("--{}x\n", "-".repeat(31 * 8)).repeat(10_000);
    let (bytes, report) = rewritten(&format!("{levels}{HTML}\n{LINK}\n{lines}"));
    assert_eq!((report.links_tracked, report.parts.len()), (1, 32));
    assert!(bytes.windows(lines.len()).any(|window| window == lines.as_bytes()));
}
