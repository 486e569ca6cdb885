//! The serving loop against a host that is not well.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::thread::{self, JoinHandle};

use callboard_plugin_sdk::{
    Failure, FailureKind, Host, Launch, Outcome, Plugin, ServeError, Typed, serve_connection,
};
use callboard_protocol::{Message, PluginHello};
use callboard_wire::{Connection, encode_hello};
use serde_json::{Value, json};

/// Asks the host one thing and says what came of it.
struct Asking;

impl Plugin for Asking {
    fn launch(&mut self, _: &Launch, host: &Host) -> Result<Outcome, Failure> {
        let found = host.query("Shot")?;
        Ok(Outcome::done(format!("{} found", found.len())))
    }
}

type Served = JoinHandle<Result<(), ServeError>>;

fn start() -> (Connection, Served) {
    let (mut host, plugin) = Connection::memory();
    let served = thread::Builder::new()
        .spawn(move || serve_connection(plugin, &mut Typed(Asking)))
        .unwrap();
    let hello = json!({"versions": [1], "plugin": "asking"});
    host.hello::<PluginHello>(&hello).unwrap();
    (host, served)
}

fn launch(id: u64) -> Message {
    request(
        id,
        "launch",
        json!({"job": "j", "action": "asking.ask", "context": {"surface": "cli"}}),
    )
}

fn request(id: u64, method: &str, params: Value) -> Message {
    let method = method.to_owned();
    Message::Request { id, method, params }
}

fn answer(id: u64, result: Value) -> Message {
    Message::Answer {
        id: Some(id),
        result: Ok(result),
    }
}

fn failure_of(host: &mut Connection, expected: Option<u64>) -> Failure {
    match host.receive().unwrap() {
        Some(Message::Answer {
            id,
            result: Err(failure),
        }) => {
            assert_eq!(id, expected);
            failure
        }
        other => panic!("no failure: {other:?}"),
    }
}

fn check_works(host: &mut Connection, id: u64) {
    host.send(&launch(id)).unwrap();
    let Some(Message::Request { id: asked, .. }) = host.receive().unwrap() else {
        panic!("it asks nothing");
    };
    host.send(&answer(asked, json!({"results": [[{}, {}]]})))
        .unwrap();
    let done = json!({"outcome": "done", "message": "2 found", "output": null});
    assert_eq!(host.receive().unwrap(), Some(answer(id, done)));
}

#[test]
fn nonsense_is_answered_and_survived() {
    let (mut host, _served) = start();
    host.send(&request(1, "dance", json!({}))).unwrap();
    assert_eq!(
        failure_of(&mut host, Some(1)).kind,
        FailureKind::Unsupported
    );
    host.send(&request(2, "launch", json!({"job": 7}))).unwrap();
    assert_eq!(failure_of(&mut host, Some(2)).kind, FailureKind::Invalid);
    let (mut receiver, sender) = host.split();
    for line in [
        "nonsense\n".to_owned(),
        format!("{}\n", "[".repeat(200_000)),
    ] {
        sender.send_line(line.as_bytes()).unwrap();
        let refused = receiver.receive().unwrap();
        assert!(matches!(
            refused,
            Some(Message::Answer {
                id: None,
                result: Err(_)
            })
        ));
    }
    // Answers that nobody waits for, a notification that nobody knows, and a cancel of nothing.
    for message in [
        answer(99, json!({})),
        Message::Notification {
            method: "rain".to_owned(),
            params: json!({}),
        },
        Message::Notification {
            method: "cancel".to_owned(),
            params: json!({}),
        },
    ] {
        sender.send(&message).unwrap();
    }
    sender.send(&launch(3)).unwrap();
    assert!(matches!(
        receiver.receive().unwrap(),
        Some(Message::Request { id: 1, .. })
    ));
}

#[test]
fn an_answer_of_another_form_fails_the_turn_alone() {
    let (mut host, _served) = start();
    for (id, result) in [
        (1, json!(7)),
        (2, json!({"results": []})),
        (3, json!({"results": [[], []]})),
    ] {
        host.send(&launch(id)).unwrap();
        let Some(Message::Request { id: asked, .. }) = host.receive().unwrap() else {
            panic!("it asks nothing");
        };
        host.send(&answer(asked, result)).unwrap();
        assert_eq!(failure_of(&mut host, Some(id)).kind, FailureKind::Internal);
    }
    check_works(&mut host, 4);
}

#[test]
fn a_host_that_goes_away_ends_what_waits_for_it() {
    let (mut host, served) = start();
    host.send(&launch(1)).unwrap();
    assert!(matches!(
        host.receive().unwrap(),
        Some(Message::Request { .. })
    ));
    let (mut receiver, sender) = host.split();
    drop(sender);
    let Some(Message::Answer {
        result: Err(failure),
        ..
    }) = receiver.receive().unwrap()
    else {
        panic!("no failure");
    };
    assert_eq!(failure.message, "the host is gone");
    assert!(served.join().unwrap().is_ok());
}

#[test]
fn a_host_of_another_version_is_no_host() {
    let (host, plugin) = Connection::memory();
    let (_receiver, sender) = host.split();
    sender
        .send_line(&encode_hello(&json!({"versions": [2]})))
        .unwrap();
    let served = serve_connection(plugin, &mut Typed(Asking));
    assert!(matches!(served, Err(ServeError::Hello(_))));
}
