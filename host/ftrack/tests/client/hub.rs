//! The event hub against a server that does what a test tells it to.

use std::time::Duration;

use callboard_event::{Event, Expression};
use ftrack::{
    CallError, ConnectionLost, EventHub, HubMessage, HubMessages, HubOptions, HubState,
    PublishError, UnreachableCause,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Reply, Request, Server, ServerSocket, raw};

/// Every wait of these tests ends by itself.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .expect("it did not happen in time")
}

/// The server's end of one connection.
struct Peer(ServerSocket);

impl Peer {
    async fn send(&mut self, packet: impl Into<String>) {
        self.0.send(Message::text(packet.into())).await.unwrap();
    }

    async fn send_event(&mut self, event: &Event) {
        self.send(format!(
            "5:::{}",
            json!({"name": "ftrack.event", "args": [event]})
        ))
        .await;
    }

    async fn packet(&mut self) -> String {
        loop {
            match soon(self.0.next()).await {
                Some(Ok(Message::Text(text))) => return text.as_str().to_owned(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no packet but {other:?}"),
            }
        }
    }

    /// Returns the next event, and the number under which it wants to be acknowledged.
    async fn event(&mut self) -> (u64, Event) {
        let packet = self.packet().await;
        let (number, payload) = packet
            .strip_prefix("5:")
            .and_then(|rest| rest.split_once("+::"))
            .expect("an event");
        let mut payload: Value = serde_json::from_str(payload).unwrap();
        assert_eq!(payload["name"], "ftrack.event");
        (
            number.parse().unwrap(),
            serde_json::from_value(payload["args"][0].take()).unwrap(),
        )
    }

    async fn acknowledge(&mut self, number: u64) {
        self.send(format!("6:::{number}+[{{\"success\":true}}]"))
            .await;
    }

    /// Takes so many subscriptions and returns their expressions and subscribers.
    async fn subscriptions(&mut self, count: usize) -> Vec<(String, Value)> {
        let mut taken = Vec::new();
        for _ in 0..count {
            let (number, mut event) = self.event().await;
            assert_eq!(event.topic, "ftrack.meta.subscribe");
            taken.push((
                event.data["subscription"].as_str().unwrap().to_owned(),
                event.data["subscriber"].take(),
            ));
            self.acknowledge(number).await;
        }
        taken
    }
}

struct Fixture {
    server: Server,
    peers: mpsc::Receiver<ServerSocket>,
    hub: EventHub,
    messages: HubMessages,
}

fn options() -> HubOptions {
    HubOptions {
        application_id: Some("test".to_owned()),
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(20),
        refused_pause: Duration::from_millis(20),
        ..HubOptions::default()
    }
}

fn hub_server(
    handshake: &'static str,
) -> (
    impl Fn(&Request) -> Reply + Send + Sync + 'static,
    mpsc::Receiver<ServerSocket>,
) {
    let (sockets, peers) = mpsc::channel(4);
    let reply = move |request: &Request| match request.target.as_str() {
        "/socket.io/1/" => raw("200 OK", &[], handshake),
        "/socket.io/1/websocket/s%2F1" => Reply::WebSocket(sockets.clone()),
        _ => Reply::Close,
    };
    (reply, peers)
}

impl Fixture {
    async fn start() -> Self {
        Self::start_with("s/1:60:60:websocket", options()).await
    }

    async fn start_with(handshake: &'static str, options: HubOptions) -> Self {
        let (reply, peers) = hub_server(handshake);
        let server = Server::start(reply).await;
        let (hub, messages) = EventHub::start(&server.config(), options).unwrap();
        Self {
            server,
            peers,
            hub,
            messages,
        }
    }

    async fn peer(&mut self) -> Peer {
        Peer(soon(self.peers.recv()).await.unwrap())
    }

    /// Lets the hub connect, with its own subscription alone.
    async fn connected(&mut self) -> Peer {
        let mut peer = self.peer().await;
        peer.subscriptions(1).await;
        assert_eq!(self.message().await, HubMessage::Connected);
        peer
    }

    async fn message(&mut self) -> HubMessage {
        soon(self.messages.recv()).await.unwrap()
    }

