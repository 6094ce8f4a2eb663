//! `lint`: what is told, in which form, and the exit code.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Run, Sandbox, run};

const BAD: &str = "<!doctype html>\n<meta charset=utf-8>\n<body>\n<p>Grüße <a href=\"page.html\">x</a>\n\
                   <a href=\"http://shop.example/\">y</a> <a href=\"https://shop.example/\"></a>\n";

/// The text without the line about the trial.
fn lint(sandbox: &Sandbox, line: &str) -> Run {
    sandbox.run(&format!("lint {line}"), "")
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

#[test]
fn findings_as_text() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", BAD);
    let run = lint(&sandbox, "a.html");
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.err,
        "openclick: lint: no key file: tracked for trial with https://track.example.com and a key that is thrown away\n"
    );
    insta::assert_snapshot!(run.out, @r#"
    a.html:1:1: note OC303 there is no link to unsubscribe, which bulk mail must have
        help: Add a link that says unsubscribe, unless the mail is transactional [no-unsubscribe-link]
    a.html:4:4: note OC202 no hidden preheader stands before this text: inboxes show it, or an image's text before it, as preview
        help: Put a hidden <div> with one sentence directly behind <body> [no-preheader]
    a.html:4:19: error OC110 the link "page.html" has no scheme
        help: Write the whole address, beginning with https:// [relative-link]
    a.html:5:10: warning OC102 the link "http://shop.example/" uses http, others use https
        help: Use https, if the host has it [http-among-https]
    a.html:5:47: warning OC114 the link "https://shop.example/" has no text
        help: Give the image an alt, or the link a text [link-without-text]

    1 error, 2 warnings, 2 notes in 1 file
    `openclick lint --explain OC110` tells why that matters
    "#);
    let coloured = lint(&sandbox, "--color always --quiet a.html");
    assert!(coloured.out.contains("\u{1b}[31merror\u{1b}[0m"), "{}", coloured.out);
    assert!(!coloured.out.contains("files") && coloured.err.is_empty());
}

#[test]
fn stdin_and_nothing_found() {
    let sandbox = Sandbox::new();
    let good = "<!doctype html><meta charset=utf-8><body><div hidden>News</div><p>x</p>\
                <a href=https://shop.example/ data-msys-linkname=x>shop</a> \
                <a href=https://shop.example/leave data-msys-unsubscribe=1>Unsubscribe</a>";
    for line in [
        "lint --tracking-domain t.example.com --key-file KEYS -",
        "lint --tracking-domain t.example.com --key-file KEYS",
    ] {
        assert_eq!(sandbox.run(line, good).ok(), "nothing found in 1 file\n");
    }
    let run = sandbox.run("lint -", BAD);
    assert!(run.out.starts_with("-:1:1: note OC303 "), "{}", run.out);
}

#[test]
fn denied_and_allowed() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", "<!doctype html><body><p>x <a href=''>y</a>");
    sandbox.write("allow.toml", "lint-allow = [\"OC111\"]\nlint-deny = [\"notes\"]\n");
    for (line, code, left) in [
        ("a.html", 0, "1 warning, 2 notes in 1 file"),
        ("--deny warnings a.html", 1, "1 error, 2 notes in 1 file"),
        ("--deny OC111 a.html", 1, "1 error, 2 notes in 1 file"),
        ("--deny empty-href a.html", 1, "1 error, 2 notes in 1 file"),
        ("--deny oc202,OC303 a.html", 1, "2 errors, 1 warning in 1 file"),
        ("--allow OC202 --allow OC303 a.html", 0, "1 warning in 1 file"),
        ("--allow notes --allow warnings a.html", 0, "nothing found in 1 file"),
        // A code stands above a severity.
        ("--allow notes --deny OC202 a.html", 1, "1 error, 1 warning in 1 file"),
        ("--config allow.toml a.html", 1, "2 errors in 1 file"),
        // A flag stands above the file, for what it names.
        ("--config allow.toml --deny OC111 a.html", 1, "3 errors in 1 file"),
        ("--config allow.toml --allow notes a.html", 0, "nothing found in 1 file"),
    ] {
        let run = lint(&sandbox, line);
        assert_eq!((run.code, run.out.contains(left)), (Some(code), true), "{line}: {}", run.out);
    }
    let mut command = sandbox.command(["lint", "a.html"]);
    command.env("OPENCLICK_LINT_DENY", "warnings");
    assert_eq!(super::run(command, "").code, Some(1));
    lint(&sandbox, "--deny OC999 a.html")
        .fails(64, "openclick: lint: --lint-deny: expected a code such as OC001 or its name, found `OC999`");
    lint(&sandbox, "--allow OC111 --deny OC111 a.html")
        .fails(64, "openclick: lint: --lint-allow: `OC111` is denied already");
}

