//! Who a message is for, and which one it is: what its own headers say where the caller does not.
//!
//! ```
//! use openclick::{HeaderFields, addressee};
//!
//! let fields = HeaderFields::from_text([
//!     ("Message-ID", "<m1@example.com>"),
//!     ("To", "\"Reader, A\" <reader@example.org>"),
//!     ("List-Unsubscribe", "<mailto:u@example.com>, <https://example.com/u?id=7>"),
//! ]);
//! assert_eq!(addressee::recipient(&fields).as_deref(), Ok("reader@example.org"));
//! assert_eq!(addressee::message_id(&fields).unwrap().id, "m1@example.com");
//! assert_eq!(addressee::list_unsubscribe(&fields)[1], "https://example.com/u?id=7");
//! ```

use std::borrow::Cow;
use std::fmt;

use crate::address::{self, Address};
use crate::encoded_word;
use crate::fields::{self, HeaderFields};

/// Why the recipient is not known. A wrong name is worse than no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum RecipientUnknown {
    /// Somebody sent it on (`Resent-…`): its addresses are those of the first sending.
    Resent,
    /// It goes through a mailing list (`List-Id`): its address is the list's, or each member's in turn.
    MailingList,
    /// To, Cc and Bcc hold no address.
    NoAddress,
    /// They hold more than one.
    Several,
    /// One of them is not a list of addresses.
    Malformed,
}

impl RecipientUnknown {
    /// The word of the JSON report, such as `mailing-list`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RecipientUnknown::Resent => "resent",
            RecipientUnknown::MailingList => "mailing-list",
            RecipientUnknown::NoAddress => "no-address",
            RecipientUnknown::Several => "several",
            RecipientUnknown::Malformed => "malformed",
        }
    }
}

impl fmt::Display for RecipientUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The recipient: the one address that To, Cc and Bcc hold together, as it is spelled there. One that is named twice is one.
///
/// # Errors
/// Why there is none.
pub fn recipient(fields: &HeaderFields<'_>) -> Result<String, RecipientUnknown> {
    let begins = |with: &str, name: &[u8]| {
        name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    if fields.iter().any(|(name, _)| begins("Resent-", name)) {
        return Err(RecipientUnknown::Resent);
    }
    if fields.first("List-Id").is_some() {
        return Err(RecipientUnknown::MailingList);
    }
    let mut only: Option<Address> = None;
    let mut several = false;
    for value in ["To", "Cc", "Bcc"].into_iter().flat_map(|name| fields.all(name)) {
        let read = address::each(value, |address| match &only {
            None => only = Some(address),
            Some(other) => several |= !other.is_same(&address),
        });
        read.map_err(|_| RecipientUnknown::Malformed)?;
    }
    match only {
        _ if several => Err(RecipientUnknown::Several),
        Some(address) => Ok(address.to_string()),
        None => Err(RecipientUnknown::NoAddress),
    }
}

/// A message's id, and the header that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageId {
    /// The id, without brackets.
    pub id: String,
    /// `X-Sp-Message-Id` or `Message-ID`.
    pub header: &'static str,
}

/// The id of `X-Sp-Message-Id`, else of `Message-ID` without its brackets and what stands around them.
///
/// Of several fields the first that can be one counts: 1 to 998 bytes of UTF-8 without control characters. White space that
/// folding left inside `Message-ID`'s brackets goes.
#[must_use]
pub fn message_id(fields: &HeaderFields<'_>) -> Option<MessageId> {
    const OWN: &str = "X-Sp-Message-Id";
    const STANDARD: &str = "Message-ID";
    let own = fields.all(OWN).find_map(|value| fields::text(value).ok());
    let own = own.map(|id| MessageId { id: id.to_owned(), header: OWN });
    own.or_else(|| {
        let mut ids = fields.all(STANDARD).filter_map(|value| {
            let id = match enclosed(value) {
                Some(inside) => without_space(inside),
                // Without brackets it is one word, or nobody knows what it is.
                None if value.contains(&b'<') || value.iter().any(u8::is_ascii_whitespace) => return None,
                None => Cow::Borrowed(value),
            };
            fields::text(&id).ok().map(str::to_owned)
        });
        ids.next().map(|id| MessageId { id, header: STANDARD })
    })
}

