//! `callboard plugins install`: from an archive, a folder or an address to a plugin that runs.

mod consent;
mod inspect;
mod prepared;
mod source;
mod terms;

use std::time::Duration;

use callboard_protocol::{BusMethod, Failure, FailureKind, PluginsReloaded};
use clap::Args;
use install::{Changing, Locked, LockedPlugin, Store, StoreError};
use serde_json::json;

use super::super::Session;
use super::super::print::{failure_text, remark};
use super::super::problem::{Code, Problem};

use consent::permissions;
pub(super) use inspect::is_plugin_folder;
pub(super) use prepared::{Change, Prepared, prepare};
pub(super) use source::{Source, obtain};
pub(super) use terms::Terms;

/// How long to wait for another command that changes plugins.
const WAIT: Duration = Duration::from_secs(30);

/// How long the host may take to look for plugins anew.
const RELOAD: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
pub(super) struct InstallArguments {
    /// An archive (`.zip`, `.tar.gz`), a plugin's folder, or an address that begins with `https://`.
    #[arg(value_name = "FILE|FOLDER|URL")]
    source: String,
    /// The SHA-256 that the archive must have.
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Installs it without asking whether its permissions are fine.
    #[arg(long)]
    yes: bool,
    /// Installs it also over a newer version.
    #[arg(long)]
    downgrade: bool,
    /// Installs it also over the same version with other content.
    #[arg(long)]
    replace: bool,
}

pub(super) fn install(session: &Session, arguments: &InstallArguments) -> Result<Code, Problem> {
    let terms = Terms::read(session)?;
    let source = Source::from_argument(&arguments.source)?;
    let store = store(session);
    let obtained = obtain(&source, &store, &terms)?;
    let mut changing = change(&store)?;
    let prepared = prepare(&changing, &obtained, arguments.sha256.as_deref(), &terms)?;
    let change = prepared.change(&changing);
    check_direction(&prepared, &change, arguments)?;
    let before = changing.lock().get(&prepared.id).cloned();
    let permissions = permissions(&prepared, before.as_ref(), &store);
    if change != Change::None && !arguments.yes {
        consent::ask(session, &prepared, &permissions)?;
    }
    let signed_by = prepared.signed_by.map(|key| key.to_string());
    let (id, version) = (prepared.id.clone(), prepared.version.clone());
    let content = match (&change, &before) {
        (Change::None, Some(before)) => before.content.clone(),
        _ => commit(&mut changing, prepared, &source)?,
    };
    obtained.forget();
    remark_left_over(&changing);
    // The host reads the folder without asking this command for the right to it.
    drop(changing);
    if change != Change::None {
        tell_host(session)?;
    }
    let value = json!({
        "id": id,
        "version": version,
        "change": change.name(),
        "from": change.from(),
        "path": store.path(&content).display().to_string(),
        "hash": content.hash,
        "source": content.source,
        "signed_by": signed_by,
        "permissions": permissions.all,
        "new_permissions": permissions.new,
    });
    let human = match &change {
        Change::None => format!("{id} {version} is installed already."),
        Change::New => format!("Installed {id} {version}."),
        Change::Mended => format!("Mended {id} {version}."),
        Change::Replaced => format!(
            "Replaced {id} {version}. `callboard plugins rollback {id}` goes back to what it was."
        ),
        Change::Updated { from } | Change::Downgraded { from } => format!(
            "Installed {id} {version} in the place of {from}. `callboard plugins rollback {id}` goes back."
        ),
    };
    session.output.result(&value, &human)?;
    Ok(Code::Done)
}

fn check_direction(
    prepared: &Prepared,
    change: &Change,
    arguments: &InstallArguments,
) -> Result<(), Problem> {
    let Prepared { id, version, .. } = prepared;
    match change {
        Change::Downgraded { from } if !arguments.downgrade => Err(Failure::new(
            FailureKind::Conflict,
            format!("`{id}` {from} is installed, and {version} is older"),
        )
        .hint("say `--downgrade` if that is what you want")
        .into()),
        Change::Replaced if !arguments.replace => Err(Failure::new(
            FailureKind::Conflict,
            format!("`{id}` {version} is installed with other content"),
        )
        .hint("give it a new version, or say `--replace` if that is what you want")
        .into()),
        _ => Ok(()),
    }
}

/// Returns the folder that this person's plugins are installed in.
pub(super) fn store(session: &Session) -> Store {
    Store::new(&session.home().plugins())
}

/// Waits for the right to change the plugins.
pub(super) fn change(store: &Store) -> Result<Changing, Problem> {
    Ok(store
        .change(WAIT)
        .map_err(|error| failure_from_store(&error))?)
}

/// Swaps in what was prepared.
pub(super) fn commit(
    changing: &mut Changing,
    prepared: Prepared,
    source: &Source,
) -> Result<Locked, Failure> {
    let installed = install::Installed {
        id: &prepared.id,
        version: &prepared.version,
        source: &source.text(),
        name: &prepared.name,
    };
    changing
        .commit(
            prepared.incoming,
            &prepared.root,
            &prepared.files,
            installed,
        )
        .map_err(|error| failure_from_store(&error))
}

/// Says what could not be deleted; it is tried again.
pub(super) fn remark_left_over(changing: &Changing) {
    for error in changing.left_over() {
        let failure = failure_from_store(error);
        remark(&failure_text(&failure).replacen("error: ", "note: ", 1));
    }
}

/// Lets a running host know that there is something to see; where none runs, nobody has to.
pub(super) fn tell_host(session: &Session) -> Result<(), Problem> {
    let told = session.client().and_then(|mut client| {
        client.call_waiting::<PluginsReloaded>(BusMethod::PluginsReload, &json!({}), RELOAD)
    });
    match told {
        Ok(_) => Ok(()),
        Err(problem) if problem.code == Code::NotRunning => Ok(()),
        Err(mut problem) => {
            // What was asked for is done, and the next start of the host sees it.
            problem.failure = problem
                .failure
                .because("the plugins on disk are as asked, and the running host could not be told")
                .hint("say `callboard plugins reload`");
            Err(problem)
        }
    }
}

pub(super) fn failure_from_store(error: &StoreError) -> Failure {
    let kind = match error {
        StoreError::Busy { .. } => FailureKind::TimedOut,
        StoreError::NotInstalled { .. } | StoreError::NoPrevious { .. } => FailureKind::NotFound,
        StoreError::Taken { .. } | StoreError::PreviousDamaged { .. } => FailureKind::Conflict,
        StoreError::Lock(_) => FailureKind::Invalid,
        _ => FailureKind::Unavailable,
    };
    failure(kind, error, error.hint())
}

/// Returns an error of the library as a failure, with what led to it.
pub(super) fn failure(
    kind: FailureKind,
    error: &dyn std::error::Error,
    hint: impl Into<String>,
) -> Failure {
    let failure = Failure::new(kind, error.to_string()).hint(hint);
    match error.source() {
        Some(source) => failure.caused_by(source),
        None => failure,
    }
}

/// Returns a plugin's entry of the lock, or says that it was not installed.
pub(super) fn locked(changing: &Changing, id: &str) -> Result<LockedPlugin, Failure> {
    changing
        .lock()
        .get(id)
        .cloned()
        .ok_or_else(|| failure_from_store(&StoreError::NotInstalled { id: id.to_owned() }))
}
