//! What must hold of a message's headers for a stream.

use std::cell::OnceCell;
use std::fmt;

use url::Host;

use super::glob::Glob;
use crate::address;
use crate::error::{Error, ErrorKind, Result};
use crate::fields::HeaderFields;

/// A condition on a message's headers: a header, and globs of which one must match its value.
///
/// Values are unfolded and trimmed, and compared as they stand: encoded words are not decoded. A header that is not there
/// matches nothing, not even `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    what: What,
    globs: Vec<Glob>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// The first field of this name, since PowerMTA takes one.
    First(&'static str),
    FromDomain,
    /// Any field of this name.
    Header(String),
}

impl Condition {
    /// `X-Virtual-MTA`, with the name of a VirtualMTA or, as PowerMTA allows, of a pool. Of several such fields the first
    /// counts.
    ///
    /// # Errors
    /// As [`Glob::new`]; also if there are no globs.
    pub fn virtual_mta<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Condition> {
        Condition::new(What::First("X-Virtual-MTA"), globs)
    }

    /// `X-Virtual-MTA-Pool`, the name of a pool. Of several such fields the first counts.
    ///
    /// # Errors
    /// As [`Glob::new`]; also if there are no globs.
    pub fn pool<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Condition> {
        Condition::new(What::First("X-Virtual-MTA-Pool"), globs)
    }

    /// `X-Job`, the name of a job. Of several such fields the first counts.
    ///
    /// # Errors
    /// As [`Glob::new`]; also if there are no globs.
    pub fn job<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Condition> {
        Condition::new(What::First("X-Job"), globs)
    }

    /// The domain of the address in `From`. Where there are several addresses, each one's domain must match; a
    /// malformed `From` matches nothing, nor does one of more than 100 addresses. International domains are compared in Punycode, however message and glob
    /// write them.
    ///
    /// # Errors
    /// As [`Glob::new`]; also if there are no globs, or one has a label with both a wildcard and characters beyond ASCII.
    ///
    /// ```
    /// use openclick::stream::Condition;
    ///
    /// let own = Condition::from_domain(["example.com", "*.example.com", "bücher.example"])?;
    /// assert!(Condition::from_domain(["bü*.example"]).is_err());
    /// # Ok::<(), openclick::Error>(())
    /// ```
    pub fn from_domain<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Condition> {
        let mut ascii = Vec::new();
        for glob in globs {
            ascii.push(punycode(glob)?);
        }
        Condition::new(What::FromDomain, ascii.iter().map(String::as_str))
    }

    /// Any header, by its name in any case. Of several such fields one must match. Of a value over 8 KiB its beginning is compared.
    ///
    /// # Errors
    /// As [`Glob::new`]; also if there are no globs, or the name is none (RFC 5322 §2.2: visible ASCII without the
    /// colon).
    pub fn header<'a>(name: &str, globs: impl IntoIterator<Item = &'a str>) -> Result<Condition> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("expected the name of a header, found `{name}`"),
            ));
        }
        Condition::new(What::Header(name.to_owned()), globs)
    }

    fn new<'a>(what: What, globs: impl IntoIterator<Item = &'a str>) -> Result<Condition> {
        let globs: Vec<Glob> = globs.into_iter().map(Glob::new).collect::<Result<_>>()?;
        if globs.is_empty() {
            return Err(Error::new(ErrorKind::Configuration, "expected a pattern, found an empty list"));
        }
        Ok(Condition { what, globs })
    }

    pub(super) fn holds(&self, message: &Message<'_>) -> bool {
        let matches = |value: &[u8]| {
            let value = &value[..value.len().min(LONGEST_VALUE)];
            self.globs.iter().any(|glob| glob.matches(value))
        };
        match &self.what {
            What::First(name) => message.fields.first(name).is_some_and(matches),
            What::Header(name) => message.fields.all(name).any(matches),
            What::FromDomain => message
                .sender_domains()
                .is_some_and(|domains| domains.iter().all(|domain| matches(domain.as_bytes()))),
        }
    }
}

/// No more of a value is compared, in bytes: thousands of streams with costly globs meet headers of strangers.
const LONGEST_VALUE: usize = 8 * 1024;

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::First(name) => write!(f, "{name}: ")?,
            What::FromDomain => f.write_str("From domain: ")?,
            What::Header(name) => write!(f, "{name}: ")?,
        }
        for (index, glob) in self.globs.iter().enumerate() {
            write!(f, "{}{glob}", if index > 0 { " or " } else { "" })?;
        }
        Ok(())
    }
}

/// A message's headers, with what more than one condition asks of them.
pub(super) struct Message<'f> {
    fields: &'f HeaderFields<'f>,
    from_domains: OnceCell<Option<Vec<String>>>,
}

impl<'f> Message<'f> {
    pub(super) fn new(fields: &'f HeaderFields<'f>) -> Message<'f> {
        Message { fields, from_domains: OnceCell::new() }
    }

    fn sender_domains(&self) -> Option<&[String]> {
        self.from_domains.get_or_init(|| from_domains(self.fields)).as_deref()
    }
}

/// The domains of all addresses in From, in Punycode; none where there is no address, or what stands there is none.
fn from_domains(fields: &HeaderFields<'_>) -> Option<Vec<String>> {
    /// More authors than any mail has.
    const MOST: usize = 100;

    let mut domains = Vec::new();
    let mut total = 0;
    for value in fields.all("From") {
        let read = address::each(value, |address| {
            total += 1;
            if total <= MOST {
                domains.push(ascii(address.domain()));
            }
        });
        read.ok()?;
    }
    (1..=MOST).contains(&total).then_some(domains)
}

fn ascii(domain: &str) -> String {
    match Host::parse(domain) {
        Ok(host) => host.to_string(),
        Err(_) => domain.to_owned(),
    }
}

/// A glob for domains with its international labels in Punycode.
fn punycode(glob: &str) -> Result<String> {
    let label = |label: &str| match label {
        _ if label.is_ascii() => Ok(label.to_owned()),
        _ if label.contains(['*', '?']) => Err(Error::new(
            ErrorKind::Configuration,
            format!(
                "the pattern `{glob}`: a label with a wildcard must be ASCII; write it in Punycode (`xn--…`)"
            ),
        )),
        _ => Ok(ascii(label)),
    };
    let labels: Result<Vec<String>> = glob.split('.').map(label).collect();
    Ok(labels?.join("."))
}
