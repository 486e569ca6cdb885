use serde_json::json;

use super::*;
use crate::seed::demo_store;
use crate::store::Store;

fn run(store: &Store, text: &str) -> Result<Json, QueryError> {
    let reader = Reader {
        store: View::whole(store),
        base_url: "http://sandbox",
        denormalize: false,
    };
    reader.run(text).map(|page| page.data)
}

/// The names of what a query finds.
fn names(store: &Store, text: &str) -> Vec<String> {
    let data = run(store, &format!("select name from {text}")).unwrap();
    data.as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Criteria on typed contexts, with and without an index that could answer them.
const CRITERIA: &[&str] = &[
    "name is \"sh010\"",
    "name is_not \"sh010\"",
    "name in (\"sh010\", sq010, none)",
    "name not_in (sh010)",
    "name like \"sh%\"",
    "id is nothing",
    "parent.name is sq010",
    "parent.id is_not none",
    "parent.parent.name is ep01",
    "project.name is lantern",
    "project.full_name is Lantern or name is sq020",
    "project.name is lantern and name is sh010",
    "not project.name is lantern",
    "status.state.short is DONE",
    "status.name in (\"Approved\", \"In progress\")",
    "status is none",
    "type.name is Animation",
    "assignments any (resource.username is ada)",
    "assignments.resource.username is dana",
    "assignments any ()",
    "not assignments any ()",
    "children any (name is sh010)",
    "children.name is sh010",
    "ancestors any (name is ep01)",
    "ancestors.name is ep01 and name like \"%ing\"",
    "descendants any (name is tracking)",
    "bid > 100",
    "bid is 28800 and project.name is lantern",
    "parent has (name is sq010 and parent.name is ep02)",
    "parent.project.name is harbour",
    "parent.full_name is Harbour",
    "id in (select context_id from Appointment where resource.username is ada)",
    "parent_id in (select id from Shot where name is sh020)",
    "object_type.name is Shot",
    "custom_attributes any (key is fstart and value is 1001)",
    "custom_attributes.value is medium",
    "timelogs any (duration > 100)",
    "created_at > 2000-01-01",
    "project_id is none or name is assets",
    "parent.project.name is harbour and parent.object_type.name is Shot",
    "parent.project.full_name is Lantern",
    "parent[Shot].parent.name is sq020",
    "parent[Project].name is harbour",
    "descendants any (name is lighting) or descendants.name is modeling",
    "ancestors any (name is ep01 or name is sq020)",
    "children any (children any (type.name is Lighting and status.name is \"Not started\"))",
    "custom_attributes any (key is fstart and value > 5000)",
    "custom_attributes any (key is fstart and entity_id is nothing)",
    "custom_attributes any (key not_in (fstart))",
    "custom_attributes.key in (fstart, nothing)",
    "not custom_attributes any (value is 1001)",
    "metadata any (key is a and value like \"%b%\")",
    "name contains 01 and name not_like \"sq%\"",
    "name like \"S_01_\"",
    "created_by.username is_not ada",
    "thumbnail.name is none and type.name is Animation",
    "lists any (name is nothing) or assets any (versions any (version > 1))",
    "assets.versions.task.name is animation",
    "notes any () or assets.versions.notes any (content like \"%boat%\")",
];

/// The planner may only leave out rows that the criteria refuse.
#[test]
fn an_index_changes_how_long_a_query_takes_and_not_what_it_finds() {
    let store = demo_store();
    let schema = &store.schema;
    for entity in ["TypedContext", "Task", "Shot", "Sequence"] {
        let kind = schema.expect_type(entity).id;
        for criteria in CRITERIA {
            let text = format!("{entity} where {criteria}");
            let query = parse(&text).unwrap();
            check::check(schema, &query).unwrap_or_else(|error| panic!("{text}: {error}"));
            let walker = Walker::new(View::whole(&store));
            let found = evaluate::find(&walker, &query, &|_| true).unwrap().rows;
            let found: Vec<u64> = found.iter().map(|row| row.sequence).collect();
            let test = evaluate::prepare(&walker, query.criteria.as_ref().unwrap()).unwrap();
            let all = store
                .rows(kind)
                .filter(|row| evaluate::accepts(&walker, row, &test));
            let expected: Vec<u64> = all.map(|row| row.sequence).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}

#[test]
fn criteria_find_what_they_say() {
    let store = demo_store();
    for (text, expected) in [
        ("Sequence where project.name is lantern", vec!["sq100"]),
        (
            "Sequence where parent.name is ep01 order by name desc",
            vec!["sq020", "sq010"],
        ),
        (
            "Project where status is active order by full_name",
            vec!["harbour", "lantern"],
        ),
        (
            "Shot where project.name is lantern and children any (assignments any ())",
            vec!["sh010", "sh020"],
        ),
        (
            "Task where parent.name is sh010 and project.name is lantern order by type.sort limit 2",
            vec!["animation", "compositing"],
        ),
        (
            "Context where (ancestors any (name is assets) or name is assets) and object_type.name is \"Asset Build\"",
            vec!["lighthouse", "trawler"],
        ),
        (
            "Folder where children any () and not thumbnail_id is_not none",
            vec!["assets"],
        ),
        (
            "Group where memberships any (user.username is dana)",
            vec!["Compositing"],
        ),
        (
            "Asset where versions any (is_latest_version is True and version is 2)",
            vec!["animation"],
        ),
        (
            "Asset where project_id in (select id from Project where name is harbour) and latest_version.comment is \"Take 2\"",
            vec!["animation"],
        ),
        (
            "Status where state.short is BLOCKED order by name",
            vec!["Omitted", "On Hold"],
        ),
        (
            "ObjectType where is_leaf is true order by name",
            vec!["Milestone", "Task"],
        ),
    ] {
        assert_eq!(names(&store, text), expected, "{text}");
    }
}

#[test]
fn an_entity_is_written_in_full_once_and_with_all_that_was_asked() {
    let store = demo_store();
    let rows = run(
        &store,
        "select parent.name, project.full_name from Sequence where project.name is lantern",
    )
    .unwrap();
    let project = json!({
        "__entity_type__": "Project", "id": rows[0]["project_id"], "context_type": "show",
        "full_name": "Lantern", "name": "lantern",
    });
    // The schema has `parent` before `project`, and so has the official client.
    assert_eq!(rows[0]["parent"], project);
    let reference =
        json!({"__entity_type__": "Project", "id": rows[0]["project_id"], "context_type": "show"});
    assert_eq!(rows[0]["project"], reference);

    let reader = Reader {
        store: View::whole(&store),
        base_url: "",
        denormalize: true,
    };
    let rows = reader
        .run("select parent.name, project.name from Sequence where project.name is lantern")
        .unwrap()
        .data;
    assert_eq!(rows[0]["parent"], rows[0]["project"]);
}

#[test]
fn a_circle_of_projections_ends() {
    let store = demo_store();
    let text = "select version, asset.versions.asset.versions.version from AssetVersion where version is 1";
    let rows = run(&store, text).unwrap();
    assert_eq!(rows[0]["asset"]["versions"][0]["id"], rows[0]["id"]);
    assert_eq!(rows[0]["asset"]["versions"][1]["version"], 2);
}

#[test]
fn pages_are_cut_from_a_stable_order() {
    let store = demo_store();
    let reader = Reader {
        store: View::whole(&store),
        base_url: "",
        denormalize: false,
    };
    let ids = |page: &Json| -> Vec<String> {
        let rows = page.as_array().unwrap().iter();
        rows.map(|row| row["id"].to_string()).collect()
    };
    for order in [
        "name",
        "parent.name desc, name",
        "type.sort, parent.name desc",
    ] {
        let query = format!("select id from Task order by {order}");
        let mut offset = Some(0);
        let mut seen = Vec::new();
        while let Some(from) = offset {
            let page = reader
                .run(&format!("{query} offset {from} limit 7"))
                .unwrap();
            seen.extend(ids(&page.data));
            offset = page.next_offset;
        }
        // More than are kept before those are left out which the page cannot hold.
        assert!(seen.len() > 2 * 16, "{}", seen.len());
        assert_eq!(seen, ids(&run(&store, &query).unwrap()), "{order}");
    }
}

#[test]
fn what_does_not_exist_is_named_with_its_place() {
    let store = demo_store();
    for (text, message, position) in [
        (
            "select nonsense from Task",
            "Attribute nonsense does not exist on Task.",
            7,
        ),
        (
            "Task where status.nonsense is 1",
            "Attribute nonsense does not exist on Status.",
            11,
        ),
        (
            "Task where name.length is 1",
            "Attribute length does not exist on a plain value.",
            11,
        ),
        ("Nonsense", "Entity type Nonsense does not exist", 0),
        (
            "Task where bid is long",
            "Attribute bid cannot be compared with `long`, which is no number",
            11,
        ),
        (
            "Task where name has (id is 1)",
            "Attribute name is not a relation",
            11,
        ),
        (
            "select custom_attribute_links from Task",
            "Attribute custom_attribute_links of Task can only be filtered by",
            7,
        ),
        (
            "Task where id in (select id, name from Task)",
            "A subquery must select exactly one attribute",
            11,
        ),
        ("ContextScope", "Entity type ContextScope does not exist", 0),
        (
            "select secret from ApiKey",
            "Attribute secret does not exist on ApiKey.",
            7,
        ),
    ] {
        let expected = QueryError::Invalid {
            message: message.to_owned(),
            position,
        };
        assert_eq!(run(&store, text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn groups_are_counted() {
    let store = demo_store();
    let rows = run(
        &store,
        "select count(id), sum(bid), max(name) from Task group by project.name, type.name",
    )
    .unwrap();
    let expected = json!({
        "project_name": "lantern", "type_name": "Lighting", "count_id": 2, "sum_bid": 57600.0, "max_name": "lighting",
    });
    assert!(rows.as_array().unwrap().contains(&expected), "{rows}");
    assert_eq!(
        run(&store, "select count(id) from Task where name is nothing").unwrap(),
        json!([{"count_id": 0}])
    );
}
