//! Where URLs end, case by case; against a naive reading; and in no more than linear time.

mod naive;
mod properties;

use super::*;

const PLAIN: Layout = Layout { flowed: false, delsp: false };
const FLOWED: Layout = Layout { flowed: true, delsp: false };
const DELSP: Layout = Layout { flowed: true, delsp: true };

fn dialects() -> Dialects {
    Dialects::NONE.with(Dialect::SparkPost)
}

fn find(bytes: &[u8], charset: &str, layout: Layout) -> Vec<Found> {
    Links::of(bytes, Charset::of_label(charset), layout, dialects()).collect()
}

/// The text with `⟦…⟧` around each URL, `⟪…⟫` around those that are not sure, and without what is taken out.
fn marked(bytes: &[u8], charset: &str, layout: Layout) -> String {
    let links = Links::of(bytes, Charset::of_label(charset), layout, dialects());
    let reader = Links::of(bytes, Charset::of_label(charset), layout, dialects());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (mut out, mut at) = (String::new(), 0);
    for found in links {
        out += &text(&bytes[at..found.range.start]);
        let url = text(&reader.unfolded(found.range.clone()));
        out += &if found.is_sure { format!("⟦{url}⟧") } else { format!("⟪{url}⟫") };
        at = found.range.end.max(found.suffix.end);
    }
    out + &text(&bytes[at..])
}

