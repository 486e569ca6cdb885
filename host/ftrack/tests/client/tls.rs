//! Certificates: whom we trust, and what is said when we do not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use ftrack::{CallError, Config, ConnectError, Proxy, Session, UnreachableCause};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::{Reply, Server, install_tls};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/client/fixtures")
        .join(name)
}

/// Starts a server that speaks TLS to two callers and answers each with 503, which shows that they were let in.
fn tls_server() -> SocketAddr {
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
    let serve = move || {
        for stream in listener.incoming().take(2).flatten() {
            let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, stream);
            let answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            // A caller who distrusts us hangs up in the middle of this.
            if stream
                .read(&mut [0; 64 * 1024])
                .is_ok_and(|count| count > 0)
            {
                stream
                    .write_all(answer)
                    .and_then(|()| stream.flush())
                    .unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        }
    };
    std::thread::Builder::new()
        .name("tls server".to_owned())
        .spawn(serve)
        .unwrap();
    address
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
    let error = connect(format!("https://{}", tls_server()), None).await;
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
    let error = connect(format!("https://{}", tls_server()), Some(fixture("ca.pem"))).await;
    let expected = CallError::ServerBusy {
        status: 503,
        retry_after: None,
    };
    assert_eq!(error.call(), Some(&expected), "{error:?}");
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
