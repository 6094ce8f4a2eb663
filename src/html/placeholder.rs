//! The caller's placeholder for the bottom pixel, `{{openclick:pixel}}`, in text.

use std::ops::Range;

use encoding_rs::{Decoder, UTF_8};
use memchr::memmem;

use super::tree::Body;
use super::{Sites, Source, Walk, Walking, byte, text};
use crate::charset::Charset;

/// What of the text that was read before matters for the placeholders to come.
#[derive(Default)]
pub(super) struct Placeholders {
    /// The first byte of the placeholder, where it is looked for.
    first: Option<u8>,
    /// Where the text continues after something that could join what follows, see [`Walk::joins`].
    joins_at: Option<usize>,
    /// The last token was a start tag whose element drops a newline that follows at once.
    pub(super) drops_newline: bool,
    /// Where the last one ended.
    last_end: Option<usize>,
    /// How far characters were told apart within one text.
    characters: Option<Characters>,
}

/// Tells where characters begin, in charsets where `{` (0x7B) may be the second byte of one: Shift_JIS,
/// Big5, GBK and gb18030.
struct Characters {
    decoder: Decoder,
    at: usize,
}

impl Characters {
    /// Reads on to `at`. Returns whether a character ended there.
    fn read(&mut self, source: Source<'_>, at: usize) -> bool {
        let bytes = source.at(self.at..at);
        self.at = at;
        self.decode(bytes, |_| {});
        self.ended()
    }

    fn ended(&self) -> bool {
        self.decoder.latin1_byte_compatible_up_to(b"").is_some()
    }

    /// Whether the ASCII byte at the point reached is a character of its own; reads it.
    fn is_ascii(&mut self, byte: u8) -> bool {
        let mut last = None;
        self.decode(&[byte], |text| last = text.last().copied());
        self.at += 1;
        last == Some(byte)
    }

    fn decode(&mut self, mut bytes: &[u8], mut told: impl FnMut(&[u8])) {
        let mut text = [0; 1024];
        while !bytes.is_empty() {
            let (_, read, written, _) = self.decoder.decode_to_utf8(bytes, &mut text, false);
            told(&text[..written]);
            bytes = &bytes[read..];
        }
    }
}

impl Placeholders {
    pub(super) fn new(word: &[u8]) -> Placeholders {
        Placeholders { first: word.first().copied(), ..Placeholders::default() }
    }

    /// White space alone was read, which holds none and joins nothing.
    pub(super) fn space_read(&mut self) {
        self.drops_newline = false;
        self.joins_at = None;
    }
}

impl Walk {
    /// How many bytes at the end of text must wait for more: the beginning of a placeholder, and what
    /// decides whether one may vanish, see [`Walk::joins`]; also of a character reference.
    pub(super) fn held_back(&self, bytes: &[u8]) -> usize {
        let reference = text::partial_reference(bytes);
        let word = &self.settings.placeholder;
        if self.in_outlook || word.is_empty() {
            return reference;
        }
        let placeholder = longest_beginning(bytes, word);
        let character = match self.settings.charset {
            Charset::Known(encoding) if encoding == UTF_8 => partial_utf8(bytes),
            _ => 0,
        };
        reference.max(placeholder).max(character)
    }

    /// Whether what stands `before` in the text could become something else together with what follows
    /// a placeholder that vanishes: `<` and `p` a tag, `&` and `amp;` a reference, CR and LF one newline,
    /// bytes a character, two halves a placeholder. What follows may not have come yet, so it is not asked.
    fn joins(&self, before: &[u8]) -> bool {
        before.ends_with(b"<")
            || text::partial_reference(before) > 0
            || before.ends_with(b"\r")
            || longest_beginning(before, &self.settings.placeholder) > 0
            || matches!(self.settings.charset, Charset::Known(encoding) if encoding == UTF_8)
                && partial_utf8(before) > 0
    }

    /// What was told of a text was used up to `end`.
    pub(super) fn text_used(&mut self, bytes: &[u8], end: usize, complete: bool) {
        if !bytes.is_empty() && !self.in_outlook {
            self.placeholders.drops_newline = false;
            let joins = if complete { bytes.ends_with(b"<") } else { self.joins(bytes) };
            self.placeholders.joins_at = joins.then_some(end);
        }
    }
}