/// The id of a whole message as [`message_id`] finds it, for logs.
#[must_use]
pub fn of_message(message: &[u8]) -> Option<String> {
    let structure = crate::mime::scan(message);
    let header =
        structure.parts.first().filter(|part| part.header.len() <= crate::mime::MAX_HEADER)?.header.clone();
    let fields = crate::mime::fields(message, header)
        .map(|field| (&message[field.name], crate::mime::unfold(&message[field.value])))
        .collect();
    message_id(&fields).map(|found| found.id)
}

/// What stands between the first `<` and the next `>`.
fn enclosed(value: &[u8]) -> Option<&[u8]> {
    let start = value.iter().position(|byte| *byte == b'<')? + 1;
    let length = value[start..].iter().position(|byte| *byte == b'>')?;
    Some(&value[start..start + length])
}

fn without_space(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes.iter().any(u8::is_ascii_whitespace) {
        false => Cow::Borrowed(bytes),
        true => Cow::Owned(bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()),
    }
}

/// The URLs of `List-Unsubscribe`, in order: those in angle brackets, white space inside them removed (RFC 2369 §2), comments
/// skipped. Senders forget the brackets, and libraries encode the value (RFC 2047): both are read too, since a tracked
/// unsubscribe link does more harm than one link left. At most 100, of at most 8,192 bytes.
#[must_use]
pub fn list_unsubscribe(fields: &HeaderFields<'_>) -> Vec<String> {
    /// More than any mail has; every link is compared with each.
    const MOST: usize = 100;
    /// What a token can hold.
    const LONGEST: usize = 8192;

    let mut urls: Vec<String> = Vec::new();
    let mut add = |url: &[u8]| {
        let url = without_space(url);
        if let Ok(url) = std::str::from_utf8(&url)
            && !url.is_empty()
            && url.len() <= LONGEST
            && urls.len() < MOST
            && !urls.iter().any(|other| other == url)
        {
            urls.push(url.to_owned());
        }
    };
    for value in fields.all("List-Unsubscribe") {
        let decoded = encoded_word::decode(value);
        urls_of(&decoded, &mut add);
        if let Cow::Owned(_) = decoded {
            // What looks like an encoded word may be a URL's own.
            urls_of(value, &mut add);
        }
    }
    urls
}

fn urls_of(value: &[u8], add: &mut impl FnMut(&[u8])) {
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        match byte {
            b'<' => match enclosed(&value[at..]) {
                Some(inside) => {
                    add(inside);
                    at += inside.len() + 2;
                }
                None => return,
            },
            b'(' => at = after_comment(value, at),
            byte if byte.is_ascii_whitespace() || matches!(byte, b',' | b'>' | b')') => at += 1,
            _ => {
                let rest = &value[at..];
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'<');
                let bare = &rest[..rest.iter().position(is_end).unwrap_or(rest.len())];
                if ["https:", "http:", "mailto:"].iter().any(|scheme| {
                    bare.get(..scheme.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
                }) {
                    add(bare);
                }
                at += bare.len();
            }
        }
    }
}

