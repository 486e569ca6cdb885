//! `callboard plugins test`: a plugin's folder against the host's side of the wire, with what goes wrong in real life.

mod hooks;

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use callboard_plugin_test::{Check, Subject, Trial};
use callboard_protocol::{ActionId, Entity, Failure, FailureKind, Manifest, Run};
use callboard_wire::Connection;
use clap::Args;
use runner::{Report, Runner};
use sandbox::{Options, Sandbox, Scale, Seed};
use serde_json::json;
use tokio::runtime::Handle;

use super::super::Session;
use super::super::print::{failure_text, remark};
use super::super::problem::{Code, Problem};
use super::super::{resident, sandbox as sandbox_command};
use crate::plugin_folders;
use crate::service::failure_from_call;
use crate::settings::{Credentials, Settings, Source};
use crate::supervisor::completed_limits;

/// How many shots the trial's ftrack has beside the demo project, so that a large selection is one.
const SHOTS: usize = 2_000;

/// How many of the last lines that a plugin printed are shown when it failed.
const LOG_LINES: usize = 20;

/// How long one line of a plugin's log may be, in bytes.
const LOG_LINE_BYTES: u64 = 4 * 1024;

/// What is tested.
#[derive(Args, Debug)]
pub(super) struct TestArguments {
    /// The plugin's folder.
    folder: PathBuf,
}

pub(super) fn test(session: &Session, arguments: &TestArguments) -> Result<Code, Problem> {
    let (folder, manifest) = read(&arguments.folder)?;
    let runtime = resident::runtime()?;
    let options = Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        data: None,
        seed: Seed::Demo,
        scale: Scale { shots: SHOTS },
    };
    let sandbox = runtime.block_on(sandbox_command::start(options))?;
    let tried = runtime.block_on(sign_in(&sandbox)).and_then(|ftrack| {
        if !matches!(manifest.run, Run::ConnectHooks(_)) {
            let log = Log::default();
            let handle = runtime.handle();
            let tried = try_out(session, folder, manifest.clone(), ftrack, handle, &log);
            return Ok((tried, log.lines()));
        }
        let credentials = Credentials {
            server: sandbox.server_url().to_owned(),
            user: sandbox.user().to_owned(),
            key: sandbox.api_key().to_owned(),
            source: Source::Demo,
        };
        let tell = |tried: &Tried| told(session, tried);
        runtime.block_on(hooks::try_out(
            session,
            &folder,
            &manifest.id,
            credentials,
            &ftrack,
            tell,
        ))
    });
    runtime.block_on(sandbox.stop());
    resident::end(runtime);
    let (tried, log) = tried?;
    report(session, &manifest, &tried, &log)
}

/// One thing that was tried.
struct Tried {
    /// The action that it was tried with; none where it concerns the plugin as a whole.
    action: Option<ActionId>,
    /// What was tried.
    what: String,
    /// What was seen, in a few words; or what is wrong, and what to do about it.
    result: Result<String, Failure>,
}

impl Tried {
    fn right(what: String, seen: String) -> Self {
        Self {
            action: None,
            what,
            result: Ok(seen),
        }
    }

    fn wrong(what: &str, failure: Failure) -> Self {
        Self {
            action: None,
            what: what.to_owned(),
            result: Err(failure),
        }
    }
}

impl From<&Check> for Tried {
    fn from(check: &Check) -> Self {
        Self {
            action: check.action.clone(),
            what: check.what.to_owned(),
            result: check.result.clone(),
        }
    }
}

/// Reads the manifest of a folder as the host would.
fn read(folder: &Path) -> Result<(PathBuf, Manifest), Problem> {
    let folder = std::path::absolute(folder)
        .with_context(|| format!("could not find the folder `{}`", folder.display()))?;
    if !folder.is_dir() {
        let message = format!("there is no folder `{}`", folder.display());
        return Err(Failure::not_found(message)
            .hint("name the folder that `plugin.toml` lies in")
            .into());
    }
    let mut plugins = plugin_folders::look(&folder)?;
    match (plugins.pop(), plugins.is_empty()) {
        (Some((path, manifest)), true) => Ok((path, manifest?)),
        (None, _) => Err(Failure::not_found(format!(
            "there is no plugin in `{}`",
            folder.display()
        ))
        .hint("name the folder that `plugin.toml` lies in")
        .into()),
        (Some(_), false) => Err(Failure::invalid(format!(
            "there are several plugins in `{}`",
            folder.display()
        ))
        .hint("name the folder of one of them")
        .into()),
    }
}

async fn sign_in(sandbox: &Sandbox) -> Result<ftrack::Session, Problem> {
    let mut config = ftrack::Config::new(sandbox.server_url(), sandbox.user(), sandbox.api_key());
    config.proxy = ftrack::Proxy::None;
    let session = ftrack::Session::connect(config).await;
    Ok(session.context("could not sign in to the sandbox")?)
}

