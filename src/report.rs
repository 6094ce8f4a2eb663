//! What a rewrite did, and why: the record that the preview, the counters and the tests read.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::addressee::RecipientUnknown;
use crate::stream::Resolved;
use crate::token::EventKind;

/// What happened to a document as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Status {
    /// Something was changed.
    Rewritten,
    /// It was read, and there was nothing to change.
    #[default]
    Unchanged,
    /// A token with this message id authenticates in it: it came back as it was, whatever the delivery
    /// consents to.
    AlreadyRewritten,
    /// A message with a DKIM-Signature or ARC-Seal, which a rewrite would break: it came back as it was.
    Signed,
    /// Its charset cannot be scanned as bytes (UTF-16, ISO-2022-JP, UTF-7 …): it came back as it was.
    Charset,
}

/// Why a link was left as the author wrote it. Where several hold, the first in this order is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Reason {
    /// Click tracking is off, by option or for want of consent.
    Off,
    /// The author opted out, by `data-msys-clicktrack="0"` or an enabled dialect's attribute.
    OptOut,
    /// The value holds bytes that the document's charset cannot decode.
    BadCharset,
    /// Nothing is left after trimming.
    Empty,
    /// An unresolved merge tag: `{{x}}`, `{% x %}`, `*|X|*`, `%%x%%`, `%recipient.x%`, `[[x]]`, `<%= x %>`.
    MergeTag,
    /// `#…`: a place in this document.
    Fragment,
    /// A scheme that is not http or https.
    Scheme,
    /// No scheme, `//host` included.
    Relative,
    /// No host, control characters, or a form that only browsers repair (`https:host`, `https:///x`). In plain text
    /// also a URL of which nobody can tell where it ends (`https://example.jp/をご覧ください`).
    Unparsable,
    /// `http://user:pass@host`: a phishing shape.
    Userinfo,
    /// It points at the tracking domain itself.
    AlreadyTracked,
    /// One of the message's List-Unsubscribe URLs.
    Unsubscribe,
    /// A host that the options skip.
    SkipHost,
    /// The shown text is itself a URL and the options leave such links.
    VisibleUrl,
    /// The options' cap on tracked links is reached.
    MaxLinks,
    /// The caller's own [`LinkPolicy`](crate::LinkPolicy) said so.
    Policy,
    /// The destination or the tracking URL is over its limit.
    TooLong,
    /// The tracking URL does not fit a line of the transfer encoding.
    LineTooLong,
}

impl Reason {
    /// The word of the JSON report, such as `opt-out`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Off => "off",
            Reason::OptOut => "opt-out",
            Reason::BadCharset => "bad-charset",
            Reason::Empty => "empty",
            Reason::MergeTag => "merge-tag",
            Reason::Fragment => "fragment",
            Reason::Scheme => "scheme",
            Reason::Relative => "relative",
            Reason::Unparsable => "unparsable",
            Reason::Userinfo => "userinfo",
            Reason::AlreadyTracked => "already-tracked",
            Reason::Unsubscribe => "unsubscribe",
            Reason::SkipHost => "skip-host",
            Reason::VisibleUrl => "visible-url",
            Reason::MaxLinks => "max-links",
            Reason::Policy => "policy",
            Reason::TooLong => "too-long",
            Reason::LineTooLong => "line-too-long",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum LinkPlace {
    /// `a` or `area` of the document.
    Html,
    /// `a` inside `svg`.
    Svg,
    /// Inside an Outlook conditional comment: `a`, `area` or a VML shape.
    Outlook,
    /// A bare URL in plain text.
    Text,
}

/// What became of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", tag = "verdict"))]
#[non_exhaustive]
pub enum Verdict {
    /// Its value was replaced.
    Tracked {
        /// [`EventKind::Click`] or [`EventKind::LinkUnsubscribe`].
        kind: EventKind,
        /// The tracking URL, before it is escaped for HTML.
        url: String,
    },
    /// Its value stayed.
    Left {
        /// Why.
        reason: Reason,
    },
}

/// One link, tracked or left.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LinkReport {
    /// Counts from 0 over all links in document order, tracked or left, through all parts of a message.
    pub index: u32,
    /// The part of the message it stands in, an index into [`Report::parts`]; none in an HTML document.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub part: Option<u32>,
    /// Where it stands.
    pub place: LinkPlace,
    /// `data-msys-linkname`, cut to 63 bytes.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub name: Option<String>,
    /// The shown text: references decoded, white space folded, at most 200 bytes. Empty in plain text, where the
    /// link is its own text.
    pub text: String,
    /// The attribute's value, or the URL in plain text, as it stands in the source; bytes that are not UTF-8 are replaced here.
    pub raw: String,
    /// The destination, decoded as a browser would; what the token carries. Absent where the charset
    /// could not decode it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub target: Option<String>,
    /// The byte range of the value in the input, without quotes; in a message in the decoded part.
    pub range: Range<u64>,
    /// Tracked, or left and why.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub verdict: Verdict,
}

