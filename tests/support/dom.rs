//! The DOM oracle: html5ever, scripting off, judges input and output of a rewrite.
//!
//! First the output is compared with the input into which the pixels were put at the reported places:
//! these two DOMs must be equal but for tracked links and removed attributes, and which links are
//! tracked is judged here, not asked of the report. Then the pixels themselves must be neutral: without
//! them the DOM is the input's. Three exceptions, all where something stands that a mail does not have:
//!
//! - late content: something other than white space and comments behind the bottom pixel, with
//!   formatting elements left open; an `img` makes the parser open them again earlier than it would. In a
//!   table, where the body's end tag is ignored, a comment or white space goes with such an element: the rest must be equal;
//! - a link tag in a `<template>` that leaves formatting elements open past its end: the parser makes a
//!   second, live element of it behind the template. The tag stands in the template, so it stays;
//! - a `<frameset>` after the body has begun by itself: any `img` keeps it from replacing the body.

use std::rc::Rc;

use html5ever::driver::ParseOpts;
use html5ever::tendril::TendrilSink;
use html5ever::tokenizer::TokenizerOpts;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{QualName, local_name, ns, parse_document, parse_fragment};
use markup5ever_rcdom::{Node, NodeData, RcDom};
use openclick::{Consent, Delivery, EventKind, Report, Status};

use super::judge;
use super::{decoder, delivery, rewriter, show};

const PLACEHOLDER: &str = "{{openclick:pixel}}";

const PIXEL: &str = "https://pixel.invalid/";

fn opts() -> ParseOpts {
    ParseOpts {
        // The charset's decoder takes the byte order mark; html5ever would also drop one behind a meta tag.
        tokenizer: TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() },
        tree_builder: TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() },
    }
}

fn document(html: &str) -> RcDom {
    parse_document(RcDom::default(), opts()).one(html)
}

fn fragment(html: &str) -> RcDom {
    let body = QualName::new(None, ns!(html), local_name!("body"));
    parse_fragment(RcDom::default(), opts(), body, vec![], false).one(html)
}

/// The oracle. Panics where the rewrite does not agree with it.
pub(crate) fn check(html: &[u8]) {
    check_delivery(html, &delivery());
    // A pixel keeps a late frameset away, and more: without any the tree may be another.
    check_delivery(html, &delivery().tracking(Consent::CLICKS));
}

fn check_delivery(html: &[u8], delivery: &Delivery) {
    let rewritten = rewriter().rewrite_html(html, delivery).expect("a delivery");
    let report = &rewritten.report;
    super::places::check(html, report);
    if report.status == Status::Charset || report.limit.is_some() {
        return;
    }
    let Some(encoding) = encoding_rs::Encoding::for_label(report.charset.as_bytes()) else { return };
    let decode = |bytes: &[u8]| encoding.decode_with_bom_removal(bytes).0.into_owned();
    let with_pixels = with_pixels(html, report);
    let context = Context { input: html, output: &rewritten.bytes };
    let expected = document(&decode(&with_pixels));
    let found = document(&decode(&rewritten.bytes));
    let original = document(&decode(html));
    context.equal(&expected.document, &found.document, false, false);

    text_less_placeholders(&original, &found, report, &context);

    let late = report.pixels[1].offset.is_some_and(|at| is_late(&html[at as usize..]));
    // A placeholder is text, so taking it out changes what is shown: that is its purpose.
    let placeholder = html.windows(19).any(|window| window == b"{{openclick:pixel}}");
    let frameset = has_frameset(&original.document) && !has_frameset(&expected.document);
    if late || placeholder || frameset {
        return;
    }
    let flat = |document: &RcDom, less| {
        let mut out = Vec::new();
        flatten(&document.document, less, &mut out);
        out
    };
    let same = |less| flat(&original, less) == flat(&expected, less);
    let (before, after) = (flat(&original, Less::Formatting), flat(&expected, Less::Formatting));
    let table = report.pixels[1].offset.is_some() && context.holds(b"<table");
    assert!(
        same(Less::Pixels) || before == after || table && same(Less::Late),
        "a pixel is not neutral\ninput:  {}\noutput: {}\nbefore: {before:?}\nafter:  {after:?}",
        show(html),
        show(&rewritten.bytes)
    );
}

