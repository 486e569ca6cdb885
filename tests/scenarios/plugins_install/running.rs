//! What a running host does when a plugin is installed, replaced and taken back under it.

use std::fs;

use anyhow::{Result, ensure};
use tests::{HostRunner, SOON, wait_until};

const MANIFEST: &str = "id = \"says\"\nversion = \"1.0.0\"\nrun.program = [\"python3\", \"says.py\"]\n[[action]]\nid = \"word\"\nlabel = \"Say a word\"\n";

const PROGRAM: &str = r#"import json, sys
print(json.dumps({"versions": [1]}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "launch":
        result = {"outcome": "done", "message": "WORD"}
        print(json.dumps({"id": message["id"], "result": result}), flush=True)
"#;

#[test]
fn a_running_host_runs_what_was_installed_last_and_what_was_gone_back_to() -> Result<()> {
    let host = HostRunner::demo().start()?;
    let bus = host.connected_bus()?;
    let source = tempfile::tempdir()?;
    let folder = source.path().join("says");
    fs::create_dir(&folder)?;
    fs::write(folder.join("plugin.toml"), MANIFEST)?;
    let shown = folder.display().to_string();
    let says = |word: &str| {
        wait_until(&format!("the plugin said `{word}`"), SOON, || {
            let launched = host.command(&["launch", "says.word", "--wait", "--json"]);
            (launched.ok()?.done().ok()?["message"] == word).then_some(())
        })
    };
    for word in ["first", "second"] {
        fs::write(folder.join("says.py"), PROGRAM.replace("WORD", word))?;
        let install = ["plugins", "install", &shown, "--yes", "--replace", "--json"];
        host.command(&install)?.done()?;
        says(word)?;
    }
    let back = host
        .command(&["plugins", "rollback", "says", "--json"])?
        .done()?;
    ensure!(back["version"] == "1.0.0", "{back}");
    says("first")?;
    drop(bus);
    host.finish()
}
