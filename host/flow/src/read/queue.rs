//! The way to a connector's read driver: hands it requests that were just accepted, wakes it, and counts what is
//! pending.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::gate::{Gate, Load};
use crate::lease::Lease;
use crossdock_engine::view::{Inbound, PendingCount};

/// How many requests that were just accepted wait in memory to be read, for each connector. Further ones wait in the
/// store.
const MAX_DIRECT_REQUESTS: usize = 256;

/// How much memory the bodies of these requests take together, in KiB. A request that does not fit waits in the store.
const MAX_DIRECT_KIB: usize = 4096;

/// A request, and the lease on it that this host holds.
#[derive(Debug)]
pub(crate) struct Leased {
    pub inbound: Inbound,
    pub lease: Lease,
    /// What it counts against the memory for requests that were just accepted.
    _memory: Option<OwnedSemaphorePermit>,
}

impl Leased {
    /// A request that was claimed from the store.
    pub fn claimed(inbound: Inbound, lease: Lease) -> Self {
        Self { inbound, lease, _memory: None }
    }
}

/// What reading a request led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// Its events are stored, or it is quarantined.
    Done,
    /// It is read again later.
    Postponed,
    /// Another reader had finished it.
    AlreadyDone,
    /// Nothing was recorded: it is read again when its lease has ended.
    Abandoned,
}

/// The handle of one connector's read driver. Clones are cheap.
#[derive(Clone)]
pub(crate) struct ReadQueue(Arc<Inner>);

struct Inner {
    /// How long a request is leased that is handed over directly.
    lease: Duration,
    /// Requests that nobody has tried to read, and those that are being read. They count at the gate.
    in_progress: Arc<Load>,
    /// Requests that could not be read when they were tried. The store is the place for them to wait.
    postponed: AtomicI64,
    direct: mpsc::Sender<Leased>,
    memory: Arc<Semaphore>,
    /// True while the store may hold due requests that nobody has claimed.
    unclaimed: AtomicBool,
    wake: Notify,
}

/// A place in memory for one request.
pub(crate) struct DirectSlot {
    permit: mpsc::OwnedPermit<Leased>,
    memory: OwnedSemaphorePermit,
}

impl DirectSlot {
    /// Sends the request to the driver.
    pub fn send(self, inbound: Inbound, lease: Lease) {
        self.permit.send(Leased { inbound, lease, _memory: Some(self.memory) });
    }
}

/// The requests that were handed over directly.
pub(crate) struct DirectRequests(mpsc::Receiver<Leased>);

impl DirectRequests {
    /// The next request, if there is one now.
    pub fn try_next(&mut self) -> Option<Leased> {
        self.0.try_recv().ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits for the next request; for ever when no more can come.
    pub async fn next(&mut self) -> Leased {
        match self.0.recv().await {
            Some(leased) => leased,
            None => std::future::pending().await,
        }
    }
}

impl ReadQueue {
    /// A queue whose requests in progress are counted in `in_progress`. The store is taken to hold unclaimed requests
    /// until a claim has found none.
    pub fn new(lease: Duration, in_progress: Arc<Load>) -> (Self, DirectRequests) {
        let (direct, receiver) = mpsc::channel(MAX_DIRECT_REQUESTS);
        let inner = Inner {
            lease,
            in_progress,
            postponed: AtomicI64::new(0),
            direct,
            memory: Arc::new(Semaphore::new(MAX_DIRECT_KIB)),
            unclaimed: AtomicBool::new(true),
            wake: Notify::new(),
        };
        (Self(Arc::new(inner)), DirectRequests(receiver))
    }

    /// How long a claimed request is leased.
    pub fn lease(&self) -> Duration {
        self.0.lease
    }

    /// A place for a request of this size that is about to be stored. None when the request has to wait in the store:
    /// behind others that wait there, or since there is no room in memory.
    pub fn reserve(&self, bytes: usize) -> Option<DirectSlot> {
        if self.has_unclaimed() {
            return None;
        }
        let kib = u32::try_from(bytes / 1024 + 1).ok()?;
        let memory = Arc::clone(&self.0.memory).try_acquire_many_owned(kib).ok()?;
        let permit = self.0.direct.clone().try_reserve_owned().ok()?;
        Some(DirectSlot { permit, memory })
    }

    /// A request was stored and is handed over directly.
    pub fn stored(&self) {
        self.0.in_progress.add(1);
    }

    /// A request was stored, or made pending again, and waits in the store.
    pub fn stored_unclaimed(&self) {
        self.stored();
        self.0.unclaimed.store(true, Ordering::Release);
        self.wake();
    }

    /// Wakes the driver, so that it looks up when the next request is due.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Ends with the next wake-up, or at once when there was one since the last wait.
    pub fn woken(&self) -> Notified<'_> {
        self.0.wake.notified()
    }

    /// Whether the store may hold due requests that nobody has claimed.
    pub fn has_unclaimed(&self) -> bool {
        self.0.unclaimed.load(Ordering::Acquire)
    }

    /// The same, and clears the flag, since the caller claims from the store.
    pub fn take_unclaimed(&self) -> bool {
        self.0.unclaimed.swap(false, Ordering::AcqRel)
    }

