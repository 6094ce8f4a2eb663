//! Element names as small numbers, with the sets that the tree construction rules ask about.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// A lower-cased element name: an index into the table of known names, or a keyed hash of any other.
///
/// A collision of two unknown names would only make one end tag close the other's element in the
/// simulation; the key is random for each process, so that a stranger cannot aim at one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Name(u32);

const UNKNOWN: u32 = 1 << 31;

/// <https://html.spec.whatwg.org/multipage/parsing.html#special>
const SPECIAL: u8 = 1;
/// "Has an element in scope" stops here, HTML namespace only.
const SCOPE: u8 = 2;
/// "Generate implied end tags" pops these.
const IMPLIED: u8 = 4;
/// A start tag that ends foreign content ("any other start tag" of 13.2.6.5 excluded).
const BREAKOUT: u8 = 8;
/// Formatting elements, for the adoption agency.
const FORMATTING: u8 = 16;
/// Block-like start tags that only close an open `p`, and whose end tags only need a scope.
const BLOCK: u8 = 32;
/// `caption`, `col`, `tbody` … : table parts.
const TABLE_PART: u8 = 64;

macro_rules! names {
    ($($id:ident $text:literal $flags:expr;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[allow(dead_code, reason = "variants are counted, not made")]
        enum Index { $($id),* , COUNT_ }
        /// How many names are known.
        pub(crate) const KNOWN: usize = Index::COUNT_ as usize;
        #[allow(dead_code, reason = "some names are here for their flags, or to be found fast")]
        impl Name { $(pub(crate) const $id: Name = Name(Index::$id as u32);)* }
        static FLAGS: [u8; KNOWN] = [$($flags),*];
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
    HTML "html" SPECIAL | SCOPE; I "i" FORMATTING | BREAKOUT; IFRAME "iframe" SPECIAL; IMAGE "image" 0;
    IMG "img" SPECIAL | BREAKOUT; INPUT "input" SPECIAL; ISINDEX "isindex" SPECIAL; KEYGEN "keygen" 0;
    LABEL "label" 0; LI "li" SPECIAL | IMPLIED | BREAKOUT; LINK "link" SPECIAL;
    LISTING "listing" SPECIAL | BREAKOUT; MAIN "main" SPECIAL | BLOCK; MALIGNMARK "malignmark" 0;
    MARQUEE "marquee" SPECIAL | SCOPE; MATH "math" 0; MENU "menu" SPECIAL | BLOCK | BREAKOUT;
    META "meta" SPECIAL | BREAKOUT; MGLYPH "mglyph" 0; MI "mi" 0; MN "mn" 0; MO "mo" 0; MS "ms" 0;
    MTEXT "mtext" 0; NAV "nav" SPECIAL | BLOCK; NOBR "nobr" FORMATTING | BREAKOUT; NOEMBED "noembed" SPECIAL;
    NOFRAMES "noframes" SPECIAL; NOSCRIPT "noscript" SPECIAL; OBJECT "object" SPECIAL | SCOPE;
    OL "ol" SPECIAL | BLOCK | BREAKOUT; OPTGROUP "optgroup" IMPLIED; OPTION "option" IMPLIED;
    P "p" SPECIAL | IMPLIED | BLOCK | BREAKOUT; PARAM "param" SPECIAL; PLAINTEXT "plaintext" SPECIAL;
    PRE "pre" SPECIAL | BREAKOUT; RB "rb" IMPLIED; RP "rp" IMPLIED; RT "rt" IMPLIED; RTC "rtc" IMPLIED;
    RUBY "ruby" BREAKOUT; S "s" FORMATTING | BREAKOUT; SCRIPT "script" SPECIAL; SEARCH "search" BLOCK;
    SECTION "section" SPECIAL | BLOCK; SELECT "select" SPECIAL | SCOPE; SMALL "small" FORMATTING | BREAKOUT;
    SOURCE "source" SPECIAL; SPAN "span" BREAKOUT; STRIKE "strike" FORMATTING | BREAKOUT;
    STRONG "strong" FORMATTING | BREAKOUT; STYLE "style" SPECIAL; SUB "sub" BREAKOUT;
    SUMMARY "summary" SPECIAL | BLOCK; SUP "sup" BREAKOUT; SVG "svg" 0;
    TABLE "table" SPECIAL | SCOPE | BREAKOUT; TBODY "tbody" SPECIAL | TABLE_PART;
    TD "td" SPECIAL | SCOPE | TABLE_PART; TEMPLATE "template" SPECIAL | SCOPE; TEXTAREA "textarea" SPECIAL;
    TFOOT "tfoot" SPECIAL | TABLE_PART; TH "th" SPECIAL | SCOPE | TABLE_PART;
    THEAD "thead" SPECIAL | TABLE_PART; TITLE "title" SPECIAL; TR "tr" SPECIAL | TABLE_PART;
    TRACK "track" SPECIAL; TT "tt" FORMATTING | BREAKOUT; U "u" FORMATTING | BREAKOUT;
    UL "ul" SPECIAL | BLOCK | BREAKOUT; VAR "var" BREAKOUT; WBR "wbr" SPECIAL; XMP "xmp" SPECIAL;
}

/// A key that no two known names share: the bytes in lower case, folded into eight.
const fn key_of(name: &[u8]) -> u64 {
    let mut key = 0u64;
    let mut i = 0;
    while i < name.len() {
        key = key.rotate_left(8) ^ (name[i] | 0x20) as u64;
        i += 1;
    }
    key
}

/// A table of the known names by a hash of their key, made by the compiler: one multiplication and
/// seldom a second look instead of a tree of comparisons.
const SLOTS: usize = 1024;
static TABLE: [u8; SLOTS] = {
    let mut table = [u8::MAX; SLOTS];
    let mut index = 0;
    while index < KNOWN {
        let mut slot = slot_of(key_of(NAMES[index].as_bytes()));
        while table[slot] != u8::MAX {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = index as u8;
        index += 1;
    }
    table
};

const fn slot_of(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

fn known(source: &[u8]) -> Option<Name> {
    let (key, is_lower) = match source.len() {
        length @ 1..=8 => {
            let bytes = source.iter().fold(0, |bytes, &byte| bytes << 8 | u64::from(byte));
            let key = bytes | 0x2020_2020_2020_2020 >> (64 - 8 * length);
            (key, key == bytes)
        }
        _ => (key_of(source), false),
    };
    let mut slot = slot_of(key);
    loop {
        let index = TABLE[slot];
        if index == u8::MAX {
            return None;
        }
        if KEYS[usize::from(index)] == key {
            // Eight bytes are not folded: the key is the name, if nothing was made lower case.
            let name = NAMES[usize::from(index)].as_bytes();
            let same = is_lower && source.len() == name.len() || source.eq_ignore_ascii_case(name);
            return same.then_some(Name(u32::from(index)));
        }
        slot = (slot + 1) % SLOTS;
    }
}

static KEYS: [u64; KNOWN] = {
    let mut keys = [0; KNOWN];
    let mut index = 0;
    while index < KNOWN {
        keys[index] = key_of(NAMES[index].as_bytes());
        index += 1;
    }
    keys
};

/// The longest known name.
const LONGEST: usize = 14;

impl Name {
    /// The name of a tag as it stands in the source, in any case.
    pub(crate) fn of(source: &[u8]) -> Name {
        if source.len() <= LONGEST
            && let Some(name) = known(source)
        {
            return name;
        }
        Name::unknown(source)
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

    const fn has(self, flag: u8) -> bool {
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

    pub(crate) fn is_formatting(self) -> bool {
        self.has(FORMATTING)
    }

    pub(crate) fn is_block(self) -> bool {
        self.has(BLOCK)
    }

    pub(crate) fn is_table_part(self) -> bool {
        self.has(TABLE_PART)
    }

    pub(crate) fn is_heading(self) -> bool {
        matches!(self, Name::H1 | Name::H2 | Name::H3 | Name::H4 | Name::H5 | Name::H6)
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
    }
}
