//! A plugin folder as it was read, and whether it is used.

use callboard_protocol::{Failure, Manifest, PluginId, PluginSource};

/// A plugin folder as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogued {
    /// The folder.
    pub path: String,
    /// What its manifest says, or why it cannot be read.
    pub manifest: Result<Manifest, Failure>,
    /// Whether it is used.
    pub standing: Standing,
    /// The kind of place that it lies in.
    pub source: PluginSource,
    /// Why it is used, or why it is not, in a sentence.
    pub why: String,
    /// What is odd about it and does not stop it.
    pub warnings: Vec<Failure>,
    /// Another number whenever its files have changed: processes of the old code get no more turns.
    pub revision: u64,
}

/// Whether a plugin folder is used.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It is.
    Used,
    /// It would be, but it is switched off: whoever launches an action of it is told so.
    Off(Failure),
    /// Another folder with the same id is.
    NotUsed,
    /// It is not, for it does not fit this host or this machine.
    Unfit(Failure),
}

impl Catalogued {
    /// Makes a folder that is used where it can be read.
    pub fn used(path: impl Into<String>, manifest: Result<Manifest, Failure>) -> Self {
        Self {
            path: path.into(),
            manifest,
            standing: Standing::Used,
            source: PluginSource::Unknown,
            why: String::new(),
            warnings: Vec::new(),
            revision: 0,
        }
    }

    /// Returns its id: the manifest's, or the folder's name where there is none.
    pub fn id(&self) -> PluginId {
        match &self.manifest {
            Ok(manifest) => manifest.id.clone(),
            Err(_) => {
                let name = self.path.rsplit(['/', '\\']).next();
                name.unwrap_or_default().into()
            }
        }
    }
}