    async fn subscribe(&self, expression: &str, metadata: Value) -> String {
        let Value::Object(metadata) = metadata else {
            panic!("not an object")
        };
        let expression = Expression::parse(expression).unwrap();
        self.hub
            .subscribe(expression, metadata)
            .await
            .unwrap()
            .to_string()
    }
}

fn event(topic: &str) -> Event {
    Event::new(topic, json!({}))
}

#[tokio::test]
async fn a_hub_introduces_itself_and_answers_heartbeats() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.peer().await;
    let subscriptions = peer.subscriptions(1).await;
    assert_eq!(
        subscriptions,
        [(
            "topic=ftrack.meta.reply".to_owned(),
            json!({"id": fixture.hub.id()})
        )]
    );
    assert_eq!(fixture.message().await, HubMessage::Connected);
    assert_eq!(fixture.hub.state(), HubState::Connected);
    peer.send("2::").await;
    assert_eq!(peer.packet().await, "2::");
    let handshake = &fixture.server.requests()[0];
    assert_eq!(handshake.header("ftrack-user"), Some("ada"));
    assert_eq!(handshake.header("ftrack-api-key"), Some("key-of-ada"));
}

#[tokio::test]
async fn an_event_goes_to_those_who_want_it_and_are_meant() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    let all = fixture
        .subscribe("topic=ftrack.*", json!({"id": "all"}))
        .await;
    let one = fixture
        .subscribe(
            "topic=ftrack.update",
            json!({"id": "one", "applicationId": "a"}),
        )
        .await;
    let subscriptions = peer.subscriptions(2).await;
    assert_eq!(
        subscriptions[1],
        (
            "topic=ftrack.update".to_owned(),
            json!({"id": "one", "applicationId": "a"})
        )
    );

    peer.send_event(&event("other")).await;
    peer.send("5:::{not json").await;
    peer.send_event(&event("ftrack.update").with_target("applicationId=b"))
        .await;
    peer.send_event(&event("ftrack.update").with_target("applicationId=a"))
        .await;
    peer.send_event(&event("ftrack.update").with_id("e")).await;
    for expected in [vec![one.clone()], vec![one, all]] {
        let HubMessage::Event { subscribers, .. } = fixture.message().await else {
            panic!("no event")
        };
        let mut subscribers: Vec<_> = subscribers.iter().map(ToString::to_string).collect();
        subscribers.sort_unstable_by(|left, right| right.cmp(left));
        assert_eq!(subscribers, expected);
    }
}

#[tokio::test]
async fn subscriptions_and_waiting_events_outlive_the_connection() {
    let mut fixture = Fixture::start().await;
    let id = fixture
        .subscribe("topic=a and data.x=\"1 2\"", json!({}))
        .await;
    let mut peer = fixture.peer().await;
    let before = peer.subscriptions(2).await;
    assert_eq!(
        before[1],
        ("topic=a and data.x=\"1 2\"".to_owned(), json!({"id": id}))
    );
    assert_eq!(fixture.message().await, HubMessage::Connected);

    drop(peer);
    assert!(matches!(
        fixture.message().await,
        HubMessage::Disconnected {
            reason: ConnectionLost::Closed { .. }
        }
    ));
    fixture.hub.publish(event("said meanwhile")).unwrap();
    let mut peer = fixture.peer().await;
    assert_eq!(peer.subscriptions(2).await, before);
    assert_eq!(peer.event().await.1.topic, "said meanwhile");
    assert_eq!(fixture.message().await, HubMessage::Connected);
}

#[tokio::test]
async fn a_server_that_was_restarted_is_found_again() {
    let mut fixture = Fixture::start().await;
    let peer = fixture.connected().await;
    let address = fixture.server.address;
    fixture.server = Server::start(|_| Reply::Close).await;
    drop(peer);
    assert!(matches!(
        fixture.message().await,
        HubMessage::Disconnected { .. }
    ));
    let HubMessage::Disconnected { reason } = fixture.message().await else {
        panic!("no second reason")
    };
    let ConnectionLost::NotConnected(CallError::Unreachable { cause, .. }) = reason else {
        panic!("{reason:?}")
    };
    assert_eq!(cause, UnreachableCause::ConnectionRefused);

    let (reply, peers) = hub_server("s/1:60:60:websocket");
    fixture.server = Server::start_at(&address.to_string(), reply).await;
    fixture.peers = peers;
    fixture.connected().await;
}

