//! Forms: a view as ftrack's page reads it, and what comes back from one.

use callboard_protocol::{Choice, Control, Item, View};
use serde_json::{Map, Value, json};

/// Returns a view's items with ftrack's own keys only, and lines of text for what its page has no field for.
pub(super) fn web_items(view: &View) -> Vec<Value> {
    let shown = view.items.iter().filter(|item| item.visible);
    shown.flat_map(web_item).collect()
}

fn web_item(item: &Item) -> Vec<Value> {
    let mut lines = Vec::new();
    if let Some(error) = &item.error {
        let label = if item.label.is_empty() {
            String::new()
        } else {
            format!("**{}:** ", item.label)
        };
        lines.push(json!({"type": "label", "value": format!("{label}{error}")}));
    }
    match &item.control {
        Control::Label => lines.push(json!({"type": "label", "value": item.value})),
        Control::Hidden => {
            lines.push(json!({"type": "hidden", "name": item.name, "value": item.value}));
        }
        Control::Text { empty_text } => lines.push(field(item, "text", empty_text.as_deref())),
        Control::TextArea { empty_text } => {
            lines.push(field(item, "textarea", empty_text.as_deref()));
        }
        Control::Number => lines.push(field(item, "number", None)),
        Control::Date => lines.push(field(item, "date", None)),
        Control::Boolean => lines.push(field(item, "boolean", None)),
        // No published handler uses ftrack's password field, so whether the page masks it is not known.
        Control::Password => {
            lines.push(field(item, "text", Some("will be readable while you type")));
        }
        Control::Enumerator { data, multi_select } => {
            let mut line = field(item, "enumerator", None);
            line["data"] = json!(data);
            if *multi_select {
                line["multi_select"] = Value::Bool(true);
            }
            lines.push(line);
        }
        _ => lines.push(json!({
            "type": "label",
            "value": format!("**{}** cannot be shown on this page, only in a window of Callboard.", item.label),
        })),
    }
    lines
}

fn field(item: &Item, kind: &str, empty_text: Option<&str>) -> Value {
    let label = if item.required {
        format!("{} *", item.label)
    } else {
        item.label.clone()
    };
    let mut line = json!({
        "type": kind, "name": item.name, "label": label, "value": item.value,
    });
    if let Some(empty_text) = empty_text {
        line["empty_text"] = Value::from(empty_text);
    }
    line
}

/// Returns what a surface without types of its own sent for a view, with the types that the view asks for.
///
/// ftrack's page may send numbers as text and days with a time; the command line sends everything as text.
/// A choice may be named by what is shown or by what is returned; what is no choice is left for the plugin to refuse.
pub(crate) fn values_for_view(view: &View, mut values: Map<String, Value>) -> Map<String, Value> {
    for item in view.items.iter().filter(|item| !item.name.is_empty()) {
        if let Some(value) = values.get_mut(&item.name) {
            *value = value_for_control(&item.control, value.take());
        }
    }
    values
}

fn value_for_control(control: &Control, value: Value) -> Value {
    match (control, value) {
        (Control::Number, Value::String(text)) => number_from_text(&text),
        (Control::Date, Value::String(text)) => day_from_text(&text),
        (Control::Boolean, Value::String(text)) => boolean_from_text(text),
        (Control::Files { .. }, Value::String(text)) => {
            let paths = text.lines().map(str::trim).filter(|path| !path.is_empty());
            paths.map(|path| json!({"path": path})).collect()
        }
        (Control::Table { .. }, Value::String(text)) => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        (
            Control::Enumerator {
                data, multi_select, ..
            },
            value,
        ) => {
            let chosen = |value: Value| {
                let shown = value.as_str();
                data.iter()
                    .find(|choice| choice.value == value || Some(choice.label.as_str()) == shown)
                    .or_else(|| choice_in_any_case(data, shown?))
                    .map_or(value.clone(), |choice| choice.value.clone())
            };
            match (multi_select, value) {
                (true, Value::String(text)) => text
                    .split(',')
                    .map(str::trim)
                    .filter(|one| !one.is_empty())
                    .map(|one| chosen(Value::from(one)))
                    .collect(),
                (true, Value::Array(list)) => list.into_iter().map(chosen).collect(),
                (_, value) => chosen(value),
            }
        }
        (_, value) => value,
    }
}

/// Returns the one choice whose label this is but for upper and lower case.
fn choice_in_any_case<'a>(data: &'a [Choice], shown: &str) -> Option<&'a Choice> {
    let shown = shown.to_lowercase();
    let mut found = data
        .iter()
        .filter(|choice| choice.label.to_lowercase() == shown);
    found.next().filter(|_| found.next().is_none())
}

fn number_from_text(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return Value::Null;
    }
    text.parse::<i64>()
        .map(Value::from)
        .or_else(|_| text.parse::<f64>().map(Value::from))
        .unwrap_or_else(|_| Value::from(text))
}

fn day_from_text(text: &str) -> Value {
    let text = text.trim();
    match text.split_once('T') {
        _ if text.is_empty() => Value::Null,
        Some((day, _)) => Value::from(day),
        None => Value::from(text),
    }
}

