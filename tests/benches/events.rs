//! Events through many subscriptions: in the index that the host uses, through the sandbox, and through our hub client.

mod client;
mod server;

use std::time::Instant;

use anyhow::{Result, ensure};
use callboard_event::{Event, Expression, SubscriptionIndex};
use serde_json::json;

use crate::figures::{Aim, Figures};

const SUBSCRIPTIONS: u32 = 1_000;
const EVENTS: u32 = 200_000;

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    index(figures)?;
    server::measure(figures)?;
    client::measure(figures)
}

fn index(figures: &mut Figures) -> Result<()> {
    let mut index = SubscriptionIndex::new();
    for number in 0..SUBSCRIPTIONS {
        let wanted = format!(
            "topic=ftrack.action.launch and data.actionIdentifier=action{number} \
             and source.user.username=ada"
        );
        index.insert(number, Expression::parse(&wanted)?);
    }
    let events: Vec<Event> = (0..SUBSCRIPTIONS)
        .map(|number| {
            let data = json!({"actionIdentifier": format!("action{number}"), "selection": []});
            let mut event = Event::new("ftrack.action.launch", data);
            event.source = json!({"user": {"username": "ada"}});
            event
        })
        .collect();
    let mut matched = 0_u32;
    let began = Instant::now();
    for event in events.iter().cycle().take(EVENTS as usize) {
        matched += u32::try_from(index.matching(event).count())?;
    }
    let secs = began.elapsed().as_secs_f64();
    ensure!(
        matched == EVENTS,
        "{matched} of {EVENTS} events were matched"
    );
    figures.add_with_aim(
        "events through 1,000 subscriptions",
        f64::from(EVENTS) / secs,
        "/s",
        Aim::AtLeast(100_000.0),
    );
    Ok(())
}
