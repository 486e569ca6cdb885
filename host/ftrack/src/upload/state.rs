//! What of an upload outlives its process: the plan, and the parts that are over.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::source::{FileStamp, PartRange};

/// Why something could not be kept.
pub type LedgerError = Box<dyn std::error::Error + Send + Sync>;

/// Where an upload keeps what it needs to go on after a crash.
///
/// A part counts as sent once its record is kept, so a crash costs the parts that were under way and no more. `()`
/// keeps nothing.
pub trait UploadLedger: Send + Sync {
    /// Keeps a record, after those kept before.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being kept ends the upload; it can be resumed.
    fn keep<'a>(&'a self, record: &'a UploadRecord) -> BoxFuture<'a, Result<(), LedgerError>>;
}

impl UploadLedger for () {
    fn keep<'a>(&'a self, _: &'a UploadRecord) -> BoxFuture<'a, Result<(), LedgerError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Something that happened to an upload. Their row, in order, is its [`UploadState`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UploadRecord {
    /// The server has opened an upload. What was known of an earlier one is void.
    Begun(UploadPlan),
    /// The server gave new addresses for the same upload.
    Renewed(Vec<PartUrl>),
    /// A part is over.
    Sent(SentPart),
    /// The file is there.
    Completed,
}

/// An upload in parts that the server has opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadPlan {
    /// The component that the file belongs to.
    pub component_id: String,
    /// What the server was told as the file's name.
    pub file_name: String,
    /// What the file is known again by.
    pub file: FileStamp,
    /// What the server calls the upload.
    pub upload_id: String,
    /// The size of all parts but the last.
    pub part_bytes: u64,
    /// Where each part goes.
    pub urls: Vec<PartUrl>,
}

/// Where a part goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartUrl {
    /// The part's number, from 1 on.
    pub part_number: u32,
    /// The address, which is also the permission to send there.
    pub signed_url: String,
}

impl fmt::Debug for PartUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {}", self.part_number)
    }
}

/// A part that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentPart {
    /// Its number, from 1 on.
    pub part_number: u32,
    /// What the storage calls it, without quotes.
    pub e_tag: String,
    /// The MD5 of what was sent, in hexadecimal digits.
    pub md5: String,
    /// How large it is.
    pub size_bytes: u64,
}

/// An upload in parts, as far as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    /// What was agreed with the server.
    pub plan: UploadPlan,
    /// The parts that are over, by number.
    pub sent: BTreeMap<u32, SentPart>,
    /// Whether the file is there.
    pub is_completed: bool,
}

impl UploadState {
    /// Begins with a plan.
    pub fn new(plan: UploadPlan) -> Self {
        Self {
            plan,
            sent: BTreeMap::new(),
            is_completed: false,
        }
    }

    /// Puts together what a ledger kept; `None` if the server had not yet opened an upload.
    pub fn from_records(records: impl IntoIterator<Item = UploadRecord>) -> Option<Self> {
        let mut state: Option<Self> = None;
        for record in records {
            match (record, &mut state) {
                (UploadRecord::Begun(plan), _) => state = Some(Self::new(plan)),
                (record, Some(state)) => state.add(record),
                (_, None) => {}
            }
        }
        state
    }

    /// Adds what happened next.
    pub fn add(&mut self, record: UploadRecord) {
        match record {
            UploadRecord::Begun(plan) => *self = Self::new(plan),
            UploadRecord::Renewed(urls) => self.plan.urls = urls,
            UploadRecord::Sent(part) => {
                self.sent.insert(part.part_number, part);
            }
            UploadRecord::Completed => self.is_completed = true,
        }
    }

    /// Returns how many bytes are over.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.values().map(|part| part.size_bytes).sum()
    }

    /// Returns the parts that are still to be sent.
    pub(super) fn missing(&self) -> Vec<(PartUrl, PartRange)> {
        let all = self.plan.urls.iter();
        let missing = all.filter(|url| !self.sent.contains_key(&url.part_number));
        missing
            .map(|url| (url.clone(), self.plan.range(url.part_number)))
            .collect()
    }
}

impl UploadPlan {
    fn range(&self, part_number: u32) -> PartRange {
        let size = self.file.size_bytes;
        let offset = (u64::from(part_number.saturating_sub(1)) * self.part_bytes).min(size);
        PartRange {
            offset,
            length: self.part_bytes.min(size - offset),
        }
    }
}

/// Returns the size of parts and their number, with the sizes that the official JavaScript client uses, unless
/// another is wanted; `None` for a file that is better sent whole.
pub(super) fn parts(size_bytes: u64, wanted: Option<u64>) -> Option<(u64, u64)> {
    const MIB: u64 = 1024 * 1024;
    const GIB: u64 = 1024 * MIB;
    /// No storage takes more.
    const MOST_PARTS: u64 = 10_000;
    let usual = match size_bytes {
        ..=134_217_728 => 8 * MIB,
        size if size <= GIB => 16 * MIB,
        size if size <= 8 * GIB => 32 * MIB,
        size if size <= 64 * GIB => 64 * MIB,
        _ => 128 * MIB,
    };
    let part = wanted.unwrap_or(usual).max(1);
    let part = part.max(size_bytes.div_ceil(MOST_PARTS));
    let count = size_bytes.div_ceil(part);
    (count > 2).then_some((part, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_sizes_of_the_official_client() {
        const MIB: u64 = 1024 * 1024;
        for (size, wanted, expected) in [
            (0, None, None),
            (16 * MIB, None, None),
            (16 * MIB + 1, None, Some((8 * MIB, 3))),
            (128 * MIB, None, Some((8 * MIB, 16))),
            (1024 * MIB, None, Some((16 * MIB, 64))),
            (2048 * MIB, None, Some((32 * MIB, 64))),
            (10 * 1024 * 1024 * MIB, None, Some((1_099_511_628, 10_000))),
            (10, Some(4), Some((4, 3))),
            (10, Some(0), Some((1, 10))),
        ] {
            assert_eq!(parts(size, wanted), expected, "{size}");
        }
    }

    #[test]
    fn records_are_the_state_and_a_new_beginning_voids_the_old() {
        let url = |part_number| PartUrl {
            part_number,
            signed_url: "http://s/secret".to_owned(),
        };
        let plan = UploadPlan {
            component_id: "c".to_owned(),
            file_name: "a.mov".to_owned(),
            file: FileStamp {
                size_bytes: 10,
                modified: None,
            },
            upload_id: "u1".to_owned(),
            part_bytes: 4,
            urls: vec![url(1), url(2), url(3)],
        };
        let sent = |part_number| {
            UploadRecord::Sent(SentPart {
                part_number,
                e_tag: "e".to_owned(),
                md5: "m".to_owned(),
                size_bytes: 4,
            })
        };
        assert_eq!(UploadState::from_records([sent(1)]), None);
        let records = [UploadRecord::Begun(plan.clone()), sent(2), sent(2)];
        let state = UploadState::from_records(records.clone()).unwrap();
        assert_eq!(state.sent_bytes(), 4);
        let ranges: Vec<_> = state
            .missing()
            .into_iter()
            .map(|(_, range)| range)
            .collect();
        let range = |offset, length| PartRange { offset, length };
        assert_eq!(ranges, [range(0, 4), range(8, 2)]);
        let again = records.into_iter().chain([UploadRecord::Begun(plan)]);
        assert!(UploadState::from_records(again).unwrap().sent.is_empty());
        assert!(!format!("{state:?}").contains("secret"));
        let kept = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<UploadState>(&kept).unwrap(), state);
    }
}
