//! Whatever is wrong with what somebody gives: one sentence, what to do about it, and nothing half made.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::Builder;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{CommandResult, Home, HostRunner, Ready, SOON, wait_until};

use crate::studio::Studio;

/// What a command is to say: its exit code, the failure's kind, its sentence and the beginning of its hint.
struct Said<'a> {
    code: i32,
    kind: &'a str,
    message: &'a str,
    hint: &'a str,
}

/// Makes sure that a command failed so, and that a person reads the same.
fn check_failure(result: &CommandResult, expected: &Said<'_>) -> Result<()> {
    let failure = &result.json()?["error"];
    let text = |key: &str| failure[key].as_str().unwrap_or_default();
    ensure!(
        result.code == Some(expected.code),
        "it ended with {:?}: {failure}",
        result.code
    );
    ensure!(text("kind") == expected.kind, "it failed so: {failure}");
    ensure!(
        text("message") == expected.message,
        "it failed so: {failure}"
    );
    ensure!(
        text("hint").starts_with(expected.hint),
        "it failed so: {failure}"
    );
    ensure!(!text("hint").is_empty(), "no hint is given: {failure}");
    Ok(())
}

/// Counts what a job might make.
fn counted(studio: &Studio) -> Result<[usize; 3]> {
    let count = |kind| studio.client.count(kind);
    Ok([count("Sequence")?, count("Shot")?, count("Task")?])
}

/// Launches the action with these values, and waits for its end.
fn create_shots(host: &HostRunner, on: Option<&str>, values: &Value) -> Result<CommandResult> {
    let mut words = vec!["launch", "shot_creation.create_shots", "--wait", "--json"];
    words.extend(on.into_iter().flat_map(|on| ["--on", on]));
    let values: BTreeMap<String, Value> = serde_json::from_value(values.clone())?;
    let set: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{name}:={value}"))
        .collect();
    words.extend(set.iter().flat_map(|set| ["--set", set]));
    host.command(&words)
}

/// An id that no entity has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Where launches are tried that must make nothing.
struct Desk {
    studio: Studio,
    host: HostRunner,
    /// A sequence that shots could go into, as an argument.
    sequence: String,
    before: [usize; 3],
}

impl Desk {
    fn open() -> Result<Self> {
        let studio = Studio::open()?;
        let host = studio.host_in(Studio::home()?).start()?;
        host.connected_bus()?;
        Ok(Self {
            sequence: format!("Sequence:{}", studio.sequence_id()?),
            before: counted(&studio)?,
            studio,
            host,
        })
    }

    /// Makes sure that these values on this selection are refused so.
    fn check(
        &self,
        on: Option<&str>,
        values: Value,
        kind: &str,
        message: &str,
        hint: &str,
    ) -> Result<()> {
        let result = create_shots(&self.host, on, &values)?;
        let said = Said {
            code: 1,
            kind,
            message,
            hint,
        };
        check_failure(&result, &said).with_context(|| format!("{on:?} {values}"))
    }

    /// Makes sure that nothing was made after all.
    fn close(self) -> Result<()> {
        let after = counted(&self.studio)?;
        ensure!(after == self.before, "something was made: {after:?}");
        self.host.finish()?;
        self.studio.server.finish()
    }
}

#[test]
fn a_place_that_is_none_is_refused_with_a_sentence() -> Result<()> {
    let desk = Desk::open()?;
    desk.check(
        None,
        json!({"project": "harbor town", "shots": "sh010"}),
        "not_found",
        "no project that you can see is called `harbor town`",
        "choose a project, or ask to be let into it",
    )?;
    desk.check(
        None,
        json!({"project": NOBODY, "shots": "sh010"}),
        "not_found",
        &format!("no project that you can see is called `{NOBODY}`"),
        "choose a project",
    )?;
    desk.check(
        Some(&format!("Project:{NOBODY}")),
        json!({"shots": "sh010"}),
        "not_found",
        &format!("there is no Project with the id `{NOBODY}`"),
        "choose something that exists and that you may see",
    )?;
    desk.check(
        Some(&format!("Sequence:{NOBODY}")),
        json!({"shots": "sh010"}),
        "not_found",
        &format!("there is no Sequence with the id `{NOBODY}`"),
        "choose something that exists",
    )?;
    desk.check(
        Some("Sequence:\" or id like \"%"),
        json!({"shots": "sh010"}),
        "not_found",
        "there is no Sequence with the id `\" or id like \"%`",
        "choose something that exists",
    )?;
    desk.check(
        None,
        json!({"shots": "sh010"}),
        "invalid",
        "no project is named",
        "choose one, or select where the shots go",
    )?;
    desk.close()
}

