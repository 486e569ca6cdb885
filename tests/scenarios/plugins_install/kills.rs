//! `kill -9` at each call that changes a file: the old version works or the new one, and the next command tidies up.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::{command, program, run};

use super::machine::{Machine, pack};

/// The system calls that change files, at each of which the program is killed in turn.
const CALLS: [&str; 8] = [
    "mkdir", "write", "syncfs", "fsync", "rename", "unlinkat", "unlink", "rmdir",
];

/// More often than that none of them is made, or this test does not see the end of what it tests.
const MOST: u32 = 200;

const COMMAND: Duration = Duration::from_secs(60);

/// Runs a command that is killed at the `number`th call of `call`; returns whether it came to that.
fn killed_at(machine: &Machine, call: &str, number: u32, arguments: &[&str]) -> Result<bool> {
    let mut strace = command("strace");
    strace
        .args(["-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:signal=SIGKILL:when={number}"))
        .arg(program()?)
        .args(arguments);
    let finished = run(machine.prepared(&mut strace), COMMAND)?;
    if finished.status.success() {
        return Ok(false);
    }
    // strace ends as its child did.
    use std::os::unix::process::ExitStatusExt as _;
    ensure!(
        finished.status.signal() == Some(9),
        "{call} {number}: {finished:?}"
    );
    Ok(true)
}

#[test]
fn a_kill_at_any_point_leaves_the_old_version_or_the_new_one() -> Result<()> {
    let template = Machine::new()?;
    let first = pack(template.path(), "hello", "1.0.0", "zip")?;
    let second = pack(template.path(), "hello", "1.1.0", "tar.gz")?;
    let third = pack(template.path(), "hello", "1.2.0", "zip")?;
    template.done(&["plugins", "install", &first, "--yes"])?;
    template.done(&["plugins", "install", &second, "--yes"])?;
    let install = ["plugins", "install", &third, "--yes", "--json"];
    let mut kills = 0;
    let mut seen_old = 0;
    for call in CALLS {
        for number in 1..=MOST {
            let machine = copy(&template)?;
            let was_killed = killed_at(&machine, call, number, &install)
                .with_context(|| format!("at {call} {number}"))?;
            let runs = machine
                .runs("hello")
                .with_context(|| format!("after {call} {number}"))?;
            ensure!(
                runs == "1.1.0" || runs == "1.2.0",
                "{runs} after {call} {number}"
            );
            if !was_killed {
                ensure!(runs == "1.2.0", "nothing was installed");
                break;
            }
            ensure!(number < MOST, "`{call}` is called without end");
            kills += 1;
            seen_old += u32::from(runs == "1.1.0");
            let again = machine.done(&install[..4])?;
            ensure!(again["version"] == "1.2.0", "{again}");
            ensure!(machine.runs("hello")? == "1.2.0", "after {call} {number}");
            let verified = machine.verify()?;
            ensure!(
                verified.code == Some(0),
                "after {call} {number}: {verified:?}"
            );
            ensure!(
                machine.hidden()? == ["files", "guard"],
                "left after {call} {number}: {:?}",
                machine.hidden()?
            );
        }
    }
    // Both kinds of outcome were seen, or the kills came too early or too late.
    ensure!(
        kills > 20 && seen_old > 5 && seen_old < kills,
        "{kills} kills, {seen_old} old"
    );
    Ok(())
}

#[test]
fn a_kill_while_removing_or_going_back_leaves_what_the_next_command_finishes() -> Result<()> {
    let template = Machine::new()?;
    let first = pack(template.path(), "hello", "1.0.0", "zip")?;
    let second = pack(template.path(), "hello", "1.1.0", "zip")?;
    template.done(&["plugins", "install", &first, "--yes"])?;
    template.done(&["plugins", "install", &second, "--yes"])?;
    for (command, calls) in [
        ("rollback", &["write", "fsync", "rename"][..]),
        (
            "remove",
            &["write", "rename", "unlinkat", "unlink", "rmdir"],
        ),
    ] {
        for call in calls {
            for number in 1..=MOST {
                let machine = copy(&template)?;
                let arguments = ["plugins", command, "hello", "--json"];
                if !killed_at(&machine, call, number, &arguments)? {
                    break;
                }
                ensure!(number < MOST, "`{call}` is called without end");
                // Whatever was meant is whole, and the command can be given again.
                let lock = fs::read_to_string(machine.plugins().join("callboard.lock"))?;
                if lock.contains("\"hello\"") {
                    let runs = machine.runs("hello")?;
                    ensure!(runs == "1.0.0" || runs == "1.1.0", "{runs}");
                    machine.done(&["plugins", "remove", "hello"])?;
                } else {
                    let gone = machine.callboard(&["plugins", "remove", "hello", "--json"])?;
                    ensure!(gone.code == Some(1), "{gone:?}");
                }
                let verified = machine.verify()?.done()?;
                ensure!(verified["items"] == serde_json::json!([]), "{verified}");
                ensure!(
                    machine.hidden()? == ["files", "guard"],
                    "{:?}",
                    machine.hidden()?
                );
            }
        }
    }
    Ok(())
}

/// Returns a machine with the same plugins.
fn copy(template: &Machine) -> Result<Machine> {
    let machine = Machine::new()?;
    let copied = run(
        command("cp")
            .arg("-a")
            .args([template.path().join("data"), machine.path().to_owned()]),
        COMMAND,
    )?;
    ensure!(copied.status.success(), "{copied:?}");
    Ok(machine)
}
