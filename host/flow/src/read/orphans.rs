//! Requests of connectors that are no longer configured: quarantined, since no plugin can read them.

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::Error;
use crossdock_model::time::Clock;
use tokio_util::sync::CancellationToken;

use super::record::Recorder;
use crate::connectors::Connectors;
use crate::pending::PendingInbounds;
use crate::problem::problem;
use crossdock_engine::ClaimInbounds;

/// The interval between two looks: such requests are there when the host starts, and hardly ever after.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// How many requests are claimed at once.
const PAGE_SIZE: u32 = 16;

/// How long claimed requests are leased.
const LEASE: Duration = Duration::from_secs(60);

/// Quarantines the requests of unknown connectors.
pub(crate) struct OrphanDriver {
    pub connectors: Arc<Connectors>,
    pub inbounds: Arc<dyn PendingInbounds>,
    pub recorder: Arc<Recorder>,
    pub clock: Arc<dyn Clock>,
}

impl OrphanDriver {
    /// Looks for such requests at the start and then at an interval, until `drain`.
    pub async fn run(self, drain: CancellationToken) {
        loop {
            if let Err(error) = self.sweep(&drain).await {
                tracing::error!(%error, "claiming requests of unknown connectors failed; the next look tries again");
            }
            tokio::select! {
                () = drain.cancelled() => return,
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    async fn sweep(&self, drain: &CancellationToken) -> Result<(), Error> {
        for (connector, _) in self.inbounds.next_due().await? {
            while !self.connectors.contains(&connector)
                && !drain.is_cancelled()
                && self.quarantine_page(&connector).await?
            {}
        }
        Ok(())
    }

    /// Quarantines one page. False when there was none.
    async fn quarantine_page(&self, connector: &str) -> Result<bool, Error> {
        let claim = ClaimInbounds {
            connector: connector.to_owned(),
            limit: PAGE_SIZE,
            now: self.clock.now(),
            lease: LEASE,
        };
        let page = self.inbounds.claim(claim).await?;
        for inbound in &page {
            let message = format!("there is no connector `{connector}` any more");
            self.recorder.quarantine(inbound.id, problem("no-connector", message)).await;
        }
        Ok(!page.is_empty())
    }
}
