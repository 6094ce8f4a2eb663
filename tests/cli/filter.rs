//! As a mail filter, every failure asks to be tried again.

use super::{HTML, SETTINGS, Sandbox};

#[test]
fn every_failure_is_temporary() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.toml", "nonsense = 1\n");
    sandbox.write("KEYS.bad", "0 active short\n");
    for (line, input) in [
        ("rewrite", HTML),
        ("rewrite --format auto", HTML),
        ("rewrite --nonsense", HTML),
        ("rewrite --format message", HTML),
        ("rewrite --max-links x", HTML),
        ("rewrite --config bad.toml", HTML),
        ("rewrite --config nope.toml", HTML),
        ("rewrite --tracking-domain t.example.com --key-file nope", HTML),
        ("rewrite --tracking-domain t.example.com --key-file KEYS.bad", HTML),
        ("rewrite --tracking-domain ftp://x --key-file KEYS", HTML),
        (&format!("rewrite {SETTINGS} --message-id="), HTML),
        (&format!("rewrite {SETTINGS} -o nope/out"), HTML),
        (&format!("rewrite {SETTINGS} --report nope/r"), HTML),
        (&format!("rewrite {SETTINGS} --report /nope/r"), "Subject: a message\n\n"),
    ] {
        let run = sandbox.run(line, input);
        assert_eq!((run.code, run.out.as_str()), (Some(75), ""), "{line}: {}", run.err);
        assert!(run.err.starts_with("openclick: rewrite: "), "{line}: {}", run.err);
    }
    let mut command = sandbox.command(["rewrite"]);
    command.env("OPENCLICK_MAX_LINKS", "x");
    super::run(command, HTML)
        .fails(75, "openclick: rewrite: OPENCLICK_MAX_LINKS: expected a whole number from 0, found `x`");
}

/// A report that cannot be written is found out before the mail goes out: else it would be delivered twice.
#[test]
#[cfg(target_os = "linux")]
fn a_mail_passes_once() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&format!("rewrite {SETTINGS} --on-error pass --report /dev/full"), HTML);
    assert_eq!((run.code, run.out.as_str()), (Some(0), HTML));
    assert_eq!(run.err, "openclick: rewrite: cannot write /dev/full: no space left on device\n");
}

/// Whatever stands in an MTA's configuration instead of `openclick rewrite`, the mail stays in the queue.
#[test]
fn a_command_that_is_not_there_is_temporary_too() {
    let sandbox = Sandbox::new();
    for line in [
        "",
        "rewrit",
        "--quiet",
        "--quiet rewrite",
        "--config nope.toml rewrite",
        "--nonsense rewrite --quiet",
        "--config decode rewrite",
        "in.html",
    ] {
        let run = sandbox.run(line, HTML);
        assert_eq!((run.code, run.out.as_str()), (Some(75), ""), "{line}: {}", run.err);
        assert!(!run.err.is_empty(), "{line}");
    }
    // These read no mail, and have codes of their own.
    for line in [
        "decode --nonsense",
        "decode rewrite --nonsense",
        "key rewrite",
        "key",
        "man nonsense",
        "completions rewrite",
        "help nonsense",
        "--quiet decode",
        // No mail filter, whatever the command is.
        "rewrit --format html",
        "decod https://t.example.com/x",
        "--quiet rewrite in.html",
    ] {
        let run = sandbox.run(line, HTML);
        assert_eq!((run.code, run.out.as_str()), (Some(64), ""), "{line}: {}", run.err);
    }
}

#[test]
fn html_from_stdin_and_files_are_no_mail_filter() {
    let sandbox = Sandbox::new();
    sandbox.write("in.html", HTML);
    assert_eq!(sandbox.run("rewrite --format html --nonsense", HTML).code, Some(64));
    assert_eq!(sandbox.run("rewrite --format html", HTML).code, Some(78));
    assert_eq!(sandbox.run("rewrite --format=html --config nope", HTML).code, Some(78));
    assert_eq!(sandbox.run("rewrite --nonsense=x in.html", "").code, Some(64));
    assert_eq!(sandbox.run("rewrite in.html", "").code, Some(78));
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS} -o nope/out in.html"), "").code, Some(73));
    assert_eq!(sandbox.run(&format!("rewrite {SETTINGS} --report nope/r in.html"), "").code, Some(73));
    sandbox.write("html.toml", "format = \"html\"\nkey-file = \"nope\"\n");
    assert_eq!(sandbox.run("rewrite --config html.toml", HTML).code, Some(78));
    let mut command = sandbox.command(["rewrite", "--nonsense"]);
    command.env("OPENCLICK_FORMAT", "html");
    assert_eq!(super::run(command, HTML).code, Some(64));
}

#[test]
fn pass_lets_the_mail_through() {
    let sandbox = Sandbox::new();
    let message = "Subject: a message\r\n\r\n\0\u{ff}";
    for line in [
        "rewrite --on-error pass",
        "rewrite --on-error=pass --nonsense",
        "rewrite --on-error pass --config nope.toml",
        "rewrite --on-error pass --format html --max-links x",
        "--quiet rewrite --on-error pass",
        "--on-error=pass rewrite",
        "rewrit --on-error pass",
        &format!("rewrite {SETTINGS} --on-error pass --report nope/r"),
    ] {
        let run = sandbox.run(line, message);
        assert_eq!((run.code, run.out.as_str()), (Some(0), message), "{line}: {}", run.err);
        let name = if line.starts_with("rewrite ") { "rewrite: " } else { "" };
        assert!(run.err.starts_with(&format!("openclick: {name}")), "{line}: {}", run.err);
    }
    // Also by variable, by file, and into a file.
    let mut command = sandbox.command(["rewrite", "--nonsense"]);
    command.env("OPENCLICK_ON_ERROR", "pass");
    assert_eq!(super::run(command, message).out, message);
    // But the variable, which every command sees, makes no unknown one succeed.
    let mut command = sandbox.command(["decod"]);
    command.env("OPENCLICK_ON_ERROR", "pass");
    let run = super::run(command, message);
    assert_eq!((run.code, run.out.as_str()), (Some(75), ""));
    sandbox.write(
        "pass.toml",
        "on-error = \"pass\"\ntracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\n",
    );
    let run = sandbox.run("rewrite --config pass.toml -o out", message);
    assert_eq!((run.code, sandbox.read("out")), (Some(0), message.to_owned()));
}

#[test]
fn pass_does_not_hide_that_output_failed() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&format!("rewrite {SETTINGS} --on-error pass -o nope/out"), HTML);
    assert_eq!(run.code, Some(75));
    let run = sandbox.run("rewrite --on-error pass nope.html", HTML);
    assert_eq!(run.code, Some(66));
}
