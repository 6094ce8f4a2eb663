//! Values of merge fields, as html5ever and the URL parser read them: they are text, and nothing else.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use url::Url;

use crate::support::{delivery, merge, options};

/// Calls `visit` with every node.
fn walk(node: &Handle, visit: &mut impl FnMut(&Handle)) {
    visit(node);
    for child in node.children.borrow().iter() {
        walk(child, visit);
    }
}

fn attribute(node: &Handle, name: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else { return None };
    let attributes = attrs.borrow();
    attributes
        .iter()
        .find(|attribute| &*attribute.name.local == name)
        .map(|attribute| attribute.value.to_string())
}

#[test]
fn a_value_is_text_wherever_it_stands() {
    const TEMPLATE: &str = "<!DOCTYPE html><title>T{{a}}t</title><body><p title=\"A{{a}}B\" lang='A{{a}}B'>C{{a}}D</p>\
        <a href=\"https://x.example/{{a}}/p?q={{a}}&amp;r=1#f{{a}}\">y</a><a href=\"{{b}}\">z</a>";
    let template = merge::merging(options()).compile_html(TEMPLATE).expect("a template");
    let whole = "https://y.example/?a=1&b=\"'<>";
    let mut ran = 0;
    for value in merge::VALUES {
        if value.contains('\0') {
            continue; // no parser lets it pass
        }
        let filled =
            template.substitute(&delivery().field("a", *value).field("b", whole)).expect("all values");
        let dom = parse_document(RcDom::default(), ParseOpts::default()).from_utf8().one(&filled[..]);
        let read = value.replace("\r\n", "\n").replace('\r', "\n");
        let (mut elements, mut texts, mut links) = (Vec::new(), Vec::new(), Vec::new());
        walk(&dom.document, &mut |node| match &node.data {
            NodeData::Element { name, .. } => {
                elements.push(name.local.to_string());
                for name in ["title", "lang"] {
                    if let Some(text) = attribute(node, name) {
                        assert_eq!(text, format!("A{read}B"), "{value:?}");
                    }
                }
                links.extend(attribute(node, "href"));
            }
            NodeData::Text { contents } => texts.push(contents.borrow().to_string()),
            _ => {}
        });
        assert_eq!(elements, ["html", "head", "title", "body", "p", "a", "a"], "{value:?}");
        assert_eq!(
            texts,
            [format!("T{read}t"), format!("C{read}D"), "y".to_owned(), "z".to_owned()],
            "{value:?}"
        );
        let url = Url::parse(&links[0]).expect("a URL");
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!((url.host_str(), pairs.len()), (Some("x.example"), 2), "{value:?}");
        assert_eq!((&*pairs[0].1, &*pairs[1].1), (*value, "1"), "{value:?}");
        let percent = |text: &str| percent_encoding(text);
        if !value.is_empty() && !value.chars().all(|c| c == '.') {
            assert_eq!(url.path(), format!("/{}/p", percent(value)), "{value:?}");
        }
        assert_eq!(url.fragment(), Some(format!("f{}", percent(value)).as_str()), "{value:?}");
        assert_eq!(links[1], whole);
        ran += 1;
    }
    assert!(ran > 30);
}

/// RFC 3986, section 2: everything but unreserved characters, naively.
fn percent_encoding(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
