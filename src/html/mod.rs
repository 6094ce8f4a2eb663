//! The walk: engine events in, sites out.
//!
//! A *site* is a place that tracking may change: a link's value, a tracking attribute, the place of
//! a pixel. The walk finds them with the eyes of a browser (see [`tree`]) and of Outlook (see
//! [`outlook`]); what happens there is for others to decide. It knows nothing of lol_html, so that
//! another engine can drive it.

pub(crate) mod attribute;
mod body;
mod byte;
mod engine;
#[cfg(feature = "lol_html")]
mod finder;
mod gap;
mod outlook;
mod placeholder;
mod rawtext;
mod read;
mod stride;
pub(crate) mod tag;
mod text;
mod top;
mod tree;

use std::ops::Range;
use std::sync::Arc;

pub(crate) use self::engine::{Reader, Source};
pub(crate) use self::read::{Found, read};

pub(crate) use self::body::PREHEADER_LIMIT;
use self::body::Top;
pub(crate) use self::body::is_hidden;
use self::engine::{Engine, Events, Next};
use self::placeholder::Placeholders;
use self::tag::{Attribute, Attributes, name_range};
use self::top::Ended;
use self::tree::name::Name;
use self::tree::{Body, Facts, Namespace, Tree};
use crate::charset::Charset;
use crate::report::{LinkPlace, NoPlace};

/// More open elements than this end the tracking: each costs memory, and no person nests so deep.
const MOST_OPEN: usize = 20_000;

/// The longest tag or comment that a rewrite reads, in bytes; a stream holds it in memory whole.
pub(crate) const MOST_TOKEN: usize = 1 << 20;

/// An `href` that may be tracked. Ranges are relative to the tag.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) attribute: Attribute,
    pub(crate) place: LinkPlace,
}

/// The links of one tag.
pub(crate) type Targets = [Option<Target>; 2];

/// A start tag with links or tracking attributes.
#[derive(Debug)]
pub(crate) struct Tag<'a> {
    pub(crate) source: &'a [u8],
    pub(crate) at: usize,
    /// A tracking attribute may stand in it.
    pub(crate) marked: bool,
    /// The links in source order: two only on an svg `a` with `href` and `xlink:href`.
    pub(crate) targets: Targets,
    /// What the end tag of the link's text is called; `area` has no text.
    pub(crate) ends: LinkEnd,
}

/// Which end tag ends the text of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkEnd {
    Named(Name),
    Void,
}

