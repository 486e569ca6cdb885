//! The pause between attempts to sign in.

use std::time::Duration;

use tokio::time::timeout;

use crate::settings::HubSettings;

/// How long to wait before refused credentials are tried again.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// The pause between attempts: doubled with each, and spread at random.
pub(super) struct Pause {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pause {
    pub(super) fn new(settings: &HubSettings) -> Self {
        let first = Duration::from_millis(settings.reconnect_ms);
        Self {
            first,
            longest: Duration::from_secs(settings.reconnect_max_secs),
            next: first,
        }
    }

    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    pub(super) fn refused(&mut self) {
        self.next = REFUSED_PAUSE;
    }

    pub(super) async fn wait(&mut self) {
        let spread = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
        let pause = self.next.mul_f64(0.5 + spread / 2.0);
        self.next = (self.next * 2).min(self.longest.max(self.first));
        // There is nothing to wait for but the time itself.
        drop(timeout(pause, std::future::pending::<()>()).await);
    }
}
