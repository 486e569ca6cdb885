//! Plugins that try to get at what is not theirs: the person's files, the host's key, other programs, the network.

use std::fs;
use std::os::unix::net::UnixListener;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tests::{Home, HostRunner};

/// What a plugin may do that was permitted nothing but one program.
const ALLOWED: [&str; 6] = [
    "have two ends of its own",
    "read its own manifest",
    "read itself",
    "start a permitted program",
    "write a temporary file",
    "core",
];

/// A key that no answer and no log may hold.
const KEY: &str = "a-key-of-this-test";

/// Has a plugin spy, and returns how each of its tries went.
fn spy(permissions: &[&str]) -> Result<Value> {
    let home = Home::empty()?;
    // Where a keyring would listen.
    let socket = home.path().join("keyring");
    let _listener = UnixListener::bind(&socket)?;
    let secret = home.path().join("credentials.toml");
    fs::write(&secret, "a secret")?;
    let folder = home.add_unruly_with("spies", "spies", "places.json", permissions, "")?;
    let places = json!({
        "home": home.path(),
        "settings": home.path().join("settings.toml"),
        "secret": secret,
        "socket": socket,
    });
    fs::write(folder.join("places.json"), places.to_string())?;
    let host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .environment("FTRACK_API_KEY", KEY)
        .start()?;
    let mut job = host
        .connected_bus()?
        .launch("spies.run", json!([]), json!({}))?;
    ensure!(job["state"] == "done", "it could not even look: {job}");
    ensure!(!job.to_string().contains(KEY), "it has the key: {job}");
    ensure!(!host.log().contains(KEY), "the log holds the key");
    host.finish()?;
    Ok(job["output"].take())
}

#[test]
fn a_plugin_reaches_nothing_that_is_not_its_own() -> Result<()> {
    let told = spy(&["program:true"])?;
    let told = told.as_object().context("it told nothing")?;
    ensure!(told.len() > 40, "it tried too little: {told:?}");
    for (name, how) in told {
        let how = how.as_str().unwrap_or_default();
        if name == "core" {
            ensure!(how.contains(" 1 "), "a core may be dumped: {how}");
        } else if ALLOWED.contains(&name.as_str()) {
            ensure!(how == "done", "`{name}`: {how}");
        } else {
            ensure!(how.starts_with("refused"), "`{name}`: {how}");
        }
    }
    Ok(())
}

#[test]
fn the_network_does_not_open_the_keyring() -> Result<()> {
    let told = spy(&["network", "program:true"])?;
    for name in [
        "connect to the keyring",
        "send to a local socket",
        "listen on a local socket",
        "read environ of the host",
        "read the host's credentials",
    ] {
        let how = told[name].as_str().unwrap_or_default();
        ensure!(how.starts_with("refused"), "`{name}`: {how}");
    }
    for name in ["listen on the network", "send to the network"] {
        ensure!(told[name] == "done", "`{name}`: {}", told[name]);
    }
    // Nobody listens there; but it was asked.
    let how = told["connect to the network"].as_str().unwrap_or_default();
    ensure!(
        how.contains("Connection refused"),
        "it could not ask: {how}"
    );
    Ok(())
}

#[test]
fn a_folder_that_holds_the_hosts_own_is_given_to_nobody() -> Result<()> {
    let home = Home::empty()?;
    let permission = format!("read:{}", home.path().display());
    home.add_unruly_with("spies", "polite", "", &[&permission], "")?;
    let host = HostRunner::demo()
        .home(home.into())
        .unprivileged()
        .start()?;
    let job = host
        .connected_bus()?
        .launch("spies.run", json!([]), json!({}))?;
    let failure = &job["failure"];
    ensure!(failure["kind"] == "denied", "it was started: {job}");
    let message = failure["message"].as_str().unwrap_or_default();
    ensure!(
        message.contains("it holds Callboard's own"),
        "it was refused so: {failure}"
    );
    host.finish()
}

#[test]
fn what_a_permission_names_is_given() -> Result<()> {
    let shared = tempfile::tempdir()?;
    fs::write(shared.path().join("plan.txt"), "the plan")?;
    let home = Home::empty()?;
    let folder = shared.path().display();
    let script = format!(
        "read hello; printf '{{\"versions\":[1]}}\\n'; read launch; read plan < {folder}/plan.txt; echo new > {folder}/new.txt; printf '{{\"id\":1,\"result\":{{\"outcome\":\"done\",\"message\":\"%s\"}}}}\\n' \"$plan\"; read end"
    );
    let manifest = format!(
        "id = \"reads\"\nversion = \"1.0.0\"\nrun.program = [\"sh\", \"plan.sh\"]\npermissions = [\"write:{folder}\"]\n\n[[action]]\nid = \"run\"\nlabel = \"Run\"\n"
    );
    home.add_plugin("reads", &[("plugin.toml", &manifest), ("plan.sh", &script)])?;
    let host = HostRunner::demo().home(home.into()).start()?;
    let job = host
        .connected_bus()?
        .launch("reads.run", json!([]), json!({}))?;
    ensure!(
        job["message"] == "the plan",
        "it read something else: {job}"
    );
    let new = fs::read_to_string(shared.path().join("new.txt"))?;
    ensure!(new == "new\n", "it wrote `{new}`");
    host.finish()
}

#[test]
fn the_status_says_what_is_in_force() -> Result<()> {
    let host = HostRunner::demo().unprivileged().start()?;
    let status = host.command(&["status", "--json"])?;
    let status: Value = serde_json::from_str(&status.stdout)?;
    let isolation = &status["isolation"];
    ensure!(
        isolation["landlock"]
            .as_u64()
            .is_some_and(|version| version > 0)
            && isolation["seccomp"] == true
            && isolation["host_is_closed"] == true,
        "these tests need a kernel with Landlock and seccomp, and this one has {isolation}"
    );
    let told = host.command(&["status"])?.stdout;
    for sentence in [
        "a plugin reaches the files and programs that its permissions name",
        "no sockets without the permission `network`",
        "other programs of the person cannot look into Callboard",
    ] {
        ensure!(told.contains(sentence), "no `{sentence}` in:\n{told}");
    }
    host.finish()
}
