//! Columns that fit a screen, whatever stands in them.

use std::io::{self, Write};

use super::super::super::terminal::{Screen, Tone, cut, pad, shorten, width};

/// How a column gives way where the screen is too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Not at all; numbers, at the right.
    Number,
    /// Not at all.
    Whole,
    /// Left out as a whole, the last such column first.
    Optional,
    /// Texts lose their middle, down to so many columns.
    Middle(usize),
    /// Texts lose their end, down to so many columns.
    End(usize),
}

/// A text that is safe to show, and its colour.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl Cell {
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Cell {
        Cell { text: text.into(), tone }
    }

    pub(super) fn plain(text: impl Into<String>) -> Cell {
        Cell::new(Tone::Plain, text)
    }
}

/// What stands left of every row.
pub(super) const INDENT: usize = 2;
/// What stands between columns.
const GAP: usize = 2;

/// Writes a table: a heading where there is one, and rows with a cell for each column. A column in which nothing stands
/// is left out. What a heading has in brackets is shown where there is room for it.
pub(super) fn write(
    out: &mut impl Write,
    screen: Screen,
    columns: &[(&str, Fit)],
    rows: &[Vec<Cell>],
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let natural = |index: usize| rows.iter().map(|row| width(&row[index].text)).max().unwrap_or(0);
    let mut shown: Vec<_> = (0..columns.len()).filter(|index| natural(*index) > 0).collect();
    let mut widths: Vec<_> = shown
        .iter()
        .map(|index| natural(*index).max(width(short(columns[*index].0))).min(screen.width))
        .collect();
    let room = |count: usize| screen.width.saturating_sub(INDENT + GAP * count.saturating_sub(1));
    while widths.iter().sum::<usize>() > room(shown.len())
        && let Some(last) = shown.iter().rposition(|index| columns[*index].1 == Fit::Optional)
    {
        shown.remove(last);
        widths.remove(last);
    }
    let fits: Vec<_> = shown.iter().map(|index| columns[*index].1).collect();
    let room = room(shown.len());
    narrow(&mut widths, &fits, room);
    let mut line = |cells: &mut dyn Iterator<Item = (&str, Tone)>| {
        let mut text = " ".repeat(INDENT);
        let mut blanks = 0;
        for (index, (content, tone)) in cells.enumerate() {
            let (fitted, columns) = (fit(content, fits[index], widths[index]), widths[index]);
            let free = columns.saturating_sub(width(&fitted));
            let before = if fits[index] == Fit::Number { free } else { 0 };
            // Blanks at the end of a line would be for nothing.
            if !fitted.is_empty() {
                text.push_str(&" ".repeat(blanks + before));
                text.push_str(&screen.paint(tone, harmless(&fitted)).to_string());
                blanks = 0;
            } else {
                blanks += before;
            }
            blanks += free - before + GAP;
        }
        writeln!(out, "{}", text.trim_end())
    };
    if columns.iter().any(|(heading, _)| !heading.is_empty()) {
        line(&mut shown.iter().zip(&widths).map(|(index, room)| {
            let heading = columns[*index].0;
            (if width(heading) > *room { short(heading) } else { heading }, Tone::Dim)
        }))?;
    }
    rows.iter().try_for_each(|row| {
        line(&mut shown.iter().map(|index| (row[*index].text.as_str(), row[*index].tone)))
    })
}

fn short(heading: &str) -> &str {
    heading.split(" (").next().unwrap_or(heading)
}

/// Takes columns from what can give way until everything fits: from the widest first.
fn narrow(widths: &mut [usize], fits: &[Fit], room: usize) {
    let least = |fit: Fit| match fit {
        Fit::Middle(least) | Fit::End(least) => least,
        Fit::Number | Fit::Whole | Fit::Optional => usize::MAX,
    };
    while widths.iter().sum::<usize>() > room {
        let able = (0..widths.len()).filter(|index| widths[*index] > least(fits[*index]));
        // A URL says less for each column than a text: it keeps twice as many.
        let weight = |index: usize| match fits[index] {
            Fit::Middle(_) => widths[index],
            _ => widths[index] * 2,
        };
        let Some(widest) = able.max_by_key(|index| weight(*index)) else { return };
        widths[widest] -= 1;
    }
}

fn fit(text: &str, fit: Fit, columns: usize) -> String {
    match fit {
        Fit::Number | Fit::Whole | Fit::Optional => text.to_owned(),
        Fit::Middle(_) => shorten(text, columns),
        Fit::End(_) => cut(text, columns),
    }
}

/// A heading, and what is said beside it.
pub(super) fn heading(out: &mut impl Write, screen: Screen, title: &str, text: &str) -> io::Result<()> {
    writeln!(out)?;
    write!(out, "{}", screen.paint(Tone::Heading, title))?;
    let used = width(title) + 2;
    let mut lines = wrap(text, screen.width.saturating_sub(used)).into_iter();
    match lines.next().filter(|line| !line.is_empty()) {
        Some(line) => writeln!(out, "  {line}")?,
        None => writeln!(out)?,
    }
    lines.try_for_each(|line| writeln!(out, "{}{line}", " ".repeat(used)))
}

