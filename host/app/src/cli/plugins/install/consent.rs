//! Shows what a plugin may do, and asks whether that is fine.

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _};

use callboard_protocol::{Failure, FailureKind, Manifest};
use install::{LockedPlugin, Store};

use super::super::super::Session;
use super::super::super::print::{Output, remark};
use super::super::super::problem::{Code, Problem};
use super::Prepared;
use super::inspect::inspect;
use super::source::name_of;

/// What a plugin may ask for.
pub(in super::super) struct Permissions {
    /// All of it, as manifests write it.
    pub(in super::super) all: Vec<String>,
    /// What the version that is installed may not.
    pub(in super::super) new: Vec<String>,
}

/// Returns what a plugin may do, and what of that is new.
pub(in super::super) fn permissions(
    prepared: &Prepared,
    before: Option<&LockedPlugin>,
    store: &Store,
) -> Permissions {
    let all = permissions_of(&prepared.manifest);
    let before = before.and_then(|plugin| {
        let folder = store.path(&plugin.content);
        inspect(&folder, &name_of(&folder)).ok()
    });
    let known: BTreeSet<String> = before
        .map(|before| permissions_of(&before).into_iter().collect())
        .unwrap_or_default();
    Permissions {
        new: (all.iter().filter(|one| !known.contains(*one)))
            .cloned()
            .collect(),
        all,
    }
}

/// Returns what a manifest asks for, each once and in order.
fn permissions_of(manifest: &Manifest) -> Vec<String> {
    let permissions = manifest.permissions.iter().map(ToString::to_string);
    let sorted: BTreeSet<String> = permissions.collect();
    sorted.into_iter().collect()
}

/// Asks on a terminal; elsewhere says what would have been asked.
///
/// # Errors
///
/// When the answer is no, or there is nobody to ask.
pub(super) fn ask(
    session: &Session,
    prepared: &Prepared,
    permissions: &Permissions,
) -> Result<(), Problem> {
    let Prepared { id, version, .. } = prepared;
    let is_new = |permission: &String| permissions.new.contains(permission);
    if session.output == Output::Json || !std::io::stdin().is_terminal() {
        let message = format!("nothing was installed: `{id}` {version} has to be agreed to");
        let mut failure = Failure::new(FailureKind::Denied, message)
            .hint("look at what it may do, and say `--yes`");
        failure.causes = (permissions.all.iter())
            .map(|permission| match is_new(permission) {
                true => format!("it may `{permission}`, which is new"),
                false => format!("it may `{permission}`"),
            })
            .collect();
        return Err(Problem {
            failure,
            code: Code::Usage,
        });
    }
    remark(&question(prepared, permissions));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::invalid("could not read the answer").caused_by(&error))?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Cancelled, "nothing was installed").into())
}

fn question(prepared: &Prepared, permissions: &Permissions) -> String {
    let Prepared { id, version, .. } = prepared;
    let signed = match &prepared.signed_by {
        Some(key) => format!("signed by {key}"),
        None => "not signed by anybody you trust".to_owned(),
    };
    let mut lines = vec![format!("{id} {version}, {signed}.")];
    if let Some(description) = &prepared.manifest.description {
        lines.push(description.clone());
    }
    if permissions.all.is_empty() {
        lines.push("It asks for no permission.".to_owned());
    } else {
        lines.push("It may:".to_owned());
    }
    for permission in &permissions.all {
        let mark = if permissions.new.contains(permission) {
            "  (new)"
        } else {
            ""
        };
        lines.push(format!("  {permission}{mark}"));
    }
    lines.push("Install it? [y/N]".to_owned());
    lines.join("\n")
}