fn boolean_from_text(text: String) -> Value {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Value::Bool(true),
        "false" | "no" | "off" | "0" | "" => Value::Bool(false),
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots_view() -> View {
        let task_types = vec![
            Choice::new("Compositing", "t1"),
            Choice::new("Roto, paint", "t2"),
        ];
        View::new("Create shots")
            .with(Item::note("## Where"))
            .with(Item::text_area("shots", "Shots").required())
            .with(Item::several_of("task_types", "Tasks", task_types.clone()))
            .with(Item::one_of("status", "Status", task_types))
            .with(Item::boolean("dry_run", "Only look"))
            .with(Item::new(Control::Number, "first", "First frame"))
            .with(Item::new(Control::Date, "due", "Due"))
            .with(Item::hidden("token", json!({"a": 1})))
    }

    #[test]
    fn a_web_form_has_only_keys_that_the_page_knows() {
        let known = [
            "type",
            "name",
            "label",
            "value",
            "empty_text",
            "data",
            "multi_select",
        ];
        for item in web_items(&shots_view()) {
            for key in item.as_object().unwrap().keys() {
                assert!(known.contains(&key.as_str()), "{key} in {item}");
            }
        }
    }

    #[test]
    fn a_choice_is_meant_by_its_value_its_label_or_its_label_in_any_case() {
        let data = vec![
            Choice::new("Harbour", "p1"),
            Choice::new("night", "p2"),
            Choice::new("Night", "p3"),
        ];
        let view = View::new("").with(Item::one_of("project", "Project", data));
        for (given, meant) in [
            ("p1", "p1"),
            ("Harbour", "p1"),
            ("harbour", "p1"),
            ("Night", "p3"),
            ("night", "p2"),
            ("NIGHT", "NIGHT"),
            ("strange", "strange"),
        ] {
            let given = Map::from_iter([("project".to_owned(), Value::from(given))]);
            assert_eq!(values_for_view(&view, given)["project"], meant);
        }
    }

    #[test]
    fn items_become_the_fields_of_the_page() {
        let check = |item: Item, expected: Value| {
            assert_eq!(Value::from(web_item(&item)), expected);
        };
        check(
            Item::note("---"),
            json!([{"type": "label", "value": "---"}]),
        );
        check(
            Item::text("name", "Name").empty_text("sh010").required(),
            json!([{"type": "text", "name": "name", "label": "Name *", "value": "", "empty_text": "sh010"}]),
        );
        check(
            Item::text("name", "Name").error("`?` is no name"),
            json!([
                {"type": "label", "value": "**Name:** `?` is no name"},
                {"type": "text", "name": "name", "label": "Name", "value": ""},
            ]),
        );
        check(
            Item::several_of("t", "Tasks", vec![Choice::new("Roto", "t1")]),
            json!([{"type": "enumerator", "name": "t", "label": "Tasks", "value": [],
                "data": [{"label": "Roto", "value": "t1"}], "multi_select": true}]),
        );
        check(
            Item::hidden("token", 7),
            json!([{"type": "hidden", "name": "token", "value": 7}]),
        );
        check(
            Item::new(Control::Unknown, "curve", "Curve"),
            json!([{"type": "label", "value": "**Curve** cannot be shown on this page, only in a window of Callboard."}]),
        );
    }

    #[test]
    fn values_get_the_types_that_the_view_asks_for() {
        let check = |values: Value, expected: Value| {
            let Value::Object(given) = values.clone() else {
                panic!("{values} is no object")
            };
            let read = values_for_view(&shots_view(), given);
            assert_eq!(Value::Object(read), expected, "{values}");
        };
        check(json!({"first": "1001"}), json!({"first": 1001}));
        check(json!({"first": " 1.5 "}), json!({"first": 1.5}));
        check(json!({"first": ""}), json!({"first": null}));
        check(json!({"first": "many"}), json!({"first": "many"}));
        check(
            json!({"due": "2026-11-20T00:00:00"}),
            json!({"due": "2026-11-20"}),
        );
        check(json!({"due": ""}), json!({"due": null}));
        check(json!({"dry_run": "yes"}), json!({"dry_run": true}));
        check(json!({"dry_run": false}), json!({"dry_run": false}));
        check(json!({"dry_run": "perhaps"}), json!({"dry_run": "perhaps"}));
        check(json!({"status": "Compositing"}), json!({"status": "t1"}));
        check(json!({"status": "t2"}), json!({"status": "t2"}));
        check(json!({"status": "nothing"}), json!({"status": "nothing"}));
        check(
            json!({"task_types": "Compositing, t2"}),
            json!({"task_types": ["t1", "t2"]}),
        );
        check(
            json!({"task_types": ["Roto, paint"]}),
            json!({"task_types": ["t2"]}),
        );
        check(json!({"task_types": ""}), json!({"task_types": []}));
        check(json!({"shots": "1"}), json!({"shots": "1"}));
        check(json!({"other": "1"}), json!({"other": "1"}));
    }
}
