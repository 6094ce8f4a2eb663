use std::io::Cursor;

use super::*;

/// Reads so many bytes at once.
fn read(bytes: &[u8], piece: u64) -> Vec<Vec<u8>> {
    let mut mbox = Mbox::new(Cursor::new(bytes));
    mbox.piece = piece;
    std::iter::from_fn(|| mbox.next().unwrap()).collect()
}

/// The naive way: all lines in memory, each judged from the whole file.
fn oracle(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut starts = vec![0];
    starts.extend(bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1));
    starts.retain(|start| *start < bytes.len());
    let is_from = |at: usize| bytes[at..].starts_with(b"From ") && (at == 0 || bytes[at - 1] == b'\n');
    let text = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to]).into_owned();
    let line_end = |at: usize| starts.iter().copied().find(|start| *start > at).unwrap_or(bytes.len());
    let separates = |at: usize| {
        let before = text(0, at).replace("\r\n", "\n");
        let line = text(at, line_end(at));
        let next = text(line_end(at), bytes.len().min(line_end(at) + 200));
        let name = next.split(':').next().unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name = name.trim_end_matches([' ', '\t']);
        let field = next.contains(':') && !name.is_empty() && name.len() <= 126 && name.chars().all(is_name);
        let date = ["Thu", "Jan", "00:00:00", "1970"]
            .iter()
            .all(|word| line.split_whitespace().any(|other| other == *word));
        let signs = [before.ends_with("\n\n") || before == "\n", date, field || next.starts_with(">From ")];
        is_from(at) && signs.into_iter().filter(|sign| *sign).count() >= 2
    };
    let mut messages = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let mut end =
            starts.iter().copied().find(|start| *start > at && separates(*start)).unwrap_or(bytes.len());
        // A Content-Length above the first blank line, if it leads to a separator or the end.
        let blank = starts.iter().copied().find(|start| {
            *start >= at && *start < end && matches!(&bytes[*start..line_end(*start)], b"\n" | b"\r\n")
        });
        if let Some(blank) = blank {
            let header = text(at, blank).to_ascii_lowercase();
            let lengths: Vec<_> =
                header.lines().filter_map(|line| line.strip_prefix("content-length")).collect();
            let length =
                lengths.first().and_then(|line| line.trim().strip_prefix(':')?.trim().parse::<usize>().ok());
            if let (1, Some(length)) = (lengths.len(), length) {
                let mut to = line_end(blank).saturating_add(length);
                for _ in 0..=2 {
                    if to == bytes.len() || to < bytes.len() && separates(to) {
                        end = to;
                        break;
                    }
                    let rest = bytes.get(to..).unwrap_or_default();
                    to += if rest.starts_with(b"\r\n") {
                        2
                    } else if rest.starts_with(b"\n") {
                        1
                    } else {
                        break;
                    };
                }
            }
        }
        messages.push(bytes[at..end].to_vec());
        at = end;
    }
    messages
}

const DATE: &str = "From a@b.example Thu Jan  1 00:00:00 1970";

