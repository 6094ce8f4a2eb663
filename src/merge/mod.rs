//! Merge fields: where a template's values go, and how they are written there.
//!
//! A *field* is a merge tag that names one value: `{{name}}`. What else merge languages have (blocks, conditions,
//! filters) is theirs: such tags stay as they are and are told of ([`Template::other_tags`](crate::Template::other_tags)).

mod context;
mod header;
mod sample;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use std::ops::Range;

use self::context::contexts;
pub(crate) use self::context::{Context, Kind, Place};
pub(crate) use self::header::{fill as fill_header, has_addresses, write_value_of as write_header_value};
pub(crate) use self::sample::{Reading, Sample};
pub(crate) use self::syntax::{find, find_in};
pub(crate) use self::value::{write_plain, write_value};
use crate::error::{Error, ErrorKind, Result};
use crate::options::Delivery;

/// How merge tags are spelled, see [`Options::merge_fields`](crate::Options::merge_fields).
///
/// A name is a letter or `_`, then letters, digits, `_`, `.` and `-`, all ASCII, at most 64 characters; it is looked up as it is
/// spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MergeSyntax {
    /// `{{name}}`, escaped, and `{{{name}}}`, raw; with a default `{{name or 'friend'}}` (SparkPost) or
    /// `{{name | default: 'friend'}}` (Liquid), in either quotes.
    Mustache,
    /// `*|NAME|*` (Mailchimp, Mandrill).
    Mailchimp,
    /// `%%name%%` (Salesforce Marketing Cloud); names may hold spaces.
    Salesforce,
    /// `%recipient.name%` (Mailgun); the field is called `name`.
    Mailgun,
}

/// A merge tag that is a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The tag in the template.
    pub(crate) range: Range<usize>,
    pub(crate) name: Box<str>,
    /// The value goes in as it is.
    pub(crate) raw: bool,
    pub(crate) default: Option<Box<str>>,
}

/// What a search for fields found, each in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) fields: Vec<Field>,
    /// Merge tags that are no fields.
    pub(crate) others: Vec<Range<usize>>,
}

impl Field {
    /// What the delivery says of it.
    pub(crate) fn value<'a>(&'a self, delivery: &'a Delivery) -> Result<&'a str> {
        match delivery.value(&self.name).or(self.default.as_deref()) {
            Some(value) => Ok(value),
            None => Err(Error::new(
                ErrorKind::Delivery,
                format!("expected a value for the merge field `{}`, found none", self.name),
            )),
        }
    }
}
