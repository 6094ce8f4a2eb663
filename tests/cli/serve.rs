//! `preview --serve`: a server for one's own machine, which no other page can use.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{HTML, SETTINGS, Sandbox};

/// A server that runs.
struct Served {
    child: Child,
    port: u16,
}

impl Served {
    fn start(sandbox: &Sandbox, more: &str) -> Served {
        let line = format!("preview {SETTINGS} {more}");
        let mut command = sandbox.command(line.split_whitespace());
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        let port = url.trim_end().strip_prefix("http://127.0.0.1:").unwrap().strip_suffix('/').unwrap();
        Served { port: port.parse().unwrap(), child }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // A test must end.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends a request as it is, `PORT` filled in, and reads the answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        let request = request.replace("PORT", &self.port.to_string());
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn status(&self, request: &str) -> u16 {
        let answer = self.ask(request);
        let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        status.and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{request:?}: {answer:?}"))
    }

    #[cfg(unix)]
    fn interrupt(mut self) -> ExitStatus {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_page_and_its_data() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", HTML);
    let served = Served::start(&sandbox, "--serve 0 a.html");
    let page = served.ask("GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
    let (head, page) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"), "{head}");
    assert!(head.contains("default-src 'none'; script-src 'sha256-"), "{head}");
    assert!(
        head.contains("connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nCross-Origin-Resource-Policy: same-origin\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}", page.len())), "{head}");
    assert!(page.starts_with("<!doctype html>"));
    let data = served.ask("GET /data HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n");
    assert!(data.contains("\r\nContent-Type: application/json\r\n"));
    assert!(data.contains("https://shop.example/"));
    let head = served.ask("HEAD / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
    assert!(head.ends_with("\r\n\r\n") && head.contains("200 OK"), "{head}");
}

#[test]
fn other_pages_are_refused() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox, "--serve 0");
    let get = |path: &str, fields: &str| served.status(&format!("GET {path} HTTP/1.1\r\n{fields}\r\n\r\n"));
    assert_eq!(get("/", "Host: 127.0.0.1:PORT"), 200);
    assert_eq!(
        get("/", "Host: localhost:PORT\r\nOrigin: http://localhost:PORT\r\nSec-Fetch-Site: same-origin"),
        200
    );
    for fields in [
        "Host: evil.example",
        "Host: evil.example:PORT",
        "Host: 127.0.0.1",
        "Host: 127.0.0.1.evil.example:PORT",
        "A: b",
        "Host: 127.0.0.1:PORT\r\nOrigin: http://evil.example",
        "Host: 127.0.0.1:PORT\r\nOrigin: https://127.0.0.1:PORT",
        "Host: 127.0.0.1:PORT\r\nOrigin: null",
        "Host: 127.0.0.1:PORT\r\nSec-Fetch-Site: cross-site",
        "Host: 127.0.0.1:PORT\r\nSec-Fetch-Site: same-site",
    ] {
        for path in ["/", "/data", "/events"] {
            assert_eq!(get(path, fields), 403, "{path} {fields}");
        }
    }
    let own = "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT";
    let post = |fields: &str, body: &str| {
        served.status(&format!(
            "POST /paste HTTP/1.1\r\n{fields}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    assert_eq!(post(own, "x"), 200);
    assert_eq!(post("Host: 127.0.0.1:PORT", "x"), 403);
    assert_eq!(post("Host: 127.0.0.1:PORT\r\nOrigin: http://evil.example", "x"), 403);
    assert_eq!(post("Host: evil.example:PORT\r\nOrigin: http://evil.example:PORT", "x"), 403);
}

#[test]
fn requests_have_limits() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox, "--serve 0");
    let own = "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\n";
    let post = format!("POST /paste HTTP/1.1\r\n{own}");
    for (request, status) in [
        (format!("GET /none HTTP/1.1\r\n{own}\r\n"), 404),
        (format!("GET /../etc/passwd HTTP/1.1\r\n{own}\r\n"), 404),
        (format!("PUT / HTTP/1.1\r\n{own}\r\n"), 405),
        (format!("POST / HTTP/1.1\r\n{own}\r\n"), 405),
        (format!("GET /paste HTTP/1.1\r\n{own}\r\n"), 405),
        (format!("{post}\r\n"), 411),
        (format!("{post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"), 411),
        (format!("{post}Content-Length: +3\r\n\r\nabc"), 411),
        (format!("{post}Content-Length: 99999999\r\n\r\n"), 413),
        (format!("{post}Content-Length: 99999999999999999999999\r\n\r\n"), 411),
        (format!("{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400),
        (format!("GET / HTTP/1.1\r\n{own}Host: evil.example\r\n\r\n"), 400),
        ("\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\n{own}A: {}\r\n\r\n", "a".repeat(20_000)), 431),
    ] {
        assert_eq!(served.status(&request), status, "{}", &request[..request.len().min(90)]);
    }
    // Half a request, and none, take one place each until their time is over.
    let idle: Vec<_> = (0..80).map(|_| served.connect()).collect();
    let mut late = served.connect();
    let _ = late.write_all(b"GET");
    let ask = || served.ask("GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
    let answers = (0..1000).map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        ask()
    });
    assert!(answers.into_iter().any(|answer| answer.contains("200 OK")), "{}", idle.len());
}

#[test]
fn pasted_mails() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox, "--serve 0");
    let paste = |mail: &str| {
        served.ask(&format!(
            "POST /paste HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\nContent-Length: {}\r\n\r\n{mail}",
            mail.len()
        ))
    };
    let answer = paste("\n \nSubject: Hi\nContent-Type: text/html\n\n<a href=https://shop.example/>x</a>\n");
    assert!(answer.contains("\"subject\":\"Hi\"") && answer.contains("\"tracked\":1"), "{answer}");
    let answer = paste(HTML);
    assert!(answer.contains("\"subject\":null") && answer.contains("\"total\":2"), "{answer}");
    // It comes as UTF-8, whatever it declares.
    let answer = paste("<meta charset=iso-8859-1><a href=https://shop.example/>Caf\u{e9}</a>");
    assert!(answer.contains(">Caf\u{e9}<") && answer.contains("\"charset\":\"UTF-8\""), "{answer}");
    for charset in ["iso-8859-1", "windows-1252", "utf-8", "gb18030"] {
        let fields = format!(
            "Subject: Hi\nContent-Type: text/html; charset={charset}\nContent-Transfer-Encoding: 8bit"
        );
        let answer = paste(&format!("{fields}\n\n<a href=https://shop.example/\u{e9}>Caf\u{e9}</a>\n"));
        assert!(answer.contains("https://shop.example/\u{e9}>Caf\u{e9}<"), "{charset} {answer}");
    }
    assert!(paste("").contains("200 OK"));
    // It stays nowhere.
    assert!(served.ask("GET /data HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n").contains("\"total\":0"));
}