#[test]
fn where_urls_begin_and_end() {
    for (input, layout, expected) in [
        ("https://x.example", PLAIN, "⟦https://x.example⟧"),
        ("See HTTP://X.example/A, then", PLAIN, "See ⟦HTTP://X.example/A⟧, then"),
        ("(https://x.example/a).", PLAIN, "(⟦https://x.example/a⟧)."),
        ("https://x.example/a?b=1;c#d!", PLAIN, "⟦https://x.example/a?b=1;c#d⟧!"),
        ("https://x.example/a...\"?", PLAIN, "⟦https://x.example/a⟧...\"?"),
        ("https://x.example:8443/:", PLAIN, "⟦https://x.example:8443/⟧:"),
        ("http://[2001:db8::1]:8/x]", PLAIN, "⟦http://[2001:db8::1]:8/x⟧]"),
        ("https://u:p@x.example/", PLAIN, "⟦https://u:p@x.example/⟧"),
        // Parentheses and brackets.
        ("https://e.example/wiki/Rust_(language)", PLAIN, "⟦https://e.example/wiki/Rust_(language)⟧"),
        ("(https://e.example/Rust_(language))", PLAIN, "(⟦https://e.example/Rust_(language)⟧)"),
        ("(https://e.example/Rust_(language).)", PLAIN, "(⟦https://e.example/Rust_(language)⟧.)"),
        ("https://e.example/a_(b)_c(d)?", PLAIN, "⟦https://e.example/a_(b)_c(d)⟧?"),
        ("https://e.example/?a[]=1&b[x]=2", PLAIN, "⟦https://e.example/?a[]=1&b[x]=2⟧"),
        ("[https://e.example/a]: b", PLAIN, "[⟦https://e.example/a⟧]: b"),
        ("[a](https://e.example/b)", PLAIN, "[a](⟦https://e.example/b⟧)"),
        ("[https://e/](https://e/)", PLAIN, "[⟦https://e/⟧](⟦https://e/⟧)"),
        ("**[a](https://e.example/b)**", PLAIN, "**[a](⟦https://e.example/b⟧)**"),
        ("(https://e.example/a)b", PLAIN, "(⟪https://e.example/a)b⟫"),
        ("(https://e.example/a).b", PLAIN, "(⟪https://e.example/a).b⟫"),
        // What delimits.
        ("<https://e.example/a>b", PLAIN, "<⟦https://e.example/a⟧>b"),
        ("<URL:https://e.example/a.>", PLAIN, "<URL:⟦https://e.example/a.⟧>"),
        ("<https://e.example/{a|b})>", PLAIN, "<⟦https://e.example/{a|b})⟧>"),
        ("<https://e.example/a b>", PLAIN, "<⟦https://e.example/a⟧ b>"),
        ("<https://e.example/a\r\n  b>", PLAIN, "<⟪https://e.example/a⟫\r\n  b>"),
        ("> <https://e.example/a\n> b>", PLAIN, "> <⟪https://e.example/a⟫\n> b>"),
        ("<https://e.example/a\nb c", PLAIN, "<⟪https://e.example/a⟫\nb c"),
        ("\"https://e.example/a.\"", PLAIN, "\"⟦https://e.example/a⟧.\""),
        ("'https://e.example/a','https://e/b'", PLAIN, "'⟦https://e.example/a⟧','⟦https://e/b⟧'"),
        ("https://e.example/it's", PLAIN, "⟦https://e.example/it's⟧"),
        ("*https://e.example/a* b", PLAIN, "*⟦https://e.example/a⟧* b"),
        ("_https://e.example/a_b_", PLAIN, "_⟦https://e.example/a_b⟧_"),
        ("https://e.example/a*", PLAIN, "⟦https://e.example/a*⟧"),
        ("`https://e.example/a`", PLAIN, "`⟦https://e.example/a⟧`"),
        ("{https://e.example/a}", PLAIN, "{⟦https://e.example/a⟧}"),
        ("| https://e/ |https://f/|", PLAIN, "| ⟦https://e/⟧ |⟦https://f/⟧|"),
        ("https://e/a|b", PLAIN, "⟪https://e/a|b⟫"),
        ("https://e/|https://f/", PLAIN, "⟪https://e/|https://f/⟫"),
        // One in another is the other's.
        ("https://e/?u=https://f/,https://g/", PLAIN, "⟦https://e/?u=https://f/,https://g/⟧"),
        ("www.e.example/?u=https://f/", PLAIN, "www.e.example/?u=https://f/"),
        ("xhttps://e/ svn+https://e/ a.http://e/", PLAIN, "xhttps://e/ svn+https://e/ a.http://e/"),
        ("-https://e/ ...https://e/ Web:https://e/", PLAIN, "-⟦https://e/⟧ ...⟦https://e/⟧ Web:⟦https://e/⟧"),
        ("http:// https://. ftp://e/ ://", PLAIN, "http:// https://. ftp://e/ ://"),
        ("https:// x", PLAIN, "https:// x"),
        // Merge tags.
        ("https://e/{{ id }}/a b", PLAIN, "⟪https://e/{{ id }}/a⟫ b"),
        ("https://e/<%= id %>.", PLAIN, "⟪https://e/<%= id %>.⟫"),
        ("https://e/?a=*|MAIL|* b", PLAIN, "⟪https://e/?a=*|MAIL|*⟫ b"),
        ("https://e/[[id]]", PLAIN, "⟪https://e/[[id]]⟫"),
        ("https://e/{id}", PLAIN, "⟪https://e/{id}⟫"),
        ("https://e/{{id\n}}", PLAIN, "⟪https://e/{{id⟫\n}}"),
        // Lines.
        ("https://e/a\nb", PLAIN, "⟦https://e/a⟧\nb"),
        ("https://e/a \nb", PLAIN, "⟦https://e/a⟧ \nb"),
        ("https://e/a \r\nb", FLOWED, "⟦https://e/a⟧ \r\nb"),
        ("https://e/a \r\nb c", DELSP, "⟦https://e/ab⟧ c"),
        ("https://e/a \n b \nc", DELSP, "⟦https://e/abc⟧"),
        ("https://e/a  \nb", DELSP, "⟦https://e/a⟧  \nb"),
        ("https://e/a. \n b", DELSP, "⟦https://e/a.b⟧"),
        ("https://e/a. \n  b", DELSP, "⟦https://e/a⟧. \n  b"),
        ("> https://e/a \n> b", DELSP, "> ⟦https://e/ab⟧"),
        (">> https://e/a \n> b", DELSP, ">> ⟦https://e/a⟧ \n> b"),
        ("https://e/a \n-- \nb", DELSP, "⟦https://e/a⟧ \n-- \nb"),
        ("https://e/a \n\nb", DELSP, "⟦https://e/a⟧ \n\nb"),
        ("https://e/a ", DELSP, "⟦https://e/a⟧ "),
        ("<https://e/a \nb>", DELSP, "<⟦https://e/ab⟧>"),
        ("<https://e/a \nb>", FLOWED, "<⟪https://e/a⟫ \nb>"),
        ("https://e/ab\0c", PLAIN, "⟦https://e/ab⟧\0c"),
    ] {
        assert_eq!(marked(input.as_bytes(), "utf-8", layout), expected, "{input:?} {layout:?}");
    }
}

