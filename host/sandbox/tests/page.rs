//! The web page, asked for as browsers do, and as pages do that should not get it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use sandbox::{Options, start};

/// Asks for `path` with these headers and returns the whole answer.
async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    asked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_given_only_to_a_page_that_was_asked_for_by_a_loopback_name() {
    let sandbox = start(Options::default()).await.unwrap();
    for (host, expected) in [
        ("127.0.0.1:8090", true),
        ("localhost:8090", true),
        ("rebound.example.com:8090", false),
        ("192.168.1.4:8090", false),
    ] {
        let answer = get(sandbox.addr(), "/", &format!("host: {host}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(answer.contains(sandbox.api_key()), expected, "{host}");
    }
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_for_other_machines_gives_the_key_to_no_page() {
    let sandbox = start(Options {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..Options::default()
    })
    .await
    .unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], sandbox.addr().port()));
    let answer = get(address, "/", &format!("host: {address}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.contains(sandbox.api_key()), "{answer}");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_may_call_the_api_and_not_read_the_page() {
    let sandbox = start(Options::default()).await.unwrap();
    let headers = "host: localhost\r\norigin: http://other.example.com\r\n";
    for (path, expected) in [("/", false), ("/page/main.js", false), ("/api", true)] {
        let answer = get(sandbox.addr(), path, headers).await;
        let is_open = answer.contains("access-control-allow-origin");
        assert_eq!(is_open, expected, "{path}: {answer}");
    }
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_its_own_scripts_only_and_its_files_are_there() {
    let sandbox = start(Options::default()).await.unwrap();
    let headers = "host: localhost\r\n";
    let page = get(sandbox.addr(), "/", headers).await;
    assert!(
        page.contains("content-security-policy: default-src 'none'; script-src 'self'"),
        "{page}"
    );
    assert!(page.contains("ftrack_version: "), "{page}");
    for (path, expected) in [
        ("/page/main.js", "content-type: text/javascript"),
        ("/page/style/base.css", "content-type: text/css"),
        ("/page/icon.svg", "content-type: image/svg+xml"),
        ("/page/views/projects.js", "content-type: text/javascript"),
        ("/page/other.js", "HTTP/1.1 404"),
        ("/page/..%2Fpage.rs", "HTTP/1.1 404"),
    ] {
        let answer = get(sandbox.addr(), path, headers).await;
        assert!(answer.contains(expected), "{path}: {answer}");
    }
    sandbox.stop().await;
}
