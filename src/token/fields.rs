//! The fields of a token as bytes, before they are sealed.
//!
//! ```text
//! flags      kind (2 bits) | message id's form (2) | target | recipient | link name | more flags follow
//! more       campaign | pool | subaccount | part | sealed at | expires | extensions | 0
//! varints    customer id, link index + 1 (0 = none)
//! bytes      message id where it is packed
//! varints    part, minutes, days; extensions as count, then id, length, bytes of each
//! bits       text message id, recipient, link name, campaign, pool, subaccount, target; padded with zeros
//! ```

use super::EventKind;
use super::codec::{BitReader, BitWriter, MAX_TEXT};
use super::context::TextClass;
use super::value::Token;
use crate::{Error, ErrorKind, Result};

/// What a tracking URL is to carry.
///
/// Texts are kept exactly, and each has at most 8,192 bytes; so have the extensions together.
///
/// ```
/// use openclick::{Decoder, EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
///
/// let keys = KeyRing::generate();
/// let domain = TrackingDomain::parse("track.example.com")?;
/// let writer = UrlWriter::new(domain.clone(), UrlFormat::sealed(), keys.clone())?;
///
/// let mut fields = TokenFields::new(EventKind::Click, "0000e4a8b462f1c3d9a7");
/// fields.customer_id = 42;
/// fields.recipient = Some("jane@example.org");
/// fields.target = Some("https://www.example.org/sale?utm_source=newsletter");
/// let url = writer.url(&fields, None)?;
///
/// let token = Decoder::new(keys).tracking_domain(domain).decode(&url)?;
/// assert_eq!(token.recipient(), Some("jane@example.org"));
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenFields<'a> {
    /// What a request for the URL means.
    pub kind: EventKind,
    /// The sender's customer.
    pub customer_id: u64,
    /// The link's place among the links of the mail, from 0.
    pub link_index: Option<u32>,
    /// The message. UUIDs, 16 bytes in hexadecimal and SparkPost's ids (20 hexadecimal digits), in lower case, are
    /// packed; other texts cost 5 to 8 bits a character.
    pub message_id: &'a str,
    /// The campaign.
    pub campaign: Option<&'a str>,
    /// The pool of sending addresses.
    pub pool: Option<&'a str>,
    /// The customer's own customer.
    pub subaccount: Option<&'a str>,
    /// The link's name.
    pub link_name: Option<&'a str>,
    /// The recipient's address.
    pub recipient: Option<&'a str>,
    /// The number of the part, where a message went out in several.
    pub part: Option<u32>,
    /// When it was sealed, in minutes since 1970-01-01T00:00Z.
    pub sealed_at: Option<u64>,
    /// The last day on which an event counts, in days since 1970-01-01, UTC. The destination works after it too.
    pub expires: Option<u32>,
    /// The destination; none for pixels.
    pub target: Option<&'a str>,
    /// Further data by number. Readers skip numbers that they do not know.
    pub extensions: &'a [(u64, &'a [u8])],
}

const TARGET: u8 = 1 << 3;
const RECIPIENT: u8 = 1 << 2;
const LINK_NAME: u8 = 1 << 1;
const MORE: u8 = 1;

const CAMPAIGN: u8 = 1 << 7;
const POOL: u8 = 1 << 6;
const SUBACCOUNT: u8 = 1 << 5;
const PART: u8 = 1 << 4;
const SEALED_AT: u8 = 1 << 3;
const EXPIRES: u8 = 1 << 2;
const EXTENSIONS: u8 = 1 << 1;
const RESERVED: u8 = 1;

impl<'a> TokenFields<'a> {
    /// Fields with a kind and a message id, and nothing else.
    ///
    /// ```
    /// use openclick::{EventKind, TokenFields};
    ///
    /// let fields = TokenFields::new(EventKind::Open, "0000e4a8b462f1c3d9a7");
    /// assert_eq!(fields.target, None);
    /// ```
    #[must_use]
    pub fn new(kind: EventKind, message_id: &'a str) -> TokenFields<'a> {
        TokenFields { kind, message_id, ..TokenFields::default() }
    }

    /// Appends the fields. On an error nothing has been appended.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        self.check()?;
        let (form, packed_id) = MessageIdForm::pack(self.message_id);
        let parts = HeadParts::of(self, form);
        parts.flags(self.kind, self.link_name.is_some(), self.target.is_some(), out);
        varint(out, self.customer_id);
        varint(out, self.link_index.map_or(0, |index| u64::from(index) + 1));
        out.extend_from_slice(&packed_id[..form.packed_bytes()]);
        self.numbers(out);
        let mut bits = BitWriter::new(out);
        let id = (form == MessageIdForm::Text).then_some(self.message_id);
        let names = [id, self.recipient, self.link_name, self.campaign, self.pool, self.subaccount];
        let names = names.into_iter().flatten().map(|name| (TextClass::Name, name.as_bytes()));
        let texts = names.chain(self.target.map(|target| (TextClass::Target, target.as_bytes())));
        texts.for_each(|(class, text)| bits.text(class, text));
        bits.finish();
        Ok(())
    }

