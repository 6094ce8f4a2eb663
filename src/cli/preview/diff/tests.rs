//! The edits turn before into after, are those of the report, and are what the hunks show.

use std::fs;
use std::path::{Path, PathBuf};

use openclick::{Delivery, KeyRing, Options, Rewriter};
use proptest::prelude::*;

use super::super::edits::{Cause, Edit, edits, of_text, unlisted};
use super::super::look::Look;
use super::*;

fn rewriter() -> Rewriter {
    let options = Options::new("https://track.example.com", KeyRing::from_bytes([7; 32])).unwrap();
    options.text_links(true).build().unwrap()
}

/// What stands after edits, and what stands between them is the same on both sides.
fn apply(before: &[u8], after: &[u8], edits: &[Edit]) -> Vec<u8> {
    let (mut out, mut done) = (Vec::new(), 0);
    for edit in edits {
        assert!(edit.before.start >= done && !(edit.before.is_empty() && edit.after.is_empty()), "{edits:?}");
        out.extend_from_slice(&before[done..edit.before.start]);
        assert_eq!(out.len(), edit.after.start);
        out.extend_from_slice(&after[edit.after.clone()]);
        done = edit.before.end;
    }
    out.extend_from_slice(&before[done..]);
    out
}

/// Applies a diff as `patch` does. Line ends of CRLF are shown as LF, so both sides are compared so.
fn patch(before: &[u8], diff: &str) -> String {
    let lf = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let before = lf(before);
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let (mut out, mut done) = (String::new(), 0);
    let (mut left, mut last) = (0, "");
    for line in diff.split_inclusive('\n').skip(2) {
        let (sign, text) = line.split_at(1);
        match sign {
            "@" => {
                assert_eq!(left, 0, "{diff}");
                let place = text.split(['-', ' ']).nth(2).unwrap();
                let (start, count) = place.split_once(',').unwrap_or((place, "1"));
                let (start, count): (usize, usize) = (start.parse().unwrap(), count.parse().unwrap());
                let start = if count == 0 { start } else { start - 1 };
                old[done..start].iter().for_each(|line| out.push_str(line));
                (done, left) = (start, count);
            }
            " " | "-" => {
                // The line end of a last line without one is the diff's own.
                assert_eq!(old[done].trim_end_matches('\n'), text.trim_end_matches('\n'), "{diff}");
                if sign == " " {
                    out.push_str(text);
                }
                (done, left) = (done + 1, left - 1);
            }
            "+" => out.push_str(text),
            "\\" => {
                if last != "-" {
                    out.pop();
                }
            }
            _ => panic!("{line}"),
        }
        last = sign;
    }
    assert_eq!(left, 0, "{diff}");
    old[done..].iter().for_each(|line| out.push_str(line));
    out
}

/// Whether a text is shown as it is.
fn is_plain(bytes: &[u8]) -> bool {
    let text = String::from_utf8(bytes.to_vec()).map(|text| text.replace("\r\n", "\n").replace('\n', ""));
    text.is_ok_and(|text| !text.contains('\r') && text.split('\t').all(|text| safe(text) == text))
}

/// Shows a difference as a whole, and applies it.
fn check_shown(difference: &Difference<'_>) -> bool {
    // Where the last line has no end, a `\` stands behind both its old and its new text, or behind one.
    let has_end = |bytes: &[u8]| bytes.ends_with(b"\n") || bytes.is_empty();
    let is_shown =
        |bytes: &[u8]| is_plain(bytes) && difference.decode(bytes, 0..bytes.len()).as_bytes() == bytes;
    if !is_shown(&difference.before) || !is_shown(&difference.after) || difference.edits.is_empty() {
        return false;
    }
    let mut shown = Vec::new();
    write(&mut shown, Screen::plain(80), std::slice::from_ref(difference), "x", true).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    if has_end(&difference.before) && has_end(&difference.after) {
        assert!(!shown.contains("\\ No newline"), "{shown}");
    }
    let after = String::from_utf8_lossy(&difference.after).replace("\r\n", "\n");
    assert_eq!(patch(&difference.before, &shown), after, "{shown}");
    true
}

