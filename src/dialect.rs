//! The attributes by which authors steer tracking: SparkPost's, and other senders' opt-outs, so that a
//! template moves here unchanged.

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;
use std::sync::LazyLock;

use memchr::{memchr3_iter, memmem};

use crate::charset::Charset;
use crate::edit::Edit;
use crate::error::{Error, ErrorKind};
use crate::html::attribute;
use crate::html::tag::{Attribute, Attributes, is_space};

/// A sender whose attributes are understood. [`Dialect::SparkPost`] is on by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// `data-msys-clicktrack`, `data-msys-linkname`, `data-msys-unsubscribe`, `data-msys-sublink`.
    SparkPost,
    /// `clicktracking=off`.
    SendGrid,
    /// `ses:no-track`; `ses:tags` is removed.
    Ses,
    /// `disable-tracking=true`.
    Mailgun,
    /// `data-pm-no-track`.
    Postmark,
    /// `mc:disable-tracking`.
    Mandrill,
    /// `data-skip-click`.
    Ahoy,
    /// `data-no-track`.
    Kannon,
    /// `mautic:disable-tracking`.
    Mautic,
    /// `data-mg-notrack`.
    Mailglass,
    /// `mb_dontconvertlink` and any `…_dontconvertlink`.
    CampaignMonitor,
    /// Class `untracked`; the class stays.
    CustomerIo,
    /// Scheme `https+notrack:`, restored to `https:`.
    Postal,
}

impl Dialect {
    /// Every dialect, in the order of the documentation.
    pub const ALL: [Dialect; 13] = [
        Dialect::SparkPost,
        Dialect::SendGrid,
        Dialect::Ses,
        Dialect::Mailgun,
        Dialect::Postmark,
        Dialect::Mandrill,
        Dialect::Ahoy,
        Dialect::Kannon,
        Dialect::Mautic,
        Dialect::Mailglass,
        Dialect::CampaignMonitor,
        Dialect::CustomerIo,
        Dialect::Postal,
    ];

    /// The name of the configuration file, such as `sparkpost`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::SparkPost => "sparkpost",
            Dialect::SendGrid => "sendgrid",
            Dialect::Ses => "ses",
            Dialect::Mailgun => "mailgun",
            Dialect::Postmark => "postmark",
            Dialect::Mandrill => "mandrill",
            Dialect::Ahoy => "ahoy",
            Dialect::Kannon => "kannon",
            Dialect::Mautic => "mautic",
            Dialect::Mailglass => "mailglass",
            Dialect::CampaignMonitor => "campaignmonitor",
            Dialect::CustomerIo => "customerio",
            Dialect::Postal => "postal",
        }
    }
}

impl FromStr for Dialect {
    type Err = Error;

    fn from_str(name: &str) -> Result<Dialect, Error> {
        Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.as_str()).collect();
            Error::new(
                ErrorKind::Configuration,
                format!("expected a dialect (one of {}), found `{name}`", known.join(", ")),
            )
        })
    }
}

/// The longest link name in a token, in bytes.
const LINK_NAME: usize = 63;

/// A set of dialects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialects(u16);

impl Dialects {
    pub(crate) const NONE: Dialects = Dialects(0);

    pub(crate) fn with(self, dialect: Dialect) -> Dialects {
        Dialects(self.0 | 1 << dialect as u16)
    }

    pub(crate) fn has(self, dialect: Dialect) -> bool {
        self.0 & 1 << dialect as u16 != 0
    }

    /// Whether every attribute must be looked at: SparkPost's alone are found by their `msys`.
    pub(crate) fn beyond_sparkpost(self) -> bool {
        self.0 & !(1 << Dialect::SparkPost as u16) != 0
    }

