//! The façade: one rewriter for all documents of a sender.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use memchr::memmem;

use crate::charset::{Charset, sniff};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Result};
use crate::html::{Scan, Source};
use crate::message;
use crate::options::{Delivery, Settings};
use crate::plan::Planner;
use crate::report::{NoPlace, PixelReport, Report, Status};
use crate::restore::restore;
use crate::stream::{Layer, Streams};
use crate::token::{EventKind, TrackingDomain, UrlWriter};
use crate::writer::HtmlWriter;

/// What every document shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) urls: Arc<UrlWriter>,
    /// The hosts that own URLs can have: a destination's host is compared with them first.
    pub(crate) hosts: Arc<[String]>,
    pub(crate) settings: Settings,
    pub(crate) traffic: Arc<Traffic>,
}

impl Shared {
    /// Whether the bytes hold a host that own URLs can have.
    pub(crate) fn has_own_host(&self, bytes: &[u8]) -> bool {
        self.hosts.iter().any(|host| memmem::find(bytes, host.as_bytes()).is_some())
    }
}

/// What messages are told apart by.
pub(crate) struct Traffic {
    pub(crate) streams: Streams,
    /// What stands above streams and headers.
    pub(crate) overrides: Layer,
    /// What stands below them.
    pub(crate) defaults: Layer,
    /// Whose API headers are taken out.
    pub(crate) strip_api_headers: Vec<Dialect>,
    /// The writers of further tracking domains.
    pub(crate) domains: Vec<(TrackingDomain, Arc<UrlWriter>, Arc<[String]>)>,
}

/// Makes HTML trackable. Made by [`Options::build`](crate::Options::build); a clone shares everything.
///
/// ```
/// use openclick::{Decoder, Delivery, KeyRing, Options, TrackingDomain};
///
/// let keys = KeyRing::generate();
/// let rewriter = Options::new("https://t.example.com", keys.clone())?.build()?;
/// let delivery = Delivery::new("m1").recipient("reader@example.org");
/// let rewritten = rewriter.rewrite_html(br#"<p><a href="https://shop.example/?a=1&amp;b=2">Shop</a>"#, &delivery)?;
///
/// let html = String::from_utf8(rewritten.bytes).unwrap();
/// let url = html.split("<a href=\"").nth(1).unwrap().split('"').next().unwrap();
/// let token = Decoder::new(keys).tracking_domain(TrackingDomain::parse("t.example.com")?).decode(url)?;
/// assert_eq!(token.target(), Some("https://shop.example/?a=1&b=2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Rewriter {
    shared: Arc<Shared>,
}

/// A rewritten document and what was done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewritten {
    /// The document.
    pub bytes: Vec<u8>,
    /// What was done, and why.
    pub report: Report,
}

/// A document brought back to what its author wrote, see [`Rewriter::restore_html`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Restored {
    /// The document.
    pub bytes: Vec<u8>,
    /// How many links got their destination back.
    pub links: u64,
    /// How many pixels were taken out.
    pub pixels: u64,
    /// Links to the tracking domain, and pixels, that stayed.
    pub unopened: Vec<Unopened>,
    /// The offset from which nothing was looked at, since more than 20,000 elements are open there.
    pub limit: Option<u64>,
}

/// A link to the tracking domain that [`Rewriter::restore_html`] had to leave: its token is damaged or of another key, or, in a
/// message, without tracking a line of its part would be a delimiter of the message; all links and pixels of the part then stay.
///
/// ```
/// # use openclick::{Delivery, KeyRing, Options};
/// let rewriter = |key| Options::new("https://t.example.com", KeyRing::from_bytes([key; 32]))?.build();
/// let html = b"<a href=https://shop.example/>Shop</a>";
/// let rewritten = rewriter(1)?.rewrite_html(html, &Delivery::new("m1"))?.bytes;
/// let unopened = &rewriter(2)?.restore_html(&rewritten)?.unopened[0];
/// let at = usize::try_from(unopened.offset).unwrap();
/// assert!(rewritten[at..].starts_with(b"https://t.example.com/"));
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unopened {
    /// The part of the message it stands in, as [`source::Message::parts`](crate::source::Message::parts) counts; none in an
    /// HTML document.
    pub part: Option<u32>,
    /// Where its value begins in the input, in bytes; in a message in the decoded part.
    pub offset: u64,
}

impl Rewriter {
    pub(crate) fn new(urls: UrlWriter, settings: Settings, traffic: Traffic) -> Rewriter {
        let hosts = urls.hosts().into();
        let (urls, traffic) = (Arc::new(urls), Arc::new(traffic));
        Rewriter { shared: Arc::new(Shared { urls, hosts, settings, traffic }) }
    }

