//! Messages as templates: the header of each recipient, and the parts with their edits made in the encoded text.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use super::filled::{self, FilledPart};
use super::part::{PartPlace, ReadPart};
use super::slot::{NotThisWay, UrlTexts, Written};
use crate::charset::Charset;
use crate::error::Result;
use crate::merge::Field;
use crate::message::{self, MessageFields, header_fields, is_signed, settle};
use crate::mime::{self, Structure, Untouched};
use crate::options::{Consent, Delivery, OnSigned};
use crate::plan::Planner;
use crate::rewriter::{Rewriter, Rewritten, Shared, check, check_headers};
use crate::token::UrlWriter;

/// More ways to track one message (streams that its header leads to, consents) are not kept.
const MOST_WAYS: usize = 32;

pub(super) struct MessageTemplate {
    rewriter: Rewriter,
    message: Vec<u8>,
    structure: Structure,
    fields: MessageFields,
    /// Something keeps every render from the fast way.
    is_slow: bool,
    /// The ways that were wanted so far.
    compiled: RwLock<Vec<(Way, Arc<Option<Compiled>>)>>,
}

/// What decides which edits are made.
#[derive(Clone)]
struct Way {
    urls: Arc<UrlWriter>,
    consent: Consent,
    switches: [bool; 3],
}

/// A message for one way of tracking it.
struct Compiled {
    /// In the order of the parts.
    parts: Vec<CompiledPart>,
    is_plain: bool,
}

enum CompiledPart {
    /// Read, and without fields.
    Read(ReadPart),
    /// With fields: which of the message's list.
    Filled(usize, Option<FilledPart>),
}

impl Way {
    fn of(shared: &Shared, consent: Consent) -> Way {
        let settings = &shared.settings;
        let switches = [settings.click_tracking, settings.open_tracking, settings.initial_open];
        Way { urls: shared.urls.clone(), consent, switches }
    }

    fn is(&self, other: &Way) -> bool {
        Arc::ptr_eq(&self.urls, &other.urls)
            && self.consent == other.consent
            && self.switches == other.switches
    }
}

impl MessageTemplate {
    pub(super) fn new(rewriter: Rewriter, message: Vec<u8>) -> MessageTemplate {
        let structure = mime::scan(&message);
        let shared = rewriter.shared();
        let fields = MessageFields::find(&shared.settings, &message, &structure);
        let root = &structure.parts[0];
        let is_slow = matches!(root.verdict, Err(Untouched::HeaderTooLong))
            || fields.change_structure()
            || fields.parts.iter().any(|part| part.transfer().is_none())
            || shared.settings.on_link.is_some()
            || shared.settings.on_signed == OnSigned::Strip
            || !shared.traffic.strip_api_headers.is_empty()
            // They count what the recipient's URLs make longer.
            || mime::fields(&message, root.header.clone())
                .any(|field| field.is(&message, "Content-Length") || field.is(&message, "Lines"));
        MessageTemplate { rewriter, message, structure, fields, is_slow, compiled: RwLock::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.message.len()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.all()
    }

    pub(super) fn others(&self) -> &[Range<usize>] {
        &self.fields.others
    }

    pub(super) fn render(&self, delivery: &Delivery) -> Result<Rewritten> {
        self.rewriter.rewrite_message(&self.substitute(delivery)?, delivery)
    }

    pub(super) fn render_to(&self, delivery: &Delivery, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        match self.render_fast(delivery, out)? {
            Ok(()) => {}
            Err(NotThisWay) => {
                out.truncate(start);
                out.extend_from_slice(&self.render(delivery)?.bytes);
            }
        }
        Ok(())
    }

    pub(super) fn substitute(&self, delivery: &Delivery) -> Result<Cow<'_, [u8]>> {
        check_headers(delivery)?;
        self.fields.fill(&self.message, &self.structure, delivery)
    }

