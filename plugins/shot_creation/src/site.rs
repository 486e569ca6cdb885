//! What the server says about the place where shots go: the project, its workflow, and what is there already.

use callboard_plugin_sdk::{FailureKind, Map, Value};

use crate::entities::Entities;
use crate::input::field;
use crate::names::{folded, joined, quoted};
use crate::problem::Problem;

/// A row of an answer.
pub(crate) type Entity = Map<String, Value>;

/// Something with a name and an id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub id: String,
    pub name: String,
}

/// A task type of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskType {
    pub id: String,
    pub name: String,
    /// Ids of the statuses that tasks of this type may have.
    pub statuses: Vec<String>,
}

/// A project and what its schema allows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Project {
    pub id: String,
    /// Its full name, or its short name where it has no other.
    pub name: String,
    pub short_name: String,
    pub task_types: Vec<TaskType>,
    /// The statuses that shots may have.
    pub shot_statuses: Vec<Named>,
}

/// What a target is: it decides whether a sequence may be made below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TargetKind {
    #[default]
    Project,
    Sequence,
    /// An episode, a folder, or an object type of the site's own.
    Folder,
}

/// Where shots go.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Site {
    pub id: String,
    pub name: String,
    pub kind: TargetKind,
    pub project: Project,
}

/// A child of the target, or of a sequence below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Child {
    pub id: String,
    pub name: String,
    pub parent: String,
    /// The entity's type as the server names it: `Shot`.
    pub kind: String,
}

/// A task that is there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExistingTask {
    pub name: String,
    pub type_id: String,
    pub parent: String,
}

/// What is there already, as far as the shots asked for are concerned.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Existing {
    pub children: Vec<Child>,
    pub tasks: Vec<ExistingTask>,
}

/// Types below which no shot goes.
const NO_PLACES: [&str; 4] = ["Shot", "Task", "Asset Build", "Milestone"];

/// The tables that the whole site shares, which the rows of a project refer to.
pub(crate) struct Tables<'a> {
    pub types: &'a [Entity],
    pub statuses: &'a [Entity],
    pub object_types: &'a [Entity],
}

/// Reads a project that may be worked in.
///
/// # Errors
///
/// Says so when the project is hidden.
pub(crate) fn site_from_project(row: &Entity, tables: &Tables) -> Result<Site, Problem> {
    let entities = entities_from(std::slice::from_ref(row), tables);
    let project = project_from(row, &entities, tables)?;
    Ok(Site {
        id: project.id.clone(),
        name: project.name.clone(),
        kind: TargetKind::Project,
        project,
    })
}

/// Reads a sequence, an episode or a folder and its project.
///
/// # Errors
///
/// Says so when shots cannot go there.
pub(crate) fn site_from_context(row: &Entity, tables: &Tables) -> Result<Site, Problem> {
    let entities = entities_from(std::slice::from_ref(row), tables);
    let name = entities.text(row, "name").to_owned();
    let object_type = kind_of(row, tables.object_types);
    if NO_PLACES.contains(&object_type.as_str()) {
        return Err(Problem::invalid(
            field::PROJECT,
            format!("no shots go below a {object_type}: {}", quoted(&name)),
            "select a project, a folder, an episode or a sequence",
        ));
    }
    let Some(project) = entities.one(row, "project") else {
        return Err(missing_project(&name));
    };
    let kind = if object_type == "Sequence" {
        TargetKind::Sequence
    } else {
        TargetKind::Folder
    };
    Ok(Site {
        id: entities.text(row, "id").to_owned(),
        name,
        kind,
        project: project_from(project, &entities, tables)?,
    })
}

/// Chooses the project that `names` mean, the likeliest name first: by its exact name, then up to case.
///
/// # Errors
///
/// Says so when there is none, or when several fit equally well.
pub(crate) fn choose_project<'a>(
    rows: &'a [Entity],
    names: &[String],
) -> Result<&'a Entity, Problem> {
    let is_exact = |row: &Entity, name: &str| {
        ["id", "name", "full_name"]
            .iter()
            .any(|key| text(row, key) == name)
    };
    let is_same_up_to_case = |row: &Entity, name: &str| {
        ["name", "full_name"]
            .iter()
            .any(|key| folded(text(row, key)) == folded(name))
    };
    for fits in [
        &is_exact as &dyn Fn(&Entity, &str) -> bool,
        &is_same_up_to_case,
    ] {
        for name in names {
            let found: Vec<&Entity> = rows.iter().filter(|row| fits(row, name)).collect();
            // A hidden project of the same name is seldom the one that is meant.
            let active: Vec<&Entity> = found.iter().copied().filter(|row| is_active(row)).collect();
            match (active.as_slice(), found.as_slice()) {
                ([only], _) | ([], [only, ..]) => return Ok(only),
                ([], []) => {}
                (several, _) => return Err(ambiguous_project(name, several)),
            }
        }
    }
    Err(missing_project(names.first().map_or("", String::as_str)))
}

