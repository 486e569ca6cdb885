//! What keeps a plugin from the person's files, programs and network: made in the worker, before anything of the plugin runs.
//!
//! Landlock says which files are reached, which programs started, which port connected to, and that processes outside are neither looked into nor signalled. Seccomp says which calls are made at all. Both hold for every process that the plugin starts, and cannot be undone.
//! Where the kernel has one of them, a plugin that cannot be held by it is not started.

mod calls;
mod files;
mod grants;
mod programs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind, Permission};

use crate::plugin_folder::{Plugin, Start};
use crate::system;
use grants::Grants;

use calls::Network;

pub(crate) use programs::locate;

/// What is known of the place where a plugin runs.
pub(crate) struct Surroundings<'a> {
    /// The plugin's own temporary folder.
    pub(crate) temporary: &'a Path,
    /// The folder of the plugin's jobs.
    pub(crate) files: Option<&'a Path>,
    /// Folders that nothing opens: the host's.
    pub(crate) private: &'a [PathBuf],
    /// The person's home folder.
    pub(crate) home: Option<PathBuf>,
    /// Where programs are looked for.
    pub(crate) search: OsString,
    /// Where Python looks for modules.
    pub(crate) modules: OsString,
}

/// Confines this process, for good.
///
/// # Errors
///
/// What the plugin asks for may not be given, or the kernel refuses what it says it can do.
pub(crate) fn confine(plugin: &Plugin, around: &Surroundings<'_>) -> Result<(), Failure> {
    let network = Network::of(plugin);
    let grants = grants(plugin, around)?;
    let cannot = |error: &(dyn std::error::Error + 'static)| {
        let message = format!("could not confine `{}`", plugin.id);
        Failure::new(FailureKind::Internal, message).caused_by(error)
    };
    files::restrict(&grants, network).map_err(|error| cannot(&error))?;
    // `perfmon` lets the superuser look into processes that Landlock keeps apart.
    // https://github.com/torvalds/linux/blob/v6.18/kernel/fork.c (`may_access_mm`)
    system::drop_capabilities().map_err(|error| cannot(&error))?;
    calls::restrict(network).map_err(|error| cannot(&error))
}

/// Lists what a plugin reaches.
fn grants<'a>(plugin: &Plugin, around: &'a Surroundings<'a>) -> Result<Grants<'a>, Failure> {
    let mut grants = Grants::new(around);
    grants.add_system();
    grants.run(&plugin.folder);
    grants.write(around.temporary);
    grants.add_modules();
    if let Some(files) = around.files {
        grants.write(files);
    }
    match &plugin.start {
        Start::Library(file) => grants.run(file),
        Start::Program { words, python_path } => {
            if let Some(path) = python_path {
                grants.read(path);
            }
            if let Some(program) = words.first() {
                grants.add_program(program, &plugin.folder);
            }
        }
    }
    for permission in &plugin.permissions {
        match permission {
            Permission::Read { path } => grants.add_asked(&plugin.id, path, Grants::read)?,
            Permission::Write { path } => grants.add_asked(&plugin.id, path, Grants::write)?,
            Permission::Program { name } => grants.add_program(name, &plugin.folder),
            _ => {}
        }
    }
    Ok(grants)
}
