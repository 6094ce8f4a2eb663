//! Own messages, in LF and CRLF, and what becomes of each part.

use std::fs;
use std::path::{Path, PathBuf};

use openclick::Report;

use super::laws::delivery;
use crate::support::mail::laws;
use crate::support::rewriter;

/// A file, how many links are tracked and left, and its parts: `+` where one is rewritten, else why it is not.
type Fixture = (&'static str, u64, u64, &'static [&'static str]);

const FIXTURES: [Fixture; 20] = [
    (
        "alternative-related-mixed",
        1,
        1,
        &[
            "- multipart/mixed Multipart",
            "1 multipart/related Multipart",
            "1.1 multipart/alternative Multipart",
            "1.1.1 text/plain NotHtml",
            "1.1.2 text/html +quoted-printable UTF-8",
            "1.2 image/png NotHtml",
            "2 text/html Attachment",
            "3 text/plain NotHtml",
        ],
    ),
    (
        "amp",
        1,
        1,
        &[
            "- multipart/alternative Multipart",
            "1 text/plain NotHtml",
            "2 text/x-amp-html Amp",
            "3 text/html +7bit UTF-8",
        ],
    ),
    ("bounce", 0, 0, &["- multipart/report Report"]),
    (
        "digest",
        1,
        2,
        &[
            "- multipart/mixed Multipart",
            "1 text/html +7bit UTF-8",
            "2 multipart/digest Multipart",
            "2.1 message/rfc822 Message",
            "2.2 message/rfc822 Message",
        ],
    ),
    ("dkim-signed", 0, 0, &["1 text/html Signed"]),
    (
        "forwarded",
        1,
        1,
        &["- multipart/mixed Multipart", "1 text/html +7bit UTF-8", "2 message/rfc822 Message"],
    ),
    ("gb18030", 1, 1, &["1 text/html +base64 gb18030"]),
    ("iso-2022-jp", 1, 1, &["1 text/html +7bit ISO-2022-JP"]),
    ("iso-8859-1", 1, 1, &["1 text/html +8bit windows-1252"]),
    ("long-lines", 12, 0, &["1 text/html +8bit UTF-8"]),
    ("newsletter-8bit", 10, 3, &["1 text/html +8bit UTF-8"]),
    ("newsletter-base64", 10, 3, &["1 text/html +base64 UTF-8"]),
    ("newsletter-qp", 10, 3, &["1 text/html +quoted-printable UTF-8"]),
    ("pgp-encrypted", 0, 0, &["- multipart/encrypted Encrypted"]),
    ("pgp-inline", 0, 0, &["1 text/html Pgp"]),
    (
        "pgp-signed-in-list-mail",
        1,
        1,
        &["- multipart/mixed Multipart", "1 multipart/signed Signed", "2 text/html +7bit UTF-8"],
    ),
    ("plain-only", 0, 0, &["1 text/plain NotHtml"]),
    ("smime-encrypted", 0, 0, &["1 application/pkcs7-mime Encrypted"]),
    ("smime-signed", 0, 0, &["- multipart/signed Signed"]),
    ("utf-16", 1, 1, &["1 text/html +base64 UTF-16LE"]),
];

pub(super) fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mail");
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    files.sort();
    files
}

/// The message with these line ends; base64 keeps what it holds.
fn with_line_end(message: &[u8], line_end: &str) -> Vec<u8> {
    let lf: Vec<u8> = message.iter().copied().filter(|&byte| byte != b'\r').collect();
    lf.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(line_end.as_bytes())
}

fn told(report: &Report) -> Vec<String> {
    let part = |part: &openclick::PartReport| {
        let path = if part.path.is_empty() { "-" } else { &part.path };
        let charset = part.charset.as_deref().unwrap_or_default();
        match part.reason {
            Some(reason) => format!("{path} {} {reason:?}", part.media_type),
            None => {
                let sign = if part.rewritten { "+" } else { "=" };
                format!("{path} {} {sign}{} {charset}", part.media_type, part.encoding)
            }
        }
    };
    report.parts.iter().map(part).collect()
}

#[test]
fn each_part_comes_out_as_expected() {
    let files = files();
    assert_eq!(files.len(), FIXTURES.len());
    let mut wrong = Vec::new();
    for (path, (name, tracked, left, parts)) in files.iter().zip(FIXTURES) {
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(name));
        let message = fs::read(path).expect("a message");
        for line_end in ["\n", "\r\n"] {
            let message = with_line_end(&message, line_end);
            let report = rewriter().plan_message(&message, &delivery()).expect("a delivery");
            let links = (report.links_tracked, report.links_left.values().sum::<u64>());
            if links != (tracked, left) || told(&report) != parts {
                wrong.push(format!("(\"{name}\", {}, {}, &{:?}),", links.0, links.1, told(&report)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fixtures_obey_the_laws() {
    let mut compared = 0;
    for path in files() {
        println!("{}", path.display());
        let message = fs::read(path).expect("a message");
        for message in [with_line_end(&message, "\n"), with_line_end(&message, "\r\n"), message] {
            for bits in 0..24 {
                let judged = laws::check(&message, bits);
                assert!(judged.has_parts, "the naive reader finds other parts");
                compared += judged.compared;
            }
        }
    }
    println!("{compared} parts compared");
    assert!(compared > 600);
}
