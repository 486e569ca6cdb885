//! Signing in with the browser.

use std::time::Duration;

use callboard_protocol::{Failure, FailureKind};
use ftrack::ServerUrl;

use super::block_on;
use crate::cli::print::remark;
use crate::cli::problem::Problem;
use crate::cli::{Session, browser};
use crate::settings::{Credentials, Environment, Source};
use crate::sign_in::Loopback;

/// How long a person may take on ftrack's page: to find a password and a second factor.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Sends the person to ftrack's page, and returns what the browser brings from there.
pub(super) fn credentials(session: &Session, server: &str) -> Result<Credentials, Problem> {
    let address = ServerUrl::parse(server).map_err(|error| {
        Failure::invalid(error.to_string()).hint("give a name such as `studio`, or an address")
    })?;
    let brought = block_on(async {
        let loopback = Loopback::open().await.map_err(|error| {
            Failure::new(FailureKind::Unavailable, "could not wait for the browser")
                .hint("sign in with a key: `callboard login`")
                .caused_by(&error)
        })?;
        let page = loopback.page(&address, &program_name(&session.environment));
        remark(&format!(
            "Sign in on this page; it comes back by itself:\n\n  {page}\n"
        ));
        browser::open(&page);
        loopback.brought(PATIENCE).await
    })??;
    Ok(Credentials {
        server: address.to_string(),
        user: brought.user,
        key: brought.key.0,
        source: Source::Keyring,
    })
}

/// Returns what the key is called at ftrack: another one for each person and machine, as Connect has it.
fn program_name(environment: &Environment) -> String {
    let user = environment.user.as_deref().unwrap_or("somebody");
    format!("callboard-{user}@{}", machine())
}

#[cfg(unix)]
fn machine() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn machine() -> String {
    "machine".into()
}
