//! A plugin's manifest: what `plugin.toml` says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::declare::{
    Command, DeclareError, Settings, StatusLine, Subscription, Window, check as check_declared,
};
use crate::{Action, ActionId, PluginId};

/// What a plugin is, how it is run, what it may ask for, and the actions it offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The plugin's id: lower-case letters, digits and underscores.
    pub id: PluginId,
    /// Its version.
    pub version: String,
    /// One sentence on what it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The versions of Callboard that it works with, written as Cargo writes requirements: `>=1.2, <3`. Any when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callboard: Option<String>,
    /// The versions of this protocol that it speaks; the first when none is given.
    #[serde(default = "default_protocol")]
    pub protocol: Vec<u32>,
    /// The platforms that it runs on; all when none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Platform>,
    /// How it is run.
    pub run: Run,
    /// What it may ask for.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// How many jobs it may run at once, each in a process of its own.
    #[serde(default = "default_jobs")]
    pub jobs: u32,
    /// Its limits, where they differ from the host's settings.
    #[serde(default)]
    pub limits: Limits,
    /// Its actions.
    #[serde(default, rename = "action")]
    pub actions: Vec<Action>,
    /// Verbs below `callboard`.
    #[serde(default, rename = "command", skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Command>,
    /// Windows.
    #[serde(default, rename = "window", skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// Lines in the tray.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusLine>,
    /// Events that start it.
    #[serde(
        default,
        rename = "subscription",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub subscriptions: Vec<Subscription>,
    /// Settings of its own.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
}

/// How a plugin is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Run {
    /// A library's name without prefix and extension: `hello` is `libhello.so` on Linux.
    Library(String),
    /// A program and its arguments, started in the plugin's folder.
    Program(Vec<String>),
    /// A folder of ftrack Connect hooks.
    ConnectHooks(String),
}

/// An operating system that a plugin runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Platform {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
    /// A platform that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Limits of a plugin's processes; what is not given is as the host's settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How long one turn may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_secs: Option<u32>,
    /// How long a process may take to say hello, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_secs: Option<u32>,
    /// How much memory a process may take, with what it started, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
    /// How much processor time one turn may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_secs: Option<u32>,
    /// How many files a process may hold open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u32>,
    /// How many processes and threads it may be, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// How many messages a second it may send while a turn runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_per_sec: Option<u32>,
}

/// One thing that a plugin may ask of the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Permission {
    /// `ftrack.read`: queries, all or nothing.
    FtrackRead,
    /// `ftrack.create.Shot`: a verb on an entity type; `*` stands for every type.
    Ftrack {
        /// The verb.
        verb: Verb,
        /// The entity type, or `*`.
        entity_type: String,
    },
    /// `dcc`: the application where a job was launched.
    Dcc,
    /// `store`: values of its own.
    Store,
    /// `notify`: telling the person something.
    Notify,
    /// `events`: subscribing to and publishing events, on the hub and on the bus.
    Events,
    /// `jobs`: launching actions of other plugins as jobs of its own.
    Jobs,
    /// `open`: opening a file, a folder or a link where the person is.
    Open,
    /// `secret`: values of its own in the system's keyring.
    Secret,
    /// `network`: sockets of its own, to anywhere.
    Network,
    /// `http:HOST`: requests through the host to this host name; `*` stands for every one.
    Http {
        /// The host name, `*.example.com` for those below it, or `*`.
        host: String,
    },
    /// `read:PATH`: reading a folder and what is in it.
    Read {
        /// An absolute path, or one that begins with `~/`.
        path: String,
    },
    /// `write:PATH`: reading and changing a folder and what is in it.
    Write {
        /// An absolute path, or one that begins with `~/`.
        path: String,
    },
    /// `program:NAME`: starting a program.
    Program {
        /// Its name, as it is found in `PATH`, or its absolute path.
        name: String,
    },
}

/// What is done to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Made.
    Create,
    /// Changed.
    Update,
    /// Deleted.
    Delete,
    /// An operation of the API by its own name, such as `encode_media`; it stands where the entity type does.
    Call,
}

impl Verb {
    /// Returns the verb's name in a permission.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Call => "call",
        }
    }
}

