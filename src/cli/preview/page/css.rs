//! CSS in which nothing is loaded: what would be is replaced, and every other byte stays.
//!
//! The tokens are those of CSS Syntax Level 3, as far as one can begin or hide a URL: comments, strings, `url()`,
//! identifiers with escapes, at-keywords.

use std::ops::Range;

/// The functions that load a string. <https://www.w3.org/TR/css-images-4/>
const LOADING: [&str; 5] = ["url", "src", "image", "image-set", "-webkit-image-set"];

/// What replaces a name that begins a rule, so that browsers skip the rule.
const OFF: &str = "-oc-off-";

/// What is to be changed in a stylesheet or in declarations so that nothing is loaded but what `allows` a URL. `stand_in` is the
/// URL of the picture that is shown instead; it must need no escape in a string.
pub(super) fn edits(css: &str, allows: &dyn Fn(&str) -> bool, stand_in: &str) -> Vec<(Range<usize>, String)> {
    let mut scanner = Scanner { css, at: 0, open: Vec::new(), loading: 0, edits: Vec::new() };
    scanner.run(allows, stand_in);
    scanner.edits
}

/// A text with edits made in it; none if there are none.
pub(super) fn calm(css: &str, allows: &dyn Fn(&str) -> bool, stand_in: &str) -> Option<String> {
    let edits = edits(css, allows, stand_in);
    if edits.is_empty() {
        return None;
    }
    let mut text = String::with_capacity(css.len());
    let mut done = 0;
    for (range, replacement) in &edits {
        text.push_str(&css[done..range.start]);
        text.push_str(replacement);
        done = range.end;
    }
    text.push_str(&css[done..]);
    Some(text)
}

struct Scanner<'a> {
    css: &'a str,
    at: usize,
    /// For each open bracket whether it is one of a function that loads strings.
    open: Vec<bool>,
    /// How many of them are: to count them anew for each string would take quadratic time.
    loading: usize,
    edits: Vec<(Range<usize>, String)>,
}

