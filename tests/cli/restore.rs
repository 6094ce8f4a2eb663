//! `openclick restore`: the way back, and what could not be restored.

use std::fs;
use std::path::{Path, PathBuf};

use openclick::{Delivery, KeyRing, Options, PixelPlace, Reason, Rewriter, Status};

use super::{HTML, KEYS, SETTINGS, Sandbox, first_url, mode};
use crate::support::dom;

const OPENER: &str = "--tracking-domain t.example.com --key-file KEYS";

const MESSAGE: &str = "To: reader@example.org\r\nMessage-ID: <m1@example.com>\r\nContent-Type: text/html\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n\
    <p>Café <a href=\"https://shop.example/?a=1&amp;b=2\">Shop</a> <a href=\"https://shop.example/b\">b</a></p>\r\n";

#[test]
fn there_and_back() {
    let sandbox = Sandbox::new();
    for mail in [HTML, MESSAGE] {
        let tracked = sandbox.run(&format!("rewrite {SETTINGS}"), mail).ok();
        assert_ne!(tracked, mail);
        assert_eq!(sandbox.run(&format!("restore {OPENER}"), &tracked).ok(), mail);
        // What is not tracked comes back as it is.
        assert_eq!(sandbox.run(&format!("restore {OPENER}"), mail).ok(), mail);
        sandbox.write("in", &tracked);
        assert_eq!(sandbox.run(&format!("restore {OPENER} -o out --report report.json in"), "").ok(), "");
        assert_eq!(sandbox.read("out"), mail);
        let report: serde_json::Value = serde_json::from_str(&sandbox.read("report.json")).unwrap();
        let links = if mail == HTML { 1 } else { 2 };
        assert_eq!(
            report,
            serde_json::json!({
                "schema": 1, "links": links, "pixels": 2, "unopened": [],
                "bytes_in": tracked.len(), "bytes_out": mail.len(),
            })
        );
        // In quoted-printable a soft line break may stay, which the text does not have.
        let quoted = mail.replace('=', "=3D").replace("8bit", "quoted-printable");
        let tracked = sandbox.run(&format!("rewrite {SETTINGS}"), &quoted).ok();
        let restored = sandbox.run(&format!("restore {OPENER}"), tracked).ok();
        assert_eq!(if mail == HTML { quoted.clone() } else { restored.replace("=\r\n", "") }, quoted);
        // Over itself.
        assert_eq!(sandbox.run(&format!("restore {OPENER} -o in in"), "").ok(), "");
        assert_eq!(sandbox.read("in"), mail);
    }
}

#[test]
fn what_cannot_be_opened_stays_and_is_told() {
    let sandbox = Sandbox::new();
    let html = sandbox.html("", HTML).ok();
    let url = first_url(&html).to_owned();
    let cut = html.replace(&url, &url[..url.len() - 4]);
    let at = cut.find(&url[..url.len() - 4]).unwrap() + 1;
    let run = sandbox.run(&format!("restore {OPENER}"), &cut);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.err,
        format!(
            "openclick: restore: 1 link or pixel could not be opened and stayed: the token is damaged, of another key, or not where a rewrite puts it (line:column 1:{at})\n"
        )
    );
    assert_eq!(run.out, HTML.replace("https://shop.example/?a=1&amp;b=2", &url[..url.len() - 4]));

    sandbox.write("OTHER", "0 active ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA\n");
    mode(&sandbox.path("OTHER"), 0o600);
    let tracked = sandbox.run(&format!("rewrite {SETTINGS}"), MESSAGE).ok();
    let line = "restore --tracking-domain t.example.com --key-file OTHER --report r.json -o out";
    let run = sandbox.run(line, &tracked);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(
        run.err.starts_with("openclick: restore: 4 links or pixels could not be opened and stayed"),
        "{}",
        run.err
    );
    assert_eq!(sandbox.read("out"), tracked, "its pixels too");
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("r.json")).unwrap();
    for place in report["unopened"].as_array().unwrap() {
        let (line, column) =
            (place["line"].as_u64().unwrap() as usize, place["column"].as_u64().unwrap() as usize);
        let rest: String = tracked.lines().nth(line - 1).unwrap().chars().skip(column - 1).collect();
        assert!(rest.starts_with("https://t"), "{place}");
        assert_eq!(place["part"], "1");
    }
}

