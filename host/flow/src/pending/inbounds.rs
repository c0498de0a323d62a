//! What the flow needs of the store for pending requests.

use std::time::Duration;

use async_trait::async_trait;
use crossdock_engine::view::{Inbound, PendingCount};
use crossdock_engine::{Accept, Accepted, ClaimInbounds, Result};
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;

/// Pending requests, as the store keeps them. A request is pending from its acceptance until its events are admitted
/// or it is quarantined.
#[async_trait]
pub(crate) trait PendingInbounds: Send + Sync + 'static {
    /// Stores a request, unless it is a duplicate. It is due at once; with a lease, it is leased to the caller from
    /// `accept.received_at` on, who reads it from memory.
    ///
    /// # Errors
    /// [`crossdock_engine::Error::Busy`] when too much is waiting to be written.
    async fn accept(&self, accept: Accept, lease: Option<Duration>) -> Result<Accepted>;

    /// Leases due requests of a connector to the caller, those first that have been due the longest.
    async fn claim(&self, claim: ClaimInbounds) -> Result<Vec<Inbound>>;

    /// Ends the lease of a request that cannot be read now, and makes it due at `due_at`. Its attempts rise by one.
    async fn postpone(&self, inbound: i64, due_at: Millis, why: Problem, now: Millis) -> Result<()>;

    /// Sets a request aside that cannot be read.
    async fn quarantine(&self, inbound: i64, why: Problem) -> Result<()>;

    /// Makes a quarantined request pending again, due at once and without attempts.
    async fn reread(&self, inbound: i64, by: &str, now: Millis) -> Result<()>;

    /// For each connector with pending requests, configured or not: when the first of them can be claimed, by its due
    /// time or the end of its lease.
    async fn next_due(&self) -> Result<Vec<(String, Millis)>>;

    /// How many requests are pending, for each connector that has any.
    async fn counts(&self) -> Result<Vec<PendingCount>>;
}
