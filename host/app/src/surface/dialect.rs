//! How ftrack's action events read and write: selections, menus, forms and results.
//!
//! The web surface and the local bus share these conversions; they differ by [`Dialect`] only.
//! Pure data to data: nothing here asks the engine or touches a connection.

mod form;
mod kind;
mod report;

pub(crate) use form::values_for_view;
pub(crate) use kind::kind_from_entity_type;
pub(crate) use report::{
    BACK_FIELD, Dialect, JOB_FIELD, QUESTION_FIELD, failure_reply, launch_reply, menu_reply,
    message_event_data, sentence,
};

use callboard_protocol::{ActionId, DccContext, Entity, Failure, JobId};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::submit::Submitted;

/// The topic that asks which actions apply.
pub(crate) const DISCOVER_TOPIC: &str = "ftrack.action.discover";
/// The topic that chooses one of them.
pub(crate) const LAUNCH_TOPIC: &str = "ftrack.action.launch";
/// The topic that shows a message or a form on a person's web pages.
pub(crate) const INTERFACE_TOPIC: &str = "ftrack.action.trigger-user-interface";

/// What an event of [`DISCOVER_TOPIC`] asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DiscoverRequest {
    /// What is selected; kinds may be coarse.
    pub(crate) selection: Vec<Entity>,
    /// What the application says of itself, where one asks.
    pub(crate) dcc: Option<DccContext>,
}

/// What an event of [`LAUNCH_TOPIC`] asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LaunchRequest {
    /// The action.
    pub(crate) action: ActionId,
    /// The host that offered it, where the menu entry said so.
    pub(crate) host: Option<String>,
    /// The form that was sent, where one was.
    pub(crate) form: Option<Submitted>,
    /// Values for the form of a launch, where they are known already.
    pub(crate) values: Map<String, Value>,
    /// What is selected; kinds may be coarse.
    pub(crate) selection: Vec<Entity>,
    /// What the application says of itself, where one asks.
    pub(crate) dcc: Option<DccContext>,
}

impl DiscoverRequest {
    /// Reads the `data` of a discover event.
    ///
    /// # Errors
    ///
    /// When the selection or what the application says has another shape.
    pub(crate) fn from_data(data: &Value) -> Result<Self, Failure> {
        Ok(Self {
            selection: selection_from_data(data)?,
            dcc: dcc_from_data(data)?,
        })
    }
}

impl LaunchRequest {
    /// Reads the `data` of a launch event.
    ///
    /// # Errors
    ///
    /// When no action is named, or the selection, the values or what the application says have another shape.
    pub(crate) fn from_data(data: &Value) -> Result<Self, Failure> {
        let action = data
            .get("actionIdentifier")
            .and_then(Value::as_str)
            .ok_or_else(|| Failure::invalid("the launch names no `actionIdentifier`"))?;
        let mut values = match data.get("values") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(values)) => values.clone(),
            Some(_) => return Err(Failure::invalid("the launch's `values` are not an object")),
        };
        let form = submitted(&mut values);
        Ok(Self {
            action: ActionId::from(action),
            host: data
                .get("callboardHost")
                .and_then(Value::as_str)
                .map(str::to_owned),
            form,
            values,
            selection: selection_from_data(data)?,
            dcc: dcc_from_data(data)?,
        })
    }
}

/// Takes the values of a form that was sent, with our own items among them.
fn submitted(values: &mut Map<String, Value>) -> Option<Submitted> {
    // Pages send back what is hidden as they were given it, or as text.
    let question = values.shift_remove(QUESTION_FIELD);
    let question = question.and_then(|question| match question {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    });
    let back = values.shift_remove(BACK_FIELD);
    let back = back.is_some_and(|back| back == true || back == "true");
    let job = values.shift_remove(JOB_FIELD)?;
    Some(Submitted {
        job: JobId::from(job.as_str()?),
        question,
        back,
        values: std::mem::take(values),
    })
}

/// One entity of a selection as ftrack's page writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selected {
    entity_id: String,
    entity_type: String,
}

