use super::*;

/// The author's lines that no edit touches, with their ends.
fn untouched<'a>(body: &'a [u8], edits: &[Edit]) -> Vec<&'a [u8]> {
    // A `=` that is itself would be a soft break at the end; the byte behind it tells.
    let decoded = |end: usize| {
        let marked = [&body[..end], b"|"].concat();
        naive::decode(&marked, Transfer::QuotedPrintable).map_or(0, |decoded| decoded.len() - 1)
    };
    let mut start = 0;
    let mut untouched = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        let range = decoded(start)..decoded(end);
        if edits.iter().all(|edit| edit.range.end < range.start || edit.range.start > range.end) {
            untouched.push(line);
        }
        start = end;
    }
    untouched
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn decodes_as_the_naive_one(body in prop_oneof![tokens(QUOTED, 200), vec(any::<u8>(), 0..300)]) {
        let decoded = decode(&body, Transfer::QuotedPrintable).unwrap();
        prop_assert_eq!(Some(decoded.bytes.into_owned()), naive::decode(&body, Transfer::QuotedPrintable));
    }

    #[test]
    fn edits_are_made_in_place(body in tokens(QUOTED, 120), changes in changes()) {
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
        let mut ours = out.split_inclusive(|byte| *byte == b'\n');
        for line in untouched(&body, &edits) {
            prop_assert!(ours.any(|ours| ours == line), "{} in {}", line.escape_ascii(), out.escape_ascii());
        }
        if edits.is_empty() {
            prop_assert_eq!(out, body);
        }
    }
}

proptest! {
    /// The crate `quoted_printable` differs where a line end is not CRLF (it writes CRLF), at NULs, DEL and bytes
    /// over 126 (it drops them), at blanks in front of a hard line end (it drops them), and at `==41` (it
    /// gives it back as it is). Each of these changes bytes of the author's that no edit touches.
    #[test]
    fn decodes_as_the_crate_but_for_that(
        body in tokens(&[b"=\r\n", b"=3D", b"=e9", b"=C3=A9", b"a\r\n", b"\r\n", b" a", b"\tb", b"=zz", b"c"], 200),
    ) {
        let decoded = decode(&body, Transfer::QuotedPrintable).unwrap();
        let expected = ::quoted_printable::decode(&body, ::quoted_printable::ParseMode::Robust).unwrap();
        prop_assert_eq!(decoded.bytes.into_owned(), expected);
    }
}

#[test]
fn changes_little() {
    let cases: [(&str, Range<usize>, &str, &str); 22] = [
        // In front of a soft break an insertion goes on the line before, and the one after stays.
        ("aaa=\nbbb=\nccc", 3..3, "x", "aaax=\nbbb=\nccc"),
        ("aaa=\nbbb=\nccc", 0..0, "x", "xaaa=\nbbb=\nccc"),
        ("aaa=\nbbb=\nccc", 9..9, "x", "aaa=\nbbb=\ncccx"),
        // A replacement stands on the line of what it replaces.
        ("aaa=\nbbb=\nccc", 3..6, "x", "aaa=\nx=\nccc"),
        ("aaa=\nbbb=\nccc", 3..6, "", "aaa=\nccc"),
        ("aaa=\nbbb=\nccc", 2..7, "", "aacc"),
        ("aaa=\nbbb", 3..6, "", "aaa=\n"),
        ("aaa=\nb=", 4..4, "x", "aaa=\nbx="),
        ("aaa\nbbb\nccc", 3..7, "", "aaa\nccc"),
        ("aaa\nbbb\n-cc", 4..8, "", "aaa\n-cc"),
        // Escapes of the author's stay, of either case; a bare `=` on a touched line may not.
        ("=3d=e9 =zz\n=zz", 0..0, "x", "x=3d=e9 =3Dzz\n=zz"),
        ("=zz", 1..3, "41", "=3D41"),
        ("= x", 2..3, "", "=3D=20"),
        ("a= \r\nb", 0..0, "=", "=3Da= \r\nb"),
        // Blanks at the end.
        ("a x\nb", 2..3, "", "a=20\nb"),
        ("a x \nb", 2..3, "", "a=20 \nb"),
        ("a \nb", 0..1, "c", "c \nb"),
        // Starts of lines.
        ("x-a\n", 0..1, "", "=2Da\n"),
        ("--xa\n", 2..3, "", "=2D-a\n"),
        ("x.\n", 0..1, "", "=2E\n"),
        ("Froxm a\n", 3..4, "", "=46rom a\n"),
        ("From a\n.b", 5..6, "c", "From c\n.b"),
    ];
    for (body, range, text, expected) in cases {
        let out =
            applied(body.as_bytes(), Transfer::QuotedPrintable, &[edit(range.clone(), text.as_bytes())]);
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.replace('\n', "\\n").replace('\r', "\\r"),
            "{body:?} {range:?}"
        );
    }
}

#[test]
fn lines_are_as_wide_as_they_may_be() {
    let wide = |length: usize| "a".repeat(length);
    // A hard line may have 76 characters, a soft one 75 and the `=`; what the edit does not push out stays.
    for (before, after, ends) in [(75, 0, "\r\n"), (0, 75, "\r\n"), (30, 45, "\r\n"), (30, 44, "=\r\n")] {
        let body = format!("{}{}{ends}b", wide(before), wide(after));
        let out = applied(body.as_bytes(), Transfer::QuotedPrintable, &[edit(before..before, b"x")]);
        let fits = before < 75;
        let expected = if fits {
            format!("{}x{}{ends}b", wide(before), wide(after))
        } else {
            format!("{}=\r\nx\r\nb", wide(75))
        };
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
    // The style of soft breaks is that of the line, then that of the line before, then the message's.
    let text = [b'x'; 100];
    for (body, at, expected) in
        [("a\nb\r\n", 3, "=\r\n"), ("a\nb\r\n", 1, "=\n"), ("a\nb", 3, "=\n"), ("b", 1, "=\r\n")]
    {
        let out = applied(body.as_bytes(), Transfer::QuotedPrintable, &[edit(at..at, &text)]);
        let at = out.iter().position(|byte| *byte == b'=').unwrap();
        assert!(out[at..].starts_with(expected.as_bytes()), "{}", out.escape_ascii());
    }
    // Nothing of an escape is cut off, also where it was not ours.
    let body = "=C3=A9".repeat(60);
    let out = applied(body.as_bytes(), Transfer::QuotedPrintable, &[edit(60..60, b"")]);
    assert_eq!(out, body.as_bytes());
    let out = applied(body.as_bytes(), Transfer::QuotedPrintable, &[edit(60..60, b"x")]);
    assert!(lines(&out).all(|line| line.len() <= 76 && (line.ends_with(b"=") || line.ends_with(b"=A9"))));
}
