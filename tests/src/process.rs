//! Starts processes, looks at them, and ends them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::wait_until;

/// What a process wrote and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Returns a command for `program`.
#[expect(
    clippy::disallowed_methods,
    reason = "tests start processes, and do it here only"
)]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs `command` without standard input; kills it once `deadline` has passed.
///
/// # Errors
///
/// When it cannot be started or does not end in time.
pub fn run(command: &mut Command, deadline: Duration) -> Result<Finished> {
    run_with(command, "", deadline)
}

/// Runs `command` with this standard input, which fits into a pipe; kills it once `deadline` has passed.
///
/// # Errors
///
/// When it cannot be started or does not end in time.
pub(crate) fn run_with(command: &mut Command, input: &str, deadline: Duration) -> Result<Finished> {
    let stdin = if input.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {command:?}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command may end without reading it.
        stdin.write_all(input.as_bytes()).ok();
    }
    let stdout = collect(child.stdout.take().context("standard output is piped")?)?;
    let stderr = collect(child.stderr.take().context("standard error is piped")?)?;
    let ended = wait_for(&mut child, deadline);
    if ended.is_err() {
        end(&mut child)?;
    }
    // A grandchild may hold the pipes open, so these too have a deadline.
    let stdout = stdout.recv_timeout(deadline).unwrap_or_default();
    let stderr = stderr.recv_timeout(deadline).unwrap_or_default();
    let status = ended.with_context(|| format!("{command:?} wrote:\n{stdout}\n{stderr}"))?;
    Ok(Finished {
        status,
        stdout,
        stderr,
    })
}

/// Waits until `child` has ended.
///
/// # Errors
///
/// When the deadline has passed.
pub(crate) fn wait_for(child: &mut Child, deadline: Duration) -> Result<ExitStatus> {
    let pid = child.id();
    wait_until(&format!("process {pid} ended"), deadline, || {
        child.try_wait().transpose()
    })?
    .with_context(|| format!("could not wait for process {pid}"))
}

/// Kills `child` and waits for its end.
pub(crate) fn end(child: &mut Child) -> Result<()> {
    child.kill().context("could not kill a process")?;
    child
        .wait()
        .context("could not wait for a killed process")?;
    Ok(())
}

/// Reads `stream` to its end on a thread of its own.
fn collect(mut stream: impl Read + Send + 'static) -> Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    Builder::new().name("output".into()).spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth showing.
        stream.read_to_end(&mut bytes).ok();
        sender
            .send(String::from_utf8_lossy(&bytes).into_owned())
            .ok();
    })?;
    Ok(receiver)
}

/// Sends `signal` to the process `pid`. One that has ended already is fine.
///
/// # Errors
///
/// When the process belongs to someone else.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let id = id.with_context(|| format!("`{pid}` is no process id"))?;
    match kill_process(id, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("could not signal process {pid}")),
    }
}

/// Tells whether the process `pid` runs; one that has ended and not been waited for does not.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Returns the children of `pid`, their children, and so on.
pub fn descendants(pid: u32) -> BTreeSet<u32> {
    let parents: Vec<(u32, u32)> = every_process()
        .filter_map(|child| Some((child, stat(child)?.1)))
        .collect();
    let mut found = BTreeSet::new();
    let mut next = vec![pid];
    while let Some(parent) = next.pop() {
        for (child, _) in parents.iter().filter(|(_, of)| *of == parent) {
            if found.insert(*child) {
                next.push(*child);
            }
        }
    }
    found
}

/// Returns the processes whose environment has `name` set to `value`: children keep it when their parent is gone.
pub fn with_environment(name: &str, value: &OsStr) -> BTreeSet<u32> {
    let mut entry = format!("{name}=").into_bytes();
    entry.extend(value.as_encoded_bytes());
    every_process()
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|other| other == entry)
            })
        })
        .collect()
}

fn every_process() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Returns the state letter and the parent of a process, from `/proc/PID/stat`.
fn stat(pid: u32) -> Option<(char, u32)> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may itself hold brackets and blanks.
    let (_, rest) = line.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    let state = words.next()?.chars().next()?;
    Some((state, words.next()?.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_writes_is_returned() {
        let finished = run(
            command("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
            crate::SOON,
        );
        let finished = finished.unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(
            (finished.stdout.as_str(), finished.stderr.as_str()),
            ("out\n", "err\n")
        );
    }

    #[test]
    fn a_process_that_does_not_end_is_killed() {
        let error = run(command("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert!(format!("{error:#}").contains("in vain"), "{error:#}");
        assert!(descendants(std::process::id()).iter().all(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name != "sleep\n")
        }));
    }

    #[test]
    fn a_grandchild_is_a_descendant_and_carries_the_environment() {
        let mut shell = command("sh")
            .args(["-c", "cat; true"])
            .env("TESTS_MARK", "a-mark-of-this-test")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let family = wait_until("there is a grandchild", crate::SOON, || {
            let family = descendants(shell.id());
            let marked = with_environment("TESTS_MARK", OsStr::new("a-mark-of-this-test"));
            (!family.is_empty() && marked.is_superset(&family)).then_some(family)
        });
        let family = family.unwrap();
        end(&mut shell).unwrap();
        for pid in family {
            signal(pid, Signal::KILL).unwrap();
            wait_until("the grandchild is gone", crate::SOON, || {
                (!is_alive(pid)).then_some(())
            })
            .unwrap();
        }
    }
}
