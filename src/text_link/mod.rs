//! Links in plain text: where a URL begins and ends, and what stands behind it.
//!
//! No standard says what a mail client makes a link of. This is what most agree on; where they do not, or where the
//! author's intent cannot be told, the link is found but is not *sure*, and stays as it is:
//!
//! - RFC 3986, appendix C: `<` and `>` delimit a URL, `"` and white space end it. Within `<…>` everything belongs to it.
//! - Elsewhere `.,;:!?'` at its end do not belong to it, nor `)` and `]` without their counterpart in it
//!   (`https://en.wikipedia.org/wiki/Rust_(language)` is whole), nor `*`, `_`, `~` and `'` that also stand before it.
//! - `{ } | \ ^` and the backtick are no characters of a URL, but authors write them. They and a closing bracket too many end
//!   it, but where a letter or digit goes on behind them it is not sure; nor is one with an unresolved merge tag.
//! - Beyond ASCII see [`character`]: letters of scripts that put spaces between words belong to it, punctuation such as
//!   `。` and `”` ends it, and letters of Chinese, Japanese, Korean, Thai and the like make it unsure: nobody can tell
//!   `https://ja.wikipedia.org/wiki/日本語` from `https://example.jp/をご覧ください`.
//! - A line end ends it, but for a soft break of `format=flowed; delsp=yes` ([`flow`]). Inside `<…>` a line end makes it
//!   unsure.
//! - `[[data-msys-…]]` directly behind it is SparkPost's way to give a link attributes ([`suffix`]).

mod character;
mod flow;
mod suffix;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem::{self, Finder};

use self::character::{Boundaries, Class};
use self::flow::Flow;
use self::suffix::Suffix;
use crate::charset::Charset;
use crate::dialect::{Dialect, Dialects};

pub(crate) use self::suffix::SuffixAttribute;

/// How a part's lines are to be read, RFC 3676.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) flowed: bool,
    pub(crate) delsp: bool,
}

/// A URL in text. Ranges are those of the bytes as they stand, soft breaks included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    /// Postal's `+notrack` in its scheme.
    pub(crate) mark: Option<Range<usize>>,
    /// What the suffixes behind it say.
    pub(crate) attributes: Vec<SuffixAttribute>,
    /// All the suffixes, and a soft break before them: without them what follows must not begin a line. Empty where
    /// they must stay.
    pub(crate) suffix: Range<usize>,
    /// Whether it is certain that the URL ends where the range does, and is nothing but a URL.
    pub(crate) is_sure: bool,
}

/// The URLs of a text, in order. Takes time linear in the text.
pub(crate) struct Links<'a> {
    text: Text<'a>,
    scheme_ends: Finder<'static>,
    boundaries: Option<Boundaries<'a>>,
    /// Nothing before this belongs to a URL to come.
    from: usize,
}

/// The text and how it is read.
struct Text<'a> {
    bytes: &'a [u8],
    charset: Charset,
    flow: Flow<'a>,
    /// Suffixes are read.
    suffixes: bool,
    /// `+notrack` is read.
    marks: bool,
}

