//! WHATWG tree construction on names alone: no nodes, only what the rest must know of a tag.
//!
//! A tokenizer alone cannot tell a link from text that looks like one: `<style>` inside `<svg>` is
//! markup, `</p>` leaves an `<svg>`, `<template>` hides what it holds, and where the body begins
//! depends on every token before it. This follows
//! <https://html.spec.whatwg.org/multipage/parsing.html#tree-construction> with scripting off, as
//! mail clients have it, and is checked against html5ever on every corpus and under fuzzing.

mod formatting;
pub(crate) mod name;
mod rules;
mod stack;
mod table;
mod usual;

use self::formatting::Formatting;
use self::name::Name;
pub(crate) use self::stack::Namespace;
use self::stack::{Scope, Stack};

/// What of a start tag the rules ask for, beside its name.
pub(crate) struct Facts<'a> {
    /// The tag's source, from `<` to `>`.
    pub(crate) source: &'a [u8],
}

impl Facts<'_> {
    fn attribute(&self, name: &[u8]) -> Option<&[u8]> {
        super::tag::first_value(self.source, name)
    }

    /// The attributes as a number, for the "Noah's Ark" clause.
    fn signature(&self) -> u64 {
        let mut sum = 0u64;
        for attribute in super::tag::Attributes::of(self.source) {
            let name = self.source[attribute.name].iter().map(|&byte| byte.to_ascii_lowercase().into());
            let (eights, rest) = self.source[attribute.value].as_chunks();
            let value = eights.iter().map(|&eight| u64::from_le_bytes(eight));
            let (name, value) = (hash(name), hash(value.chain(rest.iter().map(|&byte| byte.into()))));
            sum = sum.wrapping_add(name.rotate_left(32) ^ value);
        }
        sum
    }
}

/// FNV-1a, of more than a byte at once. A collision only makes two elements look alike to the "Noah's Ark" clause.
fn hash(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0xcbf2_9ce4_8422_2325, |hash: u64, number| {
        (hash.rotate_left(32) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

/// A token, as far as tree construction cares.
#[derive(Clone, Copy)]
pub(crate) enum Token<'a> {
    Start(Name, &'a Facts<'a>),
    End(Name),
    /// ASCII white space.
    Space,
    /// Any other text.
    Text,
    /// A NUL byte in text.
    Null,
    EndOfFile,
}

/// How the bytes after a start tag are to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextMode {
    Data,
    RcData,
    RawText,
    ScriptData,
    PlainText,
}

/// How far the document has come on its way to a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Body {
    /// Still before or in the head.
    Before,
    /// The token just processed began the body.
    Started,
    /// A frameset document: it has none.
    Frameset,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Initial,
    BeforeHtml,
    BeforeHead,
    InHead,
    InHeadNoscript,
    AfterHead,
    InBody,
    InTable,
    InCaption,
    InColumnGroup,
    InTableBody,
    InRow,
    InCell,
    InTemplate,
    AfterBody,
    InFrameset,
    AfterFrameset,
    AfterAfterBody,
    AfterAfterFrameset,
}

/// What a rule says of its token.
enum Step {
    Done,
    Raw(TextMode),
    Again(Mode),
}

pub(crate) struct Tree {
    mode: Mode,
    stack: Stack,
    formatting: Vec<Formatting>,
    template_modes: Vec<Mode>,
    head_seen: bool,
    form: Option<u32>,
    frameset_ok: bool,
    /// A pixel stands in the body, or will: a `<frameset>` replaces it no more.
    kept: bool,
    quirks: bool,
    body: Body,
    /// The namespace of the element that the last start tag made, if it made one.
    made: Option<Namespace>,
    raw: Option<TextMode>,
    offset: usize,
    work: u64,
}

impl Tree {
    pub(crate) fn document() -> Tree {
        Tree {
            mode: Mode::Initial,
            stack: Stack::new(),
            formatting: Vec::new(),
            template_modes: Vec::new(),
            head_seen: false,
            form: None,
            frameset_ok: true,
            kept: false,
            quirks: false,
            body: Body::Before,
            made: None,
            raw: None,
            offset: 0,
            work: 0,
        }
    }

    /// The inside of a conditional comment: a fragment in the context of a body.
    pub(crate) fn fragment() -> Tree {
        let mut tree = Tree::document();
        tree.become_fragment();
        tree
    }

