//! The sandbox's event hub with a hundred subscribers, each on a connection of its own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tests::{Frame, HostRunner, HubClient, Ready, SOON};

use crate::figures::{Aim, Figures};

/// Subscribers that want everything, every tenth event, and nothing of what comes.
const EAGER: usize = 5;
const CHOOSY: usize = 15;
const DEAF: usize = 80;

/// Events are published in lots. The publisher is a few lots ahead of the slowest of those that want everything.
const LOTS: usize = 500;
const LOT: usize = 200;
const AHEAD: usize = 20;

/// How many names the events are by, in turn.
const NAMES: u64 = 10;

pub(super) fn measure(figures: &mut Figures) -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let eager = (0..EAGER)
        .map(|_| Subscriber::start(&sandbox.ready, "topic=ftrack.update", LOTS * LOT))
        .collect::<Result<Vec<_>>>()?;
    let choosy = (0..CHOOSY)
        .map(|number| {
            let name = number as u64 % NAMES;
            let wanted = format!("topic=ftrack.update and data.user.name=\"artist {name}\"");
            Subscriber::start(&sandbox.ready, &wanted, LOTS * LOT / 10)
        })
        .collect::<Result<Vec<_>>>()?;
    let deaf = (0..DEAF)
        .map(|number| subscribed(&sandbox.ready, &unmatched(number)))
        .collect::<Result<Vec<_>>>()?;
    let mut publisher = HubClient::connect(&sandbox.ready)?;
    let lots: Vec<Vec<u8>> = (0..LOTS)
        .map(|_| publisher.frames("ftrack.update", LOT, update))
        .collect();
    let began = Instant::now();
    for lot in 0..LOTS + AHEAD {
        if lot >= AHEAD {
            for subscriber in &eager {
                subscriber.wait_for_lot()?;
            }
        }
        if let Some(frames) = lots.get(lot) {
            publisher.send_frames(frames)?;
        }
        // One acknowledgement for each event that was published some lots before.
        for _ in 0..if lot >= AHEAD { LOT } else { 0 } {
            while !publisher.receive()?.starts_with('6') {}
        }
    }
    for subscriber in eager.into_iter().chain(choosy) {
        subscriber.end()?;
    }
    let secs = began.elapsed().as_secs_f64();
    ensure!(deaf.len() == DEAF, "a subscriber is missing");
    let events = (LOTS * LOT) as u64;
    let delivered = events * EAGER as u64 + events / NAMES * CHOOSY as u64;
    figures.add_with_aim(
        "events through the sandbox, 100 subscribers",
        per_second(events, secs),
        "/s",
        Aim::AtLeast(20_000.0),
    );
    figures.add(
        "events that the sandbox delivers, 100 subscribers",
        per_second(delivered, secs),
        "/s",
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn per_second(count: u64, secs: f64) -> f64 {
    count as f64 / secs
}

/// What an artist's change of a status is told as.
pub(super) fn update(number: u64) -> Value {
    let shot = json!({"entityId": "c2f0b9a1", "entityType": "task", "entity_type": "Shot", "parentId": "8f6d0f5c"});
    let project = json!({"entityId": "8f6d0f5c", "entityType": "show", "entity_type": "Project", "parentId": null});
    json!({
        "user": {"userid": "bcdf57b0-acc6-11e1-a554-f23c91df1211", "name": format!("artist {}", number % NAMES)},
        "clientToken": null,
        "entities": [{
            "entityId": format!("{number:032x}"), "entityType": "task", "entity_type": "Task", "action": "update",
            "parentId": "c2f0b9a1", "keys": ["statusid"],
            "changes": {"statusid": {"old": "44dd9fb2-4164-11df-9218-0019bb4983d8", "new": "44ddd0fe-4164-11df-9218-0019bb4983d8"}},
            "parents": [shot, project],
        }],
    })
}

/// What someone subscribes to who is not concerned; some have to be looked at more closely than others.
fn unmatched(number: usize) -> String {
    match number % 4 {
        0 => format!(
            "topic=ftrack.action.launch and data.actionIdentifier=action{number} and source.user.username=ada"
        ),
        1 => format!("topic=ftrack.update and data.user.name=\"someone {number}\""),
        2 => format!("topic=ftrack.* and source.user.username=someone{number}"),
        _ => format!("data.clientToken=token{number} or source.id=hub{number}"),
    }
}

fn subscribed(ready: &Ready, wanted: &str) -> Result<HubClient> {
    let mut client = HubClient::connect(ready)?;
    client.subscribe(wanted)?;
    Ok(client)
}

/// Counts what it gets, on a thread of its own.
struct Subscriber {
    lots: Receiver<()>,
    thread: JoinHandle<Result<()>>,
}

impl Subscriber {
    fn start(ready: &Ready, wanted: &str, expected: usize) -> Result<Self> {
        let client = subscribed(ready, wanted)?;
        let (lot, lots) = sync_channel(LOTS);
        let thread = Builder::new()
            .name("subscriber".into())
            .spawn(move || count(client, expected, &lot))?;
        Ok(Self { lots, thread })
    }

    fn wait_for_lot(&self) -> Result<()> {
        self.lots
            .recv_timeout(SOON)
            .context("a subscriber is stuck")
    }

    fn end(self) -> Result<()> {
        self.thread
            .join()
            .map_err(|_| anyhow!("a subscriber panicked"))?
    }
}

fn count(mut client: HubClient, expected: usize, lot: &SyncSender<()>) -> Result<()> {
    let mut received = 0;
    while received < expected {
        match client.frame()? {
            Frame::Packet(packet) if packet.starts_with('5') => {
                received += 1;
                if received % LOT == 0 {
                    lot.send(())?;
                }
            }
            Frame::Packet(_) | Frame::Other => {}
            Frame::Close(reason) => return Err(anyhow!("a subscriber was dropped: {reason}")),
        }
    }
    Ok(())
}
