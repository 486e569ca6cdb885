//! What is asked of ftrack: as few requests as can be, each with all its questions.

use callboard_plugin_sdk::{Entity as Selected, Failure, FailureKind, Host, quote};

use crate::input::field;
use crate::problem::Problem;
use crate::site::{
    Entity, Existing, Named, Site, Tables, choose_project, existing_from, names_in,
    site_from_context, site_from_project, text,
};

/// Where shots shall go, before the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An entity that is selected.
    Selected(Selected),
    /// A project by its id or by names that it may have, the likeliest first.
    Project(Vec<String>),
}

/// What must be known of the things that may be there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Names of sequences below the place.
    pub sequences: Vec<String>,
    /// Names of task types, as somebody wrote them.
    pub task_types: Vec<String>,
}

/// What a form offers while no project is chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Offer {
    pub projects: Vec<Named>,
    pub task_types: Vec<String>,
    pub statuses: Vec<String>,
}

/// What the server says of a place, or why it is none.
pub(crate) type Look = Result<(Site, Existing), Problem>;

const TYPES: &str = "select id, name, sort from Type";
const STATUSES: &str = "select id, name, sort from Status";
const OBJECT_TYPES: &str = "select id, name from ObjectType";
const PROJECTS: &str =
    "select id, name, full_name from Project where status is \"active\" order by full_name";

/// What a project is read from; names of types and statuses come from the tables above.
const PROJECT_FIELDS: [&str; 10] = [
    "id",
    "name",
    "full_name",
    "status",
    "project_schema._task_type_schema.types.id",
    "project_schema._task_workflow.statuses.id",
    "project_schema._overrides.type_id",
    "project_schema._overrides.workflow_schema.statuses.id",
    "project_schema._schemas.type_id",
    "project_schema._schemas.statuses.status_id",
];

/// Asks what may be chosen while no project is.
///
/// # Errors
///
/// Returns the host's failure when the server cannot be asked.
pub(crate) fn offer(host: &Host) -> Result<Offer, Failure> {
    let results = host.query_many(&[PROJECTS, TYPES, STATUSES])?;
    let [projects, types, statuses] = results.as_slice() else {
        return Err(short_answer());
    };
    let projects = projects.iter().map(|row| Named {
        id: text(row, "id").to_owned(),
        name: match text(row, "full_name") {
            "" => text(row, "name").to_owned(),
            full_name => full_name.to_owned(),
        },
    });
    Ok(Offer {
        projects: projects.collect(),
        task_types: names_in(types),
        statuses: names_in(statuses),
    })
}

/// Looks at a place and at what `wanted` says is in question there.
///
/// One request where the place is known by id, two where a project is known by name only.
///
/// # Errors
///
/// Returns the host's failure when the server cannot be asked.
pub(crate) fn look(host: &Host, place: &Place, wanted: Option<&Wanted>) -> Result<Look, Failure> {
    let known_id = match place {
        Place::Selected(selected) => Some(selected.id.as_str()),
        Place::Project(names) => names.first().map(String::as_str).filter(|name| is_id(name)),
    };
    let mut expressions = vec![
        place_expression(place),
        TYPES.into(),
        STATUSES.into(),
        OBJECT_TYPES.into(),
    ];
    if let (Some(id), Some(wanted)) = (known_id, wanted) {
        expressions.extend(existing_expressions(id, wanted));
    }
    let results = host.query_many(&expressions)?;
    let [places, types, statuses, object_types, existing @ ..] = results.as_slice() else {
        return Err(short_answer());
    };
    let tables = Tables {
        types,
        statuses,
        object_types,
    };
    let site = match read_site(place, places, &tables) {
        Ok(site) => site,
        Err(problem) => return Ok(Err(problem)),
    };
    let Some(wanted) = wanted else {
        return Ok(Ok((site, Existing::default())));
    };
    if known_id.is_some() {
        let existing = read_existing(wanted, existing, object_types);
        return Ok(Ok((site, existing)));
    }
    let results = host.query_many(&existing_expressions(&site.id, wanted))?;
    let existing = read_existing(wanted, &results, object_types);
    Ok(Ok((site, existing)))
}

fn read_site(place: &Place, rows: &[Entity], tables: &Tables) -> Result<Site, Problem> {
    match place {
        Place::Project(names) => site_from_project(choose_project(rows, names)?, tables),
        Place::Selected(selected) => match rows.first() {
            None => Err(Problem::invalid(
                field::PROJECT,
                format!(
                    "no shots go below what is selected, or you cannot see it: {} `{}`",
                    selected.kind, selected.id
                ),
                "select a project, a folder, an episode or a sequence",
            )
            .kind(FailureKind::NotFound)),
            Some(row) if selected.kind == "Project" => site_from_project(row, tables),
            Some(row) => site_from_context(row, tables),
        },
    }
}

fn read_existing(wanted: &Wanted, results: &[Vec<Entity>], object_types: &[Entity]) -> Existing {
    let (children, tasks) = results.split_at(levels(wanted).min(results.len()));
    existing_from(&children.concat(), &tasks.concat(), object_types)
}

