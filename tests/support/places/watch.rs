//! html5ever fed a little at a time, and watched.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::Tracer;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{LocalName, QualName, local_name, ns};
use markup5ever_rcdom::{Node, NodeData};
use openclick::PixelPlace;

use super::sink::Dom;
use super::{Handle, Link, PREHEADER, Places, dom, judge};

/// Reads `html` from `start` on; as a fragment in a body where it is the inside of a conditional comment.
pub(super) fn read(html: &[u8], start: usize, outlook: bool) -> Places {
    let opts = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let sink = Dom::default();
    let builder = match outlook {
        true => {
            let body = Node::new(NodeData::Element {
                name: QualName::new(None, ns!(html), local_name!("body")),
                attrs: RefCell::default(),
                template_contents: RefCell::default(),
                mathml_annotation_xml_integration_point: false,
            });
            TreeBuilder::new_for_fragment(sink, body, None, opts)
        }
        false => TreeBuilder::new(sink, opts),
    };
    let watch = Watch {
        builder,
        html,
        outlook,
        base: Cell::new(start),
        piece: Cell::new(start),
        end: Cell::new(start),
        emitted: Cell::new(0),
        raw: Cell::new(false),
        preheader: RefCell::new(Preheader::Waiting),
        templates: Cell::new(false),
        places: RefCell::default(),
    };
    let options = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(watch, options);
    let mut at = start;
    while at < html.len() {
        // A word at a time; in a character reference a letter, since it may end inside a word.
        let reference = html[tokenizer.sink.base.get()] == b'&';
        let word = html[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let same = if reference { 1 } else { word.max(1) };
        tokenizer.sink.feeding(at, at + same);
        let piece: String = html[at..at + same].iter().map(|&byte| char::from(byte)).collect();
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(piece));
        while !input.is_empty() {
            let _ = tokenizer.feed(&input); // again where a script or a charset stopped it
        }
        tokenizer.sink.fed();
        at += same;
    }
    tokenizer.sink.ending();
    tokenizer.end();
    tokenizer.sink.places.take()
}

/// The search for the top pixel's place.
enum Preheader {
    Waiting,
    Begun(usize),
    /// `inside`: what was made since.
    Open {
        body: usize,
        element: Handle,
        inside: Vec<Handle>,
    },
    Done,
}

struct Watch<'a> {
    builder: TreeBuilder<Handle, Dom>,
    html: &'a [u8],
    outlook: bool,
    /// Where the token being read began.
    base: Cell<usize>,
    /// The piece being fed.
    piece: Cell<usize>,
    end: Cell<usize>,
    /// Tokens that this piece made.
    emitted: Cell<usize>,
    /// Inside an element whose content is no markup.
    raw: Cell<bool>,
    preheader: RefCell<Preheader>,
    templates: Cell<bool>,
    places: RefCell<Places>,
}

