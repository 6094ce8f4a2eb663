//! Rewriting HTML, in one run: `memcpy`, a fixed baseline, and ours.
//!
//! The baseline is what one would write with lol_html alone: handlers for `a[href]`, `area[href]` and
//! comments that call `set_attribute` with a constant. It sees no Outlook link, keeps no byte of a
//! tag as it was, and seals nothing.
//!
//! Streams are fed in 16 KB pieces, with both engines. Ratios to the baseline on the 100 KB newsletter
//! (60 links), one run on two shared cores: see README.
//!
//! `cargo bench --bench html`

use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lol_html::{HtmlRewriter, Settings, comments, element};
use openclick::{Delivery, Engine, KeyRing, Options, Rewriter, UrlFormat};

const SLICE: usize = 16 * 1024;

fn newsletters() -> Vec<(&'static str, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/html");
    ["transactional-5k", "saas-digest-25k", "newsletter-100k", "news-digest-400k"]
        .into_iter()
        .map(|name| (name, std::fs::read(folder.join(format!("{name}.html"))).expect("a fixture")))
        .collect()
}

fn delivery() -> Delivery {
    Delivery::new("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21")
        .recipient("reader@example.org")
        .campaign("autumn-sale")
}

fn sealed(engine: Engine) -> Rewriter {
    Options::new("https://t.example.com", KeyRing::generate())
        .and_then(|options| options.engine(engine).build())
        .expect("options")
}

/// Scan and edits without tokens: every link gets the same URL.
fn constant(engine: Engine) -> Rewriter {
    let format = UrlFormat::template("https://t.example.com/constant").expect("a template").unsigned();
    Options::new("https://t.example.com", KeyRing::generate())
        .and_then(|options| options.url_format(format).engine(engine).build())
        .expect("options")
}

fn baseline(html: &[u8], out: &mut Vec<u8>) {
    let settings = Settings::new()
        .append_element_content_handler(element!("a[href], area[href]", |element| {
            element.set_attribute("href", "https://t.example.com/constant")?;
            Ok(())
        }))
        .append_element_content_handler(comments!("*", |_comment| Ok(())))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |bytes: &[u8]| out.extend_from_slice(bytes));
    for slice in html.chunks(SLICE) {
        rewriter.write(slice).expect("html");
    }
    rewriter.end().expect("html");
}

fn stream(rewriter: &Rewriter, delivery: &Delivery, html: &[u8], out: Vec<u8>) -> Vec<u8> {
    let mut writer = rewriter.html_writer(delivery, out).expect("a delivery");
    for slice in html.chunks(SLICE) {
        writer.write_all(slice).expect("memory");
    }
    writer.finish().expect("memory").0
}

fn html(criterion: &mut Criterion) {
    let delivery = delivery();
    let rewriters = [
        ("stream-scan-constant", constant(Engine::Scan)),
        ("stream-scan-sealed", sealed(Engine::Scan)),
        ("stream-lol_html-constant", constant(Engine::LolHtml)),
        ("stream-lol_html-sealed", sealed(Engine::LolHtml)),
    ];
    let sealed = sealed(Engine::Scan);
    let mut group = criterion.benchmark_group("html");
    for (name, html) in newsletters() {
        group.throughput(Throughput::Bytes(html.len() as u64));
        let room = html.len() * 2;
        group.bench_with_input(BenchmarkId::new("memcpy", name), &html, |b, html| {
            let mut out = Vec::with_capacity(room);
            b.iter(|| {
                out.clear();
                out.extend_from_slice(black_box(html));
            });
        });
        group.bench_with_input(BenchmarkId::new("baseline", name), &html, |b, html| {
            b.iter(|| {
                let mut out = Vec::with_capacity(room);
                baseline(black_box(html), &mut out);
                out
            });
        });
        for (kind, rewriter) in &rewriters {
            group.bench_with_input(BenchmarkId::new(*kind, name), &html, |b, html| {
                b.iter(|| stream(rewriter, &delivery, black_box(html), Vec::with_capacity(room)));
            });
        }
        group.bench_with_input(BenchmarkId::new("whole-sealed", name), &html, |b, html| {
            b.iter(|| sealed.rewrite_html(black_box(html), &delivery).expect("a delivery"));
        });
    }
    group.finish();
}

criterion_group!(benches, html);
criterion_main!(benches);
