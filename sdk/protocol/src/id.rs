//! Identifiers, each a type of its own so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the identifier's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A plugin, as its manifest's `id` names it: `shot_creation`.
    PluginId
}
id! {
    /// An action, with its plugin before the dot: `shot_creation.create_shots`.
    ActionId
}
id! {
    /// A job: one launch of one action. A UUID made by the host.
    JobId
}
id! {
    /// A step of a hand-over, unique within its job and chosen by the plugin.
    StepId
}
id! {
    /// A selection that an application keeps for the host to ask about.
    SelectionId
}

impl ActionId {
    /// Joins a plugin's id and the action's own id.
    pub fn new(plugin: &PluginId, action: &str) -> Self {
        Self(format!("{plugin}.{action}"))
    }

    /// Returns the id of the plugin that carries the action out: the text before the first dot.
    pub fn plugin(&self) -> PluginId {
        PluginId::from(self.0.split('.').next().unwrap_or_default())
    }
}
