//! What is to be run, from a plugin's folder.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind, Manifest, Permission, PluginId, Run};

use crate::arguments::{Arguments, Connect};

/// A plugin that can be run.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) id: PluginId,
    /// Its folder, absolute.
    pub(crate) folder: PathBuf,
    pub(crate) start: Start,
    /// What it may do.
    pub(crate) permissions: Vec<Permission>,
    /// What else is given to one of ftrack Connect's.
    pub(crate) connect: Option<ConnectGrants>,
}

/// What is given to a plugin of ftrack Connect's beside its permissions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectGrants {
    /// The one port that it may connect to.
    pub(crate) door_port: Option<u16>,
    /// Whether it may show windows.
    pub(crate) windows: bool,
}

/// How a plugin is started.
#[derive(Debug)]
pub(crate) enum Start {
    /// A library's file is loaded.
    Library(PathBuf),
    /// A program takes the worker's place.
    Program {
        /// The program and its arguments.
        words: Vec<String>,
        /// Where Python finds the SDK.
        python_path: Option<PathBuf>,
    },
}

/// Reads a plugin's manifest and finds what it names.
pub(crate) fn read(arguments: &Arguments) -> Result<Plugin, Failure> {
    let folder = absolute(&arguments.folder)?;
    let python_path = arguments.python_path.as_deref().map(absolute).transpose()?;
    if let Some(connect) = &arguments.connect {
        return Ok(connect_plugin(folder, connect, python_path));
    }
    let manifest = manifest_from_folder(&folder)?;
    let start = match manifest.run {
        Run::Library(name) => Start::Library(find_library(&name, &folder, arguments)?),
        Run::Program(words) => Start::Program { words, python_path },
        _ => {
            let message = format!(
                "this version runs no plugin of that kind: `{}`",
                manifest.id
            );
            return Err(Failure::new(FailureKind::Unsupported, message).hint("update Callboard"));
        }
    };
    Ok(Plugin {
        id: manifest.id,
        folder,
        start,
        permissions: manifest.permissions,
        connect: None,
    })
}

fn connect_plugin(folder: PathBuf, connect: &Connect, python_path: Option<PathBuf>) -> Plugin {
    let mut words = vec![connect.python.to_string_lossy().into_owned()];
    words.extend(connect.words.iter().cloned());
    Plugin {
        id: connect.plugin.clone(),
        folder,
        start: Start::Program { words, python_path },
        permissions: connect.permissions.clone(),
        connect: Some(ConnectGrants {
            door_port: connect.door_port,
            windows: connect.windows,
        }),
    }
}

fn manifest_from_folder(folder: &Path) -> Result<Manifest, Failure> {
    let path = folder.join("plugin.toml");
    let shown = path.display();
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::not_found(format!("could not read plugin manifest: `{shown}`")).caused_by(&error)
    })?;
    let manifest: Manifest = toml::from_str(&text).map_err(|error| {
        Failure::invalid(format!("could not understand plugin manifest: `{shown}`"))
            .caused_by(&error)
    })?;
    manifest.check().map_err(|error| {
        Failure::invalid(format!("could not use plugin manifest: `{shown}`")).caused_by(&error)
    })?;
    Ok(manifest)
}

/// Looks in the plugin's folder first, then where the host keeps the libraries it comes with, then where Cargo builds.
fn find_library(name: &str, folder: &Path, arguments: &Arguments) -> Result<PathBuf, Failure> {
    if name.is_empty() || name.contains(['/', '\\']) {
        let message = format!("`run.library` must be a name without a path: `{name}`");
        return Err(Failure::invalid(message));
    }
    let file = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
    let mut folders = vec![folder.to_owned()];
    if let Some(path) = &arguments.library_path {
        folders.push(absolute(path)?);
    }
    let laid_there = folders
        .iter()
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file());
    laid_there
        .or_else(|| newest_build(folder, &file))
        .ok_or_else(|| {
            let places: Vec<String> = folders
                .iter()
                .map(|folder| format!("`{}`", folder.display()))
                .collect();
            Failure::not_found(format!("there is no `{file}` in {}", places.join(" or "))).hint(
                "build the plugin with `cargo build`, or put its library beside its `plugin.toml`",
            )
        })
}

/// Returns what Cargo built last in a plugin's folder, so that its author need not copy it.
fn newest_build(folder: &Path, file: &str) -> Option<PathBuf> {
    let built = ["release", "debug"].map(|profile| folder.join("target").join(profile).join(file));
    let built = built.into_iter().filter_map(|path| {
        let changed = fs::metadata(&path)
            .and_then(|found| found.modified())
            .ok()?;
        Some((changed, path))
    });
    built.max().map(|(_, path)| path)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| {
        Failure::not_found(format!("could not find folder: `{}`", path.display())).caused_by(&error)
    })
}
