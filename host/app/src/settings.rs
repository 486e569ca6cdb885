//! Settings in layers: built-in defaults, the studio's file, the user's file, the environment; arguments come last.
//!
//! A bad setting is named with its file, its key and what is expected; the value of the layer below it stays in force.

mod connect_account;
mod credentials;
mod environment;
mod keyring;
mod layers;
mod plugin_layers;
mod private_file;
mod profiles;
mod secrets;

use std::path::PathBuf;

use callboard_protocol::{Failure, Limits};
use serde::Deserialize;

use crate::home::Home;
use layers::{Layers, Missing};

pub(crate) use connect_account::find as connect_account;
pub(crate) use credentials::{Credentials, CredentialsError, Source};
pub(crate) use environment::Environment;
pub(crate) use plugin_layers::PluginLayers;
pub(crate) use private_file::write_private;
pub(crate) use profiles::{DEFAULT as DEFAULT_PROFILE, Profiles, ProfilesError};
pub(crate) use secrets::{Name as SecretName, Secrets};

/// Everything that can be set, as `config/defaults.toml` lays it out; what each setting means is written there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Settings {
    pub(crate) log: LogSettings,
    pub(crate) bus: BusSettings,
    pub(crate) ledger: LedgerSettings,
    pub(crate) plugins: PluginSettings,
    pub(crate) connect: ConnectSettings,
    pub(crate) notifications: NotificationSettings,
    pub(crate) hub: HubSettings,
    pub(crate) steps: StepSettings,
    pub(crate) network: NetworkSettings,
}

/// What is written to the log.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct LogSettings {
    pub(crate) level: String,
    pub(crate) keep_days: usize,
}

/// The local event bus.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct BusSettings {
    pub(crate) requests_in_flight: usize,
    pub(crate) queue_messages: usize,
}

/// Where unfinished work rests.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct LedgerSettings {
    pub(crate) folder: PathBuf,
    pub(crate) ended_jobs: usize,
}

/// Which plugins are loaded, and their limits.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct PluginSettings {
    pub(crate) bundled: bool,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) watch: bool,
    pub(crate) hello_secs: u64,
    pub(crate) turn_secs: u64,
    pub(crate) cancel_secs: u64,
    pub(crate) idle_stop_secs: u64,
    pub(crate) restart_ms: u64,
    pub(crate) quarantine_crashes: u32,
    pub(crate) quarantine_secs: u64,
    pub(crate) messages_per_sec: u32,
    pub(crate) messages_burst: u32,
    pub(crate) trusted_keys: Vec<String>,
    pub(crate) require_signature: bool,
    pub(crate) install_archive_mb: u64,
    pub(crate) install_unpacked_mb: u64,
    pub(crate) install_entries: usize,
    pub(crate) install_ratio: u64,
    pub(crate) install_depth: usize,
    pub(crate) memory_mb: u32,
    pub(crate) cpu_secs: u32,
    pub(crate) open_files: u32,
    pub(crate) processes: u32,
}

/// How ftrack Connect's plugins are run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct ConnectSettings {
    pub(crate) python: PathBuf,
    pub(crate) permissions: Vec<String>,
    pub(crate) plugin_permissions: Vec<String>,
    pub(crate) environment: Vec<String>,
    pub(crate) windows: bool,
}

/// What is told in the corner of the screen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct NotificationSettings {
    pub(crate) show: bool,
    pub(crate) quiet_while_busy: bool,
    pub(crate) after_secs: u64,
}

/// The connection to the server's event hub.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct HubSettings {
    pub(crate) reconnect_ms: u64,
    pub(crate) reconnect_max_secs: u64,
    pub(crate) connect_secs: u64,
}

/// How handed-over work is done.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct StepSettings {
    pub(crate) retry_ms: u64,
    pub(crate) retry_max_secs: u64,
    pub(crate) batch_operations: usize,
    pub(crate) call_lanes: usize,
}

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct NetworkSettings {
    pub(crate) ca_file: PathBuf,
    pub(crate) proxy: String,
    pub(crate) request_secs: u64,
}

/// Settings, and what was wrong with the files they came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The settings in force.
    pub(crate) settings: Settings,
    /// What a person can mend; each names file, key and expected value.
    pub(crate) problems: Vec<Failure>,
}

impl Settings {
    /// Reads all layers. Never fails: what is wrong is a problem to show, and the layer below stays in force.
    pub(crate) fn load(home: &Home, environment: &Environment) -> Loaded {
        let mut layers = Layers::built_in();
        let user = home.settings_file();
        if let Some(studio) = layers.studio_file(&user) {
            layers.add_file(&studio, Missing::IsAProblem);
            layers.hold_requirements();
        }
        layers.add_file(&user, Missing::IsFine);
        if let Some(filter) = &environment.callboard_log {
            layers.add_value("CALLBOARD_LOG", "log", "level", filter.clone().into());
        }
        let (settings, problems) = layers.finish();
        Loaded { settings, problems }
    }

    /// Returns what a plugin may take that says nothing of it itself.
    pub(crate) fn plugin_limits(&self) -> Limits {
        let plugins = &self.plugins;
        Limits {
            memory_mb: Some(plugins.memory_mb),
            cpu_secs: Some(plugins.cpu_secs),
            open_files: Some(plugins.open_files),
            processes: Some(plugins.processes),
            messages_per_sec: Some(plugins.messages_per_sec),
            ..Limits::default()
        }
    }

    /// Returns the engine's part.
    pub(crate) fn engine_config(&self, host: &str) -> engine::Config {
        let plugins = &self.plugins;
        engine::Config {
            host: host.to_owned(),
            hello_ms: plugins.hello_secs * 1000,
            turn_ms: plugins.turn_secs * 1000,
            cancel_ms: plugins.cancel_secs * 1000,
            idle_ms: plugins.idle_stop_secs * 1000,
            restart_ms: plugins.restart_ms,
            quarantine_crashes: plugins.quarantine_crashes,
            quarantine_ms: plugins.quarantine_secs * 1000,
            retry_ms: self.steps.retry_ms,
            retry_max_ms: self.steps.retry_max_secs * 1000,
            batch_operations: self.steps.batch_operations,
            call_lanes: self.steps.call_lanes,
            ended_jobs: self.ledger.ended_jobs,
            own_commands: crate::cli::own_commands(),
            ..engine::Config::default()
        }
    }
}
