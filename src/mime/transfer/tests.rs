//! What holds for any body and any edits.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const CR_LF: Around<'static> = Around {
    line_end: LineEnd::CrLf,
    breaks: Breaks { body: &[], replacements: &[] },
    is_delimiter: &|line| line.starts_with(b"--b"),
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

/// The body in front of the first touched line and behind the last one.
fn untouched(body: &[u8], edits: &[Edit], transfer: Transfer) -> (usize, usize) {
    let decoded = |end: usize| naive::decode(&body[..end], transfer).map_or(0, |decoded| decoded.len());
    let ends: Vec<usize> = (0..body.len()).filter(|at| body[*at] == b'\n').map(|at| at + 1).collect();
    let (first, last) = (edits[0].range.start, edits[edits.len() - 1].range.end);
    // A line end that stands at the edit's offset may be on either side of it.
    let front = ends.iter().copied().filter(|end| decoded(*end) < first).max().unwrap_or(0);
    let back = ends.iter().copied().find(|end| decoded(*end) > last).unwrap_or(body.len());
    (front, back)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn quoted_printable_decodes_as_the_naive_one(body in prop_oneof![tokens(QUOTED, 200), vec(any::<u8>(), 0..300)]) {
        let decoded = decode(&body, Transfer::QuotedPrintable).unwrap();
        prop_assert_eq!(Some(decoded.bytes.into_owned()), naive::decode(&body, Transfer::QuotedPrintable));
    }

    #[test]
    fn quoted_printable_edits(body in tokens(QUOTED, 120), changes in changes()) {
        let transfer = Transfer::QuotedPrintable;
        let decoded = naive::decode(&body, transfer).unwrap();
        let edits = edits(decoded.len(), &changes);
        let out = applied(&body, transfer, &edits);
        prop_assert_eq!(naive::decode(&out, transfer).unwrap(), naive::splice(&decoded, &edits));

        let authors: Vec<&[u8]> = lines(&body).collect();
        for line in lines(&out) {
            let ours = !authors.contains(&line);
            prop_assert!(!ours || line.len() <= 76, "{}", line.escape_ascii());
            prop_assert!(!ours || !line.starts_with(b"--"), "{}", line.escape_ascii());
            let start = |text: &[u8]| line.starts_with(text) && !authors.iter().any(|line| line.starts_with(text));
            prop_assert!(!start(b"."), "{}", line.escape_ascii());
            prop_assert!(!start(b"From "), "{}", line.escape_ascii());
            let blank = |line: &[u8]| line.ends_with(b" ") || line.ends_with(b"\t");
            prop_assert!(!blank(line) || authors.iter().any(|line| blank(line)), "{}", line.escape_ascii());
        }
        if !edits.is_empty() {
            let (front, back) = untouched(&body, &edits, transfer);
            prop_assert_eq!(&out[..front], &body[..front]);
            prop_assert!(out.ends_with(&body[back..]));
        } else {
            prop_assert_eq!(out, body);
        }
    }
}