#[test]
fn beyond_ascii() {
    for (input, expected) in [
        ("https://bücher.example/käse.", "⟦https://bücher.example/käse⟧."),
        ("https://e.example/ka\u{308}se", "⟦https://e.example/ka\u{308}se⟧"),
        ("https://ru.example/вики", "⟦https://ru.example/вики⟧"),
        ("https://e.example/。次", "⟦https://e.example/⟧。次"),
        ("「https://e.example/」を", "「⟦https://e.example/⟧」を"),
        ("詳細はhttps://e.example/a　です", "詳細は⟦https://e.example/a⟧　です"),
        ("https://e.example/をご覧。", "⟪https://e.example/をご覧⟫。"),
        ("https://e.example/에서", "⟪https://e.example/에서⟫"),
        ("<https://ja.example/日本語>", "<⟦https://ja.example/日本語⟧>"),
        ("„https://e.example/“ und", "„⟦https://e.example/⟧“ und"),
        ("«https://e.example/»", "«⟦https://e.example/⟧»"),
        ("https://e.example/… https://e/–", "⟦https://e.example/⟧… ⟦https://e/⟧–"),
        ("https://e.example/a–b_c", "⟪https://e.example/a–b_c⟫"),
        ("https://e.example/it’s", "⟪https://e.example/it’s⟫"),
        ("https://e.example/🎉 a", "⟦https://e.example/⟧🎉 a"),
        ("https://e.example/\u{a0}a\u{feff}https://e/", "⟦https://e.example/⟧\u{a0}a\u{feff}⟦https://e/⟧"),
        ("https://e.example/؟", "⟦https://e.example/⟧؟"),
    ] {
        assert_eq!(marked(input.as_bytes(), "utf-8", PLAIN), expected);
    }
    let unsure = |bytes: &[u8], charset: &str| find(bytes, charset, PLAIN).iter().any(|link| !link.is_sure);
    assert!(unsure(b"https://e/\xe4", "utf-8") && unsure(b"https://e/\xe4", "x-mine"));
    assert!(!unsure(b"https://e/\xe4", "latin1") && !unsure(b"https://e/\xbb", "latin1"));
    assert!(!unsure(b"https://e/\x81\x42", "shift_jis"), "an ideographic full stop");
    assert!(unsure(b"https://e/\x82\xa0", "shift_jis") && unsure(b"https://e/\x82", "shift_jis"));
    // The second byte of a character may be a letter.
    assert_eq!(find(b"\x83http://e/ \x83\x41http://f/", "shift_jis", PLAIN)[0].range, 13..22);
    assert_eq!(find(b"\x83http://e/", "latin1", PLAIN)[0].range, 1..10);
}

