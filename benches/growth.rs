//! Hostile shapes at 1, 2, 4 and 8 MB: how time grows with each doubling, and the peak memory.
//!
//! Each shape is streamed in 16 KB writes through a process of its own, with both engines, and rewritten
//! in memory; the time is the best of five and leaves the building of the input out. Nothing may grow by
//! more than 2.3 times for a doubling, and no stream may take more than 40 MB.
//!
//! `cargo bench --bench growth`

use std::io::{self, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use openclick::{Delivery, Engine, KeyRing, Options, Rewriter, VisibleUrl};

const SLICE: usize = 16 * 1024;

/// A shape: a start, and what is repeated.
const SHAPES: [(&str, &str, &str); 27] = [
    ("open spans", "", "<span>"),
    ("open paragraphs", "", "<p>"),
    ("deep, then end tags of no element", DEEP, "</foo>"),
    ("deep, then end tags of a table", DEEP, "</table>"),
    ("deep, then blocks", DEEP, "<div></div>"),
    ("deep, then list items", DEEP, "<li>"),
    ("misnested formatting", "", "<b><i><div></b></i>"),
    ("formatting to open again", "", "<font a=$>x<p></p>"),
    ("adoption of many blocks", "", "<b c=$><div><div><div></b>"),
    ("links in links", "", "<a href=http://x.example/$>"),
    ("links with names", "", "<a data-msys-linkname=n$ href=http://x.example/$>t</a>"),
    ("a link, then areas", LINK, "<area href=http://x.example/$>"),
    ("a link, then Outlook's", LINK, "<!--[if mso]><a href=http://x.example/$><![endif]-->"),
    ("a link, then names", LINK, "<b data-msys-linkname=n$>"),
    ("comments of a link and areas", "", COMMENT),
    ("raw text elements", "", "<title></title><style></style>"),
    ("svg and back", "", "<svg/><svg><p>"),
    ("svg elements, then wrong end tags", "<svg>", "<g></x>"),
    ("noscript", "", "<noscript><b>"),
    ("one tag of attributes", "<p>", "<a a a a a a a a a a a a a a a a a a a a a a a a"),
    ("links of 400,000 attributes", "<p>", WIDE),
    ("tags of many tracking attributes", "", "<a data-msys-clicktrack data-msys-clicktrack=1 x =y>"),
    ("unfinished comments", "", "<!-- <!-"),
    ("conditional comments", "", "<!--[if mso]><v:rect href=http://x.example/><![endif]-->"),
    ("less-than signs", "", "<"),
    ("placeholders", "", "{{openclick:pixel}"),
    ("references", "<table>", "&#32"),
];

/// As deep as the walk goes without passing its limit.
const DEEP: &str = "DEEP";

/// A tag of 800 KB, just below the limit.
const WIDE: &str = "WIDE";

/// A conditional comment of 900 KB.
const COMMENT: &str = "COMMENT";

/// A link that nothing closes.
const LINK: &str = "<a href=http://x.example/>";

fn document(start: &str, repeated: &str, size: usize) -> Vec<u8> {
    let start = if start == DEEP { "<span>".repeat(19_900) } else { start.to_owned() };
    let repeated = match repeated {
        WIDE => format!("<a{}>x", " a".repeat(400_000)),
        COMMENT => {
            format!("<!--[if mso]>{LINK}{}<![endif]-->", "<area href=http://x.example/>".repeat(31_000))
        }
        repeated => repeated.to_owned(),
    };
    let mut html = start.into_bytes();
    let mut count = 0;
    while html.len() < size {
        count += 1;
        html.extend_from_slice(repeated.replace('$', &count.to_string()).as_bytes());
    }
    html
}

fn rewriter(engine: Engine) -> Rewriter {
    Options::new("https://t.example.com", KeyRing::generate())
        .and_then(|options| options.engine(engine).visible_url(VisibleUrl::Leave).build())
        .expect("options")
}

fn stream(rewriter: &Rewriter, html: &[u8]) -> Duration {
    let start = Instant::now();
    let mut writer = rewriter.html_writer(&Delivery::new("m"), io::sink()).expect("a delivery");
    for slice in html.chunks(SLICE) {
        writer.write_all(slice).expect("a sink");
    }
    writer.finish().expect("a sink");
    start.elapsed()
}

fn whole(rewriter: &Rewriter, html: &[u8]) -> Duration {
    let start = Instant::now();
    rewriter.rewrite_html(html, &Delivery::new("m")).expect("a delivery");
    start.elapsed()
}

/// The peak resident size of this process, in KiB, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// In a process of its own: prints nanoseconds, and KiB beyond the input.
fn child(shape: usize, way: &str, size: usize) {
    let (_, start, repeated) = SHAPES[shape];
    let html = document(start, repeated, size);
    let rewriter = rewriter(if way == "lol_html" { Engine::LolHtml } else { Engine::Scan });
    let run = if way == "memory" { whole } else { stream };
    let best = (0..5).map(|_| run(&rewriter, &html)).min().expect("five");
    println!("{} {}", best.as_nanos(), peak().saturating_sub(html.len() as u64 / 1024));
}

fn measure(shape: usize, way: &str, size: usize) -> (f64, u64) {
    let program = std::env::current_exe().expect("this program");
    let run = Command::new(program)
        .args(["--child", &shape.to_string(), way, &size.to_string()])
        .output()
        .expect("a child");
    let text = String::from_utf8(run.stdout).expect("text");
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().expect("a number"));
    (numbers.next().expect("a time") as f64 / 1e6, numbers.next().expect("a size"))
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--child") {
        let number = |index: usize| arguments[at + index].parse::<usize>().expect("a number");
        return child(number(1), &arguments[at + 2], number(3));
    }
    let test = arguments.iter().any(|argument| argument == "--test");
    let unit = if test { 64 << 10 } else { 1 << 20 };
    println!("{:<38}{:>9}  ms at 1, 2, 4, 8 MB{:>28}{:>8}", "shape", "way", "growth", "MB");
    let (mut worst, mut most) = (0f64, 0);
    for (shape, (name, ..)) in SHAPES.iter().enumerate() {
        for way in ["scan", "lol_html", "memory"] {
            let sizes = if test { 1..=1 } else { 1..=4 };
            let runs: Vec<_> = sizes.map(|n| measure(shape, way, unit << (n - 1))).collect();
            // Below some milliseconds the clock and the other processes decide.
            let doublings = runs.windows(2).filter(|pair| pair[1].0 >= 10.0);
            let growth = doublings.map(|pair| pair[1].0 / pair[0].0).fold(0f64, f64::max);
            let memory = runs.iter().map(|run| run.1).max().unwrap_or(0);
            worst = worst.max(growth);
            most = most.max(if way == "memory" { 0 } else { memory });
            let times: String = runs.iter().map(|run| format!("{:>9.1}", run.0)).collect();
            println!("{name:<38}{way:>9}{times}{growth:>12.2}{:>8.1}", memory as f64 / 1024.0);
        }
    }
    println!("worst growth {worst:.2}, most memory of a stream {:.1} MB", most as f64 / 1024.0);
}
