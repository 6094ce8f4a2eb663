//! Mail as it stands: header, parts and markup, each with its place in the source.
//!
//! What the rewriter reads by, for tools that judge a mail before it is sent or after it was received. Nothing here
//! changes a byte or fails: a damaged mail has fewer parts, and a damaged document the markup that browsers see.
//!
//! ```
//! use openclick::source::{Event, Message};
//!
//! let message = Message::parse(
//!     b"Subject: Hi\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
//!     <p>See=\r\n you <a href=3D\"https://shop.example/\">there</a>\r\n",
//! );
//! assert_eq!(message.field("subject").unwrap().value.as_ref(), b"Hi");
//! let text = message.part(0).text().unwrap();
//! let mut links = Vec::new();
//! text.markup().events(|event| {
//!     if let Event::StartTag(tag) = event {
//!         let at = text.offset_in_message(tag.range().start);
//!         links.extend(tag.attribute("href").map(|href| (at, href.map(|href| href.into_owned()))));
//!     }
//! });
//! assert_eq!(links, [(114, Some("https://shop.example/".to_owned()))]);
//! ```

mod markup;
mod message;
#[cfg(test)]
mod tests;

pub use self::markup::{Attribute, EndTag, Event, Markup, Namespace, StartTag};
pub use self::message::{Field, Message, Part, Text};
