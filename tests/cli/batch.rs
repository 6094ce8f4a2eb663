//! Many files: what becomes which, what is never lost, and how a run goes on.

mod goes_on;
#[cfg(unix)]
mod stopped;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{HTML, Run, Sandbox, first_url, mode};

const SETTINGS: &str = "--tracking-domain t.example.com --key-file KEYS";

const DATE: &str = "From a@b.example Thu Jan  1 00:00:00 2026";

fn message(number: u32) -> String {
    format!(
        "To: r{number}@example.org\nMessage-ID: <m{number}@example.com>\nContent-Type: text/html\n\n\
         <p><a href=\"https://shop.example/{number}\">x</a></p>\n"
    )
}

impl Sandbox {
    fn batch(&self, more: &str) -> Run {
        self.run(&format!("rewrite {SETTINGS} --out-dir out {more}"), "")
    }

    fn folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    /// What one message becomes by itself.
    fn alone(&self, message: &str) -> String {
        self.run(&format!("rewrite {SETTINGS} --format message"), message).ok()
    }

    /// All files below a folder.
    pub(super) fn tree(&self, name: &str) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, names: &mut Vec<String>) {
            for entry in folder.read_dir().into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, names);
                } else {
                    names.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let (root, mut names) = (self.path(name), Vec::new());
        walk(&root, &root, &mut names);
        names.sort();
        names
    }

    /// The lines of a report, sorted: file, number, and the rest.
    fn lines(&self, name: &str) -> Vec<serde_json::Value> {
        let text = self.read(name);
        let mut lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        lines.sort_by_key(|line| (line["file"].to_string(), line["number"].as_u64()));
        lines
    }

    /// The message ids that a report tells of, by file and number: without those that a later line takes back.
    fn ids(&self, name: &str) -> BTreeMap<(String, u64), String> {
        let mut ids = BTreeMap::new();
        for line in self.read(name).lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let file = line["file"].as_str().unwrap().to_owned();
            match (line["number"].as_u64(), line["message_id"].as_str()) {
                (Some(number), Some(id)) => drop(ids.insert((file, number), id.to_owned())),
                (None, _) if line["error"].is_string() => ids.retain(|(told, _), _| *told != file),
                _ => {}
            }
        }
        ids
    }

    /// The message id in the first link of an output.
    fn id_in(&self, name: &str) -> String {
        let url = first_url(&self.read(name)).to_owned();
        let text = self.run(&format!("decode {SETTINGS} {url}"), "").ok();
        let token: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        token["message_id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn files_of_every_kind() {
    let sandbox = Sandbox::new();
    sandbox.folder("in/deep/er");
    sandbox.write("a.eml", message(1));
    sandbox.write("in/b", message(2));
    sandbox.write("in/deep/c.html", HTML);
    sandbox.write("in/deep/er/d", format!("<!doctype html>{HTML}"));
    sandbox.write("in/e.png", b"\x89PNG\r\n\x1a\n\0\xff");
    sandbox.write("in/empty", "");
    sandbox.write("box", format!("{DATE}\n{}\n{DATE}\n{}\n", message(3), "A: 1\n\nplain\n"));
    let run = sandbox.batch("a.eml in box --report r.jsonl");
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""));
    insta::assert_snapshot!(run.err, @r"
    openclick: rewrite: in/e.png: neither a message nor HTML, copied as it is (--format says what it is)
    files         7
    messages      8
      rewritten   5
      unchanged   3  (1 empty, 1 neither a message nor HTML, 1 no HTML)
      failed      0
    ");
    assert_eq!(
        sandbox.tree("out"),
        ["a.eml", "box", "in/b", "in/deep/c.html", "in/deep/er/d", "in/e.png", "in/empty"]
    );
    assert_eq!(sandbox.read("out/a.eml"), sandbox.alone(&message(1)));
    assert_eq!(sandbox.read("out/in/b"), sandbox.alone(&message(2)));
    assert_eq!(fs::read(sandbox.path("out/in/e.png")).unwrap(), b"\x89PNG\r\n\x1a\n\0\xff");
    assert_eq!(sandbox.read("out/in/deep/er/d").matches("https://t.example.com/").count(), 3);
    let lines = sandbox.lines("r.jsonl");
    let named = lines.iter().map(|line| {
        let word = line["status"].as_str().or(line["copied"].as_str()).unwrap_or("-");
        format!("{} {} {word}", line["file"].as_str().unwrap(), line["number"])
    });
    insta::assert_snapshot!(named.collect::<Vec<_>>().join("\n"), @r"
    a.eml 1 rewritten
    box 1 rewritten
    box 2 unchanged
    in/b 1 rewritten
    in/deep/c.html 1 rewritten
    in/deep/er/d 1 rewritten
    in/e.png null neither a message nor HTML
    in/empty null empty
    ");
    // Each document has an id of its own, which only the report tells.
    let ids: Vec<_> = lines.iter().filter_map(|line| line["message_id"].as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[1]), (6, "m1@example.com", "m3@example.com"));
    assert_ne!(ids[4], ids[5]);
    // The same once more, without a word.
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    assert_eq!(sandbox.batch("--quiet a.eml in box").ok(), "");
}

