//! Files on their way to the server.

mod source;
mod state;
mod storage;

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::error::CallError;
use crate::session::Session;
use crate::transfer::{Progress, Retries, StorageError};

pub use source::{FileError, FileStamp};
pub use state::{
    LedgerError, PartUrl, SentPart, UploadLedger, UploadPlan, UploadRecord, UploadState,
};

use source::{PartRange, Source};
use storage::{Place, parts_of, place_from_json};

/// How often an upload begins anew, because the server has forgotten it, before that is an error.
const MOST_BEGINNINGS: u32 = 3;

/// A file that is to be sent, and how.
///
/// It may be sent before or after its component is made; [`NewComponent`](crate::NewComponent) makes that.
pub struct Upload<'a> {
    component_id: &'a str,
    file_name: &'a str,
    path: &'a Path,
    options: UploadOptions,
    resume: Option<UploadState>,
    ledger: &'a dyn UploadLedger,
    progress: Arc<Progress>,
}

/// How a file is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadOptions {
    /// The size of parts in bytes; `None` goes by the size of the file. A file of up to two parts is sent whole.
    pub part_bytes: Option<u64>,
    /// How many parts are under way at a time. Each takes about a megabyte of memory, whatever its size.
    pub parallel: usize,
    /// How often a part is tried.
    pub retries: Retries,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            part_bytes: None,
            parallel: 4,
            retries: Retries::default(),
        }
    }
}

/// A file that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Its size.
    pub size_bytes: u64,
    /// Its MD5 in hexadecimal digits, if it was sent whole. Of one in parts, each part's was compared.
    pub md5: Option<String>,
    /// In how many parts it was sent; 1 is whole.
    pub parts: u32,
    /// Why what an earlier run had sent was of no use, if there was one.
    pub begun_anew: Option<BegunAnew>,
}

/// Why an upload could not go on where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BegunAnew {
    /// The file is another since then.
    FileChanged,
    /// The server does not know the upload any more.
    Forgotten,
}

/// Why a file did not arrive. What was sent of it and kept in a ledger need not be sent again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// Something is wrong with the file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The server did not say where to send it, or did not put its parts together.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The place where files lie did not take it.
    #[error("could not send the file")]
    Storage(#[from] StorageError),
    /// The caller's ledger failed.
    #[error("could not keep how far the upload is")]
    Ledger(#[source] LedgerError),
}

impl UploadError {
    /// Returns whether the same may succeed later with nothing changed here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Call(error) => error.is_transient(),
            Self::Storage(error) => error.is_transient(),
            Self::File(_) | Self::Ledger(_) => false,
        }
    }

    /// Returns one short sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Self::File(error) => error.sentence(),
            Self::Call(error) => error.sentence(),
            Self::Storage(error) => error.sentence(),
            Self::Ledger(_) => "It could not be kept how far the upload is.".to_owned(),
        }
    }
}

impl<'a> Upload<'a> {
    /// Names the file at `path`, the component that it belongs to, and how the server calls it: `main.mov`.
    pub fn new(component_id: &'a str, file_name: &'a str, path: &'a Path) -> Self {
        Self {
            component_id,
            file_name,
            path,
            options: UploadOptions::default(),
            resume: None,
            ledger: &(),
            progress: Arc::default(),
        }
    }

    /// Sends it in this way.
    #[must_use]
    pub fn options(mut self, options: UploadOptions) -> Self {
        self.options = options;
        self
    }

    /// Goes on where an earlier run was.
    #[must_use]
    pub fn resume(mut self, state: Option<UploadState>) -> Self {
        self.resume = state;
        self
    }

    /// Keeps there how far it is.
    #[must_use]
    pub fn ledger(mut self, ledger: &'a dyn UploadLedger) -> Self {
        self.ledger = ledger;
        self
    }

    /// Says there how far it is.
    #[must_use]
    pub fn progress(mut self, progress: Arc<Progress>) -> Self {
        self.progress = progress;
        self
    }
}

impl Session {
    /// Sends a file: whole if it is small, else in parts, several at a time, each from the disk as it goes.
    ///
    /// A part that fails is tried again, addresses that are no longer good are asked for anew, and an upload that the
    /// server has forgotten begins anew. A file that changes meanwhile does not arrive. Dropping the future gives up
    /// what is under way; what a ledger has kept can be resumed.
    ///
    /// # Errors
    ///
    /// Returns why the file did not arrive.
    pub async fn upload(&self, upload: Upload<'_>) -> Result<Uploaded, UploadError> {
        tokio::select! {
            biased;
            () = self.transport().closed() => Err(CallError::Cancelled.into()),
            result = Sending::run(self, upload) => result,
        }
    }
}

/// An upload that is under way.
struct Sending<'a> {
    session: &'a Session,
    upload: Upload<'a>,
    source: Source,
}

