//! Pending requests in the store: their due times, leases and attempts lie with them.

use std::time::Duration;

use async_trait::async_trait;
use crossdock_engine::view::{Inbound, PendingCount};
use crossdock_engine::{Accept, Accepted, Applied, ClaimInbounds, Command, Error, Result, Store};
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;
use crossdock_storage::Writer;

use super::inbounds::PendingInbounds;

/// Pending requests behind a store and its writer.
pub(crate) struct StoredInbounds {
    store: Store,
    writer: Writer,
}

impl StoredInbounds {
    pub fn new(store: Store, writer: Writer) -> Self {
        Self { store, writer }
    }

    async fn submit(&self, command: Command) -> Result<()> {
        self.writer.submit(command).await.map(|_| ())
    }
}

#[async_trait]
impl PendingInbounds for StoredInbounds {
    async fn accept(&self, accept: Accept, lease: Option<Duration>) -> Result<Accepted> {
        self.writer.accept(Accept { lease, ..accept }).await
    }

    async fn claim(&self, claim: ClaimInbounds) -> Result<Vec<Inbound>> {
        match self.writer.submit(Command::ClaimInbounds(claim)).await? {
            Applied::Inbounds(inbounds) => Ok(inbounds),
            other => Err(Error::Transaction(format!("a claim of requests was answered with {other:?}"))),
        }
    }

    async fn postpone(&self, inbound: i64, due_at: Millis, why: Problem, now: Millis) -> Result<()> {
        self.submit(Command::PostponeInbound { inbound, due_at, why, now }).await
    }

    async fn quarantine(&self, inbound: i64, why: Problem) -> Result<()> {
        self.submit(Command::Quarantine { inbound, problem: why }).await
    }

    async fn reread(&self, inbound: i64, by: &str, now: Millis) -> Result<()> {
        self.submit(Command::Reread { inbound, by: by.to_owned(), now }).await
    }

    async fn next_due(&self) -> Result<Vec<(String, Millis)>> {
        self.store.next_inbound_due().await
    }

    async fn counts(&self) -> Result<Vec<PendingCount>> {
        self.store.pending_inbounds().await
    }
}
