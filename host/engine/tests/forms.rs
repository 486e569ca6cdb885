//! Stories at the engine's border, about forms while they are filled in: drafts, live fields, going back, and what is refused.

mod world;

use callboard_protocol::{
    Choice, DraftKept, Failure, FailureKind, FieldEdit, Item, JobBack, JobChange, JobDraft,
    JobState, Outcome, View,
};
use engine::{Ask, Event, ProcessEnd, ProcessId, Reply, RequestId};
use serde_json::{Map, Value, json};

use world::World;

/// A form with one of each that matters here.
fn view() -> View {
    let status = vec![Choice::new("Ready", "ready"), Choice::new("Done", "done")];
    let rows = json!([{"id": "r1", "first": 1}, {"id": "r2", "first": 2}]);
    View::new("Create shots")
        .with(Item::text("name", "Name").required().live())
        .with(Item::one_of("status", "Status", status))
        .with(Item::note("nothing yet").named("summary"))
        .with(Item::new(callboard_protocol::Control::Unknown, "shots", "Shots").value(rows))
        .with(Item::new(
            callboard_protocol::Control::Password,
            "pin",
            "PIN",
        ))
}

/// A world in which `maker` asks with a view, and the process that asked.
fn asking(view: View) -> (World, ProcessId) {
    let mut world = World::ready();
    let process = world.launched_maker();
    ask_with(&mut world, process, view, json!({"page": 1}));
    (world, process)
}