/// A token may be shorter than the destination that it carries: the author's line, too long for 7bit, comes back as it was.
#[test]
fn a_line_that_was_too_long_comes_back() {
    let sandbox = Sandbox::new();
    let long = format!("https://shop.example/{}", "newsletter/".repeat(90));
    let mail = MESSAGE
        .replace("https://shop.example/b", &long)
        .replace("Caf\u{e9}", "Coffee")
        .replace("8bit", "7bit");
    let tracked = sandbox.run(&format!("rewrite {SETTINGS}"), &mail).ok();
    assert!(!tracked.contains(&long), "{tracked}");
    assert_eq!(sandbox.run(&format!("restore {OPENER}"), &tracked).ok(), mail);
}

/// As `inspect` does; and said, since the output is not the input without tracking.
#[test]
fn what_copying_did_is_undone_and_said() {
    let sandbox = Sandbox::new();
    let mail = MESSAGE.replace("Caf\u{e9}", "Coffee").replace("\r\n", "\n");
    let tracked = sandbox.run(&format!("rewrite {SETTINGS}"), &mail).ok();
    let in_front =
        |mark: &str, mail: &str| -> String { mail.lines().map(|line| format!("{mark}{line}\n")).collect() };
    let list = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict/></plist>\n";
    let said = "openclick: restore: what copying did to the source is undone: ";
    for (copied, undone) in [
        (format!("\n\n{tracked}"), "2 blank lines"),
        (in_front("  ", &tracked), "an indent of 2 characters"),
        (in_front("> ", &tracked), "quotation marks in front of each line"),
        (format!("{}\n{tracked}{list}", tracked.len()), "Apple Mail's length and property list"),
        (
            format!("Original Message\nSPF:\tPASS\n\nReceived: by mx.example\n{tracked}"),
            "a summary of 3 lines above the source",
        ),
    ] {
        let run = sandbox.run(&format!("restore {OPENER} --report r.json -o out"), &copied);
        assert_eq!((run.code, run.err), (Some(0), format!("{said}{undone}\n")));
        let restored = sandbox.read("out");
        assert!(restored.trim_end().ends_with(mail.trim_end()), "{undone}: {restored}");
        let report: serde_json::Value = serde_json::from_str(&sandbox.read("r.json")).unwrap();
        assert_eq!((&report["undone"][0], &report["links"]), (&undone.into(), &2.into()));
        assert_eq!(sandbox.run(&format!("restore {OPENER} --quiet"), &copied).ok(), restored);
    }
    // Where a link stays is told by its place in the file.
    let url = first_url(&tracked).to_owned();
    let copied = in_front("> ", &format!("{}\n", tracked.replace(&url, &url[..url.len() - 4])));
    let cut = &url[..url.len() - 4];
    let line = copied.lines().position(|line| line.contains(cut)).unwrap();
    let column = copied.lines().nth(line).unwrap().find(cut).unwrap();
    let run = sandbox.run(&format!("restore {OPENER}"), &copied);
    let place = format!("{}:{}", line + 1, column + 1);
    assert!(run.err.contains(&place), "{place}: {}", run.err);
}

/// What is on a disk may begin with a byte order mark or a `From ` line, and what was never tracked with anything.
#[test]
fn what_is_no_copy_keeps_its_bytes() {
    let sandbox = Sandbox::new();
    let tracked = sandbox.run(&format!("rewrite {SETTINGS}"), MESSAGE).ok();
    let type_first = "Content-Type: text/html\r\n";
    let moved = |mail: &str| format!("{type_first}{}", mail.replacen(type_first, "", 1));
    for (before, after) in [
        (
            "From a@b.example Mon Mar  2 09:00:00 2026\r\n".to_owned() + &tracked,
            "From a@b.example Mon Mar  2 09:00:00 2026\r\n".to_owned() + MESSAGE,
        ),
        (format!("\u{feff}{tracked}"), format!("\u{feff}{MESSAGE}")),
        (format!("\u{feff}{}", moved(&tracked)), format!("\u{feff}{}", moved(MESSAGE))),
    ] {
        assert_eq!(sandbox.run(&format!("restore {OPENER}"), before).ok(), after);
    }
    for mail in [format!("\n\n{MESSAGE}"), MESSAGE.lines().map(|line| format!("> {line}\n")).collect()] {
        assert_eq!(sandbox.run(&format!("restore {OPENER}"), &mail).ok(), mail);
    }
    let one = format!("From a@b.example Mon Mar  2 09:00:00 2026\n{}\n", tracked.replace("\r\n", "\n"));
    sandbox.run(&format!("restore {OPENER}"), format!("{one}{one}")).fails(
        65,
        "openclick: restore: expected one message, found an mbox of several: restore them one by one",
    );
}