/// Reads what is there already.
pub(crate) fn existing_from(
    children: &[Entity],
    tasks: &[Entity],
    object_types: &[Entity],
) -> Existing {
    let child = |row: &Entity| Child {
        id: text(row, "id").to_owned(),
        name: text(row, "name").to_owned(),
        parent: text(row, "parent_id").to_owned(),
        kind: kind_of(row, object_types),
    };
    let task = |row: &Entity| ExistingTask {
        name: text(row, "name").to_owned(),
        type_id: text(row, "type_id").to_owned(),
        parent: text(row, "parent_id").to_owned(),
    };
    Existing {
        children: children.iter().map(child).collect(),
        tasks: tasks.iter().map(task).collect(),
    }
}

/// Returns the names in a table of the site, in its own order.
pub(crate) fn names_in(rows: &[Entity]) -> Vec<String> {
    sorted(rows.iter().collect())
        .into_iter()
        .map(|row| text(row, "name").to_owned())
        .collect()
}

pub(crate) fn text<'a>(row: &'a Entity, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn entities_from(rows: &[Entity], tables: &Tables) -> Entities {
    let mut entities = Entities::default();
    for rows in [tables.types, tables.statuses, tables.object_types, rows] {
        entities.take_in(rows);
    }
    entities
}

fn project_from(row: &Entity, entities: &Entities, tables: &Tables) -> Result<Project, Problem> {
    let short_name = entities.text(row, "name").to_owned();
    let full_name = entities.text(row, "full_name").to_owned();
    let name = if full_name.is_empty() {
        short_name.clone()
    } else {
        full_name
    };
    if entities.text(row, "status") == "hidden" {
        return Err(Problem::invalid(
            field::PROJECT,
            format!("the project is hidden: {}", quoted(&name)),
            "set it active in ftrack first, or choose another",
        ));
    }
    let mut project = Project {
        id: entities.text(row, "id").to_owned(),
        name,
        short_name,
        ..Project::default()
    };
    if let Some(schema) = entities.one(row, "project_schema") {
        project.task_types = task_types_from(schema, entities, tables);
        project.shot_statuses = shot_statuses_from(schema, entities, tables);
    }
    Ok(project)
}

fn task_types_from(schema: &Entity, entities: &Entities, tables: &Tables) -> Vec<TaskType> {
    let ids = |owner: Option<&Entity>, collection: &str| -> Vec<String> {
        owner.map_or_else(Vec::new, |owner| {
            entities
                .many(owner, collection)
                .map(|row| text(row, "id").to_owned())
                .collect()
        })
    };
    let workflow = ids(entities.one(schema, "_task_workflow"), "statuses");
    let allowed = ids(entities.one(schema, "_task_type_schema"), "types");
    in_order(tables.types, &allowed)
        .map(|Named { id, name }| {
            let own = entities
                .many(schema, "_overrides")
                .find(|row| entities.text(row, "type_id") == id)
                .map(|row| ids(entities.one(row, "workflow_schema"), "statuses"));
            TaskType {
                statuses: own.unwrap_or_else(|| workflow.clone()),
                id,
                name,
            }
        })
        .collect()
}

fn shot_statuses_from(schema: &Entity, entities: &Entities, tables: &Tables) -> Vec<Named> {
    let shot = tables
        .object_types
        .iter()
        .find(|row| text(row, "name") == "Shot")
        .map_or("", |row| text(row, "id"));
    let allowed: Vec<String> = entities
        .many(schema, "_schemas")
        .filter(|row| entities.text(row, "type_id") == shot)
        .flat_map(|row| entities.many(row, "statuses"))
        .map(|row| entities.text(row, "status_id").to_owned())
        .collect();
    in_order(tables.statuses, &allowed).collect()
}