/// A named text, over as many lines as it needs.
pub(super) fn entry(
    out: &mut impl Write,
    screen: Screen,
    label: &str,
    tone: Tone,
    text: &str,
) -> io::Result<()> {
    /// As wide as the widest label.
    const LABEL: usize = 9;

    let indent = INDENT + LABEL + GAP;
    for (index, line) in wrap(text, screen.width.saturating_sub(indent)).iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        let label = screen.paint(Tone::Dim, pad(label, LABEL)).to_string();
        writeln!(
            out,
            "{}{label}{}{}",
            " ".repeat(INDENT),
            " ".repeat(GAP),
            screen.paint(tone, harmless(line))
        )?;
    }
    Ok(())
}

/// Lines of an indented text.
pub(super) fn paragraph(out: &mut impl Write, screen: Screen, tone: Tone, text: &str) -> io::Result<()> {
    let lines = wrap(text, screen.width.saturating_sub(INDENT));
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "{}{}", " ".repeat(INDENT), screen.paint(tone, harmless(line))))
}

/// A text in lines of at most so many columns, broken at blanks; a word that is longer, and text without blanks, anywhere.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let mut word = word;
        let needed = width(word);
        let line = lines.last_mut().expect("one line");
        if !line.is_empty() && used + 1 + needed <= columns {
            line.push(' ');
            line.push_str(word);
            used += 1 + needed;
            continue;
        }
        // A long word begins behind the others: CJK text has no blanks.
        let free = columns.saturating_sub(used + 1);
        if !line.is_empty() && needed > columns && free >= 8 {
            let head = head(word, free);
            line.push(' ');
            line.push_str(head);
            word = &word[head.len()..];
        }
        if !lines.last().expect("one line").is_empty() {
            lines.push(String::new());
        }
        while width(word) > columns {
            let head = head(word, columns);
            lines.last_mut().expect("one line").push_str(head);
            word = &word[head.len()..];
            lines.push(String::new());
        }
        used = width(word);
        lines.last_mut().expect("one line").push_str(word);
    }
    // Several blanks at a break would stand at the end of the line.
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
    lines
}

/// The longest beginning of a text that fits; at least one character.
fn head(text: &str, columns: usize) -> &str {
    let mut end = text.len();
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > columns && at > 0 {
            end = at;
            break;
        }
    }
    &text[..end]
}

/// A text that turns no other round: one with letters that run from right to left is kept to itself (UAX #9, first strong
/// isolate), so that a terminal that knows of them moves nothing beside it.
fn harmless(text: &str) -> String {
    match text.chars().any(runs_from_right) {
        true => format!("\u{2068}{text}\u{2069}"),
        false => text.to_owned(),
    }
}

/// Hebrew, Arabic and their kin.
fn runs_from_right(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_fit_and_lose_nothing() {
        for text in [
            "one two three four five six seven eight nine ten",
            "日本語のとても長い題名です。日本語のとても長い題名です。",
            "short https://shop.example/a/very/long/url/without/any/blank/in/it and more",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627} \u{1f469}\u{200d}\u{1f4bb}\u{1f469}\u{200d}\u{1f4bb}",
            "",
            "two  blanks",
        ] {
            for columns in 8..40 {
                let lines = wrap(text, columns);
                assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?} {columns}");
                let bare = |text: &str| text.replace(' ', "");
                assert_eq!(bare(&lines.concat()), bare(text));
            }
        }
    }

    #[test]
    fn rows_are_aligned_whatever_stands_in_them() {
        let columns =
            [("#", Fit::Number), ("name", Fit::End(4)), ("url", Fit::Middle(8)), ("end", Fit::Whole)];
        let row = |text: &str| vec![Cell::plain("1"), Cell::plain(text), Cell::plain(text), Cell::plain("|")];
        let rows: Vec<_> = [
            "plain",
            "日本語のとても長い題名です",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
            "\u{1f469}\u{200d}\u{1f4bb} \u{1f1e9}\u{1f1ea} \u{2600}\u{fe0f} \u{1f44d}\u{1f3fd}",
            "e\u{301}a\u{301}o\u{301}",
            "https://shop.example/a/very/long/url/without/any/blank/in/it",
        ]
        .map(row)
        .into();
        for columns_of_screen in [40, 60, 80, 120] {
            let mut out = Vec::new();
            write(&mut out, Screen::plain(columns_of_screen), &columns, &rows).unwrap();
            let out = String::from_utf8(out).unwrap();
            let ends: Vec<_> = out.lines().skip(1).map(width).collect();
            assert!(ends.iter().all(|end| *end == ends[0] && *end <= columns_of_screen), "{ends:?}\n{out}");
            assert!(out.contains("\u{2068}\u{5e9}"), "{out}");
        }
    }
}