/// Returns how many levels below the place are looked at: its children, and those of the sequences.
fn levels(wanted: &Wanted) -> usize {
    1 + usize::from(!wanted.sequences.is_empty())
}

fn place_expression(place: &Place) -> String {
    match place {
        Place::Selected(selected) if selected.kind != "Project" => {
            let fields: Vec<String> = PROJECT_FIELDS
                .iter()
                .map(|name| format!("project.{name}"))
                .collect();
            format!(
                "select id, name, object_type_id, {} from TypedContext where id is {}",
                fields.join(", "),
                quote(&selected.id)
            )
        }
        Place::Selected(selected) => project_expression(&format!("id is {}", quote(&selected.id))),
        Place::Project(names) => {
            let is_any: Vec<String> = names
                .iter()
                .map(|name| {
                    let alike = quote(&alike(name));
                    let by_name = format!("name like {alike} or full_name like {alike}");
                    if is_id(name) {
                        format!("id is {} or {by_name}", quote(name))
                    } else {
                        by_name
                    }
                })
                .collect();
            project_expression(&is_any.join(" or "))
        }
    }
}

fn project_expression(condition: &str) -> String {
    format!(
        "select {} from Project where {condition}",
        PROJECT_FIELDS.join(", ")
    )
}

/// Asks for the children of `parent` and of the sequences below it, and then for the tasks of both.
fn existing_expressions(parent: &str, wanted: &Wanted) -> Vec<String> {
    let parent = quote(parent);
    let mut below = vec![(
        format!("parent_id is {parent}"),
        format!("parent.parent_id is {parent}"),
    )];
    if !wanted.sequences.is_empty() {
        let names: Vec<String> = wanted.sequences.iter().map(|name| quote(name)).collect();
        let names = names.join(", ");
        below.push((
            format!("parent.parent_id is {parent} and parent.name in ({names})"),
            format!("parent.parent.parent_id is {parent} and parent.parent.name in ({names})"),
        ));
    }
    let types: Vec<String> = wanted
        .task_types
        .iter()
        .map(|name| {
            let alike = quote(&alike(name));
            format!(
                "name like {alike} or type.name like {alike} or type_id is {}",
                quote(name)
            )
        })
        .collect();
    let types = types.join(" or ");
    let children = below.iter().map(|(children, _)| {
        format!("select id, name, parent_id, object_type_id from TypedContext where {children}")
    });
    let tasks = below
        .iter()
        .filter(|_| !types.is_empty())
        .map(|(_, tasks)| {
            format!("select id, name, parent_id, type_id from Task where {tasks} and ({types})")
        });
    children.chain(tasks).collect()
}

/// Returns a pattern that matches at least `name` in any case.
///
/// What `like` treats specially becomes "any one character": whoever reads the answer compares again.
fn alike(name: &str) -> String {
    name.replace(['%', '_', '\\'], "_")
}

/// Tells whether a text is an id as ftrack writes them, a UUID.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

fn short_answer() -> Failure {
    Failure::new(
        FailureKind::Internal,
        "the host answered fewer queries than it was asked",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_into_expressions_quoted_and_patterns_match_at_least_what_is_meant() {
        let wanted = Wanted {
            sequences: vec!["s\"q\\1".into(), "sq2".into()],
            task_types: vec!["50%_\"x\\".into()],
        };
        assert_eq!(
            existing_expressions("p", &wanted),
            [
                r#"select id, name, parent_id, object_type_id from TypedContext where parent_id is "p""#,
                r#"select id, name, parent_id, object_type_id from TypedContext where parent.parent_id is "p" and parent.name in ("s\"q\\1", "sq2")"#,
                r#"select id, name, parent_id, type_id from Task where parent.parent_id is "p" and (name like "50__\"x_" or type.name like "50__\"x_" or type_id is "50%_\"x\\")"#,
                r#"select id, name, parent_id, type_id from Task where parent.parent.parent_id is "p" and parent.parent.name in ("s\"q\\1", "sq2") and (name like "50__\"x_" or type.name like "50__\"x_" or type_id is "50%_\"x\\")"#,
            ]
        );
    }

    #[test]
    fn only_what_is_in_question_is_asked_for() {
        let wanted = Wanted::default();
        assert_eq!(existing_expressions("p", &wanted).len(), levels(&wanted));
    }

    #[test]
    fn a_project_is_asked_for_by_id_only_where_the_text_can_be_one() {
        let id = "11111111-0000-4000-8000-00000000000a";
        let by_id = place_expression(&Place::Project(vec![id.into()]));
        assert!(
            by_id.contains(&format!("where id is \"{id}\" or name like")),
            "{by_id}"
        );
        let by_name = place_expression(&Place::Project(vec!["de_mo".into(), "nick".into()]));
        assert!(
            by_name.ends_with(
                r#"where name like "de_mo" or full_name like "de_mo" or name like "nick" or full_name like "nick""#
            ),
            "{by_name}"
        );
        for text in ["", "demo", &id[1..], &id.replace('-', "_")] {
            assert!(!is_id(text), "{text}");
        }
    }
}
