//! Help, version, completions and manual.

use super::Sandbox;

#[test]
fn help_and_version() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run("--version", "").ok(), concat!("openclick ", env!("CARGO_PKG_VERSION"), "\n"));
    for line in [
        "--help",
        "-h",
        "rewrite --help",
        "rewrite -h",
        "preview --help",
        "decode --help",
        "key --help",
        "key add --help",
        "help rewrite",
    ] {
        let help = sandbox.run(line, "").ok();
        assert!(help.contains("Usage: openclick"), "{line}");
    }
    let help = sandbox.run("rewrite --help", "").ok();
    for heading in ["Input and output:", "This mail:", "Which links:", "Examples:", "Exit codes:"] {
        assert!(help.contains(heading), "{heading}");
    }
    // Help shows no value of the surroundings.
    let mut command = sandbox.command(["rewrite", "--help"]);
    command.env("OPENCLICK_RECIPIENT", "secret@example.org");
    assert!(!super::run(command, "").ok().contains("secret@"));
}

#[test]
fn usage_errors_help() {
    let sandbox = Sandbox::new();
    // The codes are those of a mail filter: stdin is no terminal here.
    let run = sandbox.run("", "");
    assert_eq!(run.code, Some(75));
    assert!(run.err.contains("Usage: openclick <COMMAND>"), "{}", run.err);
    // A log has one line for it.
    let run = sandbox.run("rewrit", "");
    assert_eq!((run.code, run.out.as_str()), (Some(75), ""));
    assert_eq!(run.err, "openclick: unrecognized subcommand 'rewrit'\n");
    let run = sandbox.run("rewrit --format html", "");
    assert_eq!((run.code, run.out.as_str()), (Some(64), ""));
    insta::assert_snapshot!(run.err, @r"
    openclick: unrecognized subcommand 'rewrit'

      tip: a similar subcommand exists: 'rewrite'

    Usage: openclick <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(sandbox.run("decode --tracking-domian x", "").err, @r"
    openclick: decode: unexpected argument '--tracking-domian' found

      tip: a similar argument exists: '--tracking-domain'

    Usage: openclick decode --tracking-domain <URL> [URL]...

    For more information, try '--help'.
    ");
}

#[test]
fn completions_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(&format!("completions {shell}"), "").ok();
        assert!(script.contains("tracking-domain") && script.contains("rewrite"), "{shell}");
    }
    assert_eq!(sandbox.run("completions nonsense", "").code, Some(64));
}

#[test]
fn manual_pages() {
    let sandbox = Sandbox::new();
    let all = sandbox.run("man", "").ok();
    let pages = all.lines().filter(|line| line.starts_with(".TH ")).count();
    assert_eq!(pages, 18);
    let page = sandbox.run("man openclick-rewrite", "").ok();
    assert!(page.contains(".TH openclick-rewrite 1") && page.contains("\\-\\-tracking\\-domain"), "{page}");
    let run = sandbox.run("man nonsense", "");
    assert_eq!(run.code, Some(64));
    assert!(run.err.starts_with("openclick: man: expected one of the pages openclick, openclick-rewrite, "));
}
