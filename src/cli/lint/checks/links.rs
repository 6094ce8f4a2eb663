//! Links, one by one and among each other.

use openclick::{Reason, Verdict};
use url::Url;

use super::super::super::trackers;
use super::super::collector::Collector;
use super::super::facts::Link;
use super::super::finding::Severity;
use super::super::{merge_tag, rule};
use super::sealed::{self, Hosts};
use super::{Page, host, tracker, twins};

/// The longest line of mail, RFC 5322 §2.1.1, less what stands around a URL.
const LONG: usize = 998 - "<a href=\"\">".len();

pub(super) fn check(page: &Page<'_>, findings: &mut Collector<'_>) {
    let has_https = page
        .facts
        .links
        .iter()
        .any(|link| scheme_of(link).is_some_and(|is| is.eq_ignore_ascii_case("https")));
    let sealed = Hosts::of(&page.facts, &page.markup);
    let mut merged = None;
    let mut merged_count = 0;
    for link in &page.facts.links {
        let mut check = Check { page, link, findings, has_https, sealed: &sealed };
        check.text();
        let Some(target) = link.target.as_deref() else {
            check.add(&rule::UNDECODABLE, "the link holds bytes that the charset does not have".to_owned());
            continue;
        };
        check.tracking_url();
        match merge_tag::has(target) || merge_tag::begins(target) {
            true => {
                merged.get_or_insert(link);
                merged_count += 1;
                check.merged(target);
            }
            false => check.target(target),
        }
    }
    if let Some(first) = merged.filter(|_| !page.look.is_message) {
        let message = match merged_count {
            1 => format!(
                "the link {} holds a merge tag: it is not tracked until that is filled in",
                named(first)
            ),
            _ => format!(
                "{merged_count} links hold merge tags, the first is {}: they are not tracked until these are filled in",
                named(first)
            ),
        };
        let index = page.report(first).map(|report| report.index);
        findings.find(&rule::MERGE_LEFT, Severity::Note, page.place(&first.value), index, message);
    }
    for image in &page.facts.images {
        let Some(url) = parse(&image.source).filter(|_| !merge_tag::has(&image.source)) else { continue };
        if let Some(why) = host::local(&url) {
            findings.add(&rule::LOCAL_HOST, page.place(&image.range), format!("the image's host {why}"));
        }
        let name = trackers::pixel(&url).or_else(|| {
            (sealed.has(&url) && sealed::is_pixel(image, page.markup.bytes())).then_some("openclick")
        });
        if let Some(name) = name {
            findings.add(
                &rule::FOREIGN,
                page.place(&image.range),
                format!("the image is a tracking pixel of {name}"),
            );
        }
    }
    twins::twins(page, findings);
    twins::names(page, findings);
    marks(page, findings);
}

pub(super) struct Check<'c, 'p, 'f, 'l> {
    pub(super) page: &'c Page<'p>,
    pub(super) link: &'c Link,
    findings: &'f mut Collector<'l>,
    has_https: bool,
    sealed: &'c Hosts,
}

impl Check<'_, '_, '_, '_> {
    pub(super) fn add(&mut self, rule: &'static rule::Rule, message: String) {
        self.find(rule, rule.severity, message);
    }

    fn find(&mut self, rule: &'static rule::Rule, severity: Severity, message: String) {
        let index = self.page.report(self.link).map(|report| report.index);
        self.findings.find(rule, severity, self.page.place(&self.link.value), index, message);
    }

    fn text(&mut self) {
        let is_blank =
            |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
        // A shape is drawn, and its twin has the text.
        if self.link.is_shape || self.link.has_label || !self.link.text.chars().all(is_blank) {
            return;
        }
        let what = if self.link.has_image { "an image without alternative text" } else { "no text" };
        self.add(&rule::NO_TEXT, format!("the link {} has {what}", named(self.link)));
    }

