//! The grammar of structured header fields, read as leniently as mail clients do.
//! RFC 2045 section 5.1, RFC 2231, RFC 5322 section 3.2.

/// Reads a structured value as it stands, folding and all.
pub(super) struct Lexer<'a> {
    pub(super) rest: &'a [u8],
    /// A comment has no end, so that nobody knows what is comment and what is not.
    pub(super) endless_comment: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(value: &'a [u8]) -> Lexer<'a> {
        Lexer { rest: value, endless_comment: false }
    }

    pub(super) fn take_until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|&byte| stop(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Blanks, line breaks and comments. RFC 5322 section 3.2.2: comments nest and know quoted pairs.
    pub(super) fn skip_blanks(&mut self) {
        let mut depth = 0usize;
        let mut at = 0;
        while let Some(&byte) = self.rest.get(at) {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => at += 1,
                _ if depth > 0 || is_blank(byte) => {}
                _ => break,
            }
            at += 1;
        }
        self.rest = self.rest.get(at..).unwrap_or_default();
        self.endless_comment |= depth > 0;
    }

    pub(super) fn skip_separators(&mut self) {
        self.skip_blanks();
        while let [b';', rest @ ..] = self.rest {
            self.rest = rest;
            self.skip_blanks();
        }
    }

    pub(super) fn media_type(&mut self) -> Option<String> {
        self.skip_blanks();
        let main = self.take_until(|byte| !is_token(byte));
        self.skip_blanks();
        self.rest = self.rest.strip_prefix(b"/")?;
        self.skip_blanks();
        let sub = self.take_until(|byte| !is_token(byte));
        let ends = matches!(self.rest.first(), None | Some(b';' | b'(')) || is_blank(self.rest[0]);
        if main.is_empty() || sub.is_empty() || !ends {
            return None;
        }
        let mut media_type = [main, b"/", sub].concat();
        media_type.make_ascii_lowercase();
        String::from_utf8(media_type).ok()
    }

    /// The next parameter's name, and its value if it has one.
    pub(super) fn parameter(&mut self) -> Option<(&'a [u8], Option<Vec<u8>>)> {
        self.skip_separators();
        if self.rest.is_empty() {
            return None;
        }
        let name = self.take_until(|byte| matches!(byte, b'=' | b';' | b'(') || is_blank(byte));
        self.skip_blanks();
        let Some(rest) = self.rest.strip_prefix(b"=") else {
            return Some((name, None));
        };
        self.rest = rest;
        self.skip_blanks();
        Some((name, Some(self.value())))
    }

    pub(super) fn value(&mut self) -> Vec<u8> {
        if self.rest.starts_with(b"\"") {
            return self.quoted();
        }
        // More than RFC 2045's tokens: unquoted boundaries full of `=`, `/` and `?` are everyday mail.
        self.take_until(|byte| matches!(byte, b';' | b'(') || is_blank(byte)).to_vec()
    }

    /// A quoted string, without the line breaks of its folding. One that nobody ends is ended by the
    /// line.
    fn quoted(&mut self) -> Vec<u8> {
        let inside = &self.rest[1..];
        let plain = inside.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\r' | b'\n'));
        let mut at = plain.unwrap_or(inside.len());
        let mut text = inside[..at].to_vec();
        while let Some(&byte) = inside.get(at) {
            match byte {
                b'"' => {
                    self.rest = &inside[at + 1..];
                    return text;
                }
                b'\\' if inside.get(at + 1).is_some_and(|next| !matches!(next, b'\r' | b'\n')) => {
                    at += 1;
                    text.push(inside[at]);
                }
                b'\n' => {}
                b'\r' if inside.get(at + 1) == Some(&b'\n') => {}
                _ => text.push(byte),
            }
            at += 1;
        }
        let line = inside.iter().position(|&byte| byte == b'\n').unwrap_or(inside.len());
        self.rest = &inside[line..];
        inside[..line].trim_ascii_end().to_vec()
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// RFC 2045 section 5.1: `token`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

/// The parameters that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Boundary,
    Charset,
    DelSp,
    FileName,
    Format,
    Name,
    Start,
}

const KNOWN: [(&[u8], Known); 7] = [
    (b"boundary", Known::Boundary),
    (b"charset", Known::Charset),
    (b"delsp", Known::DelSp),
    (b"filename", Known::FileName),
    (b"format", Known::Format),
    (b"name", Known::Name),
    (b"start", Known::Start),
];

/// How RFC 2231 spells a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// `name=`
    Plain,
    /// `name*=`
    Extended,
    /// `name*0=` and `name*0*=`
    Section(u32, bool),
}

