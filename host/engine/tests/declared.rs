//! Stories about what plugins declare beside actions.
#![expect(clippy::unwrap_used, reason = "a story that cannot be told fails")]

mod world;

use callboard_protocol::{FailureKind, Outcome, PluginSettingsAsk};
use engine::{Ask, Config, Event, ProcessEnd, Reply, SettingsLayer};
use serde_json::{Value, json};

use world::World;

fn world(manifests: &[Value]) -> World {
    let mut world = World::with_config(Config {
        own_commands: vec!["jobs".into()],
        ..Config::default()
    });
    world.catalogue(manifests);
    world
}

fn plugin(id: &str, declared: Value) -> Value {
    let mut manifest = json!({"id": id, "version": "1", "run": {"library": id},
        "permissions": ["events", "jobs"], "action": [{"id": "go", "label": "Go"}]});
    let all = manifest.as_object_mut().unwrap();
    all.extend(declared.as_object().unwrap().clone());
    manifest
}

#[test]
fn of_two_commands_that_cannot_both_be_typed_the_first_plugin_has_it() {
    let commands = |names: &[&str]| {
        let command = |name: &&str| json!({"name": name, "action": "go"});
        json!({"command": names.iter().map(command).collect::<Vec<_>>()})
    };
    let mut world = world(&[
        plugin("a", commands(&["shots create", "time"])),
        plugin(
            "b",
            commands(&["shots list", "shots create", "time start", "jobs"]),
        ),
    ]);
    let request = world.ask(Ask::Commands);
    let Some(Reply::Commands(seen)) = world.reply(request) else {
        panic!("no commands")
    };
    let seen: Vec<String> = seen
        .iter()
        .map(|command| match &command.problem {
            None => format!("{}: {}", command.plugin, command.name),
            Some(problem) => problem.message.clone(),
        })
        .collect();
    assert_eq!(
        seen,
        [
            "a: shots create",
            "a: time",
            "b: shots list",
            "the command `shots create` is not offered: `a` has the command `shots create`",
            "the command `time start` is not offered: `a` has the command `time`",
            "the command `jobs` is not offered: `jobs` is a command of Callboard itself",
        ]
    );
}

fn lines(world: &mut World) -> Vec<String> {
    let request = world.ask(Ask::StatusLines);
    let Some(Reply::StatusLines(lines)) = world.reply(request) else {
        panic!("no lines")
    };
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn a_status_line_stays_when_its_process_dies_and_goes_with_the_plugin() {
    let declared = json!({"status": [{"id": "line", "text": "Nothing"}, {"id": "silent"}]});
    let manifest = plugin("a", declared);
    let mut world = world(std::slice::from_ref(&manifest));
    assert_eq!(lines(&mut world), ["Nothing"]);
    world.launch("a.go", &[]);
    let process = world.started("a");
    let said = world.ask_host(process, "status.set", json!({"id": "line", "text": "Busy"}));
    assert_eq!(said, Some(Ok(json!({}))));
    let wrong = [
        (json!({"id": "other", "text": "x"}), FailureKind::NotFound),
        (
            json!({"id": "line", "text": "x".repeat(81)}),
            FailureKind::Limit,
        ),
        (json!({"id": "line", "text": "a\nb"}), FailureKind::Limit),
    ];
    for (params, kind) in wrong {
        let refusal = world.ask_host(process, "status.set", params).unwrap();
        assert_eq!(refusal.unwrap_err().kind, kind);
    }
    world.event(Event::ProcessEnded {
        process,
        end: ProcessEnd::Exited("signal 9".into()),
    });
    assert_eq!(lines(&mut world), ["Busy"]);
    world.catalogue(&[]);
    assert!(lines(&mut world).is_empty());
    world.catalogue(&[manifest]);
    assert_eq!(lines(&mut world), ["Nothing"]);
}

#[test]
fn what_a_status_line_says_for_a_while_gives_way_unless_it_was_said_again() {
    let manifest = plugin("a", json!({"status": [{"id": "line", "text": "Nothing"}]}));
    let mut world = world(&[manifest]);
    world.launch("a.go", &[]);
    let process = world.started("a");
    let until = world.now() + 1_000;
    let set = |text: &str| json!({"id": "line", "text": text, "until_ms": until});
    world.ask_host(process, "status.set", set("Soon over"));
    world.end_turn(process, Ok(Outcome::done("")));
    world.pass(999);
    assert_eq!(lines(&mut world), ["Soon over"]);
    world.pass(2);
    assert_eq!(lines(&mut world), ["Nothing"]);
    world.launch("a.go", &[]);
    let until = world.now() + 1_000;
    let set = json!({"id": "line", "text": "First", "until_ms": until});
    world.ask_host(process, "status.set", set);
    world.ask_host(
        process,
        "status.set",
        json!({"id": "line", "text": "Second"}),
    );
    world.pass(5_000);
    assert_eq!(lines(&mut world), ["Second"]);
}

#[test]
fn a_setting_comes_from_the_last_layer_that_has_a_good_one() {
    let manifest = plugin(
        "a",
        json!({"settings": {
            "size": {"type": "number", "default": 1, "max": 9},
            "name": {"type": "text", "required": true},
            "pin": {"type": "password"}}}),
    );
    let layer = |origin: &str, values: Value, holds_secrets| SettingsLayer {
        origin: origin.into(),
        holds_secrets,
        plugins: [("a".into(), values.as_object().unwrap().clone())].into(),
    };
    let mut world = world(&[manifest]);
    world.event(Event::SettingsRead(vec![
        layer("studio", json!({"size": 5, "pin": "1234"}), false),
        layer("user", json!({"size": 50}), false),
        layer("secrets", json!({"pin": "7"}), true),
    ]));
    let request = world.ask(Ask::Settings(PluginSettingsAsk {
        plugin: "a".into(),
        ..PluginSettingsAsk::default()
    }));
    let Some(Reply::Settings(settings)) = world.reply(request) else {
        panic!("no settings")
    };
    assert_eq!(Value::Object(settings.values), json!({"size": 5}));
    assert_eq!(settings.origins["size"], "studio");
    let problems: Vec<&str> = settings
        .problems
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(
        problems,
        [
            "bad setting `plugin.a.pin` in `studio`",
            "bad setting `plugin.a.size` in `user`",
            "`a` needs the setting `name`",
        ]
    );
    world.launch("a.go", &[]);
    let process = world.started("a");
    let launched = world.turn(process).settings;
    assert_eq!(Value::Object(launched), json!({"size": 5}));
    let answer = world.ask_host(process, "settings.get", json!({}));
    assert_eq!(answer, Some(Ok(json!({"values": {"size": 5, "pin": "7"}}))));
    world.end_turn(process, Ok(Outcome::done("")));
    // Nothing of it is written down with the job.
    assert!(!format!("{:?}", world.rows).contains("\"size\""));
}
