//! What plugins reach outside through the host: web servers, and the person's desktop.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::thread::Builder;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{HostRunner, SOON, is_alive, wait_until};

use crate::services::{act, home_with, output};

/// Serves a few pages, and tells in them what was asked; returns its port.
fn web_server() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    Builder::new().name("web server".into()).spawn(move || {
        for visitor in listener.incoming() {
            let Ok(mut visitor) = visitor else { return };
            let mut asked = vec![0; 65536];
            let read = visitor.read(&mut asked).unwrap_or(0);
            let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
            let path = asked.split_whitespace().nth(1).unwrap_or_default();
            let (status, header, body) = match path {
                "/away" => (
                    "302 Found",
                    format!("location: http://localhost:{port}/\r\n"),
                    String::new(),
                ),
                "/round" => (
                    "307 Temporary Redirect",
                    "location: /\r\n".into(),
                    String::new(),
                ),
                "/large" => ("200 OK", String::new(), "x".repeat(5_000_000)),
                "/missing" => ("404 Not Found", String::new(), "nothing".into()),
                _ => ("200 OK", "x-farm: busy\r\n".into(), asked.clone()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            // A visitor that has gone needs no answer.
            visitor.write_all(format!("{head}{body}").as_bytes()).ok();
        }
    })?;
    Ok(port)
}

#[test]
fn a_plugin_asks_the_web_servers_that_it_declares_and_no_others() -> Result<()> {
    let body = r#"
    def ask(path, **options):
        url = path if "://" in path else values["base"] + path
        try:
            answer = host.http(url, **options)
            answer["content"] = answer.get("content", b"").decode()
            return answer
        except callboard.Failure as failure:
            return failure.to_json()
    answers = {
        "get": ask("/jobs"),
        "post": ask("/round", method="POST", body={"shot": "sh010"}, headers={"Authorization": "mine"}),
        "missing": ask("/missing"),
        "away": ask("/away"),
        "large": ask("/large"),
        "file": ask("/large", file="large.bin"),
        "host": ask("/", headers={"Host": "other"}),
        "undeclared": ask("https://example.org/"),
        "metadata": ask("http://169.254.169.254/latest"),
        "ftrack": ask(values["ftrack"] + "/api"),
    }
    return callboard.done("ok", answers)
"#;
    let home = home_with(&json!(["http:127.0.0.1", "http:*.example.com"]), body)?;
    let host = HostRunner::demo().home(home).start()?;
    let mut bus = host.connected_bus()?;
    let base = format!("http://127.0.0.1:{}", web_server()?);
    let job = act(&mut bus, json!({"base": base, "ftrack": host.ready.server}))?;
    let answers = output(&job)?;
    let content = |name: &str| {
        answers[name]["content"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
    };
    ensure!(answers["get"]["status"] == 200, "{answers}");
    ensure!(
        content("get").starts_with("get /jobs http/1.1"),
        "{answers}"
    );
    ensure!(!content("get").contains("ftrack"), "{answers}");
    let posted = content("post");
    ensure!(posted.starts_with("post / http/1.1"), "{posted}");
    ensure!(posted.contains("authorization: mine"), "{posted}");
    ensure!(posted.ends_with(r#"{"shot": "sh010"}"#), "{posted}");
    ensure!(answers["missing"]["status"] == 404, "{answers}");
    ensure!(
        answers["large"]["kind"] == "limit",
        "{}",
        answers["large"]["kind"]
    );
    let file = &answers["file"]["file"];
    let path = file["path"].as_str().context("a file")?;
    ensure!(fs::metadata(path)?.len() == 5_000_000 && file["size_bytes"] == 5_000_000);
    ensure!(
        file["checksum"]
            .as_str()
            .is_some_and(|sum| sum.starts_with("sha256:"))
    );
    ensure!(answers["host"]["kind"] == "invalid", "{}", answers["host"]);
    for name in ["away", "undeclared", "metadata", "ftrack"] {
        let answer = &answers[name];
        ensure!(answer["kind"] == "denied", "{name}: {answer}");
        ensure!(answer["hint"].is_string(), "{name}: {answer}");
    }
    host.finish()
}

/// Writes down what it was told and in which environment, and leaves something running, as a browser is.
const OPENER: &str = r#"#!/bin/sh
printf '%s\n' "$1" >> "@FOLDER@/opened"
env > "@FOLDER@/environment"
sleep 300 > /dev/null 2>&1 &
echo $! > "@FOLDER@/browser"
[ "$1" != "https://nobody.example.com/" ]
"#;

#[test]
fn what_is_opened_is_the_persons_and_outlives_plugins_and_host() -> Result<()> {
    let body = r#"
    answers = []
    for target in values["targets"]:
        try:
            host.open(target)
            answers.append(None)
        except callboard.Failure as failure:
            answers.append(failure.kind)
    import os
    if values.get("crash"):
        os._exit(3)
    return callboard.done("ok", answers)
"#;
    let home = home_with(&json!(["open"]), body)?;
    let folder = tempfile::tempdir()?;
    let opener = folder.path().join("xdg-open");
    let shown = folder.path().display().to_string();
    fs::write(&opener, OPENER.replace("@FOLDER@", &shown))?;
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755))?;
    let path = format!("PATH={shown}:/usr/local/bin:/usr/bin:/bin");
    let host = HostRunner::demo()
        .home(home)
        .environment("FTRACK_EXTRA", "secret")
        .environment("DISPLAY", ":77")
        .under(&["env", &path])
        .start()?;
    let mut bus = host.connected_bus()?;
    let targets = json!([
        shown,
        "https://example.com/a b",
        "https://nobody.example.com/",
        "/nowhere/at/all",
        "javascript:1"
    ]);
    let job = act(&mut bus, json!({"targets": targets}))?;
    let expected = json!([null, null, "unavailable", "not_found", "invalid"]);
    ensure!(output(&job)? == &expected, "{job}");
    let opened = fs::read_to_string(folder.path().join("opened"))?;
    let lines = format!("{shown}\nhttps://example.com/a%20b\nhttps://nobody.example.com/\n");
    ensure!(opened == lines, "it was told: {opened}");
    let environment = fs::read_to_string(folder.path().join("environment"))?;
    ensure!(environment.contains("DISPLAY=:77"), "{environment}");
    ensure!(!environment.contains("FTRACK_"), "{environment}");
    ensure!(!environment.contains("CALLBOARD_HOME"), "{environment}");
    // A plugin that crashes has the host look for what it left behind; the browser is not that.
    act(&mut bus, json!({"targets": [], "crash": true}))?;
    let browser: u32 = fs::read_to_string(folder.path().join("browser"))?
        .trim()
        .parse()?;
    ensure!(is_alive(browser), "the browser was killed");
    host_ends_and_leaves(host, browser)
}

fn host_ends_and_leaves(mut host: HostRunner, browser: u32) -> Result<()> {
    tests::signal(host.ready.pid, tests::Signal::TERM)?;
    host.wait(SOON)?;
    ensure!(is_alive(browser), "the browser ended with the host");
    tests::signal(browser, tests::Signal::KILL)?;
    wait_until("the browser has ended", SOON, || {
        (!is_alive(browser)).then_some(())
    })
}

#[test]
fn a_desktop_without_an_opener_is_said() -> Result<()> {
    let body = r#"
    try:
        host.open("https://example.com/")
    except callboard.Failure as failure:
        return callboard.done("ok", failure.to_json())
"#;
    let home = home_with(&json!(["open"]), body)?;
    let folder = tempfile::tempdir()?;
    let python = tests::python()?;
    std::os::unix::fs::symlink(python, folder.path().join("python3"))?;
    let path = format!("PATH={}", folder.path().display());
    let host = HostRunner::demo()
        .home(home)
        .under(&["/usr/bin/env", &path])
        .start()?;
    let mut bus = host.connected_bus()?;
    let job = act(&mut bus, json!({}))?;
    let failure: &Value = output(&job)?;
    ensure!(
        failure["message"] == "`xdg-open` could not be started",
        "{failure}"
    );
    ensure!(failure["hint"].is_string(), "{failure}");
    host.finish()
}
