//! A mail out of a form. A browser sends text, as UTF-8, whatever charset the mail had and still declares.

use encoding_rs::Encoding;
use openclick::source::{Message, Part};

/// A mail without the blank lines that a paste may have in front.
pub(super) fn without_blank_lines(mail: Vec<u8>) -> Vec<u8> {
    let blank = mail.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
    let line = mail[..blank].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    mail[line..].to_vec()
}

/// HTML by whose first bytes it is UTF-8, whatever it declares.
pub(super) fn html(document: &[u8]) -> Vec<u8> {
    [b"\xef\xbb\xbf", document].concat()
}

/// A message whose texts have the charsets again that their parts declare; none if that changes nothing.
pub(super) fn message(mail: &[u8]) -> Option<Vec<u8>> {
    let message = Message::parse(mail);
    let mut out = Vec::with_capacity(mail.len());
    let mut done = 0;
    for part in message.parts() {
        let body = part.body_range();
        if let Some(text) = encoded(&part, &mail[body.clone()]).filter(|_| body.start >= done) {
            out.extend_from_slice(&mail[done..body.start]);
            out.extend_from_slice(&text);
            done = body.end;
        }
    }
    out.extend_from_slice(&mail[done..]);
    (done > 0).then_some(out)
}

/// The body of a part in the charset that it declares.
fn encoded(part: &Part<'_>, body: &[u8]) -> Option<Vec<u8>> {
    let is_plain = matches!(part.encoding(), "7bit" | "8bit" | "binary");
    if body.is_ascii() || !is_plain || !part.media_type().starts_with("text/") {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let encoding = Encoding::for_label(part.charset()?.as_bytes())?;
    // UTF-8 itself, and charsets that nothing is encoded in.
    if encoding == encoding_rs::UTF_8 || encoding.output_encoding() != encoding {
        return None;
    }
    let (bytes, _, has_others) = encoding.encode(text);
    // What the charset does not have, such as what a mail program could not show, became a character reference.
    (!has_others || part.media_type() == "text/html").then(|| bytes.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(fields: &str, text: &str) -> String {
        format!("Subject: \u{e4}\r\n{fields}\r\n\r\n{text}\r\n")
    }

    #[test]
    fn texts_get_their_charset_back() {
        for (fields, text, expected) in [
            ("Content-Type: text/html; charset=iso-8859-1", "\u{e4}\u{20ac}", &b"\xe4\x80"[..]),
            (
                "Content-Type: text/html; charset=koi8-r\r\nContent-Transfer-Encoding: 8bit",
                "\u{41f}",
                b"\xf0",
            ),
            ("Content-Type: text/plain; charset=shift_jis", "\u{65e5}", b"\x93\xfa"),
            ("Content-Type: text/html; charset=latin1", "\u{e4}\u{fffd}", b"\xe4&#65533;"),
        ] {
            let found = message(mail(fields, text).as_bytes()).expect(fields);
            assert!(found.ends_with(&[expected, b"\r\n"].concat()), "{fields} {found:?}");
            assert!(found.starts_with("Subject: \u{e4}\r\n".as_bytes()));
        }
        for (fields, text) in [
            ("Content-Type: text/html; charset=utf-8", "\u{e4}"),
            ("Content-Type: text/html", "\u{e4}"),
            ("Content-Type: text/html; charset=iso-8859-1", "a"),
            ("Content-Type: text/html; charset=utf-16", "\u{e4}"),
            ("Content-Type: text/plain; charset=latin1", "\u{65e5}"),
            ("Content-Type: text/html; charset=latin1\r\nContent-Transfer-Encoding: base64", "\u{e4}"),
            ("Content-Type: application/json; charset=latin1", "\u{e4}"),
        ] {
            assert_eq!(message(mail(fields, text).as_bytes()), None, "{fields}");
        }
    }

    #[test]
    fn every_part_by_itself() {
        let part = |charset: &str| {
            format!("--b\n{}", mail(&format!("Content-Type: text/html; charset={charset}"), "\u{e4}"))
        };
        let whole = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n\u{e4}\n{}{}{}--b--\n\u{e4}",
            part("latin1"),
            part("utf-8"),
            part("latin1")
        );
        let found = message(whole.as_bytes()).expect("a message");
        assert_eq!(found.len(), whole.len() - 2);
        assert_eq!(found.iter().filter(|byte| **byte == 0xe4).count(), 2);
        assert!(message(b"").is_none());
    }
}
