//! Stories of ftrack Connect's plugins: children that stay, and events that cross between them.

mod world;

use callboard_protocol::{Context, Entity, FailureKind, JobState, Message, Surface};
use engine::{Ask, AskLaunch, Event, Identity, ProcessEnd, ProcessId, Reply, RequestId, Stop};
use serde_json::{Map, Value, json};

use world::World;

#[test]
fn children_run_while_somebody_is_signed_in() {
    let mut world = World::before_sign_in();
    world.catalogue(&[connect("one"), connect("two")]);
    assert_eq!(world.latest_process(), None);
    world.sign_in();
    assert_eq!(
        (world.count_started("one"), world.count_started("two")),
        (1, 1)
    );
    // They idle for as long as they like.
    world.pass(3_600_000);
    assert_eq!(world.stopped, []);
    let failure = callboard_protocol::Failure::new(FailureKind::NotSignedIn, "nobody is signed in");
    world.event(Event::SignedOut(failure));
    assert_eq!(world.stopped.len(), 2);
    assert!(world.stopped.iter().all(|(_, stop)| *stop == Stop::Gently));
}

#[test]
fn another_user_is_given_children_of_their_own() {
    let mut world = studio(&["one"]);
    let first = world.started("one");
    world.event(Event::SignedIn(Identity {
        server: "https://demo".into(),
        user: "eve".into(),
        user_id: "u2".into(),
        roles: Vec::new(),
    }));
    assert_eq!(world.stopped, [(first, Stop::Gently)]);
    world.event(Event::ProcessEnded {
        process: first,
        end: ProcessEnd::Stopped,
    });
    assert_ne!(world.started("one"), first);
}

#[test]
fn a_child_that_crashes_comes_back_after_a_pause_and_is_given_up_at_last() {
    let mut world = studio(&["one"]);
    for crashes in 1..=5 {
        assert_eq!(world.count_started("one"), crashes);
        let process = world.started("one");
        world.event(Event::ProcessEnded {
            process,
            end: ProcessEnd::Exited("signal 11".into()),
        });
        assert_eq!(world.count_started("one"), crashes);
        world.pass(if crashes < 5 { 60_000 } else { 299_000 });
    }
    assert_eq!(world.count_started("one"), 5);
    world.pass(2_000);
    assert_eq!(world.count_started("one"), 6);
}

#[test]
fn hooks_are_asked_in_the_order_of_priority_over_all_children() {
    let mut world = studio(&["one", "two"]);
    let (one, two) = (world.started("one"), world.started("two"));
    subscribe(&mut world, one, "a", "topic=studio.ask", 100);
    subscribe(&mut world, two, "b", "topic=studio.ask", 10);
    subscribe(&mut world, two, "c", "topic=studio.ask", 100);
    subscribe(&mut world, two, "d", "topic=studio.other", 1);
    assert_eq!(publish(&mut world, one, 1), None);
    assert_eq!(asked(&world), Some((two, "b".to_owned(), 1)));
    // What a hook makes of the event is what the next one sees.
    handle(&mut world, json!("from b"), 2, false);
    assert_eq!(asked(&world), Some((one, "a".to_owned(), 2)));
    handle(&mut world, Value::Null, 3, false);
    assert_eq!(asked(&world), Some((two, "c".to_owned(), 3)));
    handle(&mut world, json!("from c"), 4, false);
    let answer = world.last_answer(one).unwrap().unwrap();
    assert_eq!(answer["results"], json!(["from b", "from c"]));
    assert_eq!(answer["event"]["data"]["n"], 4);
}

#[test]
fn a_hook_that_stops_the_event_ends_the_row() {
    let mut world = studio(&["one", "two"]);
    let (one, two) = (world.started("one"), world.started("two"));
    subscribe(&mut world, one, "a", "topic=studio.ask", 1);
    subscribe(&mut world, two, "b", "topic=studio.ask", 2);
    publish(&mut world, two, 1);
    handle(&mut world, json!("first"), 1, true);
    let answer = world.last_answer(two).unwrap().unwrap();
    assert_eq!(answer["results"], json!(["first"]));
    assert_eq!(answer["stopped"], json!(true));
}

