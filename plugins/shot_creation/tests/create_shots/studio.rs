//! A small ftrack: a demo project with one sequence and two shots, and a hidden project.
//!
//! It knows the expressions that the plugin sends by their shape, and answers as the server does:
//! what a row refers to is written out only where it first occurs.

use callboard_plugin_test::{Failure, Map, Value, json};

pub(crate) const PROJECT: &str = "11111111-0000-4000-8000-000000000001";
pub(crate) const SEQUENCE: &str = "22222222-0000-4000-8000-000000000001";
pub(crate) const SHOT: &str = "33333333-0000-4000-8000-000000000001";

type Rows = Vec<Map<String, Value>>;

/// Answers one expression.
pub(crate) fn answer(expression: &str) -> Result<Rows, Failure> {
    let (_, from) = expression
        .split_once(" from ")
        .expect("every expression selects");
    let (entity, condition) = from.split_once(" where ").unwrap_or((from, ""));
    let rows = match entity {
        "Type" => types(),
        "Status" => statuses(),
        "ObjectType" => object_types(),
        "Project" => projects(condition),
        "TypedContext" => contexts(condition),
        "Task" => tasks(condition),
        other => return Err(Failure::invalid(format!("unknown type `{other}`"))),
    };
    Ok(serde_json::from_value(rows).expect("a fixture is rows"))
}

fn types() -> Value {
    json!([
        {"__entity_type__": "Type", "id": "type-comp", "name": "Compositing", "sort": 2},
        {"__entity_type__": "Type", "id": "type-anim", "name": "Animation", "sort": 1},
        {"__entity_type__": "Type", "id": "type-rig", "name": "Rigging", "sort": 3},
    ])
}

fn statuses() -> Value {
    json!([
        {"__entity_type__": "Status", "id": "status-new", "name": "Not started", "sort": 0},
        {"__entity_type__": "Status", "id": "status-busy", "name": "In progress", "sort": 1},
        {"__entity_type__": "Status", "id": "status-paid", "name": "Paid", "sort": 2},
    ])
}

fn object_types() -> Value {
    let types = ["Sequence", "Shot", "Task", "Asset Build", "Folder"];
    let row = |name: &str| json!({"__entity_type__": "ObjectType", "id": object_type(name), "name": name});
    types.into_iter().map(row).collect()
}

fn object_type(name: &str) -> String {
    format!("object-{name}")
}

fn projects(condition: &str) -> Value {
    let demo = project("active", PROJECT, "demo", "Demo Project");
    let closed = project(
        "hidden",
        "11111111-0000-4000-8000-000000000002",
        "closed",
        "Closed Project",
    );
    let is_meant = |row: &Value| {
        let lower = condition.to_lowercase();
        let names = ["id", "name", "full_name"];
        condition.is_empty()
            || names.iter().any(|key| {
                let value = row[*key].as_str().unwrap_or_default().to_lowercase();
                lower.contains(&format!("\"{value}\""))
            })
            || lower.contains("status is \"active\"") && row["status"] == "active"
    };
    [demo, closed].into_iter().filter(is_meant).collect()
}

fn project(status: &str, id: &str, name: &str, full_name: &str) -> Value {
    json!({
        "__entity_type__": "Project", "id": id, "name": name, "full_name": full_name, "status": status,
        "project_schema": {
            "__entity_type__": "ProjectSchema", "id": "schema",
            "_task_type_schema": {"__entity_type__": "TaskTypeSchema", "id": "types", "types": [
                {"__entity_type__": "Type", "id": "type-comp"},
                {"__entity_type__": "Type", "id": "type-anim"},
            ]},
            "_task_workflow": {"__entity_type__": "WorkflowSchema", "id": "workflow", "statuses": [
                {"__entity_type__": "Status", "id": "status-new"},
                {"__entity_type__": "Status", "id": "status-busy"},
            ]},
            "_overrides": [],
            "_schemas": [
                {"__entity_type__": "Schema", "id": "sequences", "type_id": object_type("Sequence"), "statuses": []},
                {"__entity_type__": "Schema", "id": "shots", "type_id": object_type("Shot"), "statuses": [
                    {"__entity_type__": "SchemaStatus", "schema_id": "shots", "status_id": "status-busy"},
                    {"__entity_type__": "SchemaStatus", "schema_id": "shots", "status_id": "status-new"},
                ]},
            ],
        },
    })
}

fn context(kind: &str, id: &str, name: &str, parent: &str) -> Value {
    json!({
        "__entity_type__": kind, "id": id, "name": name, "parent_id": parent,
        "object_type_id": object_type(kind),
        "project": project("active", PROJECT, "demo", "Demo Project"),
    })
}

fn contexts(condition: &str) -> Value {
    let sequence = context("Sequence", SEQUENCE, "sq010", PROJECT);
    let shots = [
        context("Shot", SHOT, "sh010", SEQUENCE),
        context("Shot", "shot-2", "sh020", SEQUENCE),
    ];
    let by_id =
        |row: &Value| condition == format!("id is \"{}\"", row["id"].as_str().unwrap_or_default());
    if condition == format!("parent_id is \"{PROJECT}\"") {
        json!([sequence])
    } else if condition == format!("parent_id is \"{SEQUENCE}\"")
        || condition.starts_with(&format!("parent.parent_id is \"{PROJECT}\""))
            && condition.contains("\"sq010\"")
    {
        json!(shots)
    } else {
        shots.into_iter().chain([sequence]).filter(by_id).collect()
    }
}

fn tasks(condition: &str) -> Value {
    let task = |id: &str, parent: &str, name: &str, type_id: &str| json!({"__entity_type__": "Task", "id": id, "name": name, "parent_id": parent, "type_id": type_id});
    let is_below_sequence = condition.starts_with(&format!("parent.parent_id is \"{SEQUENCE}\""))
        || condition.contains("parent.parent.name in (\"sq010\")");
    if is_below_sequence {
        json!([
            task("task-1", SHOT, "comp", "type-comp"),
            task("task-2", SHOT, "Compositing", "type-comp"),
            task("task-3", "shot-2", "Compositing", "type-comp"),
            task("task-4", "shot-2", "Animation", "type-anim"),
        ])
    } else {
        json!([])
    }
}