    /// Begins anew as [`Tree::fragment`] does, in the memory that it has.
    pub(crate) fn become_fragment(&mut self) {
        self.stack.truncate(0);
        self.stack.push(Name::HTML, Namespace::Html);
        self.formatting.clear();
        self.template_modes.clear();
        self.mode = Mode::InBody;
        self.head_seen = true;
        self.form = None;
        self.frameset_ok = true;
        self.kept = false;
        self.quirks = false;
        self.body = Body::Started;
        self.made = None;
        self.raw = None;
        self.offset = 0;
        self.work = 0;
    }

    /// Tells how many bytes were read, which bounds the work that markup may cause.
    pub(crate) fn at(&mut self, offset: usize) {
        self.offset = offset;
    }

    pub(crate) fn body(&self) -> Body {
        self.body
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// The id of the element on top of the stack, and its place: with [`Tree::is_open`] a caller
    /// learns when it ends.
    pub(crate) fn current(&self) -> Option<(usize, u32)> {
        self.stack.top().map(|top| (self.stack.len() - 1, top.id))
    }

    pub(crate) fn is_open(&self, (index, id): (usize, u32)) -> bool {
        self.stack.get(index).is_some_and(|element| element.id == id)
    }

    pub(crate) fn is_named(&self, (index, id): (usize, u32), name: Name) -> bool {
        self.stack.get(index).is_some_and(|element| element.id == id && element.name == name)
    }

    /// In the body or past it, where a NUL in text is dropped.
    pub(crate) fn body_started(&self) -> bool {
        self.body != Body::Before
    }

    pub(crate) fn in_template(&self) -> bool {
        self.stack.contains(Name::TEMPLATE)
    }

    /// CDATA sections are allowed here: the current node is not an HTML element.
    pub(crate) fn in_foreign_content(&self) -> bool {
        self.stack.top().is_some_and(|top| top.namespace != Namespace::Html)
    }

    /// A pixel stands in the body now: a `<frameset>` replaces it no more.
    pub(crate) fn keep_body(&mut self) {
        self.kept = true;
    }

    /// Whether a `<frameset>` here would replace the body, were there no pixel.
    pub(crate) fn is_replaceable(&self) -> bool {
        self.frameset_ok && self.stack.get(1).is_some_and(|second| second.is_html(Name::BODY))
    }

    /// Whether an `img` put here is shown and changes nothing around it: not in foreign content (it
    /// would end it), a template or a frameset.
    pub(crate) fn takes_pixel(&self) -> bool {
        self.body != Body::Frameset && !self.in_foreign_content() && !self.in_template()
    }

    /// Whether the difference between white space and other text decides where things go, so that
    /// character references must be looked into. In a body only other text keeps a frameset away.
    pub(crate) fn space_matters(&self) -> bool {
        self.frameset_ok && !self.kept || !matches!(self.mode, Mode::InBody | Mode::InCell | Mode::InCaption)
    }

    /// Whether text can change anything here: not inside the body, once it has text and no formatting
    /// element waits to be opened again.
    #[inline]
    pub(crate) fn text_matters(&self) -> bool {
        self.frameset_ok && !self.kept
            || !matches!(self.mode, Mode::InBody | Mode::InCell | Mode::InCaption)
            || self.waits_to_reopen()
    }

    /// Whether white space changes nothing here. It stands between nearly all tags of a table, where other
    /// text would matter.
    #[inline]
    pub(crate) fn ignores_space(&self) -> bool {
        matches!(
            self.mode,
            Mode::InBody | Mode::InCell | Mode::InCaption | Mode::InTable | Mode::InTableBody | Mode::InRow
        ) && !self.waits_to_reopen()
    }

    /// Whether a formatting element waits to be opened again.
    #[inline]
    fn waits_to_reopen(&self) -> bool {
        self.formatting.last().is_some_and(|&last| !self.is_active(last))
    }

    /// A doctype; `quirks` as far as its identifiers tell.
    pub(crate) fn doctype(&mut self, quirks: bool) {
        if self.mode == Mode::Initial {
            self.quirks = quirks;
            self.mode = Mode::BeforeHtml;
        }
    }

    /// A start tag. Returns the namespace of the element that it makes (none if it is dropped) and
    /// how to read on.
    #[inline(always)]
    pub(crate) fn start_tag(&mut self, name: Name, facts: &Facts<'_>) -> (Option<Namespace>, TextMode) {
        if self.usual_start(name, facts) {
            return (Some(Namespace::Html), TextMode::Data);
        }
        self.start_tag_by_rules(name, facts)
    }

    #[inline(never)]
    fn start_tag_by_rules(&mut self, name: Name, facts: &Facts<'_>) -> (Option<Namespace>, TextMode) {
        self.made = None;
        let mode = self.process(Token::Start(name, facts));
        self.raw = (mode != TextMode::Data).then_some(mode);
        (self.made, mode)
    }

    #[inline(always)]
    pub(crate) fn end_tag(&mut self, name: Name) {
        if self.raw.is_some() || !self.usual_end(name) {
            self.end_tag_by_rules(name);
        }
    }

    #[inline(never)]
    fn end_tag_by_rules(&mut self, name: Name) {
        if self.raw.take().is_some() {
            // "text" insertion mode: the raw text element itself
            self.stack.pop();
            return;
        }
        self.process(Token::End(name));
    }

    pub(crate) fn space(&mut self) {
        self.process(Token::Space);
    }

    pub(crate) fn text(&mut self) {
        self.process(Token::Text);
    }

    pub(crate) fn null(&mut self) {
        self.process(Token::Null);
    }

    pub(crate) fn end_of_file(&mut self) {
        self.raw = None;
        if self.body == Body::Before {
            self.process(Token::EndOfFile);
        }
    }

    fn process(&mut self, token: Token<'_>) -> TextMode {
        loop {
            let step = if self.is_foreign(token) { self.foreign(token) } else { self.step(self.mode, token) };
            match step {
                Step::Done => return TextMode::Data,
                Step::Raw(mode) => return mode,
                Step::Again(mode) => self.mode = mode,
            }
        }
    }

    /// <https://html.spec.whatwg.org/multipage/parsing.html#tree-construction-dispatcher>
    fn is_foreign(&self, token: Token<'_>) -> bool {
        let Some(top) = self.stack.top() else { return false };
        match (top.namespace, token) {
            (Namespace::Html, _) | (_, Token::EndOfFile) => false,
            (Namespace::MathMl, token) if top.name.is_mathml_text_integration_point() => match token {
                Token::Space | Token::Text | Token::Null => false,
                Token::Start(name, _) => matches!(name, Name::MGLYPH | Name::MALIGNMARK),
                _ => true,
            },
            (Namespace::MathMl, Token::Start(name, _)) if top.name == Name::ANNOTATION_XML => {
                name != Name::SVG && !top.html_integration
            }
            (Namespace::MathMl, Token::Space | Token::Text | Token::Null)
                if top.name == Name::ANNOTATION_XML =>
            {
                !top.html_integration
            }
            (Namespace::Svg, Token::Space | Token::Text | Token::Null | Token::Start(..))
                if top.name.is_svg_html_integration_point() =>
            {
                false
            }
            _ => true,
        }
    }

    /// <https://html.spec.whatwg.org/multipage/parsing.html#parsing-main-inforeign>
    fn foreign(&mut self, token: Token<'_>) -> Step {
        match token {
            Token::Text => self.frameset_ok = false,
            Token::Space | Token::Null | Token::EndOfFile => {}
            Token::Start(name, facts) => {
                let breakout = name.is_breakout()
                    || name == Name::FONT
                        && [&b"color"[..], b"face", b"size"].iter().any(|n| facts.attribute(n).is_some());
                if breakout {
                    return self.break_out(token);
                }
                let namespace = self.stack.top().map_or(Namespace::Html, |top| top.namespace);
                self.insert_foreign(name, namespace, facts);
            }
            Token::End(Name::BR | Name::P) => return self.break_out(token),
            Token::End(name) => {
                let namesake = self.stack.position_foreign(name);
                if namesake > self.stack.mark(Scope::Html) {
                    self.stack.truncate(namesake as usize - 1);
                } else {
                    return self.step(self.mode, token);
                }
            }
        }
        Step::Done
    }

    fn break_out(&mut self, token: Token<'_>) -> Step {
        while self
            .stack
            .top()
            .is_some_and(|top| top.namespace != Namespace::Html && !top.is_integration_point())
        {
            self.stack.pop();
        }
        self.step(self.mode, token)
    }

    fn insert(&mut self, name: Name) {
        self.made = Some(Namespace::Html);
        self.stack.push(name, Namespace::Html);
    }

    fn insert_void(&mut self) {
        self.made = Some(Namespace::Html);
    }

    fn insert_foreign(&mut self, name: Name, namespace: Namespace, facts: &Facts<'_>) {
        self.made = Some(namespace);
        if super::tag::is_self_closing(facts.source) {
            return;
        }
        self.stack.push(name, namespace);
        if name == Name::ANNOTATION_XML && namespace == Namespace::MathMl {
            let html = facts.attribute(b"encoding").is_some_and(|value| {
                value.eq_ignore_ascii_case(b"text/html")
                    || value.eq_ignore_ascii_case(b"application/xhtml+xml")
            });
            if let Some(top) = self.stack.top_mut() {
                top.html_integration = html;
            }
        }
    }
}
