//! `callboard plugins verify`: is what is installed what the lock says?

use std::fs;

use install::{Difference, FileList, Lock, LockedPlugin, Store};
use serde::Serialize;
use serde_json::json;

use super::super::Session;
use super::super::problem::{Code, Problem};
use super::install::{failure_from_store, is_plugin_folder, store};

/// How one plugin stands.
#[derive(Debug, Serialize)]
struct Verified {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    state: State,
    path: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is what the lock says.
    Good,
    /// Its files are other ones.
    Changed,
    /// Its folder is not there.
    Missing,
    /// The lock does not name it.
    Unlocked,
}

pub(super) fn verify(session: &Session) -> Result<Code, Problem> {
    let store = store(session);
    let lock = Lock::read(&store.lock_file()).map_err(|error| failure_from_store(&error.into()))?;
    let mut items: Vec<Verified> = (lock.plugins().iter())
        .map(|plugin| verified(&store, plugin))
        .collect();
    items.extend(unlocked(&store, &lock));
    let is_good = items.iter().all(|item| item.state == State::Good);
    let human = if items.is_empty() {
        "No plugin is installed.".to_owned()
    } else {
        items.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    session.output.result(&json!({ "items": items }), &human)?;
    Ok(if is_good { Code::Done } else { Code::Failed })
}

fn verified(store: &Store, plugin: &LockedPlugin) -> Verified {
    let content = &plugin.content;
    let path = store.path(content);
    let found = FileList::of_folder(&path);
    let state = match &found {
        Err(_) if !path.is_dir() => State::Missing,
        Ok(found) if found.hash() == content.hash => State::Good,
        // What cannot be read, a link for example, was not installed.
        Ok(_) | Err(_) => State::Changed,
    };
    let mut verified = Verified {
        id: plugin.id.clone(),
        version: Some(content.version.clone()),
        state,
        path: path.display().to_string(),
        changed: Vec::new(),
        missing: Vec::new(),
        extra: Vec::new(),
    };
    match (store.installed_files(content), found) {
        (Some(files), Ok(found)) => {
            for difference in files.differences(&found) {
                match difference {
                    Difference::Changed(path) => verified.changed.push(path),
                    Difference::Missing(path) => verified.missing.push(path),
                    Difference::Extra(path) => verified.extra.push(path),
                }
            }
        }
        (_, Err(error)) if state == State::Changed => {
            verified.extra.push(error.path.display().to_string());
        }
        _ => {}
    }
    verified
}

/// Finds the plugins that somebody put there by hand.
fn unlocked(store: &Store, lock: &Lock) -> Vec<Verified> {
    let entries = fs::read_dir(store.folder()).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !lock.names_folder(name))
        .filter(|name| is_plugin_folder(&store.folder().join(name)))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| Verified {
            path: store.folder().join(&name).display().to_string(),
            id: name,
            version: None,
            state: State::Unlocked,
            changed: Vec::new(),
            missing: Vec::new(),
            extra: Vec::new(),
        })
        .collect()
}

fn line(item: &Verified) -> String {
    let name = match &item.version {
        Some(version) => format!("{} {version}", item.id),
        None => item.id.clone(),
    };
    let mut lines = vec![match item.state {
        State::Good => format!("{name}: good"),
        State::Changed => format!("{name}: changed, in {}", item.path),
        State::Missing => format!("{name}: missing, it should be in {}", item.path),
        State::Unlocked => format!("{name}: not in the lock"),
    }];
    for (what, paths) in [
        ("changed", &item.changed),
        ("missing", &item.missing),
        ("extra", &item.extra),
    ] {
        lines.extend(paths.iter().map(|path| format!("  {what}: {path}")));
    }
    lines.join("\n")
}