impl LinkReport {
    /// Whether the link's value was replaced.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        matches!(self.verdict, Verdict::Tracked { .. })
    }

    /// Why the link was left, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self.verdict {
            Verdict::Left { reason } => Some(reason),
            Verdict::Tracked { .. } => None,
        }
    }
}

/// Where an open pixel was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PixelPlace {
    /// At the start of the body.
    BodyStart,
    /// After a hidden preheader.
    AfterPreheader,
    /// Before `</body>` or `</html>`.
    BodyEnd,
    /// At the end of a document without `</body>` and `</html>`.
    EndOfFile,
    /// In place of the caller's placeholder.
    Placeholder,
}

/// Why an open pixel was not put anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum NoPlace {
    /// Switched off, by option, header or stream, or for want of consent.
    Off,
    /// It stands there already, byte for byte.
    Present,
    /// The document is a frameset.
    Frameset,
    /// The file ends inside a comment, raw text or an open tag.
    Unfinished,
    /// The file ends inside a template, which is never shown.
    Template,
    /// A limit was passed before its place.
    Limit,
    /// Its URL could not be made: it would be longer than `max_url_length`.
    TooLong,
    /// No line of the part's transfer encoding holds it.
    LineTooLong,
    /// The document came back as it was, or the message has no part that takes pixels.
    PassedThrough,
}

/// One open pixel: placed, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PixelReport {
    /// [`EventKind::InitialOpen`] (top) or [`EventKind::Open`] (bottom).
    pub kind: EventKind,
    /// The part of the message it stands in, an index into [`Report::parts`]; none in an HTML document.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub part: Option<u32>,
    /// Where it was put.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub place: Option<PixelPlace>,
    /// The offset in the input where it was inserted, in bytes; in a message in the decoded part.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub offset: Option<u64>,
    /// Why it was not put anywhere.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub reason: Option<NoPlace>,
}

impl PixelReport {
    pub(crate) fn placed(kind: EventKind, place: PixelPlace, at: usize) -> PixelReport {
        PixelReport { kind, part: None, place: Some(place), offset: Some(at as u64), reason: None }
    }

    pub(crate) fn present(kind: EventKind, at: usize) -> PixelReport {
        PixelReport { kind, part: None, place: None, offset: Some(at as u64), reason: Some(NoPlace::Present) }
    }

    pub(crate) fn absent(kind: EventKind, reason: NoPlace) -> PixelReport {
        PixelReport { kind, part: None, place: None, offset: None, reason: Some(reason) }
    }
}

/// A tracking attribute that was removed, from a tag or from behind a URL in plain text (`[[data-msys-…]]`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RemovedAttribute {
    /// The part of the message it stands in, an index into [`Report::parts`]; none in an HTML document.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub part: Option<u32>,
    /// Its name as it was spelled.
    pub name: String,
    /// Its value as it was spelled.
    pub value: String,
    /// Where it stood in the input, name and value, in bytes; in a message in the decoded part.
    pub range: Range<u64>,
}