    pub(crate) fn shared_arc(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Rewrites a whole RFC 5322 message: its inline HTML parts as [`Rewriter::rewrite_html`] does, every other
    /// byte as it was.
    ///
    /// Headers, boundaries and other parts stay; quoted-printable is edited in place, base64 from the first line
    /// that changes. What cannot be rewritten passes through, and the report says why
    /// ([`PartReport::reason`](crate::PartReport::reason)): signed, encrypted and attached parts, forwarded messages,
    /// whatever readers may disagree about. A message that carries a DKIM-Signature or ARC-Seal passes through
    /// as a whole, unless [`Options::on_signed`](crate::Options::on_signed) says otherwise.
    ///
    /// A Content-Length or Lines of the message's own header is brought up to date; those of parts, which no reader asks for, stay.
    ///
    /// A message that was rewritten before is known by its tokens and comes back as it is. If all that a first pass did was to
    /// take an opt-out out, a second one would track that link: rewrite a mail once.
    ///
    /// Links in plain text are tracked where [`Options::text_links`](crate::Options::text_links) or a stream asks for it.
    ///
    /// The pixels go into the first HTML part; where several are alternatives of each other, into each.
    ///
    /// The message itself says what the delivery does not: its id ([`Delivery::of_message`]), the recipient, the
    /// List-Unsubscribe URLs, and by [streams](crate::stream) and [API headers](crate::api_header) what is tracked.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`]. A damaged message is no error.
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let message = b"To: reader@example.org\r\n\
    ///     Message-ID: <m1@example.com>\r\n\
    ///     Content-Type: text/html\r\n\
    ///     Content-Transfer-Encoding: quoted-printable\r\n\r\n\
    ///     <p><a href=3D\"https://shop.example/\">Shop</a></p>\r\n";
    /// let rewritten = rewriter.rewrite_message(message, &Delivery::of_message())?;
    /// assert_eq!(rewritten.report.links_tracked, 1);
    /// assert!(rewritten.bytes.starts_with(b"To: reader@example.org\r\n"));
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn rewrite_message(&self, message: &[u8], delivery: &Delivery) -> Result<Rewritten> {
        if !delivery.message_id.is_empty() {
            check(delivery)?;
        }
        message::rewrite(&self.shared, message, delivery)
    }

    /// What [`Rewriter::rewrite_message`] would do, without the output.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_message`].
    pub fn plan_message(&self, message: &[u8], delivery: &Delivery) -> Result<Report> {
        Ok(self.rewrite_message(message, delivery)?.report)
    }

    /// Undoes [`Rewriter::rewrite_message`] as [`Rewriter::restore_html`] does for HTML; links in plain text get their
    /// destination back too, whatever the options say. A Content-Length or Lines of the message's own header is brought up to
    /// date. An `X-Sp-Message-Id` that was inserted stays, since the sender may have put in the same one: nothing tells the two
    /// apart. Headers that were taken out do not come back.
    ///
    /// # Errors
    /// As [`Rewriter::restore_html`].
    pub fn restore_message(&self, message: &[u8]) -> Result<Restored> {
        message::restore(&self.shared, message)
    }

    /// Rewrites a whole document.
    ///
    /// Bad HTML is no error: what cannot be tracked stays as it is, and the report says why. A
    /// document that holds one of our tokens with this message id comes back unchanged
    /// ([`Status::AlreadyRewritten`]).
    ///
    /// # Errors
    /// [`ErrorKind::Delivery`] if a field of the delivery cannot be used, such as an empty message id.
    pub fn rewrite_html(&self, html: &[u8], delivery: &Delivery) -> Result<Rewritten> {
        let (planner, done) = match self.scan(html, delivery)? {
            Ok(planner) => (planner, html.len()),
            Err(report) => return Ok(Rewritten { bytes: html.to_vec(), report: *report }),
        };
        let mut planner = planner;
        let length = html.len().saturating_add_signed(planner.edits.growth());
        let mut bytes = Vec::with_capacity(length);
        planner
            .edits
            .write(html, 0, done, &mut bytes)
            .map_err(|error| Error::new(ErrorKind::Io, "writing to memory failed").because(error))?;
        let report = planner.finish(html.len() as u64, bytes.len() as u64);
        Ok(Rewritten { bytes, report })
    }

    /// What [`Rewriter::rewrite_html`] would do, without the output: every link with its verdict.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`].
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let plan = rewriter.plan_html(b"<a href=https://shop.example/>Shop</a>", &Delivery::new("m1"))?;
    /// assert!(plan.links[0].is_tracked());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn plan_html(&self, html: &[u8], delivery: &Delivery) -> Result<Report> {
        Ok(match self.scan(html, delivery)? {
            Ok(planner) => {
                let length = html.len().saturating_add_signed(planner.edits.growth());
                planner.finish(html.len() as u64, length as u64)
            }
            Err(report) => *report,
        })
    }

