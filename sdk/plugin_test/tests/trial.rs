//! What a trial says of plugins that are well made, and of some that are not.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use callboard_plugin_sdk::{Failure, Host, Item, Launch, Outcome, Plugin, View, serve_connection};
use callboard_plugin_test::{Check, Manifest, Patience, Subject, Trial};
use callboard_wire::Connection;

const MANIFEST: &str = r#"
id = "subject"
version = "1.0.0"
run.library = "subject"
permissions = ["ftrack.read"]
[[action]]
id = "act"
label = "Act"
when = { types = ["Shot"], count = "one" }
"#;

type Act = fn(&Launch, &Host) -> Result<Outcome, Failure>;

struct Subjected(Act);

impl Plugin for Subjected {
    fn launch(&mut self, launch: &Launch, host: &Host) -> Result<Outcome, Failure> {
        (self.0)(launch, host)
    }
}

/// Serves a plugin on a thread, which stands for its process.
fn start(act: Act) -> Subject {
    let (here, there) = Connection::memory();
    let (end, ended) = mpsc::sync_channel::<()>(1);
    let serve = move || {
        let served = serve_connection(there, &mut callboard_plugin_sdk::Typed(Subjected(act)));
        drop((served, end));
    };
    thread::Builder::new()
        .name("subject".to_owned())
        .spawn(serve)
        .expect("a test may start a thread");
    Subject {
        connection: here,
        ended: Box::new(move |limit| {
            matches!(
                ended.recv_timeout(limit),
                Err(mpsc::RecvTimeoutError::Disconnected)
            )
        }),
    }
}

fn trial(act: Act) -> Vec<Check> {
    let manifest: Manifest = toml::from_str(MANIFEST).expect("the manifest is good");
    let patience = Patience {
        cancel: Duration::from_millis(300),
        ..Patience::default()
    };
    Trial::new(manifest, move || Ok(start(act)))
        .patience(patience)
        .run(|_| {})
}

fn problems(checks: &[Check]) -> Vec<(&str, &str)> {
    let failed = checks.iter().filter_map(|check| {
        let failure = check.result.as_ref().err()?;
        Some((check.what, failure.message.as_str()))
    });
    failed.collect()
}

fn one(launch: &Launch) -> Result<&str, Failure> {
    match launch.context.selection.as_slice() {
        [only] => Ok(&only.id),
        _ => Err(Failure::invalid("nothing to do").hint("select one shot")),
    }
}

#[test]
fn a_well_made_plugin_passes_everything() {
    let checks = trial(|launch, host| {
        let shot = one(launch)?;
        if !launch.values.contains_key("name") {
            let view = View::new("Name it").with(Item::text("name", "Name"));
            return Ok(Outcome::asks(view));
        }
        let rows = host.query(&format!("Shot where id is \"{shot}\""))?;
        Ok(Outcome::done(format!("{} found", rows.len())))
    });
    assert_eq!(problems(&checks), []);
    let ordinary = &checks[2];
    assert_eq!(ordinary.what, "launched on what it is for");
    assert_eq!(
        ordinary.result.as_deref(),
        Ok("asks `Name it`, then done: 0 found")
    );
    let unfitting = &checks[3];
    assert_eq!(unfitting.result.as_deref(), Ok("fails: nothing to do"));
    assert_eq!(checks.len(), 9);
}

#[test]
fn a_panic_on_a_wrong_selection_is_told() {
    let checks = trial(|launch, _| Ok(Outcome::done(launch.context.selection[0].id.clone())));
    let problems = problems(&checks);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let (what, message) = problems[0];
    assert_eq!(what, "launched on what it is not for");
    assert!(message.starts_with("the plugin panicked"), "{message}");
}

#[test]
fn what_is_not_declared_is_told_wherever_it_is_used() {
    let checks = trial(|launch, host| {
        one(launch)?;
        host.store().put("last", &launch.context.selection[0].id)?;
        Ok(Outcome::done("stored"))
    });
    let problems = problems(&checks);
    let (what, message) = problems[0];
    assert_eq!(what, "launched on what it is for");
    assert_eq!(message, "it uses what it does not declare: `store`");
}

#[test]
fn a_turn_that_ignores_its_cancel_is_told() {
    let checks = trial(|launch, _| {
        one(launch)?;
        // Waits for what never comes, longer than a cancelled turn may.
        let (_sender, never) = mpsc::sync_channel::<()>(1);
        never.recv_timeout(Duration::from_millis(600)).ok();
        Ok(Outcome::done("at last"))
    });
    let told = problems(&checks);
    assert!(
        told.contains(&("cancelled", "it still ran 300 ms after it was cancelled")),
        "{told:?}"
    );
}

#[test]
fn a_plugin_that_cannot_be_started_fails_its_hello_and_nothing_else() {
    let manifest: Manifest = toml::from_str(MANIFEST).expect("the manifest is good");
    let checks = Trial::new(manifest, || Err(Failure::not_found("no such file"))).run(|_| {});
    assert_eq!(problems(&checks), [("says hello", "no such file")]);
    assert_eq!(checks.len(), 1);
}
