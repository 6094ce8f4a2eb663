//! `openclick preview --serve`: the page from a server on this machine, fresh whenever the file changes.
//!
//! It listens on the loopback alone. A page of another site can make a browser ask it all the same, under a name that leads
//! here (DNS rebinding) or from afar: Host, Origin and Sec-Fetch-Site must be this server's own.

mod http;
mod paste;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::ArgMatches;

use self::http::{Answer, Request};
use self::watch::Watch;
use super::super::exit::{Cause, Exit, Failure, say};
use super::super::guarded;
use super::super::input::is_stdin;
use super::super::stop::Stop;
use super::look::{Look, Looker};
use super::page::{self, Page};

/// Connections at one time, and how many of them may wait for events.
const MOST_CONNECTIONS: usize = 64;
const MOST_WAITING: usize = 16;

/// How often the file is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// How often somebody who waits for events hears of something.
const BEAT: Duration = Duration::from_secs(15);

/// How often it is looked whether somebody still waits: a page that is reloaded takes a place each time.
const GLANCE: Duration = Duration::from_secs(1);

/// All that the connections share.
struct Server {
    looker: Looker,
    load_remote: bool,
    port: u16,
    file: Option<String>,
    state: Mutex<State>,
    changed: Condvar,
    connections: AtomicUsize,
    waiting: AtomicUsize,
}

/// What is shown now.
struct State {
    look: Option<Arc<Look>>,
    /// Grows with every change.
    version: u64,
    /// Why the file could not be shown the last time.
    trouble: Option<String>,
}

