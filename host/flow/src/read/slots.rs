//! How many requests are read, and how many plugin calls read them, at the same moment.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The call slots of all connectors together.
#[derive(Clone)]
pub(crate) struct CallSlots {
    limit: usize,
    all: Arc<Semaphore>,
}

/// What one connector may use: a quarter of all call slots, so that a source whose system hangs leaves room for
/// others; and as many reads in progress as there are call slots, most of them waiting for their commit.
pub(crate) struct ConnectorSlots {
    limit: usize,
    reads: Arc<Semaphore>,
    shares: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// The right to read one request: held until its events are stored.
pub(crate) struct ReadPermit {
    _permit: OwnedSemaphorePermit,
}

/// A part of the connector's own share of call slots.
pub(crate) struct Share(OwnedSemaphorePermit);

/// The right to make one plugin call: dropped when the plugin has answered.
pub(crate) struct CallSlot {
    _share: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl CallSlots {
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self { limit, all: Arc::new(Semaphore::new(limit)) }
    }

    pub fn for_connector(&self) -> ConnectorSlots {
        ConnectorSlots {
            limit: self.limit,
            reads: Arc::new(Semaphore::new(self.limit)),
            shares: Arc::new(Semaphore::new(self.limit.div_ceil(4))),
            all: Arc::clone(&self.all),
        }
    }
}

impl ConnectorSlots {
    /// Waits until the connector may read one more request. None never, since no semaphore is closed; so for all.
    pub async fn read(&self) -> Option<ReadPermit> {
        let permit = Arc::clone(&self.reads).acquire_owned().await.ok()?;
        Some(ReadPermit { _permit: permit })
    }

    /// Waits for a part of the connector's own share. Holding it takes no slot from others.
    pub async fn share(&self) -> Option<Share> {
        Arc::clone(&self.shares).acquire_owned().await.ok().map(Share)
    }

    /// Waits for a call slot among those of all connectors.
    pub async fn call(&self, share: Share) -> Option<CallSlot> {
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(CallSlot { _share: share.0, _all: all })
    }

    /// How many further calls the connector's own share allows now.
    pub fn free_shares(&self) -> usize {
        self.shares.available_permits()
    }

    /// True when no request is being read besides the one that a permit is held for.
    pub fn is_idle(&self) -> bool {
        self.reads.available_permits().saturating_add(1) >= self.limit
    }
}
