//! The demo projects.

use serde_json::json;

use super::studio::{APPROVED, IN_PROGRESS, NOT_STARTED, PENDING_REVIEW, type_id};
use super::{Planter, id_from_name};
use crate::error::ApiError;

/// Tasks of a shot, with the status they are in and who does them.
const SHOT_TASKS: [(&str, &str, Option<&str>); 4] = [
    ("Tracking", APPROVED, None),
    ("Animation", IN_PROGRESS, Some("dana")),
    ("Lighting", NOT_STARTED, None),
    ("Compositing", NOT_STARTED, Some("ada")),
];

pub(super) fn plant(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    let project = project(planter, "harbour", "Harbour", "VFX")?;
    for episode in ["ep01", "ep02"] {
        let id = child(planter, "Episode", &project, "harbour", episode)?;
        for sequence in ["sq010", "sq020"] {
            let path = format!("harbour/{episode}");
            let id = child(planter, "Sequence", &id, &path, sequence)?;
            let path = format!("{path}/{sequence}");
            for number in 1..=3 {
                shot(planter, &id, &path, &format!("sh{:03}", number * 10))?;
            }
        }
    }
    let assets = child(planter, "Folder", &project, "harbour", "assets")?;
    for name in ["lighthouse", "trawler"] {
        let build = child(planter, "AssetBuild", &assets, "harbour/assets", name)?;
        task(
            planter,
            &build,
            &format!("harbour/assets/{name}"),
            "Modeling",
            NOT_STARTED,
        )?;
    }
    child(planter, "Milestone", &project, "harbour", "first delivery")?;
    version(planter)?;

    let lantern = self::project(planter, "lantern", "Lantern", "Animation")?;
    let sequence = child(planter, "Sequence", &lantern, "lantern", "sq100")?;
    for name in ["sh010", "sh020"] {
        shot(planter, &sequence, "lantern/sq100", name)?;
    }
    Ok(())
}

/// A project with as many shots as wanted, fifty to a sequence. Its tasks are in every state of work, and
/// every other one has somebody who does it.
pub(super) fn plant_large(planter: &mut Planter<'_>, shots: usize) -> Result<(), ApiError> {
    let project = project(planter, "large", "Large", "VFX")?;
    let doers = ["ada", "dana"].map(|user| id_from_name(&format!("User/{user}")));
    let mut sequence = String::new();
    for number in 0..shots {
        let name = format!("sq{:04}", number / 50 + 1);
        if number % 50 == 0 {
            sequence = child(planter, "Sequence", &project, "large", &name)?;
        }
        let path = format!("large/{name}");
        let shot_name = format!("sh{:04}", (number % 50 + 1) * 10);
        let shot = child(planter, "Shot", &sequence, &path, &shot_name)?;
        let path = format!("{path}/{shot_name}");
        for (place, kind) in ["Animation", "Lighting", "Compositing"].iter().enumerate() {
            let turn = number * 3 + place;
            let status = [NOT_STARTED, IN_PROGRESS, PENDING_REVIEW, APPROVED][turn / 2 % 4];
            let id = task(planter, &shot, &path, kind, status)?;
            if turn % 2 == 0 {
                assign(
                    planter,
                    &id,
                    &doers[turn / 8 % 2],
                    &format!("{path}/{kind}"),
                )?;
            }
        }
    }
    Ok(())
}

fn assign(planter: &mut Planter<'_>, task: &str, user: &str, name: &str) -> Result<(), ApiError> {
    let appointment = json!({"context_id": task, "resource_id": user, "type": "assignment"});
    planter.add("Appointment", name, appointment)?;
    Ok(())
}

fn project(
    planter: &mut Planter<'_>,
    name: &str,
    full_name: &str,
    schema: &str,
) -> Result<String, ApiError> {
    planter.add(
        "Project",
        name,
        json!({
            "name": name,
            "full_name": full_name,
            "project_schema_id": id_from_name(&format!("ProjectSchema/{schema}")),
            "disk_id": id_from_name("Disk/Main"),
            "root": name,
            "start_date": "2026-01-05",
            "end_date": "2027-06-30",
        }),
    )
}

fn child(
    planter: &mut Planter<'_>,
    kind: &str,
    parent: &str,
    path: &str,
    name: &str,
) -> Result<String, ApiError> {
    planter.add(
        kind,
        &format!("{path}/{name}"),
        json!({"name": name, "parent_id": parent, "description": ""}),
    )
}

fn shot(planter: &mut Planter<'_>, parent: &str, path: &str, name: &str) -> Result<(), ApiError> {
    let shot = child(planter, "Shot", parent, path, name)?;
    let path = format!("{path}/{name}");
    for (kind, status, assignee) in SHOT_TASKS {
        let id = task(planter, &shot, &path, kind, status)?;
        if let Some(user) = assignee {
            let user = id_from_name(&format!("User/{user}"));
            assign(planter, &id, &user, &format!("{path}/{kind}"))?;
        }
    }
    Ok(())
}

fn task(
    planter: &mut Planter<'_>,
    parent: &str,
    path: &str,
    kind: &str,
    status: &str,
) -> Result<String, ApiError> {
    let name = kind.to_lowercase();
    planter.add(
        "Task",
        &format!("{path}/{name}"),
        json!({
            "name": name,
            "parent_id": parent,
            "type_id": type_id(kind),
            "status_id": status,
            "bid": 28_800,
            "description": "",
        }),
    )
}

/// A published asset with two versions, a note and some logged time.
fn version(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    let shot = id_from_name("Shot/harbour/ep01/sq010/sh010");
    let task = id_from_name("Task/harbour/ep01/sq010/sh010/animation");
    let dana = id_from_name("User/dana");
    let kind = id_from_name("AssetType/Animation");
    let asset = json!({"name": "animation", "context_id": shot, "type_id": kind});
    let asset = planter.add("Asset", "harbour/sh010/animation", asset)?;
    let mut latest = String::new();
    for (number, status) in [(1, APPROVED), (2, PENDING_REVIEW)] {
        latest = planter.add("AssetVersion", &format!("harbour/sh010/animation/{number}"), json!({
            "asset_id": asset, "task_id": task, "user_id": dana, "status_id": status, "comment": format!("Take {number}"),
        }))?;
    }
    planter.add("Note", "harbour/sh010/animation/2", json!({
        "content": "The boat should rock more slowly.", "user_id": id_from_name("User/ada"),
        "parent_id": latest, "parent_type": "AssetVersion", "category_id": id_from_name("NoteCategory/Internal"),
    }))?;
    planter.add("Timelog", "harbour/sh010/animation", json!({
        "user_id": dana, "context_id": task, "start": "2026-11-02T09:00:00", "duration": 14_400, "comment": "blocking",
    }))?;
    Ok(())
}
