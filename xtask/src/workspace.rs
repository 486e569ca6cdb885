//! Where things are: the checkout, what cargo builds, and what we put beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tool;

/// The checkout and its target folder.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
}

/// Which of cargo's profiles a task builds with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Workspace {
    /// Finds the checkout that this program was built from.
    ///
    /// # Errors
    ///
    /// When cargo cannot say where it builds to.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask does not lie in a workspace")?
            .to_path_buf();
        let metadata = tool::output(&mut tool::cargo(
            &root,
            ["metadata", "--format-version=1", "--no-deps"],
        ))?;
        let metadata: serde_json::Value =
            serde_json::from_str(&metadata).context("could not read cargo's metadata")?;
        let target = metadata["target_directory"]
            .as_str()
            .context("cargo's metadata names no target folder")?;
        let target = PathBuf::from(target);
        Ok(Self { root, target })
    }

    /// Returns the folder that holds the programs and libraries of `profile`.
    pub(crate) fn built(&self, profile: Profile) -> PathBuf {
        self.target.join(profile.folder())
    }

    /// Returns the path of the program `callboard`.
    pub(crate) fn program(&self, profile: Profile) -> PathBuf {
        self.built(profile)
            .join(format!("callboard{}", std::env::consts::EXE_SUFFIX))
    }
}

impl Profile {
    pub(crate) fn from_release_flag(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    /// Returns the name of the profile's folder below the target folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    /// Returns the arguments that make cargo use the profile.
    pub(crate) fn cargo_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &[],
            Self::Release => &["--release"],
        }
    }
}
