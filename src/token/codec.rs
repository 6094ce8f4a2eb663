//! Texts as bits: a length, then symbols of the frozen table, or raw bytes where those are shorter.

use super::context::{START, TextClass};
use super::parse::{Parse, WINDOW};
use super::resume::Resume;
use super::symbols::{PHRASE_COPY, Symbol, rows_of};
use super::table::MAX_CODE_BITS;

/// The longest text that a token carries, in bytes; what a decoder allocates for one text at most.
pub(crate) const MAX_TEXT: usize = 8192;

/// Writes bits, the high ones first, to a vector.
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// The vector's length at the beginning.
    start: usize,
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        BitWriter { out, start, pending: 0, count: 0 }
    }

    fn put(&mut self, bits: u32, count: u32) {
        debug_assert!(count <= 32 && (count == 32 || bits >> count == 0));
        self.pending = self.pending << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            self.out.extend_from_slice(&((self.pending >> self.count) as u32).to_be_bytes());
        }
    }

    /// Pads the last byte with zeros. Returns how many bits were written.
    pub(crate) fn finish(self) -> u32 {
        let whole = (self.out.len() - self.start) as u32 * 8;
        let bytes = self.count.div_ceil(8) as usize;
        let rest = ((self.pending << (32 - self.count)) as u32).to_be_bytes();
        self.out.extend_from_slice(&rest[..bytes]);
        whole + self.count
    }

    /// Writes the first `count` bits of what another writer wrote.
    pub(crate) fn append(&mut self, bits: &[u8], count: u32) {
        debug_assert_eq!(bits.len(), count.div_ceil(8) as usize);
        let (words, _) = bits.as_chunks::<8>();
        let whole = count as usize / 64;
        let start = self.out.len();
        self.out.resize(start + whole * 8, 0);
        let places = self.out[start..].as_chunks_mut::<8>().0;
        for (place, word) in places.iter_mut().zip(words) {
            // Of 64 bits, all that pend leave with some of the new ones, and as many pend as before.
            let word = u64::from_be_bytes(*word);
            *place = (self.pending << 1 << (63 - self.count) | word >> self.count).to_be_bytes();
            self.pending = word;
        }
        let rest = &bits[whole * 8..];
        let left = count % 64;
        // The last eight bytes end with the rest.
        let last = match bits.last_chunk::<8>() {
            Some(eight) if !rest.is_empty() => u64::from_be_bytes(*eight) << (64 - rest.len() * 8),
            _ => {
                rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)) << (64 - rest.len().max(1) * 8)
            }
        };
        if left >= 32 {
            self.put((last >> 32) as u32, 32);
        }
        let left_over = left % 32;
        if left_over > 0 {
            self.put((last << (left - left_over) >> (64 - left_over)) as u32, left_over);
        }
    }

    /// Writes a text of at most [`MAX_TEXT`] bytes.
    pub(crate) fn text(&mut self, class: TextClass, text: &[u8]) {
        self.framed(class, text, |writer| {
            // The same parse; most texts are short, and clearing the arrays is dearer than one might think.
            match text.len() {
                0..128 => writer.symbols::<128>(class, text),
                128..256 => writer.symbols::<256>(class, text),
                256..512 => writer.symbols::<512>(class, text),
                _ => writer.symbols::<1024>(class, text),
            }
        });
    }

    /// Writes a text of less than [`ROOM`](super::resume::ROOM) bytes, with what is known of the one before.
    pub(super) fn text_after(&mut self, class: TextClass, text: &[u8], resume: &mut Resume) {
        self.framed(class, text, |writer| writer.codes(class, resume.shortest(text)));
    }

    /// Writes a text's length and what `symbols` writes, or raw bytes where they are shorter.
    #[inline(always)]
    fn framed(&mut self, class: TextClass, text: &[u8], symbols: impl FnOnce(&mut Self)) {
        debug_assert!(text.len() <= MAX_TEXT);
        let start = (self.out.len(), self.pending, self.count);
        self.length(class, text.len());
        symbols(self);
        let coded = (self.out.len() - start.0) * 8 + self.count as usize - start.2 as usize;
        if coded > RAW_BITS + text.len() * 8 {
            self.out.truncate(start.0);
            (self.pending, self.count) = (start.1, start.2);
            self.put(0b1111, 4);
            self.put(text.len() as u32, 14);
            for &byte in text {
                self.put(u32::from(byte), 8);
            }
        }
    }

    fn length(&mut self, class: TextClass, length: usize) {
        for (prefix, row) in LENGTHS.iter().enumerate() {
            let &(from, bits) = &row[class as usize];
            if length < from + (1 << bits) {
                // `prefix` ones and a zero.
                self.put((1 << (prefix + 1)) - 2, prefix as u32 + 1);
                self.put((length - from) as u32, bits);
                return;
            }
        }
        unreachable!("the last row takes every length");
    }

    /// Not inlined: its array on the stack, whose pages are touched one by one, is for those alone who need it (20 ns of
    /// a token without texts).
    #[inline(never)]
    fn symbols<const ROOM: usize>(&mut self, class: TextClass, text: &[u8]) {
        let mut parse = Parse::<ROOM>::new();
        let mut start = 0;
        while start < text.len() {
            let window = start..text.len().min(start + WINDOW);
            start = window.end;
            parse.shortest(class, text, window);
            self.codes(class, &parse);
        }
    }

    fn codes<const ROOM: usize>(&mut self, class: TextClass, parse: &Parse<ROOM>) {
        // Local, so that they are registers.
        let (mut pending, mut count) = (self.pending, self.count);
        parse.codes(class, |code| {
            pending = pending << code.length | u64::from(code.bits);
            count += u32::from(code.length);
            if count >= 32 {
                count -= 32;
                self.out.extend_from_slice(&((pending >> count) as u32).to_be_bytes());
            }
        });
        (self.pending, self.count) = (pending, count);
    }
}

