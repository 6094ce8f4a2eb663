//! Tokens of which most is known before: what a delivery's tokens share is coded once for all of them, and the texts of a
//! template's links once for all deliveries.

use super::EventKind;
use super::codec::BitWriter;
use super::context::TextClass;
use super::fields::{Head, TokenFields};
use super::memo::Memo;
use crate::Result;

/// A text as bits.
#[derive(Debug, Clone, Default)]
pub(crate) struct CodedText {
    bits: Vec<u8>,
    count: u32,
}

impl CodedText {
    /// A link's name.
    pub(crate) fn name(text: &str) -> CodedText {
        CodedText::of([(TextClass::Name, text)])
    }

    /// A destination.
    pub(crate) fn target(text: &str) -> CodedText {
        CodedText::of([(TextClass::Target, text)])
    }

    fn of<'a>(texts: impl IntoIterator<Item = (TextClass, &'a str)>) -> CodedText {
        let mut coded = CodedText::default();
        coded.set(texts);
        coded
    }

    fn set<'a>(&mut self, texts: impl IntoIterator<Item = (TextClass, &'a str)>) {
        self.bits.clear();
        let mut writer = BitWriter::new(&mut self.bits);
        for (class, text) in texts {
            writer.text(class, text.as_bytes());
        }
        self.count = writer.finish();
    }

    fn append_to(&self, writer: &mut BitWriter<'_>) {
        writer.append(&self.bits, self.count);
    }
}

/// What the tokens of one delivery share. It is made to be kept and set again, so that nothing is allocated.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    head: Head,
    /// The message id where it is text, and the recipient.
    before: CodedText,
    /// Campaign, pool, subaccount.
    between: CodedText,
}

/// What one token has beyond that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own<'a> {
    pub(crate) kind: EventKind,
    pub(crate) link_index: Option<u32>,
    pub(crate) link_name: Option<&'a CodedText>,
    pub(crate) target: Option<&'a CodedText>,
}

/// The same, with texts as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkTexts<'a> {
    pub(crate) kind: EventKind,
    pub(crate) index: Option<u32>,
    pub(crate) name: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
}

impl Prepared {
    /// Takes everything of these fields but kind, link index, link name and target.
    ///
    /// # Errors
    /// As [`UrlWriter::write_url`](super::UrlWriter::write_url).
    pub(crate) fn set(&mut self, fields: &TokenFields<'_>) -> Result<()> {
        fields.check()?;
        self.head.set(fields);
        let name = |text| (TextClass::Name, text);
        let id = self.head.has_text_id().then_some(fields.message_id);
        self.before.set([id, fields.recipient].into_iter().flatten().map(name));
        self.between.set([fields.campaign, fields.pool, fields.subaccount].into_iter().flatten().map(name));
        Ok(())
    }

    /// Appends a token's fields, byte for byte as [`TokenFields::write`] does.
    pub(super) fn write(&self, own: &Own<'_>, out: &mut Vec<u8>) {
        self.head.write(own.kind, own.link_index, own.link_name.is_some(), own.target.is_some(), out);
        let mut bits = BitWriter::new(out);
        let texts = [Some(&self.before), own.link_name, Some(&self.between), own.target];
        texts.into_iter().flatten().for_each(|text| text.append_to(&mut bits));
        bits.finish();
    }

    /// The same, of texts whose bits the memo may keep.
    ///
    /// # Errors
    /// As [`UrlWriter::write_url`](super::UrlWriter::write_url); nothing has been appended.
    pub(super) fn write_texts(&self, link: &LinkTexts<'_>, memo: &mut Memo, out: &mut Vec<u8>) -> Result<()> {
        // The others were checked when they were set.
        TokenFields { link_name: link.name, target: link.target, ..TokenFields::default() }.check()?;
        self.head.write(link.kind, link.index, link.name.is_some(), link.target.is_some(), out);
        let mut bits = BitWriter::new(out);
        self.before.append_to(&mut bits);
        if let Some(name) = link.name {
            memo.text(&mut bits, TextClass::Name, name.as_bytes());
        }
        self.between.append_to(&mut bits);
        if let Some(target) = link.target {
            memo.text(&mut bits, TextClass::Target, target.as_bytes());
        }
        bits.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_same_bytes_as_without(
            id in "[0-9a-f]{20}|[0-9a-f]{32}|[a-z0-9@.-]{1,40}",
            texts in prop::array::uniform5(prop::option::of("[a-zA-Z0-9@. -]{0,40}")),
            target in prop::option::of("https://[a-z.]{1,20}/[a-z0-9?&=/-]{0,90}"),
            numbers in (any::<u64>(), any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u64>>(), any::<Option<u32>>()),
            extension in prop::option::of((any::<u64>(), prop::collection::vec(any::<u8>(), 0..20))),
        ) {
            let [recipient, name, campaign, pool, subaccount] = texts;
            let extensions: Vec<(u64, &[u8])> = extension.iter().map(|(id, bytes)| (*id, bytes.as_slice())).collect();
            let fields = TokenFields {
                kind: EventKind::Click,
                customer_id: numbers.0,
                link_index: numbers.1,
                message_id: &id,
                campaign: campaign.as_deref(),
                pool: pool.as_deref(),
                subaccount: subaccount.as_deref(),
                link_name: name.as_deref(),
                recipient: recipient.as_deref(),
                part: numbers.2,
                sealed_at: numbers.3,
                expires: numbers.4,
                target: target.as_deref(),
                extensions: &extensions,
            };
            let mut plain = Vec::new();
            fields.write(&mut plain).unwrap();
            let texts = LinkTexts {
                kind: fields.kind,
                index: fields.link_index,
                name: fields.link_name,
                target: fields.target,
            };
            let (name, target) = (name.as_deref().map(CodedText::name), target.as_deref().map(CodedText::target));
            let own = Own {
                kind: fields.kind,
                link_index: fields.link_index,
                link_name: name.as_ref(),
                target: target.as_ref(),
            };
            let mut prepared = Prepared::default();
            // Whatever it held before is gone.
            prepared.set(&TokenFields { recipient: Some("x"), campaign: Some("y"), ..TokenFields::new(EventKind::Open, "z") }).unwrap();
            prepared.set(&fields).unwrap();
            let mut bytes = Vec::new();
            prepared.write(&own, &mut bytes);
            prop_assert_eq!(&bytes, &plain);
            let mut memo = Memo::default();
            // Coded, then remembered.
            for _ in 0..2 {
                bytes.clear();
                prepared.write_texts(&texts, &mut memo, &mut bytes).unwrap();
                prop_assert_eq!(&bytes, &plain);
            }
        }
    }
}
