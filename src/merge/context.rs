//! Where in a document each field stands, by which its value is written, and whether a value could change how the document
//! is read.

use std::ops::Range;

use crate::html::tag::{Attributes, name_range};
use crate::html::{Found, read};

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    /// Text, or anything else that is no attribute value.
    Text,
    Attribute,
    /// An attribute value without quotes.
    Unquoted {
        /// The field is all of it.
        is_whole: bool,
    },
    /// At the beginning of a URL: the value is a URL.
    UrlStart {
        quote: Option<u8>,
    },
    Url {
        /// Of a `mailto:` URL.
        is_address: bool,
    },
}

/// Where a field stands, in the document that has a letter in its place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) context: Context,
    pub(crate) kind: Kind,
    pub(crate) outlook: bool,
}

/// What a value could change there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of the body: whether it is white space may matter.
    Text,
    /// Raw text of a `title` or `style`: nothing.
    RawText,
    Attribute {
        /// Its value.
        value: Range<usize>,
        quote: u8,
        is_style: bool,
        /// The source of an image: it may be a pixel of ours.
        is_image: bool,
    },
    /// Anything: such a document is read anew for each recipient.
    Other,
}

/// Attributes that nobody asks for what they say. In others (tracking attributes, the `type` of an `input`) a value may
/// decide what becomes of a link.
const SILENT: [&str; 37] = [
    "href",
    "xlink:href",
    "src",
    "alt",
    "title",
    "style",
    "width",
    "height",
    "align",
    "valign",
    "bgcolor",
    "color",
    "background",
    "border",
    "id",
    "name",
    "dir",
    "lang",
    "xml:lang",
    "summary",
    "role",
    "aria-label",
    "cellpadding",
    "cellspacing",
    "colspan",
    "rowspan",
    "target",
    "rel",
    "content",
    "value",
    "action",
    "datetime",
    "srcset",
    "poster",
    "cite",
    "fillcolor",
    "strokecolor",
];

/// Attributes whose value is a URL.
const URLS: [&str; 10] =
    ["href", "xlink:href", "src", "action", "formaction", "background", "poster", "cite", "longdesc", "data"];

/// Elements of which a browser compares the attributes (the "Noah's Ark" clause), or asks what they say.
const ASKED: [&str; 15] = [
    "b",
    "big",
    "code",
    "em",
    "font",
    "i",
    "nobr",
    "s",
    "small",
    "strike",
    "strong",
    "tt",
    "u",
    "input",
    "annotation-xml",
];

/// How far back a reference is looked for, in bytes: no longer one is read.
const MOST_REFERENCE: usize = 4200;

/// Elements that hold text alone and read it to their end tag. Not `script`, which has states of its own.
const RAW_TEXT: [&str; 7] = ["title", "style", "textarea", "xmp", "iframe", "noembed", "noframes"];

/// Where the fields stand whose letters are at these places, in order. `start` is where markup begins.
pub(crate) fn contexts(sample: &[u8], start: usize, places: &[usize]) -> Vec<Place> {
    let nowhere = Place { context: Context::Text, kind: Kind::Other, outlook: false };
    let mut finder = Finder { sample, places, found: vec![nowhere; places.len()] };
    // Where the raw text of the element before begins, and whether it stands in an Outlook conditional comment.
    let mut raw_text: Option<(usize, bool)> = None;
    read(sample, start, |event| {
        let (range, outlook) = match &event {
            Found::StartTag { range, outlook, .. }
            | Found::EndTag { range, outlook }
            | Found::Text { range, outlook } => (range.clone(), *outlook),
            Found::Comment { range } => (range.clone(), false),
        };
        if let Some((from, outlook)) = raw_text.take() {
            finder.in_text(from..range.start.max(from), Kind::RawText, outlook);
        }
        match event {
            Found::StartTag { .. } => {
                finder.in_tag(range.clone(), outlook);
                let is = |name: &&str| is_named(&sample[range.clone()], name);
                raw_text = RAW_TEXT.iter().any(is).then_some((range.end, outlook));
            }
            Found::Text { .. } => finder.in_text(range, Kind::Text, outlook),
            Found::EndTag { .. } | Found::Comment { .. } => {}
        }
    });
    finder.found
}

struct Finder<'a> {
    sample: &'a [u8],
    places: &'a [usize],
    found: Vec<Place>,
}

impl Finder<'_> {
    /// The indices of the fields in a range.
    fn within(&self, range: &Range<usize>) -> Range<usize> {
        let from = self.places.partition_point(|&place| place < range.start);
        from..from + self.places[from..].partition_point(|&place| place < range.end)
    }

    /// A text is free where no `<` stands before the field that its value could make a tag of, and no beginning of a
    /// reference.
    fn in_text(&mut self, range: Range<usize>, kind: Kind, outlook: bool) {
        if self.sample[..range.start].ends_with(b"<![CDATA[") {
            return; // a value could end it
        }
        let mut from = range.start;
        for index in self.within(&range) {
            self.found[index].outlook = outlook;
            let place = self.places[index];
            if memchr::memchr(b'<', &self.sample[from..place]).is_some() {
                return; // nor are those that follow
            }
            from = place;
            if !ends_in_reference(&self.sample[range.start..place]) {
                self.found[index].kind = kind.clone();
            }
        }
    }

    fn in_tag(&mut self, range: Range<usize>, outlook: bool) {
        let inside = self.within(&range);
        if inside.is_empty() {
            return;
        }
        for index in inside {
            self.found[index].outlook = outlook;
        }
        let tag = &self.sample[range.clone()];
        let is_asked = ASKED.iter().any(|name| is_named(tag, name));
        for attribute in Attributes::of(tag) {
            let value = range.start + attribute.value.start..range.start + attribute.value.end;
            let inside = self.within(&value);
            if inside.is_empty() {
                continue;
            }
            let name = &tag[attribute.name];
            let is = |other: &&str| name.eq_ignore_ascii_case(other.as_bytes());
            let is_url = URLS.iter().any(is);
            let is_silent = SILENT.iter().any(is) && !is_asked;
            let blank = self.sample[value.clone()].iter().take_while(|&&byte| byte <= b' ').count();
            let first = value.start + blank;
            let scheme = self.sample[first..value.end].get(..7);
            let is_address = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"mailto:"));
            for index in inside {
                let place = self.places[index];
                self.found[index].context = match () {
                    () if !is_url && attribute.quote.is_none() => {
                        Context::Unquoted { is_whole: value.len() == 1 }
                    }
                    () if !is_url => Context::Attribute,
                    () if place == first => Context::UrlStart { quote: attribute.quote },
                    () => Context::Url { is_address },
                };
                if let Some(quote) = attribute.quote
                    && is_silent
                    && !ends_in_reference(&self.sample[value.start..place])
                {
                    self.found[index].kind = Kind::Attribute {
                        value: value.clone(),
                        quote,
                        is_style: is(&"style"),
                        is_image: is(&"src") && is_named(tag, "img"),
                    };
                }
            }
        }
    }
}

fn is_named(tag: &[u8], name: &str) -> bool {
    tag[name_range(tag)].eq_ignore_ascii_case(name.as_bytes())
}

/// Whether the text ends in what could be the beginning of a reference, as far as references are read.
fn ends_in_reference(text: &[u8]) -> bool {
    let is_of_one = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'#';
    let length = text.iter().rev().take(MOST_REFERENCE).take_while(is_of_one).count();
    text[..text.len() - length].last() == Some(&b'&')
}