/// Taking placeholders out leaves all other text as it was, and makes no new placeholder.
fn text_less_placeholders(original: &RcDom, found: &RcDom, report: &Report, context: &Context<'_>) {
    let taken = report.pixels.iter().any(|pixel| pixel.place == Some(openclick::PixelPlace::Placeholder));
    let gone = usize::from(taken) + report.changes.len();
    let before = texts(original);
    // Where references spell one, or a table parts it, text and source do not agree on how many there are.
    let frameset = has_frameset(&original.document) != has_frameset(&found.document); // nothing began the body
    if frameset
        || gone == 0
        || before.iter().map(|text| text.matches(PLACEHOLDER).count()).sum::<usize>() != gone
    {
        return;
    }
    let mut expected = before.concat().replace(PLACEHOLDER, "");
    let mut after = texts(found).concat();
    let no_pixels = report.pixels.iter().all(|pixel| pixel.place.is_none());
    if context.holds(b"<table") || no_pixels {
        // White space alone stays in a table, beside a word it goes before it; and where no word begins the
        // body, white space does not either.
        expected.retain(|c| !c.is_ascii_whitespace());
        after.retain(|c| !c.is_ascii_whitespace());
    }
    if after != expected {
        context.fail(&format!("without placeholders: {after:?}, expected {expected:?}"));
    }
}

/// The text nodes of a document, but for raw text.
pub(crate) fn texts_of(html: &[u8], encoding: &'static encoding_rs::Encoding) -> Vec<String> {
    texts(&document(&encoding.decode_without_bom_handling(html).0))
}

fn texts(document: &RcDom) -> Vec<String> {
    let mut texts = Vec::new();
    shown(&document.document, &mut texts);
    texts
}

fn shown(node: &Rc<Node>, out: &mut Vec<String>) {
    match &node.data {
        NodeData::Text { contents } => out.push(contents.borrow().to_string()),
        NodeData::Element { name, template_contents, .. } => {
            if name.ns == ns!(html)
                && matches!(
                    &*name.local,
                    "title"
                        | "textarea"
                        | "style"
                        | "script"
                        | "xmp"
                        | "iframe"
                        | "noembed"
                        | "noframes"
                        | "plaintext"
                )
            {
                return;
            }
            if let Some(contents) = &*template_contents.borrow() {
                shown(contents, out);
            }
        }
        _ => {}
    }
    for child in node.children.borrow().iter() {
        shown(child, out);
    }
}

/// The input with pixels of the contract's spelling at the reported places, and placeholders gone.
fn with_pixels(html: &[u8], report: &Report) -> Vec<u8> {
    let top = format!(
        "<div style=\"display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:0;line-height:0\"><img src=\"{PIXEL}\" alt=\"\" width=\"1\" height=\"1\" border=\"0\"></div>"
    );
    let bottom = format!(
        "<img src=\"{PIXEL}\" alt=\"\" width=\"1\" height=\"1\" border=\"0\" style=\"display:block;width:1px;height:1px;border:0\">"
    );
    let placeholder = b"{{openclick:pixel}}";
    let mut edits: Vec<(usize, usize, &str)> = Vec::new();
    for (pixel, markup) in report.pixels.iter().zip([&top, &bottom]) {
        if let (Some(place), Some(at)) = (pixel.place, pixel.offset) {
            let length = if place == openclick::PixelPlace::Placeholder { placeholder.len() } else { 0 };
            edits.push((at as usize, at as usize + length, markup));
        }
    }
    for change in &report.changes {
        if let openclick::Change::PlaceholderRemoved { range, comment, .. } = change {
            let put = if *comment { "<!---->" } else { "" };
            edits.push((range.start as usize, range.end as usize, put));
        }
    }
    edits.sort_by_key(|edit| (edit.0, edit.1));
    let mut out = html.to_vec();
    for (start, end, markup) in edits.into_iter().rev() {
        out.splice(start..end, markup.bytes());
    }
    out
}

/// Whether more than end tags of `body` and `html`, white space and comments follow.
fn is_late(rest: &[u8]) -> bool {
    let text = String::from_utf8_lossy(rest).to_ascii_lowercase();
    let mut rest = text.as_str();
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("<!--") {
            let short = [">", "->"].iter().find_map(|end| comment.strip_prefix(end));
            match short.map(|after| ("", after)).or_else(|| comment.split_once("-->")) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        } else if let Some(after) = ["</body>", "</html>"].iter().find_map(|tag| rest.strip_prefix(tag)) {
            rest = after;
        } else {
            return !rest.is_empty();
        }
    }
}

