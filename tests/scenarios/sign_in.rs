//! Signing in and out: where the key rests, and what a running host makes of it.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::{
    CommandResult, Home, HostRunner, Keyring, Ready, SOON, callboard_in, checkout, program,
    run_python, wait_until,
};

use crate::studio::Studio;

fn login_arguments(server: &Ready) -> Vec<&str> {
    let (server, user) = (server.server.as_str(), server.user.as_str());
    vec![
        "login",
        "--server",
        server,
        "--user",
        user,
        "--key-stdin",
        "--json",
    ]
}

/// Makes sure that a command failed in this way, with a hint, and returns what it said.
fn refused(result: &CommandResult, code: i32, kind: &str) -> Result<Value> {
    ensure!(result.code == Some(code), "{result:?}");
    let failure = result.json()?["error"].take();
    ensure!(failure["kind"] == kind, "{failure}");
    ensure!(failure["hint"].is_string(), "{failure}");
    Ok(failure)
}

fn file_of(home: &Home) -> Result<String> {
    Ok(fs::read_to_string(home.path().join("credentials.toml"))?)
}

fn who(host: &HostRunner) -> Result<Value> {
    let mut bus = host.bus()?;
    wait_until("somebody is signed in", SOON, || {
        bus.request("whoami", json!({})).ok()
    })
}

#[test]
fn a_key_in_a_file_is_moved_into_the_keyring_once_there_is_one() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Arc::new(Home::empty()?);
    let key = format!("{}\n", server.api_key);
    let login = callboard_in(&home, &[], &login_arguments(server), &key)?;
    ensure!(login.done()?["source"] == "file", "{login:?}");
    ensure!(file_of(&home)?.contains(&server.api_key));

    let keyring = Keyring::start()?;
    let bus = ("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    let host = || {
        HostRunner::signed_out()
            .home(Arc::clone(&home))
            .environment(bus.0, bus.1)
    };
    let first = host().start()?;
    ensure!(first.ready.user == server.user, "{:?}", first.ready);
    let told = who(&first)?;
    ensure!(told["source"] == "keyring", "{told}");
    let status = first.command(&["status"])?;
    ensure!(
        status.stdout.contains("(key from the keyring)"),
        "{status:?}"
    );
    let file = file_of(&home)?;
    ensure!(!file.contains(&server.api_key), "the key is in the file");
    ensure!(file.contains(&server.user), "{file}");
    let log = first.log();
    ensure!(!log.contains(&server.api_key), "the key is in the log");
    first.finish()?;
    // It is there for the next host and for commands, and nowhere else.
    let second = host().start()?;
    ensure!(who(&second)?["source"] == "keyring");
    second.finish()?;
    let here = callboard_in(&home, &[bus], &["whoami", "--json"], "")?;
    ensure!(here.done()?["user"] == server.user.as_str(), "{here:?}");
    let elsewhere = callboard_in(&home, &[], &["whoami", "--json"], "")?;
    refused(&elsewhere, 4, "not_signed_in")?;
    // Logging out empties the keyring.
    callboard_in(&home, &[bus], &["logout", "--json"], "")?.done()?;
    fs::write(home.path().join("credentials.toml"), file)?;
    let gone = callboard_in(&home, &[bus], &["whoami", "--json"], "")?;
    let failure = refused(&gone, 4, "not_signed_in")?;
    ensure!(
        failure["message"] == "the API key is not in the keyring any more",
        "{failure}"
    );
    Ok(())
}

#[test]
fn a_locked_keyring_keeps_a_host_waiting_and_is_named() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Arc::new(Home::empty()?);
    let keyring = Keyring::start()?;
    let bus = ("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    let key = format!("{}\n", server.api_key);
    let login = callboard_in(&home, &[bus], &login_arguments(server), &key)?;
    ensure!(login.done()?["source"] == "keyring", "{login:?}");
    ensure!(!file_of(&home)?.contains(&server.api_key));
    keyring.lock()?;
    let host = HostRunner::signed_out()
        .home(Arc::clone(&home))
        .environment(bus.0, bus.1)
        .start()?;
    let failure = refused(&host.command(&["whoami", "--json"])?, 4, "not_signed_in")?;
    let message = failure["message"].as_str().unwrap_or_default();
    ensure!(message.contains("the keyring is locked"), "{failure}");
    host.finish()
}

#[test]
fn a_running_host_takes_a_sign_in_up_at_once_and_forgets_it_at_the_logout() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Arc::new(Home::empty()?);
    let host = HostRunner::signed_out().home(Arc::clone(&home)).start()?;
    refused(&host.command(&["whoami", "--json"])?, 4, "not_signed_in")?;
    let wrong = host.command_with(&login_arguments(server), "wrong\n")?;
    refused(&wrong, 4, "not_signed_in")?;

    let key = format!("{}\n", server.api_key);
    let login = host.command_with(&login_arguments(server), &key)?;
    ensure!(login.done()?["user"] == server.user.as_str(), "{login:?}");
    // It is signed in when the command ends, not some time later.
    let told = host.bus()?.request("whoami", json!({}))?;
    ensure!(told["source"] == "file", "{told}");
    let actions = host.command(&["actions", "--json"])?;
    actions.done()?;

    host.command(&["logout", "--json"])?.done()?;
    refused(&host.command(&["whoami", "--json"])?, 4, "not_signed_in")?;
    let status = host.bus()?.request("status", json!({}))?;
    ensure!(status["hub"]["state"] == "signed_out", "{status}");
    ensure!(status["user"] == "", "{status}");
    ensure!(!home.path().join("credentials.toml").exists());
    let log = host.log();
    ensure!(!log.contains(&server.api_key), "the key is in the log");
    host.finish()
}

