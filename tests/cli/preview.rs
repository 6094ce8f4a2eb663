//! `openclick preview` as a process: the report, the diff, JSON.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{HTML, SETTINGS, Sandbox};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A message with everything that is hard to align, and hard to show.
fn many_scripts() -> Vec<u8> {
    let names = [
        (
            "日本語のとても長い商品名です、本当に長い",
            "https://shop.example/ja?utm_source=news&amp;id=1234567890123456789",
        ),
        ("שלום עולם, זה טקסט ארוך מאוד", "https://shop.example/he"),
        ("مرحبا بالعالم", "https://shop.example/ar?q=%D9%85"),
        ("👩‍💻 👍🏽 🇩🇪 ☀️ emoji", "https://shop.example/emoji/👩‍💻"),
        ("e\u{301}a\u{301}o\u{301} combining", "http://plain.example/"),
        ("\u{1b}[31mred\u{202e}txet\u{7}", "https://shop.example/\u{202e}fdp"),
        ("", "mailto:help@shop.example"),
    ];
    let links: String = names
        .iter()
        .enumerate()
        .map(|(at, (text, url))| {
            let name =
                if at % 2 == 0 { format!(" data-msys-linkname=\"名前-{at}\"") } else { String::new() };
            format!("<p><a href=\"{url}\"{name}>{text}</a></p>\n")
        })
        .collect();
    format!(
        "From: =?utf-8?q?Caf=C3=A9_=E2=98=95?= <news@shop.example>\r\nTo: reader@example.org\r\n\
         Subject: =?utf-8?b?15nXldedINeY15XXkQ==?= =?utf-8?q?_=1B[2J_=F0=9F=8E=89?=\r\nMessage-ID: <m1@shop.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n\
         --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         <html><body>\n{links}<a href=\"https://shop.example/img\"><img src=\"x.png\" alt=\"絵\"></a>\n</body></html>\r\n--b--\r\n"
    )
    .into_bytes()
}

/// Runs `preview` at a width.
fn preview(sandbox: &Sandbox, columns: usize, line: &str, input: impl AsRef<[u8]>) -> String {
    let mut command = sandbox.command(format!("preview {line}").split_whitespace());
    command.env("COLUMNS", columns.to_string());
    super::run(command, input).ok()
}

#[test]
fn a_newsletter_at_three_widths() {
    let sandbox = Sandbox::new();
    // Not in quoted-printable: a line of chance that begins with `-` takes two bytes more.
    sandbox.write("news.eml", fs::read(Path::new(ROOT).join("fixtures/mail/newsletter-8bit.eml")).unwrap());
    for columns in [60, 80, 120] {
        let shown = preview(&sandbox, columns, "news.eml", "");
        insta::assert_snapshot!(format!("newsletter_{columns}"), shown);
    }
}

#[test]
fn every_script_at_three_widths() {
    let sandbox = Sandbox::new();
    for columns in [60, 80, 120] {
        let shown = preview(&sandbox, columns, "", many_scripts());
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown}");
        insta::assert_snapshot!(format!("scripts_{columns}"), shown);
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let sandbox = Sandbox::new();
    let plain = sandbox.run("preview", HTML).ok();
    assert!(!plain.contains('\u{1b}'));
    let coloured = sandbox.run("preview --color always", HTML).ok();
    assert!(coloured.contains("\u{1b}[32mtracked\u{1b}[0m"), "{coloured}");
    let mut command = sandbox.command(["preview", "--diff", "--color", "always"]);
    command.env("NO_COLOR", "1");
    // A flag stands above the environment.
    assert!(super::run(command, HTML).ok().contains("\u{1b}["));
    let mut command = sandbox.command(["preview"]);
    command.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1");
    assert_eq!(super::run(command, HTML).ok(), plain);
}

