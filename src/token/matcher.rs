//! Finds every phrase of the code table in a text, in one step a byte.
//!
//! The shortest parse is worked out from a text's end (see [`parse`](super::parse)), and at each byte it asks which
//! phrases begin there. This is Aho and Corasick's automaton for the phrases read backwards: it goes from the last byte
//! to the first, and a state tells all phrases that begin at the byte just read. Failure links are resolved into the
//! transitions.
//!
//! Whether a phrase begins at a byte is as good as random, and a branch on it would be mispredicted: so every state has
//! a match, if only one that is never the cheapest. The bytes that are frequent in phrases share a cache line of each
//! row. A whole URL of the sample of `benches/token.rs` takes 14,700 instructions with all this, and took 23,000 with a
//! walk down a trie from each byte.

use super::table::{PHRASE_BYTES, SYMBOL_BITS, SYMBOL_ROOM, SYMBOLS, TABLE};

/// A power of two, so that a row is found by a shift; one column for each byte that phrases contain, and one for all
/// others. (Of the frozen table, 56 are used.)
const COLUMNS: usize = 64;
/// The column of bytes that no phrase contains.
const OTHER: u8 = 0;
/// Room for the states while they are made.
const MOST_STATES: usize = PHRASE_BYTES + 1;
const ROOT: u16 = 0;
const NONE: u16 = u16::MAX;

const PHRASES: Automaton = build();
const STATES: usize = PHRASES.states;

/// Worked out by the compiler, as the code table is.
pub(crate) static MATCHER: Matcher = pack(&PHRASES);

/// A phrase of two bytes or more (the first 256 symbols are the single bytes). From the high bits to the low ones: the
/// state with the next shorter match (the root if there is none), the length, the symbol.
#[derive(Clone, Copy)]
pub(crate) struct Match(u32);

pub(crate) const LENGTH_BITS: u32 = 5;
const LINK_SHIFT: u32 = SYMBOL_BITS + LENGTH_BITS;
const _: () = assert!(STATES < 1 << (32 - LINK_SHIFT));

impl Match {
    /// Stands for none. Its symbol is dearer than everything; its length may lead beyond the text, and is this long so
    /// that nobody waits for what is there: with 1, each step waited for the one before to be stored and read again.
    const NONE: Match = Match::new(ROOT, SYMBOL_ROOM - 1, (1 << LENGTH_BITS) - 1);

    const fn new(next: u16, symbol: usize, length: usize) -> Match {
        assert!(symbol < SYMBOL_ROOM && length < 1 << LENGTH_BITS);
        Match((next as u32) << LINK_SHIFT | (length << SYMBOL_BITS | symbol) as u32)
    }

    #[inline(always)]
    pub(crate) fn symbol(self) -> usize {
        self.0 as usize % SYMBOL_ROOM
    }

    /// In bytes.
    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        (self.0 >> SYMBOL_BITS) as usize % (1 << LENGTH_BITS)
    }
}

/// What was read so far, as far as it can still become part of a phrase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct State(u16);

impl State {
    /// At the end of a text.
    pub(crate) const END: State = State(ROOT);
}

#[repr(C, align(64))]
pub(crate) struct Matcher {
    next: [[u16; COLUMNS]; STATES],
    /// The longest match of each state.
    matches: [Match; STATES],
    depths: [u8; STATES],
    columns: [u8; 256],
}

impl Matcher {
    /// The state after the byte before.
    #[inline(always)]
    pub(crate) fn step(&self, state: State, byte: u8) -> State {
        let column = self.columns[byte as usize] as usize % COLUMNS;
        State(self.next[state.0 as usize][column])
    }

    /// How many of the bytes read can still be part of a phrase that begins with bytes not yet read.
    pub(crate) fn depth(&self, state: State) -> usize {
        self.depths[state.0 as usize] as usize
    }

    /// The phrases that begin at the byte that led to this state and end before the text does, the longest first; at
    /// least one, which may be [`Match::NONE`].
    #[inline(always)]
    pub(crate) fn matches(&self, state: State, mut found: impl FnMut(Match)) {
        let mut longest = self.matches[state.0 as usize];
        found(longest);
        while longest.0 >> LINK_SHIFT != 0 {
            longest = self.matches[(longest.0 >> LINK_SHIFT) as usize];
            found(longest);
        }
    }
}

/// The automaton while it is made. States are numbered in the order of their depth.
struct Automaton {
    columns: [u8; 256],
    next: [[u16; COLUMNS]; MOST_STATES],
    matches: [Match; MOST_STATES],
    depths: [u8; MOST_STATES],
    states: usize,
}

/// A trie of the reversed phrases by first child and next sibling.
struct Trie {
    child: [u16; MOST_STATES],
    sibling: [u16; MOST_STATES],
    label: [u8; MOST_STATES],
    symbol: [u16; MOST_STATES],
}

const fn trie() -> Trie {
    let mut trie = Trie {
        child: [NONE; MOST_STATES],
        sibling: [NONE; MOST_STATES],
        label: [0; MOST_STATES],
        symbol: [NONE; MOST_STATES],
    };
    let mut nodes = 1;
    let mut symbol = 256;
    while symbol < SYMBOLS {
        let (start, mut byte) = TABLE.phrase_range(symbol);
        let mut node = 0;
        while byte > start {
            byte -= 1;
            let wanted = TABLE.phrases[byte];
            let mut next = trie.child[node];
            while next != NONE && trie.label[next as usize] != wanted {
                next = trie.sibling[next as usize];
            }
            if next == NONE {
                next = nodes as u16;
                trie.label[nodes] = wanted;
                trie.sibling[nodes] = trie.child[node];
                trie.child[node] = next;
                nodes += 1;
            }
            node = next as usize;
        }
        assert!(trie.symbol[node] == NONE, "a symbol stands in the table once");
        trie.symbol[node] = symbol as u16;
        symbol += 1;
    }
    trie
}

