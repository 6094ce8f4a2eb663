//! Nasty messages from any bytes: each byte is a choice.

use super::codec;

/// Boundaries that are prefixes of each other, or look like what stands around them.
const BOUNDARIES: [&str; 8] = ["b", "bb", "b-", "b--", "--", "=_b", "b b", "From "];

const TYPES: [&str; 32] = [
    "text/html",
    "text/html",
    "text/html",
    "text/html",
    "text/html; charset=us-ascii",
    "multipart/alternative",
    "multipart/mixed",
    "multipart/related",
    "text/html",
    "text/html; charset=utf-8",
    "TEXT/HTML;\n charset=\"iso-8859-1\"",
    "text/html; charset=utf-16le",
    "text/html; charset=utf-16be",
    "text/html; charset=ISO-2022-JP",
    "text/html; charset=gb18030",
    "text/html; charset=x-unknown",
    "text/html; charset=utf-7",
    "text/html; name=x.html",
    "text/plain; charset=utf-8",
    "text/plain; format=flowed",
    "image/png",
    "application/pkcs7-mime",
    "text/x-amp-html",
    "message/rfc822",
    "multipart/mixed",
    "multipart/alternative",
    "multipart/alternative",
    "multipart/related",
    "multipart/signed",
    "multipart/encrypted",
    "multipart/report",
    "multipart/digest",
];

/// Lines of a header block beside the ones above.
const FIELDS: [&str; 32] = [
    "Subject: =?utf-8?Q?=E2=82=AC?=",
    "Message-ID: <m@x.example>",
    "X-Sp-Message-Id: m-2",
    "X-Sp-Message-Id: two words",
    "To: Reader <reader@example.org>",
    "To: a@x.example, b@x.example",
    "List-Unsubscribe: <https://x.example/>, <mailto:u@x.example>",
    "Content-Length: 10",
    "Content-Length:\n 4711",
    "Lines: 3",
    "DKIM-Signature: v=1; b=abc",
    "ARC-Seal: i=1",
    "X-MSYS-API: {\"options\": {\"click_tracking\": false}}",
    "X-MSYS-API: {\"options\": {\"initial_open\": false},\n \"campaign_id\": \"c\"}",
    "X-MSYS-API: {\"options\"",
    "X-Job: spring sale",
    "X-Job: a\0b",
    "From: news@x.example",
    "Content-Disposition: attachment",
    "Content-Disposition: inline; filename=x.html",
    "Content-ID: <root>",
    "Content-MD5: x",
    "Content-Type: text/html",
    "Content-Transfer-Encoding: base64",
    "From reader Sat",
    ">From reader Sat",
    " folded",
    "junk",
    "Subject : x\n\ty",
    "Resent-To: c@x.example",
    "X-Mailgun-Track: no",
    "MIME-Version: 1.0",
];

const HTML: [&str; 74] = [
    "<a href=\"https://x.example/\">",
    "<a href=http://x.example/?a=1&b=2>",
    "<a href='https://y.example/p?q=a&amp;b'>",
    "<A HREF = https://x.example/é >",
    "<a/href=https://z.example/>",
    "<a href=\"https://x.example/\" data-msys-clicktrack=\"0\">",
    "<a data-msys-linkname=n href=\"https://x.example/n\">",
    "<a\ndata-msys-clicktrack=1>",
    "<a\r\n data-msys-linkname=\n href=https://x.example/>",
    "<path/data-msys-linkname>",
    "<p data-msys-sublink/>",
    "<a x data-msys-unsubscribe=1 =v>",
    "<a class=c\n href=\"https://x.example/folded\"\n title=\"t\">",
    "<a href=\"https://x.example/\n/two\">",
    "<a href=\"mailto:a@b.example\">",
    "<a href=\"{{url}}\">",
    "<a href=\"https://track.example.com/x\">",
    "</a>",
    "<area href=http://x.example/map>",
    "<p>",
    "<b>",
    "<div style=\"display:none\">",
    "</div>",
    "<table><tr><td>",
    "<html>",
    "<head>",
    "<meta charset=iso-8859-1>",
    "<meta charset=utf-16>",
    "</head>",
    "<body>",
    "<body class=\"x\">",
    "</body>",
    "</html>",
    "<!doctype html>",
    "<frameset>",
    "<template>",
    "<title>",
    "</title>",
    "<style>",
    "</style>",
    "<!--[if mso]>",
    "<v:rect href=\"https://v.example/\">",
    "<![endif]-->",
    "<!--",
    "-->",
    "<svg><a xlink:href=http://x.example/svg>",
    "{{openclick:pixel}}",
    "{{openclick:",
    "text http://x.example/t?a=1 ",
    "text ",
    " ",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "=",
    "=3D",
    ".",
    "\n.\n",
    "\nFrom ",
    "From ",
    "-",
    "--",
    "\n--b",
    "\n--bb--\n",
    "é",
    "😀",
    "\u{feff}",
    "\0",
    "-----BEGIN PGP SIGNED MESSAGE-----",
    "\u{1b}$B$\"<a\u{1b}(B",
    "<https://x.example/t>",
    "[[data-msys-clicktrack=\"0\"]]",
];

/// Text so long that lines pass their limits.
const LONG: [(&str, usize); 8] =
    [("x", 70), ("x", 900), ("x", 1100), ("x ", 480), ("=", 30), ("é", 40), (" ", 80), ("<b c>", 180)];

/// What stands in an encoded body as it is.
const RAW: [&str; 16] = [
    "=\n",
    "= \n",
    "=\r\n",
    "=",
    "=3",
    "=zz",
    "=3d",
    "=20\n",
    "QUJD",
    "QQ==",
    "=\n--b",
    "=\n.",
    "=\nFrom ",
    "\u{80}",
    "  \n",
    "footer text\n",
];

