//! The reading of a whole tag in strides: an attribute at a time where [`TagState`] goes a byte at a time.
//!
//! Nearly every attribute is a plain name, `="` and a quoted value. The first that is of no kind known here
//! leaves the rest to the state machine, as does a tag that is not complete.

use super::byte;
use super::tag::{TagState, is_space};
use super::tree::name::Name;

/// Of the bytes that end a name none has this bit, all letters have.
const NO_END: u64 = 0x4040_4040_4040_4040;

/// A whole start tag.
pub(super) struct StartTag {
    pub(super) name: Name,
    pub(super) length: usize,
    /// None of its attributes has a name like SparkPost's.
    pub(super) unmarked: bool,
}

/// Where the state machine takes over, and how it stands there.
pub(super) struct Stuck {
    pub(super) at: usize,
    pub(super) state: TagState,
}

/// The start tag at `bytes[0]`, if its name is a known one and it can be read to its end in strides.
#[inline(always)]
pub(super) fn start_tag(bytes: &[u8]) -> Option<StartTag> {
    let (name, length) = Name::at_start(bytes.get(1..)?)?;
    let (length, unmarked) = attributes(bytes, 1, length + 1).ok()?;
    Some(StartTag { name, length, unmarked })
}

/// The end tag at `bytes[0]`, and its length, if its name is a known one and nothing follows it: nearly all are such.
#[inline(always)]
pub(super) fn end_tag(bytes: &[u8]) -> Option<(Name, usize)> {
    let (name, length) = Name::at_start(bytes.get(2..)?)?;
    (bytes.get(length + 2) == Some(&b'>')).then_some((name, length + 3))
}

/// The end of the tag at `bytes[0]`, whose name stands at `name` and ends at or before `at`, and whether none of its
/// attributes has a name like SparkPost's.
#[inline(always)]
pub(super) fn attributes(bytes: &[u8], name: usize, mut at: usize) -> Result<(usize, bool), Stuck> {
    let mut marked = false;
    let mut stuck = Stuck { at: name, state: TagState::Name };
    while let Some(&byte) = bytes.get(at) {
        if byte == b'>' {
            return Ok((at + 1, !marked));
        }
        if !is_space(byte) {
            if byte == b'/' && bytes.get(at + 1) == Some(&b'>') {
                return Ok((at + 2, !marked));
            }
            break;
        }
        at += 1;
        while bytes.get(at).is_some_and(|&byte| is_space(byte)) {
            at += 1;
        }
        let name = at;
        let Some(&eight) = bytes.get(name..).and_then(<[u8]>::first_chunk) else { break };
        let eight = u64::from_le_bytes(eight);
        let length = (!eight & NO_END).trailing_zeros() / 8;
        if length > 0 && eight.checked_shr(8 * length).is_some_and(|rest| rest as u8 == b'=') {
            at += length as usize;
        } else {
            at = skip_plain_name(bytes, name);
            if at == name {
                continue; // the end, or for the state machine, which knows what was before the white space
            }
        }
        stuck = Stuck { at: name, state: TagState::BeforeAttribute };
        // A stray byte may be taken for a dash.
        marked |= eight | 0x2020_2020_2020_2020 == u64::from_le_bytes(*b"data-msy");
        match bytes.get(at..) {
            Some(&[b'=', quote @ (b'"' | b'\''), ref value @ ..]) => {
                let Some(length) = byte::find(quote, value) else { break };
                at += 2 + length + 1;
                stuck = Stuck { at, state: TagState::BeforeAttribute };
            }
            Some(&[b'=', first, ref value @ ..]) if !is_space(first) && first != b'>' => {
                let Some(length) = value.iter().position(|&byte| is_space(byte) || byte == b'>') else {
                    break;
                };
                at += 2 + length;
                stuck = Stuck { at, state: TagState::Unquoted };
            }
            // A name alone; an `=` may follow behind white space.
            Some(&[byte, ..]) if is_space(byte) || byte == b'>' => {
                stuck = Stuck { at, state: TagState::AttributeName };
            }
            _ => break,
        }
    }
    Err(stuck)
}

