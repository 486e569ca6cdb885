//! Sessions, queries and operations against servers that behave, and servers that do not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Reply, Request, Server, raw, rows, sign_in};
use ftrack::{
    CallError, Config, ConnectError, Operation, Proxy, ServerException, Session, UnreachableCause,
    new_id,
};
use serde_json::{Value, json};

/// Signs in and sends one batch, which the server answers with `reply`.
async fn call(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Vec<Value>, CallError> {
    let server = Server::start(move |request| sign_in(request).unwrap_or_else(&reply)).await;
    let mut config = server.config();
    config.timeouts.call = Duration::from_millis(200);
    config.patience = Duration::ZERO;
    let session = Session::connect(config).await.unwrap();
    session.call(&[Operation::delete("Shot", new_id())]).await
}

fn exception(name: &str, content: &str) -> ServerException {
    ServerException {
        name: name.to_owned(),
        content: content.to_owned(),
        code: None,
    }
}

fn error_body(name: &str) -> Value {
    json!({"exception": name, "content": "no", "error_code": null})
}

#[tokio::test]
async fn a_session_knows_its_server_and_its_user() {
    let server = Server::start(|request| sign_in(request).unwrap_or(Reply::Close)).await;
    let mut config = server.config();
    config.client_token = Some("host-1".to_owned());
    let session = Session::connect(config).await.unwrap();
    assert_eq!(session.server_information().version, "4.13.8");
    assert!(session.server_information().is_timezone_support_enabled);
    assert_eq!(
        (session.user().id.as_str(), session.user().username.as_str()),
        ("u1", "ada")
    );
    assert_eq!(session.user().roles, ["Administrator"]);
    for request in server.requests() {
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/api")
        );
        assert_eq!(request.header("ftrack-user"), Some("ada"));
        assert_eq!(request.header("ftrack-api-key"), Some("key-of-ada"));
        assert_eq!(request.header("ftrack-clienttoken"), Some("host-1"));
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
    assert!(!format!("{session:?}").contains("key-of-ada"));
}

async fn check(
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    expected: CallError,
    outcome_unknown: bool,
) {
    let error = call(reply).await.unwrap_err();
    assert_eq!(error, expected);
    assert_eq!(error.outcome_unknown(), outcome_unknown, "{error:?}");
    assert!(
        error.sentence().ends_with('.') && error.hint().ends_with('.'),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_exception_tells_what_to_do_next_and_that_nothing_happened() {
    type Sort = fn(ServerException) -> CallError;
    let cases: [(&str, Sort); 8] = [
        ("InvalidCredentialsError", |said| {
            CallError::Unauthorized(Some(said))
        }),
        ("FTAuthenticationError", |said| {
            CallError::Unauthorized(Some(said))
        }),
        ("PermissionError", |said| CallError::Forbidden(Some(said))),
        ("DuplicateEntryError", CallError::Conflict),
        ("IntegrityError", CallError::Conflict),
        ("ValidationError", CallError::Invalid),
        ("ParseError", CallError::BadQuery),
        ("KeyError", CallError::Refused),
    ];
    for (name, sort) in cases {
        let expected = sort(exception(name, "no"));
        check(
            move || Reply::Json(error_body(name)),
            expected.clone(),
            false,
        )
        .await;
        // A server that is asked to be strict sends a status with it.
        check(
            move || raw("400 Bad Request", &[], &error_body(name).to_string()),
            expected,
            false,
        )
        .await;
    }
}

#[tokio::test]
async fn a_status_tells_what_to_do_next_and_whether_it_happened() {
    let busy = |status, seconds: Option<u64>| CallError::ServerBusy {
        status,
        retry_after: seconds.map(Duration::from_secs),
    };
    let limited = CallError::RateLimited {
        retry_after: Some(Duration::from_secs(7)),
    };
    for (status, header, expected, outcome_unknown) in [
        (
            "401 Unauthorized",
            "X: y",
            CallError::Unauthorized(None),
            false,
        ),
        ("403 Forbidden", "X: y", CallError::Forbidden(None), false),
        ("413 Too Large", "X: y", CallError::TooLarge, false),
        ("429 Too Many Requests", "Retry-After: 7", limited, false),
        (
            "500 Internal Server Error",
            "X: y",
            CallError::ServerFault { status: 500 },
            true,
        ),
        ("502 Bad Gateway", "X: y", busy(502, None), true),
        (
            "503 Service Unavailable",
            "Retry-After: 30",
            busy(503, Some(30)),
            true,
        ),
        (
            "504 Gateway Timeout",
            "Retry-After: soon",
            busy(504, None),
            true,
        ),
    ] {
        check(
            move || raw(status, &[header], "<html>sorry</html>"),
            expected,
            outcome_unknown,
        )
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_is_not_ftracks_is_called_so() {
    for (status, body, expected) in [
        (
            "200 OK",
            "<!DOCTYPE html><title>Sign in to this network</title>",
            "a web page",
        ),
        ("200 OK", "hello", "something that is no JSON"),
        ("200 OK", "", "nothing"),
        (
            "200 OK",
            "{\"status\": \"ok\"}",
            "something that is no list of results",
        ),
        ("200 OK", "[]", "0 results to 1 operations"),
        ("404 Not Found", "<html>", "status 404"),
    ] {
        let error = call(move || raw(status, &[], body)).await.unwrap_err();
        let expected = CallError::NotFtrack {
            host: "127.0.0.1".to_owned(),
            answer: expected.to_owned(),
        };
        assert_eq!(error, expected, "{body}");
        assert!(error.outcome_unknown());
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_unknown() {
    let hanging = call(|| Reply::Hang).await.unwrap_err();
    assert_eq!(
        hanging,
        CallError::TimedOut {
            after: Duration::from_millis(200)
        }
    );
    let closed = call(|| Reply::Close).await.unwrap_err();
    assert!(
        matches!(closed, CallError::Interrupted { .. }),
        "{closed:?}"
    );
    let cut =
        call(|| Reply::Raw("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n[{\"act".to_owned()))
            .await
            .unwrap_err();
    assert!(matches!(cut, CallError::Interrupted { .. }), "{cut:?}");
    assert!(
        [hanging, closed, cut]
            .iter()
            .all(CallError::outcome_unknown)
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_has_certainly_done_nothing() {
    let mut server = Server::start(|_| Reply::Close).await;
    server.stop().await;
    let Err(ConnectError::Call(error)) = Session::connect(server.config()).await else {
        panic!("connected")
    };
    let CallError::Unreachable { host, cause, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (host.as_str(), *cause),
        ("127.0.0.1", UnreachableCause::ConnectionRefused)
    );
    assert!(!error.outcome_unknown() && error.is_transient());
    assert_eq!(error.sentence(), "Nothing answers at 127.0.0.1.");
}

#[tokio::test]
async fn the_key_follows_no_redirect() {
    let elsewhere = Server::start(|_| Reply::Close).await;
    let location = format!("Location: http://{}/login?token=secret", elsewhere.address);
    let server = Server::start(move |_| raw("302 Found", &[&location], "")).await;
    let error = Session::connect(server.config()).await.unwrap_err();
    let expected = CallError::Redirected {
        host: "127.0.0.1".to_owned(),
        to: format!("http://{}/login", elsewhere.address),
    };
    assert_eq!(error.call(), Some(&expected));
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn what_keeps_a_session_from_beginning_is_said_plainly() {
    let answer = |version: &'static str, users: Value| {
        move |request: &Request| {
            if request.has_action("query_server_information") {
                Reply::Json(json!([{"version": version}, rows(&users, None)]))
            } else {
                Reply::Json(error_body("PermissionError"))
            }
        }
    };
    let ada = json!([{"__entity_type__": "User", "id": "u1", "username": "ada"}]);
    let sentence = async |reply: Box<dyn Fn(&Request) -> Reply + Send + Sync>| {
        let server = Server::start(reply).await;
        Session::connect(server.config())
            .await
            .map_or_else(|error| error.sentence(), |_| "connected".to_owned())
    };
    // Roles that may not be read are no reason to refuse.
    assert_eq!(
        sentence(Box::new(answer("4.13.8", ada.clone()))).await,
        "connected"
    );
    assert_eq!(
        sentence(Box::new(answer("3.3.10", ada))).await,
        "The ftrack server is too old (3.3.10)."
    );
    assert_eq!(
        sentence(Box::new(answer("4.13.8", json!([])))).await,
        "ftrack has no active user named ada."
    );

    for (server, user, key, expected) in [
        ("", "ada", "key", "No ftrack server is given."),
        (
            "two words",
            "ada",
            "key",
            "The server's address is not right: `two words` is not an address.",
        ),
        (
            "http://127.0.0.1:1",
            "",
            "key",
            "The user name is missing or holds characters that it cannot.",
        ),
        (
            "http://127.0.0.1:1",
            "ada",
            "a\nb",
            "The API key is missing or holds characters that it cannot.",
        ),
    ] {
        let error = Session::connect(Config::new(server, user, key))
            .await
            .unwrap_err();
        assert_eq!(error.sentence(), expected);
    }
}

#[tokio::test]
async fn several_queries_share_one_call_and_pages_are_followed() {
    let server = Server::start(|request| {
        sign_in(request).unwrap_or_else(|| {
            let answer = |expression: &&str| match *expression {
                "Task offset 0 limit 500" => rows(&json!([{"id": "1"}]), Some(1)),
                "Task offset 1 limit 500" => rows(&json!([{"id": "2"}]), None),
                "Shot limit 3" => rows(&json!([{"id": "3"}]), Some(3)),
                _ => rows(&json!([]), None),
            };
            Reply::Json(request.expressions().iter().map(answer).collect())
        })
    })
    .await;
    let session = Session::connect(server.config()).await.unwrap();
    let before = server.requests().len();
    let results = session
        .query_many(&["Task", "Shot limit 3", "User"])
        .await
        .unwrap();
    assert_eq!(
        results,
        [
            vec![json!({"id": "1"}), json!({"id": "2"})],
            vec![json!({"id": "3"})],
            vec![]
        ]
    );
    assert_eq!(server.requests().len() - before, 2);
    let page = session.query_page("Task", 0, 500).await.unwrap();
    assert_eq!((page.rows.len(), page.next_offset), (1, Some(1)));
    assert_eq!(
        session.query_many::<&str>(&[]).await.unwrap(),
        Vec::<Vec<Value>>::new()
    );
}

#[tokio::test]
async fn a_batch_answers_with_what_became_of_each_operation() {
    let server = Server::start(|request| {
        sign_in(request).unwrap_or_else(|| {
            let echo = |operation: &Value| match operation["action"].as_str() {
                Some("delete") => json!({"action": "delete", "data": true}),
                action => json!({"action": action, "data": operation["entity_data"]}),
            };
            Reply::Json(request.body.as_array().unwrap().iter().map(echo).collect())
        })
    })
    .await;
    let session = Session::connect(server.config()).await.unwrap();
    let Value::Object(data) = json!({"id": "s1", "name": "sh\"010"}) else {
        panic!()
    };
    let operations = [
        Operation::create("Shot", data),
        Operation::delete("Shot", "s2"),
    ];
    let results = session.call(&operations).await.unwrap();
    assert_eq!(
        results,
        [
            json!({"__entity_type__": "Shot", "id": "s1", "name": "sh\"010"}),
            json!(true)
        ]
    );
    let before = server.requests().len();
    assert_eq!(session.call(&[]).await.unwrap(), Vec::<Value>::new());
    assert_eq!(server.requests().len(), before);
}

#[tokio::test]
async fn schemas_are_asked_for_once_and_then_read_from_disk() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| {
        if request.has_action("query_schemas") {
            ASKED.fetch_add(1, Ordering::Relaxed);
            return Reply::Json(json!([[{"id": "Task", "primary_key": ["id"]}]]));
        }
        // md5 of `[{"id": "Task", "primary_key": ["id"]}]`
        let information =
            json!({"version": "4.13.8", "schema_hash": "2b5749fb3d79bb8c82465f98612d656b"});
        let user = json!([{"__entity_type__": "User", "id": "u1", "username": "ada"}]);
        if request.has_action("query_server_information") {
            return Reply::Json(json!([information, rows(&user, None)]));
        }
        sign_in(request).unwrap_or(Reply::Close)
    })
    .await;
    for _ in 0..2 {
        let mut config = server.config();
        config.schema_cache = Some(folder.path().join("new"));
        let session = Session::connect(config).await.unwrap();
        for _ in 0..2 {
            assert_eq!(session.schemas().await.unwrap().primary_key("Task"), ["id"]);
        }
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn closing_gives_up_what_is_under_way_and_refuses_what_comes() {
    let server = Server::start(|request| sign_in(request).unwrap_or(Reply::Hang)).await;
    let session = Session::connect(server.config()).await.unwrap();
    let (result, ()) = tokio::join!(session.query("Task"), async {
        while server
            .requests()
            .iter()
            .all(|request| request.expressions() != ["Task offset 0 limit 500"])
        {
            tokio::task::yield_now().await;
        }
        session.close();
    });
    assert_eq!(result, Err(CallError::Cancelled));
    assert_eq!(
        session.clone().query("Task").await,
        Err(CallError::Cancelled)
    );
}

#[tokio::test]
async fn a_proxy_is_asked_for_names_that_only_it_knows() {
    let proxy = Server::start(|request| sign_in(request).unwrap_or(Reply::Close)).await;
    let mut config = Config::new("http://ftrack.studio.invalid", "ada", "key-of-ada");
    config.proxy = Proxy::At(format!("http://{}", proxy.address).into());
    Session::connect(config).await.unwrap();
    assert_eq!(
        proxy.requests()[0].target,
        "http://ftrack.studio.invalid/api"
    );

    let mut config = proxy.config();
    config.proxy = Proxy::At("no proxy at all".to_owned().into());
    assert!(matches!(
        Session::connect(config).await,
        Err(ConnectError::BadProxy)
    ));
}
