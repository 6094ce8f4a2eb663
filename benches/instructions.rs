//! Eight fixed jobs whose instructions `benches/instructions.sh` counts, since times jump on shared machines.
//!
//! `instructions JOB ROUNDS` does one of them that often. All is fixed: keys, ids, documents. Without a job each is
//! done once (`cargo bench --bench instructions -- --test`).

use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use openclick::{Consent, Decoder, Delivery, KeyRing, MergeSyntax, Options, Rewriter, TrackingDomain};

const JOBS: [&str; 8] = [
    "scan",
    "rewrite_html",
    "stream",
    "render_to",
    "render_message",
    "render_fields",
    "rewrite_message",
    "decode",
];

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).expect("a fixture")
}

fn keys() -> KeyRing {
    KeyRing::from_bytes([7; 32])
}

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", keys()).and_then(Options::build).expect("options")
}

fn delivery() -> Delivery {
    Delivery::new("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21")
        .recipient("reader@example.org")
        .campaign("autumn-sale")
}

/// The tracking URLs of the newsletter.
fn urls(rewriter: &Rewriter) -> Vec<String> {
    let report = rewriter.plan_html(&fixture("html/newsletter-100k.html"), &delivery()).expect("a delivery");
    let url = |link: &openclick::LinkReport| match &link.verdict {
        openclick::Verdict::Tracked { url, .. } => Some(url.clone()),
        _ => None,
    };
    report.links.iter().filter_map(url).collect()
}

/// The newsletter as a message in quoted-printable.
fn message(html: &[u8]) -> Vec<u8> {
    let header =
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let html = String::from_utf8_lossy(html).replace("\r\n", "\n").replace('\n', "\r\n");
    [header.as_bytes(), &quoted_printable::encode(html)].concat()
}

/// The rendering of a message to one recipient.
fn render(rewriter: &Rewriter, message: &[u8], delivery: Delivery) -> Box<dyn FnMut() -> usize> {
    let template = rewriter.compile_message(message).expect("a template");
    let mut out = Vec::with_capacity(1 << 18);
    Box::new(move || {
        out.clear();
        template.render_to(&delivery, &mut out).expect("a delivery");
        out.len()
    })
}

/// What is counted is the difference between twice as many rounds and these, so that preparing cancels out.
fn run(job: &str, rounds: usize) {
    let (rewriter, delivery) = (rewriter(), delivery());
    let html = fixture("html/newsletter-100k.html");
    let round: Box<dyn FnMut() -> usize> = match job {
        // Nothing is tracked: what is left is reading, and taking the author's attributes out.
        "scan" => {
            let delivery = delivery.tracking(Consent::NONE);
            Box::new(move || rewriter.rewrite_html(&html, &delivery).expect("a delivery").bytes.len())
        }
        "rewrite_html" => {
            Box::new(move || rewriter.rewrite_html(&html, &delivery).expect("a delivery").bytes.len())
        }
        "stream" => Box::new(move || {
            let mut writer =
                rewriter.html_writer(&delivery, Vec::with_capacity(1 << 18)).expect("a delivery");
            for slice in html.chunks(16 * 1024) {
                writer.write_all(slice).expect("memory");
            }
            writer.finish().expect("memory").0.len()
        }),
        "render_to" => {
            let template = rewriter.compile_html(html).expect("a template");
            let mut out = Vec::with_capacity(1 << 18);
            Box::new(move || {
                out.clear();
                template.render_to(&delivery, &mut out).expect("a delivery");
                out.len()
            })
        }
        "render_message" => render(&rewriter, &message(&html), delivery),
        // One value in the text, one in a link.
        "render_fields" => {
            let html = String::from_utf8(html).expect("UTF-8").replacen("</p>", ", {{name}}</p>", 1);
            let html = html.replacen("\"https://", "\"https://{{region}}.", 1);
            let delivery = delivery.field("name", "Ann O'Neil").field("region", "eu-west");
            let options = Options::new("https://t.example.com", keys()).expect("a domain");
            let rewriter = options.merge_fields([MergeSyntax::Mustache]).build().expect("options");
            render(&rewriter, &message(html.as_bytes()), delivery)
        }
        "rewrite_message" => {
            let message = fixture("mail/newsletter-qp.eml");
            Box::new(move || rewriter.rewrite_message(&message, &delivery).expect("a delivery").bytes.len())
        }
        "decode" => {
            let urls = urls(&rewriter);
            let domain = TrackingDomain::parse("t.example.com").expect("a domain");
            let decoder = Decoder::new(keys()).tracking_domain(domain);
            Box::new(move || {
                urls.iter()
                    .map(|url| decoder.decode(url).expect("our own").target().map_or(0, str::len))
                    .sum()
            })
        }
        other => panic!("no job {other:?}; there are {JOBS:?}"),
    };
    repeat(round, rounds);
}

fn repeat(mut round: Box<dyn FnMut() -> usize>, rounds: usize) {
    for _ in 0..rounds {
        assert!(black_box(round()) > 0);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [job, rounds] if !job.starts_with('-') => run(job, rounds.parse().expect("a number of rounds")),
        _ => JOBS.iter().for_each(|job| run(job, 1)),
    }
}
