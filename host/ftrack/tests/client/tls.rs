//! Certificates: whom we trust, and what is said when we do not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ftrack::{
    CallError, Config, ConnectError, EventHub, HubMessage, HubOptions, Proxy, Session,
    UnreachableCause,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

use crate::support::{Reply, Server, install_tls};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/client/fixtures")
        .join(name)
}

type TlsStream = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

/// Starts a server that speaks TLS and leaves the first two connections to `serve`, with their number.
fn tls_server(serve: fn(usize, TlsStream)) -> SocketAddr {
    install_tls();
    let chain = CertificateDer::pem_file_iter(fixture("server.pem"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accept = move || {
        for (number, stream) in listener.incoming().take(2).flatten().enumerate() {
            let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(number, rustls::StreamOwned::new(tls, stream));
        }
    };
    std::thread::Builder::new()
        .name("tls server".to_owned())
        .spawn(accept)
        .unwrap();
    address
}

/// Reads a request's head. A caller who distrusts us hangs up instead.
fn read_head(stream: &mut TlsStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    String::from_utf8(head).ok()
}

fn answer(stream: &mut TlsStream, answer: &str) {
    stream.write_all(answer.as_bytes()).unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
}

/// Answers 503, which shows that the caller was let in.
fn busy(_: usize, mut stream: TlsStream) {
    if read_head(&mut stream).is_some() {
        answer(
            &mut stream,
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
}

/// Starts a server whose certificate is of an authority that nobody knows.
pub(crate) fn distrusted_server() -> SocketAddr {
    tls_server(busy)
}

/// Answers the handshake, then makes a WebSocket and accepts the hub's own subscription.
fn event_hub(number: usize, mut stream: TlsStream) {
    let head = read_head(&mut stream).unwrap();
    if number == 0 {
        let handshake = "s:60:60:websocket";
        let length = handshake.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        return answer(&mut stream, &(head + handshake));
    }
    let is_key = |line: &&str| line.to_ascii_lowercase().starts_with("sec-websocket-key:");
    let key = head.lines().find(is_key);
    let accept = derive_accept_key(key.unwrap().split_once(':').unwrap().1.trim().as_bytes());
    let upgrade =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    write!(stream, "{upgrade}Sec-WebSocket-Accept: {accept}\r\n\r\n").unwrap();
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    assert!(
        socket
            .read()
            .unwrap()
            .to_text()
            .unwrap()
            .starts_with("5:1+::")
    );
    socket
        .send(Message::text("6:::1+[{\"success\":true}]"))
        .unwrap();
    // The hub closes; reading is what answers that.
    while socket.read().is_ok() {}
}

/// Starts a proxy that makes tunnels, and leads them all to `address`.
async fn tunnel_proxy(address: SocketAddr) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own_address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(caller.read_u8().await.unwrap());
            }
            assert!(head.starts_with(b"CONNECT localhost:443 "));
            caller.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(address).await.unwrap();
                tokio::io::copy_bidirectional(&mut caller, &mut server)
                    .await
                    .ok()
            });
        }
    });
    own_address
}

async fn connect(server: String, ca_file: Option<PathBuf>) -> ConnectError {
    install_tls();
    let mut config = Config::new(server, "ada", "key");
    config.proxy = Proxy::None;
    config.ca_file = ca_file;
    Session::connect(config).await.unwrap_err()
}

fn cause(error: &ConnectError) -> Option<UnreachableCause> {
    match error.call()? {
        CallError::Unreachable { cause, .. } => Some(*cause),
        _ => None,
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    let error = connect(format!("https://{}", tls_server(busy)), None).await;
    assert_eq!(
        cause(&error),
        Some(UnreachableCause::BadCertificate),
        "{error:?}"
    );
    assert_eq!(
        error.sentence(),
        "The certificate of 127.0.0.1 is not trusted."
    );
}

#[tokio::test]
async fn a_certificate_of_the_studios_own_authority_is_trusted() {
    let error = connect(
        format!("https://{}", tls_server(busy)),
        Some(fixture("ca.pem")),
    )
    .await;
    let expected = CallError::ServerBusy {
        status: 503,
        retry_after: None,
    };
    assert_eq!(error.call(), Some(&expected), "{error:?}");
}

#[tokio::test]
async fn the_event_hub_works_over_tls_and_through_a_proxy() {
    let proxy = tunnel_proxy(tls_server(event_hub)).await;
    let mut config = Config::new("https://localhost", "ada", "key");
    config.ca_file = Some(fixture("ca.pem"));
    config.proxy = Proxy::At(format!("http://{proxy}").into());
    let (hub, mut messages) = EventHub::start(&config, HubOptions::default()).unwrap();
    let first = tokio::time::timeout(Duration::from_secs(10), messages.recv())
        .await
        .unwrap();
    assert_eq!(first, Some(HubMessage::Connected));
    hub.close().await;
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_with_a_bad_certificate() {
    let server = Server::start(|_| Reply::Close).await;
    let error = connect(format!("https://{}", server.address), None).await;
    assert!(
        matches!(
            cause(&error),
            Some(UnreachableCause::NoTls | UnreachableCause::Network)
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_without_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("ca.pem");
    std::fs::write(&empty, "nothing here").unwrap();
    for path in [empty, folder.path().join("missing.pem")] {
        let error = connect("https://127.0.0.1:1".to_owned(), Some(path.clone())).await;
        assert!(
            error.sentence().contains(&path.display().to_string()),
            "{error:?}"
        );
    }
}
