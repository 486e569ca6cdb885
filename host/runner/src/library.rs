//! A plugin that is a library.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use callboard_plugin_sdk::abi::{Entry, LoadedPlugin, SYMBOL};
use callboard_plugin_sdk::{ServeError, serve_connection, stdio};
use callboard_protocol::{Failure, FailureKind};
use callboard_wire::refuse_hello;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::environment::{PLUGIN_DIR, TEMPORARY, is_withheld};
use crate::plugin_folder::Plugin;

/// Loads a library and serves it until the host closes its side.
pub(crate) fn run(plugin: &Plugin, file: &Path, temporary: &Path) -> Result<ExitCode, Failure> {
    let cannot = |error: io::Error| {
        let message = format!("could not prepare a process for `{}`", plugin.id);
        Failure::new(FailureKind::Internal, message).caused_by(&error)
    };
    env::set_current_dir(&plugin.folder).map_err(cannot)?;
    set_environment(&plugin.folder, temporary);
    // From here on stdout is the log, for the library's constructors already.
    let connection = stdio::take().map_err(cannot)?;
    let mut loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(failure) => {
            let (_, sender) = connection.split();
            sender.send_line(&refuse_hello(failure)).map_err(cannot)?;
            return Ok(ExitCode::FAILURE);
        }
    };
    match serve_connection(connection, &mut loaded) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            log(&error);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Takes what is the host's out of the environment. The supervisor has done so already; a runner started otherwise has not.
#[expect(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "one thread runs, and this is the process whose environment it is"
)]
fn set_environment(folder: &Path, temporary: &Path) {
    let withheld: Vec<_> = env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| is_withheld(name))
        .collect();
    // SAFETY: one thread runs.
    unsafe {
        for name in withheld {
            env::remove_var(name);
        }
        env::set_var(PLUGIN_DIR, folder);
        for name in TEMPORARY {
            env::set_var(name, temporary);
        }
    }
}

#[expect(unsafe_code, reason = "loading a library runs it")]
fn load(file: &Path) -> Result<LoadedPlugin, Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // SAFETY: this process exists to run the library, whatever that does.
    let library = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        Failure::new(
            FailureKind::Plugin,
            format!("could not load the library `{name}`"),
        )
        .hint("build the plugin for this system")
        .caused_by(&error)
    })?;
    // SAFETY: a symbol of this name is an `Entry` by the protocol of plugins.
    let entry = unsafe { library.get::<Entry>(SYMBOL.as_bytes()) }.map(|symbol| *symbol);
    // The library is never unloaded: it may have threads, and its tables are used to the end.
    std::mem::forget(library);
    let entry = entry.map_err(|_| {
        let message = format!("`{name}` is no plugin: it has no symbol `{SYMBOL}`");
        Failure::new(FailureKind::Plugin, message).hint("export the plugin with `export_plugin!`")
    })?;
    // SAFETY: the library stays loaded; that it keeps the promises of its table is its own to answer for, in its own process.
    unsafe { LoadedPlugin::from_entry(entry) }.map_err(|error| {
        Failure::new(
            FailureKind::Unsupported,
            format!("`{name}` was built for another Callboard"),
        )
        .hint("build the plugin again with the SDK of this Callboard")
        .caused_by(&error)
    })
}

fn log(error: &ServeError) {
    let mut line = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    // Where the log is closed, there is nobody to tell.
    writeln!(io::stderr(), "{line}").ok();
}
