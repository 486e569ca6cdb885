//! What each fuzz target does with a text. It must not panic; what it returns says only whether the text was accepted.

use std::sync::LazyLock;

use callboard_event::{Expression, SubscriptionIndex};
use serde_json::json;

/// A target's name, which is that of its corpus, and what it does.
type Target = (&'static str, fn(&str) -> bool);

const TARGETS: [Target; 4] = [
    ("expression", expression),
    ("query", query),
    ("server_packet", sandbox::fuzz::hub_takes),
    ("client_packet", ftrack::fuzz::hub_reads),
];

/// Runs the target `name`, and returns whether it accepted the text.
pub(crate) fn run(name: &str, text: &str) -> bool {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, run) = target.expect("the target is in the table");
    run(text)
}

/// Parses a subscription, and asks both it and an index about an event.
fn expression(text: &str) -> bool {
    let Ok(parsed) = Expression::parse(text) else {
        return false;
    };
    let event = json!({"topic": "ftrack.update", "data": {"a": "1", "b": 2, "c": [null]}, "source": {"user": {"username": "ada"}}});
    let matches = parsed.matches(&event);
    let mut index = SubscriptionIndex::new();
    index.insert((), parsed.clone());
    assert_eq!(index.matching(&event).count(), usize::from(matches));
    let written = parsed.to_string();
    assert_eq!(
        Expression::parse(&written).as_ref(),
        Ok(&parsed),
        "{written}"
    );
    true
}

/// Answers a query about the demo project.
fn query(text: &str) -> bool {
    static DEMO: LazyLock<sandbox::fuzz::Demo> =
        LazyLock::new(|| sandbox::fuzz::Demo::new().expect("the demo can be made"));
    DEMO.answers(text)
}
