//! The reading of tags, text and what stands between, driven over the bytes as they come.
//!
//! Two engines share it. [`Reader::Scan`] reads every lexeme here. [`Reader::LolHtml`] has lol_html
//! find the links (see [`super::finder`]) and reads everything else here, since tree construction
//! must see every tag. Facts (lol_html 3.0.3, the 100 KB newsletter of 727 start tags and 64 links,
//! instructions): told of every element lol_html takes 2.5 M, told of `a` and `area` alone 1.5 M;
//! reading all the start tags here takes 0.4 M.

use std::ops::Range;

use super::gap::{self, Lexeme, Partial};
use super::rawtext::{Found, RawText};
use super::tag::name_range;
use super::text::{MOST_REFERENCE, leading_spaces, long_reference};
use super::tree::TextMode;
use super::tree::name::Name;
use super::{byte, stride};

/// A stretch of the document, with the offset of its first byte in the whole.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) base: usize,
}

impl<'a> Source<'a> {
    /// The bytes at these offsets of the whole document.
    pub(crate) fn at(&self, range: Range<usize>) -> &'a [u8] {
        &self.bytes[range.start - self.base..range.end - self.base]
    }

    /// The offset past the last byte.
    pub(crate) fn end(&self) -> usize {
        self.base + self.bytes.len()
    }
}

/// What the walk says after a start tag.
pub(crate) enum Next {
    Read(TextMode),
    /// Stop here: this tag's first byte and all after it pass through.
    Stop,
}

