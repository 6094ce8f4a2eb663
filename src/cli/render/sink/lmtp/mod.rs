//! LMTP (RFC 2033), to a server of this machine: who may send to others is an MTA's to decide.

mod connection;
mod place;

use std::thread;
use std::time::{Duration, Instant};

use self::connection::{Broken, Connection, Reply};
pub(in super::super) use self::place::Place;
use super::super::super::stop::Stop;
use super::Undelivered;

/// The client.
pub(in super::super) struct Lmtp {
    place: Place,
    sender: String,
    /// How often what is refused for now is tried again.
    retries: u8,
}

/// A connection with its greetings exchanged.
pub(super) struct Session {
    connection: Connection,
    takes_8bit: bool,
}

/// The first wait before another try; it doubles.
const WAIT: Duration = Duration::from_millis(250);

/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why one try came to nothing.
enum Failed {
    /// The server said no to this mail.
    Refused(Reply),
    /// There is no server to talk to.
    Gone(Broken),
    /// The mail was handed over whole, and no answer came.
    Unknown(Broken),
    /// The server cannot take such mail.
    Unfit(&'static str),
}

impl Lmtp {
    pub(in super::super) fn new(place: Place, sender: String, retries: u8) -> Lmtp {
        Lmtp { place, sender, retries }
    }

    /// Hands a mail over, over the connection that the thread has.
    pub(super) fn deliver(
        &self,
        session: &mut Option<Session>,
        address: &str,
        mail: &[u8],
        stop: &Stop,
    ) -> Result<(), Undelivered> {
        let mut wait = WAIT;
        let mut left = self.retries;
        loop {
            let was_open = session.is_some();
            let failed = match self.attempt(session, address, mail) {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            let (undelivered, is_free) = match failed {
                Failed::Refused(reply) if !reply.is_temporary() => {
                    return Err(Undelivered::ever(reply.to_string()));
                }
                Failed::Unfit(why) => return Err(Undelivered::ever(why)),
                Failed::Unknown(broken) => {
                    *session = None;
                    let why = format!("it may have been delivered: no answer came to the mail: {broken}");
                    return Err(Undelivered::now(why));
                }
                Failed::Refused(reply) => {
                    if reply.ends_session() {
                        *session = None;
                    }
                    (Undelivered::now(reply.to_string()), false)
                }
                Failed::Gone(broken) => {
                    // Where no connection came about, none will for others.
                    let ends_all = session.take().is_none();
                    let why = format!("LMTP {}: {broken}", self.place);
                    // A server may close a connection that it has had for long: that is no failed try.
                    (Undelivered { why, is_temporary: true, ends_all }, was_open)
                }
            };
            if !is_free {
                if left == 0 || !sleep(wait, stop) {
                    return Err(undelivered);
                }
                left -= 1;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }

    fn attempt(&self, session: &mut Option<Session>, address: &str, mail: &[u8]) -> Result<(), Failed> {
        let session = match session {
            Some(session) => session,
            None => session.insert(self.open()?),
        };
        let is_8bit = !mail.is_ascii();
        if is_8bit && !session.takes_8bit {
            return Err(Failed::Unfit("the message is 8bit, and the server takes no 8BITMIME"));
        }
        let body = if is_8bit { " BODY=8BITMIME" } else { "" };
        let connection = &mut session.connection;
        connection.ask(&format!("MAIL FROM:<{}>{body}", self.sender), 250)?;
        for (line, expected) in [(format!("RCPT TO:<{address}>"), 25), ("DATA".to_owned(), 354)] {
            if let Err(failed) = connection.ask(&line, expected) {
                if let Failed::Refused(reply) = &failed
                    && !reply.ends_session()
                {
                    // The transaction is open still.
                    connection.ask("RSET", 250).map_err(|_| Failed::Refused(reply.clone()))?;
                }
                return Err(failed);
            }
        }
        // RFC 2033, section 4.2: one reply for each recipient, here one.
        connection.send_mail(mail).map_err(Failed::Gone)?;
        let reply = connection.reply_to_mail().map_err(Failed::Unknown)?;
        if reply.is_done() { Ok(()) } else { Err(Failed::Refused(reply)) }
    }

    fn open(&self) -> Result<Session, Failed> {
        let mut connection = self.place.connect().map_err(|error| Failed::Gone(Broken::Io(error)))?;
        let greeting = connection.reply().map_err(Failed::Gone)?;
        if greeting.code != 220 {
            return Err(Failed::Gone(Broken::Said(greeting)));
        }
        let hello = connection.ask("LHLO localhost", 250).map_err(|failed| match failed {
            Failed::Refused(reply) => Failed::Gone(Broken::Said(reply)),
            failed => failed,
        })?;
        Ok(Session { takes_8bit: hello.has_extension("8BITMIME"), connection })
    }
}

impl Connection {
    /// Sends a line and wants a reply that begins with these digits.
    fn ask(&mut self, line: &str, expected: u16) -> Result<Reply, Failed> {
        self.send_line(line).map_err(Failed::Gone)?;
        let reply = self.reply().map_err(Failed::Gone)?;
        // RCPT may say 250 or 251.
        match reply.code == expected || reply.code / 10 == expected {
            true => Ok(reply),
            false => Err(Failed::Refused(reply)),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.quit();
    }
}

/// Waits; `false` if the run is to stop.
fn sleep(wait: Duration, stop: &Stop) -> bool {
    let until = Instant::now() + wait;
    while !stop.is_set() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(Duration::from_millis(50)));
    }
    false
}