    /// The store holds more due requests than were claimed.
    pub fn set_unclaimed(&self) {
        self.0.unclaimed.store(true, Ordering::Release);
    }

    /// A request was claimed from the store.
    pub fn claimed(&self, inbound: &Inbound) {
        if inbound.attempts > 0 {
            self.count_postponed(-1);
            self.0.in_progress.add(1);
        }
    }

    /// Reading a request has ended that had been tried so often before.
    pub fn read(&self, attempts: u32, outcome: ReadOutcome) {
        match outcome {
            ReadOutcome::Done => self.0.in_progress.add(-1),
            ReadOutcome::Postponed => {
                self.0.in_progress.add(-1);
                self.count_postponed(1);
                self.wake();
            }
            // It will be claimed again with the attempts that it had.
            ReadOutcome::Abandoned if attempts > 0 => {
                self.0.in_progress.add(-1);
                self.count_postponed(1);
            }
            ReadOutcome::Abandoned | ReadOutcome::AlreadyDone => {}
        }
    }

    /// Adds what a former process left pending.
    pub fn add(&self, count: &PendingCount) {
        self.0.in_progress.add(i64::try_from(count.fresh).unwrap_or(i64::MAX));
        self.count_postponed(i64::try_from(count.postponed).unwrap_or(i64::MAX));
    }

    /// Nothing is pending: corrects what was miscounted.
    pub fn nothing_pending(&self) {
        self.0.in_progress.set(0);
        self.0.postponed.store(0, Ordering::Relaxed);
    }

    /// How many requests are pending.
    pub fn pending(&self) -> i64 {
        self.0.in_progress.count().saturating_add(self.0.postponed.load(Ordering::Relaxed))
    }

    fn count_postponed(&self, count: i64) {
        let add = |now: i64| Some(now.saturating_add(count).max(0));
        let _ = self.0.postponed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

/// The queues of all connectors. Clones are cheap.
#[derive(Clone)]
pub(crate) struct ReadQueues(Arc<HashMap<String, ReadQueue>>);

impl ReadQueues {
    /// Queues for connectors, each with the length of its leases; with each queue its receiving end.
    pub fn new(
        connectors: impl IntoIterator<Item = (String, Duration)>,
        gate: &Gate,
    ) -> (Self, Vec<(String, DirectRequests)>) {
        let (mut queues, mut receivers) = (HashMap::new(), Vec::new());
        for (name, lease) in connectors {
            let Some(load) = gate.requests(&name) else { continue };
            let (queue, receiver) = ReadQueue::new(lease, Arc::clone(load));
            queues.insert(name.clone(), queue);
            receivers.push((name, receiver));
        }
        (Self(Arc::new(queues)), receivers)
    }

    /// The queue of a connector. None for connectors that are not configured.
    pub fn get(&self, connector: &str) -> Option<&ReadQueue> {
        self.0.get(connector)
    }

    /// How many requests of all configured connectors are pending.
    pub fn pending(&self) -> i64 {
        self.0.values().map(ReadQueue::pending).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate;

    fn queue() -> (ReadQueue, DirectRequests) {
        let options = gate::Options { limit: 10, max_wait: Duration::ZERO };
        let gate = Gate::new(options, [("shop".to_owned(), false)]);
        let (queue, direct) =
            ReadQueue::new(Duration::from_secs(60), Arc::clone(gate.requests("shop").unwrap()));
        queue.take_unclaimed();
        (queue, direct)
    }

    #[test]
    fn no_more_requests_wait_in_memory_than_there_are_places() {
        let (queue, _direct) = queue();
        let slots: Vec<_> = (0..1000).map_while(|_| queue.reserve(1)).collect();
        assert_eq!(slots.len(), MAX_DIRECT_REQUESTS);
        drop(slots);
        let megabytes: Vec<_> = (0..10).map_while(|_| queue.reserve(1_000_000)).collect();
        assert_eq!(megabytes.len(), 4);
        drop(megabytes);
        assert!(queue.reserve(MAX_DIRECT_KIB * 1024).is_none() && queue.reserve(1024).is_some());
    }

    #[test]
    fn a_request_waits_behind_those_in_the_store() {
        let (queue, _direct) = queue();
        queue.stored_unclaimed();
        assert!(queue.reserve(1).is_none());
        assert!(queue.take_unclaimed() && !queue.take_unclaimed());
        assert!(queue.reserve(1).is_some());
    }

    #[test]
    fn a_postponed_request_is_pending_but_not_in_progress() {
        let (queue, _direct) = queue();
        let counts = || (queue.0.in_progress.count(), queue.pending());
        queue.stored();
        queue.read(0, ReadOutcome::Postponed);
        assert_eq!(counts(), (0, 1));
        let tried = Inbound {
            id: 1,
            connector: "shop".into(),
            received_at: crossdock_model::time::Millis(0),
            trace: String::new(),
            attempts: 1,
            request: None,
        };
        queue.claimed(&tried);
        assert_eq!(counts(), (1, 1));
        queue.read(1, ReadOutcome::Abandoned);
        assert_eq!(counts(), (0, 1));
        queue.claimed(&tried);
        queue.read(1, ReadOutcome::Done);
        assert_eq!(counts(), (0, 0));
    }
}
