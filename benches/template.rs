//! A document for many recipients: rendered from a template, beside `rewrite_html` for each and a copy of the output.
//!
//! Before the times it prints how often a render allocates once its output has room, how much memory a template takes, and
//! what a render costs beside its parts in the same run: its seals alone, a copy of the output, and renders in two threads at
//! once. The same newsletter with three merge fields, one of them in a link, and as a quoted-printable message stand beside it.
//!
//! `cargo bench --bench template`

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openclick::{
    Consent, Delivery, EventKind, KeyRing, MergeSyntax, Options, Report, Rewriter, Template, TokenFields,
    TrackingDomain, UrlFormat, UrlWriter, Verdict,
};

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", KeyRing::generate()).and_then(Options::build).expect("options")
}

fn deliveries() -> Vec<Delivery> {
    (0..64)
        .map(|number| {
            Delivery::new(format!("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e{number:02x}"))
                .field("city", "K\u{f6}ln")
                .field("id", "4711")
                .recipient(format!("reader-{number}@example.org"))
                .campaign("autumn-sale")
        })
        .collect()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).expect("a fixture")
}

/// The newsletter with a field in its preheader, one in its text and one in a link.
/// The newsletter with three fields, one of them in a link.
fn html_with_fields() -> String {
    let html = String::from_utf8(fixture("html/newsletter-100k.html")).expect("UTF-8");
    let html =
        html.replacen("</div>", " {{name or 'friend'}}</div>", 1).replacen("</p>", ", {{city}}</p>", 1);
    let at = html.find("href=\"https://").expect("a link") + 6;
    let end = at + html[at..].find('"').expect("its end");
    format!("{}&amp;u={{{{id}}}}{}", &html[..end], &html[end..])
}

/// It as a document and as a message.
fn with_fields() -> [Template; 2] {
    let options = Options::new("https://t.example.com", KeyRing::generate()).expect("a domain");
    let rewriter = options.merge_fields([MergeSyntax::Mustache]).build().expect("options");
    let html = html_with_fields();
    let message = rewriter.compile_message(message(html.as_bytes())).expect("a template");
    let templates = [rewriter.compile_html(html).expect("a template"), message];
    assert!(templates.iter().all(|template| template.fields().count() == 3));
    templates
}

/// The newsletter in quoted-printable.
fn message(html: &[u8]) -> Vec<u8> {
    let header = "From: news@example.com\r\nMessage-ID: <m1@example.com>\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let html = String::from_utf8_lossy(html).replace("\r\n", "\n").replace('\n', "\r\n");
    [header.as_bytes(), &quoted_printable::encode(html)].concat()
}

/// What a template holds once it was rendered for every consent.
fn memory(rewriter: &Rewriter, html: &[u8], delivery: &Delivery) {
    let mut template = None;
    let held = allocation_counter::measure(|| {
        let made = rewriter.compile_html(html).expect("a template");
        for consent in [Consent::ALL, Consent::CLICKS, Consent::OPENS, Consent::NONE] {
            let mut out = Vec::new();
            made.render_to(&delivery.clone().tracking(consent), &mut out).expect("a delivery");
        }
        template = Some(made);
    });
    let times = held.bytes_current as f64 / html.len() as f64;
    println!("memory of the template, ready for all four consents: {times:.2} times its source");
}

fn renders(criterion: &mut Criterion) {
    let html = fixture("html/newsletter-100k.html");
    let (rewriter, deliveries) = (rewriter(), deliveries());
    let template = rewriter.compile_html(html.as_slice()).expect("a template");
    let mut out = Vec::new();
    let mut render = |delivery: &Delivery| {
        out.clear();
        template.render_to(delivery, &mut out).expect("a delivery");
        out.len()
    };
    deliveries.iter().for_each(|delivery| assert!(render(delivery) > 0));
    let all = || deliveries.iter().for_each(|delivery| assert!(render(delivery) > 0));
    let count = allocation_counter::measure(all).count_total;
    println!("allocations of {} renders: {count}", deliveries.len());

    memory(&rewriter, &html, &deliveries[0]);
    parts(&template, &deliveries);

    let mut group = criterion.benchmark_group("newsletter-100k");
    group.throughput(Throughput::Elements(1));
    let mut turn = (0..).map(|number| &deliveries[number % deliveries.len()]);
    let mut next = || turn.next().expect("always one more");
    group.bench_function("render_to", |b| b.iter(|| render(black_box(next()))));
    group.bench_function("rewrite_html", |b| {
        b.iter(|| rewriter.rewrite_html(black_box(&html), next()).expect("a delivery"));
    });
    let mut filled = Vec::new();
    for (name, template) in ["render_to-fields", "render_to-message-fields"].iter().zip(with_fields()) {
        group.bench_function(*name, |b| {
            b.iter(|| {
                filled.clear();
                template.render_to(black_box(next()), &mut filled).expect("all values");
                filled.len()
            });
        });
    }
    let message = rewriter.compile_message(message(&html)).expect("a template");
    group.bench_function("render_to-message", |b| {
        b.iter(|| {
            filled.clear();
            message.render_to(black_box(next()), &mut filled).expect("a delivery");
            filled.len()
        });
    });
    let output = rewriter.rewrite_html(&html, &deliveries[0]).expect("a delivery").bytes;
    let mut copy = Vec::with_capacity(output.len());
    group.bench_function("memcpy", |b| {
        b.iter(|| {
            copy.clear();
            copy.extend_from_slice(black_box(&output));
            copy.len()
        });
    });
    group.finish();
}

