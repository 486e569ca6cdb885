//! A lock that is shared: machines are brought to it, and drift from it is found.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{command, python};

use super::machine::{Machine, check_failed, items, pack};

/// Python's own web server, for one folder.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn new(folder: &std::path::Path) -> Result<Self> {
        let script = "import functools, http.server as h\n\
            handler = functools.partial(h.SimpleHTTPRequestHandler, directory='.')\n\
            server = h.ThreadingHTTPServer(('127.0.0.1', 0), handler)\n\
            print(server.server_port, flush=True)\n\
            server.serve_forever()\n";
        let mut child = command(python()?)
            .args(["-c", script])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("standard output is piped")?)
            .read_line(&mut line)?;
        let url = format!("http://127.0.0.1:{}", line.trim());
        Ok(Self { child, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns the state of each item, by its id.
fn states(list: &Value) -> Result<Value> {
    let states = items(list)?;
    let states = states.iter().map(|item| {
        let id = item["id"].as_str().unwrap_or_default().to_owned();
        (id, item["state"].clone())
    });
    Ok(Value::Object(states.collect()))
}

#[test]
fn a_machine_is_brought_to_a_shared_lock() -> Result<()> {
    let studio = Machine::new()?;
    let share = studio.path().join("share");
    fs::create_dir(&share)?;
    for id in ["alpha", "beta", "gamma"] {
        pack(&share, id, "1.0.0", "zip")?;
    }
    let server = Server::new(&share)?;
    let install = |source: &str| studio.done(&["plugins", "install", source, "--yes"]);
    let fetched = install(&format!("{}/alpha-1.0.0.zip", server.url))?;
    ensure!(
        fetched["source"] == format!("{}/alpha-1.0.0.zip", server.url),
        "{fetched}"
    );
    install(&share.join("beta-1.0.0.zip").display().to_string())?;
    install(&share.join("gamma-1.0.0.zip").display().to_string())?;
    ensure!(
        studio.hidden()? == ["downloads", "files", "guard"],
        "{:?}",
        studio.hidden()?
    );
    let missing = studio.callboard(&[
        "plugins",
        "install",
        &format!("{}/delta-1.0.0.zip", server.url),
        "--yes",
        "--json",
    ])?;
    let error = check_failed(&missing, 1, "not_found")?;
    ensure!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("404")),
        "{error}"
    );

    // The lock lies beside the archives, and names them as they lie there.
    let lock = share.join("callboard.lock");
    let text = fs::read_to_string(studio.plugins().join("callboard.lock"))?;
    fs::write(&lock, text.replace(&format!("{}/", share.display()), ""))?;
    let lock_argument = lock.display().to_string();
    let sync = ["plugins", "sync", &lock_argument];

    let machine = Machine::new()?;
    let own = pack(machine.path(), "own", "1.0.0", "zip")?;
    machine.done(&["plugins", "install", &own, "--yes"])?;
    let first = machine.done(&sync)?;
    let all = |state: &str| json!({"alpha": state, "beta": state, "gamma": state});
    ensure!(states(&first)? == all("installed"), "{first}");
    ensure!(machine.is_good()?, "{first}");
    let second = machine.done(&sync)?;
    ensure!(states(&second)? == all("good"), "{second}");
    ensure!(
        machine.runs("own")? == "1.0.0",
        "it was removed without being asked to"
    );
    let pruned = machine.done(&[&sync[..], &["--prune"]].concat())?;
    ensure!(states(&pruned)?["own"] == "removed", "{pruned}");

    // A newer version is taken back to what the lock means, and the version that was kept is good enough for it.
    let newer = pack(machine.path(), "beta", "1.1.0", "zip")?;
    machine.done(&["plugins", "install", &newer, "--yes"])?;
    fs::remove_file(share.join("beta-1.0.0.zip"))?;
    let back = machine.done(&sync)?;
    ensure!(states(&back)?["beta"] == "installed", "{back}");
    ensure!(machine.runs("beta")? == "1.0.0", "{back}");

    // Half of the sources fail on a third machine.
    drop(server);
    let third = Machine::new()?;
    let partly = third.callboard(&[&sync[..], &["--json"]].concat())?;
    ensure!(partly.code == Some(5), "{partly:?}");
    let expected = json!({"alpha": "failed", "beta": "failed", "gamma": "installed"});
    ensure!(states(&partly.json()?)? == expected, "{partly:?}");
    for item in items(&partly.json()?)? {
        let says_why =
            item["problem"]["message"].is_string() && item["problem"]["hint"].is_string();
        ensure!(says_why == (item["state"] == "failed"), "{item}");
    }
    // What the lock means is not what lies there.
    pack(&share, "beta", "1.0.1", "zip")?;
    fs::rename(share.join("beta-1.0.1.zip"), share.join("beta-1.0.0.zip"))?;
    let other = third.callboard(&[&sync[..], &["--json"]].concat())?;
    let other = items(&other.json()?)?;
    let beta = other
        .iter()
        .find(|item| item["id"] == "beta")
        .context("beta")?;
    ensure!(beta["problem"]["kind"] == "conflict", "{beta}");
    let nowhere = third.callboard(&["plugins", "sync", "/nowhere.lock", "--json"])?;
    check_failed(&nowhere, 1, "not_found")?;
    Ok(())
}

#[test]
fn drift_is_found_and_mended() -> Result<()> {
    let machine = Machine::new()?;
    for id in ["alpha", "beta", "gamma"] {
        let archive = pack(machine.path(), id, "1.0.0", "zip")?;
        machine.done(&["plugins", "install", &archive, "--yes"])?;
    }
    ensure!(machine.is_good()?, "something is wrong from the start");
    let plugins = machine.plugins();
    fs::write(plugins.join("alpha-1.0.0/hello.py"), "changed")?;
    fs::remove_file(plugins.join("alpha-1.0.0/lib/deep/data.bin"))?;
    fs::write(plugins.join("alpha-1.0.0/lib/extra.py"), "")?;
    // What Python keeps for itself is no drift.
    fs::create_dir(plugins.join("gamma-1.0.0/__pycache__"))?;
    fs::write(plugins.join("gamma-1.0.0/__pycache__/hello.pyc"), "")?;
    fs::remove_dir_all(plugins.join("beta-1.0.0"))?;
    fs::create_dir(plugins.join("by_hand"))?;
    fs::write(plugins.join("by_hand/plugin.toml"), "")?;
    let verified = machine.verify()?;
    ensure!(verified.code == Some(1), "{verified:?}");
    let list = verified.json()?;
    ensure!(
        states(&list)?
            == json!({"alpha": "changed", "beta": "missing", "gamma": "good", "by_hand": "unlocked"}),
        "{list}"
    );
    let alpha = &list["items"][0];
    ensure!(
        alpha["changed"] == json!(["hello.py"])
            && alpha["missing"] == json!(["lib/deep/data.bin"])
            && alpha["extra"] == json!(["lib/extra.py"]),
        "{alpha}"
    );
    let human = machine.callboard(&["plugins", "verify"])?;
    ensure!(
        human.stdout.contains("  missing: lib/deep/data.bin\n"),
        "{human:?}"
    );

    fs::remove_dir_all(plugins.join("by_hand"))?;
    let mended = machine.done(&["plugins", "sync"])?;
    ensure!(
        states(&mended)? == json!({"alpha": "installed", "beta": "installed", "gamma": "good"}),
        "{mended}"
    );
    ensure!(machine.is_good()?, "{mended}");
    Ok(())
}
