//! Asks the event hub for actions over a bare WebSocket, so that what is measured is whoever answers.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{Ready, SOON, SandboxClient};

use crate::figures::percentile;

/// How many times a responder is asked, and how many times beforehand, which do not count.
const QUESTIONS: usize = 500;
const WARM_UP: usize = 50;

/// How this client is called on the hub.
const ID: &str = "6a7e4f3c9d1b4c0f8e2a5b6c7d8e9f00";

/// How long the first question waits for a reply before it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

const TEXT_FRAME: u8 = 0x81;

/// Times in microseconds.
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Asks for the actions on a sequence again and again, and tells how long the replies took.
///
/// # Errors
///
/// When the hub is away, or a reply has no action.
pub(crate) fn ask(server: &Ready) -> Result<Latency> {
    let sequences = SandboxClient::new(server)?.query("select id from Sequence limit 1")?;
    let sequence = &sequences.first().context("the demo has no sequence")?["id"];
    let mut hub = Hub::connect(server)?;
    hub.publish(
        "ftrack.meta.subscribe",
        &json!({"subscriber": {"id": ID}, "subscription": "topic=ftrack.meta.reply"}),
    )?;
    let selection = json!({"selection": [{"entityId": sequence, "entityType": "task"}]});
    hub.wait_for_responder(&selection)?;
    let mut taken = Vec::with_capacity(QUESTIONS);
    for number in 0..QUESTIONS + WARM_UP {
        let began = Instant::now();
        let asked = hub.publish("ftrack.action.discover", &selection)?;
        let reply = hub.reply_to(&asked)?;
        let spent = began.elapsed().as_secs_f64() * 1e6;
        let items = reply["data"]["items"].as_array();
        ensure!(
            items.is_some_and(|items| !items.is_empty()),
            "a reply without an action: {reply}"
        );
        if number >= WARM_UP {
            taken.push(spent);
        }
    }
    Ok(Latency {
        p50: percentile(&mut taken, 50.0),
        p99: percentile(&mut taken, 99.0),
    })
}

/// A connection to the event hub.
struct Hub {
    stream: BufReader<TcpStream>,
    user: String,
    /// What this connection's events are called; no id is ever used twice, since the host knows them again.
    name: u128,
    published: u32,
}

impl Hub {
    fn connect(server: &Ready) -> Result<Self> {
        let client = SandboxClient::new(server)?;
        let address = client.address();
        let mut greeting = TcpStream::connect(address)?;
        greeting.set_read_timeout(Some(SOON))?;
        write!(
            greeting,
            "GET /socket.io/1/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             ftrack-user: {}\r\nftrack-api-key: {}\r\n\r\n",
            server.user, server.api_key
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
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        ensure!(line.contains("101"), "the hub refuses: {line}");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line)?;
        }
        Ok(Self {
            stream,
            user: server.user.clone(),
            name: SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos(),
            published: 0,
        })
    }

    /// Sends an event and returns its id.
    fn publish(&mut self, topic: &str, data: &Value) -> Result<String> {
        self.published += 1;
        let id = format!("{:024x}{:08x}", self.name, self.published);
        let event = json!({
            "topic": topic,
            "data": data,
            "id": id,
            "target": "",
            "inReplyToEvent": null,
            "source": {"id": ID, "user": {"username": self.user}},
        });
        let packet = json!({"name": "ftrack.event", "args": [event]});
        self.send(&format!("5:::{packet}"))?;
        Ok(id)
    }

    /// Asks until somebody replies: whoever has just subscribed may not be on the hub's list yet.
    fn wait_for_responder(&mut self, selection: &Value) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < SOON {
            self.publish("ftrack.action.discover", selection)?;
            while self.has_more()? {
                if self.receive()?.contains("ftrack.meta.reply") {
                    return Ok(());
                }
            }
        }
        bail!("nobody replied")
    }

    /// Waits a moment for the beginning of a frame, and tells whether it came.
    fn has_more(&self) -> Result<bool> {
        if !self.stream.buffer().is_empty() {
            return Ok(true);
        }
        let stream = self.stream.get_ref();
        stream.set_read_timeout(Some(PATIENCE))?;
        let came = match stream.peek(&mut [0]) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => return Err(error.into()),
        };
        stream.set_read_timeout(Some(SOON))?;
        Ok(came)
    }

    /// Returns the reply to the event `asked`; answers heartbeats on the way.
    fn reply_to(&mut self, asked: &str) -> Result<Value> {
        let asked_at = Instant::now();
        loop {
            ensure!(asked_at.elapsed() < SOON, "nobody replied");
            let packet = self.receive()?;
            if packet.starts_with("2:") {
                self.send("2::")?;
            }
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

    fn send(&mut self, text: &str) -> Result<()> {
        let mut frame = vec![TEXT_FRAME];
        // A client's frames are masked; with zeros they stay as they are.
        match u16::try_from(text.len()) {
            Ok(length @ 0..=125) => frame.push(0x80 | u8::try_from(length)?),
            Ok(length) => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
            Err(_) => bail!("the frame is too long"),
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.get_mut().write_all(&frame)?;
        Ok(())
    }

    /// Returns the next frame's text; that of another kind of frame is empty.
    fn receive(&mut self) -> Result<String> {
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
        match head[0] {
            TEXT_FRAME => Ok(String::from_utf8(payload)?),
            _ => Ok(String::new()),
        }
    }
}
