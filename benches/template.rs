//! A document for many recipients: rendered from a template, beside `rewrite_html` for each and a copy of the output.
//!
//! Before the times it prints how often a render allocates once its output has room.
//!
//! `cargo bench --bench template`

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openclick::{Delivery, KeyRing, Options, Rewriter};

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", KeyRing::generate()).and_then(Options::build).expect("options")
}

fn deliveries() -> Vec<Delivery> {
    (0..64)
        .map(|number| {
            Delivery::new(format!("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e{number:02x}"))
                .recipient(format!("reader-{number}@example.org"))
                .campaign("autumn-sale")
        })
        .collect()
}

fn renders(criterion: &mut Criterion) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/html/newsletter-100k.html");
    let html = std::fs::read(file).expect("a fixture");
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

    let mut group = criterion.benchmark_group("newsletter-100k");
    group.throughput(Throughput::Elements(1));
    let mut turn = (0..).map(|number| &deliveries[number % deliveries.len()]);
    let mut next = || turn.next().expect("always one more");
    group.bench_function("render_to", |b| b.iter(|| render(black_box(next()))));
    group.bench_function("rewrite_html", |b| {
        b.iter(|| rewriter.rewrite_html(black_box(&html), next()).expect("a delivery"));
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

criterion_group!(benches, renders);
criterion_main!(benches);
