//! Menus are for their own user: hooks forget to say so, and then a person is offered what runs on another's machine.

use callboard_event::{Event, Expression, Operator, Path, REPLY_TOPIC, quote};
use serde_json::Value;

/// What asks for menus and chooses from them.
const MENUS: [&str; 2] = ["ftrack.action.discover", "ftrack.action.launch"];

/// What the web page asks to learn whether Connect is running.
const DISCOVER: &str = "ftrack.connect.discover";

/// Returns the expression for a user's own page asking whether Connect is running.
pub(super) fn asks_for_connect(user: &str) -> Option<Expression> {
    let user = quote(user)?;
    let text = format!("topic={DISCOVER} and source.user.username={user}");
    Expression::parse(&text).ok()
}

/// Tells whether an event asks for a menu, or chooses from one, in another user's name.
pub(super) fn is_of_another_user(event: &Event, user: &str) -> bool {
    MENUS.contains(&event.topic.as_str()) && event.username() != Some(user)
}

/// The member of a menu's entry that names the host whose hooks offered it. The host's own entries have another one:
/// what names that is the host's to answer, and it knows nothing of what hooks call their actions.
const HOST: &str = "callboardHookHost";

/// Tells whether an event chooses from a menu what another host of the same person offered there.
pub(super) fn is_for_another_host(event: &Event, host: &str) -> bool {
    let named = event.data.get(HOST).and_then(Value::as_str);
    event.topic == MENUS[1] && named.is_some_and(|named| named != host)
}

/// Has the entries in an answer to a menu name this host. Forms, whose items are no actions, stay as they are.
pub(super) fn offered_here(event: &mut Event, host: &str) {
    if event.topic != REPLY_TOPIC {
        return;
    }
    let entries = match &mut event.data {
        Value::Object(data) => data.get_mut("items"),
        list => Some(list),
    };
    let entries = entries.and_then(Value::as_array_mut).into_iter().flatten();
    for entry in entries.filter_map(Value::as_object_mut) {
        if entry.get("actionIdentifier").is_some_and(Value::is_string) {
            entry.entry(HOST).or_insert_with(|| host.into());
        }
    }
}

/// Returns the one topic that an expression can match, where it says so plainly.
pub(super) fn topic(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Condition(condition) => {
            let is_exact = *condition.path() == Path::new("topic")
                && condition.operator() == Operator::Equal
                && condition.prefix().is_none();
            is_exact.then(|| condition.value())
        }
        Expression::All(members) => members.iter().find_map(topic),
        _ => None,
    }
}

/// Returns an expression that leaves out other users' menus, where that is all it asks for.
pub(super) fn narrowed(expression: &Expression, user: &str) -> Expression {
    let is_menu = topic(expression).is_some_and(|topic| MENUS.contains(&topic));
    let own = quote(user)
        .filter(|_| is_menu)
        .and_then(|user| Expression::parse(&format!("source.user.username={user}")).ok());
    match own {
        Some(own) => Expression::All(vec![expression.clone(), own]),
        None => expression.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_asks_for_menus_is_narrowed() {
        for (text, expected) in [
            (
                "topic=ftrack.action.launch and data.actionIdentifier=a",
                "topic=\"ftrack.action.launch\" and data.actionIdentifier=\"a\" and source.user.username=\"ada\"",
            ),
            ("topic=ftrack.update", "topic=\"ftrack.update\""),
            ("topic=ftrack.action.*", "topic=\"ftrack.action.*\""),
        ] {
            let narrowed = narrowed(&Expression::parse(text).unwrap(), "ada");
            let expected = Expression::parse(expected).unwrap();
            let mut event = Event::new("ftrack.action.launch", json!({"actionIdentifier": "a"}));
            for user in ["ada", "eve"] {
                event.source = json!({"user": {"username": user}});
                assert_eq!(
                    narrowed.matches(&event),
                    expected.matches(&event),
                    "{text} {user}"
                );
            }
        }
    }

    #[test]
    fn what_is_offered_here_is_launched_here_and_nowhere_else() {
        let menu = json!({"items": [{"label": "A", "actionIdentifier": "a"}]});
        let mut reply = Event::new(REPLY_TOPIC, menu.clone());
        offered_here(&mut reply, "h1");
        let mut chosen = reply.data["items"][0].clone();
        assert_eq!(chosen[HOST], "h1");
        for (topic, data) in [
            (
                REPLY_TOPIC,
                json!({"items": [{"type": "text", "name": "a"}]}),
            ),
            (REPLY_TOPIC, json!(true)),
            ("studio.menu", menu),
        ] {
            let mut event = Event::new(topic, data.clone());
            offered_here(&mut event, "h1");
            assert_eq!(event.data, data);
        }
        let launch = |data: &Value| Event::new("ftrack.action.launch", data.clone());
        assert!(is_for_another_host(&launch(&chosen), "h2"));
        assert!(!is_for_another_host(&launch(&chosen), "h1"));
        // Whoever launches without a menu names no host, and reaches all.
        chosen.as_object_mut().unwrap().remove(HOST);
        assert!(!is_for_another_host(&launch(&chosen), "h2"));
    }

    #[test]
    fn another_users_menu_is_told_from_another_users_change() {
        let mut event = Event::new("ftrack.action.discover", json!({}));
        assert!(is_of_another_user(&event, "ada"));
        event.source = json!({"user": {"username": "ada"}});
        assert!(!is_of_another_user(&event, "ada"));
        event.topic = "ftrack.update".to_owned();
        assert!(!is_of_another_user(&event, "eve"));
    }
}