#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let mut fixture = Fixture::start_with("s/1:1:60:websocket", options()).await;
    let _silent = fixture.connected().await;
    let HubMessage::Disconnected { reason } = fixture.message().await else {
        panic!("still connected")
    };
    assert!(
        matches!(reason, ConnectionLost::Silent { .. }),
        "{reason:?}"
    );
    fixture.connected().await;
}

#[tokio::test]
async fn a_server_that_ends_the_connection_by_packet_is_left() {
    for packet in ["0::", "7:::client not handshaken+reconnect"] {
        let mut fixture = Fixture::start().await;
        let mut peer = fixture.connected().await;
        peer.send(packet).await;
        assert!(matches!(
            fixture.message().await,
            HubMessage::Disconnected {
                reason: ConnectionLost::Closed { .. }
            }
        ));
        fixture.connected().await;
    }
}

#[tokio::test]
async fn refused_credentials_are_a_state_of_their_own() {
    let server = Server::start(|_| raw("401 Unauthorized", &[], "")).await;
    let (hub, mut messages) = EventHub::start(&server.config(), options()).unwrap();
    let HubMessage::Disconnected { reason } = soon(messages.recv()).await.unwrap() else {
        panic!("connected")
    };
    assert!(reason.is_refusal());
    let mut state = hub.watch_state();
    soon(state.wait_for(|state| matches!(state, HubState::Refused { .. })))
        .await
        .unwrap();
    // It goes on trying, and does not say the same again.
    soon(async {
        while server.requests().len() < 3 {
            tokio::task::yield_now().await
        }
    })
    .await;
    assert_eq!(messages.try_recv(), None);
}

#[tokio::test]
async fn what_is_no_event_hub_is_called_so() {
    let reason = async |reply: fn(&Request) -> Reply| {
        let server = Server::start(reply).await;
        let (_hub, mut messages) = EventHub::start(&server.config(), options()).unwrap();
        match soon(messages.recv()).await.unwrap() {
            HubMessage::Disconnected { reason } => reason.sentence(),
            other => panic!("{other:?}"),
        }
    };
    let page = reason(|_| raw("200 OK", &[], "<!DOCTYPE html>")).await;
    assert_eq!(
        page,
        "127.0.0.1 is no ftrack server: it answered with a web page."
    );
    let polling = reason(|_| raw("200 OK", &[], "s:60:60:xhr-polling")).await;
    assert_eq!(polling, "ftrack's event hub offers no WebSocket.");
    let upgrade = reason(|request| match request.target.as_str() {
        "/socket.io/1/" => raw("200 OK", &[], "s:60:60:websocket"),
        _ => raw("200 OK", &[], "hello"),
    });
    assert_eq!(upgrade.await, "ftrack's event hub offers no WebSocket.");
}

#[tokio::test]
async fn an_event_carries_who_published_it() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    let id = fixture.hub.publish(event("a")).unwrap();
    let (_, sent) = peer.event().await;
    assert_eq!(sent.id, id);
    let hub_id = fixture.hub.id();
    assert_eq!(
        sent.source,
        json!({"applicationId": "test", "id": hub_id, "user": {"username": "ada"}})
    );

    let mut asked = event("ftrack.action.discover").with_id("e1");
    asked.source = json!({"id": "their hub", "user": {"id": "u1"}});
    fixture.hub.reply(&asked, json!({"items": []})).unwrap();
    let (_, reply) = peer.event().await;
    assert_eq!(reply.topic, "ftrack.meta.reply");
    assert_eq!(
        (reply.target.as_str(), reply.in_reply_to_event.as_deref()),
        ("id=\"their hub\"", Some("e1"))
    );
}