// A million steps, once a build.
#[allow(long_running_const_eval)]
const fn build() -> Automaton {
    let trie = trie();
    let mut automaton = Automaton {
        columns: columns(),
        next: [[ROOT; COLUMNS]; MOST_STATES],
        matches: [Match::NONE; MOST_STATES],
        depths: [0; MOST_STATES],
        states: 1,
    };
    // The node of the trie that became a state, and the state for the longest proper suffix of what it has read.
    let mut node_of = [0u16; MOST_STATES];
    let mut suffix_of = [ROOT; MOST_STATES];
    let mut state = 0;
    while state < automaton.states {
        let node = node_of[state] as usize;
        // A suffix is shorter, so that it is complete.
        let suffix = suffix_of[state];
        let shorter = automaton.matches[suffix as usize];
        automaton.matches[state] = if trie.symbol[node] == NONE {
            shorter
        } else {
            let symbol = trie.symbol[node] as usize;
            let (start, end) = TABLE.phrase_range(symbol);
            Match::new(if shorter.0 == Match::NONE.0 { ROOT } else { suffix }, symbol, end - start)
        };
        automaton.next[state] = automaton.next[suffix as usize];
        let mut child = trie.child[node];
        while child != NONE {
            let column = automaton.columns[trie.label[child as usize] as usize] as usize;
            let new = automaton.states;
            automaton.states += 1;
            node_of[new] = child;
            automaton.depths[new] = automaton.depths[state] + 1;
            suffix_of[new] = if state == 0 { ROOT } else { automaton.next[state][column] };
            automaton.next[state][column] = new as u16;
            child = trie.sibling[child as usize];
        }
        state += 1;
    }
    automaton
}

/// The column of each byte, those first that are most frequent in phrases.
const fn columns() -> [u8; 256] {
    let mut count = [0u32; 256];
    let (mut byte, end) = (TABLE.phrase_range(256).0, TABLE.phrase_range(SYMBOLS - 1).1);
    while byte < end {
        count[TABLE.phrases[byte] as usize] += 1;
        byte += 1;
    }
    let mut columns = [OTHER; 256];
    let mut column = 1;
    loop {
        let (mut most, mut byte) = (0, 0);
        while byte < 256 {
            if count[byte] > count[most] {
                most = byte;
            }
            byte += 1;
        }
        if count[most] == 0 {
            return columns;
        }
        assert!(column < COLUMNS, "the phrases have too many different bytes");
        columns[most] = column as u8;
        count[most] = 0;
        column += 1;
    }
}

const fn pack(from: &Automaton) -> Matcher {
    let mut matcher = Matcher {
        next: [[ROOT; COLUMNS]; STATES],
        matches: [Match::NONE; STATES],
        depths: [0; STATES],
        columns: from.columns,
    };
    let mut state = 0;
    while state < STATES {
        matcher.next[state] = from.next[state];
        matcher.matches[state] = from.matches[state];
        matcher.depths[state] = from.depths[state];
        state += 1;
    }
    matcher
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// At each byte, the phrases that begin there, the longest first: symbol and length.
    fn found(text: &[u8]) -> Vec<Vec<(usize, usize)>> {
        let mut state = State::END;
        let mut found: Vec<_> = text
            .iter()
            .rev()
            .map(|byte| {
                state = MATCHER.step(state, *byte);
                let mut here = Vec::new();
                MATCHER.matches(state, |found| {
                    if found.0 != Match::NONE.0 {
                        here.push((found.symbol(), found.length()));
                    }
                });
                here
            })
            .collect();
        found.reverse();
        found
    }

    fn expected(text: &[u8]) -> Vec<Vec<(usize, usize)>> {
        (0..text.len())
            .map(|at| {
                let mut here: Vec<_> = (256..SYMBOLS)
                    .filter(|symbol| text[at..].starts_with(TABLE.phrase(*symbol)))
                    .map(|symbol| (symbol, TABLE.phrase(symbol).len()))
                    .collect();
                here.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
                here
            })
            .collect()
    }

    #[test]
    fn every_phrase_is_found() {
        for symbol in 256..SYMBOLS {
            let phrase = TABLE.phrase(symbol);
            assert!(phrase.len() > 1);
            assert_eq!(found(phrase), expected(phrase));
        }
    }

    /// Whatever a text holds, a byte costs one step and no more looks than this.
    #[test]
    fn few_phrases_begin_at_one_byte() {
        let most = (0..STATES as u16).map(|state| {
            let mut count = 0;
            MATCHER.matches(State(state), |_| count += 1);
            count
        });
        assert_eq!(most.max(), Some(5));
    }

    proptest! {
        #[test]
        fn phrases_are_found_wherever_they_are(parts in proptest::collection::vec((0..SYMBOLS, 0usize..9), 0..40)) {
            // Phrases cut off and run together.
            let text: Vec<u8> = parts
                .iter()
                .flat_map(|(symbol, cut)| TABLE.phrase(*symbol).iter().skip(*cut).copied())
                .collect();
            prop_assert_eq!(found(&text), expected(&text));
        }
    }
}
