//! Undoing a rewrite.

use std::ops::Range;

use crate::charset::{Charset, named, sniff};
use crate::dialect::Dialects;
use crate::edit::{Edit, Edits};
use crate::error::{Error, ErrorKind, Result};
use crate::html::{LinkEnd, Reader, Scan, Settings, Sites, Source, Tag, attribute};
use crate::pixel;
use crate::report::NoPlace;
use crate::rewriter::{Restored, Shared, Unopened};
use crate::text_link::{Layout, Links};
use crate::token::EventKind;

/// Finds own links and pixels among the sites of a document.
struct Restorer<'a> {
    shared: &'a Shared,
    html: &'a [u8],
    charset: Charset,
    own: Own,
}

/// See [`Rewriter::restore_html`](crate::Rewriter::restore_html).
pub(crate) fn restore(shared: &Shared, html: &[u8]) -> Result<Restored> {
    can_restore(shared)?;
    let own = find_sniffed(shared, html, shared.settings.charset);
    let bytes = written(html, &own)?;
    let unopened = own.unopened_in(None).collect();
    Ok(Restored { bytes, links: own.links, pixels: own.pixels, unopened, limit: own.limit })
}

/// Finds what a rewrite put into a document that tells its charset itself, unless the option does.
pub(crate) fn find_sniffed(shared: &Shared, html: &[u8], option: Option<Charset>) -> Own {
    let (charset, mark) = sniff(html, option);
    let found = find(shared, html, charset, mark);
    // Tracking URLs are long: they may have pushed a `<meta charset>` out of the part that is looked at. What
    // the author wrote is read with the charset that it was written back with.
    let agrees = |own: &Own, charset| {
        option.is_some() || written(html, own).is_ok_and(|bytes| sniff(&bytes, None).0 == charset)
    };
    if agrees(&found, charset) {
        return found;
    }
    let others = named(html).into_iter().filter(|author| *author != charset);
    let mut others = others.map(|author| (find(shared, html, author, mark), author));
    others.find(|(own, author)| agrees(own, *author)).map_or(found, |(own, _)| own)
}

/// The document without what a rewrite put into it.
fn written(html: &[u8], own: &Own) -> Result<Vec<u8>> {
    let mut edits = Edits::default();
    for edit in &own.edits {
        edits.push(edit.clone());
    }
    let mut bytes = Vec::with_capacity(html.len());
    edits
        .write(html, 0, html.len(), &mut bytes)
        .map_err(|error| Error::new(ErrorKind::Io, "writing to memory failed").because(error))?;
    Ok(bytes)
}

/// Whether the format of the URLs allows it.
pub(crate) fn can_restore(shared: &Shared) -> Result<()> {
    match shared.urls.can_open() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Configuration, "only sealed tracking URLs can be restored")),
    }
}

/// What a rewrite put into a document: the edits that take it out again, and their counts.
pub(crate) struct Own {
    /// Not in order.
    pub(crate) edits: Vec<Edit>,
    pub(crate) links: u64,
    pub(crate) pixels: u64,
    pub(crate) unopened: Vec<u64>,
    pub(crate) limit: Option<u64>,
}

impl Own {
    /// The links that could not be opened, as those of a part.
    pub(crate) fn unopened_in(&self, part: Option<u32>) -> impl Iterator<Item = Unopened> {
        self.unopened.iter().map(move |&offset| Unopened { part, offset })
    }
}

/// Finds what a rewrite put into a document.
pub(crate) fn find(shared: &Shared, html: &[u8], charset: Charset, mark: usize) -> Own {
    let own = Own { edits: Vec::new(), links: 0, pixels: 0, unopened: Vec::new(), limit: None };
    let mut restorer = Restorer { shared, html, charset, own };
    if !matches!(charset, Charset::Unscannable(_)) {
        // No longest token: tracking URLs may have pushed a tag or comment past the limit of a rewrite.
        let settings =
            Settings { outlook: true, placeholder: Vec::new().into(), charset, max_token: usize::MAX };
        Scan::new(mark, settings, Reader::Scan).advance(Source { bytes: html, base: 0 }, true, &mut restorer);
    }
    restorer.own
}

