//! Claims whose lease runs out before the call is made: with a plugin of the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_exchange::{ExchangeFolder, Layout, Local};
use crossdock_flow::connector::{Connector, Folder, Sink};
use crossdock_flow::plugins::{CallEffects, Finding, NoAnswer, Plugin};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Receipt, Work};
use crossdock_model::event::Event;
use crossdock_rules::lookup::Keys;
use crossdock_rules::outcome::{Fault, Policy};
use crossdock_rules::retry::Backoff;
use world::{RecordingPlugin, TestClock, World, connector};

/// A plugin whose first delivery takes an hour, by the clocks that the test passes in.
#[derive(Default)]
struct SlowPlugin {
    clock: Arc<TestClock>,
    slow: AtomicBool,
    /// What was called for which key.
    calls: Mutex<Vec<(&'static str, String)>>,
}

impl SlowPlugin {
    fn record(&self, call: &'static str, work: &[Work]) {
        self.calls.lock().unwrap().extend(work.iter().map(|work| (call, work.key.clone())));
    }

    fn calls_for(&self, key: &str) -> Vec<&'static str> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(_, called)| called == key).map(|(call, _)| *call).collect()
    }
}

fn no_answer<T>() -> Result<T, NoAnswer> {
    Err(NoAnswer { fault: Fault::Trap, message: "not implemented".into() })
}

fn receipt() -> Receipt {
    Receipt { references: vec![], written: vec![], note: None }
}

#[async_trait]
impl Plugin for SlowPlugin {
    async fn receive(&self, _: Inbound) -> (Result<Result<Vec<Event>, Failure>, NoAnswer>, CallEffects) {
        (no_answer(), CallEffects::default())
    }

    async fn poll(&self, _: Option<String>, _: u32) -> Result<Result<Page, Failure>, NoAnswer> {
        no_answer()
    }

    async fn deliver(&self, _: &str, work: Vec<Work>) -> (Result<Vec<Outcome>, NoAnswer>, CallEffects) {
        self.record("deliver", &work);
        if self.slow.swap(false, Ordering::SeqCst) {
            self.clock.skip(Duration::from_secs(3600));
        }
        (Ok(work.iter().map(|_| Outcome::Posted(receipt())).collect()), CallEffects::default())
    }

    async fn find(&self, _: &str, work: Vec<Work>) -> (Result<Vec<Found>, NoAnswer>, CallEffects) {
        self.record("find", &work);
        let found = work.iter().map(|work| {
            let delivered = self.calls_for(&work.key).contains(&"deliver");
            if delivered { Found::Present(receipt()) } else { Found::Absent }
        });
        (Ok(found.collect()), CallEffects::default())
    }

    async fn check(&self, _: &str, _: bool) -> Result<Result<Vec<Finding>, Failure>, NoAnswer> {
        no_answer()
    }
}

/// A connector that writes files: it makes one call after another.
fn connector_of(plugin: &Arc<SlowPlugin>, dir: &std::path::Path) -> Connector {
    let folder = Folder {
        files: Arc::new(ExchangeFolder::new(Local::new(dir.join("files")), &Layout::default())),
        address: "files".into(),
        every: Duration::from_secs(3600),
        settle: Duration::ZERO,
        limit: 1000,
    };
    let policy = Policy {
        keys: Keys::Find,
        max_inflight: Duration::from_millis(1),
        backoff: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) },
        ..Policy::default()
    };
    let sink = Sink { kinds: vec!["order.placed".into()], batch: 1, concurrency: 4, rate: None, policy };
    Connector {
        plugin: Arc::clone(plugin) as Arc<dyn Plugin>,
        sink: Some(sink),
        folder: Some(folder),
        ..connector(&Arc::new(RecordingPlugin::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_whose_lease_ran_out_behind_a_slow_call_is_looked_up_before_it_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = Arc::new(SlowPlugin { slow: AtomicBool::new(true), ..SlowPlugin::default() });
    let world = World::start(dir.path(), Arc::clone(&plugin.clock), connector_of(&plugin, dir.path())).await;
    // Both are due when the connector is resumed: one claim, two calls.
    world.handle.pause("erp", "test", "test").await.unwrap();
    world.admit_order(1).await;
    world.admit_order(2).await;
    world.handle.resume("erp", "test").await.unwrap();
    world.settled(2).await;
    let calls = [1, 2].map(|id| plugin.calls_for(&format!("shop/t/order/{id}/placed")));
    let looked_up: Vec<&[&str]> =
        calls.iter().filter(|calls| calls[0] == "find").map(Vec::as_slice).collect();
    assert_eq!(looked_up, [["find", "deliver"]], "the one behind the slow call");
    assert_eq!(calls.iter().flatten().filter(|call| **call == "deliver").count(), 2, "{calls:?}");
    world.stop().await;
}
