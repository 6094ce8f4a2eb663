//! Every token of a whole document, for those who judge a document and change nothing.

use std::ops::Range;

use super::engine::{Engine, Events, Next, Reader, Source};
use super::text::{classify, is_quirky_doctype};
use super::tree::name::Name;
use super::tree::{Facts, Tree};
use super::{MOST_OPEN, outlook};
use crate::source::Namespace;

/// What stands in a document.
pub(crate) enum Found {
    StartTag { range: Range<usize>, namespace: Option<Namespace>, outlook: bool, template: bool },
    EndTag { range: Range<usize>, outlook: bool },
    Text { range: Range<usize>, outlook: bool },
    Comment { range: Range<usize> },
}

/// Reads a whole document whose markup begins at `start`.
pub(crate) fn read(bytes: &[u8], start: usize, mut visit: impl FnMut(Found)) {
    // What holds the document in memory needs no limit for one tag of it.
    let mut engine = Engine::new(start, usize::MAX, Reader::Scan);
    let mut reading = Reading { tree: Tree::document(), outlook: false, visit: &mut visit };
    engine.advance(Source { bytes, base: 0 }, true, &mut reading);
}

struct Reading<'a> {
    tree: Tree,
    /// Inside a conditional comment.
    outlook: bool,
    visit: &'a mut dyn FnMut(Found),
}

impl Events for Reading<'_> {
    fn start_tag(&mut self, source: Source<'_>, range: Range<usize>, name: Name, _: bool) -> Next {
        let bytes = source.at(range.clone());
        self.tree.at(range.end);
        let template = self.tree.in_template();
        let (made, mode) = self.tree.start_tag(name, &Facts { source: bytes });
        if self.tree.depth() > MOST_OPEN {
            return Next::Stop;
        }
        let namespace = made.map(|namespace| match namespace {
            super::Namespace::Html => Namespace::Html,
            super::Namespace::Svg => Namespace::Svg,
            super::Namespace::MathMl => Namespace::MathMl,
        });
        (self.visit)(Found::StartTag { range, namespace, outlook: self.outlook, template });
        Next::Read(mode)
    }

    fn end_tag(&mut self, _: Source<'_>, range: Range<usize>, name: Name) {
        self.tree.at(range.end);
        self.tree.end_tag(name);
        (self.visit)(Found::EndTag { range, outlook: self.outlook });
    }

    fn space(&mut self, source: Source<'_>, range: Range<usize>) {
        self.text(source, range, true);
    }

    fn text(&mut self, source: Source<'_>, range: Range<usize>, _: bool) -> usize {
        classify(source.at(range.clone()), &mut self.tree);
        let used = range.len();
        (self.visit)(Found::Text { range, outlook: self.outlook });
        used
    }

    fn comment(&mut self, source: Source<'_>, whole: Range<usize>, data: Range<usize>) {
        (self.visit)(Found::Comment { range: whole });
        if self.outlook || self.tree.in_template() {
            return;
        }
        let Some(inside) = outlook::inside(source.at(data.clone())) else { return };
        let inside = data.start + inside.start..data.start + inside.end;
        let part = Source { bytes: source.at(inside.clone()), base: inside.start };
        let mut reading = Reading { tree: Tree::fragment(), outlook: true, visit: &mut *self.visit };
        Engine::new(inside.start, usize::MAX, Reader::Scan).advance(part, true, &mut reading);
    }

    fn doctype(&mut self, source: Source<'_>, range: Range<usize>) {
        self.tree.doctype(is_quirky_doctype(source.at(range)));
    }

    fn cdata(&mut self, source: Source<'_>, range: Range<usize>) {
        let inside = range.start + b"<![CDATA[".len()..range.end - b"]]>".len();
        classify(source.at(inside.clone()), &mut self.tree);
        (self.visit)(Found::Text { range: inside, outlook: self.outlook });
    }

    fn in_foreign_content(&self) -> bool {
        self.tree.in_foreign_content()
    }

    fn limit(&mut self, _: usize) {}
}
