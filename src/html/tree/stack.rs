//! The stack of open elements, on names only, with every "has an element in scope" answered in
//! constant time: a deep stack must not make each end tag slow.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::name::{KNOWN, Name};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Namespace {
    Html,
    Svg,
    MathMl,
}

/// Kinds of scope, each kept as "one past the index of the nearest such element at or below".
#[derive(Clone, Copy)]
pub(super) enum Scope {
    Default,
    ListItem,
    Button,
    Table,
    /// Any special element: where "any other end tag" gives up.
    Special,
    /// Special but not `address`, `div` or `p`: where `<li>` and `<dd>` stop looking.
    List,
    /// Any element of the HTML namespace: where an end tag in foreign content turns to HTML.
    Html,
    /// Any element that decides the insertion mode when a table or template ends.
    Mode,
}
/// Eight are set with two vector instructions.
const SCOPES: usize = 8;

#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) name: Name,
    pub(super) namespace: Namespace,
    /// `annotation-xml` with an HTML encoding.
    pub(super) html_integration: bool,
    /// Has an entry in the list of active formatting elements.
    pub(super) formatting: bool,
    pub(super) id: u32,
    /// One past the index of the namesake below.
    below: u32,
    marks: [u32; SCOPES],
}

impl Open {
    pub(super) fn is_html(&self, name: Name) -> bool {
        self.namespace == Namespace::Html && self.name == name
    }

    pub(super) fn is_special(&self) -> bool {
        match self.namespace {
            Namespace::Html => self.name.is_special(),
            _ => false,
        }
    }

    pub(super) fn is_integration_point(&self) -> bool {
        is_integration_point(self.name, self.namespace)
    }
}

fn is_integration_point(name: Name, namespace: Namespace) -> bool {
    match namespace {
        Namespace::Html => false,
        Namespace::MathMl => name.is_mathml_text_integration_point(),
        Namespace::Svg => name.is_svg_html_integration_point(),
    }
}

/// The scopes that an element bounds: all bits or none of each, so that the marks of all are set at once,
/// with no branch.
type Bounds = [u32; SCOPES];

/// Those of an HTML element of each known name.
static BOUNDS: [Bounds; KNOWN] = {
    let mut bounds = [[0; SCOPES]; KNOWN];
    let mut index = 0;
    while index < KNOWN {
        bounds[index] = bounds_of(Name::at(index));
        index += 1;
    }
    bounds
};

/// Those of an HTML element of any other name.
static UNKNOWN_BOUNDS: Bounds = with([0; SCOPES], &[Scope::Html]);

/// Those of an element of foreign content in which HTML stands.
static INTEGRATION_BOUNDS: Bounds = with([0; SCOPES], &[Scope::Default, Scope::ListItem, Scope::Button]);

const fn with(mut bounds: Bounds, scopes: &[Scope]) -> Bounds {
    let mut index = 0;
    while index < scopes.len() {
        bounds[scopes[index] as usize] = u32::MAX;
        index += 1;
    }
    bounds
}

const fn bounds_of(name: Name) -> Bounds {
    let mut bounds = with([0; SCOPES], &[Scope::Html]);
    if !name.is_special() {
        return bounds;
    }
    bounds = with(bounds, &[Scope::Special]);
    if !matches!(name, Name::ADDRESS | Name::DIV | Name::P) {
        bounds = with(bounds, &[Scope::List]);
    }
    if name.is_scope() {
        bounds = with(bounds, &[Scope::Default, Scope::ListItem, Scope::Button]);
    }
    if name.decides_mode() {
        bounds = with(bounds, &[Scope::Mode]);
    }
    match name {
        Name::HTML | Name::TABLE | Name::TEMPLATE => with(bounds, &[Scope::Table]),
        Name::OL | Name::UL => with(bounds, &[Scope::ListItem]),
        Name::BUTTON => with(bounds, &[Scope::Button]),
        _ => bounds,
    }
}

/// A hash of names that nobody knows: they are keyed hashes already, which only need to be spread.
#[derive(Default)]
struct ByName(u64);

