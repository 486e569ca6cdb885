//! What is made often, made on the sandbox and looked at as others see it.

use std::time::Duration;

use ftrack::{
    AttributeError, CallError, CustomAttributes, EntityRef, Id, JobStatus, NewAsset, NewComponent,
    NewJob, NewNote, NewTimelog, NewTimer, NewVersion, Owner, Query, ServerLocation, Shot, Task,
    Timer, Typed, TypedContext, User, stop_timer, thumbnail, update_job,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::studio::Studio;

impl Studio {
    fn user_id(&self) -> Id<User> {
        Id::new(&self.session.user().id)
    }

    async fn task(&self) -> EntityRef {
        EntityRef::new("Task", self.id_of("Task").await)
    }
}

#[tokio::test]
async fn a_note_has_labels_recipients_and_files_and_can_be_answered() {
    let studio = Studio::demo().await;
    let task = studio.task().await;
    let file = NewComponent::of_file("/tmp/sketch.png".as_ref(), "sketch", 3);
    let mut parent = task.clone();
    parent.entity_type = "TypedContext".to_owned();
    let mut note = NewNote::new("look \"here\"", studio.user_id(), parent.clone());
    note.labels = vec![Id::new(studio.id_of("NoteLabel").await)];
    let others = studio
        .session
        .query("select id from User order by username")
        .await
        .unwrap();
    let all: Vec<_> = others
        .iter()
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect();
    note.recipients = all.clone();
    note.components = vec![file.id.clone()];
    note.frame_number = Some(1001);
    let reply = NewNote {
        in_reply_to: Some(note.id.clone()),
        ..NewNote::new("seen", studio.user_id(), parent)
    };
    let unit = [file.operations(), note.operations(), reply.operations()].concat();
    studio.session.call(&unit).await.unwrap();

    let seen = studio
        .row(&format!(
            "select notes.content, notes.frame_number, notes.replies.content, notes.recipients.resource_id, \
             notes.note_label_links.label_id, notes.note_components.component.name from Task where id is \"{}\"",
            task.id
        ))
        .await;
    let [seen] = seen["notes"].as_array().unwrap().as_slice() else {
        panic!("{seen}")
    };
    assert_eq!(
        (&seen["content"], &seen["frame_number"]),
        (&json!("look \"here\""), &json!(1001))
    );
    assert_eq!(seen["replies"][0]["content"], "seen");
    assert_eq!(seen["recipients"].as_array().unwrap().len(), all.len());
    assert_eq!(
        seen["note_label_links"][0]["label_id"],
        note.labels[0].as_str()
    );
    assert_eq!(seen["note_components"][0]["component"]["name"], "sketch");
}

#[tokio::test]
async fn a_job_goes_from_running_to_done() {
    let studio = Studio::demo().await;
    let job = NewJob {
        id: Id::random(),
        user: studio.user_id(),
        description: "publishing \"a\"".to_owned(),
        status: JobStatus::Running,
    };
    studio.session.call(&job.operations()).await.unwrap();
    let seen = studio
        .session
        .get(&job.id, &["status", "data", "user_id"])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (seen.status(), seen.user_id()),
        (Ok("running"), Ok(Some(studio.user_id())))
    );
    let data: Value = serde_json::from_str(seen.data().unwrap().as_str().unwrap()).unwrap();
    assert_eq!(data["description"], "publishing \"a\"");
    let done = update_job(&job.id, JobStatus::Done, Some("published"));
    studio.session.call(&[done]).await.unwrap();
    let seen = studio
        .session
        .get(&job.id, &["status", "data"])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen.status(), Ok("done"));
    assert!(seen.data().unwrap().as_str().unwrap().contains("published"));
}