fn has_frameset(node: &Rc<Node>) -> bool {
    let here = matches!(&node.data, NodeData::Element { name, .. }
        if name.local == local_name!("frameset") && name.ns == ns!(html));
    here || node.children.borrow().iter().any(has_frameset)
}

fn is_pixel(node: &Node) -> bool {
    let NodeData::Element { name, attrs, .. } = &node.data else { return false };
    name.local == local_name!("img")
        && attrs.borrow().iter().any(|a| a.name.local == local_name!("src") && &*a.value == PIXEL)
}

/// What [`flatten`] leaves out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Less {
    Pixels,
    /// Also formatting elements that hold nothing (or nothing but a pixel), since one left open is opened
    /// again for a pixel.
    Formatting,
    /// Also comments and white space, and formatting elements that hold nothing else.
    Late,
}

/// The document as a list of events.
fn flatten(node: &Rc<Node>, less: Less, out: &mut Vec<String>) {
    let top = |node: &Node| {
        let NodeData::Element { attrs, .. } = &node.data else { return false };
        let attrs = attrs.borrow();
        let [style] = attrs.as_slice() else { return false };
        let children = node.children.borrow();
        style.value.starts_with("display:none;max-height:0;max-width:0;overflow:hidden;opacity:0")
            && matches!(children.as_slice(), [only] if holds_pixel(only))
    };
    match &node.data {
        _ if is_pixel(node) || top(node) => return,
        NodeData::Element { name, .. }
            if less >= Less::Formatting && is_formatting(&name.local) && is_empty(node, less) =>
        {
            return;
        }
        NodeData::Text { contents } => {
            let mut text = contents.borrow().to_string();
            if less == Less::Late {
                text.retain(|c| !c.is_ascii_whitespace());
                if text.is_empty() {
                    return;
                }
            }
            match out.last_mut() {
                Some(last) if last.starts_with('#') => last.push_str(&text),
                _ => out.push(format!("#{text}")),
            }
            return;
        }
        NodeData::Comment { .. } if less == Less::Late => {}
        NodeData::Comment { contents } => out.push(format!("!{contents}")),
        NodeData::Doctype { name, public_id, system_id } => {
            out.push(format!("D{name} {public_id} {system_id}"));
        }
        NodeData::Element { name, attrs, template_contents, .. } => {
            let attributes: Vec<String> =
                attrs.borrow().iter().map(|a| format!("{}={}", a.name.local, a.value)).collect();
            out.push(format!("<{} {}", name.local, attributes.join(" ")));
            if let Some(contents) = &*template_contents.borrow() {
                flatten(contents, less, out);
            }
        }
        _ => {}
    }
    for child in node.children.borrow().iter() {
        flatten(child, less, out);
    }
    if matches!(node.data, NodeData::Element { .. }) {
        out.push(">".to_owned());
    }
}

fn holds_pixel(node: &Rc<Node>) -> bool {
    is_pixel(node) || matches!(node.children.borrow().as_slice(), [only] if holds_pixel(only))
}

/// Whether nothing is shown in it: no text, no element but pixels and empty formatting elements.
fn is_empty(node: &Rc<Node>, less: Less) -> bool {
    node.children.borrow().iter().all(|child| match &child.data {
        _ if is_pixel(child) => true,
        NodeData::Comment { .. } => less == Less::Late,
        NodeData::Text { contents } => {
            less == Less::Late && contents.borrow().bytes().all(|byte| byte.is_ascii_whitespace())
        }
        NodeData::Element { name, .. } => is_formatting(&name.local) && is_empty(child, less),
        _ => false,
    })
}

pub(crate) fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

struct Context<'a> {
    input: &'a [u8],
    output: &'a [u8],
}

