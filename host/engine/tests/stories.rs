//! Stories at the engine's border: events in, effects out, no I/O, no waiting.

mod world;

use callboard_protocol::{FailureKind, JobState, Operation, Outcome, PluginState, UnitState};
use engine::{Ask, CallResult, Effect, Event, ProcessEnd, Reply, Row, Stop};
use serde_json::{Value, json};

use world::{World, create, failure, units};

#[test]
fn a_launch_becomes_a_job_that_a_plugin_ends() {
    let mut world = World::ready();
    let request = world.launch("maker.make", &[]);
    assert_eq!(world.reply(request), Some(Reply::Launched("job-1".into())));
    let process = world.started("maker");
    let launch = world.turn(process);
    assert_eq!(
        (launch.context.user.as_str(), launch.job.as_str()),
        ("ada", "job-1")
    );
    world.end_turn(process, Ok(Outcome::done("made it")));
    let job = world.job("job-1");
    assert_eq!(
        (job.summary.state, job.summary.message.as_str()),
        (JobState::Done, "made it")
    );
}

#[test]
fn a_crashed_plugin_fails_only_its_own_jobs() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    world.launch("greeter.greet", &[]);
    let (maker, greeter) = (world.started("maker"), world.started("greeter"));
    world.event(Event::ProcessEnded {
        process: maker,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    let lost = world.job("job-1").failure.expect("a failure");
    assert_eq!(
        (lost.kind, lost.message.as_str()),
        (
            FailureKind::Interrupted,
            "`maker` stopped before it finished"
        )
    );
    assert_eq!(lost.causes, ["its process ended: signal 9"]);
    world.end_turn(greeter, Ok(Outcome::done("hello")));
    assert_eq!(world.job("job-2").summary.state, JobState::Done);
}

#[test]
fn an_interrupted_job_keeps_its_inputs_and_can_be_retried() {
    let mut world = World::ready();
    world.launch("maker.make", &[("shots", "sh010")]);
    let process = world.started("maker");
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    assert_eq!(world.job("job-1").values["shots"], "sh010");
    world.ask(Ask::Retry("job-1".into()));
    // The crash delays the next start.
    assert_eq!(world.job("job-1").summary.state, JobState::Queued);
    world.pass(500);
    let process = world.started("maker");
    assert_eq!(world.turn(process).values["shots"], "sh010");
}

#[test]
fn a_question_rests_without_a_process_and_its_answer_is_another_turn() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    let view = json!({"items": [
        {"type": "text", "name": "name", "value": "a"},
        {"type": "text", "name": "untouched", "value": "kept"},
        {"type": "password", "name": "secret", "value": ""}]});
    let asks = Outcome::Asks {
        view: serde_json::from_value(view).unwrap(),
        state: json!({"step": 1}),
    };
    world.end_turn(process, Ok(asks));
    assert_eq!(world.job("job-1").summary.state, JobState::Asks);
    world.pass(60_000);
    assert!(
        world.stopped.contains(&(process, Stop::Gently)),
        "no process is held while a person thinks"
    );
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Stopped,
    });

    let values = json!({"name": "b", "secret": "hunter2"});
    world.ask(Ask::Answer {
        job: "job-1".into(),
        values: values.as_object().unwrap().clone(),
        wait_ms: None,
    });
    let process = world.started("maker");
    let launch = world.turn(process);
    assert_eq!(launch.state, json!({"step": 1}));
    assert_eq!(
        Value::Object(launch.values),
        json!({"name": "b", "untouched": "kept", "secret": "hunter2"})
    );
    assert!(
        !format!("{:?}", world.rows).contains("hunter2"),
        "a password is never kept"
    );
    assert!(!world.job("job-1").values.contains_key("secret"));
}

#[test]
fn the_same_event_twice_is_the_same_launch() {
    let mut world = World::ready();
    let first = world.launch_event("maker.make", "event-1");
    let second = world.launch_event("maker.make", "event-1");
    assert_eq!(world.reply(first), Some(Reply::Launched("job-1".into())));
    assert_eq!(world.reply(second), Some(Reply::Launched("job-1".into())));
    assert_eq!(world.count_started("maker"), 1);
}

#[test]
fn an_application_that_comes_again_is_asked_on_its_new_connection() {
    let mut world = World::ready();
    world.launch_from_application("maker.make", "event-1", 7);
    let process = world.started("maker");
    world.launch_from_application("maker.make", "event-1", 9);
    world.ask_host(process, "dcc.describe", json!({"selection_id": "sel"}));
    assert_eq!(world.described, [9]);
}

