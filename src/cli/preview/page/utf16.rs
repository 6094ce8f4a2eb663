//! Offsets as scripts count them.

/// How far apart the places are that are remembered, in bytes.
const STEP: usize = 256;

/// Turns offsets in UTF-8 into offsets in UTF-16.
pub(super) struct Utf16<'a> {
    text: &'a str,
    /// The offset in UTF-16 of each step; none where both are the same.
    steps: Vec<usize>,
}

impl<'a> Utf16<'a> {
    /// Of a text.
    pub(super) fn of(text: &'a str) -> Utf16<'a> {
        let mut steps = Vec::new();
        if !text.is_ascii() {
            let mut units = 0;
            for chunk in text.as_bytes().chunks(STEP) {
                steps.push(units);
                units += chunk.iter().map(|byte| units_of(*byte)).sum::<usize>();
            }
            steps.push(units);
        }
        Utf16 { text, steps }
    }

    /// The offset in UTF-16 of the character that begins at this offset.
    pub(super) fn at(&self, offset: usize) -> usize {
        let Some(step) = self.steps.get(offset / STEP) else { return offset };
        let rest = &self.text.as_bytes()[offset / STEP * STEP..offset];
        step + rest.iter().map(|byte| units_of(*byte)).sum::<usize>()
    }
}

/// A byte that begins a character stands for its units.
fn units_of(byte: u8) -> usize {
    match byte {
        0x80..=0xbf => 0,
        0xf0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library_counts() {
        for text in ["", "plain", &"aé€😀".repeat(300), &"a".repeat(600)] {
            let units = Utf16::of(text);
            for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
                assert_eq!(units.at(offset), text[..offset].encode_utf16().count(), "{offset}");
            }
        }
    }
}