#[test]
fn settings_are_those_of_rewrite() {
    let sandbox = Sandbox::new();
    let shown = sandbox.run(&format!("preview --format html {SETTINGS} --skip-host shop.example"), HTML).ok();
    assert!(shown.contains("left: skip-host") && !shown.contains("Trial"), "{shown}");
    // The keys lie where mail is sent: a domain alone is a trial with it, a key file alone a mistake.
    let shown = sandbox.run("preview --tracking-domain t.example.com", HTML).ok();
    assert!(shown.contains("Trial") && shown.contains("links to t.example.com"), "{shown}");
    assert_eq!(sandbox.run("preview --key-file KEYS", HTML).code, Some(78));
    sandbox
        .run("preview nope.html", "")
        .fails(66, "openclick: preview: nope.html: no such file or directory");
    assert_eq!(sandbox.run("preview --nonsense", HTML).code, Some(64));
    assert_eq!(sandbox.run("preview --diff --json", HTML).code, Some(64));
    assert_eq!(sandbox.run("preview --format nonsense", HTML).code, Some(64));
    // The file's streams are for messages.
    sandbox.write(
        "c.toml",
        "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\n[[stream]]\nname = \"quiet\"\nmatch = { from-domain = \"shop.example\" }\nclick-tracking = false\n",
    );
    let run = sandbox.run("preview --config c.toml", many_scripts());
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.out.contains("Stream") && run.out.contains("quiet") && run.out.contains("left: off"),
        "{}",
        run.out
    );
}

#[test]
fn any_mail_is_looked_at() {
    let sandbox = Sandbox::new();
    for (mail, words) in [
        (&b""[..], "nothing is to be changed"),
        (b"\x00\xff\xfe<a href=", "Links"),
        (b"\xff\xfe<\0a\0", "UTF-16LE cannot be rewritten"),
        (b"DKIM-Signature: v=1; d=a.example; b=x\r\nContent-Type: text/html\r\n\r\n<a href=https://a.example/>x</a>", "it is signed"),
        (b"Subject: x\r\n", "Links  not looked at"),
        (b"<p>x", "Links  none"),
        (b"<frameset>", "a frameset has no body"),
    ] {
        for flags in ["", "--diff", "--json", "--all"] {
            let run = sandbox.run(&format!("preview {flags}"), mail);
            assert_eq!(run.code, Some(0), "{flags} {}", run.err);
            assert!(!flags.is_empty() || run.out.contains(words), "{words}: {}", run.out);
            assert!(flags != "--diff" || !run.out.is_empty() || run.err.contains("nothing would change"), "{}", run.err);
        }
    }
}

/// However deep parts are, and however long their numbers.
#[test]
fn a_deep_tree_fits() {
    let sandbox = Sandbox::new();
    for depth in [8, 13, 31, 60] {
        let mut part =
            "Content-Type: text/html\r\n\r\n<a href=\"https://shop.example/\">x</a>\r\n".to_owned();
        for level in 0..depth {
            part = format!(
                "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n{part}\r\n--b{level}--\r\n"
            );
        }
        let mail = format!("Subject: deep\r\nMessage-ID: <m@x.example>\r\n{part}");
        for columns in [60, 80] {
            let shown = preview(&sandbox, columns, "", &mail);
            let longest = shown.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest <= columns, "{depth} {columns}: {longest}\n{shown}");
            // The last part is still told by its type and what becomes of it.
            let last = if depth > 32 { "too deep" } else { "rewritten" };
            assert!(shown.contains(last) && shown.contains("… └─ 1.1"), "{shown}");
            assert!(depth > 32 || columns < 80 || shown.contains("text/html"), "{shown}");
        }
    }
}

