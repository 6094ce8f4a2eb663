//! Quotes of a CSV that do not stand where RFC 4180 has them. The reader takes text behind a closing quote for more of the value:
//! a quote that is left open would then swallow the rows that follow, up to the next quoted value, and nobody would hear of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;

/// Where text stands behind a closing quote, as offsets of the list, in order.
pub(super) type Misplaced = Rc<RefCell<VecDeque<u64>>>;

/// Watches the bytes on their way to the reader.
pub(super) struct Watched<R> {
    inner: R,
    delimiter: u8,
    state: State,
    offset: u64,
    misplaced: Misplaced,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted value: it ends it, or escapes the next.
    Quote,
}

impl<R: Read> Watched<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> (Watched<R>, Misplaced) {
        let misplaced = Misplaced::default();
        let watched =
            Watched { inner, delimiter, state: State::FieldStart, offset: 0, misplaced: misplaced.clone() };
        (watched, misplaced)
    }

    fn watch(&mut self, bytes: &[u8]) {
        // A byte order mark is no value.
        let mark: &[u8] =
            if self.offset == 0 && bytes.starts_with(b"\xef\xbb\xbf") { &bytes[..3] } else { &[] };
        for (at, &byte) in bytes.iter().enumerate().skip(mark.len()) {
            let ends = byte == self.delimiter || matches!(byte, b'\n' | b'\r');
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) | (State::Quote, b'"') => State::Quoted,
                (State::FieldStart, b'"') => State::Quoted,
                (_, _) if ends => State::FieldStart,
                (State::Quote, _) => {
                    self.misplaced.borrow_mut().push_back(self.offset + at as u64);
                    State::Plain
                }
                _ => State::Plain,
            };
        }
        self.offset += bytes.len() as u64;
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.watch(&buffer[..length]);
        Ok(length)
    }
}