impl Hasher for ByName {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(u32::from(byte)));
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u32(u32::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(32) ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(super) struct Stack {
    open: Vec<Open>,
    /// One past the index of the topmost element of each known name: HTML, then foreign.
    last: [[u32; KNOWN]; 2],
    last_unknown: HashMap<(bool, Name), u32, BuildHasherDefault<ByName>>,
    next_id: u32,
}

impl Stack {
    pub(super) fn new() -> Stack {
        Stack { open: Vec::new(), last: [[0; KNOWN]; 2], last_unknown: HashMap::default(), next_id: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    #[inline]
    pub(super) fn top(&self) -> Option<&Open> {
        self.open.last()
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&Open> {
        self.open.get(index)
    }

    #[inline]
    pub(super) fn top_is(&self, name: Name) -> bool {
        self.top().is_some_and(|top| top.is_html(name))
    }

    pub(super) fn new_id(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    /// Pushes a new element and returns its id.
    #[inline(always)]
    pub(super) fn push(&mut self, name: Name, namespace: Namespace) -> u32 {
        let id = self.new_id();
        let here = self.open.len() as u32 + 1;
        let marks = self.marks_below(name, namespace, here);
        let below = std::mem::replace(self.last_mut(namespace, name), here);
        let (html_integration, formatting) = (false, false);
        self.open.push(Open { name, namespace, html_integration, formatting, id, below, marks });
        id
    }

    pub(super) fn top_mut(&mut self) -> Option<&mut Open> {
        self.open.last_mut()
    }

    fn restore(&mut self, mut element: Open) {
        let here = self.open.len() as u32 + 1;
        element.marks = self.marks_below(element.name, element.namespace, here);
        element.below = std::mem::replace(self.last_mut(element.namespace, element.name), here);
        self.open.push(element);
    }

    /// The marks of an element put on top, at `here`: those of the one below, and the scopes that it bounds itself.
    #[inline]
    fn marks_below(&self, name: Name, namespace: Namespace, here: u32) -> [u32; SCOPES] {
        let mut marks = self.open.last().map_or([0; SCOPES], |top| top.marks);
        let bounds = match namespace {
            Namespace::Html => name.known().map_or(&UNKNOWN_BOUNDS, |index| &BOUNDS[index]),
            _ if is_integration_point(name, namespace) => &INTEGRATION_BOUNDS,
            _ => return marks,
        };
        for (mark, bound) in marks.iter_mut().zip(bounds) {
            *mark = *mark & !bound | here & bound;
        }
        marks
    }

    #[inline(always)]
    fn last_mut(&mut self, namespace: Namespace, name: Name) -> &mut u32 {
        let foreign = namespace != Namespace::Html;
        match name.known() {
            Some(index) => &mut self.last[usize::from(foreign)][index],
            None => self.last_unknown_mut(foreign, name),
        }
    }

    #[inline(never)]
    fn last_unknown_mut(&mut self, foreign: bool, name: Name) -> &mut u32 {
        self.last_unknown.entry((foreign, name)).or_insert(0)
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Open> {
        let element = self.open.pop()?;
        match element.name.known() {
            Some(index) => {
                self.last[usize::from(element.namespace != Namespace::Html)][index] = element.below
            }
            None => self.pop_unknown(&element),
        }
        Some(element)
    }

    /// Takes the top off, which is an HTML element of this known name.
    #[inline(always)]
    pub(super) fn pop_known(&mut self, name: Name) {
        if let (Some(element), Some(index)) = (self.open.pop(), name.known()) {
            self.last[0][index] = element.below;
        }
    }

    #[inline(never)]
    fn pop_unknown(&mut self, element: &Open) {
        let key = (element.namespace != Namespace::Html, element.name);
        if element.below == 0 {
            self.last_unknown.remove(&key);
        } else {
            self.last_unknown.insert(key, element.below);
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        while self.open.len() > len {
            self.pop();
        }
    }

    /// One past the index of the topmost HTML element of this name, 0 for none.
    #[inline]
    pub(super) fn position(&self, name: Name) -> u32 {
        self.position_in(false, name)
    }

    #[inline]
    pub(super) fn position_foreign(&self, name: Name) -> u32 {
        self.position_in(true, name)
    }

    #[inline]
    fn position_in(&self, foreign: bool, name: Name) -> u32 {
        match name.known() {
            Some(index) => self.last[usize::from(foreign)][index],
            None => self.last_unknown.get(&(foreign, name)).copied().unwrap_or(0),
        }
    }

    #[inline]
    pub(super) fn mark(&self, scope: Scope) -> u32 {
        self.top().map_or(0, |top| top.marks[scope as usize])
    }

    #[inline]
    pub(super) fn contains(&self, name: Name) -> bool {
        self.position(name) != 0
    }

    /// "Has a `name` element in the specific scope".
    #[inline]
    pub(super) fn in_scope(&self, scope: Scope, name: Name) -> bool {
        let position = self.position(name);
        position != 0 && position >= self.mark(scope)
    }

    /// The name of the nearest HTML element that decides the insertion mode.
    pub(super) fn deciding(&self) -> Option<Name> {
        let index = self.mark(Scope::Mode).checked_sub(1)?;
        self.get(index as usize).map(|element| element.name)
    }

    pub(super) fn pop_until(&mut self, wanted: impl Fn(&Open) -> bool) {
        while let Some(element) = self.pop() {
            if wanted(&element) {
                return;
            }
        }
    }

    pub(super) fn pop_until_named(&mut self, name: Name) {
        self.pop_until(|element| element.is_html(name));
    }

    #[inline]
    pub(super) fn generate_implied_end(&mut self, except: Option<Name>) {
        while let Some(top) = self.top() {
            if top.namespace != Namespace::Html || !top.name.is_implied_end() || Some(top.name) == except {
                return;
            }
            self.pop();
        }
    }

    /// Takes the elements from `index` to the top off, in stack order.
    pub(super) fn split_off(&mut self, index: usize) -> Vec<Open> {
        let tail = self.open[index..].to_vec();
        self.truncate(index);
        tail
    }

    /// Puts elements of [`Stack::split_off`] back.
    pub(super) fn extend(&mut self, tail: Vec<Open>) {
        for element in tail {
            self.restore(element);
        }
    }
}
