//! A plugin's manifest: what `plugin.toml` says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

/// Limits of a plugin's processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How long one turn may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_secs: Option<u32>,
    /// How long a process may take to say hello, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_secs: Option<u32>,
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
}

impl Verb {
    /// Returns the verb's name in a permission.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ftrack.read" => return Ok(Self::FtrackRead),
            "dcc" => return Ok(Self::Dcc),
            "store" => return Ok(Self::Store),
            "notify" => return Ok(Self::Notify),
            _ => {}
        }
        let verbs = [Verb::Create, Verb::Update, Verb::Delete];
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
        Err(format!(
            "unknown permission `{text}`; known are `ftrack.read`, `ftrack.create.TYPE`, `ftrack.update.TYPE`, `ftrack.delete.TYPE`, `dcc`, `store` and `notify`"
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
            Self::FtrackRead => f.write_str("ftrack.read"),
            Self::Ftrack { verb, entity_type } => write!(f, "ftrack.{}.{entity_type}", verb.name()),
            Self::Dcc => f.write_str("dcc"),
            Self::Store => f.write_str("store"),
            Self::Notify => f.write_str("notify"),
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
        Ok(())
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
