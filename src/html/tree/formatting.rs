//! The list of active formatting elements and the adoption agency, on names only.
//!
//! Both can be made to do much work by hostile markup. [`Tree::afford`] keeps the sum of that work
//! linear in the document; past it the simulation turns approximate, never slow.

use super::name::Name;
use super::stack::{Namespace, Scope};
use super::{Facts, Tree};

#[derive(Clone, Copy)]
pub(super) enum Formatting {
    Marker,
    Element { name: Name, signature: u64, id: u32, index: u32 },
}

/// More entries than this are not kept: no document of a person comes near it.
const MOST: usize = 20_000;

impl Tree {
    /// Whether `steps` more steps still keep all work linear in the bytes read.
    fn afford(&mut self, steps: usize) -> bool {
        self.work += steps as u64;
        self.work <= 200_000 + 8 * self.offset as u64
    }

    /// The entries after the last marker.
    fn since_marker(&mut self) -> usize {
        let mut start = self.formatting.len();
        while start > 0 && !matches!(self.formatting[start - 1], Formatting::Marker) {
            start -= 1;
            if self.formatting.len() - start > 64 && !self.afford(1) {
                break;
            }
        }
        start
    }

    pub(super) fn is_active(&self, entry: Formatting) -> bool {
        match entry {
            Formatting::Marker => true,
            Formatting::Element { id, index, .. } => {
                self.stack.get(index as usize).is_some_and(|element| element.id == id)
            }
        }
    }

    fn entry_of(&mut self, wanted: u32) -> Option<usize> {
        for i in (0..self.formatting.len()).rev() {
            if matches!(self.formatting[i], Formatting::Element { id, .. } if id == wanted) {
                return Some(i);
            }
            if !self.afford(1) {
                return None;
            }
        }
        None
    }

    pub(super) fn push_marker(&mut self) {
        self.formatting.push(Formatting::Marker);
    }

    pub(super) fn clear_to_marker(&mut self) {
        while let Some(entry) = self.formatting.pop() {
            if matches!(entry, Formatting::Marker) {
                break;
            }
        }
    }

    /// <https://html.spec.whatwg.org/multipage/parsing.html#reconstruct-the-active-formatting-elements>
    pub(super) fn reconstruct(&mut self) {
        let Some(&last) = self.formatting.last() else { return };
        if self.is_active(last) {
            return;
        }
        let mut first = self.formatting.len() - 1;
        while first > 0 && !self.is_active(self.formatting[first - 1]) {
            first -= 1;
        }
        if !self.afford(self.formatting.len() - first) {
            self.formatting.truncate(first);
            return;
        }
        for i in first..self.formatting.len() {
            if let Formatting::Element { name, signature, .. } = self.formatting[i] {
                self.formatting[i] = self.push_formatting(name, signature);
            }
        }
    }

    fn push_formatting(&mut self, name: Name, signature: u64) -> Formatting {
        let id = self.stack.push(name, Namespace::Html);
        if let Some(top) = self.stack.top_mut() {
            top.formatting = true;
        }
        Formatting::Element { name, signature, id, index: self.stack.len() as u32 - 1 }
    }

    /// Inserts a formatting element, with the "Noah's Ark" clause.
    pub(super) fn insert_formatting(&mut self, name: Name, facts: &Facts<'_>) {
        // Never more than one `a` is active, so it needs no signature.
        let signature = if name == Name::A { 0 } else { facts.signature() };
        let start = self.since_marker();
        let same = |entry: &Formatting| matches!(entry, Formatting::Element { name: n, signature: s, .. } if *n == name && *s == signature);
        if self.afford(self.formatting.len() - start) {
            let earlier = &self.formatting[start..];
            if earlier.iter().filter(|entry| same(entry)).count() >= 3
                && let Some(first) = earlier.iter().position(same)
            {
                self.formatting.remove(start + first);
            }
        }
        if self.formatting.len() >= MOST {
            self.formatting.clear();
        }
        let entry = self.push_formatting(name, signature);
        self.formatting.push(entry);
    }

