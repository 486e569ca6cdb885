//! The plugin against a fake host: every way in, every way it ends.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

#[path = "create_shots/studio.rs"]
mod studio;

use callboard_plugin_test::{
    Context, DccContext, Entity, Failure, FailureKind, HandOver, Outcome, PluginTest, Surface,
    Value, json,
};
use studio::{PROJECT, SEQUENCE};

fn plugin() -> PluginTest {
    PluginTest::new(env!("CARGO_MANIFEST_DIR"), shot_creation::ShotCreation).ftrack(studio::answer)
}

fn on(surface: Surface, selection: &[(&str, &str)]) -> Context {
    let entity = |(kind, id): &(&str, &str)| Entity::new(*kind, *id);
    Context {
        surface,
        user: "ada".into(),
        selection: selection.iter().map(entity).collect(),
        dcc: None,
    }
}

fn flame(project: &str) -> Context {
    Context {
        dcc: Some(DccContext {
            application: "flame".into(),
            project: project.into(),
            selection_id: "1".into(),
            count: 1,
            ..DccContext::default()
        }),
        ..on(Surface::Flame, &[])
    }
}

/// Returns the form that a turn asked with.
fn asked(outcome: Result<Outcome, Failure>) -> Value {
    match outcome {
        Ok(Outcome::Asks { view, .. }) => json!(view),
        other => panic!("it asked nothing: {other:?}"),
    }
}

fn item<'a>(view: &'a Value, name: &str) -> &'a Value {
    let items = view["items"].as_array().unwrap();
    items
        .iter()
        .find(|item| item["name"] == name)
        .unwrap_or_else(|| panic!("no item `{name}` in {view}"))
}

