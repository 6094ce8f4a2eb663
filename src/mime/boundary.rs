//! Delimiter lines: which line ends which part. RFC 2046 section 5.1.1.

use memchr::memchr;
use memchr::memmem::Finder;

/// How many multiparts may stand in each other; what lies deeper is not looked into.
pub(super) const MAX_DEPTH: usize = 32;

/// The longest boundary that is compared. RFC 2046 allows 70 characters.
pub(super) const MAX_BOUNDARY: usize = 256;

/// A delimiter line that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delimiter {
    /// Where the line begins.
    pub(super) at: usize,
    /// Where the next line begins.
    pub(super) next: usize,
    /// Which of the open multiparts it belongs to.
    pub(super) level: usize,
    /// `--boundary--`.
    pub(super) close: bool,
}

/// The multiparts whose delimiters count here, the outermost first: those that are looked into, and at most one that
/// is not.
pub(super) struct Boundaries {
    finder: Finder<'static>,
    /// The index of the part, and its boundary.
    open: Vec<(usize, Box<[u8]>)>,
}

impl Boundaries {
    pub(super) fn new() -> Boundaries {
        Boundaries { finder: Finder::new(b"\n--"), open: Vec::new() }
    }

    pub(super) fn push(&mut self, part: usize, boundary: &[u8]) {
        // One more may stand in the innermost that is looked into.
        debug_assert!(self.open.len() <= MAX_DEPTH && boundary.len() <= MAX_BOUNDARY);
        self.open.push((part, boundary.into()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= MAX_DEPTH
    }

    /// The multipart that a delimiter belongs to.
    pub(super) fn part(&self, delimiter: Delimiter) -> usize {
        self.open[delimiter.level].0
    }

    /// Leaves the multiparts inside the one that a delimiter belongs to; after the close delimiter its own boundary
    /// means nothing any more either, for what follows is the epilogue.
    pub(super) fn leave(&mut self, delimiter: Delimiter) {
        self.open.truncate(delimiter.level + usize::from(!delimiter.close));
    }

    /// The first delimiter line at or after `from`, which is a line start.
    pub(super) fn find(&self, message: &[u8], from: usize) -> Option<Delimiter> {
        if self.open.is_empty() {
            return None;
        }
        if let Some(found) = self.delimiter(message, from) {
            return Some(found);
        }
        let mut at = from;
        loop {
            at += self.finder.find(&message[at..])? + 1;
            if let Some(found) = self.delimiter(message, at) {
                return Some(found);
            }
        }
    }

    /// The delimiter line that begins at `at`, which is a line start. The innermost multipart is asked
    /// first; whoever is asked accepts nothing but the whole boundary, so `--bb` is no `--b`.
    pub(super) fn delimiter(&self, message: &[u8], at: usize) -> Option<Delimiter> {
        let line = message[at..].strip_prefix(b"--")?;
        self.open.iter().enumerate().rev().find_map(|(level, (_, boundary))| {
            let rest = line.strip_prefix(&**boundary)?;
            let (close, end) = match line_end(rest) {
                Some(end) => (false, end),
                None => (true, line_end(rest.strip_prefix(b"--")?)?),
            };
            Some(Delimiter { at, next: message.len() - end, level, close })
        })
    }
}

/// How many bytes follow the line whose rest is at the front, if that rest is blank ("transport padding").
fn line_end(rest: &[u8]) -> Option<usize> {
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match &rest[blanks..] {
        [] => Some(0),
        [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => Some(after.len()),
        _ => None,
    }
}

/// Where what stands before a delimiter line at `at` ends: the line break belongs to the delimiter.
pub(super) fn end_before(message: &[u8], at: usize) -> usize {
    match &message[..at] {
        [before @ .., b'\r', b'\n'] | [before @ .., b'\n'] => before.len(),
        before => before.len(),
    }
}

/// Where the line after the one at `at` begins.
pub(super) fn next_line(message: &[u8], at: usize) -> usize {
    memchr(b'\n', &message[at..]).map_or(message.len(), |length| at + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boundaries(of: &[&str]) -> Boundaries {
        let mut boundaries = Boundaries::new();
        for (part, boundary) in of.iter().enumerate() {
            boundaries.push(part, boundary.as_bytes());
        }
        boundaries
    }

    fn found(of: &[&str], message: &str) -> Option<(usize, usize, usize, bool)> {
        boundaries(of).find(message.as_bytes(), 0).map(|d| (d.at, d.next, d.level, d.close))
    }

    #[test]
    fn only_whole_lines_are_delimiters() {
        assert_eq!(found(&["b"], "--b\r\nx"), Some((0, 5, 0, false)));
        assert_eq!(found(&["b"], "--b--"), Some((0, 5, 0, true)));
        assert_eq!(found(&["b"], "x\n--b \t\nx"), Some((2, 8, 0, false)));
        assert_eq!(found(&["b"], "x\n--b-- \r\n"), Some((2, 10, 0, true)));
        for text in ["x--b", " --b", "--bb", "--b-", "--b-- x", "--b--x", "--b\r", "--b\rx\n", "-b", "--", ""]
        {
            assert_eq!(found(&["b"], text), None, "{text:?}");
        }
        assert_eq!(found(&["b"], "--bb\n--b x\n\n--b"), Some((12, 15, 0, false)));
        assert_eq!(found(&[], "--b"), None);
    }

    #[test]
    fn the_innermost_is_asked_first() {
        assert_eq!(found(&["b", "bb"], "--bb"), Some((0, 4, 1, false)));
        assert_eq!(found(&["bb", "b"], "--bb"), Some((0, 4, 0, false)));
        assert_eq!(found(&["b", "b"], "--b"), Some((0, 3, 1, false)));
        assert_eq!(found(&["b", "b--"], "--b--"), Some((0, 5, 1, false)));
        assert_eq!(found(&["b--", "b"], "--b--"), Some((0, 5, 1, true)));
        assert_eq!(found(&["b", "--"], "----"), Some((0, 4, 1, false)));
    }

    #[test]
    fn closing_ends_what_is_inside() {
        let mut open = boundaries(&["a", "b", "c"]);
        let of = open.find(b"--b", 0).unwrap();
        assert_eq!(open.part(of), 1);
        open.leave(of);
        assert!(open.find(b"--c", 0).is_none());
        let of = open.find(b"--b--", 0).unwrap();
        open.leave(of);
        assert!(open.find(b"--b", 0).is_none());
        assert!(open.find(b"--a", 0).is_some());
    }
}
