//! Speaks the protocol as nobody should, or not at all.

use std::os::unix::process::CommandExt as _;

use anyhow::Result;
use rustix::process::getpid;
use serde_json::{Value, json};
use tests::command;

use super::{say, wait, write};

/// Asks and asks, and reads no answer.
pub(super) fn ask_and_never_read() -> Result<()> {
    for id in 1..4000 {
        let expressions = ["select id from Shot"; 8];
        let params = json!({"expressions": expressions});
        say(&json!({"id": id, "method": "ftrack.query", "params": params}).to_string())?;
    }
    wait()
}

/// Starts over, with every polite signal ignored.
pub(super) fn become_deaf() -> Result<()> {
    let script = r#"trap "" TERM INT HUP QUIT; exec "$0" deaf_already """#;
    Err(command("sh")
        .args(["-c", script])
        .arg(std::env::current_exe()?)
        .exec()
        .into())
}

/// Neither a cancel nor a polite signal ends it.
pub(super) fn stay_deaf() -> Result<()> {
    say(r#"{"method":"progress","params":{"text":"deaf now"}}"#)?;
    wait()
}

pub(super) fn say_invalid_utf8() -> Result<()> {
    write(b"{\"method\":\"log\",\"params\":{\"message\":\"\xff\xfe\"}}\n")?;
    wait()
}

/// An answer within two hundred thousand brackets.
pub(super) fn say_deep_json(id: &Value) -> Result<()> {
    const DEPTH: usize = 200_000;
    let (open, close) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
    say(&format!(r#"{{"id":{id},"result":{open}{close}}}"#))?;
    wait()
}

pub(super) fn answer_with_wrong_id(id: &Value) -> Result<()> {
    let wrong = id.as_u64().unwrap_or_default() + 1;
    say(&json!({"id": wrong, "result": {"outcome": "done", "message": "wrong"}}).to_string())?;
    wait()
}

/// Calls itself until there is no room left.
#[expect(
    unconditional_recursion,
    reason = "that it never ends is what it is for"
)]
pub(super) fn overflow_stack(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    overflow_stack(depth + 1) + room[getpid().as_raw_nonzero().get().unsigned_abs() as usize % 64]
}
