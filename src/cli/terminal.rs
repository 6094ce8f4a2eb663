//! What a person sees: colours, the width of a terminal, and texts that fit columns.

use std::fmt;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::sanitize::Printable;

/// Where output goes that people read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// Columns.
    pub(super) width: usize,
    is_coloured: bool,
}

/// Fewer columns than this are not filled well: lines then wrap.
const NARROWEST: usize = 40;
/// Without a terminal.
const DEFAULT: usize = 80;

/// Meanings, each with its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// Titles.
    Heading,
    /// What matters less.
    Dim,
    /// Done, passed, tracked, added.
    Good,
    /// To be looked at: warnings.
    Notice,
    /// Failed, removed.
    Bad,
    /// Names and places.
    Accent,
    /// In a line that was removed: what is gone.
    Removed,
    /// In a line that was added: what is new.
    Added,
}

/// `--color`.
pub(super) fn color() -> Arg {
    Arg::new("color")
        .long("color")
        .value_name("WHEN")
        .value_parser(PossibleValuesParser::new(["auto", "always", "never"]))
        .help("Colours; auto: on a terminal, unless NO_COLOR is set [default: auto]")
        .hide_possible_values(true)
}

impl Screen {
    /// Stdout, as `--color` and the environment say. <https://no-color.org>, <https://bixense.com/clicolors>
    pub(super) fn stdout(matches: &ArgMatches) -> Screen {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_terminal = io::stdout().is_terminal();
        let is_coloured = match matches.get_one::<String>("color").map(String::as_str) {
            Some("always") => true,
            Some("never") => false,
            _ if is_set("NO_COLOR") => false,
            _ if std::env::var_os("CLICOLOR_FORCE")
                .is_some_and(|value| !value.is_empty() && value != "0") =>
            {
                true
            }
            _ => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        };
        let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
        let of_terminal = || {
            let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
            Some(usize::from(width.0))
        };
        let width: Option<usize> = if is_terminal { of_terminal().or_else(columns) } else { columns() };
        Screen { width: width.filter(|width| *width > 0).unwrap_or(DEFAULT).max(NARROWEST), is_coloured }
    }

    /// Of this width, without colours.
    #[cfg(test)]
    pub(super) fn plain(width: usize) -> Screen {
        Screen { width, is_coloured: false }
    }

    /// A text in its colour. It must be safe to show already.
    pub(super) fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Heading => Style::new().bold(),
            Tone::Dim => Style::new().dimmed(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Notice => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Accent => AnsiColor::Cyan.on_default(),
            Tone::Removed => AnsiColor::Red.on_default().invert(),
            Tone::Added => AnsiColor::Green.on_default().invert(),
        };
        Painted { style: if self.is_coloured { style } else { Style::new() }, text }
    }
}

/// A text between a colour and its end.
pub(super) struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.style.render(), self.text, self.style.render_reset())
    }
}

/// The columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Others' text as it can be shown, see [`Printable`].
pub(super) fn safe(text: &str) -> String {
    Printable(text).to_string()
}

/// At most so many columns of a text, with an ellipsis at the end where some is missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    format!("{}…", head(text, most.saturating_sub(1)))
}

/// At most so many columns of a text, with an ellipsis in the middle where some is missing: of a URL the host and the end
/// say most.
pub(super) fn shorten(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(1);
    let tail = tail(text, room / 3);
    format!("{}…{tail}", head(text, room - width(tail)))
}

/// A text filled up with blanks to so many columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

fn head(text: &str, most: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > most
    });
    let mut head = &text[..end.map_or(text.len(), |(at, _)| at)];
    // A variation selector makes the character before it wider: together they take more than one by one.
    while width(head) > most {
        head = &head[..head.char_indices().next_back().map_or(0, |(at, _)| at)];
    }
    head
}

fn tail(text: &str, most: usize) -> &str {
    let mut used = 0;
    let start = text.char_indices().rev().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > most
    });
    // A combining character belongs to the one before it.
    let rest = &text[start.map_or(0, |(at, c)| at + c.len_utf8())..];
    let mut rest = rest.trim_start_matches(|c: char| c.width() == Some(0));
    while width(rest) > most {
        let mut chars = rest.chars();
        chars.next();
        rest = chars.as_str().trim_start_matches(|c: char| c.width() == Some(0));
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_their_columns() {
        for text in [
            "https://shop.example/a/long/way?and=a&query=too",
            "日本語のとても長い題名です",
            "e\u{301}a\u{301}o\u{301}u\u{301}e\u{301}a\u{301}o\u{301}",
            "\u{2600}\u{fe0f}\u{2600}\u{fe0f}\u{2600}\u{fe0f}\u{2600}\u{fe0f}\u{2600}\u{fe0f}\u{2600}\u{fe0f}",
            "\u{1f469}\u{200d}\u{1f4bb} \u{1f1e9}\u{1f1ea} \u{1f44d}\u{1f3fd} 3\u{fe0f}\u{20e3} \u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
            "",
            "ab",
        ] {
            for most in 0..60 {
                for short in [cut(text, most), shorten(text, most)] {
                    assert!(width(&short) <= most.max(1), "{short} {most}");
                    assert!(width(text) > most || short == text);
                    // Emoji that are joined take less together than one by one: they are cut early.
                    let one_by_one: usize = text.chars().map(|c| c.width().unwrap_or(0)).sum();
                    let fills = width(&short) + 2 >= most.min(width(text));
                    assert!(most < 4 || one_by_one > width(text) || fills, "{short} {most}");
                }
                assert_eq!(width(&pad(&cut(text, most), 60)), 60);
            }
        }
        assert_eq!(shorten("https://shop.example/a/b/c.html", 16), "https://sh….html");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }
}