/// Returns the rows of a table that `ids` name, in the table's own order.
fn in_order(table: &[Entity], ids: &[String]) -> impl Iterator<Item = Named> {
    let rows = table
        .iter()
        .filter(|row| ids.iter().any(|id| id == text(row, "id")));
    sorted(rows.collect()).into_iter().map(|row| Named {
        id: text(row, "id").to_owned(),
        name: text(row, "name").to_owned(),
    })
}

fn sorted(mut rows: Vec<&Entity>) -> Vec<&Entity> {
    let place = |row: &Entity| row.get("sort").and_then(Value::as_f64).unwrap_or_default();
    rows.sort_by(|one, other| {
        place(one)
            .total_cmp(&place(other))
            .then_with(|| text(one, "name").cmp(text(other, "name")))
    });
    rows
}

/// Returns the name of a row's object type, as the site calls it.
fn kind_of(row: &Entity, object_types: &[Entity]) -> String {
    let id = text(row, "object_type_id");
    object_types
        .iter()
        .find(|known| text(known, "id") == id)
        .map_or_else(|| text(row, "__entity_type__"), |known| text(known, "name"))
        .to_owned()
}

fn is_active(row: &Entity) -> bool {
    text(row, "status") != "hidden"
}

fn missing_project(name: &str) -> Problem {
    Problem::invalid(
        field::PROJECT,
        format!("no project that you can see is called {}", quoted(name)),
        "choose a project, or ask to be let into it",
    )
    .kind(FailureKind::NotFound)
}

fn ambiguous_project(name: &str, several: &[&Entity]) -> Problem {
    let names = joined(several.iter().map(|row| text(row, "name")), ", ");
    Problem::invalid(
        field::PROJECT,
        format!("several projects are called {}: {names}", quoted(name)),
        "name one exactly",
    )
}

#[cfg(test)]
mod tests {
    use callboard_plugin_sdk::json;

    use super::*;

    fn rows(rows: Value) -> Vec<Entity> {
        serde_json::from_value(rows).unwrap()
    }

    #[test]
    fn a_task_type_has_the_statuses_of_its_own_workflow_where_it_has_one() {
        let types = rows(json!([{"id": "t1", "name": "Comp"}, {"id": "t2", "name": "Roto"}]));
        let statuses = rows(json!([]));
        let tables = Tables {
            types: &types,
            statuses: &statuses,
            object_types: &[],
        };
        let project = rows(json!([{
            "id": "p", "name": "demo", "full_name": "",
            "project_schema": {
                "_task_type_schema": {"types": [{"id": "t2"}, {"id": "t1"}]},
                "_task_workflow": {"statuses": [{"id": "s1"}]},
                "_overrides": [{"type_id": "t2", "workflow_schema": {"statuses": [{"id": "s2"}]}}],
            },
        }]));
        let site = site_from_project(&project[0], &tables).unwrap();
        assert_eq!(site.name, "demo");
        let types: Vec<_> = site
            .project
            .task_types
            .iter()
            .map(|known| (known.name.as_str(), known.statuses.join(",")))
            .collect();
        assert_eq!(
            types,
            [("Comp", "s1".to_owned()), ("Roto", "s2".to_owned())]
        );
    }

    #[test]
    fn a_project_is_chosen_by_exact_name_first_and_never_by_chance() {
        let projects = rows(json!([
            {"id": "1", "name": "demo", "full_name": "Demo"},
            {"id": "2", "name": "DEMO", "full_name": "Other"},
            {"id": "3", "name": "old", "full_name": "Demo", "status": "hidden"},
            {"id": "4", "name": "closed", "full_name": "Closed", "status": "hidden"},
        ]));
        let check = |names: &[&str], expected: Result<&str, &str>| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let chosen = choose_project(&projects, &names);
            let chosen = chosen
                .map(|row| text(row, "id"))
                .map_err(|problem| problem.message);
            assert_eq!(
                chosen.as_ref().map_err(String::as_str),
                expected.as_ref().map_err(|text| *text),
                "{names:?}"
            );
        };
        check(&["demo"], Ok("1"));
        check(&["DEMO"], Ok("2"));
        check(&["Demo"], Ok("1"));
        check(&["nothing", "Other"], Ok("2"));
        check(&["CLOSED"], Ok("4"));
        check(
            &["dEMO"],
            Err("several projects are called `dEMO`: `demo`, `DEMO`"),
        );
        check(&["x"], Err("no project that you can see is called `x`"));
    }
}
