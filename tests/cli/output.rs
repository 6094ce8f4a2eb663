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

/// The owner, group and mode of a file.
#[cfg(unix)]
fn owner(sandbox: &Sandbox, name: &str) -> (u32, u32, u32) {
    use std::os::unix::fs::MetadataExt;

    let metadata = std::fs::metadata(sandbox.path(name)).unwrap();
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
}

#[test]
#[cfg(unix)]
fn owners_are_kept() {
    let sandbox = Sandbox::new();
    for kept in [0o600, 0o640, 0o664, 0o4750] {
        sandbox.write("out.html", "old");
        sandbox.write("r.json", "old");
        if !(super::give(&sandbox.path("out.html"), 1234, 2345)
            && super::give(&sandbox.path("r.json"), 0, 2345))
        {
            return;
        }
        mode(&sandbox.path("out.html"), kept);
        sandbox.html("-o out.html --report r.json", HTML).ok();
        assert_ne!(sandbox.read("out.html"), "old");
        assert_eq!(owner(&sandbox, "out.html"), (1234, 2345, kept));
        assert_eq!((owner(&sandbox, "r.json").0, owner(&sandbox, "r.json").1), (0, 2345));
    }
}

#[test]
#[cfg(unix)]
fn what_cannot_be_kept_is_told_and_widens_nothing() {
    let sandbox = Sandbox::new();
    if !(super::give(&sandbox.path("KEYS"), 1234, 2345) && super::give(sandbox.folder.path(), 1234, 2345)) {
        return;
    }
    let line = format!("rewrite --format html {SETTINGS} -o out.html");
    // Owner and group as they were, the mode; then as they are, and what is said.
    for (old, new, said) in [
        ((0, 2345, 0o664), (1234, 2345, 0o664), "its owner, user 0, could not be kept"),
        ((0, 2345, 0o6755), (1234, 2345, 0o755), "its owner, user 0, could not be kept"),
        ((1234, 3456, 0o660), (1234, 2345, 0o600), "its group, 3456, could not be kept"),
        ((0, 3456, 0o664), (1234, 2345, 0o644), "its owner, user 0, and its group, 3456, could not be kept"),
        ((1234, 2345, 0o640), (1234, 2345, 0o640), ""),
    ] {
        sandbox.write("out.html", "old");
        super::give(&sandbox.path("out.html"), old.0, old.1);
        mode(&sandbox.path("out.html"), old.2);
        let Some(run) = super::run_as(&sandbox, 1234, 2345, &line, HTML) else { return };
        let note = match said {
            "" => String::new(),
            _ => format!("openclick: rewrite: out.html: {said}\n"),
        };
        assert_eq!((run.code, run.err), (Some(0), note));
        assert_eq!(owner(&sandbox, "out.html"), new, "{said}");
    }
    super::give(&sandbox.path("out.html"), 0, 2345);
    super::run_as(&sandbox, 1234, 2345, &format!("{line} --quiet"), HTML).unwrap().ok();
}

#[test]
#[cfg(unix)]
fn a_link_to_a_file_that_is_not_there_yet_is_followed() {
    use std::os::unix::fs::symlink;

    let sandbox = Sandbox::new();
    let html = sandbox.html("", HTML).ok();
    std::fs::create_dir(sandbox.path("today")).unwrap();
    symlink("latest.html", sandbox.path("link.html")).unwrap();
    symlink("today/news.html", sandbox.path("latest.html")).unwrap();
    sandbox.html("-o link.html", HTML).ok();
    assert!(["link.html", "latest.html"].iter().all(|name| sandbox.path(name).is_symlink()));
    assert!(!sandbox.path("today/news.html").is_symlink());
    assert_eq!(sandbox.read("today/news.html"), html);
    // The report too, by an absolute link.
    symlink(sandbox.path("today/r.json"), sandbox.path("r.json")).unwrap();
    sandbox.html("-o link.html --report r.json", HTML).ok();
    assert!(sandbox.path("r.json").is_symlink() && sandbox.read("today/r.json").starts_with('{'));

    symlink("nope/out.html", sandbox.path("lost.html")).unwrap();
    sandbox.html("-o lost.html", HTML).fails(
        73,
        "openclick: rewrite: cannot create lost.html: it is a symbolic link to ./nope/out.html: no such file or directory",
    );
    symlink("circle.html", sandbox.path("circle.html")).unwrap();
    sandbox
        .html("-o circle.html", HTML)
        .fails(73, "openclick: rewrite: cannot create circle.html: too many levels of symbolic links");
    assert!(["lost.html", "circle.html"].iter().all(|name| sandbox.path(name).is_symlink()));
}