    /// Rewrites a stream: what is written to the result goes, rewritten, to `sink`.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`].
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// use std::io::Write;
    ///
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let mut writer = rewriter.html_writer(&Delivery::new("m1"), Vec::new())?;
    /// writer.write_all(b"<body><a href=\"https://shop.ex")?;
    /// writer.write_all(b"ample/\">Shop</a></body>")?;
    /// let (output, report) = writer.finish()?;
    /// assert!(output.starts_with(b"<body><div style=\"display:none"));
    /// assert_eq!(report.links_tracked, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn html_writer<W: Write>(&self, delivery: &Delivery, sink: W) -> Result<HtmlWriter<W>> {
        check(delivery)?;
        HtmlWriter::new(self.shared.clone(), delivery.clone(), sink)
    }

    /// Undoes a rewrite: own pixels out, every own link back to the author's destination.
    ///
    /// Values are written canonically: `&` as `&amp;`, the quote in use as a reference. Where the
    /// author spelled them so, the result is the author's document byte for byte, less the tracking
    /// attributes that were removed. A document in a legacy charset of which only a `<meta charset>` far down
    /// tells is best restored with [`Options::charset`](crate::Options::charset). A token counts as own if it was sealed for this tracking domain
    /// with a key of this ring, whatever its message id.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the URL format is not sealed: other URLs cannot be opened.
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let html = br#"<body><a href="https://shop.example/?a=1&amp;b=2">Shop</a></body>"#;
    /// let rewritten = rewriter.rewrite_html(html, &Delivery::new("m1"))?;
    /// assert_eq!(rewriter.restore_html(&rewritten.bytes)?.bytes, html);
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn restore_html(&self, html: &[u8]) -> Result<Restored> {
        restore(&self.shared, html)
    }

    /// Reads a document in memory: the planner with all its edits, or the report of a document that
    /// passes through.
    #[allow(clippy::type_complexity)]
    fn scan(&self, html: &[u8], delivery: &Delivery) -> Result<std::result::Result<Planner, Box<Report>>> {
        check(delivery)?;
        let (charset, mark) = sniff(html, self.shared.settings.charset);
        if let Charset::Unscannable(_) = charset {
            return Ok(Err(Box::new(passed_through(Status::Charset, charset, html.len() as u64))));
        }
        let mut planner = Planner::new(self.shared.clone(), delivery.clone(), charset, true)?;
        let mut scan = Scan::new(mark, planner.walk_settings(), self.shared.settings.reader());
        let source = Source { bytes: html, base: 0 };
        scan.advance(source, true, &mut planner);
        planner.advance(source, html.len(), true);
        if planner.already_rewritten() {
            let status = Status::AlreadyRewritten;
            return Ok(Err(Box::new(passed_through(status, charset, html.len() as u64))));
        }
        Ok(Ok(planner))
    }
}

impl fmt::Debug for Rewriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewriter").field("urls", &self.shared.urls).finish_non_exhaustive()
    }
}

/// The report of a document that comes back as it was.
pub(crate) fn passed_through(status: Status, charset: Charset, length: u64) -> Report {
    let absent = |kind| PixelReport::absent(kind, NoPlace::PassedThrough);
    Report {
        status,
        charset: charset.name().to_owned(),
        bytes_in: length,
        bytes_out: length,
        pixels: vec![absent(EventKind::InitialOpen), absent(EventKind::Open)],
        ..Report::default()
    }
}

/// Whether the header fields that a delivery gives can be written.
pub(crate) fn check_headers(delivery: &Delivery) -> Result<()> {
    for (name, value) in &delivery.headers {
        // RFC 5322, section 3.6.8.
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !is_name || name.len() > 76 {
            let message = format!("expected the name of a header field, found `{}`", name.escape_default());
            return Err(Error::new(ErrorKind::Delivery, message));
        }
        if value.contains(|c: char| c.is_control() && c != '\t') {
            let message = format!("expected a value of the header field `{name}` without control characters");
            return Err(Error::new(ErrorKind::Delivery, message));
        }
    }
    Ok(())
}

pub(crate) fn check(delivery: &Delivery) -> Result<()> {
    let refuse = |message: String| Err(Error::new(ErrorKind::Delivery, message));
    if delivery.message_id.is_empty() {
        return refuse("expected a message id, found an empty one".to_owned());
    }
    let texts = [
        ("message id", Some(&delivery.message_id)),
        ("recipient", delivery.recipient.as_ref()),
        ("campaign", delivery.campaign.as_ref()),
        ("pool", delivery.pool.as_ref()),
        ("subaccount", delivery.subaccount.as_ref()),
    ];
    for (what, text) in texts {
        if let Some(text) = text {
            if text.len() > 998 {
                return refuse(format!("expected a {what} of at most 998 bytes, found {}", text.len()));
            }
            if text.contains(char::is_control) {
                // The text itself may be an address, which has no place in a log.
                return refuse(format!("expected a {what} without control characters"));
            }
        }
    }
    // Also where no pixel is made, which would find it out.
    let extensions = delivery.token_extensions();
    delivery.token_fields(0, &extensions).check()
}
