//! The walk's watch for the top pixel's place: the body's start, or the end of a preheader.

use std::ops::Range;

use super::body::{PREHEADER_LIMIT, Top, is_hidden};
use super::engine::Source;
use super::tag::is_self_closing;
use super::tree::name::Name;
use super::tree::{Body, Namespace, TextMode};
use super::{Sites, Walking, is_void};
use crate::report::NoPlace;

/// What ended a preheader.
pub(super) enum Ended {
    /// An end tag of its name.
    ByItself,
    ByStartTag,
    Otherwise,
}

impl<S: Sites> Walking<'_, S> {
    pub(super) fn top_in_front(&mut self, body: usize) {
        self.walk.top = Top::Done;
        self.sites.top(body, false, false);
    }

    /// Looks whether the token just processed began the body, at `at`.
    pub(super) fn watch_body(&mut self, at: usize) {
        if self.walk.top != Top::Waiting {
            return;
        }
        match self.walk.tree.body() {
            Body::Before => {}
            Body::Started => {
                self.walk.top = Top::Begun(at);
                self.sites.body(at);
                if self.sites.wants_top() {
                    self.walk.tree.keep_body();
                }
            }
            Body::Frameset => {
                self.walk.top = Top::Done;
                self.sites.no_top(NoPlace::Frameset);
            }
        }
    }

    /// Looks whether the preheader ended with the token just processed, and `at` which place.
    ///
    /// One that ends without an end tag of its own has no place behind it: a pixel before the tag that
    /// ended it would stand inside. Only a paragraph does: the pixel's `div` ends it too. Nor has one of
    /// formatting that ends itself around blocks: these stay open.
    pub(super) fn watch_preheader(&mut self, source: Source<'_>, at: usize, ended: Ended) {
        let Top::Preheader { body, element, paragraph } = self.walk.top else { return };
        if self.walk.tree.is_open(element) {
            return;
        }
        let place = match ended {
            Ended::ByItself => self.walk.tree.depth() <= element.0,
            Ended::ByStartTag => paragraph,
            Ended::Otherwise => false,
        };
        if !place || at - body > PREHEADER_LIMIT {
            self.top_in_front(body);
        } else if self.sites.is_top_pixel(source.at(body..at)) {
            self.walk.top = Top::Done;
            self.sites.top(body, true, false);
        } else {
            self.walk.top = Top::Done;
            self.sites.top(at, false, true);
        }
    }

    /// Decides whether the body's first element, made by `tag` that ends at `end`, is a preheader.
    pub(super) fn first_element(&mut self, tag: &[u8], namespace: Namespace, mode: TextMode, end: usize) {
        let Top::Begun(body) = self.walk.top else { return };
        if self.sites.is_bottom_pixel(tag) {
            return; // it took the place of a placeholder, which is text
        }
        let opened = self.walk.tree.current().filter(|_| mode == TextMode::Data);
        match opened {
            _ if !is_hidden(tag) || end - body > PREHEADER_LIMIT => self.top_in_front(body),
            _ if is_void(tag) || namespace != Namespace::Html && is_self_closing(tag) => {
                self.walk.top = Top::Done;
                self.sites.top(end, false, true);
            }
            Some(element) => {
                let paragraph = self.walk.tree.is_named(element, Name::P);
                self.walk.top = Top::Preheader { body, element, paragraph };
            }
            None => self.top_in_front(body),
        }
    }

    /// Looks what a start tag means for the top pixel, whose place is not known yet.
    pub(super) fn watch_start_tag(
        &mut self,
        source: Source<'_>,
        range: Range<usize>,
        name: Name,
        made: Option<Namespace>,
        mode: TextMode,
    ) {
        let explicit = name == Name::BODY && self.walk.top == Top::Waiting;
        self.watch_body(if explicit { range.end } else { range.start });
        if let Some(namespace) = made
            && !explicit
        {
            self.first_element(source.at(range.clone()), namespace, mode, range.end);
        }
        self.watch_preheader(source, range.start, Ended::ByStartTag);
    }

    /// Looks what an end tag means for the top pixel, whose place is not known yet. `ends_itself`: a preheader of its name
    /// was open; `ends_body`: it is one of the body's or the document's, where a pixel may stand.
    pub(super) fn watch_end_tag(
        &mut self,
        source: Source<'_>,
        range: Range<usize>,
        name: Name,
        ends_itself: bool,
        ends_body: bool,
    ) {
        self.watch_body(range.start);
        match ends_itself {
            true => self.watch_preheader(source, range.end, Ended::ByItself),
            false => self.watch_preheader(source, range.start, Ended::Otherwise),
        }
        if let Top::Begun(body) | Top::Preheader { body, .. } = self.walk.top
            && (ends_body || matches!(name, Name::P | Name::BR) && matches!(self.walk.top, Top::Begun(_)))
        {
            self.top_in_front(body);
        }
    }
}
