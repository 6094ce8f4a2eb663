//! The markup of an HTML document, as a browser reads it.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::Encoding;

use crate::charset::{Charset, sniff};
use crate::html::attribute;
use crate::html::tag::{self, Attributes, name_range};
use crate::html::{Found, is_hidden, read};

/// An HTML document that is read, not changed.
///
/// ```
/// use openclick::source::{Event, Markup};
///
/// let html = b"<p>Hi <img src=a.png alt='A cat'>";
/// let mut alt = None;
/// Markup::new(html, None).events(|event| {
///     if let Event::StartTag(tag) = event && tag.is("img") {
///         alt = tag.attribute("alt").flatten().map(|alt| alt.into_owned());
///     }
/// });
/// assert_eq!(alt.as_deref(), Some("A cat"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Markup<'a> {
    bytes: &'a [u8],
    charset: Charset,
    mark: usize,
}

/// What stands in a document, in its order. Ranges are of bytes in the document.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A start tag.
    StartTag(StartTag<'a>),
    /// An end tag.
    EndTag(EndTag<'a>),
    /// Text between tags, not what a `title`, `style`, `script` or another raw text element holds. References are not decoded.
    Text {
        /// Where it stands. Text may come in several pieces.
        range: Range<usize>,
        /// It stands in an Outlook conditional comment.
        outlook: bool,
    },
    /// A comment, `<!--` and `-->` included. What an Outlook conditional comment holds follows as events of its own.
    Comment {
        /// Where it stands.
        range: Range<usize>,
    },
}

/// The namespace of an element. <https://infra.spec.whatwg.org/#namespaces>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Namespace {
    /// HTML.
    Html,
    /// SVG.
    Svg,
    /// MathML.
    MathMl,
}

/// A start tag.
#[derive(Debug, Clone)]
pub struct StartTag<'a> {
    source: &'a [u8],
    at: usize,
    charset: Charset,
    namespace: Option<Namespace>,
    outlook: bool,
    template: bool,
}

/// An end tag.
#[derive(Debug, Clone)]
pub struct EndTag<'a> {
    source: &'a [u8],
    at: usize,
    outlook: bool,
}

/// An attribute of a start tag.
#[derive(Debug, Clone)]
pub struct Attribute<'a> {
    source: &'a [u8],
    at: usize,
    charset: Charset,
    inner: tag::Attribute,
}

impl<'a> Markup<'a> {
    /// A document. `charset` is the label that its Content-Type gives; without one the document is asked, as
    /// [`Rewriter::rewrite_html`](crate::Rewriter::rewrite_html) does (byte order mark, `<meta charset>`, else UTF-8).
    #[must_use]
    pub fn new(bytes: &'a [u8], charset: Option<&str>) -> Markup<'a> {
        let (charset, mark) = sniff(bytes, charset.map(Charset::of_label));
        Markup { bytes, charset, mark }
    }

    pub(super) fn read_as(bytes: &'a [u8], charset: Charset, mark: usize) -> Markup<'a> {
        Markup { bytes, charset, mark }
    }

    /// The document's bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The charset that it is read with, by its WHATWG name; `unknown` for a label that nobody knows.
    #[must_use]
    pub fn charset(&self) -> &'static str {
        self.charset.name()
    }

    /// Whether markup can be found in it at all: not in UTF-16, ISO-2022-JP and UTF-7, which only parts of messages can
    /// have.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        !matches!(self.charset, Charset::Unscannable(_))
    }

