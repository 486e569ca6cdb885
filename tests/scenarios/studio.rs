//! A studio for stories that hurt: a sandbox in a process of its own, and hosts that come and go beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{BusClient, Home, HostBuilder, HostRunner, Ready, SandboxClient};

/// The project of the demo data that shots are made in.
const PROJECT: &str = "harbour";

/// Somebody of the demo data who may look at everything and change nothing.
const READ_ONLY_USER: &str = "bo";

/// The task types that every shot of a batch gets.
const TASK_TYPES: [&str; 2] = ["Compositing", "Tracking"];

/// The shots of a batch.
const SHOTS: [&str; 3] = ["sh010", "sh020", "sh030"];

/// A running sandbox.
pub(crate) struct Studio {
    pub(crate) server: HostRunner,
    pub(crate) client: SandboxClient,
    data: TempDir,
}

impl Studio {
    pub(crate) fn open() -> Result<Self> {
        let data = tempfile::tempdir()?;
        Self::open_at("127.0.0.1:0", data)
    }

    fn open_at(address: &str, data: TempDir) -> Result<Self> {
        let server = HostRunner::sandbox_at(address)
            .argument("--data")
            .argument(&data.path().display().to_string())
            .start()?;
        let client = SandboxClient::new(&server.ready)?;
        Ok(Self {
            server,
            client,
            data,
        })
    }

    /// Starts the server again, at its address and with its data.
    pub(crate) fn open_again(self) -> Result<Self> {
        let address = self.client.address().to_owned();
        drop(self.server);
        Self::open_at(&address, self.data)
    }

    /// Makes a home with the shot plugin, for a host that does not wait long before it tries again.
    pub(crate) fn home() -> Result<Arc<Home>> {
        Self::home_with("")
    }

    /// Makes the same for a host that needs a call for each shot.
    pub(crate) fn home_with_small_calls() -> Result<Arc<Home>> {
        Self::home_with("batch_operations = 3\n")
    }

    fn home_with(steps: &str) -> Result<Arc<Home>> {
        let home = Home::empty()?;
        home.add_bundled_plugin("shot_creation")?;
        home.write_settings(&format!(
            "[steps]\nretry_ms = 100\nretry_max_secs = 1\n{steps}\n[hub]\nreconnect_max_secs = 1\n"
        ))?;
        Ok(Arc::new(home))
    }

    /// Prepares a host that is signed in as the main user, in this home.
    pub(crate) fn host_in(&self, home: Arc<Home>) -> HostBuilder {
        HostRunner::resident(&self.server.ready).home(home)
    }

    /// Returns what a host is told that signs in as somebody who may only look.
    pub(crate) fn read_only_user(&self) -> Result<Ready> {
        Ok(Ready {
            user: READ_ONLY_USER.to_owned(),
            api_key: self.client.key_of(READ_ONLY_USER)?,
            ..self.server.ready.clone()
        })
    }

    /// Returns the id of a sequence of the demo project.
    pub(crate) fn sequence_id(&self) -> Result<String> {
        let found = self
            .client
            .query("select id from Sequence where name is \"sq010\" and parent.name is \"ep01\"")?;
        let id = found.first().and_then(|entity| entity["id"].as_str());
        Ok(id.context("the demo has no such sequence")?.to_owned())
    }

    /// Returns how often each shot of this parent exists, by name.
    pub(crate) fn shots_below(&self, parent_id: &str) -> Result<BTreeMap<String, usize>> {
        let expression = format!("select name from Shot where parent_id is \"{parent_id}\"");
        let mut shots = BTreeMap::new();
        for shot in self.client.query(&expression)? {
            let name = shot["name"].as_str().context("a shot has a name")?;
            *shots.entry(name.to_owned()).or_insert(0) += 1;
        }
        Ok(shots)
    }

    /// Makes sure that everything a batch asks for exists exactly once.
    pub(crate) fn check_made_once(&self, batch: &Batch) -> Result<()> {
        let name = &batch.sequence;
        let sequences = self
            .client
            .query(&format!("select id from Sequence where name is \"{name}\""))?;
        ensure!(
            sequences.len() == 1,
            "{} sequences are called `{name}`",
            sequences.len()
        );
        let mut made = self.names(&format!("Shot where parent.name is \"{name}\""))?;
        made.sort();
        ensure!(made == SHOTS, "the shots of `{name}` are {made:?}");
        for shot in SHOTS {
            let of_shot = format!("parent.name is \"{shot}\" and parent.parent.name is \"{name}\"");
            let types = self
                .client
                .query(&format!("select type.name from Task where {of_shot}"))?;
            let mut types: Vec<_> = types
                .iter()
                .map(|task| task["type"]["name"].clone())
                .collect();
            types.sort_by_key(Value::to_string);
            ensure!(
                types == TASK_TYPES,
                "the tasks of `{name}/{shot}` are {types:?}"
            );
        }
        Ok(())
    }

    fn names(&self, what: &str) -> Result<Vec<String>> {
        let entities = self.client.query(&format!("select name from {what}"))?;
        let names = entities.iter().map(|entity| entity["name"].as_str());
        names
            .map(|name| Ok(name.context("it has a name")?.to_owned()))
            .collect()
    }
}

/// A sequence with shots and tasks that one job makes.
pub(crate) struct Batch {
    sequence: String,
}

impl Batch {
    pub(crate) fn new(sequence: impl Into<String>) -> Self {
        Self {
            sequence: sequence.into(),
        }
    }

    /// Launches the job and returns its id.
    pub(crate) fn launch(&self, bus: &mut BusClient) -> Result<Value> {
        let params = json!({
            "action": "shot_creation.create_shots",
            "context": {"selection": []},
            "values": {
                "project": PROJECT,
                "sequence": self.sequence,
                "shots": SHOTS.join("\n"),
                "task_types": TASK_TYPES,
            },
        });
        Ok(bus.request("actions.launch", params)?["job"].take())
    }

    /// Waits until the job is done, after whatever happened to the host before, and returns it.
    ///
    /// A launch that the host never took is made again, as whoever got no answer does, and so is one that was
    /// interrupted before its hand-over.
    pub(crate) fn converge(&self, bus: &mut BusClient) -> Result<Value> {
        let job = match self.find(bus)? {
            Some(job) => job,
            None => self.launch(bus)?,
        };
        let mut detail = bus.wait_for_job(&job, CONVERGED)?;
        if detail["failure"]["kind"] == "interrupted" {
            ensure!(detail["state"] == "failed", "interrupted, but {detail}");
            ensure!(
                detail["values"]["sequence"] == self.sequence.as_str(),
                "the inputs are lost: {detail}"
            );
            bus.request("jobs.retry", json!({"job": job}))?;
            detail = bus.wait_for_job(&job, CONVERGED)?;
        }
        ensure!(detail["state"] == "done", "the job is not done: {detail}");
        Ok(detail)
    }

    /// Returns the job that was launched for this batch, if the host has one.
    fn find(&self, bus: &mut BusClient) -> Result<Option<Value>> {
        let jobs = bus.request("jobs.list", json!({"limit": 500}))?;
        let mut found = Vec::new();
        for job in jobs["items"].as_array().into_iter().flatten() {
            let detail = bus.request("jobs.show", json!({"job": job["id"]}))?;
            if detail["values"]["sequence"] == self.sequence.as_str() {
                found.push(job["id"].clone());
            }
        }
        ensure!(found.len() <= 1, "one launch made several jobs: {found:?}");
        Ok(found.pop())
    }
}

/// How long work may take until it has converged.
const CONVERGED: std::time::Duration = std::time::Duration::from_secs(60);
