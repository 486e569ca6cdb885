//! Secrets of plugins: in a real keyring where there is one, and in a file that is closed to others where there is none.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{Home, HostBuilder, HostRunner, Keyring, SOON, wait_until};

use crate::services::{act, home_with, output};

/// Keeps what it is given, and returns what it had kept before.
const BODY: &str = r#"
    try:
        before = host.secret("token")
        place = host.keep_secret("token", values["secret"])
        return callboard.done("ok", {"before": before, "place": place})
    except callboard.Failure as failure:
        return callboard.done("ok", failure.to_json())
"#;

fn host(home: &Arc<Home>) -> HostBuilder {
    HostRunner::demo().home(Arc::clone(home))
}

#[test]
fn a_secret_is_in_the_keyring_and_nowhere_else() -> Result<()> {
    let keyring = Keyring::start()?;
    let home = home_with(&json!(["secret"]), BODY)?;
    let file = home.path().join("secrets/studio.json");
    let address = keyring.address();
    let first = host(&home).start()?;
    let mut bus = first.connected_bus()?;
    // Without a keyring it is in a file.
    let job = act(&mut bus, json!({"secret": "first-s3cret"}))?;
    ensure!(
        output(&job)? == &json!({"before": null, "place": "file"}),
        "{job}"
    );
    ensure!(fs::read_to_string(&file)?.contains("first-s3cret"));
    first.finish()?;
    // With one it is found in the file still, and kept in the keyring from then on.
    let mut second = host(&home)
        .environment("DBUS_SESSION_BUS_ADDRESS", address)
        .start()?;
    let mut bus = second.connected_bus()?;
    let job = act(&mut bus, json!({"secret": "second-s3cret"}))?;
    let expected = json!({"before": "first-s3cret", "place": "keyring"});
    ensure!(output(&job)? == &expected, "{job}");
    ensure!(!fs::read_to_string(&file)?.contains("s3cret"));
    second.kill()?;
    let third = host(&home)
        .environment("DBUS_SESSION_BUS_ADDRESS", address)
        .start()?;
    let mut bus = third.connected_bus()?;
    let job = act(&mut bus, json!({"secret": null}))?;
    let expected = json!({"before": "second-s3cret", "place": "keyring"});
    ensure!(output(&job)? == &expected, "{job}");
    let job = act(&mut bus, json!({"secret": null}))?;
    ensure!(output(&job)?["before"].is_null(), "{job}");
    ensure!(!third.log().contains("s3cret"), "a secret is in the log");
    third.finish()
}

#[test]
fn without_a_keyring_a_secret_is_in_a_file_that_is_closed_to_others_and_that_is_said() -> Result<()>
{
    let home = home_with(&json!(["secret"]), BODY)?;
    let file = home.path().join("secrets/studio.json");
    let host = host(&home).start()?;
    let mut bus = host.connected_bus()?;
    act(&mut bus, json!({"secret": "s3cret"}))?;
    let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "its mode is {mode:o}");
    ensure!(host.log().contains("there is no keyring"), "{}", host.log());
    ensure!(!host.log().contains("s3cret"), "a secret is in the log");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    let job = act(&mut bus, json!({"secret": "other"}))?;
    let failure = output(&job)?;
    ensure!(
        failure["kind"] == "unavailable" && failure["hint"].is_string(),
        "{failure}"
    );
    host.finish()
}

/// Launches the plugin that says whether its secret setting is set.
fn has_token(host: &HostRunner) -> Result<bool> {
    let arguments = ["launch", "burn_in.show", "--wait", "--json"];
    let job = host.command(&arguments)?.done()?;
    let has_token = job["output"]["has_token"].as_bool();
    has_token.with_context(|| format!("it says {job}"))
}

fn change_token(host: &HostRunner, words: [&str; 2]) -> Result<()> {
    let [option, value] = words;
    let arguments = ["plugins", "settings", "burn_in", option, value, "--json"];
    host.command(&arguments)?.done()?;
    Ok(())
}

#[test]
fn a_secret_setting_is_in_the_keyring_and_one_that_lay_in_the_file_moves_there() -> Result<()> {
    let keyring = Keyring::start()?;
    let home = Home::empty()?;
    home.add_example("burn_in")?;
    let home = Arc::new(home);
    let file = home.path().join("plugin_secrets.toml");
    let socket = keyring.address().strip_prefix("unix:path=");
    let socket = socket.and_then(|socket| socket.split(',').next());
    let socket = socket.context("a bus with a path")?;
    // Where this leads to the bus there is a keyring.
    let link = home.path().join("session_bus");
    symlink(socket, &link)?;
    let address = format!("unix:path={}", link.display());
    let with_keyring = || -> Result<HostRunner> {
        let host = host(&home).environment("DBUS_SESSION_BUS_ADDRESS", &address);
        let host = host.start()?;
        host.connected_bus()?;
        Ok(host)
    };

    let first = host(&home).start()?;
    first.connected_bus()?;
    change_token(&first, ["--set", "token=first-s3cret"])?;
    ensure!(fs::read_to_string(&file)?.contains("first-s3cret"));
    let log = first.log();
    ensure!(log.contains("there is no keyring"), "{log}");
    ensure!(has_token(&first)?);
    first.finish()?;

    let second = with_keyring()?;
    ensure!(has_token(&second)?, "it was lost on its way");
    ensure!(!fs::read_to_string(&file)?.contains("s3cret"));
    change_token(&second, ["--set", "token=second-s3cret"])?;
    ensure!(!fs::read_to_string(&file)?.contains("s3cret"));
    second.finish()?;

    // The keyring comes later than the host.
    fs::remove_file(&link)?;
    let third = with_keyring()?;
    ensure!(!has_token(&third)?, "the keyring is away");
    symlink(socket, &link)?;
    wait_until("the keyring is asked again", SOON, || {
        match has_token(&third) {
            Ok(true) => Some(Ok(())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    })??;
    change_token(&third, ["--reset", "token"])?;
    ensure!(!has_token(&third)?, "it is still set");
    let log = third.log();
    ensure!(!log.contains("s3cret"), "a secret is in the log");
    third.finish()?;

    let fourth = with_keyring()?;
    ensure!(!has_token(&fourth)?, "the keyring kept it");
    fourth.finish()
}
