//! What a part says of itself: Content-Type, Content-Transfer-Encoding, Content-Disposition.
//! RFC 2045 sections 5 and 6, RFC 2183, RFC 2231. All of it is read as leniently as mail clients do.

/// A Content-Type. RFC 2045 section 5.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContentType {
    /// `type/subtype` in lower case; none where the field does not say.
    pub(super) media_type: Option<String>,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<Vec<u8>>,
    /// RFC 2387 section 3.2: the Content-ID of the root of a multipart/related.
    pub(super) start: Option<Vec<u8>>,
    /// RFC 3676: `format=flowed` and `delsp=yes`.
    pub(super) flowed: bool,
    pub(super) delsp: bool,
    /// There is a `name`, which mail clients take for a file name.
    pub(super) named: bool,
    /// A parameter is there twice, and the two differ; or the value cannot be told from a comment.
    pub(super) contradicts: bool,
}

impl ContentType {
    pub(super) fn parse(value: &[u8]) -> ContentType {
        let mut lexer = Lexer::new(value);
        let media_type = lexer.media_type();
        let mut parameters = Parameters::default();
        while let Some(parameter) = lexer.parameter() {
            parameters.add(parameter);
        }
        let mut contradicts = lexer.endless_comment;
        let mut resolve = |known: Known, exact: bool| {
            let (value, differing) = parameters.resolve(known, exact);
            contradicts |= differing;
            value
        };
        let text = |value: Vec<u8>| match String::from_utf8(value) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        let charset = resolve(Known::Charset, false).map(text).filter(|label| !label.is_empty());
        // RFC 2046 section 5.1.1: a boundary does not end in white space, and its delimiter lines may.
        let mut boundary = resolve(Known::Boundary, true);
        if let Some(boundary) = &mut boundary {
            boundary.truncate(boundary.trim_ascii_end().len());
        }
        let start = resolve(Known::Start, true);
        let flowed = resolve(Known::Format, false).is_some_and(|v| v.eq_ignore_ascii_case(b"flowed"));
        let delsp = resolve(Known::DelSp, false).is_some_and(|v| v.eq_ignore_ascii_case(b"yes"));
        let named = parameters.has(Known::Name);
        ContentType { media_type, charset, boundary, start, flowed, delsp, named, contradicts }
    }

    /// Takes what a second Content-Type field of the same part says. Only where nobody can read the
    /// part differently may they stand together: one may name a charset where the other is silent.
    pub(super) fn merge(&mut self, other: ContentType) {
        let same_charset = match (&self.charset, &other.charset) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => true,
        };
        self.contradicts |= other.contradicts
            || !same_charset
            || self.media_type != other.media_type
            || self.boundary != other.boundary
            || self.start != other.start
            || self.flowed != other.flowed
            || self.delsp != other.delsp;
        self.charset = self.charset.take().or(other.charset);
        self.named |= other.named;
    }
}

/// A Content-Transfer-Encoding. RFC 2045 section 6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Also where the field is missing.
    SevenBit,
    EightBit,
    Binary,
    QuotedPrintable,
    Base64,
    Unknown,
}

impl Encoding {
    pub(super) fn parse(value: &[u8]) -> Encoding {
        let mut lexer = Lexer::new(value);
        lexer.skip_blanks();
        let name = lexer.take_until(|byte| byte == b';' || byte == b'(' || is_blank(byte));
        // `quoted-printable;` is seen in the wild.
        lexer.skip_separators();
        if !lexer.rest.is_empty() || lexer.endless_comment {
            return Encoding::Unknown;
        }
        match name.to_ascii_lowercase().as_slice() {
            b"" | b"7bit" => Encoding::SevenBit,
            b"8bit" => Encoding::EightBit,
            b"binary" => Encoding::Binary,
            b"quoted-printable" => Encoding::QuotedPrintable,
            b"base64" => Encoding::Base64,
            _ => Encoding::Unknown,
        }
    }

