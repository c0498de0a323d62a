//! Group commit: many callers, one transaction.
//!
//! A durable commit takes some milliseconds whatever it holds. So a caller submits a command and waits, and one task
//! applies everything that has queued meanwhile in one [`Store::apply`]. While the disk works on one group, the next
//! one queues: the busier the host, the larger the groups.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crossdock_engine::{
    Accept, Accepted, Admit, Admitted, Applied, Claim, Claimed, Command, Error, Result, Settle, SettleBatch,
    Settled, Store, Tally,
};

/// How the writer groups.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many commands may wait before callers do.
    pub queue: usize,
    /// How many commands go into one transaction at most.
    pub group: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue: 4096, group: 64 }
    }
}

struct Queued {
    command: Command,
    answer: oneshot::Sender<Result<Applied>>,
}

/// The way into the store. Clones share one queue.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Queued>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(Mutex<HashMap<String, Arc<Notify>>>);

impl Wakes {
    fn of(&self, connector: &str) -> Arc<Notify> {
        let mut wakes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match wakes.get(connector) {
            Some(wake) => Arc::clone(wake),
            None => Arc::clone(wakes.entry(connector.to_owned()).or_default()),
        }
    }
}

impl Writer {
    /// Starts the task that writes. It ends when the last writer is dropped and everything queued is
    /// written; the handle says when that is.
    pub fn start(store: Store, options: Options) -> (Self, JoinHandle<()>) {
        let (queue, queued) = mpsc::channel(options.queue.max(1));
        let wakes = Arc::new(Wakes::default());
        let task = tokio::spawn(run(store, queued, Arc::clone(&wakes), options.group.max(1)));
        (Self { queue, wakes }, task)
    }

    /// Submits a command and waits until it is durable; waits for room in the queue too.
    ///
    /// # Errors
    /// What the store answered; [`Error::Closed`] when the writer has ended.
    pub async fn submit(&self, command: Command) -> Result<Applied> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Queued { command, answer }).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// As [`Self::submit`], but refused instead of waiting for room in the queue: for callers whose own callers can
    /// come back later.
    ///
    /// # Errors
    /// [`Error::Busy`] when the queue is full, else as `submit`.
    pub async fn try_submit(&self, command: Command) -> Result<Applied> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Queued { command, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Stores a raw request; never waits for room in the queue.
    ///
    /// # Errors
    /// As [`Self::try_submit`].
    pub async fn accept(&self, accept: Accept) -> Result<Accepted> {
        match self.try_submit(Command::Accept(accept)).await? {
            Applied::Accepted(accepted) => Ok(accepted),
            other => Err(mismatch(&other)),
        }
    }

    /// Stores events and enqueues their deliveries.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn admit(&self, admit: Admit) -> Result<Admitted> {
        match self.submit(Command::Admit(admit)).await? {
            Applied::Admitted(admitted) => Ok(admitted),
            other => Err(mismatch(&other)),
        }
    }

    /// Claims due deliveries.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>> {
        match self.submit(Command::Claim(claim)).await? {
            Applied::Claimed(claimed) => Ok(claimed),
            other => Err(mismatch(&other)),
        }
    }

    /// Records the outcome of a claimed delivery.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the claim is no longer the newest; else as [`Self::submit`].
    pub async fn settle(&self, settle: Settle) -> Result<Settled> {
        match self.submit(Command::Settle(Box::new(settle))).await? {
            Applied::Settled(settled) => Ok(settled),
            other => Err(mismatch(&other)),
        }
    }

    /// Records the outcomes of all deliveries of one call, with its outbox entries.
    ///
    /// # Errors
    /// As [`Self::settle`]; then none of it was recorded.
    pub async fn settle_batch(&self, batch: SettleBatch) -> Result<Vec<Settled>> {
        match self.submit(Command::SettleBatch(Box::new(batch))).await? {
            Applied::SettledBatch(settled) => Ok(settled),
            other => Err(mismatch(&other)),
        }
    }

    /// Submits a command that moves any number of deliveries.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn tally(&self, command: Command) -> Result<Tally> {
        match self.submit(command).await? {
            Applied::Tally(tally) => Ok(tally),
            _ => Ok(Tally::default()),
        }
    }

    /// Is notified after every commit that left the connector something new to claim. One permit is stored
    /// while nobody listens, so nothing is missed between a claim and the wait.
    #[must_use]
    pub fn wake(&self, connector: &str) -> Arc<Notify> {
        self.wakes.of(connector)
    }

    /// How many commands wait to be written, and how many may.
    #[must_use]
    pub fn depth(&self) -> (usize, usize) {
        let capacity = self.queue.max_capacity();
        (capacity - self.queue.capacity(), capacity)
    }
}

async fn run(store: Store, mut queued: mpsc::Receiver<Queued>, wakes: Arc<Wakes>, group: usize) {
    let mut taken = Vec::with_capacity(group);
    while queued.recv_many(&mut taken, group).await > 0 {
        let (commands, callers): (Vec<_>, Vec<_>) =
            taken.drain(..).map(|queued| (queued.command, queued.answer)).unzip();
        let (count, begun) = (commands.len(), Instant::now());
        let applied = store.apply(commands).await;
        metrics::histogram!("crossdock_commit_seconds").record(begun.elapsed().as_secs_f64());
        metrics::histogram!("crossdock_commit_commands").record(count as f64);
        match applied {
            Ok(answers) => {
                for (answer, caller) in answers.into_iter().zip(callers) {
                    if let Ok(applied) = &answer {
                        for connector in applied.ready() {
                            wakes.of(connector).notify_one();
                        }
                    }
                    // A caller that has gone away has its command done all the same.
                    let _ = caller.send(answer);
                }
            }
            Err(error) => {
                let text = error.to_string();
                tracing::error!(%error, commands = callers.len(), "a transaction failed; nothing of it was stored");
                for caller in callers {
                    let _ = caller.send(Err(Error::Transaction(text.clone())));
                }
            }
        }
    }
}

/// An answer that belongs to another kind of command: a fault of the engine.
fn mismatch(answer: &Applied) -> Error {
    Error::Transaction(format!("the answer does not belong to the command: {answer:?}"))
}
