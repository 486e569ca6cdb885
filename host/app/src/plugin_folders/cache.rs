//! What was found at earlier starts, so that a start waits for no place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::found::Scanned;
use super::kept_file::{self, Durable};

/// Changes with the form of what is kept; another form is thrown away.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    places: BTreeMap<PathBuf, Scanned>,
}

/// Reads what is known of places; nothing where the file is missing, broken or of another form.
pub(super) fn read(path: &Path) -> BTreeMap<PathBuf, Scanned> {
    kept_file::read::<Kept>(path)
        .filter(|kept| kept.format == FORMAT)
        .map(|kept| kept.places)
        .unwrap_or_default()
}

/// Writes what is known of places. A file that cannot be written costs the next start time and nothing else.
pub(super) fn write(path: &Path, places: BTreeMap<PathBuf, Scanned>) {
    let kept = Kept {
        format: FORMAT,
        places,
    };
    if let Err(error) = kept_file::write(path, &kept, Durable::No) {
        tracing::warn!(%error, path = %path.display(), "what was found of plugins is not kept");
    }
}