/// All differences of a mail: how many documents, and how many of them could be shown and applied.
fn check(bytes: &[u8], is_message: bool) -> (usize, usize) {
    let rewriter = rewriter();
    let delivery = Delivery::new("m1");
    let rewritten = match is_message {
        true => rewriter.rewrite_message(bytes, &delivery).unwrap(),
        false => rewriter.rewrite_html(bytes, &delivery).unwrap(),
    };
    let look = Look::of(is_message, bytes.to_vec(), rewritten);
    let mut shown = 0;
    for document in &look.documents {
        let (before, after) = (&document.before, &document.after);
        let edits = edits(before, after, &look.report, document.part);
        assert!(apply(before, after, &edits) == *after, "{edits:?}");
        let is_listed = look.report.links_total == look.report.links.len() as u64;
        // The same in the text that is shown, whatever the charset.
        let (old, new) = (document.before_text().as_bytes(), document.after_text().as_bytes());
        let of_text = of_text(document, &look.report);
        assert!(of_text.is_some() || !is_listed, "edits within characters");
        if let Some(edits) = of_text {
            assert!(apply(old, new, &edits) == new, "{edits:?}");
        }
        // Only the changes of the contract's §1, each where the report says.
        if let Some(edit) = edits.iter().find(|edit| edit.cause == Cause::Unlisted && is_listed) {
            let (old, new) = (&before[edit.before.clone()], &after[edit.after.clone()]);
            let text = String::from_utf8_lossy;
            panic!("not in the report: {:?} → {:?}", text(old), text(new));
        }
        let count = |cause| edits.iter().filter(|edit| edit.cause == cause).count() as u64;
        let of_part = look.report.links.iter().filter(|link| link.part == document.part && link.is_tracked());
        assert!(!is_listed || count(Cause::Link) <= of_part.count() as u64);
    }
    for difference in differences(&look) {
        assert!(apply(&difference.before, &difference.after, &difference.edits) == *difference.after);
        shown += usize::from(check_shown(&difference));
    }
    (look.documents.len(), shown)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn fixtures_differ_where_the_report_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let (mut documents, mut shown) = (0, 0);
    for path in files(&folder) {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if matches!(extension, "html" | "eml") {
            println!("{}", path.display());
            let (more, applied) = check(&fs::read(&path).unwrap(), extension == "eml");
            (documents, shown) = (documents + more, shown + applied);
        }
    }
    println!("{documents} documents, {shown} shown");
    assert!(documents > 60 && shown > 50, "{documents} {shown}");
}

#[test]
fn the_corpus_differs_where_the_report_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !folder.exists() {
        println!("corpus not present, skipped");
        return;
    }
    let (mut documents, mut shown) = (0, 0);
    for (name, is_message) in [("html", false), ("mail/spamassassin", true), ("mail/mail-parser", true)] {
        for path in files(&folder.join(name)) {
            println!("{}", path.display());
            let bytes = fs::read(&path).unwrap();
            let crlf =
                String::from_utf8_lossy(&bytes).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
            // In one line, as minifiers leave it.
            let line: Vec<u8> =
                bytes.iter().map(|byte| if *byte == b'\n' && !is_message { b' ' } else { *byte }).collect();
            for bytes in [bytes, crlf, line] {
                let (more, applied) = check(&bytes, is_message);
                (documents, shown) = (documents + more, shown + applied);
            }
        }
    }
    println!("{documents} documents, {shown} shown");
    assert!(documents > 300 && shown > 200, "{documents} {shown}");
}

