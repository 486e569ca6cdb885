use super::*;

fn identity(name: &str) -> Identity {
    Identity {
        user_id: Arc::from(format!("id-of-{name}")),
        username: Arc::from(name),
    }
}

fn subscribe(hub: &Hub, connection: u64, id: &str, subscription: &str) {
    let event = json!({"topic": "ftrack.meta.subscribe", "data": {"subscriber": {"id": id}, "subscription": subscription}});
    assert!(hub.receive(connection, &packet::event(&event)));
}

/// What waits for a connection, without the framing.
fn received(attached: &mut Attached) -> Vec<Json> {
    let mut events = Vec::new();
    while let Some(frame) = attached.queue.try_take() {
        let text = frame
            .as_str()
            .strip_prefix("5:::")
            .expect("only events are expected here")
            .to_owned();
        events.push(serde_json::from_str::<Json>(&text).unwrap()["args"][0].take());
    }
    events
}

#[test]
fn an_event_comes_once_per_connection_with_the_publisher_named() {
    let hub = Hub::default();
    let mut ada = hub.attach(identity("ada"));
    let mut bo = hub.attach(identity("bo"));
    subscribe(&hub, ada.id, "one", "topic=test.*");
    subscribe(&hub, ada.id, "two", "topic=test.a");
    subscribe(&hub, bo.id, "three", "topic=other");
    hub.receive(
        ada.id,
        &packet::event(&json!({"topic": "test.a", "data": {}, "extra": 1, "source": {"id": "me"}})),
    );
    let events = received(&mut ada);
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0]["source"],
        json!({"id": "me", "user": {"username": "ada", "id": "id-of-ada"}})
    );
    assert_eq!(events[0].get("extra"), None);
    assert!(received(&mut bo).is_empty());
}

#[test]
fn a_reply_reaches_only_the_hub_it_is_meant_for() {
    let hub = Hub::default();
    let mut ada = hub.attach(identity("ada"));
    let mut bo = hub.attach(identity("bo"));
    subscribe(&hub, ada.id, "hub-a", "topic=ftrack.meta.reply");
    subscribe(&hub, ada.id, "hub-a", "topic=ftrack.meta.reply");
    subscribe(&hub, bo.id, "hub-b", "topic=ftrack.meta.reply");
    hub.receive(
        ada.id,
        &packet::event(&json!({"topic": "ftrack.meta.reply", "data": 1, "target": "id=hub-b"})),
    );
    assert!(received(&mut ada).is_empty());
    assert_eq!(received(&mut bo).len(), 1);
}

#[test]
fn what_is_wrong_with_a_packet_is_acknowledged() {
    let hub = Hub::default();
    let mut ada = hub.attach(identity("ada"));
    for (packet, expected) in [
        (
            "5:1+::{\"name\":\"ftrack.event\",\"args\":[{\"topic\":\"x\",\"data\":{}}]}",
            "6:::1+[{\"success\":true}]",
        ),
        (
            "5:2+::{\"name\":\"ftrack.event\",\"args\":[{}]}",
            "6:::2+[{\"success\":false,\"message\":\"the event has no topic\"}]",
        ),
        (
            "5:4+::{\"name\":\"ftrack.event\",\"args\":[{\"topic\":\"x\",\"target\":\"id=\"}]}",
            "6:::4+[{\"success\":false,\"message\":\"nobody gets it: the target cannot be read: expected a value, or text in quotes at character 4\"}]",
        ),
        (
            "5:5+::{\"name\":\"ftrack.event\",\"args\":[{\"topic\":\"ftrack.meta.unsubscribe\",\"data\":{}}]}",
            "6:::5+[{\"success\":false,\"message\":\"the subscriber has no id\"}]",
        ),
        (
            "5:6+::{\"name\":\"ftrack.event\",\"args\":[{\"topic\":\"ftrack.meta.subscribe\",\"data\":{\"subscriber\":{\"id\":\"s\"}}}]}",
            "6:::6+[{\"success\":false,\"message\":\"there is no subscription\"}]",
        ),
        (
            "5:3+::[]",
            "6:::3+[{\"success\":false,\"message\":\"the packet holds no event\"}]",
        ),
    ] {
        hub.receive(ada.id, packet);
        assert_eq!(ada.queue.try_take().unwrap().as_str(), expected);
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped_with_a_reason_and_the_others_are_served() {
    let hub = Hub::default();
    let slow = hub.attach(identity("slow"));
    let mut quick = hub.attach(identity("quick"));
    subscribe(&hub, slow.id, "s", "topic=*");
    subscribe(&hub, quick.id, "q", "topic=*");
    let mut published = 0;
    while hub.connection_count() == 2 {
        hub.publish(&json!({"topic": "flood"}));
        published += 1;
        assert_eq!(received(&mut quick).len(), 1);
        assert!(published < 100_000);
    }
    let ending = slow.ending.borrow().clone();
    let dropped = hub.dropped();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].user, "slow");
    assert_eq!(ending, Some(Ending::Refused(dropped[0].reason.clone())));
    let waited = format!("{} messages", published - 1);
    assert!(dropped[0].reason.contains(&waited), "{}", dropped[0].reason);
    hub.publish(&json!({"topic": "after"}));
    assert_eq!(received(&mut quick).len(), 1);
    assert_eq!(hub.state().subscribers.len(), 1);
}