#[test]
fn menus_wait_for_facts_on_the_web_only() {
    let mut world = World::ready();
    let here = world.discover("flame", "TypedContext", "s1");
    assert_eq!(
        world.menu(here),
        ["Greet", "Make"],
        "unknown shows the action at once"
    );
    world.answer_facts(&[("s1", "Sequence")]);
    let here = world.discover("flame", "TypedContext", "s1");
    assert_eq!(world.menu(here), ["Make"], "and the next menu knows");

    let web = world.discover("web", "TypedContext", "shot-1");
    assert_eq!(world.reply(web), None, "the web waits");
    world.answer_facts(&[("shot-1", "Shot")]);
    assert_eq!(world.menu(web), ["Greet"]);

    let web = world.discover("web", "TypedContext", "shot-2");
    world.pass(250);
    assert_eq!(world.menu(web), ["Greet", "Make"], "but not for ever");
}

#[test]
fn when_is_decided_again_at_launch() {
    let mut world = World::ready();
    let request = world.launch_on("maker.make", "TypedContext", "shot-1");
    world.answer_facts(&[("shot-1", "Shot")]);
    let Some(Reply::Failed(refusal)) = world.reply(request) else {
        panic!("not refused")
    };
    assert_eq!(
        refusal.message,
        "`Make` applies to `Project`, `Sequence` only"
    );
    let request = world.launch_on("maker.make", "Sequence", "nowhere");
    world.answer_facts(&[]);
    let Some(Reply::Failed(refusal)) = world.reply(request) else {
        panic!("not refused")
    };
    assert_eq!(
        refusal.message,
        "there is no Sequence with the id `nowhere`"
    );
}

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
fn a_plugin_may_only_do_what_its_manifest_declares() {
    let mut world = World::ready();
    world.launch("greeter.greet", &[]);
    let process = world.started("greeter");
    for (method, params, missing) in [
        (
            "ftrack.query",
            json!({"expressions": ["Shot"]}),
            "ftrack.read",
        ),
        ("steps.hand_over", units(&["a"]), "ftrack.create.Shot"),
        ("store.put", json!({"key": "k", "value": 1}), "store"),
        ("dcc.describe", json!({"selection_id": "s"}), "dcc"),
    ] {
        let refusal = world
            .ask_host(process, method, params)
            .expect("an answer")
            .expect_err("a refusal");
        assert_eq!(refusal.kind, FailureKind::Denied);
        assert!(
            refusal.message.contains(&format!("`{missing}`")),
            "{refusal}"
        );
    }
    let refusal = world
        .ask_host(process, "no.such", json!({}))
        .expect("an answer")
        .expect_err("a refusal");
    assert_eq!(refusal.kind, FailureKind::Unsupported);
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
fn a_plugin_that_crashes_too_often_is_quarantined_and_gets_another_try() {
    let mut world = World::ready();
    for crash in 0..5_u32 {
        world.launch("maker.make", &[]);
        world.pass(60_000);
        let process = world.started("maker");
        world.event(Event::ProcessEnded {
            process,
            end: ProcessEnd::Exited(format!("signal {crash}")),
        });
    }
    assert_eq!(world.plugin("maker").state, PluginState::Quarantined);
    world.launch("maker.make", &[]);
    let refusal = world.job("job-6").failure.expect("a failure");
    assert_eq!(
        refusal.message,
        "`maker` crashed too often and is not started any more"
    );
    assert_eq!(
        refusal.hint.as_deref(),
        Some("retry in 5 minutes, or mend the plugin and restart Callboard")
    );
    world.pass(300_000);
    world.ask(Ask::Retry("job-6".into()));
    let process = world.started("maker");
    world.end_turn(process, Ok(Outcome::done("mended")));
    assert_eq!(world.plugin("maker").state, PluginState::Running);
}

#[test]
fn a_plugin_that_never_answers_is_killed_and_named() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    world.pass(600_000);
    assert!(world.stopped.contains(&(process, Stop::Now)));
    let failure = world.job("job-1").failure.expect("a failure");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::TimedOut, "`maker` did not finish in time")
    );
}

#[test]
fn a_process_that_does_not_say_hello_fails_the_job_it_was_started_for() {
    let mut world = World::ready();
    world.hold_hello = true;
    world.launch("maker.make", &[]);
    world.pass(10_000);
    let failure = world.job("job-1").failure.expect("a failure");
    assert_eq!(
        failure.message,
        "`maker` was stopped because it did not say hello in time"
    );
}

#[test]
fn a_cancelled_turn_is_asked_to_end_and_then_killed() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    world.ask(Ask::Cancel("job-1".into()));
    assert!(world.cancelled.contains(&process));
    world.pass(5_000);
    assert!(world.stopped.contains(&(process, Stop::Now)));
    assert_eq!(world.job("job-1").summary.state, JobState::Cancelled);
    assert_eq!(
        world.plugin("maker").crashes,
        0,
        "a kill of ours is no crash"
    );
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
fn one_process_runs_one_job_and_a_plugin_has_no_more_than_it_may() {
    let mut world = World::ready();
    for _ in 0..3 {
        world.launch("maker.make", &[]);
    }
    assert_eq!(world.count_started("maker"), 2, "two is the default");
    let process = world.started("maker");
    world.end_turn(process, Ok(Outcome::done("one")));
    assert_eq!(
        world.turn(process).job.as_str(),
        "job-3",
        "an idle process is used again"
    );
}

