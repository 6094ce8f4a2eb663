//! Every code, once: what it means, how much it matters, why, and what to do.

mod table;

pub(super) use self::table::*;

use super::super::setting::did_you_mean;
use super::finding::Severity;

/// One code. Codes and names are stable: configurations hold them.
#[derive(Debug)]
pub(super) struct Rule {
    /// Such as `OC001`. The hundreds are the subject: 0 size, 1 links, 2 markup and pixels, 3 header, 4 text and charset,
    /// 5 what openclick leaves alone.
    pub(super) code: &'static str,
    /// In kebab-case; configurations may say this instead.
    pub(super) name: &'static str,
    /// At most: a finding of little consequence has less.
    pub(super) severity: Severity,
    /// What is wrong, in a few words.
    pub(super) summary: &'static str,
    /// What to do, in one line.
    pub(super) help: &'static str,
    /// Why it matters, with the source of the rule.
    pub(super) why: &'static str,
}

/// The rule of a code or name, in any case.
pub(super) fn find(word: &str) -> Result<&'static Rule, String> {
    let is_it = |rule: &&&Rule| rule.code.eq_ignore_ascii_case(word) || rule.name.eq_ignore_ascii_case(word);
    ALL.iter().find(is_it).copied().ok_or_else(|| {
        let words = ALL.iter().flat_map(|rule| [rule.name, rule.code]);
        format!("expected a code such as OC001 or its name, found `{word}`{}", did_you_mean(word, words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(ALL.is_sorted_by(|one, other| one.code < other.code));
        for (at, rule) in ALL.iter().enumerate() {
            assert!(rule.code.len() == 5 && rule.code.starts_with("OC"), "{}", rule.code);
            assert!(
                rule.name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{}",
                rule.name
            );
            assert!(ALL[..at].iter().all(|other| other.name != rule.name), "{}", rule.name);
            for line in [rule.summary, rule.help] {
                assert!((10..=110).contains(&line.len()) && !line.ends_with('.'), "{}: {line}", rule.code);
            }
            assert!(rule.why.len() > 100 && rule.why.ends_with('.'), "{}", rule.code);
        }
    }

    #[test]
    fn found_by_code_and_name() {
        assert_eq!(find("oc001").unwrap().name, "clipped");
        assert_eq!(find("Clipped").unwrap().code, "OC001");
        assert_eq!(
            find("cliped").unwrap_err(),
            "expected a code such as OC001 or its name, found `cliped`; did you mean `clipped`?"
        );
    }
}
