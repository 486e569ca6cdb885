//! Stories at the engine's border, about work that was handed over: it is done once, or says why not.

mod world;

use callboard_protocol::{FailureKind, JobState, Operation, Outcome, UnitState};
use engine::{Ask, CallResult, Effect, Event, ProcessEnd, Row};
use serde_json::{Value, json};

use world::{World, create, failure, units};

#[test]
fn handed_over_work_is_done_though_the_plugin_dies() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a", "b"]));
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    assert_eq!(world.job("job-1").summary.state, JobState::Working);
    assert_eq!(world.answer_call(CallResult::Done), ["a", "b"]);
    world.pass(500);
    let process = world.started("maker");
    let launch = world.turn(process);
    let report = launch.steps.expect("a report");
    assert!(report.units().all(|unit| unit.state == UnitState::Done));
    assert_eq!(
        launch.state,
        json!("mine"),
        "the turn after the steps gets the hand-over's state"
    );
    world.end_turn(process, Ok(Outcome::done("2 made")));
    assert_eq!(world.job("job-1").summary.state, JobState::Done);
}

#[test]
fn a_hand_over_that_is_being_written_when_the_plugin_dies_is_done() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hold_ledger = true;
    world.hand_over(process, units(&["a"]));
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    world.release_ledger();
    assert_eq!(world.job("job-1").summary.state, JobState::Working);
    assert_eq!(world.answer_call(CallResult::Done), ["a"]);
}

#[test]
fn a_lost_answer_is_looked_up_never_assumed() {
    for (exists, sent_again) in [(true, false), (false, true)] {
        let mut world = World::ready();
        let process = world.launched_maker();
        world.hand_over(process, units(&["a", "b"]));
        world.end_turn(process, Ok(Outcome::Waits));
        world.answer_call(CallResult::Unknown {
            failure: failure("the answer was lost"),
        });
        assert_eq!(world.job("job-1").summary.message, "the answer was lost");
        world.pass(1_000);
        assert_eq!(
            world.answer_look_up(exists),
            ["a", "b"],
            "the first id of each unit"
        );
        assert_eq!(world.has_call(), sent_again);
    }
}

#[test]
fn a_duplicate_may_be_our_own_and_is_looked_up() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a"]));
    world.end_turn(process, Ok(Outcome::Waits));
    world.answer_call(CallResult::Refused {
        failure: failure("duplicate"),
        duplicate: true,
    });
    world.answer_look_up(true);
    assert!(
        world
            .turn(process)
            .steps
            .expect("a report")
            .units()
            .all(|unit| unit.state == UnitState::Done)
    );
}

#[test]
fn a_refused_batch_is_halved_until_the_bad_unit_stands_alone() {
    let mut world = World::ready();
    let process = world.launched_maker();
    let mut work = units(&["seq", "a", "bad", "c", "d"]);
    work["steps"][0]["units"][4]["needs"] = json!(["bad"]);
    world.hand_over(process, work);
    world.end_turn(process, Ok(Outcome::Waits));
    let mut calls = 0;
    while world.has_call() {
        calls += 1;
        world.answer_call_with(|sent| {
            if sent.contains(&"bad".to_owned()) {
                CallResult::Refused {
                    failure: failure("no"),
                    duplicate: false,
                }
            } else {
                CallResult::Done
            }
        });
    }
    assert!(calls <= 6, "{calls} calls");
    let report = world.turn(process).steps.expect("a report");
    let states: Vec<_> = report
        .units()
        .map(|unit| (unit.key.as_str(), unit.state))
        .collect();
    assert_eq!(
        states,
        [
            ("seq", UnitState::Done),
            ("a", UnitState::Done),
            ("bad", UnitState::Failed),
            ("c", UnitState::Done),
            ("d", UnitState::Failed)
        ]
    );
    let why: Vec<_> = report
        .units()
        .filter_map(|unit| unit.failure.as_ref())
        .map(|failure| failure.message.as_str())
        .collect();
    assert_eq!(why, ["no", "it needs `bad`, which could not be made"]);

    // A retry does only the rest.
    world.end_turn(
        process,
        Ok(Outcome::Partly {
            message: "3 of 5".into(),
            output: Value::Null,
        }),
    );
    world.ask(Ask::Retry("job-1".into()));
    world.answer_look_up(false);
    assert_eq!(world.answer_call(CallResult::Done), ["bad", "d"]);
}

#[test]
fn a_server_that_is_away_is_waited_for_and_tried_at_once_when_it_is_back() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a"]));
    world.end_turn(process, Ok(Outcome::Waits));
    world.answer_call(CallResult::NotSent {
        failure: failure("no network"),
        retry_after_ms: None,
    });
    assert!(!world.has_call());
    world.event(Event::HubConnected);
    assert_eq!(world.answer_call(CallResult::Done), ["a"]);
}

