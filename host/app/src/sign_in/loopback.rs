//! Signing in with the browser: ftrack's page sends it back here with a user and a key, as it does for ftrack Connect.
//!
//! Whatever runs on this machine, and any web page, may knock here while a sign-in waits. Only a return that knows the
//! secret part of the address counts; all else is answered and changes nothing.

mod request;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use callboard_protocol::{Failure, FailureKind, SecretText};
use ftrack::ServerUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use request::Request;

/// ftrack's page that makes a key for a program and sends the browser back with it.
const PAGE: &str = "/user/api_credentials";

/// How long one connection may take.
const CONNECTION: Duration = Duration::from_secs(10);

/// How long the browser may take to ask for the last page, once it has brought the key.
const LAST_PAGE: Duration = Duration::from_secs(3);

/// How many connections are served at once; further ones are closed.
const CONNECTIONS: usize = 16;

/// The longest head of a request.
const HEAD_BYTES: usize = 16 * 1024;

/// What the browser brings.
pub(crate) struct Brought {
    /// The user name.
    pub(crate) user: String,
    /// The API key.
    pub(crate) key: SecretText,
}

/// A sign-in that waits for the browser.
pub(crate) struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
    /// The part of the address that only ftrack's page and the browser are told.
    state: Arc<str>,
}

/// What came of one connection.
enum Knock {
    Brought(Brought),
    LastPage,
    Nothing,
}

impl Loopback {
    /// Begins to listen, on this machine only.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub(crate) async fn open() -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        // A browser may take `localhost` for this one, and nobody else is to answer there.
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(second) => listeners.push(second),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => tracing::debug!(%error, "this machine has no IPv6"),
        }
        Ok(Self {
            listeners,
            port,
            state: uuid::Uuid::new_v4().simple().to_string().into(),
        })
    }

    /// Returns the page that the browser is to open; `program` is what the key is called at ftrack.
    pub(crate) fn page(&self, server: &ServerUrl, program: &str) -> String {
        let mut page = server.join(PAGE);
        // Connect's address is the same but for the path. That the real server keeps a path is assumed.
        let back = format!("http://localhost:{}/{}", self.port, self.state);
        page.query_pairs_mut()
            .append_pair("identifier", program)
            .append_pair("redirect_url", &back);
        page.into()
    }

    /// Waits until the browser brings a key.
    ///
    /// # Errors
    ///
    /// When it has not after `patience`.
    pub(crate) async fn brought(self, patience: Duration) -> Result<Brought, Failure> {
        let deadline = Instant::now() + patience;
        let mut served = JoinSet::new();
        let brought = timeout_at(deadline, async {
            loop {
                if let Knock::Brought(brought) = self.next(&mut served).await {
                    return brought;
                }
            }
        });
        let brought = brought.await.map_err(|_| {
            let minutes = patience.as_secs().div_ceil(60);
            Failure::new(
                FailureKind::TimedOut,
                format!("the browser brought no key within {minutes} min"),
            )
            .hint("try again, or sign in with a key: `callboard login`")
        })?;
        let last_page = async { while !matches!(self.next(&mut served).await, Knock::LastPage) {} };
        if timeout(LAST_PAGE, last_page).await.is_err() {
            tracing::debug!("the browser did not ask for the last page");
        }
        Ok(brought)
    }

    /// Takes connections until one of them has come to something.
    async fn next(&self, served: &mut JoinSet<Knock>) -> Knock {
        loop {
            tokio::select! {
                Some(knock) = served.join_next(), if !served.is_empty() => {
                    return knock.unwrap_or(Knock::Nothing);
                }
                Some((stream, from)) = accept(&self.listeners) => {
                    if served.len() < CONNECTIONS && from.ip().is_loopback() {
                        served.spawn(serve(stream, self.port, Arc::clone(&self.state)));
                    }
                }
            }
        }
    }
}

/// Takes the next connection of either listener; nothing when the system refuses one.
async fn accept(listeners: &[TcpListener]) -> Option<(TcpStream, SocketAddr)> {
    let accepted = match listeners {
        [first, second] => tokio::select! {
            accepted = first.accept() => accepted,
            accepted = second.accept() => accepted,
        },
        [first, ..] => first.accept().await,
        [] => return None,
    };
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::debug!(%error, "a connection to the sign-in failed");
            tokio::task::yield_now().await;
            None
        }
    }
}

async fn serve(mut stream: TcpStream, port: u16, state: Arc<str>) -> Knock {
    let served = timeout(CONNECTION, async {
        let head = read_head(&mut stream).await?;
        let (knock, answer) = answer(&Request::read(&head), port, &state);
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        io::Result::Ok(knock)
    });
    match served.await {
        Ok(Ok(knock)) => knock,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection to the sign-in broke");
            Knock::Nothing
        }
        Err(_) => Knock::Nothing,
    }
}

/// Reads until the end of the request's head, or as much of it as is read at all.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut part = [0; 2048];
    while head.len() < HEAD_BYTES && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await? {
            0 => break,
            read => head.extend_from_slice(&part[..read]),
        }
    }
    Ok(head)
}

fn answer(request: &Request, port: u16, state: &str) -> (Knock, String) {
    let nothing = |status: &str, words: &str| (Knock::Nothing, page(status, words));
    if !request.is_whole {
        return nothing("400 Bad Request", "This cannot be read.");
    }
    // A page elsewhere whose name leads here speaks of that name.
    if !request.is_for(port) {
        return nothing("403 Forbidden", "This is not for here.");
    }
    if request.method != "GET" {
        return nothing("405 Method Not Allowed", "This is not for here.");
    }
    let done = format!("/{state}/done");
    if request.path == done {
        let words = "You are back from ftrack. Callboard goes on by itself: close this page.";
        return (Knock::LastPage, page("200 OK", words));
    }
    if request.path.trim_end_matches('/') != format!("/{state}") {
        let words = "No sign-in waits here. Begin again in Callboard.";
        return nothing("404 Not Found", words);
    }
    match (request.one("api_user"), request.one("api_key")) {
        // The key leaves the browser's address line.
        (Some(user), Some(key)) => (
            Knock::Brought(Brought {
                user,
                key: SecretText(key),
            }),
            redirect(&done),
        ),
        _ => nothing(
            "400 Bad Request",
            "ftrack sent no key along. Try again on its page, or sign in with a key.",
        ),
    }
}

const HEADERS: &str = "Cache-Control: no-store\r\nConnection: close\r\n\
    Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
    Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n";

fn redirect(path: &str) -> String {
    format!("HTTP/1.1 303 See Other\r\nLocation: {path}\r\nContent-Length: 0\r\n{HEADERS}\r\n")
}

fn page(status: &str, words: &str) -> String {
    let body = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Callboard</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1.1rem system-ui;max-width:32rem;margin:20vh auto;padding:0 1rem}}</style>\
         <h1>Callboard</h1><p>{words}</p>\n"
    );
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n{HEADERS}\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests;
