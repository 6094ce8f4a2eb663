//! The scanner as a whole.

use super::*;

fn lines(structure: &Structure) -> Vec<String> {
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

fn assert_structure(message: &str, expected: &[&str]) {
    assert_eq!(lines(&scan(message.as_bytes())), expected, "{message:?}");
}

#[test]
fn messages_without_parts() {
    assert_structure("A: 1\r\n\r\nx", &["1 text/plain Leaf NotHtml"]);
    assert_structure("Content-Type: text/html\n\nx", &["1 text/html Leaf ok"]);
    assert_structure("", &["1 text/plain Leaf NoBody"]);
    assert_structure("Content-Type: text/html\n", &["1 text/html Leaf NoBody"]);
    assert_structure("Content-Type: message/rfc822\n\n", &["1 message/rfc822 Opaque Message"]);
    assert_structure(
        "Content-Type: multipart/signed; boundary=b\n\n--b\n",
        &[" multipart/signed Opaque Signed"],
    );
}
