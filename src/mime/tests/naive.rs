//! The scanner once more, line by line: obvious and slow. It reads only the headers that [`message`] makes.

use std::ops::Range;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::super::{Kind, scan};
use super::assert_spans;

#[derive(Debug, PartialEq)]
struct Span {
    parent: Option<usize>,
    header: Range<usize>,
    body: Range<usize>,
    multipart: bool,
}

/// What the last line was: the line break before a delimiter line belongs to it only where it ends text.
#[derive(PartialEq)]
enum Last {
    Text,
    Structure,
}

fn naive(message: &[u8]) -> Vec<Span> {
    let span = |parent, at: usize| Span { parent, header: at..at, body: at..at, multipart: false };
    let mut parts = vec![span(None, 0)];
    let mut open: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut running = vec![0];
    let mut in_header = true;
    let mut last = Last::Structure;
    let mut last_content_end = 0;
    let mut at = 0;
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content =
            if content.len() < line.len() { content.strip_suffix(b"\r").unwrap_or(content) } else { content };
        let next = at + line.len();
        if let Some((level, close)) = delimiter(content, &open) {
            let end = if last == Last::Text { last_content_end } else { at };
            let multipart = open[level].0;
            while running.last() != Some(&multipart) {
                let ended = running.pop().unwrap();
                if in_header {
                    parts[ended].header.end = at;
                    parts[ended].body = at..at;
                } else {
                    parts[ended].body.end = end;
                }
                in_header = false;
            }
            open.truncate(level + 1);
            if close {
                open.pop();
                last = Last::Text;
            } else if !parts[multipart].multipart {
                last = Last::Text;
            } else {
                running.push(parts.len());
                parts.push(span(Some(multipart), next));
                in_header = true;
                last = Last::Structure;
            }
        } else if in_header {
            last = Last::Structure;
            if content.is_empty() && line.ends_with(b"\n") {
                let index = *running.last().unwrap();
                parts[index].header.end = at;
                parts[index].body = next..next;
                in_header = false;
                if let Some((boundary, clear)) = boundary(&message[parts[index].header.clone()], index == 0) {
                    parts[index].multipart = clear && open.len() < 32;
                    open.push((index, boundary));
                }
            }
        } else {
            last = Last::Text;
        }
        last_content_end = at + content.len();
        at = next;
    }
    for ended in running {
        if in_header && ended + 1 == parts.len() {
            parts[ended].header.end = at;
            parts[ended].body = at..at;
        }
        parts[ended].body.end = at;
    }
    parts
}

fn delimiter(line: &[u8], open: &[(usize, Vec<u8>)]) -> Option<(usize, bool)> {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let length = line.iter().rposition(|byte| !blank(byte)).map_or(0, |last| last + 1);
    for level in (0..open.len()).rev() {
        let opening = [b"--", open[level].1.as_slice()].concat();
        if line[..length] == opening {
            return Some((level, false));
        }
        if line[..length] == [opening.as_slice(), b"--"].concat() {
            return Some((level, true));
        }
    }
    None
}

/// The boundary of a multipart, and whether its children are looked for.
fn boundary(header: &[u8], of_message: bool) -> Option<(Vec<u8>, bool)> {
    let header = String::from_utf8(header.to_vec()).unwrap();
    let mut fields: Vec<String> = Vec::new();
    for line in header.split_inclusive('\n') {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => *field += line,
            _ => fields.push(line.to_owned()),
        }
    }
    if of_message && fields.first().is_some_and(|field| field.starts_with("From ")) {
        fields.remove(0);
    }
    let mut found = None;
    let mut clear = true;
    for field in &fields {
        let (name, value) = field.split_once(':').unwrap_or_default();
        let name = name.trim_end_matches([' ', '\t']);
        clear &= !name.is_empty() && !name.contains(|c: char| !c.is_ascii_graphic()) && name != "Content-MD5";
        clear &= name != "Content-Transfer-Encoding" || value.trim() == "7bit";
        if name == "Content-Type" {
            let mut words = value.split([' ', '\t', '\r', '\n', ';']).filter(|word| !word.is_empty());
            let media_type = words.next().unwrap_or_default();
            let boundaries: Vec<_> = words.filter_map(|word| word.strip_prefix("boundary=")).collect();
            let read = (media_type, boundaries.first().copied());
            clear &= boundaries.iter().all(|other| *other == boundaries[0]);
            clear &= *found.get_or_insert(read) == read;
        }
    }
    let (media_type, boundary) = found?;
    clear &= ["multipart/mixed", "multipart/digest", "multipart/related"].contains(&media_type);
    let boundary =
        boundary.filter(|boundary| !boundary.is_empty() && media_type.starts_with("multipart/"))?;
    Some((boundary.as_bytes().to_vec(), clear))
}