/// Reads `selection`, which one page of ftrack's documentation shows below `context`.
fn selection_from_data(data: &Value) -> Result<Vec<Entity>, Failure> {
    let selection = data
        .get("selection")
        .or_else(|| data.pointer("/context/selection"));
    let Some(selection) = selection.filter(|selection| !selection.is_null()) else {
        return Ok(Vec::new());
    };
    let selected = Vec::<Selected>::deserialize(selection).map_err(|error| {
        Failure::invalid("the selection is not a list of `entityId` and `entityType`")
            .because(error.to_string())
    })?;
    Ok(selected
        .into_iter()
        .map(|one| Entity::new(kind_from_entity_type(&one.entity_type), one.entity_id))
        .collect())
}

fn dcc_from_data(data: &Value) -> Result<Option<DccContext>, Failure> {
    match data.get("dcc") {
        None | Some(Value::Null) => Ok(None),
        Some(dcc) => DccContext::deserialize(dcc).map(Some).map_err(|error| {
            Failure::invalid("what the application says of itself could not be read")
                .because(error.to_string())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entities(pairs: &[(&str, &str)]) -> Vec<Entity> {
        pairs
            .iter()
            .map(|(kind, id)| Entity::new(*kind, *id))
            .collect()
    }

    #[test]
    fn a_selection_is_read_wherever_it_stands() {
        let check = |data: Value, expected: &[(&str, &str)]| {
            let request = DiscoverRequest::from_data(&data).unwrap();
            assert_eq!(request.selection, entities(expected), "{data}");
        };
        let task = json!([{"entityId": "s1", "entityType": "task"}]);
        check(json!({}), &[]);
        check(json!({"selection": null}), &[]);
        check(json!({"selection": []}), &[]);
        check(json!({"selection": task}), &[("TypedContext", "s1")]);
        check(
            json!({"context": {"selection": task}}),
            &[("TypedContext", "s1")],
        );
        check(
            json!({"selection": [
                {"entityId": "p", "entityType": "show", "extra": 1},
                {"entityId": "c", "entityType": "Component"},
            ]}),
            &[("Project", "p"), ("Component", "c")],
        );
    }

    #[test]
    fn a_launch_is_read_with_its_job_and_host() {
        let request = LaunchRequest::from_data(&json!({
            "actionIdentifier": "shot_creation.create_shots",
            "callboardHost": "h1", "label": "Create shots",
            "selection": [{"entityId": "s", "entityType": "sequence"}],
            "values": {"shots": "sh010", "callboard_job": "j1", "callboard_question": "2", "callboard_back": true},
            "dcc": {"application": "flame", "selection_id": "x", "count": 3, "machine": "ws-1"},
        }))
        .unwrap();
        assert_eq!(request.action.as_str(), "shot_creation.create_shots");
        assert_eq!(request.host.as_deref(), Some("h1"));
        let form = request.form.unwrap();
        assert_eq!(
            (form.job, form.question, form.back),
            (JobId::from("j1"), Some(2), true)
        );
        assert_eq!(Value::Object(form.values), json!({"shots": "sh010"}));
        assert!(request.values.is_empty());
        assert_eq!(request.selection, entities(&[("Sequence", "s")]));
        let dcc = request.dcc.unwrap();
        assert_eq!(
            (dcc.application.as_str(), dcc.count, &dcc.more["machine"]),
            ("flame", 3, &json!("ws-1"))
        );
    }

    #[test]
    fn a_launch_that_cannot_be_read_says_what_is_wrong() {
        let check = |data: Value, expected: &str| {
            let failure = LaunchRequest::from_data(&data).unwrap_err();
            assert_eq!(failure.message, expected, "{data}");
        };
        check(json!({}), "the launch names no `actionIdentifier`");
        check(
            json!({"actionIdentifier": "a.b", "values": []}),
            "the launch's `values` are not an object",
        );
        check(
            json!({"actionIdentifier": "a.b", "selection": [{"id": 1}]}),
            "the selection is not a list of `entityId` and `entityType`",
        );
        check(
            json!({"actionIdentifier": "a.b", "dcc": "flame"}),
            "what the application says of itself could not be read",
        );
    }
}
