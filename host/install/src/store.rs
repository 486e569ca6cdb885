//! The folder that plugins are installed in, and the swap from one version to another.
//!
//! ```text
//! callboard.lock            which version of each plugin is meant
//! hello-1.1.0/              a plugin's folder
//! hello-1.0.0/              the version before it, for a rollback
//! .install/guard            held by the one command that changes something
//! .install/files/NAME       what was installed in the folder NAME, as `sha256sum` writes it
//! .install/incoming-…/      what is being unpacked
//! .install/outgoing-…/      what is being deleted
//! .install/downloads/       what is being fetched
//! ```
//!
//! A new version gets a folder of its own beside the old one; which one is meant changes with the rename that replaces
//! the lock. So a kill at any point leaves the old version or the new one, and jobs of the old one keep their files.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::durable::{sync_folder, sync_tree};
use crate::file_list::{FileList, FileListError, hash_of_text};
use crate::lock::{Lock, LockError, Locked, LockedPlugin};

/// The lock's name in the folder.
pub const LOCK_FILE: &str = "callboard.lock";

const OWN_FOLDER: &str = ".install";

/// What is unpacked, in an incoming folder.
const CONTENT_FOLDER: &str = "content";

/// How often a waiting command looks whether the other one has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// The folder that plugins are installed in.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// The right to change the folder, which one command has at a time.
#[derive(Debug)]
pub struct Changing {
    store: Store,
    /// The lock, as it is on disk.
    lock: Lock,
    left_over: Vec<StoreError>,
    /// Closing it gives the right back, whatever ends the process.
    _guard: File,
}

/// A new folder that nobody else knows yet; gone with this value.
#[derive(Debug)]
pub struct Incoming {
    folder: tempfile::TempDir,
}

/// Why the folder could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another command changes it.
    #[error("another command has been changing the plugins for {waited_secs} seconds")]
    Busy {
        /// How long this one waited.
        waited_secs: u64,
    },
    /// The system says no.
    #[error("could not change `{}`", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder with this name is there, and no command of this program made it.
    #[error("there is a folder `{}` that was not installed", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// No such plugin was installed.
    #[error("no plugin `{id}` is installed")]
    NotInstalled {
        /// The plugin.
        id: String,
    },
    /// There is no version to go back to.
    #[error("there is no version of `{id}` before `{version}`")]
    NoPrevious {
        /// The plugin.
        id: String,
        /// Its version.
        version: String,
    },
    /// The version to go back to is not what it was.
    #[error("version `{version}` of `{id}` is damaged, so there is no going back to it")]
    PreviousDamaged {
        /// The plugin.
        id: String,
        /// The version.
        version: String,
    },
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A folder's files.
    #[error(transparent)]
    Files(#[from] FileListError),
}

impl StoreError {
    /// Returns what can be done.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "try again when it has ended",
            Self::Folder { .. } => "make the folder writable, and look whether the disk is full",
            Self::Taken { .. } => "move it away, and install again",
            Self::NotInstalled { .. } => "look at `callboard plugins list`",
            Self::NoPrevious { .. } => "install the version that you want, with `--downgrade`",
            Self::PreviousDamaged { .. } => {
                "install that version from its archive, with `--downgrade`"
            }
            Self::Lock(error) => error.hint(),
            Self::Files(_) => "make its files readable, or install it once more",
        }
    }

    fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Folder {
            path: path.to_owned(),
            source,
        }
    }
}

impl Store {
    /// Names the folder; it need not be there.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the lock's path.
    pub fn lock_file(&self) -> PathBuf {
        self.folder.join(LOCK_FILE)
    }

    /// Returns the folder for what is being fetched.
    pub fn downloads(&self) -> PathBuf {
        self.own("downloads")
    }

    /// Returns the path of an installed version.
    pub fn path(&self, content: &Locked) -> PathBuf {
        self.folder.join(&content.folder)
    }

    /// Returns what was installed in a version's folder; none when that was not kept or is not what the lock says.
    pub fn installed_files(&self, content: &Locked) -> Option<FileList> {
        let text = fs::read_to_string(self.own("files").join(&content.folder)).ok()?;
        (hash_of_text(&text) == content.hash).then(|| FileList::from_text(&text))?
    }

    /// Tells whether a version is there, file by file.
    pub fn is_intact(&self, content: &Locked) -> bool {
        let found = FileList::of_folder(&self.path(content));
        found.is_ok_and(|found| found.hash() == content.hash)
    }