impl<'a> Links<'a> {
    pub(crate) fn of(bytes: &'a [u8], charset: Charset, layout: Layout, dialects: Dialects) -> Links<'a> {
        Links {
            text: Text {
                bytes,
                charset,
                flow: Flow::of(bytes, layout),
                suffixes: dialects.has(Dialect::SparkPost),
                marks: dialects.has(Dialect::Postal),
            },
            scheme_ends: Finder::new("://"),
            boundaries: Boundaries::of(bytes, charset),
            from: 0,
        }
    }

    /// A stretch of the text without its soft breaks.
    pub(crate) fn unfolded(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        self.text.flow.unfolded(range)
    }

    /// The scheme that ends at `end`, with the mark in it, if a URL may begin there.
    fn scheme(&mut self, end: usize) -> Option<(usize, Option<Range<usize>>)> {
        const MARK: &[u8] = b"+notrack";

        let bytes = self.text.bytes;
        let ends = |end: usize, word: &[u8]| {
            let start = end.checked_sub(word.len()).filter(|start| *start >= self.from)?;
            bytes[start..end].eq_ignore_ascii_case(word).then_some(start)
        };
        let mark = ends(end, MARK).filter(|_| self.text.marks).map(|start| start..end);
        let end = mark.as_ref().map_or(end, |mark| mark.start);
        let start = ends(end, b"https").or_else(|| ends(end, b"http"))?;
        if let Some(boundaries) = &mut self.boundaries
            && !boundaries.between(start)?
        {
            return Some((start, mark)); // the byte before it belongs to another character
        }
        let is_word = |at: Option<usize>| at.is_some_and(|at| bytes[at].is_ascii_alphanumeric());
        let before = start.checked_sub(1);
        let is_inside = match before.map(|at| bytes[at]) {
            // Something longer that a client shows as one, such as `www.example.com/?to=https://…`.
            Some(b'=' | b'/' | b'?' | b'&' | b'#' | b'%' | b'@' | b'$') => true,
            // A longer scheme, `svn+https:`; but a bullet is none.
            Some(b'+' | b'-' | b'.' | b'_') => is_word(start.checked_sub(2)),
            _ => is_word(before),
        };
        (!is_inside).then_some((start, mark))
    }
}

impl Iterator for Links<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let end = self.from + self.scheme_ends.find(&self.text.bytes[self.from..])?;
            let scheme = self.scheme(end);
            self.from = end + 3;
            let Some((start, mark)) = scheme else { continue };
            let run = self.text.read(start, end + 3);
            self.from = run.resume;
            if run.end > end + 3 {
                let Run { end, attributes, suffix, is_sure, .. } = run;
                return Some(Found { range: start..end, mark, attributes, suffix, is_sure });
            }
        }
    }
}

/// A URL from behind its scheme on.
#[derive(Default)]
struct Run {
    end: usize,
    attributes: Vec<SuffixAttribute>,
    suffix: Range<usize>,
    is_sure: bool,
    /// Where the next URL may begin.
    resume: usize,
}

/// Brackets that are open in a URL.
#[derive(Clone, Copy, Default)]
struct Open {
    round: usize,
    square: usize,
}

impl Open {
    /// Whether this byte closes a bracket that is not open.
    fn closes_too_many(&mut self, byte: u8) -> bool {
        let open = match byte {
            b'(' | b')' => &mut self.round,
            b'[' | b']' => &mut self.square,
            _ => return false,
        };
        match byte {
            b'(' | b'[' => *open += 1,
            _ if *open == 0 => return true,
            _ => *open -= 1,
        }
        false
    }
}

