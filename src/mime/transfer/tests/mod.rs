//! What holds for any body and any edits.

mod base64;
mod identity;
mod quoted_printable;

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const CR_LF: Around<'static> = Around {
    line_end: LineEnd::CrLf,
    breaks: Breaks { body: &[], replacements: &[] },
    is_delimiter: &|line| line.starts_with(b"--b"),
    restoring: false,
};

fn edit(range: Range<usize>, text: &[u8]) -> Edit {
    Edit { range, replacement: text.to_vec() }
}

fn applied(body: &[u8], transfer: Transfer, edits: &[Edit]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    let decoded = decode(body, transfer).unwrap();
    apply(body, &decoded, edits, &CR_LF, &mut out).unwrap();
    out.split_off(6)
}

/// Numbers become edits of a body of that length.
fn edits(length: usize, numbers: &[(u16, u8, Vec<u8>)]) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut at = 0;
    for (skip, replaced, text) in numbers {
        let start = (at + usize::from(*skip)).min(length);
        let end = (start + usize::from(*replaced)).min(length);
        edits.push(Edit { range: start..end, replacement: text.clone() });
        at = end;
    }
    edits
}

/// Bodies of tokens that matter, so that they meet often.
fn tokens(list: &'static [&'static [u8]], length: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(list), 0..length).prop_map(|tokens| tokens.concat())
}

const QUOTED: &[&[u8]] = &[
    b"=\r\n",
    b"=\n",
    b"= \t\r\n",
    b"=",
    b"=3D",
    b"=e9",
    b"=E",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"  \r\n",
    b"\t",
    b"-",
    b".",
    b"--b",
    b"From ",
    b"F",
    b"r",
    b"om ",
    b"a",
    b"<a href",
    b"\0",
    b"\xc3\xa9",
    b"41",
    b"0123456789012345678901234567890123456789",
    b"                                      ",
];

fn changes() -> impl Strategy<Value = Vec<(u16, u8, Vec<u8>)>> {
    let text = prop_oneof![
        4 => tokens(QUOTED, 6),
        1 => vec(any::<u8>(), 0..120),
        1 => "[a-zA-Z0-9_-]{60,200}".prop_map(String::into_bytes),
    ];
    vec((prop_oneof![0..4u16, 0..90u16, 0..900u16], prop_oneof![Just(0), 0..4u8, 0..100u8], text), 0..8)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Quadratic time would be hours.
#[test]
fn time_grows_with_the_body_and_the_edits() {
    let bodies: [(Vec<u8>, Transfer); 10] = [
        (b"=\n".repeat(1_000_000), Transfer::QuotedPrintable),
        ([b"=\n".repeat(500_000), b"ab".repeat(9000)].concat(), Transfer::QuotedPrintable),
        (b"a".repeat(2_000_000), Transfer::QuotedPrintable),
        (b"=".repeat(500_000), Transfer::QuotedPrintable),
        (b"=   ".repeat(250_000), Transfer::QuotedPrintable),
        ([b"=".to_vec(), b" ".repeat(1_000_000), b"x".to_vec()].concat(), Transfer::QuotedPrintable),
        (b"Q\nU\nJ\nD\n".repeat(100_000), Transfer::Base64),
        (b"QUJD".repeat(500_000), Transfer::Base64),
        (b"a".repeat(2_000_000), Transfer::Binary),
        (b"\n".repeat(1_000_000), Transfer::Identity),
    ];
    for (body, transfer) in bodies {
        let decoded = decode(&body, transfer).unwrap();
        let step = decoded.bytes.len().div_ceil(5000).max(1);
        let places = (0..decoded.bytes.len()).step_by(step);
        let edits: Vec<Edit> = places.map(|at| edit(at..at + usize::from(at % 2 == 1), b"x=y")).collect();
        let out = applied(&body, transfer, &edits);
        assert!(decode(&out, transfer).unwrap().bytes == naive::splice(&decoded.bytes, &edits));
    }

    // Each edit takes a line end away, none of the lines can be broken.
    let body = b"<a\n k=0 href=x>".repeat(20_000);
    let edits: Vec<Edit> = (0..20_000).map(|index| edit(index * 15 + 2..index * 15 + 7, b"")).collect();
    assert!(!too_long(&body, &edits, Breaks::default()).is_empty());
}
