//! The rules again, without their speed: the text is unfolded first, every place is tried, and each question is asked of
//! the whole rest. ASCII alone, without suffixes.

use super::super::Layout;

/// A URL by its range in the bytes, and whether it is sure.
type Url = (usize, usize, bool);

/// The characters of the text as a `delsp` reader has them, each with its place.
fn unfolded(bytes: &[u8], layout: Layout) -> Vec<(char, usize)> {
    let mut lines: Vec<(usize, &[u8])> = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let start = lines.last().map_or(0, |(start, line)| start + line.len());
        lines.push((start, line));
    }
    let mut out: Vec<(char, usize)> = Vec::new();
    let mut joins = None;
    for (start, line) in lines {
        let depth = line.iter().take_while(|&&byte| byte == b'>').count();
        let stuffed = usize::from(line.get(depth) == Some(&b' '));
        let text = line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text));
        let has_end = text.len() < line.len();
        let is_separator =
            has_end && (&text[depth..] == b"-- " || text.get(depth + stuffed..) == Some(b"-- "));
        let mut from = 0;
        if let Some((before, length)) = joins.take()
            && before == depth
            && !is_separator
        {
            out.truncate(length);
            from = depth + stuffed;
        }
        let content = out.len();
        out.extend(line.iter().enumerate().skip(from).map(|(at, &byte)| (char::from(byte), start + at)));
        // A space that was quoting or stuffing is no soft break's, when the line was joined to one before.
        if layout.delsp && has_end && text.ends_with(b" ") && text.len() > from {
            joins = Some((depth, content + text.len() - from - 1));
        }
    }
    out
}

fn is_blank(c: char) -> bool {
    c <= ' ' || "\x7f<>\"".contains(c)
}

pub(super) fn links(bytes: &[u8], layout: Layout) -> Vec<Url> {
    let text = unfolded(bytes, layout);
    let characters: String = text.iter().map(|(c, _)| *c).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let scheme = ["https://", "http://"].into_iter().find(|scheme| {
            characters.get(at..at + scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme))
        });
        // A soft break in a scheme, or in front of one, is not looked through.
        let whole = |length: usize| text[at + length - 1].1 - text[at].1 == length - 1;
        let Some(scheme) = scheme.filter(|scheme| whole(scheme.len())) else {
            at += 1;
            continue;
        };
        let place = text[at].1;
        if is_inside(&bytes[..place]) {
            at += 1;
            continue;
        }
        let from = at + scheme.len();
        let folds: Vec<usize> = (1..text.len()).filter(|&at| text[at].1 != text[at - 1].1 + 1).collect();
        let (end, mut is_sure, resume) = url(&characters, &folds, from, &bytes[..place]);
        let before = bytes[..place].to_ascii_uppercase();
        if before.ends_with(b"<") || before.ends_with(b"<URL:") {
            let behind = text
                .get(resume)
                .map_or("", |(_, place)| std::str::from_utf8(&bytes[*place..]).expect("ASCII"));
            is_sure &= !behind.trim_start_matches([' ', '\t', '\r']).starts_with('\n');
        }
        if end > from {
            found.push((place, text[end - 1].1 + 1, is_sure));
        }
        at = resume;
    }
    found
}

fn is_inside(before: &[u8]) -> bool {
    let word = |back: usize| before.len() >= back && before[before.len() - back].is_ascii_alphanumeric();
    match before.last() {
        Some(b'=' | b'/' | b'?' | b'&' | b'#' | b'%' | b'@' | b'$') => true,
        Some(b'+' | b'-' | b'.' | b'_') => word(2),
        _ => word(1),
    }
}

/// Where the URL ends, whether that is sure, and where the search goes on.
fn url(text: &str, folds: &[usize], from: usize, before: &[u8]) -> (usize, bool, usize) {
    let rest = &text[from..];
    let opener = before.last().map(|&byte| char::from(byte));
    let labelled = before.to_ascii_uppercase().ends_with(b"<URL:");
    let run = rest.find(is_blank).unwrap_or(rest.len());
    let in_angles = labelled || opener == Some('<');
    if in_angles && rest[run..].starts_with('>') {
        return (from + run, true, from + run);
    }
    let opener = opener.filter(|_| !in_angles);
    for length in 0..=rest.len() {
        let (url, behind) = rest.split_at(length);
        let tag = tag(text, folds, from + length);
        if tag.is_some() {
            return unsure(text, tag, from + length);
        }
        let Some(next) = behind.chars().next() else {
            return (from + trimmed(url, opener), true, from + length);
        };
        if is_blank(next) || next == '\'' && opener == Some('\'') {
            return (from + trimmed(url, opener), true, from + length);
        }
        let is_weak = "{}|\\^`".contains(next)
            || next == ')' && count(url, '(') <= count(url, ')')
            || next == ']' && count(url, '[') <= count(url, ']');
        if is_weak {
            let mut behind =
                behind[1..].chars().skip_while(|c| ".,;:!?'{}|\\^`)]*_~".contains(*c) && *c != '{');
            if behind.next().is_some_and(|c| !is_blank(c) && !"([{".contains(c)) {
                return unsure(text, None, from + length);
            }
            return (from + trimmed(url, opener), true, from + length);
        }
    }
    unreachable!("the text ends")
}

fn count(text: &str, wanted: char) -> usize {
    text.chars().filter(|c| *c == wanted).count()
}

fn trimmed(url: &str, opener: Option<char>) -> usize {
    let emphasis = opener.filter(|c| "*_~".contains(*c));
    url.trim_end_matches(|c| ".,;:!?'".contains(c) || emphasis == Some(c)).len()
}

/// Where a merge tag ends that begins at `at`; no soft break stands in one.
fn tag(text: &str, folds: &[usize], at: usize) -> Option<usize> {
    let whole = folds.iter().copied().find(|&fold| fold > at).unwrap_or(text.len());
    let text = &text[at..whole.min(at + 200)];
    let close = match text.get(..2)? {
        "[[" => "]]",
        "{{" => "}}",
        "{%" => "%}",
        "<%" => "%>",
        _ => return None,
    };
    let end = text[2..].find(close).map(|end| end + 4).filter(|end| !text[..*end].contains('\n'));
    end.or((!text.starts_with('<')).then_some(2)).map(|length| at + length)
}

/// From the place where nobody can tell any more.
fn unsure(text: &str, tag: Option<usize>, at: usize) -> (usize, bool, usize) {
    let from = tag.unwrap_or(at);
    let end = from + text[from..].find(is_blank).unwrap_or(text.len() - from);
    (end, false, end)
}
