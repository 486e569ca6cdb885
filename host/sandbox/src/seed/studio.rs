//! A studio's settings: workflow, people, locations, custom attributes. Well-known ids are those of the
//! real server, because clients have them built in.

use serde_json::json;

use super::{Planter, id_from_name};
use crate::error::ApiError;
use crate::store::Value;

const STATES: [(&str, &str, &str); 4] = [
    (
        "cea0ba04-acb5-11e1-8668-f23c91df1211",
        "Not Started",
        "NOT_STARTED",
    ),
    (
        "cea0efc4-acb5-11e1-8668-f23c91df1211",
        "In Progress",
        "IN_PROGRESS",
    ),
    ("cea116d4-acb5-11e1-8668-f23c91df1211", "Done", "DONE"),
    ("5709c04e-2f4b-11e2-b663-0019bb4983d8", "Blocked", "BLOCKED"),
];

/// Id, name, colour, state.
const STATUSES: [(&str, &str, &str, usize); 7] = [
    (NOT_STARTED, "Not started", "#CACACA", 0),
    (IN_PROGRESS, "In progress", "#3498DB", 1),
    (PENDING_REVIEW, "Pending Review", "#F1C40F", 1),
    (APPROVED, "Approved", "#1CBC90", 2),
    (
        "9bb65936-88e7-11e3-9264-04011030cf01",
        "Completed",
        "#1CBC90",
        2,
    ),
    (
        "a0bc2444-15e2-11e1-b21a-0019bb4983d8",
        "On Hold",
        "#E74C3C",
        3,
    ),
    (
        "a0bc3f24-15e2-11e1-b21a-0019bb4983d8",
        "Omitted",
        "#E74C3C",
        3,
    ),
];

pub(super) const NOT_STARTED: &str = "44dd9fb2-4164-11df-9218-0019bb4983d8";
pub(super) const IN_PROGRESS: &str = "44ddd0fe-4164-11df-9218-0019bb4983d8";
pub(super) const PENDING_REVIEW: &str = "44dded64-4164-11df-9218-0019bb4983d8";
pub(super) const APPROVED: &str = "44de097a-4164-11df-9218-0019bb4983d8";

/// First part of the id, name, colour.
const TYPES: [(&str, &str, &str); 9] = [
    ("44dc3636", "Animation", "#16A085"),
    ("44dd23b6", "Compositing", "#8E44AD"),
    ("44dcea86", "FX", "#D35400"),
    ("44dd08fe", "Lighting", "#F39C12"),
    ("44dc8cd0", "Lookdev", "#C0392B"),
    ("44dc53c8", "Modeling", "#2980B9"),
    ("44dc6ffc", "Previz", "#7F8C8D"),
    ("44dd5868", "Rigging", "#27AE60"),
    ("44dd3ed2", "Tracking", "#2C3E50"),
];
const TYPE_SUFFIX: &str = "-4164-11df-9218-0019bb4983d8";
/// Types that have no well-known id.
const MORE_TYPES: [(&str, &str); 4] = [
    ("Editorial", "#34495E"),
    ("Matte Painting", "#9B59B6"),
    ("Paint", "#1ABC9C"),
    ("Rotoscoping", "#E67E22"),
];

const PRIORITIES: [(&str, &str, &str); 5] = [
    ("847fb90e-ead3-11e2-846c-f23c91dfaa16", "Urgent", "#E74C3C"),
    ("847f9cda-ead3-11e2-846c-f23c91dfaa16", "High", "#E67E22"),
    ("847f8146-ead3-11e2-846c-f23c91dfaa16", "Medium", "#F1C40F"),
    ("847f663e-ead3-11e2-846c-f23c91dfaa16", "Low", "#1CBC90"),
    ("9661b320-3a0c-11e2-81c1-0800200c9a66", "None", "#CACACA"),
];

const LOCATIONS: [(&str, &str, &str); 5] = [
    (
        "ce9b348f-8809-11e3-821c-20c9d081909b",
        "ftrack.origin",
        "Origin",
    ),
    (
        "cb268ecc-8809-11e3-a7e2-20c9d081909b",
        "ftrack.unmanaged",
        "Unmanaged",
    ),
    (
        "cd41be70-8809-11e3-b98a-20c9d081909b",
        "ftrack.review",
        "Review",
    ),
    (
        "3a372bde-05bc-11e4-8908-20c9d081909b",
        "ftrack.server",
        "Server",
    ),
    (
        "07b82a97-8cf9-11e3-9383-20c9d081909b",
        "ftrack.connect",
        "Connect",
    ),
];