impl Context<'_> {
    fn holds(&self, tag: &[u8]) -> bool {
        self.input.windows(tag.len()).any(|window| window.eq_ignore_ascii_case(tag))
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        panic!("{why}\ninput:  {}\noutput: {}", show(self.input), show(self.output));
    }

    /// Compares two nodes; `inert` inside template contents, `outlook` inside a conditional comment.
    fn equal(&self, expected: &Rc<Node>, found: &Rc<Node>, inert: bool, outlook: bool) {
        match (&expected.data, &found.data) {
            (NodeData::Text { contents: a }, NodeData::Text { contents: b }) => {
                if *a.borrow() != *b.borrow() {
                    self.fail(&format!("text differs: {:?} became {:?}", a.borrow(), b.borrow()));
                }
            }
            (NodeData::Comment { contents: a }, NodeData::Comment { contents: b }) => {
                match (conditional(a), conditional(b)) {
                    (Some(a), Some(b)) if !inert && !outlook => {
                        self.equal(&fragment(a).document, &fragment(b).document, false, true);
                    }
                    _ if a != b => self.fail(&format!("a comment differs: {a:?} became {b:?}")),
                    _ => {}
                }
            }
            (
                NodeData::Doctype { name: a, public_id: b, system_id: c },
                NodeData::Doctype { name: d, public_id: e, system_id: f },
            ) if a == d && b == e && c == f => {}
            (NodeData::Document, NodeData::Document) => {}
            (
                NodeData::Element { name: a, template_contents: ta, .. },
                NodeData::Element { name: b, template_contents: tb, .. },
            ) if a == b => {
                self.attributes(expected, found, inert, outlook);
                match (&*ta.borrow(), &*tb.borrow()) {
                    (Some(a), Some(b)) => self.equal(a, b, true, outlook),
                    (None, None) => {}
                    _ => self.fail("a template lost its contents"),
                }
            }
            _ => self.fail(&format!("a node differs: {:?} became {:?}", expected.data, found.data)),
        }
        let (a, b) = (expected.children.borrow(), found.children.borrow());
        if a.len() != b.len() {
            self.fail(&format!("{:?} has {} children, had {}", found.data, b.len(), a.len()));
        }
        for (a, b) in a.iter().zip(b.iter()) {
            self.equal(a, b, inert, outlook);
        }
    }

    fn attributes(&self, expected: &Node, found: &Node, inert: bool, outlook: bool) {
        let (NodeData::Element { name, attrs: a, .. }, NodeData::Element { attrs: b, .. }) =
            (&expected.data, &found.data)
        else {
            return;
        };
        let a = a.borrow();
        let b = b.borrow();
        let tracking = |attribute: &html5ever::Attribute| attribute.name.local.starts_with("data-msys-");
        let value = |name: &str| a.iter().find(|a| &*a.name.local == name).map(|a| a.value.to_string());
        let kept: Vec<_> = a.iter().filter(|attribute| !is_msys(&attribute.name.local)).collect();
        if b.iter().any(|attribute| tracking(attribute) && is_msys(&attribute.name.local)) {
            self.fail("a tracking attribute stayed");
        }
        if kept.len() != b.len() {
            self.fail(&format!("<{}> has {} attributes, expected {}", name.local, b.len(), kept.len()));
        }
        let opted_out = value("data-msys-clicktrack").is_some_and(|value| value.trim_ascii() == "0");
        let html = name.ns == ns!(html);
        let link = match &*name.local {
            "a" => html || name.ns == ns!(svg) || name.ns == ns!(mathml),
            "area" => html,
            local => outlook && local.starts_with("v:"),
        };
        for (expected, found) in kept.into_iter().zip(b.iter()) {
            if expected.name != found.name {
                self.fail(&format!("attribute {:?} became {:?}", expected.name, found.name));
            }
            let local = &*expected.name.local;
            let is_href = local == "href"
                && (expected.name.ns == ns!() || expected.name.ns == ns!(xlink) && name.ns == ns!(svg));
            if &*expected.value == PIXEL {
                self.pixel(&found.value);
                continue;
            }
            let destination = judge::trimmed(&expected.value);
            let tracked = link
                && !inert
                && is_href
                && !opted_out
                && judge::is_tracked(&destination, "track.example.com");
            if !tracked {
                if expected.value != found.value {
                    self.fail(&format!("{local}={:?} became {:?}", expected.value, found.value));
                }
                continue;
            }
            // A replacement character may stand for bytes that the charset could not decode.
            let open = destination.contains('\u{fffd}') || judge::may_be_too_long(&destination);
            if expected.value == found.value && open {
                continue;
            }
            if expected.value == found.value && self.holds(b"<template") {
                continue;
            }
            match decoder().decode(&found.value) {
                Ok(token) if token.target() == Some(&*destination) => {}
                Ok(token) => self.fail(&format!("{destination:?} became {:?}", token.target())),
                Err(error) => {
                    self.fail(&format!("{destination:?} is not tracked ({error}): {:?}", found.value))
                }
            }
        }
    }

    fn pixel(&self, url: &str) {
        match decoder().decode(url) {
            Ok(token) if matches!(token.kind(), EventKind::Open | EventKind::InitialOpen) => {}
            _ => self.fail(&format!("a pixel of {url:?}")),
        }
    }
}