/// How an attempt to send what is missing ended, if not well.
enum Broken {
    /// The addresses are no longer good.
    Expired(StorageError),
    /// Nothing more can be done here.
    Failed(UploadError),
}

impl<T: Into<UploadError>> From<T> for Broken {
    fn from(error: T) -> Self {
        Self::Failed(error.into())
    }
}

impl<'a> Sending<'a> {
    async fn run(session: &'a Session, mut upload: Upload<'a>) -> Result<Uploaded, UploadError> {
        let source = Source::open(upload.path).await?;
        upload.progress.set_total(source.stamp.size_bytes);
        let resumed = upload.resume.take();
        let sending = Self {
            session,
            upload,
            source,
        };
        let size = sending.source.stamp.size_bytes;
        let parts = state::parts(size, sending.upload.options.part_bytes);
        let mut begun_anew = None;
        let fitting = match resumed {
            Some(state) if state.plan.component_id != sending.upload.component_id => None,
            Some(state) if state.plan.file == sending.source.stamp => Some(state),
            Some(_) => {
                begun_anew = Some(BegunAnew::FileChanged);
                None
            }
            None => None,
        };
        let state = match (fitting, parts) {
            (Some(state), _) => state,
            (None, None) => return sending.whole(begun_anew).await,
            (None, Some((_, count))) => match sending.begin(count, None).await? {
                Place::Parts(upload_id, urls) => sending.begun(upload_id, urls).await?,
                // The server wants it whole, whatever its size.
                Place::Whole { .. } => return sending.whole(begun_anew).await,
            },
        };
        let mut uploaded = sending.in_parts(state).await?;
        uploaded.begun_anew = uploaded.begun_anew.or(begun_anew);
        Ok(uploaded)
    }

    /// Asks where to send the file, in so many parts.
    async fn begin(&self, count: u64, upload_id: Option<&str>) -> Result<Place, CallError> {
        self.ask(json!({"parts": count}), upload_id).await
    }

    async fn ask(&self, how: Value, upload_id: Option<&str>) -> Result<Place, CallError> {
        let mut operation = json!({
            "action": "get_upload_metadata",
            "component_id": self.upload.component_id,
            "file_name": self.upload.file_name,
            "file_size": self.source.stamp.size_bytes,
        });
        for (name, value) in how.as_object().into_iter().flatten() {
            operation[name] = value.clone();
        }
        // Assumed: a server that can give new addresses for an open upload knows it by this; one that cannot ignores
        // it and opens another.
        if let Some(upload_id) = upload_id {
            operation["upload_id"] = upload_id.into();
        }
        // It opens a place and changes nothing else, so asking again does no harm.
        let mut trying = self.upload.options.retries.begin();
        loop {
            let error = match self.session.call_raw(vec![operation.clone()]).await {
                Ok(mut answers) => {
                    let answer = answers.pop().unwrap_or_default();
                    let bad = || self.session.transport().not_ftrack("no place for the file");
                    return place_from_json(answer).ok_or_else(bad);
                }
                Err(error) => error,
            };
            if !error.is_transient() || !trying.again(error.retry_after()).await {
                return Err(error);
            }
        }
    }

    async fn keep(&self, record: &UploadRecord) -> Result<(), UploadError> {
        self.upload
            .ledger
            .keep(record)
            .await
            .map_err(UploadError::Ledger)
    }

    /// Notes that the server has opened an upload in parts, however many it wants.
    async fn begun(
        &self,
        upload_id: String,
        urls: Vec<PartUrl>,
    ) -> Result<UploadState, UploadError> {
        let size = self.source.stamp.size_bytes;
        let wanted = state::parts(size, self.upload.options.part_bytes);
        let part_bytes = parts_of(size, urls.len() as u64, wanted);
        let plan = UploadPlan {
            component_id: self.upload.component_id.to_owned(),
            file_name: self.upload.file_name.to_owned(),
            file: self.source.stamp.clone(),
            upload_id,
            part_bytes,
            urls,
        };
        self.keep(&UploadRecord::Begun(plan.clone())).await?;
        Ok(UploadState::new(plan))
    }

    async fn whole(&self, begun_anew: Option<BegunAnew>) -> Result<Uploaded, UploadError> {
        let md5 = self.source.md5().await?;
        let how = json!({"checksum": STANDARD.encode(md5), "parts": null});
        let range = PartRange {
            offset: 0,
            length: self.source.stamp.size_bytes,
        };
        let mut beginnings = 0;
        loop {
            let Place::Whole { url, headers } = self.ask(how.clone(), None).await? else {
                return Err(self
                    .session
                    .transport()
                    .not_ftrack("parts of a whole")
                    .into());
            };
            beginnings += 1;
            match self.put(&url, &headers, range, Some(md5)).await {
                Ok(_) => {
                    return Ok(Uploaded {
                        size_bytes: range.length,
                        md5: Some(hex(&md5)),
                        parts: 1,
                        begun_anew,
                    });
                }
                Err(Broken::Expired(_)) if beginnings < MOST_BEGINNINGS => {}
                Err(Broken::Expired(error)) => return Err(error.into()),
                Err(Broken::Failed(error)) => return Err(error),
            }
        }
    }

