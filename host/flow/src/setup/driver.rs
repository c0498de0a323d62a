//! One driver for each connector checks its set-up at the start and at its interval.

use std::sync::Arc;
use std::time::Duration;

use crossdock_rules::retry::Backoff;
use tokio_util::sync::CancellationToken;

use super::checks::SetupChecks;
use crate::connectors::Connectors;
use crate::pauses::Pauses;
use crate::randomness::Randomness;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(600) };

/// The interval at which a connector that has nothing to check, or is paused, is looked at again.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// Checks the set-up of one connector.
pub(crate) struct SetupDriver {
    pub connector: String,
    pub connectors: Arc<Connectors>,
    pub checks: Arc<SetupChecks>,
    pub pauses: Arc<Pauses>,
    pub randomness: Arc<Randomness>,
}

impl SetupDriver {
    /// Checks until `drain`.
    pub async fn run(self, drain: CancellationToken) {
        let mut failures = 0u32;
        loop {
            let pause = self.check(&mut failures).await;
            tokio::select! {
                () = drain.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Checks once, if there is something to check; how long to wait before the next time.
    async fn check(&self, failures: &mut u32) -> Duration {
        let connector = self.connectors.get(&self.connector).filter(|connector| connector.setup);
        let Some((connector, check)) =
            connector.as_ref().and_then(|connector| Some((connector, connector.check.as_ref()?)))
        else {
            // Another version of the plugin may have something to set up.
            return POLL_INTERVAL;
        };
        match self.pauses.is_paused(&self.connector).await {
            Ok(false) => {}
            Ok(true) => return check.every.min(POLL_INTERVAL),
            Err(error) => {
                tracing::error!(connector = self.connector, %error, "looking up whether it is paused failed");
                return check.every.min(POLL_INTERVAL);
            }
        }
        let (_, answered) = self.checks.check(connector, check, true).await;
        if answered {
            *failures = 0;
            return check.every;
        }
        *failures = failures.saturating_add(1);
        let delay = BACKOFF.delay(*failures, self.randomness.number());
        check.every.min(POLL_INTERVAL.max(delay))
    }
}