#[test]
#[cfg(unix)]
fn a_maildir_stays_one() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let sandbox = Sandbox::new();
    for folder in ["cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"] {
        sandbox.folder(&format!("Mail/{folder}"));
    }
    for (name, number) in [("cur/1.M1.host:2,FS", 1), ("new/2.M2.host", 2), (".Sent/cur/3.M3.host:2,", 3)] {
        sandbox.write(&format!("Mail/{name}"), message(number));
        mode(&sandbox.path(&format!("Mail/{name}")), 0o600);
    }
    sandbox.write("Mail/tmp/4.half", "A: 1");
    sandbox.write("Mail/dovecot-uidlist", "3 V1");
    mode(&sandbox.path("Mail"), 0o700);
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(sandbox.path("Mail/cur/1.M1.host:2,FS")).unwrap().set_modified(long_ago).unwrap();
    let run = sandbox.batch("Mail/");
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.err, @r"
    openclick: rewrite: Mail/dovecot-uidlist: left out: the Maildir's own file, no mail
    openclick: rewrite: Mail/tmp/4.half: left out: not delivered to the Maildir yet
    files         5
      left out    2  (no mail)
    messages      3
      rewritten   3
      unchanged   0
      failed      0
    ");
    assert_eq!(
        sandbox.tree("out"),
        ["Mail/.Sent/cur/3.M3.host:2,", "Mail/cur/1.M1.host:2,FS", "Mail/new/2.M2.host"]
    );
    assert!(sandbox.path("out/Mail/tmp").is_dir() && sandbox.path("out/Mail/.Sent/new").is_dir());
    assert_eq!(sandbox.read("out/Mail/cur/1.M1.host:2,FS"), sandbox.alone(&message(1)));
    let metadata = fs::metadata(sandbox.path("out/Mail/cur/1.M1.host:2,FS")).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.mtime()), (0o600, 1_000_000_000));
    assert_eq!(fs::metadata(sandbox.path("out/Mail")).unwrap().permissions().mode() & 0o777, 0o700);
    // A message that is read in the meantime is the same message.
    let moved = [sandbox.path("Mail/new/2.M2.host"), sandbox.path("Mail/cur/2.M2.host:2,S")];
    fs::rename(&moved[0], &moved[1]).unwrap();
    assert_eq!(sandbox.batch("--resume --quiet Mail").ok(), "");
    assert_eq!(sandbox.tree("out").len(), 3);
}