#[test]
fn names_that_are_missing_or_none_are_refused_with_a_sentence() -> Result<()> {
    let desk = Desk::open()?;
    let long = "x".repeat(300);
    desk.check(
        None,
        json!({"project": "harbour", "sequence": "bad"}),
        "invalid",
        "no shots are named",
        "write one name a line",
    )?;
    desk.check(
        Some(&desk.sequence),
        json!({"shots": " \n\t\n"}),
        "invalid",
        "no shots are named",
        "write one name a line",
    )?;
    desk.check(
        None,
        json!({"project": "harbour", "shots": "bad\tsh010\nbad\t\tFX"}),
        "invalid",
        "line 2 names no shot",
        "write one name a line",
    )?;
    desk.check(
        Some(&desk.sequence),
        json!({"shots": format!("sh900\n{long}")}),
        "invalid",
        &format!(
            "the name on line 2 is 300 characters long, more than the 255 that ftrack keeps: `{}…`",
            &long[..60]
        ),
        "give it another name",
    )?;
    desk.check(
        None,
        json!({"project": "harbour", "sequence": long, "shots": "sh010"}),
        "invalid",
        &format!(
            "the sequence's name is 300 characters long, more than the 255 that ftrack keeps: `{}…`",
            &long[..60]
        ),
        "give it another name",
    )?;
    desk.check(
        Some(&desk.sequence),
        json!({"shots": "sh900\nSH900"}),
        "invalid",
        "two shots differ by upper and lower case only: `sh900` and `SH900`",
        "write both the same way, or rename one",
    )?;
    desk.close()
}

#[test]
fn what_the_project_does_not_have_is_refused_with_what_it_has() -> Result<()> {
    let desk = Desk::open()?;
    desk.check(
        Some(&desk.sequence),
        json!({"shots": "sh900", "task_types": ["Catering"]}),
        "invalid",
        "`Harbour` has no task type `Catering`",
        "choose from",
    )?;
    desk.check(
        Some(&desk.sequence),
        json!({"shots": "sh900", "task_types": ["Compositng"]}),
        "invalid",
        "`Harbour` has no task type `Compositng`",
        "did you mean `Compositing`?",
    )?;
    desk.check(
        Some(&desk.sequence),
        json!({"shots": "sh900", "status": "On Fire"}),
        "invalid",
        "shots of `Harbour` have no status `On Fire`",
        "choose from",
    )?;
    desk.close()
}

#[test]
fn odd_names_are_made_as_they_are_written_and_duplicates_once() -> Result<()> {
    let studio = Studio::open()?;
    let host = studio.host_in(Studio::home()?).start()?;
    host.connected_bus()?;
    let names = [
        "it's \"so\"",
        "back\\slash\\",
        "sh🎬010",
        "50%_of a/b",
        "{curly} and (round)",
        &"ü".repeat(255),
    ];
    let shots = [&names[..], &[names[0], names[2]]].concat().join("\n");
    let sequence = "sq \"1\" \\ 🌊";
    let values = json!({
        "project": "harbour",
        "sequence": sequence,
        "shots": shots,
        "task_types": ["Compositing"],
    });
    let made = create_shots(&host, None, &values)?.done()?;
    ensure!(made["state"] == "done", "it is {made}");
    let remarks = made["output"]["remarks"].to_string();
    ensure!(
        remarks.contains("is listed 2 times"),
        "the remarks are {remarks}"
    );

    let id = made["output"]["sequence"]["id"].as_str();
    let id = id.with_context(|| format!("the output is {}", made["output"]))?;
    let found = studio
        .client
        .query(&format!("select name from Sequence where id is \"{id}\""))?;
    ensure!(found[0]["name"] == sequence, "it is called {}", found[0]);
    let expected: BTreeMap<String, usize> =
        names.iter().map(|name| ((*name).to_owned(), 1)).collect();
    ensure!(
        studio.shots_below(id)? == expected,
        "{:?}",
        studio.shots_below(id)?
    );

    // The same again makes nothing, whatever the names hold.
    let before = counted(&studio)?;
    let again = create_shots(&host, None, &values)?.done()?;
    ensure!(again["state"] == "done", "it is {again}");
    ensure!(
        counted(&studio)? == before,
        "the second time made {:?}",
        counted(&studio)?
    );
    host.finish()?;
    studio.server.finish()
}

#[test]
fn whoever_may_not_write_is_told_so_and_nothing_is_made() -> Result<()> {
    let studio = Studio::open()?;
    let user = studio.read_only_user()?;
    let host = HostRunner::resident(&user).home(Studio::home()?).start()?;
    host.connected_bus()?;
    let before = counted(&studio)?;
    let values = json!({"project": "harbour", "sequence": "denied", "shots": "sh010\nsh020"});
    let result = create_shots(&host, None, &values)?;
    let expected = Said {
        code: 1,
        kind: "denied",
        message: "nothing could be made: ftrack does not allow that: User bo is not permitted to create Sequence",
        hint: "ask an ftrack administrator",
    };
    check_failure(&result, &expected)?;
    ensure!(counted(&studio)? == before, "something was made");
    host.finish()?;
    studio.server.finish()
}

#[test]
fn a_wrong_key_is_said_by_every_command() -> Result<()> {
    let studio = Studio::open()?;
    let ready = Ready {
        api_key: "a-key-that-nobody-has".into(),
        ..studio.server.ready.clone()
    };
    let host = HostRunner::resident(&ready).home(Studio::home()?).start()?;
    let said = (
        "ftrack does not accept this user name with this API key",
        "check the user name",
    );
    check_not_signed_in(&host, said)?;
    ensure!(
        !host.log().contains(&ready.api_key),
        "the log holds the key"
    );
    host.finish()?;
    studio.server.finish()
}

