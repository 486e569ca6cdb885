//! Asks the event hub for actions over a bare WebSocket, so that what is measured is whoever answers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{HubClient, Ready, SOON, SandboxClient};

use crate::figures::percentile;

/// How many times a responder is asked, and how many times beforehand, which do not count.
const QUESTIONS: usize = 500;
const WARM_UP: usize = 50;

/// How long the first question waits for a reply before it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

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
    let mut hub = HubClient::connect(server)?;
    hub.subscribe("topic=ftrack.meta.reply")?;
    let selection = json!({"selection": [{"entityId": sequence, "entityType": "task"}]});
    wait_for_responder(&mut hub, &selection)?;
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

/// Asks until somebody replies: whoever has just subscribed may not be on the hub's list yet.
fn wait_for_responder(hub: &mut HubClient, selection: &Value) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < SOON {
        hub.publish("ftrack.action.discover", selection)?;
        while hub.has_more(PATIENCE)? {
            if hub.receive()?.contains("ftrack.meta.reply") {
                return Ok(());
            }
        }
    }
    bail!("nobody replied")
}