#[test]
fn codes_are_explained() {
    let sandbox = Sandbox::new();
    let one = lint(&sandbox, "--explain oc106").ok();
    insta::assert_snapshot!(one, @r"
    OC106 vml-twin-differs (warning)
    The Outlook copy of a button leads elsewhere than the button itself.

    Buttons that look right in Outlook for Windows stand in the source twice: as VML
    in a conditional comment, and as HTML for all others. When one is edited and the
    other forgotten, Outlook's readers land on the old page, which nobody notices
    who does not test there.

    What to do: give both the same href.
    ");
    assert_eq!(lint(&sandbox, "--explain vml-twin-differs").ok(), one);
    let all = lint(&sandbox, "--explain all").ok();
    assert!(all.contains(&one) && all.contains("OC001 clipped (warning)\n"));
    // The table of the README is this table.
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let codes =
        all.lines().filter(|line| line.starts_with("OC") && line.ends_with(')') && line.contains(" ("));
    let mut count = 0;
    for line in codes {
        let mut words = line.split(' ');
        let (code, name) = (words.next().unwrap(), words.next().unwrap());
        assert!(readme.contains(&format!("| `{code}` | `{name}` |")), "{line} is not in the README");
        count += 1;
    }
    assert_eq!(count, readme.matches("\n| `OC").count());
    let run = lint(&sandbox, "--explain nothing");
    assert_eq!((run.code, run.out.as_str()), (Some(64), ""));
    let full = lint(&sandbox, "--explain all --color always");
    assert!(full.out.contains('\u{1b}'));
}

#[test]
fn folders() {
    let sandbox = Sandbox::new();
    for folder in ["t/b", "t/.git", "t/node_modules"] {
        std::fs::create_dir_all(sandbox.path(folder)).unwrap();
    }
    for name in [
        "t/z.html",
        "t/b/a.HTM",
        "t/b/c.hbs",
        "t/.git/x.html",
        "t/node_modules/x.html",
        "t/style.css",
        "t/plain",
    ] {
        sandbox.write(name, BAD);
    }
    sandbox.write("t/m.eml", "Subject: x\n\nHello\n");
    sandbox.write("t/partial.hbs", "{{> header}}");
    sandbox.write("t/README.md", "<h1>x</h1>");
    #[cfg(unix)]
    std::os::unix::fs::symlink(sandbox.path("t/z.html"), sandbox.path("t/link.html")).unwrap();
    let found = json(&lint(&sandbox, "--output-format json t"));
    let paths = |list: &str| -> Vec<String> {
        found[list].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths("files"), ["t/m.eml", "t/plain", "t/z.html", "t/b/a.HTM", "t/b/c.hbs"]);
    let mut left =
        vec!["t/.git", "t/README.md", "t/link.html", "t/node_modules", "t/partial.hbs", "t/style.css"];
    if !cfg!(unix) {
        left.retain(|path| *path != "t/link.html");
    }
    assert_eq!(paths("left_out"), left);
    let text = lint(&sandbox, "t").out;
    assert!(text.contains(" in 5 files, 6 left out (1 .css, 1 .hbs, 1 .md, "), "{text}");
}

#[test]
fn what_cannot_be_read_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", "<p>x");
    sandbox.write("b.mbox", "From x\n");
    let run = lint(&sandbox, "no.html a.html b.mbox");
    assert_eq!(run.code, Some(66));
    assert!(run.out.contains(" in 1 file, 2 not checked\n"), "{}", run.out);
    assert!(run.err.starts_with(
        "openclick: lint: no.html: no such file or directory\nopenclick: lint: b.mbox: expected one mail, found an mbox"
    ), "{}", run.err);
    let found = json(&lint(&sandbox, "--output-format json no.html"));
    assert_eq!(found["failed"][0]["path"], "no.html");
}

#[test]
fn json_is_versioned_and_complete() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", BAD);
    let found =
        json(&lint(&sandbox, "--output-format json --tracking-domain t.example.com --key-file KEYS a.html"));
    assert_eq!((&found["schema"], &found["trial"]), (&1.into(), &false.into()));
    assert_eq!((&found["errors"], &found["warnings"], &found["notes"]), (&1.into(), &2.into(), &2.into()));
    let file = &found["files"][0];
    assert_eq!(
        (&file["path"], &file["format"], &file["bytes"]),
        (&"a.html".into(), &"html".into(), &BAD.len().into())
    );
    let relative =
        file["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "OC110").unwrap();
    let start = BAD.find("page.html").unwrap();
    let expected = serde_json::json!({
        "code": "OC110", "name": "relative-link", "severity": "error", "line": 4, "column": 19, "end_line": 4, "end_column": 28,
        "link": 0, "range": { "start": start, "end": start + 9 }, "message": relative["message"], "help": relative["help"],
    });
    assert_eq!(*relative, expected);
}

