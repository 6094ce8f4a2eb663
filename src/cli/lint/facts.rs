//! What stands in a document, gathered in one pass over its markup.

use std::ops::Range;

use openclick::source::{Attribute, EndTag, Event, Markup, Namespace, StartTag};

use super::attribute::{self, Mark};

/// What of a link's text is kept, in bytes.
const TEXT: usize = 300;

/// An `href` of §2's rows: what a rewrite may track.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) tag: Range<usize>,
    /// Of the attribute's value.
    pub(super) value: Range<usize>,
    /// As a browser has it; none if the charset cannot decode it.
    pub(super) target: Option<String>,
    /// The shown text, at most some.
    pub(super) text: String,
    /// It holds an image, and one of them, or the link itself, says what it shows.
    pub(super) has_image: bool,
    pub(super) has_label: bool,
    /// In an Outlook conditional comment.
    pub(super) is_outlook: bool,
    /// It is a VML shape.
    pub(super) is_shape: bool,
    pub(super) name: Option<String>,
    /// The author marked it by an attribute as one to unsubscribe by.
    pub(super) is_marked: bool,
    /// How many pieces of text that everybody sees stand before it.
    pub(super) texts_before: usize,
    /// The text so far ends with white space.
    ends_blank: bool,
}

/// Where another resource is named: an image.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) range: Range<usize>,
    /// The first bytes of the value.
    pub(super) source: String,
    pub(super) length: usize,
}

/// Everything that the checks ask for.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) links: Vec<Link>,
    pub(super) images: Vec<Image>,
    /// Attributes that steer tracking, anybody's.
    pub(super) marks: Vec<Mark>,
    /// Attempts at attributes of openclick's own: their names, and what they are likely to mean.
    pub(super) misspelt: Vec<(Range<usize>, String, String)>,
    /// The first `<meta>` that names a charset: its label.
    pub(super) meta: Option<(Range<usize>, String)>,
    pub(super) has_base: bool,
    /// Campaign Monitor's `<unsubscribe>`, which becomes a link.
    pub(super) has_unsubscribe: bool,
    /// The second `<body>`.
    pub(super) second_body: Option<Range<usize>>,
    /// The first content behind `</body>` or `</html>`.
    pub(super) behind_body: Option<Range<usize>>,
    pub(super) frameset: Option<Range<usize>>,
    /// What is open at the end of the file.
    pub(super) unfinished: Option<(Range<usize>, &'static str)>,
    /// Values that seem to run over tags.
    pub(super) open_quotes: Vec<Range<usize>>,
    pub(super) preheader: Preheader,
    /// Text that everybody sees.
    pub(super) texts: Vec<Range<usize>>,
    /// Bytes of style sheets and style attributes, of comments, of Outlook's comments, of text.
    pub(super) css: usize,
    pub(super) comments: usize,
    pub(super) outlook: usize,
    pub(super) text: usize,
}

/// What stands at the start of the body.
#[derive(Debug, Default)]
pub(super) enum Preheader {
    /// Neither body nor text yet.
    #[default]
    Unknown,
    /// So many elements so far, and nothing to see.
    Looking(usize),
    /// A hidden element, and how many stand before it.
    Hidden(Range<usize>, usize),
    /// An element that only its class or id calls a preheader, and nothing hidden before its text.
    Named(Range<usize>),
    /// Something that is seen.
    None,
}

/// Behind so many elements a hidden one is no preheader.
const MOST_BEFORE: usize = 24;

impl Facts {
    /// Reads a document.
    pub(super) fn of(markup: &Markup<'_>) -> Facts {
        let mut reader = Reader {
            markup,
            facts: Facts::default(),
            open: [None, None],
            named: None,
            raw: None,
            has_body: false,
            ended: false,
            last: 0,
            outlook_end: 0,
        };
        markup.events(|event| reader.event(event));
        reader.finish()
    }
}

struct Reader<'m, 'a> {
    markup: &'m Markup<'a>,
    facts: Facts,
    /// The link that is open, an index, and its element: in the document, in an Outlook comment.
    open: [Option<(usize, String)>; 2],
    /// The first element that is called a preheader.
    named: Option<Range<usize>>,
    /// A raw text element that is open.
    raw: Option<(Range<usize>, String)>,
    has_body: bool,
    /// `</body>` or `</html>` was there.
    ended: bool,
    /// Where the last event ended.
    last: usize,
    /// Where the Outlook comment ends whose inside is read.
    outlook_end: usize,
}

const RAW: [&str; 9] =
    ["style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext"];

/// What may stand before the body, or is no element of it.
const HEAD: [&str; 11] =
    ["html", "head", "meta", "title", "link", "style", "script", "base", "noscript", "body", "template"];

