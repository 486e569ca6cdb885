//! Forms while they are filled in: drafts, live fields, several steps and back, on every surface and through kills.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{BusClient, BusError, Home, HostRunner, SOON, wait_until};

use crate::declared::demo_with;
use crate::studio::Studio;
use crate::web::play;

/// How long a change may be under way, with the start of a process and the host's own deadline.
const CHANGE: Duration = Duration::from_secs(40);

/// What is typed where a password belongs, and is found nowhere afterwards.
const PIN: &str = "planted-pin-7351";

/// A window's way of filling in a form, without the window.
struct Window {
    bus: BusClient,
    job: Value,
    question: Value,
    edits: u64,
}

impl Window {
    /// Opens a window for a job that asks.
    fn open(host: &HostRunner, job: &Value) -> Result<Self> {
        let mut bus = host.bus()?;
        let shown = bus.request("jobs.show", json!({"job": job}))?;
        ensure!(shown["state"] == "asks", "it is {shown}");
        Ok(Self {
            bus,
            job: job.clone(),
            question: shown["question"].clone(),
            edits: 0,
        })
    }

    fn show(&mut self) -> Result<Value> {
        self.bus.request("jobs.show", json!({"job": self.job}))
    }

    /// Commits edits and waits until they are on disk.
    fn edit(&mut self, edits: &[Value]) -> Result<()> {
        let numbered: Vec<Value> = edits
            .iter()
            .map(|edit| {
                self.edits += 1;
                let mut edit = edit.clone();
                edit["number"] = json!(self.edits);
                edit
            })
            .collect();
        let draft = json!({
            "job": self.job, "question": self.question, "writer": "window", "edits": numbered,
        });
        let kept = self.bus.request("jobs.draft", draft)?;
        ensure!(kept == json!({"number": self.edits}), "kept {kept}");
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value) -> Result<()> {
        self.edit(&[json!({"name": name, "edit": "value", "value": value})])
    }

    fn change(&mut self, name: &str) -> Result<Value> {
        let change = json!({"job": self.job, "question": self.question, "name": name});
        self.bus.request_within("jobs.change", change, CHANGE)
    }
}

/// Returns what a job shows as the value of an item: the view's, with the draft's edits done to it.
fn filled(job: &Value, name: &str) -> Result<Value> {
    let view: callboard_protocol::View = serde_json::from_value(job["view"].clone())?;
    let draft = job.get("draft").cloned().unwrap_or(json!([]));
    let draft: Vec<callboard_protocol::FieldEdit> = serde_json::from_value(draft)?;
    let mut values = view.initial_values();
    callboard_protocol::apply_edits(&mut values, &draft);
    values.get(name).cloned().context("no such field")
}

fn refusal(error: &anyhow::Error) -> Result<&BusError> {
    let refused = error.downcast_ref::<BusError>();
    refused.with_context(|| format!("no refusal of the host's: {error:?}"))
}

fn item<'a>(form: &'a Value, name: &str) -> Result<&'a Value> {
    let items = form["items"].as_array().context("a form has items")?;
    let found = items.iter().find(|item| item["name"] == name);
    found.with_context(|| format!("no item `{name}` in {form}"))
}

