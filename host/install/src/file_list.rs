//! What a plugin's folder holds, as one list and one hash, which anybody can compute with `sha256sum`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ring::digest::{Context, Digest, SHA256};

use crate::entry_path::EntryPath;

/// The signature of a plugin's folder, which lies in it and so cannot be part of what it signs.
pub const FOLDER_SIGNATURE: &str = "plugin.sig";

const CHUNK_BYTES: usize = 64 * 1024;

/// The files of a plugin's folder with their SHA-256, as `sha256sum` writes them.
///
/// One line for each file, `HEX  PATH` and a line feed, ordered by the bytes of the paths. The SHA-256 of that text is
/// the folder's hash. In the folder, without a program of ours:
///
/// ```text
/// find . -type f ! -path ./plugin.sig ! -path '*/__pycache__/*' -printf '%P\0' |
///     LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
/// ```
///
/// `plugin.sig` at its top is left out, since it signs this hash, and so is what Python, macOS and installing leave
/// out: `__pycache__`, `__MACOSX` and `.DS_Store`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileList {
    files: BTreeMap<String, String>,
}

/// How a folder differs from a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A file has another content.
    Changed(String),
    /// A file is not there.
    Missing(String),
    /// A file is there that was not installed.
    Extra(String),
}

/// A file or folder that cannot be read, or that no plugin should have.
#[derive(Debug, thiserror::Error)]
#[error("could not read `{}`", path.display())]
pub struct FileListError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl FileList {
    /// Reads every file below `folder`.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or is a link, a device or the like.
    pub fn of_folder(folder: &Path) -> Result<Self, FileListError> {
        let mut list = Self::default();
        let mut next = vec![(folder.to_owned(), String::new())];
        while let Some((folder, inside)) = next.pop() {
            let failed = |path: &Path| {
                let path = path.to_owned();
                move |source| FileListError { path, source }
            };
            for entry in fs::read_dir(&folder).map_err(failed(&folder))? {
                let path = entry.map_err(failed(&folder))?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let inside = format!("{inside}{name}");
                let kind = fs::symlink_metadata(&path)
                    .map_err(failed(&path))?
                    .file_type();
                let is_left_out = matches!(
                    EntryPath::parse(inside.as_bytes()),
                    Ok(Some(path)) if path.is_left_out()
                );
                if is_left_out || inside == FOLDER_SIGNATURE {
                    continue;
                }
                if kind.is_dir() {
                    next.push((path, inside + "/"));
                } else if kind.is_file() {
                    let hash = sha256_of_file(&path).map_err(failed(&path))?;
                    list.files.insert(inside, hash);
                } else {
                    let error = io::Error::other("it is neither a file nor a folder");
                    return Err(failed(&path)(error));
                }
            }
        }
        Ok(list)
    }

    /// Reads a list as it was written; none when it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut list = Self::default();
        for line in text.lines() {
            let (hash, path) = line.split_once("  ")?;
            list.files.insert(path.to_owned(), hash.to_owned());
        }
        Some(list)
    }

    /// Returns the list as `sha256sum` writes it.
    pub fn to_text(&self) -> String {
        let lines = self.files.iter();
        lines
            .map(|(path, hash)| format!("{hash}  {path}\n"))
            .collect()
    }

    /// Returns the hash of it all: `sha256:` and 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        hash_of_text(&self.to_text())
    }

    /// Says how `folder` differs from what is listed here, by path.
    pub fn differences(&self, found: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (path, hash) in &self.files {
            match found.files.get(path) {
                None => differences.push(Difference::Missing(path.clone())),
                Some(other) if other != hash => differences.push(Difference::Changed(path.clone())),
                Some(_) => {}
            }
        }
        let extra = found.files.keys();
        let extra = extra.filter(|path| !self.files.contains_key(*path));
        differences.extend(extra.cloned().map(Difference::Extra));
        differences
    }
}

/// Returns the SHA-256 of a text as the lock writes it.
pub(crate) fn hash_of_text(text: &str) -> String {
    let digest = ring::digest::digest(&SHA256, text.as_bytes());
    format!("sha256:{}", hexadecimal(&digest))
}

/// Returns the SHA-256 of a file in hexadecimal digits.
///
/// # Errors
///
/// When the file cannot be read.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hexadecimal(&context.finish())),
            Ok(count) => context.update(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hexadecimal(digest: &Digest) -> String {
    let digits = digest.as_ref().iter();
    digits.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_has_the_hash_that_sha256sum_gives() {
        let folder = folder(&[
            ("plugin.toml", "id = \"a\"\n"),
            ("a b/ü.py", "pass\n"),
            ("a.py", ""),
            ("a/z", "z"),
            ("plugin.sig", "not part of it"),
            ("a b/__pycache__/ü.pyc", "neither"),
        ]);
        let list = FileList::of_folder(folder.path()).unwrap();
        let script =
            "find . -type f ! -path ./plugin.sig ! -path '*/__pycache__/*' -printf '%P\\0' |
            LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum";
        #[expect(
            clippy::disallowed_methods,
            reason = "the point is that another program finds the same"
        )]
        let output = std::process::Command::new("sh")
            .args(["-c", script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let expected = String::from_utf8(output.stdout).unwrap();
        let expected = expected.split(' ').next().unwrap();
        assert_eq!(list.hash(), format!("sha256:{expected}"));
        assert_eq!(FileList::from_text(&list.to_text()), Some(list));
    }

    #[test]
    fn differences_are_named() {
        let before = folder(&[("a", "1"), ("b", "1"), ("c/d", "1")]);
        let after = folder(&[("a", "1"), ("b", "2"), ("e", "1")]);
        let [before, after] =
            [before, after].map(|folder| FileList::of_folder(folder.path()).unwrap());
        assert_eq!(before.differences(&before), []);
        assert_eq!(
            before.differences(&after),
            [
                Difference::Changed("b".into()),
                Difference::Missing("c/d".into()),
                Difference::Extra("e".into()),
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_part_of_a_plugin() {
        let folder = folder(&[("a", "1")]);
        std::os::unix::fs::symlink("a", folder.path().join("b")).unwrap();
        let error = FileList::of_folder(folder.path()).unwrap_err();
        assert!(error.path.ends_with("b"));
    }
}
