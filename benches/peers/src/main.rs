//! The peers that are written in Rust, ours, the tokens, and the judge of everybody's output.
//!
//! Commands come as lines of tab-separated words, each is answered by one line (`drive.py` asks):
//!
//! - `peers` → the names, tab-separated; `schemes` → the token schemes
//! - `time PEER FILE MILLISECONDS` → nanoseconds of one document, the mean over that long
//! - `output PEER FILE OUT` → `ok`; what the peer makes of the file, destinations in its URLs
//! - `judge FILE OUT` → JSON: which laws the output breaks
//! - `sample OUT` → `ok`; the sample of links as lines of JSON, for the workers in other languages
//! - `token SCHEME MILLISECONDS` → nanoseconds of one token, and the mean length of its URL

mod jobs;
mod judge;
mod tokens;

use std::collections::HashMap;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Duration;

use cpu_time::ThreadTime;

/// Calls it for that long, but three times at least; nanoseconds of one call. The processor's time is taken in all
/// workers, so that whatever else runs on the machine counts less.
fn mean_time(milliseconds: &str, mut call: impl FnMut()) -> f64 {
    let budget = Duration::from_millis(milliseconds.parse().expect("milliseconds"));
    let start = ThreadTime::now();
    let mut count = 0u32;
    while count < 3 || start.elapsed() < budget {
        call();
        count += 1;
    }
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

fn main() {
    let mut files: HashMap<String, Vec<u8>> = HashMap::new();
    let mut jobs = jobs::Jobs::new();
    let tokens = tokens::Tokens::new();
    for line in stdin().lock().lines() {
        let line = line.expect("text");
        let words: Vec<&str> = line.split('\t').collect();
        if let ["time" | "output" | "judge", .., _] = words[..] {
            let name = if words[0] == "judge" { words[1] } else { words[2] };
            let read = || std::fs::read(name).expect("a file");
            files.entry(name.to_owned()).or_insert_with(read);
        }
        let answer = match words[..] {
            ["peers"] => jobs::PEERS.join("\t"),
            ["schemes"] => tokens::SCHEMES.join("\t"),
            ["time", peer, file, milliseconds] => {
                let job = jobs.timed(peer, &files[file]);
                mean_time(milliseconds, job).to_string()
            }
            ["output", peer, file, out] => {
                std::fs::write(out, jobs::output(peer, &files[file])).expect("written");
                "ok".to_owned()
            }
            ["judge", file, out] => judge::judge(&files[file], &std::fs::read(out).expect("a file")),
            ["sample", out] => {
                std::fs::write(out, tokens.sample()).expect("written");
                "ok".to_owned()
            }
            ["token", scheme, milliseconds] => {
                let mut length = 0;
                let time = mean_time(milliseconds, || length = tokens.make_all(scheme));
                let count = tokens.count() as f64;
                format!("{}\t{}", time / count, length as f64 / count)
            }
            _ => panic!("unknown command {line:?}"),
        };
        let mut out = stdout().lock();
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("stdout");
    }
}
