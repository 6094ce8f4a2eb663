//! Text that others wrote, made safe to show: it must neither steer a terminal nor read otherwise than it is.

use std::fmt::{self, Write as _};
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// Whether a character could steer a terminal, or turn round or hide what stands beside it: controls, the bidirectional
/// controls of UAX #9, line and paragraph separators, invisible operators, tags.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Shows a text with every unsafe character, line breaks among them, as `\u{…}`.
pub(super) struct Printable<'a>(pub(super) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match is_unsafe(c) {
            true => write!(f, "{}", c.escape_unicode()),
            false => f.write_char(c),
        })
    }
}

/// Writes a value as one line of JSON. Unsafe characters are escaped, so that the line is safe to show and yet says
/// exactly what it must.
pub(super) fn write_json_line<W: io::Write>(writer: &mut W, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *writer, Escaping(CompactFormatter)))?;
    writer.write_all(b"\n")
}

/// Writes a value as indented JSON, escaped in the same way.
pub(super) fn write_json<W: io::Write>(writer: &mut W, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *writer, Escaping(PrettyFormatter::new())))?;
    writer.write_all(b"\n")
}

/// Lays JSON out as the inner formatter does, and escapes unsafe characters.
struct Escaping<F>(F);

/// Methods that the inner formatter decides.
macro_rules! inner {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        }
    )*};
}

impl<F: Formatter> Formatter for Escaping<F> {
    inner! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut done = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_unsafe(*c)) {
            writer.write_all(&fragment.as_bytes()[done..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            done = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[done..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\u{1b}[31m\n\u{202e}gnp\u{9b}\u{7f}\u{e0041} für \u{1f469}\u{200d}\u{1f4bb}";

    #[test]
    fn nothing_steers_a_terminal() {
        let shown = Printable(TEXT).to_string();
        assert_eq!(
            shown,
            "a\\u{1b}[31m\\u{a}\\u{202e}gnp\\u{9b}\\u{7f}\\u{e0041} für \u{1f469}\u{200d}\u{1f4bb}"
        );
    }

    #[test]
    fn json_is_safe_and_says_the_same() {
        let mut line = Vec::new();
        write_json_line(&mut line, &[TEXT]).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(!line.trim_end().chars().any(is_unsafe), "{line}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&line).unwrap(), [TEXT]);
        let mut pretty = Vec::new();
        write_json(&mut pretty, &[TEXT]).unwrap();
        assert!(pretty.starts_with(b"[\n  \"a\\u001b[31m\\n\\u202egnp\\u009b\\u007f\\udb40\\udc41"));
    }
}