#[test]
fn a_report_with_too_few_links_is_no_loss() {
    let options = Options::new("https://track.example.com", KeyRing::from_bytes([7; 32])).unwrap();
    let rewriter = options.report_links(2).build().unwrap();
    let link =
        |n| format!("<p><a href=\"https://shop.example/{n}?a=1\" data-msys-linkname=n{n}>Shop {n}</a></p>\n");
    let html: String = (0..200).map(link).collect();
    let rewritten = rewriter.rewrite_html(html.as_bytes(), &Delivery::new("m1")).unwrap();
    let look = Look::of(false, html.into_bytes(), rewritten);
    let differences = differences(&look);
    let difference = &differences[0];
    assert!(apply(&look.before, &look.after, &difference.edits) == look.after);
    // Each line by itself: the values, and the attributes.
    assert!(difference.edits.len() >= 200, "{}", difference.edits.len());
    // The last one reaches to the pixel at the end: too little stands between them.
    let longest = difference.edits.iter().rev().skip(1).max_by_key(|edit| edit.before.len());
    assert!(longest.is_some_and(|edit| edit.before.len() < 60), "{longest:?}");
    assert!(check_shown(difference));
}

#[test]
fn a_long_line_is_shown_around_its_changes() {
    let filler = "<i>x</i>".repeat(2_000_000 / 8);
    let html = format!("<body>{filler}<a href=\"https://shop.example/\">Shop</a>{filler}<b>é</b></body>");
    let rewritten = rewriter().rewrite_html(html.as_bytes(), &Delivery::new("m1")).unwrap();
    let look = Look::of(false, html.into_bytes(), rewritten);
    let mut shown = Vec::new();
    write(&mut shown, Screen::plain(80), &differences(&look), "x.html", false).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.len() < 2_000, "{shown}");
    assert!(
        shown.contains("more…]") && shown.contains("<a href=\"https://shop.example/\">Shop</a>"),
        "{shown}"
    );
    assert_eq!(shown.matches("\\ No newline at end of file").count(), 2);
}

fn difference(before: &[u8], after: &[u8]) -> Difference<'static> {
    let edits = unlisted(before, after);
    Difference {
        place: String::new(),
        charset: None,
        before: before.to_vec().into(),
        after: after.to_vec().into(),
        edits,
    }
}

proptest! {
    #[test]
    fn any_two_texts(lines in proptest::collection::vec(("[ab]{0,3}", 0usize..6), 0..12), ends in any::<bool>(), crlf in any::<bool>()) {
        let end = if crlf { "\r\n" } else { "\n" };
        let text = |side: usize| {
            let kept = lines.iter().filter(|(_, kind)| *kind != side);
            let lines: Vec<_> = kept.map(|(line, kind)| if *kind == side + 2 { format!("{line}x") } else { line.clone() }).collect();
            lines.join(end) + if ends { end } else { "" }
        };
        let (before, after) = (text(0), text(1));
        let difference = difference(before.as_bytes(), after.as_bytes());
        prop_assert!(apply(before.as_bytes(), after.as_bytes(), &difference.edits) == after.as_bytes());
        check_shown(&difference);
    }

    #[test]
    fn any_bytes(before in proptest::collection::vec(any::<u8>(), 0..600), after in proptest::collection::vec(any::<u8>(), 0..600)) {
        let edits = unlisted(&before, &after);
        prop_assert!(apply(&before, &after, &edits) == after);
        let mut shown = Vec::new();
        write(&mut shown, Screen::plain(80), &[difference(&before, &after)], "x", false).unwrap();
    }

    #[test]
    fn any_markup(html in "(<a href=\"https://a.example/[a-c]{0,2}\"| data-msys-clicktrack=\"?[01]\"?| data-msys-linkname=n|\n| |x|>|/|=|</a>|</body>|<body>|\\{\\{openclick:pixel\\}\\}){0,20}") {
        let rewritten = rewriter().rewrite_html(html.as_bytes(), &Delivery::new("m1")).unwrap();
        let edits = edits(html.as_bytes(), &rewritten.bytes, &rewritten.report, None);
        prop_assert!(apply(html.as_bytes(), &rewritten.bytes, &edits) == rewritten.bytes);
    }
}