#[test]
fn updates_are_compared_before_and_after() {
    let unit = |before: &str, after: &str| {
        json!({"key": "k", "steps": [{"id": "s", "kind": "call", "units": [{"key": "u", "operations": [
            {"action": "update", "entity_type": "Shot", "key": ["x"], "before": {"name": before}, "data": {"name": after}}]}]}]})
    };
    for (now, expected) in [("old", "sent"), ("new", "done"), ("other", "conflict")] {
        let mut world = World::ready();
        let process = world.launched_maker();
        world.hand_over(process, unit("old", "new"));
        world.end_turn(process, Ok(Outcome::Waits));
        world
            .answer_look_up_with(|_| vec![Some(json!({"name": now}).as_object().unwrap().clone())]);
        if expected == "sent" {
            assert_eq!(world.answer_call(CallResult::Done), ["x"]);
        }
        assert!(!world.has_call());
        let report = world.turn(process).steps.expect("a report");
        let unit = report.units().next().expect("a unit");
        let wanted = if expected == "conflict" {
            UnitState::Failed
        } else {
            UnitState::Done
        };
        assert_eq!(unit.state, wanted, "{now}");
        if expected == "conflict" {
            assert_eq!(
                unit.failure.as_ref().map(|failure| failure.kind),
                Some(FailureKind::Conflict)
            );
        }
    }
}

#[test]
fn five_hundred_shots_with_three_tasks_take_two_calls() {
    let mut world = World::ready();
    let process = world.launched_maker();
    let shots: Vec<Value> = (0..500)
        .map(|shot| {
            let operations: Vec<Value> = (0..4)
                .map(|part| create(&format!("{shot}-{part}")))
                .collect();
            json!({"key": format!("shot {shot}"), "needs": ["seq"], "operations": operations})
        })
        .collect();
    let mut all = vec![json!({"key": "seq", "operations": [create("seq")]})];
    all.extend(shots);
    world.hand_over(
        process,
        json!({"key": "k", "steps": [{"id": "s", "kind": "call", "units": all}]}),
    );
    world.end_turn(process, Ok(Outcome::Waits));
    let sizes: Vec<usize> = std::iter::from_fn(|| {
        world
            .has_call()
            .then(|| world.answer_call(CallResult::Done).len())
    })
    .collect();
    assert_eq!(sizes, [1997, 4], "a unit never crosses a batch");
}

#[test]
fn steps_that_cannot_be_done_are_refused_at_the_hand_over() {
    for (steps, sentence) in [
        (json!([]), "a hand-over needs a key and at least one step"),
        (
            json!([{"id": "s", "kind": "upload", "file": "f", "component_id": "c", "name": "n"}]),
            "step `s` is of a kind that this version does not do",
        ),
        (
            json!([{"id": "s", "kind": "call", "needs": ["t"], "units": []}]),
            "step `s` needs a step that does not stand before it: `t`",
        ),
        (
            json!([{"id": "s", "kind": "call", "units": [{"key": "u", "operations": []}]}]),
            "unit `u` has no operations",
        ),
        (
            json!([{"id": "s", "kind": "call", "units": [{"key": "u", "needs": ["v"], "operations": [create("a")]}]}]),
            "unit `u` needs a unit that does not stand before it: `v`",
        ),
    ] {
        let mut world = World::ready();
        let process = world.launched_maker();
        let answer = world.ask_host(
            process,
            "steps.hand_over",
            json!({"key": "k", "steps": steps}),
        );
        assert_eq!(
            answer.expect("an answer").expect_err("a refusal").message,
            sentence
        );
    }
}

#[test]
fn the_same_hand_over_twice_is_the_same_work() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a"]));
    world.hand_over(process, units(&["a"]));
    let kept = world
        .rows
        .iter()
        .filter(|row| matches!(row, Row::HandOver { .. }))
        .count();
    assert_eq!(kept, 1);
}

#[test]
fn cancelling_handed_over_work_stops_what_was_not_sent() {
    let mut world = World::with_batches_of(1);
    let process = world.launched_maker();
    world.hand_over(process, units(&["a", "b"]));
    world.end_turn(process, Ok(Outcome::Waits));
    world.ask(Ask::Cancel("job-1".into()));
    assert_eq!(world.answer_call(CallResult::Done), ["a"]);
    assert!(!world.has_call());
    let report = world.turn(process).steps.expect("a report");
    let states: Vec<_> = report.units().map(|unit| unit.state).collect();
    assert_eq!(states, [UnitState::Done, UnitState::Failed]);
}

#[test]
fn after_a_restart_work_goes_on_and_what_was_interrupted_says_so() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a", "b"]));
    world.end_turn(process, Ok(Outcome::Waits));
    world.launch("maker.make", &[]);
    world.started_for("maker", "job-2");
    let mut world = world.restart();
    let interrupted = world.job("job-2").failure.expect("a failure");
    assert_eq!(
        (interrupted.kind, interrupted.message.as_str()),
        (
            FailureKind::Interrupted,
            "Callboard stopped before it finished"
        )
    );
    assert_eq!(world.job("job-1").summary.state, JobState::Working);
    assert_eq!(
        world.answer_look_up(false),
        ["a", "b"],
        "what was sent is looked up first"
    );
    assert_eq!(world.answer_call(CallResult::Done), ["a", "b"]);
}

