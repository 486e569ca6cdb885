//! Replies: menus, and how a launch goes.

use callboard_protocol::{Failure, JobDetail, JobState, MenuItem};
use serde_json::{Map, Value, json};

use super::form::web_items;

/// The hidden item that ties a submitted form to its job.
pub(crate) const JOB_FIELD: &str = "callboard_job";

/// The hidden item that says which of its job's questions a form is.
pub(crate) const QUESTION_FIELD: &str = "callboard_question";

/// The item by which a person goes back to the question before, on surfaces with one button.
pub(crate) const BACK_FIELD: &str = "callboard_back";

/// Who reads a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// ftrack's web page: its own keys and form items, and nothing else.
    Web,
    /// A client of the local bus: views whole, failures with their hint, and the job.
    Bus,
}

/// Returns the `data` of a reply to a discovery.
pub(crate) fn menu_reply(items: &[MenuItem]) -> Value {
    json!({ "items": items })
}

/// Returns the `data` of a reply to a launch, and of `callboard.job`: how the job stands, or the form it asks with.
pub(crate) fn launch_reply(job: &JobDetail, dialect: Dialect) -> Value {
    let reply = match (&job.summary.state, &job.view) {
        (JobState::Asks, Some(_)) => form_reply(job, dialect),
        _ => result_reply(job, dialect),
    };
    match dialect {
        Dialect::Web => Value::Object(reply),
        Dialect::Bus => Value::Object(with_job(reply, job)),
    }
}

/// Returns the `data` of a reply to a launch that made no job.
pub(crate) fn failure_reply(failure: &Failure, dialect: Dialect) -> Value {
    Value::Object(failed(failure, dialect))
}

/// Returns the `data` of an event of [`INTERFACE_TOPIC`](super::INTERFACE_TOPIC), which tells a person on the page how a job ended or what it asks.
///
/// A form names `host`, so that of a person's hosts only the one with the job takes its answer.
pub(crate) fn message_event_data(job: &JobDetail, host: &str) -> Value {
    let Value::Object(mut data) = launch_reply(job, Dialect::Web) else {
        return Value::Null;
    };
    if data.contains_key("items") {
        // The page sends a submitted form where the event says, with these keys.
        data.insert("type".into(), "form".into());
        data.insert(
            "actionIdentifier".into(),
            job.summary.action.as_str().into(),
        );
        data.insert("callboardHost".into(), host.into());
        data.insert("selection".into(), selection(job));
    } else {
        data.insert("type".into(), "message".into());
    }
    Value::Object(data)
}

/// Returns a failure as one line for a person: the sentence, then what to do about it.
pub(crate) fn sentence(failure: &Failure) -> String {
    let mut line = capitalised(&failure.message);
    if let Some(hint) = &failure.hint {
        line.push_str(". ");
        line.push_str(&capitalised(hint));
    }
    if !line.ends_with(['.', '!', '?', '…']) {
        line.push('.');
    }
    line
}

