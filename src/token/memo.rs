//! Coded texts, kept from link to link and from document to document.
//!
//! A newsletter links to the same page from an image, a title and a button, and most of its links are the same for
//! every recipient. Coding a text is the dearest part of a token; copying bits is not.

use std::cell::Cell;
use std::ops::Range;

use super::codec::BitWriter;
use super::context::TextClass;
use super::resume::{self, Resume};

/// How many texts are kept: those of all links of nearly every mail.
const MOST: usize = 512;
/// How many bytes are kept, but for the last text.
const MOST_BYTES: usize = 1 << 16;
/// Places to look for a text, by its hash; a power of two.
const PLACES: usize = 1024;
const NOBODY: u16 = u16::MAX;
const _: () = assert!(MOST <= NOBODY as usize);

thread_local! {
    /// The memo of the document before, on this thread: a sender writes one mail to many recipients.
    static KEPT: Cell<Option<Box<Memo>>> = const { Cell::new(None) };
}

/// A text as bits, the high ones first; the last byte is padded with zeros.
struct Coded {
    class: TextClass,
    text: Range<usize>,
    bits: Range<usize>,
    count: u32,
}

/// The texts coded last. Of two with the same place the later one is found, and when there are too many, all are
/// forgotten: a text that is coded again costs time and nothing else.
pub(crate) struct Memo {
    /// Texts and bits; one allocation for all.
    bytes: Vec<u8>,
    texts: Vec<Coded>,
    places: [u16; PLACES],
    last_target: Option<Resume>,
}

impl Default for Memo {
    fn default() -> Self {
        Memo { bytes: Vec::new(), texts: Vec::new(), places: [NOBODY; PLACES], last_target: None }
    }
}

impl Memo {
    /// What the last document of this thread left, or an empty one.
    pub(crate) fn kept() -> Box<Memo> {
        KEPT.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    /// Leaves it to the next document. A thread that ends keeps nothing.
    pub(crate) fn keep(self: Box<Memo>) {
        let _ = KEPT.try_with(|kept| kept.set(Some(self)));
    }

    /// Writes a text as [`BitWriter::text`] does.
    ///
    /// Not inlined: what it puts on the stack takes 20 ns of a token that has no memo.
    #[inline(never)]
    pub(super) fn text(&mut self, writer: &mut BitWriter<'_>, class: TextClass, text: &[u8]) {
        let place = place(class, text);
        if let Some(known) = self.texts.get(self.places[place] as usize)
            && known.class == class
            && self.bytes[known.text.clone()] == *text
        {
            writer.append(&self.bytes[known.bits.clone()], known.count);
            return;
        }
        if self.texts.len() == MOST || self.bytes.len() > MOST_BYTES {
            self.texts.clear();
            self.bytes.clear();
            self.places.fill(NOBODY);
        }
        if self.texts.is_empty() {
            // The links of most mails, in one allocation each.
            self.texts.reserve(MOST / 4);
            self.bytes.reserve(MOST_BYTES / 4);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        let end = self.bytes.len();
        let mut own = BitWriter::new(&mut self.bytes);
        match class {
            TextClass::Target if text.len() < resume::ROOM => {
                let last = self.last_target.get_or_insert_with(|| Resume::new(class));
                own.text_after(class, text, last);
            }
            _ => own.text(class, text),
        }
        let count = own.finish();
        let bits = end..self.bytes.len();
        writer.append(&self.bytes[bits.clone()], count);
        self.places[place] = self.texts.len() as u16;
        self.texts.push(Coded { class, text: start..end, bits, count });
    }
}

/// Where a text is looked for. Anyone can find texts for one place; they gain a little of the sender's time.
fn place(class: TextClass, text: &[u8]) -> usize {
    // The golden ratio's bits: Fibonacci hashing, eight bytes at a time.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let hash = words
        .iter()
        .fold(text.len() as u64 * 2 + class as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    (mix(hash, u64::from_le_bytes(last)) >> (64 - PLACES.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn remembered_texts_are_the_same_bits(texts in proptest::collection::vec("[a-z/.:]{0,40}", 1..90)) {
            let (mut plain, mut remembered) = (Vec::new(), Vec::new());
            let mut memo = Memo::default();
            let mut a = BitWriter::new(&mut plain);
            let mut b = BitWriter::new(&mut remembered);
            for text in texts.iter().chain(&texts) {
                let class = if text.len() % 2 == 0 { TextClass::Target } else { TextClass::Name };
                a.text(class, text.as_bytes());
                memo.text(&mut b, class, text.as_bytes());
            }
            prop_assert_eq!(a.finish(), b.finish());
            prop_assert_eq!(plain, remembered);
            prop_assert!(memo.texts.len() <= MOST);
        }
    }

    #[test]
    fn the_next_document_finds_them() {
        let mut memo = Memo::kept();
        let mut bits = Vec::new();
        memo.text(&mut BitWriter::new(&mut bits), TextClass::Name, b"grid-1-image");
        let known = memo.texts.len();
        memo.keep();
        let mut memo = Memo::kept();
        memo.text(&mut BitWriter::new(&mut bits), TextClass::Name, b"grid-1-image");
        assert_eq!(memo.texts.len(), known);
        // While one document has it, another begins with none.
        assert!(Memo::kept().texts.is_empty());
    }
}
