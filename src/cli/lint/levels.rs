//! What a configuration makes of findings: allowed, denied, or as the table has them.

use std::collections::HashMap;

use super::super::exit::Failure;
use super::super::setting::{self as s, Setting};
use super::super::settings::{Origin, Settings, refuse};
use super::finding::{Finding, Severity};
use super::rule::{self, Rule};

/// What is wanted of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Allow,
    Deny,
}

/// What is wanted, by code and by severity.
#[derive(Debug, Default)]
pub(super) struct Levels {
    codes: HashMap<&'static str, Level>,
    severities: HashMap<Severity, Level>,
}

/// What a word names.
enum Subject {
    Rule(&'static Rule),
    Severity(Severity),
}

fn subject(word: &str) -> Result<Subject, String> {
    match word {
        "warnings" => Ok(Subject::Severity(Severity::Warning)),
        "notes" => Ok(Subject::Severity(Severity::Note)),
        _ => rule::find(word).map(Subject::Rule),
    }
}

impl Levels {
    /// As flags, variables and the file say together: of what several of them say of one code, the highest counts.
    pub(super) fn of(settings: &Settings) -> Result<Levels, Failure> {
        let mut levels = Levels::default();
        // What stands above comes first and stays.
        let sources: [fn(&Origin) -> bool; 3] = [
            |origin| matches!(origin, Origin::Flag),
            |origin| matches!(origin, Origin::Variable),
            |origin| matches!(origin, Origin::File(_)),
        ];
        for is_asked in sources {
            let mut here = Levels::default();
            for (setting, level) in [(&s::LINT_DENY, Level::Deny), (&s::LINT_ALLOW, Level::Allow)] {
                here.read(settings, setting, level, is_asked)?;
            }
            for (code, level) in here.codes {
                levels.codes.entry(code).or_insert(level);
            }
            for (severity, level) in here.severities {
                levels.severities.entry(severity).or_insert(level);
            }
        }
        Ok(levels)
    }

    fn read(
        &mut self,
        settings: &Settings,
        setting: &'static Setting,
        level: Level,
        is_asked: fn(&Origin) -> bool,
    ) -> Result<(), Failure> {
        let Some((_, s::Value::List(words), origin)) = settings.find_from(setting.name, is_asked) else {
            return Ok(());
        };
        for word in words {
            let before = match subject(word).map_err(|why| refuse(setting, origin, why))? {
                Subject::Rule(rule) => self.codes.insert(rule.code, level),
                Subject::Severity(severity) => self.severities.insert(severity, level),
            };
            if before.is_some_and(|before| before != level) {
                return Err(refuse(setting, origin, format!("`{word}` is denied already")));
            }
        }
        Ok(())
    }

    /// Takes out what is allowed, and makes errors of what is denied.
    pub(super) fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let level = |finding: &Finding| {
            self.codes.get(finding.code).or_else(|| self.severities.get(&finding.severity)).copied()
        };
        let mut kept = Vec::with_capacity(findings.len());
        for mut finding in findings {
            match level(&finding) {
                Some(Level::Allow) => continue,
                Some(Level::Deny) => finding.severity = Severity::Error,
                None => {}
            }
            kept.push(finding);
        }
        kept
    }
}
