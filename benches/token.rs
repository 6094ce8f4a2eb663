//! Sealing, opening, and coding URLs, for each shape of the sample.
//!
//! Measured on one x86-64 machine (AVX-512, VAES), a URL each, for plain, campaign and shop shape (138, 169 and 228
//! characters): `seal` 0.23, 0.24 and 0.29 µs; `open` 0.98, 1.35 and 1.95 µs (1.74, 2.37 and 3.50 µs when texts were
//! read back to find the next code); `url` less `seal` 0.7, 1.5 and 2.2 µs, of which the destination alone (72, 163 and
//! 237 bytes) 0.48, 1.12 and 1.82 µs: 7 ns a byte, most of it in finding phrases and the shortest parse.
//!
//! `cargo bench --bench token`

#[path = "../tests/token/sample.rs"]
#[allow(dead_code)]
mod sample;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openclick::{Decoder, EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
use sample::{Link, Shape};

fn fields(link: &Link) -> TokenFields<'_> {
    let mut fields = TokenFields::new(EventKind::Click, &link.message_id);
    fields.customer_id = 42;
    fields.link_index = Some(link.index);
    fields.recipient = Some(&link.recipient);
    fields.link_name = link.link_name.as_deref();
    fields.target = Some(&link.target);
    fields
}

/// The characters of a URL without texts: the domain, and version, tag, message id and numbers of a token.
const EMPTY: usize = 22 + 52;

/// Every figure is of 300 links; divide by 300 for one.
fn tokens(criterion: &mut Criterion) {
    let domain = TrackingDomain::parse("t.example.com").expect("a good domain");
    let keys = KeyRing::from_bytes([7; 32]);
    let writer = UrlWriter::new(domain.clone(), UrlFormat::sealed(), keys.clone()).expect("a good format");
    let decoder = Decoder::new(keys).tracking_domain(domain);
    for shape in [Shape::Plain, Shape::Campaign, Shape::Shop] {
        let name = format!("{shape:?}").to_lowercase();
        let links = sample::links(shape);
        let urls: Vec<String> =
            links.iter().map(|link| writer.url(&fields(link), None).expect("a good link")).collect();
        let mut group = criterion.benchmark_group("token");
        group.throughput(Throughput::Elements(links.len() as u64));
        let mut out = Vec::with_capacity(1 << 20);
        let mut write = |make: &mut dyn FnMut(&Link, &mut Vec<u8>)| {
            out.clear();
            for link in &links {
                make(link, &mut out);
            }
            black_box(out.len());
        };
        // The whole URL: coding the texts, sealing, base64.
        group.bench_function(format!("url/{name}"), |bencher| {
            bencher.iter(|| {
                write(&mut |link, out| writer.write_url(&fields(link), None, out).expect("a good link"))
            });
        });
        // A token as long whose texts are bits already, as a template has them: fields, sealing, base64.
        let held = [7; 4096];
        let lengths: Vec<usize> = urls.iter().map(|url| (url.len() - EMPTY) * 3 / 4).collect();
        group.bench_function(format!("seal/{name}"), |bencher| {
            bencher.iter(|| {
                let mut lengths = lengths.iter();
                write(&mut |link, out| {
                    let length = *lengths.next().expect("as many as links");
                    let extensions = [(1, &held[..length])];
                    let mut fields = TokenFields::new(EventKind::Click, &link.message_id);
                    fields.link_index = Some(link.index);
                    fields.extensions = &extensions;
                    writer.write_url(&fields, None, out).expect("a good link");
                })
            });
        });
        // The same with nothing to code but a packed message id: what sealing and base64 cost.
        group.bench_function(format!("pixel/{name}"), |bencher| {
            bencher.iter(|| {
                write(&mut |link, out| {
                    let fields = TokenFields::new(EventKind::Open, &link.message_id);
                    writer.write_url(&fields, None, out).expect("a good link");
                });
            });
        });
        group.bench_function(format!("open/{name}"), |bencher| {
            bencher.iter(|| {
                for url in &urls {
                    black_box(decoder.decode(url).expect("our own"));
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, tokens);
criterion_main!(benches);