fn capitalised(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn form_reply(job: &JobDetail, dialect: Dialect) -> Map<String, Value> {
    let mut reply = Map::new();
    let Some(view) = &job.view else {
        return reply;
    };
    let mut items = match dialect {
        Dialect::Web => web_items(view),
        Dialect::Bus => view.items.iter().map(|item| json!(item)).collect(),
    };
    if view.back {
        let label = "Go back to the step before";
        items.push(json!({"type": "boolean", "name": BACK_FIELD, "label": label, "value": false}));
    }
    items.push(json!({"type": "hidden", "name": JOB_FIELD, "value": job.summary.id}));
    items.push(json!({"type": "hidden", "name": QUESTION_FIELD, "value": job.question}));
    reply.insert("items".into(), items.into());
    let title = if view.title.is_empty() {
        &job.summary.label
    } else {
        &view.title
    };
    reply.insert("title".into(), title.as_str().into());
    if let Some(label) = &view.submit_label {
        reply.insert("submit_button_label".into(), label.as_str().into());
    }
    reply
}

fn result_reply(job: &JobDetail, dialect: Dialect) -> Map<String, Value> {
    let label = &job.summary.label;
    let or = |otherwise: String| match job.summary.message.as_str() {
        "" => otherwise,
        message => message.to_owned(),
    };
    match job.summary.state {
        JobState::Done => result(true, or(format!("{label} is done"))),
        JobState::Partly => result(false, or(format!("{label} is partly done"))),
        JobState::Cancelled => result(false, format!("{label} was cancelled")),
        JobState::Failed => match &job.failure {
            Some(failure) => failed(failure, dialect),
            None => result(false, or(format!("{label} failed"))),
        },
        JobState::Asks => result(false, format!("{label} waits for an answer")),
        _ => result(true, format!("{label} started")),
    }
}

fn failed(failure: &Failure, dialect: Dialect) -> Map<String, Value> {
    match dialect {
        Dialect::Web => result(false, sentence(failure)),
        Dialect::Bus => {
            let mut reply = result(false, failure.message.clone());
            if let Some(hint) = &failure.hint {
                reply.insert("hint".into(), hint.as_str().into());
            }
            reply.insert("kind".into(), json!(failure.kind));
            reply
        }
    }
}

fn result(success: bool, message: String) -> Map<String, Value> {
    Map::from_iter([
        ("success".to_owned(), Value::Bool(success)),
        ("message".to_owned(), Value::String(message)),
    ])
}

fn with_job(mut reply: Map<String, Value>, job: &JobDetail) -> Map<String, Value> {
    reply.insert("job".into(), json!(job.summary.id));
    reply.insert("state".into(), json!(job.summary.state));
    reply
}

fn selection(job: &JobDetail) -> Value {
    job.context
        .selection
        .iter()
        .map(|entity| json!({"entityId": entity.id, "entityType": entity.kind}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use callboard_protocol::{
        ActionId, Context, Entity, FailureKind, Item, JobId, JobSummary, Surface, View,
    };

    fn job(state: JobState) -> JobDetail {
        JobDetail {
            summary: JobSummary {
                id: JobId::from("j1"),
                action: ActionId::from("shot_creation.create_shots"),
                label: "Create shots".into(),
                state,
                surface: Surface::Web,
                user: "ada".into(),
                created_ms: 1,
                changed_ms: 2,
                message: String::new(),
                progress: None,
            },
            context: Context {
                selection: vec![Entity::new("Sequence", "s1")],
                ..Context::default()
            },
            values: Map::new(),
            view: None,
            question: 0,
            draft: Vec::new(),
            output: Value::Null,
            failure: None,
            steps: None,
            parent: None,
            children: Vec::new(),
            files: Vec::new(),
        }
    }

    fn asking() -> JobDetail {
        let view = View::new("")
            .with(Item::text("shots", "Shots").required())
            .submit("Create");
        JobDetail {
            view: Some(view),
            ..job(JobState::Asks)
        }
    }

    #[test]
    fn every_state_of_a_job_is_a_reply() {
        let check = |state, message: &str, expected: Value| {
            let mut job = job(state);
            job.summary.message = message.into();
            assert_eq!(launch_reply(&job, Dialect::Web), expected);
        };
        let started = json!({"success": true, "message": "Create shots started"});
        check(
            JobState::Done,
            "12 shots made",
            json!({"success": true, "message": "12 shots made"}),
        );
        check(
            JobState::Done,
            "",
            json!({"success": true, "message": "Create shots is done"}),
        );
        check(
            JobState::Partly,
            "11 of 12 shots made",
            json!({"success": false, "message": "11 of 12 shots made"}),
        );
        check(
            JobState::Cancelled,
            "half way",
            json!({"success": false, "message": "Create shots was cancelled"}),
        );
        check(
            JobState::Failed,
            "",
            json!({"success": false, "message": "Create shots failed"}),
        );
        check(JobState::Running, "reading", started.clone());
        check(JobState::Working, "", started.clone());
        check(JobState::Queued, "", started);
    }

    #[test]
    fn a_failure_reads_as_one_line_on_the_page_and_whole_on_the_bus() {
        let mut job = job(JobState::Failed);
        job.failure = Some(
            Failure::not_found("no ftrack project is called `demo`").hint("choose one of the list"),
        );
        assert_eq!(
            launch_reply(&job, Dialect::Web),
            json!({"success": false, "message": "No ftrack project is called `demo`. Choose one of the list."})
        );
        assert_eq!(
            launch_reply(&job, Dialect::Bus),
            json!({"success": false, "message": "no ftrack project is called `demo`",
                "hint": "choose one of the list", "kind": "not_found", "job": "j1", "state": "failed"})
        );
    }

    #[test]
    fn a_question_is_a_form_that_names_its_job() {
        assert_eq!(
            launch_reply(&asking(), Dialect::Web),
            json!({
                "items": [
                    {"type": "text", "name": "shots", "label": "Shots *", "value": ""},
                    {"type": "hidden", "name": "callboard_job", "value": "j1"},
                    {"type": "hidden", "name": "callboard_question", "value": 0},
                ],
                "title": "Create shots", "submit_button_label": "Create",
            })
        );
        assert_eq!(
            launch_reply(&asking(), Dialect::Bus),
            json!({
                "items": [
                    {"type": "text", "name": "shots", "label": "Shots", "value": "", "required": true},
                    {"type": "hidden", "name": "callboard_job", "value": "j1"},
                    {"type": "hidden", "name": "callboard_question", "value": 0},
                ],
                "title": "Create shots", "submit_button_label": "Create",
                "job": "j1", "state": "asks",
            })
        );
        let mut later = asking();
        later.question = 2;
        later.view = later.view.map(callboard_protocol::View::back);
        for dialect in [Dialect::Web, Dialect::Bus] {
            assert_eq!(
                launch_reply(&later, dialect)["items"].as_array().unwrap()[1..],
                [
                    json!({"type": "boolean", "name": "callboard_back",
                        "label": "Go back to the step before", "value": false}),
                    json!({"type": "hidden", "name": "callboard_job", "value": "j1"}),
                    json!({"type": "hidden", "name": "callboard_question", "value": 2}),
                ]
            );
        }
    }

    #[test]
    fn what_is_pushed_to_the_page_says_what_it_is() {
        let pushed = message_event_data(&job(JobState::Done), "h1");
        assert_eq!(
            pushed,
            json!({"success": true, "message": "Create shots is done", "type": "message"})
        );
        let pushed = message_event_data(&asking(), "h1");
        assert_eq!(pushed["type"], "form");
        assert_eq!(pushed["callboardHost"], "h1");
        assert_eq!(pushed["actionIdentifier"], "shot_creation.create_shots");
        assert_eq!(
            pushed["selection"],
            json!([{"entityId": "s1", "entityType": "Sequence"}])
        );
    }

    #[test]
    fn sentences_are_for_people() {
        for (message, hint, expected) in [
            ("nothing to greet", None, "Nothing to greet."),
            (
                "nothing to greet",
                Some("select a shot"),
                "Nothing to greet. Select a shot.",
            ),
            (
                "`x` is no name",
                Some("Use letters."),
                "`x` is no name. Use letters.",
            ),
            ("still waiting…", None, "Still waiting…"),
        ] {
            let mut failure = Failure::new(FailureKind::Invalid, message);
            failure.hint = hint.map(str::to_owned);
            assert_eq!(sentence(&failure), expected);
        }
    }
}
