//! `preview --html`: one page that holds the mail once, and says exactly what a rewrite changes in it.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{HTML, SETTINGS, Sandbox};

/// The page of a mail, and its data.
fn page(sandbox: &Sandbox, more: &str, mail: impl AsRef<[u8]>) -> (String, Value) {
    let page = sandbox.run(&format!("preview {SETTINGS} {more} --html -"), mail).ok();
    let data = data(&page);
    (page, data)
}

fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// A document's text with its edits made, as the page's script does it.
fn edited(document: &Value) -> String {
    let text: Vec<u16> = document["text"].as_str().unwrap().encode_utf16().collect();
    let mut after = Vec::new();
    let mut done = 0;
    for edit in document["edits"].as_array().unwrap() {
        let (at, length) = (edit[0].as_u64().unwrap() as usize, edit[1].as_u64().unwrap() as usize);
        after.extend_from_slice(&text[done..at]);
        after.extend(edit[2].as_str().unwrap().encode_utf16());
        done = at + length;
    }
    after.extend_from_slice(&text[done..]);
    String::from_utf16(&after).unwrap()
}

#[test]
fn the_page_holds_the_mail_once_and_nothing_from_elsewhere() {
    let sandbox = Sandbox::new();
    let (page, data) = page(&sandbox, "", HTML);
    let document = &data["documents"][0];
    assert_eq!(document["text"], HTML);
    assert_eq!(edited(document), sandbox.html("", HTML).ok());
    assert_eq!((&data["counts"]["total"], &data["counts"]["tracked"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(data["counts"]["left"]["scheme"], 1);
    assert_eq!(data["links"].as_array().unwrap().len(), 2);
    // Destination and tracking URL stand in the text and in the edit.
    assert_eq!((&data["links"][0][9], &data["links"][0][10]), (&Value::Null, &Value::Null));
    let shell = page.replace(&serde_json::to_string(&data).unwrap(), "");
    for loading in ["src=\"http", "href=\"http", "url(http", "@import", "import(", "eval(", "innerHTML"] {
        assert!(!shell.contains(loading), "{loading}");
    }
    assert_eq!(shell.matches("sandbox=\"allow-same-origin\"").count(), 2);
    assert_eq!(page.to_ascii_lowercase().matches("</script").count(), 2);
}

#[test]
fn the_policy_lets_the_script_run_and_nothing_else() {
    let sandbox = Sandbox::new();
    let (page, _) = page(&sandbox, "", HTML);
    let script = page.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let hash = STANDARD.encode(Sha256::digest(script));
    let policy = page.split_once("content=\"default-src").unwrap().1.split_once('"').unwrap().0;
    assert_eq!(
        policy,
        format!(
            " 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'; \
             base-uri 'none'; form-action 'none'"
        )
    );
    let (page, _) = self::page(&sandbox, "--load-remote", HTML);
    assert!(page.contains("img-src data: https: http:; connect-src 'none'"));
}

#[test]
fn nothing_of_a_mail_ends_the_data() {
    let sandbox = Sandbox::new();
    let mail = "<body></script><!--<script>\u{2028}]]>\0<a href='https://a.example/</script>' data-msys-linkname='</script>'>\u{1f600}</script></a>";
    let (page, data) = page(&sandbox, "", mail);
    assert_eq!(page.to_ascii_lowercase().matches("</script").count(), 2);
    assert_eq!(data["documents"][0]["text"], mail);
    assert_eq!(edited(&data["documents"][0]), sandbox.html("", mail).ok());
    // A file's name stands in the page's own markup.
    sandbox.write("<script>x\u{202e}.html", HTML);
    let arguments: Vec<_> = format!("preview {SETTINGS} --html -").split(' ').map(str::to_owned).collect();
    let mut command = sandbox.command(arguments);
    command.arg("<script>x\u{202e}.html");
    let page = super::run(command, "").ok();
    assert!(page.contains("<title>&lt;script&gt;x\\u{202e}.html - openclick preview</title>"));
}

#[test]
fn edits_are_what_a_rewrite_does() {
    let sandbox = Sandbox::new();
    let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["fixtures/html", "fixtures/pathological"] {
        for entry in fs::read_dir(tree.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let mail = fs::read(&path).unwrap();
            if path.extension().is_none_or(|extension| extension != "html")
                || std::str::from_utf8(&mail).is_err()
            {
                continue;
            }
            let (_, data) = page(&sandbox, "--format html", &mail);
            // Browsers show one U+FFFD for the whole document.
            if data["charset"] == "replacement" {
                continue;
            }
            let rewritten = sandbox.html("", &mail).ok();
            assert_eq!(edited(&data["documents"][0]), rewritten, "{}", path.display());
            // Each change is told by itself: none takes in what stands between two.
            for edit in data["documents"][0]["edits"].as_array().unwrap() {
                let removed = edit[1].as_u64().unwrap();
                assert!(removed < 600, "{}: {edit}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn small_beside_the_mail() {
    let sandbox = Sandbox::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/html/newsletter-100k.html");
    let mail = fs::read(file).unwrap();
    let (page, data) = page(&sandbox, "", &mail);
    let document = &data["documents"][0];
    // As everywhere else.
    assert_eq!(data["clip"], 102_400);
    // Two pixels, 60 links, 59 attributes, of which two stand side by side.
    assert_eq!(document["edits"].as_array().unwrap().len(), 120);
    let shell =
        page.len() - page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0.len();
    assert!(shell < 52_000, "{shell}");
    // What is there beside the mail, before and after, as the page holds it: 60 KB.
    let json = |value: &Value| serde_json::to_string(value).unwrap().len();
    let beside = page.len() - json(&document["text"]) - json(&document["edits"]);
    assert!(beside < 60 * 1024, "{beside}");
}

#[test]
fn messages() {
    let sandbox = Sandbox::new();
    let picture = "R0lGODlhAQABAIAAAP8AAAAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==";
    let mail = format!(
        "Subject: =?utf-8?q?Caf=C3=A9?=\r\nMessage-ID: <m@x>\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         <p>Caf=E9 <img src=3D\"cid:a%40x\"><img src=3Dcid:none><a href=3D\"https://shop.example/=E9\">x</a>\r\n--b\r\n\
         Content-Type: image/gif\r\nContent-ID: <a@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n{picture}\r\n--b--\r\n"
    );
    let (_, data) = page(&sandbox, "", &mail);
    assert_eq!(data["subject"], "Caf\u{e9}");
    assert_eq!(data["pictures"], serde_json::json!([format!("data:image/gif;base64,{picture}")]));
    let document = &data["documents"][0];
    assert_eq!(document["path"], "1");
    assert!(document["text"].as_str().unwrap().starts_with("<p>Caf\u{e9} <img src=\"cid:a%40x\">"));
    let shown: Vec<_> = document["shown"].as_array().unwrap().iter().map(|shown| shown[2].clone()).collect();
    assert_eq!(shown[1], serde_json::json!({"p": 0}));
    assert_eq!(shown[2]["s"], "cid:none");
    assert_eq!(shown[3], 0);
    assert_eq!(data["links"][0][0], 1);
    // Three parts, one of them HTML.
    assert_eq!(data["parts"].as_array().unwrap().len(), 3);
    assert_eq!(data["parts"][1]["rewritten"], true);
}

#[test]
fn files() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", HTML);
    sandbox.run(&format!("preview {SETTINGS} --html out.html a.html"), "").ok();
    assert_eq!(data(&sandbox.read("out.html"))["file"], "a.html");
    // Without any configuration.
    sandbox.run("preview --html out.html a.html", "").ok();
    let data = data(&sandbox.read("out.html"));
    assert_eq!(
        (&data["trial"], &data["domain"]),
        (&Value::from(true), &Value::from("https://track.example.com"))
    );
    let refused = |line: &str, code, message| sandbox.run(line, "").fails(code, message);
    let same = "openclick: preview: FILE and --html name the same file: the page would destroy it";
    refused("preview --html ./a.html a.html", 64, same);
    refused(
        "preview --html - --open a.html",
        64,
        "openclick: preview: --open and --html -: a browser opens files",
    );
    refused(
        "preview --html out.html none.html",
        66,
        "openclick: preview: none.html: no such file or directory",
    );
    assert_eq!(sandbox.read("a.html"), HTML);
    // Nothing, and what is no mail.
    for mail in ["", "\0\u{1}", "x"] {
        sandbox.run("preview --html -", mail).ok();
    }
}

#[cfg(unix)]
#[test]
fn a_browser_is_opened() {
    let sandbox = Sandbox::new();
    sandbox.write("a.html", HTML);
    let temporary = sandbox.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let open = |path: &Path, line: &str| {
        let mut command = sandbox.command(line.split_whitespace());
        command.env("PATH", path).env("TMPDIR", &temporary);
        super::run(command, "")
    };
    // Nobody is there who could.
    let refused = open(&temporary, "preview --open --html out.html a.html");
    assert_eq!(refused.code, Some(74));
    assert!(
        refused.err.contains("cannot open a browser") && refused.err.contains("out.html"),
        "{}",
        refused.err
    );
    sandbox.write("xdg-open", "#!/bin/sh\necho \"$1\" > opened.new; /bin/mv opened.new opened\n");
    super::mode(&sandbox.path("xdg-open"), 0o755);
    let run = open(sandbox.folder.path(), "preview --open a.html");
    assert_eq!(run.code, Some(0), "{}", run.err);
    while !sandbox.path("opened").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let opened = sandbox.read("opened");
    let opened = Path::new(opened.trim_end());
    assert_eq!(opened.parent(), Some(temporary.as_path()));
    assert_eq!(data(&fs::read_to_string(opened).unwrap())["file"], "a.html");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(opened.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