/// Who receives the sites, in document order.
pub(crate) trait Sites {
    /// Whether a tracking attribute may stand in this tag; a quick look. `unmarked`: none of SparkPost's does.
    fn may_hold_attributes(&mut self, source: Source<'_>, range: Range<usize>, unmarked: bool) -> bool;
    fn tag(&mut self, tag: Tag<'_>);
    /// An `img` start tag, for the recognition of own pixels.
    fn image(&mut self, source: Source<'_>, range: Range<usize>);
    /// Whether anybody waits for text.
    fn wants_text(&self) -> bool;
    /// Text of the document or, in `outlook`, of a conditional comment.
    fn text(&mut self, source: Source<'_>, range: Range<usize>, outlook: bool);
    /// The text of a link ends here, if one is open.
    fn link_end(&mut self, end: LinkEnd, at: usize, outlook: bool);
    /// Whether this tag is the bottom pixel that would be inserted.
    fn is_bottom_pixel(&self, tag: &[u8]) -> bool;
    /// Whether these bytes are the top pixel that would be inserted.
    fn is_top_pixel(&mut self, bytes: &[u8]) -> bool;
    /// Whether a top pixel is wanted.
    fn wants_top(&self) -> bool;
    /// Whether a bottom pixel is wanted that does not stand in the document yet.
    fn wants_bottom(&self) -> bool;
    /// The top pixel's place; `present` if it stands there already.
    fn top(&mut self, at: usize, present: bool, after_preheader: bool);
    /// The bottom pixel's place; returns whether it is put there.
    fn bottom(&mut self, at: usize, end_of_file: bool) -> bool;
    /// The body begins here, as far as pixels are concerned.
    fn body(&mut self, _at: usize) {}
    /// Of this text it matters whether it is white space.
    fn text_counts(&mut self, _range: Range<usize>) {}
    fn no_top(&mut self, why: NoPlace);
    fn no_bottom(&mut self, why: NoPlace);
    /// A placeholder; returns whether it takes the bottom pixel. `joins`: if nothing stood in its place,
    /// what is before and behind would become something else.
    fn placeholder(&mut self, range: Range<usize>, may_take: bool, joins: bool) -> bool;
    /// A limit was passed here; nothing is changed from here on.
    fn limit(&mut self, at: usize);
}

/// What of the options the walk needs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) outlook: bool,
    /// Empty for none.
    pub(crate) placeholder: Arc<[u8]>,
    pub(crate) charset: Charset,
    /// The longest tag or comment that is read, in bytes.
    pub(crate) max_token: usize,
}

/// A document being read.
pub(crate) struct Scan {
    engine: Engine,
    walk: Walk,
}

impl Scan {
    /// `start` is the offset of the first byte of markup, past a byte order mark.
    pub(crate) fn new(start: usize, settings: Settings, reader: Reader) -> Scan {
        Scan { engine: Engine::new(start, settings.max_token, reader), walk: Walk::document(settings) }
    }

    /// Reads on. `source` begins at or before [`Scan::settled`]; `last` if nothing follows it.
    pub(crate) fn advance(&mut self, source: Source<'_>, last: bool, sites: &mut impl Sites) {
        let mut walking = Walking { walk: &mut self.walk, sites };
        self.engine.advance(source, last, &mut walking);
        if last || walking.walk.limited {
            let clean = self.engine.ended_in_data(source);
            walking.finish(source, clean);
        } else if let Some(body) = walking.walk.hold()
            && source.end() > body + PREHEADER_LIMIT
        {
            walking.top_in_front(body);
        }
    }

    /// No site will be found before this offset any more.
    pub(crate) fn settled(&self) -> usize {
        self.walk.hold().unwrap_or(usize::MAX).min(self.engine.at())
    }

    /// The offset from which everything passes through, if a limit was passed.
    pub(crate) fn stopped_at(&self) -> Option<usize> {
        self.walk.limited.then(|| self.engine.at())
    }
}

struct Walk {
    settings: Settings,
    tree: Tree,
    top: Top,
    /// The bottom pixel's place is known, or there is none.
    bottom_done: bool,
    /// Inside a conditional comment: no pixels, VML counts.
    in_outlook: bool,
    limited: bool,
    placeholders: Placeholders,
    /// The walk of the last conditional comment, to be used again: making one costs more than most comments.
    inside: Option<Box<Walk>>,
}

impl Walk {
    fn document(settings: Settings) -> Walk {
        Walk { placeholders: Placeholders::new(&settings.placeholder), ..Walk::new(settings) }
    }

    fn new(settings: Settings) -> Walk {
        Walk {
            settings,
            tree: Tree::document(),
            top: Top::Waiting,
            bottom_done: false,
            in_outlook: false,
            limited: false,
            placeholders: Placeholders::default(),
            inside: None,
        }
    }

    /// A walk for the inside of a conditional comment.
    fn take_inside(&mut self) -> Box<Walk> {
        let mut walk = self.inside.take().unwrap_or_else(|| Box::new(Walk::new(self.settings.clone())));
        walk.tree.become_fragment();
        walk.top = Top::Done;
        walk.bottom_done = true;
        walk.in_outlook = true;
        walk.limited = false;
        walk
    }

    fn hold(&self) -> Option<usize> {
        match self.top {
            Top::Begun(body) | Top::Preheader { body, .. } => Some(body),
            _ => None,
        }
    }

    /// Whether a start tag of this name may be a link: `v:roundrect` and the like only to Outlook.
    #[inline]
    fn may_link(&self, name: Name) -> bool {
        matches!(name, Name::A | Name::AREA) || self.in_outlook && name.known().is_none()
    }

    /// The links of a start tag that made an element of this namespace.
    fn targets(&self, source: &[u8], name: Name, namespace: Namespace) -> Targets {
        let vml = || {
            let name = &source[name_range(source)];
            name.len() > 2 && name[..2].eq_ignore_ascii_case(b"v:")
        };
        let place = match (namespace, name) {
            (Namespace::Html, Name::A | Name::AREA) if self.in_outlook => LinkPlace::Outlook,
            (Namespace::Html, Name::A | Name::AREA) => LinkPlace::Html,
            // Gecko, and so Thunderbird, follows `href` on MathML elements.
            (Namespace::MathMl, Name::A) => LinkPlace::Html,
            (Namespace::Svg, Name::A) => LinkPlace::Svg,
            _ if self.in_outlook && name.known().is_none() && vml() => LinkPlace::Outlook,
            _ => return [None, None],
        };
        let mut seen = [false; 2];
        let mut targets = [None, None];
        let mut count = 0;
        for attribute in Attributes::of(source) {
            let which = match &source[attribute.name.clone()] {
                name if name.eq_ignore_ascii_case(b"href") => 0,
                name if place == LinkPlace::Svg && name.eq_ignore_ascii_case(b"xlink:href") => 1,
                _ => continue,
            };
            // Of a duplicated attribute the first counts, as in HTML.
            if !std::mem::replace(&mut seen[which], true) {
                targets[count] = Some(Target { attribute, place });
                count += 1;
                if place != LinkPlace::Svg {
                    break;
                }
            }
        }
        targets
    }
}

struct Walking<'a, S> {
    walk: &'a mut Walk,
    sites: &'a mut S,
}

impl<S: Sites> Walking<'_, S> {
    /// Tells of a start tag that may be a link, or hold tracking attributes (`marked`).
    fn site(
        &mut self,
        source: Source<'_>,
        range: Range<usize>,
        name: Name,
        made: Option<Namespace>,
        marked: bool,
    ) {
        let bytes = source.at(range.clone());
        let targets = match made {
            Some(namespace) if self.walk.may_link(name) && !self.walk.tree.in_template() => {
                self.walk.targets(bytes, name, namespace)
            }
            _ => [None, None],
        };
        if name == Name::A && made.is_some() {
            self.sites.link_end(LinkEnd::Named(name), range.start, self.walk.in_outlook);
        }
        if targets[0].is_some() || marked {
            let ends = if name == Name::AREA { LinkEnd::Void } else { LinkEnd::Named(name) };
            self.sites.tag(Tag { source: bytes, at: range.start, marked, targets, ends });
        }
    }

    fn finish(&mut self, source: Source<'_>, clean: bool) {
        if !self.walk.limited {
            self.walk.tree.end_of_file();
            self.watch_body(source.end());
            if self.walk.top == Top::Begun(source.end()) && !clean {
                // The body begins only where the file ends, and nothing can stand there.
                self.walk.top = Top::Done;
                self.sites.no_top(NoPlace::Unfinished);
            }
        }
        match self.walk.top {
            Top::Begun(body) | Top::Preheader { body, .. } => self.top_in_front(body),
            Top::Waiting => {
                self.walk.top = Top::Done;
                self.sites.no_top(match () {
                    () if self.walk.limited => NoPlace::Limit,
                    () if !clean => NoPlace::Unfinished,
                    // A template that nothing closes keeps the body away until the file ends.
                    () => NoPlace::Template,
                });
            }
            Top::Done => {}
        }
        if self.walk.bottom_done {
            return;
        }
        self.walk.bottom_done = true;
        if self.walk.limited {
            self.sites.no_bottom(NoPlace::Limit);
        } else if self.walk.tree.body() == Body::Frameset {
            self.sites.no_bottom(NoPlace::Frameset);
        } else if !clean {
            self.sites.no_bottom(NoPlace::Unfinished);
        } else if self.walk.tree.in_template() {
            self.sites.no_bottom(NoPlace::Template);
        } else {
            self.sites.bottom(source.end(), true);
        }
    }

    /// Walks the inside of a conditional comment.
    fn conditional(&mut self, source: Source<'_>, data: Range<usize>) {
        let Some(inside) = outlook::inside(source.at(data.clone())) else { return };
        let inside = data.start + inside.start..data.start + inside.end;
        let part = Source { bytes: source.at(inside.clone()), base: inside.start };
        let mut walk = self.walk.take_inside();
        let mut engine = Engine::new(inside.start, self.walk.settings.max_token, Reader::Scan);
        let mut walking = Walking { walk: &mut walk, sites: &mut *self.sites };
        engine.advance(part, true, &mut walking);
        self.walk.inside = Some(walk);
        self.sites.link_end(LinkEnd::Void, inside.end, true);
    }
}

impl<S: Sites> Events for Walking<'_, S> {
    #[inline(always)]
    fn start_tag(&mut self, source: Source<'_>, range: Range<usize>, name: Name, unmarked: bool) -> Next {
        let bytes = source.at(range.clone());
        self.walk.tree.at(range.end);
        if name == Name::FRAMESET
            && self.walk.tree.is_replaceable()
            && let Some(body) = self.walk.hold()
        {
            self.top_in_front(body); // behind it would be too late to keep the body
        }
        self.walk.placeholders.drops_newline = matches!(name, Name::PRE | Name::LISTING);
        let (made, mode) = self.walk.tree.start_tag(name, &Facts { source: bytes });
        if self.walk.tree.depth() > MOST_OPEN {
            self.limit(range.start);
            return Next::Stop;
        }
        if !self.walk.top.is_done() {
            self.watch_start_tag(source, range.clone(), name, made, mode);
        }
        let marked = self.sites.may_hold_attributes(source, range.clone(), unmarked);
        // Asked first: all other tags are spared a call.
        if marked || self.walk.may_link(name) {
            self.site(source, range.clone(), name, made, marked);
        }
        if name == Name::IMG && !self.walk.in_outlook {
            self.sites.image(source, range);
        }
        Next::Read(mode)
    }

