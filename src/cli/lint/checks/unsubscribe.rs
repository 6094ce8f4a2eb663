//! Links by which a reader leaves.

use openclick::{EventKind, Verdict};

use super::super::super::preview::look::Look;
use super::super::collector::Collector;
use super::super::facts::Link;
use super::super::finding::Severity;
use super::super::rule;
use super::{Page, Summary};

/// Words of such links, in lower case.
const WORDS: [&str; 61] = [
    // English
    "unsub",
    "opt out",
    "opt-out",
    "optout",
    "opt_out",
    "stop receiving",
    "remove me",
    // German
    "abmelden",
    "abmeldung",
    "abbestell",
    "austragen",
    // French
    "désabonn",
    "desabonn",
    "désinscri",
    "desinscri",
    "se désinscrire",
    // Spanish, Portuguese, Italian
    "darse de baja",
    "date de baja",
    "darme de baja",
    "dar de baja",
    "cancelar suscripci",
    "cancelar la suscripci",
    "anular la suscripci",
    "cancelar subscri",
    "cancelar inscri",
    "cancelar a inscri",
    "descadastr",
    "remover inscri",
    "cancella iscrizione",
    "annulla l'iscrizione",
    "annulla iscrizione",
    "disiscri",
    "disdici",
    // Dutch, Danish, Norwegian, Swedish, Finnish
    "afmelden",
    "uitschrijven",
    "afmeld",
    "meld deg av",
    "avmeld",
    "avregistrera",
    "avsluta prenumeration",
    "avprenumerera",
    "peruuta tilaus",
    // Polish, Czech, Slovak, Hungarian, Romanian, Turkish, Greek
    "wypisz",
    "zrezygnuj",
    "odhlásit",
    "odhlasit",
    "odhlásiť",
    "leiratkoz",
    "dezabon",
    "aboneliğ",
    "listeden çık",
    "διαγραφή",
    "απεγγραφή",
    // Russian, Ukrainian
    "отписаться",
    "отказаться от рассылки",
    "відписатися",
    // Japanese, Chinese, Korean
    "配信停止",
    "配信解除",
    "退订",
    "退訂",
    "수신거부",
];

/// Of pages where one can leave too, among other things.
const PREFERENCES: [&str; 6] =
    ["preference", "einstellungen", "préférences", "preferencias", "preferenze", "voorkeuren"];

/// Whether it is one: by its mark, its text, its address or the message's header.
pub(super) fn is_one(page: &Page<'_>, link: &Link) -> bool {
    link.is_marked
        || says(link, &WORDS)
        || page.report(link).is_some_and(|report| report.reason() == Some(openclick::Reason::Unsubscribe))
}

fn says(link: &Link, words: &[&str]) -> bool {
    const MOST: usize = 1000;
    const LABEL: usize = 120;
    let target = link.target.as_deref().unwrap_or_default();
    let target = &target[..target.floor_char_boundary(MOST)];
    // A whole sentence may be such a link; a headline of many words is about something else.
    let text = if link.text.len() <= LABEL { link.text.to_lowercase() } else { String::new() };
    let said = [text, target.to_lowercase()];
    said.iter().any(|said| words.iter().any(|word| said.contains(word)))
}

/// Whether there is one; one that is tracked as any other is reported.
pub(super) fn check(page: &Page<'_>, findings: &mut Collector<'_>) -> bool {
    let mut can_unsubscribe = page.facts.has_unsubscribe;
    for link in &page.facts.links {
        let is_one = is_one(page, link);
        can_unsubscribe |= is_one || says(link, &PREFERENCES);
        let report = page.report(link);
        if is_one
            && let Some(report) = report
            && matches!(report.verdict, Verdict::Tracked { kind: EventKind::Click, .. })
        {
            findings.find(
                &rule::TRACKED_UNSUBSCRIBE,
                Severity::Warning,
                page.place(&link.tag),
                Some(report.index),
                format!("the unsubscribe link {} is tracked as an ordinary click", super::links::named(link)),
            );
        }
    }
    can_unsubscribe
}

/// An HTML document does not show whether it is bulk mail.
pub(super) fn of_html(look: &Look, summary: &Summary, findings: &mut Collector<'_>) {
    if summary.documents > 0 && !summary.can_unsubscribe && look.report.links_total > 0 {
        findings.find(
            &rule::NO_UNSUBSCRIBE_LINK,
            Severity::Note,
            0..0,
            None,
            "there is no link to unsubscribe, which bulk mail must have",
        );
    }
}
