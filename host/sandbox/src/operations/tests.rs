use super::*;
use crate::query::Reader;
use crate::seed::{demo_store, id_from_name};

const SHOT: &str = "Shot/harbour/ep01/sq010/sh010";

fn writer() -> Caller {
    Caller {
        user_id: Arc::from(id_from_name("User/ada")),
        username: Arc::from("ada"),
        access: Access::unlimited(),
        ..Caller::default()
    }
}

/// Carries out operations as one batch and returns the answers, or what was wrong.
fn run(store: &mut Store, operations: &[Json]) -> Result<Vec<Json>, ApiError> {
    let caller = writer();
    let mut transaction = Transaction::new(store, &caller);
    let carry_out =
        |transaction: &mut Transaction<'_>, operation: &Json| match operation["action"].as_str() {
            Some("create") => transaction.create(operation).map(Some),
            Some("update") => transaction.update(operation).map(Some),
            _ => transaction.delete(operation).map(|()| None),
        };
    let outcome: Result<Vec<_>, _> = operations
        .iter()
        .map(|operation| carry_out(&mut transaction, operation))
        .collect();
    let outcome = outcome.and_then(|touched| transaction.check_rows().map(|()| touched));
    let answers = outcome.map(|touched| {
        touched
            .iter()
            .map(|touched| {
                touched
                    .as_ref()
                    .map_or(json!(true), |touched| transaction.answer(touched, ""))
            })
            .collect()
    });
    match answers {
        Ok(_) => store.commit().unwrap(),
        Err(_) => store.rollback(),
    }
    answers
}

fn create(kind: &str, data: Json) -> Json {
    json!({"action": "create", "entity_type": kind, "entity_data": data})
}

fn update(kind: &str, id: &str, data: Json) -> Json {
    json!({"action": "update", "entity_type": kind, "entity_key": [id], "entity_data": data})
}

fn query(store: &Store, text: &str) -> Json {
    Reader {
        store: View::whole(store),
        base_url: "",
        denormalize: false,
    }
    .run(text)
    .unwrap()
    .data
}

#[test]
fn a_task_gets_what_its_place_gives_it() {
    let mut store = demo_store();
    let answers = run(
        &mut store,
        &[create(
            "Task",
            json!({"id": "t", "name": "roto", "parent_id": id_from_name(SHOT)}),
        )],
    )
    .unwrap();
    let data = &answers[0]["data"];
    assert_eq!(data["project_id"], json!(id_from_name("Project/harbour")));
    assert_eq!(data["context_type"], "task");
    assert_eq!(data["created_by_id"], json!(id_from_name("User/ada")));
    let task = &query(
        &store,
        "select status.name, type.name, priority.name from Task where id is t",
    )[0];
    assert_eq!(task["status"]["name"], "Not started");
    assert_eq!(task["type"]["name"], "Compositing");
    assert_eq!(task["priority"]["name"], "None");
}

fn check_refusal(operation: Json, exception: &str, content: &str) {
    let mut store = demo_store();
    let error = run(&mut store, std::slice::from_ref(&operation)).unwrap_err();
    assert_eq!(error.exception, exception, "{operation}");
    assert!(
        error.content.contains(content),
        "{operation}: {}",
        error.content
    );
}

#[test]
fn what_cannot_be_created_is_refused_with_the_reason() {
    let shot = id_from_name(SHOT);
    let vfx = id_from_name("ProjectSchema/VFX");
    let long = "🙂".repeat(256);
    for (kind, data, exception, content) in [
        (
            "Task",
            json!({"name": "animation", "parent_id": shot}),
            "IntegrityError",
            "Duplicate entry",
        ),
        (
            "Task",
            json!({"id": shot, "name": "x", "parent_id": shot}),
            "IntegrityError",
            "Duplicate entry",
        ),
        (
            "Task",
            json!({"name": "x", "parent_id": "gone"}),
            "IntegrityError",
            "refers to Context gone",
        ),
        (
            "Task",
            json!({"name": "x"}),
            "ValidationError",
            "parent of Task is required",
        ),
        (
            "Task",
            json!({"name": "x", "parent_id": shot, "frames": 1}),
            "ValidationError",
            "frames does not exist",
        ),
        (
            "Task",
            json!({"name": 5, "parent_id": shot}),
            "ValidationError",
            "name of Task must be of type string",
        ),
        (
            "TypedContext",
            json!({"name": "x", "parent_id": shot}),
            "ValidationError",
            "TypedContext is abstract",
        ),
        (
            "Project",
            json!({"name": "p"}),
            "ValidationError",
            "project_schema_id of Project is required",
        ),
        (
            "Project",
            json!({"name": "harbour", "project_schema_id": vfx}),
            "IntegrityError",
            "harbour",
        ),
        (
            "Task",
            json!({"name": long, "parent_id": shot}),
            "ValidationError",
            "longer than 255",
        ),
        (
            "Nonsense",
            json!({}),
            "ValidationError",
            "Entity type Nonsense does not exist",
        ),
        (
            "ContextScope",
            json!({}),
            "ValidationError",
            "Entity type ContextScope does not exist",
        ),
    ] {
        check_refusal(create(kind, data), exception, content);
    }
}

