//! Where a server listens: on this machine only.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use super::super::super::super::exit::{Cause, Exit, Failure};
use super::connection::Connection;

/// A loopback address, or a socket in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super::super) enum Place {
    Tcp(Vec<SocketAddr>),
    #[cfg(unix)]
    Socket(PathBuf),
}

const CONNECT: Duration = Duration::from_secs(30);

impl Place {
    /// Reads `127.0.0.1:24`, `[::1]:24`, `localhost:24`, `unix:PATH` or a path.
    pub(in super::super::super) fn parse(text: &str) -> Result<Place, Failure> {
        let refuse = |why: &str| Failure::new(Exit::Data, format!("--lmtp {text}: {why}"));
        let path = text.strip_prefix("unix:").or_else(|| text.contains('/').then_some(text));
        if let Some(path) = path {
            #[cfg(unix)]
            return Ok(Place::Socket(PathBuf::from(path)));
            #[cfg(not(unix))]
            return Err(refuse(&format!("this system has no sockets such as {path}")));
        }
        let is_address = text.parse::<SocketAddr>().is_ok();
        let is_local_name =
            text.rsplit_once(':').is_some_and(|(host, _)| host.eq_ignore_ascii_case("localhost"));
        if !is_address && !is_local_name {
            let is_bare = text.parse::<IpAddr>().is_ok() || text == "localhost";
            return Err(refuse(match is_bare {
                true => "expected a port: 127.0.0.1:24",
                // Other names are not even looked up.
                false => {
                    "expected 127.0.0.1:PORT, [::1]:PORT or the path of a socket: LMTP has no protection on a network, and no queue"
                }
            }));
        }
        let found = text.to_socket_addrs().map_err(|error| refuse(&Cause(&error).to_string()))?;
        let addresses: Vec<_> = found.collect();
        match !addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()) {
            true => Ok(Place::Tcp(addresses)),
            false => Err(refuse(
                "it is no loopback address (127.0.0.0/8, ::1): LMTP has no protection on a network, and no queue; an MTA of this machine sends to others",
            )),
        }
    }

    pub(super) fn connect(&self) -> io::Result<Connection> {
        match self {
            Place::Tcp(addresses) => {
                let mut last = io::Error::from(io::ErrorKind::NotFound);
                for address in addresses {
                    match TcpStream::connect_timeout(address, CONNECT) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            return Connection::tcp(stream);
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            #[cfg(unix)]
            Place::Socket(path) => Connection::socket(std::os::unix::net::UnixStream::connect(path)?),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(addresses) => write!(f, "{}", addresses[0]),
            #[cfg(unix)]
            Place::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine() {
        let parsed = |text| match Place::parse(text) {
            Ok(place) => place.to_string(),
            Err(failure) => {
                assert_eq!(failure.exit, Exit::Data);
                failure.text().to_owned()
            }
        };
        assert_eq!(parsed("127.0.0.1:24"), "127.0.0.1:24");
        assert_eq!(parsed("127.8.9.10:2424"), "127.8.9.10:2424");
        assert_eq!(parsed("[::1]:24"), "[::1]:24");
        #[cfg(unix)]
        for path in ["/run/lmtp", "unix:/run/lmtp", "./lmtp"] {
            assert_eq!(parsed(path), path.trim_start_matches("unix:"));
        }
        for other in ["192.0.2.1:24", "[2001:db8::1]:24", "0.0.0.0:24", "[::]:24", "[::ffff:192.0.2.1]:24"] {
            assert!(parsed(other).contains("no loopback address"), "{other}");
        }
        for other in ["mx.example.com:24", "localhost.example.com:24", "", "24", ":24", "127.0.0.1:24:25"] {
            assert!(parsed(other).contains("expected 127.0.0.1:PORT"), "{other}");
        }
        assert!(parsed("127.0.0.1").contains("expected a port"));
        assert!(parsed("localhost").contains("expected a port"));
    }
}
