//! Signed mail inside a message that is rewritten: its signature holds afterwards, as programs that know say.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use openclick::{PartReason, Status};

use super::laws::delivery;
use crate::support::{rewriter, show};

const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n\r\n\
    <p><a href=\"https://shop.example/\">Shop</a></p>\r\n";

/// Runs a program in the folder; none if it is not there.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("GNUPGHOME", folder).stdin(Stdio::null());
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("{program} is not there ({error}), skipped");
            None
        }
    }
}

#[track_caller]
fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}{}", show(&output.stdout), show(&output.stderr));
}

/// A message of the signed one and an HTML part that is tracked.
fn around(signed: &[u8]) -> Vec<u8> {
    let start = "From: news@example.org\r\nTo: reader@example.org\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n--outer\r\n";
    [start.as_bytes(), signed, b"\r\n--outer\r\n", HTML.as_bytes(), b"\r\n--outer--\r\n"].concat()
}

/// What stands in the message's first part.
fn first_part(message: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(message.to_vec()).expect("ASCII");
    let start = text.find("--outer\r\n").expect("a delimiter") + "--outer\r\n".len();
    let end = text[start..].find("\r\n--outer\r\n").expect("a delimiter");
    text.as_bytes()[start..start + end].to_vec()
}

/// Rewrites the message and gives its first part as it was and as it is. Something beside it is tracked.
fn rewritten(signed: &[u8], reason: PartReason) -> [Vec<u8>; 2] {
    let message = around(signed);
    let rewritten = rewriter().rewrite_message(&message, &delivery()).expect("a delivery");
    assert_eq!((rewritten.report.status, rewritten.report.links_tracked), (Status::Rewritten, 1));
    let part = rewritten.report.parts.iter().find(|part| part.path == "1").expect("a first part");
    assert_eq!(part.reason, Some(reason));
    // Alone it passes through.
    let alone = rewriter().rewrite_message(signed, &delivery()).expect("a delivery");
    assert!(alone.report.status == Status::Unchanged && alone.bytes == signed);
    [first_part(&message), first_part(&rewritten.bytes)]
}

/// The signed message with every line end CRLF, as it is on its way.
fn crlf(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).expect("ASCII");
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

#[test]
fn an_smime_signature_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("body"), HTML).expect("a file");
    let key = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "certificate"];
    let subject = ["-subj", "/CN=sender", "-addext", "extendedKeyUsage=emailProtection"];
    let Some(made) = run(folder, "openssl", &[&key[..], &subject].concat()) else { return };
    succeeds(&made);
    let sign = ["smime", "-sign", "-in", "body", "-signer", "certificate", "-inkey", "key", "-out", "signed"];
    let verify = ["smime", "-verify", "-in", "part", "-CAfile", "certificate"];
    // multipart/signed, and all in one application/pkcs7-mime.
    for (more, reason) in [(&[][..], PartReason::Signed), (&["-nodetach"], PartReason::Encrypted)] {
        succeeds(&run(folder, "openssl", &[&sign[..], more].concat()).expect("it was there"));
        let signed = crlf(&fs::read(folder.join("signed")).expect("a file"));
        let [before, after] = rewritten(&signed, reason);
        for part in [&before, &after] {
            fs::write(folder.join("part"), part).expect("a file");
            succeeds(&run(folder, "openssl", &verify).expect("it was there"));
        }
        assert!(before == after);
        // The verifier does look at it.
        let mut spoiled = after;
        let middle = spoiled.len() / 2;
        let at = middle + spoiled[middle..].iter().position(u8::is_ascii_alphanumeric).expect("base64");
        spoiled[at] = if spoiled[at] == b'A' { b'B' } else { b'A' };
        fs::write(folder.join("part"), spoiled).expect("a file");
        assert!(!run(folder, "openssl", &verify).expect("it was there").status.success());
    }
}

#[test]
fn a_pgp_signature_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let gpg = |arguments: &[&str]| {
        let usual = ["--batch", "--yes", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback"];
        run(folder, "gpg", &[&usual[..], arguments].concat())
    };
    let Some(made) = gpg(&["--quick-generate-key", "sender@example.org", "rsa2048", "sign", "never"]) else {
        return;
    };
    succeeds(&made);
    fs::write(folder.join("body"), HTML.trim_end()).expect("a file");
    succeeds(&gpg(&["--armor", "--detach-sign", "--output", "signature", "body"]).expect("it was there"));
    let signature = crlf(&fs::read(folder.join("signature")).expect("a file"));
    let header = "Content-Type: multipart/signed; micalg=pgp-sha512;\r\n \
        protocol=\"application/pgp-signature\"; boundary=\"inner\"\r\n\r\n--inner\r\n";
    let middle = "\r\n--inner\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\n\r\n";
    let signed =
        [header.as_bytes(), HTML.trim_end().as_bytes(), middle.as_bytes(), &signature, b"--inner--\r\n"];
    let [before, after] = rewritten(&signed.concat(), PartReason::Signed);
    for part in [&before, &after] {
        // RFC 3156 section 5: what is signed is the first part with its header, less the last line break.
        let text = String::from_utf8(part.clone()).expect("ASCII");
        let mut parts = text.split("--inner");
        let body = parts.nth(1).and_then(|part| part.strip_prefix("\r\n")?.strip_suffix("\r\n"));
        let armour = parts.next().and_then(|part| part.split_once("\r\n\r\n")).expect("a second part").1;
        fs::write(folder.join("body"), body.expect("a first part")).expect("a file");
        fs::write(folder.join("signature"), armour).expect("a file");
        succeeds(&gpg(&["--verify", "signature", "body"]).expect("it was there"));
    }
    assert!(before == after);
    fs::write(folder.join("body"), HTML).expect("a file");
    assert!(!gpg(&["--verify", "signature", "body"]).expect("it was there").status.success());
    let _ = run(folder, "gpgconf", &["--kill", "gpg-agent"]);
}
