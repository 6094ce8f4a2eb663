use super::*;

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
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn decodes_as_the_naive_one(body in encoded(), junk in prop::option::of((any::<u16>(), any::<u8>()))) {
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
    fn encodes_from_the_first_touched_line_on(body in encoded(), changes in changes()) {
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
                if widths.len() == 1 && expected.len() <= 747 {
                    prop_assert!(lines(&out).filter(|line| !line.trim_ascii().is_empty()).count() <= 1);
                }
            }
        }
    }
}

#[test]
fn keeps_the_form_of_the_part() {
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
fn what_is_not_base64_is_refused() {
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
