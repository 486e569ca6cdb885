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
    while let Ok(frame) = attached.queue.try_recv() {
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
            "5:3+::[]",
            "6:::3+[{\"success\":false,\"message\":\"the packet holds no event\"}]",
        ),
    ] {
        hub.receive(ada.id, packet);
        assert_eq!(ada.queue.try_recv().unwrap().as_str(), expected);
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_the_others_are_served() {
    let hub = Hub::default();
    let slow = hub.attach(identity("slow"));
    let mut quick = hub.attach(identity("quick"));
    subscribe(&hub, slow.id, "s", "topic=*");
    subscribe(&hub, quick.id, "q", "topic=*");
    for _ in 0..=QUEUE {
        hub.publish(&json!({"topic": "flood"}));
        assert_eq!(received(&mut quick).len(), 1);
    }
    assert!(*slow.is_dropped.borrow());
    assert_eq!(hub.connection_count(), 1);
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