#[test]
fn what_cannot_be_changed_is_refused_with_the_reason() {
    let shot = id_from_name(SHOT);
    for (key, data, content) in [
        ("gone", json!({"name": "x"}), "Shot gone does not exist"),
        (&shot, json!({"name": null}), "name of Shot is required"),
        (&shot, json!({"id": "other"}), "immutable"),
        (&shot, json!({"link": []}), "cannot be set"),
    ] {
        check_refusal(update("Shot", key, data), "ValidationError", content);
    }
    check_refusal(
        json!({"action": "delete", "entity_type": "Shot"}),
        "ValidationError",
        "no entity_key",
    );
}

#[test]
fn a_batch_may_refer_to_what_it_makes_later() {
    let mut store = demo_store();
    let shot = id_from_name(SHOT);
    run(
        &mut store,
        &[
            update("Shot", &shot, json!({"thumbnail_id": "c"})),
            create(
                "FileComponent",
                json!({"id": "c", "name": "thumbnail", "file_type": ".jpg"}),
            ),
        ],
    )
    .unwrap();
    let url = &query(
        &store,
        &format!("select thumbnail_url from Shot where id is {shot}"),
    )[0]["thumbnail_url"];
    assert_eq!(url["value"], "/component/thumbnail?id=c");
}

#[test]
fn a_required_attribute_may_follow_within_the_batch() {
    let mut store = demo_store();
    let made = create("Scope", json!({"id": "s"}));
    run(
        &mut store,
        &[made.clone(), update("Scope", "s", json!({"name": "late"}))],
    )
    .unwrap();
    let error = run(&mut demo_store(), &[made]).unwrap_err();
    assert_eq!(error.content, "Attribute name of Scope is required");
}

#[test]
fn an_answer_holds_what_was_sent_and_what_the_server_added() {
    let mut store = demo_store();
    let created = run(
        &mut store,
        &[create("User", json!({"id": "u", "email": null}))],
    )
    .unwrap();
    let data = created[0]["data"].as_object().unwrap();
    assert!(data["username"].is_string());
    assert!(data["email"].is_null());
    assert_eq!(data.get("first_name"), None);
    let updated = run(
        &mut store,
        &[update("User", "u", json!({"first_name": "Eve"}))],
    )
    .unwrap();
    let expected =
        json!({"__entity_type__": "User", "id": "u", "resource_type": "user", "first_name": "Eve"});
    assert_eq!(updated[0]["data"], expected);
}

#[test]
fn deleting_twice_in_one_batch_is_deleting_once() {
    let mut store = demo_store();
    let shot = id_from_name(SHOT);
    let delete = json!({"action": "delete", "entity_type": "Shot", "entity_key": shot});
    run(&mut store, &[delete.clone(), delete]).unwrap();
    assert_eq!(
        query(
            &store,
            &format!("select id from TypedContext where parent_id is {shot}")
        ),
        json!([])
    );
    assert_eq!(query(&store, "select id from AssetVersion"), json!([]));
    assert_eq!(query(&store, "select id from Note"), json!([]));
}

#[test]
fn the_answer_shows_the_state_at_the_end_of_the_batch() {
    let mut store = demo_store();
    let answers = run(
        &mut store,
        &[
            create(
                "Task",
                json!({"id": "t", "name": "first", "parent_id": id_from_name(SHOT)}),
            ),
            update("Task", "t", json!({"name": "second"})),
        ],
    )
    .unwrap();
    assert_eq!(answers[0]["data"]["name"], "second");
}

#[test]
fn somebody_who_may_only_look_is_refused_before_anything_else() {
    let mut store = demo_store();
    let caller = Caller {
        username: Arc::from("bo"),
        ..Caller::default()
    };
    let mut transaction = Transaction::new(&mut store, &caller);
    let error = transaction
        .create(&create("Task", json!({"nonsense": 1})))
        .err()
        .unwrap();
    assert_eq!(
        (error.exception, &*error.content),
        ("PermissionError", "User bo is not permitted to create Task")
    );
}
