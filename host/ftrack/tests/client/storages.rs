//! Files that go up, against storages that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftrack::{
    BegunAnew, CallError, Retries, Session, StorageError, Upload, UploadError, UploadOptions,
    Uploaded,
};
use serde_json::{Value, json};

use crate::files::{KIB, Shelf, quick, small_parts};
use crate::support::{Reply, Request, Server, raw, sign_in};

/// A server that gives these addresses, each upload with an id of its own, and a storage that asks `storage` about
/// part, upload and how often it was asked.
async fn storage(
    storage: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    upload_id: impl Fn(&Value, usize) -> String + Send + Sync + 'static,
) -> Server {
    let asked = AtomicUsize::new(0);
    let opened = AtomicUsize::new(0);
    let address = Arc::new(Mutex::new(String::new()));
    let own_address = Arc::clone(&address);
    let server = Server::start(move |request: &Request| {
        if request.method == "PUT" {
            return storage(&request.target, asked.fetch_add(1, Ordering::Relaxed));
        }
        if request.has_action("get_upload_metadata") {
            let operation = &request.body[0];
            let number = opened.fetch_add(1, Ordering::Relaxed);
            let upload_id = upload_id(operation, number);
            let base = format!(
                "http://{}/{upload_id}/{number}",
                own_address.lock().unwrap()
            );
            let Some(parts) = operation["parts"].as_u64() else {
                return Reply::Json(json!([{"url": base, "headers": {"X-Signed": "yes"}}]));
            };
            let url =
                |part: u64| json!({"part_number": part, "signed_url": format!("{base}/{part}")});
            let urls: Value = (1..=parts).map(url).collect();
            return Reply::Json(json!([{"upload_id": upload_id, "urls": urls}]));
        }
        if request.has_action("complete_multipart_upload") {
            return Reply::Json(json!([{"component_id": "c"}]));
        }
        sign_in(request).unwrap_or_else(|| raw("404 Not Found", &[], ""))
    })
    .await;
    *address.lock().unwrap() = server.address.to_string();
    server
}

fn ok() -> Reply {
    raw("200 OK", &["ETag: \"opaque-1\""], "")
}

const EXPIRED: &str =
    "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";

fn begun(server: &Server) -> usize {
    let asked = server.requests();
    asked
        .iter()
        .filter(|request| request.has_action("get_upload_metadata"))
        .count()
}

async fn send(server: &Server, size: usize) -> Result<Uploaded, UploadError> {
    let session = Session::connect(server.config()).await.unwrap();
    let shelf = Shelf::with(size);
    session
        .upload(Upload::new("c", "a.mov", &shelf.path).options(small_parts()))
        .await
}

#[tokio::test]
async fn addresses_that_expired_are_asked_for_anew_and_parts_stay() {
    // The server knows the upload again by its id.
    let known = |operation: &Value, number| match operation["upload_id"].as_str() {
        Some(known) => known.to_owned(),
        None => format!("u{number}"),
    };
    let expired = |target: &str, _| match target {
        "/u0/0/4" | "/u0/0/5" => raw("403 Forbidden", &[], EXPIRED),
        _ => ok(),
    };
    let server = storage(expired, known).await;
    let uploaded = send(&server, 320 * KIB).await.unwrap();
    assert_eq!((uploaded.parts, uploaded.begun_anew), (5, None));
    assert_eq!(begun(&server), 2);
    let targets: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|one| one.method == "PUT")
        .collect();
    let again = targets
        .iter()
        .filter(|one| one.target.starts_with("/u0/1/"));
    assert!(again.count() <= 4);

    // The server opens another upload instead: everything is sent there.
    let server = storage(expired, |_, number| format!("u{number}")).await;
    let uploaded = send(&server, 320 * KIB).await.unwrap();
    assert_eq!(uploaded.begun_anew, Some(BegunAnew::Forgotten));
    let requests = server.requests();
    let complete = requests
        .iter()
        .find(|one| one.has_action("complete_multipart_upload"))
        .unwrap();
    assert_eq!(complete.body[0]["upload_id"], "u1");
    assert_eq!(complete.body[0]["parts"].as_array().unwrap().len(), 5);

    // They expire again and again.
    let server = storage(|_, _| raw("403 Forbidden", &[], EXPIRED), known).await;
    let error = send(&server, 320 * KIB).await.unwrap_err();
    let UploadError::Storage(StorageError::Gone { status: 403, said }) = &error else {
        panic!("{error:?}")
    };
    assert!(
        said.contains("Request has expired") && !said.contains('<'),
        "{said}"
    );
    assert_eq!(begun(&server), 4);
}

