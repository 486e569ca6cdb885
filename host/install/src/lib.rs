//! Brings plugins onto a machine: archives, signatures, the lock file and the swap from one version to another.
//!
//! What comes from outside is unpacked beside what is there, looked at, and swapped in with one rename; whatever
//! happens on the way, the machine has the old version or the new one.
//! This crate must never know the engine, manifests, settings, or who asks: it is given folders and limits.
//!
//! Read first: [`Store`], the folder that plugins are installed in; [`Lock`], which says what is meant to be there; and
//! [`unpack_archive`], which takes nothing but plain files.
#![warn(missing_docs)]

mod archive;
mod download;
mod durable;
mod entry_path;
mod file_list;
mod limits;
mod lock;
mod signature;
mod store;
mod unpack;
mod version;

pub use archive::{Format, copy_folder, unpack_archive};
pub use download::{DownloadError, Downloaded, Way, download, is_url};
pub use entry_path::{EntryPath, PathProblem};
pub use file_list::{Difference, FOLDER_SIGNATURE, FileList, FileListError, sha256_of_file};
pub use limits::Limits;
pub use lock::{Damage, Lock, LockError, Locked, LockedPlugin};
pub use signature::{KeyError, PrivateKey, PublicKey, Signature, SignatureError, Signed};
pub use store::{Changing, Incoming, Installed, LOCK_FILE, Store, StoreError};
pub use unpack::UnpackError;
pub use version::compare_versions;