#[test]
fn a_hook_that_hangs_costs_its_deadline_once_and_is_named() {
    let mut world = studio(&["one", "two"]);
    let (one, two) = (world.started("one"), world.started("two"));
    subscribe(&mut world, one, "a", "topic=studio.ask", 1);
    subscribe(&mut world, two, "b", "topic=studio.ask", 2);
    publish(&mut world, two, 1);
    let (_, late, ..) = world.handles.pop_front().unwrap();
    world.pass(10_000);
    assert_eq!(asked(&world), Some((two, "b".to_owned(), 1)));
    handle(&mut world, json!("second"), 1, false);
    let answer = world.last_answer(two).unwrap().unwrap();
    assert_eq!(answer["results"], json!(["second"]));
    assert_eq!(world.logs, ["one: it did not answer `studio.ask` in time"]);
    // While it is busy, it is not waited for again.
    publish(&mut world, two, 1);
    assert_eq!(asked(&world), Some((two, "b".to_owned(), 1)));
    handle(&mut world, Value::Null, 1, false);
    // Once it has answered, it is asked as before.
    answer_handle(&mut world, one, late, json!({"result": "late"}));
    publish(&mut world, two, 1);
    assert_eq!(asked(&world), Some((one, "a".to_owned(), 1)));
}

#[test]
fn a_hook_may_publish_while_it_handles() {
    let mut world = studio(&["one", "two"]);
    let (one, two) = (world.started("one"), world.started("two"));
    subscribe(&mut world, two, "outer", "topic=studio.ask", 1);
    subscribe(&mut world, one, "inner", "topic=studio.inner", 1);
    publish(&mut world, one, 1);
    let outer = world.handles.pop_front().unwrap();
    let inner = json!({"event": {"topic": "studio.inner", "data": {"n": 7}}});
    assert_eq!(world.ask_host(two, "connect.publish", inner), None);
    assert_eq!(asked(&world), Some((one, "inner".to_owned(), 7)));
    handle(&mut world, json!("inner"), 7, false);
    let answer = world.last_answer(two).unwrap().unwrap();
    assert_eq!(answer["results"], json!(["inner"]));
    answer_handle(&mut world, outer.0, outer.1, json!({"result": "outer"}));
}

#[test]
fn a_child_that_dies_in_a_row_is_passed_over() {
    let mut world = studio(&["one", "two"]);
    let (one, two) = (world.started("one"), world.started("two"));
    subscribe(&mut world, one, "a", "topic=studio.ask", 1);
    subscribe(&mut world, two, "b", "topic=studio.ask", 2);
    publish(&mut world, two, 1);
    world.handles.clear();
    world.event(Event::ProcessEnded {
        process: one,
        end: ProcessEnd::Exited("signal 11".into()),
    });
    assert_eq!(asked(&world), Some((two, "b".to_owned(), 1)));
}

#[test]
fn a_menu_waits_for_hooks_once_and_remembers_what_they_said() {
    let mut world = studio(&["one", "two"]);
    let (one, two) = (world.started("one"), world.started("two"));
    for process in [one, two] {
        let expression = "topic=ftrack.action.discover and source.user.username=ada";
        subscribe(&mut world, process, "menu", expression, 100);
    }
    let request = discover(&mut world);
    assert_eq!(world.reply(request), None);
    assert_eq!(world.handles.len(), 2);
    handle(&mut world, offer("Publish", "studio.publish"), 0, false);
    assert_eq!(world.reply(request), None);
    // The other one hangs: it costs the menu its deadline, once.
    world.pass(1_500);
    assert_eq!(world.menu(request), ["Publish"]);
    world.handles.clear();
    let again = discover(&mut world);
    assert_eq!(world.reply(again), None);
    // The one that answers is asked again behind the menu, the one that hangs is not.
    assert_eq!(world.handles.len(), 1);
    handle(&mut world, offer("Publish", "studio.publish"), 0, false);
    assert_eq!(world.menu(again), ["Publish"]);
}

#[test]
fn what_hooks_offer_is_launched_from_any_surface_and_may_ask() {
    let mut world = studio(&["one"]);
    let one = world.started("one");
    subscribe(&mut world, one, "menu", "topic=ftrack.action.discover", 100);
    let launch = "topic=ftrack.action.launch and data.actionIdentifier=studio.publish";
    subscribe(&mut world, one, "launch", launch, 100);
    // Nobody has opened a menu: the launch asks first what there is.
    let request = launch_hook(&mut world, "one.studio_publish");
    assert_eq!(asked(&world).unwrap().1, "menu");
    handle(&mut world, offer("Publish", "studio.publish"), 0, false);
    let id = match world.reply(request) {
        Some(Reply::Launched(id)) => id.to_string(),
        other => panic!("{other:?}"),
    };
    let (_, _, subscription, event) = world.handles.front().cloned().unwrap();
    assert_eq!(subscription, "launch");
    assert_eq!(event["data"]["selection"], json!([]));
    assert_eq!(event["data"]["extra"], json!(7));
    assert_eq!(event["source"]["user"]["username"], "ada");
    let form = json!({"items": [{"type": "text", "name": "note", "label": "Note", "value": "x"}]});
    handle(&mut world, form, 0, false);
    assert_eq!(world.job(&id).summary.state, JobState::Asks);
    let values = Map::from_iter([("note".to_owned(), json!("hello"))]);
    world.ask(Ask::Answer {
        job: id.as_str().into(),
        values,
        question: None,
        wait_ms: None,
    });
    let (_, _, _, event) = world.handles.front().cloned().unwrap();
    assert_eq!(event["data"]["values"], json!({"note": "hello"}));
    assert_eq!(event["data"]["actionIdentifier"], "studio.publish");
    handle(
        &mut world,
        json!({"success": true, "message": "published"}),
        0,
        false,
    );
    let job = world.job(&id);
    assert_eq!(
        (job.summary.state, job.summary.message.as_str()),
        (JobState::Done, "published")
    );
    assert_eq!(world.plugin("one").actions, ["one.studio_publish".into()]);
}