#[test]
fn other_domains_are_opened_too() {
    let sandbox = Sandbox::new();
    let old = sandbox
        .run("rewrite --format html --tracking-domain old.example.com --key-file KEYS --message-id m1", HTML)
        .ok();
    let run = sandbox.run(&format!("restore {OPENER} --also-accept https://old.example.com"), &old);
    assert_eq!(run.ok(), HTML);
    let config = "tracking-domain = \"t.example.com\"\nkey-file = \"KEYS\"\n[[stream]]\nmatch.job = \"x\"\n\
                  tracking-domain = \"https://old.example.com\"\n";
    sandbox.write("o.toml", config);
    assert_eq!(sandbox.run("restore --config o.toml", &old).ok(), HTML);
}

#[test]
fn what_is_missing_is_named() {
    let sandbox = Sandbox::new();
    sandbox.run("restore --key-file KEYS", HTML).fails(
        78,
        "openclick: restore: no tracking domain: give --tracking-domain, OPENCLICK_TRACKING_DOMAIN, or tracking-domain in the file \
         that --config names",
    );
    sandbox.run("restore --tracking-domain t.example.com", HTML).fails(
        78,
        "openclick: restore: no key file: give --key-file, OPENCLICK_KEY_FILE, or key-file in the file that --config names",
    );
    sandbox
        .run(&format!("restore {OPENER} nope"), "")
        .fails(66, "openclick: restore: nope: no such file or directory");
    sandbox
        .run(&format!("restore {OPENER} --report -"), HTML)
        .fails(64, "openclick: restore: --report -: stdout takes the mail: name a file, or give -o OUT");
    sandbox
        .run(&format!("restore {OPENER} -o x --report x"), HTML)
        .fails(64, "openclick: restore: -o and --report name the same file");
    assert_eq!(sandbox.names(), ["KEYS"]);
}

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", KeyRing::parse(KEYS).unwrap()).unwrap().build().unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if !folder.exists() {
        eprintln!("{} not present, skipped", folder.display());
        return Vec::new();
    }
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.is_file() && !matches!(path.extension(), Some(name) if name != "html" && name != "eml")
    });
    files.sort();
    files
}

/// By the command: rewritten, and restored.
fn back(sandbox: &Sandbox, path: &Path, format: &str) -> Vec<u8> {
    let line = format!("--format {format} --quiet {OPENER}");
    let rewritten = sandbox.run(&format!("rewrite {line} --message-id m1 -o tracked {}", path.display()), "");
    assert_eq!(rewritten.code, Some(0), "{rewritten:?}");
    let restored = sandbox.run(&format!("restore {line} -o restored tracked"), "");
    assert_eq!((restored.code, restored.err.as_str()), (Some(0), ""), "{}", path.display());
    fs::read(sandbox.path("restored")).unwrap()
}

