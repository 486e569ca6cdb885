//! `callboard.lock`: which version of each plugin is meant, and what it consists of.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::durable::sync_folder;

/// The format's version; a newer file is refused rather than misread.
const FORMAT: u32 = 1;

/// What a new file begins with.
const HEADING: &str = "\
# The plugins of this machine, written by `callboard plugins`.
# `callboard plugins sync FILE` brings another machine to what such a file says.
";

const TABLE: &str = "[[plugin]]";

/// The plugins that are meant to be installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The plugins by id, each once.
    plugins: Vec<LockedPlugin>,
    /// What people wrote into the file.
    remarks: Remarks,
}

/// One plugin of the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedPlugin {
    /// The plugin's id.
    pub id: String,
    /// What of it is meant.
    #[serde(flatten)]
    pub content: Locked,
    /// What was meant before, and is kept for a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Locked>,
}

/// One version of a plugin, as it was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// Its version.
    pub version: String,
    /// The hash of the files in its folder, `sha256:` and 64 hexadecimal digits: see [`FileList`](crate::FileList).
    pub hash: String,
    /// Where it came from: an address or a path. A relative path begins at the lock's own folder.
    pub source: String,
    /// The name of its folder beside the lock.
    pub folder: String,
}

#[derive(Deserialize)]
struct Document {
    format: Option<u32>,
    #[serde(default)]
    plugin: Vec<LockedPlugin>,
}

/// Why a lock cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file is there and cannot be read.
    #[error("could not read the lock: `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("could not write the lock: `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no lock.
    #[error("could not understand the lock: `{}`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        problem: Damage,
    },
}

/// What is wrong with a lock's content.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is no TOML, or a key is missing or has another type.
    #[error("{0}")]
    Toml(String),
    /// A newer Callboard wrote it.
    #[error("its format is {0}, and this Callboard knows up to {FORMAT}")]
    Newer(u32),
    /// Two entries are about one plugin.
    #[error("it names the plugin `{0}` twice")]
    Twice(String),
    /// A folder's name leads elsewhere.
    #[error("`{0}` is no name of a folder beside the lock")]
    Folder(String),
    /// A hash is not written as hashes are.
    #[error("`{0}` is no hash; it must be `sha256:` and 64 hexadecimal digits")]
    Hash(String),
}

impl LockError {
    /// Returns what can be done.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "make the file readable",
            Self::Write { .. } => "make the folder writable, and look whether the disk is full",
            Self::Damaged {
                problem: Damage::Newer(_),
                ..
            } => "update Callboard",
            Self::Damaged { .. } => {
                "mend the file, or take it away and install its plugins once more"
            }
        }
    }
}

impl Lock {
    /// Reads a lock; a file that is not there is an empty one.
    ///
    /// # Errors
    ///
    /// When there is a file that cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|problem| LockError::Damaged {
                path: path.to_owned(),
                problem,
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(LockError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Reads a lock's text.
    ///
    /// # Errors
    ///
    /// Names the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, Damage> {
        let document: Document =
            toml::from_str(text).map_err(|error| Damage::Toml(error.to_string().trim().into()))?;
        if let Some(format) = document.format.filter(|format| *format > FORMAT) {
            return Err(Damage::Newer(format));
        }
        let mut lock = Self {
            plugins: Vec::new(),
            remarks: Remarks::of(text),
        };
        for plugin in document.plugin {
            for content in [Some(&plugin.content), plugin.previous.as_ref()] {
                content.map_or(Ok(()), Locked::check)?;
            }
            if lock.get(&plugin.id).is_some() {
                return Err(Damage::Twice(plugin.id));
            }
            lock.set(plugin);
        }
        Ok(lock)
    }

    /// Returns the plugins by id.
    pub fn plugins(&self) -> &[LockedPlugin] {
        &self.plugins
    }

    /// Returns one plugin.
    pub fn get(&self, id: &str) -> Option<&LockedPlugin> {
        let place = self.place(id).ok()?;
        self.plugins.get(place)
    }

    /// Adds a plugin, in the place of the one with its id.
    pub fn set(&mut self, plugin: LockedPlugin) {
        match self.place(&plugin.id) {
            Ok(place) => self.plugins[place] = plugin,
            Err(place) => self.plugins.insert(place, plugin),
        }
    }

    /// Takes a plugin out.
    pub fn remove(&mut self, id: &str) -> Option<LockedPlugin> {
        let place = self.place(id).ok()?;
        Some(self.plugins.remove(place))
    }

    /// Tells whether a plugin's current or previous version lies in `folder`.
    pub fn names_folder(&self, folder: &str) -> bool {
        self.plugins.iter().any(|plugin| {
            plugin.content.folder == folder
                || (plugin.previous.as_ref()).is_some_and(|previous| previous.folder == folder)
        })
    }

    fn place(&self, id: &str) -> Result<usize, usize> {
        self.plugins
            .binary_search_by(|plugin| plugin.id.as_str().cmp(id))
    }

    /// Writes the lock in one stroke: whoever reads sees the old file or the new one, and so does the next start.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; the old one is as it was then.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let written = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("."));
            let mut file = tempfile::Builder::new()
                .prefix(".callboard.lock-")
                .tempfile_in(folder)?;
            file.write_all(self.to_text().as_bytes())?;
            readable_by_others(file.as_file())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            sync_folder(folder)
        };
        written().map_err(|source| LockError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Returns the lock as text: always the same order, and people's remarks where they were.
    pub fn to_text(&self) -> String {
        let mut text = match self.remarks.heading.as_str() {
            "" => HEADING.to_owned(),
            heading => heading.to_owned(),
        };
        text.push_str(&format!("\nformat = {FORMAT}\n"));
        for plugin in &self.plugins {
            text.push('\n');
            text.push_str(self.remarks.before(&plugin.id));
            text.push_str(TABLE);
            text.push('\n');
            let line = |key: &str, value: &str| {
                format!("{key} = {}\n", toml::Value::String(value.to_owned()))
            };
            let content = |content: &Locked| {
                let Locked {
                    version,
                    hash,
                    source,
                    folder,
                } = content;
                line("version", version)
                    + &line("hash", hash)
                    + &line("source", source)
                    + &line("folder", folder)
            };
            text.push_str(&line("id", &plugin.id));
            text.push_str(&content(&plugin.content));
            if let Some(previous) = &plugin.previous {
                text.push_str("[plugin.previous]\n");
                text.push_str(&content(previous));
            }
        }
        text
    }
}

