//! Stories about jobs that launch jobs.

mod world;

use callboard_protocol::{Failure, FailureKind, JobState, Outcome};
use engine::{Ask, Event, ProcessEnd, ProcessId};
use serde_json::{Value, json};

use world::{World, failure};

/// A turn of `a.go`, which may launch jobs, in a host with `b` and `c`.
fn turn() -> (World, ProcessId) {
    let mut world = World::ready();
    let plugin = |id: &str| {
        json!({"id": id, "version": "1", "run": {"library": id}, "permissions": ["jobs"],
            "action": [{"id": "go", "label": "Go"}, {"id": "on", "label": "On"}]})
    };
    world.catalogue(&["a", "b", "c", "d", "e"].map(plugin));
    world.launch("a.go", &[]);
    let process = world.started("a");
    (world, process)
}

fn child(key: &str, action: &str, wait_secs: Option<u32>) -> Value {
    json!({"key": key, "action": action, "values": {"n": 1}, "wait_secs": wait_secs})
}

fn kind(answer: Option<Result<Value, Failure>>) -> FailureKind {
    answer.expect("an answer").expect_err("a refusal").kind
}

#[test]
fn a_child_is_waited_for_and_the_same_key_is_the_same_child() {
    let (mut world, parent) = turn();
    assert_eq!(
        world.ask_host(parent, "jobs.launch", child("k", "b.go", Some(30))),
        None
    );
    let process = world.started("b");
    let launch = world.turn(process);
    assert_eq!(
        (launch.context.user.as_str(), &launch.values["n"]),
        ("ada", &json!(1))
    );
    world.end_turn(process, Ok(Outcome::done("made")));
    let answer = world.last_answer(parent).unwrap().unwrap();
    assert_eq!(
        (&answer["job"], &answer["state"]),
        (&json!("job-2"), &json!("done"))
    );
    let again = world.ask_host(parent, "jobs.launch", child("k", "b.go", None));
    assert_eq!(again.unwrap().unwrap()["job"], "job-2");
    let other = world.ask_host(parent, "jobs.launch", child("k", "c.go", None));
    assert_eq!(kind(other), FailureKind::Conflict);
    assert_eq!(world.job("job-1").children, ["job-2".into()]);
    assert_eq!(world.job("job-2").parent, Some("job-1".into()));
}

#[test]
fn a_wait_ends_and_the_child_goes_on() {
    let (mut world, parent) = turn();
    assert_eq!(
        world.ask_host(parent, "jobs.launch", child("k", "b.go", Some(5))),
        None
    );
    world.pass(5_000);
    let answer = world.last_answer(parent).unwrap().unwrap();
    assert_eq!(answer["state"], "running");
    assert_eq!(world.job("job-2").summary.state, JobState::Running);
    let long = world.ask_host(parent, "jobs.launch", child("k", "b.go", Some(61)));
    assert_eq!(kind(long), FailureKind::Invalid);
}

#[test]
fn a_child_that_failed_is_run_again_under_its_key() {
    let (mut world, parent) = turn();
    world.ask_host(parent, "jobs.launch", child("k", "b.go", Some(30)));
    let process = world.started("b");
    world.end_turn(process, Err(failure("no disk")));
    let answer = world.last_answer(parent).unwrap().unwrap();
    assert_eq!(
        (&answer["state"], &answer["failure"]["message"]),
        (&json!("failed"), &json!("no disk"))
    );
    assert_eq!(
        world.ask_host(parent, "jobs.launch", child("k", "b.go", Some(30))),
        None
    );
    world.end_turn(process, Ok(Outcome::done("made")));
    let answer = world.last_answer(parent).unwrap().unwrap();
    assert_eq!(
        (&answer["job"], &answer["state"]),
        (&json!("job-2"), &json!("done"))
    );
}

#[test]
fn nothing_goes_on_for_ever() {
    let (mut world, mut process) = turn();
    let own = world.ask_host(process, "jobs.launch", child("k", "a.go", None));
    assert_eq!(kind(own), FailureKind::Conflict, "its own action");
    for plugin in ["b", "c", "d"] {
        world.ask_host(
            process,
            "jobs.launch",
            child("k", &format!("{plugin}.go"), None),
        );
        process = world.started(plugin);
        let above = world.ask_host(process, "jobs.launch", child("up", "a.go", None));
        assert_eq!(
            kind(above),
            FailureKind::Conflict,
            "the action of a job above"
        );
    }
    let deep = world.ask_host(process, "jobs.launch", child("k", "e.go", None));
    assert_eq!(kind(deep), FailureKind::Limit);
    let top = world.started("a");
    for number in 1..32 {
        let more = world.ask_host(top, "jobs.launch", child(&number.to_string(), "e.on", None));
        assert!(more.unwrap().is_ok(), "{number}");
    }
    let many = world.ask_host(top, "jobs.launch", child("one more", "e.on", None));
    assert_eq!(kind(many), FailureKind::Limit);
}

#[test]
fn a_cancelled_parent_takes_its_children_with_it() {
    let (mut world, parent) = turn();
    world.ask_host(parent, "jobs.launch", child("k", "b.go", None));
    let process = world.started("b");
    world.ask_host(process, "jobs.launch", child("k", "c.go", None));
    world.ask(Ask::Cancel("job-1".into()));
    assert!(world.cancelled.contains(&process));
    assert!(world.cancelled.contains(&world.started("c")));
    world.end_turn(process, Ok(Outcome::Cancelled));
    assert_eq!(world.job("job-2").summary.state, JobState::Cancelled);
}

#[test]
fn a_child_outlives_a_crash_of_its_parent_and_a_restart_knows_both() {
    let (mut world, parent) = turn();
    world.ask_host(parent, "jobs.launch", child("k", "b.go", None));
    world.event(Event::ProcessEnded {
        process: parent,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    let process = world.started("b");
    world.end_turn(process, Ok(Outcome::done("made")));
    let mut world = world.restart();
    assert_eq!(world.job("job-1").children, ["job-2".into()]);
    assert_eq!(world.job("job-2").summary.state, JobState::Done);
}

#[test]
fn an_attached_file_is_kept_with_its_job() {
    let (mut world, process) = turn();
    let bad = world.ask_host(process, "jobs.attach", json!({"name": "../sheet.txt"}));
    assert_eq!(kind(bad), FailureKind::Invalid);
    assert_eq!(
        world.ask_host(process, "jobs.attach", json!({"name": "sheet.txt"})),
        None
    );
    let (token, asker, _) = world.served.pop_front().unwrap();
    assert_eq!(asker.job.as_str(), "job-1");
    let file =
        json!({"name": "sheet.txt", "path": "/jobs/sheet.txt", "size_bytes": 3, "sha256": "ab"});
    let result = Ok(file.clone());
    world.event(Event::Served { token, result });
    assert_eq!(world.last_answer(process), Some(Ok(file)));
    let mut world = world.restart();
    assert_eq!(world.job("job-1").files[0].name, "sheet.txt");
}
