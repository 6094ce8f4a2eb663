//! The streaming writer and its sinks.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Write};
use std::rc::Rc;

use crate::support::{delivery, rewriter, stream};

const HTML: &[u8] = b"<!doctype html><title>t</title><body><p hidden>pre</p><a href=\"http://x.example/?a=1&amp;b=2\">x</a>\
    <!--[if mso]><v:rect href=http://v.example/></v:rect><![endif]--><a data-msys-clicktrack=0 href=http://y.example/>y</a></body>";

/// A sink that takes little at a time, is interrupted, and fails at some byte.
struct Sink {
    taken: Rc<RefCell<Vec<u8>>>,
    most: usize,
    fails_at: usize,
    interrupted: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let mut taken = self.taken.borrow_mut();
        if taken.len() >= self.fails_at {
            return Err(io::Error::new(ErrorKind::StorageFull, "full"));
        }
        let count = bytes.len().min(self.most).min(self.fails_at - taken.len());
        taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sink(most: usize, fails_at: usize) -> (Sink, Rc<RefCell<Vec<u8>>>) {
    let taken = Rc::new(RefCell::new(Vec::new()));
    (Sink { taken: taken.clone(), most, fails_at, interrupted: false }, taken)
}

fn whole() -> Vec<u8> {
    rewriter().rewrite_html(HTML, &delivery()).expect("a delivery").bytes
}

#[test]
fn slow_and_interrupted_sinks_get_everything() {
    for most in [1, 2, 3, 50] {
        let (sink, taken) = sink(most, usize::MAX);
        let mut writer = rewriter().html_writer(&delivery(), sink).expect("a delivery");
        for byte in HTML {
            assert_eq!(writer.write(&[*byte]).expect("a sink"), 1);
            writer.flush().expect("a sink");
        }
        writer.finish().expect("a sink");
        assert!(*taken.borrow() == whole());
    }
}

#[test]
fn a_failing_sink_is_an_error_at_every_byte() {
    let whole = whole();
    for fails_at in 0..whole.len() {
        let (sink, taken) = sink(7, fails_at);
        let mut writer = rewriter().html_writer(&delivery(), sink).expect("a delivery");
        let written = writer.write_all(HTML).and_then(|()| writer.flush());
        // Once it failed, it stays so.
        if written.is_err() {
            assert!(writer.write_all(b"x").is_err() && writer.flush().is_err());
        }
        assert!(writer.finish().is_err());
        assert!(taken.borrow().len() <= fails_at && whole.starts_with(&taken.borrow()));
    }
}

#[test]
fn dropping_writes_nothing_more() {
    let (sink, taken) = sink(100, usize::MAX);
    let mut writer = rewriter().html_writer(&delivery(), sink).expect("a delivery");
    writer.write_all(HTML).expect("a sink");
    let before = taken.borrow().len();
    drop(writer);
    assert_eq!(taken.borrow().len(), before);
}

#[test]
fn output_begins_before_the_input_ends() {
    let mut writer = rewriter().html_writer(&delivery(), Vec::new()).expect("a delivery");
    writer.write_all(b"<body>").expect("memory");
    for n in 0..2000 {
        writer.write_all(format!("<p>paragraph {n}</p>").as_bytes()).expect("memory");
    }
    assert!(writer.sink().len() > 20_000);
    assert!(writer.sink().starts_with(b"<body><div style=\"display:none"));
}

#[test]
fn an_empty_stream_is_an_empty_document() {
    let (streamed, report) = stream(rewriter(), &delivery(), std::iter::empty());
    let whole = rewriter().rewrite_html(b"", &delivery()).expect("a delivery");
    assert_eq!((streamed, report), (whole.bytes, whole.report));
}

#[test]
fn a_bad_delivery_is_an_error_before_the_first_byte() {
    let error = rewriter().html_writer(&openclick::Delivery::new(""), Vec::new()).unwrap_err();
    assert_eq!(error.kind(), openclick::ErrorKind::Delivery);
}
