//! The shortest parse of a text into symbols.
//!
//! The cost of a symbol depends on the two bytes before it alone, whatever symbols they belong to, so that the cheapest
//! way from a byte to the end does not depend on how it was reached: one walk from the end to the start finds it for
//! every byte. Of parses that are equally short, the one whose first symbol comes first in the table is taken, then
//! the second, and so on: the same text gives the same bits for as long as there are tokens of version 1.

use std::ops::Range;

use super::context::{START, TextClass, class_of, context};
use super::matcher::{MATCHER, State};
use super::table::{Code, MAX_CODE_BITS, SYMBOL_BITS, SYMBOL_ROOM, SYMBOLS, TABLE};

/// The parse is the shortest within windows of so many bytes: its memory is an array on the stack. Longer texts lose a
/// few bits at each border.
pub(super) const WINDOW: usize = 512;

/// The cheapest symbol at a byte. From the high bits to the low ones: the cost in bits from here to the end of the
/// window, the symbol, the classes of the two bytes before. One comparison finds the cheapest and, of several, the
/// first in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step(u32);

/// Bits of two classes.
const PAIR_BITS: u32 = 6;
const PAIRS: usize = 1 << PAIR_BITS;
const COST_SHIFT: u32 = PAIR_BITS + SYMBOL_BITS;
const _: () = assert!(WINDOW * MAX_CODE_BITS + u8::MAX as usize <= u32::MAX as usize >> COST_SHIFT);

/// The code of the context that two classes make.
#[derive(Clone, Copy)]
struct Row {
    lengths: &'static [u8; SYMBOL_ROOM],
    codes: &'static [Code; SYMBOLS],
}

static TARGET_ROWS: [Row; PAIRS] = rows(TextClass::Target);
static NAME_ROWS: [Row; PAIRS] = rows(TextClass::Name);

const fn rows(class: TextClass) -> [Row; PAIRS] {
    let mut rows = [Row { lengths: TABLE.lengths(0), codes: TABLE.codes(0) }; PAIRS];
    let mut pair = 0;
    while pair < PAIRS {
        let context = context(class, (pair >> 3) as u8, (pair & 7) as u8);
        rows[pair] = Row { lengths: TABLE.lengths(context), codes: TABLE.codes(context) };
        pair += 1;
    }
    rows
}

fn rows_of(class: TextClass) -> &'static [Row; PAIRS] {
    match class {
        TextClass::Target => &TARGET_ROWS,
        TextClass::Name => &NAME_ROWS,
    }
}

impl Step {
    #[inline(always)]
    fn new(cost: u32, symbol: usize, pair: usize) -> Step {
        Step(cost << COST_SHIFT | (symbol << PAIR_BITS | pair) as u32)
    }

    #[inline(always)]
    fn cost(self) -> u32 {
        self.0 >> COST_SHIFT
    }

    fn symbol(self) -> usize {
        (self.0 >> PAIR_BITS) as usize % SYMBOL_ROOM
    }

    /// The code of this step's symbol.
    #[inline(always)]
    pub(super) fn code(self, class: TextClass) -> Code {
        rows_of(class)[self.0 as usize % PAIRS].codes[self.symbol()]
    }
}

/// Walks from the end of a window to its start.
struct Walk<'a> {
    rows: &'static [Row; PAIRS],
    /// The cheapest symbol for each byte that was walked, and a last one of no cost.
    steps: &'a mut [Step],
    state: State,
    cost: u32,
    /// The class of the byte before.
    last: u8,
}

impl Walk<'_> {
    /// Takes the byte at `i` of the window; `before` is the class of the byte two places before it.
    #[inline(always)]
    fn step(&mut self, i: usize, byte: u8, before: u8) {
        let pair = ((before as usize) << 3 | self.last as usize) % PAIRS;
        self.last = before;
        let lengths = self.rows[pair].lengths;
        let mut cheapest = Step::new(self.cost + u32::from(lengths[byte as usize]), byte as usize, pair);
        self.state = MATCHER.step(self.state, byte);
        MATCHER.matches(self.state, |found| {
            let rest = self.steps[i + found.length()].cost();
            let cost = rest + u32::from(lengths[found.symbol()]);
            cheapest = cheapest.min(Step::new(cost, found.symbol(), pair));
        });
        self.steps[i] = cheapest;
        self.cost = cheapest.cost();
    }
}

