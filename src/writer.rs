//! The streaming face: a writer that rewrites what passes.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use crate::charset::{Charset, enough_to_sniff, sniff};
use crate::error::Result;
use crate::html::{Scan, Source};
use crate::options::Delivery;
use crate::plan::Planner;
use crate::report::{Report, Status};
use crate::rewriter::{Shared, passed_through};

/// Small writes are gathered up to this much before they are read.
const GATHER: usize = 4 * 1024;

/// The walk is fed at most so much at once, whatever the caller writes, which bounds what is held.
const SLICE: usize = 16 * 1024;

/// Rewrites HTML while it is written; made by [`Rewriter::html_writer`](crate::Rewriter::html_writer).
///
/// Output follows input as soon as it is decided. Held back are at most: the first 1,024 bytes (the
/// charset, unless [`Options::charset`](crate::Options::charset) names it), 16 KiB from the start of the body (a hidden preheader), one tag or comment (up to
/// 1 MiB), and under [`VisibleUrl::Leave`](crate::VisibleUrl::Leave) 2,048 bytes after a link. The
/// output is the same for any split of the input.
///
/// # Examples
/// See [`Rewriter::html_writer`](crate::Rewriter::html_writer).
///
/// # Errors
/// An error of the sink comes back from `write`, `flush` or `finish`. An unknown part of the output
/// was written then, and every later call fails.
///
/// # Panics
/// Never.
///
/// # Limitations
/// [`HtmlWriter::finish`] must be called: dropping the writer writes nothing more, since half a mail
/// must not look whole. A stream cannot know that the document was rewritten before; it recognises
/// own links and own pixels as they pass, so the result is the same but where links opted out.
pub struct HtmlWriter<W: Write> {
    sink: W,
    /// Input not yet written out, from `base` on.
    buffer: Vec<u8>,
    base: usize,
    /// How much of the buffer the walk has not been shown.
    fresh: usize,
    state: State,
    received: u64,
    written: u64,
    failed: bool,
}

enum State {
    /// Waiting for the bytes that tell the charset.
    Start(Arc<Shared>, Box<Delivery>),
    Scanning(Box<(Scan, Planner)>),
    /// Everything passes through.
    Through(Charset),
}

impl<W: Write> HtmlWriter<W> {
    pub(crate) fn new(shared: Arc<Shared>, delivery: Delivery, sink: W) -> Result<HtmlWriter<W>> {
        // Whatever is wrong with the delivery must come out before the first byte goes in.
        Planner::new(shared.clone(), delivery.clone(), Charset::Unknown, false)?;
        Ok(HtmlWriter {
            sink,
            buffer: Vec::new(),
            base: 0,
            fresh: 0,
            state: State::Start(shared, Box::new(delivery)),
            received: 0,
            written: 0,
            failed: false,
        })
    }

    /// Ends the document: writes what was held back, flushes the sink and gives it back with the
    /// report.
    ///
    /// # Errors
    /// If the sink fails, now or before. It is dropped then.
    pub fn finish(mut self) -> io::Result<(W, Report)> {
        self.check()?;
        self.advance(true)?;
        self.sink.flush()?;
        let report = match self.state {
            State::Scanning(scanning) => scanning.1.finish(self.received, self.written),
            State::Through(charset) => passed_through(Status::Charset, charset, self.received),
            State::Start(..) => Report::default(),
        };
        Ok((self.sink, report))
    }

    /// The sink.
    pub fn sink(&self) -> &W {
        &self.sink
    }

    fn check(&self) -> io::Result<()> {
        match self.failed {
            true => Err(io::Error::other("an earlier write failed")),
            false => Ok(()),
        }
    }

    /// Reads what is new and writes what is decided.
    fn advance(&mut self, last: bool) -> io::Result<()> {
        if let State::Start(shared, _) = &self.state {
            if !last && !enough_to_sniff(&self.buffer, shared.settings.charset) {
                return Ok(());
            }
            self.start()?;
        }
        let mut out = Counted { sink: &mut self.sink, count: 0 };
        let result = match &mut self.state {
            State::Scanning(scanning) => {
                let (scan, planner) = &mut **scanning;
                let source = Source { bytes: &self.buffer, base: self.base };
                scan.advance(source, last, planner);
                let stopped = scan.stopped_at().is_some();
                planner.advance(source, scan.settled(), last || stopped);
                let settled =
                    if stopped || last { source.end() } else { scan.settled().min(planner.settled()) };
                planner.edits.write(&self.buffer, self.base, settled, &mut out)
            }
            _ => out.write_all(&self.buffer),
        };
        self.written += out.count;
        self.failed |= result.is_err();
        result?;
        let keep = match &self.state {
            State::Scanning(scanning) => scanning.1.edits.done() - self.base,
            _ => self.buffer.len(),
        };
        self.buffer.drain(..keep);
        self.base += keep;
        self.fresh = 0;
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        let State::Start(shared, delivery) = &self.state else { return Ok(()) };
        let (charset, mark) = sniff(&self.buffer, shared.settings.charset);
        self.state = match charset {
            Charset::Unscannable(_) => State::Through(charset),
            _ => {
                let planner = Planner::new(shared.clone(), (**delivery).clone(), charset, false)
                    .map_err(io::Error::other)?;
                let reader = shared.settings.reader();
                State::Scanning(Box::new((Scan::new(mark, planner.walk_settings(), reader), planner)))
            }
        };
        Ok(())
    }
}

impl<W: Write> Write for HtmlWriter<W> {
    /// Takes all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        for slice in bytes.chunks(SLICE) {
            self.buffer.extend_from_slice(slice);
            self.received += slice.len() as u64;
            self.fresh += slice.len();
            if self.fresh >= GATHER {
                self.advance(false)?;
            }
        }
        Ok(bytes.len())
    }

    /// Writes what is decided and flushes the sink; what must be held back stays back.
    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        self.advance(false)?;
        self.sink.flush()
    }
}

impl<W: Write> fmt::Debug for HtmlWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtmlWriter")
            .field("received", &self.received)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// Counts what goes through.
struct Counted<'a, W> {
    sink: &'a mut W,
    count: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.sink.write(bytes)?;
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
