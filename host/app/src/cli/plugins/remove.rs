//! `callboard plugins remove` and `callboard plugins rollback`.

use clap::Args;
use serde_json::json;

use super::super::Session;
use super::super::problem::{Code, Problem};
use super::install::{change, failure_from_store, locked, remark_left_over, store, tell_host};

#[derive(Args, Debug)]
pub(super) struct RemoveArguments {
    /// The plugin.
    id: String,
}

#[derive(Args, Debug)]
pub(super) struct RollbackArguments {
    /// The plugin.
    id: String,
}

pub(super) fn remove(session: &Session, arguments: &RemoveArguments) -> Result<Code, Problem> {
    let id = &arguments.id;
    let mut changing = change(&store(session))?;
    let removed = changing
        .remove(id)
        .map_err(|error| failure_from_store(&error))?;
    remark_left_over(&changing);
    drop(changing);
    tell_host(session)?;
    let version = removed.content.version;
    let human = format!("Removed {id} {version}. What it stored is kept.");
    session
        .output
        .result(&json!({ "id": id, "version": version }), &human)?;
    Ok(Code::Done)
}

pub(super) fn rollback(session: &Session, arguments: &RollbackArguments) -> Result<Code, Problem> {
    let id = &arguments.id;
    let mut changing = change(&store(session))?;
    let from = locked(&changing, id)?.content.version;
    let plugin = changing
        .roll_back(id)
        .map_err(|error| failure_from_store(&error))?;
    let path = changing.store().path(&plugin.content);
    drop(changing);
    tell_host(session)?;
    let version = plugin.content.version;
    let human = format!("Went back from {id} {from} to {version}.");
    let value = json!({
        "id": id,
        "version": version,
        "from": from,
        "path": path.display().to_string(),
    });
    session.output.result(&value, &human)?;
    Ok(Code::Done)
}
