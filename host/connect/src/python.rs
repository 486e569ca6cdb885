//! The Python that serves hooks: part of this program, laid out on disk where an interpreter finds it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

/// Names files below `python`.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../python/", $name)))),*]
    };
}

/// The package, by its files' paths below the folder that goes into `PYTHONPATH`.
const FILES: &[(&str, &str)] = files![
    "callboard_connect/__init__.py",
    "callboard_connect/__main__.py",
    "callboard_connect/archives.py",
    "callboard_connect/hub.py",
    "callboard_connect/inbox.py",
    "callboard_connect/loading.py",
    "callboard_connect/missing.py",
    "callboard_connect/pipe.py",
    "callboard_connect/selection.py",
    "callboard_connect/serve.py",
    "callboard_connect/shim/ayon_ftrack/__init__.py",
    "callboard_connect/shim/ayon_ftrack/common/__init__.py",
    "callboard_connect/shim/ftrack_action_handler/__init__.py",
    "callboard_connect/shim/ftrack_action_handler/action/__init__.py",
    "callboard_connect/shim/ftrack_action_handler/action/advanced.py",
    "callboard_connect/shim/ftrack_action_handler/action/base.py",
    "callboard_connect/shim/ftrack_common/__init__.py",
    "callboard_connect/shim/ftrack_common/event_handlers/__init__.py",
    "callboard_connect/shim/ftrack_common/event_handlers/action.py",
    "callboard_connect/shim/ftrack_common/event_handlers/base.py",
    "callboard_connect/shim/ftrack_common/values.py",
    "callboard_connect/shim/ftrack_connect/__init__.py",
    "callboard_connect/shim/ftrack_connect/application.py",
    "callboard_connect/shim/ftrack_connect/application_launcher/__init__.py",
    "callboard_connect/shim/ftrack_connect/application_launcher/action.py",
    "callboard_connect/shim/ftrack_connect/application_launcher/environment.py",
    "callboard_connect/shim/ftrack_connect/application_launcher/launcher.py",
    "callboard_connect/shim/ftrack_connect/application_launcher/store.py",
    "callboard_connect/shim/ftrack_connect/asynchronous.py",
    "callboard_connect/shim/ftrack_connect/error.py",
    "callboard_connect/shim/ftrack_connect/event_hub_thread.py",
    "callboard_connect/shim/ftrack_connect/qt.py",
    "callboard_connect/shim/ftrack_connect/session.py",
    "callboard_connect/shim/ftrack_connect/ui/__init__.py",
    "callboard_connect/shim/ftrack_connect/ui/application.py",
    "callboard_connect/shim/ftrack_connect/ui/widget/__init__.py",
    "callboard_connect/shim/ftrack_connect/usage.py",
    "callboard_connect/shim/ftrack_connect/util/__init__.py",
    "callboard_connect/shim/ftrack_connect/utils/__init__.py",
    "callboard_connect/shim/ftrack_connect/utils/directory.py",
    "callboard_connect/shim/ftrack_connect/utils/plugin.py",
    "callboard_connect/shim/ftrack_constants/__init__.py",
    "callboard_connect/shim/ftrack_utils/__init__.py",
    "callboard_connect/shim/ftrack_utils/decorators/__init__.py",
    "callboard_connect/shim/ftrack_utils/paths/__init__.py",
    "callboard_connect/shim/ftrack_utils/usage/__init__.py",
    "callboard_connect/shim/ftrack_utils/version/__init__.py",
    "callboard_connect/turns.py",
    "callboard_connect/version_text.py",
    "callboard_connect/watch.py",
    "callboard_connect/windows.py",
];

/// The SDK, which the package is built on.
const SDK: (&str, &str) = (
    "callboard.py",
    include_str!("../../../sdk/python/callboard.py"),
);

/// What the folders of modules are called, before the hash of what is in them.
const FOLDER: &str = "modules-";

/// The file that a running host holds, in a folder of modules.
const IN_USE: &str = "in-use";

/// The file that children of all versions take turns by.
const TURNS: &str = "turns";

/// The modules that serve hooks, on disk for as long as this value lives.
#[derive(Debug)]
pub struct Python {
    folder: PathBuf,
    turns: PathBuf,
    /// Locked, so that a host of another version does not take the folder away.
    _in_use: File,
}

