//! How a mail is shown without loading anything: edits of its text, which leave every other byte as it is, so that a link of the
//! report is the same link in the frame.
//!
//! The frame allows no script and the page's policy no request. These edits come before both: what is not there is not
//! blocked either, and pictures have something in their place.

use std::collections::HashSet;
use std::ops::Range;

use openclick::source::{Attribute, Event, Markup, Namespace, StartTag};
use serde::ser::{Serialize, SerializeMap, Serializer};
use url::Url;

use super::css;
use super::inline::Inline;
use super::size::{is_pixel, pixel_sources, size};

/// What is put in front of the name of an attribute that would load, run or lead away, and that makes it mean nothing.
const OFF: &str = "data-oc-off-";

/// A picture that is not shown, in CSS and as a background: hatching.
const HATCH: &str = "data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/2000/svg%22%20width=%2212%22%20height=%2212%22%3E\
    %3Cpath%20d=%22M0,12L12,0%22%20stroke=%22%23888%22%20stroke-opacity=%22.4%22/%3E%3C/svg%3E";

/// The frame's own policy, beside that of the page, which it inherits.
const POLICY: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline';\
    img-src data:REMOTE;base-uri 'none';form-action 'none'\"><meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">";

/// Characters of a picture's label.
const MOST_LABEL: usize = 60;

/// What stands at a place when the mail is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// This text.
    Text(String),
    /// The mark of a link: its place in the page's list.
    Link(usize),
    /// A `src` attribute with a box of this size in it.
    Box { width: u32, height: u32, label: String, source: String },
    /// A `src` attribute with a picture of the message in it.
    Picture(usize),
}

/// Shows something in place of what stands at a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) shown: Shown,
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Shown::Text(text) => serializer.serialize_str(text),
            Shown::Link(link) => serializer.serialize_u64(*link as u64),
            Shown::Picture(picture) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("p", picture)?;
                map.end()
            }
            Shown::Box { width, height, label, source } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("w", width)?;
                map.serialize_entry("h", height)?;
                if !label.is_empty() {
                    map.serialize_entry("t", label)?;
                }
                if !source.is_empty() {
                    map.serialize_entry("s", source)?;
                }
                map.end()
            }
        }
    }
}

/// The edits that show a document. With `remote` pictures are loaded but those on that tracking domain. `links` are the places of its links: the tag and the place in the page's list.
pub(super) fn edits(
    text: &str,
    tags: &[StartTag<'_>],
    links: &[(usize, usize)],
    remote: Option<&str>,
    inline: &mut Inline<'_>,
) -> Vec<Edit> {
    let pixel_sources = if remote.is_some() { pixel_sources(text) } else { HashSet::new() };
    let mut showing = Showing { remote, inline, pixel_sources, edits: Vec::new() };
    let policy = POLICY.replace("REMOTE", if remote.is_some() { " https: http:" } else { "" });
    let start = policy_place(text);
    showing.edits.push(Edit { range: start..start, shown: Shown::Text(policy) });
    let mut links = links.iter().peekable();
    for (index, tag) in tags.iter().enumerate() {
        let link = links.next_if(|(tag, _)| *tag == index);
        // In SVG `href` and `xlink:href` are two links; browsers follow the first.
        while links.next_if(|(tag, _)| *tag == index).is_some() {}
        // What only Outlook reads is a comment to a browser.
        if tag.is_outlook() {
            continue;
        }
        if let Some((_, link)) = link {
            let end = name_end(tag);
            showing.edits.push(Edit { range: end..end, shown: Shown::Link(*link) });
        }
        showing.tag(tag);
    }
    showing.stylesheets(text);
    let mut edits = showing.edits;
    // The policy is the first where several stand at one place.
    edits.sort_by_key(|edit| edit.range.start);
    edits
}

/// Where the policy goes: before anything that could load, and where it makes no head of its own if there is one.
fn policy_place(text: &str) -> usize {
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let (mut place, mut is_done) = (mark, false);
    Markup::new(text.as_bytes(), Some("utf-8")).events(|event| match event {
        _ if is_done => {}
        Event::StartTag(tag) if !tag.is_outlook() && (tag.is("html") && place == mark || tag.is("head")) => {
            place = tag.range().end;
            is_done = tag.is("head");
        }
        Event::Text { range, outlook: false } => is_done = !text[range].trim_ascii().is_empty(),
        Event::StartTag(tag) if !tag.is_outlook() => is_done = true,
        Event::EndTag(_) => is_done = true,
        _ => {}
    });
    place
}

fn name_end(tag: &StartTag<'_>) -> usize {
    tag.range().start + 1 + tag.name().len()
}

/// The scheme of a URL in lower case, as a browser finds it.
pub(super) fn scheme(url: &str) -> Option<String> {
    let url = url.trim_start_matches(|c: char| c <= ' ');
    let mut scheme = String::new();
    for c in url.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')) {
        match c {
            ':' if !scheme.is_empty() => return Some(scheme),
            c if c.is_ascii_alphabetic()
                || !scheme.is_empty() && (c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) =>
            {
                scheme.push(c.to_ascii_lowercase());
            }
            _ => return None,
        }
    }
    None
}

