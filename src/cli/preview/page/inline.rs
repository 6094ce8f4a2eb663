//! Pictures that a message has in itself, by their Content-ID (RFC 2392).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openclick::source::Message;

use super::remote::scheme;

/// Bytes of one picture, and of all.
const MOST_BYTES: usize = 2 << 20;
const MOST_BYTES_IN_ALL: usize = 8 << 20;

/// The pictures of a message that its HTML shows.
#[derive(Default)]
pub(super) struct Inline<'m> {
    message: Option<&'m Message<'m>>,
    /// The part of each Content-ID.
    parts: HashMap<String, usize>,
    /// The picture that was made of a part; none where it is too large or no picture.
    made: HashMap<usize, Option<usize>>,
    bytes: usize,
    /// As data URLs.
    pub(super) pictures: Vec<String>,
}

impl<'m> Inline<'m> {
    /// Of HTML that is no message.
    pub(super) fn none() -> Inline<'m> {
        Inline::default()
    }

    /// Of a message.
    pub(super) fn of(message: &'m Message<'m>) -> Inline<'m> {
        let mut parts = HashMap::new();
        for part in message.parts().filter(|part| kind(part.media_type()).is_some()) {
            let fields = part.fields();
            if let Some(field) = fields.iter().find(|field| field.is("content-id")) {
                let id = String::from_utf8_lossy(field.value.trim_ascii());
                let id = id.trim_start_matches('<').trim_end_matches('>').to_owned();
                parts.entry(id).or_insert(part.index());
            }
        }
        Inline { message: Some(message), parts, ..Inline::default() }
    }

    /// The picture of a `cid:` URL, by its place in `pictures`.
    pub(super) fn picture(&mut self, url: &str) -> Option<usize> {
        if scheme(url)? != "cid" {
            return None;
        }
        let id = percent_decoded(url.trim().split_once(':')?.1);
        let part = *self.parts.get(&id)?;
        if let Some(made) = self.made.get(&part) {
            return *made;
        }
        let made = self.make(part);
        self.made.insert(part, made);
        made
    }

    fn make(&mut self, index: usize) -> Option<usize> {
        let part = self.message?.part(index);
        // No encoding makes the body smaller than this.
        if part.body_range().len() > MOST_BYTES * 3 {
            return None;
        }
        let decoded = part.decoded()?;
        if decoded.len() > MOST_BYTES || self.bytes + decoded.len() > MOST_BYTES_IN_ALL {
            return None;
        }
        self.bytes += decoded.len();
        self.pictures.push(format!("data:{};base64,{}", kind(part.media_type())?, STANDARD.encode(&decoded)));
        Some(self.pictures.len() - 1)
    }
}

/// The media type of a picture that browsers show.
fn kind(media_type: &str) -> Option<&'static str> {
    Some(match media_type {
        "image/png" => "image/png",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "image/jpeg",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        "image/avif" => "image/avif",
        "image/bmp" => "image/bmp",
        "image/svg+xml" => "image/svg+xml",
        _ => return None,
    })
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|_| *first == b'%');
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
