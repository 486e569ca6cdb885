//! What a person is told when nothing comes of signing in: for each cause another sentence.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ftrack::{CallError, Config, Operation, Proxy, Session};
use serde_json::{Value, json};

use crate::studio::{Studio, data};
use crate::support::{Reply, Server, install_tls, raw, rows};
use crate::tls;

/// Tries to sign in, and returns the sentence and the hint.
async fn said(config: Config) -> (String, &'static str) {
    let error = Session::connect(config).await.unwrap_err();
    (error.sentence(), error.hint())
}

fn at(address: impl Into<String>) -> Config {
    let mut config = Config::new(address, "ada", "key-of-ada");
    config.proxy = Proxy::None;
    config
}

/// Returns the configuration of a server that gives every caller this answer.
async fn answering(reply: fn() -> Reply) -> (Server, Config) {
    let server = Server::start(move |_| reply()).await;
    let config = server.config();
    (server, config)
}

type Told = Vec<(&'static str, (String, &'static str))>;

/// Signs in with what a server does not accept.
async fn credentials() -> Told {
    let studio = Studio::demo().await;
    let user = studio.sandbox.user().to_owned();
    let with = |name: &str, key: &str| {
        let mut config = Config::new(studio.sandbox.server_url(), name, key);
        config.proxy = Proxy::None;
        config
    };
    let key = studio.sandbox.api_key();
    let mut seen = Vec::new();

    seen.push(("a key with a blank", said(with(&user, "API key")).await));
    seen.push(("wrong key", said(with(&user, "nonsense")).await));
    seen.push(("wrong user", said(with("nobody.here", key)).await));
    seen.push(("a key that was right until now", revoked().await));
    studio
        .control("keys", json!({"user": user, "is_expired": true}))
        .await;
    seen.push(("expired key", said(studio.config()).await));
    studio
        .control("keys", json!({"user": user, "is_expired": false}))
        .await;
    let id = studio.session.user().id.clone();
    let disabled = Operation::update("User", id, data(json!({"is_active": false})));
    studio.session.call(&[disabled]).await.unwrap();
    seen.push(("disabled user", said(studio.config()).await));
    seen
}

/// Signs in, and returns what is said of a call after the server has forgotten the key.
async fn revoked() -> (String, &'static str) {
    let is_known = Arc::new(AtomicBool::new(true));
    let knows = Arc::clone(&is_known);
    let server = Server::start(move |request| {
        let user = json!([{"__entity_type__": "User", "id": "u", "username": "ada"}]);
        Reply::Json(match request.has_action("query_server_information") {
            _ if !knows.load(Ordering::Relaxed) => json!({
                "exception": "InvalidCredentialsError",
                "content": "The supplied API key is not valid. Check the header ftrack-api-key",
            }),
            true => json!([{"version": "4.13.8"}, rows(&user, None)]),
            false => json!([rows(&json!([]), None)]),
        })
    })
    .await;
    let session = Session::connect(server.config()).await.unwrap();
    is_known.store(false, Ordering::Relaxed);
    let error = session.query("select id from User").await.unwrap_err();
    (error.sentence(), error.hint())
}

/// Signs in where there is no ftrack server, or none that will do.
async fn addresses() -> Told {
    let mut seen = Vec::new();
    seen.push(("no server", said(at("")).await));
    seen.push(("no address", said(at("http://two words")).await));
    seen.push(("nobody listens", said(at("http://127.0.0.1:1")).await));
    let distrusted = tls::distrusted_server();
    seen.push((
        "unknown authority",
        said(at(format!("https://{distrusted}"))).await,
    ));
    let (page, config) = answering(|| raw("200 OK", &["Content-Type: text/html"], "<html>")).await;
    seen.push(("web page", said(config).await));
    seen.push((
        "no TLS",
        said(at(format!("https://{}", page.address))).await,
    ));
    let (_missing, config) = answering(|| raw("404 Not Found", &[], "<html>")).await;
    seen.push(("other web server", said(config).await));
    let (_json, config) = answering(|| Reply::Json(json!({"hello": "world"}))).await;
    seen.push(("other API", said(config).await));
    let elsewhere = || {
        raw(
            "302 Found",
            &["Location: http://elsewhere.test/login?token=x"],
            "",
        )
    };
    let (_elsewhere, config) = answering(elsewhere).await;
    seen.push(("redirect", said(config).await));
    let old = || {
        let user = json!([{"__entity_type__": "User", "id": "u", "username": "ada"}]);
        Reply::Json(json!([{"version": "3.3.10"}, rows(&user, None)]))
    };
    let old = Server::start(
        move |request| match request.has_action("query_server_information") {
            true => old(),
            false => Reply::Json(json!([rows(&json!([]), None)])),
        },
    )
    .await;
    seen.push(("too old", said(old.config()).await));
    let (_down, config) = answering(|| raw("503 Service Unavailable", &[], "")).await;
    seen.push(("restarting", said(config).await));
    let (_broken, config) = answering(|| raw("500 Internal Server Error", &[], "")).await;
    seen.push(("broken", said(config).await));
    let unknown = || {
        let said = "The user ada does not exist";
        Reply::Json(json!({"exception": "InvalidCredentialsError", "content": said}))
    };
    let (_unknown, config) = answering(unknown).await;
    seen.push(("wrong user, and the server says so", said(config).await));
    seen
}