    /// What an attribute of this name means, if it is a tracking attribute.
    fn mark(self, name: &[u8]) -> Option<Mark> {
        use Dialect as D;
        let on = |dialect| self.has(dialect);
        // `ses:tags` is the shortest; most others of a tag are shorter.
        if name.len() < 8 {
            return None;
        }
        // Every attribute of a marked tag comes here: no allocation. Longer names have only their end looked at.
        let mut lower = [0; 24];
        let tail = &name[name.len().saturating_sub(lower.len())..];
        let lower = &mut lower[..tail.len()];
        lower.copy_from_slice(tail);
        lower.make_ascii_lowercase();
        let lower = &*lower;
        if name.len() > lower.len() {
            let is_mark = on(D::CampaignMonitor) && lower.ends_with(b"_dontconvertlink");
            return is_mark.then_some(Mark::OptOut);
        }
        Some(match lower {
            b"data-msys-clicktrack" if on(D::SparkPost) => Mark::OptOutIf("0"),
            b"data-msys-linkname" if on(D::SparkPost) => Mark::LinkName,
            b"data-msys-unsubscribe" if on(D::SparkPost) => Mark::Unsubscribe,
            b"data-msys-sublink" if on(D::SparkPost) => Mark::Sublink,
            b"clicktracking" if on(D::SendGrid) => Mark::OptOutIf("off"),
            b"ses:no-track" if on(D::Ses) => Mark::OptOut,
            b"ses:tags" if on(D::Ses) => Mark::Nothing,
            b"disable-tracking" if on(D::Mailgun) => Mark::OptOutIf("true"),
            b"data-pm-no-track" if on(D::Postmark) => Mark::OptOut,
            b"mc:disable-tracking" if on(D::Mandrill) => Mark::OptOut,
            b"data-skip-click" if on(D::Ahoy) => Mark::OptOut,
            b"data-no-track" if on(D::Kannon) => Mark::OptOut,
            b"mautic:disable-tracking" if on(D::Mautic) => Mark::OptOut,
            b"data-mg-notrack" if on(D::Mailglass) => Mark::OptOut,
            name if on(D::CampaignMonitor) && name.ends_with(b"_dontconvertlink") => Mark::OptOut,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    OptOut,
    OptOutIf(&'static str),
    LinkName,
    Unsubscribe,
    Sublink,
    Nothing,
}

impl Mark {
    /// A bit of its own for each mark that has a value, and so for each such name.
    fn bit(self) -> u8 {
        match self {
            Mark::OptOut => 0,
            Mark::OptOutIf("0") => 1,
            Mark::OptOutIf("off") => 1 << 1,
            Mark::OptOutIf(_) => 1 << 2,
            Mark::LinkName => 1 << 3,
            Mark::Unsubscribe => 1 << 4,
            Mark::Sublink => 1 << 5,
            Mark::Nothing => 1 << 6,
        }
    }
}

/// What the tracking attributes of one tag say.
#[derive(Debug, Default)]
pub(crate) struct Directives {
    pub(crate) opt_out: bool,
    pub(crate) link_name: Option<String>,
    pub(crate) unsubscribe: bool,
    pub(crate) sublink: Option<String>,
    /// The name of an attribute of the tag begins with `=`.
    has_equals: bool,
    /// The attributes to remove, in source order; ranges are relative to the tag.
    pub(crate) remove: Vec<Attribute>,
}

impl Directives {
    pub(crate) fn of(tag: &[u8], dialects: Dialects, charset: Charset) -> Directives {
        let mut directives = Directives::default();
        let mut seen = 0;
        let mut classed = false;
        for attribute in Attributes::of(tag) {
            let name = &tag[attribute.name.clone()];
            let raw = &tag[attribute.value.clone()];
            directives.has_equals |= name.first() == Some(&b'=');
            if dialects.has(Dialect::CustomerIo) && !classed && name.eq_ignore_ascii_case(b"class") {
                classed = true;
                let raw = htmlize::unescape_bytes_in(raw, htmlize::Context::Attribute);
                let mut classes = raw.split(|&byte| is_space(byte));
                directives.opt_out |= classes.any(|class| class == b"untracked");
            }
            let Some(mark) = dialects.mark(name) else { continue };
            // Of a duplicated attribute the first counts, and all go.
            if mark == Mark::OptOut {
                directives.opt_out = true;
            } else if seen & mark.bit() == 0 {
                seen |= mark.bit();
                let value = attribute::decode(raw, charset).unwrap_or_default();
                directives.apply(mark, &value);
            }
            directives.remove.push(attribute);
        }
        directives
    }

    /// Of attributes that stand in no tag; of a duplicated one the first counts. Nothing is to be removed.
    pub(crate) fn of_pairs<'a>(
        pairs: impl Iterator<Item = (&'a [u8], Cow<'a, str>)>,
        dialects: Dialects,
    ) -> Directives {
        let mut directives = Directives::default();
        let mut seen = 0;
        for (name, value) in pairs {
            if let Some(mark) = dialects.mark(name)
                && seen & mark.bit() == 0
            {
                seen |= mark.bit();
                directives.apply(mark, &value);
            }
        }
        directives
    }

    fn apply(&mut self, mark: Mark, value: &str) {
        match mark {
            Mark::OptOut => self.opt_out = true,
            Mark::OptOutIf(word) => self.opt_out |= value.trim_ascii().eq_ignore_ascii_case(word),
            Mark::LinkName => {
                let name = &value[..value.floor_char_boundary(LINK_NAME)];
                self.link_name = (!name.is_empty()).then(|| name.to_owned());
            }
            Mark::Unsubscribe => self.unsubscribe = value.trim_ascii() == "1",
            Mark::Sublink => {
                let valid = (1..=64).contains(&value.len())
                    && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                self.sublink = valid.then(|| value.to_owned());
            }
            Mark::Nothing => {}
        }
    }
}

/// The edits that remove attributes from a tag, such that no other attribute changes and the tag
/// does not become self-closing. Ranges are relative to the tag.
pub(crate) fn removal(tag: &[u8], directives: &Directives) -> Vec<Edit> {
    let remove = &directives.remove;
    let mut edits: Vec<Edit> = Vec::with_capacity(remove.len());
    let joining = if directives.has_equals { joining(tag, remove) } else { Vec::new() };
    for (index, attribute) in remove.iter().enumerate() {
        let Range { start, end } = attribute.whole;
        let next = tag.get(end).copied().unwrap_or(b'>');
        // The white space before it goes too where white space or the tag's end follows; else it
        // keeps `<a k="0"href=u>` from becoming `<ahref=u>`.
        let mut from = start;
        if is_space(next) || next == b'>' {
            while is_space(tag[from - 1]) {
                from -= 1;
            }
        }
        let mut replacement = Vec::new();
        if next == b'>' && tag[last_kept(from, &edits)] == b'/' {
            replacement.push(b' '); // `<path/k>` must not close itself
        } else if joining.binary_search(&index).is_ok() {
            replacement.push(b'/');
        }
        edits.push(Edit { range: from..end, replacement });
    }
    edits
}

/// The index of the last byte before `from` that no edit removes.
fn last_kept(from: usize, edits: &[Edit]) -> usize {
    let mut at = from;
    for edit in edits.iter().rev() {
        if edit.range.end != at || !edit.replacement.is_empty() {
            break;
        }
        at = edit.range.start;
    }
    at - 1
}

/// Which of the removed attributes stand between one without a value and one whose name begins with
/// `=`, so that without them the second would become the value of the first.
fn joining(tag: &[u8], remove: &[Attribute]) -> Vec<usize> {
    let mut joining = Vec::new();
    let mut before_has_value = true;
    let mut between = None;
    let mut removed = 0;
    for attribute in Attributes::of(tag) {
        if remove.get(removed) == Some(&attribute) {
            between = Some(removed);
            removed += 1;
            continue;
        }
        if let Some(index) = between.take()
            && tag[attribute.name.start] == b'='
            && !before_has_value
        {
            joining.push(index);
        }
        before_has_value = attribute.has_value;
    }
    joining
}

/// Where `msys` first stands, in any case. Lower case is searched for as a word, the other spellings
/// by their capitals, which are rare in markup.
pub(crate) fn find_msys(bytes: &[u8]) -> usize {
    static LOWER: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("msys"));
    let lower = LOWER.find(bytes).unwrap_or(bytes.len());
    let capital = memchr3_iter(b'M', b'S', b'Y', &bytes[..lower]).find_map(|at| {
        let around = at.saturating_sub(3)..bytes.len().min(at + 4);
        let found = bytes[around.clone()].windows(4).position(|word| word.eq_ignore_ascii_case(b"msys"));
        found.map(|index| around.start + index)
    });
    capital.unwrap_or(lower)
}

/// Whether the tag with these edits has the same attributes but for the removed ones: a check for
/// tests and fuzzing.
#[cfg(any(test, debug_assertions))]
pub(crate) fn removal_is_clean(tag: &[u8], remove: &[Attribute], edits: &[Edit]) -> bool {
    use crate::html::tag::{is_self_closing, name_range};
    let mut result = tag.to_vec();
    for edit in edits.iter().rev() {
        result.splice(edit.range.clone(), edit.replacement.iter().copied());
    }
    let pairs = |tag: &[u8], skip: &[Attribute]| -> Vec<(Vec<u8>, Vec<u8>)> {
        Attributes::of(tag)
            .filter(|attribute| !skip.contains(attribute))
            .map(|attribute| (tag[attribute.name].to_vec(), tag[attribute.value].to_vec()))
            .collect()
    };
    pairs(tag, remove) == pairs(&result, &[])
        && tag[name_range(tag)] == result[name_range(&result)]
        && is_self_closing(tag) == is_self_closing(&result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(tag: &str) -> String {
        let charset = Charset::of_label("utf-8");
        let dialects = Dialects::NONE.with(Dialect::Kannon).with(Dialect::Ahoy);
        let tag = tag.replace('k', "data-no-track").replace('l', "data-skip-click");
        let directives = Directives::of(tag.as_bytes(), dialects, charset);
        let edits = removal(tag.as_bytes(), &directives);
        assert!(removal_is_clean(tag.as_bytes(), &directives.remove, &edits), "{tag}");
        let mut result = tag.into_bytes();
        for edit in edits.iter().rev() {
            result.splice(edit.range.clone(), edit.replacement.iter().copied());
        }
        String::from_utf8(result).unwrap()
    }

    #[test]
    fn removal_joins_nothing_and_closes_nothing() {
        for (tag, result) in [
            ("<a k=\"0\" href=u>", "<a href=u>"),
            ("<a href=u k>", "<a href=u>"),
            ("<a href=u\n k = 0 >", "<a href=u >"),
            ("<a k=\"0\"href=u>", "<a href=u>"),
            ("<a x=y k/>", "<a x=y />"),
            ("<path/k>", "<path/ >"),
            ("<path/k/>", "<path//>"),
            ("<path/k l>", "<path/ >"),
            ("<a x k=0 =v>", "<a x/ =v>"),
            ("<a x k='0'=v>", "<a x /=v>"),
            ("<a k=0 =v>", "<a =v>"),
            ("<a x=1 k=0 =v>", "<a x=1 =v>"),
            ("<a x k l=0 =v>", "<a x/ =v>"),
            ("<a k k=1 x>", "<a x>"),
            ("<a k=0>", "<a>"),
            ("<a k=0/>", "<a>"),
            ("<a k='0'/>", "<a />"),
        ] {
            assert_eq!(removed(tag), result, "{tag}");
        }
    }

    proptest::proptest! {
        #[test]
        fn removal_is_always_clean(tag in "<a[ /]([kl xy='\"/\n]|k=|='1'){0,16}>") {
            let tag = tag.as_bytes();
            if end_is_last(tag) {
                removed(std::str::from_utf8(tag).unwrap());
            }
        }
    }

    fn end_is_last(tag: &[u8]) -> bool {
        use crate::html::tag::{TagState, end_of_tag};
        end_of_tag(tag, &mut TagState::Name, &mut false) == Some(tag.len())
    }
}