fn ask_with(world: &mut World, process: ProcessId, view: View, state: Value) {
    world.end_turn(process, Ok(Outcome::Asks { view, state }));
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn draft(world: &mut World, writer: &str, edits: Value) -> RequestId {
    let edits: Vec<FieldEdit> = serde_json::from_value(edits).expect("edits");
    world.ask(Ask::Draft(JobDraft {
        job: "job-1".into(),
        question: None,
        writer: writer.into(),
        edits,
    }))
}

fn set(number: u64, name: &str, value: Value) -> Value {
    json!([{"number": number, "name": name, "edit": "value", "value": value}])
}

fn change(world: &mut World, name: &str) -> RequestId {
    world.ask(Ask::Change(JobChange {
        job: "job-1".into(),
        name: name.into(),
        ..JobChange::default()
    }))
}

fn answer(world: &mut World, values: Value) -> RequestId {
    world.ask(Ask::Answer {
        job: "job-1".into(),
        values: object(values),
        question: None,
        wait_ms: None,
    })
}

fn back(world: &mut World) -> Reply {
    let request = world.ask(Ask::Back(JobBack {
        job: "job-1".into(),
        question: None,
    }));
    world.reply(request).expect("a reply")
}

fn failure(world: &World, request: RequestId) -> Failure {
    match world.reply(request) {
        Some(Reply::Failed(failure)) => failure,
        other => panic!("{other:?} is no failure"),
    }
}

/// Returns what a window that is opened now shows as the value of an item.
fn shown(world: &mut World, name: &str) -> Value {
    let job = world.job("job-1");
    let mut values = job.view.expect("a view").initial_values();
    callboard_protocol::apply_edits(&mut values, &job.draft);
    values[name].clone()
}

#[test]
fn what_was_committed_survives_the_host_and_goes_with_the_answer() {
    let (mut world, _) = asking(view());
    let edits = json!([
        {"number": 1, "name": "name", "edit": "value", "value": "a"},
        {"number": 2, "name": "shots", "edit": "cell", "row": "r2", "column": "first", "value": 9},
        {"number": 3, "name": "shots", "edit": "insert", "row": {"id": "r3"}, "before": "r2"},
        {"number": 4, "name": "pin", "edit": "value", "value": "1234-pin"},
        {"number": 5, "name": "name", "edit": "value", "value": "b"},
    ]);
    let request = draft(&mut world, "w1", edits);
    assert_eq!(
        world.reply(request),
        Some(Reply::DraftKept(DraftKept { number: 5 }))
    );
    let rows = json!([{"id": "r1", "first": 1}, {"id": "r3"}, {"id": "r2", "first": 9}]);
    let check = |world: &mut World| {
        assert_eq!(shown(world, "name"), json!("b"));
        assert_eq!(shown(world, "shots"), rows);
        assert_eq!(shown(world, "pin"), Value::Null);
    };
    check(&mut world);
    let mut world = world.restart();
    check(&mut world);
    assert!(
        !format!("{:?}", world.rows).contains("1234-pin"),
        "a password is never kept"
    );

    answer(&mut world, json!({"status": "done", "pin": "1234-pin"}));
    let launch = world.turn(world.started("maker"));
    let expected = json!({"name": "b", "status": "done", "shots": rows, "pin": "1234-pin"});
    assert_eq!(Value::Object(launch.values), expected);
    assert_eq!(world.job("job-1").draft, []);
    assert!(!format!("{:?}", world.rows).contains("1234-pin"));
}

#[test]
fn an_answer_forgets_the_draft_and_the_next_question_has_none() {
    let (mut world, _) = asking(view());
    draft(&mut world, "w1", set(1, "name", json!("a")));
    answer(&mut world, json!({}));
    let process = world.started("maker");
    ask_with(&mut world, process, view(), Value::Null);
    let job = world.job("job-1");
    assert_eq!((job.question, job.draft.len()), (2, 0));
    let mut world = world.restart();
    assert_eq!(world.job("job-1").draft, []);
    // A window that was slow brings edits of the question before.
    let request = world.ask(Ask::Draft(JobDraft {
        job: "job-1".into(),
        question: Some(1),
        ..JobDraft::default()
    }));
    assert_eq!(failure(&world, request).kind, FailureKind::Conflict);
}

#[test]
fn an_edit_that_comes_twice_is_done_once_and_windows_count_for_themselves() {
    let (mut world, _) = asking(view());
    draft(&mut world, "w1", set(1, "name", json!("a")));
    draft(&mut world, "w1", set(2, "name", json!("b")));
    let again = draft(&mut world, "w1", set(1, "name", json!("a")));
    assert_eq!(
        world.reply(again),
        Some(Reply::DraftKept(DraftKept { number: 2 }))
    );
    assert_eq!(shown(&mut world, "name"), json!("b"));
    draft(&mut world, "w2", set(1, "name", json!("c")));
    assert_eq!(shown(&mut world, "name"), json!("c"));
    let mut world = world.restart();
    draft(&mut world, "w1", set(2, "name", json!("b")));
    assert_eq!(
        shown(&mut world, "name"),
        json!("c"),
        "the count outlives the host"
    );
}

#[test]
fn edits_that_cannot_be_are_refused_and_nothing_of_them_is_done() {
    let (mut world, _) = asking(view());
    let mut check = |edits: Value, expected: &str| {
        let request = draft(&mut world, "w1", edits.clone());
        assert_eq!(failure(&world, request).message, expected, "{edits}");
        assert_eq!(world.job("job-1").draft, []);
    };
    check(
        set(1, "stranger", json!(1)),
        "the form has no field `stranger`",
    );
    check(
        set(1, "summary", json!(1)),
        "the form has no field `summary`",
    );
    check(
        set(0, "name", json!(1)),
        "the numbers of edits must grow, from 1",
    );
    let backwards = json!([
        {"number": 2, "name": "name", "edit": "value", "value": 1},
        {"number": 1, "name": "name", "edit": "value", "value": 2},
    ]);
    check(backwards, "the numbers of edits must grow, from 1");
    check(
        json!([{"number": 1, "name": "shots", "edit": "insert", "row": {"first": 3}}]),
        "`shots` has no such row to edit",
    );
    check(
        json!([{"number": 1, "name": "name", "edit": "delete", "row": "r1"}]),
        "`name` has no such row to edit",
    );
    check(
        set(
            1,
            "name",
            json!("x".repeat(callboard_protocol::MAX_DRAFT_BYTES)),
        ),
        &format!(
            "a draft may have {} bytes at most",
            callboard_protocol::MAX_DRAFT_BYTES
        ),
    );
}

#[test]
fn a_draft_that_could_not_be_written_is_written_with_the_next_edit() {
    let (mut world, _) = asking(view());
    draft(&mut world, "w1", set(1, "status", json!("done")));
    world.ledger_failure = Some(Failure::new(FailureKind::Unavailable, "the disk is full"));
    let refused = draft(&mut world, "w1", set(2, "name", json!("a")));
    assert_eq!(failure(&world, refused).message, "the disk is full");
    world.ledger_failure = None;
    let again = draft(&mut world, "w1", set(2, "name", json!("a")));
    assert_eq!(
        world.reply(again),
        Some(Reply::DraftKept(DraftKept { number: 2 }))
    );
    let mut world = world.restart();
    assert_eq!(shown(&mut world, "name"), json!("a"));
    assert_eq!(shown(&mut world, "status"), json!("done"));
}

#[test]
fn many_edits_of_one_table_are_kept_cell_by_cell() {
    let (mut world, _) = asking(view());
    let edit = |number: u64, value: Value| {
        let mut edit = value;
        edit["number"] = json!(number);
        edit["name"] = json!("shots");
        edit
    };
    let edits = [
        json!({"edit": "insert", "row": {"id": "a", "first": 1}}),
        json!({"edit": "insert", "row": {"id": "b"}, "before": "a"}),
        json!({"edit": "cell", "row": "a", "column": "first", "value": 5}),
        // The row again, with other cells: it stays where it is.
        json!({"edit": "insert", "row": {"id": "a", "first": 7}}),
        json!({"edit": "insert", "row": {"id": "c"}}),
        json!({"edit": "delete", "row": "r1"}),
        json!({"edit": "cell", "row": "r2", "column": "first", "value": 3}),
        json!({"edit": "cell", "row": "r2", "column": "first", "value": 4}),
    ];
    for (number, value) in edits.iter().enumerate() {
        draft(
            &mut world,
            "w1",
            json!([edit(number as u64 + 1, value.clone())]),
        );
    }
    let expected = json!([
        {"id": "r2", "first": 4}, {"id": "b"}, {"id": "a", "first": 7}, {"id": "c"},
    ]);
    assert_eq!(shown(&mut world, "shots"), expected);
    assert_eq!(
        world.job("job-1").draft.len(),
        5,
        "what was done over is not kept"
    );
    let mut world = world.restart();
    assert_eq!(shown(&mut world, "shots"), expected);
}

#[test]
fn a_live_field_is_answered_with_patches_and_makes_no_job() {
    let (mut world, process) = asking(view());
    draft(&mut world, "w1", set(1, "name", json!("a")));
    let request = change(&mut world, "name");
    let asked = world.change(process);
    assert_eq!(
        (asked.name.as_str(), &asked.values["name"]),
        ("name", &json!("a"))
    );
    assert_eq!(
        (asked.action.as_str(), &asked.state),
        ("maker.make", &json!({"page": 1}))
    );
    assert_eq!(world.reply(request), None);
    world.answer_change(
        process,
        Ok(json!({"patches": [
            {"name": "status", "value": "late", "data": [{"label": "Late", "value": "late"}]},
            {"name": "summary", "value": "**1** shot"},
            {"name": "shots", "rows": [{"edit": "delete", "row": "r1"}]},
            {"name": "stranger", "value": 1},
        ]})),
    );
    let Some(Reply::Changed(changed)) = world.reply(request) else {
        panic!("no patches")
    };
    let names: Vec<&str> = changed
        .patches
        .iter()
        .map(|patch| patch.name.as_str())
        .collect();
    assert_eq!(names, ["status", "summary", "shots"]);
    assert_eq!(
        world.logs,
        ["maker: it changed `stranger`, which is not in the form"]
    );
    let jobs = world.ask(Ask::List {
        states: Vec::new(),
        limit: 10,
    });
    let Some(Reply::Jobs(jobs)) = world.reply(jobs) else {
        panic!("no jobs")
    };
    assert_eq!((jobs.len(), jobs[0].state), (1, JobState::Asks));
    // A window that is opened again shows the form as it was left.
    let mut world = world.restart();
    assert_eq!(shown(&mut world, "name"), json!("a"));
    assert_eq!(shown(&mut world, "status"), json!("late"));
    assert_eq!(
        shown(&mut world, "shots"),
        json!([{"id": "r2", "first": 2}])
    );
    answer(&mut world, json!({}));
    let launch = world.turn(world.started("maker"));
    assert_eq!(launch.values["status"], json!("late"));
}

#[test]
fn a_newer_change_supersedes_an_older_one_whose_answer_is_dropped() {
    let (mut world, slow) = asking(view());
    let first = change(&mut world, "name");
    draft(&mut world, "w1", set(1, "name", json!("b")));
    let second = change(&mut world, "name");
    let Some(Reply::Changed(superseded)) = world.reply(first) else {
        panic!("the first change was not answered")
    };
    assert!(superseded.superseded && superseded.patches.is_empty());
    assert!(
        world.cancelled.contains(&slow),
        "it is told that nobody waits"
    );
    let quick = world.started("maker");
    assert_ne!(slow, quick);
    let patch = |text: &str| Ok(json!({"patches": [{"name": "summary", "value": text}]}));
    world.answer_change(slow, patch("stale"));
    assert_eq!(world.reply(second), None);
    world.answer_change(quick, patch("fresh"));
    assert!(matches!(world.reply(second), Some(Reply::Changed(changed)) if !changed.superseded));
    let view = world.job("job-1").view.expect("a view");
    assert_eq!(view.items[2].value, json!("fresh"));
}

#[test]
fn what_was_typed_meanwhile_is_never_overwritten() {
    let (mut world, process) = asking(view());
    draft(&mut world, "w1", set(1, "status", json!("ready")));
    let request = change(&mut world, "name");
    draft(&mut world, "w1", set(2, "status", json!("done")));
    let rows = json!([{"number": 3, "name": "shots", "edit": "delete", "row": "r2"}]);
    draft(&mut world, "w1", rows);
    world.answer_change(
        process,
        Ok(json!({"patches": [
            {"name": "status", "value": "late", "label": "How far"},
            {"name": "shots", "value": []},
            {"name": "name", "value": "tidied"},
        ]})),
    );
    assert_eq!(shown(&mut world, "status"), json!("done"));
    assert_eq!(
        shown(&mut world, "shots"),
        json!([{"id": "r1", "first": 1}])
    );
    assert_eq!(shown(&mut world, "name"), json!("tidied"));
    let Some(Reply::Changed(changed)) = world.reply(request) else {
        panic!("no patches")
    };
    assert_eq!(changed.patches[0].value, None);
    assert_eq!(changed.patches[0].label.as_deref(), Some("How far"));
}

#[test]
fn a_plugin_that_fails_dies_or_hangs_in_a_change_leaves_the_form_as_it_is() {
    let check = |end: &dyn Fn(&mut World, ProcessId), expected: &str| {
        let (mut world, process) = asking(view());
        draft(&mut world, "w1", set(1, "name", json!("typed")));
        let request = change(&mut world, "name");
        end(&mut world, process);
        assert_eq!(failure(&world, request).message, expected);
        assert_eq!(world.job("job-1").summary.state, JobState::Asks);
        assert_eq!(shown(&mut world, "name"), json!("typed"));
        assert_eq!(shown(&mut world, "shots").as_array().map(Vec::len), Some(2));
        // And the form still goes on: a change, and the answer.
        world.pass(2_000);
        let request = change(&mut world, "name");
        let process = world.started("maker");
        world.answer_change(process, Ok(json!({"patches": []})));
        assert!(matches!(world.reply(request), Some(Reply::Changed(_))));
        answer(&mut world, json!({}));
        assert_eq!(world.turn(process).values["name"], json!("typed"));
    };
    check(
        &|world, process| {
            let failure = Failure::invalid("no such project").hint("choose another");
            world.answer_change(process, Err(failure));
        },
        "no such project",
    );
    check(
        &|world, process| world.answer_change(process, Ok(json!({"patches": "many"}))),
        "`maker` answered a change with something else",
    );
    check(
        &|world, process| {
            let end = ProcessEnd::Exited("signal 9".into());
            world.event(Event::ProcessEnded { process, end });
        },
        "`maker` stopped before it finished",
    );
    check(
        &|world, _| world.pass(10_000),
        "`maker` did not answer the change within 10 s",
    );
}

#[test]
fn a_change_may_read_and_makes_nothing() {
    let mut world = World::reader();
    let process = world.launched_maker();
    ask_with(&mut world, process, view(), Value::Null);
    change(&mut world, "name");
    for method in [
        "steps.hand_over",
        "store.put",
        "jobs.launch",
        "ftrack.call",
        "open",
    ] {
        let refused = world.ask_host(process, method, json!({}));
        let refused = refused.and_then(Result::err).expect("a refusal");
        assert_eq!(refused.kind, FailureKind::Denied, "{method}");
    }
    let settings = world.ask_host(process, "settings.get", json!({}));
    assert_eq!(settings, Some(Ok(json!({"values": {}}))));
}

#[test]
fn long_turns_do_not_keep_a_form_waiting_and_changes_take_no_turns_place() {
    let (mut world, first) = asking(view());
    // Both processes that `maker` may have are busy.
    world.launch("maker.make", &[]);
    world.launch("maker.make", &[]);
    assert_eq!(world.count_started("maker"), 2);
    let request = change(&mut world, "name");
    assert_eq!(
        world.count_started("maker"),
        3,
        "a change has a process more"
    );
    let further = world.started("maker");
    world.answer_change(further, Ok(json!({"patches": []})));
    assert!(matches!(world.reply(request), Some(Reply::Changed(_))));
    // The process is idle now, and yet no third turn runs.
    world.launch("maker.make", &[]);
    assert_eq!(world.job("job-4").summary.state, JobState::Queued);
    world.end_turn(first, Ok(Outcome::done("made")));
    assert_eq!(world.job("job-4").summary.state, JobState::Running);
}

#[test]
fn a_change_ends_with_its_question() {
    let (mut world, process) = asking(view());
    let request = change(&mut world, "name");
    answer(&mut world, json!({"name": "a"}));
    assert!(matches!(world.reply(request), Some(Reply::Changed(changed)) if changed.superseded));
    world.answer_change(
        process,
        Ok(json!({"patches": [{"name": "name", "value": "late"}]})),
    );
    let further = world.started("maker");
    assert_eq!(world.turn(further).values["name"], json!("a"));
    let late = change(&mut world, "name");
    assert_eq!(failure(&world, late).kind, FailureKind::Conflict);
}

#[test]
fn only_a_live_field_asks_the_plugin() {
    let (mut world, process) = asking(view());
    let request = change(&mut world, "status");
    assert_eq!(
        failure(&world, request).message,
        "the form has no live field `status`"
    );
    assert!(!world.live.contains_key(&process));
}

fn page(number: u32) -> View {
    View::new(format!("Page {number}"))
        .with(Item::text("name", "Name"))
        .with(Item::new(
            callboard_protocol::Control::Password,
            "pin",
            "PIN",
        ))
        .back()
}

/// Answers what is asked and has the plugin ask the next page.
fn go_on(world: &mut World, name: &str, next: View, state: Value) {
    answer(world, json!({"name": name, "pin": "1234-pin"}));
    let process = world.started("maker");
    ask_with(world, process, next, state);
}

#[test]
fn a_person_goes_back_to_what_was_answered_and_on_again() {
    let (mut world, _) = asking(page(1));
    assert!(
        !world.job("job-1").view.expect("a view").back,
        "nothing is before the first"
    );
    go_on(&mut world, "one", page(2), json!({"page": 2}));
    go_on(&mut world, "two", page(3), json!({"page": 3}));
    assert!(world.job("job-1").view.expect("a view").back);
    let Reply::Job(job) = back(&mut world) else {
        panic!("no job")
    };
    let view = job.view.expect("a view");
    assert_eq!(
        (view.title.as_str(), &view.items[0].value),
        ("Page 2", &json!("two"))
    );
    assert_eq!(
        view.items[1].value,
        Value::Null,
        "passwords are filled in anew"
    );
    assert!(view.back);
    let mut world = world.restart();
    assert!(!format!("{:?}", world.rows).contains("1234-pin"));
    let Reply::Job(job) = back(&mut world) else {
        panic!("no job")
    };
    let view = job.view.expect("a view");
    assert_eq!((view.title.as_str(), view.back), ("Page 1", false));
    assert!(
        matches!(back(&mut world), Reply::Failed(failure) if failure.kind == FailureKind::Conflict)
    );
    answer(&mut world, json!({"name": "other"}));
    let launch = world.turn(world.started("maker"));
    assert_eq!(
        (&launch.state, &launch.values["name"]),
        (&json!({"page": 1}), &json!("other"))
    );
}

#[test]
fn a_question_that_is_asked_again_for_an_error_is_not_gone_back_to() {
    let (mut world, _) = asking(page(1));
    go_on(&mut world, "one", page(2), json!({"page": 2}));
    let mut wrong = page(2);
    wrong.items[0].error = Some("no such name".into());
    go_on(&mut world, "wrong", wrong, json!({"page": 2}));
    let Reply::Job(job) = back(&mut world) else {
        panic!("no job")
    };
    assert_eq!(job.view.expect("a view").title, "Page 1");
}

#[test]
fn where_the_plugin_does_not_allow_it_nobody_goes_back() {
    let (mut world, _) = asking(page(1));
    let mut last = page(2);
    last.back = false;
    go_on(&mut world, "one", last, Value::Null);
    let Reply::Failed(failure) = back(&mut world) else {
        panic!("it went back")
    };
    assert_eq!(failure.message, "`Make` does not go back from here");
}

#[test]
fn what_was_handed_over_is_not_gone_back_before() {
    let (mut world, _) = asking(page(1));
    answer(&mut world, json!({"name": "one"}));
    let process = world.started("maker");
    world.hand_over(process, world::units(&["a"]));
    world.end_turn(process, Ok(Outcome::Waits));
    world.answer_call(engine::CallResult::Done);
    let process = world.started("maker");
    ask_with(&mut world, process, page(2), Value::Null);
    assert!(!world.job("job-1").view.expect("a view").back);
    assert!(matches!(back(&mut world), Reply::Failed(_)));
}

#[test]
fn what_can_be_gone_back_to_is_bounded() {
    let (mut world, _) = asking(page(0));
    for number in 1..30 {
        go_on(&mut world, "x", page(number), Value::Null);
    }
    let backs = (0..30)
        .take_while(|_| matches!(back(&mut world), Reply::Job(_)))
        .count();
    assert_eq!(backs, 16);
    let (mut world, _) = asking(page(0));
    for number in 1..10 {
        go_on(&mut world, &"x".repeat(300_000), page(number), Value::Null);
    }
    let backs = (0..30)
        .take_while(|_| matches!(back(&mut world), Reply::Job(_)))
        .count();
    assert_eq!(backs, 3, "a megabyte");
}

#[test]
fn values_that_the_form_itself_refuses_reach_no_plugin() {
    let (mut world, _) = asking(view());
    let turns = world.count_started("maker");
    let request = answer(&mut world, json!({"name": " ", "pin": 7}));
    let refused = failure(&world, request);
    assert_eq!(
        json!(refused.fields),
        json!({"name": "must be filled in", "pin": "must be a text"})
    );
    assert_eq!(world.job("job-1").summary.state, JobState::Asks);
    assert_eq!(world.count_started("maker"), turns);
    answer(&mut world, json!({"name": "a"}));
    assert_eq!(world.job("job-1").summary.state, JobState::Running);
}
