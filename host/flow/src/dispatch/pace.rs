//! How much may be sent now: concurrency, the rate limit and the breaker, in one place. Time is monotonic.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossdock_model::time::Millis;
use crossdock_rules::breaker::{self, Breaker, Permit};
use crossdock_rules::limiter::Limiter;
use crossdock_rules::outcome::{Settlement, Signal};

use crate::connector::Sink;

/// A rate no target is called at: it stands for "no limit but concurrency".
const UNLIMITED_RATE: f64 = 1_000_000.0;

/// How soon to look again while the breaker's probe is in flight.
const PROBE_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How much may be sent now.
#[derive(Debug)]
pub(super) enum Capacity {
    /// So many deliveries, each with the breaker's permit.
    Now(Vec<Permit>),
    /// Nothing for this long.
    After(Duration),
    /// Nothing until a call ends.
    Full,
}

/// The limits of one sink, and what counts against them.
pub(super) struct Pace {
    started: Instant,
    inner: Mutex<Inner>,
}

struct Inner {
    breaker: Breaker,
    limiter: Limiter,
    concurrency: u32,
    in_flight: u32,
}

impl Pace {
    pub fn new(sink: &Sink, now: Instant) -> Self {
        let (rate, burst) = sink.rate.unwrap_or((UNLIMITED_RATE, 1_000_000));
        let limiter = Limiter::new(rate, burst, Millis(0));
        let breaker = Breaker::new(breaker::Options::default());
        let inner = Inner { breaker, limiter, concurrency: sink.concurrency, in_flight: 0 };
        Self { started: now, inner: Mutex::new(inner) }
    }

    /// Takes permits for everything that may be sent now.
    pub fn take(&self, now: Instant) -> Capacity {
        let now = self.since_start(now);
        let mut inner = self.lock();
        let free = inner.concurrency.saturating_sub(inner.in_flight);
        if free == 0 {
            return Capacity::Full;
        }
        let tokens = inner.limiter.take(free, now);
        if tokens == 0 {
            return Capacity::After(inner.limiter.ready_at(now).since(now).max(Duration::from_millis(1)));
        }
        let mut permits = Vec::new();
        for _ in 0..tokens {
            let Some(permit) = inner.breaker.permit(now) else { break };
            permits.push(permit);
        }
        let taken = u32::try_from(permits.len()).unwrap_or(u32::MAX);
        inner.limiter.put_back(tokens.saturating_sub(taken));
        inner.in_flight = inner.in_flight.saturating_add(taken);
        if taken > 0 {
            return Capacity::Now(permits);
        }
        match inner.breaker.state(now) {
            breaker::State::Open { until } => Capacity::After(until.since(now)),
            // The probe is in flight: its answer decides.
            breaker::State::HalfOpen | breaker::State::Closed => Capacity::After(PROBE_POLL_INTERVAL),
        }
    }

    /// Gives back permits of calls that were not made.
    pub fn give_back(&self, permits: impl IntoIterator<Item = Permit>, now: Instant) {
        let now = self.since_start(now);
        let mut inner = self.lock();
        for permit in permits {
            inner.limiter.put_back(1);
            inner.in_flight = inner.in_flight.saturating_sub(1);
            inner.breaker.record(permit, Signal::Neither, now);
        }
    }

    /// A call has ended, with what it says about the target.
    pub fn ended(&self, permit: Permit, settlement: &Settlement, now: Instant) {
        let now = self.since_start(now);
        let mut inner = self.lock();
        inner.in_flight = inner.in_flight.saturating_sub(1);
        inner.breaker.record(permit, settlement.breaker, now);
        if let Some(wait) = settlement.slow {
            inner.limiter.throttled(wait, now);
        }
    }

    /// How many deliveries are in flight.
    pub fn in_flight(&self) -> u32 {
        self.lock().in_flight
    }

    /// The time that limiter and breaker count in.
    fn since_start(&self, now: Instant) -> Millis {
        Millis(0).plus(now.saturating_duration_since(self.started))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
