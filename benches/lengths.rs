//! Prints how long tracking URLs are on the fixed sample (`tests/token/sample.rs`), beside those of zlib + JSON
//! (sparkyPMTATracking), which carry destination, message id and recipient only.
//!
//! ```text
//! cargo bench --bench lengths
//! ```

#[path = "../tests/token/sample.rs"]
#[allow(dead_code)]
mod sample;

use openclick::{EventKind, KeyRing, TokenFields, TrackingDomain, UrlFormat, UrlWriter};
use sample::{Link, Shape};

fn main() {
    let domain = TrackingDomain::parse("t.example.com").expect("a good domain");
    let keys = KeyRing::from_bytes([7; 32]);
    let sealed = UrlWriter::new(domain.clone(), UrlFormat::sealed(), keys.clone()).expect("a good format");
    let sparky = UrlWriter::new(domain, UrlFormat::sparky_pmta().unsigned(), keys).expect("a good format");

    println!("URL characters: https://t.example.com/ + token; 300 links a shape, link name on 4 of 6");
    println!(
        "{:9} {:>7} | {:^23} | {:^23} | {:^23}",
        "", "target", "16-byte message id", "40-character id", "zlib + JSON"
    );
    let columns = "   mean    p50    p95   ";
    println!("{:9} {:>7} |{columns}|{columns}|{columns}", "shape", "mean");
    for shape in [Shape::Plain, Shape::Campaign, Shape::Shop] {
        let links = sample::links(shape);
        let targets = links.iter().map(|link| link.target.len()).sum::<usize>() as f64 / links.len() as f64;
        print!("{:9} {targets:7.1}", format!("{shape:?}").to_lowercase());
        for (writer, with_text_id) in [(&sealed, false), (&sealed, true), (&sparky, false)] {
            let (mean, p50, p95) = summary(&links, writer, with_text_id);
            print!(" | {mean:7.1} {p50:6} {p95:6}  ");
        }
        println!();
    }
}

fn summary(links: &[Link], writer: &UrlWriter, with_text_id: bool) -> (f64, usize, usize) {
    let mut lengths: Vec<usize> = links
        .iter()
        .map(|link| {
            let id = if with_text_id { &link.text_message_id } else { &link.message_id };
            let mut fields = TokenFields::new(EventKind::Click, id);
            fields.customer_id = 42;
            fields.link_index = Some(link.index);
            fields.recipient = Some(&link.recipient);
            fields.link_name = link.link_name.as_deref();
            fields.target = Some(&link.target);
            writer.url(&fields, None).expect("a good link").len()
        })
        .collect();
    lengths.sort_unstable();
    let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
    (mean, lengths[lengths.len() / 2], lengths[lengths.len() * 95 / 100])
}
