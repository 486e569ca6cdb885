//! The talk with the place where files lie.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use md5::{Digest, Md5};
use reqwest::header::{CONTENT_LENGTH, ETAG};
use reqwest::{Method, Response, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::source::{self, BodyWatch, PartRange};
use super::state::{PartUrl, UploadPlan};
use super::{Broken, Sending, UploadError, hex};
use crate::metrics::{Exchange, RequestKind};
use crate::transfer::{StorageError, send};

/// Where the server wants a file.
pub(super) enum Place {
    /// All of it there, with these headers.
    Whole {
        url: String,
        headers: Vec<(String, String)>,
    },
    /// In parts, for the upload with this id.
    Parts(String, Vec<PartUrl>),
}

#[derive(Deserialize)]
struct Answer {
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    upload_id: Option<String>,
    #[serde(default)]
    urls: Vec<PartUrl>,
}

/// Reads the answer to `get_upload_metadata`; whether it is one file or parts is the server's to say.
pub(super) fn place_from_json(answer: Value) -> Option<Place> {
    let answer: Answer = serde_json::from_value(answer).ok()?;
    if let Some(upload_id) = answer.upload_id {
        let mut urls = answer.urls;
        urls.sort_by_key(|url| url.part_number);
        let is_next = |(url, number): (&PartUrl, u32)| url.part_number == number;
        let is_row = !urls.is_empty() && urls.iter().zip(1..).all(is_next);
        return is_row.then_some(Place::Parts(upload_id, urls));
    }
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let headers = answer.headers.into_iter();
    Some(Place::Whole {
        url: answer.url?,
        headers: headers.map(|(name, value)| (name, text(value))).collect(),
    })
}

/// Returns the size of parts where the server wants `count` of them; the wanted one if it agrees.
pub(super) fn parts_of(size_bytes: u64, count: u64, wanted: Option<(u64, u64)>) -> u64 {
    match wanted {
        Some((part_bytes, wanted)) if wanted == count => part_bytes,
        _ => size_bytes.div_ceil(count.max(1)).max(1),
    }
}

impl Sending<'_> {
    /// Sends a range of the file, and again if that fails; returns its `ETag` and its MD5.
    pub(super) async fn put(
        &self,
        url: &str,
        headers: &[(String, String)],
        range: PartRange,
        expected: Option<[u8; 16]>,
    ) -> Result<(Option<String>, [u8; 16]), Broken> {
        let bad = || {
            self.session
                .transport()
                .not_ftrack("no address for the file")
        };
        let url = Url::parse(url).map_err(|_| bad())?;
        let mut trying = self.upload.options.retries.begin();
        loop {
            let error = match self.put_once(url.clone(), headers, range, expected).await {
                Ok(sent) => return Ok(sent),
                Err(UploadError::Storage(error)) => error,
                Err(error) => return Err(error.into()),
            };
            if matches!(error, StorageError::Gone { .. }) {
                return Err(Broken::Expired(error));
            }
            if !error.is_transient() || !trying.again(error.retry_after()).await {
                return Err(error.into());
            }
            tracing::debug!(%error, "sending the part again");
        }
    }

    async fn put_once(
        &self,
        url: Url,
        headers: &[(String, String)],
        range: PartRange,
        expected: Option<[u8; 16]>,
    ) -> Result<(Option<String>, [u8; 16]), UploadError> {
        let watch = Arc::new(BodyWatch::default());
        let progress = &self.upload.progress;
        let body = source::body(&self.source, range, &watch, progress, expected);
        let mut request = self.session.transport().request(Method::PUT, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        // A storage with signed addresses takes no body of unknown length.
        let request = request.header(CONTENT_LENGTH, range.length).body(body);
        let began = Instant::now();
        let counted = Counted {
            sending: self,
            watch: &watch,
            is_over: false,
        };
        let sent = send(request, &watch.moved, self.session.timeouts().stall).await;
        let result = match watch.problem() {
            Some(problem) => Err(problem.into()),
            None => sent
                .and_then(|answer| arrived(&answer, &watch, range))
                .map_err(Into::into),
        };
        self.session.transport().metrics.count(&Exchange {
            kind: RequestKind::Upload,
            bytes_sent: watch.moved.load(Ordering::Relaxed),
            bytes_received: 0,
            took: began.elapsed(),
            failure: result.as_ref().err().map(|error| match error {
                UploadError::Storage(error) => error.kind(),
                _ => "file",
            }),
        });
        counted.end(result.is_ok());
        result
    }

    /// Returns whether the file is there whole.
    ///
    /// Assumed: the server gives the file of a component as soon as it has it, whether the component exists or not.
    pub(super) async fn has_arrived(&self, plan: &UploadPlan) -> bool {
        let size = self.session.stored_size(&plan.component_id).await;
        size.is_ok_and(|size| size == Some(plan.file.size_bytes))
    }
}

/// Takes back what a failed attempt has counted as done, also when it is given up in the middle.
struct Counted<'a> {
    sending: &'a Sending<'a>,
    watch: &'a BodyWatch,
    is_over: bool,
}

impl Counted<'_> {
    fn end(mut self, is_ok: bool) {
        self.is_over = is_ok;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let moved = self.watch.moved.load(Ordering::Relaxed);
            self.sending.upload.progress.take_back(moved);
        }
    }
}

/// Compares what arrived with what was sent, as far as the storage tells.
///
/// Assumed: an `ETag` of 32 hexadecimal digits is the MD5 of what arrived, as S3 has it.
fn arrived(
    answer: &Response,
    watch: &BodyWatch,
    range: PartRange,
) -> Result<(Option<String>, [u8; 16]), StorageError> {
    let moved = watch.moved.load(Ordering::Relaxed);
    // Nobody reads the body of an empty file.
    let md5 = match range.length {
        0 => Some(Md5::digest([]).into()),
        length => watch.md5().filter(|_| moved == length),
    };
    let damaged = |said: &str| StorageError::Damaged {
        said: said.to_owned(),
    };
    // An answer before the last byte is about something else.
    let md5 = md5.ok_or_else(|| damaged("an answer came before all was sent"))?;
    let e_tag = answer.headers().get(ETAG);
    let e_tag = e_tag.and_then(|tag| Some(tag.to_str().ok()?.trim_matches('"').to_owned()));
    let is_md5 = |tag: &String| tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    match &e_tag {
        Some(tag) if is_md5(tag) && !tag.eq_ignore_ascii_case(&hex(&md5)) => {
            Err(damaged("its MD5 is another"))
        }
        _ => Ok((e_tag, md5)),
    }
}
