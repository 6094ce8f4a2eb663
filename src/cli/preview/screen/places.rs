//! The lines of the file that things stand in: the same as those of the warnings, whatever a part is encoded in.

use std::collections::HashMap;

use openclick::source::{Message, Text};

use super::super::super::places::Lines;
use super::super::look::Look;

/// Where the offsets of a report stand in the file.
pub(super) struct Places<'m> {
    lines: Lines<'m>,
    /// Of a message, by the index of the part.
    texts: HashMap<u32, Text<'m>>,
}

impl<'m> Places<'m> {
    /// `message`: the mail before, if it is a message.
    pub(super) fn of(look: &'m Look, message: Option<&'m Message<'m>>) -> Places<'m> {
        let charset = (!look.is_message).then_some(look.report.charset.as_str());
        let parts = look.documents.iter().filter_map(|document| document.part);
        let text = |part: u32| Some((part, message?.part(usize::try_from(part).ok()?).text()?));
        Places { lines: Lines::new(&look.before, charset), texts: parts.filter_map(text).collect() }
    }

    /// From 1; none for a part that was not read.
    pub(super) fn line(&self, part: Option<u32>, offset: u64) -> Option<usize> {
        let offset = usize::try_from(offset).ok()?;
        let at = match part {
            None => offset,
            Some(part) => self.texts.get(&part)?.offset_in_message(offset),
        };
        Some(self.lines.place(at).0)
    }
}