impl Reader<'_, '_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::StartTag(tag) => {
                self.last = self.last.max(tag.range().end);
                self.start_tag(&tag);
            }
            Event::EndTag(tag) => {
                self.last = self.last.max(tag.range().end);
                self.end_tag(&tag);
            }
            Event::Text { range, outlook } => {
                self.last = self.last.max(range.end);
                self.text(range, outlook);
            }
            Event::Comment { range } => {
                self.last = self.last.max(range.end);
                self.comment(range);
            }
            _ => {}
        }
    }

    fn start_tag(&mut self, tag: &StartTag<'_>) {
        let (range, name) = (tag.range(), tag.name());
        if tag.is_in_template() {
            return;
        }
        let found = self.attributes(tag, &name);
        let is_html = tag.namespace() == Some(Namespace::Html);
        if !tag.is_outlook() {
            self.structure(tag, &name, &range);
            if is_html && RAW.contains(&&*name) {
                self.raw = Some((range.clone(), name.clone()));
            }
        }
        let side = usize::from(tag.is_outlook());
        if name == "img" || name == "image" || name == "input" && found.alt.is_some() {
            if let Some((index, _)) = &self.open[side] {
                let link = &mut self.facts.links[*index];
                link.has_image = true;
                link.has_label |= found.alt.as_deref().is_some_and(|alt| !alt.trim().is_empty());
            }
        } else if found.has_label
            && let Some((index, _)) = &self.open[side]
        {
            self.facts.links[*index].has_label = true;
        }
        let is_anchor = matches!(&*name, "a" | "area");
        if name == "a" {
            self.open[side] = None; // anchors do not nest
        }
        let is_shape = tag.is_outlook() && name.starts_with("v:");
        let href = match found.href {
            Some(href) if is_anchor && (is_html || tag.is_outlook()) || is_shape => Some(href),
            // In svg `href` stands above `xlink:href`; in the html of a link the latter means nothing.
            href if name == "a" && tag.namespace() == Some(Namespace::Svg) => href.or(found.xlink),
            _ => None,
        };
        let Some((value, target)) = href else { return };
        let index = self.facts.links.len();
        if name != "area" {
            self.open[side] = Some((index, name.clone()));
        }
        self.facts.links.push(Link {
            tag: range,
            value,
            target: target.map(|target| trim(&target)),
            has_image: name == "area",
            has_label: found.has_label || found.alt.as_deref().is_some_and(|alt| !alt.trim().is_empty()),
            is_outlook: tag.is_outlook(),
            is_shape,
            name: found.name,
            is_marked: found.is_marked,
            texts_before: self.facts.texts.len(),
            ..Link::default()
        });
    }

    /// What the attributes of a tag say, in one pass over them.
    fn attributes(&mut self, tag: &StartTag<'_>, name: &str) -> Found {
        let mut found = Found::default();
        let is_image = matches!(name, "img" | "image" | "v:fill" | "v:image" | "v:imagedata" | "input");
        let is_meta = name == "meta" && !tag.is_outlook();
        let (mut content_type, mut content) = (false, None);
        for attribute in tag.attributes() {
            let range = attribute.value_range();
            self.quote(&attribute);
            if attribute.is("href") && found.href.is_none() {
                found.href = Some((range, value(&attribute)));
            } else if attribute.is("xlink:href") && found.xlink.is_none() {
                found.xlink = Some((range, value(&attribute)));
            } else if attribute.is("style") {
                self.facts.css += range.len();
            } else if is_image && (attribute.is("src") || attribute.is("xlink:href")) {
                self.image(&attribute);
            } else if attribute.is("alt") && found.alt.is_none() {
                found.alt = Some(value(&attribute).unwrap_or_default());
            } else if attribute.is("aria-label") || attribute.is("title") {
                found.has_label |= !range.is_empty();
            } else if is_meta && attribute.is("charset") && self.facts.meta.is_none() {
                self.facts.meta = value(&attribute).map(|label| (attribute.range(), label));
            } else if is_meta && attribute.is("http-equiv") {
                content_type =
                    value(&attribute).is_some_and(|value| value.eq_ignore_ascii_case("content-type"));
            } else if is_meta && attribute.is("content") {
                content = Some(attribute);
            } else if let Some(mark) = attribute::mark(&attribute, range) {
                if attribute.is("data-msys-linkname") && found.name.is_none() {
                    found.name = Some(mark.value.clone()).filter(|name| !name.is_empty());
                }
                found.is_marked |= attribute.is("data-msys-unsubscribe") && mark.value.trim() == "1";
                self.facts.marks.push(mark);
            } else if let Some((name, meant)) = attribute::misspelt(&attribute) {
                self.facts.misspelt.push((attribute.range(), name, meant));
            }
        }
        if content_type
            && let Some(content) = content
            && let Some(label) = value(&content).and_then(|text| charset_of(&text))
        {
            self.facts.meta.get_or_insert((content.range(), label));
        }
        found
    }

    fn image(&mut self, attribute: &Attribute<'_>) {
        const SHOWN: usize = 2048;
        let range = attribute.value_range();
        let shown = range.start..range.end.min(range.start + SHOWN);
        let source = trim(&self.markup.shown(shown, SHOWN));
        self.facts.images.push(Image { length: range.len(), range, source });
    }

    /// A value that holds `>` and behind it a tag: a quote is missing somewhere.
    fn quote(&mut self, attribute: &Attribute<'_>) {
        const MOST: usize = 8;
        let range = attribute.value_range();
        // Addresses and names hold no tags; a tooltip or a data attribute may.
        let is_plain =
            ["href", "src", "style", "class", "width", "height", "align", "target", "alt", "title"]
                .iter()
                .any(|name| attribute.is(name));
        if !is_plain || self.facts.open_quotes.len() >= MOST {
            return;
        }
        let value = &self.markup.bytes()[range];
        let Some(end) = memchr::memchr(b'>', value) else { return };
        let is_tag = |at: usize| match &value[at + 1..] {
            [b'/', next, ..] | [next, ..] => next.is_ascii_alphabetic(),
            [] => false,
        };
        if memchr::memchr_iter(b'<', &value[end..]).any(|at| is_tag(end + at))
            && super::merge_tag::tags(value).is_empty()
        {
            self.facts.open_quotes.push(attribute.range());
        }
    }

    /// The body, what stands at its start, and what follows its end.
    fn structure(&mut self, tag: &StartTag<'_>, name: &str, range: &Range<usize>) {
        let is_html = tag.namespace() == Some(Namespace::Html);
        match name {
            "body" if self.has_body => {
                self.facts.second_body.get_or_insert(range.clone());
            }
            "body" => self.has_body = true,
            "frameset" if is_html => {
                self.facts.frameset.get_or_insert(range.clone());
            }
            "base" => self.facts.has_base = true,
            "unsubscribe" => self.facts.has_unsubscribe = true,
            _ => {}
        }
        if self.ended && !matches!(name, "html" | "body") {
            self.facts.behind_body.get_or_insert(range.clone());
        }
        match &self.facts.preheader {
            Preheader::Unknown if name == "body" => self.facts.preheader = Preheader::Looking(0),
            Preheader::Unknown if HEAD.contains(&name) => {}
            Preheader::Unknown => self.before_text(tag, name, range, 0),
            Preheader::Looking(_) if matches!(name, "html" | "head" | "body") => {}
            Preheader::Looking(before) => self.before_text(tag, name, range, *before),
            _ => {}
        }
    }

    /// An element in front of all text.
    fn before_text(&mut self, tag: &StartTag<'_>, name: &str, range: &Range<usize>, before: usize) {
        if tag.is_hidden() && !matches!(name, "img" | "input" | "br") {
            self.facts.preheader = Preheader::Hidden(range.clone(), before);
            return;
        }
        if self.named.is_none() && is_called_preheader(tag) {
            self.named = Some(range.clone());
        }
        match name {
            "img" | "a" => self.end_preheader(),
            _ if before >= MOST_BEFORE => self.end_preheader(),
            _ => self.facts.preheader = Preheader::Looking(before + 1),
        }
    }

    /// What comes from here on is seen.
    fn end_preheader(&mut self) {
        if let Preheader::Unknown | Preheader::Looking(_) = self.facts.preheader {
            self.facts.preheader = self.named.take().map_or(Preheader::None, Preheader::Named);
        }
    }

    fn end_tag(&mut self, tag: &EndTag<'_>) {
        let side = usize::from(tag.is_outlook());
        if self.open[side].as_ref().is_some_and(|(_, name)| tag.is(name)) {
            self.open[side] = None;
        }
        if tag.is_outlook() {
            return;
        }
        if let Some((range, name)) = &self.raw
            && tag.is(name)
        {
            if name == "style" {
                self.facts.css += tag.range().start.saturating_sub(range.end);
            }
            self.raw = None;
        }
        self.ended |= tag.is("body") || tag.is("html");
    }

    fn text(&mut self, range: Range<usize>, outlook: bool) {
        const PIECE: usize = 1024;
        let is_blank = self.markup.bytes()[range.clone()].iter().all(u8::is_ascii_whitespace);
        if let Some((index, _)) = &self.open[usize::from(outlook)] {
            let link = &mut self.facts.links[*index];
            let bytes = &self.markup.bytes()[range.clone()];
            if !is_blank && link.text.len() < TEXT {
                let piece = range.start..range.end.min(range.start + PIECE);
                let text = self.markup.shown(piece, TEXT);
                if !link.text.is_empty() && (link.ends_blank || bytes[0].is_ascii_whitespace()) {
                    link.text.push(' ');
                }
                link.text.push_str(&text);
            }
            link.ends_blank = bytes.last().map_or(link.ends_blank, u8::is_ascii_whitespace);
        }
        if outlook || is_blank {
            return;
        }
        self.facts.text += range.len();
        if self.ended {
            self.facts.behind_body.get_or_insert(range.clone());
        }
        self.end_preheader();
        match self.facts.texts.last_mut() {
            // A `<` that begins no tag makes two pieces of one text.
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.facts.texts.push(range),
        }
    }

    fn comment(&mut self, range: Range<usize>) {
        let bytes = &self.markup.bytes()[range.clone()];
        match bytes.starts_with(b"<!--[if") {
            true => {
                self.facts.outlook += range.len();
                self.outlook_end = self.outlook_end.max(range.end);
            }
            // A comment within an Outlook comment is counted with it.
            false if range.start >= self.outlook_end => self.facts.comments += range.len(),
            false => {}
        }
        let is_whole = !bytes.starts_with(b"<!--")
            || matches!(bytes, b"<!-->" | b"<!--->")
            || bytes.len() > 6 && (bytes.ends_with(b"-->") || bytes.ends_with(b"--!>"));
        if range.end == self.markup.bytes().len() && !is_whole {
            let start = range.start..range.end.min(range.start + 4);
            self.facts.unfinished.get_or_insert((start, "a comment"));
        }
    }

    fn finish(mut self) -> Facts {
        let bytes = self.markup.bytes();
        if let Some((range, name)) = self.raw.take() {
            // The tag of plaintext means everything behind it.
            let what = RAW.iter().find(|raw| **raw == name).copied().unwrap_or_default();
            self.facts.unfinished.get_or_insert((range, what));
        }
        let rest = &bytes[self.last.min(bytes.len())..];
        if self.markup.is_readable()
            && let Some(at) = memchr::memchr(b'<', rest)
            && matches!(rest.get(at + 1), Some(next) if next.is_ascii_alphabetic() || matches!(next, b'/' | b'!'))
        {
            let start = self.last + at;
            let what = unfinished(&rest[at..]);
            self.facts.unfinished.get_or_insert((start..(start + 32).min(bytes.len()), what));
        }
        self.facts
    }
}

