//! How many requests went out, how large, how long, and what became of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::CallError;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RequestKind {
    /// It reads and changes nothing.
    Query,
    /// It may change something: a batch of operations, an action.
    Call,
    /// It sends a file, or a part of one.
    Upload,
    /// It fetches a file.
    Download,
}

/// What is known of all requests of a kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestMetrics {
    /// How many were made, answered or not.
    pub requests: u64,
    /// How many bytes went out in bodies, what was sent again included.
    pub bytes_sent: u64,
    /// How many bytes came in with bodies, unpacked.
    pub bytes_received: u64,
    /// How long they took together.
    pub time: Duration,
    /// How long the longest took.
    pub longest: Duration,
    /// How many failed, by [`CallError::kind`].
    pub failures: BTreeMap<&'static str, u64>,
    /// How many took less than 1 ms, 2 ms, 4 ms, and so on; the last holds all that took longer.
    pub latencies: [u64; LATENCIES],
}

const LATENCIES: usize = 18;

impl RequestMetrics {
    /// Returns a time that this share of the requests stayed below, such as 0.99; it is right within a factor of two.
    pub fn quantile(&self, share: f64) -> Duration {
        let all: u64 = self.latencies.iter().sum();
        let wanted = share.clamp(0.0, 1.0) * all as f64;
        let mut seen = 0;
        for (slot, count) in self.latencies.iter().enumerate() {
            seen += count;
            if *count > 0 && seen as f64 >= wanted {
                return Duration::from_millis(1 << slot).min(self.longest);
            }
        }
        Duration::ZERO
    }
}

/// Counts while requests are made.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    by_kind: Mutex<BTreeMap<RequestKind, RequestMetrics>>,
}

/// One request, as it is counted.
pub(crate) struct Exchange {
    pub(crate) kind: RequestKind,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) took: Duration,
    pub(crate) failure: Option<&'static str>,
}

impl Metrics {
    pub(crate) fn count(&self, exchange: &Exchange) {
        let mut by_kind = self.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = by_kind.entry(exchange.kind).or_default();
        metrics.requests += 1;
        metrics.bytes_sent += exchange.bytes_sent;
        metrics.bytes_received += exchange.bytes_received;
        metrics.time += exchange.took;
        metrics.longest = metrics.longest.max(exchange.took);
        metrics.latencies[slot(exchange.took)] += 1;
        if let Some(kind) = exchange.failure {
            *metrics.failures.entry(kind).or_default() += 1;
        }
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<RequestKind, RequestMetrics> {
        let by_kind = self.by_kind.lock().unwrap_or_else(PoisonError::into_inner);
        by_kind.clone()
    }
}

fn slot(took: Duration) -> usize {
    let bits = u128::BITS - took.as_millis().leading_zeros();
    usize::try_from(bits).map_or(LATENCIES - 1, |bits| bits.min(LATENCIES - 1))
}

impl CallError {
    /// Returns the kind of failure in one word, to count and to log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
            Self::BadQuery(_) => "bad_query",
            Self::Refused(_) => "refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::ServerBusy { .. } => "server_busy",
            Self::ServerFault { .. } => "server_fault",
            Self::TooLarge => "too_large",
            Self::NotFtrack { .. } => "not_ftrack",
            Self::Redirected { .. } => "redirected",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed_out",
            Self::Interrupted { .. } => "interrupted",
            Self::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_within_a_factor_of_two() {
        let metrics = Metrics::default();
        assert_eq!(RequestMetrics::default().quantile(0.5), Duration::ZERO);
        for millis in [0, 1, 3, 3, 100, 10_000_000] {
            metrics.count(&Exchange {
                kind: RequestKind::Query,
                bytes_sent: 10,
                bytes_received: 1,
                took: Duration::from_millis(millis),
                failure: (millis > 100).then_some("timed_out"),
            });
        }
        let metrics = &metrics.snapshot()[&RequestKind::Query];
        assert_eq!((metrics.requests, metrics.bytes_sent), (6, 60));
        assert_eq!(metrics.quantile(0.5), Duration::from_millis(4));
        assert_eq!(metrics.quantile(0.8), Duration::from_millis(128));
        assert_eq!(metrics.quantile(0.0), Duration::from_millis(1));
        assert_eq!(metrics.failures["timed_out"], 1);
        assert_eq!(metrics.longest, Duration::from_millis(10_000_000));
    }
}
