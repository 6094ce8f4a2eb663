//! What a character means to a URL in text.

use encoding_rs::{Decoder, UTF_8};

use crate::charset::Charset;

/// What a character says of a URL that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// White space, control characters, `<`, `>` and `"`: it ends.
    Blank,
    /// Punctuation that no URL holds: it ends.
    Mark,
    /// It ends, unless a word goes on behind it; then nobody can tell.
    Weak,
    /// It goes on, but does not end with these: `.,;:!?'`.
    Trailing,
    /// Letters, digits, and what stands between the words of a URL.
    Word,
    /// Other characters of a URL.
    Other,
    /// It may go on, and may not.
    Unsure,
}

/// The class of the character at `at`, and its length in bytes. At the end of the text it is [`Class::Blank`].
pub(super) fn class(bytes: &[u8], at: usize, charset: Charset) -> (Class, usize) {
    match bytes.get(at) {
        None => (Class::Blank, 0),
        Some(&byte) if byte < 0x80 => (ascii(byte), 1),
        Some(_) => match first(&bytes[at..], charset) {
            Some((c, length)) => (beyond_ascii(c), length),
            None => (Class::Unsure, 1),
        },
    }
}

/// RFC 3986, section 2 and appendix C.
fn ascii(byte: u8) -> Class {
    match byte {
        0..=b' ' | 0x7f | b'"' | b'<' | b'>' => Class::Blank,
        b'{' | b'}' | b'|' | b'\\' | b'^' | b'`' => Class::Weak,
        b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' => Class::Trailing,
        b'(' | b')' | b'[' | b']' | b'*' => Class::Other,
        _ => Class::Word,
    }
}

/// RFC 3987 lets nearly all of Unicode into a URL; mail clients do not. Classes by blocks, so that no table is needed:
/// what is not known to be punctuation makes the link stay as it is.
fn beyond_ascii(c: char) -> Class {
    match c {
        c if c.is_whitespace() || c.is_control() || c == '\u{feff}' => Class::Blank,
        // Mongolian, Hangul, Thai, Lao, Myanmar, Khmer, CJK: words stand, or may stand, without spaces.
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{18af}' => Class::Unsure,
        '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{3030}' | '\u{30fb}' => Class::Mark,
        '\u{fe10}'..='\u{fe1f}' | '\u{fe30}'..='\u{fe6f}' => Class::Mark,
        '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' => Class::Mark,
        '\u{ff5b}'..='\u{ff65}' | '\u{ffe0}'..='\u{ffef}' => Class::Mark,
        '\u{2e80}'..='\u{a4cf}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' => Class::Unsure,
        '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{1b000}'..='\u{1b16f}' => Class::Unsure,
        '\u{20000}'..='\u{3ffff}' => Class::Unsure,
        // Latin-1 signs, general punctuation, symbols, supplemental punctuation, emoji.
        '\u{a1}'..='\u{bf}' | '×' | '÷' if !c.is_alphabetic() => Class::Weak,
        '\u{200c}' | '\u{200d}' => Class::Unsure,
        '\u{2000}'..='\u{206f}' | '\u{20a0}'..='\u{20cf}' | '\u{2190}'..='\u{2bff}' => Class::Weak,
        '\u{2e00}'..='\u{2e7f}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f000}'..='\u{1faff}' => Class::Weak,
        // Arabic comma, semicolon, question mark and full stop; Devanagari danda.
        '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{6d4}' | '\u{964}' | '\u{965}' => Class::Weak,
        // Letters, and the marks that decomposed ones are made of.
        c if c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c) => Class::Word,
        _ => Class::Unsure,
    }
}

/// The first character, which is not ASCII, and its length; none if the charset cannot read it.
fn first(bytes: &[u8], charset: Charset) -> Option<(char, usize)> {
    /// gb18030 and UTF-8.
    const LONGEST: usize = 4;

    let Charset::Known(encoding) = charset else { return None };
    (1..=LONGEST.min(bytes.len())).find_map(|length| {
        let bytes = &bytes[..length];
        let text = match encoding == UTF_8 {
            true => std::str::from_utf8(bytes).ok()?.into(),
            false => encoding.decode_without_bom_handling_and_without_replacement(bytes)?,
        };
        text.chars().next().map(|c| (c, length))
    })
}

/// Tells where characters begin, in charsets where letters may be the second byte of one: Shift_JIS, Big5, GBK, gb18030 and
/// EUC-KR.
pub(super) struct Boundaries<'a> {
    decoder: Decoder,
    bytes: &'a [u8],
    at: usize,
    /// The character read last is ASCII.
    is_ascii: bool,
}

impl<'a> Boundaries<'a> {
    /// None where every ASCII byte is a character.
    pub(super) fn of(bytes: &'a [u8], charset: Charset) -> Option<Boundaries<'a>> {
        let Charset::Known(encoding) = charset else { return None };
        if encoding == UTF_8 || encoding.is_single_byte() {
            return None;
        }
        Some(Boundaries {
            decoder: encoding.new_decoder_without_bom_handling(),
            bytes,
            at: 0,
            is_ascii: true,
        })
    }

    /// If a character begins at `at`: whether the one before it is ASCII. Later calls must not ask for what stands
    /// before.
    pub(super) fn between(&mut self, at: usize) -> Option<bool> {
        let mut text = [0; 1024];
        while self.at < at {
            let (_, read, written, _) =
                self.decoder.decode_to_utf8(&self.bytes[self.at..at], &mut text, false);
            self.at += read;
            self.is_ascii = text[..written].last().map_or(self.is_ascii, u8::is_ascii);
        }
        // Only between characters could a decoder hand on bytes as they are.
        self.decoder.latin1_byte_compatible_up_to(b"").map(|_| self.is_ascii)
    }
}
