//! What a hook offers in a menu, and what it answers to a launch, in the host's terms.

use callboard_protocol::{ActionId, Failure, FailureKind, MenuItem, Outcome, PluginId, View};
use serde_json::{Map, Value};

/// How many entries one plugin may offer for one selection.
const ITEMS: usize = 200;

/// The longest name of an action, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// One entry that a hook offers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) action: ActionId,
    pub(super) label: String,
    /// The entry as the hook wrote it; all of it comes back with the launch.
    pub(super) data: Map<String, Value>,
}

impl Item {
    pub(super) fn menu_item(&self, host: &str) -> MenuItem {
        let text = |name: &str| self.data.get(name).and_then(Value::as_str);
        MenuItem {
            label: self.label.clone(),
            variant: text("variant").map(str::to_owned),
            description: text("description").map(str::to_owned),
            icon: text("icon").map(str::to_owned),
            action_identifier: self.action.clone(),
            callboard_host: host.to_owned(),
        }
    }
}

/// Reads the entries in a hook's answer to `ftrack.action.discover`: an object with `items`, or a list of them.
pub(super) fn items(plugin: &PluginId, answers: &[Value]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let entries = answers.iter().flat_map(|answer| {
        let list = answer.get("items").unwrap_or(answer);
        list.as_array().into_iter().flatten()
    });
    for entry in entries.take(ITEMS) {
        let Some(data) = entry.as_object() else {
            continue;
        };
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let Some(label) = text("label").or_else(|| text("actionIdentifier")) else {
            continue;
        };
        let named = text("actionIdentifier").unwrap_or(label);
        let mut name = name_of(named);
        let mut number = 1;
        // Variants share an identifier, and differ in what else comes back.
        while items
            .iter()
            .any(|item| item.action == ActionId::new(plugin, &name))
        {
            number += 1;
            name = format!("{}_{number}", name_of(named));
        }
        items.push(Item {
            action: ActionId::new(plugin, &name),
            label: label.to_owned(),
            data: data.clone(),
        });
    }
    items
}

/// Returns an identifier as the name of an action: lower-case letters, digits and underscores.
fn name_of(identifier: &str) -> String {
    let name: String = identifier
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '_',
        })
        .take(MAX_NAME_BYTES)
        .collect();
    if name.is_empty() {
        "action".to_owned()
    } else {
        name
    }
}

/// Returns how a launch ended: the first answer tells. `state` is what the next turn is given back.
pub(super) fn outcome(plugin: &PluginId, answer: &Value, state: Value) -> Result<Outcome, Failure> {
    let message = answer
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if answer.get("items").is_some_and(Value::is_array) {
        let view: View = serde_json::from_value(answer.clone()).map_err(|error| {
            Failure::new(
                FailureKind::Plugin,
                format!("the form of `{plugin}` cannot be read"),
            )
            .because(error.to_string())
        })?;
        return Ok(Outcome::Asks { view, state });
    }
    let has_failed =
        answer.get("success") == Some(&Value::Bool(false)) || *answer == Value::Bool(false);
    if has_failed {
        let message = if message.is_empty() {
            format!("`{plugin}` says that it failed")
        } else {
            message.to_owned()
        };
        return Err(Failure::new(FailureKind::Plugin, message));
    }
    let message = if message.is_empty() { "done" } else { message };
    Ok(Outcome::Done {
        message: message.to_owned(),
        output: answer.clone(),
    })
}

/// Returns what ftrack's events call an entity of this kind.
pub fn entity_type_from_kind(kind: &str) -> String {
    match kind {
        "Project" => "show".to_owned(),
        "AssetVersion" | "Asset" | "User" | "ReviewSession" | "List" | "Component"
        | "FileComponent" | "SequenceComponent" | "ContainerComponent" | "Group" | "Note" => {
            match kind {
                "FileComponent" | "SequenceComponent" | "ContainerComponent" => {
                    "component".to_owned()
                }
                other => other.to_lowercase(),
            }
        }
        "AssetVersionList" | "TypedContextList" => "list".to_owned(),
        // Every typed context, whatever the site calls it.
        _ => "task".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_become_actions_with_names_of_their_own() {
        let answers = [
            json!({"items": [
                {"label": "Publish", "variant": "A", "actionIdentifier": "studio.Publish"},
                {"label": "Publish", "variant": "B", "actionIdentifier": "studio.Publish"},
                "nonsense", {}
            ]}),
            json!([{"label": "Bare"}]),
            json!(true),
        ];
        let names: Vec<String> = items(&PluginId::from("tool"), &answers)
            .iter()
            .map(|item| format!("{} {}", item.action, item.label))
            .collect();
        assert_eq!(
            names,
            [
                "tool.studio_publish Publish",
                "tool.studio_publish_2 Publish",
                "tool.bare Bare"
            ]
        );
    }

    #[test]
    fn answers_are_read_as_connect_reads_them() {
        let plugin = PluginId::from("tool");
        let ended = |answer: Value| outcome(&plugin, &answer, Value::Null);
        let said = |answer: Value| match ended(answer) {
            Ok(Outcome::Done { message, .. }) => message,
            other => format!("{other:?}"),
        };
        assert_eq!(
            said(json!({"success": true, "message": "made it"})),
            "made it"
        );
        assert_eq!(said(json!(true)), "done");
        let failed = ended(json!({"success": false, "message": "no"})).unwrap_err();
        assert_eq!(failed.message, "no");
        let form = json!({"items": [{"type": "text", "name": "a", "label": "A", "value": ""}], "title": "Ask"});
        assert!(matches!(ended(form), Ok(Outcome::Asks { view, .. }) if view.title == "Ask"));
    }
}