/// Boundaries that are prefixes of each other and of what their delimiter lines look like.
/// `%` stands for the one that the message gave out last.
const BOUNDARIES: [&str; 8] = ["a", "a", "aa", "a-", "a--", "-", "--", "b"];
const DELIMITED: [&str; 16] =
    ["%", "%", "%", "%", "%", "%", "%", "%", "a", "a", "aa", "a-", "a--", "-", "--", "b"];

fn content_type() -> impl Strategy<Value = String> {
    (select(&BOUNDARIES), select(&["mixed", "mixed", "mixed", "digest", "related", "signed"]))
        .prop_map(|(boundary, sub)| format!("Content-Type: multipart/{sub}; boundary={boundary}"))
}

fn select(from: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(from)
}

const HEADER_LINES: [&str; 11] = [
    "Content-Type: text/html",
    "A: b",
    " folded",
    "\tx",
    "junk",
    "Content-MD5: x",
    ": x",
    "From x",
    "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: 7bit",
    "two words: x",
];

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        // A whole multipart's start, a whole part's start.
        9 => (select(&DELIMITED), content_type()).prop_map(|(of, kind)| format!("--{of}\n{kind}\n\n--%")),
        3 => (select(&DELIMITED), content_type()).prop_map(|(of, kind)| format!("--{of}\r\n{kind}\r\n\r\n")),
        5 => (select(&DELIMITED), select(&HEADER_LINES)).prop_map(|(of, line)| format!("--{of}\n{line}\n\nx")),
        4 => select(&DELIMITED).prop_map(|boundary| format!("--{boundary}")),
        1 => select(&DELIMITED).prop_map(|boundary| format!("--{boundary}--")),
        2 => content_type(),
        3 => Just(String::new()),
        1 => select(&HEADER_LINES).prop_map(str::to_owned),
        1 => "[-ab \t\r]{0,6}",
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let end = select(&[
        "\r\n", "\r\n", "\r\n", "\n", "\n", "\n", "\r", " \n", "\t\r\n", "", "\r\r\n", "\n\n", "\r\n\r\n",
    ]);
    // Most messages should have a structure at all.
    let start = proptest::option::weighted(
        0.9,
        select(&BOUNDARIES)
            .prop_map(|boundary| format!("Content-Type: multipart/mixed; boundary={boundary}\n\n")),
    );
    (start, proptest::collection::vec((line(), end), 0..60)).prop_map(|(start, lines)| {
        let mut message = start.unwrap_or_default();
        let last = |text: &str| Some(text.rsplit_once("boundary=")?.1.lines().next()?.to_owned());
        let mut boundary = last(&message).unwrap_or_default();
        for (line, end) in lines {
            let mut line = line.replacen("--%", &format!("--{boundary}"), 1);
            boundary = last(&line).unwrap_or(boundary);
            line = line.replace("--%", &format!("--{boundary}"));
            message += &line;
            message += end;
        }
        message.into_bytes()
    })
}

fn assert_same(message: &[u8]) {
    let structure = scan(message);
    assert_spans(message, &structure);
    let spans: Vec<_> = structure
        .parts
        .iter()
        .map(|part| Span {
            parent: part.parent,
            header: part.header.clone(),
            body: part.body.clone(),
            multipart: part.kind == Kind::Multipart,
        })
        .collect();
    assert_eq!(spans, naive(message), "{:?}", String::from_utf8_lossy(message));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_scanner_finds_what_the_naive_one_finds(message in message()) {
        assert_same(&message);
    }

    #[test]
    fn any_bytes_give_spans_in_order(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        assert_spans(&message, &scan(&message));
    }
}

/// The comparison is worth something only where there is something to compare.
#[test]
fn generated_messages_have_structures() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut wide = 0;
    let mut deep = 0;
    for _ in 0..500 {
        let structure = scan(&message().new_tree(&mut runner).unwrap().current());
        let depth = |index| structure.path(index).split('.').count();
        wide += usize::from(structure.parts.len() > 8);
        deep += usize::from((0..structure.parts.len()).any(|index| depth(index) > 3));
    }
    assert!(wide > 100 && deep > 25, "{wide} {deep}");
}