#[test]
#[cfg(unix)]
fn one_file_by_two_names() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("x", sandbox.path("link")).unwrap();
    for (output, report) in [("x", "x"), ("x", "./x"), ("link", "x"), ("./x", "link")] {
        sandbox
            .html(&format!("-o {output} --report {report}"), HTML)
            .fails(64, "openclick: rewrite: -o and --report name the same file");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn stdout_by_its_other_names() {
    let sandbox = Sandbox::new();
    let html = sandbox.html("", HTML).ok();
    sandbox.write("log", "first\n");
    let append = std::fs::File::options().append(true).open(sandbox.path("log")).unwrap();
    let line = format!("rewrite --format html {SETTINGS} -o /dev/stdout");
    let mut command = sandbox.command(line.split_whitespace());
    command.stdout(append);
    super::run(command, HTML).ok();
    // Appended, as asked: not another file in its place.
    assert_eq!(sandbox.read("log"), format!("first\n{html}"));
    sandbox
        .html("--report /dev/stdout", HTML)
        .fails(64, "openclick: rewrite: --report -: stdout takes the mail: name a file, or give -o OUT");
    // Other open files too; one that has lost its name gets none from what its link says.
    sandbox.write("log", "first\n");
    let append = std::fs::File::options().append(true).open(sandbox.path("log")).unwrap();
    let line = format!("rewrite --format html {SETTINGS} -o out --report /dev/stderr");
    let mut command = sandbox.command(line.split_whitespace());
    command.stderr(append);
    assert_eq!(super::run(command, HTML).code, Some(0));
    assert!(sandbox.read("log").starts_with("first\n{"), "{}", sandbox.read("log"));
    std::fs::remove_file(sandbox.path("out")).unwrap();
    let file = std::fs::File::create(sandbox.path("gone")).unwrap();
    std::fs::remove_file(sandbox.path("gone")).unwrap();
    let line = format!("rewrite --format html {SETTINGS} -o /dev/stderr");
    let mut command = sandbox.command(line.split_whitespace());
    command.stderr(file);
    assert_eq!(super::run(command, HTML).code, Some(0));
    assert_eq!(sandbox.names(), ["KEYS", "log"]);
}

#[test]
fn what_cannot_be_made_is_told_at_once() {
    let sandbox = Sandbox::new();
    sandbox
        .html("-o folder/", HTML)
        .fails(73, "openclick: rewrite: cannot create folder/: it is the name of a folder");
    sandbox.write("in.html", HTML);
    sandbox
        .html("--report ./in.html in.html", "")
        .fails(64, "openclick: rewrite: FILE and --report name the same file: the report would destroy it");
    assert_eq!(sandbox.read("in.html"), HTML);
}

#[test]
fn a_failure_leaves_what_was_there() {
    let sandbox = Sandbox::new();
    sandbox.write("out.html", "old");
    assert_eq!(sandbox.html("-o out.html --report r.json nope", "").code, Some(66));
    assert_eq!(sandbox.html("-o out.html --report nope/r.json", HTML).code, Some(73));
    assert_eq!(sandbox.html("-o out.html --max-links x", HTML).code, Some(64));
    assert_eq!(sandbox.read("out.html"), "old");
    assert_eq!(sandbox.names(), ["KEYS", "out.html"]);
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
