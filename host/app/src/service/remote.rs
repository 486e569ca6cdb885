//! What others offer on the event hub: other machines' hosts, and the studio's servers.
//!
//! They are asked as ftrack's web page asks them, and a form that they return is sent back in the same way.

use std::time::Duration;

use callboard_event::Event;
use callboard_protocol::{
    Entity, Failure, FailureKind, RemoteItem, RemoteLaunch, RemoteReply, View,
};
use engine::entity_type_from_kind;
use ftrack::EventHub;
use serde_json::{Value, json};

/// How long others have to say what they offer. Nothing tells that all have answered.
const DISCOVER: Duration = Duration::from_millis(1_500);

/// How long an action may take to answer its launch.
const LAUNCH: Duration = Duration::from_secs(60);

/// How many entries are shown.
const ITEMS: usize = 2_000;

/// Asks the hub what others offer. `host` is this host, whose own actions are left out.
///
/// # Errors
///
/// When the hub cannot be asked.
pub(crate) async fn discover(
    hub: &EventHub,
    host: &str,
    user: Value,
    selection: &[Entity],
) -> Result<Vec<RemoteItem>, Failure> {
    let data = json!({"selection": selection_data(selection)});
    let event = own_event(hub, "ftrack.action.discover", data, user);
    let replies = hub.publish_and_collect(event, DISCOVER).await;
    let replies = replies.map_err(|error| unpublished().caused_by(&error))?;
    Ok(replies
        .iter()
        .flat_map(|reply| items(reply, host))
        .take(ITEMS)
        .collect())
}

/// Launches what was offered, and waits for the answer.
///
/// # Errors
///
/// When the hub cannot be asked, or nobody answers in time.
pub(crate) async fn launch(
    hub: &EventHub,
    user: Value,
    launch: RemoteLaunch,
) -> Result<RemoteReply, Failure> {
    let mut data = launch.item;
    data.shift_remove("items");
    let label = data.get("label").and_then(Value::as_str).map(str::to_owned);
    data.insert("selection".to_owned(), selection_data(&launch.selection));
    if let Some(values) = launch.values {
        data.insert("values".to_owned(), Value::Object(values));
    }
    let event = own_event(hub, "ftrack.action.launch", Value::Object(data), user);
    let reply = hub.request(event, LAUNCH).await;
    let reply = reply.map_err(|error| unpublished().caused_by(&error))?;
    let reply = reply.ok_or_else(|| {
        Failure::new(
            FailureKind::TimedOut,
            format!("nobody answered within {} seconds", LAUNCH.as_secs()),
        )
        .hint("look in ftrack whether it was done; what offered it may have ended")
    })?;
    answer(&reply.data, &label.unwrap_or_default())
}

fn own_event(hub: &EventHub, topic: &str, data: Value, user: Value) -> Event {
    let mut event = Event::new(topic, data);
    event.source = json!({"id": hub.id(), "user": user});
    event
}

fn selection_data(selection: &[Entity]) -> Value {
    let entities = selection.iter().map(
        |entity| json!({"entityId": entity.id, "entityType": entity_type_from_kind(&entity.kind)}),
    );
    Value::Array(entities.collect())
}

/// Reads the entries of a reply, menus below menus included.
fn items(reply: &Event, host: &str) -> Vec<RemoteItem> {
    let who = reply.username().unwrap_or_default();
    let list = reply.data.get("items").unwrap_or(&reply.data);
    let mut found = Vec::new();
    let mut open: Vec<(&Value, Option<&str>)> = entries(list, None);
    while let Some((entry, above)) = open.pop() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        if let Some(below) = entry.get("items") {
            open.extend(entries(below, text("label").or(above)));
            continue;
        }
        let (Some(label), Some(item)) = (text("label"), entry.as_object()) else {
            continue;
        };
        if text("callboardHost") == Some(host) || text("actionIdentifier").is_none() {
            continue;
        }
        let label = match above {
            Some(above) if above != label => format!("{above}: {label}"),
            _ => label.to_owned(),
        };
        found.push(RemoteItem {
            label,
            variant: text("variant").map(str::to_owned),
            description: text("description").map(str::to_owned),
            place: text("host").unwrap_or(who).to_owned(),
            item: item.clone(),
        });
    }
    found
}

/// Returns entries last to first, as they are taken off the end.
fn entries<'a>(list: &'a Value, above: Option<&'a str>) -> Vec<(&'a Value, Option<&'a str>)> {
    let entries = list.as_array().into_iter().flatten().rev();
    entries.map(|entry| (entry, above)).collect()
}

/// Reads the answer to a launch.
fn answer(data: &Value, label: &str) -> Result<RemoteReply, Failure> {
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    if data.get("items").is_some_and(Value::is_array) {
        let mut view: View = serde_json::from_value(data.clone()).map_err(|error| {
            Failure::new(
                FailureKind::Plugin,
                format!("the form of `{label}` cannot be read"),
            )
            .hint("tell whoever made the action")
            .because(error.to_string())
        })?;
        if view.title.is_empty() {
            label.clone_into(&mut view.title);
        }
        return Ok(RemoteReply {
            success: true,
            message: text("message").unwrap_or_default(),
            view: Some(view),
            url: None,
        });
    }
    let success = data
        .get("success")
        .unwrap_or(data)
        .as_bool()
        .unwrap_or(true);
    let message = text("message").unwrap_or_else(|| match success {
        true => format!("{label} was launched"),
        false => format!("{label} says that it failed"),
    });
    Ok(RemoteReply {
        success,
        message,
        view: None,
        url: text("url"),
    })
}

fn unpublished() -> Failure {
    Failure::new(FailureKind::Unavailable, "the event hub could not be asked").hint("try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read_with_their_menus_and_without_our_own() {
        let mut reply = Event::new(
            "ftrack.meta.reply",
            json!({"items": [
                {"label": "Nuke", "variant": "15", "actionIdentifier": "nuke", "host": "ws-042"},
                {"label": "Ours", "actionIdentifier": "hello.greet", "callboardHost": "b7"},
                {"label": "Farm", "items": [{"label": "Render", "actionIdentifier": "farm.render"}]},
                "nonsense", {"label": "leads nowhere"}
            ]}),
        );
        reply.source = json!({"user": {"username": "farm"}});
        let seen: Vec<String> = items(&reply, "b7")
            .iter()
            .map(|item| format!("{} @ {}", item.label, item.place))
            .collect();
        assert_eq!(seen, ["Nuke @ ws-042", "Farm: Render @ farm"]);
    }

    #[test]
    fn answers_are_read_as_the_web_page_reads_them() {
        let said = |data: Value| {
            let reply = answer(&data, "Nuke").unwrap();
            (reply.success, reply.message)
        };
        assert_eq!(said(json!(true)), (true, "Nuke was launched".to_owned()));
        assert_eq!(
            said(json!(false)),
            (false, "Nuke says that it failed".to_owned())
        );
        assert_eq!(
            said(json!({"success": false, "message": "no licence"})),
            (false, "no licence".to_owned())
        );
        let form = json!({"items": [{"type": "text", "name": "a", "label": "A", "value": ""}]});
        let view = answer(&form, "Nuke").unwrap().view.unwrap();
        assert_eq!((view.title.as_str(), view.items.len()), ("Nuke", 1));
    }
}
