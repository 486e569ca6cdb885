use super::*;

/// Shapes found in the wild, and those that the official Python client makes.
const CORPUS: &[&str] = &[
    "select id, name, full_name, status from Project limit 500 offset 500",
    "Project where name is \"demo\" or full_name is \"demo\"",
    "Project where status is active",
    "Task where parent.id is \"x\" and type.name in (\"Animation\", \"Layout\")",
    "Task where assignments any (resource.username = \"ada\") and status.state.short is_not \"DONE\" order by end_date",
    "select name, parent.name, project.name, link from Task where id in (a1, b2) order by name desc limit 25",
    "Shot where project.id is \"x\" and children any (object_type.name is \"Task\")",
    "TypedContext where project_id is \"x\" and parent_id is_not none",
    "select link, parent from Context where (ancestors any (id = \"x\") or id = \"y\")",
    "AssetVersion where components.name is \"main\" and is_latest_version is True",
    "AssetVersion where task.id = 'x' order by version descending",
    "select version, asset.versions.version from AssetVersion where asset_id is_not None limit 1",
    "Note where note_label_links any (label.name is \"Internal\")",
    "select value, configuration_id from ContextCustomAttributeValue where entity_id in (\"x\") and configuration_id in (\"y\")",
    "Task where custom_attributes any (key is \"fstart\" and value > 1000)",
    "Timelog where user.username is \"ada\" and start >= \"2026-11-01\" and start < \"2026-12-01\"",
    "select duration, user.username from Timelog where context_id in (select id from TypedContext where project_id is \"x\")",
    "Appointment where resource[Group].memberships any (user.username is \"x\")",
    "Setting where name is \"storage_scenario\" and group is \"STORAGE\"",
    "ReviewSession where project.full_name is \"Demo\" and name like \"%daily%\" order by created_at descending",
    "Job where user_id is \"x\" and status in (\"running\", \"queued\")",
    "Event where action like \"change.status%\" and created_at after \"2026-11-01\" order by id desc limit 50",
    "SchemaStatus where schema_id is \"x\" ",
    "Task where not (status.name is \"Omitted\" or status.name is \"On Hold\")",
    "Task where name like \"%100\\%%\" and description not_like \"%temp%\"",
    "Task where notes any () and not thumbnail_id is none",
    "Task where (name is \"a\"and id is \"b\") offset 0 limit 500",
    "select id from Timer where user_id = \"u1\" limit 2",
    "select is_active from User where id is u1 offset 0 limit 500",
    "select id from Note where (note_id is \"n1\"and resource_id is \"r1\") or (note_id is \"n2\"and resource_id is \"r2\")",
    "select status.state.short from Task where status.state.short is NOT_STARTED limit 2",
    "select\n  id ,\n  name\nfrom Task\nwhere\tname   is  'x'",
    "Task where name not in ('a') and id not_in (b) and x is not none and y not like 'z' and z <> 1",
    "Task where a=1 and b!=2 and c==3 and d>=4 and e<5 and f in ()",
    "select count(id), sum(bid) from Task group by project_id, status_id",
    "select from.name, to.id from TypedContextLink where from.id is \"x\"",
    "Task where name is \"x\" limit 3 offset 0 limit 5",
];

#[test]
fn everything_found_in_the_wild_can_be_read() {
    for text in CORPUS {
        if let Err(error) = parse(text) {
            panic!("{text}: {error}");
        }
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (text, expected) in [
        (
            "",
            "could not parse the query: expected the name of an entity type but the query ends at position 0",
        ),
        (
            "select id Task",
            "could not parse the query: expected `from` or `,`, found `Task` at position 10",
        ),
        (
            "Task where",
            "could not parse the query: expected an attribute but the query ends at position 10",
        ),
        (
            "Task where name",
            "could not parse the query: expected an operator but the query ends at position 15",
        ),
        (
            "Task where name is",
            "could not parse the query: expected a value but the query ends at position 18",
        ),
        (
            "Task where name is \"x",
            "could not parse the query: the quote is not closed at position 19",
        ),
        (
            "Task where (name is x",
            "could not parse the query: expected `)` but the query ends at position 21",
        ),
        (
            "Task where name is x y",
            "could not parse the query: expected the end of the query, found `y` at position 21",
        ),
        (
            "Task limit many",
            "could not parse the query: expected a whole number, found `many` at position 11",
        ),
        (
            "Task where name ~ {x}",
            "could not parse the query: expected an operator, found `~` at position 16",
        ),
        (
            "Task where username is \"bob\"x\"",
            "could not parse the query: expected the end of the query, found `x\"` at position 28",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn nesting_beyond_all_reason_is_refused() {
    let text = format!(
        "Task where {}name is x{}",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    assert!(
        parse(&text)
            .unwrap_err()
            .to_string()
            .contains("nested too deeply")
    );
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    let query = parse("Task where a is 1 or not b is 2 and c is 3").unwrap();
    let Some(Criteria::Any(any)) = query.criteria else {
        panic!("expected `or` at the top")
    };
    let Criteria::All(all) = &any[1] else {
        panic!("expected `and` below it")
    };
    assert!(matches!(all[0], Criteria::Not(_)));
}

#[test]
fn a_quoted_none_is_a_text() {
    let literal = |text: &str| match parse(text).unwrap().criteria {
        Some(Criteria::Compare { literal, .. }) => literal,
        other => panic!("unexpected {other:?}"),
    };
    assert!(literal("Task where a is none").is_none);
    assert!(!literal("Task where a is \"none\"").is_none);
    assert_eq!(
        literal("Task where a is \"say \\\"hi\\\" \\\\ C:\\dir\"").text,
        "say \"hi\" \\ C:\\dir"
    );
}

/// Every query of the corpus cut short at every place, and with every character left out or doubled.
#[test]
fn no_text_makes_the_parser_panic() {
    for text in CORPUS {
        for (at, character) in text.char_indices() {
            let after = &text[at + character.len_utf8()..];
            for broken in [
                text[..at].to_owned(),
                format!("{}{after}", &text[..at]),
                format!("{}{character}{character}{after}", &text[..at]),
                format!("{}é\"{after}", &text[..at]),
            ] {
                if let Err(QueryError::Syntax { position, .. }) = parse(&broken) {
                    assert!(broken.is_char_boundary(position), "{broken}");
                }
            }
        }
    }
}
