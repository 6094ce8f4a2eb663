//! Every mail that we made, with default switches and both pixels, passes.

use std::fs;
use std::path::{Path, PathBuf};

use openclick::{Delivery, EventKind, KeyRing, Options, Rewriter, Rewritten};

use super::super::KEYS;
use super::*;

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", KeyRing::parse(KEYS).unwrap()).unwrap().build().unwrap()
}

/// Files of a folder beside the crate, whose names end so; none where it is absent.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if !folder.exists() {
        eprintln!("{} not present, skipped", folder.display());
        return Vec::new();
    }
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.is_file() && endings.iter().any(|ending| path.to_string_lossy().ends_with(ending))
    });
    files.sort();
    files
}

/// The mail made trackable, if it got both pixels.
fn with_both_pixels(mail: &[u8], is_message: bool) -> Option<Vec<u8>> {
    let Rewritten { bytes, report, .. } = match is_message {
        true => rewriter().rewrite_message(mail, &Delivery::of_message()).unwrap(),
        false => rewriter().rewrite_html(mail, &Delivery::new("m1")).unwrap(),
    };
    let has = |kind| report.pixels.iter().any(|pixel| pixel.kind == kind && pixel.place.is_some());
    (has(EventKind::Open) && has(EventKind::InitialOpen)).then_some(bytes)
}

/// Mails whose own multipart has no end, so that what is made of them has none either.
const ENDLESS: [&str; 2] = ["resources_eml_malformed_008.eml", "resources_eml_malformed_019.eml"];

/// Inspects the outputs of some files with and without keys; returns how many there were.
#[track_caller]
fn check(files: &[PathBuf], format: &str) -> usize {
    let sandbox = Sandbox::new();
    let mut ran = 0;
    let mut wrong = Vec::new();
    for path in files {
        let Some(bytes) = with_both_pixels(&fs::read(path).unwrap(), format == "message") else { continue };
        ran += 1;
        for flags in [SETTINGS, ""] {
            let result = inspect(&sandbox, &bytes, &format!("--format {format} {flags}"));
            let failed = of_status(&result, "fail");
            assert!(!of_status(&result, "warning").contains(&"link-order".to_owned()), "{}", path.display());
            let is_endless = ENDLESS.iter().any(|name| path.ends_with(name));
            if failed != if is_endless { &["encoding"][..] } else { &[] } {
                wrong.push(format!("{} {flags}: {failed:?}\n{:#?}", path.display(), messages(&result)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    ran
}

#[test]
fn of_the_fixtures() {
    assert_eq!(check(&files("fixtures/html", &[".html"]), "html"), 4);
    assert!(check(&files("fixtures/mail", &[".eml"]), "message") >= 12);
    assert!(check(&files("fixtures/pathological", &[".html"]), "html") >= 100);
}

#[test]
fn of_the_corpora() {
    let html = [
        files("../shared/corpus/html/postmark", &[".html"]),
        files("../shared/corpus/html/cerberus", &[".html"]),
    ]
    .concat();
    let mail = [
        files("../shared/corpus/mail/spamassassin", &[""]),
        files("../shared/corpus/mail/mail-parser", &[""]),
    ]
    .concat();
    if html.is_empty() || mail.is_empty() {
        return;
    }
    let (html, mail) = (check(&html, "html"), check(&mail, "message"));
    println!("{html} documents, {mail} messages");
    assert!(html >= 30 && mail >= 20, "{html} {mail}");
}