#[test]
fn an_mbox_stays_one() {
    let sandbox = Sandbox::new();
    let quoted = "Content-Type: text/html\n\n<p>\n>From me\n<a href=\"https://shop.example/\">x</a>\n";
    // 60 bytes of body, in which a line looks like a separator.
    let counted = "Content-Length: 60\nContent-Type: text/html\n\n\
        <a href=\"https://shop.example/\">\n\nFrom now on: all\nX: 1\n</a>";
    for line_end in ["\n", "\r\n"] {
        for last in ["\n\n", "\n", ""] {
            let messages = [&message(1), quoted, counted, "no header\n", &message(2)];
            let mut mbox = String::new();
            let mut expected = String::new();
            for (at, message) in messages.iter().enumerate() {
                let crlf = |text: &str| text.replace('\n', line_end);
                let is_counted = message.starts_with("Content-Length");
                let message = match line_end {
                    "\r\n" if is_counted => crlf(&message.replace("60", "64")),
                    _ => crlf(message),
                };
                let (message, tail) = (message.trim_end(), if at == 4 { crlf(last) } else { crlf("\n\n") });
                let message = format!("{DATE}{line_end}{message}");
                mbox.push_str(&format!("{message}{tail}"));
                expected.push_str(&format!("{}{tail}", sandbox.alone(&message)));
            }
            sandbox.write("box", &mbox);
            let run = sandbox.batch("--quiet box --report r.jsonl");
            assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
            let written = sandbox.read("out/box");
            assert_eq!(blind(&written), blind(&expected));
            assert_eq!(written.matches(DATE).count(), 5);
            let numbers: Vec<_> =
                sandbox.lines("r.jsonl").iter().map(|line| line["number"].as_u64()).collect();
            assert_eq!(numbers, [1, 2, 3, 4, 5].map(Some));
            // What comes out is read as the same messages.
            sandbox.folder("again");
            fs::rename(sandbox.path("out/box"), sandbox.path("again/box")).unwrap();
            let run = sandbox.batch("again/box --quiet --report r.jsonl");
            assert_eq!((run.code, sandbox.lines("r.jsonl").len()), (Some(0), 5));
            assert_eq!(sandbox.read("out/box"), written);
            fs::remove_file(sandbox.path("out/box")).unwrap();
        }
    }
}