impl Watch<'_> {
    fn feeding(&self, at: usize, end: usize) {
        self.piece.set(at);
        self.end.set(end);
        self.emitted.set(0);
    }

    fn fed(&self) {
        let (at, end) = (self.piece.get(), self.end.get());
        if self.emitted.get() > 0 {
            // A `<` or `&` ends the text before it and waits itself.
            self.base.set(if matches!(self.html[at], b'<' | b'&') { at } else { end });
        } else if self.base.get() == at && self.html[at] == b'\n' && at > 0 && self.html[at - 1] == b'\r' {
            self.base.set(end); // the second half of a line end
        } else if &self.html[self.base.get()..end] == b"</>" && !self.raw.get() {
            self.base.set(end); // makes no token
        }
    }

    fn ending(&self) {
        self.places.borrow_mut().in_template = self.in_template();
        self.feeding(self.html.len(), self.html.len());
    }

    /// How often html5ever's state holds the node.
    fn held(&self, node: &Handle) -> usize {
        struct Count<'a>(&'a Handle, Cell<usize>);
        impl Tracer for Count<'_> {
            type Handle = Handle;
            fn trace_handle(&self, node: &Handle) {
                self.1.set(self.1.get() + usize::from(Rc::ptr_eq(node, self.0)));
            }
        }
        let count = Count(node, Cell::new(0));
        self.builder.trace_handles(&count);
        count.1.get()
    }

    /// Whether the element is on the stack. Formatting elements are held by their list also, a form by
    /// the form pointer.
    fn is_open(&self, node: &Handle) -> bool {
        let elsewhere = match local(node) {
            Some(name) if dom::is_formatting(&name) || &*name == "form" => 1,
            _ => 0,
        };
        self.held(node) > elsewhere
    }

    fn in_template(&self) -> bool {
        struct Any(Cell<bool>);
        impl Tracer for Any {
            type Handle = Handle;
            fn trace_handle(&self, node: &Handle) {
                if matches!(&node.data, NodeData::Element { name, .. }
                    if name.ns == ns!(html) && name.local == local_name!("template"))
                {
                    self.0.set(true);
                }
            }
        }
        if !self.templates.get() {
            return false;
        }
        let any = Any(Cell::new(false));
        self.builder.trace_handles(&any);
        any.0.get()
    }

    /// The body's name, if it is there: `body` or `frameset`.
    fn body(&self) -> Option<LocalName> {
        let document = self.builder.sink.dom.document.children.borrow();
        let html = document.iter().find(|node| matches!(node.data, NodeData::Element { .. }))?;
        let children = html.children.borrow();
        children.iter().rev().filter_map(local).find(|name| matches!(&**name, "body" | "frameset"))
    }

    fn front(&self, body: usize) {
        self.preheader.replace(Preheader::Done);
        self.places.borrow_mut().top = Some((body, PixelPlace::BodyStart));
    }

    /// After a token: has the body begun, is this its first element, has that ended?
    fn watch_top(&self, start: usize, end: usize, tag: Option<&Tag>) {
        let started = tag.filter(|tag| tag.kind == TagKind::StartTag);
        let is_body = started.is_some_and(|tag| &*tag.name == "body");
        let mut explicit = false;
        if matches!(*self.preheader.borrow(), Preheader::Waiting) {
            match self.body() {
                Some(name) if &*name == "body" => {
                    let at = if is_body { end } else { start };
                    self.places.borrow_mut().body = Some(at);
                    self.places.borrow_mut().body_late = self.piece.get() == self.html.len();
                    self.preheader.replace(Preheader::Begun(at));
                    explicit = is_body;
                }
                Some(_) => {
                    self.preheader.replace(Preheader::Done);
                }
                None => {}
            }
        }
        let begun = match &*self.preheader.borrow() {
            Preheader::Begun(body) => Some(*body),
            _ => None,
        };
        if let Some(body) = begun
            && !explicit
            && let Some(element) = self.builder.sink.made.borrow().last().cloned()
            && !local(&element).is_some_and(|name| matches!(&*name, "html" | "head" | "body"))
        {
            match started {
                Some(tag) if judge::is_hidden(tag) && end - body <= PREHEADER && !self.raw.get() => {
                    if self.is_open(&element) {
                        self.preheader.replace(Preheader::Open { body, element, inside: Vec::new() });
                        return;
                    }
                    self.preheader.replace(Preheader::Done);
                    self.places.borrow_mut().top = Some((end, PixelPlace::AfterPreheader));
                }
                _ => self.front(body),
            }
            return;
        }
        if let Preheader::Open { inside, .. } = &mut *self.preheader.borrow_mut() {
            inside.extend(self.builder.sink.made.borrow().iter().cloned());
        }
        let ended = match &*self.preheader.borrow() {
            Preheader::Open { body, element, inside } if !self.is_open(element) => {
                Some((*body, local(element), inside.iter().any(|element| self.is_open(element))))
            }
            _ => None,
        };
        if let Some((body, Some(name), open)) = ended {
            let place = match tag {
                // Its own end tag; a paragraph is ended by the pixel's `div` just as by the tag that ended it.
                Some(tag) if tag.kind == TagKind::EndTag && tag.name == name => (!open).then_some(end),
                Some(tag) if tag.kind == TagKind::StartTag && &*name == "p" => Some(start),
                _ => None,
            };
            match place.filter(|at| at - body <= PREHEADER) {
                Some(at) => {
                    self.preheader.replace(Preheader::Done);
                    self.places.borrow_mut().top = Some((at, PixelPlace::AfterPreheader));
                }
                None => self.front(body),
            }
        }
    }
}

