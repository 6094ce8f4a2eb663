//! One HTML part in one encoding, its body any bytes.

use openclick::{PartReason, Status};

use super::{codec, laws};
use crate::support::{MESSAGE, rewriter, show};

const TYPE: &str = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: ";

/// The first byte chooses whether the part stands in a multipart, and the line ends.
pub(crate) fn message(encoding: &str, data: &[u8]) -> Vec<u8> {
    let (&bits, body) = data.split_first().unwrap_or((&0, &[]));
    let mut message = Vec::new();
    if bits & 1 != 0 {
        message.extend_from_slice(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n");
    }
    message.extend_from_slice(format!("{TYPE}{encoding}\r\n\r\n").as_bytes());
    if bits & 2 != 0 {
        message.retain(|&byte| byte != b'\r');
    }
    message.extend_from_slice(body);
    if bits & 5 == 5 {
        message.extend_from_slice(b"\r\n--b--\r\n");
    }
    message
}

/// quoted-printable is always read.
pub(crate) fn quoted_printable(data: &[u8]) {
    let message = message("quoted-printable", data);
    laws::check(&message, data.first().copied().unwrap_or(0) >> 3);
}

/// base64 is read where a strict decoder reads it.
pub(crate) fn base64(data: &[u8]) {
    let message = message("base64", data);
    laws::check(&message, data.first().copied().unwrap_or(0) >> 3);
    let is_alone = data.first().is_none_or(|bits| bits & 1 == 0);
    if is_alone {
        let delivery = openclick::Delivery::new(MESSAGE);
        let report = rewriter().plan_message(&message, &delivery).expect("a delivery");
        let body = data.get(1..).unwrap_or_default();
        let is_read = report.parts[0].reason != Some(PartReason::Ambiguous);
        let is_armoured = report.parts[0].reason == Some(PartReason::Pgp);
        let decodes = codec::decode(body, "base64").is_some();
        assert!(
            is_read == decodes || is_armoured || report.status == Status::AlreadyRewritten,
            "{}",
            show(body)
        );
    }
}

/// A body in this encoding, from bytes that are its text, so that what is looked for is soon found.
pub(crate) fn encoded(encoding: &str, data: &[u8]) -> Vec<u8> {
    let (&bits, text) = data.split_first().unwrap_or((&0, &[]));
    let html = crate::support::generator::document(text);
    let width = [76, 20, 61, 4000][usize::from(bits >> 6)];
    let line_end = if bits & 2 != 0 { "\n" } else { "\r\n" };
    let body = match encoding {
        "base64" => codec::to_base64(&html, width, line_end),
        _ => codec::to_quoted_printable(&html, width, line_end),
    };
    [&[bits][..], &body].concat()
}