#[test]
fn a_signed_mail_shows_what_stands_in_the_way() {
    let sandbox = Sandbox::new();
    let mail = "DKIM-Signature: v=1; d=a.example; b=x\r\nMessage-ID: <m@x.example>\r\nContent-Type: text/html\r\n\r\n\
                <a href=\"https://a.example/x\">x</a> <a href=\"mailto:a@a.example\">mail</a>\r\n";
    let shown = preview(&sandbox, 120, "", mail);
    for words in [
        "it is signed (DKIM or ARC), and a rewrite would break that: it would pass as it is",
        "Links  1 of 2 tracked, if it were not signed (--on-signed rewrite)",
        "tracked       a.example/x",
        "left: scheme",
        "Pixels  2, if it were not signed (--on-signed rewrite)",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // As JSON it is what would happen.
    let plan: Value = serde_json::from_str(&sandbox.run("preview --json", mail).ok()).unwrap();
    assert_eq!((&plan["report"]["status"], &plan["report"]["links_total"]), (&"signed".into(), &0.into()));
    let told = preview(&sandbox, 120, "--on-signed rewrite", mail);
    assert!(told.contains("Links  1 of 2 tracked\n") && told.contains("would be rewritten"), "{told}");
}

/// Whatever a part is encoded in, all lines are those of the file.
#[test]
fn lines_are_those_of_the_file() {
    let sandbox = Sandbox::new();
    let html = "<html><body>\r\n<p>Hello</p>\r\n<a href=\"https://shop.example/\">http://other.example/</a>\r\n</body></html>\r\n";
    let base64 = {
        use ::base64::Engine;
        let text = ::base64::engine::general_purpose::STANDARD.encode(html);
        text.as_bytes()
            .chunks(20)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect::<Vec<_>>()
            .join("\r\n")
    };
    let quoted = html.replace('=', "=3D").replace("<p>", "=\r\n<p>=\r\n");
    for (encoding, body) in [("8bit", html.to_owned()), ("quoted-printable", quoted), ("base64", base64)] {
        let mail = format!(
            "Message-ID: <m@x.example>\r\nContent-Transfer-Encoding: {encoding}\r\nContent-Type: text/html\r\n\r\n{body}\r\n"
        );
        // Where the value begins, and where the body's end tag does.
        let at = |what: &str| {
            let offset = html.find(what).unwrap();
            let line = match encoding {
                "base64" => offset / 3 * 4 / 20,
                _ => {
                    let what = if encoding == "8bit" { what.to_owned() } else { what.replace('=', "=3D") };
                    body[..body.find(&what).unwrap()].matches('\n').count()
                }
            };
            line + 5
        };
        let shown = preview(&sandbox, 120, "", &mail);
        let link = at("https://shop.example");
        assert!(shown.contains(&format!("\n  0  {link:>4}  tracked")), "{encoding} {link}: {shown}");
        assert!(
            shown.contains(&format!("at the end of the body, line {}", at("</body>"))),
            "{encoding}: {shown}"
        );
        // The warning of that link names the same line.
        assert!(shown.contains(&format!("{link}:")), "{encoding}: {shown}");
    }
}

#[test]
fn many_links_are_limited() {
    let sandbox = Sandbox::new();
    let links: String =
        (0..10_000).map(|at| format!("<a href=\"https://shop.example/{at}\">{at}</a>\n")).collect();
    sandbox.write("many.html", &links);
    let shown = sandbox.run("preview many.html", "").ok();
    assert!(shown.lines().count() < 80, "{shown}");
    assert!(shown.contains("… 9,950 more, 9,950 of them tracked: --all shows them"), "{shown}");
    assert!(shown.contains("clipped by Gmail"), "{shown}");
    let all = sandbox.run("preview --all many.html", "").ok();
    assert!(all.lines().count() > 10_000);
    let few = sandbox.run("preview --all --report-links 10 many.html", "").ok();
    assert!(few.contains("… 9,990 more are not listed"), "{few}");
}

#[test]
fn sizes_against_the_clip() {
    let sandbox = Sandbox::new();
    let filled = |bytes: usize| {
        let (start, end) = ("<body>", "<a href=\"https://shop.example/\">x</a></body>");
        format!("{start}{}{end}", "x".repeat(bytes - start.len() - end.len()))
    };
    let shown = preview(&sandbox, 200, "", filled(102_000));
    assert!(
        shown.contains("clipped by Gmail, which shows 102,400 bytes") && shown.contains("before it was not"),
        "{shown}"
    );
    let shown = preview(&sandbox, 200, "", filled(103_000));
    assert!(shown.contains("clipped by Gmail") && !shown.contains("before it was not"), "{shown}");
    let shown = preview(&sandbox, 200, "", filled(51_000));
    assert!(shown.contains(" % of what Gmail shows") && !shown.contains("clipped"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_quiet() {
    let sandbox = Sandbox::new();
    let links: String =
        (0..10_000).map(|at| format!("<a href=\"https://shop.example/{at}\">{at}</a>\n")).collect();
    sandbox.write("many.html", &links);
    for flags in ["--all", "--diff", "--json"] {
        let mut command = std::process::Command::new("sh");
        let line = format!("{} preview {flags} many.html | head -n 1", env!("CARGO_BIN_EXE_openclick"));
        command.args(["-c", &line]).current_dir(sandbox.path(""));
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{flags}");
        assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}

#[test]
fn a_diff_is_a_patch() {
    let sandbox = Sandbox::new();
    let html = fs::read(Path::new(ROOT).join("fixtures/html/newsletter-100k.html")).unwrap();
    sandbox.write("news.html", &html);
    let diff = sandbox.run(&format!("preview --diff --all {SETTINGS} news.html"), "").ok();
    assert!(diff.starts_with("--- before/news.html\n+++ after/news.html\n@@ -"), "{diff}");
    sandbox.write("news.patch", &diff);
    let patched = std::process::Command::new("patch")
        .args(["-p1", "--quiet", "--input=news.patch"])
        .current_dir(sandbox.path(""))
        .output();
    let Ok(patched) = patched else {
        eprintln!("skipped: no `patch` here");
        return;
    };
    assert!(patched.status.success(), "{patched:?}");
    let rewritten = sandbox.html("", &html).ok();
    assert!(rewritten == sandbox.read("news.html"));
}

#[test]
fn a_diff_shows_what_is_new_in_a_header() {
    let sandbox = Sandbox::new();
    let mail = "To: r@example.org\r\nContent-Type: text/html\r\nLines: 1\r\n\r\n<a href=\"https://shop.example/\">x</a>\r\n";
    let diff = sandbox.run("preview --diff", mail).ok();
    assert!(
        diff.starts_with(
            "--- before/stdin#header\n+++ after/stdin#header\n@@ -1,3 +1,4 @@\n+X-Sp-Message-Id: "
        ),
        "{diff}"
    );
    assert!(
        diff.contains(
            "\n--- before/stdin#1\n+++ after/stdin#1\n@@ -1 +1,2 @@\n-<a href=\"https://shop.example/\">x</a>\n+<div"
        ),
        "{diff}"
    );
}

#[test]
fn every_charset_is_shown_as_text() {
    let sandbox = Sandbox::new();
    for (name, text) in [
        ("utf-16", "Unterwegs – 到着"),
        ("iso-2022-jp", "荷物は発送されました。ご確認ください"),
        ("gb18030", "您的包裹已在路上"),
        ("iso-8859-1", "Déjà vu à la carte"),
    ] {
        let path = Path::new(ROOT).join(format!("fixtures/mail/{name}.eml"));
        let mail = fs::read(path).unwrap();
        let diff = sandbox.run("preview --diff", &mail).ok();
        assert!(diff.contains("\n-<p><a href=\"https://harbour.example/") && diff.contains(text), "{diff}");
        assert!(!diff.contains('\u{fffd}'), "{diff}");
        let shown = preview(&sandbox, 120, "", &mail);
        assert!(shown.contains(text) && !shown.contains('\u{fffd}'), "{shown}");
    }
}

fn schema() -> jsonschema::Validator {
    let sandbox = Sandbox::new();
    let schema: Value = serde_json::from_str(&sandbox.run("preview --json-schema", "").ok()).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    closed(&schema, "#");
    jsonschema::validator_for(&schema).unwrap()
}

/// Every object of the schema knows all its fields: a new one is noticed.
fn closed(schema: &Value, at: &str) {
    match schema {
        Value::Object(object) => {
            if object.get("type") == Some(&Value::from("object")) {
                assert!(object.contains_key("additionalProperties"), "{at}");
            }
            object.iter().for_each(|(key, value)| closed(value, &format!("{at}/{key}")));
        }
        Value::Array(values) => values.iter().for_each(|value| closed(value, at)),
        _ => {}
    }
}

/// The plan of a file, which must be as the schema says.
fn plan(sandbox: &Sandbox, schema: &jsonschema::Validator, path: &Path) -> Value {
    // Some fixtures begin as a header would.
    let format =
        if path.extension().is_some_and(|extension| extension == "html") { "html" } else { "message" };
    let path = path.to_str().unwrap();
    let given =
        ["--text-links", "--dialects=postal,sendgrid,sparkpost", "--on-signed=strip", "--format", format];
    let arguments = ["preview", "--json"].into_iter().chain(given).chain([path]);
    let run = super::run(sandbox.command(arguments), "");
    assert_eq!(run.code, Some(0), "{path}: {}", run.err);
    let plan: Value = serde_json::from_str(&run.out).unwrap();
    let errors: Vec<_> =
        schema.iter_errors(&plan).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{path}: {errors:#?}");
    assert_eq!(plan["schema"], 1);
    plan
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn plans_are_as_the_schema_says() {
    let (sandbox, schema) = (Sandbox::new(), schema());
    let is_mail =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == "html" || extension == "eml");
    let mut plans = 0;
    for path in files(&Path::new(ROOT).join("fixtures")).iter().filter(|path| is_mail(path)) {
        let plan = plan(&sandbox, &schema, path);
        assert_eq!(plan["kind"], if path.extension().unwrap() == "eml" { "message" } else { "html" });
        plans += 1;
    }
    assert!(plans > 60, "{plans}");
    // It refuses what it should.
    let one = plan(&sandbox, &schema, &Path::new(ROOT).join("fixtures/mail/newsletter-qp.eml"));
    for (pointer, value) in [
        ("/new", Value::from(1)),
        ("/report/new", Value::from(1)),
        ("/report/links/0/new", Value::from(1)),
        ("/schema", Value::from(2)),
        ("/report/links/0/verdict", Value::from("lost")),
        ("/report/parts/0/path", Value::from(1)),
    ] {
        let mut other = one.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        other.pointer_mut(parent).unwrap()[field] = value;
        assert!(!schema.is_valid(&other), "{pointer}");
    }
}

#[test]
fn plans_of_the_corpus_are_as_the_schema_says() {
    let folder = Path::new(ROOT).join("../shared/corpus");
    if !folder.exists() {
        eprintln!("corpus not present, skipped");
        return;
    }
    let (sandbox, schema) = (Sandbox::new(), schema());
    let paths =
        ["html", "mail/spamassassin", "mail/mail-parser"].map(|name| files(&folder.join(name))).concat();
    for path in &paths {
        plan(&sandbox, &schema, path);
    }
    assert!(paths.len() > 150, "{}", paths.len());
}

#[test]
fn json_of_streams_and_headers() {
    let (sandbox, schema) = (Sandbox::new(), schema());
    let header = "X-MSYS-API: {\"campaign_id\":\"c\",\"options\":{\"open_tracking\":false}}\r\nX-SMTPAPI: {}\r\nX-Job: j\r\n";
    sandbox.write("mail.eml", [header.as_bytes(), &many_scripts()].concat());
    let plan = plan(&sandbox, &schema, &sandbox.path("mail.eml"));
    assert_eq!(plan["subject"], "יום טוב \u{1b}[2J 🎉");
    assert_eq!(plan["from"], "Café ☕ <news@shop.example>");
    assert_eq!(plan["trial"], true);
    assert_eq!(plan["report"]["settings"]["open_tracking"]["source"]["header"], "X-MSYS-API");
    assert_eq!(plan["sizes"]["documents"][0]["html"], true, "{}", plan["sizes"]);
}
