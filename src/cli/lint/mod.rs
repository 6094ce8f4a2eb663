//! `openclick lint`: what harms a mailing.

mod args;
mod attribute;
mod checks;
mod collector;
mod facts;
mod finding;
mod levels;
mod merge_tag;
mod output;
mod rule;
mod run;
#[cfg(test)]
mod tests;
mod walk;

#[cfg(test)]
pub(super) use self::args::SETTINGS;
pub(super) use self::args::command;
pub(super) use self::finding::{Finding, Severity};
pub(super) use self::run::run;

use self::collector::Collector;
use super::places::Lines;
use super::preview::look::Look;

/// What is to be said of a mail, in the order of its source.
pub(super) fn check(look: &Look) -> Vec<Finding> {
    let charset = (!look.is_message).then_some(look.report.charset.as_str());
    let mut findings = Collector::new(Lines::new(&look.before, charset));
    checks::all(look, &mut findings);
    findings.finish()
}
