//! Pipes: output before the input ends, memory that does not grow, outputs that fail.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{HTML, SETTINGS, Sandbox, first_url, run};

/// Longer than anything should take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn arguments(more: &str) -> Vec<String> {
    format!("rewrite --format html {SETTINGS} {more}").split_whitespace().map(str::to_owned).collect()
}

/// A newsletter's rows, of at least so many bytes.
fn rows(length: usize) -> Vec<u8> {
    let row = b"<tr><td>Spring sale <a href=\"https://shop.example/?a=1&amp;b=2\">Shop</a></td></tr>\n";
    row.iter().copied().cycle().take(length.next_multiple_of(row.len())).collect()
}

/// What the child's stdout gives, in a thread, so that a test that hangs fails instead.
fn reading(child: &mut Child) -> mpsc::Receiver<Vec<u8>> {
    let mut stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = stdout.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[test]
fn output_begins_before_the_input_ends() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.command(arguments("")).spawn().unwrap();
    let output = reading(&mut child);
    let mut stdin = child.stdin.take().unwrap();
    // A preheader is waited for through 16 KB of the body.
    stdin.write_all(&rows(40 * 1024)).unwrap();
    let first = output.recv_timeout(PATIENCE).unwrap();
    assert!(!first.is_empty());
    // From then on, 8 KB in give output.
    while output.recv_timeout(Duration::from_millis(200)).is_ok() {}
    stdin.write_all(&rows(8 * 1024)).unwrap();
    assert!(!output.recv_timeout(PATIENCE).unwrap().is_empty());
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.command(arguments("--report r.json --report-links 100")).spawn().unwrap();
    let output = reading(&mut child);
    let draining = thread::spawn(move || output.iter().map(|part| part.len()).sum::<usize>());
    let mut stdin = child.stdin.take().unwrap();
    let rows = rows(64 * 1024);
    for _ in 0..128 {
        stdin.write_all(&rows).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(draining.join().unwrap() > 8 << 20);
    assert!(kilobytes < 24 * 1024, "{kilobytes} KB for 8 MB");
}

#[test]
fn any_way_of_writing_gives_the_same() {
    let sandbox = Sandbox::new();
    let document = rows(100 * 1024);
    let at_once = sandbox.html("", &document).ok();
    let mut child = sandbox.command(arguments("")).spawn().unwrap();
    let output = reading(&mut child);
    let mut stdin = child.stdin.take().unwrap();
    for part in document.chunks(997) {
        stdin.write_all(part).unwrap();
        stdin.flush().unwrap();
    }
    drop(stdin);
    let parts: Vec<u8> = output.iter().flatten().collect();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(parts == at_once.as_bytes());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_never_looks_like_success() {
    let sandbox = Sandbox::new();
    sandbox.write("in.html", HTML);
    let url = first_url(&sandbox.html("", HTML).ok()).to_owned();
    let decode = "decode --key-file KEYS --tracking-domain t.example.com";
    let space = "no space left on device";
    for (line, input, code, name) in [
        (format!("rewrite --format html {SETTINGS}"), HTML, 74, "rewrite"),
        (format!("rewrite {SETTINGS}"), HTML, 75, "rewrite"),
        (format!("rewrite {SETTINGS} in.html"), "", 74, "rewrite"),
        (format!("rewrite {SETTINGS} --on-error pass"), HTML, 75, "rewrite"),
        (format!("{decode} {url}"), "", 74, "decode"),
        (decode.to_owned(), &url, 74, "decode"),
        ("key new".to_owned(), "", 74, "key"),
        ("key list --key-file KEYS".to_owned(), "", 74, "key"),
        ("key list --json --key-file KEYS".to_owned(), "", 74, "key"),
        ("key rotate --key-file KEYS".to_owned(), "", 74, "key"),
        ("completions bash".to_owned(), "", 74, "completions"),
        ("man".to_owned(), "", 74, "man"),
    ] {
        let mut command = sandbox.command(line.split_whitespace());
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        let run = run(command, input);
        assert_eq!(run.code, Some(code), "{line}");
        assert_eq!(run.err, format!("openclick: {name}: cannot write standard output: {space}\n"), "{line}");
    }
    for line in ["--version", "--help"] {
        let mut command = sandbox.command([line]);
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(run(command, "").code, Some(74), "{line}");
    }
    // A big document fails on the way, and so do special files.
    let mut command = sandbox.command(arguments(""));
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    assert_eq!(run(command, rows(1 << 20)).code, Some(74));
    sandbox
        .html("-o /dev/full", HTML)
        .fails(74, "openclick: rewrite: cannot write /dev/full: no space left on device");
    sandbox
        .html("--report /dev/full -o out", HTML)
        .fails(74, "openclick: rewrite: cannot write /dev/full: no space left on device");
    assert_eq!(sandbox.names(), ["KEYS", "in.html"]);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let sandbox = Sandbox::new();
    for (more, code) in [("", 74), ("--format auto", 75)] {
        let mut arguments = arguments(more);
        if !more.is_empty() {
            arguments.drain(1..3);
        }
        let mut child = sandbox.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().unwrap();
        let feeding = thread::spawn(move || while stdin.write_all(&rows(64 * 1024)).is_ok() {});
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap();
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
    let url = first_url(&sandbox.html("", HTML).ok()).to_owned() + "\n";
    let decode = "decode --key-file KEYS --tracking-domain t.example.com";
    let mut child = sandbox.command(decode.split(' ')).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    while stdin.write_all(url.as_bytes()).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(74), 0));
}

#[test]
fn a_closed_stderr_changes_nothing() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("rewrite --format html nope".split(' '));
    command.stderr(Stdio::null());
    assert_eq!(run(command, "").code, Some(78));
    let mut child = sandbox.command("rewrite --format html nope".split(' ')).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(78));
}

#[test]
#[cfg(target_os = "linux")]
fn input_that_cannot_be_read_on_the_way() {
    let sandbox = Sandbox::new();
    // Opens, and then fails: an address space that begins with nothing.
    let run = sandbox.run(&format!("rewrite {SETTINGS} -o out /proc/self/mem"), "");
    run.fails(74, "openclick: rewrite: cannot read /proc/self/mem: input/output error");
    assert_eq!(sandbox.names(), ["KEYS"]);
}
