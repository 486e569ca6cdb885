//! Typed entities, long answers and batches, against the sandbox.

use ftrack::{
    AssetVersion, CallError, Entity, FieldError, FieldKind, Filter, Id, Operation, Project, Query,
    ReadError, Schemas, Shot, Status, Task, Typed, TypedContext, UnitOutcome, User, new_id,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::studio::{Studio, data};
use crate::support::{Reply, Server, rows, sign_in};

/// Tells which fields of `T` the server's schema has not, or has of another kind.
fn unknown_fields<T: Typed>(schemas: &Schemas, problems: &mut Vec<String>) {
    let Some(schema) = schemas.get(T::TYPE) else {
        return problems.push(format!("there is no `{}`", T::TYPE));
    };
    for (name, kind) in T::FIELDS {
        let property = &schema["properties"][name];
        let written = property["type"].as_str();
        let format = property["format"].as_str();
        let fits = match kind {
            FieldKind::One => property.get("$ref").is_some(),
            FieldKind::Many => matches!(written, Some("array" | "mapped_array")),
            FieldKind::Time => format == Some("date-time"),
            FieldKind::Number => matches!(written, Some("number" | "integer")),
            FieldKind::Boolean => written == Some("boolean"),
            FieldKind::Text => written == Some("string") && format != Some("date-time"),
            _ => !property.is_null(),
        };
        if !fits {
            problems.push(format!("`{name}` of `{}`: {property}", T::TYPE));
        }
    }
}

#[tokio::test]
async fn every_field_of_every_type_is_in_the_schemas_and_of_its_kind() {
    let studio = Studio::demo().await;
    let schemas = studio.session.schemas().await.unwrap();
    let mut problems = Vec::new();
    macro_rules! check {
        ($($type:ident)*) => { $(unknown_fields::<ftrack::$type>(&schemas, &mut problems);)* };
    }
    check!(
        Appointment Asset AssetBuild AssetType AssetVersion AssetVersionList Component
        ComponentLocation Context CustomAttributeConfiguration CustomAttributeType Episode
        FileComponent Folder Group Job List Location Metadata Milestone Note NoteLabel ObjectType
        Priority Project ProjectSchema Resource SecurityRole Sequence SequenceComponent Shot State
        Status Task Timelog Timer Type TypedContext TypedContextList User
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn rows_are_read_as_what_they_are() {
    let studio = Studio::demo().await;
    let query = Query::of::<Task>()
        .select(["name", "status.name", "parent.name", "bid", "start_date"])
        .select(["assignments.resource_id", "project.full_name"])
        .order_by("name");
    let tasks: Vec<Task> = studio.session.all(&query).await.unwrap();
    assert!(!tasks.is_empty());
    for task in &tasks {
        assert!(!task.name().unwrap().is_empty());
        assert!(task.status().unwrap().unwrap().name().unwrap().is_some());
        assert!(task.parent().unwrap().unwrap().name().is_ok());
        assert!(task.project().unwrap().unwrap().full_name().is_ok());
        for appointment in task.assignments().unwrap() {
            assert!(!appointment.resource_id().unwrap().as_str().is_empty());
        }
        assert_eq!(
            task.description().unwrap_err(),
            FieldError::NotAskedFor {
                entity_type: "Task".to_owned(),
                field: "description".to_owned()
            }
        );
    }
    // Anything below a project is a typed context, and nothing else is.
    let all = Query::of::<TypedContext>().select(["name"]);
    let contexts: Vec<TypedContext> = studio.session.all(&all).await.unwrap();
    assert!(contexts.len() > tasks.len());
    let wrong = studio.session.all::<Shot>(&all).await.unwrap_err();
    assert!(matches!(
        wrong,
        ReadError::Row(FieldError::OtherType { wanted: "Shot", .. })
    ));
}

#[tokio::test]
async fn one_entity_is_got_by_its_id_or_is_not_there() {
    let studio = Studio::demo().await;
    let id = Id::<User>::new(&studio.session.user().id);
    let user = studio.session.get(&id, &["username", "email"]).await;
    let user = user.unwrap().unwrap();
    assert_eq!(user.username().unwrap(), studio.session.user().username);
    assert_eq!(user.id(), Ok(id));
    let nobody = Id::<User>::random();
    assert_eq!(
        studio.session.get(&nobody, &["username"]).await.unwrap(),
        None
    );
    let bad = Query::of::<Project>().select(["name from User"]);
    let error = studio.session.first::<Project>(&bad).await.unwrap_err();
    assert!(matches!(error, ReadError::Query(_)));
    let unknown = Query::of::<Status>().select(["frobnicate"]);
    let error = studio.session.all::<Status>(&unknown).await.unwrap_err();
    assert!(
        matches!(error, ReadError::Call(CallError::Invalid(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_long_answer_streams_and_is_the_same_as_at_once() {
    let studio = Studio::with_shots(1200).await;
    let query = Query::of::<Shot>().select(["name"]).order_by("id");
    let text = query.build().unwrap();
    let at_once = studio.session.query(&text).await.unwrap();
    assert!(at_once.len() >= 1200);
    let mut rows = studio.session.stream(text);
    let mut streamed = Vec::new();
    while let Some(row) = rows.next().await {
        streamed.push(Value::from(row.unwrap()));
    }
    assert_eq!(streamed, at_once);
    let typed: Vec<_> = studio
        .session
        .stream_of::<Shot>(&query)
        .unwrap()
        .collect()
        .await;
    assert_eq!(typed.len(), at_once.len());
    assert!(
        typed
            .iter()
            .all(|shot| shot.as_ref().unwrap().name().is_ok())
    );
}

/// A server with pages of one row, without end.
async fn endless() -> Server {
    Server::start(|request| {
        sign_in(request).unwrap_or_else(|| {
            let asked = request.expressions()[0].to_owned();
            let mut words = asked.split(' ').skip_while(|word| *word != "offset");
            let offset: u64 = words.nth(1).unwrap().parse().unwrap();
            if offset == 7 {
                return Reply::Json(json!({"exception": "KeyError", "content": "7"}));
            }
            let row = json!([{"__entity_type__": "Task", "id": offset.to_string()}]);
            Reply::Json(json!([rows(&row, Some(offset + 1))]))
        })
    })
    .await
}

fn pages(server: &Server) -> usize {
    let requests = server.requests();
    let asked = requests.iter().filter(|request| {
        let expressions = request.expressions();
        expressions.iter().any(|one| one.starts_with("Task "))
    });
    asked.count()
}

#[tokio::test]
async fn a_stream_reads_one_page_ahead_and_no_further() {
    let server = endless().await;
    let session = ftrack::Session::connect(server.config()).await.unwrap();
    let mut stream = session.stream("Task");
    for number in 0..4 {
        assert_eq!(
            stream.next().await.unwrap().unwrap().id(),
            Ok(number.to_string().as_str())
        );
    }
    // The reader holds the fourth page; the fifth is here or on its way.
    crate::support::eventually(|| pages(&server) == 5).await;
    session.query_page("User", 0, 1).await.unwrap();
    assert_eq!(pages(&server), 5);
    drop(stream);
    session.query_page("User", 0, 1).await.unwrap();
    assert_eq!(pages(&server), 5);
}

#[tokio::test]
async fn a_stream_ends_with_the_first_error() {
    let server = endless().await;
    let session = ftrack::Session::connect(server.config()).await.unwrap();
    let items: Vec<_> = session.stream("Task").collect().await;
    assert_eq!(items.len(), 8);
    assert!(matches!(items[7], Err(CallError::Refused(_))));
    session.close();
    let items: Vec<_> = session.stream("Task").collect().await;
    assert_eq!(items, [Err(CallError::Cancelled)]);
}

fn shot_with_task(parent: &str, name: &str, task_parent: Option<&str>) -> Vec<Operation> {
    let shot = new_id();
    let task_parent = task_parent.unwrap_or(&shot).to_owned();
    vec![
        Operation::create(
            "Shot",
            data(json!({"id": shot, "name": name, "parent_id": parent})),
        ),
        Operation::create(
            "Task",
            data(json!({"id": new_id(), "name": "anim", "parent_id": task_parent})),
        ),
    ]
}

#[tokio::test]
async fn a_refused_batch_is_halved_until_the_bad_units_stand_alone() {
    let studio = Studio::demo().await;
    let parent = studio.id_of("Sequence").await;
    let units: Vec<_> = (0..20)
        .map(|number| {
            let name = format!("hv{number:03}");
            // Two units name a parent that does not exist.
            let bad = matches!(number, 5 | 13).then_some("nowhere");
            shot_with_task(&parent, &name, bad)
        })
        .collect();
    let outcomes = studio.session.call_units(&units).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            UnitOutcome::Done(answers) => {
                assert!(!matches!(number, 5 | 13));
                assert_eq!(answers.len(), 2);
                assert_eq!(answers[0]["name"], format!("hv{number:03}"));
            }
            UnitOutcome::NotDone(error) => {
                assert!(matches!(number, 5 | 13), "{number}: {error}");
                assert!(error.exception().is_some(), "{error:?}");
            }
            other => panic!("{number}: {other:?}"),
        }
    }
    let made = "select id from Shot where name like \"hv%\"";
    assert_eq!(studio.session.query(made).await.unwrap().len(), 18);
}

#[tokio::test]
async fn a_lost_answer_ends_a_row_of_batches_and_says_what_is_unknown() {
    let studio = Studio::demo().await;
    let parent = studio.id_of("Sequence").await;
    let units: Vec<_> = (0..4)
        .map(|number| {
            shot_with_task(
                &parent,
                &format!("lost{number}"),
                (number == 3).then_some("x"),
            )
        })
        .collect();
    // The whole batch is refused, then both halves are sent; the answer to the first is lost.
    studio
        .fault(json!({"match": "lost1", "nth": 2, "fault": "close_after"}))
        .await;
    let outcomes = studio.session.call_units(&units).await;
    let shown: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            UnitOutcome::Done(_) => "done",
            UnitOutcome::NotDone(_) => "not done",
            UnitOutcome::Unknown(_) => "unknown",
            UnitOutcome::NotSent => "not sent",
        })
        .collect();
    assert_eq!(shown, ["unknown", "unknown", "not sent", "not sent"]);
}

#[tokio::test]
async fn what_has_no_type_here_is_read_by_name() {
    let studio = Studio::demo().await;
    let rows = studio
        .session
        .query("select name, states from WorkflowSchema limit 1")
        .await;
    assert!(rows.is_err(), "there is no such attribute");
    let rows = studio
        .session
        .query("select name, statuses.name from WorkflowSchema limit 1")
        .await;
    let schema = Entity::from(rows.unwrap().remove(0));
    assert_eq!(schema.entity_type(), "WorkflowSchema");
    assert!(schema.text("name").unwrap().is_some());
    let statuses = schema.many("statuses").unwrap();
    assert!(
        statuses
            .iter()
            .all(|status| status.text("name").unwrap().is_some())
    );
    let filter = Filter::greater("version", 0) & Filter::is_not("asset_id", "x");
    let versions = Query::of::<AssetVersion>()
        .select(["version"])
        .filter(filter);
    let versions = versions.order_by_descending("version");
    let versions: Vec<AssetVersion> = studio.session.all(&versions).await.unwrap();
    let numbers: Vec<_> = versions
        .iter()
        .map(|one| one.version().unwrap().unwrap())
        .collect();
    assert!(!numbers.is_empty() && numbers.is_sorted_by(|left, right| left >= right));
}
