//! Where an archive's entry may go: somewhere below the folder it is unpacked to, on every system alike.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The longest name of one file or folder that the usual file systems take.
const MAX_NAME_BYTES: usize = 255;

/// The longest path inside a plugin.
const MAX_PATH_BYTES: usize = 1024;

/// A path inside a plugin's folder: names separated by `/`, none of which leads anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryPath(String);

/// Why an entry's path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// It begins at the root or at a drive.
    #[error("its path is absolute")]
    Absolute,
    /// It has a `..`.
    #[error("its path leads out of the plugin's folder")]
    Escapes,
    /// Windows reads a backslash as a separator, others as a letter.
    #[error("its path has a backslash")]
    Backslash,
    /// It has a character that no name should have: a control character, or a colon, which Windows gives a meaning.
    #[error("its path has a character that is not allowed in names")]
    Character,
    /// Windows drops a dot or blank at the end of a name.
    #[error("a name in its path ends with a dot or a blank")]
    Ending,
    /// Its bytes are no UTF-8.
    #[error("its path is not UTF-8")]
    NotUtf8,
    /// It is longer than file systems take.
    #[error("its path is too long")]
    TooLong,
    /// It names nothing.
    #[error("its path is empty")]
    Empty,
}

impl EntryPath {
    /// Reads a path as archives write it. The folder itself (`./`) is none.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, PathProblem> {
        let text = std::str::from_utf8(bytes).map_err(|_| PathProblem::NotUtf8)?;
        let has_drive =
            matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if text.is_empty() {
            return Err(PathProblem::Empty);
        }
        if text.starts_with('/') || has_drive {
            return Err(PathProblem::Absolute);
        }
        if text.contains('\\') {
            return Err(PathProblem::Backslash);
        }
        if text.contains(|c: char| c == ':' || c.is_control()) {
            return Err(PathProblem::Character);
        }
        let mut names = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => continue,
                ".." => return Err(PathProblem::Escapes),
                _ => names.push(name),
            }
            if name.ends_with(['.', ' ']) {
                return Err(PathProblem::Ending);
            }
            if name.len() > MAX_NAME_BYTES {
                return Err(PathProblem::TooLong);
            }
        }
        let path = names.join("/");
        if path.len() > MAX_PATH_BYTES {
            return Err(PathProblem::TooLong);
        }
        Ok((!path.is_empty()).then_some(Self(path)))
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the names on the way, from the outermost on.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns the folders that it lies in, from the outermost on.
    pub(crate) fn folders(&self) -> impl Iterator<Item = Self> {
        self.0
            .match_indices('/')
            .map(|(at, _)| Self(self.0[..at].to_owned()))
    }

    /// Returns the path below `folder`.
    pub(crate) fn below(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }

    /// Tells whether this is something that other programs leave behind and no plugin needs: Python's caches, which
    /// the interpreter would trust unseen, and what macOS adds to archives.
    pub(crate) fn is_left_out(&self) -> bool {
        self.names()
            .any(|name| name == "__pycache__" || name == "__MACOSX" || name == ".DS_Store")
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names that were given away, so that no two are one file, on this system or on one that ignores case.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashMap<String, (EntryPath, Kind)>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
}

/// What became of a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is new.
    New,
    /// It is a folder that is there already.
    Again,
    /// Another entry has it.
    By(EntryPath),
}

impl Names {
    /// Takes a name.
    pub(crate) fn take(&mut self, path: &EntryPath, kind: Kind) -> Taken {
        let folded = path.as_str().to_lowercase();
        match self.taken.get(&folded) {
            None => {
                self.taken.insert(folded, (path.clone(), kind));
                Taken::New
            }
            Some((other, Kind::Folder)) if other == path && kind == Kind::Folder => Taken::Again,
            Some((other, _)) => Taken::By(other.clone()),
        }
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.taken.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &[u8], expected: Result<Option<&str>, PathProblem>) {
        let parsed = EntryPath::parse(path);
        let parsed = parsed
            .as_ref()
            .map(|path| path.as_ref().map(EntryPath::as_str));
        let shown = String::from_utf8_lossy(path);
        assert_eq!(parsed, expected.as_ref().map(|path| *path), "{shown}");
    }

    #[test]
    fn a_path_stays_below_its_folder() {
        check(b"plugin.toml", Ok(Some("plugin.toml")));
        check(b"./hook/a b.py", Ok(Some("hook/a b.py")));
        check(b"hook//deep/", Ok(Some("hook/deep")));
        check("größe/…".as_bytes(), Ok(Some("größe/…")));
        check(b"..hidden/a..b", Ok(Some("..hidden/a..b")));
        check(b"./", Ok(None));
        check(b"", Err(PathProblem::Empty));
        check(b"/etc/passwd", Err(PathProblem::Absolute));
        check(b"C:/windows", Err(PathProblem::Absolute));
        check(b"c:evil", Err(PathProblem::Absolute));
        check(b"..", Err(PathProblem::Escapes));
        check(b"a/../../b", Err(PathProblem::Escapes));
        check(b"a\\..\\b", Err(PathProblem::Backslash));
        check(b"a\0b", Err(PathProblem::Character));
        check(b"a\nb", Err(PathProblem::Character));
        check(b"plugin.toml:stream", Err(PathProblem::Character));
        check(b"plugin.toml.", Err(PathProblem::Ending));
        check(b"a /b", Err(PathProblem::Ending));
        check(b"a\xff", Err(PathProblem::NotUtf8));
        check(&[b'a'; 256], Err(PathProblem::TooLong));
        check(&b"a/".repeat(600), Err(PathProblem::TooLong));
    }

    #[test]
    fn a_name_is_given_once() {
        let path = |text: &str| EntryPath::parse(text.as_bytes()).unwrap().unwrap();
        let mut names = Names::default();
        assert_eq!(names.take(&path("Lib"), Kind::Folder), Taken::New);
        assert_eq!(names.take(&path("Lib"), Kind::Folder), Taken::Again);
        for (name, kind) in [
            ("lib", Kind::Folder),
            ("LIB", Kind::File),
            ("Lib", Kind::File),
        ] {
            assert_eq!(names.take(&path(name), kind), Taken::By(path("Lib")));
        }
        assert_eq!(names.len(), 1);
    }
}
