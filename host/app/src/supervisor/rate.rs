//! How much a process may say: a bucket that fills with time and that every message empties a little.

use std::time::{Duration, Instant};

/// A bound on messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How many in a second, on average.
    pub(crate) per_sec: u32,
    /// How many at once.
    pub(crate) burst: u32,
}

/// What is left of a bound.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    left: f64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            left: f64::from(rate.burst),
            filled: now,
        }
    }

    /// Takes one message out; tells whether there was one left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled);
        // Filling is cheap, but not so cheap that every message of a burst should pay for it.
        if passed > Duration::from_millis(1) {
            let filled = passed.as_secs_f64() * f64::from(self.rate.per_sec);
            self.left = (self.left + filled).min(f64::from(self.rate.burst));
            self.filled = now;
        }
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_average() {
        let start = Instant::now();
        let rate = Rate {
            per_sec: 10,
            burst: 3,
        };
        let mut bucket = Bucket::new(rate, start);
        let mut taken = |after_ms: u64, tries: usize| -> usize {
            let now = start + Duration::from_millis(after_ms);
            (0..tries).filter(|_| bucket.take(now)).count()
        };
        assert_eq!(taken(0, 10), 3);
        assert_eq!(taken(100, 10), 1);
        assert_eq!(taken(300, 10), 2);
        assert_eq!(taken(60_000, 10), 3);
    }
}
