//! Stories at the engine's border, about events that are handed over as steps.

mod world;

use callboard_protocol::{EventPlace, FailureKind, JobState, Outcome, UnitState};
use engine::{Ask, CallResult, Event, ProcessId};
use serde_json::{Value, json};

use world::{World, failure, units};

/// Returns a world where `maker` may publish, in a turn.
fn world() -> (World, ProcessId) {
    let mut world = World::ready();
    world.catalogue_maker(&json!(["ftrack.create.Shot", "events"]));
    let process = world.launched_maker();
    (world, process)
}

fn tell(in_doubt: &str) -> Value {
    json!({"id": "tell", "label": "tell all", "kind": "event", "in_doubt": in_doubt,
        "event": {"id": "e1", "topic": "studio.made", "data": {"made": 2}}})
}

/// Hands over an event, and ends the turn.
fn handed_over(in_doubt: &str) -> (World, ProcessId) {
    let (mut world, process) = world();
    world.hand_over(process, json!({"key": "k", "steps": [tell(in_doubt)]}));
    world.end_turn(process, Ok(Outcome::Waits));
    (world, process)
}

fn unknown() -> CallResult {
    CallResult::Unknown {
        failure: failure("the confirmation was lost"),
    }
}

fn unit_state(world: &World, process: ProcessId) -> (UnitState, Option<FailureKind>) {
    let report = world.turn(process).steps.expect("a report");
    let unit = report
        .units()
        .find(|unit| unit.key == "tell")
        .expect("the event");
    (
        unit.state,
        unit.failure.as_ref().map(|failure| failure.kind),
    )
}

#[test]
fn an_event_is_published_under_its_own_id_as_who_handed_it_over() {
    let (mut world, process) = handed_over("repeat");
    let event = world.answer_publish(CallResult::Done);
    assert_eq!(
        (&event["id"], &event["topic"]),
        (&json!("e1"), &json!("studio.made"))
    );
    assert_eq!(event["source"]["callboardPlugin"], "maker");
    assert_eq!(event["source"]["user"]["username"], "ada");
    assert_eq!(unit_state(&world, process), (UnitState::Done, None));
    assert!(world.published.is_empty(), "it is published once");
}

#[test]
fn an_event_waits_for_what_it_tells_of_and_fails_with_it() {
    for refused in [false, true] {
        let (mut world, process) = world();
        let mut work = units(&["a", "b"]);
        let mut step = tell("repeat");
        step["needs"] = json!(["make"]);
        work["steps"].as_array_mut().expect("steps").push(step);
        world.hand_over(process, work);
        world.end_turn(process, Ok(Outcome::Waits));
        assert!(world.published.is_empty());
        while world.has_call() {
            world.answer_call_with(|sent| match refused && sent.contains(&"b".to_owned()) {
                true => CallResult::Refused {
                    failure: failure("no"),
                    duplicate: false,
                },
                false => CallResult::Done,
            });
        }
        if !refused {
            world.answer_publish(CallResult::Done);
            assert_eq!(unit_state(&world, process).0, UnitState::Done);
            continue;
        }
        assert!(world.published.is_empty(), "one shot is missing");
        assert_eq!(unit_state(&world, process).0, UnitState::Failed);
        // A retry makes what is missing, and then tells.
        let outcome = json!({"outcome": "partly", "message": "1 of 2 made"});
        world.end_turn(
            process,
            Ok(serde_json::from_value(outcome).expect("an outcome")),
        );
        world.ask(Ask::Retry("job-1".into()));
        assert_eq!(world.answer_look_up(false), ["b"]);
        assert_eq!(world.answer_call(CallResult::Done), ["b"]);
        world.answer_publish(CallResult::Done);
        assert_eq!(unit_state(&world, process).0, UnitState::Done);
    }
}

#[test]
fn an_event_that_did_not_leave_is_published_when_the_hub_is_back() {
    let (mut world, process) = handed_over("fail");
    world.answer_publish(CallResult::NotSent {
        failure: failure("the hub is away"),
        retry_after_ms: None,
    });
    assert_eq!(world.job("job-1").summary.message, "the hub is away");
    world.event(Event::HubConnected);
    world.answer_publish(CallResult::Done);
    assert_eq!(unit_state(&world, process), (UnitState::Done, None));
}

#[test]
fn an_event_in_doubt_is_repeated_or_given_up_as_its_step_says() {
    let (mut world, process) = handed_over("repeat");
    world.answer_publish(unknown());
    world.pass(1_000);
    assert_eq!(world.answer_publish(CallResult::Done)["id"], "e1");
    assert_eq!(unit_state(&world, process), (UnitState::Done, None));

    let (mut world, process) = handed_over("fail");
    world.answer_publish(unknown());
    world.pass(1_000);
    assert!(world.published.is_empty(), "it may have been published");
    let expected = (UnitState::Failed, Some(FailureKind::Interrupted));
    assert_eq!(unit_state(&world, process), expected);
    // A person who retries has decided.
    world.end_turn(process, Err(failure("not told")));
    world.ask(Ask::Retry("job-1".into()));
    assert_eq!(world.answer_publish(CallResult::Done)["id"], "e1");
    assert_eq!(unit_state(&world, process), (UnitState::Done, None));
}