#[test]
fn changes_are_told_and_an_interrupt_ends_it() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", HTML);
    // A file where the port could stand.
    let served = Served::start(&sandbox, "--serve a.html");
    let mut stream = served.connect();
    let data = served.ask("GET /data HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
    let version = data.split_once("\"live\":").unwrap().1.split_once(',').unwrap().0;
    let port = served.port;
    write!(stream, "GET /events?seen={version} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut next = |wanted: &str| lines.by_ref().find(|line| line.starts_with(wanted)).unwrap_or_default();
    next("retry");
    sandbox.write("a.html", "<a href=https://other.example/>x</a>");
    assert_eq!(next("event:"), "event: change");
    let data = served.ask("GET /data HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
    assert!(data.contains("other.example"));
    std::fs::remove_file(sandbox.path("a.html")).unwrap();
    assert_eq!(next("event:"), "event: trouble");
    assert_eq!(next("data:"), "data: a.html: no such file or directory");
    // What was there last is still shown, and a page that comes later says why.
    for path in ["/", "/data"] {
        let answer = served.ask(&format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n"));
        assert!(answer.contains("other.example"));
        assert!(answer.contains("\"trouble\":\"a.html: no such file or directory\""));
    }
    // A pipe does not hold it up.
    #[cfg(unix)]
    {
        assert!(Command::new("mkfifo").arg(sandbox.path("a.html")).status().unwrap().success());
        assert_eq!(next("event:"), "event: trouble");
        assert_eq!(next("data:"), "data: a.html: no regular file any more");
    }
    #[cfg(unix)]
    assert_eq!(served.interrupt().code(), Some(0));
}

#[test]
fn pages_that_are_gone_keep_no_place() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox, "--serve 0");
    let wait = || {
        let mut stream = served.connect();
        write!(stream, "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", served.port).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (stream, status == *b"HTTP/1.1 200")
    };
    let waiting: Vec<_> = (0..16).map(|_| wait()).collect();
    assert!(waiting.iter().all(|(_, is_let_in)| *is_let_in));
    assert!(!wait().1);
    drop(waiting);
    // Long before the next word to them.
    std::thread::sleep(Duration::from_secs(4));
    assert!(wait().1);
}

#[test]
fn ports() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", HTML);
    let refused = sandbox.run("preview --serve x a.html", "");
    refused.fails(64, "openclick: preview: --serve: expected a port, found `x`");
    let refused = sandbox.run("preview --serve 0 none.html", "");
    refused.fails(66, "openclick: preview: none.html: no such file or directory");
    assert_eq!(sandbox.run("preview --serve 0 --html a", "").code, Some(64));
    let served = Served::start(&sandbox, "--serve 0");
    let taken = sandbox.run(&format!("preview --serve {} a.html", served.port), "");
    assert_eq!(taken.code, Some(74));
    assert!(
        taken.err.contains("address already in use") || taken.err.contains("address in use"),
        "{}",
        taken.err
    );
}
