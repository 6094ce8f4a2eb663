//! A server of the test's own, which does as the recipient's address says.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// What a server saw.
#[derive(Default)]
struct Seen {
    /// Mails that it took: sender, recipient, and the mail with its dots taken back.
    mails: Vec<(String, String, String)>,
    /// How often it was asked for a recipient.
    asked: HashMap<String, u32>,
    connections: u32,
    /// Bytes that no mail of ours may have: a line end that is not CRLF.
    is_loose: bool,
}

type Shared = Arc<Mutex<Seen>>;

/// Speaks LMTP to one client.
fn serve(stream: impl Read + Write + Clone2, seen: &Shared, extensions: &str) {
    seen.lock().unwrap().connections += 1;
    let mut writer = stream.clone2();
    let mut reader = BufReader::new(stream);
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes()).is_ok();
    let (mut from, mut to) = (String::new(), String::new());
    say("220-hello\r\n220 there");
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end().to_owned();
        let inside = |line: &str| line.split('<').nth(1).unwrap().split('>').next().unwrap().to_owned();
        match line.split([' ', ':']).next().unwrap() {
            "LHLO" => drop(say(&format!("250-test\r\n{extensions}250 SIZE"))),
            "MAIL" => {
                from = inside(&line);
                say("250 ok");
            }
            "RCPT" => {
                to = inside(&line);
                let mut seen = seen.lock().unwrap();
                let asked = seen.asked.entry(to.clone()).or_default();
                *asked += 1;
                match to.split('@').next().unwrap() {
                    "unknown" => say(&format!("550-5.1.1 <{to}>\r\n550 5.1.1 no such user")),
                    "full" => say("452 4.2.2 full"),
                    "twice" if *asked < 3 => say("451 4.3.0 later"),
                    "leaves" if *asked < 2 => return,
                    "busy" if *asked < 2 => {
                        say("421 4.3.2 busy");
                        return;
                    }
                    _ => say("250 ok"),
                };
            }
            "DATA" => {
                say("354 go");
                let mut mail = String::new();
                loop {
                    let mut line = Vec::new();
                    reader.read_until(b'\n', &mut line).unwrap();
                    let text = String::from_utf8(line).unwrap();
                    let Some(body) = text.strip_suffix("\r\n") else {
                        seen.lock().unwrap().is_loose = true;
                        return;
                    };
                    seen.lock().unwrap().is_loose |= body.contains(['\r', '\n']);
                    if body == "." {
                        break;
                    }
                    mail += body.strip_prefix('.').unwrap_or(body);
                    mail += "\n";
                }
                match to.split('@').next().unwrap() {
                    "spam" => drop(say("554 5.7.1 spam")),
                    "silent" => return,
                    _ => {
                        seen.lock().unwrap().mails.push((from.clone(), to.clone(), mail));
                        say("250 taken");
                    }
                }
            }
            "RSET" => drop(say("250 ok")),
            "QUIT" => return,
            _ => drop(say("500 what")),
        }
    }
}

/// Streams of which a second one can be had.
trait Clone2 {
    fn clone2(&self) -> Self;
}

impl Clone2 for std::net::TcpStream {
    fn clone2(&self) -> Self {
        self.try_clone().unwrap()
    }
}

impl Clone2 for std::os::unix::net::UnixStream {
    fn clone2(&self) -> Self {
        self.try_clone().unwrap()
    }
}

/// A server on a port that the system chooses.
fn server(extensions: &'static str) -> (String, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, seen) = (listener.local_addr().unwrap().to_string(), Shared::default());
    let shared = seen.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = shared.clone();
            thread::spawn(move || serve(stream, &shared, extensions));
        }
    });
    (address, seen)
}

fn list(names: &[&str]) -> String {
    let rows: Vec<_> = names.iter().map(|name| format!("{name}@example.org,,1\n")).collect();
    format!("email,name,order\n{}", rows.concat())
}

