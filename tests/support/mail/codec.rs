//! The transfer encodings, a byte at a time: what the laws compare with.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes a body; none if it is not what its encoding says. `name` as reports spell it.
pub(crate) fn decode(body: &[u8], name: &str) -> Option<Vec<u8>> {
    match name {
        "quoted-printable" => Some(quoted_printable(body).into_iter().map(|(_, byte)| byte).collect()),
        "base64" => base64(body),
        "7bit" | "8bit" | "binary" => Some(body.to_vec()),
        _ => None,
    }
}

/// The decoded bytes, each with the offset at which its encoding begins.
pub(crate) fn quoted_printable(body: &[u8]) -> Vec<(usize, u8)> {
    let digit = |at: usize| body.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::new();
    let mut at = 0;
    while at < body.len() {
        if body[at] != b'=' {
            out.push((at, body[at]));
            at += 1;
        } else if let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) {
            out.push((at, (high * 16 + low) as u8));
            at += 3;
        } else {
            let blanks = body[at + 1..].iter().take_while(|byte| b" \t\r".contains(byte)).count();
            match body.get(at + 1 + blanks) {
                None => at = body.len(),
                Some(b'\n') => at += blanks + 2,
                Some(_) => {
                    out.push((at, b'='));
                    at += 1;
                }
            }
        }
    }
    out
}

fn base64(body: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for line in body.split(|&byte| byte == b'\n') {
        // White space around a line, none within it.
        let white = |byte: &u8| b" \t\r".contains(byte);
        let start = line.iter().position(|byte| !white(byte)).unwrap_or(line.len());
        let end = line.iter().rposition(|byte| !white(byte)).map_or(start, |last| last + 1);
        text.extend_from_slice(&line[start..end]);
    }
    let characters = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    let padding = text.len() - characters;
    if padding > 2 || padding > 0 && !text.len().is_multiple_of(4) || characters % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::new();
    let (mut waiting, mut bits) = (0u32, 0);
    for byte in &text[..characters] {
        waiting = waiting << 6 | ALPHABET.iter().position(|known| known == byte)? as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((waiting >> bits) as u8);
            waiting &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

/// Encodes in lines of `width` characters.
pub(crate) fn to_base64(bytes: &[u8], width: usize, line_end: &str) -> Vec<u8> {
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let number = (0..3).fold(0u32, |number, at| number << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = ALPHABET[(number >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { digit } else { b'=' });
        }
    }
    text.chunks(width).collect::<Vec<_>>().join(line_end.as_bytes())
}

/// Encodes so that no line passes `width`; line ends stay line ends.
pub(crate) fn to_quoted_printable(bytes: &[u8], width: usize, line_end: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut column = 0;
    for &byte in bytes {
        if byte == b'\n' {
            out.push(byte);
            column = 0;
            continue;
        }
        let token = match byte {
            b' '..=b'<' | b'>'..=b'~' | b'\r' => vec![byte],
            _ => format!("={byte:02X}").into_bytes(),
        };
        if column + token.len() >= width {
            out.extend_from_slice(format!("={line_end}").as_bytes());
            column = 0;
        }
        column += token.len();
        out.extend(token);
    }
    out
}

#[test]
fn what_is_encoded_decodes() {
    let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
    for length in [0, 1, 2, 3, 4, 76, 700] {
        for width in [4, 5, 76, 1000] {
            for line_end in ["\n", "\r\n"] {
                let text = &bytes[..length];
                assert_eq!(decode(&to_base64(text, width, line_end), "base64").unwrap(), text);
                let encoded = to_quoted_printable(text, width, line_end);
                assert_eq!(decode(&encoded, "quoted-printable").unwrap(), text);
            }
        }
    }
}
