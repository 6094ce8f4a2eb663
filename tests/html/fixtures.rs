//! The fixtures: newsletters, and hostile documents with what must come out.

use std::fs;
use std::path::{Path, PathBuf};

use openclick::{Delivery, Dialect, Options, VisibleUrl};

use crate::support::{delivery, dom, laws, options, rewriter, show, symbolic};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn files(name: &str, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder(name))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}

/// The settings of `NAME.options`.
fn options_for(path: &Path) -> (Options, Delivery) {
    let text = fs::read_to_string(path.with_extension("options")).unwrap_or_default();
    let mut made: Options = options();
    let mut delivery = delivery();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) = line.split_once('=').expect("key = value");
        let value = value.trim();
        let on = value == "true";
        made = match key.trim() {
            "dialects" => {
                made.dialects(value.split(',').map(|name| name.trim().parse::<Dialect>().expect("a dialect")))
            }
            "visible-url" => {
                assert_eq!(value, "leave");
                made.visible_url(VisibleUrl::Leave)
            }
            "max-links" => made.max_links(value.parse().expect("a number")),
            "skip-host" => value.split(',').fold(made, |made, host| made.skip_host(host.trim())),
            "initial-open" => made.initial_open(on),
            "open-tracking" => made.open_tracking(on),
            "click-tracking" => made.click_tracking(on),
            "outlook" => made.outlook(on),
            "charset" => made.charset(value),
            "unsubscribe" => {
                delivery = delivery.list_unsubscribe(value);
                made
            }
            other => panic!("{}: unknown option {other}", path.display()),
        };
    }
    (made, delivery)
}

#[test]
fn hostile_documents_come_out_as_expected() {
    let mut wrong = Vec::new();
    let mut ran = 0;
    for path in files("pathological", "html") {
        ran += 1;
        let html = fs::read(&path).expect("a fixture");
        let expected = fs::read(path.with_extension("expected")).expect("an expectation");
        let (options, delivery) = options_for(&path);
        let made = options.clone().build().expect("options");
        let rewritten = made.rewrite_html(&html, &delivery).expect("a delivery");
        let found = symbolic(&rewritten.bytes, 0);
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if found != expected {
            wrong.push(format!(
                "{name}\n  input    {}\n  expected {}\n  found    {}",
                show(&html),
                show(&expected),
                show(&found)
            ));
            continue;
        }
        if let Ok(reasons) = fs::read_to_string(path.with_extension("reasons")) {
            let said: Vec<String> = rewritten
                .report
                .links
                .iter()
                .map(|link| match link.reason() {
                    Some(reason) => format!("{} left {reason}", link.index),
                    None => format!("{} tracked", link.index),
                })
                .collect();
            let wanted: Vec<&str> = reasons.lines().filter(|line| !line.trim().is_empty()).collect();
            if said != wanted {
                wrong.push(format!("{name}\n  reasons {wanted:?}\n  found   {said:?}"));
            }
        }
        laws::only_allowed_bytes(&html, &rewritten.bytes, &rewritten.report);
        if html.len() < 2000 && rewritten.report.status != openclick::Status::AlreadyRewritten {
            // One that knows the charset does not hold the first 1,024 bytes back.
            let knowing = options.charset(&rewritten.report.charset).build().expect("options");
            for made in [made, knowing] {
                laws::every_split(&made, &delivery, &html, &rewritten.bytes, &rewritten.report);
            }
        }
    }
    println!("{ran} hostile documents");
    assert!(ran >= 200);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn hostile_documents_obey_the_laws() {
    for path in files("pathological", "html") {
        let html = fs::read(&path).expect("a fixture");
        println!("{}", path.display());
        laws::check(&html);
        dom::check(&html);
    }
}

#[test]
fn newsletters_obey_the_laws() {
    let mut ran = 0;
    for path in files("html", "html") {
        let html = fs::read(&path).expect("a fixture");
        laws::check(&html);
        dom::check(&html);
        let lines = String::from_utf8(html).expect("UTF-8").replace("\r\n", "\n").replace('\n', "\r\n");
        laws::check(lines.as_bytes());
        dom::check(lines.as_bytes());
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[test]
fn the_demo_newsletter_has_sixty_links() {
    let html = fs::read(folder("html/newsletter-100k.html")).expect("a fixture");
    let report = rewriter().rewrite_html(&html, &delivery()).expect("a delivery").report;
    assert_eq!(report.links_tracked, 60);
    assert_eq!(report.links_total, 64);
    assert!(report.pixels.iter().all(|pixel| pixel.place.is_some()));
}
