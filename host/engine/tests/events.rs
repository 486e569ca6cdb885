//! Stories about events: those that launch actions, and those that turns hear and publish.
#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails")]

mod world;

use callboard_protocol::{EventPlace, FailureKind, JobState, Outcome};
use engine::{Config, Event, ProcessId, ServiceRequest};
use serde_json::{Value, json};

use world::{World, failure};

fn listener(declared: Value) -> World {
    let mut world = World::with_config(Config {
        host: "host-1".into(),
        ..Config::default()
    });
    let mut subscription =
        json!({"id": "s", "on": "hub", "expression": "topic=a.*", "action": "go"});
    let all = subscription.as_object_mut().unwrap();
    all.extend(declared.as_object().unwrap().clone());
    world.catalogue(&[json!({"id": "p", "version": "1", "run": {"library": "p"},
        "permissions": ["events"], "subscription": [subscription],
        "action": [{"id": "go", "label": "Go", "surfaces": ["event"]}]})]);
    world
}

fn hear(world: &mut World, on: EventPlace, topic: &str, rest: Value) {
    let mut event = json!({"topic": topic, "data": {}});
    event
        .as_object_mut()
        .unwrap()
        .extend(rest.as_object().unwrap().clone());
    let event = Box::new(serde_json::from_value(event).unwrap());
    world.event(Event::Happened { on, event });
}

fn topics(world: &World, process: ProcessId) -> Vec<String> {
    let event = world.turn(process).event.expect("events");
    let topic = |event: &Value| event["topic"].as_str().unwrap().to_owned();
    event.events.iter().map(topic).collect()
}

#[test]
fn one_job_at_a_time_gets_what_came_meanwhile() {
    let mut world = listener(json!({}));
    hear(&mut world, EventPlace::Hub, "b.x", json!({}));
    hear(&mut world, EventPlace::Bus, "a.x", json!({}));
    assert_eq!(world.count_started("p"), 0, "neither is wanted");
    hear(&mut world, EventPlace::Hub, "a.1", json!({}));
    let process = world.started("p");
    assert_eq!(topics(&world, process), ["a.1"]);
    let first = world.turn(process).event.unwrap();
    assert!(first.missed, "what came before the host is not known");
    for topic in ["a.2", "a.3"] {
        hear(&mut world, EventPlace::Hub, topic, json!({}));
    }
    assert_eq!(topics(&world, process), ["a.1"]);
    world.end_turn(process, Ok(Outcome::done("")));
    assert_eq!(topics(&world, process), ["a.2", "a.3"]);
    assert!(!world.turn(process).event.unwrap().missed);
    world.end_turn(process, Ok(Outcome::done("")));
    assert_eq!(world.count_started("p"), 1);
}

#[test]
fn events_are_gathered_and_what_is_too_much_is_counted() {
    let mut world = listener(json!({"coalesce_ms": 500, "queue": 3}));
    for number in 0..5 {
        hear(
            &mut world,
            EventPlace::Hub,
            &format!("a.{number}"),
            json!({}),
        );
    }
    assert_eq!(world.count_started("p"), 0);
    world.pass(500);
    let process = world.started("p");
    assert_eq!(topics(&world, process), ["a.0", "a.1", "a.2"]);
    assert_eq!(world.turn(process).event.unwrap().dropped, 2);
    world.end_turn(process, Ok(Outcome::done("")));
    let large = json!({"data": {"text": "x".repeat(3 * 1024 * 1024)}});
    hear(&mut world, EventPlace::Hub, "a.large", large);
    hear(&mut world, EventPlace::Hub, "a.small", json!({}));
    world.pass(500);
    assert_eq!(topics(&world, process), ["a.small"]);
    assert_eq!(world.turn(process).event.unwrap().dropped, 1);
}

#[test]
fn a_plugin_that_fails_is_given_a_pause_that_grows() {
    let mut world = listener(json!({}));
    let mut waited = Vec::new();
    for number in 0..4 {
        hear(
            &mut world,
            EventPlace::Hub,
            &format!("a.{number}"),
            json!({}),
        );
        let mut pause = 0;
        while world.job_state(&format!("job-{}", number + 1)).is_none() {
            world.pass(500);
            pause += 500;
        }
        waited.push(pause);
        let process = world.started("p");
        world.end_turn(process, Err(failure("no")));
    }
    assert_eq!(waited, [0, 1_000, 2_000, 4_000]);
}

#[test]
fn echoes_are_left_out_unless_they_are_wanted() {
    let own = json!({"data": {"clientToken": "host-1"}});
    let mine = json!({"source": {"callboardPlugin": "p"}});
    let others = json!({"data": {"clientToken": "other"}, "source": {"callboardPlugin": "q"}});
    for (echoes, expected) in [(false, 1), (true, 3)] {
        let mut world = listener(json!({ "echoes": echoes, "coalesce_ms": 10 }));
        for event in [&own, &mine, &others] {
            hear(&mut world, EventPlace::Hub, "a.x", event.clone());
        }
        world.pass(10);
        let process = world.started("p");
        assert_eq!(topics(&world, process).len(), expected);
    }
}

