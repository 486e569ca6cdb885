//! The Python that serves hooks: part of this program, laid out on disk where an interpreter finds it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every file, by its path below the folder that goes into `PYTHONPATH`.
const FILES: &[(&str, &str)] = &[(
    "callboard_connect/__init__.py",
    include_str!("../python/callboard_connect/__init__.py"),
)];

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
        for (name, text) in FILES {
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
        let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(python_files(folder.path(), python.folder()), names);
    }
}