fn try_out(
    session: &Session,
    folder: PathBuf,
    manifest: Manifest,
    ftrack: ftrack::Session,
    runtime: &Handle,
    log: &Log,
) -> Vec<Tried> {
    let environment = session.environment.for_plugins.clone();
    let home = session.home();
    let private = [home.config, home.data, home.logs];
    let settings = Settings::load(&session.home(), &session.environment).settings;
    let limits = completed_limits(manifest.limits.clone(), &settings.plugin_limits());
    let log = log.clone();
    let start = move || {
        let executable = std::env::current_exe().map_err(|error| {
            Failure::new(FailureKind::Internal, "could not find this program's file")
                .caused_by(&error)
        })?;
        let python_path = crate::host::python_path();
        let runner = Runner {
            executable: &executable,
            folder: &folder,
            library_path: None,
            python_path: python_path.as_deref(),
            private: &private,
            limits: limits.clone(),
            files: None,
            connect: None,
        };
        start(&runner, environment.iter().cloned(), &log).map_err(|error| {
            Failure::new(FailureKind::Plugin, "could not start the plugin")
                .hint("look at its folder")
                .caused_by(&error)
        })
    };
    let (asking, picking) = (runtime.clone(), runtime.clone());
    let (asked, picked) = (ftrack.clone(), ftrack);
    let checks = Trial::new(manifest, start)
        .ftrack(
            move |expression| asking.block_on(rows(&asked, expression)),
            move |kind, count| picking.block_on(entities(&picked, kind, count)),
        )
        .run(|check| told(session, &check.into()));
    checks.iter().map(Tried::from).collect()
}

async fn rows(
    ftrack: &ftrack::Session,
    expression: &str,
) -> Result<callboard_plugin_test::Entities, Failure> {
    let rows = ftrack.query(expression).await;
    let rows = rows.map_err(|error| failure_from_call(&error))?;
    let objects = rows.into_iter().filter_map(|row| match row {
        serde_json::Value::Object(row) => Some(row),
        _ => None,
    });
    Ok(objects.collect())
}

/// Names entities of a type; none where ftrack does not know it.
async fn entities(ftrack: &ftrack::Session, kind: &str, count: usize) -> Vec<Entity> {
    let expression = format!("select id from {kind} limit {count}");
    let rows = rows(ftrack, &expression).await.unwrap_or_default();
    let ids = rows.iter().filter_map(|row| row.get("id")?.as_str());
    ids.map(|id| Entity::new(kind, id)).collect()
}

/// The last lines that the plugin's processes printed.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    fn keep(&self, errors: impl Read) {
        let mut errors = BufReader::new(errors);
        let mut line = Vec::new();
        while let Ok(1..) = {
            line.clear();
            (&mut errors)
                .take(LOG_LINE_BYTES)
                .read_until(b'\n', &mut line)
        } {
            self.add(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    }

    fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line);
        if lines.len() > LOG_LINES {
            lines.pop_front();
        }
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// Starts a process of the plugin, as the host does.
fn start(
    runner: &Runner<'_>,
    environment: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    log: &Log,
) -> std::io::Result<Subject> {
    let (mut command, lifeline, report) = runner::command(runner, environment)?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(command);
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(input), Some(output), Some(errors)) = pipes else {
        return Err(std::io::Error::other("it has no pipes"));
    };
    let (log, ended_in) = (log.clone(), log.clone());
    thread::Builder::new()
        .name("trial-log".into())
        .spawn(move || log.keep(errors))?;
    let (end, ended) = sync_channel(1);
    thread::Builder::new()
        .name("trial-wait".into())
        .spawn(move || wait(child, report, &ended_in, &end))?;
    Ok(Subject {
        connection: Connection::new(output, input),
        ended: Box::new(move |limit| {
            // With the lifeline goes whatever the plugin started.
            let _held = &lifeline;
            !matches!(ended.recv_timeout(limit), Err(RecvTimeoutError::Timeout))
        }),
    })
}

fn wait(mut child: Child, report: Report, log: &Log, end: &std::sync::mpsc::SyncSender<()>) {
    if let Err(error) = child.wait() {
        tracing::warn!(%error, "could not wait for a plugin on trial");
    }
    if let Some(breach) = report.breach() {
        log.add(format!("(the host ended it) {breach}"));
    }
    // Nobody may want to know any more.
    end.send(()).ok();
}

/// Tells a person each check as it is made.
fn told(session: &Session, check: &Tried) {
    if session.output.is_json() {
        return;
    }
    let action = check.action.as_ref().map(|action| format!("{action}: "));
    let what = format!("{}{}", action.unwrap_or_default(), check.what);
    match &check.result {
        Ok(seen) if seen.is_empty() => remark(&format!("  ok     {what}")),
        Ok(seen) => remark(&format!("  ok     {what}: {seen}")),
        Err(failure) => remark(&format!(
            "  WRONG  {what}\n{}",
            failure_text(failure).replace("error: ", "         ")
        )),
    }
}

fn report(
    session: &Session,
    manifest: &Manifest,
    checks: &[Tried],
    log: &[String],
) -> Result<Code, Problem> {
    let wrong = checks.iter().filter(|check| check.result.is_err()).count();
    let items: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({
                "action": check.action,
                "what": check.what,
                "seen": check.result.as_ref().ok(),
                "error": check.result.as_ref().err(),
            })
        })
        .collect();
    let (passed, id) = (checks.len() - wrong, &manifest.id);
    let human = if wrong == 0 {
        format!("`{id}` passed {passed} checks")
    } else {
        let mut text = format!("`{id}` passed {passed} checks and failed {wrong}");
        for line in log {
            text.push_str(&format!("\n  it printed: {line}"));
        }
        text
    };
    let value =
        json!({ "plugin": id, "items": items, "passed": passed, "failed": wrong, "log": log });
    session.output.result(&value, &human)?;
    Ok(if wrong == 0 { Code::Done } else { Code::Failed })
}