/// The index past the letters, digits and `-:_` at `at`, which are most names; and past other bytes that
/// mean nothing in a name. Eight at once.
pub(super) fn skip_plain_name(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = match rest.first_chunk() {
            Some(&eight) => (!u64::from_le_bytes(eight) & NO_END).trailing_zeros() as usize / 8,
            None => rest.iter().take_while(|&&byte| byte & 0x40 != 0).count(),
        };
        at += length;
        match rest.get(length) {
            Some(b'-' | b':' | b'0'..=b'9') => at += 1,
            Some(_) if length == 8 => {}
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tag::end_of_tag;
    use super::*;

    proptest::proptest! {
        #[test]
        fn strides_end_where_the_state_machine_ends(rest in "[a-zA @0-9:_/>='\"\n\u{e9}.-]{0,40}") {
            let tag = format!("<a{rest}");
            let slow = TagState::Name.find_end(tag.as_bytes(), 1);
            proptest::prop_assert_eq!(end_of_tag(tag.as_bytes(), &mut { TagState::Name }, &mut false), slow);
        }

        #[test]
        fn attributes_in_strides(
            attributes in "(( |\n |/| /|)([a-z-]{1,12}|data-msys)( ?= ?|=)(\"[a-z0-9 >]{0,20}\"|'[^']{0,9}'|[a-z'/]{0,4}|)){0,5}[> /]{0,2}",
        ) {
            let tag = format!("<td{attributes}tail>and what follows");
            let slow = TagState::Name.find_end(tag.as_bytes(), 1);
            let mut unmarked = false;
            proptest::prop_assert_eq!(
                end_of_tag(tag.as_bytes(), &mut { TagState::Name }, &mut unmarked), slow);
            let tag = &tag.as_bytes()[..slow.unwrap_or(0)];
            let marks = super::super::tag::Attributes::of(tag).any(|a| tag[a.name].starts_with(b"data-msy"));
            proptest::prop_assert!(!(unmarked && marks));
            if let Some(read) = start_tag(tag) {
                proptest::prop_assert_eq!((read.name, read.length), (Name::TD, tag.len()));
            }
        }
    }

    #[test]
    fn marks_are_not_missed() {
        let unmarked = |tag: &[u8]| {
            let mut unmarked = false;
            // What follows, since the last bytes of a document are read one by one.
            let bytes = [tag, b"what follows"].concat();
            assert_eq!(end_of_tag(&bytes, &mut { TagState::Name }, &mut unmarked), Some(tag.len()));
            unmarked
        };
        assert!(unmarked(b"<a>"));
        assert!(unmarked(b"<br />"));
        assert!(unmarked(b"<a href=\"msys\" data-m='data-msys-linkname'>"));
        assert!(unmarked(b"<td nowrap width=100 height=2>"));
        assert!(!unmarked(b"<a href=\"u\" data-msys-linkname=\"x\" title=\"t\">"));
        assert!(!unmarked(b"<a DATA-msYS-linkname='x'>"));
        assert!(!unmarked(b"<a href=u data-msys-linkname=x>"));
        assert!(!unmarked(b"<a data-msys-clicktrack>"));
        // What the state machine reads may hold any.
        assert!(!unmarked(b"<a/data-msys-clicktrack=0>"));
        assert!(!unmarked(b"<a href =u data-msys-linkname=x>"));
    }

    #[test]
    fn tags_of_all_kinds() {
        let start = |tag: &[u8]| start_tag(tag).map(|read| (read.name, read.length));
        assert_eq!(start(b"<td width=\"1\" nowrap>text"), Some((Name::TD, 21)));
        assert_eq!(start(b"<IMG src=a/b/>       "), Some((Name::IMG, 14)));
        assert_eq!(start(b"<h1 class=''/>text "), Some((Name::H1, 14)));
        assert_eq!(start(b"<td width=\"1\" nowrap"), None);
        assert_eq!(start(b"<tdd>            "), None);
        assert_eq!(end_tag(b"</Td>          "), Some((Name::TD, 5)));
        assert_eq!(end_tag(b"</td >          "), None);
        assert_eq!(end_tag(b"</td"), None);
    }
}