    /// What stands between the message id and the texts.
    fn numbers(&self, out: &mut Vec<u8>) {
        if let Some(part) = self.part {
            varint(out, u64::from(part));
        }
        if let Some(minutes) = self.sealed_at {
            varint(out, minutes);
        }
        if let Some(days) = self.expires {
            varint(out, u64::from(days));
        }
        if !self.extensions.is_empty() {
            varint(out, self.extensions.len() as u64);
            for (id, bytes) in self.extensions {
                varint(out, *id);
                varint(out, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let texts = [
            ("message id", Some(self.message_id)),
            ("campaign", self.campaign),
            ("pool", self.pool),
            ("subaccount", self.subaccount),
            ("link name", self.link_name),
            ("recipient", self.recipient),
            ("destination", self.target),
        ];
        let extensions: usize = self.extensions.iter().map(|(_, bytes)| bytes.len() + 4).sum();
        let lengths = texts.iter().map(|(name, text)| (*name, text.map_or(0, str::len)));
        // As good as always; this is done for every URL.
        if lengths.clone().map(|(_, length)| length).sum::<usize>() + extensions <= MAX_TEXT {
            return Ok(());
        }
        for (name, length) in lengths.chain([("token extensions", extensions)]) {
            if length > MAX_TEXT {
                return Err(Error::new(
                    ErrorKind::Delivery,
                    format!("{name} of {length} bytes: a tracking URL carries at most {MAX_TEXT}"),
                ));
            }
        }
        Ok(())
    }
}

/// The flags that a delivery decides.
#[derive(Debug, Clone, Copy, Default)]
struct HeadParts {
    flags: u8,
    more: u8,
}

impl HeadParts {
    fn of(fields: &TokenFields<'_>, form: MessageIdForm) -> HeadParts {
        let more = flag(CAMPAIGN, fields.campaign.is_some())
            | flag(POOL, fields.pool.is_some())
            | flag(SUBACCOUNT, fields.subaccount.is_some())
            | flag(PART, fields.part.is_some())
            | flag(SEALED_AT, fields.sealed_at.is_some())
            | flag(EXPIRES, fields.expires.is_some())
            | flag(EXTENSIONS, !fields.extensions.is_empty());
        let flags = (form as u8) << 4 | flag(RECIPIENT, fields.recipient.is_some()) | flag(MORE, more != 0);
        HeadParts { flags, more }
    }

    fn flags(self, kind: EventKind, has_name: bool, has_target: bool, out: &mut Vec<u8>) {
        out.push((kind as u8) << 6 | self.flags | flag(TARGET, has_target) | flag(LINK_NAME, has_name));
        if self.more != 0 {
            out.push(self.more);
        }
    }
}

/// What stands in front of the texts, as far as a delivery decides it.
#[derive(Debug, Default)]
pub(super) struct Head {
    parts: HeadParts,
    has_text_id: bool,
    customer_id: u64,
    /// From the message id on.
    rest: Vec<u8>,
}

impl Head {
    pub(super) fn set(&mut self, fields: &TokenFields<'_>) {
        let (form, packed_id) = MessageIdForm::pack(fields.message_id);
        self.parts = HeadParts::of(fields, form);
        self.has_text_id = form == MessageIdForm::Text;
        self.customer_id = fields.customer_id;
        self.rest.clear();
        self.rest.extend_from_slice(&packed_id[..form.packed_bytes()]);
        fields.numbers(&mut self.rest);
    }

    pub(super) fn has_text_id(&self) -> bool {
        self.has_text_id
    }

    pub(super) fn write(
        &self,
        kind: EventKind,
        link_index: Option<u32>,
        has_name: bool,
        has_target: bool,
        out: &mut Vec<u8>,
    ) {
        self.parts.flags(kind, has_name, has_target, out);
        varint(out, self.customer_id);
        varint(out, link_index.map_or(0, |index| u64::from(index) + 1));
        out.extend_from_slice(&self.rest);
    }
}

fn flag(bit: u8, is_set: bool) -> u8 {
    if is_set { bit } else { 0 }
}

/// Reads what [`TokenFields::write`] wrote; `None` where the bytes do not mean anything.
pub(crate) fn read(bytes: &[u8], slot: u8) -> Option<Token> {
    let mut reader = Reader { bytes };
    let flags = reader.byte()?;
    let more = if flags & MORE != 0 { reader.byte()? } else { 0 };
    if more & RESERVED != 0 {
        return None;
    }
    let kind = [EventKind::Click, EventKind::LinkUnsubscribe, EventKind::Open, EventKind::InitialOpen]
        [(flags >> 6) as usize];
    let customer_id = reader.varint()?;
    let link_index = match reader.varint()? {
        0 => None,
        index => Some(u32::try_from(index - 1).ok()?),
    };
    let form = MessageIdForm::ALL[(flags >> 4 & 3) as usize];
    let packed_id = form.unpack(reader.take(form.packed_bytes())?);
    let part = if more & PART != 0 { Some(u32::try_from(reader.varint()?).ok()?) } else { None };
    let sealed_at = if more & SEALED_AT != 0 { Some(reader.varint()?) } else { None };
    if sealed_at > Some(u64::MAX / 60) {
        return None; // it is no time in seconds
    }
    let expires = if more & EXPIRES != 0 { Some(u32::try_from(reader.varint()?).ok()?) } else { None };
    let mut extensions = Vec::new();
    if more & EXTENSIONS != 0 {
        for _ in 0..reader.varint()? {
            let id = reader.varint()?;
            let length = usize::try_from(reader.varint()?).ok()?;
            extensions.push((id, reader.take(length)?.to_vec()));
        }
    }

    let mut bits = BitReader::new(reader.bytes);
    let mut text = |class, present: bool| -> Option<Option<String>> {
        if present { Some(Some(String::from_utf8(bits.text(class)?).ok()?)) } else { Some(None) }
    };
    let message_id = match packed_id {
        Some(id) => id,
        None => text(TextClass::Name, true)??,
    };
    let recipient = text(TextClass::Name, flags & RECIPIENT != 0)?;
    let link_name = text(TextClass::Name, flags & LINK_NAME != 0)?;
    let campaign = text(TextClass::Name, more & CAMPAIGN != 0)?;
    let pool = text(TextClass::Name, more & POOL != 0)?;
    let subaccount = text(TextClass::Name, more & SUBACCOUNT != 0)?;
    let target = text(TextClass::Target, flags & TARGET != 0)?;
    bits.is_finished().then_some(Token {
        kind,
        slot,
        customer_id,
        link_index,
        message_id,
        campaign,
        pool,
        subaccount,
        link_name,
        recipient,
        part,
        sealed_at,
        expires,
        target,
        extensions,
        appended: String::new(),
    })
}

/// How a message id is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MessageIdForm {
    Text,
    /// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`
    Uuid,
    /// 32 digits
    Hex16,
    /// 20 digits, as SparkPost makes them
    Hex10,
}

/// Where a UUID has its hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// All bits set, which no digit and no number of digits is.
const NO_DIGIT: u8 = 0xff;

/// The values of hexadecimal digits in lower case.
static DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

impl MessageIdForm {
    const ALL: [MessageIdForm; 4] =
        [MessageIdForm::Text, MessageIdForm::Uuid, MessageIdForm::Hex16, MessageIdForm::Hex10];

    /// The form and the bytes. Packed only where unpacking gives the text exactly: digits in lower case.
    fn pack(id: &str) -> (MessageIdForm, [u8; 16]) {
        let id = id.as_bytes();
        let mut digits = [b'0'; 32];
        let form = match id.len() {
            20 => {
                digits[..20].copy_from_slice(id);
                MessageIdForm::Hex10
            }
            32 => {
                digits.copy_from_slice(id);
                MessageIdForm::Hex16
            }
            36 if HYPHENS.iter().all(|at| id[*at] == b'-') => {
                digits[..8].copy_from_slice(&id[..8]);
                digits[8..12].copy_from_slice(&id[9..13]);
                digits[12..16].copy_from_slice(&id[14..18]);
                digits[16..20].copy_from_slice(&id[19..23]);
                digits[20..].copy_from_slice(&id[24..]);
                MessageIdForm::Uuid
            }
            _ => return (MessageIdForm::Text, [0; 16]),
        };
        let mut packed = [0; 16];
        // One look at the end finds what is no digit; this is done for every URL.
        let mut seen = 0;
        for (byte, [high, low]) in packed.iter_mut().zip(digits.as_chunks::<2>().0) {
            let (high, low) = (DIGITS[*high as usize], DIGITS[*low as usize]);
            seen |= high | low;
            *byte = high << 4 | low & 0xf;
        }
        if seen == NO_DIGIT { (MessageIdForm::Text, [0; 16]) } else { (form, packed) }
    }

    fn packed_bytes(self) -> usize {
        match self {
            MessageIdForm::Text => 0,
            MessageIdForm::Uuid | MessageIdForm::Hex16 => 16,
            MessageIdForm::Hex10 => 10,
        }
    }

    fn unpack(self, bytes: &[u8]) -> Option<String> {
        if self == MessageIdForm::Text {
            return None;
        }
        let digit = |value: u8| b"0123456789abcdef"[value as usize];
        let mut digits = [0; 32];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        let digits = std::str::from_utf8(&digits[..bytes.len() * 2]).ok()?;
        if self != MessageIdForm::Uuid {
            return Some(digits.to_owned());
        }
        let mut id = String::with_capacity(digits.len() + HYPHENS.len());
        let mut from = 0;
        for (before, hyphen) in HYPHENS.into_iter().enumerate() {
            let to = hyphen - before;
            id.push_str(&digits[from..to]);
            id.push('-');
            from = to;
        }
        id.push_str(&digits[from..]);
        Some(id)
    }
}

/// LEB128: seven bits a byte, the low ones first.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(byte)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(fields: &TokenFields<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        fields.write(&mut out).unwrap();
        out
    }

