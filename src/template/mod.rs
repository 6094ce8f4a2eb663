//! One document or message for many recipients: read once, rendered at little more than the cost of its tokens.

mod compile;
mod document;
mod filled;
mod fit;
mod message;
mod part;
mod slot;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::sync::Arc;

use self::document::Document;
use self::message::MessageTemplate;
use crate::error::{Error, ErrorKind, Result};
use crate::options::Delivery;
use crate::rewriter::{Rewriter, Rewritten};

/// An HTML document or a message read once, to be rendered for each recipient. Made by [`Rewriter::compile_html`] or
/// [`Rewriter::compile_message`]; a clone shares everything.
///
/// A render gives byte for byte what [`Rewriter::rewrite_html`] or [`Rewriter::rewrite_message`] gives for the same delivery
/// and the document with its merge fields filled ([`Template::substitute`]). A caller's [`LinkPolicy`](crate::LinkPolicy) is
/// asked when the template is made ready, not for each recipient.
///
/// ```
/// use openclick::{Delivery, KeyRing, Options};
///
/// let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
/// let html = br#"<body><a href="https://shop.example/">Shop</a></body>"#;
/// let template = rewriter.compile_html(html)?;
/// let mut mail = Vec::new();
/// for recipient in ["ann@example.org", "bob@example.org"] {
///     let delivery = Delivery::new("m1").recipient(recipient);
///     mail.clear();
///     template.render_to(&delivery, &mut mail)?;
///     assert_eq!(mail, rewriter.rewrite_html(html, &delivery)?.bytes);
/// }
/// # Ok::<(), openclick::Error>(())
/// ```
#[derive(Clone)]
pub struct Template(Arc<Inner>);

enum Inner {
    Html(Box<Document>),
    Message(Box<MessageTemplate>),
}

impl Rewriter {
    /// Reads a document that is rendered for many recipients. Its merge fields are those of
    /// [`Options::merge_fields`](crate::Options::merge_fields).
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if merge fields are wanted in a charset in which they cannot be found, such as UTF-16. A
    /// document that cannot be made ready for all recipients is no error: it is rewritten for each.
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let template = rewriter.compile_html(b"<a href=https://shop.example/>Shop</a>".as_slice())?;
    /// assert_eq!(template.render(&Delivery::new("m1"))?.report.links_tracked, 1);
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn compile_html(&self, html: impl Into<Vec<u8>>) -> Result<Template> {
        let document = Document::new(self.clone(), html.into());
        if !self.shared().settings.merge.is_empty() && !document.is_readable() {
            let name = document.sample.reading.charset.name();
            let message = format!("merge fields cannot be found in {name}: expected a charset such as UTF-8");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(Template(Arc::new(Inner::Html(Box::new(document)))))
    }

    /// Reads a message that is rendered for many recipients. Its header may be of one recipient each
    /// ([`Delivery::header`]); merge fields may stand in the header, in HTML and in plain text.
    ///
    /// A message without `X-Sp-Message-Id` and `Message-ID` takes its id from the delivery: a million messages with one id
    /// cannot be told apart.
    ///
    /// # Errors
    /// None yet. Merge tags in texts that are not read (signed, in an unknown encoding or charset, AMP) are told by
    /// [`Template::other_tags`].
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, MergeSyntax, Options};
    /// # let rewriter =
    /// #     Options::new("https://t.example.com", KeyRing::generate())?.merge_fields([MergeSyntax::Mustache]).build()?;
    /// let message = b"Subject: {{name}}, hello\nContent-Type: text/html\n\n<p>Hi {{name}}</p>\n";
    /// let template = rewriter.compile_message(message.as_slice())?;
    /// let delivery = Delivery::new("m1").header("To", "ann@example.org").field("name", "Ann");
    /// let rendered = template.render(&delivery)?.bytes;
    /// assert!(rendered.starts_with(b"To: ann@example.org\nSubject: Ann, hello\n"));
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn compile_message(&self, message: impl Into<Vec<u8>>) -> Result<Template> {
        Ok(Template(Arc::new(Inner::Message(Box::new(MessageTemplate::new(self.clone(), message.into()))))))
    }
}

impl Template {
    /// The document or message for one recipient, with a report.
    ///
    /// # Errors
    /// As [`Rewriter::rewrite_html`]; [`ErrorKind::Delivery`] if the value of a merge field is missing that has no default.
    pub fn render(&self, delivery: &Delivery) -> Result<Rewritten> {
        match &*self.0 {
            Inner::Html(document) => document.render(delivery),
            Inner::Message(message) => message.render(delivery),
        }
    }

    /// Appends the document or message for one recipient. Once `out` has room, nothing is allocated for a document that needs
    /// no rewrite of its own.
    ///
    /// # Errors
    /// As [`Template::render`]; `out` is then as it was.
    pub fn render_to(&self, delivery: &Delivery, out: &mut Vec<u8>) -> Result<()> {
        match &*self.0 {
            Inner::Html(document) => document.render_to(delivery, out),
            Inner::Message(message) => message.render_to(delivery, out),
        }
    }