    /// Waits for the right to change the folder, and tidies up what an earlier command left when it was killed.
    ///
    /// # Errors
    ///
    /// When another command has it for longer than `wait`, or the folder cannot be written.
    pub fn change(&self, wait: Duration) -> Result<Changing, StoreError> {
        let own = self.own("");
        fs::create_dir_all(&own).map_err(StoreError::folder(&own))?;
        let path = self.own("guard");
        let guard = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(StoreError::folder(&path))?;
        let began = Instant::now();
        loop {
            match guard.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < wait => {
                    // A lock calls nobody back, and waiting in the system for it has no deadline.
                    thread::park_timeout(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Busy {
                        waited_secs: wait.as_secs(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(StoreError::folder(&path)(error)),
            }
        }
        let mut changing = Changing {
            store: self.clone(),
            lock: Lock::read(&self.lock_file())?,
            left_over: Vec::new(),
            _guard: guard,
        };
        changing.tidy_up()?;
        Ok(changing)
    }

    fn own(&self, name: &str) -> PathBuf {
        self.folder.join(OWN_FOLDER).join(name)
    }
}

impl Incoming {
    /// Returns the folder to unpack into.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(CONTENT_FOLDER)
    }
}

impl Changing {
    /// Returns the lock as it is.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Returns what could not be deleted. It harms nobody, and the next command tries again.
    pub fn left_over(&self) -> &[StoreError] {
        &self.left_over
    }

    /// Returns the folder that is changed.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Makes an empty folder to unpack into, on the file system that it will be renamed in.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn incoming(&self) -> Result<Incoming, StoreError> {
        let own = self.store.own("");
        let made = || {
            let folder = tempfile::Builder::new()
                .prefix("incoming-")
                .tempdir_in(&own)?;
            fs::create_dir(folder.path().join(CONTENT_FOLDER))?;
            Ok(folder)
        };
        let folder = made().map_err(StoreError::folder(&own))?;
        Ok(Incoming { folder })
    }

    /// Swaps in `root`, a folder in `incoming` whose files are `files`. The version before it is kept, the one before
    /// that is deleted.
    ///
    /// `name` is the folder's name where it is free: a version whose content was replaced lies beside its former self.
    ///
    /// # Errors
    ///
    /// When something could not be written; what was installed before is as it was then.
    pub fn commit(
        &mut self,
        incoming: Incoming,
        root: &Path,
        files: &FileList,
        installed: Installed<'_>,
    ) -> Result<Locked, StoreError> {
        let content = Locked {
            version: installed.version.to_owned(),
            hash: files.hash(),
            source: installed.source.to_owned(),
            folder: self.free_folder(installed.name, installed.id)?,
        };
        let target = self.store.path(&content);
        // The list says that the folder is ours: a kill between the two renames leaves one without an entry in the lock.
        self.keep_list(&content.folder, files)?;
        let store = &self.store.folder;
        sync_tree(incoming.folder.path()).map_err(StoreError::folder(store))?;
        fs::rename(root, &target).map_err(StoreError::folder(&target))?;
        sync_folder(store).map_err(StoreError::folder(store))?;
        let before = self.lock.get(installed.id).cloned();
        let plugin = LockedPlugin {
            id: installed.id.to_owned(),
            content: content.clone(),
            previous: match &before {
                // The same once more mends a damaged folder, which nobody wants to go back to.
                Some(before) if before.content.hash == content.hash => before.previous.clone(),
                before => before.as_ref().map(|before| before.content.clone()),
            },
        };
        self.write(|lock| lock.set(plugin))?;
        before
            .into_iter()
            .for_each(|before| self.discard_unnamed(&before));
        Ok(content)
    }

    /// Goes back to the version before. The one that was meant until now becomes the one to go back to.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not what it was.
    pub fn roll_back(&mut self, id: &str) -> Result<LockedPlugin, StoreError> {
        let plugin = self.installed(id)?;
        let version = plugin.content.version.clone();
        let previous = plugin.previous.ok_or_else(|| StoreError::NoPrevious {
            id: id.to_owned(),
            version,
        })?;
        if !self.store.is_intact(&previous) {
            return Err(StoreError::PreviousDamaged {
                id: id.to_owned(),
                version: previous.version,
            });
        }
        let plugin = LockedPlugin {
            content: previous,
            previous: Some(plugin.content),
            ..plugin
        };
        self.write(|lock| lock.set(plugin.clone()))?;
        Ok(plugin)
    }

    /// Takes a plugin away, with the version before it.
    ///
    /// # Errors
    ///
    /// When it was not installed, or cannot be deleted; it is not meant any more then.
    pub fn remove(&mut self, id: &str) -> Result<LockedPlugin, StoreError> {
        let plugin = self.installed(id)?;
        self.write(|lock| {
            lock.remove(id);
        })?;
        self.discard_unnamed(&plugin);
        Ok(plugin)
    }

    fn installed(&self, id: &str) -> Result<LockedPlugin, StoreError> {
        self.lock
            .get(id)
            .cloned()
            .ok_or_else(|| StoreError::NotInstalled { id: id.to_owned() })
    }

    fn write(&mut self, change: impl FnOnce(&mut Lock)) -> Result<(), StoreError> {
        let mut lock = self.lock.clone();
        change(&mut lock);
        lock.write(&self.store.lock_file())?;
        self.lock = lock;
        Ok(())
    }

    /// Returns a name for a new folder: `name`, or one beside it where that is the plugin's own already.
    fn free_folder(&self, name: &str, id: &str) -> Result<String, StoreError> {
        let is_own = |folder: &str| {
            let plugin = self.lock.get(id);
            plugin.is_some_and(|plugin| {
                plugin.content.folder == folder
                    || (plugin.previous.as_ref()).is_some_and(|content| content.folder == folder)
            })
        };
        let mut folder = name.to_owned();
        let mut number = 1;
        loop {
            let path = self.store.folder.join(&folder);
            let is_free = !self.lock.names_folder(&folder) && fs::symlink_metadata(&path).is_err();
            if is_free {
                return Ok(folder);
            }
            if !is_own(&folder) {
                return Err(StoreError::Taken { path });
            }
            number += 1;
            folder = format!("{name}+{number}");
        }
    }

    fn keep_list(&self, folder: &str, files: &FileList) -> Result<(), StoreError> {
        let lists = self.store.own("files");
        fs::create_dir_all(&lists).map_err(StoreError::folder(&lists))?;
        let path = lists.join(folder);
        fs::write(&path, files.to_text()).map_err(StoreError::folder(&path))
    }

    /// Undoes what earlier commands began and did not write into the lock, and deletes what they left.
    fn tidy_up(&mut self) -> Result<(), StoreError> {
        for name in names(&self.store.own(""))? {
            if name.starts_with("incoming-") || name.starts_with("outgoing-") {
                let deleted = delete(&self.store.own(&name));
                self.left_over.extend(deleted.err());
            }
        }
        for folder in names(&self.store.own("files"))? {
            if self.lock.names_folder(&folder) {
                continue;
            }
            let text = fs::read_to_string(self.store.own("files").join(&folder));
            let files = text.ok().and_then(|text| FileList::from_text(&text));
            let found = FileList::of_folder(&self.store.folder.join(&folder)).ok();
            if files == found {
                self.discard(&folder);
            } else {
                // Somebody has put another folder there since.
                self.forget(&folder);
            }
        }
        Ok(())
    }

    /// Deletes the folders of a plugin's versions that the lock does not name any more.
    fn discard_unnamed(&mut self, plugin: &LockedPlugin) {
        for content in [Some(&plugin.content), plugin.previous.as_ref()] {
            if let Some(content) = content
                && !self.lock.names_folder(&content.folder)
            {
                self.discard(&content.folder);
            }
        }
    }

    /// Deletes a version's folder: first out of sight with one rename, then file by file.
    fn discard(&mut self, folder: &str) {
        let path = self.store.folder.join(folder);
        let own = self.store.own("");
        let renamed = || {
            let outgoing = tempfile::Builder::new()
                .prefix("outgoing-")
                .tempdir_in(&own)?
                .keep();
            match fs::rename(&path, outgoing.join(CONTENT_FOLDER)) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(outgoing),
            }
        };
        match renamed() {
            Ok(outgoing) => {
                self.forget(folder);
                self.left_over.extend(delete(&outgoing).err());
            }
            Err(error) => self.left_over.push(StoreError::folder(&path)(error)),
        }
    }

    /// Deletes the list of what was installed in a folder.
    fn forget(&mut self, folder: &str) {
        let list = self.store.own("files").join(folder);
        match fs::remove_file(&list) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                self.left_over.push(StoreError::folder(&list)(error));
            }
            _ => {}
        }
    }
}

/// What is installed.
#[derive(Clone, Copy, Debug)]
pub struct Installed<'a> {
    /// The plugin's id.
    pub id: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Where it came from.
    pub source: &'a str,
    /// What its folder is to be called.
    pub name: &'a str,
}

/// Returns the names of what is in a folder; nothing when it is not there.
fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::folder(folder)(error)),
    };
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()
        .map_err(StoreError::folder(folder))
}

fn delete(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::folder(path)(error)),
        _ => Ok(()),
    }
}
