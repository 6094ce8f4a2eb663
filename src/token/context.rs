//! Which of the code tables codes the next symbol of a text.
//!
//! The choice depends on the kind of text and on the two bytes before, which are known wherever the text is cut
//! into phrases; so the shortest parse stays a plain walk over positions. This file is also compiled into the
//! program that generates the table.

/// Number of code tables.
pub(crate) const CONTEXTS: usize = 12;

/// What is being coded: addresses of pages, or names, ids and mail addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextClass {
    /// A destination.
    Target,
    /// Everything else.
    Name,
}

const LOWER: u8 = 0;
const DIGIT: u8 = 1;
const UPPER: u8 = 2;
const SLASH: u8 = 3;
const EQUALS: u8 = 4;
const JOINER: u8 = 5;
const OTHER: u8 = 6;
/// Stands for "before the first byte".
pub(crate) const START: u8 = 7;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'0'..=b'9' => DIGIT,
            b'A'..=b'Z' => UPPER,
            b'/' => SLASH,
            b'=' => EQUALS,
            b'&' | b'?' | b'#' | b';' => JOINER,
            _ => OTHER,
        };
        byte += 1;
    }
    classes
}

/// Contexts by (class before last) * 8 + (class of last).
static TARGET_CONTEXTS: [u8; 64] = contexts(true);
static NAME_CONTEXTS: [u8; 64] = contexts(false);

const fn contexts(target: bool) -> [u8; 64] {
    let mut map = [0; 64];
    let mut pair = 0;
    while pair < 64 {
        let before = (pair / 8) as u8;
        let last = (pair % 8) as u8;
        map[pair] = if target {
            match last {
                START => 0,
                // Letters and digits mixed look like a random id: another distribution altogether.
                LOWER if before == DIGIT || before == UPPER => 7,
                LOWER => 1,
                DIGIT if before == LOWER || before == UPPER => 7,
                DIGIT => 2,
                UPPER => 7,
                SLASH => 3,
                EQUALS => 4,
                JOINER => 5,
                _ => 6,
            }
        } else {
            match last {
                START => 8,
                LOWER | UPPER => 9,
                DIGIT => 10,
                _ => 11,
            }
        };
        pair += 1;
    }
    map
}

/// The class of one byte; two of them choose a context.
#[inline(always)]
pub(crate) const fn class_of(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

/// The code table for a symbol that follows bytes of the classes `before` and `last`.
pub(crate) const fn context(text: TextClass, before: u8, last: u8) -> usize {
    context_of(text, before << 3 | last)
}

/// The same; the two classes are a number of six bits.
#[inline(always)]
pub(crate) const fn context_of(text: TextClass, classes: u8) -> usize {
    let map = match text {
        TextClass::Target => &TARGET_CONTEXTS,
        TextClass::Name => &NAME_CONTEXTS,
    };
    map[classes as usize & 63] as usize
}
