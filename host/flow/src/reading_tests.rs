//! The journal and a read driver together: what waits in memory, what waits in the store, and that all is read once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_model::time::Millis;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connectors::Connectors;
use crate::gate::{self, Gate};
use crate::journal::Journal;
use crate::pending::PendingInbounds as _;
use crate::problem::problem;
use crate::read::{CallSlot, CallSlots, Parts, ReadDriver, ReadInbound, ReadOutcome, ReadQueues};
use crate::testing::{MemoryInbounds, SkippingClock, accept, eventually};
use crossdock_engine::view::Inbound;

const READ_TIME: Duration = Duration::from_secs(1);

/// Reads a request when there is a permit for it; the first attempt at it may be postponed.
struct TestReader {
    inbounds: Arc<MemoryInbounds>,
    open: Semaphore,
    postpones: bool,
    started: AtomicUsize,
    /// The id and the attempts of each request that was read.
    read: Mutex<Vec<(i64, u32)>>,
}

#[async_trait]
impl ReadInbound for TestReader {
    async fn read(&self, inbound: Inbound, slot: CallSlot) -> ReadOutcome {
        self.started.fetch_add(1, Ordering::SeqCst);
        self.open.acquire().await.unwrap().forget();
        self.read.lock().unwrap().push((inbound.id, inbound.attempts));
        if self.postpones && inbound.attempts == 0 {
            let now = Millis(0);
            let why = problem("unavailable", "down");
            let due_at = inbound.received_at.plus(Duration::from_millis(50));
            self.inbounds.postpone(inbound.id, due_at, why, now).await.unwrap();
            return ReadOutcome::Postponed;
        }
        self.inbounds.finish(inbound.id);
        drop(slot);
        ReadOutcome::Done
    }
}

/// A read driver for a shop, of which a quarter of `slots` reads at once.
struct Fixture {
    clock: Arc<SkippingClock>,
    inbounds: Arc<MemoryInbounds>,
    reader: Arc<TestReader>,
    queues: ReadQueues,
    journal: Journal,
    drain: CancellationToken,
}

impl Fixture {
    fn start(slots: usize, waiting: usize, postpones: bool) -> Self {
        let clock: Arc<SkippingClock> = Arc::default();
        let inbounds: Arc<MemoryInbounds> = Arc::default();
        inbounds.add("shop", waiting);
        let reader = Arc::new(TestReader {
            inbounds: Arc::clone(&inbounds),
            open: Semaphore::new(0),
            postpones,
            started: AtomicUsize::new(0),
            read: Mutex::default(),
        });
        let options = gate::Options { limit: 10, max_wait: Duration::ZERO };
        let gate = Gate::new(options, [("shop".to_owned(), false)]);
        let lease = READ_TIME * 60;
        let (queues, mut receivers) = ReadQueues::new([("shop".to_owned(), lease)], &gate);
        let (connector, direct) = receivers.remove(0);
        let driver = ReadDriver::new(Parts {
            queue: queues.get(&connector).unwrap().clone(),
            connector,
            direct,
            slots: CallSlots::new(slots).for_connector(),
            connectors: Arc::new(Connectors::new([])),
            inbounds: Arc::clone(&inbounds) as _,
            reader: Arc::clone(&reader) as _,
            clock: Arc::clone(&clock) as _,
            max_read_time: READ_TIME,
        });
        let journal = Journal::new(Arc::clone(&inbounds) as _, queues.clone(), Arc::clone(&clock) as _);
        let drain = CancellationToken::new();
        tokio::spawn(driver.run(TaskTracker::new(), drain.clone()));
        Self { clock, inbounds, reader, queues, journal, drain }
    }

    /// Waits until the driver has seen that nothing waits in the store.
    async fn idle(&self) {
        let queue = self.queues.get("shop").unwrap();
        eventually("the driver is idle", || !queue.has_unclaimed()).await;
    }

    async fn store(&self, dedupe: &str) {
        self.journal.store(accept("shop", dedupe)).await.unwrap();
    }

    fn read(&self) -> Vec<(i64, u32)> {
        let mut read = self.reader.read.lock().unwrap().clone();
        read.sort_unstable();
        read
    }

    async fn all_read(&self) {
        eventually("all are read", || self.inbounds.pending() == 0).await;
        eventually("none is counted as pending", || self.queues.pending() == 0).await;
        self.drain.cancel();
    }
}

#[tokio::test]
async fn requests_that_wait_in_the_store_are_claimed_no_more_at_a_time_than_are_read_at_once() {
    let fixture = Fixture::start(16, 1000, false);
    eventually("as many are read as may be", || fixture.inbounds.claimed().0 == 4).await;
    fixture.reader.open.add_permits(1000);
    fixture.all_read().await;
    assert_eq!(fixture.read().len(), 1000);
    assert!(fixture.inbounds.claimed().1 <= 4, "{:?}", fixture.inbounds.claimed());
}

#[tokio::test]
async fn a_request_that_was_just_accepted_is_read_from_memory() {
    let fixture = Fixture::start(4, 0, false);
    fixture.idle().await;
    fixture.reader.open.add_permits(1);
    fixture.store("1").await;
    fixture.all_read().await;
    assert_eq!(fixture.inbounds.claims(), 0);
}

#[tokio::test]
async fn requests_beyond_the_places_in_memory_wait_in_the_store_and_all_are_read_once() {
    let fixture = Fixture::start(16, 0, false);
    fixture.idle().await;
    for number in 0..600 {
        fixture.store(&number.to_string()).await;
    }
    assert_eq!(fixture.queues.pending(), 600);
    assert!(fixture.inbounds.leased() < 300, "{}", fixture.inbounds.leased());
    fixture.reader.open.add_permits(1000);
    fixture.all_read().await;
    let read: Vec<i64> = fixture.read().into_iter().map(|(id, _)| id).collect();
    assert_eq!(read, (1..=600).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_postponed_request_is_claimed_again_when_it_is_due() {
    let fixture = Fixture::start(4, 2, true);
    fixture.reader.open.add_permits(10);
    fixture.all_read().await;
    assert_eq!(fixture.read(), [(1, 0), (1, 1), (2, 0), (2, 1)]);
}

#[tokio::test]
async fn a_request_whose_lease_ran_out_in_memory_is_not_read_from_there() {
    let fixture = Fixture::start(4, 0, false);
    fixture.idle().await;
    // The first is being read, the second waits behind it.
    fixture.store("1").await;
    eventually("the first is being read", || fixture.reader.started.load(Ordering::SeqCst) == 1).await;
    fixture.store("2").await;
    fixture.clock.skip(READ_TIME * 60);
    assert_eq!(fixture.inbounds.claims(), 0);
    fixture.reader.open.add_permits(2);
    fixture.all_read().await;
    assert_eq!(fixture.read(), [(1, 0), (2, 0)]);
    assert_eq!(fixture.inbounds.claims(), 1, "the second was claimed from the store");
}
