//! One driver a sink: claims no more than may be sent now, calls the plugin, records what came of it.
//!
//! The claim is the durable record that a delivery may have been sent, so it is made only for what the
//! limits, the breaker and the concurrency let through at this moment. A slot is free again as soon as the
//! plugin has answered, not when the answer is durable: so the next claim rides in the transaction that
//! settles the last one.

mod attempt;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use crossdock_rules::breaker::Permit;
use crossdock_storage::{Claim, Claimed};
use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;

use crate::connector::Sink;
use crate::faults::{Point, pass};
use crate::gate::Load;
use crate::shared::Shared;
use pace::{Pace, Room};

/// The longest the driver sleeps without looking: wake-ups are hints, and this is the fallback.
const LOOK: Duration = Duration::from_secs(1);

/// How many claims may be on their way to the disk at once. With one, every slot that falls free just after
/// it has left would stand empty for two commits.
const CLAIMS: usize = 4;

/// What one sink's driver and its calls share.
pub(crate) struct Dispatch {
    shared: Arc<Shared>,
    name: String,
    pace: Pace,
    load: Arc<Load>,
    wake: Arc<Notify>,
}

/// What a claim found.
enum Found {
    /// As much as it asked for: there may be more.
    Enough,
    /// Less: that was all that is due now. The calls that it started wake the driver when they end.
    All,
    /// Nothing is due for this long.
    Nothing(Duration),
}

/// Drives one sink until the host is told to stop, and then until its calls have ended.
pub(crate) async fn run(shared: Arc<Shared>, name: String, sink: Sink) {
    let Some(load) = shared.sending.get(&name).cloned() else { return };
    let wake = shared.writer.wake(&name);
    let pace = Pace::new(&sink, shared.now());
    let dispatch = Arc::new(Dispatch { name, pace, load, wake, shared });
    let calls = TaskTracker::new();
    let (ended, mut claims) = mpsc::unbounded_channel();
    let mut under_way = 0;
    let mut hungry = true;
    let mut sleep = LOOK;
    loop {
        if hungry && under_way < CLAIMS {
            match dispatch.room() {
                Ok(permits) => {
                    under_way += 1;
                    let (dispatch, calls, ended) = (Arc::clone(&dispatch), calls.clone(), ended.clone());
                    calls.clone().spawn(async move {
                        let found = dispatch.claim(permits, &calls).await;
                        // The driver has ended when nobody listens.
                        let _ = ended.send(found);
                    });
                    continue;
                }
                Err(pause) => sleep = pause,
            }
        }
        tokio::select! {
            () = dispatch.shared.drain.cancelled() => break,
            () = dispatch.wake.notified() => hungry = true,
            () = tokio::time::sleep(sleep) => hungry = true,
            Some(found) = claims.recv() => {
                under_way -= 1;
                (hungry, sleep) = match found {
                    Found::Enough => (true, LOOK),
                    Found::All => (false, LOOK),
                    Found::Nothing(pause) => (false, pause),
                };
            }
        }
    }
    calls.close();
    calls.wait().await;
}

impl Dispatch {
    /// What may be sent now, or how long nothing may.
    fn room(&self) -> Result<Vec<Permit>, Duration> {
        let now = self.shared.now();
        let room = self.pace.room(now);
        // Where the target is down, or slow by agreement, what piles up is not this machine's backlog.
        self.load.excuse(matches!(room, Room::At(_)));
        match room {
            Room::Now(permits) => Ok(permits),
            Room::Full => Err(LOOK),
            Room::At(at) => Err(at.since(now).clamp(Duration::from_millis(1), LOOK)),
        }
    }

    /// Claims what the permits are for, and starts its calls.
    async fn claim(self: &Arc<Self>, permits: Vec<Permit>, calls: &TaskTracker) -> Found {
        let asked = permits.len();
        let Some(connector) = self.shared.connectors.get(&self.name) else { return Found::Nothing(LOOK) };
        let Some(sink) = &connector.sink else { return Found::Nothing(LOOK) };
        let claim = Claim {
            connector: self.name.clone(),
            limit: u32::try_from(asked).unwrap_or(u32::MAX),
            now: self.shared.now(),
            // Twice the deadline: a call that has not ended by then never will.
            lease: sink.deadline.saturating_mul(2).saturating_add(Duration::from_secs(10)),
        };
        let claimed = match self.shared.writer.claim(claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(connector = self.name, %error, "claiming failed, trying again");
                self.pace.unused(permits, self.shared.now());
                return Found::Nothing(LOOK);
            }
        };
        let got = claimed.len();
        if got > 0 {
            pass(Point::AfterClaim);
        }
        let mut permits = permits.into_iter();
        for chunk in chunks(claimed, sink.batch) {
            let (dispatch, connector) = (Arc::clone(self), Arc::clone(&connector));
            let permits: Vec<_> = permits.by_ref().take(chunk.len()).collect();
            calls.spawn(async move { dispatch.attempt(&connector, chunk, permits).await });
        }
        self.pace.unused(permits.collect(), self.shared.now());
        match got {
            0 => Found::Nothing(self.idle().await),
            _ if got == asked => Found::Enough,
            _ => Found::All,
        }
    }

    /// Nothing was due: how long until something is.
    async fn idle(&self) -> Duration {
        if self.pace.under_way() == 0 {
            self.load.set(0);
        }
        let now = self.shared.now();
        match self.shared.store.next_due().await {
            Ok(due) => match due.into_iter().find(|(connector, _)| *connector == self.name) {
                Some((_, at)) => at.since(now).clamp(Duration::from_millis(1), LOOK),
                None => LOOK,
            },
            Err(error) => {
                tracing::error!(connector = self.name, %error, "the next delivery cannot be looked up");
                LOOK
            }
        }
    }
}

/// Splits what was claimed into calls. What failed a plugin before goes alone, so that one bad piece does
/// not take others with it again.
fn chunks(claimed: Vec<Claimed>, batch: usize) -> Vec<Vec<Claimed>> {
    let (alone, together): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|piece| piece.failures > 0);
    let mut chunks: Vec<Vec<Claimed>> = alone.into_iter().map(|piece| vec![piece]).collect();
    let mut together = together.into_iter().peekable();
    while together.peek().is_some() {
        chunks.push(together.by_ref().take(batch.max(1)).collect());
    }
    chunks
}