    #[test]
    fn message_ids_are_packed_only_where_they_come_back_exactly() {
        for (id, length) in [
            ("0000e4a8b462f1c3d9a7", 3 + 10),
            ("0123456789abcdef0123456789abcdef", 3 + 16),
            ("01234567-89ab-cdef-0123-456789abcdef", 3 + 16),
        ] {
            let bytes = bytes(&TokenFields::new(EventKind::Open, id));
            assert_eq!(bytes.len(), length, "{id}");
            assert_eq!(read(&bytes, 0).unwrap().message_id, id);
        }
        for id in [
            "",
            "0000E4a8b462f1c3d9a7",
            "0123456789ABCDEF0123456789abcdef",
            "01234567-89AB-cdef-0123-456789abcdef",
            "0123456789abcdef0123456789abcdeg",
            "012345678-9ab-cdef-0123-456789abcdef",
            "-123456789abcdef012-",
            "{01234567-89ab-cdef-0123-456789abcdef}",
            "Grüße\0\u{10ffff}@example.com",
        ] {
            let bytes = bytes(&TokenFields::new(EventKind::Open, id));
            assert_eq!(read(&bytes, 0).unwrap().message_id, id);
        }
    }

    #[test]
    fn every_field_comes_back() {
        let fields = TokenFields {
            kind: EventKind::LinkUnsubscribe,
            customer_id: u64::MAX,
            link_index: Some(u32::MAX),
            message_id: "m",
            campaign: Some(""),
            pool: Some("pool"),
            subaccount: Some("sub"),
            link_name: Some("näme"),
            recipient: Some("a@b.example"),
            part: Some(u32::MAX),
            sealed_at: Some(u64::MAX / 60),
            expires: Some(u32::MAX),
            target: Some("https://example.com/"),
            extensions: &[(0, b""), (u64::MAX, b"bytes")],
        };
        let token = read(&bytes(&fields), 31).unwrap();
        assert_eq!(token.fields_with(&[(0, b""), (u64::MAX, b"bytes")]), fields);
        assert_eq!(token.slot, 31);
    }