#[tokio::test]
async fn a_storages_refusal_is_typed_with_its_words() {
    type Answer = fn() -> Reply;
    type Expected = fn(&StorageError) -> bool;
    let cases: [(Answer, Expected, usize); 7] = [
        (
            || raw("507 Insufficient Storage", &[], "no room"),
            |error| matches!(error, StorageError::Full { said } if said == "no room"),
            1,
        ),
        (
            || raw("400 Bad Request", &[], "<Code>BadDigest</Code>"),
            |error| matches!(error, StorageError::Damaged { .. }),
            4,
        ),
        (
            || raw("400 Bad Request", &[], "<Code>EntityTooSmall</Code>"),
            |error| matches!(error, StorageError::Refused { status: 400, said } if said == "EntityTooSmall"),
            1,
        ),
        (
            || {
                raw(
                    "200 OK",
                    &["ETag: \"00000000000000000000000000000000\""],
                    "",
                )
            },
            |error| matches!(error, StorageError::Damaged { .. }),
            4,
        ),
        (
            || raw("500 Oops", &[], ""),
            |error| matches!(error, StorageError::Busy { status: 500, .. }),
            4,
        ),
        (
            || Reply::Close,
            |error| {
                matches!(
                    error,
                    StorageError::Connection(CallError::Interrupted { .. })
                )
            },
            4,
        ),
        (
            || raw("307 Moved", &["Location: http://127.0.0.1:1/secret"], ""),
            |error| matches!(error, StorageError::Redirected { .. }),
            1,
        ),
    ];
    for (reply, expected, attempts) in cases {
        let server = storage(move |_, _| reply(), |_, _| "u".to_owned()).await;
        let error = send(&server, 100).await.unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
        assert!(error.sentence().ends_with('.'), "{error:?}");
        let UploadError::Storage(error) = error else {
            panic!("{error:?}")
        };
        assert!(expected(&error), "{error:?}");
        let sent = server
            .requests()
            .into_iter()
            .filter(|one| one.method == "PUT");
        assert_eq!(sent.count(), attempts, "{error:?}");
    }
    // A part without a name cannot be put together.
    let server = storage(|_, _| raw("200 OK", &[], ""), |_, _| "u".to_owned()).await;
    let error = send(&server, 320 * KIB).await.unwrap_err();
    assert!(
        matches!(error, UploadError::Call(CallError::NotFtrack { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_storage_is_given_the_signed_headers_and_no_key() {
    let server = storage(|_, _| ok(), |_, _| "u".to_owned()).await;
    send(&server, 100).await.unwrap();
    let requests = server.requests();
    let put = requests.iter().find(|one| one.method == "PUT").unwrap();
    assert_eq!(put.header("x-signed"), Some("yes"));
    assert_eq!(put.header("content-length"), Some("100"));
    assert_eq!(
        (put.header("ftrack-api-key"), put.header("ftrack-user")),
        (None, None)
    );
}

#[tokio::test]
async fn an_upload_that_stands_still_or_is_closed_is_given_up() {
    let server = storage(|_, _| Reply::Hang, |_, _| "u".to_owned()).await;
    let shelf = Shelf::with(320 * KIB);
    let mut config = server.config();
    config.timeouts.stall = Duration::from_millis(100);
    let session = Session::connect(config).await.unwrap();
    let options = UploadOptions {
        retries: Retries {
            attempts: 1,
            ..quick()
        },
        ..small_parts()
    };
    let upload = || Upload::new("c", "a.mov", &shelf.path).options(options.clone());
    let error = session.upload(upload()).await.unwrap_err();
    assert!(matches!(
        error,
        UploadError::Storage(StorageError::Connection(CallError::TimedOut { .. }))
    ));
    let session = Session::connect(server.config()).await.unwrap();
    let puts = server.requests().len();
    let closing = async {
        crate::support::eventually(|| server.requests().len() > puts + 1).await;
        session.close();
    };
    let (result, ()) = tokio::join!(session.upload(upload()), closing);
    assert!(matches!(
        result,
        Err(UploadError::Call(CallError::Cancelled))
    ));
}