/// How many bytes at the end are the beginning of `word`, but not all of it.
fn longest_beginning(bytes: &[u8], word: &[u8]) -> usize {
    let longest = word.len().saturating_sub(1).min(bytes.len());
    (1..=longest).rev().find(|&length| bytes.ends_with(&word[..length])).unwrap_or(0)
}

/// How many bytes at the end are a UTF-8 character that is not complete.
fn partial_utf8(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    for length in 1..=tail.len() {
        if let Err(error) = std::str::from_utf8(&tail[tail.len() - length..])
            && error.valid_up_to() == 0
            && error.error_len().is_none()
        {
            return length;
        }
    }
    0
}

impl<S: Sites> Walking<'_, S> {
    /// Looks for placeholders in a text; `complete` if the text ends with it.
    #[inline]
    pub(super) fn placeholders(&mut self, source: Source<'_>, range: Range<usize>, complete: bool) {
        // Most texts are short and hold no such byte, while making ready to search costs 800 instructions.
        let Some(first) = self.walk.placeholders.first else { return };
        if byte::find(first, source.at(range.clone())).is_some() {
            self.find_placeholders(source, range.clone());
        }
        if !complete {
            self.characters(range.start);
            if let Some(characters) = &mut self.walk.placeholders.characters {
                characters.read(source, range.end);
            }
        }
    }

    /// Tells the tree of a text, in which placeholders that will be taken out do not count: without them the
    /// document is as if they had never stood there.
    pub(super) fn classify(&mut self, bytes: &[u8]) -> Option<usize> {
        let walk = &mut *self.walk;
        let word = &walk.settings.placeholder;
        if walk.in_outlook || word.is_empty() || !walk.bottom_done && self.sites.wants_bottom() {
            return text::classify(bytes, &mut walk.tree);
        }
        if byte::find(word[0], bytes).is_none() {
            return text::classify(bytes, &mut walk.tree);
        }
        let mut from = 0;
        for at in memmem::find_iter(bytes, word) {
            if let Some(first) = text::classify(&bytes[from..at], &mut walk.tree) {
                return Some(from + first);
            }
            from = at + word.len();
        }
        text::classify(&bytes[from..], &mut walk.tree).map(|first| from + first)
    }

    fn find_placeholders(&mut self, source: Source<'_>, range: Range<usize>) {
        let word = self.walk.settings.placeholder.clone();
        let bytes = source.at(range.clone());
        let mut from = 0;
        while let Some(at) = memmem::find(&bytes[from..], &word) {
            let start = range.start + from + at;
            self.characters(range.start);
            let mut splits = false;
            if let Some(characters) = &mut self.walk.placeholders.characters {
                splits = !characters.read(source, start);
                if !characters.is_ascii(word[0]) {
                    from += at + 1; // its first byte belongs to a character before it
                    continue;
                }
            }
            from += at + word.len();
            let end = start + word.len();
            let joins = splits || self.needs_comment(&bytes[..start - range.start], start);
            let may_take = !self.walk.bottom_done
                && self.walk.tree.takes_pixel()
                && self.walk.tree.body() == Body::Started;
            self.walk.placeholders.last_end = Some(end);
            if self.sites.placeholder(start..end, may_take, joins) {
                self.walk.bottom_done = true;
                self.walk.tree.keep_body();
            }
        }
    }

    /// Whether something must stand in place of the placeholder at `start`.
    fn needs_comment(&self, before: &[u8], start: usize) -> bool {
        let placeholders = &self.walk.placeholders;
        if placeholders.last_end == Some(start) {
            return false; // what was before was looked at, or is a pixel
        }
        match before.is_empty() {
            // At the very start a byte order mark may follow; behind `<pre>` a newline is dropped.
            true if start == 0 => true,
            true => placeholders.joins_at == Some(start) || placeholders.drops_newline,
            false => self.walk.joins(before),
        }
    }

    /// Has characters told apart from `start` on, if they are not already, where that is needed.
    fn characters(&mut self, start: usize) {
        let Charset::Known(encoding) = self.walk.settings.charset else { return };
        if encoding == UTF_8 || encoding.is_single_byte() {
            return;
        }
        // Every text begins with a character: the tag before it ended with `>`.
        let characters = &mut self.walk.placeholders.characters;
        if characters.as_ref().is_none_or(|characters| characters.at < start) {
            let decoder = encoding.new_decoder_without_bom_handling();
            *characters = Some(Characters { decoder, at: start });
        }
    }
}
