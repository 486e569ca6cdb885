//! What no well-behaved client shows of the event hub.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{Frame, HostRunner, HubClient, SOON, SandboxClient, wait_until};

/// Together they are more than the hub keeps for a client.
const LARGE_EVENTS: u64 = 80;
const SIZE: usize = 1024 * 1024;

#[test]
fn a_client_that_does_not_read_is_dropped_with_a_reason_while_the_others_go_on() -> Result<()> {
    let sandbox = HostRunner::sandbox().start()?;
    let control = SandboxClient::new(&sandbox.ready)?;
    let mut deaf = HubClient::connect(&sandbox.ready)?;
    let mut hears = HubClient::connect(&sandbox.ready)?;
    let mut speaks = HubClient::connect(&sandbox.ready)?;
    for client in [&mut deaf, &mut hears] {
        client.subscribe("topic=flood")?;
    }
    let text = "x".repeat(SIZE);
    for number in 0..LARGE_EVENTS {
        speaks.publish("flood", &json!({"number": number, "text": text}))?;
        // Whoever reads keeps up, so that only the other has something waiting.
        let mark = format!("\"number\":{number},");
        while !hears.receive()?.contains(&mark) {}
    }
    let dropped = wait_until("a client was dropped", SOON, || {
        let dropped = control.dropped_clients().ok()?;
        (!dropped.is_empty()).then_some(dropped)
    })?;
    ensure!(
        dropped.len() == 1 && dropped[0].contains("does not read"),
        "{dropped:?}"
    );
    // What had left already arrives; then the connection ends, with the reason if there was time for it.
    let reason = loop {
        match deaf.frame() {
            Ok(Frame::Close(reason)) => break Some(reason),
            Ok(_) => {}
            Err(_) => break None,
        }
    };
    ensure!(
        reason.as_ref().is_none_or(|reason| *reason == dropped[0]),
        "it was told {reason:?}"
    );
    speaks.publish("flood", &json!({"number": "last"}))?;
    while !hears.receive()?.contains("\"last\"") {}
    Ok(())
}