impl TokenSink for Watch<'_> {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        if matches!(token, Token::ParseError(_)) {
            return self.builder.process_token(token, line);
        }
        // What follows in one piece after another token began with the piece.
        let first = self.emitted.get() == 0 && token != Token::EOFToken;
        let start = if first { self.base.get() } else { self.piece.get() };
        let end = self.end.get();
        self.emitted.set(self.emitted.get() + 1);
        let foreign = self.builder.adjusted_current_node_present_but_not_in_html_namespace();
        let in_template = self.in_template();
        let tag = if let Token::TagToken(tag) = &token { Some(tag.clone()) } else { None };
        let comment = matches!(token, Token::CommentToken(_));
        let text = matches!(token, Token::CharacterTokens(_) | Token::NullCharacterToken);
        let was_raw = self.raw.get();
        self.builder.sink.made.borrow_mut().clear();
        let result = self.builder.process_token(token, line);
        match result {
            TokenSinkResult::RawData(_) | TokenSinkResult::Plaintext => self.raw.set(true),
            _ if tag.as_ref().is_some_and(|tag| tag.kind == TagKind::EndTag) => self.raw.set(false),
            _ => {}
        }
        if tag.as_ref().is_some_and(|tag| &*tag.name == "template") {
            self.templates.set(true);
        }
        if !self.outlook {
            self.watch_top(start, end, tag.as_ref());
            let body = self.body();
            self.places.borrow_mut().frameset = body.as_deref() == Some("frameset");
            if body.as_deref() == Some("body") && !in_template {
                let ends = tag
                    .as_ref()
                    .is_some_and(|tag| tag.kind == TagKind::EndTag && matches!(&*tag.name, "body" | "html"));
                // Text may open formatting elements again, so its place is told after it.
                if text && !was_raw && !self.adjusted_current_node_present_but_not_in_html_namespace() {
                    self.places.borrow_mut().text.push((start, end));
                }
                if ends && !foreign {
                    self.places.borrow_mut().end.get_or_insert(start);
                    let begun = match &*self.preheader.borrow() {
                        Preheader::Begun(body) | Preheader::Open { body, .. } => Some(*body),
                        _ => None,
                    };
                    if let Some(body) = begun {
                        self.front(body);
                    }
                }
            }
        }
        if let Some(tag) = tag.filter(|tag| tag.kind == TagKind::StartTag) {
            self.start_tag(&tag, start, end);
        }
        if comment && !self.outlook && !in_template {
            self.comment(start, end);
        }
        result
    }

    fn end(&self) {
        self.builder.end();
        let hold = match &*self.preheader.borrow() {
            Preheader::Begun(body) | Preheader::Open { body, .. } => Some(*body),
            _ => None,
        };
        if let Some(body) = hold {
            self.front(body);
        }
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

impl Watch<'_> {
    fn start_tag(&self, tag: &Tag, start: usize, end: usize) {
        let mut places = self.places.borrow_mut();
        places.last_tag = Some((start, end));
        if tag.attrs.iter().any(|attribute| dom::is_msys(&attribute.name.local)) {
            places.marked.push((start, end));
        }
        if self.in_template() {
            return;
        }
        let made = self.builder.sink.made.borrow();
        let Some(node) = made.last() else { return };
        let NodeData::Element { name, .. } = &node.data else { return };
        if !name.local.eq_ignore_ascii_case(&tag.name) {
            return;
        }
        let svg = name.ns == ns!(svg);
        let link = match &*tag.name {
            "a" => true,
            "area" => name.ns == ns!(html),
            other => self.outlook && other.starts_with("v:") && other.len() > 2,
        };
        if !link {
            return;
        }
        let opted_out =
            tag.attrs.iter().any(|a| &*a.name.local == "data-msys-clicktrack" && a.value.trim_ascii() == "0");
        for attribute in &tag.attrs {
            let local = &*attribute.name.local;
            if local == "href" || svg && &*tag.name == "a" && local == "xlink:href" {
                let target = judge::trimmed(&attribute.value);
                places.links.push(Link { tag: (start, end), target, opted_out });
            }
        }
    }

    fn comment(&self, start: usize, end: usize) {
        let whole: String = self.html[start..end].iter().map(|&byte| char::from(byte)).collect();
        let Some(data) = whole.strip_prefix("<!--") else { return };
        let Some(data) = data.strip_suffix("-->").or_else(|| data.strip_suffix("--!>")) else { return };
        let Some(inside) = dom::conditional(data) else { return };
        // All of these are ASCII up to the inside, or Latin-1 in two bytes each: count characters.
        let before = data[..inside.as_ptr() as usize - data.as_ptr() as usize].chars().count();
        let start = start + 4 + before;
        let stop = start + inside.chars().count();
        let part = read(&self.html[..stop], start, true);
        let mut places = self.places.borrow_mut();
        places.links.extend(part.links);
        places.marked.extend(part.marked);
    }
}

fn local(node: &Handle) -> Option<LocalName> {
    match &node.data {
        NodeData::Element { name, .. } => Some(name.local.clone()),
        _ => None,
    }
}
