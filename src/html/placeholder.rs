//! The caller's placeholder for the bottom pixel, `{{openclick:pixel}}`, in text.

use std::ops::Range;

use memchr::memmem;

use super::tree::Body;
use super::{Sites, Source, Walk, Walking, text};

impl Walk {
    /// How many bytes at the end of text must wait for more: the beginning of a placeholder, or of a
    /// character reference where it matters.
    pub(super) fn held_back(&self, bytes: &[u8]) -> usize {
        let reference = text::partial_reference(bytes);
        let word = &self.settings.placeholder;
        let longest = word.len().saturating_sub(1).min(bytes.len());
        let placeholder = match self.in_outlook {
            true => 0,
            false => (1..=longest).rev().find(|&n| bytes.ends_with(&word[..n])).unwrap_or(0),
        };
        reference.max(placeholder)
    }
}

impl<S: Sites> Walking<'_, S> {
    pub(super) fn placeholders(&mut self, source: Source<'_>, range: Range<usize>) {
        if self.walk.in_outlook || self.walk.settings.placeholder.is_empty() {
            return;
        }
        // One search over what is in memory spares a search in every text.
        if self.walk.placeholder_at < range.start {
            let ahead = &source.bytes[range.start - source.base..];
            let found = memmem::find(ahead, &self.walk.settings.placeholder);
            self.walk.placeholder_at = found.map_or(source.end(), |at| range.start + at);
        }
        if self.walk.placeholder_at >= range.end {
            return;
        }
        let (bytes, base) = (source.at(range.clone()), range.start);
        let mut from = 0;
        while let Some(at) = memmem::find(&bytes[from..], &self.walk.settings.placeholder) {
            let start = from + at;
            from = start + self.walk.settings.placeholder.len();
            // Without it `<` and `p` would become a tag, `&` and `amp;` a reference.
            let joins = match start {
                0 => self.walk.less_than_at == Some(base),
                _ => text::partial_reference(&bytes[..start]) > 0,
            };
            let may_take = !self.walk.bottom_done
                && self.walk.tree.takes_pixel()
                && self.walk.tree.body() == Body::Started;
            if self.sites.placeholder(base + start..base + from, may_take, joins) {
                self.walk.bottom_done = true;
                self.walk.tree.keep_body();
            }
        }
    }
}