#[test]
fn a_draft_survives_the_window_and_the_host_and_no_password_is_kept() -> Result<()> {
    let home = Home::empty()?;
    home.add_former()?;
    let studio = Studio::open()?;
    let mut host = studio.host_in(home.into()).start()?;
    let job = {
        let mut bus = host.connected_bus()?;
        let asked = bus.launch("former.fill", json!([]), json!({}))?;
        let mut window = Window::open(&host, &asked["id"])?;
        window.set("name", json!("sh"))?;
        let mut edits = vec![
            json!({"name": "pin", "edit": "value", "value": PIN}),
            json!({"name": "shots", "edit": "delete", "row": "r7"}),
            json!({"name": "shots", "edit": "insert", "row": {"id": "new"}, "before": "r1"}),
        ];
        edits.extend((10..60).map(|row| {
            let row = format!("r{row}");
            json!({"name": "shots", "edit": "cell", "row": row, "column": "first", "value": -1})
        }));
        window.edit(&edits)?;
        let patches = window.change("name")?["patches"].take();
        ensure!(
            patches[0] == json!({"name": "summary", "value": "sh"}),
            "{patches}"
        );
        // The window is killed here: nothing is said.
        asked["id"].clone()
    };
    let check = |host: &HostRunner| -> Result<Value> {
        let mut window = Window::open(host, &job)?;
        let shown = window.show()?;
        ensure!(filled(&shown, "name")? == "sh", "{}", shown["draft"]);
        let rows = filled(&shown, "shots")?;
        let rows = rows.as_array().context("rows")?;
        let first = |id: &str| {
            rows.iter()
                .find(|row| row["id"] == id)
                .map(|row| &row["first"])
        };
        ensure!(
            rows.len() == 2_000 && rows[0]["id"] == "new",
            "{}",
            rows.len()
        );
        ensure!(
            first("r7").is_none() && first("r59") == Some(&json!(-1)),
            "{rows:?}"
        );
        ensure!(
            first("r2") == Some(&json!(2_000)),
            "the plugin's patch is lost: {:?}",
            first("r2")
        );
        ensure!(
            shown["view"]["items"][4]["value"] == "sh",
            "{}",
            shown["view"]["items"][4]
        );
        ensure!(filled(&shown, "pin")?.is_null(), "a password was kept");
        Ok(shown)
    };
    check(&host)?;
    let home = host.home();
    host.kill()?;
    let host = studio.host_in(home).start()?;
    host.connected_bus()?;
    let shown = check(&host)?;
    // The table does not travel again: what the answer leaves out is what the draft says.
    let mut bus = host.bus()?;
    let answer = json!({"job": job, "question": shown["question"], "values": {"pin": PIN}});
    bus.request("jobs.answer", answer)?;
    let done = bus.wait_for_job(&job, SOON)?;
    ensure!(
        done["message"] == "with a PIN",
        "it ended so: {}",
        done["message"]
    );
    ensure!(done["output"]["name"] == "sh", "{}", done["output"]["name"]);
    ensure!(
        done["output"]["shots"][0]["id"] == "new",
        "{}",
        done["output"]["shots"][0]
    );
    ensure!(done.get("draft").is_none(), "the draft is still there");
    let home = host.home();
    host.finish()?;
    for file in walk(home.path())? {
        let content = std::fs::read(&file)?;
        let has_pin = content
            .windows(PIN.len())
            .any(|part| part == PIN.as_bytes());
        ensure!(!has_pin, "`{}` has the password", file.display());
    }
    studio.server.finish()
}

