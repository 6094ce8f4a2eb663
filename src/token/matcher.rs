//! Finds every phrase of the code table in a text, in one step a byte.
//!
//! The shortest parse is worked out from a text's end (see [`parse`](super::parse)), and at each byte it asks which
//! phrases begin there. This is Aho and Corasick's automaton for the phrases read backwards: it goes from the last byte
//! to the first, and a state tells all phrases that begin at the byte just read. Failure links are resolved into the
//! transitions, so that nothing branches but on whether there is a phrase at all.
//!
//! A walk down a trie from each byte took three steps a byte on links of newsletters (half of the bytes begin no
//! phrase, but most begin like one).

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
/// States from here on have matches; all before have none.
const FIRST_MATCHING: usize = PHRASES.first_matching;
const MATCHING: usize = STATES - FIRST_MATCHING;

/// Worked out by the compiler, as the code table is.
pub(crate) static MATCHER: Matcher = pack(&PHRASES);

/// A phrase of two bytes or more (the first 256 symbols are the single bytes), and where the next one is found: from
/// the high bits to the low ones, the place of the next match (0 if there is none), the length, the symbol.
#[derive(Clone, Copy)]
pub(crate) struct Match(u32);

const LENGTH_BITS: u32 = 5;
const _: () = assert!(MATCHING < 1 << (32 - LENGTH_BITS - SYMBOL_BITS));

impl Match {
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

pub(crate) struct Matcher {
    columns: [u8; 256],
    next: [[u16; COLUMNS]; STATES],
    /// The longest match of each state from [`FIRST_MATCHING`] on.
    matches: [Match; MATCHING],
}

impl Matcher {
    /// The state after the byte before.
    #[inline(always)]
    pub(crate) fn step(&self, state: State, byte: u8) -> State {
        let column = self.columns[byte as usize] as usize % COLUMNS;
        State(self.next[state.0 as usize][column])
    }

    /// The phrases that begin at the byte that led to this state and end before the text does, the longest first.
    #[inline(always)]
    pub(crate) fn matches(&self, state: State, mut found: impl FnMut(Match)) {
        let mut place = state.0 as usize;
        if place < FIRST_MATCHING {
            return;
        }
        place -= FIRST_MATCHING;
        loop {
            let this = self.matches[place];
            found(this);
            place = (this.0 >> (SYMBOL_BITS + LENGTH_BITS)) as usize;
            if place == 0 {
                return;
            }
        }
    }
}

/// The automaton while it is made. States are numbered in the order of their depth.
struct Automaton {
    columns: [u8; 256],
    next: [[u16; COLUMNS]; MOST_STATES],
    /// The phrase that a state is the whole of.
    symbol: [u16; MOST_STATES],
    /// The state for the longest proper suffix of what was read.
    fail: [u16; MOST_STATES],
    /// How many phrases end in a state.
    count: [u16; MOST_STATES],
    states: usize,
    /// How many states have no match.
    first_matching: usize,
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
        columns: [OTHER; 256],
        next: [[ROOT; COLUMNS]; MOST_STATES],
        symbol: [NONE; MOST_STATES],
        fail: [ROOT; MOST_STATES],
        count: [0; MOST_STATES],
        states: 1,
        first_matching: 0,
    };
    let mut columns = 1;
    // The node of the trie that became a state.
    let mut node_of = [0u16; MOST_STATES];
    let mut state = 0;
    while state < automaton.states {
        let node = node_of[state] as usize;
        let fail = automaton.fail[state] as usize;
        automaton.symbol[state] = trie.symbol[node];
        automaton.count[state] = automaton.count[fail] + (trie.symbol[node] != NONE) as u16;
        automaton.first_matching += (automaton.count[state] == 0) as usize;
        // The shorter state stands before, so that its row is complete.
        automaton.next[state] = automaton.next[fail];
        let mut child = trie.child[node];
        while child != NONE {
            let label = trie.label[child as usize] as usize;
            if automaton.columns[label] == OTHER {
                assert!(columns < COLUMNS, "the phrases have too many different bytes");
                automaton.columns[label] = columns as u8;
                columns += 1;
            }
            let column = automaton.columns[label] as usize;
            let new = automaton.states;
            automaton.states += 1;
            node_of[new] = child;
            automaton.fail[new] = if state == 0 { ROOT } else { automaton.next[state][column] };
            automaton.next[state][column] = new as u16;
            child = trie.sibling[child as usize];
        }
        state += 1;
    }
    automaton
}

/// Numbers the states so that those without matches come first, and lists the matches.
#[allow(long_running_const_eval)]
const fn pack(from: &Automaton) -> Matcher {
    let mut matcher =
        Matcher { columns: from.columns, next: [[ROOT; COLUMNS]; STATES], matches: [Match(0); MATCHING] };
    let mut number = [0u16; MOST_STATES];
    let (mut silent, mut matching) = (0, FIRST_MATCHING);
    let mut state = 0;
    while state < STATES {
        let next = if from.count[state] == 0 { &mut silent } else { &mut matching };
        number[state] = *next as u16;
        *next += 1;
        state += 1;
    }
    state = 0;
    while state < STATES {
        let own = number[state] as usize;
        let mut column = 0;
        while column < COLUMNS {
            matcher.next[own][column] = number[from.next[state][column] as usize];
            column += 1;
        }
        if own >= FIRST_MATCHING {
            let fail = from.fail[state] as usize;
            // The shorter state stands before. The first state with a match has a phrase of its own that nothing
            // shorter ends, so that no other links to place 0.
            let shorter = number[fail] as usize;
            matcher.matches[own - FIRST_MATCHING] = if from.symbol[state] == NONE {
                matcher.matches[shorter - FIRST_MATCHING]
            } else {
                let link = if from.count[fail] == 0 { 0 } else { shorter - FIRST_MATCHING };
                assert!(link > 0 || from.count[fail] == 0, "place 0 is nobody's link");
                let (start, end) = TABLE.phrase_range(from.symbol[state] as usize);
                assert!(end - start < 1 << LENGTH_BITS);
                let lengths = (link << LENGTH_BITS | (end - start)) as u32;
                Match(lengths << SYMBOL_BITS | from.symbol[state] as u32)
            };
        }
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
                MATCHER.matches(state, |found| here.push((found.symbol(), found.length())));
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
