//! Fetching from a real server on this machine, which does what it is told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::Builder;
use std::time::Duration;

use install::{DownloadError, Downloaded, Limits, Way, download};

use crate::packing::limits;

/// How the server answers one request.
#[derive(Clone)]
struct Answer {
    head: String,
    body: Vec<u8>,
    /// How many bytes of the body are sent before the connection is closed.
    sent: usize,
}

impl Answer {
    fn new(status: &str, headers: &[&str], body: &[u8]) -> Self {
        let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
        head.push_str(&format!("content-length: {}\r\n", body.len()));
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        Self {
            head: head + "\r\n",
            body: body.to_owned(),
            sent: body.len(),
        }
    }

    fn cut_after(self, sent: usize) -> Self {
        Self { sent, ..self }
    }
}

/// A server that gives these answers in this order, and hands out the heads of the requests.
struct Server {
    url: String,
    requests: Receiver<String>,
}

impl Server {
    fn new(answers: impl FnOnce(&str) -> Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers(&url);
        let (sender, requests) = mpsc::sync_channel(answers.len());
        Builder::new()
            .name("server".into())
            .spawn(move || {
                for answer in answers {
                    let Ok((stream, _)) = listener.accept() else {
                        return;
                    };
                    serve(stream, &answer, &sender);
                }
            })
            .unwrap();
        Self { url, requests }
    }

    /// Returns the head of the next request, in lower case.
    fn request(&self) -> String {
        self.requests.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

fn serve(mut stream: TcpStream, answer: &Answer, requests: &SyncSender<String>) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            break;
        }
    }
    requests.send(head.to_lowercase()).unwrap();
    // A client that has seen enough hangs up.
    drop(stream.write_all(answer.head.as_bytes()));
    drop(stream.write_all(&answer.body[..answer.sent]));
}

fn way() -> Way {
    Way {
        user_agent: "test".into(),
        ca_file: None,
        proxy: None,
        patience: Duration::from_secs(10),
    }
}

fn fetch_with(
    url: &str,
    folder: &Path,
    way: &Way,
    limits: &Limits,
) -> Result<Downloaded, DownloadError> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(download(url, folder, way, limits))
}

fn fetch(url: &str, folder: &Path) -> Result<Downloaded, DownloadError> {
    fetch_with(url, folder, &way(), &limits())
}

const NOT_FOUND: &str = "404 Not Found";

