//! Lines and replies, bounded in length and time.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::super::super::super::exit::Cause;
use super::super::super::super::sanitize::Printable;

/// RFC 5321, section 4.5.3.2: how long a server may take.
const USUAL: Duration = Duration::from_secs(5 * 60);
/// The same, for the reply to a mail.
const AFTER_MAIL: Duration = Duration::from_secs(10 * 60);

/// A longer line is no reply (RFC 5321, section 4.5.3.1.5 has 512).
const LONGEST_LINE: u64 = 4096;
const MOST_LINES: usize = 200;

/// A connection to a server.
pub(super) struct Connection {
    stream: BufReader<Stream>,
}

enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Socket(UnixStream),
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    lines: Vec<String>,
}

/// Why a connection is of no use any more.
#[derive(Debug)]
pub(super) enum Broken {
    Io(io::Error),
    /// It does not speak LMTP.
    Odd,
    /// It refused to talk.
    Said(Reply),
}

impl Connection {
    pub(super) fn tcp(stream: TcpStream) -> io::Result<Connection> {
        stream.set_write_timeout(Some(USUAL))?;
        Ok(Connection { stream: BufReader::new(Stream::Tcp(stream)) })
    }

    #[cfg(unix)]
    pub(super) fn socket(stream: UnixStream) -> io::Result<Connection> {
        stream.set_write_timeout(Some(USUAL))?;
        Ok(Connection { stream: BufReader::new(Stream::Socket(stream)) })
    }

    pub(super) fn send_line(&mut self, line: &str) -> Result<(), Broken> {
        self.write(format!("{line}\r\n").as_bytes())
    }

    /// Sends a mail and the dot behind it.
    pub(super) fn send_mail(&mut self, mail: &[u8]) -> Result<(), Broken> {
        self.write(&stuffed(mail))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.stream.get_mut().write_all(bytes).map_err(Broken::Io)
    }

    pub(super) fn reply(&mut self) -> Result<Reply, Broken> {
        self.read_reply(USUAL)
    }

    pub(super) fn reply_to_mail(&mut self) -> Result<Reply, Broken> {
        self.read_reply(AFTER_MAIL)
    }

    fn read_reply(&mut self, time: Duration) -> Result<Reply, Broken> {
        self.stream.get_ref().set_read_timeout(time).map_err(Broken::Io)?;
        read_reply(&mut self.stream)
    }

    /// Says goodbye, without waiting for an answer.
    pub(super) fn quit(&mut self) {
        let _ = self.write(b"QUIT\r\n");
    }
}

fn read_reply(stream: &mut impl BufRead) -> Result<Reply, Broken> {
    let mut reply = Reply { code: 0, lines: Vec::new() };
    loop {
        let mut line = Vec::new();
        stream.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Broken::Io)?;
        if line.is_empty() {
            return Err(Broken::Io(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )));
        }
        let Some(text) = line.strip_suffix(b"\n") else { return Err(Broken::Odd) };
        let text = String::from_utf8_lossy(text.strip_suffix(b"\r").unwrap_or(text)).into_owned();
        let code = text.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
        let code = code
            .and_then(|code| code.parse().ok())
            .filter(|code| (200..600).contains(code))
            .ok_or(Broken::Odd)?;
        if !reply.lines.is_empty() && reply.code != code || reply.lines.len() == MOST_LINES {
            return Err(Broken::Odd);
        }
        reply.code = code;
        let is_last = match text.as_bytes().get(3) {
            None | Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return Err(Broken::Odd),
        };
        reply.lines.push(text.get(4..).unwrap_or_default().to_owned());
        if is_last {
            return Ok(reply);
        }
    }
}

/// A mail as it goes over the line (RFC 5321, section 4.5.2): lines end in CRLF, whatever they ended in, and a dot at the
/// beginning of one is doubled. A lone CR or LF must not be left: servers differ on what it is, so that a value could
/// end the mail for one of them and begin another.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + mail.len() / 16 + 16);
    let mut rest = mail;
    while !rest.is_empty() {
        if rest[0] == b'.' {
            out.push(b'.');
        }
        let end = memchr::memchr2(b'\r', b'\n', rest);
        let (line, after) = match end {
            None => (rest, &rest[rest.len()..]),
            Some(end) if rest[end..].starts_with(b"\r\n") => (&rest[..end], &rest[end + 2..]),
            Some(end) => (&rest[..end], &rest[end + 1..]),
        };
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        rest = after;
    }
    out.extend_from_slice(b".\r\n");
    out
}

impl Reply {
    pub(super) fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// The server closes the connection after it.
    pub(super) fn ends_session(&self) -> bool {
        self.code == 421
    }

    pub(super) fn has_extension(&self, name: &str) -> bool {
        self.lines
            .iter()
            .skip(1)
            .any(|line| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(name)))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        self.lines.iter().take(5).try_for_each(|line| write!(f, " {}", Printable(line)))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Io(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                f.write_str("the server took too long")
            }
            Broken::Io(error) => write!(f, "{}", Cause(error)),
            Broken::Odd => f.write_str("what it says is no LMTP"),
            Broken::Said(reply) => write!(f, "{reply}"),
        }
    }
}

impl Stream {
    fn set_read_timeout(&self, time: Duration) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_read_timeout(Some(time)),
            #[cfg(unix)]
            Stream::Socket(stream) => stream.set_read_timeout(Some(time)),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Stream::Socket(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Stream::Socket(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies() {
        let read = |text: &str| read_reply(&mut text.as_bytes());
        let reply = read("250-x.example\r\n250-8bitmime\r\n250 SIZE 100\r\nrest").unwrap();
        assert_eq!(reply.code, 250);
        assert!(
            reply.has_extension("8BITMIME")
                && reply.has_extension("size")
                && !reply.has_extension("x.example")
        );
        assert!(read("451\n").unwrap().is_temporary());
        assert_eq!(read("550 5.1.1 no \u{1b}[2J\r\n").unwrap().to_string(), "550 5.1.1 no \\u{1b}[2J");
        for odd in [
            "HTTP/1.1 400\r\n",
            "25\r\n",
            "250x\r\n",
            "250-a\r\n251 b\r\n",
            "999 x\r\n",
            "\u{fc}\u{fc} x\r\n",
        ] {
            assert!(matches!(read(odd), Err(Broken::Odd)), "{odd}");
        }
        assert!(matches!(read(&"2".repeat(10_000)), Err(Broken::Odd)));
        assert!(matches!(read(&"250-x\r\n".repeat(300)), Err(Broken::Odd)));
        for cut in ["", "250-a\r\n"] {
            assert!(matches!(read(cut), Err(Broken::Io(_))), "{cut}");
        }
    }

    #[test]
    fn nothing_in_a_mail_ends_it() {
        for (mail, expected) in [
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\n.\n..b\n", "a\r\n..\r\n...b\r\n.\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            ("", ".\r\n"),
            ("\n\n", "\r\n\r\n.\r\n"),
        ] {
            assert_eq!(String::from_utf8(stuffed(mail.as_bytes())).unwrap(), expected, "{mail:?}");
        }
    }
}
