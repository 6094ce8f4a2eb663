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

/// base64 in lines of that width, with white space and with or without padding.
fn encoded() -> impl Strategy<Value = Vec<u8>> {
    let width = prop_oneof![Just(76), Just(60), 1..90usize, Just(4), Just(2000)];
    let ends: Vec<&'static [u8]> = vec![b"\r\n", b"\n", b" \r\n", b"\r\n\r\n", b"\n\t"];
    let tails: Vec<&'static [u8]> = vec![b"", b"\r\n", b"\n\n", b" \r\n \r\n"];
    let head = prop_oneof![6 => Just(0), 1 => 0..90usize];
    (
        vec(any::<u8>(), 0..500),
        head,
        width,
        prop::sample::select(ends),
        prop::sample::select(tails),
        any::<bool>(),
    )
        .prop_map(|(bytes, head, width, end, tail, padded)| {
            use ::base64::Engine as _;
            let characters = ::base64::prelude::BASE64_STANDARD.encode(bytes);
            let characters = characters.trim_end_matches(if padded { '\0' } else { '=' }).as_bytes();
            let (head, rest) = characters.split_at(head.min(characters.len()));
            let lines: Vec<&[u8]> = head.chunks(width).chain(rest.chunks(width)).collect();
            [&lines.join(end), tail].concat()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn base64_decodes_as_the_naive_one(body in encoded(), junk in prop::option::of((any::<u16>(), any::<u8>()))) {
        let mut body = body;
        let mut within = false;
        if let Some((place, byte)) = junk && !body.is_empty() {
            let place = usize::from(place) % body.len();
            body[place] = byte;
            // White space within a line is refused; the naive decoder refuses it as well.
            within = true;
        }
        let decoded = decode(&body, Transfer::Base64).ok().map(|decoded| decoded.bytes.into_owned());
        let expected = naive::decode(&body, Transfer::Base64);
        prop_assert!(within || expected.is_some());
        prop_assert_eq!(decoded, expected);
    }

    #[test]
    fn base64_edits(body in encoded(), changes in changes()) {
        let transfer = Transfer::Base64;
        let decoded = naive::decode(&body, transfer).unwrap();
        let edits = edits(decoded.len(), &changes);
        let out = applied(&body, transfer, &edits);
        let expected = naive::splice(&decoded, &edits);
        prop_assert_eq!(naive::decode(&out, transfer), Some(expected.clone()), "{}", out.escape_ascii());
        prop_assert!(lines(&out).all(|line| line.len() <= 998 || lines(&body).any(|author| author == line)));
        let tail = body.iter().rposition(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).map_or(0, |at| at + 1);
        prop_assert!(out.ends_with(&body[tail..]));
        let changed = edits.iter().find(|edit| !edit.range.is_empty() || !edit.replacement.is_empty());
        match changed {
            None => prop_assert_eq!(out, body),
            Some(first) => {
                // All lines up to the last one that begins with a whole group, at or before the first edit.
                let mut kept = 0;
                let mut count = 0;
                let mut at = 0;
                for line in body.split_inclusive(|byte| *byte == b'\n') {
                    let characters = line.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
                    if count % 4 == 0 && count / 4 <= first.range.start / 3 && characters > 0 {
                        kept = at;
                    }
                    count += characters;
                    at += line.len();
                }
                prop_assert_eq!(&out[..kept], &body[..kept]);
                // The part's own width and line ends.
                let widths: Vec<usize> = lines(&body).map(|line| line.trim_ascii().len()).filter(|width| *width > 0).collect();
                let regular = widths.windows(2).all(|pair| pair[0] == pair[1] || pair[0] > pair[1] && pair == &widths[widths.len() - 2..]);
                if regular && widths.len() > 1 && widths[0] < 998 {
                    let ours: Vec<usize> = lines(&out).map(|line| line.trim_ascii().len()).filter(|width| *width > 0).collect();
                    let all_but_last = &ours[..ours.len().saturating_sub(1)];
                    prop_assert!(all_but_last.iter().all(|width| *width == widths[0]), "{:?} {:?}", widths, ours);
                    prop_assert!(ours.last().is_none_or(|last| *last <= widths[0]));
                }
                if widths.len() == 1 && expected.len() <= 748 {
                    prop_assert!(lines(&out).filter(|line| !line.trim_ascii().is_empty()).count() <= 1);
                }
            }
        }
    }
}

#[test]
fn base64_keeps_the_form_of_the_part() {
    type Case = (&'static [u8], Range<usize>, &'static [u8], &'static [u8]);
    let cases: [Case; 9] = [
        (b"QUJD\nREVG\nR0hJ\n", 3..3, b"x", b"QUJD\neERF\nRkdI\nSQ==\n"),
        (b"QUJD\r\nREVG\r\nR0hJ\r\n\r\n", 9..9, b"x", b"QUJD\r\nREVG\r\nR0hJ\r\neA==\r\n\r\n"),
        (b"QUJD\nREVG\nR0g", 8..8, b"x", b"QUJD\nREVG\nR0h4"),
        (b"QUJD\nREVG\nR0g", 4..8, b"", b"QUJD\nRA=="),
        (b"QUJD\nREVG\nR0g", 0..8, b"", b""),
        (b"QUJDREVGR0g=", 3..3, b"x", b"QUJDeERFRkdI"),
        (b"QUI", 2..2, b"x", b"QUJ4"),
        (b"\r\n\r\n", 0..0, b"abc", b"YWJj\r\n\r\n"),
        // Only every other line begins with a whole group.
        (b"QUJDRE\nVGR0hJ\nSktMTU\n", 4..4, b"", b"QUJDRE\nVGR0hJ\nSktMTU\n"),
    ];
    for (body, range, text, expected) in cases {
        let out = applied(body, Transfer::Base64, &[edit(range, text)]);
        assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
    let line = [b'Q'; 996];
    let grown = applied(&line, Transfer::Base64, &[edit(0..0, b"x")]);
    assert!(lines(&grown).all(|line| line.len() <= 76) && grown.len() > 1000);
}

#[test]
fn base64_that_is_none_is_refused() {
    let cases: [(&[u8], Refused); 12] = [
        (b"QUJD*!REVG", Refused::NotBase64 { offset: 4 }),
        (b"QUJD\r\n-- \r\nlist footer", Refused::NotBase64 { offset: 6 }),
        (b"QUI=\r\nlist footer\r\n", Refused::NotBase64 { offset: 3 }),
        (b"QUJD\r\nlist foot\r\n", Refused::NotBase64 { offset: 10 }),
        (b"QUI=\r\nQUI=", Refused::NotBase64 { offset: 3 }),
        (b"QUJD\0", Refused::NotBase64 { offset: 4 }),
        (b"QUJ_", Refused::NotBase64 { offset: 3 }),
        (b"Q", Refused::Length),
        (b"QUJDR", Refused::Length),
        (b"QUI==", Refused::Length),
        (b"Q===", Refused::Length),
        (b"QQ=", Refused::Length),
    ];
    for (body, reason) in cases {
        assert_eq!(decode(body, Transfer::Base64).unwrap_err(), reason, "{}", body.escape_ascii());
    }
    // What no reader misses: the padding, the bits beyond the last octet.
    for (body, bytes) in [
        (&b"QUI"[..], &b"AB"[..]),
        (b"QUJ=", b"AB"),
        (b"", b""),
        (b"\r\n \r\n", b""),
        (b" QU\n\n\tJD ", b"ABC"),
    ] {
        assert_eq!(decode(body, Transfer::Base64).unwrap().bytes, bytes);
    }
}

/// A body of links, the edits that track them, and the places where their tags may be broken. `{` and `}` in
/// the pieces mark what is replaced, `^` white space in front of an attribute.
#[derive(Debug)]
struct Links {
    body: Vec<u8>,
    edits: Vec<Edit>,
    places: Vec<usize>,
    inserted: Vec<Vec<usize>>,
}

impl Links {
    fn new(pieces: &[(&'static str, usize)]) -> Links {
        let mut links = Links { body: vec![], edits: vec![], places: vec![], inserted: vec![] };
        for (piece, length) in pieces {
            let mut start = 0;
            for byte in piece.bytes() {
                match byte {
                    b'^' => links.places.push(links.body.len()),
                    b'{' => start = links.body.len(),
                    b'}' => {
                        let replacement = vec![b'u'; *length];
                        links.edits.push(Edit { range: start..links.body.len(), replacement });
                        links.inserted.push(vec![]);
                    }
                    b'!' => {
                        let replacement =
                            format!("<img src=\"{}\" alt=\"\">", "p".repeat(*length)).into_bytes();
                        links.inserted.push(attribute_breaks(&replacement));
                        links.edits.push(Edit { range: links.body.len()..links.body.len(), replacement });
                    }
                    b'~' => links.body.resize(links.body.len() + length, b't'),
                    byte => links.body.push(byte),
                }
            }
        }
        links
    }

    /// What `use_it` gives with the breaks.
    fn with<T>(&self, use_it: impl FnOnce(Breaks<'_>) -> T) -> T {
        let inserted: Vec<&[usize]> = self.inserted.iter().map(|places| &places[..]).collect();
        use_it(Breaks { body: &self.places, replacements: &inserted })
    }

    fn too_long(&self) -> Vec<usize> {
        self.with(|breaks| too_long(&self.body, &self.edits, breaks))
    }

    fn applied(&self) -> Result<Vec<u8>, Refused> {
        let decoded = decode(&self.body, Transfer::Identity)?;
        let mut out = Vec::new();
        self.with(|breaks| apply(&self.body, &decoded, &self.edits, &Around { breaks, ..CR_LF }, &mut out))?;
        Ok(out)
    }

    /// The body with the edits made and 0x01 at each place for a break.
    fn marked(&self) -> Vec<u8> {
        let mut marks: Vec<Edit> = Vec::new();
        for (edit, places) in self.edits.iter().zip(&self.inserted) {
            let mut edit = edit.clone();
            places.iter().rev().for_each(|place| edit.replacement.insert(*place, 1));
            marks.push(edit);
        }
        let gone = |place: usize| self.edits.iter().any(|edit| edit.range.contains(&place));
        let kept = self.places.iter().filter(|place| !gone(**place));
        marks.extend(kept.map(|place| edit(*place..*place, b"\x01")));
        marks.sort_by_key(|edit| edit.range.start);
        naive::splice(&self.body, &marks)
    }
}

const PIECES: &[&str] = &[
    "<a^ href=\"{x:/}\">~</a>",
    "<a^ href=\"{x:/}\"^ style=\"\">~</a>",
    "~",
    "!",
    "\r\n",
    "\n",
    "\t",
    "<a{ k=0}^ x>",
    "<a{\r\n  k=0}^ href={x}>",
    "{~}",
    "\n^ ",
];

fn pieces(text: Range<usize>, count: usize) -> impl Strategy<Value = Vec<(&'static str, usize)>> {
    vec(
        (prop::sample::select(PIECES), prop_oneof![4 => text, 1 => Just(998usize), 1 => 700..1100usize]),
        0..count,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn long_lines_are_broken_between_attributes(pieces in pieces(0..400, 24)) {
        let mut links = Links::new(&pieces);
        let overlong = lines(&links.body).any(|line| line.len() > 998);
        let marked = links.marked();
        let can_be = lines(&marked).all(|line| line.split(|byte| *byte == 1).all(|piece| piece.len() <= 998));
        let left = links.too_long();
        if !overlong {
            prop_assert_eq!(left.is_empty(), can_be, "{:?}", left);
        }
        if !left.is_empty() {
            prop_assert_eq!(links.applied(), Err(Refused::LineTooLong(left.clone())));
            for index in left.iter().rev() {
                links.edits.remove(*index);
                links.inserted.remove(*index);
            }
            prop_assert_eq!(links.too_long(), Vec::<usize>::new());
        }
        let out = links.applied().unwrap();
        let longest = lines(&links.body).map(<[u8]>::len).max().unwrap_or(0).max(998);
        let mut rest = &out[..];
        for byte in links.marked() {
            if byte == 1 {
                let line_end = if rest.starts_with(b"\r\n") { 2 } else { 1 };
                if matches!(rest.first(), Some(b'\r' | b'\n')) && matches!(rest.get(line_end), Some(b' ' | b'\t')) {
                    rest = &rest[line_end..];
                }
                continue;
            }
            prop_assert_eq!(rest.first(), Some(&byte), "{}", out.escape_ascii());
            rest = &rest[1..];
        }
        prop_assert!(rest.is_empty());
        for line in lines(&out) {
            prop_assert!(overlong || line.len() <= 998, "{}", line.escape_ascii());
            let url = line.windows(1).rposition(|byte| byte == b"u" || byte == b"p");
            prop_assert!(url.is_none_or(|last| last < 998), "{} {}", longest, line.escape_ascii());
        }
    }

    #[test]
    fn bytes_stay_bytes(body in tokens(QUOTED, 60), changes in changes()) {
        let edits = edits(body.len(), &changes);
        let decoded = decode(&body, Transfer::Binary).unwrap();
        let mut out = vec![];
        let around = Around { is_delimiter: &|_| false, ..CR_LF };
        match apply(&body, &decoded, &edits, &around, &mut out) {
            Ok(()) => prop_assert_eq!(out, naive::splice(&body, &edits)),
            Err(refused) => {
                let from = matches!(refused, Refused::FromLine { .. });
                prop_assert!(from && out.is_empty());
            }
        }
    }
}
