//! How cost grows on ordinary input: with the document, its links, the recipients, the keys and the streams. (Hostile
//! shapes: `growth`.)
//!
//! For each the times at growing sizes, and the slope in log-log, by least squares over all sizes and between the last
//! two: 1 is linear, 0 is no growth. Times are the processor's, the best of a few runs, since other programs run too.
//!
//! `cargo bench --bench scale`

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use cpu_time::ThreadTime;
use openclick::stream::{Condition, Given, Layer, Stream, Streams};
use openclick::{
    Decoder, Delivery, EventKind, HeaderFields, KeyFile, KeyRing, Options, Rewriter, TokenFields,
    TrackingDomain, UrlFormat, UrlWriter,
};

/// Above it something grows faster than linearly, and not by the clock's or the caches' doing.
const LINEAR: f64 = 1.15;

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", KeyRing::from_bytes([7; 32]))
        .and_then(Options::build)
        .expect("options")
}

fn delivery(number: usize) -> Delivery {
    Delivery::new(format!("0190c2f4-7c1e-7d3a-9b52-{number:012x}"))
        .recipient(format!("reader-{number}@example.org"))
}

/// Seconds of one call: the best of at most seven, fewer where they are long.
fn best(mut call: impl FnMut()) -> f64 {
    let begun = ThreadTime::now();
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let start = ThreadTime::now();
        call();
        best = best.min(start.elapsed().as_secs_f64());
        if begun.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    best
}

/// Seconds of one call that takes microseconds.
fn best_of_many(mut call: impl FnMut()) -> f64 {
    const MANY: usize = 1000;
    best(|| (0..MANY).for_each(|_| call())) / MANY as f64
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(size, time)| (size.ln(), time.ln())).collect();
    let count = logs.len() as f64;
    let (x, y) = logs.iter().fold((0.0, 0.0), |sum, log| (sum.0 + log.0 / count, sum.1 + log.1 / count));
    let (up, down) = logs
        .iter()
        .fold((0.0, 0.0), |sum, log| (sum.0 + (log.0 - x) * (log.1 - y), sum.1 + (log.0 - x).powi(2)));
    up / down
}

/// Prints one line of the table; true if nothing grows faster than linearly.
fn report(what: &str, sizes: &[usize], mut time: impl FnMut(usize) -> f64) -> bool {
    let points: Vec<(f64, f64)> = sizes.iter().map(|&size| (size as f64, time(size))).collect();
    let mut times = String::new();
    for (size, seconds) in &points {
        write!(times, "{}: {}  ", short(*size), shown(*seconds)).expect("memory");
    }
    let last = slope(&points[points.len() - 2..]);
    let all = slope(&points);
    let linear = all <= LINEAR && last <= LINEAR;
    let verdict = if linear { "" } else { "  MORE THAN LINEAR" };
    println!("{what:<34} slope {all:5.2}, last {last:5.2}{verdict}\n    {times}");
    linear
}

fn short(size: f64) -> String {
    match size {
        size if size >= 1e6 => format!("{:.0}M", size / 1e6),
        size if size >= 1e3 => format!("{:.0}k", size / 1e3),
        size => format!("{size:.0}"),
    }
}

fn shown(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s if s >= 1e-6 => format!("{:.2} µs", s * 1e6),
        s => format!("{:.0} ns", s * 1e9),
    }
}

/// Rows of a table with text, each with a link: about 1,000 bytes.
fn document(bytes: usize) -> Vec<u8> {
    let mut html = String::with_capacity(bytes + 2000);
    html.push_str("<!doctype html><html><head><title>News</title></head><body><table>");
    let text = "The harbour was full of boats when the first of them came home. ".repeat(12);
    let mut number = 0;
    while html.len() < bytes {
        number += 1;
        writeln!(
            html,
            "<tr><td style=\"padding:0 24px\"><p>{text}</p><a class=more href=\"https://news.example/stories/{number}?utm_source=mail&amp;utm_medium=email\">More</a></td></tr>"
        )
        .expect("memory");
    }
    html.push_str("</table></body></html>\n");
    html.into_bytes()
}