/// Finds the links that a rewrite put into plain text.
pub(crate) fn find_in_text(shared: &Shared, text: &[u8], charset: Charset, layout: Layout) -> Own {
    let mut own = Own { edits: Vec::new(), links: 0, pixels: 0, unopened: Vec::new(), limit: None };
    let mut links = Links::of(text, charset, layout, Dialects::NONE);
    while let Some(link) = links.next() {
        let url = links.unfolded(link.range.clone());
        let Some(url) = charset.decode(&url).filter(|url| shared.urls.is_own(url)) else { continue };
        let token = shared.urls.open(&url);
        let destination = token.as_ref().and_then(|token| token.target());
        match destination.and_then(|destination| charset.encode(destination)) {
            Some(replacement) => {
                own.links += 1;
                own.edits.push(Edit { range: link.range, replacement: replacement.into_owned() });
            }
            None => own.unopened.push(link.range.start as u64),
        }
    }
    own
}

impl Sites for Restorer<'_> {
    fn may_hold_attributes(&mut self, _: Source<'_>, _: Range<usize>, _: bool) -> bool {
        false
    }

    fn tag(&mut self, tag: Tag<'_>) {
        for target in tag.targets.iter().flatten() {
            let value = target.attribute.value.clone();
            let Some(url) = attribute::decode(&tag.source[value.clone()], self.charset) else { continue };
            let url = attribute::trim(&url);
            if !self.shared.urls.is_own(&url) {
                continue;
            }
            let token = self.shared.urls.open(&url);
            match token.as_ref().and_then(|token| token.target()) {
                Some(destination) => {
                    let mut replacement = Vec::new();
                    attribute::encode(destination, target.attribute.quote, self.charset, &mut replacement);
                    self.own.links += 1;
                    let range = tag.at + value.start..tag.at + value.end;
                    self.own.edits.push(Edit { range, replacement });
                }
                None => self.own.unopened.push((tag.at + value.start) as u64),
            }
        }
    }

    fn image(&mut self, source: Source<'_>, range: Range<usize>) {
        let tag = source.at(range.clone());
        let Some(value) = crate::html::tag::first_value(tag, b"src") else { return };
        let Some(url) = attribute::decode(value, self.charset) else { return };
        let url = attribute::trim(&url);
        if !self.shared.urls.is_own(&url) {
            return;
        }
        let token = self.shared.urls.open(&url);
        let is_pixel =
            token.is_some_and(|token| matches!(token.kind(), EventKind::Open | EventKind::InitialOpen));
        match pixel::around(&self.html[..range.start], tag, &self.html[range.end..]) {
            Some((open, close)) if is_pixel => {
                self.own.pixels += 1;
                let range = range.start - open..range.end + close;
                self.own.edits.push(Edit { range, replacement: Vec::new() });
            }
            // Of another key, or written anew by somebody on the way: what stands around it is not known.
            around if is_pixel || around.is_some() => {
                // The value is a piece of the tag.
                let within = value.as_ptr() as usize - tag.as_ptr() as usize;
                self.own.unopened.push((range.start + within) as u64);
            }
            _ => {} // a picture of the author's
        }
    }

    fn wants_text(&self) -> bool {
        false
    }
    fn text(&mut self, _: Source<'_>, _: Range<usize>, _: bool) {}
    fn link_end(&mut self, _: LinkEnd, _: usize, _: bool) {}
    fn is_bottom_pixel(&self, _: &[u8]) -> bool {
        false
    }
    fn is_top_pixel(&mut self, _: &[u8]) -> bool {
        false
    }
    fn wants_top(&self) -> bool {
        false
    }
    fn wants_bottom(&self) -> bool {
        false
    }
    fn top(&mut self, _: usize, _: bool, _: bool) {}
    fn bottom(&mut self, _: usize, _: bool) -> bool {
        false
    }
    fn no_top(&mut self, _: NoPlace) {}
    fn no_bottom(&mut self, _: NoPlace) {}
    fn placeholder(&mut self, _: Range<usize>, _: bool, _: bool) -> bool {
        false
    }
    fn limit(&mut self, at: usize) {
        self.own.limit = Some(at as u64);
    }
}