/// How long `work` takes, in µs: the median of many short stretches, so that those count little in which something
/// else had the core.
fn time(mut work: impl FnMut()) -> f64 {
    const STRETCHES: usize = 401;
    const TIMES: u32 = 8;
    let stretch = || {
        let start = Instant::now();
        (0..TIMES).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
    };
    let mut times: Vec<f64> = std::iter::repeat_with(stretch).take(STRETCHES).collect();
    times.sort_by(f64::total_cmp);
    times[STRETCHES / 2]
}

/// The sealing of as many tokens of the same lengths. What they hold is bytes already, as a template's URLs are.
fn seals(report: &Report) -> impl FnMut() {
    let domain = TrackingDomain::parse("t.example.com").expect("a domain");
    let writer = UrlWriter::new(domain, UrlFormat::sealed(), KeyRing::generate()).expect("a format");
    let held = vec![7; 4096];
    let mut lengths: Vec<usize> = Vec::new();
    for link in &report.links {
        if let Verdict::Tracked { url, .. } = &link.verdict {
            let is_long = |held: &[u8]| {
                let extensions = [(1, held)];
                let mut fields = TokenFields::new(EventKind::Click, "0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21");
                fields.extensions = &extensions;
                writer.url(&fields, None).expect("a token").len() >= url.len()
            };
            lengths.push((0..held.len()).find(|length| is_long(&held[..*length])).expect("a URL has an end"));
        }
    }
    let mut out = Vec::with_capacity(1 << 16);
    move || {
        out.clear();
        for (index, length) in lengths.iter().enumerate() {
            let extensions = [(1, &held[..*length])];
            let mut fields = TokenFields::new(EventKind::Click, "0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21");
            fields.link_index = Some(index as u32);
            fields.extensions = &extensions;
            writer.write_url(&fields, None, &mut out).expect("a token");
        }
        black_box(&out);
    }
}

/// Prints a render beside its parts, in µs.
fn parts(template: &Template, deliveries: &[Delivery]) {
    let first = template.render(&deliveries[0]).expect("a delivery");
    let mut seals = seals(&first.report);
    let (mut copy, mut out) =
        (Vec::with_capacity(first.bytes.len()), Vec::with_capacity(first.bytes.len() * 2));
    let render_all = |out: &mut Vec<u8>| {
        let mut turn = deliveries.iter().cycle();
        time(|| {
            out.clear();
            template.render_to(black_box(turn.next().expect("endless")), out).expect("a delivery");
        })
    };
    let seals = time(&mut seals);
    let copy = time(|| {
        copy.clear();
        copy.extend_from_slice(black_box(&first.bytes));
        black_box(&copy);
    });
    let render = render_all(&mut out);
    let room = || Vec::with_capacity(first.bytes.len() * 2);
    let shared: f64 = std::thread::scope(|scope| {
        let threads = [0, 1].map(|_| scope.spawn(|| render_all(&mut room())));
        threads.map(|thread| thread.join().expect("no panic")).iter().sum::<f64>() / 2.0
    });
    let links = first.report.links_tracked;
    println!(
        "its {links} seals: {seals:.1} µs; a copy of the output: {copy:.1} µs; render_to: {render:.1} µs"
    );
    println!("render_to to (seals + 2 copies): {:.2}", render / (seals + 2.0 * copy));
    println!("renders/s on one core: {:.0}; two threads to one: {:.2}", 1e6 / render, 2.0 * render / shared);
}

criterion_group!(benches, renders);
criterion_main!(benches);