impl Scanner<'_> {
    fn run(&mut self, allows: &dyn Fn(&str) -> bool, stand_in: &str) {
        while let Some(c) = self.peek() {
            match c {
                '/' if self.rest().starts_with("/*") => {
                    let end = self.rest()[2..].find("*/");
                    self.at = end.map_or(self.css.len(), |end| self.at + 2 + end + 2);
                }
                '"' | '\'' => {
                    let start = self.at;
                    let value = self.string();
                    if self.loading > 0 && !allows(&value) {
                        self.edits.push((start..self.at, format!("\"{stand_in}\"")));
                    }
                }
                '@' => {
                    self.at += 1;
                    let start = self.at;
                    if matches!(&*self.identifier().to_ascii_lowercase(), "import" | "font-face") {
                        self.edits.push((start..start, OFF.to_owned()));
                    }
                }
                '(' | '[' | '{' => {
                    self.at += 1;
                    self.push(false);
                }
                ')' | ']' | '}' => {
                    self.at += 1;
                    self.loading -= usize::from(self.open.pop() == Some(true));
                }
                c if c == '\\' || is_name(c) => {
                    let start = self.at;
                    let name = self.identifier().to_ascii_lowercase();
                    if self.at == start {
                        self.at += c.len_utf8();
                    } else if self.peek() == Some('(') {
                        self.at += 1;
                        self.function(start, &name, allows, stand_in);
                    }
                }
                c => self.at += c.len_utf8(),
            }
        }
    }

    fn function(&mut self, start: usize, name: &str, allows: &dyn Fn(&str) -> bool, stand_in: &str) {
        // A string may come out of a custom property or an attribute, of this element or of any around it: what such a function
        // loads is not known here.
        if self.loading > 0
            && (matches!(name, "var" | "env" | "attr" | "if" | "inherit") || name.starts_with("--"))
        {
            self.edits.push((start..start, OFF.to_owned()));
        }
        // A name may end in one: what comes before it, such as a digit, is read as a part of it here.
        let is_url = name.ends_with("url");
        let value_at =
            self.rest().find(|c: char| !is_space(c)).map_or(self.css.len(), |space| self.at + space);
        if !is_url || self.css[value_at..].starts_with(['"', '\'']) {
            self.push(is_url || LOADING.contains(&name));
            return;
        }
        self.at = value_at;
        let value = self.unquoted();
        if !allows(value.trim()) {
            self.edits.push((start..self.at, format!("url(\"{stand_in}\")")));
        }
    }

    fn push(&mut self, loads: bool) {
        self.open.push(loads);
        self.loading += usize::from(loads);
    }

    fn rest(&self) -> &str {
        &self.css[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The value of a string, which ends at its quote, a line break or the end.
    fn string(&mut self) -> String {
        let mut value = String::new();
        let quote = self.peek();
        self.at += 1;
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.escape(&mut value);
                continue;
            }
            if matches!(c, '\n' | '\r' | '\x0c') {
                break;
            }
            self.at += c.len_utf8();
            if Some(c) == quote {
                break;
            }
            value.push(c);
        }
        value
    }

    /// The value of a `url()` without quotes, which ends at its bracket.
    fn unquoted(&mut self) -> String {
        let mut value = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.escape(&mut value);
                continue;
            }
            self.at += c.len_utf8();
            if c == ')' {
                break;
            }
            value.push(c);
        }
        value
    }

    fn identifier(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            match c {
                '\\' if !matches!(self.rest()[1..].chars().next(), Some('\n' | '\r' | '\x0c')) => {
                    self.escape(&mut name)
                }
                c if is_name(c) => {
                    name.push(c);
                    self.at += c.len_utf8();
                }
                _ => break,
            }
        }
        name
    }

    /// An escape: up to six hexadecimal digits with one white space behind them, a line break that is nothing, or a character.
    fn escape(&mut self, value: &mut String) {
        self.at += 1;
        let digits = self.rest().bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        if digits > 0 {
            let code = u32::from_str_radix(&self.rest()[..digits], 16).unwrap_or(0);
            value.push(char::from_u32(code).filter(|c| *c != '\0').unwrap_or('\u{fffd}'));
            self.at += digits;
            let space = if self.rest().starts_with("\r\n") { 2 } else { 1 };
            if self.peek().is_some_and(is_space) {
                self.at += space;
            }
            return;
        }
        if let Some(c) = self.peek() {
            self.at += c.len_utf8();
            if !matches!(c, '\n' | '\r' | '\x0c') {
                value.push(c);
            }
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii()
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calmed(css: &str) -> String {
        calm(css, &|url| url.starts_with("data:") || url.starts_with('#'), "X")
            .unwrap_or_else(|| css.to_owned())
    }

    #[test]
    fn nothing_is_loaded() {
        for (css, expected) in [
            ("a{background:url(a.png) no-repeat}", "a{background:url(\"X\") no-repeat}"),
            ("background: URL( 'http://h/a.png' )", "background: URL( \"X\" )"),
            (r"background:u\72 l(http://h/)", r#"background:url("X")"#),
            (r"background:\75\000072\6c(//h/)", r#"background:url("X")"#),
            (r#"background:url("a\")b")c"#, r#"background:url("X")c"#),
            ("background:url(http://h/a", "background:url(\"X\")"),
            ("@import 'http://h/a.css';p{}", "@-oc-off-import 'http://h/a.css';p{}"),
            (r"@\69mport url(//h/);", r#"@-oc-off-\69mport url("X");"#),
            ("@IMPORT url(http://h/);", "@-oc-off-IMPORT url(\"X\");"),
            ("@font-face{src:url(f.woff)}", "@-oc-off-font-face{src:url(\"X\")}"),
            ("a{b:image-set(\"a.png\" 1x)}", "a{b:image-set(\"X\" 1x)}"),
            ("a{b:-webkit-image-set(url(a) 1x,'b' 2x)}", "a{b:-webkit-image-set(url(\"X\") 1x,\"X\" 2x)}"),
            (
                ":root{--a:'http://h/'}b{c:image-set(var(--a) 1x)}",
                ":root{--a:'http://h/'}b{c:image-set(-oc-off-var(--a) 1x)}",
            ),
            (r"b{c:image-set(v\61 r(--a, 'a') 1x)}", "b{c:image-set(-oc-off-v\\61 r(--a, \"X\") 1x)}"),
            (
                "b{--c:src(ATTR(d));--e:image-set(--f() 1x)}",
                "b{--c:src(-oc-off-ATTR(d));--e:image-set(-oc-off---f() 1x)}",
            ),
            (
                ":root{--a:'a.png';--b:url(b.png)}c{d:var(--b)}",
                ":root{--a:'a.png';--b:url(\"X\")}c{d:var(--b)}",
            ),
            (
                "a::before{content:var(--label);--label:'https://h/'}",
                "a::before{content:var(--label);--label:'https://h/'}",
            ),
            ("/* url(a) */p{}/* @import", "/* url(a) */p{}/* @import"),
            ("/**/@import/**/'a'", "/**/@-oc-off-import/**/'a'"),
            ("a{content:'url(a) @import'}", "a{content:'url(a) @import'}"),
            ("a{content:'\n@import 'b';", "a{content:'\n@-oc-off-import 'b';"),
            ("a{b:url(data:image/png;base64,AA==)}", "a{b:url(data:image/png;base64,AA==)}"),
            ("v\\:*{behavior:url(#default#VML)}", "v\\:*{behavior:url(#default#VML)}"),
            ("@media(max-width:9px){a{color:red}}", "@media(max-width:9px){a{color:red}}"),
            ("日本{b:url(日本.png)}", "日本{b:url(\"X\")}"),
            ("\\", "\\"),
            ("a\\", "a\\"),
            ("url(", "url(\"X\")"),
            ("url('", "url(\"X\""),
        ] {
            assert_eq!(calmed(css), expected, "{css}");
        }
    }

    #[test]
    fn many_brackets_and_strings_take_linear_time() {
        // With the stack searched for each string this takes minutes.
        let css = "[".repeat(300_000) + &"''".repeat(300_000);
        assert_eq!(calmed(&css), css);
        assert_eq!(calmed("url('a'url(\"b\")'c')'d'"), "url(\"X\"url(\"X\")\"X\")'d'");
    }
}
