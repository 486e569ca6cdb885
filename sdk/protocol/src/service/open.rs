//! The `open` service: files, folders and links, where the person is.

use serde::{Deserialize, Serialize};

/// Opens something with the program that the person uses for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The absolute path of a file or a folder that is there, or a link that begins with `https:`, `http:` or `mailto:`.
    pub target: String,
}
