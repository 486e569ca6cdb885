//! What the tests start as somebody without rights, where such a person can reach it.
//!
//! Root is exempt from half of what confines plugins, so tests of that run the program as `nobody`, who may not get to a target folder below, say, `/root`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The permission of others to pass through a folder.
const OTHERS_PASS: u32 = 0o001;

/// A folder with the built programs and plugins that everybody can reach. It goes away with this.
pub(crate) struct Reachable {
    folder: PathBuf,
}

impl Reachable {
    /// Makes such a folder, where root runs the tests and not everybody can get to `built`.
    pub(crate) fn of(built: &Path) -> Result<Option<Self>> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if !is_root || is_open(built)? {
            return Ok(None);
        }
        let name = format!("callboard-tests-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        make(&folder)?;
        let reachable = Self { folder };
        for name in ["callboard", "unruly", "former", "plugins", "python"] {
            let from = built.join(name);
            if from.exists() {
                lay(&from, &reachable.folder.join(name))?;
            }
        }
        let examples = reachable.folder.join("examples");
        make(&examples)?;
        for entry in fs::read_dir(built.join("examples"))? {
            let entry = entry?;
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "so")
            {
                lay(&entry.path(), &examples.join(entry.file_name()))?;
            }
        }
        Ok(Some(reachable))
    }

    /// Returns the folder, which is laid out as cargo's is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Reachable {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            crate::tool::say(&format!(
                "`{}` stays behind: {error}",
                self.folder.display()
            ));
        }
    }
}

/// Tells whether everybody can get to a folder.
fn is_open(folder: &Path) -> Result<bool> {
    for place in folder.canonicalize()?.ancestors() {
        if place.metadata()?.permissions().mode() & OTHERS_PASS == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes a folder that everybody can read, whatever the umask.
fn make(folder: &Path) -> Result<()> {
    fs::create_dir(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .with_context(|| format!("could not make `{}`", folder.display()))
}

/// Links a file, or copies it where it cannot be linked; a folder with all that is in it, links in it followed.
fn lay(from: &Path, to: &Path) -> Result<()> {
    let from = from.canonicalize()?;
    if from.is_dir() {
        make(to)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            lay(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::hard_link(&from, to)
        .or_else(|_| fs::copy(&from, to).map(drop))
        .with_context(|| {
            format!(
                "could not lay `{}` where everybody reaches it",
                from.display()
            )
        })
}
