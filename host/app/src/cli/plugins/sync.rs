//! `callboard plugins sync`: brings this machine to what a lock says.

use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind};
use clap::Args;
use install::{Changing, Lock, LockedPlugin, Store};
use serde::Serialize;
use serde_json::json;

use super::super::Session;
use super::super::print::failure_text;
use super::super::problem::{Code, Problem};
use super::install::{
    Source, Terms, change, commit, failure_from_store, obtain, prepare, remark_left_over, store,
    tell_host,
};

#[derive(Args, Debug)]
pub(super) struct SyncArguments {
    /// The lock to bring this machine to; this machine's own when none is given.
    #[arg(value_name = "LOCK")]
    lock: Option<PathBuf>,
    /// Removes the plugins that the lock does not name.
    #[arg(long)]
    prune: bool,
}

/// What became of one plugin.
#[derive(Debug, Serialize)]
struct Synced {
    id: String,
    version: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It was there.
    Good,
    /// It was brought.
    Installed,
    /// It was taken away.
    Removed,
    /// It could not be brought.
    Failed,
}

pub(super) fn sync(session: &Session, arguments: &SyncArguments) -> Result<Code, Problem> {
    let terms = Terms::read(session)?;
    let store = store(session);
    let path = (arguments.lock.clone()).unwrap_or_else(|| store.lock_file());
    if arguments.lock.is_some() && !path.is_file() {
        return Err(
            Failure::not_found(format!("there is no lock `{}`", path.display()))
                .hint("name the file that the studio shares")
                .into(),
        );
    }
    let wanted = Lock::read(&path).map_err(|error| failure_from_store(&error.into()))?;
    let mut changing = change(&store)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut items = Vec::new();
    for plugin in wanted.plugins() {
        let brought = bring(plugin, folder, &store, &mut changing, &terms);
        let (state, problem) = match brought {
            Ok(state) => (state, None),
            Err(problem) => (State::Failed, Some(problem.failure)),
        };
        items.push(Synced {
            id: plugin.id.clone(),
            version: plugin.content.version.clone(),
            state,
            problem,
        });
    }
    if arguments.prune {
        items.extend(prune(&wanted, &mut changing));
    }
    remark_left_over(&changing);
    drop(changing);
    let count = |state| items.iter().filter(|item| item.state == state).count();
    if count(State::Installed) + count(State::Removed) > 0 {
        tell_host(session)?;
    }
    let code = match count(State::Failed) {
        0 => Code::Done,
        failed if failed == items.len() => Code::Failed,
        _ => Code::Partly,
    };
    session
        .output
        .result(&json!({ "items": items }), &human(&items))?;
    Ok(code)
}

/// Brings one plugin to what the lock says.
fn bring(
    plugin: &LockedPlugin,
    folder: &Path,
    store: &Store,
    changing: &mut Changing,
    terms: &Terms,
) -> Result<State, Problem> {
    let LockedPlugin { id, content, .. } = plugin;
    let here = changing.lock().get(id).cloned();
    let is_it = |other: &install::Locked| {
        other.hash == content.hash && other.version == content.version && store.is_intact(other)
    };
    if here.as_ref().is_some_and(|here| is_it(&here.content)) {
        return Ok(State::Good);
    }
    if (here.and_then(|here| here.previous)).is_some_and(|previous| is_it(&previous)) {
        changing
            .roll_back(id)
            .map_err(|error| failure_from_store(&error))?;
        return Ok(State::Installed);
    }
    let source = Source::from_lock(&content.source, folder)?;
    let obtained = obtain(&source, store, terms)?;
    let prepared = prepare(changing, &obtained, None, terms)?;
    let found = (
        prepared.id.as_str(),
        prepared.version.as_str(),
        prepared.files.hash(),
    );
    if found != (id.as_str(), content.version.as_str(), content.hash.clone()) {
        let (id, version, hash) = found;
        return Err(Failure::new(
            FailureKind::Conflict,
            format!("`{}` is not what the lock means", source.text()),
        )
        .because(format!("it is `{id}` {version} with the hash `{hash}`"))
        .hint("ask whoever keeps the lock to bring the two together")
        .into());
    }
    commit(changing, prepared, &source)?;
    obtained.forget();
    Ok(State::Installed)
}

/// Takes away what the lock does not name.
fn prune(wanted: &Lock, changing: &mut Changing) -> Vec<Synced> {
    let here = changing.lock().plugins().to_vec();
    let unwanted = here
        .into_iter()
        .filter(|plugin| wanted.get(&plugin.id).is_none());
    unwanted
        .map(|plugin| {
            let removed = changing.remove(&plugin.id);
            Synced {
                id: plugin.id,
                version: plugin.content.version,
                state: match &removed {
                    Ok(_) => State::Removed,
                    Err(_) => State::Failed,
                },
                problem: removed.err().map(|error| failure_from_store(&error)),
            }
        })
        .collect()
}

fn human(items: &[Synced]) -> String {
    if items.is_empty() {
        return "The lock names no plugin.".to_owned();
    }
    let lines = items.iter().map(|item| {
        let Synced { id, version, .. } = item;
        let state = match item.state {
            State::Good => "was there",
            State::Installed => "installed",
            State::Removed => "removed",
            State::Failed => "failed",
        };
        match &item.problem {
            None => format!("{id} {version}: {state}"),
            Some(problem) => format!("{id} {version}: {state}\n{}", failure_text(problem)),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
