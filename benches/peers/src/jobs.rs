//! One job, as each library would be used for it by somebody who knows it: every `http(s)` href of `a` and `area`
//! becomes a redirect URL, links with `data-msys-clicktrack="0"` stay and lose the attribute, a pixel goes before
//! `</body>`, or to the end where there is none.
//!
//! For the times the redirect URL is a constant, so that no peer pays for a token; for the judge it carries the
//! destination.

use std::borrow::Cow;
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::LazyLock;

use html5ever::driver::ParseOpts;
use html5ever::serialize::{SerializeOpts, serialize};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, QualName, local_name, ns, parse_document};
use lol_html::html_content::{ContentType, Element};
use lol_html::{ElementContentHandlers, EndTagHandler, HtmlRewriter, Selector, Settings, end};
use markup5ever_rcdom::{Node, NodeData, RcDom, SerializableHandle};
use openclick::{Delivery, KeyRing, Options, Rewriter, Template, UrlFormat};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};

pub(crate) const PEERS: &[&str] =
    &["openclick", "openclick, constant URL", "openclick, template", LOL_HTML, HTML5EVER, REGEX];

const LOL_HTML: &str = "lol_html, set_attribute (Rust)";
const HTML5EVER: &str = "html5ever, RcDom (Rust)";
const REGEX: &str = "regex (Rust)";

pub(crate) const PIXEL: &str =
    r#"<img src="https://t.example.com/o" alt="" width="1" height="1" border="0">"#;

/// What an href becomes.
#[derive(Clone, Copy)]
enum Redirect {
    Constant,
    Target,
}

impl Redirect {
    /// For a destination, decoded.
    fn url(self, target: &str) -> Cow<'static, str> {
        match self {
            Redirect::Constant => Cow::Borrowed("https://t.example.com/r?u="),
            Redirect::Target => {
                format!("https://t.example.com/r?u={}", utf8_percent_encode(target, NON_ALPHANUMERIC)).into()
            }
        }
    }
}

fn is_http(value: &str) -> bool {
    let begins = |with: &str| value.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("http://") || begins("https://")
}

pub(crate) fn options() -> Options {
    Options::new("https://t.example.com", keys()).expect("a domain")
}

pub(crate) fn keys() -> KeyRing {
    KeyRing::from_bytes([7; 32])
}

pub(crate) fn delivery() -> Delivery {
    Delivery::new("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21")
        .recipient("reader@example.org")
        .campaign("autumn-sale")
}

pub(crate) struct Jobs {
    sealed: Rewriter,
    constant: Rewriter,
    /// Of the document that was asked for last.
    template: Option<(Vec<u8>, Template)>,
}

impl Jobs {
    pub(crate) fn new() -> Jobs {
        let format = UrlFormat::template("https://t.example.com/constant").expect("a template").unsigned();
        Jobs {
            sealed: options().build().expect("options"),
            constant: options().url_format(format).initial_open(false).build().expect("options"),
            template: None,
        }
    }

    /// A closure that does the job once.
    pub(crate) fn timed<'a>(&'a mut self, peer: &str, html: &'a [u8]) -> Box<dyn FnMut() + 'a> {
        let delivery = delivery();
        let ours = |rewriter: &'a Rewriter| -> Box<dyn FnMut() + 'a> {
            let delivery = delivery.clone();
            Box::new(move || {
                black_box(rewriter.rewrite_html(black_box(html), &delivery).expect("a delivery"));
            })
        };
        match peer {
            "openclick" => ours(&self.sealed),
            "openclick, constant URL" => ours(&self.constant),
            "openclick, template" => {
                if self.template.as_ref().is_none_or(|(of, _)| of != html) {
                    self.template =
                        Some((html.to_vec(), self.sealed.compile_html(html).expect("a template")));
                }
                let template = &self.template.as_ref().expect("compiled").1;
                let mut out = Vec::new();
                Box::new(move || {
                    out.clear();
                    template.render_to(black_box(&delivery), &mut out).expect("a delivery");
                    black_box(out.len());
                })
            }
            LOL_HTML => Box::new(move || {
                black_box(lol_html(black_box(html), Redirect::Constant));
            }),
            HTML5EVER => Box::new(move || {
                black_box(html5ever(black_box(html), Redirect::Constant));
            }),
            REGEX => Box::new(move || {
                black_box(regex(black_box(html), Redirect::Constant));
            }),
            other => panic!("no peer {other:?}"),
        }
    }
}

pub(crate) fn output(peer: &str, html: &[u8]) -> Vec<u8> {
    match peer {
        LOL_HTML => lol_html(html, Redirect::Target),
        HTML5EVER => html5ever(html, Redirect::Target),
        REGEX => regex(html, Redirect::Target),
        _ => options().build().and_then(|ours| ours.rewrite_html(html, &delivery())).expect("ours").bytes,
    }
}

