//! A plugin that misbehaves in the way that its first argument names.
//!
//! It is written after `docs/protocol.md`, line by line and without our SDK or protocol crates, so that it checks the
//! wire and not our opinion of it. Its second argument is a mark: the processes it starts carry it in `UNRULY_MARK`, and
//! one mode takes it for a file that it waits for.

mod greedy;
mod rude;
#[cfg(target_os = "linux")]
mod spy;

use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Signal, getpid, kill_process, setsid};
use serde_json::{Value, json};
use tests::command;

/// The variable that marks what this plugin starts.
const MARK: &str = "UNRULY_MARK";

const HELLO: &str = r#"{"versions":[1]}"#;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mode, mark) = match arguments.as_slice() {
        [mode, mark] => (mode.as_str(), mark.as_str()),
        _ => ("", ""),
    };
    match misbehave(mode, mark) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to hear of a closed stderr.
            writeln!(io::stderr(), "unruly: {error:#}").ok();
            ExitCode::from(3)
        }
    }
}

fn misbehave(mode: &str, mark: &str) -> Result<()> {
    // What is done before any launch.
    match mode {
        "no_hello" => return ignore_input(),
        "aborts_at_start" => std::process::abort(),
        "exits_at_start" => return Ok(()),
        "half_hello" => return write(br#"{"vers"#),
        "deaf" => return rude::become_deaf(),
        "bomb" => return greedy::fork_bomb(),
        "wrong_version" => say(r#"{"versions":[99]}"#)?,
        "garbage" => return garbage(),
        "grandchild" => return grandchild(mark),
        _ => say(HELLO)?,
    }
    match mode {
        "exits_after_hello" => return Ok(()),
        "never_reads" => return rude::ask_and_never_read(),
        _ => {}
    }
    while let Some(message) = next_message()? {
        if message["method"] == "launch" {
            launch(mode, mark, &message)?;
        }
    }
    Ok(())
}

/// Carries out one launch; whatever returns goes on to the next message.
fn launch(mode: &str, mark: &str, message: &Value) -> Result<()> {
    let id = &message["id"];
    match mode {
        "polite" => done(id, "nothing was broken"),
        "environment" => tell_environment(id),
        // Neither reads on nor answers.
        "hangs" => wait(),
        "reports" | "waits_for_file" => {
            if mode == "reports" {
                say(
                    r#"{"method":"progress","params":{"fraction":0.25,"step":"1 of 4","text":"breaking things"}}"#,
                )?;
            }
            while !Path::new(mark).exists() {
                std::thread::park_timeout(Duration::from_millis(10));
            }
            done(id, "the file is there")
        }
        "flood" => loop {
            say(r#"{"method":"log","params":{"level":"info","message":"la la la"}}"#)?;
        },
        "half_frame" => {
            write(br#"{"id":1,"resu"#)?;
            exit_now(0)
        }
        "huge_line" => huge_line(),
        "prints" => {
            say("Loading the colour configuration…")?;
            done(id, "printed")
        }
        "no_object" => {
            say("[1,2,3]")?;
            done(id, "listed")
        }
        "closes_output" => {
            // What was the pipe is something else now, and the process stays.
            rustix::stdio::dup2_stdout(&File::open("/dev/null")?)?;
            wait()
        }
        "deaf_already" => rude::stay_deaf(),
        "invalid_utf8" => rude::say_invalid_utf8(),
        "deep_json" => rude::say_deep_json(id),
        "wrong_id" => rude::answer_with_wrong_id(id),
        "text_id" => say(r#"{"id":"one","result":{"outcome":"done","message":"text"}}"#),
        "aborts_asking" => {
            say(r#"{"id":1,"method":"ftrack.query","params":{"expressions":["Shot"]}}"#)?;
            std::process::abort()
        }
        "overflows_stack" => done(id, &rude::overflow_stack(0).to_string()),
        "allocates" => greedy::allocate(),
        "allocates_with_children" => greedy::allocate_with_children(),
        "spins" => greedy::spin(),
        "fork_bomb" => greedy::fork_bomb(),
        "threads" => greedy::threads(),
        "leaks_descriptors" => greedy::leak_descriptors(),
        #[cfg(target_os = "linux")]
        "spies" => done_with(id, spy::look(mark)),
        "exits" => exit_now(0),
        "aborts" => std::process::abort(),
        "segfaults" => {
            // The first one only takes Rust's own handler away, which looks for stack overflows.
            kill_process(getpid(), Signal::SEGV)?;
            kill_process(getpid(), Signal::SEGV)?;
            wait()
        }
        "stray_answer" => {
            say(r#"{"id":4711,"result":{"outcome":"done","message":"nobody asked"}}"#)?;
            done(id, "answered twice")
        }
        "reads_unpermitted" => {
            let params = json!({"expressions": ["select id from User"]});
            overstep(id, "ftrack.query", &params)
        }
        "writes_unpermitted" => {
            let project =
                json!({"action": "create", "entity_type": "Project", "id": new_id()?, "data": {}});
            let unit = json!({"key": "project", "label": "project", "operations": [project]});
            let step = json!({"id": "make", "kind": "call", "units": [unit]});
            let params = json!({"key": "make", "steps": [step], "state": null});
            overstep(id, "steps.hand_over", &params)
        }
        "family" => family(mark),
        "hands_over" | "hands_over_and_hangs" | "hands_over_and_dies" | "dies_reporting" => {
            hand_over(mode, message)
        }
        _ => bail!("there is no mode `{mode}`"),
    }
}

/// Writes a line to the pipe, and never less than all of it.
fn say(line: &str) -> Result<()> {
    let mut line = line.to_owned();
    line.push('\n');
    write(line.as_bytes())
}

fn write(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush().context("could not write to the host")
}

fn done(id: &Value, message: &str) -> Result<()> {
    let outcome = json!({"outcome": "done", "message": message});
    say(&json!({"id": id, "result": outcome}).to_string())
}

fn done_with(id: &Value, output: Value) -> Result<()> {
    let outcome = json!({"outcome": "done", "message": "looked around", "output": output});
    say(&json!({"id": id, "result": outcome}).to_string())
}

/// Stays until somebody ends this process.
fn wait() -> ! {
    loop {
        std::thread::park_timeout(Duration::from_secs(60));
    }
}

/// Ends this process without another word, in the middle of whatever it is.
#[expect(
    clippy::disallowed_methods,
    reason = "a rude end is what the tests want to see"
)]
fn exit_now(code: i32) -> ! {
    std::process::exit(code)
}

fn ignore_input() -> Result<()> {
    for line in io::stdin().lock().lines() {
        line?;
    }
    Ok(())
}

fn garbage() -> Result<()> {
    let mut state: u32 = 0x2545_f491;
    loop {
        let mut block = [0; 4096];
        for byte in &mut block {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            *byte = (state >> 8) as u8;
        }
        write(&block)?;
    }
}

fn huge_line() -> Result<()> {
    let megabyte = vec![b'x'; 1 << 20];
    write(br#"{"id":1,"result":{"outcome":"done","message":""#)?;
    for _ in 0..100 {
        write(&megabyte)?;
    }
    say(r#""}}"#)
}

/// Asks for something that the manifest does not permit, and passes the refusal on as its own failure.
fn overstep(id: &Value, method: &str, params: &Value) -> Result<()> {
    say(&json!({"id": 1, "method": method, "params": params}).to_string())?;
    let answer = next_message()?.context("the host hung up")?;
    match answer.get("error") {
        Some(error) => say(&json!({"id": id, "error": error}).to_string()),
        None => done(id, "did what it must not"),
    }
}

/// Returns the host's next message; none when it has hung up.
fn next_message() -> Result<Option<Value>> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let message = serde_json::from_str(&line).context("the host wrote no JSON")?;
    Ok(Some(message))
}

/// Starts processes that would outlive this one, each in a way of its own, and stays.
fn family(mark: &str) -> Result<()> {
    let quiet = || (Stdio::null(), Stdio::null());
    let (input, output) = quiet();
    command("sleep")
        .arg("1000")
        .env(MARK, mark)
        .stdin(input)
        .stdout(output)
        .spawn()?;
    let (input, output) = quiet();
    // Deaf to everything that asks politely.
    command("sh")
        .args(["-c", "trap '' TERM HUP INT; sleep 1000; true"])
        .env(MARK, mark)
        .stdin(input)
        .stdout(output)
        .spawn()?;
    // Leaves the session and its parent, and keeps the pipe to the host open.
    let status = command(std::env::current_exe()?)
        .args(["grandchild", mark])
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("the child that should leave its session failed");
    }
    say(r#"{"method":"progress","params":{"text":"the family is up"}}"#)?;
    wait()
}

/// Leaves the session, starts a process, and leaves that one to whoever adopts it.
fn grandchild(mark: &str) -> Result<()> {
    setsid()?;
    command("sleep").arg("1000").env(MARK, mark).spawn()?;
    Ok(())
}

/// Tells the names of all variables that the plugin was given.
#[expect(
    clippy::disallowed_methods,
    reason = "a plugin looks around, and the test says that it finds no key"
)]
fn tell_environment(id: &Value) -> Result<()> {
    let names: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    done_with(id, json!(names))
}

/// Hands a shot with a task over for each name in `values.names`, below `values.parent`; then the mode has its way.
///
/// The turn after that says how many units were done.
fn hand_over(mode: &str, message: &Value) -> Result<()> {
    let params = &message["params"];
    if let Value::Object(report) = &params["steps"] {
        if mode == "dies_reporting" {
            std::process::abort();
        }
        let units = report["steps"][0]["units"].as_array();
        let done_units = units.into_iter().flatten();
        let count = done_units.filter(|unit| unit["state"] == "done").count();
        return done(&message["id"], &format!("{count} units were done"));
    }
    let parent = &params["values"]["parent"];
    let names = params["values"]["names"].as_array();
    let names = names.context("the launch has no `names`")?;
    let units: Result<Vec<Value>> = names.iter().map(|name| unit(name, parent)).collect();
    let step = json!({"id": "shots", "label": "make shots", "kind": "call", "units": units?});
    let hand_over = json!({"key": "shots", "steps": [step], "state": null});
    say(&json!({"id": 1, "method": "steps.hand_over", "params": hand_over}).to_string())?;
    let answer = next_message()?.context("the host hung up")?;
    if answer.get("error").is_some() {
        bail!("the hand-over was refused: {answer}");
    }
    match mode {
        "hands_over_and_dies" => std::process::abort(),
        "hands_over_and_hangs" => wait(),
        _ => say(&json!({"id": message["id"], "result": {"outcome": "waits"}}).to_string()),
    }
}

fn unit(name: &Value, parent: &Value) -> Result<Value> {
    let (shot, task) = (new_id()?, new_id()?);
    Ok(json!({"key": name, "label": name, "operations": [
        {"action": "create", "entity_type": "Shot", "id": shot, "data": {"name": name, "parent_id": parent}},
        {"action": "create", "entity_type": "Task", "id": task, "data": {"name": "comp", "parent_id": shot}},
    ]}))
}

fn new_id() -> Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(id.trim_end().to_owned())
}
