//! Films that are published through the official client, and what the sandbox's encoder does when the server goes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    HostRunner, SOON, SandboxClient, checkout, command, descendants, run, run_python, wait_until,
};

/// How long making or encoding one of these films may take on a busy machine.
const ENCODED: Duration = Duration::from_secs(120);

/// How long a program may outlive the server that started it.
const AFTERLIFE: Duration = Duration::from_secs(2);

#[test]
fn a_published_film_is_served_with_its_frames_its_rate_and_its_sound() -> Result<()> {
    let server = HostRunner::sandbox().start()?;
    let folder = tempfile::tempdir()?;
    for (rate, shown, frames, has_sound) in [
        ("25", json!(25), 60_u32, true),
        ("24000/1001", json!(23.976), 48, true),
        ("30", json!(30), 20, false),
    ] {
        let source = film(&folder, rate, frames, has_sound)?;
        let seen = ended(&server, &begin(&server, &source)?)?;
        ensure!(seen["status"] == "done", "{seen}");
        let made = &seen["components"]["ftrackreview-mp4"];
        let meta = json!({"frameIn": 0, "frameOut": frames - 1, "frameRate": shown, "height": 360, "width": 640});
        ensure!(made["ftr_meta"] == meta, "{rate}: {made}");
        let facts = probe(made["url"].as_str().context("a component has an address")?)?;
        let (sound, pictures) = (&facts["audio"], &facts["video"]);
        ensure!(
            pictures["nb_read_frames"].as_str() == Some(&frames.to_string()),
            "{pictures}"
        );
        ensure!(pictures["r_frame_rate"] == full(rate), "{pictures}");
        let duration: f64 = pictures["duration"].as_str().unwrap_or("").parse()?;
        let rate = shown.as_f64().context("a rate is a number")?;
        ensure!(
            (duration - f64::from(frames) / rate).abs() < 0.01,
            "it lasts {duration} s"
        );
        ensure!(sound.is_object() == has_sound, "{facts}");
    }
    server.finish()
}

#[test]
fn an_encoding_ends_with_the_server_and_goes_on_after_a_kill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let data = data
        .to_str()
        .context("a temporary folder has a plain name")?;
    let start = || {
        HostRunner::sandbox()
            .argument("--data")
            .argument(data)
            .start()
    };
    let source = film(&folder, "25", 900, true)?;

    let mut killed = start()?;
    let job = begin(&killed, &source)?;
    wait_for_ffmpeg(&killed)?;
    let family = killed.kill()?;
    HostRunner::wait_for_end_of(&family, AFTERLIFE)?;

    let stopped = start()?;
    wait_for_ffmpeg(&stopped)?;
    stopped.finish()?;

    let server = start()?;
    let seen = ended(&server, &job)?;
    ensure!(seen["status"] == "done", "{seen}");
    let meta = &seen["components"]["ftrackreview-mp4"]["ftr_meta"];
    ensure!(meta["frameOut"] == 899, "{seen}");
    let work = Path::new(data).join("files/work");
    let left = std::fs::read_dir(&work)?.count();
    ensure!(left == 0, "{left} work folders are left");
    server.finish()
}

#[test]
fn without_ffmpeg_a_film_is_passed_on_as_it_is_and_the_job_says_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let source = film(&folder, "25", 5, false)?;
    let server = HostRunner::sandbox()
        .under(&["env", "PATH=/nowhere"])
        .start()?;
    let seen = ended(&server, &begin(&server, &source)?)?;
    ensure!(seen["status"] == "done", "{seen}");
    let said = seen["description"].as_str().unwrap_or_default();
    ensure!(said.contains("there is no ffmpeg"), "it said {said}");
    let components = seen["components"].as_object();
    let names: Vec<&String> = components
        .into_iter()
        .flat_map(|made| made.keys())
        .collect();
    ensure!(names == ["ftrackreview-mp4"], "it made {names:?}");
    let made = &seen["components"]["ftrackreview-mp4"];
    let size = std::fs::metadata(&source)?.len();
    ensure!(made["size"] == size, "{made}");

    let unknown = folder.path().join("a.exr");
    std::fs::write(&unknown, "nothing that a browser shows")?;
    let seen = ended(&server, &begin(&server, &unknown)?)?;
    ensure!(seen["status"] == "failed", "{seen}");
    server.finish()
}

