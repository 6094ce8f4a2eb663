//! The search for one byte nearby: the quote that ends a value, the `<` that ends a text.

use memchr::memchr;

const ONES: u64 = 0x0101_0101_0101_0101;

/// Where `wanted` first stands.
///
/// Half of all values are shorter than eight bytes and nearly all values and texts shorter than a hundred, where
/// calling [`memchr`] costs more than the search: eight bytes are looked at in a number, then 32 at once.
#[inline(always)]
pub(crate) fn find(wanted: u8, bytes: &[u8]) -> Option<usize> {
    let Some(&eight) = bytes.first_chunk() else { return memchr(wanted, bytes) };
    if let Some(at) = find_in_word(wanted, eight) {
        return Some(at);
    }
    let mut at = 8;
    for _ in 0..4 {
        let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<32>) else { break };
        // Without a branch, so that the compiler makes vector instructions of it.
        if chunk.iter().fold(false, |found, &byte| found | (byte == wanted)) {
            return find_in_chunk(wanted, chunk).map(|index| at + index);
        }
        at += 32;
    }
    memchr(wanted, &bytes[at..]).map(|index| at + index)
}

#[inline]
fn find_in_chunk(wanted: u8, chunk: &[u8; 32]) -> Option<usize> {
    let (words, _) = chunk.as_chunks::<8>();
    words.iter().enumerate().find_map(|(index, &eight)| Some(8 * index + find_in_word(wanted, eight)?))
}

#[inline]
fn find_in_word(wanted: u8, eight: [u8; 8]) -> Option<usize> {
    let difference = u64::from_le_bytes(eight) ^ (ONES * u64::from(wanted));
    // The lowest byte that is zero has its highest bit set here.
    let zeros = difference.wrapping_sub(ONES) & !difference & (ONES << 7);
    (zeros != 0).then(|| zeros.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_at_every_place() {
        for length in 0..300 {
            // A neighbour in the number must not be taken for it.
            let mut bytes = vec![b'#'; length];
            assert_eq!(find(b'"', &bytes), None);
            for at in (0..length).rev() {
                bytes[at] = b'"';
                assert_eq!(find(b'"', &bytes), Some(at));
            }
        }
    }
}
