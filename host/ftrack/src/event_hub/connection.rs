//! The way to an open WebSocket: handshake, then upgrade.
//!
//! Both go through the HTTP client, so that proxy, certificates and credentials are the same as for calls.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt, future};
use reqwest::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Client, Response, StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::lost::ConnectionLost;
use crate::error::CallError;
use crate::http::{self, Head};
use crate::server_url::ServerUrl;

/// Updates of large changes are several MiB; the server has no limit that we know of.
const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// A handshake's answer is one short line.
const MAX_HANDSHAKE_BYTES: usize = 64 * 1024;

/// Where to connect to, and with what.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) client: Client,
    pub(super) server: ServerUrl,
    pub(super) timeout: Duration,
}

/// An open connection.
pub(super) struct Connection {
    pub(super) socket: Socket,
    /// For how long the server may be silent.
    pub(super) patience: Duration,
}

pub(super) type Socket = WebSocketStream<Upgraded>;

impl Endpoint {
    /// Makes a connection.
    pub(super) async fn connect(self) -> Result<Connection, ConnectionLost> {
        let timeout = self.timeout;
        let connecting = async {
            let handshake = self.handshake().await?;
            let socket = self.upgrade(&handshake).await?;
            Ok(Connection {
                socket,
                patience: handshake.patience,
            })
        };
        let timed_out = |_| {
            Err(ConnectionLost::NotConnected(CallError::TimedOut {
                after: timeout,
            }))
        };
        tokio::time::timeout(timeout, connecting)
            .await
            .unwrap_or_else(timed_out)
    }

    async fn handshake(&self) -> Result<Handshake, ConnectionLost> {
        let request = self.client.get(self.server.at_root("/socket.io/1/"));
        let mut response = self.send(request).await?;
        self.refuse(&response)?;
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(&error))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_HANDSHAKE_BYTES {
                break;
            }
        }
        let not_ftrack = || {
            let answer = if body.trim_ascii_start().starts_with(b"<") {
                "a web page"
            } else {
                "no handshake"
            };
            let host = self.server.host().to_owned();
            ConnectionLost::NotConnected(CallError::NotFtrack {
                host,
                answer: answer.to_owned(),
            })
        };
        let text = std::str::from_utf8(&body).map_err(|_| not_ftrack())?;
        let handshake = Handshake::parse(text).ok_or_else(not_ftrack)?;
        if !handshake.has_web_socket {
            return Err(ConnectionLost::NoWebSocket {
                detail: "it lists other transports only".to_owned(),
            });
        }
        Ok(handshake)
    }

    async fn upgrade(&self, handshake: &Handshake) -> Result<Socket, ConnectionLost> {
        let mut url = self.server.at_root("/socket.io/1/websocket/");
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&handshake.session);
        }
        let key = generate_key();
        let request = self
            .client
            .get(url)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .header(
                ORIGIN,
                self.server.at_root("").origin().ascii_serialization(),
            );
        let response = self.send(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            self.refuse(&response)?;
            let detail = format!(
                "status {} instead of an upgrade",
                response.status().as_u16()
            );
            return Err(ConnectionLost::NoWebSocket { detail });
        }
        let accepted = response
            .headers()
            .get(SEC_WEBSOCKET_ACCEPT)
            .and_then(|value| value.to_str().ok());
        if accepted != Some(derive_accept_key(key.as_bytes()).as_str()) {
            return Err(ConnectionLost::NoWebSocket {
                detail: "the upgrade has a wrong signature".to_owned(),
            });
        }
        let upgraded = response
            .upgrade()
            .await
            .map_err(|error| self.failure(&error))?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, ConnectionLost> {
        request.send().await.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &reqwest::Error) -> ConnectionLost {
        ConnectionLost::NotConnected(http::failure(error, self.timeout))
    }

    fn refuse(&self, response: &Response) -> Result<(), ConnectionLost> {
        let refusal = http::from_status(response.status(), &Head::of(response), self.server.host());
        refusal.map_or(Ok(()), |error| Err(ConnectionLost::NotConnected(error)))
    }
}

/// What the server grants: `session:heartbeat timeout:close timeout:transports`.
#[derive(Debug, PartialEq)]
struct Handshake {
    session: String,
    patience: Duration,
    has_web_socket: bool,
}

