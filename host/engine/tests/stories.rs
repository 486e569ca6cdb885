//! Stories at the engine's border, about menus, launches, turns and processes: events in, effects out, no waiting.

mod world;

use callboard_protocol::{FailureKind, JobState, Outcome, PluginState};
use engine::{Ask, Audience, Event, ProcessEnd, Reply, Stop};
use serde_json::{Value, json};

use world::{World, failure, units};

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
        question: None,
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
        Some("retry in 5 minutes, or mend the plugin and say `callboard plugins enable maker`")
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
    assert_eq!(world.settled, [("job-1".to_owned(), Audience::Gone)]);
    world.launch_and_wait("maker.make", 5_000);
    world.end_turn(process, Ok(Outcome::done("soon")));
    assert_eq!(
        world.settled[1],
        ("job-2".to_owned(), Audience::Waits),
        "whoever waits knows already"
    );
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
fn progress_is_told_ten_times_a_second_at_most_and_the_last_of_it_always() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    let before = world.changes.len();
    for number in 1..=100 {
        world.pass(10);
        world.tell(process, "progress", json!({"text": number.to_string()}));
    }
    world.pass(10_000);
    let told = &world.changes[before..];
    assert!((9..=11).contains(&told.len()), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("100"));
    // A burst at once is two messages: the first and the last.
    let before = world.changes.len();
    for text in ["a", "b", "c"] {
        world.tell(process, "progress", json!({"text": text}));
    }
    world.pass(10_000);
    assert_eq!(world.changes[before..], ["a", "c"]);
}

#[test]
fn what_a_job_ended_with_is_not_followed_by_its_progress() {
    let mut world = World::ready();
    world.launch("maker.make", &[]);
    let process = world.started("maker");
    for text in ["a", "b"] {
        world.tell(process, "progress", json!({"text": text}));
    }
    world.end_turn(process, Ok(Outcome::done("made")));
    world.pass(10_000);
    assert_eq!(world.changes.last().map(String::as_str), Some("made"));
}

#[test]
fn a_plugin_that_tells_too_much_is_shown_in_part_and_the_person_is_told_so_once() {
    let mut world = World::ready();
    world.catalogue_maker(&json!(["notify"]));
    let process = world.launched_maker();
    let tell = |world: &mut World, number: usize| {
        let params = json!({"title": "t", "message": number.to_string()});
        world.tell(process, "notify", params);
    };
    for number in 1..=50 {
        tell(&mut world, number);
    }
    let more = "see `callboard plugins logs maker`";
    assert_eq!(world.notices, ["1", "2", "3", "4", "5", more]);
    assert!(world.logs.contains(&"maker: not shown: t: 6".to_owned()));
    assert!(world.logs.contains(&"maker: not shown: t: 50".to_owned()));
    world.pass(60_000);
    tell(&mut world, 51);
    assert_eq!(world.notices.last().map(String::as_str), Some("51"));
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
fn a_job_that_was_accepted_but_never_ran_runs_after_a_restart() {
    let mut world = World::ready();
    for _ in 0..3 {
        world.launch("maker.make", &[]);
    }
    let mut world = world.restart();
    assert_eq!(world.job("job-3").summary.state, JobState::Running);
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
fn the_tray_hears_how_a_long_job_ended() {
    let mut world = World::ready();
    world.launch_from("tray", "maker.make", 5_000);
    world.pass(5_000);
    let process = world.started("maker");
    world.end_turn(process, Ok(Outcome::done("late")));
    assert_eq!(world.rested, ["job-1"]);
}

#[test]
fn a_launch_from_an_application_is_interrupted_by_a_restart_though_it_never_ran() {
    let mut world = World::ready();
    for number in 0..3 {
        world.launch_from_application("maker.make", &format!("event-{number}"), 7);
    }
    let mut world = world.restart();
    for job in ["job-1", "job-2", "job-3"] {
        let failure = world.job(job).failure.expect("a failure");
        assert_eq!(failure.kind, FailureKind::Interrupted, "{job}");
    }
}