#[tokio::test]
async fn each_cause_has_a_sentence_of_its_own() {
    install_tls();
    let mut seen = credentials().await;
    seen.extend(addresses().await);
    let table: Vec<_> = seen
        .iter()
        .map(|(cause, (sentence, _))| (*cause, sentence.as_str()))
        .collect();
    assert_eq!(
        table,
        [
            (
                "a key with a blank",
                "The API key is missing or holds characters that it cannot."
            ),
            (
                "wrong key",
                "ftrack does not accept this user name with this API key."
            ),
            (
                "wrong user",
                "ftrack does not accept this user name with this API key."
            ),
            (
                "a key that was right until now",
                "ftrack does not accept this API key any more."
            ),
            ("expired key", "The API key has expired."),
            ("disabled user", "This user is disabled in ftrack."),
            ("no server", "No ftrack server is given."),
            (
                "no address",
                "The server's address is not right: `http://two words` is not an address."
            ),
            ("nobody listens", "Nothing answers at 127.0.0.1."),
            (
                "unknown authority",
                "The certificate of 127.0.0.1 is not trusted."
            ),
            (
                "web page",
                "127.0.0.1 is no ftrack server: it answered with a web page."
            ),
            ("no TLS", "127.0.0.1 does not speak HTTPS."),
            (
                "other web server",
                "127.0.0.1 is no ftrack server: it answered with status 404."
            ),
            (
                "other API",
                "127.0.0.1 is no ftrack server: it answered with something that is no list of results."
            ),
            (
                "redirect",
                "127.0.0.1 sends its callers to http://elsewhere.test/login."
            ),
            ("too old", "The ftrack server is too old (3.3.10)."),
            ("restarting", "ftrack is busy or being restarted."),
            ("broken", "ftrack failed with an error of its own (500)."),
            (
                "wrong user, and the server says so",
                "ftrack does not know this user name."
            ),
        ]
    );
    let sentences: BTreeSet<_> = table.iter().map(|(_, sentence)| sentence).collect();
    // ftrack says the same of a wrong key and a wrong user, so one sentence names both. All others differ.
    assert_eq!(sentences.len(), table.len() - 1);
    assert!(seen.iter().all(|(_, (_, hint))| hint.ends_with('.')));
}

#[tokio::test]
async fn what_the_server_says_about_a_call_reaches_the_caller_typed_and_in_its_words() {
    let studio = Studio::demo().await;
    let session = &studio.session;
    let user = session.user().clone();
    let project = studio
        .row("select name, project_schema_id from Project limit 1")
        .await;
    let create = |entity_type: &str, data_of: Value| Operation::create(entity_type, data(data_of));
    let kind = async |operation: Operation| {
        let error = session.call(&[operation]).await.unwrap_err();
        let said = error.exception().cloned().unwrap();
        assert!(
            !said.content.is_empty()
                && error
                    .sentence()
                    .contains(said.content.trim_end_matches('.'))
        );
        assert!(!error.outcome_unknown());
        (error.kind(), said.name)
    };
    let twice = json!({"name": project["name"], "project_schema_id": project["project_schema_id"]});
    for (operation, expected) in [
        (
            create("Shot", json!({"frobnicate": 1})),
            ("invalid", "ValidationError"),
        ),
        (create("Project", twice), ("conflict", "IntegrityError")),
        (
            create("Shot", json!({"name": "x", "parent_id": "nowhere"})),
            ("conflict", "IntegrityError"),
        ),
        (
            create("User", json!({"username": user.username})),
            ("conflict", "IntegrityError"),
        ),
    ] {
        let (kind, name) = kind(operation).await;
        assert_eq!((kind, name.as_str()), expected);
    }
    let error = session
        .query("select id from Task where")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::BadQuery(said) if said.name == "ParseError"),
        "{error:?}"
    );
    let error = session.query("select nothing from Task").await.unwrap_err();
    assert!(matches!(&error, CallError::Invalid(_)), "{error:?}");
    let error = session
        .call_raw(vec![json!({"action": "levitate"})])
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::Refused(said) if said.content.contains("u'levitate'")),
        "{error:?}"
    );
}
