//! Which symbol the next bits of a text stand for, and what follows from it: all that a reader of texts looks up.

use super::context::{CONTEXTS, TextClass, class_of, context_of};
use super::table::{LONGEST_PHRASE, MAX_CODE_BITS, SYMBOL_BITS, SYMBOL_ROOM, SYMBOLS, TABLE};

/// Codes of so many bits and fewer are found in one look; the others are rare.
const LOOK_BITS: usize = 11;

/// So many bytes are copied at once, whatever a phrase's length: no phrase but a few is longer.
pub(crate) const PHRASE_COPY: usize = 16;

/// A symbol that was read. From the low bits to the high ones: the symbol, its length in bytes, the length of its code
/// in bits (0 where the code is longer than a look), the classes of its last two bytes, and whether it has two.
#[derive(Clone, Copy)]
pub(crate) struct Symbol(u32);

const LENGTH_SHIFT: u32 = SYMBOL_BITS;
const CODE_SHIFT: u32 = LENGTH_SHIFT + 5;
const CLASSES_SHIFT: u32 = CODE_SHIFT + 4;
const STAY_SHIFT: u32 = CLASSES_SHIFT + 6;
const _: () = assert!(LONGEST_PHRASE < 1 << 5 && MAX_CODE_BITS < 1 << 4);

impl Symbol {
    const fn new(symbol: usize, code_bits: usize) -> Symbol {
        let (start, end) = TABLE.phrase_range(symbol);
        let last = class_of(TABLE.phrases[end - 1]);
        // Of the classes of the two bytes before, one stays where the symbol is a single byte.
        let (stay, classes) = match end - start {
            1 => (0b111, last),
            _ => (0, class_of(TABLE.phrases[end - 2]) << 3 | last),
        };
        Symbol(
            (symbol | (end - start) << LENGTH_SHIFT | code_bits << CODE_SHIFT) as u32
                | (classes as u32) << CLASSES_SHIFT
                | stay << STAY_SHIFT,
        )
    }

    /// The symbol whose code stands in the high bits, after bytes of these classes. The codes are complete, so that there
    /// always is one.
    #[inline(always)]
    pub(crate) fn of(rows: &Rows, classes: u8, bits: u64) -> Symbol {
        let pair = classes as usize % PAIRS;
        let first = rows.first[pair][(bits >> (64 - LOOK_BITS)) as usize];
        if first.code_bits() != 0 { first } else { Symbol::of_long(rows.contexts[pair], bits) }
    }

    #[cold]
    fn of_long(context: u8, bits: u64) -> Symbol {
        let bits = (bits >> (64 - MAX_CODE_BITS)) as u32;
        let (symbol, code_bits) = TABLE.symbol(context as usize, bits, LOOK_BITS + 1);
        Symbol::new(symbol, code_bits)
    }

    /// In bits.
    #[inline(always)]
    pub(crate) fn code_bits(self) -> usize {
        (self.0 >> CODE_SHIFT) as usize & 0xf
    }

    /// In bytes.
    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        (self.0 >> LENGTH_SHIFT) as usize & 0x1f
    }

    /// The classes of the two bytes before what follows, from those before the symbol.
    #[inline(always)]
    pub(crate) fn classes_after(self, classes: u8) -> u8 {
        (classes & (self.0 >> STAY_SHIFT) as u8) << 3 | (self.0 >> CLASSES_SHIFT) as u8 & 0b111_111
    }

    /// The first bytes of the phrase, and behind its end any others.
    #[inline(always)]
    pub(crate) fn start(self) -> &'static [u8; PHRASE_COPY] {
        &STARTS[self.0 as usize % SYMBOL_ROOM]
    }

    /// The bytes of the phrase that are not in its start.
    #[cold]
    pub(crate) fn rest(self) -> &'static [u8] {
        let (start, end) = TABLE.phrase_range(self.0 as usize % SYMBOL_ROOM);
        &TABLE.phrases[end.min(start + PHRASE_COPY)..end]
    }
}

type Row = [Symbol; 1 << LOOK_BITS];

/// How many pairs of classes there are.
const PAIRS: usize = 1 << 6;

/// What a pair of classes means for one class of texts.
pub(crate) struct Rows {
    first: [&'static Row; PAIRS],
    contexts: [u8; PAIRS],
}

static TARGET_ROWS: Rows = rows(TextClass::Target);
static NAME_ROWS: Rows = rows(TextClass::Name);

const fn rows(class: TextClass) -> Rows {
    let mut rows = Rows { first: [&FIRST[0]; PAIRS], contexts: [0; PAIRS] };
    let mut pair = 0;
    while pair < PAIRS {
        let context = context_of(class, pair as u8);
        rows.first[pair] = &FIRST[context];
        rows.contexts[pair] = context as u8;
        pair += 1;
    }
    rows
}

pub(crate) fn rows_of(class: TextClass) -> &'static Rows {
    match class {
        TextClass::Target => &TARGET_ROWS,
        TextClass::Name => &NAME_ROWS,
    }
}

/// For each context, the symbols by the first bits of their codes.
static FIRST: [Row; CONTEXTS] = first();

const fn first() -> [Row; CONTEXTS] {
    let mut first = [[Symbol(0); 1 << LOOK_BITS]; CONTEXTS];
    let mut context = 0;
    while context < CONTEXTS {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            let code = TABLE.codes(context)[symbol];
            let length = code.length as usize;
            if length <= LOOK_BITS {
                let entry = Symbol::new(symbol, length);
                let from = (code.bits as usize) << (LOOK_BITS - length);
                let mut at = from;
                while at < from + (1 << (LOOK_BITS - length)) {
                    first[context][at] = entry;
                    at += 1;
                }
            }
            symbol += 1;
        }
        context += 1;
    }
    first
}

static STARTS: [[u8; PHRASE_COPY]; SYMBOL_ROOM] = {
    let mut starts = [[0; PHRASE_COPY]; SYMBOL_ROOM];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let (start, end) = TABLE.phrase_range(symbol);
        let mut at = 0;
        while at < PHRASE_COPY && start + at < end {
            starts[symbol][at] = TABLE.phrases[start + at];
            at += 1;
        }
        symbol += 1;
    }
    starts
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read() {
        let pairs = (0..PAIRS as u8).flat_map(|pair| [(TextClass::Target, pair), (TextClass::Name, pair)]);
        for (class, pair) in pairs {
            let context = context_of(class, pair);
            for symbol in 0..SYMBOLS {
                let code = TABLE.codes(context)[symbol];
                let length = code.length as usize;
                if length > MAX_CODE_BITS {
                    continue;
                }
                let bits = u32::from(code.bits) << (MAX_CODE_BITS - length);
                for behind in [0, (1 << (MAX_CODE_BITS - length)) - 1] {
                    assert_eq!(TABLE.symbol(context, bits | behind, 1), (symbol, length));
                    let bits = u64::from(bits | behind) << (64 - MAX_CODE_BITS);
                    let read = Symbol::of(rows_of(class), pair, bits);
                    let phrase = TABLE.phrase(symbol);
                    assert_eq!((read.code_bits(), read.length()), (length, phrase.len()));
                    let start = &read.start()[..phrase.len().min(PHRASE_COPY)];
                    assert_eq!([start, read.rest()].concat(), phrase);
                    let classes =
                        phrase.iter().fold(0o77, |classes: u8, byte| classes << 3 & 0o70 | class_of(*byte));
                    assert_eq!(read.classes_after(0o77), classes);
                }
            }
        }
    }
}
