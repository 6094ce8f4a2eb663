//! Laws of any text, and the naive reading.

use proptest::prelude::*;

use super::*;

/// Pieces that meet each other badly.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("https://".to_owned()),
        1 => Just("http://".to_owned()),
        1 => Just("<URL:".to_owned()),
        2 => Just(" \n".to_owned()),
        1 => Just(" \r\n> ".to_owned()),
        1 => Just("-- \n".to_owned()),
        1 => "[{%|*]{2}",
        8 => "[a-cA-C0-9./?&=#,;:!'\"<>()\\[\\]{}|*_~+@ %\\\\^`\n-]{1,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn suffixed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "<?https://e/".prop_map(String::from),
        3 => Just("[[data-msys-clicktrack=\"0\"]]".to_owned()),
        1 => "\\[\\[data-msys-(linkname|sublink|x)=[\"' a\n]{0,4}\\]{1,2}",
        2 => "[a )é。を<>. \n]{1,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn check_order(bytes: &[u8], found: &[Found]) {
    let mut at = 0;
    for link in found {
        assert!(link.range.start >= at && link.range.start < link.range.end);
        at = link.range.end;
        if !link.suffix.is_empty() {
            assert!(link.is_sure && link.suffix.start >= at && bytes[link.suffix.clone()].ends_with(b"]]"));
            at = link.suffix.end;
        }
        assert!(bytes[link.range.clone()].to_ascii_lowercase().starts_with(b"http"));
    }
    assert!(at <= bytes.len());
}

/// What a rewrite makes of the text: each sure URL another one, the suffixes gone.
fn replaced(bytes: &[u8], found: &[Found], url: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    for link in found.iter().filter(|link| link.is_sure) {
        out.extend_from_slice(&bytes[at..link.range.start]);
        out.extend_from_slice(url);
        at = link.range.end;
        if !link.suffix.is_empty() {
            out.extend_from_slice(&bytes[at..link.suffix.start]);
            at = link.suffix.end;
        }
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_naive_reading_is_the_same(text in text()) {
        for layout in [PLAIN, FLOWED, DELSP] {
            let links = Links::of(text.as_bytes(), Charset::of_label("utf-8"), layout, Dialects::NONE);
            let found: Vec<_> = links.map(|link| (link.range.start, link.range.end, link.is_sure)).collect();
            prop_assert_eq!(found, naive::links(text.as_bytes(), layout), "{:?}", layout);
        }
    }

    /// A tracking URL is read where the author's URL was read, and is whole; nothing else changes its meaning.
    #[test]
    fn what_is_put_in_is_found_again(text in prop_oneof![text(), suffixed()]) {
        let url = b"https://t.example/IGVN-_a";
        for layout in [PLAIN, FLOWED, DELSP] {
            let found = find(text.as_bytes(), "utf-8", layout);
            check_order(text.as_bytes(), &found);
            let output = replaced(text.as_bytes(), &found, url);
            let again = find(&output, "utf-8", layout);
            prop_assert_eq!(again.len(), found.len(), "{}", String::from_utf8_lossy(&output));
            for (before, after) in found.iter().zip(&again) {
                prop_assert_eq!(before.is_sure, after.is_sure);
                if before.is_sure {
                    prop_assert_eq!(&output[after.range.clone()], url);
                    prop_assert!(after.suffix.is_empty());
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..200usize) {
        let mut bytes = bytes;
        let at = at.min(bytes.len());
        bytes.splice(at..at, *b"https://");
        for charset in ["utf-8", "latin1", "shift_jis", "gb18030", "big5", "euc-kr", "x-mine"] {
            for layout in [PLAIN, DELSP] {
                check_order(&bytes, &find(&bytes, charset, layout));
            }
        }
    }
}
