//! Secrets of plugins: in a real keyring where there is one, and in a file that is closed to others where there is none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{Home, HostBuilder, HostRunner, Keyring};

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
