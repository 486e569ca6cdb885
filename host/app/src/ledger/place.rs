//! Where the ledger lies: a folder of this machine's own, on a disk of its own.
//!
//! Studios have network homes that several machines share, and SQLite's write-ahead log is not safe there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::home::{Home, user_id};
use crate::settings::LedgerSettings;

/// The folder of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder; it belongs to this machine and this user alone.
    pub(crate) folder: PathBuf,
    /// Where it would have been, had that not been a network file system.
    pub(crate) instead_of: Option<PathBuf>,
}

impl Place {
    /// Finds the place below `base`, or on a local disk where `base` is on a network file system, and makes the folder.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub(crate) fn find(base: &Path) -> io::Result<Self> {
        let machine = machine_name();
        let wanted = base.join("ledger").join(&machine);
        make_private(&wanted)?;
        if !is_on_network(&wanted) {
            return Ok(Self {
                folder: wanted,
                instead_of: None,
            });
        }
        let local = PathBuf::from(format!("/var/tmp/callboard-{}", user_id()));
        make_private(&local)?;
        check_owner(&local)?;
        let name = hex_of(wanted.as_os_str().as_encoded_bytes());
        let folder = local.join("ledger").join(format!("{machine}-{name}"));
        make_private(&folder)?;
        Ok(Self {
            folder,
            instead_of: Some(wanted),
        })
    }

    /// Finds the place that the settings ask for, or the usual one.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub(crate) fn of(home: &Home, settings: &LedgerSettings) -> io::Result<Self> {
        Self::find(&wanted(home, settings))
    }

    /// Returns the database's file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("ledger.sqlite")
    }
}

/// Returns the folder that the settings ask for, or the usual one.
pub(crate) fn wanted(home: &Home, settings: &LedgerSettings) -> PathBuf {
    match (settings.folder.as_path(), &home.profile) {
        (folder, _) if folder.as_os_str().is_empty() => home.data.clone(),
        (folder, None) => folder.to_owned(),
        (folder, Some(profile)) => folder.join("profiles").join(&profile.name),
    }
}

/// Returns a name that no other machine has: hashed, because a machine's id is nobody else's business.
fn machine_name() -> String {
    let id = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|file| fs::read_to_string(file).ok())
        .filter(|id| !id.trim().is_empty());
    match id {
        Some(id) => hex_of(id.trim().as_bytes()),
        None => host_name(),
    }
}

#[cfg(unix)]
fn host_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let kept = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    name.chars().filter(|letter| kept(*letter)).collect()
}

#[cfg(not(unix))]
fn host_name() -> String {
    "machine".into()
}

fn hex_of(bytes: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    hash.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Refuses a folder in a public place that another user made first.
#[cfg(unix)]
fn check_owner(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::symlink_metadata(folder)?;
    if metadata.is_dir() && metadata.uid() == user_id() && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("`{}` does not belong to this user alone", folder.display()),
    ))
}

#[cfg(not(unix))]
fn check_owner(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Tells whether a folder lies on a file system of another machine.
#[cfg(target_os = "linux")]
pub(crate) fn is_on_network(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|found| is_network_magic(found.f_type as u64))
}

/// Elsewhere there is no list of magic numbers to go by.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_on_network(_: &Path) -> bool {
    false
}

/// Tells file systems of other machines by the magic numbers of `statfs(2)`.
#[cfg(target_os = "linux")]
fn is_network_magic(magic: u64) -> bool {
    const NETWORK: [u64; 12] = [
        0x6969,      // NFS
        0x517b,      // SMB
        0xfe53_4d42, // SMB2
        0xff53_4d42, // CIFS
        0x5346_414f, // AFS
        0x0102_1997, // 9P
        0x6573_5546, // FUSE: sshfs and many a cluster's client; a local one loses nothing but its place
        0x0bd0_0bd0, // Lustre
        0x4750_4653, // GPFS
        0x1983_0326, // BeeGFS
        0x00c3_6400, // Ceph
        0xaad7_aaea, // PanFS
    ];
    NETWORK.contains(&(magic & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_folder_is_used_as_it_is_and_closed_to_others() {
        let base = tempfile::tempdir().unwrap();
        let place = Place::find(base.path()).unwrap();
        assert!(place.folder.starts_with(base.path()));
        assert_eq!(place.instead_of, None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            assert_eq!(fs::metadata(&place.folder).unwrap().mode() & 0o777, 0o700);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_file_systems_are_told_by_their_magic_number() {
        assert!(is_network_magic(0x6969));
        assert!(is_network_magic(0xffff_ffff_ff53_4d42));
        assert!(!is_network_magic(0xef53), "ext4");
        assert!(!is_network_magic(0x5846_5342), "XFS");
    }
}