fn walk(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files.extend(walk(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[test]
fn a_plugin_that_fails_dies_or_hangs_in_a_change_costs_a_sentence() -> Result<()> {
    let home = Home::empty()?;
    home.add_former()?;
    let host = HostRunner::demo().home(home.into()).start()?;
    let mut bus = host.connected_bus()?;
    let asked = bus.launch("former.fill", json!([]), json!({}))?;
    let mut window = Window::open(&host, &asked["id"])?;
    for (typed, kind, message) in [
        ("fail", "invalid", "no such name"),
        (
            "keep",
            "denied",
            "`store.put` cannot be asked while a form changes",
        ),
        ("die", "interrupted", "`former` stopped before it finished"),
        (
            "hang",
            "timed_out",
            "`former` did not answer the change within 10 s",
        ),
    ] {
        window.set("name", json!(typed))?;
        let Err(error) = window.change("name") else {
            bail!("`{typed}` was answered");
        };
        let refused = refusal(&error)?;
        ensure!(
            refused.kind == kind && refused.message == message,
            "`{typed}`: {error:?}"
        );
        let shown = window.show()?;
        ensure!(shown["state"] == "asks", "`{typed}`: {shown}");
        ensure!(filled(&shown, "name")? == typed, "what was typed is lost");
    }
    // The next change is answered again, and the form still goes.
    window.set("name", json!("sh"))?;
    ensure!(window.change("name")?["patches"][0]["value"] == "sh");
    let listed = bus.request("jobs.list", json!({}))?;
    ensure!(
        listed["items"].as_array().map(Vec::len) == Some(1),
        "{listed}"
    );
    let answer = json!({"job": asked["id"], "values": {"handles": 8}});
    bus.request("jobs.answer", answer)?;
    let done = bus.wait_for_job(&asked["id"], SOON)?;
    ensure!(
        done["state"] == "done" && done["output"]["name"] == "sh",
        "{}",
        done["message"]
    );
    host.finish()
}

#[test]
fn a_newer_change_supersedes_one_that_hangs() -> Result<()> {
    let home = Home::empty()?;
    home.add_former()?;
    let host = HostRunner::demo().home(home.into()).start()?;
    let mut bus = host.connected_bus()?;
    let asked = bus.launch("former.fill", json!([]), json!({}))?;
    let mut window = Window::open(&host, &asked["id"])?;
    window.set("name", json!("hang"))?;
    let params = json!({"job": asked["id"], "name": "name"});
    let mut other = host.bus()?;
    let hanging = other.send_request("jobs.change", params)?;
    // The plugin has it before the newer one comes.
    wait_until("the change is with the plugin", SOON, || {
        let plugins = bus.request("plugins.list", json!({}));
        let runs = |plugins: Value| {
            let mut plugins = plugins["items"].as_array()?.iter();
            let former = plugins.find(|plugin| plugin["id"] == "former")?;
            (former["state"] == "running").then_some(())
        };
        plugins.map(runs).transpose()
    })??;
    window.set("name", json!("sh"))?;
    ensure!(window.change("name")?["patches"][0]["value"] == "sh");
    let superseded = other.answer_to(hanging, SOON)?;
    ensure!(
        superseded == json!({"patches": [], "superseded": true}),
        "{superseded}"
    );
    // Nobody waits for the hanging process, and it is ended all the same.
    wait_until("the hanging process is ended", CHANGE, || {
        let plugins = bus.request("plugins.list", json!({}));
        let crashed = |plugins: Value| {
            let mut plugins = plugins["items"].as_array()?.iter();
            let former = plugins.find(|plugin| plugin["id"] == "former")?;
            (former["crashes"] == 1).then_some(())
        };
        plugins.map(crashed).transpose()
    })??;
    host.finish()
}

#[test]
fn a_form_of_several_steps_is_filled_in_gone_back_from_and_done_on_the_bus() -> Result<()> {
    let host = demo_with(&["shot_wizard"])?;
    let mut bus = host.connected_bus()?;
    let asked = bus.launch("shot_wizard.plan", json!([]), json!({}))?;
    let job = asked["id"].clone();
    let mut window = Window::open(&host, &job)?;
    window.set("kind", json!("episode"))?;
    let patches = window.change("kind")?["patches"].take();
    ensure!(
        patches[0]["value"] == "25" && patches[0]["data"][1]["value"] == "50",
        "{patches}"
    );
    let back = json!({"job": job});
    let Err(error) = bus.request("jobs.back", back.clone()) else {
        bail!("there is nothing before the first step");
    };
    ensure!(refusal(&error)?.kind == "conflict", "{error:?}");
    let mut answer = |values: Value| -> Result<Value> {
        bus.request("jobs.answer", json!({"job": job, "values": values}))?;
        bus.wait_for_job(&job, SOON)
    };
    let second = answer(json!({"count": 3, "prefix": "ep"}))?;
    ensure!(second["view"]["back"] == true, "{second}");
    answer(json!({"ep010": 10, "ep020": 20, "ep030": 30}))?;
    let again = bus.request("jobs.back", back.clone())?;
    ensure!(filled(&again, "ep020")? == 20, "{again}");
    let first = bus.request("jobs.back", back)?;
    ensure!(
        filled(&first, "kind")? == "episode" && filled(&first, "rate")? == "25",
        "{first}"
    );
    ensure!(first["view"].get("back").is_none(), "{first}");
    let mut answer = |values: Value| -> Result<Value> {
        bus.request("jobs.answer", json!({"job": job, "values": values}))?;
        bus.wait_for_job(&job, SOON)
    };
    answer(json!({"count": 1}))?;
    answer(json!({"ep010": 12}))?;
    let done = answer(json!({}))?;
    ensure!(done["message"] == "1 shots, 12 frames", "{done}");
    host.finish()
}

#[test]
fn the_web_page_is_told_what_is_wrong_and_goes_back() -> Result<()> {
    let home = Home::empty()?;
    home.add_example("shot_wizard")?;
    let studio = Studio::open()?;
    let host = studio.host_in(home.into()).start()?;
    host.connected_bus()?;
    let seen = play(&studio.server.ready, &["plan_shots"])?;
    let first = &seen["first"];
    ensure!(item(first, "callboard_back").is_err(), "{first}");
    let refused = &seen["refused"];
    let lines: Vec<&str> = refused["items"]
        .as_array()
        .context("the form again")?
        .iter()
        .filter(|item| item["type"] == "label")
        .filter_map(|item| item["value"].as_str())
        .collect();
    ensure!(
        lines.contains(&"**Prefix:** may have 8 characters at most, it has 12")
            && lines.contains(&"**How many:** must be between 1 and 100"),
        "{lines:?}"
    );
    ensure!(
        item(refused, "prefix")?["value"] == "far too long",
        "what was typed is lost"
    );
    let second = &seen["second"];
    ensure!(
        item(second, "callboard_back")?["type"] == "boolean",
        "{second}"
    );
    let again = &seen["again"];
    ensure!(item(again, "count")?["value"] == 3, "{again}");
    // The page sent the second step once more when the first was asked again: it shows what is asked.
    ensure!(seen["stale"]["title"] == "Plan shots", "{}", seen["stale"]);
    ensure!(seen["third"]["title"] == "Right?", "{}", seen["third"]);
    ensure!(seen["done"]["success"] == true, "{}", seen["done"]);
    ensure!(
        seen["done"]["message"] == "2 shots, 250 frames",
        "{}",
        seen["done"]
    );
    host.finish()?;
    studio.server.finish()
}

#[test]
fn the_command_line_says_what_is_wrong_what_is_filled_in_and_how_to_go_back() -> Result<()> {
    let host = demo_with(&["shot_wizard"])?;
    let launched = host.command(&["launch", "shot_wizard.plan", "--wait", "--json"])?;
    let asked = launched.json()?;
    let id = asked["id"].as_str().context("a job's id")?.to_owned();
    let mut window = Window::open(&host, &asked["id"])?;
    window.set("prefix", json!("cl"))?;
    let answer = |sets: &[&str]| {
        let mut words = vec!["jobs", "answer", id.as_str(), "--wait", "--json"];
        words.extend(sets.iter().flat_map(|set| ["--set", set]));
        host.command(&words)
    };
    let refused = answer(&["count=0", "rate=24"])?;
    let error = refused.json()?["error"].take();
    // The same words that a window and the web page are told.
    ensure!(
        error["message"] == "`count` must be between 1 and 100",
        "{error}"
    );
    ensure!(
        error["fields"]["count"] == "must be between 1 and 100",
        "{error}"
    );
    ensure!(refused.code != Some(0), "{refused:?}");
    let bus = host
        .bus()?
        .request("jobs.answer", json!({"job": id, "values": {"count": 0}}));
    let Err(told) = bus else {
        bail!("the host took what the command line refused");
    };
    ensure!(
        refusal(&told)?.message == "`count` must be between 1 and 100",
        "{told:?}"
    );
    let shown = host.command(&["jobs", "show", &id])?;
    ensure!(shown.stdout.contains("prefix (Prefix): cl"), "{shown:?}");
    let back = host.command(&["jobs", "back", &id, "--json"])?;
    ensure!(back.json()?["error"]["kind"] == "conflict", "{back:?}");

    let second = answer(&["count=1", "rate=24"])?.json()?;
    ensure!(second["view"]["items"][0]["name"] == "cl010", "{second}");
    let hint = second["error"]["hint"].as_str().context("a hint")?;
    ensure!(
        hint.contains(&format!("callboard jobs back {id}")),
        "{hint}"
    );
    let shown = host.command(&["jobs", "show", &id])?;
    ensure!(
        shown.stdout.contains("go back with: callboard jobs back"),
        "{shown:?}"
    );
    let back = host.command(&["jobs", "back", &id, "--json"])?.done()?;
    ensure!(back["view"]["title"] == "Plan shots", "{back}");
    ensure!(filled(&back, "prefix")? == "cl", "{back}");
    answer(&["count=2"])?;
    answer(&["cl020:=50"])?;
    let done = answer(&[])?.done()?;
    ensure!(done["message"] == "2 shots, 150 frames", "{done}");
    host.finish()
}
