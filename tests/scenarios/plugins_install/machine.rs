//! A machine of its own to install plugins on, and the plugins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{CommandResult, Home, SOON, command, program, run};

/// How long one command may take on a busy machine.
const COMMAND: Duration = Duration::from_secs(60);

/// What the plugins here ask for.
pub(super) const PERMISSIONS: &str = "\"ftrack.read\", \"ftrack.create.Shot\"";

pub(super) struct Machine {
    home: Home,
}

impl Machine {
    pub(super) fn new() -> Result<Self> {
        let home = Home::empty()?;
        Ok(Self { home })
    }

    /// Returns its home, where test files may lie as well.
    pub(super) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(super) fn settings(&self, text: &str) -> Result<()> {
        Ok(fs::write(self.path().join("settings.toml"), text)?)
    }

    pub(super) fn plugins(&self) -> PathBuf {
        self.path().join("data/plugins")
    }

    /// Lets a command see this machine and no other.
    pub(super) fn prepared<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for name in [
            "FTRACK_SERVER",
            "FTRACK_API_USER",
            "FTRACK_API_KEY",
            "CALLBOARD_BUS",
        ] {
            command.env_remove(name);
        }
        command.env("CALLBOARD_HOME", self.path())
    }

    pub(super) fn callboard(&self, arguments: &[&str]) -> Result<CommandResult> {
        let mut command = command(program()?);
        let finished = run(self.prepared(command.args(arguments)), COMMAND)?;
        Ok(CommandResult {
            code: finished.status.code(),
            stdout: finished.stdout,
            stderr: finished.stderr,
        })
    }

    /// Returns what a command that succeeds says with `--json`.
    pub(super) fn done(&self, arguments: &[&str]) -> Result<Value> {
        self.callboard(&[arguments, &["--json"]].concat())?.done()
    }

    pub(super) fn verify(&self) -> Result<CommandResult> {
        self.callboard(&["plugins", "verify", "--json"])
    }

    /// Tells whether all that is installed is what the lock says.
    pub(super) fn is_good(&self) -> Result<bool> {
        Ok(self.verify()?.code == Some(0))
    }

    /// Returns the version of a plugin that the lock names, as its own file says it.
    pub(super) fn runs(&self, id: &str) -> Result<String> {
        let lock: toml::Table =
            fs::read_to_string(self.plugins().join("callboard.lock"))?.parse()?;
        let plugins = lock["plugin"].as_array().context("a list")?;
        let plugin = plugins
            .iter()
            .find(|plugin| plugin["id"].as_str() == Some(id));
        let folder = plugin.and_then(|plugin| plugin["folder"].as_str());
        let folder = self.plugins().join(folder.context("a folder")?);
        let text = fs::read_to_string(folder.join("version.txt"))?;
        let manifest = fs::read_to_string(folder.join("plugin.toml"))?;
        ensure!(
            manifest.contains(&format!("\"{text}\"")),
            "two versions in one folder"
        );
        Ok(text)
    }

    /// Returns the names of what installing keeps for itself.
    pub(super) fn hidden(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(self.plugins().join(".install"))?;
        let mut names = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// Makes the folder of a plugin with the same version and other content.
    pub(super) fn other_content(&self, id: &str, version: &str) -> Result<String> {
        let root = self.path().join("other");
        fs::create_dir_all(&root)?;
        pack(&root, id, version, "zip")?;
        let folder = root.join(format!("{id}-{version}"));
        fs::write(folder.join("more.txt"), "more")?;
        Ok(folder.display().to_string())
    }
}

/// Makes a plugin's folder `ID-VERSION` in `root` and its archive beside it, with the tools that people use.
pub(super) fn pack(root: &Path, id: &str, version: &str, ending: &str) -> Result<String> {
    pack_with(root, id, version, ending, PERMISSIONS)
}

pub(super) fn pack_with(
    root: &Path,
    id: &str,
    version: &str,
    ending: &str,
    permissions: &str,
) -> Result<String> {
    let name = format!("{id}-{version}");
    let folder = root.join(&name);
    fs::create_dir_all(folder.join("lib/deep"))?;
    let manifest = format!(
        "id = \"{id}\"\nversion = \"{version}\"\ndescription = \"Says hello.\"\n\
         run.program = [\"python3\", \"hello.py\"]\npermissions = [{permissions}]\n\
         [[action]]\nid = \"greet\"\nlabel = \"Say hello\"\n"
    );
    let code = format!(
        "import callboard\n\nplugin = callboard.Plugin()\n\n\n@plugin.action(\"greet\")\n\
         def greet(launch, host):\n    return \"hello from {version}\"\n\n\nplugin.serve()\n"
    );
    fs::write(folder.join("plugin.toml"), manifest)?;
    fs::write(folder.join("hello.py"), code)?;
    fs::write(folder.join("version.txt"), version)?;
    fs::write(folder.join("lib/deep/data.bin"), vec![7; 100_000])?;
    let archive = format!("{name}.{ending}");
    let line = match ending {
        "zip" => format!("rm -f {archive} && zip -qr {archive} {name}"),
        _ => format!("tar -czf {archive} {name}"),
    };
    let made = run(command("sh").args(["-ec", &line]).current_dir(root), SOON)?;
    ensure!(made.status.success(), "{made:?}");
    Ok(root.join(archive).display().to_string())
}

/// Makes sure that a command failed with this code and kind, a sentence and a hint.
pub(super) fn check_failed(result: &CommandResult, code: i32, kind: &str) -> Result<Value> {
    ensure!(
        result.code == Some(code),
        "the code is not {code}: {result:?}"
    );
    let error = result.json()?["error"].take();
    ensure!(
        error["kind"] == kind,
        "the kind is not `{kind}`: {result:?}"
    );
    let has = |key: &str| error[key].as_str().is_some_and(|text| !text.is_empty());
    ensure!(
        has("message") && has("hint"),
        "no sentence or no hint: {result:?}"
    );
    Ok(error)
}

/// Returns the items of a list.
pub(super) fn items(list: &Value) -> Result<Vec<Value>> {
    Ok(list["items"]
        .as_array()
        .context("a list has items")?
        .clone())
}
