//! The contract's §3 once more, written naively: what a destination is worth by itself.

use html5ever::tokenizer::Tag;
use url::Url;

/// The destination as a browser's URL parser takes an attribute's value.
pub(crate) fn trimmed(value: &str) -> String {
    value.trim_matches(|c: char| c <= ' ').chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect()
}

/// Whether a link with this destination is tracked under default options.
pub(crate) fn is_tracked(destination: &str, tracking_host: &str) -> bool {
    if destination.is_empty() || is_merge_tag(destination) {
        return false;
    }
    let lower = destination.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://")) else {
        return false;
    };
    if rest.starts_with(['/', '\\']) || destination.chars().any(char::is_control) {
        return false;
    }
    let Ok(url) = Url::parse(destination) else { return false };
    if url.host_str().is_none_or(str::is_empty) || url.host_str() == Some(tracking_host) {
        return false;
    }
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    !authority.contains('@') && destination.len() <= 4096
}

fn is_merge_tag(text: &str) -> bool {
    let between =
        |open: &str, close: &str| text.split_once(open).is_some_and(|(_, rest)| rest.contains(close));
    let name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | ':' | '='))
    };
    between("{{", "}}")
        || between("{%", "%}")
        || between("*|", "|*")
        || between("[[", "]]")
        || between("<%", "%>")
        || text
            .match_indices("%%")
            .any(|(at, _)| text[at + 2..].split_once("%%").is_some_and(|(inside, _)| name(inside)))
        || text.match_indices("%recipient").any(|(at, word)| {
            let rest = &text[at + word.len()..];
            rest.starts_with(['.', '_']) && rest.split_once('%').is_some_and(|(inside, _)| name(inside))
        })
        || [
            "%unsubscribe_url%",
            "%unsubscribe_email%",
            "%mailing_list_unsubscribe_url%",
            "%tag_unsubscribe_url%",
        ]
        .iter()
        .any(|variable| text.contains(variable))
}

/// Whether the tracking URL of so long a destination may pass 2,000 characters; how far it is packed is not
/// judged here.
pub(crate) fn may_be_too_long(destination: &str) -> bool {
    destination.len() > 1200
}

/// Behaviour §5: what makes a first element a preheader that nobody sees.
pub(crate) fn is_hidden(tag: &Tag) -> bool {
    let value = |name| tag.attrs.iter().find(|a| &*a.name.local == name).map(|a| a.value.to_lowercase());
    let declarations = value("style").unwrap_or_default();
    value("hidden").is_some()
        || declarations.split(';').filter_map(|declaration| declaration.split_once(':')).any(
            |(property, value)| {
                let value: String = value.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                let value = value.trim_end_matches("!important");
                match property.trim_matches(|c: char| c.is_ascii_whitespace()) {
                    "display" => value == "none",
                    "mso-hide" => value == "all",
                    "max-height" => {
                        let unit =
                            value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
                        value[..unit].parse::<f32>().is_ok_and(|number| number == 0.0)
                            && value[unit..].chars().all(|c| c.is_ascii_alphabetic() || c == '%')
                    }
                    _ => false,
                }
            },
        )
}
