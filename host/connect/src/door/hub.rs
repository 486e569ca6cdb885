//! The event hub as a child's client sees it: Socket.IO 0.9 over a WebSocket, carried by the host's one connection.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use callboard_event::Event;
use callboard_protocol::Permission;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, interval};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use std::sync::Arc;

use super::Door;
use super::reply::{Refusal, Reply, plain};
use crate::switchboard::Member;

/// How often a child's client is asked whether it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(70);

/// How long a session may wait for its WebSocket.
const UNUSED: Duration = Duration::from_secs(60);

/// How many sessions may wait for their WebSocket.
const SESSIONS: usize = 64;

/// How long a child may take to take a packet.
const SEND: Duration = Duration::from_secs(10);

/// The longest packet.
const MAX_PACKET_BYTES: usize = 8 << 20;

/// What the server may not be told in a child's name: the door sees to it itself.
const EVENT: &str = "ftrack.event";

/// Sessions that were given out and wait for their WebSocket.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Instant>>);

impl Sessions {
    fn begin(&self) -> Option<String> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, begun| begun.elapsed() < UNUSED);
        if sessions.len() >= SESSIONS {
            return None;
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        sessions.insert(id.clone(), Instant::now());
        Some(id)
    }

    fn take(&self, id: &str) -> bool {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions
            .remove(id)
            .is_some_and(|begun| begun.elapsed() < UNUSED)
    }
}

/// Begins a session.
pub(super) fn handshake(door: &Door) -> Reply {
    if let Err(sentence) = door.grants.need(&Permission::Events) {
        return Refusal::NotGranted(sentence).of_file();
    }
    match door.sessions.begin() {
        Some(id) => plain(StatusCode::OK, format!("{id}:60:60:websocket")),
        None => plain(StatusCode::TOO_MANY_REQUESTS, "too many sessions wait"),
    }
}

/// Takes a session's WebSocket.
pub(super) fn websocket(door: &Arc<Door>, id: &str, request: Request<Incoming>) -> Reply {
    if !door.sessions.take(id) {
        return plain(StatusCode::FORBIDDEN, "there is no such session");
    }
    let Ok(place) = Arc::clone(&door.links).try_acquire_owned() else {
        return plain(StatusCode::TOO_MANY_REQUESTS, "too many connections");
    };
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        return plain(StatusCode::BAD_REQUEST, "a WebSocket is expected here");
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return plain(StatusCode::BAD_REQUEST, "a WebSocket is expected here");
    };
    let serving = Arc::clone(door);
    door.tasks.spawn(async move {
        let upgraded = tokio::time::timeout(SEND, hyper::upgrade::on(request)).await;
        if let Ok(Ok(upgraded)) = upgraded {
            let config = WebSocketConfig::default()
                .max_message_size(Some(MAX_PACKET_BYTES))
                .max_frame_size(Some(MAX_PACKET_BYTES));
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
            Serving { door: &serving }.run(socket).await;
        }
        drop(place);
    });
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    reply
}

struct Serving<'a> {
    door: &'a Door,
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

