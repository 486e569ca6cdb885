//! The server from outside, over plain sockets, so that no client library hides what is on the wire.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use sandbox::{Options, Sandbox, start};
use serde_json::{Value as Json, json};

fn request(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is closed on purpose may also be reset.
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8(answer).unwrap()
}

fn kept_in(folder: &std::path::Path) -> Options {
    Options {
        data: Some(folder.to_owned()),
        ..Options::default()
    }
}

/// What a test needs to know of a server to talk to it from any thread.
#[derive(Clone)]
struct Caller {
    address: SocketAddr,
    user: String,
    api_key: String,
    token: String,
}

impl Caller {
    fn new(sandbox: &Sandbox) -> Self {
        Self {
            address: sandbox.addr(),
            user: sandbox.user().to_owned(),
            api_key: sandbox.api_key().to_owned(),
            token: sandbox.control_token().to_owned(),
        }
    }

    fn post(&self, path: &str, body: &Json) -> String {
        let body = body.to_string();
        let Self {
            user,
            api_key,
            token,
            ..
        } = self;
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-type: application/json\r\n\
             ftrack-user: {user}\r\nftrack-api-key: {api_key}\r\nsandbox-token: {token}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        request(self.address, &text)
    }

    fn call(&self, operations: &Json) -> Json {
        let answer = self.post("/api", operations);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    fn names(&self, query: &str) -> Vec<String> {
        let answer = self.call(&json!([{"action": "query", "expression": query}]));
        let rows = answer[0]["data"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .clone();
        rows.iter()
            .map(|row| row["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

fn create_scope(name: &str) -> Json {
    json!([{"action": "create", "entity_type": "Scope", "entity_data": {"name": name}}])
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || kept_in(folder.path());
    let sandbox = start(options()).await.unwrap();
    let caller = Caller::new(&sandbox);
    let api_key = sandbox.api_key().to_owned();
    blocking(move || caller.call(&create_scope("kept"))).await;
    // Not stopped in peace: the tasks just end.
    drop(sandbox);

    let sandbox = start(options()).await.unwrap();
    assert_eq!(sandbox.api_key(), api_key);
    let caller = Caller::new(&sandbox);
    let names = blocking(move || caller.names("select name from Scope where name is kept")).await;
    assert_eq!(names, ["kept"]);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_type_made_at_run_time_outlives_a_restart_under_a_new_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = || kept_in(folder.path());
    let sandbox = start(options()).await.unwrap();
    let caller = Caller::new(&sandbox);
    let create = |kind: &str, data: Json| json!([{"action": "create", "entity_type": kind, "entity_data": data}]);
    let rename = json!([{
        "action": "update", "entity_type": "ObjectType", "entity_key": "vehicles",
        "entity_data": {"name": "Sea Vehicle"},
    }]);
    let batches = [
        create("ObjectType", json!({"id": "vehicles", "name": "Vehicle"})),
        create(
            "Folder",
            json!({"id": "fleet", "name": "fleet", "parent_id": harbour(&caller).await}),
        ),
        create("Vehicle", json!({"name": "tug", "parent_id": "fleet"})),
        rename,
    ];
    let hash = |caller: Caller| {
        blocking(move || {
            caller.call(&json!([{"action": "query_server_information"}]))[0]["schema_hash"].clone()
        })
    };
    let made = caller.clone();
    let answers = blocking(move || batches.map(|batch| made.call(&batch))).await;
    assert!(answers.iter().all(Json::is_array), "{answers:?}");
    let before = hash(caller).await;
    drop(sandbox);

    let sandbox = start(options()).await.unwrap();
    let caller = Caller::new(&sandbox);
    assert_eq!(hash(caller.clone()).await, before);
    let names = blocking(move || caller.names("select name from SeaVehicle")).await;
    assert_eq!(names, ["tug"]);
    sandbox.stop().await;
}

/// The id of the demo's first project.
async fn harbour(caller: &Caller) -> Json {
    let query = json!([{"action": "query", "expression": "Project where name is harbour"}]);
    let caller = caller.clone();
    blocking(move || caller.call(&query)[0]["data"][0]["id"].clone()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_sandbox_leaves_its_address_free() {
    let sandbox = start(Options::default()).await.unwrap();
    let listen = sandbox.addr();
    sandbox.stop().await;
    let again = start(Options {
        listen,
        ..Options::default()
    })
    .await
    .unwrap();
    assert_eq!(again.addr(), listen);
    let error = start(Options {
        listen,
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert_eq!(error.to_string(), format!("could not listen on `{listen}`"));
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_closed_before_or_after_the_work_as_asked() {
    let sandbox = start(Options::default()).await.unwrap();
    let caller = Caller::new(&sandbox);
    blocking(move || {
        for (fault, expected) in [("close_before", 0), ("close_after", 1)] {
            let answer = caller.post("/sandbox/faults", &json!({"match": fault, "fault": fault}));
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_eq!(caller.post("/api", &create_scope(fault)), "", "{fault}");
            assert_eq!(
                caller
                    .names(&format!("select name from Scope where name is {fault}"))
                    .len(),
                expected
            );
        }
    })
    .await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_at_once_are_all_answered() {
    let sandbox = start(Options::default()).await.unwrap();
    let caller = Caller::new(&sandbox);
    let clients = (0..50).map(|number| {
        let caller = caller.clone();
        tokio::task::spawn_blocking(move || caller.call(&create_scope(&format!("many{number}"))))
    });
    for client in clients.collect::<Vec<_>>() {
        assert_eq!(client.await.unwrap()[0]["action"], "create");
    }
    let names =
        blocking(move || caller.names("select name from Scope where name like \"many%\"")).await;
    assert_eq!(names.len(), 50);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_answered_and_not_obeyed() {
    let sandbox = start(Options::default()).await.unwrap();
    let caller = Caller::new(&sandbox);
    blocking(move || {
        for (body, expected) in [
            (json!({"action": "query"}), "HTTP/1.1 422"),
            (json!("text"), "HTTP/1.1 422"),
            (json!([1]), "The operation has no action"),
            (json!([{"action": "query"}]), "The query has no expression"),
            (json!([{"action": "dance"}]), "Invalid action u'dance'"),
            (
                json!([{"action": "create", "entity_type": "Task", "entity_data": [1]}]),
                "parent of Task is required",
            ),
            (
                json!([{"action": "update", "entity_type": "Task", "entity_key": [{}]}]),
                "neither text nor number",
            ),
        ] {
            let answer = caller.post("/api", &body);
            assert!(answer.contains(expected), "{body}: {answer}");
        }
        let wrong = Caller {
            token: "wrong".to_owned(),
            ..caller.clone()
        };
        assert!(
            wrong
                .post("/sandbox/faults", &json!({}))
                .starts_with("HTTP/1.1 403")
        );
    })
    .await;
    sandbox.stop().await;
}
