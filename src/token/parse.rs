//! The shortest parse of a text into symbols.
//!
//! The cost of a symbol depends on the two bytes before it alone, whatever symbols they belong to, so that the cheapest
//! way from a byte to the end does not depend on how it was reached: one walk from the end to the start finds it for
//! every byte. Of parses that are equally short, the one whose first symbol comes first in the table is taken, then
//! the second, and so on: the same text gives the same bits for as long as there are tokens of version 1.

use std::ops::Range;

use super::context::{CONTEXTS, START, TextClass, class_of, context};
use super::matcher::{LENGTH_BITS, MATCHER, State};
use super::table::{Code, MAX_CODE_BITS, SYMBOL_BITS, SYMBOL_ROOM, SYMBOLS, TABLE};

/// The parse is the shortest within windows of so many bytes. Longer texts lose a few bits at each border.
pub(super) const WINDOW: usize = 512;

/// The cheapest symbol at a byte. From the high bits to the low ones: the cost in bits from here to the end of the
/// window, the symbol, the symbol's length in bytes. One comparison finds the cheapest and, of several, the first in
/// the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Step(u32);

const COST_SHIFT: u32 = SYMBOL_BITS + LENGTH_BITS;
const COST: u32 = u32::MAX << COST_SHIFT;
const _: () = assert!(WINDOW * MAX_CODE_BITS + (u8::MAX as usize) < (1 << 31) >> COST_SHIFT);

impl Step {
    /// The step of `symbol` where what follows it costs as much as from `rest` on.
    #[inline(always)]
    fn before(rest: Step, symbol: Step) -> Step {
        Step((rest.0 & COST) + symbol.0)
    }

    #[inline(always)]
    fn symbol(self) -> usize {
        (self.0 >> LENGTH_BITS) as usize % SYMBOL_ROOM
    }

    /// In bytes; never 0 before the end.
    #[inline(always)]
    fn length(self) -> usize {
        self.0 as usize % (1 << LENGTH_BITS)
    }
}

/// The step of each symbol in each context if nothing follows it. A masked number needs no check against a row's end.
static STEPS: [[Step; SYMBOL_ROOM]; CONTEXTS] = steps();

const fn steps() -> [[Step; SYMBOL_ROOM]; CONTEXTS] {
    // Symbols that are none: dearer than any way to the end.
    let none = Step(1 << 31);
    let mut steps = [[none; SYMBOL_ROOM]; CONTEXTS];
    let mut context = 0;
    while context < CONTEXTS {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            let (start, end) = TABLE.phrase_range(symbol);
            let cost = TABLE.lengths(context)[symbol] as usize;
            steps[context][symbol] =
                Step((cost << COST_SHIFT | symbol << LENGTH_BITS | (end - start)) as u32);
            symbol += 1;
        }
        context += 1;
    }
    steps
}

/// How many pairs of classes there are. A pair is the class of the byte two places before, times 8, and the class of
/// the byte before.
const PAIRS: usize = 1 << 6;

/// What a pair of classes means for one class of texts.
struct Rows {
    steps: [&'static [Step; SYMBOL_ROOM]; PAIRS],
    codes: [&'static [Code; SYMBOLS]; PAIRS],
}

static TARGET_ROWS: Rows = rows(TextClass::Target);
static NAME_ROWS: Rows = rows(TextClass::Name);

const fn rows(class: TextClass) -> Rows {
    let mut rows = Rows { steps: [&STEPS[0]; PAIRS], codes: [TABLE.codes(0); PAIRS] };
    let mut pair = 0;
    while pair < PAIRS {
        let context = context(class, (pair >> 3) as u8, (pair & 7) as u8);
        rows.steps[pair] = &STEPS[context];
        rows.codes[pair] = TABLE.codes(context);
        pair += 1;
    }
    rows
}

fn rows_of(class: TextClass) -> &'static Rows {
    match class {
        TextClass::Target => &TARGET_ROWS,
        TextClass::Name => &NAME_ROWS,
    }
}

/// The parse of a window of less than `ROOM` bytes, a power of two (so that masked places need no check).
#[derive(Clone)]
pub(super) struct Parse<const ROOM: usize> {
    /// The cheapest symbol for each byte, and a last one of no cost.
    steps: [Step; ROOM],
    /// The classes of the two bytes before each.
    pairs: [u8; ROOM],
    /// The matcher's state after each byte, coming from the end.
    states: [State; ROOM],
    length: usize,
}

impl<const ROOM: usize> Parse<ROOM> {
    pub(super) fn new() -> Self {
        const { assert!(ROOM.is_power_of_two()) };
        Parse { steps: [Step(0); ROOM], pairs: [0; ROOM], states: [State::END; ROOM], length: 0 }
    }

