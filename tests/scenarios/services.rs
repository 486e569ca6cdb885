//! What plugins ask the host for, as a studio's own Python plugin does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{BusClient, Home, HostRunner, SandboxClient, checkout};

const MANIFEST: &str = r#"
id = "studio"
version = "1.0.0"
run.program = ["python3", "studio.py"]
permissions = @PERMISSIONS@
[[action]]
id = "act"
label = "Act"
"#;

const SCRIPT: &str = r#"
import callboard
plugin = callboard.Plugin()

@plugin.action("act")
def act(launch, host):
    values = launch.values
@BODY@

plugin.serve()
"#;

/// A home with a plugin in it whose one action does what `body` says: Python, indented by four.
pub(crate) fn home_with(permissions: &Value, body: &str) -> Result<Arc<Home>> {
    let home = Home::empty()?;
    let sdk = fs::read_to_string(checkout().join("sdk/python/callboard.py"))?;
    let manifest = MANIFEST.replace("@PERMISSIONS@", &permissions.to_string());
    let script = SCRIPT.replace("@BODY@", body.trim_matches('\n'));
    let files = [
        ("plugin.toml", manifest.as_str()),
        ("studio.py", script.as_str()),
        ("callboard.py", sdk.as_str()),
    ];
    home.add_plugin("studio", &files)?;
    Ok(Arc::new(home))
}

/// Has the plugin act with these values, and returns the job when it has ended.
pub(crate) fn act(bus: &mut BusClient, values: Value) -> Result<Value> {
    bus.launch("studio.act", json!([]), values)
}

/// Returns the output of a job that must have done everything.
pub(crate) fn output(job: &Value) -> Result<&Value> {
    ensure!(job["state"] == "done", "it ended so: {job}");
    Ok(&job["output"])
}

#[test]
fn a_plugin_reads_in_pages_and_calls_at_once() -> Result<()> {
    let body = r#"
    pages = list(host.pages("select id from Task order by id", limit=7))
    rows = [row["id"] for page in pages for row in page]
    whole = [row["id"] for row in host.query("select id from Task order by id")[0]]
    made = host.call(values["operation"])
    try:
        host.call(values["operation"])
        again = None
    except callboard.Failure as failure:
        again = failure.to_json()
    return callboard.done("ok", {
        "sizes": [len(page) for page in pages], "same": rows == whole, "made": made, "again": again})
"#;
    let home = home_with(&json!(["ftrack.read", "ftrack.create.Note"]), body)?;
    let host = HostRunner::demo().home(home).start()?;
    let mut bus = host.connected_bus()?;
    let server = SandboxClient::new(&host.ready)?;
    let shot = &server.query("select id from Shot limit 1")?[0]["id"];
    let operation = json!({"action": "create", "entity_type": "Note", "id": "5e1f6b1c-0000-4000-8000-000000000001",
        "data": {"content": "wide", "parent_id": shot, "parent_type": "Shot"}});
    let job = act(&mut bus, json!({"operation": operation}))?;
    let output = output(&job)?;
    let sizes: Vec<u64> = serde_json::from_value(output["sizes"].clone())?;
    ensure!(sizes.len() > 1 && output["same"] == true, "{output}");
    ensure!(
        sizes.iter().rev().skip(1).all(|size| *size == 7),
        "{sizes:?}"
    );
    ensure!(output["made"][0]["content"] == "wide", "{output}");
    ensure!(output["again"]["kind"] == "conflict", "{output}");
    ensure!(server.count("Note where content is \"wide\"")? == 1);
    host.finish()
}

#[test]
fn a_call_whose_answer_is_lost_says_so_and_is_not_sent_again() -> Result<()> {
    let body = r#"
    try:
        host.call(values["operation"])
    except callboard.Failure as failure:
        return callboard.done("lost", failure.to_json())
"#;
    let home = home_with(&json!(["ftrack.create.Note"]), body)?;
    let host = HostRunner::demo().home(home).start()?;
    let mut bus = host.connected_bus()?;
    let server = SandboxClient::new(&host.ready)?;
    let shot = &server.query("select id from Shot limit 1")?[0]["id"];
    let operation = json!({"action": "create", "entity_type": "Note", "id": "5e1f6b1c-0000-4000-8000-000000000002",
        "data": {"content": "lost", "parent_id": shot, "parent_type": "Shot"}});
    server.add_fault(&json!({"match": "\"create\"", "count": 1, "fault": "close_after"}))?;
    let job = act(&mut bus, json!({"operation": operation}))?;
    let failure = output(&job)?;
    ensure!(failure["kind"] == "interrupted", "{failure}");
    ensure!(
        failure["hint"]
            .as_str()
            .is_some_and(|hint| hint.starts_with("look for")),
        "{failure}"
    );
    ensure!(server.count("Note where content is \"lost\"")? == 1);
    host.finish()
}