/// Finds the shortest parse of a window of a text; `steps` gets the cheapest symbol for each byte of it and must have
/// one place more.
pub(super) fn shortest(class: TextClass, text: &[u8], window: Range<usize>, steps: &mut [Step]) {
    let class_at = |at: Option<usize>| at.map_or(START, |at| class_of(text[at]));
    let Range { start, end } = window;
    let bytes = &text[start..end];
    steps[bytes.len()] = Step::default();
    let last = class_at(end.checked_sub(2));
    let mut walk = Walk { rows: rows_of(class), steps, state: State::END, cost: 0, last };
    // The bytes that have two before them, and the others.
    let first = bytes.len().min(2usize.saturating_sub(start));
    let two_before = &text[(start + first).saturating_sub(2)..end.saturating_sub(2)];
    for (i, (&byte, &before)) in bytes[first..].iter().zip(two_before).enumerate().rev() {
        walk.step(first + i, byte, class_of(before));
    }
    for i in (0..first).rev() {
        walk.step(i, bytes[i], class_at((start + i).checked_sub(2)));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The parse of a whole text: symbol and context of each step.
    pub(crate) fn parse(class: TextClass, text: &[u8]) -> Vec<(usize, usize)> {
        let mut steps = [Step::default(); WINDOW + 1];
        let mut parse = Vec::new();
        for start in (0..text.len()).step_by(WINDOW) {
            let window = start..text.len().min(start + WINDOW);
            shortest(class, text, window.clone(), &mut steps);
            let mut i = 0;
            while i < window.len() {
                let pair = steps[i].0 as usize % PAIRS;
                parse.push((steps[i].symbol(), context(class, (pair / 8) as u8, (pair % 8) as u8)));
                i += TABLE.phrase(steps[i].symbol()).len();
            }
        }
        parse
    }

    /// The same, as it was when the version was frozen, without a thought for speed.
    pub(crate) fn naive(class: TextClass, text: &[u8]) -> Vec<(usize, usize)> {
        let contexts: Vec<usize> = (0..text.len())
            .map(|at| {
                let last = if at > 0 { class_of(text[at - 1]) } else { START };
                let before = if at > 1 { class_of(text[at - 2]) } else { START };
                context(class, before, last)
            })
            .collect();
        let mut parse = Vec::new();
        for (bytes, contexts) in text.chunks(WINDOW).zip(contexts.chunks(WINDOW)) {
            let mut best = vec![(0, 0); bytes.len() + 1];
            for i in (0..bytes.len()).rev() {
                best[i] = (0..SYMBOLS)
                    .filter(|symbol| bytes[i..].starts_with(TABLE.phrase(*symbol)))
                    .map(|symbol| {
                        let rest = best[i + TABLE.phrase(symbol).len()].0;
                        (rest + u32::from(TABLE.lengths(contexts[i])[symbol]), symbol)
                    })
                    .min()
                    .expect("every byte is a symbol");
            }
            let mut i = 0;
            while i < bytes.len() {
                parse.push((best[i].1, contexts[i]));
                i += TABLE.phrase(best[i].1).len();
            }
        }
        parse
    }

    fn check(text: &[u8]) {
        for class in [TextClass::Target, TextClass::Name] {
            assert_eq!(parse(class, text), naive(class, text), "{:?}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..1200)) {
            check(&text);
        }

        #[test]
        fn any_url(text in "https?://(www\\.)?[a-z.-]{1,20}/([a-zA-Z0-9/&=%_.-]{0,99}|(/[a-z-]{2,9}){1,40})(\\?(utm_[a-z]{2,8}=[a-z0-9-]{1,12}&){0,40})?#?") {
            check(text.as_bytes());
        }

        /// Phrases cut off and run together: where parses compete most.
        #[test]
        fn any_phrases(parts in proptest::collection::vec((0..SYMBOLS, 0usize..9), 0..80)) {
            let text: Vec<u8> = parts
                .iter()
                .flat_map(|(symbol, cut)| TABLE.phrase(*symbol).iter().skip(*cut).copied())
                .collect();
            check(&text);
        }
    }
}
