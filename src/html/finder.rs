//! lol_html as the finder of links.
//!
//! Its serialiser is never used and no byte passes through it: it gets the input, calls back for each
//! `a` and `area`, and its output is dropped. It follows the tree construction only roughly (raw text
//! after `<noscript>`, no end of `<svg/>`, CDATA by name), so it is never asked what a start tag
//! means: after each tag that would change its state it is put down and taken up again behind the
//! element, in the data state, where it and the standard agree. A start tag that it did not see is
//! read all the same; one that it sees inside a comment or CDATA section is dropped.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use lol_html::html_content::Element;
use lol_html::{ElementContentHandlers, HtmlRewriter, Selector, Settings};

use super::engine::{Engine, Events, Go, Source};
use super::tag::name_range;
use super::tree::name::Name;

/// lol_html is fed at most this much at once, which bounds what it copies.
const SLICE: usize = 16 * 1024;

/// After this many links lol_html is put down, since it remembers each open one (150–230 bytes).
const MOST_LINKS: usize = 4096;

impl Engine {
    /// One life of a lol_html rewriter (0.4 µs to build). Returns also whether it was fed with all of
    /// `source`.
    pub(super) fn find(&mut self, source: Source<'_>, last: bool, events: &mut impl Events) -> (Go, bool) {
        static LINKS: LazyLock<Selector> =
            LazyLock::new(|| "a, area".parse().expect("`a, area` is a selector"));
        let start = self.at();
        let mut links = 0;
        let mut go = Go::On;
        let mut on_element = |range: Range<usize>| {
            links += 1;
            go = self.found(source, start + range.start..start + range.end, last, events);
            if links >= MOST_LINKS && matches!(go, Go::On) {
                go = Go::Resume;
            }
            if matches!(go, Go::On) { Ok(()) } else { Err("put down".into()) }
        };
        let handlers = ElementContentHandlers::default()
            .element(|element: &mut Element<'_, '_>| on_element(element.source_location().bytes()));
        let settings = Settings::new()
            .append_element_content_handler((Cow::Borrowed(&*LINKS), handlers))
            .with_strict(false);
        let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
        // An error of its own (3.0.3: "tag should be a start tag at this point", after `<style type=>` and
        // foreign content) only means that the rest is read without it.
        let fed = source.at(start..source.end()).chunks(SLICE).all(|slice| rewriter.write(slice).is_ok());
        drop(rewriter);
        match go {
            Go::On => (self.rest(source, last, events), fed),
            go => (go, false),
        }
    }

    /// lol_html saw a link's start tag.
    fn found(&mut self, source: Source<'_>, tag: Range<usize>, last: bool, events: &mut impl Events) -> Go {
        while self.at() < tag.start {
            match self.lexeme(source, last, events) {
                Go::On => {}
                go => return go,
            }
        }
        if self.at() >= tag.end {
            return Go::On; // read already
        }
        if self.at() > tag.start {
            return Go::Resume; // it stands in a comment or CDATA section
        }
        let bytes = source.at(tag.clone());
        self.start_tag(source, tag, Name::of(&bytes[name_range(bytes)]), false, events)
    }
}
