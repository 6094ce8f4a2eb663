//! Element names as small numbers, with the sets that the tree construction rules ask about.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use crate::html::tag::is_space;

/// A lower-cased element name: an index into the table of known names, or a keyed hash of any other.
///
/// A collision of two unknown names would only make one end tag close the other's element in the
/// simulation; the key is random for each process, so that a stranger cannot aim at one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Name(u32);

const UNKNOWN: u32 = 1 << 31;

/// <https://html.spec.whatwg.org/multipage/parsing.html#special>
const SPECIAL: u16 = 1;
/// "Has an element in scope" stops here, HTML namespace only.
const SCOPE: u16 = 2;
/// "Generate implied end tags" pops these.
const IMPLIED: u16 = 4;
/// A start tag that ends foreign content ("any other start tag" of 13.2.6.5 excluded).
const BREAKOUT: u16 = 8;
/// Formatting elements, for the adoption agency.
const FORMATTING: u16 = 16;
/// Block-like start tags that only close an open `p`, and whose end tags only need a scope.
const BLOCK: u16 = 32;
/// `caption`, `col`, `tbody` … : table parts.
const TABLE_PART: u16 = 64;
/// What follows its start tag may be raw text or foreign content.
const LEXING: u16 = 128;

macro_rules! names {
    ($($id:ident $text:literal $flags:expr;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[allow(dead_code, reason = "variants are counted, not made")]
        enum Index { $($id),* , COUNT_ }
        /// How many names are known.
        pub(crate) const KNOWN: usize = Index::COUNT_ as usize;
        #[allow(dead_code, reason = "some names are here for their flags, or to be found fast")]
        impl Name { $(pub(crate) const $id: Name = Name(Index::$id as u32);)* }
        static FLAGS: [u16; KNOWN] = [$($flags),*];
        const NAMES: [&str; KNOWN] = [$($text),*];
    };
}

names! {
    A "a" FORMATTING; ABBR "abbr" 0; ADDRESS "address" SPECIAL | BLOCK; ANNOTATION_XML "annotation-xml" 0;
    APPLET "applet" SPECIAL | SCOPE; AREA "area" SPECIAL; ARTICLE "article" SPECIAL | BLOCK;
    ASIDE "aside" SPECIAL | BLOCK; B "b" FORMATTING | BREAKOUT; BASE "base" SPECIAL;
    BASEFONT "basefont" SPECIAL; BGSOUND "bgsound" SPECIAL; BIG "big" FORMATTING | BREAKOUT;
    BLOCKQUOTE "blockquote" SPECIAL | BLOCK | BREAKOUT; BODY "body" SPECIAL | BREAKOUT;
    BR "br" SPECIAL | BREAKOUT; BUTTON "button" SPECIAL; CAPTION "caption" SPECIAL | SCOPE | TABLE_PART;
    CENTER "center" SPECIAL | BLOCK | BREAKOUT; CODE "code" FORMATTING | BREAKOUT;
    COL "col" SPECIAL | TABLE_PART; COLGROUP "colgroup" SPECIAL | TABLE_PART;
    DD "dd" SPECIAL | IMPLIED | BREAKOUT; DESC "desc" 0; DETAILS "details" SPECIAL | BLOCK;
    DIALOG "dialog" BLOCK; DIR "dir" SPECIAL | BLOCK; DIV "div" SPECIAL | BLOCK | BREAKOUT;
    DL "dl" SPECIAL | BLOCK | BREAKOUT; DT "dt" SPECIAL | IMPLIED | BREAKOUT; EM "em" FORMATTING | BREAKOUT;
    EMBED "embed" SPECIAL | BREAKOUT; FIELDSET "fieldset" SPECIAL | BLOCK; FIGCAPTION "figcaption" SPECIAL | BLOCK;
    FIGURE "figure" SPECIAL | BLOCK; FONT "font" FORMATTING; FOOTER "footer" SPECIAL | BLOCK;
    FOREIGN_OBJECT "foreignobject" 0; FORM "form" SPECIAL; FRAME "frame" SPECIAL | TABLE_PART;
    FRAMESET "frameset" SPECIAL; H1 "h1" SPECIAL | BREAKOUT; H2 "h2" SPECIAL | BREAKOUT;
    H3 "h3" SPECIAL | BREAKOUT; H4 "h4" SPECIAL | BREAKOUT; H5 "h5" SPECIAL | BREAKOUT;
    H6 "h6" SPECIAL | BREAKOUT; HEAD "head" SPECIAL | BREAKOUT | TABLE_PART;
    HEADER "header" SPECIAL | BLOCK; HGROUP "hgroup" SPECIAL | BLOCK; HR "hr" SPECIAL | BREAKOUT;
    HTML "html" SPECIAL | SCOPE; I "i" FORMATTING | BREAKOUT; IFRAME "iframe" SPECIAL | LEXING; IMAGE "image" 0;
    IMG "img" SPECIAL | BREAKOUT; INPUT "input" SPECIAL; ISINDEX "isindex" SPECIAL; KEYGEN "keygen" 0;
    LABEL "label" 0; LI "li" SPECIAL | IMPLIED | BREAKOUT; LINK "link" SPECIAL;
    LISTING "listing" SPECIAL | BREAKOUT; MAIN "main" SPECIAL | BLOCK; MALIGNMARK "malignmark" 0;
    MARQUEE "marquee" SPECIAL | SCOPE; MATH "math" LEXING; MENU "menu" SPECIAL | BLOCK | BREAKOUT;
    META "meta" SPECIAL | BREAKOUT; MGLYPH "mglyph" 0; MI "mi" 0; MN "mn" 0; MO "mo" 0; MS "ms" 0;
    MTEXT "mtext" 0; NAV "nav" SPECIAL | BLOCK; NOBR "nobr" FORMATTING | BREAKOUT; NOEMBED "noembed" SPECIAL | LEXING;
    NOFRAMES "noframes" SPECIAL | LEXING; NOSCRIPT "noscript" SPECIAL | LEXING; OBJECT "object" SPECIAL | SCOPE;
    OL "ol" SPECIAL | BLOCK | BREAKOUT; OPTGROUP "optgroup" IMPLIED; OPTION "option" IMPLIED;
    P "p" SPECIAL | IMPLIED | BLOCK | BREAKOUT; PARAM "param" SPECIAL; PLAINTEXT "plaintext" SPECIAL | LEXING;
    PRE "pre" SPECIAL | BREAKOUT; RB "rb" IMPLIED; RP "rp" IMPLIED; RT "rt" IMPLIED; RTC "rtc" IMPLIED;
    RUBY "ruby" BREAKOUT; S "s" FORMATTING | BREAKOUT; SCRIPT "script" SPECIAL | LEXING; SEARCH "search" BLOCK;
    SECTION "section" SPECIAL | BLOCK; SELECT "select" SPECIAL | SCOPE; SMALL "small" FORMATTING | BREAKOUT;
    SOURCE "source" SPECIAL; SPAN "span" BREAKOUT; STRIKE "strike" FORMATTING | BREAKOUT;
    STRONG "strong" FORMATTING | BREAKOUT; STYLE "style" SPECIAL | LEXING; SUB "sub" BREAKOUT;
    SUMMARY "summary" SPECIAL | BLOCK; SUP "sup" BREAKOUT; SVG "svg" LEXING;
    TABLE "table" SPECIAL | SCOPE | BREAKOUT; TBODY "tbody" SPECIAL | TABLE_PART;
    TD "td" SPECIAL | SCOPE | TABLE_PART; TEMPLATE "template" SPECIAL | SCOPE; TEXTAREA "textarea" SPECIAL | LEXING;
    TFOOT "tfoot" SPECIAL | TABLE_PART; TH "th" SPECIAL | SCOPE | TABLE_PART;
    THEAD "thead" SPECIAL | TABLE_PART; TITLE "title" SPECIAL | LEXING; TR "tr" SPECIAL | TABLE_PART;
    TRACK "track" SPECIAL; TT "tt" FORMATTING | BREAKOUT; U "u" FORMATTING | BREAKOUT;
    UL "ul" SPECIAL | BLOCK | BREAKOUT; VAR "var" BREAKOUT; WBR "wbr" SPECIAL; XMP "xmp" SPECIAL | LEXING;
}

/// The longest known name.
const LONGEST: usize = 14;

/// The longest name that is found by its key.
const LONGEST_KEY: usize = 8;

/// The bytes of a name of at most eight as a number, the first the lowest.
const fn key_of(name: &[u8]) -> u64 {
    let mut key = 0;
    let mut index = name.len();
    while index > 0 {
        index -= 1;
        key = key << 8 | name[index] as u64;
    }
    key
}

const KEYS: [u64; KNOWN] = {
    let mut keys = [0; KNOWN];
    let mut index = 0;
    while index < KNOWN {
        let name = NAMES[index].as_bytes();
        if name.len() <= LONGEST_KEY {
            keys[index] = key_of(name);
        }
        index += 1;
    }
    keys
};

/// Each known name's key and index at the place of its hash; 0 elsewhere. The factor was searched for so that no two
/// names share a place.
const SLOTS: usize = 1024;
static TABLE: [(u64, u32); SLOTS] = {
    let mut table = [(0, 0); SLOTS];
    let mut index = 0;
    while index < KNOWN {
        if KEYS[index] != 0 {
            let slot = slot_of(KEYS[index]);
            assert!(table[slot].0 == 0, "two names in one place: another factor is needed");
            table[slot] = (KEYS[index], index as u32);
        }
        index += 1;
    }
    table
};

const fn slot_of(key: u64) -> usize {
    (key.wrapping_mul(0x3286_4238_87ec_be87) >> 54) as usize
}

#[inline]
fn by_key(key: u64) -> Option<Name> {
    let (known, index) = TABLE[slot_of(key)];
    (known == key && key != 0).then_some(Name(index))
}

const LOWER: u64 = 0x2020_2020_2020_2020;

fn known(source: &[u8]) -> Option<Name> {
    if source.len() > LONGEST_KEY {
        let mut names = (0..KNOWN).filter(|&index| NAMES[index].len() == source.len());
        return names.find(|&index| source.eq_ignore_ascii_case(NAMES[index].as_bytes())).map(Name::at);
    }
    let name = by_key(key_of(source) | LOWER & mask(source.len()))?;
    // What becomes a letter is one, but another byte may have become a digit.
    source.eq_ignore_ascii_case(NAMES[name.0 as usize].as_bytes()).then_some(name)
}

/// The lowest bytes, at most eight.
#[inline]
const fn mask(length: usize) -> u64 {
    if length == 8 { u64::MAX } else { (1 << (8 * length)) - 1 }
}

impl Name {
    /// The name of a tag as it stands in the source, in any case.
    pub(crate) fn of(source: &[u8]) -> Name {
        match source.len() <= LONGEST {
            true => known(source).unwrap_or_else(|| Name::unknown(source)),
            false => Name::unknown(source),
        }
    }

    /// The name at the start of `rest`, which is the source of a tag behind its `<` or `</`, and its length: if it is
    /// a known one of at most seven letters, and the whole name. All else needs [`Name::of`].
    #[inline(always)]
    pub(crate) fn at_start(rest: &[u8]) -> Option<(Name, usize)> {
        /// All letters have it, and no digit and nothing that ends a name.
        const BIT: u64 = 0x4040_4040_4040_4040;

        let eight = u64::from_le_bytes(*rest.first_chunk()?);
        let mut length = (!eight & BIT).trailing_zeros() / 8;
        let mut end = eight.checked_shr(8 * length)? as u8;
        if end.is_ascii_digit() {
            length += 1;
            end = eight.checked_shr(8 * length)? as u8;
        }
        if !is_space(end) && !matches!(end, b'>' | b'/') {
            return None;
        }
        // Of the bytes with that bit only letters become letters, and digits stay what they are.
        by_key((eight | LOWER) & !u64::MAX.wrapping_shl(8 * length)).map(|name| (name, length as usize))
    }

    #[cold]
    fn unknown(source: &[u8]) -> Name {
        {
            static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
            let mut hasher = KEY.build_hasher();
            for chunk in source.chunks(64) {
                let mut lower = [0; 64];
                lower[..chunk.len()].copy_from_slice(chunk);
                lower.make_ascii_lowercase();
                hasher.write(&lower[..chunk.len()]);
            }
            Name(hasher.finish() as u32 | UNKNOWN)
        }
    }

    /// The index among the known names.
    pub(crate) fn known(self) -> Option<usize> {
        (self.0 & UNKNOWN == 0).then_some(self.0 as usize)
    }

    /// The known name with this index.
    pub(crate) const fn at(index: usize) -> Name {
        Name(index as u32)
    }

    const fn has(self, flag: u16) -> bool {
        self.0 & UNKNOWN == 0 && FLAGS[self.0 as usize] & flag != 0
    }

    pub(crate) const fn is_special(self) -> bool {
        self.has(SPECIAL)
    }

    pub(crate) const fn is_scope(self) -> bool {
        self.has(SCOPE)
    }

    pub(crate) fn is_implied_end(self) -> bool {
        self.has(IMPLIED)
    }

    pub(crate) fn is_breakout(self) -> bool {
        self.has(BREAKOUT)
    }

    pub(crate) const fn is_formatting(self) -> bool {
        self.has(FORMATTING)
    }

    pub(crate) const fn is_block(self) -> bool {
        self.has(BLOCK)
    }

    pub(crate) fn is_table_part(self) -> bool {
        self.has(TABLE_PART)
    }

    /// Whether lol_html reads in another state behind a start tag of this name, or perhaps does.
    pub(crate) fn changes_lexing(self) -> bool {
        self.has(LEXING)
    }

    pub(crate) const fn is_heading(self) -> bool {
        matches!(self, Name::H1 | Name::H2 | Name::H3 | Name::H4 | Name::H5 | Name::H6)
    }

    /// Whether an HTML element of this name decides the mode that the end of a table or template leads to.
    pub(crate) const fn decides_mode(self) -> bool {
        matches!(
            self,
            Name::TD
                | Name::TH
                | Name::TR
                | Name::TBODY
                | Name::THEAD
                | Name::TFOOT
                | Name::CAPTION
                | Name::COLGROUP
                | Name::TABLE
                | Name::TEMPLATE
                | Name::HEAD
                | Name::BODY
                | Name::FRAMESET
                | Name::HTML
        )
    }

    pub(crate) fn is_mathml_text_integration_point(self) -> bool {
        matches!(self, Name::MI | Name::MO | Name::MN | Name::MS | Name::MTEXT)
    }

    pub(crate) fn is_svg_html_integration_point(self) -> bool {
        matches!(self, Name::FOREIGN_OBJECT | Name::DESC | Name::TITLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_in_any_case() {
        assert_eq!(Name::of(b"A"), Name::A);
        assert_eq!(Name::of(b"foreignObject"), Name::FOREIGN_OBJECT);
        assert_eq!(Name::of(b"annotation-XML"), Name::ANNOTATION_XML);
        assert_eq!(Name::of(b"v:roundrect"), Name::of(b"V:RoundRect"));
        assert_ne!(Name::of(b"v:roundrect"), Name::of(b"v:rect"));
        assert!(Name::of(b"blink").known().is_none());
        assert_ne!(Name::of(b"a\0"), Name::A);
        assert_ne!(Name::of(b"h\x11"), Name::H1);
        assert_ne!(Name::of(b""), Name::A);
    }

    #[test]
    fn every_known_name_is_found() {
        for (index, name) in NAMES.iter().enumerate() {
            for name in [(*name).to_owned(), name.to_uppercase()] {
                assert_eq!(Name::of(name.as_bytes()), Name::at(index));
                for end in [">", " ", "/", "\n"] {
                    let at_start = Name::at_start(format!("{name}{end}       ").as_bytes());
                    let plain = name.len() < 8 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
                    assert_eq!(at_start, plain.then_some((Name::at(index), name.len())));
                }
            }
        }
        assert_eq!(Name::at_start(b"h\x11>      "), None);
        assert_eq!(Name::at_start(b"1>       "), None);
        assert_eq!(Name::at_start(b">        "), None);
        assert_eq!(Name::at_start(b"td\">      "), None);
        assert_eq!(Name::at_start(b"td"), None);
    }
}
