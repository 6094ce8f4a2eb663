//! Messages as templates: the header of each recipient, and the parts with their edits made in the encoded text.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use super::compile::{UrlSlot, literal_slots};
use super::slot::{NotThisWay, UrlTexts, Written, write_url};
use crate::charset::Charset;
use crate::edit::Edit;
use crate::error::Result;
use crate::merge::Field;
use crate::message::{self, MessageFields, around, header_fields, is_signed, settle};
use crate::mime::transfer::{self, Breaks, Kept, attribute_breaks};
use crate::mime::{self, Structure, Untouched};
use crate::options::{Consent, Delivery, OnSigned};
use crate::plan::{Planner, RecordedLink};
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
    parts: Vec<CompiledPart>,
    is_plain: bool,
}

struct CompiledPart {
    part: usize,
    charset: Charset,
    decoded: Kept,
    edits: Vec<SlotEdit>,
    breaks: Vec<usize>,
}

/// An edit whose replacement has a URL in it.
struct SlotEdit {
    /// As [`Decoded::keep`](transfer::Decoded::keep) made it.
    range: Range<usize>,
    before: Vec<u8>,
    slot: Option<UrlSlot>,
    after: Vec<u8>,
}

thread_local! {
    static EDITS: RefCell<Vec<Edit>> = const { RefCell::new(Vec::new()) };
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
            || !fields.may_be_fast()
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
        let placeholder = &self.rewriter.shared().settings.placeholder;
        self.fields.fill(&self.message, &self.structure, placeholder, delivery)
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
        let (shared, delivery, said) = settle(self.rewriter.shared_arc(), &fields, delivery)?;
        check(&delivery)?;
        if said.made_id.is_some() || shared.settings.text_links {
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
        planner.record();
        let planned = message::plan(&shared, &self.message, &self.structure, &mut planner)?;
        let links = planner.take_record().links;
        // Own URLs of another spelling.
        if links.iter().any(|link| shared.urls.is_own(&link.target)) {
            return None;
        }
        let mut tracked = links.into_iter().filter(|link| link.left.is_none()).peekable();
        let mut parts = Vec::with_capacity(planned.len());
        for part in planned {
            let number = u32::try_from(part.part).ok();
            let mut edits = Vec::with_capacity(part.edits.len());
            for Edit { range, replacement } in part.edits {
                let is_its = |link: &RecordedLink| link.part == number && link.range == range;
                edits.push(match tracked.next_if(is_its) {
                    Some(link) => {
                        SlotEdit { range, before: vec![], slot: Some(UrlSlot::of(link)), after: vec![] }
                    }
                    None => {
                        let (before, slot, after) = literal_slots(replacement, &pixels);
                        SlotEdit { range, before, slot, after }
                    }
                });
            }
            let body = &self.message[self.structure.parts[part.part].body.clone()];
            parts.push(CompiledPart {
                part: part.part,
                charset: part.charset,
                decoded: part.decoded.keep(body, edits.iter_mut().map(|edit| &mut edit.range)),
                edits,
                breaks: part.breaks,
            });
        }
        tracked.next().is_none().then(|| Compiled { parts, is_plain: shared.urls.domain().is_plain() })
    }

    /// Appends all behind the header.
    fn write(&self, compiled: &Compiled, shared: &Shared, delivery: &Delivery, out: &mut Vec<u8>) -> Written {
        let extensions = delivery.token_extensions();
        let fields = delivery.token_fields(shared.settings.customer_id, &extensions);
        let mut done = self.structure.parts[0].body.start;
        EDITS.with_borrow_mut(|edits| {
            UrlTexts::with(shared, delivery, fields, compiled.is_plain, |texts| {
                for compiled in &compiled.parts {
                    let part = &self.structure.parts[compiled.part];
                    out.extend_from_slice(&self.message[done..part.body.start]);
                    done = part.body.end;
                    let count = compiled.fill(texts, edits)?;
                    if count == 0 {
                        out.extend_from_slice(&self.message[part.body.clone()]);
                        continue;
                    }
                    let places: Vec<Vec<usize>> = match compiled.breaks.is_empty() {
                        true => Vec::new(),
                        false => edits[..count].iter().map(own_breaks).collect(),
                    };
                    let places: Vec<&[usize]> = places.iter().map(Vec::as_slice).collect();
                    let is_delimiter = |line: &[u8]| self.structure.is_delimiter(compiled.part, line);
                    let mut around = around(&self.message, part, &is_delimiter);
                    around.breaks = Breaks { body: &compiled.breaks, replacements: &places };
                    let body = &self.message[part.body.clone()];
                    transfer::apply(body, &compiled.decoded.decoded(), &edits[..count], &around, out)
                        .map_err(|_| NotThisWay)?;
                }
                Ok(())
            })
        })?;
        out.extend_from_slice(&self.message[done..]);
        Ok(())
    }
}

/// The places where our own markup may be broken.
fn own_breaks(edit: &Edit) -> Vec<usize> {
    if edit.range.is_empty() { attribute_breaks(&edit.replacement) } else { Vec::new() }
}

impl CompiledPart {
    /// Makes the edits of one delivery in a list that is kept. How many.
    fn fill(
        &self,
        texts: &mut UrlTexts<'_>,
        edits: &mut Vec<Edit>,
    ) -> std::result::Result<usize, NotThisWay> {
        let mut count = 0;
        for slot_edit in &self.edits {
            if edits.len() == count {
                edits.push(Edit { range: 0..0, replacement: Vec::new() });
            }
            let edit = &mut edits[count];
            edit.range = slot_edit.range.clone();
            edit.replacement.clear();
            edit.replacement.extend_from_slice(&slot_edit.before);
            if let Some(slot) = &slot_edit.slot
                && !write_url(texts, slot, self.charset, &mut edit.replacement, |_| {})?
            {
                continue; // the delivery names its destination: it stays
            }
            edit.replacement.extend_from_slice(&slot_edit.after);
            count += 1;
        }
        Ok(count)
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
        assert!(!is_fast(&message("").replace("shop.example", "t.example.com"), plain.clone()));
        assert!(!is_fast(&message(""), plain.header("Content-Type", "text/plain")));
    }
}