#[test]
fn a_file_and_its_signature_are_fetched() {
    let server = Server::new(|_| {
        vec![
            Answer::new("200 OK", &[], b"archive"),
            Answer::new("200 OK", &[], b"signature"),
        ]
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(
        &format!("{}/a/hello-1.0.0.zip?x=1#y", server.url),
        folder.path(),
    )
    .unwrap();
    assert_eq!(fetched.name, "hello-1.0.0.zip");
    assert_eq!(std::fs::read(&fetched.path).unwrap(), b"archive");
    assert_eq!(fetched.signature.as_deref(), Some("signature"));
    assert!(server.request().starts_with("get /a/hello-1.0.0.zip?x=1 "));
    assert!(
        server
            .request()
            .starts_with("get /a/hello-1.0.0.zip.sig?x=1 ")
    );
    fetched.forget().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_broke_off_goes_on_where_the_server_allows_it() {
    let whole: Vec<u8> = (0..100_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let etag = "etag: \"one\"";
    let server = Server::new(|_| {
        vec![
            Answer::new("200 OK", &[etag], &whole).cut_after(40_000),
            Answer::new(
                "206 Partial Content",
                &[etag, "content-range: bytes 40000-99999/100000"],
                &whole[40_000..],
            ),
            Answer::new(NOT_FOUND, &[], b""),
            // All of it was here when the command was killed.
            Answer::new(
                "416 Range Not Satisfiable",
                &["content-range: bytes */100000"],
                b"",
            ),
            Answer::new(NOT_FOUND, &[], b""),
        ]
    });
    let folder = tempfile::tempdir().unwrap();
    let url = format!("{}/hello.zip", server.url);
    let error = fetch(&url, folder.path()).unwrap_err();
    assert!(
        matches!(
            error,
            DownloadError::Interrupted {
                received_bytes: 40_000,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!server.request().contains("range:"));
    let fetched = fetch(&url, folder.path()).unwrap();
    let request = server.request();
    assert!(
        request.contains("range: bytes=40000-") && request.contains("if-range: \"one\""),
        "{request}"
    );
    assert_eq!(std::fs::read(&fetched.path).unwrap(), whole);
    drop(fetched);
    let fetched = fetch(&url, folder.path()).unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), whole);
}

#[test]
fn a_file_that_has_changed_starts_afresh() {
    let folder = tempfile::tempdir().unwrap();
    for (tag, second) in [
        (
            "etag: \"one\"",
            Answer::new("200 OK", &["etag: \"two\""], b"a new file"),
        ),
        // Nothing tells the two apart, so that nothing is asked for but the whole.
        ("x: y", Answer::new("200 OK", &[], b"a new file")),
        ("etag: W/\"one\"", Answer::new("200 OK", &[], b"a new file")),
    ] {
        let server = Server::new(|_| {
            vec![
                Answer::new("200 OK", &[tag], &[b'x'; 5000]).cut_after(3000),
                second,
                Answer::new(NOT_FOUND, &[], b""),
            ]
        });
        let url = format!("{}/hello.zip", server.url);
        fetch(&url, folder.path()).unwrap_err();
        let fetched = fetch(&url, folder.path()).unwrap();
        assert_eq!(
            std::fs::read(&fetched.path).unwrap(),
            b"a new file",
            "{tag}"
        );
        server.request();
        assert_eq!(
            server.request().contains("if-range"),
            tag.starts_with("etag: \""),
            "{tag}"
        );
        fetched.forget().unwrap();
    }
    // A server that counts differently is not believed.
    let server = Server::new(|_| {
        vec![
            Answer::new("200 OK", &["etag: \"one\""], &[b'x'; 5000]).cut_after(3000),
            Answer::new(
                "206 Partial Content",
                &["content-range: bytes 7-9/10"],
                b"xxx",
            ),
            Answer::new("200 OK", &[], b"whole"),
            Answer::new(NOT_FOUND, &[], b""),
        ]
    });
    let url = format!("{}/hello.zip", server.url);
    fetch(&url, folder.path()).unwrap_err();
    let fetched = fetch(&url, folder.path()).unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), b"whole");
}

#[test]
fn each_failure_has_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let check = |answers: Vec<Answer>, name: &str, expected: &str| {
        let server = Server::new(|_| answers);
        let small = Limits {
            archive_bytes: 1000,
            ..limits()
        };
        let error = fetch_with(
            &format!("{}/{name}", server.url),
            folder.path(),
            &way(),
            &small,
        )
        .unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.contains(expected), "{sentence}");
        assert!(!error.hint().is_empty());
    };
    check(
        vec![Answer::new(NOT_FOUND, &[], b"")],
        "a.zip",
        "`127.0.0.1` answered 404: there is no such file",
    );
    check(
        vec![Answer::new("401 No", &[], b"")],
        "a.zip",
        "it wants to know who asks",
    );
    check(
        vec![Answer::new("503 No", &[], b"")],
        "a.zip",
        "a problem of its own",
    );
    check(
        vec![Answer::new("200 OK", &[], &[0; 2000])],
        "a.zip",
        "larger than the limit",
    );
    let mut endless = Answer::new("200 OK", &[], &[0; 2000]);
    endless.head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".into();
    check(vec![endless], "b.zip", "larger than the limit");
    check(
        vec![Answer::new("200 OK", &[], b"x")],
        "page",
        "names neither",
    );
    let redirect = |to: &str| Answer::new("302 Found", &[&format!("location: {to}")], b"");
    check(
        vec![redirect("http://studio.example/a.zip")],
        "a.zip",
        "redirects to an address that is not `https`",
    );
    check(
        vec![redirect("file:///etc/passwd")],
        "a.zip",
        "answered 302: it leads elsewhere",
    );
    let round = |url: &str| vec![redirect(&format!("{url}/a.zip")); 12];
    let server = Server::new(round);
    let error = fetch(&format!("{}/a.zip", server.url), folder.path()).unwrap_err();
    assert!(
        matches!(error, DownloadError::BadRedirect { .. }),
        "{error}"
    );
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/a.zip", listener.local_addr().unwrap())
    };
    let error = fetch(&closed, folder.path()).unwrap_err();
    assert!(
        matches!(error, DownloadError::Unreachable { .. }),
        "{error}"
    );
}

#[test]
fn the_proxy_of_the_settings_is_asked() {
    let proxy = Server::new(|_| {
        vec![
            Answer::new("200 OK", &[], b"archive"),
            Answer::new(NOT_FOUND, &[], b""),
        ]
    });
    let way = Way {
        proxy: Some(proxy.url.clone()),
        ..way()
    };
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch_with(
        "http://127.0.0.1:9/hello.tar.gz",
        folder.path(),
        &way,
        &limits(),
    );
    assert_eq!(fetched.unwrap().name, "hello.tar.gz");
    assert!(
        proxy
            .request()
            .starts_with("get http://127.0.0.1:9/hello.tar.gz ")
    );
    for bad in ["", "no proxy at all://"] {
        let way = Way {
            proxy: Some(bad.into()),
            ..way.clone()
        };
        let error =
            fetch_with("http://127.0.0.1:9/a.zip", folder.path(), &way, &limits()).unwrap_err();
        assert!(
            matches!(error, DownloadError::BadSettings { .. }),
            "{error}"
        );
    }
}