const ATTRIBUTE_TYPES: [(&str, &str); 8] = [
    ("6268aef0-381c-11e0-acff-0019bb49847a", "text"),
    ("79968e9e-381c-11e0-acff-0019bb49847a", "date"),
    ("92009b00-381c-11e0-acff-0019bb49847a", "number"),
    ("ad1034d8-15e2-11e1-b21a-0019bb4983d8", "boolean"),
    ("6ff9c812-ead3-11e2-846c-f23c91dfaa16", "enumerator"),
    ("882e4aee-fae6-11e3-b623-20c9d0831e59", "dynamic enumerator"),
    ("ec616dcd-56e2-4147-99f8-7e4a4f040cf9", "url"),
    ("d2e6a530-357f-11e2-bd73-0019bb4985b8", "expression"),
];

const ASSET_TYPES: [(&str, &str); 7] = [
    ("Animation", "anim"),
    ("Audio", "audio"),
    ("Geometry", "geo"),
    ("Image Sequence", "img"),
    ("Render", "render"),
    ("Script", "script"),
    ("Upload", "upload"),
];

/// The id of a task type.
pub(super) fn type_id(name: &str) -> String {
    let known = TYPES.iter().find(|(_, known, _)| *known == name);
    known.map_or_else(
        || id_from_name(&format!("Type/{name}")),
        |(prefix, ..)| format!("{prefix}{TYPE_SUFFIX}"),
    )
}

pub(super) fn plant(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    // Where the official client's wizard for storage writes what it was told.
    let scenario = json!({"scenario": "ftrack.automatic", "data": {}}).to_string();
    let setting = json!({"name": "storage_scenario", "group": "STORAGE", "value": scenario});
    planter.add_keyed("Setting", setting)?;
    workflow(planter)?;
    project_schemas(planter)?;
    lists_and_labels(planter)?;
    people(planter)?;
    custom_attributes(planter)
}

fn workflow(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    let schema = planter.transaction.store.schema.clone();
    for (sort, object_type) in schema.object_types.iter().enumerate() {
        let mut data = json!({
            "name": object_type.name, "icon": object_type.icon, "sort": sort,
        });
        for (column, is_set) in object_type.flag_columns() {
            data[column] = json!(is_set);
        }
        planter.add_with_id("ObjectType", &object_type.id, data)?;
    }
    for (id, name, short) in STATES {
        planter.add_with_id("State", id, json!({"name": name, "short": short}))?;
    }
    for (sort, (id, name, color, state)) in STATUSES.into_iter().enumerate() {
        let data =
            json!({"name": name, "color": color, "sort": sort, "state": {"id": STATES[state].0}});
        planter.add_with_id("Status", id, data)?;
    }
    let known = TYPES.iter().map(|(_, name, color)| (*name, *color));
    for (sort, (name, color)) in known.chain(MORE_TYPES).enumerate() {
        planter.add_with_id(
            "Type",
            &type_id(name),
            json!({"name": name, "color": color, "sort": sort}),
        )?;
    }
    for (sort, (id, name, color)) in PRIORITIES.into_iter().enumerate() {
        planter.add_with_id(
            "Priority",
            id,
            json!({"name": name, "color": color, "sort": sort, "value": sort}),
        )?;
    }
    for (id, name, label) in LOCATIONS {
        planter.add_with_id(
            "Location",
            id,
            json!({"name": name, "label": label, "description": ""}),
        )?;
    }
    for (name, short) in ASSET_TYPES {
        planter.add("AssetType", name, json!({"name": name, "short": short}))?;
    }
    Ok(())
}

/// Name, task types, object types with statuses of their own.
const PROJECT_SCHEMAS: [(&str, &[&str], &[&str]); 2] = [
    (
        "VFX",
        &[
            "Compositing",
            "Animation",
            "FX",
            "Lighting",
            "Matte Painting",
            "Paint",
            "Rotoscoping",
            "Tracking",
            "Editorial",
        ],
        &["Shot", "AssetBuild", "Episode", "Milestone"],
    ),
    (
        "Animation",
        &[
            "Animation",
            "Lighting",
            "Compositing",
            "Modeling",
            "Rigging",
            "Lookdev",
            "Previz",
            "Editorial",
        ],
        &["Shot", "AssetBuild", "Episode", "Milestone"],
    ),
];