#[test]
fn what_the_server_says_is_told() {
    let sandbox = Sandbox::news();
    sandbox.write("news.eml", NEWS.replace("<p>", "\n.\n..dots\n<p>"));
    sandbox.write(
        "list.csv",
        list(&["ann", "unknown", "full", "twice", "leaves", "busy", "spam", "silent", "zoe"]),
    );
    let (address, seen) = server("250-8BITMIME\r\n");
    let run = sandbox.render(&format!(
        "--lmtp {address} --retries 2 --jobs 1 --sender bounce@example.com --report r.jsonl"
    ));
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(!run.err.contains('@'), "{}", run.err);
    let failures = sandbox.failures("r.jsonl");
    let told: Vec<_> =
        failures.iter().map(|(row, _, is_temporary, why)| (*row, *is_temporary, why.as_str())).collect();
    assert_eq!(told[0], (2, false, "550 5.1.1 <unknown@example.org> 5.1.1 no such user"));
    assert_eq!(told[1], (3, true, "452 4.2.2 full"));
    assert_eq!(told[2], (7, false, "554 5.7.1 spam"));
    assert!(told[3].0 == 8 && told[3].1 && told[3].2.starts_with("it may have been delivered: "), "{told:?}");
    assert_eq!(told.len(), 4);
    let seen = seen.lock().unwrap();
    let took: Vec<_> = seen.mails.iter().map(|(from, to, _)| (from.as_str(), to.as_str())).collect();
    let expected = ["ann", "twice", "leaves", "busy", "zoe"].map(|name| format!("{name}@example.org"));
    assert_eq!(took, expected.each_ref().map(|to| ("bounce@example.com", to.as_str())));
    // Tried so often, and not more; what may have been delivered only once.
    for (name, count) in [("ann", 1), ("unknown", 1), ("full", 3), ("twice", 3), ("spam", 1), ("silent", 1)] {
        assert_eq!(seen.asked[&format!("{name}@example.org")], count, "{name}");
    }
    assert!(!seen.is_loose);
    for (_, to, mail) in &seen.mails {
        assert!(mail.contains("\n.\n..dots\n") && header(mail, "To") == [to.clone()], "{mail}");
    }
}

#[test]
fn many_mails_over_few_connections() {
    let sandbox = Sandbox::news();
    let names: Vec<_> = (0..300).map(|row| format!("r{row}")).collect();
    sandbox.write("list.csv", list(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let (address, seen) = server("");
    let run = sandbox.render(&format!("--lmtp {address} --jobs 3 --quiet"));
    run.ok();
    let seen = seen.lock().unwrap();
    assert_eq!((seen.mails.len(), seen.connections), (300, 3));
    assert!(seen.asked.len() == 300 && seen.asked.values().all(|count| *count == 1));
    assert!(seen.mails.iter().all(|(from, ..)| from == "news@example.com"));
}

#[test]
fn a_socket_and_eight_bits() {
    let sandbox = Sandbox::news();
    sandbox.write(
        "news.eml",
        NEWS.replace("text/html\n", "text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n")
            .replace("Shop", "f\u{fc}r"),
    );
    let listener = UnixListener::bind(sandbox.path("socket")).unwrap();
    let seen = Shared::default();
    let shared = seen.clone();
    thread::spawn(move || {
        for (stream, extensions) in listener.incoming().flatten().zip(["", "250-8BITMIME\r\n"]) {
            serve(stream, &shared, extensions);
        }
    });
    let run = sandbox.render("--lmtp ./socket --jobs 1 --report r.jsonl");
    assert_eq!(run.code, Some(1), "{}", run.err);
    let failures = sandbox.failures("r.jsonl");
    assert!(failures.len() == 3 && failures[0].3.contains("takes no 8BITMIME"), "{failures:?}");
    sandbox.render("--lmtp unix:socket --jobs 1 --resume --quiet").ok();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.mails.len(), 3);
    assert!(seen.mails.iter().all(|(.., mail)| mail.contains("f\u{fc}r")));
}

/// Where there is no server the run ends, rather than failing row after row.
#[test]
fn no_server() {
    let sandbox = Sandbox::news();
    let names: Vec<_> = (0..300).map(|row| format!("r{row}")).collect();
    sandbox.write("list.csv", list(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let run = sandbox.render("--lmtp ./nothing --jobs 1 --retries 0");
    assert_eq!(run.code, Some(74));
    assert!(
        run.err.contains("ended, since no other mail can go out: LMTP ./nothing: no such file or directory"),
        "{}",
        run.err
    );
    assert!(
        count(&run.err, "failed") == "1" && run.err.contains("(1 for now: --resume tries them again)"),
        "{}",
        run.err
    );
    // Something else that listens there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let run = sandbox.render(&format!("--lmtp {address} --jobs 1 --retries 0 --resume"));
    assert_eq!(run.code, Some(74));
    assert!(run.err.contains("what it says is no LMTP"), "{}", run.err);
}
