//! Steps that need more than their fields filled in.

use callboard_protocol::{InDoubt, Step, StepId, Work};
use serde_json::{Value, json};

use crate::text::new_id;

/// Makes a step that publishes an event on the hub, once everything of the steps that it `needs` is done. Needs `events`.
///
/// The event gets its id here. Nobody can look up whether an event was published: should the confirmation be lost,
/// it is published again under the same id, unless `in_doubt` is set to [`InDoubt::Fail`].
///
/// ```
/// use callboard_plugin_sdk::{StepId, event_step, json};
///
/// let mut step = event_step("tell", "studio.shots.created", json!({"shots": ["sh010"]}));
/// step.needs = vec![StepId::from("shots")];
/// ```
pub fn event_step(id: impl Into<StepId>, topic: impl Into<String>, data: Value) -> Step {
    let topic = topic.into();
    Step {
        id: id.into(),
        label: format!("publish `{topic}`"),
        needs: Vec::new(),
        work: Work::Event {
            event: json!({"id": new_id(), "topic": topic, "data": data}),
            in_doubt: InDoubt::default(),
        },
    }
}