#[test]
fn operations_keep_their_order() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a", "b"]));
    let Some(Effect::Call { operations, .. }) = world.calls.front().cloned() else {
        panic!("no call")
    };
    let ids: Vec<_> = operations
        .iter()
        .map(|operation| match operation {
            Operation::Create { id, .. } => id.as_str(),
            _ => "?",
        })
        .collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn an_update_of_what_another_unit_makes_is_no_conflict_after_a_restart() {
    let mut world = World::ready();
    let process = world.launched_maker();
    let update = json!({"action": "update", "entity_type": "Shot", "key": ["a"], "before": {"name": "a"}, "data": {"name": "b"}});
    let work = json!({"key": "k", "steps": [{"id": "s", "kind": "call", "units": [
        {"key": "make", "operations": [create("a")]},
        {"key": "rename", "needs": ["make"], "operations": [update]}]}]});
    world.hand_over(process, work);
    world.end_turn(process, Ok(Outcome::Waits));
    let mut world = world.restart();
    assert_eq!(
        world.answer_look_up(false),
        ["a"],
        "what depends on it is not judged yet"
    );
    assert_eq!(world.answer_call(CallResult::Done), ["a"]);
    let named = json!({"name": "a"}).as_object().expect("an object").clone();
    world.answer_look_up_with(|_| vec![Some(named)]);
    assert_eq!(world.answer_call(CallResult::Done), ["a"]);
    let process = world.started("maker");
    let report = world.turn(process).steps.expect("a report");
    assert!(report.units().all(|unit| unit.state == UnitState::Done));
}

#[test]
fn a_unit_may_change_what_it_makes_itself() {
    let mut world = World::ready();
    let process = world.launched_maker();
    let update = json!({"action": "update", "entity_type": "Shot", "key": ["a"], "before": {}, "data": {"name": "b"}});
    let work = json!({"key": "k", "steps": [{"id": "s", "kind": "call", "units": [
        {"key": "u", "operations": [create("a"), update]}]}]});
    world.hand_over(process, work);
    world.end_turn(process, Ok(Outcome::Waits));
    assert_eq!(world.answer_call(CallResult::Done), ["a", "a"]);
}

#[test]
fn nobody_elses_credentials_send_what_was_handed_over() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a"]));
    world.answer_call(CallResult::Unknown {
        failure: failure("lost"),
    });
    world.event(Event::SignedOut(failure("the key has expired")));
    world.pass(120_000);
    assert!(!world.has_call() && world.look_ups.is_empty());
}

#[test]
fn what_certainly_was_not_sent_can_be_cancelled_while_the_server_is_away() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a"]));
    world.end_turn(process, Ok(Outcome::Waits));
    world.answer_call(CallResult::NotSent {
        failure: failure("no network"),
        retry_after_ms: None,
    });
    world.ask(Ask::Cancel("job-1".into()));
    world.event(Event::HubConnected);
    assert!(!world.has_call());
    let report = world.turn(process).steps.expect("a report");
    assert!(report.units().all(|unit| unit.state == UnitState::Failed));
}

#[test]
fn finished_work_is_said_to_be_done_though_its_plugin_cannot_say_so() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a"]));
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    world.answer_call(CallResult::Done);
    assert_eq!(world.job("job-1").summary.state, JobState::Queued);
    world.ask(Ask::Cancel("job-1".into()));
    let job = world.job("job-1");
    assert_eq!(job.summary.state, JobState::Done, "{}", job.summary.message);
}

#[test]
fn what_an_answered_question_left_behind_survives_a_restart() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hand_over(process, units(&["a"]));
    world.end_turn(process, Ok(Outcome::Waits));
    world.answer_call(CallResult::Done);
    let asks = Outcome::Asks {
        view: callboard_protocol::View::new("And now?"),
        state: json!("asked"),
    };
    world.end_turn(process, Ok(asks));
    world.ask(Ask::Answer {
        job: "job-1".into(),
        values: serde_json::Map::new(),
        question: None,
        wait_ms: None,
    });
    let mut world = world.restart();
    let process = world.started("maker");
    assert_eq!(world.turn(process).state, json!("asked"));
    world.end_turn(process, Ok(Outcome::done("both")));
    assert_eq!(world.job("job-1").summary.state, JobState::Done);
}

#[test]
fn a_batch_that_is_being_marked_is_not_sent_for_somebody_else() {
    let mut world = World::ready();
    let process = world.launched_maker();
    world.hold_ledger = true;
    world.hand_over(process, units(&["a"]));
    world.release_one();
    assert!(!world.has_call(), "the batch is being marked");
    world.event(Event::SignedOut(failure("the key has expired")));
    world.release_ledger();
    assert!(!world.has_call());
}
