//! The example greets one shot, and says what to do when there is not one.

use callboard_plugin_test::{Context, Entity, Failure, Outcome, PluginTest, json};

fn check(selection: &[Entity], expected: &Result<Outcome, Failure>) {
    let mut test = PluginTest::new(env!("CARGO_MANIFEST_DIR"), hello::plugin());
    let context = Context {
        selection: selection.to_vec(),
        ..Context::default()
    };
    assert_eq!(&test.launch("greet", context, json!({})), expected);
}

#[test]
fn one_shot_is_greeted() {
    let shot = Entity::new("Shot", "c1");
    check(&[shot], &Ok(Outcome::done("Hello, Shot c1")));
}

#[test]
fn anything_but_one_entity_is_refused_with_a_hint() {
    let failure = Failure::invalid("nothing to greet").hint("select exactly one shot");
    check(&[], &Err(failure.clone()));
    let shots = [Entity::new("Shot", "c1"), Entity::new("Shot", "c2")];
    check(&shots, &Err(failure));
}

#[test]
fn the_example_has_fewer_than_twenty_lines() {
    let source = include_str!("../src/lib.rs");
    assert!(source.lines().count() < 20);
}
