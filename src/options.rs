//! What a sender sets once. What is of each recipient stands in [`crate::delivery`].

use std::fmt;
use std::sync::Arc;

use crate::charset::Charset;
pub(crate) use crate::delivery::{Consent, Delivery};
use crate::dialect::{Dialect, Dialects};
use crate::error::{Error, ErrorKind, Result};
use crate::html::Reader;
use crate::merge::MergeSyntax;
use crate::policy::{HostPatterns, LinkPolicy};
use crate::report::LinkReport;
use crate::rewriter::{Rewriter, Traffic};
use crate::stream::{Layer, Streams};
use crate::token::{KeyRing, MAX_TEXT, TrackingDomain, UrlFormat, UrlWriter};

/// What happens to a link whose shown text is itself a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VisibleUrl {
    /// It is tracked like any other (default).
    #[default]
    Track,
    /// It is left ([`Reason::VisibleUrl`](crate::Reason::VisibleUrl)): filters call a shown URL with
    /// another target phishing. The stream then holds back up to 2,048 bytes after each link.
    Leave,
}

/// What happens to a message that carries a DKIM-Signature or ARC-Seal, which a rewrite would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnSigned {
    /// It passes through as it is, [`Status::Signed`](crate::Status::Signed) (default).
    #[default]
    Refuse,
    /// It is rewritten; its signatures are broken then.
    Rewrite,
    /// It is rewritten, and its DKIM-Signature and ARC header fields are removed.
    Strip,
}

/// Who finds the links of a document. Both give the same output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// lol_html, Cloudflare's streaming parser, finds them, and the walk reads the rest. 1.5 times slower;
    /// there to check the other one against. lol_html 3.0.3 has an internal error on some hostile
    /// markup: this engine then reads on without it, but in a build with debug assertions lol_html
    /// panics. Without the crate feature `lol_html` it is [`Engine::Scan`].
    LolHtml,
    /// The walk's own reading of tags and text (default).
    Scan,
}

/// The settings of a [`Rewriter`].
///
/// ```
/// use openclick::{Dialect, KeyRing, Options};
///
/// let rewriter = Options::new("https://track.example.com", KeyRing::generate())?
///     .customer_id(42)
///     .initial_open(false)
///     .dialect(Dialect::SendGrid)
///     .skip_host("*.example.org")
///     .build()?;
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Clone)]
pub struct Options {
    domain: TrackingDomain,
    keys: KeyRing,
    format: UrlFormat,
    settings: Settings,
    skip_hosts: Vec<String>,
    charset: Option<String>,
    streams: Streams,
    overrides: Layer,
    defaults: Layer,
    strip_api_headers: Vec<Dialect>,
}

type OnLink = Arc<dyn Fn(&LinkReport) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) customer_id: u64,
    pub(crate) open_tracking: bool,
    pub(crate) initial_open: bool,
    pub(crate) click_tracking: bool,
    pub(crate) text_links: bool,
    pub(crate) outlook: bool,
    pub(crate) dialects: Dialects,
    pub(crate) skip_hosts: HostPatterns,
    pub(crate) visible_url: VisibleUrl,
    pub(crate) max_links: Option<u64>,
    pub(crate) max_target_length: usize,
    pub(crate) max_url_length: usize,
    pub(crate) report_links: u64,
    pub(crate) placeholder: String,
    pub(crate) charset: Option<Charset>,
    pub(crate) on_signed: OnSigned,
    pub(crate) engine: Engine,
    pub(crate) merge: Vec<MergeSyntax>,
    pub(crate) policy: Option<Arc<dyn LinkPolicy>>,
    pub(crate) on_link: Option<OnLink>,
}

impl Settings {
    pub(crate) fn reader(&self) -> Reader {
        match self.engine {
            Engine::LolHtml => Reader::LolHtml,
            Engine::Scan => Reader::Scan,
        }
    }
}