/// Why the modules are not on disk.
#[derive(Debug, thiserror::Error)]
#[error("could not write `{}`", path.display())]
pub struct LayOutError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl Python {
    /// Writes the modules into a folder of this version's own below `folder`, where they differ from what lies there,
    /// and takes away those of versions that no host uses any more.
    ///
    /// A file is swapped in whole, so that an interpreter that starts meanwhile reads the old or the new one.
    ///
    /// # Errors
    ///
    /// Names the file or folder that could not be written.
    pub fn lay_out(folder: &Path) -> Result<Self, LayOutError> {
        let own = folder.join(format!("{FOLDER}{}", hash()));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| LayOutError { path, source }
        };
        let in_use = hold(&own).map_err(failed(&own))?;
        for (name, text) in FILES.iter().chain([&SDK]) {
            let path = own.join(name);
            if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            write(&path, text).map_err(failed(&path))?;
        }
        let turns = folder.join(TURNS);
        let opened = File::options().create(true).append(true).open(&turns);
        opened.map_err(failed(&turns))?;
        take_away_others(folder, &own);
        Ok(Self {
            folder: own,
            turns,
            _in_use: in_use,
        })
    }

    /// Returns the folder that goes into `PYTHONPATH`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the file that children take turns by, whichever version of the modules serves them.
    pub fn turns(&self) -> &Path {
        &self.turns
    }
}

/// Returns a name for what is in the modules.
fn hash() -> String {
    let mut context = Context::new(&SHA256);
    for (name, text) in FILES.iter().chain([&SDK]) {
        for part in [name, text] {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
    }
    let digest = context.finish();
    let start = digest.as_ref().iter().take(8);
    start.map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a folder that stays as long as the file that is returned is open.
fn hold(own: &Path) -> io::Result<File> {
    let path = own.join(IN_USE);
    loop {
        fs::create_dir_all(own)?;
        let opened = File::options().create(true).append(true).open(&path);
        match opened {
            // Another host took the folder away between these lines.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
            Ok(file) => {
                file.lock_shared()?;
                if is_at(&file, &path) {
                    return Ok(file);
                }
            }
        }
    }
}

/// Tells whether an open file still lies where it was opened.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(opened), Ok(there)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (opened.dev(), opened.ino()) == (there.dev(), there.ino())
    }
    // Elsewhere an open file keeps its folder where it is.
    #[cfg(not(unix))]
    {
        opened.is_file() && there.is_file()
    }
}

/// Takes away the folders of modules that no host holds. What cannot be taken away now is there for the next one.
fn take_away_others(folder: &Path, own: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str());
        if path == own || !name.is_some_and(|name| name.starts_with(FOLDER)) {
            continue;
        }
        let Ok(file) = File::options().append(true).open(path.join(IN_USE)) else {
            continue;
        };
        if file.try_lock().is_err() {
            continue;
        }
        // Out of the way first: a host of that version that starts now makes a folder of its own.
        let aside = path.with_extension("old");
        let removed = fs::rename(&path, &aside).and_then(|()| fs::remove_dir_all(&aside));
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "could not take old modules for Connect plugins away");
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of the Python files below `folder`, relative to `root`.
    fn python_files(root: &Path, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(python_files(root, &path));
            } else if path.extension().is_some_and(|extension| extension == "py") {
                let name = path.strip_prefix(root).unwrap();
                found.push(name.to_str().unwrap().replace('\\', "/"));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn every_file_of_the_package_is_in_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut embedded: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        embedded.sort_unstable();
        assert_eq!(embedded, python_files(&root, &root));
    }

    #[test]
    fn what_is_laid_out_is_what_is_in_the_program_whatever_lay_there() {
        let folder = tempfile::tempdir().unwrap();
        let python = Python::lay_out(folder.path()).unwrap();
        let (name, text) = FILES[0];
        let path = python.folder().join(name);
        fs::write(&path, "cut short").unwrap();
        let python = Python::lay_out(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), text);
        let mut names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        names.insert(0, SDK.0);
        assert_eq!(python_files(python.folder(), python.folder()), names);
    }

    #[test]
    fn versions_that_share_a_home_have_folders_of_their_own_as_long_as_they_run() {
        let folder = tempfile::tempdir().unwrap();
        // Another version: one runs, the other is gone.
        let (runs, gone) = (
            folder.path().join("modules-0123456789abcdef"),
            folder.path().join("modules-fedcba9876543210"),
        );
        let held = hold(&runs).unwrap();
        drop(hold(&gone).unwrap());
        fs::write(gone.join("callboard.py"), "old").unwrap();
        let python = Python::lay_out(folder.path()).unwrap();
        assert!(python.folder().is_dir() && runs.is_dir() && !gone.exists());
        // And the other way around: what this one holds stays.
        take_away_others(folder.path(), &runs);
        assert!(python.folder().join(SDK.0).is_file());
        drop(held);
        let again = Python::lay_out(folder.path()).unwrap();
        assert!(!runs.exists());
        assert_eq!(
            (again.folder(), again.turns()),
            (python.folder(), python.turns())
        );
        assert!(again.turns().is_file());
    }
}
