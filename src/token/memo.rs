//! Coded texts, kept while one document is rewritten.
//!
//! Recipient and campaign stand in every token of a delivery, and a newsletter links to the same page
//! from an image, a title and a button. Coding a text is the dearest part of a token; copying bits is not.

use super::codec::BitWriter;
use super::context::TextClass;
use super::resume::{self, Resume};

/// How many texts are kept. Looking through them costs far less than coding one.
const MOST: usize = 64;

/// A text as bits, the high ones first; the last byte is padded with zeros.
struct Coded {
    class: TextClass,
    text: Vec<u8>,
    bits: Vec<u8>,
    count: u32,
}

/// The texts coded last.
#[derive(Default)]
pub(crate) struct Memo {
    texts: Vec<Coded>,
    /// The entry that goes next, once all places are taken.
    oldest: usize,
    last_target: Option<Resume>,
}

impl Memo {
    /// Writes a text as [`BitWriter::text`] does.
    pub(super) fn text(&mut self, writer: &mut BitWriter<'_>, class: TextClass, text: &[u8]) {
        let known = self.texts.iter().find(|coded| coded.text == text && coded.class == class);
        if let Some(coded) = known {
            writer.append(&coded.bits, coded.count);
            return;
        }
        let mut bits = Vec::with_capacity(text.len());
        let mut own = BitWriter::new(&mut bits);
        match class {
            TextClass::Target if text.len() < resume::ROOM => {
                let last = self.last_target.get_or_insert_with(|| Resume::new(class));
                own.text_after(class, text, last);
            }
            _ => own.text(class, text),
        }
        let count = own.finish();
        writer.append(&bits, count);
        let coded = Coded { class, text: text.to_vec(), bits, count };
        if self.texts.len() < MOST {
            self.texts.push(coded);
        } else {
            self.texts[self.oldest] = coded;
            self.oldest = (self.oldest + 1) % MOST;
        }
    }
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
}