impl Locked {
    fn check(&self) -> Result<(), Damage> {
        let is_name = !self.folder.is_empty()
            && !self.folder.starts_with('.')
            && !self.folder.contains(['/', '\\', ':', '\0']);
        if !is_name {
            return Err(Damage::Folder(self.folder.clone()));
        }
        let digits = self.hash.strip_prefix("sha256:").unwrap_or_default();
        let is_hash = digits.len() == 64
            && (digits.bytes()).all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !is_hash {
            return Err(Damage::Hash(self.hash.clone()));
        }
        Ok(())
    }
}

/// A studio may share its plugin folder, and temporary files are closed to others.
#[cfg(unix)]
fn readable_by_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_others(_: &File) -> io::Result<()> {
    Ok(())
}

/// The comments of a lock: those at its top, and those right above a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Remarks {
    heading: String,
    above: Vec<(String, String)>,
}

impl Remarks {
    fn of(text: &str) -> Self {
        let mut remarks = Self::default();
        // The comment lines that were read last, and whether they may still be the heading.
        let mut pending = String::new();
        let mut in_heading = true;
        let mut above = None;
        for line in text.lines().map(str::trim) {
            if line.starts_with('#') {
                pending.push_str(line);
                pending.push('\n');
                continue;
            }
            if line == TABLE {
                above = Some(std::mem::take(&mut pending));
            } else if in_heading {
                remarks.heading.push_str(&std::mem::take(&mut pending));
            }
            in_heading &= line.is_empty();
            pending.clear();
            let id = line
                .strip_prefix("id = \"")
                .and_then(|rest| rest.strip_suffix('"'));
            if let Some(id) = id
                && let Some(text) = above.take()
            {
                remarks.above.push((id.to_owned(), text));
            }
        }
        remarks
    }

    fn before(&self, id: &str) -> &str {
        let found = self.above.iter().find(|(of, _)| of == id);
        found.map_or("", |(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(id: &str, version: &str) -> LockedPlugin {
        LockedPlugin {
            id: id.to_owned(),
            content: Locked {
                version: version.to_owned(),
                hash: format!("sha256:{}", "0".repeat(64)),
                source: format!("https://studio.example/{id}.zip"),
                folder: format!("{id}-{version}"),
            },
            previous: None,
        }
    }

    #[test]
    fn a_lock_is_read_as_it_was_written_and_sorted() {
        let mut lock = Lock::default();
        lock.set(plugin("b", "1.0.0"));
        lock.set(plugin("a", "2.0.0"));
        let mut newer = plugin("b", "1.1.0");
        newer.previous = Some(plugin("b", "1.0.0").content);
        lock.set(newer);
        let text = lock.to_text();
        assert!(text.find("\"a\"") < text.find("\"b\""), "{text}");
        let read = Lock::parse(&text).unwrap();
        assert_eq!(read.plugins(), lock.plugins());
        assert_eq!(read.to_text(), text);
        assert!(read.names_folder("b-1.0.0") && !read.names_folder("b-0.9.0"));
    }

    #[test]
    fn remarks_stay_with_their_plugin() {
        let mut lock = Lock::default();
        lock.set(plugin("b", "1.0.0"));
        let text = lock
            .to_text()
            .replace(HEADING, "# Ours.\n")
            .replace(TABLE, "# Asked for by lighting.\n[[plugin]]");
        let mut read = Lock::parse(&text).unwrap();
        assert_eq!(read.to_text(), text);
        read.set(plugin("a", "1.0.0"));
        let text = read.to_text();
        assert!(text.starts_with("# Ours.\n\nformat = 1\n"), "{text}");
        assert!(
            text.contains("# Asked for by lighting.\n[[plugin]]\nid = \"b\""),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_lock_is_named() {
        let good = {
            let mut lock = Lock::default();
            lock.set(plugin("a", "1"));
            lock.to_text()
        };
        for (from, to, expected) in [
            ("format = 1", "format = 2", "its format is 2"),
            ("\"a-1\"", "\"../a\"", "`../a` is no name"),
            ("sha256:00", "sha256:xx", "is no hash"),
            ("id = ", "ident = ", "missing field `id`"),
        ] {
            let problem = Lock::parse(&good.replace(from, to)).unwrap_err();
            assert!(problem.to_string().contains(expected), "{problem}");
        }
        let twice = format!("{good}{}", &good[good.find(TABLE).unwrap()..]);
        let problem = Lock::parse(&twice).unwrap_err();
        assert!(matches!(problem, Damage::Twice(_)), "{problem}");
    }

    #[test]
    fn a_lock_that_is_not_there_is_empty_and_one_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callboard.lock");
        let mut lock = Lock::read(&path).unwrap();
        assert_eq!(lock, Lock::default());
        lock.set(plugin("a", "1"));
        lock.write(&path).unwrap();
        lock.set(plugin("b", "1"));
        lock.write(&path).unwrap();
        assert_eq!(Lock::read(&path).unwrap().plugins(), lock.plugins());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
