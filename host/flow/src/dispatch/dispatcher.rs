//! The driver of one sink: decides when to claim, and how much.

use std::sync::Arc;
use std::time::Duration;

use crossdock_engine::{Claim, Claimed, Store};
use crossdock_model::time::Clock;
use crossdock_rules::breaker::Permit;
use crossdock_storage::Writer;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::{Caller, Permitted};
use super::pace::{Capacity, Pace};
use super::record::Recorder;
use crate::connector::{Connector, Sink};
use crate::connectors::{Connectors, Turn};
use crate::faults::{Point, pass};
use crate::gate::Load;
use crate::lease::{self, Lease, Moment};
use crate::outbox::OutboxSignal;
use crate::randomness::Randomness;

/// The longest sleep of the dispatcher: wake-ups are hints, and this is the fallback.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How many claims may wait for their commit at once. With one, concurrency that falls free just after it was
/// submitted would stay unused for two commits.
const MAX_PENDING_CLAIMS: usize = 4;

/// How many batches are called one after another in one turn of a connector that writes files.
const MAX_BATCHES_PER_TURN: u32 = 4;

/// What a dispatcher is made of.
pub(crate) struct Parts {
    pub connectors: Arc<Connectors>,
    pub store: Store,
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<Randomness>,
    pub outbox: Arc<OutboxSignal>,
}

/// Dispatches the deliveries of one sink.
pub(crate) struct Dispatcher {
    connector: String,
    connectors: Arc<Connectors>,
    store: Store,
    writer: Writer,
    clock: Arc<dyn Clock>,
    pace: Arc<Pace>,
    load: Arc<Load>,
    caller: Caller,
}

/// What a claim found.
enum Found {
    /// As much as it asked for: there may be more.
    Enough,
    /// Less: that was all that is due now. The calls that it started wake the dispatcher when they end.
    All,
    /// Nothing is due for this long.
    Nothing(Duration),
}

impl Dispatcher {
    /// A dispatcher for the sink of this connector; its deliveries in progress are counted in `load`.
    pub fn new(connector: &str, sink: &Sink, load: Arc<Load>, parts: Parts) -> Self {
        let Parts { connectors, store, writer, clock, randomness, outbox } = parts;
        let pace = Arc::new(Pace::new(sink, clock.monotonic()));
        let recorder = Recorder {
            connector: connector.to_owned(),
            writer: writer.clone(),
            load: Arc::clone(&load),
            outbox,
        };
        let caller = Caller {
            clock: Arc::clone(&clock),
            randomness,
            pace: Arc::clone(&pace),
            recorder,
            wake: writer.wake(connector),
        };
        Self { connector: connector.to_owned(), connectors, store, writer, clock, pace, load, caller }
    }

    /// Dispatches until `drain`, and then until its calls have ended.
    pub async fn run(self, drain: CancellationToken) {
        let wake: Arc<Notify> = Arc::clone(&self.caller.wake);
        let dispatcher = Arc::new(self);
        let calls = TaskTracker::new();
        let (claimed, mut claims) = mpsc::unbounded_channel();
        let mut pending = 0;
        let mut look = true;
        let mut sleep = POLL_INTERVAL;
        loop {
            if look && pending < MAX_PENDING_CLAIMS {
                match dispatcher.capacity() {
                    Ok(permits) => {
                        pending += 1;
                        let (dispatcher, calls) = (Arc::clone(&dispatcher), calls.clone());
                        let (claimed, drain) = (claimed.clone(), drain.clone());
                        calls.clone().spawn(async move {
                            let found = dispatcher.claim(permits, &calls, &drain).await;
                            // The dispatcher has ended when nobody receives.
                            let _ = claimed.send(found);
                        });
                        continue;
                    }
                    Err(pause) => sleep = pause,
                }
            }
            tokio::select! {
                () = drain.cancelled() => break,
                () = wake.notified() => look = true,
                () = tokio::time::sleep(sleep) => look = true,
                Some(found) = claims.recv() => {
                    pending -= 1;
                    (look, sleep) = match found {
                        Found::Enough => (true, POLL_INTERVAL),
                        Found::All => (false, POLL_INTERVAL),
                        Found::Nothing(pause) => (false, pause),
                    };
                }
            }
        }
        calls.close();
        calls.wait().await;
    }

    /// Permits for what may be sent now, or how long nothing may.
    fn capacity(&self) -> Result<Vec<Permit>, Duration> {
        let capacity = self.pace.take(self.clock.monotonic());
        // Deliveries to a target that is down, or rate-limited, are not this host's backlog.
        self.load.set_exempt(matches!(capacity, Capacity::After(_)));
        match capacity {
            Capacity::Now(permits) => Ok(permits),
            Capacity::Full => Err(POLL_INTERVAL),
            Capacity::After(wait) => Err(wait.clamp(Duration::from_millis(1), POLL_INTERVAL)),
        }
    }

