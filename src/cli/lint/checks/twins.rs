//! The same link twice: a button and its copy for Outlook, and links of one name.

use std::collections::HashMap;

use url::Url;

use super::super::collector::Collector;
use super::super::facts::Link;
use super::super::{merge_tag, rule};
use super::Page;
use super::links::quoted;

/// Outlook's copy of a button and the button, which stand beside each other.
pub(super) fn twins(page: &Page<'_>, findings: &mut Collector<'_>) {
    /// What may lie between a shape without text and its twin, in bytes.
    const NEAR: usize = 600;
    let links = &page.facts.links;
    let mut last = None;
    for (index, link) in links.iter().enumerate() {
        if !link.is_outlook {
            last = Some(link);
            continue;
        }
        let text = folded(&link.text);
        let is_near = |other: &&Link| other.tag.start.saturating_sub(link.tag.end) < NEAR;
        let next = links[index + 1..].iter().take(8).find(|other| !other.is_outlook);
        let next =
            next.filter(|next| next.texts_before == link.texts_before).filter(|next| match text.is_empty() {
                true => link.is_shape && is_near(next),
                false => folded(&next.text) == text,
            });
        let before = last.filter(|before| {
            !text.is_empty() && link.texts_before == before.texts_before + 1 && folded(&before.text) == text
        });
        let Some(twin) = next.or(before) else { continue };
        let (Some(one), Some(other)) = (&link.target, &twin.target) else { continue };
        if canonical(one) != canonical(other) {
            let message = format!(
                "Outlook's button leads to {}, the button for all others to {}",
                quoted(one),
                quoted(other)
            );
            let index = page.report(link).map(|report| report.index);
            findings.find(&rule::TWIN, rule::TWIN.severity, page.place(&link.value), index, message);
        }
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A destination, the same for all spellings that a browser takes for one. The URL Standard leaves the case of
/// percent-encoding alone; RFC 3986 §6.2.2.1 calls both the same.
fn canonical(target: &str) -> String {
    let Some(url) = Url::parse(target).ok().filter(|_| !merge_tag::has(target)) else {
        return target.split_whitespace().collect();
    };
    let mut text = String::from(url);
    let mut at = 0;
    while let Some(found) = text[at..].find('%') {
        at += found + 1;
        if let Some(hex) = text.get_mut(at..at + 2) {
            hex.make_ascii_uppercase();
        }
    }
    text
}

/// Names that stand for two destinations.
pub(super) fn names(page: &Page<'_>, findings: &mut Collector<'_>) {
    let mut first: HashMap<&str, &Link> = HashMap::new();
    for link in &page.facts.links {
        let Some(name) = link.name.as_deref().filter(|name| !merge_tag::has(name)) else { continue };
        let other = first.entry(name).or_insert(link);
        let (one, two) =
            (other.target.as_deref().unwrap_or_default(), link.target.as_deref().unwrap_or_default());
        if one != two && canonical(one) != canonical(two) {
            let message =
                format!("the name {} stands for {} and for {}", quoted(name), quoted(one), quoted(two));
            let index = page.report(link).map(|report| report.index);
            findings.find(
                &rule::DUPLICATE_NAME,
                rule::DUPLICATE_NAME.severity,
                page.place(&link.tag),
                index,
                message,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_destination() {
        for (one, other) in [
            ("https://Shop.example", "HTTPS://shop.example:443/"),
            ("https://shop.example?a=%c3%a4", "https://shop.example/?a=%C3%A4"),
            ("https://shop.example/a b", "https://shop.example/a%20b"),
            ("https://shop.example/{{ x }}", "https://shop.example/{{x}}"),
            ("%", "%"),
            ("https://shop.example/%", "https://shop.example/%"),
            ("https://shop.example/%\u{e4}", "https://shop.example/%%c3%A4"),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one} {other}");
        }
        for (one, other) in [
            ("https://shop.example/A", "https://shop.example/a"),
            ("https://shop.example/a", "https://shop.example/a/"),
            ("https://shop.example/?a=%41", "https://shop.example/?a=A"),
            ("http://shop.example/", "https://shop.example/"),
            ("https://shop.example/?a=1&b=2", "https://shop.example/?a=1&amp;b=2"),
        ] {
            assert_ne!(canonical(one), canonical(other), "{one} {other}");
        }
    }
}
