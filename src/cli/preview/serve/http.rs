//! As much of HTTP/1.1 as a page on one's own machine needs (RFC 9110, RFC 9112): one request for each connection, with
//! limits on everything that the other side decides.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Bytes of a request's head, and of its body.
const MOST_HEAD: usize = 16 * 1024;
pub(super) const MOST_BODY: usize = 32 << 20;

/// How long a request's head may take, a body, and an answer: however slowly they come, not how long they pause.
const HEAD_TIME: Duration = Duration::from_secs(5);
const BODY_TIME: Duration = Duration::from_secs(30);
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// What a browser asks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Without its query.
    pub(super) path: String,
    pub(super) query: String,
    fields: Vec<(String, String)>,
}

/// What it gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: &'static str,
    pub(super) policy: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A short text.
    pub(super) fn text(status: u16, text: impl Into<String>) -> Answer {
        let media_type = "text/plain; charset=utf-8";
        Answer { status, media_type, policy: "default-src 'none'".to_owned(), body: text.into().into_bytes() }
    }

    fn head(&self) -> String {
        let mut head = head(self.status, self.media_type, &self.policy);
        let _ = write!(head, "Content-Length: {}\r\n\r\n", self.body.len());
        head
    }
}

/// The lines that every answer has. The page is for its own origin alone, and nobody keeps it.
fn head(status: u16, media_type: &str, policy: &str) -> String {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {media_type}\r\nContent-Security-Policy: {policy}; frame-ancestors 'none'\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\nConnection: close\r\n"
    )
}

impl Request {
    /// Reads the head of a request; what came of its body already is the second. An error is the answer, or none where there
    /// is nobody to answer.
    pub(super) fn read(stream: &TcpStream) -> Result<(Request, Vec<u8>), Option<Answer>> {
        let until = Instant::now() + HEAD_TIME;
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        // Where the search goes on, so that a head in single bytes is not searched again and again.
        let mut searched = 0;
        loop {
            if let Some(end) = memchr::memmem::find(&bytes[searched..], b"\r\n\r\n") {
                let end = searched + end + 4;
                if end > MOST_HEAD {
                    return Err(Some(too_long()));
                }
                let rest = bytes.split_off(end);
                return Request::parse(&bytes).map(|request| (request, rest)).map_err(Some);
            }
            searched = bytes.len().saturating_sub(3);
            if bytes.len() > MOST_HEAD {
                return Err(Some(too_long()));
            }
            match read_before(stream, &mut buffer, until) {
                Ok(0) => return Err(None),
                Ok(length) => bytes.extend_from_slice(&buffer[..length]),
                Err(error) if is_late(&error) && !bytes.is_empty() => {
                    return Err(Some(Answer::text(408, "the request took too long")));
                }
                Err(_) => return Err(None),
            }
        }
    }

    fn parse(head: &[u8]) -> Result<Request, Answer> {
        let bad = |why: &str| Answer::text(400, why);
        let head = std::str::from_utf8(head).map_err(|_| bad("the head of the request is not UTF-8"))?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad("expected a method, a path and a version"));
        };
        if !target.starts_with('/') || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
            return Err(bad("expected a path and HTTP/1.1"));
        }
        let mut fields = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| bad("expected a header field"))?;
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            // RFC 9112 §5: no folding, no white space before the colon.
            if name.is_empty() || !name.bytes().all(is_token) || value.contains(['\r', '\n', '\0']) {
                return Err(bad("expected a header field"));
            }
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request =
            Request { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), fields };
        // RFC 9112 §3.2 and §6.3: what says two things is refused.
        for name in ["host", "origin", "content-length", "sec-fetch-site"] {
            if request.fields.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(bad("a header field stands twice"));
            }
        }
        Ok(request)
    }

    /// The value of a header field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Reads the body, of which `start` came already.
    pub(super) fn body(&self, mut stream: &TcpStream, start: Vec<u8>) -> Result<Vec<u8>, Option<Answer>> {
        let length = self.field("content-length").filter(|_| self.field("transfer-encoding").is_none());
        let length = length.and_then(|length| {
            let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
            length.parse::<usize>().ok().filter(|_| is_number)
        });
        let Some(length) = length else {
            return Err(Some(Answer::text(411, "expected a Content-Length")));
        };
        if length > MOST_BODY {
            return Err(Some(Answer::text(413, format!("a mail of more than {} MB", MOST_BODY >> 20))));
        }
        if self.field("expect").is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue")) {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| None)?;
        }
        let until = Instant::now() + BODY_TIME;
        let mut body = start;
        // The other side says the length, and may say too much: room is made as it comes.
        let mut buffer = vec![0; 64 * 1024];
        while body.len() < length {
            match read_before(stream, &mut buffer, until) {
                Ok(0) => return Err(None),
                Ok(read) => body.extend_from_slice(&buffer[..read]),
                Err(error) if is_late(&error) => {
                    return Err(Some(Answer::text(408, "the mail took too long")));
                }
                Err(_) => return Err(None),
            }
        }
        body.truncate(length);
        Ok(body)
    }
}

