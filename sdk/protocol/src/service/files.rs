//! Files: bytes never travel in messages, they lie in the job's folder.

use serde::{Deserialize, Serialize};

/// The folder of a job: its plugin may read and write there, and it goes when the job is forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFolder {
    /// Its absolute path.
    pub path: String,
}

/// A file that the host has fetched into the job's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedFile {
    /// Its absolute path.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// A name of a hash and its hexadecimal digits: `md5:9e107d9d…` or `sha256:d7a8fbb3…`.
    pub checksum: String,
}
