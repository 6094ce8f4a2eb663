//! The template, read and checked before the first row: what it wants of the list, and what is set for each recipient.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ArgMatches;
use openclick::source::Message;
use openclick::{Delivery, MergeSyntax, Rewriter, Status, Template};

use super::super::exit::{Exit, Failure};
use super::super::input::{Format, Input};
use super::super::setting as s;
use super::super::settings::Settings;
use super::super::{batch, job};
use super::address;
use super::unsubscribe::Unsubscribe;

/// A template that is ready.
pub(super) struct Letter {
    pub(super) template: Template,
    pub(super) is_message: bool,
    /// Its fields, those of patterns too; whether a value may be missing wherever they stand.
    pub(super) fields: BTreeMap<String, bool>,
    pub(super) unsubscribe: Vec<Unsubscribe>,
    /// Header fields that are the same for all.
    pub(super) headers: Vec<(String, String)>,
    /// What is set for each recipient, unless the template or `--header` says it with fields of their own.
    pub(super) sets_to: bool,
    pub(super) sets_id: bool,
    pub(super) sets_date: bool,
    /// It has a field with an id, which must be the row's.
    pub(super) says_id: bool,
    /// The domain of message ids.
    pub(super) domain: String,
    /// The address in From, if it is the same for all.
    pub(super) from: Option<String>,
    /// As it came from the file.
    pub(super) source: Vec<u8>,
    /// What a trial showed that somebody should know.
    pub(super) note: Option<&'static str>,
}

/// Holds the id of a message that openclick made trackable.
pub(super) const ID: &str = "X-Sp-Message-Id";

impl Letter {
    pub(super) fn read(path: &Path, matches: &ArgMatches, settings: &Settings) -> Result<Letter, Failure> {
        let source = Input::open(Some(path))?.read_whole()?;
        let shown = path.display().to_string();
        let bad = |why: &str| Failure::new(Exit::Data, format!("{shown}: {why}"));
        let rewriter = job::template_rewriter(settings, syntaxes(settings))?;
        if source.is_empty() {
            return Err(bad("the template is empty"));
        }
        let is_message = Format::of(settings).is_message(&source);
        let given: Vec<&String> = matches.get_many("header").into_iter().flatten().collect();
        let unsubscribe = Unsubscribe::all(settings, &rewriter)?;
        let mut letter = Letter {
            // Of a message it is compiled again, with its header as it will be.
            template: rewriter.compile_html(source.clone())?,
            is_message,
            fields: BTreeMap::new(),
            unsubscribe,
            headers: Vec::new(),
            sets_to: is_message,
            sets_id: is_message,
            sets_date: is_message,
            says_id: false,
            domain: String::new(),
            from: None,
            source,
            note: None,
        };
        if !is_message {
            let of_header = ["header", "to-name", "sender"];
            if let Some(flag) = of_header.iter().find(|flag| matches.contains_id(flag)) {
                return Err(Failure::usage(format!("--{flag}: {shown} is HTML, which has no header")));
            }
        } else {
            if !matches.get_flag("allow-other-tags") {
                check_header_tags(&rewriter, &given)?;
            }
            letter.prepare_message(&rewriter, &given, settings, &bad)?;
        }
        letter.gather_fields();
        if !matches.get_flag("allow-other-tags") {
            letter.check_tags(&shown)?;
        }
        letter.check_untracked(&rewriter, &bad)?;
        letter.attempt();
        Ok(letter)
    }

    fn prepare_message(
        &mut self,
        rewriter: &Rewriter,
        given: &[&String],
        settings: &Settings,
        bad: &dyn Fn(&str) -> Failure,
    ) -> Result<(), Failure> {
        if self.source.starts_with(b"From ") {
            let what = if batch::is_mbox_of_many(&self.source) { "an mbox of several" } else { "an mbox" };
            return Err(bad(&format!("expected one message, found {what}")));
        }
        let has_fields = |name: &str, value: &[u8]| {
            let line = [name.as_bytes(), b": ", value, b"\n\n"].concat();
            rewriter.compile_message(line).map(|template| template.fields().next().is_some())
        };
        let mut message = self.source.clone();
        for field in given {
            let (name, value) = split(field)?;
            if has_fields(name, value.as_bytes())? {
                self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                // The library fills and encodes it as it does with fields of the template's own.
                message = with_field(&message, name, value);
            } else {
                self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                self.headers.push((name.to_owned(), value.to_owned()));
            }
        }
        let parsed = Message::parse(&message);
        let is_signed = ["DKIM-Signature", "ARC-Seal"].iter().any(|name| parsed.field(name).is_some());
        if is_signed && !matches!(settings.text(&s::ON_SIGNED), Some("rewrite" | "strip")) {
            return Err(bad("the template is signed, which no rendering of it can be: --on-signed strip"));
        }
        let own = |name: &str| {
            let set = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            set.map(|(_, value)| value.clone()).or_else(|| parsed.field(name).map(|field| field.text()))
        };
        let from =
            own("From").ok_or_else(|| bad("the template has no From: add one, or --header 'From: …'"))?;
        let is_given = |name: &str| {
            given.iter().any(|field| split(field).is_ok_and(|(other, _)| other.eq_ignore_ascii_case(name)))
        };
        let is_set = |name: &str| -> Result<bool, Failure> {
            let field = parsed.field(name);
            Ok(is_given(name) || field.map_or(Ok(false), |field| has_fields(name, &field.value))?)
        };
        self.sets_to = !is_set("To")?;
        self.sets_id = !is_set("Message-ID")?;
        self.sets_date = !is_set("Date")?;
        self.from = address::address(address::in_angles(&from)).ok();
        self.domain = match address::domain_of(&from) {
            Some(domain) => domain,
            None if self.sets_id => {
                return Err(bad(
                    "the address in From has no domain, of which message ids are made: --header 'Message-ID: …'",
                ));
            }
            None => String::new(),
        };
        self.says_id = parsed.field(ID).is_some();
        if is_given(ID) {
            return Err(Failure::usage(format!("--header {ID}: the column `message_id` says the id")));
        }
        self.template = rewriter.compile_message(message)?;
        Ok(())
    }

