//! Run it with `cargo test`.

use callboard_plugin_test::{Context, Entity, Failure, Outcome, PluginTest, Value, json};

fn rows(rows: Value) -> Vec<callboard_plugin_test::Map<String, Value>> {
    let rows = rows.as_array().into_iter().flatten();
    rows.filter_map(|row| row.as_object().cloned()).collect()
}

#[test]
fn the_tasks_of_a_shot_are_counted() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut test = PluginTest::new(folder, my_plugin::plugin())
        .ftrack(|_| Ok(rows(json!([{ "name": "compositing" }, { "name": "lighting" }]))));
    let context = Context {
        selection: vec![Entity::new("Shot", "s1")],
        ..Context::default()
    };
    let outcome = test.launch("count_tasks", context, json!({}));
    assert_eq!(outcome, Ok(Outcome::done("2 tasks")));
}

#[test]
fn without_a_shot_it_says_what_to_do() {
    let mut test = PluginTest::new(env!("CARGO_MANIFEST_DIR"), my_plugin::plugin());
    let outcome = test.launch("count_tasks", Context::default(), json!({}));
    let failure = Failure::invalid("nothing to count").hint("select exactly one shot");
    assert_eq!(outcome, Err(failure));
}
