//! Events that a plugin hands over: the official client hears them, whatever happens to the host and the network.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tests::{BusClient, Finished, Home, HostRunner, Ready, SOON, checkout, run_python, wait_until};

use crate::network::{Loses, Network};
use crate::studio::Studio;

/// How long the listener lives, the whole story through.
const STORY: Duration = Duration::from_secs(240);

/// The official client, which listens in a process of its own.
struct Listener {
    heard: PathBuf,
    client: JoinHandle<Result<Finished>>,
    _folder: tempfile::TempDir,
}

impl Listener {
    fn start(server: &Ready, expression: &'static str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let heard = folder.path().join("heard");
        let (server, path) = (server.clone(), heard.display().to_string());
        let client = Builder::new().name("listener".into()).spawn(move || {
            let script = checkout().join("tests/scenarios/event_listener.py");
            let cache = Path::new(&path).with_extension("schemas");
            let cache = cache.to_string_lossy();
            let environment = [
                ("FTRACK_SERVER", server.server.as_str()),
                ("FTRACK_API_USER", server.user.as_str()),
                ("FTRACK_API_KEY", server.api_key.as_str()),
                ("FTRACK_API_SCHEMA_CACHE_PATH", cache.as_ref()),
            ];
            run_python(&script, &[expression, &path], environment, STORY)
        })?;
        let listener = Self {
            heard,
            client,
            _folder: folder,
        };
        wait_until("the official client listens", SOON, || {
            let lines = listener.lines();
            lines
                .iter()
                .any(|line| line["listening"] == true)
                .then_some(())
        })?;
        Ok(listener)
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.heard).unwrap_or_default();
        let lines = text.lines().map(serde_json::from_str);
        // The last one may be half written.
        lines.filter_map(Result::ok).collect()
    }

    /// Returns the events heard so far that say `text`.
    fn heard(&self, text: &str) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|event| event["data"]["text"] == text);
        lines
    }

    /// Waits until an event was heard this often, and returns how it was heard.
    fn wait_for(&self, text: &str, times: usize) -> Result<Vec<Value>> {
        wait_until(&format!("`{text}` was heard {times} times"), SOON, || {
            let heard = self.heard(text);
            (heard.len() >= times).then_some(heard)
        })
    }

    fn finish(self) -> Result<()> {
        fs::write(self.heard.with_extension("end"), "")?;
        let finished = self
            .client
            .join()
            .map_err(|_| anyhow!("the listener panicked"))??;
        ensure!(
            finished.status.success(),
            "the listener failed: {finished:?}"
        );
        Ok(())
    }
}

struct Stage {
    studio: Studio,
    network: Network,
    listener: Listener,
    home: Arc<Home>,
}

impl Stage {
    fn open() -> Result<Self> {
        let studio = Studio::open()?;
        let network = Network::start(studio.client.address())?;
        let listener = Listener::start(&studio.server.ready, "topic=studio.announced")?;
        let home = Studio::home()?;
        home.add_example("event_relay")?;
        Ok(Self {
            studio,
            network,
            listener,
            home,
        })
    }

    /// Starts a host that reaches the server over the network.
    fn host(&self) -> Result<(HostRunner, BusClient)> {
        let ready = Ready {
            server: self.network.address(),
            ..self.studio.server.ready.clone()
        };
        let host = HostRunner::resident(&ready)
            .home(self.home.clone())
            .start()?;
        let bus = host.connected_bus()?;
        Ok((host, bus))
    }

    fn finish(self) -> Result<()> {
        self.listener.finish()?;
        self.studio.server.finish()
    }
}

fn announce(bus: &mut BusClient, text: &str, in_doubt: &str) -> Result<Value> {
    let params = json!({
        "action": "event_relay.announce",
        "context": {"surface": "cli", "selection": []},
        "values": {"text": text, "in_doubt": in_doubt},
    });
    Ok(bus.request("actions.launch", params)?["job"].take())
}

#[test]
fn an_event_is_heard_once_though_the_network_goes_and_the_host_is_killed() -> Result<()> {
    let stage = Stage::open()?;
    let (mut host, mut bus) = stage.host()?;
    let job = announce(&mut bus, "at once", "repeat")?;
    let ended = bus.wait_for_job(&job, SOON)?;
    ensure!(ended["state"] == "done", "it is {ended}");
    let heard = stage.listener.wait_for("at once", 1)?;
    let source = &heard[0]["source"];
    ensure!(
        source["callboardPlugin"] == "event_relay",
        "it is from {source}"
    );
    ensure!(source["user"]["username"] == "ada", "it is from {source}");

    stage.network.lose(Loses::Everything);
    let job = announce(&mut bus, "later", "repeat")?;
    wait_until("it is handed over", SOON, || {
        let shown = bus.request("jobs.show", json!({"job": job}));
        shown
            .map(|job| (job["state"] == "working").then_some(()))
            .transpose()
    })??;
    host.kill()?;
    stage.network.lose(Loses::Nothing);
    let (host, mut bus) = stage.host()?;
    let ended = bus.wait_for_job(&job, SOON)?;
    ensure!(ended["state"] == "done", "it is {ended}");
    let heard = stage.listener.wait_for("later", 1)?;
    ensure!(heard.len() == 1, "it was heard as {heard:?}");
    ensure!(
        stage.listener.heard("at once").len() == 1,
        "it was told again"
    );
    host.finish()?;
    stage.finish()
}

#[test]
fn an_event_whose_confirmation_was_lost_is_repeated_under_its_id_or_a_person_is_asked() -> Result<()>
{
    let stage = Stage::open()?;
    let (mut host, mut bus) = stage.host()?;
    stage.network.lose(Loses::Answers);
    let again = announce(&mut bus, "again", "repeat")?;
    let once = announce(&mut bus, "once", "fail")?;
    stage.listener.wait_for("again", 1)?;
    stage.listener.wait_for("once", 1)?;
    host.kill()?;
    stage.network.lose(Loses::Nothing);

    let (host, mut bus) = stage.host()?;
    let ended = bus.wait_for_job(&again, SOON)?;
    ensure!(ended["state"] == "done", "it is {ended}");
    let heard = stage.listener.wait_for("again", 2)?;
    ensure!(
        heard.len() == 2 && heard[0]["id"] == heard[1]["id"],
        "it was heard as {heard:?}"
    );
    let ended = bus.wait_for_job(&once, SOON)?;
    let kind = ended["failure"]["kind"].as_str().context("a failure")?;
    ensure!(
        ended["state"] == "failed" && kind == "interrupted",
        "it is {ended}"
    );
    ensure!(stage.listener.heard("once").len() == 1, "it was told twice");

    bus.request("jobs.retry", json!({"job": once}))?;
    let ended = bus.wait_for_job(&once, SOON)?;
    ensure!(ended["state"] == "done", "it is {ended}");
    stage.listener.wait_for("once", 2)?;
    host.finish()?;
    stage.finish()
}