#[test]
fn an_expired_key_is_said_and_a_renewed_one_carries_on() -> Result<()> {
    let studio = Studio::open()?;
    let home = Studio::home()?;
    let host = studio.host_in(home.clone()).start()?;
    let mut bus = host.connected_bus()?;
    let user = studio.server.ready.user.clone();
    studio.client.expire_keys(&user, true)?;
    studio.client.change_hub("drop_connections")?;
    wait_until("the host knows that its key has expired", SOON, || {
        let status = bus.request("status", json!({}));
        status
            .map(|status| (status["hub"]["state"] == "refused").then_some(()))
            .transpose()
    })??;
    let said = ("the API key has expired", "make a new API key");
    check_not_signed_in(&host, said)?;
    host.finish()?;
    studio.client.expire_keys(&user, false)?;
    let host = studio.host_in(home).start()?;
    host.connected_bus()?;
    let values = json!({"project": "harbour", "sequence": "renewed", "shots": "sh010"});
    let made = create_shots(&host, None, &values)?.done()?;
    ensure!(made["state"] == "done", "it is {made}");
    host.finish()?;
    studio.server.finish()
}

/// Makes sure that a launch is refused because nobody is signed in, and that the status shows it.
fn check_not_signed_in(host: &HostRunner, (message, hint): (&str, &str)) -> Result<()> {
    let values = json!({"project": "harbour", "shots": "sh010"});
    let said = Said {
        code: 4,
        kind: "not_signed_in",
        message,
        hint,
    };
    let result = wait_until("the server has answered", SOON, || {
        let result = create_shots(host, None, &values);
        result
            .map(|result| (!is_connecting(&result)).then_some(result))
            .transpose()
    })??;
    check_failure(&result, &said)?;
    let status = host.command(&["status", "--json"])?.done()?;
    ensure!(
        status["hub"]["state"] == "refused",
        "the status is {status}"
    );
    check_failure(&host.command(&["whoami", "--json"])?, &said)
}

/// Tells whether a launch was too early: the host has not heard of the server yet.
fn is_connecting(result: &CommandResult) -> bool {
    result
        .stdout
        .contains("the server has not been reached yet")
}

#[test]
fn a_server_that_answers_with_a_page_is_named() -> Result<()> {
    let address = web_site()?;
    let host = host_of(&address)?.start()?;
    check_no_server(
        &host,
        &Said {
            code: 1,
            kind: "ftrack",
            message: "127.0.0.1 is no ftrack server: it answered with a web page",
            hint: "check the server's address",
        },
    )
}

#[test]
fn a_server_that_is_not_there_is_named() -> Result<()> {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let host = host_of(&address)?.start()?;
    check_no_server(
        &host,
        &Said {
            code: 1,
            kind: "unavailable",
            message: "nothing answers at 127.0.0.1",
            hint: "check the network and whether the server is up",
        },
    )
}

#[test]
fn a_command_without_a_host_says_how_to_start_one() -> Result<()> {
    let studio = Studio::open()?;
    let result = studio
        .server
        .command(&["launch", "shot_creation.create_shots", "--json"])?;
    let said = Said {
        code: 3,
        kind: "unavailable",
        message: "callboard is not running",
        hint: "start it with `callboard run`",
    };
    check_failure(&result, &said)?;
    studio.server.finish()
}

/// Prepares a host that believes an ftrack server to be at `address`.
fn host_of(address: &str) -> Result<tests::HostBuilder> {
    let home = Home::empty()?;
    home.add_bundled_plugin("shot_creation")?;
    let ready = Ready {
        server: format!("http://{address}"),
        user: "ada".into(),
        api_key: "any".into(),
        ..Ready::default()
    };
    Ok(HostRunner::resident(&ready).home(home.into()))
}

fn check_no_server(host: &HostRunner, said: &Said<'_>) -> Result<()> {
    let values = json!({"project": "harbour", "shots": "sh010"});
    let result = wait_until("the server was tried", SOON, || {
        let result = create_shots(host, None, &values);
        result
            .map(|result| (!is_connecting(&result)).then_some(result))
            .transpose()
    })??;
    check_failure(&result, said)?;
    let status = host.command(&["status", "--json"])?.done()?;
    let problem = &status["hub"]["problem"];
    ensure!(problem["message"] == said.message, "the status is {status}");
    Ok(())
}

/// Starts a web site that answers everything with a page, and returns its address. Its thread ends with the process.
fn web_site() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    Builder::new().name("web site".into()).spawn(move || {
        for mut visitor in listener.incoming().flatten() {
            let page = "<!doctype html><title>Sign in</title>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
            // A visitor that has gone needs no answer, and what it asks for does not matter.
            if matches!(visitor.read(&mut [0; 65536]), Ok(1..)) {
                visitor.write_all(answer.as_bytes()).ok();
            }
        }
    })?;
    Ok(address)
}