    /// Finds the shortest parse of a window of a text.
    pub(super) fn shortest(&mut self, class: TextClass, text: &[u8], window: Range<usize>) {
        let length = window.len();
        self.begin(length);
        self.walk(class, text, window.start, 0..length);
    }

    /// Begins the parse of a window, at its end.
    pub(super) fn begin(&mut self, length: usize) {
        assert!(length < ROOM);
        self.length = length;
        self.steps[length % ROOM] = Step(0);
        self.states[length % ROOM] = State::END;
    }

    /// Takes the bytes `range` of the window that starts at `start`, from the last to the first; what follows them must
    /// be done.
    pub(super) fn walk(&mut self, class: TextClass, text: &[u8], start: usize, range: Range<usize>) {
        self.walk_while(class, text, start, range, |_, _| true);
    }

    /// The same, as long as `goes_on` says so of the byte just taken. Returns the first byte taken.
    #[inline(always)]
    fn walk_while(
        &mut self,
        class: TextClass,
        text: &[u8],
        start: usize,
        range: Range<usize>,
        mut goes_on: impl FnMut(&Self, usize) -> bool,
    ) -> usize {
        let class_at = |at: Option<usize>| at.map_or(START, |at| class_of(text[at]));
        let bytes = &text[start..start + range.end];
        let mut walk = Walk {
            rows: &rows_of(class).steps,
            state: self.states[range.end % ROOM],
            rest: self.steps[range.end % ROOM],
            last: class_at((start + range.end).checked_sub(2)),
        };
        // The bytes that have two before them, and the others.
        let first = range.end.min(range.start.max(2usize.saturating_sub(start)));
        let two_before = &text[(start + first).saturating_sub(2)..(start + range.end).saturating_sub(2)];
        for (i, (&byte, &before)) in bytes[first..].iter().zip(two_before).enumerate().rev() {
            walk.step(self, first + i, byte, class_of(before));
            if !goes_on(self, first + i) {
                return first + i;
            }
        }
        for i in (range.start..first).rev() {
            walk.step(self, i, bytes[i], class_at((start + i).checked_sub(2)));
            if !goes_on(self, i) {
                return i;
            }
        }
        range.start
    }

    /// Takes the bytes `range` of a text (of one window) that another text, parsed as `other`, has from `from` on, with
    /// the same classes before them. Walks until the parses are sure to go the same way, and copies the rest.
    /// Returns the first byte done.
    pub(super) fn join(
        &mut self,
        other: &Self,
        class: TextClass,
        text: &[u8],
        range: Range<usize>,
        from: usize,
    ) -> usize {
        let there = |i: usize| i - range.start + from;
        let met = self.walk_while(class, text, 0, range.clone(), |own, i| !own.goes_as(i, other, there(i)));
        let difference =
            (self.steps[met % ROOM].0 & COST).wrapping_sub(other.steps[there(met) % ROOM].0 & COST);
        let (here, there) = (range.start..met, from..there(met));
        for (step, known) in self.steps[here.clone()].iter_mut().zip(&other.steps[there.clone()]) {
            *step = Step(known.0.wrapping_add(difference));
        }
        self.pairs[here.clone()].copy_from_slice(&other.pairs[there.clone()]);
        self.states[here].copy_from_slice(&other.states[there]);
        range.start
    }