    /// Writes the document or message for one recipient, in as few calls of the writer as it takes; of a document without
    /// copying what does not change.
    ///
    /// # Errors
    /// As [`Template::render`], before anything was written; [`ErrorKind::Io`] if the writer fails.
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let template = rewriter.compile_html(b"<p>Hi</p>".as_slice())?;
    /// template.render_into(&Delivery::new("m1"), &mut std::io::sink())?;
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn render_into(&self, delivery: &Delivery, mut sink: impl Write) -> Result<()> {
        let pieces: Vec<Cow<'_, [u8]>> = self.pieces(delivery)?.collect();
        write_all(&pieces, &mut sink)
            .map_err(|error| Error::new(ErrorKind::Io, "writing a document failed").because(error))
    }

    /// The document for one recipient, piece by piece: what does not change is borrowed from the template. A message is one
    /// piece.
    ///
    /// # Errors
    /// As [`Template::render`].
    ///
    /// ```
    /// # use openclick::{Delivery, KeyRing, Options};
    /// # let rewriter = Options::new("https://t.example.com", KeyRing::generate())?.build()?;
    /// let template = rewriter.compile_html(b"<p>Hi</p>".as_slice())?;
    /// let delivery = Delivery::new("m1");
    /// let length: usize = template.pieces(&delivery)?.map(|piece| piece.len()).sum();
    /// assert_eq!(length, template.render(&delivery)?.bytes.len());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn pieces<'t>(&'t self, delivery: &Delivery) -> Result<impl Iterator<Item = Cow<'t, [u8]>>> {
        let (document, whole) = match &*self.0 {
            Inner::Html(document) => (Some(document.pieces(delivery)?), None),
            Inner::Message(message) => {
                let mut bytes = Vec::new();
                message.render_to(delivery, &mut bytes)?;
                (None, Some(bytes))
            }
        };
        Ok(document.into_iter().flatten().chain(whole.map(Cow::Owned)))
    }

    /// The document or message of one recipient with its merge fields filled, untracked.
    ///
    /// # Errors
    /// [`ErrorKind::Delivery`] if the value of a merge field is missing that has no default, or cannot stand where it is to
    /// (in a line of a 7bit part that has no room, in an address of the header).
    ///
    /// ```
    /// # use openclick::{Delivery, ErrorKind, KeyRing, MergeSyntax, Options};
    /// # let rewriter =
    /// #     Options::new("https://t.example.com", KeyRing::generate())?.merge_fields([MergeSyntax::Mustache]).build()?;
    /// let template = rewriter.compile_html(b"<p>Hi {{name}}</p>".as_slice())?;
    /// assert_eq!(template.substitute(&Delivery::new("m1").field("name", "<Ann>"))?, b"<p>Hi &lt;Ann&gt;</p>");
    /// assert_eq!(template.substitute(&Delivery::new("m1")).unwrap_err().kind(), ErrorKind::Delivery);
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn substitute(&self, delivery: &Delivery) -> Result<Vec<u8>> {
        match &*self.0 {
            Inner::Html(document) => Ok(document.substitute(delivery)?.into_owned()),
            Inner::Message(message) => Ok(message.substitute(delivery)?.into_owned()),
        }
    }

    /// The names of its merge fields, each as often as it stands there; and whether it has a default.
    pub fn fields(&self) -> impl Iterator<Item = (&str, bool)> {
        let (document, message) = match &*self.0 {
            Inner::Html(document) => (Some(document.fields().iter()), None),
            Inner::Message(message) => (None, Some(message.fields())),
        };
        let fields = document.into_iter().flatten().chain(message.into_iter().flatten());
        fields.map(|field| (&*field.name, field.default.is_some()))
    }

    /// Merge tags that are no fields, such as `{{#if paid}}`: they stay as they are. Ranges are of bytes in the template; for a
    /// tag in the header that of the field's value.
    #[must_use]
    pub fn other_tags(&self) -> &[Range<usize>] {
        match &*self.0 {
            Inner::Html(document) => document.others(),
            Inner::Message(message) => message.others(),
        }
    }
}

/// All pieces, with vectored writes.
fn write_all(pieces: &[Cow<'_, [u8]>], sink: &mut impl Write) -> io::Result<()> {
    /// As many as Linux takes at once.
    const MOST: usize = 1024;

    for pieces in pieces.chunks(MOST) {
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut rest = &mut slices[..];
        // Empty ones would look like a writer that takes nothing.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match sink.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut rest, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, bytes) = match &*self.0 {
            Inner::Html(document) => ("html", document.len()),
            Inner::Message(message) => ("message", message.len()),
        };
        f.debug_struct("Template").field("kind", &kind).field("bytes", &bytes).finish_non_exhaustive()
    }
}
