//! Back-pressure: intake refuses requests while reading and dispatch fall behind.
//!
//! Deliveries to a target that is down, paused or rate-limited do not count: the durable queue exists for them. Work
//! that this host has accepted and could do now counts. A request that arrives while there is too much of it waits for
//! a moment, which slows its sender to the pace of the host, and is then refused with a `Retry-After`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// The amount of one kind of work in progress.
#[derive(Debug)]
pub(crate) struct Load {
    count: AtomicI64,
    exempt: AtomicBool,
    decreased: Arc<Notify>,
}

impl Load {
    fn new(decreased: &Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            count: AtomicI64::new(0),
            exempt: AtomicBool::new(false),
            decreased: Arc::clone(decreased),
        })
    }

    /// Adds `count` to the work in progress; negative when work has ended. Never falls below zero.
    pub fn add(&self, count: i64) {
        let add = |now: i64| Some(now.saturating_add(count).max(0));
        let _ = self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        if count < 0 {
            self.decreased.notify_waiters();
        }
    }

    /// Sets the work in progress to `count`.
    pub fn set(&self, count: i64) {
        self.count.store(count.max(0), Ordering::Relaxed);
        self.decreased.notify_waiters();
    }

    /// Sets whether the work waits for something that this host cannot speed up, and so does not count.
    pub fn set_exempt(&self, exempt: bool) {
        self.exempt.store(exempt, Ordering::Relaxed);
        if exempt {
            self.decreased.notify_waiters();
        }
    }

    /// The amount of work in progress, exempt or not.
    pub fn count(&self) -> i64 {
        self.count.load(Ordering::Relaxed)
    }

    fn counted(&self) -> i64 {
        if self.exempt.load(Ordering::Relaxed) { 0 } else { self.count() }
    }
}

/// How much work may be in progress before requests are refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The limit for one connector: all deliveries in progress, and its own requests that are not yet read.
    pub limit: u64,
    /// How long a request waits before it is refused.
    pub max_wait: Duration,
}

/// Adds up the work in progress. Deliveries count against every connector's requests; unread requests count
/// against requests of their own connector only, so a source whose system hangs does not block others.
#[derive(Debug)]
pub(crate) struct Gate {
    deliveries: HashMap<String, Arc<Load>>,
    requests: HashMap<String, Arc<Load>>,
    limit: i64,
    max_wait: Duration,
    decreased: Arc<Notify>,
}

impl Gate {
    /// A gate without work in progress. `connectors` are the names of all connectors, each with whether it
    /// delivers.
    pub fn new(options: Options, connectors: impl IntoIterator<Item = (String, bool)>) -> Self {
        let decreased = Arc::new(Notify::new());
        let (mut deliveries, mut requests) = (HashMap::new(), HashMap::new());
        for (name, delivers) in connectors {
            if delivers {
                deliveries.insert(name.clone(), Load::new(&decreased));
            }
            requests.insert(name, Load::new(&decreased));
        }
        let limit = i64::try_from(options.limit).unwrap_or(i64::MAX);
        Self { deliveries, requests, limit, max_wait: options.max_wait, decreased }
    }

    /// The deliveries in progress of a connector. None for connectors that deliver nothing.
    pub fn deliveries(&self, connector: &str) -> Option<&Arc<Load>> {
        self.deliveries.get(connector)
    }

    /// The requests of a connector that are stored and not yet read. None for unknown connectors.
    pub fn requests(&self, connector: &str) -> Option<&Arc<Load>> {
        self.requests.get(connector)
    }

    /// True when one more request of this connector can be accepted now, or within the longest wait.
    pub async fn enter(&self, connector: &str) -> bool {
        if self.level_for(connector) < self.limit {
            return true;
        }
        let below_limit = async {
            loop {
                let decreased = self.decreased.notified();
                if self.level_for(connector) < self.limit {
                    return;
                }
                decreased.await;
            }
        };
        tokio::time::timeout(self.max_wait, below_limit).await.is_ok()
    }

    fn level_for(&self, connector: &str) -> i64 {
        let deliveries: i64 = self.deliveries.values().map(|load| load.counted()).sum();
        let own = self.requests.get(connector).map_or(0, |load| load.counted());
        deliveries.saturating_add(own)
    }

    /// All work in progress that counts.
    pub fn level(&self) -> i64 {
        self.deliveries.values().chain(self.requests.values()).map(|load| load.counted()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gate that two pieces of work fill, for a shop that does not deliver and an ERP that does.
    fn gate(max_wait: Duration) -> Gate {
        let connectors = [("shop".to_owned(), false), ("till".to_owned(), false), ("erp".to_owned(), true)];
        Gate::new(Options { limit: 2, max_wait }, connectors)
    }

    #[tokio::test]
    async fn a_full_gate_waits_and_then_refuses() {
        let gate = gate(Duration::from_millis(20));
        gate.deliveries("erp").unwrap().add(2);
        let before = tokio::time::Instant::now();
        assert!(!gate.enter("shop").await);
        assert!(before.elapsed() >= Duration::from_millis(20));
    }

    #[tokio::test]
    async fn a_waiting_request_enters_when_work_ends() {
        let gate = Arc::new(gate(Duration::from_secs(60)));
        let deliveries = Arc::clone(gate.deliveries("erp").unwrap());
        deliveries.add(2);
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter("shop").await }
        });
        tokio::task::yield_now().await;
        deliveries.add(-1);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn deliveries_to_a_target_that_is_down_refuse_no_request() {
        let gate = gate(Duration::from_secs(1));
        let deliveries = gate.deliveries("erp").unwrap();
        deliveries.add(1000);
        deliveries.set_exempt(true);
        assert!(gate.enter("shop").await);
    }

    #[tokio::test]
    async fn unread_requests_of_one_connector_refuse_no_other_connectors_requests() {
        let gate = gate(Duration::from_millis(20));
        gate.requests("shop").unwrap().add(2);
        assert!(!gate.enter("shop").await && gate.enter("till").await);
        assert_eq!(gate.level(), 2);
    }
}