/// A text without its tokens and made ids.
fn blind(text: &str) -> String {
    let mut pieces = text.split("https://t.example.com/");
    let mut blind = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        blind.push_str(piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    }
    let lines = blind.lines().map(|line| if line.starts_with("X-Sp-Message-Id") { "made" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn usage() {
    let sandbox = Sandbox::new();
    sandbox.folder("in/out");
    sandbox.folder("other");
    for name in ["a.eml", "other/a.eml", "in/b.eml"] {
        sandbox.write(name, message(1));
    }
    let error = |line: &str| {
        let run = sandbox.run(&format!("rewrite {SETTINGS} {line}"), "");
        assert_eq!(run.out, "");
        assert!(!sandbox.path("out").exists(), "{line}");
        format!("{:?} {}", run.code, run.err.trim_end().trim_start_matches("openclick: rewrite: "))
    };
    insta::assert_snapshot!(error("--out-dir out -o x a.eml"), @"Some(64) -o and --out-dir: the mail goes to one of them");
    insta::assert_snapshot!(error("--out-dir out a.eml --exec cat"), @"Some(75) --exec and --out-dir: the mail goes to one of them");
    insta::assert_snapshot!(error("--out-dir out"), @"Some(75) --out-dir: expected files or folders; what comes from stdin has no name there");
    insta::assert_snapshot!(error("--out-dir out a.eml -"), @"Some(64) --out-dir: expected files or folders; what comes from stdin has no name there");
    insta::assert_snapshot!(error("--out-dir out a.eml --explain"), @"Some(64) --explain is for one message; with --out-dir, --report tells it of all");
    insta::assert_snapshot!(error("--out-dir out a.eml --message-id m"), @"Some(64) --message-id: many mails cannot have one id; each has its own, or gets one");
    insta::assert_snapshot!(error("a.eml other/a.eml"), @"Some(64) one file at a time, found also other/a.eml: --out-dir DIR takes many");
    insta::assert_snapshot!(error("--out-dir out a.eml other/a.eml"), @"Some(64) a.eml and other/a.eml would both become out/a.eml");
    insta::assert_snapshot!(error("--out-dir out a.eml ./a.eml"), @"Some(64) a.eml and ./a.eml would both become out/a.eml");
    insta::assert_snapshot!(error("--out-dir in/out in"), @"Some(64) --out-dir in/out is inside in");
    insta::assert_snapshot!(error("--out-dir in/new/../deep in"), @"Some(64) --out-dir in/new/../deep: no such file or directory");
    insta::assert_snapshot!(error("--out-dir in in/b.eml"), @"Some(64) in/b.eml is inside --out-dir in");
    insta::assert_snapshot!(error("--out-dir . a.eml"), @"Some(64) a.eml is inside --out-dir .");
    insta::assert_snapshot!(error("--out-dir a.eml in"), @"Some(73) --out-dir a.eml: it is no folder");
    insta::assert_snapshot!(error("--out-dir out a.eml nope"), @"Some(66) nope: no such file or directory");
    insta::assert_snapshot!(error("--out-dir out /dev/null"), @"Some(66) /dev/null: expected a file or a folder");
    insta::assert_snapshot!(error("--out-dir out in --report in/b.eml"), @"Some(64) --report in/b.eml is in the input, in");
    insta::assert_snapshot!(error("--out-dir out in --report out/in/b.eml"), @"Some(64) --report out/in/b.eml is where in/b.eml goes");
    assert!(error("--resume a.eml").starts_with("Some(64) the following required arguments"));
}

#[test]
#[cfg(unix)]
fn nothing_is_skipped_without_a_word() {
    use std::os::unix::fs::symlink;

    let sandbox = Sandbox::new();
    sandbox.folder("in/closed");
    sandbox.write("a.eml", message(1));
    sandbox.write("in/b.eml", message(2));
    symlink("../a.eml", sandbox.path("in/link")).unwrap();
    symlink(".", sandbox.path("in/circle")).unwrap();
    symlink("a.eml", sandbox.path("named.eml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("in/pipe")).status();
    assert!(made.unwrap().success());
    let run = sandbox.batch("named.eml in --report r.jsonl");
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.err, @r"
    openclick: rewrite: in/circle: a symbolic link inside a folder is not followed; name it on the command line
    openclick: rewrite: in/link: a symbolic link inside a folder is not followed; name it on the command line
    openclick: rewrite: in/pipe: neither a file nor a folder
    files         5
      not written 3  (failed)
    messages      2
      rewritten   2
      unchanged   0
      failed      0
    ");
    // A link on the command line is followed.
    assert_eq!(sandbox.tree("out"), ["in/b.eml", "named.eml"]);
    assert_eq!(sandbox.read("out/named.eml"), sandbox.alone(&message(1)));
    let errors = sandbox.lines("r.jsonl").iter().filter(|line| line["error"].is_string()).count();
    assert_eq!(errors, 3);
}

#[test]
#[cfg(unix)]
fn what_cannot_be_read_or_written_fails_alone() {
    let sandbox = Sandbox::new();
    sandbox.folder("in");
    sandbox.folder("out");
    mode(sandbox.folder.path(), 0o755);
    mode(&sandbox.path("out"), 0o777);
    for number in 1..=3 {
        sandbox.write(&format!("in/{number}.eml"), message(number));
    }
    mode(&sandbox.path("in/2.eml"), 0o000);
    mode(&sandbox.path("KEYS"), 0o644);
    let line =
        format!("rewrite {SETTINGS} --allow-open-key-file --out-dir out in --on-error pass --report -");
    let Some(run) = super::run_as(&sandbox, 12345, 12345, &line, "") else { return };
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.err, @r"
    openclick: rewrite: in/2.eml: permission denied
    files         3
      not written 1  (failed)
    messages      2
      rewritten   2
      unchanged   0
      failed      0
    ");
    assert_eq!(run.out.lines().count(), 3);
    assert!(run.out.contains(r#"{"file":"in/2.eml","error":"permission denied"}"#), "{}", run.out);
    assert_eq!(sandbox.tree("out"), ["in/1.eml", "in/3.eml"]);
    // A report that cannot be written is no success.
    let full = super::run(
        sandbox.command(
            format!(
                "rewrite {SETTINGS} --allow-open-key-file --out-dir o2 in/1.eml --report /dev/full --quiet"
            )
            .split(' '),
        ),
        "",
    );
    full.fails(74, "openclick: rewrite: cannot write /dev/full: no space left on device");
}
