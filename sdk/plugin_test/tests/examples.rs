//! The SDK's examples, as their authors would test them.

#[path = "../../plugin_sdk/examples/dailies/main.rs"]
#[expect(dead_code, reason = "its `main` is the program's")]
mod dailies;

use std::path::Path;

use callboard_plugin_test::{
    Context, Failure, FailureKind, HostMethod, HttpAnswer, Map, Outcome, PluginTest, Value, json,
};

fn dailies() -> PluginTest {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin_sdk/examples/dailies");
    let rows = ["f1", "f2", "f3", "f4"].map(|id| {
        let row: Map<String, Value> = [("id".to_owned(), json!(id))].into_iter().collect();
        row
    });
    let mut test = PluginTest::new(folder, dailies::Dailies).ftrack(move |_| Ok(rows.to_vec()));
    for id in ["f1", "f2", "f3", "f4"] {
        test = test.file(id, format!("film {id}"));
    }
    test.secret("room", "t0ken").web(|request| {
        let (_, value) = &request.headers[0];
        let status = if value == "Bearer t0ken" { 204 } else { 401 };
        Ok(HttpAnswer {
            status,
            ..HttpAnswer::default()
        })
    })
}

fn launch(test: &mut PluginTest) -> Result<Outcome, Failure> {
    test.launch("fetch", Context::default(), json!({}))
}

#[test]
fn dailies_are_fetched_once() {
    let mut test = dailies();
    assert_eq!(launch(&mut test), Ok(Outcome::done("4 films")));
    let record = test.record();
    assert_eq!(record.store_logs["fetched"].len(), 4);
    assert_eq!(record.web_requests.len(), 1);
    assert_eq!((record.calls.len(), record.opened.len()), (1, 1));
    assert_eq!(launch(&mut test), Ok(Outcome::done("there is nothing new")));
}

#[test]
fn a_room_that_does_not_answer_fails_the_job_and_nothing_is_fetched_twice() {
    let mut test = dailies();
    test.fail_next(
        HostMethod::HttpRequest,
        Failure::new(
            FailureKind::Unavailable,
            "could not reach `room.example.com`",
        ),
    );
    assert_eq!(
        launch(&mut test).unwrap_err().kind,
        FailureKind::Unavailable
    );
    assert_eq!(test.record().store_logs["fetched"].len(), 4);
    assert_eq!(launch(&mut test), Ok(Outcome::done("there is nothing new")));
}
