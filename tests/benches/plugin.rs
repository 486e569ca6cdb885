//! A call to a plugin in its own process: the launch of the smallest one, over its pipe, without the host.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{command, program, staged_plugins};

use crate::figures::{Aim, Figures, percentile};

const CALLS: usize = 20_000;

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let mut runner = Runner(
        command(program()?)
            .arg("runner")
            .arg(staged_plugins()?.join("hello"))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let mut stdin = runner.0.stdin.take().context("standard input is piped")?;
    let stdout = runner.0.stdout.take().context("standard output is piped")?;
    let mut lines = BufReader::new(stdout);
    let mut line = String::new();
    stdin.write_all(b"{\"versions\":[1],\"plugin\":\"hello\"}\n")?;
    lines.read_line(&mut line)?;
    ensure!(
        line.contains("versions"),
        "the plugin said no hello: {line}"
    );

    let mut taken = Vec::with_capacity(CALLS);
    for id in 1..=CALLS {
        let call = json!({
            "id": id,
            "method": "launch",
            "params": {
                "job": "bench",
                "action": "hello.greet",
                "context": {
                    "surface": "cli",
                    "user": "ada",
                    "selection": [{"kind": "Shot", "id": "none"}],
                },
                "values": {},
                "state": null,
            },
        });
        let mut call = call.to_string();
        call.push('\n');
        let began = Instant::now();
        stdin.write_all(call.as_bytes())?;
        line.clear();
        lines.read_line(&mut line)?;
        taken.push(began.elapsed().as_secs_f64() * 1e6);
        let answer: Value = serde_json::from_str(&line)?;
        ensure!(
            answer["result"]["outcome"] == "done",
            "the plugin failed: {line}"
        );
    }
    figures.add_with_aim(
        "plugin call out of process, p50",
        percentile(&mut taken, 50.0),
        "µs",
        Aim::AtMost(30.0),
    );
    figures.add(
        "plugin call out of process, p99",
        percentile(&mut taken, 99.0),
        "µs",
    );
    Ok(())
}

/// A plugin's process. Its input is closed when this is dropped, which ends it.
struct Runner(Child);

impl Drop for Runner {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // A destructor has nobody to tell.
        self.0.wait().ok();
    }
}
