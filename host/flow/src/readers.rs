//! Requests that are kept wait to be read, each in the queue of its connector.
//!
//! A source whose system hangs holds up its own requests and no others: so many of a connector are read at the
//! same moment, a quarter of all places is the most that its plugin's calls may take, and what piles up behind
//! them counts at the gate for that connector alone.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use crate::gate::{Gate, Load};
use crate::reader::{self, Unread};
use crate::shared::Shared;

/// What is kept of one connector and not yet read.
pub(crate) struct Queue {
    /// How much that is.
    pub load: Arc<Load>,
    sender: mpsc::UnboundedSender<Unread>,
}

/// The other end of a queue, with the connector's name.
pub(crate) type Waiting = (String, mpsc::UnboundedReceiver<Unread>);

/// The queues of all connectors, and one for requests whose connector is configured no more.
pub(crate) struct Queues {
    queues: HashMap<String, Queue>,
    orphans: Queue,
}

impl Queues {
    pub fn new(connectors: impl Iterator<Item = String>, gate: &Gate) -> (Self, Vec<Waiting>) {
        let mut waiting = Vec::new();
        let mut queue = |name: &str| {
            let (sender, receiver) = mpsc::unbounded_channel();
            waiting.push((name.to_owned(), receiver));
            Queue { load: gate.own_load(), sender }
        };
        let orphans = queue("");
        let queues = connectors.map(|name| (name.clone(), queue(&name))).collect();
        (Self { queues, orphans }, waiting)
    }

    pub fn of(&self, connector: &str) -> &Queue {
        self.queues.get(connector).unwrap_or(&self.orphans)
    }

    /// How many requests wait or are being read.
    pub fn count(&self) -> i64 {
        self.queues.values().chain([&self.orphans]).map(|queue| queue.load.count()).sum()
    }

    pub fn put(&self, unread: Unread) {
        let queue = self.of(&unread.connector);
        queue.load.add(1);
        if queue.sender.send(unread).is_err() {
            // The readers have ended: it is durable, and the next start reads it.
            queue.load.add(-1);
        }
    }
}

/// How many requests are read at the same moment.
#[derive(Clone)]
pub(crate) struct Places {
    limit: usize,
    calls: Arc<Semaphore>,
}

/// The right to call a plugin: given back when it has answered.
pub(crate) struct Slot {
    _share: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Places {
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self { limit, calls: Arc::new(Semaphore::new(limit)) }
    }
}

/// Reads the requests of one queue as they are kept, until the host is told to stop. What is left then is durable,
/// and the next start takes it up.
pub(crate) async fn run(shared: Arc<Shared>, waiting: Waiting, places: Places, reads: TaskTracker) {
    let (name, mut unread) = waiting;
    let reading = Arc::new(Semaphore::new(places.limit));
    let share = Arc::new(Semaphore::new(places.limit.div_ceil(4)));
    loop {
        let next = async {
            let next = unread.recv().await?;
            let read = Arc::clone(&reading).acquire_owned().await.ok()?;
            // What waits for its turn, or for its connector's own calls, takes no place from others.
            let turn = shared.connectors.turn(&name).await;
            let share = Arc::clone(&share).acquire_owned().await.ok()?;
            let place = Arc::clone(&places.calls).acquire_owned().await.ok()?;
            Some((next, (read, turn), Slot { _share: share, _place: place }))
        };
        let next = tokio::select! {
            biased;
            () = shared.drain.cancelled() => return,
            next = next => next,
        };
        let Some((next, held, slot)) = next else { return };
        let (shared, name) = (Arc::clone(&shared), name.clone());
        reads.spawn(async move {
            reader::read(&shared, next, slot).await;
            shared.unread.of(&name).load.add(-1);
            drop(held);
        });
    }
}