fn cases() -> Vec<(String, usize)> {
    let plain = format!("{DATE}\nA: 1\n\nx\n\n{DATE}\nB: 2\n\ny\n\n");
    vec![
        (String::new(), 0),
        ("\n".into(), 1),
        (plain.clone(), 2),
        (plain.trim_end().to_owned(), 2),
        // Nothing in front, a blank line in front, a message without its line in front.
        (format!("\n\n{plain}"), 3),
        (format!("A: 0\n\nz\n\n{plain}"), 3),
        ("From".into(), 1),
        ("From ".into(), 1),
        (DATE.to_string(), 1),
        // Prose: quoted, unquoted, behind a blank line, before something like a field.
        (format!("{DATE}\nA: 1\n\n>From x\nFrom now on,\nall.\n\nFrom now on,\nall.\n\n{DATE}\nB: 2\n\n"), 2),
        (format!("{DATE}\nA: 1\n\nFrom now on:\nall: x\n"), 2),
        (format!("{DATE}\nA: 1\n\nx\nFrom now on:\nall: x\n"), 1),
        // No blank line before, no header behind, both.
        (format!("{DATE}\nA: 1\n\nx\n{DATE}\nB: 2\n\ny"), 2),
        (format!("{DATE}\nA: 1\n\nx\n\n{DATE}\n\ny"), 2),
        (format!("{DATE}\nA: 1\n\nx\n{DATE}\n\ny"), 1),
        (format!("{DATE}\n>From a\nA: 1\n\nx\n{DATE}\n>From b\nB: 2\n\n"), 2),
        // Inside a header.
        (format!("{DATE}\nA: 1\n{DATE}\nB: 2\n\ny"), 2),
        (format!("{DATE}\n{DATE}\n{DATE}\nB: 2\n\ny"), 2),
        // Lengths: right, with the blank line in it or not, to the end, past the end, wrong, twice, no number.
        (format!("{DATE}\nContent-Length: 63\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 3),
        (format!("{DATE}\nContent-Length: 51\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 2),
        (format!("{DATE}\ncontent-length :50\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 2),
        (format!("{DATE}\nContent-Length: 50\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 2),
        (format!("{DATE}\nContent-Length: 49\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 2),
        (format!("{DATE}\nContent-Length: 48\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 3),
        (format!("{DATE}\nContent-Length: 52\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 3),
        (format!("{DATE}\nContent-Length: 99\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"), 1),
        (format!("{DATE}\nContent-Length: 999999\n\nx\n\n{DATE}\nC: 3\n\n"), 2),
        (format!("{DATE}\nContent-Length: 18446744073709551615\n\nx\n\n{DATE}\nC: 3\n\n"), 2),
        (
            format!(
                "{DATE}\nContent-Length: 50\nContent-Length: 50\n\n{DATE}\nB: 2\n\nx\n\n{DATE}\nC: 3\n\n"
            ),
            3,
        ),
        (format!("{DATE}\nContent-Length: -1\n\nx\n\n{DATE}\nC: 3\n\n"), 2),
        (format!("{DATE}\nContent-Length: 0\n\n{DATE}\nC: 3\n\n"), 2),
        (format!("{DATE}\nA: \0\u{fffd}\r\n\rx\n\n\n\n\n{DATE}\nC: 3\n\n"), 2),
    ]
}

#[test]
fn as_the_oracle_at_every_split() {
    for (text, _) in cases() {
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let bytes = text.as_bytes();
            let expected = oracle(bytes);
            assert_eq!(expected.concat(), bytes);
            for piece in 1..=bytes.len().max(1) as u64 {
                assert_eq!(read(bytes, piece), expected, "{piece} {text:?}");
            }
        }
    }
}

#[test]
fn how_many_there_are() {
    for (text, count) in cases() {
        let messages = read(text.as_bytes(), 1000);
        assert_eq!(messages.len(), count, "{text:?}");
    }
}

#[test]
fn random_mboxes_as_the_oracle() {
    const PIECES: [&str; 12] = [
        "\n",
        "\r\n",
        "\n\n",
        DATE,
        "From x\n",
        "A: 1\n",
        ">From y\n",
        "Content-Length: 9\n",
        "Content-Length: 55\n",
        "text\n",
        "From ",
        "\r",
    ];
    // A fixed sequence: xorshift.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..3_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(PIECES[(state % PIECES.len() as u64) as usize]);
        }
        let expected = oracle(text.as_bytes());
        assert_eq!(read(text.as_bytes(), 1 + state % 40), expected, "{text:?}");
    }
}

#[test]
fn long_lines_and_messages_cross_many_reads() {
    let long = "x".repeat(3 * CHUNK);
    let text = format!("{DATE}\nA: 1\n\n{long}\n\n{DATE} {long}\nB: 2\n\n{DATE}\nC: {long}\n\n");
    let messages = read(text.as_bytes(), 1000);
    assert_eq!(messages.concat(), text.as_bytes());
    // The line of the second is too long for a look at what follows; a blank line and its date are enough.
    assert_eq!(messages.len(), 3);
}

#[test]
fn a_big_mbox_is_not_held() {
    let message = format!("{DATE}\nA: 1\n\n{}\n\n", "x".repeat(10_000));
    let text = message.repeat(500);
    let mut mbox = Mbox::new(Cursor::new(text.as_bytes()));
    let mut count = 0;
    while let Some(found) = mbox.next().unwrap() {
        assert_eq!(found, message.as_bytes());
        assert!(mbox.buffer.capacity() <= 4 * CHUNK);
        count += 1;
    }
    assert_eq!(count, 500);
}

#[test]
fn tails() {
    for (message, tail) in [
        ("", ""),
        ("x", ""),
        ("x\n", "\n"),
        ("x\n\n", "\n\n"),
        ("x\n\n\n", "\n\n"),
        ("x\r\n\r\n", "\r\n\r\n"),
        ("\n", "\n"),
    ] {
        let (body, found) = split_tail(message.as_bytes());
        assert_eq!(found, tail.as_bytes());
        assert_eq!([body, found].concat(), message.as_bytes());
    }
}