#[tokio::test]
async fn a_clock_runs_once_for_each_person_and_its_time_is_booked_with_its_end() {
    let studio = Studio::demo().await;
    let timer = NewTimer {
        id: Id::random(),
        user: studio.user_id(),
        context: Some(studio.task().await),
        comment: "roto".to_owned(),
    };
    studio.session.call(&timer.operations()).await.unwrap();
    let second = NewTimer {
        id: Id::random(),
        ..timer.clone()
    };
    let error = studio.session.call(&second.operations()).await.unwrap_err();
    assert!(matches!(&error, CallError::Conflict(said) if said.name == "DuplicateEntryError"));
    let running = studio
        .session
        .get(&timer.id, &["start", "context_id"])
        .await
        .unwrap()
        .unwrap();
    let start = running.start().unwrap();
    assert!(Timestamp::now().duration_since(start).abs().as_secs() < 120);

    let booked = NewTimelog {
        id: Id::random(),
        user: timer.user.clone(),
        context: timer.context.clone(),
        start,
        duration: Duration::from_millis(5_400_900),
        comment: timer.comment.clone(),
    };
    studio
        .session
        .call(&stop_timer(&timer.id, &booked))
        .await
        .unwrap();
    let seen = studio
        .session
        .get(
            &booked.id,
            &["start", "duration", "context_id", "comment", "user_id"],
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!((seen.duration(), seen.start()), (Ok(5400.0), Ok(start)));
    assert_eq!(
        (seen.comment(), seen.user_id()),
        (Ok("roto"), Ok(Some(studio.user_id())))
    );
    let clocks: Vec<Timer> = studio.session.all(&Query::of::<Timer>()).await.unwrap();
    assert_eq!(clocks, []);
}

#[tokio::test]
async fn a_version_comes_with_its_components_or_not_at_all() {
    let studio = Studio::demo().await;
    let shot = EntityRef::new("Shot", studio.id_of("Shot").await);
    let asset = NewAsset {
        id: Id::random(),
        name: "comp".to_owned(),
        asset_type: Id::new(studio.id_of("AssetType").await),
        parent: shot,
    };
    let version = NewVersion {
        id: Id::random(),
        asset: asset.id.clone(),
        task: None,
        status: None,
        comment: "first".to_owned(),
    };
    let mut movie = NewComponent::of_file("/tmp/comp_v1.mov".as_ref(), "movie", 1234);
    movie.version = Some(version.id.clone());
    assert_eq!(movie.file_name(), "movie.mov");
    let image = NewComponent::of_file("/tmp/x.jpg".as_ref(), "x", 1);
    let unit = [
        asset.operations(),
        version.operations(),
        movie.operations(),
        thumbnail(&(&version.id).into(), &image),
    ]
    .concat();
    studio.session.call(&unit).await.unwrap();
    let fields = [
        "version",
        "comment",
        "is_published",
        "status_id",
        "thumbnail_id",
        "components.name",
        "components.file_type",
        "components.size",
        "components.component_locations.location_id",
    ];
    let seen = studio
        .session
        .get(&version.id, &fields)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (seen.version(), seen.comment()),
        (Ok(Some(1)), Ok(Some("first")))
    );
    assert!(seen.status_id().unwrap().is_some());
    assert_eq!(seen.thumbnail_id().unwrap().unwrap().as_str(), image.id);
    let components = seen.components().unwrap();
    let [component] = components.as_slice() else {
        panic!("{components:?}")
    };
    assert_eq!(
        (component.file_type(), component.size()),
        (Ok(Some(".mov")), Ok(Some(1234)))
    );
    let places = component.component_locations().unwrap();
    assert_eq!(
        places[0].location_id(),
        Ok(Some(ServerLocation::Server.id()))
    );
}

/// What the demo's studio has made, and something of each kind that can have it.
struct Made {
    attributes: CustomAttributes,
    shot: Owner,
    task: Owner,
    version: Owner,
    user: Owner,
    project: Owner,
}

