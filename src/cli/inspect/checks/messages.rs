//! Which of the messages that tokens name is this one, which are quoted in it, and how its links were numbered.

use std::collections::{BTreeMap, BTreeSet};

use openclick::{EventKind, Token};

use super::super::mail::Mail;
use super::super::token::Found;
use super::super::urls::{Carrier, Position, Url};

/// The messages that the tokens of a mail name.
#[derive(Default)]
pub(in super::super) struct Messages {
    /// The one that this mail is.
    pub(in super::super) own: String,
    /// Those that are quoted in it: tracked on their own way, before.
    pub(super) quoted: BTreeSet<String>,
    /// Those that may be: nothing says so but their numbers.
    pub(super) maybe_quoted: BTreeSet<String>,
    pub(super) numbering: Numbering,
}

/// Which links a rewrite numbers besides those of HTML proper.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbering {
    /// Those of conditional comments, unless they are switched off.
    outlook: bool,
    /// Those of plain text, if they are switched on.
    text: bool,
}

impl Default for Numbering {
    fn default() -> Numbering {
        Numbering { outlook: true, text: false }
    }
}

impl Numbering {
    /// The number of the link at this position.
    pub(super) fn number(self, position: Position) -> u32 {
        let outlook = if self.outlook { 0 } else { position.outlook };
        position.html - outlook + if self.text { position.text } else { 0 }
    }

    /// How far behind its number the link of a token stands.
    pub(super) fn shift(self, url: &Url, token: &Token) -> Option<i64> {
        Some(i64::from(self.number(url.position?)) - i64::from(token.link_index()?))
    }

    /// The one by which the links of a message are out of step least often.
    fn of<'a>(tokens: impl Iterator<Item = (&'a Url, &'a Token)> + Clone) -> Numbering {
        let all = [(true, false), (true, true), (false, false), (false, true)];
        let steps = |numbering: &Numbering| {
            let mut last = 0;
            let mut steps = 0;
            for shift in tokens.clone().filter_map(|(url, token)| numbering.shift(url, token)) {
                steps += usize::from(shift != last);
                last = shift;
            }
            steps
        };
        let all = all.map(|(outlook, text)| Numbering { outlook, text });
        all.into_iter().min_by_key(steps).unwrap_or_default()
    }
}

impl Messages {
    /// Tells them apart.
    pub(in super::super) fn of(mail: &Mail<'_>, found: &[Found]) -> Messages {
        let tokens = mail.urls.iter().zip(found).filter_map(|(url, found)| match found {
            Found::Open(token) => Some((url, &**token)),
            _ => None,
        });
        let mut all: BTreeMap<&str, Vec<(&Url, &Token)>> = BTreeMap::new();
        for (url, token) in tokens {
            all.entry(token.message_id()).or_default().push((url, token));
        }
        let Some(own) = own(mail, &all) else { return Messages::default() };
        let numbering = Numbering::of(all[own].iter().copied());
        let mut messages = Messages {
            own: own.to_owned(),
            numbering,
            quoted: BTreeSet::new(),
            maybe_quoted: BTreeSet::new(),
        };
        let first_own = all[own].iter().filter_map(|(url, token)| token.link_index().map(|_| url.at)).min();
        let is_answer = is_answer(mail);
        for (id, tokens) in all.iter().filter(|(id, _)| **id != own) {
            // A link that stands where this mail's own rewrite numbered it was taken out of the same mail for somebody else.
            let is_in_place = |(url, token): &(&Url, &Token)| numbering.shift(url, token) == Some(0);
            let is_mixed_in = tokens.iter().any(|token| is_in_place(token) && first_own < Some(token.0.at))
                && first_own.is_some();
            let is_moved = tokens.iter().any(|(_, token)| token.link_index().is_some())
                && !tokens.iter().any(is_in_place);
            // Plain text marks a quotation in many ways, none of them for sure.
            let mut in_html = tokens.iter().filter(|(url, _)| url.carrier != Carrier::Text).peekable();
            let is_marked = in_html.peek().is_some() && in_html.all(|(url, _)| url.is_quoted);
            if is_marked || is_answer && !is_mixed_in {
                messages.quoted.insert((*id).to_owned());
            } else if is_moved && has_pixels(&all[own]) {
                messages.maybe_quoted.insert((*id).to_owned());
            }
        }
        messages
    }

    /// Whether a token is of a message that is quoted, as far as that can be told.
    pub(super) fn is_other(&self, token: &Token) -> bool {
        self.quoted.contains(token.message_id()) || self.maybe_quoted.contains(token.message_id())
    }
}

/// The message that the header names; else that of the first pixel that is not quoted, which a rewrite puts around all else; else
/// the one that most tokens name.
fn own<'a>(mail: &Mail<'_>, all: &BTreeMap<&'a str, Vec<(&Url, &Token)>>) -> Option<&'a str> {
    let named = ["X-Sp-Message-Id", "Message-ID"].into_iter().find_map(|name| {
        let field = mail.all(name).next()?;
        let id = String::from_utf8_lossy(field.value.trim_ascii()).into_owned();
        let id = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(&id);
        all.get_key_value(id).map(|(id, _)| *id)
    });
    let pixels = || {
        let all = all.iter().flat_map(|(id, tokens)| tokens.iter().map(move |token| (*id, token)));
        all.filter(|(_, (url, _))| url.carrier == Carrier::Image && !url.is_quoted)
            .min_by_key(|(_, (url, _))| url.at)
            .map(|(id, _)| id)
    };
    let most = || all.iter().max_by_key(|(_, tokens)| tokens.len()).map(|(id, _)| *id);
    named.or_else(pixels).or_else(most)
}

fn has_pixels(tokens: &[(&Url, &Token)]) -> bool {
    let has = |kind| tokens.iter().any(|(url, token)| url.carrier == Carrier::Image && token.kind() == kind);
    has(EventKind::InitialOpen) || has(EventKind::Open)
}

/// Whether the header says that this mail answers another, or passes one on.
fn is_answer(mail: &Mail<'_>) -> bool {
    const WORDS: [&str; 9] = ["re", "fw", "fwd", "aw", "wg", "sv", "tr", "rv", "antw"];
    let refers = ["In-Reply-To", "References"].into_iter().any(|name| mail.all(name).next().is_some());
    refers
        || mail.all("Subject").next().is_some_and(|field| {
            let subject = field.text();
            let word = subject.trim_start().split(':').next().unwrap_or_default();
            word.len() < subject.trim_start().len()
                && WORDS.iter().any(|other| word.trim_end().eq_ignore_ascii_case(other))
        })
}
