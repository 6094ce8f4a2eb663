//! What an MTA's mistakes do: no mail is lost or harmed, and what a log gets names the mail and no person.

use std::fs::File;
use std::process::Stdio;

use super::{Sandbox, run};

const MESSAGE: &str = "From: shop@example.com\nTo: reader@example.org\nMessage-ID: <m1@example.com>\n\
    Content-Type: text/html\n\n<p><a href=\"https://shop.example/\">Shop</a></p>\n";

const SETTINGS: &str = "--tracking-domain t.example.com --key-file KEYS";

#[test]
fn a_mistaken_command_line_tells_the_mail_and_no_address() {
    let sandbox = Sandbox::new();
    for line in [
        "--nonsense",
        "--recipiant=ann@example.org",
        "--format ann@example.org",
        "--recipient ann@example.org bob@example.org",
        "--recipient ann@example.org bob@example.org --exec cat",
        "--recipient ann@example.org bob@example.org cy@example.org",
        "--extension ann@example.org",
        "-o x --exec cat",
        "--exec",
        "-h --exec cat",
    ] {
        let run = sandbox.run(&format!("rewrite {SETTINGS} {line}"), MESSAGE);
        assert_eq!((run.code, run.out.as_str()), (Some(75), ""), "{line}: {}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{line}: {}", run.err);
        assert!(run.err.contains("m1@example.com: "), "{line}: {}", run.err);
        assert!(!run.err.contains("example.org"), "{line}: {}", run.err);
    }
}

/// A message with an odd start is still one: read as HTML it would get a pixel before its header.
#[test]
fn an_odd_first_line_makes_no_document_of_a_message() {
    let sandbox = Sandbox::new();
    let long = format!("X-{}: y\n", "a".repeat(200));
    for (start, links) in [
        ("X-A/B: c\n", 1),
        (">From shop@example.com Mon Jan  1 00:00:00 2024\n", 1),
        (&*long, 1),
        ("\u{feff}", 0),
        ("\n", 0),
        ("\r\n\r\n", 0),
        (" folded\n", 0),
    ] {
        let message = format!("{start}{MESSAGE}");
        // A first line that says nothing begins a document as well as a message: what follows decides only for a program.
        let lines = if start == " folded\n" { &["--exec cat"][..] } else { &["", "--exec cat"] };
        for line in lines {
            let out = sandbox.run(&format!("rewrite {SETTINGS} {line}"), &message).ok();
            let count = out.matches("<a href=\"https://t.example.com/").count();
            assert!(out.starts_with(start) && out.len() >= message.len(), "{line} {out}");
            // With a blank line in front there is no header, and so no HTML: what nobody reads stays as it is.
            assert!(count == links || links == 0 && count <= 1, "{start:?} {line} {out}");
            let (header, _) = MESSAGE.split_once("\n\n").expect("a header");
            assert!(out[start.len()..].starts_with(header), "{start:?} {line} {out}");
        }
    }
    // What delivers mail is given no document, unless it begins as one.
    let out = sandbox.run(&format!("rewrite {SETTINGS} --exec cat"), "just text\n").ok();
    assert_eq!(out, "just text\n");
}

#[test]
fn an_mbox_of_several_is_not_one_message() {
    let sandbox = Sandbox::new();
    let from = "From shop@example.com Mon Jan  1 00:00:00 2024\n";
    sandbox.write("one.mbox", format!("{from}{MESSAGE}\n"));
    sandbox.write("two.mbox", format!("{from}{MESSAGE}\n{from}{MESSAGE}\n"));
    let one = sandbox.run(&format!("rewrite {SETTINGS} one.mbox"), "").ok();
    assert_eq!(one.matches("<a href=\"https://t.example.com/").count(), 1);
    let two = sandbox.run(&format!("rewrite {SETTINGS} two.mbox"), "");
    assert_eq!((two.code, &*two.out), (Some(65), ""));
    assert!(two.err.contains("an mbox of several"), "{}", two.err);
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS}"), sandbox.read("two.mbox")).code, Some(75));
    let passed = sandbox.run(&format!("rewrite {SETTINGS} --on-error pass"), sandbox.read("two.mbox"));
    assert_eq!((passed.code, passed.out), (Some(0), sandbox.read("two.mbox")));
}

/// The program has the mail: the MTA must not try again.
#[test]
fn a_report_that_gets_no_name_is_no_reason_to_deliver_twice() {
    let sandbox = Sandbox::new();
    let mut words: Vec<&str> = "rewrite --report r.json".split(' ').chain(SETTINGS.split(' ')).collect();
    words.extend(["--exec", "sh", "-c", "cat >/dev/null; mkdir r.json"]);
    let run = run(sandbox.command(words), MESSAGE);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("cannot write r.json"), "{}", run.err);
}

#[test]
#[cfg(target_os = "linux")]
fn streams_that_are_open_the_wrong_way_lose_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("in.eml", MESSAGE);
    let words = || std::iter::once("rewrite").chain(SETTINGS.split(' '));
    let mut command = sandbox.command(words());
    command.stdout(Stdio::from(File::open(sandbox.path("in.eml")).unwrap()));
    let run = super::run(command, MESSAGE);
    assert_eq!(run.code, Some(75), "{}", run.err);
    assert!(run.err.contains("standard output is not open for writing"), "{}", run.err);

    let mut command = sandbox.command(words());
    command.stdin(Stdio::from(File::create(sandbox.path("out")).unwrap()));
    let output = command.output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{err}");
    assert!(err.contains("standard input is not open for reading"), "{err}");
}

/// The signal of a file that must not grow ends the process of whoever does not know it.
#[test]
#[cfg(unix)]
fn a_file_that_may_not_grow_is_a_full_disk() {
    let sandbox = Sandbox::new();
    let mut command = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_openclick");
    command.args(["-c", &format!("ulimit -f 1; exec {program} rewrite {SETTINGS} -o out.eml")]);
    command
        .current_dir(sandbox.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = run(command, format!("{MESSAGE}{}", "text\n".repeat(1000)));
    assert_eq!(run.code, Some(75), "{}", run.err);
    assert!(run.err.contains("m1@example.com: cannot write out.eml: file too large"), "{}", run.err);
    assert!(!sandbox.path("out.eml").exists());
}

#[test]
fn what_nobody_set_is_called_a_default() {
    let sandbox = Sandbox::new();
    sandbox.write("c.toml", "tracking-domain = 't.example.com'\nkey-file = 'KEYS'\nopen-tracking = true\n");
    let run = sandbox.run("rewrite --config c.toml --explain --initial-open=false", MESSAGE);
    let source = |name: &str| {
        let line = run.err.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(source("click-tracking"), "default");
    assert_eq!(source("open-tracking"), "global");
    assert_eq!(source("initial-open"), "flag or variable");
    assert_eq!(source("text-links"), "default");
}
