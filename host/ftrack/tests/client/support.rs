//! A tiny HTTP server that answers as a test tells it to, also wrongly.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use ftrack::{Config, Proxy};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether some operation has this action.
    pub(crate) fn has_action(&self, action: &str) -> bool {
        self.body
            .as_array()
            .into_iter()
            .flatten()
            .any(|operation| operation["action"] == action)
    }

    /// The expressions of all queries.
    pub(crate) fn expressions(&self) -> Vec<&str> {
        let operations = self.body.as_array().into_iter().flatten();
        operations
            .filter_map(|operation| operation["expression"].as_str())
            .collect()
    }
}

/// What to do about a request.
pub(crate) enum Reply {
    /// Answer 200 with JSON.
    Json(Value),
    /// Answer with these bytes, and close.
    Raw(String),
    /// Close without a word.
    Close,
    /// Never answer.
    Hang,
    /// Make a WebSocket of the connection and give it to the test.
    WebSocket(mpsc::Sender<ServerSocket>),
}

pub(crate) type ServerSocket = WebSocketStream<TcpStream>;

/// Returns an answer with a status and headers.
pub(crate) fn raw(status: &str, headers: &[&str], body: &str) -> Reply {
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    let length = body.len();
    Reply::Raw(format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

/// Returns an answer to a query.
pub(crate) fn rows(rows: &Value, next_offset: Option<u64>) -> Value {
    json!({"action": "query", "data": rows, "metadata": {"next": {"offset": next_offset}}})
}

/// Returns what a well-behaved server answers while a session begins, if the request belongs to that.
pub(crate) fn sign_in(request: &Request) -> Option<Reply> {
    if request.has_action("query_server_information") {
        let information = json!({"version": "4.13.8", "schema_hash": "none", "is_timezone_support_enabled": true});
        let user = json!([{"__entity_type__": "User", "id": "u1", "username": "ada"}]);
        return Some(Reply::Json(json!([information, rows(&user, None)])));
    }
    request
        .expressions()
        .iter()
        .any(|expression| expression.contains("UserSecurityRole"))
        .then(|| {
            let role =
                json!({"__entity_type__": "SecurityRole", "id": "r", "name": "Administrator"});
            Reply::Json(json!([rows(
                &json!([{"__entity_type__": "UserSecurityRole", "security_role": role}]),
                None
            )]))
        })
}

/// The server. It ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// Starts a server that asks `reply` about each request.
    pub(crate) async fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", reply).await
    }

    /// Starts a server at a given address.
    pub(crate) async fn start_at(
        address: &str,
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        install_tls();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (reply, seen) = (Arc::new(reply), Arc::clone(&requests));
        let accepting = tokio::spawn(async move {
            // Connections end with the server, as they do when a process ends.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&reply), Arc::clone(&seen)));
            }
        });
        Self {
            address,
            requests,
            accepting,
        }
    }

    /// Ends the server and all its connections, so that nothing answers at its address any more.
    pub(crate) async fn stop(&mut self) {
        self.accepting.abort();
        assert!(
            (&mut self.accepting)
                .await
                .is_err_and(|error| error.is_cancelled())
        );
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    /// Returns a configuration that leads here.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(format!("http://{}", self.address), "ada", "key-of-ada");
        config.proxy = Proxy::None;
        config
    }
}

pub(crate) fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("it is installed once")
    });
}

/// Waits until something is so, which it must be soon.
pub(crate) async fn eventually(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("it is so in time");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    mut stream: TcpStream,
    reply: Arc<impl Fn(&Request) -> Reply>,
    requests: Arc<Mutex<Vec<Request>>>,
) -> Option<()> {
    loop {
        let request = read_request(&mut stream).await?;
        lock(&requests).push(request.clone());
        match reply(&request) {
            Reply::Json(value) => {
                let body = value.to_string();
                let length = body.len();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
                let answer = format!("{head}Content-Length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.ok()?;
            }
            Reply::Raw(answer) => {
                stream.write_all(answer.as_bytes()).await.ok()?;
                stream.shutdown().await.ok()?;
                return None;
            }
            Reply::Close => return None,
            Reply::Hang => std::future::pending().await,
            Reply::WebSocket(sockets) => {
                let limits = WebSocketConfig::default()
                    .max_frame_size(None)
                    .max_message_size(None);
                let accept = derive_accept_key(request.header("sec-websocket-key")?.as_bytes());
                let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
                let answer = format!("{head}Sec-WebSocket-Accept: {accept}\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.ok()?;
                let socket =
                    WebSocketStream::from_raw_socket(stream, Role::Server, Some(limits)).await;
                return sockets.send(socket).await.ok();
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        // The first byte of TLS. Servers without it answer like this.
        if head == [0x16] {
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .ok()?;
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![
        0;
        length
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0)
    ];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request {
        method,
        target,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
