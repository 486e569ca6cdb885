//! Flame, played by its stand-in with the real hook and bridge, beside a real host and a real sandbox.

mod applications;
mod away;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tests::{HostRunner, checkout, run_python};

use crate::studio::Studio;

/// How long a story may take, the start of Python included.
const STORY: Duration = Duration::from_secs(120);

/// The longest that one idle event may hold Flame, on the stand-in's own clock.
const IDLE_SECS: f64 = 0.010;

const ACTION: &str = "shot_creation.create_shots";

/// A studio with a host that has the shot plugin, and the socket that Flame finds.
struct Set {
    studio: Studio,
    host: HostRunner,
    bus: PathBuf,
}

impl Set {
    fn build() -> Result<Self> {
        let studio = Studio::open()?;
        let host = studio.host_in(Studio::home()?).start()?;
        host.connected_bus()?;
        let bus = host.ready.bus.clone();
        Ok(Self { studio, host, bus })
    }

    /// Returns the names of the shots of a sequence with the types of their tasks.
    fn shots(&self, sequence: &str) -> Result<BTreeMap<String, Vec<String>>> {
        let query = |expression: &str| self.studio.client.query(expression);
        let below = format!("parent.name is \"{sequence}\"");
        // An answer tells each entity once, so names are looked up by id.
        let mut names = BTreeMap::new();
        for entity in query("select id, name from Type")? {
            names.insert(text(&entity["id"])?, text(&entity["name"])?);
        }
        let mut shots = BTreeMap::new();
        for shot in query(&format!("select name from Shot where {below}"))? {
            let again = shots.insert(text(&shot["name"])?, Vec::new());
            ensure!(again.is_none(), "a shot exists twice: {shot}");
            names.insert(text(&shot["id"])?, text(&shot["name"])?);
        }
        for task in query(&format!(
            "select parent_id, type_id from Task where parent.{below}"
        ))? {
            let name = |id: &Value| names.get(&text(id)?).context("an id names nothing");
            let tasks = shots.get_mut(name(&task["parent_id"])?);
            tasks
                .context("a task has another shot")?
                .push(name(&task["type_id"])?.clone());
        }
        Ok(shots)
    }

    /// Returns the one job that the host has, whole.
    fn only_job(&self) -> Result<Value> {
        let mut bus = self.host.bus()?;
        let jobs = bus.request("jobs.list", json!({}))?;
        let [job] = jobs["items"].as_array().map_or(&[][..], Vec::as_slice) else {
            return Err(anyhow!("there is not one job: {jobs}"));
        };
        bus.request("jobs.show", json!({"job": job["id"]}))
    }

    /// Kills the host as `kill -9` does, and starts it again in the same home.
    fn with_killed_host(self) -> Result<Self> {
        let Self {
            studio,
            mut host,
            bus,
        } = self;
        host.kill()?;
        let home = host.home();
        // Its end takes along whatever else runs in its home, so it comes before the next one's start.
        drop(host);
        let host = studio.host_in(home).start()?;
        ensure!(
            host.ready.bus == bus,
            "the socket is elsewhere: {:?}",
            host.ready
        );
        Ok(Self { studio, host, bus })
    }

    fn strike(self) -> Result<()> {
        self.host.finish()?;
        self.studio.server.finish()
    }
}

/// Has an artist click *Create Shots in ftrack…* in the stand-in, and returns what happened there.
///
/// Whatever else happens, nothing may wait on Flame's main thread or touch Flame outside it.
fn click(bus: &Path, arguments: &[&str]) -> Result<Value> {
    let script = checkout().join("flame_integration/tests/play.py");
    let bus = bus.to_string_lossy();
    let finished = run_python(&script, arguments, [("CALLBOARD_BUS", bus.as_ref())], STORY)?;
    let seen: Value = serde_json::from_str(&finished.stdout)
        .with_context(|| format!("Flame said nothing: {finished:?}"))?;
    ensure!(seen["problems"] == json!([]), "Flame complains: {seen}");
    ensure!(
        seen["violations"] == json!([]),
        "Flame was touched by another thread: {seen}"
    );
    let idle = seen["longest_idle_secs"].as_f64();
    ensure!(
        idle.is_some_and(|secs| secs <= IDLE_SECS),
        "an idle event holds Flame: {seen}"
    );
    Ok(seen)
}

/// Returns what the message bar said, each as its type and its text.
fn messages(seen: &Value) -> Result<Vec<String>> {
    let lines = seen["messages"].as_array().context("there are messages")?;
    let line = |line: &Value| {
        Ok(format!(
            "{}: {}",
            text(&line["type"])?,
            text(&line["message"])?
        ))
    };
    lines.iter().map(line).collect()
}

