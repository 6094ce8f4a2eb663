//! Messages as templates.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Result;
use crate::merge::Field;
use crate::message::MessageFields;
use crate::mime::{self, Structure};
use crate::options::Delivery;
use crate::rewriter::{Rewriter, Rewritten, check_headers};

pub(super) struct MessageTemplate {
    rewriter: Rewriter,
    message: Vec<u8>,
    structure: Structure,
    fields: MessageFields,
}

impl MessageTemplate {
    pub(super) fn new(rewriter: Rewriter, message: Vec<u8>) -> MessageTemplate {
        let structure = mime::scan(&message);
        let fields = MessageFields::find(&rewriter.shared().settings, &message, &structure);
        MessageTemplate { rewriter, message, structure, fields }
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
        out.extend_from_slice(&self.render(delivery)?.bytes);
        Ok(())
    }

    pub(super) fn substitute(&self, delivery: &Delivery) -> Result<Cow<'_, [u8]>> {
        check_headers(delivery)?;
        let placeholder = &self.rewriter.shared().settings.placeholder;
        self.fields.fill(&self.message, &self.structure, placeholder, delivery)
    }
}
