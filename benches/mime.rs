//! Whole messages, each beside what it is compared with, in one run.
//!
//! - `structure`: a message of attachments alone, so that nothing but the structure is read; beside it one `memmem`
//!   pass for the line starts that may be delimiters, and a copy, which the output is.
//! - `newsletter`: the 100 KB newsletter (60 links) as quoted-printable, rewritten; beside it `rewrite_html` on
//!   what it decodes to, and decoding and encoding with the crate `quoted_printable`. What the message takes longer
//!   than the HTML is the editing in place.
//! - `newsletter-base64`: the same as base64, every octet of which is decoded, and encoded anew behind the first link;
//!   beside it `rewrite_html` on what it decodes to, and the crate `base64` without vector instructions on one long line.
//! - `attachment`: 50 MB of base64 and one small HTML part; beside it a copy.
//!
//! `cargo bench --bench mime`

use std::hint::black_box;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memchr::memmem;
use openclick::{Delivery, KeyRing, Options, Rewriter};
use quoted_printable::ParseMode;

const HEADER: &str = "From: news@example.org\r\nTo: reader@example.org\r\nMIME-Version: 1.0\r\n";

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", KeyRing::generate()).and_then(Options::build).expect("options")
}

fn delivery() -> Delivery {
    Delivery::new("0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21").recipient("reader@example.org")
}

fn newsletter() -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/html/newsletter-100k.html");
    let html = std::fs::read_to_string(file).expect("a fixture");
    html.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

/// Lines of base64, as many as `bytes` hold.
fn attachment(bytes: usize) -> String {
    let line = "VGhpcyBpcyBubyBwaWN0dXJlLCBidXQgYXMgbG9uZyBhcyBvbmUgdGhhdCBpcyBpbiBtYWlscw=\r\n";
    line.repeat(bytes / line.len())
}

fn mixed(parts: &[String]) -> Vec<u8> {
    let parts: String = parts.iter().map(|part| format!("--next-part\r\n{part}\r\n")).collect();
    format!("{HEADER}Content-Type: multipart/mixed; boundary=next-part\r\n\r\n{parts}--next-part--\r\n")
        .into()
}

fn picture(bytes: usize) -> String {
    let header = "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    format!("{header}{}", attachment(bytes))
}

fn structure(criterion: &mut Criterion) {
    let parts: Vec<String> = (0..8).map(|_| picture(128 << 10)).collect();
    let message = mixed(&parts);
    let (rewriter, delivery) = (rewriter(), delivery());
    let mut group = criterion.benchmark_group("structure-1m");
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("memmem", |b| {
        b.iter(|| memmem::find_iter(black_box(&message), b"\n--").count());
    });
    group.bench_function("memmem-and-copy", |b| {
        b.iter(|| (memmem::find_iter(black_box(&message), b"\n--").count(), message.to_vec()));
    });
    group.bench_function("message", |b| {
        b.iter(|| rewriter.rewrite_message(black_box(&message), &delivery).expect("a delivery"));
    });
    group.finish();
}

fn newsletters(criterion: &mut Criterion) {
    let html = newsletter();
    let encoded = quoted_printable::encode(&html);
    let header =
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let message = [HEADER.as_bytes(), header.as_bytes(), &encoded].concat();
    let (rewriter, delivery) = (rewriter(), delivery());
    assert!(rewriter.plan_message(&message, &delivery).expect("a delivery").links_tracked >= 58);
    let mut group = criterion.benchmark_group(format!("newsletter-qp-{}k", message.len() / 1000));
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("html", |b| {
        b.iter(|| rewriter.rewrite_html(black_box(&html), &delivery).expect("a delivery"));
    });
    group.bench_function("message", |b| {
        b.iter(|| rewriter.rewrite_message(black_box(&message), &delivery).expect("a delivery"));
    });
    group.bench_function("quoted_printable-decode-encode", |b| {
        b.iter(|| {
            let html = quoted_printable::decode(black_box(&encoded), ParseMode::Robust).expect("it");
            quoted_printable::encode(html)
        });
    });
    group.finish();
}

fn newsletters_base64(criterion: &mut Criterion) {
    let html = newsletter();
    let encoded = STANDARD.encode(&html);
    let lines: String = encoded
        .as_bytes()
        .chunks(76)
        .flat_map(|line| [std::str::from_utf8(line).expect("ASCII"), "\r\n"])
        .collect();
    let header = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let message = [HEADER, header, &lines].concat().into_bytes();
    let (rewriter, delivery) = (rewriter(), delivery());
    assert!(rewriter.plan_message(&message, &delivery).expect("a delivery").links_tracked >= 58);
    let mut group = criterion.benchmark_group(format!("newsletter-base64-{}k", message.len() / 1000));
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("html", |b| {
        b.iter(|| rewriter.rewrite_html(black_box(&html), &delivery).expect("a delivery"));
    });
    group.bench_function("message", |b| {
        b.iter(|| rewriter.rewrite_message(black_box(&message), &delivery).expect("a delivery"));
    });
    group.bench_function("decode-encode", |b| {
        b.iter(|| STANDARD.encode(STANDARD.decode(black_box(&encoded)).expect("it")));
    });
    group.finish();
}

fn attachments(criterion: &mut Criterion) {
    let html = "Content-Type: text/html\r\n\r\n<p><a href=\"https://shop.example/\">Shop</a></p>\r\n";
    let message = mixed(&[html.to_owned(), picture(50 << 20)]);
    let (rewriter, delivery) = (rewriter(), delivery());
    let mut group = criterion.benchmark_group("attachment-50m");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("copy", |b| b.iter(|| black_box(&message).to_vec()));
    group.bench_function("message", |b| {
        b.iter(|| rewriter.rewrite_message(black_box(&message), &delivery).expect("a delivery"));
    });
    group.finish();
}

criterion_group!(benches, structure, newsletters, newsletters_base64, attachments);
criterion_main!(benches);