#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    QuotedPrintable(usize),
    Base64(usize),
}

const ENCODINGS: [(&str, Encoding); 12] = [
    ("", Encoding::Identity),
    ("7bit", Encoding::Identity),
    ("8bit", Encoding::Identity),
    ("binary", Encoding::Identity),
    ("Quoted-Printable", Encoding::QuotedPrintable(76)),
    ("quoted-printable", Encoding::QuotedPrintable(76)),
    ("quoted-printable", Encoding::QuotedPrintable(20)),
    ("quoted-printable", Encoding::QuotedPrintable(5000)),
    ("base64", Encoding::Base64(76)),
    ("BASE64", Encoding::Base64(60)),
    ("base64", Encoding::Base64(4000)),
    ("x-uuencode", Encoding::Identity),
];

struct Made<'a> {
    choices: std::slice::Iter<'a, u8>,
    message: Vec<u8>,
    line_end: &'static str,
    encoding: Encoding,
    utf16: Option<bool>,
    /// Text of the part that is not encoded yet.
    waiting: Vec<u8>,
    open: Vec<&'static str>,
}

/// A message from a list of choices.
pub(crate) fn message(choices: &[u8]) -> Vec<u8> {
    let mut made = Made {
        choices: choices[..choices.len().min(300)].iter(),
        message: Vec::new(),
        line_end: "\n",
        encoding: Encoding::Identity,
        utf16: None,
        waiting: Vec::new(),
        open: Vec::new(),
    };
    let first = made.next();
    if first & 1 != 0 {
        made.line_end = "\r\n";
    }
    for _ in 0..first >> 1 & 3 {
        let field = made.of(&FIELDS);
        made.line(field);
    }
    made.header();
    while let Some(&choice) = made.choices.next() {
        match choice {
            0..=25 => {
                let boundary = made.boundary();
                made.delimiter(boundary, "");
                made.header();
            }
            26..=33 => {
                let boundary = made.boundary();
                made.delimiter(boundary, "--");
            }
            34 => {
                made.flush();
                made.line_end = if made.line_end == "\n" { "\r\n" } else { "\n" };
            }
            35..=60 => {
                made.flush();
                let raw = made.of(&RAW);
                made.line_of(raw, "");
            }
            61..=80 => {
                let (text, count) = LONG[usize::from(choice) % LONG.len()];
                made.waiting.extend_from_slice(text.repeat(count).as_bytes());
            }
            _ => {
                let text = HTML[usize::from(choice - 81) % HTML.len()];
                let text = if made.line_end == "\r\n" && text == "\n" { "\r\n" } else { text };
                made.waiting.extend_from_slice(text.as_bytes());
            }
        }
    }
    made.flush();
    made.message
}

impl Made<'_> {
    fn next(&mut self) -> u8 {
        self.choices.next().copied().unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::from(self.next()) % list.len()]
    }

    fn line(&mut self, text: &str) {
        self.line_of(text, self.line_end);
    }

    fn line_of(&mut self, text: &str, end: &str) {
        self.message.extend_from_slice(text.replace('\n', self.line_end).as_bytes());
        self.message.extend_from_slice(end.as_bytes());
    }

    /// The innermost multipart's mostly.
    fn boundary(&mut self) -> &'static str {
        let choice = self.next();
        match self.open.last() {
            Some(last) if choice < 150 => last,
            Some(_) if choice < 200 => self.open[usize::from(choice) % self.open.len()],
            _ => BOUNDARIES[usize::from(choice) % BOUNDARIES.len()],
        }
    }

    fn delimiter(&mut self, boundary: &str, after: &str) {
        self.flush();
        let how = self.next();
        let padding = if how.is_multiple_of(16) { " \t" } else { "" };
        if how % 16 < 12 || !self.message.ends_with(b"\n") {
            self.line("");
        }
        self.line(&format!("--{boundary}{after}{padding}"));
        if after == "--" {
            self.open.pop();
        }
    }

    fn header(&mut self) {
        let media_type = self.of(&TYPES);
        let (encoding, how) = self.of(&ENCODINGS);
        let choice = self.next();
        self.utf16 = media_type.strip_prefix("text/html; charset=utf-16").map(|order| order == "be");
        let mut parameters = String::new();
        if media_type.starts_with("multipart/") {
            let boundary = BOUNDARIES[usize::from(choice) % BOUNDARIES.len()];
            parameters = format!("; boundary=\"{boundary}\"");
            self.open.push(boundary);
        }
        if media_type == "multipart/related" && choice & 8 != 0 {
            parameters += "; start=\"<root>\"";
        }
        self.line(&format!("Content-Type: {media_type}{parameters}"));
        self.encoding = Encoding::Identity;
        if !encoding.is_empty() && !media_type.starts_with("multipart/") {
            self.line(&format!("Content-Transfer-Encoding: {encoding}"));
            self.encoding = how;
        }
        if choice >= 200 {
            let field = self.of(&FIELDS);
            self.line(field);
        }
        if choice != 255 {
            self.line("");
        }
    }

    fn flush(&mut self) {
        let mut text = std::mem::take(&mut self.waiting);
        if let Some(is_big_endian) = self.utf16 {
            let bytes = |unit: u16| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text = String::from_utf8_lossy(&text).encode_utf16().flat_map(bytes).collect();
        }
        let text = match self.encoding {
            Encoding::Identity => text,
            Encoding::QuotedPrintable(width) => codec::to_quoted_printable(&text, width, self.line_end),
            Encoding::Base64(width) => codec::to_base64(&text, width, self.line_end),
        };
        self.message.extend(text);
    }
}