/// What the schema of SARIF 2.1.0 asks for of what is used of it; `tests/sarif/run.sh` asks the schema itself.
#[test]
fn sarif_for_code_scanning() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("a b")).unwrap();
    sandbox.write("a b/ä[1].html", BAD.replace(">x<", ">{0} [x](1)<"));
    let mut command =
        sandbox.command(["lint", "--output-format", "sarif", "-o", "out.sarif", "a b", "no.html"]);
    command.env("OPENCLICK_QUIET", "true");
    let run = run(command, "");
    assert_eq!((run.code, run.out.as_str()), (Some(66), ""));
    let log: Value = serde_json::from_str(&sandbox.read("out.sarif")).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let one = &log["runs"][0];
    let rules = one["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[text]["text"].as_str().unwrap().ends_with('.'), "{rule}");
        }
        assert!(matches!(
            rule["defaultConfiguration"]["level"].as_str().unwrap(),
            "note" | "warning" | "error"
        ));
    }
    let results = one["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    let mut fingerprints = Vec::new();
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A4%5B1%5D.html");
        assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
        let region = |name: &str| place["region"][name].as_u64().unwrap();
        assert!(
            region("startLine") >= 1
                && region("startColumn") >= 1
                && region("endLine") >= region("startLine")
        );
        fingerprints.push(result["partialFingerprints"]["openclickFinding/v1"].as_str().unwrap().to_owned());
    }
    assert_eq!(one["invocations"][0]["executionSuccessful"], false);
    assert_eq!(one["invocations"][0]["toolExecutionNotifications"][0]["level"], "error");
    let mut unique = fingerprints.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), fingerprints.len());
    // They outlive what is put in front.
    let moved = BAD.replace(">x<", ">{0} [x](1)<").replace("<body>", "<body class=x>\n<!-- new -->\n");
    sandbox.write("a b/ä[1].html", moved);
    let again: Value = serde_json::from_str(
        &super::run(sandbox.command(["lint", "--output-format", "sarif", "a b"]), "").out,
    )
    .unwrap();
    let again = again["runs"][0]["results"].as_array().unwrap();
    let again: Vec<_> = again
        .iter()
        .map(|result| result["partialFingerprints"]["openclickFinding/v1"].as_str().unwrap())
        .collect();
    assert_eq!(again, fingerprints);
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("a\u{1b}[31m.html", "<a href=\"\u{1b}]0;x\u{7}\u{202e}page\">x</a><a data-msys-linkname=\"\u{9b}\" data-msys-clicktrack=\"\u{1b}c\" href=x>");
    let shown = run(sandbox.command(["lint", "."]), "").out;
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{shown:?}");
    assert!(shown.contains("a\\u{1b}[31m.html:1:10: "), "{shown}");
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_quiet() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", BAD.repeat(500));
    let line = format!("{} lint --quiet a.html | head -n 1", env!("CARGO_BIN_EXE_openclick"));
    let output = Command::new("sh").args(["-c", &line]).current_dir(sandbox.folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}

/// Whoever gets a mail to send again does not know the domain and the key that it was tracked with.
#[test]
fn a_mail_that_was_tracked_elsewhere_is_known() {
    let sandbox = Sandbox::new();
    for (file, links) in [("html/newsletter-100k.html", 60), ("mail/newsletter-qp.eml", 10)] {
        let mail = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)).unwrap();
        let found = |name: &str| {
            let found = json(&lint(&sandbox, &format!("--output-format json {name}")));
            let findings = found["files"][0]["findings"].as_array().unwrap().clone();
            findings.iter().filter(|finding| finding["code"] == "OC118").count()
        };
        sandbox.write("before", &mail);
        assert_eq!(found("before"), 0);
        let line =
            "rewrite --tracking-domain https://t.bank.example --key-file KEYS --message-id m -o after before";
        sandbox.run(line, "").ok();
        assert!(found("after") >= links, "{file}: {}", found("after"));
    }
}

fn corpus(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(name);
    if !folder.exists() {
        println!("corpus {name} not present, skipped");
        return None;
    }
    Some(folder)
}

fn lint_folder(folder: &Path) -> Value {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["lint", "--output-format", "json"]);
    command.arg(folder);
    let run = run(command, "");
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.err);
    json(&run)
}

#[test]
fn templates_have_no_errors() {
    let Some(folder) = corpus("html") else { return };
    let found = lint_folder(&folder);
    assert_eq!((found["files"].as_array().unwrap().len(), &found["errors"]), (36, &0.into()));
}

#[test]
fn our_own_newsletters_have_no_errors() {
    for name in ["fixtures/html", "fixtures/mail"] {
        let found = lint_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
        assert_eq!(found["errors"], 0, "{found:#}");
        assert!(found["files"].as_array().unwrap().len() >= 4);
    }
}

#[test]
fn broken_mail_is_survived() {
    lint_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pathological"));
    let Some(folder) = corpus("mail") else { return };
    let found = lint_folder(&folder);
    assert!(found["files"].as_array().unwrap().len() > 200);
    let hostile = tempfile::tempdir().unwrap();
    let made = Command::new("python3").arg(folder.join("nasty.py")).arg(hostile.path()).output();
    match made {
        Ok(output) if output.status.success() => {
            let found = lint_folder(hostile.path());
            assert!(
                found["files"].as_array().unwrap().len() >= 74,
                "{}",
                found["files"].as_array().unwrap().len()
            );
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => println!("no python3, skipped"),
    }
}
