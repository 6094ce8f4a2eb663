//! The scanner as a whole.

mod bombs;
mod corpora;
mod naive;

use super::*;

/// Spans are inside the message, in order, and a child's are inside its parent's body.
fn assert_spans(message: &[u8], structure: &Structure) {
    assert!(!structure.parts.is_empty());
    // Where the next child of a multipart may begin.
    let mut from = vec![0; structure.parts.len()];
    for (index, part) in structure.parts.iter().enumerate() {
        let blank = &message[part.header.end..part.body.start];
        assert!(matches!(blank, b"" | b"\n" | b"\r\n"), "{part:?}");
        assert!(part.header.start <= part.header.end && part.body.start <= part.body.end, "{part:?}");
        from[index] = part.body.start;
        match part.parent {
            None => {
                assert!(index == 0 && part.header.start == 0 && part.body.end == message.len(), "{part:?}")
            }
            Some(parent) => {
                let outer = &structure.parts[parent];
                assert!(parent < index && outer.kind == Kind::Multipart, "{part:?}");
                assert!(from[parent] <= part.header.start && part.body.end <= outer.body.end, "{part:?}");
                from[parent] = part.body.end;
                assert!(outer.verdict.is_ok() || part.verdict.is_err(), "{part:?}");
            }
        }
    }
}

fn lines(message: &[u8]) -> Vec<String> {
    let structure = scan(message);
    assert_spans(message, &structure);
    structure
        .parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let verdict = match part.verdict {
                Ok(()) => "ok".to_owned(),
                Err(reason) => format!("{reason:?}"),
            };
            format!("{} {} {:?} {verdict}", structure.path(index), part.media_type, part.kind)
        })
        .collect()
}

#[track_caller]
fn assert_structure(message: &str, expected: &[&str]) {
    for message in [message.to_owned(), message.replace('\n', "\r\n")] {
        assert_eq!(lines(message.as_bytes()), expected, "{message:?}");
    }
}