/// Returns the text of the one question that was asked.
fn question(seen: &Value) -> Result<String> {
    let [dialog] = seen["dialogs"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err(anyhow!("there was not one question: {seen}"));
    };
    ensure!(
        dialog["title"] == "Create shots" && dialog["buttons"] == json!(["Create"]),
        "{dialog}"
    );
    text(&dialog["message"])
}

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("no text: {value}"))?
        .to_owned())
}

#[test]
fn what_is_selected_in_flame_becomes_shots_and_tasks_after_one_question() -> Result<()> {
    let set = Set::build()?;
    let seen = click(
        &set.bus,
        &[
            "--fixture",
            "layered",
            "--project",
            "harbour",
            "--answer",
            "Create",
        ],
    )?;
    ensure!(seen["states"] == json!(["asks", "done"]), "{seen}");
    let asked = question(&seen)?;
    ensure!(
        asked.starts_with("2 shots to make in `Harbour`, 0 there already.\n"),
        "{asked}"
    );
    ensure!(asked.contains("2 tasks to make (`Compositing`)"), "{asked}");
    ensure!(
        asked.contains("• new sequence `SEQ020`: 2 shots, 2 new"),
        "{asked}"
    );
    let said = messages(&seen)?;
    ensure!(
        said == ["info: Made 2 shots with 2 tasks in the new sequence `SEQ020`."],
        "{said:?}"
    );
    let shots = set.shots("SEQ020")?;
    let task = vec!["Compositing".to_owned()];
    let expected = [
        ("vfx_010".to_owned(), task.clone()),
        ("vfx_020".to_owned(), task),
    ];
    ensure!(shots == expected.into(), "{shots:?}");

    let menu = [
        "--fixture",
        "layered",
        "--project",
        "harbour",
        "--menu",
        "main_menu",
        "--answer",
        "Create",
    ];
    let seen = click(&set.bus, &menu)?;
    let said = messages(&seen)?;
    ensure!(
        said == ["info: Nothing to make: 2 shots with 2 tasks there already."],
        "{said:?}"
    );
    set.strike()
}

#[test]
fn flame_and_the_command_line_make_the_same_shots_and_the_same_job_record() -> Result<()> {
    let (flame, shell) = (Set::build()?, Set::build()?);
    click(
        &flame.bus,
        &[
            "--fixture",
            "tiny",
            "--project",
            "harbour",
            "--answer",
            "Create",
        ],
    )?;
    let rows = "shots=sequence\tshot\tdescription\n\
                SEQ010\tSHOT_010\tshot 10\nSEQ010\tSHOT_020\tshot 20\nSEQ010\tSHOT_030\tshot 30";
    let set = [
        "--set",
        "project=harbour",
        "--set",
        rows,
        "--set",
        "task_types=Compositing",
    ];
    let command = [&["launch", ACTION], &set[..], &["--wait", "--json"]].concat();
    shell.host.command(&command)?.done()?;

    let (clicked, typed) = (flame.only_job()?, shell.only_job()?);
    ensure!(
        clicked["surface"] == "flame" && typed["surface"] == "cli",
        "{clicked}\n{typed}"
    );
    for field in [
        "action", "label", "user", "state", "message", "output", "steps", "failure",
    ] {
        let (clicked, typed) = (without_ids(&clicked[field]), without_ids(&typed[field]));
        ensure!(clicked == typed, "`{field}` differs:\n{clicked}\n{typed}");
    }
    ensure!(
        clicked["output"]["made"].as_array().map(Vec::len) == Some(3),
        "{clicked}"
    );
    ensure!(
        clicked["values"]["shots"] == typed["values"]["shots"],
        "{clicked}\n{typed}"
    );
    let (made, typed) = (flame.shots("SEQ010")?, shell.shots("SEQ010")?);
    ensure!(made == typed && made.len() == 3, "{made:?}\n{typed:?}");
    let described = "select description from Shot where parent.name is \"SEQ010\"";
    for set in [&flame, &shell] {
        let mut texts: Vec<String> = (set.studio.client.query(described)?.iter())
            .map(|shot| text(&shot["description"]))
            .collect::<Result<_>>()?;
        texts.sort();
        ensure!(texts == ["shot 10", "shot 20", "shot 30"], "{texts:?}");
    }
    flame.strike()?;
    shell.strike()
}

