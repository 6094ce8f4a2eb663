//! What a part says of itself: Content-Type, Content-Transfer-Encoding, Content-Disposition.
//! RFC 2045 sections 5 and 6, RFC 2183.

use super::parameter::{Known, Lexer, Parameters, is_blank};

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
                let value = format!("{head}{}", piece.repeat(1 << 16));
                ContentType::parse(value.as_bytes());
                Disposition::parse(value.as_bytes());
                Encoding::parse(value.as_bytes());
            }
        }
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}