impl Options {
    /// Options for a tracking domain, `https://host[:port][/prefix]` (without a scheme: https), and
    /// the keys that seal its URLs.
    ///
    /// # Errors
    /// If the domain has a path query, a fragment, user information, or a scheme that is not http or
    /// https.
    pub fn new(tracking_domain: &str, keys: KeyRing) -> Result<Options> {
        Ok(Options {
            domain: TrackingDomain::parse(tracking_domain)?,
            keys,
            format: UrlFormat::default(),
            settings: Settings {
                customer_id: 0,
                open_tracking: true,
                initial_open: true,
                click_tracking: true,
                text_links: false,
                outlook: true,
                dialects: Dialects::NONE.with(Dialect::SparkPost),
                skip_hosts: HostPatterns::default(),
                visible_url: VisibleUrl::Track,
                max_links: None,
                max_target_length: 4096,
                max_url_length: 2000,
                report_links: 10_000,
                placeholder: "{{openclick:pixel}}".to_owned(),
                charset: None,
                on_signed: OnSigned::Refuse,
                engine: Engine::Scan,
                merge: Vec::new(),
                policy: None,
                on_link: None,
            },
            skip_hosts: Vec::new(),
            charset: None,
            streams: Streams::new(),
            overrides: Layer::new(),
            defaults: Layer::new(),
            strip_api_headers: Vec::new(),
        })
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Options {
        set(&mut self.settings);
        self
    }

    /// The customer whose mail this is; in every token. Default 0.
    #[must_use]
    pub fn customer_id(self, id: u64) -> Options {
        self.with(|settings| settings.customer_id = id)
    }

    /// The bottom pixel (`open`). Default on.
    #[must_use]
    pub fn open_tracking(self, on: bool) -> Options {
        self.with(|settings| settings.open_tracking = on)
    }

    /// The top pixel (`initial_open`). Default on.
    #[must_use]
    pub fn initial_open(self, on: bool) -> Options {
        self.with(|settings| settings.initial_open = on)
    }

    /// Links. Default on; tracking attributes are removed either way.
    #[must_use]
    pub fn click_tracking(self, on: bool) -> Options {
        self.with(|settings| settings.click_tracking = on)
    }

    /// Links in the plain text of messages: bare `http://` and `https://` URLs become tracking URLs, and SparkPost's
    /// `[[data-msys-…]]` behind them is honoured and removed. Default off: readers see these URLs.
    ///
    /// A URL ends where mail clients end it; where they disagree, or nobody can tell, it is left
    /// ([`Reason::Unparsable`](crate::Reason::Unparsable)).
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.text_links(true).build()?;
    /// let message = b"Message-ID: <m1@example.com>\n\n\
    ///     Our shop (https://shop.example/?a=1).\nhttps://shop.example/legal[[data-msys-clicktrack=\"0\"]]\n";
    /// let text = rewriter.rewrite_message(message, &Delivery::of_message())?.bytes;
    /// let text = String::from_utf8(text).unwrap();
    /// assert!(text.contains("Our shop (https://t.example.com/I"));
    /// assert!(text.ends_with(").\nhttps://shop.example/legal\n"));
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn text_links(self, on: bool) -> Options {
        self.with(|settings| settings.text_links = on)
    }

    /// Links inside Outlook's conditional comments. Default on.
    #[must_use]
    pub fn outlook(self, on: bool) -> Options {
        self.with(|settings| settings.outlook = on)
    }

    /// Adds another sender's opt-out attributes. SparkPost's are always understood, unless
    /// [`Options::dialects`] says otherwise.
    #[must_use]
    pub fn dialect(self, dialect: Dialect) -> Options {
        self.with(|settings| settings.dialects = settings.dialects.with(dialect))
    }

    /// Sets the dialects to exactly these. Default: SparkPost's alone.
    #[must_use]
    pub fn dialects(self, dialects: impl IntoIterator<Item = Dialect>) -> Options {
        let set = dialects.into_iter().fold(Dialects::NONE, Dialects::with);
        self.with(|settings| settings.dialects = set)
    }

    /// Never tracks links to this host: a name, or `*.suffix` for every host below it. May be
    /// repeated.
    #[must_use]
    pub fn skip_host(mut self, host: &str) -> Options {
        self.skip_hosts.push(host.to_owned());
        self
    }

    /// What happens to a link whose shown text is a URL. Default [`VisibleUrl::Track`].
    #[must_use]
    pub fn visible_url(self, what: VisibleUrl) -> Options {
        self.with(|settings| settings.visible_url = what)
    }

    /// Tracks at most so many links of a document. Default no cap.
    #[must_use]
    pub fn max_links(self, most: u64) -> Options {
        self.with(|settings| settings.max_links = Some(most))
    }

    /// Leaves destinations longer than this, in bytes. Default 4,096: SparkPost rejects longer ones
    /// on redirect. At most 8,192, a token's limit.
    #[must_use]
    pub fn max_target_length(self, bytes: usize) -> Options {
        self.with(|settings| settings.max_target_length = bytes)
    }

    /// Leaves links whose tracking URL would be longer than this, in characters. Default 2,000.
    #[must_use]
    pub fn max_url_length(self, characters: usize) -> Options {
        self.with(|settings| settings.max_url_length = characters)
    }

    /// How many links a [`Report`](crate::Report) keeps; all are counted. Default 10,000.
    #[must_use]
    pub fn report_links(self, most: u64) -> Options {
        self.with(|settings| settings.report_links = most)
    }

    /// The text that the bottom pixel takes the place of. Default `{{openclick:pixel}}`; empty for
    /// none.
    #[must_use]
    pub fn pixel_placeholder(self, text: &str) -> Options {
        self.with(|settings| settings.placeholder = text.to_owned())
    }

    /// The charset of raw HTML, by any WHATWG label. Default: a byte order mark, else
    /// `<meta charset>` in the first 1,024 bytes, else UTF-8.
    #[must_use]
    pub fn charset(mut self, label: &str) -> Options {
        self.charset = Some(label.to_owned());
        self
    }

    /// Traffic streams: what a message is tracked with, by what its header says. Default none. HTML without a
    /// message has the options alone.
    #[must_use]
    pub fn streams(mut self, streams: Streams) -> Options {
        self.streams = streams;
        self
    }

    /// What stands above a message's header and its stream, unless that locks it, as the flags of a command do.
    /// Default nothing.
    #[must_use]
    pub fn overrides(mut self, layer: Layer) -> Options {
        self.overrides = layer;
        self
    }

    /// What stands below a message's header and its stream, beside the switches and the customer id of these
    /// options: a campaign, pool and subaccount. Default nothing.
    #[must_use]
    pub fn defaults(mut self, layer: Layer) -> Options {
        self.defaults = layer;
        self
    }

    /// Takes the API headers of these dialects out of messages that are rewritten, see
    /// [`api_header`](crate::api_header). Default none.
    #[must_use]
    pub fn strip_api_headers(mut self, dialects: impl IntoIterator<Item = Dialect>) -> Options {
        self.strip_api_headers = dialects.into_iter().collect();
        self
    }

    /// What happens to a signed message. Default [`OnSigned::Refuse`].
    #[must_use]
    pub fn on_signed(self, what: OnSigned) -> Options {
        self.with(|settings| settings.on_signed = what)
    }

    /// Who finds the links. Default [`Engine::Scan`].
    #[must_use]
    pub fn engine(self, engine: Engine) -> Options {
        self.with(|settings| settings.engine = engine)
    }

    /// Merge tags of templates that are filled for each recipient, from [`Delivery::field`]. Default none: they are text, and
    /// links with them are left. Documents and messages that are rewritten rather than compiled never have fields.
    ///
    /// In text and attribute values a value is escaped as HTML, in URLs (`href`, `src` and the like) percent-encoded; one that
    /// begins a URL is a whole URL. `{{{name}}}` is not escaped at all: the author answers for what its value makes of the
    /// document. In plain text it goes in as it is; in a header it stays on its line and adds no address, and what is beyond ASCII is
    /// encoded (RFC 2047). Links with fields are tracked with their final destination.
    ///
    /// ```
    /// use openclick::{Decoder, Delivery, KeyRing, MergeSyntax, Options, TrackingDomain};
    ///
    /// let keys = KeyRing::generate();
    /// let rewriter =
    ///     Options::new("https://t.example.com", keys.clone())?.merge_fields([MergeSyntax::Mustache]).build()?;
    /// let template = rewriter.compile_html(
    ///     br#"<p>Hi {{name or 'friend'}}</p><a href="https://shop.example/?q={{query}}">Shop</a>"#.as_slice(),
    /// )?;
    /// let delivery = Delivery::new("m1").field("name", "A & B").field("query", "a b");
    /// let rewritten = template.render(&delivery)?;
    /// assert!(String::from_utf8_lossy(&rewritten.bytes).contains("<p>Hi A &amp; B</p>"));
    /// assert_eq!(rewritten.report.links[0].target.as_deref(), Some("https://shop.example/?q=a%20b"));
    /// # Ok::<(), openclick::Error>(())
    /// ```
    #[must_use]
    pub fn merge_fields(self, syntaxes: impl IntoIterator<Item = MergeSyntax>) -> Options {
        self.with(|settings| settings.merge = syntaxes.into_iter().collect())
    }

    /// A rule of the caller's own, see [`LinkPolicy`].
    #[must_use]
    pub fn link_policy(self, policy: impl LinkPolicy + 'static) -> Options {
        self.with(|settings| settings.policy = Some(Arc::new(policy)))
    }

    /// Is called with every link of a report in document order, also with those that it has no room for.
    /// A stream calls it as links pass, a rewrite (or plan) in memory at its end.
    #[must_use]
    pub fn on_link(self, callback: impl Fn(&LinkReport) + Send + Sync + 'static) -> Options {
        self.with(|settings| settings.on_link = Some(Arc::new(callback)))
    }

    /// What tracking URLs look like. Default [`UrlFormat::sealed`].
    #[must_use]
    pub fn url_format(mut self, format: UrlFormat) -> Options {
        self.format = format;
        self
    }

    /// The rewriter; cheap to clone and to share among threads.
    ///
    /// # Errors
    /// If a destination may be longer than 8,192 bytes, a skipped host is not a host or `*.suffix`, the charset label is unknown, the placeholder
    /// holds more than 100 characters or others than visible ASCII without `<`, `>` and `&`, or the URL format is unsigned and was
    /// not said to be.
    pub fn build(mut self) -> Result<Rewriter> {
        let configuration = |message| Error::new(ErrorKind::Configuration, message);
        for host in &self.skip_hosts {
            if !self.settings.skip_hosts.add(host) {
                return Err(configuration(format!(
                    "expected a host to skip such as `example.org` or `*.example.org`, found `{host}`"
                )));
            }
        }
        if self.settings.max_target_length > MAX_TEXT {
            return Err(configuration(format!(
                "expected a longest target of at most {MAX_TEXT} bytes, which is what a token can hold, found {}",
                self.settings.max_target_length
            )));
        }
        if let Some(label) = &self.charset {
            match Charset::of_label(label) {
                Charset::Unknown => {
                    return Err(configuration(format!(
                        "expected a charset label such as `utf-8`, found `{label}`"
                    )));
                }
                charset => self.settings.charset = Some(charset),
            }
        }
        let placeholder = &self.settings.placeholder;
        if placeholder.len() > 100
            || placeholder.contains(|c: char| matches!(c, '<' | '>' | '&') || !c.is_ascii_graphic())
        {
            return Err(configuration(format!(
                "expected a pixel placeholder of visible ASCII characters without `<`, `>` and `&`, at most 100, found `{placeholder}`"
            )));
        }
        let mut domains: Vec<(TrackingDomain, Arc<UrlWriter>, Arc<[String]>)> = Vec::new();
        for domain in self.streams.tracking_domains().chain(self.overrides.domain()) {
            if !domains.iter().any(|(other, ..)| other == domain) {
                let urls = UrlWriter::new(domain.clone(), self.format.clone(), self.keys.clone())?;
                let hosts = urls.hosts().into();
                domains.push((domain.clone(), Arc::new(urls), hosts));
            }
        }
        let urls = UrlWriter::new(self.domain, self.format, self.keys)?;
        let traffic = Traffic {
            streams: self.streams,
            overrides: self.overrides,
            defaults: self.defaults,
            strip_api_headers: self.strip_api_headers,
            domains,
        };
        Ok(Rewriter::new(urls, self.settings, traffic))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("domain", &self.domain)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