/// What begins here and is still open at the end of the file.
fn unfinished(rest: &[u8]) -> &'static str {
    match rest {
        [b'<', b'!', b'-', b'-', ..] => "a comment",
        _ if rest.starts_with(b"<![CDATA[") => "a CDATA section",
        [b'<', b'!', ..] => "a declaration",
        _ if is_in_quote(rest) => "a quote in a tag",
        _ => "a tag",
    }
}

/// Whether a start tag that is open at the end of the file is so within a quoted value.
fn is_in_quote(rest: &[u8]) -> bool {
    let (mut open, mut after_equals) = (None, false);
    for &byte in rest {
        match open {
            Some(quote) if byte == quote => open = None,
            Some(_) => {}
            None if after_equals && matches!(byte, b'"' | b'\'') => open = Some(byte),
            None => {}
        }
        after_equals = open.is_none() && (byte == b'=' || after_equals && byte.is_ascii_whitespace());
    }
    open.is_some()
}

#[derive(Default)]
struct Found {
    href: Option<(Range<usize>, Option<String>)>,
    xlink: Option<(Range<usize>, Option<String>)>,
    alt: Option<String>,
    has_label: bool,
    name: Option<String>,
    is_marked: bool,
}

fn value(attribute: &Attribute<'_>) -> Option<String> {
    attribute.value().map(std::borrow::Cow::into_owned)
}

/// As the URL Standard does before anything else: no C0 control or space at the ends, no tab and line break within.
pub(super) fn trim(target: &str) -> String {
    let trimmed = target.trim_matches(|c| c <= ' ');
    trimmed.replace(['\t', '\r', '\n'], "")
}

/// `text/html; charset=utf-8`
fn charset_of(content: &str) -> Option<String> {
    let at = content.to_ascii_lowercase().find("charset")? + "charset".len();
    let label = content[at..].trim_start().strip_prefix('=')?.trim_start();
    let label = label.trim_start_matches(['"', '\'']);
    let end =
        label.find(|c: char| c.is_ascii_whitespace() || matches!(c, ';' | '"' | '\'')).unwrap_or(label.len());
    (end > 0).then(|| label[..end].to_owned())
}

/// Many templates hide the preheader in their style sheet.
fn is_called_preheader(tag: &StartTag<'_>) -> bool {
    let is_called = |name| {
        let value = tag.attribute(name).flatten().unwrap_or_default().to_ascii_lowercase();
        value.contains("preheader") || value.contains("preview-text") || value.contains("previewtext")
    };
    is_called("class") || is_called("id")
}
