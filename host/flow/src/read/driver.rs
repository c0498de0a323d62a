//! One driver for each connector: reads its pending requests, a bounded number at once.
//!
//! A request that was just accepted is handed over in memory while there is room; all others are claimed from the
//! store, no more at a time than can be read at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crossdock_engine::Error;
use crossdock_model::time::Clock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::queue::{DirectRequests, Leased, ReadOutcome, ReadQueue};
use super::slots::{CallSlot, ConnectorSlots, ReadPermit};
use crate::connectors::{Connectors, Turn};
use crate::lease::{Lease, Moment};
use crate::pending::PendingInbounds;
use crossdock_engine::ClaimInbounds;
use crossdock_engine::view::Inbound;

/// The longest time between two looks at the store: wake-ups are hints, and this is the fallback.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest interval between two unprompted looks at the store.
const MIN_LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// How many requests are claimed at once.
const MAX_CLAIM: usize = 32;

/// The wait before the store is asked again after it failed.
const STORE_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Reads one request to its end.
#[async_trait]
pub(crate) trait ReadInbound: Send + Sync + 'static {
    /// Reads a request until its events are stored, it is quarantined, or it is postponed. `slot` is dropped when the
    /// plugin has answered.
    async fn read(&self, inbound: Inbound, slot: CallSlot) -> ReadOutcome;
}

/// What a read driver is made of.
pub(crate) struct Parts {
    pub connector: String,
    pub queue: ReadQueue,
    pub direct: DirectRequests,
    pub slots: ConnectorSlots,
    pub connectors: Arc<Connectors>,
    pub inbounds: Arc<dyn PendingInbounds>,
    pub reader: Arc<dyn ReadInbound>,
    pub clock: Arc<dyn Clock>,
    /// How long reading one request takes at most.
    pub max_read_time: Duration,
}

/// What is held until the events of a request are stored.
type Held = (ReadPermit, Option<Turn>);

/// Reads the pending requests of one connector. A source whose system hangs delays its own requests and no others.
pub(crate) struct ReadDriver {
    parts: Parts,
    claimed: VecDeque<Leased>,
    /// When to look at the store again, if nothing wakes the driver before.
    next_look: Instant,
    /// When to ask the store again after it failed.
    retry_at: Instant,
    /// True when the next request is taken from those handed over directly, if there is one: so neither they nor those
    /// in the store wait for ever.
    direct_first: bool,
    /// True when the last look found a count of pending requests that the store does not confirm.
    miscounted: bool,
}

impl ReadDriver {
    pub fn new(parts: Parts) -> Self {
        let now = Instant::now();
        Self {
            parts,
            claimed: VecDeque::new(),
            next_look: now,
            retry_at: now,
            direct_first: false,
            miscounted: false,
        }
    }

    /// Reads until `drain`. Reads in flight then go on in `reads`; what is leased and not being read is read when its
    /// lease has ended, or by the next process.
    pub async fn run(mut self, reads: TaskTracker, drain: CancellationToken) {
        loop {
            let next = tokio::select! {
                biased;
                () = drain.cancelled() => return,
                next = self.next() => next,
            };
            let Some((Leased { inbound, lease, .. }, read, slot)) = next else { return };
            let now = Moment::now(&*self.parts.clock);
            if !lease.covers(self.parts.max_read_time, now) {
                tracing::debug!(inbound = inbound.id, "its lease ends too soon: it is claimed again");
                self.parts.queue.read(inbound.attempts, ReadOutcome::Abandoned);
                self.parts.queue.wake();
                continue;
            }
            let (reader, queue) = (Arc::clone(&self.parts.reader), self.parts.queue.clone());
            reads.spawn(async move {
                let attempts = inbound.attempts;
                let outcome = reader.read(inbound, slot).await;
                queue.read(attempts, outcome);
                drop(read);
            });
        }
    }

    /// Waits for a request and for the right to read it. None never.
    async fn next(&mut self) -> Option<(Leased, Held, CallSlot)> {
        let read = self.parts.slots.read().await?;
        let share = self.parts.slots.share().await?;
        let leased = self.request().await;
        // Waiting for the turn of a connector that writes files takes no slot from others.
        let turn = self.parts.connectors.turn(&self.parts.connector).await;
        let slot = self.parts.slots.call(share).await?;
        Some((leased, (read, turn), slot))
    }

    /// The next request.
    async fn request(&mut self) -> Leased {
        loop {
            self.direct_first = !self.direct_first;
            if self.direct_first
                && let Some(leased) = self.parts.direct.try_next()
            {
                return leased;
            }
            if self.claimed.is_empty() {
                self.look().await;
            }
            if let Some(leased) = self.claimed.pop_front().or_else(|| self.parts.direct.try_next()) {
                return leased;
            }
            let (queue, next_look) = (self.parts.queue.clone(), self.next_look);
            tokio::select! {
                leased = self.parts.direct.next() => return leased,
                () = queue.woken() => self.next_look = Instant::now().max(self.retry_at),
                () = tokio::time::sleep_until(next_look) => {}
            }
        }
    }

    /// Claims due requests, if there may be any by now.
    async fn look(&mut self) {
        let now = Instant::now();
        if now < self.retry_at || (now < self.next_look && !self.parts.queue.has_unclaimed()) {
            return;
        }
        if let Err(error) = self.try_look().await {
            tracing::error!(
                connector = self.parts.connector, %error, "claiming requests failed, trying again"
            );
            self.parts.queue.set_unclaimed();
            self.retry_at = Instant::now() + STORE_RETRY_DELAY;
            self.next_look = self.retry_at;
        }
    }

    async fn try_look(&mut self) -> Result<(), Error> {
        // A request that nobody announced is known by its due time.
        if !self.parts.queue.take_unclaimed() && !self.schedule().await? {
            return Ok(());
        }
        let limit = self.parts.slots.free_shares().saturating_add(1).min(MAX_CLAIM);
        let claimed = Moment::now(&*self.parts.clock);
        let lease = self.parts.queue.lease();
        let claim = ClaimInbounds {
            connector: self.parts.connector.clone(),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            now: claimed.wall,
            lease,
        };
        let inbounds = self.parts.inbounds.claim(claim).await?;
        let all = inbounds.len() < limit;
        for inbound in inbounds {
            self.parts.queue.claimed(&inbound);
            self.claimed.push_back(Leased::claimed(inbound, Lease::new(claimed, lease)));
        }
        if all {
            self.schedule().await?;
        } else {
            self.parts.queue.set_unclaimed();
        }
        Ok(())
    }

    /// Sets the time of the next look to when a request is due. True when one is due now.
    async fn schedule(&mut self) -> Result<bool, Error> {
        let due = self.parts.inbounds.next_due().await?;
        let due = due.into_iter().find(|(connector, _)| *connector == self.parts.connector);
        let wait = match &due {
            Some((_, at)) => at.since(self.parts.clock.now()),
            None => POLL_INTERVAL,
        };
        self.correct_count(due.is_none());
        self.next_look = Instant::now() + wait.clamp(MIN_LOOK_INTERVAL, POLL_INTERVAL);
        Ok(wait.is_zero())
    }

    /// Where the store says twice in a row that nothing is pending, and nothing is being read, the count is wrong: two
    /// hosts had read the same request.
    fn correct_count(&mut self, nothing_stored: bool) {
        let idle = self.claimed.is_empty() && self.parts.slots.is_idle() && self.parts.direct.is_empty();
        let wrong = nothing_stored && idle && self.parts.queue.pending() > 0;
        if wrong && self.miscounted {
            self.parts.queue.nothing_pending();
        }
        self.miscounted = wrong;
    }
}