fn too_long() -> Answer {
    Answer::text(431, "the head of the request is too long")
}

/// Reads what is there before this time.
fn read_before(mut stream: &TcpStream, buffer: &mut [u8], until: Instant) -> io::Result<usize> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Sends an answer, its body unless only the head is asked for.
pub(super) fn send(stream: &TcpStream, answer: &Answer, with_body: bool) -> io::Result<()> {
    let until = Instant::now() + ANSWER_TIME;
    write_before(stream, answer.head().as_bytes(), until)?;
    if with_body {
        write_before(stream, &answer.body, until)?;
    }
    finish(stream);
    Ok(())
}

/// Ends a connection so that what was sent arrives, though the other side may have sent more than was read.
fn finish(stream: &TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let until = Instant::now() + Duration::from_millis(500);
    let mut buffer = [0; 4096];
    for _ in 0..64 {
        match read_before(stream, &mut buffer, until) {
            Ok(1..) => {}
            _ => break,
        }
    }
}

/// The head of an answer that goes on: server-sent events.
pub(super) fn begin_events(stream: &TcpStream) -> io::Result<()> {
    let head = head(200, "text/event-stream", "default-src 'none'") + "\r\nretry: 1000\n\n";
    write_before(stream, head.as_bytes(), Instant::now() + HEAD_TIME)
}

/// Sends an event.
pub(super) fn send_event(stream: &TcpStream, name: &str, id: u64, data: &str) -> io::Result<()> {
    let mut event = format!("event: {name}\nid: {id}\n");
    for line in data.split(['\r', '\n']) {
        let _ = writeln!(event, "data: {line}");
    }
    event.push('\n');
    write_before(stream, event.as_bytes(), Instant::now() + HEAD_TIME)
}

/// Whether the other side has closed the connection.
pub(super) fn is_closed(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let is_closed = match stream.peek(&mut [0]) {
        Ok(length) => length == 0,
        Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
    };
    stream.set_nonblocking(false).is_err() || is_closed
}

/// Sends what means nothing, to learn whether somebody is there.
pub(super) fn send_nothing(stream: &TcpStream) -> io::Result<()> {
    write_before(stream, b":\n\n", Instant::now() + HEAD_TIME)
}

fn write_before(mut stream: &TcpStream, mut bytes: &[u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left))?;
        match stream.write(&bytes[..bytes.len().min(64 * 1024)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let request = Request::parse(b"GET /a?b HTTP/1.1\r\nHOST: x\r\nA:  y z \r\n\r\n").unwrap();
        assert_eq!((&*request.method, &*request.path, &*request.query), ("GET", "/a", "b"));
        assert_eq!(
            (request.field("host"), request.field("a"), request.field("b")),
            (Some("x"), Some("y z"), None)
        );
        for bad in [
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\n: a\r\n\r\n",
            "GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET /\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(Request::parse(bad.as_bytes()).map_err(|answer| answer.status), Err(400), "{bad:?}");
        }
    }
}
