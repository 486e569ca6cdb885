//! What is installed below the target folder, and whether it is what the checkout asks for.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Something made from files of the checkout, with a stamp that holds what it was made from.
pub(crate) struct Installation {
    stamp: PathBuf,
    wanted: String,
}

impl Installation {
    /// Describes what `sources` ask for in `folder`.
    ///
    /// # Errors
    ///
    /// When a source cannot be read.
    pub(crate) fn new(folder: &Path, sources: &[PathBuf]) -> Result<Self> {
        let read = |source: &PathBuf| {
            fs::read_to_string(source)
                .with_context(|| format!("could not read `{}`", source.display()))
        };
        Ok(Self {
            stamp: folder.join("installed.txt"),
            wanted: sources.iter().map(read).collect::<Result<_>>()?,
        })
    }

    /// Tells whether it was installed, whole, from what the sources hold now.
    pub(crate) fn is_current(&self) -> bool {
        fs::read_to_string(&self.stamp).is_ok_and(|installed| installed == self.wanted)
    }

    /// Says that it is whole. Comes last, so half an installation is never taken for one.
    ///
    /// # Errors
    ///
    /// When the stamp cannot be written.
    pub(crate) fn finish(&self) -> Result<()> {
        fs::write(&self.stamp, &self.wanted)
            .with_context(|| format!("could not write `{}`", self.stamp.display()))
    }
}