    #[inline(always)]
    fn end_tag(&mut self, source: Source<'_>, range: Range<usize>, name: Name) {
        self.walk.tree.at(range.end);
        self.walk.placeholders.drops_newline = false;
        let ends_body = matches!(name, Name::BODY | Name::HTML) && self.walk.tree.takes_pixel();
        let ends_itself = match self.walk.top {
            Top::Preheader { element, .. } => self.walk.tree.is_named(element, name),
            _ => false,
        };
        self.walk.tree.end_tag(name);
        if !self.walk.top.is_done() {
            self.watch_end_tag(source, range.clone(), name, ends_itself, ends_body);
        }
        if ends_body && !self.walk.bottom_done && self.walk.tree.body() == Body::Started {
            self.walk.bottom_done = true;
            if self.sites.bottom(range.start, false) {
                self.walk.tree.keep_body();
            }
        }
        if self.sites.wants_text() {
            self.sites.link_end(LinkEnd::Named(name), range.start, self.walk.in_outlook);
        }
    }

    #[inline(always)]
    fn space(&mut self, source: Source<'_>, range: Range<usize>) {
        if matches!(self.walk.top, Top::Waiting) || self.walk.tree.text_matters() {
            self.sites.text_counts(range.clone());
        }
        if !self.walk.tree.ignores_space() {
            self.walk.tree.space();
        }
        self.walk.placeholders.space_read();
        if self.sites.wants_text() {
            self.sites.text(source, range, self.walk.in_outlook);
        }
    }

