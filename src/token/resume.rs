//! The parse of a text that shares much with the one before.
//!
//! The links of a newsletter begin alike and carry the same campaign tags: of 145 bytes some 30 are new. Where two
//! texts are the same over some bytes, and coming from the end the matcher is in the same state at one of them, and the
//! costs that phrases from further ahead can reach differ by one constant, the rest of the stretch is parsed the same
//! way: it is copied. Phrases reach no further than the matcher remembers, mostly two or three bytes, so that little is
//! parsed anew behind a difference. The result is the same, step by step, as without the text before.
//!
//! Of 142,000 bytes of targets that 20 runs over `fixtures/html/newsletter-100k.html` code, 30,000 are walked and the
//! others copied (counted with callgrind; `benches/html.rs` has the time).

use std::ops::Range;

use memchr::memrchr;

use super::context::TextClass;
use super::parse::Parse;

/// Texts of this length and more are parsed without a look at the one before.
pub(super) const ROOM: usize = 512;

/// Shorter stretches are parsed as fast as they are copied.
const WORTHWHILE: usize = 8;

/// The text parsed last, of one class.
pub(super) struct Resume {
    class: TextClass,
    text: Vec<u8>,
    last: Box<Parse<ROOM>>,
    /// Where the next one is made.
    next: Box<Parse<ROOM>>,
}

/// Bytes that two texts share: their range in the new one, and where they begin in the old one.
#[derive(Debug, PartialEq, Eq)]
struct Shared {
    new: Range<usize>,
    old: usize,
}

impl Resume {
    pub(super) fn new(class: TextClass) -> Resume {
        let (last, next) = (Box::new(Parse::new()), Box::new(Parse::new()));
        Resume { class, text: Vec::with_capacity(ROOM), last, next }
    }

    /// The shortest parse of a text of less than [`ROOM`] bytes.
    pub(super) fn shortest(&mut self, text: &[u8]) -> &Parse<ROOM> {
        let next = &mut *self.next;
        next.begin(text.len());
        let mut done = text.len();
        for Shared { new, old } in stretches(&self.text, text) {
            let end = new.end.min(done);
            // The first two bytes follow others than they did, so that their contexts may be others.
            let start = if new.start == 0 && old == 0 { 0 } else { new.start + 2 };
            if end < start + WORTHWHILE {
                continue;
            }
            next.walk(self.class, text, 0, end..done);
            done = next.join(&self.last, self.class, text, start..end, old + start - new.start);
        }
        next.walk(self.class, text, 0, 0..done);
        self.text.clear();
        self.text.extend_from_slice(text);
        std::mem::swap(&mut self.last, &mut self.next);
        &self.last
    }
}

/// Where two texts may share something, the last stretch first: around their last `=` (tags are the same and the value
/// of the last one tells links apart), or else at the end, and at the start.
fn stretches(old: &[u8], new: &[u8]) -> [Shared; 2] {
    let anchor = |text: &[u8]| memrchr(b'=', text).map_or(text.len(), |at| at + 1);
    let ((old_before, old_after), (new_before, new_after)) =
        (old.split_at(anchor(old)), new.split_at(anchor(new)));
    let before = common_end(old_before, new_before);
    let after = common(old_after, new_after);
    [
        Shared { new: new_before.len() - before..new_before.len() + after, old: old_before.len() - before },
        Shared { new: 0..common(old, new), old: 0 },
    ]
}