/// A rate as ffprobe writes it.
fn full(rate: &str) -> String {
    match rate.contains('/') {
        true => rate.to_owned(),
        false => format!("{rate}/1"),
    }
}

/// Makes a film of a test pattern, with a tone if wanted.
fn film(folder: &TempDir, rate: &str, frames: u32, has_sound: bool) -> Result<PathBuf> {
    let path = folder.path().join(format!("take_{frames}.mov"));
    let pattern = format!("testsrc=size=640x360:rate={rate}");
    let mut ffmpeg = command("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", &pattern]);
    if has_sound {
        ffmpeg.args(["-f", "lavfi", "-i", "sine=frequency=440", "-shortest"]);
    }
    ffmpeg
        .args(["-frames:v", &frames.to_string(), "-pix_fmt", "yuv420p"])
        .arg(&path);
    let finished = run(&mut ffmpeg, ENCODED)?;
    ensure!(finished.status.success(), "no film: {finished:?}");
    Ok(path)
}

fn client(server: &HostRunner, verb: &str, argument: &str) -> Result<Value> {
    let script = checkout().join("tests/scenarios/media.py");
    let environment = [
        ("FTRACK_SERVER", server.ready.server.as_str()),
        ("FTRACK_API_USER", &server.ready.user),
        ("FTRACK_API_KEY", &server.ready.api_key),
    ];
    let finished = run_python(&script, &[verb, argument], environment, ENCODED)?;
    ensure!(
        finished.status.success(),
        "{finished:?}\nthe sandbox wrote:\n{}",
        server.log()
    );
    serde_json::from_str(&finished.stdout).with_context(|| format!("no JSON came: {finished:?}"))
}

/// Publishes a film and returns the id of its job.
fn begin(server: &HostRunner, source: &Path) -> Result<String> {
    let begun = client(server, "encode", &source.to_string_lossy())?;
    let job = begun["job"].as_str().context("a job has an id")?;
    Ok(job.to_owned())
}

/// Waits until a job has ended, and returns what the official client shows of it.
fn ended(server: &HostRunner, job: &str) -> Result<Value> {
    let asker = SandboxClient::new(&server.ready)?;
    let expression = format!("select status from Job where id is \"{job}\"");
    wait_until("the job has ended", ENCODED, || {
        let found = asker.query(&expression);
        let is_over = |jobs: &Vec<Value>| {
            ["done", "failed"]
                .contains(&jobs[0]["status"].as_str()?)
                .then_some(())
        };
        match found {
            Ok(jobs) => is_over(&jobs).map(Ok),
            Err(error) => Some(Err(error)),
        }
    })??;
    client(server, "show", job)
}

fn wait_for_ffmpeg(server: &HostRunner) -> Result<()> {
    wait_until("the server encodes", SOON, || {
        let names = descendants(server.pid())
            .into_iter()
            .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
        names
            .into_iter()
            .any(|name| name == "ffmpeg\n")
            .then_some(())
    })
}

/// Returns what ffprobe says of the streams that an address serves, by their kind.
fn probe(url: &str) -> Result<Value> {
    let words = "-v error -print_format json -show_streams -count_frames";
    let finished = run(command("ffprobe").args(words.split(' ')).arg(url), ENCODED)?;
    let facts: Value = serde_json::from_str(&finished.stdout)
        .with_context(|| format!("no facts: {finished:?}"))?;
    let mut kinds = json!({});
    for stream in facts["streams"].as_array().into_iter().flatten() {
        let kind = stream["codec_type"].as_str().unwrap_or_default();
        kinds[kind] = stream.clone();
    }
    Ok(kinds)
}
