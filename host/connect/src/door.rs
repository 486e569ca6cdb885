//! The door: what looks to one Connect child like the studio's ftrack server.
//!
//! It listens on this machine alone, for as long as its child runs. Who knocks needs the child's token; what is asked
//! for must have been granted; what is answered must not hold the API key, which the door adds on the way out.

mod address;
mod api;
mod body;
mod file;
mod grants;
mod hub;
mod reply;
mod secret;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use callboard_protocol::{Permission, PluginId};
use ftrack::{Passage, Session};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use address::{Addresses, FILES, STORAGE, SharedAddresses};
use grants::Grants;
use reply::{Refusal, Reply, plain};
use secret::Secrets;

use crate::switchboard::Switchboard;
use crate::tasks::Tasks;

/// How many connections one child may have at once.
const CONNECTIONS: usize = 64;

/// How many answers of one child are held in memory at once.
const READING: usize = 2;

/// How many connections to the event hub one child may have.
const LINKS: usize = 16;

/// How long a door waits after the system could give it no connection.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a client may take to say what it wants.
const HEADERS: Duration = Duration::from_secs(30);

/// What a door is opened with.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// Whose door it is.
    pub plugin: PluginId,
    /// The user that the child may call itself.
    pub user: String,
    /// What the child may do.
    pub permissions: Vec<Permission>,
    /// The way to the server, while somebody is signed in.
    pub session: watch::Receiver<Option<Session>>,
    /// The way to the event hub.
    pub switchboard: Switchboard,
}

/// A door that is open. Dropping it closes it, with everything that goes through it.
#[derive(Debug)]
pub struct OpenDoor {
    door: Arc<Door>,
    port: u16,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Door {
    plugin: PluginId,
    user: String,
    token: String,
    grants: Grants,
    session: watch::Receiver<Option<Session>>,
    switchboard: Switchboard,
    addresses: SharedAddresses,
    sessions: hub::Sessions,
    reading: Semaphore,
    links: Arc<Semaphore>,
    tasks: Tasks,
}

impl OpenDoor {
    /// Opens a door on a free port. Must be called within the runtime.
    ///
    /// # Errors
    ///
    /// When the system gives no port.
    pub fn open(options: DoorOptions) -> io::Result<Self> {
        let listener = StdListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = TcpListener::from_std(listener)?;
        let token = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()]
            .map(|half| half.simple().to_string())
            .concat();
        let addresses = Addresses::new(port, token.clone(), options.user.clone());
        let door = Arc::new(Door {
            plugin: options.plugin,
            user: options.user,
            token,
            grants: Grants::new(options.permissions),
            session: options.session,
            switchboard: options.switchboard,
            addresses: Arc::new(addresses),
            sessions: hub::Sessions::default(),
            reading: Semaphore::new(READING),
            links: Arc::new(Semaphore::new(LINKS)),
            tasks: Tasks::default(),
        });
        let listening = tokio::spawn(listen(Arc::clone(&door), listener));
        Ok(Self {
            door,
            port,
            listening,
        })
    }

    /// Returns the address that the child takes for its server.
    pub fn address(&self) -> String {
        self.door.addresses.door()
    }

    /// Returns what has answers of the child's name the server where they name the door.
    pub fn outward(&self) -> Outward {
        Outward {
            door: Arc::clone(&self.door),
        }
    }

    /// Returns the port, the only one that the child needs.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns what the child has in place of the API key. It opens this door and nothing else.
    pub fn token(&self) -> &str {
        &self.door.token
    }
}

/// Has what a child says to people name the server, where it names the door that the child takes for it.
#[derive(Clone, Debug)]
pub struct Outward {
    door: Arc<Door>,
}

impl Outward {
    /// Puts the server's address in the place of the door's, and takes the token away; nothing while there is no server.
    pub fn mend(&self, said: &mut serde_json::Value) {
        if let Ok(passage) = self.door.passage() {
            self.door.addresses.outward(passage.server(), said);
        }
    }
}

impl Drop for OpenDoor {
    fn drop(&mut self) {
        self.listening.abort();
        self.door.tasks.stop();
    }
}