#[tokio::test]
async fn replies_are_collected_until_the_deadline_or_the_first() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    let answer = async |peer: &mut Peer| {
        let (_, asked) = peer.event().await;
        for number in 0..3 {
            peer.send_event(&Event::reply_to(&asked, json!({"number": number})))
                .await;
        }
    };
    let hub = fixture.hub.clone();
    let collecting = hub.publish_and_collect(event("a"), Duration::from_millis(300));
    let (replies, ()) = tokio::join!(collecting, answer(&mut peer));
    let numbers: Vec<_> = replies
        .unwrap()
        .iter()
        .map(|reply| reply.data["number"].clone())
        .collect();
    assert_eq!(numbers, [0, 1, 2]);

    let (reply, ()) = tokio::join!(
        soon(hub.request(event("a"), Duration::from_secs(60))),
        answer(&mut peer)
    );
    assert_eq!(reply.unwrap().unwrap().data["number"], 0);
    let nobody = hub
        .publish_and_collect(event("b"), Duration::from_millis(10))
        .await;
    assert_eq!(nobody, Ok(Vec::new()));
}

#[tokio::test]
async fn it_is_known_of_each_event_what_became_of_it() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    let hub = fixture.hub.clone();
    let publish = |deadline| hub.publish_confirmed(event("a"), Duration::from_millis(deadline));

    let (confirmed, ()) = tokio::join!(publish(10_000), async {
        let (number, _) = peer.event().await;
        peer.acknowledge(number).await;
    });
    assert!(confirmed.is_ok());
    let (rejected, ()) = tokio::join!(publish(10_000), async {
        let (number, _) = peer.event().await;
        peer.send(format!(
            "6:::{number}+[{{\"success\":false,\"message\":\"no\"}}]"
        ))
        .await;
    });
    assert_eq!(
        rejected,
        Err(PublishError::Rejected {
            message: "no".to_owned()
        })
    );
    assert_eq!(publish(20).await, Err(PublishError::Unconfirmed));
    peer.event().await;

    let (cut, ()) = tokio::join!(publish(10_000), async {
        peer.event().await;
        drop(peer);
    });
    assert_eq!(cut, Err(PublishError::Unconfirmed));
    // Whatever connection there is by now goes too, and no other comes.
    fixture.server.stop().await;
    fixture.peers.close();
    while fixture.peers.recv().await.is_some() {}
    let mut state = hub.watch_state();
    soon(state.wait_for(|state| matches!(state, HubState::Disconnected { .. })))
        .await
        .unwrap();
    assert_eq!(publish(20).await, Err(PublishError::NotSent));
}