impl Text<'_> {
    /// Reads the URL that begins at `start` and whose scheme ends at `from`.
    fn read(&self, start: usize, from: usize) -> Run {
        let before = &self.bytes[..start];
        // `<URL:…>` is what RFC 1738 asked for; RFC 3986, appendix C.
        let labelled = before.len() >= 5 && before[before.len() - 5..].eq_ignore_ascii_case(b"<URL:");
        let opener = before.last().copied();
        if labelled || opener == Some(b'<') {
            if let Some(run) = self.bracketed(from) {
                return run;
            }
            let mut run = self.bare(from, None);
            // Without its suffix, all up to a `>` would belong to it.
            let grows = !run.suffix.is_empty() && self.bracketed(run.resume).is_some();
            if grows || self.is_wrapped(run.resume) {
                run.is_sure = false;
                run.end = run.end.max(std::mem::take(&mut run.suffix).end);
            }
            return run;
        }
        self.bare(from, opener)
    }

    /// A URL in angle brackets; none if something else ends it.
    fn bracketed(&self, from: usize) -> Option<Run> {
        let mut at = from;
        loop {
            let here = self.flow.skip(at);
            let (class, length) = self.class(here);
            if *self.bytes.get(here)? == b'>' {
                return Some(Run { end: at, resume: here, is_sure: true, ..Run::default() });
            }
            if let Some(suffix) = self.suffix(here)
                && suffix.can_go
                && self.bytes.get(self.flow.skip(suffix.range.end)) == Some(&b'>')
            {
                let Suffix { range, attributes, .. } = suffix;
                let (suffix, resume) = (at..range.end, range.end);
                return Some(Run { end: at, attributes, suffix, resume, is_sure: true });
            }
            if class == Class::Blank {
                return None;
            }
            at = here + length;
        }
    }

    /// Whether a line ends behind a URL that began with `<`: it may have been broken there, and readers that look for
    /// its `>` (RFC 3986, appendix C) would take the next line for a part of it.
    fn is_wrapped(&self, end: usize) -> bool {
        let rest = &self.bytes[self.flow.skip(end)..];
        let blanks = rest.iter().take_while(|&&byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        rest.get(blanks) == Some(&b'\n')
    }

    /// A URL that no angle brackets delimit. `opener`: the byte before it.
    fn bare(&self, from: usize, opener: Option<u8>) -> Run {
        let mut open = Open::default();
        let mut run = Run { end: from, is_sure: true, ..Run::default() };
        let mut at = from;
        loop {
            let here = self.flow.skip(at);
            let Some(&byte) = self.bytes.get(here) else { break };
            if run.is_sure {
                if let Some(suffix) = self.suffix(here) {
                    // Without the suffix what follows must not become a part of the URL.
                    let behind = suffix.range.end;
                    run.attributes = suffix.attributes;
                    if suffix.can_go
                        && let Some(resume) = self.end_behind(behind, open)
                    {
                        (run.end, run.suffix, run.resume) = (at, at..behind, resume);
                        return run;
                    }
                    run.is_sure = false;
                    (at, run.end) = (behind, behind);
                    continue;
                }
                if let Some(end) = self.merge_tag(here) {
                    run.is_sure = false;
                    (at, run.end) = (end, end);
                    continue;
                }
            }
            let (mut class, length) = self.class(here);
            if open.closes_too_many(byte) {
                class = Class::Weak;
            }
            match class {
                Class::Blank | Class::Mark => break,
                Class::Trailing if byte == b'\'' && opener == Some(byte) && run.is_sure => break,
                Class::Weak if run.is_sure && !self.goes_on(here + length) => break,
                Class::Weak | Class::Unsure => run.is_sure = false,
                Class::Word | Class::Other | Class::Trailing => {}
            }
            at = here + length;
            let is_emphasis = matches!(byte, b'*' | b'_' | b'~') && opener == Some(byte);
            if !run.is_sure || class != Class::Trailing && !is_emphasis {
                run.end = at;
            }
        }
        run.resume = at;
        run
    }

    /// Where an unresolved merge tag ends that begins here and may hold what else ends a URL.
    fn merge_tag(&self, at: usize) -> Option<usize> {
        /// No tag is longer.
        const MOST: usize = 200;

        let rest = &self.bytes[at..];
        let rest = &rest[..rest.len().min(MOST)];
        let close: &[u8] = match rest.get(..2)? {
            b"{{" => b"}}",
            b"{%" => b"%}",
            b"<%" => b"%>",
            b"[[" => b"]]",
            _ => return None,
        };
        let end = memmem::find(&rest[2..], close).map(|end| at + 2 + end + 2);
        let end = end.filter(|&end| memchr::memchr(b'\n', &self.bytes[at..end]).is_none());
        // One that does not end: who can tell what was meant. But `<` may be anything.
        end.or_else(|| (rest[0] != b'<').then_some(at + 2))
    }

    /// The suffixes that begin here.
    fn suffix(&self, at: usize) -> Option<Suffix> {
        (self.suffixes && self.bytes[at..].starts_with(b"[["))
            .then(|| Suffix::read(&self.flow, self.charset, at))?
    }

    /// Whether what follows a character that ends a URL looks as if it went on nevertheless.
    fn goes_on(&self, mut at: usize) -> bool {
        loop {
            at = self.flow.skip(at);
            let Some(&byte) = self.bytes.get(at) else { return false };
            let (class, length) = self.class(at);
            match (class, byte) {
                // What opens begins something else.
                (_, b'(' | b'[' | b'{') => return false,
                (Class::Trailing | Class::Weak, _) | (_, b')' | b']' | b'*' | b'_' | b'~') => at += length,
                (class, _) => return matches!(class, Class::Word | Class::Other),
            }
        }
    }

    /// Where what ends a URL stands, if the URL before `at`, with these brackets open, ends there but for punctuation.
    fn end_behind(&self, mut at: usize, mut open: Open) -> Option<usize> {
        loop {
            let here = self.flow.skip(at);
            let Some(&byte) = self.bytes.get(here) else { return Some(at) };
            let (class, length) = self.class(here);
            if open.closes_too_many(byte) || class == Class::Weak {
                return (!self.goes_on(here + length)).then_some(at);
            }
            match class {
                Class::Blank | Class::Mark => return Some(at),
                Class::Trailing => at = here + length,
                Class::Word | Class::Other | Class::Unsure | Class::Weak => return None,
            }
        }
    }

    fn class(&self, at: usize) -> (Class, usize) {
        character::class(self.bytes, at, self.charset)
    }
}
