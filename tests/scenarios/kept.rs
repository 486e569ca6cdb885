//! The sandbox is killed at random while clients change things: what it acknowledged is there, whole, and of what it
//! did not acknowledge there is all or nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Builder};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{HostRunner, Random, SOON, SandboxClient, number_set, seed, wait_until};

const CLIENTS: usize = 8;

/// How often the sandbox is killed in a usual run.
const KILLS: u32 = 4;

/// Files that a client goes on looking for, so that a long run does not end in reading files.
const FILES: usize = 10;

/// Entities by id, with their names.
type Rows = BTreeMap<String, String>;

/// Uploads by component.
type Files = BTreeMap<String, Vec<u8>>;

/// A client, and what it knows to be kept.
struct Client {
    number: usize,
    random: Random,
    rows: Rows,
    files: Files,
    /// What would be there as well, if what was under way when the server died had been done.
    doubt: Option<Doubt>,
}

enum Doubt {
    Rows(Rows),
    File(String, Vec<u8>),
}

/// What the clients of one life of the server share.
#[derive(Default)]
struct Life {
    acknowledged: AtomicUsize,
    /// Set before the server is killed; a failure before that is a fault of the server's.
    is_ending: AtomicBool,
}

impl Client {
    /// Works until the server is gone.
    fn work(&mut self, server: &SandboxClient, life: &Life) -> Result<()> {
        loop {
            let done = match self.random.below(5) {
                0 => self.upload(server),
                _ => self.change(server),
            };
            match done {
                Ok(()) => {
                    life.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Err(_) if life.is_ending.load(Ordering::SeqCst) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends one batch of creates, updates and deletes.
    fn change(&mut self, server: &SandboxClient) -> Result<()> {
        let mut after = self.rows.clone();
        let mut operations = Vec::new();
        for _ in 0..=self.random.below(3) {
            let (id, name) = (self.id(), self.name());
            operations.push(json!({
                "action": "create",
                "entity_type": "Scope",
                "entity_data": {"id": id, "name": name},
            }));
            after.insert(id, name);
        }
        let known: Vec<String> = self.rows.keys().cloned().collect();
        for _ in 0..self.random.below(3) {
            if known.is_empty() {
                break;
            }
            let id = known[self.random.below(known.len())].clone();
            if !after.contains_key(&id) {
                continue;
            }
            if self.random.below(2) == 0 {
                operations
                    .push(json!({"action": "delete", "entity_type": "Scope", "entity_key": [id]}));
                after.remove(&id);
            } else {
                let name = self.name();
                operations.push(json!({
                    "action": "update",
                    "entity_type": "Scope",
                    "entity_key": [id],
                    "entity_data": {"name": name},
                }));
                after.insert(id, name);
            }
        }
        self.doubt = Some(Doubt::Rows(after.clone()));
        let answers = server.call(&Value::Array(operations))?;
        ensure!(answers.is_array(), "the server refused: {answers}");
        self.rows = after;
        self.doubt = None;
        Ok(())
    }

    fn upload(&mut self, server: &SandboxClient) -> Result<()> {
        let id = self.id();
        let length = self.random.below(200_000);
        let content = digits(&mut self.random).into_bytes();
        let content: Vec<u8> = content.iter().copied().cycle().take(length).collect();
        self.doubt = Some(Doubt::File(id.clone(), content.clone()));
        server.upload(&id, &content)?;
        self.files.insert(id, content);
        self.doubt = None;
        Ok(())
    }

    /// Compares what is there with what was acknowledged, and goes on from there.
    fn check(&mut self, server: &SandboxClient) -> Result<()> {
        let prefix = format!("kept{}_", self.number);
        let query = format!("select id, name from Scope where name like \"{prefix}%\"");
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let found = server.query(&query)?;
        let found: Rows = found
            .iter()
            .map(|row| (text(row, "id"), text(row, "name")))
            .collect();
        for (id, content) in &self.files {
            let found = server.download(id)?;
            ensure!(found.as_ref() == Some(content), "an upload is lost: {id}");
        }
        while self.files.len() > FILES {
            self.files.pop_first();
        }
        match self.doubt.take() {
            Some(Doubt::Rows(after)) if found == after => self.rows = found,
            Some(Doubt::File(id, content)) => match server.download(&id)? {
                Some(found) if found == content => drop(self.files.insert(id, content)),
                Some(_) => bail!("half an upload is there: {id}"),
                None => {}
            },
            _ => ensure!(
                found == self.rows,
                "client {} was told of {:?} and finds {found:?}",
                self.number,
                self.rows
            ),
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        format!("kept{}_{}", self.number, digits(&mut self.random))
    }

    fn id(&mut self) -> String {
        let text = digits(&mut self.random);
        format!("{}-{:04x}-4000-8000-{text:0>12}", &text[..8], self.number)
    }
}

/// Twelve hexadecimal digits.
fn digits(random: &mut Random) -> String {
    format!("{:012x}", random.number() >> 16)
}

#[test]
fn what_the_sandbox_acknowledged_survives_kills_at_any_moment() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().to_str().context("a path is text")?.to_owned();
    let seed = seed()?;
    let mut random = Random::new(seed);
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client {
            number,
            random: Random::new(random.number()),
            rows: Rows::new(),
            files: Files::new(),
            doubt: None,
        })
        .collect();
    // A server that was killed leaves its port free at once, so the next one takes the same.
    let mut address = "127.0.0.1:0".to_owned();
    for kill in 0..number_set("CALLBOARD_SOAK_KILLS", KILLS)? {
        let told = || format!("seed {seed}, kill {kill}");
        let start = |address: &str| {
            let builder = HostRunner::sandbox_at(address)
                .argument("--data")
                .argument(&data);
            builder.start().with_context(told)
        };
        let mut server = start(&address)?;
        let http = SandboxClient::new(&server.ready)?;
        address = http.address().to_owned();
        for client in &mut clients {
            client.check(&http).with_context(told)?;
        }
        let life = Life::default();
        let enough = 20 + random.below(200);
        thread::scope(|scope| -> Result<()> {
            let mut workers = Vec::new();
            for client in &mut clients {
                let (http, life) = (&http, &life);
                let name = format!("client {}", client.number);
                workers.push(
                    Builder::new()
                        .name(name)
                        .spawn_scoped(scope, move || client.work(http, life))?,
                );
            }
            let worked = wait_until("enough was acknowledged", SOON * 3, || {
                (life.acknowledged.load(Ordering::SeqCst) >= enough).then_some(())
            });
            life.is_ending.store(true, Ordering::SeqCst);
            server.kill()?;
            for worker in workers {
                match worker.join() {
                    Ok(outcome) => outcome.with_context(told)?,
                    Err(_) => bail!("a client panicked, {}", told()),
                }
            }
            worked.with_context(told)
        })?;
    }
    let server = HostRunner::sandbox_at(&address)
        .argument("--data")
        .argument(&data)
        .start()?;
    let http = SandboxClient::new(&server.ready)?;
    for client in &mut clients {
        client
            .check(&http)
            .with_context(|| format!("seed {seed}"))?;
    }
    let kept: usize = clients.iter().map(|client| client.rows.len()).sum();
    ensure!(kept > 0, "nothing was kept, so nothing was tested");
    server.finish()
}

#[test]
fn a_sandbox_that_cannot_start_says_why_and_what_to_do() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().to_str().context("a path is text")?;
    let server = HostRunner::sandbox()
        .argument("--data")
        .argument(data)
        .start()?;
    let client = SandboxClient::new(&server.ready)?;
    let refused = |arguments: &[&str], expected: &str| -> Result<()> {
        let result = server.command(arguments)?;
        ensure!(result.code == Some(1), "{arguments:?}: {result:?}");
        ensure!(
            result.stderr.contains(expected),
            "{arguments:?}: {result:?}"
        );
        Ok(())
    };
    let second = "another sandbox is using `";
    refused(&["sandbox", "--data", data], second)?;
    let taken = client.address();
    let expected = format!("could not listen on `{taken}`");
    refused(&["sandbox", "--listen", taken], &expected)?;
    let damaged = tempfile::tempdir()?;
    let file = damaged.path().join("sandbox.sqlite3");
    std::fs::write(&file, "no database at all, and longer than the head of one")?;
    let damaged = damaged.path().to_str().context("a path is text")?;
    let expected = "is damaged or no database of a sandbox; move it away to begin anew";
    refused(&["sandbox", "--data", damaged], expected)?;
    // The first one has not noticed any of them.
    ensure!(
        !client.query("select id from Project")?.is_empty(),
        "the demo is gone"
    );
    server.finish()
}
