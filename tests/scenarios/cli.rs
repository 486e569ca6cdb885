//! The command line: what it answers, and the codes that scripts rely on.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{CommandResult, Home, HostRunner, SOON, command, program, run};

use crate::studio::Studio;

/// Makes sure that a command failed with this code and kind, a sentence and a hint.
fn check_failed(result: &CommandResult, code: i32, kind: &str) -> Result<Value> {
    ensure!(
        result.code == Some(code),
        "the code is not {code}: {result:?}"
    );
    let error = result.json()?["error"].take();
    ensure!(
        error["kind"] == kind,
        "the kind is not `{kind}`: {result:?}"
    );
    let has = |key: &str| error[key].as_str().is_some_and(|text| !text.is_empty());
    ensure!(
        has("message") && has("hint"),
        "no sentence or no hint: {result:?}"
    );
    Ok(error)
}

#[test]
fn commands_without_a_host_or_credentials_say_so() -> Result<()> {
    // A sandbox is no host: its home has neither bus nor credentials.
    let sandbox = HostRunner::sandbox().start()?;
    for arguments in [
        &["status", "--json"][..],
        &["actions", "--json"],
        &["launch", "a.b", "--json"],
        &["jobs", "list", "--json"],
        &["plugins", "list", "--json"],
    ] {
        check_failed(&sandbox.command(arguments)?, 3, "unavailable")?;
    }
    check_failed(&sandbox.command(&["whoami", "--json"])?, 4, "not_signed_in")?;

    let human = sandbox.command(&["status"])?;
    ensure!(human.stdout.is_empty(), "a failure is on stdout: {human:?}");
    ensure!(
        human.stderr
            == "error: callboard is not running\nhint: start it with `callboard run`, or try it out with `callboard demo`\n",
        "{human:?}"
    );
    for wrong in [
        &["jobs"][..],
        &["launch"],
        &["launch", "a.b", "--set", "x"],
        &["nothing"],
    ] {
        ensure!(
            sandbox.command(wrong)?.code == Some(2),
            "{wrong:?} is accepted"
        );
        let json = [wrong, &["--json"]].concat();
        check_failed(&sandbox.command(&json)?, 2, "invalid")?;
    }
    sandbox.finish()
}

#[test]
fn callboard_starts_with_a_login_where_it_was_told_to() -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let status = || sandbox.command(&["autostart", "status", "--json"])?.done();
    ensure!(status()?["on"] == false, "{}", status()?);
    let on = sandbox.command(&["autostart", "on", "--json"])?.done()?;
    ensure!(on["on"] == true && on["current"] == true, "{on}");
    let file = on["file"].as_str().context("it says where")?;
    let entry = std::fs::read_to_string(file)?;
    let exec = entry.lines().find(|line| line.starts_with("Exec="));
    let exec = exec.with_context(|| format!("nothing is started: {entry}"))?;
    let program = format!("\"{}\" run", program()?.display());
    ensure!(exec.ends_with(&program), "{exec}");
    // What another version left there is told apart.
    std::fs::write(file, "[Desktop Entry]\nExec=/opt/old/callboard run\n")?;
    ensure!(
        status()?["on"] == true && status()?["current"] == false,
        "{}",
        status()?
    );
    for _ in 0..2 {
        let off = sandbox.command(&["autostart", "off", "--json"])?.done()?;
        ensure!(off["on"] == false, "{off}");
    }
    sandbox.finish()
}

#[test]
fn shells_and_readers_are_given_every_command() -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    for shell in ["bash", "fish", "zsh"] {
        let script = sandbox.command(&["completions", shell])?;
        ensure!(script.code == Some(0), "{script:?}");
        for word in ["sandbox", "autostart", "answer"] {
            ensure!(
                script.stdout.contains(word),
                "{shell} does not know `{word}`"
            );
        }
    }
    let script = sandbox.command(&["completions", "bash"])?.stdout;
    let file = sandbox.home().path().join("completions.bash");
    std::fs::write(&file, script)?;
    let mut bash = command("bash");
    bash.arg("-n").arg(&file);
    ensure!(
        run(&mut bash, SOON)?.status.success(),
        "bash cannot read it"
    );
    let folder = sandbox.home().path().display().to_string();
    let pages = sandbox
        .command(&["man", "--dir", &folder, "--json"])?
        .done()?;
    let pages = pages["items"].as_array().context("a list has items")?;
    ensure!(pages.len() > 20, "{pages:?}");
    let page = sandbox.command(&["man"])?;
    ensure!(page.stdout.contains(".SH SYNOPSIS"), "{page:?}");
    sandbox.finish()
}

#[test]
fn a_launch_makes_shots_and_prints_the_job() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    host.connected_bus()?;
    let sequence = studio.sequence_id()?;
    let on = format!("Sequence:{sequence}");

    let actions = host.command(&["actions", "--on", &on, "--json"])?.done()?;
    let ids: Vec<&Value> = actions["items"]
        .as_array()
        .context("a list has items")?
        .iter()
        .map(|item| &item["actionIdentifier"])
        .collect();
    ensure!(ids == ["shot_creation.create_shots"], "{actions}");

    let job = host
        .command(&[
            "launch",
            "shot_creation.create_shots",
            "--on",
            &on,
            "--set",
            "shots=cli010\ncli020",
            "--set",
            "task_types=Compositing,Lighting",
            "--wait",
            "--json",
        ])?
        .done()?;
    ensure!(job["state"] == "done" && job["surface"] == "cli", "{job}");
    ensure!(
        job["message"] == "Made 2 shots with 4 tasks in `sq010`",
        "{job}"
    );
    let shots = studio.shots_below(&sequence)?;
    ensure!(
        shots.get("cli010") == Some(&1) && shots.get("cli020") == Some(&1),
        "{shots:?}"
    );

    let shown = host
        .command(&[
            "jobs",
            "show",
            job["id"].as_str().context("an id")?,
            "--json",
        ])?
        .done()?;
    ensure!(shown == job, "another job is shown: {shown}");
    host.finish()
}

