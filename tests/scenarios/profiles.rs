//! Several users and servers side by side, each in a profile of its own.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::{CommandResult, Home, HostRunner, SOON, callboard_in};

use crate::studio::Studio;

fn refused(result: &CommandResult, kind: &str) -> Result<()> {
    let failure = result.json()?["error"].take();
    ensure!(result.code != Some(0), "{result:?}");
    ensure!(failure["kind"] == kind, "{failure}");
    ensure!(failure["hint"].is_string(), "{failure}");
    Ok(())
}

#[test]
fn two_profiles_run_side_by_side_and_know_nothing_of_each_other() -> Result<()> {
    let studio = Studio::open()?;
    let server = studio.server.ready.server.as_str();
    let home = Arc::new(Home::empty()?);
    let run = |arguments: &[&str], input: &str| {
        callboard_in(&home, &[], &[arguments, &["--json"]].concat(), input)
    };
    let login = |profile: &str, server: &str, user: &str| -> Result<CommandResult> {
        let key = format!("{}\n", studio.client.key_of(user)?);
        let arguments = [
            "login",
            "--server",
            server,
            "--user",
            user,
            "--key-stdin",
            "--profile",
            profile,
        ];
        run(&arguments, &key)
    };
    refused(&login("second", server, "bo")?, "not_found")?;
    run(&["profiles", "add", "second", "--server", server], "")?.done()?;
    refused(&run(&["profiles", "add", "second"], "")?, "conflict")?;
    refused(&run(&["profiles", "add", "../up"], "")?, "invalid")?;
    // It is for its server alone, before anybody has signed in.
    refused(
        &login("second", "https://elsewhere.example", "bo")?,
        "not_signed_in",
    )?;
    login("second", server, "bo")?.done()?;
    login("default", server, "ada")?.done()?;

    let host = |profile: &str| {
        HostRunner::signed_out()
            .home(Arc::clone(&home))
            .argument("--profile")
            .argument(profile)
            .start()
    };
    let (mut first, mut second) = (host("default")?, host("second")?);
    ensure!(first.ready.bus != second.ready.bus, "they share a bus");
    let who = |profile: &str| -> Result<Value> {
        let who = run(&["whoami", "--profile", profile], "")?.done()?;
        Ok(who["user"].clone())
    };
    first.connected_bus()?;
    second.connected_bus()?;
    ensure!(who("default")? == "ada" && who("second")? == "bo");
    let ledger = |host: &HostRunner| -> Result<Value> {
        Ok(host.bus()?.request("status", json!({}))?["ledger"]["path"].take())
    };
    ensure!(ledger(&first)? != ledger(&second)?, "they share a ledger");
    // One logs out, and the other stays.
    run(&["logout", "--profile", "default"], "")?.done()?;
    ensure!(who("second")? == "bo");
    // What runs is neither moved nor removed.
    refused(&run(&["profiles", "use", "second"], "")?, "conflict")?;
    refused(&run(&["profiles", "remove", "second"], "")?, "conflict")?;
    first.stop(SOON)?;
    second.stop(SOON)?;

    run(&["profiles", "use", "second"], "")?.done()?;
    ensure!(run(&["whoami"], "")?.done()?["user"] == "bo");
    let mut used = HostRunner::signed_out().home(Arc::clone(&home)).start()?;
    ensure!(used.ready.user == "bo", "{:?}", used.ready);
    // Applications look for the usual socket.
    ensure!(
        used.ready.bus == home.path().join("bus.sock"),
        "{:?}",
        used.ready
    );
    used.stop(SOON)?;
    let left = run(&["profiles", "remove", "second"], "")?.done()?;
    ensure!(left["items"].as_array().map(Vec::len) == Some(1), "{left}");
    ensure!(!home.path().join("profiles/second").exists());
    Ok(())
}
