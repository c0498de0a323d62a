//! Counts the calls of a plugin while they are in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Work};
use crossdock_model::event::Event;

use crate::connector::Connector;
use crate::plugins::{CallEffects, Finding, NoAnswer, Plugin};

/// The connector with its plugin's calls counted.
pub(super) fn counted(mut connector: Connector) -> Connector {
    connector.plugin = Arc::new(Counted { plugin: connector.plugin, calls: AtomicU32::new(0) });
    connector
}

struct Counted {
    plugin: Arc<dyn Plugin>,
    calls: AtomicU32,
}

/// One call in flight.
struct InFlight<'a>(&'a AtomicU32);

impl Counted {
    fn call(&self) -> InFlight<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.calls)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Plugin for Counted {
    async fn receive(
        &self,
        inbound: Inbound,
    ) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, CallEffects) {
        let _call = self.call();
        self.plugin.receive(inbound).await
    }

    async fn poll(&self, cursor: Option<String>, limit: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        let _call = self.call();
        self.plugin.poll(cursor, limit).await
    }

    async fn deliver(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, CallEffects) {
        let _call = self.call();
        self.plugin.deliver(trace, work).await
    }

    async fn find(&self, trace: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, CallEffects) {
        let _call = self.call();
        self.plugin.find(trace, work).await
    }

    async fn check(&self, address: &str, repair: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        let _call = self.call();
        self.plugin.check(address, repair).await
    }

    fn in_flight(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}
