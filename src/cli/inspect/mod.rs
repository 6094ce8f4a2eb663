//! `openclick inspect`: whether a received mail was tracked, and properly.

mod args;
mod checks;
mod mail;
mod report;
mod show;
mod token;
mod urls;
mod verdict;
mod wrapper;

use std::path::Path;

use clap::ArgMatches;
use openclick::source::Message;
use openclick::{Dialect, KeyRing, Options, TrackingDomain, UrlFormat};

pub(super) use self::args::command;
use self::checks::messages::Messages;
use self::checks::{Case, Expected, encoding, header, links, pixels, signature, tokens};
use self::mail::{Mail, Reading};
use self::report::{Found as FoundDomain, Report};
use self::token::{Found, Opener, domain_in};
use self::verdict::{Check, Status};
use super::exit::{Exit, Failure};
use super::guarded;
use super::input::{Format, Input, named};
use super::job;
use super::output::Output;
use super::paste::Paste;
use super::sanitize::write_json;
use super::setting as s;
use super::settings::Settings;
use super::streams::StreamsConfig;
use super::terminal::Screen;

/// Inspects.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let file = named(matches);
    let settings = Settings::gather(matches)?;
    let inspector = Inspector::new(&settings, matches)?;
    let source = Input::open(file)?.read_whole()?;
    let name = file.map_or_else(|| "standard input".to_owned(), |file: &Path| file.display().to_string());
    let report = guarded(|| inspector.inspect(&source, name))?;
    let mut output = Output::stdout();
    let written = match matches.get_flag("json") {
        true => write_json(&mut output, &report),
        false => show::write(&mut output, Screen::stdout(matches), &report),
    };
    written.map_err(|error| Failure::writing(output.name(), &error))?;
    output.commit()?;
    if report.passed { Ok(()) } else { Err(Failure::quiet(Exit::Check)) }
}

/// How mails are inspected.
struct Inspector<'a> {
    settings: &'a Settings,
    traffic: StreamsConfig,
    /// Those that the settings name, the first first.
    domains: Vec<TrackingDomain>,
    keys: Option<KeyRing>,
    format: UrlFormat,
    is_sealed: bool,
    dialects: Vec<Dialect>,
    expected: Expected<'a>,
}

impl<'a> Inspector<'a> {
    fn new(settings: &'a Settings, matches: &'a ArgMatches) -> Result<Inspector<'a>, Failure> {
        let parse = |domain: &str, setting| {
            TrackingDomain::parse(domain).map_err(|error| settings.refuse(setting, error))
        };
        let mut domains = Vec::new();
        if let Some(domain) = settings.text(&s::TRACKING_DOMAIN) {
            domains.push(parse(domain, &s::TRACKING_DOMAIN)?);
        }
        for domain in settings.list(&s::ALSO_ACCEPT).into_iter().flatten() {
            domains.push(parse(domain, &s::ALSO_ACCEPT)?);
        }
        domains.extend(settings.streams().tracking_domains().cloned());
        let keys = settings.path(&s::KEY_FILE).map(|_| job::key_ring(settings)).transpose()?;
        let (format, _) = job::url_format(settings)?;
        let is_sealed = settings.text(&s::URL_TEMPLATE).is_none()
            && matches!(settings.text(&s::URL_FORMAT), None | Some("sealed"));
        let dialects = job::dialects(settings)?;
        let mut allowed: Vec<&str> =
            matches.get_many::<String>("allow").into_iter().flatten().map(String::as_str).collect();
        allowed.extend(settings.list(&s::SKIP_HOST).into_iter().flatten().map(String::as_str));
        let expected = Expected {
            open: !matches.get_flag("no-open"),
            initial_open: !matches.get_flag("no-initial-open"),
            all_tracked: matches.get_flag("expect-all-tracked"),
            allowed,
        };
        let traffic = StreamsConfig::of(settings)?;
        Ok(Inspector { settings, traffic, domains, keys, format, is_sealed, dialects, expected })
    }

    /// What a rewrite of this configuration would be asked with.
    fn options(&self, keys: KeyRing, domain: &str) -> Result<Options, Failure> {
        Ok(Options::new(domain, keys)?
            .streams(self.traffic.streams.clone())
            .overrides(self.traffic.caller.clone())
            .defaults(self.traffic.global.clone()))
    }

    fn inspect(&self, source: &[u8], file: String) -> Result<Report, Failure> {
        let is_html = match Format::of(self.settings) {
            Format::Auto => Paste::is_html(source),
            Format::Html => true,
            Format::Message => false,
        };
        let paste = Paste::of(source, is_html);
        if paste.holds_several {
            return Err(Failure::new(
                Exit::Data,
                "expected one message, found an mbox of several: inspect them one by one",
            ));
        }
        let message = (!is_html).then(|| Message::parse(&paste.bytes));
        let reading = Reading {
            dialects: &self.dialects,
            placeholder: self.settings.text(&s::PIXEL_PLACEHOLDER),
            charset: self.settings.text(&s::CHARSET),
            lines: paste.lines,
            indent: paste.indent,
        };
        let options = |keys, domain: &str| self.options(keys, domain);
        let mut mail = Mail::read(&paste.bytes, message.as_ref(), options, &reading)?;
        let in_mail = domain_in(&mail);
        let domains = match (&*self.domains, &in_mail) {
            ([], Some(found)) => vec![found.clone()],
            (given, _) => given.to_vec(),
        };
        let opener = match domains.as_slice() {
            [] => None,
            domains => Some(Opener::new(domains, self.format.clone(), self.is_sealed, self.keys.clone())?),
        };
        let mut found: Vec<Found> = mail.urls.iter().map(|_| Found::Other).collect();
        if let Some(opener) = &opener {
            mail.urls.iter_mut().for_each(|url| opener.unwrap_unknown(url));
            found = mail.urls.iter().map(|url| opener.open(&url.inside.url)).collect();
            opener.settle(&mail.urls, &mut found);
        }
        let case = Case {
            messages: Messages::of(&mail, &found),
            found,
            mail: &mail,
            expected: self.expected.clone(),
            has_keys: self.keys.is_some(),
            has_domain: opener.is_some(),
        };
        let checks = check_all(&case, opener.as_ref(), &paste);
        let domain = FoundDomain::of(&self.domains, in_mail.as_ref());
        Ok(Report::new(file, &case, domain, checks, is_html))
    }
}

/// Every check, in the order in which they are told.
fn check_all(case: &Case<'_>, opener: Option<&Opener>, paste: &Paste<'_>) -> Vec<Check> {
    let [start, end] = pixels::check(case);
    vec![
        source(paste),
        start,
        end,
        links::wrapped(case),
        links::attributes(case),
        tokens::whole(case),
        tokens::valid(case),
        tokens::one_message(case),
        tokens::order(case),
        links::wrappers(case),
        links::other_tracking(case),
        header::list_unsubscribe(case),
        header::untracked(case, opener),
        signature::dkim(case),
        signature::arc(case),
        encoding::check(case),
    ]
}

/// `source`: what copying did to the source.
fn source(paste: &Paste<'_>) -> Check {
    let message = match paste.undone.as_slice() {
        [] => "read as it is".to_owned(),
        undone => format!("what copying did is undone: {}", undone.join(", ")),
    };
    Check::new("source", Status::Pass, message)
}
