use super::*;

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
    #![proptest_config(ProptestConfig::with_cases(500))]

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
            // A single byte is never cut.
            let url = line.windows(2).rposition(|bytes| bytes == b"uu" || bytes == b"pp");
            prop_assert!(url.is_none_or(|last| last + 1 < 998), "{} {}", longest, line.escape_ascii());
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

#[test]
fn lines_are_broken_only_where_they_would_be_too_long() {
    // A line of 990 octets, its link near the end.
    let line = |url| Links::new(&[("<p>", 0), ("~", 930), ("<a^ href=\"{x:/}\">x</a></p>\n", url)]);
    let out = line(20).applied().unwrap();
    assert_eq!(lines(&out).map(<[u8]>::len).collect::<Vec<_>>(), [973, 0]);
    let out = line(120).applied().unwrap();
    assert_eq!(lines(&out).map(<[u8]>::len).collect::<Vec<_>>(), [935, 138, 0]);
    assert!(out.windows(10).any(|window| window == b"<a\n href=\"") && !out.contains(&b'\r'));
    assert_eq!(line(998).too_long(), [0]);

    // The line end of a body that has none.
    let out = Links::new(&[("~", 930), ("<a^ href=\"{x:/}\">x</a></p>", 120)]).applied().unwrap();
    assert!(out.windows(11).any(|window| window == b"<a\r\n href=\""));

    // The longer of two is left, and of equal ones the last; the author's text between is broken nowhere.
    let two = |first, second| {
        let link = "<a^ href=\"{x:/}\">x</a>";
        Links::new(&[(link, first), ("~", 600), ("<a href=\"{x:/}\">x</a>", second)]).too_long()
    };
    assert_eq!(
        (two(300, 200), two(200, 300), two(250, 250), two(100, 100)),
        (vec![0], vec![1], vec![1], vec![])
    );

    // A pixel is broken between its own attributes, and in a line that was too long it still goes in.
    let pixel = Links::new(&[("~", 960), ("!", 200), ("~", 700)]);
    assert_eq!(lines(&pixel.applied().unwrap()).map(<[u8]>::len).collect::<Vec<_>>(), [964, 915]);

    // In a line that was too long only what would be cut is moved.
    let links = [("<a^ href=\"{x:/}\">", 200), ("~", 2000), ("<a^ href=\"{x:/}\">", 200), ("~", 2000)];
    let out = Links::new(&links).applied().unwrap();
    assert_eq!(lines(&out).map(<[u8]>::len).collect::<Vec<_>>(), [2213, 2209]);

    // Bytes without lines are not broken.
    let body = b"<a href=x>".repeat(400);
    let decoded = decode(&body, Transfer::Binary).unwrap();
    let around = Around { breaks: Breaks { body: &[2], replacements: &[] }, ..CR_LF };
    let mut out = vec![];
    apply(&body, &decoded, &[edit(8..9, &[b'u'; 1200])], &around, &mut out).unwrap();
    assert_eq!(lines(&out).count(), 1);
}

#[test]
fn no_line_becomes_a_delimiter() {
    let refused = |body: &[u8], edits: &[Edit]| {
        let mut out = b"before".to_vec();
        let result = apply(body, &decode(body, Transfer::Identity).unwrap(), edits, &CR_LF, &mut out);
        assert_eq!(out.starts_with(b"before") && out.len() == 6, result.is_err());
        result
    };
    assert_eq!(
        refused(b"a\n-x-b\n", &[edit(0..0, b"y"), edit(3..4, b"")]),
        Err(Refused::Delimiter { edit: 1 })
    );
    assert_eq!(refused(b"x--b", &[edit(0..1, b"")]), Err(Refused::Delimiter { edit: 0 }));
    assert_eq!(refused(b"a\r\nFrxom b\r\n", &[edit(5..6, b"")]), Err(Refused::FromLine { edit: 0 }));
    assert_eq!(refused(b"a\r\n", &[edit(3..3, b"From b")]), Err(Refused::FromLine { edit: 0 }));
    assert_eq!(refused(b"From b\n-x-c\n", &[edit(5..5, b"y"), edit(8..9, b"")]), Ok(()));
    assert_eq!(refused(b"a\nFrom b\n", &[edit(0..2, b"")]), Ok(()));
}