#[test]
fn a_client_that_came_back_uses_its_ids_beside_its_dead_connection() {
    let hub = Hub::default();
    let dead = hub.attach(identity("ada"));
    subscribe(&hub, dead.id, "same", "topic=a");
    let mut back = hub.attach(identity("ada"));
    subscribe(&hub, back.id, "same", "topic=a");
    hub.detach(dead.id);
    hub.publish(&json!({"topic": "a"}));
    assert_eq!(received(&mut back).len(), 1);
}

#[test]
fn a_subscriber_of_the_same_id_is_replaced_and_one_that_ended_hears_nothing() {
    let hub = Hub::default();
    let mut ada = hub.attach(identity("ada"));
    subscribe(&hub, ada.id, "one", "topic=a");
    subscribe(&hub, ada.id, "one", "topic=b");
    hub.publish(&json!({"topic": "a"}));
    assert!(received(&mut ada).is_empty());
    hub.publish(&json!({"topic": "b"}));
    assert_eq!(received(&mut ada).len(), 1);
    let end = json!({"topic": "ftrack.meta.unsubscribe", "data": {"subscriber": {"id": "one"}}});
    hub.receive(ada.id, &packet::event(&end));
    hub.publish(&json!({"topic": "b"}));
    assert!(received(&mut ada).is_empty());
    let state = hub.state();
    assert!(state.index.is_empty() && state.subscribers.is_empty());
}

#[test]
fn a_subscription_that_cannot_be_read_leaves_the_one_before() {
    let hub = Hub::default();
    let mut ada = hub.attach(identity("ada"));
    subscribe(&hub, ada.id, "one", "topic=a");
    subscribe(&hub, ada.id, "one", "topic=");
    hub.publish(&json!({"topic": "a"}));
    assert_eq!(received(&mut ada).len(), 1);
}

#[test]
fn what_clients_tell_themselves_goes_nowhere() {
    let hub = Hub::default();
    let mut ada = hub.attach(identity("ada"));
    subscribe(&hub, ada.id, "all", "topic=*");
    for topic in [
        "ftrack.meta.connected",
        "ftrack.meta.disconnected",
        "ftrack.meta.subscriber",
    ] {
        let event = json!({"topic": topic, "data": {}});
        hub.receive(ada.id, &packet::event(&event));
    }
    assert!(received(&mut ada).is_empty());
}

#[test]
fn a_session_can_be_used_once() {
    let hub = Hub::default();
    let id = hub.handshake(identity("ada"));
    assert_eq!(hub.take_session(&id), Some(identity("ada")));
    assert_eq!(hub.take_session(&id), None);
    let id = hub.handshake(identity("ada"));
    hub.forget_sessions();
    assert_eq!(hub.take_session(&id), None);
}