#[test]
fn suffixes() {
    let name = "data-msys-linkname";
    for (input, layout, expected) in [
        ("https://e[[data-msys-clicktrack=\"0\"]]", PLAIN, "⟦https://e⟧"),
        ("https://e/a.[[DATA-msys-clicktrack='0']], b", PLAIN, "⟦https://e/a.⟧, b"),
        ("https://e/[[ data-msys-clicktrack = 0 ]] b", PLAIN, "⟦https://e/⟧ b"),
        ("https://e/[[data-msys-unsubscribe]]\n", PLAIN, "⟦https://e/⟧\n"),
        ("https://e/[[NAME=\"a ]] b\" data-msys-sublink=x]]\n", PLAIN, "⟦https://e/⟧\n"),
        ("https://e/[[NAME=\"a\"]][[data-msys-sublink=x]])\n", PLAIN, "⟦https://e/⟧)\n"),
        ("<https://e/[[NAME=\"a\"]]>", PLAIN, "<⟦https://e/⟧>"),
        ("(https://e/[[NAME=\"a\"]])", PLAIN, "(⟦https://e/⟧)"),
        ("https://e/[[NAME=\"é\"]]", PLAIN, "⟦https://e/⟧"),
        ("https://e/[[NAME=\"a \r\nb\"]] c", FLOWED, "⟦https://e/⟧ c"),
        (
            "https://e/[[NAME=\"a\" \n> data-msys-sublink=x]]",
            FLOWED,
            "⟪https://e/[[NAME=⟫\"a\" \n> data-msys-sublink=x]]",
        ),
        ("> https://e/[[NAME=\"a\" \n> data-msys-sublink=x]]", FLOWED, "> ⟦https://e/⟧"),
        ("https://e/[[data-msys- \nclicktrack=0]]", DELSP, "⟪https://e/[[data-msys-clicktrack=0]]⟫"),
        ("<https://e/ \n[[NAME=\"a\"]]>", DELSP, "<⟦https://e/⟧>"),
        // Without them the URL would go on.
        ("https://e/[[NAME=\"a\"]]b c", PLAIN, "⟪https://e/[[NAME=\"a\"]]b⟫ c"),
        ("https://e/[[NAME=\"a\"]].b c", PLAIN, "⟪https://e/[[NAME=\"a\"]].b⟫ c"),
        ("https://e/(a[[NAME=\"a\"]])", PLAIN, "⟪https://e/(a[[NAME=\"a\"]])⟫"),
        ("https://e/[[NAME=\"a\"]]を", PLAIN, "⟪https://e/[[NAME=\"a\"]]を⟫"),
        ("<https://e/[[NAME=\"a\"]])>", PLAIN, "<⟪https://e/[[NAME=\"a\"]]⟫)>"),
        ("<https://e/[[NAME=\"a\"]]\nb>", PLAIN, "<⟪https://e/[[NAME=\"a\"]]⟫\nb>"),
        // None of them.
        ("https://e/ [[NAME=\"a\"]]", PLAIN, "⟦https://e/⟧ [[NAME=\"a\"]]"),
        ("https://e/[[data-msys-else=\"a\"]]", PLAIN, "⟪https://e/[[data-msys-else=\"a\"]]⟫"),
        ("https://e/[[NAME=\"a]]", PLAIN, "⟪https://e/[[NAME=\"a]]⟫"),
        ("https://e/[[NAME=\"a\nb\"]]", PLAIN, "⟪https://e/[[NAME=⟫\"a\nb\"]]"),
        ("https://e/[[]]", PLAIN, "⟪https://e/[[]]⟫"),
        ("[[https://e/]]", PLAIN, "[[⟦https://e/⟧]]"),
    ] {
        let input = input.replace("NAME", name);
        assert_eq!(marked(input.as_bytes(), "utf-8", layout), expected.replace("NAME", name), "{input:?}");
    }
    let found = find(b"https://e/[[data-msys-linkname=\"a \nb\"]]", "utf-8", FLOWED);
    assert_eq!(found[0].attributes[0].value, 32..36);
    assert!(!find("https://e/[[data-msys-linkname=é]]".as_bytes(), "x-mine", PLAIN)[0].is_sure);
    let dialects = Dialects::NONE.with(Dialect::Postal);
    let text = b"https+notrack://e/[[data-msys-clicktrack=0]]";
    let found: Vec<_> = Links::of(text, Charset::of_label("utf-8"), PLAIN, dialects).collect();
    assert_eq!((found[0].range.start, found[0].mark.clone(), found[0].is_sure), (0, Some(5..13), false));
}

/// Shapes that make a careless reader start over again and again: in quadratic time this would not end.
#[test]
fn hostile_text_is_read_to_its_end() {
    const BYTES: usize = 1 << 18;

    let count = |text: &str, layout| find(text.as_bytes(), "utf-8", layout).len();
    for unit in [
        "://",
        "http://",
        "https://a)",
        "https://a] ",
        "<https://a",
        "<https://a\n",
        "https://a)))))",
        "https://a[[",
        "[[",
        "https://a{{ ",
        "https://a[[data-msys-linkname=\"",
        "https://a[[data-msys-linkname=\"a\" ",
        "https://a \n",
        " \n",
        "> \n",
        "https://[[data-msys-clicktrack",
        "https://a[[data-msys-clicktrack=0]]",
        "https://é",
        "https://a–",
        "a",
        ">",
        " ",
    ] {
        for layout in [PLAIN, FLOWED, DELSP] {
            let text = unit.repeat(BYTES / unit.len());
            assert!(count(&text, layout) <= BYTES / "http://a".len(), "{unit:?} {layout:?}");
            let behind = format!("https://a{text}");
            assert!(count(&behind, layout) <= BYTES / "http://a".len(), "{unit:?} behind a URL, {layout:?}");
        }
    }
}
