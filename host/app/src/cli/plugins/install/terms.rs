//! What the settings say about installing.

use std::time::Duration;

use callboard_protocol::FailureKind;
use install::{KeyError, Limits, PublicKey, Way};

use super::super::super::Session;
use super::super::super::problem::Problem;
use super::failure;
use crate::settings::{PluginSettings, Settings};

/// How long to wait for a server's next byte.
const PATIENCE: Duration = Duration::from_secs(30);

/// What installing is bound by.
pub(in super::super) struct Terms {
    pub(in super::super) limits: Limits,
    pub(in super::super) way: Way,
    pub(in super::super) trusted: Vec<PublicKey>,
    pub(in super::super) requires_signature: bool,
}

impl Terms {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// When anything is wrong with them: a requirement of the studio's must not be lost that way.
    pub(in super::super) fn read(session: &Session) -> Result<Self, Problem> {
        let loaded = Settings::load(&session.home(), &session.environment);
        if let Some(problem) = loaded.problems.into_iter().next() {
            return Err(problem.into());
        }
        let Settings {
            plugins, network, ..
        } = loaded.settings;
        let trusted: Result<Vec<PublicKey>, KeyError> =
            plugins.trusted_keys.iter().map(|key| key.parse()).collect();
        let trusted = trusted.map_err(|error| {
            failure(FailureKind::Invalid, &error, error.hint())
                .because("`plugins.trusted_keys` in the settings names it")
        })?;
        Ok(Self {
            limits: limits(&plugins),
            way: Way {
                user_agent: concat!("callboard/", env!("CARGO_PKG_VERSION")).into(),
                ca_file: (!network.ca_file.as_os_str().is_empty()).then_some(network.ca_file),
                proxy: (!network.proxy.is_empty()).then_some(network.proxy),
                patience: PATIENCE,
            },
            trusted,
            requires_signature: plugins.require_signature,
        })
    }
}

fn limits(plugins: &PluginSettings) -> Limits {
    const MB: u64 = 1024 * 1024;
    Limits {
        archive_bytes: plugins.install_archive_mb * MB,
        unpacked_bytes: plugins.install_unpacked_mb * MB,
        entries: plugins.install_entries,
        ratio: plugins.install_ratio,
        depth: plugins.install_depth,
    }
}
