//! The record of what was asked, for tests to count and compare. The oldest is forgotten first.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value as Json;

/// About how many bytes the record may take.
const LARGEST: usize = 32 * 1024 * 1024;
/// What a request takes beside its text.
const REQUEST_BYTES: usize = 300;
const OPERATION_BYTES: usize = 100;

/// One request, as a test wants to see it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct RecordedRequest {
    /// Its place among all requests since the start of the server.
    pub(crate) number: u64,
    /// When its head arrived, in seconds since 1970.
    pub(crate) time: f64,
    pub(crate) method: String,
    pub(crate) path: String,
    /// The rest of the address, without keys.
    pub(crate) query: String,
    pub(crate) user: String,
    pub(crate) client_token: Option<String>,
    pub(crate) operations: Vec<RecordedOperation>,
    /// Bytes of the body that have arrived.
    pub(crate) bytes_in: u64,
    /// Bytes of the answer's body, if that is known beforehand.
    pub(crate) bytes_out: Option<u64>,
    /// Missing while the request is under way, and when its connection was closed instead.
    pub(crate) status: Option<u16>,
    /// How long the answer took to begin.
    pub(crate) milliseconds: Option<u64>,
    /// Names of the faults that befell it.
    pub(crate) faults: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecordedOperation {
    pub(crate) action: String,
    pub(crate) entity_type: Option<String>,
    pub(crate) entity_key: Json,
    pub(crate) expression: Option<String>,
}

impl RecordedOperation {
    pub(crate) fn from_operation(operation: &Json) -> Self {
        let text = |key: &str| operation[key].as_str().map(str::to_owned);
        Self {
            action: text("action").unwrap_or_default(),
            entity_type: text("entity_type"),
            entity_key: operation["entity_key"].clone(),
            expression: text("expression"),
        }
    }

    fn size_bytes(&self) -> usize {
        OPERATION_BYTES + self.expression.as_ref().map_or(0, String::len)
    }
}

impl RecordedRequest {
    /// Whether it is a call of the API, which is what most tests count.
    pub(crate) fn is_call(&self) -> bool {
        self.path == "/api"
    }

    fn size_bytes(&self) -> usize {
        let operations = self.operations.iter().map(RecordedOperation::size_bytes);
        REQUEST_BYTES + self.path.len() + self.query.len() + operations.sum::<usize>()
    }
}

#[derive(Debug, Default)]
pub(super) struct Record {
    requests: VecDeque<RecordedRequest>,
    last_number: u64,
    /// Calls of the API since the record was cleared, also those that were forgotten.
    calls: u64,
    size_bytes: usize,
}

impl Record {
    /// Adds a request and returns its number.
    pub(super) fn begin(&mut self, mut request: RecordedRequest) -> u64 {
        self.last_number += 1;
        request.number = self.last_number;
        self.calls += u64::from(request.is_call());
        self.size_bytes += request.size_bytes();
        self.requests.push_back(request);
        self.forget();
        self.last_number
    }

    /// Changes a request that is still remembered.
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut RecordedRequest)) {
        let Some(first) = self.requests.front().map(|request| request.number) else {
            return;
        };
        let place = number.checked_sub(first).map(usize::try_from);
        let Some(request) = place.and_then(|place| self.requests.get_mut(place.ok()?)) else {
            return;
        };
        let before = request.size_bytes();
        change(request);
        self.size_bytes = self.size_bytes - before + request.size_bytes();
        self.forget();
    }

    fn forget(&mut self) {
        while self.size_bytes > LARGEST {
            let Some(oldest) = self.requests.pop_front() else {
                break;
            };
            self.size_bytes -= oldest.size_bytes();
        }
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// The requests that are remembered, oldest first.
    pub(super) fn requests(&self) -> impl Iterator<Item = &RecordedRequest> {
        self.requests.iter()
    }

    pub(super) fn clear(&mut self) {
        self.requests.clear();
        self.calls = 0;
        self.size_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_forgets_the_oldest_and_still_counts_it() {
        let mut record = Record::default();
        let long = "x".repeat(LARGEST / 4);
        for _ in 0..10 {
            let number = record.begin(RecordedRequest {
                path: "/api".to_owned(),
                ..RecordedRequest::default()
            });
            record.change(number, |request| request.query.clone_from(&long));
        }
        assert_eq!(record.calls(), 10);
        let kept: Vec<u64> = record.requests().map(|request| request.number).collect();
        assert_eq!(kept, [8, 9, 10]);
        // What is forgotten cannot be changed, and what is not can.
        record.change(1, |request| request.status = Some(200));
        record.change(9, |request| request.status = Some(200));
        let statuses: Vec<_> = record.requests().map(|request| request.status).collect();
        assert_eq!(statuses, [None, Some(200), None]);
        record.clear();
        record.change(9, |request| request.status = Some(200));
        assert_eq!((record.calls(), record.size_bytes), (0, 0));
    }
}