    #[test]
    fn bytes_of_no_meaning_are_refused() {
        let whole = bytes(&TokenFields { target: Some("https://example.com/"), ..TokenFields::default() });
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end], 0), None, "cut at {end}");
        }
        assert_eq!(read(&[&whole[..], &[0]].concat(), 0), None, "a byte too many");
        // More flags than exist; a varint beyond 64 bits; a link index beyond 32 bits.
        assert_eq!(read(&[MORE, RESERVED, 0, 0, 0], 0), None);
        assert_eq!(read(&[&[0][..], &[0xff; 9], &[2, 0, 0]].concat(), 0), None);
        assert_eq!(read(&[&[0][..], &[0xff; 10], &[0, 0]].concat(), 0), None);
        assert_eq!(read(&[0, 0, 0x81, 0x80, 0x80, 0x80, 0x10, 0], 0), None);
        assert!(read(&[0, 0, 0x80, 0x80, 0x80, 0x80, 0x10, 0], 0).is_some());
    }

    #[test]
    fn what_is_too_long_is_refused_and_nothing_is_written() {
        let long = "x".repeat(MAX_TEXT + 1);
        let mut out = Vec::new();
        for fields in [
            TokenFields { target: Some(&long), ..TokenFields::default() },
            TokenFields { message_id: &long, ..TokenFields::default() },
            TokenFields { extensions: &[(1, long.as_bytes())], ..TokenFields::default() },
        ] {
            let error = fields.write(&mut out).unwrap_err();
            assert!(error.to_string().contains("at most 8192"), "{error}");
            assert!(out.is_empty());
        }
    }
}
