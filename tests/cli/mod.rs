//! The command as a process: what goes in, what comes out, and the exit code.

mod batch;
mod config;
mod decode;
mod filter;
mod inspect;
mod job_id;
mod keys;
mod lint;
mod log;
mod message;
mod output;
mod page;
mod pages;
mod preview;
mod render;
mod restore;
mod rewrite;
mod serve;
mod streams;
mod terminal;
mod traffic;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

/// A key that is no secret.
const KEYS: &str = "0 active MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n";

const HTML: &str =
    r#"<body><a href="https://shop.example/?a=1&amp;b=2">Shop</a> <a href="tel:+1">Call</a></body>"#;

/// A folder of its own, with a key file, in which the command runs.
struct Sandbox {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
struct Run {
    /// `None` if a signal ended it.
    code: Option<i32>,
    out: String,
    err: String,
}

impl Sandbox {
    fn new() -> Sandbox {
        let sandbox = Sandbox { folder: tempfile::tempdir().unwrap() };
        sandbox.write("KEYS", KEYS);
        mode(&sandbox.path("KEYS"), 0o600);
        sandbox
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in the folder, sorted.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The command, without any variable of the outer world but PATH.
    fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openclick"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the command line, split at white space, on an input.
    fn run(&self, line: &str, input: impl AsRef<[u8]>) -> Run {
        run(self.command(line.split_whitespace()), input)
    }

    /// Runs `rewrite --format html` with the domain and the keys of the folder, and further arguments.
    fn html(&self, more: &str, input: impl AsRef<[u8]>) -> Run {
        self.run(&format!("rewrite --format html {SETTINGS} {more}"), input)
    }
}

/// What `rewrite` needs at least, and a message id.
const SETTINGS: &str = "--tracking-domain t.example.com --key-file KEYS --message-id m1";

fn run(mut command: Command, input: impl AsRef<[u8]>) -> Run {
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take();
    let input = input.as_ref().to_vec();
    let feeding = thread::spawn(move || {
        // It may end before it has read everything.
        let _ = stdin.map(|mut stdin| stdin.write_all(&input));
    });
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    /// Succeeded, and said nothing.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// Failed with this code and these words, and wrote nothing.
    #[track_caller]
    fn fails(self, code: i32, message: &str) {
        assert_eq!((self.code, self.err.trim_end()), (Some(code), message));
        assert_eq!(self.out, "");
    }
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn mode(_: &Path, _: u32) {}

/// Gives a file to a user and a group, which only root can.
#[cfg(unix)]
fn give(path: &Path, uid: u32, gid: u32) -> bool {
    use std::os::unix::fs::chown;

    // To root first: anybody may give his files to himself.
    let given = chown(path, Some(0), Some(0)).and_then(|()| chown(path, Some(uid), Some(gid)));
    if let Err(error) = &given {
        eprintln!("skipped: only root can give files away ({error})");
    }
    given.is_ok()
}

/// Runs a command line as another user, which only root can; `None` where that user cannot reach the program or the folder.
#[cfg(unix)]
fn run_as(sandbox: &Sandbox, uid: u32, gid: u32, line: &str, input: &str) -> Option<Run> {
    use std::os::unix::process::CommandExt;

    let can_reach = Command::new(env!("CARGO_BIN_EXE_openclick"))
        .arg("--version")
        .current_dir(sandbox.folder.path())
        .stdout(Stdio::null())
        .uid(uid)
        .gid(gid)
        .status();
    if let Err(error) = can_reach {
        eprintln!("skipped: user {uid} cannot run the program ({error})");
        return None;
    }
    let mut command = sandbox.command(line.split_whitespace());
    command.uid(uid).gid(gid);
    Some(run(command, input))
}

/// The first tracking URL of a document.
fn first_url(html: &str) -> &str {
    let start = html.find("<a href=\"https://t.example.com/").unwrap() + 9;
    let length = html[start..].find('"').unwrap();
    &html[start..start + length]
}