/// How many bytes two texts have in common at their start.
fn common(a: &[u8], b: &[u8]) -> usize {
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    let same = words.take_while(|(a, b)| a == b).count() * 8;
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

/// How many bytes two texts have in common at their end.
fn common_end(a: &[u8], b: &[u8]) -> usize {
    let words = a.as_rchunks::<8>().1.iter().rev().zip(b.as_rchunks::<8>().1.iter().rev());
    let same = words.take_while(|(a, b)| a == b).count() * 8;
    let rest = a[..a.len() - same].iter().rev().zip(b[..b.len() - same].iter().rev());
    same + rest.take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::super::table::{SYMBOLS, TABLE};
    use super::*;
    use proptest::prelude::*;

    /// Every text after the one before, against the same without.
    fn check<T: AsRef<[u8]>>(texts: &[T]) {
        for class in [TextClass::Target, TextClass::Name] {
            let mut resume = Resume::new(class);
            for text in texts {
                let text = text.as_ref();
                let mut fresh = Parse::<ROOM>::new();
                fresh.shortest(class, text, 0..text.len());
                assert!(resume.shortest(text).is_same(&fresh), "{}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn links_of_a_newsletter() {
        check(&[
            "https://www.example.com/p/hp-2071?variant=oatmeal&utm_source=newsletter&utm_campaign=sale&utm_content=grid-1-image",
            "https://www.example.com/p/hp-2071?utm_source=newsletter&utm_campaign=sale&utm_content=grid-1-title",
            "https://www.example.com/p/hp-2071?utm_source=newsletter&utm_campaign=sale&utm_content=grid-1-title",
            "https://www.example.com/p/hp-1130?utm_source=newsletter&utm_campaign=sale&utm_content=grid-1-title",
            "https://www.example.com/privacy",
            "",
            "=",
            "https://www.example.com/?utm_content=grid-1-title&utm_source=newsletter&utm_campaign=sale",
        ]);
    }

    /// Neighbours in the list share a host, a path, tags or nothing.
    #[test]
    fn urls_of_the_corpus() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus/urls/train.txt");
        let Ok(urls) = std::fs::read_to_string(path) else {
            eprintln!("skipped: no corpus of URLs beside the repository");
            return;
        };
        let urls: Vec<&str> = urls.lines().filter(|url| url.len() < ROOM).collect();
        assert!(urls.len() > 20_000, "{} URLs", urls.len());
        check(&urls);
    }

    #[test]
    fn what_is_shared() {
        let stretches = |old: &str, new: &str| stretches(old.as_bytes(), new.as_bytes());
        assert_eq!(
            stretches("ab?x=1&y=one", "abc?x=1&y=only"),
            [Shared { new: 3..12, old: 2 }, Shared { new: 0..2, old: 0 }]
        );
        assert_eq!(stretches("", "a"), [Shared { new: 1..1, old: 0 }, Shared { new: 0..0, old: 0 }]);
        assert_eq!(stretches("a", "a"), [Shared { new: 0..1, old: 0 }, Shared { new: 0..1, old: 0 }]);
    }

    proptest! {
        #[test]
        fn common_bytes(a in "[ab]{0,40}", b in "[ab]{0,40}", shared in "[ab]{0,40}") {
            let (start, other) = ([&shared[..], "c", &a].concat(), [&shared[..], "d", &b].concat());
            prop_assert_eq!(common(start.as_bytes(), other.as_bytes()), shared.len());
            let (end, other) = ([&a[..], "c", &shared].concat(), [&b[..], "d", &shared].concat());
            prop_assert_eq!(common_end(end.as_bytes(), other.as_bytes()), shared.len());
            prop_assert_eq!(common(shared.as_bytes(), start.as_bytes()), shared.len());
            prop_assert_eq!(common_end(shared.as_bytes(), end.as_bytes()), shared.len());
        }

        #[test]
        fn texts_that_share_anything(
            texts in proptest::collection::vec("(https?://)?(www\\.)?(example|shop)?(/[a-z]{0,5}){0,3}(\\?|&)?(utm_source=|utm_content=|newsletter|=|-|[a-z0-9]){0,20}", 1..12)
        ) {
            check(&texts);
        }

        /// Phrases cut off and run together, then one stretch exchanged for another.
        #[test]
        fn one_difference(
            parts in proptest::collection::vec((0..SYMBOLS, 0usize..9), 0..40),
            other in proptest::collection::vec((0..SYMBOLS, 0usize..9), 0..4),
            from in 0usize..300,
            length in 0usize..20,
        ) {
            let bytes = |parts: &[(usize, usize)]| -> Vec<u8> {
                parts.iter().flat_map(|(symbol, cut)| TABLE.phrase(*symbol).iter().skip(*cut).copied()).collect()
            };
            let mut first = bytes(&parts);
            first.truncate(400);
            let from = from.min(first.len());
            let mut second = first.clone();
            second.splice(from..(from + length).min(first.len()), bytes(&other));
            second.truncate(ROOM - 1);
            check(&[&first, &second, &first]);
        }
    }
}