/// Serves until Ctrl-C or SIGTERM.
pub(super) fn run(matches: &ArgMatches, looker: Looker, file: Option<&Path>) -> Result<(), Failure> {
    let (port, file) = port_and_file(matches, file)?;
    let address = (Ipv4Addr::LOCALHOST, port);
    let listener = TcpListener::bind(address).map_err(|error| {
        Failure::new(Exit::Io, format!("cannot listen on 127.0.0.1:{port}: {}", Cause(&error)))
    })?;
    let port = listener.local_addr().map_or(port, |address| address.port());
    let mut watch = file.as_deref().filter(|file| !is_stdin(file)).map(Watch::new);
    let is_given = file.is_some() || !io::stdin().is_terminal();
    let look = is_given.then(|| looker.look_at(file.as_deref())).transpose()?;
    // Of an empty stdin, such as `/dev/null`, nothing is shown.
    let look = look.filter(|look| watch.is_some() || !look.before.is_empty());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
    let server = Arc::new(Server {
        looker,
        load_remote: matches.get_flag("load-remote"),
        port,
        file: file.as_deref().map(page::name),
        // After a restart no version comes again.
        state: Mutex::new(State { look: look.map(Arc::new), version: now, trouble: None }),
        changed: Condvar::new(),
        connections: AtomicUsize::new(0),
        waiting: AtomicUsize::new(0),
    });
    let stop = Stop::default();
    stop.listen();
    let accepting = server.clone();
    thread::spawn(move || accepting.accept(&listener));
    let url = format!("http://127.0.0.1:{port}/");
    let mut stdout = io::stdout();
    writeln!(stdout, "{url}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::writing("standard output", &error))?;
    if io::stderr().is_terminal() {
        say(None, "the page is served to this machine alone; Ctrl-C ends it");
    }
    if matches.get_flag("open")
        && let Err(failure) = page::open(Path::new(&url))
    {
        failure.report(Some("preview"));
    }
    while !stop.is_set() {
        thread::sleep(PAUSE);
        if let (Some(watch), Some(file)) = (&mut watch, &file)
            && watch.has_changed()
        {
            server.show(guarded(|| look_again(&server.looker, file)));
        }
    }
    // What is on its way ends with the process.
    Ok(())
}

/// Looks at a file that has changed. A pipe that was put in its place would hold the server up until somebody writes into it.
fn look_again(looker: &Looker, file: &Path) -> Result<Look, Failure> {
    match file.metadata() {
        Ok(metadata) if !metadata.is_file() => {
            Err(Failure::new(Exit::NoInput, format!("{}: no regular file any more", page::name(file))))
        }
        _ => looker.look_at(Some(file)),
    }
}

/// The port, 0 for any, and the file: `--serve FILE` reads as if the file were the port.
fn port_and_file(matches: &ArgMatches, file: Option<&Path>) -> Result<(u16, Option<PathBuf>), Failure> {
    let given = matches.get_one::<String>("serve").map_or("", String::as_str);
    match (given.parse(), file) {
        (Ok(port), file) => Ok((port, file.map(Path::to_owned))),
        _ if given.is_empty() => Ok((0, file.map(Path::to_owned))),
        (Err(_), None) => Ok((0, Some(PathBuf::from(given)))),
        (Err(_), Some(_)) => Err(Failure::usage(format!("--serve: expected a port, found `{given}`"))),
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the file as it is now, or tells why not.
    fn show(&self, look: Result<Look, Failure>) {
        let mut state = self.state();
        match look {
            Ok(look) => (state.look, state.trouble) = (Some(Arc::new(look)), None),
            Err(failure) => state.trouble = Some(failure.text().to_owned()),
        }
        state.version += 1;
        self.changed.notify_all();
    }

    fn accept(self: &Arc<Server>, listener: &TcpListener) {
        for stream in listener.incoming() {
            // Out of descriptors, for example: it passes.
            let Ok(stream) = stream else {
                thread::sleep(PAUSE);
                continue;
            };
            let place = Place::take(self.clone(), |server| &server.connections, MOST_CONNECTIONS);
            let Some(place) = place else {
                // In one go, without waiting: the socket's own buffer takes it.
                let _ = stream.set_nonblocking(true);
                let _ = (&stream).write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
                continue;
            };
            let spawned = thread::Builder::new().spawn(move || place.0.answer(&stream));
            drop(spawned);
        }
    }

    fn answer(self: &Arc<Server>, stream: &TcpStream) {
        let (request, start) = match Request::read(stream) {
            Ok(request) => request,
            Err(answer) => {
                let _ = answer.map(|answer| http::send(stream, &answer, true));
                return;
            }
        };
        let answer = match self.refuse(&request) {
            Some(answer) => Some(answer),
            None if request.path == "/events" && request.method == "GET" => {
                match Place::take(self.clone(), |server| &server.waiting, MOST_WAITING) {
                    // Whoever waits goes away in the middle of it.
                    Some(place) => return drop(place.0.tell(stream, &request)),
                    None => Some(Answer::text(503, "too many pages wait for changes")),
                }
            }
            None => guarded(|| Ok(self.respond(stream, &request, start)))
                .unwrap_or_else(|failure| Some(Answer::text(500, failure.text()))),
        };
        let _ = answer.map(|answer| http::send(stream, &answer, request.method != "HEAD"));
    }

    /// The answer to a request that comes from elsewhere.
    fn refuse(&self, request: &Request) -> Option<Answer> {
        let port = self.port;
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let is_own = |host: &str| {
            hosts.iter().any(|own| own.eq_ignore_ascii_case(host) || own.strip_suffix(":80") == Some(host))
        };
        let is_own_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(is_own);
        let refusal = if !request.field("host").is_some_and(is_own) {
            "this server is http://127.0.0.1 alone"
        } else if !request.field("origin").map_or(request.method != "POST", is_own_origin) {
            "the request comes from another page"
        } else if !request.field("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none")) {
            "the request comes from another site"
        } else {
            return None;
        };
        Some(Answer::text(403, refusal))
    }

    /// The answer; none where the other side went away.
    fn respond(&self, stream: &TcpStream, request: &Request, start: Vec<u8>) -> Option<Answer> {
        let page =
            Page { looker: &self.looker, load_remote: self.load_remote, version: Some(0), trouble: None };
        let answer = match (&*request.method, &*request.path) {
            ("GET" | "HEAD", "/") => {
                let (look, version, trouble) = self.now();
                let page = Page { version: Some(version), trouble: trouble.as_deref(), ..page };
                page.document(look.as_deref(), self.file.as_deref()).map(|body| Answer {
                    status: 200,
                    media_type: "text/html; charset=utf-8",
                    policy: page.policy(),
                    body,
                })
            }
            ("GET" | "HEAD", "/data") => {
                let (look, version, trouble) = self.now();
                let page = Page { version: Some(version), trouble: trouble.as_deref(), ..page };
                json(&page, look.as_deref(), self.file.as_deref())
            }
            ("POST", "/paste") => {
                let body = match request.body(stream, start) {
                    Ok(body) => body,
                    Err(answer) => return answer,
                };
                let look = self.look_at_paste(paste::without_blank_lines(body));
                look.and_then(|look| json(&page, Some(&look), None))
            }
            (_, "/" | "/data" | "/paste" | "/events") => Ok(Answer::text(405, "not by this method")),
            _ => Ok(Answer::text(404, "there is nothing here")),
        };
        Some(answer.unwrap_or_else(|failure| Answer::text(500, failure.text())))
    }

    /// Looks at a mail that was pasted.
    fn look_at_paste(&self, mail: Vec<u8>) -> Result<Look, Failure> {
        let look = self.looker.look(mail)?;
        if look.before.is_ascii() || !look.is_message && look.report.charset == "UTF-8" {
            return Ok(look);
        }
        let mail = match look.is_message {
            true => paste::message(&look.before),
            false => Some(paste::html(&look.before)),
        };
        mail.map_or(Ok(look), |mail| self.looker.look(mail))
    }

    fn now(&self) -> (Option<Arc<Look>>, u64, Option<String>) {
        let state = self.state();
        (state.look.clone(), state.version, state.trouble.clone())
    }

    /// Tells of changes as long as somebody listens.
    fn tell(&self, stream: &TcpStream, request: &Request) -> io::Result<()> {
        http::begin_events(stream)?;
        let seen = request.field("last-event-id").or_else(|| request.query.strip_prefix("seen="));
        let mut seen = seen.and_then(|seen| seen.parse().ok()).unwrap_or(0);
        let mut silent = Instant::now();
        while !http::is_closed(stream) {
            let news = {
                let state = self.state();
                let waited = self.changed.wait_timeout_while(state, GLANCE, |state| state.version == seen);
                let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                (state.version != seen).then(|| (state.version, state.trouble.clone()))
            };
            match news {
                Some((version, trouble)) => {
                    seen = version;
                    match trouble {
                        Some(trouble) => http::send_event(stream, "trouble", version, &trouble)?,
                        None => http::send_event(stream, "change", version, "")?,
                    }
                }
                None if silent.elapsed() < BEAT => continue,
                None => http::send_nothing(stream)?,
            }
            silent = Instant::now();
        }
        Ok(())
    }
}

fn json(page: &Page<'_>, look: Option<&Look>, file: Option<&str>) -> Result<Answer, Failure> {
    Ok(Answer {
        status: 200,
        media_type: "application/json",
        policy: "default-src 'none'".to_owned(),
        body: page.data(look, file)?.into_bytes(),
    })
}

/// One of so many places, free again when it is dropped.
struct Place(Arc<Server>, fn(&Server) -> &AtomicUsize);

impl Place {
    fn take(server: Arc<Server>, count: fn(&Server) -> &AtomicUsize, most: usize) -> Option<Place> {
        let taken = count(&server).fetch_add(1, Ordering::SeqCst);
        let place = Place(server, count);
        (taken < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.1(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}
