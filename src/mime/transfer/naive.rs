//! Oracles: each encoding decoded a byte at a time, and edits made by hand.

use super::Transfer;
use crate::edit::Edit;

pub(super) fn decode(body: &[u8], transfer: Transfer) -> Option<Vec<u8>> {
    match transfer {
        Transfer::Identity | Transfer::Binary => Some(body.to_vec()),
        Transfer::QuotedPrintable => Some(quoted_printable(body)),
        Transfer::Base64 => base64(body),
    }
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let digit = |at: usize| body.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::new();
    let mut at = 0;
    while at < body.len() {
        if body[at] != b'=' {
            out.push(body[at]);
            at += 1;
        } else if let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            let mut end = at + 1;
            while end < body.len() && b" \t\r".contains(&body[end]) {
                end += 1;
            }
            if end == body.len() {
                at = end;
            } else if body[end] == b'\n' {
                at = end + 1;
            } else {
                out.push(b'=');
                at += 1;
            }
        }
    }
    out
}

fn base64(body: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = std::str::from_utf8(body).ok()?;
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_matches([' ', '\t', '\r'])).collect();
    let text = lines.concat();
    let characters = text.trim_end_matches('=');
    let padding = text.len() - characters.len();
    if padding > 0 && !text.len().is_multiple_of(4) || padding > 2 || characters.len() % 4 == 1 {
        return None;
    }
    let mut bits = Vec::new();
    for character in characters.bytes() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    Some(bits.chunks_exact(8).map(|octet| octet.iter().fold(0, |sum, bit| sum << 1 | *bit as u8)).collect())
}

pub(super) fn splice(decoded: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    for edit in edits {
        out.extend_from_slice(&decoded[at..edit.range.start]);
        out.extend_from_slice(&edit.replacement);
        at = edit.range.end;
    }
    out.extend_from_slice(&decoded[at..]);
    out
}