fn links(count: usize) -> Vec<u8> {
    let mut html = String::from("<body>");
    for number in 0..count {
        writeln!(html, "<a href=\"https://shop.example/p/{number}?utm_source=mail\">Shop</a>")
            .expect("memory");
    }
    html.push_str("</body>");
    html.into_bytes()
}

fn stream(rewriter: &Rewriter, html: &[u8]) {
    let mut writer = rewriter.html_writer(&delivery(0), io::sink()).expect("a delivery");
    for slice in html.chunks(16 * 1024) {
        writer.write_all(slice).expect("a sink");
    }
    writer.finish().expect("a sink");
}

/// A ring of that many keys, and a token of its oldest.
fn keys(count: usize) -> (KeyRing, String) {
    let mut file = KeyFile::new();
    let ring = |file: &KeyFile| KeyRing::parse(&file.text()).expect("a key file");
    let domain = TrackingDomain::parse("t.example.com").expect("a domain");
    let writer = UrlWriter::new(domain, UrlFormat::sealed(), ring(&file)).expect("a format");
    let mut fields = TokenFields::new(EventKind::Click, "0190c2f4-7c1e-7d3a-9b52-6a1f0c8d4e21");
    fields.target = Some("https://shop.example/sale?id=7");
    let url = writer.url(&fields, None).expect("a link");
    for _ in 1..count {
        file.add(None).expect("a free slot");
    }
    (ring(&file), url)
}

/// That many streams, of which none is the message's.
fn streams(count: usize) -> Streams {
    let mut streams = Streams::new();
    for number in 0..count {
        let pattern = format!("pool-{number}-*");
        let condition = Condition::virtual_mta([pattern.as_str()]).expect("a pattern");
        streams.push(Stream::new(Layer::new().customer_id(number as u64)).when(condition)).expect("a stream");
    }
    streams
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let sizes = |all: &'static [usize]| if test { &all[..2] } else { all };
    let rewriter = rewriter();
    let mut linear = true;

    let bytes = sizes(&[5_000, 50_000, 500_000, 5_000_000, 20_000_000, 100_000_000]);
    linear &= report("document, bytes, streamed", bytes, |size| {
        let html = document(size);
        best(|| stream(&rewriter, &html))
    });
    linear &= report("document, bytes, in memory", bytes, |size| {
        let html = document(size);
        best(|| {
            black_box(rewriter.rewrite_html(&html, &delivery(0)).expect("a delivery"));
        })
    });
    let counts = sizes(&[1, 10, 100, 1_000, 10_000, 100_000]);
    linear &= report("links, streamed", counts, |count| {
        let html = links(count);
        best(|| stream(&rewriter, &html))
    });
    linear &= report("links, in memory", counts, |count| {
        let html = links(count);
        best(|| {
            black_box(rewriter.rewrite_html(&html, &delivery(0)).expect("a delivery"));
        })
    });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/html/newsletter-100k.html");
    let template = rewriter.compile_html(std::fs::read(file).expect("a fixture")).expect("a template");
    let mut out = Vec::new();
    linear &= report("recipients, 100 KB, 60 links", sizes(&[1, 100, 10_000, 100_000, 1_000_000]), |count| {
        best(|| {
            for number in 0..count {
                out.clear();
                template.render_to(&delivery(number), &mut out).expect("a delivery");
            }
        })
    });
    linear &= report("keys, to open a token", sizes(&[1, 2, 4, 8, 16, 32]), |count| {
        let (ring, url) = keys(count);
        let decoder =
            Decoder::new(ring).tracking_domain(TrackingDomain::parse("t.example.com").expect("a domain"));
        best_of_many(|| {
            black_box(decoder.decode(&url).expect("our own"));
        })
    });
    linear &= report("streams, to resolve a message", sizes(&[1, 10, 100, 1_000]), |count| {
        let streams = streams(count);
        let fields = HeaderFields::from_text([("X-Virtual-MTA", "newsletters-eu"), ("X-Job", "autumn")]);
        let given = Given::new();
        best_of_many(|| {
            black_box(streams.resolve(&fields, &given));
        })
    });
    println!("{}", if linear { "all linear or better" } else { "not all is linear" });
}
