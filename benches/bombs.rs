//! Messages that are made to hurt: time and peak memory of each, and how time grows where a shape doubles.
//!
//! Each runs in a process of its own; the time is the best of three, the memory what the process held beyond the
//! input. A bomb may take 1 s and 150 MB; no shape may grow by more than 2.3 times for a doubling.
//!
//! `cargo bench --bench bombs`

use std::fmt::Write;
use std::process::Command;
use std::time::Instant;

use openclick::{Delivery, KeyRing, Options, Rewriter};

/// A message: of a bomb with that many of what it is made of, else with a body of that many bytes.
type Make = fn(usize) -> Vec<u8>;

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n";
const HTML: &str = "Content-Type: text/html\n";
const QP: &str = "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n";
const BASE64: &str = "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n";
const LINK: &str = "<a href=http://x.example/>";

const BOMBS: [(&str, Make, usize); 9] = [
    ("10,000 parts", parts, 10_000),
    ("10,000 alternatives", alternatives, 10_000),
    ("nesting 10,000", nesting, 10_000),
    ("a header of 20 MB", long_header, 20 << 20),
    ("a boundary of 1 MB", long_boundary, 1 << 20),
    ("1,000,000 lines of =", equals, 1_000_000),
    ("base64 of single characters", single_characters, 1 << 20),
    ("prefix boundaries", prefixes, 10_000),
    ("200,000 parts", parts, 200_000),
];

const GROWING: [(&str, Make); 16] = [
    ("parts", |size| parts(size / 60)),
    ("alternatives", |size| alternatives(size / 60)),
    ("lines of =", |size| equals(size / 2)),
    ("base64 of single characters", |size| single_characters(size / 2)),
    ("prefix boundaries", |size| prefixes(size / 60)),
    ("lines of --", |size| repeated(&format!("{MIXED}--b\n{HTML}\n"), "--\n", size)),
    ("quoted-printable links", |size| repeated(QP, "<a href=3Dhttp://x.example/>\n", size)),
    ("quoted-printable links on one line", |size| repeated(QP, "<a href=3Dhttp://x.example/>", size)),
    ("quoted-printable escapes", |size| {
        repeated(QP, "=3C=61=20=68=72=65=66=3D=68=74=74=70=3A=2F=2F=78=2E=79=3E", size)
    }),
    ("quoted-printable blanks behind =", |size| repeated(QP, &format!("={}x", " ".repeat(10_000)), size)),
    ("links on one line", |size| repeated(&format!("{HTML}\n"), LINK, size)),
    ("links that no line holds", |size| repeated(&format!("{HTML}\n"), "<a/href=http://x.example/>", size)),
    ("links that every second line holds", |size| {
        repeated(&format!("{HTML}\n"), &format!("<a/href=http://x.example/>{LINK}"), size)
    }),
    ("attributes taken out of one line", |size| {
        repeated(&format!("{HTML}\n"), "<a x data-msys-linkname=n>", size)
    }),
    ("parts that no line holds", |size| {
        let part = format!(
            "--b\n{HTML}\n{}<path/data-msys-linkname>{}\n",
            "x".repeat(990),
            "<a/href=http://x.example/>".repeat(10)
        );
        repeated(MIXED, &part, size)
    }),
    ("escape sequences of ISO-2022-JP", |size| {
        repeated(
            "Content-Type: text/html; charset=iso-2022-jp\n\n",
            &format!("\x1b$B$\"\x1b(B{LINK}\n"),
            size,
        )
    }),
];

fn repeated(start: &str, text: &str, size: usize) -> Vec<u8> {
    format!("{start}{}", text.repeat(size / text.len())).into_bytes()
}

fn parts(count: usize) -> Vec<u8> {
    format!("{MIXED}{}--b--\n", format!("--b\n{HTML}\n{LINK}x</a>\n").repeat(count)).into_bytes()
}

fn alternatives(count: usize) -> Vec<u8> {
    String::from_utf8(parts(count)).expect("ASCII").replacen("mixed", "alternative", 1).into_bytes()
}

fn nesting(count: usize) -> Vec<u8> {
    let mut message = MIXED.to_owned();
    for level in 0..count {
        let parent = if level == 0 { "b".to_owned() } else { format!("n{}", level - 1) };
        write!(message, "--{parent}\nContent-Type: multipart/mixed; boundary=n{level}\n\n").expect("memory");
    }
    message.into_bytes()
}