#[test]
fn a_launch_that_asks_names_what_is_missing_and_is_answered() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    host.connected_bus()?;
    let asks = host.command(&["launch", "shot_creation.create_shots", "--wait", "--json"])?;
    let error = check_failed(&asks, 1, "invalid")?;
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(
        message.contains("`project`") && message.contains("`shots`"),
        "{error}"
    );
    let job = asks.json()?["id"].take();
    let job = job.as_str().context("the job is named")?;
    ensure!(
        error["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains(job)),
        "{error}"
    );

    let short = &job[..8];
    let incomplete = host.command(&["jobs", "answer", short, "--set", "shots=x", "--json"])?;
    check_failed(&incomplete, 1, "invalid")?;
    let strange = host.command(&["jobs", "answer", short, "--set", "colour=red", "--json"])?;
    check_failed(&strange, 1, "invalid")?;

    let values = host.home().path().join("values.json");
    std::fs::write(
        &values,
        json!({"sequence": "cli900", "shots": "cli910"}).to_string(),
    )?;
    let values = values.to_string_lossy();
    let answered = host
        .command(&[
            "jobs",
            "answer",
            short,
            "--values",
            &values,
            "--set",
            "project=Harbour",
            "--wait",
            "--json",
        ])?
        .done()?;
    ensure!(answered["state"] == "done", "{answered}");
    ensure!(answered["id"] == job, "another job answered: {answered}");
    let again = host.command(&["jobs", "answer", job, "--set", "shots=x", "--json"])?;
    check_failed(&again, 1, "conflict")?;
    host.finish()
}

#[test]
fn unknown_things_are_named() -> Result<()> {
    let host = HostRunner::demo().plugin("hello").start()?;
    host.connected_bus()?;
    check_failed(
        &host.command(&["launch", "no.thing", "--json"])?,
        1,
        "not_found",
    )?;
    check_failed(
        &host.command(&["jobs", "show", "nothing", "--json"])?,
        1,
        "not_found",
    )?;
    check_failed(
        &host.command(&["jobs", "cancel", &"0".repeat(36), "--json"])?,
        1,
        "not_found",
    )?;
    let plugins = host.command(&["plugins", "list", "--json"])?.done()?;
    ensure!(plugins["items"][0]["id"] == "hello", "{plugins}");
    let status = host.command(&["status", "--json"])?.done()?;
    ensure!(status["tray"]["present"] == false, "{status}");
    let who = host.command(&["whoami", "--json"])?.done()?;
    ensure!(who["user"] == host.ready.user.as_str(), "{who}");
    host.finish()
}

#[test]
fn a_second_host_leaves_the_field_to_the_first() -> Result<()> {
    let host = HostRunner::demo().start()?;
    let second = host.command(&["run", "--headless", "--json"])?.done()?;
    ensure!(second["already_running"] == true, "{second}");
    ensure!(second["pid"] == host.pid(), "{second}");
    host.finish()
}

#[test]
fn a_login_is_checked_kept_and_used() -> Result<()> {
    let studio = Studio::open()?;
    let server = &studio.server.ready;
    let home = Home::empty()?;
    let login = |key: &str| -> Result<CommandResult> {
        // The key goes by a pipe, as a person's script would do it.
        let line = "printf '%s\\n' \"$KEY\" | \"$0\" login --server \"$1\" --user \"$2\" --key-stdin --json";
        let mut shell = command("sh");
        shell
            .args(["-c", line])
            .args([
                program()?.as_os_str(),
                server.server.as_ref(),
                server.user.as_ref(),
            ])
            .env_remove("FTRACK_SERVER")
            .env_remove("FTRACK_API_KEY")
            .env("CALLBOARD_HOME", home.path())
            .env("KEY", key);
        let finished = run(&mut shell, SOON)?;
        Ok(CommandResult {
            code: finished.status.code(),
            stdout: finished.stdout,
            stderr: finished.stderr,
        })
    };
    let refused = login("wrong")?;
    check_failed(&refused, 4, "not_signed_in")?;
    ensure!(
        !home.path().join("credentials.toml").exists(),
        "a wrong key is kept"
    );
    let who = login(&server.api_key)?.done()?;
    ensure!(who["user"] == server.user.as_str(), "{who}");

    let mut whoami = command(program()?);
    whoami
        .args(["whoami", "--json"])
        .env_clear()
        .env("CALLBOARD_HOME", home.path());
    let finished = run(&mut whoami, SOON)?;
    ensure!(finished.status.success(), "{finished:?}");
    ensure!(
        finished.stdout.contains("\"source\":\"file\""),
        "{finished:?}"
    );
    ensure!(
        !finished.stdout.contains(&server.api_key),
        "the key is printed"
    );
    Ok(())
}
