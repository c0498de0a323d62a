//! Stores requests, and hands them to the read driver of their connector.

use std::sync::Arc;

use crossdock_engine::{Accept, Accepted, Error};
use crossdock_model::time::Clock;

use crate::lease::{Lease, Moment};
use crate::pending::PendingInbounds;
use crate::read::ReadQueues;
use crossdock_engine::view::Inbound;

/// The one way by which requests and files reach the store.
pub(crate) struct Journal {
    inbounds: Arc<dyn PendingInbounds>,
    queues: ReadQueues,
    clock: Arc<dyn Clock>,
}

impl Journal {
    pub fn new(inbounds: Arc<dyn PendingInbounds>, queues: ReadQueues, clock: Arc<dyn Clock>) -> Self {
        Self { inbounds, queues, clock }
    }

    /// Stores a request. When this returns `Ok`, it is durable; unless it is a duplicate, it will be read: from memory
    /// where there is room for it, or else from the store.
    pub async fn store(&self, accept: Accept) -> Result<Accepted, Error> {
        let queue = self.queues.get(&accept.connector);
        let direct = queue.and_then(|queue| Some((queue.reserve(accept.request.body.len())?, queue.lease())));
        let Some((slot, length)) = direct else {
            let accepted = self.inbounds.accept(accept, None).await?;
            if let Some(queue) = queue.filter(|_| !accepted.duplicate) {
                queue.stored_unclaimed();
            }
            return Ok(accepted);
        };
        let stored_at = Moment { wall: accept.received_at, ..Moment::now(&*self.clock) };
        let Accept { connector, request, received_at, trace, .. } = accept.clone();
        let accepted = self.inbounds.accept(accept, Some(length)).await?;
        if let Some(queue) = queue.filter(|_| !accepted.duplicate) {
            queue.stored();
            let id = accepted.inbound;
            let inbound = Inbound { id, connector, received_at, trace, attempts: 0, request: Some(request) };
            slot.send(inbound, Lease::new(stored_at, length));
        }
        Ok(accepted)
    }

    /// Makes a quarantined request of a connector pending again.
    pub async fn reread(&self, inbound: i64, connector: &str, by: &str) -> Result<(), Error> {
        self.inbounds.reread(inbound, by, self.clock.now()).await?;
        self.made_due(connector);
        Ok(())
    }

    /// Requests of a connector have become due.
    pub fn made_due(&self, connector: &str) {
        if let Some(queue) = self.queues.get(connector) {
            queue.stored_unclaimed();
        }
    }

    /// How many requests of all configured connectors are stored and not yet read.
    pub fn pending(&self) -> i64 {
        self.queues.pending()
    }

    /// Counts what a former process left unread, so that intake knows of it. The read drivers claim it like any other
    /// pending request.
    pub async fn count_pending(&self) -> Result<(), Error> {
        for count in self.inbounds.counts().await? {
            let (connector, requests) = (&count.connector, count.fresh.saturating_add(count.postponed));
            tracing::info!(connector, requests, "reading requests that were stored and not read");
            if let Some(queue) = self.queues.get(connector) {
                queue.add(&count);
            }
        }
        Ok(())
    }
}
