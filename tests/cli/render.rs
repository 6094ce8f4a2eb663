//! A template and a list: what each recipient gets, what a bad row is told, and how a run goes on.

#[cfg(unix)]
mod goes_on;
mod header;
#[cfg(unix)]
mod lmtp;
mod rows;

use std::fs;

use super::{Run, Sandbox};

const SETTINGS: &str = "--tracking-domain t.example.com --key-file KEYS";

const NEWS: &str = "From: News <news@example.com>\nSubject: {{name or 'friend'}}, hello\nTo: old@example.com\n\
     Content-Type: text/html\n\n<body><p>Hi {{name or 'friend'}}</p>\n\
     <a href=\"https://shop.example/?o={{order}}\">Shop</a></body>\n";

const LIST: &str = "email,name,order\nann@example.org,Ann,1\nbob@example.org,,2\ncy@example.org,\"C, y\",3\n";

impl Sandbox {
    fn news() -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write("news.eml", NEWS);
        sandbox.write("list.csv", LIST);
        sandbox
    }

    fn render(&self, more: &str) -> Run {
        self.run(&format!("render {SETTINGS} --template news.eml --recipients list.csv {more}"), "")
    }

    /// The lines of the report: row, line, whether temporary, and why.
    fn failures(&self, name: &str) -> Vec<(u64, u64, bool, String)> {
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let number = |name: &str| line[name].as_u64().unwrap();
            let why = line["error"].as_str().unwrap().to_owned();
            (number("row"), number("line"), line["temporary"].as_bool().unwrap(), why)
        };
        self.read(name).lines().map(line).collect()
    }

    /// What the tokens of a mail carry.
    fn tokens(&self, mail: &str) -> Vec<serde_json::Value> {
        let urls: Vec<_> = mail
            .match_indices("https://t.example.com/I")
            .map(|(at, _)| mail[at..].split('"').next().unwrap().to_owned())
            .collect();
        if urls.is_empty() {
            return Vec::new();
        }
        let decoded = self.run(&format!("decode {SETTINGS}"), urls.join("\n")).ok();
        decoded.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// A row of the table that a run prints.
#[track_caller]
fn count(err: &str, name: &str) -> String {
    let row = err.lines().find_map(|line| line.trim_start().strip_prefix(name));
    let row = row.unwrap_or_else(|| panic!("no {name} in {err}"));
    row.split_whitespace().next().unwrap_or_default().to_owned()
}

/// The messages of an mboxrd.
fn messages(mbox: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in mbox.split_inclusive('\n') {
        if line.starts_with("From ") {
            messages.push(String::new());
            continue;
        }
        let is_quoted = line.trim_start_matches('>').starts_with("From ");
        messages.last_mut().expect("a From line first").push_str(if is_quoted { &line[1..] } else { line });
    }
    for message in &mut messages {
        assert_eq!(message.pop(), Some('\n'), "an empty line stands behind each message");
    }
    messages
}

fn header(message: &str, name: &str) -> Vec<String> {
    use mailparse::MailHeaderMap;

    mailparse::parse_mail(message.as_bytes()).unwrap().headers.get_all_values(name)
}

#[test]
fn an_mbox_in_the_order_of_the_list() {
    let sandbox = Sandbox::news();
    sandbox.write("news.eml", NEWS.replace("<p>", "\nFrom here\n>From there\n<p>"));
    let run = sandbox.render("--mbox --to-name name --quiet");
    let messages = messages(&run.ok());
    let expected = [
        ("Ann <ann@example.org>", "Ann"),
        ("bob@example.org", "friend"),
        ("\"C, y\" <cy@example.org>", "C, y"),
    ];
    assert_eq!(messages.len(), expected.len());
    for ((message, (to, name)), order) in messages.iter().zip(expected).zip(1..) {
        let parsed = mailparse::parse_mail(message.as_bytes()).unwrap();
        let tos = header(message, "To");
        assert_eq!(tos.len(), 1);
        let (found, wanted) = (mailparse::addrparse(&tos[0]).unwrap(), mailparse::addrparse(to).unwrap());
        assert_eq!(found, wanted);
        assert_eq!(header(message, "Subject"), [format!("{name}, hello")]);
        let body = parsed.get_body().unwrap();
        assert!(
            body.contains(&format!("<p>Hi {name}</p>")) && body.contains("\nFrom here\n>From there\n"),
            "{body}"
        );
        // One id, in the header and in every token.
        let ids = header(message, "Message-ID");
        let id = ids[0].strip_prefix('<').and_then(|id| id.strip_suffix("@example.com>")).unwrap();
        assert_eq!((ids.len(), id.len()), (1, 32));
        assert!(mailparse::dateparse(&header(message, "Date")[0]).unwrap() > 1_700_000_000);
        let tokens = sandbox.tokens(message);
        assert_eq!(tokens.len(), 3);
        let address = mailparse::addrparse(to).unwrap().extract_single_info().unwrap().addr;
        for token in &tokens {
            assert_eq!(
                (token["message_id"].as_str(), token["recipient"].as_str()),
                (Some(id), Some(&*address))
            );
        }
        assert!(tokens.iter().any(|token| token["target"] == format!("https://shop.example/?o={order}")));
    }
}

#[test]
fn html_into_a_folder() {
    let sandbox = Sandbox::news();
    sandbox.write("news.html", "<body><p>Hi {{name}}</p><a href=\"https://shop.example/\">x</a></body>");
    // Nothing in a list names a file.
    sandbox.write(
        "list.jsonl",
        "{\"email\":\"ann@example.org\",\"name\":\"../../x\",\"message_id\":\"../y\"}\n",
    );
    let line =
        format!("render {SETTINGS} --template news.html --recipients list.jsonl --out-dir out --quiet");
    sandbox.run(&line, "").ok();
    assert_eq!(sandbox.tree("out"), [".openclick-journal", "00000001.html"]);
    let html = sandbox.read("out/00000001.html");
    assert!(html.contains("<p>Hi ../../x</p>"), "{html}");
    assert!(sandbox.tokens(&html).iter().all(|token| token["message_id"] == "../y"));
    // Another run neither writes over it nor beside it.
    let again = sandbox.run(&line, "");
    assert_eq!(again.code, Some(73));
    assert!(again.err.contains("--resume goes on"), "{}", again.err);
    fs::remove_file(sandbox.path("out/.openclick-journal")).unwrap();
    sandbox.run(&line, "").fails(
        73,
        "openclick: render: out/00000001.html is there already, and no journal that goes on with it",
    );
    assert_eq!(sandbox.read("out/00000001.html"), html);
    for target in ["--mbox", "--lmtp 127.0.0.1:24", "--exec cat"] {
        let run = sandbox
            .run(&format!("render {SETTINGS} --template news.html --recipients list.jsonl {target}"), "");
        assert_eq!(run.code, Some(65));
        assert!(run.err.contains("it is HTML, and --") && run.err.contains("takes messages"), "{}", run.err);
    }
}

#[test]
fn a_dry_run_lets_nothing_out() {
    let sandbox = Sandbox::news();
    sandbox.write("list.csv", LIST.replace("bob@", "bob"));
    let run = sandbox.render("--dry-run --report r.jsonl --exec touch sent");
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(run.err, @r"
    openclick: render: line 3: the address: it has no at sign
    rows           3
      rendered     2
      failed       1
    ");
    assert_eq!(sandbox.failures("r.jsonl"), [(2, 3, false, "the address: it has no at sign".to_owned())]);
    assert_eq!(sandbox.names(), ["KEYS", "list.csv", "news.eml", "r.jsonl"]);
}

#[cfg(unix)]
#[test]
fn a_program_for_each_row() {
    let sandbox = Sandbox::news();
    fs::create_dir(sandbox.path("sent")).unwrap();
    sandbox.write(
        "send",
        "#!/bin/sh\n[ \"$2\" != bob@example.org ] || exit 75\n[ \"$2\" != cy@example.org ] || exit 67\ncat > sent/$2\n",
    );
    super::mode(&sandbox.path("send"), 0o755);
    let run = sandbox.render("--report r.jsonl --exec ./send -- {}");
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert_eq!(count(&run.err, "delivered"), "1");
    assert!(!run.err.contains('@'), "{}", run.err);
    assert_eq!(sandbox.tree("sent"), ["ann@example.org"]);
    assert!(sandbox.read("sent/ann@example.org").contains("\nTo: ann@example.org\n"));
    let failures = sandbox.failures("r.jsonl");
    assert_eq!(
        failures,
        [
            (2, 3, true, "--exec: ./send exited with 75".to_owned()),
            (3, 4, false, "--exec: ./send exited with 67".to_owned())
        ]
    );
    // What failed is tried again, and nothing else.
    sandbox.write("send", "#!/bin/sh\n[ ! -e sent/$2 ] && cat > sent/$2\n");
    let run = sandbox.render("--resume --quiet --exec ./send -- {}");
    run.ok();
    assert_eq!(sandbox.tree("sent"), ["ann@example.org", "bob@example.org", "cy@example.org"]);
    // All is done: there is nothing to go on with, and a new run may begin.
    assert!(!sandbox.path("list.csv.journal").exists());
    assert_eq!(sandbox.render("--resume --exec ./send -- {}").code, Some(66));
    // A program that is not there ends the run, rather than failing row after row.
    let run = sandbox.render("--jobs 1 --exec ./sned {}");
    assert_eq!(run.code, Some(74), "{}", run.err);
    assert!(run.err.contains("--exec: ./sned: no such file or directory"), "{}", run.err);
    assert_eq!(count(&run.err, "failed"), "1");
}

#[test]
fn command_lines_that_cannot_be_meant() {
    let sandbox = Sandbox::news();
    for (more, code, words) in [
        ("", 64, "expected one of --out-dir, --mbox, --exec, --lmtp and --dry-run"),
        ("--mbox --out-dir out", 64, "the mail goes to one of them"),
        ("--lmtp mx.example.com:24", 65, "expected 127.0.0.1:PORT"),
        ("--lmtp 192.0.2.1:24", 65, "it is no loopback address"),
        ("--mbox --resume", 64, "what went to stdout cannot be gone on with"),
        ("--dry-run --report list.csv", 64, "--recipients and --report name the same file"),
        ("--mbox news.eml", 64, "--template and --mbox name the same file"),
        ("--dry-run --delimiter ab", 64, "expected one character"),
        ("--dry-run --recipients list.txt.gz", 64, "cannot be used multiple times"),
        ("--dry-run --header X", 64, "expected a name, a colon and a value"),
        ("--dry-run --message-id m", 64, "unexpected argument"),
        ("--dry-run --merge-syntax jinja", 64, "possible values"),
        ("--dry-run --to-name nme", 65, "no column for --to-name `nme`; did you mean `name`?"),
        ("--dry-run --recipient-column mail", 65, "no column for recipients: `mail`; did you mean `email`?"),
    ] {
        let run = sandbox.render(more);
        assert_eq!(run.code, Some(code), "{more}: {}", run.err);
        assert!(run.err.contains(words), "{more}: {}", run.err);
    }
    assert_eq!(sandbox.names(), ["KEYS", "list.csv", "news.eml"]);
}
