//! A plugin that cannot be started says so in the place of its hello.

use std::io::{self, Write};
use std::process::ExitCode;

use callboard_protocol::Failure;
use callboard_wire::refuse_hello;

/// Tells the host, on stdout, why there is no plugin.
pub(crate) fn refuse(failure: Failure) -> ExitCode {
    let mut stdout = io::stdout().lock();
    let told = stdout
        .write_all(&refuse_hello(failure.clone()))
        .and_then(|()| stdout.flush());
    if let Err(error) = told {
        // The host is not there to be told; the log may be.
        writeln!(io::stderr(), "{failure}\ncould not tell the host: {error}").ok();
    }
    ExitCode::FAILURE
}

/// Makes the failure of a platform that has no guard yet.
#[cfg(not(target_os = "linux"))]
pub(crate) fn unsupported(plugin: &crate::plugin_folder::Plugin) -> Failure {
    let message = format!(
        "plugins cannot be run on this platform yet: `{}`",
        plugin.id
    );
    Failure::new(callboard_protocol::FailureKind::Unsupported, message)
}