impl Form {
    fn parse(stars: &[u8]) -> Option<Form> {
        let Some(stars) = stars.strip_prefix(b"*") else {
            return stars.is_empty().then_some(Form::Plain);
        };
        if stars.is_empty() {
            return Some(Form::Extended);
        }
        let (number, extended) = match stars.strip_suffix(b"*") {
            Some(number) => (number, true),
            None => (stars, false),
        };
        let digits = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(number).ok().filter(|_| digits)?.parse().ok()?;
        Some(Form::Section(number, extended))
    }
}

#[derive(Default)]
pub(super) struct Parameters {
    found: Vec<(Known, Form, Vec<u8>)>,
}

impl Parameters {
    pub(super) fn add(&mut self, (name, value): (&[u8], Option<Vec<u8>>)) {
        let (base, stars) = name.split_at(name.iter().position(|&byte| byte == b'*').unwrap_or(name.len()));
        let known = KNOWN.iter().find(|(name, _)| base.eq_ignore_ascii_case(name));
        if let (Some(&(_, known)), Some(form), Some(value)) = (known, Form::parse(stars), value) {
            self.found.push((known, form, value));
        }
    }

    pub(super) fn has(&self, known: Known) -> bool {
        self.found.iter().any(|(name, ..)| *name == known)
    }

    /// The value, and whether another one contradicts it.
    pub(super) fn resolve(&mut self, known: Known, exact: bool) -> (Option<Vec<u8>>, bool) {
        let mut found = self.found.iter_mut().filter(|(name, ..)| *name == known);
        match (found.next(), found.next()) {
            (None, _) => return (None, false),
            (Some((_, Form::Plain, value)), None) => return (Some(std::mem::take(value)), false),
            _ => {}
        }
        let mut values: Vec<Vec<u8>> = Vec::new();
        let mut sections: Vec<(u32, bool, &[u8])> = Vec::new();
        for (_, form, value) in self.found.iter().filter(|(name, ..)| *name == known) {
            match *form {
                Form::Plain => values.push(value.clone()),
                Form::Extended => values.push(percent_decoded(without_language(value))),
                Form::Section(number, extended) => sections.push((number, extended, value)),
            }
        }
        sections.sort_unstable();
        sections.dedup();
        let mut joined = Vec::new();
        let mut differs = false;
        for (index, &(number, extended, value)) in sections.iter().enumerate() {
            // A gap, or a number that is there twice: two readers may put it together differently.
            if number as usize != index {
                differs = true;
                break;
            }
            match (extended, index) {
                (true, 0) => joined.extend(percent_decoded(without_language(value))),
                (true, _) => joined.extend(percent_decoded(value)),
                (false, _) => joined.extend_from_slice(value),
            }
        }
        if !sections.is_empty() {
            values.push(joined);
        }
        let same = |one: &Vec<u8>, other: &Vec<u8>| {
            if exact { one == other } else { one.eq_ignore_ascii_case(other) }
        };
        differs |= values.windows(2).any(|pair| !same(&pair[0], &pair[1]));
        (values.into_iter().next(), differs)
    }
}

/// RFC 2231 section 4: `charset'language'value`.
fn without_language(value: &[u8]) -> &[u8] {
    value.splitn(3, |&byte| byte == b'\'').nth(2).unwrap_or(value)
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let hex = |byte: u8| (byte as char).to_digit(16);
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'%', &[high, low, ref after @ ..]) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    decoded.push((high * 16 + low) as u8);
                    rest = after;
                }
                _ => decoded.push(b'%'),
            },
            _ => decoded.push(*byte),
        }
    }
    decoded
}