impl Serving<'_> {
    async fn run(&self, mut socket: Socket) {
        let (member, mut events) = self.door.switchboard.join();
        let mut beat = interval(HEARTBEAT);
        let mut heard = Instant::now();
        if !send(&mut socket, "1::".to_owned()).await {
            return;
        }
        loop {
            let packet = tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        heard = Instant::now();
                        match self.take(&member, &text).await {
                            Taken::Answer(answer) => answer,
                            Taken::Nothing => continue,
                            Taken::End => break,
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {
                        heard = Instant::now();
                        continue;
                    }
                },
                event = events.recv() => match event.and_then(|event| self.packet(&event)) {
                    Some(packet) => packet,
                    None => continue,
                },
                _ = beat.tick() => {
                    if heard.elapsed() > SILENCE {
                        break;
                    }
                    "2::".to_owned()
                }
            };
            if !send(&mut socket, packet).await {
                break;
            }
        }
        // The client sees the end of the connection either way.
        drop(tokio::time::timeout(SEND, socket.close(None)).await);
    }

    /// Writes an event for the child; one that holds the key is kept from it.
    fn packet(&self, event: &Event) -> Option<String> {
        let event = serde_json::to_string(event).ok()?;
        let packet = format!("5:::{{\"name\":\"{EVENT}\",\"args\":[{event}]}}");
        let passage = self.door.passage().ok()?;
        if self
            .door
            .secrets(&passage)
            .check(packet.as_bytes())
            .is_err()
        {
            tracing::warn!(plugin = %self.door.plugin, "an event holds the API key: it was withheld");
            return None;
        }
        Some(packet)
    }

    async fn take(&self, member: &Member, packet: &str) -> Taken {
        let mut parts = packet.splitn(4, ':');
        let code = parts.next().unwrap_or_default();
        let number = parts.next().unwrap_or_default();
        let data = parts.nth(1).unwrap_or_default();
        match code {
            "0" => Taken::End,
            "5" => {
                let result = self.event(member, data).await;
                acknowledgement(number, result).map_or(Taken::Nothing, Taken::Answer)
            }
            _ => Taken::Nothing,
        }
    }

    async fn event(&self, member: &Member, data: &str) -> Result<(), String> {
        let bad = || "the packet holds no event".to_owned();
        let mut payload: Value = serde_json::from_str(data).map_err(|_| bad())?;
        let is_event = payload.get("name").and_then(Value::as_str) == Some(EVENT);
        let event = payload.pointer_mut("/args/0").map(Value::take);
        let Some(mut event) = event.filter(|_| is_event) else {
            return Err(bad());
        };
        if let Ok(passage) = self.door.passage() {
            self.door.addresses.outward(passage.server(), &mut event);
        }
        let event: Event = serde_json::from_value(event).map_err(|_| bad())?;
        let subscriber = event.data.get("subscriber").and_then(Value::as_object);
        match event.topic.as_str() {
            "ftrack.meta.subscribe" => {
                let expression = event.data.get("subscription").and_then(Value::as_str);
                let nobody = Map::new();
                member
                    .subscribe(
                        expression.unwrap_or_default(),
                        subscriber.unwrap_or(&nobody),
                    )
                    .await
                    .map_err(|error| error.to_string())
            }
            "ftrack.meta.unsubscribe" => {
                let id = subscriber.and_then(|subscriber| subscriber.get("id"));
                member
                    .unsubscribe(id.and_then(Value::as_str).unwrap_or_default())
                    .await;
                Ok(())
            }
            _ => member.publish(event),
        }
    }
}

/// What came of a packet.
enum Taken {
    Answer(String),
    Nothing,
    End,
}

/// Acknowledges a packet that asks for it: `12+` does.
fn acknowledgement(number: &str, result: Result<(), String>) -> Option<String> {
    let number: u64 = number.strip_suffix('+')?.parse().ok()?;
    let outcome = match result {
        Ok(()) => json!([{"success": true}]),
        Err(message) => json!([{"success": false, "message": message}]),
    };
    Some(format!("6:::{number}+{outcome}"))
}

async fn send(socket: &mut Socket, packet: String) -> bool {
    let sending = socket.send(Message::Text(packet.into()));
    matches!(tokio::time::timeout(SEND, sending).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_asks_for_it_is_acknowledged() {
        assert_eq!(
            acknowledgement("12+", Ok(())).unwrap(),
            r#"6:::12+[{"success":true}]"#
        );
        assert_eq!(
            acknowledgement("1+", Err("no".to_owned())).unwrap(),
            r#"6:::1+[{"success":false,"message":"no"}]"#
        );
        for number in ["", "12", "x+"] {
            assert_eq!(acknowledgement(number, Ok(())), None);
        }
    }

    #[test]
    fn a_session_serves_once() {
        let sessions = Sessions::default();
        let id = sessions.begin().unwrap();
        assert!(sessions.take(&id));
        assert!(!sessions.take(&id) && !sessions.take("other"));
        let begun = std::iter::from_fn(|| sessions.begin());
        assert_eq!(begun.take(SESSIONS + 1).count(), SESSIONS);
    }
}