/// The bodies of all parts, as text.
fn bodies(message: &str) -> Vec<&str> {
    scan(message.as_bytes()).parts.into_iter().map(|part| &message[part.body]).collect()
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n";

#[test]
fn messages_without_parts() {
    assert_structure("A: 1\n\nx", &["1 text/plain Leaf NotHtml"]);
    assert_structure("Content-Type: text/html\n\nx", &["1 text/html Leaf ok"]);
    assert_structure("", &["1 text/plain Leaf NoBody"]);
    assert_structure("Content-Type: text/html\n", &["1 text/html Leaf NoBody"]);
    assert_structure("\n<a>", &["1 text/plain Leaf NotHtml"]);
    assert_structure("Content-Type: message/rfc822\n\n", &["1 message/rfc822 Opaque Message"]);
    assert_structure(
        "Content-Type: multipart/signed; boundary=b\n\n--b\n",
        &[" multipart/signed Opaque Signed"],
    );
    assert_structure("From a@b\nContent-Type : text/html\n\n", &["1 text/html Leaf ok"]);
    assert_eq!(bodies("A: 1\n\nx\n"), ["x\n"]);
}

#[test]
fn bodies_end_before_the_line_break_of_the_delimiter() {
    assert_eq!(
        bodies(&format!("{MIXED}pre\n--b\n\none\n\n--b\nA: 1\n\n--b--\nepi\n")),
        ["pre\n--b\n\none\n\n--b\nA: 1\n\n--b--\nepi\n", "one\n", ""]
    );
    assert_eq!(
        bodies(&format!("{MIXED}--b\r\n\r\none\r\n--b \r\n\r\n\r\ntwo\r--b--")),
        ["--b\r\n\r\none\r\n--b \r\n\r\n\r\ntwo\r--b--", "one", "\r\ntwo\r--b--"]
    );
    let inner = "Content-Type: multipart/mixed; boundary=i\n\n";
    assert_eq!(
        bodies(&format!("{MIXED}--b\n{inner}--i\n\none\n--i--\n--b\n{inner}--i\nA: 1\n--b--"))[1..],
        ["--i\n\none\n--i--", "one", "--i\nA: 1\n", ""]
    );
}

#[test]
fn parts_are_numbered_as_imap_does() {
    let inner = "Content-Type: multipart/alternative; boundary=i\n\n";
    let html = "Content-Type: text/html\n\nx\n";
    assert_structure(
        &format!("{MIXED}--b\n\nx\n--b\n{inner}--i\n\nx\n--i\n{html}--i--\n--b\n{html}--b--\n"),
        &[
            " multipart/mixed Multipart ok",
            "1 text/plain Leaf NotHtml",
            "2 multipart/alternative Multipart ok",
            "2.1 text/plain Leaf NotHtml",
            "2.2 text/html Leaf ok",
            "3 text/html Leaf ok",
        ],
    );
}

#[test]
fn what_is_never_looked_into() {
    let child = "--i\nContent-Type: text/html\n\nx\n--i--\n";
    for (media_type, reason) in [
        ("multipart/signed; boundary=i", "Signed"),
        ("Multipart/Encrypted; boundary=i", "Encrypted"),
        ("multipart/report; boundary=i", "Report"),
        ("message/rfc822", "Message"),
        ("message/partial", "Message"),
        ("message/delivery-status", "Message"),
        ("multipart/mixed", "Boundary"),
        ("multipart/mixed; boundary=\"\"", "Boundary"),
        ("multipart/mixed; boundary*=''%0A", "Boundary"),
        ("multipart/mixed; boundary=i; boundary=j", "Ambiguous"),
        ("multipart/mixed; boundary=i\nContent-Type: multipart/mixed; boundary=j", "Ambiguous"),
        ("multipart/mixed; boundary=i\nContent-Type: text/html", "Ambiguous"),
        ("multipart/mixed; boundary=i\nContent-Transfer-Encoding: base64", "Ambiguous"),
        ("multipart/mixed; boundary=i\nContent-Transfer-Encoding: x", "Ambiguous"),
        ("multipart/mixed; boundary=i\nContent-MD5: x", "Ambiguous"),
        ("multipart/mixed; boundary=i\njunk", "Ambiguous"),
    ] {
        let message = format!("{MIXED}--b\nContent-Type: {media_type}\n\n{child}--b\n\n--b--\n");
        let main = media_type.split([';', '\n']).next().unwrap().to_lowercase();
        assert_structure(
            &message,
            &[
                " multipart/mixed Multipart ok",
                &format!("1 {main} Opaque {reason}"),
                "2 text/plain Leaf NotHtml",
            ],
        );
    }
    let long = format!("{MIXED}--b\nContent-Type: multipart/mixed; boundary={}\n\n", "x".repeat(257));
    assert_eq!(lines(long.as_bytes())[1], "1 multipart/mixed Opaque Boundary");
    let longest = long.replacen("=x", "=", 1);
    assert_eq!(lines(longest.as_bytes())[1], "1 multipart/mixed Multipart ok");
}

/// Whoever signed the inner multipart must not find its children changed.
#[test]
fn what_is_not_looked_into_keeps_its_delimiters() {
    let child = "--b\nContent-Type: text/html\n\nx\n";
    assert_structure(
        &format!(
            "{MIXED}--b\nContent-Type: multipart/signed; boundary=b\n\n{child}{child}--b--\n{child}--b--\n"
        ),
        &[" multipart/mixed Multipart ok", "1 multipart/signed Opaque Signed", "2 text/html Leaf ok"],
    );
    assert_structure(
        &format!("{MIXED}--b\nContent-Type: multipart/signed; boundary=i\n\n--i\n\nx\n--i--\n{child}--b--\n"),
        &[" multipart/mixed Multipart ok", "1 multipart/signed Opaque Signed", "2 text/html Leaf ok"],
    );
}

#[test]
fn leaves_that_may_not_be_touched() {
    for (header, reason) in [
        ("Content-Type: application/pkcs7-mime", "Pkcs7"),
        ("Content-Type: application/X-pkcs7-mime", "Pkcs7"),
        ("Content-Type: text/x-amp-html", "Amp"),
        ("Content-Type: text/calendar", "NotHtml"),
        ("Content-Type: text", "NotHtml"),
        ("Content-Type: text/html\nContent-Disposition: attachment", "Attachment"),
        ("Content-Type: text/html\nContent-Disposition: x", "Attachment"),
        ("Content-Type: text/html\nContent-Disposition: filename=x", "Attachment"),
        ("Content-Type: text/html; name=x", "Attachment"),
        ("Content-Type: text/html; name=x\nContent-Disposition: inline", "ok"),
        ("Content-Type: text/html\nContent-Disposition: inline; filename=x", "ok"),
        (
            "Content-Type: text/html\nContent-Disposition: inline\nContent-Disposition: attachment",
            "Attachment",
        ),
        ("Content-Type: text/plain\nContent-Disposition: attachment", "Attachment"),
        ("Content-Type: text/html\nContent-Transfer-Encoding: x-uuencode", "Encoding"),
        ("Content-Type: text/html\nContent-Type: text/plain", "Ambiguous"),
        ("Content-Type: text/html\nContent-Type: text/html; charset=utf-8", "ok"),
        ("Content-Type: text/html; charset=a; charset=b", "Ambiguous"),
        ("Content-Type: text/html\nContent-MD5: x", "Ambiguous"),
        (
            "Content-Type: text/html\nContent-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: 8bit",
            "Ambiguous",
        ),
        ("Content-Type: text/html\nContent-Transfer-Encoding: 7bit\nContent-Transfer-Encoding:7BIT;", "ok"),
        ("Content-Type: text/html\njunk", "Ambiguous"),
        ("Content-Type: text/html\nFrom x", "Ambiguous"),
        ("Content-Type: text/html\n>From x", "ok"),
        (" folded\nContent-Type: text/html", "Ambiguous"),
    ] {
        for message in [format!("A: 1\n{header}\n\nx"), format!("{MIXED}--b\n{header}\n\nx")] {
            if message.contains("A: 1\n folded") {
                continue;
            }
            let last = lines(message.as_bytes()).pop().unwrap();
            assert_eq!(last.rsplit(' ').next(), Some(reason), "{message}");
        }
    }
}

#[test]
fn a_digest_holds_messages() {
    assert_structure(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nContent-Type: text/html\n\nx\n--b\nContent-Type: text/html\n\n",
        &[" multipart/digest Multipart ok", "1 message/rfc822 Opaque Message", "2 text/html Leaf ok"],
    );
}

#[test]
fn only_the_root_of_related() {
    let html = |id: &str| format!("--b\nContent-Type: text/html\nContent-ID: {id}\n\n");
    let related = |start: &str| format!("Content-Type: multipart/related; boundary=b{start}\n\n");
    let verdicts = |message: String| -> Vec<_> {
        let structure = scan(message.as_bytes());
        structure.parts[1..].iter().map(|part| part.verdict.is_ok()).collect()
    };
    let both = html("<1>") + &html("<2>");
    assert_eq!(verdicts(related("") + &both), [true, false]);
    assert_eq!(verdicts(related("; start=\"<2>\"") + &both), [false, true]);
    assert_eq!(verdicts(related("; start=2") + &both), [false, true]);
    assert_eq!(verdicts(related("; start=\"<3>\"") + &both), [true, false]);
    assert_eq!(verdicts(related("; start=\"<2>\"") + &both + &html("<2>")), [false, true, false]);
    assert_eq!(verdicts(related("; start=1; start=2") + &both), [] as [bool; 0]);
    let inner = "--b\nContent-Type: multipart/alternative; boundary=i\n\n";
    let leaves = "--i\n\nx\n--i\nContent-Type: text/html\n\n--i--\n";
    let image = "--b\nContent-Type: image/png\n\n";
    assert_structure(
        &(related("") + inner + leaves + inner + leaves + image),
        &[
            " multipart/related Multipart ok",
            "1 multipart/alternative Multipart ok",
            "1.1 text/plain Leaf NotHtml",
            "1.2 text/html Leaf ok",
            "2 multipart/alternative Multipart RelatedNonRoot",
            "2.1 text/plain Leaf RelatedNonRoot",
            "2.2 text/html Leaf RelatedNonRoot",
            "3 image/png Leaf NotHtml",
        ],
    );
}

#[test]
fn what_stands_in_an_attached_multipart_is_attached() {
    assert_structure(
        &format!("Content-Disposition: attachment\n{MIXED}--b\nContent-Type: text/html\n\n--b--\n"),
        &[" multipart/mixed Multipart Attachment", "1 text/html Leaf Attachment"],
    );
}

#[test]
fn delimiters_end_headers() {
    assert_structure(
        &format!("{MIXED}--b\nContent-Type: text/html\n--b\n--b--\n--b\n"),
        &[" multipart/mixed Multipart ok", "1 text/html Leaf NoBody", "2 text/plain Leaf NoBody"],
    );
    // At the end of the file a delimiter still begins a part.
    assert_structure(&format!("{MIXED}--b"), &[" multipart/mixed Multipart ok", "1 text/plain Leaf NoBody"]);
}

#[test]
fn what_else_is_known_of_a_part() {
    let message = "Content-Type: text/plain; charset=\"UTF-8\"; format=flowed; delsp=yes\nContent-Transfer-Encoding: BASE64\n\n";
    let part = &scan(message.as_bytes()).parts[0];
    assert_eq!(part.charset.as_deref(), Some("UTF-8"));
    assert!(part.flowed && part.delsp && part.encoding == Encoding::Base64);
    let part = &scan(MIXED.as_bytes()).parts[0];
    assert_eq!(part.boundary.as_deref(), Some(&b"b"[..]));
}