#[test]
fn files_come_into_the_jobs_folder_and_go_with_the_job() -> Result<()> {
    let body = r#"
    import os
    folder = host.folder()
    open(os.path.join(folder, "own.txt"), "w").write("own")
    film = host.download(values["component"], "film.bin")
    try:
        host.download(values["component"], "small.bin", max_bytes=10)
    except callboard.Failure as failure:
        refused = failure.kind
    try:
        host.download("00000000-0000-4000-8000-000000000000", "none.bin")
    except callboard.Failure as failure:
        missing = failure.kind
    return callboard.done("ok", {
        "folder": folder, "film": film, "refused": refused, "missing": missing,
        "names": sorted(os.listdir(folder)), "others": os.listdir(os.path.dirname(folder))})
"#;
    let home = home_with(&json!(["ftrack.read"]), body)?;
    let mut host = HostRunner::demo()
        .home(Arc::clone(&home))
        .settings("[ledger]\nended_jobs = 1\n")
        .start()?;
    let mut bus = host.connected_bus()?;
    let server = SandboxClient::new(&host.ready)?;
    let component = "5e1f6b1c-0000-4000-8000-0000000000f1";
    let content: Vec<u8> = (0..3_000_000_u32)
        .map(|byte| byte.to_le_bytes()[0])
        .collect();
    server.call(&json!([{"action": "create", "entity_type": "FileComponent",
        "entity_data": {"__entity_type__": "FileComponent", "id": component, "name": "main",
            "file_type": ".bin", "size": content.len()}}]))?;
    server.upload(component, &content)?;
    let first = act(&mut bus, json!({"component": component}))?;
    let output = output(&first)?;
    let text = |value: &Value| value.as_str().map(PathBuf::from);
    let film = text(&output["film"]["path"]).context("a path")?;
    ensure!(fs::read(&film)? == content, "another file came");
    ensure!(output["film"]["size_bytes"] == 3_000_000, "{output}");
    ensure!(
        output["film"]["checksum"]
            .as_str()
            .is_some_and(|sum| sum.starts_with("md5:")),
        "{output}"
    );
    ensure!(
        output["refused"] == "limit" && output["missing"] == "not_found",
        "{output}"
    );
    ensure!(
        output["names"] == json!(["film.bin", "own.txt"]),
        "{output}"
    );
    let folder = text(&output["folder"]).context("a path")?;
    ensure!(film.parent() == Some(folder.as_path()), "{output}");
    // The ledger keeps one ended job, and with it one folder.
    let second = act(&mut bus, json!({"component": component}))?;
    let kept = text(&second["output"]["folder"]).context("a path")?;
    host.stop(tests::SOON)?;
    ensure!(folder.exists() && kept.exists());
    let host = HostRunner::demo().home(home).start()?;
    tests::wait_until(
        "the folder of the forgotten job is gone",
        tests::SOON,
        || (!folder.exists()).then_some(()),
    )?;
    ensure!(Path::new(&kept).join("film.bin").exists());
    host.finish()
}

#[test]
fn what_a_plugin_appends_is_there_once_after_a_kill() -> Result<()> {
    let body = r#"
    number = host.append("hours", {"minutes": 15}, key=values["key"])
    swapped = host.swap("count", values["count"], number)
    entries = list(host.entries("hours"))
    return callboard.done("ok", {
        "number": number, "swapped": swapped, "keys": list(host.keys()),
        "entries": [[entry["number"], entry["key"]] for entry in entries]})
"#;
    let home = home_with(&json!(["store"]), body)?;
    let mut first = HostRunner::demo().home(Arc::clone(&home)).start()?;
    let mut bus = first.connected_bus()?;
    let job = act(&mut bus, json!({"key": "a", "count": null}))?;
    ensure!(output(&job)?["number"] == 1, "{job}");
    first.kill()?;
    let second = HostRunner::demo().home(home).start()?;
    let mut bus = second.connected_bus()?;
    let again = act(&mut bus, json!({"key": "a", "count": 1}))?;
    let expected = json!({"number": 1, "swapped": true, "keys": ["count"], "entries": [[1, "a"]]});
    ensure!(output(&again)? == &expected, "{again}");
    let next = act(&mut bus, json!({"key": "b", "count": 7}))?;
    let expected = json!({
        "number": 2, "swapped": false, "keys": ["count"], "entries": [[1, "a"], [2, "b"]]});
    ensure!(output(&next)? == &expected, "{next}");
    second.finish()
}