    /// What is there is what is meant: nothing is encoded.
    pub(crate) fn is_identity(self) -> bool {
        matches!(self, Encoding::SevenBit | Encoding::EightBit | Encoding::Binary)
    }
}

/// A Content-Disposition. RFC 2183.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    pub(super) inline: bool,
    /// Something other than `inline`: RFC 2183 section 2.8 wants every unknown word to be an attachment.
    pub(super) attachment: bool,
    pub(super) named: bool,
}

impl Disposition {
    pub(super) fn parse(value: &[u8]) -> Disposition {
        let mut lexer = Lexer::new(value);
        lexer.skip_blanks();
        let start = lexer.rest;
        let word = lexer.value();
        lexer.skip_blanks();
        // `Content-Disposition: filename=x` names no disposition.
        if lexer.rest.starts_with(b"=") || word.contains(&b'=') {
            lexer.rest = start;
        }
        let said = lexer.rest.len() != start.len();
        let inline = said && word.eq_ignore_ascii_case(b"inline");
        let mut parameters = Parameters::default();
        while let Some(parameter) = lexer.parameter() {
            parameters.add(parameter);
        }
        Disposition {
            inline,
            attachment: said && !inline && !word.is_empty(),
            named: parameters.has(Known::FileName),
        }
    }
}

/// Reads a structured value as it stands, folding and all.
struct Lexer<'a> {
    rest: &'a [u8],
    /// A comment has no end, so that nobody knows what is comment and what is not.
    endless_comment: bool,
}

