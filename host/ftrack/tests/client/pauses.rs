//! Pauses that the server asks for, deadlines, and what is counted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ftrack::{CallError, Operation, RequestKind, Session, Timeouts, new_id};
use serde_json::json;
use tokio::time::Instant;

use crate::studio::{Studio, busy};
use crate::support::{Reply, Server, raw, rows, sign_in};

/// Answers the first request after the session began with `first`, and all others well.
async fn once(first: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |request| {
        sign_in(request).unwrap_or_else(|| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => first(),
            _ if request.has_action("query") => Reply::Json(json!([rows(&json!([]), None)])),
            _ => Reply::Json(json!([{"action": "delete", "data": true}])),
        })
    })
    .await
}

fn limited(header: &'static str) -> impl Fn() -> Reply + Send + Sync {
    move || raw("429 Too Many Requests", &[header], "")
}

fn unavailable(header: &'static str) -> impl Fn() -> Reply + Send + Sync {
    move || raw("503 Service Unavailable", &[header], "")
}

#[tokio::test]
async fn too_many_calls_are_made_again_when_the_server_says() {
    for header in [
        "Retry-After: 1",
        "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT",
        "X: y",
    ] {
        let server = once(limited(header)).await;
        let session = Session::connect(server.config()).await.unwrap();
        let began = Instant::now();
        session
            .call(&[Operation::delete("Shot", new_id())])
            .await
            .unwrap();
        let waited = began.elapsed();
        let past = header.contains("1970");
        assert!(
            past || waited >= Duration::from_secs(1),
            "{header}: {waited:?}"
        );
        assert!(waited < Duration::from_secs(20), "{header}: {waited:?}");
    }
}

#[tokio::test]
async fn only_what_harms_nobody_is_sent_again_when_its_outcome_is_not_known() {
    let server = once(unavailable("Retry-After: 1")).await;
    let session = Session::connect(server.config()).await.unwrap();
    assert_eq!(session.query("Task").await, Ok(vec![]));

    let server = once(unavailable("Retry-After: 1")).await;
    let session = Session::connect(server.config()).await.unwrap();
    let before = server.requests().len();
    let error = session
        .call(&[Operation::delete("Shot", "s")])
        .await
        .unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!(server.requests().len() - before, 1);

    // A server that names no pause is the caller's to judge.
    let server = once(unavailable("X: y")).await;
    let session = Session::connect(server.config()).await.unwrap();
    let error = session.query("Task").await.unwrap_err();
    assert!(matches!(error, CallError::ServerBusy { status: 503, .. }));
}

#[tokio::test]
async fn a_pause_holds_for_the_whole_session_and_a_long_one_is_an_error_at_once() {
    let server = once(limited("Retry-After: 300")).await;
    let session = Session::connect(server.config()).await.unwrap();
    let error = session.query("Task").await.unwrap_err();
    let whole = Some(Duration::from_secs(300));
    assert_eq!(error, CallError::RateLimited { retry_after: whole });
    let before = server.requests().len();
    // The next call would get the same answer, so it is not made.
    let error = session.clone().query("Task").await.unwrap_err();
    assert!(error.retry_after() <= whole && error.retry_after() > Some(Duration::from_secs(250)));
    assert_eq!(server.requests().len(), before);
}

#[tokio::test]
async fn a_call_has_its_own_deadline() {
    let server = Server::start(|request| sign_in(request).unwrap_or(Reply::Hang)).await;
    let session = Session::connect(server.config()).await.unwrap();
    let after = Duration::from_millis(50);
    let hasty = session.with_timeouts(Timeouts {
        query: after,
        ..session.timeouts().clone()
    });
    assert_eq!(
        hasty.query("Task").await,
        Err(CallError::TimedOut { after })
    );
    assert_ne!(session.timeouts().query, after);
}

#[tokio::test]
async fn requests_are_counted_by_kind_with_their_failures() {
    let studio = Studio::demo().await;
    let begun = studio.session.metrics()[&RequestKind::Query].requests;
    studio.session.query("select id from User").await.unwrap();
    studio
        .session
        .query("select frobnicate from User")
        .await
        .unwrap_err();
    studio.fault(busy("TypeThatIsNot", 503, 0)).await;
    let delete = [Operation::delete("TypeThatIsNot", "x")];
    studio.session.call(&delete).await.unwrap_err();
    let metrics = studio.session.metrics();
    let queries = &metrics[&RequestKind::Query];
    assert_eq!(queries.requests - begun, 2);
    assert_eq!(queries.failures["invalid"], 1);
    assert!(queries.bytes_sent > 0 && queries.bytes_received > 0);
    assert!(queries.longest <= queries.time && queries.quantile(0.5) <= queries.longest);
    let calls = &metrics[&RequestKind::Call];
    assert_eq!((calls.requests, calls.failures["server_busy"]), (1, 1));
}