fn long_header(size: usize) -> Vec<u8> {
    format!("Subject: {}\n{HTML}\n{LINK}", "x".repeat(size)).into_bytes()
}

fn long_boundary(size: usize) -> Vec<u8> {
    let boundary = "x".repeat(size);
    format!(
        "Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n{HTML}\n{LINK}\n--{boundary}--\n"
    )
    .into_bytes()
}

fn equals(count: usize) -> Vec<u8> {
    format!("{QP}{LINK}{}{LINK}\n", "=\n".repeat(count)).into_bytes()
}

fn single_characters(count: usize) -> Vec<u8> {
    // `<b>` and so on, three octets in four lines.
    format!("{BASE64}{}", "P\nG\nI\n+\n".repeat(count / 4)).into_bytes()
}

/// 32 multiparts in each other whose boundaries begin with each other's, and lines that begin with all of them.
fn prefixes(count: usize) -> Vec<u8> {
    let mut message = String::new();
    for level in 1..=31 {
        let boundary = "-".repeat(level * 8);
        write!(message, "Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\n--{boundary}\n")
            .expect("memory");
    }
    let line = format!("--{}x\n", "-".repeat(31 * 8));
    format!("{message}{HTML}\n{LINK}\n{}", line.repeat(count)).into_bytes()
}

fn rewriter() -> Rewriter {
    Options::new("https://t.example.com", KeyRing::generate()).and_then(Options::build).expect("options")
}

/// The peak resident size of this process, in KiB, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// In a process of its own: prints nanoseconds, and KiB beyond the input.
fn child(index: usize, size: usize) {
    let make = if index < BOMBS.len() { BOMBS[index].1 } else { GROWING[index - BOMBS.len()].1 };
    let message = make(size);
    let rewriter = rewriter();
    let run = || {
        let start = Instant::now();
        rewriter.rewrite_message(&message, &Delivery::new("m")).expect("a delivery");
        start.elapsed()
    };
    let best = (0..3).map(|_| run()).min().expect("three");
    println!("{} {}", best.as_nanos(), peak().saturating_sub(message.len() as u64 / 1024));
}

/// Milliseconds, and MB.
fn measure(index: usize, size: usize) -> (f64, f64) {
    let program = std::env::current_exe().expect("this program");
    let run = Command::new(program).args(["--child", &index.to_string(), &size.to_string()]).output();
    let text = String::from_utf8(run.expect("a child").stdout).expect("text");
    let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().expect("a number"));
    (numbers.next().expect("a time") as f64 / 1e6, numbers.next().expect("a size") as f64 / 1024.0)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--child") {
        let number = |index: usize| arguments[at + index].parse::<usize>().expect("a number");
        return child(number(1), number(2));
    }
    let test = arguments.iter().any(|argument| argument == "--test");
    println!("{:<38}{:>9}{:>9}", "bomb", "ms", "MB");
    for (index, (name, _, size)) in BOMBS.iter().enumerate() {
        let (time, memory) = measure(index, if test { size / 100 } else { *size });
        println!("{name:<38}{time:>9.1}{memory:>9.1}");
    }
    println!("\n{:<38}  ms at 1, 2, 4, 8 MB{:>26}{:>9}", "shape", "growth", "MB");
    let mut worst = 0f64;
    for (index, (name, _)) in GROWING.iter().enumerate() {
        let sizes = if test { vec![64 << 10] } else { vec![1 << 20, 2 << 20, 4 << 20, 8 << 20] };
        let runs: Vec<_> = sizes.into_iter().map(|size| measure(BOMBS.len() + index, size)).collect();
        // Below some milliseconds the clock and the other processes decide.
        let doublings = runs.windows(2).filter(|pair| pair[1].0 >= 10.0);
        let growth = doublings.map(|pair| pair[1].0 / pair[0].0).fold(0f64, f64::max);
        let memory = runs.iter().map(|run| run.1).fold(0f64, f64::max);
        worst = worst.max(growth);
        let times: String = runs.iter().map(|run| format!("{:>9.1}", run.0)).collect();
        println!("{name:<38}{times}{growth:>12.2}{memory:>9.1}");
    }
    println!("worst growth {worst:.2}");
}