#[test]
fn a_launch_that_comes_twice_while_hooks_are_asked_for_it_makes_one_job() {
    let mut world = studio(&["one"]);
    let one = world.started("one");
    subscribe(&mut world, one, "menu", "topic=ftrack.action.discover", 100);
    subscribe(&mut world, one, "launch", "topic=ftrack.action.launch", 100);
    let launch = |world: &mut World, job: &str, event_id: &str| {
        world.ask(Ask::Launch(AskLaunch {
            job: job.into(),
            action: "one.studio_publish".into(),
            event_id: Some(event_id.into()),
            ..AskLaunch::default()
        }))
    };
    let first = launch(&mut world, "job-1", "event");
    let again = launch(&mut world, "job-2", "event");
    let other = launch(&mut world, "job-3", "another event");
    // The hooks are asked for each launch apart, and once for what came twice.
    assert_eq!(world.handles.len(), 2);
    handle(&mut world, offer("Publish", "studio.publish"), 0, false);
    let launched = |world: &mut World, request| match world.reply(request) {
        Some(Reply::Launched(id)) => id.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(launched(&mut world, first), "job-1");
    assert_eq!(launched(&mut world, again), "job-1");
    let subscriptions: Vec<&str> = world
        .handles
        .iter()
        .map(|(_, _, subscription, _)| subscription.as_str())
        .collect();
    assert_eq!(subscriptions, ["menu", "launch"]);
    handle(&mut world, offer("Publish", "studio.publish"), 0, false);
    assert_eq!(launched(&mut world, other), "job-3");
}

#[test]
fn connect_says_after_its_hooks_that_it_is_here() {
    let mut world = studio(&["one", "two"]);
    let (one, two) = (world.started("one"), world.started("two"));
    let topic = "topic=ftrack.connect.discover";
    subscribe(&mut world, two, "a", topic, 100);
    let event = json!({"event": {"topic": "ftrack.connect.discover", "data": {}}});
    assert_eq!(world.ask_host(one, "connect.publish", event.clone()), None);
    handle(&mut world, json!("hook"), 0, false);
    let answer = world.last_answer(one).unwrap().unwrap();
    assert_eq!(answer["results"], json!(["hook", true]));
    world.ask_host(one, "connect.publish", event);
    handle(&mut world, json!("hook"), 0, true);
    let answer = world.last_answer(one).unwrap().unwrap();
    assert_eq!(answer["results"], json!(["hook"]));
}

#[test]
fn pain_a_hook_that_raises_is_no_success() {
    let mut world = studio(&["one"]);
    let one = world.started("one");
    subscribe(&mut world, one, "menu", "topic=ftrack.action.discover", 100);
    subscribe(&mut world, one, "launch", "topic=ftrack.action.launch", 100);
    let request = launch_hook(&mut world, "one.encode");
    handle(&mut world, offer("Encode", "encode"), 0, false);
    let Some(Reply::Launched(id)) = world.reply(request) else {
        panic!("it was not launched")
    };
    let (process, message, ..) = world.handles.pop_front().unwrap();
    let failure =
        callboard_protocol::Failure::new(FailureKind::Plugin, "a hook raised while it handled it");
    let message = Message::Answer {
        id: Some(message),
        result: Err(failure.clone()),
    };
    world.event(Event::ProcessSaid { process, message });
    let job = world.job(id.as_str());
    assert_eq!(job.summary.state, JobState::Failed);
    assert_eq!(job.failure, Some(failure));
}

#[test]
fn a_job_of_hooks_that_is_cancelled_does_not_wait_for_them() {
    let mut world = studio(&["one"]);
    let one = world.started("one");
    subscribe(&mut world, one, "menu", "topic=ftrack.action.discover", 100);
    subscribe(&mut world, one, "launch", "topic=ftrack.action.launch", 100);
    let request = launch_hook(&mut world, "one.slow");
    handle(&mut world, offer("Slow", "slow"), 0, false);
    let Some(Reply::Launched(id)) = world.reply(request) else {
        panic!("it was not launched")
    };
    world.ask(Ask::Cancel(id.clone()));
    assert_eq!(world.job(id.as_str()).summary.state, JobState::Cancelled);
    // What the hook says in the end is heard by nobody, and harms nothing.
    handle(&mut world, json!({"success": true}), 0, false);
    assert_eq!(world.job(id.as_str()).summary.state, JobState::Cancelled);
}

#[test]
fn what_a_child_says_of_itself_is_in_the_list() {
    let mut world = studio(&["one"]);
    let one = world.started("one");
    subscribe(
        &mut world,
        one,
        "v",
        "topic=ftrack.connect.verify-startup",
        100,
    );
    let topic = "topic=ftrack.connect.plugin.debug-information";
    subscribe(&mut world, one, "d", topic, 100);
    let loaded =
        json!({"hooks": [{"path": "hook/a.py", "problem": "ImportError"}], "missing": ["x"]});
    tell(&mut world, one, "connect.loaded", loaded);
    handle(&mut world, json!("the mount point is missing"), 0, false);
    handle(
        &mut world,
        json!({"name": "tool", "version": "1.0"}),
        0,
        false,
    );
    let summary = world.plugin("one").connect.unwrap();
    assert_eq!(summary.messages, ["the mount point is missing"]);
    assert_eq!(world.notices, ["the mount point is missing"]);
    assert_eq!(summary.debug_information[0]["name"], "tool");
    assert_eq!(summary.loaded.missing, ["x"]);
    assert_eq!(world.logs, ["one: `hook/a.py` does not work: ImportError"]);
}

/// A host with these Connect plugins and nothing else, and somebody signed in.
fn studio(plugins: &[&str]) -> World {
    let mut world = World::before_sign_in();
    let manifests: Vec<Value> = plugins.iter().map(|plugin| connect(plugin)).collect();
    world.catalogue(&manifests);
    world.sign_in();
    world
}

fn connect(id: &str) -> Value {
    json!({"id": id, "version": "1.0.0", "run": {"connect_hooks": "hook"}})
}

fn tell(world: &mut World, process: ProcessId, method: &str, params: Value) {
    let message = Message::Notification {
        method: method.to_owned(),
        params,
    };
    world.event(Event::ProcessSaid { process, message });
}

fn subscribe(world: &mut World, process: ProcessId, id: &str, expression: &str, priority: i64) {
    let params = json!({"id": id, "expression": expression, "priority": priority});
    tell(world, process, "connect.subscribed", params);
}

fn publish(
    world: &mut World,
    process: ProcessId,
    n: u32,
) -> Option<Result<Value, callboard_protocol::Failure>> {
    let event = json!({"topic": "studio.ask", "data": {"n": n}});
    world.ask_host(process, "connect.publish", json!({"event": event}))
}

/// Who is asked now, and with what.
fn asked(world: &World) -> Option<(ProcessId, String, u64)> {
    let (process, _, subscription, event) = world.handles.front()?;
    let n = event["data"]["n"].as_u64().unwrap_or_default();
    Some((*process, subscription.clone(), n))
}

/// The hook that is asked answers; in the event it leaves `n`.
fn handle(world: &mut World, result: Value, n: u32, stopped: bool) {
    let (process, message, _, mut event) = world.handles.pop_front().expect("a hook is asked");
    event["data"]["n"] = json!(n);
    let answer = json!({"result": result, "event": event, "stopped": stopped});
    answer_handle(world, process, message, answer);
}

fn answer_handle(world: &mut World, process: ProcessId, message: u64, answer: Value) {
    let message = Message::Answer {
        id: Some(message),
        result: Ok(answer),
    };
    world.event(Event::ProcessSaid { process, message });
}

fn offer(label: &str, identifier: &str) -> Value {
    json!({"items": [{"label": label, "actionIdentifier": identifier, "extra": 7}]})
}

fn discover(world: &mut World) -> RequestId {
    let context = Context {
        surface: Surface::Tray,
        ..Context::default()
    };
    world.ask(Ask::Discover { context })
}

fn launch_hook(world: &mut World, action: &str) -> RequestId {
    let context = Context {
        surface: Surface::Cli,
        selection: Vec::<Entity>::new(),
        ..Context::default()
    };
    world.ask(Ask::Launch(AskLaunch {
        job: "job-c".into(),
        action: action.into(),
        context,
        ..AskLaunch::default()
    }))
}
