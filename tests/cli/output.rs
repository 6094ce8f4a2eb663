//! `-o`: a file is whole or not there.

use std::io::Write;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{HTML, SETTINGS, Sandbox, mode};

#[test]
fn a_file_is_made_or_replaced() {
    let sandbox = Sandbox::new();
    let html = sandbox.html("", HTML).ok();
    assert_eq!(sandbox.html("-o out.html", HTML).ok(), "");
    assert_eq!(sandbox.read("out.html"), html);
    sandbox.write("out.html", "older and longer".repeat(1000));
    sandbox.html("--output out.html", HTML).ok();
    assert_eq!(sandbox.read("out.html"), html);
    assert_eq!(sandbox.html("-o -", HTML).ok(), html);
    sandbox.html("-o x --report x", HTML).fails(64, "openclick: rewrite: -o and --report name the same file");
    // Input and output may be one file.
    sandbox.write("same.html", HTML);
    sandbox.html("-o same.html same.html", "").ok();
    assert_eq!(sandbox.read("same.html"), html);
    assert_eq!(sandbox.names(), ["KEYS", "out.html", "same.html"]);
}

#[test]
#[cfg(unix)]
fn modes_and_links_are_kept() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::new();
    let mode_of = |name| std::fs::metadata(sandbox.path(name)).unwrap().permissions().mode() & 0o777;
    for kept in [0o600, 0o640, 0o444, 0o666] {
        sandbox.write("out.html", "");
        mode(&sandbox.path("out.html"), kept);
        sandbox.html("-o out.html", HTML).ok();
        assert_eq!(mode_of("out.html"), kept, "{kept:o}");
        std::fs::remove_file(sandbox.path("out.html")).unwrap();
    }
    // A new one has what the umask leaves, as any file that a shell makes.
    let line = format!("umask 027; \"$0\" rewrite --format html {SETTINGS} -o new.html --report r.json");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line, env!("CARGO_BIN_EXE_openclick")]).current_dir(sandbox.folder.path());
    assert!(shell.stdin(std::process::Stdio::null()).status().unwrap().success());
    assert_eq!((mode_of("new.html"), mode_of("r.json")), (0o640, 0o640));

    sandbox.write("target.html", "old");
    std::os::unix::fs::symlink("target.html", sandbox.path("link.html")).unwrap();
    sandbox.html("-o link.html", HTML).ok();
    assert!(sandbox.path("link.html").symlink_metadata().unwrap().is_symlink());
    assert_eq!(sandbox.read("target.html"), sandbox.html("", HTML).ok());
}

#[test]
fn a_failure_leaves_what_was_there() {
    let sandbox = Sandbox::new();
    sandbox.write("out.html", "old");
    sandbox.write("mail.eml", "Subject: x\n\n");
    assert_eq!(
        sandbox.run(&format!("rewrite {SETTINGS} -o out.html --report r.json mail.eml"), "").code,
        Some(65)
    );
    assert_eq!(sandbox.html("-o out.html --report r.json nope", "").code, Some(66));
    assert_eq!(sandbox.html("-o out.html --report nope/r.json", HTML).code, Some(73));
    assert_eq!(sandbox.html("-o out.html --max-links x", HTML).code, Some(64));
    assert_eq!(sandbox.read("out.html"), "old");
    assert_eq!(sandbox.names(), ["KEYS", "mail.eml", "out.html"]);
}

#[test]
fn outputs_that_cannot_be_made() {
    let sandbox = Sandbox::new();
    sandbox
        .html("-o nope/out", HTML)
        .fails(73, "openclick: rewrite: cannot create nope/out: no such file or directory");
    sandbox.html("-o .", HTML).fails(73, "openclick: rewrite: cannot create .: it is a folder");
    sandbox
        .html("-o KEYS/out", HTML)
        .fails(73, "openclick: rewrite: cannot create KEYS/out: not a directory");
    sandbox.html("--report .", HTML).fails(73, "openclick: rewrite: cannot create .: it is a folder");
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_written_to() {
    let sandbox = Sandbox::new();
    sandbox.html("-o /dev/null", HTML).ok();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    let html = sandbox.html("", HTML).ok();
    assert_eq!(sandbox.html("-o /dev/stdout", HTML).ok(), html);
}

/// Feeds half a document, stops the process with a signal, and sees what is left.
#[cfg(unix)]
fn interrupted(signal: &str) -> (Option<i32>, Sandbox) {
    use std::os::unix::process::ExitStatusExt;

    let sandbox = Sandbox::new();
    sandbox.write("out.html", "old");
    let line = format!("rewrite --format html {SETTINGS} -o out.html --report r.json");
    let mut child = sandbox.command(line.split_whitespace()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than the pipe holds: that it was taken shows that the work is in full swing.
    stdin.write_all(&HTML.as_bytes().repeat(10_000)).unwrap();
    thread::sleep(Duration::from_millis(50));
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    (status.signal(), sandbox)
}

#[test]
#[cfg(unix)]
fn a_signal_leaves_no_half_file() {
    for (name, number) in [("-KILL", 9), ("-TERM", 15)] {
        let (signal, sandbox) = interrupted(name);
        assert_eq!(signal, Some(number));
        assert_eq!(sandbox.read("out.html"), "old");
        // Where the file system has files without a name, nothing at all is left; elsewhere a hidden one.
        let mut names = sandbox.names();
        names.retain(|name| !name.starts_with(".openclick-"));
        assert_eq!(names, ["KEYS", "out.html"]);
    }
}
