//! A file of 1 GB over loopback, beside the official client: seconds, memory, and what a crash costs.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use tests::{HostRunner, Ready, checkout, command, example, python, wait_until};

use crate::figures::{Aim, Figures};
use crate::resident::memory_mb;
use crate::web::credentials;

const SIZE: u64 = 1024 * 1024 * 1024;

/// How long one transfer may take.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
struct Sent {
    secs: f64,
}

/// How a transfer went.
struct Transfer {
    last_line: String,
    client_mb: f64,
    server_mb: f64,
}

pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("large.mov");
    write_file(&file)?;
    let data = folder.path().join("data");
    let data = data
        .to_str()
        .context("a temporary folder has a plain name")?;
    let sandbox = HostRunner::sandbox()
        .argument("--data")
        .argument(data)
        .start()?;

    let ours = transfer(uploader(&file, "a", &sandbox.ready)?, &sandbox.ready)?;
    let script = checkout().join("tests/benches/python/upload.py");
    let theirs = command(python()?)
        .arg(script)
        .arg(&file)
        .envs(credentials(&sandbox.ready))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let theirs = transfer(theirs, &sandbox.ready)?;
    let secs = |transfer: &Transfer| -> Result<f64> {
        Ok(serde_json::from_str::<Sent>(&transfer.last_line)?.secs)
    };
    let (our_secs, their_secs) = (secs(&ours)?, secs(&theirs)?);
    figures.add("upload of 1 GB", our_secs, "s");
    figures.add("upload of 1 GB, official client", their_secs, "s");
    let aim = Aim::AtLeast(2.0);
    figures.add_with_aim(
        "upload of 1 GB, times faster",
        their_secs / our_secs,
        "×",
        aim,
    );
    let aim = Aim::AtMost(64.0);
    figures.add_with_aim(
        "upload of 1 GB, memory of the client",
        ours.client_mb,
        "MB",
        aim,
    );
    let name = "upload of 1 GB, growth of the sandbox";
    figures.add_with_aim(name, ours.server_mb, "MB", aim);
    figures.add(
        "upload of 1 GB, official client, its memory",
        theirs.client_mb,
        "MB",
    );

    let again = killed_at_half(&file, &sandbox.ready)?;
    let name = "upload of 1 GB, killed at half and resumed, sent again";
    figures.add_with_aim(name, again, "MB", Aim::AtMost(64.0));
    sandbox.finish()?;
    Ok(())
}

/// Writes a file that no file system keeps as a hole, and no checksum as one block again and again.
fn write_file(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    let mut block = vec![0_u8; 1024 * 1024];
    let mut state = 1_u64;
    for _ in 0..SIZE / block.len() as u64 {
        for eight in block.chunks_exact_mut(8) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            eight.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    Ok(file.sync_all()?)
}

fn uploader(file: &Path, ledger: &str, server: &Ready) -> Result<Child> {
    command(example("upload")?)
        .arg(file)
        .arg("--ledger")
        .arg(file.with_extension(ledger))
        .envs(credentials(server))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start the uploader")
}

/// Waits for the end of a transfer, and looks at its memory and the server's meanwhile.
fn transfer(mut client: Child, server: &Ready) -> Result<Transfer> {
    let stdout = client.stdout.take().context("standard output is piped")?;
    let (sender, last_line) = mpsc::sync_channel(1);
    Builder::new().name("transfer".into()).spawn(move || {
        let last = BufReader::new(stdout).lines().map_while(Result::ok).last();
        sender.send(last.unwrap_or_default()).ok();
    })?;
    let before = memory_mb(server.pid, "status", "RssAnon:")?;
    let (mut client_mb, mut server_mb) = (0.0_f64, before);
    let ended = wait_until("the transfer is over", PATIENCE, || {
        if let Ok(now) = memory_mb(client.id(), "status", "VmRSS:") {
            client_mb = client_mb.max(now);
        }
        if let Ok(now) = memory_mb(server.pid, "status", "RssAnon:") {
            server_mb = server_mb.max(now);
        }
        client.try_wait().transpose()
    });
    if ended.is_err() {
        client.kill()?;
    }
    let status = ended??;
    ensure!(status.success(), "a transfer failed: {status}");
    Ok(Transfer {
        last_line: last_line.recv_timeout(PATIENCE)?,
        client_mb,
        server_mb: server_mb - before,
    })
}

/// Kills an upload at half, resumes it, and returns how many megabytes were sent twice.
fn killed_at_half(file: &Path, server: &Ready) -> Result<f64> {
    let mut client = uploader(file, "b", server)?;
    let stdout = client.stdout.take().context("standard output is piped")?;
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let mut done = 0;
    while done < SIZE / 2 {
        let line: Value = serde_json::from_str(&lines.next().context("it ended too early")?)?;
        done = line["done"].as_u64().unwrap_or(SIZE);
    }
    client.kill()?;
    client.wait()?;
    let resumed = transfer(uploader(file, "b", server)?, server)?;
    let end: Value = serde_json::from_str(&resumed.last_line)?;
    let sent = end["sent_bytes"].as_u64().context("it says what it sent")?;
    ensure!(end["bytes"] == SIZE, "it is not whole: {end}");
    fs::remove_file(file.with_extension("b"))?;
    // At least this much had gone out before.
    Ok((sent + done).saturating_sub(SIZE) as f64 / 1024.0 / 1024.0)
}