    /// Calls `visit` with everything that stands in the document. Nothing for one that is not readable.
    pub fn events(&self, mut visit: impl FnMut(Event<'a>)) {
        if !self.is_readable() {
            return;
        }
        let (bytes, charset) = (self.bytes, self.charset);
        read(bytes, self.mark, |found| {
            visit(match found {
                Found::StartTag { range, namespace, outlook, template } => Event::StartTag(StartTag {
                    source: &bytes[range.clone()],
                    at: range.start,
                    charset,
                    namespace,
                    outlook,
                    template,
                }),
                Found::EndTag { range, outlook } => {
                    Event::EndTag(EndTag { source: &bytes[range.clone()], at: range.start, outlook })
                }
                Found::Text { range, outlook } => Event::Text { range, outlook },
                Found::Comment { range } => Event::Comment { range },
            });
        });
    }

    /// The bytes at a range as a text; what the charset cannot decode is replaced by U+FFFD. References stay.
    #[must_use]
    pub fn decode(&self, range: Range<usize>) -> Cow<'a, str> {
        let bytes = &self.bytes[range];
        match self.charset {
            Charset::Known(encoding) => encoding.decode_without_bom_handling(bytes).0,
            Charset::Unscannable(name) => match Encoding::for_label(name.as_bytes()) {
                Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
                None => String::from_utf8_lossy(bytes),
            },
            Charset::Unknown => String::from_utf8_lossy(bytes),
        }
    }

    /// The text at a range as it is shown: decoded, references resolved, white space folded, at most `most` bytes.
    #[must_use]
    pub fn shown(&self, range: Range<usize>, most: usize) -> String {
        attribute::shown_text(&self.bytes[range], self.charset, most)
    }
}

/// Whether this is the name of the tag, in any case.
fn is_named(source: &[u8], name: &str) -> bool {
    source[name_range(source)].eq_ignore_ascii_case(name.as_bytes())
}

fn name(source: &[u8]) -> String {
    String::from_utf8_lossy(&source[name_range(source)]).to_ascii_lowercase()
}

impl<'a> StartTag<'a> {
    /// Its name in lower case.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.source)
    }

    /// Whether this is its name, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        is_named(self.source, name)
    }

    /// Where it stands, `<` and `>` included.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.at..self.at + self.source.len()
    }

    /// The namespace of its element; none if a browser drops the tag.
    #[must_use]
    pub fn namespace(&self) -> Option<Namespace> {
        self.namespace
    }

    /// Whether it stands in an Outlook conditional comment, which Outlook for Windows alone reads.
    #[must_use]
    pub fn is_outlook(&self) -> bool {
        self.outlook
    }

    /// Whether it stands in a `template`, which is never shown.
    #[must_use]
    pub fn is_in_template(&self) -> bool {
        self.template
    }

    /// Whether its own attributes hide it, by which a rewriter knows a preheader: `hidden`, or an inline style with
    /// `display:none`, `max-height:0` or `mso-hide:all`.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        is_hidden(self.source)
    }

    /// Its attributes in their order. Of a name that stands twice the first counts.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> {
        let (source, at, charset) = (self.source, self.at, self.charset);
        Attributes::of(source).map(move |inner| Attribute { source, at, charset, inner })
    }

    /// The value of an attribute as a browser has it, see [`Attribute::value`]; none if there is no such attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Option<Cow<'a, str>>> {
        self.attributes().find(|attribute| attribute.is(name)).map(|attribute| attribute.value())
    }
}

impl EndTag<'_> {
    /// Its name in lower case.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.source)
    }

    /// Whether this is its name, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        is_named(self.source, name)
    }

    /// Where it stands, `<` and `>` included.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.at..self.at + self.source.len()
    }

    /// Whether it stands in an Outlook conditional comment.
    #[must_use]
    pub fn is_outlook(&self) -> bool {
        self.outlook
    }
}

impl<'a> Attribute<'a> {
    /// Its name as it is spelled; bytes that are not UTF-8 are replaced by U+FFFD.
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(&self.source[self.inner.name.clone()])
    }

    /// Whether this is its name, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.source[self.inner.name.clone()].eq_ignore_ascii_case(name.as_bytes())
    }

    /// Where name and value stand, quotes included.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.at + self.inner.whole.start..self.at + self.inner.whole.end
    }

    /// Where the value stands, without quotes; behind the name where there is none.
    #[must_use]
    pub fn value_range(&self) -> Range<usize> {
        self.at + self.inner.value.start..self.at + self.inner.value.end
    }

    /// Its value as a browser has it: decoded, references resolved; empty where there is none. `None` if the charset
    /// cannot decode it.
    #[must_use]
    pub fn value(&self) -> Option<Cow<'a, str>> {
        attribute::decode(&self.source[self.inner.value.clone()], self.charset)
    }
}
