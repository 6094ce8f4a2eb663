//! The inside of a tag: where it ends, and the source ranges of its attributes.
//!
//! lol_html lexes attributes too, but keeps 48 bytes for each and 120 more when asked for them; a
//! stranger can put 500,000 into one tag. This walks the source and keeps nothing.
//! <https://html.spec.whatwg.org/multipage/parsing.html#before-attribute-name-state>

use std::ops::Range;

use memchr::memchr;

use super::stride;

pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

/// One attribute, as ranges in the source of its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: Range<usize>,
    /// Without quotes; empty after the name (or after `=`) where there is none.
    pub(crate) value: Range<usize>,
    /// From the name to the closing quote.
    pub(crate) whole: Range<usize>,
    pub(crate) quote: Option<u8>,
    /// An `=` stands behind the name.
    pub(crate) has_value: bool,
}

/// The attributes of a start or end tag in source order, duplicates included.
pub(crate) struct Attributes<'a> {
    source: &'a [u8],
    position: usize,
}

impl<'a> Attributes<'a> {
    /// `source` is a whole tag, from `<` to `>`.
    pub(crate) fn of(source: &'a [u8]) -> Attributes<'a> {
        Attributes { source, position: name_range(source).end }
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.source.get(self.position).is_some_and(|&byte| wanted(byte)) {
            self.position += 1;
        }
    }
}

impl Iterator for Attributes<'_> {
    type Item = Attribute;

    fn next(&mut self) -> Option<Attribute> {
        self.skip(|byte| is_space(byte) || byte == b'/');
        let start = self.position;
        if matches!(self.source.get(start), None | Some(b'>')) {
            return None;
        }
        self.position += 1; // a leading `=` belongs to the name
        self.skip(|byte| !is_space(byte) && !matches!(byte, b'/' | b'>' | b'='));
        let name = start..self.position;
        self.skip(is_space);
        if self.source.get(self.position) != Some(&b'=') {
            self.position = name.end;
            return Some(Attribute {
                whole: name.clone(),
                value: name.end..name.end,
                name,
                quote: None,
                has_value: false,
            });
        }
        self.position += 1;
        self.skip(is_space);
        let (value, quote) = match self.source.get(self.position) {
            Some(&quote @ (b'"' | b'\'')) => {
                let start = self.position + 1;
                let rest = self.source.get(start..).unwrap_or_default();
                let end = start + memchr(quote, rest).unwrap_or(rest.len());
                self.position = (end + 1).min(self.source.len());
                (start..end, Some(quote))
            }
            _ => {
                let start = self.position;
                self.skip(|byte| !is_space(byte) && byte != b'>');
                (start..self.position, None)
            }
        };
        Some(Attribute { whole: name.start..self.position, name, value, quote, has_value: true })
    }
}

/// What ends a tag name.
static ENDS_NAME: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        ends[byte] = is_space(byte as u8) || matches!(byte as u8, b'/' | b'>');
        byte += 1;
    }
    ends
};

/// The range of the tag name in the source of a start or end tag.
pub(crate) fn name_range(source: &[u8]) -> Range<usize> {
    let start = if source.get(1) == Some(&b'/') { 2 } else { 1 };
    let rest = source.get(start..).unwrap_or_default();
    let length = rest.iter().position(|&byte| ENDS_NAME[usize::from(byte)]);
    start..start + length.unwrap_or(rest.len())
}

/// The value of the first attribute of this name, which is in lower case.
pub(crate) fn first_value<'a>(source: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    Attributes::of(source)
        .find(|attribute| source[attribute.name.clone()].eq_ignore_ascii_case(name))
        .map(|attribute| &source[attribute.value])
}

/// Whether the tag ends in a `/` that is not part of an unquoted value.
pub(crate) fn is_self_closing(source: &[u8]) -> bool {
    if !source.ends_with(b"/>") {
        return false;
    }
    let last = Attributes::of(source).last();
    last.is_none_or(|attribute| attribute.whole.end <= source.len() - 2)
}

/// Where in a tag its scan for the end stands, so that it can go on with more input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagState {
    Name,
    BeforeAttribute,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    Quoted(u8),
    Unquoted,
}

