//! A plugin that is unpacked and looked at, and not installed yet.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use callboard_protocol::{Failure, FailureKind, Manifest};
use install::{
    Changing, FOLDER_SIGNATURE, FileList, Format, Incoming, PublicKey, Signature, SignatureError,
    Signed, UnpackError, compare_versions, copy_folder, sha256_of_file, unpack_archive,
};

use super::inspect::{inspect, is_ours, is_plugin_folder};
use super::source::{Obtained, failure_from_signature, name_of};
use super::{Terms, failure, failure_from_store};

/// A plugin that is unpacked and fits this host.
pub(in super::super) struct Prepared {
    pub(in super::super) id: String,
    pub(in super::super) version: String,
    /// What its folder is to be called.
    pub(in super::super) name: String,
    pub(in super::super) manifest: Manifest,
    pub(in super::super) signed_by: Option<PublicKey>,
    pub(in super::super) files: FileList,
    pub(in super::super) incoming: Incoming,
    /// Its folder, in `incoming`.
    pub(in super::super) root: PathBuf,
}

/// What installing would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Change {
    /// Nothing: it is there.
    None,
    /// It is new.
    New,
    /// It is there and damaged.
    Mended,
    /// It is there with other content.
    Replaced,
    /// It is newer.
    Updated {
        /// The version that is there.
        from: String,
    },
    /// It is older.
    Downgraded {
        /// The version that is there.
        from: String,
    },
}

impl Change {
    /// Returns its name for a program.
    pub(in super::super) fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::New => "installed",
            Self::Mended => "mended",
            Self::Replaced => "replaced",
            Self::Updated { .. } => "updated",
            Self::Downgraded { .. } => "downgraded",
        }
    }

    /// Returns the version that was there before, where it was another.
    pub(in super::super) fn from(&self) -> Option<&str> {
        match self {
            Self::Updated { from } | Self::Downgraded { from } => Some(from),
            _ => None,
        }
    }
}

/// Unpacks and checks a plugin: its SHA-256 where one is given, its files, its signature, its manifest.
///
/// # Errors
///
/// Says what is wrong with it; nothing of it is left then.
pub(in super::super) fn prepare(
    changing: &Changing,
    obtained: &Obtained,
    sha256: Option<&str>,
    terms: &Terms,
) -> Result<Prepared, Failure> {
    let incoming = changing
        .incoming()
        .map_err(|error| failure_from_store(&error))?;
    let into = incoming.path();
    let (unpacked, shown, outside) = match obtained {
        Obtained::Folder(folder) => {
            if sha256.is_some() {
                return Err(
                    Failure::invalid("a folder has no SHA-256 as an archive has")
                        .hint("pack it, or leave `--sha256` out"),
                );
            }
            (copy_folder(folder, &into, &terms.limits), folder, None)
        }
        Obtained::Archive {
            path,
            name,
            signature,
            ..
        } => {
            let signed_by = check_archive(path, name, signature.as_ref(), sha256, terms)?;
            let unpacked = unpack_archive(path, name, &into, &terms.limits);
            (unpacked, path, signed_by)
        }
    };
    unpacked.map_err(|error| failure_from_unpack(&error))?;
    let (root, name) = plugin_root(&into, obtained, shown)?;
    let files = FileList::of_folder(&root)
        .map_err(|error| failure(FailureKind::Unavailable, &error, "try again"))?;
    let inside = check_folder(&root, &files, terms)?;
    let signed_by = outside.or(inside);
    if terms.requires_signature && signed_by.is_none() {
        let error = SignatureError::Missing {
            path: shown.clone(),
        };
        return Err(failure_from_signature(&error));
    }
    let manifest = inspect(&root, &name)?;
    let (id, version) = (manifest.id.to_string(), manifest.version.clone());
    Ok(Prepared {
        name: if is_ours(&root) {
            format!("{id}-{}", folder_name(&version))
        } else {
            name
        },
        id,
        version,
        manifest,
        signed_by,
        files,
        root,
        incoming,
    })
}