impl<'a> Lexer<'a> {
    fn new(value: &'a [u8]) -> Lexer<'a> {
        Lexer { rest: value, endless_comment: false }
    }

    fn take_until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|&byte| stop(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Blanks, line breaks and comments. RFC 5322 section 3.2.2: comments nest and know quoted pairs.
    fn skip_blanks(&mut self) {
        let mut depth = 0usize;
        let mut at = 0;
        while let Some(&byte) = self.rest.get(at) {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => at += 1,
                _ if depth > 0 || is_blank(byte) => {}
                _ => break,
            }
            at += 1;
        }
        self.rest = self.rest.get(at..).unwrap_or_default();
        self.endless_comment |= depth > 0;
    }

    fn skip_separators(&mut self) {
        self.skip_blanks();
        while let [b';', rest @ ..] = self.rest {
            self.rest = rest;
            self.skip_blanks();
        }
    }

    fn media_type(&mut self) -> Option<String> {
        self.skip_blanks();
        let main = self.take_until(|byte| !is_token(byte));
        self.skip_blanks();
        self.rest = self.rest.strip_prefix(b"/")?;
        self.skip_blanks();
        let sub = self.take_until(|byte| !is_token(byte));
        let ends = matches!(self.rest.first(), None | Some(b';' | b'(')) || is_blank(self.rest[0]);
        if main.is_empty() || sub.is_empty() || !ends {
            return None;
        }
        let mut media_type = [main, b"/", sub].concat();
        media_type.make_ascii_lowercase();
        String::from_utf8(media_type).ok()
    }

    /// The next parameter's name, and its value if it has one.
    fn parameter(&mut self) -> Option<(&'a [u8], Option<Vec<u8>>)> {
        self.skip_separators();
        if self.rest.is_empty() {
            return None;
        }
        let name = self.take_until(|byte| matches!(byte, b'=' | b';' | b'(') || is_blank(byte));
        self.skip_blanks();
        let Some(rest) = self.rest.strip_prefix(b"=") else {
            return Some((name, None));
        };
        self.rest = rest;
        self.skip_blanks();
        Some((name, Some(self.value())))
    }

    fn value(&mut self) -> Vec<u8> {
        if self.rest.starts_with(b"\"") {
            return self.quoted();
        }
        // More than RFC 2045's tokens: unquoted boundaries full of `=`, `/` and `?` are everyday mail.
        self.take_until(|byte| matches!(byte, b';' | b'(') || is_blank(byte)).to_vec()
    }

    /// A quoted string, without the line breaks of its folding. One that nobody ends is ended by the
    /// line.
    fn quoted(&mut self) -> Vec<u8> {
        let inside = &self.rest[1..];
        let plain = inside.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\r' | b'\n'));
        let mut at = plain.unwrap_or(inside.len());
        let mut text = inside[..at].to_vec();
        while let Some(&byte) = inside.get(at) {
            match byte {
                b'"' => {
                    self.rest = &inside[at + 1..];
                    return text;
                }
                b'\\' if inside.get(at + 1).is_some_and(|next| !matches!(next, b'\r' | b'\n')) => {
                    at += 1;
                    text.push(inside[at]);
                }
                b'\n' => {}
                b'\r' if inside.get(at + 1) == Some(&b'\n') => {}
                _ => text.push(byte),
            }
            at += 1;
        }
        let line = inside.iter().position(|&byte| byte == b'\n').unwrap_or(inside.len());
        self.rest = &inside[line..];
        inside[..line].trim_ascii_end().to_vec()
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// RFC 2045 section 5.1: `token`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

/// The parameters that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Boundary,
    Charset,
    DelSp,
    FileName,
    Format,
    Name,
    Start,
}

const KNOWN: [(&[u8], Known); 7] = [
    (b"boundary", Known::Boundary),
    (b"charset", Known::Charset),
    (b"delsp", Known::DelSp),
    (b"filename", Known::FileName),
    (b"format", Known::Format),
    (b"name", Known::Name),
    (b"start", Known::Start),
];

/// How RFC 2231 spells a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// `name=`
    Plain,
    /// `name*=`
    Extended,
    /// `name*0=` and `name*0*=`
    Section(u32, bool),
}

impl Form {
    fn parse(stars: &[u8]) -> Option<Form> {
        let Some(stars) = stars.strip_prefix(b"*") else {
            return stars.is_empty().then_some(Form::Plain);
        };
        if stars.is_empty() {
            return Some(Form::Extended);
        }
        let (number, extended) = match stars.strip_suffix(b"*") {
            Some(number) => (number, true),
            None => (stars, false),
        };
        let digits = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(number).ok().filter(|_| digits)?.parse().ok()?;
        Some(Form::Section(number, extended))
    }
}

#[derive(Default)]
struct Parameters {
    found: Vec<(Known, Form, Vec<u8>)>,
}

impl Parameters {
    fn add(&mut self, (name, value): (&[u8], Option<Vec<u8>>)) {
        let (base, stars) = name.split_at(name.iter().position(|&byte| byte == b'*').unwrap_or(name.len()));
        let known = KNOWN.iter().find(|(name, _)| base.eq_ignore_ascii_case(name));
        if let (Some(&(_, known)), Some(form), Some(value)) = (known, Form::parse(stars), value) {
            self.found.push((known, form, value));
        }
    }

    fn has(&self, known: Known) -> bool {
        self.found.iter().any(|(name, ..)| *name == known)
    }

