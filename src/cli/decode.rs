//! `openclick decode`: what tracking URLs carry, as lines of JSON.

use std::io::{self, BufReader, Write};

use clap::ArgMatches;
use openclick::{DecodeErrorKind, Decoder, TrackingDomain};
use serde::Serialize;

use super::exit::{Cause, Exit, Failure};
use super::job;
use super::lines::{LONGEST_LINE, Line, read_line};
use super::output::Output;
use super::sanitize::write_json_line;
use super::setting as s;
use super::settings::Settings;

/// How much of a line that was too long is shown.
const SHOWN: usize = 200;

/// A line of output for a URL that is not valid.
#[derive(Serialize)]
struct Refusal<'a> {
    error: Why<'a>,
    input: &'a str,
}

#[derive(Serialize)]
struct Why<'a> {
    /// A word for programs.
    kind: &'a str,
    /// A sentence for people.
    message: &'a str,
}

/// Reads the URLs of the command line or, where there are none, the lines of stdin.
pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let settings = Settings::gather(matches)?;
    let mut lines = Lines { decoder: decoder(&settings)?, output: Output::stdout(), total: 0, bad: 0 };
    match matches.get_many::<String>("url") {
        Some(urls) => urls.into_iter().try_for_each(|url| lines.decode(url))?,
        None => from_stdin(&mut lines)?,
    }
    let Lines { output, total, bad, .. } = lines;
    output.commit()?;
    match bad {
        0 => Ok(()),
        _ => Err(Failure::new(Exit::Data, format!("{bad} of {total} not valid"))),
    }
}

fn decoder(settings: &Settings) -> Result<Decoder, Failure> {
    let parse = |domain: &str, setting| {
        TrackingDomain::parse(domain).map_err(|error| settings.refuse(setting, error))
    };
    let domain = parse(job::tracking_domain(settings)?, &s::TRACKING_DOMAIN)?;
    let mut decoder = Decoder::new(job::key_ring(settings)?).tracking_domain(domain);
    for domain in settings.list(&s::ALSO_ACCEPT).into_iter().flatten() {
        decoder = decoder.also_accept(parse(domain, &s::ALSO_ACCEPT)?);
    }
    Ok(decoder)
}

struct Lines {
    decoder: Decoder,
    output: Output,
    total: u64,
    bad: u64,
}

impl Lines {
    fn decode(&mut self, url: &str) -> Result<(), Failure> {
        match self.decoder.decode(url) {
            Ok(token) => self.write(&token),
            Err(error) => self.refuse(word(error.kind()), &error.to_string(), url),
        }
    }

    fn refuse(&mut self, kind: &str, message: &str, input: &str) -> Result<(), Failure> {
        self.bad += 1;
        self.write(&Refusal { error: Why { kind, message }, input })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        self.total += 1;
        let output = &mut self.output;
        write_json_line(output, line).map_err(|error| Failure::writing(output.name(), &error))
    }
}

fn from_stdin(lines: &mut Lines) -> Result<(), Failure> {
    let mut stdin = BufReader::with_capacity(64 * 1024, io::stdin().lock());
    let mut line = Vec::new();
    loop {
        if stdin.buffer().is_empty() {
            // The next read may wait: whoever writes the lines one by one gets the answers one by one.
            lines.output.flush().map_err(|error| Failure::writing(lines.output.name(), &error))?;
        }
        match read_line(&mut stdin, &mut line) {
            Err(error) => {
                let why = format!("cannot read standard input: {}", Cause(&error));
                return Err(Failure::new(Exit::Io, why));
            }
            Ok(Line::End) => return Ok(()),
            Ok(Line::TooLong) => {
                let message = format!("the line has more than {LONGEST_LINE} bytes");
                let shown = String::from_utf8_lossy(&line[..SHOWN]);
                lines.refuse("too-long", &message, &shown)?;
            }
            Ok(Line::Whole) => {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
                if !text.is_empty() {
                    lines.decode(text)?;
                }
            }
        }
    }
}

fn word(kind: DecodeErrorKind) -> &'static str {
    match kind {
        DecodeErrorKind::NotOurHost => "not-our-host",
        DecodeErrorKind::BadCharacters => "bad-characters",
        DecodeErrorKind::Truncated => "truncated",
        DecodeErrorKind::UnknownVersion(_) => "unknown-version",
        DecodeErrorKind::UnknownKey(_) => "unknown-key",
        DecodeErrorKind::RetiredKey(_) => "retired-key",
        DecodeErrorKind::NotAuthentic => "not-authentic",
        DecodeErrorKind::Denied => "denied",
        DecodeErrorKind::Malformed => "malformed",
        _ => "refused",
    }
}