#[test]
fn whoever_waits_is_answered_when_the_job_rests_or_the_time_is_up() {
    let mut world = World::ready();
    let request = world.launch_and_wait("maker.make", 5_000);
    assert_eq!(world.reply(request), None);
    world.pass(5_000);
    let Some(Reply::Job(job)) = world.reply(request) else {
        panic!("no answer")
    };
    assert_eq!(job.summary.state, JobState::Running);
    let process = world.started("maker");
    world.end_turn(process, Ok(Outcome::done("late")));
    assert_eq!(world.rested, ["job-1"], "its surface hears how it ended");
}

#[test]
fn a_launch_that_comes_before_the_first_sign_in_waits_for_it() {
    for (signs_in, expected) in [(true, "launched"), (false, "refused")] {
        let mut world = World::before_sign_in();
        world.event(Event::SignedOut(failure(
            "the server has not been reached yet",
        )));
        let request = world.launch("maker.make", &[]);
        assert_eq!(world.reply(request), None);
        if signs_in {
            world.sign_in();
        } else {
            world.pass(3_000);
        }
        let seen = match world.reply(request) {
            Some(Reply::Launched(_)) => "launched",
            Some(Reply::Failed(_)) => "refused",
            _ => "nothing",
        };
        assert_eq!(seen, expected);
    }
}

#[test]
fn progress_is_told_ten_times_a_second_at_most() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    let before = world.changes;
    for _ in 0..100 {
        world.pass(10);
        let message = callboard_protocol::Message::Notification {
            method: "progress".into(),
            params: json!({"fraction": 0.5}),
        };
        world.event(Event::ProcessSaid { process, message });
    }
    assert_eq!(world.changes - before, 10);
}

#[test]
fn nobody_is_signed_in_is_a_plain_refusal() {
    let mut world = World::ready();
    world.event(Event::SignedOut(failure("the key was refused")));
    let request = world.launch("maker.make", &[]);
    assert_eq!(
        world.reply(request),
        Some(Reply::Failed(failure("the key was refused")))
    );
}

#[test]
fn a_ledger_that_cannot_write_refuses_the_launch() {
    let mut world = World::ready();
    world.ledger_failure = Some(failure("the disk is full"));
    let request = world.launch("maker.make", &[]);
    assert_eq!(
        world.reply(request),
        Some(Reply::Failed(failure("the disk is full")))
    );
    assert_eq!(world.count_started("maker"), 0);
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
fn a_job_that_was_accepted_but_never_ran_runs_after_a_restart() {
    let mut world = World::ready();
    for _ in 0..3 {
        world.launch("maker.make", &[]);
    }
    let mut world = world.restart();
    assert_eq!(world.job("job-3").summary.state, JobState::Running);
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
fn a_job_that_is_cancelled_while_its_retry_is_written_does_not_run() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    world.hold_ledger = true;
    world.ask(Ask::Retry("job-1".into()));
    world.ask(Ask::Cancel("job-1".into()));
    world.release_ledger();
    world.pass(60_000);
    assert_eq!(world.job("job-1").summary.state, JobState::Cancelled);
    assert_eq!(world.count_started("maker"), 1);
}

#[test]
fn a_job_is_retried_by_nobody_but_its_owner() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    world.end_turn(process, Err(failure("no")));
    world.event(Event::SignedIn(engine::Identity {
        server: "https://demo".into(),
        user: "bob".into(),
        ..engine::Identity::default()
    }));
    let request = world.ask(Ask::Retry("job-1".into()));
    let Some(Reply::Failed(refusal)) = world.reply(request) else {
        panic!("not refused")
    };
    assert_eq!(
        refusal.message,
        "the job belongs to `ada` at `https://demo`"
    );
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
        wait_ms: None,
    });
    let mut world = world.restart();
    let process = world.started("maker");
    assert_eq!(world.turn(process).state, json!("asked"));
    world.end_turn(process, Ok(Outcome::done("both")));
    assert_eq!(world.job("job-1").summary.state, JobState::Done);
}

#[test]
fn the_tray_hears_how_a_long_job_ended() {
    let mut world = World::ready();
    world.launch_from("tray", "maker.make", 5_000);
    world.pass(5_000);
    let process = world.started("maker");
    world.end_turn(process, Ok(Outcome::done("late")));
    assert_eq!(world.rested, ["job-1"]);
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