    fn gather_fields(&mut self) {
        let patterns = self.unsubscribe.iter().flat_map(|pattern| pattern.fields());
        for (name, has_default) in self.template.fields().chain(patterns) {
            *self.fields.entry(name.to_owned()).or_insert(true) &= has_default;
        }
    }

    /// A tag that nobody fills would stand in the mail as it is.
    fn check_tags(&self, shown: &str) -> Result<(), Failure> {
        let tags = self.template.other_tags();
        let Some(tag) = tags.first() else { return Ok(()) };
        let line = 1 + memchr::memchr_iter(b'\n', &self.source[..tag.start.min(self.source.len())]).count();
        let text = String::from_utf8_lossy(self.source.get(tag.clone()).unwrap_or_default());
        let text: String = text.trim().chars().take(60).collect();
        let others = match tags.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Err(Failure::new(
            Exit::Data,
            format!(
                "{shown}:{line}: `{text}`{others}: a merge tag that is no field; --allow-other-tags leaves it as it is"
            ),
        ))
    }

    /// Tokens that are in it already would be those of every recipient.
    fn check_untracked(&self, rewriter: &Rewriter, bad: &dyn Fn(&str) -> Failure) -> Result<(), Failure> {
        let restored = match self.is_message {
            true => rewriter.restore_message(&self.source),
            false => rewriter.restore_html(&self.source),
        }?;
        match restored.links == 0 && restored.pixels == 0 {
            true => Ok(()),
            false => {
                Err(bad("it is trackable already, for one recipient: `openclick restore` takes that out"))
            }
        }
    }

    /// Renders it with values made up, to see whether anything in it is tracked.
    fn attempt(&mut self) {
        // A link may be nothing but a field, and an address too. Where neither value fits, those of the list may.
        for value in ["https://example.com/x", "x"] {
            let named =
                self.fields.keys().fold(Delivery::new("m1"), |delivery, name| delivery.field(name, value));
            let Ok(rendered) = self.template.render(&named.recipient("x@example.org")) else { continue };
            let report = rendered.report;
            let is_tracked =
                report.links_tracked > 0 || report.pixels.iter().any(|pixel| pixel.place.is_some());
            self.note = match report.status {
                Status::Charset => Some("nothing in it is tracked: its charset cannot be rewritten"),
                _ if is_tracked => None,
                _ => Some("nothing in it is tracked"),
            };
            break;
        }
    }
}

/// How merge tags are spelled.
fn syntaxes(settings: &Settings) -> Vec<MergeSyntax> {
    let Some(names) = settings.list(&s::MERGE_SYNTAX) else { return vec![MergeSyntax::Mustache] };
    let syntax = |name: &String| match name.as_str() {
        "mailchimp" => MergeSyntax::Mailchimp,
        "salesforce" => MergeSyntax::Salesforce,
        "mailgun" => MergeSyntax::Mailgun,
        _ => MergeSyntax::Mustache,
    };
    names.iter().map(syntax).collect()
}

/// A tag that nobody fills would stand in the header as it is.
fn check_header_tags(rewriter: &Rewriter, given: &[&String]) -> Result<(), Failure> {
    for field in given {
        let (name, value) = split(field)?;
        let line = format!("{name}: {value}\n\n");
        let template = rewriter.compile_message(line.clone())?;
        if let Some(tag) = template.other_tags().first() {
            let tag = line.get(tag.clone()).unwrap_or_default().trim();
            let why = "a merge tag that is no field; --allow-other-tags leaves it as it is";
            return Err(Failure::new(Exit::Data, format!("--header {name}: `{tag}`: {why}")));
        }
    }
    Ok(())
}

/// Name and value of a `--header`.
fn split(field: &str) -> Result<(&str, &str), Failure> {
    let refuse = |why: &str| Failure::usage(format!("--header: {why}"));
    let (name, value) =
        field.split_once(':').ok_or_else(|| refuse("expected a name, a colon and a value"))?;
    if name.is_empty() || name.len() > 76 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse("expected the name of a header field before the colon"));
    }
    if value.contains(|c: char| c.is_control() && c != '\t') {
        return Err(refuse("expected a value on one line"));
    }
    Ok((name, value.trim()))
}

/// The message with this field in place of those of its name.
fn with_field(message: &[u8], name: &str, value: &str) -> Vec<u8> {
    let parsed = Message::parse(message);
    let line_end = match memchr::memchr(b'\n', message) {
        Some(end) if end > 0 && message[end - 1] == b'\r' => "\r\n",
        _ => "\n",
    };
    let mut out = format!("{name}: {value}{line_end}").into_bytes();
    let mut done = 0;
    for field in parsed.fields().iter().filter(|field| field.is(name)) {
        out.extend_from_slice(&message[done..field.range.start]);
        done = field.range.end;
    }
    out.extend_from_slice(&message[done..]);
    out
}