pub(crate) fn is_msys(name: &str) -> bool {
    matches!(
        name,
        "data-msys-clicktrack" | "data-msys-linkname" | "data-msys-unsubscribe" | "data-msys-sublink"
    )
}

/// Two documents whose DOMs differ in nothing but what the trimming of §3 takes from a destination.
pub(crate) fn same_but_trimmed(before: &[u8], after: &[u8], charset: &str) {
    fn list(node: &Rc<Node>, out: &mut Vec<String>) {
        match &node.data {
            NodeData::Text { contents } => out.push(format!("#{}", contents.borrow())),
            NodeData::Comment { contents } => match conditional(contents) {
                Some(inside) => {
                    out.push(format!("!{}", &contents[..contents.find(']').unwrap_or_default()]));
                    list(&fragment(inside).document, out);
                }
                None => out.push(format!("!{contents}")),
            },
            NodeData::Doctype { name, public_id, system_id } => {
                out.push(format!("D{name} {public_id} {system_id}"));
            }
            NodeData::Element { name, attrs, template_contents, .. } => {
                out.push(format!("<{} {}", name.ns, name.local));
                for attribute in attrs.borrow().iter() {
                    let trimmed = judge::trimmed(&attribute.value);
                    let url = &*attribute.name.local == "href" && trimmed.contains("//");
                    out.push(format!(
                        "{}={}",
                        attribute.name.local,
                        if url { trimmed.as_str() } else { &*attribute.value }
                    ));
                }
                if let Some(contents) = &*template_contents.borrow() {
                    list(contents, out);
                }
            }
            _ => {}
        }
        for child in node.children.borrow().iter() {
            list(child, out);
        }
        out.push(">".to_owned());
    }
    let Some(encoding) = encoding_rs::Encoding::for_label(charset.as_bytes()) else { return };
    let list = |bytes: &[u8]| {
        let mut out = Vec::new();
        list(&document(&encoding.decode_with_bom_removal(bytes).0).document, &mut out);
        out
    };
    assert!(list(before) == list(after), "not the same DOM:\n{}\n{}", show(before), show(after));
}

/// The inside of an Outlook conditional comment, found naively.
pub(crate) fn conditional(comment: &str) -> Option<&str> {
    let trimmed = comment.trim_end_matches(|c: char| c.is_ascii_whitespace());
    let word = trimmed.get(..3)?.eq_ignore_ascii_case("[if");
    if !word || trimmed[3..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let (condition, inside) = trimmed.split_once(']')?;
    let inside = inside.strip_prefix('>').filter(|_| !condition.is_empty())?;
    let at = inside.rfind('<')?;
    let end: String = inside[at..].to_ascii_lowercase();
    let word = end.strip_prefix("<![")?.strip_suffix(']')?;
    (word.trim_matches(|c: char| c.is_ascii_whitespace()) == "endif").then(|| &inside[..at])
}

/// The `href` of the document's first `a`, as html5ever has it.
fn attribute(html: &str) -> Option<String> {
    fn find(node: &Rc<Node>) -> Option<String> {
        if let NodeData::Element { name, attrs, .. } = &node.data
            && name.local == local_name!("a")
        {
            let attrs = attrs.borrow();
            return attrs.iter().find(|a| a.name.local == local_name!("href")).map(|a| a.value.to_string());
        }
        node.children.borrow().iter().find_map(find)
    }
    find(&document(html).document)
}

/// A link's reported target is html5ever's own attribute value, trimmed.
pub(crate) fn value_is_read(value: &str) {
    let html = format!("<a href=\"{}\">", value.replace('"', "'"));
    let report = rewriter().plan_html(html.as_bytes(), &delivery()).expect("a delivery");
    let Some(link) = report.links.first() else {
        assert!(report.limit.is_some() || report.status != Status::Rewritten, "no link in {html}");
        return;
    };
    let expected = judge::trimmed(&attribute(&html).expect("a link"));
    assert_eq!(link.target.as_deref(), Some(&*expected), "{html}");
}
