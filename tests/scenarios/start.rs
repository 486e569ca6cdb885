//! The demo starts, says where it is, and leaves nothing behind.

use anyhow::Result;
use tests::{HostRunner, SOON};

#[test]
fn the_demo_says_where_it_is_and_ends_when_asked() -> Result<()> {
    let mut host = HostRunner::demo().plugin("hello").start()?;
    assert!(host.ready.server.starts_with("http://127.0.0.1:"));
    assert!(host.ready.page.starts_with(&host.ready.server));
    assert!(!host.ready.user.is_empty() && !host.ready.api_key.is_empty());
    assert_eq!(host.ready.pid, host.pid());

    let status = host.bus()?.request("status", serde_json::json!({}))?;
    assert_eq!(status["pid"], host.pid());

    let ended = host.stop(SOON)?;
    assert_eq!(ended.code(), Some(0), "{}", host.log());
    assert!(!host.ready.bus.exists(), "the socket is left behind");
    Ok(())
}