    /// What became of it.
    fn tracking_url(&mut self) {
        let Some(report) = self.page.report(self.link) else { return };
        match &report.verdict {
            Verdict::Tracked { url, .. } if url.len() > LONG => {
                self.add(&rule::LONG_URL, format!("the tracking URL has {} characters", url.len()));
            }
            Verdict::Left { reason: Reason::TooLong } => {
                self.add(
                    &rule::LONG_URL,
                    format!("the link is too long to be tracked ({} characters)", report.raw.len()),
                );
            }
            Verdict::Left { reason: Reason::LineTooLong } => {
                self.add(
                    &rule::LONG_URL,
                    "no line of this part's encoding holds the tracking URL: the link is left".to_owned(),
                );
            }
            Verdict::Left { reason: Reason::AlreadyTracked } => {
                self.add(
                    &rule::OWN_TOKEN,
                    format!("the link {} points to the tracking domain already", named(self.link)),
                );
            }
            _ => {}
        }
    }

    fn merged(&mut self, target: &str) {
        let tags = merge_tag::tags(target.as_bytes());
        if let Some(start) = authority_start(target) {
            let is_inside = |at: usize| tags.iter().any(|tag| tag.contains(&at));
            let end = target[start..]
                .char_indices()
                .find(|(at, c)| matches!(c, '/' | '?' | '#') && !is_inside(start + at))
                .map_or(target.len(), |(at, _)| start + at);
            if tags.iter().any(|tag| tag.start < end && tag.end > start) {
                self.add(&rule::MERGE_HOST, format!("a merge tag fills in the host of {}", named(self.link)));
            }
        }
        let is_certain = merge_tag::begins(target)
            || tags.iter().any(|tag| merge_tag::is_certain(&target.as_bytes()[tag.clone()]));
        if self.page.look.is_message && is_certain {
            self.add(
                &rule::MERGE_LEFT,
                format!("the link {} holds a merge tag that is not filled in", named(self.link)),
            );
        }
    }

    fn target(&mut self, target: &str) {
        if target.is_empty() || target == "#" {
            let what = if target.is_empty() { "an empty href" } else { "# as its href" };
            return self.add(&rule::EMPTY_HREF, format!("a link has {what}"));
        }
        if target.starts_with('#') {
            return;
        }
        let Some(scheme) = scheme(target) else { return self.relative(target) };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => self.web(target, scheme.len()),
            "javascript" | "vbscript" => {
                let message = format!("the link {} is a script, which no mail client runs", named(self.link));
                self.add(&rule::SCRIPT, message);
            }
            "data" => {
                let message = format!(
                    "the link {} holds what it leads to, which browsers do not open",
                    named(self.link)
                );
                self.add(&rule::SCRIPT, message);
            }
            other
                if other.ends_with("+notrack")
                    && !self.page.look.dialects.contains(&openclick::Dialect::Postal) =>
            {
                self.add(
                    &rule::DIALECT,
                    format!("the scheme {other}: is Postal's, whose dialect postal is not enabled"),
                );
            }
            _ => {}
        }
    }

    fn relative(&mut self, target: &str) {
        let is_host = target.split(['/', '?', '#']).next().is_some_and(|host| {
            host.starts_with("www.")
                || host.ends_with(".com")
                || host.ends_with(".org")
                || host.ends_with(".net")
        });
        // Whatever else stands there may be a merge tag of a language that is not known here.
        let first = target.split(['/', '?', '#']).next().unwrap_or_default();
        let is_file =
            first.contains('.') && first.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        let is_written = is_file || target.starts_with(['/', '?', '.']) || target.starts_with("3D");
        let severity = match target.starts_with("//") || self.page.facts.has_base || !is_written {
            true => Severity::Warning,
            false => Severity::Error,
        };
        let hint = match target {
            _ if target.starts_with("3D") => ": it is quoted-printable that was not decoded",
            _ if is_host => ": https:// is missing",
            _ => "",
        };
        self.find(&rule::RELATIVE, severity, format!("the link {} has no scheme{hint}", named(self.link)));
    }

    fn web(&mut self, target: &str, scheme: usize) {
        let name = named(self.link);
        let rest = target[scheme + 1..].strip_prefix("//");
        let is_odd = rest.is_none_or(|rest| rest.starts_with(['/', '\\']));
        let url = Url::parse(target).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
        let (Some(rest), Some(url), false) = (rest, url, is_odd || target.contains(char::is_control)) else {
            let what = format!("the address {name} cannot be understood");
            return match may_be_filled_in(rest.unwrap_or_default()) {
                true => self.find(&rule::BAD_URL, Severity::Warning, what),
                false => self.add(&rule::BAD_URL, what),
            };
        };
        let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            self.add(&rule::USERINFO, format!("the link {name} has a user name before its host"));
        }
        if url.scheme() == "http" && self.has_https {
            self.add(&rule::HTTP, format!("the link {name} uses http, others use https"));
        }
        if let Some(why) = host::local(&url).filter(|_| !may_be_filled_in(rest)) {
            self.add(&rule::LOCAL_HOST, format!("the host of {name} {why}"));
        }
        if let Some(why) = host::lookalike(&url) {
            self.add(&rule::LOOKALIKE, why);
        }
        let is_own = || {
            let verdict = self.page.report(self.link).map(|report| &report.verdict);
            matches!(verdict, Some(Verdict::Left { reason: Reason::AlreadyTracked }))
        };
        if let Some(other) = tracker::link(&url) {
            self.add(&rule::FOREIGN, format!("the link {name} is {other}"));
        } else if self.sealed.has(&url) && !is_own() {
            self.add(&rule::FOREIGN, format!("the link {name} is a tracking URL of openclick, by its shape"));
        }
        self.shown(&url);
    }
}

