//! What tests do to the server: faults for the next requests, and a record of what was asked.
//!
//! All of it is behind a token of its own, sent as `sandbox-token`. The crate's `README.md` lists the requests.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Operations that are remembered, with the requests that held them.
const REMEMBERED: usize = 100_000;

/// A fault for the next `count` requests whose path or body contains `matches`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FaultRule {
    #[serde(default, rename = "match")]
    pub(crate) matches: String,
    #[serde(default = "once")]
    pub(crate) count: u32,
    #[serde(flatten)]
    pub(crate) fault: Fault,
}

fn once() -> u32 {
    1
}

/// What happens to a request.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub(crate) enum Fault {
    /// An answer with this status and a short text, and nothing done.
    Status {
        status: u16,
        retry_after_secs: Option<u64>,
    },
    /// A web page with status 200, and nothing done.
    Html,
    /// The answer comes late.
    Delay { milliseconds: u64 },
    /// The connection is closed; nothing was done.
    CloseBefore,
    /// The connection is closed after everything was done.
    CloseAfter,
}

/// One request, as a test wants to count it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecordedRequest {
    pub(crate) path: String,
    pub(crate) user: String,
    pub(crate) client_token: Option<String>,
    pub(crate) operations: Vec<RecordedOperation>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RecordedOperation {
    pub(crate) action: String,
    pub(crate) entity_type: Option<String>,
    pub(crate) entity_key: Json,
    pub(crate) expression: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Control {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<FaultRule>,
    requests: VecDeque<RecordedRequest>,
    /// Also those that were forgotten.
    count: u64,
    /// Operations among the requests that are remembered.
    operation_count: usize,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, rule: FaultRule) {
        self.state().rules.push(rule);
    }

    pub(crate) fn clear_faults(&self) {
        self.state().rules.clear();
    }

    pub(crate) fn has_faults(&self) -> bool {
        !self.state().rules.is_empty()
    }

    /// The fault for a request, if there is one; it is then used up once.
    pub(crate) fn take_fault(&self, request: &str) -> Option<Fault> {
        let mut state = self.state();
        let position = state
            .rules
            .iter()
            .position(|rule| request.contains(&rule.matches))?;
        let rule = &mut state.rules[position];
        rule.count = rule.count.saturating_sub(1);
        let fault = rule.fault.clone();
        if rule.count == 0 {
            state.rules.remove(position);
        }
        Some(fault)
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        let mut state = self.state();
        state.count += 1;
        state.operation_count += request.operations.len().max(1);
        state.requests.push_back(request);
        while state.operation_count > REMEMBERED {
            let Some(oldest) = state.requests.pop_front() else {
                break;
            };
            state.operation_count -= oldest.operations.len().max(1);
        }
    }

    /// How many requests there were, and the latest of them.
    pub(crate) fn requests(&self) -> (u64, Vec<RecordedRequest>) {
        let state = self.state();
        (state.count, state.requests.iter().cloned().collect())
    }

    pub(crate) fn clear_requests(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.count = 0;
        state.operation_count = 0;
    }
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
}

/// Lets time pass for the sake of a fault; it is not waiting for anything.
pub(crate) async fn pass_time(duration: Duration) {
    // An error is the only outcome: what is waited for never comes.
    tokio::time::timeout(duration, std::future::pending::<()>())
        .await
        .unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_up_by_the_requests_it_matches() {
        let control = Control::default();
        let rule = serde_json::json!({"match": "create", "count": 2, "fault": "status", "status": 429, "retry_after_secs": 1});
        control.add(serde_json::from_value(rule).unwrap());
        let expected = Some(Fault::Status {
            status: 429,
            retry_after_secs: Some(1),
        });
        assert_eq!(control.take_fault("/api query"), None);
        assert_eq!(control.take_fault("/api create"), expected);
        assert_eq!(control.take_fault("/api create"), expected);
        assert_eq!(control.take_fault("/api create"), None);
    }
}