fn project_schemas(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    let schema = planter.transaction.store.schema.clone();
    for (name, types, object_types) in PROJECT_SCHEMAS {
        let workflow = |planter: &mut Planter<'_>, kind: &str| {
            let id = planter.add(
                "WorkflowSchema",
                &format!("{name}/{kind}"),
                json!({"name": format!("{name} {kind}")}),
            )?;
            for (status, ..) in STATUSES {
                planter.add_keyed(
                    "WorkflowSchemaStatus",
                    json!({"workflow_schema_id": id, "status_id": status}),
                )?;
            }
            Ok::<_, ApiError>(id)
        };
        let tasks = workflow(planter, "tasks")?;
        let versions = workflow(planter, "versions")?;
        let task_types = planter.add(
            "TaskTypeSchema",
            name,
            json!({"name": format!("{name} types")}),
        )?;
        for name in types {
            let data = json!({"task_type_schema_id": task_types, "type_id": type_id(name)});
            planter.add_keyed("TaskTypeSchemaType", data)?;
        }
        let id = planter.add(
            "ProjectSchema",
            name,
            json!({
                "name": name, "task_workflow_schema_id": tasks,
                "asset_version_workflow_schema_id": versions, "task_type_schema_id": task_types,
            }),
        )?;
        for object_type in &schema.object_types {
            let data = json!({"project_schema_id": id, "object_type_id": object_type.id});
            planter.add_keyed("ProjectSchemaObjectType", data)?;
            if !object_types.contains(&object_type.type_name().as_str()) {
                continue;
            }
            let own = json!({"project_schema_id": id, "type_id": object_type.id, "object_type_id": object_type.id});
            let own = planter.add("Schema", &format!("{name}/{}", object_type.name), own)?;
            for (sort, (status, ..)) in STATUSES.into_iter().enumerate() {
                planter.add_keyed(
                    "SchemaStatus",
                    json!({"schema_id": own, "status_id": status, "sort": sort}),
                )?;
            }
            if object_type.has("typeable") {
                for (sort, name) in ["Modeling", "Rigging", "Lookdev"].into_iter().enumerate() {
                    planter.add_keyed(
                        "SchemaType",
                        json!({"schema_id": own, "type_id": type_id(name), "sort": sort}),
                    )?;
                }
            }
        }
    }
    Ok(())
}

fn lists_and_labels(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    for name in ["Dailies", "Default"] {
        planter.add("ListCategory", name, json!({"name": name}))?;
    }
    for (sort, (name, color)) in [("Internal", "#3498DB"), ("Client feedback", "#E67E22")]
        .into_iter()
        .enumerate()
    {
        planter.add(
            "NoteCategory",
            name,
            json!({"name": name, "color": color, "sort": sort}),
        )?;
    }
    for name in ["Supervisor", "Coordinator"] {
        planter.add("ManagerType", name, json!({"name": name}))?;
    }
    for name in ["VFX", "Design"] {
        planter.add("Scope", name, json!({"name": name}))?;
    }
    let disk = json!({"name": "Main", "unix": "/mnt/projects", "windows": "P:\\"});
    planter.add("Disk", "Main", disk)?;
    Ok(())
}

/// Name, kind and permissions. Those of the real server's own roles are as its manual describes them;
/// what exactly they hold is assumed.
const ROLES: [(&str, &str, &str); 7] = [
    ("Administrator", "PROJECT", "*:*"),
    (
        "Project Manager",
        "PROJECT",
        "*:project *:Job *:Component *:Timer *:UserApplicationState *:Dashboard *:DashboardResource \
         *:DashboardWidget -*:CustomConfigurationBase",
    ),
    (
        "Artist",
        "PROJECT",
        "*:project *:Job *:Component *:Timer *:UserApplicationState -create:Project -delete:Project \
         -*:CustomConfigurationBase -*:UserSecurityRoleProject",
    ),
    (
        "User",
        "PROJECT",
        "update:Task.status update:Task.status_id update:Context.notes update:Context.metadata \
         update:AssetVersion.notes *:Note *:NoteComponent *:NoteLabelLink *:Recipient *:Metadata \
         *:Timelog *:Timer *:Job *:Component *:ComponentLocation *:UserApplicationState",
    ),
    (
        "Restricted User",
        "ASSIGNED",
        "update:Task.status update:Task.status_id update:Task.notes create:Note *:Timelog *:Timer",
    ),
    ("Viewer", "PROJECT", ""),
    ("API", "API", "*:project *:Job *:Component"),
];