/// A change that a named option or dialect asks for, beside links, attributes and pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", tag = "change"))]
#[non_exhaustive]
pub enum Change {
    /// A pixel placeholder was taken out of the text.
    PlaceholderRemoved {
        /// The part of the message it stands in, an index into [`Report::parts`]; none in an HTML document.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        part: Option<u32>,
        /// Where it stood in the input, in bytes; in a message in the decoded part.
        range: Range<u64>,
        /// An empty comment, `<!---->`, took its place: what stood before it could have become something
        /// else with what follows, such as `<` and `p` a tag.
        comment: bool,
    },
    /// A header field was inserted: `X-Sp-Message-Id`, with the id that was made for the message.
    FieldInserted {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A header field that told the body's length was brought up to date.
    FieldUpdated {
        /// Its name.
        name: String,
        /// Its value before.
        from: String,
        /// Its value now.
        to: String,
    },
    /// A header field was removed: by [`OnSigned::Strip`](crate::OnSigned::Strip) or
    /// [`Options::strip_api_headers`](crate::Options::strip_api_headers).
    FieldRemoved {
        /// Its name.
        name: String,
    },
    /// `https+notrack:` was restored to `https:` (dialect `postal`).
    SchemeRestored {
        /// The part of the message it stands in, an index into [`Report::parts`]; none in an HTML document.
        #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
        part: Option<u32>,
        /// Where `+notrack` stood in the input, in bytes; in a message in the decoded part.
        range: Range<u64>,
    },
}

/// Why a part of a message passed through as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PartReason {
    /// It holds other parts.
    Multipart,
    /// Not `text/html`.
    NotHtml,
    /// An attachment, or it has a file name without being `inline`.
    Attachment,
    /// In a `multipart/related`, but not its root.
    RelatedNonRoot,
    /// `multipart/signed`, or inside one; or the message is signed as a whole ([`Status::Signed`]).
    Signed,
    /// `multipart/encrypted` or `application/pkcs7-mime`, or inside one.
    Encrypted,
    /// It holds inline PGP armour.
    Pgp,
    /// `message/rfc822` or another `message/*`.
    Message,
    /// `multipart/report`, or inside one.
    Report,
    /// AMP: `text/x-amp-html`.
    Amp,
    /// Its header says two things, or something that no body can be, or the body is not what it says.
    Ambiguous,
    /// A transfer encoding that nobody knows.
    Encoding,
    /// A charset that cannot be read: UTF-7, `replacement`, UTF-16 that would not come back as it was.
    Charset,
    /// A boundary that is missing, empty or longer than 256 bytes.
    Boundary,
    /// More than 32 parts deep.
    Depth,
    /// A header block of more than 256 KiB.
    HeaderTooLong,
    /// No blank line ends its header block, or the next part follows it at once.
    NoBody,
    /// No line could hold what would be put into it.
    LineTooLong,
    /// It stands behind 100,000 other parts.
    Parts,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PartReport {
    /// Its number, such as `1.2`, as IMAP counts; empty for the message's own multipart.
    pub path: String,
    /// Its media type in lower case, such as `text/html`.
    pub media_type: String,
    /// The charset that it was read with, by its WHATWG name; none if it was not read.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub charset: Option<String>,
    /// Its transfer encoding in lower case; `7bit` if it names none.
    pub encoding: String,
    /// Whether its bytes changed.
    pub rewritten: bool,
    /// Why it passed through; none for a part that was read.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub reason: Option<PartReason>,
}

/// The record of one rewrite.
///
/// ```
/// # use openclick::{Delivery, KeyRing, Options, Reason};
/// let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
/// let html = br#"<body><a href="https://shop.example/">Shop</a> <a href="tel:+1">Call</a></body>"#;
/// let report = rewriter.rewrite_html(html, &Delivery::new("m1"))?.report;
/// assert_eq!((report.links_total, report.links_tracked), (2, 1));
/// assert_eq!(report.links_left[&Reason::Scheme], 1);
/// assert_eq!(report.links[0].text, "Shop");
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// What happened as a whole.
    pub status: Status,
    /// The charset that values were decoded with, by its WHATWG name; empty for a message, whose parts have
    /// their own.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "String::is_empty"))]
    pub charset: String,
    /// Bytes of input.
    pub bytes_in: u64,
    /// Bytes of output.
    pub bytes_out: u64,
    /// The message id in the tokens, where a message or chance gave it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub message_id: Option<String>,
    /// The traffic stream of a message, and where each setting came from.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub settings: Option<Box<Resolved>>,
    /// Why no recipient went into a message's tokens: neither the caller nor the header names one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub recipient_unknown: Option<RecipientUnknown>,
    /// The parts of a message, a multipart before what it holds; none for an HTML document. At most 1,000
    /// are kept.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub parts: Vec<PartReport>,
    /// The pixels, top before bottom, part after part.
    pub pixels: Vec<PixelReport>,
    /// All links counted, kept in [`Report::links`] or not.
    pub links_total: u64,
    /// Links whose value was replaced.
    pub links_tracked: u64,
    /// Links that were left, by reason.
    pub links_left: BTreeMap<Reason, u64>,
    /// The first links, up to [`Options::report_links`](crate::Options::report_links).
    pub links: Vec<LinkReport>,
    /// All tracking attributes removed, kept in [`Report::removed`] or not.
    pub removed_total: u64,
    /// The first removed attributes, up to the same number as links.
    pub removed: Vec<RemovedAttribute>,
    /// All changes that a named option or dialect asked for, kept in [`Report::changes`] or not.
    pub changes_total: u64,
    /// The first of these changes, up to the same number.
    pub changes: Vec<Change>,
    /// The offset from which everything passed through since a limit was passed: a tag or comment
    /// over 1 MiB, a character reference over 4,096 digits, or more than 20,000 open elements.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub limit: Option<u64>,
}

/// The texts of a report's links may not take more than this, in bytes.
pub(crate) const MOST_TEXT: u64 = 8 << 20;

/// Collects a report within its bounds.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    pub(crate) report: Report,
    most: u64,
    text: u64,
}

impl Collector {
    pub(crate) fn new(most: u64) -> Collector {
        Collector { report: Report::default(), most, text: 0 }
    }

    pub(crate) fn link(&mut self, link: LinkReport) {
        let report = &mut self.report;
        report.links_total += 1;
        match &link.verdict {
            Verdict::Tracked { .. } => report.links_tracked += 1,
            Verdict::Left { reason } => *report.links_left.entry(*reason).or_default() += 1,
        }
        let url = if let Verdict::Tracked { url, .. } = &link.verdict { url.len() } else { 0 };
        let text = link.text.len() + link.raw.len() + link.target.as_ref().map_or(0, String::len) + url;
        self.text += text as u64;
        if (report.links.len() as u64) < self.most && self.text <= MOST_TEXT {
            report.links.push(link);
        }
    }

    pub(crate) fn removed(&mut self, make: impl FnOnce() -> RemovedAttribute) {
        self.report.removed_total += 1;
        if (self.report.removed.len() as u64) < self.most && self.text <= MOST_TEXT {
            let removed = make();
            self.text += (removed.name.len() + removed.value.len()) as u64;
            self.report.removed.push(removed);
        }
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.report.changes_total += 1;
        if (self.report.changes.len() as u64) < self.most {
            self.report.changes.push(change);
        }
    }
}
