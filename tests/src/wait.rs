//! The one place where a test waits for something that it can only look at.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long to rest between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks at `condition` until it gives a value, and fails with `what` once `deadline` has passed.
///
/// What another process does shows in its files, its socket or the process table, and none of these calls back.
/// Everything that can call back is waited for with a channel instead.
///
/// # Errors
///
/// When the deadline has passed.
pub fn wait_until<T>(
    what: &str,
    deadline: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        if begun.elapsed() >= deadline {
            bail!("waited {deadline:?} in vain until {what}");
        }
        std::thread::park_timeout(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_the_waiting() {
        let mut looks = 0;
        let value = wait_until("the third look", Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(value.unwrap(), 3);
    }

    #[test]
    fn a_missed_deadline_says_what_was_waited_for() {
        let error = wait_until("pigs fly", Duration::ZERO, || None::<()>).unwrap_err();
        assert_eq!(error.to_string(), "waited 0ns in vain until pigs fly");
    }
}