fn people(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    planter.add_with_id(
        "UserType",
        "ac9fa5aa-4361-11e0-b7cc-0019bb4983d8",
        json!({"name": "User"}),
    )?;
    let schema = planter.transaction.store.schema.clone();
    for (name, kind, access) in ROLES {
        let id = planter.add("SecurityRole", name, json!({"name": name, "type": kind}))?;
        // What a role may do is not among the attributes that clients can see.
        let found = planter
            .transaction
            .store
            .find(schema.expect_type("SecurityRole").id, &id)
            .cloned();
        if let Some(role) = found {
            let mut role = crate::store::Row::clone(&role);
            role.set(&schema, "access", Value::text(access));
            planter.transaction.store.replace(role);
        }
    }
    let ada = json!({"first_name": "Ada", "last_name": "Palmer"});
    let ada = planter.add_user("ada", "Administrator", ada)?;
    planter.add_user(
        "bo",
        "Viewer",
        json!({"first_name": "Bo", "last_name": "Lind"}),
    )?;
    planter.add_user(
        "cleo",
        "Artist",
        json!({"first_name": "Cleo", "last_name": "Reyes", "is_active": false}),
    )?;
    let dana = planter.add_user(
        "dana",
        "Artist",
        json!({"first_name": "Dana", "last_name": "Okoye"}),
    )?;
    for (name, members) in [
        ("Compositing", [&ada, &dana].as_slice()),
        ("Production", [&ada].as_slice()),
    ] {
        let group = planter.add("Group", name, json!({"name": name}))?;
        for member in members {
            planter.add(
                "Membership",
                &format!("{name}/{member}"),
                json!({"group_id": group, "user_id": member}),
            )?;
        }
    }
    Ok(())
}

fn custom_attributes(planter: &mut Planter<'_>) -> Result<(), ApiError> {
    for (id, name) in ATTRIBUTE_TYPES {
        planter.add_with_id(
            "CustomAttributeType",
            id,
            json!({"name": name, "core": false}),
        )?;
    }
    let group = planter.add(
        "CustomAttributeGroup",
        "Production",
        json!({"name": "Production"}),
    )?;
    let choices = |names: &[&str]| {
        let items: Vec<_> = names
            .iter()
            .map(|name| json!({"menu": name, "value": name.to_lowercase()}))
            .collect();
        // A list inside a text inside a text, as the real server has it.
        json!(items).to_string()
    };
    let single =
        json!({"multiSelect": false, "data": choices(&["Easy", "Medium", "Hard"])}).to_string();
    let several =
        json!({"multiSelect": true, "data": choices(&["Plate", "Lidar", "HDRI"])}).to_string();
    let number = json!({"isdecimal": false}).to_string();
    let decimal = json!({"isdecimal": true}).to_string();
    let text = json!({"markdown": false}).to_string();
    let none = "{}".to_owned();
    // Key, type, where, config, default.
    let all = [
        ("fstart", "number", "Shot", &number, json!(1001)),
        ("fend", "number", "Shot", &number, json!(1100)),
        ("handles", "number", "Shot", &number, json!(8)),
        (
            "difficulty",
            "enumerator",
            "Shot",
            &single,
            json!(["medium"]),
        ),
        ("elements", "enumerator", "Shot", &several, json!([])),
        (
            "duration",
            "expression",
            "Shot",
            &none,
            json!("{self.fend - self.fstart + 1}"),
        ),
        ("is_client_approved", "boolean", "Shot", &none, json!(false)),
        ("delivery_date", "date", "Shot", &none, json!(null)),
        (
            "difficulty",
            "enumerator",
            "Task",
            &single,
            json!(["medium"]),
        ),
        ("brief", "text", "Task", &text, json!("")),
        ("reviewed_by", "text", "assetversion", &text, json!("")),
        ("employee_number", "text", "user", &text, json!("")),
        ("fps", "number", "hierarchical", &decimal, json!(24)),
        (
            "resolution",
            "text",
            "hierarchical",
            &text,
            json!("1920x1080"),
        ),
    ];
    let roles: Vec<_> = ROLES
        .iter()
        .map(|(name, ..)| id_from_name(&format!("SecurityRole/{name}")))
        .collect();
    let schema = planter.transaction.store.schema.clone();
    for (sort, (key, kind, place, config, default)) in all.into_iter().enumerate() {
        let object_type = schema
            .object_types
            .iter()
            .find(|object_type| object_type.name == place);
        let entity_type = match (object_type, place) {
            (Some(_), _) => "task",
            (None, "hierarchical") => "show",
            (None, other) => other,
        };
        let type_id = ATTRIBUTE_TYPES
            .iter()
            .find(|(_, name)| *name == kind)
            .map(|(id, _)| *id);
        planter.add("CustomAttributeConfiguration", &format!("{place}/{key}"), json!({
            "key": key, "label": key.replace('_', " "), "type_id": type_id, "config": config, "default": default,
            "entity_type": entity_type, "object_type_id": object_type.map(|found| &found.id),
            "is_hierarchical": place == "hierarchical", "group_id": group, "sort": sort, "core": false,
            "read_security_roles": roles, "write_security_roles": roles,
        }))?;
    }
    Ok(())
}