    fn text(&mut self, source: Source<'_>, range: Range<usize>, complete: bool) -> usize {
        let bytes = source.at(range.clone());
        let mut used = bytes.len();
        if !complete {
            used -= self.walk.held_back(bytes);
        }
        let bytes = &bytes[..used];
        if self.walk.top.is_done() && !self.walk.tree.text_matters() {
            // most text: it changes nothing that the walk must know
        } else {
            if matches!(self.walk.top, Top::Waiting) || self.walk.tree.text_matters() {
                self.sites.text_counts(range.start..range.start + used);
            }
            if let Some(first) = self.classify(bytes) {
                self.watch_body(range.start + first);
                self.watch_preheader(source, range.start, Ended::Otherwise);
            }
        }
        self.placeholders(source, range.start..range.start + used, complete);
        self.walk.text_used(bytes, range.start + used, complete);
        if self.sites.wants_text() {
            self.sites.text(source, range.start..range.start + used, self.walk.in_outlook);
        }
        used
    }

    fn comment(&mut self, source: Source<'_>, _whole: Range<usize>, data: Range<usize>) {
        self.walk.placeholders.drops_newline = false;
        if self.walk.settings.outlook && !self.walk.in_outlook && !self.walk.tree.in_template() {
            self.conditional(source, data);
        }
    }

    fn doctype(&mut self, source: Source<'_>, range: Range<usize>) {
        self.walk.tree.doctype(text::is_quirky_doctype(source.at(range)));
    }

    fn cdata(&mut self, source: Source<'_>, range: Range<usize>) {
        let inside = range.start + b"<![CDATA[".len()..range.end - b"]]>".len();
        text::classify(source.at(inside.clone()), &mut self.walk.tree);
        self.sites.text(source, inside, self.walk.in_outlook);
    }

    fn in_foreign_content(&self) -> bool {
        self.walk.tree.in_foreign_content()
    }

    fn limit(&mut self, at: usize) {
        if !self.walk.limited {
            self.walk.limited = true;
            self.sites.limit(at);
        }
    }
}

/// Elements that never hold anything.
fn is_void(tag: &[u8]) -> bool {
    matches!(
        Name::of(&tag[name_range(tag)]),
        Name::AREA
            | Name::BASE
            | Name::BASEFONT
            | Name::BGSOUND
            | Name::BR
            | Name::EMBED
            | Name::HR
            | Name::IMAGE
            | Name::IMG
            | Name::INPUT
            | Name::KEYGEN
            | Name::LINK
            | Name::META
            | Name::PARAM
            | Name::SOURCE
            | Name::TRACK
            | Name::WBR
    )
}
