//! Our hub client with the subscriptions of a busy Connect, fed by a hub that has its events in memory.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Builder;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callboard_event::Expression;
use ftrack::{Config, EventHub, HubMessage, HubOptions, Proxy};
use serde_json::{Map, Value, json};
use tests::SOON;

use crate::figures::{Aim, Figures};

const SUBSCRIPTIONS: usize = 200;
const EVENTS: usize = 1_000_000;
/// How many different events there are; they come again and again.
const DIFFERENT: usize = 1_000;
/// How many thousands may be under way: what a client leaves unread for longer is dropped, here as anywhere.
const UNDER_WAY: usize = 16;
/// How many messages a program takes at once, as the host does.
const AT_ONCE: usize = 256;
/// What a WebSocket's server appends to a client's key.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

pub(super) fn measure(figures: &mut Figures) -> Result<()> {
    // Another measurement of this process may have installed it.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut config = Config::new(format!("http://{}", listener.local_addr()?), "ada", "a-key");
    config.proxy = Proxy::None;
    let (go, may_go) = sync_channel(EVENTS / DIFFERENT + UNDER_WAY);
    let hub = Builder::new()
        .name("hub".into())
        .spawn(move || serve(&listener, &may_go))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let handled = runtime.block_on(async {
        let options = HubOptions {
            waiting_messages: DIFFERENT * (UNDER_WAY + 1),
            ..HubOptions::default()
        };
        let (client, mut messages) = EventHub::start(&config, options)?;
        for number in 0..SUBSCRIPTIONS {
            let wanted = Expression::parse(&subscription(number))?;
            client.subscribe(wanted, Map::new()).await?;
        }
        (0..UNDER_WAY).try_for_each(|_| go.send(()))?;
        let mut began = None;
        let (mut events, mut handlers) = (0, 0);
        let mut taken = Vec::new();
        while events < EVENTS {
            let count = tokio::time::timeout(SOON, messages.recv_many(&mut taken, AT_ONCE));
            ensure!(count.await? > 0, "the hub ended");
            for message in taken.drain(..) {
                match message {
                    HubMessage::Event { event, subscribers } => {
                        event.into_event()?;
                        began.get_or_insert_with(Instant::now);
                        events += 1;
                        handlers += subscribers.len();
                        if events % DIFFERENT == 0 {
                            go.send(())?;
                        }
                    }
                    HubMessage::Dropped { events } => bail!("{events} events were dropped"),
                    HubMessage::Disconnected { reason } => bail!("disconnected: {reason}"),
                    _ => {}
                }
            }
        }
        let secs = began.context("there was no event")?.elapsed().as_secs_f64();
        ensure!(handlers > EVENTS, "only {handlers} handlers were called");
        anyhow::Ok(secs)
    });
    runtime.shutdown_background();
    let secs = handled?;
    hub.join().ok().context("the hub's thread panicked")??;
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    figures.add_with_aim(
        "events through our hub client, 200 subscriptions",
        EVENTS as f64 / secs,
        "/s",
        Aim::AtLeast(100_000.0),
    );
    Ok(())
}

/// What Connect and its plugins subscribe to: mostly launches, each of one action, of its own user.
fn subscription(number: usize) -> String {
    let mine = "source.user.username=ada";
    match number {
        0 => "topic=ftrack.update".to_owned(),
        1 => format!("topic=ftrack.connect and {mine}"),
        2 => format!("topic=ftrack.connect.discover and {mine}"),
        3 => "topic=ftrack.location.request-resolve".to_owned(),
        4..40 => format!("topic=ftrack.action.discover and {mine}"),
        40..140 => {
            format!(
                "topic=ftrack.action.launch and data.actionIdentifier=action{number} and {mine}"
            )
        }
        140..150 => {
            format!(
                "topic=ftrack.action.launch and data.actionIdentifier=apps{number}.* and {mine}"
            )
        }
        150..175 => format!(
            "topic=ftrack.connect.application.launch and data.application.identifier=nuke{number}* \
             and data.application.version >= 13"
        ),
        _ => format!(
            "topic=ftrack.connect.application.discover and data.application.identifier=maya{number}*"
        ),
    }
}

/// Of ten events seven are updates, two are launches of an action here, and one asks for the actions.
fn event(number: usize) -> Value {
    let selection =
        json!([{"entityId": "c2f0b9a1-0000-4000-8000-8f6d0f5cb5d2", "entityType": "task"}]);
    let (topic, data) = match number % 10 {
        0..7 => ("ftrack.update", super::server::update(number as u64)),
        7 | 8 => {
            let identifier = format!("action{}", 40 + number % 100);
            let data =
                json!({"actionIdentifier": identifier, "label": "Action", "selection": selection});
            ("ftrack.action.launch", data)
        }
        _ => {
            let data =
                json!({"selection": selection, "groupers": [], "filters": [], "sorters": []});
            ("ftrack.action.discover", data)
        }
    };
    json!({
        "id": format!("{number:032x}"),
        "topic": topic,
        "data": data,
        "sent": null,
        "source": {"id": "9a1c", "applicationId": "ftrack.client.web", "user": {"username": "ada", "id": "bcdf57b0"}},
        "target": "",
        "inReplyToEvent": null,
    })
}

/// Answers a handshake and an upgrade, then sends all events, a thousand for each word that they may go.
fn serve(listener: &TcpListener, may_go: &Receiver<()>) -> Result<()> {
    let mut frames = Vec::new();
    for number in 0..DIFFERENT {
        let packet = json!({"name": "ftrack.event", "args": [event(number)]});
        let text = format!("5:::{packet}");
        frames.extend([0x81, 126]);
        frames.extend(u16::try_from(text.len())?.to_be_bytes());
        frames.extend(text.as_bytes());
    }
    let (mut stream, _) = request(listener)?;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 23\r\n\r\nsession:60:60:websocket"
    )?;
    drop(stream);
    let (mut stream, key) = request(listener)?;
    let accept = ring::digest::digest(
        &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{MAGIC}").as_bytes(),
    );
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {}\r\n\r\n",
        STANDARD.encode(accept)
    )?;
    let mut incoming = stream.try_clone()?;
    let reader = Builder::new().name("hub reader".into()).spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while incoming.read(&mut buffer).is_ok_and(|length| length > 0) {}
    })?;
    for _ in 0..EVENTS / DIFFERENT {
        may_go.recv_timeout(SOON)?;
        stream.write_all(&frames)?;
    }
    // The client ends it.
    reader.join().ok().context("the hub's reader panicked")
}

/// Takes a connection, and returns it with the key that a request to upgrade has.
fn request(listener: &TcpListener) -> Result<(TcpStream, String)> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut key = String::new();
    let mut lines = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        ensure!(lines.read_line(&mut line)? > 0, "a request broke off");
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("sec-websocket-key")
        {
            value.trim().clone_into(&mut key);
        }
        if line == "\r\n" {
            return Ok((stream, key));
        }
    }
}