/// Bits of the mark and length of a raw text.
const RAW_BITS: usize = 4 + 14;

/// How lengths are written: row `n` is for lengths from the first number on, written as `n` ones, a zero and so many
/// bits. Destinations are longer than names. Four ones mean a raw text.
const LENGTHS: [[(usize, u32); 2]; 4] =
    [[(0, 6), (0, 5)], [(64, 6), (32, 5)], [(128, 7), (64, 7)], [(256, 13), (192, 13)]];

/// How many bits are read at once, wherever they begin in a byte.
const WINDOW_BITS: usize = 64 - 7;

/// Reads what [`BitWriter`] wrote. Every method returns `None` where the bits do not mean anything.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The last eight bytes, or all if they are fewer, and zeros.
    tail: [u8; 16],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut tail = [0; 16];
        let last = &bytes[bytes.len().saturating_sub(8)..];
        tail[..last.len()].copy_from_slice(last);
        BitReader { bytes, tail, at: 0 }
    }

    /// The next bits, with zeros beyond the end.
    fn peek(&self, count: usize) -> u32 {
        debug_assert!((1..=32).contains(&count));
        (self.window(self.at) >> (64 - count)) as u32
    }

    /// The bits from `at` on, [`WINDOW_BITS`] of them, the first one the highest, with zeros beyond the end.
    #[inline(always)]
    fn window(&self, at: usize) -> u64 {
        let from = at / 8;
        let eight = self.bytes.get(from..).and_then(|rest| rest.first_chunk::<8>());
        let eight = eight.or_else(|| {
            let tail_starts = self.bytes.len().saturating_sub(8);
            self.tail.get(from - tail_starts..)?.first_chunk()
        });
        u64::from_be_bytes(eight.copied().unwrap_or_default()) << (at % 8)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    fn take(&mut self, count: usize) -> Option<u32> {
        let bits = self.peek(count);
        self.skip(count)?;
        Some(bits)
    }

    /// Reads one text.
    pub(crate) fn text(&mut self, class: TextClass) -> Option<Vec<u8>> {
        // So many ones stand in front, at most as many as there are rows.
        let row = (self.peek(LENGTHS.len()) << (32 - LENGTHS.len())).leading_ones() as usize;
        self.skip(LENGTHS.len().min(row + 1))?;
        if row == LENGTHS.len() {
            let length = self.take(14)? as usize;
            // The bits that are left bound the allocation.
            if length > MAX_TEXT || self.at + length * 8 > self.bytes.len() * 8 {
                return None;
            }
            return (0..length).map(|_| self.take(8).map(|byte| byte as u8)).collect();
        }
        let (from, bits) = LENGTHS[row][class as usize];
        let length = from + self.take(bits as usize)? as usize;
        if length > MAX_TEXT {
            return None;
        }
        let mut text = vec![0; length + PHRASE_COPY];
        let mut done = 0;
        let rows = rows_of(class);
        let mut classes = START << 3 | START;
        // Local, so that they are registers.
        let (mut at, mut window, mut left) = (self.at, 0, 0);
        while done < length {
            // Beyond the end there are zeros, which are symbols too: what was too much is seen behind the loop.
            if left < MAX_CODE_BITS {
                (window, left) = (self.window(at), WINDOW_BITS);
            }
            let symbol = Symbol::of(rows, classes, window);
            at += symbol.code_bits();
            window <<= symbol.code_bits();
            left -= symbol.code_bits();
            classes = symbol.classes_after(classes);
            let end = done + symbol.length();
            if end > length {
                return None;
            }
            // What is too much is written over: a copy of a length that is known is one instruction.
            *text[done..].first_chunk_mut()? = *symbol.start();
            if symbol.length() > PHRASE_COPY {
                text[done + PHRASE_COPY..end].copy_from_slice(symbol.rest());
            }
            done = end;
        }
        self.at = at;
        self.skip(0)?;
        text.truncate(length);
        Some(text)
    }

    /// Whether nothing but padding (less than a byte, all zeros) is left.
    pub(crate) fn is_finished(&self) -> bool {
        let left = self.bytes.len() * 8 - self.at;
        left < 8 && (left == 0 || self.peek(left) == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::context;
    use super::super::table::{SYMBOLS, TABLE};
    use super::*;
    use proptest::prelude::*;

    fn coded(class: TextClass, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = BitWriter::new(&mut out);
        writer.text(class, text);
        writer.finish();
        out
    }

    fn round_trip(class: TextClass, text: &[u8]) {
        let bytes = coded(class, text);
        let mut reader = BitReader::new(&bytes);
        assert_eq!(reader.text(class).as_deref(), Some(text));
        assert!(reader.is_finished());
        assert!(bytes.len() <= text.len() + 3, "raw bytes are the worst case");
    }

    #[test]
    fn lengths_at_every_border() {
        for length in
            [0, 1, 31, 32, 63, 64, 95, 96, 127, 128, 191, 192, 255, 256, 511, 512, 513, 1025, MAX_TEXT]
        {
            for class in [TextClass::Target, TextClass::Name] {
                round_trip(class, &b"https://www.example.com/".repeat(400)[..length]);
                round_trip(class, &vec![0xfe; length]);
            }
        }
    }

    #[test]
    fn a_text_longer_than_allowed_is_refused() {
        let mut out = Vec::new();
        let mut writer = BitWriter::new(&mut out);
        writer.put(0b1110, 4);
        writer.put((MAX_TEXT - 256 + 1) as u32, 13);
        writer.finish();
        out.resize(9000, 0);
        assert_eq!(BitReader::new(&out).text(TextClass::Target), None);
        out[0] = 0xff;
        assert_eq!(BitReader::new(&out).text(TextClass::Target), None);
    }

    #[test]
    fn a_symbol_longer_than_what_is_left_is_refused() {
        let start = context(TextClass::Target, START, START);
        let mut tried = 0;
        for symbol in (256..SYMBOLS).filter(|symbol| TABLE.lengths(start)[*symbol] != u8::MAX) {
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            writer.length(TextClass::Target, TABLE.phrase(symbol).len() - 1);
            let code = TABLE.codes(start)[symbol];
            writer.put(u32::from(code.bits), u32::from(code.length));
            writer.finish();
            assert_eq!(BitReader::new(&out).text(TextClass::Target), None);
            tried += 1;
        }
        assert!(tried > 0);
    }

    proptest! {
        #[test]
        fn any_bytes_round_trip(text in proptest::collection::vec(any::<u8>(), 0..1200)) {
            round_trip(TextClass::Target, &text);
            round_trip(TextClass::Name, &text);
        }

        #[test]
        fn any_string_round_trips(text in "(https?://[a-z.]{1,20}/[a-zA-Z0-9/&=%_.-]{0,200})|\\PC{0,80}") {
            round_trip(TextClass::Target, text.as_bytes());
            round_trip(TextClass::Name, text.as_bytes());
        }

        #[test]
        fn any_bits_decode_or_fail(bits in proptest::collection::vec(any::<u8>(), 0..300)) {
            for class in [TextClass::Target, TextClass::Name] {
                if let Some(text) = BitReader::new(&bits).text(class) {
                    prop_assert!(text.len() <= MAX_TEXT);
                }
            }
        }
    }
}
