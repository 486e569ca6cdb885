//! A trial of hooks: a whole host in a home of its own, with this one plugin, signed in to the trial's ftrack.
//!
//! Hooks are served by a child that stays, a door and the event hub, so there is nothing that a stand-in could show of
//! them. What they register is listed, and what they offer is done.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use callboard_protocol::{
    ActionId, ConnectSummary, Context, Entity, Failure, FailureKind, JobDetail, JobId, JobState,
    PluginId, PluginSummary, Surface,
};
use engine::{Ask, AskLaunch, Reply};
use serde_json::Map;

use super::super::super::Session;
use super::super::super::demo::Folder;
use super::super::super::problem::Problem;
use super::{Tried, entities};
use crate::engine_thread::EngineHandle;
use crate::home::Home;
use crate::host::{Host, HostOptions, StartMode};
use crate::settings::{Credentials, Settings};

/// How long the hooks may take to register, the start of their interpreter included.
const LOADING: Duration = Duration::from_secs(120);

/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(100);

/// How long an action may take, in milliseconds.
const TURN_MS: u64 = 60_000;

/// How many forms of one action are answered, one after the other.
const FORMS: usize = 5;

/// What actions are offered on, beside nothing.
const KINDS: [(&str, usize); 5] = [
    ("Project", 1),
    ("Shot", 1),
    ("Shot", 2),
    ("Task", 1),
    ("AssetVersion", 1),
];

/// What a message of the host's begins with where a hook raised.
const RAISED: &str = "a hook raised";

/// Tries out the hooks in a folder, and tells each thing that was tried.
pub(super) async fn try_out(
    session: &Session,
    folder: &Path,
    plugin: &PluginId,
    credentials: Credentials,
    ftrack: &ftrack::Session,
    mut told: impl FnMut(&Tried),
) -> Result<(Vec<Tried>, Vec<String>), Problem> {
    let place = Folder::temporary(&session.environment, "callboard-trial")?;
    let home = Home::find(&session.environment, Some(place.path()));
    let log = home.logs.join("plugins");
    let host = start(session, folder, home, credentials).await?;
    let mut tried = Vec::new();
    let mut tell = |one: Tried| {
        told(&one);
        tried.push(one);
    };
    match loaded(&host.engine(), plugin).await {
        Ok(summary) => {
            list(&summary, &mut tell);
            run(&host.engine(), plugin, ftrack, &mut tell).await;
        }
        Err(failure) => tell(Tried::wrong("is loaded", failure)),
    }
    host.stop().await;
    Ok((tried, last_lines(&log.join(format!("{plugin}.log")))))
}

async fn start(
    session: &Session,
    folder: &Path,
    home: Home,
    credentials: Credentials,
) -> Result<Host, Problem> {
    let own = session.home();
    let mut environment = session.environment.clone();
    // No plugin but this one, wherever the person has more.
    let nothing = home.data.join("no-plugins");
    std::fs::create_dir_all(&nothing).context("could not make the trial's folder")?;
    environment.callboard_plugin_path = Vec::new();
    environment.ftrack_event_plugin_path = Vec::new();
    environment.ftrack_connect_plugin_path = vec![nothing];
    let mut settings = Settings::load(&own, &environment).settings;
    settings.plugins.bundled = false;
    settings.plugins.paths = Vec::new();
    // An environment that was made for the person's own host serves here as well, and is kept for it.
    let python = &mut settings.connect.python;
    *python = crate::connect::interpreter(python, &own, &environment.for_plugins).await?;
    let started = Host::start(HostOptions {
        home,
        environment,
        settings,
        problems: Vec::new(),
        credentials: Some(credentials),
        plugin_folders: vec![folder.to_owned()],
        mode: StartMode::Normal,
    });
    Ok(started.await?)
}

/// Waits until the hooks are registered, or it is known why they will not be.
async fn loaded(engine: &EngineHandle, plugin: &PluginId) -> Result<ConnectSummary, Failure> {
    let mut looks = tokio::time::interval(LOOK);
    let seen = tokio::time::timeout(LOADING, async {
        loop {
            looks.tick().await;
            if let Some(seen) = found(engine, plugin).await.and_then(|item| judged(*item)) {
                return seen;
            }
        }
    });
    seen.await.unwrap_or_else(|_| {
        Err(Failure::new(
            FailureKind::TimedOut,
            format!(
                "its hooks were not loaded after {} seconds",
                LOADING.as_secs()
            ),
        )
        .hint("see what it printed"))
    })
}

async fn found(engine: &EngineHandle, plugin: &PluginId) -> Option<Box<PluginSummary>> {
    match engine.ask(Ask::Plugins).await {
        Reply::Plugins(plugins) => plugins
            .into_iter()
            .find(|item| item.id == *plugin)
            .map(Box::new),
        _ => None,
    }
}

/// Tells how loading ended; none while it goes on.
fn judged(item: PluginSummary) -> Option<Result<ConnectSummary, Failure>> {
    if let Some(summary) = item.connect {
        return Some(Ok(*summary));
    }
    if let Some(problem) = item.problem {
        return Some(Err(problem));
    }
    use callboard_protocol::PluginState::{Broken, Disabled, NotUsed};
    let is_refused = matches!(item.state, Broken | Disabled | NotUsed);
    is_refused.then(|| Err(Failure::new(FailureKind::Unsupported, item.why)))
}

