//! Forms while they are filled in: what edits and patches do, and what a form itself finds wrong.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use callboard_protocol::{Choice, Edit, FailureKind, FieldEdit, Item, Patch, View, apply_edits};
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn edits(json: Value) -> Vec<FieldEdit> {
    serde_json::from_value(json).unwrap()
}

#[test]
fn edits_are_done_in_order_and_twice_is_once() {
    let check = |given: Value, expected: Value| {
        let edits = edits(given.clone());
        let mut values = object(json!({
            "name": "a",
            "shots": [{"id": "r1", "first": 1}, {"id": "r2", "first": 2}],
        }));
        apply_edits(&mut values, &edits);
        assert_eq!(values["shots"], expected, "{given}");
        apply_edits(&mut values, &edits);
        assert_eq!(values["shots"], expected, "twice: {given}");
    };
    check(
        json!([{"number": 1, "name": "shots", "edit": "cell", "row": "r2", "column": "first", "value": 9}]),
        json!([{"id": "r1", "first": 1}, {"id": "r2", "first": 9}]),
    );
    check(
        json!([
            {"number": 1, "name": "shots", "edit": "insert", "row": {"id": "r0"}, "before": "r1"},
            {"number": 2, "name": "shots", "edit": "delete", "row": "r2"},
            {"number": 3, "name": "shots", "edit": "insert", "row": {"id": "r3"}},
            {"number": 4, "name": "shots", "edit": "cell", "row": "r3", "column": "first", "value": 3},
        ]),
        json!([{"id": "r0"}, {"id": "r1", "first": 1}, {"id": "r3", "first": 3}]),
    );
    check(
        json!([
            {"number": 1, "name": "shots", "edit": "cell", "row": "gone", "column": "first", "value": 3},
            {"number": 2, "name": "shots", "edit": "delete", "row": "gone"},
            {"number": 3, "name": "shots", "edit": "fold", "row": "r1"},
            {"number": 4, "name": "shots", "edit": "insert", "row": {"name": "without an id"}},
        ]),
        json!([{"id": "r1", "first": 1}, {"id": "r2", "first": 2}]),
    );
    check(
        json!([{"number": 1, "name": "shots", "edit": "value", "value": []}]),
        json!([]),
    );
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let mut view = View::new("Create shots")
        .with(Item::one_of(
            "status",
            "Status",
            vec![Choice::new("Ready", "ready")],
        ))
        .with(Item::note("none yet").named("summary"))
        .with(
            Item::text("why", "Why")
                .required()
                .invisible()
                .error("too short"),
        );
    let before = view.clone();
    assert!(view.patch(&Patch::of("status")));
    assert_eq!(view, before);
    assert!(!view.patch(&Patch::of("stranger").value(1)));
    assert!(!view.patch(&Patch::of("").value(1)));
    assert!(
        view.patch(
            &Patch::of("status")
                .choices(vec![Choice::new("Done", "done")])
                .value("done")
        )
    );
    assert!(view.patch(&Patch::of("summary").value("**2** shots")));
    assert!(
        view.patch(
            &Patch::of("why")
                .show()
                .without_error()
                .label("Reason")
                .required(false)
        )
    );
    let expected = View::new("Create shots")
        .with(Item::one_of("status", "Status", vec![Choice::new("Done", "done")]).value("done"))
        .with(Item::note("**2** shots").named("summary"))
        .with(Item::text("why", "Reason"));
    assert_eq!(view, expected);
    assert!(
        view.patch(
            &Patch::of("why")
                .item(Item::number("other", "Frames"))
                .value(3)
        )
    );
    assert_eq!(view.items[2], Item::number("why", "Frames").value(3));
    let rows = Patch::of("why").value(json!([])).row(Edit::Insert {
        row: object(json!({"id": "r1"})),
        before: None,
    });
    assert!(view.patch(&rows));
    assert_eq!(view.items[2].value, json!([{"id": "r1"}]));
}

#[test]
fn a_label_with_a_name_has_no_value_to_submit() {
    let view = View::new("x")
        .with(Item::note("text").named("summary"))
        .with(Item::text("name", "Name"));
    assert_eq!(Value::Object(view.initial_values()), json!({"name": ""}));
}

