//! Runs that are ended from outside.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::run;
use super::*;

/// Waits until something is so; a test must not hang for ever where it never is.
#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never came to this");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(child: &Child, signal: &str) {
    let killed = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
}

#[test]
fn a_signal_leaves_no_half_file() {
    let sandbox = Sandbox::new();
    let body = "<p><a href=\"https://shop.example/\">x</a></p>\n".repeat(200);
    let one = format!("{DATE}\n{}{body}\n", message(1));
    sandbox.write("box", one.repeat(3000));
    sandbox.folder("in");
    sandbox.write("in/1.eml", message(1));
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let line = format!("rewrite {SETTINGS} --out-dir out in box --report r.jsonl");
        let child = sandbox.command(line.split_whitespace()).spawn().unwrap();
        // It works by now: the small file is there, and messages of the box are told.
        until(|| sandbox.path("out/in/1.eml").exists() && sandbox.read("r.jsonl").contains("\"box\""));
        kill(&child, signal);
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.signal(), Some(number), "{err}");
        assert!(err.contains("not reached 1  (stopped)") && err.contains("--resume goes on"), "{err}");
        assert_eq!(sandbox.tree("out"), ["in/1.eml"]);
        // Its lines are whole, and those of what is done are there.
        assert!(sandbox.lines("r.jsonl").iter().any(|line| line["file"] == "in/1.eml"));
        // What it told of the box is taken back.
        let ids: Vec<_> = sandbox.ids("r.jsonl").into_keys().collect();
        assert_eq!(ids, [("in/1.eml".to_owned(), 1)]);
        assert!(sandbox.read("r.jsonl").contains("{\"file\":\"box\",\"error\":\"not written: stopped\"}\n"));
        fs::remove_dir_all(sandbox.path("out")).unwrap();
    }
    sandbox.write("box", one.repeat(3));
    let run: Run =
        run(sandbox.command(format!("rewrite {SETTINGS} --quiet --out-dir out in box").split(' ')), "");
    assert_eq!(run.ok(), "");
    assert_eq!(sandbox.tree("out"), ["box", "in/1.eml"]);
}

/// The command, in a shell that says something first.
fn shell(sandbox: &Sandbox, first: &str, more: &str) -> Command {
    let line = format!("{first}; exec \"$0\" rewrite {SETTINGS} --out-dir out {more}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line, env!("CARGO_BIN_EXE_openclick")]).current_dir(sandbox.folder.path());
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// `nohup` has SIGHUP ignored, and so it stays.
#[test]
fn a_run_without_a_terminal_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.folder("in");
    (0..100).for_each(|number| sandbox.write(&format!("in/{number}"), message(number)));
    let child = shell(&sandbox, "trap '' HUP", "--quiet in").spawn().unwrap();
    until(|| !sandbox.tree("out").is_empty());
    kill(&child, "HUP");
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap()), (Some(0), String::new()));
    assert_eq!(sandbox.tree("out").len(), 100);
}

/// The ids of HTML stand only in the report.
#[test]
fn a_killed_run_has_told_of_all_that_it_wrote() {
    let sandbox = Sandbox::new();
    sandbox.folder("in");
    let count = 400;
    (0..count).for_each(|number| sandbox.write(&format!("in/{number}.html"), HTML));
    let line = format!("rewrite {SETTINGS} --quiet --out-dir out in --report r.jsonl");
    let child = sandbox.command(line.split(' ')).spawn().unwrap();
    until(|| sandbox.tree("out").len() > 10);
    kill(&child, "KILL");
    child.wait_with_output().unwrap();
    // The last line may be torn.
    assert_eq!(sandbox.batch("--resume --quiet in --report r.jsonl").ok(), "");
    assert_eq!(sandbox.tree("out").len(), count);
    let ids = sandbox.ids("r.jsonl");
    assert_eq!(ids.len(), count);
    for ((file, _), id) in &ids {
        assert_eq!(*id, sandbox.id_in(&format!("out/{file}")));
    }
}

/// `ulimit -f` without its signal: no file of this run may be longer, which ends it like a full disk.
#[test]
fn a_limit_of_file_sizes_ends_the_run() {
    let sandbox = Sandbox::new();
    sandbox.folder("in");
    (0..500).for_each(|number| sandbox.write(&format!("in/{number}"), message(number) + &"x".repeat(20_000)));
    let run = run(shell(&sandbox, "trap '' XFSZ; ulimit -f 8", "in"), "");
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(run.err.contains("file too large") && run.err.contains("  not reached "), "{}", run.err);
    assert!(sandbox.tree("out").is_empty());
}