    async fn in_parts(&self, mut state: UploadState) -> Result<Uploaded, UploadError> {
        let mut beginnings = 0;
        let mut begun_anew = None;
        while !state.is_completed {
            self.upload.progress.set_done(state.sent_bytes());
            let problem = match self.send_missing(&mut state).await {
                Ok(()) => match self.complete(&state).await? {
                    Ok(()) => {
                        self.keep(&UploadRecord::Completed).await?;
                        break;
                    }
                    Err(refusal) => UploadError::Call(refusal),
                },
                Err(Broken::Expired(error)) => error.into(),
                Err(Broken::Failed(error)) => return Err(error),
            };
            beginnings += 1;
            if beginnings > MOST_BEGINNINGS {
                return Err(problem);
            }
            let count = state.plan.urls.len() as u64;
            let known_as =
                matches!(problem, UploadError::Storage(_)).then_some(state.plan.upload_id.as_str());
            match self.begin(count, known_as).await? {
                Place::Parts(upload_id, urls)
                    if Some(upload_id.as_str()) == known_as
                        && urls.len() == state.plan.urls.len() =>
                {
                    let record = UploadRecord::Renewed(urls);
                    self.keep(&record).await?;
                    state.add(record);
                }
                Place::Parts(upload_id, urls) => {
                    begun_anew = Some(BegunAnew::Forgotten);
                    state = self.begun(upload_id, urls).await?;
                }
                Place::Whole { .. } => return self.whole(Some(BegunAnew::Forgotten)).await,
            }
        }
        Ok(Uploaded {
            size_bytes: state.plan.file.size_bytes,
            md5: None,
            parts: u32::try_from(state.plan.urls.len()).unwrap_or(u32::MAX),
            begun_anew,
        })
    }

    async fn send_missing(&self, state: &mut UploadState) -> Result<(), Broken> {
        let missing = state.missing();
        let sending = missing
            .into_iter()
            .map(|(url, range)| self.part(url, range));
        let parallel = self.upload.options.parallel.max(1);
        let mut under_way = futures_util::stream::iter(sending).buffer_unordered(parallel);
        while let Some(part) = under_way.next().await {
            let record = UploadRecord::Sent(part?);
            self.keep(&record).await?;
            state.add(record);
        }
        Ok(())
    }

    async fn part(&self, url: PartUrl, range: PartRange) -> Result<SentPart, Broken> {
        let (e_tag, md5) = self.put(&url.signed_url, &[], range, None).await?;
        let e_tag = e_tag.ok_or_else(|| {
            let no_tag = "no name for a part (`ETag`)";
            self.session.transport().not_ftrack(no_tag)
        })?;
        Ok(SentPart {
            part_number: url.part_number,
            e_tag,
            md5: hex(&md5),
            size_bytes: range.length,
        })
    }

    /// Has the parts put together. The inner error is a refusal: the server does not know the upload.
    async fn complete(&self, state: &UploadState) -> Result<Result<(), CallError>, CallError> {
        let parts = state.sent.values();
        let parts: Vec<_> = parts
            .map(|part| json!({"part_number": part.part_number, "e_tag": part.e_tag}))
            .collect();
        let operation = json!({
            "action": "complete_multipart_upload",
            "upload_id": state.plan.upload_id,
            "component_id": state.plan.component_id,
            "parts": parts,
        });
        let mut trying = self.upload.options.retries.begin();
        loop {
            let error = match self.session.call_raw(vec![operation.clone()]).await {
                Ok(_) => return Ok(Ok(())),
                Err(error) => error,
            };
            // Either it is there, because an answer was lost, or the server has forgotten the upload.
            let is_refusal = matches!(
                error,
                CallError::Invalid(_) | CallError::Conflict(_) | CallError::Refused(_)
            );
            if (is_refusal || error.outcome_unknown()) && self.has_arrived(&state.plan).await {
                return Ok(Ok(()));
            }
            if is_refusal {
                return Ok(Err(error));
            }
            if !error.is_transient() || !trying.again(error.retry_after()).await {
                return Err(error);
            }
        }
    }
}

/// Returns the MD5 of a file in hexadecimal digits, to know the same media again. It is read in pieces.
///
/// # Errors
///
/// Tells what is wrong with the file, also if it changes meanwhile.
pub async fn file_md5(path: &Path) -> Result<String, FileError> {
    let md5 = Source::open(path).await?.md5().await?;
    Ok(hex(&md5))
}

/// Writes bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