fn notes(view: &Value) -> String {
    let items = view["items"].as_array().unwrap().iter();
    let labels = items.filter(|item| item["type"] == "label");
    labels
        .map(|item| item["value"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Writes what was handed over as one line for each unit, with names in place of ids.
fn units(hand_over: &HandOver) -> Vec<String> {
    let steps = json!(hand_over.steps);
    let units = steps[0]["units"].as_array().unwrap();
    let name = |key: &Value| {
        let unit = units.iter().find(|unit| unit["key"] == *key);
        unit.map_or_else(
            || key.to_string(),
            |unit| unit["label"].as_str().unwrap().to_owned(),
        )
    };
    let line = |unit: &Value| {
        let needs = unit["needs"].as_array().into_iter().flatten().map(name);
        let operations = unit["operations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|operation| {
                let data = &operation["data"];
                format!(
                    "{} {}",
                    operation["entity_type"].as_str().unwrap(),
                    data["name"].as_str().unwrap()
                )
            });
        let needs: Vec<_> = needs.collect();
        let operations: Vec<_> = operations.collect();
        format!(
            "{}{needs:?}: {}",
            unit["label"].as_str().unwrap(),
            operations.join(", ")
        )
    };
    units.iter().map(line).collect()
}

#[test]
fn the_manifest_declares_one_action_for_every_surface() {
    let test = plugin();
    let manifest = test.manifest();
    let ids: Vec<_> = manifest.action_ids().map(|id| id.to_string()).collect();
    assert_eq!(ids, ["shot_creation.create_shots"]);
    assert_eq!(manifest.actions[0].label, "Create shots");
}

#[test]
fn on_the_web_a_form_comes_back_and_its_values_make_shots() {
    let mut test = plugin();
    let view = asked(test.launch(
        "create_shots",
        on(Surface::Web, &[("Project", PROJECT)]),
        json!({}),
    ));
    assert_eq!(view["submit_button_label"], "Create");
    assert_eq!(notes(&view), "Shots go into the project `Demo Project`.");
    let names: Vec<_> = view["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["sequence", "shots", "task_types", "status", "dry_run"]
    );
    let types: Vec<_> = item(&view, "task_types")["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| &choice["value"])
        .collect();
    assert_eq!(types, ["Animation", "Compositing"]);
    let statuses: Vec<_> = item(&view, "status")["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| &choice["value"])
        .collect();
    assert_eq!(statuses, ["", "Not started", "In progress"]);

    let values = json!({"sequence": "sq020", "shots": "sh010\nsh\"020\\", "task_types": ["Compositing"], "status": "In progress"});
    assert_eq!(test.answer(values), Ok(Outcome::Waits));
    assert_eq!(
        units(&test.record().hand_overs[0]),
        [
            "sq020[]: Sequence sq020",
            "sh010[\"sq020\"]: Shot sh010, Task Compositing",
            "sh\"020\\[\"sq020\"]: Shot sh\"020\\, Task Compositing",
        ]
    );
    let done = test.after_steps(test.steps_done());
    let Ok(Outcome::Done { message, output }) = done else {
        panic!("it is done: {done:?}");
    };
    assert_eq!(
        message,
        "Made 2 shots with 2 tasks in the new sequence `sq020`"
    );
    assert_eq!(output["sequence"]["name"], "sq020");
    assert_eq!(output["made"].as_array().unwrap().len(), 2);
    assert!(
        test.record().notifications.is_empty(),
        "the web shows the outcome itself"
    );
}

#[test]
fn a_selected_sequence_takes_the_shots_and_reuses_its_own() {
    let mut test = plugin();
    let context = on(Surface::Web, &[("TypedContext", SEQUENCE)]);
    let view = asked(test.launch("create_shots", context, json!({})));
    assert_eq!(item(&view, "sequence")["value"], "sq010");
    let values =
        json!({"shots": "sh010\nsh020\nsh030", "task_types": ["Compositing", "Animation"]});
    assert_eq!(test.answer(values), Ok(Outcome::Waits));
    assert_eq!(
        units(&test.record().hand_overs[0]),
        [
            "sh010[]: Task Animation",
            "sh030[]: Shot sh030, Task Compositing, Task Animation",
        ]
    );
    let report = test.steps_ended(|_| None);
    let Ok(Outcome::Done { message, output }) = test.after_steps(report) else {
        panic!("it is done");
    };
    assert_eq!(
        message,
        "Made 1 shot with 2 tasks in `sq010`; added 1 task to 1 shot; reused 2 shots"
    );
    assert_eq!(output["tasks_reused"], 3);
}

#[test]
fn what_the_server_refuses_is_told_and_the_rest_is_made() {
    let mut test = plugin();
    let context = on(Surface::Cli, &[("Sequence", SEQUENCE)]);
    let launched = test.launch("create_shots", context, json!({"shots": "sh030\nsh040"}));
    assert_eq!(launched, Ok(Outcome::Waits));
    let hand_over = json!(test.record().hand_overs[0]);
    let first = hand_over["steps"][0]["units"][0]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let refusal = Failure::denied("you may not create a Shot");
    let report = test.steps_ended(|key| (key == first).then(|| refusal.clone()));
    let Ok(Outcome::Partly { message, output }) = test.after_steps(report) else {
        panic!("it is partly done");
    };
    assert_eq!(
        message,
        "Made 1 shot in `sq010`; could not make `sh030` (you may not create a Shot)"
    );
    assert_eq!(output["failed"][0]["name"], "sh030");

    let report = test.steps_ended(|_| Some(refusal.clone()));
    let failure = test.after_steps(report).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    assert_eq!(
        failure.message,
        "nothing could be made: you may not create a Shot"
    );
}

#[test]
fn a_dry_run_and_a_repetition_hand_nothing_over() {
    let check = |values: Value, expected: &str| {
        let mut test = plugin();
        let context = on(Surface::Cli, &[("Sequence", SEQUENCE)]);
        match test.launch("create_shots", context, values) {
            Ok(Outcome::Done { message, .. }) => assert_eq!(message, expected),
            other => panic!("{other:?}"),
        }
        assert!(test.record().hand_overs.is_empty());
    };
    check(
        json!({"shots": "sh030", "task_types": "compositing", "dry_run": "true"}),
        "Would make 1 shot with 1 task in `sq010`; nothing was made",
    );
    check(
        json!({"shots": "sh020", "task_types": ["Compositing"]}),
        "Nothing to make: 1 shot with 1 task there already",
    );
}

#[test]
fn in_the_tray_the_form_asks_for_the_project_too() {
    let mut test = plugin();
    let view = asked(test.launch("create_shots", on(Surface::Tray, &[]), json!({})));
    assert_eq!(
        item(&view, "project")["data"],
        json!([{"label": "Demo Project", "value": PROJECT}])
    );
    let values = json!({"project": PROJECT, "shots": "sh010"});
    assert_eq!(test.answer(values), Ok(Outcome::Waits));
    assert_eq!(units(&test.record().hand_overs[0]), ["sh010[]: Shot sh010"]);
    let done = test.after_steps(test.steps_done());
    assert!(matches!(done, Ok(Outcome::Done { .. })), "{done:?}");
    assert_eq!(test.record().notifications[0].message, "Made 1 shot");
}

#[test]
fn a_project_is_found_by_either_of_its_names_in_any_case() {
    for name in ["demo", "Demo Project", "DEMO PROJECT"] {
        let mut test = plugin();
        let values = json!({"project": name, "shots": "sh010"});
        let launched = test.launch("create_shots", on(Surface::Cli, &[]), values);
        assert_eq!(launched, Ok(Outcome::Waits), "{name}");
    }
}

#[test]
fn wrong_values_bring_the_form_back_where_a_person_sees_it() {
    let mut test = plugin();
    let context = on(Surface::Web, &[("Project", PROJECT)]);
    let values = json!({"sequence": "sq020", "shots": "sh010", "task_types": ["Compositing", "Compositng"], "status": "Lost"});
    let view = asked(test.launch("create_shots", context, values));
    assert_eq!(
        item(&view, "task_types")["error"],
        "`Demo Project` has no task type `Compositng`: did you mean `Compositing`?"
    );
    assert_eq!(item(&view, "task_types")["value"], json!(["Compositing"]));
    assert_eq!(item(&view, "sequence")["value"], "sq020");
    assert!(
        notes(&view).starts_with("**Nothing was made.**\n* "),
        "{view}"
    );
    assert!(test.record().hand_overs.is_empty());
    let mended = test.answer(json!({}));
    assert_eq!(mended, Ok(Outcome::Waits));
}

#[test]
fn wrong_values_without_a_project_bring_back_the_form_with_projects() {
    let mut test = plugin();
    let values = json!({"project": "Nowhere", "shots": "sh010"});
    let view = asked(test.launch("create_shots", on(Surface::Tray, &[]), values));
    assert_eq!(
        item(&view, "project")["error"],
        "no project that you can see is called `Nowhere`: choose a project, or ask to be let into it"
    );
    let view = asked(test.answer(json!({"project": PROJECT, "shots": ""})));
    assert_eq!(item(&view, "project")["value"], PROJECT);
    assert_eq!(
        item(&view, "shots")["error"],
        "no shots are named: write one name a line"
    );
}

#[test]
fn on_the_command_line_bad_input_is_one_sentence_and_a_hint_and_makes_nothing() {
    let long = "x".repeat(300);
    let project = [("Project", PROJECT)];
    type Case<'a> = (
        &'a [(&'a str, &'a str)],
        Value,
        FailureKind,
        &'a str,
        &'a str,
    );
    let cases: [Case; 11] = [
        (
            &[],
            json!({"shots": "a"}),
            FailureKind::Invalid,
            "no project is named",
            "choose one, or select where the shots go",
        ),
        (
            &[],
            json!({"project": "No\"where\\", "shots": "a"}),
            FailureKind::NotFound,
            "no project that you can see is called `No\"where\\`",
            "choose a project, or ask to be let into it",
        ),
        (
            &[],
            json!({"project": "closed", "shots": "a"}),
            FailureKind::Invalid,
            "the project is hidden: `Closed Project`",
            "set it active in ftrack first, or choose another",
        ),
        (
            &[("Project", "gone")],
            json!({"shots": "a"}),
            FailureKind::NotFound,
            "no shots go below what is selected, or you cannot see it: Project `gone`",
            "select a project, a folder, an episode or a sequence",
        ),
        (
            &[("Shot", studio::SHOT)],
            json!({"shots": "a"}),
            FailureKind::Invalid,
            "no shots go below a Shot: `sh010`",
            "select a project, a folder, an episode or a sequence",
        ),
        (
            &[("Shot", "1"), ("Shot", "2")],
            json!({"shots": "a"}),
            FailureKind::Invalid,
            "shots go into one place, and several are selected",
            "select one project, folder, episode or sequence",
        ),
        (
            &project,
            json!({"shots": " "}),
            FailureKind::Invalid,
            "no shots are named",
            "write one name a line",
        ),
        (
            &project,
            json!({"shots": 1, "task_types": "Roto"}),
            FailureKind::Invalid,
            "`Demo Project` has no task type `Roto`",
            "choose from `Animation`, `Compositing`",
        ),
        (
            &project,
            json!({"shots": "a\nA"}),
            FailureKind::Invalid,
            "two shots differ by upper and lower case only: `a` and `A`",
            "write both the same way, or rename one",
        ),
        (
            &project,
            json!({"shots": "a", "project": "other"}),
            FailureKind::Invalid,
            "what is selected lies in `Demo Project`, not in `other`",
            "leave `project` empty, or select nothing",
        ),
        (
            &project,
            json!({"shots": long}),
            FailureKind::Invalid,
            "the name on line 1 is 300 characters long, more than the 255 that ftrack keeps: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`",
            "give it another name",
        ),
    ];
    for (selection, values, kind, message, hint) in cases {
        let mut test = plugin();
        let failure = test
            .launch("create_shots", on(Surface::Cli, selection), values)
            .unwrap_err();
        assert_eq!(failure.message, message);
        assert_eq!(failure.hint.as_deref(), Some(hint), "{message}");
        assert_eq!(failure.kind, kind, "{message}");
        assert!(test.record().hand_overs.is_empty());
    }
}

#[test]
fn a_server_that_is_away_fails_the_turn_with_its_own_words() {
    let mut test = plugin();
    let away =
        Failure::new(FailureKind::Unavailable, "ftrack does not answer").hint("try again later");
    test.fail_next(callboard_plugin_test::HostMethod::Query, away.clone());
    let context = on(Surface::Web, &[("Project", PROJECT)]);
    assert_eq!(
        test.launch("create_shots", context, json!({"shots": "a"})),
        Err(away)
    );
}

#[test]
fn a_cancel_before_the_hand_over_makes_nothing() {
    let mut test = plugin();
    test.cancel_at(callboard_plugin_test::HostMethod::Query);
    let context = on(Surface::Cli, &[("Project", PROJECT)]);
    assert_eq!(
        test.launch("create_shots", context, json!({"shots": "a"})),
        Ok(Outcome::Cancelled)
    );
    assert!(test.record().hand_overs.is_empty());
}

#[test]
fn flame_is_asked_for_its_segments_and_a_person_for_consent() {
    let segment = |track: u32, shot: &str, comment: &str| {
        let row = json!({"sequence": "sq010", "shot_name": shot, "segment_name": "clip", "track": track, "record_in": 1, "comment": comment});
        row.as_object().unwrap().clone()
    };
    let mut test = plugin().selection(vec![
        segment(1, "sh010", ""),
        segment(1, "sh\"050", "wide\nand low"),
        segment(2, "sh\"050", "fx"),
        segment(2, "", "no name"),
    ]);
    let view = asked(test.launch("create_shots", flame("DEMO project"), json!({})));
    assert_eq!(
        notes(&view),
        "**1 shot to make in `Demo Project`**, 1 there already.\n\
         1 task to make (`Compositing`), 1 there already.\n\
         * sequence `sq010`: 2 shots, 1 new\n\
         Worth knowing:\n\
         * 1 segment merged into another's shot of the same name: `sh\"050`\n\
         **1 segment left out:**\n\
         * `clip` on track 2 at 1 in `sq010`: it has no shot name"
    );
    assert_eq!(item(&view, "project")["value"], PROJECT);
    assert_eq!(item(&view, "project")["type"], "hidden");
    assert_eq!(item(&view, "task_types")["value"], json!(["Compositing"]));

    assert_eq!(test.answer(json!({})), Ok(Outcome::Waits));
    let hand_over = &test.record().hand_overs[0];
    assert_eq!(
        units(hand_over),
        ["sh\"050[]: Shot sh\"050, Task Compositing"]
    );
    let shot = &json!(hand_over.steps)[0]["units"][0]["operations"][0];
    assert_eq!(shot["data"]["description"], "wide and low");
    let done = test.after_steps(test.steps_done());
    assert!(matches!(done, Ok(Outcome::Done { .. })), "{done:?}");
    assert_eq!(test.record().notifications.len(), 1);
}

#[test]
fn flame_without_a_project_or_without_names_is_told_what_to_do() {
    let named = json!({"sequence": "sq010", "shot_name": "sh010"});
    let unnamed = json!({"sequence": "sq010", "shot_name": null});
    let check = |project: &str, row: &Value, message: &str| {
        let row = row.as_object().unwrap().clone();
        let mut test = plugin().selection(vec![row]);
        let failure = test
            .launch("create_shots", flame(project), json!({}))
            .unwrap_err();
        assert_eq!(failure.message, message);
        assert!(failure.hint.is_some(), "{message}");
    };
    check(
        "Nowhere",
        &named,
        "no project that you can see is called `Nowhere`",
    );
    check("", &named, "the application told of no open project");
    check(
        "demo",
        &unnamed,
        "1 segment selected, none with a shot name",
    );
}

#[test]
fn a_selection_in_ftrack_wins_over_flames_project() {
    let row = json!({"sequence": "a timeline", "shot_name": "sh090"});
    let mut test = plugin().selection(vec![row.as_object().unwrap().clone()]);
    let context = Context {
        selection: vec![Entity::new("Sequence", SEQUENCE)],
        ..flame("Nowhere")
    };
    let view = asked(test.launch("create_shots", context, json!({})));
    assert!(
        notes(&view).contains("sequence `sq010`: 1 shot, 1 new"),
        "{view}"
    );
    assert_eq!(test.answer(json!({})), Ok(Outcome::Waits));
    assert_eq!(
        units(&test.record().hand_overs[0]),
        ["sh090[]: Shot sh090, Task Compositing"]
    );
}

#[test]
fn five_hundred_shots_with_three_tasks_ask_ftrack_once() {
    let mut test = plugin();
    let shots: Vec<String> = (0..500).map(|number| format!("sh{number:04}")).collect();
    let values = json!({"sequence": "sq900", "shots": shots.join("\n"), "task_types": ["Animation", "Compositing"]});
    let context = on(Surface::Web, &[("Project", PROJECT)]);
    assert_eq!(
        test.launch("create_shots", context, values),
        Ok(Outcome::Waits)
    );
    // The place, three tables, and children and tasks at two levels: eight questions in one request.
    assert_eq!(test.record().queries.len(), 8);
    assert_eq!(units(&test.record().hand_overs[0]).len(), 501);
}