fn lol_html(html: &[u8], redirect: Redirect) -> Vec<u8> {
    static SELECTORS: LazyLock<[Selector; 2]> =
        LazyLock::new(|| ["a[href], area[href]", "body"].map(|text| text.parse().expect("a selector")));
    let link = |element: &mut Element<'_, '_>| {
        if element.get_attribute("data-msys-clicktrack").as_deref() == Some("0") {
            element.remove_attribute("data-msys-clicktrack");
            return Ok(());
        }
        let value = element.get_attribute("href").unwrap_or_default();
        let target = htmlize::unescape_attribute(value.trim_ascii());
        if is_http(&target) {
            element.set_attribute("href", &redirect.url(&target))?;
        }
        Ok(())
    };
    let placed = Rc::new(Cell::new(false));
    let body = |element: &mut Element<'_, '_>| {
        let placed = placed.clone();
        let handler: EndTagHandler<'_> = Box::new(move |end| {
            end.before(PIXEL, ContentType::Html);
            placed.set(true);
            Ok(())
        });
        element.on_end_tag(handler)?;
        Ok(())
    };
    let [links, bodies] = &*SELECTORS;
    let settings = Settings::new()
        .append_element_content_handler((
            Cow::Borrowed(links),
            ElementContentHandlers::default().element(link),
        ))
        .append_element_content_handler((
            Cow::Borrowed(bodies),
            ElementContentHandlers::default().element(body),
        ))
        .append_document_content_handler(end!(|end| {
            if !placed.get() {
                end.append(PIXEL, ContentType::Html);
            }
            Ok(())
        }))
        .with_strict(false);
    let mut out = Vec::with_capacity(html.len() * 2);
    let mut rewriter = HtmlRewriter::new(settings, |bytes: &[u8]| out.extend_from_slice(bytes));
    rewriter.write(html).expect("html");
    rewriter.end().expect("html");
    out
}

fn html5ever(html: &[u8], redirect: Redirect) -> Vec<u8> {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let dom = parse_document(RcDom::default(), options).from_utf8().one(html);
    let mut stack = vec![dom.document.clone()];
    while let Some(node) = stack.pop() {
        if let NodeData::Element { name, attrs, .. } = &node.data {
            if name.local == local_name!("a") || name.local == local_name!("area") {
                change(&mut attrs.borrow_mut(), redirect);
            } else if name.local == local_name!("body") {
                node.children.borrow_mut().push(pixel());
            }
        }
        stack.extend(node.children.borrow().iter().cloned());
    }
    let mut out = Vec::with_capacity(html.len() * 2);
    let options = SerializeOpts { scripting_enabled: false, ..SerializeOpts::default() };
    serialize(&mut out, &SerializableHandle::from(dom.document), options).expect("memory");
    out
}

fn change(attributes: &mut Vec<Attribute>, redirect: Redirect) {
    let opt_out = |attribute: &Attribute| &*attribute.name.local == "data-msys-clicktrack";
    if attributes.iter().any(|attribute| opt_out(attribute) && &*attribute.value == "0") {
        attributes.retain(|attribute| !opt_out(attribute));
        return;
    }
    if let Some(href) = attributes.iter_mut().find(|attribute| attribute.name.local == local_name!("href"))
        && is_http(href.value.trim())
    {
        href.value = StrTendril::from_slice(&redirect.url(href.value.trim()));
    }
}

fn pixel() -> Rc<Node> {
    let attributes = [
        (local_name!("src"), "https://t.example.com/o"),
        (local_name!("alt"), ""),
        (local_name!("width"), "1"),
        (local_name!("height"), "1"),
        (local_name!("border"), "0"),
    ];
    Node::new(NodeData::Element {
        name: QualName::new(None, ns!(html), local_name!("img")),
        attrs: attributes
            .into_iter()
            .map(|(name, value)| Attribute {
                name: QualName::new(None, ns!(), name),
                value: StrTendril::from_slice(value),
            })
            .collect::<Vec<_>>()
            .into(),
        template_contents: Default::default(),
        mathml_annotation_xml_integration_point: false,
    })
}

/// As mail platforms do it: tags by one expression, `&amp;` alone decoded.
fn regex(html: &[u8], redirect: Redirect) -> Vec<u8> {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"(?i)(<a(?:rea)?\s(?:[^>]*?\s)?href\s*=\s*)(?:"(https?://[^"]*)"|'(https?://[^']*)')([^>]*>)"#,
        )
        .expect("a regex")
    });
    let text = String::from_utf8_lossy(html);
    let out = LINK.replace_all(&text, |found: &Captures<'_>| {
        if found[0].contains("data-msys-clicktrack=\"0\"") {
            return found[0].replace(" data-msys-clicktrack=\"0\"", "");
        }
        let target = found.get(2).or(found.get(3)).map_or("", |value| value.as_str());
        let url = match redirect {
            Redirect::Constant => redirect.url(target),
            Redirect::Target => redirect.url(&target.replace("&amp;", "&")),
        };
        format!("{}\"{url}\"{}", &found[1], &found[4])
    });
    let mut out = out.into_owned();
    out.insert_str(out.rfind("</body>").unwrap_or(out.len()), PIXEL);
    out.into_bytes()
}