fn after_comment(value: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = value.get(at) {
        at += 1;
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\\' => at += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(fields: &[(&'a str, &'a str)]) -> HeaderFields<'a> {
        HeaderFields::from_text(fields.iter().copied())
    }

    #[test]
    fn one_recipient_or_none() {
        use RecipientUnknown as U;
        let of = |fields: &[(&'static str, &'static str)]| recipient(&with(fields));
        let to = ("To", "A <a@b.example>");
        assert_eq!(of(&[to]), Ok("a@b.example".to_owned()));
        assert_eq!(of(&[("bcc", "a@b.example")]), Ok("a@b.example".to_owned()));
        assert_eq!(of(&[to, ("Cc", ""), ("Bcc", "")]), Ok("a@b.example".to_owned()));
        assert_eq!(of(&[to, ("CC", "<a@B.EXAMPLE>")]), Ok("a@b.example".to_owned()));
        assert_eq!(of(&[("To", "team: a@b.example;")]), Ok("a@b.example".to_owned()));
        assert_eq!(of(&[to, ("Cc", "c@d.example")]), Err(U::Several));
        assert_eq!(of(&[to, ("To", "c@d.example")]), Err(U::Several));
        assert_eq!(of(&[]), Err(U::NoAddress));
        assert_eq!(of(&[("To", "undisclosed-recipients:;")]), Err(U::NoAddress));
        assert_eq!(of(&[to, ("Cc", "c d")]), Err(U::Malformed));
        assert_eq!(of(&[to, ("resent-date", "x")]), Err(U::Resent));
        assert_eq!(of(&[to, ("LIST-ID", "")]), Err(U::MailingList));
        assert_eq!(
            of(&[to, ("From", "c@d.example"), ("Reply-To", "e@f.example")]),
            Ok("a@b.example".to_owned())
        );
    }

    #[test]
    fn message_ids() {
        let of =
            |fields: &[(&'static str, &'static str)]| message_id(&with(fields)).map(|id| (id.id, id.header));
        let standard = |id: &str| Some((id.to_owned(), "Message-ID"));
        assert_eq!(of(&[("Message-Id", " <a@b> ")]), standard("a@b"));
        assert_eq!(of(&[("Message-ID", "\r\n <a\r\n @b>")]), standard("a@b"));
        assert_eq!(of(&[("Message-ID", "(c) <a@b> (d)")]), standard("a@b"));
        assert_eq!(of(&[("Message-ID", "a@b")]), standard("a@b"));
        for none in ["", "<>", "< >", "a b", "<a@b", "<a\u{1}b>", "<a\u{9b}b>"] {
            assert_eq!(of(&[("Message-ID", none)]), None, "{none}");
        }
        assert_eq!(of(&[("Message-ID", "<>"), ("Message-ID", "<a@b>")]), standard("a@b"));
        let own = Some(("0 1".to_owned(), "X-Sp-Message-Id"));
        assert_eq!(of(&[("Message-ID", "<a@b>"), ("x-sp-message-id", " 0 1 ")]), own);
        assert_eq!(of(&[("Message-ID", "<a@b>"), ("X-Sp-Message-Id", "")]), standard("a@b"));
        assert_eq!(of(&[]), None);
        let id = |length: usize| {
            let value = format!("<{}>", "a".repeat(length));
            message_id(&with(&[("Message-ID", &value)])).map(|id| id.id.len())
        };
        assert_eq!((id(998), id(999)), (Some(998), None));
        assert_eq!(
            message_id(&HeaderFields::from_iter([(b"Message-ID".as_slice(), b"<\xff>".as_slice())])),
            None
        );
    }

    #[test]
    fn unsubscribe_urls() {
        let of = |value: &'static str| list_unsubscribe(&with(&[("List-Unsubscribe", value)])).join(" | ");
        for (value, urls) in [
            (
                "<https://a.example/?x=1,2>, <mailto:u@a.example?subject=x>",
                "https://a.example/?x=1,2 | mailto:u@a.example?subject=x",
            ),
            // RFC 2369 §2, §3.2.
            ("<mailto:list@host.com?subject=help> (List Instructions)", "mailto:list@host.com?subject=help"),
            ("(Use this command (nested \\)) <x>) <https://a.example/>", "https://a.example/"),
            ("<https://a.example/\r\n  ?x=1\r\n\t&y=2>", "https://a.example/?x=1&y=2"),
            ("<>, <https://a.example/>,, <https://a.example/>", "https://a.example/"),
            ("https://a.example/, HTTP://b.example", "https://a.example/ | HTTP://b.example"),
            ("click here", ""),
            ("<https://a.example/", ""),
            ("(never closed <https://a.example/>", ""),
            ("=?utf-8?Q?=3Chttps=3A//a.example/=3Fx=3D1=3E?=", "https://a.example/?x=1"),
            (
                "<https://a.example/?q=?utf-8?q?x?=>",
                "https://a.example/?qx | https://a.example/?q=?utf-8?q?x?=",
            ),
            ("", ""),
        ] {
            assert_eq!(of(value), urls, "{value}");
        }
        let many: String = (0..200).map(|n| format!("<https://a.example/{n}>,")).collect();
        assert_eq!(list_unsubscribe(&with(&[("List-Unsubscribe", &many)])).len(), 100);
    }

    proptest::proptest! {
        #[test]
        fn never_a_panic(value: Vec<u8>) {
            let fields = ["To", "Message-ID", "List-Unsubscribe"].map(|name| (name.as_bytes(), value.as_slice()));
            let fields = HeaderFields::from_iter(fields);
            let _ = (recipient(&fields), message_id(&fields), list_unsubscribe(&fields));
        }

        #[test]
        fn nor_with_brackets(value in "[<>(),\\\\ha:\n ]{0,20}") {
            let _ = list_unsubscribe(&with(&[("List-Unsubscribe", &value)]));
        }
    }
}
