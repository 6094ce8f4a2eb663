//! Where the top pixel goes: at the start of the body, or after a hidden preheader.

use super::tag::{Attributes, is_space};

/// How far past the body's start the end of a preheader is looked for.
pub(crate) const PREHEADER_LIMIT: usize = 16 * 1024;

/// The search for the top pixel's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Top {
    /// The body has not begun.
    Waiting,
    /// It began here; nothing but white space and comments since.
    Begun(usize),
    /// Its first element is a hidden preheader, found on the stack at this index with this id.
    Preheader { body: usize, element: (usize, u32), paragraph: bool },
    /// Decided.
    Done,
}

impl Top {
    /// Asked of every tag, where the comparison of all fields would cost more.
    #[inline]
    pub(super) fn is_done(self) -> bool {
        matches!(self, Top::Done)
    }
}

/// Whether a first element with these attributes is a preheader that is not shown: `hidden`, or an
/// inline style with `display:none`, `max-height:0` or `mso-hide:all`.
pub(crate) fn is_hidden(tag: &[u8]) -> bool {
    let mut styled = false;
    Attributes::of(tag).any(|attribute| {
        let name = &tag[attribute.name];
        if name.eq_ignore_ascii_case(b"hidden") {
            return true;
        }
        if styled || !name.eq_ignore_ascii_case(b"style") {
            return false;
        }
        styled = true; // of a doubled attribute the first counts
        hides(&htmlize::unescape_bytes_in(&tag[attribute.value], htmlize::Context::Attribute))
    })
}

fn hides(style: &[u8]) -> bool {
    style.split(|&byte| byte == b';').any(|declaration| {
        let mut sides = declaration.splitn(2, |&byte| byte == b':');
        let property = sides.next().unwrap_or_default().trim_ascii();
        let value: Vec<u8> = sides
            .next()
            .unwrap_or_default()
            .iter()
            .filter(|&&byte| !is_space(byte))
            .take(32)
            .map(u8::to_ascii_lowercase)
            .collect();
        let value = value.strip_suffix(b"!important").unwrap_or(&value);
        match property {
            p if p.eq_ignore_ascii_case(b"display") => value == b"none",
            p if p.eq_ignore_ascii_case(b"mso-hide") => value == b"all",
            p if p.eq_ignore_ascii_case(b"max-height") => is_zero(value),
            _ => false,
        }
    })
}

/// `0`, `0px`, `0.0em`, `0%`.
fn is_zero(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let (number, unit) = value.split_at(digits);
    number.contains(&b'0')
        && number.iter().all(|byte| matches!(byte, b'0' | b'.'))
        && unit.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_first_elements() {
        for tag in [
            "<div hidden>",
            "<div style='display:none'>",
            "<span STYLE=\"Color:#fff; DISPLAY : None !important\">",
            "<div style=max-height:0>",
            "<div style='max-height: 0px;'>",
            "<p style='mso-hide:all'>",
            "<p style='display&#58;none'>",
        ] {
            assert!(is_hidden(tag.as_bytes()), "{tag}");
        }
        for tag in [
            "<div>",
            "<div style='display:block'>",
            "<div style='max-height:10px'>",
            "<div style='max-height:0.5em'>",
            "<div data-hidden class=hidden>",
            "<div style='' style='display:none'>",
        ] {
            assert!(!is_hidden(tag.as_bytes()), "{tag}");
        }
    }
}