struct Showing<'a, 'i> {
    remote: Option<&'a str>,
    inline: &'a mut Inline<'i>,
    pixel_sources: HashSet<usize>,
    edits: Vec<Edit>,
}

impl Showing<'_, '_> {
    fn tag(&mut self, tag: &StartTag<'_>) {
        let name = tag.name();
        let is_foreign = matches!(tag.namespace(), Some(Namespace::Svg | Namespace::MathMl));
        // Of another type it is no script, and no stylesheet, to a browser. In SVG a stylesheet is ordinary text with references
        // and elements in it.
        if name == "script" || name == "style" && is_foreign {
            let end = name_end(tag);
            self.edits.push(Edit { range: end..end, shown: Shown::Text(" type=\"text/x-off\"".to_owned()) });
        }
        let mut has_source = false;
        for attribute in tag.attributes() {
            let attribute_name = attribute.name().to_ascii_lowercase();
            let value = attribute.value().unwrap_or_default();
            match (&*attribute_name, &*name) {
                // Of several the first counts.
                ("src", "img" | "image" | "input") if !is_foreign && !has_source => {
                    has_source = true;
                    self.source(tag, &attribute, &value);
                }
                ("style", _) => self.declarations(tag, &attribute, &value),
                ("href", "a" | "area") | ("xlink:href", "a") => self.destination(&attribute, &value),
                ("href" | "xlink:href", _) => {
                    let is_picture = matches!(&*name, "image" | "feimage") && self.allows_of(tag, &value);
                    if !is_picture && !value.trim_start().starts_with('#') {
                        self.switch_off(&attribute);
                    }
                }
                ("srcset", "img" | "source")
                    if !is_pixel(tag)
                        && !self.pixel_sources.contains(&tag.range().start)
                        && self.allows_set(&value) => {}
                ("background", _) if !is_foreign && !value.is_empty() && !self.allows_of(tag, &value) => {
                    self.replace(&attribute, "background", HATCH);
                }
                // Browsers complain of these without what was switched off.
                ("rel", "link") | ("type", "object" | "embed") => self.switch_off(&attribute),
                (attribute_name, _) if is_active(attribute_name) => self.switch_off(&attribute),
                (_, _) if is_foreign => {
                    let folded = value.to_ascii_lowercase();
                    if ["url", "image", "src", "\\"].iter().any(|part| folded.contains(part)) {
                        self.declarations(tag, &attribute, &value);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a picture of this URL may be shown.
    fn allows(&self, url: &str) -> bool {
        allows(url, self.remote)
    }

    /// The same of what a tag shows: a pixel tells its sender of a preview, whoever that is.
    fn allows_of(&self, tag: &StartTag<'_>, url: &str) -> bool {
        self.allows(url) && !(is_remote(url) && is_pixel(tag))
    }

    /// The same of a `srcset`. What stands between commas and white space is no whole URL if one holds commas, but has no
    /// scheme then.
    fn allows_set(&self, set: &str) -> bool {
        let pieces = set.split([',', ' ', '\t', '\n', '\r', '\x0c']);
        is_remote(set) && pieces.filter(|piece| scheme(piece).is_some()).all(|piece| self.allows(piece))
    }

    fn source(&mut self, tag: &StartTag<'_>, attribute: &Attribute<'_>, value: &str) {
        if value.trim().is_empty() || self.allows_of(tag, value) {
            return;
        }
        let range = attribute.range();
        if let Some(picture) = self.inline.picture(value) {
            self.edits.push(Edit { range, shown: Shown::Picture(picture) });
            return;
        }
        let (width, height) = size(tag);
        let is_seen = width > 2 && height > 2;
        let label = match tag.attribute("alt") {
            Some(Some(alt)) if is_seen => short(&alt),
            _ => String::new(),
        };
        let source = if is_seen { short(&host_and_file(value)) } else { String::new() };
        self.edits.push(Edit { range, shown: Shown::Box { width, height, label, source } });
    }

    fn declarations(&mut self, tag: &StartTag<'_>, attribute: &Attribute<'_>, value: &str) {
        let remote = self.remote.filter(|_| !is_pixel(tag));
        if let Some(calm) = css::calm(value, &|url| is_local(url, remote), HATCH) {
            self.replace(attribute, &attribute.name(), &calm);
        }
    }

    /// A link leads nowhere in a preview, since the page keeps it from it. These need not be asked for a second time.
    fn destination(&mut self, attribute: &Attribute<'_>, value: &str) {
        let is_harmful = scheme(value).is_some_and(|scheme| {
            matches!(&*scheme, "javascript" | "vbscript" | "data" | "blob" | "file" | "filesystem" | "about")
        });
        if is_harmful {
            self.edits.push(Edit { range: attribute.value_range(), shown: Shown::Text("#".to_owned()) });
        }
    }

    fn replace(&mut self, attribute: &Attribute<'_>, name: &str, value: &str) {
        let value = value.replace('&', "&amp;").replace('"', "&quot;");
        let shown = Shown::Text(format!("{name}=\"{value}\""));
        self.edits.push(Edit { range: attribute.range(), shown });
    }

    fn switch_off(&mut self, attribute: &Attribute<'_>) {
        let start = attribute.range().start;
        self.edits.push(Edit { range: start..start, shown: Shown::Text(OFF.to_owned()) });
    }

    /// What `style` elements hold, which is raw text and ends at the next tag.
    fn stylesheets(&mut self, text: &str) {
        let mut open = None;
        let mut ranges = Vec::new();
        Markup::new(text.as_bytes(), Some("utf-8")).events(|event| {
            let (range, tag) = match event {
                Event::StartTag(tag) => (tag.range(), Some(tag)),
                Event::EndTag(tag) => (tag.range(), None),
                Event::Text { range, .. } | Event::Comment { range } => (range, None),
                _ => return,
            };
            if let Some(start) = open.take() {
                ranges.push(start..range.start);
            }
            if tag.is_some_and(|tag| {
                !tag.is_outlook() && tag.is("style") && tag.namespace() == Some(Namespace::Html)
            }) {
                open = Some(range.end);
            }
        });
        ranges.extend(open.map(|start| start..text.len()));
        let remote = self.remote;
        for range in ranges {
            let start = range.start;
            for (range, text) in css::edits(&text[range], &|url| is_local(url, remote), HATCH) {
                let range = start + range.start..start + range.end;
                self.edits.push(Edit { range, shown: Shown::Text(text) });
            }
        }
    }
}

/// Attributes that load, run, lead away or take the keyboard, on whatever element.
fn is_active(name: &str) -> bool {
    name.starts_with("on")
        || matches!(
            name,
            "src"
                | "srcset"
                | "srcdoc"
                | "imagesrcset"
                | "lowsrc"
                | "dynsrc"
                | "loading"
                | "poster"
                | "data"
                | "codebase"
                | "classid"
                | "archive"
                | "code"
                | "object"
                | "action"
                | "formaction"
                | "ping"
                | "manifest"
                | "http-equiv"
                | "autofocus"
                | "autoplay"
                | "accesskey"
                | "attributename"
                | "shadowrootmode"
        )
}

fn is_remote(url: &str) -> bool {
    scheme(url).is_some_and(|scheme| scheme == "https" || scheme == "http")
}

/// Whether a picture may be shown: one that the mail has in itself, or one that is loaded if that is asked for. What is on the
/// tracking domain never is: a mail that was rewritten before has its pixels there.
fn allows(url: &str, remote: Option<&str>) -> bool {
    match remote {
        Some(tracking_domain) if is_remote(url) => host(url) != host(tracking_domain),
        _ => scheme(url).is_some_and(|scheme| scheme == "data"),
    }
}

/// The same in CSS, where `#name` is a place in the document.
fn is_local(url: &str, remote: Option<&str>) -> bool {
    url.is_empty() || url.starts_with('#') || allows(url, remote)
}

/// The host of a URL, as a browser finds it; a tracking domain may stand without its scheme.
fn host(url: &str) -> Option<String> {
    let url = if scheme(url).is_some_and(|scheme| scheme.starts_with("http")) {
        Url::parse(url)
    } else {
        Url::parse(&format!("https://{url}"))
    };
    url.ok()?.host_str().map(|host| host.trim_end_matches('.').to_owned())
}

fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MOST_LABEL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What tells most of a URL: the host and the name of the file.
fn host_and_file(url: &str) -> String {
    let url = url.trim();
    let Some((_, rest)) = url.split_once("//") else { return url.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    match (rest.split_once('/'), rest.rsplit_once('/')) {
        (Some((host, path)), Some((_, file))) if path != file && !file.is_empty() => {
            format!("{host}/…/{file}")
        }
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::splice::Tagged;
    use super::*;

    fn shown(html: &str, load_remote: bool) -> String {
        let tagged = Tagged::read(html, true);
        let mut inline = Inline::none();
        let mut text = String::new();
        let mut done = 0;
        for edit in edits(html, &tagged.tags, &[(0, 7)], load_remote.then_some("t.example"), &mut inline) {
            text.push_str(&html[done..edit.range.start]);
            match edit.shown {
                Shown::Text(shown) if shown.starts_with("<meta") => text.push('|'),
                Shown::Text(shown) => text.push_str(&shown.replace(HATCH, "H")),
                Shown::Link(link) => text.push_str(&format!(" mark={link}")),
                Shown::Box { width, height, label, source } => {
                    text.push_str(&format!("[{width}x{height} {label} {source}]"));
                }
                Shown::Picture(picture) => text.push_str(&format!("[{picture}]")),
            }
            done = edit.range.end;
        }
        text + &html[done..]
    }

    #[test]
    fn nothing_loads_runs_or_leads_away() {
        for (html, expected) in [
            ("<a href=https://h.example/>x</a>", "|<a mark=7 href=https://h.example/>x</a>"),
            ("<b><a href=' java\tscript:x'>", "|<b mark=7><a href='#'>"),
            ("<p onclick=a() ONLOAD='b'>", "|<p mark=7 data-oc-off-onclick=a() data-oc-off-ONLOAD='b'>"),
            ("<p style=\"a:url(&quot;x&quot;)\" b>", "|<p mark=7 style=\"a:url(&quot;H&quot;)\" b>"),
            ("<html><head><base href=/ target=x>", "<html mark=7><head>|<base data-oc-off-href=/ target=x>"),
            ("<!doctype html><html>\n<head a>", "<!doctype html><html mark=7>\n<head a>|"),
            ("x<html><head>", "|x<html mark=7><head>"),
            ("<p><html>", "|<p mark=7><html>"),
            ("<td background=a.png>", "|<td mark=7 background=\"H\">"),
            (
                "<b><meta http-equiv=refresh content='0;/'>",
                "|<b mark=7><meta data-oc-off-http-equiv=refresh content='0;/'>",
            ),
            ("<style>@import 'a'", "|<style mark=7>@-oc-off-import 'a'"),
            ("<svg><style>@import 'a'", "|<svg mark=7><style type=\"text/x-off\">@import 'a'"),
            (
                "<svg><image href=a><use href=#a><a href=b>",
                "|<svg mark=7><image data-oc-off-href=a><use href=#a><a href=b>",
            ),
            ("<svg><g fill='url(//h#a)'>", "|<svg mark=7><g fill=\"url(&quot;H&quot;)\">"),
            ("<svg><g fill='url(#a)'>", "|<svg mark=7><g fill='url(#a)'>"),
            ("<b><script src=a>", "|<b mark=7><script type=\"text/x-off\" data-oc-off-src=a>"),
            ("<b><iframe src=a srcdoc=b>", "|<b mark=7><iframe data-oc-off-src=a data-oc-off-srcdoc=b>"),
            (
                "<b><img width=60 src=//h/a/b.png src=x height=20px alt='A  b'>",
                "|<b mark=7><img width=60 [60x20 A b h/…/b.png] data-oc-off-src=x height=20px alt='A  b'>",
            ),
            ("<b><img src=data:image/gif,x>", "|<b mark=7><img src=data:image/gif,x>"),
            (
                "<b><img width=1 height=1 alt=x src=http://h/>",
                "|<b mark=7><img width=1 height=1 alt=x [1x1  ]>",
            ),
            (
                "<b><!--[if mso]><img src=a><style>@import</style><![endif]-->",
                "|<b mark=7><!--[if mso]><img src=a><style>@import</style><![endif]-->",
            ),
        ] {
            assert_eq!(shown(html, false), expected, "{html}");
        }
    }

    #[test]
    fn two_links_of_one_tag() {
        let html = "<svg><a href=b xlink:href=c></a><a href=d>";
        let tagged = Tagged::read(html, true);
        let edits = edits(html, &tagged.tags, &[(1, 0), (1, 1), (2, 2)], None, &mut Inline::none());
        let marks: Vec<_> = edits.iter().filter(|edit| matches!(edit.shown, Shown::Link(_))).collect();
        assert_eq!(marks.iter().map(|edit| edit.range.start).collect::<Vec<_>>(), [7, 34]);
        assert_eq!(marks[1].shown, Shown::Link(2));
    }

    #[test]
    fn remote_pictures_if_asked_for() {
        for (html, expected) in [
            (
                "<b><img src=https://h/a srcset='http://h/b 2x'>",
                "|<b mark=7><img src=https://h/a srcset='http://h/b 2x'>",
            ),
            // On the tracking domain, and pixels of other senders.
            ("<b><img src=https://T.Example:443/I>", "|<b mark=7><img [160x80  T.Example:443/I]>"),
            (
                "<b><img src=http://h/a srcset='http://h/b 2x,https://t.example/c'>",
                "|<b mark=7><img src=http://h/a data-oc-off-srcset='http://h/b 2x,https://t.example/c'>",
            ),
            ("<b style='c:url(https://t.example/I)'>", "|<b mark=7 style=\"c:url(&quot;H&quot;)\">"),
            ("<b background='https://t%2Eexample/I'>", "|<b mark=7 background=\"H\">"),
            ("<b><img src=https://h/a width=1 height=1>", "|<b mark=7><img [1x1  ] width=1 height=1>"),
            (
                "<b><img src=https://h/a style='width:0;height:1px!important'>",
                "|<b mark=7><img [0x1  ] style='width:0;height:1px!important'>",
            ),
            (
                "<b><img src=https://h/a style='display:none'>",
                "|<b mark=7><img [160x80  h/a] style='display:none'>",
            ),
            (
                "<b><picture><source srcset=https://h/a><img src=https://h/b width=1 height=1></picture>",
                "|<b mark=7><picture><source data-oc-off-srcset=https://h/a><img [1x1  ] width=1 height=1></picture>",
            ),
            (
                "<b><picture><source srcset=https://h/a><i><img src=https://h/b></i><img width=1 height=1><picture>",
                "|<b mark=7><picture><source data-oc-off-srcset=https://h/a><i><img src=https://h/b></i><img width=1 height=1><picture>",
            ),
            (
                "<b><picture><source srcset=https://h/a><img src=https://h/b></picture><img width=1 height=1>",
                "|<b mark=7><picture><source srcset=https://h/a><img src=https://h/b></picture><img width=1 height=1>",
            ),
            (
                "<b><td background=https://h/a width=1 height=1>",
                "|<b mark=7><td background=\"H\" width=1 height=1>",
            ),
            (
                "<b><i style='width:1px;height:1px;c:url(https://h/a)'>",
                "|<b mark=7><i style=\"width:1px;height:1px;c:url(&quot;H&quot;)\">",
            ),
            (
                "<svg><image href=https://h/a width=1 height=1><image href=https://h/b>",
                "|<svg mark=7><image data-oc-off-href=https://h/a width=1 height=1><image href=https://h/b>",
            ),
            ("<b style='c:url(http://h/)' hidden>", "|<b mark=7 style='c:url(http://h/)' hidden>"),
            (
                "<b><img src=https://h/a width=600 hidden>",
                "|<b mark=7><img src=https://h/a width=600 hidden>",
            ),
            (
                "<b style='c:url(http://h/)'><img src=//h/a>",
                "|<b mark=7 style='c:url(http://h/)'><img [160x80  h/a]>",
            ),
            ("<b><img src=https://h/a width=1 height=1>", "|<b mark=7><img [1x1  ] width=1 height=1>"),
            (
                "<b><link rel=a href=https://h/a.css>",
                "|<b mark=7><link data-oc-off-rel=a data-oc-off-href=https://h/a.css>",
            ),
        ] {
            assert_eq!(shown(html, true), expected, "{html}");
        }
    }
}
