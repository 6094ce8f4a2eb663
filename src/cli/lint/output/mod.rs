//! How findings are told: to people, to programs, to code scanning.

pub(super) mod explain;
pub(super) mod json;
pub(super) mod sarif;
pub(super) mod text;

use super::super::terminal::width;

/// A text broken at blanks into lines of at most so many columns, of which the first has some used already; the others begin
/// with `indent`.
fn wrapped(text: &str, columns: usize, used: usize, indent: &str) -> String {
    let mut lines = String::new();
    let mut at = used;
    for (index, word) in text.split(' ').enumerate() {
        let length = width(word);
        if at > indent.len() && at + usize::from(index > 0) + length > columns {
            lines.push('\n');
            lines.push_str(indent);
            at = indent.len();
        } else if index > 0 {
            lines.push(' ');
            at += 1;
        }
        lines.push_str(word);
        at += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        assert_eq!(wrapped("aa bb cc dd", 5, 0, ""), "aa bb\ncc dd");
        assert_eq!(wrapped("aa bb cc dd", 8, 3, "  "), "aa bb\n  cc dd");
        assert_eq!(wrapped("日本 日本", 5, 0, ""), "日本\n日本");
        assert_eq!(wrapped("aaaaaaaa b", 4, 2, " "), "\n aaaaaaaa\n b");
        assert_eq!(wrapped("aaaaaaaa", 4, 0, ""), "aaaaaaaa");
    }
}