    /// The value, and whether another one contradicts it.
    fn resolve(&mut self, known: Known, exact: bool) -> (Option<Vec<u8>>, bool) {
        let mut found = self.found.iter_mut().filter(|(name, ..)| *name == known);
        match (found.next(), found.next()) {
            (None, _) => return (None, false),
            (Some((_, Form::Plain, value)), None) => return (Some(std::mem::take(value)), false),
            _ => {}
        }
        let mut values: Vec<Vec<u8>> = Vec::new();
        let mut sections: Vec<(u32, bool, &[u8])> = Vec::new();
        for (_, form, value) in self.found.iter().filter(|(name, ..)| *name == known) {
            match *form {
                Form::Plain => values.push(value.clone()),
                Form::Extended => values.push(percent_decoded(without_language(value))),
                Form::Section(number, extended) => sections.push((number, extended, value)),
            }
        }
        sections.sort_unstable();
        sections.dedup();
        let mut joined = Vec::new();
        let mut differs = false;
        for (index, &(number, extended, value)) in sections.iter().enumerate() {
            // A gap, or a number that is there twice: two readers may put it together differently.
            if number as usize != index {
                differs = true;
                break;
            }
            match (extended, index) {
                (true, 0) => joined.extend(percent_decoded(without_language(value))),
                (true, _) => joined.extend(percent_decoded(value)),
                (false, _) => joined.extend_from_slice(value),
            }
        }
        if !sections.is_empty() {
            values.push(joined);
        }
        let same = |one: &Vec<u8>, other: &Vec<u8>| {
            if exact { one == other } else { one.eq_ignore_ascii_case(other) }
        };
        differs |= values.windows(2).any(|pair| !same(&pair[0], &pair[1]));
        (values.into_iter().next(), differs)
    }
}

/// RFC 2231 section 4: `charset'language'value`.
fn without_language(value: &[u8]) -> &[u8] {
    value.splitn(3, |&byte| byte == b'\'').nth(2).unwrap_or(value)
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let hex = |byte: u8| (byte as char).to_digit(16);
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'%', &[high, low, ref after @ ..]) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    decoded.push((high * 16 + low) as u8);
                    rest = after;
                }
                _ => decoded.push(b'%'),
            },
            _ => decoded.push(*byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_type(value: &str) -> Option<String> {
        ContentType::parse(value.as_bytes()).media_type
    }

    fn boundary(value: &str) -> Option<String> {
        let read = ContentType::parse(value.as_bytes());
        assert!(!read.contradicts, "{value}");
        read.boundary.map(|boundary| String::from_utf8(boundary).unwrap())
    }

    #[test]
    fn media_types() {
        for html in [
            "text/html",
            " TEXT/Html;charset=x",
            "(c) TEXT/(d)HTML ; charset=UTF-8",
            "text/html (a (b\\)) c) ;",
            "\r\n\ttext\r\n /\r\n html",
            "text/html charset=utf-8",
            "text/html;;; charset=",
        ] {
            assert_eq!(media_type(html).as_deref(), Some("text/html"), "{html:?}");
        }
        for none in [
            "",
            "text",
            "text/",
            "/html",
            "text//html",
            "text/html/x",
            "text/html,x",
            "te xt/html",
            "(text/html",
        ] {
            assert_eq!(media_type(none), None, "{none:?}");
        }
    }

    #[test]
    fn boundaries() {
        let read = |value: &str| boundary(&format!("multipart/mixed; {value}"));
        let is = |value, expected: &str| assert_eq!(read(value).as_deref(), Some(expected), "{value:?}");
        is("boundary=abc", "abc");
        is("BOUNDARY = abc ; x=y", "abc");
        is("boundary=----=_Part/1?x:y; x", "----=_Part/1?x:y");
        is("boundary=\"a;b c\"", "a;b c");
        is("boundary=\"a\\\"b\\\\c\"", "a\"b\\c");
        is("boundary=\"a\r\n b\"", "a b");
        is("boundary=\"abc \"", "abc");
        is("boundary=\"abc", "abc");
        is("boundary=\"abc\r\n\tx=y", "abc");
        is("boundary=\"abc\\", "abc\\");
        is("boundary=abc(comment)", "abc");
        is("boundary=(comment)abc", "abc");
        is("x=\"boundary=no\"; boundary=\"yes\"", "yes");
        is("x=\"\\\"; boundary=no\"; boundary=yes", "yes");
        is("(boundary=no) boundary=yes", "yes");
        is("boundary*0=\"a\"; boundary*1=\"bc\"", "abc");
        is("boundary*1=bc; boundary*0=a", "abc");
        is("boundary*=us-ascii'en'a%20b%3d", "a b=");
        is("boundary*0*=us-ascii''a%20; boundary*1=b%20; boundary*2*=%63", "a b%20c");
        is("boundary*=a%2", "a%2");
        is("boundary=a; boundary=a; boundary*=''a", "a");
        assert_eq!(read("boundary"), None);
        assert_eq!(read("boundary*x=1; boundary*99999999999=2"), None);
        assert_eq!(read("boundary=").as_deref(), Some(""));
    }

    #[test]
    fn contradictions() {
        let contradicts =
            |value: &str| ContentType::parse(format!("text/html; {value}").as_bytes()).contradicts;
        assert!(contradicts("boundary=a; boundary=A"));
        assert!(contradicts("charset=a; charset*=''b"));
        assert!(contradicts("boundary*0=a; boundary*0=b"));
        assert!(contradicts("boundary*0=a; boundary*2=b"));
        assert!(contradicts("boundary*1=a"));
        assert!(contradicts("charset=a (b; boundary=c"));
        assert!(contradicts("(a \\) (b) charset=c"));
        assert!(!contradicts("charset=utf-8; charset=UTF-8; x=1; x=2; name=a; name=b"));
        let merged = |one: &str, other: &str| {
            let mut merged = ContentType::parse(one.as_bytes());
            merged.merge(ContentType::parse(other.as_bytes()));
            merged
        };
        let both = merged("text/html", "TEXT/HTML; charset=utf-8");
        assert!(!both.contradicts && both.charset.as_deref() == Some("utf-8"));
        assert!(merged("text/html", "text/plain").contradicts);
        assert!(merged("text/html; charset=a", "text/html; charset=b").contradicts);
        assert!(merged("multipart/mixed; boundary=a", "multipart/mixed").contradicts);
    }

    #[test]
    fn other_parameters() {
        let read = ContentType::parse(b"text/plain; format=Flowed; DelSp=yes; charset=\"utf-8\"; name*0=x");
        assert!(read.flowed && read.delsp && read.named);
        assert_eq!(read.charset.as_deref(), Some("utf-8"));
        let read = ContentType::parse(b"multipart/related; start=\"<root>\"; charset=");
        assert!(!read.flowed && !read.delsp && !read.named && read.charset.is_none());
        assert_eq!(read.start.as_deref(), Some(&b"<root>"[..]));
    }

    #[test]
    fn encodings() {
        let is = |value: &str, expected| assert_eq!(Encoding::parse(value.as_bytes()), expected, "{value:?}");
        is("", Encoding::SevenBit);
        is(" 7BIT", Encoding::SevenBit);
        is("8bit\r\n ", Encoding::EightBit);
        is("Binary", Encoding::Binary);
        is("quoted-printable;", Encoding::QuotedPrintable);
        is(" (c) Quoted-Printable (x)", Encoding::QuotedPrintable);
        is("\r\n\tBASE64(x) ; ;", Encoding::Base64);
        is("base64 quoted-printable", Encoding::Unknown);
        is("base64; x=y", Encoding::Unknown);
        is("base64 (x", Encoding::Unknown);
        is("x-uuencode", Encoding::Unknown);
    }

    #[test]
    fn dispositions() {
        let read = |value: &str| {
            let read = Disposition::parse(value.as_bytes());
            (read.inline, read.attachment, read.named)
        };
        assert_eq!(read("ATTACHMENT"), (false, true, false));
        assert_eq!(read(" (c) attachment; filename=\"a\""), (false, true, true));
        assert_eq!(read("Inline; FileName*0*=utf-8''x"), (true, false, true));
        assert_eq!(read("filename=x"), (false, false, true));
        assert_eq!(read("filename = x"), (false, false, true));
        assert_eq!(read("; filename=x"), (false, false, true));
        assert_eq!(read("other"), (false, true, false));
        assert_eq!(read(""), (false, false, false));
    }

    #[test]
    fn hostile_values_are_read_in_linear_time() {
        let start = std::time::Instant::now();
        for piece in
            ["(", ")", "\"", "a=\"\\", ";", "boundary=a;", "boundary*0=a;", "\\", "a=\"\n ", "a=", "(a)"]
        {
            for head in ["", "text/html", "text/html;"] {
                let value = format!("{head}{}", piece.repeat(1 << 18));
                ContentType::parse(value.as_bytes());
                Disposition::parse(value.as_bytes());
                Encoding::parse(value.as_bytes());
            }
        }
        assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    }
}
