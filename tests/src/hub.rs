//! The event hub over a bare WebSocket, so that no client library hides what is on the wire.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{Ready, SOON, SandboxClient};

/// What a client asks an upgrade with; the answer to it is not looked at.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// A connection to the event hub, with the hub's own words for what it sends and gets: packets.
#[derive(Debug)]
pub struct HubClient {
    stream: BufReader<TcpStream>,
    user: String,
    /// How this client is called on the hub.
    id: String,
    /// What this connection's events are called; no id is ever used twice, since a host knows them again.
    name: u128,
    published: u64,
}

/// What arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A packet.
    Packet(String),
    /// The hub ended the connection, for this reason.
    Close(String),
    /// A frame that WebSockets need for themselves.
    Other,
}

impl HubClient {
    /// Connects to the hub of the sandbox that said `ready`, as its main user.
    ///
    /// # Errors
    ///
    /// When the hub refuses.
    pub fn connect(ready: &Ready) -> Result<Self> {
        let client = SandboxClient::new(ready)?;
        let address = client.address();
        let mut greeting = TcpStream::connect(address)?;
        greeting.set_read_timeout(Some(SOON))?;
        write!(
            greeting,
            "GET /socket.io/1/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             ftrack-user: {}\r\nftrack-api-key: {}\r\n\r\n",
            ready.user, ready.api_key
        )?;
        let mut answer = String::new();
        greeting.read_to_string(&mut answer)?;
        let (_, body) = answer
            .split_once("\r\n\r\n")
            .context("an answer has a body")?;
        let session = body.split(':').next().unwrap_or_default();

        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(SOON))?;
        stream.set_nodelay(true)?;
        write!(
            stream,
            "GET /socket.io/1/websocket/{session} HTTP/1.1\r\nHost: {address}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\n\r\n"
        )?;
        let mut stream = BufReader::with_capacity(BUFFER, stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        ensure!(line.contains("101"), "the hub refuses: {line}");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line)?;
        }
        let name = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        Ok(Self {
            stream,
            user: ready.user.clone(),
            id: format!("{name:032x}"),
            name,
            published: 0,
        })
    }

    /// Subscribes, and waits until the hub has taken it.
    ///
    /// # Errors
    ///
    /// When the hub does not take the subscription.
    pub fn subscribe(&mut self, subscription: &str) -> Result<()> {
        let subscriber = match subscription {
            "topic=ftrack.meta.reply" => self.id.clone(),
            _ => self.next_id(),
        };
        let data = json!({"subscriber": {"id": subscriber}, "subscription": subscription});
        let (_, event) = self.event("ftrack.meta.subscribe", &data);
        self.send(&format!("5:1+::{event}"))?;
        let asked_at = Instant::now();
        loop {
            ensure!(asked_at.elapsed() < SOON, "no answer to `{subscription}`");
            let packet = self.receive()?;
            if packet.starts_with("6:::1+") {
                ensure!(packet.contains("true"), "{packet} to `{subscription}`");
                return Ok(());
            }
        }
    }

    /// Publishes an event and returns its id.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn publish(&mut self, topic: &str, data: &Value) -> Result<String> {
        let (id, event) = self.event(topic, data);
        self.send(&format!("5:::{event}"))?;
        Ok(id)
    }

    /// Returns the frames of `count` events that ask for acknowledgements, to be sent later by [`send_frames`](Self::send_frames).
    pub fn frames(&mut self, topic: &str, count: usize, data: impl Fn(u64) -> Value) -> Vec<u8> {
        let mut frames = Vec::new();
        for _ in 0..count {
            let (_, event) = self.event(topic, &data(self.published));
            write_frame(&mut frames, &format!("5:{}+::{event}", self.published));
        }
        frames
    }

    /// Sends frames that were made before.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send_frames(&mut self, frames: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(frames)?)
    }

    /// Waits a moment for the beginning of a frame, and tells whether it came.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn has_more(&self, patience: Duration) -> Result<bool> {
        if !self.stream.buffer().is_empty() {
            return Ok(true);
        }
        let stream = self.stream.get_ref();
        stream.set_read_timeout(Some(patience))?;
        let came = match stream.peek(&mut [0]) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => return Err(error.into()),
        };
        stream.set_read_timeout(Some(SOON))?;
        Ok(came)
    }

    /// Returns the reply to the event `asked`; answers heartbeats on the way.
    ///
    /// # Errors
    ///
    /// When none comes soon.
    pub fn reply_to(&mut self, asked: &str) -> Result<Value> {
        let asked_at = Instant::now();
        loop {
            ensure!(asked_at.elapsed() < SOON, "nobody replied");
            let packet = self.receive()?;
            let Some(packet) = packet.strip_prefix("5:::") else {
                continue;
            };
            let mut packet: Value = serde_json::from_str(packet)?;
            let event = packet["args"][0].take();
            if event["inReplyToEvent"] == asked {
                return Ok(event);
            }
        }
    }

    /// Sends a packet as it is.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub fn send(&mut self, packet: &str) -> Result<()> {
        let mut frame = Vec::new();
        write_frame(&mut frame, packet);
        self.stream.get_mut().write_all(&frame)?;
        Ok(())
    }

    /// Returns the next packet, and answers it if it is a heartbeat. That of another kind of frame is empty.
    ///
    /// # Errors
    ///
    /// When the connection is gone, or nothing comes soon.
    pub fn receive(&mut self) -> Result<String> {
        match self.frame()? {
            Frame::Packet(packet) => {
                if packet.starts_with("2:") {
                    self.send("2::")?;
                }
                Ok(packet)
            }
            Frame::Close(reason) => bail!("the hub ended the connection: {reason}"),
            Frame::Other => Ok(String::new()),
        }
    }

    /// Returns the next frame.
    ///
    /// # Errors
    ///
    /// When the connection is gone, or nothing comes soon.
    pub fn frame(&mut self) -> Result<Frame> {
        const TEXT: u8 = 0x81;
        const CLOSE: u8 = 0x88;
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.stream.read_exact(&mut length)?;
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.stream.read_exact(&mut length)?;
                u64::from_be_bytes(length)
            }
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length)?];
        self.stream.read_exact(&mut payload)?;
        Ok(match head[0] {
            TEXT => Frame::Packet(String::from_utf8(payload)?),
            // Two bytes of a number come before the reason.
            CLOSE => Frame::Close(String::from_utf8(payload.split_off(payload.len().min(2)))?),
            _ => Frame::Other,
        })
    }

    /// Returns the next event's id and its packet without the number.
    fn event(&mut self, topic: &str, data: &Value) -> (String, Value) {
        let id = self.next_id();
        let event = json!({
            "topic": topic,
            "data": data,
            "id": id,
            "target": "",
            "inReplyToEvent": null,
            "source": {"id": self.id, "user": {"username": self.user}},
        });
        (id, json!({"name": "ftrack.event", "args": [event]}))
    }

    fn next_id(&mut self) -> String {
        self.published += 1;
        format!("{:024x}{:08x}", self.name, self.published)
    }
}

/// Writes a text frame as a client does: masked, and with zeros, so that the text stays as it is.
fn write_frame(frame: &mut Vec<u8>, text: &str) {
    frame.push(0x81);
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length @ 0..=125), _) => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
}