impl TagState {
    /// Reads on from `position`; the index past the closing `>`, or none if more input is needed.
    pub(crate) fn find_end(&mut self, bytes: &[u8], mut position: usize) -> Option<usize> {
        while let Some(&byte) = bytes.get(position) {
            position += 1;
            *self = match (*self, byte) {
                (TagState::Quoted(quote), _) => {
                    position += memchr(quote, &bytes[position - 1..])?;
                    TagState::BeforeAttribute
                }
                (_, b'>') => return Some(position),
                (TagState::Unquoted, byte) if !is_space(byte) => TagState::Unquoted,
                (TagState::Unquoted, _) => TagState::BeforeAttribute,
                (TagState::BeforeValue, b'"' | b'\'') => TagState::Quoted(byte),
                (TagState::BeforeValue, byte) if is_space(byte) => TagState::BeforeValue,
                (TagState::BeforeValue, _) => TagState::Unquoted,
                (_, b'/') => TagState::BeforeAttribute,
                (TagState::AttributeName | TagState::AfterAttributeName, b'=') => TagState::BeforeValue,
                (TagState::Name, byte) if !is_space(byte) => TagState::Name,
                (TagState::Name | TagState::BeforeAttribute, byte) if is_space(byte) => {
                    TagState::BeforeAttribute
                }
                (TagState::AttributeName | TagState::AfterAttributeName, byte) if is_space(byte) => {
                    TagState::AfterAttributeName
                }
                _ => TagState::AttributeName,
            };
        }
        None
    }
}

/// The end of a whole tag that starts at `bytes[0]`, in one go. `unmarked` becomes true if it was read in strides
/// and none of its attributes was one of SparkPost's.
pub(crate) fn end_of_tag(bytes: &[u8], state: &mut TagState, unmarked: &mut bool) -> Option<usize> {
    let name = if bytes.get(1) == Some(&b'/') { 2 } else { 1 };
    match stride::attributes(bytes, name, stride::skip_plain_name(bytes, name)) {
        Ok((end, none)) => {
            *unmarked = none;
            Some(end)
        }
        Err(stuck) => {
            *state = stuck.state;
            state.find_end(bytes, stuck.at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(source: &str) -> Vec<(String, String)> {
        Attributes::of(source.as_bytes())
            .map(|a| (source[a.name].to_owned(), source[a.value].to_owned()))
            .collect()
    }

    #[test]
    fn attributes_of_odd_tags() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(list("<a/href=x>"), [pair("href", "x")]);
        assert_eq!(list("<a href = 'x y'b>"), [pair("href", "x y"), pair("b", "")]);
        assert_eq!(list("<a x =v>"), [pair("x", "v")]);
        assert_eq!(list("<a =v>"), [pair("=v", "")]);
        assert_eq!(list("<a ==v>"), [pair("=", "v")]);
        assert_eq!(list("<a href=http://x/>"), [pair("href", "http://x/")]);
        assert_eq!(list("<a href=>"), [pair("href", "")]);
        assert_eq!(list("<a k=\"0\"href=u>"), [pair("k", "0"), pair("href", "u")]);
        assert_eq!(list("</a href='>'>"), [pair("href", ">")]);
    }

    #[test]
    fn self_closing_is_not_an_unquoted_slash() {
        assert!(is_self_closing(b"<a/>"));
        assert!(is_self_closing(b"<a b/>"));
        assert!(is_self_closing(b"<a b=c />"));
        assert!(is_self_closing(b"<a b=''/>"));
        assert!(!is_self_closing(b"<a b=c/>"));
        assert!(!is_self_closing(b"<a>"));
    }

    #[test]
    fn ends_are_found_at_every_split() {
        assert_eq!(end_of_tag(b"</a='>'>", &mut { TagState::Name }, &mut false), Some(6));
        for tag in
            ["<a b='>' c=\">\" d=e/ f>", "<a/ =\">", "<a b=c'>", "<a 'x>'>", "<a b = '>'>", "</p x='>'/>"]
        {
            let text = format!("{tag}tail>");
            let whole = end_of_tag(text.as_bytes(), &mut TagState::Name, &mut false);
            let naive = Attributes::of(text.as_bytes());
            assert!(naive.count() < 6);
            for split in 2..text.len() {
                let mut state = TagState::Name;
                let first = end_of_tag(&text.as_bytes()[..split], &mut state, &mut false);
                let end = first.or_else(|| state.find_end(text.as_bytes(), split));
                assert_eq!(end, whole, "{tag} at {split}");
            }
        }
    }
}
