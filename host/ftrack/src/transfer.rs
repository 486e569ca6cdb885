//! What uploads and downloads have in common: progress, patience, and what the storage's answers mean.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use tokio::time::Instant;

use crate::config::Secret;
use crate::error::CallError;
use crate::event_hub::backoff::Backoff;
use crate::http::{self, Head};

/// How much of a file is in memory at a time, for each part under way.
pub(crate) const PIECE_BYTES: usize = 256 * 1024;

/// How much of what a storage says about a failure is read.
const MOST_WORDS: usize = 2000;

/// How far a transfer is. Whoever wants to know reads it as often as they like; nobody is called.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    done: AtomicU64,
    moved: AtomicU64,
}

impl Progress {
    /// Returns how many bytes the file has; 0 until that is known.
    pub fn total_bytes(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Returns how many of them are over, those of an earlier run included. It falls back when a part fails.
    pub fn done_bytes(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Returns how many bytes were moved, what was sent or fetched again included.
    pub fn moved_bytes(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    pub(crate) fn set_total(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_done(&self, bytes: u64) {
        self.done.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.moved.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn take_back(&self, bytes: u64) {
        self.done.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// How often and after which pauses something is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How many times it is tried in all.
    pub attempts: u32,
    /// The pause after the first failure. It doubles with each, and is shortened at random.
    pub first_pause: Duration,
    /// The longest pause, also when the server asks for a longer one.
    pub longest_pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// Counts failures and waits between attempts.
pub(crate) struct Trying {
    left: u32,
    longest: Duration,
    backoff: Backoff,
}

impl Retries {
    pub(crate) fn begin(&self) -> Trying {
        Trying {
            left: self.attempts.saturating_sub(1),
            longest: self.longest_pause,
            // Machines that lost the same server must not come back to it together.
            backoff: Backoff::new(
                self.first_pause,
                self.longest_pause,
                RandomState::new().hash_one(0),
            ),
        }
    }
}

impl Trying {
    /// Waits before the next attempt, and tells whether there is one.
    pub(crate) async fn again(&mut self, asked: Option<Duration>) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let own = self.backoff.next();
        let pause = asked.map_or(own, |asked| asked.max(own).min(self.longest));
        tokio::time::sleep_until(Instant::now() + pause).await;
        true
    }
}

/// Why the place where files lie did not take or give one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The address is no longer good, or nothing is there.
    #[error("the address is not valid any more (status {status}){}", words(said))]
    Gone {
        /// The HTTP status.
        status: u16,
        /// What it says about it.
        said: String,
    },
    /// What arrived is not what was sent.
    #[error("the file arrived damaged{}", words(said))]
    Damaged {
        /// What it says about it.
        said: String,
    },
    /// There is no room.
    #[error("the storage is full{}", words(said))]
    Full {
        /// What it says about it.
        said: String,
    },
    /// It is overloaded. Try again soon.
    #[error("the storage is busy (status {status}){}", words(said))]
    Busy {
        /// The HTTP status.
        status: u16,
        /// How long it wants to be left alone, if it says so.
        retry_after: Option<Duration>,
        /// What it says about it.
        said: String,
    },
    /// It points elsewhere.
    #[error("the storage points elsewhere")]
    Redirected {
        /// To there, which may be a permission to read.
        to: Secret<String>,
    },
    /// It refuses.
    #[error("the storage refused (status {status}){}", words(said))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says about it.
        said: String,
    },
    /// The connection did not come about, broke, or stood still.
    #[error(transparent)]
    Connection(CallError),
}

fn words(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

impl StorageError {
    /// Returns whether the same may succeed later with nothing changed here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Damaged { .. } => true,
            Self::Connection(error) => error.is_transient(),
            Self::Gone { .. }
            | Self::Full { .. }
            | Self::Redirected { .. }
            | Self::Refused { .. } => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::Gone { .. } => {
                "The place for the file at ftrack is not there any more.".to_owned()
            }
            Self::Damaged { .. } => "The file did not arrive as it was sent.".to_owned(),
            Self::Full { .. } => "There is no room for the file at ftrack.".to_owned(),
            Self::Busy { .. } => "ftrack's storage is busy.".to_owned(),
            Self::Redirected { .. } => "ftrack's storage points elsewhere.".to_owned(),
            Self::Refused { status, .. } => {
                format!("ftrack's storage did not take the file ({status}).")
            }
            Self::Connection(error) => error.sentence(),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Gone { .. } => "gone",
            Self::Damaged { .. } => "damaged",
            Self::Full { .. } => "full",
            Self::Busy { .. } => "server_busy",
            Self::Redirected { .. } => "redirected",
            Self::Refused { .. } => "refused",
            Self::Connection(error) => error.kind(),
        }
    }
}

/// Sends `request` and returns the head of a good answer. What moves is counted in `moved`; when nothing does for
/// `stall`, the request is given up.
pub(crate) async fn send(
    request: RequestBuilder,
    moved: &AtomicU64,
    stall: Duration,
) -> Result<Response, StorageError> {
    let response = unless_stalled(moved, stall, request.send()).await?;
    let response =
        response.map_err(|error| StorageError::Connection(http::failure(&error, stall)))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let head = Head::of(&response);
    if let (300..=399, Some(to)) = (status, head.location) {
        return Err(StorageError::Redirected {
            to: Secret::new(to),
        });
    }
    let retry_after = head.retry_after;
    let said = unless_stalled(moved, stall, what_it_says(response)).await?;
    Err(match status {
        403 | 404 | 410 => StorageError::Gone { status, said },
        // S3 calls it `BadDigest`, ftrack speaks of the checksum.
        400 | 409 | 412 | 422 if is_about_damage(&said) => StorageError::Damaged { said },
        507 => StorageError::Full { said },
        408 | 425 | 429 | 500..=599 => StorageError::Busy {
            status,
            retry_after,
            said,
        },
        _ => StorageError::Refused { status, said },
    })
}

/// Waits for `action` as long as bytes move.
pub(crate) async fn unless_stalled<T>(
    moved: &AtomicU64,
    stall: Duration,
    action: impl Future<Output = T>,
) -> Result<T, StorageError> {
    let mut action = std::pin::pin!(action);
    loop {
        let before = moved.load(Ordering::Relaxed);
        let deadline = Instant::now() + stall;
        match tokio::time::timeout_at(deadline, action.as_mut()).await {
            Ok(value) => return Ok(value),
            Err(_) if moved.load(Ordering::Relaxed) == before => {
                return Err(StorageError::Connection(CallError::TimedOut {
                    after: stall,
                }));
            }
            Err(_) => {}
        }
    }
}

/// Returns the plain words of a failure: storages answer in XML or as a page.
async fn what_it_says(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < MOST_WORDS {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(MOST_WORDS);
    let text = String::from_utf8_lossy(&body);
    let mut is_markup = false;
    let plain = text.chars().map(|character| match character {
        '<' => {
            is_markup = true;
            ' '
        }
        '>' => {
            is_markup = false;
            ' '
        }
        _ if is_markup => ' ',
        other => other,
    });
    let plain: String = plain.collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_about_damage(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["digest", "checksum", "md5"]
        .iter()
        .any(|word| said.contains(word))
}
