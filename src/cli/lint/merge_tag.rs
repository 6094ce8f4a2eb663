//! Merge tags of template languages: what stands in their place is known only once they are filled in.

use std::ops::Range;

use memchr::memmem;

/// The delimiters: Handlebars, Liquid, Jinja; Mailchimp; Dotdigital; ERB, EJS and SendGrid; JSP and others; PHP.
const PAIRS: [(&str, &str); 8] = [
    ("{{", "}}"),
    ("{%", "%}"),
    ("{#", "#}"),
    ("*|", "|*"),
    ("[[", "]]"),
    ("<%", "%>"),
    ("${", "}"),
    ("<?", "?>"),
];

/// Longer ones are none.
const LONGEST: usize = 2048;

/// The merge tags of a text, in order, outermost only. Delimiters are ASCII, so any charset that holds it will do.
pub(super) fn tags(text: &[u8]) -> Vec<Range<usize>> {
    let mut tags = Vec::new();
    let mut search = Search { text, closes: [0; PAIRS.len()] };
    let mut at = 0;
    while let Some(next) = text[at..].iter().position(is_opening) {
        at += next;
        match search.end(at) {
            Some(end) => {
                tags.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    tags
}

/// Whether there is one.
pub(super) fn has(text: &str) -> bool {
    text.as_bytes().iter().any(is_opening) && !tags(text.as_bytes()).is_empty()
}

/// Whether a tag is certainly left over from a template: languages whose delimiters are rare in what people write.
pub(super) fn is_certain(tag: &[u8]) -> bool {
    !tag.starts_with(b"{{openclick:")
        && (tag.starts_with(b"%")
            || [&b"{{"[..], b"{%", b"*|", b"<%"].iter().any(|open| tag.starts_with(open)))
}

/// Whether a link begins with a tag, of whatever language: no address is spelled so. In texts these mean nothing.
pub(super) fn begins(target: &str) -> bool {
    const AROUND: [(&str, &str); 17] = [
        ("[%", "%]"),
        ("@{", "}"),
        ("#{", "}"),
        ("{", "}"),
        ("[", "]"),
        ("((", "))"),
        ("<<", ">>"),
        ("<", ">"),
        ("##", "##"),
        ("#", "#"),
        ("%", "%"),
        ("$", "$"),
        ("@@", "@@"),
        ("__", "__"),
        ("~", "~"),
        ("|", "|"),
        ("*", "*"),
    ];
    let is_around = |(open, close): &(&str, &str)| {
        let Some(inside) = target.strip_prefix(open) else { return false };
        let window = &inside[..inside.floor_char_boundary(LONGEST)];
        let Some(end) = window.find(close) else { return false };
        let name = window[..end].trim_start_matches(['%', '{', '!', '$', '=', '-', '@', '#', ' ']);
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        is_name
            && matches!(
                inside.as_bytes().get(end + close.len()),
                None | Some(b'/' | b'?' | b'#' | b'&' | b'}')
            )
    };
    // `$url` of PHP and Velocity, `@Model.Url` of Razor.
    let is_bare = || {
        let mut letters = target.chars();
        let sign = letters.next();
        let rest = letters.as_str().trim_start_matches('!');
        let is_name = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        is_name && (sign == Some('$') || sign == Some('@') && rest.contains(['.', '(']))
    };
    AROUND.iter().any(is_around) || is_bare()
}

fn is_opening(byte: &u8) -> bool {
    matches!(byte, b'{' | b'*' | b'[' | b'<' | b'%' | b'$')
}

struct Search<'a> {
    text: &'a [u8],
    /// Where each closing delimiter was last found: it is not searched for again before that.
    closes: [usize; PAIRS.len()],
}

impl Search<'_> {
    fn end(&mut self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        for (index, (open, close)) in PAIRS.iter().enumerate() {
            if !rest.starts_with(open.as_bytes()) || is_other(rest) {
                continue;
            }
            let inside = at + open.len();
            let known = &mut self.closes[index];
            if *known < inside {
                let found = memmem::find(&self.text[inside..], close.as_bytes());
                *known = found.map_or(usize::MAX, |found| inside + found);
            }
            if *known > at.saturating_add(LONGEST) {
                continue;
            }
            let mut end = *known + close.len();
            // `{{{raw}}}`
            if *open == "{{" && rest.starts_with(b"{{{") && self.text.get(end) == Some(&b'}') {
                end += 1;
            }
            return Some(end);
        }
        percent(rest).map(|length| at + length)
    }
}

/// What begins like a tag and is none: XML in Outlook's comments, CSS's `*|*`, the suffixes of links in plain text.
fn is_other(rest: &[u8]) -> bool {
    let is_name = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    rest.starts_with(b"<?xml")
        || rest.starts_with(b"[[data-msys-")
        || rest.starts_with(b"*|") && !is_name(rest.get(2))
}

/// `%%name%%` (Salesforce), `%recipient.name%` and `%unsubscribe_url%` (Mailgun). A percent sign alone is common.
fn percent(rest: &[u8]) -> Option<usize> {
    const LONGEST_NAME: usize = 100;
    let inside = |open: usize, close: &[u8]| {
        let window = &rest[open..rest.len().min(open + LONGEST_NAME)];
        let name = &window[..memmem::find(window, close)?];
        let is_name =
            name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'='))
                && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.- :=()[]'@,".contains(byte));
        is_name.then_some(name)
    };
    if rest.starts_with(b"%%") {
        return inside(2, b"%%").map(|name| name.len() + 4);
    }
    if !rest.starts_with(b"%") {
        return None;
    }
    let name = inside(1, b"%")?;
    let known = name.starts_with(b"recipient.")
        || name.starts_with(b"recipient_")
        || name.contains(&b'_') && memmem::find(name, b"unsubscribe").is_some();
    known.then_some(name.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_many_languages() {
        for text in [
            "{{ name }}",
            "{{{raw}}}",
            "{% if a %}",
            "{# note #}",
            "*|FNAME|*",
            "[[name]]",
            "<%= url %>",
            "<%asm_group_unsubscribe_raw_url%>",
            "${name}",
            "<?= $url ?>",
            "%%first name%%",
            "%%=v(@x)=%%",
            "%recipient.email%",
            "%unsubscribe_url%",
        ] {
            assert_eq!(tags(text.as_bytes()), std::slice::from_ref(&(0..text.len())), "{text}");
        }
        for text in [
            "100 % of 50 %",
            "a%20b%20c",
            "{ a: b }",
            "$5 {",
            "{{ open",
            "5 * | 3 |*",
            "a < b %> c",
            "%7B%7Bx%7D%7D",
            "[x]",
            "*|*{a:b}a|*",
            "<?xml version=1?>",
            "[[data-msys-clicktrack=0]]",
        ] {
            assert!(!has(text), "{text}: {:?}", tags(text.as_bytes()));
        }
    }

    #[test]
    fn links_that_are_tags_of_languages_not_known_here() {
        for target in [
            "[%unsub%]",
            "${url}",
            "<%= x %>",
            "@{url}",
            "@{ base }/page",
            "#{url}",
            "{url}",
            "{!url}",
            "{$link}/a?b",
            "[unsubscribe]",
            "((url))",
            "<<url>>",
            "##url##",
            "#url#",
            "%url%",
            "%url%?a=b",
            "$url$",
            "$url",
            "$!user.link",
            "@Model.Url",
            "@Url.Action(\"x\")",
            "@@url@@",
            "__url__",
            "~url~",
            "|url|",
            "*url*",
            "{{{x}}}",
        ] {
            assert!(begins(target) || has(target), "{target}");
        }
        for target in [
            "#top",
            "#",
            "##",
            "#a",
            "page.html",
            "/a",
            "%20x%20",
            "%C3%A4%C3%B6",
            "@shop",
            "www.shop.example",
            "[1]",
            "{",
            "}",
            "$",
            "$5",
            "~user/x",
            "__",
            "*",
            "",
            "a{b}",
            "?a={b}",
            "{url}x",
            "mailto:{x}",
        ] {
            assert!(!begins(target) && !has(target), "{target}");
        }
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        for shape in ["{{", "<%", "%%a", "*|", "%recipient.", "[[{%", "${", "日%%"] {
            let text = shape.repeat(2_000_000 / shape.len());
            assert!(tags(text.as_bytes()).len() <= text.len());
        }
    }
}