impl Permission {
    /// The permissions without an argument, with their names.
    const PLAIN: &'static [(&'static str, Self)] = &[
        ("ftrack.read", Self::FtrackRead),
        ("dcc", Self::Dcc),
        ("events", Self::Events),
        ("jobs", Self::Jobs),
        ("network", Self::Network),
        ("notify", Self::Notify),
        ("open", Self::Open),
        ("secret", Self::Secret),
        ("store", Self::Store),
    ];

    /// Reads `http:HOST`, `read:PATH`, `write:PATH` and `program:NAME`.
    fn with_argument(kind: &str, argument: &str) -> Option<Self> {
        let is_path = argument.starts_with('/') || argument.starts_with("~/");
        let argument = argument.to_owned();
        match kind {
            "http" => Some(Self::Http { host: argument }),
            "program" => Some(Self::Program { name: argument }),
            "read" if is_path => Some(Self::Read { path: argument }),
            "write" if is_path => Some(Self::Write { path: argument }),
            _ => None,
        }
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((_, plain)) = Self::PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(plain.clone());
        }
        let verbs = [Verb::Create, Verb::Update, Verb::Delete, Verb::Call];
        let parts: Vec<&str> = text.split('.').collect();
        if let ["ftrack", verb, entity_type] = parts.as_slice()
            && let Some(verb) = verbs.into_iter().find(|known| known.name() == *verb)
            && !entity_type.is_empty()
        {
            return Ok(Self::Ftrack {
                verb,
                entity_type: (*entity_type).to_owned(),
            });
        }
        if let Some((kind, argument)) = text.split_once(':')
            && !argument.is_empty()
            && let Some(permission) = Self::with_argument(kind, argument)
        {
            return Ok(permission);
        }
        let plain: Vec<String> = Self::PLAIN
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        Err(format!(
            "unknown permission `{text}`; known are {}, `ftrack.create.TYPE`, `ftrack.update.TYPE`, `ftrack.delete.TYPE`, `ftrack.call.OPERATION`, `http:HOST`, `program:NAME`, `read:PATH` and `write:PATH` with absolute paths",
            plain.join(", ")
        ))
    }
}

impl TryFrom<String> for Permission {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.to_string()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ftrack { verb, entity_type } => write!(f, "ftrack.{}.{entity_type}", verb.name()),
            Self::Http { host } => write!(f, "http:{host}"),
            Self::Read { path } => write!(f, "read:{path}"),
            Self::Write { path } => write!(f, "write:{path}"),
            Self::Program { name } => write!(f, "program:{name}"),
            plain => {
                let named = Self::PLAIN.iter().find(|(_, known)| known == plain);
                f.write_str(named.map_or("", |(name, _)| name))
            }
        }
    }
}

/// Why a manifest that parsed cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// An id has other characters than lower-case letters, digits and underscores.
    #[error("the id must be lower-case letters, digits and underscores: `{id}`")]
    BadId {
        /// The id.
        id: String,
    },
    /// Two actions have one id.
    #[error("two actions have the same id: `{id}`")]
    DuplicateAction {
        /// The id.
        id: String,
    },
    /// A program without a word.
    #[error("`run.program` names no program")]
    NoProgram,
    /// A plugin that may run no job.
    #[error("`jobs` must be between 1 and 64: `{jobs}`")]
    BadJobs {
        /// The number.
        jobs: u32,
    },
    /// Something that it declares beside its actions is wrong.
    #[error(transparent)]
    Declared(#[from] DeclareError),
}

impl Manifest {
    /// Checks what types alone cannot.
    ///
    /// # Errors
    ///
    /// Names the first thing that is wrong.
    pub fn check(&self) -> Result<(), ManifestError> {
        check_id(self.id.as_str())?;
        for (index, action) in self.actions.iter().enumerate() {
            check_id(&action.id)?;
            if self.actions[..index]
                .iter()
                .any(|earlier| earlier.id == action.id)
            {
                return Err(ManifestError::DuplicateAction {
                    id: action.id.clone(),
                });
            }
        }
        if matches!(&self.run, Run::Program(words) if words.is_empty()) {
            return Err(ManifestError::NoProgram);
        }
        if !(1..=64).contains(&self.jobs) {
            return Err(ManifestError::BadJobs { jobs: self.jobs });
        }
        Ok(check_declared(self)?)
    }

    /// Returns the full ids of its actions.
    pub fn action_ids(&self) -> impl Iterator<Item = ActionId> {
        self.actions
            .iter()
            .map(|action| ActionId::new(&self.id, &action.id))
    }
}

fn check_id(id: &str) -> Result<(), ManifestError> {
    let well_formed = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if well_formed {
        Ok(())
    } else {
        Err(ManifestError::BadId { id: id.to_owned() })
    }
}

fn default_jobs() -> u32 {
    2
}

fn default_protocol() -> Vec<u32> {
    vec![crate::VERSION_1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_written_as_it_is_read() {
        for text in [
            "ftrack.read",
            "ftrack.create.Shot",
            "ftrack.delete.*",
            "ftrack.call.encode_media",
            "dcc",
            "events",
            "jobs",
            "network",
            "notify",
            "open",
            "secret",
            "store",
            "http:*.example.com",
            "program:ffmpeg",
            "read:/mnt/projects",
            "write:~/renders",
        ] {
            let permission: Permission = text.parse().unwrap();
            assert_eq!(permission.to_string(), text);
        }
    }

    #[test]
    fn a_permission_that_nobody_knows_is_refused() {
        for text in [
            "",
            "ftrack.write",
            "ftrack.create.",
            "http:",
            "read:projects",
            "fly:home",
        ] {
            let refusal = text.parse::<Permission>().unwrap_err();
            assert!(refusal.contains("known are `ftrack.read`"), "{refusal}");
        }
    }
}