#[test]
fn a_host_whose_key_is_refused_wakes_with_the_next_sign_in() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Arc::new(Home::empty()?);
    let key = format!("{}\n", server.api_key);
    callboard_in(&home, &[], &login_arguments(server), &key)?.done()?;
    studio.client.expire_keys(&server.user, true)?;
    let host = HostRunner::signed_out().home(Arc::clone(&home)).start()?;
    let mut bus = host.bus()?;
    wait_until("the key is refused", SOON, || {
        let status = bus.request("status", json!({})).ok()?;
        (status["hub"]["state"] == "refused").then_some(())
    })?;
    // Half a minute at least would pass until it tries again by itself.
    let failure = bus.request("sign_in.renew", json!({}));
    ensure!(failure.is_err(), "an expired key is accepted");
    studio.client.expire_keys(&server.user, false)?;
    let begun = std::time::Instant::now();
    host.command_with(&login_arguments(server), &key)?.done()?;
    ensure!(bus.request("whoami", json!({})).is_ok());
    ensure!(begun.elapsed().as_secs() < 25, "{:?}", begun.elapsed());
    host.finish()
}

#[test]
fn a_sign_in_elsewhere_is_refused_while_one_is_kept() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Arc::new(Home::empty()?);
    let key = format!("{}\n", server.api_key);
    callboard_in(&home, &[], &login_arguments(server), &key)?.done()?;
    let elsewhere = [
        ("FTRACK_SERVER", "https://elsewhere.example"),
        ("FTRACK_API_USER", "ada"),
        ("FTRACK_API_KEY", "planted-k3y"),
    ];
    let result = callboard_in(&home, &elsewhere, &["whoami", "--json"], "")?;
    let failure = refused(&result, 4, "not_signed_in")?;
    let message = failure["message"].as_str().unwrap_or_default();
    ensure!(
        message.contains(&server.server) && message.contains("https://elsewhere.example"),
        "{failure}"
    );
    ensure!(!result.stdout.contains("planted-k3y"));
    let mut arguments = login_arguments(server);
    arguments[2] = "https://elsewhere.example";
    let result = callboard_in(&home, &[], &arguments, &key)?;
    refused(&result, 4, "not_signed_in")?;
    Ok(())
}

#[test]
fn a_logout_asks_while_work_waits() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Studio::home()?;
    let key = format!("{}\n", server.api_key);
    callboard_in(&home, &[], &login_arguments(server), &key)?.done()?;
    let mut host = HostRunner::signed_out().home(Arc::clone(&home)).start()?;
    let mut bus = host.connected_bus()?;
    // It asks for what is missing, and so does not end.
    let job = bus.launch("shot_creation.create_shots", json!([]), json!({}))?;
    ensure!(job["state"] == "asks", "{job}");
    refused(&host.command(&["logout", "--json"])?, 1, "conflict")?;
    ensure!(bus.request("whoami", json!({})).is_ok(), "it logged out");
    host.stop(SOON)?;
    // The same without a host.
    let result = callboard_in(&home, &[], &["logout", "--json"], "")?;
    refused(&result, 1, "conflict")?;
    ensure!(home.path().join("credentials.toml").exists());
    callboard_in(&home, &[], &["logout", "--yes", "--json"], "")?.done()?;
    ensure!(!home.path().join("credentials.toml").exists());
    Ok(())
}

#[test]
fn on_a_terminal_the_key_is_asked_for_and_shows_as_dots() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Home::empty()?;
    let folder = home.path().to_string_lossy();
    let program = program()?;
    let arguments = [
        program.to_str().context("a path in UTF-8")?,
        &server.server,
        &server.user,
        &server.api_key,
    ];
    let environment = [
        ("CALLBOARD_HOME", folder.as_ref()),
        ("HOME", folder.as_ref()),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"),
    ];
    let script = checkout().join("tests/scenarios/sign_in_terminal.py");
    let finished = run_python(&script, &arguments, environment, Duration::from_secs(90))?;
    ensure!(finished.status.success(), "{finished:?}");
    let seen: Value = serde_json::from_str(&finished.stdout)?;
    let shown = seen["shown"].as_str().unwrap_or_default();
    ensure!(seen["code"] == 0, "{shown}");
    ensure!(shown.contains("API key: ••"), "{shown}");
    ensure!(shown.contains("which only you can read"), "{shown}");
    ensure!(!shown.contains(&server.api_key), "the key is on the screen");
    ensure!(file_of(&home)?.contains(&server.api_key));
    Ok(())
}
