//! A home folder of a host's own, with the plugins that it shall load.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::program::{built, staged_plugins};

/// The manifest of the plugin that misbehaves, with places to fill in.
const UNRULY: &str = include_str!("../fixtures/unruly/plugin.toml");

/// The manifest of the plugin that asks with a form, with a place to fill in.
const FORMER: &str = include_str!("../fixtures/former/plugin.toml");

/// A temporary `CALLBOARD_HOME`; gone with the last value that holds it.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// Makes a home with no plugin in it.
    ///
    /// # Errors
    ///
    /// When the temporary folder cannot be written.
    pub fn empty() -> Result<Self> {
        // Short, since a socket's path may have no more than 100 bytes.
        let folder = tempfile::Builder::new().prefix("cb-").tempdir()?;
        fs::create_dir(folder.path().join("test-plugins"))?;
        let home = Self { folder };
        home.write_settings("")?;
        Ok(home)
    }

    /// Returns the folder's path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the folder whose subfolders are the host's plugins.
    pub fn plugins(&self) -> PathBuf {
        self.path().join("test-plugins")
    }

    /// Adds a plugin that comes with the program, by its id: its files are copied.
    ///
    /// # Errors
    ///
    /// When it has not been built and staged.
    pub fn add_bundled_plugin(&self, id: &str) -> Result<PathBuf> {
        let staged = staged_plugins()?.join(id);
        ensure!(
            staged.is_dir(),
            "`{}` is missing; run `cargo xtask stage`",
            staged.display()
        );
        let folder = self.plugins().join(id);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&staged)? {
            let entry = entry?;
            // Copied, as an installation has them: what a link leads to is not the plugin's to read.
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        Ok(folder)
    }

    /// Adds a plugin made of `files`, each a name and a content, in a folder called `id`.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn add_plugin(&self, id: &str, files: &[(&str, &str)]) -> Result<PathBuf> {
        let folder = self.plugins().join(id);
        fs::create_dir_all(&folder)?;
        for (name, content) in files {
            fs::write(folder.join(name), content)
                .with_context(|| format!("could not write `{name}`"))?;
        }
        Ok(folder)
    }

    /// Adds an example of the Python SDK, with the SDK beside it.
    ///
    /// # Errors
    ///
    /// When there is no such example, or the folder cannot be written.
    pub fn add_example(&self, name: &str) -> Result<PathBuf> {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/python");
        let folder = self.plugins().join(name);
        fs::create_dir_all(&folder)?;
        let from = sdk.join("examples").join(name);
        for entry in fs::read_dir(&from).with_context(|| format!("no example `{name}`"))? {
            let entry = entry?;
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        fs::copy(sdk.join("callboard.py"), folder.join("callboard.py"))?;
        Ok(folder)
    }

    /// Adds the plugin `former`, made with the Rust SDK, whose one action asks with a form.
    ///
    /// # Errors
    ///
    /// When it has not been built, or a file cannot be written.
    pub fn add_former(&self) -> Result<PathBuf> {
        let program = test_program("former")?;
        let manifest = FORMER.replace("@PROGRAM@", &program.display().to_string());
        self.add_plugin("former", &[("plugin.toml", &manifest)])
    }

    /// Adds a plugin called `id` that runs `unruly MODE MARK`; its one action is `ID.run`.
    ///
    /// # Errors
    ///
    /// When it has not been built, or a file cannot be written.
    pub fn add_unruly(&self, id: &str, mode: &str, mark: &str) -> Result<PathBuf> {
        let permissions: &[&str] = match mode {
            "family" => &["program:sh", "program:sleep"],
            "deaf" => &["program:sh"],
            _ => &["ftrack.create.Shot", "ftrack.create.Task"],
        };
        let limits = match mode {
            "no_hello" => "hello_secs = 1",
            "hangs" => "hello_secs = 20, turn_secs = 1",
            _ => "hello_secs = 20, turn_secs = 120",
        };
        self.add_unruly_with(id, mode, mark, permissions, limits)
    }

    /// Adds the same, with these permissions and, as the inside of a table in TOML, these limits.
    ///
    /// # Errors
    ///
    /// When it has not been built, or a file cannot be written.
    pub fn add_unruly_with(
        &self,
        id: &str,
        mode: &str,
        mark: &str,
        permissions: &[&str],
        limits: &str,
    ) -> Result<PathBuf> {
        let program = test_program("unruly")?;
        let manifest = UNRULY
            .replace("@PERMISSIONS@", &toml_list(permissions))
            .replace("@LIMITS@", limits)
            .replace("@ID@", id)
            .replace("@PROGRAM@", &program.display().to_string())
            .replace("@MODE@", mode)
            .replace("@MARK@", mark);
        self.add_plugin(id, &[("plugin.toml", &manifest)])
    }

    /// Writes `settings.toml`: this home's plugins and no others, then `more`, whose sections must be other ones.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_settings(&self, more: &str) -> Result<()> {
        let plugins = toml::Value::from(self.plugins().display().to_string());
        let text = format!("[plugins]\nbundled = false\npaths = [{plugins}]\n\n{more}");
        fs::write(self.path().join("settings.toml"), text)?;
        Ok(())
    }
}

/// Returns the inside of a list of texts in TOML.
/// Returns the path of a plugin's program that these tests bring along.
fn test_program(name: &str) -> Result<PathBuf> {
    let program = built()?.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        program.is_file(),
        "`{}` has not been built; run `cargo build --workspace`",
        program.display()
    );
    Ok(program)
}

fn toml_list(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts
        .iter()
        .map(|text| toml::Value::from(*text).to_string())
        .collect();
    quoted.join(", ")
}
