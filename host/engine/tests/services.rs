//! Stories about services: who may ask for what, and what becomes of an answer that nobody waits for.
#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails")]

mod world;

use callboard_protocol::{Failure, FailureKind, Outcome, Progress};
use engine::{Event, ServiceRequest};
use serde_json::{Value, json};
use world::World;

fn create(entity_type: &str) -> Value {
    json!({"operations": [
        {"action": "create", "entity_type": entity_type, "id": "c1", "data": {"name": "sh010"}}]})
}

/// Asks as `maker`, which may create shots and has a store, and returns how the host refuses.
fn refusal(method: &str, params: Value) -> Failure {
    let mut world = World::ready();
    let process = world.launched_maker();
    let answer = world.ask_host(process, method, params);
    assert!(world.served.is_empty(), "`{method}` reached its service");
    answer.expect("an answer at once").unwrap_err()
}

#[test]
fn what_is_not_declared_reaches_no_service() {
    let page = json!({"expression": "Shot"});
    let download = json!({"component_id": "f1", "name": "a.mov"});
    for (method, params, permission) in [
        ("ftrack.page", page, "ftrack.read"),
        ("ftrack.download", download, "ftrack.read"),
        ("ftrack.call", create("Task"), "ftrack.create.Task"),
        (
            "http.request",
            json!({"url": "https://example.com"}),
            "http:HOST",
        ),
        ("open", json!({"target": "/tmp"}), "open"),
        ("secret.get", json!({"key": "k"}), "secret"),
        ("secret.put", json!({"key": "k", "value": "v"}), "secret"),
    ] {
        let failure = refusal(method, params);
        assert_eq!(failure.kind, FailureKind::Denied);
        assert!(failure.message.contains(permission), "{failure}");
        assert!(failure.hint.is_some());
    }
}

#[test]
fn a_call_that_makes_no_sense_is_not_sent() {
    let nothing = refusal("ftrack.call", json!({"operations": []}));
    assert_eq!(nothing.message, "a call needs at least one operation");
    let many: Vec<Value> = vec![create("Shot")["operations"][0].clone(); 2_001];
    let many = refusal("ftrack.call", json!({"operations": many}));
    assert_eq!(many.kind, FailureKind::Limit);
    let nameless = refusal("ftrack.call", create(""));
    assert_eq!(nameless.kind, FailureKind::Invalid);
}

#[test]
fn a_file_is_fetched_into_the_jobs_folder_and_nowhere_else() {
    let mut world = World::reader();
    let process = world.launched_maker();
    for name in [
        "",
        "..",
        ".profile",
        "../a.mov",
        "/etc/passwd",
        "a\\b",
        "a\0b",
    ] {
        let download = json!({"component_id": "f1", "name": name});
        let refused = world.ask_host(process, "ftrack.download", download);
        assert_eq!(refused.unwrap().unwrap_err().kind, FailureKind::Invalid);
    }
    assert!(world.served.is_empty());
}

#[test]
fn a_web_request_goes_with_the_hosts_of_the_manifest() {
    let mut world = World::ready();
    world.catalogue_maker(&json!(["http:*.example.com", "http:localhost", "store"]));
    let process = world.launched_maker();
    for method in ["get", "POST"] {
        let request = json!({"url": "https://a.example.com", "method": method});
        assert_eq!(world.ask_host(process, "http.request", request), None);
        let (_, _, ServiceRequest::Http { hosts, .. }) = world.served.pop_back().unwrap() else {
            panic!("another request");
        };
        assert_eq!(hosts, ["*.example.com", "localhost"]);
    }
    let outside = json!({"url": "https://a.example.com", "file": "../a"});
    let refused = world.ask_host(process, "http.request", outside);
    assert_eq!(refused.unwrap().unwrap_err().kind, FailureKind::Invalid);
    // What may have changed something is waited for, though nobody listens any more.
    world.end_turn(process, Ok(Outcome::done("gone")));
    assert_eq!(world.abandoned.len(), 1);
}

#[test]
fn a_secret_is_shown_by_nobody_on_its_way() {
    let mut world = World::ready();
    world.catalogue_maker(&json!(["secret"]));
    let process = world.launched_maker();
    let put = json!({"key": "token", "value": "s3cret"});
    assert_eq!(world.ask_host(process, "secret.put", put), None);
    let shown = format!("{:?}", world.served.pop_front().unwrap());
    assert!(
        shown.contains("token") && !shown.contains("s3cret"),
        "{shown}"
    );
    let large = json!({"key": "token", "value": "x".repeat(70_000)});
    let refused = world.ask_host(process, "secret.put", large);
    assert_eq!(refused.unwrap().unwrap_err().kind, FailureKind::Limit);
}

#[test]
fn the_store_takes_what_fits() {
    for (method, params, kind) in [
        ("store.get", json!({"key": ""}), FailureKind::Invalid),
        (
            "store.put",
            json!({"key": "k".repeat(513), "value": 1}),
            FailureKind::Invalid,
        ),
        (
            "store.put",
            json!({"key": "k", "value": "x".repeat(300_000)}),
            FailureKind::Limit,
        ),
        (
            "store.append",
            json!({"log": "", "value": 1}),
            FailureKind::Invalid,
        ),
        (
            "store.append",
            json!({"log": "l", "key": "", "value": 1}),
            FailureKind::Invalid,
        ),
        (
            "store.append",
            json!({"log": "l", "value": "x".repeat(300_000)}),
            FailureKind::Limit,
        ),
        ("store.trim", json!({"log": "l"}), FailureKind::Invalid),
    ] {
        assert_eq!(refusal(method, params).kind, kind, "{method}");
    }
}

#[test]
fn a_service_answers_whoever_asked() {
    let mut world = World::ready();
    let process = world.launched_maker();
    assert_eq!(world.ask_host(process, "ftrack.call", create("Shot")), None);
    let (token, asker, request) = world.served.pop_front().unwrap();
    assert_eq!(
        (asker.plugin.as_str(), asker.job.as_str()),
        ("maker", "job-1")
    );
    assert!(matches!(request, ServiceRequest::FtrackCall(_)));
    let result = Ok(json!({"results": [true]}));
    world.event(Event::Served {
        token,
        result: result.clone(),
    });
    assert_eq!(world.last_answer(process), Some(result));
}

#[test]
fn what_only_reads_is_given_up_with_the_turn_and_what_changes_something_is_not() {
    let mut world = World::reader();
    let process = world.launched_maker();
    world.ask_host(process, "ftrack.page", json!({"expression": "Shot"}));
    world.ask_host(process, "ftrack.call", create("Shot"));
    let (page, ..) = world.served.pop_front().unwrap();
    let (call, ..) = world.served.pop_front().unwrap();
    world.end_turn(process, Ok(Outcome::done("gone")));
    assert_eq!(world.abandoned, [page]);
    // The answer to the other finds nobody, and harms nobody.
    let result = Ok(json!({"results": []}));
    world.event(Event::Served {
        token: call,
        result,
    });
    assert_eq!(world.last_answer(process), None);
}

#[test]
fn a_service_that_gets_on_is_the_jobs_progress() {
    let mut world = World::reader();
    let process = world.launched_maker();
    world.pass(1_000);
    world.ask_host(process, "ftrack.page", json!({"expression": "Shot"}));
    let (token, ..) = world.served.pop_front().unwrap();
    let progress = Progress {
        fraction: Some(0.5),
        text: "half".to_owned(),
        ..Progress::default()
    };
    world.event(Event::ServiceAdvanced {
        token,
        progress: progress.clone(),
    });
    assert_eq!(world.job("job-1").summary.progress, Some(progress));
}
