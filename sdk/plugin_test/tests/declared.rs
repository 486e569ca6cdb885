//! What a manifest declares, and the services about it, from a plugin through the wire to the fake host and back.

use std::path::Path;
use std::time::Duration;

use callboard_plugin_sdk::{
    EventPlace, Failure, FailureKind, Host, JobState, JobsLaunch, Launch, Outcome, Plugin,
    StatusSet,
};
use callboard_plugin_test::{Context, PluginTest, json};
use serde::Deserialize;

/// Does what a function says.
struct Scripted(fn(&Launch, &Host) -> Result<Outcome, Failure>);

impl Plugin for Scripted {
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
        (self.0)(launch, host)
    }
}

fn declaring(act: fn(&Launch, &Host) -> Result<Outcome, Failure>) -> PluginTest {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/declaring");
    PluginTest::new(folder, Scripted(act))
}

fn act(mut test: PluginTest) -> PluginTest {
    let outcome = test.launch("act", Context::default(), json!({}));
    outcome.expect("the turn ends well");
    test
}

#[test]
fn settings_come_with_the_launch_and_secrets_when_they_are_asked_for() {
    #[derive(Deserialize)]
    struct Settings {
        handles: u32,
        token: String,
    }
    let test = declaring(|launch, host| {
        assert_eq!(launch.settings.get("handles"), Some(&json!(12)));
        assert_eq!(launch.settings.get("token"), None);
        let settings: Settings = host.settings_as()?;
        assert_eq!((settings.handles, settings.token.as_str()), (12, "hush"));
        Ok(Outcome::done("read"))
    });
    act(test.setting("handles", 12).setting("token", "hush"));
}

#[test]
fn a_status_line_says_what_the_manifest_lets_it_say() {
    let test = act(declaring(|_, host| {
        host.status("line", "Busy")?;
        let unknown = host.status("other", "x").map_err(|failure| failure.kind);
        assert_eq!(unknown, Err(FailureKind::NotFound));
        let long = host.status("line", "x".repeat(81));
        assert_eq!(
            long.map_err(|failure| failure.kind),
            Err(FailureKind::Limit)
        );
        host.status_set(&StatusSet {
            id: "line".to_owned(),
            text: Some("Soon over".to_owned()),
            until_ms: Some(1),
            ..StatusSet::default()
        })?;
        Ok(Outcome::done("said"))
    }));
    let said = test.record().status["line"].clone();
    assert_eq!(
        (said.text.as_deref(), said.until_ms),
        (Some("Soon over"), Some(1))
    );
}

#[test]
fn events_launch_an_action_and_are_heard_and_published_by_a_turn() {
    let mut test = declaring(|launch, host| {
        let Some(event) = &launch.event else {
            host.subscribe(EventPlace::Bus, "topic=studio.ping")?;
            let heard = host.next_events(Duration::from_secs(1))?;
            assert_eq!(heard.events[0].event["topic"], "studio.ping");
            host.publish(EventPlace::Hub, json!({"topic": "studio.pong", "data": {}}))?;
            let own = host.publish(EventPlace::Hub, json!({"topic": "callboard.job"}));
            assert_eq!(
                own.map_err(|failure| failure.kind),
                Err(FailureKind::Denied)
            );
            return Ok(Outcome::done("relayed"));
        };
        Ok(Outcome::done(format!(
            "{}: {}",
            event.subscription,
            event.events.len()
        )))
    });
    let events = vec![
        json!({"topic": "studio.saved"}),
        json!({"topic": "studio.saved"}),
    ];
    assert_eq!(
        test.launch_events("saved", events),
        Ok(Outcome::done("saved: 2"))
    );
    let test = act(test.heard(json!({"topic": "studio.ping", "data": {}})));
    assert_eq!(test.record().published[0].event["topic"], "studio.pong");
    assert_eq!(
        test.record().subscriptions[0].subscription,
        "topic=studio.ping"
    );
}

#[test]
fn a_child_is_one_by_its_key_and_a_file_is_attached() {
    let test = act(declaring(|_, host| {
        let child = JobsLaunch {
            key: "note".to_owned(),
            action: "notes.add".into(),
            ..JobsLaunch::default()
        };
        let first = host.launch(&child)?;
        let again = host.launch_and_wait(&child, Duration::from_secs(5))?;
        assert_eq!((first.job, again.state), (again.job, JobState::Done));
        let path = host.folder()?.join("sheet.txt");
        std::fs::write(path, "sh010\n").map_err(|error| Failure::invalid(error.to_string()))?;
        assert_eq!(host.attach("sheet.txt")?.size_bytes, 6);
        assert_eq!(
            host.attach("none.txt").map_err(|failure| failure.kind),
            Err(FailureKind::NotFound)
        );
        host.progress_at("1 of 2", 0.5, "writing");
        Ok(Outcome::done("made"))
    }));
    let record = test.record();
    assert_eq!((record.children.len(), record.attached.len()), (1, 1));
    assert_eq!(record.progress[0].step.as_deref(), Some("1 of 2"));
}