/// The law of behaviour §1: the author's document less its removed attributes, to a browser always; to the byte where it was
/// spelled as HTML wants it.
#[test]
fn documents_come_back() {
    let sandbox = Sandbox::new();
    let folders = [
        "fixtures/html",
        "fixtures/pathological",
        "../shared/corpus/html/postmark",
        "../shared/corpus/html/cerberus",
    ];
    let (mut ran, mut same) = (0, 0);
    for path in folders.into_iter().flat_map(files) {
        let html = fs::read(&path).unwrap();
        let report = rewriter().plan_html(&html, &Delivery::new("m1")).unwrap();
        let taken = report.pixels.iter().any(|pixel| pixel.place == Some(PixelPlace::Placeholder));
        // What the law does not speak of: other documents than the author's, and links to the tracking domain.
        if report.status != Status::Rewritten
            || taken
            || !report.changes.is_empty()
            || report.links_left.contains_key(&Reason::AlreadyTracked)
        {
            continue;
        }
        let none = Delivery::new("m1").tracking(openclick::Consent::NONE);
        let less = rewriter().rewrite_html(&html, &none).unwrap();
        if less.report.removed_total != report.removed_total {
            continue; // without its pixel a frameset replaces the body
        }
        let restored = back(&sandbox, &path, "html");
        ran += 1;
        same += usize::from(restored == less.bytes);
        if restored != less.bytes {
            dom::same_but_trimmed(&less.bytes, &restored, &report.charset);
        }
    }
    println!("{ran} documents, {same} to the byte");
    assert!(ran >= 150 && same >= ran * 2 / 3, "{same} of {ran}");
}

#[test]
fn messages_come_back() {
    let sandbox = Sandbox::new();
    let folders =
        ["fixtures/mail", "../shared/corpus/mail/spamassassin", "../shared/corpus/mail/mail-parser"];
    let (mut ran, mut parts) = (0, 0);
    for path in folders.into_iter().flat_map(files) {
        let mail = fs::read(&path).unwrap();
        let report = rewriter().plan_message(&mail, &Delivery::new("m1")).unwrap();
        if report.status != Status::Rewritten || !report.changes.is_empty() {
            continue;
        }
        let none = Delivery::new("m1").tracking(openclick::Consent::NONE);
        let less = rewriter().rewrite_message(&mail, &none).unwrap().bytes;
        let restored = back(&sandbox, &path, "message");
        ran += 1;
        let (before, after) =
            (openclick::source::Message::parse(&less), openclick::source::Message::parse(&restored));
        assert_eq!(before.parts().len(), after.parts().len(), "{}", path.display());
        assert_eq!(&less[before.part(0).header_range()], &restored[after.part(0).header_range()]);
        for (index, part) in report.parts.iter().enumerate() {
            let (old, new) = (before.part(index), after.part(index));
            if !part.rewritten {
                assert!(
                    old.is_multipart() || less[old.body_range()] == restored[new.body_range()],
                    "{}",
                    path.display()
                );
                continue;
            }
            let (old, new) = (old.text().unwrap(), new.text().unwrap());
            parts += 1;
            if old.bytes() != new.bytes() {
                dom::same_but_trimmed(old.bytes(), new.bytes(), old.charset());
            }
        }
    }
    println!("{ran} messages, {parts} parts");
    assert!(ran >= 12 && parts >= ran, "{ran} {parts}");
}

/// Pixels that cannot be taken out are told as links are: of another key, or written anew by somebody on the way.
#[test]
fn pixels_that_stay_are_told() {
    let sandbox = Sandbox::new();
    sandbox.write("KEYS2", "0 active MTIzNDU2Nzg5MGFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n");
    super::mode(&sandbox.path("KEYS2"), 0o600);
    let html = "<html><body><p>Hi</p></body></html>";
    let tracked = sandbox.run(&format!("rewrite {SETTINGS}"), html).ok();
    let other = sandbox.run(&format!("restore {}", OPENER.replace("KEYS", "KEYS2")), &tracked);
    assert_eq!((other.code, &other.out), (Some(1), &tracked), "{}", other.err);
    assert!(other.err.contains("2 links or pixels could not be opened"), "{}", other.err);
    let anew = tracked.replace(" alt=\"\" width=\"1\"", " width=\"1\" alt=\"\"");
    let run = sandbox.run(&format!("restore {OPENER}"), &anew);
    assert_eq!((run.code, &run.out), (Some(1), &anew), "{}", run.err);
    let capitals = tracked.replace("https://t.example.com", "HTTPS://T.example.com");
    assert_eq!(sandbox.run(&format!("restore {OPENER}"), &capitals).ok(), html);
}