    /// Step by step; not only the parse, but the ways not taken.
    #[cfg(test)]
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let length = self.length;
        length == other.length
            && self.steps[..=length] == other.steps[..=length]
            && self.pairs[..length] == other.pairs[..length]
            && self.states[..=length] == other.states[..=length]
    }

    /// Whether the bytes before `i` are parsed as those before `there` in another parse, if they are the same: the same
    /// phrases are under way, and the costs at all places where they can end differ by a constant.
    #[inline(always)]
    fn goes_as(&self, i: usize, other: &Self, there: usize) -> bool {
        let state = self.states[i % ROOM];
        if state != other.states[there % ROOM] {
            return false;
        }
        let difference = |ahead: usize| {
            let (own, known) = (self.steps[(i + ahead) % ROOM], other.steps[(there + ahead) % ROOM]);
            (own.0 & COST).wrapping_sub(known.0 & COST)
        };
        (1..=MATCHER.depth(state)).all(|ahead| difference(ahead) == difference(0))
    }

    /// Calls `put` with the code of each symbol.
    #[inline(always)]
    pub(super) fn codes(&self, class: TextClass, mut put: impl FnMut(Code)) {
        let rows = &rows_of(class).codes;
        let mut at = 0;
        while at < self.length {
            // The step tells how far the next one is; waiting for its code to tell that would be a chain of loads.
            let step = self.steps[at % ROOM];
            put(rows[self.pairs[at % ROOM] as usize % PAIRS][step.symbol()]);
            at += step.length();
        }
    }
}

/// What is carried from a byte to the one before it.
struct Walk {
    rows: &'static [&'static [Step; SYMBOL_ROOM]; PAIRS],
    state: State,
    /// The step of the byte behind.
    rest: Step,
    /// The class of the byte before.
    last: u8,
}

impl Walk {
    /// Takes the byte at `i` of the window; `before` is the class of the byte two places before it.
    #[inline(always)]
    fn step<const ROOM: usize>(&mut self, parse: &mut Parse<ROOM>, i: usize, byte: u8, before: u8) {
        let pair = (before << 3 | self.last) as usize % PAIRS;
        self.last = before;
        let row = self.rows[pair];
        self.state = MATCHER.step(self.state, byte);
        let mut cheapest = Step::before(self.rest, row[byte as usize]);
        MATCHER.matches(self.state, |found| {
            let rest = parse.steps[(i + found.length()) % ROOM];
            cheapest = cheapest.min(Step::before(rest, row[found.symbol()]));
        });
        parse.steps[i % ROOM] = cheapest;
        parse.pairs[i % ROOM] = pair as u8;
        parse.states[i % ROOM] = self.state;
        self.rest = cheapest;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The codes of a whole text: bits and their number.
    pub(crate) fn parse(class: TextClass, text: &[u8]) -> Vec<(u16, u8)> {
        let mut window_parse = Parse::<{ 2 * WINDOW }>::new();
        let mut parse = Vec::new();
        for start in (0..text.len()).step_by(WINDOW) {
            window_parse.shortest(class, text, start..text.len().min(start + WINDOW));
            window_parse.codes(class, |code| parse.push((code.bits, code.length)));
        }
        parse
    }

    /// The same, as it was when the version was frozen, without a thought for speed.
    pub(crate) fn naive(class: TextClass, text: &[u8]) -> Vec<(u16, u8)> {
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
                let code = TABLE.codes(contexts[i])[best[i].1];
                parse.push((code.bits, code.length));
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

    /// Addresses of pages as they are. The naive parse takes its time, so that it sees every fiftieth.
    #[test]
    fn urls_of_the_corpus() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus/urls/train.txt");
        let Ok(urls) = std::fs::read_to_string(path) else {
            eprintln!("skipped: no corpus of URLs beside the repository");
            return;
        };
        let checked = urls.lines().step_by(50).inspect(|url| check(url.as_bytes())).count();
        assert!(checked > 500, "{checked} URLs");
    }

    proptest! {
        // The naive parse is slow on purpose.
        #![proptest_config(ProptestConfig::with_cases(64))]

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
