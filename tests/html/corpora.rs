//! Real templates and real mail, where they are at hand: every document obeys the laws.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mailparse::{MailHeaderMap, ParsedMail};

use crate::support::{delivery, dom, laws, merge, options};

fn corpus(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(name);
    if !folder.exists() {
        println!("corpus {name} not present, skipped");
        return None;
    }
    Some(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// The document as it is, with LF alone, and with CRLF.
fn check(html: &[u8]) -> usize {
    let mut lf = Vec::with_capacity(html.len());
    for (i, &byte) in html.iter().enumerate() {
        if byte != b'\r' || html.get(i + 1) != Some(&b'\n') {
            lf.push(byte);
        }
    }
    let mut crlf = Vec::with_capacity(html.len());
    for &byte in &lf {
        if byte == b'\n' {
            crlf.push(b'\r');
        }
        crlf.push(byte);
    }
    let mut kinds = vec![html.to_vec(), lf, crlf];
    kinds.dedup();
    for kind in &kinds {
        laws::check(kind);
        dom::check(kind);
    }
    kinds.len()
}

/// Real templates with fields where authors put them, and in own fixtures.
#[test]
fn templates_with_fields() {
    let rewriter = merge::merging(options());
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/html");
    let folders = [Some(own), corpus("html")];
    let mut ran = 0;
    for path in folders.iter().flatten().flat_map(|folder| files(folder)) {
        if path.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        let template = merge::sprinkled(&fs::read(&path).expect("a template"));
        let deliveries: Vec<_> =
            (0..6).map(|n| merge::filled(delivery(), &[n, n + 3, n * 7, n + 20])).collect();
        merge::check(&rewriter, &template, &deliveries);
        ran += 1;
    }
    println!("{ran} documents");
    assert!(ran >= 4);
}

#[test]
fn templates() {
    let Some(folder) = corpus("html") else { return };
    let mut ran = 0;
    for path in files(&folder) {
        println!("{}", path.display());
        ran += check(&fs::read(&path).expect("a template"));
    }
    println!("{ran} documents");
    assert!(ran >= 72);
}

fn html_parts(mail: &ParsedMail<'_>, out: &mut Vec<Vec<u8>>) {
    if mail.ctype.mimetype.eq_ignore_ascii_case("text/html")
        && let Ok(body) = mail.get_body_raw()
    {
        out.push(body);
    }
    for part in &mail.subparts {
        html_parts(part, out);
    }
}

fn check_mails(folder: &Path) -> usize {
    let mut ran = 0;
    for path in files(folder) {
        let bytes = fs::read(&path).expect("a mail");
        let Ok(mail) = mailparse::parse_mail(&bytes) else { continue };
        let _ = mail.headers.get_first_value("Subject");
        let mut parts = Vec::new();
        html_parts(&mail, &mut parts);
        for part in parts {
            println!("{}", path.display());
            ran += check(&part);
        }
    }
    ran
}

#[test]
fn real_mail() {
    let Some(folder) = corpus("mail") else { return };
    let ran = check_mails(&folder.join("spamassassin")) + check_mails(&folder.join("mail-parser"));
    println!("{ran} documents");
    assert!(ran >= 100, "{ran}");
}

#[test]
fn generated_mail() {
    let Some(folder) = corpus("mail") else { return };
    let out = tempfile::tempdir().expect("a folder");
    let run = Command::new("python3").arg(folder.join("nasty.py")).arg(out.path()).output();
    if !run.is_ok_and(|run| run.status.success()) {
        println!("skipped: no python3");
        return;
    }
    let ran = check_mails(out.path());
    println!("{ran} documents");
    assert!(ran >= 30, "{ran}");
}
