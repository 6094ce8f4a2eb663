//! Rows to mail, on all threads; what comes back is in the order of the list.
//!
//! A window bounds what is under way: whoever reads the list waits until the oldest rows are told of.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::super::exit::{Exit, Failure};
use super::super::guarded;
use super::super::stop::Stop;
use super::journal::{Journal, Rows};
use super::letter::Letter;
use super::list::{List, Row};
use super::recipient::{Recipients, Wanted};
use super::sink::{Bench, Out, Sink, Undelivered};

/// What all threads share.
pub(super) struct Shop {
    pub(super) letter: Letter,
    pub(super) recipients: Recipients,
    pub(super) sink: Sink,
    pub(super) journal: Option<Journal>,
    /// What earlier runs did.
    pub(super) done: Rows,
    pub(super) stop: Stop,
    pub(super) threads: usize,
    pub(super) limit: Option<u64>,
    /// Why the run had to be stopped.
    pub(super) broken: Mutex<Option<Failure>>,
}

/// Rows, and where what became of them goes.
struct Task {
    rows: Vec<Row>,
    reply: SyncSender<Vec<Told>>,
}

/// What became of a row.
pub(super) struct Told {
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Done,
    /// It is done once it is on the disk.
    Written,
    /// It is rendered, and to be written in its order.
    Piece(Vec<u8>),
    Unsubscribed,
    Failed {
        why: String,
        is_temporary: bool,
    },
}

/// What whoever counts hears, in the order of the list.
pub(super) enum Event {
    Told(Vec<Told>),
    /// So many bytes of the list were read, and so many of the rows in them were done before.
    Read {
        bytes: u64,
        done_before: u64,
    },
}

impl Shop {
    /// Does all rows of a list, read and heard of in turn in this thread.
    ///
    /// # Errors
    /// If the list cannot be read to its end; what was read of it is done.
    pub(super) fn run(&self, mut list: List, mut hear: impl FnMut(Event)) -> Result<(), Failure> {
        let window = self.threads * if self.sink.batch() == 1 { 16 } else { 4 };
        // It has room for the whole window: nobody waits to hand a task in.
        let (tasks, taken) = sync_channel::<Task>(window);
        let taken = Mutex::new(taken);
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| self.work(&taken));
            }
            let mut pending: VecDeque<Receiver<Vec<Told>>> = VecDeque::new();
            let (mut begun, mut is_end, mut position) = (0, false, 0);
            let mut ended = Ok(());
            loop {
                while !is_end && pending.len() < window && !self.stop.is_set() {
                    let (mut rows, mut done_before) = (Vec::new(), 0);
                    let read = self.batch(&mut list, &mut begun, &mut rows, &mut done_before);
                    hear(Event::Read { bytes: list.position() - position, done_before });
                    position = list.position();
                    is_end = rows.is_empty() || read.is_err();
                    if read.is_err() {
                        ended = read;
                    }
                    let (reply, told) = sync_channel(1);
                    if !rows.is_empty() && tasks.send(Task { rows, reply }).is_ok() {
                        pending.push_back(told);
                    }
                }
                let Some(told) = pending.pop_front() else { break };
                // A thread that is gone has told of itself.
                if let Ok(told) = told.recv() {
                    hear(Event::Told(told));
                }
            }
            drop(tasks);
            ended
        })
    }

    /// The next rows that are not done yet, and how many between them are. None at the end.
    fn batch(
        &self,
        list: &mut List,
        begun: &mut u64,
        rows: &mut Vec<Row>,
        done_before: &mut u64,
    ) -> Result<(), Failure> {
        while rows.len() < self.sink.batch() && self.limit.is_none_or(|limit| *begun < limit) {
            let Some(row) = list.next()? else { break };
            if self.done.has(row.number) {
                *done_before += 1;
                if done_before.is_multiple_of(4096) && self.stop.is_set() {
                    break;
                }
                continue;
            }
            *begun += 1;
            rows.push(row);
        }
        Ok(())
    }

    /// Takes tasks until there are no more; once the run is to stop it does none.
    fn work(&self, tasks: &Mutex<Receiver<Task>>) {
        let (mut bench, mut mail) = (Bench::default(), Vec::new());
        loop {
            // Nothing can fail while the lock is held.
            let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Task { rows, reply }) = task else { return };
            let mut told = Vec::with_capacity(rows.len());
            for row in rows {
                if self.stop.is_set() {
                    break;
                }
                let outcome = self.row(&row, &mut bench, &mut mail);
                told.push(Told { row: row.number, line: row.line, outcome });
            }
            let _ = reply.send(told);
        }
    }

    fn row(&self, row: &Row, bench: &mut Bench, mail: &mut Vec<u8>) -> Outcome {
        let done = guarded(|| Ok(self.attempt(row, bench, mail)));
        done.unwrap_or_else(|failure| {
            // Nobody knows how far it came.
            *bench = Bench::default();
            Outcome::Failed { why: failure.text().to_owned(), is_temporary: false }
        })
    }

    fn attempt(&self, row: &Row, bench: &mut Bench, mail: &mut Vec<u8>) -> Outcome {
        let failed = |why| Outcome::Failed { why, is_temporary: false };
        let wanted = match self.recipients.read(row, &self.letter) {
            Ok(Wanted::Mail(wanted)) => wanted,
            Ok(Wanted::Unsubscribed) => return Outcome::Unsubscribed,
            Err(why) => return failed(why),
        };
        mail.clear();
        if let Err(error) = self.letter.template.render_to(&wanted.delivery, mail) {
            return failed(error.to_string());
        }
        match self.sink.deliver(bench, row.number, &wanted.address, mail, &self.stop) {
            Ok(Out::Piece(piece)) => Outcome::Piece(piece),
            Ok(Out::Written) => Outcome::Written,
            Ok(Out::Delivered) => {
                if let Some(Err(failure)) = self.journal.as_ref().map(|journal| journal.done(row.number)) {
                    self.end_all(failure);
                }
                Outcome::Done
            }
            Err(Undelivered { why, is_temporary, ends_all }) => {
                if ends_all {
                    self.end_all(Failure::new(
                        Exit::Io,
                        format!("ended, since no other mail can go out: {why}"),
                    ));
                }
                Outcome::Failed { why, is_temporary }
            }
        }
    }

    /// Whether the run has to stop for a reason of its own.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The run is to stop, and this is why.
    pub(super) fn end_all(&self, failure: Failure) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        self.stop.set();
    }
}
