//! The Python that serves hooks: part of this program, laid out on disk where an interpreter finds it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

/// The modules that serve hooks, on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    folder: PathBuf,
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
    /// Writes the modules below `folder`, where they differ from what lies there.
    ///
    /// A file is swapped in whole, so that an interpreter that starts meanwhile reads the old or the new one.
    ///
    /// # Errors
    ///
    /// Names the file or folder that could not be written.
    pub fn lay_out(folder: &Path) -> Result<Self, LayOutError> {
        for (name, text) in FILES.iter().chain([&SDK]) {
            let path = folder.join(name);
            if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            write(&path, text).map_err(|source| LayOutError {
                path: path.clone(),
                source,
            })?;
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Returns the folder that goes into `PYTHONPATH`.
    pub fn folder(&self) -> &Path {
        &self.folder
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
        Python::lay_out(folder.path()).unwrap();
        let (name, text) = FILES[0];
        let path = folder.path().join(name);
        fs::write(&path, "from an older version").unwrap();
        let python = Python::lay_out(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), text);
        let mut names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        names.insert(0, SDK.0);
        assert_eq!(python_files(folder.path(), python.folder()), names);
    }
}
