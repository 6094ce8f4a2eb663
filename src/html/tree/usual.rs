//! The tags of nearly every newsletter where they usually stand: said again without the detours of the rules, which
//! decide of all others.
//!
//! Each case is what the rules come to where nothing is to be closed first, nothing waits to be opened again and
//! the element asked for is on top of the stack.

use super::formatting::Formatting;
use super::name::{KNOWN, Name};
use super::stack::{Namespace, Scope};
use super::{Facts, Mode, Tree};

/// What the tags of a name usually do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Usual {
    /// Nothing that is usual.
    No,
    /// The start tag opens an element, also inside a paragraph.
    Inline,
    /// The start tag closes a paragraph and opens an element.
    Block,
    Heading,
    /// An item of a list, whose end tag closes it; of the start tag the rules decide.
    Item,
    Formatting,
    Void,
    Table,
    /// `tbody` and the like.
    Section,
    Row,
    Cell,
}

static USUAL: [Usual; KNOWN] = {
    let mut all = [Usual::No; KNOWN];
    let mut index = 0;
    while index < KNOWN {
        all[index] = usual_of(Name::at(index));
        index += 1;
    }
    all
};

const fn usual_of(name: Name) -> Usual {
    match name {
        Name::ABBR | Name::LABEL | Name::SPAN | Name::SUB | Name::SUP | Name::VAR => Usual::Inline,
        Name::LI | Name::DD | Name::DT => Usual::Item,
        Name::AREA | Name::BR | Name::EMBED | Name::IMG | Name::WBR => Usual::Void,
        Name::TABLE => Usual::Table,
        Name::TBODY | Name::THEAD | Name::TFOOT => Usual::Section,
        Name::TR => Usual::Row,
        Name::TD | Name::TH => Usual::Cell,
        Name::NOBR => Usual::No,
        _ if name.is_heading() => Usual::Heading,
        _ if name.is_block() => Usual::Block,
        _ if name.is_formatting() => Usual::Formatting,
        _ => Usual::No,
    }
}

#[inline]
fn usual(name: Name) -> Usual {
    name.known().map_or(Usual::No, |index| USUAL[index])
}

impl Tree {
    /// A start tag in a usual place, which makes an HTML element. False if the rules must decide; nothing was done then.
    #[inline(always)]
    pub(super) fn usual_start(&mut self, name: Name, facts: &Facts<'_>) -> bool {
        let Some(top) = self.stack.top() else { return false };
        if top.namespace != Namespace::Html {
            return false;
        }
        let top = top.name;
        match (usual(name), self.mode) {
            (usual, Mode::InBody | Mode::InCell | Mode::InCaption) => {
                return self.usual_start_in_body(usual, name, top, facts);
            }
            (Usual::Cell, Mode::InRow) if top == Name::TR => {
                self.stack.push(name, Namespace::Html);
                self.push_marker();
                self.mode = Mode::InCell;
            }
            (Usual::Row, Mode::InTableBody) if usual(top) == Usual::Section => {
                self.stack.push(name, Namespace::Html);
                self.mode = Mode::InRow;
            }
            (Usual::Row, Mode::InTable) if top == Name::TABLE => {
                self.stack.push(Name::TBODY, Namespace::Html);
                self.stack.push(name, Namespace::Html);
                self.mode = Mode::InRow;
            }
            (Usual::Section, Mode::InTable) if top == Name::TABLE => {
                self.stack.push(name, Namespace::Html);
                self.mode = Mode::InTableBody;
            }
            _ => return false,
        }
        true
    }

    #[inline(always)]
    fn usual_start_in_body(&mut self, usual: Usual, name: Name, top: Name, facts: &Facts<'_>) -> bool {
        let in_paragraph = self.stack.in_scope(Scope::Button, Name::P);
        match usual {
            Usual::Inline if !self.waits_to_reopen() => {}
            Usual::Block if !in_paragraph => {}
            Usual::Heading if !in_paragraph && !top.is_heading() => {}
            Usual::Void if !self.waits_to_reopen() => {
                self.frameset_ok = false;
                return true;
            }
            Usual::Table if !in_paragraph || self.quirks => {
                self.frameset_ok = false;
                self.mode = Mode::InTable;
            }
            Usual::Formatting => {
                self.start_formatting(name, facts);
                return true;
            }
            _ => return false,
        }
        self.stack.push(name, Namespace::Html);
        true
    }

