//! Makes HTML mail trackable without harming it.
//!
//! ```
//! use openclick::{Delivery, KeyRing, Options};
//!
//! let keys = KeyRing::generate(); // or KeyRing::from_file("openclick.keys")?
//! let rewriter = Options::new("https://track.example.com", keys)?.customer_id(42).build()?;
//! let delivery = Delivery::new("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21").recipient("reader@example.org");
//!
//! let html = br#"<body><a href="https://shop.example/">Shop</a></body>"#;
//! let rewritten = rewriter.rewrite_html(html, &delivery)?;
//! assert_eq!(rewritten.report.links_tracked, 1);
//! # Ok::<(), openclick::Error>(())
//! ```
//!
//! Whole messages go through [`Rewriter::rewrite_message`]: their HTML parts are edited in their encoded text, headers and other
//! parts stay. The header itself says what a delivery does not ([`Delivery::of_message`], [`addressee`]), and by traffic streams
//! ([`stream`]) and other senders' API headers ([`api_header`]) what is tracked.
//!
//! Only these bytes may differ between input and output: the value of a tracked `href`, a removed
//! tracking attribute, the inserted open pixels, and what a named option asks for. Everything else,
//! broken markup and invalid UTF-8 included, is byte for byte the input.
//!
//! The modules follow the data: bytes in, HTML events, sites, plan, tokens, edits, bytes out.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
pub mod addressee;
pub mod api_header;
mod base64_engine;
mod charset;
mod delivery;
mod dialect;
mod edit;
mod encoded_word;
mod error;
mod fields;
mod html;
pub mod job_id;
mod merge;
mod message;
mod mime;
mod options;
mod pixel;
mod plan;
mod policy;
mod report;
mod restore;
mod rewriter;
pub mod source;
pub mod stream;
mod template;
mod text_link;
mod token;
mod writer;

pub use self::delivery::{Consent, Delivery};
pub use self::dialect::Dialect;
pub use self::error::{Error, ErrorKind, Result};
pub use self::fields::HeaderFields;
pub use self::merge::MergeSyntax;
pub use self::options::{Engine, OnSigned, Options, VisibleUrl};
pub use self::policy::{Decision, Link, LinkPolicy};
pub use self::report::{
    Change, LinkPlace, LinkReport, NoPlace, PartReason, PartReport, PixelPlace, PixelReport, Reason,
    RemovedAttribute, Report, Status, Verdict,
};
pub use self::rewriter::{Restored, Rewriter, Rewritten, Unopened};
pub use self::template::Template;
pub use self::token::{
    DecodeError, DecodeErrorKind, Decoder, EventKind, KeyEntry, KeyFile, KeyRing, KeyState, Token,
    TokenFields, TrackingDomain, UrlFormat, UrlWriter,
};
pub use self::writer::HtmlWriter;
