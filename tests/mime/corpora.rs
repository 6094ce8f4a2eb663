//! The corpora of mail: real, broken, and made to hurt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use openclick::Status;

use super::laws;
use crate::support::mail::laws::check;

pub(super) fn corpus(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/mail").join(name);
    if !path.exists() {
        eprintln!("corpus {name} not present, skipped");
        return None;
    }
    Some(path)
}

#[test]
fn real_mail_obeys_the_laws() {
    for name in ["spamassassin", "mail-parser"] {
        let Some(folder) = corpus(name) else { continue };
        let (mut ran, mut rewritten, mut compared) = (0, 0, 0);
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if !path.is_file() {
                continue;
            }
            let message = fs::read(&path).expect("a message");
            println!("{}", path.display());
            let lf: Vec<u8> = message.iter().copied().filter(|&byte| byte != b'\r').collect();
            let crlf = String::from_utf8_lossy(&lf).replace('\n', "\r\n").into_bytes();
            for message in [message, lf, crlf] {
                rewritten += usize::from(laws::check(&message).status == Status::Rewritten);
                compared += check(&message, 0).compared + check(&message, 0b1_0100).compared;
                ran += 1;
            }
        }
        println!("{name}: {ran} messages, {rewritten} rewritten, {compared} parts compared");
        assert!(ran > 100 && compared > 40);
    }
}

/// The hostile messages, made anew; none where their generator or Python is absent.
pub(super) fn nasty() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = nasty_folder()?;
    let entries = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let messages = entries.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    Some(messages.map(|path| (path.display().to_string(), fs::read(&path).expect("a message"))).collect())
}

fn nasty_folder() -> Option<tempfile::TempDir> {
    let generator = corpus("nasty.py")?;
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new("python3").arg(&generator).arg(folder.path()).output();
    if !made.as_ref().is_ok_and(|made| made.status.success()) {
        eprintln!("Python is not there, skipped");
        return None;
    }
    Some(folder)
}

#[test]
fn nasty_messages_come_out_as_expected() {
    let Some(folder) = nasty_folder() else { return };
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("expected.json")).expect("expectations"))
            .expect("JSON");
    let cases = expected.as_array().expect("a list");
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().expect("a name");
        let message = fs::read(folder.path().join(name).with_extension("eml")).expect("a message");
        let report = laws::check(&message);
        for bits in 0..24 {
            check(&message, bits);
        }
        let rewritten = report.status == Status::Rewritten;
        let links = report.links_tracked > 0;
        if rewritten != (case["rewritten"] == 1) || rewritten != links {
            wrong.push(format!("{name} ({}): {report:?}", case["why"]));
        }
    }
    println!("{} nasty messages", cases.len());
    assert_eq!(cases.len(), 74);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