    /// An end tag in a usual place. False if the rules must decide; nothing was done then.
    #[inline(always)]
    pub(super) fn usual_end(&mut self, name: Name) -> bool {
        let Some(top) = self.stack.top() else { return false };
        let mode = match (usual(name), self.mode) {
            // Behind the last row of a table without a `<tbody>` of its own.
            (Usual::Table, Mode::InTableBody) if usual(top.name) == Usual::Section => {
                return self.usual_end_of_table();
            }
            _ if !top.is_html(name) => return false,
            (Usual::Inline | Usual::Block | Usual::Heading | Usual::Item, mode) if is_body(mode) => mode,
            (Usual::Formatting, mode) if is_body(mode) => {
                let id = top.id;
                match self.formatting.last() {
                    Some(Formatting::Element { id: last, .. }) if *last == id => self.formatting.pop(),
                    _ => return false,
                };
                mode
            }
            (Usual::Cell, Mode::InCell) => {
                self.clear_to_marker();
                Mode::InRow
            }
            (Usual::Row, Mode::InRow) => Mode::InTableBody,
            (Usual::Section, Mode::InTableBody) => Mode::InTable,
            _ => return false,
        };
        self.stack.pop_known(name);
        self.mode = mode;
        true
    }

    fn usual_end_of_table(&mut self) -> bool {
        let below = self.stack.len().checked_sub(2).and_then(|index| self.stack.get(index));
        if !below.is_some_and(|below| below.is_html(Name::TABLE)) {
            return false;
        }
        self.stack.pop();
        self.stack.pop();
        self.mode = self.reset_mode();
        true
    }
}

/// The modes that read what is no part of a table as "in body" does.
fn is_body(mode: Mode) -> bool {
    matches!(mode, Mode::InBody | Mode::InCell | Mode::InCaption)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::tag::name_range;
    use crate::html::tree::Token;

    /// One tag told to a tree, by the rules alone or with the shortcuts.
    fn tell(tree: &mut Tree, tag: &[u8], shortcuts: bool) {
        let name = Name::of(&tag[name_range(tag)]);
        tree.at(1 << 20);
        match (shortcuts, tag.starts_with(b"</")) {
            (true, true) => tree.end_tag(name),
            (true, false) => drop(tree.start_tag(name, &Facts { source: tag })),
            (false, true) => drop(tree.process(Token::End(name))),
            (false, false) => drop(tree.process(Token::Start(name, &Facts { source: tag }))),
        }
    }

    /// All that later tags depend on, to be compared.
    fn state(tree: &Tree) -> String {
        let open = (0..tree.stack.len()).filter_map(|index| tree.stack.get(index));
        let open: Vec<_> =
            open.map(|element| (element.name, element.namespace, element.formatting)).collect();
        let formatting = tree.formatting.iter().map(|&entry| match entry {
            Formatting::Marker => None,
            Formatting::Element { name, .. } => Some((name, tree.is_active(entry))),
        });
        format!("{:?} {open:?} {:?} {}", tree.mode, formatting.collect::<Vec<_>>(), tree.frameset_ok)
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

        /// The shortcuts come to what the rules come to.
        #[test]
        fn shortcuts_follow_the_rules(
            tags in proptest::collection::vec(
                "</?(a|b|font|nobr|p|div|span|h1|h2|li|table|table|tbody|thead|tr|tr|td|td|th|caption|br|img|svg|title|button|template|body)>",
                0..40,
            ),
            quirks in proptest::bool::ANY,
        ) {
            let (mut slow, mut fast) = (Tree::fragment(), Tree::fragment());
            slow.quirks = quirks;
            fast.quirks = quirks;
            for tag in &tags {
                tell(&mut slow, tag.as_bytes(), false);
                tell(&mut fast, tag.as_bytes(), true);
                fast.raw = None; // of which only the caller reads the text
                proptest::prop_assert_eq!(state(&slow), state(&fast), "{:?}", &tags);
            }
        }
    }
}
