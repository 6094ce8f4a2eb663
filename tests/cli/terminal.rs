//! On a terminal: a summary, and exit codes of one's own. `script` of util-linux makes the terminal.

use std::process::{Command, Stdio};

use super::{HTML, Run, SETTINGS, Sandbox};

/// Runs a shell line in which `$OPENCLICK` is the command, on a terminal; `None` without `script`.
fn on_terminal(sandbox: &Sandbox, line: &str) -> Option<Run> {
    let mut command = Command::new("script");
    command.args(["-qec", line, "/dev/null"]).current_dir(sandbox.folder.path());
    command.env("OPENCLICK", env!("CARGO_BIN_EXE_openclick")).env("SHELL", "/bin/sh");
    let output = command.stdin(Stdio::null()).output();
    let Some(output) = output.ok().filter(|_| cfg!(target_os = "linux")) else {
        eprintln!("skipped: no `script` of util-linux here");
        return None;
    };
    Some(Run {
        code: output.status.code(),
        // A terminal shows no bare line feed.
        out: String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n"),
        err: String::new(),
    })
}

#[test]
fn a_summary_in_one_line() {
    let sandbox = Sandbox::new();
    sandbox.write("in.html", HTML);
    let rewrite = format!("$OPENCLICK rewrite {SETTINGS}");
    let Some(run) = on_terminal(&sandbox, &format!("{rewrite} in.html > out.html")) else { return };
    let length = std::fs::metadata(sandbox.path("out.html")).unwrap().len();
    assert_eq!(run.code, Some(0));
    assert_eq!(
        run.out,
        format!(
            "openclick: 1 link tracked, 1 left (1 scheme), 2 pixels, {} bytes in, {length} out\n",
            HTML.len()
        )
    );
    for line in [
        format!("{rewrite} --quiet in.html > out.html"),
        format!("{rewrite} in.html > out.html 2> err"),
        format!("OPENCLICK_QUIET=true {rewrite} in.html > out.html"),
    ] {
        let run = on_terminal(&sandbox, &line).unwrap();
        assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{line}");
    }
    let shown = on_terminal(&sandbox, &format!("{rewrite} in.html")).unwrap();
    let (document, summary) = shown.out.split_once('\n').unwrap();
    assert_eq!(document, sandbox.read("out.html"));
    assert!(summary.starts_with("openclick: 1 link tracked, "), "{summary}");
    let made = on_terminal(
        &sandbox,
        &format!("{rewrite} --report r.json in.html > out.html").replace("--message-id m1", ""),
    );
    let made = made.unwrap();
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("r.json")).unwrap();
    let id = report["message_id"].as_str().unwrap();
    assert!(
        made.out.ends_with(&format!(" out, message id {id} (made)\n")) && made.out.matches('\n').count() == 1
    );
}

#[test]
fn a_terminal_is_no_mail_filter() {
    let sandbox = Sandbox::new();
    let script = |line: &str| on_terminal(&sandbox, line).map(|run| run.code);
    let Some(code) = script("$OPENCLICK rewrite --nonsense") else { return };
    assert_eq!(code, Some(64));
    assert_eq!(script("$OPENCLICK rewrite --config nope"), Some(Some(78)));
    for line in ["$OPENCLICK", "$OPENCLICK rewrit", "$OPENCLICK --quiet rewrite"] {
        assert_eq!(script(line), Some(Some(64)), "{line}");
    }
    // The same from a pipe.
    assert_eq!(script("true | $OPENCLICK rewrite --nonsense"), Some(Some(75)));
    assert_eq!(script("true | $OPENCLICK rewrite --config nope"), Some(Some(75)));
    assert_eq!(script("$OPENCLICK rewrite --config nope < /dev/null"), Some(Some(75)));
}

#[test]
fn a_bar_for_many_files() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("in")).unwrap();
    (0..300).for_each(|at| sandbox.write(&format!("in/{at}.html"), HTML));
    let rewrite =
        format!("$OPENCLICK rewrite {SETTINGS} --out-dir out in nope").replace("--message-id m1", "");
    let Some(run) = on_terminal(&sandbox, &rewrite) else { return };
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(66), "openclick: rewrite: nope: no such file or directory\n")
    );
    let run = on_terminal(&sandbox, &rewrite.replace(" nope", "")).unwrap();
    assert_eq!(run.code, Some(0));
    assert!(run.out.contains("%  ") && run.out.contains("/s, 0 failed"), "{}", run.out);
    let end = "files       300\nmessages    300\n  rewritten 300\n  unchanged   0\n  failed      0\n";
    assert!(run.out.contains("300 message ids made for HTML"), "{}", run.out);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert!(words(&run.out).ends_with(&words(end)), "{}", run.out);
    let quiet = on_terminal(&sandbox, &rewrite.replace("out in nope", "out2 --quiet in")).unwrap();
    assert_eq!((quiet.code, quiet.out.as_str()), (Some(0), ""));
}