    /// Claims what the permits are for, and starts its calls.
    async fn claim(
        self: &Arc<Self>,
        mut permits: Vec<Permit>,
        calls: &TaskTracker,
        drain: &CancellationToken,
    ) -> Found {
        // A connector that writes files makes one call at a time. It claims when it is its turn, so that the lease does
        // not run out while others have theirs.
        let turn = tokio::select! {
            biased;
            () = drain.cancelled() => {
                self.give_back(permits);
                return Found::Nothing(POLL_INTERVAL);
            }
            turn = self.connectors.turn(&self.connector) => turn,
        };
        let connector = self.connectors.get(&self.connector);
        let Some((connector, sink)) =
            connector.as_ref().and_then(|connector| Some((connector, connector.sink.as_ref()?)))
        else {
            self.give_back(permits);
            return Found::Nothing(POLL_INTERVAL);
        };
        let mut batches_in_a_row = 1;
        if turn.is_some() {
            batches_in_a_row = MAX_BATCHES_PER_TURN;
            let limit = sink.batch.max(1).saturating_mul(MAX_BATCHES_PER_TURN as usize);
            self.give_back(permits.split_off(limit.min(permits.len())));
        }
        let asked = permits.len();
        let claimed_at = Moment::now(&*self.clock);
        // A batch may need two calls: deliveries that may have been sent are looked up, the others are sent.
        let lease = lease::length(connector.deadline, batches_in_a_row * 2);
        let claim = Claim {
            connector: self.connector.clone(),
            limit: u32::try_from(asked).unwrap_or(u32::MAX),
            now: claimed_at.wall,
            lease,
            keys: sink.policy.keys,
        };
        let claimed = match self.writer.claim(claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(connector = self.connector, %error, "claiming failed, trying again");
                self.give_back(permits);
                return Found::Nothing(POLL_INTERVAL);
            }
        };
        let got = claimed.len();
        if got > 0 {
            pass(Point::AfterClaim);
        }
        let mut permits = permits.into_iter();
        let batches: Vec<Vec<_>> = batches(claimed, sink.batch)
            .into_iter()
            .map(|batch| batch.into_iter().zip(permits.by_ref()).collect())
            .collect();
        self.give_back(permits);
        self.start(connector, batches, Lease::new(claimed_at, lease), turn, calls);
        match got {
            0 => Found::Nothing(self.idle().await),
            _ if got == asked => Found::Enough,
            _ => Found::All,
        }
    }

    /// Starts the calls of a claim: at once, or one after another where it is the connector's turn.
    fn start(
        self: &Arc<Self>,
        connector: &Arc<Connector>,
        batches: Vec<Vec<Permitted>>,
        lease: Lease,
        turn: Option<Turn>,
        calls: &TaskTracker,
    ) {
        let Some(turn) = turn else {
            for batch in batches {
                let (dispatcher, connector) = (Arc::clone(self), Arc::clone(connector));
                calls.spawn(async move { dispatcher.caller.attempt(&connector, batch, lease).await });
            }
            return;
        };
        if batches.is_empty() {
            return;
        }
        let (dispatcher, connector) = (Arc::clone(self), Arc::clone(connector));
        calls.spawn(async move {
            for batch in batches {
                dispatcher.caller.attempt(&connector, batch, lease).await;
            }
            drop(turn);
        });
    }

    fn give_back(&self, permits: impl IntoIterator<Item = Permit>) {
        self.pace.give_back(permits, self.clock.monotonic());
    }

    /// Nothing was due: how long until something is.
    async fn idle(&self) -> Duration {
        if self.pace.in_flight() == 0 {
            self.load.set(0);
        }
        let now = self.clock.now();
        match self.store.next_due().await {
            Ok(due) => match due.into_iter().find(|(connector, _)| *connector == self.connector) {
                Some((_, at)) => at.since(now).clamp(Duration::from_millis(1), POLL_INTERVAL),
                None => POLL_INTERVAL,
            },
            Err(error) => {
                tracing::error!(connector = self.connector, %error, "looking up the next delivery failed");
                POLL_INTERVAL
            }
        }
    }
}

/// Splits claimed deliveries into calls. A delivery that the plugin failed at before goes alone, so that it does not
/// fail others with it again.
fn batches(claimed: Vec<Claimed>, size: usize) -> Vec<Vec<Claimed>> {
    let (alone, together): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|delivery| delivery.failures > 0);
    let mut batches: Vec<Vec<Claimed>> = alone.into_iter().map(|delivery| vec![delivery]).collect();
    let mut together = together.into_iter().peekable();
    while together.peek().is_some() {
        batches.push(together.by_ref().take(size.max(1)).collect());
    }
    batches
}
