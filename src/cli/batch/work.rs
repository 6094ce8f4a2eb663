//! The work on one file, which any thread does, and on one mbox, whose messages are spread over all threads.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use openclick::{Delivery, Rewriter, Rewritten};
use serde::Serialize;

use super::super::exit::{Cause, Exit, Failure};
use super::super::guarded;
use super::super::input::{CHUNK, Format, is_message, looks_like_html};
use super::super::job;
use super::super::output::Output;
use super::super::settings::Settings;
use super::super::stop::Stop;
use super::super::summary::{FileReport, counted};
use super::mbox::{Mbox, is_mail, split_tail};
use super::plan::{Item, Kind, extension};
use super::report::{Report, failed_line, line};
use super::tally::{Tally, Verdict};

/// What all threads share.
pub(super) struct Shop<'a> {
    pub(super) settings: &'a Settings,
    pub(super) rewriter: Rewriter,
    /// Of messages, which say themselves whose they are.
    pub(super) delivery: Delivery,
    pub(super) format: Format,
    /// A mail that fails is written as it was.
    pub(super) pass: bool,
    pub(super) report: Option<Report>,
    pub(super) stop: Stop,
    pub(super) threads: usize,
}

/// What a thread takes.
pub(super) enum Task<'a> {
    File(&'a Item),
    /// A message of an mbox, and where its outcome goes.
    Mail(&'a Item, u64, Vec<u8>, SyncSender<Mail>),
}

/// What happened, for whoever counts and tells.
pub(super) enum Event<'a> {
    /// One message: how many bytes it had, and why it failed.
    Mail { item: &'a Item, number: u64, bytes: u64, failure: Option<Failure> },
    /// A file is written, or why not, and what became of its messages.
    File { item: &'a Item, bytes: u64, failure: Option<Failure>, tally: Tally, note: Option<&'static str> },
}

/// One message and its outcome.
pub(super) struct Mail {
    number: u64,
    input: Vec<u8>,
    result: Result<(Vec<u8>, Verdict), Failure>,
    made_id: bool,
    line: Option<Vec<u8>>,
}

/// How the work on a file ended that did not fail.
enum Ending {
    /// Its output has its name. What it is found to be, if that is no mail.
    Written(Option<&'static str>),
    /// The run is to stop: what was written of it is gone.
    Stopped,
}

#[derive(Serialize)]
struct Copied {
    copied: &'static str,
}

/// What a file is found to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Html,
    Message,
    Neither,
}

/// A file as it is being read.
struct Source {
    file: File,
    metadata: Metadata,
}

impl<'a> Shop<'a> {
    /// Takes tasks until there are no more; once the run is to stop it does none.
    pub(super) fn work(&self, tasks: &Mutex<Receiver<Task<'a>>>, events: &SyncSender<Event<'a>>) {
        loop {
            // Nothing can fail while the lock is held.
            let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match task {
                // The others wait until what they sent is taken.
                Ok(_) if self.stop.is_set() => {}
                Ok(Task::File(item)) => self.file(item, events),
                Ok(Task::Mail(item, number, bytes, reply)) => {
                    // Nobody waits for it any more where its mbox failed.
                    let _ = reply.send(self.mail(item, number, bytes, Look::Message));
                }
                Err(_) => return,
            }
        }
    }

    /// A file that is one document.
    fn file(&self, item: &'a Item, events: &SyncSender<Event<'a>>) {
        let mut tally = Tally::default();
        let mut told = 0;
        let ended = guarded(|| {
            let Source { mut file, metadata } = open(item)?;
            let mut input = Vec::new();
            let look = self.look(item, &mut file, &mut input)?;
            let mut output = Output::like(&item.output, &metadata, item.kind == Kind::Maildir)?;
            if look == Look::Neither {
                copy(item, &input, &mut file, &mut output)?;
                return self.commit(item, output, Some(tally.count_foreign(input.is_empty())));
            }
            file.read_to_end(&mut input).map_err(|error| reading(&error))?;
            let mail = self.mail(item, 1, input, look);
            let Some(bytes) = self.settle(item, mail, &mut tally, &mut told, events) else {
                return Err(Failure::new(Exit::Check, "not written: its message failed"));
            };
            output.write_all(&bytes).map_err(|error| Failure::writing(output.name(), &error))?;
            self.commit(item, output, None)
        });
        self.end(item, ended, tally, told, events);
    }

    /// Mboxes, one after the other; their messages go to all threads and come back in their order.
    pub(super) fn mboxes(
        &self,
        items: impl Iterator<Item = &'a Item>,
        tasks: &SyncSender<Task<'a>>,
        events: &SyncSender<Event<'a>>,
    ) {
        for item in items {
            let mut tally = Tally::default();
            let mut told = 0;
            let ended = guarded(|| self.mbox(item, &mut tally, &mut told, tasks, events));
            if !self.end(item, ended, tally, told, events) {
                return;
            }
        }
    }

    fn mbox(
        &self,
        item: &'a Item,
        tally: &mut Tally,
        told: &mut u64,
        tasks: &SyncSender<Task<'a>>,
        events: &SyncSender<Event<'a>>,
    ) -> Result<Ending, Failure> {
        let Source { file, metadata } = open(item)?;
        let mut pieces = Mbox::new(file);
        let mut output = Output::like(&item.output, &metadata, false)?;
        // Twice the threads: a long message at the front must not keep the others from working.
        let most = 2 * self.threads;
        let mut pending: VecDeque<(Option<Receiver<Mail>>, Vec<u8>)> = VecDeque::new();
        let (mut number, mut is_start, mut is_end) = (0, true, false);
        loop {
            while !is_end && pending.len() < most {
                if self.stop.is_set() {
                    return Ok(Ending::Stopped);
                }
                let Some(mut piece) = pieces.next().map_err(|error| reading(&error))? else {
                    is_end = true;
                    break;
                };
                if std::mem::take(&mut is_start) && !is_mail(&piece) {
                    // What stands before the first message comes out as it is.
                    pending.push_back((None, piece));
                    continue;
                }
                number += 1;
                let tail = piece.split_off(split_tail(&piece).0.len());
                let (reply, outcome) = sync_channel(1);
                if tasks.send(Task::Mail(item, number, piece, reply)).is_err() {
                    return Ok(Ending::Stopped);
                }
                pending.push_back((Some(outcome), tail));
            }
            let Some((outcome, tail)) = pending.pop_front() else { break };
            let mut bytes = Vec::new();
            if let Some(outcome) = outcome {
                let Ok(mail) = outcome.recv() else { return Ok(Ending::Stopped) };
                bytes = self.settle(item, mail, tally, told, events).unwrap_or_default();
            }
            let written = output.write_all(&bytes).and_then(|()| output.write_all(&tail));
            written.map_err(|error| Failure::writing(output.name(), &error))?;
        }
        if tally.failed > 0 && !self.pass {
            return Err(Failure::new(
                Exit::Check,
                format!(
                    "not written: {} of its {} failed",
                    tally.failed,
                    counted(tally.messages(), "message")
                ),
            ));
        }
        self.commit(item, output, (number == 0).then(|| tally.count_foreign(is_start)))
    }

    /// Gives an output its name, once the report has all that is told of it.
    fn commit(&self, item: &Item, output: Output, note: Option<&'static str>) -> Result<Ending, Failure> {
        if let Some(report) = &self.report {
            if let Some(copied) = note {
                report.write(&line(&item.input, None, Copied { copied }));
            }
            if !report.keep() {
                return Ok(Ending::Stopped);
            }
        }
        output.commit_one_of_many()?;
        Ok(Ending::Written(note))
    }

    /// Counts and tells what became of a message: the bytes to write, if there are any.
    fn settle(
        &self,
        item: &'a Item,
        mail: Mail,
        tally: &mut Tally,
        told: &mut u64,
        events: &SyncSender<Event<'a>>,
    ) -> Option<Vec<u8>> {
        let length = mail.input.len() as u64;
        *told += length;
        let (bytes, failure) = match mail.result {
            Ok((bytes, verdict)) => {
                tally.count(verdict);
                tally.made_ids += u64::from(mail.made_id);
                (Some(bytes), None)
            }
            Err(failure) => {
                tally.failed += 1;
                (self.pass.then_some(mail.input), Some(failure))
            }
        };
        self.tell(mail.line);
        let _ = events.send(Event::Mail { item, number: mail.number, bytes: length, failure });
        bytes
    }

    /// Counts and tells how the work on a file ended; `false` if it was stopped.
    fn end(
        &self,
        item: &'a Item,
        ended: Result<Ending, Failure>,
        tally: Tally,
        told: u64,
        events: &SyncSender<Event<'a>>,
    ) -> bool {
        let (failure, note) = match ended {
            Ok(Ending::Written(note)) => (None, note),
            Ok(Ending::Stopped) => {
                if tally.messages() > 0 {
                    self.tell(Some(failed_line(&item.input, None, "not written: stopped")));
                }
                return false;
            }
            Err(failure) => {
                self.tell(Some(failed_line(&item.input, None, failure.text())));
                if let Some(report) = &self.report {
                    // Where another run made the output no later run could know that it is not this one's.
                    report.flush();
                }
                (Some(failure), None)
            }
        };
        let tally = if failure.is_some() { tally.without_output() } else { tally };
        let bytes = item.length.saturating_sub(told);
        let _ = events.send(Event::File { item, bytes, failure, tally, note });
        true
    }

    /// Writes a line of the report; a report that is broken stops the run by itself.
    fn tell(&self, line: Option<Vec<u8>>) {
        if let (Some(report), Some(line)) = (&self.report, line) {
            report.write(&line);
        }
    }

    /// What a file is, by its name or its look; as much of it is read.
    fn look(&self, item: &Item, file: &mut File, start: &mut Vec<u8>) -> Result<Look, Failure> {
        match (self.format, item.kind) {
            (Format::Html, _) => return Ok(Look::Html),
            (Format::Message, _) | (_, Kind::Maildir) => return Ok(Look::Message),
            (Format::Auto, _) => {}
        }
        match extension(&item.input).as_str() {
            "html" | "htm" | "xhtml" => return Ok(Look::Html),
            "eml" => return Ok(Look::Message),
            _ => {}
        }
        file.take(CHUNK as u64).read_to_end(start).map_err(|error| reading(&error))?;
        Ok(match () {
            () if is_message(start, start.len() < CHUNK) == Some(true) => Look::Message,
            () if looks_like_html(start) => Look::Html,
            () => Look::Neither,
        })
    }

    fn mail(&self, item: &Item, number: u64, input: Vec<u8>, look: Look) -> Mail {
        let mut made = None;
        let rewritten = guarded(|| self.rewrite(&input, look, &mut made));
        let line = self.report.as_ref().map(|_| match &rewritten {
            Ok(rewritten) => {
                let report = &rewritten.report;
                line(&item.input, Some(number), FileReport { message_id: made.as_deref(), report })
            }
            Err(failure) => failed_line(&item.input, Some(number), failure.text()),
        });
        let result = rewritten.map(|rewritten| {
            let verdict = Verdict::of(&rewritten.report);
            (rewritten.bytes, verdict)
        });
        Mail { number, input, result, made_id: made.is_some(), line }
    }

    fn rewrite(&self, input: &[u8], look: Look, made: &mut Option<String>) -> Result<Rewritten, Failure> {
        if look == Look::Message {
            return Ok(self.rewriter.rewrite_message(input, &self.delivery)?);
        }
        let id = made.insert(job::random_id()?);
        let delivery = job::delivery(self.settings, id, &self.rewriter)?;
        Ok(self.rewriter.rewrite_html(input, &delivery)?)
    }
}

/// Copies what was read of a file and the rest of it.
fn copy(item: &Item, start: &[u8], file: &mut File, output: &mut Output) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::writing(item.output.display(), &error);
    output.write_all(start).map_err(failed)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => output.write_all(&buffer[..length]).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(reading(&error)),
        }
    }
}

fn open(item: &Item) -> Result<Source, Failure> {
    let opened = File::open(&item.input).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = opened.map_err(|error| Failure::new(Exit::NoInput, Cause(&error).to_string()))?;
    Ok(Source { file, metadata })
}

fn reading(error: &io::Error) -> Failure {
    Failure::new(Exit::NoInput, format!("cannot read it: {}", Cause(error)))
}