async fn made(studio: &Studio) -> Made {
    let attributes = studio.session.custom_attributes().await.unwrap();
    let owner = async |query: String| {
        let row = studio.row(&query).await;
        Owner::of(&row.into()).unwrap()
    };
    let query = Query::of::<Task>().select(["parent_id", "parent.name"]);
    let query = query.filter(ftrack::Filter::is_not(
        "parent.parent_id",
        ftrack::Literal::None,
    ));
    let tasks: Vec<Task> = studio.session.all(&query).await.unwrap();
    let of_shot =
        |task: &&Task| task.parent().unwrap().unwrap().entity().entity_type() == Shot::TYPE;
    let task = tasks.iter().find(of_shot).unwrap();
    let (task_id, shot_id) = (task.id().unwrap(), task.parent_id().unwrap().unwrap());
    Made {
        shot: owner(format!("select name from Shot where id is \"{shot_id}\"")).await,
        task: owner(format!("select name from Task where id is \"{task_id}\"")).await,
        version: owner("select project_id from AssetVersion limit 1".to_owned()).await,
        user: owner(format!(
            "select username from User where id is \"{}\"",
            studio.user_id()
        ))
        .await,
        project: owner(format!(
            "select name from Project where children.descendants any (id is \"{shot_id}\") limit 1"
        ))
        .await,
        attributes,
    }
}

#[tokio::test]
async fn an_attribute_is_set_and_read_by_its_name_wherever_it_is_kept() {
    let studio = Studio::demo().await;
    let made = made(&studio).await;
    let set = async |owner: &Owner, key: &str, value: Value| {
        let operation = made.attributes.set(owner, key, &value).unwrap();
        studio.session.call(&[operation]).await.unwrap();
        let read =
            studio
                .session
                .custom_attribute(&made.attributes, std::slice::from_ref(owner), key);
        assert_eq!(read.await.unwrap(), [value], "{key}");
    };
    set(&made.task, "brief", json!("keep \"it\" simple")).await;
    set(&made.version, "reviewed_by", json!("ada")).await;
    set(&made.user, "employee_number", json!("17")).await;
    set(&made.shot, "fps", json!(25)).await;
    set(&made.project, "resolution", json!("2048x1152")).await;
    set(&made.task, "brief", json!("again")).await;

    for (owner, key, value, said) in [
        (
            &made.task,
            "fstart_",
            json!(1),
            "`Task` has no attribute `fstart_`; it has ",
        ),
        (
            &made.user,
            "brief",
            json!("x"),
            "`User` has no attribute `brief`; it has `employee_number`",
        ),
        (&made.task, "brief", json!(5), "`brief` takes a text"),
        (&made.task, "fps", json!("fast"), "`fps` takes a number"),
    ] {
        let error = made.attributes.set(owner, key, &value).unwrap_err();
        assert!(error.to_string().starts_with(said), "{error}");
    }
    let status = studio.row("select name from Status limit 1").await;
    let error = Owner::of(&status.into()).unwrap_err();
    assert!(matches!(error, AttributeError::NoAttributes { .. }));
}

#[tokio::test]
async fn a_hierarchical_attribute_is_inherited_from_the_nearest_that_has_it() {
    let studio = Studio::demo().await;
    let made = made(&studio).await;
    let read = async || {
        let owners = [made.task.clone(), made.shot.clone(), made.project.clone()];
        studio
            .session
            .custom_attribute(&made.attributes, &owners, "fps")
            .await
            .unwrap()
    };
    let set = async |owner: &Owner, value: Value| {
        let operation = made.attributes.set(owner, "fps", &value).unwrap();
        studio.session.call(&[operation]).await.unwrap();
    };
    for owner in [&made.project, &made.shot, &made.task] {
        set(owner, Value::Null).await;
    }
    assert_eq!(read().await, [24, 24, 24]);
    set(&made.project, json!(25)).await;
    assert_eq!(read().await, [25, 25, 25]);
    set(&made.shot, json!(48)).await;
    assert_eq!(read().await, [48, 48, 25]);
    set(&made.task, json!(12)).await;
    assert_eq!(read().await, [12, 48, 25]);
    set(&made.shot, Value::Null).await;
    set(&made.task, Value::Null).await;
    assert_eq!(read().await, [25, 25, 25]);
    let contexts: Vec<TypedContext> = studio
        .session
        .all(&Query::of::<TypedContext>().limit(3))
        .await
        .unwrap();
    assert_eq!(contexts.len(), 3);
}