#[test]
fn a_form_says_what_is_wrong_with_each_value() {
    let choices = vec![Choice::new("Ready", "ready"), Choice::new("Three", 3)];
    let check = |item: Item, value: Value, expected: Option<&str>| {
        let problem = item.problem(&value, false);
        assert_eq!(problem.as_deref(), expected, "{value}");
    };
    let needed = Some("must be filled in");
    check(Item::text("a", ""), json!(""), None);
    check(Item::text("a", "").required(), json!(""), needed);
    check(Item::text("a", "").required(), json!("  "), needed);
    check(Item::text("a", "").required(), json!(null), needed);
    check(Item::text("a", "").required(), json!("x"), None);
    check(Item::text("a", ""), json!(7), Some("must be a text"));
    check(Item::text("a", "").max_length(2), json!("äö"), None);
    check(
        Item::text_area("a", "").max_length(2),
        json!("äöü"),
        Some("may have 2 characters at most, it has 3"),
    );
    check(Item::number("a", ""), json!(null), None);
    check(Item::number("a", "").required(), json!(0), None);
    check(
        Item::number("a", ""),
        json!("many"),
        Some("must be a number"),
    );
    check(
        Item::number("a", "").whole(),
        json!(1.5),
        Some("must be a whole number"),
    );
    check(
        Item::number("a", "").min(1),
        json!(0),
        Some("must be at least 1"),
    );
    check(
        Item::number("a", "").max(9),
        json!(9.5),
        Some("must be at most 9"),
    );
    check(
        Item::number("a", "").min(1).max(9),
        json!(0),
        Some("must be between 1 and 9"),
    );
    check(Item::number("a", "").min(1).max(9), json!(9), None);
    let day = |value, expected| {
        check(
            Item::new(callboard_protocol::Control::Date, "a", ""),
            value,
            expected,
        );
    };
    day(json!("2026-11-20"), None);
    day(json!("2024-02-29"), None);
    for wrong in [
        json!("2026-02-29"),
        json!("20.11.2026"),
        json!("2026-13-01"),
        json!("2026-1-01"),
        json!(3),
    ] {
        day(wrong, Some("must be a day, such as 2026-11-20"));
    }
    check(
        Item::boolean("a", ""),
        json!("perhaps"),
        Some("must be yes or no"),
    );
    check(Item::one_of("a", "", choices.clone()), json!(3), None);
    check(
        Item::one_of("a", "", choices.clone()),
        json!("done"),
        Some("cannot be `done`, which is not one of its choices"),
    );
    check(
        Item::several_of("a", "", choices.clone()),
        json!(["ready", 3]),
        None,
    );
    check(
        Item::several_of("a", "", choices.clone()).required(),
        json!([]),
        needed,
    );
    check(
        Item::several_of("a", "", choices.clone()),
        json!("ready"),
        Some("must be a list of choices"),
    );
    check(
        Item::several_of("a", "", choices),
        json!(["ready", 4]),
        Some("cannot be `4`, which is not one of its choices"),
    );
}

#[test]
fn a_whole_form_is_refused_with_a_sentence_for_each_field() {
    let status = Item::one_of("status", "Status", vec![Choice::new("Ready", "ready")]);
    let view = View::new("Create shots")
        .with(Item::text("project", "Project").required())
        .with(Item::number("first", "First frame"))
        .with(Item::text("why", "Why").required().invisible())
        .with(status.clone());
    let values = object(json!({"project": "demo", "first": 1001}));
    view.check_values(&values).unwrap();
    let failure = view.check_values(&object(json!({"first": 1}))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert_eq!(failure.message, "`project` must be filled in");
    let failure = view
        .check_values(&object(json!({"first": "many", "status": "x"})))
        .unwrap_err();
    assert_eq!(
        failure.message,
        "`project` must be filled in, and 2 more are not filled in right"
    );
    assert_eq!(
        json!(failure.fields),
        json!({
            "first": "must be a number", "project": "must be filled in",
            "status": "cannot be `x`, which is not one of its choices",
        })
    );
    assert_eq!(failure.causes.len(), 3);
    // What may be chosen is the plugin's to say where fields are live.
    let live = View::new("x")
        .with(Item::text("a", "A").live())
        .with(status);
    live.check_values(&object(json!({"status": "x"}))).unwrap();
}