/// Returns the value with every id that was made up replaced by the same word.
fn without_ids(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() == 36 && text.matches('-').count() == 4 => json!("an id"),
        Value::Array(items) => items.iter().map(without_ids).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| (name.clone(), without_ids(value)))
                .collect()
        }
        other => other.clone(),
    }
}

#[test]
fn missing_and_merged_shot_names_are_said_in_the_question() -> Result<()> {
    let set = Set::build()?;
    let seen = click(
        &set.bus,
        &[
            "--fixture",
            "noname",
            "--project",
            "harbour",
            "--answer",
            "Create",
        ],
    )?;
    let asked = question(&seen)?;
    ensure!(asked.contains("6 shots to make"), "{asked}");
    ensure!(asked.contains("2 segments left out:"), "{asked}");
    let nameless = "• `clip_001` on track 1 at 86400 in `SEQ040`: it has no shot name";
    ensure!(asked.contains(nameless), "{asked}");
    ensure!(
        asked.contains("its shot name is 300 characters long"),
        "{asked}"
    );
    ensure!(
        !asked.contains("**"),
        "Flame shows the marks of Markdown: {asked}"
    );
    let shots = set.shots("SEQ040")?;
    for awkward in ["say \"hi\"", "a/b\\c", "it's", "été_🎬", "spaced"] {
        ensure!(shots.contains_key(awkward), "no `{awkward}` in {shots:?}");
    }

    for (fixture, merged) in [("layered", "vfx_010"), ("split", "vfx_010")] {
        let seen = click(
            &set.bus,
            &[
                "--fixture",
                fixture,
                "--project",
                "harbour",
                "--answer",
                "Create",
            ],
        )?;
        let expected =
            format!("• 1 segment merged into another's shot of the same name: `{merged}`");
        let asked = question(&seen)?;
        ensure!(asked.contains(&expected), "{fixture}: {asked}");
    }
    set.strike()
}

#[test]
fn the_project_is_found_by_flames_name_or_nickname_and_a_missing_one_is_said() -> Result<()> {
    let set = Set::build()?;
    for names in [["--project", "Lantern"], ["--nickname", "lantern"]] {
        let arguments = [&names[..], &["--answer", "Create"]].concat();
        let asked = question(&click(&set.bus, &arguments)?)?;
        ensure!(asked.contains("in `Lantern`"), "{names:?}: {asked}");
    }
    let before = set.studio.client.count("Sequence")?;
    let seen = click(&set.bus, &["--project", "nowhere", "--until", "failed"])?;
    let said = messages(&seen)?;
    let expected = "error: No project that you can see is called `nowhere`. Name the project here as \
                    it is named in ftrack, or launch the action on the project in ftrack.";
    ensure!(said == [expected], "{said:?}");
    ensure!(seen["dialogs"] == json!([]), "{seen}");
    ensure!(
        set.studio.client.count("Sequence")? == before,
        "something was made"
    );
    set.strike()
}

#[test]
fn a_question_that_the_artist_cancels_cancels_the_job() -> Result<()> {
    let set = Set::build()?;
    let arguments = [
        "--project",
        "harbour",
        "--answer",
        "Cancel",
        "--until",
        "cancelled",
    ];
    let seen = click(&set.bus, &arguments)?;
    ensure!(seen["states"] == json!(["asks", "cancelled"]), "{seen}");
    ensure!(seen["messages"] == json!([]), "{seen}");
    ensure!(
        set.only_job()?["state"] == "cancelled",
        "{}",
        set.only_job()?
    );
    ensure!(set.shots("SEQ010")?.is_empty(), "something was made");
    set.strike()
}

#[test]
fn a_timeline_of_many_hundred_segments_is_told_in_short_idle_events() -> Result<()> {
    let set = Set::build()?;
    let timeline = ["--segments", "750", "--tracks", "1", "--sequences", "3"];
    let seen = click(
        &set.bus,
        &[
            &timeline[..],
            &["--project", "harbour", "--answer", "Create"],
        ]
        .concat(),
    )?;
    let mut said = messages(&seen)?;
    // Where making them takes longer than somebody likes to wait for, that is said first.
    said.retain(|message| message != "info: Create shots started.");
    ensure!(
        said == ["info: Made 750 shots with 750 tasks in 3 sequences."],
        "{said:?}"
    );
    for sequence in ["SEQ010", "SEQ020", "SEQ030"] {
        ensure!(
            set.shots(sequence)?.len() == 250,
            "{sequence} has other shots"
        );
    }
    set.strike()
}