impl Prepared {
    /// Says what installing it would change.
    pub(in super::super) fn change(&self, changing: &Changing) -> Change {
        let Some(before) = changing.lock().get(&self.id).map(|plugin| &plugin.content) else {
            return Change::New;
        };
        let from = before.version.clone();
        match compare_versions(&self.version, &before.version) {
            Ordering::Less => Change::Downgraded { from },
            Ordering::Greater => Change::Updated { from },
            Ordering::Equal if before.hash != self.files.hash() => Change::Replaced,
            Ordering::Equal if changing.store().is_intact(before) => Change::None,
            Ordering::Equal => Change::Mended,
        }
    }
}

/// Checks an archive before it is opened.
fn check_archive(
    path: &Path,
    name: &str,
    signature: Option<&(Signature, PathBuf)>,
    expected: Option<&str>,
    terms: &Terms,
) -> Result<Option<PublicKey>, Failure> {
    if expected.is_none() && signature.is_none() {
        return Ok(None);
    }
    let sha256 = sha256_of_file(path).map_err(|error| {
        Failure::not_found(format!("could not read `{}`", path.display()))
            .caused_by(&error)
            .hint("check the path, and that you may read it")
    })?;
    let expected = expected.map(|expected| expected.trim().trim_start_matches("sha256:"));
    if let Some(expected) = expected
        && !expected.eq_ignore_ascii_case(&sha256)
    {
        return Err(Failure::denied(format!(
            "`{name}` is not what was asked for: its SHA-256 is `{sha256}`"
        ))
        .hint("compare it with what its maker says, and fetch it once more"));
    }
    let Some((signature, beside)) = signature else {
        return Ok(None);
    };
    let signed = Signed::Archive { sha256: &sha256 };
    trusted(signature.check(signed, &terms.trusted, beside), terms)
}

/// Checks the signature that a plugin brings along.
fn check_folder(
    root: &Path,
    files: &FileList,
    terms: &Terms,
) -> Result<Option<PublicKey>, Failure> {
    let path = root.join(FOLDER_SIGNATURE);
    let signature = Signature::read(&path).map_err(|error| failure_from_signature(&error))?;
    let Some(signature) = signature else {
        return Ok(None);
    };
    let hash = files.hash();
    let signed = Signed::Folder { hash: &hash };
    trusted(
        signature.check(signed, &terms.trusted, Path::new(FOLDER_SIGNATURE)),
        terms,
    )
}

/// A signature by a stranger is as good as none, which is enough where none is required.
fn trusted(
    checked: Result<PublicKey, SignatureError>,
    terms: &Terms,
) -> Result<Option<PublicKey>, Failure> {
    match checked {
        Ok(key) => Ok(Some(key)),
        Err(SignatureError::Untrusted { .. }) if !terms.requires_signature => Ok(None),
        Err(error) => Err(failure_from_signature(&error)),
    }
}

/// Finds the plugin in what was unpacked: all of it, or the one folder in it.
fn plugin_root(
    into: &Path,
    obtained: &Obtained,
    shown: &Path,
) -> Result<(PathBuf, String), Failure> {
    let outer = match obtained {
        Obtained::Folder(folder) => name_of(folder),
        Obtained::Archive { name, .. } => Format::stem(name).unwrap_or(name).to_owned(),
    };
    if is_plugin_folder(into) {
        return Ok((into.to_owned(), outer));
    }
    let entries = fs::read_dir(into).into_iter().flatten().flatten();
    let entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    match entries.as_slice() {
        [only] if is_plugin_folder(only) => {
            // As ftrack Connect does, the archive's name counts where it has a version.
            let inner = name_of(only);
            let has_version = outer.contains(|c: char| c.is_ascii_digit());
            Ok((only.clone(), if has_version { outer } else { inner }))
        }
        _ => Err(Failure::invalid(format!("there is no plugin in `{}`", shown.display()))
            .hint("pack a folder with a `plugin.toml`, with hooks of ftrack Connect in `hook`, or with a `manifest.json` of AYON's")),
    }
}

/// A version may hold what no folder's name should.
fn folder_name(version: &str) -> String {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || ".-+_".contains(c);
    version
        .chars()
        .map(|c| if is_fine(c) { c } else { '_' })
        .collect()
}

fn failure_from_unpack(error: &UnpackError) -> Failure {
    let kind = match error {
        UnpackError::Limit { .. } => FailureKind::Limit,
        UnpackError::Write { .. } => FailureKind::Unavailable,
        UnpackError::Read { .. } => FailureKind::NotFound,
        _ => FailureKind::Invalid,
    };
    failure(kind, error, error.hint())
}
