//! What must not cost more than its bytes.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::super::{Kind, MAX_HEADER, MAX_PARTS, Structure, Untouched, scan};
use super::{MIXED, assert_spans};

/// Debug builds on a busy machine take seconds for what is quadratic and well under one for what is not.
#[track_caller]
fn quick(message: &str) -> Structure {
    let start = Instant::now();
    let structure = scan(message.as_bytes());
    let limit = Duration::from_secs(5) + Duration::from_micros(message.len() as u64 / 2);
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    assert_spans(message.as_bytes(), &structure);
    structure
}

#[test]
fn ten_thousand_parts() {
    let message = format!("{MIXED}{}--b--\n", "--b\nContent-Type: text/html\n\nx\n".repeat(10_000));
    let structure = quick(&message);
    assert_eq!(structure.parts.len(), 10_001);
    assert_eq!(structure.parts[0].children, 10_000);
    assert!(structure.parts.iter().all(|part| part.verdict.is_ok()));
    assert_eq!(structure.path(10_000), "10000");
}

#[test]
fn a_million_parts() {
    let message = format!("{MIXED}{}", "--b\n\nx\n".repeat(1_000_000));
    let structure = quick(&message);
    assert_eq!(structure.parts.len(), MAX_PARTS);
    let last = structure.parts.last().unwrap();
    assert_eq!(
        (last.kind, last.verdict, last.body.end),
        (Kind::Opaque, Err(Untouched::Parts), message.len())
    );
    assert!(message[last.body.clone()].starts_with("\nx\n--b\n"));
}

#[test]
fn ten_thousand_multiparts_in_each_other() {
    let mut message = MIXED.to_owned();
    for level in 0..10_000 {
        let parent = if level == 0 { "b".to_owned() } else { format!("n{}", level - 1) };
        write!(message, "--{parent}\nContent-Type: multipart/mixed; boundary=n{level}\n\n").unwrap();
    }
    let structure = quick(&message);
    assert_eq!(structure.parts.len(), 33);
    let last = &structure.parts[32];
    assert_eq!((last.kind, last.verdict), (Kind::Opaque, Err(Untouched::Depth)));
    assert_eq!(structure.parts[31].kind, Kind::Multipart);
}

/// Each level inside the same one: all of them are asked at each line.
#[test]
fn the_same_boundary_at_every_level() {
    let boundary = "-".repeat(256);
    let level = format!("Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n");
    let message = level.repeat(32) + "\n" + &format!("--{boundary}x\n").repeat(20_000);
    let structure = quick(&message);
    assert_eq!(structure.parts.len(), 33);
    let blanks = level.repeat(32) + "\n" + &format!("--{boundary}{}x\n", " ".repeat(1 << 16)).repeat(8);
    assert_eq!(quick(&blanks).parts.len(), 33);
}

#[test]
fn hundreds_of_thousands_of_lines_that_are_no_delimiters() {
    for line in ["--\n", "--bb\n", "--b-\n", "\r--b\r", "-\n", "--b--x\n"] {
        let message = format!("{MIXED}--b\n\n{}", line.repeat(200_000));
        assert_eq!(quick(&message).parts.len(), 2, "{line:?}");
        let header = format!("{MIXED}--b\n{}", line.repeat(200_000));
        assert_eq!(quick(&header).parts[1].verdict, Err(Untouched::HeaderTooLong), "{line:?}");
    }
}

#[test]
fn long_headers() {
    let fits = format!("A: {}\nContent-Type: text/html\n", "x".repeat(MAX_HEADER - 28));
    assert_eq!(fits.len(), MAX_HEADER);
    assert_eq!(quick(&format!("{fits}\n<a>")).parts[0].verdict, Ok(()));
    let structure = quick(&format!("A{fits}\n<a>"));
    assert_eq!(structure.parts[0].verdict, Err(Untouched::HeaderTooLong));
    assert_eq!(structure.parts[0].body.len(), 3);
    for line in ["A: b\n", " \n", "Content-Type: multipart/mixed; boundary=b\n"] {
        let message = line.repeat((4 << 20) / line.len()) + "\n--b\n";
        assert_eq!(quick(&message).parts[0].verdict, Err(Untouched::HeaderTooLong), "{line:?}");
    }
    // As many fields as fit are read.
    for line in ["Content-Type: text/html; charset=x\n", "Content-Transfer-Encoding: 7bit\n"] {
        let message = line.repeat(MAX_HEADER / line.len()) + "Content-Type: text/html\n\n<a>";
        assert_eq!(quick(&message).parts.len(), 1, "{line:?}");
    }
}

#[test]
fn a_boundary_of_a_megabyte() {
    let boundary = "x".repeat(1 << 20);
    let message = format!("Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n\n");
    assert_eq!(quick(&message).parts[0].verdict, Err(Untouched::HeaderTooLong));
    let boundary = "x".repeat(1 << 17);
    let message = format!("Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n\n");
    assert_eq!(quick(&message).parts[0].verdict, Err(Untouched::Boundary));
}