/// Tells what registered, and what of it does not work.
fn list(summary: &ConnectSummary, tell: &mut impl FnMut(Tried)) {
    let loaded = &summary.loaded;
    for hook in &loaded.hooks {
        let what = format!("`{}` is registered", file_name(&hook.name));
        tell(match &hook.problem {
            None => Tried::right(what, String::new()),
            Some(problem) => Tried::wrong(
                &what,
                Failure::new(FailureKind::Plugin, problem.clone()).hint("see what it printed"),
            ),
        });
    }
    for widget in &loaded.widgets {
        let seen = widget.problem.clone().unwrap_or_default();
        tell(Tried::right(
            format!("has the widget `{}`", widget.name),
            seen,
        ));
    }
    for (what, seen) in [
        ("sets up locations", &loaded.locations),
        (
            "does without what Connect has and Callboard has not",
            &loaded.missing,
        ),
        ("says of this machine", &summary.messages),
    ] {
        if !seen.is_empty() {
            tell(Tried::right(what.to_owned(), seen.join(", ")));
        }
    }
}

/// Does each action once, on the first selection that it is offered on.
async fn run(
    engine: &EngineHandle,
    plugin: &PluginId,
    ftrack: &ftrack::Session,
    tell: &mut impl FnMut(Tried),
) {
    let mut selections = vec![("nothing selected".to_owned(), Vec::new())];
    for (kind, count) in KINDS {
        let selected = entities(ftrack, kind, count).await;
        if selected.len() == count {
            selections.push((format!("{count} {kind}"), selected));
        }
    }
    let mut done: Vec<ActionId> = Vec::new();
    for (named, selection) in selections {
        for (action, label) in offered(engine, plugin, &selection).await {
            if done.contains(&action) {
                continue;
            }
            done.push(action.clone());
            let what = format!("`{label}` is offered and done with {named}");
            let result = launched(engine, &action, &selection).await;
            tell(Tried {
                action: Some(action),
                what,
                result,
            });
        }
    }
    if done.is_empty() {
        tell(Tried::right(
            "offers actions".to_owned(),
            "none, on nothing of the demo project".to_owned(),
        ));
    }
}

async fn offered(
    engine: &EngineHandle,
    plugin: &PluginId,
    selection: &[Entity],
) -> Vec<(ActionId, String)> {
    let mut offered = Vec::new();
    // Hooks that take longer than a menu waits are in the next one.
    for _ in 0..2 {
        let context = context(selection);
        if let Reply::Menu(items) = engine.ask(Ask::Discover { context }).await {
            let own = items.into_iter();
            offered = own
                .filter(|item| item.action_identifier.plugin() == *plugin)
                .map(|item| (item.action_identifier, item.label))
                .collect();
        }
    }
    offered
}

/// Launches an action and answers its forms with what they show; returns what it said.
async fn launched(
    engine: &EngineHandle,
    action: &ActionId,
    selection: &[Entity],
) -> Result<String, Failure> {
    let launch = AskLaunch {
        job: JobId::from(uuid::Uuid::new_v4().to_string()),
        action: action.clone(),
        context: context(selection),
        wait_ms: Some(TURN_MS),
        ..AskLaunch::default()
    };
    let mut seen = Vec::new();
    let mut reply = engine.ask(Ask::Launch(launch)).await;
    for _ in 0..FORMS {
        let detail = match reply {
            Reply::Job(detail) => detail,
            // A form that insists on being filled in is one that works.
            Reply::Failed(failure) if !seen.is_empty() && failure.kind == FailureKind::Invalid => {
                break;
            }
            Reply::Failed(failure) => return Err(failure),
            _ => break,
        };
        let asks = detail.summary.state == JobState::Asks;
        let Some(view) = detail.view.as_ref().filter(|_| asks) else {
            seen.push(ended(*detail)?);
            break;
        };
        let fields = view.items.iter().map(|item| item.name.as_str());
        let fields: Vec<&str> = fields.filter(|name| !name.is_empty()).collect();
        seen.push(format!("asks for {}", fields.join(", ")));
        reply = engine
            .ask(Ask::Answer {
                job: detail.summary.id,
                values: Map::new(),
                question: None,
                wait_ms: Some(TURN_MS),
            })
            .await;
    }
    Ok(seen.join("; "))
}

/// Returns what a job said in the end. That an action refuses is an answer as good as any; that a hook raises is none.
fn ended(detail: JobDetail) -> Result<String, Failure> {
    let message = detail.summary.message;
    match (detail.summary.state, detail.failure) {
        (JobState::Failed, Some(failure))
            if failure.kind == FailureKind::Plugin && !failure.message.starts_with(RAISED) =>
        {
            Ok(format!("refuses: {}", failure.message))
        }
        (JobState::Failed, Some(failure)) => Err(failure),
        (state, _) if state.has_ended() => Ok(message),
        _ => Err(Failure::new(
            FailureKind::TimedOut,
            format!("it was not done after {} seconds", TURN_MS / 1000),
        )
        .hint("see what it printed")),
    }
}

fn context(selection: &[Entity]) -> Context {
    Context {
        surface: Surface::Cli,
        selection: selection.to_vec(),
        ..Context::default()
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns the last lines of a plugin's log; none where it has none.
fn last_lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(super::LOG_LINES);
    lines[from..].iter().map(ToString::to_string).collect()
}