impl Handshake {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.trim().split(':');
        let session = fields
            .next()
            .filter(|session| !session.is_empty() && !session.contains(['<', '\n']))?;
        let heartbeat = fields.next()?;
        let transports = fields.nth(1)?;
        // An empty field means that the server sends no heartbeats; some limit is needed all the same.
        let seconds = if heartbeat.is_empty() {
            60
        } else {
            heartbeat.parse::<u64>().ok()?
        };
        Some(Self {
            session: session.to_owned(),
            patience: Duration::from_secs(seconds.clamp(1, 120)),
            has_web_socket: transports
                .split(',')
                .any(|transport| transport.trim() == "websocket"),
        })
    }
}

/// One end of an open connection for reading and writing at once, without a task for each.
pub(super) struct Wire {
    sink: futures_util::stream::SplitSink<Socket, Message>,
    stream: futures_util::stream::SplitStream<Socket>,
}

impl Wire {
    pub(super) fn new(socket: Socket) -> Self {
        let (sink, stream) = socket.split();
        Self { sink, stream }
    }

    /// Returns both directions, for two futures that run side by side.
    pub(super) fn split(&mut self) -> (Reader<'_>, Writer<'_>) {
        (Reader(&mut self.stream), Writer(&mut self.sink))
    }

    /// Says goodbye.
    pub(super) async fn close(&mut self) -> Result<(), ConnectionLost> {
        self.sink.close().await.map_err(|error| closed(&error))
    }
}

pub(super) struct Reader<'a>(&'a mut futures_util::stream::SplitStream<Socket>);

impl Reader<'_> {
    /// Returns the next frame. Nothing is lost when this is given up half way.
    pub(super) async fn frame(self) -> Result<Message, ConnectionLost> {
        match self.0.next().await {
            Some(Ok(Message::Close(frame))) => {
                let reason = frame
                    .map(|frame| frame.to_string())
                    .filter(|reason| !reason.is_empty());
                Err(ConnectionLost::Closed {
                    detail: reason.unwrap_or_else(|| "the server closed it".to_owned()),
                })
            }
            Some(Ok(frame)) => Ok(frame),
            Some(Err(error)) => Err(closed(&error)),
            None => Err(ConnectionLost::Closed {
                detail: "the server closed it".to_owned(),
            }),
        }
    }
}

pub(super) struct Writer<'a>(&'a mut futures_util::stream::SplitSink<Socket, Message>);

impl Writer<'_> {
    /// Waits until a frame can be given over. Nothing is lost when this is given up half way.
    pub(super) async fn ready(self) -> Result<(), ConnectionLost> {
        future::poll_fn(|context| self.0.poll_ready_unpin(context))
            .await
            .map_err(|error| closed(&error))
    }

    /// Gives a frame over; to be called when ready.
    pub(super) fn give(self, frame: Message) -> Result<(), ConnectionLost> {
        self.0
            .start_send_unpin(frame)
            .map_err(|error| closed(&error))
    }

    /// Waits until all that was given over has left. Nothing is lost when this is given up half way.
    pub(super) async fn flushed(self) -> Result<(), ConnectionLost> {
        future::poll_fn(|context| self.0.poll_flush_unpin(context))
            .await
            .map_err(|error| closed(&error))
    }
}

fn closed(error: &tungstenite::Error) -> ConnectionLost {
    ConnectionLost::Closed {
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, u64, bool)>) {
        let expected = expected.map(|(session, seconds, has_web_socket)| Handshake {
            session: session.to_owned(),
            patience: Duration::from_secs(seconds),
            has_web_socket,
        });
        assert_eq!(Handshake::parse(text), expected, "{text}");
    }

    #[test]
    fn a_handshake_is_told_from_anything_else() {
        check("c2f0:60:60:websocket", Some(("c2f0", 60, true)));
        check(
            "c2f0:15:25:websocket,xhr-polling\n",
            Some(("c2f0", 15, true)),
        );
        check("c2f0::60:xhr-polling", Some(("c2f0", 60, false)));
        check("c2f0:99999:60:websocket", Some(("c2f0", 120, true)));
        check("c2f0:60:60", None);
        check(":60:60:websocket", None);
        check("c2f0:soon:60:websocket", None);
        check("<!DOCTYPE html><a href=\"http://x:80:1:2\">", None);
        check("", None);
    }
}
