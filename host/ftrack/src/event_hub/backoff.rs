//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// Pauses that double up to a limit, each shortened by chance, so that the machines of a studio do not all come back
/// to a restarted server in the same second, again and again.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    random: u64,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        Self {
            first,
            longest,
            failures: 0,
            random: seed,
        }
    }

    /// Forgets the failures, because a connection held.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Returns the pause after one more failure: between a half and the whole of what the failures call for.
    pub(crate) fn next(&mut self) -> Duration {
        let doubled = 2_u32
            .checked_pow(self.failures)
            .and_then(|factor| self.first.checked_mul(factor));
        self.failures = self.failures.saturating_add(1);
        self.jittered(doubled.unwrap_or(self.longest).min(self.longest))
    }

    /// Returns between a half and the whole of `pause`.
    pub(crate) fn jittered(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + self.fraction() / 2.0)
    }

    /// Returns a number from 0 up to, but not including, 1 (SplitMix64).
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from((mixed >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(seed: u64) -> Vec<Duration> {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30), seed);
        (0..40).map(|_| backoff.next()).collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (failures, pause) in pauses(7).into_iter().enumerate() {
            let whole = Duration::from_millis(500 << failures.min(6)).min(Duration::from_secs(30));
            assert!(
                pause >= whole / 2 && pause <= whole,
                "{failures}: {pause:?} of {whole:?}"
            );
        }
    }

    #[test]
    fn two_machines_do_not_wait_alike_and_one_can_be_repeated() {
        assert_ne!(pauses(1), pauses(2));
        assert_eq!(pauses(1), pauses(1));
    }

    #[test]
    fn a_connection_that_held_begins_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30), 3);
        for _ in 0..10 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(500));
    }
}