async fn listen(door: Arc<Door>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(plugin = %door.plugin, %error, "a door could not take a connection");
                // What the system lacks just now it will lack in the next instant too.
                drop(timeout(PAUSE, std::future::pending::<()>()).await);
                continue;
            }
        };
        let serving = Arc::clone(&door);
        door.tasks.spawn(async move {
            serve(serving, stream).await;
            drop(place);
        });
    }
}

async fn serve(door: Arc<Door>, stream: TcpStream) {
    let plugin = door.plugin.clone();
    let service = service_fn(move |request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(answer(&door, request).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = serving.await {
        tracing::debug!(%plugin, %error, "a connection through a door broke");
    }
}

async fn answer(door: &Arc<Door>, request: Request<Incoming>) -> Reply {
    if !door.is_meant(request.headers()) {
        return plain(StatusCode::FORBIDDEN, "this door is not for you");
    }
    // The path of a request is all that counts; the rest is the door's own.
    let Ok(url) = Url::parse("http://door/").and_then(|base| {
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str());
        base.join(&format!("/{}", target.trim_start_matches('/')))
    }) else {
        return plain(StatusCode::BAD_REQUEST, "the address cannot be read");
    };
    let path = url.path();
    if path == "/api" {
        if *request.method() != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "calls are posted");
        }
        let (parts, body) = request.into_parts();
        if !door.knows(&parts.headers, &url) {
            return Refusal::BadToken.of_api(&parts.headers);
        }
        return api::call(door, &parts.headers, body).await;
    }
    if let Some(session) = path.strip_prefix("/socket.io/1/websocket/") {
        // The session's id was given for the token.
        return hub::websocket(door, session, request);
    }
    if let Some(name) = path.strip_prefix(STORAGE) {
        // So was the name.
        return file::storage(door, name, request).await;
    }
    if !door.knows(request.headers(), &url) {
        return Refusal::BadToken.of_file();
    }
    if matches!(path, "/socket.io/1" | "/socket.io/1/") {
        return hub::handshake(door);
    }
    if path.starts_with(FILES) && *request.method() == Method::GET {
        return file::component(door, &request, &url).await;
    }
    plain(StatusCode::NOT_FOUND, "there is nothing here")
}

impl Door {
    /// Tells whether a request was made to this door on purpose: not by a page of a browser, under whatever name.
    fn is_meant(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let is_host = text(HOST).is_some_and(|host| self.addresses.is_host(host));
        let is_own = match headers.get(ORIGIN) {
            None => true,
            Some(_) => text(ORIGIN)
                .and_then(|origin| origin.strip_prefix("http://"))
                .is_some_and(|origin| self.addresses.is_host(origin)),
        };
        is_host && is_own
    }

    /// Tells whether a request has the token and the user, in headers or, as files are asked for, in the query.
    fn knows(&self, headers: &HeaderMap, url: &Url) -> bool {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let asked = |names: [&str; 2]| {
            url.query_pairs()
                .find(|(name, _)| names.contains(&name.as_ref()))
                .map(|(_, value)| value.into_owned())
        };
        let user = header("ftrack-user").map(str::to_owned);
        let token = header("ftrack-api-key").map(str::to_owned);
        let user = user.or_else(|| asked(["username", "api_user"]));
        let token = token.or_else(|| asked(["apiKey", "api_key"]));
        user.is_some_and(|user| user == self.user)
            && token.is_some_and(|token| is_same(token.as_bytes(), self.token.as_bytes()))
    }

    fn passage(&self) -> Result<Passage, Refusal> {
        let session = self.session.borrow();
        let session = session.as_ref().ok_or_else(|| {
            Refusal::Unavailable("the host has no session with ftrack".to_owned())
        })?;
        let passage = session.passage();
        // The child was made for one user; who signs in after is given children of their own.
        if passage.user() != self.user {
            return Err(Refusal::Unavailable("another user is signed in".to_owned()));
        }
        Ok(passage)
    }

    fn secrets(&self, passage: &Passage) -> Secrets {
        Secrets::of(passage.api_key().expose())
    }
}

/// Compares without telling by the time how much was right.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}