#[test]
fn an_event_that_was_being_published_when_the_host_died_is_in_doubt() {
    for (in_doubt, again) in [("repeat", true), ("fail", false)] {
        let (world, _) = handed_over(in_doubt);
        assert_eq!(world.published.len(), 1);
        let mut world = world.restart();
        assert_eq!(world.published.len(), usize::from(again), "{in_doubt}");
        if again {
            assert_eq!(world.answer_publish(CallResult::Done)["id"], "e1");
        } else {
            let report = world.job("job-1").steps.expect("a report");
            assert_eq!(
                report.units().next().map(|unit| unit.state),
                Some(UnitState::Failed)
            );
        }
    }
}

#[test]
fn an_event_that_was_confirmed_is_not_published_after_a_restart() {
    let (mut world, _) = handed_over("repeat");
    world.answer_publish(CallResult::Done);
    let world = world.restart();
    assert!(world.published.is_empty());
}

#[test]
fn a_cancelled_event_is_not_published() {
    let (mut world, process) = world();
    let mut work = units(&["a"]);
    let mut step = tell("repeat");
    step["needs"] = json!(["make"]);
    work["steps"].as_array_mut().expect("steps").push(step);
    world.hand_over(process, work);
    world.end_turn(process, Ok(Outcome::Waits));
    world.ask(Ask::Cancel("job-1".into()));
    world.answer_call(CallResult::Done);
    assert!(world.published.is_empty());
    assert_ne!(world.job("job-1").summary.state, JobState::Done);
}

#[test]
fn events_that_wait_for_the_hub_hold_up_no_calls() {
    let (mut world, process) = world();
    let mut work = units(&["a"]);
    let steps = work["steps"].as_array_mut().expect("steps");
    for number in 0..6 {
        let mut step = tell("repeat");
        step["id"] = json!(format!("tell-{number}"));
        steps.insert(0, step);
    }
    world.hand_over(process, work);
    world.end_turn(process, Ok(Outcome::Waits));
    assert_eq!(world.published.len(), 4, "more wait for their turn");
    assert_eq!(world.answer_call(CallResult::Done), ["a"]);
    while !world.published.is_empty() {
        world.answer_publish(CallResult::Done);
    }
    let report = world.turn(process).steps.expect("a report");
    assert!(report.units().all(|unit| unit.state == UnitState::Done));
}

#[test]
fn an_event_that_could_not_be_told_apart_or_is_not_allowed_is_refused() {
    for (permissions, key, value, message) in [
        (
            json!(["events"]),
            "/event/id",
            json!(""),
            "the event of step `tell` has no id",
        ),
        (
            json!(["events"]),
            "/event/topic",
            json!("callboard.x"),
            "a plugin may not publish `callboard.x`",
        ),
        (
            json!(["events"]),
            "/in_doubt",
            json!("from the future"),
            "step `tell` has an `in_doubt` that this version does not know",
        ),
        (
            json!([]),
            "/id",
            json!("tell"),
            "the manifest of `maker` does not declare the permission `events`",
        ),
    ] {
        let mut world = World::ready();
        world.catalogue_maker(&permissions);
        let process = world.launched_maker();
        let mut step = tell("repeat");
        *step.pointer_mut(key).expect("a key") = value;
        let answer = world.ask_host(
            process,
            "steps.hand_over",
            json!({"key": "k", "steps": [step]}),
        );
        let refusal = answer.expect("an answer").expect_err("a refusal");
        assert_eq!(refusal.message, message);
        assert!(world.published.is_empty());
    }
}

#[test]
fn an_event_that_is_published_twice_is_heard_once() {
    let mut world = World::ready();
    world.catalogue(&[json!({"id": "log", "version": "1", "run": {"library": "log"}, "permissions": ["events"],
        "action": [{"id": "write", "label": "Write"}],
        "subscription": [{"id": "made", "on": "hub", "expression": "topic=studio.made", "action": "write"}]})]);
    let event = |plugin: Option<&str>| {
        let mut event = callboard_event::Event::new("studio.made", json!({})).with_id("e1");
        event.source = json!({"callboardPlugin": plugin});
        if plugin.is_none() {
            event.source = json!({});
        }
        Event::Happened {
            on: EventPlace::Hub,
            event: Box::new(event),
        }
    };
    let mut heard = |from: Option<&str>| {
        world.event(event(from));
        world.event(event(from));
        world.pass(10_000);
        let process = world.started("log");
        let mut heard = 0;
        let mut last = None;
        loop {
            let launch = world.turn(process);
            if last.as_ref() == Some(&launch.job) {
                break;
            }
            heard += launch.event.expect("events").events.len();
            last = Some(launch.job);
            world.end_turn(process, Ok(Outcome::done("")));
            world.pass(10_000);
        }
        heard
    };
    assert_eq!(heard(Some("maker")), 1);
    assert_eq!(
        heard(None),
        2,
        "who is no plugin of ours may use its ids as it likes"
    );
}