/// What an engine tells. All offsets are of the whole document.
pub(crate) trait Events {
    /// `unmarked`: none of its attributes has a name like SparkPost's; if false, perhaps one has.
    fn start_tag(&mut self, source: Source<'_>, range: Range<usize>, name: Name, unmarked: bool) -> Next;
    fn end_tag(&mut self, source: Source<'_>, range: Range<usize>, name: Name);
    /// Text that is ASCII white space and not empty; a tag follows. Every second text is such.
    fn space(&mut self, source: Source<'_>, range: Range<usize>);
    /// Text; `complete` if a tag or the end follows. Returns how much of it was used: the rest is
    /// told again with more input.
    fn text(&mut self, source: Source<'_>, range: Range<usize>, complete: bool) -> usize;
    /// `data` is what stands between `<!--` and `-->`.
    fn comment(&mut self, source: Source<'_>, whole: Range<usize>, data: Range<usize>);
    fn doctype(&mut self, source: Source<'_>, range: Range<usize>);
    fn cdata(&mut self, source: Source<'_>, range: Range<usize>);
    /// CDATA sections are allowed here.
    fn in_foreign_content(&self) -> bool;
    /// A tag or comment longer than the limit begins here.
    fn limit(&mut self, at: usize);
}

/// Who finds the links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    #[cfg_attr(not(feature = "lol_html"), allow(dead_code, reason = "falls back to Scan"))]
    LolHtml,
    /// Nobody beside the reading of everything else, which finds them too.
    Scan,
}

pub(crate) struct Engine {
    /// Everything before this offset was told.
    at: usize,
    raw: Option<RawText>,
    partial: Partial,
    stopped: bool,
    max_token: usize,
    reader: Reader,
}

pub(super) enum Go {
    On,
    /// Raw text follows, or lol_html must be put down and taken up at [`Engine::at`].
    Resume,
    /// The lexeme at [`Engine::at`] needs more input.
    Wait,
}

impl Engine {
    pub(crate) fn new(at: usize, max_token: usize, reader: Reader) -> Engine {
        Engine { at, raw: None, partial: Partial::NEW, stopped: false, max_token, reader }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Whether the document's end, now reached, is ordinary text: not inside raw text, a comment or
    /// a tag.
    pub(crate) fn ended_in_data(&self, source: Source<'_>) -> bool {
        !self.stopped && self.raw.is_none() && self.at == source.end()
    }

    /// Reads `source`, which begins at or before [`Engine::at`], as far as it can.
    pub(crate) fn advance(&mut self, source: Source<'_>, last: bool, events: &mut impl Events) {
        #[cfg_attr(not(feature = "lol_html"), allow(unused_mut))]
        let mut reader = self.reader;
        while !self.stopped {
            if let Some(raw) = &mut self.raw {
                match raw.find_end(source.bytes, self.at - source.base) {
                    Found::End(at) => {
                        self.at = source.base + at;
                        self.raw = None;
                    }
                    Found::More(at) => {
                        self.at = if last { source.end() } else { source.base + at };
                        return;
                    }
                }
            }
            if self.at >= source.end() {
                return;
            }
            if self.partial.scanned > 0 && matches!(self.gap(source, last, events), Go::Wait) {
                return;
            }
            if self.raw.is_some() || self.stopped {
                continue;
            }
            let go = match reader {
                #[cfg(feature = "lol_html")]
                Reader::LolHtml => {
                    let (go, exhausted) = self.find(source, last, events);
                    if exhausted {
                        // Fed once with all there is, lol_html is not taken up again for the same bytes:
                        // a stranger could make that quadratic.
                        reader = Reader::Scan;
                    }
                    go
                }
                _ => self.rest(source, last, events),
            };
            if matches!(go, Go::Wait) {
                return;
            }
        }
    }

    /// Reads on to the end.
    pub(super) fn rest(&mut self, source: Source<'_>, last: bool, events: &mut impl Events) -> Go {
        while self.at < source.end() && !self.stopped {
            match self.lexeme(source, last, events) {
                Go::On => {}
                Go::Resume if self.raw.is_none() => {}
                go => return go,
            }
        }
        Go::Wait
    }

    #[inline(always)]
    pub(super) fn start_tag(
        &mut self,
        source: Source<'_>,
        tag: Range<usize>,
        name: Name,
        unmarked: bool,
        events: &mut impl Events,
    ) -> Go {
        if tag.len() > self.max_token {
            return self.stop(events);
        }
        self.at = tag.end;
        match events.start_tag(source, tag.clone(), name, unmarked) {
            Next::Read(TextMode::Data) if !(cfg!(feature = "lol_html") && name.changes_lexing()) => Go::On,
            Next::Read(TextMode::Data) => Go::Resume, // lol_html reads on in another state
            Next::Read(_) => {
                let bytes = source.at(tag);
                self.raw = Some(RawText::new(&bytes[name_range(bytes)]));
                Go::Resume
            }
            Next::Stop => {
                self.at = tag.start;
                self.stopped = true;
                Go::Resume
            }
        }
    }

    /// Reads one lexeme at [`Engine::at`], of which nothing was looked at: tags and text, which nearly all are, without
    /// detours.
    #[inline(always)]
    pub(super) fn lexeme(&mut self, source: Source<'_>, last: bool, events: &mut impl Events) -> Go {
        let rest = &source.bytes[self.at - source.base..];
        if rest.first() != Some(&b'<') {
            let spaces = leading_spaces(rest);
            if rest.get(spaces) != Some(&b'<') {
                return self.text(source, last, events);
            }
            let range = self.at..self.at + spaces;
            self.at = range.end;
            events.space(source, range);
            return Go::On;
        }
        if rest.get(1) == Some(&b'/') {
            if let Some((name, length)) = stride::end_tag(rest)
                && length <= self.max_token
            {
                let range = self.at..self.at + length;
                self.at = range.end;
                events.end_tag(source, range, name);
                return Go::On;
            }
        } else if let Some(read) = stride::start_tag(rest) {
            return self.start_tag(source, self.at..self.at + read.length, read.name, read.unmarked, events);
        }
        self.gap(source, last, events)
    }

    fn text(&mut self, source: Source<'_>, last: bool, events: &mut impl Events) -> Go {
        let rest = &source.bytes[self.at - source.base..];
        let length = byte::find(b'<', rest);
        let complete = length.is_some() || last;
        let range = self.at..self.at + length.unwrap_or(rest.len());
        if range.len() > MOST_REFERENCE
            && let Some(at) = long_reference(&rest[..range.len()])
        {
            events.text(source, range.start..range.start + at, true);
            self.at += at;
            return self.stop(events);
        }
        let used = events.text(source, range.clone(), complete);
        self.at += used;
        self.partial = Partial::NEW;
        if used < range.len() { Go::Wait } else { Go::On }
    }

    /// Reads any lexeme at [`Engine::at`], of which something may have been looked at.
    #[inline(never)]
    fn gap(&mut self, source: Source<'_>, last: bool, events: &mut impl Events) -> Go {
        let at = self.at - source.base;
        let offset = |range: Range<usize>| source.base + range.start..source.base + range.end;
        let lexeme = gap::next(source.bytes, at, events.in_foreign_content(), last, &mut self.partial);
        let range = match lexeme {
            Lexeme::Text(_) if source.bytes[at] != b'<' => return self.text(source, last, events),
            Lexeme::Text(range) => {
                let used = events.text(source, offset(range), true); // a `<` alone
                self.at += used;
                self.partial = Partial::NEW;
                return Go::On;
            }
            Lexeme::StartTag(_) => {
                let rest = &source.bytes[at..];
                return match gap::tag_end(rest, &mut self.partial) {
                    Some(length) => {
                        let unmarked = self.partial.unmarked;
                        self.partial = Partial::NEW;
                        let name = Name::of(&rest[name_range(rest)]);
                        self.start_tag(source, self.at..self.at + length, name, unmarked, events)
                    }
                    None => self.incomplete(source, last, events),
                };
            }
            Lexeme::Incomplete(_) => return self.incomplete(source, last, events),
            Lexeme::EndTag(ref range)
            | Lexeme::BogusComment(ref range)
            | Lexeme::Doctype(ref range)
            | Lexeme::Cdata(ref range)
            | Lexeme::Nothing(ref range)
            | Lexeme::Comment { whole: ref range, .. } => range.clone(),
        };
        if range.len() > self.max_token {
            return self.stop(events);
        }
        self.at = source.base + range.end;
        self.partial = Partial::NEW;
        match lexeme {
            Lexeme::EndTag(range) => {
                let tag = &source.bytes[range.clone()];
                events.end_tag(source, offset(range), Name::of(&tag[name_range(tag)]));
            }
            Lexeme::Comment { whole, data } => events.comment(source, offset(whole), offset(data)),
            Lexeme::Doctype(range) => events.doctype(source, offset(range)),
            Lexeme::Cdata(range) => events.cdata(source, offset(range)),
            _ => {}
        }
        Go::On
    }

    fn incomplete(&mut self, source: Source<'_>, last: bool, events: &mut impl Events) -> Go {
        if source.end() - self.at > self.max_token {
            return self.stop(events);
        }
        if last && source.at(self.at..source.end()) == b"<" {
            events.text(source, self.at..source.end(), true);
            self.at = source.end();
        }
        // Marks that the lexeme was looked at, so that it is looked at again before lol_html runs.
        self.partial.scanned = self.partial.scanned.max(1);
        Go::Wait
    }

    fn stop(&mut self, events: &mut impl Events) -> Go {
        self.stopped = true;
        events.limit(self.at);
        Go::Resume
    }
}
