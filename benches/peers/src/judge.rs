//! Which of the contract's laws an output breaks, whoever made it.
//!
//! What a link is, and what it points at, is taken from our own plan of the input, which the project's tests check
//! against html5ever; the DOMs are html5ever's.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use html5ever::driver::ParseOpts;
use html5ever::parse_document;
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use openclick::{Decoder, Delivery, LinkPlace, LinkReport, Reason, TrackingDomain};
use percent_encoding::percent_decode_str;
use regex::bytes::Regex;
use serde_json::{Value, json};

use crate::jobs;

const HOST: &str = "https://t.example.com/";

/// All counts are of links but for `bytes`, `doctype`, `dom` and `pixel`, which are 1 where the document breaks the law.
pub(crate) fn judge(input: &[u8], output: &[u8]) -> String {
    let before = plan(input);
    let after = plan(output);
    let mut opt_outs = 0;
    let mut outlook = 0;
    let mut missed = 0;
    let mut destinations = 0;
    for (index, link) in before.iter().enumerate() {
        let found = after.get(index).and_then(|link| link.target.as_deref()).unwrap_or_default();
        let changed = found.starts_with(HOST);
        if link.reason() == Some(Reason::OptOut) {
            opt_outs += u32::from(changed);
        } else if link.is_tracked() && !changed {
            let counter = if link.place == LinkPlace::Outlook { &mut outlook } else { &mut missed };
            *counter += 1;
        } else if link.is_tracked() {
            destinations += u32::from(destination(found) != link.target);
        }
    }
    let (doms, doctypes): (Vec<_>, Vec<_>) = [input, output]
        .into_iter()
        .map(|html| flattened(html).into_iter().partition::<Vec<_>, _>(|node| !node.starts_with("<!DOCTYPE")))
        .unzip();
    json!({
        "tracked": before.iter().filter(|link| link.is_tracked()).count(),
        "bytes": u32::from(!only_values_differ(input, output, &before)),
        "doctype": u32::from(doctypes[0] != doctypes[1]),
        "dom": u32::from(doms[0] != doms[1]),
        "pixel": u32::from(!PIXEL.is_match(output)),
        "opt_outs": opt_outs,
        "outlook": outlook,
        "missed": missed,
        "destinations": destinations,
    })
    .to_string()
}

/// For another mail: our own output would else be known as rewritten already.
fn plan(html: &[u8]) -> Vec<LinkReport> {
    let rewriter = jobs::options().report_links(100_000).build().expect("options");
    rewriter.plan_html(html, &Delivery::new("another")).expect("a delivery").links
}

/// What a redirect URL of any of the peers leads to.
fn destination(url: &str) -> Option<String> {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
        Decoder::new(jobs::keys()).tracking_domain(TrackingDomain::parse("t.example.com").expect("a domain"))
    });
    let rest = url.strip_prefix(HOST)?;
    if let Some(query) = rest.strip_prefix("r?u=") {
        return percent_decode_str(query).decode_utf8().ok().map(Into::into);
    }
    if let Some(data) = rest.strip_prefix("c/") {
        let data: Value = serde_json::from_slice(&URL_SAFE.decode(data).ok()?).ok()?; // pytracking's
        return data["url"].as_str().map(str::to_owned);
    }
    DECODER.decode(url).ok()?.target().map(str::to_owned)
}

static PIXEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"<div style="display:none;max-height:0;[^>]*><img src="https://t\.example\.com/[^>]*></div>|<img [^>]*https://t\.example\.com/[^>]*>"#)
        .expect("a regex")
});

/// Tracking attributes may stay or go here, and pixels may stand anywhere.
fn only_values_differ(input: &[u8], output: &[u8], links: &[LinkReport]) -> bool {
    static ATTRIBUTE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"\s+data-msys-[a-z]+="[^"]*""#).expect("a regex"));
    let output = PIXEL.replace_all(output, b"");
    let output = ATTRIBUTE.replace_all(&output, b"");
    let mut out = &output[..];
    let mut from = 0;
    let ranges = links.iter().map(|link| link.range.start as usize..link.range.end as usize);
    for range in ranges.chain(std::iter::once(input.len()..input.len())) {
        let kept = ATTRIBUTE.replace_all(&input[from..range.start], b"");
        let Some(rest) = out.strip_prefix(&kept[..]) else { return false };
        let ends = |&byte: &u8| match kept.last() {
            Some(&quote @ (b'"' | b'\'')) => byte == quote,
            _ => byte.is_ascii_whitespace() || byte == b'>',
        };
        out = &rest[rest.iter().position(ends).unwrap_or(rest.len())..];
        if range.is_empty() && range.start == input.len() {
            return rest.is_empty();
        }
        from = range.end;
    }
    false
}

/// The DOM as a list, without what tracking may change: destinations, tracking attributes, pixels, what
/// stands in Outlook's comments.
fn flattened(html: &[u8]) -> Vec<String> {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let dom = parse_document(RcDom::default(), options).from_utf8().one(html);
    let mut out = Vec::new();
    flatten(&dom.document, &mut out);
    out
}

fn flatten(node: &Handle, out: &mut Vec<String>) {
    match &node.data {
        NodeData::Text { contents } => {
            let text = contents.borrow();
            match out.last_mut() {
                Some(last) if last.starts_with('"') => last.push_str(&text),
                _ => out.push(format!("\"{text}")),
            }
        }
        NodeData::Comment { contents } if contents.starts_with("[if") => out.push("<!--[if".to_owned()),
        NodeData::Comment { contents } => out.push(format!("<!--{contents}")),
        NodeData::Doctype { name, public_id, system_id } => {
            out.push(format!("<!DOCTYPE {name} {public_id} {system_id}"));
        }
        NodeData::Element { name, attrs, template_contents, .. } => {
            let mut attributes: Vec<(String, String)> = attrs
                .borrow()
                .iter()
                .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()))
                .filter(|(name, _)| !name.starts_with("data-msys-"))
                .collect();
            let ours = |key: &str, with: &str| {
                attributes.iter().any(|(name, value)| name == key && value.starts_with(with))
            };
            if &*name.local == "img" && ours("src", HOST)
                || &*name.local == "div"
                    && ours("style", "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0")
            {
                return;
            }
            if matches!(&*name.local, "a" | "area") {
                for (key, value) in &mut attributes {
                    let value_is = |with: &str| value.trim().to_ascii_lowercase().starts_with(with);
                    if key == "href" && (value_is("http://") || value_is("https://")) {
                        "http".clone_into(value);
                    }
                }
            }
            attributes.sort();
            out.push(format!("<{} {attributes:?}", name.local));
            if let Some(contents) = &*template_contents.borrow() {
                flatten(contents, out);
            }
            node.children.borrow().iter().for_each(|child| flatten(child, out));
            out.push("</".to_owned());
        }
        _ => node.children.borrow().iter().for_each(|child| flatten(child, out)),
    }
}
