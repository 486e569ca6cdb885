//! Lays the bundled plugins beside the program, as an installation has them.
//!
//! `plugins/<folder>/` holds a plugin's sources; `target/<profile>/plugins/<id>/` becomes what a studio installs:
//! the manifest, the built library or the program's files, and the icons.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tool;
use crate::workspace::{Profile, Workspace};

/// What belongs to a plugin's sources and not to an installed plugin.
const SOURCES: [&str; 7] = [
    "Cargo.toml",
    "__pycache__",
    "benches",
    "examples",
    "src",
    "target",
    "tests",
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Use the release profile.
    #[arg(long)]
    pub(crate) release: bool,
}

/// Builds the whole workspace, for debugging with its tests.
///
/// It is one cargo command with one set of features, so that a later test run compiles nothing a second time.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    let targets: &[&str] = match profile {
        Profile::Debug => &["--all-targets"],
        // Nobody installs xtask, and each program more is minutes of optimising as a whole.
        Profile::Release => &["--exclude", "xtask"],
    };
    tool::run(
        "build",
        tool::cargo(&workspace.root, ["build", "--workspace"])
            .args(targets)
            .args(profile.cargo_arguments()),
    )
}

/// Stages every bundled plugin and returns the folder they lie in.
///
/// # Errors
///
/// When a manifest cannot be read, or a file it needs has not been built.
pub(crate) fn stage(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let staged = workspace.built(profile).join("plugins");
    if staged.exists() {
        fs::remove_dir_all(&staged)
            .with_context(|| format!("could not clear `{}`", staged.display()))?;
    }
    for folder in plugin_folders(&workspace.root.join("plugins"))? {
        stage_plugin(workspace, profile, &folder, &staged)
            .with_context(|| format!("could not stage the plugin in `{}`", folder.display()))?;
    }
    Ok(staged)
}

/// Returns the folders with a `plugin.toml`, at most two levels down: `hello/` and `hello/python/` are two plugins.
fn plugin_folders(plugins: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for folder in subfolders(plugins)? {
        folders.extend(subfolders(&folder)?);
        folders.push(folder);
    }
    folders.retain(|folder| folder.join("plugin.toml").is_file());
    folders.sort();
    Ok(folders)
}

fn stage_plugin(
    workspace: &Workspace,
    profile: Profile,
    folder: &Path,
    staged: &Path,
) -> Result<()> {
    let manifest: toml::Table = fs::read_to_string(folder.join("plugin.toml"))?.parse()?;
    let id = text(&manifest, "id").context("the manifest has no `id`")?;
    let run = manifest.get("run").and_then(toml::Value::as_table);
    let run =
        run.context("the manifest has no `run.library`, `run.program` or `run.connect_hooks`")?;
    let into = staged.join(id);
    copy_folder(folder, &into)?;

    if let Some(library) = text(run, "library") {
        let name = format!(
            "{}{library}{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        let built = workspace.built(profile).join(&name);
        if !built.is_file() {
            bail!("`{}` has not been built", built.display());
        }
        copy_file(&built, &into.join(&name))?;
    }
    if runs_python(run) {
        // A Python plugin carries the SDK's one file with it, as it would in a studio.
        let sdk = workspace.root.join("sdk/python/callboard.py");
        copy_file(&sdk, &into.join("callboard.py"))?;
    }
    Ok(())
}

fn runs_python(run: &toml::Table) -> bool {
    let program = run.get("program").and_then(toml::Value::as_array);
    program
        .and_then(|words| words.first())
        .and_then(toml::Value::as_str)
        .is_some_and(|word| word.starts_with("python"))
}

/// Copies what is installed of a plugin: everything but its sources, hidden files, and plugins that lie inside it.
pub(crate) fn copy_folder(from: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if SOURCES.contains(&name.as_ref()) || name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            if !path.join("plugin.toml").exists() {
                copy_folder(&path, &into.join(name.as_ref()))?;
            }
        } else {
            copy_file(&path, &into.join(name.as_ref()))?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("could not copy `{}` to `{}`", from.display(), to.display()))?;
    Ok(())
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("could not list `{}`", folder.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}

fn text<'a>(table: &'a toml::Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(toml::Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lays out a checkout with one plugin folder and a built library called `hello`.
    fn checkout(files: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        let library = format!(
            "target/debug/{}hello{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        let built = [
            (library.as_str(), "library"),
            ("sdk/python/callboard.py", "sdk"),
        ];
        for (path, content) in files.iter().chain(&built) {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let target = root.join("target");
        (folder, Workspace { root, target })
    }

    fn staged(files: &[(&str, &str)]) -> Result<Vec<String>> {
        let (_folder, workspace) = checkout(files);
        let into = stage(&workspace, Profile::Debug)?;
        let mut found = Vec::new();
        for plugin in subfolders(&into)? {
            for entry in fs::read_dir(&plugin)? {
                let path = entry?.path();
                found.push(path.strip_prefix(&into)?.display().to_string());
            }
        }
        found.sort();
        Ok(found)
    }

    #[test]
    fn a_library_plugin_is_its_manifest_its_library_and_its_icons() {
        let found = staged(&[
            (
                "plugins/hello/plugin.toml",
                "id = \"hello\"\nrun.library = \"hello\"",
            ),
            ("plugins/hello/icon.svg", "<svg/>"),
            ("plugins/hello/Cargo.toml", ""),
            ("plugins/hello/src/lib.rs", ""),
        ]);
        let library = format!(
            "hello/{}hello{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        assert_eq!(
            found.unwrap(),
            ["hello/icon.svg", &library, "hello/plugin.toml"]
        );
    }

    #[test]
    fn a_python_plugin_inside_another_is_staged_apart_with_the_sdk() {
        let found = staged(&[
            (
                "plugins/hello/plugin.toml",
                "id = \"hello\"\nrun.library = \"hello\"",
            ),
            (
                "plugins/hello/python/plugin.toml",
                "id = \"hello_python\"\nrun.program = [\"python3\", \"hello.py\"]",
            ),
            ("plugins/hello/python/hello.py", ""),
        ]);
        let found = found.unwrap();
        assert_eq!(
            found[2..],
            [
                "hello_python/callboard.py",
                "hello_python/hello.py",
                "hello_python/plugin.toml"
            ]
        );
    }

    #[test]
    fn a_library_that_was_not_built_is_named() {
        let error = staged(&[("plugins/x/plugin.toml", "id = \"x\"\nrun.library = \"x\"")]);
        let error = format!("{:#}", error.unwrap_err());
        assert!(error.contains("has not been built"), "{error}");
    }
}