#[test]
fn events_that_a_lost_hub_did_not_bring_are_owned_up_to() {
    let mut world = listener(json!({}));
    world.event(Event::HubConnected);
    hear(&mut world, EventPlace::Hub, "a.1", json!({}));
    let process = world.started("p");
    world.end_turn(process, Ok(Outcome::done("")));
    world.event(Event::HubLost);
    world.event(Event::HubConnected);
    assert!(
        world
            .logs
            .iter()
            .any(|line| line.contains("the event hub was away"))
    );
    hear(&mut world, EventPlace::Hub, "a.2", json!({}));
    assert!(world.turn(process).event.unwrap().missed);
}

#[test]
fn a_plugin_that_is_gone_hears_nothing_and_the_hub_is_told() {
    let mut world = listener(json!({}));
    assert_eq!(world.heard, Some((vec!["topic=a.*".to_owned()], false)));
    world.catalogue(&[]);
    assert_eq!(world.heard, Some((Vec::new(), false)));
    hear(&mut world, EventPlace::Hub, "a.1", json!({}));
    assert_eq!(world.count_started("p"), 0);
}

#[test]
fn a_job_of_events_that_was_interrupted_keeps_them() {
    let mut world = listener(json!({}));
    hear(&mut world, EventPlace::Hub, "a.1", json!({}));
    let world = &mut world.restart();
    assert_eq!(world.job_state("job-1"), Some(JobState::Failed));
    let retry = world.ask(engine::Ask::Retry("job-1".into()));
    assert!(world.reply(retry).is_some());
    assert_eq!(
        world.job("job-1").summary.state,
        JobState::Failed,
        "not installed"
    );
}

/// A turn of a plugin that may use the `events` service.
fn turn() -> (World, ProcessId) {
    let mut world = listener(json!({"on": "bus"}));
    hear(&mut world, EventPlace::Bus, "a.start", json!({}));
    let process = world.started("p");
    (world, process)
}

fn kind(answer: Option<Result<Value, callboard_protocol::Failure>>) -> FailureKind {
    answer.expect("an answer").expect_err("a refusal").kind
}

#[test]
fn a_turn_hears_what_it_subscribed_to_until_it_ends() {
    let (mut world, process) = turn();
    let next = |secs: f64| json!({ "wait_secs": secs });
    let refusal = world.ask_host(process, "events.next", next(1.0));
    assert_eq!(kind(refusal), FailureKind::Invalid);
    let bad = json!({"on": "hub", "subscription": "("});
    assert_eq!(
        kind(world.ask_host(process, "events.subscribe", bad)),
        FailureKind::Invalid
    );
    let good = json!({"on": "hub", "subscription": "topic=c"});
    let answer = world.ask_host(process, "events.subscribe", good.clone());
    let number = answer.unwrap().unwrap()["subscription_id"].clone();
    assert_eq!(world.heard, Some((vec!["topic=c".to_owned()], true)));

    assert_eq!(
        world.ask_host(process, "events.next", next(5.0)),
        None,
        "it waits"
    );
    hear(&mut world, EventPlace::Hub, "c", json!({"id": "1"}));
    let heard = world.last_answer(process).unwrap().unwrap();
    assert_eq!(heard["events"][0]["subscription_id"], number);
    assert_eq!(heard["events"][0]["event"]["id"], "1");

    for _ in 0..300 {
        hear(&mut world, EventPlace::Hub, "c", json!({}));
    }
    let heard = world
        .ask_host(process, "events.next", next(5.0))
        .unwrap()
        .unwrap();
    assert_eq!(heard["events"].as_array().unwrap().len(), 256);
    assert_eq!(heard["dropped"], 44);
    assert_eq!(world.ask_host(process, "events.next", next(5.0)), None);
    world.pass(5_000);
    let nothing = world.last_answer(process).unwrap().unwrap();
    assert_eq!(nothing["events"], json!([]));

    assert_eq!(world.ask_host(process, "events.next", next(5.0)), None);
    let twice = world.ask_host(process, "events.next", next(5.0));
    assert_eq!(kind(twice), FailureKind::Conflict);
    for _ in 0..15 {
        let more = world.ask_host(process, "events.subscribe", good.clone());
        assert!(more.unwrap().is_ok());
    }
    let many = world.ask_host(process, "events.subscribe", good);
    assert_eq!(kind(many), FailureKind::Limit);
    world.end_turn(process, Ok(Outcome::done("")));
    assert_eq!(world.heard, Some((Vec::new(), true)));
}

#[test]
fn a_plugin_publishes_what_is_its_own_to_publish() {
    let (mut world, process) = turn();
    let publish = |topic: &str, source: Value| json!({"on": "hub", "event": {"topic": topic, "data": {}, "source": source}});
    for (topic, source, expected) in [
        ("callboard.job", json!({}), FailureKind::Denied),
        ("ftrack.meta.reply", json!({}), FailureKind::Denied),
        ("", json!({}), FailureKind::Invalid),
        (
            "ftrack.action.launch",
            json!({"user": {"username": "grace"}}),
            FailureKind::Denied,
        ),
    ] {
        let answer = world.ask_host(process, "events.publish", publish(topic, source));
        assert_eq!(kind(answer), expected, "{topic}");
    }
    let good = publish("studio.saved", json!({"user": {"username": "ada"}}));
    assert_eq!(world.ask_host(process, "events.publish", good), None);
    let Some((_, _, ServiceRequest::Publish(published))) = world.served.pop_front() else {
        panic!("nothing is published")
    };
    assert_eq!(
        published.event["source"],
        json!({"user": {"id": "u1", "username": "ada"}, "callboardPlugin": "p"})
    );
}