    /// A start tag `a` while another is active: the earlier one is closed.
    pub(super) fn close_active_a(&mut self) {
        let start = self.since_marker();
        let found = self.formatting[start..].iter().rev().find_map(|entry| match *entry {
            Formatting::Element { name: Name::A, id, .. } => Some(id),
            _ => None,
        });
        let Some(id) = found else { return };
        self.adoption_agency(Name::A);
        if let Some(i) = self.entry_of(id) {
            let entry = self.formatting.remove(i);
            if let Formatting::Element { index, .. } = entry
                && self.is_active(entry)
            {
                self.remove_from_stack(index as usize);
            }
        }
    }

    /// Removes the element at `index` and keeps what lies above it.
    pub(super) fn remove_from_stack(&mut self, index: usize) {
        let mut tail = self.stack.split_off(index);
        tail.remove(0);
        self.put_back(index, tail);
    }

    fn put_back(&mut self, from: usize, tail: Vec<super::stack::Open>) {
        self.stack.extend(tail);
        for index in from..self.stack.len() {
            let Some(element) = self.stack.get(index).copied() else { break };
            if element.formatting
                && let Some(i) = self.entry_of(element.id)
                && let Formatting::Element { index: place, .. } = &mut self.formatting[i]
            {
                *place = index as u32;
            }
        }
    }

    /// <https://html.spec.whatwg.org/multipage/parsing.html#adoption-agency-algorithm>
    pub(super) fn adoption_agency(&mut self, subject: Name) {
        if let Some(top) = self.stack.top().copied()
            && top.is_html(subject)
            && (!top.formatting || self.entry_of(top.id).is_none())
        {
            self.stack.pop();
            return;
        }
        for _ in 0..8 {
            let start = self.since_marker();
            let found = self.formatting[start..]
                .iter()
                .rposition(|entry| matches!(entry, Formatting::Element { name, .. } if *name == subject));
            let Some(found) = found.map(|found| start + found) else {
                self.end_any_other(subject);
                return;
            };
            let Formatting::Element { signature, id, index, .. } = self.formatting[found] else { return };
            let index = index as usize;
            if !self.is_active(self.formatting[found]) {
                self.formatting.remove(found);
                return;
            }
            if index as u32 + 1 < self.stack.mark(Scope::Default) {
                return;
            }
            let depth = self.stack.len() - index;
            if !self.afford(depth) {
                self.formatting.remove(found);
                return;
            }
            let furthest = (index + 1..self.stack.len())
                .find(|&i| self.stack.get(i).is_some_and(|element| element.is_special()));
            let Some(furthest) = furthest else {
                self.stack.truncate(index);
                self.formatting.remove(found);
                return;
            };
            self.adopt(subject, signature, id, index, furthest);
        }
    }

    /// Steps 12 to 19: the elements between are cloned or dropped, the formatting element moves
    /// below the furthest block.
    fn adopt(&mut self, subject: Name, signature: u64, id: u32, index: usize, furthest: usize) {
        let mut tail = self.stack.split_off(index);
        let mut furthest = furthest - index;
        let mut after = None;
        let mut counter = 0;
        for i in (1..furthest).rev() {
            counter += 1;
            let entry = if tail[i].formatting { self.entry_of(tail[i].id) } else { None };
            match entry {
                Some(entry) if counter <= 3 => {
                    let clone = self.stack.new_id();
                    tail[i].id = clone;
                    if let Formatting::Element { id, .. } = &mut self.formatting[entry] {
                        *id = clone;
                    }
                    after.get_or_insert(clone);
                }
                entry => {
                    if let Some(entry) = entry {
                        self.formatting.remove(entry);
                    }
                    tail.remove(i);
                    furthest -= 1;
                }
            }
        }
        let mut element = tail.remove(0);
        element.id = self.stack.new_id();
        let new = Formatting::Element { name: subject, signature, id: element.id, index: 0 };
        let old = self.entry_of(id);
        match after.and_then(|previous| self.entry_of(previous)) {
            Some(previous) => {
                self.formatting.insert(previous + 1, new);
                if let Some(old) = old {
                    self.formatting.remove(if old > previous { old + 1 } else { old });
                }
            }
            None => {
                if let Some(old) = old {
                    self.formatting[old] = new;
                }
            }
        }
        tail.insert(furthest, element);
        self.put_back(index, tail);
    }
}