    fn render_fast(&self, delivery: &Delivery, out: &mut Vec<u8>) -> Result<Written> {
        check_headers(delivery)?;
        // Such a field says how the rest is read.
        let changes_structure = |name: &str| {
            name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("content-"))
                || name.eq_ignore_ascii_case("MIME-Version")
                || name.eq_ignore_ascii_case("Lines")
        };
        if self.is_slow || delivery.headers.iter().any(|(name, _)| changes_structure(name)) {
            return Ok(Err(NotThisWay));
        }
        let root = &self.structure.parts[0];
        let header = self.fields.header(&self.message, &self.structure, delivery)?;
        let blank = root.body.start - root.header.end;
        if header.len() - blank > mime::MAX_HEADER {
            return Ok(Err(NotThisWay));
        }
        let fields = header_fields(&header, root.header.start..header.len() - blank);
        if is_signed(&fields) {
            return Ok(Err(NotThisWay));
        }
        // Errors are told the slow way, behind those of missing values.
        let Ok((shared, delivery, said)) = settle(self.rewriter.shared_arc(), &fields, delivery) else {
            return Ok(Err(NotThisWay));
        };
        if check(&delivery).is_err() || said.made_id.is_some() || shared.settings.text_links {
            return Ok(Err(NotThisWay));
        }
        let compiled = self.compiled(&shared, delivery.consent);
        Ok(match &*compiled {
            Some(compiled) => {
                out.extend_from_slice(&header);
                self.write(compiled, &shared, &delivery, out)
            }
            None => Err(NotThisWay),
        })
    }

    fn compiled(&self, shared: &Arc<Shared>, consent: Consent) -> Arc<Option<Compiled>> {
        let way = Way::of(shared, consent);
        let known = |ways: &[(Way, Arc<Option<Compiled>>)]| {
            ways.iter().find(|(other, _)| other.is(&way)).map(|(_, compiled)| compiled.clone())
        };
        let read = self.compiled.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(compiled) = known(&read) {
            return compiled;
        }
        let is_full = read.len() >= MOST_WAYS;
        drop(read);
        let compiled = Arc::new(if is_full { None } else { self.compile(shared, consent) });
        if !is_full {
            let mut ways = self.compiled.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            if known(&ways).is_none() {
                ways.push((way, compiled.clone()));
            }
        }
        compiled
    }

    fn compile(&self, shared: &Arc<Shared>, consent: Consent) -> Option<Compiled> {
        // How long URLs are is known once they are made, and all links are wanted.
        let mut settings = shared.settings.clone();
        settings.max_url_length = usize::MAX;
        settings.report_links = 0;
        let shared = Arc::new(Shared { settings, ..Shared::clone(shared) });
        let delivery = Delivery::new("template").tracking(consent);
        let mut planner = Planner::new(shared.clone(), delivery, Charset::Unknown, false).ok()?;
        let pixels = planner.pixels_markup();
        let filled = &self.fields.parts;
        let sample = self.fields.with_letters(&self.message, &self.structure)?;
        let structure = match &sample {
            Cow::Borrowed(_) => None,
            Cow::Owned(sample) => Some(mime::scan(sample)),
        };
        let structure = structure.as_ref().unwrap_or(&self.structure);
        if !structure.is_like(&self.structure) {
            return None;
        }
        let planned = message::plan(&shared, &sample, structure, &mut planner)?;
        let mut parts = Vec::with_capacity(planned.len() + filled.len());
        let mut unread = filled.iter().enumerate().peekable();
        for planned in planned {
            while let Some((index, _)) = unread.next_if(|(_, fields)| fields.part < planned.part) {
                parts.push(CompiledPart::Filled(index, None));
            }
            let body = &self.message[self.structure.parts[planned.part].body.clone()];
            parts.push(match unread.next_if(|(_, fields)| fields.part == planned.part) {
                Some((index, fields)) => {
                    let part = FilledPart::of(fields, &shared, body, planned, &pixels)?;
                    CompiledPart::Filled(index, Some(part))
                }
                None => CompiledPart::Read(ReadPart::of(body, planned, &pixels)?),
            });
        }
        parts.extend(unread.map(|(index, _)| CompiledPart::Filled(index, None)));
        Some(Compiled { parts, is_plain: shared.urls.domain().is_plain() })
    }

    /// Appends all behind the header.
    fn write(&self, compiled: &Compiled, shared: &Shared, delivery: &Delivery, out: &mut Vec<u8>) -> Written {
        let extensions = delivery.token_extensions();
        let fields = delivery.token_fields(shared.settings.customer_id, &extensions);
        let mut done = self.structure.parts[0].body.start;
        UrlTexts::with(shared, delivery, fields, compiled.is_plain, |texts| {
            for compiled in &compiled.parts {
                let index = match compiled {
                    CompiledPart::Read(read) => read.part,
                    CompiledPart::Filled(index, _) => self.fields.parts[*index].part,
                };
                let part = &self.structure.parts[index];
                out.extend_from_slice(&self.message[done..part.body.start]);
                done = part.body.end;
                let place = PartPlace { message: &self.message, structure: &self.structure, part: index };
                match compiled {
                    CompiledPart::Read(read) => read.write(&place, texts, out)?,
                    CompiledPart::Filled(index, filled) => {
                        filled::write(&self.fields.parts[*index], filled.as_ref(), &place, texts, out)?;
                    }
                }
            }
            Ok(())
        })?;
        out.extend_from_slice(&self.message[done..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::token::KeyRing;

    /// Usual messages go the fast way, whatever their encoding and their recipients; others do not.
    #[test]
    fn messages_that_are_made_ready() {
        let is_fast = |message: &str, delivery: Delivery| {
            let options =
                Options::new("https://t.example.com", KeyRing::from_bytes([7; 32])).expect("a domain");
            let options = options.merge_fields([crate::merge::MergeSyntax::Mustache]);
            let rewriter = options.build().expect("options");
            let template = MessageTemplate::new(rewriter.clone(), message.as_bytes().to_vec());
            let mut out = Vec::new();
            let is_fast = template.render_fast(&delivery, &mut out).expect("a delivery").is_ok();
            let filled = template.substitute(&delivery).expect("no fields");
            assert!(
                !is_fast || out == rewriter.rewrite_message(&filled, &delivery).expect("a delivery").bytes
            );
            is_fast
        };
        let message = |header: &str| {
            format!(
                "Message-ID: <m1@x.example>\n{header}Content-Type: text/html\n\n<p>x</p><a href='https://shop.example/'>y</a>\n"
            )
        };
        let plain = Delivery::of_message();
        for header in [
            "",
            "Content-Transfer-Encoding: quoted-printable\n",
            "List-Unsubscribe: <https://shop.example/>\n",
        ] {
            assert!(is_fast(&message(header), plain.clone()), "{header}");
            let given = plain.clone().header("To", "ann@example.org").header("X-Job", "spring");
            assert!(is_fast(&message(header), given.tracking(Consent::CLICKS)), "{header}");
        }
        let base64 = "Message-ID: <m1@x.example>\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n\
            PGEgaHJlZj0iaHR0cHM6Ly9zaG9wLmV4YW1wbGUvIj54PC9hPg==\n";
        assert!(is_fast(base64, plain.clone()));
        for header in ["DKIM-Signature: x\n", "Content-Length: 60\n", "MIME-Version: 1.0\nLines: 1\n"] {
            assert!(!is_fast(&message(header), plain.clone()), "{header}");
        }
        for encoding in ["7bit", "quoted-printable", "base64"] {
            let part = "<p>{{name}}</p><a href=3D'https://shop.example/?n=3D{{name}}'>{{name}}</a><a href=3D'https://shop.example/'>y</a>\n";
            let part = match encoding {
                "7bit" => part.replace("=3D", "="),
                "base64" => {
                    use base64::engine::Engine as _;
                    base64::engine::general_purpose::STANDARD.encode(part.replace("=3D", "="))
                }
                _ => part.to_owned(),
            };
            let message = format!(
                "Message-ID: <m1@x.example>\nContent-Type: text/html\nContent-Transfer-Encoding: {encoding}\n\n{part}"
            );
            for value in ["", "Ann", &"long ".repeat(20)] {
                assert!(is_fast(&message, plain.clone().field("name", value)), "{encoding} {value}");
            }
            assert!(!is_fast(&message, plain.clone().field("name", "-----BEGIN PGP MESSAGE")), "{encoding}");
        }
        assert!(!is_fast(&message("").replace("shop.example", "t.example.com"), plain.clone()));
        assert!(!is_fast(&message(""), plain.header("Content-Type", "text/plain")));
    }
}