#[tokio::test]
async fn what_cannot_wait_is_refused_at_once() {
    let server = Server::start(|_| Reply::Hang).await;
    let options = HubOptions {
        waiting_publishes: 2,
        ..options()
    };
    let (hub, _messages) = EventHub::start(&server.config(), options).unwrap();
    assert!(hub.publish(event("1")).is_ok() && hub.publish(event("2")).is_ok());
    assert_eq!(hub.publish(event("3")), Err(PublishError::QueueFull));
    let late = hub
        .publish_confirmed(event("4"), Duration::from_secs(60))
        .await;
    assert_eq!(late, Err(PublishError::QueueFull));
    hub.close().await;
    assert_eq!(hub.state(), HubState::Closed);
    assert_eq!(hub.publish(event("5")), Err(PublishError::Closed));
    assert!(
        hub.subscribe(Expression::parse("topic=a").unwrap(), Map::new())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_subscription_that_the_server_does_not_take_is_a_warning() {
    let mut fixture = Fixture::start().await;
    fixture.subscribe("topic=a", json!({})).await;
    let mut peer = fixture.peer().await;
    peer.subscriptions(1).await;
    let (number, _) = peer.event().await;
    peer.send(format!(
        "6:::{number}+[{{\"success\":false,\"message\":\"not that\"}}]"
    ))
    .await;
    let sentence = "ftrack did not accept the subscription `topic=a`: not that".to_owned();
    assert_eq!(fixture.message().await, HubMessage::Warning { sentence });
    assert_eq!(fixture.message().await, HubMessage::Connected);
}

#[tokio::test]
async fn large_events_pass_both_ways() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    fixture.subscribe("topic=large", json!({})).await;
    peer.subscriptions(1).await;
    let large = Event::new("large", json!({"text": "é".repeat(9 * 1024 * 1024)})).with_id("l");
    fixture.hub.publish(large.clone()).unwrap();
    let echo = async {
        let (_, sent) = peer.event().await;
        peer.send_event(&sent).await;
        // The answer to this shows that all before it was read.
        peer.send("2::").await;
        assert_eq!(peer.packet().await, "2::");
    };
    let ((), message) = tokio::join!(echo, fixture.messages.recv());
    let Some(HubMessage::Event { event, .. }) = message else {
        panic!("no event")
    };
    assert_eq!(event.into_event().unwrap().data, large.data);
}

#[tokio::test]
async fn a_program_that_does_not_listen_loses_events_but_not_the_connection() {
    let mut fixture = Fixture::start_with(
        "s/1:60:60:websocket",
        HubOptions {
            waiting_messages: 10,
            ..options()
        },
    )
    .await;
    let mut peer = fixture.connected().await;
    fixture.subscribe("topic=a", json!({})).await;
    peer.subscriptions(1).await;
    for _ in 0..400 {
        peer.send_event(&event("a")).await;
    }
    peer.send("2::").await;
    assert_eq!(peer.packet().await, "2::");
    let (mut events, mut dropped) = (0, 0);
    while dropped == 0 {
        match fixture.message().await {
            HubMessage::Event { .. } => events += 1,
            HubMessage::Dropped { events } => dropped = events,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((events, dropped), (10, 400 - 10));
}

#[tokio::test]
async fn a_nudge_tries_at_once_and_finds_a_dead_link() {
    let patient = HubOptions {
        first_pause: Duration::from_secs(600),
        longest_pause: Duration::from_secs(600),
        ..options()
    };
    let mut fixture = Fixture::start_with("s/1:60:60:websocket", patient).await;
    let peer = fixture.connected().await;
    drop(peer);
    assert!(matches!(
        fixture.message().await,
        HubMessage::Disconnected { .. }
    ));
    fixture.hub.nudge();
    let mut peer = fixture.connected().await;
    fixture.hub.nudge();
    let ping = soon(peer.0.next()).await;
    assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
}

#[tokio::test]
async fn closing_sends_what_waits() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    for _ in 0..20 {
        fixture.hub.publish(event("last words")).unwrap();
    }
    let hear = async {
        for _ in 0..20 {
            assert_eq!(peer.event().await.1.topic, "last words");
        }
        let end = soon(peer.0.next()).await;
        assert!(matches!(end, Some(Ok(Message::Close(_)))), "{end:?}");
    };
    tokio::join!(fixture.hub.close(), hear);
    assert_eq!(fixture.hub.state(), HubState::Closed);
}

#[tokio::test]
async fn our_packets_say_what_the_official_clients_say() {
    let options = HubOptions {
        application_id: None,
        host_name: Some("ws-01".to_owned()),
        ..options()
    };
    let mut fixture = Fixture::start_with("s/1:60:60:websocket", options).await;
    let mut peer = fixture.peer().await;
    let mut ours = vec![peer.packet().await];
    peer.acknowledge(1).await;
    assert_eq!(fixture.message().await, HubMessage::Connected);

    let metadata = json!({"id": "SUBSCRIBER", "applicationId": "studio.tool"});
    let wanted = Expression::parse("topic=studio.ask and source.user.username=ada").unwrap();
    let Value::Object(subscriber) = metadata.clone() else {
        panic!("not an object")
    };
    let id = fixture.hub.subscribe(wanted, subscriber).await.unwrap();
    ours.push(peer.packet().await);
    let ask = Event::new("studio.ask", json!({"shot": "sh010", "é": "a:b"})).with_id("ASK");
    fixture.hub.publish(ask.clone()).unwrap();
    ours.push(peer.packet().await);
    // The official client replies as the subscriber.
    let asked = Event {
        source: json!({"id": fixture.hub.id()}),
        ..ask
    };
    let reply = Event {
        source: metadata,
        ..Event::reply_to(&asked, json!({"answer": 42}))
    };
    fixture.hub.publish(reply).unwrap();
    ours.push(peer.packet().await);
    fixture.hub.unsubscribe(&id).await.unwrap();
    ours.push(peer.packet().await);

    let hub_id = fixture.hub.id();
    let recorded = include_str!("fixtures/official_packets.txt").lines();
    let read = |packet: &str| {
        let (number, payload) = packet.split_once("::").unwrap();
        let mut payload: Value = serde_json::from_str(payload).unwrap();
        if payload["args"][0]["id"] != "ASK" {
            payload["args"][0]["id"] = json!("*");
        }
        (number.to_owned(), payload)
    };
    let recorded: Vec<_> = recorded.map(read).collect();
    let ours: Vec<_> = ours
        .iter()
        .map(|packet| read(&packet.replace(hub_id, "HUB")))
        .collect();
    assert_eq!(ours, recorded);
}

#[tokio::test]
async fn a_hub_counts_what_it_does() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    fixture.subscribe("topic=a", json!({})).await;
    peer.subscriptions(1).await;
    for topic in ["a", "b", "a"] {
        peer.send_event(&event(topic)).await;
    }
    for _ in 0..2 {
        assert!(matches!(fixture.message().await, HubMessage::Event { .. }));
    }
    let hub = fixture.hub.clone();
    let asking =
        tokio::spawn(async move { hub.request(event("ask"), Duration::from_secs(10)).await });
    let (_, asked) = peer.event().await;
    peer.send_event(&Event::reply_to(&asked, json!({}))).await;
    assert!(soon(asking).await.unwrap().unwrap().is_some());
    let metrics = fixture.hub.metrics();
    assert_eq!(
        (metrics.received, metrics.matched, metrics.replies),
        (4, 2, 1)
    );
    assert_eq!((metrics.sent, metrics.reconnects), (3, 0));
    assert_eq!((metrics.dropped, metrics.most_waiting_publishes), (0, 1));
    drop(peer);
    let mut peer = fixture.peer().await;
    peer.subscriptions(2).await;
    assert_eq!(fixture.hub.metrics().reconnects, 1);
}

#[tokio::test]
async fn a_renewed_hub_connects_anew_with_the_new_key_and_its_subscriptions() {
    let mut fixture = Fixture::start().await;
    let mut peer = fixture.connected().await;
    fixture.subscribe("topic=a", json!({"id": "one"})).await;
    peer.subscriptions(1).await;
    let mut config = fixture.server.config();
    config.api_key = "another-key".to_owned().into();
    fixture.hub.renew(&config).await.unwrap();
    let mut peer = fixture.peer().await;
    let subscriptions = peer.subscriptions(2).await;
    assert_eq!(
        subscriptions[1],
        ("topic=a".to_owned(), json!({"id": "one"}))
    );
    let handshakes = fixture.server.requests();
    let handshake = handshakes
        .iter()
        .rfind(|request| request.target == "/socket.io/1/");
    assert_eq!(
        handshake.unwrap().header("ftrack-api-key"),
        Some("another-key")
    );
    config.server = "not a server:".to_owned();
    assert!(fixture.hub.renew(&config).await.is_err());
}

#[tokio::test]
async fn an_event_that_was_given_up_before_there_was_a_connection_is_never_sent() {
    let (reply, mut peers) = hub_server("s/1:60:60:websocket");
    let (open, is_open) = watch::channel(false);
    let server = Server::start(move |request| match *is_open.borrow() {
        true => reply(request),
        false => Reply::Close,
    })
    .await;
    let (hub, _messages) = EventHub::start(&server.config(), options()).unwrap();
    let waiting = hub.clone();
    let given_up = tokio::spawn(async move {
        let deadline = Duration::from_secs(10);
        waiting.publish_confirmed(event("given up"), deadline).await
    });
    let is_taken = async {
        while hub.metrics().most_waiting_publishes == 0 {
            tokio::task::yield_now().await;
        }
    };
    soon(is_taken).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    hub.publish(event("wanted")).unwrap();
    open.send_replace(true);
    let mut peer = Peer(soon(peers.recv()).await.unwrap());
    peer.subscriptions(1).await;
    assert_eq!(peer.event().await.1.topic, "wanted");
}
