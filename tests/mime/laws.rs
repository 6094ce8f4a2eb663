//! What must hold for every message, judged by mailparse and the HTML rewriter.

use mailparse::ParsedMail;
use openclick::{Delivery, Report, Status};

use crate::support::{MESSAGE, rewriter, show};

/// A part as mailparse sees it.
#[derive(Debug)]
struct Leaf {
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    is_leaf: bool,
    body: Result<Vec<u8>, String>,
}

pub(super) fn delivery() -> Delivery {
    Delivery::new(MESSAGE).recipient("reader@example.org")
}

/// The laws for one message under the default options. Returns the report.
pub(super) fn check(message: &[u8]) -> Report {
    let delivery = delivery();
    let rewritten = rewriter().rewrite_message(message, &delivery).expect("a delivery");
    let (output, report) = (&rewritten.bytes, &rewritten.report);
    assert_eq!((report.bytes_in, report.bytes_out), (message.len() as u64, output.len() as u64));
    assert_eq!(&rewriter().plan_message(message, &delivery).expect("a delivery"), report);
    if report.status != Status::Rewritten {
        assert!(output == message, "changed, but said to be {:?}: {}", report.status, show(message));
        return rewritten.report;
    }
    assert!(output != message, "said to be rewritten: {}", show(message));
    lines(message, output);
    structure(message, output, report);

    let again = rewriter().rewrite_message(output, &delivery).expect("a delivery");
    if report.links_tracked > 0 || report.pixels.iter().any(|pixel| pixel.place.is_some()) {
        assert_eq!(again.report.status, Status::AlreadyRewritten, "{}", show(output));
        assert!(again.bytes == *output, "not idempotent: {}", show(message));
    }
    rewritten.report
}

/// No line is too long that was not before, and no line begins as the MTA's or mbox's own do.
fn lines(message: &[u8], output: &[u8]) {
    let split =
        |bytes: &[u8]| -> Vec<Vec<u8>> { bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect() };
    let before: std::collections::HashSet<Vec<u8>> = split(message).into_iter().collect();
    for line in split(output).into_iter().filter(|line| !before.contains(line)) {
        let text = line.strip_suffix(b"\r").unwrap_or(&line);
        let was_long = before.iter().any(|line| line.len() > 998);
        assert!(text.len() <= 998 || was_long, "a line of {} octets: {}", text.len(), show(text));
        assert!(!text.starts_with(b"From "), "{}", show(text));
    }
}

/// mailparse's reading of the output is that of the input, but for what was rewritten.
fn structure(message: &[u8], output: &[u8], report: &Report) {
    let (Ok(before), Ok(after)) = (mailparse::parse_mail(message), mailparse::parse_mail(output)) else {
        return;
    };
    let (before, after) = (leaves(&before), leaves(&after));
    assert_eq!(before.len(), after.len(), "parts: {}", show(message));
    let mut changed = 0;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.headers, after.headers, "{}", show(message));
        // A multipart's own body holds its parts.
        changed += usize::from(before.body != after.body && before.is_leaf);
    }
    let rewritten = report.parts.iter().filter(|part| part.rewritten).count();
    assert!(changed <= rewritten, "{changed} parts changed, {rewritten} were said to: {}", show(message));
}

fn leaves(mail: &ParsedMail<'_>) -> Vec<Leaf> {
    let mut out = Vec::new();
    collect(mail, &mut out);
    out
}

fn collect(mail: &ParsedMail<'_>, out: &mut Vec<Leaf>) {
    let headers = mail
        .get_headers()
        .into_iter()
        .map(|header| (header.get_key_raw().to_vec(), header.get_value_raw().to_vec()))
        .filter(|(key, _)| {
            // Ours, and what counts.
            ["x-sp-message-id", "content-length", "lines"]
                .iter()
                .all(|own| !key.eq_ignore_ascii_case(own.as_bytes()))
        })
        .collect();
    let body = mail.get_body_raw().map_err(|error| error.to_string());
    out.push(Leaf { headers, is_leaf: mail.subparts.is_empty(), body });
    for part in &mail.subparts {
        collect(part, out);
    }
}
