//! Notices when an open connection leads nowhere any more.

use std::time::Duration;

use tokio::time::Instant;

use super::lost::ConnectionLost;

/// For how long the server may take nothing of what we send.
const STALL: Duration = Duration::from_secs(20);

/// For how long a server that is asked for a sign of life may take to give one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// What is known of an open connection's health.
pub(super) struct Link {
    pub(super) since: Instant,
    patience: Duration,
    last_heard: Instant,
    sign_of_life_by: Option<Instant>,
    /// Since when there is something to send that does not leave.
    stuck_since: Option<Instant>,
    /// Whether something was given over that may not have left yet.
    pub(super) is_unflushed: bool,
    ended: Option<String>,
}

impl Link {
    pub(super) fn new(patience: Duration) -> Self {
        let now = Instant::now();
        Self {
            since: now,
            patience,
            last_heard: now,
            sign_of_life_by: None,
            stuck_since: None,
            is_unflushed: false,
            ended: None,
        }
    }

    pub(super) fn heard(&mut self) {
        self.last_heard = Instant::now();
        self.sign_of_life_by = None;
    }

    pub(super) fn demand_sign_of_life(&mut self) {
        self.sign_of_life_by
            .get_or_insert(Instant::now() + SIGN_OF_LIFE);
    }

    pub(super) fn has_work(&mut self, has_packet: bool) {
        if has_packet || self.is_unflushed {
            self.stuck_since.get_or_insert_with(Instant::now);
        } else {
            self.stuck_since = None;
        }
    }

    pub(super) fn progressed(&mut self) {
        self.stuck_since = None;
    }

    pub(super) fn end(&mut self, reason: String) {
        self.ended = Some(reason);
    }

    /// Returns when the connection has to be looked at.
    pub(super) fn next_limit(&self) -> Instant {
        if self.ended.is_some() {
            return self.last_heard;
        }
        let silence = self.last_heard + self.patience;
        let stall = self.stuck_since.map(|since| since + STALL);
        [Some(silence), stall, self.sign_of_life_by]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(silence)
    }

    pub(super) fn check(&self) -> Result<(), ConnectionLost> {
        if let Some(detail) = self.ended.clone() {
            return Err(ConnectionLost::Closed { detail });
        }
        let now = Instant::now();
        if self.stuck_since.is_some_and(|since| now >= since + STALL) {
            return Err(ConnectionLost::Stalled);
        }
        let is_silent = now >= self.last_heard + self.patience;
        if is_silent || self.sign_of_life_by.is_some_and(|limit| now >= limit) {
            return Err(ConnectionLost::Silent {
                after: now - self.last_heard,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn silence_ends_a_connection_when_patience_does() {
        let mut link = Link::new(PATIENCE);
        assert_eq!(link.next_limit(), link.last_heard + PATIENCE);
        assert_eq!(link.check(), Ok(()));
        link.last_heard -= PATIENCE;
        assert!(matches!(link.check(), Err(ConnectionLost::Silent { .. })));
        link.heard();
        assert_eq!(link.check(), Ok(()));
    }

    #[test]
    fn a_sign_of_life_is_due_sooner() {
        let mut link = Link::new(PATIENCE);
        link.demand_sign_of_life();
        assert!(link.next_limit() <= link.last_heard + SIGN_OF_LIFE + SIGN_OF_LIFE);
        link.sign_of_life_by = Some(link.since);
        assert!(matches!(link.check(), Err(ConnectionLost::Silent { .. })));
        link.heard();
        assert_eq!(link.check(), Ok(()));
    }

    #[test]
    fn what_does_not_leave_is_noticed() {
        let mut link = Link::new(PATIENCE);
        link.has_work(true);
        link.stuck_since = link.stuck_since.map(|since| since - STALL);
        link.has_work(true);
        assert_eq!(link.check(), Err(ConnectionLost::Stalled));
        link.progressed();
        assert_eq!(link.check(), Ok(()));
    }

    #[test]
    fn an_end_that_the_server_announced_is_due_at_once() {
        let mut link = Link::new(PATIENCE);
        link.end("restart".to_owned());
        assert!(link.next_limit() <= Instant::now());
        assert_eq!(
            link.check(),
            Err(ConnectionLost::Closed {
                detail: "restart".to_owned()
            })
        );
    }
}