fn marks(page: &Page<'_>, findings: &mut Collector<'_>) {
    for mark in &page.facts.marks {
        let place = page.place(&mark.range);
        if !page.look.dialects.contains(&mark.dialect) {
            let dialect = mark.dialect.as_str();
            let what = match mark.dialect {
                openclick::Dialect::CustomerIo => "the class untracked".to_owned(),
                _ => mark.name.to_ascii_lowercase(),
            };
            findings.add(
                &rule::DIALECT,
                place,
                format!("{what} means nothing: the dialect {dialect} is not enabled"),
            );
        } else if let Some(oddity) = mark.oddity() {
            let (name, value) = (mark.name.to_ascii_lowercase(), quoted(&mark.value));
            findings.add(&rule::ODD_OPT_OUT, place, format!("{name}={value} {oddity}"));
        }
    }
    for (range, name, meant) in &page.facts.misspelt {
        let message = format!("{} means nothing, and goes out to the recipient{meant}", quoted(name));
        findings.add(&rule::MISSPELT, page.place(range), message);
    }
}

/// The scheme of an absolute URL. <https://url.spec.whatwg.org/#scheme-start-state>
fn scheme(target: &str) -> Option<&str> {
    let (scheme, _) = target.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then_some(scheme)
}

fn scheme_of(link: &Link) -> Option<&str> {
    scheme(link.target.as_deref()?)
}

/// Where the host of a web address begins.
fn authority_start(target: &str) -> Option<usize> {
    let name = scheme(target)?;
    let is_web = name.eq_ignore_ascii_case("http") || name.eq_ignore_ascii_case("https");
    let start = name.len() + "://".len();
    (is_web && target[name.len()..].starts_with("://")).then_some(start)
}

/// A web address.
fn parse(source: &str) -> Option<Url> {
    Url::parse(source).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// How a message calls a link: by its address.
pub(super) fn named(link: &Link) -> String {
    quoted(link.target.as_deref().unwrap_or("without a readable address"))
}

/// Others' text in a message, at most some of it.
pub(super) fn quoted(text: &str) -> String {
    /// Characters.
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        None => format!("\"{text}\""),
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
    }
}

/// Whether a host holds what merge tags of many languages are made of, and no host is.
fn may_be_filled_in(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.contains(['{', '}', '$', '%', '<', '>', '|', '*']) || host.starts_with('[') && !host.contains(':')
}
